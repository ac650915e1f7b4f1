"""Minima without a matrix: truncated conjugate gradients in a trust region, on Hessian-vector products.

Steihaug, "The conjugate gradient method and trust regions in large scale optimization", 1983; Toint,
"Towards an efficient sparsity exploiting Newton method for minimization", 1981. What is held in memory is
a number of vectors that does not grow with that of the unknowns.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from symgrad.solve.runtime.arguments import Problems, SolverCall, split
from symgrad.solve.runtime.large import solve_many_unknowns
from symgrad.solve.runtime.region import Method, Objective, Point
from symgrad.solve.runtime.results import Minimum

MOST = 5000  # products in a step


def _truncated_step(
    problem: Objective, now: Point, d: Any, delta: float, forcing: float
) -> tuple[Any, Any, bool]:
    """In unknowns scaled by `d`, with gradient and Hessian in units of the gradient's length."""
    hessian = problem.hessian(now.x, now.free)
    size = now.size(d)
    p, hp, full = _truncated(lambda v: hessian(v / d) / d / size, now.g / d / size, delta, forcing)
    return p / d, hp * d * size, full


def _truncated(
    times: Callable[[Any], Any], g: Any, delta: float, forcing: float
) -> tuple[Any, Any, bool]:
    """A step p that lowers ``g.p + p.Hp/2`` in ``|p| <= delta``, H p, and whether it solves ``H p = -g``.

    Conjugate gradients until the residual is `forcing` times that of the start; a direction of
    negative curvature, or one that leads out of the region, is followed to its boundary.
    """
    p, hp, r, d = np.zeros_like(g), np.zeros_like(g), g.copy(), -g
    square = float(r @ r)
    stop = forcing**2 * square
    for _ in range(min(2 * g.size + 10, MOST)):
        if square == 0:
            return p, hp, True
        hd = times(d)
        curvature = float(d @ hd)
        alpha = square / curvature if curvature > 0 else np.inf
        if not curvature > 0 or np.linalg.norm(p + alpha * d) >= delta:
            t = _to_boundary(p, d, delta)
            return p + t * d, hp + t * hd, False
        p, hp, r = p + alpha * d, hp + alpha * hd, r + alpha * hd
        before, square = square, float(r @ r)
        if square <= stop:
            return p, hp, True
        d = (square / before) * d - r
    return p, hp, False


def _to_boundary(p: Any, d: Any, delta: float) -> float:
    """The positive t with ``|p + t d| = delta``."""
    a, b, c = float(d @ d), float(p @ d), delta**2 - float(p @ p)
    root = np.sqrt(max(b * b + a * c, 0.0))
    return float(c / (b + root) if b > 0 else (root - b) / a)


def solve_large(
    evaluate: Callable[..., Any],
    product: Callable[..., Any],
    rounding: Callable[..., Any],
    call: SolverCall,
) -> Minimum:
    """The `Minimum` of an objective by Hessian-vector products."""
    make = partial(_functions, evaluate, product)
    return solve_many_unknowns(make, rounding, call)


def _functions(
    evaluate: Callable[..., Any], product: Callable[..., Any], problems: Problems, params: list[Any]
) -> Method:
    """The functions of one problem over flat vectors; nan where a decomposition fails."""
    shapes = problems.shapes

    def at(x: Any) -> tuple[float, Any]:
        try:
            f, *g = evaluate(*split(x, shapes), *params)
        except np.linalg.LinAlgError:
            return np.nan, np.full(x.shape, np.nan)
        return float(f), _flat(g)

    def times(x: Any, v: Any) -> Any:
        try:
            return _flat(product(*split(x, shapes), *split(v, shapes), *params))
        except np.linalg.LinAlgError:
            return np.full(x.shape, np.nan)

    return Method(at, times, _truncated_step, lambda x: None, lambda x, d: False)


def _flat(parts: Any) -> Any:
    return np.concatenate([np.asarray(part, np.float64).reshape(-1) for part in parts])
