"""Special functions beside exponentials and logarithms: what overflows or underflows is divided out.

``log(erfc(u))`` is one function, and so are ``log(ndtr(u))`` and ``log(iv(v, u))``; a tail of the normal
distribution over its density, ``exp(-u**2)/erfc(u)``, is a derivative of these; Bessel functions beside
each other or beside an exponential are scaled ones. These forms are taken before a formula is
differentiated, since their derivatives keep their digits too, and again on the way to code.

Formulas: NIST Digital Library of Mathematical Functions, 7.2 and 10.25.
"""

from __future__ import annotations

from typing import Any, Final

from symgrad.expr.leaves import PI, assumed, number, value_of
from symgrad.expr.node import Expr
from symgrad.ops import special
from symgrad.ops import ufuncs as f
from symgrad.ops.arithmetic import ADD, MUL, POW, add_all, mul, mul_all, power, raw_product, without
from symgrad.ops.bessel import IV, IVE, KV, KVE
from symgrad.ops.families import iv_ratio, kve_derivative, log_erfc_derivative, log_iv
from symgrad.ops.families import log_ndtr_derivative as mills
from symgrad.rewrite.bases import MAX_FACTORS, base_and_exponent, product_of
from symgrad.rewrite.complements import complement
from symgrad.rewrite.simplify import simplify_all

TAILS: Final = (special.erfc, special.ndtr, special.erfi)
SCALED: Final = {IV: IVE, KV: KVE}
BESSEL: Final = (IV, IVE, KV, KVE)


# Logarithms


def log_of_special(y: Expr) -> Expr | None:
    """``log(erfc(u))``, ``log(ndtr(u))``, ``log(iv(v, u))``, ``log(kv(v, u)) = log(kve(v, u)) - u``."""
    return _log_of(complement(y.args[0]))


def log1p_of_special(y: Expr) -> Expr | None:
    """``log1p(-erf(u)) = log(erfc(u))`` and the like."""
    whole = f.add(1, y.args[0])
    inside = complement(whole)
    return None if inside is whole else _log_of(inside)


def _log_of(x: Expr) -> Expr | None:
    if x.op is special.erfc:
        return special.log_erfc(x.args[0])
    if x.op is special.ndtr:
        return special.log_ndtr(x.args[0])
    if x.op is IV:
        return log_iv(x.params[0], x.args[0])
    if x.op is KV:
        return f.log(KVE.build(x.args, x.params)) - x.args[0]
    return None


def log_of_special_product(y: Expr) -> Expr | None:
    """``log(c*erfc(u)**n*...) = n*log(erfc(u)) + log(c*...)``."""
    x = complement(y.args[0])
    factors = x.args if x.op is MUL else (x,)
    logs, rest = [], []
    for t in factors:
        base, k = base_and_exponent(t)
        log = _log_of(base) if _is_positive(base) else None
        if log is None or base is x:
            rest.append(t)
        else:
            logs.append(mul(number(k, y.shape), log) if k != 1 else log)
    if not logs:
        return None
    if len(logs) == len(rest) == 1 and is_half(rest[0]) and logs[0].op is special.log_erfc:
        return special.log_ndtr(-f.sqrt(number(2, y.shape)) * logs[0].args[0])
    return add_all([*logs, f.log(raw_product(tuple(rest)))]) if rest else add_all(logs)


def is_half(x: Expr) -> bool:
    c = value_of(x)
    return c is not None and not isinstance(c, bool) and 2 * c == 1


def _is_positive(x: Expr) -> bool:
    return x.op in (special.erfc, special.ndtr, KV) or (x.op is IV and x.params[0] == 0)


def log_of_erf(y: Expr) -> Expr | None:
    """``log(erf(u))`` as one function."""
    x = y.args[0]
    return special.log_erf(x.args[0]) if x.op is special.erf else None


def log_of_gamma(y: Expr) -> Expr | None:
    """``log(gamma(u)/gamma(v)) = gammaln(u) - gammaln(v) + log(sign)``; nan where it is negative."""
    x = y.args[0]
    factors = x.args if x.op is MUL else (x,)
    logs, signs, rest = [], [], []
    for t in factors:
        base, k = base_and_exponent(t)
        if k.__class__ is not int or base.op not in (special.gamma, special.beta):
            rest.append(t)
            continue
        logs.append(mul(number(k, y.shape), _log_size(base)))
        signs += _signs(base) if k % 2 else []
    if not logs:
        return None
    remaining = [*signs, *rest]
    return add_all([*logs, f.log(mul_all(remaining))] if remaining else logs)


def _log_size(x: Expr) -> Expr:
    function = special.gammaln if x.op is special.gamma else special.betaln
    return function(*x.args)


def _signs(x: Expr) -> list[Expr]:
    arguments = x.args if x.op is special.gamma else (*x.args, x.args[0] + x.args[1])
    return [special.gammasgn(u) for u in arguments if not _known_positive(u)]


def _known_positive(u: Expr) -> bool:
    c = value_of(u)
    return assumed(u, "positive") if c is None else bool(c > 0)


# Tails of the normal distribution and their densities


