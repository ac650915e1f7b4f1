"""Memory that threads keep, and the parts of arrays that blocks need."""

import numpy as np
import pytest

from symgrad.runtime.blocks import within
from symgrad.runtime.memory import ALIGNMENT, Workspace


def test_memory_is_aligned_and_taken_again():
    space = Workspace(lambda: 1000)
    first = space.take(300)
    assert first.size >= 300 and first.ctypes.data % ALIGNMENT == 0
    space.give_back(first)
    again = space.take(200)
    assert again is first
    assert not np.shares_memory(space.take(200), again)


def test_what_is_taken_within_a_call_does_not_take_its_place():
    space = Workspace(lambda: 1000)
    for _ in range(3):
        outer, inner = space.take(500), space.take(100)
        assert not np.shares_memory(outer, inner)
        space.give_back(inner)
        space.give_back(outer)
    assert space.take(500) is outer and space.take(100) is inner


def test_what_is_kept_is_bounded():
    space = Workspace(lambda: 1000)
    for size in (600, 600, 5000):
        space.give_back(np.empty(size, np.uint8))
    assert space.take(1).size == 600 and space.take(1).size == 1


@pytest.mark.parametrize("halo", [(0, 0), (1, 0), (3, 1), (2, 2), (9, 8)])
@pytest.mark.parametrize("extent", [0, 1, 4, 6])
def test_rows_with_their_halo(halo, extent):
    for first in range(7):
        part = within(slice(first, first + 2), extent, halo)
        needed = [i for i in range(first - halo[0], first + 2 - halo[1]) if 0 <= i < extent]
        assert list(range(extent))[part] == needed
