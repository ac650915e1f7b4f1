"""The trust region subproblem where the curvature is diagonal: one number to be found per problem."""

from __future__ import annotations

from copy import copy
from typing import Any

import numpy as np

from symgrad.solve.runtime.ending import along, are_steady


class NamedValues:
    """Values by name, given in the order of the annotations; others have their defaults.

    No dataclass, which looks for its module among those imported: saved solvers are run from text as well.
    """

    def __init__(self, *values: Any) -> None:
        vars(self).update(zip(type(self).__annotations__, values, strict=False))


class UnderWay(NamedValues):
    """Arrays with a row for each problem that is not done; their base holds no arrays of its own."""

    def keep(self, which: Any) -> None:
        """Leave out all other problems."""
        for name, value in vars(self).items():
            setattr(self, name, value[which])


def shifted(curvature: Any, slope: Any, radius: Any) -> tuple[Any, Any]:
    """Minimise ``slope.q + q.(curvature*q)/2`` subject to ``|q| <= radius``, on the last axis.

    The minimiser is ``q = -slope/(curvature + shift)`` with the least shift >= 0 that makes all
    curvatures positive and `q` short enough: More and Sorensen, "Computing a trust region step", 1983.
    It is found in units of the radius, so that no unit of length or value is too large or small to square.

    Returns
    -------
    q : array
    inside : array of bool
        Whether the unshifted minimiser was taken.
    """
    finite = (radius < np.inf) & (radius > 0)
    unit = np.where(finite, radius, 1.0)[..., None]
    q, inside = _within_unit(curvature, slope / unit, np.where(finite, 1.0, radius))
    return q * unit, inside


def _within_unit(curvature: Any, slope: Any, radius: Any) -> tuple[Any, Any]:
    lowest = along(np.minimum, curvature, np.inf)
    plain = np.where(slope == 0, 0.0, -slope / curvature)
    inside = (lowest > 0) & (np.sqrt(along(np.add, plain**2, 0.0)) <= 1.1 * radius)
    if inside.all():
        return plain, inside
    top = along(np.maximum, np.abs(slope), 0.0)
    safe = np.where(top > 0, top, 1.0)
    size = top * np.sqrt(along(np.add, (slope / safe[..., None]) ** 2, 0.0))
    low = np.maximum(-lowest, 0.0)
    high = low * (1 + 1e-10) + size / radius  # above `low`, however small the slope
    shift = np.where(low > 0, 0.5 * (low + high), 1e-3 * high)
    for _ in range(60):  # Newton's method on 1/radius - 1/|q|, which is nearly linear in the shift
        below = curvature + shift[..., None]
        q = np.where(slope == 0, 0.0, -slope / below)
        length = np.sqrt(along(np.add, q**2, 0.0))
        fits = (np.abs(length - radius) <= 1e-2 * radius) | inside | (length == 0)
        low = np.where(length > radius, shift, low)
        high = np.where(length > radius, high, shift)
        fits |= high - low <= 1e-14 * high
        if fits.all():
            break
        with np.errstate(all="ignore"):
            change = length**2 / along(np.add, q**2 / below, 0.0) * (length - radius) / radius
        new = shift + change
        outside = ~((new > low) & (new < high))
        new = np.where(outside, np.maximum(np.sqrt(low * high), 0.5 * (low + high)), new)
        shift = np.where(fits, shift, new)
    q = np.where(inside[..., None], plain, q)
    return _hard_case(q, curvature, lowest, radius, inside), inside


def _hard_case(q: Any, curvature: Any, lowest: Any, radius: Any, inside: Any) -> Any:
    """Where curvature is negative and `q` is short, its most negative direction fills the region."""
    length = np.sqrt(along(np.add, q**2, 0.0))
    short = ~inside & (lowest < 0) & (length < 0.9 * radius)
    if not short.any():
        return q
    where = np.arange(curvature.shape[-1]) == curvature.argmin(axis=-1)[..., None]
    fill = np.sqrt(np.maximum(radius**2 - length**2, 0.0))[..., None]
    signs = np.where(q < 0, -1.0, 1.0)
    return q + np.where(where & short[..., None], signs * fill, 0.0)


class LinearRate:
    """Steps that shrink by the same factor: Newton's at a minimum, or root, of higher order.

    Where the last three full steps point the same way and shrink by a factor rho each, what is left of the
    way is the geometric series ``p/(1 - rho)``: at ``x**4`` the step is a third of the way, rho is 2/3.
    """

    def __init__(self, problems: int, unknowns: int) -> None:
        self.step = np.zeros((problems, unknowns))
        self.length = np.zeros(problems)
        self.rate = np.zeros(problems)
        self.streak = np.zeros(problems, np.intp)

    def __getitem__(self, which: Any) -> LinearRate:
        """That of some of the problems."""
        part = copy(self)
        for name, value in vars(self).items():
            setattr(part, name, value[which])
        return part

    def factor(self, p: Any, length: Any, full: Any) -> Any:
        """By what a step is to be multiplied; `p` in unknowns without units, of this length."""
        rate, along = self._compared(p, length)
        steady = full & along & are_steady(rate, self.rate) & (self.streak >= 1)
        return np.where(steady, 1 / np.where(steady, 1 - rate, 1.0), 1.0)

    def took(self, p: Any, length: Any, full: Any, moved: Any) -> None:
        """Remember the steps that were taken in full; others, and refused ones, start anew."""
        rate, along = self._compared(p, length)
        self.streak = np.where(full & moved & along, self.streak + 1, 0)
        self.rate = np.where(full & moved & along, rate, 0.0)
        self.step, self.length = p, np.where(full & moved, length, 0.0)

    def _compared(self, p: Any, length: Any) -> tuple[Any, Any]:
        with np.errstate(all="ignore"):
            both = (
                np.where(length > 0, length, 1.0)[:, None],
                np.where(self.length > 0, self.length, 1.0),
            )
            cosine = np.einsum("ki,ki->k", p / both[0], self.step / both[1][:, None])
            return length / both[1], (self.length > 0) & (length > 0) & (cosine > 0.9)
