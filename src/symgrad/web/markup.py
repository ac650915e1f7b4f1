"""Formulas as MathML, which browsers draw by themselves, and code with its words marked."""

from __future__ import annotations

import re
from typing import Any, Final

from latex2mathml.converter import convert
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

_OPERATOR: Final = re.compile(r"\\operatorname\{(\w+)\}")


def mathml(latex: str) -> str:
    """A formula; the names of functions, also those with digits, stand upright."""
    return str(convert(_OPERATOR.sub(r"\\mathrm{\1}", latex), display="block"))


def highlighted(source: str) -> str:
    """Python code as HTML, whose classes the style sheet colours."""
    formatter: Any = HtmlFormatter(nowrap=True)
    return str(highlight(source, PythonLexer(), formatter))
