"""Derivatives that have a name of their own, because their formula cancels in floating point.

``erfcx'(x) = 2*x*erfcx(x) - 2/sqrt(pi)`` is right, but far from 0 nothing is left of it: at 1e4 the
two terms agree to eight digits. So the n-th derivative of such a function is one node, computed to the
last digits by a sum without cancellation (`symgrad.runtime.helpers.special` says how), and the next
derivative is the same node with n + 1. In print it is ``erfcx'(x)``.

Formulas: NIST Digital Library of Mathematical Functions, 7.5, 7.18, 10.25, 10.29 and 10.33.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from symgrad.expr.node import Expr
from symgrad.expr.op import Op
from symgrad.ops.elementwise import as_expr
from symgrad.ops.ordered import cast_code, ordered

MAX_PRIMES: Final = 3
_NEAR: Final = (0.4, 6.0)


def _primes(n: int) -> str:
    return "'" * n


def _latex_primes(n: int) -> str:
    return "'" * n if n <= MAX_PRIMES else f"^{{({n})}}"


def _derivatives(
    name: str,
    latex: str,
    sympy: Callable[..., Any],
    domain: tuple[float, float],
    first: str | None = None,
) -> Op:
    """The derivatives of a function of x alone; the parameter is their order, at least 1.

    `first` is the LaTeX of the first derivative, as a template over x, where that has a notation.
    """

    def image(sp: Any, x: Any, n: int) -> Any:
        t = sp.Dummy("t", real=True)
        return sp.diff(sympy(sp, t), t, n).subs(t, x)

    op: Op = ordered(
        f"{name}_derivative",
        lambda n, y, x: op.build((x,), (n + 1,)),
        lambda node: f"_{name}_derivative({{0}}, {node.params[0]}){cast_code(node)}",
        lambda n: latex + _latex_primes(n),
        image,
        domain,
        lambda n: f"{name}{_primes(n)}({{0}})",
        lambda n: first if n == 1 else None,
    )
    return op


ERFCX_DERIVATIVE: Final = _derivatives(
    "erfcx", r"\operatorname{erfcx}", lambda sp, x: sp.exp(x**2) * sp.erfc(x), (-3.0, 3.0)
)
DAWSN_DERIVATIVE: Final = _derivatives(
    "dawsn",
    r"\operatorname{D}",
    lambda sp, x: sp.sqrt(sp.pi) / 2 * sp.exp(-(x**2)) * sp.erfi(x),
    (-3.0, 3.0),
)
LOG_ERFC_DERIVATIVE: Final = _derivatives(
    "log_erfc", r"(\log\operatorname{erfc})", lambda sp, x: sp.log(sp.erfc(x)), (-2.0, 3.0)
)
LOG_NDTR_DERIVATIVE: Final = _derivatives(
    "log_ndtr",
    r"(\log\Phi)",
    lambda sp, x: sp.log(sp.erfc(-x / sp.sqrt(2)) / 2),
    (-3.0, 3.0),
    r"\frac{{\varphi\left({0}\right)}}{{\Phi\left({0}\right)}}",
)


# Bessel functions with their exponential divided out, by order v and order of the derivative n


def _scaled_derivatives(name: str, letter: str, sympy: Callable[..., Any]) -> Op:
    op: Op = ordered(
        f"{name}_derivative",
        lambda v, n, y, x: op.build((x,), (v, n + 1)),
        lambda node: (
            f"_{name}_derivative({_order(node)}, {{0}}, {node.params[1]}){cast_code(node)}"
        ),
        lambda v, n: rf"\tilde{{{letter}}}_{{{v}}}{_latex_primes(n)}",
        sympy,
        _NEAR,
        lambda v, n: f"{name}{_primes(n)}({v}, {{0}})",
    )
    return op


def _order(node: Expr) -> str:
    v = node.params[0]
    return str(v if isinstance(v, int) else float(v))


def _by_neighbours(sp: Any, v: Any, x: Any, n: int, function: Any, half: Any, slope: Any) -> Any:
    """The n-th derivative of ``exp(slope*x)*f_v(x)`` over its exponential.

    For functions with ``f_v' = half*(f_(v-1) + f_(v+1))``.
    """
    return sum(
        sp.binomial(n, i)
        * sp.binomial(i, j)
        * slope ** (n - i)
        * half**i
        * function(v - i + 2 * j, x)
        for i in range(n + 1)
        for j in range(i + 1)
    )


def _ive_image(sp: Any, x: Any, v: Any, n: int) -> Any:
    terms = _by_neighbours(sp, v, x, n, sp.besseli, sp.Rational(1, 2), -sp.sign(x))
    return sp.exp(-sp.Abs(x)) * terms


def _kve_image(sp: Any, x: Any, v: Any, n: int) -> Any:
    return sp.exp(x) * _by_neighbours(sp, v, x, n, sp.besselk, -sp.Rational(1, 2), 1)


def _ratio_image(sp: Any, x: Any, v: Any, n: int) -> Any:
    t = sp.Dummy("t", real=True)
    return sp.diff(sp.besseli(v + 1, t) / sp.besseli(v, t), t, n).subs(t, x)


IVE_DERIVATIVE: Final = _scaled_derivatives("ive", "I", _ive_image)
KVE_DERIVATIVE: Final = _scaled_derivatives("kve", "K", _kve_image)
IV_RATIO: Final = ordered(
    "iv_ratio",
    lambda v, n, y, x: iv_ratio(v, x, n + 1),
    lambda node: f"_iv_ratio({_order(node)}, {{0}}, {node.params[1]}){cast_code(node)}",
    lambda v, n: rf"\operatorname{{r}}_{{{v}}}{_latex_primes(n)}",
    _ratio_image,
    _NEAR,
    lambda v, n: f"iv_ratio{_primes(n)}({v}, {{0}})",
)
LOG_IV: Final = ordered(
    "log_iv",
    lambda v, y, x: iv_ratio(v, x) if v == 0 else iv_ratio(v, x) + as_expr(v) / x,
    lambda node: f"_log_iv({_order(node)}, {{0}}){cast_code(node)}",
    r"\log I_{{{}}}",
    lambda sp, x, v: sp.log(sp.besseli(v, x)),
    _NEAR,
)


def erfcx_derivative(x: Expr, n: int = 1) -> Expr:
    """The n-th derivative of ``exp(x**2)*erfc(x)``."""
    return ERFCX_DERIVATIVE.build((x,), (n,))


def dawsn_derivative(x: Expr, n: int = 1) -> Expr:
    """The n-th derivative of Dawson's integral."""
    return DAWSN_DERIVATIVE.build((x,), (n,))


