"""Records: the history that Variables leave behind, one record per value.

A leaf's record has data that were given; a computed one knows the call that it comes from, and gets
its data when they are asked for. Records know their inputs, never their users, and their Variable only
weakly: no cycles, and what nobody holds is gone.
"""

from __future__ import annotations

import weakref
from itertools import count
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from symgrad.expr.dims import Shape
from symgrad.expr.leaves import symbol
from symgrad.expr.node import Expr
from symgrad.variable.data import Data, settled
from symgrad.variable.kinds import FLOAT, ArrayType, kind_of

if TYPE_CHECKING:
    from symgrad.variable.tokens import CallToken

_serial: Final = count()
_unnamed: Final = count(1)  # tells unnamed leaves apart for the reader, and for nothing else


def serial() -> int:
    """A moment: calls after it have larger numbers."""
    return next(_serial)


class Application:
    """A function carried out on records: an entry of the history.

    Attributes
    ----------
    token : Token
        The function with its settings.
    inputs : tuple of Record
        The operands, in the order in which the arguments hold them.
    scalars : tuple of int and float
        Python's numbers among the operands.
    serial : int
        Grows with time, so that operands come before their users.
    results : list of weak references to Records, or None
        The results, where there are several: they are computed together.
    """

    __slots__ = ("inputs", "results", "scalars", "serial", "token")

    def __init__(
        self,
        token: CallToken,
        inputs: tuple[Record, ...],
        scalars: tuple[Any, ...],
        results: list[weakref.ref[Record]] | None = None,
    ) -> None:
        self.token = token
        self.inputs = inputs
        self.scalars = scalars
        self.results = results
        self.serial = next(_serial)


class Record:
    """One value: data, or a call that gives it.

    Attributes
    ----------
    kind : Kind
    data : float, NumPy scalar, read-only array or None
        None until computed.
    call : Application or None
        None for what was given.
    index : int
        Which result of the call it is.
    source : Record or None
        The record that a detached leaf takes its data from when asked.
    owner : weak reference to the Variable, or None
        None for arrays that were mixed in.
    name : str
        Of the symbol of a leaf; one is made up where it is empty.
    is_read : bool
        Whether a call or somebody else may have read the data, which then must not change.
    """

    __slots__ = (
        "__weakref__",
        "_expr",
        "call",
        "data",
        "index",
        "is_read",
        "kind",
        "name",
        "owner",
        "source",
    )

    def __init__(
        self,
        kind: ArrayType,
        data: Data = None,
        call: Application | None = None,
        index: int = 0,
        name: str = "",
        source: Record | None = None,
    ) -> None:
        self.kind = kind
        self.data = data
        self.call = call
        self.index = index
        self.source = source
        self.owner: weakref.ref[Any] | None = None
        self.name = name
        self.is_read = False
        self._expr: Expr | None = None

    @property
    def shape(self) -> Shape:
        """The extents."""
        return self.kind.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """The element type."""
        return self.kind.dtype

    @property
    def inputs(self) -> tuple[Record, ...]:
        """What the value was computed from; nothing for a leaf."""
        return () if self.call is None else self.call.inputs

    @property
    def is_held(self) -> bool:
        """Whether somebody holds its Variable."""
        return self.owner is not None and self.owner() is not None

    def holder(self) -> Any:
        """Its Variable, or None where nobody holds it."""
        return None if self.owner is None else self.owner()

    def symbol(self) -> Expr:
        """The symbol of a leaf: one for each of its values."""
        if self._expr is None:
            kind = self.kind
            name = self.name or f"x{next(_unnamed)}"
            self._expr = symbol(name, kind.shape, kind.dtype, unique=object())
        return self._expr

    @property
    def known_expr(self) -> Expr | None:
        """The formula, where somebody has asked for it before."""
        return self._expr

    def remember(self, expr: Expr) -> None:
        """Keep the formula."""
        self._expr = expr


def leaf_record(data: Data, name: str) -> Record:
    """The record of given data."""
    kind = FLOAT if data.__class__ is float else kind_of(data.shape, data.dtype)
    return Record(kind, data, name=name)


def parameter_record(array: Any) -> Record:
    """The record of an array that was mixed into a formula; it keeps its dtype."""
    shape = array.shape
    if array.__class__ is np.ndarray and shape:
        data = array.copy() if array.flags.writeable or array.base is not None else array
        data.flags.writeable = False
        return Record(kind_of(shape, array.dtype), data, name="array")
    if shape == ():
        data = settled(array, shape, array.dtype) if array.dtype.kind == "f" else array[()]
    else:
        data = settled(array, shape, array.dtype, copy=True)
    return Record(kind_of(shape, array.dtype), data, name="array")


def detached(record: Record, name: str = "") -> Record:
    """A leaf with the data of `record`, which are computed when asked for."""
    source = record if record.data is None else None
    leaf = Record(record.kind, record.data, name=name, source=source)
    leaf.is_read = True  # by the other record, which has the same data
    return leaf


def results_of(
    token: CallToken, inputs: tuple[Record, ...], scalars: Any, kinds: Any
) -> list[Record]:
    """The records of a call that gives several values."""
    references: list[weakref.ref[Record]] = []
    call = Application(token, inputs, scalars, references)
    made = [Record(kind, call=call, index=i) for i, kind in enumerate(kinds)]
    references += [weakref.ref(one) for one in made]
    return made


def history(record: Record) -> list[Record]:
    """`record` and everything it came from, nearest first, each once."""
    found = {record: None}
    stack = [record]
    while stack:
        for one in stack.pop().inputs:
            if one not in found:
                found[one] = None
                stack.append(one)
    return list(found)
