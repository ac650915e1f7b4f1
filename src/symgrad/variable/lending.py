"""Arrays that are handed out to be written to, `x.data[i] = 0`, and what becomes of them."""

from __future__ import annotations

import sys
from typing import Any, Final

import numpy as np

from symgrad.variable.data import differs, frozen
from symgrad.variable.record import Record


def _references(array: Any) -> int:
    return sys.getrefcount(array)


def _references_of_argument(array: Any) -> int:
    return _references(array)


def _references_of_one_name() -> int:
    array = np.empty(0)
    return _references_of_argument(array)


ALONE: Final = (
    _references_of_one_name()
)  # to an array that one name of a caller holds, and an argument


def lent(record: Record, value: Any) -> Any:
    """The array of a record that no call has read yet, to be written to; else a copy."""
    if record.is_read or not value.flags.owndata:
        return value.copy()
    value.flags.writeable = True
    return value


def looked_at(array: Any, record: Record) -> tuple[Any, Record | None]:
    """What is still handed out of an array, and a new record where it was written to.

    The caller holds the array by one name, and by nothing else.
    """
    is_lent = array is record.data
    others = _references(array) > ALONE + is_lent  # somebody may still write to it
    changed = None
    if is_lent and others:
        record.data = frozen(array.copy())
    elif is_lent:
        frozen(array)
    elif differs(array, record.data):
        data = array.copy() if others else array
        changed = Record(record.kind, frozen(data), name=record.name)
    return array if others else None, changed
