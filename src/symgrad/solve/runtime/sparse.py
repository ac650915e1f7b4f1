"""Roots of large systems with few entries in the Jacobian: Newton steps by SciPy's sparse factors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from symgrad.errors import ArgumentError
from symgrad.solve.runtime.approach import Found
from symgrad.solve.runtime.arguments import Call, Problems, answer, prepare, split
from symgrad.solve.runtime.results import Solution, Status, checked

SHORTEST = 2.0**-30  # part of a step that is still tried
SHORT = 2.0**-10  # part of a step, below which its direction is taken for a bad one
SHIFT = 1e-3  # of the largest entry on the diagonal of J.T J, where J is singular
FALLS = 0.4  # of |F|, after a short step towards a root


def sparse_library() -> Any:
    """`scipy.sparse`, with its factors; an error that says what to install where there is none."""
    try:
        import scipy.sparse.linalg  # noqa: PLC0415 (an extra)
    except ImportError as error:
        raise ArgumentError(
            'method="sparse" needs SciPy, the extra "scipy": pip install scipy'
        ) from error
    return scipy.sparse


def root_of_sparse(
    at: Callable[[Any], tuple[Any, Any]],
    x: Any,
    tol: float,
    maxiter: int,
    globalize: bool,
    callback: Any,
) -> tuple[Any, float, int, Status]:
    """A root from `x`, by `at(x)`, residuals and Jacobian: the point, ``|F|``, steps, and the status."""
    r, jac = at(x)
    size, count = float(np.linalg.norm(r)), 0
    while True:
        if not (np.isfinite(size) and np.isfinite(jac.data).all()):
            return x, size, count, Status.NON_FINITE
        if size == 0:
            return x, size, count, Status.CONVERGED
        p = _solved(jac, -r)
        regular = p is not None
        if p is None and globalize:
            p = _least_squares_step(jac, r)
        if p is None or not p.any():
            return x, size, count, Status.SINGULAR
        if callback is not None:
            callback(count, x, size, p)
        part, to, r_to, jac_to, size_to = _shortened(at, x, p, size, globalize)
        if globalize and regular and part < SHORT:  # nearly singular: another direction
            other = _least_squares_step(jac, r)
            if other is not None:
                part, to, r_to, jac_to, size_to = _shortened(at, x, other, size, globalize)
        small = regular and bool((np.abs(p) <= tol * np.maximum(np.abs(x), 1.0)).all())
        if small and not size_to < size:  # it cannot fall any more
            return x, size, count, Status.CONVERGED
        if count >= maxiter:
            return x, size, count, Status.ITERATION_LIMIT
        if part < SHORTEST:
            return x, size, count, Status.STALLED if regular else Status.SINGULAR
        ended = small and part == 1.0 and size_to <= FALLS * size
        x, r, jac, size, count = to, r_to, jac_to, size_to, count + 1
        if ended:
            return x, size, count, Status.CONVERGED


def _solved(matrix: Any, right: Any) -> Any:
    """A solution by sparse factors, or None where the matrix is singular."""
    try:
        p = sparse_library().linalg.splu(matrix).solve(right)
    except RuntimeError:  # exactly singular
        return None
    return p if np.isfinite(p).all() else None


def _least_squares_step(jac: Any, r: Any) -> Any:
    """A step that lowers ``|r + J p|`` where J is singular: ``(J.T J + shift) p = -J.T r``."""
    normal = (jac.T @ jac).tocsc()
    shift = SHIFT * float(normal.diagonal().max(initial=0.0))
    eye = sparse_library().eye_array(r.size, format="csc")
    return _solved(normal + shift * eye, -(jac.T @ r)) if shift > 0 else None


def _shortened(
    at: Callable[[Any], tuple[Any, Any]], x: Any, p: Any, size: float, globalize: bool
) -> tuple[float, Any, Any, Any, float]:
    """The step, halved until ``|F|`` falls: which part of it, and where that leads."""
    part = 1.0
    while True:
        to = x + part * p
        r, jac = at(to)
        reached = float(np.linalg.norm(r))
        falls = reached <= (1 - 1e-4 * part) * size and np.isfinite(jac.data).all()
        if falls or not globalize or part < SHORTEST:
            return part, to, r, jac, reached
        part *= 0.5


def solve_sparse(
    evaluate: Callable[..., Any],
    rounding: Callable[..., Any],
    call: Call,
) -> Solution:
    """The `Solution` of a square system; problems of a batch one after another."""
    problems = prepare(call)
    callback = None if problems.batch else call.callback
    found = Found(problems.x)
    with np.errstate(all="ignore"):
        for k, x in enumerate(found.x):
            at = _sparse_system(evaluate, problems, [v[k] for v in problems.params])
            *point, status = root_of_sparse(
                at, x, call.tolerances.step, call.maxiter, call.options["globalize"], callback
            )
            found.set(k, status, *point)
    return checked(answer(Solution, call, problems, found), call.raise_on_failure)


def _sparse_system(
    evaluate: Callable[..., Any], problems: Problems, params: list[Any]
) -> Callable[[Any], tuple[Any, Any]]:
    """Residuals and Jacobians over a flat vector; entries come with their positions in C order."""
    matrix = sparse_library().csc_array

    def at(x: Any) -> tuple[Any, Any]:
        *parts, entries, where = evaluate(*split(x, problems.shapes), *params)
        r = np.concatenate([np.asarray(part, np.float64).reshape(-1) for part in parts])
        rows, columns = np.divmod(where, x.size)
        entries = np.asarray(entries, np.float64)
        return r, matrix((entries, (rows, columns)), shape=(r.size, x.size))

    return at
