"""Which sums and products are made flat: short ones, in which every grouping has the same type."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from symgrad.expr.node import Expr
from symgrad.expr.types import BOOL, Ty

MAX_FLAT: Final = 16  # operands of a sum or product that is made flat,
MAX_SIZE: Final = 64  # and nodes of its tree: work on flat nodes of deep chains would pile up
SHORT: Final = 12  # and nodes of a factor: a product with longer ones is a part that others share
CHEAP: Final = 4  # nodes of a term with functions in a sum that is made flat


def is_small(a: Expr, b: Expr) -> bool:
    """Whether two operands together are a short formula."""
    return a.size_as_tree + b.size_as_tree <= MAX_SIZE


def of_one_type(operands: Sequence[Expr], ty: Ty) -> bool:
    """Whether operands may be grouped in any way: no partial result is of another type."""
    for x in operands:
        if x.ty is not ty and not x.ty.weak:
            return False
    return ty is not BOOL
