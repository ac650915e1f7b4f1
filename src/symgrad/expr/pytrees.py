"""Nested outputs: flattened on the way in, mirrored in the return statement on the way out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Any, Final

from symgrad.errors import ArgumentError
from symgrad.expr.dims import Shape

# A nest is an index, or ("list" | "tuple" | "dict", keys, parts)
Nest = Any
MIN_RUN: Final = 8  # equal codes in a row, such as zeros of a Jacobian, that are written once
_KINDS = {list: "list", tuple: "tuple", dict: "dict"}
_KEYS = (str, int, float, bool, bytes, type(None))


def flatten(outputs: Any, leaf: Callable[[Any], Any]) -> tuple[list[Any], Nest]:
    """The leaves of a nest of lists, tuples and dicts, each passed through `leaf`, and its form.

    Raises
    ------
    ArgumentError
        For a dict key that has no literal.
    """
    leaves: list[Any] = []

    def visit(part: Any) -> Nest:
        kind = next((name for cls, name in _KINDS.items() if isinstance(part, cls)), None)
        if kind is None:
            leaves.append(leaf(part))
            return len(leaves) - 1
        if kind == "dict":
            for key in part:
                if not isinstance(key, _KEYS):
                    raise ArgumentError(
                        f"a key of the outputs must be a str or a number, not {key!r}"
                    )
            return (kind, tuple(part), tuple(visit(v) for v in part.values()))
        return (kind, (), tuple(visit(v) for v in part))

    return leaves, visit(outputs)


def mapped(outputs: Any, function: Callable[[Any], Any]) -> Any:
    """The function of a value, or of each leaf of a nest of lists, tuples and dicts with any keys."""
    if isinstance(outputs, dict):
        return {key: mapped(part, function) for key, part in outputs.items()}
    if isinstance(outputs, (list, tuple)):
        parts = [mapped(part, function) for part in outputs]
        return parts if isinstance(outputs, list) else tuple(parts)
    return function(outputs)


def is_block_form(nest: Nest, shapes: Sequence[Shape]) -> bool:
    """Whether a nest is a square list of lists, as `hessian` makes of several symbols."""
    if isinstance(nest, int) or nest[0] != "list":
        return False
    rows = nest[2]
    if not all(not isinstance(row, int) and row[0] == "list" for row in rows):
        return False
    if any(len(row[2]) != len(rows) or not all(isinstance(k, int) for k in row[2]) for row in rows):
        return False
    squares = [shapes[row[2][i]] for i, row in enumerate(rows)]
    return all(s[: len(s) // 2] == s[len(s) // 2 :] and len(s) % 2 == 0 for s in squares)


def nest_code(nest: Nest, leaves: Sequence[str]) -> str:
    """A nest as Python code over the code of its leaves."""
    if isinstance(nest, int):
        return leaves[nest]
    kind, keys, parts = nest
    inner = [nest_code(part, leaves) for part in parts]
    if kind != "dict":
        inner = _in_runs(inner)
    if kind == "list":
        return f"[{', '.join(inner)}]"
    if kind == "tuple":
        return f"({', '.join(inner)}{',' if len(inner) == 1 else ''})"
    return "{" + ", ".join(f"{k!r}: {v}" for k, v in zip(keys, inner, strict=True)) + "}"


def _in_runs(codes: Sequence[str]) -> list[str]:
    """Many equal codes in a row, each of which makes a value of its own, as a comprehension."""
    result: list[str] = []
    for code, run in groupby(codes):
        count = len(list(run))
        result += [code] * count if count < MIN_RUN else [f"*[{code} for _ in range({count})]"]
    return result


def rebuild_nest(nest: Nest, leaves: Sequence[Any]) -> Any:
    """The nest over other leaves."""
    if isinstance(nest, int):
        return leaves[nest]
    kind, keys, parts = nest
    inner = [rebuild_nest(part, leaves) for part in parts]
    if kind == "dict":
        return dict(zip(keys, inner, strict=True))
    return inner if kind == "list" else tuple(inner)
