"""Logarithms in stable form: of sums and products of exponentials, of what is near 1, of determinants."""

from __future__ import annotations

from typing import Final

from symgrad.expr.leaves import SIZE, is_number, is_value, number, value_of
from symgrad.expr.node import Expr
from symgrad.expr.ranges import is_positive
from symgrad.ops import ufuncs as f
from symgrad.ops.arithmetic import ADD, MUL, POW, add_all, mul, raw_product
from symgrad.ops.determinant import DET
from symgrad.ops.einsum import EINSUM
from symgrad.ops.linalg import LOGABSDET, SIGNDET
from symgrad.rewrite.exponentials import (
    base_and_exponent,
    exponentials_of,
    log_sum,
    log_total,
    summed_exponent,
)

WITH_LOGARITHM: Final = (f.exp, f.expit, f.cosh, f.exp2)  # whose logarithms have forms of their own


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


def log_of_product(y: Expr) -> Expr | None:
    """``log(p*r) = log(p) + log(r)`` where p is positive and its logarithm has a form of its own."""
    x = y.args[0]
    if x.op is not MUL:
        return None
    positive = [t for t in x.args if is_positive_factor(t)]
    rest = [t for t in x.args if not is_positive_factor(t)]
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


def log_of_cosh(y: Expr) -> Expr | None:
    """``log(cosh(u)) = logaddexp(u, -u) - log(2)``."""
    x = y.args[0]
    if x.op is not f.cosh:
        return None
    return f.logaddexp(x.args[0], -x.args[0]) - f.log(number(2, x.shape))


def log_of_expm1(y: Expr) -> Expr | None:
    """``log(exp(u) - 1) = u + log(1 - exp(-u))``."""
    x = y.args[0]
    return x.args[0] + f.log(-f.expm1(-x.args[0])) if x.op is f.expm1 else None


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
    """``log1p(exp(u)) = softplus(u)``, ``log1p(-expit(u)) = -softplus(u)``."""
    x = y.args[0]
    if x.op is f.exp:
        return f.softplus(x.args[0])
    if x.op is MUL and len(x.args) == 2 and is_value(x.args[0], -1) and x.args[1].op is f.expit:
        return -f.softplus(x.args[1].args[0])
    return None
