"""`least_squares`: residuals in, a compiled fit out, with what belongs to one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final

import numpy as np

from symgrad.autodiff import grad, jacobian
from symgrad.errors import ArgumentError, ShapeError
from symgrad.expr.dims import show_shape
from symgrad.expr.leaves import constant, symbol
from symgrad.expr.masked import refuse_masked
from symgrad.expr.node import Expr
from symgrad.expr.pytrees import flatten
from symgrad.expr.rewriting import replace
from symgrad.expr.traverse import check_symbols
from symgrad.ops.applied import with_functions
from symgrad.ops.arithmetic import add_all
from symgrad.ops.decompositions import cholesky
from symgrad.ops.einsum import sum_axes
from symgrad.ops.elementwise import adopted, as_expr
from symgrad.ops.linalg import solve
from symgrad.ops.select import where
from symgrad.ops.ufuncs import greater
from symgrad.solve.bounds import bounds_of, formulas_of
from symgrad.solve.code import (
    curvature_code,
    fit_code,
    influence_code,
    probe_code,
    rounding_code,
    sparse_fit_code,
)
from symgrad.solve.fit_report import FitConditions
from symgrad.solve.losses import Loss
from symgrad.solve.problem import Problem, declared, problem_of, size_of
from symgrad.solve.runtime.results import Fit
from symgrad.solve.runtime.sparse import sparse_library
from symgrad.solve.solver import Solver, described, keywords
from symgrad.solve.structure import entries_of_jacobian

METHODS: Final = ("auto", "dense", "sparse")
SPARSE_UNKNOWNS: Final = 200  # from which on sparse factors are looked at
SPARSE_PART: Final = 0.1  # of the entries of a Jacobian that they are chosen for
POLICIES: Final = ("raise", "omit", "propagate")


@with_functions("unknowns", "params")
def least_squares(
    r: Any,
    unknowns: Any,
    params: Any = (),
    *,
    bounds: Any = None,
    loss: Any = "linear",
    f_scale: float = 1.0,
    sigma: Any = None,
    absolute_sigma: bool = False,
    fixed: Mapping[Any, Any] | None = None,
    nan_policy: str = "raise",
    method: str = "auto",
) -> Solver[Fit]:
    """Compile a solver that minimises ``sum(r**2)``, by Levenberg and Marquardt with exact Jacobian.

    Where residuals are left, such steps may converge slowly; Newton's on the sum of squares then end the
    iteration. The whole Hessian decides at the end whether it is a minimum: a saddle, as two equal
    exponentials are, is left.

    Parameters
    ----------
    r : Expr, or list of Expr
        The residuals, of any shapes.
    unknowns, params, bounds
        As for `newton_root`. Data may be parameters: extents may be names.
    loss : {"linear", "soft_l1", "huber", "cauchy", "arctan"} or Expr
        What is summed, ``f_scale**2*rho((r/f_scale)**2)``: SciPy's names, or rho as a formula of one
        symbol. Fits with a loss are those of M-estimators, and so are their covariances.
    f_scale : float
        The size from which on a residual is an outlier for the loss.
    sigma : number, array, Expr, or list of them, optional
        Standard deviations that residuals are divided by, or for a vector of residuals its covariance
        matrix. As an expression it may hold parameters. A list has one for each formula in `r`.
    absolute_sigma : bool
        Whether `sigma` is known in absolute terms, so that the covariance is ``inv(J.T @ J)``; otherwise
        that is multiplied by the variance of the residuals, as in SciPy's ``curve_fit``.
    fixed : dict from unknowns to numbers or arrays, optional
        Unknowns that keep these values: they are no unknowns of the fit, and stand in its summary.
    nan_policy : {"raise", "omit", "propagate"}
        What to do where data are nan or infinite: an error (of a batch, the member is "non finite"), to
        leave out the residuals that are so because of them, or the status "non finite" always.
    method : {"auto", "dense", "sparse"}
        "sparse", for unknowns of known extents, forms the entries of the Jacobian that can
        differ from zero, and factors normal equations in an order of little fill, which is that of the
        Schur complement where unknowns fall into two kinds. "auto" is "sparse" where SciPy is there, for
        200 unknowns or more, if at most a tenth of the entries can differ from zero. Covariances are formed
        for 500 unknowns or fewer, and None for more.

    Returns
    -------
    Solver
        ``solver(x0, *params, tol=1e-10, maxiter=2000)`` gives a `Fit`: a `Solution` with the fields
        `covariance`, `stderr`, `residual_std`, `dof` and `curvature`, and the methods `summary`,
        `confidence`, `residuals` and `plot`. Its `residual` is ``sqrt(sum(r**2))``.

    Raises
    ------
    ArgumentError, ShapeError
        As `newton_root`; for an unknown loss or policy, and shapes of `sigma` or `fixed` that do not fit.

    Examples
    --------
    >>> import numpy as np, symgrad as sg
    >>> a, k = sg.symbols("a k")
    >>> t, y = sg.vector("t", "n"), sg.vector("y", "n")
    >>> fit = sg.least_squares(a * sg.exp(-k * t) - y, [a, k], [t, y])
    >>> time = np.linspace(0.0, 3.0, 7)
    >>> found = fit([1.0, 1.0], time, 2.0 * np.exp(-0.5 * time))
    >>> np.round(found.x, 9)
    array([2. , 0.5])
    """
    remake = (
        least_squares,
        (r, unknowns, params),
        keywords(locals(), "bounds loss f_scale sigma absolute_sigma fixed nan_policy method"),
    )
    if nan_policy not in POLICIES:
        raise ArgumentError(f"nan_policy must be one of {', '.join(POLICIES)}, not {nan_policy!r}")
    known = Loss(loss, f_scale)
    listed, _ = flatten(r, as_expr)
    held = _fixed(fixed)
    free = _without(unknowns, held)
    formulas = replace(listed, held, {})
    extents = _extents(formulas, sigma)
    free, params = (_with_extents(given, extents) for given in (free, params))
    weighted = _weighted(replace(formulas, {}, extents), sigma)
    problem = problem_of("least_squares", weighted, free, params, formulas_of(bounds))
    sides = bounds_of(bounds, problem.unknowns, isinstance(free, (list, tuple)))
    counted = _counted(problem) if nan_policy == "omit" else problem
    lost = counted._replace(formulas=tuple(known.residual(e) for e in counted.formulas))
    options = {**sides.options(), "absolute": bool(absolute_sigma), "nan_policy": nan_policy}
    late: dict[str, Callable[[], str]] = {
        "rounding": partial(rounding_code, lost, lost.formulas),
        "product": partial(curvature_code, lost),
    }
    if not known.linear:
        late["influence"] = partial(influence_code, counted, known)
    if nan_policy == "omit":
        late["probe"] = partial(probe_code, problem)
    code, how = _code(problem, lost, options, [*late], method, known.linear)
    return Solver(
        code,
        late,
        described("least squares", problem, how if known.linear else f"{how}; loss {loss}"),
        tuple(problem.symbols),
        remake,
        FitConditions(
            lost,
            partial(_slope_of_squares, lost),
            form=problem.form,
            bounds=sides,
            given=problem,
            residuals=counted.formulas,
            fixed=held,
            options={**options, "loss": loss, "f_scale": f_scale},
        ),
    )


def _code(
    problem: Problem,
    lost: Problem,
    options: dict[str, Any],
    late: list[str],
    method: str,
    linear: bool,
) -> tuple[Callable[[], str], str]:
    """What makes the code of a fit, by a dense or a sparse Jacobian, and a word on it."""
    if method not in METHODS:
        raise ArgumentError(f"the method must be one of {', '.join(METHODS)}, not {method!r}")
    plain = linear and options["nan_policy"] == "raise"
    if method == "sparse" and not plain:
        raise ArgumentError('method="sparse" takes nan_policy="raise" and the linear loss only')
    sparse = _sparse_entries(lost, method == "sparse") if plain and method != "dense" else None
    if sparse is not None:
        outputs = [*lost.formulas, *sparse[0]]
        return partial(sparse_fit_code, lost, outputs, options), sparse[1]
    blocks = jacobian(list(lost.formulas), list(lost.unknowns))
    outputs = [*lost.formulas, *[b for row in blocks for b in row]]
    how = "Levenberg-Marquardt; normal equations, or singular values where these are not regular"
    return partial(fit_code, problem, lost, outputs, options, late), how


def _counted(problem: Problem) -> Problem:
    """The problem with a weight for each residual as a further parameter: 0 is for what is left out."""
    taken = {str(x.name) for x in problem.symbols}
    weights, residuals = [], []
    for i, r in enumerate(problem.formulas):
        name = f"weight {i}"
        while name in taken:
            name += "_"
        weights.append(symbol(name, r.shape))
        residuals.append(where(greater(weights[-1], 0), r, 0))
    form = problem.form._replace(params=(*problem.form.params, *declared(weights)))
    params = (*problem.params, *weights)
    return problem._replace(formulas=tuple(residuals), params=params, form=form)


def _sparse_entries(problem: Problem, always: bool) -> tuple[list[Expr], str] | None:
    """The entries of the Jacobian and a word on them; None where they are too many, unless `always`."""
    n = size_of(problem.unknowns)
    if not always and (n is None or n < SPARSE_UNKNOWNS or not is_there()):
        return None
    sparse_library()
    try:
        entries, (some, of) = entries_of_jacobian(problem.formulas, problem.unknowns)
    except (ArgumentError, ShapeError):
        if always:
            raise
        return None
    if not always and some > SPARSE_PART * of:
        return None
    return entries, f"Levenberg-Marquardt; sparse normal equations, {some} of {of} entries formed"


def is_there() -> bool:
    """Whether SciPy is."""
    try:
        sparse_library()
    except ArgumentError:
        return False
    return True


def _slope_of_squares(problem: Problem) -> list[Expr]:
    squares = [sum_axes(r**2, range(r.ndim)) for r in problem.formulas]
    slope: list[Expr] = grad(add_all(squares) / 2, list(problem.unknowns))
    return slope


def _fixed(fixed: Mapping[Any, Any] | None) -> dict[Expr, Expr]:
    """The unknowns that keep their values, and these."""
    if fixed is None:
        return {}
    if not isinstance(fixed, Mapping):
        raise ArgumentError(f"fixed is a dict from unknowns to their values, not {fixed!r}")
    leaves = check_symbols([adopted(x) for x in fixed], "a fixed unknown of least_squares")
    values = []
    for x, value in zip(leaves, fixed.values(), strict=True):
        refuse_masked(value, f"the value of {x.name}")
        e = as_expr(value)
        if e.shape != x.shape:
            raise ShapeError(
                f"the fixed value of {x.name} has shape {show_shape(e.shape)}, needs"
                f" {show_shape(x.shape)}"
            )
        values.append(e)
    return dict(zip(leaves, values, strict=True))


def _without(unknowns: Any, held: Mapping[Expr, Expr]) -> Any:
    if not held:
        return unknowns
    many = isinstance(unknowns, (list, tuple))
    listed = [adopted(x) for x in (unknowns if many else [unknowns])]
    for x in held:
        if not any(x is known for known in listed):
            raise ArgumentError(f"{x.name} is fixed, and no unknown of the fit")
    free = [x for x in listed if x not in held]
    if not free:
        raise ArgumentError("all unknowns of the fit are fixed: there is nothing to fit")
    return free


def _sigmas(formulas: Sequence[Expr], sigma: Any) -> list[Any]:
    given = sigma if isinstance(sigma, list) and len(formulas) > 1 else [sigma]
    if len(given) != len(formulas):
        raise ArgumentError(
            f"sigma is one for {len(formulas)} formulas of residuals: give a list with one for each"
        )
    return given


def _extents(formulas: Sequence[Expr], sigma: Any) -> dict[str, Any]:
    """What names of extents stand for, by the numbers that deviations are given as."""
    extents: dict[str, Any] = {}
    if sigma is None:
        return extents
    for r, s in zip(formulas, _sigmas(formulas, sigma), strict=True):
        shape = () if isinstance(s, Expr) else np.shape(s)
        for dim, extent in zip(reversed(r.shape), reversed(shape), strict=False):
            if isinstance(dim, str) and extent != 1:
                extents[dim] = extent
    return extents


def _with_extents(symbols: Any, extents: Mapping[str, Any]) -> Any:
    if not extents:
        return symbols
    many = isinstance(symbols, (list, tuple))
    renamed = replace([adopted(x) for x in (symbols if many else [symbols])], {}, extents)
    return renamed if many else renamed[0]


def _weighted(formulas: Sequence[Expr], sigma: Any) -> list[Expr]:
    """Residuals over their standard deviations."""
    if sigma is None:
        return list(formulas)
    given = _sigmas(formulas, sigma)
    return [_divided(r, s) for r, s in zip(formulas, given, strict=True)]


def _divided(r: Expr, sigma: Any) -> Expr:
    refuse_masked(sigma, "sigma")
    s = as_expr(np.asarray(sigma, float) if not isinstance(sigma, Expr) else sigma)
    if s.ndim == 2 and r.ndim == 1:  # a covariance matrix
        if isinstance(sigma, Expr):
            return solve(cholesky(s), r)
        try:
            lower = np.linalg.cholesky(np.asarray(sigma, float))
        except np.linalg.LinAlgError:
            raise ArgumentError("sigma as a covariance matrix must be positive definite") from None
        return constant(np.linalg.inv(lower)) @ r
    if not isinstance(sigma, Expr) and not (np.asarray(sigma, float) > 0).all():
        raise ArgumentError("sigma must be positive in all entries")
    whole = r / s
    if whole.shape != r.shape:
        raise ShapeError(
            f"sigma has shape {show_shape(s.shape)}, and the residuals {show_shape(r.shape)}"
        )
    return whole
