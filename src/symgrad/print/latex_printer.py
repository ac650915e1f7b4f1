r"""Formulas drawn as LaTeX: leaves, sums and products, ops, contractions in matrix notation."""

from __future__ import annotations

import re
from fractions import Fraction
from itertools import islice
from typing import Any, Final

from symgrad.expr.leaves import CONST, EYE, SYMBOL, is_number
from symgrad.expr.node import Expr
from symgrad.expr.types import BOOL
from symgrad.ops.applied import APPLIED
from symgrad.ops.arithmetic import MUL
from symgrad.ops.einsum import EINSUM
from symgrad.ops.exponential import exp
from symgrad.ops.gathering import GATHER
from symgrad.ops.guard import WHERE
from symgrad.ops.layout import SLICE
from symgrad.ops.matrix_powers import MATRIX_POWER, POWER_ALONG
from symgrad.ops.scan import SCAN
from symgrad.print.among_zeros import index_latex, units_latex, unsaid_axes
from symgrad.print.definitions import WritingPlan
from symgrad.print.extents import Said, extents_needed, extents_said, said_in_latex, says
from symgrad.print.functions import function_latex
from symgrad.print.latex_cases import cases
from symgrad.print.latex_forms import FORMS, transposed
from symgrad.print.latex_leaves import (
    LEAVES,
    extent_piece,
    matrix,
    name_piece,
    number_piece,
    one_piece,
    shown_name,
)
from symgrad.print.latex_names import escaped
from symgrad.print.latex_options import DEFAULT, LatexOptions
from symgrad.print.loops import scan_latex
from symgrad.print.matrix_powers import derivative_latex, power_latex
from symgrad.print.printer import (
    ATOM,
    BOTH,
    COMPARE,
    EITHER,
    LOOSE,
    MATMUL,
    MINUS,
    ONE_OF,
    POWER,
    PRODUCT,
    SUM,
    Piece,
    Printer,
    fill,
)
from symgrad.print.terms import MAX_SHOWN, Power, Product, Sum, reading_value
from symgrad.print.text import array_text, is_scalar
from symgrad.print.views import Blocks, CallView, ContractionView, JoinView, Raised, View

# Nodes


def _index_piece(node: Expr, piece: Piece) -> Piece:
    """An array of indices in one line."""
    is_array = node.op is CONST and not is_number(node)
    return Piece(array_text(node), ATOM) if is_array else piece


def _indicator(truth: Piece) -> Piece:
    return Piece(rf"\mathbf{{1}}\left[{truth.text}\right]", ATOM)


