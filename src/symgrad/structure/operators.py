"""Matrices that are kept unexpanded: what `lambdify(..., structured=True)` returns.

Each has the shape of the tensor it stands for, rows first, then columns; flattened in C order it is a
matrix. They hold NumPy arrays, need nothing but NumPy, and pickle.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np

from symgrad.calls import checked
from symgrad.errors import ShapeError

Array = Any  # numpy.ndarray of any dtype and rank
Extents = tuple[int, ...]


class Structured(ABC):
    """A matrix by its parts.

    Attributes
    ----------
    row_shape, column_shape : tuple of int
        What ``H @ v`` has, and what `v` needs, as leading axes; further axes of `v` are columns.

    Examples
    --------
    >>> import numpy as np
    >>> import symgrad as sg
    >>> v = sg.vector("v", 3)
    >>> H = sg.lambdify(v, sg.hessian(sg.sum(v**3), v), structured=True)([1.0, 2.0, 3.0])
    >>> print(type(H).__name__, H.shape, H @ np.ones(3))
    Diagonal (3, 3) [ 6. 12. 18.]
    """

    __slots__ = ()
    row_shape: Extents
    column_shape: Extents

    @property
    def shape(self) -> Extents:
        """The shape of `dense`."""
        return (*self.row_shape, *self.column_shape)

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of `dense`."""
        return np.result_type(*[part for part in self._parts() if isinstance(part, np.ndarray)])

    @property
    @abstractmethod
    def T(self) -> Structured:
        """Rows and columns exchanged."""

    @abstractmethod
    @checked
    def dense(self) -> Array:
        """The array, written out."""

    @abstractmethod
    def _parts(self) -> tuple[Any, ...]:
        """The arguments that make an equal one."""

    @abstractmethod
    def _times(self, v: Array) -> Array:
        """The product with `v` of shape ``(*column_shape, k)``."""

    @abstractmethod
    def _solved(self, b: Array) -> Array:
        """The solution for `b` of shape ``(*row_shape, k)``."""

    def __matmul__(self, v: Any) -> Array:
        array, back = _columns(v, self.column_shape, "the operand of @")
        return self._times(array).reshape(*self.row_shape, *back)

    @checked
    def solve(self, b: Any) -> Array:
        """The x with ``self @ x = b``.

        Raises
        ------
        ShapeError
            If `b` does not fit, or there are not as many rows as columns.
        numpy.linalg.LinAlgError
            If the matrix is singular.
        """
        if _size(self.row_shape) != _size(self.column_shape):
            raise ShapeError(f"solve needs as many rows as columns; the shape is {self.shape}")
        array, back = _columns(b, self.row_shape, "the right-hand side")
        return self._solved(array).reshape(*self.column_shape, *back)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        return np.asarray(self.dense(), dtype)

    def __reduce__(self) -> Any:
        return type(self), self._parts()

    def __setattr__(self, key: str, value: Any) -> None:
        raise AttributeError(f"a {type(self).__name__} is immutable: cannot set {key!r}")

    def _hold(self, **parts: Any) -> None:
        for key, value in parts.items():
            object.__setattr__(self, key, value)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of shape {self.shape}>"


def _size(shape: Extents) -> int:
    return int(np.prod(shape, dtype=int))


def _columns(v: Any, shape: Extents, who: str) -> tuple[Array, Extents]:
    """`v` with its trailing axes as one, and those axes."""
    array = np.asarray(v)
    if array.shape[: len(shape)] != shape:
        raise ShapeError(f"{who} has shape {array.shape}, needs {shape}, with columns behind it")
    back = array.shape[len(shape) :]
    return array.reshape(*shape, _size(back)), back


def _divided(b: Array, d: Array) -> Array:
    if np.any(d == 0):
        raise np.linalg.LinAlgError("Singular matrix: a zero on the diagonal")
    return b / d[..., None]


class Diagonal(Structured):
    """``diag(d)``: `d` has the shape of the rows.

    >>> H = Diagonal(np.array([1.0, 2.0]))
    >>> (H @ np.array([3.0, 4.0])).tolist(), H.solve(np.array([3.0, 4.0])).tolist()
    ([3.0, 8.0], [3.0, 2.0])
    """

    __slots__ = ("column_shape", "d", "row_shape")
    d: Array

    def __init__(self, d: Any) -> None:
        d = np.asarray(d)
        self._hold(d=d, row_shape=d.shape, column_shape=d.shape)

    def _parts(self) -> tuple[Any, ...]:
        return (self.d,)

    @property
    def T(self) -> Diagonal:
        """Itself."""
        return self

    @checked
    def dense(self) -> Array:
        """The array: zeros, and the diagonal written through a strided view."""
        out = np.zeros(self.shape, self.d.dtype)
        out.reshape(-1)[:: self.d.size + 1] = self.d.reshape(-1)
        return out

    def _times(self, v: Array) -> Array:
        return self.d[..., None] * v

    def _solved(self, b: Array) -> Array:
        return _divided(b, self.d)


