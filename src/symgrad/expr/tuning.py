"""What depends on the machine: sizes of blocks, bounds, and costs in the choice of code, as one record.

A reader finds here why code takes the form that it does, and a test replaces all of it as one::

    with tuned(large_entries=1, block_entries=(3, 3)):
        ...
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class Tuning:
    """The figures, measured on machines with a second-level cache of 1 MB or more.

    Attributes
    ----------
    large_entries, heavy_entries : int
        Entries of arrays from which blocks are used: below, arrays fit the cache. The second is for
        formulas that take so long for an entry that threads pay earlier.
    native_entries : int
        The same for native loops, which take no blocks.
    block_bytes : int
        What the arrays of one block may take. The few in use at a time stay in the cache; smaller
        blocks lose more to threads that wait for each other between calls.
    block_entries : (int, int)
        The least and the most entries of a block.
    threaded_work : int
        Entries times cost from which threads pay.
    shared_blocks, shared_entries : int
        Then there are so many blocks, so that there is something to share out, of so many entries at
        least.
    space_entries : int
        Spaces of known, smaller extents are not worth a loop.
    space_cost : int
        Additions an entry; less is bound by memory, and a loop over blocks gains nothing.
    rows_bytes : int
        What all arrays of a block of rows may take. Few of them are in use at a time, and fewer blocks
        make fewer products, each of which waits for the threads of BLAS.
    rows_least, rows_blocks : int
        The least rows of a block, as products with fewer are slow, and the least blocks.
    halo_rows : int
        Rows of a block for each row that shifted parts reach beyond it.
    workspace_bytes : int
        What a thread keeps between calls for blocks and intermediate arrays.
    short_axis, long_axis : int
        Axes of at most so many entries are written out, beside one of at least so many.
    einsum_axis : int
        Entries of an axis up to which `numpy.einsum` sums it faster than `numpy.sum`.
    assumed_extent : int
        What an unknown extent is taken for when the order of a contraction is chosen.
    shared_divisions : int
        Divisions by one array from which they share its reciprocal: a division takes about as long as
        two products.
    step_cost, writing_cost, calls : int
        Of code on floats: a step of array code takes as long as so many steps on floats; to find and
        write one takes as long as to run it so often; and a function is reckoned to have so many calls,
        once it has had a second one.
    prompt_steps : int
        Steps of such code that are written at the second call; more wait until calls have lost as much.
    float_steps, float_entries, argument_entries : int
        The most steps of such code, the most entries that are looked at for it, and those of an argument
        or a result.
    column_problems : int
        Problems of a batch from which they are computed by columns.
    call_entries : int
        Entries that take as long as a step of array code takes for none.
    """

    large_entries: int = 32768
    heavy_entries: int = 8192
    native_entries: int = 8192
    block_bytes: int = 1 << 23
    block_entries: tuple[int, int] = (4096, 131072)
    threaded_work: int = 1 << 20
    shared_blocks: int = 4
    shared_entries: int = 2048
    space_entries: int = 4096
    space_cost: int = 5
    rows_bytes: int = 1 << 24
    rows_least: int = 32
    rows_blocks: int = 3
    halo_rows: int = 8
    workspace_bytes: int = 40 << 20
    short_axis: int = 4
    long_axis: int = 64
    einsum_axis: int = 16
    assumed_extent: int = 100
    shared_divisions: int = 3
    step_cost: int = 15
    writing_cost: int = 1000
    calls: int = 10_000
    prompt_steps: int = 500
    float_steps: int = 5000
    float_entries: int = 12_000
    argument_entries: int = 2000
    column_problems: int = 256
    call_entries: int = 1000


MEASURED: Final = Tuning()
_CURRENT: Final[ContextVar[Tuning]] = ContextVar("tuning", default=MEASURED)


def tuning() -> Tuning:
    """The figures that hold."""
    return _CURRENT.get()


@contextmanager
def tuned(**changes: Any) -> Iterator[None]:
    """A context in which some figures are others."""
    token = _CURRENT.set(replace(tuning(), **changes))
    try:
        yield
    finally:
        _CURRENT.reset(token)
