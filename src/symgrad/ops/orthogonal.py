"""Orthogonal polynomials and associated Legendre functions of any degree, as `scipy.special` has them.

The degree is an operand like the others, so it may be a symbol. A derivative is a polynomial of the next
lower degree in the same or the next family; of degree 0 it is 0. By the degree and by the parameters there
is no formula of functions that are here.

Formulas: NIST Digital Library of Mathematical Functions, 18.9 and 14.10.5.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from symgrad.expr.node import Expr
from symgrad.ops.elementwise import Elementwise
from symgrad.ops.select import where
from symgrad.ops.special_record import special_function, unknown_derivative
from symgrad.ops.ufuncs import equal

_DEGREE: Final = (1.2, 4.8)
_PARAMETER: Final = (0.3, 2.0)
_INSIDE: Final = (-0.8, 0.8)


def _polynomial(
    name: str,
    latex: str,
    parameters: tuple[str, ...],
    slope: Callable[..., Expr],
    sympy: Callable[..., Any],
    **fields: Any,
) -> Elementwise:
    """A polynomial ``p(n, *parameters, x)``; ``slope(n, *parameters, x)`` is its derivative by x."""

    def by_x(g: Expr, y: Expr, n: Expr, *rest: Expr) -> Expr:
        return g * where(equal(n, 0), 0, slope(n, *rest))

    held = [unknown_derivative(name, operand) for operand in ("n", *parameters)]
    domain = (_DEGREE, *[_PARAMETER] * len(parameters), _INSIDE)
    return special_function(
        name,
        latex,
        (*held, by_x),
        sympy=sympy,
        domain=domain,
        notes="The derivatives by degree and parameters are no formulas of functions that are here.",
        **fields,
    )


eval_chebyt = _polynomial(
    "eval_chebyt",
    "T",
    (),
    lambda n, x: n * eval_chebyu(n - 1, x),
    lambda sp, n, x: sp.chebyshevt(n, x),
)
eval_chebyu: Elementwise = _polynomial(
    "eval_chebyu",
    "U",
    (),
    lambda n, x: 2 * eval_gegenbauer(n - 1, 2, x),
    lambda sp, n, x: sp.chebyshevu(n, x),
)
eval_legendre = _polynomial(
    "eval_legendre",
    "P",
    (),
    lambda n, x: eval_jacobi(n - 1, 1, 1, x) * (n + 1) / 2,
    lambda sp, n, x: sp.legendre(n, x),
)
eval_gegenbauer: Elementwise = _polynomial(
    "eval_gegenbauer",
    "C",
    ("alpha",),
    lambda n, a, x: 2 * a * eval_gegenbauer(n - 1, a + 1, x),
    lambda sp, n, a, x: sp.gegenbauer(n, a, x),
)
eval_jacobi: Elementwise = _polynomial(
    "eval_jacobi",
    "P",
    ("alpha", "beta"),
    lambda n, a, b, x: (n + a + b + 1) / 2 * eval_jacobi(n - 1, a + 1, b + 1, x),
    lambda sp, n, a, b, x: sp.jacobi(n, a, b, x),
)
eval_laguerre = _polynomial(
    "eval_laguerre",
    "L",
    (),
    lambda n, x: -eval_genlaguerre(n - 1, 1, x),
    lambda sp, n, x: sp.laguerre(n, x),
)
eval_genlaguerre: Elementwise = _polynomial(
    "eval_genlaguerre",
    "L",
    ("alpha",),
    lambda n, a, x: -eval_genlaguerre(n - 1, a + 1, x),
    lambda sp, n, a, x: sp.assoc_laguerre(n, a, x),
)
# SciPy has Hermite's polynomials for ints alone; of degrees that are not whole the result is nan
_WHOLE: Final = "Of degrees that are no whole numbers the result is nan."
eval_hermite: Elementwise = _polynomial(
    "eval_hermite",
    "H",
    (),
    lambda n, x: 2 * n * eval_hermite(n - 1, x),
    lambda sp, n, x: sp.hermite(n, x),
    numpy="_of_whole_order(scipy.special.eval_hermite, {0}, {1}, 0.0)",
    scalar="",
    doc=f"Hermite's polynomial, as `scipy.special.eval_hermite`. {_WHOLE}",
)
eval_hermitenorm: Elementwise = _polynomial(
    "eval_hermitenorm",
    r"\operatorname{{He}}",
    (),
    lambda n, x: n * eval_hermitenorm(n - 1, x),
    lambda sp, n, x: 2 ** (-n / sp.Integer(2)) * sp.hermite(n, x / sp.sqrt(2)),
    numpy="_of_whole_order(scipy.special.eval_hermitenorm, {0}, {1}, 0.0)",
    scalar="",
    doc=f"The Hermite polynomial of probability theory, as `scipy.special.eval_hermitenorm`. {_WHOLE}",
)


# Associated Legendre functions between -1 and 1, with the sign (-1)**m, for which
# (x**2 - 1)*P_v' = v*x*P_v - (v + m)*P_(v-1)


def _legendre_slope(g: Expr, y: Expr, m: Expr, v: Expr, x: Expr) -> Expr:
    return g * (v * x * y - (v + m) * lpmv(m, v - 1, x)) / (x**2 - 1)


lpmv: Elementwise = special_function(
    "lpmv",
    "P",
    (unknown_derivative("lpmv", "m"), unknown_derivative("lpmv", "v"), _legendre_slope),
    sympy=lambda sp, m, v, x: sp.assoc_legendre(v, m, x),
    domain=((0, 2), (2.2, 4.8), _INSIDE),
    doc="The associated Legendre function of order m and degree v, as `scipy.special.lpmv`.",
    notes="The order must be a whole number, and x between -1 and 1; else the result is nan.",
)
