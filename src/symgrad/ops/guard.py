"""`where`, the op that chooses, and the guard: a choice between something and zero.

A guard keeps dead branches dead: ``where(c, g, 0) * h`` is built as ``where(c, g*h, 0)``, so an
infinite `h` where `c` is false never meets the zero. Every derivative of a branch is a guard, and the
constructors of products, broadcasts and shape changes pass it on through the functions here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from symgrad.expr.leaves import is_value, number, value_of
from symgrad.expr.node import Expr, make
from symgrad.expr.op import Op
from symgrad.expr.types import promote


def choose(condition: Expr, a: Expr, b: Expr) -> Expr:
    """``where(condition, a, b)`` of operands of one shape.

    A guard of a guard is one guard, by both conditions: guards never nest, so passing one on is O(1)
    however deep the branches were.
    """
    known = value_of(condition)
    if known is not None:
        return a if known else b
    if a.op is WHERE and a.args[0] is condition:
        a = a.args[1]
    if b.op is WHERE and b.args[0] is condition:
        b = b.args[2]
    if a is b:
        return a
    if is_value(b, 0) and a.op is WHERE and is_guard(a):
        inner, live = guarded(a)
        return choose(condition & inner, live, b)
    if is_value(a, 0) and b.op is WHERE and is_guard(b):
        inner, live = guarded(b)
        return choose(~condition & inner, live, a)
    return make(WHERE, (condition, a, b), (), condition.shape, promote(a.ty, b.ty))


def _vjp(g: Expr, y: Expr, needed: Sequence[bool]) -> tuple[Expr | None, ...]:
    condition, _, _ = y.args
    zero = number(0, y.shape)
    return None, choose(condition, g, zero), choose(condition, zero, g)


WHERE: Final = Op(
    name="where",
    build=lambda args, params: choose(*args),
    infer=lambda args, params: (args[0].shape, promote(args[1].ty, args[2].ty)),
    vjp=_vjp,
    elementwise=True,
    numpy="np.where({0}, {1}, {2})",
    scalar="({1} if {0} else {2})",
    text="where({0}, {1}, {2})",
    latex=r"\begin{{cases}} {1} & \text{{if }} {0} \\ {2} & \text{{otherwise}} \end{{cases}}",
    sympy=lambda sp, c, a, b: sp.Piecewise((a, c), (b, True)),
    cost=2,
    notes="The branch not taken contributes nothing, whatever its value, at every order.",
    range=lambda y, c, a, b: a | b,
)


def is_guard(node: Expr) -> bool:
    """Whether `node` is ``where(c, a, 0)`` or ``where(c, 0, a)``."""
    return node.op is WHERE and (is_value(node.args[2], 0) or is_value(node.args[1], 0))


def guarded(guard: Expr) -> tuple[Expr, Expr]:
    """``(c, a)`` of ``where(c, a, 0)``, also where it is written ``where(not c, 0, a)``."""
    condition, a, b = guard.args
    return (condition, a) if is_value(b, 0) else (~condition, b)


def under_guard(guard: Expr, change: Callable[[Expr], Expr]) -> Expr:
    """The guard of ``change(a)`` for a guard of `a`; `change` maps zero to zero, shapes stay."""
    condition, a, b = guard.args
    if is_value(b, 0):
        live = change(a)
        return choose(condition, live, number(0, live.shape))
    live = change(b)
    return choose(condition, number(0, live.shape), live)


def move_guard(guard: Expr, change: Callable[[Expr], Expr]) -> Expr:
    """The guard after a change of layout (a broadcast, a reshape, a slice) of all its operands."""
    condition, a, b = guard.args
    return choose(change(condition), change(a), change(b))
