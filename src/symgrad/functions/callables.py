"""Python callables in generated code: by an import where they have one, else by a token.

Code calls them through ``_values_of``, which checks what comes back. A callable that can be imported
(`math.gamma`, a function of a module) is imported by the code, saved or not. One that cannot, such as a
lambda or the method of an object, is found by its token, in this process only: `check_saved` says so.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from typing import Any, Final
from uuid import uuid4
from weakref import WeakValueDictionary

from symgrad.errors import ArgumentError

_PREFIX: Final = "_bound_"
_HERE: Final = "from symgrad.functions.callables import bound as _bound"


class Bound:
    """A callable and the token by which code finds it, which no other callable has in any process."""

    def __init__(self, function: Callable[..., Any], token: str) -> None:
        self.function = function
        self.token = token


_bound: Final[WeakValueDictionary[str, Bound]] = WeakValueDictionary()


def bound(token: str) -> Callable[..., Any]:
    """The callable of this token.

    Raises
    ------
    ArgumentError
        If its function is gone, or was never here.
    """
    found = _bound.get(token)
    if found is None:
        raise ArgumentError(
            "the code calls a callable of another process, or one whose function was deleted; compile the"
            " formula again"
        )
    return found.function


def bind(function: Callable[..., Any], token: str | None = None) -> Bound:
    """Give a callable a token, which holds as long as the result lives; or take up that of a pickle."""
    found = _bound.get(token) if token else None
    if found is not None:
        return found
    made = Bound(function, token or uuid4().hex[:12])
    _bound[made.token] = made
    return made


def import_of(function: Any) -> tuple[str, str] | None:
    """Module and name from which a callable can be imported; None where there are none."""
    module = getattr(function, "__module__", None) or _module_of_ufunc(function)
    name = getattr(function, "__qualname__", None) or getattr(function, "__name__", None)
    if not isinstance(module, str) or not isinstance(name, str) or module == "__main__":
        return None
    found = getattr(sys.modules.get(module), name, None) if name.isidentifier() else None
    return (module, name) if found is function else None


def _module_of_ufunc(function: Any) -> str | None:
    name = getattr(function, "__name__", "")
    for module in ("numpy", "scipy.special"):
        if getattr(sys.modules.get(module), name, None) is function:
            return module
    return None


def code_of_callable(function: Callable[..., Any], held: Bound, name: str) -> tuple[str, str]:
    """The identifier of a callable in generated code, and the statement that defines it."""
    place = import_of(function)
    if place is not None:
        module, attribute = place
        identifier = "_" + re.sub(r"\W", "_", f"{module}.{attribute}")
        return identifier, f"from {module} import {attribute} as {identifier}\n"
    plain = re.sub(r"\W", "_", name)
    identifier = f"{_PREFIX}{plain}_{held.token}"
    return identifier, f"{_HERE}\n\n{identifier} = _bound({held.token!r})\n"


def check_saved(source: str) -> None:
    """Raise if a source cannot stand alone because it calls what cannot be imported.

    Raises
    ------
    ArgumentError
        Naming the function.
    """
    found = re.search(rf"\b{_PREFIX}(\w+)_[0-9a-f]{{12}} = _bound\(", source)
    if found:
        raise ArgumentError(
            f"the code calls what was given for {found[1]}, a callable that cannot be imported, so it"
            " cannot stand in a file: define it with def at the top level of a module, and import it"
            " from there"
        )
