"""What is known of a matrix from its formula: diagonal, positive definite, positive semidefinite.

All answers are cheap and local: they look a few nodes down, and "no" means "not known". Sums,
congruences ``M.T @ S @ M``, diagonals that are not negative, positive multiples and inverses are seen
through. ``X.T @ X`` is semidefinite only, since X may lack rank; ``X.T @ X + eye(n)`` is definite.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from symgrad.expr.leaves import EYE, assumed, is_number
from symgrad.expr.node import Expr
from symgrad.expr.ranges import is_nonnegative, is_positive
from symgrad.ops.arithmetic import ADD, MUL
from symgrad.ops.einsum import EINSUM, is_layout, is_stretched_scalar
from symgrad.ops.symmetry import is_symmetric

MAX_DEPTH: Final = 4
MAX_OPERANDS: Final = 8


def is_diagonal(x: Expr, depth: int = MAX_DEPTH) -> bool:
    """Whether what is off the diagonal is known to be zero."""
    if assumed(x, "diagonal") or x.op is EYE:
        return True
    if depth == 0 or x.ndim != 2 or len(x.args) > MAX_OPERANDS:
        return False
    if x.op is ADD:
        return all(is_diagonal(arg, depth - 1) for arg in x.args)
    if x.op is MUL:
        return any(is_diagonal(arg, depth - 1) for arg in x.args)
    if x.op is EINSUM:  # v_i delta_ij, or a transpose
        inputs, out, _ = x.params
        return any(
            sorted(labels) == sorted(out) and is_diagonal(arg, depth - 1)
            for arg, labels in zip(x.args, inputs, strict=True)
        )
    return False


def is_spd(x: Expr, depth: int = MAX_DEPTH) -> bool:
    """Whether `x` is known to be symmetric and positive definite."""
    if assumed(x, "spd"):
        return True
    if depth == 0 or x.ndim < 2 or len(x.args) > MAX_OPERANDS:
        return False
    if x.op is EYE:
        return True
    if x.op.keeps_symmetry and len(x.args) == 1:  # the inverse, the exponential, powers
        return is_spd(x.args[0], depth - 1)
    if x.op is ADD:
        return any(is_spd(arg, depth - 1) for arg in x.args) and all(
            is_semidefinite(arg, depth - 1) for arg in x.args
        )
    if x.op is EINSUM and x.ndim == 2:
        return _is_diagonal_with(x, is_positive)
    return x.op is MUL and _is_positive_multiple(x) and is_spd(x.args[1], depth - 1)


def is_semidefinite(x: Expr, depth: int = MAX_DEPTH) -> bool:
    """Whether `x` is known to be symmetric without a negative eigenvalue."""
    if is_spd(x, depth):
        return True
    if depth == 0 or x.ndim != 2 or len(x.args) > MAX_OPERANDS:
        return False
    if x.op is ADD:
        return all(is_semidefinite(arg, depth - 1) for arg in x.args)
    if x.op is MUL and len(x.args) == 2 and _is_nonnegative_scalar(x.args[0]):
        return is_semidefinite(x.args[1], depth - 1)
    if x.op is not EINSUM:
        return False
    return _is_diagonal_with(x, is_nonnegative) or (is_symmetric(x) and _is_congruence(x, depth))


def _is_positive_multiple(x: Expr) -> bool:
    """Whether a product is a positive number or scalar times one matrix."""
    if len(x.args) != 2:
        return False
    c = x.args[0]
    return (is_number(c) or is_stretched_scalar(c)) and is_positive(c)


def _is_nonnegative_scalar(x: Expr) -> bool:
    """Whether a factor is one number for all entries, which is known to be at least zero."""
    return (is_number(x) or is_stretched_scalar(x)) and is_nonnegative(x)


def _is_diagonal_with(x: Expr, known_to_be: Callable[[Expr], bool]) -> bool:
    """Whether a product is an identity times scalars and vectors, all of that sign, along its diagonal."""
    inputs, out, _ = x.params
    pairs = zip(x.args, inputs, strict=True)
    others = [arg for arg, labels in pairs if arg.op is not EYE or sorted(labels) != sorted(out)]
    known = all(x.ndim < 2 and known_to_be(x.args[0] if is_layout(x) else x) for x in others)
    return known and len(others) < len(x.args)


def _is_congruence(x: Expr, depth: int) -> bool:
    """Whether a symmetric product is ``M.T @ S @ M`` with a semidefinite, or no, S in the middle.

    Walks inwards from both ends, taking one factor from each; what is left is the middle.
    """
    inputs, (near, far), _ = x.params
    left = dict(enumerate(inputs))
    while near != far:
        ends = [[i for i, ls in left.items() if end in ls] for end in (near, far)]
        if any(len(at) != 1 for at in ends):
            return False
        (i,), (j,) = ends
        if i == j:  # one matrix in the middle
            return len(left) == 1 and is_semidefinite(x.args[i], depth - 1)
        first, second = left.pop(i), left.pop(j)
        if x.args[i] is not x.args[j] or len(first) > 2:
            return False
        if len(first) == 1:  # outer(v, v)
            return not left
        near = first[1] if first[0] == near else first[0]
        far = second[1] if second[0] == far else second[0]
    return all(ls == (near,) and is_nonnegative(x.args[i]) for i, ls in left.items())
