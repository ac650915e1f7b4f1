"""Stable forms: formulas as people write them, rewritten on the way to code so that they keep accuracy.

Every rule is the same real function; what changes is what floating point makes of it, at the edges
above all. The rules look at sums, products, powers and logarithms of exponentials, logistic
functions, and sums of exponentials over axes; the last become logsumexp.

References: Higham, Accuracy and Stability of Numerical Algorithms, 2002, ch. 1; Blanchard, Higham,
Higham, Accurately computing the log-sum-exp and softmax functions, IMA J. Numer. Anal. 41, 2021.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import Final

from symgrad.expr.leaves import CONST, EYE, is_value
from symgrad.expr.node import Expr
from symgrad.expr.op import Op
from symgrad.expr.rewriting import PartImages, rewritten, walk
from symgrad.expr.traverse import as_roots, ops_of, toposort
from symgrad.ops import special
from symgrad.ops import ufuncs as f
from symgrad.ops.arithmetic import ADD, MUL, POW, add_all, mul_all
from symgrad.ops.einsum import EINSUM, einsum_node, is_layout
from symgrad.ops.linalg import INV
from symgrad.ops.reduction import LOGSUMEXP
from symgrad.rewrite import (
    absorption,
    bases,
    cancellation,
    complements,
    decay,
    exponentials,
    hyperbolic,
    shifts,
)
from symgrad.rewrite import logarithms as logs
from symgrad.rewrite import special_forms as forms
from symgrad.rewrite.absorption import has_logarithm
from symgrad.rewrite.bases import MAX_FACTORS, product_of
from symgrad.rewrite.distribute import distributed
from symgrad.rewrite.equal_exponentials import EQUAL_EXPONENTIALS
from symgrad.rewrite.exploding import POWERS_OF_EXPONENTIAL
from symgrad.rewrite.hyperbolic_sums import FUNCTIONS, hyperbolic_sum
from symgrad.rewrite.intervals import TAIL_DIFFERENCE
from symgrad.rewrite.inverse_hyperbolic import log_of_root_sum, log_of_unit_root_sum
from symgrad.rewrite.matrix_powers import opened_powers
from symgrad.rewrite.powers_in_exponents import EXP_OF_LOG
from symgrad.rewrite.rule import Guarantee, Rule, by_op, changes_by, rewrite
from symgrad.rewrite.summed import summed_by_terms
from symgrad.rewrite.surface import Surface
from symgrad.rewrite.systems import solved_inverses
from symgrad.rewrite.tensor import hoisted, merged_products, product_as_einsum, sums_nothing

Rules = Mapping[Op, tuple[Rule, ...]]
MAX_VIEWED: Final = 100  # terms or factors that rules on sums and products look at
MAX_ROUNDS: Final = 12  # of rules on what rules made
EXACT, ROUNDING, DOMAIN = Guarantee.EXACT, Guarantee.ROUNDING, Guarantee.DOMAIN


def stabilize(roots: Sequence[Expr]) -> Sequence[Expr]:
    """The roots with every formula in its stable form, products in an order that is cheap."""
    opened = summed_by_terms(opened_powers(roots))
    stable = _rewritten(merged_products(opened, _ends_small), STABILITY)
    spread = distributed(stable)
    if any(a is not b for a, b in zip(spread, stable, strict=True)):
        stable = merged_products(spread, _ends_small)
    return solved_inverses(stable)


def _ends_small(inner: Expr, outer: Expr) -> bool:
    """Whether a product is better not formed by itself.

    In ``(A @ B) @ v`` and ``trace(A @ B)``, beside an inverse, and where all extents are known.
    """
    if outer.ndim < inner.ndim or any(x.ndim < inner.ndim for x in outer.args if x is not inner):
        return True
    if any(x.op is INV for x in (*inner.args, *outer.args)):
        return True
    return all(isinstance(d, int) for x in (*inner.args, *outer.args) for d in x.shape)


def closed_forms(roots: Sequence[Expr]) -> Sequence[Expr]:
    """The roots with what has a stable form that stays one when it is differentiated.

    Sums of exponentials are logsumexp, logarithms of tails and of Bessel functions one function each.
    """
    roots = as_roots(roots)
    likely = _that_may_match(CLOSED, ops_of(roots))
    if any(rewrite(node, likely) is not node for node in toposort(roots)):
        roots = as_roots(rewritten(roots, changes_by(CLOSED)))
    ops = ops_of(roots)
    if LOGSUMEXP in ops or (
        {EINSUM, f.exp} <= ops
        and any(exponentials.summed_exponent(node) is not None for node in toposort(roots))
    ):
        return _rewritten(roots, SUMS)
    return roots


def _rewritten(roots: Sequence[Expr], rules: Rules) -> Sequence[Expr]:
    return _Rewriting(rules).run(roots)


def _that_may_match(rules: Rules, present: AbstractSet[Op]) -> Rules:
    """The rules but those that look for functions that are not there."""
    return {
        op: tuple([r for r in group if not (r.among and present.isdisjoint(r.among))])
        for op, group in rules.items()
        if op in present
    }


class _Rewriting:
    """One walk over a graph by rules; those that look for functions that are not there are left out."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.surface = Surface(
            op for group in rules.values() for rule in group for op in (*rule.among, *rule.beside)
        )
        self.wants = {
            rule: [
                self.surface.set_of(ops, rule.within) for ops in (rule.among, rule.beside) if ops
            ]
            for group in rules.values()
            for rule in group
        }
        self.chosen: dict[tuple[Op, int], tuple[Rule, ...]] = {}
        self.stable: set[Expr] = set()

    def run(self, roots: Sequence[Expr]) -> Sequence[Expr]:
        roots = as_roots(roots)
        ops = {*self.rules, EINSUM}
        if any(node.shape for node in toposort(roots)):
            ops.update(op for op in ops_of(roots) if op.elementwise)  # factors are taken out
        return rewritten(roots, dict.fromkeys(ops, self._stable))

    def _stable(self, built: Expr) -> Expr:
        """A node whose operands are stable in stable form."""
        if built not in self.stable:
            changed = _step(built, self._wanted)
            if changed is not built:
                return self._settled(changed)
            self.stable.add(built)
        return built

    def _wanted(self, node: Expr) -> tuple[Rule, ...]:
        """The rules on nodes of this op that look for nothing which is not on the node's surface."""
        group = self.rules.get(node.op, ())
        if node.op not in ON_SURFACE:
            return group
        there = self.surface.of(node)
        chosen = self.chosen.get((node.op, there))
        if chosen is None:
            chosen = tuple([r for r in group if all(want & there for want in self.wants[r])])
            self.chosen[node.op, there] = chosen
        return chosen

    def _settled(self, node: Expr) -> Expr:
        """A node whose operands are stable, in stable form, with the nodes that rules make on the way."""
        stable = self.stable
        for _ in range(MAX_ROUNDS):
            if node in stable:
                break
            image = PartImages()
            walk(_below(node, stable), image, lambda op: self._stepped)
            node = image[node]
        return node

    def _stepped(self, built: Expr) -> Expr:
        """A node after the first rule that matches; remembered as stable where there is none."""
        changed = _step(built, self._wanted)
        if changed is built and all(arg in self.stable for arg in built.args):
            self.stable.add(built)
        return changed


