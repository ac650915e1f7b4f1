"""`Solver`: a compiled solver, its source, and how it is called."""

from __future__ import annotations

import functools
import inspect
import pathlib
import sys
from collections.abc import Callable
from html import escape
from threading import RLock
from typing import TYPE_CHECKING, Any, Final, Generic

from symgrad.calls import checked
from symgrad.compile.arguments import FLOAT, Parameter, Signature, has_dask
from symgrad.compile.c_code import save_c
from symgrad.compile.execute import execute
from symgrad.errors import ArgumentError
from symgrad.expr.identifiers import is_name
from symgrad.expr.node import Expr
from symgrad.functions.callables import check_saved
from symgrad.print.coloured import coloured
from symgrad.solve import modules
from symgrad.solve.conditions import Conditions
from symgrad.solve.native import NativePlan
from symgrad.solve.pacing import watched
from symgrad.solve.path import Path, follow
from symgrad.solve.problem import Problem
from symgrad.solve.runtime.results import Answer
from symgrad.solve.sensitivity import covariance_at, hessian_at, sensitivity
from symgrad.targets.c.loops import c_solver
from symgrad.targets.c.module import CFile
from symgrad.targets.native.called_types import ENTRY, called_by_address
from symgrad.targets.native.calls import obstacle
from symgrad.targets.native.steps import Unsupported

MAKING: Final = RLock()  # solvers are made by one thread at a time

PACED = ("max_time", "progress")  # options that every solver takes, and no saved module


class LazyFunction:
    """A function that the last one of a generated source makes, compiled when it is first called."""

    __slots__ = ("_code", "_function", "_name")

    def __init__(self, code: Callable[[], str], name: str) -> None:
        self._code, self._name = code, name
        self._function: Callable[..., Any] | None = None

    def __call__(self, *args: Any) -> Any:
        if self._function is None:
            self._function = execute(self._code(), self._name, modules.namespace())()
        return self._function(*args)


def with_native(native: Callable[..., Any], run: Callable[..., Any]) -> Callable[..., Any]:
    """A solver that tries machine code first, for problems that need no more than a tolerance."""

    @functools.wraps(run)
    def solve(*args: Any, **options: Any) -> Any:
        if options.keys() <= {"tol", "maxiter"}:
            found = native(run, *args, **options)
            if found is not None:
                return found
        return run(*args, **options)

    return solve


class _Shown:
    """The signature of a solver, for `inspect`; the class has none of its own."""

    def __get__(self, solver: Solver[Any] | None, kind: type) -> inspect.Signature:
        if solver is None:
            raise AttributeError("__signature__")
        return solver.shown()


