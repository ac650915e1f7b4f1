"""Python code for notebooks: coloured by Pygments where that is installed, which Jupyter brings."""

from __future__ import annotations

from html import escape
from typing import Any


def coloured(source: str) -> str:
    """Code as HTML, with its colours in it; without Pygments as it stands."""
    try:
        from pygments import highlight  # noqa: PLC0415 (an extra)
        from pygments.formatters import HtmlFormatter  # noqa: PLC0415
        from pygments.lexers import PythonLexer  # noqa: PLC0415
    except ImportError:
        return f"<pre>{escape(source.strip())}</pre>"
    # colours that can be read on white and on black, and no background of their own
    formatter: Any = HtmlFormatter(noclasses=True, nobackground=True, style="solarized-light")
    return str(highlight(source.strip(), PythonLexer(), formatter))
