"""Differences of one function at arguments that are near each other: ``log(x + 1) - log(x)``.

Where the difference d of two arguments u and v is shorter than they are, since their terms cancel when they
are written out, an addition theorem has d in it, and no difference of large numbers::

    log(u) - log(v)       = log1p(d/v)                       for |d| < v/2, and log(u/v) alike
    arctan(u) - arctan(v) = arctan2(d, 1 + u*v)
    sin(u) - sin(v)       = 2*cos((u + v)/2)*sin(d/2)
    cos(u) - cos(v)       = -2*sin((u + v)/2)*sin(d/2)
    tan(u) - tan(v)       = sin(d)/(cos(u)*cos(v))

Formulas: NIST Digital Library of Mathematical Functions, 4.21 and 4.24; Hamming, Numerical Methods for
Scientists and Engineers, 1973, section 3.3.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from typing import Any, Final

from symgrad.expr.leaves import number, value_of
from symgrad.expr.node import Expr
from symgrad.expr.op import Op
from symgrad.ops import ufuncs as f
from symgrad.ops.arithmetic import (
    ADD,
    MUL,
    POW,
    add_all,
    factors_of,
    mul_all,
    split_coefficient,
    without,
)
from symgrad.ops.guard import choose
from symgrad.ops.scaled import quotient
from symgrad.rewrite.expanded import Expanded, expanded, sum_of
from symgrad.rewrite.powers import as_term
from symgrad.rewrite.rule import Guarantee, Rule

MAX_TERMS: Final = 6  # of a sum that is looked at
MAX_TREE: Final = 60  # nodes, as a tree, of an argument

# The difference of a function at u and v, from u, v, u - v and the difference as it is
Difference = Callable[[Expr, Expr, Expr, Expr], Expr]


def _of_logarithms(u: Expr, v: Expr, d: Expr, plain: Expr) -> Expr:
    return choose(f.less(2 * f.absolute(d), v), f.log1p(quotient(d, v)), plain)


def _of_sines(u: Expr, v: Expr, d: Expr, plain: Expr) -> Expr:
    return 2 * f.cos(_mean(u, v)) * f.sin(d / 2)


def _of_cosines(u: Expr, v: Expr, d: Expr, plain: Expr) -> Expr:
    return -2 * f.sin(_mean(u, v)) * f.sin(d / 2)


def _mean(u: Expr, v: Expr) -> Expr:
    parts = [p for p in (expanded(u / 2), expanded(v / 2)) if p is not None]
    return _sum(sum_of(parts), u) if len(parts) == 2 else (u + v) / 2


DIFFERENCES: Final[Mapping[Op, Difference]] = {
    f.log: _of_logarithms,
    f.arctan: lambda u, v, d, plain: f.arctan2(d, 1 + u * v),
    f.sin: _of_sines,
    f.cos: _of_cosines,
    f.tan: lambda u, v, d, plain: f.sin(d) / (f.cos(u) * f.cos(v)),
}


def difference_of_functions(y: Expr) -> Expr | None:
    """A sum with two terms ``c*g(u) - c*g(v)`` as one, where u - v is shorter than u and v."""
    if len(y.args) > MAX_TERMS:
        return None
    found = [(t, *_function_in(t)) for t in y.args]
    for (s, a, g, u, more), (t, b, h, v, others) in combinations(found, 2):
        if g is None or g is not h or u is None or v is None or a != -b:
            continue
        if len(more) != len(others) or set(more) != set(others):
            continue
        d = short_difference(u, v)
        if d is not None:
            c = number(a, y.shape)
            plain = add_all([_over(s, c, more), _over(t, c, more)])
            made = mul_all([c, *more, DIFFERENCES[g](u, v, d, plain)])
            return add_all([made, *without(y.args, s, t)])
    return None


def _over(term: Expr, c: Expr, more: Sequence[Expr]) -> Expr:
    """A term without its other factors: plus or minus the function."""
    a, rest = split_coefficient(term)
    function = next(x for x in factors_of(rest) if x not in set(more)) if rest is not None else term
    return function if a == value_of(c) else -function


def _function_in(term: Expr) -> tuple[Any, Op | None, Expr | None, tuple[Expr, ...]]:
    """The number of a term, its function and the argument of that, and the other factors."""
    c, rest = split_coefficient(term)
    factors = factors_of(rest) if rest is not None and not isinstance(c, bool) else ()
    functions = [x for x in factors if _argument(x) is not None]
    if len(functions) != 1:
        return c, None, None, ()
    (x,) = functions
    op = f.log if x.op is f.log1p else x.op
    return c, op, _argument(x), tuple(without(factors, x))


def _argument(x: Expr) -> Expr | None:
    if x.op is f.log1p:
        return 1 + x.args[0]
    return x.args[0] if x.op in DIFFERENCES else None


def logarithm_of_ratio(y: Expr) -> Expr | None:
    """``log(u/v) = log1p((u - v)/v)`` where u is near v, if u - v is shorter than u and v."""
    x = y.args[0]
    if x.op is not MUL or len(x.args) != 2:
        return None
    above = [t for t in x.args if not _is_reciprocal(t)]
    below = [t.args[0] for t in x.args if _is_reciprocal(t)]
    if len(above) != 1 or len(below) != 1:
        return None
    d = short_difference(above[0], below[0])
    if d is None:
        return None
    (v,) = below
    return choose(f.less(2 * f.absolute(d), f.absolute(v)), f.log1p(quotient(d, v)), y)


def _is_reciprocal(x: Expr) -> bool:
    return x.op is POW and value_of(x.args[1]) == -1


def short_difference(u: Expr, v: Expr) -> Expr | None:
    """``u - v``, where that is a shorter sum than the longer of u and v, and not 0."""
    if ADD not in (u.op, v.op) or max(u.size_as_tree, v.size_as_tree) > MAX_TREE:
        return None
    p, q = expanded(u), expanded(v)
    if p is None or q is None:
        return None
    left = sum_of([p, {m: -c for m, c in q.items()}])
    if not left or len(left) >= max(len(p), len(q)):
        return None
    return _sum(left, u)


def _sum(p: Expanded, like: Expr) -> Expr:
    return add_all(
        [as_term(dict(sorted(m, key=lambda pair: pair[0].order)), like, c) for m, c in p.items()]
    )


NEAR: Final = (
    Rule(
        "log(u) - log(v) = log1p((u - v)/v), sin(u) - sin(v)",
        Guarantee.ROUNDING,
        ADD,
        difference_of_functions,
    ),
    Rule("log(u/v) = log1p((u - v)/v)", Guarantee.ROUNDING, f.log, logarithm_of_ratio),
)
