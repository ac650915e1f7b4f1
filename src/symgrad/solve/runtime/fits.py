"""The call of a solver of fits: from arguments to a `Fit`, and whether what was found is a minimum."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from math import prod
from typing import Any

import numpy as np

from symgrad.runtime.threads import each_block
from symgrad.solve.runtime.arguments import (
    Problems,
    SolverCall,
    answer,
    prepare,
    report,
    shaped,
    split,
)
from symgrad.solve.runtime.beside import lower_beside
from symgrad.solve.runtime.calls import Values, column_of, is_plain, matrix_of, problems_at_a_time
from symgrad.solve.runtime.ending import (
    LEVELS,
    UNIT,
    Levels,
    ProblemBounds,
    held_by,
    lengths,
    part_of_box,
)
from symgrad.solve.runtime.fit import Fits, iterate_fits
from symgrad.solve.runtime.minimum import (
    UNKNOWN,
    Functions,
    Minima,
    iterate_minima,
)
from symgrad.solve.runtime.omit import without_missing
from symgrad.solve.runtime.results import CURVATURES, Fit, Status, delivered
from symgrad.solve.runtime.single import Single, quick_fit
from symgrad.solve.runtime.spectra import DenseHessian, curvature_of, grown

REGULAR = 1e-8  # curvature against the size of the Hessian's rows, that needs no look beside
NEWTON_STEPS = 12  # on the sum of squares, where those on residuals are slow
MOST_ROUNDS = 6  # lower points that are gone on from


class SumOfSquares:
    """``sum((r*unit)**2)/2`` of each problem over ``z = x/size``, with residuals and Jacobian near 1.

    Parameters
    ----------
    system : callable
        ``system(x, index)`` gives residuals and Jacobians.
    product : callable
        ``product(*unknowns, *directions, *params, unit)``, all with an axis of problems in front: the
        Hessian of ``unit*sum(r**2)/2`` times directions, as a list of parts. It is compiled when it is
        first called. The other factor `unit` is in the directions, so that its square does not overflow.
    shapes, params
        Those of the unknowns, and the parameters of all problems.
    levels : Levels
        Of the residuals.
    unit : array (problems,)
    size : array (problems, unknowns)
    """

    def __init__(
        self,
        system: Callable[[Any, Any], Any],
        product: Callable[..., Any],
        shapes: list[Any],
        params: list[Any],
        levels: Levels,
        unit: Any,
        size: Any,
    ) -> None:
        self.system, self.product, self.shapes = system, product, shapes
        self.params, self.levels, self.unit, self.size = params, levels, unit, size

    def residuals(self, z: Any, index: Any) -> tuple[Any, Any]:
        """Residuals and Jacobians, in these units."""
        r, jac = self.system(z * self.size[index], index)
        unit = self.unit[index][:, None]
        return r * unit, jac * self.size[index][:, None, :] * unit[:, None]

    def objective(self, z: Any, index: Any) -> tuple[Any, Any, Any]:
        """Values, gradients and Hessians, which are made a column at a time."""
        r, jac = self.residuals(z, index)
        gradient = np.einsum("kij,ki->kj", jac, r)
        hessian = np.empty((*z.shape, z.shape[1]))
        size, unit = self.size[index], self.unit[index]
        params = [v[index] for v in self.params]
        unknowns = split(z * size, self.shapes)
        for j in range(z.shape[1]):
            direction = np.zeros(z.shape)
            direction[:, j] = size[:, j] * unit
            parts = self.product(*unknowns, *split(direction, self.shapes), *params, unit)
            columns = [
                np.broadcast_to(v, (len(z), *s)).reshape(len(z), -1)
                for v, s in zip(parts, self.shapes, strict=True)
            ]
            hessian[:, :, j] = np.concatenate(columns, axis=1) * size
        return 0.5 * (r * r).sum(axis=1), gradient, 0.5 * (hessian + np.swapaxes(hessian, 1, 2))

    def at(self, z: Any, index: Any) -> Any:
        """Rounding levels of values and gradients, from those of the residuals."""
        r, jac = self.residuals(z, index)
        level = self.levels.at(z * self.size[index], index) * self.unit[index][:, None]
        of_value = (np.abs(r) * level + 2 * LEVELS * UNIT * r * r).sum(axis=1)
        inner = level + 4 * LEVELS * UNIT * np.abs(r)
        of_slope = np.einsum("kij,ki->kj", np.abs(jac), inner)
        return np.concatenate([of_value[:, None], of_slope], axis=1)


Squares = Callable[[Any, Any], SumOfSquares]  # by unit and size


def fit_all(
    s: Fits,
    system: Callable[[Any, Any], Any],
    squares: Squares,
    levels: Levels,
    maxiter: int,
    tell: Any = None,
) -> None:
    """Fit all problems, until nothing lower is seen beside what is found."""
    index = np.arange(len(s.x))
    x = s.x.copy()
    with np.errstate(all="ignore"):
        for _ in range(MOST_ROUNDS):
            iterate_fits(s, system, levels, index, x, maxiter, tell)
            rest = _finished_by_newton(s, system, squares, index[s.slow[index]], maxiter, tell)
            if rest.size:
                iterate_fits(s, system, levels, rest, s.x[rest], maxiter, tell, maxiter + 1)
            index, x = _lower_beside_fits(s, system, squares, index)
            if not index.size:
                return
            s.count[index] += 1
    s.status[index] = Status.STALLED


def _finished_by_newton(
    s: Fits, system: Any, squares: Squares, index: Any, maxiter: int, tell: Any
) -> Any:
    """Solve the problems `index` by Newton's method on the sum of squares; which of them it does not.

    ``J.T J`` is its Hessian only where no residuals are left. With them its steps converge slowly, if at
    all, and Newton's quadratically.
    """
    if not index.size:
        return index
    objective, m = _as_minima(s, system, squares, index)
    m.count[:] = s.count
    functions = Functions(objective.objective, DenseHessian(), objective)
    most = np.minimum(maxiter, s.count + NEWTON_STEPS)
    iterate_minima(m, functions, index, m.x[index], most, tell=tell)
    x = m.x[index] * objective.size[index]
    x = x if s.box is None else np.clip(x, *s.box.of(index))
    size = lengths(system(x, index)[0])
    lower = size <= s.size[index]
    index, size, x = index[lower], size[lower], x[lower]
    s.set(index, m.status[index], x, size, m.count[index])
    known = (s.status[index] == Status.CONVERGED) | (s.count[index] >= maxiter)
    s.slow[index[known]] = False
    return np.flatnonzero(s.slow)


def _as_minima(s: Fits, system: Any, squares: Squares, index: Any) -> tuple[SumOfSquares, Minima]:
    """The sums of squares, in units in which residuals and Jacobian are near 1, and room for minima."""
    unit = _power_of_two(1 / s.size)
    size = np.ones(s.x.shape)
    norms = lengths(np.swapaxes(system(s.x[index], index)[1], 1, 2)) * unit[index][:, None]
    size[index] = _power_of_two(1 / norms)
    sides = None if s.box is None else ProblemBounds(s.box.low / size, s.box.high / size)
    m = Minima(s.x / size, None, s.tolerances, np.zeros(s.x.shape[1]))
    m.box, m.scale[:] = sides, np.maximum(s.scale, s.x_scale) / size
    return squares(unit, size), m


def _power_of_two(v: Any) -> Any:
    """The power of two below numbers; 1 for what is no positive number."""
    return np.ldexp(1.0, np.frexp(np.where((v > 0) & np.isfinite(v), v, 1.0))[1] - 1)


def _lower_beside_fits(s: Fits, system: Any, squares: Squares, index: Any) -> tuple[Any, Any]:
    """Problems with a lower sum of squares beside what looks like a minimum, and where.

    The Hessian of the sum of squares decides, which is not ``J.T J`` where residuals are left.
    """
    index = index[s.status[index] == Status.CONVERGED]
    if not index.size or not s.x.shape[1]:
        s.curvature[index] = 0
        return index[:0], s.x[:0]
    form = DenseHessian()
    objective, m = _as_minima(s, system, squares, index)
    z = m.x[index]
    m.value[index], g, h = objective.objective(z, index)
    m.weight[index], d = grown(m.weight[index], form.sizes(h), m.scale[index])
    if s.box is not None:
        h = form.without(h, held_by(part_of_box(m.box, index), z, g), d)
    known = np.isfinite(h).all(axis=(1, 2))
    w = np.full(z.shape, np.nan)
    w[known] = form.values(h[known], d[known])
    kind = np.where(known, curvature_of(np.where(known[:, None], w, 1.0)), UNKNOWN)
    s.curvature[index] = kind
    m.status[index[known]] = Status.CONVERGED
    m.fast[index], m.least[index] = (
        True,
        np.where((w.min(axis=1) > REGULAR) | s.wished[index], 1.0, 0.0),
    )
    lower, points = lower_beside(m, Functions(objective.objective, form, objective), index)
    wrong = (kind >= 2) & known & ~np.isin(index, lower)
    s.status[index[wrong]] = Status.NOT_A_MINIMUM
    stalled = index[known][m.status[index[known]] == Status.STALLED]
    s.status[stalled], s.curvature[stalled] = Status.STALLED, UNKNOWN
    points = points * objective.size[lower]
    return lower, points if s.box is None else np.clip(points, *s.box.of(lower))


def solve_fit(
    one: Callable[..., Any],
    many: Callable[[], Any],
    parts: int,
    product: Callable[..., Any],
    influence: Callable[..., Any] | None,
    probe: Callable[..., Any] | None,
    rounding: Callable[..., Any],
    call: SolverCall,
) -> Fit:
    """The `Fit` of residuals.

    Where there is a loss, `influence` gives psi, its derivative and the Jacobian; where residuals may be
    left out, `probe` gives them for all data.
    """
    if probe is None:
        problems = prepare(call, call.options["nan_policy"] == "raise")
    else:
        problems = without_missing(probe, call)
    values = Values(one, many, problems, parts)
    n = problems.x.shape[1]
    if is_plain(call, problems):
        fit = _quickly(one, parts, product, influence, values, problems, call)
        if fit is not None:
            return fit
    found = Fits(problems.x, problems.box, call.tolerances, problems.x_scale)
    every = Levels(rounding, lambda x: split(x, problems.shapes), problems.params)
    single = not problems.batch

    def tell(count: int, x: Any, size: Any, p: Any) -> None:
        report(call.callback, single, count, x, size, p)

    def block(part: slice) -> None:
        s, v, levels = found.part(part), values.part(part), every.part(part)
        fit_all(
            s,
            v.system,
            partial(SumOfSquares, v.system, product, v.shapes, v.params, levels),
            levels,
            call.maxiter,
            None if call.callback is None else tell,
        )

    if call.callback is None:
        each_block(lambda _: block, len(problems.x), problems_at_a_time(n * n, n))
    else:  # of all that are left together
        block(slice(None))
    return _answered(found, influence, values, problems, call, probe is not None)


def _quickly(
    one: Callable[..., Any],
    parts: int,
    product: Callable[..., Any],
    influence: Callable[..., Any] | None,
    values: Values,
    problems: Problems,
    call: SolverCall,
) -> Fit | None:
    """One fit by `quick_fit`, where that leaves no doubt."""
    n, shapes = problems.x.shape[1], problems.shapes

    def hessian(x: Any) -> Any:
        """That of the sum of squares over two, by products with all directions at once."""
        points = split(np.tile(x, (n, 1)), shapes)
        params = [np.broadcast_to(v, (n, *v.shape[1:])) for v in problems.params]
        columns = product(*points, *split(np.eye(n), shapes), *params, np.ones(n))
        rows = [np.broadcast_to(v, (n, *s)) for v, s in zip(columns, shapes, strict=True)]
        h = column_of(rows)
        return 0.5 * (h + h.T)

    system = Single(one, shapes, problems.params, parts)
    with np.errstate(all="ignore"):
        try:
            fit = quick_fit(system, hessian, problems.x[0], call.tolerances.step, call.maxiter)
        except np.linalg.LinAlgError:
            return None
    if fit is None:
        return None
    found = Fits(fit[0][None], None, call.tolerances, problems.x_scale)
    found.set(slice(None), Status.CONVERGED, fit[0], *fit[1:3])
    found.curvature[:] = 0
    weighted = call.options["nan_policy"] == "omit"
    return _answered(found, influence, values, problems, call, weighted, fit[3][None])


def _answered(
    found: Fits,
    influence: Callable[..., Any] | None,
    values: Values,
    problems: Problems,
    call: SolverCall,
    weighted: bool,
    jac: Any = None,
) -> Fit:
    """The `Fit` with its statistics."""
    n = problems.x.shape[1]
    fit = answer(Fit, call, problems, found)
    fit.curvature = shaped(np.array(CURVATURES)[found.curvature], problems.batch)
    index = np.arange(len(found.x))
    with np.errstate(all="ignore"):
        jac = values.system(found.x, index)[1] if jac is None else jac
        weights = _weights(values, jac.shape[:2], weighted)
        counts = weights.sum(axis=1).astype(np.intp)
        if influence is None:
            fit.dof, s = _deviations(counts - n, found.size)
        else:
            psi, slope, jac = _influences(influence, values, found.x)
            slope = slope * weights
            fit.dof, s = _deviations_of_loss(psi, slope, counts, n)
        if (counts != jac.shape[1]).any():
            fit.dof = fit.dof.reshape(problems.batch) if problems.batch else int(fit.dof[0])
        else:
            fit.dof = max(jac.shape[1] - n, 0)
        absolute = call.options["absolute"] and influence is None
        _statistics(fit, jac, s, absolute, problems.batch)
    return delivered(fit, call.raise_on_failure)


def inverse_of_normal(jac: Any) -> tuple[Any, Any]:
    """Square roots R with ``R.T R = inv(J.T J)``, and of which J the columns are independent.

    By singular values of the scaled Jacobian; ``J.T J`` is never formed.
    """
    scale = lengths(np.swapaxes(jac, 1, 2))
    scale = np.where((scale > 0) & np.isfinite(scale), scale, 1.0)
    jac = np.where(np.isfinite(jac), jac, 0.0) / scale[:, None, :]
    _, sigma, vt = np.linalg.svd(jac, full_matrices=False)
    ranked = (sigma > 2e-16 * max(jac.shape[1:]) * sigma[:, :1]).all(axis=1)
    ranked &= sigma.shape[1] == jac.shape[2]
    return vt / sigma[:, :, None] / scale[:, None, :], ranked


def _statistics(fit: Fit, jac: Any, s: Any, absolute: bool, batch: tuple[int, ...]) -> None:
    """Covariance of a Jacobian, times the variances ``s**2`` unless they are known."""
    root, ranked = inverse_of_normal(jac)
    if not absolute:
        root = root * s[:, None, None]
    cov = np.einsum("kij,kil->kjl", root, root)
    cov = np.where(ranked[:, None, None], cov, np.inf)
    stderr = np.sqrt(np.einsum("kii->ki", cov))
    fit.covariance = cov.reshape(*batch, *cov.shape[1:])
    fit.stderr = stderr.reshape(*batch, stderr.shape[1])
    fit.residual_std = shaped(s, batch)


def _weights(values: Values, shape: tuple[int, int], weighted: bool) -> Any:
    """1 for each residual, and 0 for those that are left out."""
    rows = values.params[len(values.params) - values.parts :] if weighted else []
    return column_of(rows) if rows else np.ones(shape)


def _deviations(free: Any, size: Any) -> tuple[Any, Any]:
    """Degrees of freedom, and residual standard deviations by the sizes of residuals."""
    dof = np.maximum(free, 0)
    return dof, np.where(dof > 0, size / np.sqrt(dof), np.nan)


def _influences(influence: Callable[..., Any], values: Values, x: Any) -> tuple[Any, Any, Any]:
    """psi, its derivative and the Jacobian of residuals before the loss, of all problems."""
    count, k = len(x), values.parts
    outputs = influence(*split(x, values.shapes), *values.params)
    full = [np.broadcast_to(np.asarray(v), (count, *np.shape(v)[1:])) for v in outputs]
    rows = [prod(v.shape[1:]) for v in full[:k]]
    psi, slope = column_of(full[:k]), column_of(full[k : 2 * k])
    return psi, slope, matrix_of(full[2 * k :], rows, values.sizes)


def _deviations_of_loss(psi: Any, slope: Any, counts: Any, n: int) -> tuple[Any, Any]:
    """The same for an M-estimator, with Huber's correction K of small samples."""
    mean = slope.sum(axis=1) / counts
    spread = (slope * slope).sum(axis=1) / counts - mean**2
    dof, s = _deviations(counts - n, lengths(psi) * (1 + n / counts * spread / mean**2) / mean)
    return dof, np.where(mean > 0, s, np.inf)
