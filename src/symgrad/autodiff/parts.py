"""A symbol that is read in parts: derivatives by its parts, side by side.

A camera may be one vector of a rotation, a centre and a focal length, a hand one of all its angles. The
directions of such a symbol as a whole are an identity, most of whose columns are zero behind each part.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from symgrad.expr.leaves import eye, number
from symgrad.expr.node import Expr
from symgrad.ops.einsum import einsum_node, insert_axes
from symgrad.ops.layout import SLICE, concat, full_entry, slice_of

MAX_PARTS: Final = 32  # of more the directions of the symbol as a whole are fewer steps


@dataclass(frozen=True)
class Part:
    """Entries of a symbol next to each other along one axis, and the slices that read them.

    Attributes
    ----------
    start, stop : int
    reads : tuple of Expr
    """

    start: int
    stop: int
    reads: tuple[Expr, ...]


@dataclass(frozen=True)
class Parted:
    """A symbol that is read in parts along an axis; no two of them overlap."""

    symbol: Expr
    axis: int
    parts: tuple[Part, ...]

    def directions(self, part: Part) -> dict[Expr, Expr]:
        """For each slice that reads a part all directions of the part, as trailing axes.

        Of a part that is one entry, read by its index, the directions lack the axis.
        """
        x, axis = self.symbol, self.axis
        if _is_entry(part, axis):
            return {read: identity(read.shape, x) for read in part.reads}
        every = identity((*x.shape[:axis], part.stop - part.start, *x.shape[axis + 1 :]), x)
        behind = [full_entry(d) for d in every.shape[x.ndim :]]
        return {
            read: slice_of(every, (*_moved(read.params.at, axis, part.start), *behind))
            for read in part.reads
        }

    def joined(self, y: Expr, found: Mapping[Part, Expr]) -> Expr:
        """The derivative of `y` by the symbol, by those by its parts; zeros beside them."""
        pieces = []
        end = 0
        axis = y.ndim + self.axis
        for part in self.parts:
            pieces.append(self._zeros(y, part.start - end))
            piece = found.get(part)
            if piece is None:
                piece = self._zeros(y, part.stop - part.start)
            elif _is_entry(part, self.axis):
                piece = insert_axes(piece, (axis,))
            pieces.append(piece)
            end = part.stop
        extent = self.symbol.shape[self.axis]
        assert isinstance(extent, int)
        pieces.append(self._zeros(y, extent - end))
        return concat([piece for piece in pieces if piece.shape[axis] != 0], axis)

    def _zeros(self, y: Expr, count: int) -> Expr:
        shape = self.symbol.shape
        return number(0, (*y.shape, *shape[: self.axis], count, *shape[self.axis + 1 :]))


def parted(x: Expr, users: Sequence[Expr]) -> Parted | None:
    """How a symbol is read in parts along one axis, or None where it is not."""
    if x.ndim == 0 or not users or any(user.op is not SLICE for user in users):
        return None
    axes = {
        k for user in users for k, d in enumerate(x.shape) if user.params.at[k] != full_entry(d)
    }
    if len(axes) != 1:
        return None
    (axis,) = axes
    extent = x.shape[axis]
    spans = [_span(user.params.at[axis]) for user in users]
    if not isinstance(extent, int) or any(span is None for span in spans):
        return None
    parts: list[Part] = []
    pairs = [(span, user) for span, user in zip(spans, users, strict=True) if span is not None]
    for (start, stop), user in sorted(pairs, key=lambda pair: pair[0]):
        if parts and start < parts[-1].stop:
            last = parts.pop()
            parts.append(Part(last.start, max(stop, last.stop), (*last.reads, user)))
        else:
            parts.append(Part(start, stop, (user,)))
    whole = (parts[0].start, parts[0].stop) == (0, extent)
    return None if whole or len(parts) > MAX_PARTS else Parted(x, axis, tuple(parts))


def _span(entry: object) -> tuple[int, int] | None:
    """The first place that an index entry reads, and the one behind the last; None where not known."""
    if isinstance(entry, int):
        return entry, entry + 1
    assert isinstance(entry, tuple)
    start, stop, step, length = entry
    if not (isinstance(start, int) and isinstance(stop, int) and length):
        return None
    read = range(start, stop, step)
    return min(read), max(read) + 1


def _moved(at: Sequence[object], axis: int, by: int) -> tuple[object, ...]:
    """A basic index for an array that begins `by` places later along an axis."""
    entry = at[axis]
    if isinstance(entry, int):
        moved: object = entry - by
    else:
        assert isinstance(entry, tuple)
        start, stop, step, length = entry
        moved = (start - by, stop - by, step, length)
    return (*at[:axis], moved, *at[axis + 1 :])


def _is_entry(part: Part, axis: int) -> bool:
    return all(isinstance(read.params.at[axis], int) for read in part.reads) and (
        part.stop - part.start == 1
    )


def identity(shape: Sequence[object], like: Expr) -> Expr:
    """The derivative of an array by itself, of shape ``shape + shape``, in the type of `like`."""
    rank = len(shape)
    factors = [eye(d, like.dtype) for d in shape]
    if rank < 2:
        return factors[0] if factors else number(1)
    labels = [(i, rank + i) for i in range(rank)]
    return einsum_node(factors, labels, tuple(range(2 * rank)), {})
