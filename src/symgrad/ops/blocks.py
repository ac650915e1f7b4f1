"""`block`: an array put together from blocks, as `numpy.block`."""

from __future__ import annotations

from typing import Any

from symgrad.errors import ArgumentError
from symgrad.expr.node import Expr
from symgrad.ops.einsum import insert_axes
from symgrad.ops.elementwise import as_expr
from symgrad.ops.layout import concat
from symgrad.ops.public import public


@public
def block(arrays: Any) -> Expr:
    """An array put together from nested lists of blocks, as `numpy.block`.

    Blocks of the innermost lists are joined along the last axis, these along the last but one, and so on;
    blocks with fewer axes get axes of extent 1 in front.

    Determinants, inverses, solutions and traces of matrices whose blocks below, above or beside the
    diagonal are zeros are computed block by block.

    Parameters
    ----------
    arrays : nested list of array_like
        All lists of one depth; a block of zeros is ``zeros((m, n))``.

    Raises
    ------
    ArgumentError
        For an empty list, a tuple, or lists of different depth.
    ShapeError
        For blocks that do not fit together.

    Examples
    --------
    >>> import symgrad as sg
    >>> A, B = sg.matrix("A", ("n", "n")), sg.matrix("B", ("m", "m"))
    >>> D = sg.block([[A, sg.zeros(("n", "m"))], [sg.zeros(("m", "n")), B]])
    >>> D.shape
    (m + n, m + n)
    >>> print(sg.simplify(sg.linalg.det(D)))
    det(A)*det(B)
    """
    levels: list[list[Any]] = [[arrays]]
    while any(isinstance(x, (list, tuple)) for x in levels[-1]):
        _check_level(levels[-1])
        levels.append([x for nest in levels[-1] for x in nest])
    blocks = [as_expr(x) for x in levels[-1]]
    ndim = max(len(levels) - 1, *[x.ndim for x in blocks])
    blocks = [insert_axes(x, range(ndim - x.ndim)) if x.ndim < ndim else x for x in blocks]
    for depth, level in enumerate(reversed(levels[:-1])):
        waiting = iter(blocks)
        blocks = [concat([next(waiting) for _ in nest], ndim - 1 - depth) for nest in level]
    return blocks[0]


def _check_level(level: list[Any]) -> None:
    for nest in level:
        if isinstance(nest, tuple):
            raise ArgumentError(f"block takes lists, not the tuple {nest!r}: write [...] for (...)")
        if not isinstance(nest, list):
            raise ArgumentError(
                "block needs lists of one depth: here a block stands beside a list of blocks"
            )
        if not nest:
            raise ArgumentError("block takes no empty list: leave it away")
