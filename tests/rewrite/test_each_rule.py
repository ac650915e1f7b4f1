"""Every rewrite rule alone: random formulas of its kind, values before and after.

A rule may be handed any node of its op, with repeated bases and terms, at points of both signs, at 0 and at
1. What it makes must keep its guarantee: the same real function where the formula is defined; the same
domain unless the guarantee is "domain"; and as floats no worse if it is "exact".
"""

import math

import mpmath
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.properties.interpreters import REAL, numpy_value, real_value

import symgrad as sg
from symgrad.expr.leaves import EULER, PI, number
from symgrad.expr.rewriting import transform
from symgrad.expr.traverse import check_graph
from symgrad.ops import ufuncs as f
from symgrad.ops.arithmetic import ADD, MUL, POW, power, raw_product, raw_sum
from symgrad.ops.elementwise import as_expr
from symgrad.ops.stable import sech
from symgrad.ops.ufuncs import logical_not as NOT
from symgrad.rewrite.rule import Guarantee
from symgrad.rewrite.table import RULES

x, y = sg.symbols("x y")
p = sg.symbol("p", positive=True)
n = sg.symbol("n", integer=True)
POINTS = [
    {x: a, y: b, p: c, n: d}
    for a, b, c, d in [
        (0.0, 0.0, 1.0, 0.0),
        (1.0, 1.0, 1.0, 1.0),
        (-1.0, 0.0, 0.5, -1.0),
        (0.0, -1.0, 2.0, 2.0),
        (0.375, -1.25, 0.75, 3.0),
        (-0.625, 0.5, 1.5, -2.0),
        (-2.5, -0.75, 3.0, 4.0),
        (3.0, 2.25, 0.1, 5.0),
        (-1.0, 1.0, 1.0, 2.0),
    ]
]
STEADY = settings(
    derandomize=True,
    deadline=None,
    max_examples=25,
    suppress_health_check=list(HealthCheck),
    database=None,
)
ARGUMENTS = st.sampled_from(
    [x, y, x, 2 * x, -x, x * y, x + y, -2 * y, x / 2, p, sg.abs(x), x**2, n]
)
UNARY = (
    f.exp, f.expm1, f.exp2, f.expit, f.softplus, f.sinh, f.cosh, f.tanh, f.sin, f.cos, f.tan,
    f.absolute, f.sign, f.cbrt, f.log, f.log1p, f.log2, f.arctan, f.arcsinh, f.sqrt, f.square,
    f.arcsin, f.arccos, f.arccosh, f.arctanh, f.reciprocal,
)  # fmt: skip
EXPONENTS = [-3, -2, -1, 1, 2, 3, 4, 0.5, -0.5, 1.5, 2.5, 0.75, -0.75]


def applied(function, argument):
    return function(argument)


FUNCTIONS = st.builds(applied, st.sampled_from(UNARY), ARGUMENTS)
SMALL_SUMS = st.builds(
    lambda a, b, c, d: raw_sum((c * a, d * b)),
    st.one_of(FUNCTIONS, ARGUMENTS),
    st.one_of(FUNCTIONS, ARGUMENTS, st.just(sg.constant(1))),
    st.sampled_from([1, -1, 2, 0.5]),
    st.sampled_from([1, -1, 2, 3]),
)
GUARDS = st.builds(lambda c, a: sg.where(c > 0, a, 0), ARGUMENTS, FUNCTIONS)


def raised(x, k):
    return x if k == 1 else power(x, number(k))


def repeated(factors, again):
    """Factors, some of them a second time, to other powers as well."""
    return (*factors, *[raised(factors[i % len(factors)], k) for i, k in again])


def summed(terms, again, c):
    """The sum of terms, some of them a second time, and a number."""
    more = [terms[i % len(terms)] for i in again]
    return raw_sum((*terms, *more, *([number(c)] if c else [])))


def scaled(c, factors):
    return factors[0] if c == 1 and len(factors) == 1 else raw_product((number(c), *factors))


