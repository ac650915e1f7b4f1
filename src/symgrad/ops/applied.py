"""Undefined functions: ``q(t)`` is a value for every t, and its derivatives are further such values.

A node holds the function and how often it is differentiated by each argument, so the derivative of a
node is the same op with one order raised: derivatives are closed, to any order, and mixed ones are one
node in whatever order they were taken.

Where one differentiates by ``q(t)``, or gives it as an argument, it is a variable like a symbol, and so
is each of its derivatives, and each `named` part: a symbol stands in for it while that is done.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any, Final, NamedTuple, NoReturn, TypeVar

import numpy as np

from symgrad.calls import checked
from symgrad.errors import ArgumentError, SymgradError
from symgrad.expr.dims import Shape
from symgrad.expr.formulas import Formulas
from symgrad.expr.leaves import range_by_assumptions, symbol
from symgrad.expr.node import Expr, make
from symgrad.expr.op import Op, Params
from symgrad.expr.order import BETWEEN, CUT, SHOWN, UNDEFINED, name_text, number_text
from symgrad.expr.rewriting import replace
from symgrad.expr.traverse import as_roots, ops_of, toposort
from symgrad.expr.types import WEAK_FLOAT, Ty, promote, resolve
from symgrad.ops.arithmetic import mul
from symgrad.ops.einsum import broadcast_all
from symgrad.ops.elementwise import adopted, as_expr, lift_of
from symgrad.ops.named import NAMED

ASSUMPTIONS: Final = ("integer", "negative", "nonnegative", "nonzero", "positive", "real")

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True)
class UndefinedFunction:
    """A function of which nothing is known but its name and where its values lie; see `function`.

    Attributes
    ----------
    name : str
    assumptions : tuple of str

    Examples
    --------
    >>> import symgrad as sg
    >>> x = sg.symbol("x")
    >>> f = sg.function("f", positive=True)
    >>> print(f.name, f.assumptions, f(x).diff(x))
    f ('positive',) diff(f(x), x)
    """

    name: str
    assumptions: tuple[str, ...] = ()

    @property
    def notation(self) -> str | None:
        """What LaTeX writes before the arguments; None for the name."""
        return None

    @checked
    def __call__(self, *args: Any) -> Expr:
        """The value at arguments: numbers, expressions or arrays, entry by entry."""
        return self.applied(args, (0,) * len(args))

    def derivative(self, *orders: int) -> FunctionDerivative:
        """The partial derivative of these orders, one for each argument, as a function.

        >>> import symgrad as sg
        >>> f, x, y = sg.function("f"), sg.symbol("x"), sg.symbol("y")
        >>> f.derivative(1, 2)(x, y) is sg.diff(f(x, y), x, y, y)
        True
        """
        if not orders or not all(_is_order(n) for n in orders):
            raise ArgumentError(
                f"{self.name}.derivative takes the order of the derivative by each argument, such as"
                f" {self.name}.derivative(1, 0), not {orders!r}"
            )
        return FunctionDerivative(self, tuple(orders))

    def applied(self, args: Sequence[Any], orders: tuple[int, ...]) -> Expr:
        """The derivative of these orders at arguments."""
        if not args:
            raise ArgumentError(
                f"the function {self.name} needs arguments, such as {self.name}(t); for a value"
                f" without arguments write symbol({self.name!r})"
            )
        lift = lift_of(args)
        if lift is not None:
            return lift(lambda *plain: self.applied(plain, orders), args, {})  # type: ignore[no-any-return]
        return self.at(tuple(broadcast_all([as_expr(a) for a in args])), orders)

    def at(self, operands: tuple[Expr, ...], orders: tuple[int, ...]) -> Expr:
        """The derivative of these orders at operands of one shape."""
        return APPLIED.build(operands, (self, orders))

    def sympy(self, sp: Any) -> Any:
        """The function in SymPy."""
        return sp.Function(self.name, **dict.fromkeys(self.assumptions, True))

    def undefined(self, node: Expr) -> SymgradError:
        """The error for a node of this function where its values are needed."""
        name = self.name
        return ArgumentError(
            f"{node} is undefined: give it as an argument, such as lambdify([{node}], ...), or say what"
            f" {name} is with functions={{{name!r}: ...}}, a callable, or substitute(e, {{{name}: ...}})"
        )

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class FunctionDerivative:
    """A partial derivative of an undefined function: to be called, as the function is."""

    function: UndefinedFunction
    orders: tuple[int, ...]

    @checked
    def __call__(self, *args: Any) -> Expr:
        """The value at arguments."""
        if len(args) != len(self.orders):
            raise ArgumentError(
                f"the derivative {self.orders} of {self.function.name} takes {len(self.orders)}"
                f" arguments, got {len(args)}"
            )
        return self.function.applied(args, self.orders)


def _is_order(n: Any) -> bool:
    return isinstance(n, int) and not isinstance(n, bool) and n >= 0


@checked
def function(name: str, **assumptions: bool | None) -> UndefinedFunction:
    r"""An undefined function: called with arguments it is an expression.

    Derivatives by its arguments are expressions of the same kind; ``q(t)`` and ``q(t).diff(t)`` are
    variables of their own to differentiate by, to substitute, and to give to `lambdify`. What the
    function is can be said when code is made, ``lambdify(x, e, functions={"f": numpy.sin})``, or with
    ``substitute(e, {f: sg.sin})``.

    Parameters
    ----------
    name : str
        As of a symbol.
    **assumptions : bool
        Any of ``positive nonnegative negative nonzero integer real``, of the values; the derivatives
        are real. False and None say nothing.

    Returns
    -------
    UndefinedFunction
        Equal to every other of this name and these assumptions.

    Raises
    ------
    ArgumentError
        For an empty name or an unknown assumption.

    Examples
    --------
    >>> import symgrad as sg
    >>> t, m, g = sg.symbols("t m g")
    >>> q = sg.function("q")(t)
    >>> L = m * q.diff(t) ** 2 / 2 - m * g * q
    >>> print(sg.diff(L, q.diff(t)))
    m*diff(q(t), t)
    >>> print(sg.latex(q.diff(t, 2)), "and", sg.diff(sg.sin(q), t))
    \ddot{q} and diff(q(t), t)*cos(q(t))
    """
    if not isinstance(name, str) or not name:
        raise ArgumentError(f"a function needs a name, a non-empty str, not {name!r}")
    for key in assumptions:
        if key not in ASSUMPTIONS:
            known = " ".join(ASSUMPTIONS)
            raise ArgumentError(f"unknown assumption {key!r} of function {name!r}; known: {known}")
    return UndefinedFunction(name, tuple(sorted(k for k, held in assumptions.items() if held)))


# The op


def _infer(args: tuple[Expr, ...], params: Params) -> tuple[Shape, Ty]:
    return args[0].shape, resolve(np.true_divide, (promote(*[a.ty for a in args]), WEAK_FLOAT))


def _build(args: tuple[Expr, ...], params: Params) -> Expr:
    return make(APPLIED, args, params, *_infer(args, params))


def _cotangents(g: Expr, y: Expr, needed: Sequence[bool]) -> list[Expr | None]:
    """``d f/d x_i``: one order more by the argument i."""
    wanted, orders = y.params
    found: list[Expr | None] = []
    for i, needs in enumerate(needed):
        raised = (*orders[:i], orders[i] + 1, *orders[i + 1 :])
        found.append(mul(g, wanted.at(y.args, raised)) if needs else None)
    return found


def _assumptions(node: Expr) -> tuple[str, ...]:
    wanted, orders = node.params
    return () if any(orders) else wanted.assumptions


def _no_code(node: Expr) -> NoReturn:
    raise node.params.function.undefined(node)


def _sympy(sp: Any, *args: Any) -> Any:
    """SymPy's applied function; of derivatives its `Derivative`, at values that are no symbol `Subs`."""
    *images, wanted, orders = args
    made = wanted.sympy(sp)
    if not any(orders):
        return made(*images)
    slots, counts, points = list(images), [], []
    for i, (x, n) in enumerate(zip(images, orders, strict=True)):
        others = [other for k, other in enumerate(images) if k != i]
        if n and (not x._diff_wrt or any(other.has(x) for other in others)):
            slots[i] = sp.Dummy(f"xi_{i + 1}")
            points.append((slots[i], x))
        if n:
            counts.append((slots[i], n))
    image = sp.Derivative(made(*slots), *counts)
    return sp.Subs(image, *zip(*points, strict=True)) if points else image


