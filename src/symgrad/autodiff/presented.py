"""The public derivatives: those of `symgrad.autodiff.derivatives`, short scalar results as a reader wants them.

What is compiled must not pay for what is read. `diff` takes a shorter form if that alone needs no more
arithmetic; `grad`, `jacobian` and `hessian`, whose results are computed together with the function, if it
needs no more beside what the function computes anyway. Solvers and `variable` use the plain derivatives.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any, Final

from symgrad.autodiff import derivatives
from symgrad.expr.leaves import value_of
from symgrad.expr.node import Expr
from symgrad.expr.traverse import toposort
from symgrad.ops.arithmetic import ADD, MUL, POW, is_exact
from symgrad.ops.elementwise import as_expr
from symgrad.ops.public import public
from symgrad.rewrite.search import BOUNDED, Bounds, shortest

MAX_RESULTS: Final = 16  # of one call; more are no formulas to read
FUNCTION: Final = 10  # what a function costs, in sums and products


def effort(root: Expr, free: Iterable[Expr] = ()) -> int:
    """What computing a formula costs, in sums and products, where the nodes of `free` are there already."""
    return sum(_effort(node) for node in toposort([root], skip=free))


def _effort(node: Expr) -> int:
    if not node.args:
        return 0
    if node.op is ADD or node.op is MUL:
        return len(node.args) - 1
    if node.op is not POW:
        return FUNCTION
    n = value_of(node.args[1])
    if not is_exact(n) or n.denominator > 2:
        return FUNCTION
    return (abs(n) != 1) + (n.denominator == 2) + (n < 0)


def _presented(derivative: Callable[..., Any], alone: bool) -> Callable[..., Any]:
    @wraps(derivative)
    def present(f: Any, *args: Any, **kwargs: Any) -> Any:
        results = derivative(f, *args, **kwargs)
        found = dict.fromkeys(x for x in _flat(results) if x.shape == () and x.args)
        if not 0 < len(found) <= MAX_RESULTS or len(toposort(found)) > BOUNDED.nodes:
            return results
        free: list[Expr] = [] if alone else toposort([as_expr(y) for y in _flat(f)])
        bounds = Bounds(BOUNDED.nodes, BOUNDED.work * 2 // (1 + len(found)))
        return _mapped(results, {x: _shown(x, free, FUNCTION if alone else 0, bounds) for x in found})

    return public(present)


def _shown(x: Expr, free: list[Expr], slack: int, bounds: Bounds) -> Expr:
    form = shortest([x], bounds)
    return form if form is x or effort(form, free) <= effort(x, free) + slack else x


def _flat(results: Any) -> list[Any]:
    """The expressions in a nest of lists, in order."""
    if isinstance(results, (list, tuple)):
        return [x for part in results for x in _flat(part)]
    return [results]


def _mapped(results: Any, images: dict[Expr, Expr]) -> Any:
    if isinstance(results, (list, tuple)):
        return [_mapped(part, images) for part in results]
    return images.get(results, results)


diff = _presented(derivatives.diff, alone=True)
grad = _presented(derivatives.grad, alone=False)
jacobian = _presented(derivatives.jacobian, alone=False)
hessian = _presented(derivatives.hessian, alone=False)
