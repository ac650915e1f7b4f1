"""Lowering of Einsum: layouts as views, sums, and contractions pair by pair as BLAS calls."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import opt_einsum

from symgrad.expr.dims import Dim, Shape, map_dim
from symgrad.expr.kinds import (
    MULTIPLY,
    SQRT,
    WHOLE,
    Broadcast,
    Call,
    Cast,
    Contract,
    Index,
    Kind,
    Labels,
    OnDiagonal,
    Reduce,
    Squeeze,
    TakeDiagonal,
    Transpose,
    contraction,
)
from symgrad.expr.leaves import EYE
from symgrad.expr.node import Expr
from symgrad.expr.tuning import tuning
from symgrad.ops.identities import has_identity, split_identities
from symgrad.program.arithmetic import binary
from symgrad.program.gram import weights_of_gram
from symgrad.program.ir import Program, Value

Operand = tuple[Value, Labels]


class Contraction:
    """Lowers one Einsum node of a program."""

    def __init__(self, program: Program) -> None:
        self.p = program
        self.extents: dict[int, Dim] = {}

    # Helpers

    def view(self, kind: Kind, v: Value, shape: Shape) -> Value:
        return self.p.emit(kind, (v,), shape)

    def contracted(self, a: Operand, b: Operand, out: Labels) -> Value:
        """The product of two operands as one instruction."""
        kind = contraction((a[1], b[1]), out)
        return self.p.emit(kind, (a[0], b[0]), self.shape_of(out))

    def shape_of(self, labels: Labels) -> Shape:
        return tuple(self.extents[label] for label in labels)

    def exact(self, v: Value, shape: Shape) -> Value:
        """The value at its full shape; a view where it was smaller."""
        if self.p.instrs[v].shape == shape:
            return v
        floats = any(x.dtype.kind == "f" for _, x in self.p.parameters)
        weak = isinstance(self.p.number_of(v), float) and floats  # as an array it would be float64
        if weak:
            v = self.p.emit(Cast(None), (v,), ())
        return self.view(Broadcast(shape), v, shape)

    # One operand

    def lower(self, node: Expr, values: Sequence[Value]) -> Value:
        """The value of an Einsum node over the values of its operands."""
        inputs, out, spread = node.params
        self.extents = dict(spread)
        for arg, labels in zip(node.args, inputs, strict=True):
            self.extents.update(zip(labels, arg.shape, strict=True))
        if len(values) == 1:
            return self.single(values[0], inputs[0], out)
        diagonal = self.diagonal(node, values)
        if diagonal is not None:
            return diagonal
        if has_identity(node):
            return self.on_diagonal(node, values)
        operands = [
            self.without_units(*self.plain(self.exact(v, arg.shape), labels), out)
            for v, arg, labels in zip(values, node.args, inputs, strict=True)
        ]
        bound = {label for _, labels in operands for label in labels}
        core = tuple(label for label in out if label in bound)
        found = weights_of_gram(node, [labels for _, labels in operands], core)
        result = self.chain(operands, core) if found is None else self.gram(operands, *found)
        return self.layout(result, core, out)

    def single(self, v: Value, labels: Labels, out: Labels) -> Value:
        """Diagonal, then sum, then transpose and stretch."""
        summed = [n for n in labels if n not in out and self.extents[n] != 1]
        if summed or len(set(labels)) != len(labels):
            v = self.exact(v, self.shape_of(labels))
            v, labels = self.plain(v, labels)
            v, labels = self.sum_out(v, labels, [n for n in labels if n not in out])
        return self.layout(v, labels, out)

    def plain(self, v: Value, labels: Labels) -> Operand:
        """A value without repeated labels: diagonals taken."""
        if len(set(labels)) == len(labels):
            return v, labels
        kept = tuple(dict.fromkeys(labels))
        whole = contraction((labels,), kept)
        diagonal = TakeDiagonal(whole.inputs[0], whole.out)
        return self.view(diagonal, v, self.shape_of(kept)), kept

    def without_units(self, v: Value, labels: Labels, out: Labels) -> Operand:
        """A value without the axes of extent 1 that a product sums over: the entries at 0."""
        gone = [n for n in labels if n not in out and self.extents[n] == 1]
        if not gone:
            return v, labels
        kept = tuple([n for n in labels if n not in gone])
        index = Index(tuple([0 if n in gone else WHOLE for n in labels]))
        return self.view(index, v, self.shape_of(kept)), kept

    def sum_out(self, v: Value, labels: Labels, gone: Sequence[int]) -> Operand:
        """The value summed over labels."""
        if not gone:
            return v, labels
        axes = tuple(labels.index(n) for n in gone)
        kept = tuple(n for n in labels if n not in gone)
        total = Reduce("add", axes if kept else None)
        return self.p.emit(total, (v,), self.shape_of(kept)), kept

    def layout(self, v: Value, labels: Labels, out: Labels) -> Value:
        """Axes permuted and inserted; what is stretched stays of extent 1 until it must not."""
        have = self.p.instrs[v].shape
        if labels == out[len(out) - len(labels) :] or have == ():
            return v
        if len(have) < len(labels):
            have = (1,) * (len(labels) - len(have)) + have
            new = len(have) - len(self.p.instrs[v].shape)
            v = self.view(Index((*[None] * new, ...)), v, have)
        drop = [i for i, n in enumerate(labels) if n not in out]
        if drop:
            have = tuple(d for i, d in enumerate(have) if i not in drop)
            labels = tuple(n for n in labels if n in out)
            v = self.view(Squeeze(tuple(drop)), v, have)
        order = sorted(range(len(labels)), key=lambda i: out.index(labels[i]))
        if order != list(range(len(labels))):
            have = tuple(have[i] for i in order)
            labels = tuple(labels[i] for i in order)
            v = self.transposed(v, order, have)
        return self.new_axes(v, labels, out, have)

    def transposed(self, v: Value, order: Sequence[int], shape: Shape) -> Value:
        return self.view(Transpose(tuple(order)), v, shape)

    def new_axes(self, v: Value, labels: Labels, out: Labels, have: Shape) -> Value:
        """Axes of extent 1 where `out` has labels of its own; leading ones come by themselves."""
        if not labels:
            return v
        first = out.index(labels[0])
        tail = out[first:]
        if len(tail) == len(labels):
            return v
        index = Index(tuple([WHOLE if n in labels else None for n in tail]))
        shape = tuple(have[labels.index(n)] if n in labels else 1 for n in tail)
        return self.view(index, v, shape)

    # Several operands

    def diagonal(self, node: Expr, values: Sequence[Value]) -> Value | None:
        """``u_i v_i delta_ij`` as ``np.diag(u*v)``."""
        inputs, out, _ = node.params
        at = [k for k, arg in enumerate(node.args) if arg.op is EYE]
        if len(at) != 1 or len(out) != 2 or set(inputs[at[0]]) != set(out):
            return None
        rest = [k for k in range(len(values)) if k != at[0]]
        if any(inputs[k] != inputs[rest[0]] or len(inputs[k]) != 1 for k in rest):
            return None
        entries = values[rest[0]]
        for k in rest[1:]:
            entries = binary(self.p, MULTIPLY, entries, values[k])
        full = self.exact(entries, node.args[rest[0]].shape)
        return self.p.emit(Call("np.diag"), (full,), node.shape)

    def gram(self, operands: Sequence[Operand], x: int, weights: Sequence[int]) -> Value:
        """``X.T @ diag(d) @ X`` as a matrix times its own transpose."""
        d = operands[weights[0]][0]
        for k in weights[1:]:
            d = binary(self.p, MULTIPLY, d, operands[k][0])
        v, labels = operands[x]
        root = self.p.emit(SQRT, (d,), self.p.instrs[d].shape)
        b = binary(self.p, MULTIPLY, self.layout(root, labels[:1], labels), v)
        rows, columns = self.shape_of(labels)
        turned = self.transposed(b, (1, 0), (columns, rows))
        left, right = labels[::-1], (labels[0], -1)
        kind = contraction((left, right), (labels[1], -1))
        return self.p.emit(kind, (turned, b), (columns, columns))

    def on_diagonal(self, node: Expr, values: Sequence[Value]) -> Value:
        """A product with identities: the rest of it, written where their axes agree."""
        rest = split_identities(node)
        operands = [
            self.plain(self.exact(values[k], node.args[k].shape), labels)
            for k, labels in zip(rest.places, rest.labels, strict=True)
        ]
        bound = {label for _, labels in operands for label in labels}
        core = tuple(label for label in rest.out if label in bound)
        single = len(operands) == 1
        small = self.single(*operands[0], core) if single else self.chain(operands, core)
        small = self.layout(small, core, rest.out)
        whole = contraction((rest.full,), rest.out)
        kind = OnDiagonal(node.shape, whole.inputs[0], whole.out)
        return self.p.emit(kind, (small,), node.shape)

    def chain(self, operands: list[Operand], out: Labels) -> Value:
        """A product of operands, contracted pair by pair in the order that opt_einsum finds."""
        for pair in self.path(operands, out):
            i, j = sorted(pair)
            b, a = operands.pop(j), operands.pop(i)
            needed = {*out, *[n for _, labels in operands for n in labels]}
            if not operands:
                return self.pair(a, b, out)
            kept = tuple(n for n in dict.fromkeys((*a[1], *b[1])) if n in needed)
            operands.append((self.pair(a, b, kept), kept))
        v, labels = operands[0]
        return self.single(v, labels, out)

    def path(self, operands: Sequence[Operand], out: Labels) -> list[Any]:
        if len(operands) == 2:
            return [(0, 1)]
        labels = [ls for _, ls in operands]
        shapes = [tuple(self.reckoned(d) for d in self.shape_of(ls)) for ls in labels]
        text = subscripts(labels, out)
        path, _ = opt_einsum.contract_path(text, *shapes, shapes=True, optimize="auto")
        return list(path)

    def reckoned(self, d: Dim) -> int:
        """The extent that a dim is taken to have."""
        if isinstance(d, int):
            return d
        self.p.ordered = True
        known: int = map_dim(d, lambda name: self.p.sizes.get(name, tuning().assumed_extent))
        return max(1, known)

    def pair(self, a: Operand, b: Operand, out: Labels) -> Value:
        """A product of two operands, summed over what `out` lacks."""
        a = self.sum_out(*a, [n for n in a[1] if n not in out and n not in b[1]])
        b = self.sum_out(*b, [n for n in b[1] if n not in out and n not in a[1]])
        common = [n for n in a[1] if n in b[1]]
        batch = [n for n in common if n in out]
        summed = [n for n in common if n not in out]
        if not summed:
            left, right = self.layout(*a, out), self.layout(*b, out)
            return binary(self.p, MULTIPLY, left, right)
        if not batch:
            return self.product(a, b, summed, out)
        if len(summed) == 1 and len(a[1]) == len(b[1]) == len(batch) + 2:
            return self.stacked(a, b, batch, summed[0], out)
        if set(a[1]) == set(b[1]) and not self.is_short(a[1][-1]):
            return self.single(binary(self.p, MULTIPLY, a[0], self.layout(*b, a[1])), a[1], out)
        return self.contracted(a, b, out)

    def is_short(self, n: int) -> bool:
        """Whether sums along an axis would be loops over few entries."""
        extent = self.extents[n]
        return isinstance(extent, int) and extent <= tuning().einsum_axis

    def stacked(
        self,
        a: Operand,
        b: Operand,
        batch: Sequence[int],
        n: int,
        out: Labels,
    ) -> Value:
        """Stacks of matrices, multiplied by one matmul; the axes come where it wants them as views."""
        free_a, free_b = ([m for m in x[1] if m not in (*batch, n)] for x in (a, b))
        left = self.layout(*a, (*batch, *free_a, n))
        right = self.layout(*b, (*batch, n, *free_b))
        natural = (*batch, *free_a, *free_b)
        labels = (*batch, *free_a, n), (*batch, n, *free_b)
        result = self.contracted((left, labels[0]), (right, labels[1]), natural)
        return self.layout(result, natural, out)

    def product(self, a: Operand, b: Operand, summed: list[int], out: Labels) -> Value:
        """A contraction without batch labels: matrix products, dots, tensordot."""
        if set(a[1]) == set(b[1]) == set(summed) and len(summed) > 1:
            return self.contracted(a, (self.layout(*b, a[1]), a[1]), ())
        free_a = tuple(n for n in a[1] if n not in summed)
        free_b = tuple(n for n in b[1] if n not in summed)
        if free_b + free_a == out and free_a and free_b:
            a, b, free_a, free_b = b, a, free_b, free_a
        natural = free_a + free_b
        if len(summed) == 1 and len(a[1]) <= 2 and len(b[1]) <= 2:
            result = self.matmul(a, b, summed[0], natural)
        else:
            result = self.contracted(a, b, natural)
        return self.layout(result, natural, out)

    def matmul(self, a: Operand, b: Operand, n: int, out: Labels) -> Value:
        left, right = a, b
        if a[1][-1] != n:
            turned = a[1][::-1]
            left = (self.transposed(a[0], (1, 0), self.shape_of(turned)), turned)
        if b[1][0] != n:
            turned = b[1][::-1]
            right = (self.transposed(b[0], (1, 0), self.shape_of(turned)), turned)
        return self.contracted(left, right, out)


def is_matmul(kind: Contract) -> bool:
    """Whether a product is one of matrices, vectors or stacks of matrices, as `numpy.matmul` takes them."""
    if len(kind.inputs) != 2:
        return False
    a, b = kind.inputs
    summed = [n for n in a if n in b and n not in kind.out]
    batch = tuple([n for n in a if n in b and n in kind.out])
    if len(summed) != 1:
        return False
    free_a = tuple([n for n in a if n not in b])
    free_b = tuple([n for n in b if n not in a])
    fits = a == (*batch, *free_a, *summed) and b == (*batch, *summed, *free_b)
    ranks = len(free_a), len(free_b)
    matrices = ranks == (1, 1) if batch else max(ranks) <= 1
    return fits and matrices and kind.out == (*batch, *free_a, *free_b)


def is_dot(kind: Contract) -> bool:
    """Whether all entries of two arrays of one shape, of two axes or more, are multiplied and summed."""
    return kind.out == () and len(set(kind.inputs)) == 1 < min(
        len(kind.inputs), len(kind.inputs[0])
    )


def is_tensordot(kind: Contract) -> bool:
    """Whether a product that is none of matrices is one, as `numpy.tensordot` takes it."""
    if len(kind.inputs) != 2 or is_matmul(kind) or is_dot(kind):
        return False
    a, b = kind.inputs
    summed = [n for n in a if n in b and n not in kind.out]
    free = (*[n for n in a if n not in b], *[n for n in b if n not in a])
    return bool(summed) and kind.out == free


def subscripts(inputs: Sequence[Labels], out: Labels) -> str:
    """Labels as letters, numbered in order of appearance."""
    names: dict[int, str] = {}
    for n in (n for labels in inputs for n in labels):
        names.setdefault(n, opt_einsum.get_symbol(len(names)))
    listed = ",".join("".join(names[n] for n in labels) for labels in inputs)
    return f"{listed}->{''.join(names[n] for n in out)}"
