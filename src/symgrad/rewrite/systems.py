"""Inverses that only multiply: ``inv(A) @ b -> solve(A, b)``, on the way to code.

To solve for k columns costs ``2/3 n**3 + 2 k n**2``, to invert and multiply ``2 n**3 + 2 k n**2``, and the
solution is the more accurate one. So an inverse is solved for wherever it stands once or twice, every
time next to something; at three vectors both cost the same, and the inverse is formed.

That a determinant, solutions and an inverse of one matrix share its factors is for generated code to
see to: `symgrad.program.factorisations`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from symgrad.expr.dims import Dim
from symgrad.expr.node import Expr
from symgrad.expr.rewriting import Images, rewritten
from symgrad.expr.traverse import as_roots, ops_of, toposort, uses_of
from symgrad.ops.einsum import EINSUM, einsum_node, insert_axes
from symgrad.ops.linalg import INV, SOLVE
from symgrad.ops.matrices import transposed
from symgrad.ops.symmetry import Labels

MAX_SOLVED: Final = 2  # times that one inverse is solved for


class _System(NamedTuple):
    """A place where an inverse multiplies: what for, and along which labels."""

    place: int
    turned: bool  # whether the transpose is solved for
    group: frozenset[int]  # the operands of the right-hand side
    summed: int
    kept: int
    columns: Labels  # the label of the columns of the right-hand side, if it is a matrix


def solved_inverses(roots: Sequence[Expr]) -> Sequence[Expr]:
    """The roots with products by inverses as solutions of linear systems."""
    roots = as_roots(roots)
    if INV not in ops_of(roots):
        return roots
    solvable = _solvable(toposort(roots), uses_of(roots))

    def step(node: Expr, image: Images) -> Expr | None:
        inverses = [arg for arg in node.args if arg in solvable]
        if not inverses:
            return None
        built = EINSUM.build(image.of(node.args), node.params)
        return _solved(built, frozenset(image.of(inverses)))

    return rewritten(roots, steps={EINSUM: step})


def _solvable(order: Sequence[Expr], uses: Mapping[Expr, int]) -> set[Expr]:
    """The inverses that are needed in few places, each of which is a system."""
    found = dict.fromkeys([y for y in order if y.op is INV and uses[y] <= MAX_SOLVED], 0)
    for node in order:
        if node.op is EINSUM:
            for i, arg in enumerate(node.args):
                if arg in found and _system_at(node, i) is not None:
                    found[arg] += 1
    return {y for y, systems in found.items() if systems == uses[y]}


def _solved(y: Expr, inverses: frozenset[Expr]) -> Expr:
    """An Einsum with the systems in it solved, one after the other."""
    for _ in range(len(y.args)):
        if y.op is not EINSUM:
            return y
        found = [
            s for i, x in enumerate(y.args) if x in inverses and (s := _system_at(y, i)) is not None
        ]
        if not found:
            return y
        y = _with_solution(y, min(found, key=lambda s: len(s.columns)), inverses)
    return y


def _with_solution(y: Expr, s: _System, inverses: frozenset[Expr]) -> Expr:
    inputs, out, _ = y.params
    a = y.args[s.place].args[0]
    batch = inputs[s.place][:-2]
    extents = _extents(y)
    group = sorted(s.group)
    right = einsum_node(
        [y.args[i] for i in group],
        [inputs[i] for i in group],
        (*batch, s.summed, *s.columns),
        extents,
    )
    right = _solved(right, inverses)
    column = right if s.columns else insert_axes(right, (right.ndim,))
    solution = SOLVE.build((transposed(a) if s.turned else a, column), ())
    labels = (*batch, s.kept, *s.columns)
    if not s.columns:
        axes = tuple(range(solution.ndim))
        solution = EINSUM.build((solution,), ((axes,), axes[:-1], ()))
    rest = [i for i in range(len(y.args)) if i != s.place and i not in s.group]
    operands = [*[y.args[i] for i in rest], solution]
    return einsum_node(operands, [*[inputs[i] for i in rest], labels], out, extents)


def _extents(y: Expr) -> dict[int, Dim]:
    inputs, out, _ = y.params
    extents: dict[int, Dim] = dict(zip(out, y.shape, strict=True))
    for x, labels in zip(y.args, inputs, strict=True):
        extents.update(zip(labels, x.shape, strict=True))
    return extents


def _system_at(y: Expr, place: int) -> _System | None:
    """How the inverse at this place multiplies, from the side with the fewer columns; or None."""
    labels = y.params.inputs[place]
    if len(set(labels)) != len(labels):
        return None
    row, column = labels[-2:]
    sides = [_side(y, place, column, row, False), _side(y, place, row, column, True)]
    found = [s for s in sides if s is not None]
    return min(found, key=lambda s: len(s.columns)) if found else None


def _side(y: Expr, place: int, summed: int, kept: int, turned: bool) -> _System | None:
    """The system with all that hangs together with one axis of an inverse as its right-hand side."""
    inputs, out, _ = y.params
    fixed = {*out, *inputs[place][:-2]}
    group: set[int] = set()
    reached = {summed}
    for _ in inputs:
        more = {
            i
            for i, labels in enumerate(inputs)
            if i != place and i not in group and reached & set(labels) - fixed
        }
        if not more:
            break
        group |= more
        reached |= {n for i in more for n in inputs[i]}
    if summed in out or kept in reached:
        return None
    outside = {
        n for i, labels in enumerate(inputs) if i not in group and i != place for n in labels
    }
    free = [n for n in sorted(reached) if n != summed and n in outside | set(out)]
    columns = tuple([n for n in free if n not in inputs[place][:-2]])
    if len(columns) > 1:
        return None
    return _System(place, turned, frozenset(group), summed, kept, columns)
