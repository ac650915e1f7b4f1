"""Which function of entries is which code, by the names that `Ufunc` kinds carry.

`function_in` puts a function into a module as one of LLVM's, which inlines it where a loop calls it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from llvmlite import ir

from symgrad.targets.native.functions import (
    error_function,
    exponential,
    hyperbolic,
    inverse_trigonometric,
    logarithm,
    plain,
    power,
    trigonometric,
)
from symgrad.targets.native.functions.number import BOOL, DOUBLE, PLAIN, Emitter, Number, Processor
from symgrad.targets.native.primitives import LIBRARY

Emit = Callable[..., Number]


@dataclass(frozen=True, slots=True)
class NativeFunction:
    """A function of entries.

    Attributes
    ----------
    emit : callable
        From `Number`s to a `Number`: straight-line code.
    arity : int
    ulps : float
        The most units in the last place that a result may be wrong by; 0 where it is exact or rounded
        correctly.
    either : bool
        Whether it works on float32 as it is; else it is computed in double, and rounded.
    truth : bool
        Whether the result is a truth value.
    large : callable, optional
        The code for the arguments that `beyond` is true of, where `emit` is not for all.
    """

    emit: Emit
    arity: int = 1
    ulps: float = 0.0
    either: bool = False
    truth: bool = False
    large: Emit | None = None


def _plain(emit: Emit, arity: int = 1, truth: bool = False) -> NativeFunction:
    return NativeFunction(emit, arity, either=True, truth=truth)


FUNCTIONS: Final[dict[str, NativeFunction]] = {
    "exp": NativeFunction(exponential.exp, ulps=1.0),
    "exp2": NativeFunction(exponential.exp2, ulps=1.0),
    "expm1": NativeFunction(exponential.expm1, ulps=1.0),
    "special.expit": NativeFunction(exponential.expit, ulps=1.0),
    "log": NativeFunction(logarithm.log, ulps=1.0),
    "log2": NativeFunction(logarithm.log2, ulps=1.0),
    "log10": NativeFunction(logarithm.log10, ulps=1.0),
    "log1p": NativeFunction(logarithm.log1p, ulps=1.0),
    "sin": NativeFunction(trigonometric.sin, ulps=1.0, large=trigonometric.sin_of_large),
    "cos": NativeFunction(trigonometric.cos, ulps=1.0, large=trigonometric.cos_of_large),
    "tan": NativeFunction(trigonometric.tan, ulps=1.0, large=trigonometric.tan_of_large),
    "arcsin": NativeFunction(inverse_trigonometric.arcsin, ulps=1.0),
    "arccos": NativeFunction(inverse_trigonometric.arccos, ulps=1.0),
    "arctan": NativeFunction(inverse_trigonometric.arctan, ulps=1.0),
    "arctan2": NativeFunction(inverse_trigonometric.arctan2, 2, ulps=1.0),
    "sinh": NativeFunction(hyperbolic.sinh, ulps=1.0),
    "cosh": NativeFunction(hyperbolic.cosh, ulps=1.0),
    "tanh": NativeFunction(hyperbolic.tanh, ulps=1.0),
    "arcsinh": NativeFunction(hyperbolic.arcsinh, ulps=1.0),
    "arccosh": NativeFunction(hyperbolic.arccosh, ulps=1.0),
    "arctanh": NativeFunction(hyperbolic.arctanh, ulps=1.0),
    "power": NativeFunction(power.power, 2, ulps=1.0),
    "float_power": NativeFunction(power.power, 2, ulps=1.0),
    "cbrt": NativeFunction(power.cbrt, ulps=1.0),
    "hypot": NativeFunction(power.hypot, 2, ulps=1.0),
    "logaddexp": NativeFunction(power.logaddexp, 2, ulps=1.0),
    "logaddexp2": NativeFunction(power.logaddexp2, 2, ulps=1.0),
    "special.erf": NativeFunction(error_function.erf, ulps=1.0),
    "special.erfc": NativeFunction(error_function.erfc, ulps=2.0),
    "sqrt": _plain(plain.sqrt),
    "square": _plain(plain.square),
    "reciprocal": _plain(plain.reciprocal),
    "positive": _plain(plain.positive),
    "add": _plain(lambda x, y: x + y, 2),
    "subtract": _plain(lambda x, y: x - y, 2),
    "multiply": _plain(lambda x, y: x * y, 2),
    "divide": _plain(lambda x, y: x / y, 2),
    "negative": _plain(lambda x: -x),
    "absolute": _plain(abs),
    "abs": _plain(abs),
    "fabs": _plain(abs),
    "floor": _plain(plain.floor),
    "ceil": _plain(plain.ceil),
    "trunc": _plain(plain.trunc),
    "rint": _plain(plain.rint),
    "sign": _plain(plain.sign),
    "copysign": _plain(plain.copysign, 2),
    "heaviside": _plain(plain.heaviside, 2),
    "maximum": _plain(plain.maximum, 2),
    "minimum": _plain(plain.minimum, 2),
    "fmax": _plain(plain.fmax, 2),
    "fmin": _plain(plain.fmin, 2),
    "deg2rad": NativeFunction(plain.deg2rad, ulps=1.0),
    "rad2deg": NativeFunction(plain.rad2deg, ulps=1.0),
    "radians": NativeFunction(plain.deg2rad, ulps=1.0),
    "degrees": NativeFunction(plain.rad2deg, ulps=1.0),
    "equal": _plain(lambda x, y: x.equals(y), 2, truth=True),
    "not_equal": _plain(lambda x, y: x.differs(y), 2, truth=True),
    "less": _plain(lambda x, y: x < y, 2, truth=True),
    "less_equal": _plain(lambda x, y: x <= y, 2, truth=True),
    "greater": _plain(lambda x, y: x > y, 2, truth=True),
    "greater_equal": _plain(lambda x, y: x >= y, 2, truth=True),
    "isnan": _plain(plain.isnan, truth=True),
    "isinf": _plain(plain.isinf, truth=True),
    "isfinite": _plain(plain.isfinite, truth=True),
    "signbit": _plain(plain.signbit, truth=True),
}

# Those that C's library has, by their names there
BY_C_NAME: Final[Mapping[str, str]] = {c: name for name, c in LIBRARY.items() if name in FUNCTIONS}


def emit(name: str, code: Emitter, *values: Any) -> Any:
    """The value of a function by its name, of values of LLVM's of one type, double or float."""
    function = FUNCTIONS[name]
    numbers = [Number(code, v) for v in values]
    if function.either or values[0].type == DOUBLE:
        return function.emit(*numbers).value
    return _in_double(function.emit, code, numbers).value


