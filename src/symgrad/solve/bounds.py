"""Bounds of unknowns: numbers, arrays, or formulas of parameters; and what assumptions make of them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from symgrad.errors import ArgumentError, DTypeError, ShapeError
from symgrad.expr.dims import broadcast_shapes, show_shape
from symgrad.expr.leaves import assumed
from symgrad.expr.masked import refuse_masked
from symgrad.expr.node import Expr
from symgrad.expr.traverse import free_symbols
from symgrad.ops.einsum import broadcast
from symgrad.ops.elementwise import as_expr
from symgrad.ops.ufuncs import maximum, minimum

LEAST: Final = sys.float_info.min  # an unknown that excludes 0 stays at or above it
HELD: Final = {
    "positive": (LEAST, None),
    "nonnegative": (0.0, None),
    "negative": (None, -LEAST),
    "nonpositive": (None, 0.0),
}


class GivenBounds(NamedTuple):
    """Bounds of all unknowns.

    Attributes
    ----------
    pairs : tuple of (low, high), or None
        For each unknown, as plain data; None where there is no bound, or it depends on parameters.
    limits : list of Expr, or None
        Lower and upper bounds of all unknowns in their shapes, where some depend on parameters.
    """

    pairs: Any
    limits: list[Expr] | None

    @property
    def given(self) -> bool:
        """Whether there are any."""
        return not (self.pairs is None and self.limits is None)

    def options(self) -> dict[str, Any]:
        """What the options of a solver hold of them."""
        return {"bounds": self.pairs} | ({} if self.limits is None else {"limits": self.limits})


UNBOUNDED: Final = GivenBounds(None, None)


def formulas_of(bounds: Any) -> list[Expr]:
    """The formulas among bounds, in which parameters may occur."""
    listed = bounds if isinstance(bounds, (list, tuple)) else []
    sides = [s for pair in listed for s in (pair if isinstance(pair, (list, tuple)) else [pair])]
    return [s for s in sides if isinstance(s, Expr)]


def bounds_of(bounds: Any, unknowns: Sequence[Expr], many: bool) -> GivenBounds:
    """The bounds that were given, and those of assumptions.

    An open one, as ``positive=True`` is, is closed at the least positive normal number, so that 0 is never
    an answer.

    Raises
    ------
    ArgumentError, DTypeError, ShapeError
        For what is no pair of bounds for each unknown, nan, or a formula that mentions an unknown.
    """
    assumptions = [_assumed(x) for x in unknowns]
    given = [(None, None)] * len(unknowns) if bounds is None else _given(bounds, unknowns, many)
    pairs = tuple(
        (_tighter(np.maximum, maximum, a, c), _tighter(np.minimum, minimum, b, d))
        for (a, b), (c, d) in zip(assumptions, given, strict=True)
    )
    if bounds is None and all(pair == (None, None) for pair in pairs):
        return UNBOUNDED
    if not any(isinstance(side, Expr) for pair in pairs for side in pair):
        return GivenBounds(pairs, None)
    sides = [
        _of_shape(x, pair[k], infinite)
        for k, infinite in ((0, -np.inf), (1, np.inf))
        for x, pair in zip(unknowns, pairs, strict=True)
    ]
    return GivenBounds(None, sides)


def _of_shape(x: Expr, side: Any, infinite: float) -> Expr:
    """One side as a formula of the shape of its unknown."""
    e = as_expr(infinite if side is None else np.asarray(side) if isinstance(side, list) else side)
    return broadcast(e, x.shape)


def _assumed(x: Expr) -> tuple[Any, Any]:
    low: Any = None
    high: Any = None
    for key, (below, above) in HELD.items():
        if assumed(x, key):
            low = _tighter(np.maximum, maximum, low, below)
            high = _tighter(np.minimum, minimum, high, above)
    return low, high


def _tighter(choose: Any, choose_formula: Any, a: Any, b: Any) -> Any:
    if a is None or b is None:
        return b if a is None else a
    if isinstance(a, Expr) or isinstance(b, Expr):
        return choose_formula(a, b)
    return choose(a, b).tolist()


def _given(bounds: Any, unknowns: Sequence[Expr], many: bool) -> Any:
    pairs = bounds if many else [bounds]
    if not isinstance(pairs, (list, tuple)) or len(pairs) != len(unknowns):
        raise ArgumentError(
            "bounds are a pair (low, high), or for a list of unknowns a list of pairs"
        )
    for pair in pairs:
        if not isinstance(pair, (list, tuple)) or len(pair) != 2:
            raise ArgumentError(f"a bound must be a pair (low, high), not {pair!r}")
    return tuple(
        tuple(_side(side, x, unknowns) for side in pair)
        for pair, x in zip(pairs, unknowns, strict=True)
    )


def _side(bound: Any, x: Expr, unknowns: Sequence[Expr]) -> Any:
    if not isinstance(bound, Expr):
        return _plain(bound, x)
    if bound.dtype.kind not in "fiu":
        raise DTypeError(f"a bound of {x.name} must be real, got one of dtype {bound.dtype}")
    inside = [str(u.name) for u in unknowns if u in set(free_symbols(bound))]
    if inside:
        raise ArgumentError(
            f"the bound {bound} of {x.name} mentions {', '.join(inside)}: bounds are formulas of"
            " parameters; write inequal= in newton_minimize for what depends on unknowns"
        )
    try:
        fits = broadcast_shapes(bound.shape, x.shape) == x.shape
    except ShapeError:
        fits = False
    if not fits:
        raise ShapeError(
            f"a bound of {x.name} has shape {show_shape(bound.shape)}, needs {show_shape(x.shape)}"
        )
    return bound


def _plain(bound: Any, x: Expr) -> Any:
    if bound is None:
        return None
    refuse_masked(bound, "a bound")
    try:
        array = np.asarray(bound, float)
    except (TypeError, ValueError):
        raise ArgumentError(
            f"a bound must be a number, an array, a formula of parameters or None, not {bound!r}"
        ) from None
    if np.isnan(array).any():
        raise ArgumentError(f"a bound must not be nan, got {bound!r}")
    known = [d for d in x.shape if isinstance(d, int)]
    pairs = zip(array.shape[::-1], reversed(x.shape), strict=False)
    if array.ndim > x.ndim or (len(known) == x.ndim and any(n not in (1, d) for n, d in pairs)):
        raise ShapeError(
            f"a bound of {x.name} has shape {array.shape}, needs {show_shape(x.shape)}; for a bound of"
            " each problem of a batch make it a parameter"
        )
    return array.tolist()
