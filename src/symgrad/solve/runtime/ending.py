"""When an iteration has ended, and what it may call itself then: the one rule of all solvers.

Words: x is an iterate, p the full Newton step from it, F what is to vanish (the gradient, for a minimum), m
the running error bound of F (`symgrad.autodiff.rounding`), u the unit roundoff. The level of F is
``LEVELS*u*m``: what is below it may be rounding and nothing else.

A point is a root where x, F are finite and one of these holds.

a. The full step is short in every component, ``|p_i| <= xtol*|x_i|``, and the iteration contracts there:
   ``|F(x + p)| <= REGULAR_RATE*|F(x)|``, and for one equation the next step is short as well, which it is
   beside no jump. Newton's iteration is quadratic at a regular root, where this is met with room to spare.
   At a root of multiplicity k a step leaves ``(1 - 1/k)**k``, up to 0.37 of ``|F|``, as it does where F
   decays like an exponential and has no root; so multiple roots end by b or c, after steps that were
   multiplied by k, whose own rate tells nothing. Steps of higher order leave less of ``|F|`` there, and
   are asked for less (`regular_rate`). A step is measured against x itself, never against 1, so that no
   unit of length makes it short; and so no step towards 0 is. Where a step takes off nearly all of a
   component that is in the last bits, already, of the largest value that it had, the scale learned from
   the iterates, 0 itself is tried: it is the root, or part of it, where b or c holds there. It is so for
   ``x**3``, and not for ``x**2 + 1e-60``, nor where a bound excludes 0. For minima and fits such a step is
   short, and then only where ``|F|`` falls to ``STRONG_RATE`` or less. ``x_scale=`` replaces what is
   learned.
b. ``|F_i|`` is at its level for every i, and the root is located: errors of F as large as its level move x
   by no more than ``LOCATED`` of itself, and by much less than the last step did. No step could do better,
   and none is taken. Where F fades away, as ``tanh(x) - 1`` does at 20, it is at its level and yet locates
   nothing.
c. F is zero, or at its level, and the root is isolated: beside it, on both sides, ``|F|`` is above its
   level or undefined. This tells ``x**4`` at 0 from ``exp(-x)`` at 750. Where levels are below ordinary
   numbers F may have underflowed, as ``x**3`` does at 1e-110: beside it is then within parts of x itself.

A short step that does not lower ``|F|`` ends the iteration as well: at the level as a root, above it as
"stalled"; a zero or infinite slope above the level is "singular". Where the bound is not finite it is no
witness, and the steps decide alone.

A minimum is a root of its gradient with a condition of second order, a fit one of ``J.T r``.

Norms are scaled by the largest entry before they are squared, so that neither 1e-170 underflows nor 1e170
overflows. `tol` sets `xtol`; `ftol` and `gtol` are off unless given, and end an iteration as converged
where they are met, which is then the caller's wish.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

EPS = 2.0**-52
UNIT = 2.0**-53  # the unit roundoff
LEVELS = 4.0  # roundings of the error bound, whose functions are right to two of them
ROOT_RATE = 0.4  # of |F| that a short step towards a root, of any multiplicity, leaves at most
STRONG_RATE = 1e-2  # the same where a component tends to 0
SHARP = 1e-9  # how little errors of F move a root, against x, that is looked at no further
NO_SIZE = 1e-5  # of its largest magnitude so far: an unknown below it tends to 0
NEXT_TO_ZERO = 1e-300  # bounds nearer to 0 than that exclude it
LEFT_OVER = 1e-3  # of a step: what is left of a component that tends to 0 by it
CONTRACTED = 1e-8  # of |F| at the start, where its level is not known
LOCATED = 1e-3  # of the scale of x: how far errors of F at its level may move a root
STEADY = (0.1, 0.99)  # the rate of steps towards a root of multiplicity 1/(1 - rate)
STEADINESS = 0.1  # how much, of 1 - rate, two rates in a row may differ
LEAST_TOLERANCE = 3e-16  # a relative step that the last bits of x can show
ASIDE = (1e-4, 1e-3)  # of the scale of x: where it is seen whether a root is isolated
FEW, MANY = 8, 512  # entries of an axis, and numbers, where it is reduced entry by entry
ANY_REACH = tuple(10.0**k for k in (-3, -20, 20, -60, 60, -120, 120))  # where x is 0
ORDINARY = 2.0**-1022  # below it numbers lose bits, and a zero may be an underflow


def regular_rate(order: int) -> float:
    """How much of ``|F|`` a short step leaves, at most, towards a root where the derivative is regular.

    Less than half of what steps of Householder's methods leave at a double root, at one that is so nearly,
    ``x**2 + d``, and where F decays like an exponential: ``(order + 1)**-2`` and ``exp(-order)``.
    """
    return 0.4 * min((order + 1.0) ** -2, float(np.exp(-order)))


REGULAR_RATE = regular_rate(1)


class Levels:
    """Below which ``|F|`` is rounding, at points of a batch of problems.

    Parameters
    ----------
    rounding : callable
        ``rounding(*unknowns, *params)``, all with an axis of problems in front, gives the running error
        bounds of the formulas, as a list. It is compiled when it is first called.
    parts : callable
        ``parts(x)``: the unknowns of points `x`, (problems, entries), in their shapes.
    params : list of arrays with an axis of problems
    which : slice
        Which of the formulas are wanted; a minimum has the objective first, then its gradient.
    """

    def __init__(
        self,
        rounding: Callable[..., Any],
        parts: Callable[[Any], list[Any]],
        params: list[Any],
        which: slice = slice(None),
    ) -> None:
        self.rounding, self.parts, self.params, self.which = rounding, parts, params, which

    def part(self, which: slice) -> Levels:
        """Those of some of the problems."""
        return Levels(self.rounding, self.parts, [v[which] for v in self.params], self.which)

    def at(self, x: Any, index: Any) -> Any:
        """Levels (problems, entries) at points `x` of the problems `index`; nan where unknown."""
        arrays = [*self.parts(x), *[v[index] for v in self.params]]
        with np.errstate(all="ignore"):
            return levels_of(bounds_by_problem(self.rounding, arrays, self.which))


def bounds_by_problem(rounding: Callable[..., Any], arrays: list[Any], which: slice) -> Any:
    """Error bounds (problems, entries); nan for a problem for which a decomposition fails."""
    count = len(arrays[0])
    try:
        found = [np.asarray(m, np.float64) for m in rounding(*arrays)[which]]
    except np.linalg.LinAlgError:
        if count == 1:
            return np.full((1, 1), np.nan)
        rows = [
            bounds_by_problem(rounding, [v[k : k + 1] if len(v) > 1 else v for v in arrays], which)
            for k in range(count)
        ]
        width = max(row.shape[1] for row in rows)
        return np.concatenate([np.broadcast_to(row, (1, width)) for row in rows])
    columns = [np.broadcast_to(m, (count, *m.shape[1:])).reshape(count, -1) for m in found]
    return columns[0] if len(columns) == 1 else np.concatenate(columns, axis=1)


def levels_of(m: Any) -> Any:
    """Levels by running error bounds; nan where those are not finite."""
    return np.where(np.isfinite(m), LEVELS * UNIT * m, np.nan)


def is_sharp(m: Any, slope: float) -> bool:
    """Whether F has a root beyond doubt where it is zero, by its error bound and ``x*F'(x)``, on floats."""
    return bool(LEVELS * UNIT * m[0] <= SHARP * abs(slope))


