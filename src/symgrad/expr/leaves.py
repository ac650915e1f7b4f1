"""The nodes without operands: symbols, numbers, arrays, the identity, extents and index ranges."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from fractions import Fraction
from hashlib import blake2b
from numbers import Rational
from typing import Any, Final, NamedTuple, TypeAlias, TypedDict, Unpack, cast

import numpy as np

from symgrad.calls import checked
from symgrad.errors import ArgumentError, DTypeError, ShapeError
from symgrad.expr.dims import Dim, Shape, as_dim, as_shape, map_dim, map_shape, show_shape
from symgrad.expr.interval import NONNEGATIVE, POSITIVE, REALS, Interval, point
from symgrad.expr.kinds import Call, Extent, Extents, Name
from symgrad.expr.masked import refuse_masked
from symgrad.expr.node import Expr, make
from symgrad.expr.numbers import GREATEST_INT, LEAST_INT
from symgrad.expr.op import Op
from symgrad.expr.order import CONSTANT, NUMBER, SYMBOL_PLACE, name_text, number_text
from symgrad.expr.types import BOOL, FLOAT, INT, WEAK_FLOAT, WEAK_INT, Ty, as_ty

# What `symbols` gives: a symbol, or a tuple of them. Which of both is said by the text of the names, which
# type checkers do not read: to them it is an expression that is unpacked, indexed and iterated over as well
SymbolOrSymbols: TypeAlias = Expr

ASSUMPTIONS: Final = (
    "diagonal",
    "integer",
    "negative",
    "nonnegative",
    "nonzero",
    "orthogonal",
    "positive",
    "real",
    "spd",
    "symmetric",
)
MAX_LOOKED_AT: Final = 1000  # entries of a constant whose range is looked for
_MATRIX_ASSUMPTIONS: Final = ("diagonal", "orthogonal", "spd", "symmetric")


class SymbolParams(NamedTuple):
    """Name, shape and type, the sorted assumptions, and what tells it from others of its name."""

    name: str
    shape: Shape
    ty: Ty
    held: tuple[str, ...]
    tag: Any


class EyeParams(NamedTuple):
    """The extent of both axes, and the type."""

    extent: Dim
    ty: Ty


class ExtentParams(NamedTuple):
    """The extent that is the value, or up to which is counted."""

    extent: Dim


class NameParams(NamedTuple):
    """The name of a number."""

    name: str


def _leaf(
    name: str,
    infer: Callable[[Any], tuple[Shape, Ty]],
    map_dims: Callable[..., Any] | None = None,
    **fields: Any,
) -> Op:
    """An op without operands, whose parameters say everything."""

    def build(args: tuple[Expr, ...], params: Any) -> Expr:
        return make(op, (), params, *infer(params))

    if map_dims is not None:
        fields["map_dims"] = map_dims
    op = Op(
        name=name,
        build=build,
        infer=lambda args, params: infer(params),
        vjp=lambda g, y, needed: (),
        **fields,
    )
    return op


class ArrayValue:
    """An immutable copy of an array, equal to another by content."""

    __slots__ = ("_key", "array")

    def __init__(self, array: np.ndarray[Any, Any]) -> None:
        self.array = np.array(array, order="C", copy=True)
        self.array.setflags(write=False)
        digest = blake2b(self.array.tobytes(), digest_size=16).digest()
        self._key = (self.array.dtype.str, self.array.shape, digest)

    @property
    def order(self) -> str:
        """Shape, dtype and contents as a text to sort by."""
        dtype, shape, digest = self._key
        return f"{show_shape(shape)}{dtype}{digest.hex()}"

    def __hash__(self) -> int:
        return hash(self._key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ArrayValue) and self._key == other._key

    def __reduce__(self) -> Any:
        return (ArrayValue, (self.array,))

    def __repr__(self) -> str:
        return f"array{show_shape(self.array.shape)}"


def range_by_assumptions(node: Expr) -> Interval:
    """Where the values of a node lie, by what is assumed of them."""
    assert node.op.assumptions is not None
    held = node.op.assumptions(node)
    if "positive" in held:
        return POSITIVE
    if "negative" in held:
        return -POSITIVE
    return NONNEGATIVE if "nonnegative" in held else REALS


def _range_of_constant(node: Expr) -> Interval:
    value, tag = node.params[:2]
    if tag != "array":
        return point(int(value) if tag == "bool" else value)
    array = value.array
    if not 0 < array.size <= MAX_LOOKED_AT:
        return REALS
    low, high = array.min().item(), array.max().item()
    return point(low) | point(high)


def _order_of_constant(args: tuple[Expr, ...], params: Any, rank: str) -> str:
    """Numbers by value, as scalars whatever their shape; arrays by shape and contents."""
    value, tag = params[:2]
    return f"{rank}{CONSTANT}{value.order}" if tag == "array" else f"0{NUMBER}{number_text(value)}"


SYMBOL: Final = _leaf(
    "symbol",
    lambda params: (params[1], params[2]),
    lambda params, rename: (params[0], map_shape(params[1], rename), *params[2:]),
    fields=SymbolParams,
    label=lambda node: node.params.name,
    order=lambda args, params, rank: f"{rank}{SYMBOL_PLACE}{name_text(params[0])}",
    assumptions=lambda node: node.params.held,
    range=range_by_assumptions,
)


def _key_of_constant(args: tuple[Expr, ...], params: Any) -> Any:
    """Nan is not equal to itself, yet there is one node of it, also after pickling."""
    return args, (params if params[0] == params[0] else ("nan", *params[1:]))


CONST: Final = _leaf(
    "constant",
    lambda params: (params[2], params[3]),
    lambda params, rename: (*params[:2], map_shape(params[2], rename), params[3]),
    key=_key_of_constant,
    order=_order_of_constant,
    range=_range_of_constant,
)
NAMED_NUMBER: Final = _leaf(
    "number",
    lambda params: ((), WEAK_FLOAT),
    fields=NameParams,
    order=lambda args, params, rank: f"{rank}{CONSTANT}{name_text(params[0])}",
    label=lambda node: node.params.name,
    range=lambda node: Interval(2, 4),
)


def _dtype_option(node: Expr) -> tuple[tuple[str, Any], ...]:
    return () if node.ty is FLOAT else (("dtype", Name(f"np.{node.dtype.name}")),)


EYE: Final = _leaf(
    "eye",
    lambda params: ((params[0], params[0]), params[1]),
    lambda params, rename: (map_dim(params[0], rename), params[1]),
    order=lambda args, params, rank: f"{rank}{CONSTANT}{name_text(str(params[0]))}",
    fields=EyeParams,
    numpy=lambda node: Call("np.eye", (Extents(node.params.extent),), _dtype_option(node)),
    range=Interval(0, 1),
)
SIZE: Final = _leaf(
    "size",
    lambda params: ((), WEAK_INT),
    lambda params, rename: (map_dim(params[0], rename),),
    order=lambda args, params, rank: f"{rank}{SYMBOL_PLACE}{name_text(str(params[0]))}",
    fields=ExtentParams,
    numpy=lambda node: Extent(node.params.extent),
    range=NONNEGATIVE,
)
ARANGE: Final = _leaf(
    "arange",
    lambda params: ((params[0],), INT),
    lambda params, rename: (map_dim(params[0], rename),),
    fields=ExtentParams,
    numpy=lambda node: Call("np.arange", (Extents(node.params.extent),)),
    range=NONNEGATIVE,
)

NAMED_VALUES: Final = {"pi": math.pi, "E": math.e}


class Assumptions(TypedDict, total=False):
    """The assumptions of a symbol, for type checkers."""

    diagonal: bool | None
    integer: bool | None
    negative: bool | None
    nonnegative: bool | None
    nonzero: bool | None
    orthogonal: bool | None
    positive: bool | None
    real: bool | None
    spd: bool | None
    symmetric: bool | None


class LeafOptions(Assumptions, total=False):
    """The options of a symbol of given shape."""

    dtype: Any
    unique: Any


class ShapedOptions(LeafOptions, total=False):
    """The options of a symbol."""

    shape: Any


@checked
def symbol(
    name: str,
    shape: Any = (),
    dtype: Any = None,
    *,
    unique: Any = None,
    **assumptions: Unpack[Assumptions],
) -> Expr:
    """A leaf with a name.

    Parameters
    ----------
    name : str
        Any text; a name that is no identifier prints as given and gets a safe one in code.
    shape : int, str or sequence of int and str
        Extents; a str names one.
    dtype : dtype-like, optional
        float64 unless said otherwise. ``dtype=int`` makes a symbol of int64, which has no derivative
        and wraps around where NumPy's does; ``integer=True`` is a whole number among the reals.
    unique : hashable, optional
        Symbols of one name with different tags are different symbols.
    **assumptions : bool
        Any of ``positive nonnegative negative nonzero integer real`` and, for matrices,
        ``symmetric spd diagonal orthogonal``. False and None say nothing.

    Raises
    ------
    ArgumentError
        For an empty name or an unknown assumption.
    ShapeError
        For a malformed shape, or a matrix assumption on what is not square.

    Examples
    --------
    >>> symbol("x", positive=True).name
    'x'
    """
    if not isinstance(name, str) or not name:
        raise ArgumentError(f"a symbol needs a name, a non-empty str, not {name!r}")
    if unique.__hash__ is None:
        raise ArgumentError(f"the tag of symbol {name!r} must be hashable, not {unique!r}")
    for key in assumptions:
        if key not in ASSUMPTIONS:
            known = " ".join(ASSUMPTIONS)
            raise ArgumentError(f"unknown assumption {key!r} of symbol {name!r}; known: {known}")
    held = {key for key, value in assumptions.items() if value}
    extents = as_shape(shape)
    for key in _MATRIX_ASSUMPTIONS:
        if key in held and (len(extents) < 2 or extents[-1] != extents[-2]):
            raise ShapeError(
                f"symbol {name!r} of shape {show_shape(extents)} cannot be {key}:"
                " its last two extents must be equal, such as ('n', 'n')"
            )
    if dtype is None:
        dtype = np.float64
    params = (name, extents, as_ty(dtype), tuple(sorted(held)), unique)
    return make(SYMBOL, (), params, extents, params[2])


def assumed(node: Expr, *keys: str) -> bool:
    """Whether `node` is a symbol, or an undefined function, that carries one of these assumptions."""
    if node.op.assumptions is None:
        return False
    held = node.op.assumptions(node)
    return any(key in held for key in keys)


_TAGS: Final = {int: "int", float: "float", bool: "bool", Fraction: "fraction"}
_WEAK: Final = {int: WEAK_INT, float: WEAK_FLOAT, bool: BOOL, Fraction: WEAK_FLOAT}


def number(value: int | float | Fraction | bool, shape: Shape = (), ty: Ty | None = None) -> Expr:
    """A constant whose entries all equal one Python number."""
    kind = value.__class__
    if kind is Fraction and value.denominator == 1:  # type: ignore[union-attr]
        value, kind = value.numerator, int  # type: ignore[union-attr]
    tag = _TAGS[kind]
    if kind is float and value == 0.0 and math.copysign(1.0, value) < 0:
        tag = "-float"
    if ty is None:
        large = kind is int and not LEAST_INT <= value <= GREATEST_INT
        ty = WEAK_FLOAT if large else _WEAK[kind]  # no integer type holds it
    return make(CONST, (), (value, tag, shape, ty), shape, ty)


ZERO: Final = number(0)
ONE: Final = number(1)
MINUS_ONE: Final = number(-1)
TWO: Final = number(2)
HALF: Final = number(Fraction(1, 2))


@checked
def constant(value: Any) -> Expr:
    """A number or an array as an expression.

    Python ints and Fractions stay exact, floats stay the floats they are; both are weak in type
    promotion. NumPy scalars and arrays keep their dtype.

    Raises
    ------
    DTypeError
        If `value` is complex, or no number and no array of numbers.
    ArgumentError
        For a masked array.

    Examples
    --------
    >>> import symgrad as sg
    >>> print(sg.constant(1) / 3, sg.constant([1.0, 2.0]))
    1/3 [1.0, 2.0]
    """
    if isinstance(value, Expr):
        return value
    kind = value.__class__
    if kind in _TAGS:
        return number(value)
    refuse_masked(value, "a constant")
    if isinstance(value, (np.ndarray, np.generic)):
        return _array(np.asarray(value))
    if isinstance(value, Rational):
        return number(Fraction(int(value.numerator), int(value.denominator)))
    if isinstance(value, float):
        return number(float(value))
    if isinstance(value, (list, tuple, range)):
        return _array(_as_numbers(value))
    if hasattr(value, "__array__"):
        return _array(np.asarray(value))
    shown = repr(value)
    shown = shown if len(shown) <= 200 else f"{shown[:196]} ..."
    advice = "; write symgrad.parse(text) for a formula in text" if isinstance(value, str) else ""
    raise DTypeError(
        f"cannot make an expression of {shown} ({kind.__name__}); expected a real number, an array"
        f" of them, or an expression{advice}"
    )


def _as_numbers(value: Any) -> np.ndarray[Any, Any]:
    try:
        return np.asarray(value)
    except ValueError as error:
        raise ShapeError(f"cannot make an array of {value!r}: {error}") from None


def _array(array: np.ndarray[Any, Any]) -> Expr:
    if array.dtype.kind not in "biuf":
        raise DTypeError(
            f"arrays of dtype {array.dtype} are not supported: expressions are boolean, integer or"
            " real"
        )
    ty = as_ty(array.dtype)
    if array.ndim == 0:
        return number(array.item() if ty.dtype.itemsize <= 8 else float(array), (), ty)
    params = (ArrayValue(array.astype(ty.dtype, copy=False)), "array", array.shape, ty)
    return make(CONST, (), params, array.shape, ty)


@checked
def zeros(shape: Any, dtype: Any = float) -> Expr:
    """A constant filled with zero, as `numpy.zeros`; extents may be names.

    Examples
    --------
    >>> import symgrad as sg
    >>> v = sg.vector("v", "n")
    >>> print(sg.zeros("n") + v)
    v
    """
    return _filled(0, shape, dtype)


@checked
def ones(shape: Any, dtype: Any = float) -> Expr:
    """A constant filled with one, as `numpy.ones`; extents may be names.

    Examples
    --------
    >>> import symgrad as sg
    >>> print(sg.ones((2, "n")))
    ones((2, n))
    """
    return _filled(1, shape, dtype)


def _filled(value: int, shape: Any, dtype: Any) -> Expr:
    ty = as_ty(dtype)
    exact = value if ty.dtype.kind == "f" else ty.dtype.type(value).item()
    return number(exact, as_shape(shape), ty)


@checked
def eye(n: Any, dtype: Any = float) -> Expr:
    """The identity matrix of extent `n` (an int or a name), as `numpy.eye`.

    Examples
    --------
    >>> import symgrad as sg
    >>> v = sg.vector("v", "n")
    >>> print(sg.eye("n") @ v)
    v
    """
    params = (as_dim(n), as_ty(dtype))
    return EYE.build((), params)


@checked
def arange(n: Any) -> Expr:
    """The integers 0 to n - 1, of shape (n,), as `numpy.arange`; `n` may be a name.

    Examples
    --------
    >>> import symgrad as sg
    >>> print(sg.evaluate(sg.arange(3) ** 2, {}))
    [0 1 4]
    """
    return ARANGE.build((), (as_dim(n),))


def extent(dim: Dim) -> Expr:
    """An extent as a scalar expression: an exact int, or a `Size` leaf."""
    return number(dim) if isinstance(dim, int) else SIZE.build((), (dim,))


def named_number(name: str) -> Expr:
    """An exact irrational number: ``"pi"`` or ``"E"``."""
    return NAMED_NUMBER.build((), (name,))


PI: Final = named_number("pi")
EULER: Final = named_number("E")


def is_number(node: Expr) -> bool:
    """Whether all entries of `node` equal one known Python number."""
    return node.op is CONST and node.params[1] != "array"


def value_of(node: Expr) -> Any:
    """The Python number that all entries of `node` equal, or None."""
    return node.params[0] if node.op is CONST and node.params[1] != "array" else None


def is_value(node: Expr, value: int) -> bool:
    """Whether all entries of `node` equal this number."""
    return node.op is CONST and node.params[1] != "array" and bool(node.params[0] == value)


_NAME_RANGE: Final = re.compile(r"([^:]*?)(\d*):(\d+)([^\d:]*)")


@checked
def symbols(names: str, **kwargs: Unpack[ShapedOptions]) -> SymbolOrSymbols:
    """Scalar symbols from names separated by spaces or commas; one name gives one symbol.

    Keyword arguments are those of `symbol`. A number, colon and number, as SymPy has it, are all names of a
    range: ``"x:3"`` is ``x0, x1, x2``, and ``"x1:3"`` is ``x1, x2``; it always gives a tuple.

    Raises
    ------
    ArgumentError
        If there is no name.

    Examples
    --------
    >>> x, y = symbols("x y", positive=True)
    >>> print(symbols("q:3"))
    (q0, q1, q2)
    """
    if not isinstance(names, str) or not names.replace(",", " ").split():
        raise ArgumentError(f"symbols needs names such as 'x y z', not {names!r}")
    parts = names.replace(",", " ").split()
    made: Any = tuple(symbol(name, **kwargs) for part in parts for name in _names_in(part))
    alone = len(parts) == 1 and "," not in names and not _NAME_RANGE.fullmatch(parts[0])
    return cast("SymbolOrSymbols", made[0] if alone else made)


def _names_in(part: str) -> list[str]:
    """The names that ``x1:4`` stands for; of a name without a range, itself."""
    found = _NAME_RANGE.fullmatch(part)
    if found is None:
        return [part]
    stem, first, last, rest = found.groups()
    return [f"{stem}{i}{rest}" for i in range(int(first or 0), int(last))]


@checked
def vector(name: str, n: Any, **kwargs: Unpack[LeafOptions]) -> Expr:
    """A symbol of one axis; `n` is its extent, an int or a name.

    Examples
    --------
    >>> import symgrad as sg
    >>> print(sg.vector("v", "n").shape)
    ('n',)
    """
    return symbol(name, (n,), **kwargs)


@checked
def matrix(name: str, shape: Any, **kwargs: Unpack[LeafOptions]) -> Expr:
    """A symbol of two axes; keyword arguments are those of `symbol`.

    Raises
    ------
    ShapeError
        If `shape` has not two extents.

    Examples
    --------
    >>> import symgrad as sg
    >>> print(sg.matrix("A", ("m", "n"), positive=True).shape)
    ('m', 'n')
    """
    if not isinstance(shape, (tuple, list)) or len(shape) != 2:
        raise ShapeError(f"a matrix needs two extents such as ('m', 'n'), not {shape!r}")
    return symbol(name, shape, **kwargs)