def _in_double(emitted: Emit, code: Emitter, numbers: list[Number]) -> Number:
    """A function of float32 by way of double, in fewer terms."""
    short = Emitter(code.builder, True, code.fast, code.processor)
    result = emitted(*[Number(short, x.widened().value) for x in numbers])
    return result if result.value.type == BOOL else result.narrowed()


def function_in(
    module: Any, name: str, kind: Any = DOUBLE, fast: bool = False,
    processor: Processor = PLAIN,
    whole: bool = True,
) -> Any:  # fmt: skip
    """A function by its name in a module, of arguments of one type.

    Parameters
    ----------
    module : llvmlite.ir.Module
    name : str
    kind : DOUBLE or FLOAT
    fast : bool
        Whether 2.5 ulp will do.
    processor : Processor
    whole : bool
        Whether it branches where an argument needs it; if not, it is for arguments that `beyond` is not
        true of.
    """
    function = FUNCTIONS[name]
    branches = whole and function.large is not None
    size = "f64" if kind == DOUBLE else "f32"
    full = ".".join(["symgrad", name, size, *["fast"] * fast, *["whole"] * branches])
    found = module.globals.get(full)
    if found is not None:
        return found
    result = BOOL if function.truth else kind
    made = ir.Function(module, ir.FunctionType(result, [kind] * function.arity), full)
    made.linkage = "internal"
    if not branches:
        made.attributes.add("alwaysinline")
    builder = ir.IRBuilder(made.append_basic_block())
    code = Emitter(builder, fast=fast, processor=processor)
    if branches:
        x = Number(code, made.args[0])
        wide = x if kind == DOUBLE else x.widened()
        with builder.if_then(trigonometric.beyond(wide).value, likely=False):
            assert function.large is not None
            large = function.large(wide)
            builder.ret((large if kind == DOUBLE else large.narrowed()).value)
    builder.ret(emit(name, code, *made.args))
    return made
