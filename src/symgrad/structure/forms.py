"""Structure of Jacobians and Hessians: what a recogniser finds in an expression.

The tensor has row axes, then as many column axes; flattened in C order it is a matrix. Found are

- `DiagonalForm`: ``diag(d)``;
- `KroneckerForm`: ``kron(eye(n), A)`` or ``kron(A, eye(n))``, over two row and two column axes;
- `LowRankForm`: ``U @ diag(c) @ V.T`` of fewer columns than rows, such as a sum of outer products;
- `DiagonalPlusLowRankForm`: a sum of a diagonal and a low-rank one.

Everything is an expression, so a form has no size and no values; `symgrad.structure.operators` holds the
same forms over arrays.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from symgrad.expr.dims import Dim
from symgrad.expr.leaves import extent
from symgrad.expr.node import Expr
from symgrad.structure.operators import Diagonal, DiagonalPlusLowRank, Kronecker, LowRank


class Recipe(Protocol):
    """How one output is made: the expressions that are computed, and what their values become."""

    @property
    def kind(self) -> str: ...

    @property
    def parts(self) -> tuple[Expr, ...]: ...

    def assemble(self, *values: Any) -> Any: ...

    def describe(self) -> str: ...


@dataclass(frozen=True, eq=False)
class DiagonalForm:
    """Entries `d`, of the shape of the rows, on the diagonal; zeros elsewhere."""

    d: Expr

    kind: ClassVar[str] = "diagonal"

    @property
    def parts(self) -> tuple[Expr, ...]:
        """What a compiled function computes for it."""
        return (self.d,)

    def assemble(self, *values: Any) -> Any:
        """The form over arrays."""
        return Diagonal(*values)

    def describe(self) -> str:
        """The form over its formulas, in a line."""
        return f"diag({self.d})"


@dataclass(frozen=True, eq=False)
class KroneckerForm:
    """An identity of extent `n` along row axis `axis` and column axis `axis`, times `matrix`.

    ``H[i, a, j, b] = (i == j)*matrix[a, b]`` for axis 0: flattened, ``kron(eye(n), matrix)``. For axis
    1 it is ``kron(matrix, eye(n))``.
    """

    matrix: Expr
    n: Dim
    axis: int

    kind: ClassVar[str] = "Kronecker with identity"

    @property
    def parts(self) -> tuple[Expr, ...]:
        """What a compiled function computes for it."""
        return (self.matrix, extent(self.n))

    def assemble(self, *values: Any) -> Any:
        """The form over arrays."""
        return Kronecker(values[0], int(values[1]), self.axis)

    def describe(self) -> str:
        """The form over its formulas, in a line."""
        return _kron(f"eye({self.n})", str(self.matrix), self.axis)


@dataclass(frozen=True, eq=False)
class LowRankForm:
    """``U @ diag(c) @ V.T``: the last axis of U and V is the rank."""

    U: Expr
    c: Expr
    V: Expr

    kind: ClassVar[str] = "low rank"

    @property
    def parts(self) -> tuple[Expr, ...]:
        """What a compiled function computes for it."""
        return (self.U, self.c, self.V)

    def assemble(self, *values: Any) -> Any:
        """The form over arrays."""
        return LowRank(*values)

    def describe(self) -> str:
        """The form over its formulas, in a line."""
        return f"U @ diag({self.c}) @ V.T with U = {self.U}, V = {self.V}"


@dataclass(frozen=True, eq=False)
class DiagonalPlusLowRankForm:
    """``diag(d) + U @ diag(c) @ V.T``."""

    d: Expr
    U: Expr
    c: Expr
    V: Expr

    kind: ClassVar[str] = "diagonal plus low rank"

    @property
    def parts(self) -> tuple[Expr, ...]:
        """What a compiled function computes for it."""
        return (self.d, self.U, self.c, self.V)

    def assemble(self, *values: Any) -> Any:
        """The form over arrays."""
        return DiagonalPlusLowRank(*values)

    def describe(self) -> str:
        """The form over its formulas, in a line."""
        return f"diag({self.d}) + {LowRankForm(self.U, self.c, self.V).describe()}"


@dataclass(frozen=True, eq=False)
class DenseForm:
    """A tensor without known structure, as it is."""

    e: Expr
    kind: ClassVar[str] = "dense"

    @property
    def parts(self) -> tuple[Expr, ...]:
        """What a compiled function computes for it."""
        return (self.e,)

    def assemble(self, *values: Any) -> Any:
        """The array."""
        return values[0]

    def describe(self) -> str:
        """The formula."""
        return str(self.e)


def _kron(identity: str, matrix: str, axis: int) -> str:
    return f"kron({identity}, {matrix})" if axis == 0 else f"kron({matrix}, {identity})"


Form = DiagonalForm | KroneckerForm | LowRankForm | DiagonalPlusLowRankForm
