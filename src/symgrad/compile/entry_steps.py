"""The steps of functions of small arrays of known extents: a formula for each entry."""

from __future__ import annotations

from typing import Final

from symgrad.compile.pipeline import Draft
from symgrad.program.build import lower
from symgrad.rewrite.unrolling import by_entries, has_entries
from symgrad.targets.native.steps import ScalarSteps, Unsupported, steps_of
from symgrad.targets.passes import prepared

# Entries of machine code and of C: of an argument or a result, and of all nodes
MOST_OF_ARRAY: Final = 16_384
MOST_OF_NODES: Final = 100_000


def entry_steps(draft: Draft, portable: bool = False) -> ScalarSteps:
    """The steps over the entries of all arguments, whose outputs are the entries of all outputs.

    Raises
    ------
    Unsupported
        If arrays are large, or an entry has no steps; see `steps_of`, of `portable` too.
    """
    parameters = draft.lowered().parameters
    known = has_entries([x for _, x in parameters], draft.leaves, MOST_OF_ARRAY)
    scalars = by_entries(parameters, draft.leaves, MOST_OF_NODES) if known else None
    if scalars is None:
        raise Unsupported("arrays that are large, or of extents that are no numbers")
    inputs, outputs = scalars.flat()
    return steps_of(lower(inputs, prepared(outputs)), portable)
