"""Cholesky, symmetric eigenvalues, singular values: batched over leading axes.

The operand of `cholesky` and `eigh` is a symmetric matrix. As in NumPy only its lower triangle is
read; its derivative is along symmetric directions, so the gradient is symmetric:
``df = sum(gradient * dA)`` for every symmetric dA.

Where eigenvalues or singular values repeat, vectors have no derivative, and what comes out is inf or
nan; sums of values, and norms made of them, keep theirs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from symgrad.errors import ArgumentError, ShapeError
from symgrad.expr.dims import Shape, min_dims, show_shape
from symgrad.expr.interval import NONNEGATIVE
from symgrad.expr.leaves import EYE
from symgrad.expr.node import Expr, make
from symgrad.expr.op import Op, Params
from symgrad.expr.types import Ty
from symgrad.ops.arithmetic import add_all
from symgrad.ops.batch import on_last_axes
from symgrad.ops.einsum import transpose_axes
from symgrad.ops.elementwise import as_expr
from symgrad.ops.linalg import INV, square_op
from symgrad.ops.matrices import (
    as_float,
    check_matrix,
    check_square,
    contract,
    float_of,
    symmetric_part,
    transposed,
)
from symgrad.ops.public import public, public_as_typed
from symgrad.ops.reshaping import linear
from symgrad.ops.ufuncs import power, subtract

# Cholesky


def _half_lower(x: Expr, batch: int) -> Expr:
    """The lower triangles of `x`, diagonals halved; `x` may have axes behind those of the matrices."""
    extra = x.ndim - batch - 2
    if not extra:
        return HALF_LOWER.build((x,), ())
    moved = transpose_axes(x, (*range(batch + 2, x.ndim), *range(batch + 2)))
    return transpose_axes(HALF_LOWER.build((moved,), ()), (*range(extra, x.ndim), *range(extra)))


HALF_LOWER: Op = Op(
    name="half_lower",
    build=lambda args, params: make(HALF_LOWER, args, (), args[0].shape, args[0].ty),
    infer=lambda args, params: (check_square(args[0], "half_lower").shape, args[0].ty),
    vjp=lambda g, y, needed: [HALF_LOWER.build((g,), ())],
    jvp=linear(lambda y, t: _half_lower(t, y.ndim - 2)),
    matrices=True,
    linear=True,
    numpy="_half_lower({0})",
    latex=r"\Phi\left({0}\right)",
    notes="The lower triangle with its diagonal halved, Phi in Murray 2016: linear, its own adjoint.",
)


def _cholesky_cotangent(g: Expr, y: Expr, needed: Sequence[bool]) -> list[Expr | None]:
    """``L^-T Phi(L^T g) L^-1``, symmetrised, Phi taking half the lower triangle.

    Murray, Differentiation of the Cholesky decomposition, arXiv:1602.07527, 2016.
    """
    batch, inverse = y.ndim - 2, INV.build((y,), ())
    middle = _half_lower(contract("ji,jk->ik", batch, y, g), batch)
    full = contract("ji,jk,kl->il", batch, inverse, middle, inverse)
    return [symmetric_part(full, batch)]


def _cholesky_tangent(y: Expr, tangents: Sequence[Expr | None]) -> Expr | None:
    """``L Phi(L^-1 dA L^-T)`` (Murray 2016)."""
    (t,) = tangents
    if t is None:
        return None
    batch, inverse = y.ndim - 2, INV.build((y,), ())
    middle = contract("ij,jk,lk->il", batch, inverse, symmetric_part(t, batch), inverse)
    return contract("ij,jk->ik", batch, y, _half_lower(middle, batch))


CHOLESKY: Final = square_op(
    "cholesky",
    0,
    _cholesky_cotangent,
    _cholesky_tangent,
    lambda x: as_float(x) if x.op is EYE else None,
    raises=True,
    numpy="np.linalg.cholesky({0})",
    latex=r"\operatorname{{chol}}\left({0}\right)",
    notes="The operand is symmetric, and so is the gradient by it.",
)


# Reciprocal gaps


def _gaps_infer(args: tuple[Expr, ...], params: Params) -> tuple[Shape, Ty]:
    return (*args[0].shape, args[0].shape[-1]), args[0].ty


def _gaps_cotangent(g: Expr, y: Expr, needed: Sequence[bool]) -> list[Expr | None]:
    """``dF_ij = -F_ij**2 (dw_j - dw_i)``."""
    batch = y.ndim - 2
    weights = [contract("ij,ij,ij->" + k, batch, g, y, y) for k in "ij"]
    return [subtract(*weights)]


def _gaps_tangent(y: Expr, tangents: Sequence[Expr | None]) -> Expr | None:
    (t,) = tangents
    if t is None:
        return None
    batch = y.ndim - 2
    moved = [contract(f"ij,ij,{k}->ij", batch, y, y, t) for k in "ij"]
    return subtract(*moved)


GAPS: Op = Op(
    name="reciprocal_gaps",
    build=lambda args, params: make(GAPS, args, (), *_gaps_infer(args, params)),
    infer=_gaps_infer,
    vjp=_gaps_cotangent,
    jvp=_gaps_tangent,
    batch=on_last_axes,
    numpy="_gaps({0})",
    text="gaps({0})",
    latex=r"\operatorname{{gaps}}\left({0}\right)",
    notes="F[i, j] = 1/(w[j] - w[i]), and 0 on the diagonal; inf where two values are equal.",
)


def _gaps(w: Expr) -> Expr:
    return GAPS.build((w,), ())


# Eigenvalues and eigenvectors of symmetric matrices: A V = V diag(w)


def _eigh(x: Expr) -> tuple[Expr, Expr]:
    return EIGH_VALUES.build((x,), ()), EIGH_VECTORS.build((x,), ())


def _values_cotangent(g: Expr, y: Expr, needed: Sequence[bool]) -> list[Expr | None]:
    """``V diag(g) V^T`` (Giles 2008)."""
    _, v = _eigh(y.args[0])
    return [contract("ia,a,ja->ij", y.ndim - 1, v, g, v)]


def _values_tangent(y: Expr, tangents: Sequence[Expr | None]) -> Expr | None:
    """``dw = diag(V^T dA V)``."""
    (t,) = tangents
    _, v = _eigh(y.args[0])
    return None if t is None else contract("ia,ij,ja->a", y.ndim - 1, v, t, v)


def _vectors_cotangent(g: Expr, y: Expr, needed: Sequence[bool]) -> list[Expr | None]:
    """``V (F o V^T g) V^T``, symmetrised; F are the reciprocal gaps (Giles 2008)."""
    batch = y.ndim - 2
    w, _ = _eigh(y.args[0])
    inner = contract("ab,ja,jb->ab", batch, _gaps(w), y, g)
    return [symmetric_part(contract("ia,ab,jb->ij", batch, y, inner, y), batch)]


def _vectors_tangent(y: Expr, tangents: Sequence[Expr | None]) -> Expr | None:
    """``dV = V (F o V^T dA V)``."""
    (t,) = tangents
    if t is None:
        return None
    batch = y.ndim - 2
    w, _ = _eigh(y.args[0])
    turned = contract("ia,ij,jb->ab", batch, y, symmetric_part(t, batch), y)
    return contract("ia,ab,ab->ib", batch, y, _gaps(w), turned)


EIGH_VALUES: Final = square_op(
    "eigvalsh",
    1,
    _values_cotangent,
    _values_tangent,
    raises=True,
    numpy="np.linalg.eigh({0})",
    part=0,
    alone="np.linalg.eigvalsh({0})",
    latex=r"\lambda\left({0}\right)",
    notes="Ascending. Each has a derivative where it is simple; sums over equal ones have one too.",
)
EIGH_VECTORS: Final = square_op(
    "eigenvectors",
    0,
    _vectors_cotangent,
    _vectors_tangent,
    raises=True,
    numpy="np.linalg.eigh({0})",
    part=1,
    latex=r"\operatorname{{eigenvectors}}\left({0}\right)",
    notes="Derivatives hold the sign of each column fixed; inf or nan at repeated eigenvalues.",
)


# Singular values and vectors: A = U diag(s) Vt, thin
#
# Townsend, Differentiating the singular value decomposition, 2016. With P = U^T dA V and the
# reciprocal gaps F of s**2,
#     ds = diag(P),
#     dU = U (F o (P S + S P^T)) + (I - U U^T) dA V / S,
#     dV = V (F o (S P + P^T S)) + (I - V V^T) dA^T U / S.


def _svd_op(name: str, part: int, vjp: Any, jvp: Any, **fields: Any) -> Op:
    def infer(args: tuple[Expr, ...], params: Params) -> tuple[Shape, Ty]:
        *batch, m, n = check_matrix(args[0], "svd").shape
        k = min_dims(m, n)
        return (*batch, *((m, k), (k,), (k, n))[part]), float_of(args[0].ty)

    op = Op(
        name=name,
        build=lambda args, params: make(op, args, (), *infer(args, params)),
        infer=infer,
        vjp=vjp,
        jvp=jvp,
        matrices=True,
        raises=True,
        numpy="np.linalg.svd({0}, full_matrices=False)",
        part=part,
        **fields,
    )
    return op


def _svd(x: Expr) -> tuple[Expr, Expr, Expr]:
    return SVD_U.build((x,), ()), SVD_S.build((x,), ()), SVD_VT.build((x,), ())


def _singular_cotangent(g: Expr, y: Expr, needed: Sequence[bool]) -> list[Expr | None]:
    u, _, vt = _svd(y.args[0])
    return [contract("ia,a,aj->ij", y.ndim - 1, u, g, vt)]


def _singular_tangent(y: Expr, tangents: Sequence[Expr | None]) -> Expr | None:
    (t,) = tangents
    u, _, vt = _svd(y.args[0])
    return None if t is None else contract("ia,ij,aj->a", y.ndim - 1, u, t, vt)


def _both_ways(x: Expr, batch: int) -> Expr:
    return x + contract("ab->ba", batch, x)


def _left_cotangent(g: Expr, y: Expr, needed: Sequence[bool]) -> list[Expr | None]:
    batch, (x,) = y.ndim - 2, y.args
    u, s, vt = _svd(x)
    inner = _both_ways(contract("ab,ia,ib->ab", batch, _gaps(s**2), u, g), batch)
    terms = [contract("ia,ab,b,bj->ij", batch, u, inner, s, vt)]
    if u.shape[-1] != u.shape[-2]:
        off = subtract(g, contract("ia,ja,jb->ib", batch, u, u, g))
        terms.append(contract("ib,b,bj->ij", batch, off, power(s, -1), vt))
    return [add_all(terms)]


def _left_tangent(y: Expr, tangents: Sequence[Expr | None]) -> Expr | None:
    (t,) = tangents
    if t is None:
        return None
    batch, (x,) = y.ndim - 2, y.args
    u, s, vt = _svd(x)
    p = contract("ia,ij,bj->ab", batch, u, t, vt)
    inner = _both_ways(contract("ab,b->ab", batch, p, s), batch)
    terms = [contract("ia,ab,ab->ib", batch, u, _gaps(s**2), inner)]
    if u.shape[-1] != u.shape[-2]:
        off = subtract(t, contract("ia,ka,kj->ij", batch, u, u, t))
        terms.append(contract("ij,bj,b->ib", batch, off, vt, power(s, -1)))
    return add_all(terms)


def _right_cotangent(g: Expr, y: Expr, needed: Sequence[bool]) -> list[Expr | None]:
    batch, (x,) = y.ndim - 2, y.args
    u, s, vt = _svd(x)
    inner = _both_ways(contract("ab,aj,bj->ab", batch, _gaps(s**2), vt, g), batch)
    terms = [contract("ia,a,ab,bj->ij", batch, u, s, inner, vt)]
    if vt.shape[-1] != vt.shape[-2]:
        off = subtract(g, contract("ak,bk,bj->aj", batch, g, vt, vt))
        terms.append(contract("ia,a,aj->ij", batch, u, power(s, -1), off))
    return [add_all(terms)]


def _right_tangent(y: Expr, tangents: Sequence[Expr | None]) -> Expr | None:
    (t,) = tangents
    if t is None:
        return None
    batch, (x,) = y.ndim - 2, y.args
    u, s, vt = _svd(x)
    p = contract("ia,ij,bj->ab", batch, u, t, vt)
    inner = _both_ways(contract("a,ab->ab", batch, s, p), batch)
    terms = [contract("aj,ab,ab->bj", batch, vt, _gaps(s**2), inner)]
    if vt.shape[-1] != vt.shape[-2]:
        off = subtract(t, contract("ik,ak,aj->ij", batch, t, vt, vt))
        terms.append(contract("ib,ij,b->bj", batch, u, off, power(s, -1)))
    return add_all(terms)


_VECTORS_NOTE: Final = (
    "Derivatives hold signs fixed; inf or nan at repeated or zero singular values."
)

SVD_U: Final = _svd_op(
    "svd_u", 0, _left_cotangent, _left_tangent, latex=r"U\left({0}\right)", notes=_VECTORS_NOTE
)
SVD_S: Final = _svd_op(
    "svdvals",
    1,
    _singular_cotangent,
    _singular_tangent,
    alone="np.linalg.svd({0}, compute_uv=False)",
    latex=r"\operatorname{{svdvals}}\left({0}\right)",
    notes="Descending. At a zero singular value the derivative is one of the two one-sided ones.",
    range=NONNEGATIVE,
)
SVD_VT: Final = _svd_op(
    "svd_vt",
    2,
    _right_cotangent,
    _right_tangent,
    latex=r"V^{{\top}}\left({0}\right)",
    notes=_VECTORS_NOTE,
)


# The public functions


class EighResult(NamedTuple):
    """Ascending eigenvalues, and eigenvectors as columns."""

    eigenvalues: Expr
    eigenvectors: Expr


class SVDResult(NamedTuple):
    """``A = U @ diag(S) @ Vh`` with descending S."""

    U: Expr
    S: Expr
    Vh: Expr


@public
def cholesky(a: Any, *, upper: bool = False) -> Expr:
    """The lower triangular L with ``a = L @ L.T``, as `numpy.linalg.cholesky`; L.T for `upper`.

    `a` is symmetric and positive definite: of its entries the lower triangle is read, of its
    derivative the symmetric part counts. What is not positive definite raises
    `numpy.linalg.LinAlgError` when code runs.

    Raises
    ------
    ShapeError
        If the last two extents differ.

    Examples
    --------
    >>> import symgrad as sg
    >>> A = sg.matrix("A", (2, 2), spd=True)
    >>> sg.evaluate(sg.linalg.cholesky(A), {A: [[4.0, 2.0], [2.0, 10.0]]}).tolist()
    [[2.0, 0.0], [1.0, 3.0]]
    """
    x = check_square(as_expr(a), "cholesky")
    if upper:
        return transposed(CHOLESKY.build((transposed(x),), ()))
    return CHOLESKY.build((x,), ())


def _triangle(a: Any, who: str, uplo: str) -> Expr:
    x = check_square(as_expr(a), who)
    if uplo not in ("L", "U"):
        raise ArgumentError(f"{who} reads the triangle UPLO 'L' or 'U', not {uplo!r}")
    return x if uplo == "L" else transposed(x)


@public_as_typed
def eigh(a: Any, UPLO: str = "L") -> EighResult:
    """Eigenvalues and eigenvectors of symmetric matrices, as `numpy.linalg.eigh`.

    One triangle is read; gradients are symmetric. The derivative of the eigenvectors holds the sign
    of each column fixed; where eigenvalues repeat it does not exist, and is inf or nan.

    Raises
    ------
    ShapeError
        If the last two extents differ.

    Examples
    --------
    >>> import symgrad as sg
    >>> A = sg.matrix("A", ("n", "n"), symmetric=True)
    >>> w, V = sg.linalg.eigh(A)
    >>> w.shape, V.shape
    (('n',), ('n', 'n'))
    """
    x = _triangle(a, "eigh", UPLO)
    return EighResult(*_eigh(x))


@public
def eigvalsh(a: Any, UPLO: str = "L") -> Expr:
    """Ascending eigenvalues of symmetric matrices, as `numpy.linalg.eigvalsh`.

    The gradient is finite where eigenvalues repeat, too; it is symmetric.
    """
    return EIGH_VALUES.build((_triangle(a, "eigvalsh", UPLO),), ())


@public_as_typed
def svd(a: Any, full_matrices: bool = True, compute_uv: bool = True) -> Any:
    """Singular value decomposition, as `numpy.linalg.svd`: U, S and Vh, or S alone.

    Parameters
    ----------
    a : expression of shape (..., m, n)
    full_matrices : bool
        Must be False unless m and n are the same extent: the columns that complete U or Vh to a
        square matrix are arbitrary, and have no derivative.
    compute_uv : bool
        Whether to give U and Vh.

    Raises
    ------
    ShapeError
        For less than two axes, or full matrices of what is not square.

    Examples
    --------
    >>> import symgrad as sg
    >>> A = sg.matrix("A", ("m", "n"))
    >>> [part.shape for part in sg.linalg.svd(A, full_matrices=False)]
    [('m', min(m, n)), (min(m, n),), (min(m, n), 'n')]
    """
    x = check_matrix(as_expr(a), "svd")
    if not compute_uv:
        return SVD_S.build((x,), ())
    if full_matrices and x.shape[-1] != x.shape[-2]:
        raise ShapeError(
            f"svd of shape {show_shape(x.shape)}: full matrices have columns that are arbitrary and"
            " without derivative; write svd(a, full_matrices=False)"
        )
    return SVDResult(*_svd(x))


@public
def svdvals(x: Any) -> Expr:
    """Descending singular values, as `numpy.linalg.svdvals`.

    The derivative of a sum of them is finite where they repeat, and where they are zero.
    """
    return SVD_S.build((check_matrix(as_expr(x), "svdvals"),), ())


DECOMPOSITION_OPS: Final = (
    HALF_LOWER,
    CHOLESKY,
    GAPS,
    EIGH_VALUES,
    EIGH_VECTORS,
    SVD_U,
    SVD_S,
    SVD_VT,
)