BASES = st.one_of(ARGUMENTS, FUNCTIONS, FUNCTIONS, SMALL_SUMS)
POWERS = st.builds(raised, BASES, st.sampled_from(EXPONENTS))
SYMBOLIC = st.builds(lambda u, k: u**k, ARGUMENTS, st.sampled_from([n, n + 1, 2 * n, n - 1, y]))
FACTORS = st.one_of(POWERS, POWERS, POWERS, SYMBOLIC)
AGAIN = st.lists(st.tuples(st.integers(0, 3), st.sampled_from([1, 1, -1, 2, -2])), max_size=2)
PRODUCTS = st.builds(repeated, st.lists(FACTORS, min_size=1, max_size=4), AGAIN).map(raw_product)
TERMS = st.builds(
    scaled,
    st.sampled_from([1, -1, 2, -2, 3, 0.5]),
    st.lists(POWERS, min_size=1, max_size=2),
)
SUMS = st.builds(
    summed,
    st.lists(TERMS, min_size=2, max_size=4),
    st.lists(st.integers(0, 3), max_size=2),
    st.sampled_from([0, 1, -1, 2, 0.5]),
)
RAW_POWERS = st.builds(
    lambda u, k: POW.build((u, k), ()),
    st.one_of(BASES, PRODUCTS, SUMS, POWERS, SYMBOLIC),
    st.one_of(st.sampled_from(EXPONENTS + [6, -4, 9]).map(number), st.sampled_from([n, y])),
)
INSIDE = st.one_of(BASES, PRODUCTS, SUMS, RAW_POWERS, GUARDS)
FORMULAS = {
    "multiply": PRODUCTS,
    "add": SUMS,
    "power": RAW_POWERS,
    "where": st.builds(
        sg.where,
        st.sampled_from([x > 0, ~(x > y), (x > 0) | (y > 0), ~(x > 0), ~~(y < 1)]),
        st.one_of(
            st.builds(
                lambda a, b: sg.where(x > 0, a, 0) + sg.where(y > 0, b, 0), FUNCTIONS, FUNCTIONS
            ),
            FUNCTIONS,
        ),
        st.one_of(st.just(sg.constant(0)), FUNCTIONS),
    ),
    "logical_not": st.sampled_from([~(x > y), ~~(x > y), ~((x > 0) | (y > 1))]),
}
BINARY = ("maximum", "minimum", "logaddexp")


def formulas_of(op):
    """Random nodes of one op."""
    if op.name in FORMULAS:
        return FORMULAS[op.name]
    if op.name in BINARY:
        operand = st.one_of(FUNCTIONS, ARGUMENTS, st.just(sg.constant(0)))
        pairs = st.one_of(operand.map(lambda a: (a, a)), st.tuples(operand, operand))
        return pairs.map(lambda pair: op(*pair))
    return st.builds(op, INSIDE)


def normal(u, sign):
    """Of sign 1 and -1, the second is p times the first: the densities of Black and Scholes."""
    return f.exp(-((f.log(p) / u + sign * u / 2) ** 2) / 2)


