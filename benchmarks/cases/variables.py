"""Loops that people write define-by-run: steps of gradient descent with fresh data in each.

A workload is a loss in terms of a namespace with NumPy's names. "symgrad" is the loop over
`sg.variable`; "compiled" calls the compiled gradient in the same loop.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np

import symgrad as sg
from benchmarks.case import Case, Run, library

RATE = 0.1
Arrays = list[np.ndarray]


@dataclass(frozen=True)
class Work:
    """Gradient descent on ``loss(xp, params, *batch)`` over batches.

    `by_hand` gives the gradients by the parameters.
    """

    loss: Callable[..., Any]
    by_hand: Callable[..., Arrays]


# Who takes part


def by_hand(work: Work) -> Callable[..., Run]:
    """The gradient written out in NumPy."""
    return descent(lambda params, batch: work.by_hand)


def descent(make: Callable[..., Callable[..., Any]]) -> Callable[..., Run]:
    """A loop around a function that gives the gradients."""

    def build(params: Arrays, batches: Sequence[tuple[Any, ...]]) -> Run:
        gradient = make(params, batches[0])

        def run() -> Arrays:
            p = list(params)
            for batch in batches:
                slopes = gradient(p, *batch)
                p = [a - RATE * np.asarray(g) for a, g in zip(p, slopes, strict=True)]
            return p

        return run

    return build


def variables(work: Work) -> Callable[..., Run]:
    """Define-by-run."""

    def build(params: Arrays, batches: Sequence[tuple[Any, ...]]) -> Run:
        def run() -> Arrays:
            p = [sg.variable(a) for a in params]
            for batch in batches:
                loss = work.loss(sg, p, *batch)
                for one in p:
                    one.cleargrad()
                loss.backward()
                for one in p:
                    one.data -= RATE * one.grad.data
            return [one.data for one in p]

        return run

    return build


def compiled(work: Work) -> Callable[..., Run]:
    """A compiled gradient."""

    def make(params: Arrays, batch: tuple[Any, ...]) -> Callable[..., Any]:
        p = [sg.symbol(f"p{i}", a.shape) for i, a in enumerate(params)]
        b = [
            sg.symbol(f"b{i}", np.shape(a), dtype=np.asarray(a).dtype) for i, a in enumerate(batch)
        ]
        f = sg.lambdify([*p, *b], list(sg.grad(work.loss(sg, p, *b), p)))
        return lambda p, *batch: f(*p, *batch)

    return descent(make)


class DezeroNames:
    """DeZero's functions under NumPy's names."""

    def __init__(self) -> None:
        if not hasattr(np, "int"):
            np.int = int  # type: ignore[attr-defined]  # which its data sets ask for
        library("dezero")
        self._functions = import_module("dezero.functions")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._functions, name)

    def mean(self, x: Any) -> Any:
        """DeZero has the sum alone in every version."""
        return self._functions.sum(x) / float(x.size)

    def cross_entropy(self, z: Any, labels: Any) -> Any:
        """Of logits and integers."""
        return self._functions.softmax_cross_entropy(z, labels)


def dezero(work: Work) -> Callable[..., Run]:
    """The reference of the define-by-run face."""

    def build(params: Arrays, batches: Sequence[tuple[Any, ...]]) -> Run:
        names = DezeroNames()
        variable = library("dezero").Variable

        def run() -> Arrays:
            p = [variable(a.copy()) for a in params]
            for batch in batches:
                loss = work.loss(names, p, *batch)
                for one in p:
                    one.cleargrad()
                loss.backward()
                for one in p:
                    one.data -= RATE * one.grad.data
            return [one.data for one in p]

        return run

    return build


class ArrayNames:
    """A library with NumPy's names, and the few that networks need."""

    def __init__(self, library: Any) -> None:
        self._library = library

    def __getattr__(self, name: str) -> Any:
        return getattr(self._library, name)

    def sigmoid(self, x: Any) -> Any:
        """As half of a tangent, which does not overflow."""
        return (self._library.tanh(x / 2) + 1) / 2

    def relu(self, x: Any) -> Any:
        """The positive part."""
        return self._library.maximum(x, 0.0)

    def cross_entropy(self, z: Any, labels: Any) -> Any:
        """Of logits and integers."""
        xp = self._library
        top = xp.max(z, axis=1, keepdims=True)
        logs = z - top - xp.log(xp.sum(xp.exp(z - top), axis=1, keepdims=True))
        return -xp.mean(logs[np.arange(len(labels)), labels])


