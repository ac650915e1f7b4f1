"""`named`: an intermediate that prints by its name, with its definition alongside."""

from __future__ import annotations

from typing import Any, Final

from symgrad.errors import ArgumentError
from symgrad.expr.leaves import is_number
from symgrad.expr.node import Expr, make
from symgrad.expr.op import Op
from symgrad.ops.elementwise import as_expr
from symgrad.ops.public import public


def _build(x: Expr, name: str) -> Expr:
    return x if is_number(x) else make(NAMED, (x,), (name,), x.shape, x.ty)


NAMED: Final = Op(
    name="named",
    build=lambda args, params: _build(args[0], params[0]),
    infer=lambda args, params: (args[0].shape, args[0].ty),
    vjp=lambda g, y, needed: [g],
    elementwise=True,
    label=lambda node: node.params[0],
    numpy="{0}",
    scalar="{0}",
    sympy=lambda sp, x, name: x,
    range=lambda y, x: x,
)


@public
def named(e: Any, name: str) -> Expr:
    """`e` under a name: prints as that name, with ``name = ...`` among the definitions.

    Raises
    ------
    ArgumentError
        If the name is no non-empty str.

    Examples
    --------
    >>> import symgrad as sg
    >>> x = sg.symbol("x")
    >>> str(sg.named(x**2 + 1, "p") ** 3)
    'p**3 where p = x**2 + 1'
    """
    if not isinstance(name, str) or not name:
        raise ArgumentError(f"named needs a non-empty str, not {name!r}")
    return _build(as_expr(e), name)
