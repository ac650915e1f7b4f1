"""What one differentiates by: symbols, and entries of symbols, such as ``v[0]`` and ``A[1:, 2]``.

Entries are picked by a matrix P of zeros and ones with orthonormal rows, ``w = P v``: what `v` is beside
`w` is held fixed. So the gradient by `w` is ``P @ (gradient by v)``, and a direction `d` of `w` is the
direction ``P.T @ d`` of `v`. Both are what `pushforward` and `pullback` make of the graph of `w`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from symgrad.autodiff.forward import pushforward
from symgrad.autodiff.parts import identity
from symgrad.autodiff.reverse import differentiable, pullback
from symgrad.errors import ArgumentError, DerivativeError
from symgrad.expr.leaves import CONST, SYMBOL, assumed, number
from symgrad.expr.node import Expr
from symgrad.expr.traverse import count_uses, free_symbols, toposort
from symgrad.ops import layout
from symgrad.ops.einsum import (
    EINSUM,
    broadcast,
    is_stretched_scalar,
    transpose_axes,
)
from symgrad.ops.elementwise import adopted, as_expr
from symgrad.ops.gathering import GATHER
from symgrad.ops.reshaping import RESHAPE
from symgrad.ops.ufuncs import add

_MOVES: Final = (layout.SLICE, GATHER, layout.CONCAT, RESHAPE)
MAX_STEPS: Final = 200  # entrywise steps that are made for some entries alone
_TIED: Final = ("symmetric", "spd", "diagonal", "orthogonal")


def variables_of(wrt: Any, who: str) -> tuple[list[Expr], bool]:
    """What to differentiate by, and whether it was given as a list.

    Raises
    ------
    ArgumentError
        For what is neither a symbol nor made of entries of symbols.
    DerivativeError
        For integers and booleans, entries that occur twice, and entries of a matrix that is symmetric,
        diagonal or orthogonal: they depend on each other.
    """
    many = isinstance(wrt, (list, tuple))
    return [_checked(x, f"what {who} differentiates by") for x in (wrt if many else [wrt])], many


def _checked(given: Any, what: str) -> Expr:
    x = as_expr(given) if isinstance(given, np.ndarray) else adopted(given)
    if not isinstance(x, Expr):
        raise ArgumentError(
            f"{what} must be a symbol made by symbol, vector or matrix, or entries of one such as v[0],"
            f" not {x!r}"
        )
    order = toposort([x])
    symbols = [node for node in order if node.op is SYMBOL]
    if not symbols or not all(_moves(node) for node in order):
        raise ArgumentError(
            f"{what} must be a symbol made by symbol, vector or matrix, or entries of one such as v[0],"
            f" not {_brief(x)}; write the function of a symbol u in its place, differentiate"
            " by u, and substitute(result, {u: ...}) afterwards"
        )
    for leaf in symbols:
        if not differentiable(leaf):
            raise DerivativeError(
                f"{leaf.name!r} has dtype {leaf.dtype}: only floating symbols can be differentiated by;"
                " declare it with dtype=float"
            )
    if x.op is not SYMBOL:
        _check_independent(x, order, symbols, what)
    return x


def _brief(x: Expr) -> str:
    """A short formula as its text, in a message; of a longer one what its last operation is."""
    text = str(x) if len(toposort([x])) <= 12 else ""
    return text if 0 < len(text) <= 60 else f"{x.op.name} expression"


def _moves(node: Expr) -> bool:
    """Whether a node is a symbol, or picks and places entries by what is known when it is built."""
    if node.op in (SYMBOL, CONST):
        return True
    if node.op is EINSUM:
        (labels, *more), out, spread = node.params
        summed = [d for n, d in zip(labels, node.args[0].shape, strict=True) if n not in out]
        return not more and all(d == 1 for d in (*summed, *[d for _, d in spread]))
    if node.op is GATHER and node.args[0].op is CONST:
        return False
    return node.op in _MOVES and all(arg.op is CONST for arg in node.args[1:] if node.op is GATHER)


def _check_independent(x: Expr, order: list[Expr], symbols: list[Expr], what: str) -> None:
    """Raise if an entry occurs twice, or is tied to others."""
    for leaf in symbols:
        if assumed(leaf, *_TIED):
            raise DerivativeError(
                f"{what}, an entry of the matrix {leaf.name!r}, is tied to other entries of it, since the"
                " matrix is symmetric, diagonal or orthogonal; make the matrix of symbols of their own,"
                " or take the derivative by the whole matrix"
            )
    if all(node.op not in (GATHER, layout.CONCAT) for node in order):
        return
    uses = count_uses(order, ())
    if all(isinstance(d, int) for node in order for d in node.shape):
        places = _places(order, symbols)[x]
        once = len(np.unique(places)) == places.size
    else:
        once = all(node.op is not GATHER for node in order) and all(
            uses[node] <= 1 for node in order
        )
    if not once:
        raise DerivativeError(
            f"{what} holds an entry twice, or may do so since extents are not known; each entry counts"
            " once: give the entries as a list"
        )


def _places(order: Sequence[Expr], symbols: Sequence[Expr]) -> dict[Expr, np.ndarray[Any, Any]]:
    """For every node the numbers of the entries that it holds, counted through all symbols."""
    found: dict[Expr, Any] = {}
    start = 0
    for leaf in symbols:
        size = int(np.prod(leaf.shape))
        found[leaf] = np.arange(start, start + size).reshape(leaf.shape)
        start += size
    for node in order:
        if node.op is CONST:
            value = node.params[0]
            found[node] = np.asarray(value.array if node.params[1] == "array" else value)
        elif node.op is not SYMBOL:
            found[node] = _moved(node, [found[arg] for arg in node.args])
    return found


def _moved(node: Expr, args: list[Any]) -> Any:
    first = args[0]
    if node.op.unrolled is not None:
        return node.op.unrolled(node, *args)
    if node.op is GATHER:
        return first[tuple(args[1:])]
    (labels,), out, _ = node.params
    kept = tuple([n for n in out if n in labels])
    return np.einsum(first, list(labels), list(kept)).reshape(node.shape)


# The maps between a symbol and its entries


def symbols_of(variables: Sequence[Expr]) -> list[Expr]:
    """The symbols that variables are, or are entries of; each once."""
    if all(x.op is SYMBOL for x in variables):
        return list(dict.fromkeys(variables))
    return free_symbols(*variables)


def picked(variables: Sequence[Expr], cotangents: Mapping[Expr, Expr]) -> list[Expr]:
    """The cotangents of variables, by those of their symbols: ``P @ g``."""
    return [cotangents[x] if x.op is SYMBOL else _picked(x, cotangents) for x in variables]


def _picked(x: Expr, cotangents: Mapping[Expr, Expr]) -> Expr:
    if x.op is layout.SLICE and x.args[0].op is SYMBOL:
        return _sliced(cotangents[x.args[0]], x.params.at)
    below = {leaf: cotangents[leaf] for leaf in free_symbols(x)}
    return pushforward([x], below, False)[0]


def _sliced(g: Expr, index: tuple[Any, ...]) -> Expr:
    """``g[index]``, with the index on the operands of the entrywise steps that `g` ends in, if few."""
    front = {g}  # what is sliced: entrywise steps by way of their operands
    waiting = [g]
    while waiting and len(front) < MAX_STEPS:
        node = waiting.pop()
        if node.op.elementwise:
            waiting += [arg for arg in node.args if arg not in front]
            front.update(node.args)
    found: dict[Expr, Expr] = {}
    for node in toposort([g]):
        if node not in front:
            continue
        if node.op.elementwise and all(arg in found for arg in node.args):
            found[node] = node.op.build(tuple([found[arg] for arg in node.args]), node.params)
        else:
            found[node] = _entry(node, index)
    return found[g]


def _entry(node: Expr, index: tuple[Any, ...]) -> Expr:
    """A slice of what is no entrywise step."""
    if is_stretched_scalar(node):
        shape = layout.slice_of(number(0, node.shape), index).shape
        return broadcast(node.args[0], shape)
    return layout.slice_of(node, index)


def spread(variables: Sequence[Expr], directions: Sequence[Expr]) -> dict[Expr, Expr]:
    """Directions of variables as those of their symbols, added up: ``sum(P.T @ d)``."""
    tangents: dict[Expr, Expr] = {}
    for x, d in zip(variables, directions, strict=True):
        leaves = symbols_of([x])
        parts = [d] if x.op is SYMBOL else pullback([x], [d], leaves, False)
        for leaf, part in zip(leaves, parts, strict=True):
            tangents[leaf] = add(tangents[leaf], part) if leaf in tangents else part
    return tangents


def all_directions(x: Expr) -> dict[Expr, Expr]:
    """Per symbol of a variable all directions of the variable, as trailing axes: ``P.T``."""
    if x.op is SYMBOL:
        return {x: identity(x.shape, x)}
    if x.ndim == 0:
        return spread([x], [number(1)])
    found = {}
    for leaf in free_symbols(x):
        by_leaf = pushforward([x], {leaf: identity(leaf.shape, leaf)}, False)[0]
        order = (*range(x.ndim, by_leaf.ndim), *range(x.ndim))
        found[leaf] = transpose_axes(by_leaf, order)
    return found
