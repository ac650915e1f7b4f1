"""What it costs to begin, and what memory a formula takes.

Run as ``python -m benchmarks.cases.costs COST PARTICIPANT SIZE``, prints one measurement made in a process
of its own.
"""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import symgrad as sg
from benchmarks.case import Absent, Builder, Case, Run, Task, flat
from benchmarks.cases.points import formula, numpy_points, points, symgrad_points
from benchmarks.peers import PEERS

ROOT = Path(__file__).parents[2]

# The first call of a textbook model

counter = itertools.count(1)


def ridge(strength: float) -> Callable[..., Any]:
    """Regularised logistic regression; another strength is another formula, known to no cache."""

    def loss(xp: Any, w: Any, X: Any, y: Any) -> Any:
        return xp.sum(xp.logaddexp(0.0, -y * (X @ w))) + strength * xp.sum(w**2)

    return loss


def rows(n: int, rng: np.random.Generator) -> tuple[Any, ...]:
    """`n` labelled rows of 10 features."""
    return rng.normal(size=10), rng.normal(size=(n, 10)), rng.choice([-1.0, 1.0], n)


def symgrad_ridge(strength: float, inputs: tuple[Any, ...]) -> Any:
    """Formula, gradient, compilation, call."""
    w, X, y = sg.vector("w", "d"), sg.matrix("X", ("n", "d")), sg.vector("y", "n")
    f = ridge(strength)(sg, w, X, y)
    return sg.lambdify([w, X, y], [f, sg.grad(f, w)])(*inputs)


def numpy_ridge(strength: float, inputs: tuple[Any, ...]) -> Any:
    """By hand."""
    w, X, y = inputs
    m = -y * (X @ w)
    p = 1 / (1 + np.exp(-m))
    return np.logaddexp(0.0, m).sum() + strength * (w @ w), 2 * strength * w - (y * p) @ X


def first_call(name: str, inputs: tuple[Any, ...], strength: float) -> Any:
    """From nothing to the results."""
    if name in ("symgrad", "by hand"):
        return (symgrad_ridge if name == "symgrad" else numpy_ridge)(strength, inputs)
    task = Task(ridge(strength), wrt=(0,), wanted=("value", "gradient"))
    return PEERS[name](task, inputs)()


def warm(name: str) -> Builder:
    """In a process that has done the like before; the formula is new each time."""

    def build(*inputs: Any) -> Run:
        results = first_call(name, inputs, 0.0)

        def run() -> Any:
            begun = time.perf_counter()
            first_call(name, inputs, next(counter) * 2.0**-20)
            return time.perf_counter() - begun, results

        return run

    return build


def measure_first_call(name: str, n: int) -> tuple[float, Any]:
    """Seconds from nothing to the results, once the library is imported."""
    if name in PEERS:
        PEERS[name](*trivial())  # imports the library and starts its machinery
    inputs = rows(n, np.random.default_rng(0))
    begun = time.perf_counter()
    results = first_call(name, inputs, 0.0)
    return time.perf_counter() - begun, results


def trivial() -> tuple[Task, tuple[float]]:
    """A task that costs nothing."""
    return Task(lambda xp, x: 2.0 * x, (0,), ("value",), elementwise=True), (1.0,)


# Peak memory of an elementwise formula


def measure_memory(name: str, n: int) -> tuple[float, Any]:
    """Megabytes that a call takes at its peak, beyond the inputs and the outputs."""
    inputs = points(n, np.random.default_rng(0))
    task = Task(formula, wrt=(0, 1, 2), wanted=("value", "gradient"), elementwise=True)
    few = tuple(a[:4096] if np.ndim(a) else a for a in inputs)
    if name == "by hand":
        numpy_points(*few)
        run: Run = lambda: numpy_points(*inputs)  # noqa: E731
    elif name == "symgrad":
        f = symgrad_points()
        f(*few)
        run = lambda: f(*inputs)  # noqa: E731
    else:
        run = PEERS[name](task, inputs)
    before = resident(reset=True)
    results = flat(run())
    taken = resident() - before
    return taken - sum(a.nbytes for a in results) / 2**20, [a[:4096] for a in results]


def resident(reset: bool = False) -> float:
    """The peak of resident memory in megabytes since the last reset (Linux)."""
    if reset:
        Path("/proc/self/clear_refs").write_text("5")
    status = Path("/proc/self/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


# In a process of its own

COSTS = {"first_call": measure_first_call, "memory": measure_memory}


def fresh(cost: str, name: str) -> Builder:
    """A participant that measures itself in a new process each time."""

    def build(n: int) -> Run:
        def run() -> Any:
            command = [sys.executable, "-m", "benchmarks.cases.costs", cost, name, str(n)]
            done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
            answer = json.loads(done.stdout.splitlines()[-1]) if done.returncode == 0 else {}
            if "figure" not in answer:
                lines = done.stderr.strip().splitlines() or [""]
                raise Absent(answer.get("absent", lines[-1]))
            return answer["figure"], [np.array(r) for r in answer["results"]]

        return run

    return build


def main(cost: str, name: str, size: str) -> None:
    """Print a measurement as JSON."""
    try:
        figure, results = COSTS[cost](name, int(size))
        print(json.dumps({"figure": figure, "results": [a.tolist() for a in flat(results)]}))
    except Absent as reason:
        print(json.dumps({"absent": str(reason)}))


ARRAYS = ("symgrad", "by hand", "jax.jit", "autograd", "torch", "PyTensor")
FORMULAS = ("symgrad", "by hand", "sympy.lambdify", "sympy cse", "numexpr", "jax.jit", "autograd")

WARM = Case(
    name="first_call_warm",
    title="first call of a new logistic regression, warm process",
    inputs=rows,
    sizes=(100,),
    tiny=5,
    participants={name: warm(name) for name in ARRAYS},
    reported=True,
)

FRESH = Case(
    name="first_call",
    title="first call of a logistic regression, fresh process",
    inputs=lambda n, rng: (n,),
    sizes=(100,),
    tiny=5,
    participants={name: fresh("first_call", name) for name in ARRAYS},
    reported=True,
)

MEMORY = Case(
    name="memory",
    title="peak memory beyond inputs and outputs, formula at {n} points",
    inputs=lambda n, rng: (n,),
    sizes=(4_000_000,),
    quick=(1_000_000,),
    tiny=5_000,
    participants={name: fresh("memory", name) for name in FORMULAS},
    reported=True,
    unit="MB",
    tolerance=1e-11,
)

CASES = [FRESH, WARM, MEMORY]

if __name__ == "__main__":
    main(*sys.argv[1:])
