"""The public derivatives: those of `symgrad.autodiff.derivatives`, read as a textbook would print them.

A scalar result that is small enough to be read is searched for its shortest form. It is still computed as
it came out of differentiation, in the form that shares most with the function and keeps its digits, so that
compiled code does not depend on what is read (`symgrad.ops.shown`). Solvers and `variable` ask for no form.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Final

from symgrad.autodiff import derivatives
from symgrad.expr.node import Expr
from symgrad.expr.traverse import toposort
from symgrad.ops.public import public
from symgrad.ops.shown import shown
from symgrad.rewrite.search import BOUNDED, Bounds, shorter_of, shortest

MAX_RESULTS: Final = 16  # of one call; more are no formulas to read


def _presented(derivative: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(derivative)
    def present(*args: Any, **kwargs: Any) -> Any:
        results = derivative(*args, **kwargs)
        found = dict.fromkeys(x for x in _flat(results) if x.shape == () and x.args)
        if not 0 < len(found) <= MAX_RESULTS or len(toposort(found)) > BOUNDED.nodes:
            return results
        bounds = Bounds(BOUNDED.nodes, BOUNDED.work * 2 // (1 + len(found)))
        return _mapped(results, {x: _read(x, bounds) for x in found})

    return public(present)


def _read(x: Expr, bounds: Bounds) -> Expr:
    return shown(x, shorter_of(x, shortest([x], bounds)))


def _flat(results: Any) -> list[Any]:
    """The expressions in a nest of lists, in order."""
    if isinstance(results, (list, tuple)):
        return [x for part in results for x in _flat(part)]
    return [results]


def _mapped(results: Any, images: dict[Expr, Expr]) -> Any:
    if isinstance(results, (list, tuple)):
        return [_mapped(part, images) for part in results]
    return images.get(results, results)


diff = _presented(derivatives.diff)
grad = _presented(derivatives.grad)
jacobian = _presented(derivatives.jacobian)
hessian = _presented(derivatives.hessian)
