"""Calls that do not fit a function's parameters, told as errors of this library."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from difflib import get_close_matches
from functools import wraps
from typing import Any, Final, TypeVar

from symgrad.errors import ArgumentError

Called = TypeVar("Called", bound=Callable[..., Any])
CUTOFF: Final = 0.6  # of `difflib`: keywords less alike than this are not suggested
_BY_KEYWORD: Final = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


def checked(function: Called) -> Called:
    """Let a call with missing, doubled or unknown arguments raise an `ArgumentError`."""

    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except TypeError as error:
            if never_entered(error):
                raise unfit(function, kwargs, error) from None
            raise

    return call  # type: ignore[return-value]


def never_entered(error: TypeError) -> bool:
    """If Python raised `error` for the call itself: the traceback then ends where the call stands."""
    return error.__traceback__ is not None and error.__traceback__.tb_next is None


def unfit(function: Callable[..., Any], kwargs: dict[str, Any], error: TypeError) -> ArgumentError:
    """The error of a call whose arguments the function does not have, with the parameters it takes."""
    parameters = dict(inspect.signature(function).parameters)
    parameters.pop("self", None)
    names = [name for name, p in parameters.items() if p.kind in _BY_KEYWORD]
    who, takes = function.__name__, f"{function.__name__} takes ({', '.join(parameters)})"
    unknown = next((name for name in kwargs if name not in names), None)
    if unknown is None:
        return ArgumentError(f"{str(error).replace(function.__qualname__, who, 1)}; {takes}")
    meant = get_close_matches(unknown, names, n=1, cutoff=CUTOFF)
    hint = f"did you mean {meant[0]}? " if meant else ""
    return ArgumentError(f"{who} has no argument {unknown!r}; {hint}{takes}")
