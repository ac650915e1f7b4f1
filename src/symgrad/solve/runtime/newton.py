"""The call of a solver of one equation: batches in blocks, and what code on floats hands over."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from symgrad.errors import ArgumentError
from symgrad.runtime.threads import each_block
from symgrad.solve.runtime.approach import FullSteps
from symgrad.solve.runtime.arguments import SolverCall, answer, prepare
from symgrad.solve.runtime.bracket import solve_scalars
from symgrad.solve.runtime.ending import ORDINARY, SHARP, bounds_by_problem, levels_of
from symgrad.solve.runtime.results import Solution, delivered
from symgrad.solve.runtime.scalar import ScalarRoots

# Problems at a time: their arrays stay in the cache, and threads seldom wait for each other between calls
BLOCK = 1 << 16


class Kernel(NamedTuple):
    """Formulas of scalars, written into arrays that are given.

    Attributes
    ----------
    run : callable
        ``run(x, *params, *results, *work)``, all arrays of float64 but the work arrays.
    results : int
    work : tuple of str
        The element types of the work arrays.
    """

    run: Callable[..., Any]
    results: int
    work: tuple[str, ...]

    def over(self, problems: int) -> Callable[..., Any]:
        """The results for points and parameters of so many problems, or fewer, in arrays of its own."""
        arrays = [np.empty(problems, kind) for kind in (*"d" * self.results, *self.work)]

        def run(x: Any, params: list[Any]) -> list[Any]:
            out = [a[: x.size] for a in arrays]
            self.run(x, *params, *out)
            return out[: self.results]

        return run


class Kernels(NamedTuple):
    """Value and slope, fast; and the value, exact. A step is ``value/slope``."""

    fast: Kernel
    exact: Kernel

    def steps(self, at: Callable[..., Any], is_at_level: Any, problems: int) -> FullSteps:
        """What `full_steps` needs, for blocks of problems; `at` gives value, step and slope."""
        fast, exact = self.fast.over(problems), self.exact.over(problems)

        def fast_step(x: Any, params: list[Any]) -> tuple[Any, Any, Any]:
            value, slope = fast(x[0], params)
            return np.abs(value), np.divide(value, slope, out=value)[None], slope

        def check(x: Any, params: list[Any], slope: Any) -> tuple[Any, Any]:
            (value,) = exact(x[0], params)
            step = _sound_step(x[0], value, slope)
            return np.abs(value, out=value), step[None]

        return FullSteps(fast_step, _exact_step(at), check, is_at_level)


def _sound_step(x: Any, value: Any, slope: Any) -> Any:
    """Newton's steps; inf beside an infinite slope, and for a zero that may be an underflow."""
    step = value / slope
    low, high = slope.min(initial=np.inf), slope.max(initial=-np.inf)
    if not -np.inf < low <= high < np.inf:
        step[np.isinf(slope)] = np.inf
    # the least magnitudes where all have one sign
    steepest, nearest = max(low, -high, 0.0), max(x.min(initial=1.0), -x.max(initial=-1.0), 0.0)
    if not steepest * nearest >= ORDINARY:
        zero = np.flatnonzero(value == 0.0)
        at = np.abs(x[zero])
        steep = np.abs(slope[zero]) * np.where(at == 0.0, 1.0, at) >= ORDINARY
        step[zero[~steep]] = np.inf
    return step


def _exact_step(at: Callable[..., Any]) -> Callable[..., Any]:
    """``|F|`` and what is subtracted in a step, by value and what is added."""

    def exact_step(x: Any, params: list[Any]) -> tuple[Any, Any]:
        value, step, _ = at(x[0], params)
        return np.abs(value), -step[None]

    return exact_step


