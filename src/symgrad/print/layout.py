"""Where the nodes of a picture stand: layers from operands to users, few crossings, straight edges.

After Sugiyama, Tagawa and Toda, "Methods for visual understanding of hierarchical system structures"
(1981): nodes are put into layers; an edge over several layers gets a point in each; the order in a layer
follows the mean place of the neighbours, downwards and upwards in turn; then places are averaged.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from symgrad.print.graph import Picture

SWEEPS: Final = 12  # each over all layers, downwards or upwards
CHARACTER: Final = 7.5  # points of a letter
LINE: Final = 16.0
GAP_X: Final = 22.0
GAP_Y: Final = 34.0
POINT: Final = 8.0  # the width that an edge takes where it passes a layer


@dataclass
class PlacedPicture:
    """A picture with a place for everything.

    Attributes
    ----------
    centres, sizes : list of (float, float)
        Of the nodes.
    paths : list of list of (float, float)
        Of the edges: the points they pass, from operand to the upper side of the user.
    width, height : float
    """

    centres: list[tuple[float, float]]
    sizes: list[tuple[float, float]]
    paths: list[list[tuple[float, float]]]
    width: float
    height: float


def placed(picture: Picture) -> PlacedPicture:
    """A place for each node and edge."""
    sizes = [
        (max(map(len, node.lines)) * CHARACTER + 22, len(node.lines) * LINE + 12)
        for node in picture.nodes
    ]
    layer = _layers(picture)
    chains = _chains(picture, layer)
    widths = {i: size[0] for i, size in enumerate(sizes)}
    rows: list[list[int]] = [[] for _ in range(max(layer, default=-1) + 1)]
    for i, at in enumerate(layer):
        rows[at].append(i)
    below: dict[int, list[int]] = {}
    above: dict[int, list[int]] = {}
    for chain in chains:
        for a, b in pairwise(chain):
            below.setdefault(a, []).append(b)
            above.setdefault(b, []).append(a)
        first = layer[chain[0]]
        for step, point in enumerate(chain[1:-1], 1):
            widths[point] = POINT
            rows[first + step].append(point)
    _order(rows, above, below)
    x = _columns(rows, above, below, widths)
    tops, top = [], 0.0
    for row in rows:
        height = max([sizes[i][1] for i in row if i < len(sizes)], default=LINE)
        tops.append(top + height / 2)
        top += height + GAP_Y
    y = {i: tops[at] for at, row in enumerate(rows) for i in row}
    left = min([x[i] - widths[i] / 2 for i in x], default=0.0)
    right = max([x[i] + widths[i] / 2 for i in x], default=0.0)
    x = {i: at - left for i, at in x.items()}
    centres = [(x[i], y[i]) for i in range(len(sizes))]
    paths = [
        [*[(x[i], y[i]) for i in chain[:-1]], (x[chain[-1]] + shift, _top(y, sizes, chain[-1]))]
        for chain, shift in zip(chains, _shifts(chains, x, sizes), strict=True)
    ]
    return PlacedPicture(centres, sizes, paths, right - left, max(top - GAP_Y, 0.0))


def _top(y: Mapping[int, float], sizes: Sequence[tuple[float, float]], i: int) -> float:
    return y[i] - sizes[i][1] / 2


def _shifts(
    chains: Sequence[Sequence[int]], x: Mapping[int, float], sizes: Sequence[tuple[float, float]]
) -> list[float]:
    """How far from the middle of its user each edge ends, so that edges end side by side."""
    ending: dict[int, list[int]] = {}
    for k, chain in enumerate(chains):
        ending.setdefault(chain[-1], []).append(k)
    shifts = [0.0] * len(chains)
    for user, edges in ending.items():
        edges.sort(key=lambda k: x[chains[k][-2]])
        apart = min(14.0, sizes[user][0] * 0.8 / len(edges))
        for place, k in enumerate(edges):
            shifts[k] = (place - (len(edges) - 1) / 2) * apart
    return shifts


def layers_passed(picture: Picture) -> int:
    """How many layers the edges pass, all together: what it costs to place them."""
    layer = _layers(picture)
    return sum([layer[user] - layer[operand] for operand, user, _ in picture.edges])


def _layers(picture: Picture) -> list[int]:
    """One below the lowest operand; what has no operands one above the highest user."""
    count = len(picture.nodes)
    layer = [0] * count
    operands: dict[int, list[int]] = {}
    users: dict[int, list[int]] = {}
    for a, b, _ in picture.edges:
        operands.setdefault(b, []).append(a)
        users.setdefault(a, []).append(b)
    for i in range(count):  # operands come before users
        layer[i] = max([layer[a] + 1 for a in operands.get(i, ())], default=0)
    for i in range(count):
        if i not in operands and i in users:
            layer[i] = min(layer[b] for b in users[i]) - 1
    return layer


def _chains(picture: Picture, layer: Sequence[int]) -> list[list[int]]:
    """Each edge as its ends and a point of its own, numbered on, in every layer between."""
    following = len(picture.nodes)
    chains = []
    for a, b, _ in picture.edges:
        between = layer[b] - layer[a] - 1
        chains.append([a, *range(following, following + between), b])
        following += between
    return chains


Neighbours = Mapping[int, Sequence[int]]


def _order(rows: list[list[int]], above: Neighbours, below: Neighbours) -> None:
    for sweep in range(SWEEPS):
        down = sweep % 2 == 0
        neighbours = above if down else below
        for row in rows[1:] if down else rows[-2::-1]:
            other = rows[rows.index(row) + (-1 if down else 1)]
            place = {i: k for k, i in enumerate(other)}
            own = {i: k for k, i in enumerate(row)}

            def mean(i: int) -> float:
                found = [place[j] for j in neighbours.get(i, ()) if j in place]  # noqa: B023
                return sum(found) / len(found) if found else float(own[i])  # noqa: B023

            row.sort(key=mean)


def _columns(
    rows: list[list[int]], above: Neighbours, below: Neighbours, widths: Mapping[int, float]
) -> dict[int, float]:
    """Places that keep the order, near the mean of the neighbours."""
    x: dict[int, float] = {}
    for row in rows:
        at = 0.0
        for i in row:
            x[i] = at + widths[i] / 2
            at += widths[i] + GAP_X
    for sweep in range(SWEEPS):
        for row in rows if sweep % 2 == 0 else rows[::-1]:
            wanted = []
            for i in row:
                near = [*above.get(i, ()), *below.get(i, ())]
                wanted.append(sum([x[j] for j in near]) / len(near) if near else x[i])
            _settle(row, wanted, x, widths)
    return x


def _settle(
    row: Sequence[int], wanted: Sequence[float], x: dict[int, float], widths: Mapping[int, float]
) -> None:
    """The places nearest to those wanted, in the mean square, at which nothing overlaps.

    Nodes that would overlap move together: pool adjacent violators.
    """
    offset, offsets = 0.0, []
    for k, i in enumerate(row):
        if k:
            offset += (widths[row[k - 1]] + widths[i]) / 2 + GAP_X
        offsets.append(offset)
    blocks: list[tuple[float, int]] = []  # the mean of shifts, and how many
    for w, o in zip(wanted, offsets, strict=True):
        mean, count = w - o, 1
        while blocks and blocks[-1][0] > mean:
            before, more = blocks.pop()
            mean = (mean * count + before * more) / (count + more)
            count += more
        blocks.append((mean, count))
    shifts = [mean for mean, count in blocks for _ in range(count)]
    for i, o, s in zip(row, offsets, shifts, strict=True):
        x[i] = o + s
