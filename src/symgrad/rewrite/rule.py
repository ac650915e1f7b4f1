"""`Rule`: a rewrite with its guarantee written on it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import partial
from typing import Final

from symgrad.errors import ArgumentError
from symgrad.expr.node import Expr
from symgrad.expr.op import Op
from symgrad.expr.rewriting import Change


class Guarantee(Enum):
    """What a rewrite may change."""

    EXACT = "exact"
    """The same real function, and the same floating value to the last bit or better."""
    ROUNDING = "rounding"
    """The same real function; floats are reassociated."""
    DOMAIN = "domain"
    """The same function where the input was defined; it may be defined at more points."""

    def permits(self, other: Guarantee) -> bool:
        """Whether who asks for this much lets a rule change as much as `other` says."""
        return STRENGTH.index(other) <= STRENGTH.index(self)


STRENGTH: Final = (
    Guarantee.EXACT,
    Guarantee.ROUNDING,
    Guarantee.DOMAIN,
)  # each allows those before


@dataclass(frozen=True)
class Rule:
    """One rewrite of nodes of one op.

    Attributes
    ----------
    name : str
        The identity, as a reader knows it.
    guarantee : Guarantee
    op : Op
        The op of the nodes that it looks at.
    rewritten : callable
        ``rewritten(seen)``: what it is shown, rewritten, or None where the rule does not match.
    among : tuple of Op
        Where there are any: the rule can only match sums, products and powers on whose surface one of
        them stands (see `symgrad.rewrite.surface`).
    beside : tuple of Op
        And where there are any, one of these.
    within : bool
        Whether it is enough that one stands in a term of a sum among the factors.
    view : callable or None
        ``view(node)``: what the rule is shown of a node, or None for nothing; without it the node.
    """

    name: str
    guarantee: Guarantee
    op: Op
    rewritten: Callable[[Expr], Expr | None]
    among: tuple[Op, ...] = ()
    within: bool = False
    beside: tuple[Op, ...] = ()
    view: Callable[[Expr], Expr | None] | None = None

    def apply(self, node: Expr) -> Expr | None:
        """The node rewritten, or None where the rule does not match."""
        return self.rewritten(node) if self.view is None else self.on_view(self.view(node))

    def on_view(self, seen: Expr | None) -> Expr | None:
        """The same by what the rule is shown of the node, where that has its op still."""
        return self.rewritten(seen) if seen is not None and seen.op is self.op else None


def by_op(rules: Iterable[Rule]) -> Mapping[Op, tuple[Rule, ...]]:
    """Rules grouped by the op that they look at, in their order."""
    grouped: dict[Op, tuple[Rule, ...]] = {}
    for rule in rules:
        grouped[rule.op] = (*grouped.get(rule.op, ()), rule)
    return grouped


def permitted(
    rules: Mapping[Op, tuple[Rule, ...]], guarantee: Guarantee
) -> Mapping[Op, tuple[Rule, ...]]:
    """The rules that change no more than `guarantee` permits."""
    kept = {
        op: tuple([rule for rule in group if guarantee.permits(rule.guarantee)])
        for op, group in rules.items()
    }
    return {op: group for op, group in kept.items() if group}


def as_guarantee(value: str | Guarantee) -> Guarantee:
    """A guarantee by its name.

    Raises
    ------
    ArgumentError
        For another name.
    """
    names = [g.value for g in Guarantee]
    if isinstance(value, Guarantee):
        return value
    if value not in names:
        raise ArgumentError(
            f"guarantee must be one of {', '.join(map(repr, names))}, not {value!r}"
        )
    return Guarantee(value)


def first_of(*functions: Callable[[Expr], Expr | None]) -> Callable[[Expr], Expr | None]:
    """What the first of some rules makes that matches."""

    def apply(node: Expr) -> Expr | None:
        return next((made for g in functions if (made := g(node)) is not None), None)

    return apply


def changes_by(rules: Mapping[Op, tuple[Rule, ...]], limit: int = 8) -> Mapping[Op, Change]:
    """What rules make of nodes of each op that they look at, for a walk."""
    return dict.fromkeys(rules, partial(rewrite, rules=rules, limit=limit))


def rewrite(node: Expr, rules: Mapping[Op, tuple[Rule, ...]], limit: int = 8) -> Expr:
    """`node` after the first rule that matches, and what that makes after the next, until none does."""
    for _ in range(limit):
        for rule in rules.get(node.op, ()):
            changed = rule.apply(node)
            if changed is not None and changed is not node:
                node = changed
                break
        else:
            return node
    return node
