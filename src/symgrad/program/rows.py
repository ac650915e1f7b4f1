"""Rows: work on the rows of large arrays that is done for a block of rows at a time, from end to end.

The loss of a model is a sum over points. Row by row there are products with small matrices, functions of
their entries, sums along the rows; what remains in the end are sums over all rows. Such a part of a
program becomes a function of its own, which runs on as many rows as the cache holds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Final

from symgrad.expr.dims import Dim, add_dims, dim_names, mul_dims
from symgrad.expr.identifiers import Names
from symgrad.expr.kinds import Item, Literal, Loop, Target
from symgrad.expr.leaves import symbol
from symgrad.program.ir import Program, Value
from symgrad.program.locality import Locality, When

MIN_INNER: Final = 1  # matrices of rows that need not be kept for all rows, from which blocks pay


@dataclass(frozen=True, eq=False)
class Rows:
    """A part of a program that works on rows.

    Attributes
    ----------
    body : Program
        On some rows; parameters are the entering values, outputs what leaves.
    sliced : tuple of bool
        Which parameters are given row by row; others are given whole.
    finals : tuple of str or None
        For each output the ufunc that puts the results of blocks together; None for rows.
    width : Dim
        The entries that a row takes in all arrays of the body.
    """

    body: Program
    sliced: tuple[bool, ...]
    finals: tuple[str | None, ...]
    width: Dim
    word: ClassVar[str] = "rows"
    given: ClassVar[tuple[Any, ...]] = ()

    @property
    def arity(self) -> int:
        """The number of parameters."""
        return len(self.sliced)

    def fills(self, result: int) -> bool:
        """Whether a result is rows."""
        return self.finals[result] is None


def by_rows(p: Program) -> Program:
    """The program with its work on rows as a loop, where it is worth one."""
    dims = dict.fromkeys(
        shape[0]
        for _, x in p.parameters
        if (shape := x.shape) and isinstance(shape[0], str) and len(shape) > 1
    )
    splits = [split for dim in dims if (split := _Split(p, dim)).is_worth_it()]
    for split in sorted(splits, key=lambda s: -len(s.inner)):
        rows = split.rows()
        if rows is not None:
            return split.rest(rows)
    return p


def within_rows(p: Program, change: Callable[[Program], Program]) -> Program:
    """The program with the bodies of work on rows changed."""
    q = p.emptied()
    image: list[Value] = []
    for instr in p.instrs:
        kind = instr.kind
        if isinstance(kind, Loop) and isinstance(kind.plan, Rows):
            plan = replace(kind.plan, body=change(kind.plan.body))
            instr = instr._replace(kind=replace(kind, plan=plan))
        image.append(q.copied(instr, image))
    q.outputs = [image[v] for v in p.outputs]
    q.slots = p.slots
    return q


class _Split:
    """A program, split by the rows of one dim."""

    def __init__(self, p: Program, dim: str) -> None:
        self.p = p
        self.dim = dim
        self.live = p.live()
        self.locality = Locality(p, dim)
        self.roles = self.locality.roles()
        self.inside = [v for v in range(len(p.instrs)) if self.live[v] and self._is_inside(v)]
        self.leaving = self._leaving()
        self.inner = [
            v for v in self._computed() if v not in self.leaving and len(p.instrs[v].shape) > 1
        ]
        self.entering: list[tuple[Value, bool]] = []  # values, and whether they come row by row

    def _is_inside(self, v: Value) -> bool:
        return self._kind(v) in (When.LOCAL, When.TURNED, When.FINAL)

    def _kind(self, v: Value) -> When:
        return self.roles[v].kind

    def _leaving(self) -> list[Value]:
        """What is needed outside: final values, and rows that outputs or later instructions take."""
        wanted = set(self.p.outputs)
        for v in range(len(self.p.instrs) - 1, -1, -1):
            needed = self._kind(v) is When.LATE or (self._kind(v) is When.TURNED and v in wanted)
            if self.live[v] and needed:
                wanted.update(self.p.instrs[v].args)
        kept = (When.LOCAL, When.FINAL)
        return [v for v in self.inside if v in wanted and self._kind(v) in kept]

    def _computed(self) -> list[Value]:
        """Rows that are computed, not views."""
        instrs = self.p.instrs
        local = [v for v in self.inside if self._kind(v) is When.LOCAL]
        return [v for v in local if not (instrs[v].kind.leaf or instrs[v].kind.view)]

    def is_worth_it(self) -> bool:
        """Whether rows go through more than entrywise steps, most of which need not be kept."""
        more = any(not self.p.instrs[v].kind.entrywise for v in self._computed())
        return more and len(self.inner) >= MIN_INNER

    # The part that works on rows

    def rows(self) -> Rows | None:
        """The work on rows; None if it needs an extent that nothing which enters has."""
        body = self.p.emptied()
        image: dict[Value, Value] = {}
        names = Names(self.p.dim_names.values())
        parameters: dict[tuple[Value, bool], str] = {}
        for v in self.inside:
            instr = self.p.instrs[v]
            args = [self._operand(body, a, image, names, parameters) for a in instr.args]
            image[v] = body.emit(instr.kind, tuple(args), instr.shape)
        self.entering = list(parameters)
        body.parameters = [
            (name, symbol(name, self.p.instrs[a].shape and ("n",)))
            for (a, _), name in parameters.items()
        ]
        body.arrays = {}
        body.outputs = [image[v] for v in self.leaving]
        shapes = [self.p.instrs[v].shape for v in self.leaving]
        if any(not isinstance(d, (int, str)) for shape in shapes for d in shape):
            return None
        body.output_nodes = [symbol(f"y{k}", shape) for k, shape in enumerate(shapes)]
        if not self._name_extents(body, parameters, names):
            return None
        finals = tuple(self.roles[v].ufunc for v in self.leaving)
        width = self._width(body)
        return Rows(body, tuple(sliced for _, sliced in parameters), finals, width)

    def _operand(
        self,
        body: Program,
        a: Value,
        image: dict[Value, Value],
        names: Names,
        parameters: dict[tuple[Value, bool], str],
    ) -> Value:
        instr = self.p.instrs[a]
        if a in image:
            return image[a]
        if isinstance(instr.kind, Literal):
            return body.literal(instr.kind.value)
        key = (a, self.locality.is_rows(a))
        if key not in parameters:
            parameters[key] = names.fresh(f"x{len(parameters)}")
        return body.argument(parameters[key], instr.shape)

    def _name_extents(
        self, body: Program, parameters: dict[tuple[Value, bool], str], names: Names
    ) -> bool:
        """Find the extents that the body mentions among those of what enters."""
        body.extents = {}
        for (a, _), name in parameters.items():
            for axis, d in enumerate(self.p.instrs[a].shape):
                if isinstance(d, str):
                    body.extents.setdefault(d, (name, axis))
        mentioned = {name for i in body.instrs for name in i.kind.names()}
        body.dim_names = {d: name for d, name in self.p.dim_names.items() if d in mentioned}
        for d in (d for v in self.leaving for d in self.p.instrs[v].shape if isinstance(d, str)):
            body.dim_names.setdefault(d, self.p.dim_names.get(d) or names.fresh(d))
        shapes = [instr.shape for instr in body.instrs]
        spanned = {n for shape in shapes for d in shape for n in dim_names(d)}
        return {*body.dim_names, *spanned} <= body.extents.keys()

    def _width(self, body: Program) -> Dim:
        shapes = [i.shape for i in body.instrs if not (i.kind.leaf or i.kind.view)]
        return add_dims(*[mul_dims(*s[1:]) for s in shapes if s and s[0] == self.dim])

    # The program around it

    def rest(self, rows: Rows) -> Program:
        """The program with a call in place of the work on rows."""
        q = self.p.emptied()
        image: dict[Value, Value] = {}
        for v, instr in enumerate(self.p.instrs):
            if self._kind(v) is When.EARLY and (self.live[v] or instr.kind.leaf):
                image[v] = q.copied(instr, image)
        operands = [image[a] for a, _ in self.entering]
        result = q.loop(rows, operands, [self._target(v) for v in self.leaving])
        for k, v in enumerate(self.leaving):
            image[v] = q.emit(Item(k), (result,), self.p.instrs[v].shape)
        for v, instr in enumerate(self.p.instrs):
            if not self.live[v] or v in image:
                continue
            late = self._kind(v) in (When.LATE, When.TURNED)
            if late and all(a in image for a in instr.args):
                image[v] = q.copied(instr, image)
        q.outputs = [image[v] for v in self.p.outputs]
        return q

    def _target(self, v: Value) -> Target | None:
        """The array that the caller may have given for rows that are an output."""
        if v in self.p.outputs and self._kind(v) is When.LOCAL:
            return Target("out", self.p.outputs.index(v))
        return None
