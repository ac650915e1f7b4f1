"""Whether what looks like a minimum is one: values beside it, where its Hessian does not tell.

Where curvature is positive in all directions, against what it was on the way, and the last step
contracted as it does at a regular root of the gradient, nothing more is asked. Otherwise the objective
may fall by its third or fourth order: along a direction without curvature, as ``x**3`` and ``x**2 -
y**4``, between such directions, as ``x**4 + y**4 - 3*x**2*y**2``, or along a curve that leaves them, as
``(y - x**2)*(y - 3*x**2)``. So

1. values are compared on both sides along the direction of least curvature,
2. where curvature vanishes, along each direction without it as well, outward until the objective differs
   from what it is at the point by more than rounding: terms of sixth order show later than others,
3. the least value is sought on a small sphere, and on a larger one where the small one shows nothing,
   by Newton steps on it from random directions without curvature. Steps that may leave the sphere lead
   straight back where all terms are of one order, as those of ``x**2*y**2 - x**6`` nearly are,
4. a few free steps are tried from points aside in these directions: at a minimum they lead back, beside
   a saddle they lead below it.

A point where gradient and Hessian have vanished altogether must have something higher beside it, and so it
is with one unknown, where a slope has faded away: else it may be where ``exp(-x)`` has underflowed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from symgrad.solve.runtime.ending import (
    EPS,
    held_by,
    lengths,
    part_of_box,
)
from symgrad.solve.runtime.minimum import (
    UNKNOWN,
    Functions,
    Minima,
    iterate_minima,
    noise_of,
)
from symgrad.solve.runtime.results import Status
from symgrad.solve.runtime.spectra import DenseHessian, grown

REACHES = (1e-3, 1e-6)  # how far beside a minimum is looked, in parts of the scale of x
FARTHER = (1e-3, 3e-3, 1e-2, 3e-2, 1e-1)  # the same where nothing is seen
FLAT_CURVATURE = 1e-5  # curvature, in parts of what it was on the way, that says nothing
GONE = 1e-12  # of the steepest slope: what is no sign of a minimum
FAINT_RISE = 2.0**-1000  # a rise below it may be what is left of an underflow
TRIES = 3  # random directions
LINES = 8  # directions without curvature, at most, along which values are compared
SPHERES = (1e-3, 3e-2)  # radii, in parts of the scale of x
MOST_ROUND = 40  # unknowns of problems whose spheres are looked at
STEPS = 8  # from a point aside


class Surroundings:
    """Points beside the points `x` of some problems, their values `f` and what rounding makes of them.

    Parameters
    ----------
    value : callable
        ``value(y, rows)``: the objectives of the problems `rows` at `y`, nan beyond their domain.
    noise : callable
        ``noise(y, rows, f)``: the rounding levels of such values.
    descend : callable
        ``descend(y, rows)``: where some steps lead from `y`, and the values there.
    round_about : callable or None
        ``round_about(y, rows)``: the same for steps that keep their distance from `x`.
    wanted : array of bool
        The problems that are to be looked at.
    fall : array
        How much the objectives have fallen; the square of the last bit of that is nothing.
    """

    def __init__(
        self,
        x: Any,
        f: Any,
        value: Callable[..., Any],
        noise: Callable[..., Any],
        descend: Callable[..., Any],
        wanted: Any,
        fall: Any,
        round_about: Callable[..., Any] | None = None,
    ) -> None:
        self.x, self.f = x, f
        self.value, self.noise, self.descend = value, noise, descend
        self.round_about = round_about
        self.wanted, self.found, self.best = wanted.copy(), np.zeros(f.shape, bool), x.copy()
        self.least = np.zeros(f.shape)
        rows = np.flatnonzero(wanted)
        self.least[rows] = noise(x[rows], rows, f[rows])
        self.least += np.where(np.isfinite(fall) & (fall > 0), EPS**2 * fall, 0.0)

    def look(self, directions: Sequence[Any], flat: Any, lines: Sequence[Any] = ()) -> None:
        """Look for lower points along the first direction; where `flat`, from aside in all of them.

        `lines` are more directions without curvature, of length 0 where there is none.
        """
        for reach in (*REACHES, *[-reach for reach in REACHES]):
            rows = np.flatnonzero(self.wanted)
            if rows.size:
                y = self.x[rows] + reach * directions[0][rows]
                self._keep(rows, y, self.value(y, rows))
        for v in [side * v for v in (directions[0], *lines) for side in (1, -1)]:
            self._outward(v, flat & v.any(axis=1))
        if self.x.shape[1] == 1:
            return
        aside = [side * v for v in directions for side in (1, -1)]
        if self.round_about is not None:
            self._on_spheres(self.round_about, aside, flat)
        for v in aside:
            rows = np.flatnonzero(self.wanted & flat)
            if rows.size:
                self._keep(rows, *self.descend(self.x[rows] + REACHES[0] * v[rows], rows))

    def _outward(self, v: Any, which: Any) -> None:
        """Keep what is lower along a direction, before anything higher."""
        alike = which & self.wanted
        for reach in FARTHER:
            rows = np.flatnonzero(alike & self.wanted)
            if not rows.size:
                return
            y = self.x[rows] + reach * v[rows]
            f = self.value(y, rows)
            self._keep(rows, y, f)
            alike[rows] = np.abs(f - self.f[rows]) <= self.least[rows]

    def _on_spheres(
        self, round_about: Callable[..., Any], directions: Sequence[Any], flat: Any
    ) -> None:
        """Keep what is lower on spheres; on the larger one where the small one has nothing but equals."""
        alike = flat & self.wanted
        for reach in SPHERES:
            higher = np.ones(alike.shape, bool)
            for v in directions:
                rows = np.flatnonzero(alike & self.wanted)
                if not rows.size:
                    return
                y, f = round_about(self.x[rows] + reach * v[rows], rows)
                self._keep(rows, y, f)
                higher[rows] &= f > self.f[rows] + self.least[rows]
            alike &= ~higher

    def _keep(self, rows: Any, y: Any, f: Any) -> None:
        """Keep what is lower than rounding explains."""
        lower = f < self.f[rows] - self.least[rows]
        if not lower.any():
            return
        rows, y, f = rows[lower], y[lower], f[lower]
        lower = f + self.noise(y, rows, f) < self.f[rows] - self.least[rows]
        rows = rows[lower]
        self.best[rows], self.found[rows], self.wanted[rows] = y[lower], True, False

    def unseen(self, gone: Any, directions: Sequence[Any], scale: Any) -> Any:
        """Which problems may be where their objectives have faded away.

        `gone` are the unknowns that no derivative is left by. Where all are gone something higher must be
        seen; where only some are, along each by which the objective still differs.
        """
        lost = self._fades(gone.all(axis=1), directions, True)
        some = gone & ~gone.all(axis=1)[:, None]
        for k in np.flatnonzero(some.any(axis=0)):
            v = np.where(np.arange(gone.shape[1]) == k, scale, 0.0)
            lost |= self._fades(some[:, k], [v], False)
        return np.flatnonzero(lost)

    def _fades(self, which: Any, directions: Sequence[Any], if_equal: bool) -> Any:
        """Whether all that is higher beside a point fades away; `if_equal`: where nothing differs."""
        rows = np.flatnonzero(which & self.wanted)
        seen, faint, differs = (np.zeros(rows.shape, bool) for _ in range(3))
        for v in [side * v for v in directions for side in (1, -1)] if rows.size else []:
            begun = np.zeros(rows.shape, bool)
            for reach in FARTHER:
                rise = self.value(self.x[rows] + reach * v[rows], rows) - self.f[rows]
                higher, little = rise > self.least[rows], (rise > 0.0) & (rise < FAINT_RISE)
                faint |= little & ~begun
                seen |= higher & ~little
                begun |= higher | little
                differs |= rise != 0.0
        lost = np.zeros(which.shape, bool)
        lost[rows] = faint | (~seen & (differs | if_equal))
        return lost


def lower_beside(s: Minima, functions: Functions, index: Any) -> tuple[Any, Any]:
    """Problems with a lower value beside what looks like a minimum, and where.

    What turns out to be none, without anything lower, is "stalled" from here on.
    """
    index = index[s.status[index] == Status.CONVERGED]
    index = index[(s.least[index] <= FLAT_CURVATURE) | ~s.fast[index]]
    if not index.size or not s.x.shape[1]:
        return index[:0], s.x[:0]
    form, x = functions.form, s.x[index]
    _, g, h = functions.at(x, index)
    scale = np.maximum(s.scale[index], s.x_scale)
    _, d = grown(s.weight[index], form.sizes(h), scale)
    held = np.zeros(x.shape, bool)
    if s.box is not None:
        held = held_by(part_of_box(s.box, index), x, g)
        g, h = np.where(held, 0.0, g), form.without(h, held, d)
    spectrum = form.spectrum(h, d)

    def away(direction: Any) -> Any:
        return as_far_as_scale(np.where(held, 0.0, form.out(spectrum, direction) / d), d, scale)

    flat = np.abs(spectrum.w) <= FLAT_CURVATURE
    random = np.random.default_rng(0)
    order = np.argsort(spectrum.w, axis=1)
    by_curvature = [1.0 * (np.arange(x.shape[1]) == k[:, None]) for k in order.T[: LINES + 1]]
    directions = [away(by_curvature[0])]
    lines = [away(flat * v) for v in by_curvature[1:]] if flat.any() else []
    for _ in range(TRIES if flat.any() else 0):
        directions.append(away(np.where(flat, random.standard_normal(flat.shape[1]), 0.0)))
    beside = _surroundings(s, functions, index, x, d, held)
    beside.look(directions, flat.any(axis=1), lines)
    gone = are_gone(g, form.times(np.abs(h), scale), s.steepest[index]) & ~s.jumped[index] & ~held
    lost = index[beside.unseen(gone, directions, scale)]
    s.status[lost], s.curvature[lost] = Status.STALLED, UNKNOWN
    return index[beside.found], beside.best[beside.found]


def are_gone(g: Any, usual: Any, steepest: Any) -> Any:
    """Unknowns without slope, nor with curvature that could make one as steep as those before it.

    `usual` is what curvature makes of the scale of x.
    """
    return (g == 0) & (np.abs(usual) <= GONE * steepest)


def as_far_as_scale(v: Any, d: Any, scale: Any) -> Any:
    """Directions whose longest component, against the scale of its unknown, is that scale."""
    lengths = np.where(scale > 0, scale, (d * scale).max(axis=1, initial=0.0)[:, None] / d)
    lengths = np.where(lengths > 0, lengths, 1.0)
    top = np.abs(v / lengths).max(axis=1, initial=0.0)[:, None]
    return v / np.where(top > 0, top, 1.0)


def _surroundings(
    s: Minima, functions: Functions, index: Any, x: Any, d: Any, held: Any
) -> Surroundings:
    def clipped(y: Any, rows: Any) -> Any:
        return y if s.box is None else np.clip(y, *part_of_box(s.box, index[rows]))

    def descend(y: Any, rows: Any) -> tuple[Any, Any]:
        which = index[rows]
        aside = Minima(s.x.copy(), None, s.tolerances, s.x_scale)
        aside.box = s.box
        aside.weight[which], aside.scale[which] = s.weight[which], s.scale[which]
        iterate_minima(aside, functions, which, clipped(y, rows), STEPS)
        return aside.x[which], aside.value[which]

    def round_about(y: Any, rows: Any) -> tuple[Any, Any]:
        best, least = y, np.full(rows.shape, np.inf)
        for _ in range(STEPS):
            y = clipped(y, rows)
            f, g, h = functions.at(y, index[rows])
            lower = f < least
            best, least = np.where(lower[:, None], y, best), np.where(lower, f, least)
            step = _along_sphere(d[rows] * (y - x[rows]), g, h, d[rows], held[rows])
            y = np.where(np.isfinite(step).all(axis=1)[:, None], x[rows] + step / d[rows], y)
        return best, least

    dense = isinstance(functions.form, DenseHessian) and 1 < x.shape[1] <= MOST_ROUND
    return Surroundings(
        x,
        s.value[index],
        lambda y, rows: functions.at(clipped(y, rows), index[rows])[0],
        lambda y, rows, f: noise_of(functions.levels, clipped(y, rows), index[rows], f),
        descend,
        np.ones(index.shape, bool),
        s.highest[index] - s.value[index],
        round_about if dense else None,
    )


def _along_sphere(z: Any, g: Any, h: Any, d: Any, held: Any) -> Any:
    """Points of the spheres around 0 through `z`, unknowns scaled by `d`, after a Newton step downhill.

    On a sphere of radius r with normal n the Hessian is ``P (H - (g.n)/r) P``, P the projection on its
    tangents; negative curvatures count by their size, and steps are at most half a radius long.
    """
    radius = np.where(lengths(z) > 0, lengths(z), 1.0)[:, None]
    n = z / radius
    g, h = np.where(held, 0.0, g / d), h / d[:, :, None] / d[:, None, :]
    eye = np.eye(z.shape[1])
    project = np.where(
        held[:, :, None] | held[:, None, :], 0.0, eye - n[:, :, None] * n[:, None, :]
    )
    bend = np.einsum("ki,ki->k", g, n)[:, None, None] / radius[:, :, None]
    curved = project @ (h - bend * eye) @ project
    known = np.isfinite(curved).all(axis=(1, 2))[:, None, None]
    w, q = np.linalg.eigh(np.where(known, curved, eye))
    w = np.maximum(np.abs(w), 1e-10 * np.abs(w).max(axis=1, keepdims=True))
    slope = np.einsum("kij,kj->ki", project, g)
    c = np.einsum("kji,kj->ki", q, slope)
    step = -np.einsum("kij,kj->ki", q, np.where(w > 0, c / w, 0.0))
    size = lengths(step)[:, None]
    moved = z + step * np.where(size > 0.5 * radius, 0.5 * radius / size, 1.0)
    return moved * radius / lengths(moved)[:, None]
