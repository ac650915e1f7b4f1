"""Matrices of known structure in one table: Kronecker products, blocks, triangles, low rank."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from symgrad.expr.node import Expr
from symgrad.expr.op import Op
from symgrad.expr.rewriting import rewritten
from symgrad.expr.traverse import as_roots, ops_of
from symgrad.ops.determinant import DET
from symgrad.ops.layout import CONCAT
from symgrad.ops.linalg import LINEAR_OPS
from symgrad.ops.reshaping import RESHAPE
from symgrad.rewrite.blocks import BLOCK_RULES
from symgrad.rewrite.kronecker import KRONECKER_RULES, KRONECKER_SYSTEMS
from symgrad.rewrite.low_rank import LOW_RANK_RULES, OUTER_RULES, RANK_ONE_RULES
from symgrad.rewrite.matrices import DETERMINANTS_OF_POWERS, LOGDET_OF_PRODUCT
from symgrad.rewrite.rule import Rule, by_op, changes_by
from symgrad.rewrite.triangles import TRIANGLE_RULES

# What formulas are differentiated and computed by
STRUCTURE_RULES: Final = (*KRONECKER_RULES, *BLOCK_RULES, *TRIANGLE_RULES, *OUTER_RULES)
# What they are simplified by
READ_RULES: Final = (*STRUCTURE_RULES, *RANK_ONE_RULES)
OF_STRUCTURE: Final = by_op((*STRUCTURE_RULES, *DETERMINANTS_OF_POWERS, LOGDET_OF_PRODUCT))
# What they are computed by: other rules make long formulas of short ones, and fewer operations of many
COMPUTED_RULES: Final = (*STRUCTURE_RULES, *KRONECKER_SYSTEMS, *LOW_RANK_RULES)
COMPUTED: Final = by_op((*COMPUTED_RULES, LOGDET_OF_PRODUCT))
LOOKED_FOR: Final = (
    DET,
    *LINEAR_OPS,
    RESHAPE,
    CONCAT,
)  # without one of these there is nothing to do
MAX_ROUNDS: Final = 4  # of rules on what rules made, such as a determinant of a block


def by_structure(
    roots: Sequence[Expr], rules: Mapping[Op, tuple[Rule, ...]] = COMPUTED
) -> Sequence[Expr]:
    """The roots with matrices of known structure taken apart."""
    roots = as_roots(roots)
    for _ in range(MAX_ROUNDS):
        if ops_of(roots).isdisjoint(LOOKED_FOR):
            break
        before, roots = roots, rewritten(roots, changes_by(rules))
        if roots is before:
            break
    return roots
