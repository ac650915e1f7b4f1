"""Removable singularities: ``sin(x)/x``, ``(x*cos(x) - sin(x))/x**2``, ``1/tanh(x) - 1/x`` near 0.

A formula of one quantity u that divides by u, or by a function of it that is 0 at u = 0, may be smooth
there all the same. As written it loses digits near 0, and the more of them the higher the derivative. Here
such formulas are found in sums and products, whatever functions they are made of, and become

    where(|u| <= a, polynomial in u, the formula as written)

The polynomial is fitted to the formula in 100 digits, at Chebyshev points of [-a, a], in u**2 for an even
or odd formula. That it converges fast is what tells that the singularity is removable. The radius a is
where a running bound of the rounding error of the formula as written meets that of the polynomial. A
formula that is accurate up to 0, such as ``sin(x)/x``, stays as it is, nan at u = 0 included; others get
their limit there. So the guarantee is that of `Guarantee.DOMAIN`.

``where(u == 0, c, formula)`` with c the limit of the formula is a smooth function too: before it is
differentiated, c becomes ``c + c1*u``, so that the derivative is c1, that of the formula, at u = 0. For
code, the condition is widened to ``|u| <= a`` as above. So is ``where(|u| < 1e-8, c, formula)``, where the
formula is c but for rounding as far as that.

References: Higham, Accuracy and Stability of Numerical Algorithms, 2002, section 3.3 (running error
bounds); Trefethen, Approximation Theory and Approximation Practice, 2013, chapters 3 and 8.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Final

from symgrad.expr.leaves import is_number, number, value_of
from symgrad.expr.node import Expr
from symgrad.expr.rewriting import Images, images, rewritten, walk
from symgrad.expr.traverse import as_roots, ops_of, toposort
from symgrad.ops.arithmetic import ADD, MUL, POW, add_all, mul_all
from symgrad.ops.guard import WHERE, choose
from symgrad.rewrite.common_zeros import may_cancel, split_at_common_zero
from symgrad.rewrite.long_floats import FUNCTIONS
from symgrad.rewrite.pieces import (
    NearPiece,
    NearPieces,
    flat_factors,
    innermost,
    is_negative,
    quantities_of,
    split_around,
)
from symgrad.rewrite.smooth import POLES, near_zero
from symgrad.rewrite.zero_guards import Guard, guard_of, quantity_of

MAX_NODES: Final = 300  # of a formula that is looked at
MAX_KNOWN: Final = 1000  # formulas of which the nodes are remembered
SAME: Final = 1e-12  # the difference, at most, of a limit and the number that a guard gives for it
MAX_TRIES: Final = 6  # quantities that may go to zero, for one formula


def smooth_near_zero(roots: Sequence[Expr]) -> Sequence[Expr]:
    """The roots with formulas that lose digits near a removable singularity replaced close to it."""
    roots = as_roots(roots)
    order, ops = toposort(roots), ops_of(roots)
    singular = _singular(order) if not ops.isdisjoint((POW, *POLES)) else set()
    cancelling = {x for x in order if may_cancel(x)}
    if not (singular or cancelling) and (WHERE not in ops or not any(map(guard_of, order))):
        return roots
    candidates = _Candidates(order, singular, cancelling)
    chosen: dict[Expr, NearPieces] = {}
    needed, known = set(roots), set(order)
    for node in reversed(order):
        if node not in needed:
            continue
        split = _split_near_zero(node, candidates)
        if split is None:
            needed.update(node.args)
        else:
            chosen[node] = split
            needed.update(_within(known, split.inputs()))
    if not chosen:
        return roots

    def step(node: Expr, image: Images) -> Expr | None:
        return chosen[node].built(image) if node in chosen else None

    image = Images()
    walk([x for x in order if x in needed], image, step_of=lambda op: step)
    return images(roots, image)


def _within(known: set[Expr], nodes: Sequence[Expr]) -> list[Expr]:
    """The nodes of a graph that `nodes`, which may be new, are made of."""
    found, stack, seen = [], list(nodes), set(nodes)
    while stack:
        x = stack.pop()
        if x in known:
            found.append(x)
            continue
        fresh = [arg for arg in x.args if arg not in seen]
        seen.update(fresh)
        stack += fresh
    return found


def differentiable_at_zero(roots: Sequence[Expr]) -> Sequence[Expr]:
    """The roots with ``where(u == 0, c, formula)`` as a smooth function, where c is the limit."""
    return rewritten(roots, {WHERE: _extended})


def _extended(node: Expr) -> Expr:
    """``where(u == 0, c + c1*u, formula)`` for ``where(u == 0, c, formula)``; any other node as it is."""
    guard = guard_of(node)
    pieces = None if guard is None else _guarded_pieces(guard)
    if guard is None or pieces is None:
        return node
    slopes = [
        mul_all([number(piece.near.taylor[1], node.shape), piece.u, *piece.factors])
        for piece in pieces
        if piece.near.taylor[1]
    ]
    inside = add_all([guard.value, *slopes]) if slopes else guard.value
    return choose(guard.condition, inside, guard.formula)


def _guarded_pieces(guard: Guard) -> list[NearPiece] | None:
    """The parts of a guarded formula near u = 0, if its limit is the value of the guard."""
    order = toposort([guard.formula])
    if not _moderate(order, {guard.formula}):
        return None
    split = split_around(
        guard.formula, guard.u, quantities_of(order), partial(near_zero, guarded=True)
    )
    if split.others or not split.pieces:
        return None
    shape = guard.value.shape
    limit = add_all([mul_all([number(p.near.taylor[0], shape), *p.factors]) for p in split.pieces])
    fits = limit is guard.value or _same_number(limit, guard.value)
    fits = fits and all(guard.reach <= piece.near.constant for piece in split.pieces)
    return split.pieces if fits else None


def _same_number(a: Expr, b: Expr) -> bool:
    x, y = value_of(a), value_of(b)
    if x is None or y is None or isinstance(y, bool):
        return False
    return bool(abs(x - y) <= SAME * abs(x))


def _singular(order: Sequence[Expr]) -> set[Expr]:
    """Sums, products and powers of a topological order that divide by something, maybe inside."""
    found: set[Expr] = set()
    for node in order:
        if node.op is POW:
            divides = is_negative(node.args[1]) and not is_number(node.args[0])
            if divides or node.args[0] in found:
                found.add(node)
        elif node.op in POLES or (node.op in (ADD, MUL) and any(arg in found for arg in node.args)):
            found.add(node)
    return found


class _Candidates:
    """The formulas of a graph that may have a piece to be replaced, by tests that cost little."""

    def __init__(self, order: Sequence[Expr], singular: set[Expr], cancelling: set[Expr]) -> None:
        self._divided = {x.args[0] for x in order if x.op is POW and is_negative(x.args[1])}
        self._moderate = _moderate(order, singular)
        self.alone = quantities_of(order)
        self.cancelling = cancelling

    def quantities(self, node: Expr) -> list[Expr]:
        """What may go to zero in a sum, product or power, if that is worth a look."""
        found = _quantities(node) if node in self._moderate else []
        if not found:
            return []
        factors = dict.fromkeys(
            x for term in (node.args if node.op is ADD else (node,)) for x in flat_factors(term)
        )
        return [u for u in found if self._may_split(factors, u)]

    def _may_split(self, factors: Iterable[Expr], u: Expr) -> bool:
        """Whether there is a factor that is a formula of u alone, or one of v and k with ``u = k*v``."""
        if u.op is MUL and not self._divided.isdisjoint(u.args):
            return True
        of = innermost(u)
        return any(self.alone.applies_functions(x, of) for x in factors)


def _split_near_zero(node: Expr, candidates: _Candidates) -> NearPieces | None:
    """A node split so that at least one piece is to be replaced near zero; None if there is none."""
    guard = guard_of(node)
    if guard is not None:
        pieces = _guarded_pieces(guard)
        return NearPieces(pieces, []) if pieces and any(p.near.radius for p in pieces) else None
    for u in candidates.quantities(node):
        split = split_around(node, u, candidates.alone)
        if split.pieces:
            return split
    if node in candidates.cancelling:
        return split_at_common_zero(node, candidates.alone)
    return None


def _moderate(order: Sequence[Expr], nodes: set[Expr]) -> set[Expr]:
    """Those nodes of an order that hold a function which is not rational, in a formula of moderate size."""
    functions: set[Expr] = set()
    large: set[Expr] = set()
    moderate: set[Expr] = set()
    parts: dict[Expr, set[Expr]] = {}
    for node in order:
        if not large.isdisjoint(node.args):
            large.add(node)
        elif node.op in FUNCTIONS or not functions.isdisjoint(node.args):
            functions.add(node)
            if node in nodes:
                if node.size_as_tree > MAX_NODES and len(_parts(node, parts)) > MAX_NODES:
                    large.add(node)
                else:
                    moderate.add(node)
    return moderate


def _parts(node: Expr, known: dict[Expr, set[Expr]]) -> set[Expr]:
    """The nodes of a formula, or more of them than are looked at; those of formulas in it may be known."""
    stack, seen = [node], {node}
    while stack and len(seen) <= MAX_NODES:
        for arg in stack.pop().args:
            if arg in known:
                seen |= known[arg]
            elif arg not in seen:
                seen.add(arg)
                stack.append(arg)
    if len(known) > MAX_KNOWN:
        known.clear()
    known[node] = seen
    return seen


def _quantities(node: Expr) -> list[Expr]:
    """What a sum or product divides by, or the argument of a function that it divides by."""
    found: dict[Expr, None] = {}
    arguments: dict[Expr, None] = {}
    stack, seen = [node], set()
    while stack:
        x = stack.pop()
        if x in seen:
            continue
        seen.add(x)
        if x.op in (ADD, MUL):
            stack.extend(x.args)
        elif x.op is POW:
            base = x.args[0]
            if is_negative(x.args[1]):
                if base.op in FUNCTIONS:
                    arguments[quantity_of(base.args[0])] = None
                elif base.op is not ADD or len(base.args) == 2:
                    found[base] = None
            stack.append(base)
        elif x.op in POLES or (x.op in FUNCTIONS and x.args[0].op in (MUL, POW)):
            arguments[quantity_of(x.args[0])] = None
    return [x for x in (*found, *arguments) if not is_number(x)][:MAX_TRIES]
