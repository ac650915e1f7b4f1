"""Programs: formulas with the function that computes them, made twice.

The first use runs plain code, without the passes that make it fast; many formulas are used once. The
second compiles. Where formulas of one kin go on being new, as those of a loop that runs a different
number of times in each iteration, compiling does not pay: behind the first few they keep the plain code
until they have been used for long.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from symgrad.compile import lambdify
from symgrad.compile.execute import execute
from symgrad.expr.node import Expr
from symgrad.expr.traverse import Roots, toposort
from symgrad.program.build import lower
from symgrad.targets.data import long_arrays
from symgrad.targets.numpy_source import numpy_source
from symgrad.targets.passes import NEEDED_PASSES, SINGLE_CALLS, prepared
from symgrad.variable.cache import Recent

FEW: Final = 3  # programs of one kin that are compiled at their second use
LONG: Final = 1000  # uses before a further one is, and twice as many for each one after it
SMALL: Final = 2000  # entries, up to which code for large arrays or on several threads does not pay
MAX_REMEMBERED: Final = 200_000  # nodes, over all programs


class TapeProgram:
    """Formulas over symbols, and the function that gives their values.

    Attributes
    ----------
    symbols, outputs : tuple of Expr
    size : int
        How many nodes the formulas have.
    """

    __slots__ = ("_compiled", "_plain", "_uses", "kin", "outputs", "size", "symbols")

    def __init__(self, symbols: tuple[Expr, ...], outputs: tuple[Expr, ...]) -> None:
        self.symbols = symbols
        self.outputs = outputs
        nodes = toposort(outputs)
        self.size = len(nodes)
        self.kin = Kin(
            frozenset([node.op for node in nodes]),
            frozenset([(x.shape, x.ty) for x in symbols]),
            tuple([(e.shape, e.ty) for e in outputs]),
        )
        self._uses = 0
        self._plain: Callable[..., list[Any]] | None = None
        self._compiled: Callable[..., list[Any]] | None = None

    def __call__(self, values: Sequence[Any]) -> list[Any]:
        """The values of the outputs at values of the symbols."""
        function = self._compiled or self._made()
        return function(*values)

    def _made(self) -> Callable[..., list[Any]]:
        """The plain function, or the compiled one from when on that pays."""
        self._uses += 1
        if self._uses >= uses_before_compiling(_kins.get(self.kin, 0)):
            if len(_kins) > MAX_KINS:
                _kins.clear()
            _kins[self.kin] = _kins.get(self.kin, 0) + 1
            self._compiled, self._plain = compiled(self.symbols, self.outputs), None
            return self._compiled
        if self._plain is None:
            self._plain = plain(self.symbols, self.outputs)
        return self._plain


class Kin(NamedTuple):
    """What the programs of one loop have in common: ops, and the types of what they start from and give."""

    ops: frozenset[Any]
    symbols: frozenset[Any]
    outputs: tuple[Any, ...]


_kins: Final[dict[Kin, int]] = {}  # how many programs of a kin are compiled
MAX_KINS: Final = 5_000  # beyond which all are forgotten


def uses_before_compiling(known: int) -> int:
    """The use at which a program is compiled, one of a kin of which so many are."""
    return 2 if known < FEW else LONG << (known - FEW)


def compiled(symbols: Sequence[Expr], outputs: Sequence[Expr]) -> Callable[..., list[Any]]:
    """The compiled function; on a few small arrays its code for arrays, without the checks before it."""
    function = lambdify(list(symbols), list(outputs))
    shapes = [x.shape for x in (*symbols, *outputs)]
    known = all(isinstance(d, int) for shape in shapes for d in shape)
    if not known or sum([math.prod(shape) for shape in shapes]) > SMALL:
        return function
    if not any(x.shape for x in symbols):
        return function
    alone = execute(function.source, "f", {})
    return alone if all(x.shape for x in symbols) else _of_scalars_too(alone)


def _of_scalars_too(function: Callable[..., list[Any]]) -> Callable[..., list[Any]]:
    """Code for arrays, called with floats for scalars, which it takes for NumPy's."""

    def call(*values: Any) -> list[Any]:
        return function(*[np.float64(v) if v.__class__ is float else v for v in values])

    return call


def plain(symbols: Sequence[Expr], outputs: Sequence[Expr]) -> Callable[..., list[Any]]:
    """A function that computes the outputs step by step."""
    program = SINGLE_CALLS.run(lower(symbols, prepared(Roots(outputs), NEEDED_PASSES)))
    nest = ("list", (), tuple(range(len(outputs))))
    function = execute(numpy_source(program, nest), "f", long_arrays(program.arrays))

    on_scalars = _of_scalars_too(function)

    def call(*values: Any) -> list[Any]:
        if any(isinstance(v, np.ndarray) for v in values):
            return on_scalars(*values)
        with np.errstate(all="ignore"):  # numbers have no warnings, as in code on floats
            return on_scalars(*values)

    return call


_programs: Final[Recent[TapeProgram]] = Recent(MAX_REMEMBERED, lambda program: program.size)


def program_of(symbols: Sequence[Expr], outputs: Sequence[Expr]) -> TapeProgram:
    """The one program of formulas over symbols."""
    key = (tuple(symbols), tuple(outputs))
    return _programs.get(key, lambda: TapeProgram(*key))


def forget() -> None:
    """Empty the memory of programs."""
    _programs.clear()
    _kins.clear()
