"""The call of a solver of one equation: batches in blocks, and what code on floats hands over."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from symgrad.solve.runtime.approach import Steps
from symgrad.solve.runtime.arguments import Call, answer, box, prepare
from symgrad.solve.runtime.blocks import each_block
from symgrad.solve.runtime.results import Solution, checked
from symgrad.solve.runtime.scalar import Scalars, solve_scalars

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

    def steps(self, evaluate: Callable[..., Any], problems: int) -> Steps:
        """What `full_steps` needs, for blocks of problems; `evaluate` gives value and step."""
        fast, exact = self.fast.over(problems), self.exact.over(problems)

        def fast_step(x: Any, params: list[Any]) -> tuple[Any, Any, Any]:
            value, slope = fast(x[0], params)
            return np.abs(value), np.divide(value, slope, out=value)[None], slope

        def check(x: Any, params: list[Any], slope: Any) -> tuple[Any, Any]:
            (value,) = exact(x[0], params)
            size = np.abs(value, out=value)
            return size, np.abs(size / slope)[None]

        return Steps(fast_step, _exact_step(evaluate), check)


def _exact_step(evaluate: Callable[..., Any]) -> Callable[..., Any]:
    """``|F|`` and what is subtracted in a step, by value and what is added."""

    def exact_step(x: Any, params: list[Any]) -> tuple[Any, Any]:
        value, step = evaluate(x[0], *params)
        return np.abs(np.broadcast_to(value, x.shape[1:])), -np.broadcast_to(step, x.shape)

    return exact_step


def _steps(evaluate: Callable[..., Any], kernels: Kernels | None, problems: int) -> Steps:
    """What `full_steps` needs, with kernels or without."""
    if kernels is not None:
        return kernels.steps(evaluate, problems)
    exact = _exact_step(evaluate)
    return Steps(
        lambda x, params: (*exact(x, params), 1.0),
        exact,
        lambda x, params, slope: tuple(map(np.abs, exact(x, params))),
    )


def solve_equation(
    evaluate: Callable[..., Any],
    kernels: Kernels | None,
    rounding: Callable[..., Any],
    call: Call,
) -> Solution:
    """The `Solution` of ``F(x) = 0`` for one problem or a batch of any shape."""
    problems = prepare(call)
    x = problems.x[:, 0]
    bounds = box(call.options["bounds"], problems.shapes)
    values = [_thin(p, np.asarray(v)) for p, v in zip(problems.params, call.params, strict=True)]
    if kernels is not None:
        values = [v.astype(np.float64, copy=False) for v in values]
    batch = problems.batch
    callback = None if batch else call.callback
    done = Scalars(evaluate, x, values, call.tolerances.step, call.maxiter, bounds, callback)
    run = {key: call.options[key] for key in ("globalize", "bracket")}
    if not batch:
        solve_scalars(done, **run)
    else:
        _in_blocks_of_scalars(done, kernels, run)
    return checked(answer(Solution, call, problems, done), call.raise_on_failure)


def _thin(flat: Any, given: Any) -> Any:
    """A parameter of shape (problems,), or (1,) where it is the same for all."""
    return given.reshape(1) if given.size == 1 else flat


def _in_blocks_of_scalars(every: Scalars, kernels: Any, run: dict[str, Any]) -> None:
    def make(problems: int) -> Callable[[slice], Any]:
        steps = _steps(every.evaluate, kernels, problems)
        return lambda part: solve_scalars(every.part(part), steps=steps, **run)

    each_block(make, every.x.size, BLOCK)
