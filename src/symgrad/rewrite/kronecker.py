"""Kronecker products by their factors: determinants, inverses, solutions, products, traces.

``A`` has n rows and ``B`` m, both square. No rule forms the product of the two where it is not needed: a
solution takes ``n**3 + m**3`` operations where it took ``(n*m)**3``.

References: Van Loan, The ubiquitous Kronecker product, J. Comput. Appl. Math. 123, 2000.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from symgrad.expr.dims import Dim, mul_dims
from symgrad.expr.leaves import extent
from symgrad.expr.node import Expr
from symgrad.ops.arithmetic import add_all, mul, mul_all, power
from symgrad.ops.determinant import DET
from symgrad.ops.einsum import EINSUM, einsum_node, scale, transpose_axes
from symgrad.ops.linalg import INV, LOGABSDET, SIGNDET, SOLVE, SPD_LOGDET
from symgrad.ops.matrices import scalar_and_rest
from symgrad.ops.products import kron
from symgrad.ops.reshaping import RESHAPE, reshape_to
from symgrad.ops.symmetry import Labels, joined_by
from symgrad.rewrite.rule import Guarantee, Rule

Split = tuple[tuple[int, int], tuple[Dim, Dim]]  # the two labels of an axis, and their extents


def kronecker_factors(x: Expr) -> tuple[Expr, Expr] | None:
    """A and B of ``kron(A, B)``; None for another matrix."""
    if x.op is not RESHAPE or x.ndim != 2:
        return None
    c, inner = scalar_and_rest(x.args[0])
    if inner is None or inner.op is not EINSUM or inner.ndim != 4 or inner.params[2]:
        return None
    if x.shape != (mul_dims(*inner.shape[:2]), mul_dims(*inner.shape[2:])):
        return None
    sides = _two_sides(inner)
    if sides is None:
        return None
    return scale(sides[0], c), sides[1]


def _two_sides(x: Expr) -> tuple[Expr, Expr] | None:
    """The matrices of axes (0, 2) and (1, 3), where no operand leads from one to the other."""
    inputs, out, _ = x.params
    extents = dict(zip(out, x.shape, strict=True))
    sides = []
    for ends in (out[::2], out[1::2]):
        at = joined_by(inputs, ends)
        labels = [inputs[i] for i in at]
        if set(out) & {n for own in labels for n in own} != set(ends):
            return None
        sides.append(einsum_node([x.args[i] for i in at], labels, ends, extents))
    return sides[0], sides[1]


def _square_factors(x: Expr) -> tuple[Expr, Expr] | None:
    found = kronecker_factors(x)
    if found is None or any(a.shape[0] != a.shape[1] for a in found):
        return None
    return found


def _det(y: Expr) -> Expr | None:
    """``det(kron(A, B)) -> det(A)**m * det(B)**n``."""
    found = _square_factors(y.args[0])
    if found is None:
        return None
    a, b = found
    return mul_all([power(DET.build((x,), ()), extent(z.shape[0])) for x, z in ((a, b), (b, a))])


def _sign(y: Expr) -> Expr | None:
    found = _square_factors(y.args[0])
    if found is None:
        return None
    a, b = found
    return mul_all(
        [power(SIGNDET.build((x,), ()), extent(z.shape[0])) for x, z in ((a, b), (b, a))]
    )


def _logdet(y: Expr) -> Expr | None:
    """``log|det(kron(A, B))| -> m*log|det(A)| + n*log|det(B)|``."""
    found = _square_factors(y.args[0])
    if found is None:
        return None
    a, b = found
    return add_all(
        [mul(extent(z.shape[0]), LOGABSDET.build((x,), ())) for x, z in ((a, b), (b, a))]
    )


def _inverse(y: Expr) -> Expr | None:
    """``inv(kron(A, B)) -> kron(inv(A), inv(B))``."""
    found = _square_factors(y.args[0])
    return None if found is None else kron(*[INV.build((x,), ()) for x in found])


def _solution(y: Expr) -> Expr | None:
    """``solve(kron(A, B), c)``: solved for A, then for B."""
    found = _square_factors(y.args[0])
    if found is None:
        return None
    a, b = found
    n, m, k = a.shape[0], b.shape[0], y.shape[1]
    columns = reshape_to(
        SOLVE.build((a, reshape_to(y.args[1], (n, mul_dims(m, k)))), ()), (n, m, k)
    )
    turned = reshape_to(transpose_axes(columns, (1, 0, 2)), (m, mul_dims(n, k)))
    solved = reshape_to(SOLVE.build((b, turned), ()), (m, n, k))
    return reshape_to(transpose_axes(solved, (1, 0, 2)), y.shape)


# In products


def _in_product(y: Expr) -> Expr | None:
    """A product with Kronecker products: each of their axes becomes two, and so in what they meet."""
    inputs, out, spread = y.params
    found = {i: kronecker_factors(x) for i, x in enumerate(y.args)}
    factors = {i: pair for i, pair in found.items() if pair is not None}
    if not factors or spread:
        return None
    fresh = max([n for labels in (*inputs, out) for n in labels]) + 1
    splits: dict[int, Split] = {}
    for i, (a, b) in factors.items():
        for axis, label in enumerate(inputs[i]):
            extents = (a.shape[axis], b.shape[axis])
            if label not in splits:
                splits[label] = (fresh, fresh + 1), extents
                fresh += 2
            elif splits[label][1] != extents:
                return None
    operands: list[Expr] = []
    labels: list[Labels] = []
    for i, (x, own) in enumerate(zip(y.args, inputs, strict=True)):
        if i in factors:
            for part, side in zip(factors[i], (0, 1), strict=True):
                operands.append(part)
                labels.append(tuple([splits[n][0][side] for n in own]))
        else:
            operands.append(reshape_to(x, _split_shape(own, x.shape, splits)))
            labels.append(_split_labels(own, splits))
    shape = _split_shape(out, y.shape, splits)
    wide = _split_labels(out, splits)
    return reshape_to(
        einsum_node(operands, labels, wide, dict(zip(wide, shape, strict=True))), y.shape
    )


def _split_labels(labels: Labels, splits: dict[int, Split]) -> Labels:
    return tuple([k for n in labels for k in (splits[n][0] if n in splits else (n,))])


def _split_shape(labels: Labels, shape: Sequence[Dim], splits: dict[int, Split]) -> tuple[Dim, ...]:
    pairs = zip(labels, shape, strict=True)
    return tuple([d for n, own in pairs for d in (splits[n][1] if n in splits else (own,))])


def _among_themselves(y: Expr) -> Expr | None:
    """``kron(A, B) @ kron(C, D) -> kron(A @ C, B @ D)``, transposes, ``trace(kron(A, B))``."""
    if not all(x.op is RESHAPE for x in y.args):
        return None
    if any(kronecker_factors(x) is None for x in y.args):
        return None
    return _in_product(y)


ROUNDING: Final = Guarantee.ROUNDING
# What a formula is differentiated and read by
KRONECKER_RULES: Final = (
    Rule("det(kron(A, B)) = det(A)**m * det(B)**n", ROUNDING, DET, _det),
    Rule("sign of det(kron(A, B))", ROUNDING, SIGNDET, _sign),
    *[
        Rule("logdet(kron(A, B)) = m*logdet(A) + n*logdet(B)", ROUNDING, op, _logdet)
        for op in (LOGABSDET, SPD_LOGDET)
    ],
    Rule("inv(kron(A, B)) = kron(inv(A), inv(B))", ROUNDING, INV, _inverse),
    Rule("kron(A, B) @ kron(C, D) = kron(A @ C, B @ D)", ROUNDING, EINSUM, _among_themselves),
)
# What it is computed by, besides
KRONECKER_SYSTEMS: Final = (
    Rule("solve(kron(A, B), c) by A and by B", ROUNDING, SOLVE, _solution),
    Rule("kron(A, B) @ x without kron(A, B)", ROUNDING, EINSUM, _in_product),
)
