"""A formula that is computed as it is, and read in another form.

The shortest form of a derivative is seldom the one that keeps most digits, or shares most with its
function: that of ``sin(x)*cos(x)`` reads ``cos(2*x)``, and costs next to nothing beside the value as
``cos(x)**2 - sin(x)**2``. A `SHOWN` node holds what is computed: code and derivatives are made from it.
Its form in text, in LaTeX and in SymPy is searched when it is first read (`symgrad.rewrite.readable`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from symgrad.expr.node import Expr, make
from symgrad.expr.op import Op
from symgrad.expr.rewriting import rewritten


def shown(computed: Expr) -> Expr:
    """`computed`, which is read in its shortest form; a leaf is that already."""
    if not computed.args or computed.op is SHOWN:
        return computed
    return make(SHOWN, (computed,), (), computed.shape, computed.ty)


SHOWN: Final = Op(
    name="shown",
    build=lambda args, params: shown(*args),
    infer=lambda args, params: (args[0].shape, args[0].ty),
    vjp=lambda g, y, needed: [g],
    elementwise=True,
    keeps_symmetry=True,
    numpy="{0}",
    scalar="{0}",
    sympy=lambda sp, x: x,
    range=lambda y, x: x,
    order=lambda args, params, rank: args[0].order_text,
    domain=((-3.0, 3.0),),
)


def computed_forms(roots: Sequence[Expr]) -> Sequence[Expr]:
    """The roots with every formula in the form in which it is computed."""
    return rewritten(roots, {SHOWN: lambda node: node.args[0]})
