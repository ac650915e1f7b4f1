"""Derivatives of `max`, `maximum`, `clip` and the like as a reader writes them: one choice, no nesting.

What is computed where operands are equal is half of each derivative: ``where(a >= b, g*where(a == b, 1/2,
1), 0)``. In text that is ``g*heaviside(a - b, 1/2)``, in LaTeX one environment of cases. The count of equal
largest entries is ``sum(v == max(v))``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Final, NamedTuple

from symgrad.expr.leaves import is_number, is_value, number, value_of
from symgrad.expr.node import Expr, make
from symgrad.expr.rewriting import replace
from symgrad.expr.traverse import toposort
from symgrad.ops import ufuncs as f
from symgrad.ops.arithmetic import ADD, MUL, POW, add, mul, mul_all, without
from symgrad.ops.einsum import EINSUM, is_stretched_scalar
from symgrad.ops.guard import WHERE

HALF: Final = Fraction(1, 2)
MAX_STEPS: Final = 2  # of one choice: more would need too many rows
MAX_LIVE: Final = 60  # nodes of a derivative that is looked at


class ConditionStep(NamedTuple):
    """The condition that `above` is no less than `below`; where they are equal a share counts."""

    above: Expr
    below: Expr
    share: Fraction = HALF


def one_choice(x: Expr, latex: bool) -> Expr:
    """A choice with weights where operands are equal, for reading; anything else is itself."""
    condition, live, dead = x.args
    if not is_value(dead, 0) or live.size_as_tree > MAX_LIVE:
        return x
    factors = list(live.args) if live.op is MUL else [live]
    others, steps = _steps(condition, factors)
    if not 0 < len(steps) <= MAX_STEPS or len({s.share for s in steps}) > 1:
        return x
    steps = _plain(steps)
    steps, factors = _without_needless(steps, factors)
    value = mul_all([number(1, x.shape), *_under(steps, factors)])
    if not latex:
        made = _with_heavisides(steps, value, x)
    elif steps:
        made = _with_rows(steps, value)
    else:
        made = value
    return _choice(_all_of(others), made, dead) if others else made


def count(x: Expr) -> Expr:
    """``sum(where(c, 1, 0))`` as the sum of truth values ``sum(c)``."""
    if len(x.args) != 1 or x.args[0].op is not WHERE:
        return x
    condition, one, zero = x.args[0].args
    if not (is_value(one, 1) and is_value(zero, 0)) or x.params.spread:
        return x
    return make(EINSUM, (condition,), x.params, x.shape, x.ty)


# What a choice is made of


def _steps(condition: Expr, factors: list[Expr]) -> tuple[list[Expr], list[ConditionStep]]:
    """The other conditions, and the steps whose weights stand among the factors, which are taken out."""
    others: list[Expr] = []
    steps: list[ConditionStep] = []
    for c in _conjuncts(condition):
        weight = _weight(c, factors) if c.op is f.greater_equal else None
        if weight is None:
            others.append(c)
        else:
            factors[:] = without(factors, weight)
            share = HALF if weight.op is WHERE else HALF ** value_of(weight.args[1])
            above, below = c.args
            steps.append(ConditionStep(above, below, share))
    return others, steps


def _conjuncts(condition: Expr) -> list[Expr]:
    found = [condition]
    while any(c.op is f.logical_and for c in found) and len(found) <= MAX_LIVE:
        found = [d for c in found for d in (c.args if c.op is f.logical_and else (c,))]
    return found


def _weight(c: Expr, factors: Sequence[Expr]) -> Expr | None:
    """The factor ``where(a == b, 1/2, 1)``, or a power of it, for the condition ``a >= b``."""
    for factor in factors:
        x = _base(factor)
        if x.op is WHERE and value_of(x.args[1]) == HALF and is_value(x.args[2], 1):
            equal = x.args[0]
            if equal.op is f.equal and set(equal.args) == set(c.args):
                return factor
    return None


def _plain(steps: list[ConditionStep]) -> list[ConditionStep]:
    """Steps without the larger or smaller of two that another step tells: clip's ``maximum(x, 0)``."""
    if len(steps) < 2:
        return steps
    known = [dict(_known(s)) for s in steps]
    plain = [
        ConditionStep(known[1 - k].get(a, a), known[1 - k].get(b, b), share)
        for k, (a, b, share) in enumerate(steps)
    ]
    return sorted(plain, key=lambda step: is_number(step.above))  # 0 <= x before x <= 1


