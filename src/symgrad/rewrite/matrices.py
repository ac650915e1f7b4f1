"""Identities of matrices, as data: what cancels with an inverse, orthogonal matrices, determinants.

A product of matrices is read as a chain of factors, each with whether it stands transposed. Rules look
at matrices without batch axes. None adds a matrix product; where an inverse or a determinant takes the
place of another, that other one held a product that is then not needed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final, NamedTuple

from symgrad.expr.leaves import EYE, assumed, eye, number, value_of
from symgrad.expr.node import Expr
from symgrad.expr.rewriting import rewritten
from symgrad.ops import reduction
from symgrad.ops import ufuncs as f
from symgrad.ops.arithmetic import ADD, MUL, POW, add_all, mul, mul_all, power, split_coefficient
from symgrad.ops.decompositions import EIGH_VALUES, EIGH_VECTORS
from symgrad.ops.determinant import COFACTORS, DET, cofactors_formula
from symgrad.ops.einsum import EINSUM, einsum_node, is_layout, is_stretched_scalar
from symgrad.ops.layout import EMBED
from symgrad.ops.linalg import INV, LOGABSDET, SOLVE, SPD_LOGDET
from symgrad.ops.matrix_functions import EXPM
from symgrad.ops.matrix_powers import MATRIX_POWER
from symgrad.ops.symmetry import Labels, is_symmetric
from symgrad.rewrite.rule import Guarantee, Rule

Factor = tuple[Expr, bool]  # a matrix, and whether it stands transposed


def chain_of(x: Expr) -> list[Factor]:
    """The factors of a matrix, itself if it is no product of matrices."""
    whole = [(x, False)]
    if x.op is not EINSUM or x.ndim != 2:
        return whole
    inputs, (start, goal), spread = x.params
    if spread or any(len(labels) != 2 or labels[0] == labels[1] for labels in inputs):
        return whole  # a diagonal is no factor
    left = dict(enumerate(inputs))
    factors: list[Factor] = []
    end = start
    while left:
        at = [i for i, labels in left.items() if end in labels]
        if len(at) != 1:
            return whole
        row, column = left.pop(at[0])
        factors.append((x.args[at[0]], row != end))
        end = column if row == end else row
    return factors if end == goal else whole


def product_of_factors(factors: Sequence[Factor]) -> Expr:
    """The product of a chain."""
    labels = [(i + 1, i) if turned else (i, i + 1) for i, (_, turned) in enumerate(factors)]
    return einsum_node([x for x, _ in factors], labels, (0, len(factors)), {})


def _is_square(x: Expr) -> bool:
    return x.ndim == 2 and x.shape[0] == x.shape[1]


# Inverses


class _Site(NamedTuple):
    """An inverse in a product: its place, its labels, and the factors of what is inverted."""

    place: int
    near: int
    far: int
    factors: list[Factor]
    mirrored: bool  # whether all is read from the other end


def _cancelled_inverse(y: Expr) -> Expr | None:
    """``inv(A @ B) @ A -> inv(B)``, ``B @ inv(A @ B) -> inv(A)``, ``inv(A) @ A -> 1``.

    A factor that is cancelled alone must be square; a whole product need not be.
    """
    if len(y.args) < 2:
        return None
    for index, x in enumerate(y.args):
        if x.op is INV and x.ndim == 2:
            row, column = y.params.inputs[index]
            for factors in _readings(x.args[0]):
                mirror = [(m, not turned) for m, turned in reversed(factors)]
                for site in (
                    _Site(index, row, column, factors, False),
                    _Site(index, column, row, mirror, True),
                ):
                    found = _cancelled_at(y, site)
                    if found is not None:
                        return found
    return None


def _readings(x: Expr) -> list[list[Factor]]:
    factors = chain_of(x)
    return [factors] if len(factors) == 1 else [[(x, False)], factors]


def _cancelled_at(y: Expr, site: _Site) -> Expr | None:
    """`y` with the factors cancelled that follow the inverse, or None if none does."""
    inputs, out, spread = y.params
    used: list[int] = []
    ends = [site.far]
    for factor in site.factors:
        at = _only_other(inputs, out, ends[-1], [site.place, *used])
        if at is None or not _is_factor(y.args[at], inputs[at][0] != ends[-1], factor):
            break
        used.append(at)
        ends.append(inputs[at][1] if inputs[at][0] == ends[-1] else inputs[at][0])
    count = len(used)
    if count < len(site.factors):
        square = [_is_square(x) for x, _ in site.factors]
        count = next((i for i in range(count) if not square[i]), count)
    if not count:
        return None
    operand, labels = _what_is_left(y, site, count, ends[count])
    gone = {site.place, *used[:count]}
    kept = [i for i in range(len(y.args)) if i not in gone]
    return einsum_node(
        [operand, *[y.args[i] for i in kept]],
        [labels, *[inputs[i] for i in kept]],
        out,
        {**dict(spread), **dict(zip(out, y.shape, strict=True))},
    )


def _what_is_left(y: Expr, site: _Site, count: int, end: int) -> tuple[Expr, Labels]:
    """The inverse without its first factors, and its labels."""
    rest = site.factors[count:]
    x = y.args[site.place]
    if not rest:
        return eye(x.shape[0], x.dtype), (site.near, end)
    if site.mirrored:
        back = [(m, not turned) for m, turned in reversed(rest)]
        return INV.build((product_of_factors(back),), ()), (end, site.near)
    return INV.build((product_of_factors(rest),), ()), (site.near, end)


def _only_other(
    inputs: Sequence[Labels], out: Labels, label: int, known: Sequence[int]
) -> int | None:
    """The one matrix that shares a summed label with what is known."""
    at = [i for i, labels in enumerate(inputs) if label in labels and i not in known]
    if label in out or len(at) != 1 or len(set(inputs[at[0]])) != 2 or len(inputs[at[0]]) != 2:
        return None
    return at[0]


def _is_factor(x: Expr, turned: bool, factor: Factor) -> bool:
    return x is factor[0] and (turned == factor[1] or is_symmetric(x))


def _product_of_solution(y: Expr) -> Expr | None:
    """``A @ solve(A, b) -> b``."""
    inputs, out, spread = y.params
    for i, x in enumerate(y.args):
        if x.op is SOLVE and x.ndim == 2:
            row, column = inputs[i]
            at = _only_other(inputs, out, row, [i])
            if at is None or not _is_factor(y.args[at], inputs[at][1] != row, (x.args[0], False)):
                continue
            operands, labels = list(y.args), list(inputs)
            end = labels[at][0] if labels[at][1] == row else labels[at][1]
            operands[i], labels[i] = x.args[1], (end, column)
            del operands[at], labels[at]
            return einsum_node(operands, labels, out, dict(spread))
    return None


def _solution_for_vector(y: Expr) -> Expr | None:
    """``solve(A, B @ x[:, newaxis]) -> solve(A, B @ x)[:, newaxis]`` of a solution x."""
    a, b = y.args
    if b.ndim != 2 or b.shape[1] != 1 or is_layout(b) or b.op is SOLVE:
        return None
    terms = [split_coefficient(term) for term in (b.args if b.op is ADD else (b,))]
    vectors = [
        mul(number(c, v.shape), v)
        for c, x in terms
        if x is not None and not isinstance(c, bool) and (v := _as_vector(x)) is not None
    ]
    if len(vectors) < len(terms):
        return None
    total = add_all(vectors)
    return SOLVE.build((a, einsum_node([total], [(0,)], (0, 1), {1: 1})), ())


def _as_vector(x: Expr) -> Expr | None:
    """The vector that is the one column of a matrix, where that is made of vectors."""
    if _solves_for_vector(x):
        return einsum_node([x], [(0, 1)], (0,), {})
    if x.op is not EINSUM:
        return None
    inputs, (row, column), spread = x.params
    if is_layout(x):
        (labels,) = inputs
        return x.args[0] if labels == (row,) else None
    at = [i for i, labels in enumerate(inputs) if column in labels]
    solved = len(at) == 1 and _solves_for_vector(x.args[at[0]])
    return einsum_node(x.args, inputs, (row,), dict(spread)) if solved else None


def _solves_for_vector(x: Expr) -> bool:
    """Whether a matrix of one column is a solution for a vector, or for such a solution."""
    if x.op is not SOLVE or x.ndim != 2:
        return False
    while x.op is SOLVE:
        x = x.args[1]
    return is_layout(x)


# Orthogonal matrices


def is_orthogonal(x: Expr) -> bool:
    """Whether ``x.T @ x`` is known to be the identity, and ``x @ x.T`` too."""
    return x.ndim == 2 and (assumed(x, "orthogonal") or x.op is EIGH_VECTORS)


def _orthogonal_product(y: Expr) -> Expr | None:
    """``Q.T @ Q -> 1`` and ``Q @ Q.T -> 1``."""
    inputs, out, spread = y.params
    for i, x in enumerate(y.args):
        if not is_orthogonal(x):
            continue
        for axis in (0, 1):
            j = _only_other(inputs, out, inputs[i][axis], [i])
            if j is not None and y.args[j] is x and inputs[j][axis] == inputs[i][axis]:
                operands, labels = list(y.args), list(inputs)
                operands[i], labels[i] = (
                    eye(x.shape[0], x.dtype),
                    (inputs[i][1 - axis], inputs[j][1 - axis]),
                )
                del operands[j], labels[j]
                return einsum_node(operands, labels, out, dict(spread))
    return None


def _is_det_of_orthogonal(x: Expr) -> bool:
    return x.op is DET and is_orthogonal(x.args[0])


def _even_power_of_sign(y: Expr) -> Expr | None:
    """``det(Q)**(2k) -> 1``."""
    n = value_of(y.args[1])
    even = n.__class__ is int and n % 2 == 0
    return number(1, y.shape) if even and _is_det_of_orthogonal(y.args[0]) else None


def _abs_of_sign(y: Expr) -> Expr | None:
    return number(1, y.shape) if _is_det_of_orthogonal(y.args[0]) else None


# Cofactors over determinants


def without_cofactors(factors: Sequence[Expr]) -> Sequence[Expr]:
    """``cofactors(A)/det(A) -> inv(A).T``: beside a power of ``1/det(A)``, A is regular.

    The cofactors may be a factor, or an operand of a product of matrices among the factors.
    """
    if not any(x.op is COFACTORS or _holds_cofactors(x) for x in factors):
        return factors
    regular = {d.args[0] for x in factors for d in _divisors(x) if d.op is DET}
    return [_by_inverses(x, regular) for x in factors]


def _holds_cofactors(x: Expr) -> bool:
    return x.op is EINSUM and any(arg.op is COFACTORS for arg in x.args)


def _by_inverses(x: Expr, regular: set[Expr]) -> Expr:
    """A factor with the cofactors of regular matrices written out by their inverses."""
    if x.op is COFACTORS and x.args[0] in regular:
        return cofactors_formula(x.args)
    if not _holds_cofactors(x) or not any(a.args and a.args[0] in regular for a in x.args):
        return x
    operands = [_by_inverses(a, regular) if a.op is COFACTORS else a for a in x.args]
    return EINSUM.build(tuple(operands), x.params)


def _divisors(x: Expr) -> list[Expr]:
    """What a factor divides by."""
    inner = x.args[0] if is_stretched_scalar(x) else x
    factors = inner.args if inner.op is MUL else (inner,)
    powers = [(f.args[0], value_of(f.args[1])) for f in factors if f.op is POW]
    bases = [base for base, n in powers if n is not None and n < 0]
    return [base.args[0] if is_stretched_scalar(base) else base for base in bases]


# Single entries


def _selected(y: Expr) -> Expr | None:
    """``V @ diag(e_k) @ V.T -> outer(V[:, k], V[:, k])``: an entry among zeros selects."""
    inputs, out, spread = y.params
    for i, (x, labels) in enumerate(zip(y.args, inputs, strict=True)):
        if x.op is not EMBED or x.ndim != 1 or not isinstance(x.params.at[0], int):
            continue
        (label,), k = labels, x.params.at[0]
        others = [j for j, ls in enumerate(inputs) if label in ls and j != i]
        if label in out or any(inputs[j].count(label) > 1 or y.args[j].op is EYE for j in others):
            continue
        operands, kept = list(y.args), list(inputs)
        operands[i], kept[i] = x.args[0], ()
        for j in others:
            axis = inputs[j].index(label)
            operands[j] = operands[j][(slice(None),) * axis + (k,)]
            kept[j] = tuple([n for n in inputs[j] if n != label])
        return einsum_node(operands, kept, out, dict(spread))
    return None


# Determinants and eigenvalues


def _det_of_matrix_power(y: Expr) -> Expr | None:
    """``det(A^n) -> det(A)**n``."""
    (x,) = y.args
    return (
        power(DET.build(x.args, ()), number(x.params.n, y.shape)) if x.op is MATRIX_POWER else None
    )


def _logdet_of_matrix_power(y: Expr) -> Expr | None:
    """``log|det(A^n)| -> n*log|det(A)|``."""
    (x,) = y.args
    if x.op is not MATRIX_POWER:
        return None
    return mul(number(x.params[0], y.shape), LOGABSDET.build(x.args, ()))


def _logdet_of_product(y: Expr) -> Expr | None:
    """``log|det(A @ B)| -> log|det(A)| + log|det(B)|`` of square matrices."""
    factors = chain_of(y.args[0])
    if len(factors) < 2 or not all(_is_square(x) for x, _ in factors):
        return None
    return add_all([LOGABSDET.build((x,), ()) for x, _ in factors])


def determinants_apart(roots: Sequence[Expr]) -> Sequence[Expr]:
    """``det(A @ B) -> det(A)*det(B)`` of square matrices: for `simplify`, no rule of derivatives.

    Those read better by the whole: ``det(A @ X @ B)*inv(X).T``.
    """
    return rewritten(roots, {DET: _det_of_product})


def _det_of_product(y: Expr) -> Expr:
    factors = chain_of(y.args[0])
    if len(factors) < 2 or not all(_is_square(x) for x, _ in factors):
        return y
    times = Counter(x for x, _ in factors)
    return mul_all([power(DET.build((x,), ()), number(n)) for x, n in times.items()])


def _det_of_power(y: Expr) -> Expr | None:
    """``det(X @ X) -> det(X)**2``, and so for ``X.T @ X`` of a square X."""
    factors = chain_of(y.args[0])
    alike = len(factors) > 1 and all(m is factors[0][0] for m, _ in factors)
    return _det_of_product(y) if alike and _is_square(factors[0][0]) else None


def _det_of_exponential(y: Expr) -> Expr | None:
    """``det(expm(A)) -> exp(trace(A))``."""
    (x,) = y.args
    return f.exp(_trace(x.args[0])) if x.op is EXPM and x.ndim == 2 else None


def _logdet_of_exponential(y: Expr) -> Expr | None:
    """``log|det(expm(A))| -> trace(A)``."""
    (x,) = y.args
    return _trace(x.args[0]) if x.op is EXPM and x.ndim == 2 else None


def _trace(x: Expr) -> Expr:
    return einsum_node([x], [(0, 0)], (), {})


def _sum_of_eigenvalues(y: Expr) -> Expr | None:
    """``sum(eigvalsh(A)) -> trace(A)``."""
    (x,), (_, out, _) = y.args[:1], y.params
    if len(y.args) != 1 or x.op is not EIGH_VALUES or x.ndim != 1 or out:
        return None
    return einsum_node([x.args[0]], [(0, 0)], (), {})


def _product_of_eigenvalues(y: Expr) -> Expr | None:
    """``prod(eigvalsh(S)) -> det(S)`` of a symmetric S."""
    x = y.args[0]
    known = x.op is EIGH_VALUES and x.ndim == 1 and is_symmetric(x.args[0])
    return DET.build(x.args, ()) if known else None


EXACT, DOMAIN, ROUNDING = Guarantee.EXACT, Guarantee.DOMAIN, Guarantee.ROUNDING
EIGENVALUE_RULES: Final = (
    Rule("sum(eigvalsh(A)) = trace(A)", ROUNDING, EINSUM, _sum_of_eigenvalues),
    Rule(
        "prod(eigvalsh(S)) = det(S), S symmetric", ROUNDING, reduction.PROD, _product_of_eigenvalues
    ),
)
DETERMINANTS_OF_POWERS: Final = (
    Rule("det(X @ X) = det(X)**2", ROUNDING, DET, _det_of_power),
    Rule("det(A^n) = det(A)**n", ROUNDING, DET, _det_of_matrix_power),
    Rule("det(expm(A)) = exp(trace(A))", ROUNDING, DET, _det_of_exponential),
    *[
        Rule("log|det(expm(A))| = trace(A)", ROUNDING, op, _logdet_of_exponential)
        for op in (LOGABSDET, SPD_LOGDET)
    ],
    *[
        Rule("log|det(A^n)| = n*log|det(A)|", ROUNDING, op, _logdet_of_matrix_power)
        for op in (LOGABSDET, SPD_LOGDET)
    ],
)
LOGDET_OF_PRODUCT: Final = Rule(
    "log|det(A @ B)| = log|det(A)| + log|det(B)|", ROUNDING, LOGABSDET, _logdet_of_product
)
MATRIX_RULES: Final = (
    Rule("inv(A @ B) @ A = inv(B), inv(A) @ A = 1", DOMAIN, EINSUM, _cancelled_inverse),
    Rule("A @ solve(A, b) = b", DOMAIN, EINSUM, _product_of_solution),
    Rule(
        "solve(A, B @ x[:, newaxis]) = solve(A, B @ x)[:, newaxis]",
        EXACT,
        SOLVE,
        _solution_for_vector,
    ),
    Rule("Q.T @ Q = 1, Q orthogonal", ROUNDING, EINSUM, _orthogonal_product),
    Rule("A @ diag(e_k) @ B = outer(A[:, k], B[k])", ROUNDING, EINSUM, _selected),
    Rule("det(Q)**2 = 1, Q orthogonal", ROUNDING, POW, _even_power_of_sign),
    Rule("|det(Q)| = 1, Q orthogonal", ROUNDING, f.absolute, _abs_of_sign),
    LOGDET_OF_PRODUCT,
    *DETERMINANTS_OF_POWERS,
    *EIGENVALUE_RULES,
)
