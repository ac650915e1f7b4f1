"""The derivatives: `grad`, `diff`, `jacobian`, `hessian` and their products with vectors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, overload

import numpy as np

from symgrad.autodiff.blocks import first_derivatives
from symgrad.autodiff.entries import all_directions, picked, spread, symbols_of, variables_of
from symgrad.autodiff.forward import pushforward
from symgrad.autodiff.namesakes import check_namesakes
from symgrad.autodiff.reverse import differentiable, pullback
from symgrad.errors import ArgumentError, DerivativeError, ShapeError
from symgrad.expr.dims import show_shape
from symgrad.expr.leaves import SYMBOL, number
from symgrad.expr.node import Expr, remember_symmetry
from symgrad.expr.traverse import free_symbols, toposort
from symgrad.ops.applied import exchanged, stand_ins, with_functions
from symgrad.ops.elementwise import adopted, as_expr
from symgrad.ops.lifted import Leaf, W
from symgrad.ops.public import public, public_as_typed
from symgrad.rewrite.names import Recall, named_parts
from symgrad.rewrite.simplify import simplify_all, tidied


def _by(x: Expr) -> str:
    """A variable in the words of a message."""
    return repr(x.name) if x.op is SYMBOL else str(x)


def _function(f: Any, who: str, variables: Sequence[Expr] = ()) -> Expr:
    y = as_expr(f)
    check_namesakes([y], variables, who)
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
        _of_shape(d, x, f"the direction of {_by(x)}") for d, x in zip(given, leaves, strict=True)
    ]


def _scalar(f: Any, who: str, leaves: Sequence[Expr]) -> Expr:
    """The function to differentiate, which must be a scalar."""
    if isinstance(f, (list, tuple)):
        raise ShapeError(
            f"{who} needs a scalar, got a {type(f).__name__} of {len(f)}; write jacobian(f, x) for the"
            " first derivatives of each"
        )
    y = _function(f, who, leaves)
    if y.shape != ():
        first = (*y.shape, *leaves[0].shape)
        raise ShapeError(
            f"{who} needs a scalar, got shape {show_shape(y.shape)}; write jacobian(f, x) for all first"
            f" derivatives, of shape {show_shape(first)}, or {who} of sum(f)"
        )
    return y


@public_as_typed
@with_functions("wrt")
def grad(f: Any, wrt: Any) -> Any:
    """The gradient of a scalar, simplified; see `symgrad.autodiff.presented`."""
    variables, many = variables_of(wrt, "grad")
    results = _gradients(_scalar(f, "grad", variables), number(1), variables)
    return results if many else results[0]


def _gradients(y: Expr, u: Expr, variables: Sequence[Expr], simplified: bool = True) -> list[Expr]:
    """The cotangents of variables, given that of `y`."""
    if all(x.op is SYMBOL for x in variables):
        return pullback([y], [u], variables, simplified)
    leaves = symbols_of(variables)
    cotangents = pullback([y], [u], leaves, simplified)
    results = picked(variables, dict(zip(leaves, cotangents, strict=True)))
    arrays = any(leaf.ndim for leaf in leaves)  # of scalars, what stood alone is tidy already
    return simplify_all(results) if simplified and arrays else results


@public
def diff(f: Any, *variables: Any, n: int | None = None) -> Expr:
    """The derivative of `f` by scalars, as `sympy.diff`; see `symgrad.autodiff.presented`."""
    y = _function(f, "diff")
    names = _names_of(y)
    orders = _orders(y, variables, n)
    check_namesakes([y], [x for x, _ in orders], "diff")
    for x, times in orders:
        if x.shape != ():
            raise ShapeError(
                f"diff needs a scalar symbol, {_by(x)} has shape {show_shape(x.shape)}; write"
                " jacobian(f, x), or grad(f, x) for a scalar f"
            )
        y = _repeated(y, x, times)
    return tidied([y], names)[0] if names.parts and y.args else y


FREE_ORDER: Final = 1000  # an order up to which derivatives may grow to any size
ROOM: Final = 40_000  # nodes that the derivatives up to a higher order may have together


@with_functions("x")
def _repeated(y: Expr, x: Expr, n: int) -> Expr:
    """The n-th derivative by a scalar; what comes again, as 0 and exp(x) do, is not derived again."""
    order: dict[Expr, int] = {}
    room = ROOM
    for k in range(n):
        if y in order:
            again = [*order][order[y] :]
            return again[(n - k) % len(again)]
        order[y] = k
        y = _derived(y, x)
        if n > FREE_ORDER:
            room -= len(toposort([y]))
        if room < 0:
            raise ArgumentError(
                f"the derivative of order {n} is out of reach: that of order {k + 1} is neither zero"
                " nor one that came before; ask for a lower order"
            )
    return y


def _derived(y: Expr, x: Expr) -> Expr:
    if y.shape == () and x.op is not SYMBOL:  # the gradient's entry is the shorter formula
        return _gradients(y, number(1), [x])[0]
    return pushforward([y], all_directions(x))[0]


def _orders(y: Expr, given: Sequence[Any], n: int | None) -> list[tuple[Expr, int]]:
    """Variables and how often, in SymPy's ways to write them."""
    pairs: list[tuple[Any, Any]] = []
    for item in given:
        if isinstance(item, (tuple, list)):
            if len(item) != 2 or not _is_int(item[1]):
                raise ArgumentError(
                    f"diff takes a variable and how often, such as (x, 2), not {item!r}; write diff(f, x,"
                    " y) for a mixed derivative, grad(f, [x, y]) for the derivatives by each"
                )
            pairs.append((item[0], item[1]))
        elif isinstance(item, (int, float, np.number)):
            if not pairs or pairs[-1][1] is not None:
                raise ArgumentError(f"diff got the order {item!r} without a variable before it")
            pairs[-1] = (pairs[-1][0], item)
        else:
            pairs.append((item, None))
    if not pairs:
        pairs = [(_only_symbol(y), None)]
    if n is not None:
        if len(pairs) > 1 or pairs[0][1] is not None:
            raise ArgumentError("diff takes n for a single variable; write diff(f, (x, 2), y)")
        pairs = [(pairs[0][0], n)]
    variables = [adopted(x) for x, _ in pairs]
    variables_of(exchanged(variables, stand_ins(variables)), "diff")  # raises for what is none
    variables = [x if isinstance(x, Expr) else as_expr(x) for x in variables]
    orders = [1 if times is None else _order(times) for _, times in pairs]
    return list(zip(variables, orders, strict=True))


