"""Derivatives of powers by base and exponent, of any order, that are right at base 0 too.

With the falling factorial ``F(p) = p*(p - 1)*...*(p - j + 1)`` and ``L = log(x)``,

    d^j/dx^j d^k/dp^k x**p = (F*L**k + k*F'*L**(k-1) + ... + F^(k)) * x**(p - j).

At x = 0 this multiplies zeros by infinities where the derivative is finite: ``0*0**-1`` at p = 0,
``0**p*log(0)`` for p > 0. So a derivative is one node, and its code leaves out what a zero wins over
(`symgrad.rewrite.slopes`).

A base such as ``x = t**r/a`` brings along powers of its factor t, by the chain rule. ``t**m`` times a
derivative is one node with it, since at t = 0 it is 0 wherever ``r*(p - j) + m > 0``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from symgrad.expr.leaves import CONST, assumed, constant, is_number, number, value_of
from symgrad.expr.node import Expr, make
from symgrad.expr.op import Op
from symgrad.expr.types import Ty, promote
from symgrad.ops.arithmetic import ADD, MUL, POW, add, add_all, mul, power, power_type
from symgrad.ops.einsum import is_layout
from symgrad.ops.exponential import log

_ARRANGES: Final = ("reshape", "getitem", "gather")
_NOWHERE_ZERO: Final = ("exp", "cosh", "exp2", "number")


def unarranged(x: Expr) -> Expr:
    """The array whose entries `x` repeats, permutes or picks."""
    while x.op.name in _ARRANGES or is_layout(x):
        x = x.args[0]
    return x


def never_zero(x: Expr) -> bool:
    """Whether a formula, or each factor of a product, is known to be zero nowhere (cheap, local)."""
    x = unarranged(x)
    return all(_never_zero(factor) for factor in (x.args if x.op is MUL else (x,)))


def _never_zero(x: Expr) -> bool:
    if x.op is POW and value_of(x.args[1]) is not None:
        x = x.args[0]  # zero where its base is
    v = value_of(x)
    if v is not None:
        return bool(v != 0)
    if x.op is CONST:
        return bool(np.all(x.params[0].array))
    return assumed(x, "positive", "negative", "nonzero") or x.op.name in _NOWHERE_ZERO


class BaseFactor(NamedTuple):
    """``base**times`` beside a derivative of a power whose own base has the factor ``base**inside``."""

    base: Expr
    times: int
    inside: int


def power_derivative(
    x: Expr, p: Expr, by_base: int, by_exponent: int, factor: BaseFactor | None = None
) -> Expr:
    """The derivative of ``x**p``, so many times by x and so many by p, right at x = 0 too.

    There it is the limit from above, for the entries that have one: 0 where p is an integer below
    `by_base` and `by_exponent` is 0, and 0 where ``p > by_base``. With a `factor` it is multiplied by that.
    """
    if factor is None or not factor.times:
        return _build((x, p), (by_base, by_exponent))
    return _build((x, p, factor.base), (by_base, by_exponent, factor.times, factor.inside))


def _build(args: tuple[Expr, ...], params: tuple[int, ...]) -> Expr:
    (x, p, *factor), (j, k, *times) = args, params
    plain = _simple(x, p, j, k)
    if plain is None and not (factor and never_zero(factor[0])):
        return make(POWER_DERIVATIVE, args, params, x.shape, _type_of(args, params))
    plain = power_derivative(x, p, j, k) if plain is None else plain
    return mul(power(factor[0], number(times[0], x.shape)), plain) if factor else plain


def _type_of(args: tuple[Expr, ...], params: tuple[int, ...]) -> Ty:
    return promote(power_type(args[0], args[1]), *[w.ty for w in args[2:]])


def _simple(x: Expr, p: Expr, j: int, k: int) -> Expr | None:
    """The derivative in other ops, where those are right at base 0 or the base is not 0."""
    n = value_of(p)
    if j == k == 0:
        return power(x, p)
    if never_zero(x) or x is p or (n is not None and (k == 0 or n <= j)):
        return power_formula(x, p, j, k)
    return _of_known_exponents(x, p, j) if k == 0 else None


def _of_known_exponents(x: Expr, p: Expr, j: int) -> Expr | None:
    """``F*x**(p - j)`` of constant exponents, which are 0 where F is."""
    inner = p.args[0] if is_layout(p) else p
    if inner.op is not CONST or is_number(inner):
        return None
    array = inner.params[0].array
    factors = np.prod([array - i for i in range(j)], axis=0)
    if not factors.any():
        return number(0, x.shape)
    found = [constant(factors), constant(np.where(factors != 0, array - j, 0).astype(array.dtype))]
    if inner is not p:
        found = [p.op.build((c,), p.params) for c in found]
    return mul(found[0], power(x, found[1]))


def shifted(p: Expr, n: int) -> Expr:
    """``p + n``; a number that p ends in and n are one."""
    return add_all([*(p.args if p.op is ADD else (p,)), number(n, p.shape)]) if n else p


def falling_factorial(p: Expr, j: int, order: int = 0) -> Expr:
    """The derivative of ``p*(p - 1)*...*(p - j + 1)``, of that order."""
    found = [number(1, p.shape), *[number(0, p.shape)] * order]
    for i in range(j):
        factor = shifted(p, -i)
        found = [
            add(mul(f, factor), mul(number(n, p.shape), found[n - 1])) for n, f in enumerate(found)
        ]
    return found[order]


def power_formula(x: Expr, p: Expr, j: int, k: int, factor: BaseFactor | None = None) -> Expr:
    """The derivative of ``x**p`` as it is written, by Horner's scheme in log(x)."""
    total = falling_factorial(p, j)
    for i in range(1, k + 1):
        scale = number(math.comb(k, i), p.shape)
        total = add(mul(total, log(x)), mul(scale, falling_factorial(p, j, i)))
    rest = power(x, shifted(p, -j))
    found = mul(rest, total) if k else mul(total, rest)
    if factor is None:
        return found
    return mul(power(factor.base, number(factor.times, x.shape)), found)


