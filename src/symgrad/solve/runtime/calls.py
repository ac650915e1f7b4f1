"""The calls of solvers of systems, minima and fits: from arguments to a `Solution`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from symgrad.solve.runtime.arguments import Form, Problems, box, joined, prepare, shaped, split
from symgrad.solve.runtime.minimum import CURVATURES, dense, diagonal, kronecker, minimize_all
from symgrad.solve.runtime.results import Fit, Minimum, Solution, Status, checked
from symgrad.solve.runtime.system import solve_systems

ENTRIES = 200_000  # of Jacobians at a time


class Values:
    """What the generated functions give, as arrays with an axis of problems.

    `one` takes a single problem, `many` arrays with one more axis in front; `many` is only made when
    it is needed.
    """

    def __init__(
        self, one: Callable[..., Any], many: Callable[[], Any], problems: Problems, parts: int
    ) -> None:
        self.one, self.problems, self.parts = one, problems, parts
        self.many = many() if problems.batch else None

    def arrays(self, x: Any, index: Any) -> list[Any]:
        """The outputs at the points `x` of the problems `index`."""
        p = self.problems
        try:
            if self.many is not None:
                rows = [v[index] for v in p.params]
                return [np.asarray(y) for y in self.many(*split(x, p.shapes), *rows)]
            outputs = self.one(*split(x[0], p.shapes), *[v[0] for v in p.params])
            return [np.asarray(y)[None] for y in outputs]
        except np.linalg.LinAlgError:
            return self._apart(x, index)

    def _apart(self, x: Any, index: Any) -> list[Any]:
        """Problem by problem, where a decomposition fails for one of them: nan for that one."""
        rows: list[Any] = []
        for point, i in zip(x, index, strict=True):
            try:
                at = split(point, self.problems.shapes)
                rows.append(self.one(*at, *[v[i] for v in self.problems.params]))
            except np.linalg.LinAlgError:
                rows.append(None)
        known = next((row for row in rows if row is not None), None)
        if known is None:
            raise np.linalg.LinAlgError("no problem of the batch could be evaluated at its point")
        blank = [np.full(np.shape(y), np.nan) for y in known]
        return [np.stack(y) for y in zip(*[row or blank for row in rows], strict=True)]

    def system(self, x: Any, index: Any) -> tuple[Any, Any]:
        """Residuals (problems, m) and Jacobians (problems, m, n)."""
        outputs = self.arrays(x, index)
        r, jac = outputs[: self.parts], outputs[self.parts :]
        return _column(r), _matrix(jac, [_size(v) for v in r], self._sizes())

    def objective(self, x: Any, index: Any) -> tuple[Any, Any, Any]:
        """Values, gradients (problems, n) and Hessians (problems, n, n)."""
        f, *rest = self.arrays(x, index)
        k = len(self.problems.shapes)
        sizes = self._sizes()
        return np.asarray(f, float), _column(rest[:k]), _matrix(rest[k:], sizes, sizes)

    def diagonals(self, x: Any, index: Any) -> tuple[Any, Any, Any]:
        """Values, gradients and the diagonals of Hessians."""
        f, *rest = self.arrays(x, index)
        k = len(self.problems.shapes)
        return np.asarray(f, float), _column(rest[:k]), _column(rest[k:])

    def factors(self, x: Any, index: Any) -> tuple[Any, Any, Any]:
        """Values, gradients and the factors of Hessians that are Kronecker products with an identity."""
        f, g, h = self.arrays(x, index)
        return np.asarray(f, float), _column([g]), h.astype(np.float64, copy=False)

    def _sizes(self) -> list[int]:
        return [int(np.prod(shape)) for shape in self.problems.shapes]


def _size(v: Any) -> int:
    return int(np.prod(v.shape[1:]))


def _column(parts: list[Any]) -> Any:
    flat = [v.reshape(v.shape[0], -1).astype(np.float64, copy=False) for v in parts]
    return flat[0] if len(flat) == 1 else np.concatenate(flat, axis=1)


def _matrix(blocks: list[Any], rows: list[int], columns: list[int]) -> Any:
    """One matrix per problem of blocks in row order."""
    count = blocks[0].shape[0]
    if len(blocks) == 1:
        return blocks[0].reshape(count, rows[0], columns[0]).astype(np.float64, copy=False)
    out = np.empty((count, sum(rows), sum(columns)))
    queue = iter(blocks)
    top = 0
    for m in rows:
        left = 0
        for n in columns:
            out[:, top : top + m, left : left + n] = next(queue).reshape(count, m, n)
            left += n
        top += m
    return out


def _in_blocks(solve: Callable[..., Any], x: Any, values: Values, entries: int) -> list[Any]:
    """`solve(x, at)` for blocks of problems that fit the cache."""
    block = max(1, ENTRIES // max(entries, 1))
    done = []
    for start in range(0, max(x.shape[0], 1), block):
        done.append(solve(x[start : start + block], start))
    return done


def _gather(done: list[Any], name: str) -> Any:
    return np.concatenate([getattr(s, name) for s in done])


def _state(status: Any, batch: tuple[int, ...]) -> Any:
    return shaped(status, batch) if batch else Status(int(status[0]))


def solve_system(
    form: Form,
    one: Callable[..., Any],
    many: Callable[[], Any],
    parts: int,
    x0: Any,
    params: tuple[Any, ...],
    options: dict[str, Any],
    tol: float,
    maxiter: int,
    raise_on_failure: bool,
    callback: Any,
    fit: bool = False,
) -> Solution:
    """The `Solution` of a square system, or of a least squares problem where `fit`."""
    problems = prepare(form, x0, params)
    values = Values(one, many, problems, parts)
    n = problems.x.shape[1]
    run = {
        "globalize": options["globalize"],
        "box": box(options["bounds"], problems.shapes),
        "callback": None if problems.batch else callback,
        "fit": fit,
    }

    def block(x: Any, start: int) -> Any:
        def at(x: Any, index: Any) -> Any:
            return values.system(x, index + start)

        return solve_systems(at, x, tol, maxiter, **run)

    done = _in_blocks(block, problems.x, values, n * n)
    x, size, count, status = (_gather(done, n) for n in ("x", "size", "count", "status"))
    batch = problems.batch
    kind = Fit if fit else Solution
    solution = kind(
        joined(form, x, problems),
        shaped(status == Status.CONVERGED, batch),
        shaped(count, batch),
        shaped(size, batch),
        _state(status, batch),
    )
    if isinstance(solution, Fit):
        _statistics(solution, values, x, size, batch)
    return checked(solution, raise_on_failure)  # type: ignore[no-any-return]


def _statistics(fit: Fit, values: Values, x: Any, size: Any, batch: tuple[int, ...]) -> None:
    """Covariance by singular values of the scaled Jacobian, ``inv(J.T J)`` never being formed."""
    index = np.arange(x.shape[0])
    _, jac = values.system(x, index)
    fit.dof = max(jac.shape[1] - jac.shape[2], 0)
    with np.errstate(all="ignore"):
        s = size / np.sqrt(fit.dof) if fit.dof else np.full(size.shape, np.nan)
        scale = np.sqrt(np.einsum("kij,kij->kj", jac, jac))
        scale = np.where((scale > 0) & np.isfinite(scale), scale, 1.0)
        jac = np.where(np.isfinite(jac), jac, 0.0) / scale[:, None, :]
        _, sigma, vt = np.linalg.svd(jac, full_matrices=False)
        ranked = (sigma > 2e-16 * max(jac.shape[1:]) * sigma[:, :1]).all(axis=1)
        ranked &= sigma.shape[1] == jac.shape[2]
        root = vt / sigma[:, :, None] / scale[:, None, :] * s[:, None, None]
        cov = np.einsum("kij,kil->kjl", root, root)
        cov = np.where(ranked[:, None, None], cov, np.inf)
        stderr = np.sqrt(np.einsum("kii->ki", cov))
    fit.covariance = cov.reshape(*batch, *cov.shape[1:])
    fit.stderr = stderr.reshape(*batch, -1)
    fit.residual_std = shaped(s, batch)


def solve_minimum(
    form: Form,
    one: Callable[..., Any],
    many: Callable[[], Any],
    parts: int,
    x0: Any,
    params: tuple[Any, ...],
    options: dict[str, Any],
    tol: float,
    maxiter: int,
    raise_on_failure: bool,
    callback: Any,
) -> Minimum:
    """The `Minimum` of an objective."""
    problems = prepare(form, x0, params)
    values = Values(one, many, problems, parts)
    n = problems.x.shape[1]
    spectrum: Callable[[Any], Any] = dense
    entries, evaluate = n * n, values.objective
    if options["hessian"] == "diagonal":
        entries, spectrum, evaluate = n, diagonal, values.diagonals
    elif options["hessian"] != "dense":
        axis, shape = options["hessian"], problems.shapes[0]
        entries, evaluate = n + shape[1 - axis] ** 2, values.factors
        spectrum = kronecker(axis, shape)
    run = {
        "globalize": options["globalize"],
        "box": box(options["bounds"], problems.shapes),
        "callback": None if problems.batch else callback,
        "spectrum": spectrum,
    }

    def block(x: Any, start: int) -> Any:
        def at(x: Any, index: Any) -> Any:
            return evaluate(x, index + start)

        return minimize_all(at, x, tol, maxiter, **run)

    done = _in_blocks(block, problems.x, values, entries)
    x, size, count, status = (_gather(done, n) for n in ("x", "size", "count", "status"))
    batch = problems.batch
    solution = Minimum(
        joined(form, x, problems),
        shaped(status == Status.CONVERGED, batch),
        shaped(count, batch),
        shaped(size, batch),
        _state(status, batch),
    )
    solution.value = shaped(_gather(done, "value"), batch)
    solution.curvature = shaped(np.array(CURVATURES)[_gather(done, "curvature")], batch)
    return checked(solution, raise_on_failure)  # type: ignore[no-any-return]
