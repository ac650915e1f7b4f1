"""Lowering of Einsum: layouts as views, sums, and contractions pair by pair as BLAS calls."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import opt_einsum

from symgrad.expr.dims import Dim, Shape, map_dim
from symgrad.expr.leaves import EYE
from symgrad.expr.node import Expr
from symgrad.lower.arithmetic import binary
from symgrad.lower.gram import weights_of_gram
from symgrad.lower.identities import has_identity, split_identities
from symgrad.lower.program import (
    ATOM,
    MUL_CODE,
    PRODUCT,
    SQRT_CODE,
    UNARY,
    Code,
    Program,
    Value,
    code_of,
)

Labels = tuple[int, ...]
ShapeCode = Callable[[Shape], str]

# What an unknown extent is taken for when the order of a contraction is chosen
ASSUMED_EXTENT = 100
SHORT_EXTENT = 16  # up to here np.einsum sums an axis faster than np.sum

MATMUL_CODE = Code("{0} @ {1}", "", PRODUCT, (PRODUCT, UNARY))
TRANSPOSE_CODE = Code("{0}.T", "", ATOM, (ATOM,), view=True)


class Contraction:
    """Lowers one Einsum node of a program."""

    def __init__(self, program: Program, shape_code: ShapeCode) -> None:
        self.p = program
        self.shape_code = shape_code
        self.extents: dict[int, Dim] = {}

    # Helpers

    def call(self, template: str, args: Sequence[Value], shape: Shape, view: bool = False) -> Value:
        return self.p.emit(code_of(template, "", len(args), view), tuple(args), shape)

    def shape_of(self, labels: Labels) -> Shape:
        return tuple(self.extents[label] for label in labels)

    def exact(self, v: Value, shape: Shape) -> Value:
        """The value at its full shape; a view where it was smaller."""
        if self.p.instrs[v].shape == shape:
            return v
        floats = any(x.dtype.kind == "f" for _, x in self.p.parameters)
        weak = isinstance(self.p.number_of(v), float) and floats  # as an array it would be float64
        x = "np.asarray({0}, dtype)" if weak else "{0}"
        return self.call(f"np.broadcast_to({x}, {self.shape_code(shape)})", [v], shape, view=True)

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

    def plain(self, v: Value, labels: Labels) -> tuple[Value, Labels]:
        """A value without repeated labels: diagonals taken."""
        if len(set(labels)) == len(labels):
            return v, labels
        kept = tuple(dict.fromkeys(labels))
        if len(labels) == 2:
            return self.call("np.diagonal({0})", [v], self.shape_of(kept), view=True), kept
        template = f'np.einsum("{_subscripts([labels], kept)}", {{0}})'
        return self.call(template, [v], self.shape_of(kept), view=True), kept

    def without_units(self, v: Value, labels: Labels, out: Labels) -> tuple[Value, Labels]:
        """A value without the axes of extent 1 that a product sums over: the entries at 0."""
        gone = [n for n in labels if n not in out and self.extents[n] == 1]
        if not gone:
            return v, labels
        kept = tuple([n for n in labels if n not in gone])
        index = ", ".join("0" if n in gone else ":" for n in labels)
        return self.call(f"{{0}}[{index}]", [v], self.shape_of(kept), view=True), kept

    def sum_out(self, v: Value, labels: Labels, gone: Sequence[int]) -> tuple[Value, Labels]:
        """The value summed over labels."""
        if not gone:
            return v, labels
        axes = tuple(labels.index(n) for n in gone)
        kept = tuple(n for n in labels if n not in gone)
        axis = "" if not kept else f", axis={axes[0] if len(axes) == 1 else axes}"
        return self.call(f"np.sum({{0}}{axis})", [v], self.shape_of(kept)), kept

    def layout(self, v: Value, labels: Labels, out: Labels) -> Value:
        """Axes permuted and inserted; what is stretched stays of extent 1 until it must not."""
        have = self.p.instrs[v].shape
        if labels == out[len(out) - len(labels) :] or have == ():
            return v
        if len(have) < len(labels):
            have = (1,) * (len(labels) - len(have)) + have
            index = ", ".join(["None"] * (len(have) - len(self.p.instrs[v].shape)) + ["..."])
            v = self.call(f"{{0}}[{index}]", [v], have, view=True)
        drop = [i for i, n in enumerate(labels) if n not in out]
        if drop:
            axis = drop[0] if len(drop) == 1 else tuple(drop)
            have = tuple(d for i, d in enumerate(have) if i not in drop)
            labels = tuple(n for n in labels if n in out)
            v = self.call(f"np.squeeze({{0}}, axis={axis})", [v], have, view=True)
        order = sorted(range(len(labels)), key=lambda i: out.index(labels[i]))
        if order != list(range(len(labels))):
            have = tuple(have[i] for i in order)
            labels = tuple(labels[i] for i in order)
            v = self.transposed(v, order, have)
        return self.new_axes(v, labels, out, have)

    def transposed(self, v: Value, order: Sequence[int], shape: Shape) -> Value:
        if list(order) == list(reversed(range(len(order)))):
            return self.p.emit(TRANSPOSE_CODE, (v,), shape)
        return self.call(f"np.transpose({{0}}, {tuple(order)})", [v], shape, view=True)

    def new_axes(self, v: Value, labels: Labels, out: Labels, have: Shape) -> Value:
        """Axes of extent 1 where `out` has labels of its own; leading ones come by themselves."""
        if not labels:
            return v
        first = out.index(labels[0])
        tail = out[first:]
        if len(tail) == len(labels):
            return v
        index = ", ".join(":" if n in labels else "None" for n in tail)
        shape = tuple(have[labels.index(n)] if n in labels else 1 for n in tail)
        return self.call(f"{{0}}[{index}]", [v], shape, view=True)

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
            entries = binary(self.p, MUL_CODE, entries, values[k])
        full = self.exact(entries, node.args[rest[0]].shape)
        return self.call("np.diag({0})", [full], node.shape)

    def gram(
        self, operands: Sequence[tuple[Value, Labels]], x: int, weights: Sequence[int]
    ) -> Value:
        """``X.T @ diag(d) @ X`` as a matrix times its own transpose."""
        d = operands[weights[0]][0]
        for k in weights[1:]:
            d = binary(self.p, MUL_CODE, d, operands[k][0])
        v, labels = operands[x]
        root = self.p.emit(SQRT_CODE, (d,), self.p.instrs[d].shape)
        b = binary(self.p, MUL_CODE, self.layout(root, labels[:1], labels), v)
        rows, columns = self.shape_of(labels)
        turned = self.transposed(b, (1, 0), (columns, rows))
        return self.p.emit(MATMUL_CODE, (turned, b), (columns, columns))

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
        labels = _subscripts([rest.full], rest.out)
        shape = self.shape_code(node.shape)
        return self.call(f'_on_diagonal({{0}}, {shape}, "{labels}")', [small], node.shape)

    def chain(self, operands: list[tuple[Value, Labels]], out: Labels) -> Value:
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

    def path(self, operands: Sequence[tuple[Value, Labels]], out: Labels) -> list[Any]:
        if len(operands) == 2:
            return [(0, 1)]
        labels = [ls for _, ls in operands]
        shapes = [tuple(self.reckoned(d) for d in self.shape_of(ls)) for ls in labels]
        text = _subscripts(labels, out)
        path, _ = opt_einsum.contract_path(text, *shapes, shapes=True, optimize="auto")
        return list(path)

    def reckoned(self, d: Dim) -> int:
        """The extent that a dim is taken to have."""
        if isinstance(d, int):
            return d
        self.p.ordered = True
        known: int = map_dim(d, lambda name: self.p.sizes.get(name, ASSUMED_EXTENT))
        return max(1, known)

    def pair(self, a: tuple[Value, Labels], b: tuple[Value, Labels], out: Labels) -> Value:
        """A product of two operands, summed over what `out` lacks."""
        a = self.sum_out(*a, [n for n in a[1] if n not in out and n not in b[1]])
        b = self.sum_out(*b, [n for n in b[1] if n not in out and n not in a[1]])
        common = [n for n in a[1] if n in b[1]]
        batch = [n for n in common if n in out]
        summed = [n for n in common if n not in out]
        if not summed:
            left, right = self.layout(*a, out), self.layout(*b, out)
            return binary(self.p, MUL_CODE, left, right)
        if not batch:
            return self.product(a, b, summed, out)
        if len(summed) == 1 and len(a[1]) == len(b[1]) == len(batch) + 2:
            return self.stacked(a, b, batch, summed[0], out)
        if set(a[1]) == set(b[1]) and not self.is_short(a[1][-1]):
            return self.single(binary(self.p, MUL_CODE, a[0], self.layout(*b, a[1])), a[1], out)
        template = f'np.einsum("{_subscripts([a[1], b[1]], out)}", {{0}}, {{1}})'
        return self.call(template, [a[0], b[0]], self.shape_of(out))

    def is_short(self, n: int) -> bool:
        """Whether sums along an axis would be loops over few entries."""
        extent = self.extents[n]
        return isinstance(extent, int) and extent <= SHORT_EXTENT

    def stacked(
        self,
        a: tuple[Value, Labels],
        b: tuple[Value, Labels],
        batch: Sequence[int],
        n: int,
        out: Labels,
    ) -> Value:
        """Stacks of matrices, multiplied by one matmul; the axes come where it wants them as views."""
        free_a, free_b = ([m for m in x[1] if m not in (*batch, n)] for x in (a, b))
        left = self.layout(*a, (*batch, *free_a, n))
        right = self.layout(*b, (*batch, n, *free_b))
        natural = (*batch, *free_a, *free_b)
        result = self.p.emit(MATMUL_CODE, (left, right), self.shape_of(natural))
        return self.layout(result, natural, out)

    def product(
        self, a: tuple[Value, Labels], b: tuple[Value, Labels], summed: list[int], out: Labels
    ) -> Value:
        """A contraction without batch labels: matrix products, dots, tensordot."""
        if set(a[1]) == set(b[1]) == set(summed) and len(summed) > 1:
            right = self.layout(*b, a[1])
            return self.call("np.vdot({0}, {1})", [a[0], right], ())
        free_a = tuple(n for n in a[1] if n not in summed)
        free_b = tuple(n for n in b[1] if n not in summed)
        if free_b + free_a == out and free_a and free_b:
            a, b, free_a, free_b = b, a, free_b, free_a
        natural = free_a + free_b
        if len(summed) == 1 and len(a[1]) <= 2 and len(b[1]) <= 2:
            result = self.matmul(a, b, summed[0], natural)
        else:
            axes_a = [a[1].index(n) for n in summed]
            axes_b = [b[1].index(n) for n in summed]
            template = f"np.tensordot({{0}}, {{1}}, axes=({axes_a}, {axes_b}))"
            result = self.call(template, [a[0], b[0]], self.shape_of(natural))
        return self.layout(result, natural, out)

    def matmul(
        self, a: tuple[Value, Labels], b: tuple[Value, Labels], n: int, out: Labels
    ) -> Value:
        left, right = a[0], b[0]
        if a[1][-1] != n:
            left = self.transposed(left, (1, 0), self.shape_of(a[1][::-1]))
        if b[1][0] != n:
            right = self.transposed(right, (1, 0), self.shape_of(b[1][::-1]))
        return self.p.emit(MATMUL_CODE, (left, right), self.shape_of(out))


def _subscripts(inputs: Sequence[Labels], out: Labels) -> str:
    """Labels as letters, numbered in order of appearance."""
    names: dict[int, str] = {}
    for n in (n for labels in inputs for n in labels):
        names.setdefault(n, opt_einsum.get_symbol(len(names)))
    listed = ",".join("".join(names[n] for n in labels) for labels in inputs)
    return f"{listed}->{''.join(names[n] for n in out)}"
