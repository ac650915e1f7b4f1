"""Residuals that are left out, since the data that they are made of are not finite."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from symgrad.solve.runtime.arguments import Problems, SolverCall, prepare, split


def without_missing(probe: Callable[..., Any], call: SolverCall) -> Problems:
    """The problems of a call, with a weight of 1 or 0 for each residual as parameters at the end.

    Left out are residuals at the start that are not finite, but are where means of the other data stand in
    for what is missing. ``probe(*unknowns, *params)`` gives residuals, with an axis of problems in front.
    """
    given = prepare(call._replace(params=tuple(_missing(v) for v in call.params)), finite=False)
    filled = prepare(call._replace(params=tuple(_filled(v) for v in call.params)))
    with np.errstate(all="ignore"):
        found, instead = (
            [np.asarray(r) for r in probe(*split(p.x, p.shapes), *p.params)]
            for p in (given, filled)
        )
    count = len(given.x)
    weights = [
        np.where(np.isfinite(r) | ~np.isfinite(s), 1.0, 0.0)
        for r, s in zip(found, instead, strict=True)
    ]
    full = [np.broadcast_to(w, (count, *w.shape[1:])) for w in weights]
    return filled._replace(params=[*filled.params, *full])


def _missing(value: Any) -> Any:
    """Data with nan for what is infinite, so that it shows in every residual that it is part of."""
    array = np.asarray(value)
    return np.where(np.isfinite(array), array, np.nan) if array.dtype.kind == "f" else value


def _filled(value: Any) -> Any:
    array = np.asarray(value)
    if array.dtype.kind != "f":
        return value
    known = np.isfinite(array)
    if known.all():
        return value
    return np.where(known, array, array[known].mean() if known.any() else 1.0)
