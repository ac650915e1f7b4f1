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

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from symgrad.expr.leaves import is_number, number, value_of
from symgrad.expr.node import Expr
from symgrad.expr.rewriting import Images, images, rewritten, transform, walk
from symgrad.expr.traverse import as_roots, depends_on, ops_of, toposort
from symgrad.ops import ufuncs as f
from symgrad.ops.arithmetic import ADD, MUL, POW, add_all, mul_all, power
from symgrad.ops.guard import WHERE, choose
from symgrad.ops.polynomial import polyval
from symgrad.rewrite.long_floats import FUNCTIONS
from symgrad.rewrite.one_quantity import OneQuantity
from symgrad.rewrite.smooth import POLES, Near, near_zero, square_of
from symgrad.rewrite.zero_guards import Guard, guard_of, is_constant, quantity_of

MAX_NODES: Final = 300  # of a formula that is looked at
MAX_KNOWN: Final = 1000  # formulas of which the nodes are remembered
SAME: Final = 1e-12  # the difference, at most, of a limit and the number that a guard gives for it
MAX_TRIES: Final = 6  # quantities that may go to zero, for one formula


def smooth_near_zero(roots: Sequence[Expr]) -> Sequence[Expr]:
    """The roots with formulas that lose digits near a removable singularity replaced close to it."""
    roots = as_roots(roots)
    order, ops = toposort(roots), ops_of(roots)
    singular = _singular(order) if not ops.isdisjoint((POW, *POLES)) else set()
    if not singular and (WHERE not in ops or not any(map(guard_of, order))):
        return roots
    candidates = _Candidates(order, singular)
    chosen: dict[Expr, _Split] = {}
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


def _guarded_pieces(guard: Guard) -> list[_Piece] | None:
    """The parts of a guarded formula near u = 0, if its limit is the value of the guard."""
    order = toposort([guard.formula])
    if not _moderate(order, {guard.formula}):
        return None
    split = _split(guard.formula, guard.u, _quantities_of(order), guarded=True)
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


# Pieces: products of what does not depend on u, and a formula of u alone


@dataclass(frozen=True)
class _Piece:
    """`factors` times the sum of `terms`, which are formulas of `u`, close to zero as `near` says."""

    factors: tuple[Expr, ...]
    u: Expr
    terms: tuple[Expr, ...]
    near: Near

    def built(self, made: Mapping[Expr, Expr]) -> Expr:
        """The piece as a choice between polynomial and formula, over the images of `u` and `factors`."""
        u = made[self.u]
        inner = transform(self.terms, lambda node: node, {self.u: u})
        formula = add_all([inner[t] for t in self.terms])
        if self.near.radius == 0:
            inside = f.equal(u, number(0, u.shape))
        else:
            inside = f.less_equal(f.absolute(u), number(self.near.radius, u.shape))
        part = choose(inside, _polynomial(self.near, u), formula)
        factors = [made[x] for x in self.factors]
        return mul_all([*factors, part]) if factors else part


@dataclass(frozen=True)
class _Split:
    """A sum as pieces around a quantity, and its other terms."""

    pieces: list[_Piece]
    others: list[Expr]

    def inputs(self) -> list[Expr]:
        """The nodes of which images are needed to build the sum again."""
        return [*self.others, *[x for piece in self.pieces for x in (piece.u, *piece.factors)]]

    def built(self, image: Images) -> Expr:
        """The sum over images of its inputs, which are added to the images."""
        image.complete(self.inputs())
        rest = [image[t] for t in self.others]
        return add_all([*[piece.built(image) for piece in self.pieces], *rest])


def _polynomial(near: Near, u: Expr) -> Expr:
    variable = power(u, number(2, u.shape)) if near.even else u
    series = polyval(near.coefficients, variable)
    return mul_all([power(u, number(near.order, u.shape)), series]) if near.order else series


def _is_negative(exponent: Expr) -> bool:
    n = value_of(exponent)
    return n is not None and not isinstance(n, bool) and bool(n < 0)


