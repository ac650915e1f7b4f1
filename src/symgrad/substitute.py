"""`substitute`: leaves exchanged for values or other expressions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, overload

from symgrad.autodiff import diff
from symgrad.errors import ArgumentError, ShapeError
from symgrad.expr.dims import Dim, broadcast_shapes, map_shape, show_shape
from symgrad.expr.leaves import SYMBOL, number
from symgrad.expr.node import Expr
from symgrad.expr.pytrees import mapped
from symgrad.expr.rewriting import replace
from symgrad.expr.traverse import bind_dims, check_symbols, toposort
from symgrad.functions.define import defined, is_function
from symgrad.ops.applied import APPLIED, is_derivative, with_functions
from symgrad.ops.einsum import broadcast
from symgrad.ops.elementwise import adopted, as_expr
from symgrad.ops.flat import rebuilt_flat
from symgrad.ops.layout import SLICE, embed_in
from symgrad.ops.lifted import Nest, W
from symgrad.ops.public import public, public_as_typed
from symgrad.ops.select import where
from symgrad.ops.ufuncs import not_equal


@overload
def substitute(e: Nest, values: Mapping[Any, Any]) -> Nest: ...
@overload
def substitute(e: W, values: Mapping[Any, Any]) -> W: ...
@overload
def substitute(e: Any, values: Mapping[Any, Any]) -> Expr: ...
@public_as_typed
def substitute(e: Any, values: Mapping[Any, Any]) -> Any:
    """`e` with symbols and functions replaced, all at once.

    Parameters
    ----------
    e : Expr, or a nest of lists, tuples and dicts of them, such as ``grad(f, [x, y])``
    values : mapping from symbol to number, array or Expr
        Applied functions such as ``q(t)`` and their derivatives count as symbols; a value of ``q(t)`` that
        mentions t gives its derivatives to those of ``q(t)``. A function made by `function` is replaced
        by a callable, as in `lambdify`. A value broadcasts to the shape of its symbol. Where the symbol
        has named extents and the value known ones, the names are replaced throughout the formula. A key
        may be an entry or a slice of a symbol as well, such as ``v[0]`` or ``A[:, 1]``: then the rest
        stays.

    Returns
    -------
    Expr, or the same nest.

    Raises
    ------
    ArgumentError
        If `values` is no mapping, or a key is no symbol, no entry of one and no function.
    ShapeError
        If a value does not fit its symbol.

    Examples
    --------
    >>> import symgrad as sg
    >>> x, y = sg.symbols("x y")
    >>> print(sg.substitute(x**2 + y, {x: 3, y: x}))
    x + 9
    >>> q = sg.function("q")
    >>> print(sg.substitute(q(x).diff(x, 2), {q(x): sg.sin(x)}))
    -sin(x)
    >>> print(sg.substitute(q(x).diff(x), {q: lambda u: u**3}))
    3*x**2
    """
    if not isinstance(values, Mapping):
        raise ArgumentError(f"substitute needs a dict, such as {{x: y}}, not {values!r}")
    values = {adopted(x): value for x, value in values.items()}
    return mapped(e, lambda part: _substituted(as_expr(part), values))


def _substituted(formula: Expr, values: Mapping[Any, Any]) -> Expr:
    functions = {f: given for f, given in values.items() if is_function(f)}
    others = {x: as_expr(given) for x, given in values.items() if x not in set(functions)}
    if functions:
        formula, *given = defined([formula, *others.values()], functions)
        others = dict(zip(others, given, strict=True))
    return _replaced(formula, others | _derivatives(formula, others))


def _derivatives(e: Expr, values: Mapping[Any, Expr]) -> dict[Expr, Expr]:
    """The values of derivatives of the functions that are replaced, where those are functions, too."""
    keys = [x for x in values if isinstance(x, Expr) and x.op is APPLIED]
    found: dict[Expr, Expr] = {}
    for node in toposort([e]) if keys else ():
        if node.op is not APPLIED or node in values:
            continue
        below = [x for x in keys if _is_known(node, x) and _follows(values[x], x)]
        if below:
            x = max(below, key=lambda x: sum(x.params.orders))
            orders = zip(node.params.orders, x.params.orders, strict=True)
            by = [(a, n - m) for a, (n, m) in zip(x.args, orders, strict=True) if n > m]
            found[node] = diff(values[x], *by)
    return found


def _is_known(node: Expr, x: Expr) -> bool:
    """Whether `node` is a derivative of the applied function `x` by symbols."""
    return is_derivative(node, x) and all(
        n == m or a.op is SYMBOL
        for a, n, m in zip(x.args, node.params.orders, x.params.orders, strict=True)
    )


def _follows(value: Expr, x: Expr) -> bool:
    """Whether a value depends on an argument of the function that it replaces."""
    return not set(x.args).isdisjoint(toposort([value]))


@with_functions("values")
def _replaced(e: Expr, values: Mapping[Any, Any]) -> Expr:
    entries = {x: value for x, value in values.items() if _is_entry(x)}
    values = {x: value for x, value in values.items() if x not in entries}
    leaves = check_symbols(values, "a key of the substitution")
    expressions = [as_expr(values[x]) for x in leaves]
    dims: dict[str, Dim] = {}
    for x, value in zip(leaves, expressions, strict=True):
        if value.ndim == x.ndim and value.shape != x.shape:
            bind_dims(dims, x.shape, value.shape, f"the value of {x.name}")
    known: dict[Expr, Expr] = {}
    for x, value in zip(leaves, expressions, strict=True):
        shape = map_shape(x.shape, lambda name: dims.get(name, name))
        if broadcast_shapes(value.shape, shape) != shape:
            raise ShapeError(
                f"the value of {x.name} has shape {show_shape(value.shape)}, needs {show_shape(shape)}"
            )
        known[x] = broadcast(value, shape)
    if entries:
        known = _with_entries(e, entries, known)
    return replace([e], known, dims, rebuilt_flat)[0]


# Entries


def _is_entry(x: Any) -> bool:
    return isinstance(x, Expr) and x.op is SLICE and x.args[0].op is SYMBOL


def _with_entries(
    root: Expr, entries: Mapping[Expr, Expr], known: dict[Expr, Expr]
) -> dict[Expr, Expr]:
    """What symbols and their slices become where entries have values: ``where(mask, values, v)``."""
    whole = dict(known)
    found = dict(known)
    for x, value in entries.items():
        if broadcast_shapes(value.shape, x.shape) != x.shape:
            raise ShapeError(
                f"the value of {x!s} has shape {show_shape(value.shape)}, needs {show_shape(x.shape)}"
            )
        leaf, index = x.args[0], x.params.at
        mask = embed_in(number(1, x.shape), leaf.shape, index)
        placed = embed_in(broadcast(value, x.shape), leaf.shape, index)
        found[leaf] = where(not_equal(mask, 0), placed, found.get(leaf, leaf))
    for node in toposort([root]):
        if not _is_entry(node) or node.args[0] not in found:
            continue
        leaf = node.args[0]
        if node in entries:
            found[node] = broadcast(entries[node], node.shape)
        elif all(_apart(node, x) for x in entries if x.args[0] is leaf):
            found[node] = SLICE.build((whole.get(leaf, leaf),), node.params)
    return found


def _apart(x: Expr, y: Expr) -> bool:
    """Whether two picks of one symbol are surely different entries."""
    return any(
        isinstance(i, int) and isinstance(j, int) and i != j and (i < 0) == (j < 0)
        for i, j in zip(x.params.at, y.params.at, strict=False)
    )


@public
def subs(e: Any, *given: Any) -> Expr:
    """`e` with symbols replaced, in SymPy's ways to write it; the method ``e.subs`` is this.

    ``e.subs(x, 3)`` replaces one symbol, ``e.subs({x: 3, y: x})`` several at once, and
    ``e.subs([(x, y), (y, 3)])`` one after the other.

    Raises
    ------
    ArgumentError
        For anything else, and for a key that is no symbol.

    Examples
    --------
    >>> import symgrad as sg
    >>> x, y = sg.symbols("x y")
    >>> print((x**2 + y).subs({x: 3, y: x}), "and", (x + 2 * y).subs([(x, y), (y, x)]))
    x + 9 and 3*x
    """
    if len(given) == 2:
        return substitute(e, {given[0]: given[1]})  # type: ignore[no-any-return]
    if len(given) == 1 and isinstance(given[0], Mapping):
        return substitute(e, given[0])  # type: ignore[no-any-return]
    pairs: Any = given[0] if len(given) == 1 else None
    if not isinstance(pairs, (list, tuple)) or not all(
        isinstance(pair, (tuple, list)) and len(pair) == 2 for pair in pairs
    ):
        raise ArgumentError(
            "subs takes a symbol and its value, a dict of them, or a list of pairs (symbol, value)"
        )
    result = as_expr(e)
    for x, value in pairs:
        result = substitute(result, {x: value})
    return result
