"""Hypergeometric functions.

Of parameters that are numbers these are records of their own; else the parameters are operands. A
derivative is the same function with each of them one higher, so derivatives of any order close.
Formulas: NIST Digital Library of Mathematical Functions, 13.3, 15.5, 16.3.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any, Final

from symgrad.errors import ArgumentError
from symgrad.expr.leaves import constant, value_of
from symgrad.expr.node import Expr
from symgrad.expr.op import Op
from symgrad.ops import free_orders
from symgrad.ops.elementwise import Elementwise, as_expr
from symgrad.ops.ordered import cast_code, ordered
from symgrad.ops.public import public


def _hypergeometric(upper: int, lower: int, domain: tuple[float, float]) -> Op:
    """``pFq`` with its `upper` and `lower` parameters in this order."""

    def derivative(*given: Any) -> Expr:
        *numbers, _, x = given
        factor = constant(1)
        for k, c in enumerate(numbers):
            factor = factor * as_expr(c) if k < upper else factor / as_expr(c)
        return factor * op.build((x,), tuple([_tidy(c + 1) for c in numbers]))

    def code(node: Expr) -> str:
        numbers = ", ".join(str(float(c)) for c in node.params)
        return f"scipy.special.{name}({numbers}, {{0}}){cast_code(node)}"

    def image(sp: Any, x: Any, *numbers: Any) -> Any:
        numbers = tuple([sp.nsimplify(c) if isinstance(c, Fraction) else c for c in numbers])
        return sp.hyper(numbers[:upper], numbers[upper:], x)

    def notation(*numbers: Any) -> str:
        groups = [numbers[:upper], numbers[upper:]]
        listed = "; ".join(", ".join(map(str, group)) for group in groups if group)
        return rf"{{{{}}}}_{{{{{upper}}}}}F_{{{{{lower}}}}}\left({listed}; {{0}}\right)"

    name = f"hyp{upper}f{lower}"
    op: Op = ordered(
        name,
        derivative,
        code,
        name,
        image,
        domain,
        lambda *numbers: f"{name}({', '.join(map(str, numbers))}, {{0}})",
        notation,
    )
    return op


def _tidy(c: Any) -> Any:
    return int(c) if c == int(c) else c


HYP0F1: Final = _hypergeometric(0, 1, (-3.0, 3.0))
HYP1F1: Final = _hypergeometric(1, 1, (-3.0, 3.0))
HYP2F1: Final = _hypergeometric(2, 1, (-0.9, 0.9))


def _of(op: Op, free: Elementwise, parameters: Sequence[Any], x: Any) -> Expr:
    """The record of fixed parameters where all are numbers, else that of parameters that are operands."""
    values = [value_of(as_expr(c)) for c in parameters]
    if None in values:
        made: Expr = free(*parameters, x)
        return made
    if any(isinstance(c, bool) for c in values):
        raise ArgumentError(f"the parameters of {op.name} must be numbers, not {parameters!r}")
    if values[-1] <= 0 and values[-1] == int(values[-1]):
        raise ArgumentError(f"the last parameter of {op.name} cannot be {values[-1]}: a pole")
    return op.build((as_expr(x),), tuple([_tidy(c) for c in values]))


@public
def hyp0f1(v: Any, z: Any) -> Expr:
    """The confluent limit function ``0F1(v; z)``, as `scipy.special.hyp0f1`."""
    return _of(HYP0F1, free_orders.HYP0F1, [v], z)


@public
def hyp1f1(a: Any, b: Any, x: Any) -> Expr:
    """Kummer's function ``1F1(a; b; x)``, as `scipy.special.hyp1f1`."""
    return _of(HYP1F1, free_orders.HYP1F1, [a, b], x)


@public
def hyp2f1(a: Any, b: Any, c: Any, z: Any) -> Expr:
    """Gauss's function ``2F1(a, b; c; z)``, as `scipy.special.hyp2f1`."""
    return _of(HYP2F1, free_orders.HYP2F1, [a, b, c], z)


HYPERGEOMETRIC_OPS: Final = (HYP0F1, HYP1F1, HYP2F1)
