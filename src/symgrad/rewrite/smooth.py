"""A formula of one quantity near its removable singularity at 0: a polynomial, and how far it serves.

The formula is evaluated with mpmath, SymPy's library of long floats, together with a running bound of the
error that double precision would make. Values at Chebyshev points give the polynomial.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from math import isfinite
from typing import Any, Final, cast

from symgrad.expr.leaves import value_of
from symgrad.expr.node import Expr
from symgrad.expr.traverse import toposort
from symgrad.ops.arithmetic import ADD, MUL, POW
from symgrad.ops.einsum import is_layout
from symgrad.ops.stable import bose_einstein, csch
from symgrad.rewrite.long_floats import FUNCTIONS
from symgrad.rewrite.one_variable import HELD, OneVariable, is_real, square_of, sum_of

PRECISION: Final = 400  # bits: what x**-9 takes at x = 2**-30, and a double behind it
POINTS: Final = 40  # Chebyshev points of a fit
TAIL: Final = 2.0**-64  # of the largest coefficient, below which the last ones must be
CLOSE: Final = (
    2.0**-30,
    2.0**-20,
)  # where it shows whether digits are lost, and whether there is a pole
ACCURATE: Final = 1000  # units of rounding that a formula may lose at CLOSE without being replaced
RADII: Final = (
    1 / 16,
    1 / 8,
    1 / 4,
    3 / 8,
    1 / 2,
    3 / 4,
    1,
    5 / 4,
    3 / 2,
    2,
    5 / 2,
    3,
    4,
)  # over the scale
UNKNOWN: Final = object()
MAX_FOUND: Final = 256  # formulas of which the polynomials are remembered
MAX_ORDER: Final = 20  # of a zero at 0
LARGEST_DENOMINATOR: Final = 10**6
POLES: Final = (csch, bose_einstein)  # functions that divide by their argument, as 1/sinh(x) does

Exact = int | Fraction | float


@dataclass(frozen=True)
class Near:
    """A formula F(u) near u = 0.

    Attributes
    ----------
    radius : float
        Where ``|u|`` is not larger the polynomial is used; 0 if the formula is accurate as written.
    order : int
        The formula is ``u**order`` times a polynomial.
    even : bool
        Whether that polynomial is one in u**2.
    coefficients : tuple of float
        Of the polynomial, the constant term first.
    taylor : tuple of int, Fraction or float
        F(0) and F'(0).
    constant : float
        Where ``|u|`` is not larger the formula is F(0) but for rounding.
    """

    radius: float
    order: int
    even: bool
    coefficients: tuple[float, ...]
    taylor: tuple[Exact, Exact]
    constant: float = 0.0


def near_zero(terms: Sequence[Expr], u: Expr, guarded: bool = False) -> Near | None:
    """The sum of formulas of `u` near ``u = 0``; None if it has no limit there.

    Unless it is `guarded`, None also if the formula is accurate as it is written.
    """
    order = toposort(terms, skip=[u, *square_of(u)])
    if not any(node.op in FUNCTIONS for node in order):
        return None
    key = (guarded, _structure(terms, u, order))
    known = _found.get(key, UNKNOWN)
    if known is not UNKNOWN:
        return cast("Near | None", known)
    near = _computed(terms, u, order, guarded)
    _remember(key, near)
    return near


def _remember(key: tuple[Any, ...], near: Near | None) -> None:
    if len(_found) >= MAX_FOUND:
        _found.clear()
    _found[key] = near


def near_common_zero(terms: Sequence[Expr], u: Expr, far: bool = False) -> Near | None:
    """The same of terms that are ordinary numbers at 0; None where they lose few digits at a first look.

    If it is `far`, of formulas of 1/u near 0, as functions of u.
    """
    order = toposort(terms, skip=[u, *square_of(u)])
    key = (far, "sum", _structure(terms, u, order))
    known = _found.get(key, UNKNOWN)
    if known is not UNKNOWN:
        return cast("Near | None", known)
    cancels = _seems_to_cancel(terms, u, order, far)
    near = _computed(terms, u, order, far=far) if cancels else None
    _remember(key, near)
    return near


def _seems_to_cancel(terms: Sequence[Expr], u: Expr, order: list[Expr], far: bool) -> bool:
    """Whether a sum of terms that are finite near 0 is lost in the rounding there, by doubles."""
    import mpmath  # noqa: PLC0415 - only for sums of functions

    formula = OneVariable(mpmath.fp, terms, u, order, far)
    try:
        for h in CLOSE:
            known = formula.values(h)
            size = max(abs(known[t][0]) for t in terms)
            value, error = sum_of([known[t] for t in terms])
            if not (isfinite(size) and isfinite(error)):
                return False
            if not error > ACCURATE / 8 * abs(value):
                return False
    except (ValueError, ZeroDivisionError, OverflowError, TypeError):
        return False
    except AttributeError:  # a function that mpmath has for long floats alone
        return True
    return True


# What was found for formulas of one structure, since a derivative and its code ask for the same
_found: Final[dict[tuple[Any, ...], Any]] = {}


def _structure(terms: Sequence[Expr], u: Expr, order: Sequence[Expr]) -> tuple[Any, ...]:
    """A formula of u without its nodes: operations, numbers, and where the operands stand."""
    places = {x: -1 - i for i, x in enumerate([u, *square_of(u)])}
    rows: list[Any] = []
    for node in order:
        if node.op in (ADD, MUL, POW) or node.op in FUNCTIONS or node.op in HELD:
            rows.append((node.op, node.params, tuple([places[arg] for arg in node.args])))
        else:
            inner = node.args[0] if is_layout(node) else node
            value = value_of(inner)
            rows.append((inner.op, value.__class__, value if value is not None else inner.params))
        places[node] = len(rows)
    return (len(places) - len(rows), *rows, *[places[t] for t in terms])


def _computed(
    terms: Sequence[Expr], u: Expr, order: list[Expr], guarded: bool = False, far: bool = False
) -> Near | None:
    import mpmath  # noqa: PLC0415 - only for formulas that divide by zero somewhere

    formula = OneVariable(mpmath.mp, terms, u, order, far)
    with mpmath.workprec(PRECISION):
        try:
            return _near_zero(formula, guarded)
        except (ValueError, ZeroDivisionError, OverflowError, TypeError):
            return None  # not real, or a pole: no such formula


def _near_zero(formula: OneVariable, guarded: bool) -> Near | None:
    scale = 1 / formula.slope()
    formula.take_out_noise(scale)
    close, less_close = [[formula(sign * h * scale) for sign in (1, -1)] for h in CLOSE]
    for (value, _), (further, _) in zip(close, less_close, strict=True):
        if not is_real(value) or abs(value) > 256 * abs(further):
            return None
    loses = formula.underflows()
    loses = loses or any(error > ACCURATE * abs(value) for value, error in close)
    if not (loses or guarded):
        return None
    series = _Series(formula, scale)
    smallest = series.fit(RADII[0])
    if smallest is None:
        return None
    taylor = series.taylor(smallest)
    if not loses:
        return Near(0.0, 0, True, (float(taylor[0]),), taylor, series.constant(smallest))
    fits = {0: smallest}
    low, high = (
        0,
        len(RADII),
    )  # the polynomial is the better one up to `low`, the formula from `high` on
    while high - low > 1:
        middle = (low + high) // 2
        found = series.fit(RADII[middle])
        if found is None or series.polynomial_is_worse(RADII[middle], found):
            high = middle
        else:
            low, fits[middle] = middle, found
    coefficients = series.trimmed(RADII[low], fits[low])
    if not all(map(isfinite, coefficients)):  # for the unit of u; the formula stays as it is
        return None
    radius, constant = float(RADII[low] * scale), series.constant(smallest)
    return Near(radius, series.order, series.even, coefficients, taylor, constant)


# Polynomials


class _Series:
    """Polynomials that agree with a formula near 0; radii are multiples of `scale`."""

    def __init__(self, formula: OneVariable, scale: Any) -> None:
        self.formula, self.scale, self.mp = formula, scale, formula.mp
        self.order = self._order()
        self.even = self._even()

    def _order(self) -> int:
        """The order of the zero at 0."""
        h = CLOSE[0] * self.scale
        ratio = self.formula(2 * h)[0] / self.formula(h)[0]
        order = round(float(self.mp.log(abs(ratio), 2)))
        if not 0 <= order <= MAX_ORDER:
            raise ValueError
        return order

    def _even(self) -> bool:
        """Whether the formula, divided by ``u**order``, is even."""
        sign = -1 if self.order % 2 else 1
        for h in (self.scale / 16, self.scale / 32):
            plus, minus = self.formula(h)[0], sign * self.formula(-h)[0]
            if abs(plus - minus) > 1e-60 * abs(plus):
                return False
        return True

    def fit(self, radius: float) -> list[Any] | None:
        """Coefficients by powers; None if the formula is not smooth within `radius`."""
        try:
            return self._fit(radius * self.scale)
        except (ValueError, ZeroDivisionError, OverflowError, TypeError):
            return None

    def _fit(self, radius: Any) -> list[Any] | None:
        cosines = _cosines(self.mp)
        values = []
        for j in range(POINTS):
            t = cosines[(2 * j + 1) % (4 * POINTS)]
            x = radius * self.mp.sqrt((t + 1) / 2) if self.even else radius * t
            value = self.formula(x)[0]
            if not is_real(value):
                return None
            values.append(value / x**self.order)
        chebyshev = [
            2
            * sum(v * cosines[k * (2 * j + 1) % (4 * POINTS)] for j, v in enumerate(values))
            / POINTS
            for k in range(POINTS)
        ]
        chebyshev[0] /= 2
        largest = max(map(abs, chebyshev))
        if not largest or max(map(abs, chebyshev[-4:])) > TAIL * largest:
            return None
        while len(chebyshev) > 2 and abs(chebyshev[-1]) < TAIL / 64 * largest:
            chebyshev.pop()
        return _by_powers(chebyshev, radius**2 if self.even else radius, self.even)

    def polynomial_is_worse(self, radius: float, coefficients: Sequence[Any]) -> bool:
        """Whether the polynomial errs more somewhere within the radius than the formula does at its end.

        Errors are relative; close to a zero of the formula they count against its size around.
        """
        points = [s * r * radius * self.scale for r in (0.25, 0.5, 0.75, 1) for s in (1, -1)]
        found = [self.formula(x) for x in points]
        least = max(abs(value) for value, _ in found) / 16
        sizes = [
            max(abs(value), least * abs(x / points[-1]) ** self.order)
            for x, (value, _) in zip(points, found, strict=True)
        ]
        ends = max(error / size for (_, error), size in zip(found[-2:], sizes[-2:], strict=True))
        return any(
            2 * self._size(coefficients, x) > ends * size
            for x, size in zip(points, sizes, strict=True)
        )

    def constant(self, coefficients: Sequence[Any]) -> float:
        """Where the value is that at 0, but for half a unit in the last place."""
        if self.order:
            return 0.0
        most, step = abs(coefficients[0]) * 2.0**-53, 2 if self.even else 1
        reaches = [
            (most / len(coefficients) / abs(c)) ** (self.mp.mpf(1) / (step * k))
            for k, c in enumerate(coefficients)
            if k and c
        ]
        return float(min([RADII[0] * self.scale, *reaches]))

    def _size(self, coefficients: Sequence[Any], x: Any) -> Any:
        """The sum of the sizes of all terms at x."""
        y = abs(x) ** (2 if self.even else 1)
        return sum(abs(c) * y**k for k, c in enumerate(coefficients)) * abs(x) ** self.order

    def trimmed(self, radius: float, coefficients: Sequence[Any]) -> tuple[float, ...]:
        """The coefficients as floats, without those at the end that count for nothing."""
        y = (radius * self.scale) ** (2 if self.even else 1)
        sizes = [abs(c) * y**k for k, c in enumerate(coefficients)]
        kept = len(sizes)
        while kept > 1 and sum(sizes[kept - 1 :]) < 2.0**-58 * max(sizes):
            kept -= 1
        return tuple(float(c) for c in coefficients[:kept])

    def taylor(self, coefficients: Sequence[Any]) -> tuple[Exact, Exact]:
        """F(0) and F'(0)."""
        first = _as_fraction(coefficients[0])
        if self.order:
            return 0, first if self.order == 1 else 0
        return first, 0 if self.even or len(coefficients) < 2 else _as_fraction(coefficients[1])


