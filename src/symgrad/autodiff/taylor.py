"""Taylor series as formulas, by arithmetic on coefficients: `taylor`.

Every node of a formula has the coefficients of its series in ``h = x - about``, each a formula. Those of
sums, products, quotients and powers follow from those of the operands by the classical recurrences. Every
other op has one rule: where y' is its tangent, in terms of the operands, their tangents and y itself,
``y_k = (y')_(k-1) / k``. For ``y = exp(u)`` that is ``k*y_k = sum of j*u_j*y_(k-j)``, for ``y = tan(u)``
with ``y' = (1 + y**2)*u'`` the recurrence of the tangent, and sine and cosine come as a pair; functions
whose derivatives are further functions have what is needed of these, at lower orders.

So a series costs the nodes of the formula times the square of the order. A coefficient is found when
another asks for it, on a stack of generators in place of recursion.

Reference: Griewank and Walther, Evaluating Derivatives, 2nd ed., SIAM 2008, ch. 13.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce
from typing import Any, Final

from symgrad.autodiff.entries import variables_of
from symgrad.autodiff.forward import tangent_of
from symgrad.autodiff.reverse import differentiable
from symgrad.calls import checked
from symgrad.errors import ArgumentError, DerivativeError, ShapeError
from symgrad.expr.collector import COLLECTOR_PAUSED
from symgrad.expr.dims import show_shape
from symgrad.expr.leaves import SYMBOL, is_value, number, symbol, value_of
from symgrad.expr.node import Expr
from symgrad.expr.traverse import free_symbols, toposort
from symgrad.ops import ufuncs as f
from symgrad.ops.applied import with_functions
from symgrad.ops.arithmetic import ADD, MUL, POW, add_all, is_reciprocal, mul, power
from symgrad.ops.cast import cast
from symgrad.ops.einsum import EINSUM
from symgrad.ops.elementwise import as_expr
from symgrad.ops.guard import WHERE, choose
from symgrad.ops.public import public
from symgrad.rewrite.names import definitions_written_out
from symgrad.rewrite.prepare import prepared
from symgrad.rewrite.simplify import simplify_all

MAX_ZEROS: Final = 64  # leading coefficients of a divisor that may be zero
SMALL: Final = 50  # nodes, as a tree, of a number that is looked at again for whether it is zero


@dataclass(frozen=True)
class TaylorProduct:
    """The product of two items, entry by entry."""

    left: Item
    right: Item


@dataclass(frozen=True)
class Quotient:
    """One item by another, which may be zero at the point where the first is as well."""

    above: Item
    below: Item


Item = Expr | TaylorProduct | Quotient
Coefficient = Expr | None  # None is zero
Steps = Generator[tuple[Item, int], Coefficient, Coefficient]  # asks for coefficients, returns one


@public
@with_functions("x")
@COLLECTOR_PAUSED
@checked
def taylor(f: Any, x: Any, about: Any = 0, order: int = 4) -> Expr:
    """The Taylor polynomial of `f` in a scalar symbol, up to the power `order`, as a formula.

    Parameters
    ----------
    f : Expr
        Of any shape; the result has its shape.
    x : symbol of shape ()
    about : number or Expr of shape ()
        The point, which must not depend on `x`. Where `f` is a quotient of two functions that vanish
        there, such as ``sin(x)/x`` at 0, the series is that of its continuation.
    order : int
        The highest power of ``x - about``.

    Raises
    ------
    ShapeError
        If `x` or `about` is no scalar.
    ArgumentError
        If `f` has a pole or a branch point there, or `order` is no non-negative int.
    DerivativeError
        If `f` depends on `x` through an op that has no derivative.

    Examples
    --------
    >>> import symgrad as sg
    >>> x, a = sg.symbols("x a")
    >>> print(sg.taylor(sg.exp(x), x))
    x**4/24 + x**3/6 + x**2/2 + x + 1
    >>> print(sg.taylor(sg.sin(x) / x, x, order=4))
    x**4/120 - x**2/6 + 1
    >>> print(sg.taylor(sg.log(x), x, about=a, order=2))
    log(a) + (x - a)/a - (x - a)**2/(2*a**2)
    """
    y = as_expr(f)
    (variable,), _ = variables_of([x], "taylor")
    point = _checked(variable, as_expr(about))
    if not hasattr(order, "__index__") or isinstance(order, bool) or order < 0:
        raise ArgumentError(f"the order of a series must be a non-negative int, not {order!r}")
    if not differentiable(y):
        raise DerivativeError(
            f"taylor of an expression of dtype {y.dtype}: only floating values have derivatives"
        )
    ready, _, _ = prepared(definitions_written_out([y]))
    series = Series(variable, point)
    found = [series.coefficient(ready[0], k) for k in range(int(order) + 1)]
    zero = number(0, y.shape)
    return _polynomial(simplify_all([zero if c is None else c for c in found]), variable, point)


def _checked(x: Expr, point: Expr) -> Expr:
    if x.op is not SYMBOL or x.shape != ():
        raise ShapeError(
            f"taylor needs a scalar symbol, {x} has shape {show_shape(x.shape)}; write the series in a"
            " symbol h, of f at x + h*v, for a direction v"
        )
    if point.shape != ():
        raise ShapeError(
            f"the point of a series is a scalar, not of shape {show_shape(point.shape)}"
        )
    if x in set(toposort([point])):
        raise ArgumentError(f"the point of a series must not depend on {x.name!r}: {point}")
    return point


def _polynomial(coefficients: list[Expr], x: Expr, point: Expr) -> Expr:
    """``sum of c_k * (x - point)**k``."""
    h = f.subtract(x, point)
    terms = [c if k == 0 else f.multiply(c, f.power(h, k)) for k, c in enumerate(coefficients)]
    return add_all(terms)


class Series:
    """The coefficients of the series of formulas in one symbol about one point, as far as asked for."""

    def __init__(self, x: Expr, point: Expr) -> None:
        self.x = x
        self.found: dict[tuple[Item, int], Coefficient] = {
            (x, 0): _or_none(point),
            (x, 1): number(1),
        }
        self.active: dict[Expr, bool] = {x: True}
        self.tangents: dict[Expr, Expr | None] = {}
        self.slopes: dict[Expr, Expr] = {}  # by node the symbol for its derivative
        self.nodes: dict[Expr, Expr] = {}  # and the other way round

    def coefficient(self, item: Item, k: int) -> Coefficient:
        """The k-th coefficient of a formula."""
        asked = {(item, k): self._steps(item, k)}
        answer: Coefficient = None
        while asked:
            want, steps = next(reversed(asked.items()))
            try:
                need = steps.send(answer)
            except StopIteration as done:
                del asked[want]
                answer = self.found[want] = _or_none(done.value)
                continue
            except _NoSeriesError as reason:
                raise self._no_series([asker for asker, _ in asked], str(reason)) from None
            answer = self.found.get(need)
            if need not in self.found:
                if need in asked:
                    raise self._no_series([need[0]], "its derivative divides 0 by 0")
                asked[need] = self._steps(*need)
        return answer

    def _no_series(self, askers: Sequence[Item], why: str) -> ArgumentError:
        """An error that names the last part of the formula itself among those who asked."""
        nodes = [x for x in askers if isinstance(x, Expr)]
        given = [x for x in nodes if self.nodes.keys().isdisjoint(free_symbols(x))]
        culprit = _text((given or nodes or [self.x])[-1])
        return ArgumentError(
            f"{culprit} has no Taylor series in {self.x.name!r} about this point: {why} there; choose"
            " another point, or multiply by the power of the variable that it is divided by"
        )

    def _steps(self, item: Item, k: int) -> Steps:
        if isinstance(item, TaylorProduct):
            return _product(item, k)
        if isinstance(item, Quotient):
            return _quotient(item, k)
        if item in self.nodes:
            return _slope(self.nodes[item], k)
        if not self._is_active(item):
            return _constant(item if k == 0 else None)
        if item.op is SYMBOL:
            return _constant(None)  # of x, from the square on
        return self._by_rule(item, k)

    def _by_rule(self, node: Expr, k: int) -> Steps:
        op = node.op
        if op is MUL:
            return _same(_as_quotient(node), k)
        if op is POW and not self._is_active(node.args[1]):
            n = value_of(node.args[1])
            if n.__class__ is int and n != 0:
                whole = _integer_power(node.args[0], abs(n))
                return _same(whole if n > 0 else Quotient(number(1, node.shape), whole), k)
            return _power(node, k)
        if op is EINSUM:
            return self._contraction(node, k)
        if op is WHERE:
            return _choice(node, k)
        if op is ADD or op.moves or (op.linear(node) if callable(op.linear) else op.linear):
            return _linear(node, k)
        return self._derived(node, k)

    def _derived(self, node: Expr, k: int) -> Steps:
        """``y_k = (y')_(k-1) / k``."""
        if k == 0:
            operands = []
            for arg in node.args:
                a = yield arg, 0
                a = number(0, arg.shape) if a is None else a
                operands.append(a if node.op.elementwise else cast(a, arg.ty))  # code needs floats
            return node.op.build(tuple(operands), node.params)
        slope = self._tangent(node)
        c = None if slope is None else (yield slope, k - 1)
        return None if c is None else _times(Fraction(1, k), c)

    def _contraction(self, node: Expr, k: int) -> Steps:
        """The sum over all ways to share k among the operands; constants take none."""
        takes = [i for i, arg in enumerate(node.args) if self._is_active(arg)]
        terms: list[Expr] = []
        for shares in _compositions(k, len(takes)):
            operands: list[Expr] | None = list(node.args)
            for i, j in zip(takes, shares, strict=True):
                a = yield node.args[i], j
                if a is None:
                    operands = None
                    break
                assert operands is not None
                operands[i] = a
            if operands is not None:
                terms.append(EINSUM.build(tuple(operands), node.params))
        return _total(terms)

    def _is_active(self, node: Expr) -> bool:
        """Whether a node depends on the variable."""
        if node not in self.active:
            for below in toposort([node], skip=self.active):
                self.active[below] = any(self.active[arg] for arg in below.args)
        return self.active[node]

    def _tangent(self, node: Expr) -> Expr | None:
        """The derivative of a node, in terms of its operands and the symbols for their derivatives."""
        if node not in self.tangents:
            parts = [
                self._slope_of(arg) if self._is_active(arg) and differentiable(arg) else None
                for arg in node.args
            ]
            self.tangents[node] = tangent_of(node, parts)
        return self.tangents[node]

    def _slope_of(self, node: Expr) -> Expr:
        if node not in self.slopes:
            made = symbol("slope", node.shape, node.dtype, unique=node)
            self.slopes[node], self.nodes[made], self.active[made] = made, node, True
        return self.slopes[node]


# Coefficients by those of operands


def _constant(value: Coefficient) -> Steps:
    yield from ()  # it asks for nothing
    return value


def _same(item: Item, k: int) -> Steps:
    return (yield item, k)


def _slope(node: Expr, k: int) -> Steps:
    """``(u')_k = (k + 1)*u_(k+1)``."""
    c = yield node, k + 1
    return None if c is None else _times(k + 1, c)


def _linear(node: Expr, k: int) -> Steps:
    operands = []
    for arg in node.args:
        a = (yield arg, k) if differentiable(arg) else arg  # indices stay
        operands.append(number(0, arg.shape) if a is None else a)
    if node.op is ADD:
        return add_all(operands)
    return node.op.build(tuple(operands), node.params)


def _choice(node: Expr, k: int) -> Steps:
    """The branch that is taken at the point."""
    condition, a, b = node.args
    held = yield condition, 0
    parts = []
    for arg in (a, b):
        c = yield arg, k
        parts.append(number(0, node.shape) if c is None else c)
    return choose(condition if held is None else held, *parts)


def _product(item: TaylorProduct, k: int) -> Steps:
    """``(u*v)_k = sum of u_j*v_(k-j)``."""
    terms = []
    for j in range(k + 1):
        a = yield item.left, j
        b = None if a is None else (yield item.right, k - j)
        if a is not None and b is not None:
            terms.append(mul(a, b))
    return _total(terms)


def _quotient(item: Quotient, k: int) -> Steps:
    """``q = u/v`` by ``u_(k+w) = sum of v_(w+j)*q_(k-j)``, where v begins with its w-th coefficient."""
    w = 0
    while (first := _or_none((yield item.below, w))) is None:
        w += 1
        if w > MAX_ZEROS:
            raise _NoSeriesError("it divides by 0")
    for j in range(w):
        if (yield item.above, j) is not None:
            raise _NoSeriesError("it has a pole")
    top = yield item.above, k + w
    terms = [] if top is None else [top]
    for j in range(1, k + 1):
        v = yield item.below, w + j
        q = None if v is None else (yield item, k - j)
        if v is not None and q is not None:
            terms.append(_times(-1, mul(v, q)))
    total = _total(terms)
    return None if total is None else mul(total, power(first, number(-1, first.shape)))


def _power(node: Expr, k: int) -> Steps:
    """``y = u**p`` by ``k*u_0*y_k = sum of (p*j - k + j)*u_j*y_(k-j)``."""
    base, p = node.args
    u = yield base, 0
    if u is None:
        raise _NoSeriesError("it has a branch point")
    if k == 0:
        return power(u, p)
    terms = []
    for j in range(1, k + 1):
        a = yield base, j
        y = None if a is None else (yield node, k - j)
        if a is not None and y is not None:
            factor = add_all([_times(Fraction(j, k), p), number(Fraction(j, k) - 1, p.shape)])
            terms.append(mul(mul(factor, a), y))
    total = _total(terms)
    return None if total is None else mul(total, power(u, number(-1, u.shape)))


# Products, powers and quotients as items


def _as_quotient(node: Expr) -> Item:
    """A product, with what divides below."""
    above: list[Item] = []
    below: list[Item] = []
    for x in node.args:
        if is_reciprocal(x) and value_of(x.args[1]).__class__ is int:
            below.append(_integer_power(x.args[0], -value_of(x.args[1])))
        else:
            above.append(x)
    whole: Item = reduce(TaylorProduct, above) if above else number(1, node.shape)
    return Quotient(whole, reduce(TaylorProduct, below)) if below else whole


def _integer_power(u: Item, n: int) -> Item:
    """``u**n`` by squaring, n > 0."""
    result: Item | None = None
    while True:
        if n % 2:
            result = u if result is None else TaylorProduct(result, u)
        n //= 2
        if not n:
            assert result is not None
            return result
        u = TaylorProduct(u, u)


def _compositions(total: int, parts: int) -> list[tuple[int, ...]]:
    """All ways to write a number as a sum of so many, in order."""
    ways: list[tuple[int, ...]] = [()]
    for _ in range(parts - 1):
        ways = [(*way, j) for way in ways for j in range(total - sum(way) + 1)]
    return [(*way, total - sum(way)) for way in ways] if parts else []


# Coefficients


def _times(c: int | Fraction, x: Expr) -> Expr:
    return mul(number(c, x.shape), x)


def _total(terms: list[Expr]) -> Coefficient:
    return add_all(terms) if terms else None


def _or_none(c: Coefficient) -> Coefficient:
    """A coefficient, None where it is zero: a short sum that depends on nothing is looked at twice."""
    if c is None or is_value(c, 0):
        return None
    if c.op is ADD and c.size_as_tree <= SMALL and not free_symbols(c):
        return None if is_value(simplify_all([c])[0], 0) else c
    return c


class _NoSeriesError(Exception):
    """Why a coefficient does not exist."""


def _text(x: Expr) -> str:
    """A short formula as text, in a message; of a longer one what its last operation is."""
    return str(x) if len(toposort([x])) <= 12 else f"{x.op.name} expression"
