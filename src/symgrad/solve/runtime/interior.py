"""Minima under equations and bounds: a primal-dual interior point method with a filter line search.

    min f(x)   such that   c(x) = 0,   low <= x <= high

Bounds become ``-mu*sum(log(x - low) + log(high - x))``, with mu going to 0; Newton's method is for the
equations that then hold, with ``L = f + y.c``, distances ``X = x - low`` and multipliers z of the bounds:

    grad L - z = 0,   c = 0,   X*z = mu

    [ H + z/X + delta   A.T ] [ dx ]     [ grad L - mu/X ]
    [ A              -delta'] [ dy ] = - [ c             ]

delta is raised until that matrix has as many positive eigenvalues as there are unknowns, and as many
negative ones as equations, so that dx leads downhill on the constraints. Steps are shortened until they
lower the violation ``|c|`` or the barrier function, and are no pair that the filter has seen. Where no step
does, the violation alone is minimised (restoration), by the same method on ``c - p + q = 0``, p, q >= 0;
where that ends at a violation, no point near meets the constraints.

After Waechter and Biegler, "On the implementation of an interior-point filter line-search algorithm for
large-scale nonlinear programming", Math. Programming 106 (2006); its letters are those of the constants.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from symgrad.solve.runtime.ending import EPS
from symgrad.solve.runtime.results import Status

FIRST_BARRIER = 0.1  # mu
LEAST_BARRIER = 0.1  # of the tolerance
SOLVED = 10.0  # times mu: the error to which a barrier problem is solved (kappa_epsilon)
BARRIER_RATES = (0.2, 1.5)  # by which mu falls: a factor, and a power (kappa_mu, theta_mu)
INSIDE = 1e-2  # how far the start is moved into the bounds (kappa_1, kappa_2)
TO_THE_EDGE = 0.99  # of the way to a bound that a step may go, at least (tau_min)
DUAL_RANGE = 1e10  # of mu/X, within which multipliers are kept (kappa_sigma)
MARGIN = 1e-5  # by which a step must lower violation or barrier function (gamma_theta, gamma_phi)
ARMIJO = 1e-8  # of the fall foretold (eta_phi)
POWERS = (1.1, 2.3)  # of violation and slope, in the switching condition (s_theta, s_phi)
SHORTEST_PART = 0.05  # of the least part of a step that could do (gamma_alpha)
CORRECTIONS = 4  # of second order
CORRECTED = 0.99  # of the violation, that a correction leaves at most (kappa_soc)
RESTORED = 0.9  # of the violation, that a restoration leaves at most (kappa_resto)
PENALTY = 1e3  # of violations in a restoration (rho)
MOST_SHIFTED = 1e30  # delta, beyond which there is no step
SHIFTS = (1e-4, 1 / 3, 100.0, 8.0)  # first delta, and how it falls and rises
ENDLESS = 1e12  # against the objective and the unknowns at the start
PATIENCE = 50  # steps in which the violation is to be halved, at least
ESTIMATES = 1e3  # the largest multipliers that a start has
TINY = 10 * EPS  # a step that the last bits of x do not show


class NonlinearProgram(Protocol):
    """An objective with equations and bounds.

    Attributes
    ----------
    low, high : arrays (n,)
        With ``low < high``; infinite where there is none.
    equations : int
    """

    low: Any
    high: Any
    equations: int

    def at(self, x: Any) -> tuple[float, Any, Any, Any]:
        """Value, equations (m,), gradient (n,) and Jacobian (m, n)."""

    def curvature(self, x: Any, y: Any, weight: float = 1.0) -> Any:
        """The Hessian of ``weight*f + y.c``."""


class _At:
    """A point, and what is there."""

    __slots__ = ("c", "f", "finite", "g", "jac", "violation", "x")

    def __init__(self, x: Any, f: float, c: Any, g: Any, jac: Any) -> None:
        self.x, self.f, self.c, self.g, self.jac = x, f, c, g, jac
        total = float(np.abs(c).sum())
        known = f - f == 0.0 and total - total == 0.0
        self.violation = total if known else np.inf
        # a sum is finite where its terms are, but for an overflow
        self.finite = bool(known and np.isfinite(g).all() and np.isfinite(jac).all())


class Interior:
    """The iteration on one problem; `x`, `y`, `low_z` and `high_z` are where it is."""

    def __init__(self, program: NonlinearProgram, x: Any, tol: float, maxiter: int) -> None:
        self.program, self.tol, self.maxiter = program, tol, maxiter
        self.low, self.high = program.low, program.high
        self.has_low, self.has_high = np.isfinite(self.low), np.isfinite(self.high)
        self.now = self._at(self._inside(x))
        self.low_z, self.high_z = 1.0 * self.has_low, 1.0 * self.has_high
        self.y = np.zeros(program.equations)
        self.mu = FIRST_BARRIER if (self.has_low | self.has_high).any() else 0.0
        self.count, self.shift, self.tiny = 0, 0.0, 0
        self.top = np.abs(self.now.x)  # the largest magnitudes so far
        self.errors: tuple[float, float, Any, float] | None = None  # here, once they are known
        self.filter: list[tuple[float, float]] = []
        self.first, self.noted = self.now, np.inf
        self.restores = True  # whether a restoration may be begun
        self.tell: Callable[[Any, Any], None] | None = None
        self.stop: Callable[[Any], bool] | None = None  # whether a restoration has done its work

    def _at(self, x: Any) -> _At:
        try:
            return _At(x, *self.program.at(x))
        except np.linalg.LinAlgError:
            n, m = x.size, self.program.equations
            nothing = np.full(m, np.nan), np.full(n, np.nan), np.full((m, n), np.nan)
            return _At(x, np.nan, *nothing)

    def _inside(self, x: Any) -> Any:
        """The start, moved off the bounds."""
        width = self.high - self.low
        room = np.where(np.isfinite(width), INSIDE * width, np.inf)
        below = np.minimum(INSIDE * np.maximum(1.0, np.abs(self.low)), room)
        above = np.minimum(INSIDE * np.maximum(1.0, np.abs(self.high)), room)
        x = np.where(self.has_low, np.maximum(x, self.low + below), x)
        return np.where(self.has_high, np.minimum(x, self.high - above), x)

    def run(self) -> Status:
        """Iterate until a point of Karush, Kuhn and Tucker is met, or none is to be met."""
        if not self.now.finite:
            return Status.NON_FINITE
        self._begin()
        while True:
            self.errors = None
            if self.error(0.0) <= self.tol:
                return Status.CONVERGED
            if self.stop is not None and self.stop(self.now.x):
                return Status.CONVERGED
            if self._is_endless():
                return Status.UNBOUNDED
            if self.count >= self.maxiter:
                return Status.ITERATION_LIMIT
            self._lower_barrier()
            step = None if self._is_idle() else self._step()
            if step is None:
                status = self._restored()
            else:
                if self.tell is not None:
                    self.tell(self, step[0])
                status = self._go(*step)
            if status is not None:
                return status
            self.count += 1

    def _begin(self) -> None:
        """Filter and multipliers at the start."""
        start = max(1.0, self.now.violation)
        self.most, self.least = 1e4 * start, 1e-4 * start
        if self.program.equations:
            self.y = self._estimated()

    def _estimated(self) -> Any:
        """Multipliers of least squares; zeros where they are large."""
        slope = self.now.g - self.low_z + self.high_z
        y = np.linalg.lstsq(self.now.jac.T, -slope, rcond=None)[0]
        return y if np.abs(y).max(initial=0.0) <= ESTIMATES else np.zeros(y.shape)

    # How far it is

    @property
    def distances(self) -> tuple[Any, Any]:
        """From the bounds."""
        return self.now.x - self.low, self.high - self.now.x

    def error(self, mu: float) -> float:
        """The largest error of the equations of the barrier problem, against multipliers that are large."""
        if self.errors is None:
            self.errors = self._errors()
        slope, left, products, dual = self.errors
        most = float(np.abs(products - mu).max()) if products.size else 0.0
        return float(max(slope / dual, left, most / dual))

    def _errors(self) -> tuple[float, float, Any, float]:
        """Of the slope and of the equations, products of distances and multipliers, and their scale."""
        slope = self.now.g + self.now.jac.T @ self.y - self.low_z + self.high_z
        z = np.concatenate([self.low_z[self.has_low], self.high_z[self.has_high]])
        total = float(np.abs(self.y).sum() + np.abs(z).sum())
        dual = max(100.0, total / max(1, self.y.size + z.size)) / 100.0
        below, above = self.distances
        products = z * np.concatenate([below[self.has_low], above[self.has_high]])
        left = float(np.abs(self.now.c).max(initial=0.0))
        return float(np.abs(slope).max(initial=0.0)), left, products, dual

    def barrier(self, at: _At) -> float:
        """The objective with the logarithms of the distances."""
        if not self.mu:
            return at.f
        below = (at.x - self.low)[self.has_low]
        above = (self.high - at.x)[self.has_high]
        if (below <= 0).any() or (above <= 0).any():
            return np.inf
        return float(at.f - self.mu * (np.log(below).sum() + np.log(above).sum()))

    def _barrier_slope(self) -> Any:
        below, above = self.distances
        slope = self.now.g - np.where(self.has_low, self.mu / below, 0.0)
        return slope + np.where(self.has_high, self.mu / above, 0.0)

    def _lower_barrier(self) -> None:
        """The next mu, where the problem of this one is solved."""
        least = LEAST_BARRIER * self.tol
        while self.mu > least and (self.error(self.mu) <= SOLVED * self.mu or self.tiny > 1):
            factor, power = BARRIER_RATES
            self.mu = max(least, min(factor * self.mu, self.mu**power))
            self.filter.clear()
            self.tiny = 0

    def _is_endless(self) -> bool:
        top = ENDLESS * max(1.0, np.abs(self.first.x).max(initial=0.0))
        falls = self.now.f < -ENDLESS * max(1.0, abs(self.first.f))
        far = np.abs(self.now.x).max(initial=0.0) > top and self.now.f < self.first.f
        met = np.abs(self.now.c) <= np.maximum(
            1e-6 * max(1.0, self.first.violation), self._level(self.now)
        )
        return bool((falls or far) and met.all())

    def _level(self, at: _At) -> Any:
        """What rounding may make of the equations, by their terms of first order."""
        return 8 * EPS * (np.abs(at.jac) @ np.abs(at.x) + np.abs(at.c))

    def _is_idle(self) -> bool:
        """Whether many steps have done nothing about the violation."""
        if self.count % PATIENCE:
            return False
        before, self.noted = self.noted, self.now.violation
        idle = self.now.violation > max(0.5 * before, 1e3 * self.tol)
        return self.count > 0 and self.restores and idle

    # The step

    def _step(self) -> Any:
        """Newton's step, its matrix and right-hand side; None where there is none."""
        below, above = self.distances
        sigma = np.where(self.has_low, self.low_z / below, 0.0)
        sigma += np.where(self.has_high, self.high_z / above, 0.0)
        hessian = self.program.curvature(self.now.x, self.y)
        if not np.isfinite(hessian).all():
            return None
        n, m = self.now.x.size, self.y.size
        matrix = np.zeros((n + m, n + m))
        matrix[:n, :n] = hessian + np.diag(sigma)
        matrix[n:, :n], matrix[:n, n:] = self.now.jac, self.now.jac.T
        matrix = self._with_inertia(matrix, n, float(np.abs(hessian).max(initial=0.0)) or 1.0)
        if matrix is None:
            return None
        slope = self._barrier_slope() + self.now.jac.T @ self.y
        d = _refined(matrix, -np.concatenate([slope, self.now.c]))
        if not np.isfinite(d).all():
            return None
        return d[:n], d[n:], matrix

    def _with_inertia(self, matrix: Any, n: int, unit: float) -> Any:
        """The matrix with the least shift that makes as many eigenvalues positive as there are unknowns."""
        m = len(matrix) - n
        first, falling, soon, later = SHIFTS
        diagonal = np.arange(n)
        shift, rest = 0.0, 0.0
        while shift <= MOST_SHIFTED * unit:
            shifted = matrix.copy()
            shifted[diagonal, diagonal] += shift
            shifted[n + np.arange(m), n + np.arange(m)] -= rest
            positive, negative = inertia(shifted)
            if positive == n and negative == m:
                self.shift = shift if shift else self.shift * falling
                return shifted
            if positive + negative < n + m and not rest and m:  # dependent equations
                rest = 1e-8 * max(self.mu, self.tol) ** 0.25
                continue
            if not shift:
                shift = max(first * unit if not self.shift else self.shift * falling, 1e-20 * unit)
            else:
                shift *= soon if not self.shift else later
        return None

    def _go(self, dx: Any, dy: Any, matrix: Any) -> Status | None:
        """Take a part of the step that the filter accepts; restore feasibility where there is none."""
        below, above = self.distances
        low_dz = np.where(self.has_low, (self.mu - self.low_z * dx) / below, 0.0) - self.low_z
        high_dz = np.where(self.has_high, (self.mu + self.high_z * dx) / above, 0.0) - self.high_z
        edge = max(TO_THE_EDGE, 1.0 - self.mu)
        longest = min(_part(below, dx, edge), _part(above, -dx, edge))
        dual = min(_part(self.low_z, low_dz, edge), _part(self.high_z, high_dz, edge))
        if (np.abs(dx) <= TINY * (1.0 + np.abs(self.now.x))).all():
            self.tiny += 1
            part, to = longest, self._at(self.now.x + longest * dx)
            if not to.finite or (self.tiny > 3 and self.mu <= LEAST_BARRIER * self.tol):
                return Status.STALLED
        else:
            self.tiny = 0
            found = self._searched(dx, longest, matrix, edge)
            if found is None:
                return self._restored()
            part, to = found
        self.now, self.top = to, np.maximum(self.top, np.abs(to.x))
        self.y = self.y + part * dy
        self.low_z = self._kept(self.low_z + dual * low_dz, to.x - self.low, self.has_low)
        self.high_z = self._kept(self.high_z + dual * high_dz, self.high - to.x, self.has_high)
        return None

    def _kept(self, z: Any, distance: Any, there: Any) -> Any:
        """Multipliers within a range of ``mu/X``."""
        middle = self.mu / np.where(there, distance, 1.0)
        return np.where(there, np.clip(z, middle / DUAL_RANGE, middle * DUAL_RANGE), 0.0)

    # The line search

    def _searched(self, dx: Any, longest: float, matrix: Any, edge: float) -> Any:
        """The part of a step that the filter accepts, and where it leads; None where there is none."""
        now = self.now
        violation, phi = now.violation, self.barrier(now)
        slope = float(self._barrier_slope() @ dx)
        part = longest
        while part >= self._shortest(violation, slope):
            to = self._at(now.x + part * dx)
            if self._accepts(to, violation, phi, part, slope):
                return part, to
            if part == longest and to.violation >= violation and to.finite and self.y.size:
                other = self._corrected(to, dx, longest, matrix, edge, (violation, phi, slope))
                if other is not None:
                    return part, other
            part *= 0.5
        return None

    def _switches(self, violation: float, part: float, slope: float) -> bool:
        """Whether a step is one for the objective."""
        return slope < 0 and part * (-slope) ** POWERS[1] > violation ** POWERS[0]

    def _shortest(self, violation: float, slope: float) -> float:
        least = MARGIN
        if slope < 0:
            least = min(least, MARGIN * violation / -slope)
            if violation <= self.least:
                least = min(least, violation ** POWERS[0] / (-slope) ** POWERS[1])
        return max(SHORTEST_PART * least, 1e-16)

    def _accepts(self, to: _At, violation: float, phi: float, part: float, slope: float) -> bool:
        """Whether a trial point is better, and new to the filter, which learns where it must."""
        if not to.finite or to.violation > self.most:
            return False
        reached, theta = self.barrier(to), to.violation
        if not np.isfinite(reached):
            return False
        slack = 10 * EPS * abs(phi)
        if any(theta >= t and reached >= p + slack for t, p in self.filter):
            return False
        switches = self._switches(violation, part, slope)
        if switches and violation <= self.least:
            return reached - phi - slack <= ARMIJO * part * slope
        better = theta <= (1 - MARGIN) * violation or reached - slack <= phi - MARGIN * violation
        if not better:
            return False
        if not (switches and reached - phi - slack <= ARMIJO * part * slope):
            self._learn(violation, phi)
        return True

    def _learn(self, violation: float, phi: float) -> None:
        self.filter.append(((1 - MARGIN) * violation, phi - MARGIN * violation))

    def _corrected(
        self, to: _At, dx: Any, longest: float, matrix: Any, edge: float, before: Any
    ) -> _At | None:
        """A second-order correction: the step again, with the equations that it has left."""
        now, n = self.now, dx.size
        slope = self._barrier_slope() + now.jac.T @ self.y
        c, last = longest * now.c + to.c, now.violation
        for _ in range(CORRECTIONS):
            d = np.linalg.solve(matrix, -np.concatenate([slope, c]))[:n]
            below, above = self.distances
            part = min(_part(below, d, edge), _part(above, -d, edge))
            trial = self._at(now.x + part * d)
            violation, phi, fall = before
            if self._accepts(trial, violation, phi, longest, fall):
                return trial
            if not trial.finite or trial.violation > CORRECTED * last:
                return None
            c, last = part * c + trial.c, trial.violation
        return None

    # Restoration

    def _restored(self) -> Status | None:
        """Go on from a smaller violation that the filter accepts; the end where there is none."""
        now = self.now
        if not self.restores or now.violation <= 1e-3 * self.tol or not self.y.size:
            return Status.STALLED
        self._learn(now.violation, self.barrier(now))
        elastic = Elastic(self.program, now.x, max(self.mu, 1e-9))
        inner = Interior(elastic, elastic.start(now.c), self.tol, self.maxiter - self.count)
        inner.restores = False
        inner.mu = max(self.mu, float(np.abs(now.c).max(initial=0.0)))

        def is_restored(w: Any) -> bool:
            to = self._at(w[: now.x.size])
            if not to.finite or to.violation > RESTORED * now.violation:
                return False
            phi = self.barrier(to)
            return np.isfinite(phi) and not any(
                to.violation >= t and phi >= p for t, p in self.filter
            )

        inner.stop = is_restored
        status = inner.run()
        self.count += inner.count
        to = self._at(inner.now.x[: now.x.size])
        if is_restored(inner.now.x):
            self.now = to
            self.low_z = self._kept(np.minimum(self.low_z, 1.0), to.x - self.low, self.has_low)
            self.high_z = self._kept(np.minimum(self.high_z, 1.0), self.high - to.x, self.has_high)
            self.y = self._estimated()
            return None
        if to.finite and to.violation < now.violation:
            self.now = to
        if status == Status.ITERATION_LIMIT:
            return status
        left = np.abs(self.now.c) > np.maximum(1e3 * self.tol, self._level(self.now))
        return Status.INFEASIBLE if left.any() else Status.STALLED


