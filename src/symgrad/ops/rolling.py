"""Roll, the op: entries shifted along an axis of named extent, those beyond the end at its beginning.

Of a known extent a roll is two slices joined. Of a named one the places to cut at are not known: the shift
may be larger than the extent, or there may be no entry at all.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from symgrad.expr.kinds import Call
from symgrad.expr.leaves import is_number
from symgrad.expr.node import Expr, make
from symgrad.expr.op import Op
from symgrad.ops.cast import cast_number
from symgrad.ops.guard import WHERE, is_guard, move_guard
from symgrad.ops.reshaping import linear


class RollParams(NamedTuple):
    """By how many places, and along which axis."""

    shift: int
    axis: int


def rolled(x: Expr, shift: int, axis: int) -> Expr:
    """`x` with entry i of an axis at place ``(i + shift) % n``."""
    if shift == 0 or is_number(x):
        return x
    if x.op is WHERE and is_guard(x):
        return move_guard(x, lambda arg: rolled(arg, shift, axis))
    if x.op is ROLL and x.params.axis == axis:
        return rolled(x.args[0], x.params.shift + shift, axis)
    return make(ROLL, (x,), (shift, axis), x.shape, x.ty)


ROLL: Final[Op] = Op(
    name="roll",
    fields=RollParams,
    moves=True,
    build=lambda args, params: rolled(args[0], *params),
    infer=lambda args, params: (args[0].shape, args[0].ty),
    vjp=lambda g, y, needed: [rolled(cast_number(g, y.ty), -y.params.shift, y.params.axis)],
    jvp=linear(lambda y, t: rolled(t, *y.params)),
    numpy=lambda node: Call("np.roll", (), tuple(node.params._asdict().items())),
    text=lambda node: (
        f"roll({{0}}, {node.params[0]}{f', axis={node.params[1]}' * (node.ndim > 1)})"
    ),
    latex=lambda node: (
        rf"\operatorname{{{{roll}}}}_{{{{{node.params[0]}{f', {node.params[1]}' * (node.ndim > 1)}}}}}"
        r"\left({0}\right)"
    ),
    batch=lambda node, args, carries, dim: rolled(args[0], node.params.shift, node.params.axis + 1),
    unrolled=lambda node, x: np.roll(x, *node.params),
)
