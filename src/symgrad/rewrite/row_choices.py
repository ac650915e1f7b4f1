"""Choices by rows, ``where(c[:, newaxis], A, 0)``: of a diagonal matrix, and one within another."""

from __future__ import annotations

from typing import Final

from symgrad.expr.leaves import EYE, is_value, number
from symgrad.expr.node import Expr
from symgrad.ops.arithmetic import mul_all, split_coefficient
from symgrad.ops.einsum import EINSUM, einsum_node, is_layout
from symgrad.ops.guard import WHERE
from symgrad.ops.symmetry import Labels
from symgrad.rewrite.rule import Guarantee, Rule


def _choice_of_diagonal(y: Expr) -> Expr | None:
    """``where(c[:, newaxis], diag(u), 0) -> diag(where(c, u, 0))``, so for columns."""
    condition, live, dead = y.args
    c, matrix = split_coefficient(live)
    rows = is_layout(condition) and condition.args[0].ndim == 1 == len(condition.params.spread)
    if y.ndim != 2 or not rows or not is_value(dead, 0) or matrix is None or isinstance(c, bool):
        return None
    if matrix.op is not EINSUM or matrix.params.out != (0, 1) or matrix.params.spread:
        return None
    identity = [x for x in matrix.args if x.op is EYE]
    vectors = [x for x in matrix.args if x.op is not EYE]
    if len(identity) != 1 or not vectors or any(x.ndim != 1 for x in vectors):
        return None
    if any(len(labels) > 1 and set(labels) != {0, 1} for labels in matrix.params.inputs):
        return None
    shape = vectors[0].shape
    value = mul_all([number(c, shape), *vectors])
    chosen = WHERE.build((condition.args[0], value, number(0, shape)), ())
    return einsum_node([chosen, *identity], [(0,), (0, 1)], (0, 1), {})


def _choice_in_rows(y: Expr) -> Expr | None:
    """``where(c[:, newaxis], diag(v) @ where(c[:, newaxis], A, 0), 0)``: the choice outside is enough.

    So for any product that sums over nothing, and a condition along the same axes.
    """
    condition, live, dead = y.args
    c, product = split_coefficient(live)
    if not is_value(dead, 0) or product is None or isinstance(c, bool) or not is_layout(condition):
        return None
    if product.op is not EINSUM or is_layout(product):
        return None
    inputs, out, spread = product.params
    (held,), laid, _ = condition.params
    if not set(held) <= set(laid):
        return None
    wanted = tuple([out[laid.index(n)] for n in held])
    operands = [
        x.args[1] if _is_choice_along(x, labels, condition.args[0], wanted) else x
        for x, labels in zip(product.args, inputs, strict=True)
    ]
    if all(a is b for a, b in zip(operands, product.args, strict=True)):
        return None
    extents = {**dict(spread), **dict(zip(out, product.shape, strict=True))}
    whole = mul_all([number(c, y.shape), einsum_node(operands, inputs, out, extents)])
    return WHERE.build((condition, whole, dead), ())


def _is_choice_along(x: Expr, labels: Labels, condition: Expr, wanted: Labels) -> bool:
    """Whether x is ``where(c, A, 0)`` of a condition stretched from these labels."""
    if x.op is not WHERE or not is_value(x.args[2], 0) or not is_layout(x.args[0]):
        return False
    (held,), laid, _ = x.args[0].params
    if x.args[0].args[0] is not condition or not set(held) <= set(laid):
        return False
    return wanted == tuple([labels[laid.index(n)] for n in held])


ROW_RULES: Final = (
    Rule(
        "where(c[:, newaxis], diag(u), 0) = diag(where(c, u, 0))",
        Guarantee.EXACT,
        WHERE,
        _choice_of_diagonal,
    ),
    Rule(
        "where(c[:, newaxis], diag(v) @ where(c[:, newaxis], A, 0), 0), c once",
        Guarantee.EXACT,
        WHERE,
        _choice_in_rows,
    ),
)