def _singular(order: Sequence[Expr]) -> set[Expr]:
    """Sums, products and powers of a topological order that divide by something, maybe inside."""
    found: set[Expr] = set()
    for node in order:
        if node.op is POW:
            divides = _is_negative(node.args[1]) and not is_number(node.args[0])
            if divides or node.args[0] in found:
                found.add(node)
        elif node.op in POLES or (node.op in (ADD, MUL) and any(arg in found for arg in node.args)):
            found.add(node)
    return found


class _Candidates:
    """The formulas of a graph that may have a piece to be replaced, by tests that cost little."""

    def __init__(self, order: Sequence[Expr], singular: set[Expr]) -> None:
        self._divided = {x.args[0] for x in order if x.op is POW and _is_negative(x.args[1])}
        self._moderate = _moderate(order, singular)
        self.alone = _quantities_of(order)

    def quantities(self, node: Expr) -> list[Expr]:
        """What may go to zero in a sum, product or power, if that is worth a look."""
        found = _quantities(node) if node in self._moderate else []
        if not found:
            return []
        factors = dict.fromkeys(
            x for term in (node.args if node.op is ADD else (node,)) for x in _factors(term)
        )
        return [u for u in found if self._may_split(factors, u)]

    def _may_split(self, factors: Iterable[Expr], u: Expr) -> bool:
        """Whether there is a factor that is a formula of u alone, or one of v and k with ``u = k*v``."""
        if u.op is MUL and not self._divided.isdisjoint(u.args):
            return True
        of = _innermost(u)
        return any(self.alone.applies_functions(x, of) for x in factors)


def _innermost(u: Expr) -> Expr:
    """The quantity that functions of u are functions of: s of ``u = sqrt(s)``, whose powers are u's."""
    return (square_of(u) or [u])[0]


def _is_known(node: Expr) -> bool:
    """Whether a node is a formula of its operands that can be evaluated near zero."""
    return bool(node.args) and (
        node.op in (ADD, MUL)
        or node.op in FUNCTIONS
        or (node.op is POW and value_of(node.args[1]) is not None)
    )


def _is_function(node: Expr) -> bool:
    return node.op in FUNCTIONS


def _split_near_zero(node: Expr, candidates: _Candidates) -> _Split | None:
    """A node split so that at least one piece is to be replaced near zero; None if there is none."""
    guard = guard_of(node)
    if guard is not None:
        pieces = _guarded_pieces(guard)
        return _Split(pieces, []) if pieces and any(p.near.radius for p in pieces) else None
    for u in candidates.quantities(node):
        split = _split(node, u, candidates.alone)
        if split.pieces:
            return split
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
            if _is_negative(x.args[1]):
                if base.op in FUNCTIONS:
                    arguments[quantity_of(base.args[0])] = None
                elif base.op is not ADD or len(base.args) == 2:
                    found[base] = None
            stack.append(base)
        elif x.op in POLES or (x.op in FUNCTIONS and x.args[0].op in (MUL, POW)):
            arguments[quantity_of(x.args[0])] = None
    return [x for x in (*found, *arguments) if not is_number(x)][:MAX_TRIES]


def _quantities_of(order: Sequence[Expr]) -> OneQuantity:
    return OneQuantity(order, is_constant, _is_known, _is_function)


