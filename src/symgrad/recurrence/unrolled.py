"""Loops written out: what other libraries can read, that have none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from symgrad.errors import ConversionError
from symgrad.expr.node import Expr
from symgrad.expr.rewriting import replace, transform
from symgrad.expr.traverse import ops_of
from symgrad.ops.layout import concat, full_entry, slice_of
from symgrad.ops.reshaping import reshape_to
from symgrad.ops.scan import SCAN, ScanLoop, operands_of, packed

MAX_STEPS: Final = 1000


def unrolled(roots: Sequence[Expr]) -> list[Expr]:
    """The roots with every loop as the steps that it carries out, one behind the other.

    Raises
    ------
    ConversionError
        If the number of steps has a name, or exceeds `MAX_STEPS`.
    """
    found = list(roots)
    while SCAN in ops_of(found):  # again, where a step holds loops of its own
        image = transform(found, lambda node: _steps(node) if node.op is SCAN else node)
        found = list(image.of(found))
    return found


def _steps(node: Expr) -> Expr:
    loop: ScanLoop = node.params.loop
    length = loop.length
    if not isinstance(length, int) or length > MAX_STEPS:
        raise ConversionError(
            f"scan of {length} steps cannot be written out: there must be a known number of them, of at"
            f" most {MAX_STEPS}; give the arrays that it runs over known extents"
        )
    inits, arrays, parameters = operands_of(loop, node.args)
    carry, formulas = list(inits), [*loop.following, *loop.outputs]
    rows: list[list[Expr]] = [[] for _ in range(length)]
    for t in reversed(range(length)) if loop.reverse else range(length):
        entries = [slice_of(x, (t, *map(full_entry, x.shape[1:]))) for x in arrays]
        bound = zip((*loop.carries, *loop.elements), (*carry, *entries), strict=True)
        known = {**dict(zip(loop.parameters, parameters, strict=True)), **dict(bound)}
        after = replace(formulas, known, {})
        carry, rows[t] = after[: len(carry)], after[len(carry) :]
    stacked = [_stacked(list(column)) for column in zip(*rows, strict=True)]
    return packed([*carry, *stacked], loop, ())


def _stacked(parts: list[Expr]) -> Expr:
    rows = [reshape_to(e, (1, *e.shape)) for e in parts]
    return rows[0] if len(rows) == 1 else concat(rows, 0)
