"""Losses in NumPy's names, with their gradients written out, and inputs for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.define_by_run.faces import Arrays

Inputs = tuple[Arrays, Arrays, list[tuple[Any, ...]]]
NO_STATE: Arrays = []

# Linear regression


def linear_loss(xp: Any, p: Any, state: Any, x: Any, y: Any) -> Any:
    """The mean of squares."""
    return xp.mean((xp.matmul(x, p[0]) + p[1] - y) ** 2), state


def linear_by_hand(p: Arrays, state: Arrays, x: np.ndarray, y: np.ndarray) -> Any:
    """2 x.T r / n."""
    r = (x @ p[0] + p[1] - y) * (2 / y.size)
    return [x.T @ r, r.sum(0)], state


def linear_inputs(n: int, rng: np.random.Generator) -> Inputs:
    """100 rows of 5 features."""
    params = [rng.normal(size=(5, 1)), np.zeros(1)]
    batches = [(rng.normal(size=(100, 5)), rng.normal(size=(100, 1))) for _ in range(n)]
    return params, NO_STATE, batches


# A network of two layers on a sine


def sine_loss(xp: Any, p: Any, state: Any, x: Any, y: Any) -> Any:
    """A hidden layer of sigmoids."""
    hidden = xp.sigmoid(xp.matmul(x, p[0]) + p[1])
    return xp.mean((xp.matmul(hidden, p[2]) + p[3] - y) ** 2), state


def sine_by_hand(p: Arrays, state: Arrays, x: np.ndarray, y: np.ndarray) -> Any:
    """Backpropagation."""
    h = 1 / (1 + np.exp(-(x @ p[0] + p[1])))
    r = (h @ p[2] + p[3] - y) * (2 / y.size)
    d = (r @ p[2].T) * h * (1 - h)
    return [x.T @ d, d.sum(0), h.T @ r, r.sum(0)], state


def two_layers(rng: np.random.Generator, features: int, hidden: int, out: int) -> Arrays:
    """Weights of two layers."""
    first, second = rng.normal(size=(features, hidden)), rng.normal(size=(hidden, out))
    return [first / np.sqrt(features), np.zeros(hidden), second / np.sqrt(hidden), np.zeros(out)]


def sine_inputs(n: int, rng: np.random.Generator) -> Inputs:
    """100 points in each step."""
    xs = [rng.random((100, 1)) for _ in range(n)]
    return two_layers(rng, 1, 10, 1), NO_STATE, [(x, np.sin(2 * np.pi * x)) for x in xs]


# Classification with labels


def labels_loss(xp: Any, p: Any, state: Any, x: Any, labels: Any) -> Any:
    """A hidden layer, logits, and their cross entropy with integers."""
    hidden = xp.relu(xp.matmul(x, p[0]) + p[1])
    return xp.cross_entropy(xp.matmul(hidden, p[2]) + p[3], labels), state


def labels_by_hand(p: Arrays, state: Arrays, x: np.ndarray, labels: np.ndarray) -> Any:
    """Shares minus ones at the labels, backwards."""
    a = x @ p[0] + p[1]
    h = np.maximum(a, 0)
    z = logit_slopes(h @ p[2] + p[3], labels)
    d = (z @ p[2].T) * (a > 0)
    return [x.T @ d, d.sum(0), h.T @ z, z.sum(0)], state


def logit_slopes(z: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The gradient of the mean cross entropy by the logits."""
    z = np.exp(z - z.max(1, keepdims=True))
    z /= z.sum(1, keepdims=True)
    z[np.arange(len(labels)), labels] -= 1
    z /= len(labels)
    return z


def labels_inputs(
    rows: int, features: int, hidden: int, classes: int
) -> Callable[[int, np.random.Generator], Inputs]:
    """Fresh rows and labels in each step."""

    def inputs(n: int, rng: np.random.Generator) -> Inputs:
        params = two_layers(rng, features, hidden, classes)
        batches = [
            (rng.normal(size=(rows, features)), rng.integers(0, classes, rows)) for _ in range(n)
        ]
        return params, NO_STATE, batches

    return inputs


# Convolutions by gathering patches

SIDE, CHANNELS, CLASSES = 8, 4, 10


def patches(side: int, width: int, stride: int) -> np.ndarray:
    """Which pixels of a square image each patch has: a row of indices for each."""
    places = np.arange(0, side - width + 1, stride)
    corner = (places[:, None] * side + places).reshape(-1, 1)
    within = (np.arange(width)[:, None] * side + np.arange(width)).reshape(1, -1)
    return corner + within


FIRST, SECOND = patches(SIDE, 3, 1), patches(6, 2, 2)


def conv_loss(xp: Any, p: Any, state: Any, images: Any, labels: Any) -> Any:
    """Two convolutions, the second over patches of what the first gives, and logits."""
    n, m, wide = len(labels), len(SECOND), FIRST.shape[1]
    h = xp.relu(xp.matmul(images[:, FIRST].reshape(-1, wide), p[0]) + p[1])
    windows = xp.reshape(h, (n, -1, CHANNELS))[:, SECOND]
    windows = xp.reshape(windows, (n * m, -1))
    h = xp.reshape(xp.relu(xp.matmul(windows, p[2]) + p[3]), (n, -1))
    return xp.cross_entropy(xp.matmul(h, p[4]) + p[5], labels), state


