"""Results written into arrays of the caller."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from symgrad.compile.blocked import Blocked
from symgrad.errors import ArgumentError, DTypeError, ShapeError
from symgrad.expr.dims import show_shape
from symgrad.expr.masked import refuse_masked
from symgrad.expr.pytrees import Nest, flatten


class Destination:
    """The arrays that ``out=`` names, in the form of the outputs.

    Raises
    ------
    ArgumentError
        If the form differs from that of the outputs, or something in it is no writable array.
    ShapeError, DTypeError
        When results are stored, if an array does not fit its result.
    """

    def __init__(self, nest: Nest, out: Any) -> None:
        self.nest = nest
        self.out = out
        self.buffers, given = flatten(out, lambda leaf: leaf)
        if given != nest:
            raise ArgumentError("out must have the form of the outputs, with an array for each")
        for k, buffer in enumerate(self.buffers):
            refuse_masked(buffer, f"out {k}")
            if not isinstance(buffer, np.ndarray) or not buffer.flags.writeable:
                raise ArgumentError(f"out {k} must be a writable NumPy array, not {buffer!r:.60}")

    def fill(self, large: Blocked | None, plain: Callable[..., Any], values: Sequence[Any]) -> Any:
        """Compute and store the results; returns `out`."""
        if large is None:
            result = plain(*values)
        else:
            apart = [b if self._is_apart(b, values) else None for b in self.buffers]
            result = large.run(*values, out=tuple(apart))
        return self.store(result)

    def store(self, result: Any) -> Any:
        """Store results that are not in place yet; returns `out`."""
        results, _ = flatten(result, lambda leaf: leaf)
        for k, (buffer, value) in enumerate(zip(self.buffers, results, strict=True)):
            _store(buffer, value, k)
        return self.out

    def _is_apart(self, buffer: Any, values: Sequence[Any]) -> bool:
        """Whether a buffer shares no memory with arguments or other buffers."""
        others = [*values, *[b for b in self.buffers if b is not buffer]]
        twice = sum(b is buffer for b in self.buffers) > 1
        return not twice and not any(np.may_share_memory(buffer, other) for other in others)


def _store(buffer: Any, value: Any, number: int) -> None:
    if np.shape(value) != buffer.shape:
        raise ShapeError(
            f"out {number} has shape {show_shape(buffer.shape)}, needs {show_shape(np.shape(value))}"
        )
    dtype = np.asarray(value).dtype
    if not np.can_cast(dtype, buffer.dtype, "same_kind"):
        raise DTypeError(f"out {number} has dtype {buffer.dtype}, needs {dtype}")
    if value is not buffer and getattr(value, "base", None) is not buffer:
        np.copyto(buffer, value, casting="same_kind")
