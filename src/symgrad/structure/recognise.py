"""The recogniser: a Jacobian or Hessian in normal form, and the structure that it has."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from symgrad.expr.dims import Dim, mul_dims
from symgrad.expr.leaves import EYE, eye
from symgrad.expr.node import Expr
from symgrad.ops.arithmetic import add_all
from symgrad.ops.einsum import broadcast, insert_axes, scale
from symgrad.ops.symmetry import Labels
from symgrad.structure.forms import (
    DiagonalForm,
    DiagonalPlusLowRankForm,
    Factor,
    Form,
    KroneckerForm,
    LowRankForm,
    Recipe,
)
from symgrad.structure.monomials import Monomial, monomials

# Which side of a tensor an operand belongs to
ROWS, COLUMNS, NEITHER, BOTH = "rows", "columns", "neither", "both"
MAX_RANK: Final = 16  # outer products in a sum that are still kept apart


def form_of(e: Expr) -> Form | None:
    """The structure of a Jacobian or Hessian, or None where none is known.

    Reads ``e.shape`` as rows and columns of equally many axes.
    """
    if e.ndim == 0 or e.ndim % 2:
        return None
    terms = monomials(e, e.ndim // 2)
    return None if terms is None else _Recogniser(e).form(terms)


MAX_LINE: Final = 400  # characters of a formula in a description


def structure_lines(outputs: Sequence[Expr]) -> list[str]:
    """A line for each output that has a structure."""
    found = [(k, form_of(y)) for k, y in enumerate(outputs)]
    return [f"structure of output {k}: {describe(form)}" for k, form in found if form is not None]


def describe(form: Recipe) -> str:
    """The kind of a form, and its formulas where they are short."""
    shown = form.describe()
    return f"{form.kind}, {shown}" if len(shown) <= MAX_LINE else form.kind


class _Recogniser:
    """Sorts the terms of one tensor by what ties its rows to its columns."""

    def __init__(self, e: Expr) -> None:
        self.rank = e.ndim
        self.p = e.ndim // 2
        self.shape = e.shape
        self.rows = tuple(range(self.p))
        self.columns = tuple(range(self.p, e.ndim))
        self.extents: dict[int, Dim] = dict(enumerate(e.shape))
        self.diagonals: list[Expr] = []
        self.scalars: list[Expr] = []  # multiples of the identity
        self.kroneckers: dict[int, list[Expr]] = {}
        self.factors: list[Factor] = []

    def form(self, terms: Sequence[Monomial]) -> Form | None:
        for term in terms:
            if not self._place(self._without_inner_identities(term)):
                return None
        return self._combined()

    def _without_inner_identities(self, term: Monomial) -> Monomial:
        """An identity with a summed label renames it."""
        index = 0
        while index < len(term.operands):
            pair = term.labels[index]
            if term.operands[index].op is EYE and max(pair) >= self.rank and pair[0] != pair[1]:
                term = term.without(index).renamed({max(pair): min(pair)})
                index = 0
            else:
                index += 1
        return term

    def _place(self, term: Monomial) -> bool:
        pairs = {(min(ls), max(ls)) for ls in term.identities()}
        if not any(row < self.p <= column for row, column in pairs):
            return self._place_rank(term)
        tied = [axis for axis in self.rows if (axis, axis + self.p) in pairs]
        if len(tied) != len(pairs):
            return False
        rest = term.without_identities()
        if len(tied) == self.p:
            return self._place_diagonal(rest)
        return self.p == 2 and self._place_kronecker(rest, tied[0])

    def _place_diagonal(self, rest: Monomial) -> bool:
        rest = rest.renamed({axis + self.p: axis for axis in self.rows})
        if any(n < self.p for ls in rest.labels for n in ls):
            self.diagonals.append(rest.contracted(self.rows, self.extents))
        else:
            self.scalars.append(rest.contracted((), self.extents))
        return True

    def _place_kronecker(self, rest: Monomial, axis: int) -> bool:
        """``delta_ij A_ab``, where A does not depend on i."""
        if any(n in (axis, axis + 2) for ls in rest.labels for n in ls):
            return False
        out = (1 - axis, 3 - axis)
        self.kroneckers.setdefault(axis, []).append(rest.contracted(out, self.extents))
        return True

    # Low rank

    def _place_rank(self, term: Monomial) -> bool:
        """``u_i v_j``, or ``U_is c_s V_js`` for a label s of known small extent."""
        inner = {
            n: d
            for x, ls in zip(term.operands, term.labels, strict=True)
            for n, d in zip(ls, x.shape, strict=True)
            if n >= self.rank
        }
        cuts: list[tuple[Labels, Dim]] = [((), 1)]
        cuts += [((s,), d) for s, d in inner.items() if self._is_thin(d)]
        for cut, extent in cuts:
            sides = self._sides(term, cut)
            if BOTH not in sides:
                self.factors.append(self._factored(term, sides, cut, extent))
                return True
        return False

    def _is_thin(self, extent: Dim) -> bool:
        """Whether a known rank is smaller than the known numbers of rows and columns."""
        sizes = [mul_dims(*self.shape[: self.p]), mul_dims(*self.shape[self.p :])]
        return all(isinstance(d, int) for d in (extent, *sizes)) and extent < min(sizes)

    def _sides(self, term: Monomial, cut: Labels) -> list[str]:
        """The side of each operand; operands that share a summed label, but for `cut`, are together."""
        group = list(range(len(term.operands)))
        owner: dict[int, int] = {}
        for k, ls in enumerate(term.labels):
            for n in ls:
                if n >= self.rank and n not in cut:
                    first = group[owner.setdefault(n, k)]
                    group = [first if g == group[k] else g for g in group]
        axes: dict[int, set[str]] = {}
        for k, ls in enumerate(term.labels):
            found = {ROWS if n < self.p else COLUMNS for n in ls if n < self.rank}
            axes.setdefault(group[k], set()).update(found)
        return [BOTH if len(axes[g]) > 1 else next(iter(axes[g]), NEITHER) for g in group]

    def _factored(self, term: Monomial, sides: list[str], cut: Labels, extent: Dim) -> Factor:
        full = {**self.extents, **dict.fromkeys(cut, extent)}

        def side(which: str, axes: Labels) -> Expr:
            part = term.kept([k for k, s in enumerate(sides) if s == which])
            made = part.contracted((*axes, *cut), full)
            return made if cut else insert_axes(made, (made.ndim,))

        return Factor(side(ROWS, self.rows), side(NEITHER, ()), side(COLUMNS, self.columns))

    # The whole

    def _combined(self) -> Form | None:
        if self.kroneckers:
            return self._kronecker()
        d = self._diagonal()
        if not self.factors:
            return None if d is None else DiagonalForm(d)
        if len(self.factors) > MAX_RANK or not self._is_low(self.factors):
            return None
        low = LowRankForm(tuple(self.factors))
        return low if d is None else DiagonalPlusLowRankForm(DiagonalForm(d), low)

    def _is_low(self, factors: Sequence[Factor]) -> bool:
        """Whether the rank is less than the size, or the size is not known."""
        sizes = [mul_dims(*self.shape[: self.p]), mul_dims(*self.shape[self.p :])]
        total = sum(f.c.shape[0] for f in factors)
        return all(not isinstance(d, int) or total < d for d in sizes)

    def _diagonal(self) -> Expr | None:
        if not self.diagonals and not self.scalars:
            return None
        shape = self.shape[: self.p]
        return add_all([*self.diagonals, *[broadcast(c, shape) for c in self.scalars]])

    def _kronecker(self) -> Form | None:
        """Terms with one and the same identity, and multiples of the whole identity."""
        if len(self.kroneckers) > 1 or self.diagonals or self.factors:
            return None
        ((axis, parts),) = self.kroneckers.items()
        identity = eye(self.shape[1 - axis], parts[0].dtype)
        whole = [scale(identity, c) for c in self.scalars]
        return KroneckerForm(add_all([*parts, *whole]), self.shape[axis], axis)
