"""A notation for straight-line code: values of LLVM's with Python's operators.

``a*b + c`` on `Number`s appends instructions to a block. There is no control flow: what depends on a
condition is computed both ways and selected, so that a loop around the code can run it on vectors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from llvmlite import ir

DOUBLE: Final = ir.DoubleType()
FLOAT: Final = ir.FloatType()
BOOL: Final = ir.IntType(1)


class Processor(NamedTuple):
    """What a processor does in one instruction.

    Attributes
    ----------
    fused : bool
        A product and a sum, in one rounding.
    scales : bool
        Products with powers of two, of whole vectors.
    """

    fused: bool = True
    scales: bool = False


PLAIN: Final = Processor()


@dataclass(frozen=True, slots=True)
class Emitter:
    """Where code goes, and of what kind it is.

    Attributes
    ----------
    builder : llvmlite.ir.IRBuilder
    short : bool
        Whether results of the precision of float32 will do, though in double.
    fast : bool
        Whether 2.5 ulp will do.
    processor : Processor
    """

    builder: Any
    short: bool = False
    fast: bool = False
    processor: Processor = PLAIN

    def number(self, value: float, like: Any = DOUBLE) -> Number:
        """A constant."""
        return Number(self, ir.Constant(like, value))

    def intrinsic(self, name: str, *args: Number) -> Number:
        """A function that LLVM knows, ``llvm.NAME``, on numbers of one type."""
        function = _declared(self.builder.module, name, args[0].value.type, len(args))
        return Number(self, self.builder.call(function, [a.value for a in args]))

    def leading_zeros(self, x: Number) -> Number:
        """The zeros before the first bit of an integer that is not zero."""
        kind = x.value.type
        name = f"llvm.ctlz.i{kind.width}"
        found = self.builder.module.globals.get(name)
        function = found or ir.Function(
            self.builder.module, ir.FunctionType(kind, [kind, BOOL]), name
        )
        return Number(self, self.builder.call(function, [x.value, ir.Constant(BOOL, 1)]))


def _declared(module: Any, name: str, kind: Any, count: int) -> Any:
    full = f"llvm.{name}.{'f64' if kind == DOUBLE else 'f32'}"
    found = module.globals.get(full)
    return found or ir.Function(module, ir.FunctionType(kind, [kind] * count), full)


class Number:
    """A value in code: a float, an integer of as many bits, or a truth value."""

    __slots__ = ("code", "value")

    def __init__(self, code: Emitter, value: Any) -> None:
        self.code = code
        self.value = value

    @property
    def real(self) -> bool:
        """Whether it is a float."""
        return self.value.type in {DOUBLE, FLOAT}

    def _made(self, instruction: str, *args: Any) -> Number:
        return Number(self.code, getattr(self.code.builder, instruction)(*args))

    def like(self, other: Number | float) -> Any:
        """The value of another number, or of a constant of the same type."""
        return other.value if isinstance(other, Number) else ir.Constant(self.value.type, other)

    def _with(self, other: Number | float, of_reals: str, of_integers: str) -> Number:
        name = of_reals if self.real else of_integers
        return self._made(name, self.value, self.like(other))

    # Arithmetic

    def __add__(self, other: Number | float) -> Number:
        return self._with(other, "fadd", "add")

    __radd__ = __add__

    def __sub__(self, other: Number | float) -> Number:
        return self._with(other, "fsub", "sub")

    def __rsub__(self, other: float) -> Number:
        return Number(self.code, self.like(other)) - self

    def __mul__(self, other: Number | float) -> Number:
        return self._with(other, "fmul", "mul")

    __rmul__ = __mul__

    def __truediv__(self, other: Number | float) -> Number:
        return self._with(other, "fdiv", "sdiv")

    def __rtruediv__(self, other: float) -> Number:
        return Number(self.code, self.like(other)) / self

    def __neg__(self) -> Number:
        return self._made("fneg", self.value) if self.real else 0 - self

    def fma(self, factor: Number | float, term: Number | float) -> Number:
        """``self*factor + term``, in one rounding where the processor can."""
        if not self.code.processor.fused:
            return self * factor + term
        more = [Number(self.code, self.like(x)) for x in (factor, term)]
        return self.code.intrinsic("fma", self, *more)

    # Bits and truth

    def __and__(self, other: Number | int) -> Number:
        return self._made("and_", self.value, self.like(other))

    def __or__(self, other: Number | int) -> Number:
        return self._made("or_", self.value, self.like(other))

    def __xor__(self, other: Number | int) -> Number:
        return self._made("xor", self.value, self.like(other))

    def __invert__(self) -> Number:
        return self._made("not_", self.value)

    def __lshift__(self, places: Number | int) -> Number:
        return self._made("shl", self.value, self.like(places))

    def __rshift__(self, places: Number | int) -> Number:
        """A shift to the right, with zeros from the left."""
        return self._made("lshr", self.value, self.like(places))

    def bits(self) -> Number:
        """The integer with the bits of a float."""
        size = 64 if self.value.type == DOUBLE else 32
        return self._made("bitcast", self.value, ir.IntType(size))

    def as_float(self) -> Number:
        """The float with the bits of an integer."""
        return self._made("bitcast", self.value, DOUBLE if self.value.type.width == 64 else FLOAT)

    def _compared(self, sign: str, other: Number | float) -> Number:
        if not self.real:
            return self._made("icmp_signed", sign, self.value, self.like(other))
        name = "fcmp_unordered" if sign == "!=" else "fcmp_ordered"
        return self._made(name, sign, self.value, self.like(other))

    def __lt__(self, other: Number | float) -> Number:
        return self._compared("<", other)

    def __le__(self, other: Number | float) -> Number:
        return self._compared("<=", other)

    def __gt__(self, other: Number | float) -> Number:
        return self._compared(">", other)

    def __ge__(self, other: Number | float) -> Number:
        return self._compared(">=", other)

    def equals(self, other: Number | float) -> Number:
        return self._compared("==", other)

    def differs(self, other: Number | float) -> Number:
        """True beside nan."""
        return self._compared("!=", other)

    def is_nan(self) -> Number:
        return self._made("fcmp_unordered", "uno", self.value, self.like(0.0))

    def negative(self) -> Number:
        """Whether the sign is minus, that of zero or nan too."""
        return self.bits() < 0

    # Functions of one instruction

    def __abs__(self) -> Number:
        return self.code.intrinsic("fabs", self)

    def sqrt(self) -> Number:
        return self.code.intrinsic("sqrt", self)

    def floor(self) -> Number:
        return self.code.intrinsic("floor", self)

    def rint(self) -> Number:
        """The next integer, of two as near the even one."""
        return self.code.intrinsic("roundeven", self)

    def with_sign_of(self, other: Number) -> Number:
        return self.code.intrinsic("copysign", self, other)

    def extended(self, size: int) -> Number:
        """A positive integer in more bits."""
        return self._made("zext", self.value, ir.IntType(size))

    def truncated(self, size: int) -> Number:
        """The last bits of an integer."""
        return self._made("trunc", self.value, ir.IntType(size))

    def as_number(self) -> Number:
        """The float next to an integer that is not negative, or the number of a truth value."""
        return self._made("uitofp", self.value, DOUBLE)

    def times_power_of_two(self, n: Number) -> Number:
        """``self*2**n`` for an integer n of 32 bits, by the processor's own instruction."""
        kind, name = ir.FunctionType(DOUBLE, [DOUBLE, ir.IntType(32)]), "llvm.ldexp.f64.i32"
        module = self.code.builder.module
        function = module.globals.get(name) or ir.Function(module, kind, name)
        return Number(self.code, self.code.builder.call(function, [self.value, n.value]))

    def widened(self) -> Number:
        return self._made("fpext", self.value, DOUBLE)

    def narrowed(self) -> Number:
        return self._made("fptrunc", self.value, FLOAT)


def select(condition: Number, yes: Number | float, no: Number | float) -> Number:
    """One of two numbers; at least one is no constant, or both are doubles."""
    code = condition.code
    if isinstance(yes, Number):
        one, other = yes.value, yes.like(no)
    elif isinstance(no, Number):
        one, other = no.like(yes), no.value
    else:
        one, other = ir.Constant(DOUBLE, yes), ir.Constant(DOUBLE, no)
    return Number(code, code.builder.select(condition.value, one, other))


def horner(x: Number, coefficients: Sequence[float]) -> Number:
    """A polynomial, of which the constant comes first."""
    *rest, last = coefficients
    value: Number | float = last
    for c in reversed(rest):
        value = value.fma(x, c) if isinstance(value, Number) else x.fma(value, c)
    assert isinstance(value, Number)
    return value