def _below(node: Expr, stable: set[Expr]) -> list[Expr]:
    """The nodes up to `node` that are not known to be stable, operands first."""
    order: list[Expr] = []
    seen: set[Expr] = set()
    stack = [node]
    while stack:
        top = stack[-1]
        waiting = [arg for arg in top.args if arg not in stable and arg not in seen]
        if waiting and top not in seen:
            stack += waiting
            continue
        stack.pop()
        if top not in stable and top not in seen:
            seen.add(top)
            order.append(top)
    return order


def _step(node: Expr, rules: Callable[[Expr], Sequence[Rule]]) -> Expr:
    """`node` after the first rule that matches."""
    if node.op is EINSUM and len(node.args) > 1:
        changed: Expr | None = _stable_einsum(node)
        if changed is not node:
            assert changed is not None
            return changed
    elif node.ndim and node.op.elementwise:
        node = hoisted(node)
        if node.op is MUL and any(_is_identity(x) for x in node.args):
            node = product_as_einsum(node)  # as derivatives have it: entries off the diagonal are 0
    wanted = rules(node)
    if not wanted:
        return node
    flat = _flat(node) if node.op is MUL else node
    once = _OnceEach(flat)
    for rule in wanted:
        changed = rule.apply(flat) if rule.view is None else rule.on_view(once.view(rule))
        if changed is not None and changed is not flat:
            return changed
    return node


class _OnceEach:
    """What the rules that share a view are shown of a node, found when the first asks for it."""

    def __init__(self, node: Expr) -> None:
        self.node = node
        self.seen: Expr | None = None
        self.looked = False

    def view(self, rule: Rule) -> Expr | None:
        assert rule.view is not None
        if not self.looked:
            self.seen, self.looked = rule.view(self.node), True
        return self.seen


def _is_identity(x: Expr) -> bool:
    """Whether an operand is the identity, maybe stretched."""
    return x.op is EYE or (is_layout(x) and x.args[0].op is EYE)


