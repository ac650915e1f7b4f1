"""Formulas under the names that readers know them by: softmax, norms, columns of entries, unit vectors.

What is computed stays as it is: `shown` makes a second formula, of the same values, for print alone. In it

- ``exp(x - logsumexp(x))`` is ``softmax(x)``, and ``x - logsumexp(x)`` is ``log_softmax(x)``;
- ``sqrt(sum(x**2))`` is ``norm(x)``, in any power;
- a sum over ``where(c, X, 0)`` with one condition for each row is a product with ``diag(c)``;
- what is put among zeros is a column or a matrix of its entries, or, of many entries, a multiple of a unit
  vector; parts of an array stand among blocks of zeros.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any, Final

import numpy as np

from symgrad.expr.leaves import EYE, is_number, is_value, number, value_of
from symgrad.expr.node import Expr, make
from symgrad.expr.op import Op
from symgrad.expr.rewriting import Images, rewritten, walked
from symgrad.expr.traverse import toposort
from symgrad.ops.arithmetic import (
    ADD,
    MUL,
    POW,
    add_all,
    is_simple,
    mul,
    mul_all,
    split_coefficient,
)
from symgrad.ops.decompositions import SVD_S
from symgrad.ops.einsum import (
    EINSUM,
    broadcast,
    einsum_node,
    insert_axes,
    is_layout,
    is_stretched_scalar,
)
from symgrad.ops.exponential import exp
from symgrad.ops.guard import WHERE
from symgrad.ops.layout import CONCAT, EMBED, SLICE, full_entry
from symgrad.ops.reduction import CUMPROD, CUMSUM, LOGSUMEXP, PROD, others
from symgrad.print.among_zeros import AMONG_ZEROS, unit_vector
from symgrad.print.choices import count, one_choice
from symgrad.print.convolutions import as_convolution
from symgrad.print.divisors import divided
from symgrad.print.moments import centred, deviation, moment
from symgrad.print.outer_sums import covariance, units_together
from symgrad.print.overlaps import as_blocks
from symgrad.print.printed import (
    ENTRIES,
    LOG_SOFTMAX,
    NORM,
    OTHERS,
    PRODUCT_OF_DIAGONAL,
    SOFTMAX,
    SPECTRAL,
    SUM_FROM,
    TRIL,
    TRIU,
)
from symgrad.rewrite.triangles import masked_triangle

MAX_ENTRIES: Final = 9  # of a column or matrix that is written out by entries
MAX_TERMS: Final = 16  # of a sum that is looked at

# The pass


def shown(root: Expr, latex: bool) -> Expr:
    """A readable formula as it is printed, in text or in LaTeX."""
    nodes = toposort([root])
    if not any(node.op in _LOOKED_AT or _has_symbolic_power(node) for node in nodes):
        return root
    (root,) = rewritten([root], {ADD: _overlapping, EINSUM: covariance})
    image = Images()
    entries = EntriesAmongZeros(image)

    def step(node: Expr, image: Images) -> Expr:
        found = entries.written_out(node)
        # looked at as it was, before its parts were renamed
        if found is None and node.op in (ADD, exp):
            found = _softmax(node, image) if node.op is exp else _log_softmax(node, image)
        return _renamed(_rebuilt(node, image.of(node.args)), latex) if found is None else found

    return walked([root], step, image)[root]


def _overlapping(x: Expr) -> Expr:
    """A sum of arrays among zeros: a convolution, or blocks."""
    made = as_convolution(x)
    return as_blocks(x) if made is x else made


def _has_symbolic_power(x: Expr) -> bool:
    return x.op is MUL and any(f.op is POW and f.args[1].args for f in x.args)


def _rebuilt(node: Expr, args: tuple[Expr, ...]) -> Expr:
    """A node over other operands, as it stands: no rule may take a printed op apart."""
    if all(a is b for a, b in zip(args, node.args, strict=True)):
        return node
    return make(node.op, args, node.params, node.shape, node.ty)


def _renamed(x: Expr, latex: bool) -> Expr:
    if x.op is POW:
        return deviation(_norm_power(x))
    if x.op is ADD:
        return units_together(centred(x))
    if x.op is EINSUM:
        for rule in (_sum_of_squares, _with_condition):
            found = rule(x, latex)
            if found is not None:
                return found
        return count(x)
    if x.op is WHERE:
        triangle = _triangle(x)
        return one_choice(x, latex) if triangle is x else triangle
    if x.op is MUL:
        mean = moment(x, latex)
        return mean if mean.op is not MUL else divided(_products_of_others(mean))
    if x.op is PROD:
        return _product_of_diagonal(x) if latex else x
    if x.op is SLICE:
        return _spectral_norm(_reversed_sum(x)) if latex else _unit(x)
    return AMONG_ZEROS[x.op](x) if x.op in AMONG_ZEROS else x


# Softmax


def _softmax(x: Expr, image: dict[Expr, Expr]) -> Expr | None:
    """``exp(x - logsumexp(x))``, and ``exp(k*(x - logsumexp(x)))`` as its power."""
    (u,) = x.args
    scale, rest = split_coefficient(u)
    if rest is None or rest.op is not ADD:
        return None
    found = _less_logsumexp(rest, scale)
    if found is None:
        return None
    k, (total, axes) = found
    shares = SOFTMAX.build((image[total],), (axes,))
    return shares if k == 1 else make(POW, (shares, number(k, x.shape)), (), x.shape, x.ty)


def _log_softmax(x: Expr, image: dict[Expr, Expr]) -> Expr | None:
    found = _less_logsumexp(x, 1)
    if found is None or found[0] not in (1, -1):
        return None
    k, (total, axes) = found
    shares = LOG_SOFTMAX.build((image[total],), (axes,))
    return shares if k == 1 else mul(number(-1, x.shape), shares)


def _less_logsumexp(x: Expr, scale: Any) -> tuple[Any, tuple[Expr, Any]] | None:
    """``k``, u and the axes of ``scale*x = k*(u - logsumexp(u))``."""
    terms = _terms(x)
    if terms is None:
        return None
    for place, term in enumerate(terms):
        c, rest = split_coefficient(term)
        total = None if rest is None else _logsumexp_of(rest)
        if total is not None and c.__class__ is not bool:
            whole = _terms(total[0]) or [total[0]]
            want = Counter([_scaled(t, -c) for t in whole])
            if want == Counter([_scaled(t, 1) for t in terms[:place] + terms[place + 1 :]]):
                return -c * scale, total
    return None


def _scaled(term: Expr, c: Any) -> tuple[Any, Expr | None]:
    k, rest = split_coefficient(term)
    return k * c, rest


def _terms(x: Expr) -> list[Expr] | None:
    """The terms of a sum, of sums in it too; None where there are many."""
    terms = [x]
    while any(t.op is ADD for t in terms) and len(terms) <= MAX_TERMS:
        terms = [s for t in terms for s in (t.args if t.op is ADD else (t,))]
    return terms if len(terms) <= MAX_TERMS else None


def _logsumexp_of(x: Expr) -> tuple[Expr, Any] | None:
    """u and the axes, for ``logsumexp(u)`` stretched over these axes."""
    total = x
    while is_layout(total) and total.args[0].op is EINSUM:
        total = total.args[0]
    if not is_layout(total) or total.args[0].op is not LOGSUMEXP:
        return None
    (total,) = total.args
    u, axes = total.args[0], total.params.axes
    back = broadcast(insert_axes(total, axes), u.shape)
    return (u, axes) if u.shape == x.shape and back is x else None


# Norms


def _spectral_norm(x: Expr) -> Expr:
    """``svdvals(A)[0] -> norm(A, 2)``."""
    largest = x.op is SLICE and x.args[0].op is SVD_S and x.params.at == (0,)
    return SPECTRAL.build(x.args[0].args, ()) if largest else x


def _norm_power(x: Expr) -> Expr:
    """``sum(u**2)**(n/2) -> norm(u)**n`` for an odd n; of what is ``norm(u)**2`` already, for any n."""
    base, p = x.args
    n = value_of(p)
    if n.__class__ is int and base.op is POW and base.args[0].op is NORM:
        return make(POW, (base.args[0], number(n * value_of(base.args[1]))), (), x.shape, x.ty)
    u = _with_itself(base)
    if u is None or n.__class__ is not Fraction or n.denominator != 2:
        return x
    size = NORM.build((u,), ())
    odd = n.numerator
    return size if odd == 1 else make(POW, (size, number(odd)), (), x.shape, x.ty)


def _squared(x: Expr) -> Expr | None:
    """u of the sum of all ``u**2``."""
    if x.op is POW and x.args[0].op is NORM and is_value(x.args[1], 2):
        return x.args[0].args[0]
    if x.op is not EINSUM or x.ndim:
        return None
    inputs, _, _ = x.params
    if len(x.args) == 1 and x.args[0].op is POW and is_value(x.args[0].args[1], 2):
        return x.args[0].args[0] if len(set(inputs[0])) == len(inputs[0]) else None
    return None


def _with_itself(x: Expr) -> Expr | None:
    """u of ``u @ u`` or ``sum(u**2)``."""
    if x.op is EINSUM and x.params == (((0,), (0,)), (), ()) and x.args[0] is x.args[1]:
        return x.args[0]
    return _squared(x)


def _sum_of_squares(x: Expr, latex: bool) -> Expr | None:
    u = _squared(x)
    if u is None or not 1 <= u.ndim <= 2:
        return None
    if latex:
        return make(POW, (NORM.build((u,), ()), number(2)), (), x.shape, x.ty)
    return einsum_node([u, u], [(0,), (0,)], (), {}) if u.ndim == 1 and is_simple(u) else None


# Conditions by rows


def _with_condition(x: Expr, latex: bool) -> Expr | None:
    """``X.T @ where(c[:, newaxis], X, 0) -> X.T @ diag(c) @ X``.

    A vector by which the rows are multiplied is chosen in its place: ``diag(where(c, v, 0)) @ X``.
    """
    inputs, out, spread = x.params
    for place, arg in enumerate(x.args):
        if arg.op is not WHERE or not is_value(arg.args[2], 0) or len(x.args) < 2:
            continue
        condition, inside, _ = arg.args
        if not is_layout(condition) or condition.args[0].ndim != 1 or arg.ndim != 2:
            continue
        (labels,), laid, _ = condition.params
        own = inputs[place]
        rows = tuple([own[laid.index(n)] for n in labels])
        diagonal, matrix = _chosen_rows(condition.args[0], inside, laid.index(labels[0]), latex)
        operands = [*x.args[:place], matrix, *x.args[place + 1 :], diagonal]
        return make(EINSUM, tuple(operands), ((*inputs, rows), out, spread), x.shape, x.ty)
    return None


def _chosen_rows(c: Expr, x: Expr, axis: int, latex: bool) -> tuple[Expr, Expr]:
    """``(v, A)`` of ``where(c, x, 0) = diag(v) @ A``, or ``A @ diag(v)`` for columns."""
    if x.op is not EINSUM or len(x.args) != 2 or x.params.spread:
        return c, x
    inputs, out, _ = x.params
    for vector, matrix, labels, own in (
        (*x.args, *inputs),
        (*x.args[::-1], *inputs[::-1]),
    ):
        if labels == (out[axis],) and own == out:
            chosen = make(WHERE, (c, vector, number(0, vector.shape)), (), vector.shape, vector.ty)
            return one_choice(chosen, latex), matrix
    return c, x


# Entries among zeros


def _is_small(shape: Sequence[Any]) -> bool:
    """Whether a vector or a matrix has so few entries that they are written out."""
    if not 1 <= len(shape) <= 2 or not all(isinstance(d, int) for d in shape):
        return False
    return bool(0 < math.prod(shape) <= MAX_ENTRIES)


class EntriesAmongZeros:
    """The entries, where they are known, of small arrays that are made by putting scalars among zeros.

    `image` has what is printed for the nodes below.
    """

    def __init__(self, image: Mapping[Expr, Expr]) -> None:
        self.image = image
        self.known: dict[Expr, Any] = {}  # arrays of scalars
        self.placed: set[Expr] = set()  # nodes with something among zeros below

    def written_out(self, x: Expr) -> Expr | None:
        """A column or a matrix of entries, or None."""
        if not _is_small(x.shape):
            return None
        if x.op is EMBED or any(arg in self.placed for arg in x.args):
            self.placed.add(x)
        found = self._entries(x)
        if found is None:
            return None
        self.known[x] = found
        if x not in self.placed:
            return None
        return make(ENTRIES, tuple(found.ravel().tolist()), (x.shape,), x.shape, x.ty)

    def _entries(self, x: Expr) -> Any:
        rule = _RULES.get(x.op)
        if is_number(x):
            return self._filled(x, number(value_of(x)))
        return None if rule is None else rule(self, x)

    def _filled(self, x: Expr, scalar: Expr) -> Any:
        array = np.empty(x.shape, dtype=object)
        for place in np.ndindex(*x.shape):
            array[place] = scalar
        return array

    def _of(self, x: Expr) -> Any:
        if is_stretched_scalar(x):
            return self._filled(x, self.image[x.args[0]])
        return self.known.get(x) if x.ndim else self.image[x]

    def embedded(self, x: Expr) -> Any:
        inside = self._of(x.args[0])
        if inside is None:
            return None
        array = self._filled(x, number(0))
        array[_index(x.params.at)] = inside
        return array

    def sliced(self, x: Expr) -> Any:
        inside = self._of(x.args[0])
        return None if inside is None else inside[_index(x.params.at)]

    def identity(self, x: Expr) -> Any:
        return np.array(
            [[number(int(i == j)) for j in range(x.shape[1])] for i in range(x.shape[0])]
        )

    def added(self, x: Expr) -> Any:
        return self._combined(x, add_all)

    def multiplied(self, x: Expr) -> Any:
        return self._combined(x, mul_all)

    def _combined(self, x: Expr, combine: Callable[[Sequence[Expr]], Expr]) -> Any:
        parts = [self._of(arg) for arg in x.args]
        if any(part is None for part in parts):
            return None
        array = np.empty(x.shape, dtype=object)
        for place in np.ndindex(*x.shape):
            array[place] = combine([part[place] for part in parts])
        return array

    def laid_out(self, x: Expr) -> Any:
        """A transpose, or an outer product."""
        inputs, out, spread = x.params
        if spread or any(len(set(labels)) != len(labels) for labels in inputs):
            return self._filled(x, self.image[x.args[0]]) if is_stretched_scalar(x) else None
        if any(n not in out for labels in inputs for n in labels):
            return None
        parts = [self._of(arg) for arg in x.args]
        if any(part is None for part in parts):
            return None
        array = np.empty(x.shape, dtype=object)
        for place in np.ndindex(*x.shape):
            at = dict(zip(out, place, strict=True))
            array[place] = mul_all(
                [
                    part[tuple([at[n] for n in labels])] if labels else part
                    for part, labels in zip(parts, inputs, strict=True)
                ]
            )
        return array


_RULES: Final[dict[Op, Callable[[EntriesAmongZeros, Expr], Any]]] = {
    EMBED: EntriesAmongZeros.embedded,
    SLICE: EntriesAmongZeros.sliced,
    EYE: EntriesAmongZeros.identity,
    ADD: EntriesAmongZeros.added,
    MUL: EntriesAmongZeros.multiplied,
    EINSUM: EntriesAmongZeros.laid_out,
}


def _index(index: Sequence[Any]) -> Any:
    """An index of known extents as NumPy takes it."""
    return tuple(
        [
            entry
            if entry.__class__ is int
            else slice(entry[0], entry[1] if entry[1] >= 0 else None, entry[2])
            for entry in index
        ]
    )


def _triangle(x: Expr) -> Expr:
    """``where(i >= j, A, 0)`` of all places i, j is ``tril(A)``."""
    found = masked_triangle(x)
    if found is None:
        return x
    inner, lower, k = found
    return (TRIL if lower else TRIU).build((inner,), (k,))


def _products_of_others(x: Expr) -> Expr:
    """For each entry of a vector the product of all others, as `prod` has it for its derivative."""
    for factor in x.args:
        before = factor.args[0] if factor.op is CUMPROD and factor.ndim == 1 else factor
        if before is factor or before.op is not SLICE or before.args[0].op is not CONCAT:
            continue
        v = before.args[0].args[-1]
        pair = others(PROD.build((v,), ((0,),))).args
        rest = [f for f in x.args if not any(f is one for one in pair)]
        if len(rest) == len(x.args) - 2:
            shares = OTHERS.build((v,), ())
            return make(MUL, (*rest, shares), (), x.shape, x.ty) if rest else shares
    return x


def _product_of_diagonal(x: Expr) -> Expr:
    inner = x.args[0]
    if inner.op is not EINSUM or inner.params != (((0, 0),), (0,), ()):
        return x
    return PRODUCT_OF_DIAGONAL.build(inner.args, ())


def _reversed_sum(x: Expr) -> Expr:
    """``cumsum(u[::-1])[::-1]`` adds up all entries from one on."""
    summed = x.args[0]
    if x.ndim != 1 or summed.op is not CUMSUM or summed.args[0].op is not SLICE:
        return _unit(x)
    turned = summed.args[0]
    back = x.params[0][0].__class__ is tuple and x.params[0][0][2] == -1
    whole = x.shape == turned.args[0].shape and x.params == turned.params
    return SUM_FROM.build(turned.args, ()) if back and whole else _unit(x)


def _unit(x: Expr) -> Expr:
    """``eye(n)[k]`` is a unit vector."""
    if x.args[0].op is EYE and x.ndim == 1:
        at = [e for e in x.params.at if e.__class__ is int]
        if len(at) == 1 and full_entry(x.args[0].shape[0]) in x.params.at:
            return unit_vector(x.shape[0], at[0], x.ty)
    return x


_LOOKED_AT: Final = (LOGSUMEXP, SLICE, EINSUM, WHERE, CUMPROD, PROD, *AMONG_ZEROS)