def conv_by_hand(p: Arrays, state: Arrays, images: np.ndarray, labels: np.ndarray) -> Any:
    """Backpropagation; slopes of patches are added up at their pixels."""
    n, m = len(labels), len(SECOND)
    x = images[:, FIRST]
    h = np.maximum(x @ p[0] + p[1], 0)
    windows = h[:, SECOND].reshape(n, m, -1)
    g = np.maximum(windows @ p[2] + p[3], 0)
    flat = g.reshape(n, -1)
    z = logit_slopes(flat @ p[4] + p[5], labels)
    dg = (z @ p[4].T).reshape(g.shape) * (g > 0)
    dh = np.zeros_like(h)
    np.add.at(dh, (slice(None), SECOND), (dg @ p[2].T).reshape(n, m, -1, CHANNELS))
    dh *= h > 0
    slopes = [np.tensordot(x, dh, ([0, 1], [0, 1])), dh.sum((0, 1))]
    slopes += [np.tensordot(windows, dg, ([0, 1], [0, 1])), dg.sum((0, 1))]
    return [*slopes, flat.T @ z, z.sum(0)], state


def conv_inputs(n: int, rng: np.random.Generator) -> Inputs:
    """20 images in each step."""
    wide = SECOND.shape[1] * CHANNELS
    shapes = [(9, CHANNELS), (wide, CHANNELS), (len(SECOND) * CHANNELS, CLASSES)]
    weights = [rng.normal(size=s) / np.sqrt(s[0]) for s in shapes]
    params = [a for w in weights for a in (w, np.zeros(w.shape[1]))]
    batches = [(rng.normal(size=(20, SIDE * SIDE)), rng.integers(0, CLASSES, 20)) for _ in range(n)]
    return params, NO_STATE, batches


# Two layers by whose mean of squares second derivatives are taken


def tanh_loss(xp: Any, p: Any, x: Any, y: Any) -> Any:
    """A hidden layer of tanh, the mean of squares."""
    return xp.mean((xp.matmul(xp.tanh(xp.matmul(x, p[0]) + p[1]), p[2]) + p[3] - y) ** 2)


def tanh_slopes(p: Arrays, x: np.ndarray, y: np.ndarray) -> Arrays:
    """The gradient of `tanh_loss`."""
    h = np.tanh(x @ p[0] + p[1])
    r = (h @ p[2] + p[3] - y) * (2 / y.size)
    d = (r @ p[2].T) * (1 - h**2)
    return [x.T @ d, d.sum(0), h.T @ r, r.sum(0)]


def tanh_product(p: Arrays, x: np.ndarray, y: np.ndarray, v: Any) -> Arrays:
    """The slope of `tanh_slopes` along `v` (Pearlmutter, 1994)."""
    h = np.tanh(x @ p[0] + p[1])
    scale, slope = 2 / y.size, 1 - h**2
    r = (h @ p[2] + p[3] - y) * scale
    dh = slope * (x @ v[0] + v[1])
    dr = (dh @ p[2] + h @ v[2] + v[3]) * scale
    d = (dr @ p[2].T + r @ v[2].T) * slope - (r @ p[2].T) * 2 * h * dh
    return [x.T @ d, d.sum(0), dh.T @ r + h.T @ dr, dr.sum(0)]


def product_inputs(n: int, rng: np.random.Generator) -> Inputs:
    """Fresh points and a fresh direction in each step."""
    params = two_layers(rng, 4, 20, 1)
    batches = [
        (
            rng.normal(size=(50, 4)),
            rng.normal(size=(50, 1)),
            *[rng.normal(size=a.shape) for a in params],
        )
        for _ in range(n)
    ]
    return params, NO_STATE, batches


def adaptation_inputs(n: int, rng: np.random.Generator) -> Inputs:
    """A sine in each step, ten points to adapt to and ten to be judged by."""
    params = two_layers(rng, 1, 20, 1)
    batches = []
    for _ in range(n):
        size, phase = rng.uniform(0.5, 2), rng.uniform(0, np.pi)
        x, x2 = rng.uniform(-2, 2, (2, 10, 1))
        batches.append((x, size * np.sin(x + phase), x2, size * np.sin(x2 + phase)))
    return params, NO_STATE, batches


# A critic of points


def critic(xp: Any, p: Any, x: Any) -> Any:
    """A hidden layer of tanh."""
    return xp.matmul(xp.tanh(xp.matmul(x, p[0]) + p[1]), p[2])


def critic_by_hand(
    p: Arrays, weight: float, real: np.ndarray, fake: np.ndarray, mix: np.ndarray
) -> Arrays:
    """The gradient of the gap of means, and of the penalty by its slopes q @ w.T."""
    n = len(mix)
    h = np.tanh(mix @ p[0] + p[1])
    bend = 1 - h**2
    q = bend * p[2].T
    slope = q @ p[0].T
    size = np.sqrt((slope**2).sum(1, keepdims=True) + 1e-12)
    ds = weight * 2 / n * (size - 1) / size * slope
    dq = ds @ p[0]
    d = dq * p[2].T * (-2 * h) * bend
    found = [ds.T @ q + mix.T @ d, d.sum(0), (dq * bend).sum(0)[:, None]]
    for x, sign in ((fake, 1 / n), (real, -1 / n)):
        h = np.tanh(x @ p[0] + p[1])
        d = sign * p[2].T * (1 - h**2)
        found = [found[0] + x.T @ d, found[1] + d.sum(0), found[2] + sign * h.sum(0)[:, None]]
    return found


def critic_inputs(n: int, rng: np.random.Generator) -> Inputs:
    """64 true points, made ones, and some between them."""
    batches = []
    for _ in range(n):
        real, fake, share = rng.normal(size=(64, 2)), rng.normal(size=(64, 2)), rng.random((64, 1))
        batches.append((real, fake, share * real + (1 - share) * fake))
    return two_layers(rng, 2, 24, 1)[:3], NO_STATE, batches
