"""Bessel functions.

An order that is a number is a parameter of the node, and else an operand (`symgrad.ops.free_orders`); the
derivative of order n is made of neighbouring orders, so derivatives of any order close.

Formulas: NIST Digital Library of Mathematical Functions, 10.6 and 10.29.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from symgrad.calls import checked
from symgrad.expr.interval import POSITIVE, REALS, Interval
from symgrad.expr.node import Expr
from symgrad.expr.op import Op
from symgrad.ops import free_orders
from symgrad.ops.examples import with_example
from symgrad.ops.families import ive_derivative, kve_derivative
from symgrad.ops.ordered import of_order, ordered
from symgrad.ops.public import public


def _bessel(name: str, derivative: Any, latex: str, sympy: Any, **fields: Any) -> Op:
    low = (0.4, 6.0)
    code = lambda node: _bessel_code(name, node)  # noqa: E731
    return ordered(name, derivative, code, latex, sympy, low, **fields)


_SHORT: Final = {"jv": "j", "yv": "y", "iv": "i", "kv": "k", "ive": "i", "kve": "k"}


def _bessel_code(name: str, node: Expr) -> str:
    """The call of one Bessel function; orders 0 and 1 have faster functions of their own."""
    (n,) = node.params
    if n in (0, 1):
        return f"scipy.special.{_SHORT[name]}{n}{name[2:]}({{0}})"
    module = "_far_" if name in ("ive", "kve") else "scipy.special."
    return f"{module}{name}({n if isinstance(n, int) else float(n)}, {{0}})"


# J' = (J[n-1] - J[n+1])/2, the same for Y; I' = (I[n-1] + I[n+1])/2; K' = -(K[n-1] + K[n+1])/2
JV: Final = _bessel(
    "jv",
    lambda n, y, x: -jv(1, x) if n == 0 else (jv(n - 1, x) - jv(n + 1, x)) / 2,  # type: ignore[has-type]
    "J_{{{}}}",
    lambda sp, x, n: sp.besselj(n, x),
)
YV: Final = _bessel(
    "yv",
    lambda n, y, x: -yv(1, x) if n == 0 else (yv(n - 1, x) - yv(n + 1, x)) / 2,  # type: ignore[has-type]
    "Y_{{{}}}",
    lambda sp, x, n: sp.bessely(n, x),
)
IV: Final = _bessel(
    "iv",
    lambda n, y, x: iv(1, x) if n == 0 else (iv(n - 1, x) + iv(n + 1, x)) / 2,  # type: ignore[has-type]
    "I_{{{}}}",
    lambda sp, x, n: sp.besseli(n, x),
    range=lambda y, x: Interval(1) if y.params[0] == 0 else REALS,
)
KV: Final = _bessel(
    "kv",
    lambda n, y, x: -kv(1, x) if n == 0 else -(kv(n - 1, x) + kv(n + 1, x)) / 2,  # type: ignore[has-type]
    "K_{{{}}}",
    lambda sp, x, n: sp.besselk(n, x),
    range=POSITIVE,
)
# The scaled ones: ive = exp(-|x|)*I, kve = exp(x)*K
IVE: Final = _bessel(
    "ive",
    lambda n, y, x: ive_derivative(n, x),
    r"\tilde{{I}}_{{{}}}",
    lambda sp, x, n: sp.exp(-sp.Abs(x)) * sp.besseli(n, x),
    range=lambda y, x: Interval(0, 1, True) if y.params[0] == 0 else REALS,
)
KVE: Final = _bessel(
    "kve",
    lambda n, y, x: kve_derivative(n, x),
    r"\tilde{{K}}_{{{}}}",
    lambda sp, x, n: sp.exp(x) * sp.besselk(n, x),
    range=POSITIVE,
)


@public
def jv(v: Any, z: Any) -> Expr:
    """Bessel function of the first kind of order `v`, as `scipy.special.jv`."""
    return of_order(JV, v, z, free_orders.JV)


@public
def yv(v: Any, z: Any) -> Expr:
    """Bessel function of the second kind of order `v`, as `scipy.special.yv`."""
    return of_order(YV, v, z, free_orders.YV)


@public
def iv(v: Any, z: Any) -> Expr:
    """Modified Bessel function of the first kind, as `scipy.special.iv`."""
    return of_order(IV, v, z, free_orders.IV)


@public
def kv(v: Any, z: Any) -> Expr:
    """Modified Bessel function of the second kind, as `scipy.special.kv`."""
    return of_order(KV, v, z, free_orders.KV)


@public
def ive(v: Any, z: Any) -> Expr:
    """``exp(-|z|)*iv(v, z)``, as `scipy.special.ive`."""
    return of_order(IVE, v, z)


@public
def kve(v: Any, z: Any) -> Expr:
    """``exp(z)*kv(v, z)``, as `scipy.special.kve`."""
    return of_order(KVE, v, z)


def _fixed(function: Callable[..., Expr], order: int, name: str) -> Callable[[Any], Expr]:
    def call(x: Any) -> Expr:
        return function(order, x)

    call.__name__ = call.__qualname__ = name
    call.__doc__ = with_example(
        name, f"``{function.__name__}({order}, x)``, as `scipy.special.{name}`."
    )
    return checked(call)


j0, j1 = _fixed(jv, 0, "j0"), _fixed(jv, 1, "j1")
y0, y1 = _fixed(yv, 0, "y0"), _fixed(yv, 1, "y1")
i0, i1 = _fixed(iv, 0, "i0"), _fixed(iv, 1, "i1")
k0, k1 = _fixed(kv, 0, "k0"), _fixed(kv, 1, "k1")
i0e, i1e = _fixed(ive, 0, "i0e"), _fixed(ive, 1, "i1e")
k0e, k1e = _fixed(kve, 0, "k0e"), _fixed(kve, 1, "k1e")

BESSEL_OPS: Final = (JV, YV, IV, KV, IVE, KVE)
