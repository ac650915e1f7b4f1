"""Symbols from text: ``"A: (n, n) symmetric, x: n, s: positive"``, for the command and the page."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from symgrad.errors import ArgumentError, ParseError
from symgrad.expr.leaves import ASSUMPTIONS, symbol
from symgrad.expr.node import Expr

_DECLARATION: Final = re.compile(r"\s*(\w+)\s*(?::\s*(\([^)]*\)|)(.*))?$")


def parted(text: str) -> list[str]:
    """The parts of a text between the commas that stand outside of all brackets."""
    depth, parts = 0, [""]
    for sign in text:
        depth += (sign in "([") - (sign in ")]")
        if sign == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += sign
    return parts


def declarations(texts: Iterable[str]) -> dict[str, Expr]:
    """Symbols by name, of texts such as ``"A: (n, n) symmetric, x: n, s: positive"``."""
    found: dict[str, Expr] = {}
    for text in texts:
        for part in parted(text):
            declared = _declared(part)
            if declared.name in found:
                raise ArgumentError(f"the declarations describe {declared.name} twice")
            found[str(declared.name)] = declared
    return found


def _declared(text: str) -> Expr:
    """One symbol, of its name, its shape and its assumptions."""
    match = _DECLARATION.match(text)
    if match is None or not match[1].isidentifier():
        raise ParseError('expected a declaration such as "A: (n, n) symmetric"', text.strip(), 0)
    name, shape, words = match[1], match[2] or "", (match[3] or "").split()
    if not shape and words and words[0] not in ASSUMPTIONS:
        shape = words.pop(0)
    extents = tuple(int(word) if word.isdigit() else word for word in re.findall(r"\w+", shape))
    return symbol(name, extents, **dict.fromkeys(words, True))
