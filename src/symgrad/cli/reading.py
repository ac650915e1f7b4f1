"""What the user typed, as formulas, symbols and numbers."""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import symgrad as sg
from symgrad.errors import ArgumentError, ParseError
from symgrad.expr.leaves import SYMBOL
from symgrad.expr.node import Expr
from symgrad.expr.traverse import free_symbols
from symgrad.parse.declarations import declarations, parted


class Request(NamedTuple):
    """The formulas of a command, as text too, and the symbols that were declared."""

    formulas: list[Expr]
    texts: list[str]
    declared: dict[str, Expr]

    @property
    def mentioned(self) -> list[Expr]:
        """The symbols of the formulas in the order in which the text mentions them."""
        words = re.findall(r"\w+", " ".join(self.texts))
        place = {word: k for k, word in reversed(list(enumerate(words)))}
        found = free_symbols(*self.formulas)
        return sorted(found, key=lambda s: place.get(str(s.name), len(place)))


def request(arguments: argparse.Namespace) -> Request:
    """The formulas, which semicolons part, with the symbols that --declare describes."""
    declared = declarations(getattr(arguments, "declare", None) or [])
    texts = [part.strip() for part in source(arguments.formula).split(";")]
    return Request([sg.parse(text, declared) for text in texts], texts, declared)


def one_formula(arguments: argparse.Namespace) -> tuple[Request, Expr]:
    """The one formula of a command that takes one."""
    found = request(arguments)
    if len(found.formulas) > 1:
        raise ArgumentError(
            f"{arguments.command} takes one formula, not {len(found.formulas)};"
            " jacobian and newton take several"
        )
    return found, found.formulas[0]


def source(text: str) -> str:
    """The text of an argument: itself, that of standard input for -, that of a file for @FILE.

    In a file and on standard input each line that is not empty and no comment is a formula.
    """
    if text == "-":
        text = sys.stdin.read()
    elif text.startswith("@"):
        text = contents(text[1:])
    else:
        return text
    lines = [line.split("#")[0].strip() for line in text.splitlines()]
    return ";".join(line.rstrip(";") for line in lines if line)


def contents(path: str) -> str:
    """The text of a file."""
    try:
        return Path(path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text in UTF-8"
        raise ArgumentError(f"cannot read {path}: {reason}") from None


def symbol_named(text: str, declared: Mapping[str, Expr]) -> Expr:
    """A symbol by its name."""
    name = text.strip()
    symbol = sg.parse(name, declared) if name.isidentifier() else None
    if symbol is None or symbol.op is not SYMBOL:
        raise ParseError("expected the name of a variable", name, 0)
    return symbol


def variables(arguments: argparse.Namespace, given: Request, all_of_them: bool) -> list[Expr]:
    """The variables that were named, or those of the formula where that leaves no choice."""
    if arguments.variable is not None and arguments.wrt is not None:
        raise ArgumentError("name the variables once: as an argument or with --wrt")
    listed = arguments.variable if arguments.wrt is None else arguments.wrt
    if listed is not None:
        return list(dict.fromkeys(symbol_named(n, given.declared) for n in listed.split(",")))
    found = given.mentioned
    if len(found) == 1 or (found and all_of_them):
        return found
    names = ", ".join(sorted(str(s.name) for s in found)) or "none"
    raise ArgumentError(f"say by which variable to differentiate; the formula mentions {names}")


def number(text: str) -> float:
    """The value of a formula without variables, such as ``-1e-3`` or ``pi/2``."""
    formula = sg.parse(text.strip())
    symbols = free_symbols(formula)
    if symbols:
        raise ParseError("expected a number", text.strip(), text.strip().find(str(symbols[0].name)))
    return float(sg.evaluate(formula, {}))


def value(text: str) -> Any:
    """A number, or an array written as a list: ``[[1, 2], [3, 4]]``."""
    if not text.strip().startswith("["):
        return number(text)
    try:
        return np.array(json.loads(text), dtype=float)
    except ValueError as error:
        raise ParseError(f"expected a list of numbers ({error})", text.strip(), 0) from None


def assignments(texts: Sequence[str], option: str, known: Mapping[str, Expr]) -> dict[Expr, Any]:
    """The values of ``"x=1,v=[1,2]"`` by symbol; `known` are the symbols that may be given."""
    found: dict[Expr, Any] = {}
    for text in (part for given in texts for part in parted(given)):
        name, sign, right = text.partition("=")
        if not sign:
            raise ParseError("expected a value: name=value", text, len(text))
        symbol = symbol_named(name, known)
        if known.get(str(symbol.name)) is not symbol:
            raise ArgumentError(
                f"{option} {text.strip()}: the formula does not mention {symbol.name}"
            )
        if symbol in found:
            raise ArgumentError(f"{option} gives {symbol.name} twice")
        found[symbol] = value(right)
    return found