class Solver(Generic[Answer]):
    """A compiled solver; made by `newton_root`, `newton_minimize` and `least_squares`.

    ``solver(x0, *params, tol=..., maxiter=..., xtol=None, ftol=None, gtol=None, x_scale=None,
    raise_on_failure=False, callback=None, max_time=None, progress=False)`` gives a `Solution`. Each
    argument may have batch axes in front of its own; they broadcast, and all problems of the batch are
    solved at once. Parameters may be given by their names, too.

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

    max_time : float, optional
        Seconds. One problem is then solved step by step, and left at an iterate with the status "time
        limit"; a batch in blocks, those that are not begun in time staying at their starts.
    progress : bool
        Whether to show a bar on a terminal or in a notebook (the extra ``progress``): problems done of a
        batch, steps of one problem.

    Solvers compute in double precision; what was given in single precision alone is answered in it.
    `ftol` and `gtol` are wishes: where they are met the result is converged, however good it is.

    Raises
    ------
    ArgumentError
        When called with a wrong number of arguments, or names that are unknown or given twice.

    Attributes
    ----------
    source : str
        The solver as a module that needs NumPy only, SciPy too for ``method="sparse"``; its function is
        `solve`.

    Examples
    --------
    >>> import symgrad as sg
    >>> x = sg.symbol("x")
    >>> a = sg.symbol("a")
    >>> solver = sg.newton_root(x**2 - a, x, a)
    >>> print(solver(1.0, [4.0, 9.0]).x)
    [2. 3.]
    """

    __slots__ = (
        "__weakref__",
        "_code",
        "_count",
        "_late",
        "_lines",
        "_native",
        "_remake",
        "_run",
        "_source",
        "args",
        "conditions",
    )
    __signature__ = _Shown()

    def __init__(
        self,
        code: Callable[[], str],
        late: dict[str, Callable[[], str]],
        lines: tuple[str, ...],
        args: tuple[Expr, ...],
        remake: tuple[Any, ...],
        conditions: Conditions,
        native: NativePlan | None = None,
    ) -> None:
        self._native = native
        self._code, self._late, self.conditions = code, late, conditions
        self._source: str | None = None
        self._lines = lines
        self._remake = remake
        self.args = args
        self._run: Callable[..., Any] | None = None
        self._count = 0  # of positional arguments

    def _called(self, /, *args: Any, **named: Any) -> Any:
        run = self._run or self._compiled()
        if (
            not named
            and len(args) == self._count
            and ("dask" not in sys.modules or not has_dask(args))
        ):
            found = run(*args)
            found.origin = (self, args)
            return found
        signature = self._signature()
        # what is an option, and the name of a parameter as well, is the parameter until that is given
        places, known = signature.places, inspect.unwrap(run).__kwdefaults__ or {}
        given = {k for k in known if all(place < len(args) for place in places.get(k, ()))}
        options = {k: v for k, v in named.items() if k in given}
        taken = {*options, *[k for k in PACED if k not in signature.places]}
        values = signature.ordered(args, {k: v for k, v in named.items() if k not in taken})
        signature.check_count(values)
        if has_dask(values):
            from symgrad.interop.dask_solvers import solve_on_dask  # noqa: PLC0415 (an extra)

            return solve_on_dask(self, run, values, options)
        limit, bar = named.get("max_time"), named.get("progress", False)
        if limit is not None or bar:
            found = watched(run, self.conditions, values, options, limit, bool(bar))
        else:
            found = run(*values, **options)
        found.origin = (self, tuple(values))
        return found

    if TYPE_CHECKING:  # parameters by position; which names they have is known to the formula alone

        def __call__(
            self,
            x0: Any,
            *params: Any,
            tol: float = ...,
            maxiter: int = ...,
            xtol: float | None = None,
            ftol: float | None = None,
            gtol: float | None = None,
            x_scale: Any = None,
            raise_on_failure: bool = False,
            callback: Callable[..., Any] | None = None,
            max_time: float | None = None,
            progress: bool = False,
        ) -> Answer: ...

    else:
        __call__ = _called

    @checked
    def sensitivity(self, solution: Any, params: tuple[Any, ...], p: Any) -> Any:
        """``dx/dp`` at a solution for these parameters; see `Solution.sensitivity`."""
        return sensitivity(self.conditions, solution, params, p)

    @checked
    def hessian(self, solution: Any, params: tuple[Any, ...]) -> Any:
        """The Hessian at a solution; see `Minimum.hessian`."""
        return hessian_at(self.conditions, solution, params)

    @checked
    def covariance(self, solution: Any, params: tuple[Any, ...]) -> Any:
        """The inverse of the Hessian at a solution; see `Minimum.covariance`."""
        return covariance_at(self.conditions, solution, params)

    @checked
    def path(
        self,
        x0: Any,
        p: Any,
        values: Any,
        /,
        *params: Any,
        maxsteps: int = 500,
        callback: Any = None,
        **options: Any,
    ) -> Path:
        """Solutions along a parameter, each from the one before, and the curve on which they are.

        Steps go along the tangent of the curve, by arc length (Keller, 1977), where the parameter turns
        back; so folds are passed, and found. See `Path` for what is returned.

        Parameters
        ----------
        x0 : number, array or list of them
            The start at the first of `values`.
        p : symbol or str
            A scalar parameter of the solver.
        values : sequence of numbers
            Rising or falling.
        *params
            The other parameters, in their order; by name, too.
        maxsteps : int
            Points of the curve at most.
        callback : callable, optional
            ``callback(points, x, p)`` is called at every point of the curve.
        **options
            Parameters by name, and what the solver takes at a call: `tol`, `maxiter` and others.

        Raises
        ------
        ArgumentError
            For `p` that is no scalar parameter, or values that neither rise nor fall.

        Examples
        --------
        >>> import symgrad as sg
        >>> x, a = sg.symbols("x a")
        >>> path = sg.newton_root(a - x**2, x, a).path(2.0, a, [4.0, 1.0, -1.0])
        >>> path.x, path.converged, len(path.folds)
        (array([ 2.,  1., nan]), array([ True,  True, False]), 1)
        >>> path.sensitivity(a)
        array([0.25, 0.5 ,  nan])
        """
        return follow(self, self.conditions, x0, p, values, params, maxsteps, callback, options)

    def again(self, formulas: Any, unknowns: Any, params: Any) -> Solver[Answer]:
        """The like of this fit for other residuals, which are weighted already."""
        make = self._remake[0]
        made: Solver[Answer] = make(formulas, unknowns, params)
        return made

    def named_parameters(self, p: Expr, params: tuple[Any, ...], options: dict[str, Any]) -> Any:
        """The parameters but `p` by their names, and what else are options of a call."""
        others = [str(x.name) for x in self.conditions.problem.params if x is not p]
        known = inspect.unwrap(self._run or self._compiled()).__kwdefaults__ or {}
        given = dict(zip(others, params, strict=False))
        if len(params) > len(others) or any(name in given for name in options):
            raise ArgumentError(
                f"the parameters beside {p.name} are: {', '.join(others) or 'none'}"
            )
        given |= {k: v for k, v in options.items() if k in others}
        missing = [name for name in others if name not in given]
        unknown = [name for name in options if name not in others and name not in known]
        if missing or unknown:
            what = f"lacks {', '.join(missing)}" if missing else f"takes no {', '.join(unknown)}"
            raise ArgumentError(f"the path {what}; parameters: {', '.join(others) or 'none'}")
        return given, {k: v for k, v in options.items() if k not in others}

    def _compiled(self) -> Callable[..., Any]:
        with MAKING:  # once: what runs in other threads must not be replaced under them
            return self._run or self._made()

    def _made(self) -> Callable[..., Any]:
        late = {name: LazyFunction(code, name) for name, code in self._late.items()}
        names = modules.namespace() | late
        run = execute(self._generated(), "solve", names)
        self._count = run.__code__.co_argcount
        solver = self._native.solver(self.__call__) if self._native else None
        made = run if solver is None else with_native(solver, run)
        self._run = made
        if solver is not None:
            setattr(self, ENTRY, solver.address())
        return made

    def _signature(self) -> Signature:
        """The positional arguments: the start, and the parameters."""
        code = inspect.unwrap(self._run or self._compiled()).__code__
        start, *identifiers = code.co_varnames[: code.co_argcount]
        pairs = zip(identifiers, self.args[len(self.args) - len(identifiers) :], strict=True)
        params = [Parameter(name, str(x.name), x.shape, x.dtype) for name, x in pairs]
        return Signature((Parameter(start, start, (), FLOAT), *params), False)

    def shown(self) -> inspect.Signature:
        """How it is called: the start, the parameters by their names, and the options."""
        kinds = inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY
        names = self._signature().shown()
        known = (inspect.unwrap(self._run or self._compiled()).__kwdefaults__ or {}).items()
        options = [inspect.Parameter(k, kinds[1], default=v) for k, v in known if k not in names]
        return inspect.Signature([*[inspect.Parameter(n, kinds[0]) for n in names], *options])

    def _generated(self) -> str:
        """What is generated for this solver: its formulas, and their loop or the call of one."""
        if self._source is None:
            self._source = self._code()
        return self._source

    @property
    def source(self) -> str:
        """The whole solver as a module that needs NumPy only."""
        return modules.module_text(self._generated(), self._made_late(), self._lines)

    def _made_late(self) -> list[str]:
        return [code() for code in self._late.values()]

    @property
    def c_source(self) -> str:
        """The loop of one problem in C99: what is tried first, with the same end rule.

        ``int solve(x0, parameters..., tol, maxiter, found, residual)`` returns the number of steps, and -1
        where it is not sure of a solution; several unknowns are arrays. A minimum has its ``value``
        behind the residual.

        Raises
        ------
        ArgumentError
            Where there is no such loop, or it calls functions that C's library lacks.
        """
        return self._in_c().source

    def _in_c(self) -> CFile:
        if self._native is None:
            raise ArgumentError("C code is written for a few scalar unknowns, solved by full steps")
        try:
            loop = self._native.loop(portable=True)
        except Unsupported as found:
            raise ArgumentError(f"the solver has no C code, for {found}") from None
        return c_solver(
            loop.text, loop.inputs, loop.unknowns, loop.values, loop.steps, "\n".join(self._lines)
        )

    @checked
    def save(self, path: Any, runtime: Any = None) -> None:
        """Write the solver as a module to `path`, such as ``"kepler.py"``; its function is `solve`.

        It takes what this solver takes, and needs NumPy only, SciPy too for ``method="sparse"``. To a path
        that ends with ``.c`` goes what `c_source` is, with a header beside it.

        Parameters
        ----------
        path : str or path
            A file that is there is written over.
        runtime : str or path, optional
            Where to write what all solvers have in common, such as ``"newton.py"``: the module then holds
            what is made for its formulas, and imports the rest from there. Several may share it.

        Raises
        ------
        ArgumentError
            If the code calls what cannot be imported, such as a lambda given for a function, or the runtime
            is no module of Python that can be imported from beside the solver.
        """
        target = pathlib.Path(path)
        if target.suffix == ".c":
            save_c(self._in_c(), path)
            return
        source = self.source
        check_saved(source)
        if runtime is not None:
            shared = _shared(target, pathlib.Path(runtime))
            shared.write_text(modules.runtime_text(), encoding="utf-8")
            parts = self._generated(), self._made_late(), self._lines
            source = modules.text_on_runtime(*parts, shared.stem)
        target.write_text(source, encoding="utf-8")

    @checked
    def explain(self) -> str:
        """What is solved, for what, and how the linear solves follow the form of the derivative."""
        return "\n".join([*self._lines, *(self._native.words() if self._native else [])])

    def _repr_html_(self) -> str:
        """What it solves, and the code that is made for it, for notebooks; the runtime is left out."""
        return f"<p>{escape(self._lines[0])}</p>{coloured(self._generated())}"

    def __repr__(self) -> str:
        return f"<Solver: {self._lines[0]}>"

    def __reduce__(self) -> Any:
        make, *args = self._remake
        return _remade, (make, args)


