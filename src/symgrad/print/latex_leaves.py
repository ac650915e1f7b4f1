"""Leaves as LaTeX: numbers, names, extents and constant arrays."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any, Final

from symgrad.expr.leaves import ARANGE, CONST, EYE, NAMED_NUMBER, SIZE, is_number
from symgrad.expr.node import Expr
from symgrad.expr.numbers import text_of_number
from symgrad.print.latex_names import latex_name
from symgrad.print.printer import ATOM, MINUS, POWER, PRODUCT, SUM, Piece
from symgrad.print.terms import is_minus, reading_value
from symgrad.print.text import MAX_ENTRIES, dim_piece


def number_piece(value: Any) -> Piece:
    """A number with its level; powers of ten written out."""
    if value.__class__ is bool:
        return Piece(rf"\text{{{value}}}", ATOM)
    if value.__class__ is Fraction:
        sign, over = "-" if value < 0 else "", text_of_number(abs(value.numerator))
        fraction = rf"{sign}\frac{{{over}}}{{{text_of_number(value.denominator)}}}"
        return Piece(fraction, MINUS if sign else PRODUCT)
    shown = text_of_number(value)
    level = MINUS if is_minus(value) else ATOM
    digits, exponent, power = shown.partition("e")
    if exponent:
        ten = f"10^{{{int(power)}}}"
        if digits in ("1", "-1"):
            return Piece(digits.replace("1", ten), min(level, POWER))
        return Piece(rf"{digits} \cdot {ten}", min(level, PRODUCT))
    if shown.endswith("inf"):
        return Piece(shown.replace("inf", r"\infty"), level)
    return Piece(r"\text{nan}" if shown == "nan" else shown, level)


def name_piece(name: str) -> Piece:
    """A name; one that carries a superscript cannot take another."""
    return shown_name(latex_name(name))


def shown_name(shown: str) -> Piece:
    """A name that is LaTeX."""
    level = PRODUCT if shown.startswith(r"\frac") else ATOM
    return Piece(shown, POWER if "^" in shown or shown.endswith("'") else level, name=True)


def extent_piece(dim: Any) -> Piece:
    """An extent: a number, a name or a polynomial."""
    plain = dim_piece(dim)
    shown = re.sub(r"[A-Za-z_]\w*", lambda m: latex_name(m[0]), plain.text).replace("*", " ")
    shown = re.sub(r"(\S+) \1(?= |$)", r"\1^{2}", shown)
    shown = re.sub(r"\(([^()]*)\)//(\d+)", r"\\lfloor (\1) / \2 \\rfloor", shown)
    return Piece(shown, plain.level)


def _constant(node: Expr) -> Piece:
    if is_number(node):
        return number_piece(reading_value(node))
    array = node.params[0].array
    if array.size > MAX_ENTRIES or array.ndim > 2:
        extents = r" \times ".join(map(str, array.shape))
        return Piece(rf"\operatorname{{array}}_{{{extents}}}", ATOM)
    rows = array.tolist() if array.ndim == 2 else [[value] for value in array.tolist()]
    return matrix([[number_piece(value).text for value in row] for row in rows])


def shape_piece(shape: Sequence[Any]) -> Piece:
    r"""Extents as ``2 \times n``."""
    pieces = [extent_piece(dim) for dim in shape]
    if len(pieces) > 1:
        pieces = [
            piece if piece.level > SUM else Piece(rf"\left({piece.text}\right)", ATOM)
            for piece in pieces
        ]
    return Piece(r" \times ".join(piece.text for piece in pieces), PRODUCT)


def one_piece(digit: str, shape: Sequence[Any] = ()) -> Piece:
    r"""``\mathbf{1}`` or ``\mathbf{0}``, with the shape where it is given."""
    return Piece(rf"\mathbf{{{digit}}}" + f"_{{{shape_piece(shape).text}}}" * bool(shape), ATOM)


def matrix(rows: Sequence[Sequence[str]]) -> Piece:
    """Entries in square brackets."""
    body = r" \\ ".join(" & ".join(row) for row in rows)
    return Piece(rf"\begin{{bmatrix}} {body} \end{{bmatrix}}", ATOM)


LEAVES: Final[dict[Any, Callable[[Expr], Piece]]] = {
    NAMED_NUMBER: lambda node: Piece({"pi": r"\pi", "E": "e"}[str(node.name)], ATOM, name=True),
    EYE: lambda node: Piece(f"I_{{{extent_piece(node.params[0]).text}}}", ATOM),
    SIZE: lambda node: extent_piece(node.params[0]),
    ARANGE: lambda node: Piece(
        rf"\operatorname{{arange}}\left({extent_piece(node.params[0]).text}\right)", ATOM
    ),
    CONST: _constant,
}
