"""NumPy's functions of polynomials, whose coefficients are vectors, that of the highest power first."""

from __future__ import annotations

from typing import Any

import numpy as np

from symgrad.errors import ArgumentError, ShapeError
from symgrad.expr.dims import show_shape
from symgrad.expr.leaves import number
from symgrad.expr.node import Expr
from symgrad.ops import reducing
from symgrad.ops.convolving import full_convolution
from symgrad.ops.einsum import insert_axes
from symgrad.ops.elementwise import as_expr
from symgrad.ops.grids import vander
from symgrad.ops.pseudoinverse import lstsq
from symgrad.ops.public import as_int, known_int, public, public_as_typed
from symgrad.ops.shapes import concatenate, pad, stack
from symgrad.ops.ufuncs import add, divide, multiply, sqrt, square, subtract


def _coefficients(p: Any, who: str) -> Expr:
    x = as_expr(p)
    if x.ndim > 1:
        raise ShapeError(
            f"{who} takes a polynomial as the vector of its coefficients, that of the highest power"
            f" first, got shape {show_shape(x.shape)}"
        )
    return x if x.ndim else insert_axes(x, (0,))


def _length(p: Expr, who: str) -> int:
    return known_int(p.shape[0], who, p.shape)


@public
def polyval(p: Any, x: Any) -> Expr:
    """The value of a polynomial by Horner's scheme, as `numpy.polyval`.

    Parameters
    ----------
    p : vector of known extent
        The coefficients, that of the highest power first.
    x : expression of any shape

    Raises
    ------
    ShapeError
        If `p` is no vector of known extent.

    Examples
    --------
    >>> import symgrad as sg
    >>> x = sg.symbol("x")
    >>> print(sg.diff(sg.polyval([1, 2, 3], x), x))
    2*x + 2
    """
    c, point = _coefficients(p, "polyval"), as_expr(x)
    value = number(0, point.shape)
    for k in range(_length(c, "polyval")):
        value = add(multiply(value, point), c[k])
    return value


def _same_length(a1: Any, a2: Any, who: str) -> tuple[Expr, Expr]:
    """Both polynomials with as many coefficients, zeros before those of the shorter one."""
    a, b = _coefficients(a1, who), _coefficients(a2, who)
    if a.shape == b.shape:
        return a, b
    longer = max(_length(a, who), _length(b, who))
    return pad(a, (longer - _length(a, who), 0)), pad(b, (longer - _length(b, who), 0))


@public
def polyadd(a1: Any, a2: Any) -> Expr:
    """The sum of two polynomials, as `numpy.polyadd`."""
    return add(*_same_length(a1, a2, "polyadd"))


@public
def polysub(a1: Any, a2: Any) -> Expr:
    """The difference of two polynomials, as `numpy.polysub`."""
    return subtract(*_same_length(a1, a2, "polysub"))


@public
def polymul(a1: Any, a2: Any) -> Expr:
    """The product of two polynomials, as `numpy.polymul`; leading zeros stay.

    Examples
    --------
    >>> import numpy as np, symgrad as sg
    >>> np.polymul(sg.vector("p", 3), sg.vector("q", 2)).shape
    (4,)
    """
    return full_convolution(_coefficients(a1, "polymul"), _coefficients(a2, "polymul"))


@public_as_typed
def polydiv(u: Any, v: Any) -> tuple[Expr, Expr]:
    """Quotient and remainder of two polynomials of known lengths, by long division.

    As `numpy.polydiv`, but for leading zeros of the remainder, which stay: whether a coefficient is zero
    is not known to a formula, and the length of a result does not depend on values.
    """
    a, b = _coefficients(u, "polydiv"), _coefficients(v, "polydiv")
    n, m = _length(a, "polydiv"), _length(b, "polydiv")
    if n < m:
        return number(0.0, (1,)), a
    rest, quotient = a, []
    for k in range(n - m + 1):
        factor = divide(rest[k], b[0])
        quotient.append(factor)
        rest = subtract(rest, pad(multiply(factor, b), (k, n - m - k)))
    remainder = rest[n - m + 1 :] if m > 1 else number(0.0, (1,))
    return stack(quotient), remainder


