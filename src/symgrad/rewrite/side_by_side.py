"""Functions of neighbouring slices of one array as slices of the function: one call in place of several.

The gates of a recurrent cell are slices of one product, ``expit(g[:, :k])``, ``expit(g[:, k:2*k])``, and so
on. On small arrays what counts is the number of calls, so ``expit(g[:, :3*k])`` is computed, and sliced.
Each entry is computed as before.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from symgrad.expr.leaves import is_number, number, value_of
from symgrad.expr.node import Expr
from symgrad.expr.rewriting import Images, Step, rewritten
from symgrad.expr.traverse import as_roots, ops_of, toposort
from symgrad.expr.tuning import tuning
from symgrad.ops.layout import SLICE, slice_of


class SlicedChain(NamedTuple):
    """A function of a slice along one axis: steps with numbers, one after the other.

    Attributes
    ----------
    array : Expr
        What is sliced.
    path : int
        The steps, by their number; 0 is none.
    axis : int
        Along which the slice is.
    others : tuple
        The entries of the index along all other axes.
    start, stop : int
    """

    array: Expr
    path: int
    axis: int
    others: tuple[Any, ...]
    start: int
    stop: int

    @property
    def at(self) -> tuple[Any, ...]:
        """The basic index of the slice."""
        entry = (self.start, self.stop, 1, self.stop - self.start)
        return (*self.others[: self.axis], entry, *self.others[self.axis :])


def side_by_side(outputs: Sequence[Expr]) -> Sequence[Expr]:
    """The outputs with functions of neighbouring slices of small arrays computed as one."""
    outputs = as_roots(outputs)
    if SLICE not in ops_of(outputs):
        return outputs
    chains = _Chains(toposort(outputs))
    wide = chains.wider()
    if not wide:
        return outputs

    def step(node: Expr, image: Images) -> Expr | None:
        chain = wide.get(node)
        if chain is None:
            return None
        own = chains.found[node]
        whole = chains.built(chain, image)
        at = [(0, d, 1, d) for d in whole.shape]
        place = chain.axis - sum(e.__class__ is int for e in chain.others[: chain.axis])
        start, stop = own.start - chain.start, own.stop - chain.start
        at[place] = (start, stop, 1, stop - start)
        return slice_of(whole, tuple(at))

    steps: Mapping[Any, Step] = dict.fromkeys({node.op for node in wide}, step)
    return rewritten(outputs, steps=steps)


class _Chains:
    """The functions of slices in a graph."""

    def __init__(self, order: Sequence[Expr]) -> None:
        self.found: dict[Expr, SlicedChain] = {}
        self._paths: dict[Any, int] = {}
        self._steps: list[Any] = [None]
        self._made: dict[SlicedChain, Expr] = {}
        for node in order:
            chain = _slice(node) if node.op is SLICE else self._longer(node)
            if chain is not None:
                self.found[node] = chain

    def _longer(self, node: Expr) -> SlicedChain | None:
        """The chain of a node that is an entrywise step, with numbers, from a chain."""
        if not node.op.elementwise:
            return None
        places = [k for k, x in enumerate(node.args) if not is_number(x)]
        if len(places) != 1 or node.args[places[0]] not in self.found:
            return None
        (at,) = places
        below = self.found[node.args[at]]
        numbers = tuple(
            [(v := value_of(x), v.__class__, x.ty) for k, x in enumerate(node.args) if k != at]
        )
        key = (below.path, node.op, node.params, at, numbers)
        if key not in self._paths:
            self._paths[key] = len(self._steps)
            self._steps.append((below.path, node, at))
        return below._replace(path=self._paths[key])

    def wider(self) -> dict[Expr, SlicedChain]:
        """Per function of a slice that has neighbours of the same function that of all of them."""
        groups: dict[Any, list[Expr]] = {}
        for node, chain in self.found.items():
            if chain.path:
                groups.setdefault(chain[:4], []).append(node)
        wide: dict[Expr, SlicedChain] = {}
        for nodes in groups.values():
            for run in self._runs(nodes):
                whole = self.found[run[0]]._replace(stop=self.found[run[-1]].stop)
                wide.update(dict.fromkeys(run, whole))
        return wide

    def _runs(self, nodes: Sequence[Expr]) -> list[list[Expr]]:
        """Nodes whose slices follow one another without a gap, two at least."""
        ordered = sorted(nodes, key=lambda node: self.found[node][4:])
        runs: list[list[Expr]] = []
        for node in ordered:
            if runs and self.found[runs[-1][-1]].stop == self.found[node].start:
                runs[-1].append(node)
            else:
                runs.append([node])
        return [run for run in runs if len(run) > 1]

    def built(self, chain: SlicedChain, image: Images) -> Expr:
        """The function of the slice."""
        waiting = [chain]
        while (top := waiting[-1]) not in self._made:
            if top.path == 0:
                self._made[top] = slice_of(image[top.array], top.at)
            else:
                waiting.append(top._replace(path=self._steps[top.path][0]))
        while waiting:
            top = waiting.pop()
            if top not in self._made:
                below, node, at = self._steps[top.path]
                x = self._made[top._replace(path=below)]
                args = [
                    x if k == at else number(value_of(c), x.shape, None if c.ty.weak else c.ty)
                    for k, c in enumerate(node.args)
                ]
                self._made[top] = node.op.build(tuple(args), node.params)
        return self._made[chain]


def _slice(node: Expr) -> SlicedChain | None:
    """A slice, with step 1, of a small array along one axis; along others it may have entries."""
    (x,) = node.args
    if not all(isinstance(d, int) for d in x.shape):
        return None
    if math.prod(d for d in x.shape if isinstance(d, int)) > tuning().large_entries:
        return None
    at = node.params.at
    cut = [
        k
        for k, (e, d) in enumerate(zip(at, x.shape, strict=True))
        if e.__class__ is tuple and e != (0, d, 1, d)
    ]
    if len(cut) != 1 or at[cut[0]][2] != 1:
        return None
    (axis,) = cut
    start, stop = at[axis][:2]
    return SlicedChain(x, 0, axis, (*at[:axis], *at[axis + 1 :]), start, stop)