def tail_product(y: Expr) -> Expr | None:
    """``exp(u**2)*erfc(u) = erfcx(u)``, ``exp(-u**2)/erfc(u) = -sqrt(pi)/2*(log erfc)'(u)``, of ndtr alike.

    Also ``exp(-u**2)*erfi(u) = 2/sqrt(pi)*dawsn(u)``.
    """
    y = _opened(y)
    if len(y.args) > MAX_FACTORS or not any(x.op is f.exp for x in y.args):
        return None
    for x in y.args:
        base, k = base_and_exponent(x)
        if base.op not in TAILS or k not in (1, -1) or (base.op is special.erfi and k < 0):
            continue
        scaled = _scaled_tail(base, k)
        square = f.square(base.args[0])
        shift = square if base.op is special.erfi else mul(number(-1, y.shape), square)
        if base.op is special.ndtr:
            shift = shift / 2
        w = add_all([t.args[0] for t in y.args if t.op is f.exp])
        total = _shortened(w, mul(number(k, y.shape), shift))
        if total is not None:
            rest = [t for t in without(y.args, x) if t.op is not f.exp]
            return product_of([*rest, scaled, f.exp(total)])
    return None


def _opened(y: Expr) -> Expr:
    """A product with integer powers of products in it taken apart: ``a*(b*c)**-1``."""
    if not any(_is_power_of_product(x) for x in y.args):
        return y
    factors = []
    for x in y.args:
        parts = x.args[0].args if _is_power_of_product(x) else ()
        factors += [power(t, x.args[1]) for t in parts] or [x]
    return product_of(factors)


def _is_power_of_product(x: Expr) -> bool:
    return x.op is POW and x.args[0].op is MUL and value_of(x.args[1]).__class__ is int


def _scaled_tail(base: Expr, k: int) -> Expr:
    """``base**k`` without its exponential."""
    (u,) = base.args
    if base.op is special.erfi:
        return 2 / f.sqrt(PI) * special.dawsn(u)
    if base.op is special.erfc:
        return special.erfcx(u) if k > 0 else -f.sqrt(PI) / 2 * log_erfc_derivative(u)
    if k > 0:
        return special.erfcx(-u / f.sqrt(number(2, u.shape))) / 2
    return f.sqrt(2 * PI) * mills(u)


def _shortened(w: Expr, shift: Expr) -> Expr | None:
    """``w + shift`` if that has fewer terms than w, as where w has the opposite of it."""
    (before, total) = simplify_all([w, w + shift])
    return total if _length(total) < _length(before) else None


def _length(x: Expr) -> int:
    c = value_of(x)
    return 0 if c == 0 else len(x.args) if x.op is ADD else 1


def reciprocal_of_tail(y: Expr) -> Expr | None:
    """``erfcx(u)**-k = (-sqrt(pi)/2*(log erfc)'(u))**k``."""
    x, p = y.args
    k = value_of(p)
    if x.op is not special.erfcx or k.__class__ is not int or not k < 0:
        return None
    return power(-f.sqrt(PI) / 2 * log_erfc_derivative(x.args[0]), number(-k, p.shape))


# Bessel functions


def bessel_product(y: Expr) -> Expr | None:
    """``exp(-u)*iv(v, u) = ive(v, u)`` for u > 0, ``iv(a, u)/iv(b, u) = ive(a, u)/ive(b, u)``, kv alike.

    The exponentials ``exp(|u|)`` of the first kind, ``exp(-u)`` of the second, are added to the exponent.
    """
    y = _opened(y)
    if len(y.args) > MAX_FACTORS:
        return None
    split = [(x, *base_and_exponent(x)) for x in y.args]
    for _, base, _ in split:
        if base.op not in SCALED:
            continue
        (u,) = base.args
        same = [(x, b, k) for x, b, k in split if b.op is base.op and b.args[0] is u]
        total = sum(k for _, _, k in same)
        exponents = [x for x in y.args if x.op is f.exp]
        matching = any(_mentions(x.args[0], u) for x in exponents)
        if not (matching or (len(same) > 1 and total == 0)):
            continue
        taken = {x for x, _, _ in same}
        made = [
            power(SCALED[base.op].build(b.args, b.params), number(k, u.shape)) for _, b, k in same
        ]
        if total:
            growth = f.absolute(u) if base.op is IV else -u
            w = add_all([*(x.args[0] for x in exponents), mul(number(total, u.shape), growth)])
            made.append(f.exp(w))
            taken |= set(exponents)
        return product_of([*(x for x in y.args if x not in taken), *made])
    return None


def _mentions(w: Expr, u: Expr) -> bool:
    """Whether an exponent has a term with u, or its absolute value, as a factor."""
    for term in w.args if w.op is ADD else (w,):
        factors = set(term.args if term.op is MUL else (term,))
        if any(x is u or (x.op is f.absolute and x.args[0] is u) for x in factors):
            return True
        if u.op is MUL and all(x in factors for x in u.args):
            return True
    return False


def bessel_ratio(y: Expr) -> Expr | None:
    """``iv(v + 1, u)/iv(v, u) = iv_ratio(v, u)`` as one function.

    ``kv(v + 1, u)/kv(v, u) = 1 + v/u - kve'(v, u)/kve(v, u)``.
    """
    y = _opened(y)
    if len(y.args) > MAX_FACTORS:
        return None
    powers = {base: (k, x) for x in y.args for base, k in [base_and_exponent(x)]}
    for base, (k, under) in powers.items():
        if base.op not in BESSEL or k != -1:
            continue
        v, (u,) = base.params[0], base.args
        above = base.op.build(base.args, (v + 1,))
        m, over = powers.get(above, (0, under))
        if m != 1:
            continue
        if base.op in (IV, IVE):
            ratio = iv_ratio(v, u)
        else:
            ratio = 1 - kve_derivative(v, u) / KVE.build((u,), (v,))
            ratio = ratio if v == 0 else ratio + _number(v, u) / u
        rest = without(y.args, under, over)
        return product_of([*rest, ratio])
    return None


def _number(v: Any, like: Expr) -> Expr:
    return number(v, like.shape)
