"""Solvers on Dask arrays: fits and minima of data that no machine holds, and batches spread over workers.

Data along a named extent are passed once per iteration: each piece gives its part of the objective, the
gradient and the Hessian, which are added up in a tree; the step is taken here. A batch is solved chunk by
chunk, by the same compiled solver on every worker.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import numpy as np

from symgrad.autodiff import grad, hessian, jacobian
from symgrad.autodiff.rounding import rounding_all
from symgrad.errors import ArgumentError
from symgrad.expr.node import Expr
from symgrad.interop.dask import Pieces, item_of, key_of, on_chunk
from symgrad.ops.arithmetic import add_all
from symgrad.ops.einsum import sum_axes
from symgrad.ops.products import tensordot
from symgrad.solve.fit_report import FitConditions
from symgrad.solve.runtime.arguments import SolverCall, Tolerances
from symgrad.solve.runtime.calls import matrix_of
from symgrad.solve.runtime.fits import inverse_of_normal
from symgrad.solve.runtime.minimize import solve_minimum
from symgrad.solve.runtime.results import Fit, Minimum, Solution, delivered

TOLERANCES = ("tol", "xtol", "ftol", "gtol", "x_scale")


def solve_on_dask(
    solver: Any, run: Callable[..., Any], values: Sequence[Any], options: dict[str, Any]
) -> Solution:
    """What a solver finds for Dask arrays among its arguments.

    Parameters
    ----------
    solver : Solver
    run : callable
        Its compiled function.
    values : sequence
        The start, then the parameters.
    options : dict
        What else the call was given.
    """
    problem = solver.conditions.problem
    many = solver.conditions.form.kind in ("scalars", "arrays")
    extra = [
        np.ndim(v) - x.ndim
        for v, x in zip(values[1:], problem.params[: len(values) - 1], strict=True)
    ]
    batched = any(k > 0 for k in extra) or _has_batch(values[0], problem.unknowns, many)
    if batched:
        return _spread(solver, values, options)
    given = dict(run.__kwdefaults__ or {}) | options
    if solver.conditions.kind == "minimum":
        return _minimum(solver.conditions, problem.formulas[0], values, given)
    if isinstance(solver.conditions, FitConditions):
        return _fit(solver.conditions, values, given)
    raise ArgumentError(
        "Dask data along an axis are for minima and fits; a root takes Dask arrays as batches, with axes"
        " in front of those that its symbols have"
    )


def _has_batch(x0: Any, unknowns: Sequence[Expr], many: bool) -> bool:
    if many and isinstance(x0, (list, tuple)):
        return any(np.ndim(v) > x.ndim for v, x in zip(x0, unknowns, strict=True))
    return bool(np.ndim(x0) > (1 if many else unknowns[0].ndim))


# Data along a long axis


def _passes(problem: Any, outputs: Sequence[Expr], params: Sequence[Any]) -> Callable[..., Any]:
    """Outputs as a function of the unknowns, each call of which is one pass over the data."""
    nothing = [None] * len(problem.unknowns)
    pieces = Pieces(problem.symbols, outputs, [*nothing, *params])

    def at(*unknowns: Any) -> list[Any]:
        few, _ = pieces.graph([np.asarray(v) for v in unknowns])
        return list(few[0].compute())

    return at


def _minimum(conditions: Any, f: Expr, values: Sequence[Any], given: dict[str, Any]) -> Minimum:
    """Newton's method in a trust region, on sums over pieces."""
    problem, leaves = conditions.problem, list(conditions.problem.unknowns)
    gradient = grad(f, leaves)
    outputs = [f, *gradient, *[b for row in hessian(f, leaves) for b in row]]
    one = _passes(problem, outputs, values[1:])

    def rounding(*arrays: Any) -> list[Any]:
        try:
            found = _passes(problem, rounding_all([f, *gradient], leaves), values[1:])
        except ArgumentError:  # a bound that does not part into pieces: it is no witness then
            return [np.full((1, 1), np.nan)]
        return [np.asarray(v)[None] for v in found(*[a[0] for a in arrays])]

    if conditions.bounds.limits is not None:
        raise ArgumentError("bounds are numbers where data are Dask arrays along an axis")
    options = {"globalize": True, "bounds": conditions.bounds.pairs, "hessian": "dense"}
    tolerances = Tolerances(*[given[name] for name in TOLERANCES])
    form = conditions.form._replace(params=())
    more = given["maxiter"], False, given["callback"]
    call = SolverCall(form, values[0], (), options, tolerances, *more)
    found = solve_minimum(one, lambda: None, 1, rounding, call)
    return delivered(found, given["raise_on_failure"])


