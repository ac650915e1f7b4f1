"""Products of arrays in NumPy's names, all of them one Einsum."""

from __future__ import annotations

from collections.abc import Sequence
from string import ascii_lowercase, ascii_uppercase
from typing import Any, Final

import numpy as np

from symgrad.calls import checked
from symgrad.errors import ArgumentError, ShapeError
from symgrad.expr.dims import Dim, broadcast_shapes, mul_dims, show_shape
from symgrad.expr.node import Expr
from symgrad.expr.types import BOOL
from symgrad.ops.convert import astype
from symgrad.ops.einsum import broadcast, einsum_node, sum_axes
from symgrad.ops.elementwise import as_expr
from symgrad.ops.indexing import take
from symgrad.ops.public import normalize_axis, public, refuse_out
from symgrad.ops.reshaping import reshape_to
from symgrad.ops.shapes import diagonal, ravel
from symgrad.ops.symmetry import Labels
from symgrad.ops.ufuncs import multiply, not_equal, subtract


def _contract(operands: Sequence[Expr], inputs: Sequence[Labels], out: Labels, who: str) -> Expr:
    extents: dict[int, Dim] = {}
    for x, labels in zip(operands, inputs, strict=True):
        for label, dim in zip(labels, x.shape, strict=True):
            if extents.setdefault(label, dim) != dim:
                shapes = " and ".join(show_shape(o.shape) for o in operands)
                raise ShapeError(
                    f"{who}: operands of shape {shapes} do not fit, extent {extents[label]} meets"
                    f" {dim}; give equal extents one name, or transpose an operand"
                )
    return _product(operands, inputs, out)


def _product(operands: Sequence[Expr], inputs: Sequence[Labels], out: Labels) -> Expr:
    """The Einsum of operands that fit; of booleans "or" takes the place of the sum, as in NumPy."""
    result = einsum_node(operands, inputs, out, {})
    if result.ty is not BOOL and all(x.ty is BOOL for x in operands):
        return not_equal(result, 0)
    return result


@checked
def einsum(
    *operands: Any,
    optimize: Any = None,
    out: Any = None,
    dtype: Any = None,
    order: Any = None,
    casting: Any = None,
) -> Expr:
    """Sum of products in Einstein's notation, as `numpy.einsum`.

    The order of contraction is chosen on the way to code; `optimize`, `order` and `casting` are accepted
    and not looked at.

    Parameters
    ----------
    *operands
        A text such as ``"ij,jk->ik"`` and the operands; or each operand before the list of its labels,
        ints or ``...``, and at last the labels of the result: ``einsum(A, [0, 1], B, [1, 2], [0, 2])``.
        Without labels of the result, those that occur once are kept in their order. ``...`` stands for
        axes that broadcast, and so does an axis of extent 1 whose label has another extent elsewhere.
    dtype : dtype-like, optional
        The type in which products are added up.

    Raises
    ------
    ArgumentError
        For malformed subscripts, or an `out`.
    ShapeError
        For extents that clash.

    Examples
    --------
    >>> import symgrad as sg
    >>> A, v = sg.matrix("A", ("m", "n")), sg.vector("v", "n")
    >>> print(sg.einsum("ij,j->i", A, v), "and", sg.einsum(A, [0, 1], v, [1], [0]))
    A @ v and A @ v
    """
    refuse_out(out, "einsum")
    if not operands:
        raise ArgumentError("einsum needs subscripts such as 'ij,jk->ik' and operands")
    text, *args = operands if isinstance(operands[0], str) else _as_text(operands)
    if dtype is not None:
        args = [astype(x, dtype) for x in args]
    return einsum_of_text(text, *args)  # type: ignore[no-any-return]


