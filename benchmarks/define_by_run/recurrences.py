"""Recurrences over windows of a series: the state goes on, the gradient stops there."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np

from benchmarks.define_by_run.faces import Arrays
from benchmarks.define_by_run.losses import Inputs

WINDOW, HIDDEN = 30, 20


def wave_inputs(
    params: Callable[[np.random.Generator], Arrays], states: int
) -> Callable[[int, np.random.Generator], Inputs]:
    """Windows of a noisy sine, one after the other: each value, and the next one."""

    def inputs(n: int, rng: np.random.Generator) -> Inputs:
        width = min(WINDOW, 3 * n)  # shorter in tests
        wave = np.sin(np.arange(n * width + 1) / 4) + rng.normal(size=n * width + 1) / 20
        pairs = [(a.reshape(1, 1), b.reshape(1, 1)) for a, b in pairwise(wave)]
        batches = [
            tuple([a for pair in pairs[k * width : (k + 1) * width] for a in pair])
            for k in range(n)
        ]
        return params(rng), [np.zeros((1, HIDDEN))] * states, batches

    return inputs


# A plain recurrence


def rnn_step(xp: Any, p: Any, h: Any, x: Any) -> Any:
    """The next state."""
    return xp.tanh(xp.matmul(x, p[0]) + xp.matmul(h, p[1]) + p[2])


def rnn_loss(xp: Any, p: Any, state: Any, *data: Any) -> Any:
    """The mean of squares of what a recurrence gives, step by step."""
    (h,), total = state, 0.0
    for k in range(0, len(data), 2):
        h = rnn_step(xp, p, h, data[k])
        total = total + xp.mean((xp.matmul(h, p[3]) - data[k + 1]) ** 2)
    return total / (len(data) // 2), [h]


def rnn_by_hand(p: Arrays, state: Arrays, *data: np.ndarray) -> Any:
    """Backpropagation through time."""
    states, residuals = [state[0]], []
    for k in range(0, len(data), 2):
        states.append(rnn_step(np, p, states[-1], data[k]))
        residuals.append((states[-1] @ p[3] - data[k + 1]) * (4 / len(data)))
    found = [np.zeros_like(a) for a in p]
    back = np.zeros_like(state[0])
    for k in reversed(range(len(residuals))):
        found[3] += states[k + 1].T @ residuals[k]
        d = (residuals[k] @ p[3].T + back) * (1 - states[k + 1] ** 2)
        found[0] += data[2 * k].T @ d
        found[1] += states[k].T @ d
        found[2] += d.sum(0)
        back = d @ p[1].T
    return found, [states[-1]]


def rnn_params(rng: np.random.Generator) -> Arrays:
    """20 hidden units."""
    inner = rng.normal(size=(HIDDEN, HIDDEN)) / 9
    return [rng.normal(size=(1, HIDDEN)), inner, np.zeros(HIDDEN), rng.normal(size=(HIDDEN, 1)) / 9]


def walk_inputs(n: int, rng: np.random.Generator) -> Inputs:
    """A value in each step, for the recurrence alone."""
    batches = [(a.reshape(1, 1),) for a in rng.normal(size=n)]
    return rnn_params(rng)[:3], [np.zeros((1, HIDDEN))], batches


# Long short-term memory: a gate that forgets, one that lets in, one that lets out, and a candidate


def lstm_step(xp: Any, p: Any, h: Any, c: Any, x: Any) -> Any:
    """The next state, the next cell, and the four gates."""
    gates = [xp.matmul(x, p[k]) + xp.matmul(h, p[k + 1]) + p[k + 2] for k in range(0, 12, 3)]
    forget, let_in, let_out = [xp.sigmoid(gate) for gate in gates[:3]]
    candidate = xp.tanh(gates[3])
    c = forget * c + let_in * candidate
    return let_out * xp.tanh(c), c, (forget, let_in, let_out, candidate)


def lstm_loss(xp: Any, p: Any, state: Any, *data: Any) -> Any:
    """The mean of squares of what the states give."""
    (h, c), total = state, 0.0
    for k in range(0, len(data), 2):
        h, c, _ = lstm_step(xp, p, h, c, data[k])
        total = total + xp.mean((xp.matmul(h, p[12]) - data[k + 1]) ** 2)
    return total / (len(data) // 2), [h, c]


class _Numpy:
    """NumPy with a sigmoid."""

    matmul, tanh = staticmethod(np.matmul), staticmethod(np.tanh)

    @staticmethod
    def sigmoid(x: np.ndarray) -> np.ndarray:
        """The logistic function."""
        return 1 / (1 + np.exp(-x))


def lstm_by_hand(p: Arrays, state: Arrays, *data: np.ndarray) -> Any:
    """Backpropagation through time (Gers, Schmidhuber and Cummins, 2000)."""
    h, c = state
    past = []
    for k in range(0, len(data), 2):
        after, cell, gates = lstm_step(_Numpy, p, h, c, data[k])
        past.append((h, c, after, cell, gates))
        h, c = after, cell
    found = [np.zeros_like(a) for a in p]
    dh, dc = np.zeros_like(h), np.zeros_like(c)
    for k in reversed(range(len(past))):
        before, kept, after, cell, (f, i, o, g) = past[k]
        r = (after @ p[12] - data[2 * k + 1]) * (4 / len(data))
        found[12] += after.T @ r
        dh = dh + r @ p[12].T
        t = np.tanh(cell)
        dc = dc + dh * o * (1 - t**2)
        slopes = [dc * kept * f * (1 - f), dc * g * i * (1 - i), dh * t * o * (1 - o)]
        slopes.append(dc * i * (1 - g**2))
        dh = np.zeros_like(dh)
        for m, d in zip(range(0, 12, 3), slopes, strict=True):
            found[m] += data[2 * k].T @ d
            found[m + 1] += before.T @ d
            found[m + 2] += d.sum(0)
            dh = dh + d @ p[m + 1].T
        dc = dc * f
    return found, [h, c]


def lstm_params(rng: np.random.Generator) -> Arrays:
    """20 hidden units, weights for each of the four gates."""
    params = []
    for _ in range(4):
        params += [rng.normal(size=(1, HIDDEN)), rng.normal(size=(HIDDEN, HIDDEN)) / 9]
        params.append(np.zeros(HIDDEN))
    return [*params, rng.normal(size=(HIDDEN, 1)) / 9]
