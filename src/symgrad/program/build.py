"""From an expression graph to a program: one instruction or a few per node, operands first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from symgrad.errors import ArgumentError
from symgrad.expr.dims import Shape, broadcast_shapes, dim_names
from symgrad.expr.identifiers import Names
from symgrad.expr.kinds import Cast, Item, Kind, Typed
from symgrad.expr.leaves import CONST, NAMED_NUMBER, NAMED_VALUES, SYMBOL
from symgrad.expr.node import Expr
from symgrad.expr.templates import call_kind, entrywise_kind, value_at
from symgrad.expr.traverse import as_roots, toposort
from symgrad.ops.arithmetic import ADD, MUL, POW
from symgrad.ops.einsum import EINSUM
from symgrad.ops.named import NAMED
from symgrad.ops.stop import STOP_GRADIENT
from symgrad.program.arithmetic import as_literal, lower_pow_node, lower_product, lower_sum
from symgrad.program.contraction import Contraction
from symgrad.program.factorisations import shared_factors
from symgrad.program.ir import Program, Value
from symgrad.program.softmax import Exponentials, softmaxes

_PYTHON_TYPES = (np.float64, np.int64, np.bool_)


def is_batched(parameters: Sequence[Expr], order: Sequence[Expr]) -> bool:
    """Whether a function of scalars acts entry by entry, so that its arguments may be arrays."""
    return all(x.shape == () for x in parameters) and all(
        node.shape == () and (node.op.elementwise or not node.args) for node in order
    )


def lower(
    parameters: Sequence[Expr],
    outputs: Sequence[Expr],
    spans: Sequence[Shape] | None = None,
    sizes: Mapping[str, int] | None = None,
    taken: Iterable[str] = (),
) -> Program:
    """The program that computes `outputs` from `parameters`, which hold all symbols.

    Where all parameters are scalars that stand for arrays, `spans` may tell the shape of each: what
    depends on smaller shapes only is then computed at those. `sizes` tells extents, by dim name, with
    which the order of contractions is chosen. Identifiers are other than those `taken`.

    Raises
    ------
    ArgumentError
        If an output needs an extent that no parameter has.
    """
    return _Lowering(parameters, outputs, sizes or {}, taken).run(spans)


class _Lowering:
    def __init__(
        self,
        parameters: Sequence[Expr],
        outputs: Sequence[Expr],
        sizes: Mapping[str, int],
        taken: Iterable[str],
    ) -> None:
        self.outputs = as_roots(outputs)
        self.order = toposort(self.outputs)
        self.names = Names(taken)
        identifiers = self.names.of_all([str(x.name) for x in parameters])
        named = list(zip(identifiers, parameters, strict=True))
        self.p = Program(named, is_batched(parameters, self.order), sizes)
        self.value: dict[Expr, Value] = {}
        self.parts = Counter((y.op.numpy, y.args) for y in self.order if y.op.part is not None)
        # numbers of Python take the type of what they meet, which is theirs unless that is narrower
        self.narrow = any(x.dtype not in _PYTHON_TYPES for x in parameters)
        self.softmaxes = softmaxes(self.order)
        self.factored = shared_factors(self.order)
        self.totals = set(self.softmaxes.values())
        self.exponentials: dict[Expr, Exponentials] = {}
        self._declare_extents()

    def _declare_extents(self) -> None:
        for name, x in self.p.parameters:
            for axis, dim in enumerate(x.shape):
                if isinstance(dim, str):
                    self.p.extents.setdefault(dim, (name, axis))

    def run(self, spans: Sequence[Shape] | None) -> Program:
        shapes = spans or [x.shape for _, x in self.p.parameters]
        for (name, x), shape in zip(self.p.parameters, shapes, strict=True):
            self.value[x] = self.p.argument(name, shape)
        for node in self.order:
            if node not in self.value:
                self.value[node] = self._lower(node)
        self.p.outputs = [self.value[y] for y in self.outputs]
        self.p.output_nodes = self.outputs
        for instr in self.p.instrs:
            self.name_extents(instr.kind.names())
        for y in self.outputs:
            self._name_extents_of(y)
        return self.p

    # Extents

    def name_extents(self, names: Iterable[str]) -> None:
        """Give identifiers to extents that code mentions."""
        for name in names:
            if name not in self.p.extents:
                raise ArgumentError(
                    f"the extent {name!r} is needed, but no argument has an axis of just that extent;"
                    " add one, or substitute a number"
                )
            if name not in self.p.dim_names:
                self.p.dim_names[name] = self.names.fresh(name)

    def _name_extents_of(self, y: Expr) -> None:
        """Make sure that the extents of an output can be written."""
        if not self.p.batched:
            for d in y.shape:
                self.name_extents(dim_names(d))

    # Nodes

    def _lower(self, node: Expr) -> Value:
        op = node.op
        if op is CONST:
            return self._constant(node)
        if op is NAMED_NUMBER:
            return self.p.literal(NAMED_VALUES[node.params.name])
        if op is NAMED or op is STOP_GRADIENT:
            return self.value[node.args[0]]
        if op is ADD:
            return lower_sum(self.p, node, self.value.__getitem__)
        if op is MUL:
            return lower_product(self.p, node, self.value.__getitem__)
        if op is POW:
            return lower_pow_node(self.p, node, self.value.__getitem__)
        if op is EINSUM:
            values = [self.value[arg] for arg in node.args]
            return Contraction(self.p).lower(node, values)
        if node in self.softmaxes:
            return self._exponentials(self.softmaxes[node]).softmax()
        if node in self.totals:
            return self._exponentials(node).logsumexp()
        if op.elementwise:
            return self._elementwise(node)
        return self._tensor(node)

    def _exponentials(self, y: Expr) -> Exponentials:
        """What the softmaxes of a logsumexp share with it."""
        if y not in self.exponentials:
            x = y.args[0]
            exact = Contraction(self.p).exact(self.value[x], x.shape)
            self.exponentials[y] = Exponentials(self.p, y, exact)
        return self.exponentials[y]

    def _constant(self, node: Expr) -> Value:
        value, tag, _, ty = node.params
        if tag == "array":
            return self.p.array(self.names.fresh("c"), value.array)
        if ty.weak or ty.dtype == np.bool_ or (ty.dtype in _PYTHON_TYPES and not self.narrow):
            return self.p.literal(as_literal(value if ty.weak else ty.dtype.type(value).item()))
        return self.p.emit(Typed(ty.dtype.type(value).item(), ty.dtype.name), (), ())

    def _elementwise(self, node: Expr) -> Value:
        args = tuple([self.value[arg] for arg in node.args])
        kind = _kind_of(node)
        if kind is None:
            return args[0]
        numbers = [self.p.number_of(a) for a in args]
        known = None if any(x is None for x in numbers) else value_at(kind, numbers)
        if known is not None:
            return self.p.literal(known)
        shape = broadcast_shapes(*[self.p.instrs[a].shape for a in args])
        result = self.p.emit(kind, args, shape)
        if self.narrow and node.ty.weak:
            # NumPy makes float64 of numbers, which are to take the type of what they meet
            return self.p.emit(Cast(self._widest().name), (result,), shape)
        return result

    def _widest(self) -> np.dtype[Any]:
        """The widest type of the floating parameters."""
        floats = [x.dtype for _, x in self.p.parameters if x.dtype.kind == "f"]
        return np.result_type(*floats) if floats else np.dtype(np.float64)

    def _tensor(self, node: Expr) -> Value:
        """An op that needs its operands at their full shapes."""
        if node.op is SYMBOL:
            raise ArgumentError(f"symbol {node.name!r} is not among the arguments")
        exact: Callable[..., Value] = Contraction(self.p).exact
        args = tuple([exact(self.value[arg], arg.shape) for arg in node.args])
        if node in self.factored:
            use = self.factored[node]
            matrix = exact(self.value[use.matrix], use.matrix.shape)
            factor = self.p.emit(use.factor, (matrix,), use.matrix.shape)
            return self.p.emit(use.method, (factor, *args[1:]), node.shape)
        op = node.op
        if op.alone is not None and self.parts[op.numpy, node.args] == 1:
            return self.p.emit(call_kind(op.alone, len(args)), args, node.shape)
        kind = _kind_of(node)
        assert kind is not None
        result = self.p.emit(kind, args, node.shape)
        return result if op.part is None else self.p.emit(Item(op.part), (result,), node.shape)


def _kind_of(node: Expr) -> Kind | None:
    """What computes a node from its operands, by the record of its op; None where nothing need be."""
    op = node.op
    if op.numpy is None:
        raise ArgumentError(f"{op.name} has no NumPy code")
    given = op.numpy(node) if callable(op.numpy) else op.numpy
    if isinstance(given, Kind):
        return given
    if not op.elementwise:
        return call_kind(given, len(node.args))
    scalar = op.scalar(node) if callable(op.scalar) else op.scalar
    return entrywise_kind(given, scalar or "", len(node.args))
