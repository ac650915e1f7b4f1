"""Functions that divide by what goes to zero: `sinc` and `exprel`.

Each is a choice, by ``x == 0``, between its limit and a quotient. What such a choice means for derivatives,
and how it keeps its digits close to 0, is the same for every formula of that kind: see
`symgrad.rewrite.removable`.
"""

from __future__ import annotations

from typing import Any

from symgrad.expr.leaves import PI
from symgrad.expr.node import Expr
from symgrad.ops.elementwise import as_expr
from symgrad.ops.public import public
from symgrad.ops.select import where
from symgrad.ops.ufuncs import equal, expm1, sin


@public
def sinc(x: Any) -> Expr:
    """``sin(pi*x)/(pi*x)``, 1 at ``x = 0``, as `numpy.sinc`; smooth there, to any order.

    Examples
    --------
    >>> import symgrad as sg
    >>> x = sg.symbol("x")
    >>> float(sg.evaluate(sg.diff(sg.sinc(x), x, 2), {x: 0.0}))
    -3.289868133696453
    """
    a = as_expr(x)
    angle = PI * a
    return where(equal(a, 0), 1, sin(angle) / angle)


@public
def exprel(x: Any) -> Expr:
    """``(exp(x) - 1)/x``, 1 at ``x = 0``, as `scipy.special.exprel`; smooth there, to any order.

    Examples
    --------
    >>> import symgrad as sg
    >>> x = sg.symbol("x")
    >>> print(sg.evaluate(sg.diff(sg.special.exprel(x), x), {x: 0.0}))
    0.5
    """
    a = as_expr(x)
    return where(equal(a, 0), 1, expm1(a) / a)
