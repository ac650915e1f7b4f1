"""What is asked of a fit when it is done: a summary, intervals of confidence, residuals and their plot."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from symgrad.errors import ArgumentError
from symgrad.expr.leaves import constant, symbol, value_of
from symgrad.expr.node import Expr
from symgrad.expr.rewriting import replace
from symgrad.print.latex import latex
from symgrad.solve.conditions import Conditions, compiled
from symgrad.solve.problem import Problem
from symgrad.solve.runtime.arguments import Problems, SolverCall, Tolerances, split
from symgrad.solve.runtime.omit import without_missing
from symgrad.solve.runtime.results import Fit

STEPS: Final = 60  # towards an end of an interval
CLOSE: Final = 1e-8  # of the quantile, at an end of an interval
FAR: Final = 1e3  # standard errors: beyond that an interval is taken to be open


class Row(NamedTuple):
    """One parameter of a fit: its name as text and LaTeX, its value and its standard error."""

    name: str
    latex: str
    value: float
    stderr: float  # nan where it was fixed


class Summary:
    """A fit as a table; `str` is text, `latex` the table for a paper, and notebooks show that.

    Attributes
    ----------
    rows : list of Row
    notes : dict
        Numbers of residuals and of degrees of freedom, the residual standard deviation, and how the solver
        ended.
    correlations : list of (name, name, float)
        Those above 0.9 in size.
    """

    def __init__(
        self, rows: list[Row], notes: dict[str, Any], correlations: list[tuple[str, str, float]]
    ) -> None:
        self.rows, self.notes, self.correlations = rows, notes, correlations

    def __str__(self) -> str:
        cells = [("parameter", "value", "std. error", "relative")]
        cells += [(row.name, f"{row.value:.8g}", *_errors(row)) for row in self.rows]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        lines = [
            "  ".join(
                c.ljust(w) if k == 0 else c.rjust(w)
                for k, (c, w) in enumerate(zip(row, widths, strict=True))
            )
            for row in cells
        ]
        lines.insert(1, "-" * len(lines[0]))
        lines += ["", *[f"{key}: {value}" for key, value in self.notes.items()]]
        lines += [f"correlation of {a} and {b}: {c:.4f}" for a, b, c in self.correlations]
        return "\n".join(line.rstrip() for line in lines)

    __repr__ = __str__

    def latex(self) -> str:
        """The table as LaTeX's ``tabular``."""
        lines = [r"\begin{tabular}{lrrr}", r"\hline"]
        lines.append(r"parameter & value & standard error & relative \\ \hline")
        for row in self.rows:
            parts = [_power(f"{row.value:.8g}"), *map(_power, _errors(row))]
            lines.append(f"${row.latex}$ & {' & '.join(parts)} " + r"\\")
        return "\n".join([*lines, r"\hline", r"\end{tabular}"])

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{c}</th>" for c in ("parameter", "value", "std. error", "relative"))
        body = "".join(
            "<tr>"
            + "".join(f"<td>{c}</td>" for c in (r.name, f"{r.value:.8g}", *_errors(r)))
            + "</tr>"
            for r in self.rows
        )
        return f"<table><tr>{head}</tr>{body}</table>"


def _errors(row: Row) -> tuple[str, str]:
    if np.isnan(row.stderr):
        return "fixed", ""
    relative = abs(row.stderr / row.value) if row.value else np.inf
    return f"{row.stderr:.4g}", f"{relative:.2%}" if np.isfinite(relative) else "-"


def _power(text: str) -> str:
    """A number of Python as LaTeX."""
    digits, found, exponent = text.partition("e")
    if not found or not digits[-1:].isdigit():
        return text.replace("%", r"\%").replace("inf", r"$\infty$")
    return rf"${digits} \cdot 10^{{{int(exponent)}}}$"


