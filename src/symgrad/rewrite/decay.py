"""Exponentials of exponentials: ``exp(x)*exp(-exp(x))``, as in the laws of Gumbel and Gompertz.

Far out the product is 0, but one factor overflows first and leaves nan. The exponents are added up,
``exp(x - exp(x))``; other factors that grow with the inner exponential are held where it has long won.
"""

from __future__ import annotations

from typing import Any, Final

from symgrad.expr.leaves import is_number, number, value_of
from symgrad.expr.node import Expr
from symgrad.ops import ufuncs as f
from symgrad.ops.arithmetic import ADD, MUL, POW, add_all, mul_all, power, split_coefficient
from symgrad.rewrite.exponentials import MAX_FACTORS, MAX_TERMS, multiple_of

LIMIT: Final = 709  # exp of it is finite
HELD: Final = 350  # exponentials beyond this are far beyond what exp(-exp(v)) leaves of a product
GROWING: Final = (f.exp, f.expm1, f.cosh, f.sinh)


def _terms(w: Expr) -> tuple[Expr, ...]:
    return w.args if w.op is ADD else (w,)


def _inner(w: Expr) -> Expr | None:
    """v, where the exponent w has a term ``c*exp(v)`` or the like with no positive number c."""
    for term in _terms(w):
        c, rest = split_coefficient(term)
        if rest is None or isinstance(c, bool):
            continue
        factors = rest.args if rest.op is MUL else (rest,)
        found = [x for x in factors if x.op in GROWING]
        if len(found) == 1 and (c < 0 or len(factors) > 1):
            return found[0].args[0]
    return None


def held_exponent(y: Expr) -> Expr | None:
    """``exp(w - c*exp(v)) = exp(w - c*exp(min(v, 709)))``: 0 either way, without overflow in between."""
    w = y.args[0]
    changed = []
    for term in _terms(w):
        c, rest = split_coefficient(term)
        if rest is None or rest.op is not f.exp or not _is_moderate(c) or _is_held(rest.args[0]):
            continue
        held = f.exp(f.minimum(rest.args[0], number(LIMIT, rest.shape)))
        changed.append((term, mul_all([number(c, rest.shape), held])))
    if not changed:
        return None
    new = dict(changed)
    return f.exp(add_all([new.get(t, t) for t in _terms(w)]))


def _is_moderate(c: Any) -> bool:
    return not isinstance(c, bool) and -1e300 < c < -1e-100


def _is_held(v: Expr) -> bool:
    return v.op is f.minimum and any(is_number(x) for x in v.args)


def decaying_product(y: Expr) -> Expr | None:
    """``exp(m*v)*exp(w - c*exp(v)) = exp(w + m*v - c*exp(v))``; sums with such factors are held."""
    exponents = [x for x in y.args if x.op is f.exp]
    if not exponents or len(y.args) > MAX_FACTORS:
        return None
    for x in exponents:
        v = _inner(x.args[0])
        if v is None:
            continue
        joined = {e for e in exponents if e is x or _grows_with(e.args[0], _free(v))}
        rest = [t for t in y.args if t not in joined]
        held = [_held(t, v) for t in rest]
        if len(joined) > 1 or any(a is not b for a, b in zip(held, rest, strict=True)):
            exponent = add_all([e.args[0] for e in exponents if e in joined]) if len(joined) > 1 else x.args[0]
            return mul_all([f.exp(exponent), *held]) if held else f.exp(exponent)
    return None


def _free(v: Expr) -> Expr:
    """v of ``min(v, 709)``."""
    return next(x for x in v.args if not is_number(x)) if _is_held(v) else v


def _grows_with(u: Expr, v: Expr) -> bool:
    """Whether u is a positive multiple of v plus a number."""
    m, _ = multiple_of(u, v)
    return m is not None and bool(m > 0)


def _held(x: Expr, v: Expr) -> Expr:
    """A factor that grows with v, held where it is about to overflow; else as it is."""
    v = _free(v)
    if x.op in GROWING:
        u = x.args[0]
        if _is_held(u) or not _grows_with(u, v):
            return x
        return x.op.build((f.minimum(u, number(HELD, u.shape)),), ())
    if x.op is POW and (value_of(x.args[1]) or 0) > 0:
        return power(_held(x.args[0], v), x.args[1])
    if x.op is ADD and len(x.args) <= MAX_TERMS:
        terms = [_held_term(t, v) for t in x.args]
        return x if all(a is b for a, b in zip(terms, x.args, strict=True)) else add_all(terms)
    return x


def _held_term(term: Expr, v: Expr) -> Expr:
    factors = term.args if term.op is MUL else (term,)
    held = [x if x.op is ADD else _held(x, v) for x in factors]
    if all(a is b for a, b in zip(held, factors, strict=True)):
        return term
    return mul_all(held) if len(held) > 1 else held[0]
