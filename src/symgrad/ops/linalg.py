"""Inverse, solution, logarithm of the determinant: batched over leading axes as in NumPy.

Derivatives: ``d inv(A) = -inv(A) dA inv(A)``, ``d log|det(A)| = tr(inv(A) dA)``,
``d solve(A, B) = solve(A, dB - dA solve(A, B))``
(Giles, Collected matrix derivative results for forward and reverse mode, 2008).

The constructors know, in O(1), what a transpose, a factor, an inverse, and a diagonal or orthogonal
matrix inside do. A singular matrix raises `numpy.linalg.LinAlgError` when code runs, as in NumPy.
The determinant itself is in `symgrad.ops.determinant`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from symgrad.errors import ShapeError
from symgrad.expr.dims import Shape, broadcast_shapes, mul_dims, show_shape
from symgrad.expr.interval import UNIT
from symgrad.expr.leaves import EYE, assumed, extent, eye, is_number, number
from symgrad.expr.node import Expr, make
from symgrad.expr.op import Op, Params
from symgrad.expr.types import BOOL, Ty, resolve
from symgrad.ops import reducing
from symgrad.ops.arithmetic import MUL, add_all, mul, raw_product
from symgrad.ops.einsum import EINSUM, broadcast, is_layout
from symgrad.ops.elementwise import as_expr
from symgrad.ops.matrices import (
    as_float,
    check_square,
    contract,
    diagonal_of,
    float_of,
    minus,
    over_matrix,
    spread_diagonal,
    transposed,
    untransposed,
)
from symgrad.ops.products import matmul
from symgrad.ops.properties import is_diagonal, is_spd
from symgrad.ops.public import public, public_as_typed
from symgrad.ops.reshaping import reshape_to
from symgrad.ops.shapes import reshape, squeeze
from symgrad.ops.ufuncs import absolute, divide, log, multiply, sign

Known = Callable[[Expr], Expr | None]


def square_op(
    name: str, drop: int, vjp: Any, jvp: Any, known: Known = lambda x: None, **fields: Any
) -> Op:
    """An op of one square matrix whose result lacks the last `drop` axes.

    ``known(x)`` is the result where it is simpler than the op, else None.
    """

    def infer(args: tuple[Expr, ...], params: Params) -> tuple[Shape, Ty]:
        x = check_square(args[0], name)
        return x.shape[: x.ndim - drop], float_of(x.ty)

    def build(args: tuple[Expr, ...], params: Params) -> Expr:
        found = known(check_square(args[0], name))
        return make(op, args, (), *infer(args, params)) if found is None else found

    op = Op(name=name, build=build, infer=infer, vjp=vjp, jvp=jvp, matrices=True, **fields)
    return op


# What is known of the operand


def scalar_factors(x: Expr) -> tuple[Expr, Expr] | None:
    """``(c, A)`` where `x` is a product c*A with a scalar c; else None."""
    if x.op is not MUL:
        return None
    scalars, rest = [], []
    for factor in x.args:
        if is_number(factor) and factor.ty is not BOOL:
            value, _, _, ty = factor.params
            scalars.append(number(value, (), ty))
        elif factor.op is EINSUM and len(factor.args) == 1 and factor.args[0].shape == ():
            scalars.append(factor.args[0])
        else:
            rest.append(factor)
    if not scalars or not rest:
        return None
    return raw_product(tuple(scalars)), raw_product(tuple(rest))


# Inverse


def _known_inverse(x: Expr) -> Expr | None:
    if x.op is EYE:
        return eye(x.shape[-1], float_of(x.ty).dtype)
    if x.op is INV:  # inv(inv(A)) = A
        return x.args[0]
    if assumed(x, "orthogonal"):  # A.T A = 1
        return transposed(as_float(x))
    if is_diagonal(x):
        return spread_diagonal(divide(1, diagonal_of(x)), x)
    inner = untransposed(x)
    if inner is not None:  # inv(A.T) = inv(A).T
        return transposed(INV.build((inner,), ()))
    scaled = scalar_factors(x)
    if scaled is not None:  # inv(c*A) = inv(A)/c
        return divide(INV.build((scaled[1],), ()), scaled[0])
    return None


def _inv_cotangent(g: Expr, y: Expr, needed: Sequence[bool]) -> list[Expr | None]:
    t = transposed(y)
    return [minus(matmul(matmul(t, g), t))]


def _inv_tangent(y: Expr, tangents: Sequence[Expr | None]) -> Expr | None:
    (t,) = tangents
    return None if t is None else minus(contract("ij,jk,kl->il", y.ndim - 2, y, t, y))


INV: Final = square_op(
    "inv",
    0,
    _inv_cotangent,
    _inv_tangent,
    _known_inverse,
    numpy="np.linalg.inv({0})",
    latex=r"{{{0}}}^{{-1}}",
    sympy=lambda sp, a: a.inv(),
    raises=True,
    factored="inv",
    keeps_symmetry=True,
)


def _contracted(x: Expr, t: Expr) -> Expr:
    """``tr(inv(x) @ t)`` for a tangent that may have trailing axes."""
    return contract("ij,ji->", x.ndim - 2, INV.build((x,), ()), t)


# Logarithm of the determinant, and its sign


def _known_logdet(x: Expr) -> Expr | None:
    scalar = x.shape[:-2]
    if x.op is EYE or assumed(x, "orthogonal"):
        return number(0, scalar)
    if is_diagonal(x):
        return reducing.sum(log(absolute(diagonal_of(x))), axis=-1)
    if is_spd(x) and x.op is not INV:
        return SPD_LOGDET.build((x,), ())
    if x.op is INV:
        return minus(LOGABSDET.build(x.args, ()))
    inner = untransposed(x)
    if inner is not None:
        return LOGABSDET.build((inner,), ())
    scaled = scalar_factors(x)
    if scaled is not None:  # log|det(c*A)| = n*log|c| + log|det(A)|
        c, rest = scaled
        offset = multiply(extent(x.shape[-1]), log(absolute(c)))
        return LOGABSDET.build((rest,), ()) + offset
    return None


def _logdet_cotangent(g: Expr, y: Expr, needed: Sequence[bool]) -> list[Expr | None]:
    (x,) = y.args
    return [mul(over_matrix(g, x), transposed(INV.build((x,), ())))]


def _logdet_tangent(y: Expr, tangents: Sequence[Expr | None]) -> Expr | None:
    (t,) = tangents
    return None if t is None else _contracted(y.args[0], t)


LOGABSDET: Final = square_op(
    "logabsdet",
    2,
    _logdet_cotangent,
    _logdet_tangent,
    _known_logdet,
    numpy="np.linalg.slogdet({0})",
    part=1,
    text="logdet({0})",
    latex=r"\log\left|\det\left({0}\right)\right|",
    sympy=lambda sp, a: sp.log(sp.Abs(a.det())),
    singular=True,
    factored="logabsdet",
)
SPD_LOGDET: Final = square_op(
    "spd_logdet",
    2,
    _logdet_cotangent,
    _logdet_tangent,
    numpy="_spd_logdet({0})",
    text="logdet({0})",
    latex=r"\log\det\left({0}\right)",
    sympy=lambda sp, a: sp.log(a.det()),
    raises=True,
    factored="logabsdet",
    notes="By Cholesky: what is not positive definite raises numpy.linalg.LinAlgError.",
)


def _known_sign(x: Expr) -> Expr | None:
    if x.op is EYE or is_spd(x):
        return number(1.0, x.shape[:-2], float_of(x.ty))
    if is_diagonal(x):
        return reducing.prod(sign(diagonal_of(as_float(x))), axis=-1)
    if x.op is INV:
        return SIGNDET.build(x.args, ())
    inner = untransposed(x)
    return None if inner is None else SIGNDET.build((inner,), ())


SIGNDET: Final = square_op(
    "signdet",
    2,
    lambda g, y, needed: [None],
    lambda y, tangents: None,
    _known_sign,
    numpy="np.linalg.slogdet({0})",
    part=0,
    latex=r"\operatorname{{sign}}\left(\det\left({0}\right)\right)",
    sympy=lambda sp, a: sp.sign(a.det()),
    factored="signdet",
    range=UNIT,
)


# Linear systems


def _solve_infer(args: tuple[Expr, ...], params: Params) -> tuple[Shape, Ty]:
    a, b = args
    check_square(a, "solve")
    if b.ndim < 2 or b.shape[-2] != a.shape[-1] or b.shape[:-2] != a.shape[:-2]:
        raise _rows_differ(a, b)
    return b.shape, float_of(a.ty if a.ty is b.ty else resolve(np.add, (a.ty, b.ty)))


def _scaled_columns(b: Expr) -> tuple[Expr, Expr] | None:
    """Scalar factors of a right-hand side, or of the vector that is its one column, and the rest."""
    if b.op is not EINSUM or not is_layout(b):
        return scalar_factors(b)
    inner = scalar_factors(b.args[0])
    return None if inner is None else (inner[0], EINSUM.build((inner[1],), b.params))


def _rows_differ(a: Expr, b: Expr) -> ShapeError:
    return ShapeError(
        f"solve of {show_shape(a.shape)} with right-hand side {show_shape(b.shape)}: the rows differ;"
        f" the right-hand side needs {a.shape[-1]} rows: ({a.shape[-1]},) or ({a.shape[-1]}, k)"
    )


def _solve_build(args: tuple[Expr, ...], params: Params) -> Expr:
    a, b = args
    found = None
    if a.op is EYE:
        found = b
    elif b.op is EYE:
        found = INV.build((a,), ())
    elif a.op is INV:  # inv(inv(A)) b = A b
        found = matmul(a.args[0], b)
    elif assumed(a, "orthogonal"):
        found = matmul(transposed(a), b)
    elif is_diagonal(a):
        found = contract("i,ij->ij", a.ndim - 2, divide(1, diagonal_of(a)), b)
    elif (scaled := _scaled_columns(b)) is not None:  # inv(A) (c b) = c inv(A) b
        found = multiply(scaled[0], SOLVE.build((a, scaled[1]), ()))
    shape, ty = _solve_infer(args, params)
    if found is not None and found.ty is ty:
        return found
    return make(SOLVE, args, (), shape, ty)


def _solve_cotangents(g: Expr, y: Expr, needed: Sequence[bool]) -> list[Expr | None]:
    back = SOLVE.build((transposed(y.args[0]), g), ())
    return [minus(matmul(back, transposed(y))), back]


def _solve_tangent(y: Expr, tangents: Sequence[Expr | None]) -> Expr | None:
    da, db = tangents
    terms = [] if db is None else [db]
    if da is not None:
        terms.append(minus(contract("ij,jk->ik", y.ndim - 2, da, y)))
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
    sympy=lambda sp, a, b: a.LUsolve(b),
    matrices=True,
    raises=True,
    factored="solve",
)


# The public functions


class SlogdetResult(NamedTuple):
    """Sign, and logarithm of the absolute value, of a determinant."""

    sign: Expr
    logabsdet: Expr


def square_operand(a: Any, who: str) -> Expr:
    return check_square(as_expr(a), who)


@public
def inv(a: Any) -> Expr:
    """Inverse of square matrices, as `numpy.linalg.inv`.

    A singular matrix raises `numpy.linalg.LinAlgError` when code runs; a diagonal one, known as such,
    gives ``1/0 = inf``.

    Raises
    ------
    ShapeError
        If the last two extents differ.

    Examples
    --------
    >>> import symgrad as sg
    >>> A = sg.matrix("A", ("n", "n"))
    >>> print(sg.grad(sg.trace(sg.linalg.inv(A)), A))
    -inv(A).T @ inv(A).T
    """
    return INV.build((square_operand(a, "inv"),), ())


@public_as_typed
def slogdet(a: Any) -> SlogdetResult:
    """Sign, and logarithm of the absolute value, of the determinant, as `numpy.linalg.slogdet`."""
    x = square_operand(a, "slogdet")
    return SlogdetResult(SIGNDET.build((x,), ()), LOGABSDET.build((x,), ()))


@public
def logdet(a: Any) -> Expr:
    """Logarithm of the absolute value of the determinant; of an spd symbol by Cholesky.

    At a singular matrix it is -inf, and its gradient, ``inv(A).T``, raises `numpy.linalg.LinAlgError`
    when code runs; by Cholesky the value does, too. `det` and its gradient are defined there.

    Examples
    --------
    >>> import symgrad as sg
    >>> A = sg.matrix("A", ("n", "n"))
    >>> print(sg.grad(sg.linalg.logdet(A), A))
    inv(A).T
    """
    return LOGABSDET.build((square_operand(a, "logdet"),), ())


@public
def solve(a: Any, b: Any) -> Expr:
    """The x with ``a @ x = b``, as `numpy.linalg.solve`: `b` is a vector or holds columns.

    Raises
    ------
    ShapeError
        If `a` is not square, or `b` has not as many rows.
    """
    x, y = square_operand(a, "solve"), as_expr(b)
    if y.ndim == 0 or y.shape[-2 if y.ndim > 1 else -1] != x.shape[-1]:
        raise _rows_differ(x, y)
    scaled = scalar_factors(y)
    if scaled is not None:
        return multiply(scaled[0], solve(x, scaled[1]))
    vector = y.ndim == 1
    column = reshape(y, (*y.shape, 1)) if vector else y
    batch = broadcast_shapes(x.shape[:-2], column.shape[:-2])
    x = broadcast(x, (*batch, *x.shape[-2:]))
    column = broadcast(column, (*batch, *column.shape[-2:]))
    solution = SOLVE.build((x, column), ())
    return squeeze(solution, -1) if vector else solution


LINEAR_OPS: Final = (INV, LOGABSDET, SPD_LOGDET, SIGNDET, SOLVE)
