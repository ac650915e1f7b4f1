"""A formula as text, in Python's and NumPy's notation: ``4*x**3 - 4*x``, ``X.T @ (X @ w - y)``."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any, Final

from symgrad.expr.dims import show_shape
from symgrad.expr.leaves import (
    ARANGE,
    CONST,
    EULER,
    EYE,
    NAMED_NUMBER,
    PI,
    SIZE,
    SYMBOL,
    is_number,
)
from symgrad.expr.node import Expr
from symgrad.expr.numbers import text_of_number
from symgrad.ops.applied import APPLIED
from symgrad.ops.einsum import is_stretched_scalar
from symgrad.ops.matrix_powers import MATRIX_POWER, POWER_ALONG
from symgrad.print.definitions import plan_of
from symgrad.print.extents import Said, extents_said, is_whole, said_in_text
from symgrad.print.functions import function_text
from symgrad.print.matrix_powers import derivative_text, power_text
from symgrad.print.printer import (
    ATOM,
    COMPARE,
    LINE_LENGTH,
    LONG_RUN,
    MATMUL,
    MAX_LENGTH,
    MINUS,
    POWER,
    PRODUCT,
    SUM,
    Document,
    Piece,
    Printer,
    fill,
    runs,
)
from symgrad.print.reading import shown
from symgrad.print.terms import Power, Product, is_minus, reading_value
from symgrad.print.views import Blocks, CallView, JoinView, Raised
from symgrad.rewrite.readable import readable

MAX_ENTRIES: Final = 9  # of an array that is written out


def text(e: Expr, max_length: int = MAX_LENGTH) -> str:
    """`e` as text that reads like Python and NumPy.

    Broadcasting is not shown. Shared parts of a large formula, and `named` ones, are listed after
    ``where``; of a huge formula the rest is left out and counted.

    Parameters
    ----------
    e : expression
        Of any shape and dtype.
    max_length : int
        Number of characters after which further definitions are left out.

    Examples
    --------
    >>> import symgrad as sg
    >>> x = sg.symbol("x")
    >>> text((x**2 - 1) / (2 * sg.sqrt(x)))
    '(x**2 - 1)/(2*sqrt(x))'
    """
    return _assembled(TextPrinter(plan_of(shown(readable(e), latex=False))).document(max_length))


def _assembled(document: Document) -> str:
    """Body and definitions: on one line if they fit, else a line each."""
    body, definitions, hidden = document
    if not definitions:
        return body
    lines = [f"{name} = {value}" for name, value in definitions]
    if hidden:
        lines.append(f"... {hidden} more definitions left out")
    line = f"{body} where {', '.join(lines)}"
    if len(line) <= LINE_LENGTH or len(lines) == 1:
        return line
    return "\n  ".join([f"{body} where", *lines])


# Numbers


def number_piece(value: Any) -> Piece:
    """A Python number with its level."""
    if value.__class__ is bool:
        return Piece(str(value), ATOM)
    level = MINUS if is_minus(value) else PRODUCT if value.__class__ is Fraction else ATOM
    return Piece(text_of_number(value), level)


def name_piece(name: str) -> Piece:
    """A name; one with the signs of Python in it, as ``x^*``, needs brackets between others."""
    if _LOOSE_SIGNS.search(name):
        return Piece(name, COMPARE)
    return Piece(name, SUM if _SIGNS.search(name) else ATOM)


_LOOSE_SIGNS: Final = re.compile(r"[-+<>=&|,]")
_SIGNS: Final = re.compile(r"[*/%@~()\[\]\s]")


def dim_piece(dim: Any) -> Piece:
    """An extent: an int, a name or a polynomial."""
    shown = str(dim)
    level = ATOM if shown.isidentifier() else SUM if " " in shown else PRODUCT
    return Piece(shown, level)


def array_text(node: Expr) -> str:
    """A short array written out, a longer one as its shape."""
    array = node.params[0].array
    return str(array.tolist()) if array.size <= MAX_ENTRIES else f"array<{show_shape(node.shape)}>"


def symbol_piece(node: Expr) -> Piece:
    """A symbol by its name; one called as the number pi is says that it is a symbol."""
    if node.name == PI.name and not node.shape:
        return Piece(f'symbol("{node.name}")', ATOM)
    return name_piece(str(node.name))


LEAVES: Final[dict[Any, Callable[[Expr], Piece]]] = {
    SYMBOL: symbol_piece,
    NAMED_NUMBER: lambda node: Piece(str(node.name), ATOM),
    EYE: lambda node: Piece(f"eye({node.params.extent})", ATOM),
    SIZE: lambda node: dim_piece(node.params.extent),
    ARANGE: lambda node: Piece(f"arange({node.params.extent})", ATOM),
    CONST: lambda node: (
        number_piece(reading_value(node)) if is_number(node) else Piece(array_text(node), ATOM)
    ),
}


class TextPrinter(Printer):
    """Draws views as Python text."""

    brackets = ("(", ")")

    def reference(self, name: str) -> Piece:
        return name_piece(name)

    def more(self, hidden: int, what: str) -> str:
        return f" + ... + {hidden} more {what}"

    # Products and powers

    def product(self, view: Product, pieces: dict[Expr, Piece]) -> Piece:
        above, level = self._above(view, pieces)
        below = [self.wrap(self._factor(factor, pieces), POWER) for factor in view.below]
        if view.coefficient.__class__ is Fraction and view.coefficient.denominator != 1:
            below.insert(0, text_of_number(view.coefficient.denominator))
        if view.hidden:
            above += f"*...*<{view.hidden} more factors>"
            level = PRODUCT
        if below:
            above = f"({above})" if level < PRODUCT else above
            divisor = "*".join(below)
            above += f"/({divisor})" if len(below) > 1 else f"/{divisor}"
            level = PRODUCT
        return Piece(f"-{above}", MINUS) if view.negative else Piece(above, level)

    def _above(self, view: Product, pieces: dict[Expr, Piece]) -> tuple[str, int]:
        """The numerator and its level."""
        factors = [self._factor(factor, pieces) for factor in view.above]
        size = (
            view.coefficient.numerator
            if view.coefficient.__class__ is Fraction
            else view.coefficient
        )
        if size != 1 or not factors:
            factors.insert(0, number_piece(1 if size == 1 else size))
        if len(factors) == 1:
            level = factors[0].level
            return self.wrap(factors[0], MATMUL), max(level, MATMUL) if level > SUM else PRODUCT
        trailing = factors[-1].level == MATMUL and all(is_scalar(f.base) for f in view.above[:-1])
        texts = [self.wrap(f, PRODUCT) for f in factors[:-1]]
        texts.append(self.wrap(factors[-1], MATMUL if trailing else PRODUCT))
        return "*".join(texts), MATMUL if trailing else PRODUCT

    def _factor(self, factor: Power, pieces: dict[Expr, Piece]) -> Piece:
        base = pieces[factor.base]
        n = factor.exponent
        if n == 1:
            return base
        if n == Fraction(1, 2):
            return Piece(f"sqrt({base.text})", ATOM)
        return self._power(base, number_piece(n))

    def raised(self, view: Raised, parts: list[Piece]) -> Piece:
        return self._power(*parts)

    def _power(self, base: Piece, exponent: Piece) -> Piece:
        return Piece(f"{self.wrap(base, ATOM)}**{self.wrap(exponent, ATOM)}", POWER)

    def _extents_said(self) -> dict[Expr, Said]:
        return extents_said(self.plan, said_in_text)

    def is_complete(self, node: Expr) -> bool:
        return node in self.plan.names or is_whole(node, self.said[node])

    def whole(self, root: Expr, piece: Piece) -> Piece:
        complete = not self.said or is_whole(root, self.said[root])
        return piece if complete else self.stretched(root, piece)

    def stretched(self, node: Expr, piece: Piece) -> Piece:
        shape = show_shape(node.shape)
        filled = {"0": "zeros", "0.0": "zeros", "1": "ones", "1.0": "ones"}.get(piece.text)
        return Piece(
            f"{filled}({shape})" if filled else f"broadcast_to({piece.text}, {shape})", ATOM
        )

    # Ops

    def joined(self, view: JoinView, parts: list[Piece]) -> Piece:
        listed = [part.text for part in parts]
        if view.hidden:
            listed.append(f"... {view.hidden} more")
        axis = f", axis={view.axis}" if view.axis else ""
        name = "stack" if view.stacked else "concatenate"
        return Piece(f"{name}([{', '.join(listed)}]{axis})", ATOM)

    def blocks(self, view: Blocks, parts: list[Piece]) -> Piece:
        listed = [part.text for part in parts]
        starts = range(0, len(listed), view.width)
        rows = [f"[{', '.join(listed[k : k + view.width])}]" for k in starts]
        return Piece(f"block([{', '.join(rows)}])", ATOM)

    def call(self, view: CallView, parts: list[Piece]) -> Piece:
        node, op = view.node, view.node.op
        if node is EULER and any(x.op is SYMBOL and x.name == EULER.name for x in self.plan.views):
            return Piece("exp(1)", ATOM)  # beside an energy or a module E
        if op in LEAVES:
            return LEAVES[op](node)
        if op is APPLIED and not view.hidden:
            return function_text(node, parts)
        if op is MATRIX_POWER:
            return power_text(node, parts, self, _transposed)
        if op is POWER_ALONG and not view.hidden:
            return derivative_text(node, parts, self)
        template = op.text(node) if callable(op.text) else op.text
        if template is None or view.hidden:
            listed = [part.text for part in parts]
            if view.hidden:
                listed.append(f"... {view.hidden} more")
            return Piece(f"{op.name}({', '.join(listed)})", ATOM)
        return _filled(self, template, parts)


def is_scalar(node: Expr) -> bool:
    """Whether `node` is a scalar, stretched or not."""
    return node.shape == () or is_number(node) or is_stretched_scalar(node)


def _filled(printer: Printer, template: str, parts: list[Piece]) -> Piece:
    """A template over operands, with brackets where nothing else delimits them."""
    inner = COMPARE if re.search(r" (and|or) ", template) else SUM

    def operand(before: str, index: int, after: str) -> str:
        if before.endswith(("(", "[", "{", ", ", "=")) and after.startswith((",", ")", "]")):
            return parts[index].text
        spaced = (before or " ")[-1] in " ([" and (after or " ")[0] in " )],"
        return printer.wrap(parts[index], inner if spaced else ATOM)

    closed = template.endswith((")", "]")) and not template.startswith("not")
    return Piece(fill(template, operand), ATOM if closed else COMPARE)


# Einsums


def _transposed(printer: Printer, x: Piece, axes: Any = None) -> Piece:
    if axes is None:
        return Piece(x.turned or f"{printer.wrap(x, ATOM)}.T", ATOM)
    return Piece(f"transpose({x.text}, {axes})", ATOM)


def _indexed(printer: Printer, parts: list[Piece], entries: Any) -> Piece:
    return Piece(f"{printer.wrap(parts[0], ATOM)}[{', '.join(map(str, entries))}]", ATOM)


def _summed(printer: Printer, parts: list[Piece], data: Any) -> Piece:
    axes, _ = data
    if axes is None:
        return Piece(f"sum({parts[0].text})", ATOM)
    return Piece(f"sum({parts[0].text}, axis={axes[0] if len(axes) == 1 else axes})", ATOM)


def _chained(printer: Printer, parts: list[Piece], data: Any) -> Piece:
    """A product of matrices and vectors; one that is a vector reads as a column."""
    flips, starts, ends = data
    forward = _side_by_side(printer, parts, flips, starts)
    if not starts or ends:
        return forward
    turned = [f is False and not _is_diagonal(p) for p, f in zip(parts, flips, strict=True)]
    backward = _side_by_side(printer, parts[::-1], [*turned[:0:-1], False])  # (x A)_j = (A^T x)_j
    return Piece(backward.text, backward.level, forward.text)


def _side_by_side(
    printer: Printer, parts: list[Piece], flips: Sequence[bool], row_first: bool = False
) -> Piece:
    turned = [_transposed(printer, p) if f else p for p, f in zip(parts, flips, strict=True)]
    turned = [
        piece if count < LONG_RUN else Piece(f"matrix_power({piece.text}, {count})", ATOM)
        for piece, count in runs(turned)
    ]
    if len(turned) == 1:
        return turned[0]
    texts = [printer.wrap(part, POWER) for part in turned]
    if turned[0].level == MATMUL:  # the product binds to the left
        texts[0] = (row_first and turned[0].row) or turned[0].text
    return Piece(" @ ".join(texts), MATMUL)


def _is_diagonal(part: Piece) -> bool:
    return part.text.startswith("diag(")


def _multiplied(printer: Printer, parts: list[Piece], data: Any) -> Piece:
    if all(part == parts[0] for part in parts):
        return Piece(f"{printer.wrap(parts[0], ATOM)}**{len(parts)}", POWER)
    return Piece("*".join(printer.wrap(part, PRODUCT) for part in parts), PRODUCT)


def _called(name: str) -> Callable[[Printer, list[Piece], Any], Piece]:
    return lambda printer, parts, data: Piece(f"{name}({', '.join(p.text for p in parts)})", ATOM)


TextPrinter.forms = {
    "transpose": lambda printer, parts, axes: _transposed(printer, parts[0], axes),
    "index": _indexed,
    "column": lambda printer, parts, data: _indexed(printer, parts, (":", "newaxis")),
    "row": lambda printer, parts, data: _indexed(printer, parts, ("newaxis",)),
    "spread": lambda printer, parts, ranks: parts[0],
    "sum": _summed,
    "trace": _called("trace"),
    "diagonal": _called("diagonal"),
    "diag": _called("diag"),
    "outer": _called("outer"),
    "kron": _called("kron"),
    "chain": _chained,
    "times": _multiplied,
    "einsum": lambda printer, parts, labels: Piece(
        f'einsum("{labels}", {", ".join(part.text for part in parts)})', ATOM
    ),
}
