"""`Solution` and `Status`: where a solver stopped, and why."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy as np

from symgrad.calls import checked
from symgrad.errors import ArgumentError, ConvergenceError


class Status(IntEnum):
    """Why a solver stopped: a number, and in words by ``str``; in a batch an array of the numbers.

    ===  =================  ===============================================================
    0    "converged"        found, to the tolerance
    1    "iteration limit"  `maxiter` steps did not do
    2    "singular"         no step, since the derivative is singular here
    3    "non finite"       the formula or its derivative is inf or nan here
    4    "stalled"          no step makes progress, and this is no solution
    5    "not a minimum"    a stationary point, but a saddle or a maximum
    6    "unbounded"        the objective falls without end
    7    "infeasible"       no point near here meets the constraints
    8    "not reached"      a path ended, or turned back, before this value of the parameter
    9    "time limit"         `max_time` is over
    ===  =================  ===============================================================

    Examples
    --------
    >>> import symgrad as sg
    >>> x = sg.symbol("x")
    >>> found = sg.newton_root(x**2 - 2, x)(1.0)
    >>> print(found.status == sg.Status.CONVERGED, found.status)
    True converged
    """

    CONVERGED = 0
    ITERATION_LIMIT = 1
    SINGULAR = 2
    NON_FINITE = 3
    STALLED = 4
    NOT_A_MINIMUM = 5
    UNBOUNDED = 6
    INFEASIBLE = 7
    NOT_REACHED = 8
    TIME_LIMIT = 9

    def __str__(self) -> str:
        return self.name.lower().replace("_", " ")


CONVERGED = Status.CONVERGED  # found faster than by way of the class
# Which second-order condition holds; the Hessian at a minimum meets one of the first two
CURVATURES = (
    "positive definite",
    "positive semidefinite",
    "indefinite",
    "negative semidefinite",
    "negative definite",
    "unknown",
)


if TYPE_CHECKING:

    class Numbers(np.ndarray[Any, np.dtype[np.float64]]):
        """The numbers of a batch; where there is one, `round` takes it."""

        def __round__(self, ndigits: int = 0, /) -> float: ...

else:
    Numbers = np.ndarray


class Solution:
    """What a solver found, or where it stopped; for a batch, arrays with an entry per problem.

    Attributes
    ----------
    x : float, array or list of arrays
        The unknowns, in the form in which they were declared: a float for a scalar, an array for an
        array, one array (on its last axis) for a list of scalars, a list for a list with arrays.
        Without convergence it is the last point, and no solution.
    converged : bool or array of bool
        Whether `status` is 0; ``solution.x[solution.converged]`` are those found of a batch.
    iterations : int or array of int
        Steps taken.
    residual : float or array
        ``|F(x)|``; the Euclidean norm for systems, of the gradient for a minimum.
    status : Status or array of int
        Why it stopped. Of a batch, numbers: ``str(Status(4))`` is "stalled".

    Examples
    --------
    >>> import symgrad as sg
    >>> x = sg.symbol("x")
    >>> found = sg.newton_root(x**2 - 2, x)(1.0)
    >>> print(round(found.x, 12), found.converged, found.status)
    1.414213562373 True converged
    """

    __slots__ = ("converged", "iterations", "origin", "residual", "status", "x")
    # floats, bools and ints for one problem, which `Any` stands for
    x: Numbers | Any
    converged: np.ndarray[Any, np.dtype[np.bool_]] | Any
    iterations: np.ndarray[Any, np.dtype[np.int_]] | Any
    residual: Numbers | Any
    status: Any

    def __init__(self, x: Any, converged: Any, iterations: Any, residual: Any, status: Any) -> None:
        self.x = x
        self.converged = converged
        self.iterations = iterations
        self.residual = residual
        self.status = status
        self.origin: Any = None  # the solver and what it was called with

    @checked
    def sensitivity(self, p: Any) -> Any:
        """``dx/dp``, how the solution changes with a parameter, by the implicit function theorem.

        Where ``G(x, p) = 0`` holds at solutions, as F does at roots, the gradient at minima and fits, and
        the conditions of Karush, Kuhn and Tucker under constraints, it is ``-(dG/dx)^-1 dG/dp``. Unknowns
        that are held at a bound stay there.

        Parameters
        ----------
        p : symbol or str, or list of them
            Parameters of the solver, or their names; a list gives a list.

        Returns
        -------
        float, array or list of arrays
            Of the shape of `x`, followed by that of `p`; of a batch with its axes in front, and nan for
            problems that did not converge, or of which dG/dx is singular.

        Raises
        ------
        ArgumentError
            For what is no parameter, a single problem that did not converge or has a singular dG/dx,
            parameters that were changed in place since, or a solution that was pickled or that a saved
            module gave, which know no formulas.
        """
        solver, params = self.known()
        return solver.sensitivity(self, params, p)

    def known(self) -> tuple[Any, Any]:
        """The solver that found this, and the parameters that it had.

        Raises
        ------
        ArgumentError
            For a solution that was pickled, or comes from a saved module.
        """
        if self.origin is None:
            raise ArgumentError(
                "only the solver that found a solution knows its formulas: this one was pickled, or"
                " comes from a saved module"
            )
        solver, given = self.origin
        return solver, given[1:]

    def __getstate__(self) -> tuple[None, dict[str, Any]]:
        return None, {n: getattr(self, n, None) for n in self._fields()} | {"origin": None}

    @classmethod
    def _fields(cls) -> list[str]:
        names = [n for c in reversed(cls.__mro__) for n in getattr(c, "__slots__", ())]
        return sorted([n for n in names if n != "origin"], key=lambda n: n != "x")

    @classmethod
    def extras(cls) -> list[str]:
        """The fields beyond those of every solution."""
        return [n for n in cls._fields() if n not in Solution.__slots__]

    def __repr__(self) -> str:
        listed = [f"{n}={getattr(self, n)}" for n in self._fields()]
        return f"{type(self).__name__}({', '.join(listed)})"


class Minimum(Solution):
    """The `Solution` of a minimisation.

    Attributes
    ----------
    value : float or array
        The objective at `x`.
    curvature : str or array of str
        Which second-order condition holds at `x`, by the eigenvalues of the Hessian: ``"positive
        definite"`` (a strict minimum), ``"positive semidefinite"``, ``"indefinite"`` (a saddle),
        ``"negative definite"``, ``"negative semidefinite"``, or ``"unknown"`` where it was not formed.

    Examples
    --------
    >>> import symgrad as sg
    >>> x = sg.symbol("x")
    >>> found = sg.newton_minimize(x**4 - 3 * x, x)(1.0)
    >>> print(round(found.x, 8), found.converged)
    0.9085603 True
    """

    __slots__ = ("curvature", "value")
    curvature: Any
    value: Any

    @property
    def hessian(self) -> Any:
        """The Hessian over the flattened unknowns; under constraints that of the Lagrangian."""
        solver, params = self.known()
        return solver.hessian(self, params)

    @property
    def covariance(self) -> Any:
        """Its inverse: the covariance of unknowns whose negative log-likelihood is the objective.

        Unknowns at a bound have none, and active constraints leave that on their tangents; inf where the
        Hessian is not positive definite.
        """
        solver, params = self.known()
        return solver.covariance(self, params)

    @property
    def stderr(self) -> Any:
        """The square roots of the diagonal of `covariance`."""
        return np.sqrt(np.diagonal(self.covariance, axis1=-2, axis2=-1))


class Multipliers(NamedTuple):
    """How the objective would change with the constraints, ``L = f - equal.c - inequal.h``.

    ``equal[i]`` and ``inequal[i]`` have the shape of the i-th constraint; those of inequalities are not
    negative, and 0 where one is not active. `low` and `high` are those of the bounds, in the form of the
    unknowns: not negative either, and 0 where the unknown is not at its bound.
    """

    equal: list[Any]
    inequal: list[Any]
    low: Any
    high: Any


class Constrained(Minimum):
    """The `Minimum` under constraints; `residual` is the norm of what is left of the conditions of Karush,
    Kuhn and Tucker, and `curvature` that on the tangents of the active constraints.

    Attributes
    ----------
    multipliers : Multipliers
    violation : float or array
        By how much the worst constraint is not met.

    Examples
    --------
    >>> import numpy as np
    >>> import symgrad as sg
    >>> x, y = sg.symbols("x y")
    >>> found = sg.newton_minimize(x**2 + y**2, [x, y], inequal=x + y - 1)([1.0, 0.0])
    >>> print(np.round(found.x, 6))
    [0.5 0.5]
    """

    __slots__ = ("multipliers", "violation")
    multipliers: Multipliers
    violation: Any


class Fit(Solution):
    """The `Solution` of a least squares problem; `residual` is the norm of the residuals.

    Attributes
    ----------
    covariance : array
        ``s**2 * inv(J.T @ J)`` over the flattened unknowns; inf where `J` has not full rank. With
        ``absolute_sigma=True`` it is without ``s**2``; with a loss it is that of an M-estimator,
        ``K**2 * sum(psi**2)/dof/mean(psi')**2 * inv(J.T @ J)`` (Huber, "Robust Statistics", 1981, 7.6).
    stderr : array
        Standard errors: the square roots of its diagonal, over the flattened unknowns.
    residual_std : float or array
        ``s = sqrt(sum(r**2)/dof)``, the residual standard deviation; nan without degrees of freedom. With a
        loss it is ``sqrt(sum(psi**2)/dof)/mean(psi')``.
    dof : int
        Residuals less unknowns.
    curvature : str or array of str
        Which second-order condition the sum of squares meets at `x`, as for a `Minimum`; by its whole
        Hessian, with the second derivatives of the residuals.

    Examples
    --------
    >>> import numpy as np
    >>> import symgrad as sg
    >>> a = sg.symbol("a")
    >>> t = sg.vector("t", 3)
    >>> found = sg.least_squares(a * t - [1.0, 2.1, 2.9], a, t)(1.0, [1.0, 2.0, 3.0])
    >>> print(round(found.x, 6), np.round(found.stderr, 6))
    0.992857 [0.026245]
    """

    __slots__ = ("covariance", "curvature", "dof", "residual_std", "stderr")
    covariance: Any
    curvature: Any
    dof: Any
    residual_std: Any
    stderr: Any

    @checked
    def summary(self) -> Any:
        """Parameters with their standard errors as a table: `str` is text, ``.latex()`` LaTeX."""
        return self.known()[0].conditions.summary(self)

    @checked
    def confidence(self, level: float = 0.95) -> Any:
        """Intervals of confidence by the profile of the sum of squares, an array (unknowns, 2).

        An end is where the sum of squares, minimised over the other unknowns, is above the least one by
        what the quantile of Student's distribution says; infinite where it does not rise so far. Where a
        model is nearly linear these are the values less and plus quantiles of standard errors.

        Raises
        ------
        ArgumentError
            For a batch, a fit that did not converge, a level outside of 0 to 1, or without SciPy.
        """
        return self.known()[0].conditions.confidence(self, level)

    @property
    def residuals(self) -> Any:
        """Residuals, over `sigma` and before a loss, in the shape of their formula; a list for several."""
        return self.known()[0].conditions.residuals(self)

    @checked
    def plot(self, axes: Any = None) -> Any:
        """Residuals one by one, and how often they are what, on two axes of matplotlib."""
        return self.known()[0].conditions.plot(self, axes)


Answer = TypeVar("Answer", bound=Solution)


def delivered(solution: Answer, raise_on_failure: bool) -> Answer:
    """The solution, or an error where it did not converge."""
    if raise_on_failure and not np.all(solution.converged):
        raise ConvergenceError(_failure(solution), solution)
    return solution


def _failure(solution: Any) -> str:
    if np.ndim(solution.status) == 0:
        return (
            f"not converged after {solution.iterations} iterations: {Status(int(solution.status))}"
            f" at x = {solution.x}, residual {solution.residual:.3g}"
        )
    failed = np.flatnonzero(~np.ravel(solution.converged))
    counts = np.bincount(np.ravel(solution.status)[failed], minlength=len(Status))
    causes = ", ".join(f"{n} {Status(k)}" for k, n in enumerate(counts.tolist()) if n)
    return (
        f"{failed.size} of {np.size(solution.status)} problems did not converge: {causes};"
        f" the first is number {failed[0]}"
    )
