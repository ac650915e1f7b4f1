"""From a program to statements: which values get a name, and which are written in place.

In long code a name is given away after its last use. The array that it held is freed then, and its memory
is still in the cache when the next array of its size needs some.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from symgrad.expr.identifiers import Names
from symgrad.expr.kinds import Argument, Array, Kind, Literal
from symgrad.program.ir import Program, Value
from symgrad.targets.spelling import ATOM, UNARY, Spelling

MAX_INLINE: Final = 72  # characters of an expression that is still written in place
MAX_NESTING: Final = 12  # levels of expressions in one statement
MIN_NAMES: Final = 40  # shorter code reads better with a name for each value
# Characters that a name, and code with names of extents, are reckoned to have: names decide on no plan
NAME: Final = 3
INDEX: Final = 12
NEVER: Final = 1 << 62


class Writer:
    """Writes the values of a program as assignments and expressions.

    `literal` writes a number; `spell` tells how a kind of so many operands is written; names in `taken`
    are not given to values. Where `ordered`, every computation is a statement of its own, in the order of
    the program; only views are written in place. Where `recycle`, names are used again.
    """

    def __init__(
        self,
        program: Program,
        literal: Callable[[object], str],
        spell: Callable[[Kind, int], Spelling],
        ordered: bool = False,
        taken: Iterable[str] = (),
        recycle: bool = False,
    ) -> None:
        self.p = program
        self.ordered = ordered
        self.literal = literal
        parameters = [name for name, _ in program.parameters]
        self.names = Names(
            [*parameters, *taken, *program.dim_names.values(), *program.arrays, "shape"]
        )
        self.live = program.live()
        self.spellings = [
            spell(i.kind, len(i.args)) if live and not i.kind.leaf else None
            for i, live in zip(program.instrs, self.live, strict=True)
        ]
        self.leaves = [
            self._leaf(i.kind) if live and i.kind.leaf else ""
            for i, live in zip(program.instrs, self.live, strict=True)
        ]
        self.named = self._named()
        self.ends = self._last_uses() if recycle and sum(self.named) >= MIN_NAMES else {}
        self.statements: list[str] = []
        self.text: list[tuple[str, int]] = []  # with its binding strength

    def _leaf(self, kind: Kind) -> str:
        if isinstance(kind, Literal):
            return self.literal(kind.value)
        assert isinstance(kind, (Argument, Array))
        return kind.name

    def _named(self) -> list[bool]:
        """Which values get a name: those used often, and those whose expression would be long."""
        uses = self._uses()
        named: list[bool] = []
        size: list[tuple[int, int]] = []  # characters and levels
        for v, instr in enumerate(self.p.instrs):
            spelling = self.spellings[v]
            if spelling is None:
                named.append(False)
                number = isinstance(instr.kind, Literal)
                size.append((len(self.leaves[v]) if number else NAME, 0))
                continue
            length, depth = INDEX if instr.kind.dims() else len(spelling.template), 1
            for a in instr.args:
                characters, levels = size[a]
                length += characters - NAME
                depth = max(depth, levels + 1)
            often = uses[v] > 1 or (self.ordered and not instr.kind.view)
            named.append(often or length > MAX_INLINE or depth > MAX_NESTING)
            size.append((NAME, 0) if named[v] else (length, depth))
        return named

    def _uses(self) -> list[int]:
        """How often each value is written; an operand that stands twice in a template counts twice."""
        uses = [0] * len(self.live)
        for instr, spelling in zip(self.p.instrs, self.spellings, strict=True):
            if spelling is not None:
                for a in instr.args:
                    uses[a] += 1 + spelling.repeats
        for v in self.p.outputs:
            uses[v] += 1
        return uses

    def _last_uses(self) -> dict[Value, list[Value]]:
        """For each value with a name, the values whose names are free after its statement."""
        mentions: list[tuple[Value, ...]] = []  # the values with names in each expression
        last: dict[Value, Value] = {}
        for v, instr in enumerate(self.p.instrs):
            within = [(a,) if self.named[a] else mentions[a] for a in instr.args]
            found = tuple(dict.fromkeys([a for group in within for a in group]))
            mentions.append(() if self.named[v] else found)
            if self.named[v]:
                last.update(dict.fromkeys(found, v))
        for v in self.p.outputs:
            last.update(dict.fromkeys((v,) if self.named[v] else mentions[v], NEVER))
        ends: dict[Value, list[Value]] = {}
        for a, v in last.items():
            ends.setdefault(v, []).append(a)
        return ends

    def write(self) -> None:
        """Write every live value."""
        free: list[str] = []
        for v, instr in enumerate(self.p.instrs):
            spelling = self.spellings[v]
            if spelling is None:
                leaf = self.leaves[v]
                self.text.append((leaf, UNARY if leaf.startswith("-") else ATOM))
                continue
            operands = []
            for a, need in zip(instr.args, spelling.needs, strict=True):
                text, strength = self.text[a]
                operands.append(text if strength >= need else f"({text})")
            code = spelling.template.format(*operands)
            if not self.named[v]:
                self.text.append((code, spelling.strength))
                continue
            free += [self.text[a][0] for a in self.ends.get(v, ())]
            name = free.pop() if free else self.names.fresh(f"t{len(self.statements)}")
            self.statements.append(f"{name} = {code}")
            self.text.append((name, ATOM))

    def output(self, v: Value) -> str:
        """The expression of an output."""
        return self.text[v][0]