def _known(step: ConditionStep) -> list[tuple[Expr, Expr]]:
    a, b, _ = step
    return [(f.maximum(a, b), a), (f.minimum(a, b), b)]


def _without_needless(
    steps: list[ConditionStep], factors: list[Expr]
) -> tuple[list[ConditionStep], list[Expr]]:
    """``maximum(a, 0)`` is 0 already where the step ``a >= 0`` would make it so."""
    for step in steps:
        size = next((known for known, side in _known(step) if _is_zero_outside(known, step)), None)
        if any(_base(x) is size for x in factors) and all(map(_is_tame, factors)):
            return [s for s in steps if s is not step], factors
    return steps, factors


def _is_zero_outside(known: Expr, step: ConditionStep) -> bool:
    zero = step.below if known.op is f.maximum else step.above
    return is_value(zero, 0)


def _base(x: Expr) -> Expr:
    n = value_of(x.args[1]) if x.op is POW else None
    return x.args[0] if n.__class__ is int and n > 0 else x


def _under(steps: Sequence[ConditionStep], factors: Sequence[Expr]) -> list[Expr]:
    """Factors with the larger or smaller of two that a step tells by that one."""
    known = dict([pair for step in steps for pair in _known(step)])
    return replace(list(factors), known, {}) if known else list(factors)


# How it is written


def _with_heavisides(steps: Sequence[ConditionStep], value: Expr, like: Expr) -> Expr:
    made = [f.heaviside(_difference(s), number(s.share, like.shape)) for s in steps]
    if is_value(value, 1) and made:
        return mul_all(made)
    if _is_tame(value):
        return mul_all([value, *made])
    condition = _all_of(list(map(_at_or_beyond, steps)))
    return _choice(condition, mul_all([value, *made]), number(0, like.shape))


def _difference(step: ConditionStep) -> Expr:
    if is_value(step.below, 0):
        return step.above
    return add(step.above, mul(number(-1, step.below.shape), step.below))


def _with_rows(steps: Sequence[ConditionStep], value: Expr) -> Expr:
    """Rows of one choice: all of a value inside, half of it at one limit, a quarter at two."""
    zero = number(0, value.shape)
    half = mul(number(steps[0].share, value.shape), value)
    if len(steps) == 1:
        (s,) = steps
        return _choice(_beyond(s), value, _choice(f.equal(s.above, s.below), half, zero))
    made = _choice(_all_of(list(map(_at_or_beyond, steps))), half, zero)
    if _may_meet(steps):
        quarter = mul(number(steps[1].share, value.shape), half)
        made = _choice(_all_of([f.equal(s.above, s.below) for s in steps]), quarter, made)
    return _choice(_all_of(list(map(_beyond, steps))), value, made)


def _beyond(step: ConditionStep) -> Expr:
    """The condition with a number on its right."""
    above, below, _ = step
    return f.less(below, above) if is_number(above) else f.greater(above, below)


def _at_or_beyond(step: ConditionStep) -> Expr:
    above, below, _ = step
    return f.less_equal(below, above) if is_number(above) else f.greater_equal(above, below)


def _may_meet(steps: Sequence[ConditionStep]) -> bool:
    """Whether both limits may be reached at once: two numbers that differ are not."""
    ends = [s.below if is_number(s.below) else s.above for s in steps]
    return not all(map(is_number, ends)) or value_of(ends[0]) == value_of(ends[1])


def _choice(condition: Expr, a: Expr, b: Expr) -> Expr:
    return make(WHERE, (condition, a, b), (), a.shape, a.ty)


def _all_of(conditions: Sequence[Expr]) -> Expr:
    found = conditions[0]
    for c in conditions[1:]:
        found = f.logical_and(found, c)
    return found


_TAME: Final = (ADD, MUL, EINSUM, WHERE, f.exp, f.sin, f.cos, f.tanh, f.absolute, f.sign, f.maximum)


def _is_tame(value: Expr) -> bool:
    """Whether a value is finite wherever its symbols are, so that 0 times it is 0."""
    return all(map(_is_tame_node, toposort([value])))


def _is_tame_node(x: Expr) -> bool:
    if x.op is POW:
        n = value_of(x.args[1])
        return n.__class__ is int and n > 0
    value = value_of(x)
    if value is not None:
        return math.isfinite(value)
    return not x.args or x.op in (*_TAME, f.minimum) or is_stretched_scalar(x)
