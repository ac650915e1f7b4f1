"""The canonical order of operands: one short text per node, by which factors and terms are sorted.

The text of a node is made from those of its operands, cut to a bounded length, when it is first asked for;
so it costs the same at any depth. Its parts, most significant first:

- whether it is an array: scalars go first;
- its place: constants, symbols and their powers, undefined functions, roots, exponentials, functions,
  contractions, sums; numbers are last (a product has its number in front anyway);
- the name, in natural order and without regard to case (``x_2`` before ``x_10``, ``k`` before ``T``);
- the operands; for a power its exponent.

Nodes whose texts are equal, such as two that differ deep below, are told apart by a digest of their whole
structure, which is made only then. Neither depends on the order in which nodes were made, on addresses or
on Python's string hashes: the order is the same in every process.
"""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Iterable, Sequence
from fractions import Fraction
from functools import lru_cache
from hashlib import blake2b
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final

from symgrad.expr.numbers import as_float

if TYPE_CHECKING:
    from symgrad.expr.node import Expr

# The first character: scalars before arrays
SCALAR: Final = "0"
ARRAY: Final = "1"

# Places, in their order; functions by name, but for those that have an order in every textbook
CONSTANT: Final = "B"
SYMBOL_PLACE: Final = "C"  # and its powers
SYMBOLIC_POWER: Final = "D"
UNDEFINED: Final = "E"
ROOT: Final = "F"
EXPONENTIAL: Final = "G"
LOGARITHM: Final = "H0"
SINE: Final = "H1"
COSINE: Final = "H2"
TANGENT: Final = "H3"
FUNCTION: Final = "H4"
CONTRACTION: Final = "I"
POWER_OF_SUM: Final = "J"  # with a symbolic exponent
SUM: Final = "S"
NUMBER: Final = "~"
PLAIN: Final = (CONSTANT, SYMBOL_PLACE, SYMBOLIC_POWER, UNDEFINED)  # of the factors of monomials

BETWEEN: Final = "\x02"  # operands; less than whatever they begin with
TIMES: Final = "\x03"  # before the number of a product: the formula without it goes first
END: Final = "\x01"  # of a name; less than whatever may follow in a longer one,
END_OF_PLAIN: Final = "\x04"  # and if it is written as it is sorted
LONGEST: Final = 96  # characters of a text
CUT: Final = 28  # characters of an operand in the text of a node of many
SHOWN: Final = 3  # operands in the text of a node of many

# The texts of parts


@lru_cache(maxsize=4096)
def natural(name: str) -> str:
    """A name as text that sorts as people sort names: by letters first, numbers by value."""
    plain = name.lstrip("\\{_^").casefold() or name
    return re.sub(r"\d+", lambda m: f"{len(m[0]):02d}{m[0]}", plain)


def name_text(name: str) -> str:
    """A name in the text of a node; of names that differ in case that with capitals is first."""
    plain = natural(name)[: LONGEST // 2]
    return f"{plain}{END_OF_PLAIN}" if plain == name else f"{plain}{END}{name[: LONGEST // 3]}{END}"


def number_text(value: Any) -> str:
    """A number as text that sorts by size, of -c and c the former first, then by kind."""
    size = as_float(value)
    sign = 0 if math.copysign(1.0, size) < 0 else 1
    return f"{struct.pack('>d', abs(size)).hex()}{sign}{value.__class__.__name__[0]}"


def _shown(value: Any) -> str:
    plain = callable(value) or type(value).__repr__ is object.__repr__  # type: ignore[comparison-overlap]
    return getattr(value, "__qualname__", type(value).__qualname__) if plain else repr(value)


# The text of a node


def text_of(node: Expr) -> str:
    """The text by which a node is sorted; made once in its life, from those of its operands."""
    stack = [node]
    while stack:
        x = stack[-1]
        for arg in x.args:
            if not arg.order_text:
                stack.append(arg)
        if stack[-1] is x:
            stack.pop()
            if not x.order_text:
                type(x).order_text.__set__(x, _made_text(x))  # type: ignore[attr-defined, misc]
    return node.order_text


def _made_text(x: Expr) -> str:
    place, rank = x.op.order, ARRAY if x.shape else SCALAR
    if place.__class__ is not str:
        return place(x.args, x.params, rank)[:LONGEST]  # type: ignore[operator]
    head = f"{rank}{place}{x.op.name}{BETWEEN}"
    if len(x.args) == 1:
        return (head + x.args[0].order_text)[:LONGEST]
    return head + BETWEEN.join([arg.order_text[:CUT] for arg in x.args[:SHOWN]])


# Sorting

_text: Final = attrgetter("order")


def in_order(nodes: Iterable[Expr]) -> list[Expr]:
    """Nodes in the canonical order."""
    found = sorted(nodes, key=_text)
    before = None
    for node in found:
        if before is not None and node.order == before.order and node is not before:
            return sorted(found, key=lambda x: (x.order, digest(x)))
        before = node
    return found


def pair_in_order(a: Expr, b: Expr) -> tuple[Expr, Expr]:
    """Two nodes in the canonical order."""
    first, second = a.order_text or text_of(a), b.order_text or text_of(b)
    if first < second or (first == second and (a is b or digest(a) <= digest(b))):
        return a, b
    return b, a


def place_of(node: Expr) -> str:
    """Where the kind of a node stands in a product."""
    return node.order[1]


# The whole structure


def digest(node: Expr) -> bytes:
    """A hash of the whole formula, which depends on nothing else; made once in a node's life."""
    stack = [node]
    while stack:
        x = stack[-1]
        waiting = [arg for arg in x.args if not arg.digest] if not x.digest else ()
        if waiting:
            stack.extend(waiting)
            continue
        stack.pop()
        if not x.digest:
            parts = [arg.digest for arg in x.args]
            if x.op.commutative:
                parts.sort()
            made = blake2b(_bytes_of((x.op.name, *x.params)), digest_size=8)
            for part in parts:
                made.update(part)
            type(x).digest.__set__(x, made.digest())  # type: ignore[attr-defined, misc]
    return node.digest


def _bytes_of(params: Sequence[Any]) -> bytes:
    """Parameters as bytes: nested tuples flat, in their order."""
    parts: list[str] = []
    stack = list(reversed(params))
    while stack:
        value = stack.pop()
        if value.__class__ is tuple or value.__class__ is list:
            parts.append(f"({len(value)}")
            stack.extend(reversed(value))
        elif value.__class__ in (int, float, bool, Fraction, str):
            parts.append(repr(value))
        else:
            parts.append(str(getattr(value, "order", None) or _shown(value)))
    return END.join(parts).encode("utf-8", "surrogatepass")
