"""Losses of residuals, each as a residual of its own: ``sum(rho(r**2))`` is the sum of squares of
``r*sqrt(rho(r**2)/r**2)``.

So a robust fit is a least squares problem like others, with all that belongs to it. The losses are those of
SciPy's ``least_squares``, with ``rho(z) = z + O(z**2)``, z the square of a residual in units of `f_scale`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from symgrad.autodiff import diff
from symgrad.batching import vmap
from symgrad.errors import ArgumentError, ShapeError
from symgrad.expr.dims import mul_dims
from symgrad.expr.leaves import constant, symbol
from symgrad.expr.node import Expr
from symgrad.expr.rewriting import replace
from symgrad.expr.traverse import free_symbols
from symgrad.ops.elementwise import as_expr
from symgrad.ops.reshaping import reshape_to
from symgrad.ops.select import where
from symgrad.ops.ufuncs import arctan, equal, less_equal, log1p, sqrt

Z: Final = symbol("square of a residual")


def _quotient(rho: Expr) -> Expr:
    """``rho(z)/z``, and what it tends to at 0."""
    (slope,) = replace([diff(rho, Z)], {Z: constant(0.0)}, {})
    return where(equal(Z, 0), slope, rho / Z)


# rho(z)/z, written so that it keeps its digits near z = 0
QUOTIENTS: Final[dict[str, Callable[[], Expr]]] = {
    "soft_l1": lambda: 2 / (1 + sqrt(1 + Z)),
    "huber": lambda: where(less_equal(Z, 1), 1, (2 * sqrt(Z) - 1) / Z),
    "cauchy": lambda: _quotient(log1p(Z)),
    "arctan": lambda: _quotient(arctan(Z)),
}
RHO: Final[dict[str, Callable[[], Expr]]] = {
    "soft_l1": lambda: 2 * (sqrt(1 + Z) - 1),
    "huber": lambda: where(less_equal(Z, 1), Z, 2 * sqrt(Z) - 1),
    "cauchy": lambda: log1p(Z),
    "arctan": lambda: arctan(Z),
}


class Loss:
    """A loss over ``z = (r/scale)**2``; `rho` is a formula of the symbol `Z`.

    Parameters
    ----------
    given : str or Expr
        A name of SciPy's, or rho as an expression of one symbol.
    scale : float
        `f_scale`, the residual from which on one is an outlier.

    Raises
    ------
    ArgumentError, ShapeError
        For another name, a formula of several symbols, or a scale that is not positive.
    """

    def __init__(self, given: Any, scale: Any) -> None:
        number = isinstance(scale, (int, float, np.number)) and not isinstance(scale, bool)
        if not number or not 0 < scale < np.inf:
            raise ArgumentError(f"f_scale must be a positive number, not {scale!r}")
        self.scale = float(scale)
        self.linear = isinstance(given, str) and given == "linear"
        if isinstance(given, str):
            if not self.linear and given not in RHO:
                names = ", ".join(["linear", *RHO])
                raise ArgumentError(f"the loss must be one of {names}, or a formula: not {given!r}")
            self.rho = Z if self.linear else RHO[given]()
            self.quotient = None if self.linear else QUOTIENTS[given]()
            return
        e = as_expr(given)
        found = free_symbols(e)
        if e.shape != ():
            raise ShapeError("a loss is a scalar formula of the square of one residual")
        if len(found) != 1 or found[0].shape != ():
            raise ArgumentError(
                "a loss is a formula of one scalar symbol, the square of a residual over f_scale;"
                f" this one has {', '.join(str(x.name) for x in found) or 'none'}"
            )
        (self.rho,) = replace([e], {found[0]: Z}, {})
        self.quotient = _quotient(self.rho)

    def residual(self, r: Expr) -> Expr:
        """The residual whose square is the loss of `r`."""
        if self.quotient is None:
            return r
        return r * sqrt(self._at(self.quotient, r))

    def influence(self, r: Expr) -> tuple[Expr, Expr]:
        """psi and its derivative by `r`: half of those of ``scale**2*rho((r/scale)**2)``."""
        first, second = diff(self.rho, Z), diff(diff(self.rho, Z), Z)
        weight = self._at(first, r)
        return weight * r, weight + 2 * (r / self.scale) ** 2 * self._at(second, r)

    def _at(self, e: Expr, r: Expr) -> Expr:
        """A formula of `Z` at every entry of ``(r/scale)**2``."""
        z = (r / self.scale) ** 2
        if not r.shape:
            return replace([e], {Z: z}, {})[0]
        flat = reshape_to(z, (mul_dims(*r.shape),))
        entries: Expr = vmap(e, over={Z: flat})
        return reshape_to(entries, r.shape)
