"""The factory of records for functions of `scipy.special`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

from symgrad.errors import DerivativeError
from symgrad.expr.node import Expr
from symgrad.ops.elementwise import Elementwise, elementwise


def special_function(name: str, latex: str, derivative: Any, **fields: Any) -> Elementwise:
    """A function of `scipy.special`, with its derivatives and the start of its notation."""
    count = 1 if callable(derivative) else len(derivative)
    places = ", ".join(f"{{{i}}}" for i in range(count))
    fields.setdefault("numpy", f"scipy.special.{name}({places})")
    fields.setdefault("scalar", f"float(scipy.special.{name}({places}))")
    fields.setdefault("doc", f"Elementwise ``{name}``, as `scipy.special.{name}`.")
    return elementwise(
        name, derivative=derivative, latex=rf"{latex}\left({places}\right)", **fields
    )


def one_of(
    name: str, call: str, index: int, latex: str, derivative: Any, **fields: Any
) -> Elementwise:
    """One of the results of a function of `scipy.special` that gives several, such as ``sici``."""
    code = f"scipy.special.{call}({{0}})[{index}]"
    return special_function(
        name,
        latex,
        derivative,
        numpy=code,
        scalar=f"float({code})",
        doc=f"Elementwise, the result {index} of `scipy.special.{call}`.",
        **fields,
    )


def unknown_derivative(name: str, operand: str) -> Callable[..., NoReturn]:
    """The rule of an operand by which no formula of functions that are here is known."""

    def rule(g: Expr, y: Expr, *operands: Expr) -> NoReturn:
        raise DerivativeError(
            f"{name} cannot be differentiated by its operand {operand}: that derivative is no formula of"
            f" functions that symgrad has; hold {operand} fixed, with a number or stop_gradient"
        )

    return rule
