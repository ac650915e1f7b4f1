"""Structure of Jacobians and Hessians: what a recogniser finds in an expression.

The tensor has row axes, then as many column axes; flattened in C order it is a matrix. Found are

- `DiagonalForm`: ``diag(d)``;
- `KroneckerForm`: ``kron(eye(n), A)`` or ``kron(A, eye(n))``, over two row and two column axes;
- `LowRankForm`: ``U @ diag(c) @ V.T`` of fewer columns than rows, such as a sum of outer products;
- `DiagonalPlusLowRankForm`: a sum of a diagonal and a low-rank one.

Everything is an expression, so a form has no size and no values, and ``form.flat()`` is the matrix as an
expression again, with every part where a reader looks for it; `symgrad.structure.operators` holds the
same forms over arrays.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, Protocol

from symgrad.expr.dims import Dim, mul_dims
from symgrad.expr.leaves import extent, eye
from symgrad.expr.node import Expr
from symgrad.ops.arithmetic import add_all
from symgrad.ops.einsum import einsum_node, is_stretched_scalar, scale, sum_axes
from symgrad.ops.layout import concat
from symgrad.ops.reshaping import reshape_to
from symgrad.structure.operators import Diagonal, DiagonalPlusLowRank, Kronecker, LowRank


class Recipe(Protocol):
    """How one output is made: the expressions that are computed, and what their values become."""

    @property
    def kind(self) -> str: ...

    @property
    def parts(self) -> tuple[Expr, ...]: ...

    def assemble(self, *values: Any) -> Any: ...

    def describe(self) -> str: ...


class Factor(NamedTuple):
    """``U @ diag(c) @ V.T``: the last axis of U and V, and the one of c, is the rank."""

    U: Expr
    c: Expr
    V: Expr

    def flat(self) -> Expr:
        """The product as a matrix; of rank one as an outer product of vectors."""
        if self.c.shape == (1,):
            u, c, v = (sum_axes(part, [part.ndim - 1]) for part in self)
            return einsum_node([_rows(u, 0), c, _rows(v, 0)], [(0,), (), (1,)], (0, 1), {})
        u, v = _rows(self.U, 1), _rows(self.V, 1)
        return einsum_node([u, self.c, v], [(0, 2), (2,), (1, 2)], (0, 1), {})


def _rows(x: Expr, kept: int) -> Expr:
    """`x` with all axes but the last `kept` made one, in C order."""
    cut = x.ndim - kept
    return reshape_to(x, (mul_dims(*x.shape[:cut]), *x.shape[cut:]))


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

    def flat(self) -> Expr:
        """The matrix, as an expression."""
        d = _rows(self.d, 0)
        if is_stretched_scalar(d):
            return scale(eye(d.shape[0], d.dtype), d.args[0])
        return einsum_node([eye(d.shape[0], d.dtype), d], [(0, 1), (0,)], (0, 1), {})


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

    def flat(self) -> Expr:
        """The matrix, as an expression."""
        parts = [eye(self.n, self.matrix.dtype), self.matrix]
        parts = parts if self.axis == 0 else parts[::-1]
        product = einsum_node(parts, [(0, 1), (2, 3)], (0, 2, 1, 3), {})
        return reshape_to(product, tuple([mul_dims(*product.shape[k : k + 2]) for k in (0, 2)]))


@dataclass(frozen=True, eq=False)
class LowRankForm:
    """A sum of a few ``U @ diag(c) @ V.T``."""

    factors: tuple[Factor, ...]

    kind: ClassVar[str] = "low rank"

    @property
    def parts(self) -> tuple[Expr, ...]:
        """What a compiled function computes for it: U, c and V, the factors side by side."""
        columns = zip(*self.factors, strict=True)
        return tuple([concat(list(same), same[0].ndim - 1) for same in columns])

    def assemble(self, *values: Any) -> Any:
        """The form over arrays."""
        return LowRank(*values)

    def describe(self) -> str:
        """The form over its formulas, in a line."""
        u, c, v = self.parts
        return f"U @ diag({c}) @ V.T with U = {u}, V = {v}"

    def flat(self) -> Expr:
        """The matrix, as an expression."""
        return add_all([factor.flat() for factor in self.factors])


@dataclass(frozen=True, eq=False)
class DiagonalPlusLowRankForm:
    """``diag(d) + U @ diag(c) @ V.T``."""

    diagonal: DiagonalForm
    low: LowRankForm

    kind: ClassVar[str] = "diagonal plus low rank"

    @property
    def parts(self) -> tuple[Expr, ...]:
        """What a compiled function computes for it."""
        return (*self.diagonal.parts, *self.low.parts)

    def assemble(self, *values: Any) -> Any:
        """The form over arrays."""
        return DiagonalPlusLowRank(*values)

    def describe(self) -> str:
        """The form over its formulas, in a line."""
        return f"{self.diagonal.describe()} + {self.low.describe()}"

    def flat(self) -> Expr:
        """The matrix, as an expression."""
        return add_all([self.diagonal.flat(), self.low.flat()])


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
