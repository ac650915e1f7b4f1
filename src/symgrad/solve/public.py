"""`newton_root`, `newton_minimize` and `least_squares`: formulas in, compiled solvers out."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from math import inf
from typing import Any, Literal, TypeAlias, overload

import numpy as np

from symgrad.autodiff import diff, grad, hvp
from symgrad.compile.lambdify import is_native
from symgrad.errors import ArgumentError, ShapeError
from symgrad.expr.leaves import symbol
from symgrad.expr.node import Expr
from symgrad.ops.applied import with_functions
from symgrad.ops.elementwise import as_expr
from symgrad.solve.bounds import GivenBounds, bounds_of, formulas_of
from symgrad.solve.code import (
    equation_code,
    large_code,
    rounding_code,
    sparse_code,
    system_code,
)
from symgrad.solve.conditions import Conditions
from symgrad.solve.constraints import constrained_solver, equations_of, inequalities_of
from symgrad.solve.householder import householder_step
from symgrad.solve.loops import MOST_UNKNOWNS, equation_loop, minimum_loop, system_loop
from symgrad.solve.native import NativePlan
from symgrad.solve.problem import Problem, check_square, problem_of, size_of
from symgrad.solve.runtime.results import Constrained, Minimum, Solution
from symgrad.solve.runtime.sparse import sparse_library
from symgrad.solve.solver import Solver, described, keywords, made_solver
from symgrad.solve.structure import (
    diagonal_of,
    entries_of_jacobian,
    jacobian_in_blocks,
    kronecker_of,
)

Backend: TypeAlias = Literal["numpy", "native"]

SPARSE_UNKNOWNS = 200  # from which on sparse factors are looked at
DENSE_UNKNOWNS = 500  # from which on a Hessian without structure is not formed
SPARSE_PART = 0.05  # of the entries of a matrix that sparse factors are chosen for


@with_functions("unknowns", "params")
def newton_root(
    F: Any,
    unknowns: Any,
    params: Any = (),
    *,
    order: int = 1,
    method: Literal["auto", "newton", "sparse"] = "auto",
    globalize: bool = True,
    bracket: Any = None,
    bounds: Any = None,
    backend: Backend = "numpy",
) -> Solver[Solution]:
    """Compile a solver of ``F(x) = 0`` with exact derivatives.

    Parameters
    ----------
    F : Expr, or list of Expr
        As many equations as unknowns.
    unknowns : symbol, or list of symbols
        A scalar, an array, or a list of either.
    params : symbol, or list of symbols
        What else `F` mentions; given at the call, after the start.
    order : int
        For one equation in a scalar, which may hold arrays inside: 1 is Newton's method, 2 Halley's, n that
        of Householder. The number of right digits is multiplied by ``order + 1`` in a step.
    method : {"auto", "newton", "sparse"}
        "newton" forms the Jacobian. "sparse", for large systems of known extents, forms the entries that
        can differ from zero, factored by SciPy (the extra ``scipy``), with a line search along the steps.
        "auto" is "sparse" where SciPy is there, for 200 unknowns or more, if at most a twentieth of the
        entries can differ from zero; `explain()` says which it is.
    globalize : bool
        Steps are shortened until ``|F|`` falls, by a line search for one equation, in a trust region for
        systems; where one equation gets stuck, a sign change is looked for. False takes plain steps.
    bracket : (a, b), optional
        For one equation: `F` changes sign between a and b, and no iterate leaves them. They are numbers or
        expressions of parameters, so that each problem of a batch may have its own.
    bounds : (low, high), or for a list of unknowns a list of pairs, optional
        The iterates stay within; None is no bound. A bound is a number, an array, or a formula of
        parameters, so that each problem of a batch may have its own. Assumptions on an unknown are bounds
        as well: 0 for ``nonnegative=True``, and the least positive normal number for ``positive=True``,
        which excludes 0. A start beyond a bound begins at it; at one that excludes 0, at the mirror image
        of the start, and at `x_scale`, or 1, for a start of 0.
    backend : {"numpy", "native"}
        "native": up to 8 scalar unknowns are solved by machine code, one problem or many at once, by way
        of llvmlite (the extra ``native``); what it does not solve beyond doubt goes on as ever.

    Returns
    -------
    Solver
        ``solver(x0, *params, tol=1e-12, maxiter=100)`` gives a `Solution`; see `Solver` for what else it
        takes. A point is called converged where the full step that led there is at most ``tol * |x|`` in
        every unknown and ``|F|`` fell as it does at a root, or where nothing of F is left but rounding, by
        a running error bound of its terms, and the root is located. In no unit of length does a flat
        point, a jump, a pole or infinity pass for a root, nor 0 for one that is only near to it. `maxiter`
        is how many steps each attempt may
        take: one equation, where stuck, looks for a sign change after half of them; a system that ends
        without a root tries other trust regions and starts.

    Raises
    ------
    ArgumentError, ShapeError
        For unknowns that do not occur, symbols that are neither unknowns nor parameters, or a number of
        equations that is not that of the unknowns.

    Examples
    --------
    >>> import symgrad as sg
    >>> x, a = sg.symbols("x a")
    >>> root = sg.newton_root(x**2 - a, x, a)
    >>> root(1.0, 2.0).x
    1.4142135623730951
    >>> root([1.0, 1.0], [4.0, 9.0]).x
    array([2., 3.])
    >>> low = sg.symbol("low")
    >>> within = sg.newton_root(sg.sin(x), x, low, bounds=(low, low + 3))
    >>> within(0.0, [3.0, 6.0]).x
    array([3.14159265, 6.28318531])
    """
    native = is_native(backend)
    ends = _bracket(bracket)
    aside = [] if ends is None else [e for e in ends if isinstance(e, Expr)]
    problem = problem_of("newton_root", F, unknowns, params, [*aside, *formulas_of(bounds)])
    check_square(problem.formulas, problem.unknowns)
    many = isinstance(unknowns, (list, tuple))
    sides = bounds_of(bounds, problem.unknowns, many)
    options = {"globalize": bool(globalize), **sides.options()}
    remake = (
        newton_root,
        (F, unknowns, params),
        keywords(locals(), "order method globalize bracket bounds backend"),
    )
    if isinstance(order, bool) or not isinstance(order, int) or order < 1:
        raise ArgumentError(f"the order must be a positive int, not {order!r}")
    scalar = problem.form.kind == "scalar" and problem.formulas[0].shape == ()
    if method not in ("auto", "newton", "sparse"):
        raise ArgumentError(f'the method must be "auto", "newton" or "sparse", not {method!r}')
    if scalar and method != "sparse":
        return _equation(problem, order, options, ends, remake, native)
    if order != 1 or bracket is not None:
        raise ArgumentError("order and bracket are for one equation in one scalar unknown")
    if method == "sparse" or (method == "auto" and _is_large(problem)):
        sparse = _sparse(problem, options, remake, always=method == "sparse")
        if sparse is not None:
            return sparse
    outputs = [*problem.formulas, *jacobian_in_blocks(problem.formulas, problem.unknowns)]
    loop = system_loop if globalize and not sides.given else None
    run = ("solve_roots", len(problem.formulas), options, "tol=1e-12, maxiter=500", loop)
    how = "full Newton steps, then steps in a trust region; dense LU, singular values"
    return made_solver(
        partial(system_code, problem, outputs, *run),
        {"rounding": partial(rounding_code, problem, problem.formulas)},
        described("root", problem, f"{_first(problem, loop)}{how}"),
        tuple(problem.symbols),
        remake,
        Conditions(problem, lambda: problem.formulas),
        _planned(loop, problem, outputs, (1e-12, 500), native),
    )


def _planned(
    write: Any, problem: Problem, outputs: Any, defaults: tuple[float, int], native: bool
) -> NativePlan | None:
    """The machine code of a solver with a loop."""
    return NativePlan(write, problem, outputs, defaults, native) if write else None


def _is_large(problem: Problem) -> bool:
    """Whether sparse factors may be worth their while: many unknowns, of known extents, and SciPy."""
    size = size_of(problem.unknowns)
    if size is None or size < SPARSE_UNKNOWNS:
        return False
    try:
        sparse_library()
    except ArgumentError:
        return False
    return True


def _sparse_entries(
    formulas: Sequence[Expr], problem: Problem, always: bool, symmetric: bool = False
) -> tuple[list[Expr], str] | None:
    """The entries of a derivative and a word on them; None where there are too many, unless `always`."""
    sparse_library()
    try:
        entries, (some, of) = entries_of_jacobian(formulas, problem.unknowns, symmetric)
    except (ArgumentError, ShapeError):
        if always:
            raise
        return None
    if not always and some > SPARSE_PART * of:
        return None
    return entries, f"sparse LU by SciPy, {some} of {of} entries formed"


def _sparse(
    problem: Problem, options: dict[str, Any], remake: Any, always: bool
) -> Solver[Any] | None:
    found = _sparse_entries(problem.formulas, problem, always)
    if found is None:
        return None
    entries, how = found
    return Solver(
        partial(
            sparse_code,
            problem,
            [*problem.formulas, *entries],
            "solve_sparse",
            options,
            "tol=1e-12, maxiter=200",
        ),
        {"rounding": partial(rounding_code, problem, problem.formulas)},
        described("root", problem, f"Newton steps with a line search; {how}"),
        tuple(problem.symbols),
        remake,
        Conditions(problem, lambda: problem.formulas, sparse=True),
    )


def _sparse_minimum(
    problem: Problem, sides: GivenBounds, remake: Any, always: bool
) -> Solver[Any] | None:
    f, leaves = problem.formulas[0], list(problem.unknowns)
    gradient = grad(f, leaves)
    found = _sparse_entries(gradient, problem, always, symmetric=True)
    if found is None:
        return None
    entries, how = found
    outputs = [f, *gradient, *entries]
    return Solver(
        partial(
            sparse_code,
            problem,
            outputs,
            "solve_sparse_minimum",
            sides.options(),
            "tol=1e-10, maxiter=500",
        ),
        {"rounding": partial(rounding_code, problem, [f, *gradient])},
        described("minimum", problem, f"Newton steps in a trust region; {how}"),
        tuple(problem.symbols),
        remake,
        Conditions(problem, lambda: gradient, True, bounds=sides, kind="minimum"),
    )


@overload
def newton_minimize(
    f: Any,
    unknowns: Any,
    params: Any = (),
    *,
    method: Literal["auto", "newton", "sparse", "cg"] = "auto",
    globalize: bool = True,
    bounds: Any = None,
    backend: Backend = "numpy",
) -> Solver[Minimum]: ...
@overload
def newton_minimize(
    f: Any,
    unknowns: Any,
    params: Any = (),
    *,
    equal: Any = None,
    inequal: Any = None,
    bounds: Any = None,
    backend: Backend = "numpy",
) -> Solver[Constrained]: ...
@with_functions("unknowns", "params")
def newton_minimize(
    f: Any,
    unknowns: Any,
    params: Any = (),
    *,
    equal: Any = None,
    inequal: Any = None,
    method: str = "auto",
    globalize: bool = True,
    bounds: Any = None,
    backend: str = "numpy",
) -> Solver[Any]:
    """Compile a solver that minimises a scalar `f`, with exact gradient and Hessian.

    Newton steps in a trust region, exact by the eigenvalues of the Hessian; where curvature is negative the
    step follows it down, so that a saddle or a maximum is left, and never returned as a minimum. Where the
    Hessian does not tell, as at ``x**4 - y**4``, values beside the point do. Unknowns are scaled by the
    Hessian, so that units do not matter. What falls without end has the status "unbounded"; an infimum
    that is not attained, as that of ``exp(-x)``, is not converged.

    Parameters
    ----------
    f : Expr of shape ()
    unknowns, params, globalize, bounds, backend
        As for `newton_root`.
    equal, inequal : Expr or list of Expr, optional
        Constraints: what is to be 0, and what is to be 0 or more; ``a == b``, ``a >= b`` and ``a <= b``
        do as well. Equations are kept by Newton's method on the conditions of Karush, Kuhn and Tucker,
        inequalities and bounds by a primal-dual interior point (`sg.kkt`, `sg.lagrangian`).
    method : {"auto", "newton", "sparse", "cg"}
        "newton" forms the Hessian; "sparse" the entries that can differ from zero, and "auto" is either,
        as for `newton_root`, or "cg" for 500 unknowns or more whose Hessian has no structure. "cg", for
        many unknowns, forms no matrix: steps are conjugate gradients on
        Hessian-vector products, truncated at the trust region (Steihaug, 1983; Toint, 1981).

    Returns
    -------
    Solver
        ``solver(x0, *params, tol=1e-10, maxiter=500)`` gives a `Minimum`: a `Solution` with the fields
        `value` and `curvature`. Its `residual` is the norm of the gradient. With "cg", and "sparse" where
        pivots do not tell, the curvature is that of Lanczos' method from a random start, and "unknown"
        where 60 products do not settle it. Under constraints it is a `Constrained`, with `multipliers`
        and `violation`; its status may be "infeasible", where no point near meets the constraints.

    Raises
    ------
    ArgumentError
        As `newton_root`; for another method, or "cg" without a trust region; for constraints with a
        method, or without `globalize`.

    Examples
    --------
    >>> import symgrad as sg
    >>> x, y = sg.symbols("x y")
    >>> valley = sg.newton_minimize((1 - x) ** 2 + 100 * (y - x**2) ** 2, [x, y])
    >>> found = valley([-1.2, 1.0])
    >>> found.x, found.curvature
    (array([1., 1.]), 'positive definite')
    >>> nearest = sg.newton_minimize(x**2 + y**2, [x, y], equal=x + 2 * y - 5)([0.0, 0.0])
    >>> nearest.x, nearest.multipliers.equal
    (array([1., 2.]), [2.0])
    """
    native = is_native(backend)
    if equations_of(equal) or inequalities_of(inequal):
        if method != "auto" or not globalize:
            raise ArgumentError(
                "constraints have a method of their own: leave method and globalize"
            )
        return constrained_solver(
            "newton_minimize",
            (f, unknowns, params),
            equal,
            inequal,
            bounds,
            (newton_minimize, (f, unknowns, params), keywords(locals(), "equal inequal bounds")),
            partial(described, "minimum"),
        )
    problem = problem_of("newton_minimize", f, unknowns, params, formulas_of(bounds))
    if len(problem.formulas) != 1 or problem.formulas[0].shape != ():
        raise ShapeError("newton_minimize needs one scalar; write sum(r**2) for many residuals")
    many = isinstance(unknowns, (list, tuple))
    leaves = list(problem.unknowns)
    remake = (
        newton_minimize,
        (f, unknowns, params),
        keywords(locals(), "method globalize bounds backend"),
    )
    sides = bounds_of(bounds, leaves, many)
    if method == "cg" and globalize:
        return _matrix_free(problem, sides, remake)
    if method not in ("auto", "newton", "sparse", "cg"):
        raise ArgumentError(
            f'the method must be "auto", "sparse", "newton" or "cg", not {method!r}'
        )
    if method in ("sparse", "cg") and not globalize:
        raise ArgumentError(f'method="{method}" works in a trust region: leave globalize=True')
    gradient = grad(problem.formulas[0], leaves)
    diagonal = None if method == "sparse" else diagonal_of(gradient, leaves)
    large = method == "auto" and globalize and _is_large(problem)
    if method == "sparse" or (large and diagonal is None):
        sparse = _sparse_minimum(problem, sides, remake, always=method == "sparse")
        if sparse is not None:
            return sparse
    wide = (size_of(leaves) or 0) >= DENSE_UNKNOWNS and diagonal is None
    blocks = jacobian_in_blocks(gradient, leaves, symmetric=True) if wide else []
    if method == "auto" and globalize and blocks and kronecker_of(blocks) is None:
        return _matrix_free(problem, sides, remake)
    return _dense_minimum(problem, gradient, diagonal, bool(globalize), sides, remake, native)


def _dense_minimum(
    problem: Problem,
    gradient: list[Expr],
    diagonal: list[Expr] | None,
    globalize: bool,
    sides: GivenBounds,
    remake: Any,
    native: bool,
) -> Solver[Any]:
    """The solver that forms the Hessian, or its diagonal, or a factor of it."""
    f, leaves = problem.formulas[0], list(problem.unknowns)
    options = {
        "globalize": globalize,
        **sides.options(),
        "hessian": "dense" if diagonal is None else "diagonal",
    }
    if diagonal is not None:
        second, how = diagonal, "diagonal Hessian, divided by entry"
    else:
        second = jacobian_in_blocks(gradient, leaves, symmetric=True)
        how = "dense Hessian; eigenvalues, or Cholesky from 12 unknowns on where definite"
        factor = None if sides.given else kronecker_of(second)
        if factor is not None:
            options["hessian"], second = factor.axis, [factor.matrix]
            how = "Hessian a Kronecker product with the identity; eigenvalues of its small factor"
    pairs = sides.pairs or ()
    plain = all(np.ndim(side) == 0 for pair in pairs for side in pair if side is not None)
    plain &= sides.limits is None
    loop = partial(minimum_loop, sides.pairs) if globalize and plain else None
    outputs = [f, *gradient, *second]
    run = ("solve_minimum", 1, options, "tol=1e-10, maxiter=500", loop)
    return made_solver(
        partial(system_code, problem, outputs, *run),
        {"rounding": partial(rounding_code, problem, [f, *gradient])},
        described(
            "minimum", problem, f"{_first(problem, loop)}Newton steps in a trust region; {how}"
        ),
        tuple(problem.symbols),
        remake,
        Conditions(problem, lambda: gradient, bounds=sides, kind="minimum"),
        _planned(loop, problem, outputs, (1e-10, 500), native),
    )


def _first(problem: Problem, loop: Any) -> str:
    """What is tried first for one problem of a few scalars."""
    few = problem.form.kind in ("scalar", "scalars") and len(problem.unknowns) <= MOST_UNKNOWNS
    return "one problem in a loop on floats; else " if loop and few else ""


def _matrix_free(problem: Problem, sides: GivenBounds, remake: Any) -> Solver[Any]:
    f, leaves = problem.formulas[0], list(problem.unknowns)
    directions = [symbol(f"direction of {x.name}", x.shape) for x in leaves]
    gradient = grad(f, leaves)
    return Solver(
        partial(
            large_code,
            problem,
            [f, *gradient],
            directions,
            hvp(f, leaves, directions),
            sides.options(),
        ),
        {"rounding": partial(rounding_code, problem, [f, *gradient])},
        described(
            "minimum",
            problem,
            "truncated conjugate gradients in a trust region; Hessian-vector products, no matrix formed",
        ),
        tuple(problem.symbols),
        remake,
        Conditions(problem, lambda: gradient, bounds=sides, kind="minimum"),
    )


def _equation(
    problem: Problem,
    order: int,
    options: dict[str, Any],
    bracket: Any,
    remake: Any,
    native: bool,
) -> Solver[Any]:
    (f,), x = problem.formulas, problem.unknowns[0]
    derivatives = [f]
    for _ in range(order):
        derivatives.append(diff(derivatives[-1], x))
    step, slope = householder_step(derivatives)
    written = any(isinstance(e, Expr) for e in bracket or ())
    options = options | {"bracket": None if written else bracket, "order": order}
    ends = [as_expr(e) for e in bracket] if written else None
    method = {1: "Newton's method", 2: "Halley's method"}.get(
        order, f"Householder's method of order {order}"
    )
    outputs = [f, step, derivatives[1]]
    free = options["globalize"] and ends is None and options["bracket"] is None
    free &= "limits" not in options
    write = partial(equation_loop, options["bounds"], order)
    return made_solver(
        partial(equation_code, problem, outputs, slope, options, ends),
        {"rounding": partial(rounding_code, problem, problem.formulas)},
        described(
            "root",
            problem,
            f"{method}, full steps first; then shorter ones, then inside a sign change",
        ),
        tuple(problem.symbols),
        remake,
        Conditions(problem, lambda: problem.formulas),
        NativePlan(write, problem, outputs, (1e-12, 100), native) if free else None,
    )


def _bracket(bracket: Any) -> tuple[Any, Any] | None:
    if bracket is None:
        return None
    pair = isinstance(bracket, (list, tuple)) and len(bracket) == 2
    if pair and any(isinstance(e, Expr) for e in bracket):
        if any(as_expr(e).shape for e in bracket):
            raise ArgumentError(
                "the ends of a bracket are scalars: a parameter, of which a batch has many"
            )
        return bracket[0], bracket[1]
    try:
        a, b = (float(end) for end in bracket)
    except (TypeError, ValueError):
        raise ArgumentError(f"a bracket is a pair of numbers (a, b), not {bracket!r}") from None
    if not -inf < a < b < inf:
        raise ArgumentError(f"a bracket (a, b) needs finite a < b, got {bracket!r}")
    return a, b
