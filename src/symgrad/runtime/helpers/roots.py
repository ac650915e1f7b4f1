"""Helpers of generated code for implicit functions: roots of equations entry by entry, and of systems."""

from __future__ import annotations

from typing import Any

import numpy as np


def _root(equation: Any, rounding: Any, x: Any, *given: Any) -> Any:
    """Roots entry by entry, from `x`; nan where there is none in reach.

    `equation` gives value and slope, `rounding` the running error bound of the value. Newton's steps are
    halved until the value is smaller, and multiplied where a steady rate tells of a multiple root. They
    end where one is short against x and the value falls as at a root, or where the value is rounding;
    else a root is looked for where the value changes its sign.
    """
    x, *arrays = np.broadcast_arrays(x, *given)
    shape, eps = x.shape, np.finfo(float).eps
    start, every = np.array(x, float).ravel(), [p.ravel() for p in arrays]
    x, params = start, every
    root, open_, last = np.full(x.size, np.nan), np.arange(x.size), x.copy()
    scale, before, rate = np.abs(x), np.full(x.size, np.nan), np.full(x.size, np.nan)
    with np.errstate(all="ignore"):
        f, slope = equation(x, *params)
        for _ in range(200):
            if not open_.size:
                break
            full = np.where(f == 0, 0, f / slope)
            new = x - full
            g, bend = map(np.array, equation(new, *params))
            now, jumps = np.abs(full) / before, np.zeros(x.size, bool)
            for k in np.flatnonzero(
                (now > 0.3) & (now < 0.99) & (np.abs(now - rate) <= 0.1 - 0.1 * now)
            ):
                far = x[k] - full[k] / (1 - now[k])
                h, turn = equation(far, *[p[k] for p in params])
                if np.abs(h) < np.abs(g[k]) and (h == 0 or turn != 0):
                    new[k], g[k], bend[k], jumps[k] = far, h, turn, True
            falls = (np.abs(g) < np.abs(f)) & np.isfinite(new)
            length = np.abs(new - x)
            end = (np.abs(full) <= 1e-12 * np.abs(x)) & (np.abs(g) <= 0.1 * np.abs(f))
            # no jump, and no multiplied step, whose rate tells nothing
            end &= falls & (np.abs(g) <= 1e-12 * np.abs(bend * new)) & ~jumps
            tends = falls & (length <= eps * scale) & (np.abs(new) <= 1e-3 * length)
            zero = _vanishing(equation, rounding, tends & ~end, scale, params)
            new[zero], end[zero] = 0.0, True
            up = np.flatnonzero(~falls)
            if up.size:
                there = [p[up] for p in params]
                settled = _settled(equation, rounding, x[up], f[up], slope[up], scale[up], there)
                end[up], new[up] = settled, np.where(settled, x[up], new[up])
                up = up[~settled]
            step = full.copy()
            before, rate = np.where(falls, length, np.nan), now
            for _ in range(60):
                if not up.size:
                    break
                step[up] /= 2
                new[up] = x[up] - step[up]
                g[up], bend[up] = equation(new[up], *[p[up] for p in params])
                up = up[~((np.abs(g[up]) < np.abs(f[up])) & np.isfinite(new[up]))]
            new[up], end[up] = np.nan, True  # no step gets closer
            root[open_[end]], last[open_] = new[end], x
            far = ~end
            open_, x, f, slope, scale, before, rate = (
                v[far] for v in (open_, new, g, bend, np.fmax(scale, np.abs(new)), before, rate)
            )
            params = [p[far] for p in params]
        for around in (last, start):
            lost = np.flatnonzero(np.isnan(root))
            if lost.size:
                root[lost] = _bracketed(equation, rounding, around[lost], *[p[lost] for p in every])
    return root.reshape(shape)[()]


def _vanishing(equation: Any, rounding: Any, tends: Any, scale: Any, params: Any) -> Any:
    """Whether 0 is the root, where an unknown tends to it."""
    found = tends.copy()
    for k in np.flatnonzero(tends)[:, None]:
        zero, there = np.zeros(1), [p[k] for p in params]
        f, slope = map(np.array, equation(zero, *there))
        found[k] = _settled(equation, rounding, zero, f, slope, scale[k], there)
    return found


def _settled(
    equation: Any, rounding: Any, x: Any, f: Any, slope: Any, scale: Any, params: Any
) -> Any:
    """Whether values are rounding, at roots that are located, or isolated by larger values beside them."""
    level = 4 * 2.0**-53 * rounding(x, *params)
    known, least = np.isfinite(level), np.finfo(float).tiny
    level = np.where(known, level, 0)
    # below ordinary numbers values may have underflowed, which x itself has to tell
    scale = np.where((level < least) & (x != 0), np.abs(x), np.maximum(scale, np.abs(x)))
    root = (np.abs(f) <= level) & np.isfinite(x)
    located = (
        (np.abs(slope) * scale >= least)
        & (level <= 1e-3 * np.abs(slope) * scale)
        & np.isfinite(slope)
    )
    short = ~known & np.isfinite(slope) & (np.abs(f / slope) <= 1e-12 * np.abs(x))
    beside = np.zeros(x.shape, bool)
    away = np.where(scale > 0, scale, 1)
    for reach in (1e-4, 1e-3):
        sides = [np.abs(equation(y, *params)[0]) for y in (x - reach * away, x + reach * away)]
        above = [np.isnan(s) | (s > np.maximum(np.maximum(level, np.abs(f)), least)) for s in sides]
        beside |= above[0] & above[1] & ~(np.isnan(sides[0]) & np.isnan(sides[1]))
    return (root & (located | beside)) | short