def autograd(work: Work) -> Callable[..., Run]:
    """HIPS autograd."""

    def make(params: Arrays, batch: tuple[Any, ...]) -> Callable[..., Any]:
        grad = library("autograd").grad
        names = ArrayNames(import_module("autograd.numpy"))
        return grad(lambda p, *b: work.loss(names, p, *b))  # type: ignore[no-any-return]

    return descent(make)


def jax(jit: bool) -> Callable[[Work], Callable[..., Run]]:
    """JAX, compiled or operation by operation."""

    def participant(work: Work) -> Callable[..., Run]:
        def make(params: Arrays, batch: tuple[Any, ...]) -> Callable[..., Any]:
            jax = library("jax")
            jax.config.update("jax_enable_x64", True)
            names = ArrayNames(import_module("jax.numpy"))
            gradient = jax.grad(lambda p, *b: work.loss(names, p, *b))
            return jax.jit(gradient) if jit else gradient  # type: ignore[no-any-return]

        return descent(make)

    return participant


PARTICIPANTS = {
    "by hand": by_hand,
    "symgrad": variables,
    "compiled": compiled,
    "dezero": dezero,
    "autograd": autograd,
    "jax.jit": jax(True),
    "jax": jax(False),
}


def case(
    name: str, title: str, work: Work, inputs: Callable[..., Any], absent: Sequence[str] = ()
) -> Case:
    """The case of a workload, whose size is the number of steps."""
    chosen = {k: build(work) for k, build in PARTICIPANTS.items() if k not in absent}
    return Case(
        name=f"variables_{name}",
        title=f"{title}, {{n}} steps",
        inputs=inputs,
        sizes=(100,),
        quick=(20,),
        tiny=3,
        participants=chosen,
        tolerance=1e-8,
    )


# Linear regression


def linear_loss(xp: Any, p: Any, x: Any, y: Any) -> Any:
    """The mean of squares."""
    return xp.mean((xp.matmul(x, p[0]) + p[1] - y) ** 2)


def linear_by_hand(p: Arrays, x: np.ndarray, y: np.ndarray) -> Arrays:
    """2 x.T r / n."""
    r = (x @ p[0] + p[1] - y) * (2 / y.size)
    return [x.T @ r, r.sum(0)]


def linear_inputs(n: int, rng: np.random.Generator) -> tuple[Any, ...]:
    """100 rows of 5 features."""
    params = [rng.normal(size=(5, 1)), np.zeros(1)]
    return params, [(rng.normal(size=(100, 5)), rng.normal(size=(100, 1))) for _ in range(n)]


# A network of two layers on a sine


def sine_loss(xp: Any, p: Any, x: Any, y: Any) -> Any:
    """A hidden layer of sigmoids."""
    hidden = xp.sigmoid(xp.matmul(x, p[0]) + p[1])
    return xp.mean((xp.matmul(hidden, p[2]) + p[3] - y) ** 2)


def sine_by_hand(p: Arrays, x: np.ndarray, y: np.ndarray) -> Arrays:
    """Backpropagation."""
    h = 1 / (1 + np.exp(-(x @ p[0] + p[1])))
    r = (h @ p[2] + p[3] - y) * (2 / y.size)
    d = (r @ p[2].T) * h * (1 - h)
    return [x.T @ d, d.sum(0), h.T @ r, r.sum(0)]


def sine_inputs(n: int, rng: np.random.Generator) -> tuple[Any, ...]:
    """100 points in each step."""
    params = [rng.normal(size=(1, 10)), np.zeros(10), rng.normal(size=(10, 1)) / 3, np.zeros(1)]
    xs = [rng.random((100, 1)) for _ in range(n)]
    return params, [(x, np.sin(2 * np.pi * x)) for x in xs]


# Classification with labels


