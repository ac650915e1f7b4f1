"""Constant arrays in code: short ones are written as lists; long ones are bound to their names where the
code runs, and become blocks of text where it has to stand alone.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Mapping
from typing import Any, Final

import numpy as np

SHORT: Final = 48  # entries of an array that is written as a list

Arrays = Mapping[str, Any]  # identifier to array


def array_literal(array: Any) -> str:
    """An array as the code of its list."""
    if not array.size:
        return f"np.zeros({array.shape}, dtype=np.{array.dtype.name})"
    text = re.sub(r"\b(nan|inf)\b", r"np.\1", repr(array.tolist()))
    return f"np.array({text}, dtype=np.{array.dtype.name})"


def array_block(array: Any) -> str:
    """A long array as code: its bytes in base 64, on one line."""
    text = b64encode(np.ascontiguousarray(array).data).decode()
    return f'np.frombuffer(_base64.b64decode("{text}"), "{array.dtype.str}").reshape({array.shape})'


def long_arrays(arrays: Arrays) -> dict[str, Any]:
    """The arrays that are bound to their names, not written as lists."""
    return {name: array for name, array in arrays.items() if array.size > SHORT}


def short_lines(arrays: Arrays) -> list[str]:
    """The definitions of short arrays."""
    return [f"{n} = {array_literal(a)}" for n, a in arrays.items() if a.size <= SHORT]


def block_lines(arrays: Arrays) -> list[str]:
    """The definitions of long arrays, with what they import."""
    lines = [f"{name} = {array_block(array)}" for name, array in long_arrays(arrays).items()]
    return ["import base64 as _base64", "", *lines] if lines else []


def standing_alone(source: str, arrays: Arrays) -> str:
    """A module with its long arrays behind its functions, where they are in nobody's way."""
    lines = block_lines(arrays)
    return "\n".join([source, "", *lines, ""]) if lines else source
