"""Parts of formulas of what is joined: ``(2*stack([a, b]))[1]`` is ``2*b``."""

from __future__ import annotations

from typing import Any, Final

from symgrad.expr.leaves import CONST, is_number
from symgrad.expr.node import Expr
from symgrad.ops.arithmetic import ADD, add_all
from symgrad.ops.einsum import EINSUM, einsum_node, is_stretched_scalar
from symgrad.ops.gathering import GATHER
from symgrad.ops.layout import CONCAT, EMBED, SLICE, concat, full_entry, slice_of
from symgrad.rewrite.rule import Guarantee, Rule

MAX_DEPTH: Final = 4
MAX_OPERANDS: Final = 8
MAX_TERMS: Final = 16


def _part_of_entrywise(y: Expr) -> Expr | None:
    (x,), (index,) = y.args, y.params
    return part_of(x, index) if x.op.elementwise or x.op is EINSUM else None


def part_of(x: Expr, index: tuple[Any, ...]) -> Expr | None:
    """``x[index]`` in parts of the operands of x, where that makes it simpler; else None."""
    return _part(x, index, MAX_DEPTH)


def _part(x: Expr, index: tuple[Any, ...], depth: int) -> Expr | None:
    """The part of an entrywise formula over what is joined, if it is one operand of each join."""
    if x.op in (CONCAT, EMBED):
        found = slice_of(x, index)
        return None if found.op is SLICE and found.args[0] is x else found
    if x.op is GATHER:
        return _picked(x, index)
    if is_number(x) or is_stretched_scalar(x):
        return slice_of(x, index) if is_number(x) else _stretched(x, index)
    if x.op is EINSUM and depth and len(x.args) <= MAX_OPERANDS:
        return _part_of_product(x, index, depth)
    if not x.op.elementwise or depth == 0 or len(x.args) > MAX_OPERANDS:
        return None
    parts = [_part(arg, index, depth - 1) for arg in x.args]
    plain = [is_number(arg) or is_stretched_scalar(arg) for arg in x.args]
    joined = any(part is not None and not same for part, same in zip(parts, plain, strict=True))
    entry = all(e.__class__ is int for e in index) and plain.count(False) == 1
    if not joined and not entry:
        return None
    operands = [
        slice_of(arg, index) if part is None else part
        for arg, part in zip(x.args, parts, strict=True)
    ]
    return x.op.build(tuple(operands), x.params)


def _picked(x: Expr, index: tuple[Any, ...]) -> Expr | None:
    """An entry, or a row, at a known place."""
    k, *rest = index
    if (
        len(x.args) != 2
        or x.args[1].op is not CONST
        or x.args[1].ndim != 1
        or k.__class__ is not int
    ):
        return None
    return slice_of(x.args[0], (int(x.args[1].params[0].array[k]), *rest))


def _part_of_product(x: Expr, index: tuple[Any, ...], depth: int) -> Expr | None:
    """A row, a column or an entry of a product: the other operands may be sliced as well."""
    inputs, out, spread = x.params
    places = {n: e for n, e in zip(out, index, strict=True) if e.__class__ is int}
    partial = any(
        e.__class__ is not int and e != full_entry(d) for e, d in zip(index, x.shape, strict=True)
    )
    if not places or partial:
        return None
    gained = any(n in places for n, _ in spread)
    operands, labels = [], []
    for arg, own in zip(x.args, inputs, strict=True):
        entries = tuple([places.get(n, full_entry(d)) for n, d in zip(own, arg.shape, strict=True)])
        part = _part(arg, entries, depth - 1)
        gained = gained or part is not None
        operands.append(slice_of(arg, entries) if part is None else part)
        labels.append(tuple([n for n in own if n not in places]))
    kept = tuple([n for n in out if n not in places])
    return einsum_node(operands, labels, kept, dict(spread)) if gained else None


def _stretched(x: Expr, index: tuple[Any, ...]) -> Expr:
    shape = slice_of(x, index).shape
    return einsum_node([x.args[0]], [()], tuple(range(len(shape))), dict(enumerate(shape)))


def _entry_of_one(y: Expr) -> Expr | None:
    """``x[k:k + 1]`` without its axis of one entry is ``x[k]``."""
    x = y.args[0]
    if len(y.args) > 1:
        return None
    (labels,), out, spread = y.params
    if x.op is ADD and len(x.args) <= MAX_OPERANDS and all(t.op is SLICE for t in x.args):
        terms = [_entry_of_one(EINSUM.build((t,), y.params)) for t in x.args]
        found = [term for term in terms if term is not None]
        return add_all(found) if len(found) == len(terms) else None
    if x.op is not SLICE:
        return None
    entries = list(x.params[0])
    axes = [axis for axis, e in enumerate(entries) if e.__class__ is tuple]
    kept = []
    for axis, label in zip(axes, labels, strict=True):
        entry = entries[axis]
        one = entry[3] == 1 and isinstance(entry[0], int) and entry[0] >= 0
        if one and label not in out and labels.count(label) == 1:
            entries[axis] = entry[0]
        else:
            kept.append(label)
    if len(kept) == len(labels):
        return None
    return einsum_node([slice_of(x.args[0], tuple(entries))], [tuple(kept)], out, dict(spread))


def joined_parts(y: Expr) -> Expr | None:
    """Parts among zeros that follow each other from end to end, added up, are joined."""
    embedded = [x for x in y.args if x.op is EMBED]
    if len(embedded) < 2 or len(y.args) > MAX_TERMS:
        return None
    axis = axis_among_zeros(embedded[0])
    if axis is None or any(axis_among_zeros(x) != axis for x in embedded):
        return None
    ahead = {x.params[1][axis][0]: x for x in embedded}
    found: list[Expr] = []
    stop: Any = 0
    while stop in ahead:
        found.append(ahead.pop(stop))
        stop = found[-1].params[1][axis][1]
    if ahead or stop != y.shape[axis] or len(found) != len(embedded):
        return None
    rest = [x for x in y.args if x.op is not EMBED]
    return add_all([*rest, concat([x.args[0] for x in found], axis)])


def axis_among_zeros(x: Expr) -> int | None:
    """The one axis along which an array stands among zeros, without a stride."""
    shape, index = x.params
    axes = [k for k, (d, e) in enumerate(zip(shape, index, strict=True)) if e != full_entry(d)]
    plain = len(axes) == 1 and index[axes[0]].__class__ is tuple and index[axes[0]][2] == 1
    return axes[0] if plain else None


ENTRY_RULES: Final = (
    Rule("a among zeros + b among zeros = concatenate([a, b])", Guarantee.EXACT, ADD, joined_parts),
    Rule("f(concatenate([a, b]))[k] = f(b[k])", Guarantee.EXACT, SLICE, _part_of_entrywise),
    Rule("x[k:k + 1] without its axis = x[k]", Guarantee.EXACT, EINSUM, _entry_of_one),
)
