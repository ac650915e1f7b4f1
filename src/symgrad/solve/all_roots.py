"""All roots of one equation: in an interval, with a certificate; and all those of a polynomial."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from symgrad.autodiff import diff
from symgrad.calls import checked
from symgrad.errors import ArgumentError, DTypeError, ShapeError
from symgrad.expr.leaves import constant
from symgrad.expr.node import Expr
from symgrad.expr.rewriting import replace
from symgrad.expr.traverse import check_symbols, free_symbols
from symgrad.ops.elementwise import adopted, as_expr
from symgrad.ops.ufuncs import equal
from symgrad.rewrite import simplify
from symgrad.solve.intervals import Bounds, bounds_of_formula

CUT = 0.48713  # where intervals are cut: at no number that roots like to be
NARROWEST = 1e-11  # of the scale of an interval, that is cut no more
MOST_INTERVALS = 200_000
REFINEMENTS = 60
ASIDE = 1e-9  # of its width, by which an interval is widened where F is 0 at its end


class RootsFound(NamedTuple):
    """Roots in an interval.

    Attributes
    ----------
    x : array
        The roots, rising; each is the only one within its enclosure, and regular.
    enclosures : array (roots, 2)
    certified : bool
        Whether there are no others in the interval: no part of it is undecided.
    undecided : array (parts, 2)
        Where F is not bounded away from 0: it may have a multiple root there, a pole, or come close to 0.
    """

    x: Any
    enclosures: Any
    certified: bool
    undecided: Any


@checked
def all_roots(f: Any, x: Any, interval: Any, values: Any = None) -> RootsFound:
    """All roots of a scalar formula in an interval, by interval Newton steps and bisection.

    An interval on which bounds of `f` exclude 0 has no root; where those of its derivative exclude 0, signs
    at the ends decide between none and one (Moore, Kearfott, Cloud, 2009, chapter 8). All else is cut.

    Parameters
    ----------
    f : Expr of shape ()
        Or an equation ``a == b``.
    x : scalar symbol
    interval : (a, b)
        Two finite numbers; roots at its ends count.
    values : dict, optional
        Numbers for the other symbols of `f`.

    Raises
    ------
    ArgumentError
        For an operation whose bounds are not known, other symbols without values, or no interval.

    Examples
    --------
    >>> import symgrad as sg
    >>> x = sg.symbol("x")
    >>> found = sg.all_roots(sg.sin(x) - x / 10, x, (-10, 10))
    >>> found.x.round(6).tolist(), found.certified
    ([-8.423204, -7.068174, -2.852342, 0.0, 2.852342, 7.068174, 8.423204], True)
    """
    formula, leaf = _scalar(f, x, values, "all_roots")
    try:
        a, b = (float(end) for end in interval)
    except (TypeError, ValueError):
        raise ArgumentError(f"an interval is a pair of numbers (a, b), not {interval!r}") from None
    if not -np.inf < a < b < np.inf:
        raise ArgumentError(f"an interval (a, b) needs finite a < b, got {interval!r}")
    return _Search(formula, leaf, a, b).run()


def _scalar(f: Any, x: Any, values: Any, who: str) -> tuple[Expr, Expr]:
    (leaf,) = check_symbols([adopted(x)], f"the unknown of {who}")
    e = as_expr(f)
    e = e.args[0] - e.args[1] if e.op is equal else e
    if e.shape != () or leaf.shape != ():
        raise ShapeError(f"{who} takes one scalar formula in one scalar unknown")
    if leaf.dtype.kind != "f" or e.dtype.kind not in "fiu":
        raise DTypeError(f"{who} takes real formulas and unknowns, not {leaf.dtype} and {e.dtype}")
    known = {adopted(s): constant(float(v)) for s, v in (values or {}).items()}
    (e,) = replace([e], known, {})
    e = simplify(e)
    others = [str(s.name) for s in free_symbols(e) if s is not leaf]
    if others:
        raise ArgumentError(
            f"{who} needs values for {', '.join(others)}: give values={{symbol: number}}"
        )
    return e, leaf


class _Search:
    """A search under way."""

    def __init__(self, f: Expr, x: Expr, a: float, b: float) -> None:
        self.f, self.x, self.slope = f, x, simplify(diff(f, x))
        self.a, self.b = a, b
        self.scale = max(abs(a), abs(b), b - a)
        self.found: list[tuple[float, float]] = []
        self.undecided: list[tuple[float, float]] = []

    def of(self, low: Any, high: Any) -> Bounds:
        """Bounds of F."""
        return bounds_of_formula(self.f, self.x, low, high)

    def of_slope(self, low: Any, high: Any) -> Bounds:
        """Bounds of its derivative."""
        return bounds_of_formula(self.slope, self.x, low, high)

    def signs(self, x: Any) -> Any:
        """The signs of F at points, 0 where rounding does not tell."""
        low, high = self.of(x, x)
        return np.where(low > 0, 1, np.where(high < 0, -1, 0))

    def run(self) -> RootsFound:
        """Cut until all is decided, or too narrow."""
        low, high = np.array([self.a]), np.array([self.b])
        while low.size:
            keep = self._may_hold(low, high)
            low, high = low[keep], high[keep]
            decided = self._by_slope(low, high)
            low, high = low[~decided], high[~decided]
            narrow = high - low <= NARROWEST * np.maximum(np.abs(low), 1e-3 * self.scale)
            self.undecided += zip(low[narrow].tolist(), high[narrow].tolist(), strict=True)
            low, high = low[~narrow], high[~narrow]
            if low.size > MOST_INTERVALS:
                self.undecided += zip(low.tolist(), high.tolist(), strict=True)
                break
            middle = low + CUT * (high - low)
            low, high = np.concatenate([low, middle]), np.concatenate([middle, high])
        return self._result()

    def _may_hold(self, low: Any, high: Any) -> Any:
        """Where F may be 0, by its bounds, and by its value in the middle with its slope."""
        f = self.of(low, high)
        keep = (f.low <= 0) & (f.high >= 0)  # never where it is nowhere defined
        middle = 0.5 * (low + high)
        at, slope, half = self.of(middle, middle), self.of_slope(low, high), 0.5 * (high - low)
        with np.errstate(all="ignore"):
            reach = np.maximum(np.abs(slope.low), np.abs(slope.high)) * half * (1 + 1e-12)
            away = (at.low - reach > 0) | (at.high + reach < 0)
        return keep & ~away

    def _by_slope(self, low: Any, high: Any) -> Any:
        """Which intervals are decided since F rises or falls on them."""
        slope = self.of_slope(low, high)
        monotone = (slope.low > 0) | (slope.high < 0)
        a, b = self.signs(low), self.signs(high)
        decided = monotone & (a != 0) & (b != 0)
        one = decided & (a != b)
        self.found += [self._refined(*ends) for ends in zip(low[one], high[one], strict=True)]
        for k in np.flatnonzero(monotone & ~decided):
            wider = ASIDE * max(high[k] - low[k], 1e-3 * self.scale)
            ends = np.array([low[k] - wider]), np.array([high[k] + wider])
            outer = self.of_slope(*ends)
            if (outer.low > 0 or outer.high < 0) and (
                self.signs(ends[0]) * self.signs(ends[1]) < 0
            )[0]:
                self.found.append(self._refined(ends[0][0], ends[1][0]))
                decided[k] = True
        return decided

    def _refined(self, low: float, high: float) -> tuple[float, float]:
        """A narrow enclosure of the one root in an interval on which F is monotone."""
        sign = int(self.signs(np.array([high]))[0])
        for _ in range(REFINEMENTS):
            m = 0.5 * (low + high)
            if not low < m < high:
                break
            ends = np.array([low]), np.array([high])
            at, slope = self.of(np.array([m]), np.array([m])), self.of_slope(*ends)
            quotients = [
                f / s for f in (at.low[0], at.high[0]) for s in (slope.low[0], slope.high[0])
            ]
            to = max(low, m - max(quotients)), min(high, m - min(quotients))
            if to[0] <= to[1] and to[1] - to[0] < 0.5 * (high - low):
                low, high = to
                continue
            here = int(self.signs(np.array([m]))[0])
            if here == 0:
                break
            low, high = (low, m) if here == sign else (m, high)
        return float(low), float(high)

    def _result(self) -> RootsFound:
        enclosures: list[tuple[float, float]] = []
        for low, high in sorted(self.found):
            near = 4 * ASIDE * self.scale
            if (
                enclosures
                and low - enclosures[-1][1] <= near
                and self._is_one(enclosures[-1], high)
            ):
                continue  # found from both sides of a cut
            enclosures.append((low, high))
        inside = [(lo, hi) for lo, hi in enclosures if hi >= self.a and lo <= self.b]
        points = np.array([0.5 * (lo + hi) for lo, hi in inside])
        return RootsFound(
            np.clip(points, self.a, self.b),
            np.array(inside).reshape(-1, 2),
            not self.undecided,
            _joined(sorted(self.undecided)),
        )

    def _is_one(self, before: tuple[float, float], high: float) -> bool:
        slope = self.of_slope(np.array([before[0]]), np.array([high]))
        return bool(slope.low[0] > 0 or slope.high[0] < 0)


def _joined(parts: list[tuple[float, float]]) -> Any:
    """Intervals that touch as one."""
    whole: list[list[float]] = []
    for low, high in parts:
        if whole and low <= whole[-1][1]:
            whole[-1][1] = max(whole[-1][1], high)
        else:
            whole.append([low, high])
    return np.array(whole).reshape(-1, 2)


class PolynomialRoots(NamedTuple):
    """The roots of a polynomial, sorted by their real parts, and how often each is one."""

    x: Any
    multiplicity: Any


@checked
def polynomial_roots(f: Any, x: Any, values: Any = None) -> PolynomialRoots:
    """All roots of a polynomial, complex ones too, with their multiplicities.

    Where coefficients are exact, ints and fractions, the polynomial is first parted into factors without
    multiple roots (Yun, 1976), so that multiplicities are exact and multiple roots as accurate as others.
    The roots of a factor are the eigenvalues of its companion matrix, with two Newton steps.

    Parameters
    ----------
    f : Expr of shape ()
        A polynomial in `x`, in any form.
    x : scalar symbol
    values : dict, optional
        Numbers for the other symbols.

    Raises
    ------
    ArgumentError
        If `f` is no polynomial in `x`, or is zero.

    Examples
    --------
    >>> import symgrad as sg
    >>> x = sg.symbol("x")
    >>> found = sg.polynomial_roots((x - 1) ** 3 * (x**2 + 4), x)
    >>> found.x.round(12).tolist(), found.multiplicity.tolist()
    ([-2j, 2j, (1+0j)], [1, 1, 3])
    """
    from symgrad.interop.sympy import to_sympy  # noqa: PLC0415 (polynomials over the rationals)

    formula, leaf = _scalar(f, x, values, "polynomial_roots")
    import sympy  # noqa: PLC0415

    try:
        polynomial = sympy.Poly(to_sympy(formula), to_sympy(leaf))
    except sympy.PolynomialError:
        raise ArgumentError(f"{formula} is no polynomial in {leaf.name}") from None
    if polynomial.is_zero:
        raise ArgumentError("the polynomial is 0: every number is a root")
    exact = polynomial.domain.is_ZZ or polynomial.domain.is_QQ
    factors = polynomial.sqf_list()[1] if exact else [(polynomial, 1)]
    roots, counts = [], []
    for factor, count in factors:
        found = _simple_roots(np.array([float(c) for c in factor.all_coeffs()]))
        roots += found.tolist()
        counts += [count] * len(found)
    order = sorted(range(len(roots)), key=lambda i: (round(roots[i].real, 10), roots[i].imag))
    return PolynomialRoots(
        np.array([roots[i] for i in order], complex), np.array([counts[i] for i in order], int)
    )


def _simple_roots(coefficients: Any) -> Any:
    """The roots of a polynomial by its coefficients, the highest first."""
    scaled = coefficients / np.abs(coefficients).max()
    z = np.roots(scaled).astype(complex)
    slope = np.polyder(scaled)
    with np.errstate(all="ignore"):
        for _ in range(2):
            step = np.polyval(scaled, z) / np.polyval(slope, z)
            better = z - step
            lower = np.abs(np.polyval(scaled, better)) < np.abs(np.polyval(scaled, z))
            z = np.where(np.isfinite(step) & lower, better, z)
    parts = np.where(np.abs(z.imag) <= 1e-14 * np.abs(z), z.real, z)
    return np.where(np.abs(parts.real) <= 1e-14 * np.abs(parts), 1j * parts.imag, parts) + 0.0
