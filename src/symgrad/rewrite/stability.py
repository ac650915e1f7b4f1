"""Stable forms: formulas as people write them, rewritten on the way to code so that they keep accuracy.

Every rule is the same real function; what changes is what floating point makes of it, at the edges
above all. The rules look at sums, products, powers and logarithms of exponentials, logistic
functions, and sums of exponentials over axes; the last become logsumexp.

References: Higham, Accuracy and Stability of Numerical Algorithms, 2002, ch. 1; Blanchard, Higham,
Higham, Accurately computing the log-sum-exp and softmax functions, IMA J. Numer. Anal. 41, 2021.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

from symgrad.expr.leaves import EYE, is_number, is_value, number, value_of
from symgrad.expr.node import Expr
from symgrad.expr.op import Op
from symgrad.expr.traverse import count_uses, rebuild, toposort
from symgrad.ops import ufuncs as f
from symgrad.ops.arithmetic import (
    ADD,
    MUL,
    POW,
    add_all,
    is_exact,
    mul,
    mul_all,
    power,
    raw_product,
    split_coefficient,
)
from symgrad.ops.einsum import EINSUM, einsum_node, is_layout
from symgrad.ops.linalg import DET, INV, LOGABSDET, SIGNDET, SOLVE
from symgrad.ops.reduction import LOGSUMEXP
from symgrad.rewrite.rule import Guarantee, Rule, by_op, rewrite
from symgrad.rewrite.tensor import hoisted, sums_nothing

EXACT, ROUNDING, DOMAIN = Guarantee.EXACT, Guarantee.ROUNDING, Guarantee.DOMAIN


def stabilize(roots: Sequence[Expr]) -> list[Expr]:
    """The roots with every formula in its stable form."""
    return _rewritten(roots, STABILITY)


def stable_sums(roots: Sequence[Expr]) -> tuple[Sequence[Expr], list[Expr]]:
    """The roots with sums of exponentials as logsumexp, and the topological order of the result.

    For differentiation: in a derivative the exponentials and the sum that divides them drift apart.
    """
    order = toposort(roots)
    if not any(node.op is EINSUM and _summed_exponent(node) is not None for node in order):
        return roots, order
    stable = _rewritten(roots, SUMS)
    return stable, toposort(stable)


def _rewritten(roots: Sequence[Expr], rules: Mapping[Op, tuple[Rule, ...]]) -> list[Expr]:
    order = toposort(roots)
    uses = count_uses(order, roots)
    image: dict[Expr, Expr] = {}
    for node in order:
        built = rebuild(node, tuple([image[arg] for arg in node.args]))
        if built.op is EINSUM and len(built.args) > 1:
            built = _stable_einsum(built)
        elif built.op.elementwise:
            built = hoisted(built)
            if is_layout(built):  # the function is below the stretch now
                built = EINSUM.build((rewrite(built.args[0], rules),), built.params)
        image[node] = rewrite(built, rules) if built.op in rules else built
        if built.op is EINSUM and len(node.args) == 2:
            image[node] = _solve_for_inverse(image[node], node, uses)
    return [image[root] for root in roots]


# Logarithms


def _exponents_of(terms: Sequence[Expr]) -> list[Expr] | None:
    """u_i with ``term_i = exp(u_i)``, where each term is c*exp(u) or c, c > 0, and one at least is
    an exponential."""
    exponents = []
    found = False
    for term in terms:
        c, rest = split_coefficient(term)
        if isinstance(c, bool) or not c > 0:
            return None
        log_c = f.log(number(c, term.shape))
        if rest is None:
            exponents.append(log_c)
        elif rest.op is f.exp:
            exponents.append(rest.args[0] if c == 1 else rest.args[0] + log_c)
            found = True
        else:
            return None
    return exponents if found else None


def _log_of_sum(y: Expr) -> Expr | None:
    """``log(1 + exp(u)) = softplus(u)``, ``log(exp(u) + exp(v)) = logaddexp(u, v)``, ``log(1 + u)``."""
    x = y.args[0]
    if x.op is not ADD:
        return None
    exponents = _exponents_of(x.args)
    if exponents is not None:
        total = exponents[0]
        for u in exponents[1:]:
            total = _logaddexp(total, u)
        return total
    rest = [t for t in x.args if not is_number(t)]
    numbers = [t for t in x.args if is_number(t)]
    if len(numbers) == 1 and is_value(numbers[0], 1) and rest:
        return f.log1p(add_all(rest))
    return None


def _logaddexp(a: Expr, b: Expr) -> Expr:
    if is_value(a, 0):
        return f.softplus(b)
    return f.softplus(a) if is_value(b, 0) else f.logaddexp(a, b)


def _log_of_product(y: Expr) -> Expr | None:
    """``log(exp(u)*r) = u + log(r)``, ``log(c*sum(exp(u))) = log(c) + logsumexp(u)``, for c > 0."""
    x = y.args[0]
    if x.op is not MUL:
        return None
    exponents = [t for t in x.args if t.op is f.exp]
    rest = [t for t in x.args if t.op is not f.exp]
    if exponents and rest:
        return add_all([*[t.args[0] for t in exponents], f.log(raw_product(tuple(rest)))])
    sums = [t for t in x.args if _summed_exponent(t) is not None]
    others = [t for t in x.args if _summed_exponent(t) is None]
    if len(sums) == 1 and others and all(_positive(t) for t in others):
        return f.log(sums[0]) + f.log(raw_product(tuple(others)))
    return None


def _positive(x: Expr) -> bool:
    base = x.args[0] if x.op is POW else x
    v = value_of(base)
    return base.op.name == "size" or (v is not None and not isinstance(v, bool) and v > 0)


def _log_of_reciprocal(y: Expr) -> Expr | None:
    """``log(u**-n) = -n*log(u)`` for an odd n and a sum u."""
    x = y.args[0]
    if x.op is not POW or x.args[0].op not in (ADD, EINSUM, DET):
        return None
    n = value_of(x.args[1])
    if n.__class__ is int and n < 0 and n % 2:
        return mul(x.args[1], f.log(x.args[0]))
    return None


def _log_of_expit(y: Expr) -> Expr | None:
    """``log(expit(u)) = -softplus(-u)``."""
    x = y.args[0]
    return -f.softplus(-x.args[0]) if x.op is f.expit else None


def _log_of_logsumexp(y: Expr) -> Expr | None:
    """``log(sum(exp(u))) = logsumexp(u)``."""
    return _log_total(y.args[0])


def _summed_exponent(x: Expr) -> Expr | None:
    """u, where `x` is ``sum(exp(u))`` over some axes, the others in order."""
    if x.op is not EINSUM or len(x.args) != 1 or x.args[0].op is not f.exp:
        return None
    (labels,), out, spread = x.params
    kept = tuple(n for n in labels if n in out)
    if spread or kept != out or len(set(labels)) != len(labels) or len(out) == len(labels):
        return None
    return x.args[0].args[0]


def _log_total(x: Expr) -> Expr | None:
    u = _summed_exponent(x)
    if u is None:
        return None
    (labels,), out, _ = x.params
    axes = tuple(i for i, n in enumerate(labels) if n not in out)
    return LOGSUMEXP.build((u,), (axes,))


def _log_of_det(y: Expr) -> Expr | None:
    """``log(det(A)) = log|det(A)| + log(sign det(A))``, without overflow; nan for a negative one."""
    x = y.args[0]
    if x.op is not DET:
        return None
    return LOGABSDET.build(x.args, ()) + f.log(SIGNDET.build(x.args, ()))


# Differences that cancel


def _difference(y: Expr) -> Expr | None:
    """``c*exp(u) - c = c*expm1(u)``, ``c - c*cos(u) = 2c*sin(u/2)**2``, and the like."""
    terms = list(y.args)
    constant = next((t for t in terms if is_number(t)), None)
    if constant is None:
        return None
    c = value_of(constant)
    for term in terms:
        k, rest = split_coefficient(term)
        if rest is None or isinstance(k, bool):
            continue
        other = _less_one(rest) if k == -c else None
        if other is not None:
            kept = [t for t in terms if t is not term and t is not constant]
            return add_all([*kept, mul(number(k, y.shape), other)])
    return None


def _less_one(x: Expr) -> Expr | None:
    """``x - 1`` in a form that does not cancel, for an x that is near 1 somewhere."""
    if x.op is f.exp:
        return f.expm1(x.args[0])
    if x.op is f.cos:
        return -2 * f.sin(x.args[0] / 2) ** 2
    if x.op is f.cosh:
        return 2 * f.sinh(x.args[0] / 2) ** 2
    if x.op is f.expit:
        return -f.expit(-x.args[0])
    if x.op is f.exp2:
        return f.expm1(x.args[0] * math.log(2))
    return None


def _logistic_variance(y: Expr) -> Expr | None:
    """``c*s - c*s**2 = c*s*expit(-u)`` for ``s = expit(u)``, also times a factor."""
    linear: dict[Any, tuple[Any, Expr]] = {}
    for term in y.args:
        c, rest = split_coefficient(term)
        if rest is not None and not isinstance(c, bool):
            linear[rest] = (c, term)
    for rest, (c, term) in linear.items():
        factors = rest.args if rest.op is MUL else (rest,)
        for factor in factors:
            if factor.op is not POW or factor.args[0].op is not f.expit:
                continue
            if not is_value(factor.args[1], 2):
                continue
            s = factor.args[0]
            once = mul_all([s, *[x for x in factors if x is not factor]]) if len(factors) > 1 else s
            partner = linear.get(once)
            if partner is not None and partner[0] == -c:
                kept = [t for t in y.args if t is not term and t is not partner[1]]
                product = mul_all([number(-c, y.shape), once, f.expit(-s.args[0])])
                return add_all([*kept, product]) if kept else product
    return None


# Reciprocals and products of exponentials


def _logistic(y: Expr) -> Expr | None:
    """``(1 + exp(u))**-k = expit(-u)**k``."""
    x, p = y.args
    k = value_of(p)
    if k is None or isinstance(k, bool) or not k < 0:
        return None
    if x.op is ADD and len(x.args) == 2:
        numbers = [t for t in x.args if is_value(t, 1)]
        exponentials = [t for t in x.args if t.op is f.exp]
        if len(numbers) == 1 and len(exponentials) == 1:
            return power(f.expit(-exponentials[0].args[0]), number(-k, p.shape))
    return None


def _reciprocal_of_sum(y: Expr) -> Expr | None:
    """``sum(exp(u))**-k = exp(-k*logsumexp(u))``."""
    x, p = y.args
    k = value_of(p)
    if k is None or isinstance(k, bool) or not k < 0:
        return None
    total = _log_total(x)
    return None if total is None else f.exp(mul(p, total))


def _logistic_product(y: Expr) -> Expr | None:
    """``exp(m*u) * expit(-u)**k = expit(u)**m * expit(-u)**(k - m)`` for an integer 0 < m <= k."""
    for e in y.args:
        if e.op is not f.exp:
            continue
        for s in y.args:
            base, k = (s.args[0], value_of(s.args[1])) if s.op is POW else (s, 1)
            if base.op is not f.expit or not is_exact(k):
                continue
            m = _multiple(e.args[0], base.args[0])
            if m is None or not 0 < m <= k:
                continue
            rest = [x for x in y.args if x is not e and x is not s]
            u = -base.args[0]
            made = [
                power(f.expit(u), number(m, y.shape)),
                power(base, number(k - m, y.shape)),
            ]
            return mul_all([*rest, *made])
    return None


def _multiple(w: Expr, v: Expr) -> int | None:
    """The integer m with ``w = -m*v``."""
    cw, rw = split_coefficient(w)
    cv, rv = split_coefficient(v)
    if rw is not rv or rw is None or not is_exact(cw) or not is_exact(cv):
        return None
    m = -cw / cv if cw % cv else -(cw // cv)
    return int(m) if m == int(m) else None


def _softmax_product(y: Expr) -> Expr | None:
    """``exp(u) * exp(-logsumexp(v)) = exp(u - logsumexp(v))``, also through a broadcast."""
    exponents = [_exponent_through_layout(x) for x in y.args]
    found = [u for u in exponents if u is not None]
    if len(found) < 2 or not any(_has_logsumexp(u) for u in found):
        return None
    rest = [x for x, u in zip(y.args, exponents, strict=True) if u is None]
    return mul_all([*rest, f.exp(add_all(found))]) if rest else f.exp(add_all(found))


def _stable_einsum(y: Expr) -> Expr:
    """An Einsum that sums over nothing as a product; in another, exponentials of one sum combined."""
    inputs, out, spread = y.params
    if not any(x.op is EYE for x in y.args) and sums_nothing(y):
        full = dict(zip(out, y.shape, strict=True))
        return mul_all(
            [
                einsum_node([x], [labels], out, full)
                for x, labels in zip(y.args, inputs, strict=True)
            ]
        )
    factors = [
        (factor, labels)
        for x, labels in zip(y.args, inputs, strict=True)
        for factor in (x.args if x.op is MUL else (x,))
    ]
    merged = _merge_exponentials(factors)
    if merged is None:
        return y
    groups: dict[tuple[int, ...], list[Expr]] = {}
    for factor, labels in merged:
        groups.setdefault(labels, []).append(factor)
    operands = [parts[0] if len(parts) == 1 else mul_all(parts) for parts in groups.values()]
    return einsum_node(operands, list(groups), out, dict(spread))


Factors = list[tuple[Expr, tuple[int, ...]]]


def _merge_exponentials(factors: Factors) -> Factors | None:
    """``exp(u)_ij * exp(-logsumexp(v))_i -> exp(u_ij - logsumexp(v)_i)``."""
    for i, (x, labels) in enumerate(factors):
        if x.op is not f.exp or not _has_logsumexp(x.args[0]):
            continue
        for j, (other, wide) in enumerate(factors):
            if i == j or other.op is not f.exp or not set(labels) <= set(wide):
                continue
            full = dict(zip(wide, other.shape, strict=True))
            stretched = einsum_node([x.args[0]], [labels], wide, full)
            combined = f.exp(add_all([other.args[0], stretched]))
            rest = [pair for k, pair in enumerate(factors) if k not in (i, j)]
            combined_factors = [*rest, (combined, wide)]
            return _merge_exponentials(combined_factors) or combined_factors
    return None


def _exponent_through_layout(x: Expr) -> Expr | None:
    if x.op is f.exp:
        return x.args[0]
    if is_layout(x) and x.args[0].op is f.exp:
        return EINSUM.build((x.args[0].args[0],), x.params)
    return None


def _has_logsumexp(u: Expr) -> bool:
    parts = u.args if u.op in (ADD, MUL) else (u,)
    return any(
        p.op is LOGSUMEXP or (is_layout(p) and _has_logsumexp_leaf(p.args[0])) for p in parts
    )


def _has_logsumexp_leaf(x: Expr) -> bool:
    return x.op is LOGSUMEXP or (x.op is MUL and any(a.op is LOGSUMEXP for a in x.args))


# Linear systems


def _solve_for_inverse(y: Expr, node: Expr, uses: dict[Expr, int]) -> Expr:
    """``inv(A) @ b -> solve(A, b)`` where the inverse is needed for nothing else."""
    if y.op is not EINSUM or len(y.args) != 2 or y.args[0].op is not INV or y.args[0].ndim != 2:
        return y
    if uses.get(node.args[0], 0) != 1 and node.args[0].op is INV:
        return y
    (left, right), out, _ = y.params
    a, b = y.args[0].args[0], y.args[1]
    if right == (left[1],) and out == (left[0],):
        column = broadcast_column(b)
        solved = SOLVE.build((a, column), ())
        return EINSUM.build((solved,), (((0, 1),), (0,), ()))
    if len(right) == 2 and right[0] == left[1] and out == (left[0], right[1]):
        return SOLVE.build((a, b), ())
    return y


def broadcast_column(b: Expr) -> Expr:
    """A vector as a matrix of one column."""
    return EINSUM.build((b,), (((0,),), (0, 1), ((1, 1),)))


SUM_RULES: Final = (
    Rule("log(exp(u)*r) = u + log(r)", EXACT, f.log, _log_of_product),
    Rule("log(sum(exp(u))) = logsumexp(u)", EXACT, f.log, _log_of_logsumexp),
    Rule("1/sum(exp(u)) = exp(-logsumexp(u))", EXACT, POW, _reciprocal_of_sum),
    Rule("exp(u)/sum(exp(u)) = exp(u - logsumexp(u))", DOMAIN, MUL, _softmax_product),
)
SUMS: Final = by_op(SUM_RULES)
STABILITY: Final = by_op(
    (
        Rule("log(1 + exp(u)), log(exp(u) + exp(v)), log(1 + u)", EXACT, f.log, _log_of_sum),
        Rule("log(1/u) = -log(u)", EXACT, f.log, _log_of_reciprocal),
        Rule("log(expit(u)) = -softplus(-u)", EXACT, f.log, _log_of_expit),
        Rule("log(det(A)) = log|det(A)| + log(sign)", EXACT, f.log, _log_of_det),
        Rule("exp(u) - 1 = expm1(u), 1 - cos(u) = 2*sin(u/2)**2", ROUNDING, ADD, _difference),
        Rule("s - s**2 = s*expit(-u), s = expit(u)", ROUNDING, ADD, _logistic_variance),
        Rule("1/(1 + exp(u)) = expit(-u)", EXACT, POW, _logistic),
        Rule("exp(u)*expit(-u) = expit(u)", DOMAIN, MUL, _logistic_product),
        *SUM_RULES,
    )
)
