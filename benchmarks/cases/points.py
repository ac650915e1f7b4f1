"""A formula of scalars: at one number, at one point of five variables, and at many points."""

from __future__ import annotations

from functools import partial
from math import cos, exp, log, sin, sqrt, tanh
from typing import Any

import numpy as np

import symgrad as sg
from benchmarks.case import Case, Run, Task, by_hand, calls, library, ours


def formula(xp: Any, S: Any, K: Any, T: Any, r: Any, v: Any) -> Any:
    """Something like the price of an option, and something like diffraction."""
    d = (xp.log(S / K) + (r + v * v / 2) * T) / (v * xp.sqrt(T))
    return xp.exp(-r * T) * K * xp.tanh(d) + xp.sin(S) * xp.cos(K) / (1 + S * S)


def points(n: int, rng: np.random.Generator) -> tuple[Any, ...]:
    """`n` points of S, K, T with one r and v."""
    return (rng.uniform(50, 150, n), rng.uniform(50, 150, n), rng.uniform(0.1, 2, n), 0.03, 0.2)


def point(n: int, rng: np.random.Generator) -> tuple[float, ...]:
    """One point."""
    return (103.0, 98.0, 0.75, 0.03, 0.2)


# Many points


def symgrad_points(**options: Any) -> Any:
    """The formula and its derivatives by S, K, T."""
    S, K, T, r, v = sg.symbols("S K T r v")
    f = formula(sg, S, K, T, r, v)
    return sg.lambdify([S, K, T, r, v], [f, *sg.grad(f, [S, K, T])], **options)


def numpy_points(S: Any, K: Any, T: Any, r: Any, v: Any) -> Any:
    """As written with care, every shared part computed once."""
    discount, spread, slope = np.exp(-r * T), v * np.sqrt(T), r + v * v / 2
    d = (np.log(S / K) + slope * T) / spread
    t = np.tanh(d)
    cost = discount * K
    sech2 = cost * (1 - t * t)
    sin_S, cos_K, q = np.sin(S), np.cos(K), 1 / (1 + S * S)
    by_S = sech2 / (S * spread) + (np.cos(S) - 2 * S * sin_S * q) * cos_K * q
    by_K = discount * t - sech2 / (K * spread) - sin_S * np.sin(K) * q
    by_T = -r * cost * t + sech2 * (slope / spread - d / (2 * T))
    return cost * t + sin_S * cos_K * q, by_S, by_K, by_T


def numba_points(*inputs: Any, parallel: bool = True) -> Run:
    """One loop with fast arithmetic, on all threads."""
    numba = library("numba")

    @numba.njit(parallel=parallel, fastmath=True)
    def work(S, K, T, r, v):
        f, f_S, f_K, f_T = np.empty_like(S), np.empty_like(S), np.empty_like(S), np.empty_like(S)
        slope = r + v * v / 2
        for i in numba.prange(S.size):
            s, k, time = S[i], K[i], T[i]
            discount, spread = exp(-r * time), v * sqrt(time)
            d = (log(s / k) + slope * time) / spread
            t = tanh(d)
            cost = discount * k
            sech2 = cost * (1 - t * t)
            sin_s, cos_k, q = sin(s), cos(k), 1 / (1 + s * s)
            f[i] = cost * t + sin_s * cos_k * q
            f_S[i] = sech2 / (s * spread) + (cos(s) - 2 * s * sin_s * q) * cos_k * q
            f_K[i] = discount * t - sech2 / (k * spread) - sin_s * sin(k) * q
            f_T[i] = -r * cost * t + sech2 * (slope / spread - d / (2 * time))
        return f, f_S, f_K, f_T

    work(*inputs)
    return lambda: work(*inputs)


MANY = Case(
    name="points",
    title="formula and 3 derivatives, {n} points",
    inputs=points,
    sizes=(100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000),
    quick=(100, 1_000, 100_000, 1_000_000),
    tiny=7,
    task=Task(formula, wrt=(0, 1, 2), wanted=("value", "gradient"), elementwise=True),
    participants={
        "by hand": by_hand(numpy_points),
        **ours(symgrad_points),
        "fast_math": calls(symgrad_points, "fast_math"),
        "native fast_math": calls(symgrad_points, "fast_math", backend="native"),
        "numba": numba_points,
        "numba, one thread": partial(numba_points, parallel=False),
    },
    tolerance=1e-11,
)


# One point


def symgrad_gradient(**options: Any) -> Any:
    """By all five."""
    five = sg.symbols("S K T r v")
    return sg.lambdify(five, sg.grad(formula(sg, *five), five), **options)


def symgrad_hessian(**options: Any) -> Any:
    """By all five, as rows."""
    five = sg.symbols("S K T r v")
    return sg.lambdify(five, sg.hessian(formula(sg, *five), five), **options)


GRADIENT = Case(
    name="gradient5",
    title="gradient by 5 variables, one point",
    inputs=point,
    sizes=(1,),
    tiny=1,
    task=Task(formula, wrt=(0, 1, 2, 3, 4), wanted=("gradient",), elementwise=True),
    participants={**ours(symgrad_gradient)},
    reference="sympy.lambdify",
    tolerance=1e-11,
)

HESSIAN = Case(
    name="hessian5",
    title="Hessian by 5 variables, one point",
    inputs=point,
    sizes=(1,),
    tiny=1,
    task=Task(formula, wrt=(0, 1, 2, 3, 4), wanted=("hessian",), elementwise=True),
    participants={**ours(symgrad_hessian)},
    reference="sympy.lambdify",
    tolerance=1e-10,
)


# One number


def quartic(xp: Any, x: Any) -> Any:
    """Two minima and a maximum."""
    return x**4 - 2 * x**2


def symgrad_slope(**options: Any) -> Any:
    """4*x**3 - 4*x."""
    x = sg.symbol("x")
    return sg.lambdify(x, sg.grad(quartic(sg, x), x), **options)


def python_slope(x: float) -> float:
    """By hand."""
    return 4 * x**3 - 4 * x


def numba_slope(x: float) -> Run:
    """By hand, compiled."""
    numba = library("numba")
    work = numba.njit(python_slope)
    work(x)
    return lambda: work(x)


SCALAR = Case(
    name="scalar",
    title="derivative of x**4 - 2*x**2, one number",
    inputs=lambda n, rng: (1.7,),
    sizes=(1,),
    tiny=1,
    task=Task(quartic, wrt=(0,), wanted=("gradient",), elementwise=True),
    participants={
        "by hand": by_hand(python_slope),
        **ours(symgrad_slope),
        "numba": numba_slope,
    },
)

CASES = [SCALAR, GRADIENT, HESSIAN, MANY]
