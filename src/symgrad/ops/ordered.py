"""The factory of functions that have an order, such as Bessel functions: one record per function.

Orders are numbers, parameters of the node. A derivative is made of the same function of other orders,
or of a function that has the order of the derivative among its own, so derivatives of any order close.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

from symgrad.errors import ArgumentError
from symgrad.expr.dims import Shape
from symgrad.expr.leaves import constant, value_of
from symgrad.expr.node import Expr, make
from symgrad.expr.op import Op, Params
from symgrad.expr.types import Ty
from symgrad.ops.elementwise import as_expr
from symgrad.ops.ufuncs import expit


class Numbers(tuple[Any, ...]):
    """Parameters that are numbers, however many."""

    __slots__ = ()

    def __new__(cls, *values: Any) -> Numbers:
        """As the fields of an op are made; nothing but numbers holds together."""
        for value in values:
            if value.__class__ not in (int, float, Fraction):
                raise TypeError(f"{value!r} is no number")
        return super().__new__(cls, values)

    def __getnewargs__(self) -> tuple[Any, ...]:
        return tuple(self)


def cast_code(node: Expr) -> str:
    """Code that brings a result in float64 to the type of `node`."""
    return "" if node.dtype.name == "float64" else f".astype(np.{node.dtype.name})"


def ordered(
    name: str,
    derivative: Callable[..., Expr],
    numpy: Callable[[Expr], str],
    latex: str | Callable[..., str],
    sympy: Callable[..., Any],
    domain: tuple[float, float],
    text: Callable[..., str] | None = None,
    whole: Callable[..., str | None] | None = None,
    **fields: Any,
) -> Op:
    """A function ``f(n, x)`` of fixed orders; ``derivative(n, y, x)`` is its derivative by x.

    `latex` and `text` are the name in notation, given the orders; without `text` it is ``name(n, x)``.
    `whole` is the LaTeX of orders that have another, as a template over x.
    """

    def infer(args: tuple[Expr, ...], params: Params) -> tuple[Shape, Ty]:
        return args[0].shape, expit.type_of((args[0].ty,))

    def cotangents(g: Expr, y: Expr, needed: Sequence[bool]) -> list[Expr | None]:
        return [g * derivative(*y.params, y, y.args[0]) if needed[0] else None]

    def notation(orders: Params) -> str:
        shown = latex.format(*orders) if isinstance(latex, str) else latex(*orders)
        return shown.replace("{", "{{").replace("}", "}}")  # braces of LaTeX, kept

    def set_out(node: Expr) -> str:
        special = whole(*node.params) if whole else None
        return special or rf"{notation(node.params)}\left({{0}}\right)"

    def call(node: Expr) -> str:
        return text(*node.params) if text else f"{name}({', '.join(map(str, node.params))}, {{0}})"

    op = Op(
        name=name,
        build=lambda args, params: make(op, args, params, *infer(args, params)),
        fields=Numbers,
        infer=infer,
        vjp=cotangents,
        elementwise=True,
        numpy=numpy,
        scalar=lambda node: _on_floats(numpy(node)),
        text=call,
        latex=set_out,
        sympy=sympy,
        domain=(domain,),
        **fields,
    )
    return op


def _on_floats(code: str) -> str:
    """Code on Python floats: SciPy's functions take them; helpers take arrays."""
    return f"float({code})" if code.startswith("scipy.special.") else ""


def of_order(op: Op, n: Any, x: Any, free: Callable[[Any, Any], Expr] | None = None) -> Expr:
    """The function of order `n`; where that is an expression and no number, what `free` makes of it."""
    if isinstance(n, Expr):
        known = value_of(n)
        if known is None and free is not None:
            return free(n, x)
        n = n if known is None else known
    order = _order(op.name, n)
    return op.build((as_expr(x),), (order,))


def _order(name: str, n: Any) -> Any:
    value = constant(n).params[0] if isinstance(n, (int, float, Fraction)) else None
    if value is None or isinstance(value, bool):
        raise ArgumentError(f"the order of {name} must be a number such as 0 or 1, not {n!r}")
    return int(value) if value == int(value) else value
