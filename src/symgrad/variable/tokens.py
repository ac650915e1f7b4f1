"""Tokens: functions with their settings, without the data they are carried out on.

Arguments are read once: records stand for Variables and arrays, the class for a number of Python, and
what is no operand (an axis, a shape, a slice) stays as it is. Calls that differ in data alone have one
token, so that a loop that makes new Variables, arrays and numbers in every iteration leaves the same
tokens in every iteration.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any, Final, NamedTuple

import numpy as np

from symgrad.expr.formulas import Formulas
from symgrad.expr.leaves import symbol
from symgrad.expr.node import Expr
from symgrad.ops.basic import as_written
from symgrad.ops.indexing import getitem
from symgrad.variable.kinds import ArrayType, common_float, kind_of

MAX_TOKENS: Final = 20_000  # beyond which all are forgotten, to be made again
MAX_OUTCOMES: Final = 2_000  # of one token


class _Operand:
    """Where a record stands among arguments."""

    def __repr__(self) -> str:
        return "operand"


OPERAND: Final = _Operand()
# A number of Python among the operands is its class: it is data, too
NUMBER: Final = float
INTEGER: Final = int
SCALARS: Final = frozenset([NUMBER, INTEGER])
INDEXED: Final = getitem  # whose numbers are indices, which decide whether there is a result


class Setting(NamedTuple):
    """What is no operand. Its class tells 1 from True, and the text 0.0 from -0.0."""

    kind: type
    value: Any
    text: str = ""


class Nest(NamedTuple):
    """A list or tuple that holds operands."""

    kind: Any
    items: tuple[Any, ...]


class SliceToken(NamedTuple):
    """A slice."""

    start: Any
    stop: Any
    step: Any


class Opaque:
    """A setting that has no hash: the same as itself alone."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value


def setting(value: Any) -> Any:
    """A setting of any kind."""
    kind = value.__class__
    if kind is slice:
        return SliceToken(*[_plain(part) for part in (value.start, value.stop, value.step)])
    if kind is float:
        return Setting(kind, value, repr(value))
    try:
        hash(value)
    except TypeError:
        return Setting(kind, Opaque(value))
    return Setting(kind, value)


def _plain(part: Any) -> Any:
    return part.__index__() if isinstance(part, np.integer) else part


class Value(NamedTuple):
    """A part of a result that is no formula."""

    value: Any


class Outcome(NamedTuple):
    """What a call gives: the kinds of its results, or values, and the list that they stand in."""

    nest: Any  # None: one result
    parts: tuple[Any, ...]


class CallToken:
    """A function with the pattern of its arguments.

    Attributes
    ----------
    function : callable
        Of expressions.
    args, kwargs : tuple
        `OPERAND`, a class for a number, a `Setting`, `SliceToken` or `Nest` each; keyword arguments with
        their names.
    arity, numbers : int
        How many records and how many numbers of Python it takes.
    """

    __slots__ = ("_outcomes", "args", "arity", "function", "kwargs", "numbers")

    def __init__(self, function: Callable[..., Any], args: Any, kwargs: Any, arity: int) -> None:
        self.function = function
        self.args = args
        self.kwargs = kwargs
        self.arity = arity
        self.numbers = _count([*args, *[part for _, part in kwargs]])
        self._outcomes: dict[Any, Outcome] = {}

    def run(self, operands: Sequence[Expr], scalars: Sequence[Any]) -> Any:
        """The result on expressions and numbers, or expressions for these too."""
        given, numbers = iter(operands), iter(scalars)
        args = [_filled(part, given, numbers) for part in self.args]
        kwargs = {name: _filled(part, given, numbers) for name, part in self.kwargs}
        return as_written(self.function)(*args, **kwargs)

    def outcome(
        self, kinds: tuple[ArrayType, ...], scalars: tuple[Any, ...], shaped: bool
    ) -> Outcome:
        """What the function gives for operands of these kinds.

        `shaped` says that the numbers decide whether there is a result, as indices do.

        Raises
        ------
        ShapeError, DTypeError, ArgumentError
            What the function raises.
        """
        key = (kinds, scalars) if shaped else kinds
        found = self._outcomes.get(key)
        if found is None:
            operands = [
                symbol(f"v{i}", kind.shape, kind.dtype, unique="numbered")
                for i, kind in enumerate(kinds)
            ]
            found = _outcome(self.run(operands, scalars), kinds)
            if len(self._outcomes) > MAX_OUTCOMES:
                self._outcomes.clear()
            self._outcomes[key] = found
        return found


def _count(parts: Sequence[Any]) -> int:
    """How many numbers there are in patterns."""
    return sum(
        [_count(part.items) if part.__class__ is Nest else part.__class__ is type for part in parts]
    )


def _filled(part: Any, operands: Any, numbers: Any) -> Any:
    if part is OPERAND:
        return next(operands)
    kind = part.__class__
    if kind is type:
        return next(numbers)
    if kind is Setting:
        value = part.value
        return value.value if value.__class__ is Opaque else value
    if kind is SliceToken:
        return slice(*part)
    return part.kind([_filled(entry, operands, numbers) for entry in part.items])


def _outcome(result: Any, kinds: Sequence[ArrayType]) -> Outcome:
    if result.__class__ is Expr:
        return Outcome(None, (_kind(result, kinds),))
    if isinstance(result, (list, tuple)):
        kind = result.__class__
        again = getattr(kind, "_make", kind)  # of a named tuple, of a plain one
        return Outcome(again, tuple([_part(r, kinds) for r in result]))
    return Outcome(None, (Value(result),))


def _part(result: Any, kinds: Sequence[ArrayType]) -> Any:
    return _kind(result, kinds) if result.__class__ is Expr else Value(result)


def _kind(result: Expr, kinds: Sequence[ArrayType]) -> ArrayType:
    dtype = common_float(kinds) if result.ty.weak else result.dtype
    return kind_of(result.shape, dtype)


_tokens: Final[dict[Any, CallToken]] = {}


def token_of(function: Callable[..., Any], args: Any, kwargs: Any, arity: int) -> CallToken:
    """The one token of a function and a pattern of arguments."""
    key = (function, args, kwargs)
    found = _tokens.get(key)
    if found is None:
        if len(_tokens) > MAX_TOKENS:
            forget()
        found = _tokens.setdefault(key, CallToken(function, args, kwargs, arity))
    return found


_pairs: Final[dict[Any, CallToken]] = {}  # of functions of one or two operands, a few


def pair_token(function: Callable[..., Any], left: Any, right: Any) -> CallToken:
    """The token of a function of two operands or numbers, or of one where `right` is None."""
    key = (function, left, right)
    found = _pairs.get(key)
    if found is None:
        arity = (left is OPERAND) + (right is OPERAND)
        parts = (left,) if right is None else (left, right)
        found = _pairs[key] = token_of(function, parts, (), arity)
    return found


# Functions of one or two operands with one floating result, by the kinds of the operands: their token, and
# the kind of the result
SINGLES: Final[dict[Any, tuple[CallToken, ArrayType]]] = {}


def remember_single(key: Any, token: CallToken, kind: ArrayType) -> None:
    """Remember what a function gives, so that it need not be asked again."""
    if len(SINGLES) > MAX_TOKENS:
        SINGLES.clear()
    SINGLES[key] = token, kind


def forget() -> None:
    """Make all tokens anew from now on."""
    _tokens.clear()
    _pairs.clear()
    SINGLES.clear()


PLAIN: Final = frozenset({bool, str, Fraction, type(None), type(Ellipsis)})
LISTS: Final = (list, tuple, Formulas)
