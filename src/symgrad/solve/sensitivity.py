"""How solutions change with parameters, by the implicit function theorem."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from symgrad.errors import ArgumentError
from symgrad.solve.conditions import Conditions
from symgrad.solve.runtime.arguments import Problems, split
from symgrad.solve.runtime.ending import EPS
from symgrad.solve.runtime.sparse import sparse_library

NEAR = 1e-3  # of the unknowns, within which a Newton step from a solution stays


def sensitivity(conditions: Conditions, solution: Any, params: tuple[Any, ...], p: Any) -> Any:
    """``dx/dp`` of a solution; see `Solution.sensitivity`."""
    wrt = conditions.parameters(p, "sensitivity")
    problems = conditions.problems(conditions.point(solution), params)
    converged = np.ravel(solution.converged)
    single = not problems.batch
    if single and not converged[0]:
        raise ArgumentError(
            f"the solver ended with {solution.status}: only solutions have sensitivities"
        )
    index = np.flatnonzero(converged)
    held = conditions.held(solution, problems, index)
    values = _of(wrt, conditions, problems)
    found = [np.full((*problems.x.shape, _size(v)), np.nan) for v in values]
    if index.size:
        linear = conditions.linearised(problems, wrt, index)
        right = np.concatenate([linear.r[:, :, None], *linear.by], axis=2)
        # what is held moves with its bound, and is known
        bound = np.concatenate(
            [np.zeros((*right.shape[:2], 1)), *conditions.moves(problems, wrt, index)], axis=2
        )
        bound = np.where(held[:, :, None], bound, 0.0)
        if bound.any():
            right = right + np.stack([m @ b for m, b in zip(linear.jac, bound, strict=True)])
        right = np.where(held[:, :, None], -bound, right)
        solved = np.stack(
            [_solved(m, b, h) for m, b, h in zip(linear.jac, right, held, strict=True)]
        )
        _check(problems.x[index], solved[:, :, 0], linear.r, solution, single)
        stops = np.cumsum([1, *[b.shape[2] for b in linear.by]])
        for rows, start, stop in zip(found, stops[:-1], stops[1:], strict=True):
            rows[index] = 0.0 - solved[:, :, start:stop]
    shaped = [
        _shaped(rows, conditions, problems, np.shape(value)[1:])
        for rows, value in zip(found, values, strict=True)
    ]
    return shaped if isinstance(p, (list, tuple)) else shaped[0]


def _of(wrt: tuple[Any, ...], conditions: Conditions, problems: Problems) -> list[Any]:
    places = {x: i for i, x in enumerate(conditions.problem.params)}
    return [problems.params[places[x]] for x in wrt]


def _size(value: Any) -> int:
    return prod(np.shape(value)[1:])


def _solved(matrix: Any, right: Any, held: Any) -> Any:
    """``matrix^-1 right`` with rows of the identity for what is held; nan where it is singular.

    The columns of what is held are on the right-hand side already.
    """
    keep = np.flatnonzero(~held)
    out = np.where(held[:, None], right, 0.0)
    if not keep.size:
        return out
    if isinstance(matrix, np.ndarray):
        out[keep] = _dense(matrix[np.ix_(keep, keep)], right[keep])
    else:
        part = matrix[keep][:, keep].tocsc()
        try:
            out[keep] = sparse_library().linalg.splu(part).solve(right[keep])
        except RuntimeError:  # exactly singular
            out[keep] = np.nan
    return out


def _dense(matrix: Any, right: Any) -> Any:
    """The same for a matrix of NumPy; rows and columns are scaled, so that no unit makes it singular."""
    nothing = np.full(right.shape, np.nan)
    if not np.isfinite(matrix).all():
        return nothing
    rows = _powers_of_two(np.abs(matrix).max(axis=1))
    scaled = matrix / rows[:, None]
    columns = _powers_of_two(np.abs(scaled).max(axis=0))
    scaled = scaled / columns
    sigma = np.linalg.svd(scaled, compute_uv=False)
    if not sigma[-1] > 4 * EPS * len(matrix) * sigma[0]:
        return nothing
    return np.linalg.solve(scaled, right / rows[:, None]) / columns[:, None]


def _powers_of_two(v: Any) -> Any:
    return np.ldexp(1.0, np.frexp(np.where(v > 0, v, 1.0))[1] - 1)


def _check(x: Any, step: Any, r: Any, solution: Any, single: bool) -> None:
    """A Newton step from a solution leads nowhere; else the parameters are no longer those that it had."""
    known = np.isfinite(step).all(axis=1)
    if single and not known[0]:
        raise ArgumentError(
            "the derivative of the equations by the unknowns is singular at this solution, so that the"
            " unknowns have none by the parameters"
        )
    size = np.abs(x)
    near = np.abs(step) <= NEAR * np.maximum(size, 1e-6 * size.max(axis=1, initial=0.0)[:, None])
    least = np.ravel(solution.residual)[np.ravel(solution.converged)]
    kept = near.all(axis=1) | (np.linalg.norm(r, axis=1) <= 4 * least) | ~known
    if not kept.all():
        raise ArgumentError(
            "the parameters are no longer those that the solver was called with: were their arrays"
            " changed in place?"
        )


def _shaped(rows: Any, conditions: Conditions, problems: Problems, of: tuple[int, ...]) -> Any:
    """In the form of the unknowns, followed by the shape of the parameter."""
    form, batch = conditions.form, problems.batch
    shapes = problems.shapes[: len(form.unknowns)]
    rows = rows[:, : sum(map(prod, shapes))]
    rows = rows.reshape(*batch, rows.shape[1], *of)
    if form.kind == "scalars":
        return rows
    moved = np.moveaxis(rows, len(batch), -1)
    parts = []
    for part, shape in zip(split(moved, shapes), shapes, strict=True):
        axes = len(shape)
        last = part.ndim - axes
        places = [len(batch) + i for i in range(axes)]
        parts.append(np.moveaxis(part, range(last, part.ndim), places))
    if form.kind == "arrays":
        return parts
    (part,) = parts
    return float(part) if part.ndim == 0 else np.ascontiguousarray(part)


def hessian_at(conditions: Conditions, solution: Any, params: tuple[Any, ...]) -> Any:
    """The Hessian over the flattened unknowns; under constraints that of the Lagrangian."""
    problems = conditions.problems(conditions.point(solution), params)
    linear = conditions.linearised(problems, (), np.arange(len(problems.x)))
    n = _count(conditions, problems)
    rows = [np.asarray(m[:n, :n] if isinstance(m, np.ndarray) else m.toarray()) for m in linear.jac]
    return np.stack(rows).reshape(*problems.batch, n, n)


def covariance_at(conditions: Conditions, solution: Any, params: tuple[Any, ...]) -> Any:
    """The inverse of the Hessian, on the tangents of active constraints; inf where it is not definite."""
    problems = conditions.problems(conditions.point(solution), params)
    index = np.arange(len(problems.x))
    linear = conditions.linearised(problems, (), index)
    held = conditions.held(solution, problems, index)
    n, width = _count(conditions, problems), problems.x.shape[1]
    found = np.empty((len(index), n, n))
    for k, (matrix, h) in enumerate(zip(linear.jac, held, strict=True)):
        right = np.where(h[:, None], 0.0, np.eye(width, n))
        inverse = _solved(matrix, right, h)[:n]
        sound = np.isfinite(inverse).all() and (np.diag(inverse) >= 0).all()
        found[k] = 0.5 * (inverse + inverse.T) if sound else np.inf
    return found.reshape(*problems.batch, n, n)


def _count(conditions: Conditions, problems: Problems) -> int:
    """How many entries the solver's own unknowns have."""
    return sum(map(prod, problems.shapes[: len(conditions.form.unknowns)]))