class Kronecker(Structured):
    """An identity of extent `n` along one axis, times a matrix along the other.

    ``H[i, a, j, b] = (i == j)*matrix[a, b]`` for axis 0, flattened ``kron(eye(n), matrix)``;
    ``H[a, i, b, j] = matrix[a, b]*(i == j)`` for axis 1, flattened ``kron(matrix, eye(n))``.

    >>> H = Kronecker(np.array([[2.0, 0.0], [1.0, 1.0]]), 3, 0)
    >>> H.shape, (H.dense().reshape(6, 6) == np.kron(np.eye(3), H.matrix)).all().item()
    ((3, 2, 3, 2), True)
    """

    __slots__ = ("axis", "column_shape", "matrix", "n", "row_shape")
    matrix: Array
    n: int
    axis: int

    def __init__(self, matrix: Any, n: int, axis: int = 0) -> None:
        matrix = np.asarray(matrix)
        rows, columns = matrix.shape
        shapes = ((n, rows), (n, columns)) if axis == 0 else ((rows, n), (columns, n))
        self._hold(matrix=matrix, n=n, axis=axis, row_shape=shapes[0], column_shape=shapes[1])

    def _parts(self) -> tuple[Any, ...]:
        return self.matrix, self.n, self.axis

    @property
    def T(self) -> Kronecker:
        """The transpose: that of the matrix."""
        return Kronecker(self.matrix.T, self.n, self.axis)

    @checked
    def dense(self) -> Array:
        """The array: zeros, and `n` copies of the matrix written through a strided view."""
        out = np.zeros(self.shape, self.matrix.dtype)
        np.einsum("iaib->iab" if self.axis == 0 else "aibi->iab", out)[...] = self.matrix
        return out

    def _times(self, v: Array) -> Array:
        spec = "ab,ibk->iak" if self.axis == 0 else "ab,bik->aik"
        return np.einsum(spec, self.matrix, v, optimize=True)

    def _solved(self, b: Array) -> Array:
        moved = b.swapaxes(0, 1) if self.axis == 0 else b
        solution = np.linalg.solve(self.matrix, moved.reshape(len(moved), -1))
        solution = solution.reshape(moved.shape)
        return solution.swapaxes(0, 1) if self.axis == 0 else solution


class LowRank(Structured):
    """``U @ diag(c) @ V.T``; the last axis of U and V is the rank, the others are rows and columns.

    >>> u = np.array([[1.0], [2.0]])
    >>> LowRank(u, np.ones(1), u).dense().tolist()
    [[1.0, 2.0], [2.0, 4.0]]
    """

    __slots__ = ("U", "V", "c", "column_shape", "row_shape")
    U: Array
    c: Array
    V: Array

    def __init__(self, U: Any, c: Any, V: Any) -> None:
        U, c, V = np.asarray(U), np.asarray(c), np.asarray(V)
        self._hold(U=U, c=c, V=V, row_shape=U.shape[:-1], column_shape=V.shape[:-1])

    def _parts(self) -> tuple[Any, ...]:
        return self.U, self.c, self.V

    @property
    def T(self) -> LowRank:
        """U and V exchanged."""
        return LowRank(self.V, self.c, self.U)

    def _flat(self) -> tuple[Array, Array]:
        """U and V as matrices."""
        rank = self.c.size
        return self.U.reshape(-1, rank), self.V.reshape(-1, rank)

    @checked
    def dense(self) -> Array:
        """The array."""
        u, v = self._flat()
        return ((u * self.c) @ v.T).reshape(self.shape)

    def _times(self, v: Array) -> Array:
        left, right = self._flat()
        product: Array = (left * self.c) @ (right.T @ v.reshape(len(right), -1))
        return product

    def _solved(self, b: Array) -> Array:
        u, _ = self._flat()
        if self.c.size < len(u):
            raise np.linalg.LinAlgError("Singular matrix: the rank is less than the size")
        dense = self.dense().reshape(len(u), len(u))
        return np.linalg.solve(dense, b.reshape(len(u), -1))


