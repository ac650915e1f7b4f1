"""Python's operators and NumPy's protocols on expressions.

`install` attaches them to `Expr`, once, when the package is put together: the node layer below cannot
know the ops.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import partial
from typing import Any, NoReturn

import numpy as np

from symgrad.calls import checked
from symgrad.errors import ArgumentError, SymbolicIterationError, TruthError
from symgrad.expr.dims import show_shape
from symgrad.expr.leaves import MINUS_ONE, value_of
from symgrad.expr.node import Expr
from symgrad.expr.types import BOOL
from symgrad.ops import (
    arithmetic,
    convert,
    indexing,
    matrix_products,
    plain,
    products,
    reducing,
    select,
    shapes,
    sorting,
    ufuncs,
)
from symgrad.ops.elementwise import lift_of
from symgrad.ops.named import NAMED
from symgrad.ops.protocols import numpy_function, numpy_ufunc


def _binary(function: Callable[[Any, Any], Any]) -> tuple[Any, Any]:
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


def _member(function: Callable[[Any], Any]) -> Any:
    """An op as a method: what is called but is no Python function does not bind by itself."""

    def method(self: Expr) -> Any:
        return function(self)

    return method


def _defers(other: Any) -> bool:
    return isinstance(other, (str, bytes, dict, set, type(None))) or lift_of((other,)) is not None


def _add(self: Expr, other: Any) -> Any:
    if other.__class__ is Expr and other.shape == self.shape:
        return arithmetic.add(self, other, flat=True)
    return NotImplemented if _defers(other) else ufuncs.add(self, other)


def _mul(self: Expr, other: Any) -> Any:
    if other.__class__ is Expr and other.shape == self.shape:
        return arithmetic.mul(self, other, flat=True)
    if _defers(other):
        return NotImplemented
    _refuse_matrix_of_sympy(self, other)
    return ufuncs.multiply(self, other)


def _rmul(self: Expr, other: Any) -> Any:
    if _defers(other):
        return NotImplemented
    _refuse_matrix_of_sympy(self, other)
    return ufuncs.multiply(other, self)


def _refuse_matrix_of_sympy(array: Expr, other: Any) -> None:
    """``M*N`` of SymPy is a product of matrices: with an array it might be meant either way."""
    if array.shape and getattr(other, "is_Matrix", False) is True:
        raise ArgumentError(
            "* with a matrix of SymPy may mean the product of matrices, as there, or of entries, as in"
            " NumPy; write A @ B for the one and symgrad.multiply(A, B) for the other"
        )


def _pow(self: Expr, other: Any, modulus: Any = None) -> Any:
    if modulus is not None:
        raise ArgumentError("pow of an expression takes no modulus; write mod(x**n, m)")
    return (
        NotImplemented
        if other.__class__ is not Expr and _defers(other)
        else ufuncs.power(self, other)
    )


def _neg(self: Expr) -> Expr:
    if self.shape == () and self.ty is not BOOL:
        return arithmetic.mul(MINUS_ONE, self, flat=True)
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
    held = self
    while held.op is NAMED:
        (held,) = held.args
    value = value_of(held)
    if value is None or self.shape != ():
        raise TruthError(
            f"{kind}() of an expression that is no constant; evaluate it first:"
            " symgrad.evaluate(e, {x: value}), or, where a function such as math.sin or sympy.sin"
            " asked for the number, call symgrad.sin, or stack an object array of expressions"
        )
    return value


def _as_array(self: Expr, dtype: Any = None, copy: bool | None = None) -> Any:
    """What NumPy makes an array of: a constant, or as Python objects the entries, or the whole.

    SciPy's functions ask for an array of numbers in this way, and would compute with objects.
    """
    caller = sys._getframe(1).f_globals.get("__name__", "")
    if caller.partition(".")[0] == "scipy" and value_of(self) is None:
        raise ArgumentError(
            "a function of SciPy asked an expression for its numbers; SciPy's ufuncs, such as"
            " scipy.special.erf, take expressions, and of its other functions those in symgrad.linalg"
            " and symgrad.special have the same names; else evaluate first: symgrad.evaluate(e, {x: value})"
        )
    if dtype is not None and np.dtype(dtype) != object:
        value = value_of(self) if self.shape == () else None
        if value is None:
            raise TruthError(
                "an expression is no array of numbers before it is evaluated; write"
                " symgrad.evaluate(e, {x: value}), and for numpy.mean(a) or numpy.var(a) of an object"
                " array of expressions symgrad.mean(a) or symgrad.var(a)"
            )
        return np.array(float(value) if isinstance(value, Fraction) else value, dtype)
    known = all(isinstance(d, int) for d in self.shape)
    array = np.empty(self.shape if known else (), object)
    for place in np.ndindex(array.shape):
        array[place] = indexing.getitem(self, place) if place else self
    return array


def _format(self: Expr, spec: str) -> str:
    """A constant by the rules of numbers, a formula by those of text."""
    if not spec:
        return str(self)
    value = value_of(self) if self.shape == () else None
    if value is not None:
        return format(float(value) if isinstance(value, Fraction) else value, spec)
    try:
        return format(str(self), spec)
    except ValueError:
        raise ArgumentError(
            f"the format {spec!r} is for numbers, and this expression is no constant; evaluate it"
            " first: symgrad.evaluate(e, {x: value})"
        ) from None


def _index(self: Expr) -> int:
    value = _number(self, "int")
    if not isinstance(value, int):
        raise TruthError(f"{value!r} is no integer index")
    return int(value)


@checked
def reshape(self: Any, *shape: Any, order: str = "C", copy: Any = None) -> Any:
    """The same entries in another shape: of one tuple, or of its extents; see `symgrad.reshape`."""
    return shapes.reshape(self, shape[0] if len(shape) == 1 else shape, order)


@checked
def compress(self: Any, condition: Any, axis: int | None = None, out: Any = None) -> Any:
    """The slices along an axis where a condition holds; see `symgrad.compress`."""
    return indexing.compress(condition, self, axis, out)


@checked
def transpose(self: Any, *axes: Any) -> Any:
    """The axes permuted, of one tuple or of their numbers; reversed where none are given."""
    order = axes[0] if len(axes) == 1 and not isinstance(axes[0], int) else axes
    return shapes.transpose(self, order or None)


def install(
    ufunc_table: dict[Any, Any],
    function_table: dict[Any, Any],
    loops: dict[str, Callable[..., Expr]],
    more: dict[str, Any],
) -> None:
    """Attach operators, methods and protocols to `Expr`, and `more` members by name.

    `loops` are the functions that NumPy asks the entries of an object array for, by name.
    """

    def array_ufunc(self: Expr, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        return numpy_ufunc(ufunc_table, ufunc, method, inputs, kwargs)

    def array_function(self: Expr, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        return numpy_function(function_table, function, args, kwargs)

    def entry_loop(self: Expr, name: str) -> Any:
        """``np.exp`` of an object array calls ``x.exp()`` of its entries; `dir` does not list it."""
        if name in loops:
            return partial(loops[name], self)
        if name.startswith("is_"):  # what SymPy asks its operands for
            raise AttributeError(
                f"an expression has no attribute {name!r}: where a function of SymPy asked for it, call"
                " that of symgrad, such as symgrad.sin, or convert the expression with symgrad.to_sympy",
                name=name,
                obj=self,
            )
        whole = getattr(sys.modules["symgrad"], "__all__", ())
        advice = f"; write symgrad.{name}(e)" if name in whole else ""
        raise AttributeError(
            f"an expression has no attribute {name!r}{advice}", name=name, obj=self
        )

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
    members["__rdivmod__"] = _binary(ufuncs.divmod_)[1]
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
        "__rmul__": _rmul,
        "__pow__": _pow,
        "__neg__": _neg,
        "__pos__": lambda self: self,
        "__abs__": _abs,
        "__invert__": ufuncs.invert,
        "__divmod__": _binary(ufuncs.divmod_)[0],
        "__round__": lambda self, ndigits=None: ufuncs.round_(self, ndigits or 0),
        "__floor__": _member(ufuncs.floor),
        "__ceil__": _member(ufuncs.ceil),
        "__trunc__": _member(ufuncs.trunc),
        "__getitem__": indexing.getitem,
        "__bool__": _bool,
        "__len__": _len,
        "__iter__": _iter,
        "__contains__": _contains,
        "__float__": lambda self: float(_number(self, "float")),
        "__int__": lambda self: int(_number(self, "int")),
        "__complex__": lambda self: complex(_number(self, "complex")),
        "__index__": _index,
        "__format__": _format,
        "__getattr__": entry_loop,
        "__array_ufunc__": array_ufunc,
        "__array_function__": array_function,
        "__array__": _as_array,
        "__array_priority__": 1000.0,
        "_op_priority": 1000.0,  # SymPy's word for it: its operators leave the work to ours
        "__sympy__": False,  # nor are they taken for what SymPy could convert
        "T": property(shapes.transpose),
        "mT": property(matrix_products.matrix_transpose),
        "real": property(plain.real),
        "imag": property(plain.imag),
        "flat": property(shapes.ravel),
        "copy": plain.copy,
        "conj": plain.real,
        "conjugate": plain.real,
        "size": property(shapes.size),
        "sum": reducing.sum,
        "mean": reducing.mean,
        "var": reducing.var,
        "std": reducing.std,
        "prod": reducing.prod,
        "max": reducing.max,
        "min": reducing.min,
        "any": reducing.any,
        "all": reducing.all,
        "argmax": reducing.argmax,
        "argmin": reducing.argmin,
        "argsort": sorting.argsort,
        "sort": sorting.sort,
        "cumsum": reducing.cumsum,
        "cumprod": reducing.cumprod,
        "astype": convert.astype,
        "clip": select.clip,
        "compress": compress,
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
        "reshape": reshape,
        "transpose": transpose,
    }
    for name, member in (members | more).items():
        setattr(Expr, name, member)