def _bracketed(equation: Any, rounding: Any, x: Any, *params: Any) -> Any:
    """Roots by bisection where the value changes its sign around `x`, in ever wider steps; else nan."""

    def value(at: Any) -> Any:
        return equation(at, *params)[0]

    width, wider = 1e-3 * np.where(x == 0, 1, np.abs(x)), 1.25
    low, high = x.copy(), x.copy()
    f_low = f_high = value(x)
    a, b, f_a, f_b = (np.full(x.size, np.nan) for _ in range(4))
    for _ in range(120):
        below, above = low - width, high + width
        f_below, f_above = value(below), value(above)
        for ends in ((high, above, f_high, f_above), (below, low, f_below, f_low)):
            new = np.isnan(a) & (np.sign(ends[2]) * np.sign(ends[3]) < 0)
            a, b, f_a, f_b = (
                np.where(new, end, old) for end, old in zip(ends, (a, b, f_a, f_b), strict=True)
            )
        if not np.isnan(a).any():
            break
        low, f_low = (
            np.where(np.isnan(f_below), old, new) for old, new in ((low, below), (f_low, f_below))
        )
        high, f_high = (
            np.where(np.isnan(f_above), old, new) for old, new in ((high, above), (f_high, f_above))
        )
        width = width * wider
    f = value(x)  # far away, and towards 0: magnitudes that no such width comes to
    for end in (0.0, 1e15, -1e15, 1e60, -1e60, 1e120, -1e120, 1e240, -1e240):
        y = end * np.maximum(np.abs(x), 1.0) if abs(end) < 1e200 else np.full(x.shape, end)
        f_y = value(y)
        new = np.isnan(a) & (np.sign(f) * np.sign(f_y) < 0) & np.isfinite(x)
        up = y > x
        a, f_a = np.where(new, np.where(up, x, y), a), np.where(new, np.where(up, f, f_y), f_a)
        b, f_b = np.where(new, np.where(up, y, x), b), np.where(new, np.where(up, f_y, f), f_b)
    bound = np.fmin(np.abs(f_a), np.abs(f_b))
    size = np.maximum(np.abs(a), np.abs(b))
    for _ in range(1100):
        middle = np.where((np.sign(a) == np.sign(b)), a + (b - a) / 2, (a + b) / 2)
        if not ((middle != a) & (middle != b)).any():
            break
        f = value(middle)
        same = np.sign(f) == np.sign(f_a)
        a, b = np.where(same, middle, a), np.where(same, b, middle)
    f, slope = equation(middle, *params)
    better = middle - f / slope
    g, bend = equation(better, *params)
    closer = np.abs(g) < np.abs(f)
    middle, f, slope = (
        np.where(closer, *pair) for pair in ((better, middle), (g, f), (bend, slope))
    )
    level = 4 * 2.0**-53 * rounding(middle, *params)
    root = _settled(equation, rounding, middle, f, slope, size, params)
    root |= ~np.isfinite(level) & (np.abs(f) <= 1e-8 * bound)
    return np.where(root, middle, np.nan)  # else a pole or a jump


def _root_system(equation: Any, rounding: Any, x: Any, *params: Any) -> Any:
    """A root of a system, from `x`; nan if there is none in reach.

    `equation` gives values and Jacobian, `rounding` the running error bounds of the values. Newton's steps
    are halved until the step that follows, by the same Jacobian, is shorter (Deuflhard, Newton Methods for
    Nonlinear Problems, 2004, chapter 3). They end where one is in the last bits of every unknown, or the
    values are rounding and the Jacobian is regular.
    """
    x, eps = np.array(x, float), np.finfo(float).eps
    n, unsolved = x.size, np.full(x.shape, np.nan)[()]
    scale = np.abs(x)
    with np.errstate(all="ignore"):
        f, jacobian = equation(x, *params)
        for _ in range(200):
            matrix = np.reshape(jacobian, (n, n))
            try:
                full = np.linalg.solve(matrix, np.ravel(f)).reshape(x.shape)
            except np.linalg.LinAlgError:
                full = unsolved
            level = 4 * 2.0**-53 * np.asarray(rounding(x, *params))
            known = np.isfinite(level).all()
            if not np.all(np.isfinite(full)):  # singular: a root only where it stands out
                away = np.linalg.svd(np.where(np.isfinite(matrix), matrix, 0))[2][-1].reshape(
                    x.shape
                )
                away = away * max(np.max(scale), np.max(np.abs(x))) if np.any(x) else away
                sides = [equation(x + t * away, *params)[0] for t in (-1e-3, 1e-3)]
                apart = all(
                    np.any(np.abs(s) > np.maximum(level, np.finfo(float).tiny)) for s in sides
                )
                return x[()] if apart and np.all(np.abs(f) <= level) else unsolved
            if np.all(np.abs(f) <= level):
                shift = np.linalg.solve(matrix, np.ravel(level)).reshape(x.shape)
                return (
                    x[()]
                    if np.all(np.abs(shift) <= 1e-3 * np.maximum(scale, np.abs(x)))
                    else unsolved
                )
            if np.all(np.abs(full) <= 4 * eps * np.abs(x)):
                return (x - full)[()]
            for halving in range(60):
                new = x - full / 2**halving
                g, bend = equation(new, *params)
                if np.all(np.isfinite(g)):
                    rest = np.linalg.solve(matrix, np.ravel(g))
                    if np.linalg.norm(rest) < np.linalg.norm(full):
                        break
            else:  # no step gets closer, and the values are more than rounding
                short = np.all(np.abs(full) <= 1e-10 * np.abs(x))
                return x[()] if short and not known else unsolved
            x, f, jacobian, scale = new, g, bend, np.maximum(scale, np.abs(new))
    return unsolved
