"""Arithmetic of NumPy's names: built as sums, products and powers."""

from collections.abc import Callable
from fractions import Fraction
from typing import Any, Final

import numpy as np

from symgrad.calls import checked
from symgrad.errors import DTypeError
from symgrad.expr.leaves import number, value_of
from symgrad.expr.node import Expr
from symgrad.expr.types import BOOL, FLOAT, INT, promote, resolve
from symgrad.ops.arithmetic import MUL, raw_product
from symgrad.ops.arithmetic import add as add_pair
from symgrad.ops.arithmetic import mul as mul_pair
from symgrad.ops.arithmetic import power as power_pair
from symgrad.ops.cast import cast
from symgrad.ops.einsum import broadcast, broadcast_all, is_stretched_scalar
from symgrad.ops.elementwise import as_expr, lift_of
from symgrad.ops.examples import documented
from symgrad.ops.flat import reciprocal_of
from symgrad.ops.grouping import MAX_FLAT

HALF = Fraction(1, 2)


def _binary(function: Callable[..., Any], args: tuple[Any, Any]) -> Any:
    """The two operands as expressions of one shape, or the result of a lifted call."""
    a, b = args
    if a.__class__ is not Expr or b.__class__ is not Expr:
        lift = lift_of(args)
        if lift is not None:
            return lift(function, args, {})
        a, b = as_expr(a), as_expr(b)
    if a.shape != b.shape:
        a, b = broadcast_all((a, b))
    return a, b


@documented
@checked
def add(x1: Any, x2: Any) -> Expr:
    """Sum of two operands, broadcast.

    Examples
    --------
    >>> import symgrad as sg
    >>> x = sg.symbol("x")
    >>> print(sg.add(x, 1))
    x + 1
    """
    pair = _binary(add, (x1, x2))
    if pair.__class__ is not tuple:
        return pair  # type: ignore[no-any-return]
    a, b = pair
    return add_pair(a, b, flat=True)


@documented
@checked
def subtract(x1: Any, x2: Any) -> Expr:
    """Difference of two operands, broadcast; built as ``x1 + (-1)*x2``.

    Examples
    --------
    >>> import symgrad as sg
    >>> x = sg.symbol("x")
    >>> y = sg.symbol("y")
    >>> print(sg.subtract(x, y))
    x - y
    """
    pair = _binary(subtract, (x1, x2))
    return _difference(*pair) if pair.__class__ is tuple else pair


def _difference(a: Expr, b: Expr, flat: bool = True) -> Expr:
    if a.ty is BOOL and b.ty is BOOL:
        raise DTypeError("a difference of booleans is not defined; write logical_xor(a, b)")
    return add_pair(a, mul_pair(number(-1, b.shape), b, flat), flat)


@documented
@checked
def multiply(x1: Any, x2: Any) -> Expr:
    """Product of two operands, broadcast.

    Examples
    --------
    >>> import symgrad as sg
    >>> x = sg.symbol("x")
    >>> y = sg.symbol("y")
    >>> print(sg.multiply(x, y))
    x*y
    """
    pair = _binary(multiply, (x1, x2))
    if pair.__class__ is not tuple:
        return pair  # type: ignore[no-any-return]
    a, b = pair
    return mul_pair(_opened(a), _opened(b), flat=True)


def _opened(x: Expr) -> Expr:
    """``(2*a)`` for each entry of an array as ``2*a``, so that ``2*a*v`` is one product."""
    if not (is_stretched_scalar(x) and x.args[0].op is MUL and x.dtype.kind == "f"):
        return x
    factors = x.args[0].args
    if len(factors) > MAX_FLAT or any(f.ty is not x.ty and not f.ty.weak for f in factors):
        return x
    return raw_product(tuple([broadcast(f, x.shape) for f in factors]))


@documented
@checked
def divide(x1: Any, x2: Any) -> Expr:
    """Quotient of two operands, broadcast; built as ``x1 * x2**-1``.

    Examples
    --------
    >>> import symgrad as sg
    >>> x = sg.symbol("x")
    >>> y = sg.symbol("y")
    >>> print(sg.divide(x, y))
    x/y
    """
    pair = _binary(divide, (x1, x2))
    if pair.__class__ is not tuple:
        return pair  # type: ignore[no-any-return]
    a, b = pair
    return _quotient(_opened(a), _opened(b))


