"""Functions among the arguments: ``lambdify([x, f], f(x).diff(x))`` takes what f is with each call."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from symgrad.calls import checked
from symgrad.errors import ArgumentError
from symgrad.functions.define import is_function

KEPT: Final = 64  # functions for which code is kept

Compile = Callable[[Sequence[Any], dict[Any, Any]], Any]  # other arguments, what functions are


def holds_functions(args: Any) -> bool:
    """Whether there is a function among the arguments."""
    return isinstance(args, (list, tuple)) and any(map(is_function, args))


class OpenFunction:
    """What `lambdify` makes where undefined functions are among the arguments: code for each that is given.

    A call takes a callable in the place of each function, or what else ``functions=`` of `lambdify` takes:
    one that works on expressions is differentiated exactly, a tuple ``(f, f')`` has its derivatives with
    it. Code is made when functions are given for the first time, and kept for the 64 that were given last;
    so give the same function again, not a new lambda with each call.

    Attributes
    ----------
    args : tuple
        The arguments, as they were given.

    Examples
    --------
    >>> import numpy as np, symgrad as sg
    >>> x, f = sg.symbol("x"), sg.function("f")
    >>> slope = sg.lambdify([x, f], sg.diff(f(x**2), x))
    >>> print(slope(3.0, np.sin) == 6 * np.cos(9.0), slope(3.0, np.square))
    True 108.0
    >>> print(slope.of(np.exp))
    <CompiledFunction f(x)>
    """

    def __init__(self, args: Sequence[Any], compiled: Compile) -> None:
        self.args = tuple(args)
        names = [str(a) for a in self.args if is_function(a)]
        if len(set(names)) < len(names):
            raise ArgumentError(f"a function is given twice among the arguments {names}")
        self._names = names
        self._compiled = compiled
        self._known: dict[
            tuple[int, ...], tuple[Any, Any]
        ] = {}  # the functions, held, and their code

    @checked
    def of(self, *functions: Any) -> Any:
        """The compiled function of the other arguments, for these functions.

        Raises
        ------
        ArgumentError
            For another number of functions, or one that is no callable.
        """
        if len(functions) != len(self._names):
            raise ArgumentError(
                f"got {len(functions)} functions, expected {len(self._names)}: {', '.join(self._names)}"
            )
        key = tuple([id(part) for f in functions for part in (f if isinstance(f, tuple) else (f,))])
        found = self._known.pop(key, None)
        if found is None:
            others = [a for a in self.args if not is_function(a)]
            found = (
                functions,
                self._compiled(others, dict(zip(self._names, functions, strict=True))),
            )
        self._known[key] = found  # the last one is the one used last
        while len(self._known) > KEPT:
            self._known.pop(next(iter(self._known)), None)
        return found[1]

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        if len(args) != len(self.args):
            raise ArgumentError(f"got {len(args)} arguments, expected {len(self.args)}: {self}")
        pairs = list(zip(self.args, args, strict=True))
        functions = [value for a, value in pairs if is_function(a)]
        return self.of(*functions)(*[value for a, value in pairs if not is_function(a)], **kwargs)

    def __repr__(self) -> str:
        return f"<OpenFunction f({', '.join(map(str, self.args))})>"
