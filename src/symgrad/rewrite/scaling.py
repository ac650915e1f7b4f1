"""Roots of sums of squares without overflow: ``sqrt(a**2 + b**2)``, norms, and quotients by them.

``a**2`` is infinite from 1e154 on and 0 below 1e-162, where ``hypot(a, b)`` and its derivatives, such as
``a/hypot(a, b)``, are ordinary numbers. On the way to code

- ``(a**2 + b**2)**(k/2)`` becomes ``hypot(a, b)**k``, and a p-th root of p-th powers over axes `NORM`,
- ``a**j * (a**2 + b**2)**(-k/2)`` becomes ``(a/h)**j * (1/h)**(k - j)`` with ``h = hypot(a, b)``,
- ``hypot(a, b)**2 - a**2`` becomes ``b**2``,
- ``a**2 - b**2`` becomes ``(a - b)*(a + b)``, which does not cancel, and its root a product of roots,
- squares that only divide, as in ``1/(1 + x**2)``, overflow without a warning.

The same real functions, up to rounding: hypot is as accurate as the root.

References: Higham, Accuracy and Stability of Numerical Algorithms, 2002, section 27.8; Kahan,
Miscalculating area and angles of a needle-like triangle, 2014, on differences of squares.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from functools import lru_cache
from typing import Any, Final, NamedTuple

from symgrad.expr.leaves import SIZE, is_number, number, value_of
from symgrad.expr.node import Expr
from symgrad.expr.numbers import is_exact, power_value
from symgrad.expr.op import Op
from symgrad.expr.ranges import is_nonnegative
from symgrad.expr.rewriting import Images, rewritten
from symgrad.expr.traverse import as_roots, ops_of, rebuild, toposort
from symgrad.ops import ufuncs as f
from symgrad.ops.arithmetic import (
    ADD,
    MUL,
    POW,
    add_all,
    is_scaled_far,
    mul_all,
    power,
    split_coefficient,
)
from symgrad.ops.einsum import EINSUM, is_layout
from symgrad.ops.guard import choose
from symgrad.ops.scaled import benign_square, norm_of, quotient
from symgrad.rewrite.signed_roots import signed_logarithm, signed_power

MAX_PARTS: Final = 16  # of a sum of squares that becomes nested hypots
HALF: Final = Fraction(1, 2)
MODERATE: Final = 1e130
FAR_FROM_ONE: Final = 1e-50


class _Root(NamedTuple):
    """The p-th root of a sum of p-th powers, what is raised to them, and p."""

    root: Expr
    parts: tuple[Expr, ...]
    p: Any


class _Norms(Images):
    """Images, and the roots of the sums that products are divided by: each is looked for once."""

    def __init__(self) -> None:
        super().__init__()
        self._roots: dict[Expr, _Root | None] = {}

    def root_of(self, total: Expr) -> _Root | None:
        """The root of a sum of squares, or of other powers summed over axes."""
        if total not in self._roots:
            self._roots[total] = _root_of(total)
        return self._roots[total]


def scaled_norms(roots: Sequence[Expr]) -> Sequence[Expr]:
    """The roots with norms, and what is divided by them, in scaled form."""
    roots = as_roots(roots)
    if ops_of(roots).isdisjoint((POW, f.hypot, ADD, f.log, f.log1p)):
        return roots
    if any(x.op is POW and x.args[0].op is MUL for x in toposort(roots)):
        roots = rewritten(roots, {POW: _parted})
    order = toposort(roots)
    if not any(_concerns(node) for node in order):
        return roots
    dividing = _dividing(order)

    def product(node: Expr, image: Images) -> Expr | None:
        return _product(node, norms) if node in dividing else None

    norms = _Norms()
    return rewritten(roots, CHANGES, steps={MUL: product}, image=norms)


def _dividing(order: Sequence[Expr]) -> set[Expr]:
    """The products of a topological order that divide by a sum or a norm, maybe in a product in them."""
    found: set[Expr] = set()
    for node in order:
        if node.op is MUL and any(x in found or _divides(x) for x in node.args):
            found.add(node)
    return found


def _divides(x: Expr) -> bool:
    inner = x.args[0] if is_layout(x) else x
    if inner.op is not POW:
        return False
    n = value_of(inner.args[1])
    return n is not None and not isinstance(n, bool) and n < 0


def _parted(node: Expr) -> Expr:
    """``(c*S)**(k/2)`` as ``c**(k/2) * S**(k/2)`` for counts and positive numbers c, as in `std`."""
    if node.args[0].op is not MUL:
        return node
    n, factors = value_of(node.args[1]), _factors([node.args[0]])
    sums = [x for x in factors if x.op in (ADD, EINSUM) and not is_layout(x)]
    rest = [x for x in factors if x not in set(sums)]
    if n is None or isinstance(n, bool) or n % 1 == 0 or len(sums) != 1:
        return node
    if not all(_is_count(x) for x in rest):
        return node
    return mul_all([power(x, node.args[1]) for x in (*rest, *sums)])


def _is_count(x: Expr) -> bool:
    """Whether a factor is a positive number or an extent, or a power of one."""
    base = x.args[0] if x.op is POW and value_of(x.args[1]) is not None else x
    inner = base.args[0] if is_layout(base) else base
    value = value_of(inner)
    return inner.op is SIZE or (value is not None and not isinstance(value, bool) and value > 0)


def _concerns(node: Expr) -> bool:
    """Whether a node may be rewritten here."""
    if node.op is ADD:
        return len(node.args) == 2
    if node.op is f.log or node.op is f.log1p:
        return node.args[0].op in (ADD, MUL, POW)
    if node.op is not POW:
        return False
    n = value_of(node.args[1])
    if n is None:
        return node.args[0].op is ADD
    return node.args[0].op in (ADD, EINSUM, f.hypot) and (n < 0 or n % 1 != 0)


def _power(node: Expr) -> Expr:
    """``S**p`` as ``root**(2*p)`` for a power that may be an ordinary number where S is infinite.

    An integer power is one only if it is negative, and of it the infinite squares are benign.
    """
    base, n = node.args[0], value_of(node.args[1])
    if isinstance(n, bool):
        return node
    if n is None:
        found = _root_of(base) if base.op is ADD else None
        return node if found is None else power(found.root, 2 * node.args[1])
    if n % 1:
        found = _root_of(base)
        if found is None:
            made = signed_power(base, _terms(base), n) if base.op is ADD else None
            return node if made is None else made
        k = _tidy(n * found.p)
        return _raised(found.root, k) if k < 2 else node
    if n < 0 and base.op is ADD:
        return power(_benign(base), node.args[1])
    return node


def _logarithm(node: Expr) -> Expr:
    """``log(S) = 2*log(root)``; ``log1p(S)``, or ``2*log1p(root)``, never less, if S is infinite."""
    base = node.args[0]
    found = _root_of(base) if base.op is ADD else _of_square(base)
    if found is None:
        if node.op is f.log1p and base.op is not ADD:
            return _log1p_of_power(node)
        made = signed_logarithm(node, _terms(base)) if base.op is ADD else None
        return node if made is None else made
    if node.op is f.log:
        return 2 * f.log(found.root) if base.op is ADD else node
    benign = _benign(base) if base.op is ADD else _benign_square(base)
    return f.minimum(f.log1p(benign), 2 * f.log1p(f.absolute(found.root)))


def _log1p_of_power(node: Expr) -> Expr:
    """``log1p(u**k)``, or ``k*log1p(|u|)``, never less, if the power is infinite."""
    (base,) = node.args
    k = value_of(base.args[1]) if base.op is POW else None
    if k.__class__ is not int or k < 3:
        return node
    return f.minimum(node, number(k, node.shape) * f.log1p(f.absolute(base.args[0])))


def _tidy(x: Any) -> Any:
    """An exponent, as an int if it is one up to rounding."""
    return round(x) if abs(x - round(x)) <= 1e-12 else x


def _raised(root: Expr, k: Any) -> Expr:
    """``root**k``; a negative power as one of the reciprocal, which is 0 in time."""
    if k >= -1:
        return power(root, number(k, root.shape))
    return power(quotient(number(1, root.shape), root), number(-k, root.shape))


def _benign(total: Expr) -> Expr:
    """A sum in which squares, and multiples of squares, overflow without a warning."""
    terms = [_benign_square(t) for t in total.args]
    changed = any(a is not b for a, b in zip(terms, total.args, strict=True))
    return add_all(terms) if changed else total


def _benign_square(term: Expr) -> Expr:
    """``c*u**2``, and any other term as it is."""
    found = _square_in(term)
    if found is None:
        return term
    c, u = found
    return mul_all([number(c, u.shape), benign_square(u)])


def _root_of(total: Expr) -> _Root | None:
    """The root of a sum of squares and of terms that are never negative, or of powers summed over axes."""
    if total.op is EINSUM:
        return _norm(total)
    if total.op is MUL:
        return _root_of_difference(total)
    terms = _terms(total)
    if not 2 <= len(terms) <= MAX_PARTS or not any(map(_has_square, terms)):
        return None
    known: list[Expr] = []
    for t in terms:
        part = _root_of_term(t)
        if part is None:
            return None
        known.append(part)
    if len(known) == 2 and any(map(_is_moderate, known)) and _is_plain(terms):
        return _Root(_beside_number(total, known), tuple(known), 2)
    result = known[0]
    for p in known[1:]:
        result = f.hypot(result, p)
    return _Root(result, tuple(known), 2)


def _is_moderate(x: Expr) -> bool:
    """Whether x is a number that counts for nothing beside what has an infinite square."""
    return is_number(x) and value_of(x) < MODERATE


def _has_square(term: Expr) -> bool:
    """Whether a term, or what it sums over axes, is a square, or has one as a factor."""
    if term.op is EINSUM:
        found = _norm(term)
        return found is not None and found.p == 2
    factors = term.args if term.op is MUL else (term,)
    return any(x.op is POW and value_of(x.args[1]) == 2 for x in factors)


def _is_plain(terms: Sequence[Expr]) -> bool:
    """Whether terms are numbers, squares and multiples of squares."""
    return all(is_number(t) or _square_in(t) is not None for t in terms)


def _square_in(term: Expr) -> tuple[Any, Expr] | None:
    """``(c, u)`` of ``c*u**2`` with a number c."""
    c, rest = split_coefficient(term)
    square = rest is not None and rest.op is POW and value_of(rest.args[1]) == 2
    return (c, rest.args[0]) if rest is not None and square and not isinstance(c, bool) else None


def _of_square(x: Expr) -> _Root | None:
    """The root of ``c*u**2`` for a number c > 0."""
    root = _root_of_term(x) if _square_in(x) is not None else None
    return None if root is None else _Root(root, (root,), 2)


def _beside_number(total: Expr, parts: Sequence[Expr]) -> Expr:
    """``sqrt(c**2 + u**2)``, and ``c + |u|`` where the square is infinite: faster than hypot."""
    c, u = sorted(parts, key=is_number, reverse=True)
    return f.minimum(f.sqrt(_benign(total)), f.absolute(c) + f.absolute(u))


def _terms(total: Expr) -> list[Expr]:
    """The terms of a sum, and of sums in it."""
    flat: list[Expr] = []
    stack = [total]
    while stack:
        x = stack.pop()
        if x.op is ADD:
            stack.extend(reversed(x.args))
        else:
            flat.append(x)
    return flat


def _root_of_difference(product: Expr) -> _Root | None:
    """``sqrt(|u| - c) * sqrt(|u| + c)`` of ``(u - c)*(u + c)``, for a number c > 0."""
    if len(product.args) != 2 or any(x.op is not ADD or len(x.args) != 2 for x in product.args):
        return None
    numbers = [t for x in product.args for t in x.args if is_number(t)]
    others = [t for x in product.args for t in x.args if not is_number(t)]
    if len(numbers) != 2 or others[0] is not others[1]:
        return None
    c, d = value_of(numbers[0]), value_of(numbers[1])
    if c != -d or c == 0:
        return None
    u, shift = f.absolute(others[0]), number(abs(c), product.shape)
    return _Root(f.sqrt(u - shift) * f.sqrt(u + shift), (others[0],), 2)


def _root_of_term(term: Expr) -> Expr | None:
    """The root of a term that is known to be at least zero: u of ``u**2``, ``sqrt(2)*u`` of ``2*u**2``."""
    if is_number(term):
        return _root_of_number(value_of(term), term)
    if term.op is POW and value_of(term.args[1]) == 2:
        return term.args[0]
    if term.op is EINSUM and _has_square(term):
        found = _norm(term)
        return None if found is None else found.root
    c, rest = split_coefficient(term)
    if rest is None or isinstance(c, bool) or not c > 0:
        return None
    roots = [_root_of_factor(x) for x in (rest.args if rest.op is MUL else (rest,))]
    known = [x for x in roots if x is not None]
    if len(known) < len(roots):
        return None
    if c == 1:
        return mul_all(known)
    scale = _root_of_number(c, term)
    return None if scale is None else mul_all([scale, *known])


def _root_of_number(value: Any, like: Expr) -> Expr | None:
    if isinstance(value, bool) or not 0 < value < math.inf:
        return None
    root = _exact_root(value) if is_exact(value) else None
    return number(math.sqrt(value) if root is None else root, like.shape)


@lru_cache(maxsize=256)
def _exact_root(square: Any) -> Any:
    """The exact root of an exact number, or None where it has none."""
    return power_value(square, HALF)


def _root_of_factor(x: Expr) -> Expr | None:
    n = value_of(x.args[1]) if x.op is POW else None
    if n.__class__ is int and n % 2 == 0:
        return x.args[0] if n == 2 else power(x.args[0], number(n // 2, x.shape))
    return f.sqrt(x) if is_nonnegative(x) else None


def _norm(total: Expr) -> _Root | None:
    """The norm over axes of an Einsum that sums squares, or p-th powers of absolute values."""
    inputs, out, spread = total.params
    if spread or len(set(inputs)) != 1 or len(set(inputs[0])) != len(inputs[0]):
        return None
    labels, x, p = inputs[0], total.args[0], 2
    if len(total.args) == 1:
        if x.op is not POW:
            return None
        p, x = value_of(x.args[1]), x.args[0]
        if p is None or isinstance(p, bool) or p <= 1 or (x.op is not f.absolute and p % 2):
            return None
    elif len(total.args) != 2 or total.args[1] is not x:
        return None
    axes = tuple([i for i, n in enumerate(labels) if n not in out])
    if not axes or total.dtype.kind != "f" or tuple([n for n in labels if n in out]) != out:
        return None
    return _Root(norm_of(total, x, axes, p), (x, *x.args) if x.op is f.absolute else (x,), p)


# Products

MAX_FACTORS: Final = 20  # of a product that is looked at; nested ones would cost the square


def _product(node: Expr, image: _Norms) -> Expr | None:
    """A product in which the parts of a sum of squares are divided by its root; None for any other."""
    factors = (
        (_factors(node.args) if is_scaled_far(node) else _factors([node]))
        if _is_short(node)
        else []
    )
    for i, factor in enumerate(factors):
        found = _divisor(factor.args[0] if is_layout(factor) else factor, image)
        if found is None:
            continue
        rest = [*factors[:i], *factors[i + 1 :]]  # the same factor may stand there once more
        quick = _by_small_square(factor, rest, image)
        if quick is not None:
            return quick
        (root, parts, _), k = found
        wide = rebuild(factor, (root,)) if is_layout(factor) else root
        others = _factors([_images(x, image) for x in rest])
        known = [_images(x, image) for x in _inner_parts(parts)]
        if _surplus(others, [*known, root]) > k:  # the root divides what is 0 faster: no 0/0
            wide = choose(f.equal(wide, number(0, wide.shape)), number(1, wide.shape), wide)
        made, left = _divided(others, wide, [*known, root], k)
        if left < k:
            one = quotient(number(1, node.shape), wide)
            return mul_all([*made, *([power(one, number(left, node.shape))] if left else [])])
    return None


def _is_short(product: Expr) -> bool:
    """Whether a product has at most `MAX_FACTORS`, those of products in it among them."""
    count, stack = 1, [product]
    while stack and count <= MAX_FACTORS:
        x = stack.pop()
        if x.op is MUL and not is_scaled_far(x):
            count += len(x.args) - 1
            stack.extend(x.args)
    return count <= MAX_FACTORS


def _by_small_square(divisor: Expr, rest: Sequence[Expr], image: _Norms) -> Expr | None:
    """``u*(c + u**2)**-n`` as ``(u/S) * (1/S)**(n - 1)`` for n > 1: it is 0 once S is infinite.

    `rest` are the factors beside the divisor.
    """
    if divisor.op is not POW or divisor.args[0].op is not ADD:
        return None
    n, total = value_of(divisor.args[1]), image[divisor.args[0]]
    if n.__class__ is not int or n > -2 or len(total.args) != 2:
        return None
    parts = [_root_of_term(t) for t in _terms(total)]
    wanted = [p for p in parts if p is not None and not is_number(p)]
    if any(p is None for p in parts) or len(parts) != 2 or len(wanted) != 1:
        return None
    inner = _inner_parts(wanted)
    others = _factors([_images(x, image) for x in rest])
    once = [x for x in others if any(x is part for part in inner)]
    raised = [x for x in others if x.op is POW and any(x.args[0] is part for part in inner)]
    if len(once) != 1 or raised or any(x.op is ADD for x in others):
        return None
    total = _benign(total)
    reciprocal = power(quotient(number(1, total.shape), total), number(-n - 1, total.shape))
    left = [x for x in others if x is not once[0]]
    return mul_all([*left, quotient(once[0], total), reciprocal])


def _inner_parts(parts: Sequence[Expr]) -> list[Expr]:
    """Parts, what is left of them without numbers, and the parts of those that are hypots themselves."""
    found: dict[Expr, None] = {}
    stack = list(parts)
    while stack:
        x = stack.pop()
        found[x] = None
        rest = split_coefficient(x)[1]
        if rest is not None and rest not in found:
            stack.append(rest)
        if x.op is f.hypot:
            stack.extend(x.args)
    return list(found)


def _divided(
    factors: Sequence[Expr], root: Expr, parts: Sequence[Expr], k: Any
) -> tuple[list[Expr], Any]:
    """Factors of which up to k, powers of `parts`, are divided by the root, and what is left of k."""
    made: list[Expr] = []
    for x in factors:
        base, n = (x.args[0], value_of(x.args[1])) if x.op is POW else (x, 1)
        degree = _degree(base, parts) if base.op is ADD and n.__class__ is int and n > 0 else None
        if degree:
            m = min(n, int(k // degree))
            if not m and 1 <= k <= _least_degree(base, parts):
                made.append(_sum_divided(base, root, parts, int(k)))
                made.append(power(base, number(n - 1, x.shape)))
                k = _tidy(k - int(k))
                continue
            k = _tidy(k - m * degree)
            inside = _sum_divided(base, root, parts, degree) if m else base
            made.append(power(inside, number(m, x.shape)) if m else number(1, x.shape))
            made.append(power(base, number(n - m, x.shape)))
            continue
        scale = _number_divided(x, root, parts) if k >= 2 else None
        if scale is not None:
            made.append(scale)
            k = _tidy(k - 2)
            continue
        m = _taken(base, n, k) if _is_part(base, parts) else 0
        if not m:
            made.append(x)
            continue
        k = _tidy(k - m)
        made.append(power(quotient(base, root), number(m, x.shape)))
        if n > m:
            made.append(power(base, number(n - m, x.shape)))
    return made, k


def _number_divided(x: Expr, root: Expr, parts: Sequence[Expr]) -> Expr | None:
    """``c/root**2`` as ``c/r**2 * (r/root)**2`` for a part that is a number r far from 1."""
    c = value_of(x)
    if c is None or isinstance(c, bool):
        return None
    for part in parts:
        r = value_of(part)
        if (
            r is not None
            and not isinstance(r, bool)
            and (0 < r < FAR_FROM_ONE or r * FAR_FROM_ONE > 1)
        ):
            with_one = number(float(c) / float(r) / float(r), x.shape)
            return mul_all([with_one, power(quotient(part, root), number(2, x.shape))])
    return None


def _least_degree(total: Expr, parts: Sequence[Expr]) -> int:
    """The degree up to which a polynomial is divided by the root term by term.

    That is the least of its terms; the highest if a number is among the parts: such a root is not 0.
    """
    degrees = _degrees(total, parts) or [0]
    return max(degrees) if any(map(is_number, parts)) else min(degrees)


def _surplus(factors: Sequence[Expr], parts: Sequence[Expr]) -> Any:
    """The least degree of a product of `parts`, and sums of their products; 0 if it divides by one."""
    total: Any = 0
    for x in factors:
        base, n = (x.args[0], value_of(x.args[1])) if x.op is POW else (x, 1)
        degrees = _degrees(base, parts) if base.op is ADD else None
        degree = min(degrees) if degrees else int(_is_part(base, parts))
        if degree:
            if n is None or isinstance(n, bool) or n < 0:
                return 0
            total += degree * n
    return total


def _taken(base: Expr, n: Any, k: Any) -> Any:
    """How much of an exponent n can be given to k: of what may be negative, whole powers only."""
    if n is None or isinstance(n, bool) or n <= 0:
        return 0
    if base.op is f.absolute:
        return min(n, k)
    return min(n, int(k)) if n.__class__ is int else 0


def _is_part(x: Expr, parts: Sequence[Expr]) -> bool:
    inner = x.args[0] if is_layout(x) else x
    return not is_number(inner) and any(inner is part for part in parts)


def _degree(total: Expr, parts: Sequence[Expr]) -> int | None:
    """The degree of a polynomial in `parts`, written as a sum; None for any other sum."""
    degrees = _degrees(total, parts)
    return None if degrees is None else max(degrees)


def _degrees(total: Expr, parts: Sequence[Expr]) -> list[int] | None:
    """The degrees of its terms."""
    degrees = []
    for term in total.args:
        own = 0
        for x in _factors([term]):
            base, n = (x.args[0], value_of(x.args[1])) if x.op is POW else (x, 1)
            if is_number(x):
                continue
            if n.__class__ is not int or n < 0 or not _is_part(base, parts):
                return None
            own += n
        degrees.append(own)
    return degrees


def _sum_divided(total: Expr, root: Expr, parts: Sequence[Expr], k: int) -> Expr:
    """A polynomial of degree k over the k-th power of the root, term by term."""
    one, terms = quotient(number(1, total.shape), root), []
    for term in total.args:
        made, left = _divided(_factors([term]), root, parts, k)
        terms.append(mul_all([*made, *([power(one, number(left, total.shape))] if left else [])]))
    return add_all(terms)


def _images(x: Expr, image: _Norms) -> Expr:
    """The image of a node, which may be new itself."""
    if x not in image:
        image.complete([x])
    return image[x]


def _divisor(x: Expr, image: _Norms) -> tuple[_Root, Any] | None:
    """The root and k of ``root**-k``, from ``hypot(a, b)**-k`` or ``(a**2 + b**2)**(-k/2)``."""
    if x.op is not POW:
        return None
    base, n = x.args[0], value_of(x.args[1])
    if n is None or isinstance(n, bool) or n >= 0:
        return None
    if base.op is f.hypot:
        return _Root(image[base], base.args, 2), _tidy(-n)
    if base.op is EINSUM and n % 1 == 0:  # of a squared norm, as it is often meant
        return None
    if MUL in (base.op, image[base].op) and n % 1 == 0:  # (u - c)*(u + c) may be below 0
        return None
    found = image.root_of(base) or image.root_of(image[base])
    return None if found is None else (found, _tidy(-n * found.p))


def _factors(nodes: Sequence[Expr]) -> list[Expr]:
    """The factors of products, also those of products in them."""
    flat: list[Expr] = []
    stack = list(reversed(nodes))
    while stack:
        x = stack.pop()
        if x.op is MUL and not is_scaled_far(x):
            stack.extend(reversed(x.args))
        else:
            flat.append(x)
    return flat


def _difference(node: Expr) -> Expr:
    """``c*hypot(a, b)**2 - c*a**2 = c*b**2``, and ``c*a**2 - c*b**2 = c*(a - b)*(a + b)``."""
    if len(node.args) != 2:
        return node
    (c, one), (d, other) = [_coefficient_and_root(t) for t in node.args]
    if one is None or other is None or c != -d:
        return node
    for h, a in ((one, other), (other, one)):
        if h.op is f.hypot and any(a is x for x in h.args):
            b = h.args[1] if a is h.args[0] else h.args[0]
            sign = c if h is one else d
            return mul_all([number(sign, node.shape), power(b, number(2, node.shape))])
    return mul_all([number(c, node.shape), one - other, one + other])


def _joined(node: Expr) -> Expr:
    """``(a - b)*(a + b)/(a - b)**2 = (a + b)/(a - b)``: powers of one base are one factor.

    Apart they would be infinite and 0 far out, and their product any number.
    """
    if not any(x.op is MUL for x in node.args) or not _is_short(node):
        return node
    factors = _factors([node])
    powers: dict[Expr, Any] = {}
    for x in factors:
        base, n = (x.args[0], value_of(x.args[1])) if x.op is POW else (x, 1)
        if n is None or isinstance(n, bool):
            base, n = x, 1
        powers[base] = powers.get(base, 0) + n
    if len(powers) == len(factors):
        return node
    parts = [power(b, number(n, b.shape)) if n != 1 else b for b, n in powers.items() if n != 0]
    return mul_all([number(1, node.shape), *parts])


def _coefficient_and_root(term: Expr) -> tuple[Any, Expr | None]:
    """c and u of ``c*u**2``; a number is ``1*u**2`` or ``-1*u**2``."""
    if is_number(term):
        value = value_of(term)
        root = _exact_root(abs(value)) if is_exact(value) and value else None
        return (1 if root is None or value > 0 else -1), (
            None if root is None else number(root, term.shape)
        )
    c, rest = split_coefficient(term)
    if rest is None or rest.op is not POW or value_of(rest.args[1]) != 2 or isinstance(c, bool):
        return c, None
    return c, rest.args[0]


CHANGES: Final[Mapping[Op, Callable[[Expr], Expr]]] = {
    POW: _power,
    ADD: _difference,
    MUL: _joined,
    f.log: _logarithm,
    f.log1p: _logarithm,
}