@public
def polyder(p: Any, m: int = 1) -> Expr:
    """The coefficients of the m-th derivative of a polynomial, as `numpy.polyder`."""
    c = _coefficients(p, "polyder")
    for _ in range(_order(m, "polyder")):
        n = _length(c, "polyder")
        c = multiply(c[:-1], np.arange(n - 1, 0, -1))
    return c


@public
def polyint(p: Any, m: int = 1, k: Any = None) -> Expr:
    """The coefficients of the m-th integral of a polynomial, as `numpy.polyint`.

    `k` is the constant of integration, or one for each of the m.
    """
    c, times = _coefficients(p, "polyint"), _order(m, "polyint")
    constants = insert_axes(number(0.0), (0,)) if k is None else _coefficients(k, "polyint")
    given = _length(constants, "polyint")
    if given not in (1, times):
        raise ArgumentError(f"polyint takes one constant or {times}, got {given}")
    for i in range(times):
        n = _length(c, "polyint")
        last = constants[i] if given > 1 else constants[0]
        c = concatenate([divide(c, np.arange(n, 0, -1)), insert_axes(last, (0,))])
    return c


def _order(m: Any, who: str) -> int:
    times = as_int(m, f"the order of {who}")
    if times < 0:
        raise ArgumentError(f"the order of {who} must not be negative, got {times}")
    return times


@public
def poly(seq_of_zeros: Any) -> Expr:
    """The coefficients of the polynomial with these zeros and a leading one, as `numpy.poly`.

    Examples
    --------
    >>> import numpy as np, symgrad as sg
    >>> a, b = sg.symbols("a b")
    >>> print(sg.simplify(np.poly(sg.stack([a, b]))))
    [1.0, -a - b, a*b]
    """
    x = as_expr(seq_of_zeros)
    if x.ndim > 1:
        raise ShapeError(
            f"poly of an expression takes its zeros as a vector, got shape {show_shape(x.shape)}; for a"
            " matrix write linalg.det(A - t*eye(n)), its characteristic polynomial in t"
        )
    zeros = x if x.ndim else insert_axes(x, (0,))
    c = number(1.0, (1,))
    for k in range(_length(zeros, "poly")):
        c = subtract(pad(c, (0, 1)), multiply(zeros[k], pad(c, (1, 0))))
    return c


@public
def polyfit(
    x: Any, y: Any, deg: int, rcond: Any = None, full: bool = False, w: Any = None, cov: Any = False
) -> Expr:
    """The polynomial that fits points best in the sense of least squares, as `numpy.polyfit`.

    Parameters
    ----------
    x : vector
    y : expression of shape (n,) or (n, k)
    deg : int
        The degree.
    rcond : None
        Points must determine the polynomial.
    full, cov : bool
        More results are not defined for expressions.
    w : vector, optional
        Weights of the residuals.

    Raises
    ------
    ArgumentError
        For the options that are not defined, or a negative degree.

    Examples
    --------
    >>> import numpy as np
    >>> import symgrad as sg
    >>> y = sg.vector("y", 3)
    >>> sg.evaluate(np.polyfit([0.0, 1.0, 2.0], y, 1), {y: [1.0, 3.0, 5.0]}).round(12)
    array([2., 1.])
    """
    for name, value in (("rcond", rcond), ("full", full), ("cov", cov)):
        if value is not None and value is not False:
            raise ArgumentError(
                f"polyfit of an expression takes no {name}; linalg.lstsq(vander(x, deg + 1), y) has the"
                " residuals, the rank and the singular values"
            )
    places, values = as_expr(x), as_expr(y)
    if places.ndim != 1 or values.ndim not in (1, 2) or values.shape[0] != places.shape[0]:
        raise ShapeError(
            "polyfit takes a vector of places and as many values, got shapes"
            f" {show_shape(places.shape)} and {show_shape(values.shape)}"
        )
    matrix = vander(multiply(places, 1.0), _order(deg, "polyfit") + 1)
    if w is not None:
        weights = as_expr(w)
        matrix = multiply(matrix, insert_axes(weights, (1,)))
        values = multiply(values, weights if values.ndim == 1 else insert_axes(weights, (1,)))
    scale = sqrt(reducing.sum(square(matrix), axis=0))
    found = lstsq(divide(matrix, scale), multiply(values, 1.0)).x
    return divide(found, scale if values.ndim == 1 else insert_axes(scale, (1,)))
