"""How each op takes a batch: rules that put one more axis in front of a node.

A rule gets the node, its operands as they are now, and which of them carry the batch axis, always the
first. It answers with the node that carries it. Elementwise ops need no rule, and an Einsum takes the
axis as one more label. Everything else is in the table `RULES`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from symgrad.errors import ArgumentError
from symgrad.expr.dims import Dim, mul_dims
from symgrad.expr.leaves import arange
from symgrad.expr.node import Expr
from symgrad.expr.op import Op
from symgrad.ops import (
    decompositions,
    determinant,
    layout,
    linalg,
    matrix_functions,
    matrix_powers,
    pseudoinverse,
    reducing,
    reduction,
    sorting,
)
from symgrad.ops.einsum import EINSUM, broadcast, einsum_node, insert_axes, transpose_axes
from symgrad.ops.layout import full_entry, gather, scatter
from symgrad.ops.matrices import contract
from symgrad.ops.reshaping import RESHAPE, reshape_to
from symgrad.ops.rolling import ROLL, rolled

Rule = Callable[[Expr, Sequence[Expr], Sequence[bool], Dim], Expr]


def batched_node(node: Expr, args: Sequence[Expr], carries: Sequence[bool], dim: Dim) -> Expr:
    """`node` over operands some of which carry a leading batch axis of extent `dim`.

    Raises
    ------
    ArgumentError
        Naming the op, if it has no rule.
    """
    if node.op.elementwise:
        return node.op.build(tuple(_all_carrying(node, args, carries, dim)), node.params)
    rule = RULES.get(node.op)
    if rule is None:
        raise ArgumentError(
            f"vmap cannot batch {node.op.name}; keep what it depends on out of `over`, or call the"
            " compiled function once per problem"
        )
    return rule(node, args, carries, dim)


def carrying(x: Expr, dim: Dim) -> Expr:
    """`x` repeated along a new leading axis."""
    return broadcast(x, (dim, *x.shape))


def _all_carrying(
    node: Expr, args: Sequence[Expr], carries: Sequence[bool], dim: Dim
) -> list[Expr]:
    return [x if has else carrying(x, dim) for x, has in zip(args, carries, strict=True)]


def _einsum(node: Expr, args: Sequence[Expr], carries: Sequence[bool], dim: Dim) -> Expr:
    """One more label: in front of the result and of the operands that carry the batch."""
    inputs, out, spread = node.params
    lead = max([n for labels in (*inputs, out) for n in labels], default=-1) + 1
    labels = [(lead, *ls) if has else ls for ls, has in zip(inputs, carries, strict=True)]
    return einsum_node(list(args), labels, (lead, *out), {**dict(spread), lead: dim})


# Ops that treat leading axes as a batch


def _native(node: Expr, args: Sequence[Expr], carries: Sequence[bool], dim: Dim) -> Expr:
    """NumPy's linear algebra acts on the last axes; all operands have the same leading ones."""
    return node.op.build(tuple(_all_carrying(node, args, carries, dim)), node.params)


def _lstsq(node: Expr, args: Sequence[Expr], carries: Sequence[bool], dim: Dim) -> Expr:
    """Right-hand sides of one matrix are columns; for a batch of matrices it is ``pinv(a) @ b``."""
    a, b = args
    if carries[0]:
        b = b if carries[1] else carrying(b, dim)
        return contract("ij,jk->ik", 1, pseudoinverse.PINV.build((a,), (None,)), b)
    rows, columns = node.shape
    beside = reshape_to(transpose_axes(b, (1, 0, 2)), (b.shape[1], mul_dims(dim, columns)))
    solved = node.op.build((a, beside), node.params)
    return transpose_axes(reshape_to(solved, (rows, dim, columns)), (1, 0, 2))


def _along(node: Expr, args: Sequence[Expr], carries: Sequence[bool], dim: Dim) -> Expr:
    """Operands broadcast: the batch goes in front of as many axes for each."""
    level = [
        insert_axes(x, range(int(has), int(has) + node.ndim - old.ndim))
        for x, old, has in zip(args, node.args, carries, strict=True)
    ]
    return node.op.build(tuple(_all_carrying(node, level, carries, dim)), node.params)


# Ops whose parameters count axes


def _axes(node: Expr, args: Sequence[Expr], carries: Sequence[bool], dim: Dim) -> Expr:
    """A reduction over axes that stand one place further behind."""
    return node.op.build(tuple(args), (tuple([axis + 1 for axis in node.params[0]]),))


