"""Formulas whose whole programs are read by a person and compared: see ``tests/golden/programs``.

Each is a function of names, two of scalars, three of arrays and two of extents, so that the same program
can be made with other names.
"""

import numpy as np

import symgrad as sg

NAMES = ("x", "y", "v", "w", "A", "m", "n")


def points(x, y, v, w, A, m, n):
    x, y = sg.symbol(x), sg.symbol(y)
    f = sg.sin(x * y) * sg.exp(-(x**2)) + sg.log(1 + x**2 * y**2)
    return [x, y], [f, *sg.grad(f, [x, y])]


def branches(x, y, v, w, A, m, n):
    x, y = sg.symbol(x), sg.symbol(y)
    f = sg.where(x > y, sg.sqrt(x - y), sg.special.expit(y))
    return [x, y], [f, sg.diff(f, x)]


def logistic(x, y, v, w, A, m, n):
    A, v, w = sg.matrix(A, (m, n)), sg.vector(v, m), sg.vector(w, n)
    f = sg.sum(sg.softplus(-v * (A @ w)))
    return [A, v, w], [f, sg.grad(f, w), sg.hessian(f, w)]


def softmax(x, y, v, w, A, m, n):
    A, v = sg.matrix(A, (m, n)), sg.vector(v, n)
    f = sg.sum(sg.logsumexp(A * v, axis=1))
    return [A, v], [f, sg.grad(f, v)]


def network(x, y, v, w, A, m, n):
    A, v, w = sg.matrix(A, (m, n)), sg.matrix(v, (n, 3)), sg.vector(w, 3)
    f = sg.sum(sg.tanh(A @ v) @ w)
    return [A, v, w], [f, *sg.grad(f, [v, w])]


def neighbours(x, y, v, w, A, m, n):
    v = sg.vector(v, n)
    f = sg.sum(sg.cosh(v[1:] - v[:-1]))
    return [v], [f, sg.grad(f, v)]


def pairs(x, y, v, w, A, m, n):
    A = sg.matrix(A, (m, 3))
    apart = A[:, None] - A
    return [A], [sg.sum(sg.exp(-sg.sum(apart**2, axis=2)))]


def gaussian(x, y, v, w, A, m, n):
    A, v = sg.matrix(A, (n, n), spd=True), sg.vector(v, n)
    f = -(sg.linalg.logdet(A) + v @ sg.linalg.solve(A, v)) / 2
    return [A, v], [f, sg.grad(f, v), sg.grad(f, A)]


def chain(x, y, v, w, A, m, n):
    A, v, w = sg.matrix(A, (m, n)), sg.vector(v, m), sg.vector(w, n)
    return [A, v, w], [sg.diagonal(A @ A.T) * v, sg.outer(v, A.T @ v) @ w, sg.norm(A, axis=1)]


def parts(x, y, v, w, A, m, n):
    A, v, w = sg.matrix(A, (m, n)), sg.vector(v, n), sg.vector(w, n)
    picked = sg.concatenate([v[::2] * w[::2], w[:3]])
    return [A, v, w], [picked, sg.cumsum(A, axis=1), A[[0, 2]] @ v, sg.reshape(A, (-1,))]


PROGRAMS = {
    f.__name__: f
    for f in (
        points, branches, logistic, softmax, network, neighbours, pairs, gaussian, chain, parts
    )
}  # fmt: skip


def arguments(symbols, m=40, n=6, seed=3):
    """Arrays for symbols, positive, so that all programs have values."""
    rng = np.random.default_rng(seed)
    shapes = []
    for s in symbols:
        known = dict(
            zip(
                dict.fromkeys(d for x in symbols for d in x.shape if isinstance(d, str)),
                (m, n),
                strict=False,
            )
        )
        shapes.append(tuple(known.get(d, d) for d in s.shape))
    made = [rng.uniform(0.2, 1.0, shape) for shape in shapes]
    return [
        a @ a.T + np.eye(len(a)) if x.ndim == 2 and a.shape[0] == a.shape[1] else a
        for a, x in zip(made, symbols, strict=True)
    ]
