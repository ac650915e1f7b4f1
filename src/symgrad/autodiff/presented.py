"""The public derivatives: those of `symgrad.autodiff.derivatives`, read as a textbook would print them.

A scalar result that is small enough to be read is printed in its shortest form. It is still computed as
it came out of differentiation, in the form that shares most with the function and keeps its digits, so that
compiled code does not depend on what is read. The form of a small result is looked for at once, and the
result is a plain node where it is in that form already; that of a larger one when it is first read
(`symgrad.ops.shown`). Solvers and `variable` ask for no form.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any, Final

from symgrad.autodiff import derivatives
from symgrad.expr.formulas import Formulas
from symgrad.expr.leaves import is_number
from symgrad.expr.node import Expr
from symgrad.expr.traverse import free_symbols, toposort
from symgrad.ops.public import public
from symgrad.ops.shown import shown
from symgrad.rewrite.readable import shown_forms
from symgrad.rewrite.search import BOUNDED, may_be_shortened

MAX_RESULTS: Final = 16  # of one call; more are no formulas to read
SMALL: Final = 10  # nodes of a formula that is searched at once
MIDDLE: Final = (
    14  # nodes of one that is searched later, and left plain where no rule applies to it
)


def _presented(derivative: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(derivative)
    def present(*args: Any, as_sympy: bool = False, **kwargs: Any) -> Any:
        results = derivative(*args, **kwargs)
        return _in_sympy(read(results)) if as_sympy else read(results)

    def read(results: Any) -> Any:
        found = dict.fromkeys(x for x in _flat(results) if x.shape == () and x.args)
        if not 0 < len(found) <= MAX_RESULTS or len(toposort(found)) > BOUNDED.nodes:
            return _mapped(results, {})
        return _mapped(results, {x: _read(x) for x in found})

    signature = inspect.signature(derivative)
    present.__signature__ = signature.replace(  # type: ignore[attr-defined]
        parameters=[*signature.parameters.values(), _AS_SYMPY]
    )
    present.__doc__ = (derivative.__doc__ or "").replace("\n    R", _AS_SYMPY_DOC + "\n    R", 1)
    return public(present)


_AS_SYMPY: Final = inspect.Parameter("as_sympy", inspect.Parameter.KEYWORD_ONLY, default=False)
_AS_SYMPY_DOC: Final = """    as_sympy : bool
        Give the result as SymPy's expression, as `to_sympy` does; of a list a list of these.
"""


def _in_sympy(results: Any) -> Any:
    # an upper layer, which loads SymPy's printers: only where this is asked for
    from symgrad.interop.sympy import to_sympy  # noqa: PLC0415

    if isinstance(results, (list, tuple)):
        return [_in_sympy(part) for part in results]
    return to_sympy(results)


def _read(x: Expr) -> Expr:
    """The node for a result."""
    size = len(toposort([x]))
    if size <= MIDDLE and not may_be_shortened(x):
        return x
    result = shown(x)
    return result if size > SMALL else _settled(x, result)


def _settled(computed: Expr, result: Expr) -> Expr:
    """One formula where what is computed and what is read are the same, a number, or of other symbols."""
    (form,) = shown_forms([result])
    if (
        form is computed
        or is_number(form)
        or set(free_symbols(form)) != set(free_symbols(computed))
    ):
        return form
    return result


def _flat(results: Any) -> list[Any]:
    """The expressions in a nest of lists, in order."""
    if isinstance(results, (list, tuple)):
        return [x for part in results for x in _flat(part)]
    return [results]


def _mapped(results: Any, images: dict[Expr, Expr]) -> Any:
    """The results with some of them replaced; lists as lists that notebooks set."""
    if isinstance(results, (list, tuple)):
        return Formulas(_mapped(part, images) for part in results)
    return images.get(results, results)


diff = _presented(derivatives.diff)
grad = _presented(derivatives.grad)
jacobian = _presented(derivatives.jacobian)
hessian = _presented(derivatives.hessian)