def is_at_level(r: Any, level: Any) -> Any:
    """Whether ``|r|`` is at its level in all entries, on the last axis; never where one is unknown."""
    return (np.abs(r) <= level).all(axis=-1)


def along(ufunc: np.ufunc, v: Any, initial: Any) -> Any:
    """A reduction over the last axis; entry by entry where that is short and there are many rows."""
    n = v.shape[-1]
    if not 0 < n <= FEW or v.size < MANY:
        return ufunc.reduce(v, axis=-1, initial=initial)
    total = v[..., 0]
    for i in range(1, n):
        total = ufunc(total, v[..., i])
    return total


def lengths(v: Any) -> Any:
    """The length of each vector, on the last axis; scaled, so that no square is lost."""
    squares = np.asarray(np.einsum("...i,...i->...", v, v))
    size = np.asarray(np.sqrt(squares))
    lost = ~((squares > 1e-280) & (squares < 1e280))
    if lost.any():
        some = v[lost]
        top = np.abs(some).max(axis=-1, initial=0.0)
        scaled = some / np.where((top > 0) & (top < np.inf), top, 1.0)[..., None]
        safe = top * np.sqrt(np.einsum("...i,...i->...", scaled, scaled))
        size[lost] = np.where(top < np.inf, safe, top)
    return size


