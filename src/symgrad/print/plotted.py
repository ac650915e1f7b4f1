"""A picture drawn by matplotlib, for formats that are no text. It is imported when something is drawn."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any, Final

from symgrad.print.graph import FUNCTION, NOTE, Picture
from symgrad.print.layout import LINE, PlacedPicture, placed
from symgrad.print.svg import ARROW, COLORS, MARGIN, cluster_boxes, controls

POINTS: Final = 72.0  # of an inch
SHARPNESS: Final = 2.0  # pixels of a point
DARK: Final = "#333"


def plot(picture: Picture, target: Path) -> None:
    """Write the picture in the format of the suffix.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    """
    figures = import_module("matplotlib.figure")
    at = placed(picture)
    width, height = at.width + 2 * MARGIN, at.height + 2 * MARGIN
    figure = figures.Figure(figsize=(width / POINTS, height / POINTS), dpi=POINTS * SHARPNESS)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_xlim(-MARGIN, width - MARGIN)
    axes.set_ylim(height - MARGIN, -MARGIN)
    axes.axis("off")
    _clusters(picture, at, axes)
    _edges(picture, at, axes)
    _nodes(picture, at, axes)
    figure.savefig(target)


def _clusters(picture: Picture, at: PlacedPicture, axes: Any) -> None:
    patches = import_module("matplotlib.patches")
    for name, (x0, y0, x1, y1) in cluster_boxes(picture, at).items():
        axes.add_patch(
            patches.Rectangle((x0, y0), x1 - x0, y1 - y0, fill=False, ec="#888", ls="--")
        )
        axes.text(x0 + 3, y0 - 3, _plain(name), fontsize=8)


def _edges(picture: Picture, at: PlacedPicture, axes: Any) -> None:
    patches, curve = import_module("matplotlib.patches"), import_module("matplotlib.path").Path
    for points, (_, _, label) in zip(at.paths, picture.edges, strict=True):
        corners = [points[0], *[p for part in controls(points) for p in part]]
        codes = [curve.MOVETO, *[curve.CURVE4] * (len(corners) - 1)]
        axes.add_patch(patches.PathPatch(curve(corners, codes), fill=False, ec=DARK, lw=0.8))
        x, y = points[-1]
        tip = [(x, y), (x - ARROW / 2, y - ARROW), (x + ARROW / 2, y - ARROW)]
        axes.add_patch(patches.Polygon(tip, color=DARK))
        if label:
            axes.text(x + 4, y - ARROW, label, fontsize=7, color=DARK)


def _nodes(picture: Picture, at: PlacedPicture, axes: Any) -> None:
    patches = import_module("matplotlib.patches")
    for node, (x, y), (w, h) in zip(picture.nodes, at.centres, at.sizes, strict=True):
        color = COLORS[node.kind]
        if node.kind == FUNCTION:
            axes.add_patch(patches.Rectangle((x - w / 2, y - h / 2), w, h, color=color))
        elif node.kind != NOTE:
            axes.add_patch(patches.Ellipse((x, y), w, h, color=color))
        top = y - (len(node.lines) - 1) * LINE / 2
        for k, line in enumerate(node.lines):
            axes.text(x, top + k * LINE, _plain(line), ha="center", va="center", fontsize=9)


def _plain(text: str) -> str:
    """Text without the dollars that matplotlib reads."""
    return text.replace("$", r"\$")
