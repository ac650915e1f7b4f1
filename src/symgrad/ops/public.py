"""What every public function shares: lifting, and the reading of axes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar, cast

from symgrad.calls import never_entered, unfit
from symgrad.errors import ArgumentError, ShapeError
from symgrad.expr.dims import Shape, show_shape
from symgrad.expr.node import Expr
from symgrad.ops.elementwise import lift_of
from symgrad.ops.examples import with_example
from symgrad.ops.lifted import Lifted

F = TypeVar("F", bound=Callable[..., Any])
P = ParamSpec("P")


def public(function: Callable[Concatenate[Any, P], Expr]) -> Lifted[P]:
    """Let arguments that wrap expressions carry the call out (see `lift_of`), and check the call's fit."""

    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        if (args and args[0].__class__ is not Expr) or len(args) > 1 or kwargs:
            lift = lift_of(args) or (lift_of([*kwargs.values()]) if kwargs else None)
            if lift is not None:
                return lift(call, args, kwargs)
        try:
            return function(*args, **kwargs)
        except TypeError as error:
            if never_entered(error):
                raise unfit(function, kwargs, error) from None
            raise

    call.__doc__ = with_example(function.__name__.rstrip("_"), function.__doc__)
    return cast("Lifted[P]", call)


def public_as_typed(function: F) -> F:
    """`public` for what does not always give one expression: type checkers know it as it is declared."""
    made: Any = public(function)
    return cast("F", made)


def normalize_axis(axis: Any, ndim: int, who: str = "axis") -> int:
    """An axis as an index from the front.

    Raises
    ------
    ShapeError
        If it is out of range or no int.
    """
    if isinstance(axis, bool) or not hasattr(axis, "__index__"):
        raise ShapeError(f"{who} must be an int, not {axis!r}")
    index = axis.__index__()
    if not -ndim <= index < ndim:
        raise ShapeError(f"{who} {index} is out of range for an operand of {ndim} dimensions")
    return int(index % ndim)


def as_int(value: Any, who: str) -> int:
    """An int, from anything that counts as one.

    Raises
    ------
    ShapeError
        For a float, say.
    """
    if not hasattr(value, "__index__"):
        raise ShapeError(f"{who} must be an int, not {value!r}")
    return int(value.__index__())


def normalize_axes(axis: Any, ndim: int) -> tuple[int, ...]:
    """Axes as sorted indices from the front; None is all of them."""
    if axis is None:
        return tuple(range(ndim))
    listed: Sequence[Any] = axis if isinstance(axis, (tuple, list)) else (axis,)
    axes = [normalize_axis(a, ndim) for a in listed]
    if len(set(axes)) != len(axes):
        raise ShapeError(f"axis {axis} names an axis twice")
    return tuple(sorted(axes))


def known_int(dim: Any, who: str, shape: Shape) -> int:
    """An extent that must be an int here.

    Raises
    ------
    ShapeError
        If it is symbolic.
    """
    if not isinstance(dim, int):
        raise ShapeError(f"{who} needs a known extent; shape {show_shape(shape)} has {dim}")
    return dim


def refuse_out(out: Any, who: str) -> None:
    """Raise for an array to write into, which a formula cannot have; None, or a tuple of it, is none.

    Raises
    ------
    ArgumentError
        Saying where `out` belongs.
    """
    if out is not None and not (isinstance(out, tuple) and all(o is None for o in out)):
        raise ArgumentError(
            f"{who} of an expression makes a formula, which has no memory to write into: leave out="
            " away, and give it to the compiled function, f(x, out=buffer)"
        )
