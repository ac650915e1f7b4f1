r"""Contractions in matrix notation: ``A^{\top} x``, ``\operatorname{tr}``, ``x y^{\top}``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from symgrad.print.contraction import Spread
from symgrad.print.printer import (
    ATOM,
    LONG_RUN,
    LOOSE,
    MATMUL,
    POWER,
    PRODUCT,
    DrawForm,
    Piece,
    Printer,
    runs,
)


def transposed(printer: Printer, x: Piece, axes: Any = None) -> Piece:
    if x.row:
        return Piece(x.row, MATMUL)
    if axes is None and x.turned:
        return Piece(x.turned, POWER)
    if axes is None and x.text.endswith("^{-1}"):  # an inverse
        return Piece(rf"{x.text[:-4]}{{-\top}}", POWER)
    if axes is None:
        return Piece(rf"{printer.wrap(x, ATOM)}^{{\top}}", POWER)
    return Piece(rf"\operatorname{{transpose}}_{{{axes}}}\left({x.text}\right)", ATOM)


def _indexed(printer: Any, parts: list[Piece], entries: Any) -> Piece:
    """A vector as the equal columns of a matrix; the one column or row of a matrix; an entry."""
    if entries == (":", "newaxis"):
        return Piece(f"{printer.wrap(parts[0], PRODUCT)} {printer.ones(1)}^{{\\top}}", PRODUCT)
    if entries == (":", 0):
        return parts[0]
    if entries == (0, ":"):
        return transposed(printer, parts[0])
    return Piece(f"{printer.wrap(parts[0], ATOM)}_{{{', '.join(map(str, entries))}}}", ATOM)


def _spread(printer: Any, parts: list[Piece], data: Spread) -> Piece:
    """A vector as the equal rows of a matrix; a matrix of one row or column, or a vector of one entry."""
    (x,) = parts
    if len(data.new) > 1 and data.before == 1 and not data.new[-1]:
        x = transposed(printer, x)
    text, level = x.text, x.level
    for axis in (0, 1)[: len(data.new)]:
        if data.new[axis]:
            text = printer.wrap(Piece(text, level), MATMUL)
            ones = printer.ones(axis)
            text = f"{text} {ones}^{{\\top}}" if axis else f"{ones} {text}"
            level = PRODUCT
    return Piece(text, level)


def _summed(printer: Printer, parts: list[Piece], data: Any) -> Piece:
    (x,), (axes, rank) = parts, data
    if axes is None:
        return Piece(rf"\sum {printer.wrap(x, MATMUL)}", LOOSE)
    if rank == 2:
        x, turned = (x, transposed(printer, x)) if axes == (1,) else (transposed(printer, x), x)
        row = rf"\mathbf{{1}}^{{\top}} {printer.wrap(turned, MATMUL)}"
        return Piece(rf"{printer.wrap(x, MATMUL)} \mathbf{{1}}", MATMUL, row)
    listed = ", ".join(map(str, axes))
    return Piece(rf"\operatorname{{sum}}_{{{listed}}}\left({x.text}\right)", ATOM)


def _chained(printer: Printer, parts: list[Piece], data: Any) -> Piece:
    """A product of matrices; a vector that starts one is a row, a result is a column."""
    flips, starts, ends = data
    forward = _side_by_side(printer, parts, [*([True] if starts else []), *flips[int(starts) :]])
    if ends and not starts:  # (A x)^T = x^T A^T
        back = [f is False and not _is_diagonal(p) for p, f in zip(parts, flips, strict=True)]
        row = _side_by_side(printer, parts[::-1], [True, *back[-2::-1]])
        return Piece(forward.text, forward.level, row.text)
    if not starts or ends:
        return forward
    turned = [f is False and not _is_diagonal(p) for p, f in zip(parts, flips, strict=True)]
    backward = _side_by_side(printer, parts[::-1], [*turned[:0:-1], False])  # (x A)_j = (A^T x)_j
    return Piece(backward.text, backward.level, forward.text)


def _side_by_side(printer: Printer, parts: list[Piece], flips: Sequence[bool]) -> Piece:
    turned = [transposed(printer, p) if f else p for p, f in zip(parts, flips, strict=True)]
    turned = [
        piece if count < LONG_RUN else _repeated(printer, piece, count)
        for piece, count in runs(turned)
    ]
    if len(turned) == 1:
        return turned[0]
    return Piece(" ".join(printer.wrap(part, MATMUL) for part in turned), MATMUL)


def _repeated(printer: Printer, x: Piece, count: int) -> Piece:
    """A power of a matrix; of an inverse a negative one."""
    if x.text.endswith("^{-1}"):
        return Piece(f"{x.text[:-4]}{{-{count}}}", POWER)
    return Piece(f"{printer.wrap(x, ATOM)}^{{{count}}}", POWER)


def _is_diagonal(part: Piece) -> bool:
    return part.text.startswith(r"\operatorname{diag}")


def _multiplied(printer: Printer, parts: list[Piece], data: Any) -> Piece:
    if all(part == parts[0] for part in parts):
        return Piece(rf"{printer.wrap(parts[0], ATOM)}^{{\odot {len(parts)}}}", POWER)
    return Piece(r" \odot ".join(printer.wrap(part, POWER) for part in parts), LOOSE)


def _called(name: str) -> Callable[[Printer, list[Piece], Any], Piece]:
    return lambda printer, parts, data: Piece(
        rf"\operatorname{{{name}}}\left({parts[0].text}\right)", ATOM
    )


FORMS: Final[dict[str, DrawForm]] = {
    "transpose": lambda printer, parts, axes: transposed(printer, parts[0], axes),
    "index": _indexed,
    "column": lambda printer, parts, data: parts[0],
    "row": lambda printer, parts, data: transposed(printer, parts[0]),
    "spread": _spread,
    "sum": _summed,
    "trace": _called("tr"),
    "diagonal": _called("diag"),
    "diag": _called("diag"),
    "outer": lambda printer, parts, data: Piece(
        f"{printer.wrap(parts[0], MATMUL)} {transposed(printer, parts[1]).text}", PRODUCT
    ),
    "chain": _chained,
    "times": _multiplied,
    "kron": lambda printer, parts, data: Piece(
        r" \otimes ".join(printer.wrap(part, LOOSE + i) for i, part in enumerate(parts)), LOOSE
    ),
    "einsum": lambda printer, parts, labels: Piece(
        rf"\operatorname{{einsum}}_{{\text{{{labels}}}}}"
        rf"\left({', '.join(part.text for part in parts)}\right)",
        ATOM,
    ),
}
