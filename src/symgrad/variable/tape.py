"""Tapes: a stretch of history, numbered, so that stretches that differ in data alone are equal.

A walk goes back from the values that are wanted to values that are given or known. Its calls in the
order of time, with their operands as numbers, are the key of what is made for them: formulas, their
gradients, and compiled functions.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from operator import attrgetter
from typing import Any, Final

from symgrad.variable.kinds import ArrayType
from symgrad.variable.record import Application, Record

MAX_RESULTS: Final = 1 << 16  # of one call
_by_serial: Final = attrgetter("serial")


class Tape:
    """Calls with numbered operands.

    Attributes
    ----------
    calls : list of Call
        Operands before users.
    leaves : list of Record
        What the calls start from, in the order in which they are met.
    items : tuple
        Tokens, each followed by the numbers of its operands: of a leaf its place in `leaves`; of a
        result a negative number (`numbered`).
    kinds : tuple of Kind
        Of the leaves.
    """

    __slots__ = ("_leaf", "_place", "calls", "items", "kinds", "leaves")

    def __init__(
        self,
        calls: list[Application],
        *,
        ends: Container[Record] = (),
        extra: Iterable[Record] = (),
        through: bool = False,
    ) -> None:
        self.calls = calls
        self.leaves: list[Record] = []
        self._leaf: dict[Record, int] = {}
        self._place: dict[Application, int] = {}
        place, leaf = self._place, self._leaf
        items: list[Any] = []
        for position, call in enumerate(calls):
            items.append(call.token)
            for one in call.inputs:
                if through and one.data is None and one.source is not None:
                    one = resolved(one)
                at = None if one.call is None or one in ends else place.get(one.call)
                if at is not None:
                    items.append(-(at * MAX_RESULTS + one.index) - 1)
                else:
                    number = leaf.get(one)
                    items.append(self._added(one) if number is None else number)
            place[call] = position
        for one in extra:
            if one not in leaf and (one in ends or one.call not in place):
                self._added(one)
        self.items = tuple(items)
        self.kinds: tuple[ArrayType, ...] = tuple([one.kind for one in self.leaves])

    def _added(self, record: Record) -> int:
        number = self._leaf[record] = len(self.leaves)
        self.leaves.append(record)
        return number

    @property
    def scalars(self) -> tuple[Any, ...]:
        """The numbers of Python among the operands, call by call."""
        return tuple([value for call in self.calls for value in call.scalars])

    def number(self, record: Record) -> int:
        """The number of a leaf, or of a result of one of the calls."""
        found = self._leaf.get(record)
        if found is not None:
            return found
        assert record.call is not None
        return -(self._place[record.call] * MAX_RESULTS + record.index) - 1


def place_of(number: int) -> tuple[int, int]:
    """The position of a call, and which result of it a negative number stands for."""
    return divmod(-number - 1, MAX_RESULTS)


def resolved(record: Record) -> Record:
    """The record that data come from: itself, or what a detached leaf stands for."""
    while record.data is None and record.source is not None:
        record = record.source
    return record


def values_tape(roots: Sequence[Record]) -> tuple[Tape, list[Record], bool]:
    """What to evaluate for the data of `roots`, back to data that are known.

    With it come the records met that somebody holds, which are computed on the way, and whether there
    are leaves among the records that take their data from others.
    """
    calls: set[Application] = set()
    held: list[Record] = []
    seen: set[Record] = set()
    stack = list(roots)
    detached = False
    while stack:
        one = stack.pop()
        if one.data is not None or one in seen:
            continue
        seen.add(one)
        if one.owner is not None and one.owner() is not None:
            held.append(one)
        if one.source is not None:
            detached = True
            stack.append(one.source)
            continue
        call = one.call
        if call is None or call in calls:
            continue
        calls.add(call)
        stack += call.inputs
        if call.results is not None:
            stack += [r for r in [ref() for ref in call.results] if r is not None]
    return Tape(sorted(calls, key=_by_serial), through=detached), held, detached


def history_tape(
    roots: Iterable[Record], ends: Container[Record] = (), extra: Iterable[Record] = ()
) -> Tape:
    """All that was carried out for `roots`, back to leaves and to `ends`.

    Records of `extra` that nothing mentions are leaves of the tape, too.
    """
    calls: set[Application] = set()
    stack = [one for one in roots if one not in ends]
    while stack:
        call = stack.pop().call
        if call is not None and call not in calls:
            calls.add(call)
            stack += [one for one in call.inputs if one.call is not None and one not in ends]
    return Tape(sorted(calls, key=_by_serial), ends=ends, extra=extra)
