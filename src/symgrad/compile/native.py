"""A compiled function of scalars as machine code: which programs have it, and the builtin made of it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from threading import RLock
from typing import Any, Final, NamedTuple

from symgrad.compile.entry_steps import entry_steps
from symgrad.compile.pipeline import Draft
from symgrad.expr.pytrees import Nest
from symgrad.program.ir import Program
from symgrad.targets.native import calls, engine, kernels
from symgrad.targets.native.entry_calls import arrays_of, entry_call_code, entry_call_symbols
from symgrad.targets.native.numpy_objects import array_objects
from symgrad.targets.native.steps import TRUTH, ScalarSteps, Unsupported, steps_of

LONG: Final = 2000  # steps from which a tape may take less time to compile
MOST_STEPS: Final = 20_000  # of straight code for arrays: more take seconds to compile
MOST_ENTRIES: Final = 32_768  # of all arguments and results: they are copied to the stack
MAKING: Final = RLock()  # machine code is made by one thread at a time


class Builtin(NamedTuple):
    """A builtin, the address of its vectorcall, good as long as it is there, and what it owns."""

    function: Callable[..., Any]
    entry: int
    owned: calls.Owned


@dataclass(frozen=True)
class Native:
    """What native code there is for numbers, or for small arrays of known shapes.

    Attributes
    ----------
    steps : ScalarSteps or None
        The steps that are compiled, or None where there is no native code.
    why : str
        What stands against it.
    shapes : pair of lists, or None
        Those of arguments and outputs, if they are arrays of which the steps have the entries.
    """

    steps: ScalarSteps | None
    why: str = ""
    shapes: tuple[list[tuple[int, ...]], list[tuple[int, ...]]] | None = None

    def words(self) -> str:
        """A line that tells of it."""
        if self.steps is None:
            return f"native: none, for {self.why}"
        outside = [f.name for f in self.steps.externals() if f.scipy]
        more = f"; SciPy's {', '.join(outside)}" if outside else ""
        what = "numbers" if self.shapes is None else "entries of small arrays"
        return f"native: {what}, {self.steps.length()} steps{more}"


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


def native_of_entries(draft: Draft) -> Native:
    """The native code of a function of small arrays, as its formulas were drafted."""
    if calls.obstacle():
        return Native(None, calls.obstacle())
    if array_objects() is None:
        return Native(None, "arrays of a NumPy that is not known")
    try:
        made = entry_steps(draft)
        kernels.symbols(made)
    except Unsupported as found:
        return Native(None, str(found))
    arguments = arrays_of([x.shape for _, x in draft.lowered().parameters])
    outputs = arrays_of([y.shape for y in draft.leaves])
    entries = sum([math.prod(shape) for shape in [*arguments, *outputs]])
    if entries > MOST_ENTRIES:
        return Native(None, f"arrays of {entries} entries together")
    if made.length() > MOST_STEPS and not on_tape(made):
        return Native(None, f"arrays whose entries take {made.length()} steps")
    return Native(made, "", (arguments, outputs))


def native_function(native: Native, nest: Nest, name: str, general: Callable[..., Any]) -> Builtin:
    """A builtin that computes steps, and hands all else than their arguments on to `general`."""
    made, shapes = native.steps, native.shapes
    assert made is not None
    may_raise = any(f.scipy for f in made.externals())
    owned = calls.owned_by(name, general, nest)
    symbols = {**owned.symbols(), **kernels.symbols(made)}
    if shapes is None:
        truths = [made.steps[v].type == TRUTH for v in made.outputs]
        call = calls.call_code(len(made.arguments), truths, nest, may_raise)
    else:
        objects = array_objects()
        assert objects is not None
        call = entry_call_code(*shapes, nest, objects, may_raise)
        symbols.update(entry_call_symbols(objects))
    kernel, level = _kernel(made)
    text = kernels.once_declared("\n".join([kernels.declarations(made), kernel, call]))
    library = engine.compiled(text, calls.ENTRIES, symbols, level)
    return Builtin(calls.builtin(library, owned), library.address("fast"), owned)


def on_tape(made: ScalarSteps) -> bool:
    """Whether steps are compiled as loops over a tape, not as straight code."""
    if made.length() < LONG:
        return False
    from symgrad.targets.native.tape import pays_on_tape  # noqa: PLC0415 (an extra)

    return pays_on_tape(made)


def _kernel(made: ScalarSteps) -> tuple[str, int]:
    """The code of all steps, and how much it is worth optimising."""
    if not on_tape(made):
        return kernels.kernel(made, linkage="internal"), engine.level_for(made.length())
    from symgrad.targets.native.processors import processor  # noqa: PLC0415 (an extra)
    from symgrad.targets.native.tape import tape_code  # noqa: PLC0415 (an extra)

    return tape_code(made, processor()), 3
