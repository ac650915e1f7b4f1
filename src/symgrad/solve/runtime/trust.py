"""The trust region subproblem where the curvature is diagonal: one number to be found per problem."""

from __future__ import annotations

from typing import Any

import numpy as np


class UnderWay:
    """Arrays with a row for each problem that is not done; their base holds no arrays of its own."""

    def keep(self, which: Any) -> None:
        """Leave out all other problems."""
        for name, value in vars(self).items():
            setattr(self, name, value[which])


def shifted(curvature: Any, slope: Any, radius: Any) -> tuple[Any, Any]:
    """Minimise ``slope.q + q.(curvature*q)/2`` subject to ``|q| <= radius``, on the last axis.

    The minimiser is ``q = -slope/(curvature + shift)`` with the least shift >= 0 that makes all
    curvatures positive and `q` short enough: More and Sorensen, "Computing a trust region step", 1983.

    Returns
    -------
    q : array
    inside : array of bool
        Whether the unshifted minimiser was taken.
    """
    lowest = curvature.min(axis=-1, initial=np.inf)
    plain = np.where(slope == 0, 0.0, -slope / curvature)
    inside = (lowest > 0) & (np.sqrt((plain**2).sum(axis=-1)) <= 1.1 * radius)
    if inside.all():
        return plain, inside
    size = np.sqrt((slope**2).sum(axis=-1))
    low = np.maximum(-lowest, 0.0)
    high = low + size / radius
    shift = np.where(low > 0, 0.5 * (low + high), 1e-3 * high)
    for _ in range(60):  # Newton's method on 1/radius - 1/|q|, which is nearly linear in the shift
        below = curvature + shift[..., None]
        q = np.where(slope == 0, 0.0, -slope / below)
        length = np.sqrt((q**2).sum(axis=-1))
        fits = (np.abs(length - radius) <= 1e-2 * radius) | inside | (length == 0)
        low = np.where(length > radius, shift, low)
        high = np.where(length > radius, high, shift)
        fits |= high - low <= 1e-14 * high
        if fits.all():
            break
        with np.errstate(all="ignore"):
            change = length**2 / (q**2 / below).sum(axis=-1) * (length - radius) / radius
        new = shift + change
        outside = ~((new > low) & (new < high))
        new = np.where(outside, np.maximum(np.sqrt(low * high), 0.5 * (low + high)), new)
        shift = np.where(fits, shift, new)
    q = np.where(inside[..., None], plain, q)
    return _hard_case(q, curvature, lowest, radius, inside), inside


def _hard_case(q: Any, curvature: Any, lowest: Any, radius: Any, inside: Any) -> Any:
    """Where curvature is negative and `q` is short, its most negative direction fills the region."""
    length = np.sqrt((q**2).sum(axis=-1))
    short = ~inside & (lowest < 0) & (length < 0.9 * radius)
    if not short.any():
        return q
    where = np.arange(curvature.shape[-1]) == curvature.argmin(axis=-1)[..., None]
    fill = np.sqrt(np.maximum(radius**2 - length**2, 0.0))[..., None]
    signs = np.where(q < 0, -1.0, 1.0)
    return q + np.where(where & short[..., None], signs * fill, 0.0)
