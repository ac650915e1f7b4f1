"""NumPy's elementwise functions: arithmetic, exponentials, trigonometry, rounding, comparison.

Derivatives are written with the operators of `Expr`; `y` is the result node, for reuse. A None in
place of a derivative says that it is zero wherever it exists (rounding, comparison).
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np

from symgrad.errors import DTypeError
from symgrad.expr.leaves import PI, number
from symgrad.expr.node import Expr
from symgrad.expr.types import BOOL, FLOAT, INT, as_ty, promote, resolve
from symgrad.ops.arithmetic import add as add_pair
from symgrad.ops.arithmetic import mul as mul_pair
from symgrad.ops.arithmetic import power as power_pair
from symgrad.ops.cast import cast
from symgrad.ops.einsum import broadcast_all
from symgrad.ops.elementwise import Elementwise, as_expr, elementwise, lift_of
from symgrad.ops.guard import choose
from symgrad.ops.public import public

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


def add(x1: Any, x2: Any) -> Expr:
    """Sum of two operands, broadcast."""
    pair = _binary(add, (x1, x2))
    return add_pair(*pair) if pair.__class__ is tuple else pair


def subtract(x1: Any, x2: Any) -> Expr:
    """Difference of two operands, broadcast; built as ``x1 + (-1)*x2``."""
    pair = _binary(subtract, (x1, x2))
    if pair.__class__ is not tuple:
        return pair  # type: ignore[no-any-return]
    a, b = pair
    if a.ty is BOOL and b.ty is BOOL:
        raise DTypeError("a difference of booleans is not defined; write logical_xor(a, b)")
    return add_pair(a, mul_pair(number(-1, b.shape), b))


def multiply(x1: Any, x2: Any) -> Expr:
    """Product of two operands, broadcast."""
    pair = _binary(multiply, (x1, x2))
    return mul_pair(*pair) if pair.__class__ is tuple else pair


def divide(x1: Any, x2: Any) -> Expr:
    """Quotient of two operands, broadcast; built as ``x1 * x2**-1``."""
    pair = _binary(divide, (x1, x2))
    if pair.__class__ is not tuple:
        return pair  # type: ignore[no-any-return]
    a, b = pair
    if b.dtype.kind != "f" and not b.ty.weak:
        ty = resolve(np.true_divide, (a.ty, b.ty))
        if ty.dtype != FLOAT.dtype:
            b = cast(b, ty)  # the reciprocal of an integer alone is a float64
    quotient = mul_pair(a, power_pair(b, number(-1, b.shape)))
    if quotient.dtype.kind != "f" and not quotient.ty.weak:  # by one, as it turned out
        return cast(quotient, resolve(np.true_divide, (a.ty, b.ty)))
    return quotient


def power(x1: Any, x2: Any) -> Expr:
    """``x1 ** x2``, broadcast. The derivative by the exponent is ``x1**x2 * log(x1)``."""
    pair = _binary(power, (x1, x2))
    if pair.__class__ is not tuple:
        return pair  # type: ignore[no-any-return]
    a, b = pair
    return power_pair(cast(a, INT) if a.ty is BOOL and b.ty.weak else a, b)


def float_power(x1: Any, x2: Any) -> Expr:
    """``x1 ** x2`` in float64 or wider, as `numpy.float_power`."""
    pair = _binary(float_power, (x1, x2))
    if pair.__class__ is not tuple:
        return pair  # type: ignore[no-any-return]
    a, b = pair
    return power_pair(cast(a, promote(a.ty, FLOAT)), cast(b, promote(b.ty, FLOAT)))


def negative(x: Any) -> Expr:
    """``-x``."""
    if x.__class__ is Expr and x.ty is BOOL:
        raise DTypeError("minus a boolean is not defined; write logical_not(x)")
    return multiply(x, -1)


def positive(x: Any) -> Expr:
    """``+x``, which is `x`."""
    return multiply(x, 1)


def square(x: Any) -> Expr:
    """``x**2``."""
    return power(x, 2)


def sqrt(x: Any) -> Expr:
    """Square root, built as ``x**(1/2)``; its derivative at 0 is inf."""
    return power(x, HALF)


def reciprocal(x: Any) -> Expr:
    """``1/x``."""
    return power(x, -1)


# Exponentials and logarithms


exp = elementwise(
    "exp",
    derivative=lambda g, y, x: g * y,
    numpy="np.exp({0})",
    scalar="exp({0})",
    latex=r"\exp\left({0}\right)",
    sympy=lambda sp, x: sp.exp(x),
    ufunc=np.exp,
    exact={0: 1},
    special=(0.0, 700.0, -700.0),
)
log = elementwise(
    "log",
    derivative=lambda g, y, x: g / x,
    numpy="np.log({0})",
    scalar="log({0})",
    latex=r"\log\left({0}\right)",
    sympy=lambda sp, x: sp.log(x),
    ufunc=np.log,
    exact={1: 0},
    domain=(0.1, 4.0),
    special=(1e-300, 1e300),
)
exp2 = elementwise(
    "exp2",
    derivative=lambda g, y, x: g * y * log(2),
    numpy="np.exp2({0})",
    scalar="exp2({0})",
    latex=r"2^{{{0}}}",
    sympy=lambda sp, x: sp.Integer(2) ** x,
    ufunc=np.exp2,
    exact={0: 1},
    special=(0.0, 1000.0),
)
expm1 = elementwise(
    "expm1",
    derivative=lambda g, y, x: g * exp(x),
    numpy="np.expm1({0})",
    scalar="expm1({0})",
    latex=r"\operatorname{{expm1}}\left({0}\right)",
    sympy=lambda sp, x: sp.exp(x) - 1,
    ufunc=np.expm1,
    exact={0: 0},
    special=(1e-12, -1e-18, 100.0),
)
log2 = elementwise(
    "log2",
    derivative=lambda g, y, x: g / (x * log(2)),
    numpy="np.log2({0})",
    scalar="log2({0})",
    latex=r"\log_{{2}}\left({0}\right)",
    sympy=lambda sp, x: sp.log(x, 2),
    ufunc=np.log2,
    exact={1: 0},
    domain=(0.1, 4.0),
    special=(8.0,),
)
log10 = elementwise(
    "log10",
    derivative=lambda g, y, x: g / (x * log(10)),
    numpy="np.log10({0})",
    scalar="log10({0})",
    latex=r"\log_{{10}}\left({0}\right)",
    sympy=lambda sp, x: sp.log(x, 10),
    ufunc=np.log10,
    exact={1: 0},
    domain=(0.1, 4.0),
    special=(1000.0,),
)
log1p = elementwise(
    "log1p",
    derivative=lambda g, y, x: g / (x + 1),
    numpy="np.log1p({0})",
    scalar="log1p({0})",
    latex=r"\operatorname{{log1p}}\left({0}\right)",
    sympy=lambda sp, x: sp.log(x + 1),
    ufunc=np.log1p,
    exact={0: 0},
    domain=(-0.9, 4.0),
    special=(1e-18, 1e300),
)
logaddexp = elementwise(
    "logaddexp",
    derivative=(lambda g, y, a, b: g * exp(a - y), lambda g, y, a, b: g * exp(b - y)),
    numpy="np.logaddexp({0}, {1})",
    latex=r"\operatorname{{logaddexp}}\left({0}, {1}\right)",
    sympy=lambda sp, a, b: sp.log(sp.exp(a) + sp.exp(b)),
    ufunc=np.logaddexp,
    commutative=True,
    special=(500.0, -500.0),
)
logaddexp2 = elementwise(
    "logaddexp2",
    derivative=(lambda g, y, a, b: g * exp2(a - y), lambda g, y, a, b: g * exp2(b - y)),
    numpy="np.logaddexp2({0}, {1})",
    latex=r"\operatorname{{logaddexp2}}\left({0}, {1}\right)",
    sympy=lambda sp, a, b: sp.log(sp.Integer(2) ** a + sp.Integer(2) ** b, 2),
    ufunc=np.logaddexp2,
    commutative=True,
    special=(500.0, -500.0),
)
expit = elementwise(
    "expit",
    derivative=lambda g, y, x: g * y * (1 - y),
    numpy="1.0/(1.0 + np.exp(-np.maximum({0}, -709.0)))",
    scalar="(1.0/(1.0 + exp(-{0})) if {0} > -709.0 else exp({0}))",
    latex=r"\sigma\left({0}\right)",
    sympy=lambda sp, x: 1 / (1 + sp.exp(-x)),
    ufunc=None,
    special=(0.0, 40.0, -40.0, 700.0, -700.0),
    doc="The logistic sigmoid ``1/(1 + exp(-x))``, safe for any x; as `scipy.special.expit`.",
)
softplus = elementwise(
    "softplus",
    derivative=lambda g, y, x: g * expit(x),
    numpy="np.logaddexp(0.0, {0})",
    scalar="({0} + log1p(exp(-{0})) if {0} > 0.0 else log1p(exp({0})))",
    latex=r"\operatorname{{softplus}}\left({0}\right)",
    sympy=lambda sp, x: sp.log(1 + sp.exp(x)),
    domain=(-30.0, 30.0),
    special=(0.0, 700.0, -700.0),
    doc="``log(1 + exp(x))``, safe for any x.",
)

# Trigonometric functions

sin = elementwise(
    "sin",
    derivative=lambda g, y, x: g * cos(x),
    numpy="np.sin({0})",
    scalar="sin({0})",
    latex=r"\sin\left({0}\right)",
    sympy=lambda sp, x: sp.sin(x),
    ufunc=np.sin,
    parity="odd",
    exact={0: 0},
)
cos: Elementwise = elementwise(
    "cos",
    derivative=lambda g, y, x: -g * sin(x),
    numpy="np.cos({0})",
    scalar="cos({0})",
    latex=r"\cos\left({0}\right)",
    sympy=lambda sp, x: sp.cos(x),
    ufunc=np.cos,
    parity="even",
    exact={0: 1},
)
tan = elementwise(
    "tan",
    derivative=lambda g, y, x: g * (y**2 + 1),
    numpy="np.tan({0})",
    scalar="tan({0})",
    latex=r"\tan\left({0}\right)",
    sympy=lambda sp, x: sp.tan(x),
    ufunc=np.tan,
    parity="odd",
    exact={0: 0},
    domain=(-1.3, 1.3),
)
arcsin = elementwise(
    "arcsin",
    derivative=lambda g, y, x: g / sqrt(1 - x**2),
    numpy="np.arcsin({0})",
    scalar="asin({0})",
    latex=r"\arcsin\left({0}\right)",
    sympy=lambda sp, x: sp.asin(x),
    ufunc=np.arcsin,
    parity="odd",
    exact={0: 0},
    domain=(-0.9, 0.9),
)
arccos = elementwise(
    "arccos",
    derivative=lambda g, y, x: -g / sqrt(1 - x**2),
    numpy="np.arccos({0})",
    scalar="acos({0})",
    latex=r"\arccos\left({0}\right)",
    sympy=lambda sp, x: sp.acos(x),
    ufunc=np.arccos,
    exact={1: 0},
    domain=(-0.9, 0.9),
)
arctan = elementwise(
    "arctan",
    derivative=lambda g, y, x: g / (x**2 + 1),
    numpy="np.arctan({0})",
    scalar="atan({0})",
    latex=r"\arctan\left({0}\right)",
    sympy=lambda sp, x: sp.atan(x),
    ufunc=np.arctan,
    parity="odd",
    exact={0: 0},
)
arctan2 = elementwise(
    "arctan2",
    derivative=(
        lambda g, y, a, b: g * b / (a**2 + b**2),
        lambda g, y, a, b: -g * a / (a**2 + b**2),
    ),
    numpy="np.arctan2({0}, {1})",
    scalar="atan2({0}, {1})",
    latex=r"\operatorname{{atan2}}\left({0}, {1}\right)",
    sympy=lambda sp, a, b: sp.atan2(a, b),
    ufunc=np.arctan2,
    domain=((0.2, 3.0), (-3.0, 3.0)),
    notes="The derivatives at the origin are nan.",
)
sinh = elementwise(
    "sinh",
    derivative=lambda g, y, x: g * cosh(x),
    numpy="np.sinh({0})",
    scalar="sinh({0})",
    latex=r"\sinh\left({0}\right)",
    sympy=lambda sp, x: sp.sinh(x),
    ufunc=np.sinh,
    parity="odd",
    exact={0: 0},
)
cosh: Elementwise = elementwise(
    "cosh",
    derivative=lambda g, y, x: g * sinh(x),
    numpy="np.cosh({0})",
    scalar="cosh({0})",
    latex=r"\cosh\left({0}\right)",
    sympy=lambda sp, x: sp.cosh(x),
    ufunc=np.cosh,
    parity="even",
    exact={0: 1},
)
tanh = elementwise(
    "tanh",
    derivative=lambda g, y, x: g * (1 - y**2),
    numpy="np.tanh({0})",
    scalar="tanh({0})",
    latex=r"\tanh\left({0}\right)",
    sympy=lambda sp, x: sp.tanh(x),
    ufunc=np.tanh,
    parity="odd",
    exact={0: 0},
    special=(500.0,),
)
arcsinh = elementwise(
    "arcsinh",
    derivative=lambda g, y, x: g / sqrt(x**2 + 1),
    numpy="np.arcsinh({0})",
    scalar="asinh({0})",
    latex=r"\operatorname{{arsinh}}\left({0}\right)",
    sympy=lambda sp, x: sp.asinh(x),
    ufunc=np.arcsinh,
    parity="odd",
    exact={0: 0},
)
arccosh = elementwise(
    "arccosh",
    derivative=lambda g, y, x: g / sqrt(x**2 - 1),
    numpy="np.arccosh({0})",
    scalar="acosh({0})",
    latex=r"\operatorname{{arcosh}}\left({0}\right)",
    sympy=lambda sp, x: sp.acosh(x),
    ufunc=np.arccosh,
    exact={1: 0},
    domain=(1.2, 4.0),
)
arctanh = elementwise(
    "arctanh",
    derivative=lambda g, y, x: g / (1 - x**2),
    numpy="np.arctanh({0})",
    scalar="atanh({0})",
    latex=r"\operatorname{{artanh}}\left({0}\right)",
    sympy=lambda sp, x: sp.atanh(x),
    ufunc=np.arctanh,
    parity="odd",
    exact={0: 0},
    domain=(-0.9, 0.9),
)


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


def degrees(x: Any) -> Expr:
    """Radians to degrees: ``x*180/pi``."""
    return multiply(x, 180 / PI)


def radians(x: Any) -> Expr:
    """Degrees to radians: ``x*pi/180``."""
    return multiply(x, PI / 180)


# Roots, sizes and signs

cbrt = elementwise(
    "cbrt",
    derivative=lambda g, y, x: g / (3 * y**2),
    numpy="np.cbrt({0})",
    scalar="cbrt({0})",
    latex=r"\sqrt[3]{{{0}}}",
    sympy=lambda sp, x: sp.sign(x) * sp.Abs(x) ** sp.Rational(1, 3),
    ufunc=np.cbrt,
    parity="odd",
    exact={0: 0, 1: 1},
    special=(-8.0, 27.0),
    notes="The derivative at 0 is inf.",
)


@public
def fabs(x: Any) -> Expr:
    """`absolute` in floating point: integers become float64, as `numpy.fabs`."""
    a = as_expr(x)
    return absolute(cast(a, resolve(np.true_divide, (a.ty, a.ty))))


hypot = elementwise(
    "hypot",
    derivative=(lambda g, y, a, b: g * a / y, lambda g, y, a, b: g * b / y),
    numpy="np.hypot({0}, {1})",
    scalar="hypot({0}, {1})",
    latex=r"\operatorname{{hypot}}\left({0}, {1}\right)",
    sympy=lambda sp, a, b: sp.sqrt(a**2 + b**2),
    ufunc=np.hypot,
    commutative=True,
    domain=((0.2, 3.0), (-3.0, 3.0)),
    notes="The derivatives at the origin are nan.",
)
absolute = elementwise(
    "absolute",
    derivative=lambda g, y, x: g * sign(x),
    numpy="np.abs({0})",
    scalar="abs({0})",
    text="abs({0})",
    latex=r"\left|{0}\right|",
    sympy=lambda sp, x: sp.Abs(x),
    ufunc=np.absolute,
    parity="even",
    special=(0.0, -2.5),
    notes="The derivative is sign(x), 0 at 0.",
)
sign: Elementwise = elementwise(
    "sign",
    derivative=None,
    numpy="np.sign({0})",
    scalar="(1.0 if {0} > 0.0 else -1.0 if {0} < 0.0 else {0})",
    latex=r"\operatorname{{sign}}\left({0}\right)",
    sympy=lambda sp, x: sp.sign(x),
    ufunc=np.sign,
    parity="odd",
    exact={0: 0},
    special=(0.0, -2.5),
    notes="The derivative is 0 everywhere, at the jump too.",
)
heaviside = elementwise(
    "heaviside",
    derivative=(None, lambda g, y, a, b: choose(equal(a, 0), g, number(0, g.shape))),
    numpy="np.heaviside({0}, {1})",
    scalar="(0.0 if {0} < 0.0 else 1.0 if {0} > 0.0 else {1} if {0} == 0.0 else {0})",
    latex=r"\operatorname{{H}}\left({0}, {1}\right)",
    sympy=lambda sp, a, b: sp.Heaviside(a, b),
    ufunc=np.heaviside,
    notes="The derivative by the first operand is 0, at the jump too.",
)
copysign: Elementwise = elementwise(
    "copysign",
    derivative=(lambda g, y, a, b: g * sign(a) * copysign(1, b), None),
    numpy="np.copysign({0}, {1})",
    scalar="copysign({0}, {1})",
    latex=r"\operatorname{{copysign}}\left({0}, {1}\right)",
    sympy=lambda sp, a, b: sp.Abs(a) * sp.Piecewise((1, b >= 0), (-1, True)),
    ufunc=np.copysign,
    domain=((0.2, 3.0), (0.2, 3.0)),
    notes="The derivative by the first operand is 0 at 0.",
)

# Rounding: piecewise constant, so the derivative is 0 wherever it exists, and 0 at the jumps


def _rounding(
    name: str, numpy: str, scalar: str, latex: str, sympy: Any, ufunc: np.ufunc
) -> Elementwise:
    return elementwise(
        name,
        derivative=None,
        numpy=numpy,
        scalar=scalar,
        latex=latex,
        sympy=sympy,
        ufunc=ufunc,
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
)
ceil = _rounding(
    "ceil",
    "np.ceil({0})",
    "float(ceil({0}))",
    r"\lceil{{{0}}}\rceil",
    lambda sp, x: sp.ceiling(x),
    np.ceil,
)
trunc = _rounding(
    "trunc",
    "np.trunc({0})",
    "float(trunc({0}))",
    r"\operatorname{{trunc}}\left({0}\right)",
    lambda sp, x: sp.sign(x) * sp.floor(sp.Abs(x)),
    np.trunc,
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
)

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
)


def divmod_(x1: Any, x2: Any) -> tuple[Expr, Expr]:
    """``(floor_divide(x1, x2), mod(x1, x2))``."""
    return floor_divide(x1, x2), mod(x1, x2)


def modf(x: Any) -> tuple[Expr, Expr]:
    """Fractional and integral part, as `numpy.modf`."""
    whole = trunc(x)
    return subtract(x, whole), whole


# Choosing


def _larger(g: Expr, a: Expr, b: Expr) -> Expr:
    """`g` where a > b, half of it where they are equal, else 0; a guard, whatever `g` is."""
    weight = choose(equal(a, b), number(HALF, g.shape), number(1, g.shape))
    return choose(greater_equal(a, b), g * weight, number(0, g.shape))


_TIE = "Where the operands are equal each derivative is 1/2."

maximum = elementwise(
    "maximum",
    derivative=(lambda g, y, a, b: _larger(g, a, b), lambda g, y, a, b: _larger(g, b, a)),
    numpy="np.maximum({0}, {1})",
    scalar="({0} if {0} > {1} or {0} != {0} else {1})",
    latex=r"\max\left({0}, {1}\right)",
    sympy=lambda sp, a, b: sp.Max(a, b),
    ufunc=np.maximum,
    commutative=True,
    notes=_TIE,
)
minimum = elementwise(
    "minimum",
    derivative=(lambda g, y, a, b: _larger(g, b, a), lambda g, y, a, b: _larger(g, a, b)),
    numpy="np.minimum({0}, {1})",
    scalar="({0} if {0} < {1} or {0} != {0} else {1})",
    latex=r"\min\left({0}, {1}\right)",
    sympy=lambda sp, a, b: sp.Min(a, b),
    ufunc=np.minimum,
    commutative=True,
    notes=_TIE,
)
fmax = elementwise(
    "fmax",
    derivative=(lambda g, y, a, b: _larger(g, a, b), lambda g, y, a, b: _larger(g, b, a)),
    numpy="np.fmax({0}, {1})",
    scalar="({0} if {0} >= {1} or {1} != {1} else {1})",
    latex=r"\operatorname{{fmax}}\left({0}, {1}\right)",
    sympy=lambda sp, a, b: sp.Max(a, b),
    ufunc=np.fmax,
    commutative=True,
    notes=_TIE + " Where an operand is nan both derivatives are 0.",
)
fmin = elementwise(
    "fmin",
    derivative=(lambda g, y, a, b: _larger(g, b, a), lambda g, y, a, b: _larger(g, a, b)),
    numpy="np.fmin({0}, {1})",
    scalar="({0} if {0} <= {1} or {1} != {1} else {1})",
    latex=r"\operatorname{{fmin}}\left({0}, {1}\right)",
    sympy=lambda sp, a, b: sp.Min(a, b),
    ufunc=np.fmin,
    commutative=True,
    notes=_TIE + " Where an operand is nan both derivatives are 0.",
)


# Comparison and logic: no derivative, because the results are booleans


def _comparison(
    name: str, sign: str, latex: str, sympy: Any, ufunc: np.ufunc, **fields: Any
) -> Elementwise:
    return elementwise(
        name,
        derivative=(None, None),
        numpy=f"{{0}} {sign} {{1}}",
        scalar=f"{{0}} {sign} {{1}}",
        text=f"{{0}} {sign} {{1}}",
        latex=f"{{0}} {latex} {{1}}",
        sympy=sympy,
        ufunc=ufunc,
        **fields,
    )


less = _comparison("less", "<", "<", lambda sp, a, b: sp.Lt(a, b), np.less)
less_equal = _comparison("less_equal", "<=", r"\leq", lambda sp, a, b: sp.Le(a, b), np.less_equal)
greater = _comparison("greater", ">", ">", lambda sp, a, b: sp.Gt(a, b), np.greater)
greater_equal = _comparison(
    "greater_equal", ">=", r"\geq", lambda sp, a, b: sp.Ge(a, b), np.greater_equal
)
equal: Elementwise = _comparison(
    "equal", "==", "=", lambda sp, a, b: sp.Eq(a, b), np.equal, commutative=True
)
not_equal = _comparison(
    "not_equal", "!=", r"\neq", lambda sp, a, b: sp.Ne(a, b), np.not_equal, commutative=True
)


def _logical(name: str, word: str, latex: str, sympy: Any, ufunc: np.ufunc) -> Elementwise:
    return elementwise(
        name,
        derivative=(None, None),
        numpy=f"np.{name}({{0}}, {{1}})",
        scalar=f"(bool({{0}}) {word} bool({{1}}))",
        text=f"({{0}} {word} {{1}})",
        latex=f"{{0}} {latex} {{1}}",
        sympy=sympy,
        ufunc=ufunc,
        commutative=True,
    )


logical_and = _logical(
    "logical_and", "and", r"\wedge", lambda sp, a, b: sp.And(a, b), np.logical_and
)
logical_or = _logical("logical_or", "or", r"\vee", lambda sp, a, b: sp.Or(a, b), np.logical_or)
logical_xor = _logical(
    "logical_xor", "!=", r"\oplus", lambda sp, a, b: sp.Xor(a, b), np.logical_xor
)
logical_not = elementwise(
    "logical_not",
    derivative=None,
    numpy="np.logical_not({0})",
    scalar="(not {0})",
    text="not({0})",
    latex=r"\neg {0}",
    sympy=lambda sp, a: sp.Not(a),
    ufunc=np.logical_not,
)


def _bitwise(name: str, logical: Callable[[Any, Any], Expr]) -> Callable[[Any, Any], Expr]:
    """The bitwise operation, which is the logical one for booleans and not defined for others."""

    @public
    def call(x1: Any, x2: Any) -> Expr:
        a, b = as_expr(x1), as_expr(x2)
        for x in (a, b):
            if x.ty is not BOOL:
                raise DTypeError(
                    f"{name} takes booleans only here, not {x.dtype}; write {logical.__name__}(a, b)"
                    " for the truth of numbers, and parentheses around comparisons: (x > 0) & (y > 0)"
                )
        return logical(a, b)

    call.__name__ = call.__qualname__ = name
    call.__doc__ = f"``{logical.__name__}`` of booleans; other operands raise `DTypeError`."
    return call


bitwise_and = _bitwise("bitwise_and", logical_and)
bitwise_or = _bitwise("bitwise_or", logical_or)
bitwise_xor = _bitwise("bitwise_xor", logical_xor)


@public
def invert(x: Any) -> Expr:
    """``logical_not`` of a boolean; other operands raise `DTypeError`."""
    a = as_expr(x)
    if a.ty is not BOOL:
        raise DTypeError(
            f"invert takes booleans only here, not {a.dtype}; write logical_not(x) for x == 0"
        )
    return logical_not(a)


def _test(name: str, scalar: str, sympy: Any) -> Elementwise:
    return elementwise(
        name,
        derivative=None,
        numpy=f"np.{name}({{0}})",
        scalar=scalar,
        sympy=sympy,
        ufunc=getattr(np, name),
        special=(np.inf, -np.inf, np.nan, 0.0),
    )


isnan = _test("isnan", "{0} != {0}", lambda sp, x: sp.Eq(x, sp.nan))
isinf = _test("isinf", "{0} - {0} != 0.0 and {0} == {0}", lambda sp, x: sp.Eq(sp.Abs(x), sp.oo))
isfinite = _test("isfinite", "{0} - {0} == 0.0", lambda sp, x: sp.Lt(sp.Abs(x), sp.oo))
signbit = _test("signbit", "copysign(1.0, {0}) < 0.0", lambda sp, x: sp.Lt(x, 0))

# Floating-point representation

ldexp: Elementwise = elementwise(
    "ldexp",
    derivative=(lambda g, y, a, n: ldexp(g, n), None),
    numpy="np.ldexp({0}, {1})",
    latex=r"{0} \cdot 2^{{{1}}}",
    sympy=lambda sp, a, n: a * sp.Integer(2) ** n,
    ufunc=np.ldexp,
    notes="The exponent is an integer and has no derivative.",
)
frexp_mantissa = elementwise(
    "frexp_mantissa",
    derivative=lambda g, y, x: ldexp(g, -frexp_exponent(x)),
    numpy="np.frexp({0})[0]",
    scalar="frexp({0})[0]",
    ufunc=np.frexp,
    domain=(1.1, 1.9),
    sympy=lambda sp, x: x * sp.Integer(2) ** -(sp.floor(sp.log(sp.Abs(x), 2)) + 1),
)
frexp_exponent: Elementwise = elementwise(
    "frexp_exponent",
    derivative=None,
    numpy="np.frexp({0})[1]",
    ufunc=None,
    domain=(1.1, 1.9),
    sympy=lambda sp, x: sp.floor(sp.log(sp.Abs(x), 2)) + 1,
)
frexp_exponent.types.update({(FLOAT,): as_ty(np.int32), (as_ty(np.float32),): as_ty(np.int32)})
nextafter = elementwise(
    "nextafter",
    derivative=(lambda g, y, a, b: g, None),
    numpy="np.nextafter({0}, {1})",
    scalar="nextafter({0}, {1})",
    ufunc=np.nextafter,
    notes="Differentiated as its first operand.",
)
spacing = elementwise(
    "spacing",
    derivative=None,
    numpy="np.spacing({0})",
    ufunc=np.spacing,
    notes="Piecewise constant: the derivative is 0.",
)


def frexp(x: Any) -> tuple[Expr, Expr]:
    """Mantissa and exponent, as `numpy.frexp`."""
    return frexp_mantissa(x), frexp_exponent(x)
