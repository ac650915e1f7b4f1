r"""Contractions in matrix notation: ``A^{\top} x``, ``\operatorname{tr}``, ``x y^{\top}``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

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
    if axes is None and x.text.endswith("^{-1}"):  # an inverse
        return Piece(rf"{x.text[:-4]}{{-\top}}", POWER)
    if axes is None:
        return Piece(rf"{printer.wrap(x, ATOM)}^{{\top}}", POWER)
    return Piece(rf"\operatorname{{transpose}}_{{{axes}}}\left({x.text}\right)", ATOM)


def _indexed(printer: Printer, parts: list[Piece], entries: Any) -> Piece:
    """A vector as the equal columns of a matrix; other axes of extent 1 do not show."""
    if entries == (":", "newaxis"):
        return Piece(rf"{printer.wrap(parts[0], PRODUCT)} \mathbf{{1}}^{{\top}}", PRODUCT)
    return parts[0]


def _spread(printer: Printer, parts: list[Piece], ranks: Any) -> Piece:
    """A vector as the equal rows of a matrix."""
    if ranks == (1, 2):
        return Piece(rf"\mathbf{{1}} {transposed(printer, parts[0]).text}", PRODUCT)
    return parts[0]


def _summed(printer: Printer, parts: list[Piece], data: Any) -> Piece:
    (x,), (axes, rank) = parts, data
    if axes is None:
        return Piece(rf"\sum {printer.wrap(x, MATMUL)}", LOOSE)
    if rank == 2:
        side = x if axes == (1,) else transposed(printer, x)
        return Piece(rf"{printer.wrap(side, MATMUL)} \mathbf{{1}}", MATMUL)
    listed = ", ".join(map(str, axes))
    return Piece(rf"\operatorname{{sum}}_{{{listed}}}\left({x.text}\right)", ATOM)


def _chained(printer: Printer, parts: list[Piece], data: Any) -> Piece:
    """A product of matrices; a vector that starts one is a row, a result is a column."""
    flips, starts, ends = data
    forward = _side_by_side(printer, parts, [*([True] if starts else []), *flips[int(starts) :]])
    if not starts or ends:
        return forward
    turned = [f is False and not _is_diagonal(p) for p, f in zip(parts, flips, strict=True)]
    backward = _side_by_side(printer, parts[::-1], [*turned[:0:-1], False])  # (x A)_j = (A^T x)_j
    return Piece(backward.text, backward.level, forward.text)


def _side_by_side(printer: Printer, parts: list[Piece], flips: Sequence[bool]) -> Piece:
    turned = [transposed(printer, p) if f else p for p, f in zip(parts, flips, strict=True)]
    turned = [
        piece if count < LONG_RUN else Piece(f"{printer.wrap(piece, ATOM)}^{{{count}}}", POWER)
        for piece, count in runs(turned)
    ]
    if len(turned) == 1:
        return turned[0]
    return Piece(" ".join(printer.wrap(part, MATMUL) for part in turned), MATMUL)


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
        r" \otimes ".join(printer.wrap(part, LOOSE + i) for i, part in enumerate(parts)), MATMUL
    ),
    "einsum": lambda printer, parts, labels: Piece(
        rf"\operatorname{{einsum}}_{{\text{{{labels}}}}}"
        rf"\left({', '.join(part.text for part in parts)}\right)",
        ATOM,
    ),
}
