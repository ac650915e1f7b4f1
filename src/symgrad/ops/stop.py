"""`stop_gradient`: a value that derivatives take for a constant."""

from __future__ import annotations

from typing import Any, Final

from symgrad.expr.leaves import SYMBOL
from symgrad.expr.node import Expr, make
from symgrad.expr.op import Op
from symgrad.ops.elementwise import as_expr
from symgrad.ops.public import public


def _build(x: Expr) -> Expr:
    """Numbers, other leaves without symbols, and what is stopped already have no derivative anyway."""
    if x.op is STOP_GRADIENT or (not x.args and x.op is not SYMBOL):
        return x
    return make(STOP_GRADIENT, (x,), (), x.shape, x.ty)


STOP_GRADIENT: Final = Op(
    name="stop_gradient",
    build=lambda args, params: _build(args[0]),
    infer=lambda args, params: (args[0].shape, args[0].ty),
    vjp=lambda g, y, needed: [None],
    elementwise=True,
    linear=True,
    unrolled=lambda node, x: x,
    numpy="{0}",
    scalar="{0}",
    latex=r"\operatorname{{stop\_gradient}}\left({0}\right)",
    sympy=lambda sp, x: x,
    domain=((-3.0, 3.0),),
    notes="Derivatives of every order take it for a constant.",
)


@public
def stop_gradient(e: Any) -> Expr:
    """The value of `e`, without a derivative: every derivative takes it for a constant.

    Compiled code computes `e` itself. The image in SymPy is that of `e`.

    Examples
    --------
    >>> import symgrad as sg
    >>> x = sg.symbol("x")
    >>> print(sg.diff(x * sg.stop_gradient(x), x))
    stop_gradient(x)

    The value of one function with the derivative of another ("straight through"):

    >>> y = sg.tanh(x) + sg.stop_gradient(sg.rint(x) - sg.tanh(x))
    >>> sg.evaluate(y, {x: 1.4})
    1.0
    >>> sg.diff(y, x) is sg.diff(sg.tanh(x), x)
    True
    """
    return _build(as_expr(e))
