"""Constraints of a minimisation: Lagrangian, conditions of Karush, Kuhn and Tucker, and the solver."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from math import inf
from typing import Any, Final, NamedTuple

import numpy as np

from symgrad.autodiff import grad, hessian, jacobian
from symgrad.calls import checked
from symgrad.errors import ArgumentError, DTypeError, ShapeError
from symgrad.expr.formulas import Formulas
from symgrad.expr.leaves import symbol
from symgrad.expr.node import Expr
from symgrad.expr.pytrees import flatten
from symgrad.expr.traverse import free_symbols
from symgrad.ops.applied import with_functions
from symgrad.ops.arithmetic import add_all
from symgrad.ops.einsum import broadcast, sum_axes
from symgrad.ops.elementwise import adopted, as_expr
from symgrad.ops.ufuncs import equal as equal_to
from symgrad.ops.ufuncs import greater, greater_equal, less, less_equal
from symgrad.rewrite import simplify
from symgrad.solve.bounds import GivenBounds, bounds_of, formulas_of
from symgrad.solve.code import constrained_code, rounding_code
from symgrad.solve.conditions import Conditions
from symgrad.solve.problem import declared, problem_of
from symgrad.solve.runtime.arguments import Problems
from symgrad.solve.solver import Solver

# Comparisons that a constraint may be written as, and which side is subtracted from which
NOT_NEGATIVE: Final = {greater_equal: 1, greater: 1, less_equal: -1, less: -1}


def equations_of(given: Any) -> list[Expr]:
    """Expressions that are to be 0: as they are, or as equations ``a == b``.

    Raises
    ------
    ArgumentError, DTypeError
        For another comparison, or what is not real.
    """
    listed, _ = flatten(given if given is not None else [], as_expr)
    return [
        _checked(e.args[0] - e.args[1] if e.op is equal_to else e, "equal", "==") for e in listed
    ]


def inequalities_of(given: Any) -> list[Expr]:
    """Expressions that are not to be negative: as they are, or as ``a >= b`` and ``a <= b``.

    Raises
    ------
    ArgumentError, DTypeError
        For another comparison, or what is not real.
    """
    listed, _ = flatten(given if given is not None else [], as_expr)
    differences = [
        NOT_NEGATIVE[e.op] * (e.args[0] - e.args[1]) if e.op in NOT_NEGATIVE else e for e in listed
    ]
    return [_checked(e, "inequal", ">= or <=") for e in differences]


def _checked(e: Expr, which: str, sign: str) -> Expr:
    if e.dtype.kind == "b":
        raise ArgumentError(f"{which} takes expressions, or comparisons by {sign}, not {e}")
    if e.dtype.kind not in "fiu":
        raise DTypeError(f"{which} needs real formulas, got one of dtype {e.dtype}: {e}")
    return e


def multiplier_symbols(constraints: Sequence[Expr], name: str, taken: set[str]) -> list[Expr]:
    """A symbol for each constraint, of its shape: `name`, numbered where there are several."""
    found = []
    for i in range(len(constraints)):
        wanted = name if len(constraints) == 1 else f"{name}_{i + 1}"
        while wanted in taken:
            wanted += "_"
        taken.add(wanted)
        found.append(symbol(wanted, constraints[i].shape))
    return found


def _names(formulas: Sequence[Expr]) -> set[str]:
    return {str(x.name) for x in free_symbols(*formulas)}


def _objective(f: Any, who: str) -> Expr:
    e = as_expr(f)
    if e.shape != ():
        raise ShapeError(f"{who} needs one scalar objective; write sum(r**2) for many residuals")
    return e


def _lagrangian(
    f: Expr, equal: list[Expr], inequal: list[Expr], y: list[Expr], z: list[Expr]
) -> Expr:
    terms = [
        -1 * sum_axes(m * c, range(c.ndim))
        for m, c in zip([*y, *z], [*equal, *inequal], strict=True)
    ]
    return add_all([f, *terms])


@checked
def lagrangian(f: Any, equal: Any = None, inequal: Any = None) -> Expr:
    """The Lagrangian of a minimisation under constraints, ``f - sum(lambda*c) - sum(mu*h)``.

    Parameters
    ----------
    f : Expr of shape ()
    equal, inequal : Expr or list of Expr, optional
        What is to be 0, and to be 0 or more; comparisons ``a == b``, ``a >= b`` and ``a <= b`` are taken
        too.

    Returns
    -------
    Expr
        Its multipliers are symbols of the shapes of the constraints: ``lambda`` for an equation,
        ``lambda_1``, ``lambda_2`` for several, and ``mu`` for inequalities.

    Examples
    --------
    >>> import symgrad as sg
    >>> x, y = sg.symbols("x y")
    >>> print(sg.lagrangian(x**2 + y**2, equal=x + y - 1))
    x**2 + y**2 - lambda*(x + y - 1)
    """
    c, h = equations_of(equal), inequalities_of(inequal)
    objective = _objective(f, "lagrangian")
    taken = _names([objective, *c, *h])
    y, z = multiplier_symbols(c, "lambda", taken), multiplier_symbols(h, "mu", taken)
    whole: Expr = simplify(_lagrangian(objective, c, h, y, z))
    return whole


class Kkt(NamedTuple):
    """The conditions of Karush, Kuhn and Tucker, as formulas.

    Attributes
    ----------
    stationarity : Formulas
        The gradient of the Lagrangian, to be 0; one for each unknown.
    equal : Formulas
        To be 0.
    inequal : Formulas
        To be 0 or more, and their multipliers too.
    complementarity : Formulas
        Each inequality times its multiplier, to be 0.
    multipliers : Formulas
        The symbols, of equations and then of inequalities.

    Examples
    --------
    >>> import symgrad as sg
    >>> x, y = sg.symbols("x y")
    >>> conditions = sg.kkt(x**2 + y**2, [x, y], equal=x + y - 1)
    >>> print(conditions.stationarity, conditions.multipliers)
    [2*x - lambda, 2*y - lambda] [lambda]
    """

    stationarity: Formulas[Any]
    equal: Formulas[Any]
    inequal: Formulas[Any]
    complementarity: Formulas[Any]
    multipliers: Formulas[Any]


@with_functions("unknowns")
def kkt(f: Any, unknowns: Any, equal: Any = None, inequal: Any = None) -> Kkt:
    """The conditions that hold at a minimum under constraints (Karush, 1939; Kuhn and Tucker, 1951).

    Parameters
    ----------
    f, equal, inequal
        As for `lagrangian`.
    unknowns : symbol, or list of symbols

    Examples
    --------
    >>> import symgrad as sg
    >>> x, y = sg.symbols("x y")
    >>> conditions = sg.kkt(x**2 + y**2, [x, y], inequal=x + y - 1)
    >>> print(conditions.stationarity, conditions.complementarity)
    [2*x - mu, 2*y - mu] [mu*(x + y - 1)]
    """
    c, h = equations_of(equal), inequalities_of(inequal)
    objective = _objective(f, "kkt")
    leaves = [adopted(x) for x in (unknowns if isinstance(unknowns, (list, tuple)) else [unknowns])]
    taken = _names([objective, *c, *h])
    y, z = multiplier_symbols(c, "lambda", taken), multiplier_symbols(h, "mu", taken)
    slopes = grad(_lagrangian(objective, c, h, y, z), leaves)
    products = [simplify(m * e) for m, e in zip(z, h, strict=True)]
    return Kkt(*map(Formulas, (slopes, c, h, products, [*y, *z])))


class KktConditions(Conditions):
    """The conditions at a minimum, over unknowns and multipliers; what is not active is left out."""

    follows = False

    def point(self, solution: Any) -> Any:
        """Unknowns and multipliers."""
        form, x = self.form, solution.x
        if form.kind == "scalars":
            parts = [x[..., i] for i in range(len(form.unknowns))]
        else:
            parts = x if form.kind == "arrays" else [x]
        return [*parts, *solution.multipliers.equal, *solution.multipliers.inequal]

    def held(self, solution: Any, problems: Problems, index: Any) -> Any:
        """What is at a bound, and multipliers that are 0."""
        n = sum(int(np.prod(s)) for s in problems.shapes[: len(self.form.unknowns)])
        m = sum(
            int(np.prod(np.shape(v)[len(problems.batch) :])) for v in solution.multipliers.equal
        )
        held = super().held(solution, problems, index)
        held[:, n + m :] = problems.x[index][:, n + m :] == 0
        count = problems.x.shape[0]
        for side in (solution.multipliers.low, solution.multipliers.high):
            parts = side if self.form.kind == "arrays" else [side]
            flat = np.concatenate([np.reshape(v, (count, -1)) for v in parts], axis=1)
            held[:, :n] |= flat[index] > 0
        return held


def constrained_solver(
    who: str,
    given: tuple[Any, Any, Any],
    equal: Any,
    inequal: Any,
    given_bounds: Any,
    remake: tuple[Any, ...],
    described: Any,
) -> Solver[Any]:
    """The solver under constraints; ``described(problem, how)`` is what `explain` says."""
    f, unknowns, params = given
    c, h = equations_of(equal), inequalities_of(inequal)
    problem = problem_of(
        who, [_objective(f, who), *c, *h], unknowns, params, formulas_of(given_bounds)
    )
    objective, leaves = problem.formulas[0], list(problem.unknowns)
    taken = _names(problem.formulas)
    y, z = multiplier_symbols(c, "lambda", taken), multiplier_symbols(h, "mu", taken)
    sides = bounds_of(given_bounds, leaves, isinstance(unknowns, (list, tuple)))
    blocks = jacobian([*c, *h], leaves)
    outputs = [objective, *c, *h, *grad(objective, leaves), *[b for row in blocks for b in row]]

    def curvature() -> tuple[list[Expr], list[Expr]]:
        """The Hessian of ``weight*f + y.c + z.h``, and its arguments after the unknowns."""
        weight = symbol("weight of the objective")
        whole = _lagrangian(weight * objective, [-e for e in c], [-e for e in h], y, z)
        return [b for row in hessian(whole, leaves) for b in row], [*y, *z, weight]

    kinds = problem.form._replace(
        kind="arrays", unknowns=(*problem.form.unknowns, *declared([*y, *z]))
    )
    extended = problem._replace(unknowns=(*leaves, *y, *z), form=kinds)
    conditions = KktConditions(
        extended,
        lambda: [*grad(_lagrangian(objective, c, h, y, z), leaves), *c, *h],
        form=problem.form,
        bounds=_with_multipliers(sides, [*y, *z]),
    )
    how = (
        "interior point with a filter line search, inertia by eigenvalues; then Newton on the conditions"
        f" of Karush, Kuhn and Tucker with {len(c)} equations and {len(h)} inequalities"
    )
    return Solver(
        partial(constrained_code, problem, outputs, curvature, (len(c), len(h)), sides.options()),
        {"rounding": partial(rounding_code, problem, [*c, *h])},
        described(problem, how),
        tuple(problem.symbols),
        remake,
        conditions,
    )


def _with_multipliers(sides: GivenBounds, multipliers: list[Expr]) -> GivenBounds:
    """The bounds of unknowns, and none for multipliers."""
    if sides.limits is None:
        free = [(None, None)] * len(multipliers)
        return sides if sides.pairs is None else GivenBounds((*sides.pairs, *free), None)
    half = len(sides.limits) // 2
    low, high = ([broadcast(as_expr(b), m.shape) for m in multipliers] for b in (-inf, inf))
    return GivenBounds(None, [*sides.limits[:half], *low, *sides.limits[half:], *high])
