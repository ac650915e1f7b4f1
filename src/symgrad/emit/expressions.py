"""From a program to statements: which values get a name, and which are written in place."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from symgrad.emit.spelling import ATOM, UNARY, Spelling
from symgrad.expr.kinds import Argument, Array, Kind, Literal
from symgrad.lower.names import Names
from symgrad.lower.program import Program, Value

MAX_INLINE = 72  # characters of an expression that is still written in place
MAX_NESTING = 12  # levels of expressions in one statement


class Writer:
    """Writes the values of a program as assignments and expressions.

    `literal` writes a number; `spell` tells how a kind of so many operands is written; names in `taken`
    are not given to values. Where `ordered`, every computation is a statement of its own, in the order of
    the program; only views are written in place.
    """

    def __init__(
        self,
        program: Program,
        literal: Callable[[object], str],
        spell: Callable[[Kind, int], Spelling],
        ordered: bool = False,
        taken: Iterable[str] = (),
    ) -> None:
        self.p = program
        self.ordered = ordered
        self.literal = literal
        self.spell = spell
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
        self.spellings: list[Spelling | None] = [None] * len(self.live)
        for v, instr in enumerate(self.p.instrs):
            if not self.live[v] or instr.kind.leaf:
                continue
            spelling = self.spellings[v] = self.spell(instr.kind, len(instr.args))
            for arg in instr.args:
                uses[arg] += 1
                if spelling.repeats:
                    named[arg] = True
        for v in self.p.outputs:
            uses[v] += 1
        return uses, named

    def write(self) -> None:
        """Write every live value."""
        for v, instr in enumerate(self.p.instrs):
            spelling = self.spellings[v]
            if not self.live[v]:
                self.text.append(("", 0, 0))
            elif spelling is None:
                text = self._leaf(instr.kind)
                self.text.append((text, UNARY if text.startswith("-") else ATOM, 0))
            else:
                self._computation(v, spelling, instr.args, instr.kind.view)

    def _leaf(self, kind: Kind) -> str:
        if isinstance(kind, Literal):
            return self.literal(kind.value)
        assert isinstance(kind, (Argument, Array))
        return kind.name

    def _computation(
        self, v: Value, spelling: Spelling, args: tuple[Value, ...], view: bool
    ) -> None:
        operands = [
            self.text[arg][0] if self.text[arg][1] >= need else f"({self.text[arg][0]})"
            for arg, need in zip(args, spelling.needs, strict=True)
        ]
        text = spelling.template.format(*operands)
        depth = 1 + max([self.text[arg][2] for arg in args], default=0)
        often = self.uses[v] > 1 or self.named[v] or (self.ordered and not view)
        if often or len(text) > MAX_INLINE or depth > MAX_NESTING:
            name = self.names.fresh(f"t{len(self.statements)}")
            self.statements.append(f"{name} = {text}")
            self.text.append((name, ATOM, 0))
        else:
            self.text.append((text, spelling.strength, depth))

    def output(self, v: Value) -> str:
        """The expression of an output."""
        return self.text[v][0]
