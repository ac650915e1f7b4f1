"""What collecting does to a sum or a product, as rules: each with its guarantee, to be run alone.

The simplifier collects clusters of sums and products at once (`symgrad.rewrite.collect`); it does so only
where these rules are permitted.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from symgrad.expr.leaves import number
from symgrad.expr.node import Expr
from symgrad.expr.numbers import is_exact
from symgrad.ops.arithmetic import ADD, MUL, mul_all
from symgrad.ops.einsum import EINSUM
from symgrad.rewrite import collect
from symgrad.rewrite.clearing import cleared
from symgrad.rewrite.distribute import opened
from symgrad.rewrite.logistic import logistic_quotients
from symgrad.rewrite.product_roots import roots_of_products
from symgrad.rewrite.rule import Guarantee, Rule
from symgrad.rewrite.tensor import hoisted, normal_einsum, product_as_einsum

ROUNDING, DOMAIN = Guarantee.ROUNDING, Guarantee.DOMAIN


def _sum(y: Expr) -> Expr:
    return collect.collect_sum([(1, t) for t in y.args], y, shortest=False)


def _shortest_sum(y: Expr) -> Expr:
    return collect.collect_sum([(1, t) for t in y.args], y)


def _product(y: Expr) -> Expr:
    return collect.collect_product([(x, True) for x in y.args], y)


def _shared_product(y: Expr) -> Expr:
    return collect.collect_product([(x, False) for x in y.args], y)


def _on_factors(function: Callable[[list[Expr]], list[Expr]]) -> Callable[[Expr], Expr | None]:
    """A function of the factors of a product as one of the product."""

    def apply(y: Expr) -> Expr | None:
        made = function(list(y.args))
        same = len(made) == len(y.args) and all(a is b for a, b in zip(made, y.args, strict=True))
        return None if same else _product_of(made, y)

    return apply


def _product_of(factors: list[Expr], like: Expr) -> Expr:
    if len(factors) > 1:
        return mul_all(factors)
    return factors[0] if factors else number(1, like.shape)


def _multiples_of_sums(factors: list[Expr]) -> list[Expr]:
    coefficient, built = collect.primitive_sums(1, factors, set(factors))
    one = is_exact(coefficient) and coefficient == 1
    return built if one else [number(coefficient, factors[0].shape), *built]


def _einsum_of_its_own(y: Expr) -> Expr:
    return normal_einsum(y, lambda x: True)


def _einsum_of_shared(y: Expr) -> Expr:
    return normal_einsum(y, lambda x: False)


def _opened(y: Expr) -> Expr:
    return opened(y, lambda x: True)


def _cleared(y: Expr) -> Expr:
    return cleared(y, lambda x: True)


COLLECT_SUMS: Final = Rule("c*u + d*u = (c + d)*u, sin(u)**2 + cos(u)**2 = 1", DOMAIN, ADD, _sum)
SHORTEST_SUMS: Final = Rule("sums factored, or written out", DOMAIN, ADD, _shortest_sum)
COLLECT_PRODUCTS: Final = Rule("u**a * u**b = u**(a + b)", DOMAIN, MUL, _product)
CLEARED: Final = Rule("p*(a/p + b/q)*q = a*q + b*p, if shorter", DOMAIN, MUL, _cleared)
COLLECTING: Final = (
    CLEARED,
    COLLECT_SUMS,
    SHORTEST_SUMS,
    COLLECT_PRODUCTS,
    Rule("u**a * u**b = u**(a + b), of what is shared", DOMAIN, MUL, _shared_product),
    Rule("u*sign(u) = |u|, sign(u)/|u| = 1/u", DOMAIN, MUL, _on_factors(collect.absolute_values)),
    Rule("u*v*(u*v)**(-3/2) = (u*v)**(-1/2)", DOMAIN, MUL, _on_factors(roots_of_products)),
    Rule("sin(u)/cos(u) = tan(u), sinh(u)/cosh(u)", DOMAIN, MUL, _on_factors(collect.tangents)),
    Rule("exp(-u)/(exp(-u) + c) = 1/(c*exp(u) + 1)", DOMAIN, MUL, _on_factors(logistic_quotients)),
    Rule("(c*a + c*b)*(a + b) = c*(a + b)**2", DOMAIN, MUL, _on_factors(_multiples_of_sums)),
    Rule("a product with a layout is an Einsum", ROUNDING, MUL, product_as_einsum),
    Rule("operands stretched alike are stretched last, in products", ROUNDING, MUL, hoisted),
    Rule("operands stretched alike are stretched last, in sums", ROUNDING, ADD, hoisted),
    Rule("Einsums in an Einsum", ROUNDING, EINSUM, _einsum_of_its_own),
    Rule(
        "Einsums that sum over nothing in an Einsum",
        ROUNDING,
        EINSUM,
        lambda y: normal_einsum(y, lambda x: False),
    ),
    Rule("diag(p) @ (eye(n) - outer(u, v))", ROUNDING, EINSUM, _opened),
)
