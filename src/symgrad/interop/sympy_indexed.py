"""SymPy's `IndexedBase`, `Indexed`, `Idx` and `ArraySymbol`: arrays, their entries and indices.

A base of no declared shape has as many axes as it is used with indices; their extents get the names
``a_0, a_1, ...`` of the base.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import sympy as sp

from symgrad.errors import ConversionError
from symgrad.expr.leaves import assumed, symbol
from symgrad.expr.node import Expr
from symgrad.ops.convert import astype
from symgrad.ops.indexing import getitem


def _extent(d: Any) -> Any:
    return int(d) if d.is_Integer else str(d)


def base_symbol(base: Any, rank: int | None = None) -> Expr:
    """The array that an `IndexedBase` stands for, used with `rank` indices.

    Raises
    ------
    ConversionError
        If neither its shape nor that number is known.
    """
    name = str(base.label)
    if base.shape is not None:
        return symbol(name, [_extent(d) for d in base.shape])
    if rank is None:
        raise ConversionError(
            f"how many axes {name} has is not known; write IndexedBase({name!r}, shape=(...))"
        )
    return symbol(name, [f"{name}_{axis}" for axis in range(rank)])


def from_indexed(node: Any, *indices: Expr) -> Expr:
    """An entry: indices are integers, or symbols that are declared to be."""
    return getitem(base_symbol(node.base, len(indices)), tuple(_whole(i, node) for i in indices))


def _whole(index: Expr, node: Any) -> Expr:
    if index.dtype.kind in "iu":
        return index
    if assumed(index, "integer"):
        return astype(index, int)
    raise ConversionError(
        f"an index of {node} is no integer: declare it with integer=True, or as an Idx"
    )


def from_array_symbol(node: Any) -> Expr:
    """An array symbol of the same name and shape."""
    return symbol(str(node.name), [_extent(d) for d in node.shape])


def from_idx(node: Any) -> Expr:
    """An index: a symbol of integers."""
    return symbol(str(node.label), dtype=int)


def from_base_scalar(node: Any) -> Expr:
    """A coordinate of a system of `sympy.vector`, by its name such as ``N.x``."""
    return symbol(str(node))


# By the names of SymPy's classes, whose operands are no formulas
LEAVES: Final[dict[str, Callable[[Any], Expr]]] = {
    "ArraySymbol": from_array_symbol,
    "BaseScalar": from_base_scalar,
    "Idx": from_idx,
    "IndexedBase": base_symbol,
}


def with_ranks(args: Any, outputs: Any) -> Any:
    """Arguments with an array for each `IndexedBase`, of as many axes as the outputs use it with."""
    if isinstance(args, (list, tuple)):
        return type(args)(with_ranks(a, outputs) for a in args)
    if not isinstance(args, sp.IndexedBase) or args.shape is not None:
        return args
    parts = outputs if isinstance(outputs, (list, tuple)) else [outputs]
    for e in parts:
        for entry in e.atoms(sp.Indexed) if isinstance(e, sp.Basic) else ():
            if entry.base == args:
                return base_symbol(args, len(entry.indices))
    return base_symbol(args)
