"""One equation in one unknown between points where F has opposite signs, for many problems at once."""

from __future__ import annotations

from typing import Any

import numpy as np

from symgrad.errors import ArgumentError
from symgrad.solve.runtime.ending import (
    CONTRACTED,
    EPS,
    NO_SIZE,
    ORDINARY,
    are_steady,
)
from symgrad.solve.runtime.results import Status
from symgrad.solve.runtime.scalar import ScalarRoots, damped, plain

# How much the distance grows at which a sign change is looked for; at last to the end of all numbers
GROWTH = (1.0, *[2.0] * 23, *[2.0 ** (2**k) for k in range(1, 10)])
# The same in magnitudes of x, towards 0 and to the end of all numbers
DECAY = (1.0, *[0.1] * 8, *[1e-2] * 8, *[1e-3] * 95, 0.0)
RISE = (1.0, *[1e3] * 100)
FAR = 100.0  # the ratio of ends of one sign from which on their geometric mean is taken
CLOSED = 2.0 * EPS  # the width of a bracket, against its ends, that holds no other number
STEEP = 8.0  # of slope times width, to which F may rise in a bracket that is closed
SLOWEST = 0.75  # of the step before: what is longer is replaced by bisection


def solve_scalars(
    s: ScalarRoots, globalize: bool = True, bracket: Any = None, steps: Any = None
) -> ScalarRoots:
    """Solve problems in one unknown, first by `full_steps` where its `steps` are given."""
    rest = np.arange(s.x.size)
    with np.errstate(all="ignore"):
        if bracket is not None:
            s.begin()
            _in_bracket(s, rest, bracket)
            return s
        if steps is not None:
            rest = s.by_full_steps(steps, s.params, s.tol, s.maxiter, s.box)
            if not rest.size:
                return s
        s.begin()
        if not globalize:
            plain(s, rest)
            return s
        start = s.x.copy()
        # half of the steps, at most, before a sign change is looked for
        damped(s, rest, s.x[rest], (s.maxiter + 1) // 2)
        rest = _unsolved(s, rest)
        slow = s.status[rest] == Status.ITERATION_LIMIT
        search(s, rest, side=_side(s, rest, start))
        rest = rest[slow]
        rest = rest[s.status[rest] == Status.ITERATION_LIMIT]
        if rest.size:
            damped(s, rest, s.x[rest], s.maxiter)
        # F may fade away at infinity: a sign change around the start is the last resort
        rest = np.flatnonzero(s.status != Status.CONVERGED)
        search(s, rest[np.abs(s.x[rest]) > FAR * np.abs(start[rest])], start)
        search_magnitudes(s, _unsolved(s, rest[np.isfinite(start[rest])]))
    return s


def _unsolved(s: ScalarRoots, index: Any) -> Any:
    lost = (s.status[index] == Status.NON_FINITE) & np.isnan(s.size[index])
    return index[(s.status[index] != Status.CONVERGED) & ~lost]


def _side(s: ScalarRoots, index: Any, start: Any) -> Any:
    """Where to look first, -1 or 1: where the start was, for what tends to 0 from there."""
    nearly = np.abs(s.x[index]) <= NO_SIZE * s.scale[index]
    return np.where(nearly & (start[index] > 0), 1.0, -1.0)


def search(s: ScalarRoots, index: Any, around: Any = None, side: Any = -1.0) -> None:
    """Look for a sign change around `s.x`, or other points, at distances that double, and solve there.

    The first `side` of each problem is -1 or 1.
    """
    side = np.broadcast_to(side, index.shape)
    if around is None:
        side, index = side[s.size[index] > 0.0], index[s.size[index] > 0.0]
    x = s.x[index] if around is None else around[index]
    scale = s.scale[index] if around is None else np.maximum(np.abs(x), s.x_scale)
    f = s.at(x, index)[0]
    # the last point with a value, on each side
    known = [[x.copy(), x.copy()], [f.copy(), f.copy()]]
    _sweep(s, index, x, 1e-3 * side * np.where(scale > 0, scale, 1.0), GROWTH, *known)


def search_magnitudes(s: ScalarRoots, index: Any) -> None:
    """Look for a sign change between magnitudes below and above those of the iterates, and solve there."""
    for factors in (DECAY, RISE):
        index = index[s.status[index] != Status.CONVERGED]
        scale, nothing = s.scale[index], np.full(index.shape, np.nan)
        known = [[nothing.copy(), nothing.copy()] for _ in range(2)]
        reach = np.where(scale > 0, scale, 1.0) * np.where(s.x[index] < 0, -1.0, 1.0)
        _sweep(s, index, np.zeros(index.shape), reach, factors, *known)


def _sweep(
    s: ScalarRoots, index: Any, centre: Any, reach: Any, factors: Any, inner: Any, values: Any
) -> None:
    """Look for sign changes on both sides of `centre`, at distances that change by `factors`.

    The sign of `reach` tells which side is the first. An infinite value has a sign. What a sign change does
    not hold, such as a pole, is passed.
    """
    for factor in factors:
        reach = np.clip(factor * reach, -1e308, 1e308)
        for side, direction in enumerate((1.0, -1.0)):
            index, centre, reach, inner, values = _left(s, index, centre, reach, inner, values)
            if not index.size:
                return
            y = s.moved(centre, direction * reach, index)
            fy = s.at(y, index)[0]
            hit = (fy * np.sign(values[side]) <= 0) & (y != inner[side])
            hit &= s.count[index] < s.maxiter
            if hit.any():
                which = index[hit]
                unknown = s.scale[which] == 0.0
                s.learn(np.where(unknown, y[hit], 0.0), which)
                before = s.x[which], s.size[which], s.status[which]
                between(s, which, inner[side][hit], y[hit], values[side][hit], fy[hit])
                _back(s, which, *before)
            known = ~np.isnan(fy) & (fy != 0.0)
            inner[side] = np.where(known, y, inner[side])
            values[side] = np.where(known, fy, values[side])


def _back(s: ScalarRoots, index: Any, x: Any, size: Any, status: Any) -> None:
    """Where a sign change held no root: what was known before, if that was better."""
    worse = (s.status[index] != Status.CONVERGED) & ~(s.size[index] < size)
    index = index[worse]
    s.set(index, status[worse], x[worse], size[worse], s.count[index])


def _left(s: ScalarRoots, index: Any, x: Any, reach: Any, inner: Any, values: Any) -> Any:
    """The problems that are not solved."""
    keep = s.status[index] != Status.CONVERGED
    if keep.all():
        return index, x, reach, inner, values
    pairs = [[v[keep] for v in pair] for pair in (inner, values)]
    return index[keep], x[keep], reach[keep], *pairs


def _in_bracket(s: ScalarRoots, index: Any, bracket: tuple[Any, Any]) -> None:
    """Solve between the ends of a bracket, numbers or arrays, from `s.x`."""
    a, b = (np.array(np.broadcast_to(end, s.x.shape), float) for end in bracket)
    if not ((a < b) & np.isfinite(a) & np.isfinite(b)).all():
        k = int(np.argmin((a < b) & np.isfinite(a) & np.isfinite(b)))
        raise ArgumentError(f"a bracket (a, b) needs finite a < b, got ({a[k]}, {b[k]})")
    if ((s.x < a) | (s.x > b)).any():
        k = int(np.argmax((s.x < a) | (s.x > b)))
        raise ArgumentError(f"x0 must lie within the bracket {(float(a[k]), float(b[k]))}")
    sides = s.sides(index)
    if sides is not None:
        a, b = (np.clip(end, *sides) for end in (a, b))
    fa, fb = s.at(a, index)[0], s.at(b, index)[0]
    change = np.sign(fa) * np.sign(fb) <= 0
    if s.single and not change.all():
        raise ArgumentError(
            f"F has no sign change in the bracket: F({a[0]}) = {fa[0]}, F({b[0]}) = {fb[0]}"
        )
    s.learn(np.fmax(np.abs(a), np.abs(b)), index)
    between(s, index[change], a[change], b[change], fa[change], fb[change], s.x[change])


def between(
    s: ScalarRoots, index: Any, a: Any, b: Any, fa: Any, fb: Any, start: Any = None
) -> None:
    """Steps inside a sign change of F from `a` to `b`; bisection where they leave it or are slow.

    After Press et al., Numerical Recipes, 3rd ed., section 9.4 (rtsafe), with steps to multiple roots.
    Where ends of one sign are far apart it is their exponents that are bisected.
    """
    x = _middle(a, b, s.scale[index]) if start is None else start
    first = np.fmin(np.abs(fa), np.abs(fb))
    first = np.where(first > 0, first, np.fmax(np.abs(fa), np.abs(fb)))
    x = np.where(fa == 0, a, np.where(fb == 0, b, x))
    count, previous = s.count[index], np.abs(b - a)
    bound, small = np.full(x.shape, np.inf), np.zeros(x.shape, bool)
    rate, last = np.full(x.shape, np.nan), np.full(x.shape, np.nan)
    while index.size:
        f, step, slope = s.at(x, index)
        size = np.abs(f)
        s.tell(count[0], x, size, step)
        same, unknown = np.sign(f) == np.sign(fa), (f != f) & (x == 0.0)
        a, b = np.where(same | unknown, x, a), np.where(same | (f != f), b, x)
        fa = np.where(same, f, fa)
        y, newton, short = _next(s, index, x, a, b, (f, step, slope), previous, (last, rate))
        width, top = np.abs(b - a), np.maximum(np.abs(a), np.abs(b))
        closed = (width <= CLOSED * top) | (top <= ORDINARY)
        limit = count >= s.maxiter
        root = small & (size <= s.rate * bound) & (size <= first) & s.is_small(f / slope, x)
        idle = np.flatnonzero(~root & ((size == 0) | closed | limit | (short & ~newton)))
        if idle.size:
            now = (x, f, slope, index, previous, first, closed, width)
            root[idle] = _are_closed_roots(s, *[v[idle] for v in now])
        lost = (f != f) & (x != 0.0)
        done = root | closed | lost | limit | (size == 0)
        if done.any():
            reason = np.where(lost, Status.NON_FINITE, Status.STALLED)
            reason = np.where(limit & ~closed & (size != 0), Status.ITERATION_LIMIT, reason)
            s.set(index[done], np.where(root, 0, reason)[done], x[done], size[done], count[done])
        rate, last = np.where(newton, step / last, np.nan), np.where(newton, y - x, np.nan)
        previous = np.where(newton, np.abs(y - x), width)
        small = newton & short
        count, x, bound = count + 1, y, size
        state = (index, x, a, b, fa, count, previous, first, bound, small, rate, last)
        index, x, a, b, fa, count, previous, first, bound, small, rate, last = (
            v[~done] for v in state
        )


def _are_closed_roots(
    s: ScalarRoots,
    x: Any,
    f: Any,
    slope: Any,
    index: Any,
    moved: Any,
    first: Any,
    closed: Any,
    width: Any,
) -> Any:
    """Whether F is at its level, or in a closed bracket what its slope makes of the width, at roots."""
    size = np.abs(f)
    root = s.proper(x, f, slope, index, moved, first)
    unknown = ~np.isfinite(s.levels(x[:, None], index)[:, 0])
    root |= closed & unknown & (size <= CONTRACTED * first)
    # beside an infinite slope, as of a cube root, no level tells; at a jump the slope is too small
    root |= closed & (size > 0) & (size <= STEEP * np.abs(slope) * width) & np.isfinite(slope)
    return root & (size <= first) & (size < np.inf)  # not so at a pole


def _next(
    s: ScalarRoots, index: Any, x: Any, a: Any, b: Any, values: Any, previous: Any, before: Any
) -> tuple[Any, Any, Any]:
    """The next point, whether a step leads there, and whether the step from here is a short one.

    `before` is the step that led here, and its rate; nan where it was none.
    """
    (f, step, slope), (last, rate) = values, before
    now = step / last
    far = x + step / (1.0 - now)
    steady, fits = are_steady(now, rate), (far - a) * (far - b) < 0
    y = np.where(steady & fits, far, x + step)
    newton = ((y - a) * (y - b) < 0) & (np.abs(y - x) <= SLOWEST * previous) & (fits | ~steady)
    short = s.is_small(f / slope, x) & s.is_small(step, x)
    return np.where(newton, y, _middle(a, b, s.scale[index])), newton, short


def _middle(a: Any, b: Any, scale: Any) -> Any:
    """Halfway between `a` and `b`; in their exponents where they are far apart.

    Around 0 it is 0 itself, once they are close to it. Beside 0 the other end, which is a small part of the
    scale, becomes as small a part of itself: 1e-3, 1e-6, 1e-12, and so on.
    """
    low, high = np.minimum(np.abs(a), np.abs(b)), np.maximum(np.abs(a), np.abs(b))
    sign = np.sign(a + b)
    half = a + 0.5 * (b - a)
    near = high <= 1e-3 * scale
    half = np.where((low == 0) & near, sign * high * (high / scale), half)
    far = (low > 0) & (np.sign(a) == np.sign(b)) & (high > FAR * low)
    return np.where(
        (a * b < 0) & near, 0.0, np.where(far, sign * np.sqrt(low) * np.sqrt(high), half)
    )
