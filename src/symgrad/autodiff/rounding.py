"""How far rounding may move the value of a formula: a running error bound, as a formula itself.

To first order, a computed ``y = op(a)`` is off by one rounding of its own, ``u*|y|`` with u the unit
roundoff, and by what it makes of the errors of its operands, ``sum_i |dy/da_i| * error(a_i)`` (Wilkinson;
Higham, "Accuracy and Stability of Numerical Algorithms", 2002, section 3.3). In units of u this is

    m(y) = |y| + sum_i |dy/da_i| * m(a_i),    m(unknown) = |unknown|,    m(exact leaf) = 0,

written in the ops of the graph, so that it is compiled as any formula is. Where a solver finds ``|F| <=
c*u*m(F)``, with a small number c, nothing of F is left but rounding. Where m is not finite, as beside
``sqrt`` at 0, the bound knows nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from fractions import Fraction
from math import frexp, isfinite, log2
from typing import Any, Final

import numpy as np

from symgrad.autodiff.reverse import differentiable
from symgrad.expr.leaves import EYE, NAMED_NUMBER, SYMBOL, is_value, number, value_of
from symgrad.expr.node import Expr
from symgrad.expr.op import Op
from symgrad.expr.traverse import toposort
from symgrad.ops import gathering, special, ufuncs
from symgrad.ops.arithmetic import ADD, MUL, POW, add_all
from symgrad.ops.cast import CAST, cast
from symgrad.ops.determinant import DET
from symgrad.ops.einsum import EINSUM, einsum_node, times
from symgrad.ops.guard import WHERE, choose
from symgrad.ops.linalg import INV, LOGABSDET, SOLVE, SPD_LOGDET
from symgrad.ops.named import NAMED
from symgrad.ops.reduction import CUMPROD, CUMSUM, LOGSUMEXP, MAX, MIN, PROD
from symgrad.ops.sorting import SORT
from symgrad.ops.stop import STOP_GRADIENT

Bounds = Sequence[Expr | None]  # of the operands; None is exact
Rule = Callable[[Expr, Bounds], Expr | None]

UNIT: Final = float(np.finfo(np.float64).eps)
# Roundings of a result by libraries that are no elementary functions of C, and by iterations
OF_SPECIAL_FUNCTIONS: Final = 8
MOST_FACTORS: Final = 64  # of an integer power that may be computed as a product
UNKNOWN_TERMS: Final = 10  # bits of an extent that is not known


def rounding(e: Expr, unknowns: Collection[Expr] | None = None) -> Expr:
    """The rounding error of `e` in units of the unit roundoff, an expression of the shape of `e`.

    Parameters
    ----------
    e : Expr
    unknowns : collection of symbols, optional
        The symbols whose own last bit counts, all unless given; the others are taken for exact.

    Returns
    -------
    Expr
        Zero where `e` is exact; not finite where a derivative is not.

    Examples
    --------
    >>> import symgrad as sg
    >>> x = sg.symbol("x")
    >>> float(sg.evaluate(rounding(x**2 - 2), {x: 1.5}))
    7.0
    """
    return rounding_all([e], unknowns)[0]


def rounding_all(exprs: Sequence[Expr], unknowns: Collection[Expr] | None = None) -> list[Expr]:
    """`rounding` of several expressions, in one walk over what they share."""
    counted = None if unknowns is None else frozenset(unknowns)
    bound: dict[Expr, Expr | None] = {}
    for node in toposort(exprs):
        bound[node] = _bound(node, [bound[arg] for arg in node.args], counted)
    return [number(0, e.shape) if (m := bound[e]) is None else m for e in exprs]


def _bound(node: Expr, bounds: Bounds, unknowns: frozenset[Expr] | None) -> Expr | None:
    if not differentiable(node):
        return None
    if not node.args:
        return _of_leaf(node, unknowns)
    rule = RULES.get(node.op)
    if rule is not None:
        return rule(node, bounds)
    if node.op.moves:
        return _moved(node, bounds)
    return _of_elementwise(node, bounds) if node.op.elementwise else _by_tangent(node, bounds)


def _of_leaf(node: Expr, unknowns: frozenset[Expr] | None) -> Expr | None:
    if node.op is SYMBOL:
        return ufuncs.absolute(node) if unknowns is None or node in unknowns else None
    value = value_of(node)
    if node.op is NAMED_NUMBER or (value is not None and not _is_exact(value)):
        return ufuncs.absolute(node)
    return None


def _is_exact(value: Any) -> bool:
    """Whether a number of Python is a floating number."""
    if isinstance(value, float):
        return True
    try:
        return isfinite(float(value)) and Fraction(float(value)) == value
    except OverflowError:
        return False


def _magnitude(x: Expr) -> Expr:
    """``|x|``, without a node where that is `x`."""
    return x if x.op is EYE else ufuncs.absolute(x)


def _total(terms: Sequence[Expr | None]) -> Expr | None:
    kept = [t for t in terms if t is not None and not is_value(t, 0)]
    return add_all(kept) if kept else None


def _times(factor: float, x: Expr) -> Expr:
    return x if factor == 1 else times(number(factor, x.shape), x)


def _own(node: Expr, roundings: float = 1) -> Expr:
    """What computing the node itself rounds: so often its last bit, which is longer in float32."""
    unit = 1.0 if node.ty.weak else float(np.finfo(node.dtype).eps) / UNIT
    return _times(roundings * unit, _magnitude(node))


def _scaled(node: Expr, bounds: Bounds) -> list[Expr | None]:
    """``|dy/da_i| * m(a_i)`` of an elementwise node."""
    needed = [m is not None for m in bounds]
    if node.op.vjp is None or not any(needed):
        return []
    partials = node.op.vjp(number(1, node.shape), node, needed)
    return [
        times(_magnitude(p), m) if p is not None and m is not None else None
        for p, m in zip(partials, bounds, strict=True)
    ]


def _of_elementwise(node: Expr, bounds: Bounds) -> Expr | None:
    roundings = OF_SPECIAL_FUNCTIONS if node.op in SPECIAL else 1
    return _total([_own(node, roundings), *_scaled(node, bounds)])


def _of_exact(node: Expr, bounds: Bounds) -> Expr | None:
    """Absolute values, extrema: nothing is rounded."""
    return _total(_scaled(node, bounds))


def _of_sum(node: Expr, bounds: Bounds) -> Expr | None:
    """Partial sums of more than two terms are below the sum of their magnitudes."""
    own = [_own(node)] if len(node.args) == 2 else [_own(arg) for arg in node.args]
    return _total([*own, *bounds])


def _of_product(node: Expr, bounds: Bounds) -> Expr | None:
    """One rounding less than factors; none for a power of two."""
    values = [value_of(arg) for arg in node.args]
    binary = [v is not None and v != 0 and abs(frexp(float(v))[0]) == 0.5 for v in values]
    roundings = len(node.args) - 1 - sum(binary)
    own = _own(node, roundings) if roundings > 0 else None
    return _total([own, *_scaled(node, bounds)])


def _of_power(node: Expr, bounds: Bounds) -> Expr | None:
    """An integer power may be a product of so many factors."""
    n = value_of(node.args[1])
    factors = abs(n) - 1 if isinstance(n, int) and 2 <= abs(n) <= MOST_FACTORS else 1
    return _total([_own(node, factors), *_scaled(node, bounds)])


def _of_choice(node: Expr, bounds: Bounds) -> Expr | None:
    condition = node.args[0]
    ma, mb = bounds[1:]
    if ma is None and mb is None:
        return None
    zero = number(0, node.shape)
    return choose(condition, zero if ma is None else ma, zero if mb is None else mb)


def _of_cast(node: Expr, bounds: Bounds) -> Expr | None:
    (m,) = bounds
    known = None if m is None else cast(m, node.params.ty)
    narrower = differentiable(node.args[0]) and not node.ty.weak and node.dtype.itemsize < 8
    return _total([known, _own(node) if narrower else None])


def _of_einsum(node: Expr, bounds: Bounds) -> Expr | None:
    """Products, and sums: pairwise or in blocks, so that their error grows with the logarithm."""
    inputs, out, spread = node.params
    magnitudes = [_magnitude(arg) for arg in node.args]
    terms: list[Expr | None] = []
    for i, m in enumerate(bounds):
        if m is not None:
            operands = [*magnitudes[:i], m, *magnitudes[i + 1 :]]
            terms.append(einsum_node(operands, inputs, out, dict(spread)))
    roundings = len(node.args) - 1 + _roundings_of_sum(node)
    if roundings:
        terms.append(_times(roundings, einsum_node(magnitudes, inputs, out, dict(spread))))
    return _total(terms)


def _roundings_of_sum(node: Expr) -> float:
    inputs, out, _ = node.params
    extents = {
        label: dim
        for labels, arg in zip(inputs, node.args, strict=True)
        for label, dim in zip(labels, arg.shape, strict=True)
        if label not in out
    }
    bits = [log2(max(d, 1)) if isinstance(d, int) else UNKNOWN_TERMS for d in extents.values()]
    return sum(bits)


def _moved(node: Expr, bounds: Bounds) -> Expr | None:
    """Ops that move entries, or add some of them up with weights that are not negative."""
    if all(m is None for m in bounds):
        return None
    assert node.op.jvp is not None
    return node.op.jvp(node, bounds)


def _added(node: Expr, bounds: Bounds) -> Expr | None:
    """The same, where rounding counts."""
    return _total([_own(node), _moved(node, bounds)])


def _of_accumulation(node: Expr, bounds: Bounds) -> Expr | None:
    """Products and running sums and products: of magnitudes, whose derivatives are not negative."""
    extent = node.args[0].shape
    count = max([d if isinstance(d, int) else 1 << UNKNOWN_TERMS for d in extent], default=1)
    positive = node.op.build((_magnitude(node.args[0]),), node.params)
    (m,) = bounds
    own = _times(log2(max(count, 2)) if node.op is CUMSUM else count, positive)
    if m is None or positive.op.jvp is None:
        return own
    return _total([own, positive.op.jvp(positive, [m])])


def _of_logsumexp(node: Expr, bounds: Bounds) -> Expr | None:
    """The shift by the largest operand may cancel with the logarithm."""
    assert node.op.jvp is not None
    inner = _total([_magnitude(node.args[0]), *bounds])
    return _total([_own(node), number(1, node.shape), node.op.jvp(node, [inner])])


def _backward(x: Expr, bound: Expr | None) -> Expr:
    """What a factorisation makes of a matrix: each entry is off by bits of the largest in its matrix."""
    n = x.shape[-1]
    top = MAX.build((_magnitude(x),), _last_two(x))
    size = number(float(n) if isinstance(n, int) else float(1 << UNKNOWN_TERMS), x.shape)
    total = _total([times(size, _over_matrix(top, x)), bound])
    assert total is not None
    return total


def _of_determinant(node: Expr, bounds: Bounds) -> Expr | None:
    """By the cofactors, which are the derivatives of a determinant."""
    (x,) = node.args
    assert node.op.vjp is not None
    (cofactors,) = node.op.vjp(number(1, node.shape), node, [True])
    assert cofactors is not None
    labels = tuple(range(x.ndim))
    factors = [_magnitude(cofactors), _backward(x, bounds[0])]
    moved = einsum_node(factors, [labels, labels], labels[:-2], {})
    return _total([_own(node), moved])


def _of_inverse(node: Expr, bounds: Bounds) -> Expr | None:
    """``|X^-1| m(X) |X^-1|``."""
    (x,) = node.args
    *batch, i, j, k, h = range(x.ndim + 2)
    left = _magnitude(node)
    labels = [(*batch, i, j), (*batch, j, k), (*batch, k, h)]
    return einsum_node([left, _backward(x, bounds[0]), left], labels, (*batch, i, h), {})


def _of_solution(node: Expr, bounds: Bounds) -> Expr | None:
    """``|A^-1| (m(A) |y| + m(b))`` of ``y = A^-1 b``."""
    a, b = node.args
    if a.ndim != 2 or b.ndim > 2:
        return _by_tangent(node, bounds)
    inverse = _magnitude(INV.build((a,), ()))
    y = (1, 3)[: b.ndim]
    inner = einsum_node([_backward(a, bounds[0]), _magnitude(node)], [(0, 1), y], (0, *y[1:]), {})
    right = _total([inner, bounds[1]])
    assert right is not None
    return einsum_node([inverse, right], [(0, 1), y], (0, *y[1:]), {})


def _by_tangent(node: Expr, bounds: Bounds) -> Expr | None:
    """Any other op: its own rounding, and its tangent in the direction of the bounds."""
    own = _own(node, OF_SPECIAL_FUNCTIONS)
    if node.op.jvp is None or all(m is None for m in bounds):
        return own
    tangent = node.op.jvp(node, bounds)
    return own if tangent is None else _total([own, _magnitude(tangent)])


def _over_matrix(v: Expr, x: Expr) -> Expr:
    """A number per matrix, for all entries of the matrices `x`."""
    axes = tuple(range(x.ndim))
    return einsum_node([v], [axes[:-2]], axes, dict(enumerate(x.shape)))


def _last_two(x: Expr) -> Any:
    return ((x.ndim - 2, x.ndim - 1),)


SPECIAL: Final = frozenset(
    v for v in vars(special).values() if isinstance(v, Op) and v.elementwise
) | frozenset(special.ORDERED_OPS)
RULES: Final[dict[Op, Rule]] = {
    ADD: _of_sum,
    MUL: _of_product,
    POW: _of_power,
    WHERE: _of_choice,
    CAST: _of_cast,
    NAMED: lambda node, bounds: bounds[0],
    STOP_GRADIENT: lambda node, bounds: bounds[0],
    EINSUM: _of_einsum,
    PROD: _of_accumulation,
    CUMSUM: _of_accumulation,
    CUMPROD: _of_accumulation,
    LOGSUMEXP: _of_logsumexp,
    DET: _of_determinant,
    LOGABSDET: _of_determinant,
    SPD_LOGDET: _of_determinant,
    INV: _of_inverse,
    SOLVE: _of_solution,
    gathering.SCATTER: _added,
    **dict.fromkeys((MAX, MIN, SORT), _moved),
    **dict.fromkeys(
        (ufuncs.absolute, ufuncs.sign, ufuncs.maximum, ufuncs.minimum, ufuncs.floor, ufuncs.ceil),
        _of_exact,
    ),
}
