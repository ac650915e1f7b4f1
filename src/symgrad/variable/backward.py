"""Backpropagation: the gradients of a record by the leaves it came from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from symgrad.autodiff import pullback
from symgrad.expr.leaves import number, symbol
from symgrad.expr.node import Expr
from symgrad.expr.traverse import replace, toposort
from symgrad.variable.data import settled
from symgrad.variable.form import Form, form_of, renamed, seed_of
from symgrad.variable.record import Record, data_of, data_of_all, leaves_of


def _wrt(form: Form, leaves: dict[Expr, Record]) -> tuple[int, ...]:
    """The numbers of the leaves whose Variables are still held."""
    return tuple([i for i, leaf in enumerate(form.leaves) if _is_held(leaves[leaf])])


def _is_held(record: Record) -> bool:
    return record.owner is not None and record.owner() is not None


def gradient_data(y: Record, seed: Record | None) -> list[tuple[Record, Any]]:
    """The gradients of the sum of `y` (times `seed`) as data, for each leaf whose Variable is held.

    Raises
    ------
    DerivativeError
        If `y` depends on a leaf through an op that has no derivative.
    """
    leaves = leaves_of(y)
    form = form_of(y.expr)
    wrt = _wrt(form, leaves)
    values = data_of_all([leaves[leaf] for leaf in form.leaves])
    upstream = None if seed is None else data_of(seed)
    found = form.program.gradient_values(wrt, values, upstream) if wrt else []
    targets = [leaves[form.leaves[i]] for i in wrt]
    results = [(x, settled(g, x.shape, x.dtype)) for x, g in zip(targets, found, strict=True)]
    met = {form.leaves[i] for i in wrt}
    return results + [
        (x, settled(0.0, x.shape, x.dtype))
        for leaf, x in leaves.items()
        if leaf not in met and _is_held(x)
    ]


def gradient_records(y: Record, seed: Record | None) -> list[tuple[Record, Record]]:
    """The gradients of the sum of `y` (times `seed`) as formulas over the same leaves."""
    leaves = leaves_of(y)
    form = form_of(y.expr)
    wrt = _wrt(form, leaves)
    program = form.program
    back = dict(zip(program.leaves, form.leaves, strict=True))
    if seed is not None:
        back[seed_of(program.expr)] = seed.expr
    gradients = dict(
        zip(wrt, _renamed(program.gradient(wrt, seed is not None), back, seed), strict=True)
    )
    numbers = {leaf: i for i, leaf in enumerate(form.leaves)}
    inputs = (y,) if seed is None else (y, seed)
    return [
        (x, Record(x.shape, x.dtype, expr=_gradient_of(leaf, x, gradients, numbers), inputs=inputs))
        for leaf, x in leaves.items()
        if _is_held(x)
    ]


def _renamed(found: Sequence[Expr], back: dict[Expr, Expr], seed: Record | None) -> list[Expr]:
    if seed is None:
        return renamed(found, back)
    return replace(found, back, {})  # the seed is a formula: nodes may simplify


def _gradient_of(
    leaf: Expr, x: Record, gradients: dict[int, Expr], numbers: dict[Expr, int]
) -> Expr:
    return gradients[numbers[leaf]] if leaf in numbers else number(0, x.shape)


def gradient_of_inner(y: Record, inner: Record, seed: Record | None) -> Record | None:
    """The gradient of `y` by a value on the way; None where the formula of `y` goes around it."""
    if inner.expr.ty.weak or inner.expr not in set(toposort([y.expr])):
        return None
    stand_in = symbol("inner", inner.shape, inner.expr.dtype, unique=inner.expr)
    (above,) = replace([y.expr], {inner.expr: stand_in}, {})
    upstream = number(1, y.shape, None if y.expr.ty.weak else y.expr.ty)
    if seed is not None:
        upstream = seed.expr
    (found,) = pullback([above], [upstream], [stand_in])
    (formula,) = replace([found], {stand_in: inner.expr}, {})
    inputs = (y,) if seed is None else (y, seed)
    return Record(inner.shape, inner.dtype, expr=formula, inputs=inputs)