def log_erfc_derivative(x: Expr, n: int = 1) -> Expr:
    """The n-th derivative of ``log(erfc(x))``; the first is ``-2/(sqrt(pi)*erfcx(x))``."""
    return LOG_ERFC_DERIVATIVE.build((x,), (n,))


def log_ndtr_derivative(x: Expr, n: int = 1) -> Expr:
    """The n-th derivative of ``log(ndtr(x))``; the first is the inverse of Mills's ratio at -x."""
    return LOG_NDTR_DERIVATIVE.build((x,), (n,))


def ive_derivative(v: Any, x: Expr, n: int = 1) -> Expr:
    """The n-th derivative of ``exp(-|x|)*iv(v, x)``."""
    return IVE_DERIVATIVE.build((x,), (v, n))


def kve_derivative(v: Any, x: Expr, n: int = 1) -> Expr:
    """The n-th derivative of ``exp(x)*kv(v, x)``."""
    return KVE_DERIVATIVE.build((x,), (v, n))


def iv_ratio(v: Any, x: Expr, n: int = 0) -> Expr:
    """``iv(v + 1, x)/iv(v, x)``, of circular statistics, or its n-th derivative."""
    return IV_RATIO.build((x,), (v, n))


def log_iv(v: Any, x: Expr) -> Expr:
    """``log(iv(v, x))`` without overflow."""
    return LOG_IV.build((x,), (v,))


FAMILIES: Final = (
    ERFCX_DERIVATIVE,
    DAWSN_DERIVATIVE,
    LOG_ERFC_DERIVATIVE,
    LOG_NDTR_DERIVATIVE,
    IVE_DERIVATIVE,
    KVE_DERIVATIVE,
    IV_RATIO,
    LOG_IV,
)