class Elastic:
    """``min penalty*sum(p + q) + weight/2*|D (x - x0)|**2`` such that ``c(x) - p + q = 0``, p, q >= 0."""

    def __init__(self, program: NonlinearProgram, x: Any, mu: float) -> None:
        self.program, self.x0, self.mu = program, x, mu
        self.equations = m = program.equations
        self.low = np.concatenate([program.low, np.zeros(2 * m)])
        self.high = np.concatenate([program.high, np.full(2 * m, np.inf)])
        self.weights = np.sqrt(mu) * np.minimum(1.0, 1.0 / np.maximum(np.abs(x), EPS)) ** 2

    def start(self, c: Any) -> Any:
        """x with p and q that meet the equations, and are those of the barrier problem."""
        half = (self.mu - PENALTY * c) / (2 * PENALTY)
        q = half + np.sqrt(half * half + self.mu * np.abs(c) / (2 * PENALTY))
        return np.concatenate([self.x0, np.maximum(c + q, EPS), np.maximum(q, EPS)])

    def at(self, w: Any) -> tuple[float, Any, Any, Any]:
        """Value, equations, gradient and Jacobian."""
        n, m = self.x0.size, self.equations
        x, p, q = w[:n], w[n : n + m], w[n + m :]
        _, c, _, jac = self.program.at(x)
        away = x - self.x0
        f = PENALTY * float(p.sum() + q.sum()) + 0.5 * float(self.weights @ (away * away))
        g = np.concatenate([self.weights * away, np.full(2 * m, PENALTY)])
        eye = np.eye(m)
        return f, c - p + q, g, np.concatenate([jac, -eye, eye], axis=1)

    def curvature(self, w: Any, y: Any, weight: float = 1.0) -> Any:
        """That of the equations, and of the distance."""
        n = self.x0.size
        out = np.zeros((w.size, w.size))
        out[:n, :n] = self.program.curvature(w[:n], y, 0.0) + np.diag(weight * self.weights)
        return out


