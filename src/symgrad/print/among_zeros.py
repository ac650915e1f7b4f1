r"""What stands among zeros, in a notation that people use: ``e_{0} v^{\top}``, ``\sum_{k} x_{k} e_{2 k}``.

An entry or a row at a known place is a multiple of a unit vector, or its outer product with one; a part of
an array stands among blocks of zeros; what is placed with a stride, or by an array of indices, is a sum
over unit vectors.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from symgrad.expr.dims import Dim, Shape, add_dims, mul_dims
from symgrad.expr.leaves import CONST, eye, is_number, is_value, number, value_of
from symgrad.expr.node import Expr, make
from symgrad.expr.op import Op
from symgrad.expr.types import Ty
from symgrad.ops.arithmetic import ADD, MUL, add_all, mul_all, split_coefficient
from symgrad.ops.einsum import EINSUM, broadcast, is_stretched_scalar
from symgrad.ops.gathering import GATHER, SCATTER
from symgrad.ops.layout import EMBED, SLICE, concat, full_entry, slice_of, span, span_text
from symgrad.ops.matrices import scalar_and_rest
from symgrad.print.letters import fresh_letter
from symgrad.print.printed import printed
from symgrad.rewrite.entries import part_of

MAX_UNITS: Final = 4  # unit vectors of a sum that is written out

# Ops that exist in print only


def index_latex(node: Expr) -> str:
    """The template of a part of an array: every axis has its index, counted from the front."""
    entries = [
        str(add_dims(d, e) if e.__class__ is int and e < 0 else e)
        if e.__class__ is int
        else span_text(span(e, d))
        for e, d in zip(node.params[0], node.args[0].shape, strict=True)
    ]
    return f"{{{{{{0}}}}}}_{{{{{', '.join(entries)}}}}}"


def _place_in_latex(node: Expr) -> Dim:
    (extent,), k, _ = node.params
    return add_dims(extent, k) if k < 0 else k


Extent = Callable[[Dim], str]  # what is written at a unit vector for its extent


def _nothing(extent: Dim) -> str:
    return ""


UNIT: Final = printed(
    "unit",
    infer=lambda args, params: (params[0], params[2]),
    text=lambda node: f"eye({node.params[0][0]})[{node.params[1]}]",
    latex=lambda node: units_latex(node, _nothing),
)


# The place is the operand
UNIT_AT: Final = printed(
    "unit_at",
    infer=lambda args, params: params,
    text=lambda node: f"eye({node.params[0][0]})[{{0}}]",
    latex=lambda node: units_latex(node, _nothing),
)


def unit_vector(extent: Dim, k: int, ty: Ty) -> Expr:
    """Row k of an identity; a negative k counts from the end."""
    return make(UNIT, (), ((extent,), k, ty), (extent,), ty)


# Sums over unit vectors


def _placed_text(node: Expr) -> str:
    """``sum(x[k]*eye(n)[2*k] for k in range(m))``; rows and columns are outer products."""
    shape, _, axis, places, count, own = node.params
    k = fresh_letter(node)
    listed = _placed_at(places, f"[{k}]", f"{{}}*{k}", k)
    units = [f"eye({shape[axis + i]})[{place}]" for i, place in enumerate(listed)]
    at = ", ".join(listed) if own else k
    if len(units) == 2:
        term = f"{{0}}[{at}]*outer({units[0]}, {units[1]})"
    elif len(shape) == 1:
        term = f"{{0}}[{at}]*{units[0]}"
    else:
        term = (
            f"outer({units[0]}, {{0}}[{at}])" if axis == 0 else f"outer({{0}}[:, {at}], {units[0]})"
        )
    return f"sum({term} for {k} in range({count}))"


def units_latex(node: Expr, extent: Extent) -> str:
    """The template of a unit vector, or of a sum over them."""
    if node.op is PLACED:
        return _placed_latex(node, extent)
    place = "{0}" if node.args else _place_in_latex(node)
    return f"e_{{{{{place}}}}}{extent(node.shape[0])}"


def _placed_latex(node: Expr, extent: Extent) -> str:
    shape, _, axis, places, _, own = node.params
    k = fresh_letter(node)
    listed = _placed_at(places, f"_{{{{{k}}}}}", f"{{}} {k}", k)
    units = [
        f"e_{{{{{place}}}}}{extent(d)}" for place, d in zip(listed, shape[axis:], strict=False)
    ]
    at = ", ".join(listed) if own else k
    x = "{0}" if own or not node.args[0].args else r"\left({0}\right)"
    if len(units) == 2:
        term = rf"{x}_{{{{{at}}}}} {units[0]} {_turned(units[1])}"
    elif len(shape) == 1:
        term = f"{x}_{{{{{at}}}}} {units[0]}"
    elif axis == 0:
        term = rf"{units[0]} {x}_{{{{{at}, :}}}}^{{{{\top}}}}"
    else:
        term = rf"{x}_{{{{:, {at}}}}} {_turned(units[0])}"
    return rf"\sum_{{{{{k}}}}} {term}"


def _turned(unit: str) -> str:
    return f"{{{{{unit}}}}}^{{{{\\top}}}}" if "^" in unit else f"{unit}^{{{{\\top}}}}"


def _placed_at(places: Sequence[Any], entry: str, times: str, k: str) -> list[str]:
    """Places as templates: ``2*k + 1`` of a start and a step, entry k of an operand."""
    return [
        f"{{{p}}}{entry}" if p.__class__ is int else _progression(p[0], p[1], times, k)
        for p in places
    ]


def _progression(start: Dim, step: int, times: str, k: str) -> str:
    moved = k if abs(step) == 1 else times.format(abs(step))
    if step < 0:
        return f"{start} - {moved}"
    return moved if start == 0 else f"{moved} + {start}"


# Operands are x, and arrays of indices. Params: shape, type, axis, the places (an operand, or a start and
# a step), how many they are, and whether x is taken at those places itself
PLACED: Final = printed(
    "placed",
    infer=lambda args, params: (params[0], params[1]),
    text=_placed_text,
    latex=lambda node: units_latex(node, _nothing),
)


def unsaid_axes(node: Expr) -> Sequence[int]:
    """The axes along which unit vectors stand, of which nobody sees how long they are.

    A name such as n goes without saying.
    """
    axes: Sequence[int] = (0,) if node.op in (UNIT, UNIT_AT) else ()
    if node.op is PLACED:
        axes = range(node.params[2], node.params[2] + len(node.params[3]))
    return [axis for axis in axes if isinstance(node.shape[axis], int)]


def _with_stride(x: Expr) -> Expr:
    """What `embed` puts along one axis with a stride, all else in its place."""
    (inside,), (shape, index) = x.args, x.params
    axes = [
        axis for axis, e in enumerate(index) if e.__class__ is int or e != full_entry(shape[axis])
    ]
    if len(axes) != 1 or index[axes[0]].__class__ is int:
        return x
    start, _, step, count = index[axes[0]]
    c, held = _scaled(inside)
    own = held.op is SLICE and held.params == (index,) and not held.args[0].args
    params = (shape, x.ty, axes[0], ((start, step),), count, own)
    return _times(c, PLACED.build((held.args[0] if own else held,), params))


def _scaled(x: Expr) -> tuple[Any, Expr]:
    """A number and what it multiplies."""
    c, rest = split_coefficient(x)
    return (1, x) if rest is None or c.__class__ is bool else (c, rest)


def _times(c: Any, x: Expr) -> Expr:
    return x if c == 1 else make(MUL, (number(c, x.shape), x), (), x.shape, x.ty)


def scattered(x: Expr) -> Expr:
    """What is added at places given by indices: entries, rows, or entries of a matrix."""
    inside, *indices = x.args
    rank = indices[0].ndim
    if rank > 1 or x.ndim > 2 or inside.ndim != rank + x.ndim - len(indices):
        return x
    if rank == 0:
        units = [UNIT_AT.build((i,), ((x.shape[axis],), x.ty)) for axis, i in enumerate(indices)]
        return _times_units(inside, units, x)
    if len(indices) == 1 and indices[0].op is CONST and 0 < indices[0].shape[0] <= MAX_UNITS:
        return _few_units(inside, _entries(indices[0]), x)
    c, held = _scaled(inside)
    own = held.op is GATHER and not held.args[0].args and _same(held.args[1:], indices)
    params = (x.shape, x.ty, 0, tuple(range(1, len(x.args))), inside.shape[0], own)
    return _times(c, PLACED.build((held.args[0] if own else held, *indices), params))


def _entries(index: Expr) -> list[Any]:
    """The entries of a constant vector, also of one that has one entry many times."""
    value, tag, (length,), _ = index.params
    return value.array.tolist() if tag == "array" else [value] * length


def _same(a: Sequence[Expr], b: Sequence[Expr]) -> bool:
    return len(a) == len(b) and all(x is y for x, y in zip(a, b, strict=True))


def _few_units(inside: Expr, places: Sequence[int], x: Expr) -> Expr:
    """A sum of multiples of unit vectors, written out."""
    terms = []
    for k, place in enumerate(places):
        index = (k, *[full_entry(d) for d in inside.shape[1:]])
        found = part_of(inside, index)
        unit = unit_vector(x.shape[0], place, x.ty)
        terms.append(_times_units(slice_of(inside, index) if found is None else found, [unit], x))
    return add_all(terms)


def _times_units(inside: Expr, units: Sequence[Expr], x: Expr) -> Expr:
    """A scalar times one or two unit vectors, or a unit vector and a row."""
    whole = units[0]
    if x.ndim == 2:
        right = units[1] if len(units) == 2 else inside
        whole = make(EINSUM, (whole, right), (((0,), (1,)), (0, 1), ()), x.shape, x.ty)
    if is_value(inside, 1) or inside.ndim:
        return whole
    return make(MUL, (broadcast(inside, x.shape), whole), (), x.shape, x.ty)


# Entries, rows and parts at known places


def among_zeros(x: Expr) -> Expr:
    """An entry, a row or a part of a vector or matrix among zeros: unit vectors, and blocks of zeros."""
    (part,), (shape, index) = x.args, x.params
    if x.ndim > 2:
        return _outer_of_units(x)
    if not x.ndim:
        return x
    if any(e.__class__ is not int and e[2] != 1 for e in index):
        return _with_stride(x)
    axes = [axis for axis, e in enumerate(index) if e.__class__ is not int]
    if len(axes) == 2:
        return _among_blocks(part, shape, index)
    for at, axis in enumerate(axes):
        part = _between_zeros(part, at, shape[axis], index[axis])
    units = [axis for axis in range(x.ndim) if axis not in axes]
    if not units:
        return part
    vectors = {axis: unit_vector(shape[axis], index[axis], x.ty) for axis in units}
    if part.ndim:
        vectors[axes[0]] = part
    whole = vectors[0]
    if x.ndim == 2 and (terms := _multiples_of_units(part)) is not None:
        other = [
            _times_units(
                scalar, [unit, vectors[units[0]]] if axes[0] == 0 else [vectors[units[0]], unit], x
            )
            for scalar, unit in terms
        ]
        return add_all(other)
    if x.ndim == 2:
        c, rest = split_coefficient(part) if part.ndim else (1, part)
        if rest is not None and c != 1:
            vectors[axes[0]] = rest
        whole = make(EINSUM, (vectors[0], vectors[1]), (((0,), (1,)), (0, 1), ()), shape, x.ty)
        if rest is not None and c != 1:
            return make(MUL, (number(c, shape), whole), (), shape, x.ty)
    if part.ndim or is_value(part, 1):
        return whole
    return make(MUL, (broadcast(part, shape), whole), (), shape, x.ty)


def _outer_of_units(x: Expr) -> Expr:
    """The outer product of unit vectors, and of what stands along the other axes, term by term."""
    (part,), (shape, index) = x.args, x.params
    axes = [axis for axis, e in enumerate(index) if e.__class__ is not int]
    if any(index[axis] != full_entry(shape[axis]) for axis in axes):
        return x
    units = [
        (slice_of(eye(d, x.dtype), (e, full_entry(d))), (axis,))
        for axis, (d, e) in enumerate(zip(shape, index, strict=True))
        if e.__class__ is int
    ]
    terms = []
    for term in part.args if part.op is ADD else (part,):
        scalar, tensor = scalar_and_rest(term)
        if tensor is None:
            return x
        factors = [(y, tuple([axes[k] for k in own])) for y, own in _outer_factors(tensor)]
        factors = sorted([*factors, *units], key=lambda factor: factor[1])
        labels = (tuple([own for _, own in factors]), tuple(range(x.ndim)), ())
        whole = make(EINSUM, tuple([y for y, _ in factors]), labels, shape, x.ty)
        terms.append(
            whole
            if is_value(scalar, 1)
            else make(MUL, (broadcast(scalar, shape), whole), (), shape, x.ty)
        )
    return add_all(terms)


def _outer_factors(x: Expr) -> list[tuple[Expr, Sequence[int]]]:
    """The factors of a product without a sum, or of a part of one, and which of its axes they have."""
    product, index = (x.args[0], x.params[0]) if x.op is SLICE else (x, map(full_entry, x.shape))
    if product.op is not EINSUM:
        return [(x, range(x.ndim))]
    inputs, out, spread = product.params
    at = dict(zip(out, index, strict=True))
    kept = [n for n in out if at[n].__class__ is not int]
    if spread or any(n not in at for own in inputs for n in own):
        return [(x, range(x.ndim))]
    return [
        (
            slice_of(y, tuple([at[n] for n in own])),
            [kept.index(n) for n in own if n in kept],
        )
        for y, own in zip(product.args, inputs, strict=True)
    ]


def _multiples_of_units(x: Expr) -> list[tuple[Expr, Expr]] | None:
    """Scalars and unit vectors that add up to a vector; None where there is something else in it."""
    found = []
    for term in x.args if x.op is ADD else (x,):
        factors = term.args if term.op is MUL else (term,)
        units = [y for y in factors if y.op is UNIT]
        scalars = [scalar_of(y) for y in factors if y.op is not UNIT]
        if len(units) != 1 or None in scalars:
            return None
        found.append((mul_all([number(1), *[y for y in scalars if y is not None]]), units[0]))
    return found


def scalar_of(x: Expr) -> Expr | None:
    """The one number that all entries of an array are; None where they may differ."""
    if is_number(x):
        return number(value_of(x))
    return x.args[0] if is_stretched_scalar(x) else None


def _between_zeros(x: Expr, axis: int, extent: Any, entry: Any) -> Expr:
    """An array with zeros before and after it along an axis."""
    pieces = [
        x if size is None else number(0, (*x.shape[:axis], size, *x.shape[axis + 1 :]), x.ty)
        for size in _sizes(extent, entry)
    ]
    return concat(pieces, axis)


def _sizes(extent: Any, entry: Any) -> list[Any]:
    """The extents of the zeros before and after a part, which is None itself."""
    start, stop, _, _ = entry
    after = add_dims(extent, mul_dims(stop, -1))
    return [size for size in (start, None, after) if size != 0]


def _among_blocks(x: Expr, shape: Shape, index: Sequence[Any]) -> Expr:
    """A matrix among blocks of zeros."""
    sizes = [_sizes(d, e) for d, e in zip(shape, index, strict=True)]
    rows = []
    for height in sizes[0]:
        row = [
            x
            if height is None and width is None
            else number(
                0,
                (x.shape[0] if height is None else height, x.shape[1] if width is None else width),
                x.ty,
            )
            for width in sizes[1]
        ]
        rows.append(concat(row, 1))
    return concat(rows, 0)


AMONG_ZEROS: Final[dict[Op, Callable[[Expr], Expr]]] = {EMBED: among_zeros, SCATTER: scattered}
