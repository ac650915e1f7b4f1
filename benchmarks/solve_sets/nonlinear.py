"""The 23 systems of NonlinearProblemLibrary (SciML), after Burkardt's ``test_nonlin``.

Most are by More, Garbow and Hillstrom (TOMS 7, 1981); the others by Hammarling, by Dennis and Schnabel, by
Boggs, and Chandrasekhar's H equation.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
import scipy.optimize
import scipy.sparse

import symgrad as sg
from benchmarks.solve_sets.task import Task, ours, theirs

Problem = tuple[str, Any, Any, Any]  # name, equations, unknown and start


def _of(n: int) -> tuple[Any, list[Any]]:
    x = sg.vector("x", n)
    return x, [x[i] for i in range(n)]


def small() -> Iterator[Problem]:
    """Systems of one to four unknowns, and of matrices."""
    x, (a, b, c, d) = _of(4)
    r5, r10 = np.sqrt(5.0), np.sqrt(10.0)
    yield (
        "Powell singular",
        [a + 10 * b, r5 * (c - d), (b - 2 * c) ** 2, r10 * (a - d) ** 2],
        x,
        [3.0, -1.0, 0.0, 1.0],
    )
    s, t = b - a**2, d - c**2
    wood = [
        -200 * a * s - (1 - a),
        200 * s + 20.2 * (b - 1) + 19.8 * (d - 1),
        -180 * c * t - (1 - c),
        180 * t + 20.2 * (d - 1) + 19.8 * (b - 1),
    ]
    yield "Wood", wood, x, [-3.0, -1.0, -3.0, -1.0]
    x, (a, b, c) = _of(3)
    turn = sg.arctan2(b, a) / (2 * np.pi)
    helix = [10 * (c - 10 * turn), 10 * (sg.sqrt(a**2 + b**2) - 1), c]
    yield "Helical valley", helix, x, [-1.0, 0.0, 0.0]
    x, (a, b) = _of(2)
    scaled = [10000 * a * b - 1, sg.exp(-a) + sg.exp(-b) - 1.0001]
    yield "Powell badly scaled", scaled, x, [0.0, 1.0]
    ti = np.arange(1, 30) / 29
    residuals = [b - (a + b * ti) ** 2 - 1, a, b - a**2 - 1]
    watson = sum([sg.sum(r**2) for r in residuals[1:]], sg.sum(residuals[0] ** 2)) / 2
    yield "Watson", sg.grad(watson, x), x, [0.0, 0.0]
    yield "Dennis and Schnabel", [a + b - 3, a**2 + b**2 - 9], x, [1.0, 5.0]
    parted = [-(b**2) * sg.expm1(-(a**2)) / a, -a * sg.expm1(-(b**2)) / b]
    yield "Sample 18", parted, x, [2.0, 2.0]
    yield "Sample 19", [a * (a**2 + b**2), b * (a**2 + b**2)], x, [3.0, 3.0]
    valley = [a - b**3 + 5 * b**2 - 2 * b - 13, a + b**3 + b**2 - 14 * b - 29]
    yield "Freudenstein and Roth", valley, x, [0.5, -2.0]
    yield "Boggs", [a**2 - b + 1, a - sg.cos(np.pi * b / 2)], x, [1.0, 0.0]
    x, (a,) = _of(1)
    yield "Scalar", [a * (a - 5) ** 2], x, [1.0]
    for n in (2, 3):
        X = sg.matrix("X", (n, n))
        square = 1e-4 * np.eye(n)
        square[0, 1] = 1.0
        yield f"Hammarling, {n} x {n}", X @ X - square, X, np.eye(n)


def chains(n: int = 10) -> Iterator[Problem]:
    """Systems of any number of unknowns."""
    x, _ = _of(n)
    k, one, zero = np.arange(1.0, n + 1), sg.ones(1), sg.zeros(1)
    yield (
        "Generalized Rosenbrock",
        sg.concatenate([one - x[:1], 10 * (x[1:] - x[:-1] ** 2)]),
        x,
        [-1.2, *[1.0] * (n - 1)],
    )
    y, _ = _of(2)
    t = 2 * y - 1
    yield "Chebyquad", [sg.mean(t), sg.mean(2 * t**2 - 1) + 1 / 3], y, [1 / 3, 2 / 3]
    linear = sg.concatenate([x[:-1] + sg.sum(x) - (n + 1), (sg.prod(x) - 1) * one])
    yield "Brown almost linear", linear, x, [0.5] * n
    h = 1.0 / (n + 1)
    t = h * k
    left, right = (sg.concatenate(p) for p in ([zero, x[:-1]], [x[1:], zero]))
    cube = (x + t + 1) ** 3
    yield "Discrete boundary value", 2 * x - left - right + h**2 * cube / 2, x, t * (t - 1)
    below = np.tril(np.ones((n, n)))
    kernel = (1 - t)[:, None] * t * below + t[:, None] * (1 - t) * (1 - below)
    yield "Discrete integral", x + h / 2 * (kernel @ cube), x, t * (t - 1)
    waves = n - sg.sum(sg.cos(x)) + k * (1 - sg.cos(x)) - sg.sin(x)
    yield "Trigonometric", waves, x, [1.0 / n] * n
    s = sg.sum(k * (x - 1))
    yield "Variably dimensioned", x - 1 + k * s * (1 + 2 * s**2), x, 1 - k / n
    yield "Broyden tridiagonal", (3 - 2 * x) * x - left - 2 * right + 1, x, [-1.0] * n
    i = np.arange(n)
    near = (i[:, None] - i <= 5) & (i - i[:, None] <= 1) & (i[:, None] != i)
    banded = x * (2 + 5 * x**2) + 1 - (1.0 * near) @ (x * (1 + x))
    yield "Broyden banded", banded, x, [-1.0] * n
    mu = (k - 0.5) / n
    weights = 0.9 / (2 * n) * mu[:, None] / (mu[:, None] + mu)
    yield "Chandrasekhar", x - 1 / (1 - weights @ x), x, [1.0] * n


def library() -> Iterator[Task]:
    """All of them, beside MINPACK's hybr and lm."""
    for name, given, x, start in (*small(), *chains()):
        F = sg.stack(given) if isinstance(given, list) else given
        F = F if F.shape == x.shape else sg.reshape(F, x.shape)
        p = sg.scipy_problem(sg.reshape(F, (-1,)), x)
        x0 = np.asarray(start, float)
        solvers = {"symgrad": partial(ours, sg.newton_root(F, x), x0)}
        for method in ("hybr", "lm"):
            run = partial(
                scipy.optimize.root, p.fun, x0.ravel(), jac=p.jac, method=method, tol=1e-12
            )
            solvers[method] = partial(theirs, run)

        def right(at: Any, p: Any = p) -> bool:
            return float(np.abs(p.fun(np.ravel(at))).max()) < 1e-7

        yield Task("NonlinearProblemLibrary", name, solvers, right)


