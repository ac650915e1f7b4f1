"""Least squares for many problems at once: the method of Levenberg and Marquardt, in a trust region.

The step minimises ``|r + J p|`` subject to ``|D p| <= delta``, exactly, by singular values of ``J/D``
(More, "The Levenberg-Marquardt algorithm: implementation and theory", 1978, for scaling and radius).

A minimum is a root of ``J.T r``, projected on the bounds; the end rule is that of `ending`. Here the
levels are those of the residuals: a fit without residuals ends where nothing of them is left but
rounding, any other where ``|J.T r|`` is below what levels of r, and roundings of the sum, make of it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from symgrad.solve.runtime.approach import Found
from symgrad.solve.runtime.arguments import Tolerances
from symgrad.solve.runtime.elimination import solved_systems
from symgrad.solve.runtime.ending import (
    EPS,
    STRONG_RATE,
    Levels,
    along,
    held_by,
    is_at_level,
    is_short,
    is_short_at_scale,
    learned_scale,
    lengths,
    meets_wishes,
    part_of_box,
    within,
)
from symgrad.solve.runtime.minimum import LONG, MOST_REJECTED_DESCENTS, NEAR_LEVEL, UNKNOWN
from symgrad.solve.runtime.results import Status
from symgrad.solve.runtime.trust import LinearRate, NamedValues, UnderWay, shifted

NORMAL = 1e-14  # the cosine of residuals with the Jacobian's columns, where they are normal to them
PROMISES = 1e-13  # the relative fall of the sum of squares that is lost in rounding
MOST_SLOW = 1  # slow steps in a row
NEAR_MINIMUM = 0.01  # of an unknown: a step that is not far from a minimum
SLOW = 0.01  # of the last full step, what the next one is at least where convergence is slow
FADED = 1e-150  # of what a column of the Jacobian was: it has underflowed


class Fits(Found):
    """Results of fits; `scale` holds magnitudes of x, `slow` what is left to Newton's method,
    `wished` where `ftol` or `gtol` is met, which is enough."""

    def __init__(self, x: Any, box: Any, tolerances: Tolerances, x_scale: Any) -> None:
        super().__init__(x)
        self.tolerances, self.box, self.x_scale = tolerances, box, x_scale
        self.scale = np.abs(self.x)
        self.curvature = np.full(len(x), UNKNOWN, np.int8)
        self.slow, self.wished = np.zeros(len(x), bool), np.zeros(len(x), bool)


class _Under(UnderWay):
    """Problems under way: their numbers, points, residuals, Jacobians and trust regions."""

    index: Any
    x: Any
    r: Any
    jac: Any
    size: Any
    weight: Any  # the largest norms of the Jacobian's columns
    scale: Any  # magnitudes of unknowns so far
    delta: Any
    count: Any
    rejected: Any
    rate: Any
    before: Any  # the length of the last full step
    slow: Any  # how many full steps in a row shrank slowly


class _Trial(NamedValues):
    """Where steps lead, and what was expected of them.

    `unit` makes the residuals of each problem numbers near 1; `r_here` and `jac_here` are so scaled.
    """

    x: Any
    p: Any
    r: Any
    jac: Any
    size: Any
    unit: Any
    r_here: Any
    jac_here: Any
    slope: Any  # J.T r, of both, with zeros for what is held
    full: Any
    faster: Any
    rank: Any
    actual: Any
    expected: Any
    length: Any
    finite: Any


def iterate_fits(
    s: Fits,
    at: Any,
    levels: Levels,
    index: Any,
    x: Any,
    maxiter: int,
    tell: Any = None,
    patience: int = MOST_SLOW,
) -> None:
    """Steps of the problems `index` from `x`; counts go on. What is found is written to `s`.

    `at(x, index)` gives residuals (problems, m) and Jacobians (problems, m, n). Where residuals are left,
    full steps may converge slowly; after so many of them, `patience`, a problem is "slow".
    """
    zero = np.zeros(index.shape, np.intp)
    r, jac = at(x, index)
    now = _Under(
        *(index, x, r, jac, lengths(r), np.zeros(x.shape), learned_scale(s.scale[index], x)),
        *(np.full(index.shape, np.inf), s.count[index], zero, LinearRate(*x.shape)),
        *(np.zeros(index.shape), zero),
    )
    while now.index.size:
        trial = _tried(s, at, now)
        if tell is not None:
            tell(int(now.count.max()), now.x, now.size, trial.p)
        good, end, lost = _judged_fit(s, levels, now, trial)
        bad = ~np.isfinite(now.size) | ~np.isfinite(now.jac).all(axis=(1, 2))
        limit = now.count >= maxiter
        slow = (now.slow >= patience) & ~end & ~bad & ~lost & ~limit
        done = end | bad | lost | limit | slow
        if done.any():
            _record(s, now, trial, done, end, bad, limit)
            s.slow[now.index[done]] = slow[done]
        _advance(now, trial, good)
        if done.any():
            now.keep(~done)


def _tried(s: Fits, at: Any, now: _Under) -> _Trial:
    """Steps within the trust regions, and residuals and Jacobians there."""
    now.weight = np.maximum(now.weight, _finite(lengths(np.swapaxes(now.jac, 1, 2))))
    _, exponent = np.frexp(np.where(np.isfinite(now.size) & (now.size > 0), now.size, 1.0))
    unit = np.ldexp(1.0, -exponent)
    r, jac = now.r * unit[:, None], now.jac * unit[:, None, None]
    d = np.where(now.weight > 0, now.weight, 1 / unit[:, None]) * unit[:, None]
    start = lengths(d * np.maximum(np.abs(now.x), s.x_scale))
    delta, box = now.delta * unit, part_of_box(s.box, now.index)
    p, full, rank = _step_of_fit(box, now.x, r, jac, d, delta)
    long = np.isinf(delta) & (lengths(d * p) > start) & (start > 0)
    if long.any():
        delta = np.where(long, start, delta)
        p, full, rank = _step_of_fit(box, now.x, r, jac, d, delta)
    now.delta = delta / unit
    model = lengths(r + np.einsum("kij,kj->ki", jac, p))
    length = lengths(d * p)
    faster = np.ones(now.index.shape)
    if s.box is None:
        faster = now.rate.factor(d * p, length, full)
    to = within(box, now.x + faster[:, None] * p)
    r_to, jac_to = at(to, now.index)
    size = lengths(r_to)
    finite = np.isfinite(size) & np.isfinite(jac_to).all(axis=(1, 2))
    here = lengths(r)
    actual, expected = 1.0 - (size / now.size) ** 2, 1.0 - (model / here) ** 2
    return _Trial(
        *(to, to - now.x, r_to, jac_to, size, unit, r, jac, _slope_of_fit(box, now.x, r, jac)),
        *(full, faster > 1, rank, actual, expected, length / unit, finite),
    )


def _finite(v: Any) -> Any:
    return np.where(np.isfinite(v), v, 0.0)


def _slope_of_fit(box: Any, x: Any, r: Any, jac: Any) -> Any:
    slope = np.einsum("kij,ki->kj", jac, r)
    return slope if box is None else np.where(held_by(box, x, slope), 0.0, slope)


def _judged_fit(s: Fits, levels: Levels, now: _Under, trial: _Trial) -> tuple[Any, Any, Any]:
    """Which steps are good, which points are minima by their slopes, and which problems are lost."""
    xtol = s.tolerances.step
    good = trial.finite & (trial.actual > 1e-4 * trial.expected) & (trial.size < now.size)
    good &= ~trial.faster | (trial.actual >= trial.expected)
    cosines = _cosines(trial)
    short = is_short(trial.p, now.x, xtol, s.x_scale)
    end = short & trial.full & trial.finite & ~trial.faster
    vanishing = is_short_at_scale(trial.p, now.x, xtol, s.x_scale, now.scale) & trial.full
    end |= vanishing & trial.finite & (trial.size <= STRONG_RATE * now.size)
    end |= (cosines <= NORMAL) | (now.size == 0)
    fall = np.where(good, trial.actual, np.inf)
    slope = along(np.maximum, np.abs(trial.slope), 0.0) / trial.unit / trial.unit
    wished = meets_wishes(s.tolerances.ftol, s.tolerances.gtol, fall, slope)
    s.wished[now.index] = wished
    end |= wished
    tiny = is_short(trial.p, now.x, LONG, s.x_scale) | (now.rejected > 3)
    tiny |= trial.expected <= LONG**2
    doubtful = np.flatnonzero(~good & ~end & tiny & np.isfinite(now.size))
    if doubtful.size:
        _by_levels_of_fit(s, levels, now, trial, doubtful, cosines, good, end)
    still = ~(trial.p != 0).any(axis=1)
    lost = (now.rejected > MOST_REJECTED_DESCENTS) | ((short | still) & ~good & ~trial.faster)
    return good, end, lost | ~np.isfinite(trial.p).all(axis=1)


def _by_levels_of_fit(
    s: Fits,
    levels: Levels,
    now: _Under,
    trial: _Trial,
    rows: Any,
    cosines: Any,
    good: Any,
    end: Any,
) -> None:
    """Judge steps that do not lower the sum of squares by rounding levels."""
    unit, full = trial.unit[rows], trial.full[rows]
    level = levels.at(now.x[rows], now.index[rows]) * unit[:, None]
    r, jac = trial.r_here[rows], np.abs(trial.jac_here[rows])
    of_slope = np.einsum("kij,ki->kj", jac, level + 4 * EPS * np.abs(r))
    slope = np.abs(trial.slope[rows])
    noise = 2 * (np.abs(r) * level).sum(axis=1) / (r * r).sum(axis=1)
    noise = np.where(np.isfinite(noise), noise, PROMISES)
    flat = trial.expected[rows] <= noise
    tends = flat[:, None] & (np.abs(trial.p[rows]) <= EPS * now.scale[rows])
    # where the sum cannot tell any more, its slope does
    d = lengths(np.swapaxes(jac, 1, 2))
    d = np.where(d > 0, d, 1.0)
    there = trial.r[rows] * unit[:, None], trial.jac[rows] * unit[:, None, None]
    box = part_of_box(s.box, now.index[rows])
    left = lengths(_slope_of_fit(box, trial.x[rows], *there) / d)
    size = lengths(slope / d)
    equal = trial.finite[rows] & (left < size) & (trial.actual[rows] >= -noise)
    good[rows] |= flat & equal & ~trial.faster[rows]
    above = ((slope > NEAR_LEVEL * of_slope) & ~tends).any(axis=1)
    promises = flat | (trial.expected[rows] <= PROMISES)
    idle = promises & (full | (cosines[rows] <= 1e-6)) & ~trial.faster[rows] & ~(left < 0.5 * size)
    at_level = is_at_level(r, level) | ((slope <= of_slope) | tends).all(axis=1)
    end[rows] |= at_level | (idle & ~above)


def _cosines(trial: _Trial) -> Any:
    """The largest cosine of an angle between the residuals and a column of the Jacobian."""
    norms = lengths(np.swapaxes(trial.jac_here, 1, 2)) * lengths(trial.r_here)[:, None]
    slope = np.abs(trial.slope)
    return np.where(slope == 0, 0.0, slope / norms).max(axis=1, initial=0.0)


def _record(s: Fits, now: _Under, trial: _Trial, done: Any, end: Any, bad: Any, limit: Any) -> None:
    """Write down what is done: at the trial point where that is better."""
    take = end & (trial.size < now.size) & trial.finite & ~limit
    faded = lengths(np.swapaxes(now.jac, 1, 2)) <= FADED * now.weight
    faded = (faded & (now.weight > 0)).any(axis=1)
    status = np.where(trial.rank, Status.STALLED, Status.SINGULAR)
    status = np.where(limit, Status.ITERATION_LIMIT, status)
    status = np.where(end & ~faded, Status.CONVERGED, status)
    status = np.where(bad, Status.NON_FINITE, status)
    x = np.where(take[:, None], trial.x, now.x)
    size = np.where(take, trial.size, now.size)
    index = now.index[done]
    s.set(index, status[done], x[done], size[done], (now.count + take)[done])
    s.scale[index] = learned_scale(now.scale, x)[done]


def _advance(now: _Under, trial: _Trial, good: Any) -> None:
    """Go where the step was good, and set the next trust region."""
    plain = ~trial.faster
    delta = _next_radius(now.delta, trial.actual, trial.expected, trial.length, trial.full)
    now.delta = np.where(plain, delta, now.delta)
    now.rejected = np.where(good, 0, now.rejected + plain)
    z = now.weight * trial.p
    now.rate.took(z, lengths(z), trial.full & plain, good)
    # refused, or shrinking slowly, where the residuals do not vanish
    lasting = (trial.length >= SLOW * now.before) & trial.full & (now.before > 0)
    lasting |= ~good & (trial.actual <= 0.5)
    near = (np.abs(trial.p) <= NEAR_MINIMUM * np.maximum(np.abs(now.x), now.scale)).all(axis=1)
    now.slow = np.where(lasting, now.slow + 1, now.slow) * (near & (trial.actual <= 0.5))
    now.before = np.where(good & trial.full & plain, trial.length, 0.0)
    now.count = now.count + good
    now.x = np.where(good[:, None], trial.x, now.x)
    now.scale = learned_scale(now.scale, now.x)
    now.size = np.where(good, trial.size, now.size)
    now.r = np.where(good[:, None], trial.r, now.r)
    now.jac = np.where(good[:, None, None], trial.jac, now.jac)


def _step_of_fit(box: Any, x: Any, r: Any, jac: Any, d: Any, delta: Any) -> tuple[Any, Any, Any]:
    """Steps within the bounds, whether each is a full one, and whether its Jacobian has full rank.

    What a step would move beyond a bound that it is at, is held; what meets a bound on the way goes there,
    and the others take that into account, where it is lower.
    """
    if box is None:
        return _free_step(r, jac, d, delta)
    low, high = box
    slope = np.einsum("kij,ki->kj", jac, r)
    held = held_by(box, x, slope)
    inward = ~held & (slope != 0)
    while True:
        p, full, rank = _free_step(r, np.where(held[:, None, :], 0.0, jac), d, delta)
        blocked = ~held & (((x <= low) & (p < 0)) | ((x >= high) & (p > 0)))
        if not blocked.any():
            break
        held |= blocked
    inside = np.clip(x + p, low, high) - x
    hit = inside != p
    if hit.any():
        rest = np.where(hit, inside, 0.0)
        moved = r + np.einsum("kij,kj->ki", jac, rest)
        others = np.where((held | hit)[:, None, :], 0.0, jac)
        other = _free_step(moved, others, d, delta)[0]
        other = np.clip(x + rest + np.where(hit, 0.0, other), low, high) - x
        left = [lengths(r + np.einsum("kij,kj->ki", jac, q)) for q in (other, inside)]
        inside = np.where((left[0] < left[1])[:, None], other, inside)
    waiting = (held & inward).any(axis=1)
    return inside, full & ~hit.any(axis=1) & ~waiting, rank | held.any(axis=1)


def _free_step(r: Any, jac: Any, d: Any, delta: Any) -> tuple[Any, Any, Any]:
    """The same without bounds; a column of zeros is an unknown that stays."""
    count, shape = r.shape[0], jac.shape[1:]
    if count > 1 and shape[0] > shape[1]:
        jac, r = _triangles(jac, r)
        p = solved_systems(jac.transpose(1, 2, 0).copy(), -r.T).T
        length = lengths(d * p)
        full = np.isfinite(length) & (length <= 1.1 * delta) & _are_regular(jac, d)
        if full.all():
            return p, full, np.ones(count, bool)
    else:
        p, full = np.zeros((count, shape[1])), np.zeros(count, bool)
    rest = np.flatnonzero(~full & np.isfinite(jac).all(axis=(1, 2)) & np.isfinite(r).all(axis=1))
    rank = np.ones(count, bool)
    p[~full] = 0.0
    u, sigma, vt = np.linalg.svd(jac[rest] / d[rest, None, :], full_matrices=False)
    least = EPS * max(shape) * sigma[:, :1]
    c = np.where(sigma > least, np.einsum("kij,ki->kj", u, r[rest]), 0.0)
    # minimise |c + sigma q| within |q| <= radius: curvature sigma**2, slope sigma*c
    inverse = np.where(sigma > least, sigma, 1.0)
    q, inside = shifted(np.where(sigma > least, inverse**2, 1.0), sigma * c, delta[rest])
    p[rest] = np.einsum("kji,kj->ki", vt, q) / d[rest]
    full[rest], rank[rest] = inside, (sigma > least).all(axis=1)
    return p, full, rank


def _triangles(jac: Any, r: Any) -> tuple[Any, Any]:
    """R and ``Q.T r`` of ``J = Q R``: ``|r + J p|`` is ``|Q.T r + R p|`` but for what no p changes."""
    n = jac.shape[2]
    whole: Any = np.linalg.qr(np.concatenate([jac, r[..., None]], axis=2), mode="r")
    return whole[:, :n, :n], whole[:, :n, n]


def _are_regular(triangles: Any, scale: Any) -> Any:
    """Whether the diagonals tell that triangular matrices are far from singular ones."""
    diagonal = np.abs(np.einsum("kii->ki", triangles)) / scale
    return diagonal.min(axis=1) > 1e-8 * diagonal.max(axis=1)


def _next_radius(delta: Any, actual: Any, expected: Any, length: Any, full: Any) -> Any:
    """The radius of the next trust region, by how well the linear model foretold the residual."""
    ratio = np.where(expected > 0, actual / expected, -1.0)  # bounds may have bent the step uphill
    poor = ~(ratio >= 0.25)
    # the minimum of the parabola along the step, between a tenth and a half of it
    half = np.where(actual >= 0, 0.5, 0.5 * expected / (expected - 0.5 * actual))
    half = np.where(expected > 0, half, 0.25)
    shrunk = np.minimum(delta, length) * np.clip(np.where(half == half, half, 0.1), 0.1, 0.5)
    grown = np.where((ratio >= 0.75) | full, 2.0 * length, delta)
    grown = np.where(full & (ratio >= 0.75), np.maximum(delta, grown), grown)
    return np.where(poor, shrunk, grown)
