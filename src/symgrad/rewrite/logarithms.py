"""Logarithms in stable form: of sums and products of exponentials, of what is near 1, of determinants."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any, Final

from symgrad.expr.leaves import SIZE, is_number, is_value, number, value_of
from symgrad.expr.node import Expr
from symgrad.expr.numbers import is_exact
from symgrad.expr.op import Op
from symgrad.expr.ranges import is_positive
from symgrad.ops import ufuncs as f
from symgrad.ops.arithmetic import (
    ADD,
    MUL,
    POW,
    add_all,
    mul,
    raw_product,
    split_coefficient,
)
from symgrad.ops.determinant import DET
from symgrad.ops.einsum import EINSUM
from symgrad.ops.linalg import LOGABSDET, SIGNDET
from symgrad.ops.stable import log1mexp, log1p_tanh, log_cosh, sech
from symgrad.rewrite.bases import base_and_exponent
from symgrad.rewrite.complements import complement
from symgrad.rewrite.exponentials import (
    exponentials_of,
    log_of_number,
    log_sum,
    log_total,
    summed_exponent,
)
from symgrad.rewrite.hyperbolic_sums import hyperbolic_sum

WITH_LOGARITHM: Final = (f.exp, f.expit, f.cosh, sech, f.exp2)  # with logarithms of their own


def log_of_exp(y: Expr) -> Expr | None:
    """``log(exp(u)) = u``."""
    x = y.args[0]
    return x.args[0] if x.op is f.exp else None


def logaddexp_of_zero(y: Expr) -> Expr | None:
    """``logaddexp(0, u) = softplus(u)``."""
    a, b = y.args
    u = b if is_value(a, 0) else a if is_value(b, 0) else None
    result = None if u is None else f.softplus(u)
    return result if result is not None and result.ty is y.ty else None


def log_of_sum(y: Expr) -> Expr | None:
    """``log(1 + exp(u)) = softplus(u)``, ``log(exp(u) + exp(v)) = logaddexp(u, v)``, ``log(1 + u)``."""
    x = y.args[0]
    if x.op is not ADD:
        return None
    parts = exponentials_of(x)
    if parts is not None:
        return log_sum(parts, x)
    rest = [t for t in x.args if not is_number(t)]
    numbers = [t for t in x.args if is_number(t)]
    if len(numbers) == 1 and is_value(numbers[0], 1) and rest:
        return f.log1p(add_all(rest))
    return None


def log_of_exponentials(y: Expr) -> Expr | None:
    """``log(exp(u) + exp(v)) = logaddexp(u, v)``, ``log(exp(u) + exp(-u)) = log(cosh(u)) + log(2)``."""
    c, x = split_coefficient(y.args[0])
    parts = None if x is None else exponentials_of(x)
    if x is None or parts is None or isinstance(c, bool) or not c > 0:
        return None
    if any(part.u is None for part in parts):
        return None
    whole = hyperbolic_sum(x) if len(parts) == 2 else None
    if whole is not None:
        return log_of_hyperbolic(f.log(mul(number(c, x.shape), whole)))
    log = log_sum(parts, x)
    return log if c == 1 else log + log_of_number(c, x)


def log_of_product(y: Expr) -> Expr | None:
    """``log(p*r) = log(p) + log(r)`` where p is positive and its logarithm has a form of its own.

    A quotient stays one: ``log(a/b)`` keeps the digits that ``log(a) - log(b)`` loses where a is near b.
    """
    x = y.args[0]
    if x.op is not MUL:
        return None
    plain = [t for t in x.args if not _gains(t)]
    whole = plain if len({base_and_exponent(t)[1] > 0 for t in plain}) > 1 else []
    positive = [t for t in x.args if t not in set(whole) and is_positive_factor(t)]
    rest = [t for t in x.args if t not in set(positive)]
    if not any(map(_gains, positive)) or len(positive) + bool(rest) < 2:
        return None
    logs = [_log_of_positive(t) for t in positive]
    return add_all([*logs, f.log(raw_product(tuple(rest)))] if rest else logs)


def _log_of_positive(x: Expr) -> Expr:
    base, k = base_and_exponent(x)
    return f.log(x) if base is x else mul(number(k, x.shape), f.log(base))


def _gains(x: Expr) -> bool:
    base, _ = base_and_exponent(x)
    return base.op in WITH_LOGARITHM or base.op in (ADD, EINSUM)


def is_positive_factor(x: Expr) -> bool:
    """Whether the base of a factor is known to be positive; an extent is, where it has a logarithm."""
    base, _ = base_and_exponent(x)
    return base.op is SIZE or is_positive(base) or summed_exponent(base) is not None


def log_of_power(y: Expr) -> Expr | None:
    """``log(u**n) = n*log(u)`` for a positive u, and for an odd n."""
    x = y.args[0]
    if x.op is not POW:
        return None
    u, p = x.args
    n = value_of(p)
    odd = n.__class__ is int and n % 2 and u.op in (ADD, EINSUM, DET)
    return mul(p, f.log(u)) if odd or (_gains(u) and is_positive_factor(u)) else None


def log_of_ratio(y: Expr) -> Expr | None:
    """``log((1 + u)/(1 - u)) = 2*arctanh(u)``."""
    x = y.args[0]
    if x.op is not MUL or len(x.args) != 2:
        return None
    over, under = sorted(x.args, key=lambda t: base_and_exponent(t)[1] == -1)
    (a, m), (b, n) = base_and_exponent(over), base_and_exponent(under)
    if (m, n) != (1, -1) or a.op is not ADD or b.op is not ADD:
        return None
    ua, ub = (_beyond_one(t) for t in (a, b))
    if ua is None or ub is None or ua is not mul(number(-1, x.shape), ub):
        return None
    return 2 * f.arctanh(ua)


def _beyond_one(x: Expr) -> Expr | None:
    """u of ``1 + u``."""
    rest = [t for t in x.args if not is_value(t, 1)]
    return add_all(rest) if len(rest) == len(x.args) - 1 and rest else None


def log_of_expit(y: Expr) -> Expr | None:
    """``log(expit(u)) = -softplus(-u)``."""
    x = y.args[0]
    return -f.softplus(-x.args[0]) if x.op is f.expit else None


def log_of_hyperbolic(y: Expr) -> Expr | None:
    """``log(cosh(u))``, ``log(sech(u))``, ``log(sinh(u)) = u + log(1 - exp(-2*u)) - log(2)``.

    ``log(tanh(u)) = log(1 - exp(-2*u)) - log(1 + exp(-2*u))``.
    """
    x = y.args[0]
    c, function = split_coefficient(x)
    if function is None or isinstance(c, bool) or not c > 0 or len(function.args) != 1:
        return None
    (u,) = function.args
    if function.op is f.sinh:
        log, c = u + log1mexp(-2 * u), over_two(c)
    elif function.op is f.cosh:
        log = log_cosh(u)
    elif function.op is sech:
        log = -log_cosh(u)
    elif function.op is f.tanh:
        log = log1mexp(-2 * u) - f.softplus(-2 * u)
    else:
        return None
    return log if c == 1 else log + log_of_number(c, x)


def over_two(c: Any) -> Any:
    return Fraction(c) / 2 if is_exact(c) else c / 2


def log_of_twice_expit(y: Expr) -> Expr | None:
    """``log(2*expit(u)) = log(1 + tanh(u/2))``, which is 0 at 0."""
    x = complement(y.args[0])
    if x.op is MUL and len(x.args) == 2 and is_value(x.args[0], 2) and x.args[1].op is f.expit:
        return log1p_tanh(x.args[1].args[0] / 2)
    return None


def log_of_sech(y: Expr) -> Expr | None:
    """``log(1 - tanh(u)**2) = -2*log(cosh(u))``."""
    x = complement(y.args[0])
    if x.op is POW and x.args[0].op is sech:
        return mul(number(-1, y.shape), mul(x.args[1], log_cosh(x.args[0].args[0])))
    return None


def log_of_expm1(y: Expr) -> Expr | None:
    """``log(-expm1(u)) = log(1 - exp(u))``, ``log(expm1(u)) = u + log(1 - exp(-u))``, times a number."""
    x = y.args[0]
    c, rest = split_coefficient(x)
    if rest is None or rest.op is not f.expm1 or isinstance(c, bool) or not c:
        return None
    (u,) = rest.args
    log = log1mexp(u) if c < 0 else u + log1mexp(-u)
    return log if abs(c) == 1 else log + log_of_number(abs(c), x)


def log_of_difference(y: Expr) -> Expr | None:
    """``log(c*exp(u) - d*exp(v)) = u + log(c) + log(1 - exp(v - u + log(d/c)))`` for c, d > 0.

    Also ``log(1 - exp(v))`` and ``log(exp(u) - d)``.
    """
    x = y.args[0]
    if x.op is not ADD or len(x.args) != 2:
        return None
    parts = [split_coefficient(t) for t in x.args]
    if any(isinstance(c, bool) or not 0 < abs(c) < math.inf for c, _ in parts):
        return None
    if any(rest is not None and rest.op is not f.exp for _, rest in parts):
        return None
    ((c, over), (d, under)) = sorted(parts, key=lambda part: part[0] < 0)
    if c < 0 or d > 0 or (over is None and (c != 1 or d != -1)):
        return None
    u = number(0, x.shape) if over is None else over.args[0]
    v = number(0, x.shape) if under is None else under.args[0]
    gap = v - u if c == -d else v - u + log_of_ratio_of(-d, c, x)
    log = log1mexp(gap) if over is None else u + log1mexp(gap)
    return log if c == 1 else log + log_of_number(c, x)


def log_of_ratio_of(d: Any, c: Any, like: Expr) -> Expr:
    """``log(d/c)`` of two numbers."""
    exact = is_exact(d) and is_exact(c)
    return log_of_number(Fraction(d) / Fraction(c) if exact else d / c, like)


def log_of_total(y: Expr) -> Expr | None:
    """``log(sum(exp(u))) = logsumexp(u)``."""
    return log_total(y.args[0])


def log_of_det(y: Expr) -> Expr | None:
    """``log(det(A)) = log|det(A)| + log(sign det(A))``, without overflow; nan for a negative one."""
    x = y.args[0]
    if x.op is not DET:
        return None
    return LOGABSDET.build(x.args, ()) + f.log(SIGNDET.build(x.args, ()))


def log1p_of(y: Expr) -> Expr | None:
    """``log1p(exp(u)) = softplus(u)``, of -exp(u), -expit(u), tanh(u), -tanh(u) and -tanh(u)**2."""
    x = y.args[0]
    if x.op is f.exp:
        return f.softplus(x.args[0])
    if x.op is f.tanh:
        return log1p_tanh(x.args[0])
    if x.op is not MUL or len(x.args) != 2 or not is_value(x.args[0], -1):
        return None
    if x.args[1].op is POW:
        return log_of_sech(f.log(f.add(1, x)))
    (u,) = x.args[1].args if len(x.args[1].args) == 1 else (None,)
    of_minus: dict[Op, Callable[[Expr], Expr]] = {
        f.expit: lambda u: -f.softplus(u),
        f.exp: log1mexp,
        f.tanh: lambda u: log1p_tanh(-u),
    }
    form = of_minus.get(x.args[1].op)
    return None if form is None or u is None else form(u)
