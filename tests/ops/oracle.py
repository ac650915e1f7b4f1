"""Values and derivatives of elementwise ops to 30 digits, from their SymPy images, by mpmath."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import mpmath
import sympy

from symgrad.expr.op import Op

DIGITS = 30


def _spacing(x: Any) -> Any:
    return mpmath.mpf(2) ** (math.frexp(float(x))[1] - 53) * (1 if x >= 0 else -1)


# Functions that SymPy does not have or print, most of them of the floating-point representation
BY_NAME: dict[str, Callable[..., Any]] = {
    "isnan": mpmath.isnan,
    "isinf": mpmath.isinf,
    "isfinite": mpmath.isfinite,
    "signbit": lambda x: x < 0,
    "spacing": _spacing,
    "airyaiprime": lambda x: mpmath.airyai(x, derivative=1),  # SymPy does not print these two
    "airybiprime": lambda x: mpmath.airybi(x, derivative=1),
    "nextafter": lambda a, b: mpmath.mpf(math.nextafter(float(a), float(b))),
    "eval_laguerre": lambda n, x: mpmath.laguerre(n, 0, x),
    "eval_genlaguerre": mpmath.laguerre,
    "owens_t": lambda h, a: mpmath.quad(
        lambda t: mpmath.exp(-h * h * (1 + t * t) / 2) / (1 + t * t) / (2 * mpmath.pi),
        [0, a],
        maxdegree=4,
    ),
    "heaviside": lambda a, b: mpmath.mpf(0 if a < 0 else 1) if a != 0 else b,
}


def function_of(op: Op, params: Sequence[Any], arity: int) -> Callable[..., Any]:
    """The op as a function of mpmath numbers."""
    if op.name in BY_NAME:
        return BY_NAME[op.name]
    if op.sympy is None:
        raise AssertionError(f"{op.name} has no SymPy image: give it one, or an oracle here")
    symbols = [sympy.Symbol(f"a{i}", real=True) for i in range(arity)]
    image = op.sympy(sympy, *symbols, *params)
    return sympy.lambdify(symbols, image, "mpmath")  # type: ignore[no-any-return]


def as_number(x: Any) -> Any:
    if isinstance(x, bool):
        return x
    return x if isinstance(x, int) else mpmath.mpf(x)


def value(f: Callable[..., Any], point: Sequence[Any]) -> Any:
    """The value; with more digits far out, where an image such as log(1 + exp(x)) cancels."""
    far = any(abs(x) > 15 or 0 < abs(x) < 1e-3 for x in point)
    with mpmath.workdps(400 if far else DIGITS + 20):
        return f(*[as_number(x) for x in point])


def derivative(f: Callable[..., Any], point: Sequence[Any], orders: Sequence[int]) -> Any:
    """The mixed derivative of these orders; operands of order 0 are held as they are."""
    moving = [i for i, n in enumerate(orders) if n]
    with mpmath.workdps(DIGITS):
        values = [as_number(x) for x in point]

        def g(*xs: Any) -> Any:
            arguments = list(values)
            for i, x in zip(moving, xs, strict=True):
                arguments[i] = x
            return f(*arguments)

        start = tuple(values[i] for i in moving)
        counts = tuple(orders[i] for i in moving)
        if len(moving) == 1:
            return mpmath.diff(g, start[0], counts[0])
        return mpmath.diff(g, start, counts)
