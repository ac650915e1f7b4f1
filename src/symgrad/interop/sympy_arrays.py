"""Array formulas in SymPy: an array of shape (2, 3) is a NumPy array of six SymPy expressions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final

import numpy as np
import sympy as sp

from symgrad.errors import ConversionError
from symgrad.expr.dims import show_shape
from symgrad.expr.node import Expr
from symgrad.ops.reduction import Reduction, Scan


def each_entry(function: Callable[..., Any], args: Sequence[Any]) -> Any:
    """`function` of the entries of operands of one shape; scalars stay what they are."""
    if not any(isinstance(arg, np.ndarray) for arg in args):
        return function(*args)
    return np.frompyfunc(function, len(args), 1)(*args)


def as_sympy_array(image: Any) -> Any:
    """An image as SymPy has arrays: a matrix for two axes, else an N-dim array."""
    if not isinstance(image, np.ndarray):
        return image
    if image.ndim == 2:
        return sp.ImmutableDenseMatrix(*image.shape, list(image.flat))
    return sp.ImmutableDenseNDimArray(list(image.flat), image.shape)


def known_shape(node: Expr) -> tuple[int, ...]:
    if not all(isinstance(d, int) for d in node.shape):
        raise ConversionError(
            f"{node.name or node.op.name} has the shape {show_shape(node.shape)}; SymPy needs"
            " extents that are ints: declare the symbol with a known shape"
        )
    return node.shape


def _symbol_entries(node: Expr) -> Any:
    """Entries of a symbol: elements of a MatrixSymbol; a vector is a column."""
    shape = known_shape(node)
    if len(shape) > 2:
        base = sp.IndexedBase(node.params.name, real=True)
        return _filled(shape, lambda index: base[index])
    columns = shape[1] if len(shape) == 2 else 1
    matrix = sp.MatrixSymbol(node.params.name, shape[0], columns)
    return _filled(shape, lambda index: matrix[index[0], index[1] if len(index) == 2 else 0])


def _filled(shape: tuple[int, ...], entry: Callable[[tuple[int, ...]], Any]) -> Any:
    result = np.empty(shape, dtype=object)
    for index in np.ndindex(*shape):
        result[index] = entry(index)
    return result


def _einsum(node: Expr, *args: Any) -> Any:
    inputs, out, spread = node.params
    new = {label for label, _ in spread}
    operands = [np.asarray(arg, dtype=object) for arg in args]
    pairs = [item for pair in zip(operands, inputs, strict=True) for item in pair]
    kept = [label for label in out if label not in new]
    summed = np.asarray(np.einsum(*pairs, kept), dtype=object)
    axes = tuple(i for i, label in enumerate(out) if label in new)
    result = np.broadcast_to(np.expand_dims(summed, axes), known_shape(node))
    return result if node.shape else result.item()


def by_record(node: Expr, args: Sequence[Any]) -> Any:
    """The image by the op's own `sympy` or `unrolled`; None where it has neither."""
    op = node.op
    if isinstance(op, (Reduction, Scan)) and op.sympy is not None:
        step = partial(op.sympy, sp)
        return (_reduced if isinstance(op, Reduction) else _scanned)(step, node, *args)
    if op.sympy is not None and not op.elementwise:
        return _of_matrices(node, args)
    if op.unrolled is not None:
        return _unrolled(node, args)
    return None


def _reduced(step: Callable[..., Any], node: Expr, array: Any) -> Any:
    """A reduction; `step` takes all the entries that go into one."""
    axes = node.params.axes
    last = np.moveaxis(array, axes, range(-len(axes), 0))
    rows = last.reshape(*node.shape, -1)
    if not node.shape:
        return step(*rows)
    return _filled(known_shape(node), lambda index: step(*rows[index]))


def _scanned(step: Callable[..., Any], node: Expr, array: Any) -> Any:
    return np.frompyfunc(step, 2, 1).accumulate(array, axis=node.params.axis, dtype=object)


def _of_matrices(node: Expr, args: Sequence[Any]) -> Any:
    """A function of matrices; batches of them have no image."""
    if any(array.ndim != 2 for array in args):
        raise ConversionError(f"{node.op.name} of a batch of matrices has no image in SymPy")
    assert node.op.sympy is not None
    result = node.op.sympy(sp, *[sp.Matrix(*a.shape, list(a.flat)) for a in args], *node.params)
    return np.array(result.tolist(), dtype=object) if node.shape else result


def _unrolled(node: Expr, args: Sequence[Any]) -> Any:
    known_shape(node)
    assert node.op.unrolled is not None
    arrays = [np.asarray(arg, dtype=object) for arg in args]
    found = np.asarray(node.op.unrolled(node, *arrays), dtype=object)
    return each_entry(sp.sympify, [found]) if node.shape else sp.sympify(found.item())


def _eye(node: Expr) -> Any:
    n = known_shape(node)[0]
    return _filled((n, n), lambda index: sp.Integer(int(index[0] == index[1])))


# Leaves, and the one op that has a notation of its own everywhere
ARRAY_RULES: Final[dict[str, Callable[..., Any]]] = {
    "symbol": _symbol_entries,
    "eye": _eye,
    "arange": lambda node: _filled(known_shape(node), lambda index: sp.Integer(index[0])),
    "einsum": _einsum,
}
