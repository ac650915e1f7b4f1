"""What instructions cost: the time that one takes for an entry, where one addition takes 1."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from symgrad.expr.kinds import Formula, Kind, Tree, Ufunc
from symgrad.expr.op import Op
from symgrad.expr.templates import call_kind, entrywise_kind, operand_count
from symgrad.ops.elementwise import Elementwise
from symgrad.ops.table import OPS

# In the cache; what is neither here nor on a record takes 1
ARITHMETIC: Final[Mapping[Kind, int]] = {Ufunc("divide"): 2, Ufunc("sqrt"): 2, Ufunc("power"): 8}
OF_SCIPY: Final = 20


def cost_of(kind: Kind) -> int:
    """About how long a function of entries, or a reduction, takes for an entry; a leaf takes none."""
    if kind.leaf:
        return 0
    known = costs().get(kind)
    if known is not None:
        return known
    if isinstance(kind, Formula):
        return _of_tree(kind.tree)
    return OF_SCIPY if isinstance(kind, Ufunc) and kind.name.startswith("special.") else 1


@cache
def costs() -> Mapping[Kind, int]:
    """The costs of kinds that records state, `Op.cost`, and those of arithmetic."""
    stated = {_kind_of(op): op.cost for op in OPS.values() if op.cost is not None}
    return {**ARITHMETIC, **{kind: cost for kind, cost in stated.items() if kind is not None}}


def _kind_of(op: Op) -> Kind | None:
    """What computes an op, where that is the same for all its nodes."""
    if isinstance(op, Elementwise) and op.ufunc is not None and op.ufunc.__name__ == op.name:
        return Ufunc(op.name)
    if not isinstance(op.numpy, str):
        return op.numpy if isinstance(op.numpy, Kind) else None
    count = operand_count(op.numpy)
    if not op.elementwise:
        return call_kind(op.numpy, count)
    return entrywise_kind(op.numpy, op.scalar if isinstance(op.scalar, str) else "", count)


def _of_tree(tree: Any) -> int:
    if not isinstance(tree, Tree):
        return 0
    return cost_of(tree.kind) + sum(_of_tree(arg) for arg in tree.args)
