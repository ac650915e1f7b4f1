"""A tensor as a sum of products of small tensors, as far as rows and columns are tied together.

The axes of a Jacobian are its rows, then its columns. Sums, products and Einsums that reach from rows
to columns are written out; whatever belongs to rows alone, or to columns alone, stays one operand. So
what remains between rows and columns is identities, summed labels, and tensors of no known structure.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from typing import Final, NamedTuple

from symgrad.expr.dims import Dim
from symgrad.expr.leaves import EYE, is_number, number
from symgrad.expr.node import Expr
from symgrad.expr.types import BOOL
from symgrad.ops.arithmetic import ADD, MUL
from symgrad.ops.einsum import EINSUM, einsum_node
from symgrad.ops.named import NAMED
from symgrad.ops.symmetry import Labels

# Products in a sum, and operands in a product, at most: what is larger counts as unstructured
MAX_TERMS: Final = 32


class Monomial(NamedTuple):
    """A product of operands, each with labels; labels below the rank of the tensor are its axes."""

    operands: tuple[Expr, ...]
    labels: tuple[Labels, ...]

    def identities(self) -> list[Labels]:
        """The labels of the identities among the operands."""
        return [ls for x, ls in zip(self.operands, self.labels, strict=True) if x.op is EYE]

    def kept(self, places: Sequence[int]) -> Monomial:
        """The product of the operands at these places."""
        return Monomial(
            tuple([self.operands[k] for k in places]), tuple([self.labels[k] for k in places])
        )

    def without(self, index: int) -> Monomial:
        """The product without one operand."""
        return self.kept([k for k in range(len(self.operands)) if k != index])

    def without_identities(self) -> Monomial:
        """The product of the other operands."""
        return self.kept([k for k, x in enumerate(self.operands) if x.op is not EYE])

    def renamed(self, names: dict[int, int]) -> Monomial:
        """The same product with labels exchanged."""
        labels = [tuple([names.get(n, n) for n in ls]) for ls in self.labels]
        return Monomial(self.operands, tuple(labels))

    def contracted(self, out: Labels, extents: dict[int, Dim]) -> Expr:
        """The product, summed over all labels that are not in `out`."""
        return einsum_node(list(self.operands), list(self.labels), out, extents)


def monomials(root: Expr, rows: int) -> list[Monomial] | None:
    """The products whose sum is `root`, rows being its first axes; None if there are too many."""
    fresh = count(root.ndim)
    done: list[Monomial] = []
    stack = [Monomial((root,), (tuple(range(root.ndim)),))]
    while stack:
        term = stack.pop()
        found = _first_tie(term, root.ndim, rows)
        if found is None:
            done.append(term)
        else:
            written = _written_out(term, found, root.ndim, fresh)
            stack.extend(reversed(written))
        if len(done) + len(stack) > MAX_TERMS or len(term.operands) > MAX_TERMS:
            return None
    return done


def _first_tie(term: Monomial, rank: int, rows: int) -> int | None:
    """The first operand that ties rows to columns and can be written out."""
    for index, (x, labels) in enumerate(zip(term.operands, term.labels, strict=True)):
        ties = any(n < rows for n in labels) and any(rows <= n < rank for n in labels)
        if is_number(x) and labels and (len(labels) > 1 or labels[0] < rank):
            return index
        if x.op not in (ADD, MUL, EINSUM, NAMED) or x.ty is BOOL:
            continue
        if ties or (x.op is EINSUM and any(a.op is EYE for a in x.args)):
            return index
        if x.op is ADD and len(labels) > 1 and _holds_identity(x):
            return index
    return None


def _holds_identity(x: Expr) -> bool:
    """Whether one of the terms of a sum is an identity, or a product with one (looked at locally)."""
    parts = [factor for term in x.args for factor in (term.args if term.op is MUL else (term,))]
    return any(p.op is EYE or (p.op is EINSUM and EYE in [a.op for a in p.args]) for p in parts)


def _written_out(term: Monomial, index: int, rank: int, fresh: count[int]) -> list[Monomial]:
    """The term with one operand replaced by what it is made of: several terms for a sum."""
    x, labels = term.operands[index], term.labels[index]
    if x.op is ADD:
        return [_replaced(term, index, [arg], [labels]) for arg in x.args]
    if x.op is EINSUM:
        inner, out, _ = x.params
        names = dict(zip(out, labels, strict=True))
        for n in (n for ls in inner for n in ls if n not in out):
            if n not in names:
                names[n] = next(fresh)
        renamed = [tuple([names[n] for n in ls]) for ls in inner]
        return [_replaced(term, index, x.args, renamed)]
    if is_number(x):
        return [_as_scalar(term, index, rank)]
    return [_replaced(term, index, x.args, [labels] * len(x.args))]


def _as_scalar(term: Monomial, index: int, rank: int) -> Monomial:
    """A number that fills an array as a scalar, and ones for summed labels that nothing else has."""
    x, labels = term.operands[index], term.labels[index]
    elsewhere = {n for ls in term.without(index).labels for n in ls}
    value, _, _, ty = x.params
    alone = [(n, d) for n, d in zip(labels, x.shape, strict=True) if n >= rank]
    ones = [(number(1, (d,)), (n,)) for n, d in alone if n not in elsewhere]
    operands = [number(value, (), ty), *[x for x, _ in ones]]
    return _replaced(term, index, operands, [(), *[ls for _, ls in ones]])


def _replaced(
    term: Monomial, index: int, operands: Sequence[Expr], labels: Sequence[Labels]
) -> Monomial:
    return Monomial(
        (*term.operands[:index], *operands, *term.operands[index + 1 :]),
        (*term.labels[:index], *labels, *term.labels[index + 1 :]),
    )
