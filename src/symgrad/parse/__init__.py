"""`parse`: a formula from text, without eval.

A text is read in three simple passes: `tokens` looks at its words and signs and says what a person
most likely meant where they make no formula; Python's own parser makes the tree; `builder` builds
the expression from the kinds of tree node that it lists, with the functions of `functions`, and
nothing else.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from symgrad.calls import checked
from symgrad.errors import ArgumentError, ParseError
from symgrad.expr.node import Expr
from symgrad.ops.applied import UndefinedFunction
from symgrad.ops.elementwise import Elementwise, as_expr
from symgrad.parse.builder import PRIME, Builder
from symgrad.parse.functions import PRIMED
from symgrad.parse.tokens import SUBSCRIPTS, check

__all__ = ["parse"]

MAX_LENGTH: Final = 100_000
MAX_LEVELS: Final = 2000  # of operations within operations
FUNCTIONS: Final = (UndefinedFunction, Elementwise)
_PRIMES: Final = re.compile(r"(\w+)('+)(?=\()")
_SPACES: Final = dict.fromkeys(map(ord, "\t\n\r\f\v"), " ")


@checked
def parse(
    text: str,
    symbols: Mapping[str, Any] | Iterable[Expr] | None = None,
    functions: Mapping[str, Any] | Iterable[Any] | None = None,
) -> Expr:
    """A formula from text.

    The text is Python's arithmetic: ``+ - * / // % **``, comparisons (chained too), ``and or not``,
    ``a if c else b``, and calls of the elementwise functions by the names of NumPy, SymPy or `math`
    (``arcsin``, ``asin``; ``log``, ``ln``; ``abs``, ``Abs``). Integers are exact, so ``1/2`` is one
    half. ``pi``, ``E``, ``inf`` and ``nan`` are numbers; other names are scalar symbols of float64.

    Parameters
    ----------
    text : str
        The formula, of at most 100,000 characters, brackets nested at most 190 deep, and a
        chain of operators of at most some 2,900 signs.
    symbols : dict from str to Expr, or iterable of symbols, optional
        What names stand for. With an array among them the text can also use ``@``, ``x.T``,
        indexing with ints and slices, and functions of arrays: ``sum(x, axis=0)``, ``dot``,
        ``trace`` and their like.
    functions : dict from str to functions, or iterable of functions, optional
        Functions made by `function` and `elementwise_function` that the text may call; derivatives of the
        former are read as they print, ``diff(q(t), t, 2)``, ``f'(x**2)`` and
        ``f.derivative(1, 0)(x, 2*x)``.

    Returns
    -------
    Expr
        Of shape () unless `symbols` holds arrays.

    Raises
    ------
    ParseError
        For a text that is no formula: with the reason, and a caret under the offending place.
    ArgumentError
        For a `text` that is no str, `symbols` that are no symbols, or `functions` that are no functions.

    Examples
    --------
    >>> import symgrad as sg
    >>> x = sg.symbol("x")
    >>> sg.parse("x**4 - 2*x**2") is x**4 - 2*x**2
    True
    >>> sg.parse("A @ x", [sg.matrix("A", ("m", "n")), sg.vector("x", "n")]).shape
    ('m',)
    >>> q, t = sg.function("q"), sg.symbol("t")
    >>> sg.parse("diff(q(t), t, 2)", functions=[q]) is q(t).diff(t, 2)
    True
    """
    if not isinstance(text, str):
        raise ArgumentError(f"parse takes the text of a formula, a str, not {text!r}")
    if len(text) > MAX_LENGTH:
        reason = f"a formula of {len(text)} characters; {MAX_LENGTH} are allowed"
        raise ParseError(reason, text, MAX_LENGTH)
    known = _named(symbols)
    called = _called(functions)
    spaced = text.translate(_SPACES)
    spaced = _PRIMES.sub(lambda m: _primed(m, bool(called)), spaced)
    deepest = check(spaced)
    tree = _tree(spaced, deepest)
    return Builder(spaced, known, called).build(tree)


def _primed(match: re.Match[str], called: bool) -> str:
    """A name with primes, those of a derivative where the name may have one."""
    name, primes = match.groups()
    return name + PRIME * len(primes) if called or name in PRIMED else match[0]


def _tree(text: str, deepest: int) -> ast.expr:
    """Python's tree of a text, in which all columns are shifted by the bracket put before it."""
    reason = "too long or too deeply nested for one text; parse its parts and combine them"
    try:
        tree = ast.parse(f"({text.translate(SUBSCRIPTS)})", mode="eval").body
    except SyntaxError as error:
        offset = (error.offset or 1) - 2
        raise ParseError(error.msg, text, offset) from None
    except (RecursionError, MemoryError):
        raise ParseError(reason, text, deepest) from None
    if _levels(tree) > MAX_LEVELS:  # what Python takes depends on its recursion limit
        raise ParseError(reason, text, deepest)
    return tree


def _levels(tree: ast.expr) -> int:
    """How deep a tree is."""
    count, row = 0, [tree]
    while row:
        count += 1
        row = [
            child
            for node in row
            for child in ast.iter_child_nodes(node)
            if isinstance(child, ast.expr)
        ]
    return count


def _called(functions: Mapping[str, Any] | Iterable[Any] | None) -> dict[str, Any]:
    """The functions that the text may call, by name."""
    if functions is None:
        return {}
    if isinstance(functions, Mapping):
        known = {str(name): f for name, f in functions.items()}
    else:
        given = [functions] if isinstance(functions, (*FUNCTIONS, str)) else list(functions)
        known = {getattr(f, "name", str(f)): f for f in given}
    for f in known.values():
        if not isinstance(f, FUNCTIONS):
            raise ArgumentError(
                f"parse: functions holds {f!r}; expected functions made by function or"
                " elementwise_function, or a dict from names to them"
            )
    return known


def _named(symbols: Mapping[str, Any] | Iterable[Expr] | None) -> dict[str, Expr]:
    """What names stand for, as one dict."""
    if symbols is None:
        return {}
    if isinstance(symbols, Mapping):
        return {str(name): as_expr(value) for name, value in symbols.items()}
    known: dict[str, Expr] = {}
    for symbol in (symbols,) if isinstance(symbols, Expr) else symbols:
        if not isinstance(symbol, Expr) or symbol.name is None:
            raise ArgumentError(
                f"parse: symbols holds {symbol!r}; expected symbols, or a dict from names to"
                " expressions"
            )
        known[symbol.name] = symbol
    return known