def _quotient(a: Expr, b: Expr, flat: bool = True) -> Expr:
    if b.dtype.kind != "f" and not b.ty.weak:
        ty = resolve(np.true_divide, (a.ty, b.ty))
        if ty.dtype != FLOAT.dtype:
            b = cast(b, ty)  # the reciprocal of an integer alone is a float64
    below = reciprocal_of(b) if flat else power_pair(b, number(-1, b.shape))
    quotient = mul_pair(a, below, flat)
    if quotient.dtype.kind != "f" and not quotient.ty.weak:  # by one, as it turned out
        return cast(quotient, resolve(np.true_divide, (a.ty, b.ty)))
    return quotient


@documented
@checked
def power(x1: Any, x2: Any) -> Expr:
    """``x1 ** x2``, broadcast, as `numpy.power`.

    The derivatives, ``x2 * x1**(x2 - 1)`` by the base and ``x1**x2 * log(x1)`` by the exponent, are right
    at base 0 too, at every order: the limits from above, where there are such.

    Examples
    --------
    >>> import symgrad as sg
    >>> x, p = sg.symbols("x p")
    >>> slope = sg.lambdify([x, p], sg.diff(x**p, x))
    >>> [slope(0.0, p) for p in (0.0, 0.5, 1.0, 2.0)]
    [0.0, inf, 1.0, 0.0]
    """
    pair = _binary(power, (x1, x2))
    if pair.__class__ is not tuple:
        return pair  # type: ignore[no-any-return]
    a, b = pair
    if value_of(b) == -1:
        return reciprocal_of(a)
    return power_pair(cast(a, INT) if a.ty is BOOL and b.ty.weak else a, b)


@documented
@checked
def float_power(x1: Any, x2: Any) -> Expr:
    """``x1 ** x2`` in float64 or wider, as `numpy.float_power`.

    Examples
    --------
    >>> import symgrad as sg
    >>> x = sg.symbol("x")
    >>> print(sg.float_power(x, 2))
    x**2
    """
    pair = _binary(float_power, (x1, x2))
    if pair.__class__ is not tuple:
        return pair  # type: ignore[no-any-return]
    a, b = pair
    return power_pair(cast(a, promote(a.ty, FLOAT)), cast(b, promote(b.ty, FLOAT)))


@documented
@checked
def negative(x: Any) -> Expr:
    """``-x``.

    Examples
    --------
    >>> import symgrad as sg
    >>> x = sg.symbol("x")
    >>> print(sg.negative(x))
    -x
    """
    if x.__class__ is Expr and x.ty is BOOL:
        raise DTypeError("minus a boolean is not defined; write logical_not(x)")
    return multiply(x, -1)


@documented
@checked
def positive(x: Any) -> Expr:
    """``+x``, which is `x`.

    Examples
    --------
    >>> import symgrad as sg
    >>> x = sg.symbol("x")
    >>> print(sg.positive(x))
    x
    """
    return multiply(x, 1)


@documented
@checked
def square(x: Any) -> Expr:
    """``x**2``.

    Examples
    --------
    >>> import symgrad as sg
    >>> x = sg.symbol("x")
    >>> print(sg.square(x))
    x**2
    """
    return power(x, 2)


@documented
@checked
def sqrt(x: Any) -> Expr:
    """Square root, built as ``x**(1/2)``; its derivative at 0 is inf.

    Examples
    --------
    >>> import symgrad as sg
    >>> x = sg.symbol("x")
    >>> print(sg.diff(sg.sqrt(x), x))
    1/(2*sqrt(x))
    """
    return power(x, HALF)


@documented
@checked
def reciprocal(x: Any) -> Expr:
    """``1/x``.

    Examples
    --------
    >>> import symgrad as sg
    >>> x = sg.symbol("x")
    >>> print(sg.reciprocal(x))
    1/x
    """
    return power(x, -1)


def as_written(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of this module that keeps the grouping: ``(x*y)*2`` is multiplied in this order.

    The others give equal formulas one node; what must agree with NumPy's steps to the last bit asks for
    these.
    """
    return _AS_WRITTEN.get(function, function)


def _pairwise(function: Callable[..., Expr]) -> Callable[..., Expr]:
    def call(x1: Any, x2: Any) -> Expr:
        return function(*_binary(function, (x1, x2)), flat=False)

    return call


_AS_WRITTEN: Final[dict[Callable[..., Any], Callable[..., Any]]] = {
    add: _pairwise(add_pair),
    subtract: _pairwise(_difference),
    multiply: _pairwise(mul_pair),
    divide: _pairwise(_quotient),
}
