"""The loops of solvers of one small problem, as text with places for the formulas: the end rules.

They are Python, and native code is made from them as well (`symgrad.targets.native.loop_code`), so they
keep to numbers, comparisons and a few functions.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from symgrad.targets.numpy_source import INDENT
from symgrad.targets.scalar_source import TROUBLE
from symgrad.targets.statements import math_imports


class LoopText(NamedTuple):
    """The imports that a loop needs, and its lines at the beginning of a function."""

    imports: list[str]
    lines: list[str]


class Template(NamedTuple):
    """A loop: whether it is run at all, what it starts with, and its steps.

    A placeholder that stands alone in its line is for statements: a list, or a tuple, which may be none.
    """

    head: str
    start: str
    steps: str

    def python(self, parts: Mapping[str, Any]) -> LoopText:
        """The code around, with the parts in their places."""
        lines = [
            *filled(self.head, parts),
            *[INDENT + line for line in filled(self.start, parts)],
            f"{INDENT}try:",
            *[INDENT * 2 + line for line in filled(self.steps, parts)],
            f"{INDENT}except {TROUBLE}:",
            f"{INDENT * 2}pass",
        ]
        return LoopText(math_imports(["\n".join(lines)]), lines)

    def alone(self, parts: Mapping[str, Any]) -> str:
        """Start and steps, the statements of a function."""
        return "\n".join([*filled(self.start, parts), *filled(self.steps, parts)])


def filled(text: str, parts: Mapping[str, Any]) -> list[str]:
    """The lines of a template with the parts in their places."""
    lines: list[str] = []
    for line in text.splitlines():
        alone = re.fullmatch(r"( *)\{(\w+)\}", line)
        found = parts[alone[2]] if alone else None
        if alone and isinstance(found, (list, tuple)):
            lines += [alone[1] + statement for statement in found or ("pass",) * (found == [])]
        else:
            lines.append(line.format(**parts))
    return lines


USUAL: Final = (
    "tol.__class__ is float and tol >= 3e-16 and maxiter.__class__ is int"
    " and xtol is ftol is gtol is x_scale is None"
)

EQUATION: Final = Template(
    """\
if not ({test}):
    numbers = floats_of([x0], 1{params})
    if numbers is not None:
        return solve(*numbers, {keywords})
elif callback is None and {usual}:""",
    """\
{x} = x0
bound = inf
{begun}
slope = step = gap = part = inf
small = False
{uncut}""",
    """\
for count in range(maxiter + 1):
    {statements}
    size = abs({value})
    if size < bound:
        if small and size <= {rate}*bound and size <= part*abs({slope}){inside}:
            return Solution({x}, True, count{cuts}, size, CONVERGED)
        before = slope
        slope = {slope}
        if size == 0.0:  # no underflow, nor a multiple root, nor one that F fades away to
            if {sharp}{inside}:
                return Solution({x}, True, count{cuts}, size, CONVERGED)
            break
        gap = step
        step = {step}
        bound = size
        last = {x}
        {x} {sign}= step
        {full}
        part = tol*abs({x})
        small = {short}
    {shorten}
    elif small and size == size and {last_bits}{last_inside}:  # |F| cannot fall any more
        return Solution(last, True, count - 1{cuts}, bound, CONVERGED)
    else:
        break""",
)

# Of an equation: full steps only; or steps that are halved until |F| falls, which are counted once
FULL_STEPS: Final[Mapping[str, Any]] = {"uncut": (), "full": (), "shorten": (), "cuts": ""}
SHORTER_STEPS: Final[Mapping[str, Any]] = {
    "uncut": ["share = 0.0", "cut = 0"],
    "full": ["share = 1.0"],
    "shorten": [
        "elif share > 0.002 and not small:  # a shorter step",
        f"{INDENT}share *= 0.5",
        f"{INDENT}cut += 1",
        f"{INDENT}{{x}} = last {{sign}} share*step",
    ],
    "cuts": " - cut",
}

SYSTEM: Final = Template(
    """\
numbers = {numbers}
if numbers is not None and callback is None and {usual}:""",
    """\
{names} = numbers
bound = early = inf
part = 0.0
count = 0
small = False""",
    """\
while True:
    {statements}
    size = {size}
    if size < bound:
        if small and size <= 0.1*bound:
            return Solution({point}, True, count, size, CONVERGED)
        if count >= maxiter and size > 0.0:
            break
        {matrix}
        {elimination}
        if size == 0.0:
            if {regular}:  # no underflow, no singular Jacobian
                return Solution({point}, True, count, size, CONVERGED)
            break
        {move}
        if not small:
            early = bound  # what |F| was before steps were short
        small = {small}
        bound = size
        part = 1.0
        count += 1
    elif part > 0.01 and not small:  # a shorter step
        part *= 0.5
        {shorten}
    elif small and {bits} and bound <= 0.1*early < inf:  # a last step, and |F| cannot fall any more
        return Solution({last}, True, count - 1, bound, CONVERGED)
    else:
        break""",
)

MINIMUM: Final = Template(
    """\
numbers = {numbers}
if numbers is not None and callback is None and {usual}:""",
    """\
{names} = numbers
{scales} = {magnitudes}
{tops} = {zeros}
bound = lowest = inf
part = fall = 0.0
count = 0
small = fast = False""",
    """\
while True:
    {statements}
    size = {size}
    if value <= lowest - 1e-4*part*fall or size < bound and value <= lowest + 4e-15*abs(lowest):
        if small and (size <= 0.01*bound or fast and not size < 0.5*bound){inside}{steep}:
            return strict_minimum({point}, count, size, value)
        if small or count >= maxiter{outside}:  # what is no strict minimum, or not yet
            break
        fast = size <= 0.01*bound < inf
        {matrix}
        {elimination}
        fall = {fall}
        {move}
        {learn}
        small = {tends}
        bound = size
        lowest = value
        part = 1.0
        count += size > 0.0  # no step leads from a point without slope
    elif small and fast and size == size{steep}:  # a last step, and no lower value
        return strict_minimum({last}, count - 1, bound, lowest)
    elif part > 0.001:  # a shorter step
        part *= 0.5
        {shorten}
        small = False
    else:
        break""",
)