# What each rule was made for, of two formulas u and w: factors, terms, base and exponent, or operands.
# Random factors and terms join them, and their own once more.
MADE_FOR = {
    "(u**a)**b = u**(a*b), sqrt(u)**2 = u, sqrt(u**2) = |u|": [
        lambda u, w: (f.sqrt(u), 2),
        lambda u, w: (u**2, 0.5),
        lambda u, w: (u**4, 1.5),
        lambda u, w: (u**-2, -0.5),
        lambda u, w: (f.absolute(u) ** 0.5, 3),
    ],
    "(c*u)**n = c**n * u**n": [lambda u, w: (2 * (u * w), -3), lambda u, w: (4 * (u * w), 0.5)],
    "(c*a + c*b)**n = c**n * (a + b)**n": [lambda u, w: (2 * u - 4 * w, 3)],
    "|u|**(2k) = u**(2k)": [lambda u, w: (f.absolute(u), 4), lambda u, w: (f.absolute(u), -2)],
    "sign(u)**(2k+1) = sign(u)": [lambda u, w: (f.sign(u), 3), lambda u, w: (f.sign(u), 4)],
    "cbrt(u)**(3k) = u**k": [lambda u, w: (f.cbrt(u), 6), lambda u, w: (f.cbrt(u), -3)],
    "cbrt(u**(3k)) = u**k": [lambda u, w: (u**3,), lambda u, w: (u**-6,)],
    "log(exp(u)) = u": [lambda u, w: (f.exp(u),)],
    "log(E**n) = n": [lambda u, w: (EULER,), lambda u, w: (EULER**3,), lambda u, w: (EULER**u,)],
    "E**u = exp(u)": [lambda u, w: (EULER, u)],
    "sin(k*pi)": [lambda u, w: (PI,), lambda u, w: (-7 * PI / 6,)],
    "cos(k*pi)": [lambda u, w: (PI,), lambda u, w: (5 * PI / 2,)],
    "tan(k*pi)": [lambda u, w: (PI,), lambda u, w: (-3 * PI / 4,)],
    "log(u**c) = c*log(u), u > 0": [lambda u, w: (f.exp(u) ** 3,), lambda u, w: (p**w,)],
    "exp(c*log(u)) = u**c": [lambda u, w: (w * f.log(u),), lambda u, w: (f.log(u),)],
    "log1p(expm1(u)) = u": [lambda u, w: (f.expm1(u),)],
    "expm1(log1p(u)) = u": [lambda u, w: (f.log1p(u),)],
    "log2(exp2(u)) = u": [lambda u, w: (f.exp2(u),)],
    "exp2(log2(u)) = u": [lambda u, w: (f.log2(u),)],
    "sin(arcsin(u)) = u": [lambda u, w: (f.arcsin(u),)],
    "cos(arccos(u)) = u": [lambda u, w: (f.arccos(u),)],
    "tan(arctan(u)) = u": [lambda u, w: (f.arctan(u),)],
    "sinh(arcsinh(u)) = u": [lambda u, w: (f.arcsinh(u),)],
    "cosh(arccosh(u)) = u": [lambda u, w: (f.arccosh(u),)],
    "tanh(arctanh(u)) = u": [lambda u, w: (f.arctanh(u),)],
    "arcsinh(sinh(u)) = u": [lambda u, w: (f.sinh(u),)],
    "arctanh(tanh(u)) = u": [lambda u, w: (f.tanh(u),)],
    "|u| of known sign, |c*u| = |c|*|u|": [
        lambda u, w: (f.exp(u),),
        lambda u, w: (-1 - u**2,),
        lambda u, w: (f.sign(u),),
        lambda u, w: (-3 * (u * w),),
        lambda u, w: (f.tanh(u) - 1,),
        lambda u, w: (u**2 * f.expit(w) + f.absolute(u),),
    ],
    "sign(u) = 1, u > 0, or -1, u < 0": [
        lambda u, w: (f.exp(u),),
        lambda u, w: (f.tanh(u) - 1,),
        lambda u, w: (u**2 + f.cosh(w),),
        lambda u, w: (f.cos(u) - 2,),
    ],
    "sign(c*u) = sign(c)*sign(u), sign(|u|) = sign(u)**2": [
        lambda u, w: (-3 * (u * w),),
        lambda u, w: (f.absolute(u),),
        lambda u, w: (f.sign(u),),
    ],
    "max(u, u) = u": [lambda u, w: (u, u)],
    "min(u, u) = u": [lambda u, w: (u, u)],
    "logical_not(logical_not(u)) = u": [lambda u, w: (NOT(u > w),)],
    "guards inside a guard by their disjunction": [
        lambda u, w: ((u > 0) | (w > 1), sg.where(u > 0, w, 0) + sg.where(w > 1, u, 0), number(0))
    ],
    "where(not c, a, b) = where(c, b, a)": [lambda u, w: (~(u > w), u, f.exp(w))],
    "c*u + d*u = (c + d)*u, sin(u)**2 + cos(u)**2 = 1": [
        lambda u, w: (3 * (u * w), u * w),
        lambda u, w: (f.sin(u) ** 2, f.cos(u) ** 2),
        lambda u, w: (2 * (w * f.cosh(u) ** 2), -2 * (w * f.sinh(u) ** 2)),
        lambda u, w: (sg.where(u > 0, w, 0), sg.where(u > 0, 0, f.exp(w))),
    ],
    "sums factored, or written out": [
        lambda u, w: (f.exp(u) * w, f.exp(u) * f.sin(w)),
        lambda u, w: (1 / (1 + u), -1 * (u / (1 + u) ** 2)),
        lambda u, w: (2 * (u + w), -2 * u),
        lambda u, w: (number(1), -1 * (u / (u + 1))),
    ],
    "u**a * u**b = u**(a + b)": [
        lambda u, w: (f.exp(u) ** 2, f.exp(u) ** -3),
        lambda u, w: (u**n, u ** (1 - n), w),
        lambda u, w: (f.exp(u), f.exp(w)),
        lambda u, w: ((u * w) ** -2, u, w),
    ],
    "u**a * u**b = u**(a + b), of what is shared": [
        lambda u, w: (f.exp(u) ** 2, f.exp(u) ** -3),
        lambda u, w: (u**0.5, u**1.5, w),
    ],
    "u*sign(u) = |u|, sign(u)/|u| = 1/u": [
        lambda u, w: (u, f.sign(u)),
        lambda u, w: (f.sign(u), 1 / f.absolute(u)),
        lambda u, w: (f.sign(f.absolute(u)), f.absolute(u)),
        lambda u, w: (f.absolute(u), f.sign(f.sign(u)), f.sign(u)),
        lambda u, w: (f.absolute(u) ** 0.5, f.sign(u) ** 2, 1 / u),
        lambda u, w: (u**2, f.absolute(u), f.sign(u)),
    ],
    "sin(u)/cos(u) = tan(u), sinh(u)/cosh(u)": [
        lambda u, w: (f.sin(u) ** 2, f.cos(u) ** -2),
        lambda u, w: (f.sinh(u), 1 / f.cosh(u)),
        lambda u, w: (f.sin(u), f.cos(u) ** -0.5),
        lambda u, w: (f.sin(u), f.sin(u), 1 / f.cos(u), 1 / f.cos(u), f.tan(u)),
    ],
    "exp(-u)/(exp(-u) + c) = 1/(c*exp(u) + 1)": [
        lambda u, w: (f.exp(-x), 1 / (f.exp(-x) + 1)),
        lambda u, w: (f.exp(-2 * y), (f.exp(-y) + 2) ** -2),
        lambda u, w: (f.exp(-x), 1 / (f.exp(-x) + 1), 1 / (f.exp(-x) + 2)),
    ],
    "p*(a/p + b/q)*q = a*q + b*p, if shorter": [
        lambda u, w: (u, 1 / u - 1 / w, w),
        lambda u, w: (p, (1 - y) / (1 - p) - y / p, 1 - p),
        lambda u, w: (x, x, y / x + 1 / x**2),
        lambda u, w: (f.sqrt(x), 2 / f.sqrt(x) - 1, y),
        lambda u, w: (u, w / u + 1 / u, u - w),
    ],
    "(c*a + c*b)*(a + b) = c*(a + b)**2": [
        lambda u, w: (2 * u + 2 * w, u + w),
        lambda u, w: (u - w, 1 / (w - u)),
        lambda u, w: (x / y + 1, 1 / (x + y)),
    ],
    "log(1 + exp(u)), log(exp(u) + exp(v)), log(1 + u)": [
        lambda u, w: (1 + f.exp(u),),
        lambda u, w: (2 * f.exp(u) + f.exp(w) + 3,),
        lambda u, w: (1 + u,),
        lambda u, w: (raw_sum((f.exp(u), f.exp(u), number(1))),),
    ],
    "log((1 + u)/(1 - u)) = 2*arctanh(u)": [lambda u, w: ((1 + u) / (1 - u),)],
    "log(u**n) = n*log(u), u > 0 or n odd": [
        lambda u, w: ((1 + f.exp(u)) ** -1,),
        lambda u, w: ((u + w) ** 3,),
        lambda u, w: (f.cosh(u) ** 2,),
    ],
    "log(expit(u)) = -softplus(-u)": [lambda u, w: (f.expit(u),)],
    "log(cosh(u)) = logaddexp(u, -u) - log(2)": [lambda u, w: (f.cosh(u),)],
    "log(exp(u) - 1) = u + log(1 - exp(-u))": [lambda u, w: (f.expm1(u),)],
    "log(p*r) = log(p) + log(r), p > 0": [
        lambda u, w: (raw_product((f.exp(u), w)),),
        lambda u, w: (raw_product((f.expit(u), f.expit(u), f.cosh(w) ** -2, u**2)),),
        lambda u, w: (raw_product((f.exp(u) + 1, p, w)),),
    ],
    "logaddexp(0, u) = softplus(u)": [lambda u, w: (number(0), u)],
    "log1p(exp(u)) = softplus(u)": [lambda u, w: (f.exp(u),), lambda u, w: (-f.expit(u),)],
    "exp(u) - 1, 1 - cos(u), sqrt(1 + u) - 1": [
        lambda u, w: (2 * f.exp(u), number(-2)),
        lambda u, w: (number(3), -3 * f.cos(u)),
        lambda u, w: (f.sqrt(u + 4), number(-2)),
        lambda u, w: (f.expit(u), -number(1) / 2),
        lambda u, w: (f.exp(u), number(1), number(-2), f.cosh(w)),
    ],
    "c*exp(m*w) + d*exp(n*w) = exp(m*w)*(c + d*exp((n - m)*w))": [
        lambda u, w: (f.exp(2 * u), -2 * f.exp(u)),
        lambda u, w: (f.exp(-u / 2), -f.exp(-3 * u), 3 * f.exp(-u), f.exp(w)),
    ],
    "exp(u) - exp(-u) = 2*sinh(u), cosh(u) - sinh(u) = exp(-u)": [
        lambda u, w: (2 * f.exp(u), -2 * f.exp(-u)),
        lambda u, w: (f.exp(u) * w, f.exp(-u) * w),
        lambda u, w: (w * f.cosh(u), -1 * (w * f.sinh(u))),
        lambda u, w: (f.exp(u), -2 * f.cosh(u)),
        lambda u, w: (f.cosh(u) ** 2, -1 * f.sinh(u) ** 2),
        lambda u, w: (f.cosh(u) * f.cosh(w), -1 * (f.sinh(u) * f.sinh(w))),
        lambda u, w: (f.exp(u) * f.cosh(u), -0.5 * f.expm1(2 * u)),
    ],
    "ndtr(u) - ndtr(v) in the tail of u and v": [
        lambda u, w: (2 * f.expit(u), -2 * f.expit(w)),
        lambda u, w: (p * f.expit(u), -1 * (p * f.expit(w)), u),
    ],
    "a*exp(u) + b*exp(v) = (a + b*p)*exp(u), v - u = log(p)": [
        lambda u, w: (w * normal(u, 1), -3 * (w * normal(u, -1))),
        lambda u, w: (f.exp(-w) * normal(u, 1), f.exp(-w) * normal(u, -1), w),
        lambda u, w: (f.exp((u + w) ** 2), -1 * f.exp(u**2 + 2 * (u * w) + w**2)),
        lambda u, w: (sg.named(f.exp(w), "D") * normal(u, 1), p * (f.exp(w) * normal(u, -1))),
    ],
    "exp(u)*exp(v) = p*exp(w), u + v = log(p) + w": [
        lambda u, w: (normal(u, 1), normal(u, -1) ** -1),
        lambda u, w: (normal(u, 1), normal(u, -1) ** -1, w),
    ],
    "u*v*(u*v)**(-3/2) = (u*v)**(-1/2)": [
        lambda u, w: (u, w, power(u * w, number(-1.5))),
        lambda u, w: (u**2, w**3, power(u * w, number(-2.5))),
        lambda u, w: (1 / u, 1 / w, power(u * w, number(1.5))),
    ],
    "softplus(u) - u = softplus(-u)": [
        lambda u, w: (f.softplus(u), -1 * u),
        lambda u, w: (2 * f.softplus(-3 * x), 6 * x),
        lambda u, w: (f.softplus(u), -1 * u, -1 * u, f.softplus(u), f.softplus(u)),
    ],
    "s - s**2 = s*expit(-u)": [
        lambda u, w: (f.expit(u), -1 * f.expit(u) ** 2),
        lambda u, w: (2 * (w * f.expit(u)), -2 * (w * f.expit(u) ** 2)),
        lambda u, w: (f.expit(u), f.expit(u), -1 * f.expit(u) ** 2),
    ],
    "(2*cosh(u))**n = 2**n * cosh(u)**n": [
        lambda u, w: (2 * f.cosh(u), -2),
        lambda u, w: (-3 * f.sinh(u), 3),
    ],
    "(1 + exp(u))**-k = expit(-u)**k": [
        lambda u, w: (1 + f.exp(u), -2),
        lambda u, w: (2 * f.exp(u) + 3 * f.exp(w), -1.5),
        lambda u, w: (f.exp(u) + f.exp(w) + 1, -1),
    ],
    "exp(u)*expit(-u) = expit(u)": [
        lambda u, w: (f.exp(u), f.expit(-u) ** 2),
        lambda u, w: (f.expit(-u), f.expit(-u), f.exp(u)),
        lambda u, w: (f.exp(u), f.expm1(u) ** -2),
        lambda u, w: (f.cosh(u), f.cosh(u) ** -3, f.sinh(u), f.sinh(u)),
        lambda u, w: (f.expm1(u), f.expm1(u), f.expit(-u), 1 / f.expit(-u)),
        lambda u, w: (f.exp(2 * u), 1 / f.cosh(u), f.sinh(u)),
        lambda u, w: (f.sinh(u), f.cosh(u) ** -0.75),
        lambda u, w: (f.expm1(u), f.expit(-u) ** 0.5),
        lambda u, w: (f.exp(u), f.exp(-u), w),
    ],
    "(exp(u) + exp(v))*expit(-u), term by term": [
        lambda u, w: (f.exp(u) + f.exp(2 * u), f.expit(-u) ** 2),
        lambda u, w: (f.exp(u) + 3, f.exp(u) + 3, f.expit(-u) ** 2),
    ],
    "exp(u)*exp(-logsumexp(u)) = exp(u - logsumexp(u))": [
        lambda u, w: (f.exp(u), f.exp(-f.logaddexp(u, w)), w),
        lambda u, w: (f.exp(u), f.exp(u), f.exp(w - 2 * f.softplus(u))),
    ],
}
MADE_FOR |= {
    "log(1 - exp(u)) as one function": [lambda u, w: (1 - f.exp(-(u**2) - 1),)],
    "log(exp(u) + exp(v)) = logaddexp(u, v)": [lambda u, w: (f.exp(u) + f.exp(w),)],
    "log(1 + tanh(u)) as one function": [lambda u, w: (1 + f.tanh(u),)],
    "log(1 - tanh(u)**2) = -2*log(cosh(u))": [
        lambda u, w: (1 - f.tanh(u) ** 2,),
        lambda u, w: (sech(u),),
    ],
    "cosh(u)**-k = sech(u)**k": [
        lambda u, w: (f.cosh(u), -2),
        lambda u, w: (-2 * f.sinh(u), -3),
        lambda u, w: (f.exp(u) + f.exp(-u), -1),
    ],
    "sinh(u)*sech(u) = tanh(u), cosh(u)*csch(u)": [
        lambda u, w: (f.sinh(u), 1 / f.cosh(u)),
        lambda u, w: (f.cosh(u), f.cosh(u), f.sinh(u) ** -2),
        lambda u, w: (f.cosh(u), f.cosh(u) ** -3, f.sinh(u), f.sinh(u)),
        lambda u, w: (f.sinh(u), f.cosh(u) ** -0.75),
        lambda u, w: (f.cosh(u) ** 1.5, f.sinh(u) ** -2, w),
    ],
    "log(cosh(u)), log(sinh(u)), log(tanh(u))": [
        lambda u, w: (f.cosh(u),),
        lambda u, w: (f.sinh(u),),
        lambda u, w: (f.tanh(u),),
    ],
    "1 - tanh(u)**2 = sech(u)**2, s - s**2": [
        lambda u, w: (number(1), -1 * f.tanh(u) ** 2),
        lambda u, w: (f.expit(u), -1 * f.expit(u) ** 2),
        lambda u, w: (2 * (w * f.expit(u)), -2 * (w * f.expit(u) ** 2)),
        lambda u, w: (f.expit(u), f.expit(u), -1 * f.expit(u) ** 2),
    ],
    "expm1(u)**-k = bose_einstein(u)**k": [
        lambda u, w: (f.expm1(u), -1),
        lambda u, w: (2 * f.expm1(u), -3),
    ],
    "exp(-exp(u)) without overflow": [lambda u, w: (-f.exp(u),), lambda u, w: (w - 2 * f.exp(u),)],
    "log(u) - log(v) = log1p((u - v)/v), sin(u) - sin(v)": [
        lambda u, w: (f.log(u + 1), -1 * f.log(u)),
        lambda u, w: (w * f.log1p(u), -1 * (w * f.log(u))),
        lambda u, w: (2 * f.sin(u + w), -2 * f.sin(u)),
        lambda u, w: (f.cos(u + w), -1 * f.cos(w)),
        lambda u, w: (f.tan(u + 1), -1 * f.tan(u)),
        lambda u, w: (f.arctan(u + 2), -1 * f.arctan(u)),
    ],
    "log(u/v) = log1p((u - v)/v)": [
        lambda u, w: ((u + 1) / u,),
        lambda u, w: ((u + w) / (w - 1),),
    ],
    "log(p + sqrt(p**2 + 1)) = arcsinh(p)": [
        lambda u, w: (u + f.sqrt(u**2 + 1),),
        lambda u, w: (u - f.sqrt(u**2 - 1),),
    ],
    "log(p + sqrt(p**2 + c)) = arcsinh(p/sqrt(c)) + log(c)/2": [
        lambda u, w: (f.sqrt(u**2 + 5) - u,),
        lambda u, w: (u + f.sqrt(u**2 - 4),),
        lambda u, w: (u + w - f.sqrt((u + w) ** 2 - 0.5),),
    ],
    "u + v = (u**2 - v**2)/(u - v), 1/a - 1/b = (b - a)/(a*b)": [
        lambda u, w: (f.sqrt(1 + u**2), -1 * u),
        lambda u, w: (w / f.sqrt(u**2 + w**2), number(-1)),
        lambda u, w: (f.sqrt(u + 1), -1 * f.sqrt(u)),
        lambda u, w: (1 / (u + w), -1 / u),
        lambda u, w: (f.cbrt(u + 1), -1 * f.cbrt(u)),
        lambda u, w: (1 / f.sqrt(1 + u**2), -1 * (u**2 * (1 + u**2) ** -1.5)),
    ],
    "exp(u)*exp(-exp(u)) = exp(u - exp(u))": [
        lambda u, w: (f.exp(u), f.exp(-f.exp(u))),
        lambda u, w: (f.exp(-f.exp(u)), f.exp(-f.exp(u)), f.exp(u), w),
        lambda u, w: (f.exp(-f.exp(u)), f.cosh(u), f.exp(u)),
    ],
}
ELSEWHERE = {  # rules of tensors: see test_each_tensor_rule
    "max(n - 1, 0) = n - 1, n an extent",  # see test_tensor
    "det(Q)**2 = 1, Q orthogonal",
    "|det(Q)| = 1, Q orthogonal",
    "sum(exp(u))**-k = exp(-k*logsumexp(u))",
    "log(det(A)) = log|det(A)| + log(sign)",
    "log(sum(exp(u))) = logsumexp(u)",
    "a product with a layout is an Einsum",
    "operands stretched alike are stretched last, in products",
    "operands stretched alike are stretched last, in sums",
    "a among zeros + b among zeros = concatenate([a, b])",
    "logsumexp(u - m) + m = logsumexp(u)",
    "where(c[:, newaxis], diag(u), 0) = diag(where(c, u, 0))",  # see test_rules
    "sqrt(a**2*x @ x) = |a|*sqrt(x @ x)",  # the next ones: see test_rules
    "where(c[:, newaxis], diag(v) @ where(c[:, newaxis], A, 0), 0), c once",
    "u + c - mean(u + c) = u - mean(u)",
    # special functions: see test_rules, test_digits
    "log(erfc(u)), log(ndtr(u)), log(iv(v, u))",
    "log(c*erfc(u)) = log(erfc(u)) + log(c)",
    "log1p(-erf(u)) = log(erfc(u))",
    "erfcx(u)**-1 = -sqrt(pi)/2*(log erfc)'(u)",
    "exp(-u**2)/erfc(u) = 1/erfcx(u)",
    "iv(v + 1, u)/iv(v, u) as one function",
    "exp(-u)*iv(v, u) = ive(v, u), u > 0",
    "log(erf(u)) as one function",
    "log(gamma(u)) = gammaln(u), gamma(u) > 0",
    "exp(w)*erfc(u) = exp(w - u**2)*erfcx(u)",  # see test_tails
}


