"""What a case of the contract is: a function, operands to draw, and a reference."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

# Sizes at which a case runs: as known ints (the first), then as names through one compiled function
SIZES = ({"m": 2, "n": 3, "k": 4}, {"m": 2, "n": 3, "k": 4}, {"m": 4, "n": 2, "k": 1})


@dataclass(frozen=True)
class Operand:
    """An array to draw: `shape` as in ``"m n 2"``, entries of `dtype` from an interval.

    A ``regular`` one gets a large diagonal on top, of different entries: it is far from singular,
    and its singular values, rows and columns are far from each other.
    """

    shape: str = ""
    low: float = -2.0
    high: float = 2.0
    dtype: str = "float64"
    regular: bool = False

    def extents(self, sizes: dict[str, int] | None = None) -> tuple[Any, ...]:
        """The shape, with names replaced by `sizes`."""
        known = sizes or {}
        return tuple(int(d) if d.isdigit() else known.get(d, d) for d in self.shape.split())

    def draw(self, rng: np.random.Generator, sizes: dict[str, int]) -> np.ndarray[Any, Any]:
        shape = self.extents(sizes)
        if self.dtype == "bool":
            return rng.random(shape) < 0.5
        if np.dtype(self.dtype).kind == "i":
            return rng.integers(int(self.low), int(self.high), shape)
        values = rng.uniform(self.low, self.high, shape)
        if self.regular:
            values += np.eye(*shape[-2:]) * (3 + 2 * np.arange(shape[-1]))
        return values.astype(self.dtype)


@dataclass(frozen=True)
class Case:
    """One call of one function.

    Attributes
    ----------
    call : callable
        ``call(xp, *operands)`` for xp NumPy or symgrad.
    reference : callable or None
        ``reference(*arrays)`` where NumPy has no such function.
    named : bool
        Whether extents may be names.
    smooth : bool
        Whether the result has derivatives by the floating operands.
    wide : bool
        Whether the reference computes in long double, for sharper differences.
    dtypes : str
        Kinds of operands to try besides float64: f(loat32), i(nt64), b(ool).
    """

    id: str
    call: Callable[..., Any]
    operands: tuple[Operand, ...]
    reference: Callable[..., Any] | None = None
    named: bool = True
    smooth: bool = True
    wide: bool = True
    dtypes: str = "fib"

    @property
    def rng(self) -> np.random.Generator:
        return np.random.default_rng(zlib.crc32(self.id.encode()))

    def oracle(self, *arrays: Any) -> list[Any]:
        """The results by the reference, as a list."""
        result = self.call(np, *arrays) if self.reference is None else self.reference(*arrays)
        return as_list(result)


def as_list(result: Any) -> list[Any]:
    return list(result) if isinstance(result, (tuple, list)) else [result]


def case(id: str, call: Callable[..., Any], *operands: Operand, **fields: Any) -> Case:
    return Case(id, call, operands, **fields)


def fixed(id: str, call: Callable[..., Any], *operands: Operand, **fields: Any) -> Case:
    """A case that needs known extents."""
    return Case(id, call, operands, named=False, **fields)
