"""Pseudoinverse, least squares and rank.

Golub, Pereyra, The differentiation of pseudo-inverses and nonlinear least squares problems whose
variables separate, SIAM J. Numer. Anal. 10, 1973: where the rank is constant,

    dP = -P dA P + P P^T dA^T (I - A P) + (I - P A) dA^T P^T P.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from symgrad.errors import ShapeError
from symgrad.expr.dims import Dim, Shape, mul_dims, show_shape
from symgrad.expr.kinds import Call
from symgrad.expr.leaves import EYE, assumed
from symgrad.expr.node import Expr, make
from symgrad.expr.op import Op, Params
from symgrad.expr.types import INT, Ty, resolve
from symgrad.ops import reducing
from symgrad.ops.arithmetic import add_all
from symgrad.ops.batch import carrying
from symgrad.ops.decompositions import svdvals
from symgrad.ops.einsum import transpose_axes
from symgrad.ops.elementwise import as_expr
from symgrad.ops.matrices import (
    as_float,
    check_matrix,
    contract,
    float_of,
    minus,
    transposed,
    untransposed,
)
from symgrad.ops.products import matmul
from symgrad.ops.public import public, public_as_typed
from symgrad.ops.reshaping import reshape_to
from symgrad.ops.shapes import reshape, squeeze
from symgrad.ops.ufuncs import power, subtract


def _pinv_infer(args: tuple[Expr, ...], params: Params) -> tuple[Shape, Ty]:
    *batch, m, n = check_matrix(args[0], "pinv").shape
    return (*batch, n, m), float_of(args[0].ty)


def _pinv_build(args: tuple[Expr, ...], params: Params) -> Expr:
    (x,) = args
    if x.op is EYE:
        return as_float(x)
    if assumed(x, "orthogonal"):
        return transposed(as_float(x))
    inner = untransposed(x)
    if inner is not None:
        return transposed(PINV.build((inner,), params))
    return make(PINV, args, params, *_pinv_infer(args, params))


def _pinv_cotangent(g: Expr, y: Expr, needed: Sequence[bool]) -> list[Expr | None]:
    return [_pulled_through_pinv(g, y)]


def _pulled_through_pinv(g: Expr, p: Expr) -> Expr:
    """What a cotangent `g` of ``p = pinv(A)`` sends to A."""
    batch, (a,) = p.ndim - 2, p.args
    left = contract("ij,kj,kl->il", batch, p, p, g)  # P P^T g
    right = contract("ij,kj,kl->il", batch, g, p, p)  # g P^T P
    terms = [
        minus(contract("ji,jk,lk->il", batch, p, g, p)),
        transposed(subtract(left, contract("ij,jk,kl->il", batch, left, a, p))),
        transposed(subtract(right, contract("ij,jk,kl->il", batch, p, a, right))),
    ]
    return add_all(terms)


def _pinv_tangent(y: Expr, tangents: Sequence[Expr | None]) -> Expr | None:
    (t,) = tangents
    return None if t is None else _pushed_through_pinv(t, y)


def _pushed_through_pinv(t: Expr, p: Expr) -> Expr:
    """The tangent of ``p = pinv(A)`` for a tangent `t` of A, which may have trailing axes."""
    batch, (a,) = p.ndim - 2, p.args
    left = contract("ij,kj,lk->il", batch, p, p, t)  # P P^T dA^T
    right = contract("ji,kj,kl->il", batch, t, p, p)  # dA^T P^T P
    terms = [
        minus(contract("ij,jk,kl->il", batch, p, t, p)),
        subtract(left, contract("ij,jk,kl->il", batch, left, a, p)),
        subtract(right, contract("ij,jk,kl->il", batch, p, a, right)),
    ]
    return add_all(terms)


class PinvParams(NamedTuple):
    """The relative cutoff of small singular values; None: NumPy's."""

    rcond: float | None


def _cutoff(node: Expr) -> tuple[tuple[str, Any], ...]:
    return () if node.params.rcond is None else (("rcond", node.params.rcond),)


PINV: Final = Op(
    name="pinv",
    build=_pinv_build,
    infer=_pinv_infer,
    vjp=_pinv_cotangent,
    jvp=_pinv_tangent,
    fields=PinvParams,
    matrices=True,
    raises=True,
    numpy=lambda node: Call("np.linalg.pinv", (), _cutoff(node)),
    text="pinv({0})",
    latex=r"{{{0}}}^{{+}}",
    keeps_symmetry=True,
    notes="The derivative holds where the rank does not change.",
)


# Least squares


def _lstsq_infer(args: tuple[Expr, ...], params: Params) -> tuple[Shape, Ty]:
    a, b = args
    if a.ndim != 2 or b.ndim != 2 or a.shape[0] != b.shape[0]:
        raise ShapeError(
            f"lstsq of {show_shape(a.shape)} with right-hand side {show_shape(b.shape)}: needs a"
            " matrix, and a right-hand side with as many rows; for a batch write pinv(a) @ b"
        )
    return (a.shape[1], b.shape[1]), float_of(resolve(np.add, (a.ty, b.ty)))