def parts_of(y: Expr) -> tuple[Expr, Expr, int, int, BaseFactor | None]:
    """Base, exponent, how often the power is differentiated by each, and the factor."""
    (x, p, *base), (j, k, *counts) = y.args, y.params
    return x, p, j, k, BaseFactor(base[0], *counts) if base else None


def _cotangents(g: Expr, y: Expr, needed: Sequence[bool]) -> list[Expr | None]:
    x, p, j, k, factor = parts_of(y)
    found: list[Expr | None] = [
        power_derivative(x, p, j + 1, k, factor) if needed[0] else None,
        power_derivative(x, p, j, k + 1, factor) if needed[1] else None,
    ]
    if factor is not None:
        lower = power_derivative(x, p, j, k, factor._replace(times=factor.times - 1))
        found.append(mul(number(factor.times, x.shape), lower) if needed[2] else None)
    return [None if c is None else mul(g, c) for c in found]


def _image(sp: Any, x: Any, p: Any, *rest: Any) -> Any:
    # behind the operands the parameters: two, or with a factor four
    factor, (j, k, *counts) = rest[: len(rest) // 5], rest[len(rest) // 5 :]
    q = sp.Dummy()
    factors = [sp.diff(sp.prod([q - i for i in range(j)]), q, i).subs(q, p) for i in range(k + 1)]
    terms = [sp.binomial(k, i) * c * sp.log(x) ** (k - i) for i, c in enumerate(factors)]
    return sp.Add(*terms) * x ** (p - j) * sp.prod([w ** counts[0] for w in factor])


POWER_DERIVATIVE: Final = Op(
    name="power_derivative",
    build=_build,
    infer=lambda args, params: (args[0].shape, _type_of(args, params)),
    vjp=_cotangents,
    elementwise=True,
    formula=lambda y: power_formula(*parts_of(y)),
    sympy=_image,
    domain=((0.2, 3.0), (-2.0, 2.0)),
    notes="At base 0 the limit from above, where there is one.",
)
