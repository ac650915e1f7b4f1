"""NumPy's protocols on expressions: its ufuncs, their methods and options, and its functions.

``numpy.sin(x)`` and ``numpy.add.reduce(x, where=mask)`` arrive at `numpy_ufunc`, ``numpy.sum(x)`` at
`numpy_function`. What a formula cannot mean, such as a result written into memory, is refused by name.
"""

from __future__ import annotations

from collections.abc import Callable
from inspect import signature
from typing import Any, Final

import numpy as np

from symgrad.errors import ArgumentError, SymgradError
from symgrad.expr.types import as_ty
from symgrad.ops import reducing
from symgrad.ops.cast import cast
from symgrad.ops.einsum import einsum_node, insert_axes
from symgrad.ops.elementwise import as_expr
from symgrad.ops.public import refuse_out
from symgrad.ops.refused import REASONS
from symgrad.ops.softmax import logsumexp
from symgrad.ops.ufuncs import multiply

_OPTIONS: Final = ("axis", "keepdims", "initial", "where")
# Per ufunc: what its reduction is, and the options that it takes
_REDUCTIONS: Final[dict[Any, tuple[Callable[..., Any], tuple[str, ...]]]] = {
    np.add: (reducing.sum, (*_OPTIONS, "dtype")),
    np.multiply: (reducing.prod, (*_OPTIONS, "dtype")),
    np.maximum: (reducing.max, _OPTIONS),
    np.minimum: (reducing.min, _OPTIONS),
    np.logical_or: (reducing.any, ("axis", "keepdims", "where")),
    np.logical_and: (reducing.all, ("axis", "keepdims", "where")),
    np.logaddexp: (logsumexp, ("axis", "keepdims", "where")),
}
_SCANS: Final = {np.add: reducing.cumsum, np.multiply: reducing.cumprod}
_NO_VALUE: Final = getattr(np, "_NoValue", None)  # what NumPy writes for an option not given
# The values of options that say what holds anyway
_DEFAULTS: Final[dict[str, tuple[Any, ...]]] = {
    "casting": ("same_kind",),
    "keepdims": (False,),
    "order": ("K", "C"),
    "subok": (True, False),
    "where": (True,),
}
_INSTEAD: Final = {
    "at": "; an expression is not changed in place: add a scattered array, such as a product with a matrix",
    "reduceat": "; stack the reductions of slices",
    "where": (
        "; where the condition does not hold the result would be undefined: write where(condition,"
        " f(x), other), with what it is elsewhere"
    ),
}


def _said(options: dict[str, Any]) -> dict[str, Any]:
    """The options that say something: without defaults, whatever way they are written."""
    return {
        key: value
        for key, value in options.items()
        if key == "axis" or not (value is None or value is _NO_VALUE or _is_default(key, value))
    }


def _is_default(key: str, value: Any) -> bool:
    return isinstance(value, (bool, str)) and value in _DEFAULTS.get(key, ())


def numpy_ufunc(
    table: dict[Any, Any], ufunc: np.ufunc, method: str, inputs: Any, kwargs: Any
) -> Any:
    """A NumPy ufunc on expressions, by the table from ufunc (or, for SciPy's, its name) to function.

    Raises
    ------
    ArgumentError
        For a ufunc, a ufunc method or an option that expressions do not have.
    """
    name = ufunc.__name__ if method == "__call__" else f"{ufunc.__name__}.{method}"
    refuse_out(kwargs.get("out"), f"numpy.{name}")
    options = _said({k: v for k, v in kwargs.items() if k != "out"})
    function = table.get(ufunc) or table.get(ufunc.__name__)
    if method == "__call__" and function is not None and set(options) <= {"dtype"}:
        return _called(function, ufunc, inputs, options.get("dtype"))
    if method == "reduce" and ufunc in _REDUCTIONS:
        reduction, known = _REDUCTIONS[ufunc]
        if set(options) <= set(known):
            return reduction(*inputs, **{"axis": 0, **options})
    if method == "accumulate" and ufunc in _SCANS and set(options) <= {"axis", "dtype"}:
        return _SCANS[ufunc](*inputs, **{"axis": 0, **options})
    if method == "outer" and function is not None and ufunc.signature is None and not options:
        return _outer(function, *inputs)
    given = f" with {', '.join(options)}" if options else ""
    reason = f": {REASONS[ufunc.__name__]}" if ufunc.__name__ in REASONS else ""
    instead = _INSTEAD.get(method, _INSTEAD["where"] if "where" in options else reason)
    raise ArgumentError(f"numpy.{name}{given} is not defined for expressions{instead}")


def _called(function: Callable[..., Any], ufunc: np.ufunc, inputs: Any, dtype: Any) -> Any:
    """A ufunc computed in a dtype that was asked for."""
    if dtype is None:
        return function(*inputs)
    if ufunc.nout > 1 or {kind[-1] for kind in ufunc.types} <= {"?", "O"}:
        raise ArgumentError(
            f"numpy.{ufunc.__name__} with dtype is not defined for expressions; write astype"
        )
    ty = as_ty(dtype)
    return cast(as_expr(function(*[cast(as_expr(a), ty) for a in inputs])), ty)


def _outer(function: Callable[..., Any], a: Any, b: Any) -> Any:
    """A function of two operands on all pairs of their entries."""
    x, y = as_expr(a), as_expr(b)
    if function is multiply:
        labels = tuple(range(x.ndim + y.ndim))
        return einsum_node([x, y], [labels[: x.ndim], labels[x.ndim :]], labels, {})
    return function(insert_axes(x, range(x.ndim, x.ndim + y.ndim)), y)


def numpy_function(table: dict[Any, Any], function: Any, args: Any, kwargs: Any) -> Any:
    """A function of NumPy's on expressions, by the table from NumPy's functions to ours.

    Raises
    ------
    ArgumentError
        For a function, or an argument of one, that expressions do not have.
    """
    ours = table.get(function)
    if ours is None:
        raise not_defined(function, "expressions")
    refuse_out(kwargs.get("out"), f"numpy.{function.__name__}")
    given = {k: v for k, v in _said(kwargs).items() if k != "out"}
    try:
        return ours(*args, **given)
    except TypeError as error:
        if isinstance(error, SymgradError):
            raise
        _check_arguments(ours, function.__name__, args, given)
        raise


def not_defined(function: Any, whom: str) -> ArgumentError:
    """The error for a function of NumPy's that there is not, with the reason where one is known."""
    room = (function.__module__ or "numpy").split(".")
    name = ".".join(
        ["numpy", *[part for part in room if part in ("linalg", "fft")], function.__name__]
    )
    reason = REASONS.get(name.removeprefix("numpy."))
    because = f": {reason}" if reason else "; see symgrad.__all__"
    return ArgumentError(f"{name} is not defined for {whom}{because}")


def _check_arguments(ours: Any, name: str, args: Any, kwargs: Any) -> None:
    """Raise if a call does not fit what expressions have of a function."""
    try:
        signature(ours).bind(*args, **kwargs)
    except TypeError as error:
        raise ArgumentError(f"numpy.{name} of expressions: {error}") from None
