"""The data of records, computed when asked for, and the formulas of records."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from operator import is_
from typing import Final

from symgrad.errors import ArgumentError
from symgrad.expr.node import Expr
from symgrad.variable.data import Data, settled
from symgrad.variable.form import form_of, replayed
from symgrad.variable.record import Record
from symgrad.variable.tape import Tape, history_tape, place_of, resolved, values_tape

_is_none: Final = partial(is_, None)
MAX_HELD: Final = 64  # values that are computed along because somebody holds them


def data_of(record: Record) -> Data:
    """The data of a record, computed at the first call."""
    if record.data is None:
        settle([record])
    return record.data


def data_of_all(records: Iterable[Record]) -> list[Data]:
    """The data of several records."""
    listed = list(records)
    settle(listed)
    return [one.data for one in listed]


def settle(records: Iterable[Record]) -> None:
    """Give data to records, and to those on the way that somebody holds.

    So a loop pays for one step each time it looks at its data, whatever else it carries along.

    Raises
    ------
    ArgumentError
        If a value depends on what the step of a scan is called on.
    """
    roots = [one for one in records if one.data is None]
    if not roots:
        return
    tape, held, detached = values_tape(roots)
    unknown = roots if held == roots else [*dict.fromkeys([*roots, *held[:MAX_HELD]])]
    if detached:
        wanted = unknown
        unknown = [*dict.fromkeys([resolved(one) for one in wanted])]
        unknown = [one for one in unknown if one.data is None]
    if unknown:
        known = _known_data(tape, unknown)
        form, parameters = form_of(tape)
        program = form.values(tuple(map(tape.number, unknown)))
        give(unknown, program([*known, *parameters]))
    if detached:
        for one in wanted:
            source = resolved(one)
            if one is not source:
                one.data, one.source = source.data, None


def _known_data(tape: Tape, unknown: Iterable[Record]) -> list[Data]:
    """The data that a tape begins with.

    Raises
    ------
    ArgumentError
        If there is a value that the step of a scan is called on.
    """
    known = [one.data for one in tape.leaves]
    if any(map(_is_none, known)) or any(one.call is None for one in unknown):
        raise ArgumentError(
            "the step of scan is called once, on values that are not known yet: it cannot look at"
            " data, as print, float, if and comparisons do; write where(condition, a, b) for a choice"
        )
    return known


def give(records: Iterable[Record], values: Iterable[Data]) -> None:
    """Set the data of records."""
    for one, value in zip(records, values, strict=True):
        kind = one.kind
        one.data = settled(value, kind.shape, kind.dtype)


def waiting(tape: Tape, y: Record) -> list[Record]:
    """The results on a tape without data that are worth computing along: `y`, and what is held."""
    found = [y] if y.data is None else []
    met = {y}
    for call in tape.calls:
        for one in call.inputs:
            if one.data is None and one.call is not None and one not in met and one.is_held:
                met.add(one)
                found.append(one)
    return found[:MAX_HELD]


def expr_of(record: Record) -> Expr:
    """The formula of a record over the symbols of its leaves; of a leaf its symbol."""
    if record.known_expr is not None:
        return record.known_expr
    if record.call is None:
        return record.symbol()
    tape = history_tape([record], _Known())
    exprs = [one.symbol() for one in tape.leaves]
    at, index = place_of(tape.number(record))
    found = replayed(tape, exprs)[at]
    expr: Expr = found if found.__class__ is Expr else found[index]
    record.remember(expr)
    return expr


class _Known:
    """The records whose formulas are known already, as a container."""

    def __contains__(self, record: object) -> bool:
        return isinstance(record, Record) and record.known_expr is not None
