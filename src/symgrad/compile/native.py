"""A compiled function of scalars as machine code: which programs have it, and the builtin made of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from symgrad.expr.pytrees import Nest
from symgrad.program.ir import Program
from symgrad.targets.native import calls, engine, kernels
from symgrad.targets.native.steps import TRUTH, ScalarSteps, Unsupported, steps_of


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
) -> tuple[Callable[..., Any], int]:
    """A builtin that computes steps for numbers, and hands all else on to `general`; its vectorcall too.

    The address of the latter is good for as long as the builtin is there.
    """
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
    return calls.builtin(library, owned), library.address("fast")