class LatexPrinter(Printer):
    """Draws views as LaTeX."""

    brackets = (r"\left(", r"\right)")
    forms = FORMS
    entries = False  # whether what is drawn are entries, so that everything is a scalar

    def __init__(self, plan: WritingPlan, options: LatexOptions = DEFAULT) -> None:
        super().__init__(plan)
        self.options = options
        self.needed = extents_needed(plan, self.said) if self.said else {}
        self.at = plan.root  # the node that is drawn

    def reference(self, name: str) -> Piece:
        chosen = self.options.symbol_names.get(name)
        return name_piece(name) if chosen is None else shown_name(chosen)

    def number(self, value: Any) -> Piece:
        """A number, its power of ten behind the sign that stands between factors."""
        piece = number_piece(value)
        return piece._replace(text=piece.text.replace(r" \cdot ", self.options.dot))

    def more(self, hidden: int, what: str) -> str:
        return rf" + \dots + \text{{{hidden} more {what}}}"

    def draw(self, node: Expr, view: View, pieces: dict[Expr, Piece]) -> Piece:
        r"""Truth values that are counted with are ``\mathbf{1}[x > 0]``."""
        if node.ty is not BOOL and isinstance(view, (Product, Sum, Raised, ContractionView)):
            truths = [x for x in view.children if x.ty is BOOL and pieces[x].level <= COMPARE]
            if truths:
                pieces = {x: pieces[x] for x in view.children}
                pieces |= {x: _indicator(pieces[x]) for x in truths}
        self.at = node
        return super().draw(node, view, pieces)

    def product(self, view: Product, pieces: dict[Expr, Piece]) -> Piece:
        """Scalars before tensors, whose entrywise product is a circled dot."""
        above = [self._factor(f, pieces) for f in view.above if self._is_scalar(f.base)]
        above.sort(key=lambda piece: LOOSE <= piece.level < PRODUCT)
        tensors = [self._factor(f, pieces) for f in view.above if not self._is_scalar(f.base)]
        below = [self._factor(f, pieces) for f in view.below if self._is_scalar(f.base)]
        under = [self._factor(f, pieces) for f in view.below if not self._is_scalar(f.base)]
        size = view.coefficient
        if size.__class__ is Fraction:
            if size.denominator != 1:
                below.insert(0, self.number(size.denominator))
            size = size.numerator
        if size != 1:
            above.insert(0, self.number(size))
        if any(f.base.ndim > 1 and not self._is_scalar(f.base) for f in view.below):
            piece = self._entrywise_quotient(view, pieces, above, tensors)
        else:
            plain = all(
                self._is_scalar(f.base) and (not f.base.args or f.base in self.plan.names)
                for f in view.below
            )
            piece = self._quotient(above, tensors, below, under, plain)
        if view.hidden:
            piece = Piece(rf"{piece.text} \cdots \text{{{view.hidden} more factors}}", LOOSE)
        piece = Piece(f"-{self.wrap(piece, LOOSE)}", MINUS) if view.negative else piece
        return self._with_transpose(piece, view, pieces)

    def _with_transpose(self, piece: Piece, view: Product, pieces: dict[Expr, Piece]) -> Piece:
        """A multiple of one tensor stands transposed as the multiple of its transpose."""
        held = [f for f in view.above if not self._is_scalar(f.base)]
        if len(held) != 1 or held[0].exponent != 1:
            return piece
        transpose = pieces[held[0].base].turned or pieces[held[0].base].row
        if not transpose:
            return piece
        if any(not self._is_scalar(f.base) for f in view.below):
            return piece
        turned = Piece(transpose, PRODUCT)
        return piece._replace(turned=self.product(view, {**pieces, held[0].base: turned}).text)

    def _quotient(
        self,
        above: list[Piece],
        tensors: list[Piece],
        below: list[Piece],
        under: list[Piece],
        plain: bool,
    ) -> Piece:
        """Scalars and tensors over scalars and tensors."""
        if not below and not under:
            return self._juxtaposed(above, tensors)
        divisor = self._juxtaposed(below, under)
        bottom = divisor.text
        held: list[Piece] = []
        if plain:  # a quotient of plain scalars stands before tensors and sums
            held, tensors = tensors, []
            if not held and above and _stands_apart(above[-1]):
                held = [above.pop()]
        fractions = [_is_sum_of_fractions(piece) for piece in above]
        if fractions.count(True) == 1 < len(above) and not held and not tensors:
            held = [above.pop(fractions.index(True))]
        over = self._juxtaposed(above, tensors) if above or tensors else Piece("1", ATOM)
        if self.options.fold_short_frac and not held and _is_short(over.text + bottom, FOLDED):
            return Piece(f"{self.wrap(over, PRODUCT)} / {self.wrap(divisor, POWER)}", LOOSE)
        quotient = Piece(rf"\frac{{{over.text}}}{{{bottom}}}", PRODUCT)
        return self._juxtaposed([quotient], held) if held else quotient

    def _entrywise_quotient(
        self, view: Product, pieces: dict[Expr, Piece], above: list[Piece], tensors: list[Piece]
    ) -> Piece:
        r"""A quotient by matrices, ``S \oslash R``: a fraction could be read as a product."""
        below = [self._factor(f, pieces) for f in view.below if self._is_scalar(f.base)]
        under = [self._factor(f, pieces) for f in view.below if not self._is_scalar(f.base)]
        if view.coefficient.__class__ is Fraction and view.coefficient.denominator != 1:
            below.insert(0, self.number(view.coefficient.denominator))
        scalars = [self._quotient(above, [], below, [], True)] if above or below else []
        if not tensors:
            tensors, scalars = scalars or [Piece("1", ATOM)], []
        sides = [r" \odot ".join(self.wrap(t, POWER) for t in side) for side in (tensors, under)]
        if len(under) > 1:
            sides[1] = rf"\left({sides[1]}\right)"
        return self._juxtaposed([*scalars, Piece(r" \oslash ".join(sides), LOOSE)], [])

    def _juxtaposed(self, scalars: list[Piece], tensors: list[Piece]) -> Piece:
        """Factors side by side, tensors with a circled dot between them."""
        factors = list(scalars)
        if len(tensors) > 1:
            factors.append(Piece(r" \odot ".join(self.wrap(t, POWER) for t in tensors), LOOSE))
        else:
            factors += tensors
        if len(factors) == 1:
            return factors[0]
        level = min(PRODUCT, max(LOOSE, factors[-1].level))
        joined = ""
        for position, factor in enumerate(factors):
            last = position == len(factors) - 1
            shown = self.wrap(factor, LOOSE if last else PRODUCT)
            joined += self._gap(factors[position - 1], joined, shown) + shown
        return Piece(joined, level)

    def _gap(self, factor: Piece, before: str, after: str) -> str:
        """What separates two factors: a dot where a reader would take them for one thing.

        These are a name and what stands in brackets, as in a call, and whatever a digit comes after.
        """
        if not before:
            return ""
        call = factor.name and after.startswith(r"\left(")
        ones = before[-1].isdigit() and _ONES.match(after)
        return self.options.dot if call or ones or _DIGIT.match(after) else self.options.between

    def _factor(self, factor: Power, pieces: dict[Expr, Piece]) -> Piece:
        base, n = pieces[factor.base], factor.exponent
        if n == 1:
            return base
        if n == Fraction(1, 2):
            return Piece(rf"\sqrt{{{base.text}}}", ATOM)
        if n.__class__ is Fraction and self.options.fold_frac_powers:
            return self._power(
                base, Piece(f"{n.numerator}/{n.denominator}", PRODUCT), self._is_scalar(factor.base)
            )
        return self._power(base, self.number(n), self._is_scalar(factor.base))

    def raised(self, view: Raised, parts: list[Piece]) -> Piece:
        base, exponent = parts
        return self._power(base, exponent, self._is_scalar(view.children[0]))._replace(name=False)

    def _power(self, base: Piece, exponent: Piece, scalar: bool) -> Piece:
        r"""``x^{2}``; ``\sin^{2}\left(x\right)`` of a function; ``A^{\odot 2}`` of a tensor."""
        call = _CALL.match(base.text) if base.level == ATOM else None
        if call:
            head = call[0]
            return Piece(f"{head}^{{{exponent.text}}}{base.text[len(head) :]}", POWER)
        mark = "" if scalar else r"\odot "
        text = f"{self.wrap(base, ATOM)}^{{{mark}{exponent.text}}}"
        return Piece(text, POWER, name=base.name)

    # Entries, for index notation

    def draw_scalar(self, node: Expr, view: View, pieces: dict[Expr, Piece]) -> Piece:
        """One entrywise node over the pieces of entries."""
        self.entries = True
        try:
            return self.draw(node, view, pieces)
        finally:
            self.entries = False

    def beside(self, factors: list[Piece]) -> Piece:
        """A product of entries."""
        return self._juxtaposed(factors, []) if factors else Piece("1", ATOM)

    def power_of(self, piece: Piece, n: int) -> Piece:
        """An entry to a positive power."""
        return piece if n == 1 else self._power(piece, self.number(n), True)

    def _is_scalar(self, node: Expr) -> bool:
        return self.entries or is_scalar(node)

    # Broadcasting

    def _extents_said(self) -> dict[Expr, Said]:
        return extents_said(self.plan, said_in_latex, unsaid_axes)

    def is_complete(self, node: Expr) -> bool:
        return self.entries or node in self.plan.names or len(self.said[node]) == node.ndim

    def whole(self, root: Expr, piece: Piece) -> Piece:
        complete = not self.said or len(self.said[root]) == root.ndim
        return piece if complete else self.stretched(root, piece)

    def unsaid(self, node: Expr) -> list[int]:
        """The axes of a formula whose extents are to be told, and are told by nothing else."""
        needed = sorted(self.needed.get(node, ()))
        return [axis for axis in needed if not says(node, axis, self.said[node])]

    def ones(self, axis: int) -> str:
        """A column of ones along an axis of the node that is drawn."""
        told = axis in self.unsaid(self.at)
        return one_piece("1", self.at.shape[axis : axis + 1] if told else ()).text

    def terms(self, node: Expr, view: Sum, parts: list[Piece]) -> list[Piece]:
        r"""Beside products of matrices a scalar is one of all entries: ``A B + 2 \mathbf{1} ...``.

        So it is in a sum that is the whole formula, but for numbers: ``x + 1``.
        """
        if self.entries or not self.said:
            return parts
        algebra = node.ndim == 2 and any(map(_is_of_matrices, view.children))
        if not algebra and (node is not self.plan.root or not self.said[node]):
            return parts
        return [
            part
            if x in self.plan.names or self.said[x] or (is_number(x) and not algebra)
            else self.stretched(node, part)
            for x, part in zip(view.children, parts, strict=True)
        ]

    def stretched(self, node: Expr, piece: Piece) -> Piece:
        """A scalar for every entry of an array."""
        shape = node.shape if self.unsaid(node) else ()
        if node.ndim > 2 and not shape:
            return piece
        if piece.text in ("0", "0.0", r"\text{False}"):
            return one_piece("0", shape)
        ones = one_piece("1", shape)
        if node.ndim == 2 and not shape:
            ones = Piece(rf"{ones.text} {ones.text}^{{\top}}", PRODUCT)
        if piece.text in ("1", "1.0", r"\text{True}"):
            return ones
        minus = piece.level == MINUS and piece.text.startswith("-")
        scalar = piece
        if minus:
            level = ATOM if _BAR.fullmatch(piece.text[1:]) else LOOSE
            scalar = Piece(piece.text[1:], level)
        filled = self._juxtaposed([scalar], [ones])
        return Piece(f"-{filled.text}", MINUS) if minus else filled

    def joined(self, view: JoinView, parts: list[Piece]) -> Piece:
        """Blocks under or beside each other where two axes can show them."""
        listed = [part.text for part in parts]
        if view.hidden:
            listed.append(rf"\text{{{view.hidden} more}}")
        rows = [_column(part.text) for part in parts]
        if view.stacked and view.ndim == 2 and view.axis == 0 and not view.hidden and all(rows):
            return matrix([row or [] for row in rows])
        if view.stacked and view.ndim == 2 and view.axis == 0:
            listed[: len(parts)] = [transposed(self, part).text for part in parts]
        if view.ndim > 2:
            name = "stack" if view.stacked else "concatenate"
            inner = ", ".join(listed)
            return Piece(rf"\operatorname{{{name}}}_{{{view.axis}}}\left({inner}\right)", ATOM)
        return matrix([[entry] for entry in listed] if view.axis == 0 else [listed])

    def blocks(self, view: Blocks, parts: list[Piece]) -> Piece:
        listed = [part.text for part in parts]
        return matrix([listed[k : k + view.width] for k in range(0, len(listed), view.width)])

    def call(self, view: CallView, parts: list[Piece]) -> Piece:
        node, op = view.node, view.node.op
        if op is GATHER:
            parts[1:] = [_index_piece(*pair) for pair in zip(view.children, parts, strict=True)][1:]
        if op is SYMBOL:
            return self.reference(str(node.name))
        if op is APPLIED and not view.hidden:
            return function_latex(node, parts, self.reference, self.entries)
        if op is MATRIX_POWER:
            return power_latex(node, parts, self, transposed)
        if op is POWER_ALONG and not view.hidden:
            return derivative_latex(node, parts, self)
        if op is WHERE:
            return cases(*parts)
        if op is SCAN and not view.hidden:
            return scan_latex(node, parts, lambda plan: LatexPrinter(plan, self.options))
        if op is exp and self._is_power(node, parts):
            return Piece(f"e^{{{parts[0].text}}}", POWER)
        if op is CONST and is_number(node):
            return self.number(reading_value(node))
        if op in LEAVES:
            return LEAVES[op](node)
        listed = [part.text for part in parts]
        template = self._template(node)
        if template is None or view.hidden:
            if view.hidden:
                listed.append(rf"\text{{{view.hidden} more}}")
            inner = ", ".join(listed)
            return Piece(rf"\operatorname{{{escaped(op.name)}}}\left({inner}\right)", ATOM)
        return _filled(self, template, parts, node.ty is BOOL)

    def _template(self, node: Expr) -> str | None:
        """The template of an op; a unit vector tells its extent where nothing else does."""
        if not self.entries and unsaid_axes(node) and self.unsaid(node):
            return units_latex(node, lambda d: rf"^{{{{({extent_piece(d).text})}}}}")
        return _template(node)

    def _is_power(self, node: Expr, parts: list[Piece]) -> bool:
        r"""Whether ``exp(u)`` is written as a power of e: of scalars, where u is short."""
        style = self.options.exp
        if style != "auto":
            return style == "power"
        text = parts[0].text
        return self._is_scalar(node) and _is_short(text, EXPONENT) and not _TALL.search(text)


