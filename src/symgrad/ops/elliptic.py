"""Legendre's elliptic integrals of the parameter m, as `scipy.special` has the first two kinds.

``K = pi/2 * 2F1(1/2, 1/2; 1; m)`` and ``E = pi/2 * 2F1(-1/2, 1/2; 1; m)``, whose derivatives keep their
digits where formulas in K and E divide by m. For incomplete ones ``(F - E)/m`` does that, which is an
integral of its own.

Formulas: NIST Digital Library of Mathematical Functions, 19.4, 19.5 and 19.25.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Final

from symgrad.expr.leaves import PI
from symgrad.expr.node import Expr
from symgrad.ops.elementwise import Elementwise
from symgrad.ops.hypergeometric import hyp2f1
from symgrad.ops.special_record import special_function
from symgrad.ops.ufuncs import cos, sin, sqrt

_HALF: Final = Fraction(1, 2)
_ANGLES: Final = (-1.4, 1.4)
_MODULI: Final = (0.05, 0.9)

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


def _first_by_m(phi: Expr, m: Expr) -> Expr:
    """The derivative of F: (F - D - sin*cos/modulus)/(2*(1 - m)), with D = (F - E)/m."""
    bent = sin(phi) * cos(phi) / _modulus(phi, m)
    return (ellipkinc(phi, m) - ellipd(phi, m) - bent) / (2 * (1 - m))


ellipkinc: Elementwise = special_function(
    "ellipkinc",
    "F",
    (
        lambda g, y, phi, m: g / _modulus(phi, m),
        lambda g, y, phi, m: g * _first_by_m(phi, m),
    ),
    sympy=lambda sp, phi, m: sp.elliptic_f(phi, m),
    domain=(_ANGLES, _MODULI),
)
ellipeinc: Elementwise = special_function(
    "ellipeinc",
    "E",
    (
        lambda g, y, phi, m: g * _modulus(phi, m),
        lambda g, y, phi, m: -g * ellipd(phi, m) / 2,
    ),
    sympy=lambda sp, phi, m: sp.elliptic_e(phi, m),
    domain=(_ANGLES, _MODULI),
)
ellipd: Elementwise = special_function(
    "ellipd",
    "D",
    (
        lambda g, y, phi, m: g * sin(phi) ** 2 / _modulus(phi, m),
        lambda g, y, phi, m: g * (_first_by_m(phi, m) - y / 2) / m,
    ),
    numpy="_ellipd({0}, {1})",
    scalar="",
    sympy=lambda sp, phi, m: (sp.elliptic_f(phi, m) - sp.elliptic_e(phi, m)) / m,
    domain=(_ANGLES, (0.4, 0.9)),
    doc="The elliptic integral ``(F - E)/m``, of ``sin(t)**2/sqrt(1 - m*sin(t)**2)``.",
    notes="Its derivative by m loses digits as m goes to 0, and is nan there.",
)


# The third kind. Its derivatives by n and m lose digits as n and m come near each other

_NEAR: Final = (
    "The derivatives by n and m lose digits where n and m are near each other, or n near 0."
)
ellippi: Elementwise = special_function(
    "ellippi",
    r"\Pi",
    (
        lambda g, y, n, m: (
            g * (ellipe(m) + ((m - n) * ellipk(m) + (n**2 - m) * y) / n) / (2 * (m - n) * (n - 1))
        ),
        lambda g, y, n, m: g * (ellipe(m) / (m - 1) + y) / (2 * (n - m)),
    ),
    numpy="_ellippi({0}, {1})",
    scalar="",
    sympy=lambda sp, n, m: sp.elliptic_pi(n, m),
    domain=((-0.9, -0.2), (0.05, 0.9)),
    doc="The complete elliptic integral of the third kind.",
    notes=_NEAR,
)


def _third_by_n(g: Expr, y: Expr, n: Expr, phi: Expr, m: Expr) -> Expr:
    bent = n * _modulus(phi, m) * sin(2 * phi) / (2 * (1 - n * sin(phi) ** 2))
    rest = ((m - n) * ellipkinc(phi, m) + (n**2 - m) * y) / n
    return g * (ellipeinc(phi, m) + rest - bent) / (2 * (m - n) * (n - 1))


def _third_by_m(g: Expr, y: Expr, n: Expr, phi: Expr, m: Expr) -> Expr:
    bent = m * sin(2 * phi) / (2 * (m - 1) * _modulus(phi, m))
    return g * (ellipeinc(phi, m) / (m - 1) + y - bent) / (2 * (n - m))


ellippiinc: Elementwise = special_function(
    "ellippiinc",
    r"\Pi",
    (
        _third_by_n,
        lambda g, y, n, phi, m: g / (_modulus(phi, m) * (1 - n * sin(phi) ** 2)),
        _third_by_m,
    ),
    numpy="_ellippiinc({0}, {1}, {2})",
    scalar="",
    sympy=lambda sp, n, phi, m: sp.elliptic_pi(n, phi, m),
    domain=((-0.9, -0.2), _ANGLES, _MODULI),
    doc="The incomplete elliptic integral of the third kind.",
    notes=_NEAR,
)
