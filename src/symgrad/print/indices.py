r"""LaTeX in index notation: ``\sum_{l} A_{il} B_{ljk}``, for what matrix notation cannot say.

The free indices i, j, k, ... are the axes of the formula, in order; indices count from 0, as in code.
A request is a node, the indices at which it is wanted, and the letters in use around it. What an op
does to indices is in `WAYS`; an op that is not there is written in matrix notation, in brackets with
indices, over operands that matrix notation can say: others get a name and a definition.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import count
from typing import Any, Final, NamedTuple

from symgrad.expr.dims import Dim, add_dims, dim_names
from symgrad.expr.leaves import ARANGE, EYE, SIZE, SYMBOL, is_number
from symgrad.expr.node import Expr
from symgrad.expr.op import Op
from symgrad.expr.traverse import toposort
from symgrad.ops.einsum import EINSUM
from symgrad.ops.gathering import GATHER
from symgrad.ops.layout import EMBED, SLICE, full_entry
from symgrad.ops.reduction import Reduction
from symgrad.print.contraction import NotationStep
from symgrad.print.definitions import WritingPlan
from symgrad.print.latex_leaves import extent_piece
from symgrad.print.printer import ATOM, LOOSE, MAX_DEFINITIONS, POWER, SUM, Document, Piece
from symgrad.print.terms import Product, Sum
from symgrad.print.views import CallView, ContractionView, Raised, Same, View, view_of

Indices = tuple[str, ...]
LETTERS: Final = "ijklmnpqrstuvwxyzabcdefgh"


class IndexRequest(NamedTuple):
    """A node wanted at `at`, while the letters of `used` stand for something."""

    node: Expr
    at: Indices
    used: Indices


Told = frozenset[tuple[str, Dim]]  # indices, and the extents of the axes at which they stand
NOTHING: Final[Told] = frozenset()


class IndexStep(NamedTuple):
    """The operands that a node needs, and how it is written over their pieces and what these tell.

    `tells` is what is told by the node itself, `bound` are the letters that nobody outside sees.
    """

    needs: list[IndexRequest]
    draw: Callable[[list[Piece], Told], Piece]
    tells: Told = NOTHING
    bound: Indices = ()


def says_all(plan: WritingPlan) -> bool:
    """Whether matrix notation can say everything in a plan without ``einsum`` and axis numbers."""
    return not any(
        isinstance(view, ContractionView) and _is_beyond(view.form, node)
        for node, view in plan.views.items()
    )


def _is_beyond(form: NotationStep, node: Expr) -> bool:
    """Whether a form has no matrix notation; forms nest a few levels deep."""
    if form.kind == "einsum" or (form.kind == "transpose" and form.data is not None):
        return True
    if form.kind == "sum" and form.data[0] is not None and form.data[1] > 2:
        return True
    if form.kind in ("index", "spread") and node.ndim > 2:
        return True
    return any(_is_beyond(part, node) for part in form.parts)


class IndexWriter:
    """Writes the formulas of a plan in index notation.

    `printer` draws sums, products, powers and functions of scalars; `matrix` gives a node in matrix
    notation.
    """

    def __init__(self, plan: WritingPlan, printer: Any, matrix: Callable[[Expr], str]) -> None:
        self.plan = plan
        self.printer = printer
        self.matrix = matrix
        self.taken = _names_in(plan)
        self.ends: set[str] = set()  # names of extents that are written

    def document(self, max_length: int) -> Document:
        """The whole formula; definitions beyond the limits are counted, not shown."""
        document = self._document(max_length)
        if self.ends <= self.taken:
            return document
        self.taken |= self.ends  # no letter that counts is the name of an extent as well
        return self._document(max_length)

    def _document(self, max_length: int) -> Document:
        self.names = dict(self.plan.names)
        self.later: list[Expr] = []  # nodes that get a definition while others are written
        root = self.plan.root
        body = self._reference(root) if root in self.names else self.write(root)
        shown: list[tuple[str, str]] = []
        length = len(body)
        waiting = list(self.plan.names)
        done = 0
        while done < len(waiting) + len(self.later):
            if len(shown) == MAX_DEFINITIONS or length > max_length:
                break
            node = waiting[done] if done < len(waiting) else self.later[done - len(waiting)]
            shown.append((self._reference(node), self.write(node)))
            length += len(shown[-1][0]) + len(shown[-1][1])
            done += 1
        return Document(body, shown, len(waiting) + len(self.later) - len(shown))

    def _reference(self, node: Expr) -> str:
        at = tuple(self.fresh((), node.ndim))
        return _indexed(self.printer.reference(self.names[node]).text, at)

    def fresh(self, used: Sequence[str], number: int) -> list[str]:
        """Letters that stand for nothing yet; numbered ones when the alphabet is used up."""
        letters: Iterator[str] = iter(LETTERS)
        numbered = (f"i_{{{k}}}" for k in count(1))
        found: list[str] = []
        while len(found) < number:
            letter = next(letters, None) or next(numbered)
            if letter not in used and letter not in self.taken:
                found.append(letter)
        return found

    def write(self, root: Expr) -> str:
        """The text of one node, down to the definitions below it."""
        at = tuple(self.fresh((), root.ndim))
        first = IndexRequest(root, at, at)
        told: dict[IndexRequest, Told] = {}
        steps: dict[IndexRequest, IndexStep] = {}
        pieces: dict[IndexRequest, Piece] = {}
        stack = [first]
        while stack:
            request = stack[-1]
            if request in pieces:
                stack.pop()
                continue
            step = steps.get(request)
            if step is None:
                named = request.node in self.names and request is not first
                step = steps[request] = self._named(request) if named else self.step(request)
                stack.extend([r for r in reversed(step.needs) if r not in pieces])
                continue
            stack.pop()
            below = NOTHING.union(*[told[r] for r in step.needs])
            pieces[request] = step.draw([pieces[r] for r in step.needs], below)
            told[request] = step.tells | {pair for pair in below if pair[0] not in step.bound}
        ranges = self.ranges(dict(zip(at, root.shape, strict=True)), told[first], within=False)
        return pieces[first].text + rf" \quad \left({ranges}\right)" * bool(ranges)

    def ranges(self, indices: Mapping[str, Dim], told: Told, within: bool) -> str:
        """How far indices run where no array tells; `within` names the others too, as a sum does."""
        listed: list[tuple[list[str], Dim | None]] = []
        for index, dim in indices.items():
            known = {d for i, d in told if i == index} == {dim}
            end = None if known else dim
            if known and not within:
                continue
            if listed and listed[-1][1] == end:
                listed[-1][0].append(index)
            else:
                listed.append(([index], end))
            self.ends.update(() if known else dim_names(dim))
        return ", ".join(
            ", ".join(some) + ("" if end is None else f" < {extent_piece(end).text}")
            for some, end in listed
        )

    def _named(self, request: IndexRequest) -> IndexStep:
        shown = _indexed(self.printer.reference(self.names[request.node]).text, request.at)
        return IndexStep([], lambda parts, told: Piece(shown, ATOM, name=True), _told(request))

    def step(self, request: IndexRequest) -> IndexStep:
        """How one node is written."""
        node = request.node
        view = self._view(node)
        if isinstance(view, (Sum, Product, Raised, Same)):
            return self._entrywise(request, view)
        if isinstance(view, ContractionView):
            return self.whole(request) if view.form.kind == "kron" else _contraction(self, request)
        way = _way_of(node.op)
        if way is not None and not (isinstance(view, CallView) and view.hidden):
            return way(self, request)
        if isinstance(view, CallView) and node.op.elementwise and node.args:
            return self._entrywise(request, view)
        if is_number(node) or (node.ndim == 0 and not node.args):
            shown = self.printer.call(CallView((), 0, node), [])
            return IndexStep([], lambda parts, told: shown)
        return self.whole(request)

    def _view(self, node: Expr) -> View:
        """The view of a node; those that the plan does not show are written as they are."""
        view = self.plan.views.get(node)
        return view_of(node, lambda child: False) if view is None else view

    def _entrywise(self, request: IndexRequest, view: View) -> IndexStep:
        """Every operand at the same indices; what was a scalar stretched is a scalar."""
        needs = [IndexRequest(x, request.at if x.ndim else (), request.used) for x in view.children]

        def draw(parts: list[Piece], told: Told) -> Piece:
            pieces = dict(zip(view.children, parts, strict=True))
            drawn: Piece = self.printer.draw_scalar(request.node, view, pieces)
            return drawn

        return IndexStep(needs, draw)

    def whole(self, request: IndexRequest) -> IndexStep:
        """A node in matrix notation, in brackets with indices."""
        shown = self.matrix(self._sayable(request.node))
        if request.at:
            shown = _indexed(rf"\left[{shown}\right]", request.at)
        return IndexStep([], lambda parts, told: Piece(shown, ATOM), _told(request))

    def _sayable(self, node: Expr) -> Expr:
        """The node over symbols in place of operands that are formulas of their own."""
        view = self._view(node)
        node = view.node if isinstance(view, CallView) else node
        if not node.args:
            return node
        return node.op.build(tuple([self._stand_in(x) for x in node.args]), node.params)

    def _stand_in(self, x: Expr) -> Expr:
        layout = x.op is EINSUM and len(x.args) == 1 and x.ndim <= 2 and not x.args[0].args
        plain = not x.args or layout
        if plain and x not in self.names:
            return x
        if x not in self.names:
            self.names[x] = self._new_name()
            self.later.append(x)
        return SYMBOL.build((), (self.names[x], x.shape, x.ty, (), "definition"))

    def _new_name(self) -> str:
        taken = {*self.names.values(), *self.taken}
        return next(name for k in count(1) if (name := f"t{k}") not in taken)


def _names_in(plan: WritingPlan) -> set[str]:
    """The names of symbols, and of extents that are written out: no index may take them."""
    nodes = toposort([plan.root])
    names = {str(node.name) for node in nodes if node.op.label is not None}
    for node in nodes:
        dims = node.params if node.op is SIZE else node.args[0].shape if node.op is SLICE else ()
        names.update(name for d in dims for name in dim_names(d))
    return names


def _told(request: IndexRequest) -> Told:
    """What an array tells that is written with its indices."""
    return frozenset(zip(request.at, request.node.shape, strict=True))


def _indexed(name: str, at: Sequence[str]) -> str:
    """``x_{ij}``; indices of more than one letter are set apart by commas."""
    if not at:
        return name
    separator = "" if all(len(index) == 1 and index.isalpha() for index in at) else ", "
    own = not name.startswith(r"\left[") and ("_" in name or "^" in name)
    base = f"{{{name}}}" if own else name
    return f"{base}_{{{separator.join(at)}}}"


# Contractions


def _contraction(writer: IndexWriter, request: IndexRequest) -> IndexStep:
    node = request.node
    inputs, out, _ = node.params
    index = dict(zip(out, request.at, strict=True))
    summed: dict[str, Dim] = {}
    for x, labels in zip(node.args, inputs, strict=True):
        for label, dim in zip(labels, x.shape, strict=True):
            if label not in index:
                (letter,) = ["0"] if dim == 1 else writer.fresh((*request.used, *summed), 1)
                index[label] = letter
                if dim != 1:
                    summed[letter] = dim
    used = (*request.used, *summed)
    needs = [
        IndexRequest(x, tuple([index[label] for label in labels]), used)
        for x, labels in zip(node.args, inputs, strict=True)
    ]
    return IndexStep(
        needs, lambda parts, told: _summed(writer, summed, parts, told), bound=tuple(summed)
    )


def _summed(
    writer: IndexWriter, summed: Mapping[str, Dim], parts: list[Piece], told: Told
) -> Piece:
    factors: dict[Piece, int] = {}
    for part in parts:
        factors[part] = factors.get(part, 0) + 1
    powers = [writer.printer.power_of(piece, n) for piece, n in factors.items()]
    product: Piece = writer.printer.beside(powers)
    if not summed:
        return product
    body = writer.printer.wrap(product, LOOSE)
    return Piece(rf"\sum_{{{writer.ranges(summed, told, within=True)}}} {body}", LOOSE)


# Ops that act on indices


def _symbol(writer: IndexWriter, request: IndexRequest) -> IndexStep:
    shown = _indexed(writer.printer.reference(str(request.node.name)).text, request.at)
    level = POWER if "^" in shown else ATOM
    return IndexStep([], lambda parts, told: Piece(shown, level, name=True), _told(request))


def _delta(writer: IndexWriter, request: IndexRequest) -> IndexStep:
    return IndexStep([], lambda parts, told: Piece(_indexed(r"\delta", request.at), ATOM))


def _counted(writer: IndexWriter, request: IndexRequest) -> IndexStep:
    shown = request.at[0]
    return IndexStep([], lambda parts, told: Piece(shown, ATOM if shown.isalnum() else SUM))


def _slice(writer: IndexWriter, request: IndexRequest) -> IndexStep:
    at = iter(request.at)
    x = request.node.args[0]
    moved = [
        _place(d, entry) if isinstance(entry, int) else _moved(next(at), *entry[:3:2])
        for d, entry in zip(x.shape, request.node.params.at, strict=True)
    ]
    return IndexStep([IndexRequest(x, tuple(moved), request.used)], lambda parts, told: parts[0])


def _place(extent: Dim, k: int) -> str:
    """An index, counted from the front."""
    return str(add_dims(extent, k) if k < 0 else k)


def _embedded(writer: IndexWriter, request: IndexRequest) -> IndexStep:
    """What stands at known places among zeros, such as ``\\delta_{0, i} v_j`` for a row."""
    (part,), (shape, entries) = request.node.args, request.node.params
    axes = list(zip(shape, entries, request.at, strict=True))
    if any(e.__class__ is not int and e != full_entry(d) for d, e, _ in axes):
        return writer.whole(request)
    deltas = [
        Piece(_indexed(r"\delta", (_place(d, e), index)), ATOM)
        for d, e, index in axes
        if e.__class__ is int
    ]
    kept = tuple([index for _, e, index in axes if e.__class__ is not int])
    return IndexStep(
        [IndexRequest(part, kept, request.used)],
        lambda parts, told: _summed(writer, {}, [*parts, *deltas], told),
    )


def _moved(index: str, start: Any, step: int) -> str:
    """``start + step*index``."""
    compound = not index.isalnum()
    scaled = (
        index
        if abs(step) == 1
        else f"{abs(step)} ({index})"
        if compound
        else f"{abs(step)} {index}"
    )
    if step < 0:
        return f"{start} - ({index})" if compound and step == -1 else f"{start} - {scaled}"
    return scaled if start == 0 else f"{scaled} + {start}"


def _gather(writer: IndexWriter, request: IndexRequest) -> IndexStep:
    """``x[i]`` at (k, ...) is x at (i_k, ...), for indices that are symbols."""
    x, *indices = request.node.args
    if any(i.op is not SYMBOL for i in indices):
        return writer.whole(request)
    rank = indices[0].ndim
    picked = [
        _indexed(writer.printer.reference(str(i.name)).text, request.at[:rank]) for i in indices
    ]
    at = (*picked, *request.at[rank:])
    tells = frozenset(zip(request.at[:rank], indices[0].shape, strict=True))
    return IndexStep([IndexRequest(x, at, request.used)], lambda parts, told: parts[0], tells)


def _over_axes(sign: str, writer: IndexWriter, request: IndexRequest) -> IndexStep:
    """A reduction written as ``\\max_{j}`` before its operand."""
    (x,), (axes,) = request.node.args, request.node.params
    letters = writer.fresh(request.used, len(axes))
    bound = {letter: x.shape[axis] for letter, axis in zip(letters, axes, strict=True)}
    kept, gone = iter(request.at), iter(bound)
    at = tuple([next(gone) if axis in axes else next(kept) for axis in range(x.ndim)])

    def draw(parts: list[Piece], told: Told) -> Piece:
        body = writer.printer.wrap(parts[0], LOOSE)
        return Piece(rf"{sign}_{{{writer.ranges(bound, told, within=True)}}} {body}", LOOSE)

    return IndexStep([IndexRequest(x, at, (*request.used, *letters))], draw, bound=tuple(letters))


def _way_of(op: Op) -> Callable[[IndexWriter, IndexRequest], IndexStep] | None:
    """What an op does to indices; None where nobody says."""
    if isinstance(op, Reduction) and op.sign is not None:
        return partial(_over_axes, op.sign)
    return WAYS.get(op)


WAYS: Final[dict[Any, Callable[[IndexWriter, IndexRequest], IndexStep]]] = {
    SYMBOL: _symbol,
    EYE: _delta,
    ARANGE: _counted,
    SLICE: _slice,
    EMBED: _embedded,
    GATHER: _gather,
}
