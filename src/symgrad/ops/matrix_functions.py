"""Functions of a square matrix: integer powers and the exponential."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from symgrad.errors import ArgumentError
from symgrad.expr.leaves import EYE, eye, is_number, number
from symgrad.expr.node import Expr
from symgrad.ops.arithmetic import MUL, mul, mul_all
from symgrad.ops.einsum import (
    EINSUM,
    broadcast,
    is_layout,
    is_stretched_scalar,
    transpose_axes,
)
from symgrad.ops.elementwise import as_expr
from symgrad.ops.layout import concat, part
from symgrad.ops.linalg import inv, square_op
from symgrad.ops.matrices import as_float, check_square, transposed, untransposed
from symgrad.ops.products import matmul
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
    scale = _scale_of_identity(g)
    if scale is not None:
        return [mul(scale, transposed(y))]
    return [_frechet(transposed(as_float(y.args[0])), g)]


def _scale_of_identity(x: Expr) -> Expr | None:
    """c of shape ``x.shape``, for ``x = c*eye(n)`` with a number or a scalar c; None for another matrix."""
    if x.op is EYE:
        return number(1, x.shape)
    if x.op is EINSUM and x.ndim == 2:
        inputs, out, spread = x.params
        identity = [k for k, arg in enumerate(x.args) if arg.op is EYE]
        rest = [arg for arg in x.args if arg.op is not EYE]
        plain = len(identity) == 1 and sorted(inputs[identity[0]]) == sorted(out) and not spread
        if plain and all(arg.ndim == 0 for arg in rest):
            return broadcast(mul_all(rest), x.shape) if rest else number(1, x.shape)
    if x.op is not MUL:
        return None
    at = [k for k, arg in enumerate(x.args) if _is_identity(arg)]
    others = [arg for k, arg in enumerate(x.args) if k not in at]
    if len(at) != 1 or not all(is_number(arg) or is_stretched_scalar(arg) for arg in others):
        return None
    return mul_all(others)


def _is_identity(x: Expr) -> bool:
    return x.op is EYE or (is_layout(x) and x.args[0].op is EYE and x.ndim == 2)


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


@public
def matrix_power(a: Any, n: int) -> Expr:
    """`a` multiplied with itself, by repeated squaring, as `numpy.linalg.matrix_power`.

    Raises
    ------
    ArgumentError
        If `n` is no int.
    ShapeError
        If the last two extents of `a` differ.
    """
    x = check_square(as_expr(a), "matrix_power")
    if isinstance(n, bool) or not isinstance(n, (int, np.integer)):
        raise ArgumentError(
            f"matrix_power needs an int exponent, not {n!r}; for other powers write"
            " expm(n*L) with a logarithm L, or the eigenvalues of eigh"
        )
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
        return broadcast(eye(x.shape[-1], x.dtype), x.shape)
    return result


FUNCTION_OPS: Final = (EXPM,)