def _steps(every: ScalarRoots, kernels: Kernels | None, problems: int) -> FullSteps:
    """What `full_steps` needs, with kernels or without."""

    def at(x: Any, params: list[Any]) -> tuple[Any, Any, Any]:
        values = every.evaluate(x, *params)
        f, step, slope = (np.broadcast_to(np.asarray(v, np.float64), x.shape) for v in values)
        return f, step, slope

    def is_at_level(x: Any, params: list[Any], size: Any = None) -> Any:
        """Whether F is at its level, and the slope locates a root there beyond doubt."""
        f, _, slope = at(x[0], params)
        level = levels_of(bounds_by_problem(every.rounding, [x[0], *params], slice(None))[:, 0])
        return (np.abs(f) <= level) & (level <= SHARP * np.abs(slope * x[0]))

    if kernels is not None:
        return kernels.steps(at, is_at_level, problems)._replace(rate=every.rate)
    exact = _exact_step(at)

    def check(x: Any, params: list[Any], slope: Any) -> tuple[Any, Any]:
        f, step, slope = at(x[0], params)
        newton = _sound_step(x[0], f, slope)
        return np.abs(f), np.where(np.abs(newton) <= np.abs(step), -step, newton)[None]

    def fast(x: Any, params: list[Any]) -> tuple[Any, Any, Any]:
        return *exact(x, params), 1.0

    return FullSteps(fast, exact, check, is_at_level, every.rate)


def solve_equation(
    evaluate: Callable[..., Any],
    kernels: Kernels | None,
    entrywise: bool,
    ends: Callable[..., Any] | None,
    rounding: Callable[..., Any],
    call: SolverCall,
) -> Solution:
    """The `Solution` of ``F(x) = 0`` for one problem or a batch of any shape.

    `evaluate` gives value, step and slope, for points and parameters with an axis of problems. Where it
    acts entry by entry a parameter that is the same for all may have extent 1 there. `ends` gives those of
    a bracket that depends on parameters.
    """
    problems = prepare(call)
    if call.tolerances.gtol is not None:
        raise ArgumentError("gtol is for minima and fits; a root has xtol and ftol")
    x = problems.x[:, 0]
    values = problems.params
    if entrywise:
        pairs = zip(problems.params, call.params, strict=True)
        values = [_thin(p, np.asarray(v)) for p, v in pairs]
    if kernels is not None:
        values = [v.astype(np.float64, copy=False) for v in values]
    batch = problems.batch
    done = ScalarRoots(
        evaluate if entrywise else apart(evaluate),
        x,
        values,
        call.tolerances.step,
        call.maxiter,
        rounding,
        problems.box,
        call.callback,
        float(problems.x_scale[0]),
        call.tolerances.ftol,
        call.options["order"],
    )
    done.single = not batch
    run = {key: call.options[key] for key in ("globalize", "bracket")}
    if ends is not None:
        pair = ends(x, *problems.params)
        run["bracket"] = tuple(np.broadcast_to(np.asarray(e, float), x.shape) for e in pair)
    if not batch or call.callback is not None:
        solve_scalars(done, **run)
    else:
        _in_blocks_of_scalars(done, kernels, run)
    return delivered(answer(Solution, call, problems, done), call.raise_on_failure)


def apart(evaluate: Callable[..., Any]) -> Callable[..., Any]:
    """The function, problem by problem where a decomposition fails for one of them: nan for that one."""

    def evaluated(*arrays: Any) -> list[Any]:
        try:
            return [np.asarray(y) for y in evaluate(*arrays)]
        except np.linalg.LinAlgError:
            if len(arrays[0]) == 1:
                return [np.full(1, np.nan)] * 3
            rows = [evaluated(*[v[k : k + 1] for v in arrays]) for k in range(len(arrays[0]))]
            return [np.concatenate(column) for column in zip(*rows, strict=True)]

    return evaluated


def _thin(flat: Any, given: Any) -> Any:
    """A parameter of shape (problems,), or (1,) where it is the same for all."""
    return given.reshape(1) if given.size == 1 else flat


def _run_of(run: dict[str, Any], part: slice) -> dict[str, Any]:
    """The options of some of the problems, which may have brackets of their own."""
    bracket = run["bracket"]
    if bracket is None or np.ndim(bracket[0]) == 0:
        return run
    return run | {"bracket": tuple(end[part] for end in bracket)}


def _in_blocks_of_scalars(every: ScalarRoots, kernels: Any, run: dict[str, Any]) -> None:
    def make(problems: int) -> Callable[[slice], Any]:
        steps = _steps(every, kernels, problems)
        return lambda part: solve_scalars(every.part(part), steps=steps, **_run_of(run, part))

    each_block(make, every.x.size, BLOCK)
