"""One vector at several places among zeros, added up: ``convolve(r, [1, -2, 1])``.

The gradient of ``sum(r**2)`` with second differences ``r = v[2:] - 2*v[1:-1] + v[:-2]`` is computed as a
sum of three arrays with zeros at the ends. Each is a multiple of r.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any, Final

from symgrad.expr.dims import add_dims
from symgrad.expr.leaves import number
from symgrad.expr.node import Expr
from symgrad.expr.numbers import is_exact
from symgrad.ops.arithmetic import add_all, mul, split_coefficient
from symgrad.ops.layout import EMBED
from symgrad.print.printed import printed
from symgrad.rewrite.polynomials import common_number

MAX_WIDTH: Final = 9  # of the weights
Place = tuple[Expr, int, Any]  # what stands among zeros, from where, and its number


def _weights(node: Expr) -> str:
    return ", ".join(str(w) for w in node.params)


CONVOLUTION: Final = printed(
    "convolution",
    infer=lambda args, params: ((add_dims(args[0].shape[0], len(params) - 1),), args[0].ty),
    text=lambda node: f"convolve({{0}}, [{_weights(node)}])",
    latex=lambda node: (
        rf"\operatorname{{{{conv}}}}\left({{0}}, \left[{_weights(node)}\right]\right)"
    ),
)


def as_convolution(x: Expr) -> Expr:
    """A sum of multiples of one vector among zeros as its convolution; any other sum is itself."""
    placed: list[Place] = []
    others: list[Expr] = []
    for term in x.args if x.ndim == 1 else ():
        found = _placed(term)
        if found is None:
            others.append(term)
        else:
            placed.append(found)
    starts = {start: c for _, start, c in placed}
    if len(placed) < 2 or len(starts) < len(placed) or not 0 < max(starts) < MAX_WIDTH:
        return x
    inner, width = placed[0][0], max(starts) + 1
    if any(y is not inner for y, _, _ in placed) or 0 not in starts:
        return x
    scale = common_number(starts.values())
    scale = -scale if starts[0] < 0 else scale
    weights = tuple([_plain(Fraction(starts.get(k, 0)) / scale) for k in range(width)])
    made = CONVOLUTION.build((inner,), weights)
    if made.shape != x.shape:
        return x
    return add_all([*others, mul(number(scale, x.shape), made)])


def _placed(term: Expr) -> Place | None:
    """What stands among zeros without its number, where, and the number; None for anything else."""
    c, rest = split_coefficient(term)
    if rest is None or rest.op is not EMBED or not is_exact(c):
        return None
    entry: Any = rest.params.at[0]
    k, inner = split_coefficient(rest.args[0])
    if entry.__class__ is not tuple or entry[2] != 1 or inner is None or not is_exact(k):
        return None
    start = entry[0]
    return (inner, start, c * k) if start.__class__ is int else None


def _plain(w: Fraction) -> int | Fraction:
    return w.numerator if w.denominator == 1 else w
