"""SymPy's unevaluated `Integral` between bounds, by adaptive quadrature.

An integral is a function of its bounds and of the symbols in the integrand, entry by entry. By the rule of
Leibniz its derivatives are the integrand at the bounds, and integrals of the derivatives of the integrand.
"""

from __future__ import annotations

import hashlib
import inspect
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
import sympy as sp

from symgrad.compile.lambdify import lambdify
from symgrad.errors import ConversionError
from symgrad.expr.node import Expr
from symgrad.functions.own import OwnFunction, elementwise_function
from symgrad.ops.elementwise import over_arrays

RELATIVE: Final = 1e-8  # error estimates above this, or ABSOLUTE, make the result nan
ABSOLUTE: Final = 1e-10


@dataclass(frozen=True)
class Quadrature:
    """The integral of `integrand` over `variable` as a function of arrays ``(low, high, *parameters)``."""

    integrand: Any
    variable: Any
    parameters: tuple[Any, ...]

    def __reduce__(self) -> Any:
        return Quadrature, (self.integrand, self.variable, self.parameters)

    @property
    def __name__(self) -> str:
        text = sp.srepr((self.integrand, self.variable))
        return f"integral_{hashlib.sha256(text.encode()).hexdigest()[:8]}"

    @property
    def __signature__(self) -> inspect.Signature:
        return _of_operands(len(self.parameters) + 2)

    @cached_property
    def compiled(self) -> Any:
        """The integrand of numbers."""
        return lambdify([self.variable, *self.parameters], self.integrand)

    def __call__(self, *bounds_and_values: Any) -> Any:
        return np.vectorize(self._one, otypes=[float])(*bounds_and_values)[()]

    def _one(self, low: float, high: float, *values: float) -> float:
        from scipy.integrate import quad  # noqa: PLC0415  (an extra)

        found, error, *_ = quad(
            lambda t: self.compiled(float(t), *map(float, values)),
            low,
            high,
            epsabs=0.0,
            epsrel=1e-12,
            limit=200,
            full_output=True,
        )
        good = error <= max(RELATIVE * abs(found), ABSOLUTE)
        return float(found) if good else float("nan")

    @cached_property
    def function(self) -> OwnFunction:
        """The function that formulas call."""
        count = len(self.parameters) + 2
        return elementwise_function(
            self.__name__,
            derivative=[_Slope(self, place) for place in range(count)],
            numpy=self,
            sympy=_Image(self),
            arity=count,
        )

    def at(self, formula: Any, t: Expr, values: tuple[Expr, ...]) -> Expr:
        """A SymPy formula of the variable and the parameters, at expressions."""
        from symgrad.interop.sympy import from_sympy  # noqa: PLC0415  which calls this

        symbols = [from_sympy(s) for s in (self.variable, *self.parameters)]
        known = dict(zip(symbols, (t, *values), strict=True))
        return over_arrays([from_sympy(formula)], known, t.shape)[0]


@dataclass(frozen=True)
class _Slope:
    """The derivative of an integral by one of its operands: a bound, or a parameter."""

    integral: Quadrature
    place: int

    @property
    def __signature__(self) -> inspect.Signature:
        return _of_operands(len(self.integral.parameters) + 2)

    def __call__(self, low: Expr, high: Expr, *values: Expr) -> Expr:
        q = self.integral
        if self.place == 0:
            return -q.at(q.integrand, low, values)
        if self.place == 1:
            return q.at(q.integrand, high, values)
        slope = sp.diff(q.integrand, q.parameters[self.place - 2])
        return integral_of(slope, q.variable, q.parameters, low, high, values)


@dataclass(frozen=True)
class _Image:
    """The image of an integral in SymPy."""

    integral: Quadrature

    def __call__(self, low: Any, high: Any, *values: Any) -> Any:
        q = self.integral
        known = dict(zip(q.parameters, values, strict=True))
        return sp.Integral(q.integrand.xreplace(known), (q.variable, low, high))


def _of_operands(count: int) -> inspect.Signature:
    kind = inspect.Parameter.POSITIONAL_ONLY
    return inspect.Signature([inspect.Parameter(f"x{k}", kind) for k in range(count)])


def integral_of(
    integrand: Any, variable: Any, parameters: Any, low: Expr, high: Expr, values: Any
) -> Expr:
    """An integral with the parameters that are left in its integrand."""
    kept = [(p, v) for p, v in zip(parameters, values, strict=True) if integrand.has(p)]
    made = Quadrature(integrand, variable, tuple(p for p, _ in kept))
    result: Expr = made.function(low, high, *[v for _, v in kept])
    return result


def operands_of(node: Any) -> tuple[Any, ...]:
    """The bounds of the outermost integral, and the symbols of what it integrates.

    Raises
    ------
    ConversionError
        For an integral without bounds.
    """
    *_, outer = node.limits
    if len(outer) != 3:
        raise ConversionError(
            f"SymPy's Integral has no image here without bounds: {node}; evaluate it first with .doit()"
        )
    return (*outer[1:], *_parameters(node))


def _parameters(node: Any) -> list[Any]:
    free = _inner(node).free_symbols - {node.limits[-1][0]}
    return sorted(free, key=sp.default_sort_key)


def _inner(node: Any) -> Any:
    """What the outermost integral integrates: an integral again where there are several."""
    inner = node.limits[:-1]
    return sp.Integral(node.function, *inner) if inner else node.function


def from_integral(node: Any, low: Expr, high: Expr, *values: Expr) -> Expr:
    """The function of bounds and parameters that an integral is, at these."""
    return integral_of(_inner(node), node.limits[-1][0], _parameters(node), low, high, values)
