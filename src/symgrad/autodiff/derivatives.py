"""The public derivatives: `grad`, `diff`, `jacobian`, `hessian` and their products with vectors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from symgrad.autodiff.forward import pushforward
from symgrad.autodiff.reverse import differentiable, pullback
from symgrad.errors import ArgumentError, DerivativeError, ShapeError
from symgrad.expr.dims import show_shape
from symgrad.expr.leaves import eye, number
from symgrad.expr.node import Expr, remember_symmetry
from symgrad.expr.traverse import check_symbols, toposort
from symgrad.ops.einsum import einsum_node, transpose_axes
from symgrad.ops.elementwise import adopted, as_expr
from symgrad.ops.public import public
from symgrad.rewrite.simplify import simplify_all


def _leaves(wrt: Any, who: str) -> tuple[list[Expr], bool]:
    """The symbols to differentiate by, and whether they were given as a list."""
    many = isinstance(wrt, (list, tuple))
    given = [adopted(x) for x in (wrt if many else [wrt])]
    leaves = check_symbols(given, f"what {who} differentiates by")
    for x in leaves:
        if not differentiable(x):
            raise DerivativeError(
                f"{x.name!r} has dtype {x.dtype}: only floating symbols can be differentiated by;"
                " declare it with dtype=float"
            )
    return leaves, many


def _function(f: Any, who: str) -> Expr:
    y = as_expr(f)
    if not differentiable(y):
        raise DerivativeError(
            f"{who} of an expression of dtype {y.dtype}: only floating values have derivatives"
        )
    return y


def _of_shape(value: Any, like: Expr, who: str) -> Expr:
    v = as_expr(value)
    if v.shape != like.shape:
        raise ShapeError(f"{who} has shape {show_shape(v.shape)}, needs {show_shape(like.shape)}")
    return v


def _vectors(v: Any, leaves: Sequence[Expr], many: bool, who: str) -> list[Expr]:
    given = v if many else [v]
    if not isinstance(given, (list, tuple)) or len(given) != len(leaves):
        raise ArgumentError(f"{who} needs one direction per symbol, {len(leaves)} in all")
    return [
        _of_shape(d, x, f"the direction of {x.name!r}") for d, x in zip(given, leaves, strict=True)
    ]


def _scalar(f: Any, who: str, leaves: Sequence[Expr]) -> Expr:
    """The function to differentiate, which must be a scalar."""
    y = _function(f, who)
    if y.shape != ():
        first = (*y.shape, *leaves[0].shape)
        raise ShapeError(
            f"{who} needs a scalar, got shape {show_shape(y.shape)}; write jacobian(f, x) for all first"
            f" derivatives, of shape {show_shape(first)}, or {who} of sum(f)"
        )
    return y


@public
def grad(f: Any, wrt: Any) -> Any:
    """The gradient of a scalar, simplified.

    Parameters
    ----------
    f : Expr of shape ()
    wrt : symbol, or list of symbols

    Returns
    -------
    Expr of the shape of `wrt`, or a list of them.

    Raises
    ------
    ShapeError
        If `f` is no scalar.
    DerivativeError
        If `f` has no derivative by `wrt`.

    Examples
    --------
    >>> import symgrad as sg
    >>> x = sg.symbol("x")
    >>> print(sg.grad(x**4 - 2 * x**2, x))
    4*x**3 - 4*x
    """
    leaves, many = _leaves(wrt, "grad")
    y = _scalar(f, "grad", leaves)
    results = pullback([y], [number(1)], leaves)
    return results if many else results[0]


@public
def diff(f: Any, x: Any, n: int = 1) -> Expr:
    """The n-th derivative of `f` by a scalar symbol, of the shape of `f`, simplified.

    Raises
    ------
    ShapeError
        If `x` is no scalar.
    ArgumentError
        If `n` is no non-negative int, or so large that the formula cannot be written. Orders at which
        the derivative is zero, or repeats, may be as large as you like.

    Examples
    --------
    >>> import symgrad as sg
    >>> x = sg.symbol("x")
    >>> sg.diff(sg.sin(x), x, 4) is sg.sin(x)
    True
    >>> print(sg.diff(x**3, x, 10**9))
    0
    """
    (leaf,), _ = _leaves(x, "diff")
    if isinstance(n, bool) or not isinstance(n, int) or n < 0:
        raise ArgumentError(f"the order of a derivative must be a non-negative int, not {n!r}")
    if leaf.shape != ():
        raise ShapeError(
            f"diff needs a scalar symbol, {leaf.name!r} has shape {show_shape(leaf.shape)}; write"
            " jacobian(f, x), or grad(f, x) for a scalar f"
        )
    y = _function(f, "diff")
    return _repeated(y, leaf, n)


FREE_ORDER: Final = 1000  # an order up to which derivatives may grow to any size
ROOM: Final = 40_000  # nodes that the derivatives up to a higher order may have together


def _repeated(y: Expr, x: Expr, n: int) -> Expr:
    """The n-th derivative by a scalar; what comes again, as 0 and exp(x) do, is not derived again."""
    order: dict[Expr, int] = {}
    room = ROOM
    for k in range(n):
        if y in order:
            again = [*order][order[y] :]
            return again[(n - k) % len(again)]
        order[y] = k
        (y,) = pushforward([y], {x: number(1)})
        if n > FREE_ORDER:
            room -= len(toposort([y]))
        if room < 0:
            raise ArgumentError(
                f"the derivative of order {n} is out of reach: that of order {k + 1} is neither zero"
                " nor one that came before; ask for a lower order"
            )
    return y


@public
def jvp(f: Any, x: Any, v: Any) -> Expr:
    """The Jacobian of `f` times `v`, without forming the matrix; of the shape of `f`.

    `x` is a symbol or a list of symbols, `v` an expression of its shape or a list of them.
    """
    leaves, many = _leaves(x, "jvp")
    directions = _vectors(v, leaves, many, "jvp")
    y = _function(f, "jvp")
    return pushforward([y], dict(zip(leaves, directions, strict=True)))[0]


@public
def vjp(f: Any, x: Any, u: Any) -> Any:
    """`u` times the Jacobian of `f`, without forming the matrix; of the shape of `x`.

    `u` has the shape of `f`; for a list of symbols the result is a list.
    """
    leaves, many = _leaves(x, "vjp")
    y = _function(f, "vjp")
    results = pullback([y], [_of_shape(u, y, "the cotangent")], leaves)
    return results if many else results[0]


@public
def hvp(f: Any, x: Any, v: Any) -> Any:
    """The Hessian of a scalar times `v`, without forming the matrix; of the shape of `x`."""
    leaves, many = _leaves(x, "hvp")
    directions = _vectors(v, leaves, many, "hvp")
    gradients = grad(_scalar(f, "hvp", leaves), leaves)
    results = pushforward(gradients, dict(zip(leaves, directions, strict=True)))
    return results if many else results[0]


def _identity(x: Expr) -> Expr:
    """The derivative of a symbol by itself, of shape ``x.shape + x.shape``."""
    if x.ndim == 0:
        return number(1)
    axes = range(x.ndim)
    factors = [eye(d, x.dtype) for d in x.shape]
    labels = [(i, x.ndim + i) for i in axes]
    if x.ndim == 1:
        return factors[0]
    return einsum_node(factors, labels, tuple(range(2 * x.ndim)), {})


def _jacobians(outputs: Sequence[Expr], x: Expr, simplified: bool = True) -> list[Expr]:
    if x.ndim == 0 or any(y.ndim for y in outputs):
        return pushforward(outputs, {x: _identity(x)}, simplified)
    # scalars by an array: one reverse walk each is cheaper than directions of the array's size
    return [pullback([y], [number(1)], [x], simplified)[0] for y in outputs]


@public
def jacobian(f: Any, x: Any) -> Any:
    """All first derivatives, of shape ``f.shape + x.shape``, by forward accumulation.

    For a list of functions or of symbols the result is the list, or the list of lists, of blocks.

    Examples
    --------
    >>> import symgrad as sg
    >>> x = sg.vector("x", 3)
    >>> sg.jacobian(sg.exp(x), x).shape
    (3, 3)
    """
    leaves, many = _leaves(x, "jacobian")
    if isinstance(f, (list, tuple)):
        outputs = [_function(y, "jacobian") for y in f]
        columns = [_jacobians(outputs, leaf) for leaf in leaves]
        rows = [list(row) for row in zip(*columns, strict=True)]
        return rows if many else [row[0] for row in rows]
    blocks = [_jacobians([_function(f, "jacobian")], leaf)[0] for leaf in leaves]
    return blocks if many else blocks[0]


@public
def hessian(f: Any, x: Any) -> Any:
    """All second derivatives of a scalar, of shape ``x.shape + x.shape``.

    For a list of symbols the result is the block form: a list of lists, block (i, j) of shape
    ``x_i.shape + x_j.shape``. Half of it is differentiated: block (j, i) is block (i, j) transposed, so
    for scalars ``H[i][j] is H[j][i]``.

    Examples
    --------
    >>> import symgrad as sg
    >>> x, y = sg.symbols("x y")
    >>> print(sg.hessian(x**2 * y, [x, y]))
    [[2*y, 2*x], [2*x, 0]]
    """
    leaves, many = _leaves(x, "hessian")
    gradients = grad(_scalar(f, "hessian", leaves), leaves)
    if not many:
        full = _jacobians(gradients, leaves[0])[0]
        if full.ndim == 2:
            remember_symmetry(full, True)
        return full
    return _symmetric_blocks(gradients, leaves)


def _symmetric_blocks(gradients: Sequence[Expr], leaves: Sequence[Expr]) -> list[list[Expr]]:
    """The blocks on and above the diagonal, and their transposes below it."""
    mentioned = _mentioned(gradients, leaves)
    places: list[tuple[int, int]] = []
    blocks: list[Expr] = []
    for j, leaf in enumerate(leaves):
        rows = [i for i in range(j + 1) if mentioned[i] >> j & 1]
        if rows:
            blocks += _jacobians([gradients[i] for i in rows], leaf, simplified=False)
            places += [(i, j) for i in rows]
    full = [[number(0, (*a.shape, *b.shape)) for b in leaves] for a in leaves]
    for (i, j), block in zip(places, simplify_all(blocks), strict=True):
        full[i][j] = block
        if i != j:
            rank = leaves[i].ndim
            order = (*range(rank, block.ndim), *range(rank))
            full[j][i] = transpose_axes(block, order)
    return full


def _mentioned(roots: Sequence[Expr], leaves: Sequence[Expr]) -> list[int]:
    """Which leaves each root mentions, as bits, in one walk over all of them."""
    bits = {leaf: 1 << k for k, leaf in enumerate(leaves)}
    for node in toposort(roots):
        if node not in bits:
            mask = 0
            for arg in node.args:
                mask |= bits[arg]
            bits[node] = mask
    return [bits[root] for root in roots]