def bundles(
    sizes: tuple[tuple[int, int, int], ...] = ((5, 60, 400), (20, 260, 1500)),
) -> Iterator[Task]:
    """Bundle adjustment, beside SciPy's trust region with sparse Jacobians."""
    from tests.solve.bundle import problem

    for cameras, points, seen in sizes:
        r, unknowns, starts = problem(cameras, points, seen)
        flat = sg.reshape(r, (-1,))
        value = sg.lambdify(unknowns, flat)
        blocks = [
            sg.reshape(sg.jacobian(flat, u), (flat.shape[0], u.shape[0] * u.shape[1]))
            for u in unknowns
        ]
        slope = sg.lambdify(unknowns, blocks, sparse="csr")
        shapes, stop = [s.shape for s in starts], starts[0].size

        def parts(z: Any, shapes: Any = shapes, stop: int = stop) -> list[Any]:
            return [z[:stop].reshape(shapes[0]), z[stop:].reshape(shapes[1])]

        def fun(z: Any, value: Any = value, parts: Any = parts) -> Any:
            return value(*parts(z))

        def jac(z: Any, slope: Any = slope, parts: Any = parts) -> Any:
            return scipy.sparse.hstack(slope(*parts(z)), format="csr")

        run = partial(
            scipy.optimize.least_squares,
            *(fun, np.concatenate([s.ravel() for s in starts])),
            jac=jac,
            method="trf",
            x_scale="jac",
            tr_solver="lsmr",
            ftol=1e-10,
            xtol=1e-10,
            gtol=1e-10,
        )
        solvers = {
            "symgrad": partial(ours, sg.least_squares(r, unknowns), starts),
            "trf": partial(theirs, run),
        }

        def right(at: Any, fun: Any = fun, jac: Any = jac) -> bool:
            z = np.concatenate([np.ravel(v) for v in at]) if isinstance(at, list) else at
            left, matrix = fun(z), jac(z)
            columns = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=0)).ravel())
            slopes = np.abs(matrix.T @ left) / (columns * np.linalg.norm(left))
            return bool(slopes.max() < 1e-4)

        yield Task("bundle adjustment", f"{cameras} cameras, {points} points", solvers, right)