def _as_text(operands: Sequence[Any]) -> list[Any]:
    """Operands, each before its list of labels, as a text and the operands."""
    args, lists = operands[: len(operands) // 2 * 2 : 2], [*operands[1::2]]
    if len(operands) % 2:
        lists.append(operands[-1])
    for labels in lists:
        if not isinstance(labels, (list, tuple)) or not all(map(_is_label, labels)):
            raise ArgumentError(
                "einsum needs subscripts such as 'ij,jk->ik' before its operands, or after each operand"
                f" a list of its labels, ints below {len(LETTERS)} or ..., not {labels!r}"
            )
    parts = ["".join("..." if n is Ellipsis else LETTERS[n] for n in ls) for ls in lists]
    text = ",".join(parts[: len(args)])
    return [text + "->" + parts[-1] if len(operands) % 2 else text, *args]


# Labels that are ints are written as letters in the same order, as NumPy does; it has the first 52 alone
LETTERS: Final = ascii_uppercase + ascii_lowercase + "".join(map(chr, range(0x4E00, 0x4E00 + 948)))


def _is_label(value: Any) -> bool:
    if value is Ellipsis:
        return True
    whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    return whole and 0 <= value < len(LETTERS)


@public
def einsum_of_text(subscripts: str, *operands: Any) -> Expr:
    """`einsum` with its labels as a text."""
    text = subscripts.replace(" ", "")
    inputs_text, arrow, out_text = text.partition("->")
    parts = inputs_text.split(",")
    args = [as_expr(x) for x in operands]
    if len(parts) != len(args):
        raise ArgumentError(f"einsum {subscripts!r} names {len(parts)} operands, got {len(args)}")
    rank = 0
    for x, labels in zip(args, parts, strict=True):
        named = labels.replace("...", "")
        if not (named == "" or named.isalpha()) or labels.count("...") > 1:
            raise ArgumentError(f"einsum {subscripts!r}: {labels!r} is no list of labels")
        if len(named) > x.ndim or ("..." not in labels and len(named) != x.ndim):
            raise ShapeError(
                f"einsum {subscripts!r}: {labels!r} does not fit shape {show_shape(x.shape)}"
            )
        rank = max(rank, x.ndim - len(named))
    letters = sorted(set(inputs_text) - set(",."))
    number_of = {letter: i + rank for i, letter in enumerate(letters)}
    if not arrow:
        out_text = "..." * ("..." in inputs_text)
        out_text += "".join(c for c in letters if inputs_text.count(c) == 1)
    _check_result(subscripts, out_text, number_of, rank)
    ellipsis = tuple(range(rank))
    inputs: list[Labels] = []
    for i, (x, labels) in enumerate(zip(args, parts, strict=True)):
        own = x.ndim - len(labels.replace("...", ""))
        if own:
            args[i] = x = _stretch(x, labels, own, args, parts)
        inputs.append(_numbers(labels, number_of, ellipsis[rank - own :]))
    out = _numbers(out_text, number_of, ellipsis)
    return _contract(*_without_units(args, inputs), out, f"einsum {subscripts!r}")


def _check_result(subscripts: str, out_text: str, number_of: dict[str, int], rank: int) -> None:
    """Raise for labels of a result that no operand has, that occur twice, or that lack a needed ``...``."""
    kept = out_text.replace("...", "", 1)
    for c in kept:
        if c not in number_of:
            raise ArgumentError(f"einsum {subscripts!r}: no operand has label {c!r}")
        if kept.count(c) > 1:
            raise ArgumentError(
                f"einsum {subscripts!r}: the result has label {c!r} twice; write diag(v) for a"
                " diagonal matrix"
            )
    if rank and "..." not in out_text:
        raise ArgumentError(
            f"einsum {subscripts!r}: the result needs ... for the axes that ... stands for; sum them"
            " afterwards if they are not wanted"
        )


def _without_units(
    args: Sequence[Expr], inputs: Sequence[Labels]
) -> tuple[list[Expr], list[Labels]]:
    """Operands without their axes of extent 1 whose label has another extent elsewhere."""
    terms = list(zip(args, inputs, strict=True))
    wide = {n for x, ls in terms for n, d in zip(ls, x.shape, strict=True) if d != 1}
    operands, labels = [], []
    for x, ls in terms:
        units = [i for i, n in enumerate(ls) if x.shape[i] == 1 and n in wide and ls.count(n) == 1]
        operands.append(sum_axes(x, units) if units else x)
        labels.append(tuple([n for i, n in enumerate(ls) if i not in units]))
    return operands, labels


def _numbers(text: str, number_of: dict[str, int], ellipsis: Labels) -> Labels:
    head, dots, tail = text.partition("...")
    spread = ellipsis if dots else ()
    return (
        *[number_of[c] for c in head],
        *spread,
        *[number_of[c] for c in tail],
    )


def _stretch(x: Expr, labels: str, own: int, args: Sequence[Expr], parts: Sequence[str]) -> Expr:
    """`x` with the axes of its ellipsis broadcast against those of the other operands."""
    shapes = []
    for other, text in zip(args, parts, strict=True):
        count = other.ndim - len(text.replace("...", ""))
        at = text.find("...")
        if count:
            shapes.append(other.shape[at : at + count])
    common = broadcast_shapes(*shapes)
    at = labels.find("...")
    return broadcast(x, (*x.shape[:at], *common[len(common) - own :], *x.shape[at + own :]))


@public
def matmul(a: Any, b: Any) -> Expr:
    """Matrix product over the last axes, leading axes broadcast, as `numpy.matmul`.

    Raises
    ------
    ShapeError
        For scalars, or inner extents that differ.
    """
    x, y = as_expr(a), as_expr(b)
    if x.ndim == 0 or y.ndim == 0:
        raise ShapeError("matmul takes no scalars; multiply with * instead")
    if x.shape[-1] != y.shape[-2 if y.ndim > 1 else -1]:
        raise _inner_extents_differ(x, y)
    batch = broadcast_shapes(x.shape[:-2], y.shape[:-2])
    if x.ndim > 2 or y.ndim > 2:
        if x.ndim >= 2:
            x = broadcast(x, (*batch[len(batch) - x.ndim + 2 :], *x.shape[-2:]))
        if y.ndim >= 2:
            y = broadcast(y, (*batch[len(batch) - y.ndim + 2 :], *y.shape[-2:]))
    rank = len(batch)
    i, j, k = rank, rank + 1, rank + 2
    left = (*range(rank - max(x.ndim - 2, 0), rank), *((i, j) if x.ndim > 1 else (j,)))
    right = (*range(rank - max(y.ndim - 2, 0), rank), *((j, k) if y.ndim > 1 else (j,)))
    out = (*range(rank), *((i,) if x.ndim > 1 else ()), *((k,) if y.ndim > 1 else ()))
    return _product([x, y], [left, right], out)


def _inner_extents_differ(x: Expr, y: Expr) -> ShapeError:
    """The error of a matrix product, with the transposes or the outer product that would fit."""
    p, q = x.shape[-1], y.shape[-2 if y.ndim > 1 else -1]
    fitting = []
    if x.ndim == 2 and x.shape[0] == q:
        fitting.append("A.T @ B")
    if y.ndim == 2 and y.shape[1] == p:
        fitting.append("A @ B.T")
    if x.ndim == y.ndim == 2 and x.shape[0] == y.shape[1]:
        fitting.append("A.T @ B.T")
    if x.ndim == y.ndim == 1:
        fitting.append("outer(A, B)")
    ways = f"write {' or '.join(fitting)}, or " if fitting else ""
    return ShapeError(
        f"matmul of {show_shape(x.shape)} and {show_shape(y.shape)}: inner extents {p} and {q} differ;"
        f" {ways}give equal extents one name"
    )


@public
def dot(a: Any, b: Any) -> Expr:
    """Product over the last axis of `a` and the last but one of `b`, as `numpy.dot`."""
    x, y = as_expr(a), as_expr(b)
    if x.ndim == 0 or y.ndim == 0:
        return multiply(x, y)
    at = max(y.ndim - 2, 0)
    left = tuple(range(x.ndim))
    right = tuple(x.ndim - 1 if axis == at else x.ndim + axis for axis in range(y.ndim))
    out = (*left[:-1], *[label for label in right if label != x.ndim - 1])
    return _contract([x, y], [left, right], out, "dot")


@public
def vdot(a: Any, b: Any) -> Expr:
    """Sum of products of all entries, flattened, as `numpy.vdot`."""
    x, y = as_expr(a), as_expr(b)
    if x.shape == y.shape:  # the same entries in the same order, without flattening
        return _product([x, y], [tuple(range(x.ndim))] * 2, ())
    return dot(ravel(x), ravel(y))


@public
def inner(a: Any, b: Any) -> Expr:
    """Product over the last axes, as `numpy.inner`."""
    x, y = as_expr(a), as_expr(b)
    if x.ndim == 0 or y.ndim == 0:
        return multiply(x, y)
    left = tuple(range(x.ndim))
    right = (*range(x.ndim, x.ndim + y.ndim - 1), x.ndim - 1)
    return _contract([x, y], [left, right], (*left[:-1], *right[:-1]), "inner")


@public
def outer(a: Any, b: Any) -> Expr:
    """All products of entries of two vectors, as `numpy.outer`; operands are flattened."""
    return einsum_node([ravel(a), ravel(b)], [(0,), (1,)], (0, 1), {})


@public
def tensordot(a: Any, b: Any, axes: Any = 2) -> Expr:
    """Product over given axes of both operands, as `numpy.tensordot`."""
    x, y = as_expr(a), as_expr(b)
    if isinstance(axes, int):
        if axes > min(x.ndim, y.ndim):
            raise ShapeError(
                f"tensordot over {axes} axes of {show_shape(x.shape)} and {show_shape(y.shape)}"
            )
        left_axes: list[int] = list(range(x.ndim - axes, x.ndim))
        right_axes: list[int] = list(range(axes))
    else:
        pair = [a if isinstance(a, (tuple, list)) else (a,) for a in axes]
        if len(pair) != 2 or len(pair[0]) != len(pair[1]):
            raise ArgumentError(
                f"tensordot axes {axes!r} must be an int or two lists of one length"
            )
        left_axes = [normalize_axis(a, x.ndim) for a in pair[0]]
        right_axes = [normalize_axis(a, y.ndim) for a in pair[1]]
    left = tuple(range(x.ndim))
    right = [x.ndim + i for i in range(y.ndim)]
    for i, j in zip(left_axes, right_axes, strict=True):
        right[j] = i
    out = [i for i in left if i not in left_axes]
    out += [label for j, label in enumerate(right) if j not in right_axes]
    return _contract([x, y], [left, tuple(right)], tuple(out), "tensordot")


@public
def trace(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Expr:
    """Sum along a diagonal, as `numpy.trace`."""
    x = as_expr(a)
    if x.ndim < 2:
        raise ShapeError(
            f"trace needs a matrix, got shape {show_shape(x.shape)}; write sum(a) for the sum of all"
            " entries"
        )
    if offset == 0:
        i, j = normalize_axis(axis1, x.ndim), normalize_axis(axis2, x.ndim)
        if i != j and x.shape[i] == x.shape[j]:
            labels = tuple(i if axis == j else axis for axis in range(x.ndim))
            out = tuple(axis for axis in range(x.ndim) if axis not in (i, j))
            return einsum_node([x], [labels], out, {})
    entries = diagonal(x, offset, axis1, axis2)
    return sum_axes(entries, (entries.ndim - 1,))


@public
def kron(a: Any, b: Any) -> Expr:
    """Kronecker product, as `numpy.kron`."""
    x, y = as_expr(a), as_expr(b)
    rank = max(x.ndim, y.ndim)
    x = reshape_to(x, (1,) * (rank - x.ndim) + x.shape)
    y = reshape_to(y, (1,) * (rank - y.ndim) + y.shape)
    left, right = tuple(range(0, 2 * rank, 2)), tuple(range(1, 2 * rank, 2))
    wide = einsum_node([x, y], [left, right], tuple(range(2 * rank)), {})
    return reshape_to(wide, tuple(mul_dims(p, q) for p, q in zip(x.shape, y.shape, strict=True)))


@public
def cross(a: Any, b: Any, axis: int = -1) -> Expr:
    """Cross product of vectors of three entries along an axis, as `numpy.cross`."""
    x, y = as_expr(a), as_expr(b)
    for v in (x, y):
        if v.ndim == 0 or v.shape[axis] != 3:
            raise ShapeError(f"cross needs an axis of extent 3, got shape {show_shape(v.shape)}")

    def rolled(v: Expr, shift: int) -> Expr:
        return take(v, [(i + shift) % 3 for i in range(3)], axis)

    return subtract(multiply(rolled(x, 1), rolled(y, 2)), multiply(rolled(x, 2), rolled(y, 1)))
