"""What an instruction of a program does: a handful of kinds, each frozen data.

An op's record says which kind computes it (`Op.numpy`), as a template such as ``"np.sin({0})"`` that is
read once (`symgrad.expr.templates`), or as a kind. Passes match on kinds, and targets print them; nobody
reads the text of code. Extents are `Dim`s wherever a kind holds them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Final, NamedTuple

from symgrad.expr.dims import Dim, Shape, dim_names

Labels = tuple[int, ...]


class Kind:
    """What all kinds have in common.

    Attributes
    ----------
    entrywise : bool
        Whether each entry of the result is made of one entry of each operand, which broadcast.
    view : bool
        Whether the result may share memory with the operand.
    leaf : bool
        Whether there is nothing to compute: an argument, a constant array or a number.
    """

    __slots__ = ()
    entrywise: ClassVar[bool] = False
    view: ClassVar[bool] = False
    leaf: ClassVar[bool] = False

    def dims(self) -> tuple[Dim, ...]:
        """The extents that its code mentions."""
        return ()

    def names(self) -> Iterator[str]:
        """The names of extents that its code mentions."""
        return (name for d in self.dims() for name in dim_names(d))


# Leaves


@dataclass(frozen=True, slots=True)
class Argument(Kind):
    """A parameter of the function, by its identifier."""

    name: str
    leaf: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class Array(Kind):
    """A constant array, by its identifier."""

    name: str
    leaf: ClassVar[bool] = True


@dataclass(frozen=True, slots=True, eq=False)
class Literal(Kind):
    """A number, which takes the type of what it meets; 1, 1.0 and True are three of them."""

    value: Any
    leaf: ClassVar[bool] = True

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Literal) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def _key(self) -> tuple[type, str]:
        return self.value.__class__, repr(self.value)


@dataclass(frozen=True, slots=True)
class Typed(Kind):
    """A number of an element type of its own."""

    value: Any
    dtype: str


@dataclass(frozen=True, slots=True)
class Extent(Kind):
    """An extent as a number, an int of Python."""

    dim: Dim

    def dims(self) -> tuple[Dim, ...]:
        return (self.dim,)


@dataclass(frozen=True, slots=True)
class PerExtent(Kind):
    """A number over an extent, both ints of Python: a mean of no entries is nan."""


# Entry by entry


@dataclass(frozen=True, slots=True, eq=False)
class Ufunc(Kind):
    """One function of entries: a ufunc of NumPy, ``"exp"``, of SciPy, ``"special.erf"``, or ``"where"``.

    There is one object for each name, as most instructions of a program have this kind.
    """

    name: str
    entrywise: ClassVar[bool] = True
    made: ClassVar[dict[str, Ufunc]] = {}

    def __new__(cls, name: str) -> Ufunc:
        return cls.made.setdefault(name, object.__new__(cls))


@dataclass(frozen=True, slots=True)
class Cast(Kind):
    """Entries in another type; None is the common type of the floating arguments."""

    dtype: str | None
    entrywise: ClassVar[bool] = True


class Tree(NamedTuple):
    """A kind over operands: numbers of operands, `Literal`s, and further trees."""

    kind: Kind
    args: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Formula(Kind):
    """A function of entries that is several ufuncs on arrays, and `scalar` code on Python floats."""

    tree: Tree
    scalar: str
    entrywise: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class Written(Kind):
    """A function of entries of which only the code is known: a template for arrays, one for floats."""

    code: str
    scalar: str


# Tensors


@dataclass(frozen=True, slots=True)
class Reduce(Kind):
    """Entries along `axes` put together by a function, all of them where None."""

    function: str
    axes: tuple[int, ...] | None
    keepdims: bool = False


@dataclass(frozen=True, slots=True)
class Contract(Kind):
    """A product of operands with labelled axes, summed over the labels that `out` lacks."""

    inputs: tuple[Labels, ...]
    out: Labels


@dataclass(frozen=True, slots=True)
class TakeDiagonal(Kind):
    """The entries where axes of one label agree."""

    labels: Labels
    out: Labels
    view: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class Transpose(Kind):
    """Axes in another order."""

    order: tuple[int, ...]
    view: ClassVar[bool] = True


class Span(NamedTuple):
    """A slice of an axis; None is where the axis begins or ends."""

    start: Dim | None = None
    stop: Dim | None = None
    step: int = 1


WHOLE: Final = Span()
Entry = Any  # of an index: an int, a `Span`, None for a new axis, or Ellipsis


@dataclass(frozen=True, slots=True)
class Index(Kind):
    """Part of an array, or the same with new axes of extent 1."""

    entries: tuple[Entry, ...]
    view: ClassVar[bool] = True

    def dims(self) -> tuple[Dim, ...]:
        return dims_of(self.entries)


@dataclass(frozen=True, slots=True)
class Squeeze(Kind):
    """Axes of extent 1 dropped."""

    axes: tuple[int, ...]
    view: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class Reshape(Kind):
    """The same entries in another shape."""

    shape: Shape
    view: ClassVar[bool] = True

    def dims(self) -> tuple[Dim, ...]:
        return self.shape


@dataclass(frozen=True, slots=True)
class Broadcast(Kind):
    """An array stretched to a shape."""

    shape: Shape
    view: ClassVar[bool] = True

    def dims(self) -> tuple[Dim, ...]:
        return self.shape


@dataclass(frozen=True, slots=True)
class Place(Kind):
    """Zeros of a shape, with each operand added, or subtracted, at its index."""

    shape: Shape
    places: tuple[tuple[Entry, ...], ...]
    negative: tuple[bool, ...]

    def dims(self) -> tuple[Dim, ...]:
        return (*self.shape, *[d for index in self.places for d in dims_of(index)])


@dataclass(frozen=True, slots=True)
class OnDiagonal(Kind):
    """Zeros of a shape, with the operand where axes of one label agree."""

    shape: Shape
    labels: Labels
    out: Labels

    def dims(self) -> tuple[Dim, ...]:
        return self.shape


@dataclass(frozen=True, slots=True)
class Concatenate(Kind):
    """Operands one after the other along an axis."""

    axis: int


@dataclass(frozen=True, slots=True)
class Gather(Kind):
    """Entries of the first operand at integer arrays."""


@dataclass(frozen=True, slots=True)
class Scatter(Kind):
    """Zeros of a shape, with the entries of the first operand added at integer arrays."""

    shape: Shape

    def dims(self) -> tuple[Dim, ...]:
        return self.shape


class Extents(NamedTuple):
    """A dim, or a shape, as an argument of a call."""

    dims: Any


class Name(NamedTuple):
    """An identifier as an argument of a call."""

    text: str


@dataclass(frozen=True, slots=True)
class Call(Kind):
    """A function of arrays, by its dotted name, with arguments before the operands and options behind.

    Arguments and options are numbers, texts, tuples of them, `Extents`, or `Name`s.
    """

    function: str
    before: tuple[Any, ...] = ()
    options: tuple[tuple[str, Any], ...] = ()

    def dims(self) -> tuple[Dim, ...]:
        return _dims_of_values([*self.before, *[value for _, value in self.options]])


@dataclass(frozen=True, slots=True)
class MethodCall(Kind):
    """A method of the first operand, with the others as its arguments."""

    name: str
    options: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Item(Kind):
    """One value of the tuple that an instruction gives."""

    number: int


# Memory


@dataclass(frozen=True, slots=True)
class Into(Kind):
    """Another kind, of `arity` operands, whose result is written into operand `at`: one of them, or one
    behind them."""

    kind: Kind
    arity: int
    at: int

    def dims(self) -> tuple[Dim, ...]:
        return self.kind.dims()


def dims_of(entries: tuple[Entry, ...]) -> tuple[Dim, ...]:
    """The extents that an index mentions."""
    spans = [entry for entry in entries if isinstance(entry, Span)]
    return tuple([d for span in spans for d in span[:2] if d is not None])


def _dims_of_values(values: Iterable[Any]) -> tuple[Dim, ...]:
    """The extents among the arguments of a call."""
    found: list[Dim] = []
    for value in values:
        if isinstance(value, Extents):
            found += value.dims if isinstance(value.dims, tuple) else (value.dims,)
    return tuple(found)


def contraction(inputs: tuple[Labels, ...], out: Labels) -> Contract:
    """A `Contract` with labels numbered in order of appearance, so that equal ones are equal."""
    numbers: dict[int, int] = {}
    for label in (label for labels in inputs for label in labels):
        numbers.setdefault(label, len(numbers))
    listed = tuple([tuple([numbers[n] for n in labels]) for labels in inputs])
    return Contract(listed, tuple([numbers[n] for n in out]))


ADD: Final = Ufunc("add")
SUBTRACT: Final = Ufunc("subtract")
MULTIPLY: Final = Ufunc("multiply")
DIVIDE: Final = Ufunc("divide")
NEGATIVE: Final = Ufunc("negative")
POWER: Final = Ufunc("power")
SQRT: Final = Ufunc("sqrt")
WHERE: Final = Ufunc("where")
COMMUTATIVE: Final = frozenset([ADD, MULTIPLY])
