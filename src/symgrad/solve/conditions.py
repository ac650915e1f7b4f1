"""The equations that hold at solutions, and their derivatives by unknowns and by parameters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from symgrad.autodiff import jacobian
from symgrad.compile.execute import execute
from symgrad.errors import ArgumentError
from symgrad.expr.node import Expr
from symgrad.ops.elementwise import adopted
from symgrad.solve import modules
from symgrad.solve.code import over_problems
from symgrad.solve.problem import Problem
from symgrad.solve.runtime.arguments import (
    ProblemForm,
    Problems,
    SolverCall,
    Tolerances,
    box,
    prepare,
    split,
)
from symgrad.solve.runtime.calls import column_of, matrix_of
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
    bounds
        Of the unknowns that hold the iterate; None for a root, which is one at a bound too.

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
        bounds: Any = None,
        kind: str = "root",
    ) -> None:
        self.kind = kind
        self.problem, self.sparse = problem, sparse
        self.form, self.bounds = form or problem.form, bounds
        self._make = formulas
        self._formulas: list[Expr] | None = None
        self._compiled: dict[tuple[Expr, ...], Callable[..., Any]] = {}
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
        call = SolverCall(self.problem.form, x, params, {}, Tolerances(0.0), 0, False, None)
        return prepare(call, finite=False)

    def held(self, solution: Any, problems: Problems, index: Any) -> Any:
        """Which unknowns stay as they are: those at a bound; (problems, n)."""
        x = problems.x[index]
        sides = box(self.bounds, problems.shapes)
        if sides is None:
            return np.zeros(x.shape, bool)
        return (x <= sides[0]) | (x >= sides[1])

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