def _stands_apart(factor: Piece) -> bool:
    """Whether a scalar stands behind a fraction: a sum, or the square of a norm."""
    norm = factor.level == POWER and factor.text.startswith(r"\left\lVert")
    return norm or LOOSE <= factor.level < PRODUCT


def _is_sum_of_fractions(factor: Piece) -> bool:
    """Whether a factor would put fractions above a fraction bar."""
    return factor.level < LOOSE and r"\frac" in factor.text


def _column(text: str) -> list[str] | None:
    """The entries of a column that is written out; None for anything else."""
    found = _COLUMN.fullmatch(text)
    if found is None or any(sign in found[1] for sign in (r"\begin", "&")):
        return None
    return found[1].split(r" \\ ")


_COLUMN: Final = re.compile(r"\\begin\{bmatrix\} (.*) \\end\{bmatrix\}", re.DOTALL)


_BAR: Final = re.compile(r"\\bar\{[^{}]*\}")  # a mean
_TALL: Final = re.compile(r"e\^|\\sum")  # no reader wants these in an exponent
FOLDED: Final = 6  # signs of a fraction that may be written on the line
EXPONENT: Final = 12  # signs of an exponent that is short


def _is_short(text: str, most: int) -> bool:
    """Whether a formula has few signs, a command counted as one, and no rows."""
    signs = re.sub(r"\\(?:frac|left|right|mathit|operatorname)", "", text)
    signs = re.sub(r"\\[a-zA-Z]+", "x", signs)
    return r"\begin" not in text and len(re.sub(r"[\s{}_^]", "", signs)) <= most


