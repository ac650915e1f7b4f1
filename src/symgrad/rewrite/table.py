"""All rewrite rules in one table, whatever uses them: for tests that run each alone, and for readers."""

from __future__ import annotations

from typing import Final

from symgrad.rewrite.algebra import ALGEBRA
from symgrad.rewrite.collecting import COLLECTING
from symgrad.rewrite.conjugates import CANCELLATIONS
from symgrad.rewrite.rule import Rule
from symgrad.rewrite.stability import STABILITY
from symgrad.rewrite.tails import TAILS

RULES: Final[tuple[Rule, ...]] = tuple(
    dict.fromkeys(
        [
            *(rule for group in ALGEBRA.values() for rule in group),
            *COLLECTING,
            *(rule for group in STABILITY.values() for rule in group),
            *CANCELLATIONS,
            *TAILS,
        ]
    )
)
