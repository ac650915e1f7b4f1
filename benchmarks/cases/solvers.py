"""Newton's method: one number, a million numbers, ten thousand systems, one large sparse system."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import symgrad as sg
from benchmarks.case import Absent, Case, Run, library


def solvers(make: Callable[..., Any]) -> dict[str, Callable[..., Run]]:
    """The solver in NumPy code, and in machine code."""
    return {"symgrad": solver(make), "native": solver(make, backend="native")}


def solver(make: Callable[..., Any], **options: Any) -> Callable[..., Run]:
    """A participant that makes a solver once, and reads the solution of each call."""

    def build(*inputs: Any) -> Run:
        if not hasattr(sg, "newton_root"):
            raise Absent("symgrad has no newton_root")
        if options:
            library("llvmlite")
        solve = make(**options)
        return lambda: solve(*inputs).x

    return build


def scipy(work: Callable[..., Any]) -> Callable[..., Run]:
    """A participant that calls SciPy with derivatives written by hand."""

    def build(*inputs: Any) -> Run:
        optimize = library("scipy.optimize")
        return lambda: work(optimize, *inputs)

    return build


# One number


def symgrad_cubic(**options: Any) -> Any:
    """A root of the slope of x**4 - 2*x**2."""
    x = sg.symbol("x")
    return sg.newton_root(4 * x**3 - 4 * x, x, **options)


def python_cubic(x0: float) -> Run:
    """The loop by hand."""

    def work() -> float:
        x = x0
        for _ in range(50):
            step = (4 * x**3 - 4 * x) / (12 * x**2 - 4)
            x -= step
            if abs(step) < 1e-12:
                break
        return x

    return work


CUBIC = Case(
    name="newton",
    title="Newton on 4*x**3 - 4*x from 2",
    inputs=lambda n, rng: (2.0,),
    sizes=(1,),
    tiny=1,
    participants={
        "by hand": python_cubic,
        **solvers(symgrad_cubic),
        "SciPy": scipy(
            lambda optimize, x0: optimize.newton(
                lambda x: 4 * x**3 - 4 * x, x0, fprime=lambda x: 12 * x**2 - 4
            )
        ),
    },
    tolerance=1e-7,
)


# Kepler's equation


def anomalies(n: int, rng: np.random.Generator) -> tuple[Any, ...]:
    """Starts, mean anomalies and eccentricities of `n` orbits."""
    M = rng.uniform(0, np.pi, n)
    return M, M, rng.uniform(0, 0.7, n)


def symgrad_kepler(**options: Any) -> Any:
    """E - e sin(E) = M."""
    E, M, e = sg.symbols("E M e")
    return sg.newton_root(E - e * sg.sin(E) - M, E, [M, e], **options)


def numpy_kepler(E: Any, M: Any, e: Any) -> Run:
    """Twelve iterations for all."""

    def work() -> Any:
        x = E
        for _ in range(12):
            x = x - (x - e * np.sin(x) - M) / (1 - e * np.cos(x))
        return x

    return work


KEPLER = Case(
    name="kepler",
    title="Kepler's equation for {n} anomalies",
    inputs=anomalies,
    sizes=(1_000_000,),
    quick=(100_000,),
    tiny=11,
    participants={
        "by hand": numpy_kepler,
        **solvers(symgrad_kepler),
        "SciPy": scipy(
            lambda optimize, E, M, e: optimize.newton(
                lambda x, M, e: x - e * np.sin(x) - M,
                E,
                fprime=lambda x, M, e: 1 - e * np.cos(x),
                args=(M, e),
            )
        ),
    },
    tolerance=1e-7,
)


# Small systems


def circles(n: int, rng: np.random.Generator) -> tuple[Any, ...]:
    """Circles and hyperbolas that meet near (2, 1)."""
    return np.tile([2.0, 1.0], (n, 1)), rng.uniform(4.5, 5.5, n), rng.uniform(1.8, 2.2, n)


def symgrad_systems(**options: Any) -> Any:
    """x**2 + y**2 = a, x*y = b."""
    x, y, a, b = sg.symbols("x y a b")
    return sg.newton_root([x**2 + y**2 - a, x * y - b], [x, y], [a, b], **options)


def numpy_systems(start: Any, a: Any, b: Any) -> Run:
    """With p = x + y and m = x - y: p**2 = a + 2 b, m**2 = a - 2 b."""

    def work() -> Any:
        plus, minus = np.sqrt(a + 2 * b), np.sqrt(a - 2 * b)
        return np.stack([(plus + minus) / 2, (plus - minus) / 2], axis=-1)

    return work


def scipy_systems(optimize: Any, start: Any, a: Any, b: Any) -> Any:
    """One after the other."""

    def equations(z: Any, a: float, b: float) -> Any:
        x, y = z
        return [x * x + y * y - a, x * y - b]

    def jacobian(z: Any, a: float, b: float) -> Any:
        x, y = z
        return [[2 * x, 2 * y], [y, x]]

    rows = zip(start, a, b, strict=True)
    return [optimize.root(equations, z, args=(p, q), jac=jacobian).x for z, p, q in rows]


SYSTEMS = Case(
    name="systems",
    title="{n} systems of two equations",
    inputs=circles,
    sizes=(10_000,),
    quick=(1_000,),
    tiny=5,
    participants={
        "by hand": numpy_systems,
        **solvers(symgrad_systems),
        "SciPy": scipy(scipy_systems),
    },
    reference="by hand",
    tolerance=1e-7,
)

# A large sparse system: Bratu's problem on a square grid

HEAT = 6.0


def grid(m: int, rng: np.random.Generator) -> tuple[Any, ...]:
    """The start on a grid of m by m points."""
    return (np.zeros(m * m),)


def symgrad_bratu(start: Any) -> Run:
    """-laplace(u) = HEAT*exp(u), u = 0 around the square, by second differences."""
    if not hasattr(sg, "newton_root"):
        raise Absent("symgrad has no newton_root")
    m = int(np.sqrt(start.size))
    z = sg.vector("z", m * m)
    u = sg.reshape(z, (m, m))
    p = sg.pad(u, 1)
    laplace = 4 * u - p[2:, 1:-1] - p[:-2, 1:-1] - p[1:-1, 2:] - p[1:-1, :-2]
    equations = sg.reshape(laplace - HEAT / (m + 1) ** 2 * sg.exp(u), (m * m,))
    solve = sg.newton_root(equations, z, method="sparse")
    return lambda: solve(start).x


def splu_bratu(start: Any) -> Run:
    """Newton's method by hand, with SciPy's sparse factors."""
    sparse, linalg = library("scipy.sparse"), library("scipy.sparse.linalg")
    m = int(np.sqrt(start.size))
    line = sparse.diags([-np.ones(m - 1), 2 * np.ones(m), -np.ones(m - 1)], [-1, 0, 1])
    eye = sparse.eye(m)
    laplace = (sparse.kron(eye, line) + sparse.kron(line, eye)).tocsc()

    def work() -> Any:
        x = start
        for _ in range(50):
            source = HEAT / (m + 1) ** 2 * np.exp(x)
            step = linalg.splu((laplace - sparse.diags(source)).tocsc()).solve(source - laplace @ x)
            x = x + step
            if np.abs(step).max() <= 1e-12 * np.abs(x).max():
                break
        return x

    return work


BRATU = Case(
    name="bratu",
    title="Bratu's problem on a grid of {n} by as many points",
    inputs=grid,
    sizes=(100,),
    quick=(50,),
    tiny=6,
    participants={"by hand": splu_bratu, "symgrad": symgrad_bratu},
    reference="by hand",
    tolerance=1e-9,
)

CASES = [CUBIC, KEPLER, SYSTEMS, BRATU]
