"""Checking what enters a compiled function: number, type and shape, each once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from numbers import Real
from typing import Any, Final

import numpy as np

from symgrad.compile.execute import execute
from symgrad.errors import ArgumentError, DTypeError, ShapeError
from symgrad.expr.dims import Dim, Shape, map_dim, show_shape
from symgrad.expr.identifiers import is_name, normal
from symgrad.expr.masked import refuse_masked
from symgrad.expr.traverse import bind_dims


class _Missing:
    def __repr__(self) -> str:
        return "missing"


MISSING: Final = _Missing()
FLOAT: Final = np.dtype(np.float64)
_ORDINARY: Final = frozenset([float, int, np.ndarray, np.float64])
_ARRAY, _FLOAT64 = np.ndarray, np.float64  # looked up at every call


def has_dask(args: Sequence[Any]) -> bool:
    """Whether one of the arguments, or of lists of them, is a Dask array."""
    for a in args:
        if a.__class__ is list or a.__class__ is tuple:
            if has_dask(a):
                return True
        elif a.__class__ not in _ORDINARY and hasattr(a, "__dask_graph__"):
            return True
    return False


@dataclass(frozen=True)
class Parameter:
    """One argument of a compiled function: what the caller knows it as, and what it must be."""

    identifier: str
    name: str
    shape: Shape
    dtype: np.dtype[Any]

    @cached_property
    def composed(self) -> bool:
        """Whether an extent is neither a number nor a name."""
        return not all(d.__class__ in (int, str) for d in self.shape)


@dataclass(frozen=True)
class Signature:
    """The arguments of a compiled function.

    Attributes
    ----------
    parameters : tuple of Parameter
    batched : bool
        All are scalars, which may come as arrays of broadcasting shapes.
    bounds : tuple of (Dim, str)
        Extents that must not be negative, each with the slice that asks for it.
    floats : bool
        All are scalars of float64.
    """

    parameters: tuple[Parameter, ...]
    batched: bool
    bounds: tuple[tuple[Dim, str], ...] = ()
    floats: bool = False

    def __reduce__(self) -> Any:
        return Signature, (self.parameters, self.batched, self.bounds, self.floats)

    @cached_property
    def places(self) -> dict[str, list[int]]:
        """Where an argument may stand, by the keyword that it is given by.

        That is its name as the user wrote it, else as Python reads that in a call, else its identifier in
        code. Where it may be several, the first that is not there yet is meant.
        """
        places: dict[str, dict[int, None]] = {}
        for spelled in (
            [p.name for p in self.parameters],
            [normal(p.name) for p in self.parameters],
            [p.identifier for p in self.parameters],
        ):
            for k, key in enumerate(spelled):
                places.setdefault(key, {})[k] = None
        return {key: [*found] for key, found in places.items()}

    def shown(self) -> list[str]:
        """The names of the arguments in a signature of Python: as the user wrote them, where they can."""
        names = [normal(p.name) for p in self.parameters]
        times = Counter(names)
        own = {p.identifier for p in self.parameters}
        return [
            name if is_name(name) and times[name] == 1 and name not in own else p.identifier
            for name, p in zip(names, self.parameters, strict=True)
        ]

    def ordered(self, args: Sequence[Any], named: Mapping[str, Any]) -> list[Any]:
        """Positional arguments, with named ones put where they belong.

        Raises
        ------
        ArgumentError
            If a name is unknown, or its argument is there already.
        """
        values = [*args, *[MISSING] * (len(self.parameters) - len(args))]
        for key, value in named.items():
            places = self.places.get(key)
            if places is None:
                raise ArgumentError(f"unknown argument {key!r}; expected: {self.listing()}")
            place = next((k for k in places if values[k] is MISSING), None)
            if place is None:
                raise ArgumentError(f"argument {key!r} is given twice")
            values[place] = value
        return values

    def listing(self) -> str:
        """The names of the arguments, in order."""
        return ", ".join(p.name for p in self.parameters) or "none"

    @cached_property
    def fits(self) -> Callable[..., bool]:
        """Whether arrays have the shapes of the parameters, as code; not where one is composed or empty."""
        if any(p.composed for p in self.parameters):
            return lambda *arrays: False
        first: dict[Dim, str] = {}  # where the extent of a name is read
        tests: list[str] = []
        for k, p in enumerate(self.parameters):
            tests.append(f"len(a{k}.shape) == {len(p.shape)}")
            for axis, d in enumerate(p.shape):
                place = f"a{k}.shape[{axis}]"
                known = str(d) if isinstance(d, int) else first.setdefault(d, place)
                tests.append(f"{place} == {known}" if known != place else f"{place} > 0")
                if d == 0:
                    tests.append("False")
        names = ", ".join(f"a{k}" for k in range(len(self.parameters)))
        code = f"def fits({names}):\n    return {' and '.join(tests) or True}\n"
        return execute(code, "fits", {})

    def small(self, args: Sequence[Any], entries: int) -> list[Any] | None:
        """Arguments that need no further check: floats, and small arrays of them of one shape.

        None where there are others, or arrays of at least `entries` entries.
        """
        if not self.floats or len(args) != len(self.parameters):
            return None
        shape = None
        values = list(args)
        for k, arg in enumerate(args):
            kind = arg.__class__
            if kind is _ARRAY:
                if arg.dtype is not FLOAT:
                    return None
                if arg.shape != shape:
                    if shape is not None or arg.size >= entries or not arg.ndim:
                        return None
                    shape = arg.shape
            elif kind is float:
                values[k] = _FLOAT64(arg)
            else:
                return None
        return None if shape is None else values

    def as_floats(self, args: Sequence[Any]) -> list[float] | None:
        """Arguments as Python floats, where all are single numbers and some are no floats yet; else None.

        Numbers are those of Python, NumPy (arrays without axes too), SymPy and mpmath.
        """
        if len(args) != len(self.parameters) or all(a.__class__ is float for a in args):
            return None
        values: list[float] = []
        for arg in args:
            if not _is_number(arg):
                return None
            try:
                values.append(float(arg))
            except (TypeError, ValueError, OverflowError):
                return None
        return values

    def exact(self, args: Sequence[Any]) -> bool:
        """Whether arguments are floats and arrays of just the declared shapes and types."""
        return len(args) == len(self.parameters) and all(
            (a.__class__ is np.ndarray and a.dtype is p.dtype and a.shape == p.shape)
            if p.shape
            else a.__class__ is float
            for a, p in zip(args, self.parameters, strict=True)
        )

    def check(self, args: Sequence[Any]) -> list[Any]:
        """The arguments as arrays, those without axes as NumPy scalars.

        Raises
        ------
        ArgumentError, DTypeError, ShapeError
            Naming the argument, what it is and what it must be.
        """
        if len(args) != len(self.parameters) or any(a is MISSING for a in args):
            self.check_count(args)
        arrays = [
            arg
            if arg.__class__ is np.ndarray and arg.dtype is p.dtype and arg.ndim
            else _as_array(arg, p)
            for arg, p in zip(args, self.parameters, strict=True)
        ]
        if self.batched:
            self._check_broadcast(arrays)
        elif self.bounds or not self.fits(*arrays):
            self._check_shapes(arrays)
        return arrays

    def check_count(self, args: Sequence[Any]) -> None:
        """Whether there is a value for each parameter.

        Raises
        ------
        ArgumentError
            Naming those that are missing, or telling how many there are to be.
        """
        missing = [
            p.name for i, p in enumerate(self.parameters) if i >= len(args) or args[i] is MISSING
        ]
        if missing:
            many = "s" if len(missing) > 1 else ""
            raise ArgumentError(
                f"missing argument{many} {', '.join(missing)}; expected: {self.listing()}"
            )
        if len(args) > len(self.parameters):
            raise ArgumentError(
                f"got {len(args)} arguments, expected {len(self.parameters)}: {self.listing()}"
            )

    def check_shapes(self, values: Sequence[Any]) -> None:
        """Whether arrays of any library have the shapes of the parameters; numbers have none.

        Raises
        ------
        ShapeError
        """
        shaped = [v if hasattr(v, "shape") else np.asarray(v) for v in values]
        if self.batched:
            self._check_broadcast(shaped)
        else:
            self._check_shapes(shaped)

    def _check_broadcast(self, arrays: Sequence[Any]) -> None:
        try:
            broadcast_shape(arrays)
        except ValueError:
            shapes = ", ".join(
                f"{p.name} has shape {show_shape(a.shape)}"
                for p, a in zip(self.parameters, arrays, strict=True)
            )
            raise ShapeError(f"arguments do not broadcast: {shapes}") from None

    def _check_shapes(self, arrays: Sequence[Any]) -> None:
        env: dict[str, Dim] = {}
        for p, a in zip(self.parameters, arrays, strict=True):
            if p.shape != a.shape:
                bind_dims(env, p.shape, tuple(a.shape), f"argument {p.name}")
        composed = [pair for pair in zip(self.parameters, arrays, strict=True) if pair[0].composed]
        for p, a in composed:
            expected = tuple(map_dim(d, lambda n: env.get(n, n)) for d in p.shape)
            if expected != a.shape:
                raise ShapeError(
                    f"argument {p.name} has shape {show_shape(a.shape)}, needs {show_shape(expected)}"
                )
        for bound, what in self.bounds:
            extent = map_dim(bound, lambda n: env.get(n, n))
            if isinstance(extent, int) and extent < 0:
                held = ", ".join(f"{k} = {v}" for k, v in env.items())
                raise ShapeError(f"{what} reaches beyond the array (with {held})")


# The types that code on floats converts by itself
NUMBERS: Final = frozenset(
    {float, int, bool, np.bool_, np.float64, np.float32, np.float16}
    | {getattr(np, f"{sign}int{bits}") for sign in ("", "u") for bits in (8, 16, 32, 64)}
)


def _is_number(arg: Any) -> bool:
    """Whether an object is one real number, as far as its type says."""
    kind = arg.__class__
    if kind in NUMBERS:
        return True
    if isinstance(arg, np.ndarray):
        return not arg.ndim and arg.dtype.kind in "biuf" and arg.itemsize <= 8 and kind is _ARRAY
    if isinstance(arg, np.generic):
        return False
    return isinstance(arg, Real) or (kind.__module__ or "").partition(".")[0] in ("sympy", "mpmath")


def broadcast_shape(arrays: Sequence[Any]) -> tuple[int, ...]:
    """The shape that arrays broadcast to; ValueError where they do not."""
    shapes = {a.shape for a in arrays}
    shapes.discard(())
    return shapes.pop() if len(shapes) == 1 else np.broadcast_shapes(*shapes)


def _as_array(arg: Any, p: Parameter) -> Any:
    if arg.__class__ is float and p.dtype is FLOAT:
        return np.float64(arg)
    array = _checked(arg, p)
    return array if array.ndim else array[()]


def _checked(arg: Any, p: Parameter) -> Any:
    refuse_masked(arg, f"argument {p.name}")
    array = arg if isinstance(arg, np.ndarray) else _converted(arg, p)
    kind = array.dtype.kind
    if kind not in "biuf":
        raise DTypeError(f"argument {p.name} has dtype {array.dtype}, needs real numbers")
    wanted = p.dtype.kind
    if wanted == "f" and kind != "f":
        return array.astype(np.float64)
    if wanted in "iu" and kind == "f":
        raise DTypeError(
            f"argument {p.name} has dtype {array.dtype}, needs integers; convert it with"
            " .astype(int)"
        )
    if wanted == "b" and kind != "b":
        return array.astype(bool)
    return array


def _converted(arg: Any, p: Parameter) -> Any:
    if isinstance(arg, float) and not isinstance(arg, np.generic):
        return np.asarray(arg, dtype=p.dtype if p.dtype.kind == "f" else None)
    try:
        array = np.asarray(arg)
        if array.dtype.kind == "O" and not array.ndim and p.dtype.kind == "f" and _is_number(arg):
            return np.asarray(float(arg))  # a Fraction, sympy.pi, or an int of more than 64 bits
    except (ValueError, TypeError, OverflowError) as error:
        raise DTypeError(f"argument {p.name} is no array of numbers: {error}") from None
    if array.dtype.kind == "O" and not array.ndim:
        kind = type(arg).__name__
        raise DTypeError(f"argument {p.name} is a {kind}, needs real numbers; convert it to float")
    return array


def checked_threads(threads: Any) -> int | None:
    """The number of threads that a caller asks for; None is one for each core.

    Raises
    ------
    ArgumentError
        If it is neither None nor a positive int.
    """
    if threads is None:
        return None
    if isinstance(threads, bool) or not isinstance(threads, (int, np.integer)) or threads < 1:
        raise ArgumentError(
            f"threads must be a positive int, or None for all cores, not {threads!r}"
        )
    return int(threads)
