"""Functions whose order or parameters are operands: ``jv(v, x)`` with a symbol v, and the like.

With numbers for orders they are other records, whose code is faster (`symgrad.ops.ordered`); these are what
the public functions build where an order is an expression. Derivatives are by the last operand alone.

Formulas: NIST Digital Library of Mathematical Functions, 5.15, 8.19, 10.6, 10.29, 13.3, 15.5, 25.11.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from symgrad.expr.node import Expr
from symgrad.ops.elementwise import Elementwise
from symgrad.ops.special_record import special_function, unknown_derivative

_ORDER: Final = (0.3, 3.2)
_NEAR: Final = (0.4, 6.0)
_POSITIVE: Final = (0.2, 4.0)


def _of_operands(
    scipy: str,
    latex: str,
    operands: tuple[str, ...],
    slope: Callable[..., Expr],
    sympy: Callable[..., Any],
    domain: Any,
    code: str = "",
) -> Elementwise:
    """``f(*operands, x)``; ``slope(*operands, x)`` is its derivative by x."""
    places = ", ".join(f"{{{i}}}" for i in range(len(operands) + 1))

    def by_x(g: Expr, y: Expr, *args: Expr) -> Expr:
        return g * slope(*args)

    return special_function(
        f"{scipy}_of_order",
        latex,
        (*[unknown_derivative(scipy, operand) for operand in operands], by_x),
        numpy=code or f"scipy.special.{scipy}({places})",
        scalar="" if code else f"float(scipy.special.{scipy}({places}))",
        text=f"{scipy}({places})",
        sympy=sympy,
        domain=domain,
        doc=f"Elementwise ``{scipy}``, as `scipy.special.{scipy}`.",
    )


# J' = (J[v-1] - J[v+1])/2, the same for Y; I' = (I[v-1] + I[v+1])/2; K' = -(K[v-1] + K[v+1])/2
JV: Elementwise = _of_operands(
    "jv",
    "J",
    ("v",),
    lambda v, x: (JV(v - 1, x) - JV(v + 1, x)) / 2,
    lambda sp, v, x: sp.besselj(v, x),
    (_ORDER, _NEAR),
)
YV: Elementwise = _of_operands(
    "yv",
    "Y",
    ("v",),
    lambda v, x: (YV(v - 1, x) - YV(v + 1, x)) / 2,
    lambda sp, v, x: sp.bessely(v, x),
    (_ORDER, _NEAR),
)
IV: Elementwise = _of_operands(
    "iv",
    "I",
    ("v",),
    lambda v, x: (IV(v - 1, x) + IV(v + 1, x)) / 2,
    lambda sp, v, x: sp.besseli(v, x),
    (_ORDER, _NEAR),
)
KV: Elementwise = _of_operands(
    "kv",
    "K",
    ("v",),
    lambda v, x: -(KV(v - 1, x) + KV(v + 1, x)) / 2,
    lambda sp, v, x: sp.besselk(v, x),
    (_ORDER, _NEAR),
)
POLYGAMMA: Elementwise = _of_operands(
    "polygamma",
    r"\psi",
    ("n",),
    lambda n, x: POLYGAMMA(n + 1, x),
    lambda sp, n, x: sp.polygamma(n, x),
    ((1, 3), _POSITIVE),
)
EXPN: Elementwise = _of_operands(
    "expn",
    r"\operatorname{{E}}",
    ("n",),
    lambda n, x: -EXPN(n - 1, x),
    lambda sp, n, x: sp.expint(n, x),
    ((2, 4), _POSITIVE),
    "_of_whole_order(scipy.special.expn, {0}, {1}, np.nan)",
)
HYP0F1: Elementwise = _of_operands(
    "hyp0f1",
    "{{}}_0F_1",
    ("v",),
    lambda v, z: HYP0F1(v + 1, z) / v,
    lambda sp, v, z: sp.hyper([], [v], z),
    (_POSITIVE, (-3.0, 3.0)),
)
HYP1F1: Elementwise = _of_operands(
    "hyp1f1",
    "{{}}_1F_1",
    ("a", "b"),
    lambda a, b, z: a / b * HYP1F1(a + 1, b + 1, z),
    lambda sp, a, b, z: sp.hyper([a], [b], z),
    (_POSITIVE, _POSITIVE, (-3.0, 3.0)),
)
HYP2F1: Elementwise = _of_operands(
    "hyp2f1",
    "{{}}_2F_1",
    ("a", "b", "c"),
    lambda a, b, c, z: a * b / c * HYP2F1(a + 1, b + 1, c + 1, z),
    lambda sp, a, b, c, z: sp.hyper([a, b], [c], z),
    (_POSITIVE, _POSITIVE, _POSITIVE, (-0.8, 0.8)),
)

# Hurwitz's zeta function, the sum of (k + q)**-s; at q = 1 it is Riemann's

ZETA: Elementwise = special_function(
    "hurwitz_zeta",
    r"\zeta",
    (
        unknown_derivative("zeta", "s"),
        lambda g, y, s, q: -g * s * ZETA(s + 1, q),
    ),
    numpy="scipy.special.zeta({0}, {1})",
    scalar="float(scipy.special.zeta({0}, {1}))",
    text="zeta({0}, {1})",
    sympy=lambda sp, s, q: sp.zeta(s, q),
    domain=((1.3, 4.0), (0.3, 4.0)),
    doc="Hurwitz's zeta function, as `scipy.special.zeta`.",
)
RIEMANN_ZETA: Elementwise = special_function(
    "riemann_zeta",
    r"\zeta",
    (unknown_derivative("zeta", "x"),),
    numpy="scipy.special.zeta({0})",
    scalar="float(scipy.special.zeta({0}))",
    text="zeta({0})",
    sympy=lambda sp, x: sp.zeta(x),
    domain=(1.3, 4.0),
    special=(-1.5, 0.0, 0.5),
    doc="Riemann's zeta function, as `scipy.special.zeta`.",
)