class DiagonalPlusLowRank(Structured):
    """``diag(d) + U @ diag(c) @ V.T``, solved by the Woodbury identity.

    >>> H = DiagonalPlusLowRank(np.ones(2), np.ones((2, 1)), np.ones(1), np.ones((2, 1)))
    >>> H.dense().tolist(), H.solve(np.array([3.0, 3.0])).tolist()
    ([[2.0, 1.0], [1.0, 2.0]], [1.0, 1.0])
    """

    __slots__ = ("_diagonal", "_low", "column_shape", "row_shape")
    _diagonal: Diagonal
    _low: LowRank

    def __init__(self, d: Any, U: Any, c: Any, V: Any) -> None:
        diagonal, low = Diagonal(d), LowRank(U, c, V)
        shape = diagonal.row_shape
        self._hold(_diagonal=diagonal, _low=low, row_shape=shape, column_shape=shape)

    @property
    def d(self) -> Array:
        """The diagonal."""
        return self._diagonal.d

    @property
    def U(self) -> Array:
        """Of shape ``(*row_shape, rank)``."""
        return self._low.U

    @property
    def c(self) -> Array:
        """Of shape ``(rank,)``."""
        return self._low.c

    @property
    def V(self) -> Array:
        """Of shape ``(*column_shape, rank)``."""
        return self._low.V

    def _parts(self) -> tuple[Any, ...]:
        return self.d, self.U, self.c, self.V

    @property
    def T(self) -> DiagonalPlusLowRank:
        """U and V exchanged."""
        return DiagonalPlusLowRank(self.d, self.V, self.c, self.U)

    @checked
    def dense(self) -> Array:
        """The array."""
        out = self._low.dense()
        out.reshape(-1)[:: self.d.size + 1] += self.d.reshape(-1)
        return out

    def _times(self, v: Array) -> Array:
        return self._diagonal._times(v) + self._low._times(v).reshape(v.shape)

    def _solved(self, b: Array) -> Array:
        """``x = D^-1 (b - U c y)`` with ``(1 + V^T D^-1 U c) y = V^T D^-1 b``.

        Where an entry of `d` is zero the identity does not hold, and the dense matrix is solved.
        """
        u, v = self._low._flat()
        d = self.d.reshape(-1, 1)
        right = b.reshape(len(u), -1)
        if np.any(d == 0):
            return np.linalg.solve(self.dense().reshape(len(u), len(u)), right)
        scaled = u * self.c
        small = np.eye(self.c.size) + v.T @ (scaled / d)
        inner = np.linalg.solve(small, v.T @ (right / d))
        solution: Array = (right - scaled @ inner) / d
        return solution


class Block(Structured):
    """Blocks of a Jacobian or Hessian by several unknowns; each an array or one of these forms.

    Flattened, the unknowns stand one behind the other: `shape` is that of the whole matrix, and vectors
    have one axis. ``H.blocks[i][j]`` is block (i, j).

    >>> H = Block([[Diagonal(np.ones(2)), np.zeros((2,))], [np.zeros((2,)), np.array(3.0)]])
    >>> H.shape, (H @ np.array([1.0, 2.0, 3.0])).tolist()
    ((3, 3), [1.0, 2.0, 9.0])
    """

    __slots__ = ("blocks", "column_shape", "heights", "row_shape", "widths")
    blocks: tuple[tuple[Any, ...], ...]
    heights: Extents
    widths: Extents

    def __init__(
        self,
        blocks: Sequence[Sequence[Any]],
        heights: Sequence[int] | None = None,
        widths: Sequence[int] | None = None,
    ) -> None:
        held = tuple(
            tuple(b if isinstance(b, Structured) else np.asarray(b) for b in row) for row in blocks
        )
        if heights is None or widths is None:
            heights = widths = _diagonal_sizes(held)
        self._hold(
            blocks=held,
            heights=tuple(heights),
            widths=tuple(widths),
            row_shape=(sum(heights),),
            column_shape=(sum(widths),),
        )

    def _parts(self) -> tuple[Any, ...]:
        return self.blocks, self.heights, self.widths

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of `dense`."""
        return np.result_type(*[b.dtype for row in self.blocks for b in row])

    @property
    def T(self) -> Block:
        """The blocks transposed, and exchanged."""
        columns = range(len(self.widths))
        turned = [
            [
                row[j].T
                if isinstance(row[j], Structured)
                else row[j].reshape(self.heights[i], self.widths[j]).T
                for i, row in enumerate(self.blocks)
            ]
            for j in columns
        ]
        return Block(turned, self.widths, self.heights)

    @checked
    def dense(self) -> Array:
        """The array: one matrix of all blocks."""
        rows = [
            [np.asarray(b).reshape(h, w) for b, w in zip(row, self.widths, strict=True)]
            for row, h in zip(self.blocks, self.heights, strict=True)
        ]
        return np.block(rows)

    def _times(self, v: Array) -> Array:
        parts = np.split(v, np.cumsum(self.widths)[:-1])
        rows = []
        for row, h in zip(self.blocks, self.heights, strict=True):
            rows.append(sum(_block_times(b, h, part) for b, part in zip(row, parts, strict=True)))
        return np.concatenate(rows)

    def _solved(self, b: Array) -> Array:
        return np.linalg.solve(self.dense(), b)


def _block_times(block: Any, height: int, v: Array) -> Array:
    if isinstance(block, Structured):
        return (block @ v.reshape(*block.column_shape, v.shape[-1])).reshape(height, -1)
    return block.reshape(height, len(v)) @ v


def _diagonal_sizes(blocks: Sequence[Sequence[Any]]) -> list[int]:
    """How many entries each unknown has, from the blocks on the diagonal."""
    return [
        _size(b.row_shape) if isinstance(b, Structured) else round(b.size**0.5)
        for b in (row[i] for i, row in enumerate(blocks))
    ]
