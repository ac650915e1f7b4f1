"""A compiled function of scalars as machine code: which programs have it, and the builtin made of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from threading import RLock
from typing import Any, Final, NamedTuple

from symgrad.expr.pytrees import Nest
from symgrad.program.ir import Program
from symgrad.targets.native import calls, engine, kernels
from symgrad.targets.native.steps import TRUTH, ScalarSteps, Unsupported, steps_of

MAKING: Final = RLock()  # machine code is made by one thread at a time


class Builtin(NamedTuple):
    """A builtin, the address of its vectorcall, good as long as it is there, and what it owns."""

    function: Callable[..., Any]
    entry: int
    owned: calls.Owned


@dataclass(frozen=True)
class Native:
    """What native code there is for numbers.

    Attributes
    ----------
    steps : ScalarSteps or None
        The steps that are compiled, or None where there is no native code.
    why : str
        What stands against it.
    """

    steps: ScalarSteps | None
    why: str = ""

    def words(self) -> str:
        """A line that tells of it."""
        if self.steps is None:
            return f"native: none, for {self.why}"
        outside = [f.name for f in self.steps.externals() if f.scipy]
        more = f"; SciPy's {', '.join(outside)}" if outside else ""
        return f"native: numbers, {self.steps.length()} steps{more}"


def native_of(program: Program) -> Native:
    """The native code of a program as it was lowered."""
    if calls.obstacle():
        return Native(None, calls.obstacle())
    try:
        made = steps_of(program)
        kernels.symbols(made)
    except Unsupported as found:
        return Native(None, str(found))
    return Native(made)


def native_function(
    made: ScalarSteps, nest: Nest, name: str, general: Callable[..., Any]
) -> Builtin:
    """A builtin that computes steps for numbers, and hands all else on to `general`."""
    externals = made.externals()
    text = "\n".join(
        [
            kernels.declarations(made),
            kernels.kernel(made, linkage="internal"),
            calls.call_code(
                len(made.arguments),
                [made.steps[v].type == TRUTH for v in made.outputs],
                nest,
                may_raise=any(f.scipy for f in externals),
            ),
        ]
    )
    owned = calls.owned_by(name, general, nest)
    symbols = {**owned.symbols(), **kernels.symbols(made)}
    library = engine.compiled(text, calls.ENTRIES, symbols, engine.level_for(made.length()))
    return Builtin(calls.builtin(library, owned), library.address("fast"), owned)
