"""Whether what looks like a minimum is one: values beside it, where its Hessian does not tell.

Where curvature is positive in all directions, against what it was on the way, and the last steps contracted as
they do at a regular root of the gradient, nothing more is asked. Otherwise the objective may fall by its
third or fourth order: along a direction without curvature, as ``x**3`` and ``x**2 - y**4``, between such directions, as
``x**4 + y**4 - 3*x**2*y**2``, or along a curve that leaves them, as ``(y - x**2)*(y - 3*x**2)``. So

1. values are compared on both sides along the direction of least curvature,
2. where curvature vanishes, a few steps are tried from points aside in random directions without
   curvature: at a minimum they lead back, beside a saddle they lead below it.

A point where gradient and Hessian have vanished altogether must have something higher beside it: else it may
be where ``exp(-x)`` has underflowed.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from symgrad.solve.runtime.ending import ORDINARY
from symgrad.solve.runtime.minimum import (
    UNKNOWN,
    Functions,
    Minima,
    held_by,
    iterate_minima,
    noise_of,
)
from symgrad.solve.runtime.results import Status
from symgrad.solve.runtime.spectra import curvature_of, grown

REACHES = (1e-3, 1e-6)  # how far beside a minimum is looked, in parts of the scale of x
FARTHER = (1e-3, 3e-3, 1e-2, 3e-2, 1e-1)  # the same where nothing is seen
FLAT = 1e-5  # curvature, in parts of what it was on the way, that says nothing
TRIES = 3  # random directions
STEPS = 8  # from a point aside
MOST_ROUNDS = 6  # lower points that are gone on from


def minimize_all(
    s: Minima,
    functions: Functions,
    index: Any,
    maxiter: int,
    globalize: bool = True,
    callback: Any = None,
) -> None:
    """Minimise the problems `index`, until nothing lower is seen beside what is found."""
    x = s.x[index]
    with np.errstate(all="ignore"):
        for _ in range(MOST_ROUNDS):
            iterate_minima(s, functions, index, x, maxiter, globalize, callback)
            if not globalize:
                return
            index, x = lower_beside(s, functions, index)
            if not index.size:
                return
            s.count[index] += 1
    s.status[index] = Status.STALLED


def confirmed(s: Minima, functions: Functions, index: Any) -> Any:
    """Values and curvatures of what full steps found, all but `index`; what else is to be minimised.

    Full steps found points where Hessians have positive pivots; here their eigenvalues decide.
    """
    found = np.setdiff1d(np.arange(len(s.x)), index)
    if not found.size:
        return index
    form = functions.form
    with np.errstate(all="ignore"):
        s.value[found], _, hessians = functions.at(s.x[found], found)
        s.scale[found] = np.maximum(s.scale[found], np.abs(s.x[found]))
        s.weight[found], d = grown(s.weight[found], form.sizes(hessians), s.scale[found])
        kind = curvature_of(form.spectrum(hessians, d).w)
        s.curvature[found] = kind
        lower, points = lower_beside(s, functions, found[kind == 0])
    s.x[lower] = points
    return np.concatenate([index, found[kind > 0], lower])


def lower_beside(s: Minima, functions: Functions, index: Any) -> tuple[Any, Any]:
    """Problems with a lower value beside what looks like a minimum, and where."""
    index = index[s.status[index] == Status.CONVERGED]
    if not index.size or not s.x.shape[1]:
        return index[:0], s.x[:0]
    form, x = functions.form, s.x[index]
    _, g, h = functions.at(x, index)
    scale = np.maximum(s.scale[index], s.x_scale)
    _, d = grown(s.weight[index], form.sizes(h), scale)
    if s.box is not None:
        held = held_by(s.box, x, g)
        g, h = np.where(held, 0.0, g), form.without(h, held, d)
    spectrum = form.spectrum(h, d)
    doubtful = (spectrum.w.min(axis=1) <= FLAT) | ~s.fast[index]
    if not doubtful.any():
        return index[:0], s.x[:0]
    lengths = np.where(scale > 0, scale, (d * scale).max(axis=1, initial=0.0)[:, None] / d)
    lengths = np.where(lengths > 0, lengths, 1.0)
    search = _Search(s, functions, index, x, doubtful)

    def away(direction: Any) -> Any:
        """A direction of unknowns without units as one of x, whose longest component is its scale."""
        v = form.out(spectrum, direction) / d
        if s.box is not None:
            v = np.where(held, 0.0, v)
        top = np.abs(v / lengths).max(axis=1)[:, None]
        return v / np.where(top > 0, top, 1.0)

    least = away((np.arange(x.shape[1]) == spectrum.w.argmin(axis=1)[:, None]).astype(float))
    for reach in (*REACHES, *[-reach for reach in REACHES]):
        search.look(x - reach * least)
    flat = np.abs(spectrum.w) <= FLAT
    search.wanted &= flat.any(axis=1)
    directions = [least, -least]
    random = np.random.default_rng(0)
    for _ in range(TRIES):
        v = away(np.where(flat, random.standard_normal(flat.shape[1]), 0.0))
        directions += [v, -v]
    if x.shape[1] > 1:
        for v in directions:
            search.descend(x + REACHES[0] * v)
    nothing = search.wanted & (h.reshape(len(h), -1) == 0).all(axis=1) & (g == 0).all(axis=1)
    nothing |= search.wanted & flat.all(axis=1) & ~s.fast[index] & ~(g != 0).all(axis=1)
    search.see(nothing & ~s.jumped[index], directions)
    return search.result()


class _Search:
    """Lower points beside the points `x` of the problems `index`, as long as they are `wanted`."""

    def __init__(self, s: Minima, functions: Functions, index: Any, x: Any, wanted: Any) -> None:
        self.s, self.functions, self.index, self.x = s, functions, index, x
        self.wanted, self.found = wanted.copy(), np.zeros(index.shape, bool)
        self.best = x.copy()
        self.f = s.value[index]
        self.noise = np.zeros(index.shape)
        self.noise[wanted] = noise_of(functions.levels, x[wanted], index[wanted], self.f[wanted])

    def _clipped(self, y: Any) -> Any:
        return y if self.s.box is None else np.clip(y, *self.s.box)

    def _keep(self, rows: Any, y: Any, f: Any) -> None:
        """Keep what is lower than rounding explains."""
        lower = f < self.f[rows] - self.noise[rows]
        if not lower.any():
            return
        rows, y, f = rows[lower], y[lower], f[lower]
        lower = f + noise_of(self.functions.levels, y, self.index[rows], f) < self.f[rows]
        rows = rows[lower]
        self.best[rows], self.found[rows], self.wanted[rows] = y[lower], True, False

    def look(self, y: Any) -> None:
        """Look at the points `y`."""
        rows = np.flatnonzero(self.wanted)
        if rows.size:
            y = self._clipped(y[rows])
            self._keep(rows, y, self.functions.at(y, self.index[rows])[0])

    def descend(self, y: Any) -> None:
        """Take some steps from the points `y`."""
        rows = np.flatnonzero(self.wanted)
        if not rows.size:
            return
        s, index = self.s, self.index[rows]
        aside = Minima(s.x, s.box, s.tolerances, s.x_scale)
        aside.weight[index], aside.scale[index] = s.weight[index], s.scale[index]
        iterate_minima(aside, self.functions, index, self._clipped(y[rows]), STEPS)
        self._keep(rows, aside.x[index], aside.value[index])

    def see(self, which: Any, directions: list[Any]) -> None:
        """Take back that there is a minimum where nothing higher is seen beside it."""
        rows = np.flatnonzero(which & self.wanted)
        if not rows.size:
            return
        seen, faded = np.zeros(rows.shape, bool), np.zeros(rows.shape, bool)
        for v in directions:
            begun = np.zeros(rows.shape, bool)
            for reach in FARTHER:
                y = self._clipped(self.x[rows] + reach * v[rows])
                rise = self.functions.at(y, self.index[rows])[0] - self.f[rows]
                higher = rise > self.noise[rows]
                faded |= higher & ~begun & (rise < ORDINARY)
                seen |= higher & (rise >= ORDINARY)
                begun |= higher
        lost = self.index[rows[~seen | faded]]
        self.s.status[lost], self.s.curvature[lost] = Status.STALLED, UNKNOWN

    def result(self) -> tuple[Any, Any]:
        """The problems with something lower beside them, and where that is."""
        return self.index[self.found], self.best[self.found]
