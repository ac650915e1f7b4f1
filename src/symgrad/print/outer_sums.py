"""Sums of matrices by what they share: covariances, and entries among zeros.

A weighted covariance is computed as ``X.T @ diag(p) @ (X - p @ X)``, which holds by broadcasting. It reads
``X.T @ (diag(p) - outer(p, p)) @ X``. Multiples of ``outer(e_0, e_1)`` by one scalar stand in one bracket.
"""

from __future__ import annotations

from symgrad.expr.leaves import eye, number
from symgrad.expr.node import Expr, make
from symgrad.ops.arithmetic import ADD, MUL, add_all, mul, mul_all, split_coefficient
from symgrad.ops.einsum import EINSUM, einsum_node, is_layout
from symgrad.print.among_zeros import UNIT, scalar_of

MAX_TERMS = 9  # of a sum that is looked at


def covariance(x: Expr) -> Expr:
    """``Y.T @ diag(p) @ (X - p @ X)`` as ``Y.T @ (diag(p) - outer(p, p)) @ X``; anything else is itself."""
    inputs, out, spread = x.params
    if spread or len(x.args) < 3:
        return x
    for k, (w, labels) in enumerate(zip(x.args, inputs, strict=True)):
        if w.ndim != 1 or labels[0] in out:
            continue
        holders = [j for j, own in enumerate(inputs) if labels[0] in own and j != k]
        for j in holders:
            if len(holders) != 2 or inputs[j][:1] != labels or len(set(inputs[j])) < 2:
                continue
            inner = _less_weighted(x.args[j], w)
            if inner is None:
                continue
            fresh = max([n for own in inputs for n in own]) + 1
            operands, places = list(x.args), list(inputs)
            operands[k], places[k] = _centre(w), (labels[0], fresh)
            operands[j], places[j] = inner, (fresh, inputs[j][1])
            return make(EINSUM, tuple(operands), (tuple(places), out, ()), x.shape, x.ty)
    return x


def _less_weighted(x: Expr, w: Expr) -> Expr | None:
    """X of ``X - p @ X``, where the second term is the same for all rows."""
    if x.op is not ADD or len(x.args) != 2 or x.ndim != 2:
        return None
    for inner, term in (x.args, x.args[::-1]):
        c, rest = split_coefficient(term)
        if c != -1 or rest is None or not is_layout(rest) or rest.args[0].ndim != 1:
            continue
        mean = einsum_node([w, inner], [(0,), (0, 1)], (1,), {})
        if rest.args[0] is mean and rest.params[0] == ((rest.params[1][1],),):
            return inner
    return None


def _centre(w: Expr) -> Expr:
    """``diag(w) - outer(w, w)``."""
    (n,) = w.shape
    diagonal = einsum_node([w, eye(n, w.dtype)], [(0,), (0, 1)], (0, 1), {})
    product = einsum_node([w, w], [(0,), (1,)], (0, 1), {})
    return add_all([diagonal, mul(number(-1, product.shape), product)])


def units_together(x: Expr) -> Expr:
    """``2*a*outer(e_0, e_1) + 2*a*outer(e_1, e_0)`` as ``2*a*(outer(e_0, e_1) + outer(e_1, e_0))``."""
    if not 2 < len(_flat(x)) <= MAX_TERMS or x.ndim != 2:
        return x
    groups: dict[tuple[Expr, ...], list[Expr]] = {}
    for term in _flat(x):
        factors = term.args if term.op is MUL else (term,)
        tensors = [y for y in factors if scalar_of(y) is None]
        if len(tensors) != 1 or not _is_of_units(tensors[0]):
            return x
        scalars = tuple([y for y in factors if scalar_of(y) is not None])
        groups.setdefault(scalars, []).append(tensors[0])
    if len(groups) == len(_flat(x)):
        return x
    terms = [
        mul_all([*scalars, add_all(sorted(units, key=_places))])
        for scalars, units in groups.items()
    ]
    return add_all(terms)


def _flat(x: Expr) -> list[Expr]:
    return [t for arg in x.args for t in (arg.args if arg.op is ADD else (arg,))]


def _places(x: Expr) -> list[int]:
    return [unit.params[1] for unit in x.args]


def _is_of_units(x: Expr) -> bool:
    return x.op is EINSUM and all(arg.op is UNIT for arg in x.args)
