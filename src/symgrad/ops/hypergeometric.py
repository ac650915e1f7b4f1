"""Hypergeometric functions of fixed parameters, and the elliptic integrals that they are.

The parameters are numbers. A derivative is the same function with each of them one higher, so derivatives
of any order close, and those of elliptic integrals keep their digits where formulas in K and E divide by m.
Formulas: NIST Digital Library of Mathematical Functions, 13.3, 15.5, 16.3, 19.5.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any, Final

from symgrad.errors import ArgumentError
from symgrad.expr.leaves import PI, constant
from symgrad.expr.node import Expr
from symgrad.expr.op import Op
from symgrad.ops.elementwise import as_expr
from symgrad.ops.ordered import cast_code, ordered
from symgrad.ops.public import public
from symgrad.ops.special_record import special_function, unknown_derivative
from symgrad.ops.ufuncs import sin, sqrt

_HALF: Final = Fraction(1, 2)


def _hypergeometric(upper: int, lower: int, domain: tuple[float, float]) -> Op:
    """``pFq`` with its `upper` and `lower` parameters in this order."""

    def derivative(*given: Any) -> Expr:
        *numbers, _, x = given
        factor = constant(1)
        for k, c in enumerate(numbers):
            factor = factor * as_expr(c) if k < upper else factor / as_expr(c)
        return factor * op.build((x,), tuple([_tidy(c + 1) for c in numbers]))

    def code(node: Expr) -> str:
        numbers = ", ".join(str(float(c)) for c in node.params)
        return f"scipy.special.{name}({numbers}, {{0}}){cast_code(node)}"

    def image(sp: Any, x: Any, *numbers: Any) -> Any:
        numbers = tuple([sp.nsimplify(c) if isinstance(c, Fraction) else c for c in numbers])
        return sp.hyper(numbers[:upper], numbers[upper:], x)

    def notation(*numbers: Any) -> str:
        groups = [numbers[:upper], numbers[upper:]]
        listed = "; ".join(", ".join(map(str, group)) for group in groups if group)
        return rf"{{{{}}}}_{{{{{upper}}}}}F_{{{{{lower}}}}}\left({listed}; {{0}}\right)"

    name = f"hyp{upper}f{lower}"
    op: Op = ordered(
        name,
        derivative,
        code,
        name,
        image,
        domain,
        lambda *numbers: f"{name}({', '.join(map(str, numbers))}, {{0}})",
        notation,
    )
    return op


def _tidy(c: Any) -> Any:
    return int(c) if c == int(c) else c


HYP0F1: Final = _hypergeometric(0, 1, (-3.0, 3.0))
HYP1F1: Final = _hypergeometric(1, 1, (-3.0, 3.0))
HYP2F1: Final = _hypergeometric(2, 1, (-0.9, 0.9))


def _of_numbers(op: Op, numbers: Sequence[Any], x: Any) -> Expr:
    for c in numbers:
        if isinstance(c, bool) or not isinstance(c, (int, float, Fraction)):
            raise ArgumentError(f"the parameters of {op.name} must be numbers, not {c!r}")
    if numbers[-1] <= 0 and numbers[-1] == int(numbers[-1]):
        raise ArgumentError(f"the last parameter of {op.name} cannot be {numbers[-1]}: a pole")
    return op.build((as_expr(x),), tuple([_tidy(c) for c in numbers]))


@public
def hyp0f1(v: Any, z: Any) -> Expr:
    """The confluent limit function ``0F1(v; z)``, `v` a number, as `scipy.special.hyp0f1`."""
    return _of_numbers(HYP0F1, [v], z)


@public
def hyp1f1(a: Any, b: Any, x: Any) -> Expr:
    """Kummer's function ``1F1(a; b; x)``, `a` and `b` numbers, as `scipy.special.hyp1f1`."""
    return _of_numbers(HYP1F1, [a, b], x)


@public
def hyp2f1(a: Any, b: Any, c: Any, z: Any) -> Expr:
    """Gauss's function ``2F1(a, b; c; z)``, parameters numbers, as `scipy.special.hyp2f1`."""
    return _of_numbers(HYP2F1, [a, b, c], z)


# Elliptic integrals of the parameter m: K = pi/2 * 2F1(1/2, 1/2; 1; m), E = pi/2 * 2F1(-1/2, 1/2; 1; m)

ellipk = special_function(
    "ellipk",
    "K",
    lambda g, y, m: g * PI / 8 * hyp2f1(3 * _HALF, 3 * _HALF, 2, m),
    sympy=lambda sp, m: sp.elliptic_k(m),
    domain=(-0.9, 0.9),
    special=(0.0,),
)
ellipe = special_function(
    "ellipe",
    "E",
    lambda g, y, m: -g * PI / 8 * hyp2f1(_HALF, 3 * _HALF, 2, m),
    sympy=lambda sp, m: sp.elliptic_e(m),
    domain=(-0.9, 0.9),
    special=(0.0, 1.0),
)


def _modulus(phi: Expr, m: Expr) -> Expr:
    return sqrt(1 - m * sin(phi) ** 2)


ellipkinc = special_function(
    "ellipkinc",
    "F",
    (lambda g, y, phi, m: g / _modulus(phi, m), unknown_derivative("ellipkinc", "m")),
    sympy=lambda sp, phi, m: sp.elliptic_f(phi, m),
    domain=((-1.4, 1.4), (0.05, 0.9)),
    notes="The derivative by m is no formula of functions that are here.",
)
ellipeinc = special_function(
    "ellipeinc",
    "E",
    (lambda g, y, phi, m: g * _modulus(phi, m), unknown_derivative("ellipeinc", "m")),
    sympy=lambda sp, phi, m: sp.elliptic_e(phi, m),
    domain=((-1.4, 1.4), (0.05, 0.9)),
    notes="The derivative by m is no formula of functions that are here.",
)

HYPERGEOMETRIC_OPS: Final = (HYP0F1, HYP1F1, HYP2F1)