def completed(rule):
    """Formulas that hold what a rule was made for, among others."""
    operand = st.one_of(ARGUMENTS, ARGUMENTS, FUNCTIONS)
    made = st.builds(
        lambda make, u, w: make(u, w), st.sampled_from(MADE_FOR[rule.name]), operand, operand
    )
    if rule.op is MUL:
        return st.tuples(made, st.lists(FACTORS, max_size=2), AGAIN).flatmap(
            lambda t: st.permutations(repeated((*t[0], *t[1]), t[2])).map(tuple).map(raw_product)
        )
    if rule.op is ADD:
        return st.tuples(made, st.lists(TERMS, max_size=2), AGAIN).flatmap(
            lambda t: st.permutations(
                [*t[0], *t[1], *[k * t[0][i % len(t[0])] for i, k in t[2]]]
            ).map(lambda terms: raw_sum(tuple(terms)))
        )
    if rule.op is POW:
        return made.map(lambda pair: POW.build((pair[0], as_expr(pair[1])), ()))
    return made.map(lambda args: rule.op.build(args, ()))


DIGITS = (60, 1000)  # many where terms of e**200 cancel
SCALAR = [r for r in RULES if r.op in (ADD, MUL, POW) or r.op.name in REAL or r.op.name == "where"]


def rule_id(rule):
    return f"{rule.op.name}: {rule.name}"


