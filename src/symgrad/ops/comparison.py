"""Comparison and logic: no derivative, because the results are booleans."""

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from symgrad.errors import DTypeError
from symgrad.expr.node import Expr
from symgrad.expr.numbers import is_exact
from symgrad.expr.types import BOOL
from symgrad.ops.elementwise import Elementwise, as_expr, elementwise
from symgrad.ops.public import public


def _comparison(
    name: str,
    sign: str,
    latex: str,
    sympy: Any,
    ufunc: np.ufunc,
    exact: Callable[[Any, Any], bool],
    **fields: Any,
) -> Elementwise:
    return elementwise(
        name,
        derivative=(None, None),
        numpy=f"{{0}} {sign} {{1}}",
        scalar=f"{{0}} {sign} {{1}}",
        text=f"{{0}} {sign} {{1}}",
        latex=f"{{0}} {latex} {{1}}",
        sympy=sympy,
        ufunc=ufunc,
        exact=exact,
        **fields,
    )


less = _comparison("less", "<", "<", lambda sp, a, b: sp.Lt(a, b), np.less, operator.lt)
less_equal = _comparison(
    "less_equal", "<=", r"\leq", lambda sp, a, b: sp.Le(a, b), np.less_equal, operator.le
)
greater = _comparison("greater", ">", ">", lambda sp, a, b: sp.Gt(a, b), np.greater, operator.gt)
greater_equal = _comparison(
    "greater_equal", ">=", r"\geq", lambda sp, a, b: sp.Ge(a, b), np.greater_equal, operator.ge
)
equal: Elementwise = _comparison(
    "equal", "==", "=", lambda sp, a, b: sp.Eq(a, b), np.equal, operator.eq, commutative=True
)
not_equal = _comparison(
    "not_equal",
    "!=",
    r"\neq",
    lambda sp, a, b: sp.Ne(a, b),
    np.not_equal,
    operator.ne,
    commutative=True,
)


def _logical(name: str, word: str, latex: str, sympy: Any, ufunc: np.ufunc) -> Elementwise:
    return elementwise(
        name,
        derivative=(None, None),
        numpy=f"np.{name}({{0}}, {{1}})",
        scalar=f"(bool({{0}}) {word} bool({{1}}))",
        text=f"({{0}} {word} {{1}})" if word in ("and", "or") else f"{name}({{0}}, {{1}})",
        latex=f"{{0}} {latex} {{1}}",
        sympy=sympy,
        ufunc=ufunc,
        exact=lambda a, b: bool(ufunc(a != 0, b != 0)),
        commutative=True,
    )


logical_and = _logical(
    "logical_and", "and", r"\wedge", lambda sp, a, b: sp.And(a, b), np.logical_and
)
logical_or = _logical("logical_or", "or", r"\vee", lambda sp, a, b: sp.Or(a, b), np.logical_or)
logical_xor = _logical(
    "logical_xor", "!=", r"\oplus", lambda sp, a, b: sp.Xor(a, b), np.logical_xor
)
logical_not = elementwise(
    "logical_not",
    derivative=None,
    numpy="np.logical_not({0})",
    scalar="(not {0})",
    text="not({0})",
    latex=r"\neg {0}",
    sympy=lambda sp, a: sp.Not(a),
    ufunc=np.logical_not,
    exact=lambda a: bool(a == 0),
)


def _bitwise(name: str, logical: Callable[[Any, Any], Expr]) -> Callable[[Any, Any], Expr]:
    """The bitwise operation, which is the logical one for booleans and not defined for others."""

    @public
    def call(x1: Any, x2: Any) -> Expr:
        a, b = as_expr(x1), as_expr(x2)
        for x in (a, b):
            if x.ty is not BOOL:
                raise DTypeError(
                    f"{name} takes booleans only here, not {x.dtype}; write {logical.__name__}(a, b)"
                    " for the truth of numbers, and parentheses around comparisons: (x > 0) & (y > 0)"
                )
        return logical(a, b)

    call.__name__ = call.__qualname__ = name
    call.__doc__ = f"``{logical.__name__}`` of booleans; other operands raise `DTypeError`."
    return call


bitwise_and = _bitwise("bitwise_and", logical_and)
bitwise_or = _bitwise("bitwise_or", logical_or)
bitwise_xor = _bitwise("bitwise_xor", logical_xor)


@public
def invert(x: Any) -> Expr:
    """``logical_not`` of a boolean; other operands raise `DTypeError`."""
    a = as_expr(x)
    if a.ty is not BOOL:
        raise DTypeError(
            f"invert takes booleans only here, not {a.dtype}; write logical_not(x) for x == 0"
        )
    return logical_not(a)


def _test(name: str, scalar: str, sympy: Any, exact: Callable[[Any], bool]) -> Elementwise:
    return elementwise(
        name,
        derivative=None,
        numpy=f"np.{name}({{0}})",
        scalar=scalar,
        sympy=sympy,
        ufunc=getattr(np, name),
        exact=lambda x: exact(x) if is_exact(x) else None,
        special=(np.inf, -np.inf, np.nan, 0.0),
    )


isnan = _test("isnan", "{0} != {0}", lambda sp, x: sp.Eq(x, sp.nan), lambda x: False)
isinf = _test(
    "isinf",
    "{0} - {0} != 0.0 and {0} == {0}",
    lambda sp, x: sp.Eq(sp.Abs(x), sp.oo),
    lambda x: False,
)
isfinite = _test(
    "isfinite", "{0} - {0} == 0.0", lambda sp, x: sp.Lt(sp.Abs(x), sp.oo), lambda x: True
)
signbit = _test(
    "signbit", "copysign(1.0, {0}) < 0.0", lambda sp, x: sp.Lt(x, 0), lambda x: bool(x < 0)
)
