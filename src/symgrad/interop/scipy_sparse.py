"""Results as SciPy's sparse matrices; needs the extra ``scipy``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from symgrad.errors import ArgumentError
from symgrad.expr.dims import show_shape
from symgrad.expr.leaves import is_value, number
from symgrad.expr.node import Expr
from symgrad.ops.einsum import insert_axes
from symgrad.ops.layout import concat
from symgrad.structure.coloring import cost, grouped_values
from symgrad.structure.entries import entries_of
from symgrad.structure.forms import DenseForm, Recipe
from symgrad.structure.sparsity import rows_of


@dataclass(frozen=True, eq=False)
class SparseForm:
    """A matrix by its entries that are not known to be zero.

    `values` are the entries in C order, `columns` their columns, and row i has those from ``starts[i]``
    to ``starts[i + 1]``.
    """

    values: Expr
    columns: Any
    starts: Any
    shape: tuple[int, int]
    how: str = "each computed directly"
    kind: ClassVar[str] = "sparse"

    @property
    def parts(self) -> tuple[Expr, ...]:
        """What a compiled function computes for it."""
        return (self.values,)

    def assemble(self, *values: Any) -> Any:
        """The matrix, as a `scipy.sparse.csr_array`."""
        sparse = _scipy_sparse()
        data = np.asarray(values[0])
        return sparse.csr_array((data, self.columns.copy(), self.starts.copy()), shape=self.shape)

    def describe(self) -> str:
        """How it is computed."""
        rows, columns = self.shape
        return f"CSR of shape {rows} x {columns} with {len(self.columns)} entries, {self.how}"


def _scipy_sparse() -> Any:
    try:
        import scipy.sparse  # noqa: PLC0415 (an extra)
    except ImportError as error:
        raise ArgumentError(
            "sparse results need SciPy: install the extra, pip install 'symgrad[scipy]'"
        ) from error
    return scipy.sparse


def recipe_of(outputs: Any, form: str) -> tuple[Any, Callable[[Any], Recipe]]:
    """The outputs with systems of scalars joined, and what makes the recipe of each.

    Raises
    ------
    ArgumentError
        For an unknown format, or without SciPy.
    """
    if form != "csr":
        raise ArgumentError(f"sparse must be 'csr' or None, not {form!r}")
    _scipy_sparse()
    if isinstance(outputs, list) and outputs and all(isinstance(r, list) for r in outputs):
        rows = rows_of(outputs)
        return number(0), lambda _: of_scalars(rows)
    return outputs, of_tensor


def of_tensor(e: Expr) -> Recipe:
    """A matrix, or a tensor of as many row as column axes flattened in C order; a scalar or vector stays.

    Raises
    ------
    ArgumentError
        For another tensor.
    """
    if e.ndim < 2:
        return DenseForm(e)
    if e.ndim % 2:
        raise ArgumentError(
            f"a sparse result needs rows and columns of equally many axes, got {show_shape(e.shape)};"
            " reshape it to a matrix"
        )
    at, values = entries_of(e)
    half = e.ndim // 2
    shape = (_product(e.shape[:half]), _product(e.shape[half:]))
    grouped = grouped_values(e, at) if half == 1 else None
    if grouped is not None and cost(grouped.values) < cost(values):
        return _form(at, grouped.values, shape, f"computed in {grouped.how}")
    return _form(at, values, shape)


def of_scalars(rows: list[list[Expr]]) -> Recipe:
    """The matrix of a system of scalars."""
    width = len(rows[0]) if rows else 0
    entries = [
        (i * width + j, e)
        for i, row in enumerate(rows)
        for j, e in enumerate(row)
        if not is_value(e, 0)
    ]
    at = np.array([k for k, _ in entries], np.int64)
    stacked = (
        concat([insert_axes(e, (0,)) for _, e in entries], 0) if entries else number(0.0, (0,))
    )
    return _form(at, stacked, (len(rows), width))


def _form(
    at: Any, values: Expr, shape: tuple[int, int], how: str = "each computed directly"
) -> SparseForm:
    rows, columns = np.divmod(at, max(shape[1], 1))
    counts = np.bincount(rows, minlength=shape[0])
    starts = np.concatenate([[0], np.cumsum(counts)])
    return SparseForm(values, columns, starts, shape, how)


def _product(extents: tuple[Any, ...]) -> int:
    return int(np.prod(extents, dtype=np.int64))


__all__ = ["SparseForm", "of_scalars", "of_tensor", "recipe_of"]
