"""Sum, product and power: the three ops that simplification knows by heart.

``a - b`` is ``a + (-1)*b`` and ``a/b`` is ``a * b**-1``; the printers and the emitter turn them back.
A numeric coefficient is the first operand of its product. The constructors here take operands of one
shape and apply O(1) rewrites only; collecting terms is the business of `symgrad.rewrite.simplify`.

Short products, and sums of monomials, are flat: ``x*y*2``, ``2*(x*y)`` and ``(2*x)*y`` are one node. The
factors of a product stand in the canonical order (`symgrad.expr.order`). The terms of a sum match in any
order but are added up in the order in which they were first written, since that decides what cancels: the
printers sort them. What another grouping might make overflow, ``x*(y/z)``, or lose digits,
``(a - b) + (c - d)``, keeps its grouping. Rules build with ``flat=False``: what they take apart and share
stays as it is, and simplification makes its results flat.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any, Final

import numpy as np

from symgrad.expr.leaves import CONST, SIZE, is_number, is_value, number, value_of
from symgrad.expr.node import Expr, make
from symgrad.expr.numbers import (
    is_exact,
    plus,
    power_value,
    times,
)
from symgrad.expr.op import Op
from symgrad.expr.order import (
    PLAIN,
    in_order,
    pair_in_order,
    place_of,
)
from symgrad.expr.types import BOOL, WEAK_FLOAT, Ty, promote, resolve
from symgrad.ops.arithmetic_order import order_of_power, order_of_product, order_of_sum
from symgrad.ops.arithmetic_ranges import range_of_power, range_of_product, range_of_sum
from symgrad.ops.cast import cast
from symgrad.ops.grouping import CHEAP, MAX_FLAT, SHORT, is_small, of_one_type
from symgrad.ops.guard import WHERE, is_guard, under_guard

MAX_UNROLLED: Final = 64  # integer exponents up to this are multiplied out in code
NAN: Final = math.nan
FAR: Final = 1e75


# Numbers


def _folded(value: Any, sample: Expr, ty: Ty) -> Expr | None:
    """The constant `value` in the shape of `sample`, or None where it must not be folded."""
    if ty is BOOL:
        return None
    if ty.dtype.kind in "iu" and not ty.weak:
        info = np.iinfo(ty.dtype)
        if not info.min <= value <= info.max:
            return None
    if ty.dtype.kind == "f" and not ty.weak:
        return number(float(ty.dtype.type(value)), sample.shape, ty)
    return number(value, sample.shape, None if ty.weak else ty)


# Sum


def split_coefficient(node: Expr) -> tuple[Any, Expr | None]:
    """``(c, rest)`` with ``node = c*rest``, c a number; rest is None for a number itself.

    Builds a node only for a product of a number and two or more factors.
    """
    if node.op is MUL:
        args = node.args
        c = value_of(args[0])
        if c is not None:
            return c, args[1] if len(args) == 2 else raw_product(args[1:])
        return 1, node
    c = value_of(node)
    return (1, node) if c is None else (c, None)


def add(a: Expr, b: Expr, flat: bool = False) -> Expr:
    """``a + b`` of operands of one shape; `flat` as a person writes it."""
    if a.op is CONST or b.op is CONST:
        plain = _add_number(a, b)
        if plain is not None:
            return plain
        a, b = _beside_number(b, a), _beside_number(a, b)
    elif a is b:
        return mul(number(2, a.shape), a) if a.ty is not BOOL else a
    elif a.op is MUL or b.op is MUL:
        merged = _add_multiples(a, b)
        if merged is not None:
            return merged
    ty = a.ty if a.ty is b.ty else promote(a.ty, b.ty)
    if flat and (a.op is ADD) is not (b.op is ADD) and is_small(a, b):
        terms = (*a.args, b) if a.op is ADD else (*b.args, a)
        if len(terms) <= MAX_FLAT and of_one_type(terms, ty) and all(map(_is_cheap, terms)):
            return make(ADD, terms, (), a.shape, ty)
    return make(ADD, (a, b), (), a.shape, ty)


def _is_cheap(term: Expr) -> bool:
    """Whether a term is a monomial, or so short that a sum of such is no part to share as it stands."""
    if term.size_as_tree <= CHEAP:
        return True
    factors = term.args if term.op is MUL else (term,)
    return all(place_of(x) in PLAIN for x in factors)


def _beside_number(c: Expr, x: Expr) -> Expr:
    """`x` in the type of the result where a number c has a type of its own: code shows the value only."""
    return (
        cast(x, promote(c.ty, x.ty)) if is_number(c) and not c.ty.weak and c.ty is not BOOL else x
    )


def _add_number(a: Expr, b: Expr) -> Expr | None:
    va, vb = value_of(a), value_of(b)
    ty = promote(a.ty, b.ty)
    if va is not None and vb is not None:
        return _folded(plus(va, vb), a, ty)
    if vb is not None and vb == 0 and ty is a.ty:
        return a
    if va is not None and va == 0 and ty is b.ty:
        return b
    return None


def _add_multiples(a: Expr, b: Expr) -> Expr | None:
    """``c*x + d*x -> (c + d)*x`` for exact c and d and a single factor x."""
    ca, xa = _single_multiple(a)
    cb, xb = _single_multiple(b)
    if xa is not xb or not is_exact(ca) or not is_exact(cb) or xa.ty is BOOL:
        return None
    return mul(number(ca + cb, a.shape), xa)


def _single_multiple(node: Expr) -> tuple[Any, Expr]:
    if node.op is MUL and len(node.args) == 2:
        c = value_of(node.args[0])
        if c is not None:
            return c, node.args[1]
    return 1, node


def raw_sum(terms: tuple[Expr, ...]) -> Expr:
    """The sum node of `terms` as they stand; a single term is itself."""
    if len(terms) == 1:
        return terms[0]
    return make(ADD, terms, (), terms[0].shape, promote(*[t.ty for t in terms]))


def add_all(terms: Sequence[Expr]) -> Expr:
    """The sum of terms of one shape, which stay whole; numbers folded, zeros dropped."""
    if len(terms) <= 2:
        return terms[0] if len(terms) == 1 else add(terms[0], terms[1])
    kept = [t for t in terms if not is_value(t, 0)]
    numbers = [t for t in kept if is_number(t)]
    if len(numbers) > 1 or len(kept) <= 2:
        rest = [t for t in kept if not is_number(t)]
        total = number(0, terms[0].shape)
        for t in numbers:
            total = add(total, t)
        kept = rest if is_value(total, 0) and rest else [*rest, total]
        if len(kept) <= 2:
            return kept[0] if len(kept) == 1 else add(kept[0], kept[1])
    node = raw_sum(tuple(kept))
    full = promote(*[t.ty for t in terms])
    return node if node.ty is full else raw_sum(tuple(terms))


ADD: Final = Op(
    name="add",
    order=order_of_sum,
    build=lambda args, params: add_all(args),
    infer=lambda args, params: (args[0].shape, promote(*[a.ty for a in args])),
    vjp=lambda g, y, needed: [g] * len(y.args),
    commutative=True,
    elementwise=True,
    sympy=lambda sp, *terms: sp.Add(*terms),
    domain=((-3.0, 3.0), (-3.0, 3.0)),
    range=range_of_sum,
)


# Product


def mul(a: Expr, b: Expr, flat: bool = False) -> Expr:
    """``a * b`` of operands of one shape; `flat` as a person writes it."""
    ao, bo = a.op, b.op
    if ao is CONST or bo is CONST:
        plain = _mul_number(a, b) if value_of(a) is not None else _mul_number(b, a)
        if plain is not None:
            return plain
        if value_of(a) is None and value_of(b) is not None:
            a, b, ao, bo = b, a, bo, ao
        b = _beside_number(a, b)
        bo = b.op
    if ao is WHERE and is_guard(a):
        return under_guard(a, lambda live: mul(live, b))
    if bo is WHERE and is_guard(b):
        return under_guard(b, lambda live: mul(a, live))
    if a is b and a.ty is not BOOL:
        return power(a, number(2, a.shape))
    if (ao is POW or bo is POW) and ao is not CONST:
        merged = _mul_powers(a, b)
        if merged is not None:
            return merged
    ty = a.ty if a.ty is b.ty else promote(a.ty, b.ty)
    if flat and (ao is MUL or bo is MUL) and is_small(a, b):
        joined = _flat_product(a, b, ty)
        if joined is not None:
            return joined
    if not (ao is CONST and is_number(a)):
        a, b = pair_in_order(a, b)
    return make(MUL, (a, b), (), a.shape, ty)


def _flat_product(a: Expr, b: Expr, ty: Ty) -> Expr | None:
    """``a * b`` as one product of the factors of both; None where it must keep its grouping."""
    (c, above, below), (d, over, under) = parts_of(a), parts_of(b)
    if len(above) + len(below) + len(over) + len(under) > MAX_FLAT:
        return None
    if (below and over) or (under and above and below) or (under and over and above):
        return None
    factors = [*above, *over, *below, *under]
    if any(x.size_as_tree > SHORT for x in factors):
        return None
    if c is not None and d is not None:
        if not (is_exact(value_of(c)) and is_exact(value_of(d))):
            return None
        c = mul(c, d)
    coefficient = d if c is None else c
    whole = factors if coefficient is None else [coefficient, *factors]
    if not of_one_type(whole, ty):
        return None
    if above and over:
        factors = [*_with_powers(above, over), *below, *under]
    elif below and under:
        factors = [*above, *over, *_with_powers(below, under)]
    factors = in_order(factors)
    if coefficient is not None and value_of(coefficient) != 1:
        factors.insert(0, coefficient)
    if len(factors) == 1:
        return factors[0]
    return make(MUL, tuple(factors), (), a.shape, ty)


def parts_of(x: Expr) -> tuple[Expr | None, list[Expr], list[Expr]]:
    """The number of a product, the factors that multiply, and those that divide."""
    coefficient: Expr | None = None
    above: list[Expr] = []
    below: list[Expr] = []
    for factor in x.args if x.op is MUL else (x,):
        if coefficient is None and factor.op is CONST and is_number(factor):
            coefficient = factor
        elif is_reciprocal(factor):
            below.append(factor)
        else:
            above.append(factor)
    return coefficient, above, below


def is_reciprocal(x: Expr) -> bool:
    """Whether `x` is a negative power, so that as a factor it divides."""
    if x.op is not POW:
        return False
    n = value_of(x.args[1])
    return n is not None and bool(n < 0)


def _with_powers(factors: list[Expr], more: list[Expr]) -> list[Expr]:
    """The factors of both, integer powers of one base put together."""
    by_base = {_int_power(x)[0]: k for k, x in enumerate(factors)}
    result = list(factors)
    for x in more:
        base, n = _int_power(x)
        at = by_base.get(base)
        if at is None or not n:
            result.append(x)
        else:
            result[at] = power(base, number(_int_power(result[at])[1] + n, base.shape))
    return result


def _int_power(x: Expr) -> tuple[Expr, int]:
    if x.op is POW:
        n = value_of(x.args[1])
        return (x.args[0], n) if n.__class__ is int else (x, 0)
    return x, 1


def _mul_number(c: Expr, x: Expr) -> Expr | None:
    """``c * x`` for a number c where it is not a new product, or one with a merged coefficient."""
    v = value_of(c)
    if v is None or c.ty is BOOL:
        return None
    ty = promote(c.ty, x.ty)
    vx = value_of(x)
    if vx is not None:
        return _folded(times(v, vx), x, ty)
    if v == 0 and not isinstance(v, float):
        return number(NAN if has_pole(x) else 0, x.shape)
    if v == 1:
        return cast(x, ty)
    if x.op is MUL:
        inner = value_of(x.args[0])
        if inner is not None and (
            (is_exact(v) and is_exact(inner)) or abs(v) == 1 or abs(inner) == 1
        ):
            product = mul(c, x.args[0])
            rest = x.args[1:]
            if is_value(product, 1) and promote(product.ty, *[r.ty for r in rest]) is ty:
                return raw_product(rest)
            return raw_product((product, *rest))
    return None


def has_pole(x: Expr) -> bool:
    """Whether a formula has a factor ``0**-n``, so that 0 times it is no number: ``0/0``."""
    factors = x.args if x.op is MUL else (x,)
    return any(f.op is POW and is_value(f.args[0], 0) and is_number(f.args[1]) for f in factors)


def _mul_powers(a: Expr, b: Expr) -> Expr | None:
    """``x**m * x**n -> x**(m + n)`` for positive ints m and n."""
    xa, na = _positive_power(a)
    xb, nb = _positive_power(b)
    if xa is xb and na and nb:
        return power(xa, number(na + nb, xa.shape))
    return None


def _positive_power(node: Expr) -> tuple[Expr, int]:
    if node.op is POW:
        n = value_of(node.args[1])
        return (node.args[0], n) if n.__class__ is int and n > 0 else (node, 0)
    return node, 1


def is_scaled_far(x: Expr) -> bool:
    """Whether a product starts with a float so large or small that its powers leave the range of floats.

    Such a number belongs to what it is multiplied with: ``(1e-170*x)**2`` is a number at x = 1e170, where
    neither 1e-340 nor ``x**2`` is.
    """
    c = value_of(x.args[0]) if x.op is MUL else None
    return isinstance(c, float) and c != 0 and not 1 / FAR <= abs(c) <= FAR


def factors_of(x: Expr) -> tuple[Expr, ...]:
    """The factors of a product; anything else, and what is scaled far, is its only one."""
    return x.args if x.op is MUL and not is_scaled_far(x) else (x,)


def without(nodes: Sequence[Expr], *gone: Expr) -> list[Expr]:
    """Terms or factors but one occurrence of each that is gone: raw ones may hold a node twice."""
    left = list(nodes)
    for x in gone:
        del left[next(i for i, y in enumerate(left) if y is x)]
    return left


def raw_product(factors: tuple[Expr, ...]) -> Expr:
    """The product node of `factors`, which stay whole, in their order; a single factor is itself."""
    if len(factors) == 1:
        return factors[0]
    rest = in_order([f for f in factors if not is_number(f)])
    if len(rest) < len(factors):
        rest = [*[f for f in factors if is_number(f)], *rest]
    factors = tuple(rest)
    return make(MUL, factors, (), factors[0].shape, promote(*[f.ty for f in factors]))


def mul_all(factors: Sequence[Expr]) -> Expr:
    """The product of factors of one shape, which stay whole; numbers folded to the front."""
    if len(factors) == 2:
        return mul(factors[0], factors[1])
    numbers = [f for f in factors if is_number(f) and f.ty is not BOOL]
    rest = [f for f in factors if not (is_number(f) and f.ty is not BOOL)]
    if any(f.op is WHERE and is_guard(f) for f in rest) or len(rest) <= 1:
        product = factors[0]
        for f in factors[1:]:
            product = mul(product, f)
        return product
    if not numbers:
        return raw_product(tuple(rest))
    coefficient = numbers[0]
    for f in numbers[1:]:
        coefficient = mul(coefficient, f)
    body = raw_product(tuple(rest))
    product = mul(coefficient, body)
    nested = product.op is MUL and len(product.args) == 2 and product.args[1] is body
    return raw_product((product.args[0], *rest)) if nested else product


def _product_cotangents(g: Expr, y: Expr, needed: Sequence[bool]) -> list[Expr | None]:
    """``g`` times the product of all other factors, for each factor; linear in their number."""
    args = y.args
    if len(args) == 2:
        a, b = args
        return [mul(g, b) if needed[0] else None, mul(g, a) if needed[1] else None]
    below: list[Expr | None] = [None]
    for arg in args[:-1]:
        below.append(arg if below[-1] is None else mul(below[-1], arg))
    result: list[Expr | None] = []
    above = g
    for arg, rest in zip(reversed(args), reversed(below), strict=True):
        result.append(above if rest is None else mul(above, rest))
        above = mul(above, arg)
    return result[::-1]


MUL: Final = Op(
    name="multiply",
    order=order_of_product,
    build=lambda args, params: mul_all(args),
    infer=lambda args, params: (args[0].shape, promote(*[a.ty for a in args])),
    vjp=_product_cotangents,
    commutative=True,
    elementwise=True,
    sympy=lambda sp, *factors: sp.Mul(*factors),
    domain=((-3.0, 3.0), (-3.0, 3.0)),
    range=lambda y, *factors: range_of_product(zip(y.args, factors, strict=True)),
)


def is_simple(x: Expr) -> bool:
    """Whether `x` is a symbol, an extent or a named expression, or an integer power of one."""
    if x.op is POW:
        return value_of(x.args[1]).__class__ is int and x.args[0].op.label is not None
    return x.op.label is not None or x.op is SIZE


# Power


def power(x: Expr, p: Expr) -> Expr:
    """``x ** p`` of operands of one shape."""
    n = value_of(p)
    if n is not None:
        if n.__class__ is float and x.ty.dtype.kind == "f" and (2 * n).is_integer() and abs(n) < 64:
            n = Fraction(n)
            p = number(n, p.shape)
            n = value_of(p)
        plain = _power_number(x, p, n)
        if plain is not None:
            return plain
    elif is_value(x, 1):
        return x
    return make(POW, (x, p), (), x.shape, power_type(x, p))


def power_type(x: Expr, p: Expr) -> Ty:
    n = value_of(p)
    if n.__class__ is int and p.ty.weak:
        if n >= 0:
            return resolve(np.power, (x.ty, p.ty)) if x.ty is BOOL else x.ty
        return resolve(np.true_divide, (x.ty, x.ty))
    if p.ty.weak and p.ty is not WEAK_FLOAT:
        return resolve(np.power, (x.ty, p.ty))
    if x.ty.weak and p.ty.weak:
        return WEAK_FLOAT
    return resolve(np.power, (x.ty, p.ty))


def _power_number(x: Expr, p: Expr, n: Any) -> Expr | None:
    if n == 1 and is_exact(n) and x.ty is not BOOL:
        return x
    if n == 0 and is_exact(n):
        return number(1, x.shape)
    base = value_of(x)
    if base is not None and x.ty is not BOOL:
        value = power_value(base, n)
        return None if value is None else _folded(value, x, power_type(x, p))
    if n.__class__ is not int:
        return None
    if x.op is POW:
        inner = value_of(x.args[1])
        if inner.__class__ is int or (inner.__class__ is Fraction and _same_root(inner, n)):
            return power(x.args[0], number(inner * n, x.shape))
    if x.op is MUL and is_value(x.args[0], -1):
        size = power(raw_product(x.args[1:]), p)
        return size if n % 2 == 0 else mul(number(-1, x.shape), size)
    return None


def _same_root(p: Fraction, n: int) -> bool:
    """Whether ``(x**p)**n = x**(p*n)`` also where x is negative: the same root is taken."""
    return (p * n).denominator == p.denominator


def _power_cotangents(g: Expr, y: Expr, needed: Sequence[bool]) -> list[Expr | None]:
    # made of the products and powers of this module
    from symgrad.ops.power_derivatives import never_zero, power_derivative  # noqa: PLC0415

    x, p = y.args
    by_base = by_exponent = None
    if needed[0] and (value_of(p) is not None or never_zero(x)):  # p * x**(p - 1)
        by_base = mul(mul(p, g), power(x, add(p, number(-1, p.shape))))
    elif needed[0]:
        by_base = mul(g, power_derivative(x, p, 1, 0))
    if needed[1] and not is_value(x, 0):  # x**p * log(x)
        by_exponent = mul(g, power_derivative(x, p, 0, 1))
    return [by_base, by_exponent]


def _is_singular_power(y: Expr) -> bool:
    n = value_of(y.args[1])
    return n.__class__ is not int or n < 0


POW: Final = Op(
    name="power",
    order=order_of_power,
    build=lambda args, params: power(*args),
    infer=lambda args, params: (args[0].shape, power_type(*args)),
    vjp=_power_cotangents,
    elementwise=True,
    singular=_is_singular_power,
    sympy=lambda sp, x, p: sp.Pow(x, p),
    domain=((0.2, 3.0), (-2.0, 2.0)),
    notes="The derivatives are right at base 0 too; see power_derivative.",
    range=range_of_power,
)
