"""Matrices that are factored once: determinant, solutions and inverse of one matrix share its factors.

Each of NumPy's functions factors its matrix by itself, in ``2/3 n**3`` operations. Where two of them act
on one matrix, generated code makes a `_Factor` of it, and each becomes a method of that.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from symgrad.expr.kinds import Call, MethodCall
from symgrad.expr.node import Expr
from symgrad.ops.linalg import LOGABSDET, SIGNDET, SOLVE
from symgrad.ops.matrices import untransposed
from symgrad.ops.properties import is_spd

TURNED: Final = MethodCall("solve", (("turned", True),))  # by the transpose
ONE_CALL: Final = (LOGABSDET, SIGNDET)  # what NumPy gives together


class Use(NamedTuple):
    """A node by the factors of a matrix."""

    matrix: Expr
    method: MethodCall

    @property
    def factor(self) -> Call:
        """What makes the factors."""
        return Call("_Factor", (), (("definite", True),) if is_spd(self.matrix) else ())


def shared_factors(order: Sequence[Expr]) -> dict[Expr, Use]:
    """The nodes of a graph that act on a matrix that others act on too, and how."""
    uses: dict[Expr, dict[Expr, Use]] = {}
    for node in order:
        name = node.op.factored
        if name is not None and node.args[0].ndim == 2:
            inner = untransposed(node.args[0]) if node.op is SOLVE else None
            matrix = node.args[0] if inner is None else inner
            method = MethodCall(name) if inner is None else TURNED
            uses.setdefault(matrix, {})[node] = Use(matrix, method)
    shared: dict[Expr, Use] = {}
    for group in uses.values():
        if len({ONE_CALL if node.op in ONE_CALL else node for node in group}) > 1:
            shared |= group
    return shared