def check(rule, formula):
    """Whether the rule took the formula; fails where what it made breaks the guarantee."""
    if formula.op is not rule.op:
        return False
    result = rule.apply(formula)
    if result is None or result is formula:
        return False
    check_graph(result)
    built = transform([formula], lambda node: node)[formula]  # what its constructors make of it
    compared = False
    for point in POINTS:
        where = f"{formula} -> {result} at {point}"
        digits = next((d for d in DIGITS if agree(formula, built, result, point, rule, d)), None)
        assert digits is not None, f"{[real_value(e, point) for e in (formula, result)]}: {where}"
        truth = real_value(formula, point, digits)
        compared = compared or truth is not None
        if rule.guarantee is Guarantee.EXACT and truth is not None and not isinstance(truth, bool):
            assert_no_worse(formula, result, point, truth, where)
    return compared


def agree(formula, built, result, point, rule, digits):
    """Whether two formulas are one real function at a point, as far as a rule promises, to some digits.

    `built` is the formula as its constructors have it: they may define more.
    """
    before, after = real_value(formula, point, digits), real_value(result, point, digits)
    if before is None:
        free = rule.guarantee is Guarantee.DOMAIN or real_value(built, point, digits) is not None
        return after is None or free
    if after is None:
        return False
    if isinstance(before, bool):
        return bool(before == after)
    scale = max(abs(before), mpmath.mpf(10) ** -20)
    return bool(abs(before - after) <= scale * mpmath.mpf(10) ** -12)


def assert_no_worse(formula, result, point, truth, where):
    """As floats the new formula is as near to the truth as the old one, within its last places."""
    size = float(abs(truth))
    if not 1e-290 < size < 1e290:
        return
    old, new = float(numpy_value(formula, point)), float(numpy_value(result, point))
    if math.isfinite(old):
        lost = [float(abs(mpmath.mpf(v) - truth)) / (size * 2.0**-53) for v in (old, new)]
        assert lost[1] <= lost[0] + 4, f"{lost} units in the last place: {where}"


@pytest.mark.parametrize("rule", SCALAR, ids=rule_id)
def test_a_rule_alone_keeps_its_guarantee_on_any_formula(rule):
    @STEADY
    @given(formulas_of(rule.op))
    def run(formula):
        check(rule, formula)

    run()


@pytest.mark.parametrize("rule", [r for r in SCALAR if r.name not in ELSEWHERE], ids=rule_id)
def test_a_rule_alone_keeps_its_guarantee_on_what_it_is_made_for(rule):
    taken = 0

    @STEADY
    @given(completed(rule))
    def run(formula):
        nonlocal taken
        taken += check(rule, formula)

    run()
    assert taken > 4, "hardly a formula that the rule takes"
