"""`named`: an intermediate that prints by its name, with its definition alongside."""

from __future__ import annotations

from typing import Any, Final

from symgrad.errors import ArgumentError
from symgrad.expr.leaves import NameParams
from symgrad.expr.node import Expr, make
from symgrad.expr.op import Op, Params
from symgrad.expr.order import SYMBOL_PLACE, name_text
from symgrad.ops.elementwise import as_expr
from symgrad.ops.public import public


def _build(args: tuple[Expr, ...], params: Params) -> Expr:
    return make(NAMED, args, params, args[0].shape, args[0].ty)


NAMED: Final[Op] = Op(
    name="named",
    fields=NameParams,
    build=_build,
    infer=lambda args, params: (args[0].shape, args[0].ty),
    vjp=lambda g, y, needed: [g],
    elementwise=True,
    linear=True,
    unrolled=lambda node, x: x,
    entries=lambda node, parts: parts[0],
    keeps_symmetry=True,
    label=lambda node: node.params.name,
    order=lambda args, params, rank: (
        f"{rank}{SYMBOL_PLACE}{name_text(params[0])}{args[0].order_text}"
    ),
    numpy="{0}",
    scalar="{0}",
    sympy=lambda sp, x, name: x,
    range=lambda y, x: x,
)


@public
def named(e: Any, name: str) -> Expr:
    """`e` under a name: prints as that name, with ``name = ...`` among the definitions.

    A name holds: no rule of simplification takes apart what has one, and derivatives are written in terms
    of it, with its own powers found again. A name is a variable, too: ``diff(f, p)`` is the partial
    derivative by it, everything else held, and `lambdify`, `evaluate` and `substitute` take values for it.
    A named constant stays a name, too; its value enters when code
    is made. `explicit` writes the definitions out.

    Parameters
    ----------
    e : expression, number or array
    name : str
        Any text. Two definitions of one name in a formula are told apart in print: ``p``, ``p_2``.

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
    >>> gamma = sg.named(sg.sqrt(1 - x**2), "gamma")
    >>> print(sg.diff(gamma**3, x))
    -3*gamma*x where gamma = sqrt(1 - x**2)
    >>> h = sg.named(6.62607015e-34, "h")
    >>> print(sg.diff(h * x**2, x))
    2*h*x where h = 6.62607015e-34
    """
    if not isinstance(name, str) or not name:
        raise ArgumentError(f"named needs a non-empty str, not {name!r}")
    return NAMED.build((as_expr(e),), (name,))
