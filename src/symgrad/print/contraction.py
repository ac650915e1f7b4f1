"""An Einsum as a person writes it: ``A.T @ x``, ``outer(u, v)``, ``sum(A*B, axis=0)``.

`form_of` reads the labels and answers with a small tree of forms that every printer knows how to
draw. Labels that no form fits stay an ``einsum("ij,jk->ik", ...)``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import opt_einsum

from symgrad.expr.leaves import EYE
from symgrad.expr.node import Expr
from symgrad.expr.op import Params
from symgrad.ops.symmetry import Labels, is_symmetric

LETTERS: Final = "ijklmnopqrstuvwxyzabcdefghIJKLMNOPQRSTUVWXYZABCDEFGH"
NOWHERE: Final = -1


class Spread(NamedTuple):
    """Natural broadcasting: the rank before it, and which axes of the result are new or stretched."""

    before: int
    new: tuple[bool, ...]


class NotationStep(NamedTuple):
    """One step of notation.

    `kind` is one of the following, here with its data:

    - ``operand``: the index of an operand
    - ``transpose``: the order of the axes, None for a matrix turned over
    - ``index``: entries ``":"``, ``"newaxis"`` and 0
    - ``spread``: a `Spread`
    - ``sum``: the axes, None for all, and the rank of the operand
    - ``trace``, ``diagonal``, ``diag``, ``outer``, ``times``, ``kron``: none
    - ``column``, ``row``: none; a vector as a matrix of one column, or row
    - ``chain``: which parts stand transposed (None for a symmetric one), whether the first and the
      last are vectors
    - ``einsum``: subscripts
    """

    kind: str
    parts: tuple[NotationStep, ...] = ()
    data: Any = None


def form_of(args: Sequence[Expr], params: Params) -> NotationStep:
    """The notation of an Einsum over its operands, by their index."""
    inputs, out, spread = params
    operands = [NotationStep("operand", data=index) for index in range(len(inputs))]
    symmetric = {form for form, x in zip(operands, args, strict=True) if is_symmetric(x)}
    stretched = {label for label, _ in spread}
    target = tuple([label for label in out if label not in stretched])
    dims = [x.shape for x in args]
    if len(inputs) == 1:
        found = _of_one(operands[0], inputs[0], target, dims[0])
    else:
        found = _of_many(args, operands, inputs, target)
        found = found or _of_sums(args, operands, inputs, target)
    if found is None:
        return NotationStep("einsum", tuple(operands), subscripts(inputs, out))
    form, labels = found
    laid = _arranged(_unturned(form, symmetric) if symmetric else form, labels, out)
    units = {label for label, dim in spread if dim == 1}
    if laid.kind == "index" and laid.data == (":", "newaxis") and len(out) == 2 and out[1] in units:
        return NotationStep("column", laid.parts)
    if laid.kind == "spread" and laid.data == Spread(1, (True, False)) and out[0] in units:
        return NotationStep("row", laid.parts)
    return laid


def _unturned(form: NotationStep, symmetric: set[NotationStep]) -> NotationStep:
    """A form in which no symmetric operand of a chain stands transposed."""
    parts = tuple([_unturned(part, symmetric) for part in form.parts])
    data = form.data
    if form.kind == "chain":
        flips, starts, ends = data
        kept = [None if p in symmetric else f for f, p in zip(flips, parts, strict=True)]
        data = (tuple(kept), starts, ends)
    return NotationStep(form.kind, parts, data)


def subscripts(inputs: Sequence[Labels], out: Labels) -> str:
    """Labels in NumPy's notation: ``"ij,jk->ik"``; beyond its letters, with further ones."""

    def letters(labels: Labels) -> str:
        return "".join(LETTERS[n] if n < len(LETTERS) else opt_einsum.get_symbol(n) for n in labels)

    return f"{','.join(letters(labels) for labels in inputs)}->{letters(out)}"


Found = tuple[NotationStep, Labels] | None  # a form, and the labels of its axes


# One operand


