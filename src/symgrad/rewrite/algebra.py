"""The elementary identities, as data: powers, exponentials, absolute values, inverse functions."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any, Final

from symgrad.expr.leaves import SIZE, is_value, number, value_of
from symgrad.expr.node import Expr
from symgrad.expr.numbers import is_exact, power_value
from symgrad.expr.ranges import is_nonnegative, is_positive, range_of
from symgrad.ops import ufuncs as f
from symgrad.ops.arithmetic import (
    ADD,
    MUL,
    POW,
    is_scaled_far,
    mul,
    mul_all,
    power,
    split_coefficient,
)
from symgrad.ops.einsum import EINSUM, is_layout
from symgrad.ops.elementwise import Elementwise
from symgrad.ops.guard import WHERE, guarded, is_guard, under_guard
from symgrad.rewrite.constants import CONSTANT_RULES
from symgrad.rewrite.deviations import DEVIATION_RULES
from symgrad.rewrite.entries import ENTRY_RULES
from symgrad.rewrite.matrices import MATRIX_RULES
from symgrad.rewrite.matrix_powers import POWER_RULES
from symgrad.rewrite.powers_in_exponents import EXP_OF_LOG
from symgrad.rewrite.row_choices import ROW_RULES
from symgrad.rewrite.rule import Guarantee, Rule, by_op
from symgrad.rewrite.shares import SHARE_RULES
from symgrad.rewrite.structured import READ_RULES
from symgrad.rewrite.sums import content_of

EXACT, ROUNDING, DOMAIN = Guarantee.EXACT, Guarantee.ROUNDING, Guarantee.DOMAIN


def _undoes(outer: Elementwise, inner: Elementwise, guarantee: Guarantee) -> Rule:
    """``outer(inner(u)) -> u``."""

    def apply(y: Expr) -> Expr | None:
        return y.args[0].args[0] if y.args[0].op is inner else None

    return Rule(f"{outer.name}({inner.name}(u)) = u", guarantee, outer, apply)


# Powers


def _power_of_power(y: Expr) -> Expr | None:
    """``(u**a)**b``: ``u**(a*b)`` for an integer b or u >= 0, ``|u|**(a*b)`` for an even a."""
    x, p = y.args
    b = value_of(p)
    if x.op is not POW or not is_exact(b):
        return None
    u, q = x.args
    a = value_of(q)
    if b.__class__ is int:
        return power(u, mul(p, q)) if a is None or is_exact(a) else None
    if not is_exact(a):
        return None
    if is_nonnegative(u):
        return power(u, number(a * b, p.shape))
    if a % 2 == 0:
        base = u if (a * b) % 2 == 0 else f.absolute(u)
        return power(base, number(a * b, p.shape))
    return None


def _power_of_multiple(y: Expr) -> Expr | None:
    """``(c*u)**n -> c**n * u**n`` where ``c**n`` is exact (c > 0 unless n is an integer)."""
    x, p = y.args
    n = value_of(p)
    if x.op is not MUL or not is_exact(n):
        return None
    c, rest = split_coefficient(x)
    if not is_exact(c) or c == 1 or rest is None or (c < 0 and n.__class__ is not int):
        return None
    scale = power_value(c, n)
    return None if scale is None else mul(number(scale, y.shape), power(rest, p))


def _power_of_sum(y: Expr) -> Expr | None:
    """``(c*a + c*b)**n -> c**n * (a + b)**n`` for an integer n."""
    x, p = y.args
    n = value_of(p)
    if x.op is not ADD or n.__class__ is not int:
        return None
    c, primitive = content_of(x)
    if c == 1:
        return None
    return mul(number(power_value(c, n), y.shape), power(primitive, p))


def _root_of_multiple(y: Expr) -> Expr | None:
    """``(a**2*s)**(n/2) -> |a|**n*s**(n/2)`` of a sum s of products, as of the norm of ``a*x``."""
    x, p = y.args
    n = value_of(p)
    if x.op is not MUL or not is_exact(n) or n.denominator == 1:
        return None
    squares = [g for g in x.args if g.op is POW and value_of(g.args[1]) in (2, -2)]
    rest = [g for g in x.args if not any(g is s for s in squares)]
    if not squares or len(rest) != 1 or rest[0].op is not EINSUM or is_layout(rest[0]):
        return None
    bases = [power(f.absolute(g.args[0]), mul(g.args[1], p)) for g in squares]
    return mul_all([*bases, power(rest[0], p)])


def _power_of_abs(y: Expr) -> Expr | None:
    """``|u|**n -> u**n`` for an even n."""
    x, p = y.args
    n = value_of(p)
    if x.op is f.absolute and n.__class__ is int and n % 2 == 0:
        return power(x.args[0], p)
    return None


def _power_of_sign(y: Expr) -> Expr | None:
    """``sign(u)**n -> sign(u)`` for an odd n > 0, ``sign(u)**2`` for an even one."""
    x, p = y.args
    n = value_of(p)
    if x.op is f.sign and n.__class__ is int and n > 2:
        return x if n % 2 else power(x, number(2, p.shape))
    return None


def _power_of_cbrt(y: Expr) -> Expr | None:
    """``cbrt(u)**(3k) -> u**k``."""
    x, p = y.args
    n = value_of(p)
    if x.op is f.cbrt and n.__class__ is int and n % 3 == 0:
        return power(x.args[0], number(n // 3, p.shape))
    return None


def _cbrt_of_power(y: Expr) -> Expr | None:
    """``cbrt(u**(3k)) -> u**k``."""
    x = y.args[0]
    if x.op is POW:
        n = value_of(x.args[1])
        if n.__class__ is int and n % 3 == 0:
            return power(x.args[0], number(n // 3, y.shape))
    return None


# Exponentials and logarithms


def _log_of_power(y: Expr) -> Expr | None:
    """``log(u**c) -> c*log(u)`` for u > 0; ``log(exp(u)**n) -> n*u``."""
    x = y.args[0]
    if x.op is not POW:
        return None
    u, p = x.args
    if u.op is f.exp:
        return mul(p, u.args[0])
    return mul(p, f.log(u)) if is_positive(u) else None


# Absolute value and sign


def _abs_of(y: Expr) -> Expr | None:
    """``|u| -> u`` for u >= 0, ``-u`` for u <= 0; ``|c*u| -> |c|*|u|``, ``|sign(u)| -> sign(u)**2``."""
    x = y.args[0]
    known = range_of(x)
    if known.nonnegative:
        return x
    if known.nonpositive:
        return mul(number(-1, y.shape), x)
    if x.op is f.sign:
        return power(x, number(2, y.shape))
    if x.op is MUL:
        c, rest = split_coefficient(x)
        if c != 1 and rest is not None:
            return mul(number(abs(c), y.shape), f.absolute(rest))
    return None


def _sign_of_known(y: Expr) -> Expr | None:
    """``sign(u) -> 1`` for u > 0, -1 for u < 0."""
    known = range_of(y.args[0])
    return number(1 if known.positive else -1, y.shape) if known.nonzero else None


def _sign_of(y: Expr) -> Expr | None:
    """``sign(c*u) -> sign(c)*sign(u)``, ``sign(sign(u)) -> sign(u)``, ``sign(|u|) -> sign(u)**2``."""
    x = y.args[0]
    if x.op is f.sign:
        return x
    if x.op is f.absolute:
        return power(f.sign(x.args[0]), number(2, y.shape))
    if x.op is MUL:
        c, rest = split_coefficient(x)
        if c not in (0, 1) and rest is not None and c == c:
            return mul(number(1 if c > 0 else -1, y.shape), f.sign(rest))
    return None


# Choices


def _degrees_of_freedom(y: Expr) -> Expr | None:
    """``max(n - 1, 0) -> n - 1`` of an extent: of no entries at all, nothing is divided by it."""
    for total, least in (y.args, y.args[::-1]):
        if total.op is ADD and len(total.args) == 2 and is_value(least, 0):
            counts = [x for x in total.args if not is_value(x, -1)]
            sizes = counts[0].args if counts[0].op is MUL else counts[:1]
            if len(counts) == 1 and all(x.op is SIZE for x in sizes):
                return total
    return None


def _same_operands(y: Expr) -> Expr | None:
    return y.args[0] if y.args[0] is y.args[1] else None


def _guard_of_guards(y: Expr) -> Expr | None:
    """``where(c or d, where(c, a, 0) + where(d, b, 0), 0)``: the guards inside suffice."""
    condition, a, b = y.args
    if condition.op is not f.logical_or or a.op is not ADD or not is_value(b, 0):
        return None
    allowed = _disjuncts(condition)
    for term in a.args:
        inner = term.args[-1] if term.op is MUL and len(term.args) == 2 else term
        if inner.op is not WHERE or not is_value(inner.args[2], 0) or inner.args[0] not in allowed:
            return None
    return a


def _disjuncts(condition: Expr) -> set[Expr]:
    found: set[Expr] = set()
    stack = [condition]
    while stack:
        node = stack.pop()
        if node.op is f.logical_or:
            stack.extend(node.args)
        else:
            found.add(node)
    return found


def _negated_choice(y: Expr) -> Expr | None:
    """``where(not c, a, b) -> where(c, b, a)``."""
    condition, a, b = y.args
    if condition.op is f.logical_not:
        return WHERE.build((condition.args[0], b, a), ())
    return None


# Einsum


def _einsum_coefficient(y: Expr) -> Expr | None:
    """Numeric factors of operands, and of what operands choose, move out of an Einsum."""
    scale: int | float | Fraction = 1
    operands = []
    for x in y.args:
        c, rest = _coefficient(x)
        if rest is None or c == 1 or isinstance(c, bool):
            operands.append(x)
        else:
            scale = scale * c
            operands.append(rest)
    if scale == 1 and all(a is b for a, b in zip(operands, y.args, strict=True)):
        return None
    return mul(number(scale, y.shape), EINSUM.build(tuple(operands), y.params))


def _coefficient(x: Expr) -> tuple[Any, Expr | None]:
    """c and A of ``c*A``; of ``where(p, c*A, 0)`` c and ``where(p, A, 0)``."""
    if x.op is not WHERE or not is_guard(x):
        return split_coefficient(x) if x.op is MUL and not is_scaled_far(x) else (1, x)
    c, rest = split_coefficient(guarded(x)[1])
    if rest is None or c == 1 or not is_exact(c) or is_scaled_far(guarded(x)[1]):
        return 1, x
    return c, under_guard(x, lambda _: rest)


def _power_rule(name: str, guarantee: Guarantee, apply: Callable[[Expr], Expr | None]) -> Rule:
    return Rule(name, guarantee, POW, apply)


# A power of a power of u is one power, so (1/u)**-2 is u**2: what makes powers may define more
ALGEBRA: Final = by_op(
    (
        _power_rule(
            "(u**a)**b = u**(a*b), sqrt(u)**2 = u, sqrt(u**2) = |u|", DOMAIN, _power_of_power
        ),
        _power_rule("(c*u)**n = c**n * u**n", DOMAIN, _power_of_multiple),
        _power_rule("(c*a + c*b)**n = c**n * (a + b)**n", ROUNDING, _power_of_sum),
        _power_rule("sqrt(a**2*x @ x) = |a|*sqrt(x @ x)", ROUNDING, _root_of_multiple),
        _power_rule("|u|**(2k) = u**(2k)", DOMAIN, _power_of_abs),
        _power_rule("sign(u)**(2k+1) = sign(u)", EXACT, _power_of_sign),
        _power_rule("cbrt(u)**(3k) = u**k", DOMAIN, _power_of_cbrt),
        Rule("cbrt(u**(3k)) = u**k", ROUNDING, f.cbrt, _cbrt_of_power),
        _undoes(f.log, f.exp, EXACT),
        Rule("log(u**c) = c*log(u), u > 0", ROUNDING, f.log, _log_of_power),
        EXP_OF_LOG,
        _undoes(f.log1p, f.expm1, EXACT),
        _undoes(f.expm1, f.log1p, DOMAIN),
        _undoes(f.log2, f.exp2, EXACT),
        _undoes(f.exp2, f.log2, DOMAIN),
        _undoes(f.sin, f.arcsin, DOMAIN),
        _undoes(f.cos, f.arccos, DOMAIN),
        _undoes(f.tan, f.arctan, ROUNDING),
        _undoes(f.sinh, f.arcsinh, ROUNDING),
        _undoes(f.cosh, f.arccosh, DOMAIN),
        _undoes(f.tanh, f.arctanh, DOMAIN),
        _undoes(f.arcsinh, f.sinh, EXACT),
        _undoes(f.arctanh, f.tanh, EXACT),
        Rule("|u| of known sign, |c*u| = |c|*|u|", EXACT, f.absolute, _abs_of),
        Rule("sign(u) = 1, u > 0, or -1, u < 0", DOMAIN, f.sign, _sign_of_known),
        Rule("sign(c*u) = sign(c)*sign(u), sign(|u|) = sign(u)**2", EXACT, f.sign, _sign_of),
        Rule("max(u, u) = u", EXACT, f.maximum, _same_operands),
        Rule("max(n - 1, 0) = n - 1, n an extent", DOMAIN, f.maximum, _degrees_of_freedom),
        Rule("min(u, u) = u", EXACT, f.minimum, _same_operands),
        _undoes(f.logical_not, f.logical_not, EXACT),
        Rule("guards inside a guard by their disjunction", EXACT, WHERE, _guard_of_guards),
        Rule("where(not c, a, b) = where(c, b, a)", EXACT, WHERE, _negated_choice),
        *ROW_RULES,
        Rule("numbers move out of an Einsum", ROUNDING, EINSUM, _einsum_coefficient),
        *CONSTANT_RULES,
        *DEVIATION_RULES,
        *SHARE_RULES,
        *MATRIX_RULES,
        *POWER_RULES,
        *ENTRY_RULES,
        *READ_RULES,
    )
)