def _lstsq_pinv(y: Expr) -> Expr:
    return PINV.build((y.args[0],), (None,))


def _lstsq_cotangents(g: Expr, y: Expr, needed: Sequence[bool]) -> list[Expr | None]:
    p, b = _lstsq_pinv(y), y.args[1]
    return [_pulled_through_pinv(contract("ij,kj->ik", 0, g, b), p), contract("ji,jk->ik", 0, p, g)]


def _lstsq_tangent(y: Expr, tangents: Sequence[Expr | None]) -> Expr | None:
    da, db = tangents
    p = _lstsq_pinv(y)
    terms = [] if db is None else [contract("ij,jk->ik", 0, p, db)]
    if da is not None:
        terms.append(contract("ij,jk->ik", 0, _pushed_through_pinv(da, p), y.args[1]))
    return add_all(terms) if terms else None


def _lstsq_batch(node: Expr, args: Sequence[Expr], carries: Sequence[bool], dim: Dim) -> Expr:
    """Right-hand sides of one matrix are columns; for a batch of matrices it is ``pinv(a) @ b``."""
    a, b = args
    if carries[0]:
        b = b if carries[1] else carrying(b, dim)
        return contract("ij,jk->ik", 1, PINV.build((a,), (None,)), b)
    rows, columns = node.shape
    beside = reshape_to(transpose_axes(b, (1, 0, 2)), (b.shape[1], mul_dims(dim, columns)))
    solved = node.op.build((a, beside), node.params)
    return transpose_axes(reshape_to(solved, (rows, dim, columns)), (1, 0, 2))


LSTSQ: Op = Op(
    name="lstsq",
    build=lambda args, params: make(LSTSQ, args, (), *_lstsq_infer(args, params)),
    infer=_lstsq_infer,
    vjp=_lstsq_cotangents,
    jvp=_lstsq_tangent,
    batch=_lstsq_batch,
    raises=True,
    numpy="np.linalg.lstsq({0}, {1})",
    part=0,
    latex=r"{{{0}}}^{{+}} {1}",
    notes="The derivative is that of pinv(a) @ b; it holds where the rank does not change.",
)


RANK: Op = Op(
    name="matrix_rank",
    build=lambda args, params: make(RANK, args, (), args[0].shape[:-2], INT),
    infer=lambda args, params: (check_matrix(args[0], "matrix_rank").shape[:-2], INT),
    matrices=True,
    raises=True,
    numpy="np.linalg.matrix_rank({0})",
    latex=r"\operatorname{{rank}}\left({0}\right)",
)


# The public functions


class LstsqResult(NamedTuple):
    """A least squares solution, its sums of squared residuals, the rank, the singular values."""

    x: Expr
    residuals: Expr
    rank: Expr
    singular_values: Expr


@public
def pinv(a: Any, rcond: float | None = None) -> Expr:
    """Moore-Penrose pseudoinverse, as `numpy.linalg.pinv`.

    The derivative holds where the rank does not change. `rcond` is a number or None.

    Examples
    --------
    >>> import symgrad as sg
    >>> A = sg.matrix("A", ("m", "n"))
    >>> sg.linalg.pinv(A).shape
    ('n', 'm')
    """
    x = check_matrix(as_expr(a), "pinv")
    return PINV.build((x,), (None if rcond is None else float(rcond),))


@public_as_typed
def lstsq(a: Any, b: Any) -> LstsqResult:
    """The x of least norm that minimises ``norm(a @ x - b)``, as `numpy.linalg.lstsq`.

    Parameters
    ----------
    a : expression of shape (m, n)
    b : expression of shape (m,) or (m, k)

    Returns
    -------
    LstsqResult
        x, the sums of squared residuals (of shape (1,) or (k,), also where NumPy leaves them out),
        the rank and the singular values of `a`.

    Raises
    ------
    ShapeError
        For batches, or rows that differ.
    """
    x, y = as_expr(a), as_expr(b)
    vector = y.ndim == 1
    columns = reshape(y, (*y.shape, 1)) if vector else y
    solution = LSTSQ.build((x, columns), ())
    residuals = reducing.sum(power(subtract(columns, matmul(x, solution)), 2), axis=0)
    result = squeeze(solution, -1) if vector else solution
    return LstsqResult(result, residuals, RANK.build((x,), ()), svdvals(x))


@public
def matrix_rank(A: Any) -> Expr:
    """The number of singular values that are not negligible, as `numpy.linalg.matrix_rank`.

    An integer, without derivative.
    """
    return RANK.build((check_matrix(as_expr(A), "matrix_rank"),), ())


PSEUDOINVERSE_OPS: Final = (PINV, LSTSQ, RANK)
