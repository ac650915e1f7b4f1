"""Derivatives in the form in which a textbook prints them."""

import numpy as np
import pytest

import symgrad as sg
from symgrad.expr.traverse import check_graph
from symgrad.rewrite.readable import shown_forms

x, a, b, n = sg.symbols("x a b n")
NAMES = {"x": x, "a": a, "b": b, "n": n}

POWERS = """
x**4 - 2*x**2                  4*x**3 - 4*x
x**5                           5*x**4
1/x                            -1/x**2
1/x**2                         -2/x**3
-1/x                           1/x**2
2/x                            -2/x**2
1/(2*x)                        -1/(2*x**2)
a/x                            -a/x**2
x/a                            1/a
(x/a)**2                       2*x/a**2
1/(a*x)                        -1/(a*x**2)
sqrt(x)                        1/(2*sqrt(x))
1/sqrt(x)                      -1/(2*x**(3/2))
x**(3/2)                       3*sqrt(x)/2
x**(1/3)                       1/(3*x**(2/3))
cbrt(x)                        1/(3*cbrt(x)**2)
sqrt(2*x)                      1/sqrt(2*x)
x**n                           n*x**(n - 1)
a*x**n                         a*n*x**(n - 1)
a**x                           a**x*log(a)
2**x                           2**x*log(2)
x**x                           x**x*(log(x) + 1)
x**sin(x)                      x**sin(x)*(log(x)*cos(x) + sin(x)/x)
x**a*exp(-b*x)                 x**(a - 1)*exp(-b*x)*(a - b*x)
(1 + x)**3                     3*(x + 1)**2
(1 + 2*x)**3                   6*(2*x + 1)**2
(1 + x**2)**5                  10*x*(x**2 + 1)**4
(3*x**2 + 2*x + 1)**2          4*(3*x + 1)*(3*x**2 + 2*x + 1)
(x + 1)*(x - 1)                2*x
(x + 1)**2*(x - 1)**3          (x - 1)**2*(x + 1)*(5*x + 1)
x*(1 - x)                      1 - 2*x
x**2*(1 - x)                   x*(2 - 3*x)
"""
QUOTIENTS = """
1/(1 + x)                      -1/(x + 1)**2
x/(x + 1)                      1/(x + 1)**2
(x - 1)/(x + 1)                2/(x + 1)**2
(a*x + b)/(x + 1)              (a - b)/(x + 1)**2
1/(1 + x**2)                   -2*x/(x**2 + 1)**2
x/(1 + x**2)                   (1 - x**2)/(x**2 + 1)**2
x**2/(1 + x**2)                2*x/(x**2 + 1)**2
(x**2 + 1)/(x**2 - 1)          -4*x/(x**2 - 1)**2
sqrt(1 + x**2)                 x/sqrt(x**2 + 1)
sqrt(1 - x**2)                 -x/sqrt(1 - x**2)
1/sqrt(1 + x**2)               -x/(x**2 + 1)**(3/2)
x/sqrt(1 + x**2)               1/(x**2 + 1)**(3/2)
x*sqrt(1 + x**2)               (2*x**2 + 1)/sqrt(x**2 + 1)
x*sqrt(1 - x**2)               (1 - 2*x**2)/sqrt(1 - x**2)
sqrt(1 + sqrt(x))              1/(4*sqrt(x*(sqrt(x) + 1)))
sin(x)/(1 + cos(x))            1/(cos(x) + 1)
sin(x)/x                       (x*cos(x) - sin(x))/x**2
log(x)/x                       (1 - log(x))/x**2
exp(x)/x                       exp(x)*(x - 1)/x**2
"""
EXPONENTIALS = """
exp(x)                         exp(x)
exp(-x)                        -exp(-x)
exp(2*x)                       2*exp(2*x)
exp(-x**2)                     -2*x*exp(-x**2)
exp(-x**2/2)                   -x*exp(-x**2/2)
exp(sqrt(x))                   exp(sqrt(x))/(2*sqrt(x))
exp(1/x)                       -exp(1/x)/x**2
exp(sin(x))                    exp(sin(x))*cos(x)
exp(exp(x))                    exp(x + exp(x))
x*exp(x)                       exp(x)*(x + 1)
x*exp(-x)                      exp(-x)*(1 - x)
x**2*exp(x)                    x*exp(x)*(x + 2)
x**2*exp(-x**2)                2*x*exp(-x**2)*(1 - x**2)
x**3*exp(-x/2)                 x**2*exp(-x/2)*(6 - x)/2
sqrt(x)*exp(x)                 exp(x)*(2*x + 1)/(2*sqrt(x))
exp(x)*sin(x)                  exp(x)*(sin(x) + cos(x))
exp(a*x)*sin(b*x)              exp(a*x)*(a*sin(b*x) + b*cos(b*x))
exp(-(x - a)**2/(2*b**2))      exp(-(x - a)**2/(2*b**2))*(a - x)/b**2
log(x)                         1/x
log(2*x)                       1/x
log(x**2)                      2/x
log(x)**2                      2*log(x)/x
log(log(x))                    1/(x*log(x))
1/log(x)                       -1/(x*log(x)**2)
x*log(x)                       log(x) + 1
x*log(x) - x                   log(x)
log(1 + x)                     1/(x + 1)
log(1 + x**2)                  2*x/(x**2 + 1)
log(1 + exp(x))                exp(x)/(exp(x) + 1)
log(x + sqrt(1 + x**2))        1/sqrt(x**2 + 1)
log(x)/log(a)                  1/(x*log(a))
log10(x)                       1/(x*log(10))
expm1(x)                       exp(x)
log1p(x)                       1/(x + 1)
exp(x)/(1 + exp(x))            exp(x)/(exp(x) + 1)**2
1/(1 + exp(-x))                exp(x)/(exp(x) + 1)**2
softplus(x)                    expit(x)
expit(x)                       expit(x)*(1 - expit(x))
logaddexp(x, a)                expit(x - a)
"""
TRIGONOMETRIC = """
sin(x)                         cos(x)
cos(x)                         -sin(x)
tan(x)                         tan(x)**2 + 1
sin(2*x)                       2*cos(2*x)
sin(x**2)                      2*x*cos(x**2)
sin(x)**2                      sin(2*x)
sin(x)**3                      3*sin(x)**2*cos(x)
sin(x)*cos(x)                  cos(2*x)
cos(x)**3*sin(x)               cos(x)**2*(4*cos(x)**2 - 3)
1/cos(x)                       sin(x)/cos(x)**2
cos(x)/sin(x)                  -1/sin(x)**2
x*sin(x)                       x*cos(x) + sin(x)
x**2*sin(x)                    x*(x*cos(x) + 2*sin(x))
sin(cos(x))                    -sin(x)*cos(cos(x))
sqrt(sin(x))                   cos(x)/(2*sqrt(sin(x)))
log(sin(x))                    1/tan(x)
log(cos(x))                    -tan(x)
tan(2*x)                       2/cos(2*x)**2
arcsin(x)                      1/sqrt(1 - x**2)
arccos(x)                      -1/sqrt(1 - x**2)
arctan(x)                      1/(x**2 + 1)
x*arctan(x)                    arctan(x) + x/(x**2 + 1)
arctan2(x, a)                  a/(a**2 + x**2)
sinh(x)                        cosh(x)
cosh(x)                        sinh(x)
tanh(x)                        1 - tanh(x)**2
tanh(x)**2                     2*tanh(x)/cosh(x)**2
1/cosh(x)                      -sech(x)*tanh(x)
log(cosh(x))                   tanh(x)
arcsinh(x)                     1/sqrt(x**2 + 1)
arccosh(x)                     1/sqrt(x**2 - 1)
arctanh(x)                     1/(1 - x**2)
abs(x)                         sign(x)
x*abs(x)                       2*abs(x)
abs(x)**3                      3*x*abs(x)
sqrt(abs(x))                   sign(x)/(2*sqrt(abs(x)))
sqrt(x**2)                     sign(x)
log(abs(x))                    1/x
abs(sin(x))                    cos(x)*sign(sin(x))
abs(x**2 - 1)                  2*x*sign(x**2 - 1)
hypot(x, a)                    x/hypot(x, a)
where(x > 0, x**2, -x)         where(x > 0, 2*x, -1)
"""
SECOND = """
x**n                           n*x**(n - 2)*(n - 1)
x**x                           x**x*((log(x) + 1)**2 + 1/x)
exp(-x**2)                     2*exp(-x**2)*(2*x**2 - 1)
exp(-x**2/2)                   exp(-x**2/2)*(x**2 - 1)
x**2*exp(x)                    exp(x)*(x**2 + 4*x + 2)
x**2*exp(-x**2)                2*exp(-x**2)*(2*x**4 - 5*x**2 + 1)
exp(x)*sin(x)                  2*exp(x)*cos(x)
log(x)/x                       (2*log(x) - 3)/x**3
log(1 + x**2)                  2*(1 - x**2)/(x**2 + 1)**2
log(1 + exp(x))                exp(x)/(exp(x) + 1)**2
log(cos(x))                    -(tan(x)**2 + 1)
tan(x)                         2*sin(x)/cos(x)**3
tanh(x)                        -2*tanh(x)/cosh(x)**2
arctan(x)                      -2*x/(x**2 + 1)**2
x*arctan(x)                    2/(x**2 + 1)**2
arcsin(x)                      x/(1 - x**2)**(3/2)
sqrt(1 + x**2)                 1/(x**2 + 1)**(3/2)
sqrt(1 - x**2)                 -1/(1 - x**2)**(3/2)
1/sqrt(1 + x**2)               (2*x**2 - 1)/(x**2 + 1)**(5/2)
1/(1 + x**2)                   2*(3*x**2 - 1)/(x**2 + 1)**3
x/(1 + x**2)                   2*x*(x**2 - 3)/(x**2 + 1)**3
x/(x + 1)                      -2/(x + 1)**3
(x + 1)**2*(x - 1)**3          4*(x - 1)*(5*x**2 + 2*x - 1)
(1 + x**2)**5                  10*(x**2 + 1)**3*(9*x**2 + 1)
sin(x)*cos(x)                  -2*sin(2*x)
sin(x)**3                      6*sin(x) - 9*sin(x)**3
expit(x)                       expit(x)*(1 - expit(x))*(1 - 2*expit(x))
exp(-(x - a)**2/(2*b**2))      exp(-(x - a)**2/(2*b**2))*((x - a)**2 - b**2)/b**4
abs(x)**3                      6*abs(x)
x*abs(x)                       2*sign(x)
log(x + sqrt(1 + x**2))        -x/(x**2 + 1)**(3/2)
"""


