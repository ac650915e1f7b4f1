"""Groups of columns of a symmetric matrix: each entry is read in its row, or in that of its mirror image.

Columns are the vertices of a graph, entries off the diagonal its edges. In a star colouring neighbours
differ, and no path of four vertices has two colours only; so of two neighbours one is the only vertex of
its colour next to the other, and their entry stands alone in a compressed column. An arrow needs 2 groups
so, where groups without a common row are as many as its columns.

A. H. Gebremedhin, F. Manne, A. Pothen, What color is your Jacobian?, SIAM Review 47, 2005, algorithm 4.1.
"""

from __future__ import annotations

from typing import Any

import numpy as np

Groups = np.ndarray[Any, np.dtype[np.int64]]


def is_mirrored(rows: Any, columns: Any, width: int) -> bool:
    """Whether a pattern in C order is that of its transpose."""
    return np.array_equal(np.sort(columns * width + rows), rows * width + columns)


def star_groups(rows: Any, columns: Any, width: int) -> Groups:
    """The group of each column of a symmetric pattern, greedily, those with most entries first.

    >>> hub, rim = np.zeros(4, np.int64), np.arange(1, 5)
    >>> star_groups(np.append(hub, rim), np.append(rim, hub), 5).tolist()
    [0, 1, 1, 1, 1]
    """
    near: list[list[int]] = [[] for _ in range(width)]
    for i, j in zip(rows.tolist(), columns.tolist(), strict=True):
        if i != j:
            near[i].append(j)
    groups = [-1] * width
    for v in sorted(range(width), key=lambda v: -len(near[v])):
        taken = _taken(v, near, groups)
        groups[v] = next(k for k in range(width) if k not in taken)
    return np.array(groups, np.int64)


def _taken(v: int, near: list[list[int]], groups: list[int]) -> set[int]:
    """The groups of neighbours, and those that would make a path of four vertices in two groups."""
    taken: set[int] = set()
    for w in near[v]:
        if groups[w] >= 0:
            taken.add(groups[w])
        for x in near[w]:
            if x == v or groups[x] < 0 or groups[x] in taken:
                continue
            if groups[w] < 0 or any(y != w and groups[y] == groups[w] for y in near[x]):
                taken.add(groups[x])
    return taken


def star_places(rows: Any, columns: Any, groups: Groups, count: int) -> Any:
    """Where each entry stands in the matrix times its groups, in C order."""
    own, mirror = rows * count + groups[columns], columns * count + groups[rows]
    alone = np.bincount(own)[own] == 1
    return np.where(alone, own, mirror)
