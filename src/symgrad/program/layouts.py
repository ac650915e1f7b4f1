"""The order in which NumPy lays out the axes of arrays that it makes itself.

What is computed entry by entry from transposed arrays is laid out as they are. To write it into an array
in C order instead takes several times as long: it is read along one axis and written along another.
"""

from __future__ import annotations

from symgrad.expr.kinds import Transpose
from symgrad.program.ir import Program
from symgrad.program.reductions import reduction_of

Layout = tuple[int, ...]  # the axes of an array, that whose entries lie farthest apart first


def layouts_of(p: Program) -> list[Layout]:
    """The layout of each value, taking arguments, and what else is made or viewed, for C order."""
    found: list[Layout] = []
    for instr in p.instrs:
        plain = tuple(range(len(instr.shape)))
        reduced = reduction_of(instr.kind)
        if isinstance(instr.kind, Transpose):
            place = {axis: k for k, axis in enumerate(instr.kind.order)}
            made = tuple([place[axis] for axis in found[instr.args[0]]])
        elif instr.kind.entrywise:
            whole = {found[a] for a in instr.args if p.instrs[a].shape == instr.shape}
            made = whole.pop() if len(whole) == 1 else plain
        elif reduced is not None and reduced.axes is not None:
            made = _without(found[instr.args[0]], reduced.axes)
        else:
            made = plain
        found.append(made)
    return found


def _without(layout: Layout, axes: tuple[int, ...]) -> Layout:
    """The layout of what is left where axes are reduced."""
    gone = {axis % len(layout) for axis in axes}
    left = [axis for axis in layout if axis not in gone]
    return tuple([sum(1 for other in left if other < axis) for axis in left])


def is_plain(layout: Layout) -> bool:
    """Whether a layout is C order."""
    return all(k == axis for k, axis in enumerate(layout))
