"""The common half of text and LaTeX: the walk over a plan, brackets by level, templates of ops."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from itertools import groupby
from string import Formatter
from typing import Any, Final, NamedTuple

from symgrad.expr.node import Expr
from symgrad.print.contraction import NotationStep
from symgrad.print.definitions import WritingPlan
from symgrad.print.extents import Said
from symgrad.print.terms import Product, Sum
from symgrad.print.views import Blocks, CallView, ContractionView, JoinView, Raised, Same, View

# How tightly a text holds together; an operand below the level that its place needs gets brackets
ONE_OF: Final = -1  # logic: or, but not both
EITHER: Final = 0
BOTH: Final = 1
COMPARE: Final = 2
SUM: Final = 3
MINUS: Final = 4  # a product with a minus sign before it
LOOSE: Final = 5  # an entrywise product or a sum sign in LaTeX
MATMUL: Final = 6
PRODUCT: Final = 7
POWER: Final = 8
ATOM: Final = 9

LONG_RUN: Final = 3  # equal matrices side by side that read as a power
MAX_DEFINITIONS: Final = 50
MAX_LENGTH: Final = 20_000
LINE_LENGTH: Final = 120


class Piece(NamedTuple):
    """A printed expression and its level.

    Attributes
    ----------
    text : str
    level : int
    row : str
        How a product of matrices reads as a row.
    turned : str
        How the transpose reads, where no sign for it is put to the text.
    cases : tuple of (value, conditions)
        The rows of a choice; the last one has no conditions.
    name : bool
        Whether it is a name, raised to a power or not: brackets after it would read as a call.
    """

    text: str
    level: int
    row: str = ""
    turned: str = ""
    cases: tuple[tuple[str, tuple[str, ...]], ...] = ()
    name: bool = False


def runs(parts: Sequence[Piece]) -> list[tuple[Piece, int]]:
    """Pieces with how often they stand side by side; short runs are left apart."""
    grouped = [(piece, len([*same])) for piece, same in groupby(parts)]
    return [
        pair
        for piece, count in grouped
        for pair in ([(piece, count)] if count >= LONG_RUN else [(piece, 1)] * count)
    ]


class Document(NamedTuple):
    """A printed formula: its body, the definitions shown, and how many are left out."""

    body: str
    definitions: list[tuple[str, str]]
    hidden: int


DrawForm = Callable[[Any, list[Piece], Any], Piece]  # printer, parts, the form's data


class Printer:
    """Draws the views of a plan. Subclasses say how each kind of view looks."""

    brackets: tuple[str, str]
    forms: Mapping[str, DrawForm]

    def __init__(self, plan: WritingPlan) -> None:
        self.plan = plan
        self.said: dict[Expr, Said] = {}
        if any(node.shape for node in plan.views):
            self.said = self._extents_said()

    def _extents_said(self) -> dict[Expr, Said]:
        """What each formula says of its shape."""
        raise NotImplementedError

    def document(self, max_length: int) -> Document:
        """The whole formula; definitions beyond the limits are counted, not shown."""
        plan = self.plan
        if plan.root in plan.names:
            body = self.reference(plan.names[plan.root]).text
        else:
            body = self.render(plan.root)
        shown: list[tuple[str, str]] = []
        length = len(body)
        for node, name in plan.names.items():
            if len(shown) == MAX_DEFINITIONS or length > max_length:
                break
            shown.append((self.reference(name).text, self.render(node)))
            length += len(shown[-1][0]) + len(shown[-1][1])
        return Document(body, shown, len(plan.names) - len(shown))

    def render(self, root: Expr) -> str:
        """The text of one node, down to the definitions below it."""
        views, names = self.plan.views, self.plan.names
        pieces: dict[Expr, Piece] = {}
        stack = [root]
        while stack:
            node = stack[-1]
            view = views[node]
            missing = []
            for child in view.children:
                if child not in pieces:
                    if child in names:
                        pieces[child] = self.reference(names[child])
                    else:
                        missing.append(child)
            if missing:
                stack.extend(reversed(missing))
                continue
            stack.pop()
            pieces[node] = self.draw(node, view, pieces)
        return self.whole(root, pieces[root]).text

    def whole(self, root: Expr, piece: Piece) -> Piece:
        """A formula that stands alone; a scalar that stands for all entries may be written out."""
        return piece

    def draw(self, node: Expr, view: View, pieces: dict[Expr, Piece]) -> Piece:
        """One node over the pieces of its children."""
        if isinstance(view, Product):
            return self.product(view, pieces)
        parts = [pieces[child] for child in view.children]
        match view:
            case Sum():
                return self.sum(view, self.terms(node, view, parts))
            case Raised():
                return self.raised(view, parts)
            case Same():
                return parts[0]
            case ContractionView():
                if view.form.kind != "spread" or view.form.parts[0].kind != "operand":
                    parts = self._whole(view.children, parts)
                return self.form(view.form, parts)
            case JoinView():
                return self.joined(view, self._whole(view.children, parts))
            case Blocks():
                return self.blocks(view, self._whole(view.children, parts))
            case CallView():
                whole = parts if view.node.op.elementwise else self._whole(view.children, parts)
                return self.call(view, whole)

    def _whole(self, nodes: Sequence[Expr], parts: list[Piece]) -> list[Piece]:
        """Operands of an op that mixes entries: here what is broadcast must be written out."""
        if not self.said:
            return parts
        return [
            part if self.is_complete(node) else self.stretched(node, part)
            for node, part in zip(nodes, parts, strict=True)
        ]

    def is_complete(self, node: Expr) -> bool:
        """Whether a formula reads as the array that it stands for, by what it says or by its name."""
        raise NotImplementedError

    def wrap(self, piece: Piece, level: int) -> str:
        """The text of a piece, in brackets if it is below `level`."""
        left, right = self.brackets
        return piece.text if piece.level >= level else f"{left}{piece.text}{right}"

    def terms(self, node: Expr, view: Sum, parts: list[Piece]) -> list[Piece]:
        """The terms of a sum; a scalar added to every entry may be written out."""
        return parts

    def sum(self, view: Sum, parts: list[Piece]) -> Piece:
        """Terms joined by their signs."""
        texts = [self.wrap(part, SUM) for part in parts]
        signed = [f" - {t[1:]}" if t.startswith("-") else f" + {t}" for t in texts[1:]]
        if view.hidden:
            signed.append(self.more(view.hidden, "terms"))
        return Piece(texts[0] + "".join(signed), SUM)

    def form(self, form: NotationStep, operands: list[Piece]) -> Piece:
        """A form over its operands; forms nest a few levels deep, whatever the formula."""
        if form.kind == "operand":
            index: int = form.data
            return operands[index]
        parts = [self.form(part, operands) for part in form.parts]
        return self.forms[form.kind](self, parts, form.data)

    def reference(self, name: str) -> Piece:
        """A name standing for a definition."""
        raise NotImplementedError

    def more(self, hidden: int, what: str) -> str:
        """The note that ends a sum that was cut."""
        raise NotImplementedError

    def product(self, view: Product, pieces: dict[Expr, Piece]) -> Piece:
        """Sign, coefficient and factors over factors."""
        raise NotImplementedError

    def raised(self, view: Raised, parts: list[Piece]) -> Piece:
        """A base raised to an exponent that is no number."""
        raise NotImplementedError

    def stretched(self, node: Expr, piece: Piece) -> Piece:
        """`piece` broadcast to the shape of `node`, written out."""
        raise NotImplementedError

    def joined(self, view: JoinView, parts: list[Piece]) -> Piece:
        """A concatenation or a stack."""
        raise NotImplementedError

    def blocks(self, view: Blocks, parts: list[Piece]) -> Piece:
        """A matrix of blocks."""
        raise NotImplementedError

    def call(self, view: CallView, parts: list[Piece]) -> Piece:
        """A leaf, or an op over its operands."""
        raise NotImplementedError


# Templates


@lru_cache(maxsize=4096)
def template_parts(template: str) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """The literal texts of a ``str.format`` template and the operands between them."""
    literals, operands = [""], []
    for literal, field, _, _ in Formatter().parse(template):
        literals[-1] += literal
        if field is not None:
            operands.append(int(field))
            literals.append("")
    return tuple(literals), tuple(operands)


def fill(template: str, texts: Callable[[str, int, str], str]) -> str:
    """A template with ``texts(before, operand, after)`` in its fields."""
    literals, operands = template_parts(template)
    done = [literals[0]]
    for i, operand in enumerate(operands):
        done += [texts(literals[i], operand, literals[i + 1]), literals[i + 1]]
    return "".join(done)
