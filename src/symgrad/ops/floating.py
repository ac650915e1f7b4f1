"""Floating-point representation: exponents, mantissas, neighbours."""

from typing import Any

import numpy as np

from symgrad.calls import checked
from symgrad.expr.node import Expr
from symgrad.expr.types import FLOAT, as_ty
from symgrad.ops.cast import cast
from symgrad.ops.elementwise import Elementwise, elementwise
from symgrad.ops.examples import documented

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
    # of the int 1, which g may be, NumPy's ldexp would make half precision
    derivative=lambda g, y, x: ldexp(cast(g, x.ty), -frexp_exponent(x)),
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


@documented
@checked
def frexp(x: Any) -> tuple[Expr, Expr]:
    """Mantissa and exponent, as `numpy.frexp`.

    Examples
    --------
    >>> import symgrad as sg
    >>> x = sg.symbol("x")
    >>> print([float(sg.evaluate(e, {x: 6.0})) for e in sg.frexp(x)])
    [0.75, 3.0]
    """
    return frexp_mantissa(x), frexp_exponent(x)