def _axis(node: Expr, args: Sequence[Expr], carries: Sequence[bool], dim: Dim) -> Expr:
    """A scan or a concatenation along an axis that stands one place further behind."""
    return node.op.build(
        tuple(_all_carrying(node, args, carries, dim)), (node.params[0] + 1, *node.params[1:])
    )


def _reshape(node: Expr, args: Sequence[Expr], carries: Sequence[bool], dim: Dim) -> Expr:
    return reshape_to(args[0], (dim, *node.shape))


def _roll(node: Expr, args: Sequence[Expr], carries: Sequence[bool], dim: Dim) -> Expr:
    shift, axis = node.params
    return rolled(args[0], shift, axis + 1)


def _slice(node: Expr, args: Sequence[Expr], carries: Sequence[bool], dim: Dim) -> Expr:
    return layout.slice_of(args[0], (full_entry(dim), *node.params[0]))


def _embed(node: Expr, args: Sequence[Expr], carries: Sequence[bool], dim: Dim) -> Expr:
    shape, index = node.params
    return layout.embed_in(args[0], (dim, *shape), (full_entry(dim), *index))


# Gather and scatter: indices act on leading axes


def _gather(node: Expr, args: Sequence[Expr], carries: Sequence[bool], dim: Dim) -> Expr:
    x, *indices = args
    if not any(carries[1:]):  # the batch goes behind the axes that are picked from
        return _to_front(gather(_to_back(x), indices))
    indices = _all_carrying(node, indices, carries[1:], dim)
    if carries[0]:
        indices = [_problem(indices[0], dim), *indices]
    return gather(x, indices)


def _scatter(node: Expr, args: Sequence[Expr], carries: Sequence[bool], dim: Dim) -> Expr:
    x, *indices = args
    if not any(carries[1:]):
        return _to_front(scatter(_to_back(x), indices, (*node.shape, dim)))
    indices = _all_carrying(node, indices, carries[1:], dim)
    x = x if carries[0] else carrying(x, dim)
    return scatter(x, [_problem(indices[0], dim), *indices], (dim, *node.shape))


def _problem(index: Expr, dim: Dim) -> Expr:
    """The number of the problem, in the shape of an index that carries the batch."""
    counted = insert_axes(arange(dim), range(1, index.ndim))
    return broadcast(counted, index.shape)


def _to_back(x: Expr) -> Expr:
    return transpose_axes(x, (*range(1, x.ndim), 0))


def _to_front(x: Expr) -> Expr:
    return transpose_axes(x, (x.ndim - 1, *range(x.ndim - 1)))


def _searchsorted(node: Expr, args: Sequence[Expr], carries: Sequence[bool], dim: Dim) -> Expr:
    """Places in one sorted vector for all problems; in one for each, how many entries come before."""
    a, v = args
    if not carries[0]:
        return node.op.build((a, v), node.params)
    v = v if carries[1] else carrying(v, dim)
    rows = insert_axes(a, range(1, v.ndim))  # [problem, 1, ..., entry]
    column = insert_axes(v, (v.ndim,))
    before = rows <= column if node.params[0] == "right" else rows < column
    return reducing.sum(before, axis=-1)


_NATIVE: Final = (
    *linalg.LINEAR_OPS,
    determinant.DET,
    *matrix_functions.FUNCTION_OPS,
    matrix_powers.MATRIX_POWER,
    *decompositions.DECOMPOSITION_OPS,
    *[op for op in pseudoinverse.PSEUDOINVERSE_OPS if op is not pseudoinverse.LSTSQ],
)
_SCANS: Final = (reduction.CUMSUM, reduction.CUMPROD)

RULES: Final[dict[Op, Rule]] = {
    EINSUM: _einsum,
    **dict.fromkeys(_NATIVE, _native),
    **dict.fromkeys([op for op in reduction.REDUCTION_OPS if op not in _SCANS], _axes),
    **dict.fromkeys((*_SCANS, sorting.SORT, sorting.ARGSORT, layout.CONCAT), _axis),
    sorting.SEARCHSORTED: _searchsorted,
    pseudoinverse.LSTSQ: _lstsq,
    determinant.COFACTORS: _along,
    matrix_powers.POWER_ALONG: _along,
    RESHAPE: _reshape,
    ROLL: _roll,
    layout.SLICE: _slice,
    layout.EMBED: _embed,
    layout.GATHER: _gather,
    layout.SCATTER: _scatter,
}