def _part(distance: Any, d: Any, edge: float) -> float:
    """The largest part of a step, at most 1, that leaves some of the distances."""
    towards = d < 0
    if not towards.any():
        return 1.0
    return float(min(1.0, (edge * distance[towards] / -d[towards]).min()))


def inertia(matrix: Any) -> tuple[int, int]:
    """How many eigenvalues of a symmetric matrix are positive, and how many negative.

    Rows and columns are scaled alike, which changes no sign (Sylvester), so that large entries of bounds do
    not hide small ones.
    """
    if not len(matrix):
        return 0, 0
    scaled = matrix
    for _ in range(3):
        top = np.abs(scaled).max(axis=1)
        d = 1.0 / np.sqrt(np.where(top > 0, top, 1.0))
        scaled = scaled * d[:, None] * d
    if not np.isfinite(scaled).all():
        return 0, 0
    w = np.linalg.eigvalsh(scaled)
    least = EPS * len(matrix) * np.abs(w).max()
    return int((w > least).sum()), int((w < -least).sum())


def _refined(matrix: Any, right: Any) -> Any:
    """The solution of a system, refined once; not finite where it is singular."""
    try:
        d = np.linalg.solve(matrix, right)
        return d + np.linalg.solve(matrix, right - matrix @ d)
    except np.linalg.LinAlgError:
        return np.full(right.shape, np.nan)
