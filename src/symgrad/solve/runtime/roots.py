"""Roots of systems, for many problems at once: Newton steps inside a trust region.

The step minimises ``|F + J p|`` subject to ``|D p| <= delta``. Where the Newton step is short enough it is
taken; otherwise the problem is solved exactly by singular values of ``J/D`` (More, "The Levenberg-Marquardt
algorithm: implementation and theory", 1978, for scaling and radius). D are norms of the columns of J, so
that units of the unknowns do not matter; F is scaled by powers of two, so that its own do not. When an
iteration ends, and what its end is called, is for `runtime.ending`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from symgrad.solve.runtime.approach import Found
from symgrad.solve.runtime.elimination import solved_systems
from symgrad.solve.runtime.ending import (
    CONTRACTED,
    EPS,
    LEAST_TOLERANCE,
    REGULAR_RATE,
    Levels,
    are_short,
    are_steady,
    held_by,
    holds_zero,
    is_at_level,
    is_isolated,
    is_located,
    is_short,
    lengths,
    measure,
    part_of_box,
    short_of_zero,
    tends_to_zero,
)
from symgrad.solve.runtime.results import Status
from symgrad.solve.runtime.trust import NamedValues, UnderWay, shifted

# What is tried: the radius of the first trust region, in lengths of the start, and how far the start is
# moved. Later ones are for what ended without a root; an infinite radius is a line search along Newton's
# step
ROOT_ATTEMPTS = ((1.0, 0.0), (np.inf, 0.0), (100.0, 0.0), (100.0, 0.1), (np.inf, 1.0))
INWARD = (
    10.0,
    1e3,
)  # times farther from their bounds: the starts of attempts that follow within bounds
MOST_REJECTED = 40  # steps in a row, before an attempt is given up
NEAR_ROOT = 1e-6  # a relative step, after which nothing may be left of F but rounding
APART = 1e-8  # of the largest: a size of residuals that has a unit of its own
NEAR = 1e-6  # of |F| at the start, from which on its level is looked at
FLAT = 1e-7  # a singular value, against the largest, whose direction may lead along a valley of F


class SystemRoots(Found):
    """Results of systems, and what all of their iterations share.

    `at(x, index)` gives residuals (problems, n) and Jacobians (problems, n, n).
    """

    def __init__(
        self,
        at: Callable[[Any, Any], tuple[Any, Any]],
        levels: Levels,
        x: Any,
        box: Any,
        tol: float,
        x_scale: Any,
        ftol: float | None = None,
    ) -> None:
        super().__init__(x)
        self.given, self.given_levels = at, levels
        self.tol, self.box, self.ftol = max(tol, LEAST_TOLERANCE), box, ftol
        self.x_scale = np.broadcast_to(x_scale, x.shape[1:])

    def begin(self) -> None:
        """Scales of the unknowns, to be learned from the iterates, and of the residuals."""
        self.scale = np.maximum(np.abs(self.x), self.x_scale)
        self.unit = np.ones(self.x.shape)

    def at(self, x: Any, index: Any) -> tuple[Any, Any]:
        """Residuals and Jacobians, in units of the residuals at the start."""
        r, jac = self.given(x, index)
        unit = self.unit[index]
        return r * unit, jac * unit[:, :, None]

    def residuals(self, x: Any, index: Any) -> Any:
        """Residuals alone."""
        return self.at(x, index)[0]

    def levels(self, x: Any, index: Any) -> Any:
        """Below which residuals are rounding; nan where that is unknown."""
        return self.given_levels.at(x, index) * self.unit[index]

    def moved(self, x: Any, p: Any, index: Any) -> Any:
        """``x + p`` within the bounds; a bound that excludes 0 is only approached."""
        box = part_of_box(self.box, index)
        return x + p if box is None else short_of_zero(box, x, x + p)

    def proper(
        self, x: Any, r: Any, jac: Any, index: Any, columns: Any, moved: Any
    ) -> tuple[Any, Any]:
        """Whether residuals are at their levels at roots that are located or isolated; which are known.

        `moved` are the lengths of the steps that led there, in units of `columns`; nan at the start.
        """
        level = self.levels(x, index)
        known = np.isfinite(level).all(axis=1)
        least = np.where(np.isfinite(level), level, np.where(r == 0.0, 0.0, np.nan))
        root = np.isfinite(x).all(axis=1) & is_at_level(r, least)
        some = np.flatnonzero(root)
        if not some.size:
            return root, known
        lowest = least[some].min(axis=1, keepdims=True)
        scale = measure(x[some], self.scale[index[some]], self.x_scale, lowest)
        shift = solved_systems(jac[some].transpose(1, 2, 0).copy(), least[some].T.copy()).T
        located = np.isfinite(shift).all(axis=1) & is_located(shift, x[some], scale)
        located &= _is_regular(jac[some] * scale[:, None, :])
        root[some] = located & (lengths(columns[some] * shift) <= 0.1 * moved[some])
        for k in np.flatnonzero(~root[some]):  # few, and each has directions of its own
            which = some[k : k + 1]
            root[which] = self._stands_out(x[which], r[which], jac[which], index[which], scale[k])
        return root, known

    def _stands_out(self, x: Any, r: Any, jac: Any, index: Any, scale: Any) -> bool:
        """Whether F rises beside a point: in the directions in which J is nearly singular."""
        scale = np.where(scale > 0, scale, scale.max(initial=0.0))
        unit = scale if scale.any() else np.ones(scale.shape)
        jac = jac[0] * unit
        _, sigma, vt = np.linalg.svd(np.where(np.isfinite(jac), jac, 0.0))
        flat = sigma <= FLAT * sigma.max(initial=0.0)
        flat[-1] = True
        return all(self._rises(x, r, scale * v / np.abs(v).max(), index) for v in vt[flat])

    def _rises(self, x: Any, r: Any, away: Any, index: Any) -> bool:
        """Whether F is above its level on both sides, and above what it is here: not so at a pole."""
        if not is_isolated(self.residuals, self.levels, x, away[None], index)[0]:
            return False
        here = lengths(r)[0]
        sides = [lengths(self.residuals(x + t * away, index))[0] for t in (-1e-3, 1e-3)]
        return here == 0.0 or not any(size <= here for size in sides)


def _is_regular(jac: Any) -> Any:
    """Whether matrices have no zero or underflowing singular value."""
    finite = np.isfinite(jac).all(axis=(1, 2))
    sigma = np.linalg.svd(np.where(finite[:, None, None], jac, 0.0), compute_uv=False)
    return finite & (sigma[:, -1] > EPS * sigma[:, 0]) if jac.shape[1] else finite


def find_roots(
    s: SystemRoots, index: Any, maxiter: int, globalize: bool = True, callback: Any = None
) -> None:
    """Solve the problems `index`, by all attempts where steps are globalized."""
    if not index.size:
        return
    s.begin()
    start = s.x.copy()
    with np.errstate(all="ignore"):
        r, jac = s.given(start[index], index)
        first = np.full(len(start), np.nan)
        first[index] = lengths(r)
        s.unit[index] = _units(r, jac, np.maximum(np.abs(start[index]), s.x_scale))
        for radius, kick in _attempts(s.box, globalize):
            if not index.size:
                break
            x = _moved_starts(s, start[index], kick, index)
            _iterate_roots(s, index, x, radius, maxiter, globalize, callback)
            index = index[(s.status[index] != Status.CONVERGED)]
            # where |F| is low already, and steps run out, it fades away, and would again
            faded = s.status[index] == Status.ITERATION_LIMIT
            index = index[~(faded & (s.size[index] <= NEAR * first[index]))]
            index = index[(s.status[index] != Status.NON_FINITE) | (radius != ROOT_ATTEMPTS[0][0])]


def _units(r: Any, jac: Any, scale: Any) -> Any:
    """Powers of two by which residuals are about 1 at the start.

    One for all of them, by the largest; where their sizes, or what their slopes make of the scale of x, are
    many orders apart each has its own: else the small ones would be lost in the rounding of the others.
    """
    slopes = (np.abs(jac) * scale[:, None, :]).max(axis=2, initial=0.0)
    sizes = np.maximum(np.abs(r), np.where(np.isfinite(slopes), slopes, 0.0))
    known = (sizes > 0) & np.isfinite(sizes)
    top = np.abs(r).max(axis=1, keepdims=True, initial=0.0)
    low = np.where(known, sizes, np.inf).min(axis=1, keepdims=True, initial=np.inf)
    high = np.where(known, sizes, 0.0).max(axis=1, keepdims=True, initial=0.0)
    apart = known & (low < APART * high)
    size = np.where(apart, sizes, top)
    _, exponent = np.frexp(np.where((size > 0) & np.isfinite(size), size, 0.5))
    return np.ldexp(1.0, np.clip(-exponent, -1022, 1022))


def _attempts(box: Any, globalize: bool) -> Sequence[tuple[float, float]]:
    """Radii, and how far starts are moved: with bounds, at which iterations may get stuck, inward too."""
    if not globalize:
        return ROOT_ATTEMPTS[:1]
    return ROOT_ATTEMPTS if box is None else (*ROOT_ATTEMPTS, *[(1.0, k) for k in INWARD])


def _moved_starts(s: SystemRoots, x: Any, kick: float, index: Any) -> Any:
    """Starts moved by a part of their size, in a direction that no symmetry shares, or away from bounds."""
    if kick == 0:
        return x
    if kick > 1:
        low, high = s.box.of(index)
        return inward(x, low, high, kick)
    spread = (np.arange(1, x.shape[1] + 1) * 0.6180339887498949) % 1.0 - 0.45
    size = np.maximum(np.abs(x), s.x_scale)
    other = np.where(size.max(axis=1) > 0, size.max(axis=1), 1.0)[:, None]
    x = x + kick * spread * np.where(size > 0, size, other)
    return x if s.box is None else np.clip(x, *s.box.of(index))


def inward(x: Any, low: Any, high: Any, factor: float) -> Any:
    """Points that are so many times farther from the nearer bound, up to half of the way to the other."""
    below, above = x - low, high - x
    near = np.minimum(below, above)
    gap = np.where(np.isfinite(near), np.minimum(factor * near, 0.5 * (below + above)), near)
    return np.where(np.isfinite(near), np.where(below <= above, low + gap, high - gap), x)


class _Search(UnderWay):
    """Problems under way: their numbers, points, residuals, Jacobians, trust regions and rates."""

    index: Any
    x: Any
    r: Any
    jac: Any
    size: Any
    scale: Any
    delta: Any
    count: Any
    rejected: Any
    first: Any
    moved: Any
    before: Any
    rate: Any


class _Tried(NamedValues):
    """Where steps lead, and what was expected of them."""

    x: Any
    p: Any
    r: Any
    jac: Any
    size: Any
    full: Any
    rank: Any
    expected: Any
    finite: Any


def _iterate_roots(
    s: SystemRoots, index: Any, x: Any, radius: float, maxiter: int, globalize: bool, callback: Any
) -> None:
    """Newton steps from `x`; what ends without a root keeps the best point of all attempts."""
    zero = np.zeros(index.shape, np.intp)
    r, jac = s.at(x, index)
    size, unknown = lengths(r), np.full(index.shape, np.nan)
    delta = np.full(index.shape, np.inf)
    now = _Search(
        *(index, x, r, jac, size, np.zeros(x.shape), delta, zero, zero, size),
        *(unknown, unknown, unknown),
    )
    while now.index.size:
        s.scale[now.index] = np.maximum(s.scale[now.index], _finite_size(now.x))
        trial = _with_multiplicity(s, now, _root_trial(s, now, radius, globalize))
        if callback is not None:
            callback(s, now, trial.p)
        actual = 1.0 - (trial.size / now.size) ** 2
        good = trial.finite & (actual > 1e-4 * trial.expected) & (trial.size < now.size)
        small = is_short(trial.p, now.x, s.tol, s.x_scale) & trial.full & trial.rank
        end = good & _root_ends(s, now, trial, small)
        end |= _vanish(s, now, trial, good & ~end)
        lost = (now.rejected > MOST_REJECTED) | (small & ~good)
        if not globalize:
            good, lost = trial.finite, ~trial.finite
        lost |= ~(trial.p != 0).any(axis=1) | ~np.isfinite(trial.p).all(axis=1)
        bad = ~np.isfinite(now.size) | ~np.isfinite(now.jac).all(axis=(1, 2))
        limit = now.count >= maxiter
        root = (
            _are_root_points(s, now, trial, small & ~(trial.size < now.size), lost | limit) & ~bad
        )
        end &= ~root & ~limit & ~bad
        done = root | end | bad | lost | limit
        if done.any():
            _record_roots(s, now, trial, done, root, end, bad, limit)
        _go_on(now, trial, good, actual)
        if done.any():
            now.keep(~done)


def _finite_size(x: Any) -> Any:
    return np.where(np.isfinite(x), np.abs(x), 0.0)


def _root_ends(s: SystemRoots, now: _Search, trial: _Tried, small: Any) -> Any:
    """Whether a step that lowers ``|F|`` is the last."""
    end = small & (trial.size <= REGULAR_RATE * now.size)
    if s.ftol is not None:
        end |= trial.size <= s.ftol * now.first
    return end


def _vanish(s: SystemRoots, now: _Search, trial: _Tried, good: Any) -> Any:
    """Whether 0 is the root for the components that tend to it; the trial point is there, where it is."""
    learned = s.scale[now.index]
    to_zero = tends_to_zero(np.abs(trial.p), trial.x, learned) | (np.abs(trial.x) <= EPS * learned)
    to_zero &= holds_zero(part_of_box(s.box, now.index))
    near = (to_zero | are_short(trial.p, now.x, NEAR_ROOT, s.x_scale)).all(axis=1)
    found = np.zeros(now.index.shape, bool)
    some = np.flatnonzero(good & trial.full & near & to_zero.any(axis=1))
    if some.size:
        index = now.index[some]
        x = np.where(to_zero[some], 0.0, trial.x[some])
        r, jac = s.at(x, index)
        moved = lengths(now.scale[some] * trial.p[some])
        root, _ = s.proper(x, r, jac, index, now.scale[some], moved)
        found[some] = root
        chosen = some[root]
        trial.x[chosen], trial.r[chosen], trial.size[chosen] = x[root], r[root], lengths(r[root])
    return found


def _are_root_points(s: SystemRoots, now: _Search, trial: _Tried, idle: Any, last: Any) -> Any:
    """Whether residuals are at their levels, where that may be so."""
    look = idle | last | (now.size == 0) | (now.size <= NEAR * now.first)
    look |= (now.count == 0) & ~(trial.size < 0.1 * now.size)
    root = np.zeros(now.index.shape, bool)
    some = np.flatnonzero(look & np.isfinite(now.size))
    if some.size:
        parts = (v[some] for v in (now.x, now.r, now.jac, now.index, now.scale, now.moved))
        found, known = s.proper(*parts)
        # a bound that is not finite is no witness: the short step decides alone
        alone = (
            ~known
            & idle[some]
            & trial.rank[some]
            & (now.size[some] <= CONTRACTED * now.first[some])
        )
        root[some] = found | alone
    return root


def _root_trial(s: SystemRoots, now: _Search, radius: float, globalize: bool) -> _Tried:
    """Steps within the trust regions, and residuals and Jacobians there."""
    x, r, jac = now.x, now.r, now.jac
    box = part_of_box(s.box, now.index)
    now.scale = _column_scales(now.scale, jac)
    p, full, rank = _root_step(now, globalize, np.isinf(radius), box)
    start = lengths(now.scale * x)
    start = radius * np.where(start > 0, start, 1.0)
    long = np.isinf(now.delta) & (lengths(now.scale * p) > start) & globalize
    if long.any():
        now.delta = np.where(long, start, now.delta)
        p, full, rank = _root_step(now, globalize, np.isinf(radius), box)
    to = s.moved(x, p, now.index)
    p = to - x
    r_to, jac_to = s.at(to, now.index)
    size = lengths(r_to)
    finite = np.isfinite(size) & np.isfinite(jac_to).all(axis=(1, 2)) & np.isfinite(to).all(axis=1)
    model = lengths(r + np.einsum("kij,kj->ki", jac, p))
    return _Tried(to, p, r_to, jac_to, size, full, rank, 1.0 - (model / now.size) ** 2, finite)


def _with_multiplicity(s: SystemRoots, now: _Search, trial: _Tried) -> _Tried:
    """The step times the multiplicity that steady rates of steps tell, where ``|F|`` falls further.

    Towards a root at which J is singular Newton's steps shrink by a constant rate.
    """
    rate = lengths(now.scale * trial.p) / now.before
    some = np.flatnonzero(trial.full & trial.finite & are_steady(rate, now.rate))
    if some.size:
        p = trial.p[some] / (1.0 - rate[some])[:, None]
        to = s.moved(now.x[some], p, now.index[some])
        r, jac = s.at(to, now.index[some])
        size = lengths(r)
        better = (size < trial.size[some]) & np.isfinite(jac).all(axis=(1, 2))
        better &= (size == 0.0) | _is_regular(jac)  # where J is singular no step would follow
        chosen = some[better]
        trial.x[chosen], trial.p[chosen] = to[better], (to - now.x[some])[better]
        trial.r[chosen], trial.jac[chosen], trial.size[chosen] = (
            r[better],
            jac[better],
            size[better],
        )
    return trial


def _record_roots(
    s: SystemRoots,
    now: _Search,
    trial: _Tried,
    done: Any,
    root: Any,
    end: Any,
    bad: Any,
    limit: Any,
) -> None:
    """Write down what is done: at the trial point where that is better."""
    status = np.where(trial.rank, Status.STALLED, Status.SINGULAR)
    status = np.where(limit, Status.ITERATION_LIMIT, status)
    status = np.where(bad, Status.NON_FINITE, status)
    status = np.where(end | root, Status.CONVERGED, status)
    x = np.where(end[:, None], trial.x, now.x)
    size = lengths(np.where(end[:, None], trial.r, now.r) / s.unit[now.index])
    # an attempt that fails leaves what an earlier one reached, where that is better
    earlier = s.size[now.index]
    done = done & ((status == Status.CONVERGED) | ~(size >= earlier) | ~np.isfinite(earlier))
    s.set(now.index[done], status[done], x[done], size[done], (now.count + end)[done])


def _go_on(now: _Search, trial: _Tried, good: Any, actual: Any) -> None:
    """Go where the step was good, and set the next trust region."""
    length = lengths(now.scale * trial.p)
    plain = good & trial.full
    now.rate = np.where(good, np.where(plain, length / now.before, np.nan), now.rate)
    now.before = np.where(good, np.where(plain, length, np.nan), now.before)
    now.moved = np.where(good, length, now.moved)
    now.delta = _root_radius(now.delta, actual, trial.expected, length, trial.full)
    now.rejected = np.where(good, 0, now.rejected + 1)
    now.count = now.count + good
    now.x = np.where(good[:, None], trial.x, now.x)
    now.size = np.where(good, trial.size, now.size)
    now.r = np.where(good[:, None], trial.r, now.r)
    now.jac = np.where(good[:, None, None], trial.jac, now.jac)


def _column_scales(scale: Any, jac: Any) -> Any:
    """The largest norm that each column of the Jacobian had; 1 where it is zero."""
    norms = lengths(np.swapaxes(jac, 1, 2))
    scale = np.maximum(np.where(scale == 1.0, 0.0, scale), norms)
    return np.where((scale > 0) & np.isfinite(scale), scale, 1.0)


def _held_unknowns(x: Any, r: Any, jac: Any, box: Any) -> Any:
    """Unknowns at a bound beyond which a descent would lead."""
    slope = np.einsum("kij,ki->kj", jac, r)
    return held_by(box, x, slope)


def _root_step(now: _Search, globalize: bool, line: bool, box: Any) -> tuple[Any, Any, Any]:
    """Steps, whether each is a full one, and whether its Jacobian has full rank."""
    x, r, jac, scale, delta = now.x, now.r, now.jac, now.scale, now.delta
    if box is not None:
        jac = np.where(_held_unknowns(x, r, jac, box)[:, None, :], 0.0, jac)
    count = len(r)
    p = solved_systems(jac.transpose(1, 2, 0).copy(), -r.T).T
    length = lengths(scale * p)
    full = np.isfinite(length) & (length <= 1.1 * delta)
    if not globalize and np.isfinite(p).all():
        return p, np.ones(count, bool), np.ones(count, bool)
    if line:
        p = p * np.minimum(1.0, delta / np.where(length > 0, length, 1.0))[:, None]
    if full.all() or (line and np.isfinite(p).all()):
        return p, full, np.ones(count, bool)
    rest = np.flatnonzero(~full & np.isfinite(jac).all(axis=(1, 2)) & np.isfinite(r).all(axis=1))
    rank = np.ones(count, bool)
    p[~full] = 0.0
    u, sigma, vt = np.linalg.svd(jac[rest] / scale[rest, None, :], full_matrices=False)
    least = EPS * x.shape[1] * sigma[:, :1]
    c = np.where(sigma > least, np.einsum("kij,ki->kj", u, r[rest]), 0.0)
    radius = delta[rest] if globalize else np.full(rest.shape, np.inf)
    # minimise |c + sigma q| within |q| <= radius: curvature sigma**2, slope sigma*c
    inverse = np.where(sigma > least, sigma, 1.0)
    q, inside = shifted(np.where(sigma > least, inverse**2, 1.0), sigma * c, radius)
    p[rest] = np.einsum("kji,kj->ki", vt, q) / scale[rest]
    full[rest], rank[rest] = inside, (sigma > least).all(axis=1)
    return p, full, rank


def _root_radius(delta: Any, actual: Any, expected: Any, length: Any, full: Any) -> Any:
    """The radius of the next trust region, by how well the linear model foretold the residual."""
    ratio = actual / expected
    poor = ~(ratio >= 0.25)
    # the minimum of the parabola along the step, between a tenth and a half of it
    half = np.where(actual >= 0, 0.5, 0.5 * expected / (expected - 0.5 * actual))
    shrunk = np.minimum(delta, length) * np.clip(np.where(half == half, half, 0.1), 0.1, 0.5)
    grown = np.where((ratio >= 0.75) | full, 2.0 * length, delta)
    grown = np.where(full & (ratio >= 0.75), np.maximum(delta, grown), grown)
    return np.where(poor, shrunk, np.maximum(grown, 1e-300))
