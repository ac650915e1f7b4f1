"""Which of two equal formulas keeps more digits: running error bounds at sampled points.

Both formulas are computed at the same points, sums, products, powers and choices node by node, anything
else as a quantity of its own, with a bound of the rounding error that goes along. Sizes are drawn over
many powers of two, so that one term dwarfs another somewhere; at some points all are about equal.

Reference: Higham, Accuracy and Stability of Numerical Algorithms, 2002, section 3.3.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from symgrad.expr.leaves import value_of
from symgrad.expr.node import Expr
from symgrad.expr.numbers import as_float
from symgrad.expr.ranges import is_nonnegative
from symgrad.expr.traverse import toposort
from symgrad.ops import ufuncs as f
from symgrad.ops.arithmetic import ADD, MUL, POW
from symgrad.ops.comparison import isfinite
from symgrad.ops.einsum import is_layout
from symgrad.ops.guard import WHERE
from symgrad.ops.scaled import quotient

SAMPLES: Final = 96
WIDE: Final = 40.0  # sizes are 2**-WIDE to 2**WIDE
CLOSE: Final = 2.0  # and of a third of the points nearer to 1
MAX_LOSS: Final = (
    16.0  # in the bound, of a form that is used: it counts every operation at its worst
)
MIN_GAIN: Final = 256.0  # somewhere

COMPARISONS: Final = {
    f.less: np.less,
    f.greater: np.greater,
    f.not_equal: np.not_equal,
    f.logical_and: np.logical_and,
}

Bound = tuple[Any, Any]  # the value at all points, and its error in units of rounding


def digits_kept(before: Expr, after: Sequence[Expr]) -> list[float | None]:
    """How many bits each of some formulas equal to `before` keeps on the average that it loses.

    None for one that loses a few more anywhere, or keeps not many more somewhere.
    """
    with np.errstate(all="ignore"):
        bounds = error_bounds([before, *after])
        value, old = bounds[before]
        old = np.maximum(old, 2 * np.abs(value))  # the rounding of the result
        known = np.isfinite(old) & np.isfinite(value) & (old > 0)
        return [_gain(bounds[x][1][known] / old[known]) for x in after]


def _gain(ratio: Any) -> float | None:
    if not len(ratio) or not np.all(ratio <= MAX_LOSS) or not np.any(ratio * MIN_GAIN <= 1):
        return None
    return float(-np.mean(np.log2(np.maximum(ratio, 2.0**-60))))


def error_bounds(roots: Sequence[Expr]) -> dict[Expr, Bound]:
    """Values at the sampled points, and bounds of their errors, of all nodes."""
    rng = np.random.default_rng(0)
    common = _drawn(rng, False)
    known: dict[Expr, Bound] = {}
    for node in toposort(roots):
        known[node] = _bound(node, known, rng, common)
    return known


def _bound(node: Expr, known: dict[Expr, Bound], rng: np.random.Generator, common: Any) -> Bound:
    constant = value_of(node)
    if constant is not None:
        return np.full(SAMPLES, float(as_float(constant))), np.zeros(SAMPLES)
    parts = [known[arg] for arg in node.args]
    if node.op is isfinite:
        return np.isfinite(parts[0][0]), np.zeros(SAMPLES)
    if node.op in COMPARISONS:
        return COMPARISONS[node.op](parts[0][0], parts[1][0]), np.zeros(SAMPLES)
    if node.op is WHERE:
        (condition, _), (a, of_a), (b, of_b) = parts
        return np.where(condition, a, b), np.where(condition, of_a, of_b)
    if node.op is ADD:
        value = sum(v for v, _ in parts)
        return value, sum(e for _, e in parts) + np.abs(value)
    if node.op is MUL:
        return _product(parts)
    if node.op is quotient:
        return _product([parts[0], _power(parts[1], -1.0)])
    if node.op is POW and (n := value_of(node.args[1])) is not None:
        return _power(parts[0], float(as_float(n)))
    if node.op is f.cbrt:
        return np.cbrt(parts[0][0]), _power((np.abs(parts[0][0]), parts[0][1]), 1 / 3)[1]
    if node.op is f.absolute:
        return np.abs(parts[0][0]), parts[0][1]
    if node.op is f.sign:
        return np.sign(parts[0][0]), np.zeros(SAMPLES)
    if is_layout(node):
        return parts[0]
    drawn = _drawn(rng, is_nonnegative(node))
    near = common * (1 + np.exp2(-rng.uniform(5, 30, SAMPLES)))
    drawn = np.where(np.arange(SAMPLES) % 6 == 1, np.copysign(near, drawn), drawn)
    return drawn, np.abs(drawn) if node.args else np.zeros(SAMPLES)


def _drawn(rng: np.random.Generator, nonnegative: bool) -> Any:
    reach = np.where(np.arange(SAMPLES) % 3 == 0, CLOSE, WIDE)
    sizes = np.exp2(rng.uniform(-1, 1, SAMPLES) * reach)
    return sizes if nonnegative else np.where(rng.random(SAMPLES) < 0.5, -sizes, sizes)


def _product(parts: Sequence[Bound]) -> Bound:
    value, relative = parts[0][0], parts[0][1] / np.abs(parts[0][0])
    for v, e in parts[1:]:
        value = value * v
        relative = relative + e / np.abs(v) + 1
    return value, np.where(value == 0, 0.0, relative * np.abs(value))


def _power(base: Bound, n: float) -> Bound:
    value = base[0] ** n
    return value, (abs(n) * base[1] / np.abs(base[0]) + 1) * np.abs(value)
