"""Which extents a printed formula says, and which it has to: ``c`` of shape (3,) is ``c \\mathbf{1}_{3}``.

Broadcasting is not written, so that what is written may have fewer axes than what is meant, or axes of
which nothing says how long they are: those of a column of ones, or of a unit vector. In an entrywise
formula one operand says it for all of them; in a product of matrices the neighbour does. Where nobody
does, and somebody must know, it is said.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from symgrad.expr.leaves import is_number
from symgrad.expr.node import Expr
from symgrad.print.contraction import NotationStep
from symgrad.print.definitions import WritingPlan
from symgrad.print.terms import Product, Sum
from symgrad.print.views import Blocks, CallView, ContractionView, JoinView, Raised, Same, View

Said = tuple[bool, ...]  # of the last axes, those that are written: whether the extent is known
Needed = dict[Expr, set[int]]  # the axes whose extents somebody must know

ENTRYWISE: Final = (Sum, Product, Raised, Same)


def is_entrywise(view: View) -> bool:
    """Whether a view is drawn entry by entry, over operands of one shape or scalars."""
    return isinstance(view, ENTRYWISE) or (
        isinstance(view, CallView) and bool(view.children) and view.node.op.elementwise
    )


def extents_said(
    plan: WritingPlan,
    of_contraction: Callable[..., Said],
    unsaid_axes: Callable[[Expr], Sequence[int]] = lambda node: (),
) -> dict[Expr, Said]:
    """What each formula says by itself; a part with a name says all to those who use it.

    ``of_contraction(node, view, said)`` is what the form of an Einsum says over its operands,
    ``unsaid_axes(node)`` are the axes of which other ops say nothing.
    """
    said: dict[Expr, Said] = {}

    def known(x: Expr) -> Said:
        return (True,) * x.ndim if x in plan.names else said[x]

    for node, view in plan.views.items():
        if is_entrywise(view):
            said[node] = _joined([known(child) for child in view.children])
        elif isinstance(view, ContractionView):
            said[node] = of_contraction(node, view, [known(child) for child in view.children])
        elif not view.children and is_number(node):
            said[node] = ()
        else:
            unsaid = unsaid_axes(node)
            said[node] = tuple([axis not in unsaid for axis in range(node.ndim)])
    return said


def _joined(parts: Sequence[Said]) -> Said:
    """What operands of one shape say together, aligned at their last axes."""
    rank = max(map(len, parts))
    padded = [(False,) * (rank - len(part)) + part for part in parts]
    return tuple([any(axis) for axis in zip(*padded, strict=True)])


def is_whole(node: Expr, said: Said) -> bool:
    """Whether the whole shape of a node is said."""
    return len(said) == node.ndim and all(said)


# Contractions


def said_in_text(node: Expr, view: ContractionView, said: Sequence[Said]) -> Said:
    """NumPy's broadcasting is not written; a new axis has extent 1."""
    if view.form.kind not in ("spread", "index"):
        return (True,) * node.ndim
    _, out, spread = node.params
    stretched = {label for label, dim in spread if dim != 1}
    if view.form.kind == "spread":
        rank: int = view.form.data.before
        of_operand = said[0] if view.form.parts[0].kind == "operand" else (True,) * rank
        rank = min(rank, len(of_operand))
    else:
        of_operand = (True,) * node.ndim
        new = {label for label, _ in spread}
        rank = node.ndim - next((k for k, label in enumerate(out) if label not in new), node.ndim)
    ends = zip(out[len(out) - rank :], of_operand[len(of_operand) - rank :], strict=True)
    return tuple([label not in stretched and known for label, known in ends])


def said_in_latex(node: Expr, view: ContractionView, said: Sequence[Said]) -> Said:
    """An axis has the extent that some operand says; ones along a new axis say nothing."""
    if view.labels is None:
        return (True,) * node.ndim
    inputs, out = view.labels
    known = {
        label
        for x, labels, own in zip(view.children, inputs, said, strict=True)
        if len(own) == x.ndim
        for label, one in zip(labels, own, strict=True)
        if one
    }
    if view.form.kind in ("row", "column"):
        known |= {n for n, d in zip(out, node.shape, strict=True) if d == 1}
    return tuple([n in known for n in out])


# What has to be said


