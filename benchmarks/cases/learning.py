"""Losses of machine learning and statistics, and their derivatives."""

from __future__ import annotations

from typing import Any

import numpy as np

import symgrad as sg
from benchmarks.case import Case, Task, by_hand, ours


def softmax(a: Any) -> Any:
    """Along the last axis."""
    e = np.exp(a - a.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


# Softmax regression


def cross_entropy(xp: Any, W: Any, X: Any, Y: Any) -> Any:
    """The mean over rows of -log of the probability of the right class; `Y` is one-hot."""
    Z = X @ W
    return (xp.logsumexp(Z, axis=1) - xp.sum(Y * Z, axis=1)).sum() / 2000


def classes(n: int, rng: np.random.Generator) -> tuple[Any, ...]:
    """`n` rows of 100 features in 10 classes."""
    W = rng.normal(size=(100, 10)) / 10
    return W, rng.normal(size=(n, 100)), np.eye(10)[rng.integers(0, 10, n)]


def symgrad_cross_entropy(**options: Any) -> Any:
    """The gradient by the weights."""
    W, X, Y = sg.matrix("W", ("d", "k")), sg.matrix("X", ("n", "d")), sg.matrix("Y", ("n", "k"))
    return sg.lambdify([W, X, Y], sg.grad(cross_entropy(sg, W, X, Y), W), **options)


def numpy_cross_entropy(W: Any, X: Any, Y: Any) -> Any:
    """X.T (softmax(X W) - Y)."""
    return X.T @ (softmax(X @ W) - Y) / 2000


SOFTMAX = Case(
    name="softmax",
    title="softmax cross-entropy gradient, {n} x 100, 10 classes",
    inputs=classes,
    sizes=(2_000,),
    tiny=5,
    task=Task(cross_entropy, wrt=(0,), wanted=("gradient",)),
    participants={
        "by hand": by_hand(numpy_cross_entropy),
        **ours(symgrad_cross_entropy),
    },
)


# Logistic regression


def logistic_loss(xp: Any, w: Any, X: Any, y: Any) -> Any:
    """Labels are -1 and 1."""
    return xp.sum(xp.logaddexp(0.0, -y * (X @ w)))


def labelled(n: int, rng: np.random.Generator) -> tuple[Any, ...]:
    """`n` rows of 100 features."""
    return rng.normal(size=100) / 10, rng.normal(size=(n, 100)), rng.choice([-1.0, 1.0], n)


def symgrad_logistic(**options: Any) -> Any:
    """Value, gradient and Hessian at once."""
    w, X, y = sg.vector("w", "d"), sg.matrix("X", ("n", "d")), sg.vector("y", "n")
    f = logistic_loss(sg, w, X, y)
    return sg.lambdify([w, X, y], [f, sg.grad(f, w), sg.hessian(f, w)], **options)


def numpy_logistic(w: Any, X: Any, y: Any) -> Any:
    """X.T diag(p (1 - p)) X."""
    m = -y * (X @ w)
    p = 1 / (1 + np.exp(-m))
    return np.logaddexp(0.0, m).sum(), -(y * p) @ X, (X.T * (p * (1 - p))) @ X


LOGISTIC = Case(
    name="logistic",
    title="logistic regression value, gradient, Hessian, {n} x 100",
    inputs=labelled,
    sizes=(1_000, 10_000),
    quick=(1_000,),
    tiny=7,
    task=Task(logistic_loss, wrt=(0,), wanted=("value", "gradient", "hessian")),
    participants={"by hand": by_hand(numpy_logistic), **ours(symgrad_logistic)},
)


# A network of three layers


def network_loss(xp: Any, A: Any, a: Any, B: Any, b: Any, C: Any, X: Any, Y: Any) -> Any:
    """Half the squared error of two layers of tanh and a linear one."""
    hidden = xp.tanh(xp.tanh(X @ A + a) @ B + b)
    return xp.sum((hidden @ C - Y) ** 2) / 2


def weights(n: int, rng: np.random.Generator) -> tuple[Any, ...]:
    """A batch of `n`; 64 features, 128 and 128 units, 10 outputs."""
    sizes = [(64, 128), (128,), (128, 128), (128,), (128, 10), (n, 64), (n, 10)]
    return tuple(rng.normal(size=s) / 10 for s in sizes)


def symgrad_network(**options: Any) -> Any:
    """The loss and its gradient by all weights."""
    A, a = sg.matrix("A", ("p", "q")), sg.vector("a", "q")
    B, b, C = sg.matrix("B", ("q", "r")), sg.vector("b", "r"), sg.matrix("C", ("r", "s"))
    X, Y = sg.matrix("X", ("n", "p")), sg.matrix("Y", ("n", "s"))
    loss = network_loss(sg, A, a, B, b, C, X, Y)
    return sg.lambdify([A, a, B, b, C, X, Y], [loss, sg.grad(loss, [A, a, B, b, C])], **options)


def numpy_network(A: Any, a: Any, B: Any, b: Any, C: Any, X: Any, Y: Any) -> Any:
    """Backpropagation."""
    first = np.tanh(X @ A + a)
    second = np.tanh(first @ B + b)
    error = second @ C - Y
    at_second = (error @ C.T) * (1 - second * second)
    at_first = (at_second @ B.T) * (1 - first * first)
    by_first = X.T @ at_first, at_first.sum(axis=0)
    by_second = first.T @ at_second, at_second.sum(axis=0)
    return (error * error).sum() / 2, *by_first, *by_second, second.T @ error


NETWORK = Case(
    name="network",
    title="3-layer tanh network, loss and gradient, batch {n}",
    inputs=weights,
    sizes=(32, 1_024),
    tiny=3,
    task=Task(network_loss, wrt=(0, 1, 2, 3, 4), wanted=("value", "gradient")),
    participants={"by hand": by_hand(numpy_network), **ours(symgrad_network)},
)


# Gaussian mixture with full covariances, as in ADBench, without its prior


def log_likelihood(xp: Any, alpha: Any, mu: Any, q: Any, L: Any, X: Any) -> Any:
    """Sum over points of log sum_k exp(alpha_k + sum(q_k) - |Q_k (x - mu_k)|**2 / 2) / sum exp(alpha).

    Q_k, the inverse of a Cholesky factor, has exp(q_k) on its diagonal and the strict lower triangle of
    L_k below it.
    """
    Q = xp.tril(L, -1) + xp.exp(q)[:, :, None] * xp.eye(q.shape[1])
    Z = xp.einsum("kde,ne->nkd", Q, X) - xp.einsum("kde,ke->kd", Q, mu)
    inner = alpha + xp.sum(q, axis=1) - xp.sum(Z**2, axis=2) / 2
    return xp.sum(xp.logsumexp(inner, axis=1) - xp.logsumexp(alpha, axis=0))


def mixture(n: int, rng: np.random.Generator) -> tuple[Any, ...]:
    """25 Gaussians in 64 dimensions."""
    k, d = 25, 64
    L = rng.normal(size=(k, d, d)) / 50
    return (
        rng.normal(size=k),
        rng.normal(size=(k, d)) / 5,
        rng.normal(size=(k, d)) / 10,
        L,
        rng.normal(size=(n, d)),
    )


def symgrad_mixture(**options: Any) -> Any:
    """The log-likelihood and its gradient by all parameters."""
    alpha, mu, q = sg.vector("alpha", 25), sg.matrix("mu", (25, 64)), sg.matrix("q", (25, 64))
    L, X = sg.symbol("L", (25, 64, 64)), sg.matrix("X", ("n", 64))
    f = log_likelihood(sg, alpha, mu, q, L, X)
    return sg.lambdify([alpha, mu, q, L, X], [f, sg.grad(f, [alpha, mu, q, L])], **options)


def numpy_mixture(alpha: Any, mu: Any, q: Any, L: Any, X: Any) -> Any:
    """With the responsibilities of each Gaussian for each point."""
    (n, d), k = X.shape, len(alpha)
    Q = np.tril(L, -1)
    diagonal = np.exp(q)
    Q[:, range(d), range(d)] = diagonal
    Z = (X @ Q.reshape(k * d, d).T).reshape(n, k, d) - np.einsum("kde,ke->kd", Q, mu)
    inner = alpha + q.sum(axis=1) - np.einsum("nkd,nkd->nk", Z, Z) / 2
    top = inner.max(axis=1)
    e = np.exp(inner - top[:, None])
    total = e.sum(axis=1)
    P = e / total[:, None]
    mass = P.sum(axis=0)
    norm = np.log(np.exp(alpha - alpha.max()).sum()) + alpha.max()
    value = (top + np.log(total)).sum() - n * norm
    Z *= P[:, :, None]
    sums = Z.sum(axis=0)
    by_Q = sums[:, :, None] * mu[:, None, :] - (Z.reshape(n, k * d).T @ X).reshape(k, d, d)
    by_q = mass[:, None] + np.einsum("kdd->kd", by_Q) * diagonal
    by_mu = np.einsum("kde,kd->ke", Q, sums)
    return value, mass - n * np.exp(alpha - norm), by_mu, by_q, np.tril(by_Q, -1)


MIXTURE = Case(
    name="mixture",
    title="Gaussian mixture log-likelihood and gradient, d=64, K=25, n={n}",
    inputs=mixture,
    sizes=(100, 1_000, 10_000),
    quick=(1_000,),
    tiny=4,
    task=Task(log_likelihood, wrt=(0, 1, 2, 3), wanted=("value", "gradient")),
    participants={"by hand": by_hand(numpy_mixture), **ours(symgrad_mixture)},
    excluded=frozenset({"PyTensor"}),
    tolerance=1e-11,
)

CASES = [SOFTMAX, LOGISTIC, NETWORK, MIXTURE]