def _fit(conditions: FitConditions, values: Sequence[Any], given: dict[str, Any]) -> Fit:
    """A fit by the sum of squares, with the statistics of its normal equations."""
    if conditions.options["nan_policy"] == "omit":
        raise ArgumentError('nan_policy="omit" is for data in memory; drop what is missing before')
    problem = conditions.problem
    squares = add_all([sum_axes(r**2, range(r.ndim)) for r in problem.formulas]) / 2
    found = _minimum(conditions, squares, values, given | {"raise_on_failure": False})
    fit = Fit(
        found.x,
        found.converged,
        found.iterations,
        float(np.sqrt(max(2 * float(found.value), 0.0))),
        found.status,
    )
    fit.curvature = found.curvature
    leaves, residuals = list(problem.unknowns), list(problem.formulas)
    if conditions.options["loss"] != "linear":
        raise ArgumentError("a fit of Dask data has no loss but the linear one")
    normal = _normal(residuals, leaves)
    parts = found.x if conditions.form.kind == "arrays" else None
    unknowns = parts if parts is not None else _unknowns(conditions, found.x)
    blocks = [np.asarray(v)[None] for v in _passes(problem, normal, values[1:])(*unknowns)]
    sizes = [int(np.size(v)) for v in unknowns]
    matrix = matrix_of(blocks, sizes, sizes)[0]
    n, count = sum(sizes), _count(residuals, problem, values)
    fit.dof = max(count - n, 0)
    s = fit.residual / np.sqrt(fit.dof) if fit.dof else np.nan
    fit.residual_std = float(s)
    root, ranked = inverse_of_normal(_square_root(matrix)[None])
    cov = np.einsum("ij,il->jl", root[0], root[0])
    scale = 1.0 if conditions.options["absolute"] else s * s
    fit.covariance = cov * scale if ranked[0] else np.full((n, n), np.inf)
    fit.stderr = np.sqrt(np.diag(fit.covariance))
    return delivered(fit, given["raise_on_failure"])


def _square_root(matrix: Any) -> Any:
    """R with ``R.T R`` the matrix, of scaled columns."""
    d = np.sqrt(np.diag(matrix))
    d = np.where(d > 0, d, 1.0)
    w, q = np.linalg.eigh(matrix / d[:, None] / d)
    return np.sqrt(np.maximum(w, 0.0))[:, None] * q.T * d


def _normal(residuals: Sequence[Expr], leaves: Sequence[Expr]) -> list[Expr]:
    """The blocks of ``J.T J``."""
    rows = jacobian(list(residuals), list(leaves))
    blocks = []
    for i in range(len(leaves)):
        for j in range(len(leaves)):
            terms = [
                tensordot(row[i], row[j], axes=(list(range(r.ndim)), list(range(r.ndim))))
                for row, r in zip(rows, residuals, strict=True)
            ]
            blocks.append(add_all(terms))
    return blocks


def _count(residuals: Sequence[Expr], problem: Any, values: Sequence[Any]) -> int:
    sizes: dict[Any, int] = {}
    for x, value in zip(problem.params, values[1:], strict=True):
        sizes.update(zip(x.shape, np.shape(value), strict=True))
    return sum(prod(d if isinstance(d, int) else sizes[d] for d in r.shape) for r in residuals)


def _unknowns(conditions: Any, x: Any) -> list[Any]:
    return [*x] if conditions.form.kind == "scalars" else [x]


# Batches


