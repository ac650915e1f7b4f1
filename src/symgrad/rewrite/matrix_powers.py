"""Equal matrices side by side as a power, and powers beside vectors taken apart again, for code.

``A @ A @ A`` is ``matrix_power(A, 3)``: the node whose derivative is short, and which repeated squaring
computes. ``A^n v`` is n products with a vector.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from symgrad.expr.leaves import number
from symgrad.expr.node import Expr
from symgrad.expr.rewriting import Images, rewritten
from symgrad.expr.traverse import ops_of, uses_of
from symgrad.ops.arithmetic import mul
from symgrad.ops.einsum import EINSUM, einsum_node
from symgrad.ops.linalg import INV
from symgrad.ops.matrix_powers import MATRIX_POWER, POWER_ALONG, power_parts
from symgrad.ops.symmetry import Labels, is_symmetric
from symgrad.rewrite.rule import Guarantee, Rule, by_op

LEAST: Final = 3  # equal matrices that make a power; two stay a product
MAX_OPENED: Final = 8  # factors that a power beside a vector is taken apart into


def _power_of_equals(y: Expr) -> Expr | None:
    """The longest run of equal square matrices in a product of square matrices of their size."""
    return _longest_run(y, mixed=False)


def _cancelled_powers(y: Expr) -> Expr | None:
    """``A^-m @ A^n -> A^(n - m)``."""
    signs = {n > 0 for x, n in map(power_parts, y.args) if x.ndim > 1}
    return _longest_run(y, mixed=True) if len(signs) == 2 else None


def _longest_run(y: Expr, mixed: bool) -> Expr | None:
    """A run as one power; `mixed` ones have positive and negative powers."""
    inputs, out, spread = y.params
    shape = y.args[0].shape
    if len(y.args) < 2 or len(shape) < 2 or shape[-1] != shape[-2] or spread:
        return None
    if any(
        x.shape != shape or len(set(labels)) < 2 for x, labels in zip(y.args, inputs, strict=True)
    ):
        return None
    batch = inputs[0][:-2]
    if any(labels[:-2] != batch for labels in inputs) or not set(batch) <= set(out):
        return None
    runs = [_run_from(y, start, mixed) for start in range(len(y.args))]
    used, total, end = max(runs, key=lambda run: len(run[0]) if mixed else abs(run[1]))
    start = inputs[used[0]][-2]
    if len(used) < 2 or (abs(total) < LEAST and not mixed) or start == end:
        return None
    base, _ = power_parts(y.args[used[0]])
    kept = [i for i in range(len(y.args)) if i not in used]
    return einsum_node(
        [MATRIX_POWER.build((base,), (total,)), *[y.args[i] for i in kept]],
        [(*batch, start, end), *[inputs[i] for i in kept]],
        out,
        {},
    )


def _run_from(y: Expr, first: int, mixed: bool) -> tuple[list[int], int, int]:
    """The operands that continue one as powers of the same matrix, their exponents added up, the end."""
    inputs, out, _ = y.params
    base, total = power_parts(y.args[first])
    used, end = [first], inputs[first][-1]
    while end not in out:
        at = [i for i, labels in enumerate(inputs) if end in labels[-2:] and i not in used]
        if len(at) != 1:
            break
        matrix, n = power_parts(y.args[at[0]])
        row, column = inputs[at[0]][-2:]
        if (
            matrix is not base
            or (n * total < 0) is not mixed
            or (row != end and not is_symmetric(base))
        ):
            break
        used.append(at[0])
        total += n
        end = column if row == end else row
    return used, total, end


def _inverse_of_power(y: Expr) -> Expr | None:
    """``inv(A^n) -> A^-n``."""
    (x,) = y.args
    return MATRIX_POWER.build(x.args, (-x.params.n,)) if x.op is MATRIX_POWER else None


def _trace_of_derivative(y: Expr) -> Expr | None:
    """``tr(E A^2 + A E A + A^2 E) -> 3 tr(A^2 E)``, and so for a derivative along more directions."""
    (x,) = y.args[:1]
    if len(y.args) > 1 or x.op is not POWER_ALONG or y.params != (((0, 0),), (), ()):
        return None
    (a, e, *rest), n = x.args, x.params[0]
    if e.ndim != 2:
        return None
    power = POWER_ALONG.build((a, *rest), (n - 1,)) if rest else MATRIX_POWER.build((a,), (n - 1,))
    return mul(number(n), einsum_node([power, e], [(0, 1), (1, 0)], (), {}))


IN_PRODUCTS: Final = Rule(
    "A @ A @ A = matrix_power(A, 3)", Guarantee.ROUNDING, EINSUM, _power_of_equals
)
POWER_RULES: Final = (
    IN_PRODUCTS,
    Rule("A^-m @ A^n = A^(n - m)", Guarantee.DOMAIN, EINSUM, _cancelled_powers),
    Rule("inv(A^n) = A^-n", Guarantee.ROUNDING, INV, _inverse_of_power),
    Rule("tr(d A^n) = n*tr(A^(n-1) dA)", Guarantee.ROUNDING, EINSUM, _trace_of_derivative),
)
OF_PRODUCTS: Final = by_op((IN_PRODUCTS,))


def opened_powers(roots: Sequence[Expr]) -> Sequence[Expr]:
    """The roots with powers of matrices that multiply a vector, and nothing else, as their factors."""
    if MATRIX_POWER not in ops_of(roots):
        return roots
    uses = uses_of(roots)

    def step(node: Expr, image: Images) -> Expr | None:
        alone = [x for x in node.args if uses[x] == 1]
        if not any(x.op is MATRIX_POWER for x in alone):
            return None
        return _opened(image.over(node), set(image.of(alone)))

    return rewritten(roots, steps={EINSUM: step})


def _opened(y: Expr, alone: set[Expr]) -> Expr:
    if y.op is not EINSUM or not any(x.ndim == 1 for x in y.args):
        return y
    inputs, out, spread = y.params
    fresh = max([n for labels in (*inputs, out) for n in labels]) + 1
    operands: list[Expr] = []
    places: list[Labels] = []
    for x, labels in zip(y.args, inputs, strict=True):
        base, n = power_parts(x)
        if x.op is not MATRIX_POWER or x not in alone or x.ndim != 2 or abs(n) > MAX_OPENED:
            operands.append(x)
            places.append(labels)
            continue
        ends = [labels[0], *range(fresh, fresh + abs(n) - 1), labels[1]]
        fresh += abs(n) - 1
        operands += [base if n > 0 else INV.build((base,), ())] * abs(n)
        places += pairwise(ends)
    return einsum_node(operands, places, out, dict(spread))