class ProblemBounds(NamedTuple):
    """Bounds of problems, arrays (problems, unknowns); infinite where there are none."""

    low: Any
    high: Any

    def of(self, index: Any) -> ProblemBounds:
        """Those of some of the problems."""
        return ProblemBounds(self.low[index], self.high[index])


def part_of_box(box: Any, index: Any) -> Any:
    """The bounds of some problems."""
    return None if box is None else box.of(index)


def held_by(box: Any, x: Any, g: Any) -> Any:
    """Unknowns at a bound, beyond which a descent would lead."""
    return ((x <= box[0]) & (g > 0)) | ((x >= box[1]) & (g < 0))


def within(box: Any, x: Any) -> Any:
    """Points moved into the bounds, and onto those that they differ from by rounding alone."""
    if box is None:
        return x
    for side in box:
        last_bits = 4 * EPS * np.where(np.isfinite(side), np.abs(side), 0.0)
        x = np.where(np.abs(x - side) <= last_bits, side, x)
    return np.clip(x, *box)


def short_of_zero(box: Any, x: Any, y: Any, stays: Any = False) -> Any:
    """Points `y` within the bounds, but a tenth of `x` where a bound that excludes 0 would be met.

    Such a bound is that of ``positive=True``, the least positive number, beside which ``log(x)`` and
    ``1/x`` tell nothing of where they came from. It is met where the iteration `stays` there.
    """
    low, high = box
    above, below = _exclude_zero(box)
    met = (above & (y <= low)) | (below & (y >= high))
    return np.clip(np.where(met & ~np.asarray(stays), 0.1 * x, y), low, high)


def _exclude_zero(box: Any) -> tuple[Any, Any]:
    """Whether lower bounds are there to exclude 0, and whether upper ones are."""
    low, high = box
    return (low > 0) & (low < NEXT_TO_ZERO), (high < 0) & (high > -NEXT_TO_ZERO)


def begun_within(box: Any, x: Any, x_scale: Any) -> Any:
    """Starts within the bounds: those beyond one begin at it.

    At a bound that excludes 0 nothing can begin: there it is the mirror image of the start, and the scale
    or 1 for a start of 0, as far as half of the way to the other bound.
    """
    if box is None:
        return x
    low, high = box
    above, below = _exclude_zero(box)
    size = np.where(x == 0.0, np.where(x_scale > 0, x_scale, 1.0), np.abs(x))
    x = np.where(above & (x < low), np.minimum(size, 0.5 * high), x)
    x = np.where(below & (x > high), np.maximum(-size, 0.5 * low), x)
    return np.clip(x, low, high)


def holds_zero(box: Any) -> Any:
    """Whether 0 is within bounds."""
    return True if box is None else (box[0] <= 0.0) & (box[1] >= 0.0)


def tends_to_zero(length: Any, to: Any, learned: Any) -> Any:
    """Whether a step took off nearly all of what was in the last bits of the learned scale already."""
    return (length <= EPS * learned) & (np.abs(to) <= LEFT_OVER * length)


def are_short(p: Any, x: Any, xtol: float, x_scale: Any = 0.0) -> Any:
    """Whether each component of a step is short against that of `x`, or a scale that was given."""
    return np.abs(p) <= max(xtol, LEAST_TOLERANCE) * np.maximum(np.abs(x), x_scale)


def is_short(p: Any, x: Any, xtol: float, x_scale: Any = 0.0) -> Any:
    """Whether steps are short in every component, on the last axis."""
    return along(np.logical_and, are_short(p, x, xtol, x_scale), True)


def is_short_at_scale(p: Any, x: Any, xtol: float, x_scale: Any, learned: Any) -> Any:
    """The same, where a component that tends to 0 is measured by the scale `learned` from the iterates.

    It tends to 0 where the step takes off nearly all of it. Only with `STRONG_RATE`, and where the next
    step is of this kind too, is it a root: beside a minimum of ``|F|`` at 0 the next step is a long one.
    """
    vanishing = (np.abs(p) <= EPS * learned) & (np.abs(x + p) <= 1e-3 * np.abs(p))
    return along(np.logical_and, are_short(p, x, xtol, x_scale) | vanishing, True)