def _shared(path: pathlib.Path, runtime: pathlib.Path) -> pathlib.Path:
    """The file of a shared runtime, which must be a module beside the solver."""
    place = runtime if runtime.parent != pathlib.Path() else path.parent / runtime
    beside = place.parent == path.parent and place.name != path.name
    if not beside or place.suffix != ".py" or not is_name(place.stem):
        raise ArgumentError(
            f"the runtime is a module beside {path.name}, such as 'newton.py', not {str(runtime)!r}"
        )
    return place


def made_solver(*parts: Any) -> Solver[Any]:
    """A solver; with machine code, one of a class that is called faster."""
    *_, native = parts
    wanted = native is not None and native.compiled and not obstacle()
    made: Solver[Any] = (called_by_address(Solver) if wanted else Solver)(*parts)
    return made


def _remade(make: Callable[..., Any], args: list[Any]) -> Any:
    return make(*args[0], **args[1])


def described(what: str, problem: Problem, how: str) -> tuple[str, ...]:
    """The lines of `Solver.explain`."""
    unknowns = ", ".join(str(x.name) for x in problem.unknowns)
    params = ", ".join(str(x.name) for x in problem.params) or "none"
    return f"{what} for {unknowns}; parameters: {params}", how


def keywords(given: dict[str, Any], names: str) -> dict[str, Any]:
    """The keyword arguments of these names, by which a solver is made again."""
    return {name: given[name] for name in names.split()}