@cache
def _cosines(mp: Any) -> list[Any]:
    """Cosines of all multiples of pi/(2*POINTS)."""
    with mp.workprec(PRECISION):
        return [mp.cos(mp.pi * k / (2 * POINTS)) for k in range(4 * POINTS)]


def _by_powers(chebyshev: Sequence[Any], length: Any, shifted: bool) -> list[Any]:
    """A Chebyshev series on [0, length], or on [-length, length] unless it is `shifted`, by powers."""
    a, b = (-1, 2 / length) if shifted else (0, 1 / length)  # t = a + b*y
    before, current = [1], [a, b]
    total = [0] * len(chebyshev)
    for k, c in enumerate(chebyshev):
        for i, p in enumerate(before):
            total[i] += c * p
        if k + 1 < len(chebyshev):
            doubled = [2 * a * p for p in current] + [0]
            for i, p in enumerate(current):
                doubled[i + 1] += 2 * b * p
            for i, p in enumerate(before):
                doubled[i] -= p
            before, current = current, doubled
    return total


def _as_fraction(x: Any) -> Exact:
    """A number as a fraction with a small denominator, if it is one to 20 digits; else as a float."""
    size = abs(x)
    if size < 2.0**-64:
        return 0
    if size < 2.0**60:
        scaled = int(x * 2**200)
        close = Fraction(scaled, 2**200).limit_denominator(LARGEST_DENOMINATOR)
        if close and abs(x - x.context.mpf(close.numerator) / close.denominator) < 1e-18 * size:
            return close.numerator if close.denominator == 1 else close
    return float(x)