def _flat(product: Expr) -> Expr:
    """A product with the factors of the products in it, for rules to look at."""
    if all(x.op is not MUL for x in product.args):
        return product
    flat = product_of(product.args)
    return flat if flat.op is MUL and len(flat.args) <= MAX_FACTORS else product


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
        if x.op is not f.exp or not has_logarithm(x.args[0]):
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


def _distinct(y: Expr) -> Expr | None:
    """A sum or product in which each term, or each base, stands once; None of a longer one.

    What a rule finds for one is all there is of it then, and what it takes away is gone. The views of a
    chain of products would cost the square of its length.
    """
    if len(y.args) > MAX_VIEWED:
        return None
    return bases.distinct_factors(y) if y.op is MUL else cancellation.distinct_terms(y)


def _each_once(rule: Rule) -> Rule:
    """A rule on sums or products that is shown each term, or each base, once."""
    return replace(rule, view=_distinct) if rule.op in (MUL, ADD) else rule


ON_SURFACE: Final = (MUL, ADD, POW)  # whose rules may look for functions on the surface
# Sines and cosines of imaginary angles, and what is their reciprocal
HYPERBOLIC: Final = (f.sinh, f.cosh, f.expm1, *bases.RECIPROCAL_OF)
_SUMS: Final = (
    Rule("log(p*r) = log(p) + log(r), p > 0", ROUNDING, f.log, logs.log_of_product),
    Rule("log(sum(exp(u))) = logsumexp(u)", EXACT, f.log, logs.log_of_total),
    Rule(
        "sum(exp(u))**-k = exp(-k*logsumexp(u))",
        EXACT,
        POW,
        exponentials.power_of_total,
        (EINSUM,),
    ),
    Rule(
        "exp(u)*exp(-logsumexp(u)) = exp(u - logsumexp(u))",
        DOMAIN,
        MUL,
        absorption.softmax_product,
        (f.exp,),
    ),
    Rule("logsumexp(u - m) + m = logsumexp(u)", DOMAIN, ADD, shifts.unshifted, (LOGSUMEXP,)),
)
# Forms whose derivatives keep their digits too: they are taken before a formula is differentiated
_CLOSED: Final = (
    EXP_OF_LOG,
    Rule("log(1 - exp(u)) as one function", EXACT, f.log, logs.log_of_difference),
    Rule("log(p + sqrt(p**2 + 1)) = arcsinh(p)", ROUNDING, f.log, log_of_unit_root_sum),
    Rule("log(exp(u) + exp(v)) = logaddexp(u, v)", EXACT, f.log, logs.log_of_exponentials),
    Rule("log(1 + tanh(u)) as one function", EXACT, f.log, logs.log_of_twice_expit),
    Rule("log(1 - tanh(u)**2) = -2*log(cosh(u))", EXACT, f.log, logs.log_of_sech),
    Rule("log(erfc(u)), log(ndtr(u)), log(iv(v, u))", EXACT, f.log, forms.log_of_special),
    Rule("log(c*erfc(u)) = log(erfc(u)) + log(c)", EXACT, f.log, forms.log_of_special_product),
    Rule("log1p(-erf(u)) = log(erfc(u))", EXACT, f.log1p, forms.log1p_of_special),
    Rule("log1p(exp(u)) = softplus(u)", EXACT, f.log1p, logs.log1p_of),
    Rule("cosh(u)**-k = sech(u)**k", DOMAIN, POW, hyperbolic.reciprocal, FUNCTIONS, True),
    Rule(
        "sinh(u)*sech(u) = tanh(u), cosh(u)*csch(u)", DOMAIN, MUL, hyperbolic.quotient, HYPERBOLIC
    ),
    Rule(
        "erfcx(u)**-1 = -sqrt(pi)/2*(log erfc)'(u)",
        EXACT,
        POW,
        forms.reciprocal_of_tail,
        (special.erfcx,),
    ),
    Rule("exp(-u**2)/erfc(u) = 1/erfcx(u)", DOMAIN, MUL, forms.tail_product, forms.TAILS),
    Rule("iv(v + 1, u)/iv(v, u) as one function", DOMAIN, MUL, forms.bessel_ratio, forms.BESSEL),
    Rule("exp(-u)*iv(v, u) = ive(v, u), u > 0", DOMAIN, MUL, forms.bessel_product, forms.BESSEL),
)
_RULES: Final = (
    Rule("log(exp(u)) = u", EXACT, f.log, logs.log_of_exp),
    *_CLOSED,
    Rule(
        "log(p + sqrt(p**2 + c)) = arcsinh(p/sqrt(c)) + log(c)/2", ROUNDING, f.log, log_of_root_sum
    ),
    Rule("log(1 + exp(u)), log(exp(u) + exp(v)), log(1 + u)", EXACT, f.log, logs.log_of_sum),
    Rule("log((1 + u)/(1 - u)) = 2*arctanh(u)", EXACT, f.log, logs.log_of_ratio),
    Rule("log(u**n) = n*log(u), u > 0 or n odd", ROUNDING, f.log, logs.log_of_power),
    Rule("log(expit(u)) = -softplus(-u)", EXACT, f.log, logs.log_of_expit),
    Rule("log(cosh(u)), log(sinh(u)), log(tanh(u))", ROUNDING, f.log, logs.log_of_hyperbolic),
    Rule("log(exp(u) - 1) = u + log(1 - exp(-u))", ROUNDING, f.log, logs.log_of_expm1),
    Rule("log(erf(u)) as one function", EXACT, f.log, forms.log_of_erf),
    Rule("log(gamma(u)) = gammaln(u), gamma(u) > 0", EXACT, f.log, forms.log_of_gamma),
    Rule("log(det(A)) = log|det(A)| + log(sign)", EXACT, f.log, logs.log_of_det),
    Rule("logaddexp(0, u) = softplus(u)", EXACT, f.logaddexp, logs.logaddexp_of_zero),
    *EQUAL_EXPONENTIALS,
    Rule(
        "exp(u) - 1, 1 - cos(u), sqrt(1 + u) - 1",
        ROUNDING,
        ADD,
        cancellation.difference,
        cancellation.FUNCTIONS,
        beside=(CONST,),
    ),
    POWERS_OF_EXPONENTIAL,
    Rule(
        "exp(u) - exp(-u) = 2*sinh(u), cosh(u) - sinh(u) = exp(-u)",
        ROUNDING,
        ADD,
        hyperbolic_sum,
        FUNCTIONS,
    ),
    Rule(
        "softplus(u) - u = softplus(-u)",
        ROUNDING,
        ADD,
        cancellation.softplus_difference,
        (f.softplus,),
    ),
    Rule(
        "1 - tanh(u)**2 = sech(u)**2, s - s**2",
        ROUNDING,
        ADD,
        complements.vanishing_sum,
        tuple(complements.ENDS),
    ),
    TAIL_DIFFERENCE,
    Rule(
        "(2*cosh(u))**n = 2**n * cosh(u)**n",
        ROUNDING,
        POW,
        exponentials.power_of_hyperbolic,
        (f.cosh, f.sinh),
    ),
    Rule(
        "(1 + exp(u))**-k = expit(-u)**k",
        ROUNDING,
        POW,
        exponentials.power_of_sum,
        (f.exp,),
        within=True,
    ),
    Rule(
        "expm1(u)**-k = bose_einstein(u)**k",
        DOMAIN,
        POW,
        hyperbolic.reciprocal_of_expm1,
        (f.expm1,),
    ),
    Rule("exp(-exp(u)) without overflow", EXACT, f.exp, decay.held_exponent),
    Rule("exp(u)*exp(-exp(u)) = exp(u - exp(u))", DOMAIN, MUL, decay.decaying_product, (f.exp,)),
    Rule("exp(u)*expit(-u) = expit(u)", DOMAIN, MUL, absorption.absorb, (f.exp, *HYPERBOLIC)),
    Rule(
        "(exp(u) + exp(v))*expit(-u), term by term",
        DOMAIN,
        MUL,
        absorption.multiply_out,
        (f.exp, f.expit),
        within=True,
    ),
    *_SUMS,
)