def _of_one(x: NotationStep, labels: Labels, target: Labels, shape: Sequence[Any]) -> Found:
    if len(set(labels)) < len(labels):
        if len(labels) != 2:
            return None
        return NotationStep("diagonal" if target else "trace", (x,)), target
    unit = {label for label, dim in zip(labels, shape, strict=True) if dim == 1}
    gone = [axis for axis, n in enumerate(labels) if n not in target and n not in unit]
    if gone and not target:
        gone = list(range(len(labels)))  # axes of extent 1 as well
    return _summed(x, gone, labels)


def _summed(x: NotationStep, axes: Sequence[int], labels: Labels) -> tuple[NotationStep, Labels]:
    if not axes:
        return x, labels
    named = None if len(axes) == len(labels) else tuple(axes)
    rest = tuple([label for axis, label in enumerate(labels) if axis not in axes])
    return NotationStep("sum", (x,), (named, len(labels))), rest


def _arranged(x: NotationStep, labels: Labels, out: Labels) -> NotationStep:
    """`x` with axes `labels` laid out as `out`: unit axes dropped, the rest permuted, stretched."""
    if labels == out:
        return x
    if _is_natural(labels, out):
        return _spread(x, labels, out) if labels else x
    if any(label not in out for label in labels):
        x = NotationStep("index", (x,), tuple([":" if label in out else 0 for label in labels]))
        labels = tuple([label for label in labels if label in out])
    order = [label for label in out if label in labels]
    if order != list(labels):
        axes = tuple([labels.index(label) for label in order])
        x = NotationStep("transpose", (x,), None if axes == (1, 0) else axes)
    entries = [":" if label in labels else "newaxis" for label in out]
    while entries and entries[0] == "newaxis":
        del entries[0]
    if "newaxis" not in entries:
        return _spread(x, labels, out) if len(entries) < len(out) else x
    while entries[-1] == ":":
        del entries[-1]
    return NotationStep("index", (x,), tuple(entries))


def _spread(x: NotationStep, labels: Labels, out: Labels) -> NotationStep:
    return NotationStep("spread", (x,), Spread(len(labels), tuple([n not in labels for n in out])))


def _is_natural(labels: Labels, out: Labels) -> bool:
    """Whether NumPy's broadcasting alone takes `labels` to `out`."""
    if len(labels) > len(out):
        return False
    tail = out[len(out) - len(labels) :]
    pairs = zip(labels, tail, strict=True)
    return all(a == b or (a not in out and b not in labels) for a, b in pairs)


# Several operands


def _of_many(
    args: Sequence[Expr], forms: list[NotationStep], inputs: Sequence[Labels], target: Labels
) -> Found:
    diagonal = _diagonal_matrix(args, forms, inputs, target)
    if diagonal is not None:
        return diagonal, target
    if any(len(set(labels)) < len(labels) for labels in inputs):
        return None
    alike = len(inputs[0]) > 1 and all(labels == inputs[0] for labels in inputs)
    if alike and not target and len(args) == 2:
        trace = _trace_with_symmetric(args, forms)
        if trace is not None:
            return trace, target
    if not alike:
        form = (
            _products(forms, inputs, target)
            or _batched(forms, inputs, target)
            or _summed_products(forms, inputs, target)
        )
        if form is not None:
            return form, target
    found = _entrywise(forms, inputs, target)
    if found is not None:
        return found
    form = _times_product(forms, inputs, target) or _folded(forms, inputs, target)
    return None if form is None else (form, target)


def _trace_with_symmetric(args: Sequence[Expr], forms: list[NotationStep]) -> NotationStep | None:
    """``sum(inv(K) * B)`` as ``trace(inv(K) @ B)``, for an inverse or the like that is symmetric."""
    for k, x in enumerate(args):
        if x.op.matrices and x.ndim == 2 and is_symmetric(x):
            chain = NotationStep("chain", (forms[k], forms[1 - k]), ((False, False), False, False))
            return NotationStep("trace", (chain,))
    return None


