"""L-BFGS: quasi-Newton steps from the last few gradients, with a line search."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from symgrad.autodiff.presented import grad
from symgrad.errors import ArgumentError
from symgrad.optim.rules import parameters_of

ARMIJO: Final = 1e-4
CURVATURE: Final = 0.9
TRIALS: Final = 40

Vector = np.ndarray[Any, Any]


class LBFGS:
    """Limited-memory BFGS: the inverse Hessian by the last steps and changes of the gradient.

    Source: Nocedal and Wright, Numerical Optimization (2006), algorithms 7.4 and 7.5; the line search
    halves and doubles until the weak conditions of Wolfe hold (Lewis and Overton, 2013).

    Parameters
    ----------
    params : nest of Variables
    history : int
        How many steps are remembered.

    Raises
    ------
    ArgumentError
        If a parameter is no Variable that was given data.

    Examples
    --------
    >>> import symgrad as sg
    >>> x, y = sg.variable(-1.2), sg.variable(1.0)
    >>> optimizer = sg.optim.LBFGS([x, y])
    >>> for _ in range(60):
    ...     loss = optimizer.step(lambda: 100 * (y - x**2) ** 2 + (1 - x) ** 2)
    >>> print(f"{x:.6f} {y:.6f}")
    1.000000 1.000000
    """

    def __init__(self, params: Any, history: int = 10) -> None:
        self.params = parameters_of(params, "LBFGS")
        if not self.params:
            raise ArgumentError("LBFGS has no parameters to change")
        self._pairs: deque[tuple[Vector, Vector]] = deque(maxlen=history)
        self._known: tuple[Vector, float, Vector] | None = None  # where, value, slope

    def step(self, loss: Callable[[], Any]) -> float:
        """One step with its line search; the loss behind it.

        Parameters
        ----------
        loss : callable
            ``loss()`` computes the loss, a scalar Variable, from the parameters. It is called at each trial
            point, with its data in the parameters.

        Returns
        -------
        float
            Where no step lowers the loss, the parameters stay, and what was remembered is forgotten.
        """
        x = self._vector()
        f, g = self._at(loss, x)
        direction = self._direction(g)
        slope = float(g @ direction)
        if not slope < 0:
            self._pairs.clear()
            direction, slope = -g, -float(g @ g)
        found = self._searched(loss, x, f, direction, slope)
        if found is None:
            self._assign(x)
            self._pairs.clear()
            self._known = None
            return f
        after, value, gradient = found
        s, y = after - x, gradient - g
        if s @ y > 1e-10 * np.sqrt((s @ s) * (y @ y)):
            self._pairs.append((s, y))
        self._assign(after)
        self._known = found
        return value

    def _direction(self, g: Vector) -> Vector:
        """``-H g`` by two loops over the remembered steps."""
        q = g.copy()
        weights = []
        for s, y in reversed(self._pairs):
            a = (s @ q) / (s @ y)
            weights.append(a)
            q -= a * y
        if self._pairs:
            s, y = self._pairs[-1]
            q *= (s @ y) / (y @ y)
        for (s, y), a in zip(self._pairs, reversed(weights), strict=True):
            q += (a - (y @ q) / (s @ y)) * s
        return -q

    def _searched(
        self, loss: Callable[[], Any], x: Vector, f: float, direction: Vector, slope: float
    ) -> tuple[Vector, float, Vector] | None:
        low, high = 0.0, np.inf
        t = 1.0 if self._pairs else min(1.0, 1.0 / float(np.linalg.norm(direction) or 1.0))
        best = None
        for _ in range(TRIALS):
            point = x + t * direction
            value, gradient = self._at(loss, point)
            if not value <= f + ARMIJO * t * slope:
                high = t
            elif gradient @ direction < CURVATURE * slope:
                low, best = t, (point, value, gradient)
            else:
                return point, value, gradient
            t = (low + high) / 2 if high < np.inf else 2 * low
        return best

    def _at(self, loss: Callable[[], Any], x: Vector) -> tuple[float, Vector]:
        if self._known is not None and np.array_equal(self._known[0], x):
            return self._known[1], self._known[2]
        self._assign(x)
        value = loss()
        slopes = grad(value, self.params)
        return float(value), np.concatenate([np.ravel(g.data) for g in slopes]).astype(float)

    def _vector(self) -> Vector:
        return np.concatenate([np.ravel(p.data) for p in self.params]).astype(float)

    def _assign(self, x: Vector) -> None:
        begin = 0
        for p in self.params:
            p.data = x[begin : begin + p.size].reshape(p.shape).astype(p.dtype)
            begin += p.size
