"""The shortest form of a formula with `named` parts, where what holds by their definitions is used.

The search takes a named part for a symbol, and knows nothing of ``S*phi(d_1) = K*exp(-r*T)*phi(d_2)`` in
the formula of Black and Scholes. That it finds with the definitions written out. The result is put in terms
of the names again: where a definition stands in it, where a sum is a multiple of one that a name is a power
of, and where a definition can be solved for a function in it, as that of ``d_1`` for ``log(S/K)``.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Final

from symgrad.expr.leaves import number, value_of
from symgrad.expr.node import Expr
from symgrad.expr.ranges import range_of
from symgrad.expr.rewriting import replace, transform
from symgrad.expr.traverse import free_symbols, toposort
from symgrad.ops.arithmetic import ADD, MUL, POW, mul, power
from symgrad.rewrite.names import cut, definitions_written_out, named_parts, put_back, symbols_for
from symgrad.rewrite.ratios import Term, as_expr, multiplied, raised, split
from symgrad.rewrite.search import BOUNDED, Budget, shorter_of, shortest
from symgrad.rewrite.simplify import simplify_all
from symgrad.rewrite.sums import negated

WHOLE: Final = 1.25  # times the work of one search, all of them together
SHARE: Final = 2  # of the work of a search, one over this is that for each way to bring in a name
MAX_NAMES: Final = 6  # whose definitions are looked at
ALONE: Final = 8  # and one over this where the definition of one name is looked at by itself
MAX_ALONE: Final = 2  # names whose definitions are looked at each by itself
MAX_SOLVED: Final = 2  # functions for which a definition is solved


class Purse:
    """The work of several searches for one formula: none may do more than is left of the whole."""

    def __init__(self, bounds: Budget) -> None:
        self.nodes, self.work, self.left = bounds.nodes, bounds.work, int(WHOLE * bounds.work)

    def shortest(self, forms: Sequence[Expr], share: int = 1) -> Expr:
        """The shortest form by a share of the work of one search, or of what is left."""
        bounds = Budget(self.nodes, min(self.work // share, self.left))
        return shortest(forms, bounds, self._spend)

    def _spend(self, work: int) -> None:
        self.left = max(self.left - work, 0)


def shortest_by_names(forms: Sequence[Expr], bounds: Budget = BOUNDED) -> Expr:
    """`shortest`, which takes a name for a symbol, or what is found by the definitions and is shorter."""
    purse = Purse(bounds)
    best = purse.shortest(forms)
    parts = named_parts(toposort(forms[:1]))
    if not parts or any(part.shape != () for part in parts):
        return best
    symbols = symbols_for(parts)
    plain = [part for part in parts if not part.args[0].args or not free_symbols(part)]
    rest = [part for part in parts if part not in set(plain)]
    if not 0 < len(rest) <= MAX_NAMES:
        return best
    best = _by_definitions(forms[0], best, rest, symbols, purse, 1)
    nested = [part for part in rest if len(named_parts(toposort([part]))) > 1]
    for part in nested[:MAX_ALONE]:  # in terms of other names
        best = _by_definitions(forms[0], best, [part], symbols, purse, ALONE)
    return best


def _by_definitions(
    given: Expr,
    best: Expr,
    parts: Sequence[Expr],
    symbols: Mapping[Expr, Expr],
    purse: Purse,
    share: int,
) -> Expr:
    """The best form, or what is found with some definitions written out where that is shorter."""
    names = {symbols[part] for part in parts}
    others = {part: name for part, name in symbols.items() if name not in names}
    (whole,) = definitions_written_out(cut([given], others))
    form = _tidy(whole, purse, share)
    for part in parts:
        (body,) = cut(part.args, symbols)
        form = _by_name(form, body, symbols[part], purse, SHARE * share)
    mentioned = set(free_symbols(form))
    if mentioned.isdisjoint(names) or mentioned - set(free_symbols(*cut([best], symbols))):
        return best  # a name, once given, is not given up for what it stands for
    return shorter_of(best, put_back([form], symbols)[0])


def _tidy(x: Expr, purse: Purse, share: int) -> Expr:
    return purse.shortest(simplify_all([x]), share)


def _by_name(form: Expr, body: Expr, name: Expr, purse: Purse, share: int) -> Expr:
    """A formula in terms of a name, where that is shorter."""
    known: dict[Expr, Expr] = {}
    for x in (body, *simplify_all([body]), purse.shortest([body], share)):
        known[x] = name
        if x.op is ADD:
            known[negated(x)] = mul(number(-1), name)
    for changed in _in_terms_of(form, body, name):
        if changed is not form:
            form = shorter_of(form, _tidy(_recalled(changed, known), purse, share))
    return _recalled(form, known)


def _recalled(form: Expr, known: Mapping[Expr, Expr]) -> Expr:
    """A formula with nodes that are a definition, or minus one, by their name."""
    return transform([form], lambda node: known.get(node, node))[form]


def _in_terms_of(form: Expr, body: Expr, name: Expr) -> Iterator[Expr]:
    yield _multiples(form, body, name)
    inside = set(toposort([form]))
    functions = [u for u in toposort([body]) if u.args and u.op not in (ADD, MUL, POW)]
    for u in functions[:MAX_SOLVED]:
        solved = _solved(body, name, u) if u in inside else None
        if solved is not None:
            yield replace([form], {u: solved}, {})[0]


def _solved(body: Expr, name: Expr, u: Expr) -> Expr | None:
    """What u is by ``name = body``, where the body is linear in it."""
    at = [replace([body], {u: number(k)}, {})[0] for k in range(3)]
    slope, rest, bend = simplify_all([at[1] - at[0], at[0], at[2] - 2 * at[1] + at[0]])
    if value_of(bend) != 0 or not _is_nowhere_zero(split(slope)):
        return None
    return (name - rest) / slope


def _is_nowhere_zero(term: Term | None) -> bool:
    """Whether a term is other than zero wherever it is defined."""
    if term is None or term[0] == 0:
        return False
    return all(n < 0 or range_of(base).nonzero for base, n in term[1].items())


# Sums that are multiples of what a name is a power of


def _multiples(form: Expr, body: Expr, name: Expr) -> Expr:
    """``c**2 - v**2`` as ``c**2/gamma**2``, where ``gamma = (1 - v**2/c**2)**(-1/2)``."""
    term = split(body)
    if term is None or len(term[1]) != 1:
        return form
    ((base, n),) = term[1].items()
    inverse = 1 / Fraction(n)
    if base.op is not ADD or inverse.denominator != 1:
        return form  # the root of a square has lost the sign
    one = power(mul(number(1 / Fraction(term[0])), name), number(inverse))

    def by_name(node: Expr) -> Expr:
        ratio = _ratio(node, base)
        return node if ratio is None else mul(ratio, one)

    return transform([form], by_name)[form]


def _ratio(x: Expr, base: Expr) -> Expr | None:
    """The term by which a sum is a multiple of another."""
    if x.op is not ADD or len(x.args) != len(base.args):
        return None
    own, terms = [split(arg) for arg in x.args], [split(arg) for arg in base.args]
    if None in own or None in terms:
        return None
    wanted = set(map(_key, own))
    for term in terms:
        ratio = multiplied(own[0], raised(term, -1))  # type: ignore[arg-type]
        if {_key(multiplied(ratio, other)) for other in terms} == wanted:
            return as_expr(ratio, x) if _is_defined_with(ratio, own) else None
    return None


def _is_defined_with(ratio: Term | None, terms: Sequence[Term | None]) -> bool:
    """Whether a ratio has no denominator that may be zero, but those of the terms."""
    below = {base for term in terms if term for base, n in term[1].items() if n < 0}
    return ratio is not None and all(
        n > 0 or base in below or range_of(base).nonzero for base, n in ratio[1].items()
    )


def _key(term: Term | None) -> Hashable:
    return None if term is None else (term[0], frozenset(term[1].items()))
