"""Forms of a Hessian that make its linear solves cheap."""

from __future__ import annotations

from collections.abc import Sequence

from symgrad.autodiff import jvp
from symgrad.expr.leaves import is_value, symbol, zeros
from symgrad.expr.node import Expr
from symgrad.expr.traverse import free_symbols
from symgrad.rewrite.simplify import simplify_all


def diagonal_of(gradient: Sequence[Expr], unknowns: Sequence[Expr]) -> list[Expr] | None:
    """The diagonal of a Hessian, an array per unknown, or None where it has more than a diagonal.

    It is diagonal where the Hessian times a direction v is ``d * v``, entry by entry, with no v in `d`.
    """
    parts: list[Expr] = []
    for i, x in enumerate(unknowns):
        direction = symbol(f"direction of {x.name}", x.shape)
        for j, slope in enumerate(gradient):
            product = jvp(slope, x, direction)
            if i != j:
                if not is_value(product, 0):
                    return None
                continue
            (ratio,) = simplify_all([product / direction])
            if direction in set(free_symbols(ratio)):
                return None
            parts.append(ratio if ratio.shape == x.shape else ratio + zeros(x.shape))
    return parts
