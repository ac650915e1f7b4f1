"""Sums that are a multiple of the definition of a name, by the name.

With ``d_2 = d_1 - sigma*sqrt(T)`` and ``d_1 = (log(S/K) + (r + sigma**2/2)*T)/(sigma*sqrt(T))``, the sum
``2*sqrt(T) - (T*(sigma**2 + 2*r) + 2*log(S/K))/(sigma**2*sqrt(T))`` is ``-2*d_2/sigma``: written out, its
monomials are those of the definition times one monomial.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Final

from symgrad.expr.node import Expr
from symgrad.expr.rewriting import Images, rewritten
from symgrad.ops.arithmetic import ADD
from symgrad.ops.named import NAMED
from symgrad.rewrite.expanded import Expanded, Monomial, expanded
from symgrad.rewrite.powers import Exact, as_term, times
from symgrad.rewrite.size import size_of

MAX_NAMES: Final = 8
MAX_MONOMIALS: Final = 8  # of a definition that is looked for


def by_definitions(roots: Sequence[Expr], parts: Sequence[Expr]) -> Sequence[Expr]:
    """The roots with sums that are multiples of definitions by the names, where that is shorter."""
    known = [(part, expanded(part)) for part in parts[:MAX_NAMES] if part.shape == ()]
    bodies = [(part, e) for part, e in known if e is not None and 1 < len(e) <= MAX_MONOMIALS]
    if not bodies:
        return roots
    definitions = {part.args[0]: part.args[0] for part in parts}
    return rewritten(
        roots,
        {ADD: lambda made: made if made.shape else _by_name(made, bodies)},
        steps={NAMED: lambda node, image: node},
        image=Images(definitions),
    )


def _by_name(x: Expr, bodies: Sequence[tuple[Expr, Expanded]]) -> Expr:
    written = expanded(x)
    if written is None:
        return x
    for part, body in bodies:
        factor = _quotient(written, body)
        if factor is not None:
            monomial, c = factor
            made = as_term({**dict(monomial), part: 1}, x, c)
            if size_of(made, {}).operations < size_of(x, {}).operations:
                return made
    return x


def _quotient(a: Expanded, b: Expanded) -> tuple[Monomial, Exact] | None:
    """The monomial, and its number, that b is to be multiplied with to be a; None if there is none."""
    if len(a) != len(b):
        return None
    first, c = next(iter(b.items()))
    inverse = {base: -n for base, n in first}
    for m, d in a.items():
        q, k = times(dict(m), inverse), Fraction(d) / c
        if all(a.get(_product(q, n), 0) == k * e for n, e in b.items()):
            return frozenset(q.items()), k.numerator if k.denominator == 1 else k
    return None


def _product(q: dict[Expr, Exact], monomial: Monomial) -> Monomial:
    return frozenset(times(q, dict(monomial)).items())
