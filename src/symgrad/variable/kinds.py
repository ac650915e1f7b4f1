"""What is known of a value before it is computed: its shape and element type."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

import numpy as np

from symgrad.expr.dims import Shape


class ArrayType:
    """A shape and an element type; one object for each pair, so that ``is`` is equality.

    Attributes
    ----------
    shape : tuple of int
    dtype : numpy.dtype
    floating : bool
        Whether values of it can be held by a Variable.
    rank : tuple
        How many axes there are, and the element type.
    """

    __slots__ = ("dtype", "floating", "rank", "shape")

    def __init__(self, shape: Shape, dtype: np.dtype[Any]) -> None:
        self.shape = shape
        self.dtype = dtype
        self.floating = dtype.kind == "f"
        self.rank = (len(shape), dtype)

    def __repr__(self) -> str:
        return f"{self.dtype.name}{list(self.shape)}"


@lru_cache(maxsize=65_536)
def kind_of(shape: Shape, dtype: np.dtype[Any]) -> ArrayType:
    """The kind of a shape and a type."""
    return ArrayType(shape, dtype)


FLOAT64: Final = np.dtype(np.float64)
FLOAT: Final = kind_of((), FLOAT64)


def common_float(kinds: Any) -> np.dtype[Any]:
    """The floating type that numbers of Python take beside values of these kinds."""
    floats = {kind.dtype for kind in kinds if kind.floating}
    return np.result_type(*floats) if floats else FLOAT64
