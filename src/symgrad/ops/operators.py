"""Python's operators and NumPy's protocols on expressions.

`install` attaches them to `Expr`, once, when the package is put together: the node layer below cannot
know the ops.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NoReturn

import numpy as np

from symgrad.errors import ArgumentError, SymbolicIterationError, TruthError
from symgrad.expr.dims import show_shape
from symgrad.expr.leaves import MINUS_ONE, value_of
from symgrad.expr.node import Expr
from symgrad.expr.types import BOOL
from symgrad.ops import arithmetic, convert, indexing, products, reduction, select, shapes, ufuncs
from symgrad.ops.elementwise import lift_of


def _binary(function: Callable[[Any, Any], Expr]) -> tuple[Any, Any]:
    """The operator and its reflection."""

    def forward(self: Expr, other: Any) -> Any:
        if other.__class__ is not Expr and _defers(other):
            return NotImplemented
        return function(self, other)

    def reflected(self: Expr, other: Any) -> Any:
        if _defers(other):
            return NotImplemented
        return function(other, self)

    return forward, reflected


def _defers(other: Any) -> bool:
    return isinstance(other, (str, bytes, dict, set, type(None))) or lift_of((other,)) is not None


def _add(self: Expr, other: Any) -> Any:
    if other.__class__ is Expr and other.shape == self.shape:
        return arithmetic.add(self, other)
    return NotImplemented if _defers(other) else ufuncs.add(self, other)


def _mul(self: Expr, other: Any) -> Any:
    if other.__class__ is Expr and other.shape == self.shape:
        return arithmetic.mul(self, other)
    return NotImplemented if _defers(other) else ufuncs.multiply(self, other)


def _neg(self: Expr) -> Expr:
    if self.shape == () and self.ty is not BOOL:
        return arithmetic.mul(MINUS_ONE, self)
    return ufuncs.negative(self)


def _abs(self: Expr) -> Expr:
    return ufuncs.absolute(self)


def _bool(self: Expr) -> bool:
    if self.op in (ufuncs.equal, ufuncs.not_equal) and self.args[0] is self.args[1]:
        return self.op is ufuncs.equal
    value = value_of(self)
    if value is not None and self.shape == ():
        return bool(value)
    if self.op in (ufuncs.equal, ufuncs.not_equal):
        raise TruthError(
            "whether two expressions are equal in value is not known until they are evaluated;"
            " write `a is b` for the same formula (and look for one in a set, not in a list),"
            " where(a == b, ..., ...) to choose by value"
        )
    raise TruthError(
        "an expression has no truth value until it is evaluated; write where(c, a, b) for if,"
        " logical_and(a, b) for and, logical_or(a, b) for or, logical_not(a) for not"
    )


def _len(self: Expr) -> int:
    if not self.shape:
        raise SymbolicIterationError("a scalar expression has no len()")
    if not isinstance(self.shape[0], int):
        raise SymbolicIterationError(
            f"len() of shape {show_shape(self.shape)}: the extent {self.shape[0]} is not known;"
            " write symgrad.size(x, 0)"
        )
    return self.shape[0]


def _iter(self: Expr) -> Iterator[Expr]:
    if not self.shape:
        raise SymbolicIterationError("a scalar expression cannot be iterated over")
    if not isinstance(self.shape[0], int):
        raise SymbolicIterationError(
            f"cannot iterate over shape {show_shape(self.shape)}: the extent {self.shape[0]} is not"
            " known; write whole-array operations, such as symgrad.sum(x, axis=0), or give an int"
        )
    return iter([indexing.getitem(self, i) for i in range(self.shape[0])])


def _contains(self: Expr, item: Any) -> NoReturn:
    raise TruthError("`in` an expression is not known until it is evaluated; write any(x == item)")


def _number(self: Expr, kind: str) -> Any:
    value = value_of(self)
    if value is None or self.shape != ():
        raise TruthError(
            f"{kind}() of an expression that is no constant; evaluate it first:"
            " symgrad.evaluate(e, {x: value})"
        )
    return value


def _index(self: Expr) -> int:
    value = _number(self, "int")
    if not isinstance(value, int):
        raise TruthError(f"{value!r} is no integer index")
    return int(value)


# NumPy's protocols

_REDUCTIONS = {
    np.add: reduction.sum,
    np.multiply: reduction.prod,
    np.maximum: reduction.max,
    np.minimum: reduction.min,
    np.logical_or: reduction.any,
    np.logical_and: reduction.all,
}
# Options of NumPy's functions that expressions do not have: None, the default, may be written
_OPTIONS = ("dtype", "initial", "mean", "order", "out", "where")
_SCANS = {np.add: reduction.cumsum, np.multiply: reduction.cumprod}


def numpy_ufunc(
    table: dict[Any, Any], ufunc: np.ufunc, method: str, inputs: Any, kwargs: Any
) -> Any:
    """A NumPy ufunc on expressions, by the table from ufunc (or, for SciPy's, its name) to function.

    Raises
    ------
    ArgumentError
        For a ufunc, a ufunc method or an option that expressions do not have.
    """
    kwargs = {k: v for k, v in kwargs.items() if v is not None or k == "axis"}
    function = table.get(ufunc) or table.get(ufunc.__name__)
    if method == "__call__" and function is not None and not kwargs:
        return function(*inputs)
    if method == "reduce" and ufunc in _REDUCTIONS and set(kwargs) <= {"axis", "keepdims"}:
        return _REDUCTIONS[ufunc](*inputs, **{"axis": 0, **kwargs})
    if method == "accumulate" and ufunc in _SCANS and set(kwargs) <= {"axis"}:
        return _SCANS[ufunc](*inputs, **{"axis": 0, **kwargs})
    if method == "outer" and ufunc is np.multiply and not kwargs:
        return products.outer(*inputs)
    options = f" with {', '.join(kwargs)}" if kwargs else ""
    name = ufunc.__name__ if method == "__call__" else f"{ufunc.__name__}.{method}"
    raise ArgumentError(f"numpy.{name}{options} is not defined for expressions")


def install(
    ufunc_table: dict[Any, Any], function_table: dict[Any, Any], more: dict[str, Any]
) -> None:
    """Attach operators, methods and protocols to `Expr`, and `more` members by name."""

    def array_ufunc(self: Expr, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        return numpy_ufunc(ufunc_table, ufunc, method, inputs, kwargs)

    def array_function(self: Expr, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        ours = function_table.get(function)
        if ours is None:
            raise ArgumentError(
                f"numpy.{function.__name__} is not defined for expressions; see symgrad.__all__"
            )
        given = {k: v for k, v in kwargs.items() if not (v is None and k in _OPTIONS)}
        return ours(*args, **given)

    operators: dict[str, Callable[[Any, Any], Any]] = {
        "add": ufuncs.add,
        "sub": ufuncs.subtract,
        "mul": ufuncs.multiply,
        "truediv": ufuncs.divide,
        "floordiv": ufuncs.floor_divide,
        "mod": ufuncs.mod,
        "pow": ufuncs.power,
        "matmul": products.matmul,
        "and": ufuncs.bitwise_and,
        "or": ufuncs.bitwise_or,
        "xor": ufuncs.bitwise_xor,
    }
    members: dict[str, Any] = {}
    for name, function in operators.items():
        members[f"__{name}__"], members[f"__r{name}__"] = _binary(function)
    for name, function in {
        "lt": ufuncs.less,
        "le": ufuncs.less_equal,
        "gt": ufuncs.greater,
        "ge": ufuncs.greater_equal,
        "eq": ufuncs.equal,
        "ne": ufuncs.not_equal,
    }.items():
        members[f"__{name}__"], _ = _binary(function)
    members |= {
        "__add__": _add,
        "__mul__": _mul,
        "__neg__": _neg,
        "__pos__": lambda self: self,
        "__abs__": _abs,
        "__invert__": ufuncs.invert,
        "__divmod__": ufuncs.divmod_,
        "__getitem__": indexing.getitem,
        "__bool__": _bool,
        "__len__": _len,
        "__iter__": _iter,
        "__contains__": _contains,
        "__float__": lambda self: float(_number(self, "float")),
        "__int__": lambda self: int(_number(self, "int")),
        "__index__": _index,
        "__array_ufunc__": array_ufunc,
        "__array_function__": array_function,
        "__array_priority__": 1000.0,
        "T": property(shapes.transpose),
        "size": property(shapes.size),
        "sum": reduction.sum,
        "mean": reduction.mean,
        "var": reduction.var,
        "std": reduction.std,
        "prod": reduction.prod,
        "max": reduction.max,
        "min": reduction.min,
        "any": reduction.any,
        "all": reduction.all,
        "argmax": reduction.argmax,
        "argmin": reduction.argmin,
        "cumsum": reduction.cumsum,
        "cumprod": reduction.cumprod,
        "astype": convert.astype,
        "clip": select.clip,
        "round": ufuncs.round_,
        "dot": products.dot,
        "trace": products.trace,
        "diagonal": shapes.diagonal,
        "ravel": shapes.ravel,
        "flatten": shapes.ravel,
        "squeeze": shapes.squeeze,
        "swapaxes": shapes.swapaxes,
        "repeat": shapes.repeat,
        "take": indexing.take,
        "reshape": lambda self, *shape: shapes.reshape(
            self, shape[0] if len(shape) == 1 else shape
        ),
        "transpose": lambda self, *axes: shapes.transpose(
            self, (axes[0] if len(axes) == 1 and not isinstance(axes[0], int) else axes) or None
        ),
    }
    for name, member in (members | more).items():
        setattr(Expr, name, member)
