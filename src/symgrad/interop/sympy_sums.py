"""SymPy's `Sum` and `Product` between whole bounds, written out term by term."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

import sympy as sp

from symgrad.errors import ConversionError

MAX_TERMS: Final = 5000


@lru_cache(maxsize=16)
def written_out_sum(node: Any) -> tuple[tuple[Any, int], ...]:
    """The terms (or factors) of a `Sum` (or `Product`), each with 1 or -1: how often it counts.

    Below the lower bound they count negatively, as SymPy has it after Karr, so that
    ``Sum(f, (i, 1, -2))`` is ``-f(0) - f(-1)``.

    Raises
    ------
    ConversionError
        For bounds that are no integers, or too many terms.
    """
    return _expanded(node, node.function, list(node.limits), 1)


def _expanded(node: Any, term: Any, limits: list[Any], sign: int) -> tuple[tuple[Any, int], ...]:
    found: list[tuple[Any, list[Any], int]] = [(term, limits, sign)]
    done: list[tuple[Any, int]] = []
    while found:
        e, left, s = found.pop()
        if not left:
            done.append((e, s))
            continue
        *inner, last = left
        variable, ks, turned = _range(node, last)
        if len(found) + len(done) + len(ks) > MAX_TERMS:
            raise ConversionError(
                f"SymPy's {type(node).__name__} of more than {MAX_TERMS} terms is not written out:"
                " use arange and symgrad.sum, or evaluate it first with .doit()"
            )
        for k in reversed(ks):
            bounds = [sp.Tuple(r[0], *[b.subs(variable, k) for b in r[1:]]) for r in inner]
            found.append((e.subs(variable, k), bounds, s * turned))
    return tuple(done)


def _range(node: Any, limit: Any) -> tuple[Any, range, int]:
    bounds = limit[1:]
    if len(bounds) != 2 or not all(b.is_Integer for b in bounds):
        raise ConversionError(
            f"SymPy's {type(node).__name__} has no image here unless its bounds are whole numbers:"
            f" {node}; evaluate it first with .doit()"
        )
    low, high = int(bounds[0]), int(bounds[1])
    if high >= low - 1:
        return limit[0], range(low, high + 1), 1
    return limit[0], range(high + 1, low), -1