def are_steady(rate: Any, before: Any) -> Any:
    """Whether steps shrink by a constant rate, as they do towards a root of multiplicity 1/(1 - rate)."""
    steady = (rate > STEADY[0]) & (rate < STEADY[1])
    return steady & (np.abs(rate - before) <= STEADINESS * (1.0 - rate))


def measure(x: Any, learned: Any, x_scale: Any, level: Any) -> Any:
    """What locations are measured by: the size of `x`, or its scale where it tends to 0.

    Where the level of F is below ordinary numbers F may have underflowed, as ``x**3`` does at 1e-110. What
    is no 0 then has to be located by its own size.
    """
    size = np.abs(x)
    scale = np.maximum(np.where(size <= NO_SIZE * learned, learned, size), x_scale)
    return np.where((level < ORDINARY) & (x != 0.0), size, scale)


def learned_scale(learned: Any, x: Any) -> Any:
    """The largest magnitude of each component so far."""
    return np.maximum(learned, np.abs(x))


def is_located(shift: Any, x: Any, scale: Any) -> Any:
    """Whether a root that may move by `shift` is located, against `x` and its scale, on the last axis."""
    return (np.abs(shift) <= LOCATED * np.maximum(np.abs(x), scale)).all(axis=-1)


def is_isolated(
    at: Callable[[Any, Any], Any],
    level: Callable[[Any, Any], Any],
    x: Any,
    away: Any,
    index: Any,
) -> Any:
    """Whether F leaves its level beside the points `x`, on both sides, in the directions `away`.

    Parameters
    ----------
    at, level : callable
        ``at(x, index)`` and ``level(x, index)``: F and its level, (problems, entries).
    x, away : arrays (problems, unknowns)
        Directions have the length of the scale of `x`.
    """
    isolated = np.zeros(len(x), bool)
    known = away.any(axis=-1)
    if not known.all():  # nothing is known of the scale: any will do
        unit = np.where(known[:, None], away, 1.0)
        for reach in ANY_REACH:
            isolated |= ~known & _stands_out(at, level, x, reach * unit, index)
    for reach in ASIDE:
        isolated |= known & _stands_out(at, level, x, reach * away, index)
    return isolated


def _stands_out(
    at: Callable[[Any, Any], Any],
    level: Callable[[Any, Any], Any],
    x: Any,
    away: Any,
    index: Any,
) -> Any:
    """Whether F is above its level on both sides of points, or on one, where the other is undefined."""
    seen = []
    for y in (x + away, x - away):
        r, least = np.abs(at(y, index)), level(y, index)
        defined = np.isfinite(r).all(axis=-1)
        # a bound that is unknown, or has underflowed, must not make nothing look like something
        above = (r > np.where(np.isfinite(least), least, 0.0)) & (r > ORDINARY)
        seen.append((defined, defined & above.any(axis=-1)))
    (defined, above), (other_defined, other_above) = seen
    return (above | ~defined) & (other_above | ~other_defined) & (above | other_above)


def have_underflowed(g: Any, steep: Any, scale: Any) -> Any:
    """Whether gradients tell nothing, on the last axis, for they and the objective may have underflowed.

    `steep` is how much a gradient is that is usual, ``|H| scale``; `scale` is that of x. Entries of `g`
    below ordinary numbers are zero beyond doubt where usual ones are ordinary numbers, or changes of the
    objective are, as ``steep*scale``. Where there is no H at all values beside x decide.
    """
    lost = (np.abs(g) < ORDINARY) & (steep < ORDINARY)
    return lost.any(axis=-1) & ((steep * scale).max(axis=-1, initial=0.0) < ORDINARY)


def meets_wishes(
    ftol: float | None, gtol: float | None, fall: Any = np.inf, slope: Any = np.inf
) -> Any:
    """Whether a relative fall of the objective is below `ftol`, or a gradient's entries below `gtol`.

    Only where they were given: SciPy's ``least_squares`` and ``minimize`` mean the same by them.
    """
    met = np.zeros(np.broadcast(fall, slope).shape, bool)
    if ftol is not None:
        met = met | (fall <= ftol)
    if gtol is not None:
        met = met | (slope <= gtol)
    return met
