"""Energies and their forces."""

from __future__ import annotations

from typing import Any

import numpy as np

import symgrad as sg
from benchmarks.case import Case, Run, Task, by_hand, library, ours

# Particles


def lennard_jones(xp: Any, x: Any, other: Any) -> Any:
    """The sum of 4 (r**-12 - r**-6) over pairs; `other` is 0 on the diagonal and 1 elsewhere."""
    r = x[:, None, :] - x[None, :, :]
    s = other / (xp.sum(r**2, axis=2) + 1 - other) ** 3
    return 2 * xp.sum(s**2 - s)


def particles(n: int, rng: np.random.Generator) -> tuple[Any, ...]:
    """A cubic lattice, shaken."""
    side = int(np.ceil(n ** (1 / 3)))
    lattice = np.stack(np.meshgrid(*3 * [np.arange(side)]), axis=-1).reshape(-1, 3)[:n]
    return 1.1 * lattice + rng.uniform(-0.1, 0.1, (n, 3)), 1 - np.eye(n)


def symgrad_particles(**options: Any) -> Any:
    """Energy and its gradient."""
    x, other = sg.matrix("x", ("n", 3)), sg.matrix("other", ("n", "n"))
    energy = lennard_jones(sg, x, other)
    return sg.lambdify([x, other], [energy, sg.grad(energy, x)], **options)


def numpy_particles(x: Any, other: Any) -> Any:
    """Forces as a difference of products; no array of all pairs and axes."""
    square = np.zeros_like(other)
    for axis in x.T:
        square += (axis[:, None] - axis) ** 2
    inverse = other / (square + 1 - other)
    s = inverse * inverse * inverse
    pull = (2 * s - 1) * s * inverse
    return 2 * (s * s - s).sum(), -24 * (pull.sum(axis=1)[:, None] * x - pull @ x)


def numba_particles(x: Any, other: Any) -> Run:
    """A parallel loop over all pairs."""
    numba = library("numba")

    @numba.njit(parallel=True, fastmath=True)
    def work(x):
        n = len(x)
        gradient, energy = np.zeros_like(x), 0.0
        for i in numba.prange(n):
            e = a = b = c = 0.0
            for j in range(n):
                if i != j:
                    dx, dy, dz = x[i, 0] - x[j, 0], x[i, 1] - x[j, 1], x[i, 2] - x[j, 2]
                    q = 1 / (dx * dx + dy * dy + dz * dz)
                    s = q * q * q
                    e += s * s - s
                    pull = -24 * (2 * s - 1) * s * q
                    a, b, c = a + pull * dx, b + pull * dy, c + pull * dz
            energy += 2 * e
            gradient[i, 0], gradient[i, 1], gradient[i, 2] = a, b, c
        return energy, gradient

    work(x)
    return lambda: work(x)


PARTICLES = Case(
    name="particles",
    title="Lennard-Jones energy and forces, {n} particles",
    inputs=particles,
    sizes=(1_000,),
    tiny=9,
    task=Task(lennard_jones, wrt=(0,), wanted=("value", "gradient")),
    participants={
        "by hand": by_hand(numpy_particles),
        **ours(symgrad_particles),
        "numba": numba_particles,
    },
    tolerance=1e-11,
)


# A membrane on a grid


def membrane(xp: Any, u: Any) -> Any:
    """Half the squared differences of neighbours; its gradient is a stencil."""
    down, right = u[1:, :] - u[:-1, :], u[:, 1:] - u[:, :-1]
    return (xp.sum(down**2) + xp.sum(right**2)) / 2


def grid(n: int, rng: np.random.Generator) -> tuple[Any, ...]:
    """n by n heights."""
    return (rng.normal(size=(n, n)),)


def symgrad_membrane(**options: Any) -> Any:
    """The gradient of the energy."""
    u = sg.matrix("u", ("n", "n"))
    return sg.lambdify(u, sg.grad(membrane(sg, u), u), **options)


def numpy_membrane(u: Any) -> Any:
    """Every difference goes to both of its ends."""
    out = np.zeros_like(u)
    down, right = u[1:] - u[:-1], u[:, 1:] - u[:, :-1]
    out[1:] += down
    out[:-1] -= down
    out[:, 1:] += right
    out[:, :-1] -= right
    return out


def numba_membrane(u: Any) -> Run:
    """A parallel loop over rows."""
    numba = library("numba")

    @numba.njit(parallel=True, fastmath=True)
    def work(u):
        n, m = u.shape
        out = np.empty_like(u)
        for i in numba.prange(n):
            for j in range(m):
                x = u[i, j]
                g = 0.0
                if i > 0:
                    g += x - u[i - 1, j]
                if i < n - 1:
                    g += x - u[i + 1, j]
                if j > 0:
                    g += x - u[i, j - 1]
                if j < m - 1:
                    g += x - u[i, j + 1]
                out[i, j] = g
        return out

    work(u)
    return lambda: work(u)


STENCIL = Case(
    name="stencil",
    title="gradient of a membrane's energy, {n} x {n} grid",
    inputs=grid,
    sizes=(2_048,),
    quick=(1_024,),
    tiny=5,
    task=Task(membrane, wrt=(0,), wanted=("gradient",)),
    participants={
        "by hand": by_hand(numpy_membrane),
        **ours(symgrad_membrane),
        "numba": numba_membrane,
    },
)

CASES = [PARTICLES, STENCIL]
