"""Bessel functions, and the factory of functions that have an order.

The order is a number, a parameter of the node; the derivative of order n is made of neighbouring
orders, so derivatives of any order close.

Formulas: NIST Digital Library of Mathematical Functions, 10.6 and 10.29.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any, Final

from symgrad.errors import ArgumentError
from symgrad.expr.dims import Shape
from symgrad.expr.interval import POSITIVE, REALS, Interval
from symgrad.expr.leaves import constant
from symgrad.expr.node import Expr, make
from symgrad.expr.op import Op, Params
from symgrad.expr.types import Ty
from symgrad.ops.elementwise import as_expr
from symgrad.ops.public import public
from symgrad.ops.ufuncs import expit, sign


def cast_code(node: Expr) -> str:
    """Code that brings a result in float64 to the type of `node`."""
    return "" if node.dtype.name == "float64" else f".astype(np.{node.dtype.name})"


def ordered(
    name: str,
    derivative: Callable[[Any, Expr, Expr], Expr],
    numpy: Callable[[Expr], str],
    latex: str,
    sympy: Callable[..., Any],
    domain: tuple[float, float],
    **fields: Any,
) -> Op:
    """A function ``f(n, x)`` of a fixed order; ``derivative(n, y, x)`` is its derivative by x."""

    def infer(args: tuple[Expr, ...], params: Params) -> tuple[Shape, Ty]:
        return args[0].shape, expit.type_of((args[0].ty,))

    def cotangents(g: Expr, y: Expr, needed: Sequence[bool]) -> list[Expr | None]:
        return [g * derivative(y.params[0], y, y.args[0]) if needed[0] else None]

    def notation(order: Any) -> str:
        return latex.format(order).replace("{", "{{").replace("}", "}}")  # braces of LaTeX, kept

    op = Op(
        name=name,
        build=lambda args, params: make(op, args, params, *infer(args, params)),
        infer=infer,
        vjp=cotangents,
        elementwise=True,
        numpy=lambda node, dim: numpy(node),
        text=lambda node: f"{name}({node.params[0]}, {{0}})",
        latex=lambda node: rf"{notation(node.params[0])}\left({{0}}\right)",
        sympy=sympy,
        domain=(domain,),
        **fields,
    )
    return op


def of_order(op: Op, n: Any, x: Any) -> Expr:
    order = _order(op.name, n)
    return op.build((as_expr(x),), (order,))


def _order(name: str, n: Any) -> Any:
    value = constant(n).params[0] if isinstance(n, (int, float, Fraction)) else None
    if value is None or isinstance(value, bool):
        raise ArgumentError(f"the order of {name} must be a number such as 0 or 1, not {n!r}")
    return int(value) if value == int(value) else value


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
    return f"scipy.special.{name}({n if isinstance(n, int) else float(n)}, {{0}})"


# J' = (J[n-1] - J[n+1])/2, the same for Y; I' = (I[n-1] + I[n+1])/2; K' = -(K[n-1] + K[n+1])/2
JV: Final = _bessel(
    "jv",
    lambda n, y, x: -jv(1, x) if n == 0 else (jv(n - 1, x) - jv(n + 1, x)) / 2,
    "J_{{{}}}",
    lambda sp, x, n: sp.besselj(n, x),
)
YV: Final = _bessel(
    "yv",
    lambda n, y, x: -yv(1, x) if n == 0 else (yv(n - 1, x) - yv(n + 1, x)) / 2,
    "Y_{{{}}}",
    lambda sp, x, n: sp.bessely(n, x),
)
IV: Final = _bessel(
    "iv",
    lambda n, y, x: iv(1, x) if n == 0 else (iv(n - 1, x) + iv(n + 1, x)) / 2,
    "I_{{{}}}",
    lambda sp, x, n: sp.besseli(n, x),
    range=lambda y, x: Interval(1) if y.params[0] == 0 else REALS,
)
KV: Final = _bessel(
    "kv",
    lambda n, y, x: -kv(1, x) if n == 0 else -(kv(n - 1, x) + kv(n + 1, x)) / 2,
    "K_{{{}}}",
    lambda sp, x, n: sp.besselk(n, x),
    range=POSITIVE,
)
# The scaled ones: ive = exp(-|x|)*I, kve = exp(x)*K
IVE: Final = _bessel(
    "ive",
    lambda n, y, x: (ive(1, x) if n == 0 else (ive(n - 1, x) + ive(n + 1, x)) / 2) - sign(x) * y,
    r"\tilde{{I}}_{{{}}}",
    lambda sp, x, n: sp.exp(-sp.Abs(x)) * sp.besseli(n, x),
    range=lambda y, x: Interval(0, 1, True) if y.params[0] == 0 else REALS,
)
KVE: Final = _bessel(
    "kve",
    lambda n, y, x: y - (kve(1, x) if n == 0 else (kve(n - 1, x) + kve(n + 1, x)) / 2),
    r"\tilde{{K}}_{{{}}}",
    lambda sp, x, n: sp.exp(x) * sp.besselk(n, x),
    range=POSITIVE,
)


@public
def jv(v: Any, z: Any) -> Expr:
    """Bessel function of the first kind of order `v`, a number, as `scipy.special.jv`."""
    return of_order(JV, v, z)


@public
def yv(v: Any, z: Any) -> Expr:
    """Bessel function of the second kind of order `v`, a number, as `scipy.special.yv`."""
    return of_order(YV, v, z)


@public
def iv(v: Any, z: Any) -> Expr:
    """Modified Bessel function of the first kind, as `scipy.special.iv`."""
    return of_order(IV, v, z)


@public
def kv(v: Any, z: Any) -> Expr:
    """Modified Bessel function of the second kind, as `scipy.special.kv`."""
    return of_order(KV, v, z)


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
    call.__doc__ = f"``{function.__name__}({order}, x)``, as `scipy.special.{name}`."
    return call


j0, j1 = _fixed(jv, 0, "j0"), _fixed(jv, 1, "j1")
y0, y1 = _fixed(yv, 0, "y0"), _fixed(yv, 1, "y1")
i0, i1 = _fixed(iv, 0, "i0"), _fixed(iv, 1, "i1")
k0, k1 = _fixed(kv, 0, "k0"), _fixed(kv, 1, "k1")
i0e, i1e = _fixed(ive, 0, "i0e"), _fixed(ive, 1, "i1e")
k0e, k1e = _fixed(kve, 0, "k0e"), _fixed(kve, 1, "k1e")

BESSEL_OPS: Final = (JV, YV, IV, KV, IVE, KVE)