def labels_loss(xp: Any, p: Any, x: Any, labels: Any) -> Any:
    """A hidden layer, logits, and their cross entropy with integers."""
    hidden = xp.relu(xp.matmul(x, p[0]) + p[1])
    return xp.cross_entropy(xp.matmul(hidden, p[2]) + p[3], labels)


def labels_by_hand(p: Arrays, x: np.ndarray, labels: np.ndarray) -> Arrays:
    """Shares minus ones at the labels, backwards."""
    a = x @ p[0] + p[1]
    h = np.maximum(a, 0)
    z = h @ p[2] + p[3]
    z = np.exp(z - z.max(1, keepdims=True))
    z /= z.sum(1, keepdims=True)
    z[np.arange(len(labels)), labels] -= 1
    z /= len(labels)
    d = (z @ p[2].T) * (a > 0)
    return [x.T @ d, d.sum(0), h.T @ z, z.sum(0)]


def labels_inputs(
    rows: int, features: int, hidden: int, classes: int
) -> Callable[..., tuple[Any, ...]]:
    """Fresh rows and labels in each step."""

    def inputs(n: int, rng: np.random.Generator) -> tuple[Any, ...]:
        shapes = [(features, hidden), (hidden,), (hidden, classes), (classes,)]
        params = [rng.normal(size=s) / np.sqrt(features) for s in shapes]
        batches = [
            (rng.normal(size=(rows, features)), rng.integers(0, classes, rows)) for _ in range(n)
        ]
        return params, batches

    return inputs


# A recurrent network, 30 steps back


def rnn_loss(xp: Any, p: Any, *data: Any) -> Any:
    """The mean of squares of what a recurrence gives, step by step."""
    h, total = data[0], 0.0
    for k in range(1, len(data), 2):
        h = xp.tanh(xp.matmul(data[k], p[0]) + xp.matmul(h, p[1]) + p[2])
        total = total + xp.mean((xp.matmul(h, p[3]) - data[k + 1]) ** 2)
    return total / (len(data) // 2)


def rnn_by_hand(p: Arrays, *data: np.ndarray) -> Arrays:
    """Backpropagation through time."""
    states, residuals = [data[0]], []
    for k in range(1, len(data), 2):
        states.append(np.tanh(data[k] @ p[0] + states[-1] @ p[1] + p[2]))
        residuals.append(
            (states[-1] @ p[3] - data[k + 1]) * (2 / data[k + 1].size / (len(data) // 2))
        )
    found = [np.zeros_like(a) for a in p]
    back = np.zeros_like(data[0])
    for k in reversed(range(len(residuals))):
        found[3] += states[k + 1].T @ residuals[k]
        d = (residuals[k] @ p[3].T + back) * (1 - states[k + 1] ** 2)
        found[0] += data[1 + 2 * k].T @ d
        found[1] += states[k].T @ d
        found[2] += d.sum(0)
        back = d @ p[1].T
    return found


def rnn_inputs(n: int, rng: np.random.Generator) -> tuple[Any, ...]:
    """Windows of 30 values of a noisy sine, 20 hidden units."""
    params = [rng.normal(size=(1, 20)), rng.normal(size=(20, 20)) / 9, np.zeros(20)]
    params.append(rng.normal(size=(20, 1)) / 9)
    batches = []
    for _ in range(n):
        wave = np.sin(np.arange(31) / 4 + rng.random()) + rng.normal(size=31) / 20
        columns = [wave[k : k + 1, None] for k in range(31)]
        pairs = [c for k in range(30) for c in (columns[k], columns[k + 1])]
        batches.append((np.zeros((1, 20)), *pairs))
    return params, batches


CASES = [
    case("linear", "linear regression", Work(linear_loss, linear_by_hand), linear_inputs),
    case("sine", "two layers on a sine", Work(sine_loss, sine_by_hand), sine_inputs),
    case(
        "spiral",
        "3 classes with labels, 30 rows",
        Work(labels_loss, labels_by_hand),
        labels_inputs(30, 2, 10, 3),
    ),
    case(
        "digits",
        "10 classes with labels, 100 x 64",
        Work(labels_loss, labels_by_hand),
        labels_inputs(100, 64, 50, 10),
    ),
    case("rnn", "recurrence over 30 values", Work(rnn_loss, rnn_by_hand), rnn_inputs),
]
