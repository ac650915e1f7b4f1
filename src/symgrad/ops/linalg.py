"""Inverse, solution, determinant: batched over leading axes as in NumPy.

Derivatives: ``d inv(A) = -inv(A) dA inv(A)``, ``d log|det(A)| = tr(inv(A) dA)``
(Giles, Collected matrix derivative results for forward and reverse mode, 2008).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from symgrad.errors import ShapeError
from symgrad.expr.dims import Shape, broadcast_shapes, mul_dims, show_shape
from symgrad.expr.leaves import EYE
from symgrad.expr.node import Expr, make
from symgrad.expr.op import Op, Params
from symgrad.expr.types import Ty, resolve
from symgrad.ops.arithmetic import add_all, mul
from symgrad.ops.einsum import broadcast, einsum_node, insert_axes, times, transpose_axes
from symgrad.ops.elementwise import as_expr
from symgrad.ops.layout import reshape_to
from symgrad.ops.products import matmul
from symgrad.ops.public import public
from symgrad.ops.shapes import reshape, squeeze
from symgrad.ops.ufuncs import multiply


def _float(ty: Ty) -> Ty:
    return resolve(np.true_divide, (ty, ty))


def _transposed(x: Expr) -> Expr:
    return transpose_axes(x, (*range(x.ndim - 2), x.ndim - 1, x.ndim - 2))


def _check_square(x: Expr, who: str) -> Expr:
    if x.ndim < 2 or x.shape[-1] != x.shape[-2]:
        raise ShapeError(
            f"{who} needs a square matrix in the last two axes, got shape {show_shape(x.shape)}"
        )
    return x


def _square_op(name: str, drop: int, vjp: Any, jvp: Any, numpy: str, **fields: Any) -> Op:
    """An op of one square matrix whose result lacks the last `drop` axes."""

    def infer(args: tuple[Expr, ...], params: Params) -> tuple[Shape, Ty]:
        x = _check_square(args[0], name)
        return x.shape[: x.ndim - drop], _float(x.ty)

    op = Op(
        name=name,
        build=lambda args, params: make(op, args, (), *infer(args, params)),
        infer=infer,
        vjp=vjp,
        jvp=jvp,
        numpy=numpy,
        **fields,
    )
    return op


def _inv_cotangent(g: Expr, y: Expr, needed: Sequence[bool]) -> list[Expr | None]:
    t = _transposed(y)
    return [multiply(-1, matmul(matmul(t, g), t))]


def _inv_tangent(y: Expr, tangents: Sequence[Expr | None]) -> Expr | None:
    (t,) = tangents
    return None if t is None else multiply(-1, _sandwich(y, t, y))


def _sandwich(a: Expr, t: Expr, b: Expr) -> Expr:
    """``a @ t @ b`` for a tangent that may have trailing axes."""
    batch = tuple(range(a.ndim - 2))
    i, j, k, m = range(a.ndim, a.ndim + 4)
    extra = tuple(range(a.ndim + 4, t.ndim + 4))
    labels = [(*batch, i, j), (*batch, j, k, *extra), (*batch, k, m)]
    return einsum_node([a, t, b], labels, (*batch, i, m, *extra), {})


def _contracted(inverse: Expr, t: Expr) -> Expr:
    """``tr(inv(A) @ t)`` for a tangent that may have trailing axes."""
    batch = tuple(range(inverse.ndim - 2))
    i, j = inverse.ndim, inverse.ndim + 1
    extra = tuple(range(inverse.ndim + 2, t.ndim + 2))
    return einsum_node([inverse, t], [(*batch, i, j), (*batch, j, i, *extra)], (*batch, *extra), {})


INV: Final = _square_op(
    "inv",
    0,
    _inv_cotangent,
    _inv_tangent,
    "np.linalg.inv({0})",
    latex=r"{{{0}}}^{{-1}}",
    sympy=lambda sp, a: a.inv(),
)


def _over_matrix(g: Expr, x: Expr) -> Expr:
    """A batch of scalars stretched over the two matrix axes of `x`."""
    return broadcast(insert_axes(g, (g.ndim, g.ndim + 1)), x.shape)


def _logdet_cotangent(g: Expr, y: Expr, needed: Sequence[bool]) -> list[Expr | None]:
    (x,) = y.args
    return [mul(_over_matrix(g, x), _transposed(INV.build((x,), ())))]


def _logdet_tangent(y: Expr, tangents: Sequence[Expr | None]) -> Expr | None:
    (t,) = tangents
    if t is None:
        return None
    return _contracted(INV.build((y.args[0],), ()), t)


LOGABSDET: Final = _square_op(
    "logabsdet",
    2,
    _logdet_cotangent,
    _logdet_tangent,
    "np.linalg.slogdet({0})",
    part=1,
    latex=r"\log\left|\det\left({0}\right)\right|",
    sympy=lambda sp, a: sp.log(sp.Abs(a.det())),
)
SIGNDET: Final = _square_op(
    "signdet",
    2,
    lambda g, y, needed: [None],
    lambda y, tangents: None,
    "np.linalg.slogdet({0})",
    part=0,
    latex=r"\operatorname{{sign}}\det\left({0}\right)",
    sympy=lambda sp, a: sp.sign(a.det()),
)


def _det_cotangent(g: Expr, y: Expr, needed: Sequence[bool]) -> list[Expr | None]:
    (x,) = y.args
    return [mul(_over_matrix(mul(g, y), x), _transposed(INV.build((x,), ())))]


def _det_tangent(y: Expr, tangents: Sequence[Expr | None]) -> Expr | None:
    (t,) = tangents
    if t is None:
        return None
    return times(y, _contracted(INV.build((y.args[0],), ()), t))


DET: Final = _square_op(
    "det",
    2,
    _det_cotangent,
    _det_tangent,
    "np.linalg.det({0})",
    latex=r"\det\left({0}\right)",
    sympy=lambda sp, a: a.det(),
    notes="The derivative is det(A) * inv(A).T, defined for regular matrices.",
)


def _solve_infer(args: tuple[Expr, ...], params: Params) -> tuple[Shape, Ty]:
    a, b = args
    _check_square(a, "solve")
    if b.ndim < 2 or b.shape[-2] != a.shape[-1] or b.shape[:-2] != a.shape[:-2]:
        raise ShapeError(
            f"solve of {show_shape(a.shape)} with right-hand side {show_shape(b.shape)}: the rows differ"
        )
    return b.shape, _float(a.ty if a.ty is b.ty else resolve(np.add, (a.ty, b.ty)))


def _solve_build(args: tuple[Expr, ...], params: Params) -> Expr:
    if args[0].op is EYE:
        return args[1]
    return make(SOLVE, args, (), *_solve_infer(args, params))


def _solve_cotangents(g: Expr, y: Expr, needed: Sequence[bool]) -> list[Expr | None]:
    a, _ = y.args
    back = SOLVE.build((_transposed(a), g), ())
    return [multiply(-1, matmul(back, _transposed(y))), back]


def _solve_tangent(y: Expr, tangents: Sequence[Expr | None]) -> Expr | None:
    da, db = tangents
    terms = []
    if db is not None:
        terms.append(db)
    if da is not None:  # -dA x
        batch = tuple(range(y.ndim - 2))
        i, j, k = range(y.ndim, y.ndim + 3)
        extra = tuple(range(y.ndim + 3, da.ndim + 3))
        labels = [(*batch, i, j, *extra), (*batch, j, k)]
        terms.append(multiply(-1, einsum_node([da, y], labels, (*batch, i, k, *extra), {})))
    return _solve_columns(y.args[0], add_all(terms), y) if terms else None


def _solve_columns(a: Expr, b: Expr, y: Expr) -> Expr:
    """``inv(a) @ b`` where `b` has trailing axes beyond those of `y`: they count as columns."""
    width = mul_dims(*b.shape[y.ndim - 1 :])
    columns = reshape_to(b, (*b.shape[: y.ndim - 1], width))
    return reshape_to(SOLVE.build((a, columns), ()), b.shape)


SOLVE: Final = Op(
    name="solve",
    build=_solve_build,
    infer=_solve_infer,
    vjp=_solve_cotangents,
    jvp=_solve_tangent,
    numpy="np.linalg.solve({0}, {1})",
    latex=r"{{{0}}}^{{-1}} {1}",
    sympy=lambda sp, a, b: a.inv() * b,
)


@public
def inv(a: Any) -> Expr:
    """Inverse of square matrices, as `numpy.linalg.inv`."""
    x = _check_square(as_expr(a), "inv")
    return x if x.op is EYE else INV.build((x,), ())


@public
def det(a: Any) -> Expr:
    """Determinant of square matrices, as `numpy.linalg.det`."""
    return DET.build((_check_square(as_expr(a), "det"),), ())


@public
def slogdet(a: Any) -> tuple[Expr, Expr]:
    """Sign, and logarithm of the absolute value, of the determinant, as `numpy.linalg.slogdet`."""
    x = _check_square(as_expr(a), "slogdet")
    return SIGNDET.build((x,), ()), LOGABSDET.build((x,), ())


@public
def logdet(a: Any) -> Expr:
    """Logarithm of the absolute value of the determinant."""
    return slogdet(a)[1]


@public
def solve(a: Any, b: Any) -> Expr:
    """The x with ``a @ x = b``, as `numpy.linalg.solve`: `b` is a vector or holds columns."""
    x, y = _check_square(as_expr(a), "solve"), as_expr(b)
    if y.ndim == 0 or y.shape[-2 if y.ndim > 1 else -1] != x.shape[-1]:
        raise ShapeError(
            f"solve of {show_shape(x.shape)} with right-hand side {show_shape(y.shape)}: the rows differ"
        )
    vector = y.ndim == 1
    column = reshape(y, (*y.shape, 1)) if vector else y
    batch = broadcast_shapes(x.shape[:-2], column.shape[:-2])
    x = broadcast(x, (*batch, *x.shape[-2:]))
    column = broadcast(column, (*batch, *column.shape[-2:]))
    solution = SOLVE.build((x, column), ())
    return squeeze(solution, -1) if vector else solution


@public
def matrix_power(a: Any, n: int) -> Expr:
    """`a` multiplied with itself, by repeated squaring, as `numpy.linalg.matrix_power`."""
    x = _check_square(as_expr(a), "matrix_power")
    if isinstance(n, bool) or not isinstance(n, (int, np.integer)):
        raise ShapeError(f"matrix_power needs an int exponent, not {n!r}")
    if n < 0:
        x, n = inv(x), -n
    result: Expr | None = None
    while n:
        if n & 1:
            result = x if result is None else matmul(result, x)
        n >>= 1
        if n:
            x = matmul(x, x)
    if result is None:
        identity = EYE.build((), (x.shape[-1], x.ty))
        return broadcast(identity, x.shape)
    return result


