"""The calls of solvers of minima: from arguments to a `Minimum`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from symgrad.runtime.threads import each_block
from symgrad.solve.runtime.arguments import SolverCall, prepare, report, split
from symgrad.solve.runtime.beside import lower_beside
from symgrad.solve.runtime.calls import Values, problems_at_a_time, steps_by
from symgrad.solve.runtime.ending import Levels
from symgrad.solve.runtime.minimum import (
    UNKNOWN,
    Functions,
    Minima,
    answer_of_minima,
    iterate_minima,
    tell_nothing,
)
from symgrad.solve.runtime.results import Minimum, Status, delivered
from symgrad.solve.runtime.spectra import (
    DenseHessian,
    DiagonalHessian,
    KroneckerHessian,
    curvature_of,
    grown,
)

MOST_ROUNDS = 6  # lower points that are gone on from


def minimize_all(
    s: Minima,
    functions: Functions,
    index: Any,
    maxiter: int,
    globalize: bool = True,
    tell: Any = None,
) -> None:
    """Minimise the problems `index`, until nothing lower is seen beside what is found."""
    x = s.x[index]
    with np.errstate(all="ignore"):
        for _ in range(MOST_ROUNDS):
            iterate_minima(s, functions, index, x, maxiter, globalize, tell)
            if not globalize:
                return
            index, x = lower_beside(s, functions, index)
            if not index.size:
                return
            s.count[index] += 1
    s.status[index] = Status.STALLED


def confirmed(s: Minima, functions: Functions, index: Any) -> Any:
    """Values and curvatures of what full steps found, all but `index`; what else is to be minimised.

    Full steps found points where Hessians have positive pivots; here their eigenvalues decide.
    """
    found = np.setdiff1d(np.arange(len(s.x)), index)
    if not found.size:
        return index
    form = functions.form
    with np.errstate(all="ignore"):
        s.value[found], slopes, hessians = functions.at(s.x[found], found)
        s.scale[found] = np.maximum(s.scale[found], np.abs(s.x[found]))
        s.weight[found], d = grown(s.weight[found], form.sizes(hessians), s.scale[found])
        kind = curvature_of(form.spectrum(hessians, d).w)
        scale = np.maximum(s.scale[found], s.x_scale)
        kind = np.where(tell_nothing(form, slopes, hessians, scale), UNKNOWN, kind)
        s.curvature[found] = kind
        lower, points = lower_beside(s, functions, found[kind == 0])
    s.x[lower] = points
    return np.concatenate([index, found[kind > 0], lower])


def solve_minimum(
    one: Callable[..., Any],
    many: Callable[[], Any],
    parts: int,
    rounding: Callable[..., Any],
    call: SolverCall,
) -> Minimum:
    """The `Minimum` of an objective."""
    problems = prepare(call)
    values = Values(one, many, problems, parts)
    n = problems.x.shape[1]
    form: Any = DenseHessian()
    entries, evaluate = n * n, "objective"
    if call.options["hessian"] == "diagonal":
        form, entries, evaluate = DiagonalHessian(), n, "diagonals"
    elif call.options["hessian"] != "dense":
        axis, shape = call.options["hessian"], problems.shapes[0]
        form = KroneckerHessian(axis, shape)
        entries, evaluate = n + shape[1 - axis] ** 2, "factors"
    found = Minima(problems.x, problems.box, call.tolerances, problems.x_scale)
    globalize, single = call.options["globalize"], not problems.batch
    together = bool(problems.batch) and problems.box is None and evaluate == "objective"
    together &= call.callback is None and not call.tolerances.has_wishes

    def tell(count: int, x: Any, size: Any, p: Any) -> None:
        report(call.callback, single, count, x, size, p)

    def block(part: slice) -> None:
        s, v = found.part(part), values.part(part)
        levels = Levels(rounding, lambda x: split(x, v.shapes), v.params)
        functions = Functions(getattr(v, evaluate), form, levels)
        index = np.arange(len(s.x))
        if together:
            steps = steps_by(v.minimising_step)
            index = s.by_full_steps(steps, v.params, call.tolerances.step, call.maxiter)
            index = confirmed(s, functions, index)
        told = None if call.callback is None else tell
        minimize_all(s, functions, index, call.maxiter, globalize, told)

    if call.callback is None:
        each_block(lambda _: block, len(problems.x), problems_at_a_time(entries, n))
    else:  # of all that are left together
        block(slice(None))
    return delivered(answer_of_minima(call, problems, found), call.raise_on_failure)
