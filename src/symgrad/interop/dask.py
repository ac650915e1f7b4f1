"""Compiled functions and solvers on Dask arrays, chunk by chunk; needs the extra ``dask``.

Scalar formulas run on the blocks of arrays that broadcast. Formulas of arrays run on the pieces of one long
axis, that of a named extent: results along it are Dask arrays, and reductions over it are computed on each
piece and combined in a tree (`symgrad.interop.long_axes`). A compiled function is one key of the graph, and
sent to a worker once. What a chunk raises names its index.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import count
from typing import Any, Final

import numpy as np

from symgrad.compile.lambdify import lambdify
from symgrad.errors import ArgumentError, ShapeError
from symgrad.expr.node import Expr
from symgrad.expr.pytrees import rebuild_nest
from symgrad.interop.long_axes import LongReduction, long_axis, stages_of

TOGETHER: Final = 8  # parts that are combined at once
_NUMBERS: Final = count()


def is_dask(value: Any) -> bool:
    """Whether a value is a Dask array; Dask is not imported for that."""
    return type(value).__module__.startswith("dask.array") and hasattr(value, "chunks")


def key_of(value: Any, name: str) -> Any:
    """A value as one key of a graph."""
    import dask  # noqa: PLC0415 (an extra)
    from dask.base import tokenize  # noqa: PLC0415

    token = tokenize(id(value), next(_NUMBERS))
    return dask.delayed(value, name=f"symgrad-{name}-{token}", traverse=False)


def on_chunk(index: Any, function: Callable[..., Any], *args: Any) -> Any:
    """A function of one chunk, whose errors name that.

    Raises
    ------
    ArgumentError
        With the index in front of what the function raised.
    """
    try:
        return function(*args)
    except Exception as error:
        raise ArgumentError(f"chunk {index}: {type(error).__name__}: {error}") from error


def item_of(results: Sequence[Any], k: int) -> Any:
    """One of several results."""
    return np.asarray(results[k])


def call_on_dask(function: Any, args: Sequence[Any]) -> Any:
    """A compiled function of Dask arrays: results in its form, as Dask arrays.

    Parameters
    ----------
    function : CompiledFunction
    args : sequence of arrays
        In the order of its arguments; some are Dask arrays.

    Raises
    ------
    ArgumentError
        If chunks cut an axis that is no named extent, or two of them; or a formula mixes rows.
    """
    symbols, leaves, nest = function.parts()
    if not any(x.shape for x in symbols) and not any(y.shape for y in leaves):
        results = _entrywise(symbols, leaves, args)
    else:
        results = along_axis(symbols, leaves, args)
    return rebuild_nest(nest, results)


def _entrywise(symbols: Sequence[Expr], leaves: Sequence[Expr], args: Sequence[Any]) -> list[Any]:
    """Scalar formulas on blocks of arrays that broadcast."""
    import dask.array as da  # noqa: PLC0415

    arrays = da.broadcast_arrays(*[da.asarray(a) for a in args])
    indices = tuple(range(arrays[0].ndim))
    if indices:
        _, arrays = da.core.unify_chunks(*[v for a in arrays for v in (a, indices)])
    function = key_of(lambdify(list(symbols), list(leaves)), "function")
    run = key_of(on_chunk, "run")
    blocks = [a.to_delayed() for a in arrays]
    item = key_of(item_of, "item")
    made: list[Any] = [np.empty(blocks[0].shape, object) for _ in leaves]
    for index in np.ndindex(*blocks[0].shape):
        extents = tuple(c[i] for c, i in zip(arrays[0].chunks, index, strict=True))
        parts = run(index, function, *[b[index] for b in blocks])
        for k, y in enumerate(leaves):
            made[k][index] = da.from_delayed(item(parts, k), extents, y.dtype)
    return [da.block(m.tolist()) for m in made]


class Pieces:
    """Formulas over pieces of a long axis: `graph` makes the tasks, without computing any.

    Parameters
    ----------
    symbols : sequence of Expr
        The arguments.
    outputs : sequence of Expr
    args : sequence
        Their values; None for symbols that are given later.
    """

    def __init__(
        self, symbols: Sequence[Expr], outputs: Sequence[Expr], args: Sequence[Any]
    ) -> None:
        self.symbols, self.given = list(symbols), list(args)
        self.dim, self.extents = long_extent(symbols, args)
        self.stages = stages_of(outputs, self.dim)
        self.axes = [long_axis(x, self.dim) for x in symbols]
        self.places = {x: i for i, x in enumerate(self.symbols)}
        self.short = [x for x, axis in zip(self.symbols, self.axes, strict=True) if axis is None]
        self.long = [x for x, axis in zip(self.symbols, self.axes, strict=True) if axis is not None]
        known: list[Expr] = [self.stages.size]
        self.functions: list[Any] = []
        for stage in self.stages.reductions:
            made = lambdify([*self.long, *self.short, *known], [r.node for r in stage])
            self.functions.append(key_of(made, "stage"))
            known += [r.value for r in stage]
        along = [y for y in self.stages.outputs if long_axis(y, self.dim) is not None]
        rest = [y for y in self.stages.outputs if long_axis(y, self.dim) is None]
        self.last = lambdify([*self.long, *self.short, *known], along) if along else None
        self.final = lambdify([*self.short, *known], rest) if rest else None
        self.run, self.item = key_of(on_chunk, "run"), key_of(item_of, "item")
        self.blocks = [self._pieces(x) for x in self.long]

    def _pieces(self, x: Expr) -> list[Any]:
        """The pieces of a long argument, as keys of a graph."""
        import dask.array as da  # noqa: PLC0415

        place = self.places[x]
        value, axis = self.given[place], self.axes[place]
        assert axis is not None
        chunks = tuple(
            self.extents if i == axis else (-1 if i < len(x.shape) else "auto")
            for i in range(x.ndim)
        )
        array = value if is_dask(value) else da.from_array(np.asarray(value), chunks=chunks)
        if array.ndim != x.ndim or array.shape[axis] != sum(self.extents):
            raise ShapeError(
                f"argument {x.name} has shape {array.shape}, needs extent {sum(self.extents)} along"
                f" {self.dim}"
            )
        return list(np.ravel(array.rechunk(dict(enumerate(chunks))).to_delayed()))

    def graph(self, values: Sequence[Any] = ()) -> tuple[list[Any], list[Any]]:
        """The short outputs as one key of a graph, in order, and the long ones as lists of pieces.

        `values` are those of short arguments that were None.
        """
        later = iter(values)
        short = [
            next(later) if v is None else np.asarray(v)
            for axis, v in zip(self.axes, self.given, strict=True)
            if axis is None
        ]
        known: list[Any] = [float(sum(self.extents))]
        for stage, function in zip(self.stages.reductions, self.functions, strict=True):
            parts = [
                self.run(i, function, *[b[i] for b in self.blocks], *short, *known)
                for i in range(len(self.extents))
            ]
            total = combined(parts, stage)
            known += [self.item(total, k) for k in range(len(stage))]
        few: list[Any] = []
        if self.final is not None:
            few = [self.run("of the end", key_of(self.final, "final"), *short, *known)]
        if self.last is None:
            return few, []
        last = key_of(self.last, "last")
        return few, [
            self.run(i, last, *[b[i] for b in self.blocks], *short, *known)
            for i in range(len(self.extents))
        ]


def combined(parts: list[Any], stage: Sequence[LongReduction]) -> Any:
    """The parts of reductions, combined in a tree."""
    combine = key_of(combine_parts, "combine")
    ways = key_of([r.combine for r in stage], "ways")
    while len(parts) > 1:
        parts = [combine(ways, parts[i : i + TOGETHER]) for i in range(0, len(parts), TOGETHER)]
    return parts[0]


def combine_parts(ways: Sequence[Any], parts: Sequence[Any]) -> list[Any]:
    """Some parts of reductions in one."""
    total = list(parts[0])
    for part in parts[1:]:
        total = [way(a, b) for way, a, b in zip(ways, total, part, strict=True)]
    return total


def long_extent(symbols: Sequence[Expr], args: Sequence[Any]) -> tuple[str, tuple[int, ...]]:
    """The named extent that chunks cut, and the extents of its pieces.

    Raises
    ------
    ArgumentError, ShapeError
        If they cut another axis, or several; or an argument has other axes than its symbol.
    """
    found: dict[str, tuple[int, ...]] = {}
    for x, value in zip(symbols, args, strict=True):
        if not is_dask(value):
            continue
        if value.ndim != x.ndim:
            raise ShapeError(
                f"argument {x.name} has shape {value.shape}, needs {x.ndim} axes: {x.shape}"
            )
        for dim, chunks in zip(x.shape, value.chunks, strict=True):
            if isinstance(dim, str) and (dim not in found or len(chunks) > len(found[dim])):
                found[dim] = chunks
            elif not isinstance(dim, str) and len(chunks) > 1:
                raise ArgumentError(
                    f"the chunks of {x.name} cut an axis of fixed extent {dim}; declare it with a name,"
                    " such as 'n', or rechunk the array"
                )
    several = [dim for dim, chunks in found.items() if len(chunks) > 1]
    if len(several) > 1:
        raise ArgumentError(
            f"chunks cut the axes {' and '.join(several)}; rechunk the arrays so that they cut one"
        )
    if not found:
        raise ArgumentError(
            "no Dask array has an axis with a named extent; declare one, such as 'n'"
        )
    dim = several[0] if several else next(iter(found))
    if any(np.isnan(c) for c in found[dim]):
        raise ArgumentError(
            f"the chunks along {dim} have unknown extents; call compute_chunk_sizes() on the array"
        )
    return dim, found[dim]


def along_axis(symbols: Sequence[Expr], leaves: Sequence[Expr], args: Sequence[Any]) -> list[Any]:
    """Formulas of arrays over pieces of the long axis, as Dask arrays."""
    import dask.array as da  # noqa: PLC0415

    pieces = Pieces(symbols, leaves, args)
    few, many = pieces.graph()
    sizes = _sizes(symbols, args)
    results: list[Any] = []
    short_place = long_place = 0
    for y in pieces.stages.outputs:
        axis = long_axis(y, pieces.dim)
        shape = tuple(d if isinstance(d, int) else sizes[d] for d in y.shape)
        if axis is None:
            results.append(da.from_delayed(pieces.item(few[0], short_place), shape, y.dtype))
            short_place += 1
            continue
        parts = [
            da.from_delayed(
                pieces.item(part, long_place), (*shape[:axis], n, *shape[axis + 1 :]), y.dtype
            )
            for part, n in zip(many, pieces.extents, strict=True)
        ]
        results.append(da.concatenate(parts, axis=axis))
        long_place += 1
    return results


def _sizes(symbols: Sequence[Expr], args: Sequence[Any]) -> dict[Any, int]:
    """The extents that names stand for."""
    sizes: dict[Any, int] = {}
    for x, value in zip(symbols, args, strict=True):
        if value is None:
            continue
        for dim, extent in zip(x.shape, np.shape(value), strict=False):
            if sizes.setdefault(dim, extent) != extent:
                raise ShapeError(f"the extent {dim} is {sizes[dim]}, and {extent} in {x.name}")
    return sizes
