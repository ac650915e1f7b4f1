"""The functions that a formula text can call, by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from typing import Any, Final

from symgrad.autodiff import diff
from symgrad.expr.leaves import EULER, HALF, PI, number, value_of
from symgrad.expr.node import Expr
from symgrad.ops import (
    bessel,
    decompositions,
    determinant,
    families,
    linalg,
    matrix_functions,
    matrix_powers,
    norms,
    products,
    pseudoinverse,
    quotients,
    reducing,
    select,
    shapes,
    softmax,
    special,
    ufuncs,
)
from symgrad.ops.elementwise import Elementwise
from symgrad.ops.stop import stop_gradient
from symgrad.ops.table import OPS


@dataclass(frozen=True, slots=True)
class Function:
    """What a name calls, the fewest and most operands it takes (None: any number), its options."""

    call: Callable[..., Expr]
    least: int = 1
    most: int | None = 1
    options: tuple[str, ...] = ()

    def takes(self) -> str:
        """The number of operands, in words."""
        if self.most is None:
            return f"{self.least} or more operands"
        if self.least == self.most:
            return f"{self.least} operand" + "s" * (self.least != 1)
        return f"{self.least} to {self.most} operands"


NUMBERS: Final = {
    "pi": PI,
    "π": PI,
    "E": EULER,
    "inf": number(float("inf")),
    "nan": number(float("nan")),
}
ARRAY_ATTRIBUTES: Final[dict[str, Callable[[Expr], Expr]]] = {"T": shapes.transpose}

_AXES: Final = ("axis", "keepdims")


def _log(x: Expr, base: Expr | None = None) -> Expr:
    """``log(x, base)`` is ``log(x)/log(base)``."""
    return ufuncs.log(x) if base is None else ufuncs.log(x) / ufuncs.log(base)


def _largest(x: Expr, *rest: Expr, **options: Any) -> Expr:
    return reduce(ufuncs.maximum, rest, x) if rest else reducing.max(x, **options)


def _smallest(x: Expr, *rest: Expr, **options: Any) -> Expr:
    return reduce(ufuncs.minimum, rest, x) if rest else reducing.min(x, **options)


def _diff(e: Expr, *by: Expr) -> Expr:
    """``diff(e, x, 2, y)``: numbers say how often."""
    return diff(e, *[x if value_of(x) is None else value_of(x) for x in by])


_COMPOSED: Final = {
    "add": Function(ufuncs.add, 2, 2),
    "subtract": Function(ufuncs.subtract, 2, 2),
    "multiply": Function(ufuncs.multiply, 2, 2),
    "divide": Function(ufuncs.divide, 2, 2),
    "power": Function(ufuncs.power, 2, 2),
    "negative": Function(ufuncs.negative),
    "positive": Function(ufuncs.positive),
    "square": Function(ufuncs.square),
    "sqrt": Function(ufuncs.sqrt),
    "reciprocal": Function(ufuncs.reciprocal),
    "degrees": Function(ufuncs.degrees),
    "radians": Function(ufuncs.radians),
    "log": Function(_log, 1, 2),
    "heaviside": Function(lambda x, at_zero=HALF: ufuncs.heaviside(x, at_zero), 1, 2),
    "where": Function(select.where, 3, 3),
    "clip": Function(select.clip, 3, 3),
    "diff": Function(_diff, 1, None),
    "stop_gradient": Function(stop_gradient),
    "max": Function(_largest, 1, None, _AXES),
    "min": Function(_smallest, 1, None, _AXES),
    "logical_and": Function(lambda x, *rest: reduce(ufuncs.logical_and, rest, x), 2, None),
    "logical_or": Function(lambda x, *rest: reduce(ufuncs.logical_or, rest, x), 2, None),
    "lambertw": Function(special.lambertw, 1, 2),
    "sinc": Function(quotients.sinc),
    "exprel": Function(quotients.exprel),
    "sec": Function(lambda x: 1 / ufuncs.cos(x)),
    "csc": Function(lambda x: 1 / ufuncs.sin(x)),
    "cot": Function(lambda x: 1 / ufuncs.tan(x)),
}


def _of_order(function: Callable[..., Expr], n: int | None = None) -> Function:
    """``jv(v, x)``, of an order that is a number; of the n-th derivative by x."""

    def call(v: Expr, x: Expr) -> Expr:
        order = v if value_of(v) is None else value_of(v)
        return function(order, x) if n is None else function(order, x, n)

    return Function(call, 2, 2)


def _of_numbers(function: Callable[..., Expr], count: int) -> Function:
    """``hyp2f1(a, b, c, x)``, of parameters that are numbers."""

    def call(*given: Expr) -> Expr:
        *numbers, x = given
        return function(*[c if value_of(c) is None else value_of(c) for c in numbers], x)

    return Function(call, count, count)


def _matrix_power(a: Expr, n: Expr) -> Expr:
    exponent: Any = value_of(n)
    if exponent is None:
        exponent = n  # which raises the error that says what is needed
    return matrix_powers.matrix_power(a, exponent)  # type: ignore[no-any-return]


_ORDERED: Final = {
    **{
        f.__name__: _of_order(f)
        for f in (special.polygamma, special.expn, families.iv_ratio, families.log_iv)
    },
    "zeta": Function(special.zeta, 1, 2),
    "hyp0f1": _of_numbers(special.hyp0f1, 2),
    "hyp1f1": _of_numbers(special.hyp1f1, 3),
    "hyp2f1": _of_numbers(special.hyp2f1, 4),
    **{f"{c}v": _of_order(getattr(bessel, f"{c}v")) for c in "jyik"},
    **{f"{c}ve": _of_order(getattr(bessel, f"{c}ve")) for c in "ik"},
    **{f"{c}{n}": Function(getattr(bessel, f"{c}{n}")) for c in "jyik" for n in (0, 1)},
    **{f"{c}{n}e": Function(getattr(bessel, f"{c}{n}e")) for c in "ik" for n in (0, 1)},
}
SYMBOLS_TOO: Final = {"beta", "gamma", "psi", *_ORDERED}  # unless they are called
_DERIVATIVES: Final[dict[str, Callable[..., Expr]]] = {
    "erfcx": families.erfcx_derivative,
    "dawsn": families.dawsn_derivative,
    "log_erfc": families.log_erfc_derivative,
    "log_ndtr": families.log_ndtr_derivative,
}
_ORDERED_DERIVATIVES: Final[dict[str, Callable[..., Expr]]] = {
    "ive": families.ive_derivative,
    "kve": families.kve_derivative,
    "iv_ratio": families.iv_ratio,
}
PRIMED: Final = frozenset({*_DERIVATIVES, *_ORDERED_DERIVATIVES})


def derivative_of(name: str, n: int) -> Function:
    """What ``erfcx''(x)`` calls, of a name in `PRIMED`."""
    if name in _ORDERED_DERIVATIVES:
        return _of_order(_ORDERED_DERIVATIVES[name], n)
    return Function(lambda x: _DERIVATIVES[name](x, n))


# Names of SymPy, of `math`, and of NumPy itself for functions above
_ALIASES: Final = {
    "Abs": "absolute",
    "And": "logical_and",
    "Heaviside": "heaviside",
    "Max": "max",
    "Min": "min",
    "Mod": "mod",
    "Not": "logical_not",
    "Or": "logical_or",
    "abs": "absolute",
    "acos": "arccos",
    "acosh": "arccosh",
    "asin": "arcsin",
    "asinh": "arcsinh",
    "atan": "arctan",
    "atan2": "arctan2",
    "atanh": "arctanh",
    "ceiling": "ceil",
    "deg2rad": "radians",
    "fabs": "absolute",
    "ln": "log",
    "pow": "power",
    "rad2deg": "degrees",
    "remainder": "mod",
    "round": "rint",
    "sgn": "sign",
    "sigmoid": "expit",
    "true_divide": "divide",
}


def _scalar_functions() -> dict[str, Function]:
    table = {
        op.name: Function(op, op.arity, op.arity)
        for op in OPS.values()
        if isinstance(op, Elementwise)
    }
    table |= _COMPOSED | _ORDERED
    return table | {alias: table[name] for alias, name in _ALIASES.items()}


SCALAR_FUNCTIONS: Final = _scalar_functions()

_OF_MATRICES: Final = {
    linalg: "inv logdet",
    determinant: "det",
    decompositions: "cholesky eigvalsh svdvals",
    matrix_functions: "expm",
    pseudoinverse: "pinv",
}
ARRAY_FUNCTIONS: Final = {
    **{
        name: Function(getattr(reducing, name), options=_AXES)
        for name in "sum mean var std prod any all".split()
    },
    "logsumexp": Function(softmax.logsumexp, options=_AXES),
    "norm": Function(norms.norm, options=_AXES),
    **{
        name: Function(getattr(reducing, name), options=("axis",))
        for name in "argmax argmin cumsum cumprod".split()
    },
    "softmax": Function(softmax.softmax, options=("axis",)),
    "log_softmax": Function(softmax.log_softmax, options=("axis",)),
    **{
        name: Function(getattr(products, name), 2, 2)
        for name in "matmul dot vdot inner outer kron cross".split()
    },
    **{
        name: Function(getattr(shapes, name))
        for name in "transpose ravel diag diagonal tril triu squeeze".split()
    },
    **{
        name: Function(getattr(module, name))
        for module, names in _OF_MATRICES.items()
        for name in names.split()
    },
    "solve": Function(linalg.solve, 2, 2),
    "matrix_power": Function(_matrix_power, 2, 2),
    "trace": Function(products.trace),
}
