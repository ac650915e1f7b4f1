"""What a loop does in each step: gradients of losses, and gradients of gradients.

A work gives slopes, which are taken from the parameters, and a state that the next step begins with.
Every one is written once for define-by-run and once as a function of functions; descents follow from
their loss.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.case import Run
from benchmarks.define_by_run.faces import Arrays

RATE = 0.1


@dataclass(frozen=True)
class Work:
    """A step in three forms: ``eager(face, p, state, *batch)``, ``traced(face, p, state, *batch)`` and,
    in NumPy alone, ``by_hand(p, state, *batch)``; each gives slopes and a state.
    """

    eager: Callable[..., tuple[Any, Any]]
    traced: Callable[..., tuple[Any, Any]]
    by_hand: Callable[..., tuple[Any, Any]]


def descent(loss: Callable[..., tuple[Any, Any]], by_hand: Callable[..., Any]) -> Work:
    """Gradient descent on ``loss(xp, p, state, *batch)``, which gives a value and a state."""

    def eager(face: Any, p: Any, state: Any, *batch: Any) -> tuple[Any, Any]:
        value, after = loss(face.xp, p, state, *batch)
        slopes = face.slopes(value, p)
        return slopes, [face.cut(s) for s in after]

    def traced(face: Any, p: Any, state: Any, *batch: Any) -> tuple[Any, Any]:
        found: tuple[Any, Any] = face.grad_aux(lambda q: loss(face.xp, q, state, *batch))(p)
        return found

    return Work(eager, traced, by_hand)


def prediction(step: Callable[..., Any], by_hand: Callable[..., Any]) -> Work:
    """A recurrence ``step(xp, p, state, *batch)`` whose state is looked at, without any gradient."""

    def plain(face: Any, p: Any, state: Any, *batch: Any) -> tuple[Any, Any]:
        return [], [step(face.xp, p, state[0], *batch)]

    def eager(face: Any, p: Any, state: Any, *batch: Any) -> tuple[Any, Any]:
        (h,) = plain(face, p, state, *batch)[1]
        face.array(h)
        return [], [face.cut(h)]

    return Work(eager, plain, lambda p, state, *batch: ([], [by_hand(p, state[0], *batch)]))


def hessian_product(loss: Callable[..., Any], by_hand: Callable[..., Arrays]) -> Work:
    """The product of the Hessian of ``loss(xp, p, x, y)`` with a direction, which the batch brings."""

    def eager(face: Any, p: Any, state: Any, x: Any, y: Any, *v: Any) -> tuple[Any, Any]:
        slopes = face.gradients(loss(face.xp, p, x, y), p)
        return face.slopes(_inner(face.xp, slopes, v), p), state

    def traced(face: Any, p: Any, state: Any, x: Any, y: Any, *v: Any) -> tuple[Any, Any]:
        slopes = face.grad(lambda q: loss(face.xp, q, x, y))
        return face.grad(lambda q: _inner(face.xp, slopes(q), v))(p), state

    return Work(eager, traced, lambda p, state, x, y, *v: (by_hand(p, x, y, v), state))


def _inner(xp: Any, slopes: Sequence[Any], v: Sequence[Any]) -> Any:
    terms = [xp.sum(g * a) for g, a in zip(slopes, v, strict=True)]
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    return total


def penalised_critic(
    critic: Callable[..., Any], by_hand: Callable[..., Arrays], weight: float
) -> Work:
    """A critic ``critic(xp, p, x)`` of points, whose slope is held near 1 by a penalty (WGAN-GP)."""

    def loss(xp: Any, p: Any, real: Any, fake: Any, slope: Any) -> Any:
        size = xp.sqrt(xp.sum(slope**2, axis=1) + 1e-12)
        gap = xp.mean(critic(xp, p, fake)) - xp.mean(critic(xp, p, real))
        return gap + weight * xp.mean((size - 1.0) ** 2)

    def eager(face: Any, p: Any, state: Any, real: Any, fake: Any, mix: Any) -> tuple[Any, Any]:
        x = face.variable(mix)
        (slope,) = face.gradients(face.xp.sum(critic(face.xp, p, x)), [x])
        return face.slopes(loss(face.xp, p, real, fake, slope), p), state

    def traced(face: Any, p: Any, state: Any, real: Any, fake: Any, mix: Any) -> tuple[Any, Any]:
        def whole(q: Any) -> Any:
            (slope,) = face.grad(lambda x: face.xp.sum(critic(face.xp, q, x[0])))([mix])
            return loss(face.xp, q, real, fake, slope)

        return face.grad(whole)(p), state

    return Work(eager, traced, lambda p, state, *batch: (by_hand(p, weight, *batch), state))


def adaptation(
    loss: Callable[..., Any],
    steps: int,
    rate: float,
    slope_by_hand: Callable[..., Arrays],
    product_by_hand: Callable[..., Arrays],
) -> Work:
    """The gradient of a loss behind some steps of descent, by the weights before them (MAML)."""

    def eager(face: Any, p: Any, state: Any, x: Any, y: Any, x2: Any, y2: Any) -> tuple[Any, Any]:
        q = list(p)
        for _ in range(steps):
            slopes = face.gradients(loss(face.xp, q, x, y), q)
            q = [a - rate * g for a, g in zip(q, slopes, strict=True)]
        return face.slopes(loss(face.xp, q, x2, y2), p), state

    def traced(face: Any, p: Any, state: Any, x: Any, y: Any, x2: Any, y2: Any) -> tuple[Any, Any]:
        slope = face.grad(lambda q: loss(face.xp, q, x, y))

        def behind(q: Any) -> Any:
            for _ in range(steps):
                q = [a - rate * g for a, g in zip(q, slope(q), strict=True)]
            return loss(face.xp, q, x2, y2)

        return face.grad(behind)(list(p)), state

    def by_hand(p: Any, state: Any, x: Any, y: Any, x2: Any, y2: Any) -> tuple[Any, Any]:
        path = [list(p)]
        for _ in range(steps):
            slopes = slope_by_hand(path[-1], x, y)
            path.append([a - rate * g for a, g in zip(path[-1], slopes, strict=True)])
        u = slope_by_hand(path.pop(), x2, y2)
        for q in reversed(path):
            products = product_by_hand(q, x, y, u)
            u = [a - rate * b for a, b in zip(u, products, strict=True)]
        return u, state

    return Work(eager, traced, by_hand)


# Loops around steps


Inputs = tuple[Arrays, Arrays, Sequence[tuple[Any, ...]]]  # parameters, a state, batches


def by_hand(work: Work) -> Callable[..., Run]:
    """The slopes written out in NumPy."""

    def build(params: Arrays, state: Arrays, batches: Sequence[tuple[Any, ...]]) -> Run:
        return _loop(lambda: work.by_hand, params, state, batches)

    return build


def traced(work: Work, make: Callable[[], Any]) -> Callable[..., Run]:
    """A function that is prepared once."""

    def build(params: Arrays, state: Arrays, batches: Sequence[tuple[Any, ...]]) -> Run:
        face = make()
        kernel = face.ready(lambda p, s, *b: work.traced(face, p, s, *b), params, state, batches[0])
        return _loop(lambda: kernel, params, state, batches)

    return build


def _loop(
    kernel: Callable[[], Any], params: Arrays, state: Arrays, batches: Sequence[tuple[Any, ...]]
) -> Run:
    step = kernel()

    def run() -> Arrays:
        p, s = list(params), list(state)
        for batch in batches:
            slopes, s = step(p, s, *batch)
            if slopes:
                p = [a - RATE * np.asarray(g) for a, g in zip(p, slopes, strict=True)]
            s = [np.asarray(a) for a in s]
        return [*p, *s]

    return run


def eager(work: Work, make: Callable[[], Any]) -> Callable[..., Run]:
    """Define-by-run."""

    def build(params: Arrays, state: Arrays, batches: Sequence[tuple[Any, ...]]) -> Run:
        face = make()
        given = [tuple([face.given(a) for a in batch]) for batch in batches]

        def run() -> Arrays:
            p = [face.variable(a) for a in params]
            s = [face.cut(face.variable(a)) for a in state]
            for batch in given:
                slopes, s = work.eager(face, p, s, *batch)
                for one, slope in zip(p, slopes or [], strict=bool(slopes)):
                    face.step(one, RATE * slope)
            return [face.array(one) for one in (*p, *s)]

        return run

    return build