def rows(*tables):
    return list(_rows(*tables))


def _rows(*tables):
    for table in tables:
        for line in table.strip().splitlines():
            formula, derivative = line[:30].strip(), line[30:].strip()
            yield pytest.param(formula, derivative, id=formula)


@pytest.mark.parametrize(
    ("formula", "expected"), rows(POWERS, QUOTIENTS, EXPONENTIALS, TRIGONOMETRIC)
)
def test_first_derivatives(formula, expected):
    e = sg.parse(formula, NAMES)
    derivative = sg.diff(e, x)
    assert str(derivative) == expected
    check_graph(derivative)
    reverse = sg.grad(e, x)
    assert sg.simplify(reverse) is shown_forms([reverse])[0]
    assert sg.simplify(derivative) is shown_forms([derivative])[0]
    written = sg.simplify(sg.parse(expected, NAMES))
    if formula not in RIGHT_AT_ZERO:
        assert written is shown_forms([derivative])[0]
    else:  # the formula as it is written multiplies 0 by an infinity at x = 0
        assert str(written) == expected
        assert np.isnan(sg.evaluate(written, dict.fromkeys(sg.free_symbols(written), 0.0)))
        assert sg.evaluate(derivative, dict.fromkeys(sg.free_symbols(written), 0.0)) in (0, -np.inf)


