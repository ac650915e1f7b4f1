"""A formula that is computed in one form and read in another.

The shortest form of a derivative is seldom the one that keeps most digits, or shares most with its
function: that of ``sin(x)*cos(x)`` reads ``cos(2*x)``, and costs next to nothing beside the value as
``cos(x)**2 - sin(x)**2``. A `SHOWN` node holds both. Code and derivatives are made from what is
computed; text, LaTeX and SymPy's image from what is read.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from symgrad.expr.leaves import is_number
from symgrad.expr.node import Expr, make
from symgrad.expr.op import Op
from symgrad.expr.traverse import free_symbols, toposort, transform


def shown(computed: Expr, form: Expr) -> Expr:
    """`computed`, which reads as `form`; the two are equal where the first is defined.

    It is one of the two where both are the same or a number, or where a symbol is left out of the form:
    what is read must not ask for other arguments than what is called.
    """
    if computed is form or is_number(computed) or is_number(form):
        return form
    if set(free_symbols(computed)) != set(free_symbols(form)):
        return form
    return make(SHOWN, (computed, form), (), computed.shape, computed.ty)


SHOWN: Final = Op(
    name="shown",
    build=lambda args, params: shown(*args),
    infer=lambda args, params: (args[0].shape, args[0].ty),
    vjp=lambda g, y, needed: [g, None],
    elementwise=True,
    numpy="{0}",
    scalar="{0}",
    sympy=lambda sp, computed, form: computed,
    formula=lambda node: node.args[1],
    order=lambda args, params, rank: args[1].order_text,
    domain=((-3.0, 3.0), (-3.0, 3.0)),
)


def computed_forms(roots: Sequence[Expr]) -> list[Expr]:
    """The roots with every formula in the form in which it is computed."""
    return _forms(roots, 0)


def shown_forms(roots: Sequence[Expr]) -> list[Expr]:
    """The roots with every formula in the form in which it is read."""
    return _forms(roots, 1)


def _forms(roots: Sequence[Expr], which: int) -> list[Expr]:
    if not any(node.op is SHOWN for node in toposort(roots)):
        return list(roots)
    image = transform(roots, lambda node: node.args[which] if node.op is SHOWN else node)
    return [image[root] for root in roots]
