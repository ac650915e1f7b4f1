"""The picture of Variables: their history, as it was carried out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from symgrad.expr.dims import show_shape
from symgrad.print.graph import (
    CONSTANT,
    FUNCTION,
    VARIABLE,
    Node,
    Picture,
    count_left_out,
    near,
    shortened,
)
from symgrad.variable.data import show
from symgrad.variable.evaluation import data_of
from symgrad.variable.record import Application, Record
from symgrad.variable.tape import history_tape, resolved

MAX_ENTRIES: Final = 4  # of an array whose values are shown


def picture_of_variables(variables: Sequence[Any], max_nodes: int, values: bool) -> Picture:
    """Values as variables, calls as functions between them, each once."""
    roots = [v.record() for v in variables]
    tape = history_tape(roots, extra=roots)
    items: list[Record | Application] = []
    operands: dict[Record | Application, Sequence[Record | Application]] = {}

    def add(record: Record) -> None:
        if record not in operands:
            operands[record] = () if record.call is None else (record.call,)
            items.append(record)

    for call in tape.calls:
        for one in call.inputs:
            add(one)
        operands[call] = call.inputs
        items.append(call)
    for root in roots:
        add(root)
    kept = near(roots, items, lambda item: operands[item], max_nodes)
    return _drawn(kept, operands, len(items) - len(kept), values)


def _drawn(
    kept: Sequence[Record | Application],
    operands: dict[Record | Application, Sequence[Record | Application]],
    left_out: int,
    values: bool,
) -> Picture:
    picture = Picture()
    number: dict[Record | Application, int] = {}
    for item in kept:
        if isinstance(item, Record):
            kind = VARIABLE if item.owner is not None or item.call is not None else CONSTANT
            number[item] = picture.add(Node(_lines(item, values), kind))
        else:
            number[item] = picture.add(Node((shortened(_name(item)),), FUNCTION))
        for one in operands[item]:
            if one in number:
                picture.edges.append((number[one], number[item], ""))
        if isinstance(item, Application):
            for value in item.scalars:
                constant = picture.add(Node((repr(value),), CONSTANT))
                picture.edges.append((constant, number[item], ""))
    count_left_out(picture, left_out)
    return _in_order(picture)


def _in_order(picture: Picture) -> Picture:
    """The picture with constants, which were added behind their users, in front."""
    first = [i for i, node in enumerate(picture.nodes) if node.kind == CONSTANT]
    rest = [i for i, node in enumerate(picture.nodes) if node.kind != CONSTANT]
    new = {old: at for at, old in enumerate([*first, *rest])}
    nodes = [picture.nodes[i] for i in [*first, *rest]]
    return Picture(nodes, [(new[a], new[b], label) for a, b, label in picture.edges])


def _name(call: Application) -> str:
    function = call.token.function
    name = getattr(function, "__name__", None)
    return str(name).rstrip("_") if name else type(function).__name__.lower()


def _lines(record: Record, values: bool) -> tuple[str, ...]:
    holder = record.holder()
    name = (holder.name if holder is not None else None) or ""
    parts = [name] if name else []
    if record.shape or not (name or values):
        parts.append(show_shape(record.shape) if record.shape else "")
    if values:
        parts += _values(record, holder)
    return tuple([shortened(part) for part in parts]) or ("",)


def _values(record: Record, holder: Any) -> list[str]:
    if record.kind.dtype.kind == "f" and np.prod(record.shape, dtype=int) > MAX_ENTRIES:
        return []
    data = data_of(resolved(record))
    lines = [_short(data)]
    if holder is not None and holder.grad is not None:
        lines.append(f"grad {_short(holder.grad.data)}")
    return lines


def _short(data: Any) -> str:
    return f"{data:.6g}" if np.ndim(data) == 0 else show(np.round(data, 4)).replace("\n", "")
