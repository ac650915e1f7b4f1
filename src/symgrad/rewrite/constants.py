"""Functions of named numbers that have a value: ``sin(pi)``, ``log(E)``, ``E**x``."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Final

from symgrad.expr.leaves import EULER, NAMED_NUMBER, PI, number, value_of
from symgrad.expr.node import Expr
from symgrad.expr.numbers import is_exact
from symgrad.ops import ufuncs as f
from symgrad.ops.arithmetic import POW, split_coefficient
from symgrad.ops.elementwise import Elementwise
from symgrad.rewrite.rule import Guarantee, Rule

HALF: Final = Fraction(1, 2)

# values at multiples of pi from 0 up to, not including, the period; None where there is none
_SINES: Final[dict[Fraction, int | Fraction]] = {
    Fraction(0): 0, Fraction(1, 6): HALF, HALF: 1, Fraction(5, 6): HALF,
    Fraction(1): 0, Fraction(7, 6): -HALF, Fraction(3, 2): -1, Fraction(11, 6): -HALF,
}  # fmt: skip
_TANGENTS: Final = {Fraction(0): 0, Fraction(1, 4): 1, Fraction(3, 4): -1}


def _at(
    x: Expr, values: Mapping[Fraction, int | Fraction], period: int, shift: Fraction
) -> Expr | None:
    """The value at a multiple of pi, from a table."""
    c, rest = split_coefficient(x)
    if rest is not PI or not is_exact(c):
        return None
    value = values.get((c + shift) % period)
    return None if value is None else number(value)


def _of_pi(
    op: Elementwise, values: Mapping[Fraction, int | Fraction], period: int, shift: Fraction
) -> Rule:
    return Rule(
        f"{op.name}(k*pi)", Guarantee.EXACT, op, lambda y: _at(y.args[0], values, period, shift)
    )


def _exponential(y: Expr) -> Expr | None:
    """``E**u -> exp(u)``"""
    base, p = y.args
    if base.op is not NAMED_NUMBER or base is not EULER or value_of(p) is not None:
        return None
    return f.exp(p)


def _log_of_euler(y: Expr) -> Expr | None:
    """``log(E) -> 1``, ``log(E**n) -> n``"""
    base, n = y.args[0].args if y.args[0].op is POW else (y.args[0], number(1))
    return n if base is EULER else None


CONSTANT_RULES: Final = (
    _of_pi(f.sin, _SINES, 2, Fraction(0)),
    _of_pi(f.cos, _SINES, 2, HALF),
    _of_pi(f.tan, _TANGENTS, 1, Fraction(0)),
    Rule("E**u = exp(u)", Guarantee.ROUNDING, POW, _exponential),
    Rule("log(E**n) = n", Guarantee.EXACT, f.log, _log_of_euler),
)
