"""`Solver`: a compiled solver, its source, and how it is called."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from symgrad.compile.execute import execute
from symgrad.expr.node import Expr
from symgrad.functions.callables import check_saved
from symgrad.solve import modules


class Solver:
    """A compiled solver; made by `newton_root`, `newton_minimize` and `least_squares`.

    ``solver(x0, *params, tol=..., maxiter=..., raise_on_failure=False, callback=None)`` gives a
    `Solution`. Each argument may have batch axes in front of its own; they broadcast, and all problems of
    the batch are solved at once. ``callback(iteration, x, residual, step)`` is called at every iterate of
    a single problem, which is then solved step by step, by the methods for problems that resist full steps.

    Attributes
    ----------
    source : str
        The solver as a module that needs NumPy only, SciPy too for ``method="sparse"``; its function is
        `solve`.
    """

    __slots__ = ("__call__", "__weakref__", "_code", "_lines", "_remake", "_source", "args")

    def __init__(
        self,
        code: Callable[[], str],
        lines: tuple[str, ...],
        args: tuple[Expr, ...],
        remake: tuple[Any, ...],
    ) -> None:
        self._code = code
        self._source: str | None = None
        self._lines = lines
        self._remake = remake
        self.args = args
        self.__call__ = self._first_call

    def _first_call(self, *args: Any, **kwargs: Any) -> Any:
        solve = execute(self._generated(), "solve", modules.namespace())
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
        return modules.standalone(self._generated())

    def save(self, path: Any) -> None:
        """Write the solver as a module that needs NumPy only; its function is `solve`."""
        source = self.source
        check_saved(source)
        Path(path).write_text(source, encoding="utf-8")

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