def _is_int(value: Any) -> bool:
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def _order(n: Any) -> int:
    if not _is_int(n) or n < 0:
        raise ArgumentError(f"the order of a derivative must be a non-negative int, not {n!r}")
    return int(n)


def _only_symbol(y: Expr) -> Expr:
    found = free_symbols(y)
    if len(found) != 1:
        listing = ", ".join(str(x.name) for x in found) or "none"
        raise ArgumentError(f"diff needs a variable; the symbols are {listing}")
    return found[0]


@public
@with_functions("x")
def jvp(f: Any, x: Any, v: Any) -> Expr:
    """The Jacobian of `f` times `v`, without forming the matrix; of the shape of `f`.

    `x` is a symbol or a list of symbols, `v` an expression of its shape or a list of them.

    Examples
    --------
    >>> import symgrad as sg
    >>> u = sg.vector("u", "n")
    >>> v = sg.vector("v", "n")
    >>> A = sg.matrix("A", ("n", "n"))
    >>> print(sg.jvp(A @ sg.sin(v), v, u))
    A @ (u*cos(v))
    """
    variables, many = variables_of(x, "jvp")
    directions = _vectors(v, variables, many, "jvp")
    y = _function(f, "jvp", variables)
    return pushforward([y], spread(variables, directions))[0]


@overload
def vjp(f: Any, x: W, u: Any) -> W: ...
@overload
def vjp(f: Any, x: Leaf, u: Any) -> Expr: ...
@overload
def vjp(f: Any, x: Sequence[Leaf], u: Any) -> list[Expr]: ...
@public_as_typed
@with_functions("x")
def vjp(f: Any, x: Any, u: Any) -> Any:
    """`u` times the Jacobian of `f`, without forming the matrix; of the shape of `x`.

    `u` has the shape of `f`; for a list of symbols the result is a list.

    Examples
    --------
    >>> import symgrad as sg
    >>> u = sg.vector("u", "n")
    >>> v = sg.vector("v", "n")
    >>> A = sg.matrix("A", ("n", "n"))
    >>> print(sg.vjp(A @ sg.sin(v), v, u))
    cos(v)*(A.T @ u)
    """
    variables, many = variables_of(x, "vjp")
    y = _function(f, "vjp", variables)
    results = _gradients(y, _of_shape(u, y, "the cotangent"), variables)
    return results if many else results[0]


@overload
def hvp(f: Any, x: W, v: Any) -> W: ...
@overload
def hvp(f: Any, x: Leaf, v: Any) -> Expr: ...
@overload
def hvp(f: Any, x: Sequence[Leaf], v: Any) -> list[Expr]: ...
@public_as_typed
@with_functions("x")
def hvp(f: Any, x: Any, v: Any) -> Any:
    """The Hessian of a scalar times `v`, without forming the matrix; of the shape of `x`.

    Examples
    --------
    >>> import symgrad as sg
    >>> u = sg.vector("u", "n")
    >>> v = sg.vector("v", "n")
    >>> print(sg.hvp(sg.sum(v**3), v, u))
    6*u*v
    """
    variables, many = variables_of(x, "hvp")
    directions = _vectors(v, variables, many, "hvp")
    gradients = _gradients(_scalar(f, "hvp", variables), number(1), variables)
    results = pushforward(gradients, spread(variables, directions))
    return results if many else results[0]


@public_as_typed
@with_functions("x")
def jacobian(f: Any, x: Any) -> Any:
    """All first derivatives, by forward accumulation; see `symgrad.autodiff.presented`."""
    leaves, many = variables_of(x, "jacobian")
    if isinstance(f, (list, tuple)):
        outputs = [_function(y, "jacobian") for y in f]
        check_namesakes(outputs, leaves, "jacobian")
        rows = first_derivatives(outputs, leaves)
        return rows if many else [row[0] for row in rows]
    (blocks,) = first_derivatives([_function(f, "jacobian", leaves)], leaves)
    return blocks if many else blocks[0]


@public_as_typed
@with_functions("x")
def hessian(f: Any, x: Any) -> Any:
    """All second derivatives of a scalar; see `symgrad.autodiff.presented`."""
    leaves, many = variables_of(x, "hessian")
    y = _scalar(f, "hessian", leaves)
    gradients = _gradients(y, number(1), leaves)
    blocks = first_derivatives(gradients, leaves, symmetric=True, names=_names_of(y))
    if many:
        return blocks
    full = blocks[0][0]
    if full.ndim == 2:
        remember_symmetry(full, True)
    return full


def _names_of(y: Expr) -> Recall:
    names = named_parts(toposort([y]))
    return Recall(names, names)
