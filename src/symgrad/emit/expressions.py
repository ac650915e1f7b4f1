"""From a program to statements: which values get a name, and which are written in place."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from symgrad.lower.names import Names
from symgrad.lower.program import ATOM, UNARY, Code, Program, Value

MAX_INLINE = 72  # characters of an expression that is still written in place
MAX_NESTING = 12  # levels of expressions in one statement


class Writer:
    """Writes the values of a program as assignments and expressions.

    `literal` writes a number; `template` picks the template of a code; names in `taken` are not given
    to values. Where `ordered`, every computation is a statement of its own, in the order of the program;
    only views are written in place.
    """

    def __init__(
        self,
        program: Program,
        literal: Callable[[object], str],
        template: Callable[[Code], str],
        ordered: bool = False,
        taken: Iterable[str] = (),
    ) -> None:
        self.p = program
        self.ordered = ordered
        self.literal = literal
        self.template = template
        parameters = [name for name, _ in program.parameters]
        self.names = Names(
            [*parameters, *taken, *program.dim_names.values(), *program.arrays, "shape"]
        )
        self.statements: list[str] = []
        self.text: list[tuple[str, int, int]] = []
        self.uses, self.named = self._count()

    def _count(self) -> tuple[list[int], list[bool]]:
        """How often each value is used, and whether it must have a name."""
        self.live = self.p.live()
        uses, named = [0] * len(self.live), [False] * len(self.live)
        for v, instr in enumerate(self.p.instrs):
            if not self.live[v]:
                continue
            for arg in instr.args:
                uses[arg] += 1
                if instr.code is not None and instr.code.repeats:
                    named[arg] = True
        for v in self.p.outputs:
            uses[v] += 1
        return uses, named

    def write(self) -> None:
        """Write every live value."""
        for v, instr in enumerate(self.p.instrs):
            if not self.live[v]:
                self.text.append(("", 0, 0))
            elif instr.code is None:
                text = instr.name or self.literal(instr.literal)
                self.text.append((text, UNARY if text.startswith("-") else ATOM, 0))
            else:
                self._computation(v, instr.code, instr.args)

    def _computation(self, v: Value, code: Code, args: tuple[Value, ...]) -> None:
        operands = [
            self.text[arg][0] if self.text[arg][1] >= need else f"({self.text[arg][0]})"
            for arg, need in zip(args, code.needs, strict=True)
        ]
        text = self.template(code).format(*operands)
        depth = 1 + max([self.text[arg][2] for arg in args], default=0)
        often = self.uses[v] > 1 or self.named[v] or (self.ordered and not code.view)
        if often or len(text) > MAX_INLINE or depth > MAX_NESTING:
            name = self.names.fresh(f"t{len(self.statements)}")
            self.statements.append(f"{name} = {text}")
            self.text.append((name, ATOM, 0))
        else:
            self.text.append((text, code.strength, depth))

    def output(self, v: Value) -> str:
        """The expression of an output."""
        return self.text[v][0]
