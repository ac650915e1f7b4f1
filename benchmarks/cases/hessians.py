"""Hessians of matrix formulas: the table of Laue, Mitterreiter and Giesen (NeurIPS 2018)."""

from __future__ import annotations

from typing import Any

import numpy as np

import symgrad as sg
from benchmarks.case import Case, Task, by_hand, calls, ours
from benchmarks.cases.learning import logistic_loss

EAGER = frozenset({"PyTensor", "torch"})  # one row at a time


def quadratic(xp: Any, x: Any, A: Any) -> Any:
    """x' A x."""
    return x @ A @ x


def symgrad_quadratic(**options: Any) -> Any:
    """A + A'."""
    x, A = sg.vector("x", "n"), sg.matrix("A", ("n", "n"))
    return sg.lambdify([x, A], sg.hessian(quadratic(sg, x, A), x), **options)


QUADRATIC = Case(
    name="quadratic",
    title="Hessian of x' A x, n={n}",
    inputs=lambda n, rng: (rng.normal(size=n), rng.normal(size=(n, n))),
    sizes=(100, 1_000),
    quick=(100,),
    tiny=4,
    task=Task(quadratic, wrt=(0,), wanted=("hessian",)),
    participants={
        "by hand": by_hand(lambda x, A: A + A.T),
        **ours(symgrad_quadratic),
    },
    excluded=EAGER,
)


def symgrad_logistic(**options: Any) -> Any:
    """X' diag(...) X."""
    w, X, y = sg.vector("w", "n"), sg.matrix("X", ("m", "n")), sg.vector("y", "m")
    return sg.lambdify([w, X, y], sg.hessian(logistic_loss(sg, w, X, y), w), **options)


def numpy_logistic(w: Any, X: Any, y: Any) -> Any:
    """y**2 is 1 for labels, but nobody told."""
    p = 1 / (1 + np.exp(y * (X @ w)))
    return (X.T * (y * y * p * (1 - p))) @ X


def twice_as_many(n: int, rng: np.random.Generator) -> tuple[Any, ...]:
    """2 n rows of n features."""
    X = rng.normal(size=(2 * n, n))
    return rng.normal(size=n) / np.sqrt(n), X, rng.choice([-1.0, 1.0], 2 * n)


LOGISTIC = Case(
    name="logistic_hessian",
    title="Hessian of logistic regression, 2n x n, n={n}",
    inputs=twice_as_many,
    sizes=(100, 1_000),
    tiny=4,
    task=Task(logistic_loss, wrt=(0,), wanted=("hessian",)),
    participants={"by hand": by_hand(numpy_logistic), **ours(symgrad_logistic)},
    excluded=EAGER,
)


def factorisation(xp: Any, U: Any, V: Any, T: Any) -> Any:
    """|T - U V'|**2."""
    return xp.sum((T - U @ V.T) ** 2)


def factors(n: int, rng: np.random.Generator) -> tuple[Any, ...]:
    """An n by n matrix and two factors of rank 5."""
    return rng.normal(size=(n, 5)), rng.normal(size=(n, 5)), rng.normal(size=(n, n))


def symgrad_factorisation(**options: Any) -> Any:
    """2 V' V for each row."""
    U, V = sg.matrix("U", ("m", "k")), sg.matrix("V", ("n", "k"))
    T = sg.matrix("T", ("m", "n"))
    hessian = sg.hessian(factorisation(sg, U, V, T), U)
    return sg.lambdify([U, V, T], hessian, **options)


def numpy_factorisation(U: Any, V: Any, T: Any) -> Any:
    """Zeros, and a strided view of the blocks on the diagonal."""
    m, k = U.shape
    out = np.zeros((m, k, m, k))
    np.einsum("iaib->iab", out)[...] = 2 * V.T @ V
    return out


FACTORISATION = Case(
    name="factorisation",
    title="Hessian of matrix factorisation, n={n}, k=5",
    inputs=factors,
    sizes=(100,),
    tiny=4,
    task=Task(factorisation, wrt=(0,), wanted=("hessian",)),
    participants={
        "by hand": by_hand(numpy_factorisation),
        **ours(symgrad_factorisation),
        "structured": calls(symgrad_factorisation, "structured"),
    },
    excluded=EAGER,
)


def small_network(xp: Any, W: Any, c: Any, X: Any, Y: Any) -> Any:
    """The log-loss of one hidden layer of tanh."""
    return xp.sum(xp.logaddexp(0.0, -Y * (xp.tanh(X @ W) @ c)))


def layer(n: int, rng: np.random.Generator) -> tuple[Any, ...]:
    """500 rows of n features, 10 units."""
    W, X = rng.normal(size=(n, 10)) / np.sqrt(n), rng.normal(size=(500, n))
    return W, rng.normal(size=10), X, rng.choice([-1.0, 1.0], 500)


def symgrad_network(**options: Any) -> Any:
    """By the weights of the hidden layer."""
    W, c = sg.matrix("W", ("p", "q")), sg.vector("c", "q")
    X, Y = sg.matrix("X", ("n", "p")), sg.vector("Y", "n")
    return sg.lambdify([W, c, X, Y], sg.hessian(small_network(sg, W, c, X, Y), W), **options)


def numpy_network(W: Any, c: Any, X: Any, Y: Any) -> Any:
    """A rank-one and a diagonal term in the units, for each pair of features."""
    (n, p), q = X.shape, len(c)
    H = np.tanh(X @ W)
    s = 1 / (1 + np.exp(Y * (H @ c)))
    slope = c * (1 - H * H)
    whole = X[:, :, None] * slope[:, None, :]
    flat = whole.reshape(n, p * q)
    out = ((flat.T * (Y * Y * s * (1 - s))) @ flat).reshape(p, q, p, q)
    bend = (Y * s)[:, None] * 2 * H * slope  # of -Y*s times the second derivative of tanh
    for unit in range(q):
        out[:, unit, :, unit] += (X.T * bend[:, unit]) @ X
    return out


NETWORK = Case(
    name="network_hessian",
    title="Hessian of a small neural net, {n} x 10 weights",
    inputs=layer,
    sizes=(20,),
    tiny=3,
    task=Task(small_network, wrt=(0,), wanted=("hessian",)),
    participants={"by hand": by_hand(numpy_network), **ours(symgrad_network)},
    excluded=EAGER,
)

CASES = [QUADRATIC, LOGISTIC, FACTORISATION, NETWORK]
