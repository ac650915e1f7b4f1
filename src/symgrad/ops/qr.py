"""The QR decomposition of tall and of wide matrices, batched over leading axes.

With ``A = Q R``, tall, of full rank, and ``S = Q^T dA R^-1``, W the antisymmetric matrix with the strictly
lower triangle of S,

    dR = (S - W) R,    dQ = dA R^-1 - Q (S - W)

(Walter, Lehmann, Algorithmic differentiation of linear algebra functions with application in optimum
experimental design, arXiv:1001.1654, 2010). A wide matrix is a square one beside a rest, whose R is
``Q^T`` times the rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from symgrad.errors import ArgumentError, ShapeError
from symgrad.expr.dims import Shape, show_shape
from symgrad.expr.node import Expr, make
from symgrad.expr.op import Op, Params
from symgrad.expr.types import Ty
from symgrad.ops.arithmetic import add_all
from symgrad.ops.einsum import transpose_axes
from symgrad.ops.elementwise import as_expr
from symgrad.ops.layout import concat
from symgrad.ops.linalg import INV
from symgrad.ops.matrices import check_matrix, contract, float_of, minus, transposed
from symgrad.ops.products import matmul
from symgrad.ops.public import public_as_typed
from symgrad.ops.shapes import tril, triu
from symgrad.ops.ufuncs import subtract


def _over_matrices(function: Any, x: Expr, batch: int) -> Expr:
    """A function of matrices on `x`, which may have axes behind those of the matrices."""
    extra = x.ndim - batch - 2
    if not extra:
        return function(x)  # type: ignore[no-any-return]
    moved = transpose_axes(x, (*range(batch + 2, x.ndim), *range(batch + 2)))
    return transpose_axes(function(moved), (*range(extra, x.ndim), *range(extra)))


def _upper(s: Expr) -> Expr:
    """``S - W``: upper triangular, with the entries below the diagonal added to those above."""
    return triu(s) + transposed(tril(s, -1))


def _lower_copied(m: Expr) -> Expr:
    """The lower triangle, and above the diagonal its transpose: the adjoint of `_upper`, symmetric."""
    return tril(m) + transposed(tril(m, -1))


def _qr(x: Expr) -> tuple[Expr, Expr]:
    return QR_Q.build((x,), ()), QR_R.build((x,), ())


def _pulled(m: Expr, direct: Expr | None, y: Expr) -> list[Expr | None]:
    """``(direct + Q copied(M)) R^-T``: what cotangents of Q and R send to A."""
    batch, (x,) = y.ndim - 2, y.args
    q, r = _qr(x)
    inner = contract("ij,jk->ik", batch, q, _lower_copied(m))
    terms = [inner] if direct is None else [direct, inner]
    return [contract("ij,kj->ik", batch, add_all(terms), INV.build((r,), ()))]


def _q_cotangent(g: Expr, y: Expr, needed: Sequence[bool]) -> list[Expr | None]:
    q = _qr(y.args[0])[0]
    return _pulled(minus(contract("ji,jk->ik", y.ndim - 2, g, q)), g, y)


def _r_cotangent(g: Expr, y: Expr, needed: Sequence[bool]) -> list[Expr | None]:
    return _pulled(contract("ij,kj->ik", y.ndim - 2, y, triu(g)), None, y)


def _pushed(t: Expr, y: Expr) -> tuple[Expr, Expr]:
    """``dA R^-1`` and ``S - W``."""
    batch, (x,) = y.ndim - 2, y.args
    q, r = _qr(x)
    turned = contract("ij,jk->ik", batch, t, INV.build((r,), ()))
    s = contract("ji,jk->ik", batch, q, turned)
    return turned, _over_matrices(_upper, s, batch)


def _q_tangent(y: Expr, tangents: Sequence[Expr | None]) -> Expr | None:
    (t,) = tangents
    if t is None:
        return None
    turned, upper = _pushed(t, y)
    return subtract(turned, contract("ij,jk->ik", y.ndim - 2, y, upper))


def _r_tangent(y: Expr, tangents: Sequence[Expr | None]) -> Expr | None:
    (t,) = tangents
    if t is None:
        return None
    _, upper = _pushed(t, y)
    return contract("ij,jk->ik", y.ndim - 2, upper, y)


def _qr_op(name: str, part: int, vjp: Any, jvp: Any, latex: str) -> Op:
    def infer(args: tuple[Expr, ...], params: Params) -> tuple[Shape, Ty]:
        *batch, m, n = check_matrix(args[0], "qr").shape
        return (*batch, *((m, n), (n, n))[part]), float_of(args[0].ty)

    op = Op(
        name=name,
        build=lambda args, params: make(op, args, (), *infer(args, params)),
        infer=infer,
        vjp=vjp,
        jvp=jvp,
        matrices=True,
        raises=True,
        numpy="np.linalg.qr({0})",
        part=part,
        latex=latex,
        notes="Of a tall matrix of full rank, thin. The derivative holds the signs that LAPACK chose.",
    )
    return op


QR_Q: Final = _qr_op("qr_q", 0, _q_cotangent, _q_tangent, r"Q\left({0}\right)")
QR_R: Final = _qr_op("qr_r", 1, _r_cotangent, _r_tangent, r"R\left({0}\right)")
QR_OPS: Final = (QR_Q, QR_R)


class QRResult(NamedTuple):
    """``A = Q @ R`` with orthonormal columns of Q and an upper triangle R."""

    Q: Expr
    R: Expr


@public_as_typed
def qr(a: Any, mode: str = "reduced") -> Any:
    """The QR decomposition, as `numpy.linalg.qr`.

    Parameters
    ----------
    a : expression of shape (..., m, n)
        Of full rank; the extents must be ints, or equal.
    mode : str
        ``"reduced"``: Q of shape (..., m, k) and R of shape (..., k, n) with the smaller extent k;
        ``"r"``: R alone; ``"complete"`` if m is at most n, where it is the same.

    Returns
    -------
    QRResult or Expr

    Raises
    ------
    ShapeError
        If it is not known which extent is the larger.
    ArgumentError
        For another mode, or ``"complete"`` of a tall matrix: columns that fill up a basis are
        arbitrary, and have no derivative.

    Notes
    -----
    Where the rank is not full the derivative is inf or nan.

    Examples
    --------
    >>> import symgrad as sg
    >>> A = sg.matrix("A", (4, 2))
    >>> Q, R = sg.linalg.qr(A)
    >>> Q.shape, R.shape
    ((4, 2), (2, 2))
    """
    x = check_matrix(as_expr(a), "qr")
    m, n = x.shape[-2:]
    if mode not in ("reduced", "r", "complete"):
        raise ArgumentError(
            f"qr has the modes reduced, r and complete for expressions, not {mode!r}"
        )
    if m != n and not (isinstance(m, int) and isinstance(n, int)):
        raise ShapeError(
            f"qr of shape {show_shape(x.shape)} needs to know which extent is larger; declare them as"
            " ints"
        )
    tall = m == n or (isinstance(m, int) and isinstance(n, int) and m > n)
    if mode == "complete" and tall and m != n:
        raise ArgumentError(
            "qr of a tall matrix with mode='complete' fills up a basis with arbitrary columns, which"
            " have no derivative; use mode='reduced'"
        )
    if tall:
        q, r = _qr(x)
    else:
        square, rest = x[..., :m], x[..., m:]
        q, corner = _qr(square)
        r = concat([corner, matmul(transposed(q), rest)], x.ndim - 1)
    return r if mode == "r" else QRResult(q, r)
