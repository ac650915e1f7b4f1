"""Array formulas in SymPy: an array of shape (2, 3) is a NumPy array of six SymPy expressions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any, Final

import numpy as np
import sympy as sp

from symgrad.errors import ConversionError
from symgrad.expr.dims import show_shape
from symgrad.expr.node import Expr


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
        base = sp.IndexedBase(node.params[0], real=True)
        return _filled(shape, lambda index: base[index])
    columns = shape[1] if len(shape) == 2 else 1
    matrix = sp.MatrixSymbol(node.params[0], shape[0], columns)
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


def _basic_index(entries: Sequence[Any]) -> tuple[Any, ...]:
    return tuple(_index_entry(entry) for entry in entries)


def _index_entry(entry: Any) -> Any:
    if isinstance(entry, int):
        return entry
    start, _, step, length = entry
    return [start + i * step for i in range(length)]


def _pick(array: Any, entries: Sequence[Any]) -> Any:
    """``array[entries]``, one axis at a time from the last."""
    for axis, entry in reversed(list(enumerate(_basic_index(entries)))):
        array = np.take(array, entry, axis=axis)
    return array


def _slice(node: Expr, array: Any) -> Any:
    result = _pick(array, node.params[0])
    return result if node.shape else _entry(result)


def _entry(array: Any) -> Any:
    return array.item() if isinstance(array, np.ndarray) else array


def _embed(node: Expr, array: Any) -> Any:
    _, index = node.params
    shape = known_shape(node)
    places = _pick(np.arange(int(np.prod(shape))).reshape(shape), index)
    result = np.full(shape, sp.Integer(0), dtype=object)
    result.flat[np.ravel(places)] = np.ravel(np.asarray(array, dtype=object))
    return result


def _reduced(step: Callable[..., Any]) -> Callable[..., Any]:
    """A reduction over the axes of ``params[0]``; `step` takes all the entries that go into one."""

    def rule(node: Expr, array: Any) -> Any:
        (axes,) = node.params
        last = np.moveaxis(array, axes, range(-len(axes), 0))
        rows = last.reshape(*node.shape, -1)
        if not node.shape:
            return step(*rows)
        return _filled(known_shape(node), lambda index: step(*rows[index]))

    return rule


def _scanned(step: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    return lambda node, array: np.frompyfunc(step, 2, 1).accumulate(
        array, axis=node.params[0], dtype=object
    )


def _matrix(function: Callable[[Any], Any]) -> Callable[..., Any]:
    """A function of one square matrix; batches of matrices have no image."""

    def rule(node: Expr, array: Any) -> Any:
        if array.ndim != 2:
            raise ConversionError(f"{node.op.name} of a batch of matrices has no image in SymPy")
        result = function(sp.Matrix(*array.shape, list(array.flat)))
        return np.array(result.tolist(), dtype=object) if node.shape else result

    return rule


def _power_along(node: Expr, a: Any, *directions: Any) -> Any:
    """The coefficient of all parameters in the power of the matrix plus their multiples of directions."""
    if any(x.ndim != 2 for x in (a, *directions)):
        raise ConversionError(f"{node.op.name} of a batch of matrices has no image in SymPy")
    parameters = sp.symbols(f"s:{len(directions)}", cls=sp.Dummy)
    total = sp.Matrix(a.tolist())
    for s, e in zip(parameters, directions, strict=True):
        total += s * sp.Matrix(e.tolist())
    image = total ** node.params[0]
    for s in parameters:
        image = image.diff(s).subs(s, 0)
    return np.array(image.tolist(), dtype=object)


def _solve(node: Expr, a: Any, b: Any) -> Any:
    if a.ndim != 2 or b.ndim != 2:
        raise ConversionError("solve of a batch of systems has no image in SymPy")
    left, right = (sp.Matrix(*m.shape, list(m.flat)) for m in (a, b))
    return np.array(left.LUsolve(right).tolist(), dtype=object)


def _eye(node: Expr) -> Any:
    n = known_shape(node)[0]
    return _filled((n, n), lambda index: sp.Integer(int(index[0] == index[1])))


ARRAY_RULES: Final[dict[str, Callable[..., Any]]] = {
    "symbol": _symbol_entries,
    "eye": _eye,
    "arange": lambda node: _filled(known_shape(node), lambda index: sp.Integer(index[0])),
    "einsum": _einsum,
    "reshape": lambda node, array: np.reshape(array, known_shape(node)),
    "concatenate": lambda node, *arrays: np.concatenate(arrays, axis=node.params[0]),
    "getitem": _slice,
    "embed": _embed,
    "max": _reduced(sp.Max),
    "min": _reduced(sp.Min),
    "any": _reduced(sp.Or),
    "all": _reduced(sp.And),
    "prod": _reduced(sp.Mul),
    "logsumexp": _reduced(lambda *xs: sp.log(reduce(sp.Add, map(sp.exp, xs)))),
    "cumsum": _scanned(lambda a, b: a + b),
    "cumprod": _scanned(lambda a, b: a * b),
    "inv": _matrix(lambda m: m.inv()),
    "matrix_power": lambda node, a: _matrix(lambda m: m ** node.params[0])(node, a),
    "matrix_power_along": _power_along,
    "det": _matrix(lambda m: m.det()),
    "spd_logdet": _matrix(lambda m: sp.log(m.det())),
    "logabsdet": _matrix(lambda m: sp.log(sp.Abs(m.det()))),
    "signdet": _matrix(lambda m: sp.sign(m.det())),
    "solve": _solve,
}
