"""`Solver`: a compiled solver, its source, and how it is called."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from symgrad.compile.execute import execute
from symgrad.expr.node import Expr
from symgrad.solve import modules


class LazyFunction:
    """A function of generated source, compiled when it is first called."""

    __slots__ = ("_code", "_function", "_name")

    def __init__(self, code: Callable[[], str], name: str) -> None:
        self._code, self._name = code, name
        self._function: Callable[..., Any] | None = None

    def __call__(self, *args: Any) -> Any:
        if self._function is None:
            self._function = execute(self._code(), self._name, modules.namespace())
        return self._function(*args)


class Solver:
    """A compiled solver; made by `newton_root`, `newton_minimize` and `least_squares`.

    ``solver(x0, *params, tol=..., maxiter=..., xtol=None, ftol=None, gtol=None, x_scale=None,
    raise_on_failure=False, callback=None)`` gives a `Solution`. Each argument may have batch axes in front
    of its own; they broadcast, and all problems of the batch are solved at once.

    Parameters
    ----------
    tol : float
        What `xtol` is unless given.
    maxiter : int
        Steps that are taken at most.
    xtol : float, optional
        The last full step is at most so long against each unknown, ``|step_i| <= xtol*|x_i|``.
    ftol : float, optional
        For minima and fits: the relative fall of the objective that ends the iteration (SciPy's
        ``least_squares``). For roots: the part of ``|F|`` at the start that is small enough.
    gtol : float, optional
        For minima and fits: the largest entry of the projected gradient that is small enough (SciPy's
        ``minimize``).
    x_scale : number, array or list of them, optional
        Magnitudes of the unknowns, in their form: an unknown below its scale is measured by the scale.
    raise_on_failure : bool
        Whether to raise a `ConvergenceError` where a problem does not converge.
    callback : callable, optional
        ``callback(iteration, x, residual, step)`` is called at every iterate of a single problem, which
        is then solved step by step, by the methods for problems that resist full steps. For a batch the
        last three are arrays of the problems that are left, whose number is ``len(x)``.

    `ftol` and `gtol` are wishes: where they are met the result is converged, however good it is.

    Attributes
    ----------
    source : str
        The solver as a module that needs NumPy only, SciPy too for ``method="sparse"``; its function is
        `solve`.
    """

    __slots__ = (
        "__call__",
        "__weakref__",
        "_code",
        "_late",
        "_lines",
        "_remake",
        "_source",
        "args",
    )

    def __init__(
        self,
        code: Callable[[], str],
        late: dict[str, Callable[[], str]],
        lines: tuple[str, ...],
        args: tuple[Expr, ...],
        remake: tuple[Any, ...],
    ) -> None:
        self._code, self._late = code, late
        self._source: str | None = None
        self._lines = lines
        self._remake = remake
        self.args = args
        self.__call__ = self._first_call

    def _first_call(self, *args: Any, **kwargs: Any) -> Any:
        late = {name: LazyFunction(code, name) for name, code in self._late.items()}
        names = modules.namespace() | late
        solve = execute(self._generated(), "solve", names)
        self.__call__ = solve
        return solve(*args, **kwargs)

    def _generated(self) -> str:
        """What is generated for this solver: its formulas, and their loop or the call of one."""
        if self._source is None:
            self._source = self._code()
        return self._source

    @property
    def source(self) -> str:
        """The whole solver as a module that needs NumPy only."""
        return modules.standalone(self._generated(), [code() for code in self._late.values()])

    def save(self, path: Any) -> None:
        """Write the solver as a module that needs NumPy only; its function is `solve`."""
        Path(path).write_text(self.source, encoding="utf-8")

    def explain(self) -> str:
        """What is solved, for what, and how the linear solves follow the form of the derivative."""
        return "\n".join(self._lines)

    def __repr__(self) -> str:
        return f"<Solver: {self._lines[0]}>"

    def __reduce__(self) -> Any:
        make, *args = self._remake
        return _remade, (make, args)


def _remade(make: Callable[..., Any], args: list[Any]) -> Any:
    return make(*args[0], **args[1])
