"""The words and signs of a formula, and what is wrong where they make none.

Python's parser knows whether a text is a formula, but its messages speak of programs. `check` walks
the tokens with one bit of state, whether an operand must come next, and names the first place that
breaks the rule together with what to write there.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from symgrad.errors import ParseError

_TOKEN: Final = re.compile(
    r"(?P<number>(?:[0-9][0-9_]*(?:\.(?!\.)[0-9_]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)"
    r"|(?P<name>[^\W0-9\u2080-\u2089]\w*)"
    r"|(?P<sign>\.\.\.|\*\*|//|[<>=!]=|[-+*/%@<>()\[\],:.=])"
)
_DERIVATIVE: Final = re.compile(r"\.derivative\([0-9, ]*\) *$")  # of a function, to be called
_SPACE: Final = re.compile(r" *")
# Digits below the line belong to names; for Python's parser a letter of as many bytes stands in
SUBSCRIPTS: Final = dict.fromkeys(range(0x2080, 0x208A), "\u4e00")

MAX_DIGITS: Final = 309  # of an integer that a float can hold
WORDS: Final = {"and", "or", "if", "else"}  # between two operands
VALUES: Final = {"True", "False", "None"}
_CLOSES: Final = {")": "(", "]": "["}

_QUOTES: Final = "a formula holds no quoted text"
_GROUP: Final = "group with ( and )"
_HINTS: Final = {
    "^": "a power is written **",
    "&": "write `and`",
    "|": "write `or`; an absolute value is abs(x)",
    "~": "write `not`",
    "!": "write `not`; a comparison is !=",
    "=": "a comparison is written ==",
    "'": _QUOTES,
    '"': _QUOTES,
    "`": _QUOTES,
    "{": _GROUP,
    "}": _GROUP,
    "\\": "this is not LaTeX; write names without a backslash",
    ";": "a text holds one formula",
    "#": "a formula holds no comment",
    "²": "write **2",
    "³": "write **3",
    "√": "write sqrt( )",
    "∞": "write inf",
    "≤": "write <=",
    "≥": "write >=",
    "≠": "write !=",
    "÷": "write /",
    **dict.fromkeys("\u00d7\u00b7\u22c5\u2219\u2217", "write *"),
    **dict.fromkeys("\u2212\u2013\u2014", "write -"),
}


class Token(NamedTuple):
    """One word or sign: its kind (number, name, sign), its text, and where it starts."""

    kind: str
    text: str
    offset: int


_START: Final = Token("start", "", 0)


def tokens(text: str) -> Iterator[Token]:
    """The tokens of a text.

    Raises
    ------
    ParseError
        At the first character that has no place in a formula.
    """
    at = _skip(text, 0)
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise _stranger(text, at)
        kind, word = str(match.lastgroup), match.group()
        plain = word.translate(SUBSCRIPTS)
        if kind == "name" and not plain.isidentifier():
            end = next(i for i in range(1, len(word) + 1) if not plain[:i].isidentifier())
            raise _stranger(text, at + end - 1)
        yield Token(kind, word, at)
        at = _skip(text, match.end())


def _skip(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at


def _stranger(text: str, at: int) -> ParseError:
    hint = _HINTS.get(text[at])
    reason = f"unexpected {text[at]!r}" + (f"; {hint}" if hint else "")
    return ParseError(reason, text, at)


def check(text: str) -> int:
    """Make sure that the tokens of `text` alternate as in a formula.

    Returns the offset of the most deeply nested token.

    Raises
    ------
    ParseError
        At the first token that is out of place, with what to write instead.
    """
    walk = _Walk(text)
    for token in tokens(text):
        walk.step(token)
    walk.end()
    return walk.deepest


@dataclass(slots=True)
class _Walk:
    """The state of one walk along the tokens."""

    text: str
    wants: bool = True  # an operand must come next
    last: Token = _START
    opened: list[tuple[str, int]] = field(default_factory=list)  # "f" is the bracket of a call
    depth: int = 0
    deepest: int = 0

    def step(self, token: Token) -> None:
        if token.kind == "sign":
            self._sign(token)
        elif self.last.text == ".":
            self.wants = False
        elif token.text in WORDS:
            self._between(token)
        elif token.text == "not":
            if not self.wants:
                raise self._error("`not` stands before a condition, not between operands", token)
        elif keyword.iskeyword(token.text) and token.text not in VALUES:
            note = "; write lam, or a Greek letter" if token.text == "lambda" else ""
            raise self._error(f"{token.text!r} is a reserved word and no name{note}", token)
        else:
            self._operand(token)
        self.last = token

    def end(self) -> None:
        if self.last.kind == "start":
            raise ParseError("an empty text is no formula", self.text, 0)
        if self.opened:
            bracket, offset = self.opened[-1]
            sign = "[" if bracket == "[" else "("
            raise ParseError(f"{sign!r} is never closed", self.text, offset)
        if self.wants:
            reason = f"an operand is missing after {self.last.text!r}"
            raise ParseError(reason, self.text, len(self.text.rstrip(" ")))

    def _error(self, reason: str, token: Token) -> ParseError:
        return ParseError(reason, self.text, token.offset)

    def _operand(self, token: Token) -> None:
        if not self.wants:
            raise self._error(self._missing_operator(token), token)
        if token.kind == "number":
            self._number(token)
        self.wants = False

    def _number(self, token: Token) -> None:
        digits = token.text.replace("_", "")
        if digits.isdigit() and len(digits) > MAX_DIGITS:
            raise self._error("an integer beyond the range of floats", token)
        if digits.isdigit() and digits[0] == "0" and digits.strip("0"):
            raise self._error(f"write {digits.lstrip('0')} without leading zeros", token)

    def _missing_operator(self, token: Token) -> str:
        before, after = self.last.text, token.text
        right = "(...)" if after == "(" else after
        left = "(...)" if before == ")" else before
        reason = f"an operator is missing between {before!r} and {after!r}; write {left}*{right}"
        if self.last.kind == "name":
            reason += f" to multiply, {before}({right.strip('()')}) to call a function"
        return reason

    def _between(self, token: Token) -> None:
        if self.wants:
            place = f"after {self.last.text!r}" if self.last.text else f"before {token.text!r}"
            raise self._error(f"an operand is missing {place}", token)
        self.wants = True

    def _sign(self, token: Token) -> None:
        sign = token.text
        if sign in "([":
            self._open(token)
        elif sign in ")]":
            self._close(token)
        elif sign == "...":
            self._operand(token)
        elif sign == ":" and self._inside("["):
            self.wants = True
        elif sign in ",:=":
            self._separate(token)
        elif not (sign in "+-" and self.wants):
            self._between(token)

    def _inside(self, *brackets: str) -> bool:
        return bool(self.opened) and self.opened[-1][0] in brackets

    def _open(self, token: Token) -> None:
        bracket = token.text
        if bracket == "[" and self.wants:
            raise self._error("a list is no operand; [ ] only takes entries of an array", token)
        if bracket == "(" and not self.wants:
            derivative = _DERIVATIVE.search(self.text[: token.offset][-MAX_DIGITS:])
            if self.last.kind != "name" and not derivative:
                raise self._error(self._missing_operator(token), token)
            bracket = "f"
        self.opened.append((bracket, token.offset))
        if len(self.opened) > self.depth:
            self.depth, self.deepest = len(self.opened), token.offset
        self.wants = True

    def _close(self, token: Token) -> None:
        sign, before = token.text, self.last.text
        if not self.opened:
            raise self._error(f"{sign!r} closes nothing", token)
        bracket, _ = self.opened.pop()
        if (bracket == "[") != (sign == "]"):
            right = "]" if bracket == "[" else ")"
            raise self._error(f"{sign!r} where {right!r} is expected", token)
        may_end = before == ":" or (bracket == "f" and before == "(")
        if self.wants and not may_end:
            raise self._error(f"an operand is missing after {before!r}", token)
        self.wants = False

    def _separate(self, token: Token) -> None:
        if token.text == "=" and self._inside("f") and self.last.kind == "name":
            self.wants = True
        elif token.text == "," and self.opened:
            if not (self._inside("[") and self.last.text == ":"):
                self._between(token)
            self.wants = True
        elif token.text == ",":
            raise self._error("a text holds one formula; a comma has no place here", token)
        else:
            raise _stranger(self.text, token.offset)
