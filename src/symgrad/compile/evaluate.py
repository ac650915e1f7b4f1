"""`evaluate`: the value of an expression at once, through a bounded cache of compiled functions."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from symgrad.calls import checked
from symgrad.compile.function import CompiledFunction
from symgrad.compile.lambdify import lambdify
from symgrad.errors import ArgumentError
from symgrad.expr.dims import dim_names
from symgrad.expr.leaves import SIZE, SYMBOL
from symgrad.expr.node import Expr
from symgrad.expr.traverse import check_symbols, toposort
from symgrad.ops.applied import check_defined, with_functions
from symgrad.ops.elementwise import adopted, as_expr
from symgrad.rewrite.readable import over_symbols

CACHE_SIZE = 256
MAX_DIGITS = 15


class FunctionCache:
    """The compiled functions used last, by arguments and outputs; safe for threads."""

    def __init__(self, size: int = CACHE_SIZE) -> None:
        self.size = size
        self.compilations = 0
        self._entries: OrderedDict[Any, CompiledFunction] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, args: Sequence[Expr], outputs: Sequence[Expr]) -> CompiledFunction:
        """The function from `args` to the list of `outputs`."""
        key = (tuple(args), tuple(outputs))
        with self._lock:
            found = self._entries.get(key)
            if found is not None:
                self._entries.move_to_end(key)
                return found
        made: CompiledFunction = lambdify(list(args), list(outputs))
        with self._lock:
            self.compilations += 1
            self._entries[key] = made
            while len(self._entries) > self.size:
                self._entries.popitem(last=False)
        return made

    def clear(self) -> None:
        """Forget all functions."""
        with self._lock:
            self._entries.clear()


FUNCTIONS = FunctionCache()


def _extents(nodes: Iterable[Expr]) -> set[str]:
    """The names of extents in the shapes of nodes, and of extents that are values."""
    dims = [d for node in nodes for d in (node.params if node.op is SIZE else node.shape)]
    return {name for d in dims for name in dim_names(d)}


@with_functions("values")
def evaluate(e: Any, values: Mapping[Any, Any] | None = None) -> Any:
    """The value of an expression.

    Parameters
    ----------
    e : Expr
    values : mapping from symbol, or applied function such as ``q(t)``, to number or array
        One for each symbol that `e` mentions; more may be given, and tell extents that `e` needs.

    Returns
    -------
    float, or NumPy array of the shape of `e`.

    Raises
    ------
    ArgumentError
        If `values` is no mapping, a key is no symbol, or a symbol or function of `e` has no value.

    Examples
    --------
    >>> import symgrad as sg
    >>> x = sg.symbol("x")
    >>> sg.evaluate(x**2 + 1, {x: 3.0})
    10.0
    """
    if not isinstance(values, Mapping | None):
        raise ArgumentError(f"evaluate needs a dict, such as {{x: 2.0}}, not {values!r}")
    values = {adopted(x): value for x, value in (values or {}).items()}
    check_symbols(values, "a key of the values")
    (expr,) = over_symbols([as_expr(e)], set(values))
    check_defined([expr])
    order = toposort([expr])
    symbols = [node for node in order if node.op is SYMBOL]
    missing = [str(x.name) for x in symbols if x not in values]
    if missing:
        raise ArgumentError(f"no value for {', '.join(missing)}")
    unknown = _extents(order) - _extents(symbols)
    if unknown:
        known = set(symbols)
        symbols += [x for x in values if x not in known and unknown & _extents([x])]
    (result,) = FUNCTIONS.get(symbols, [expr])(*[values[x] for x in symbols])
    return result


@checked
def evalf(e: Any, n: int = 15, subs: Mapping[Any, Any] | None = None) -> Any:
    """The value of an expression as a float; the method ``e.evalf`` is this.

    Parameters
    ----------
    e : Expr
    n : int
        Digits, as in SymPy; floats have 15.
    subs : mapping from symbol to number or array, optional
        A value for each symbol that `e` mentions; applied functions such as ``q(t)`` count as symbols.

    Returns
    -------
    float, or NumPy array of the shape of `e`.

    Raises
    ------
    ArgumentError
        If a symbol has no value, or more digits are asked for.

    Examples
    --------
    >>> import symgrad as sg
    >>> x = sg.symbol("x")
    >>> print((sg.sqrt(2) * sg.pi).evalf(), (x**2).evalf(subs={x: 3}))
    4.442882938158366 9.0
    """
    if isinstance(n, bool) or not isinstance(n, int) or not 1 <= n <= MAX_DIGITS:
        raise ArgumentError(
            f"evalf gives floats, of up to {MAX_DIGITS} digits, not {n!r}; write to_sympy(e).evalf(n) for"
            " more of them"
        )
    value = evaluate(e, subs)
    return value if isinstance(value, float) or np.ndim(value) else float(value)
