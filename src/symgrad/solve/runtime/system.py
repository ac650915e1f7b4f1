"""Systems and least squares for many problems at once: Newton steps inside a trust region.

The step minimises ``|r + J p|`` subject to ``|D p| <= delta``. Where the Newton step of a square system is
short enough it is taken; otherwise the problem is solved exactly by singular values of ``J/D`` (More,
"The Levenberg-Marquardt algorithm: implementation and theory", 1978, for scaling and radius).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from symgrad.solve.runtime.approach import Found
from symgrad.solve.runtime.elimination import solved_systems
from symgrad.solve.runtime.ending import EPS, ROOT_RATE, is_short, lengths
from symgrad.solve.runtime.results import Status
from symgrad.solve.runtime.trust import UnderWay, shifted

# What is tried for a root: the radius of the first trust region, in lengths of the start, and how far
# the start is moved. Later ones are for what got stuck at a minimum of |F| or a singular Jacobian; an
# infinite radius is a line search along the Newton step
ATTEMPTS = ((1.0, 0.0), (np.inf, 0.0), (100.0, 0.1), (np.inf, 1.0))


class Systems(Found):
    """Results of systems."""

    def __init__(self, x: Any, box: Any, tol: float) -> None:
        super().__init__(x if box is None else np.clip(x, *box))
        self.tol, self.box = tol, box


def solve_systems(
    s: Systems,
    at: Callable[[Any, Any], Any],
    index: Any,
    maxiter: int,
    globalize: bool = True,
    callback: Any = None,
    fit: bool = False,
) -> None:
    """Solve ``r(x) = 0`` for the problems `index`, or minimise ``|r(x)|`` where `fit`.

    `at(x, index)` gives residuals (problems, m) and Jacobians (problems, m, n).
    """
    start = s.x.copy()
    with np.errstate(all="ignore"):
        for radius, kick in ATTEMPTS if globalize and not fit else ATTEMPTS[:1]:
            if not index.size:
                break
            x = _kicked(s, start[index], kick)
            _iterate_systems(s, at, index, x, radius, maxiter, globalize, callback, fit)
            stuck = (s.status[index] == Status.STALLED) | (s.status[index] == Status.SINGULAR)
            index = index[stuck]


def _kicked(s: Systems, x: Any, kick: float) -> Any:
    """Starts moved by a part of their size, in a direction that no symmetry shares."""
    if kick == 0:
        return x
    spread = (np.arange(1, x.shape[1] + 1) * 0.6180339887498949) % 1.0 - 0.45
    x = x + kick * spread * np.maximum(np.abs(x), 1.0)
    return x if s.box is None else np.clip(x, *s.box)


@dataclass
class _Under(UnderWay):
    """Problems under way: their numbers, points, residuals, Jacobians and trust regions."""

    index: Any
    x: Any
    r: Any
    jac: Any
    size: Any
    scale: Any
    delta: Any
    count: Any
    rejected: Any


@dataclass
class _Trial:
    """Where steps lead, and what was expected of them."""

    x: Any
    p: Any
    r: Any
    jac: Any
    size: Any
    full: Any
    rank: Any
    actual: Any
    expected: Any
    finite: Any


def _iterate_systems(
    s: Systems,
    at: Any,
    index: Any,
    x: Any,
    radius: float,
    maxiter: int,
    globalize: bool,
    callback: Any,
    fit: bool,
) -> None:
    """Newton steps from `x`; what ends without a root keeps the best point of all attempts."""
    zero = np.zeros(index.shape, np.intp)
    r, jac = at(x, index)
    delta = np.full(index.shape, np.inf)
    now = _Under(index, x, r, jac, lengths(r), np.zeros(x.shape), delta, zero, zero)
    while now.index.size:
        trial = _tried(s, at, now, radius, globalize, fit)
        if callback is not None:
            callback(int(now.count[0]), now.x[0], float(now.size[0]), trial.p[0])
        good = trial.finite & (trial.actual > 1e-4 * trial.expected) & (trial.size < now.size)
        end = _ended_fit(s, now, trial, good) if fit else _ended_root(s, now, trial)
        small = is_short(trial.p, now.x, s.tol)
        lost = (now.rejected > 40) | (small & ~good)
        if not globalize:
            good, lost = trial.finite, ~trial.finite
        lost |= ~(trial.p != 0).any(axis=1) | ~np.isfinite(trial.p).all(axis=1)
        bad = ~np.isfinite(now.size) | ~np.isfinite(now.jac).all(axis=(1, 2))
        limit = now.count >= maxiter
        done = end | (now.size == 0) | bad | lost | limit
        if done.any():
            _record(s, now, trial, done, end, bad, limit)
        _advance(now, trial, good)
        if done.any():
            now.keep(~done)


def _tried(s: Systems, at: Any, now: _Under, radius: float, globalize: bool, fit: bool) -> _Trial:
    """Steps within the trust regions, and residuals and Jacobians there."""
    x, r, jac = now.x, now.r, now.jac
    line = np.isinf(radius)
    now.scale = _scales(now.scale, jac)
    p, full, rank = _system_step(now, globalize, line, fit, s.box)
    start = lengths(now.scale * x)
    start = radius * np.where(start > 0, start, 1.0)
    long = np.isinf(now.delta) & (lengths(now.scale * p) > start) & globalize
    if long.any():
        now.delta = np.where(long, start, now.delta)
        p, full, rank = _system_step(now, globalize, line, fit, s.box)
    to = x + p if s.box is None else np.clip(x + p, *s.box)
    p = to - x
    r_to, jac_to = at(to, now.index)
    size = lengths(r_to)
    finite = np.isfinite(size) & np.isfinite(jac_to).all(axis=(1, 2))
    model = lengths(r + np.einsum("kij,kj->ki", jac, p))
    actual, expected = (1.0 - (left / now.size) ** 2 for left in (size, model))
    return _Trial(to, p, r_to, jac_to, size, full, rank, actual, expected, finite)


def _ended_root(s: Systems, now: _Under, trial: _Trial) -> Any:
    """A short full step ends it where ``|F|`` falls as it does at a root, or cannot fall any more."""
    falls = trial.size <= ROOT_RATE * now.size
    level = trial.rank & ~(trial.size < now.size)  # at a singular Jacobian this says nothing
    return is_short(trial.p, now.x, s.tol) & trial.full & trial.finite & (falls | level)


def _ended_fit(s: Systems, now: _Under, trial: _Trial, good: Any) -> Any:
    """Residuals normal to the columns of the Jacobian, up to what rounding hides."""
    cosines = _cosines(now.x, now.r, now.jac, now.size, s.box)
    # a step that promises less than rounding hides, and does not keep even that
    idle = ~good & (trial.expected <= 1e-13) & (trial.full | (cosines <= 1e-6))
    short = is_short(trial.p, now.x, s.tol) & trial.full & ~(trial.size < 0.5 * now.size)
    return (cosines <= 1e-14) | (trial.finite & (idle | short))


def _record(
    s: Systems, now: _Under, trial: _Trial, done: Any, end: Any, bad: Any, limit: Any
) -> None:
    """Write down what is done: at the trial point where that is better."""
    take = end & (trial.size < now.size) & trial.finite & ~limit
    status = np.where(trial.rank, Status.STALLED, Status.SINGULAR)
    status = np.where(limit, Status.ITERATION_LIMIT, status)
    status = np.where(end | (now.size == 0), Status.CONVERGED, status)
    status = np.where(bad, Status.NON_FINITE, status)
    x = np.where(take[:, None], trial.x, now.x)
    size = np.where(take, trial.size, now.size)
    # an attempt that fails leaves what an earlier one reached, where that is better
    earlier = s.size[now.index]
    done = done & ((status == Status.CONVERGED) | ~(size >= earlier) | ~np.isfinite(earlier))
    s.set(now.index[done], status[done], x[done], size[done], (now.count + take)[done])


def _advance(now: _Under, trial: _Trial, good: Any) -> None:
    """Go where the step was good, and set the next trust region."""
    length = lengths(now.scale * trial.p)
    now.delta = _radius(now.delta, trial.actual, trial.expected, length, trial.full)
    now.rejected = np.where(good, 0, now.rejected + 1)
    now.count = now.count + good
    now.x = np.where(good[:, None], trial.x, now.x)
    now.size = np.where(good, trial.size, now.size)
    now.r = np.where(good[:, None], trial.r, now.r)
    now.jac = np.where(good[:, None, None], trial.jac, now.jac)


def _scales(scale: Any, jac: Any) -> Any:
    """The largest norm that each column of the Jacobian had; 1 where it is zero."""
    norms = np.sqrt(np.einsum("kij,kij->kj", jac, jac))
    scale = np.maximum(np.where(scale == 1.0, 0.0, scale), norms)
    return np.where((scale > 0) & np.isfinite(scale), scale, 1.0)


def _held(x: Any, r: Any, jac: Any, box: Any) -> Any:
    """Unknowns at a bound beyond which a descent would lead."""
    slope = np.einsum("kij,ki->kj", jac, r)
    return ((x <= box[0]) & (slope > 0)) | ((x >= box[1]) & (slope < 0))


def _cosines(x: Any, r: Any, jac: Any, size: Any, box: Any) -> Any:
    """The largest cosine of an angle between the residuals and a column of the Jacobian."""
    slope = np.abs(np.einsum("kij,ki->kj", jac, r))
    norms = np.sqrt(np.einsum("kij,kij->kj", jac, jac))
    cosines = np.where(slope == 0, 0.0, slope / (norms * size[:, None]))
    if box is not None:
        cosines = np.where(_held(x, r, jac, box), 0.0, cosines)
    return cosines.max(axis=1, initial=0.0)


def _system_step(
    now: _Under, globalize: bool, line: bool, fit: bool, box: Any
) -> tuple[Any, Any, Any]:
    """Steps, whether each is a full one, and whether its Jacobian has full rank."""
    x, r, jac, scale, delta = now.x, now.r, now.jac, now.scale, now.delta
    if box is not None:
        jac = np.where(_held(x, r, jac, box)[:, None, :], 0.0, jac)
    count, together = r.shape[0], fit and r.shape[0] > 1 and r.shape[1] > x.shape[1]
    shape = jac.shape[1:]
    if together:
        jac, r = _triangles(jac, r)
    if not fit or together:
        p = solved_systems(jac.transpose(1, 2, 0).copy(), -r.T).T
        length = lengths(scale * p)
        full = np.isfinite(length) & (length <= 1.1 * delta)
        if fit:
            full &= _are_regular(jac, scale)
        if not globalize and np.isfinite(p).all():
            return p, np.ones(count, bool), np.ones(count, bool)
        if line:
            p = p * np.minimum(1.0, delta / length)[:, None]
        if full.all() or (line and np.isfinite(p).all()):
            return p, full, np.ones(count, bool)
    else:
        p, full = np.zeros(x.shape), np.zeros(count, bool)
    rest = np.flatnonzero(~full & np.isfinite(jac).all(axis=(1, 2)) & np.isfinite(r).all(axis=1))
    rank = np.ones(count, bool)
    p[~full] = 0.0
    u, sigma, vt = np.linalg.svd(jac[rest] / scale[rest, None, :], full_matrices=False)
    least = EPS * max(shape) * sigma[:, :1]
    c = np.where(sigma > least, np.einsum("kij,ki->kj", u, r[rest]), 0.0)
    radius = delta[rest] if globalize else np.full(rest.shape, np.inf)
    # minimise |c + sigma q| within |q| <= radius: curvature sigma**2, slope sigma*c
    inverse = np.where(sigma > least, sigma, 1.0)
    q, inside = shifted(np.where(sigma > least, inverse**2, 1.0), sigma * c, radius)
    p[rest] = np.einsum("kji,kj->ki", vt, q) / scale[rest]
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


def _radius(delta: Any, actual: Any, expected: Any, length: Any, full: Any) -> Any:
    """The radius of the next trust region, by how well the linear model foretold the residual."""
    ratio = actual / expected
    poor = ~(ratio >= 0.25)
    # the minimum of the parabola along the step, between a tenth and a half of it
    half = np.where(actual >= 0, 0.5, 0.5 * expected / (expected - 0.5 * actual))
    shrunk = np.minimum(delta, length) * np.clip(np.where(half == half, half, 0.1), 0.1, 0.5)
    grown = np.where((ratio >= 0.75) | full, 2.0 * length, delta)
    grown = np.where(full & (ratio >= 0.75), np.maximum(delta, grown), grown)
    return np.where(poor, shrunk, np.maximum(grown, 1e-300))
