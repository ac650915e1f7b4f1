"""The form of a formula that people and SymPy read: nodes that stand for a formula, written out."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet

from symgrad.expr.leaves import SYMBOL, number
from symgrad.expr.node import Expr, remember_form, remembered_form
from symgrad.expr.rewriting import rewritten
from symgrad.expr.traverse import as_roots, ops_of, toposort
from symgrad.expr.types import BOOL
from symgrad.ops.arithmetic import MUL, POW
from symgrad.ops.continued import at_zero
from symgrad.ops.linalg import INV, SOLVE
from symgrad.ops.products import matmul
from symgrad.ops.shown import SHOWN, computed_forms
from symgrad.rewrite.by_names import shortest_by_names
from symgrad.rewrite.search import shorter_of
from symgrad.rewrite.simplify import simplify_all
from symgrad.rewrite.size import stands_below


def without_continuations(roots: Sequence[Expr]) -> Sequence[Expr]:
    """The roots as they are away from the zeros to which they were continued."""
    return rewritten(roots, {at_zero: lambda x: number(False, x.shape)})


def shown_forms(roots: Sequence[Expr]) -> list[Expr]:
    """The roots with every formula in the form in which it is read."""
    return list(rewritten(roots, {SHOWN: _form}))


def _form(node: Expr) -> Expr:
    """The shortest form of what a node computes, searched once and kept with the node."""
    found = remembered_form(node)
    if found is None:
        (computed,) = without_continuations(computed_forms(node.args))
        found = shorter_of(computed, shortest_by_names([computed]))
        (plain,) = _formulas([computed])
        if plain is not computed:
            found = _shorter_without_new_poles(found, plain)
        remember_form(node, found)
    return found


def _shorter_without_new_poles(found: Expr, plain: Expr) -> Expr:
    """The shortest form of a formula with all that stands for one written out, where that is shorter.

    It must divide by nothing else: ``a*x**(a - 1) - b*x**a`` is not ``x**a*(a/x - b)``, which has a pole.
    """
    other = shorter_of(found, shortest_by_names([plain]))
    return other if _divisors(other) <= _divisors(plain) else found


def _divisors(x: Expr) -> set[Expr]:
    """What is divided by, once or more often: of a product each factor."""
    return {
        factor.args[0] if factor.op is POW else factor
        for node in toposort([x])
        if stands_below(node)
        for factor in (node.args[0].args if node.args[0].op is MUL else (node.args[0],))
    }


def over_symbols(roots: Sequence[Expr], known: AbstractSet[Expr]) -> Sequence[Expr]:
    """The roots, or what is read of them where a symbol beyond `known` cancels in that.

    Nobody is asked for the value of a symbol that does not stand in the formula.
    """
    if all(x in known for x in toposort(roots) if x.op is SYMBOL):
        return roots
    return shown_forms(roots)


def written_out(roots: Sequence[Expr]) -> list[Expr]:
    """The roots as they are read, every node whose op has a formula replaced by it."""
    return _formulas(shown_forms(roots))


def _formulas(roots: Sequence[Expr]) -> list[Expr]:
    roots = as_roots(roots)
    formulas = {op: op.formula for op in ops_of(roots) if op.formula}
    return list(rewritten(roots, formulas))


def readable(root: Expr) -> Expr:
    """`root` as it is printed: formulas written out, and simplified with what is around them."""
    (form,) = shown_forms([root])
    if root.ty is not BOOL:
        (form,) = without_continuations([form])
    (plain,) = written_out([form])
    plain = _solutions_by_inverses(plain)
    return form if plain is form else simplify_all([plain], written_out=True)[0]


def _solutions_by_inverses(root: Expr) -> Expr:
    """``solve(A, B)`` as ``inv(A) @ B`` where the inverse stands beside it, and B is no single column.

    So a product of both reads ``inv(A) @ B @ inv(A)``, and symmetric ones are seen to be equal.
    """
    order = toposort([root])
    inverses = {node.args[0]: node for node in order if node.op is INV}
    if not any(node.op is SOLVE and node.args[0] in inverses for node in order):
        return root

    def by_inverse(node: Expr) -> Expr:
        inverse = inverses.get(node.args[0]) if node.shape[-1] != 1 else None
        return node if inverse is None else matmul(inverse, node.args[1])

    return rewritten([root], {SOLVE: by_inverse})[0]
