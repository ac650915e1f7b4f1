"""Places in arrays as C: extents, offsets, and the indices that views are.

Arrays lie in C's order. A place is a list of expressions, one for each axis.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from symgrad.expr.dims import Dim, Least, Shape, map_dim
from symgrad.expr.kinds import Broadcast, Index, Kind, Span, Squeeze, TakeDiagonal, Transpose
from symgrad.targets.native.steps import Unsupported, words_of


def dims_in(shapes: Sequence[Shape]) -> list[str]:
    """The names of extents, in the order in which they appear."""
    found: dict[str, None] = {}
    for shape in shapes:
        for d in shape:
            map_dim(d, lambda name: found.setdefault(name) or name)
    return list(found)


class CPlaces:
    """Places in arrays whose extents have these identifiers."""

    def __init__(self, extents: Mapping[str, str]) -> None:
        self.extents = extents

    def dim(self, d: Dim) -> str:
        """An extent in C."""
        if isinstance(d, int):
            return str(d)
        if isinstance(d, str):
            return self.extents[d]
        terms = ["*".join([str(c), *map(self._factor, factors)]) for factors, c in d.terms]
        return f"({' + '.join(terms)})"

    def _factor(self, factor: Any) -> str:
        """A name, the least of two extents, or a division that rounds down."""
        if isinstance(factor, str):
            return self.extents[factor]
        if isinstance(factor, Least):
            a, b = self.dim(factor.a), self.dim(factor.b)
            return f"({a} < {b} ? {a} : {b})"
        above, below = self.dim(factor.num), factor.den
        return f"(({above} - (({above})%{below} + {below})%{below})/{below})"

    def size(self, shape: Shape) -> str:
        return "*".join([self.dim(d) for d in shape]) or "1"

    def offset(self, shape: Shape, at: Sequence[str]) -> str:
        """Where an entry of an array in C's order is."""
        text = ""
        for d, i in zip(shape, at, strict=True):
            text = f"({text})*{self.dim(d)} + {i}" if text else i
        return text or "0"

    def along(self, shape: Shape, whole: Shape, at: Sequence[str]) -> list[str]:
        """The place in an operand that broadcasts to a shape."""
        skipped = len(whole) - len(shape)
        return [
            "0" if d == 1 and whole[skipped + k] != 1 else at[skipped + k]
            for k, d in enumerate(shape)
        ]

    def through(self, kind: Kind, source: Shape, shape: Shape, at: list[str]) -> list[str]:
        """The place in the array that a view is one of."""
        if isinstance(kind, Transpose):
            found = [""] * len(source)
            for k, axis in enumerate(kind.order):
                found[axis] = at[k]
            return found
        if isinstance(kind, Squeeze):
            dropped = {axis % len(source) for axis in kind.axes}
            following = iter(at)
            return ["0" if k in dropped else next(following) for k in range(len(source))]
        if isinstance(kind, Broadcast):
            return self.along(source, shape, at)
        if isinstance(kind, TakeDiagonal):
            return [at[kind.out.index(label)] for label in kind.labels]
        if isinstance(kind, Index):
            return self.indexed(kind.entries, source, at)
        raise Unsupported(words_of(kind))

    def indexed(self, entries: Sequence[object], source: Shape, at: list[str]) -> list[str]:
        if any(entry is Ellipsis for entry in entries):
            raise Unsupported("an index with an ellipsis")
        following = iter(at)
        found: list[str] = []
        for entry in entries:
            if entry is None:
                next(following)
                continue
            d = source[len(found)]
            if isinstance(entry, Span):
                found.append(self._spanned(entry, d, next(following)))
            elif isinstance(entry, int):
                found.append(str(entry) if entry >= 0 else f"{self.dim(d)} - {-entry}")
            else:
                raise Unsupported("an index that is no number")
        return [*found, *following]

    def _spanned(self, span: Span, d: Dim, i: str) -> str:
        """The place on an axis of a slice's entry; starts are within the axis, as is checked at once."""
        start = span.start
        if span.step < 0:
            first = f"{self.dim(d)} - 1" if start is None else self._start(start, d)
            return f"({first}) - {-span.step}*({i})" if span.step != -1 else f"({first}) - ({i})"
        first = self._start(start or 0, d)
        scaled = i if span.step == 1 else f"{span.step}*({i})"
        return scaled if first == "0" else f"{first} + {scaled}"

    def _start(self, start: Dim, d: Dim) -> str:
        if isinstance(start, int) and start < 0:
            return f"{self.dim(d)} - {-start}"
        return self.dim(start)
