"""Integer powers of square matrices, and their derivatives of every order.

The derivative of ``A^n`` along E is ``E A^(n-1) + A E A^(n-2) + ... + A^(n-1) E``: it is written out for
small n, and where E is a product of two vectors, so that only vectors are multiplied; else it is one node,
which code computes with some ``3 log(n)`` products. Along an identity it is ``n A^(n-1)``.

Of a negative power, ``A^-n``, it is ``-(A^-1 E A^-n + ... + A^-n E A^-1)``.

A cotangent G sends ``sum of (A.T)^k G (A.T)^(n-1-k)`` to A: the derivative of the power of the transpose
(Higham, Functions of Matrices, 2008, ch. 3).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Final, NamedTuple

import numpy as np

from symgrad.errors import ArgumentError
from symgrad.expr.dims import Shape, broadcast_shapes
from symgrad.expr.kinds import Call
from symgrad.expr.leaves import EYE, eye, is_number, is_value, number
from symgrad.expr.node import Expr, make
from symgrad.expr.op import Op, Params
from symgrad.expr.types import BOOL, Ty, promote
from symgrad.ops.arithmetic import MUL, add_all, mul
from symgrad.ops.batch import before_broadcasting
from symgrad.ops.directions import cotangents, tangent
from symgrad.ops.einsum import EINSUM, broadcast, is_stretched_scalar
from symgrad.ops.elementwise import as_expr
from symgrad.ops.linalg import INV, scalar_factors
from symgrad.ops.matrices import (
    as_float,
    check_square,
    contract,
    diagonal_of,
    float_of,
    minus,
    over_matrix,
    scalar_and_rest,
    scale_of_identity,
    spread_diagonal,
    transposed,
    untransposed,
)
from symgrad.ops.products import matmul
from symgrad.ops.properties import is_diagonal
from symgrad.ops.public import public
from symgrad.ops.symmetry import is_symmetric, joined_by
from symgrad.ops.ufuncs import power

WRITTEN_OUT: Final = 3  # powers whose derivative is always a sum of products
MAX_TERMS: Final = 8  # of a derivative that is written out because that is cheap

# The power


class ExponentParams(NamedTuple):
    """The exponent, an integer."""

    n: int


def _infer(args: tuple[Expr, ...], params: Params) -> tuple[Shape, Ty]:
    x = check_square(args[0], "matrix_power")
    return x.shape, x.ty if params[0] >= 0 else float_of(x.ty)


def _build(args: tuple[Expr, ...], params: Params) -> Expr:
    (x,), (n,) = args, params
    shape, ty = _infer(args, params)
    if n == 0:
        return broadcast(eye(x.shape[-1], x.dtype), x.shape)
    if n == 1:
        return x
    if n == -1:
        return INV.build(args, ())
    if n == 2:
        return matmul(x, x)
    if x.ty is BOOL:  # "or" takes the place of the sum
        return matmul(_build(args, (n - 1,)), x) if n % 2 else _build((matmul(x, x),), (n // 2,))
    found = _known_power(x, n)
    return (
        found
        if found is not None and found.ty is ty
        else make(MATRIX_POWER, args, params, shape, ty)
    )


def _known_power(x: Expr, n: int) -> Expr | None:
    if x.op is EYE:
        return as_float(x) if n < 0 else x
    base, m = power_parts(x)
    if m != 1:
        return _build((base,), (m * n,))
    if is_diagonal(x):
        return spread_diagonal(power(diagonal_of(as_float(x) if n < 0 else x), n), x)
    inner = untransposed(x)
    if inner is not None:
        return transposed(_build((inner,), (n,)))
    scaled = scalar_factors(x)
    if scaled is not None:  # (c A)^n = c^n A^n
        return mul(over_matrix(power(scaled[0], n), x), _build((scaled[1],), (n,)))
    return None


def _cotangent(g: Expr, y: Expr, needed: Sequence[bool]) -> list[Expr | None]:
    return [_along([transposed(y.args[0]), g], y.params.n)]


def _tangent(y: Expr, tangents: Sequence[Expr | None]) -> Expr | None:
    (x,), (n,), (t,) = y.args, y.params, tangents
    if t is None:
        return None
    if t.ndim > x.ndim and abs(n) <= MAX_TERMS:
        return _sum_of_terms(x, t, n)
    return tangent(y, tangents, lambda operands: _along(operands, n))


MATRIX_POWER: Final = Op(
    name="matrix_power",
    fields=ExponentParams,
    build=_build,
    infer=_infer,
    vjp=_cotangent,
    jvp=_tangent,
    numpy=lambda node: Call("np.linalg.matrix_power", (), (("n", node.params.n),)),
    text=lambda node: f"matrix_power({{0}}, {node.params.n})",
    sympy=lambda sp, a, n: a**n,
    matrices=True,
    raises=True,
    keeps_symmetry=True,
    notes="Powers 0, 1, -1 and 2 are eye(n), A, inv(A) and A @ A.",
)

# Its derivative along directions


def _along(operands: Sequence[Expr], n: int) -> Expr:
    """The derivative of the n-th power at the first operand along all the others."""
    a, *directions = operands
    shape, ty = _infer_along(tuple(operands), (n,))
    if any(is_value(e, 0) for e in directions) or 0 <= n < len(directions):
        return number(0, shape, ty)
    if len(directions) == 1:
        (e,) = directions
        scale = scale_of_identity(e)
        if scale is not None:
            factor = mul(number(n, scale.shape), scale)
            return mul(factor, broadcast(_build((a,), (n - 1,)), shape))
        beside = _beside_itself(a, e)
        if beside is not None:
            c, m = beside
            return mul(mul(number(n, shape), c), broadcast(_build((a,), (n - 1 + m,)), shape))
        if abs(n) <= WRITTEN_OUT or (abs(n) <= MAX_TERMS and _is_thin(e)):
            a, e = broadcast(a, (*shape[:-2], *a.shape[-2:])), broadcast(e, shape)
            return _sum_of_terms(a, e, n)
    return make(POWER_ALONG, tuple(operands), (n,), shape, ty)


def _beside_itself(a: Expr, e: Expr) -> tuple[Expr, int] | None:
    """c and m of a direction ``c*A^m`` with scalars c, which A commutes with; None for another."""
    c, power_of_a = scalar_and_rest(e)
    if power_of_a is None or e.shape != a.shape:
        return None
    base, m = power_parts(power_of_a)
    return (broadcast(c, e.shape), m) if base is a else None


def power_parts(x: Expr) -> tuple[Expr, int]:
    """A and n of ``A^n``; ``A @ A`` and the inverse are such powers, any other matrix is its first.

    The transpose of a power is a power of the transpose.
    """
    total = 1
    while True:
        base, n = _one_power(x)
        if base is x:
            return x, total
        x, total = base, total * n


def _one_power(x: Expr) -> tuple[Expr, int]:
    if x.op is MATRIX_POWER:
        return x.args[0], x.params.n
    if x.op is INV:
        return x.args[0], -1
    inner = untransposed(x)
    if inner is not None:
        base, n = (inner, 1) if inner.op is EINSUM else _one_power(inner)
        return (x, 1) if base is inner else (transposed(base), n)
    return (x, 1) if x.op is not EINSUM else _one_square(x)


def _one_square(x: Expr) -> tuple[Expr, int]:
    """A and 2 of ``A @ A``; any other product is its first power."""
    inputs, out, _ = x.params
    base = x.args[0]
    if len(x.args) != 2 or x.args[1] is not base or base.ndim != 2 or x.ndim != 2:
        return x, 1
    (i, j), (k, m) = inputs
    if out == (i, m) and j == k and i != j:
        return base, 2
    if out == (j, k) and i == m and i != j:  # A.T @ A.T
        return transposed(base), 2
    summed = {i, j} & {k, m}
    return (
        (base, 2) if is_symmetric(base) and len(summed) == 1 and not summed & set(out) else (x, 1)
    )


def _sum_of_terms(a: Expr, e: Expr, n: int) -> Expr:
    """The derivative written out; a direction may have further axes that trail."""
    places = [(k, n - 1 - k) for k in range(n)]
    if n < 0:
        places = [(-k, n - 1 + k) for k in range(1, 1 - n)]
    terms = []
    for left, right in places:
        operands = [*_factors(a, left), e, *_factors(a, right)]
        labels = "abcdef"[: len(operands) + 1]
        spec = ",".join(map("".join, pairwise(labels)))
        term = contract(f"{spec}->{labels[0]}{labels[-1]}", a.ndim - 2, *operands)
        terms.append(term if n > 0 else minus(term))
    return add_all(terms)


def _factors(a: Expr, n: int) -> list[Expr]:
    """The factors of a power in a product: it is one factor, from the third on."""
    return [a] * n if 0 <= n < 3 else [_build((a,), (n,))]


def _is_thin(x: Expr) -> bool:
    """Whether a matrix is known to be a product of two vectors, or one number in all places."""
    while x.op is MUL:
        rest = [f for f in x.args if not (is_number(f) or is_stretched_scalar(f))]
        if len(rest) != 1:
            return not rest
        (x,) = rest
    if is_number(x) or is_stretched_scalar(x):
        return True
    if x.op is not EINSUM or x.ndim < 2:
        return False
    inputs, (*_, row, column), _ = x.params
    return all(column not in inputs[i] for i in joined_by(inputs, (row,)))


def _infer_along(args: tuple[Expr, ...], params: Params) -> tuple[Shape, Ty]:
    ty = promote(*[x.ty for x in args])
    return broadcast_shapes(*[x.shape for x in args]), ty if params[0] >= 0 else float_of(ty)


def _adjoint(g: Expr, y: Expr, needed: Sequence[bool]) -> list[Expr | None]:
    turned = [transposed(x) for x in y.args]
    shapes = [x.shape for x in y.args]
    return cotangents(g, turned, shapes, needed, lambda operands: _along(operands, y.params.n))


def _image_along(sp: Any, a: Any, *more: Any) -> Any:
    """The coefficient of all parameters in the power of the matrix plus their multiples of directions."""
    *directions, n = more
    parameters = sp.symbols(f"s:{len(directions)}", cls=sp.Dummy)
    total = a
    for s, e in zip(parameters, directions, strict=True):
        total = total + s * e
    image = total**n
    for s in parameters:
        image = image.diff(s).subs(s, 0)
    return image


POWER_ALONG: Final = Op(
    name="matrix_power_along",
    fields=ExponentParams,
    build=lambda args, params: _along(args, params[0]),
    infer=_infer_along,
    vjp=_adjoint,
    jvp=lambda y, tangents: tangent(y, tangents, lambda operands: _along(operands, y.params.n)),
    numpy=lambda node: Call("_power_along", (node.params.n,)),
    sympy=_image_along,
    raises=True,
    batch=before_broadcasting,
    notes="Directions may have axes in front of those of the matrix, and broadcast.",
)


@public
def matrix_power(a: Any, n: int) -> Expr:
    """`a` multiplied with itself, as `numpy.linalg.matrix_power`; of a negative `n` its inverse.

    Parameters
    ----------
    a : array_like
        Square matrices in the last two axes.
    n : int

    Returns
    -------
    Expr
        Of the shape of `a`, and of its dtype; floating for a negative `n`.

    Raises
    ------
    ArgumentError
        If `n` is no int.
    ShapeError
        If the last two extents of `a` differ.

    Examples
    --------
    >>> import symgrad as sg
    >>> A = sg.matrix("A", ("n", "n"))
    >>> print(sg.grad(sg.trace(sg.linalg.matrix_power(A, 5)), A))
    5*matrix_power(A.T, 4)
    >>> sg.simplify(A @ A @ A) is sg.linalg.matrix_power(A, 3)
    True
    """
    x = check_square(as_expr(a), "matrix_power")
    if isinstance(n, bool) or not isinstance(n, (int, np.integer)):
        raise ArgumentError(
            f"matrix_power needs an int exponent, not {n!r}; for other powers write"
            " expm(n*L) with a logarithm L, or the eigenvalues of eigh"
        )
    return MATRIX_POWER.build((x,), (int(n),))


POWER_OPS: Final = (MATRIX_POWER, POWER_ALONG)
