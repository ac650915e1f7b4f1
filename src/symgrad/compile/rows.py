"""Work on rows at run time: block by block, what leaves put together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from symgrad.compile.execute import execute
from symgrad.expr.templates import ufunc_of
from symgrad.expr.tuning import tuning
from symgrad.program.rows import Rows
from symgrad.targets.numpy_source import extent_code


class RowsFunction:
    """Runs `block`, the compiled body of `rows`, on blocks of rows."""

    def __init__(self, rows: Rows, block: Callable[..., Any]) -> None:
        self.rows = rows
        self.block = block
        self.first = rows.sliced.index(True)
        names = ", ".join(name for name, _ in rows.body.parameters)
        width = f"def width({names}):\n    return {extent_code(rows.body, rows.width)}\n"
        self.width: Callable[..., int] = execute(width, "width", {})

    def __call__(self, *inputs: Any, out: Sequence[Any] | None = None) -> list[Any]:
        targets = [None] * len(self.rows.finals) if out is None else out
        count = inputs[self.first].shape[0]
        t = tuning()
        step = max(t.rows_least, t.rows_bytes // (8 * max(1, self.width(*inputs))))
        if count < t.rows_blocks * step:
            return list(self.block(*inputs, out=targets))
        step = -(-count // -(-count // step))
        results = [_Joined(f, t, count) for f, t in zip(self.rows.finals, targets, strict=True)]
        for start in range(0, count, step):
            stop = min(start + step, count)
            values = self.block(
                *[
                    x[start:stop] if sliced else x
                    for x, sliced in zip(inputs, self.rows.sliced, strict=True)
                ]
            )
            for result, value in zip(results, values, strict=True):
                result.add(value, start, stop)
        return [result.total() for result in results]


class _Joined:
    """One result: rows side by side, or final values put together by a ufunc."""

    def __init__(self, final: str | None, target: Any, count: int) -> None:
        self.ufunc = ufunc_of(final) if final is not None else None
        self.value = target
        self.count = count
        self.scalars: list[Any] = []

    def add(self, value: Any, start: int, stop: int) -> None:
        """Take what a block of rows gave."""
        if self.ufunc is None:
            self._fill(value, start, stop)
        elif np.ndim(value) == 0:
            self.scalars.append(value)
        elif self.value is None:
            self.value = value
        else:
            self.ufunc(self.value, value, out=self.value)

    def _fill(self, value: Any, start: int, stop: int) -> None:
        shape = (self.count, *value.shape[1:])
        if self.value is None or self.value.shape != shape or self.value.dtype != value.dtype:
            self.value = np.empty(shape, value.dtype)
        self.value[start:stop] = value

    def total(self) -> Any:
        """The whole result; scalars are summed pairwise."""
        if self.ufunc is not None and self.scalars:
            return self.ufunc.reduce(np.array(self.scalars))
        return self.value