def _order(args: tuple[Expr, ...], params: Params, rank: str) -> str:
    wanted, orders = params
    counts = BETWEEN.join([number_text(n) for n in orders[:SHOWN]])
    texts = [arg.order_text[:CUT] for arg in args[:SHOWN]]
    return f"{rank}{UNDEFINED}{name_text(wanted.name)}{counts}{BETWEEN.join(texts)}"


class AppliedParams(NamedTuple):
    """The undefined function, and the order of its derivative by each argument."""

    function: Any
    orders: tuple[int, ...]


APPLIED: Final = Op(
    name="applied_function",
    fields=AppliedParams,
    build=_build,
    infer=_infer,
    vjp=_cotangents,
    elementwise=True,
    numpy=_no_code,
    assumptions=_assumptions,
    range=lambda node, *ranges: range_by_assumptions(node),
    sympy=_sympy,
    label=str,
    order=_order,
    notes="The derivative by an argument has one order more by it.",
)


def is_derivative(node: Expr, x: Expr) -> bool:
    """Whether a node is the applied function `x`, or a derivative of it, at the same arguments."""
    return (
        node.op is x.op is APPLIED
        and node.params.function == x.params.function
        and len(node.args) == len(x.args)
        and all(a is b for a, b in zip(node.args, x.args, strict=True))
        and all(n >= m for n, m in zip(node.params.orders, x.params.orders, strict=True))
    )


