"""Backpropagation: the gradients of a record by the leaves it came from, and by values on the way."""

from __future__ import annotations

from typing import Any

import numpy as np

from symgrad.variable.data import settled
from symgrad.variable.derivative import gradients
from symgrad.variable.evaluation import data_of, data_of_all, give, waiting
from symgrad.variable.form import form_of
from symgrad.variable.record import Record
from symgrad.variable.tape import Tape, history_tape


def targets_of(y: Record, inner: bool) -> tuple[Tape, list[Record], list[Record]]:
    """The history of `y`, the leaves in it that somebody holds, and the values on the way that are held."""
    tape = history_tape([y])
    leaves = [one for one in tape.leaves if one.is_held]
    if not inner:
        return tape, leaves, []
    met = dict.fromkeys([one for call in reversed(tape.calls) for one in call.inputs])
    return (
        tape,
        leaves,
        [one for one in met if one.call is not None and one.is_held and one is not y],
    )


def gradient_data(y: Record, seed: Record | None, inner: bool = False) -> list[tuple[Record, Any]]:
    """The gradients of the sum of `y` (times `seed`) as data, for each record whose Variable is held.

    The value of `y` comes along, and so do others on the way that somebody holds.

    Raises
    ------
    DerivativeError
        If `y` depends on a leaf through an op that has no derivative.
    """
    tape, leaves, between = targets_of(y, inner)
    if not leaves and not between:
        return []
    values = data_of_all(tape.leaves)
    form, parameters = form_of(tape)
    along = waiting(tape, y)
    program = form.gradient_program(
        tape.number(y),
        tuple([tape.number(x) for x in leaves]),
        tuple([tape.number(x) for x in between]),
        seed is not None,
        tuple([tape.number(one) for one in along]),
    )
    given = [*values, *parameters]
    found = program(given if seed is None else [*given, data_of(seed)])
    targets = [*leaves, *between]
    give(along, found[len(targets) :])
    pairs = zip(targets, found[: len(targets)], strict=True)
    data = [(x, settled(g, x.kind.shape, x.kind.dtype)) for x, g in pairs]
    return _apart(data)


def _apart(data: list[tuple[Record, Any]]) -> list[tuple[Record, Any]]:
    """Gradients with memory of their own, where two of them are one array."""
    if len({id(g) for _, g in data}) == len(data):
        return data
    return [(x, g.copy() if isinstance(g, np.ndarray) else g) for x, g in data]


def gradient_records(
    y: Record, seed: Record | None, inner: bool = False
) -> list[tuple[Record, Record]]:
    """The gradients of the sum of `y` (times `seed`) as formulas over the same leaves."""
    tape, leaves, between = targets_of(y, inner)
    return list(zip([*leaves, *between], gradients(tape, y, leaves, between, seed), strict=True))
