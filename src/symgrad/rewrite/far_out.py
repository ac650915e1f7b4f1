"""Algebraic formulas of one quantity that overflow on the way, far out: ``x**3/sqrt(x**4 + 1)``.

As functions of ``v = 1/u`` they are ``|v|**q`` times a series near v = 0, with q a fraction. A formula of
sums, powers and roots that overflows in doubles, at sizes of up to 2**1000, becomes

    where(|u| > R, |u|**-q * polynomial in 1/u, the formula)

with a polynomial of few terms, since R is far out. Its coefficients are those of Taylor, found by
interpolation in long floats; it is compared with the formula at sizes from R to 2**1000.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from functools import lru_cache
from typing import Any, Final, NamedTuple

import numpy as np

from symgrad.expr.leaves import NAMED_NUMBER, number, value_of
from symgrad.expr.node import Expr
from symgrad.expr.numbers import as_float
from symgrad.expr.op import Op
from symgrad.expr.rewriting import Images, rewritten
from symgrad.expr.traverse import as_roots, toposort
from symgrad.ops import ufuncs as f
from symgrad.ops.arithmetic import ADD, MUL, POW, mul_all, power
from symgrad.ops.comparison import isfinite
from symgrad.ops.einsum import is_layout
from symgrad.ops.guard import WHERE, choose
from symgrad.ops.polynomial import polyval
from symgrad.ops.scaled import benign_square, quotient
from symgrad.rewrite.one_quantity import OneQuantity
from symgrad.rewrite.zero_guards import is_constant

MAX_NODES: Final = 120
MAX_LOOKS: Final = 400  # at what formulas of one graph are made of
MAX_TRIED: Final = 12  # formulas of one graph
EDGE: Final = 2.0**20  # R
TERMS: Final = 4
SIZES: Final = (21, 30, 45, 75, 150, 300, 450, 510, 530, 600, 700, 850, 1000)  # powers of 2
WRONG: Final = 2.0**-42
SAME: Final = 2.0**-50
PRECISION: Final = 1200  # bits: what 1 beside u**16 takes where it is fitted
LEAST: Final = 2.0**-1022
FITTED: Final = 64  # the power of 2 at which the series is found
CHECKED: Final = (21, 30, 75, 200, 520, 1000)  # and those at which it is compared
RIGHT, NONE = "right", "none"
MAX_FOUND: Final = 256  # formulas that are remembered

# What the formulas are made of, in NumPy and in mpmath
OPS: Final[Mapping[Op, tuple[Callable[..., Any], Callable[..., Any]]]] = {
    f.hypot: (np.hypot, lambda mp, a, b: mp.sqrt(a * a + b * b)),
    quotient: (np.true_divide, lambda mp, a, b: a / b),
    benign_square: (np.square, lambda mp, a: a * a),
    f.absolute: (np.abs, lambda mp, a: abs(a)),
    f.sign: (np.sign, lambda mp, a: mp.sign(a)),
    f.cbrt: (np.cbrt, lambda mp, a: mp.cbrt(a) if a >= 0 else -mp.cbrt(-a)),
    f.minimum: (np.minimum, lambda mp, a, b: min(a, b)),
    f.maximum: (np.maximum, lambda mp, a, b: max(a, b)),
    isfinite: (np.isfinite, lambda mp, a: True),
    f.less: (np.less, lambda mp, a, b: a < b),
    f.greater: (np.greater, lambda mp, a, b: a > b),
    f.equal: (np.equal, lambda mp, a, b: a == b),
    f.not_equal: (np.not_equal, lambda mp, a, b: a != b),
    f.logical_and: (np.logical_and, lambda mp, a, b: a and b),
    f.logical_or: (np.logical_or, lambda mp, a, b: a or b),
    WHERE: (np.where, lambda mp, c, a, b: a if c else b),
}
COMPARISONS: Final = (f.less, f.greater, f.equal, f.not_equal)


def algebraic_far_out(roots: Sequence[Expr]) -> Sequence[Expr]:
    """The roots with formulas that are wrong far out replaced there, the outermost first."""
    roots = as_roots(roots)
    order = toposort(roots)
    likely = _may_overflow(order)
    if not likely:
        return roots
    alone = OneQuantity(order, is_constant, _is_known, lambda x: False)
    chosen: dict[Expr, tuple[Expr, _Expansion]] = {}
    needed, left, looks = set(roots), MAX_TRIED, MAX_LOOKS
    for y in reversed(order):
        if y not in needed:
            continue
        u = None
        if y in likely and y.dtype.kind == "f" and left and looks:
            u, looks = _quantity(y), looks - 1
        if u is None or not alone.is_of(y, u):
            needed.update(y.args)
            continue
        left -= 1
        found = _far(y, u)
        if found is RIGHT:
            needed.add(u)
        elif isinstance(found, _Expansion):
            chosen[y] = u, found
            needed.add(u)
        else:
            needed.update(y.args)

    def step(y: Expr, image: Images) -> Expr | None:
        if y not in chosen:
            return None
        u, found = chosen[y]
        far = f.greater(f.absolute(image[u]), number(EDGE, u.shape))
        return choose(far, found.built(image[u]), image.over(y))

    return (
        rewritten(roots, {}, steps=dict.fromkeys((ADD, MUL, POW, *OPS), step)) if chosen else roots
    )


def _may_overflow(order: Sequence[Expr]) -> set[Expr]:
    """Formulas with a power that overflows and one that divides or is a root, of a moderate size."""
    high: set[Expr] = set()
    odd: set[Expr] = set()
    found = set()
    for node in order:
        if not _is_known(node):
            continue
        n = value_of(node.args[1]) if node.op is POW else None
        square = node.op is benign_square or (n is not None and abs(n) > 1)
        if square or any(a in high for a in node.args):
            high.add(node)
        inside = node.args[0] if node.op is POW else node
        of_sum = inside.op is ADD and n is not None and (n < 0 or n % 1 != 0)
        if any(a in odd for a in node.args) or of_sum or node.op in (f.hypot, quotient, f.cbrt):
            odd.add(node)
        if node in high and node in odd and node.size_as_tree <= MAX_NODES:
            found.add(node)
    return found


def _is_known(node: Expr) -> bool:
    if node.op is POW:
        n = value_of(node.args[1])
        return n is not None and not isinstance(n, bool)
    if node.op in COMPARISONS and any(abs(value_of(a) or 0) > EDGE for a in node.args):
        return False
    return bool(node.args) and (node.op in (ADD, MUL) or node.op in OPS)


def _quantity(y: Expr) -> Expr | None:
    """The one thing a formula is made of."""
    found = {x for x in _inside(y) if not _is_known(x) and not is_constant(x)}
    return found.pop() if len(found) == 1 else None


def _inside(y: Expr) -> list[Expr]:
    stack, seen = [y], {y}
    while stack:
        x = stack.pop()
        for arg in x.args if _is_known(x) else ():
            if arg not in seen:
                seen.add(arg)
                stack.append(arg)
    return list(seen)


# Values


def _order(y: Expr, u: Expr) -> list[Expr]:
    known = set(_inside(y))
    return [x for x in toposort([y], skip=[u]) if x in known]


def _in_doubles(order: Sequence[Expr], u: Expr, points: Any) -> Any:
    known: dict[Expr, Any] = {u: points}
    with np.errstate(all="ignore"):
        for x in order:
            args = [known[a] for a in x.args] if _is_known(x) else []
            if not args:
                inner = x.args[0] if is_layout(x) else x
                known[x] = np.full_like(points, float(as_float(_number(inner))))
            elif x.op is ADD:
                known[x] = sum(args[1:], args[0])
            elif x.op is MUL:
                known[x] = np.prod(np.array(args), axis=0)
            elif x.op is POW:
                known[x] = _double_power(args[0], value_of(x.args[1]))
            else:
                known[x] = OPS[x.op][0](*args)
    return known[order[-1]]


def _double_power(base: Any, n: Any) -> Any:
    """A power as it is compiled: a negative one is one of the reciprocal, or divides."""
    return np.power(base, float(as_float(n)))


def _number(x: Expr) -> Any:
    if x.op is NAMED_NUMBER:
        return np.pi if x.params.name == "pi" else np.e
    return value_of(x)


class _Long:
    """A formula of u in long floats."""

    def __init__(self, mp: Any, order: Sequence[Expr], u: Expr) -> None:
        self.mp, self.order, self.u = mp, order, u

    def __call__(self, at: Any) -> Any:
        mp = self.mp
        known: dict[Expr, Any] = {self.u: at}
        for x in self.order:
            args = [known[a] for a in x.args] if _is_known(x) else []
            if not args:
                known[x] = self._constant(x.args[0] if is_layout(x) else x)
            elif x.op is ADD:
                known[x] = sum(args[1:], args[0])
            elif x.op is MUL:
                known[x] = mp.fprod(args)
            elif x.op is POW:
                known[x] = args[0] ** self._long(value_of(x.args[1]))
            else:
                known[x] = OPS[x.op][1](mp, *args)
            if isinstance(known[x], mp.mpc):
                raise ValueError
        return known[self.order[-1]]

    def _constant(self, x: Expr) -> Any:
        if x.op is NAMED_NUMBER:
            return self.mp.pi + 0 if x.params.name == "pi" else self.mp.e + 0
        return self._long(value_of(x))

    def _long(self, value: Any) -> Any:
        if isinstance(value, Fraction):
            return self.mp.mpf(value.numerator) / value.denominator
        return value if isinstance(value, (bool, int)) else self.mp.mpf(value)


# Expansions


class _Expansion(NamedTuple):
    """``|v|**order * sign(v)**odd * polynomial(v)`` for ``v = 1/u``."""

    order: Fraction
    odd: bool
    coefficients: tuple[float, ...]

    def built(self, u: Expr) -> Expr:
        v = quotient(number(1, u.shape), u)
        inside = polyval(self.coefficients, v) if len(self.coefficients) > 1 else None
        first = number(self.coefficients[0], u.shape)
        size, n = (v, self.order) if self.order > 0 else (u, -self.order)
        whole = n.denominator == 1 and bool(n % 2) == self.odd
        base = size if whole else f.absolute(size)
        factors = [power(base, number(n.numerator if n.denominator == 1 else n, u.shape))]
        if self.odd and not whole:
            factors.append(f.sign(u))
        return mul_all([first if inside is None else inside, *factors])

    def at(self, mp: Any, u: Any) -> Any:
        v = 1 / u
        total = sum(mp.mpf(c) * v**k for k, c in enumerate(self.coefficients))
        scale = abs(v) ** (mp.mpf(self.order.numerator) / self.order.denominator)
        return total * scale * (mp.sign(v) if self.odd else 1)


def _far(y: Expr, u: Expr) -> _Expansion | str:
    """What replaces the formula for large ``|u|``: RIGHT for nothing, NONE if there is no series."""
    import mpmath  # noqa: PLC0415 - only for formulas that may overflow

    order = _order(y, u)
    key = _structure(order, u)
    if key not in _found:
        if len(_found) >= MAX_FOUND:
            _found.clear()
        with mpmath.workprec(PRECISION):
            try:
                _found[key] = _expansion(_Long(mpmath.mp, order, u), order, u)
            except (ValueError, ZeroDivisionError, OverflowError, TypeError):
                _found[key] = NONE
    return _found[key]


_found: Final[dict[tuple[Any, ...], _Expansion | str]] = {}


def _structure(order: Sequence[Expr], u: Expr) -> tuple[Any, ...]:
    """A formula without its nodes."""
    places = {u: -1}
    rows: list[Any] = []
    for x in order:
        if _is_known(x):
            rows.append((x.op, *[places[a] for a in x.args]))
        else:
            inner = x.args[0] if is_layout(x) else x
            value = value_of(inner)
            rows.append((inner.op, value.__class__, inner.params if value is None else value))
        places[x] = len(places)
    return tuple(rows)


def _expansion(long: _Long, order: Sequence[Expr], u: Expr) -> _Expansion | str:
    mp = long.mp
    quick = _in_doubles(order, u, np.array([s * 2.0**k for s in (1, -1) for k in SIZES]))
    if np.all(np.isfinite(quick) & (quick != 0)):
        return RIGHT
    sides = [s for s in (1, -1) if _is_real(long, s)]
    if sides[:1] != [1]:
        return NONE
    found = _fitted(long, sides)
    if not all(_agrees(found, long, s, k) for k in CHECKED for s in sides):
        return NONE
    points = [s * mp.mpf(2) ** k for s in sides for k in SIZES]
    got = _in_doubles(order, u, np.array([float(p) for p in points]))
    wrong = any(_is_wrong(g, found.at(mp, p)) for g, p in zip(got, points, strict=True))
    return found if wrong else RIGHT


def _agrees(found: _Expansion, long: _Long, sign: int, k: int) -> bool:
    """Whether the series is the formula at ``u = sign*2**k``, with all digits that 1 beside u**12 takes."""
    mp = long.mp
    with mp.workprec(max(PRECISION, 12 * k + 200)):
        at = sign * mp.mpf(2) ** k
        true = long(at)
        return bool(abs(found.at(mp, at) - true) <= SAME * abs(true))


def _is_real(long: _Long, sign: int) -> bool:
    try:
        long(sign * long.mp.mpf(2) ** FITTED)
    except (ValueError, ZeroDivisionError, TypeError):
        return False
    return True


def _is_wrong(got: Any, true: Any) -> bool:
    size = abs(true)
    if size >= 2.0**1023:
        return bool(np.isnan(got))
    if size < LEAST:
        return not abs(got) < 2 * LEAST
    return not abs(got - true) <= WRONG * size


@lru_cache
def _interpolation(steps: tuple[int, ...]) -> list[Any]:
    """For the first coefficients of a polynomial, the weights of its values at some integers."""
    import mpmath  # noqa: PLC0415 - as above

    mp = mpmath.mp
    with mp.workprec(PRECISION):
        powers = mp.matrix([[mp.mpf(k) ** j for j in range(len(steps))] for k in steps])
        inverse = powers**-1
        return [[inverse[j, i] for i in range(len(steps))] for j in range(TERMS)]


def _fitted(long: _Long, sides: Sequence[int]) -> _Expansion:
    """Order, parity and Taylor's coefficients by interpolation at multiples of a tiny h."""
    mp = long.mp
    h = mp.mpf(2) ** -FITTED
    ratio = mp.log(abs(long(1 / (2 * h)) / long(1 / h)), 2)
    order = Fraction(round(ratio * 12), 12)
    odd = len(sides) > 1 and long(-1 / h) * long(1 / h) < 0
    exponent = mp.mpf(order.numerator) / order.denominator
    steps = [s * k for s in sides for k in range(1, 2 * TERMS // len(sides) + 1)]
    values = [
        long(1 / (k * h)) / abs(k * h) ** exponent * (mp.sign(k) if odd else 1) for k in steps
    ]
    scaled = [mp.fdot(row, values) for row in _interpolation(tuple(steps))]
    exact = [scaled[j] / h**j for j in range(TERMS)]
    largest = abs(exact[0])
    kept = [c if abs(c) > largest * mp.mpf(2) ** -100 else mp.mpf(0) for c in exact]
    while len(kept) > 1 and abs(kept[-1]) * EDGE ** -(len(kept) - 1) < largest * 2.0**-56:
        kept.pop()
    return _Expansion(order, bool(odd), tuple(float(c) for c in kept))
