"""How functions of expressions are typed that take Variables as well, and then give one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Concatenate, ParamSpec, Protocol, TypeAlias, TypeVar, cast, overload

import numpy as np

from symgrad.expr.node import Expr

P = ParamSpec("P")


class Wrapper(Protocol):
    """What wraps expressions and carries calls out itself, such as a `Variable`."""

    @staticmethod
    def __symgrad_lift__(function: Callable[..., Any], args: Any, kwargs: Any, /) -> Any: ...


W = TypeVar("W", bound=Wrapper)


class Lifted(Protocol[P]):
    """A function whose result is an `Expr`, or a Variable where it is given one."""

    __name__: str
    __qualname__: str

    @overload
    def __call__(self, x: W | Sequence[W], /, *args: P.args, **kwargs: P.kwargs) -> W: ...
    @overload
    def __call__(self, x: Any, y: W, /, *args: Any, **kwargs: Any) -> W: ...
    @overload
    def __call__(self, x: Any, /, *args: P.args, **kwargs: P.kwargs) -> Expr: ...


class Foreign(Protocol):
    """An expression of SymPy's, which is taken for ours."""

    @property
    def free_symbols(self) -> Any: ...


def lifting(function: Callable[Concatenate[Any, P], Expr]) -> Lifted[P]:
    """A function that carries Variables out, which type checkers then know to do so."""
    return cast("Lifted[P]", function)


# What keeps its form where a function is applied to the expressions in it
Nest = TypeVar("Nest", bound=list[Any] | tuple[Any, ...] | dict[Any, Any])
Leaf: TypeAlias = "Expr | Foreign"
Array: TypeAlias = "np.ndarray[Any, Any]"  # of expressions, or of numbers
