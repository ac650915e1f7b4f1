"""Formulas up to the identity of their leaves, and the compiled callables that belong to them.

The leaves of a formula are numbered in the order in which a walk meets them and replaced by symbols
that depend on number, shape and dtype alone. So a loop that makes new Variables, or mixes in new
arrays, in every iteration meets the same form, and with it the same compiled callable.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from operator import is_not
from typing import Any, Final

from symgrad.autodiff import pullback
from symgrad.compile import CompiledFunction, lambdify
from symgrad.expr.dims import Shape
from symgrad.expr.leaves import SYMBOL, number, symbol
from symgrad.expr.node import Expr, make
from symgrad.expr.traverse import toposort
from symgrad.expr.types import Ty
from symgrad.variable.cache import Recent

MAX_REMEMBERED: Final = 200_000  # nodes, over all formulas
_NOTHING: Final[frozenset[Expr]] = frozenset()


@dataclass(frozen=True, eq=False)
class Form:
    """A formula with its leaves numbered.

    Attributes
    ----------
    leaves : tuple of Expr
        The nodes of the original formula that became the numbered leaves.
    program : Program
        What is computed from them.
    """

    leaves: tuple[Expr, ...]
    program: Program


@dataclass(eq=False)
class Program:
    """A formula over numbered leaves, its compiled value and gradients, each made when asked for.

    Attributes
    ----------
    expr : Expr
    leaves : tuple of Expr
        The numbered symbols, in order.
    size : int
        How many nodes the formula has.
    """

    expr: Expr
    leaves: tuple[Expr, ...]
    size: int
    _value: CompiledFunction | None = None
    _gradients: dict[Any, tuple[Expr, ...]] = field(default_factory=dict)
    _compiled: dict[Any, CompiledFunction] = field(default_factory=dict)

    def value(self, values: Sequence[Any]) -> Any:
        """The value of the formula at values of its leaves."""
        if self._value is None:
            self._value = lambdify(self.leaves, self.expr)
        return self._value(*values)

    def gradient(self, wrt: tuple[int, ...], seeded: bool) -> tuple[Expr, ...]:
        """The gradients by the leaves with these numbers, times the seed: ones, or `seed_of`."""
        key = (wrt, seeded)
        if key not in self._gradients:
            y = self.expr
            seed = seed_of(y) if seeded else number(1, y.shape, None if y.ty.weak else y.ty)
            self._gradients[key] = tuple(pullback([y], [seed], [self.leaves[i] for i in wrt]))
        return self._gradients[key]

    def gradient_values(self, wrt: tuple[int, ...], values: Sequence[Any], seed: Any) -> list[Any]:
        """The values of the gradients; `seed` is an array, or None for ones."""
        key = (wrt, seed is not None)
        compiled = self._compiled.get(key)
        if compiled is None:
            arguments = [*self.leaves, seed_of(self.expr)] if seed is not None else self.leaves
            compiled = lambdify(arguments, list(self.gradient(*key)))
            self._compiled[key] = compiled
        return compiled(*values) if seed is None else compiled(*values, seed)  # type: ignore[no-any-return]


def seed_of(y: Expr) -> Expr:
    """The symbol that stands for the cotangent of `y` in its gradients."""
    return symbol("seed", y.shape, y.dtype, unique="seed")


@lru_cache(maxsize=4096)
def _numbered(index: int, shape: Shape, ty: Ty) -> Expr:
    return symbol(f"v{index}", shape, ty.dtype, unique="numbered")


_forms: Final[Recent[Form]] = Recent(MAX_REMEMBERED, lambda form: form.program.size)
_programs: Final[Recent[Program]] = Recent(MAX_REMEMBERED, lambda program: program.size)


def form_of(expr: Expr, known: Collection[Expr] = _NOTHING) -> Form:
    """The form of a formula whose leaves are its symbols, and the nodes in `known`."""
    if known is _NOTHING:
        return _forms.get(expr, lambda: _make_form(expr, _NOTHING))
    return _make_form(expr, known)


def _make_form(expr: Expr, known: Collection[Expr]) -> Form:
    image: dict[Expr, Expr] = {}
    order = toposort([expr], skip=known)
    leaves = [node for node in order if node.op is SYMBOL]
    leaves += _frontier([expr], order, known)
    for index, leaf in enumerate(leaves):
        image[leaf] = _numbered(index, leaf.shape, leaf.ty)
    remake(order, image)
    numbered = tuple([image[leaf] for leaf in leaves])
    result = image[expr]
    program = _programs.get((result, numbered), lambda: Program(result, numbered, len(order)))
    return Form(tuple(leaves), program)


def _frontier(roots: Iterable[Expr], order: Sequence[Expr], known: Collection[Expr]) -> list[Expr]:
    """The known nodes that a walk stopped at, in order of first use."""
    if known is _NOTHING:
        return []
    met = [node for node in roots if node in known]
    met += [arg for node in order for arg in node.args if arg in known]
    return list(dict.fromkeys(met))


def remake(order: Iterable[Expr], image: dict[Expr, Expr]) -> None:
    """Extend `image` from leaves to the nodes of `order`, operands first.

    Leaves are exchanged for leaves of the same shape and type, one to one: every node stays what it
    is, so none goes through its constructor again.
    """
    for node in order:
        if node not in image:
            args = tuple([image[arg] for arg in node.args])
            if any(map(is_not, args, node.args)):
                image[node] = make(node.op, args, node.params, node.shape, node.ty)
            else:
                image[node] = node


def renamed(roots: Sequence[Expr], image: Mapping[Expr, Expr]) -> list[Expr]:
    """The roots with leaves exchanged for others of the same shape and type."""
    full = dict(image)
    remake(toposort(roots, skip=full), full)
    return [full[root] for root in roots]


def forget() -> None:
    """Empty the caches of forms and compiled callables."""
    _forms.clear()
    _programs.clear()
