"""Steps as LLVM's code: a function ``void kernel(ptr in, ptr out)`` over floats in memory.

Compilation takes more than linear time in the length of a function, so long ones are cut: each piece is a
function of its own, and what a later piece needs goes through memory.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable, Sequence
from typing import Final

from symgrad.targets.native.engine import math_symbol
from symgrad.targets.native.primitives import Primitive
from symgrad.targets.native.scipy_functions import scipy_symbol
from symgrad.targets.native.steps import TRUTH, External, ScalarStep, ScalarSteps, Unsupported

PIECE: Final = 500  # steps of a function; those of longer ones are cut
TYPES: Final = {"f": "double", "b": "i1"}


def kernel(made: ScalarSteps, name: str = "kernel", linkage: str = "") -> str:
    """The text of ``void name(ptr in, ptr out)`` and of the pieces that it calls.

    Truth values among the outputs are 1.0 and 0.0.
    """
    computed = [v for v, step in enumerate(made.steps) if step.computes]
    if len(computed) <= 2 * PIECE:
        body = KernelPiece(made, {}).written(computed, [], made.outputs)
        return _function(f"define {linkage} void @{name}(ptr noalias %in, ptr noalias %out)", body)
    return _in_pieces(made, name, linkage, computed)


def _in_pieces(made: ScalarSteps, name: str, linkage: str, computed: Sequence[int]) -> str:
    pieces = [computed[k : k + PIECE] for k in range(0, len(computed), PIECE)]
    home = {v: k for k, piece in enumerate(pieces) for v in piece}
    kept: dict[int, int] = {}  # the place in memory of what a later piece needs
    for v in computed:
        for a in made.steps[v].operands:
            if a in home and home[a] != home[v]:
                kept.setdefault(a, len(kept))
    by_piece: list[list[int]] = [[] for _ in pieces]
    for v in kept:
        by_piece[home[v]].append(v)
    outputs: list[list[tuple[int, int]]] = [[] for _ in pieces]
    for place, v in enumerate(made.outputs):
        outputs[home.get(v, 0)].append((place, v))
    texts, calls = [], [f"  %memory = alloca double, i64 {max(len(kept), 1)}, align 64"]
    for k, piece in enumerate(pieces):
        head = (
            f"define internal void @{name}_{k}(ptr noalias %in, ptr noalias %out,"
            " ptr noalias %memory) noinline"
        )
        body = KernelPiece(made, kept).written(piece, by_piece[k], (), outputs[k])
        texts.append(_function(head, body))
        calls.append(f"  call void @{name}_{k}(ptr %in, ptr %out, ptr %memory)")
    whole = _function(f"define {linkage} void @{name}(ptr noalias %in, ptr noalias %out)", calls)
    return "\n".join([*texts, whole])


class KernelPiece:
    """Writes some of the steps; others are read from memory, or are arguments and numbers."""

    def __init__(self, made: ScalarSteps, kept: dict[int, int]) -> None:
        self.steps = made.steps
        self.kept = kept
        self.names: dict[int, str] = {}
        self.lines: list[str] = []

    def written(
        self,
        computed: Sequence[int],
        remembered: Sequence[int],
        outputs: Sequence[int] = (),
        placed: Sequence[tuple[int, int]] = (),
    ) -> list[str]:
        for v in computed:
            step = self.steps[v]
            given = [self._name(a) for a in step.operands]
            self.names[v] = f"%v{v}"
            self.lines.append(f"  %v{v} = {self._code(step, given)}")
        for v in remembered:
            self._store(v, "%memory", self.kept[v])
        for place, v in placed or enumerate(outputs):
            self._store(v, "%out", place)
        return self.lines

    def _name(self, v: int) -> str:
        found = self.names.get(v)
        if found is None:
            found = self.names[v] = self._from_afar(v)
        return found

    def _from_afar(self, v: int) -> str:
        does = self.steps[v].does
        if isinstance(does, bool):
            return "true" if does else "false"
        if isinstance(does, float):
            return number(does)
        if isinstance(does, int):
            return self._load("%in", does, f"%v{v}")
        if self.steps[v].type != TRUTH:
            return self._load("%memory", self.kept[v], f"%v{v}")
        stored = self._load("%memory", self.kept[v], f"%s{v}")
        self.lines.append(f"  %v{v} = fcmp une double {stored}, 0.0")
        return f"%v{v}"

    def _load(self, base: str, place: int, name: str) -> str:
        self.lines.append(f"  {name} = load double, ptr {self.place(base, place, name)}")
        return name

    def place(self, base: str, place: int, name: str) -> str:
        """A pointer to a place in memory."""
        self.lines.append(f"  {name}p = getelementptr double, ptr {base}, i64 {place}")
        return f"{name}p"

    def external(self, f: External) -> str:
        """The name of a function that is called."""
        return symbol_name(f)

    def _code(self, step: ScalarStep, given: Sequence[str]) -> str:
        does = step.does
        if isinstance(does, Primitive):
            return does.llvm.format(*given)
        assert isinstance(does, External)
        listed = ", ".join([*[f"double {x}" for x in given], *["i32 0"] * does.scipy])
        return f'call double @"{self.external(does)}"({listed})'

    def _store(self, v: int, base: str, place: int) -> None:
        value = self._name(v)
        key = f"%{base[1]}{place}"
        if self.steps[v].type == TRUTH:
            self.lines.append(f"  {key}f = uitofp i1 {value} to double")
            value = f"{key}f"
        self.lines.append(f"  store double {value}, ptr {self.place(base, place, key)}")


def number(value: float) -> str:
    """A float as LLVM writes it: by its bits."""
    return f"0x{struct.unpack('<Q', struct.pack('<d', value))[0]:016X}"


def symbol_name(does: External) -> str:
    """The name of a function in the code; SciPy's may have that of one of C."""
    return f"scipy_{does.name}" if does.scipy else does.name


def _function(head: str, lines: Iterable[str]) -> str:
    return "\n".join([f"{head} {{", "entry:", *lines, "  ret void", "}", ""])


def declarations(made: ScalarSteps) -> str:
    """The functions that steps call, declared; those of LLVM itself too."""
    lines = [
        f"declare double @{symbol_name(f)}({', '.join([*['double'] * f.arity, *['i32'] * f.scipy])})"
        for f in made.externals()
    ]
    return "\n".join([*lines, *INTRINSICS, ""])


INTRINSICS: Final = (
    *[f"declare double @llvm.{n}.f64(double)" for n in "fabs sqrt floor ceil trunc rint".split()],
    "declare double @llvm.copysign.f64(double, double)",
)


def once_declared(text: str) -> str:
    """Code in which every function is declared once, by the first of its declarations."""
    seen: set[str] = set()
    lines: list[str] = []
    for line in text.splitlines():
        found = re.match(r"declare .*?@\"?([\w.$]+)\"?\(", line)
        if found is None or found[1] not in seen:
            lines.append(line)
        if found is not None:
            seen.add(found[1])
    return "\n".join([*lines, ""])


def symbols(made: ScalarSteps) -> dict[str, int]:
    """The addresses of the functions that steps call.

    Raises
    ------
    Unsupported
        If C's library has no such function.
    """
    found: dict[str, int] = {}
    for f in made.externals():
        address = scipy_symbol(f.name, f.arity) if f.scipy else math_symbol(f.name)
        if not address:
            raise Unsupported(f"{f.name}, which C's library lacks")
        found[symbol_name(f)] = address
    return found