def _split(node: Expr, u: Expr, alone: OneQuantity, guarded: bool = False) -> _Split:
    """A sum of products as pieces around u; terms in which u mixes with other quantities are left."""
    order = toposort([node])
    parts = [x for x in u.args if not is_constant(x)] if u.op is MUL else []
    dependent = depends_on(order, [u, *parts])
    scaled, innermost = _Scaled(order, u), _innermost(u)
    groups: dict[tuple[Expr, ...], list[tuple[Expr, Expr]]] = {}
    split = _Split([], [])
    for term in node.args if node.op is ADD else (node,):
        factors: list[Expr] = []
        inside = [number(1, node.shape)]
        for x in _factors(term):
            if x is u or alone.is_of(x, innermost):
                inside.append(x)
            elif x not in dependent:
                factors.append(x)
            elif (found := scaled.of(x)) is not None:
                inside.append(found[0])
                factors += found[1]
            else:
                inside = []
                break
        if inside:
            rest: tuple[Expr, ...] = (mul_all(factors),) if factors else ()
            groups.setdefault(rest, []).append((mul_all(inside), term))
        else:
            split.others.append(term)
    for outer, pairs in groups.items():
        inner = tuple([formula for formula, _ in pairs])
        near = near_zero(inner, u, guarded)
        if near is None:
            split.others.extend([term for _, term in pairs])
        else:
            split.pieces.append(_Piece(outer, u, inner, near))
    return split


def _factors(term: Expr) -> list[Expr]:
    """The factors of a product, also those of products in it."""
    flat: list[Expr] = []
    stack = [term]
    while stack:
        x = stack.pop()
        if x.op is MUL:
            stack.extend(reversed(x.args))
        else:
            flat.append(x)
    return flat


class _Scaled:
    """For u = k*v, with v any factor of it: formulas F of v and k as ``k**d`` times a formula of u."""

    def __init__(self, order: Sequence[Expr], u: Expr) -> None:
        self.u, self.order = u, order
        numbers = [k for k in u.args if is_constant(k)] if u.op is MUL else []
        self.alone = mul_all([u, *[power(k, number(-1, k.shape)) for k in numbers]])  # v, for k = 1
        least: dict[Expr, Any] = {}
        for x in order if u.op is MUL else ():
            if x.op is POW and _is_negative(x.args[1]):
                least[x.args[0]] = min(least.get(x.args[0], 0), value_of(x.args[1]))
        parts = [v for v in u.args if v in least] if u.op is MUL else []
        self.ways = [self._degrees(v) for v in sorted(parts, key=least.__getitem__)]

    def _degrees(self, v: Expr) -> tuple[Expr, list[Expr], dict[Expr, tuple[int, ...]]]:
        """The degree of every node in each factor of k, where it has one."""
        scales = [k for k in self.u.args if k is not v and not is_constant(k)]
        none = (0,) * len(scales)
        degrees = {k: tuple([int(k is other) for other in scales]) for k in scales}
        degrees[v], degrees[self.u] = (-1,) * len(scales), none
        for x in self.order:
            if x not in degrees:
                degree = none if is_constant(x) else _degree(x, degrees, none)
                if degree is not None:
                    degrees[x] = degree
        return v, scales, degrees

    def of(self, x: Expr) -> tuple[Expr, list[Expr]] | None:
        """The formula of u, and the powers of the factors of k; None if there are no such."""
        for v, scales, degrees in self.ways:
            if x in degrees and not any(x is k for k in scales):
                known = {v: self.alone, self.u: self.u}
                known |= {k: number(1, k.shape) for k in scales}
                formula = transform([x], lambda node: node, known)[x]
                powers = zip(scales, degrees[x], strict=True)
                return formula, [power(k, number(d, k.shape)) for k, d in powers if d]
        return None


def _degree(
    x: Expr, degrees: dict[Expr, tuple[int, ...]], none: tuple[int, ...]
) -> tuple[int, ...] | None:
    """The degree of a sum, product, power or function from those of its operands."""
    known = [degrees[arg] for arg in x.args if arg in degrees]
    if x.op is POW:
        n = value_of(x.args[1])
        whole = x.args[0] in degrees and n.__class__ is int
        return tuple([n * d for d in degrees[x.args[0]]]) if whole else None
    if not known or len(known) < len(x.args):
        return None
    if x.op is MUL:
        return tuple([sum(column) for column in zip(*known, strict=True)])
    if x.op is ADD:
        return known[0] if len(set(known)) == 1 else None
    return none if x.op in FUNCTIONS and known[0] == none else None
