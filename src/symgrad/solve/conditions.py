"""The equations that hold at solutions, and their derivatives by unknowns and by parameters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any, NamedTuple

import numpy as np

from symgrad.autodiff import jacobian
from symgrad.compile.execute import execute
from symgrad.errors import ArgumentError
from symgrad.expr.node import Expr
from symgrad.ops.elementwise import adopted
from symgrad.solve import modules
from symgrad.solve.bounds import UNBOUNDED, GivenBounds
from symgrad.solve.code import over_problems
from symgrad.solve.problem import Problem
from symgrad.solve.runtime.arguments import (
    ProblemForm,
    Problems,
    SolverCall,
    Tolerances,
    prepare,
    split,
)
from symgrad.solve.runtime.calls import column_of, matrix_of
from symgrad.solve.runtime.ending import part_of_box
from symgrad.solve.runtime.sparse import sparse_library
from symgrad.solve.structure import entries_of_jacobian


class Linear(NamedTuple):
    """Equations near points: what they leave, and how that changes.

    Attributes
    ----------
    r : array (problems, n)
    jac : array (problems, n, n), or a list of sparse matrices
    by : list of arrays (problems, n, entries), by the entries of each parameter that was asked for
    """

    r: Any
    jac: Any
    by: list[Any]


class Conditions:
    """What holds at a solution: F for a root, the gradient for a minimum or a fit, with multipliers all of
    Karush, Kuhn and Tucker's equations.

    Parameters
    ----------
    problem : Problem
        Its unknowns are those that the equations determine: the solver's, then multipliers.
    formulas : callable
        Makes the equations, when they are first needed: as many as unknowns, in the same shapes.
    sparse : bool
        Whether the matrix is made of the entries that can differ from zero.
    form : ProblemForm, optional
        Of the solver's unknowns, where there are others.
    kind : {"root", "minimum"}
        What the solver looks for; a fit is a minimum of its own class.
    bounds : GivenBounds
        Of the unknowns that hold the iterate; none for a root, which is one at a bound too.

    Attributes
    ----------
    follows : bool
        Whether the equations are those of a smooth curve along a parameter.
    """

    follows = True

    def __init__(
        self,
        problem: Problem,
        formulas: Callable[[], Sequence[Expr]],
        sparse: bool = False,
        form: ProblemForm | None = None,
        bounds: GivenBounds = UNBOUNDED,
        kind: str = "root",
    ) -> None:
        self.kind = kind
        self.problem, self.sparse = problem, sparse
        self.form, self.bounds = form or problem.form, bounds
        self._make = formulas
        self._formulas: list[Expr] | None = None
        self._compiled: dict[tuple[Expr, ...], Callable[..., Any]] = {}
        self._limits: Callable[..., Any] | None = None
        self._where: Any = None  # the places of the entries of a sparse matrix, in C order

    @property
    def formulas(self) -> list[Expr]:
        """The equations."""
        if self._formulas is None:
            self._formulas = list(self._make())
        return self._formulas

    def point(self, solution: Any) -> Any:
        """The values of the unknowns at a solution, in their form."""
        return solution.x

    def problems(self, x: Any, params: tuple[Any, ...]) -> Problems:
        """The problems of a call with these parameters, at points `x` in the form of the unknowns."""
        form = self.problem.form
        call = SolverCall(form, x, params, self.call_options(), Tolerances(0.0), 0, False, None)
        return prepare(call, finite=False)

    def call_options(self) -> dict[str, Any]:
        """What a call's options say of the bounds."""
        options = self.bounds.options()
        if self.bounds.limits is not None:
            if self._limits is None:
                self._limits = compiled("limits", self.problem, self.bounds.limits)
            options["limits"] = self._limits
        return options

    def held(self, solution: Any, problems: Problems, index: Any) -> Any:
        """Which unknowns stay as they are: those at a bound; (problems, n)."""
        x = problems.x[index]
        sides = part_of_box(problems.box, index)
        if sides is None:
            return np.zeros(x.shape, bool)
        return (x <= sides.low) | (x >= sides.high)

    def moves(self, problems: Problems, wrt: tuple[Expr, ...], index: Any) -> list[Any]:
        """How unknowns that are held move with bounds, for each of `wrt`; zeros where these are numbers.

        Arrays (problems, n, entries of the parameter), with what the others do as well.
        """
        count, n = problems.x[index].shape
        places = {p: k for k, p in enumerate(self.problem.params)}
        extents = [prod(problems.params[places[p]].shape[1:]) for p in wrt]
        if self.bounds.limits is None:
            return [np.zeros((count, n, k)) for k in extents]
        slopes = [jacobian(e, p) for p in wrt for e in self.bounds.limits]
        function = compiled("moves", self.problem, slopes)
        values = [v[index] for v in problems.params]
        outputs = iter(function(*split(problems.x[index], problems.shapes), *values))
        found, at_low = [], problems.x[index] <= problems.box.low[index]
        for k in extents:
            low, high = (
                np.concatenate(
                    [
                        np.broadcast_to(
                            np.asarray(next(outputs)).reshape(-1, size, k), (count, size, k)
                        )
                        for size in map(prod, problems.shapes)
                    ],
                    axis=1,
                )
                for _ in range(2)
            )
            found.append(np.where(at_low[:, :, None], low, high))
        return found

    def parameters(self, given: Any, who: str) -> tuple[Expr, ...]:
        """The parameters that symbols or names stand for.

        Raises
        ------
        ArgumentError
            For what is no parameter of the solver.
        """
        listed = given if isinstance(given, (list, tuple)) else [given]
        by_name = {str(x.name): x for x in self.problem.params}
        found = []
        for p in listed:
            x = by_name.get(p if isinstance(p, str) else str(getattr(adopted(p), "name", "")))
            if x is None:
                names = ", ".join(by_name) or "none"
                raise ArgumentError(f"{who} takes a parameter of the solver, not {p!r}: {names}")
            found.append(x)
        return tuple(found)

    def linearised(self, problems: Problems, wrt: tuple[Expr, ...], index: Any) -> Linear:
        """The equations near the points of the problems `index`, which `problems` has as its `x`."""
        function = self._compiled.get(wrt)
        if function is None:
            function = self._compiled[wrt] = self._function(wrt)
        values = [v[index] for v in problems.params]
        x = problems.x[index]
        with np.errstate(all="ignore"):
            outputs = function(*split(x, problems.shapes), *values)
        count, n = x.shape
        k = len(self.formulas)
        full = [np.broadcast_to(np.asarray(y), (count, *np.shape(y)[1:])) for y in outputs]
        r = column_of(full[:k])
        sizes = [int(np.prod(s)) for s in problems.shapes]
        rows = [int(np.prod(y.shape[1:])) for y in full[:k]]
        at = k + (1 if self.sparse else k * len(sizes))
        jac = self._matrices(full[k], n) if self.sparse else matrix_of(full[k:at], rows, sizes)
        by = []
        for _ in wrt:
            blocks = full[at : at + k]
            by.append(
                np.concatenate(
                    [b.reshape(count, m, -1) for b, m in zip(blocks, rows, strict=True)], axis=1
                )
            )
            at += k
        return Linear(r, jac, by)

    def _function(self, wrt: tuple[Expr, ...]) -> Callable[..., Any]:
        leaves = list(self.problem.unknowns)
        if self.sparse:
            entries, where = entries_of_jacobian(self.formulas, leaves)[0]
            self._where = where.params[0].array
            outputs = [*self.formulas, entries]
        else:
            outputs = [
                *self.formulas,
                *[b for row in jacobian(self.formulas, leaves) for b in row],
            ]
        for p in wrt:
            outputs += [jacobian(y, p) for y in self.formulas]
        return compiled("linearised", self.problem, outputs)

    def _matrices(self, entries: Any, n: int) -> list[Any]:
        rows, columns = np.divmod(self._where, n)
        matrix = sparse_library().csc_array
        return [matrix((row, (rows, columns)), shape=(n, n)) for row in entries]


def compiled(name: str, problem: Problem, outputs: Sequence[Expr]) -> Callable[..., Any]:
    """A function of unknowns and parameters, all with an axis of problems in front."""
    code, _ = over_problems(name, problem, outputs)
    # the code ends with a function that makes this one, and its call
    text = f"{code}\n\n\ndef made_{name}():\n    return {name}\n"
    function: Callable[..., Any] = execute(text, name, modules.namespace())()
    return function