def extents_needed(plan: WritingPlan, said: dict[Expr, Said]) -> Needed:
    """The axes of each formula whose extents are to be told by what is written for it.

    What stands alone tells them all, and so do operands of whatever mixes entries.
    """
    needed: Needed = {node: set() for node in plan.views}
    for alone in (plan.root, *plan.names):
        needed[alone] = set(range(alone.ndim))
    for node in reversed(plan.views):
        view = plan.views[node]
        for child, axes in _passed_on(node, view, needed[node], said, plan):
            if child not in plan.names:
                needed[child].update(axes)
    return needed


Passed = Iterable[tuple[Expr, Iterable[int]]]


def _passed_on(
    node: Expr, view: View, axes: set[int], said: dict[Expr, Said], plan: WritingPlan
) -> Passed:
    """The operands that must tell extents, and of which axes."""
    if is_entrywise(view):
        return _to_the_first(node, view, axes, said)
    if isinstance(view, ContractionView) and view.labels is not None:
        return _along_labels(node, view, axes, said, plan)
    if isinstance(view, Blocks):
        return _blocks_alone(view, said, plan)
    if isinstance(view, JoinView):
        return _joined_parts(view, said, plan)
    return [(child, range(child.ndim)) for child in view.children]


def _to_the_first(node: Expr, view: View, axes: set[int], said: dict[Expr, Said]) -> Passed:
    """In an entrywise formula one operand tells what nobody says."""
    unsaid = [axis for axis in axes if not says(node, axis, said[node])]
    for axis in unsaid:
        for child in view.children:
            if child.ndim == node.ndim and len(said[child]) >= node.ndim - axis:
                yield child, (axis,)
                break


def says(node: Expr, axis: int, said: Said) -> bool:
    place = axis - node.ndim + len(said)
    return place >= 0 and said[place]


def _along_labels(
    node: Expr, view: ContractionView, axes: set[int], said: dict[Expr, Said], plan: WritingPlan
) -> Passed:
    """In a product the first operand along a label tells what none of them says."""
    assert view.labels is not None
    inputs, out = view.labels
    free = {out[axis] for axis in axes}
    wanted = free | {n for labels in inputs for n in labels if n not in out}
    owner: dict[int, tuple[Expr, int]] = {}
    for x, labels in zip(view.children, inputs, strict=True):
        for axis, n in enumerate(labels):
            if x in plan.names or says(x, axis, said[x]):
                wanted.discard(n)
            owner.setdefault(n, (x, axis))
    for n in wanted:
        if n in owner:
            yield owner[n][0], (owner[n][1],)


def _blocks_alone(view: Blocks, said: dict[Expr, Said], plan: WritingPlan) -> Passed:
    """A block has the height of its row and the width of its column; else the first of these tells."""
    whole = [x in plan.names or is_whole(x, said[x]) for x in view.children]
    width = view.width
    for k, block in enumerate(view.children):
        row, column = k - k % width, k % width
        if k == row and not any(whole[row : row + width]):
            yield block, (0,)
        if k == column and not any(whole[column::width]):
            yield block, (1,)


def _joined_parts(view: JoinView, said: dict[Expr, Said], plan: WritingPlan) -> Passed:
    """Parts side by side have one height."""
    known = any(x in plan.names or is_whole(x, said[x]) for x in view.children)
    for x in view.children:
        along = () if view.stacked else (view.axis,)
        yield x, along if known else range(x.ndim)


# Columns


def _as_written(form: NotationStep) -> bool:
    """Whether a vector and a column, or a column and a vector, are written alike."""
    return form.kind == "column" or (form.kind == "index" and form.data in ((":", 0), (0, ":")))


def rank_read(plan: WritingPlan) -> int:
    """The number of axes that a reader gives to a formula: a vector and a column are written alike."""
    rank: dict[Expr, int] = {}
    for node, view in plan.views.items():
        rank[node] = node.ndim
        if is_entrywise(view):
            read = [rank[x] for x in view.children if x.ndim == node.ndim and not is_number(x)]
            rank[node] = max(read, default=node.ndim)
        elif isinstance(view, ContractionView) and _as_written(view.form):
            rank[node] = rank[view.children[0]]
        if node in plan.names:
            rank[node] = node.ndim
    return rank[plan.root]
