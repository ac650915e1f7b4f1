"""Rounding and remainders: piecewise constant or linear.

The derivative of a rounded value is 0 wherever it exists, and 0 at the jumps.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from symgrad.calls import checked
from symgrad.expr.interval import REALS, Interval
from symgrad.expr.node import Expr
from symgrad.expr.numbers import quotient, remainder, truncated_remainder
from symgrad.ops.basic import subtract
from symgrad.ops.cast import cast
from symgrad.ops.elementwise import Elementwise, as_expr, elementwise
from symgrad.ops.examples import documented
from symgrad.ops.public import public


def _rounded_ends(x: Interval, rounded: Callable[[Any], Any]) -> Interval:
    """The range of a function that rounds, which is increasing."""
    low, high = [end if math.isinf(end) else rounded(end) for end in (x.low, x.high)]
    return Interval(low, high)


def _rounding(
    name: str,
    numpy: str,
    scalar: str,
    latex: str,
    sympy: Any,
    ufunc: np.ufunc,
    rounded: Callable[[Any], Any],
) -> Elementwise:
    return elementwise(
        name,
        derivative=None,
        numpy=numpy,
        scalar=scalar,
        latex=latex,
        sympy=sympy,
        ufunc=ufunc,
        exact=rounded,
        range=lambda y, x: _rounded_ends(x, rounded),
        special=(1.5, -1.5, 2.0),
        notes="The derivative is 0 everywhere, at the jumps too.",
    )


floor = _rounding(
    "floor",
    "np.floor({0})",
    "float(floor({0}))",
    r"\lfloor{{{0}}}\rfloor",
    lambda sp, x: sp.floor(x),
    np.floor,
    math.floor,
)
ceil = _rounding(
    "ceil",
    "np.ceil({0})",
    "float(ceil({0}))",
    r"\lceil{{{0}}}\rceil",
    lambda sp, x: sp.ceiling(x),
    np.ceil,
    math.ceil,
)
trunc = _rounding(
    "trunc",
    "np.trunc({0})",
    "float(trunc({0}))",
    r"\operatorname{{trunc}}\left({0}\right)",
    lambda sp, x: sp.sign(x) * sp.floor(sp.Abs(x)),
    np.trunc,
    math.trunc,
)
rint = _rounding(
    "rint",
    "np.rint({0})",
    "float(round({0}))",
    r"\operatorname{{rint}}\left({0}\right)",
    lambda sp, x: sp.Piecewise(
        (2 * sp.floor(x / 2 + sp.Rational(1, 4)), sp.Eq(sp.Mod(x, 1), sp.Rational(1, 2))),
        (sp.floor(x + sp.Rational(1, 2)), True),
    ),
    np.rint,
    round,
)


def _range_of_mod(y: Expr, a: Interval, b: Interval) -> Interval:
    """Remainders have the sign of the divisor."""
    if b.nonnegative:
        return Interval(0, b.high)
    return Interval(b.low, 0) if b.nonpositive else REALS


def _range_of_fmod(y: Expr, a: Interval, b: Interval) -> Interval:
    """Remainders have the sign of the dividend, and are no larger."""
    return Interval(0, a.high) if a.nonnegative else Interval(a.low, 0 if a.nonpositive else a.high)


floor_divide = elementwise(
    "floor_divide",
    derivative=(None, None),
    numpy="np.floor_divide({0}, {1})",
    scalar="{0}//{1}",
    text="floor({0}/{1})",
    latex=r"\lfloor{{{0} / {1}}}\rfloor",
    sympy=lambda sp, a, b: sp.floor(a / b),
    ufunc=np.floor_divide,
    domain=((-3.0, 3.0), (0.3, 2.0)),
    notes="The derivatives are 0 everywhere, at the jumps too.",
    range=lambda y, a, b: _rounded_ends(a * b.power(-1), math.floor),
    exact=quotient,
)
mod = elementwise(
    "mod",
    derivative=(lambda g, y, a, b: g, lambda g, y, a, b: -g * floor_divide(a, b)),
    numpy="np.mod({0}, {1})",
    scalar="{0} % {1}",
    latex=r"{0} \bmod {1}",
    sympy=lambda sp, a, b: sp.Mod(a, b),
    ufunc=np.mod,
    domain=((0.1, 0.9), (1.0, 2.0)),
    special=(),
    notes="d mod(a, b)/da is 1 and d/db is -floor(a/b), at the jumps too.",
    range=_range_of_mod,
    exact=remainder,
    cost=8,
)
fmod = elementwise(
    "fmod",
    derivative=(lambda g, y, a, b: g, lambda g, y, a, b: -g * trunc(a / b)),
    numpy="np.fmod({0}, {1})",
    scalar="fmod({0}, {1})",
    latex=r"\operatorname{{fmod}}\left({0}, {1}\right)",
    sympy=lambda sp, a, b: a - b * sp.sign(a / b) * sp.floor(sp.Abs(a / b)),
    ufunc=np.fmod,
    domain=((0.1, 0.9), (1.0, 2.0)),
    notes="d fmod(a, b)/da is 1 and d/db is -trunc(a/b), at the jumps too.",
    range=_range_of_fmod,
    exact=truncated_remainder,
    cost=20,
)


@documented
@checked
def divmod_(x1: Any, x2: Any) -> tuple[Expr, Expr]:
    """``(floor_divide(x1, x2), mod(x1, x2))``.

    Examples
    --------
    >>> import symgrad as sg
    >>> x = sg.symbol("x")
    >>> y = sg.symbol("y")
    >>> print(sg.divmod(x, y))
    (floor(x/y), mod(x, y))
    """
    return floor_divide(x1, x2), mod(x1, x2)


@documented
@checked
def modf(x: Any) -> tuple[Expr, Expr]:
    """Fractional and integral part, as `numpy.modf`.

    Examples
    --------
    >>> import symgrad as sg
    >>> x = sg.symbol("x")
    >>> print([sg.evaluate(e, {x: 2.5}) for e in sg.modf(x)])
    [0.5, 2.0]
    """
    whole = trunc(x)
    return subtract(x, whole), whole


@public
def round_(a: Any, decimals: int = 0) -> Expr:
    """`a` rounded half to even at a number of decimals, as `numpy.round`; integers stay integers.

    The derivative is 0 everywhere, at the jumps too.
    """
    x = as_expr(a)
    if decimals == 0:
        return rint(x) if x.dtype.kind == "f" else x
    scale = 10 ** abs(decimals)
    result = rint(x * scale) / scale if decimals > 0 else rint(x / scale) * scale
    return result if x.dtype.kind == "f" else cast(result, x.ty)