class FitConditions(Conditions):
    """The conditions of a fit, with its residuals.

    Parameters
    ----------
    given : Problem
        What the solver is called for: `problem` without weights of residuals that may be left out.
    residuals : sequence of Expr
        Over their standard deviations, before a loss.
    fixed : dict from symbols to Expr
        Unknowns that keep their values.
    options : dict
        `absolute`, and how the solver was made.
    """

    def __init__(
        self,
        *args: Any,
        given: Problem,
        residuals: Sequence[Expr],
        fixed: dict[Expr, Expr],
        options: dict[str, Any],
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.of, self.fixed, self.options, self.given = tuple(residuals), fixed, options, given
        self._residuals: Callable[..., Any] | None = None
        self._probe: Callable[..., Any] | None = None

    def problems(self, x: Any, params: tuple[Any, ...]) -> Problems:
        """The problems of a call, with what is left out."""
        if self.options["nan_policy"] != "omit":
            return super().problems(x, params)
        if self._probe is None:
            self._probe = compiled("probe", self.given, list(self.given.formulas))
        options = self.call_options()
        call = SolverCall(self.given.form, x, params, options, Tolerances(0.0), 0, False, None)
        return without_missing(self._probe, call)

    def residuals(self, solution: Fit) -> Any:
        """The residuals at a solution, in the shapes of their formulas after the axes of a batch."""
        if self._residuals is None:
            self._residuals = compiled("residuals", self.problem, list(self.of))
        problems = self.problems(solution.x, solution.origin[1][1:])
        found = self._residuals(*split(problems.x, problems.shapes), *problems.params)
        parts = [np.reshape(v, (*problems.batch, *np.shape(v)[1:])) for v in found]
        return parts if len(parts) > 1 else parts[0]

    def names(self, solution: Fit) -> list[tuple[str, str]]:
        """Names of the flattened unknowns, as text and LaTeX."""
        found = []
        problems = self.problems(solution.x, solution.origin[1][1:])
        for x, shape in zip(self.problem.unknowns, problems.shapes, strict=True):
            text, tex = str(x.name), latex(x)
            for index in np.ndindex(*shape):
                listed = ", ".join(map(str, index))
                found.append((f"{text}[{listed}]", f"{tex}_{{{listed}}}") if index else (text, tex))
        return found

    def summary(self, solution: Fit) -> Summary:
        """See `Fit.summary`."""
        flat = _single(solution)
        rows = [
            Row(*name, float(value), float(error))
            for name, value, error in zip(self.names(solution), flat, solution.stderr, strict=True)
        ]
        for x, e in self.fixed.items():
            value = value_of(e)
            if value is not None:
                rows.append(Row(str(x.name), latex(x), float(value), np.nan))
        notes = {
            "residuals": solution.dof + len(flat),
            "degrees of freedom": solution.dof,
            "residual standard deviation": f"{solution.residual_std:.6g}",
            "status": f"{solution.status} after {solution.iterations} iterations",
        }
        if self.options["loss"] != "linear":
            notes["loss"] = f"{self.options['loss']}, from {self.options['f_scale']:g} on"
        names = [row.name for row in rows]
        with np.errstate(all="ignore"):
            matrix = solution.covariance / solution.stderr[:, None] / solution.stderr
        close = [
            (names[i], names[j], float(matrix[i, j]))
            for i, j in zip(*np.nonzero(np.triu(np.abs(matrix) > 0.9, 1)), strict=True)
        ]
        return Summary(rows, notes, close)

    def confidence(self, solution: Fit, level: float) -> Any:
        """See `Fit.confidence`."""
        flat = _single(solution)
        if not solution.converged:
            raise ArgumentError("only a fit that converged has intervals of confidence")
        number = isinstance(level, (int, float)) and not isinstance(level, bool)
        if not number or not 0 < level < 1:
            raise ArgumentError(f"the level must be between 0 and 1, not {level!r}")
        quantile = _quantile(level, solution.dof, self.options["absolute"])
        profiles = [_Profile(self, solution, flat, j) for j in range(len(flat))]
        return np.array([[p.end(side, quantile) for side in (-1, 1)] for p in profiles])

    def plot(self, solution: Fit, axes: Any) -> Any:
        """See `Fit.plot`."""
        try:
            from matplotlib import pyplot  # noqa: PLC0415 (an extra)
        except ImportError as error:
            raise ArgumentError(
                "a plot needs matplotlib: install the extra, pip install 'symgrad[plot]'"
            ) from error
        _single(solution)
        parts = self.residuals(solution)
        r = np.concatenate([np.ravel(v) for v in (parts if isinstance(parts, list) else [parts])])
        if axes is None:
            _, axes = pyplot.subplots(1, 2, figsize=(9, 3.5), layout="constrained")
        of_points, of_counts = np.ravel(axes)[:2]
        of_points.axhline(0.0, color="0.7", linewidth=1)
        of_points.plot(np.arange(r.size), r, ".")
        of_points.set(xlabel="number", ylabel="residual")
        of_counts.hist(r[np.isfinite(r)], bins="auto")
        of_counts.set(xlabel="residual", ylabel="count")
        return axes


def _single(solution: Fit) -> Any:
    """The flattened unknowns of one problem."""
    if np.ndim(solution.status):
        raise ArgumentError("this is for one fit; solve the member of the batch by itself")
    parts = solution.x if isinstance(solution.x, list) else [solution.x]
    return np.concatenate([np.ravel(v) for v in parts])


def _quantile(level: float, dof: int, absolute: bool) -> float:
    """Of Student's distribution, two-sided; of the normal one where deviations are known."""
    try:
        from scipy import special  # noqa: PLC0415 (an extra)
    except ImportError as error:
        raise ArgumentError(
            "intervals of confidence need SciPy: install the extra, pip install 'symgrad[scipy]'"
        ) from error
    p = 0.5 + level / 2
    if not absolute and dof < 1:
        raise ArgumentError("without degrees of freedom there are no intervals of confidence")
    return float(special.ndtri(p) if absolute else special.stdtrit(dof, p))


class _Profile:
    """The sum of squares as a function of one parameter, minimised over the others.

    Its root ``sqrt((S(c) - S)/s**2)``, signed, would be ``(c - x)/stderr`` of a linear model; ends of an
    interval are where that is the quantile (Bates and Watts, "Nonlinear Regression Analysis", 1988, 6.1).
    """

    def __init__(self, conditions: FitConditions, solution: Fit, flat: Any, place: int) -> None:
        self.solution, self.flat, self.place = solution, flat, place
        self.error = float(np.ravel(solution.stderr)[place])
        self.least = float(solution.residual) ** 2
        solver, given = solution.origin
        self.unit = 1.0 if conditions.options["absolute"] else float(solution.residual_std) ** 2
        self.solve, self.start = _without_one(conditions, solver, given, solution.x, place)

    def end(self, side: int, quantile: float) -> float:
        """Where the profile reaches the quantile; infinite where it does not."""
        center = float(self.flat[self.place])
        if not np.isfinite(self.error) or self.error == 0:
            return float(side * np.inf)
        low, high, start = 0.0, 1.0, self.start
        below = -quantile
        for _ in range(STEPS):  # a multiple of quantile*stderr on each side of the end
            above, start = self.at(center + side * high * quantile * self.error, start, quantile)
            if above >= 0:
                break
            low, below, high = high, above, 2 * high
            if high > FAR:
                return float(side * np.inf)
        for _ in range(STEPS):
            part = low - below * (high - low) / (above - below) if np.isfinite(above) else np.nan
            middle = part if low < part < high else 0.5 * (low + high)
            value, start = self.at(center + side * middle * quantile * self.error, start, quantile)
            if abs(value) <= CLOSE * quantile or high - low <= CLOSE * high:
                return float(center + side * middle * quantile * self.error)
            if value < 0:
                low, below, above = middle, value, 0.5 * above if above > 0 else above
            else:
                high, above, below = middle, value, 0.5 * below
        raise ArgumentError("the profile of the sum of squares is too rough for an interval")

    def at(self, value: float, start: Any, quantile: float) -> tuple[float, Any]:
        """The signed root of the profile less the quantile, and where the others are."""
        size, there = self.solve(start, value)
        more = max(size**2 - self.least, 0.0) / self.unit
        if not np.isfinite(more):
            return np.inf, start
        return float(np.sqrt(more) - quantile), there


def _without_one(
    conditions: FitConditions, solver: Any, given: tuple[Any, ...], x: Any, place: int
) -> tuple[Callable[[Any, float], tuple[float, Any]], Any]:
    """The fit of the other unknowns, by a value of one; and its start."""
    problem = conditions.problem
    shapes = conditions.problems(x, given[1:]).shapes
    sizes = [int(np.prod(s)) for s in shapes]
    which = int(np.searchsorted(np.cumsum(sizes), place, side="right"))
    leaf = problem.unknowns[which]
    held = symbol(f"fixed {leaf.name}")
    if shapes[which]:  # the others of its entries are fitted, and it itself is a column of zeros
        one = np.zeros(shapes[which])
        one.flat[place - sum(sizes[:which])] = 1.0
        instead, free = leaf * constant(1.0 - one) + held * constant(one), list(problem.unknowns)
    else:
        instead, free = held, [u for u in problem.unknowns if u is not leaf]
    formulas = replace(list(problem.formulas), {leaf: instead}, {})
    params = given[1:]
    if not free:
        alone = compiled(
            "alone", problem._replace(unknowns=(), params=(*problem.params, held)), formulas
        )

        def size_of(start: Any, value: float) -> tuple[float, Any]:
            arrays = [np.asarray(p)[None] for p in (*params, value)]
            return float(np.sqrt(sum(np.sum(np.square(v)) for v in alone(*arrays)))), start

        return size_of, None
    fit = solver.again(formulas, free, [*problem.params, held])

    def solve(start: Any, value: float) -> tuple[float, Any]:
        found = fit(start, *params, value)
        return (float(found.residual), found.x) if found.converged else (np.inf, start)

    parts = (
        x if isinstance(x, list) else [x[i] for i in range(len(sizes))] if len(sizes) > 1 else [x]
    )
    kept = [v for u, v in zip(problem.unknowns, parts, strict=True) if any(u is f for f in free)]
    return solve, kept
