"""What each function of entries is in machine code and in C: an instruction, a function of a library, or
a formula over others.

Types are letters: ``f`` is a float of 64 bits, ``b`` a truth value. Every formula is what NumPy computes,
infinities, nan and signed zeros included.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Final, NamedTuple

from symgrad.expr.kinds import Formula, Tree, Ufunc, Written
from symgrad.expr.templates import entrywise_kind, operand_count


class Primitive(NamedTuple):
    """One instruction.

    Attributes
    ----------
    operands, result : str
        The types.
    llvm, c : str
        Templates over the operands.
    """

    operands: str
    result: str
    llvm: str
    c: str


def _infix(llvm: str, sign: str, operands: str = "ff", result: str = "f") -> Primitive:
    of = "double" if operands[0] == "f" else "i1"
    return Primitive(operands, result, f"{llvm} {of} {{0}}, {{1}}", f"{{0}} {sign} {{1}}")


def _intrinsic(llvm: str, c: str, count: int = 1) -> Primitive:
    given = ", ".join(f"double {{{i}}}" for i in range(count))
    plain = ", ".join(f"{{{i}}}" for i in range(count))
    return Primitive("f" * count, "f", f"call double @llvm.{llvm}.f64({given})", f"{c}({plain})")


PRIMITIVES: Final[Mapping[str, Primitive]] = {
    "add": _infix("fadd", "+"),
    "subtract": _infix("fsub", "-"),
    "multiply": _infix("fmul", "*"),
    "divide": _infix("fdiv", "/"),
    "negative": Primitive("f", "f", "fneg double {0}", "-{0}"),
    "equal": _infix("fcmp oeq", "==", result="b"),
    "not_equal": _infix("fcmp une", "!=", result="b"),
    "less": _infix("fcmp olt", "<", result="b"),
    "less_equal": _infix("fcmp ole", "<=", result="b"),
    "greater": _infix("fcmp ogt", ">", result="b"),
    "greater_equal": _infix("fcmp oge", ">=", result="b"),
    "logical_and": _infix("and", "&&", "bb", "b"),
    "logical_or": _infix("or", "||", "bb", "b"),
    "logical_xor": _infix("xor", "!=", "bb", "b"),
    "logical_not": Primitive("b", "b", "xor i1 {0}, true", "!{0}"),
    "where": Primitive(
        "bff", "f", "select i1 {0}, double {1}, double {2}", "{0} ? {1} : {2}"
    ),
    "abs": _intrinsic("fabs", "fabs"),
    "sqrt": _intrinsic("sqrt", "sqrt"),
    "floor": _intrinsic("floor", "floor"),
    "ceil": _intrinsic("ceil", "ceil"),
    "trunc": _intrinsic("trunc", "trunc"),
    "rint": _intrinsic("rint", "rint"),
    "copysign": _intrinsic("copysign", "copysign", 2),
}  # fmt: skip

# The functions of C's library, by NumPy's names: correct to an ulp or so where this is the GNU library
LIBRARY: Final[Mapping[str, str]] = {
    **{name: name for name in "exp exp2 expm1 log log2 log10 log1p cbrt".split()},
    **{name: name for name in "sin cos tan sinh cosh tanh hypot fmod nextafter".split()},
    **{f"arc{name}": f"a{name}" for name in "sin cos tan sinh cosh tanh".split()},
    "arctan2": "atan2",
    "power": "pow",
    "special.erf": "erf",
    "special.erfc": "erfc",
}
# Functions of SciPy that C has under other names, where SciPy's own cannot be called
ALSO_IN_C: Final[Mapping[str, str]] = {"special.gamma": "tgamma", "special.gammaln": "lgamma"}

_REMAINDER: Final = "np.fmod({0}, {1})"
_OTHER_SIDE: Final = f"np.logical_xor({{1}} < 0.0, {_REMAINDER} < 0.0)"
_EXACT: Final = f"({{0}} - {_REMAINDER})/{{1}}"  # floats divide to a whole number, but for rounding
_WHOLE: Final = (
    f"np.where(np.logical_and({_REMAINDER} != 0.0, {_OTHER_SIDE}), {_EXACT} - 1.0, {_EXACT})"
)
_LOG2: Final = "0.6931471805599453"

# Formulas in NumPy's words, as it computes them
COMPOSED: Final[Mapping[str, str]] = {
    "absolute": "np.abs({0})",
    "square": "{0}*{0}",
    "reciprocal": "1.0/{0}",
    "maximum": "np.where(np.logical_or({0} >= {1}, {0} != {0}), {0}, {1})",
    "minimum": "np.where(np.logical_or({0} <= {1}, {0} != {0}), {0}, {1})",
    "fmax": "np.where(np.logical_or({0} >= {1}, {1} != {1}), {0}, {1})",
    "fmin": "np.where(np.logical_or({0} <= {1}, {1} != {1}), {0}, {1})",
    "sign": "np.where({0} > 0.0, 1.0, np.where({0} < 0.0, -1.0, np.where({0} == 0.0, 0.0, {0})))",
    "heaviside": "np.where({0} != {0}, {0}, np.where({0} == 0.0, {1}, np.where({0} < 0.0, 0.0, 1.0)))",
    "isnan": "{0} != {0}",
    "isinf": "np.abs({0}) == 1e999",
    "isfinite": "np.abs({0}) < 1e999",
    "signbit": "np.copysign(1.0, {0}) < 0.0",
    "mod": f"np.where(np.logical_or({{1}} == 0.0, {_REMAINDER} != {_REMAINDER}), {_REMAINDER}, np.where("
    f"{_REMAINDER} == 0.0, np.copysign(0.0, {{1}}), np.where({_OTHER_SIDE},"
    f" {_REMAINDER} + {{1}}, {_REMAINDER})))",
    "floor_divide": f"np.where({{1}} == 0.0, {{0}}/{{1}}, np.where({_WHOLE} == 0.0,"
    f" np.copysign(0.0, {{0}}/{{1}}), np.where({_WHOLE} - np.floor({_WHOLE}) > 0.5,"
    f" np.floor({_WHOLE}) + 1.0, np.floor({_WHOLE}))))",
    "logaddexp": f"np.where({{0}} == {{1}}, {{0}} + {_LOG2}, np.maximum({{0}}, {{1}})"
    " + np.log1p(np.exp(-np.abs({0} - {1}))))",
    "logaddexp2": "np.where({0} == {1}, {0} + 1.0, np.maximum({0}, {1})"
    " + np.log1p(np.exp2(-np.abs({0} - {1})))*1.4426950408889634)",
    "spacing": "np.nextafter({0}, np.copysign(1e999, {0})) - {0}",
}  # fmt: skip


@cache
def composed(name: str) -> Tree | None:
    """The formula of a function that is several others; None for any other."""
    template = COMPOSED.get(name)
    if template is None:
        return None
    count = operand_count(template)
    kind = entrywise_kind(template, "", count)
    assert kind is not None and not isinstance(kind, Written), template
    return kind.tree if isinstance(kind, Formula) else Tree(kind, tuple(range(count)))


def is_known(name: str) -> bool:
    """Whether a function is here, and not one of SciPy's or of somebody's own."""
    return name in PRIMITIVES or name in LIBRARY or name in COMPOSED


def ufunc_name(kind: object) -> str | None:
    """The name of a function of entries; None of any other kind."""
    return kind.name if isinstance(kind, Ufunc) else None
