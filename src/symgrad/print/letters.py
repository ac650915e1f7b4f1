"""Letters to count by."""

from __future__ import annotations

from itertools import chain, count
from typing import Final

from symgrad.expr.dims import dim_names
from symgrad.expr.node import Expr
from symgrad.expr.traverse import toposort

COUNTERS: Final = "kijlmpqrst"  # letters of sums, the first that is free


def fresh_letter(node: Expr) -> str:
    """A letter to count by that no symbol and no extent of a node has for a name."""
    order = toposort([node])
    taken = {str(x.name) for x in order if x.op.label is not None}
    taken |= {name for x in order for d in x.shape for name in dim_names(d)}
    letters = chain(COUNTERS, map("k{}".format, count(1)))
    return next(letter for letter in letters if letter not in taken)