def _times_product(
    forms: list[NotationStep], inputs: Sequence[Labels], target: Labels
) -> NotationStep | None:
    """Matrices times a product of matrices, entry by entry: ``A * (B @ C)``."""
    if len(target) != 2:
        return None
    own = [i for i, labels in enumerate(inputs) if set(labels) == set(target)]
    rest = [i for i in range(len(inputs)) if i not in own]
    product = _products([forms[i] for i in rest], [inputs[i] for i in rest], target)
    if not own or len(rest) < 2 or product is None:
        return None
    factors = [_arranged(forms[i], inputs[i], target) for i in own]
    return NotationStep("times", (*factors, product))


def _folded(
    forms: list[NotationStep], inputs: Sequence[Labels], target: Labels
) -> NotationStep | None:
    """A product in which a matrix times a vector takes the place of a vector, as often as needed."""
    forms, labels = list(forms), list(inputs)
    while (at := _matrix_and_vectors(labels, target)) is not None:
        matrix, vectors, summed = at
        held = [forms[i] for i in vectors]
        vector = held[0] if len(held) == 1 else NotationStep("times", tuple(held))
        flips = (labels[matrix][0] == summed, False)
        forms[matrix] = NotationStep("chain", (forms[matrix], vector), (flips, False, True))
        labels[matrix] = tuple([n for n in labels[matrix] if n != summed])
        kept = [i for i in range(len(forms)) if i not in vectors]
        forms, labels = [forms[i] for i in kept], [labels[i] for i in kept]
        found = _products(forms, labels, target)
        if found is not None:
            return found
    return None


def _matrix_and_vectors(
    inputs: Sequence[Labels], target: Labels
) -> tuple[int, list[int], int] | None:
    """A matrix that leads to vectors only, these, and the label between."""
    for i, labels in enumerate(inputs):
        for n in labels if len(labels) == 2 else ():
            others = [k for k, own in enumerate(inputs) if n in own and k != i]
            if n not in target and others and all(len(inputs[k]) == 1 for k in others):
                return i, others, n
    return None


def _of_sums(
    args: Sequence[Expr], forms: list[NotationStep], inputs: Sequence[Labels], target: Labels
) -> Found:
    """As above, operands summed first over labels that they alone have."""
    counts = Counter(n for labels in inputs for n in labels)
    summed: list[NotationStep] = []
    rest: list[Labels] = []
    for form, labels in zip(forms, inputs, strict=True):
        alone = [k for k, n in enumerate(labels) if counts[n] == 1 and n not in target]
        form, left = _summed(form, alone, labels)
        summed.append(form)
        rest.append(left)
    return None if rest == list(inputs) else _of_many(args, summed, rest, target)


def _diagonal_matrix(
    args: Sequence[Expr], forms: list[NotationStep], inputs: Sequence[Labels], target: Labels
) -> NotationStep | None:
    """``v_i delta_ij``: a vector, or the diagonal of a matrix, times an identity."""
    for v, d in ((0, 1), (1, 0)):
        own = set(inputs[v])
        if len(args) == 2 and args[d].op is EYE and len(own) == 1 and len(target) == 2:
            vector = forms[v] if len(inputs[v]) == 1 else NotationStep("diagonal", (forms[v],))
            return (
                NotationStep("diag", (vector,))
                if own <= set(inputs[d]) and args[v].ndim < 3
                else None
            )
    return None


def _products(
    forms: list[NotationStep], inputs: Sequence[Labels], target: Labels
) -> NotationStep | None:
    """A product of matrices, the trace of one, or the outer product of two that end in vectors."""
    if any(not 1 <= len(labels) <= 2 for labels in inputs) or len(target) > 2:
        return None
    if len(target) == 2:
        return _matrix(forms, dict(enumerate(inputs)), target)
    goal = target[0] if target else None
    vectors = [index for index, labels in enumerate(inputs) if len(labels) == 1]
    if len(vectors) == len(inputs) and target:
        return None
    if vectors and (vectors[0] == 0 or not target):  # x @ A @ y
        left = dict(enumerate(inputs))
        (start,) = left.pop(vectors[0])
        chain, end = _walk(forms, left, start, goal, forms[vectors[0]])
        if not left and end == goal:
            return chain
    left = dict(enumerate(inputs))
    start = target[0] if target else inputs[0][0]
    chain, end = _walk(forms, left, start, None if target else start)
    if left or end != (None if target else start):
        return None
    return chain if target else NotationStep("trace", (chain,))


