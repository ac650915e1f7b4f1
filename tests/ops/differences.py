"""Derivatives of a reference by differences of its values: the oracle for derivatives of arrays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

# Central differences of sixth order: sum_k c_k * (f(k*h) - f(-k*h)) / h
WEIGHTS = (3 / 4, -3 / 20, 1 / 60)


def slope(f: Callable[[Any], Any], step: Any) -> Any:
    """The derivative at 0 of a function of one number."""
    return sum(
        np.asarray(type(step)(c) * (f(k * step) - f(-k * step)) / step)
        for k, c in enumerate(WEIGHTS, start=1)
    )


def along(f: Callable[..., Any], xs: Sequence[Any], vs: Sequence[Any], step: Any) -> Any:
    """The derivative of ``f(*xs)`` along the direction `vs`."""
    return slope(lambda t: f(*[x + t * v for x, v in zip(xs, vs, strict=True)]), step)


def units(xs: Sequence[Any]) -> list[list[list[Any]]]:
    """For each array the directions of its entries, each with one 1 among zeros."""
    result = []
    for i, x in enumerate(xs):
        directions = []
        for index in np.ndindex(x.shape):
            vs = [np.zeros_like(y) for y in xs]
            vs[i][index] = 1
            directions.append(vs)
        result.append(directions)
    return result


def jacobians(f: Callable[..., Any], xs: Sequence[Any], step: Any) -> list[Any]:
    """For each array the derivative by all its entries, of shape ``f.shape + x.shape``."""
    result = []
    for x, directions in zip(xs, units(xs), strict=True):
        columns = [along(f, xs, vs, step) for vs in directions]
        shape = np.shape(f(*xs))
        result.append(np.stack(columns, axis=-1).reshape((*shape, *x.shape)))
    return result


def hessian_times(
    f: Callable[..., Any], xs: Sequence[Any], vs: Sequence[Any], step: Any
) -> list[Any]:
    """The Hessian of a scalar function times a direction, for each array."""
    return jacobians(lambda *ys: along(f, ys, vs, step), xs, step)