def _is_of_matrices(term: Expr) -> bool:
    """Whether a term is a product of matrices or an identity, but for factors."""
    factors = [term]
    for x in islice(factors, MAX_SHOWN):  # grows on the way
        if x.op is EYE or (x.op is EINSUM and len(x.args) > 1):
            return True
        factors += x.args if x.op is MUL else ()
    return False


_CALL: Final = re.compile(r"(\\operatorname\{[^{}]*\}|\\[a-zA-Z]+)(_\{\w+\})?(?=\\left[(|])")


# Ops

_DIGIT: Final = re.compile(r"(?:\\(?:text|mathrm|mathit|operatorname)\{)?\d")  # names, too: 50\%
_LOGIC: Final = {r"\wedge": BOTH, r"\vee": EITHER, r"\oplus": ONE_OF}
_ONES: Final = re.compile(r"\\mathbf\{[01]\}(?!\\left)")
AXES: Final = "ijklmnopqr"


def _template(node: Expr) -> str | None:
    """The template of an op, made from its text notation where it has none of its own."""
    op = node.op
    if op is SLICE:
        return index_latex(node)
    if op.latex is not None:
        return op.latex(node) if callable(op.latex) else op.latex
    text = op.text(node) if callable(op.text) else op.text
    if text is None:
        return None
    indexed = re.fullmatch(r"\{0\}\[(.*)\]", text)
    if indexed:
        whole = ", :" * (node.args[0].ndim - len(node.args) + 1) if op is GATHER else ""
        return f"{{{{{{0}}}}}}_{{{{{indexed[1]}{whole}}}}}"
    called = re.fullmatch(r"(\w+)\((.*?)(?:, axis=(\d))?\)", text)
    if called:
        name, inner = called[1].replace("_", r"\_"), called[2].replace("_", r"\_")
        below = f"_{{{{{AXES[int(called[3])]}}}}}" if called[3] else ""
        return rf"\operatorname{{{{{name}}}}}{below}\left({inner}\right)"
    return None


