"""The exponential of a square matrix."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from symgrad.expr.leaves import number
from symgrad.expr.node import Expr
from symgrad.ops.arithmetic import mul
from symgrad.ops.einsum import broadcast, transpose_axes
from symgrad.ops.elementwise import as_expr
from symgrad.ops.layout import concat, part
from symgrad.ops.linalg import square_op
from symgrad.ops.matrices import (
    as_float,
    check_square,
    scale_of_identity,
    transposed,
    untransposed,
)
from symgrad.ops.public import public


def _frechet(a: Expr, e: Expr) -> Expr:
    """The derivative of expm at `a` along `e`: the corner of ``expm([[a, e], [0, a]])``.

    Najfeld and Havel, Derivatives of the matrix exponential and their computation, Adv. Appl. Math.
    16, 1995.
    """
    rows, columns = a.ndim - 2, a.ndim - 1
    n = a.shape[-1]
    upper = concat([a, e], columns)
    lower = concat([number(0, a.shape), a], columns)
    block = EXPM.build((concat([upper, lower], rows),), ())
    return part(part(block, rows, 0, n), columns, n, block.shape[-1])


def _expm_tangent(y: Expr, tangents: Sequence[Expr | None]) -> Expr | None:
    """Directions, which trail, become leading axes of a batch, and go back."""
    (t,) = tangents
    if t is None:
        return None
    extra = t.ndim - y.ndim
    moved = transpose_axes(t, (*range(y.ndim, t.ndim), *range(y.ndim)))
    result = _frechet(broadcast(as_float(y.args[0]), moved.shape), moved)
    return transpose_axes(result, (*range(extra, t.ndim), *range(extra)))


def _expm_cotangent(g: Expr, y: Expr, needed: Sequence[bool]) -> list[Expr | None]:
    """The adjoint of the derivative at A is the derivative at A.T; along an identity it is expm(A.T)."""
    scale = scale_of_identity(g)
    if scale is not None:
        return [mul(scale, transposed(y))]
    return [_frechet(transposed(as_float(y.args[0])), g)]


def _known_expm(x: Expr) -> Expr | None:
    inner = untransposed(x)
    return None if inner is None else transposed(EXPM.build((inner,), ()))


EXPM: Final = square_op(
    "expm",
    0,
    _expm_cotangent,
    _expm_tangent,
    _known_expm,
    numpy="_expm({0})",
    latex=r"e^{{{0}}}",
    sympy=lambda sp, a: a.exp(),
    keeps_symmetry=True,
    notes="By scaling and squaring with the Pade approximant of degree 13 (Higham 2005).",
)


@public
def expm(a: Any) -> Expr:
    """Exponential of square matrices, as `scipy.linalg.expm`; the code needs NumPy only.

    The derivative is the corner of the exponential of a block matrix of twice the size.

    Examples
    --------
    >>> import symgrad as sg
    >>> A = sg.matrix("A", ("n", "n"))
    >>> sg.evaluate(sg.linalg.expm(A), {A: [[0.0, 1.0], [0.0, 0.0]]}).tolist()
    [[1.0, 1.0], [0.0, 1.0]]
    """
    return EXPM.build((check_square(as_expr(a), "expm"),), ())


FUNCTION_OPS: Final = (EXPM,)
