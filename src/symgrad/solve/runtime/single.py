"""One problem of ordinary kind at the cost of its arithmetic: full Newton steps, or Levenberg-Marquardt.

What is returned is beyond doubt by the rule of `ending`: the last step was short in every unknown, and what
was left contracted, at a regular matrix. All else goes on, from the start, to the methods of batches.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from symgrad.solve.runtime.ending import EPS, LEAST_TOLERANCE, REGULAR_RATE

LAST_BITS_OF_X = 8 * EPS  # a step after which |F| cannot fall any more
ORDINARY_SIZES = (1e-140, 1e140)  # of |F|, whose square loses nothing
ORDINARY_SQUARES = (1e-200, 1e200)
LEAST_PART = 0.01  # of a step, that is tried
DAMPED = 1e-3  # of the diagonal of J.T J: where damping begins
UNDAMPED = 1e-5  # below this damping is left out
MOST_DAMPED = 1e6
REACH = 2.0  # lengths of the start: how long the first step may be
PROMISED = 1e-4  # of the fall that was promised, which a step keeps at least
ROUNDED = 1e-12  # of a sum of squares: what is lost in rounding
SHORT_STEP = 1e-4  # of an unknown: within it a fit has to converge fast
CONTRACTS = 0.1  # of the last full step, which the next one is at most
LEAST_PIVOT = 1e-5  # of normal equations, and of a Hessian, that are regular beyond doubt


class Single:
    """The generated function of one problem over a flat vector: vectors first, then blocks of a matrix."""

    def __init__(
        self, one: Callable[..., Any], shapes: list[tuple[int, ...]], params: list[Any], parts: int
    ) -> None:
        self.one, self.parts, self.shapes = one, parts, shapes
        self.params = [v[0] for v in params]
        self.sizes = [prod(s) for s in shapes]
        self.stops = np.cumsum([0, *self.sizes]).tolist()
        self.scalars = not any(shapes)

    def at(self, x: Any) -> tuple[Any, Any]:
        """Residuals and Jacobian."""
        if len(self.shapes) == 1:
            outputs = self.one(x.reshape(self.shapes[0]), *self.params)
        elif self.scalars:
            outputs = self.one(*x, *self.params)
        else:
            pairs = zip(self.stops[:-1], self.stops[1:], self.shapes, strict=True)
            outputs = self.one(*[x[a:b].reshape(s) for a, b, s in pairs], *self.params)
        k = self.parts
        n = self.stops[-1]
        if k == 1:
            r = np.asarray(outputs[0], np.float64).reshape(-1)
        elif len(outputs) == k + 1:
            r = np.array(outputs[:k], np.float64)
        if len(outputs) == k + 1:  # the matrix itself
            return r, np.asarray(outputs[k], np.float64).reshape(r.size, n)
        if k == 1:
            return r, self._columns(r.size, outputs[1:])
        if self.scalars and all(np.ndim(v) == 0 for v in outputs[:k]):
            flat = np.array(outputs, np.float64)
            return flat[:k], flat[k:].reshape(k, n)
        r = np.concatenate([np.ravel(v) for v in outputs[:k]])
        blocks, m = iter(outputs[k:]), len(self.sizes)
        rows = [self._columns(np.size(v), [next(blocks) for _ in range(m)]) for v in outputs[:k]]
        return r, np.concatenate(rows)

    def _columns(self, m: int, blocks: Any) -> Any:
        out = np.empty((m, self.stops[-1]))
        for a, b, block in zip(self.stops[:-1], self.stops[1:], blocks, strict=True):
            out[:, a:b] = np.reshape(block, (m, b - a))
        return out


def quick_root(system: Single, x: Any, tol: float, maxiter: int) -> tuple[Any, float, int] | None:
    """A root by steps that lower ``|F|``: the point, ``|F|`` and steps; None in doubt.

    A step that does not is halved; the last one is a full one.
    """
    bound, early, small, count, last, p, held = np.inf, np.inf, False, 0, x, None, None
    tol, part = max(tol, LEAST_TOLERANCE), 1.0
    try:
        while True:
            r, jac = system.at(x)
            size = float(np.sqrt(r @ r))
            if not size < bound:
                if small and size == size and _is_last(last, x, held, bound, early):
                    return last, bound, count - 1
                part *= 0.5
                if small or part < LEAST_PART or p is None:
                    return None
                x = last - part * p
                continue
            if size == 0.0:
                return (x, size, count) if small and bound < np.inf else None
            if not ORDINARY_SIZES[0] < size < ORDINARY_SIZES[1]:
                return None
            if small and size <= REGULAR_RATE * bound:
                return x, size, count
            if count >= maxiter:
                return None
            p = np.linalg.solve(jac, r)
            if not small:  # what |F| was before steps were short
                early = bound
            last, bound, part, held = x, size, 1.0, (r, jac)
            x = x - p
            small = bool((np.abs(p) <= tol * np.abs(x)).all())
            count += 1
    except np.linalg.LinAlgError:
        return None


def _is_last(last: Any, x: Any, held: Any, bound: float, early: float) -> bool:
    """Whether ``|F|`` cannot fall below what it is at `last`: the last bits of x make it that large."""
    if not bound <= REGULAR_RATE * early < np.inf:
        return False
    if (np.abs(x - last) <= LAST_BITS_OF_X * np.abs(x)).all():
        return True
    r, jac = held
    return bool((np.abs(r) <= LAST_BITS_OF_X * (np.abs(jac) @ np.abs(last))).all())


class _Place:
    """A point of a fit, and what is there."""

    def __init__(self, system: Single, x: Any) -> None:
        r, self.jac = system.at(x)
        self.x, self.square = x, float(r @ r)
        self.g, self.a = self.jac.T @ r, self.jac.T @ self.jac


def quick_fit(
    system: Single, hessian: Callable[[Any], Any], x: Any, tol: float, maxiter: int
) -> tuple[Any, float, int, Any] | None:
    """A fit: the point, ``|r|``, steps and the Jacobian there; None where that is in doubt.

    Steps solve ``(J.T J + damping*D) p = -J.T r``, D the largest diagonal so far. The first is not much
    longer than the start. ``hessian(x)`` is the whole Hessian, which tells whether it is a minimum.
    """
    tol, now = max(tol, LEAST_TOLERANCE), _Place(system, x)
    weight = now.a.diagonal().copy()
    if not (ORDINARY_SQUARES[0] < now.square < ORDINARY_SQUARES[1]) or not (weight > 0).all():
        return None
    reach = REACH**2 * float(weight @ (x * x)) or np.inf
    damping, count, before = 0.0, 0, np.inf
    while count < maxiter and damping <= MOST_DAMPED:
        p = _damped_step(now, weight, damping)
        if p is None:
            return None
        length = float(weight @ (p * p))
        if count == 0 and length > reach:
            damping = max(4 * damping, DAMPED)
            continue
        to = _Place(system, now.x + p)
        full, lower = damping == 0.0, to.square <= now.square * (1 + ROUNDED)
        if full and lower and (np.abs(p) <= tol * np.abs(to.x)).all():
            return _sure(hessian, to, count + 1)
        promised = damping * length - float(now.g @ p)
        if not promised > 0:
            return None
        kept = (now.square - to.square) / promised
        lost = full and promised <= ROUNDED * now.square  # in rounding: the step itself decides
        if not (kept >= PROMISED or (lost and lower and length <= CONTRACTS**2 * before)):
            if lost:
                return None
            damping = max(4 * damping, DAMPED)
            continue
        if full and length > CONTRACTS**2 * before and _is_near(p, now.x):  # converges slowly
            return None
        before = length if full else np.inf
        now, count = to, count + 1
        weight = np.maximum(weight, now.a.diagonal())
        damping *= 0.01 if kept > 0.9 else 0.1
        damping = damping if damping > UNDAMPED else 0.0
    return None


def _is_near(p: Any, x: Any) -> bool:
    return bool((np.abs(p) <= SHORT_STEP * np.abs(x)).all())


def _damped_step(now: _Place, weight: Any, damping: float) -> Any:
    """A step by normal equations, scaled; None where these lose too many digits."""
    d = np.sqrt(weight)
    scaled = now.a / d[:, None] / d
    if damping:
        scaled.flat[:: d.size + 1] += damping
    elif not _is_definite(scaled):
        return None
    return -np.linalg.solve(scaled, now.g / d) / d


def _is_definite(scaled: Any) -> bool:
    """Whether a matrix with ones on its diagonal is positive definite beyond doubt."""
    try:
        return bool(np.linalg.cholesky(scaled).diagonal().min() > LEAST_PIVOT)
    except np.linalg.LinAlgError:
        return False


def _sure(
    hessian: Callable[[Any], Any], at: _Place, count: int
) -> tuple[Any, float, int, Any] | None:
    """What was found, where the whole Hessian is positive definite beyond doubt."""
    h = hessian(at.x)
    d = np.sqrt(np.abs(h.diagonal()))
    if not (d > 0).all():
        return None
    if not _is_definite(h / d[:, None] / d):
        return None
    return at.x, float(np.sqrt(at.square)), count, at.jac