def _filled(printer: Printer, template: str, parts: list[Piece], boolean: bool) -> Piece:
    """A template over operands, with brackets where nothing else delimits them."""

    def operand(before: str, index: int, after: str) -> str:
        opened = before.endswith(("(", "|", "{", ", ", "} ", "& ", "\\\\ ", r"\lVert "))
        closed = after.startswith((",", r"\right", r" \right", "|", "}", " &", r" \\", r" \end"))
        if opened and closed and not after.startswith(("}^", "}_")):
            return parts[index].text
        if joins in (BOTH, EITHER) and parts[index].level in (joins, COMPARE):
            return parts[index].text
        infix = boolean and (before or " ")[-1] == " "
        return printer.wrap(parts[index], SUM if infix else ATOM)

    if template == "{0}":
        return parts[0]
    joins = next((level for sign, level in _LOGIC.items() if sign in template), None)
    shown = fill(template, operand)
    shown = re.sub(r"^\{(\\?[a-zA-Z]+)\}(?=[_^])", r"\1", shown)  # a bare name needs no braces
    if re.match(r"\\\w+_\{\{\w+\}\} ", template):  # a sign over entries
        return Piece(shown, LOOSE)
    if template.startswith(("{0} ", r"\neg")):
        return Piece(
            shown, COMPARE if joins is None else joins
        )  # what x mod y takes in is seen only in brackets
    if template.endswith("}") and not template.endswith("}}"):  # ends in an operand
        return Piece(shown, MATMUL)
    return Piece(shown, POWER if "}^{{" in template or re.match(r"\w\^", template) else ATOM)
