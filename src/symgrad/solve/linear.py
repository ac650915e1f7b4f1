"""`solve_linear`: linear equations solved as formulas.

Up to three unknowns are quotients of determinants (Cramer's rule), which is how one writes them; more are
found by Gaussian elimination, whose quotients are nodes of the graph.

A formula that is zero is a pivot that must not be taken, and it may not look like zero. So each entry
carries its values at some points, where the symbols are random numbers (positive ones, and such of both
signs): what vanishes at all of them, but for rounding, is zero (Schwartz, J. ACM 27, 1980).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from symgrad.autodiff import diff
from symgrad.compile.lambdify import lambdify
from symgrad.errors import ArgumentError, ShapeError
from symgrad.expr.dims import show_shape
from symgrad.expr.formulas import Formulas
from symgrad.expr.leaves import SYMBOL, assumed, number, value_of
from symgrad.expr.node import Expr
from symgrad.expr.rewriting import replace
from symgrad.expr.traverse import check_symbols, free_symbols, toposort
from symgrad.ops.applied import exchanged, stand_ins, with_functions
from symgrad.ops.arithmetic import ADD
from symgrad.ops.elementwise import adopted, as_expr
from symgrad.ops.ufuncs import equal
from symgrad.rewrite import simplify

POINTS: Final = 4  # of each kind
ROUNDING: Final = 1e-9
CRAMER: Final = 3  # unknowns up to which determinants are written out
EXTENT: Final = 3  # of axes whose extent is a name, in samples


class SampledEntry(NamedTuple):
    """A formula, and its values at the sample points."""

    formula: Expr
    values: Any

    @property
    def zero(self) -> bool:
        """Whether it vanishes."""
        return bool(value_of(self.formula) == 0)


ZERO: Final = SampledEntry(number(0), np.zeros(2 * POINTS))
ONE: Final = SampledEntry(number(1), np.ones(2 * POINTS))


@with_functions("unknowns")
def solve_linear(eqs: Any, unknowns: Any, *, dict: bool = False) -> Any:
    """The solution of linear equations, as formulas.

    Parameters
    ----------
    eqs : Expr, or list of Expr
        Scalars that shall be zero, or equations ``a == b``.
    unknowns : scalar symbol, or list of them
        Applied functions such as ``q(t)`` and their derivatives count as symbols.
    dict : bool
        Return a dict from unknowns to formulas.

    Returns
    -------
    list of Expr
        One for each unknown, simplified; for an unknown that is no list the formula itself.

    Raises
    ------
    ArgumentError
        If an equation is not linear in the unknowns, the equations do not determine an unknown, or they
        contradict each other.
    ShapeError
        If an equation or an unknown is no scalar.

    Examples
    --------
    >>> import symgrad as sg
    >>> x, y, a, b = sg.symbols("x y a b")
    >>> print(sg.solve_linear(a * x + b, x), sg.solve_linear([2 * x + y == 5, x - y == 1], [x, y]))
    -b/a [2, 1]
    """
    many = isinstance(unknowns, (list, tuple))
    leaves = check_symbols(
        [adopted(x) for x in (unknowns if many else [unknowns])], "an unknown of solve_linear"
    )
    residuals = [_residual(y) for y in (eqs if isinstance(eqs, (list, tuple)) else [eqs])]
    _check(residuals, leaves)
    rows = _sampled(_rows(residuals, leaves))
    small = len(leaves) <= CRAMER and len(rows) == len(leaves)
    found = _by_determinants(rows) if small else None
    if found is None:
        found = _by_elimination(rows, leaves)
    results = [simplify(e) for e in found]
    if dict:
        return {x: e for x, e in zip(leaves, results, strict=True)}
    return Formulas(results) if many else results[0]


def _residual(y: Any) -> Expr:
    e = as_expr(y)
    return e.args[0] - e.args[1] if e.op is equal else e


def _check(residuals: Sequence[Expr], leaves: Sequence[Expr]) -> None:
    if not leaves:
        raise ArgumentError("solve_linear needs at least one unknown")
    for i, x in enumerate(leaves):
        if any(x is other for other in leaves[:i]):
            raise ArgumentError(f"the unknown {x.name!r} is given twice")
    for e in [*residuals, *leaves]:
        if e.shape != ():
            what = f"the unknown {e.name!r}" if e.op is SYMBOL else "an equation"
            raise ShapeError(
                f"{what} has shape {show_shape(e.shape)}; solve_linear is for scalars: write"
                " linalg.solve(A, b) for a matrix A and a vector b"
            )


def _rows(residuals: Sequence[Expr], leaves: Sequence[Expr]) -> list[list[Expr]]:
    """Coefficients and right-hand side of each equation."""
    rows = []
    zeros = {x: number(0) for x in leaves}
    for k, residual in enumerate(residuals, 1):
        row = [_coefficient(residual, x, leaves, k) for x in leaves]
        rest = simplify(replace([residual], zeros, {})[0])
        value = value_of(rest)
        if isinstance(value, float) and not np.isfinite(value):
            raise ArgumentError(
                f"equation {k}, {residual} = 0, is not linear: it has no value at 0"
            )
        rows.append([*row, simplify(-rest)])
    return rows


def _coefficient(residual: Expr, x: Expr, leaves: Sequence[Expr], k: int) -> Expr:
    slope = diff(residual, x)
    if not set(free_symbols(slope)).isdisjoint(leaves):
        slope = simplify(slope, "full")
    found = set(free_symbols(slope))
    mentioned = [u for u in leaves if u in found]
    if mentioned:
        product = "" if x in found else f", which it multiplies with {mentioned[0].name}"
        raise ArgumentError(
            f"equation {k}, {residual} = 0, is not linear in {x.name}{product}; write newton_root for"
            " equations that are not linear"
        )
    return slope


# Sample points


def _sampled(rows: list[list[Expr]]) -> list[list[SampledEntry]]:
    """The entries with their values; what vanishes at all points is zero."""
    formulas = [e for row in rows for e in row]
    flat = exchanged(formulas, stand_ins(formulas))
    terms = [list(e.args) if e.op is ADD else [e] for e in flat]  # what may cancel in it
    symbols = free_symbols(*flat)
    run = lambdify(symbols, [flat, terms])
    random = np.random.default_rng(20260)
    values, scales = [], []
    for k in range(2 * POINTS):
        point = [_value(x, random, k < POINTS) for x in symbols]
        with np.errstate(all="ignore"):
            got, parts = run(*point)
        values.append([float(v) for v in got])
        scales.append([sum(abs(float(part)) for part in p) for p in parts])
    made = map(_entry, formulas, np.transpose(values), np.transpose(scales))
    return [[next(made) for _ in row] for row in rows]


def _value(x: Expr, random: np.random.Generator, positive: bool) -> Any:
    shape = tuple(d if isinstance(d, int) else EXTENT for d in x.shape)
    if x.dtype.kind in "iu":
        return random.integers(1, 9, shape)
    value = random.uniform(0.3, 1.7, shape)
    if assumed(x, "negative"):
        return -value
    if positive or assumed(x, "positive", "nonnegative"):
        return value
    return value * random.choice([-1.0, 1.0], shape)


def _entry(formula: Expr, values: Any, scale: Any) -> SampledEntry:
    if value_of(formula) == 0:
        return ZERO
    known = np.isfinite(values) & np.isfinite(scale)
    if known.any() and np.all(np.abs(values[known]) <= ROUNDING * scale[known]):
        return ZERO
    return SampledEntry(formula, values)


def _times(a: SampledEntry, b: SampledEntry) -> SampledEntry:
    if a.zero or b.zero:
        return ZERO
    with np.errstate(all="ignore"):
        return SampledEntry(a.formula * b.formula, a.values * b.values)


def _over(a: SampledEntry, b: SampledEntry) -> SampledEntry:
    if a.zero:
        return ZERO
    with np.errstate(all="ignore"):  # a sample point may be a zero of b
        return SampledEntry(a.formula / b.formula, a.values / b.values)


def _minus(a: SampledEntry, b: SampledEntry) -> SampledEntry:
    if b.zero:
        return a
    with np.errstate(all="ignore"):
        scale = np.abs(a.values) + np.abs(b.values)
        return _entry(a.formula - b.formula, a.values - b.values, scale)


# Determinants


def _by_determinants(rows: Sequence[Sequence[SampledEntry]]) -> list[Expr] | None:
    """Cramer's rule; None where the determinant is zero."""
    n = len(rows)
    matrix = [list(row[:n]) for row in rows]
    det = _determinant(matrix)
    if det.zero:
        return None
    value = value_of(det.formula)
    if (
        n > 1 and value is not None and value < 0
    ):  # of two rows changed, both determinants are negative
        return _by_determinants([rows[1], rows[0], *rows[2:]])
    found = []
    for k in range(n):
        changed = [[*row[:k], row[n], *row[k + 1 : n]] for row in rows]
        found.append(_over(_determinant(changed), det).formula)
    return found


