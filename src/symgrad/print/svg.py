"""A picture as SVG, drawn by this library alone."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from itertools import pairwise
from typing import Final

from symgrad.print.graph import FUNCTION, NOTE, PALETTE, Picture
from symgrad.print.layout import LINE, PlacedPicture, placed

COLORS: Final = {kind: color.rgb for kind, color in PALETTE.items()} | {NOTE: "none"}
MARGIN: Final = 12.0
ARROW: Final = 7.0

Point = tuple[float, float]


def svg(picture: Picture) -> str:
    """The text of an SVG file."""
    at = placed(picture)
    width, height = at.width + 2 * MARGIN, at.height + 2 * MARGIN
    boxes = [_cluster(name, box) for name, box in cluster_boxes(picture, at).items()]
    edges = [
        _edge(path, label) for path, (_, _, label) in zip(at.paths, picture.edges, strict=True)
    ]
    nodes = [_node(picture, at, i) for i in range(len(picture.nodes))]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}"'
            f' viewBox="{-MARGIN:g} {-MARGIN:g} {width:.0f} {height:.0f}"'
            ' font-family="DejaVu Sans, Helvetica, sans-serif" font-size="12">',
            '<rect x="-100%" y="-100%" width="300%" height="300%" fill="white"/>',
            *boxes,
            *edges,
            *nodes,
            "</svg>",
            "",
        ]
    )


def cluster_boxes(
    picture: Picture, at: PlacedPicture
) -> dict[str, tuple[float, float, float, float]]:
    """Left, top, right and bottom of each named part."""
    found: dict[str, tuple[float, float, float, float]] = {}
    for node, (x, y), (w, h) in zip(picture.nodes, at.centres, at.sizes, strict=True):
        if node.cluster is not None:
            own = (x - w / 2 - 6, y - h / 2 - 6, x + w / 2 + 6, y + h / 2 + 6)
            old = found.get(node.cluster, own)
            found[node.cluster] = (
                min(own[0], old[0]),
                min(own[1], old[1]),
                max(own[2], old[2]),
                max(own[3], old[3]),
            )
    return found


def controls(path: Sequence[Point]) -> list[tuple[Point, Point, Point]]:
    """Bézier curves through the points of a path, upright at each: two controls and an end."""
    curves = []
    for (x0, y0), (x1, y1) in pairwise(path):
        middle = (y0 + y1) / 2
        curves.append(((x0, middle), (x1, middle), (x1, y1)))
    return curves


def _edge(path: Sequence[Point], label: str) -> str:
    (x0, y0), (x, y) = path[0], path[-1]
    curves = [
        f"C{a[0]:.1f},{a[1]:.1f} {b[0]:.1f},{b[1]:.1f} {c[0]:.1f},{c[1]:.1f}"
        for a, b, c in controls(path)
    ]
    line = f'<path d="M{x0:.1f},{y0:.1f} {" ".join(curves)}" fill="none" stroke="#333"/>'
    tip = f"{x:.1f},{y:.1f} {x - ARROW / 2:.1f},{y - ARROW:.1f} {x + ARROW / 2:.1f},{y - ARROW:.1f}"
    drawn = f'{line}<polygon points="{tip}" fill="#333"/>'
    if label:
        where = f'x="{x + 4:.1f}" y="{y - ARROW:.1f}"'
        drawn += f'<text {where} font-size="9" fill="#333">{escape(label)}</text>'
    return drawn


def _cluster(name: str, box: tuple[float, float, float, float]) -> str:
    x0, y0, x1, y1 = box
    rect = f'<rect x="{x0:.1f}" y="{y0:.1f}" width="{x1 - x0:.1f}" height="{y1 - y0:.1f}"'
    text = f'<text x="{x0 + 3:.1f}" y="{y0 - 3:.1f}" font-size="10">{escape(name)}</text>'
    return f'{rect} fill="none" stroke="#888" stroke-dasharray="4 3"/>{text}'


def _node(picture: Picture, at: PlacedPicture, i: int) -> str:
    node, (x, y), (w, h) = picture.nodes[i], at.centres[i], at.sizes[i]
    fill = f'fill="{COLORS[node.kind]}"'
    if node.kind in (FUNCTION, NOTE):
        box = f'x="{x - w / 2:.1f}" y="{y - h / 2:.1f}" width="{w:.1f}" height="{h:.1f}"'
        shape = f"<rect {box} {fill}/>"
    else:
        shape = f'<ellipse cx="{x:.1f}" cy="{y:.1f}" rx="{w / 2:.1f}" ry="{h / 2:.1f}" {fill}/>'
    top = y - (len(node.lines) - 1) * LINE / 2
    texts = [
        f'<text x="{x:.1f}" y="{top + k * LINE + 4:.1f}" text-anchor="middle">{escape(line)}</text>'
        for k, line in enumerate(node.lines)
    ]
    return shape + "".join(texts)
