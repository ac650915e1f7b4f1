"""From formulas to code: which program is made for which arguments, and what is written from it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

from symgrad.expr.collector import COLLECTOR_PAUSED
from symgrad.expr.dims import Shape
from symgrad.expr.node import Expr
from symgrad.expr.pytrees import Nest
from symgrad.expr.traverse import as_roots, toposort
from symgrad.program.build import lower
from symgrad.program.ir import Program
from symgrad.program.sizes import entry_cost, entry_spaces, product_spaces
from symgrad.rewrite.unrolling import by_entries, call_that_pays, has_entries, pays
from symgrad.targets.data import long_arrays
from symgrad.targets.lists import ARRAYS, FLOATS, LARGE, Target
from symgrad.targets.numpy_source import largest_code, numpy_source
from symgrad.targets.passes import FORMULA_PASSES, prepared, run_passes
from symgrad.targets.scalar_source import entries_source, scalar_source


@dataclass(frozen=True)
class Options:
    """How a function is compiled.

    Attributes
    ----------
    name : str
        Of the function in its source.
    threads : int or None
        The most threads that a call uses; None is one for each core.
    fast_math : bool
        Whether accuracy may be traded for speed.
    sizes : tuple of (str, int)
        Extents by dim name, with which the order of contractions is chosen.
    native : bool
        Whether machine code is made where there can be some.
    """

    name: str = "f"
    threads: int | None = None
    fast_math: bool = False
    sizes: tuple[tuple[str, int], ...] = ()
    native: bool = False


class Draft:
    """Formulas on their way to code: what all targets start from."""

    def __init__(self, args: Sequence[Expr], leaves: Sequence[Expr], options: Options) -> None:
        self.args = args
        self.leaves = leaves
        self.options = options
        self._formulas: Sequence[Expr] | None = None
        self._arrays: Program | None = None
        self._lowered: Program | None = None

    def of_options(self, options: Options) -> Draft:
        """The same formulas under other options."""
        draft = Draft(self.args, self.leaves, options)
        draft._formulas = self._formulas
        return draft

    @property
    def formulas(self) -> Sequence[Expr]:
        """The formulas as they are lowered, made when first asked for."""
        if self._formulas is None:
            self._formulas = run_passes(as_roots(self.leaves), FORMULA_PASSES)
        return self._formulas

    def lowered(self, spans: Sequence[Shape] | None = None) -> Program:
        """The program before the passes of a target; scalar arguments span the axes of `spans`."""
        if spans is not None:
            return lower(self.args, self.formulas, spans, dict(self.options.sizes))
        if self._lowered is None:
            self._lowered = lower(self.args, self.formulas, None, dict(self.options.sizes))
        return self._lowered

    def of_arrays(self, program: Program) -> Program:
        """What was lowered as the program for arrays.

        That of arguments with shapes is kept: it is the one for large arrays, before their loops, too.
        Where scalars stand for arrays there is one for each way in which they broadcast: by the shapes
        terms are added in another order.
        """
        target = ARRAYS.with_fast_math() if self.options.fast_math else ARRAYS
        arrays = run_passes(program, target.passes)
        if not program.batched and target == self.target(ARRAYS):
            self._arrays = arrays
        return arrays

    @COLLECTOR_PAUSED
    def of_large_arrays(self, spans: Sequence[Shape] | None = None) -> Program:
        """The program for large arrays before its loops; scalar arguments span the axes of `spans`."""
        more = LARGE.formulas[len(FORMULA_PASSES) :]
        formulas = run_passes(self.formulas, more)
        if spans is None and self._arrays is not None and formulas is self.formulas:
            return self._arrays
        program = lower(self.args, formulas, spans, dict(self.options.sizes))
        return run_passes(program, self.target(ARRAYS).passes)

    def target(self, target: Target) -> Target:
        """A target under the options."""
        half_angles = self.options.fast_math and not self.options.native
        return target.with_fast_math() if half_angles else target


Text = str | Callable[[], str]  # or what writes it


def _once(text: Text) -> Text:
    """A text that several have in common, written when the first asks for it."""
    return cache(text) if callable(text) else text


def _written(text: Text) -> str:
    return text() if callable(text) else text


class Code:
    """The code of a compiled function.

    Attributes
    ----------
    source : str
        The NumPy code, in which long constant arrays are names; written when first asked for.
    arrays : dict
        These arrays, by name.
    doc : str
        The docstring, written when first asked for.
    entries : str
        The code of the entries of its largest array, where it is no function of scalars.
    has_scalar : bool
        Whether there is code for Python floats, or may be such code for the entries of small arrays.
    ordered : bool
        Whether the order of a contraction was chosen by extents that were assumed.
    cost : int
        The additions that take as long as all steps of a function of scalars do for an entry; else 0.
        Counted when first asked for.
    products : str
        The code of the multiplications of its largest product of matrices; empty where there is none.
    worth_after : int
        Which call the code on the entries of small arrays is written at.
    """

    __slots__ = (
        "_cost",
        "_doc",
        "_scalar",
        "_source",
        "arrays",
        "entries",
        "has_scalar",
        "ordered",
        "products",
        "worth_after",
    )

    def __init__(
        self,
        source: Text,
        arrays: dict[str, Any],
        doc: Text,
        entries: str | None,
        scalar: str | Callable[[], str | None] | None,
        ordered: bool,
        cost: int | Callable[[], int],
        products: str,
        worth_after: int = 0,
    ) -> None:
        self._source = source
        self.arrays = arrays
        self._doc = doc
        self.entries = entries
        self.has_scalar = scalar is not None
        self.ordered = ordered
        self._cost = cost
        self.products = products
        self.worth_after = worth_after
        self._scalar = scalar

    @property
    @COLLECTOR_PAUSED
    def source(self) -> str:
        """The NumPy code."""
        self._source = _written(self._source)
        return self._source

    @property
    @COLLECTOR_PAUSED
    def doc(self) -> str:
        """The docstring."""
        self._doc = _written(self._doc)
        return self._doc

    @property
    @COLLECTOR_PAUSED
    def cost(self) -> int:
        """The cost of an entry."""
        if callable(self._cost):
            self._cost = self._cost()
        return self._cost

    @property
    @COLLECTOR_PAUSED
    def scalar(self) -> str | None:
        """The code on Python floats, if it pays; written when first asked for."""
        if callable(self._scalar):
            self._scalar = self._scalar()
        return self._scalar

    @property
    def of_floats(self) -> bool:
        """Whether it is a function of scalars that gives Python floats for Python floats."""
        return self.has_scalar and self.entries is None

    def __reduce__(self) -> Any:
        parts = (self.source, self.arrays, self.doc, self.entries)
        return Code, (*parts, self.scalar, self.ordered, self.cost, self.products)


def write(draft: Draft, program: Program, nest: Nest, doc: Text) -> Code:
    """The code of a program that was just lowered from the formulas of a draft."""
    if FLOATS.accepts(program):
        return _of_scalars(draft, program, nest, doc)
    leaves, options, doc = draft.leaves, draft.options, _once(doc)
    arrays = draft.of_arrays(program)
    scalar: Callable[[], str | None] | None = None
    worth_after = 0
    if not program.batched and has_entries([x for _, x in program.parameters], leaves):
        scalar = partial(_entries_source, arrays, leaves, nest, options.name)
        worth_after = call_that_pays(leaves, arrays.steps())

    def source() -> str:
        return numpy_source(arrays, nest, options.name, _written(doc))

    return Code(
        source,
        long_arrays(arrays.arrays),
        doc,
        None if program.batched else largest_code(arrays, entry_spaces(arrays)),
        scalar,
        program.ordered and bool(program.extents) and not options.sizes,
        entry_cost(arrays) if program.batched else 0,
        largest_code(arrays, product_spaces(arrays)),
        worth_after,
    )


def _of_scalars(draft: Draft, program: Program, nest: Nest, doc: Text) -> Code:
    """The code of a function of scalars, on floats: that for arrays is made when it is due."""
    name, doc = draft.options.name, _once(doc)
    arrays = cache(lambda: draft.of_arrays(program))

    def source() -> str:
        return numpy_source(arrays(), nest, name, _written(doc))

    return Code(
        source,
        {},
        doc,
        None,
        partial(scalar_source, program, nest, name),
        False,
        lambda: entry_cost(arrays()),
        "",
    )


def _entries_source(arrays: Program, leaves: Sequence[Expr], nest: Nest, name: str) -> str | None:
    """The code on the entries of small arrays, where it takes less time than that on arrays."""
    scalars = by_entries(arrays.parameters, leaves)
    if scalars is None:
        return None
    inputs, outputs = scalars.flat()
    if not pays(sum([bool(node.args) for node in toposort(outputs)]) // 2, arrays.steps()):
        return None  # twice as many operations as steps can come of
    program = lower(inputs, prepared(outputs))
    if not (FLOATS.accepts(program) and pays(program.steps(), arrays.steps())):
        return None
    arguments = [(identifier, x.shape) for identifier, x in arrays.parameters]
    return entries_source(program, nest, name, arguments, [y.shape for y in leaves])
