"""Steps of Newton's method for minima in a trust region, with bounds or without."""

from __future__ import annotations

from typing import Any

import numpy as np

from symgrad.solve.runtime.ending import (
    EPS,
    along,
    held_by,
    lengths,
    part_of_box,
)
from symgrad.solve.runtime.spectra import DenseHessian
from symgrad.solve.runtime.trust import shifted

FACTORED = 12  # unknowns of a single problem, from which on Cholesky's factors are cheaper
FIRST = 2.0  # the first radius, in lengths of the start
SOUND = 1e-10  # of the curvature of an unknown, what is left of it in a regular direction
LOST = 1e3  # times its size here, what an unknown had before: its square is lost to eigenvalues


def free_step(
    s: Any, form: Any, now: Any, g: Any, h: Any, d: Any, globalize: bool
) -> tuple[Any, Any, Any, Any, Any]:
    """Steps, whether each is the full Newton step, spectra or None, slopes and Hessians."""
    fresh = np.isinf(now.delta)
    if fresh.any():
        start = FIRST * lengths(d * np.maximum(np.abs(now.x), s.x_scale))
        now.delta = np.where(fresh & (start > 0), start, now.delta)
        now.first = np.where(fresh, start, now.first)
        fresh = np.isinf(now.delta)
    if globalize and not fresh.any():
        factored = _definite_step(form, h, g, d, now.delta)
        if factored is not None:
            return *factored, None, g, h
    spectrum = form.spectrum(h, d)
    c = form.into(spectrum, g / d)
    if fresh.any():
        start = _first_radius(spectrum.w, c, d)
        now.delta, now.first = np.where(fresh, start, now.delta), np.where(fresh, start, now.first)
    q, full = _minimum_step(form, spectrum.w, c, now.delta, globalize)
    return form.out(spectrum, q) / d, full, spectrum, g, h


def _first_radius(w: Any, c: Any, d: Any) -> Any:
    """From 0 on: the length of the full step, or, without a slope, a length of 1."""
    newton = lengths(np.where(w == 0, c, c / np.where(w == 0, 1.0, w)))
    return np.where((newton > 0) & np.isfinite(newton), newton, lengths(d))


def bounded_step(
    s: Any, form: Any, now: Any, g: Any, h: Any, d: Any, globalize: bool
) -> tuple[Any, Any, Any, Any, Any]:
    """The same within bounds: what a step would move beyond a bound that it is at, is held as well.

    What meets a bound on the way goes there, and the others take that into account, where it is lower.
    """
    x, box = now.x, part_of_box(s.box, now.index)
    low, high = box
    held = held_by(box, x, g)
    slope = np.where(held, 0.0, g)
    while True:
        h_free = form.without(h, held, d)
        p, full, spectrum, *_ = free_step(
            s, form, now, np.where(held, 0.0, g), h_free, d, globalize
        )
        blocked = ~held & (((x <= low) & (p < 0)) | ((x >= high) & (p > 0)))
        if spectrum is not None:  # downhill both ways from a point without a slope
            turned = blocked.any(axis=1) & (spectrum.w.min(axis=1) < 0) & (slope == 0).all(axis=1)
            p = np.where(turned[:, None], -p, p)
            blocked &= ~turned[:, None]
        if not blocked.any():
            break
        held |= blocked
    inside = np.clip(x + p, low, high) - x
    hit = inside != p
    if hit.any():
        rest = np.where(hit, inside, 0.0)
        bent = np.where(held | hit, 0.0, g + form.times(h, rest))
        other = free_step(s, form, now, bent, form.without(h, held | hit, d), d, globalize)[0]
        other = np.clip(x + rest + np.where(hit, 0.0, other), low, high) - x
        lower = model(form, g, h, other) < model(form, g, h, inside)
        inside = np.where(lower[:, None], other, inside)
    waiting = (held & (slope != 0)).any(axis=1)
    return inside, full & ~hit.any(axis=1) & ~waiting, spectrum, slope, h_free


def model(form: Any, g: Any, h: Any, p: Any) -> Any:
    return along(np.add, g * p + 0.5 * p * form.times(h, p), 0.0)


def _definite_step(form: Any, h: Any, g: Any, d: Any, delta: Any) -> Any:
    """Full Newton steps of a single problem by Cholesky's factors, where those are the ones, or None.

    In a batch most often some problem has none, and eigenvalues are then needed for all. Beside a minimum
    of higher order some curvatures are small against what they were, and lost in the rounding of
    eigenvalues; factors in the sizes that unknowns have here keep them.
    """
    if not isinstance(form, DenseHessian) or h.shape[0] > 1:
        return None
    here = form.sizes(h)
    if not here.all() or (h.shape[1] < FACTORED and not (d > LOST * here).any()):
        return None
    try:
        scaled = h / here[:, :, None] / here[:, None, :]
        pivots = np.einsum("kii->ki", np.linalg.cholesky(scaled)) ** 2
        p = -np.linalg.solve(scaled, (g / here)[..., None])[..., 0] / here
    except np.linalg.LinAlgError:
        return None
    full = (pivots.min(axis=1) > SOUND) & (lengths(d * p) <= 1.1 * delta)
    return (p, full) if full.all() else None


def _minimum_step(form: Any, w: Any, c: Any, delta: Any, globalize: bool) -> tuple[Any, Any]:
    """Steps, and whether each is the full Newton step."""
    if not globalize:
        return np.where(c == 0, 0.0, -c / w), np.ones(w.shape[0], bool)
    top = along(np.maximum, np.abs(w), 0.0)[:, None]
    least = EPS * w.shape[1] * top * (not form.exact)
    # a direction without curvature and slope is left alone; the sign of tiny curvature is rounding
    still = (np.abs(w) <= least) & (np.abs(c) <= EPS * lengths(c)[:, None])
    still |= (w == 0) & (c == 0)
    w = np.where(still, np.where(top > 0, top, 1.0), np.where(np.abs(w) <= least, least, w))
    return shifted(w, np.where(still, 0.0, c), delta)
