"""Forms: the formulas of tapes over numbered symbols, and what is compiled for them.

Tapes that differ in data alone have one form. Numbers of Python are constants of it at first, for
``x**2`` is to be differentiated as what it is; after two forms that differ in them alone, those that
differ become symbols. Extents are known numbers at first, too; after two forms that differ in them
alone, those that differ become names.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np

from symgrad.autodiff import pullback, pushforward
from symgrad.errors import SymgradError
from symgrad.expr.dims import Dim, Shape, map_shape
from symgrad.expr.leaves import number, symbol
from symgrad.expr.node import Expr
from symgrad.expr.rewriting import replace
from symgrad.ops.indexing import getitem
from symgrad.variable.cache import Recent
from symgrad.variable.kinds import FLOAT64, ArrayType
from symgrad.variable.program import TapeProgram, program_of
from symgrad.variable.tape import Tape, place_of

MAX_REMEMBERED: Final = 200_000  # calls, over all tapes
MAX_NEAREST: Final = 500  # families that are found at once, each of a tape of no more items
CONSTANT_FORMS: Final = 2  # that differ in numbers alone, before these become symbols
MAX_FORMS: Final = 64  # of one family, where numbers cannot become symbols
SHAPES: Final = 2  # families that differ in extents alone, before these become names
NOTHING: Final[Mapping[int, Expr]] = {}


class TapeForm:
    """A tape as formulas over numbered symbols.

    Attributes
    ----------
    leaves, parameters : tuple of Expr
        The symbols of the leaves, and of the numbers that became symbols.
    positions : tuple of int
        Which numbers of a tape the parameters stand for.
    results : list
        What each call gives: an expression, or a list with expressions.
    derived : dict
        What callers derive from it, by keys of theirs.
    """

    def __init__(
        self,
        leaves: tuple[Expr, ...],
        parameters: tuple[Expr, ...],
        results: list[Any],
        replay: Callable[[Mapping[int, Expr]], list[Any]],
        positions: tuple[int, ...],
    ) -> None:
        self.leaves = leaves
        self.parameters = parameters
        self.results = results
        self.positions = positions
        self.derived: dict[Any, Any] = {}
        self._replay = replay
        self._gradients: dict[Any, tuple[Expr, ...]] = {}
        self._programs: dict[Any, TapeProgram] = {}

    @property
    def symbols(self) -> tuple[Expr, ...]:
        """What the formulas mention."""
        return (*self.leaves, *self.parameters)

    def expr(self, place: int) -> Expr:
        """The formula of a leaf or of a result, by its number on the tape."""
        return _at(self.leaves, self.results, place)

    def values(self, places: tuple[int, ...]) -> TapeProgram:
        """What computes the results of these numbers."""
        found = self._programs.get(places)
        if found is None:
            found = program_of(self.symbols, [self.expr(place) for place in places])
            self._programs[places] = found
        return found

    def gradient(
        self, y: int, wrt: tuple[int, ...], inner: tuple[int, ...], seeded: bool
    ) -> tuple[Expr, ...]:
        """The gradients of a result, times ones or `seed_of`, by leaves and by values on the way.

        The gradient by a value on the way is that by a zero which is added to it.
        """
        key = (y, wrt, inner, seeded)
        found = self._gradients.get(key)
        if found is None:
            found = self._gradients[key] = tuple(self._gradient(*key))
        return found

    def _gradient(
        self, y: int, wrt: tuple[int, ...], inner: tuple[int, ...], seeded: bool
    ) -> list[Expr]:
        results = self.results
        zeros: dict[int, Expr] = {}
        if inner:
            for place in inner:
                e = self.expr(place)
                dtype = FLOAT64 if e.ty.weak else e.dtype
                zeros[place] = symbol(f"zero{-place}", e.shape, dtype, unique="zero")
            results = self._replay(zeros)
        target = _at(self.leaves, results, y)
        seed = (
            seed_of(self.expr(y))
            if seeded
            else number(1, target.shape, None if target.ty.weak else target.ty)
        )
        by = [*[self.leaves[i] for i in wrt], *[zeros[place] for place in inner]]
        if target.shape == () and not seeded and len(by) == 1 and by[0].shape == ():
            found = pushforward(
                [target], {by[0]: seed}
            )  # the nodes that `diff` gives, at any order
        else:
            found = pullback([target], [seed], by)
        none = {zero: number(0, zero.shape) for zero in zeros.values()}
        return replace(found, none, {}) if none else found

    def gradient_program(
        self,
        y: int,
        wrt: tuple[int, ...],
        inner: tuple[int, ...],
        seeded: bool,
        places: tuple[int, ...],
    ) -> TapeProgram:
        """What computes the gradients, and after them the results of these numbers."""
        key = (y, wrt, inner, seeded, places)
        found = self._programs.get(key)
        if found is None:
            arguments = (*self.symbols, seed_of(self.expr(y))) if seeded else self.symbols
            values = [self.expr(place) for place in places]
            outputs = [*self.gradient(y, wrt, inner, seeded), *values]
            found = self._programs[key] = program_of(arguments, outputs)
        return found


def _at(leaves: Sequence[Expr], results: Sequence[Any], place: int) -> Expr:
    if place >= 0:
        return leaves[place]
    at, index = place_of(place)
    found = results[at]
    return found if found.__class__ is Expr else found[index]


def seed_of(y: Expr) -> Expr:
    """The symbol that stands for the cotangent of `y` in its gradients."""
    return symbol("seed", y.shape, y.dtype, unique="seed")


# Making forms

Number = Callable[
    [Any, Sequence[Expr], Any], Any
]  # of a token, its operands and a number of Python


def _replayed(
    items: Sequence[Any],
    leaves: Sequence[Expr],
    scalars: Sequence[Any],
    zeros: Mapping[int, Expr] = NOTHING,
    number_for: Number = lambda token, operands, value: value,
) -> list[Any]:
    """What the calls of a tape give on these expressions; `zeros` are added to some results."""
    results: list[Any] = []
    given = iter(scalars)
    at = 0
    while at < len(items):
        token = items[at]
        stop = at + 1 + token.arity
        operands = [_at(leaves, results, place) for place in items[at + 1 : stop]]
        numbers = [number_for(token, operands, next(given)) for _ in range(token.numbers)]
        result = token.run(operands, numbers)
        results.append(_added(result, len(results), zeros) if zeros else result)
        at = stop
    return results


def _added(result: Any, position: int, zeros: Mapping[int, Expr]) -> Any:
    many = isinstance(result, (list, tuple))
    changed = list(result) if many else [result]
    for place, zero in zeros.items():
        at, index = place_of(place)
        if at == position:
            changed[index] = changed[index] + zero
    return changed if many else changed[0]


def replayed(tape: Tape, leaves: Sequence[Expr]) -> list[Any]:
    """What the calls of a tape give on these expressions for its leaves."""
    return _replayed(tape.items, leaves, tape.scalars)


def _leaf_symbols(kinds: Sequence[ArrayType], shapes: Sequence[Shape]) -> tuple[Expr, ...]:
    return tuple(
        [
            symbol(f"v{i}", shape, kind.dtype, unique="numbered")
            for i, (kind, shape) in enumerate(zip(kinds, shapes, strict=True))
        ]
    )


class _Fixed(SymgradError):
    """A number that cannot become a symbol."""


def _form(tape: Tape, shapes: Sequence[Shape], varying: frozenset[int]) -> TapeForm:
    """The form of a tape in which the numbers at `varying` are symbols.

    Raises
    ------
    SymgradError
        If a function takes no symbol for such a number, or no extents with names.
    """
    leaves = _leaf_symbols(tape.kinds, shapes)
    parameters: list[Expr] = []
    scalars: list[Any] = []

    def number_for(token: Any, operands: Sequence[Expr], value: Any) -> Any:
        if len(scalars) in varying:
            value = symbol(f"c{len(scalars)}", (), _type_for(token, operands), unique="numbered")
            parameters.append(value)
        scalars.append(value)
        return value

    results = _replayed(tape.items, leaves, tape.scalars, number_for=number_for)
    items = tape.items
    return TapeForm(
        leaves,
        tuple(parameters),
        results,
        lambda zeros: _replayed(items, leaves, scalars, zeros),
        tuple(sorted(varying)),
    )


def _type_for(token: Any, operands: Sequence[Expr]) -> Any:
    """The type of a symbol for a number: that which the number would take beside the operands."""
    if token.function is getitem:
        return np.int64
    floats = [x.dtype for x in operands if x.dtype.kind == "f" and not x.ty.weak]
    if not floats:
        raise _Fixed("a number beside integers is part of the formula")
    return np.result_type(*floats)


class Family:
    """The forms of the tapes that differ in numbers alone.

    Attributes
    ----------
    shapes : tuple
        The shapes of the leaves; they may have names.
    """

    def __init__(self, shapes: tuple[Shape, ...]) -> None:
        self.shapes = shapes
        # Which numbers are symbols, and the forms by all others: exchanged together, for other threads
        self._known: tuple[frozenset[int], dict[Any, TapeForm]] = frozenset(), {}
        self._examples: list[tuple[Any, ...]] = []
        self._fixed = False

    def find(self, tape: Tape) -> tuple[TapeForm, list[Any]]:
        """The form of a tape, and the values of its parameters."""
        scalars = tape.scalars
        varying, forms = self._known
        form = forms.get(_constants(scalars, varying) if scalars else ())
        if form is None:
            form = self._made(tape, scalars)
        if not form.parameters:
            return form, []
        pairs = zip(form.parameters, form.positions, strict=True)
        return form, [p.dtype.type(scalars[i]) for p, i in pairs]

    def _made(self, tape: Tape, scalars: tuple[Any, ...]) -> TapeForm:
        varying, forms = self._known
        if len(forms) >= CONSTANT_FORMS and not self._fixed:
            differing = {
                i
                for example in self._examples
                for i, (a, b) in enumerate(zip(example, scalars, strict=True))
                if a != b
            }
            more = varying | differing
            try:
                form = _form(tape, self.shapes, more)
            except SymgradError:
                self._fixed = True
            else:
                self._known = more, {_constants(scalars, more): form}
                self._examples = [scalars]
                return form
        form = _form(tape, self.shapes, varying)
        kept = dict([*forms.items()][-MAX_FORMS:])
        self._known = varying, {**kept, _constants(scalars, varying): form}
        self._examples = [*self._examples[-MAX_FORMS:], scalars]
        return form


def _constants(scalars: tuple[Any, ...], varying: frozenset[int]) -> Any:
    """The numbers that are constants, with 0.0 told from -0.0."""
    return tuple([value or repr(value) for i, value in enumerate(scalars) if i not in varying])


class FormFamilies:
    """The families of the tapes that differ in numbers and extents alone."""

    def __init__(self, weight: int) -> None:
        self.weight = weight
        self._families: dict[tuple[ArrayType, ...], Family] = {}
        self._named: Family | None = None
        self._fixed = False

    def find(self, tape: Tape) -> Family:
        """The family of a tape."""
        return self._families.get(tape.kinds) or self._family(tape)

    def _family(self, tape: Tape) -> Family:
        shapes = tuple([kind.shape for kind in tape.kinds])
        if self._named is not None and bound(self._named.shapes, shapes) is not None:
            return self._named
        if len(self._families) >= SHAPES and not self._fixed:
            known = [tuple([kind.shape for kind in kinds]) for kinds in self._families]
            family = _with_names(tape, [*known, shapes])
            if family is not None:
                self._named = family
                return family
            self._fixed = True
        if len(self._families) >= MAX_FORMS:
            self._families.pop(next(iter(self._families)))
        family = self._families[tape.kinds] = Family(shapes)
        return family


def bound(named: Sequence[Shape], shapes: Sequence[Shape]) -> dict[str, int] | None:
    """What the names in shapes stand for; None where shapes do not fit.

    A name is an extent of at least 2: one of 1 may be a broadcast.
    """
    extents: dict[str, int] = {}
    for d, n in zip(sum(named, ()), sum(shapes, ()), strict=True):
        if d.__class__ is str:
            if n < 2 or extents.setdefault(d, n) != n:
                return None
        elif d != n:
            return None
    return extents


def _with_names(tape: Tape, known: Sequence[tuple[Shape, ...]]) -> Family | None:
    """The family in which extents that differ have names, the same where they always agree.

    None where the formulas cannot have such extents, or mean something else with them.
    """
    columns = list(zip(*[sum(shapes, ()) for shapes in known], strict=True))
    names: dict[tuple[int, ...], str] = {}
    for column in columns:
        if len(set(column)) > 1:
            if min(column) < 2:
                return None
            names.setdefault(column, f"n{len(names)}")
    dims = iter([names.get(column, column[0]) for column in columns])
    shapes = tuple([tuple([next(dims) for _ in shape]) for shape in known[-1]])
    extents = bound(shapes, known[-1])
    assert extents is not None
    try:
        named = _form(tape, shapes, frozenset())
    except SymgradError:
        return None
    plain = _form(tape, known[-1], frozenset())
    same = all(
        a.ty is b.ty and _extents(a.shape, extents) == b.shape
        for a, b in zip(_exprs(named), _exprs(plain), strict=True)
    )
    return Family(shapes) if same else None


def _extents(shape: Shape, known: Mapping[str, int]) -> Shape:
    def rename(name: str) -> Dim:
        return known.get(name, name)

    return map_shape(shape, rename)


def _exprs(form: TapeForm) -> list[Expr]:
    """The formulas of all calls."""
    many = [r if isinstance(r, (list, tuple)) else [r] for r in form.results]
    return [e for part in many for e in part if e.__class__ is Expr]


def extents_of(form: TapeForm, tape: Tape) -> dict[str, int]:
    """What the names of extents in a form stand for on a tape."""
    shapes = [kind.shape for kind in tape.kinds]
    return bound([leaf.shape for leaf in form.leaves], shapes) or {}


_groups: Final[Recent[FormFamilies]] = Recent(MAX_REMEMBERED, lambda group: group.weight)


_nearest: Final[dict[Any, Family]] = {}  # the families of tapes that were met, a few, found at once


def form_of(tape: Tape) -> tuple[TapeForm, list[Any]]:
    """The form of a tape, and the values of its parameters, those of the leaves first left out."""
    key = (tape.items, tape.kinds)
    family = _nearest.get(key)
    if family is None:
        ranks = tuple([kind.rank for kind in tape.kinds])
        group = _groups.get((tape.items, ranks), lambda: FormFamilies(len(tape.items)))
        family = group.find(tape)
        if len(_nearest) >= MAX_NEAREST:
            _nearest.clear()
        if len(tape.items) <= MAX_NEAREST:  # where asking takes long beside the work
            _nearest[key] = family
    return family.find(tape)


def forget() -> None:
    """Empty the memory of forms."""
    _groups.clear()
    _nearest.clear()
