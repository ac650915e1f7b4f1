"""Exponentials of exponentials: ``exp(x)*exp(-exp(x))``, as in the laws of Gumbel and Gompertz.

Far out the product is 0, but one factor overflows first and leaves nan. The exponents are added up,
``exp(x - exp(x))``; other factors that grow with the inner exponential are held where it has long won.
"""

from __future__ import annotations

from typing import Any, Final

from symgrad.expr.leaves import is_number, number
from symgrad.expr.node import Expr
from symgrad.expr.rewriting import Images, PartImages, walk
from symgrad.ops import ufuncs as f
from symgrad.ops.arithmetic import ADD, MUL, POW, add_all, mul, mul_all, split_coefficient
from symgrad.rewrite.bases import MAX_FACTORS, multiple_of

LIMIT: Final = 709  # exp of it is finite
MAX_TERMS: Final = 4  # of an exponent that takes in another
MAX_NODES: Final = 200  # of a factor that is looked into
HELD: Final = 200  # exp(-c*exp(v)) is 0 far below, and three factors exp(v) are finite there
LEAST: Final = 1e-50
POLYNOMIAL: Final = (ADD, MUL, POW)
FAST: Final = (f.exp, f.expm1)
GROWING: Final = (f.exp, f.expm1, f.cosh, f.sinh)


def _terms(w: Expr) -> list[tuple[Any, Expr | None]]:
    """The terms of an exponent as numbers times the rest, also of a number times a sum."""
    c, rest = split_coefficient(w)
    if isinstance(c, bool) or rest is None or rest.op is not ADD:
        return [(c, rest)]
    parts = [split_coefficient(t) for t in rest.args]
    return [(c * k, r) for k, r in parts if not isinstance(k, bool)] if c else []


def _inner(w: Expr) -> tuple[Expr, bool] | None:
    """v, where the exponent w has a term ``c*exp(v)`` or the like with no positive number c.

    And whether c is a number, not a tiny one.
    """
    terms = _terms(w)
    for c, rest in terms if len(terms) <= MAX_TERMS else ():
        if rest is None or isinstance(c, bool):
            continue
        factors = rest.args if rest.op is MUL else (rest,)
        found = [x for x in factors if x.op in GROWING]
        if len(found) == 1 and (c < 0 or len(factors) > 1):
            return found[0].args[0], len(factors) == 1 and c < -LEAST
    return None


def held_exponent(y: Expr) -> Expr | None:
    """``exp(w - c*exp(v)) = exp(w - c*exp(min(v, 709)))``: 0 either way, without overflow in between."""
    terms, held = _terms(y.args[0]), False
    made = []
    for c, rest in terms:
        if rest is None:
            made.append(number(c, y.shape))
            continue
        if rest.op in FAST and _is_moderate(c) and not _is_held(rest.args[0]):
            limit = number(LIMIT, rest.shape)
            rest, held = rest.op.build((f.minimum(rest.args[0], limit),), ()), True
        made.append(mul(number(c, y.shape), rest))
    return f.exp(add_all(made) if len(made) > 1 else made[0]) if held else None


def _is_moderate(c: Any) -> bool:
    return not isinstance(c, bool) and -1e300 < c < -LEAST


def _is_held(v: Expr) -> bool:
    return v.op is f.minimum and any(is_number(x) for x in v.args)


def decaying_product(y: Expr) -> Expr | None:
    """``exp(m*v)*exp(w - c*exp(v)) = exp(w + m*v - c*exp(v))``; sums with such factors are held."""
    exponents = [x for x in y.args if x.op is f.exp]
    if not exponents or len(y.args) > MAX_FACTORS:
        return None
    for x in exponents:
        inner = _inner(x.args[0])
        if inner is None:
            continue
        v, fast = inner
        joined = {e for e in exponents if e is x or _grows_with(e.args[0], _free(v))}
        rest = [t for t in y.args if t not in joined]
        held = [_held(t, v) if fast else t for t in rest]
        if len(joined) > 1 or any(a is not b for a, b in zip(held, rest, strict=True)):
            exponent = (
                add_all([e.args[0] for e in exponents if e in joined])
                if len(joined) > 1
                else x.args[0]
            )
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
    """A factor with what grows with v in its sums and products held where it is about to overflow."""
    v = _free(v)

    def step(node: Expr, image: Images) -> Expr:
        if node.op not in GROWING:
            return image.over(node)
        u = node.args[0]
        grows = not _is_held(u) and _grows_with(u, v)
        return node.op.build((f.minimum(u, number(HELD, u.shape)) if grows else u,), ())

    image = PartImages()
    walk(_polynomial_in(x), image, step_of=lambda op: step)
    return image[x]


def _polynomial_in(x: Expr) -> list[Expr]:
    """The sums, products and powers from `x` down to functions that grow, operands first; few of them."""
    order: list[Expr] = []
    seen: set[Expr] = set()
    stack = [x]
    while stack:
        node = stack[-1]
        waiting = [arg for arg in node.args if arg not in seen] if node.op in POLYNOMIAL else []
        seen.add(node)
        if waiting:
            stack += waiting
            continue
        stack.pop()
        if node.op in POLYNOMIAL or node.op in GROWING:
            order.append(node)
        if len(seen) > MAX_NODES:
            return []
    return list(dict.fromkeys(order))