def check_defined(roots: Sequence[Expr]) -> None:
    """Raise for an undefined function.

    Raises
    ------
    ArgumentError
        Naming the first one.
    """
    roots = as_roots(roots)
    if APPLIED in ops_of(roots):
        node = next(x for x in toposort(roots) if x.op is APPLIED)
        raise node.params.function.undefined(node)


# Applied functions and names as variables

STANDING: Final = (APPLIED, NAMED)  # what a symbol stands for where it is a variable


def stand_in(node: Expr) -> Expr:
    """The symbol that stands for an applied function or a name: one and the same each time."""
    applied = node.op is APPLIED
    held = dict.fromkeys(_assumptions(node), True) if applied else {}
    return symbol(str(node if applied else node.name), node.shape, node.dtype, unique=node, **held)


def _entries(given: Any) -> Iterator[Any]:
    """What stands in a nest of lists; of a dict its keys."""
    if isinstance(given, (list, tuple, Mapping)):
        for part in given:
            yield from _entries(part)
    elif isinstance(given, np.ndarray) and given.dtype == object:
        yield from given.ravel().tolist()
    else:
        yield given


def is_base(value: Any) -> bool:
    """Whether a value is an `IndexedBase` of SymPy, an array of as many axes as it is used with."""
    return type(value).__name__ == "IndexedBase"


def stand_ins(given: Any) -> dict[Expr, Expr]:
    """The applied functions and names among variables, outermost only, and the symbols for them."""
    found: dict[Expr, Expr] = {}
    seen: set[Expr] = set()
    for entry in _entries(given):
        x = entry if entry.__class__ is Expr or is_base(entry) else adopted(entry)
        stack = [x] if isinstance(x, Expr) else []
        while stack:
            node = stack.pop()
            if node.op in STANDING:
                found[node] = stand_in(node)
            elif node.args and node not in seen:
                seen.add(node)
                stack += node.args
    return found


def exchanged(given: Any, known: Mapping[Expr, Expr]) -> Any:
    """A nest of expressions with nodes replaced; what is no expression stays."""
    if isinstance(given, Mapping):
        return {exchanged(k, known): exchanged(v, known) for k, v in given.items()}
    if given.__class__ in (list, tuple, Formulas):
        return given.__class__(exchanged(part, known) for part in given)
    if isinstance(given, np.ndarray) and given.dtype == object:
        changed = np.empty(given.size, object)
        for k, entry in enumerate(given.ravel().tolist()):
            changed[k] = exchanged(entry, known)
        return changed.reshape(given.shape)
    x = given if is_base(given) else adopted(given)
    return replace([x], known, {})[0] if isinstance(x, Expr) else given


def with_functions(*names: str) -> Callable[[F], F]:
    """Let the arguments `names` of a function be applied functions or names, where it takes symbols.

    They are independent of each other and of all symbols: symbols stand in for them in all arguments,
    and results that are expressions have them back.
    """

    def decorate(inner: F) -> F:
        inner = checked(inner)
        parameters = list(inspect.signature(inner).parameters)
        places = [(parameters.index(name), name) for name in names]

        @wraps(inner)
        def call(*args: Any, **kwargs: Any) -> Any:
            given = [args[i] if i < len(args) else kwargs.get(name) for i, name in places]
            known = stand_ins(given)
            if not known:
                return inner(*args, **kwargs)
            back = {symbol: node for node, symbol in known.items()}
            plain = [exchanged(a, known) for a in args]
            options = {key: exchanged(value, known) for key, value in kwargs.items()}
            return exchanged(inner(*plain, **options), back)

        return call  # type: ignore[return-value]

    return decorate
