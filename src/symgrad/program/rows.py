"""Rows: work on the rows of large arrays that is done for a block of rows at a time, from end to end.

The loss of a model is a sum over points. Row by row there are products with small matrices, functions of
their entries, sums along the rows; what remains in the end are sums over all rows. Such a part of a
program becomes a loop, whose body runs on as many rows as the cache holds.
"""

from __future__ import annotations

from typing import Final

from symgrad.expr.dims import dim_names
from symgrad.program.ir import Combine, Cut, Program, Value
from symgrad.program.locality import Locality, When
from symgrad.program.outline import LoopGroup, outlined
from symgrad.program.regions import regions

MIN_INNER: Final = 1  # matrices of rows that need not be kept for all rows, from which blocks pay


def rows(p: Program) -> list[LoopGroup]:
    """The work on rows of a program, where it is worth a loop; at most one."""
    dims = dict.fromkeys(
        shape[0]
        for _, x in p.parameters
        if (shape := x.shape) and isinstance(shape[0], str) and len(shape) > 1
    )
    splits = [split for dim in dims if (split := _Split(p, dim)).is_worth_it()]
    for split in sorted(splits, key=lambda s: -len(s.inner)):
        if split.is_sized():
            return [split.group()]
    return []


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

    def is_sized(self) -> bool:
        """Whether all extents inside are known by the arguments."""
        shapes = [self.p.instrs[x].shape for v in self.inside for x in (v, *self.p.instrs[v].args)]
        return {n for shape in shapes for d in shape for n in dim_names(d)} <= self.p.extents.keys()

    def group(self) -> LoopGroup:
        """The work on rows as a loop, with the entrywise work in its body as loops of their own."""
        combined = [self._combined(k, v) for k, v in enumerate(self.leaving)]

        def cut(v: Value, a: Value) -> Cut:
            rest = (None,) * (len(self.p.instrs[a].shape) - 1)
            first = (0,) if self.locality.is_rows(a) else (None,) * bool(self.p.instrs[a].shape)
            return Cut((*first, *rest))

        return LoopGroup(
            self.inside,
            self.leaving,
            combined,
            self.leaving,
            (self.dim,),
            (0,),
            cut,
            sized=True,
            finish=lambda body: outlined(body, regions(body)),
        )

    def _combined(self, k: int, v: Value) -> Combine:
        ufunc, rank = self.roles[v].ufunc, len(self.p.instrs[v].shape)
        if ufunc is not None:
            return Combine(k, (None,) * rank, ufunc)
        return Combine(k, (0, *(None,) * (rank - 1)))
