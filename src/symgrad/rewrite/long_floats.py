"""The functions that are evaluated with mpmath's long floats, by their ops."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from symgrad.expr.op import Op
from symgrad.ops import bessel, families, gamma_family, special
from symgrad.ops import ufuncs as f
from symgrad.ops.stable import bose_einstein, csch, log_cosh, sech


def _dawsn(mp: Any, x: Any, n: int = 0) -> Any:
    """Dawson's integral D, or its n-th derivative: ``D' = 1 - 2*x*D``."""
    value = mp.sqrt(mp.pi) / 2 * mp.exp(-x * x) * mp.erfi(x)
    return _derivative(value, 1 - 2 * x * value, -2, x, n)


def _erfcx(mp: Any, x: Any, n: int = 0) -> Any:
    """``y = exp(x**2)*erfc(x)``, or its n-th derivative: ``y' = 2*x*y - 2/sqrt(pi)``."""
    value = mp.exp(x * x) * mp.erfc(x)
    return _derivative(value, 2 * x * value - 2 / mp.sqrt(mp.pi), 2, x, n)


def _derivative(value: Any, slope: Any, c: int, x: Any, n: int) -> Any:
    """The n-th derivative of y by ``y'' = c*(x*y' + y)``, differentiated again and again."""
    for k in range(1, n + 1):
        value, slope = slope, c * (x * slope + k * value)
    return value


# To the names of mpmath, or to what is made of its functions; Bessel functions have their order last
FUNCTIONS: Final[dict[Op, str | Callable[..., Any]]] = {
    f.sin: "sin",
    f.cos: "cos",
    f.tan: "tan",
    f.arcsin: "asin",
    f.arccos: "acos",
    f.arctan: "atan",
    f.sinh: "sinh",
    f.cosh: "cosh",
    f.tanh: "tanh",
    f.arcsinh: "asinh",
    f.arccosh: "acosh",
    f.arctanh: "atanh",
    f.exp: "exp",
    f.expm1: "expm1",
    f.log: "log",
    f.log1p: "log1p",
    f.exp2: lambda mp, x: mp.mpf(2) ** x,
    f.log2: lambda mp, x: mp.log(x, 2),
    f.log10: "log10",
    f.expit: lambda mp, x: 1 / (1 + mp.exp(-x)),
    f.softplus: lambda mp, x: mp.log1p(mp.exp(x)),
    sech: "sech",
    csch: "csch",
    bose_einstein: lambda mp, x: 1 / mp.expm1(x),
    log_cosh: lambda mp, x: mp.log1p(2 * mp.sinh(x / 2) ** 2),
    special.erf: "erf",
    special.erfc: "erfc",
    special.erfi: "erfi",
    special.gamma: "gamma",
    special.gammaln: "loggamma",
    special.digamma: "digamma",
    special.erfinv: "erfinv",
    special.dawsn: _dawsn,
    special.erfcx: _erfcx,
    families.DAWSN_DERIVATIVE: _dawsn,
    families.ERFCX_DERIVATIVE: _erfcx,
    special.ndtr: lambda mp, x: mp.erfc(-x / mp.sqrt(2)) / 2,
    bessel.JV: lambda mp, x, n: mp.besselj(n, x),
    bessel.IV: lambda mp, x, n: mp.besseli(n, x),
    gamma_family.POLYGAMMA: lambda mp, x, n: mp.psi(n, x),
}
