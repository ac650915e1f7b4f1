"""What undefined functions are: callables put in the place of their names.

A callable that works on expressions is called with symbols, and what it gives is differentiated exactly.
One that takes numbers only stays a function of numbers, a call in the code; its derivatives are other
callables, which must be given where they are needed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np

from symgrad.autodiff import diff
from symgrad.errors import ArgumentError, DerivativeError, SymgradError
from symgrad.expr.leaves import symbol
from symgrad.expr.node import Expr
from symgrad.expr.rewriting import replace, transform
from symgrad.expr.traverse import toposort
from symgrad.functions.own import OwnFunction, elementwise_function, takes
from symgrad.ops.applied import APPLIED, FunctionDerivative, UndefinedFunction
from symgrad.ops.elementwise import as_expr, over_arrays

MAX_ROUNDS: Final = 100  # of functions that are defined by others

Orders = tuple[int, ...]


def defined(roots: Sequence[Expr], functions: Mapping[Any, Any]) -> list[Expr]:
    """The roots with undefined functions replaced by what they are said to be.

    Parameters
    ----------
    roots : sequence of Expr
    functions : mapping
        From a function (or its name) to a callable; for one of one argument also a tuple of callables,
        the function and its derivatives ``(f, f', f'')``; or a mapping from orders to callables,
        ``{(0, 0): f, (1, 0): f_x}``. A key may be a derivative, ``f.derivative(1)``, and a value that
        stands for its function, such as ``f(x)``.

    Raises
    ------
    ArgumentError
        For a key that is no function, a value that is no callable, or functions defined by each other in a
        circle.
    DerivativeError
        For a derivative of a function of numbers that is not given.
    """
    known = {name: _Definition(name, given) for name, given in _by_name(functions).items()}
    result = list(roots)
    for _ in range(MAX_ROUNDS):
        if not any(_wanted(node, known) for node in toposort(result)):
            return result
        result = list(transform(result, lambda node: _replaced(node, known)).of(result))
    listed = ", ".join(known)
    raise ArgumentError(f"functions= defines {listed} by each other, in a circle")


def _by_name(functions: Mapping[Any, Any]) -> dict[str, Any]:
    """What is given for each function; derivatives that are keys join what is given for theirs."""
    found: dict[str, Any] = {}
    derivatives: dict[str, dict[Orders, Any]] = {}
    for key, value in functions.items():
        name, orders = function_of(key)
        if any(orders):
            derivatives.setdefault(name, {})[orders] = value
        else:
            found[name] = value
    for name, table in derivatives.items():
        (count, *others) = {len(orders) for orders in table}
        if others:
            raise ArgumentError(
                f"functions= has derivatives of {name} by different numbers of arguments"
            )
        found[name] = {**(_table(name, found[name], count) if name in found else {}), **table}
    return found


def is_function(key: Any) -> bool:
    """Whether a key stands for a function, not for a value."""
    return isinstance(key, (UndefinedFunction, FunctionDerivative, OwnFunction))


def function_of(key: Any) -> tuple[str, Orders]:
    """The name of a function, and the orders of a derivative of it."""
    if isinstance(key, (UndefinedFunction, OwnFunction)):
        return key.name, ()
    if isinstance(key, FunctionDerivative):
        return key.function.name, key.orders
    if isinstance(key, Expr) and key.op is APPLIED:
        return key.params.function.name, key.params.orders
    if isinstance(key, str) and key:
        return key, ()
    raise ArgumentError(
        f"functions= is a dict from functions, or their names, to callables; {key!r} is no function made"
        " by function"
    )


def _wanted(node: Expr, known: Mapping[str, _Definition]) -> bool:
    return node.op is APPLIED and node.params.function.name in known


def _replaced(node: Expr, known: Mapping[str, _Definition]) -> Expr:
    if not _wanted(node, known):
        return node
    function, orders = node.params
    return known[function.name].at(orders, node.args)


class _Definition:
    """One function: its callables by the orders of derivatives, and what was made of them."""

    def __init__(self, name: str, given: Any) -> None:
        self.name = name
        self.given = given
        self._formulas: dict[Orders, tuple[list[Expr], Expr] | Any] = {}

    def at(self, orders: Orders, args: Sequence[Expr]) -> Expr:
        """The derivative of these orders at operands."""
        arguments, formula = self._formula(orders)
        shape = args[0].shape
        known = dict(zip(arguments, args, strict=True))
        if not shape:
            return replace([formula], known, {})[0]
        if not all(node.op.elementwise or not node.args for node in toposort([formula])):
            raise ArgumentError(
                f"what was given for {self.name} mixes the entries of arrays; it is applied to each entry"
                " of an array, so it must be made of functions that act on each entry alone"
            )
        return over_arrays([formula], known, shape)[0]

    def _formula(self, orders: Orders) -> tuple[list[Expr], Expr]:
        found = self._formulas.get(orders)
        if found is None:
            found = self._formulas[orders] = self._made(orders)
        return found

    def _made(self, orders: Orders) -> tuple[list[Expr], Expr]:
        arguments = [
            symbol(f"{self.name}_{k + 1}", unique=(self.name, k)) for k, _ in enumerate(orders)
        ]
        for base, given in self._bases(orders):
            rest = tuple(n - m for n, m in zip(orders, base, strict=True))
            traced = _traced(given, self.name, arguments)
            if traced is not None:
                by = [(x, n) for x, n in zip(arguments, rest, strict=True) if n]
                return arguments, diff(traced, *by) if by else traced
            numeric = given if not any(rest) else _own_derivative(given, rest)
            if numeric is not None:
                op = elementwise_function(
                    _label(self.name, orders), numpy=numeric, arity=len(orders)
                )
                return arguments, op(*arguments)
        raise self._no_derivative(orders)

    def _bases(self, orders: Orders) -> Iterator[tuple[Orders, Any]]:
        """What was given for derivatives that this one is a derivative of, the nearest first."""
        table = _table(self.name, self.given, len(orders))
        below = [m for m in table if all(a <= b for a, b in zip(m, orders, strict=True))]
        for m in sorted(below, key=lambda m: (-sum(m), m)):
            yield m, table[m]

    def _no_derivative(self, orders: Orders) -> DerivativeError:
        if len(orders) == 1:
            need = f"the derivative of order {orders[0]} of {self.name}"
            listed = ", ".join([self.name + "'" * k for k in range(orders[0] + 1)][:4])
            how = f"a tuple of the function and its derivatives, ({listed})"
        else:
            need = f"the derivative of orders {orders} of {self.name}"
            how = f"a dict from orders to callables, {{{(0,) * len(orders)}: ..., {orders}: ...}}"
        return DerivativeError(
            f"{need} is needed, and what was given takes numbers only: give {how}, or a function that"
            " works on expressions, such as one made of symgrad's or NumPy's"
        )


def _label(name: str, orders: Orders) -> str:
    """The name of the function that stands for a derivative given as a callable."""
    base = "".join(c if c.isalnum() else "_" for c in name)
    marks = "_".join(map(str, orders)) if any(orders) else "given"
    return f"{base if base[:1].isalpha() else f'f{base}'}_{marks}"


def _table(name: str, given: Any, count: int) -> dict[Orders, Any]:
    """Callables by the orders of derivatives."""
    if isinstance(given, Mapping):
        table = {(m,) if isinstance(m, int) else tuple(m): v for m, v in given.items()}
        if any(len(m) != count for m in table):
            raise ArgumentError(
                f"{name} is called with {count} argument(s): the keys of the dict given for it must be as"
                f" many orders, such as {(0,) * count}"
            )
    elif isinstance(given, (tuple, list)):
        if count != 1:
            raise ArgumentError(
                f"{name} is called with {count} arguments: give a dict from orders to callables, such as"
                f" {{{(0,) * count}: ...}}, in place of a tuple"
            )
        table = {(k,): v for k, v in enumerate(given)}
    else:
        table = {(0,) * count: given}
    for value in table.values():
        if not callable(value):
            raise ArgumentError(
                f"functions= needs callables; for {name} it has {value!r}, which is none; for a constant c"
                " write lambda *args: c"
            )
    return table


def _traced(given: Callable[..., Any], name: str, arguments: list[Expr]) -> Expr | None:
    """What a callable gives for symbols; None where it takes numbers only."""
    if isinstance(given, (UndefinedFunction, FunctionDerivative)):
        return as_expr(given(*arguments))
    if _is_sympy(given):
        return _traced_by_sympy(given, name, arguments)
    if not takes(given, len(arguments)):
        raise ArgumentError(
            f"{name} is called with {len(arguments)} argument(s), which what was given for it does not take"
        )
    try:
        result = given(*arguments)
    except Exception:
        return None
    try:
        formula = as_expr(result)
    except SymgradError:
        formula = None
    if formula is None or formula.shape != () or isinstance(result, np.ndarray):
        raise ArgumentError(
            f"what was given for {name} gives {result!r} for scalars; it must give a scalar"
        )
    return formula


def _is_sympy(given: Any) -> bool:
    """Whether a callable is a function of SymPy's, such as `sympy.sin` or a `Lambda`."""
    kinds = (*getattr(given, "__mro__", ()), *type(given).__mro__)
    return any((kind.__module__ or "").startswith("sympy.") for kind in kinds)


def _traced_by_sympy(given: Any, name: str, arguments: list[Expr]) -> Expr:
    # whoever holds a SymPy object has SymPy loaded already
    from symgrad.interop.sympy import from_sympy, to_sympy  # noqa: PLC0415

    images = [to_sympy(x) for x in arguments]
    try:
        result = given(*images)
    except TypeError as error:
        raise ArgumentError(
            f"{name} is called with {len(arguments)} argument(s): {error}"
        ) from None
    back = {from_sympy(image): x for image, x in zip(images, arguments, strict=True)}
    return replace([from_sympy(result)], back, {})[0]


def _own_derivative(given: Any, orders: Orders) -> Callable[..., Any] | None:
    """The derivative that an object of SciPy's brings along, such as `scipy.interpolate.CubicSpline`."""
    method = getattr(given, "derivative", None)
    if len(orders) != 1 or not callable(method):
        return None
    try:
        found = method(orders[0])
    except (TypeError, ValueError):
        return None
    return found if callable(found) else None
