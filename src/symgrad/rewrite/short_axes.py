"""Short axes of large arrays are written out: the coordinates of points become arrays of their own.

NumPy's loops run along the last axis, and one of two or three entries makes them all overhead: of
``sum((x[:, None] - x)**2, axis=2)`` for n points in space, an array of n x n x 3 differences is made and
summed three by three. Written out, it is the sum of three squares of arrays of n x n, which take part in
fusion.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from symgrad.expr.dims import Shape
from symgrad.expr.leaves import EYE, is_number
from symgrad.expr.node import Expr
from symgrad.expr.traverse import rebuild, toposort
from symgrad.expr.tuning import tuning
from symgrad.ops.einsum import EINSUM
from symgrad.rewrite.unrolling import UnrolledParts, single


def write_out_short_axes(outputs: Sequence[Expr]) -> Sequence[Expr]:
    """The outputs, with entrywise work on arrays of a long and a short axis done part by part.

    Only where all users of such an array sum over the short axis, stack the results of the parts, or are
    such arrays themselves, so that nothing is computed twice.
    """
    order = toposort(outputs)
    axes = _Axes(order, outputs).found()
    return _written(order, axes, outputs) if axes else outputs


def _written(
    order: Sequence[Expr], axes: Mapping[Expr, int], outputs: Sequence[Expr]
) -> list[Expr]:
    parts = UnrolledParts(lambda x: (axes[x],) if x in axes else ())
    for y in order:
        if y in axes or any(arg in axes for arg in y.args):
            parts.grids[y] = parts.elementwise(y) if y.op.elementwise else parts.contracted(y)
        else:
            whole = rebuild(y, tuple([parts.grids[arg][()] for arg in y.args]))
            parts.grids[y] = single(whole)
    return [parts.grids[y][()] for y in outputs]


def _short_axis(shape: Shape) -> int | None:
    """The last short axis of a shape that has a long one as well."""
    if not any(not isinstance(d, int) or d >= tuning().long_axis for d in shape):
        return None
    short = [k for k, d in enumerate(shape) if isinstance(d, int) and 2 <= d <= tuning().short_axis]
    return short[-1] if short else None


class _Axes:
    """Which arrays are written out along which axis."""

    def __init__(self, order: Sequence[Expr], outputs: Sequence[Expr]) -> None:
        self.order = order
        self.kept = set(outputs)
        self.axes = {
            y: axis
            for y in order
            if (y.op.elementwise or (y.op is EINSUM and not _sums(y)))
            and y not in self.kept
            and not is_number(y)
            and (axis := _short_axis(y.shape)) is not None
        }

    def found(self) -> dict[Expr, int]:
        """Candidates, less those whose users or whose own form do not allow it."""
        users: dict[Expr, list[Expr]] = {y: [] for y in self.axes}
        for node in self.order:
            for arg in set(node.args) & users.keys():
                users[arg].append(node)
        left = list(self.axes)
        while left:  # what is dropped makes its users and operands look again
            y = left.pop()
            if y not in self.axes or (
                self._takes_parts(y) and all(self._takes_parts(u) for u in users[y])
            ):
                continue
            del self.axes[y]
            left += [z for z in (*users[y], *y.args) if z in self.axes]
        if any(y.op.elementwise for y in self.axes):
            return self.axes
        return {}

    def _takes_parts(self, y: Expr) -> bool:
        """Whether a node can be computed from parts of those of its operands that are written out."""
        if y.op.elementwise:
            axis = self.axes.get(y)
            return axis is not None and all(self.axes.get(a, axis) == axis for a in y.args)
        reduces = y.op is EINSUM and (y in self.axes or _sums(y))
        return reduces and label_of(y, self.axes) is not None


def _sums(y: Expr) -> bool:
    """Whether an Einsum sums over a label."""
    return any(n not in y.params.out for labels in y.params.inputs for n in labels)


def label_of(y: Expr, axes: dict[Expr, int]) -> int | None:
    """The one label along which an Einsum and its operands are written out, or None."""
    inputs, out, spread = y.params
    pairs = list(zip(y.args, inputs, strict=True))
    found = {labels[axes[arg]] for arg, labels in pairs if arg in axes}
    if y in axes:
        found.add(out[axes[y]])
    if len(found) != 1:
        return None
    label: int = found.pop()
    every = {n for labels in inputs for n in labels} | {n for n, _ in spread}
    for arg, labels in pairs:
        if labels.count(label) > 1 or (arg.op is EYE and label in labels):
            return None
        if arg in axes and set(labels) != every:  # the parts would be larger than the operand
            return None
    return label
