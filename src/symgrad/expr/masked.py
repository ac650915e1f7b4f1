"""Masked arrays are refused: nothing here knows what a masked entry would mean."""

from __future__ import annotations

from typing import Any

from numpy.ma import MaskedArray

from symgrad.errors import ArgumentError


def refuse_masked(value: Any, what: str) -> None:
    """Check that a value is no masked array, nor a list that holds one.

    Raises
    ------
    ArgumentError
        Naming `what` it is, and what to write instead.
    """
    if _is_masked(value):
        raise ArgumentError(
            f"{what} is a masked array, and a mask would be lost: give it without, as"
            " a.filled(value) or a.compressed(), and multiply by weights of 0 and 1 where needed"
        )


def _is_masked(value: Any) -> bool:
    stack = [value]
    while stack:
        part = stack.pop()
        if isinstance(part, (list, tuple)):
            kinds = {*map(type, part)}
            if any(issubclass(kind, (list, tuple, MaskedArray)) for kind in kinds):
                stack += part
        elif isinstance(part, MaskedArray):
            return True
    return False