def _logistic_of_arrays(rule: Rule) -> Rule:
    """A rule for arrays alone, and for ``1 + exp(u)`` where it looks at a sum.

    Scalars are read as they were written.
    """

    def apply(y: Expr) -> Expr | None:
        x = y.args[0]
        if y.ndim == 0 or (y.op is not MUL and not (x.op is ADD and _is_one_and_exponential(x))):
            return None
        return rule.apply(y)

    return replace(rule, rewritten=apply)


def _is_one_and_exponential(x: Expr) -> bool:
    return len(x.args) == 2 and any(
        is_value(a, 1) and b.op is f.exp for a, b in (x.args, x.args[::-1])
    )


# Logistic functions of arrays are differentiated, and read, by their names
_LOGISTIC: Final = tuple(
    [
        _logistic_of_arrays(rule)
        for rule in _RULES
        if rule.name
        in (
            "log(1 + exp(u)), log(exp(u) + exp(v)), log(1 + u)",
            "(1 + exp(u))**-k = expit(-u)**k",
            "exp(u)*expit(-u) = expit(u)",
        )
    ]
)
STABILITY: Final = by_op(map(_each_once, _RULES))
SUMS: Final = by_op(map(_each_once, _SUMS))
CLOSED: Final = by_op(map(_each_once, (*_CLOSED, *_LOGISTIC)))