def _spread(solver: Any, values: Sequence[Any], options: dict[str, Any]) -> Solution:
    """A batch, chunk by chunk; fields of the solution are Dask arrays."""
    import dask.array as da  # noqa: PLC0415 (an extra)

    if options.get("callback") is not None:
        raise ArgumentError("a batch of Dask arrays takes no callback: workers are other processes")
    problem, form = solver.conditions.problem, solver.conditions.form
    many = form.kind in ("scalars", "arrays")
    listed = many and isinstance(values[0], (list, tuple))
    starts = list(values[0]) if listed else [values[0]]
    own = [x.ndim for x in problem.unknowns] if listed or not many else [1]
    arrays = [*starts, *values[1:]]
    core = [*own, *[x.ndim for x in problem.params]]
    batches = [np.shape(a)[: np.ndim(a) - k] for a, k in zip(arrays, core, strict=True)]
    batch = np.broadcast_shapes(*batches)
    known: list[Any] = []
    for a, k, b in zip(arrays, core, batches, strict=True):
        if not b:
            known.append((None, np.asarray(a)))
            continue
        whole = da.broadcast_to(da.asarray(a), (*batch, *np.shape(a)[len(b) :]))
        known.append((whole.rechunk({len(batch) + i: -1 for i in range(k)}), None))
    chunks = _chunks([w for w, _ in known if w is not None], len(batch))
    spread = [
        None if w is None else w.rechunk(dict(enumerate(chunks))).to_delayed() for w, _ in known
    ]
    run = key_of(on_chunk, "run")
    task = key_of(_Chunk(solver, len(starts) if listed else 0, options), "solver")
    item = key_of(item_of, "item")
    shapes = [*_shapes(problem, form, values)]
    fields = [*shapes, *[((), np.dtype(t)) for t in (bool, np.intp, float, np.int8)]]
    grid = tuple(len(c) for c in chunks)
    made: list[Any] = [np.empty(grid, object) for _ in fields]
    for index in np.ndindex(*grid):
        args = [
            w if s is None else np.ravel(s[index])[0]
            for s, (_, w) in zip(spread, known, strict=True)
        ]
        parts = run(index, task, *args)
        extents = tuple(c[i] for c, i in zip(chunks, index, strict=True))
        for k, (shape, dtype) in enumerate(fields):
            block = da.from_delayed(item(parts, k), (*extents, *shape), dtype)
            made[k][index] = block
    joined = [_joined(m, len(batch)) for m in made]
    x = joined[: len(shapes)]
    answer = Solution(x if form.kind == "arrays" else x[0], *joined[len(shapes) :])
    answer.origin = None
    return answer


def _chunks(arrays: Sequence[Any], axes: int) -> tuple[Any, ...]:
    """The finest chunks of a batch among arrays."""
    return tuple(max((a.chunks[i] for a in arrays), key=len) for i in range(axes))


def _joined(blocks: Any, axes: int) -> Any:
    import dask.array as da  # noqa: PLC0415

    whole = blocks
    for axis in reversed(range(axes)):
        lead = whole.shape[:axis]
        out = np.empty(lead, object)
        for index in np.ndindex(*lead):
            out[index] = da.concatenate(list(whole[index]), axis=axis)
        whole = out
    return whole[()]


def _shapes(problem: Any, form: Any, values: Sequence[Any]) -> list[tuple[tuple[int, ...], Any]]:
    """Shapes and element types of the parts of x."""
    if form.kind == "scalars":
        return [((len(problem.unknowns),), np.dtype(float))]
    starts = values[0] if form.kind == "arrays" else [values[0]]
    return [
        (tuple(np.shape(v)[np.ndim(v) - x.ndim :]), np.dtype(float))
        for v, x in zip(starts, problem.unknowns, strict=True)
    ]


class _Chunk:
    """The solver on a chunk of a batch: parts of x, converged, iterations, residual and status."""

    def __init__(self, solver: Any, starts: int, options: dict[str, Any]) -> None:
        self.solver, self.starts, self.options = solver, starts, options

    def __call__(self, *arrays: Any) -> list[Any]:
        start = list(arrays[: self.starts]) if self.starts else arrays[0]
        found = self.solver(start, *arrays[self.starts or 1 :], **self.options)
        parts = found.x if isinstance(found.x, list) else [found.x]
        return [*parts, found.converged, found.iterations, found.residual, found.status]
