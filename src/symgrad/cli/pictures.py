"""Figures of matplotlib, which is asked for when one is drawn."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from symgrad.errors import ArgumentError


def save_picture(path: str, paint: Callable[[Any], None]) -> None:
    """Write the figure that `paint` fills; the suffix of the path names the format.

    Raises
    ------
    ArgumentError
        If matplotlib is not installed, or does not know the format.
    """
    try:
        figures = import_module("matplotlib.figure")
    except ModuleNotFoundError:
        raise ArgumentError(
            "pictures of functions need matplotlib: pip install 'symgrad[plot]'"
        ) from None
    figure = figures.Figure(figsize=(6.4, 4.8), layout="constrained")
    known = figure.canvas.get_supported_filetypes()
    if Path(path).suffix[1:] not in known:
        raise ArgumentError(
            f"{path} names no format of a picture; write a suffix such as .png, .svg or .pdf"
        )
    paint(figure)
    figure.savefig(path)