def _determinant(matrix: Sequence[Sequence[SampledEntry]]) -> SampledEntry:
    """By the first row; of matrices of `CRAMER` rows at most."""
    if len(matrix) == 1:
        return matrix[0][0]
    if len(matrix) == 2:
        (a, b), (c, d) = matrix
        return _minus(_times(a, d), _times(b, c))
    total = ZERO
    for k, head in enumerate(matrix[0]):
        minor = _determinant([[*row[:k], *row[k + 1 :]] for row in matrix[1:]])
        term = _times(head, minor)
        total = _minus(
            total, _times(SampledEntry(number(-1), -ONE.values), term) if k % 2 == 0 else term
        )
    return total


# Elimination


def _by_elimination(rows: Sequence[Sequence[SampledEntry]], leaves: Sequence[Expr]) -> list[Expr]:
    n = len(leaves)
    system = [list(row) for row in rows]
    for k in range(n):
        candidates = [i for i in range(k, len(system)) if not system[i][k].zero]
        if not candidates:
            _check_consistent(system[k:], n)
            raise ArgumentError(
                f"the equations do not determine {leaves[k].name}: their matrix is singular, or there are"
                " too few of them"
            )
        best = min(candidates, key=lambda i: _pivot_cost(system[i][k].formula))
        system[k], system[best] = system[best], system[k]
        pivot = system[k]
        for row in system[k + 1 :]:
            if row[k].zero:
                continue
            factor = _over(row[k], pivot[k])
            row[k] = ZERO
            for j in range(k + 1, n + 1):
                row[j] = _minus(row[j], _times(factor, pivot[j]))
    _check_consistent(system[n:], n)
    found: list[SampledEntry] = []
    for k in reversed(range(n)):
        total = system[k][n]
        for j, x in enumerate(reversed(found), k + 1):
            total = _minus(total, _times(system[k][j], x))
        found.append(_over(total, system[k][k]))
    return [entry.formula for entry in reversed(found)]


def _pivot_cost(formula: Expr) -> int:
    return 0 if value_of(formula) is not None else len(toposort([formula]))


def _check_consistent(rows: Sequence[Sequence[SampledEntry]], n: int) -> None:
    for row in rows:
        if all(entry.zero for entry in row[:n]) and not row[n].zero:
            raise ArgumentError(
                f"the equations contradict each other: they hold only where {row[n].formula} is 0"
            )
