"""Minima for many problems at once: Newton's method in a trust region, by eigenvalues of the Hessian.

With ``H = Q diag(w) Q.T`` the step in the region is exact, whatever the signs of `w`; a saddle is left
along its direction of negative curvature. Where a large H has Cholesky's factors, and the Newton step fits
its region, that is the step and no eigenvalues are needed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from symgrad.solve.runtime.approach import Found
from symgrad.solve.runtime.arguments import Call, Problems, answer, shaped
from symgrad.solve.runtime.ending import EPS, is_short, lengths
from symgrad.solve.runtime.results import CONVERGED, Minimum, Status
from symgrad.solve.runtime.trust import UnderWay, shifted

FACTORED = 12  # unknowns of a single problem, from which on Cholesky's factors are cheaper
REACHES = (1e-3, 1e-6)  # how far beside a minimum is looked, in lengths of x
CURVATURES = (
    "positive definite",
    "positive semidefinite",
    "indefinite",
    "negative semidefinite",
    "negative definite",
    "unknown",
)


class Minima(Found):
    """Results of minimisation."""

    def __init__(self, x: Any, box: Any, tol: float) -> None:
        super().__init__(x if box is None else np.clip(x, *box))
        self.tol, self.box = tol, box
        self.value = np.full(len(x), np.nan)
        self.curvature = np.full(len(x), len(CURVATURES) - 1, np.int8)


def answer_of_minima(call: Call, problems: Problems, found: Minima) -> Minimum:
    """What a solver of minima returns."""
    minimum = answer(Minimum, call, problems, found)
    minimum.value = shaped(found.value, problems.batch)
    minimum.curvature = shaped(np.array(CURVATURES)[found.curvature], problems.batch)
    return minimum


def dense(hessian: Any) -> tuple[Any, Any, Any]:
    """The spectrum of dense matrices."""
    w, q = np.linalg.eigh(hessian)
    return (
        w,
        lambda v: np.einsum("kji,kj->ki", q, v),
        lambda v: np.einsum("kij,kj->ki", q, v),
    )


def diagonal(hessian: Any) -> tuple[Any, Any, Any]:
    """The spectrum of diagonal matrices, given as their diagonals."""
    return hessian, lambda v: v, lambda v: v


def kronecker(axis: int, shape: tuple[int, ...]) -> Callable[[Any], tuple[Any, Any, Any]]:
    """The spectrum of ``kron(eye, A)`` or ``kron(A, eye)``, the identity on an axis of unknowns of `shape`.

    The matrices A are given; each of their eigenvalues occurs as often as the identity is long.
    """

    def spectrum(small: Any) -> tuple[Any, Any, Any]:
        w, q = np.linalg.eigh(small)
        rows = (small.shape[0], *shape)
        w = np.broadcast_to(w[:, None, :] if axis == 0 else w[:, :, None], rows)

        def turned(v: Any, q: Any) -> Any:  # q.T on the axis of A
            v = v.reshape(rows)
            v = v @ q if axis == 0 else np.swapaxes(q, 1, 2) @ v
            return v.reshape(rows[0], -1)

        back = np.swapaxes(q, 1, 2)
        return w.reshape(rows[0], -1), lambda v: turned(v, q), lambda v: turned(v, back)

    return spectrum


def minimize_all(
    s: Minima,
    at: Callable[[Any, Any], Any],
    index: Any,
    maxiter: int,
    globalize: bool = True,
    callback: Any = None,
    spectrum: Callable[[Any], Any] = dense,
) -> None:
    """Minimise the problems `index`; `at(x, index)` gives values, gradients and Hessians in their form.

    `spectrum(hessian)` gives eigenvalues and two functions: into the eigenvectors and out of them.
    """
    x = s.x[index]
    with np.errstate(all="ignore"):
        while index.size:
            _iterate_minima(s, at, index, x, maxiter, globalize, callback, spectrum)
            index, x = _lower_nearby(s, at, index, spectrum) if globalize else (index[:0], x)


def strict_minimum(x: Any, count: int, size: float, value: float) -> Minimum:
    """The `Minimum` of one problem, where the Hessian is positive definite."""
    minimum = Minimum(x, True, count, size, CONVERGED)
    minimum.value, minimum.curvature = value, CURVATURES[0]
    return minimum


def confirmed(s: Minima, at: Callable[[Any, Any], Any], index: Any) -> Any:
    """Values and curvatures of what full steps found, all but `index`; what else is to be minimised.

    Full steps found points where Hessians have positive pivots; here their eigenvalues decide.
    """
    found = np.setdiff1d(np.arange(len(s.x)), index)
    if not found.size:
        return index
    with np.errstate(all="ignore"):
        s.value[found], _, hessians = at(s.x[found], found)
        kind = curvature_of(np.linalg.eigvalsh(hessians))
        s.curvature[found] = kind
        lower, points = _lower_nearby(s, at, found[kind == 0], dense)
    s.x[lower] = points
    return np.concatenate([index, found[kind > 0], lower])


def _lower_nearby(s: Minima, at: Any, index: Any, spectrum: Any) -> tuple[Any, Any]:
    """Problems with a lower value beside what looks like a minimum, as ``x**3`` has at 0, and where.

    Steps towards such a point become short, and curvature is positive on one side of it.
    """
    index = index[s.status[index] == Status.CONVERGED]
    if not index.size or not s.x.shape[1]:
        return index[:0], s.x[:0]
    x, f = s.x[index], s.value[index]
    w, _, out = spectrum(at(x, index)[2])
    unit = (np.arange(w.shape[1]) == w.argmin(axis=1)[:, None]).astype(float)
    away = np.maximum(lengths(x), 1.0)[:, None] * out(unit)
    found, best = np.zeros(index.shape, bool), x.copy()
    for reach in (*REACHES, *[-reach for reach in REACHES]):
        y = x - reach * away
        y = y if s.box is None else np.clip(y, *s.box)
        low = at(y, index)[0] < f - 1e-13 * np.maximum(np.abs(f), 1e-3)
        best = np.where((low & ~found)[:, None], y, best)
        found |= low
    return index[found], best[found]


@dataclass
class _Descent(UnderWay):
    """Problems under way: numbers, points, values, gradients, Hessians and trust regions."""

    index: Any
    x: Any
    f: Any
    g: Any
    h: Any
    delta: Any
    count: Any
    rejected: Any


@dataclass
class _Move:
    """A step: where it leads, what was expected of it, and the curvatures that it saw."""

    x: Any
    p: Any
    f: Any
    g: Any
    h: Any
    full: Any
    expected: Any
    w: Any  # None where all Hessians have Cholesky's factors
    size: Any  # of the gradient before
    left: Any  # of the gradient after
    level: Any  # whether the gradient is what the rounding of x makes of it
    finite: Any


def _iterate_minima(
    s: Minima,
    at: Any,
    index: Any,
    x: Any,
    maxiter: int,
    globalize: bool,
    callback: Any,
    spectrum: Any,
) -> None:
    """Newton steps from `x`; counts go on."""
    zero = np.zeros(index.shape, np.intp)
    f, g, h = at(x, index)
    now = _Descent(index, x, f, g, h, np.maximum(1.0, lengths(x)), s.count[index], zero)
    while now.index.size:
        move = _moved(s, at, now, globalize, spectrum)
        if callback is not None:
            callback(int(now.count[0]), now.x[0], float(move.size[0]), move.p[0])
        noise = 16 * EPS * np.abs(now.f)
        flat = move.expected <= noise
        # where the objective cannot tell any more, the gradient does
        falls = (now.f - move.f) > 1e-4 * move.expected
        good = np.where(flat, (move.left < move.size) & (move.f <= now.f + noise), falls)
        good &= np.isfinite(move.f) & np.isfinite(move.left)
        end = _ended_minimum(s, now, move, flat)
        small = is_short(move.p, now.x, s.tol)
        if not globalize:
            good, end = np.isfinite(move.f), small | (move.size == 0)
        lost = ~np.isfinite(move.p).all(axis=1) | (now.rejected > 60) | (small & ~good & ~end)
        done = end | lost | ~move.finite | (now.count >= maxiter)
        if done.any():
            _note(s, now, move, done, end, good, maxiter)
        _go(now, move, good, flat)
        if done.any():
            now.keep(~done)


def _moved(s: Minima, at: Any, now: _Descent, globalize: bool, spectrum: Any) -> _Move:
    """Steps within the trust regions, and values, gradients and Hessians there."""
    finite = np.isfinite(now.f) & np.isfinite(now.g).all(axis=1)
    finite &= np.isfinite(now.h).reshape(now.h.shape[0], -1).all(axis=1)
    g, h = _zeroed(now.g, ~finite), _zeroed(now.h, ~finite)
    g, h = (g, h) if s.box is None else _free(now.x, g, h, s.box)
    step = _definite_step(h, g, now.delta) if globalize else None
    if step is None:
        w, into, out = spectrum(h)
        step = _minimum_step(w, into, out, g, now.delta, globalize)
    else:
        w = None
    p, full, expected = step
    x = now.x + p if s.box is None else np.clip(now.x + p, *s.box)
    f, g_to, h_to = at(x, now.index)
    after = g_to if s.box is None else _free(x, g_to, h_to, s.box)[0]
    sizes = lengths(g), lengths(after)
    level = (np.abs(g) <= 2 * EPS * _product(np.abs(h), np.abs(now.x))).all(axis=1)
    return _Move(x, x - now.x, f, g_to, h_to, full, expected, w, *sizes, level, finite)


def _ended_minimum(s: Minima, now: _Descent, move: _Move, flat: Any) -> Any:
    """Convex there, and a full step that is short, or promises less than rounding hides."""
    convex = True
    if move.w is not None:
        top = np.abs(move.w).max(axis=1, initial=0.0)
        convex = move.w.min(axis=1, initial=np.inf) >= -1e-9 * top
    idle = flat & (move.full | (now.rejected == 0)) & ~(move.left < 0.5 * move.size)
    return convex & (move.level | (is_short(move.p, now.x, s.tol) & move.full) | idle)


def _note(
    s: Minima, now: _Descent, move: _Move, done: Any, end: Any, good: Any, maxiter: int
) -> None:
    """Write down what is done: at the trial point where that is better."""
    limit = now.count >= maxiter
    take = end & good & ~limit
    status = np.where(limit, Status.ITERATION_LIMIT, Status.STALLED)
    status = np.where(np.isfinite(move.p).all(axis=1), status, Status.SINGULAR)
    kind = np.full(done.shape, len(CURVATURES) - 1)
    kind[done] = curvature_of(_curvatures(s, now, done) if move.w is None else move.w[done])
    kind = np.where(move.finite, kind, len(CURVATURES) - 1)
    status = np.where(end, np.where(kind > 1, Status.NOT_A_MINIMUM, 0), status)
    status = np.where(move.finite, status, Status.NON_FINITE)
    x, size = np.where(take[:, None], move.x, now.x), np.where(take, move.left, move.size)
    size = np.where(move.finite, size, np.inf)
    index = now.index[done]
    s.set(index, status[done], x[done], size[done], (now.count + take)[done])
    s.value[index], s.curvature[index] = np.where(take, move.f, now.f)[done], kind[done]


def _curvatures(s: Minima, now: _Descent, done: Any) -> Any:
    """Eigenvalues of the Hessians of what is done, where the steps needed none."""
    h = now.h[done]
    if s.box is not None:
        h = _free(now.x[done], now.g[done], h, s.box)[1]
    return np.linalg.eigvalsh(h)


def _go(now: _Descent, move: _Move, good: Any, flat: Any) -> None:
    """Go where the step was good, and set the next trust region."""
    ratio = (now.f - move.f) / move.expected
    length = lengths(move.p)
    grown = np.maximum(now.delta, np.where(move.full, 3.0, 2.0) * length)
    delta = np.where(ratio > 0.75, grown, now.delta)
    delta = np.where(ratio >= 0.25, delta, 0.25 * length)
    now.delta = np.where(flat & good, now.delta, delta)
    now.rejected = np.where(good, 0, now.rejected + 1)
    now.count = now.count + good
    now.x = np.where(good[:, None], move.x, now.x)
    now.f = np.where(good, move.f, now.f)
    now.g, now.h = _pick(good, move.g, now.g), _pick(good, move.h, now.h)


def _product(h: Any, v: Any) -> Any:
    """Hessians, dense or as their diagonals, times vectors; 0 for what is a factor of a Hessian only."""
    if h.shape[1] != v.shape[1]:
        return np.zeros_like(v)
    return h * v if h.ndim == 2 else np.einsum("kij,kj->ki", h, v)


def _pick(which: Any, new: Any, old: Any) -> Any:
    return np.where(which.reshape(-1, *[1] * (old.ndim - 1)), new, old)


def _zeroed(v: Any, which: Any) -> Any:
    return _pick(which, np.zeros_like(v), v) if which.any() else v


def _free(x: Any, g: Any, h: Any, box: Any) -> tuple[Any, Any]:
    """Gradients and Hessians with the unknowns left out that are held at a bound."""
    held = ((x <= box[0]) & (g > 0)) | ((x >= box[1]) & (g < 0))
    g = np.where(held, 0.0, g)
    if h.ndim == 2:
        return g, np.where(held, 1.0, h)
    h = np.where(held[:, :, None] | held[:, None, :], 0.0, h)
    return g, np.where(held[:, :, None] & np.eye(x.shape[1], dtype=bool), 1.0, h)


def _definite_step(h: Any, g: Any, delta: Any) -> Any:
    """What `_minimum_step` gives, where the Newton step of a single problem is the one, or None.

    In a batch most often some problem has none, and eigenvalues are then needed for all.
    """
    if h.ndim == 2 or h.shape[0] > 1 or not FACTORED <= h.shape[1] == g.shape[1]:
        return None
    try:
        pivots = np.einsum("kii->ki", np.linalg.cholesky(h)) ** 2
        p = -np.linalg.solve(h, g[..., None])[..., 0]
    except np.linalg.LinAlgError:
        return None
    sound = pivots.min(axis=1) > 1e-8 * np.einsum("kii->ki", h).max(axis=1)
    full = lengths(p) <= 1.1 * delta
    return (p, full, -0.5 * (g * p).sum(axis=1)) if (sound & full).all() else None


def _minimum_step(w: Any, into: Any, out: Any, g: Any, delta: Any, globalize: bool) -> Any:
    """Steps, whether each is the full Newton step, and how much the model falls."""
    c = into(g)
    if not globalize:
        q, full = np.where(c == 0, 0.0, -c / w), np.ones(w.shape[0], bool)
    else:
        top = np.abs(w).max(axis=1, initial=0.0)[:, None]
        tiny = np.abs(w) <= EPS * w.shape[1] * top
        # a direction without curvature and slope is left alone
        still = tiny & (np.abs(c) <= EPS * np.sqrt((c**2).sum(axis=1))[:, None])
        still |= (w == 0) & (c == 0)
        q, full = shifted(
            np.where(still, np.where(top > 0, top, 1.0), w), np.where(still, 0.0, c), delta
        )
    expected = -(c * q + 0.5 * w * q**2).sum(axis=1)
    return out(q), full, expected


def curvature_of(w: Any) -> Any:
    """Which second-order condition eigenvalues meet, as an index into `CURVATURES`."""
    least = 1e-10 * np.abs(w).max(axis=1, initial=0.0)
    low, high = w.min(axis=1, initial=np.inf), w.max(axis=1, initial=-np.inf)
    up = np.where(low > least, 0, np.where(low >= -least, 1, 2))
    down = np.where(high < -least, 4, np.where(high <= least, 3, 2))
    return np.where(up < 2, up, np.where(down > 2, down, 2))
