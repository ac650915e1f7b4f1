"""Minima for many problems at once: Newton's method in a trust region, by eigenvalues of the Hessian.

Unknowns are scaled by the size of the Hessian's rows (`spectra`), so that units do not matter. With ``H =
Q diag(w) Q.T`` the step in the region is exact, whatever the signs of `w`; a saddle is left along its
direction of negative curvature. Where a large H has Cholesky's factors, and the Newton step fits its
region, that is the step and no eigenvalues are needed.

A minimum is a root of its gradient, projected on the bounds, where the Hessian is not indefinite: the end
rule is that of `ending`. The objective cannot tell steps from rounding long before the gradient cannot,
so where a step promises less than the objective's level the gradient has to fall.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from symgrad.solve.runtime.approach import Found
from symgrad.solve.runtime.arguments import Problems, SolverCall, Tolerances, answer, shaped
from symgrad.solve.runtime.ending import (
    EPS,
    LOCATED,
    ORDINARY,
    ROOT_RATE,
    STRONG_RATE,
    along,
    have_underflowed,
    held_by,
    is_short,
    is_short_at_scale,
    learned_scale,
    lengths,
    meets_wishes,
    part_of_box,
    short_of_zero,
    within,
)
from symgrad.solve.runtime.minimum_step import (
    bounded_step,
    free_step,
    model,
)
from symgrad.solve.runtime.results import CONVERGED, CURVATURES, Minimum, Status
from symgrad.solve.runtime.spectra import Spectrum, curvature_of, grown
from symgrad.solve.runtime.trust import LinearRate, NamedValues, UnderWay

UNKNOWN = len(CURVATURES) - 1
MOST_REJECTED_DESCENTS = 80  # steps in a row
NEAR_LEVEL = 1e4  # levels that a gradient which cannot fall may be above its own
JUMP = 1e-8  # of the steepest slope, what a slope is at least that has not faded away
FAINT = 1e-10  # curvature, in parts of what it was on the way, whose sign may be lost
FEWEST_BITS = 2.0**-1060  # below it numbers have no digits
LIMITLESS = 1e40  # times the first step: a step that lowers an objective without a lower bound
LEFT = 1e-4  # of the tolerance: the length of a next step that is not taken
NEARBY = 1e-2  # of an unknown: a step along which the Hessian hardly changes
LONG = 1e-4  # what a step is at least that is rather too long than lost in rounding


class Functions(NamedTuple):
    """An objective.

    Attributes
    ----------
    at : callable
        ``at(x, index)`` gives values, gradients and Hessians in their form, of the problems `index`.
    form : DenseHessian, DiagonalHessian or KroneckerHessian
    levels : Levels
        Of the value, then of the entries of the gradient.
    """

    at: Callable[[Any, Any], Any]
    form: Any
    levels: Any


class Minima(Found):
    """Results of minimisation.

    `weight` holds the sizes of unknowns by curvature, `scale` their largest magnitudes, `least` the least
    curvature in unknowns of these sizes, `fast` whether the last step contracted faster than at a minimum
    of higher order, `steepest` the largest slopes by each unknown, `jumped` whether these were not nearly
    zero before the last step.
    """

    def __init__(self, x: Any, box: Any, tolerances: Tolerances, x_scale: Any) -> None:
        super().__init__(x)
        self.tolerances, self.box, self.x_scale = tolerances, box, x_scale
        self.value = np.full(len(x), np.nan)
        self.curvature = np.full(len(x), UNKNOWN, np.int8)
        self.weight, self.scale = np.zeros(self.x.shape), np.abs(self.x)
        self.fast, self.jumped = np.zeros(len(x), bool), np.zeros(self.x.shape, bool)
        self.steepest = np.zeros(self.x.shape)
        self.least, self.highest = np.zeros(len(x)), np.full(len(x), -np.inf)


def answer_of_minima(call: SolverCall, problems: Problems, found: Minima) -> Minimum:
    """What a solver of minima returns."""
    minimum = answer(Minimum, call, problems, found)
    minimum.value = shaped(found.value, problems.batch)
    minimum.curvature = shaped(np.array(CURVATURES)[found.curvature], problems.batch)
    return minimum


def strict_minimum(x: Any, count: int, size: float, value: float) -> Minimum:
    """The `Minimum` of one problem, where the Hessian is positive definite."""
    minimum = Minimum(x, True, count, size, CONVERGED)
    minimum.value, minimum.curvature = value, CURVATURES[0]
    return minimum


class _Descent(UnderWay):
    """Problems under way: numbers, points, values, gradients, Hessians and trust regions."""

    index: Any
    x: Any
    f: Any
    g: Any
    h: Any
    weight: Any  # sizes of unknowns by curvature, so far
    scale: Any  # magnitudes of unknowns so far
    delta: Any
    first: Any  # the first radius
    highest: Any  # value so far
    before: Any  # magnitudes of slopes before the last step
    steepest: Any  # their largest so far
    fast: Any  # whether the last step left little of it
    count: Any
    rejected: Any
    rate: Any


class _Move(NamedValues):
    """A step: where it leads, what was expected of it, and the curvatures that it saw."""

    x: Any
    p: Any
    f: Any
    g: Any
    h: Any
    full: Any
    faster: Any  # whether it goes further than the full step
    expected: Any
    spectrum: Any  # None where all Hessians have Cholesky's factors
    free: Any  # the Hessians over what is not held
    d: Any
    length: Any
    slope: Any  # the gradient before, with zeros for what is held
    after: Any  # the same after
    size: Any  # the length of the slope, in unknowns scaled by d
    left: Any  # the same after
    finite: Any
    wished: Any = False  # whether `ftol` or `gtol` is met, which is enough


def iterate_minima(
    s: Minima,
    functions: Functions,
    index: Any,
    x: Any,
    maxiter: Any,
    globalize: bool = True,
    tell: Any = None,
) -> None:
    """Newton steps of the problems `index` from `x`; counts go on. What is found is written to `s`.

    `maxiter` is a number, or one for each problem of `s`.
    """
    most = np.broadcast_to(maxiter, s.count.shape)
    f, g, h = functions.at(x, index)
    zero, nothing, flat = np.zeros(index.shape, np.intp), np.zeros(index.shape), np.zeros(x.shape)
    now = _Descent(
        *(index, x, f, g, h, s.weight[index], learned_scale(s.scale[index], x)),
        *(np.full(index.shape, np.inf), nothing, f, flat, flat, nothing > 0),
        *(s.count[index], zero, LinearRate(*x.shape)),
    )
    while now.index.size:
        move = _moved(s, functions, now, globalize)
        if tell is not None:
            tell(int(now.count.max()), now.x, lengths(move.slope), move.p)
        good, end, lost = _judged(s, functions, now, move)
        if not globalize:
            short = is_short(move.p, now.x, s.tolerances.step, s.x_scale)
            good = np.isfinite(move.f)
            end |= short | (move.size == 0)
            lost = ~along(np.logical_and, np.isfinite(move.p), True)
        endless = _is_endless(now, move)
        done = end | lost | endless | ~move.finite | (now.count >= most[now.index])
        if done.any():
            _note(s, functions.form, now, move, done, end, endless, good, most[now.index])
        _go(now, move, good)
        if done.any():
            now.keep(~done)


def _moved(s: Minima, functions: Functions, now: _Descent, globalize: bool) -> _Move:
    """Steps within the trust regions, and values, gradients and Hessians there."""
    form = functions.form
    finite = _are_finite(now.f, now.g, now.h)
    g, h = _zeroed(now.g, ~finite), _zeroed(now.h, ~finite)
    flat = along(np.maximum, now.weight, 0.0) == 0
    now.weight, d = grown(now.weight, form.sizes(h), np.maximum(now.scale, s.x_scale))
    now.delta = np.where(flat, now.delta * along(np.maximum, d, 0.0), now.delta)
    step = bounded_step if s.box is not None else free_step
    p, full, spectrum, slope, free = step(s, form, now, g, h, d, globalize)
    length = lengths(d * p)
    faster = np.ones(now.index.shape)
    if globalize and s.box is None:
        faster = now.rate.factor(d * p, length, full)
    box = part_of_box(s.box, now.index)
    x = within(box, now.x + faster[:, None] * p)
    f, g_to, h_to = functions.at(x, now.index)
    if box is not None:
        to = short_of_zero(
            box, now.x, x, held_by(box, x, g_to) & _are_finite(f, g_to, h_to)[:, None]
        )
        back = (to != x).any(axis=1)
        if back.any():
            x, p, full = to, np.where(back[:, None], to - now.x, p), full & ~back
            length = lengths(d * p)
            f, g_to, h_to = functions.at(x, now.index)
    expected = -model(form, g, h, p)
    after = g_to if box is None else np.where(held_by(box, x, g_to), 0.0, g_to)
    sizes = lengths(slope / d), lengths(after / d)
    return _Move(
        *(x, x - now.x, f, g_to, h_to, full, faster > 1, expected, spectrum, free),
        *(d, length, slope, after, *sizes, finite),
    )


def _are_finite(f: Any, g: Any, h: Any) -> Any:
    finite = np.isfinite(f) & along(np.logical_and, np.isfinite(g), True)
    return finite & np.isfinite(h).reshape(h.shape[0], -1).all(axis=1)


def _judged(s: Minima, functions: Functions, now: _Descent, move: _Move) -> tuple[Any, Any, Any]:
    """Which steps are good, which points are minima by their slopes, and which problems are lost."""
    xtol = s.tolerances.step
    fall = now.f - move.f
    finite = np.isfinite(move.f) & np.isfinite(move.left)
    falls = (fall > 1e-4 * move.expected) & finite
    strong = (move.left <= STRONG_RATE * move.size) & finite
    good = np.where(move.faster, falls & (move.left <= 0.3 * move.size), falls)
    short = is_short(move.p, now.x, xtol, s.x_scale)
    end = short & (move.left <= ROOT_RATE * move.size) & finite
    end |= is_short_at_scale(move.p, now.x, xtol, s.x_scale, now.scale) & strong
    strong &= move.full & ~end
    strong &= (np.abs(move.p) <= NEARBY * np.maximum(np.abs(move.x), now.scale)).all(axis=1)
    if strong.any():
        end |= strong & _next_is_short(s, functions.form, now, move)
    end &= move.full & (falls | (move.f <= now.f + 16 * EPS * np.abs(now.f)))
    good |= end  # whose gradient is lower
    end |= move.size == 0
    move.wished = meets_wishes(
        s.tolerances.ftol,
        s.tolerances.gtol,
        np.where(good & (move.f != now.f), fall / np.abs(now.f), np.inf),
        along(np.maximum, np.abs(move.slope), 0.0),
    )
    end |= move.wished
    # a step that is not tiny may just be too long, which needs no levels
    tiny = is_short(move.p, now.x, LONG, s.x_scale) | (now.rejected > 3)
    tiny |= np.abs(move.expected) <= LONG**2 * np.abs(now.f)
    doubtful = ~falls & ~end & move.finite & tiny
    lost = ~along(np.logical_and, np.isfinite(move.p), True) | (
        now.rejected > MOST_REJECTED_DESCENTS
    )
    if doubtful.any():
        _by_levels(s, functions, now, move, np.flatnonzero(doubtful), good, end, short)
    end &= _are_convex(move.spectrum)
    still = ~along(np.logical_or, move.p != 0, False)
    lost |= (short | still) & ~good & ~end & ~move.faster
    return good, end, lost


def _next_is_short(s: Minima, form: Any, now: _Descent, move: _Move) -> Any:
    """Whether the next full step, by the curvatures of this one, is so short that it is not taken."""
    if move.spectrum is None:
        p = np.linalg.solve(move.free, move.after[..., None])[..., 0]
    else:
        c = form.into(move.spectrum, move.after / move.d)
        p = form.out(move.spectrum, np.where(c == 0, 0.0, c / move.spectrum.w)) / move.d
    size = np.maximum(np.abs(move.x), s.x_scale)
    return (np.abs(p) <= np.maximum(LEFT * s.tolerances.step * size, EPS * now.scale)).all(axis=1)


def _by_levels(
    s: Minima,
    functions: Functions,
    now: _Descent,
    move: _Move,
    rows: Any,
    good: Any,
    end: Any,
    short: Any,
) -> None:
    """Judge steps that do not lower the objective by rounding levels."""
    levels = functions.levels.at(now.x[rows], now.index[rows])
    noise = noise_by(levels[:, 0], now.f[rows])
    size, left = move.size[rows], move.left[rows]
    flat = np.abs(move.expected[rows]) <= noise
    # where the objective cannot tell any more, the gradient does
    equal = (left < np.where(move.faster[rows], 0.3, 1.0) * size) & (
        move.f[rows] <= now.f[rows] + noise
    )
    good[rows] = np.where(flat, equal, good[rows])
    slope = np.abs(move.slope[rows])
    fallen = now.highest[rows] - now.f[rows]
    nothing = flat | (np.abs(move.expected[rows]) <= EPS**2 * fallen)
    tends = np.abs(move.p[rows]) <= EPS * now.scale[rows]
    tends &= (nothing & move.full[rows])[:, None]
    # slopes as large as their level would not move the minimum far
    measure = np.maximum(np.maximum(np.abs(now.x[rows]), now.scale[rows]), s.x_scale)
    d = move.d[rows]  # an unknown that was never large is as long as the others are, in their sizes
    measure = np.maximum(measure, along(np.maximum, d * measure, 0.0)[:, None] / d)
    steep = functions.form.sizes(now.h[rows]) ** 2 * measure
    located = ((levels[:, 1:] <= LOCATED * steep) | (slope == 0)).all(axis=1)
    located |= ~np.isfinite(levels[:, 1:]).all(axis=1)
    level = ((slope <= levels[:, 1:]) | tends).all(axis=1) & located
    above = ((slope > NEAR_LEVEL * levels[:, 1:]) & ~tends).any(axis=1)
    full = move.full[rows] | (now.rejected[rows] == 0)
    idle = flat & full & ~(left < 0.5 * size) & ~move.faster[rows]
    idle |= short[rows] & move.full[rows] & ~equal
    end[rows] |= level | (idle & ~above & located)


def noise_of(levels: Any, x: Any, index: Any, f: Any) -> Any:
    """The rounding level of values `f` at points."""
    return noise_by(levels.at(x, index)[:, 0], f)


def noise_by(level: Any, f: Any) -> Any:
    """What differences of the objective may be by rounding; a guess where its level is not known."""
    return np.maximum(np.where(np.isfinite(level), level, 16 * EPS * np.abs(f)), FEWEST_BITS)


def _are_convex(spectrum: Spectrum | None) -> Any:
    if spectrum is None:
        return True
    w = spectrum.w
    return along(np.minimum, w, np.inf) >= -1e-9 * along(np.maximum, np.abs(w), 0.0)


def _is_endless(now: _Descent, move: _Move) -> Any:
    """Whether the objective falls without end: to minus infinity, or as far as ever in enormous steps."""
    fall, total = now.f - move.f, now.highest - move.f
    far = (
        (move.length > LIMITLESS * now.first) & (now.first > 0) & (fall >= 0.1 * total) & (fall > 0)
    )
    return np.isneginf(move.f) | far


def _note(
    s: Minima,
    form: Any,
    now: _Descent,
    move: _Move,
    done: Any,
    end: Any,
    endless: Any,
    good: Any,
    most: Any,
) -> None:
    """Write down what is done: at the trial point where that is better."""
    limit = now.count >= most
    take = end & good & ~limit
    status = np.where(limit, Status.ITERATION_LIMIT, Status.STALLED)
    status = np.where(endless, Status.UNBOUNDED, status)
    status = np.where(along(np.logical_and, np.isfinite(move.p), True), status, Status.SINGULAR)
    kind, w = np.full(done.shape, UNKNOWN), _curvatures(s, form, now, move, done, take)
    kind[done] = curvature_of(w)
    # what is nothing, against the curvature on the way, has no sign; values beside the point decide
    faint = along(np.minimum, w, np.inf) >= -FAINT
    kind[done] = np.where(faint & (kind[done] > 1), 1, kind[done])
    kind = np.where(move.finite, kind, UNKNOWN)
    status = np.where(end, np.where(kind > 1, Status.NOT_A_MINIMUM, 0), status)
    status = np.where(move.finite, status, Status.NON_FINITE)
    x, size = np.where(take[:, None], move.x, now.x), np.where(take, move.left, move.size)
    g = np.where(take[:, None], move.g, now.g)
    sure = np.flatnonzero(done & (status == Status.CONVERGED) & ~_wished(move, np.ones_like(done)))
    if sure.size:
        h = _pick(take[sure], move.h[sure], now.h[sure])
        lost = sure[tell_nothing(form, g[sure], h, np.maximum(now.scale[sure], s.x_scale))]
        status[lost], kind[lost] = Status.STALLED, UNKNOWN
    if s.box is not None:
        g = np.where(held_by(part_of_box(s.box, now.index), x, g), 0.0, g)
    size = np.where(move.finite, lengths(g), np.inf)
    index = now.index[done]
    s.set(index, status[done], x[done], size[done], (now.count + take)[done])
    s.value[index], s.curvature[index] = np.where(take, move.f, now.f)[done], kind[done]
    s.weight[index], s.scale[index] = now.weight[done], now.scale[done]
    s.highest[index] = np.fmax(s.highest[index], now.highest[done])
    s.least[index] = np.where(_wished(move, done), np.inf, along(np.minimum, w, np.inf))
    fast = np.where(take, _is_fast(move), now.fast)
    s.fast[index] = fast[done] | _wished(move, done)
    slope = np.abs(move.slope)
    before, steepest = np.where(take[:, None], slope, now.before), np.maximum(now.steepest, slope)
    s.jumped[index] = ((before > JUMP * steepest) & (before > 0))[done]
    s.steepest[index] = np.fmax(s.steepest[index], steepest[done])


def tell_nothing(form: Any, g: Any, h: Any, scale: Any) -> Any:
    """Whether gradients may be what is left by an underflow."""
    if (np.abs(g) >= ORDINARY).all() or not h.any():
        return np.zeros(len(g), bool)
    unit = np.where(scale > 0, scale, 1.0)
    empty = ~h.reshape(len(h), -1).any(axis=1)
    return have_underflowed(g, np.abs(form.times(np.abs(h), unit)), unit) & ~empty


def _curvatures(s: Minima, form: Any, now: _Descent, move: _Move, done: Any, take: Any) -> Any:
    """Eigenvalues of the Hessians of what is done, at the points that are taken."""
    if move.spectrum is not None and (s.box is not None or not take[done].any()):
        return move.spectrum.w[done]
    x, g, h = (
        _pick(take, *pair)[done]
        for pair in zip((move.x, move.g, move.h), (now.x, now.g, now.h), strict=True)
    )
    d = move.d[done]
    if s.box is not None:
        h = form.without(h, held_by(part_of_box(s.box, now.index[done]), x, g), d)
    finite = np.isfinite(h).reshape(len(h), -1).all(axis=1)
    return form.values(_zeroed(h, ~finite), d)


def _go(now: _Descent, move: _Move, good: Any) -> None:
    """Go where the step was good, and set the next trust region."""
    fall = now.f - move.f
    ratio = np.where(move.expected > 0, fall / move.expected, -1.0)
    length = lengths(move.d * move.p)
    grown_to = np.maximum(now.delta, np.where(move.full, 3.0, 2.0) * length)
    delta = np.where(ratio > 0.75, grown_to, now.delta)
    shrunk = np.where(now.rejected < 4, 0.25, 1e-2) * length
    delta = np.where((ratio >= 0.25) | good, delta, shrunk)
    delta = np.where(good & (ratio < 0.25) & (ratio > 1e-4), 0.25 * length, delta)
    now.delta = np.where(move.faster, now.delta, delta)
    now.rejected = np.where(good, 0, now.rejected + ~move.faster)
    now.rate.took(move.d * move.p, length, move.full & ~move.faster, good)
    now.count = now.count + good
    slope = np.abs(move.slope)
    now.before = np.where(good[:, None], slope, now.before)
    now.steepest = np.maximum(now.steepest, slope)
    now.fast = np.where(good, _is_fast(move), now.fast)
    now.x = np.where(good[:, None], move.x, now.x)
    now.f = np.where(good, move.f, now.f)
    now.highest = np.maximum(now.highest, now.f)
    now.scale = learned_scale(now.scale, now.x)
    now.g, now.h = _pick(good, move.g, now.g), _pick(good, move.h, now.h)


def _wished(move: _Move, done: Any) -> Any:
    return np.broadcast_to(move.wished, done.shape)[done]


def _is_fast(move: _Move) -> Any:
    """Whether a step left little of the gradient, as no plain step to a minimum of higher order does."""
    return (move.left <= STRONG_RATE * move.size) & ~move.faster


def _pick(which: Any, new: Any, old: Any) -> Any:
    return np.where(which.reshape(-1, *[1] * (old.ndim - 1)), new, old)


def _zeroed(v: Any, which: Any) -> Any:
    return _pick(which, np.zeros_like(v), v) if which.any() else v
