"""A loop as one node: a step carried out for each element of arrays, over a carry.

The node is the vector of all results, one after the other in C order: the carry behind the last step, then
the stacked outputs of the steps. So it has one cotangent, and its adjoint is one loop backwards:

    carry[t+1], out[t] = step(carry[t], x[t], p)
    a[t] = (dcarry[t+1]/dcarry[t])^T a[t+1] + (dout[t]/dcarry[t])^T g[t],

over the stored carries. The adjoint is a node of the same op, so derivatives of any order follow. What
a step is differentiated, batched and compiled by comes with it: this layer does not know how.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple

from symgrad.expr.dims import Dim, Shape, add_dims, dim_names, map_dim, mul_dims
from symgrad.expr.leaves import extent, is_value, number, symbol
from symgrad.expr.node import Expr, make
from symgrad.expr.op import Op, Params, Rename
from symgrad.expr.rewriting import replace as exchanged
from symgrad.expr.traverse import free_symbols, toposort
from symgrad.expr.types import Ty, promote
from symgrad.ops.cast import cast
from symgrad.ops.einsum import broadcast, transpose_axes
from symgrad.ops.layout import concat, full_entry, part, slice_of
from symgrad.ops.reshaping import reshape_to


class Rules(NamedTuple):
    """What is known of a step by the layers above: how it is differentiated, batched and compiled.

    Attributes
    ----------
    adjoint : callable
        ``adjoint(loop, wanted, live)``: the step backwards, and which arrays it needs; see `cotangents`.
    tangent : callable
        ``tangent(loop, moving, extra)``: the step with tangents; see `tangent`.
    batched : callable
        ``batched(loop, carries, dim)``: the step of a batch of problems.
    source : callable
        ``source(loop)``: name of the function that runs the loop, and functions by name.
    """

    adjoint: Callable[..., tuple[ScanLoop, tuple[bool, ...]]]
    tangent: Callable[..., ScanLoop]
    batched: Callable[..., ScanLoop]
    source: Callable[..., tuple[str, dict[str, str]]]


@dataclass(frozen=True, eq=False, repr=False)
class ScanLoop:
    """A step with its bound symbols, and how often it is carried out.

    Attributes
    ----------
    carries, elements, parameters : tuple of Expr
        The symbols of the carry, of one element of each array, and all others.
    following : tuple of Expr
        The carry behind a step, of the shapes and types of the carry.
    outputs : tuple of Expr
        What a step gives besides.
    length : Dim
    reverse : bool
        Whether elements are taken from the last to the first; outputs stand where their elements do.
    sizes : tuple of Dim
        The extents with names in shapes, for which a node has an operand each.
    rules : Rules
    """

    carries: tuple[Expr, ...]
    elements: tuple[Expr, ...]
    parameters: tuple[Expr, ...]
    following: tuple[Expr, ...]
    outputs: tuple[Expr, ...]
    length: Dim
    reverse: bool
    sizes: tuple[Dim, ...]
    rules: Rules

    def _key(self) -> tuple[Any, ...]:
        parts = (self.carries, self.elements, self.parameters, self.following, self.outputs)
        identities = tuple([tuple(map(id, part)) for part in parts])
        return (*identities, self.length, self.reverse, self.sizes)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ScanLoop) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    @property
    def shapes(self) -> list[Shape]:
        """The shapes of the results: the last carry, then the stacked outputs."""
        stacked = [(self.length, *y.shape) for y in self.outputs]
        return [*[c.shape for c in self.carries], *stacked]

    @property
    def types(self) -> list[Ty]:
        """Their element types."""
        return [y.ty for y in (*self.carries, *self.outputs)]

    def stored(self) -> ScanLoop:
        """The loop that gives the carry before each step, too, behind the other outputs."""
        return replace(self, outputs=(*self.outputs, *self.carries))

    def renamed(self, rename: Rename) -> ScanLoop:
        """The loop with other extents."""
        groups = [self.carries, self.elements, self.parameters, self.following, self.outputs]
        before = [x for group in groups for x in group]
        names = {n for x in before for node in toposort([x]) for n in _names(node.shape)}
        after = iter(exchanged(before, {}, {name: rename(name) for name in names}))
        parts = [tuple([next(after) for _ in group]) for group in groups]
        sizes = tuple([map_dim(d, rename) for d in self.sizes])
        length = map_dim(self.length, rename)
        found = replace(
            self,
            carries=parts[0],
            elements=parts[1],
            parameters=parts[2],
            following=parts[3],
            outputs=parts[4],
            length=length,
            sizes=sizes,
        )
        return self if found == self else found


def _names(shape: Shape) -> Iterator[str]:
    return (name for d in shape for name in dim_names(d))


def sizes_of(exprs: Sequence[Expr]) -> tuple[Dim, ...]:
    """The extents in shapes that are no ints."""
    return tuple(dict.fromkeys(d for x in exprs for d in x.shape if not isinstance(d, int)))


def scan_node(
    loop: ScanLoop, inits: Sequence[Expr], arrays: Sequence[Expr], parameters: Sequence[Expr]
) -> Expr:
    """The vector of all results of a loop."""
    sizes = [extent(d) for d in (loop.length, *loop.sizes)]
    return SCAN.build((*sizes, *inits, *arrays, *parameters), ScanParams(loop))


def unpacked(y: Expr, loop: ScanLoop) -> list[Expr]:
    """The results of a loop from their vector, which may have further axes behind the first."""
    found, begin = [], 0
    for shape, ty in zip(loop.shapes, loop.types, strict=True):
        end: Any = add_dims(begin, mul_dims(*shape))
        if shape == () and isinstance(begin, int):
            entries = slice_of(y, (begin, *map(full_entry, y.shape[1:])))
        else:
            entries = reshape_to(part(y, 0, begin, end), (*shape, *y.shape[1:]))
        found.append(cast(entries, ty) if entries.ty is not ty else entries)
        begin = end
    return found


def packed(parts: Sequence[Expr], loop: ScanLoop, extra: Shape) -> Expr:
    """The inverse of `unpacked`."""
    rows = [
        reshape_to(e, (mul_dims(*shape), *extra))
        for e, shape in zip(parts, loop.shapes, strict=True)
    ]
    return rows[0] if len(rows) == 1 else concat(rows, 0)


class Operands(NamedTuple):
    """The operands of a node by what they are for."""

    inits: Sequence[Any]
    arrays: Sequence[Any]
    parameters: Sequence[Any]


def operands_of(loop: ScanLoop, args: Sequence[Any]) -> Operands:
    """Operands, or what belongs to each of them, by what they are for."""
    first = 1 + len(loop.sizes)
    second = first + len(loop.carries)
    third = second + len(loop.elements)
    return Operands(args[first:second], args[second:third], args[third:])


def _build(args: tuple[Expr, ...], params: Params) -> Expr:
    return make(SCAN, args, params, *_infer(args, params))


def _infer(args: tuple[Expr, ...], params: Params) -> tuple[Shape, Ty]:
    loop = params[0]
    return (add_dims(*[mul_dims(*shape) for shape in loop.shapes]),), promote(*loop.types)


# Derivatives


def _is_float(x: Expr) -> bool:
    return x.dtype.kind == "f"


def cotangents(g: Expr, y: Expr, needed: Sequence[bool]) -> list[Expr | None]:
    """One loop backwards, over stored carries; its carry are adjoints, then sums for the parameters.

    ``adjoint(loop, wanted, live)`` runs over the elements of the loop, the stored carries and the
    cotangents of outputs that are `live`, as far as it needs them; its outputs are the cotangents of
    `wanted` elements.
    """
    loop = y.params.loop
    inits, arrays, parameters = operands_of(loop, y.args)
    _, wanted_arrays, wanted_parameters = operands_of(loop, needed)
    elements = tuple(
        [n and _is_float(x) for n, x in zip(wanted_arrays, loop.elements, strict=True)]
    )
    sums = tuple(
        [n and _is_float(p) for n, p in zip(wanted_parameters, loop.parameters, strict=True)]
    )
    given = unpacked(g, loop)
    last, out = given[: len(loop.carries)], given[len(loop.carries) :]
    live = tuple([not is_value(part, 0) for part in out])
    adjoint, used = loop.rules.adjoint(loop, (elements, sums), live)
    stored = used[len(arrays) : len(arrays) + len(inits)]
    states = _states(loop, inits, arrays, parameters) if any(stored) else [None] * len(inits)
    over = [*arrays, *states, *[part for part, on in zip(out, live, strict=True) if on]]
    starts = [
        *last,
        *[number(0.0, p.shape, p.ty) for p, s in zip(loop.parameters, sums, strict=True) if s],
    ]
    needed_arrays = [x for x, on in zip(over, used, strict=True) if on and x is not None]
    node = scan_node(adjoint, starts, needed_arrays, parameters)
    found = iter(unpacked(node, adjoint))
    by_inits = [next(found) for _ in inits]
    by_parameters = [next(found) if on else None for on in sums]
    by_arrays = [next(found) if on else None for on in elements]
    return [*[None] * (1 + len(loop.sizes)), *by_inits, *by_arrays, *by_parameters]


def _states(
    loop: ScanLoop, inits: Sequence[Expr], arrays: Sequence[Expr], parameters: Sequence[Expr]
) -> list[Expr]:
    """The carries before each step."""
    storing = loop.stored()
    return unpacked(scan_node(storing, inits, arrays, parameters), storing)[-len(inits) :]


def tangent(y: Expr, tangents: Sequence[Expr | None]) -> Expr | None:
    """The loop with tangents beside the carry; further axes of the tangents are directions."""
    loop = y.params.loop
    inits, arrays, parameters = operands_of(loop, y.args)
    own = Operands(*operands_of(loop, tangents))
    shaped = zip((*inits, *arrays, *parameters), itertools.chain(*own), strict=True)
    extra = next(t.shape[x.ndim :] for x, t in shaped if t is not None)
    moving = (
        tuple([t is not None for t in own.arrays]),
        tuple([t is not None for t in own.parameters]),
    )
    doubled = loop.rules.tangent(loop, moving, extra)
    starts = [
        number(0.0, (*x.shape, *extra), x.ty) if t is None else t
        for x, t in zip(loop.carries, own.inits, strict=True)
    ]
    node = scan_node(
        doubled,
        [*inits, *starts],
        [*arrays, *[t for t in own.arrays if t is not None]],
        [*parameters, *[t for t in own.parameters if t is not None]],
    )
    return packed(unpacked(node, doubled)[len(loop.carries) :], loop, extra)


# Batches


def _batch(node: Expr, args: Sequence[Expr], carries: Sequence[bool], dim: Dim) -> Expr:
    """A batch of problems in one loop: every carry has the axis of problems in front."""
    loop = node.params.loop
    inits, arrays, parameters = operands_of(loop, args)
    given = operands_of(loop, carries)
    many = loop.rules.batched(loop, (tuple(given.arrays), tuple(given.parameters)), dim)
    starts = [
        c if on else broadcast(insert_front(c), (dim, *c.shape))
        for c, on in zip(inits, given.inits, strict=True)
    ]
    swapped = [_swapped(x) if on else x for x, on in zip(arrays, given.arrays, strict=True)]
    results = unpacked(scan_node(many, starts, swapped, parameters), many)
    count = len(loop.carries)
    rows = [*results[:count], *[_swapped(y) for y in results[count:]]]
    flat = [
        reshape_to(row, (dim, mul_dims(*shape)))
        for row, shape in zip(rows, loop.shapes, strict=True)
    ]
    return flat[0] if len(flat) == 1 else concat(flat, 1)


def insert_front(x: Expr) -> Expr:
    """A new first axis of extent 1."""
    return reshape_to(x, (1, *x.shape))


def _swapped(x: Expr) -> Expr:
    """The first two axes exchanged."""
    return transpose_axes(x, (1, 0, *range(2, x.ndim)))


# Code and notation


def _call(node: Expr) -> str:
    loop = node.params.loop
    operands = ", ".join([f"{{{i}}}" for i in range(len(node.args))])
    return f"{loop.rules.source(loop)[0]}({operands})"


def _definitions(node: Expr) -> dict[str, str]:
    loop: ScanLoop = node.params.loop
    return loop.rules.source(loop)[1]


def _map_dims(params: Params, rename: Rename) -> Params:
    loop = params[0].renamed(rename)
    return params if loop is params[0] else ScanParams(loop)


def written(loop: ScanLoop, show: Callable[[Expr], str]) -> tuple[list[str], list[str]]:
    """Names of the bound symbols, and the formulas of a step.

    A bound symbol has no name that anything else in the step has: beside another ``x`` it is ``x1``.
    """
    bound = (*loop.carries, *loop.elements)
    formulas = [*loop.following, *loop.outputs]
    taken = {x.name for x in free_symbols(*formulas) if x not in set(bound)}
    names: list[str] = []
    renamed: dict[Expr, Expr] = {}
    for x in bound:
        wishes = (f"{x.name}{k or ''}" for k in itertools.count())
        name = next(wish for wish in wishes if wish not in taken)
        taken.add(name)
        names.append(name)
        if name != x.name:
            renamed[x] = symbol(name, x.shape, x.dtype, unique=x)
    return names, [show(e) for e in (exchanged(formulas, renamed, {}) if renamed else formulas)]


def arguments_shown(node: Expr) -> tuple[list[int], list[tuple[int, str]]]:
    """The operands that are shown: those the loop runs over, and parameters that were replaced."""
    loop = node.params.loop
    first = 1 + len(loop.sizes)
    shown = first + len(loop.carries) + len(loop.elements)
    pairs = zip(range(shown, len(node.args)), loop.parameters, strict=True)
    return [*range(first, shown)], [(i, str(p.name)) for i, p in pairs if node.args[i] is not p]


def _text(node: Expr) -> str:
    loop = node.params.loop
    names, formulas = written(loop, str)
    shown, replaced = arguments_shown(node)
    step = f"({', '.join(names)}) -> ({', '.join(formulas)})"
    operands = [f"{{{i}}}" for i in shown] + [f"{name}={{{i}}}" for i, name in replaced]
    last = [f"length={loop.length}"] if not loop.elements else []
    last += ["reverse=True"] if loop.reverse else []
    return f"scan({', '.join([_escaped(step), *operands, *last])})"


def _escaped(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")


class ScanParams(NamedTuple):
    """The loop that is carried out."""

    loop: ScanLoop


SCAN: Final = Op(
    name="scan",
    fields=ScanParams,
    build=_build,
    infer=_infer,
    vjp=cotangents,
    jvp=tangent,
    numpy=_call,
    definitions=_definitions,
    batch=_batch,
    text=_text,
    map_dims=_map_dims,
    cost=100,
    notes="A step is differentiated by its carry, its elements and what else it mentions.",
)