# Derivatives of powers of x that have a value at x = 0 where their formula has none
RIGHT_AT_ZERO = ("x**sin(x)", "x**a*exp(-b*x)")


@pytest.mark.parametrize(("formula", "expected"), rows(SECOND))
def test_second_derivatives(formula, expected):
    derivative = sg.diff(sg.parse(formula, NAMES), x, 2)
    assert str(derivative) == expected
    assert sg.simplify(derivative) is shown_forms([derivative])[0]


def test_derivatives_are_the_formulas_written_by_hand():
    assert sg.grad(x**4 - 2 * x**2, x) is 4 * x**3 - 4 * x
    assert sg.diff(sg.tanh(x), x) is 1 - sg.tanh(x) ** 2
    assert sg.diff(x**x, x) is x**x * (sg.log(x) + 1)
    assert sg.diff(sg.sqrt(1 + x**2), x) is x / sg.sqrt(1 + x**2)
    assert sg.diff(sg.log(1 + sg.exp(x)), x) is sg.exp(x) / (sg.exp(x) + 1)
    assert sg.diff(sg.exp(-(x**2) / 2), x) is sg.simplify(-x * sg.exp(-(x**2) / 2))
    assert sg.diff(x / (1 + x), x) is 1 / (1 + x) ** 2


SIMPLIFIED = """
x + 2*(x + a)                  2*a + 3*x
a - (b - (a - x))              2*a - b - x
2*(3*x)                        6*x
x*x**-1                        1
x/x + a                        a + 1
x**2*x**3                      x**5
sqrt(x)*sqrt(x)                x
x**a*x**b                      x**(a + b)
x**(n - 1 - 1)                 x**(n - 2)
exp(a)*exp(b)                  exp(a + b)
exp(x)*exp(-x)                 1
exp(x)/exp(2*x)                exp(-x)
log(exp(x))                    x
exp(log(x))                    x
exp(2*log(x))                  x**2
sqrt(x)**2                     x
sqrt(x**2)                     abs(x)
sqrt(4*x**2)                   2*abs(x)
abs(-x)                        abs(x)
abs(-3*x)                      3*abs(x)
abs(x)**2                      x**2
abs(abs(x))                    abs(x)
x*sign(x)                      abs(x)
abs(x)*sign(x)                 x
x/abs(x)                       sign(x)
sign(x)/abs(x)                 1/x
sign(x)**3                     sign(x)
sign(2*x)                      sign(x)
sin(-x)                        -sin(x)
cos(-x)                        cos(x)
tan(-2*x)                      -tan(2*x)
sin(x)**2 + cos(x)**2          1
a*sin(x)**2 + a*cos(x)**2      a
2*sin(x)**2 + 2*cos(x)**2      2
cosh(x)**2 - sinh(x)**2        1
1 - sinh(x)**2/cosh(x)**2      1 - tanh(x)**2
sin(x)/cos(x)                  tan(x)
sin(x)**2/cos(x)**2            tan(x)**2
1 - x/(x + 1)                  1/(x + 1)
1/(x + 1) - x/(x + 1)**2       1/(x + 1)**2
(2*x + 2)/(x + 1)              2
(1 - x)/(x - 1)                -1
(2*x + 4)**2                   4*(x + 2)**2
(x + 1)*a - (x + 1)*b          (a - b)*(x + 1)
exp(x)*a + exp(x)*b            exp(x)*(a + b)
2*(x - a) + 2*(x - b)          2*(x - a) + 2*(x - b)
maximum(x, x)                  x
where(x > 0, a, a)             a
cbrt(x)**3                     x
cbrt(x**3)                     x
log2(exp2(x))                  x
expm1(log1p(x))                x
-(-x)                          x
-(a - x)                       x - a
"""


@pytest.mark.parametrize(("formula", "expected"), rows(SIMPLIFIED))
def test_simplify(formula, expected):
    result = sg.simplify(sg.parse(formula, NAMES))
    assert str(result) == expected
    assert sg.simplify(result) is result
    check_graph(result)