def _summed_products(
    forms: list[NotationStep], inputs: Sequence[Labels], target: Labels
) -> NotationStep | None:
    """A product of matrices whose last axis is summed: no other operand has its label."""
    counts = Counter(n for labels in inputs for n in labels)
    alone = [n for n, count in counts.items() if count == 1 and n not in target]
    if len(alone) != 1 or len(target) != 1:
        return None
    form = _products(forms, inputs, (*target, *alone))
    return None if form is None else NotationStep("sum", (form,), ((1,), 2))


def _matrix(
    forms: list[NotationStep], left: dict[int, Labels], target: Labels
) -> NotationStep | None:
    first, end = _walk(forms, left, target[0], target[1])
    if not left:
        return first if end == target[1] else None
    second, other = _walk(forms, left, target[1], None)
    return NotationStep("outer", (first, second)) if not left and end is other is None else None


def _walk(
    forms: list[NotationStep],
    left: dict[int, Labels],
    start: int,
    goal: int | None,
    head: NotationStep | None = None,
) -> tuple[NotationStep, int | None]:
    """Follow shared labels from operand to operand, using up `left`.

    Returns the product, and the label it ends at, None if it ends in a vector, `NOWHERE` if a label
    leads to several matrices. Vectors on the way are diagonal matrices.
    """
    parts = [] if head is None else [head]
    flips = [False] * len(parts)
    end: int | None = start
    while end is not None:
        at = [i for i, labels in left.items() if end in labels]
        matrices = [i for i in at if len(left[i]) == 2]
        if len(matrices) > (2 if end == goal and not parts else 1):
            return NotationStep("chain"), NOWHERE
        vectors = [forms[i] for i in at if len(left[i]) == 1]
        for i in at:
            if len(left[i]) == 1:
                del left[i]
        last = not matrices and end != goal
        if last and vectors:
            parts.append(vectors[0] if len(vectors) == 1 else NotationStep("times", tuple(vectors)))
            end = None
        else:
            parts += [NotationStep("diag", (v,)) for v in vectors]
        flips += [False] * (len(parts) - len(flips))
        if not matrices:
            break
        row, column = left.pop(matrices[0])
        parts.append(forms[matrices[0]])
        flips.append(row != end)
        end = column if row == end else row
    if len(parts) == 1 and not flips[0]:
        return parts[0], end
    return NotationStep("chain", tuple(parts), (tuple(flips), head is not None, end is None)), end


def _batched(
    forms: list[NotationStep], inputs: Sequence[Labels], target: Labels
) -> NotationStep | None:
    """A product of stacks of matrices over common leading axes."""
    depth = 0
    rows = [*inputs, target]
    while all(len(r) > depth + 2 and r[depth] == rows[0][depth] for r in rows):
        depth += 1
    if not depth or any(len(r) != depth + 2 for r in rows):
        return None
    form = _products(forms, [labels[depth:] for labels in inputs], target[depth:])
    return form if form is not None and form.kind == "chain" and not any(form.data[0]) else None


def _entrywise(forms: list[NotationStep], inputs: Sequence[Labels], target: Labels) -> Found:
    """A sum over the entrywise product, where one operand has all the labels."""
    widest = max(inputs, key=len)
    if not {*target, *[n for labels in inputs for n in labels]} <= set(widest):
        return None
    laid = [_arranged(form, labels, widest) for form, labels in zip(forms, inputs, strict=True)]
    gone = [axis for axis, label in enumerate(widest) if label not in target]
    return _summed(NotationStep("times", tuple(laid)), gone, widest)
