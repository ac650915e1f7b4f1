"""Forms of derivatives that make linear solves cheap."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from symgrad.autodiff import grad, jacobian, jvp
from symgrad.errors import ArgumentError
from symgrad.expr.leaves import constant, is_value, symbol, zeros
from symgrad.expr.node import Expr
from symgrad.expr.traverse import free_symbols
from symgrad.ops.einsum import insert_axes
from symgrad.ops.layout import concat
from symgrad.rewrite.simplify import simplify_all
from symgrad.structure.entries import entries_of
from symgrad.structure.forms import KroneckerForm
from symgrad.structure.recognise import form_of


def entries_of_jacobian(
    formulas: Sequence[Expr], unknowns: Sequence[Expr]
) -> tuple[list[Expr], tuple[int, int]]:
    """Entries of a Jacobian that can differ from zero and their places in C order; how many of how many.

    Raises
    ------
    ArgumentError
        Unless it is one formula in one unknown, of known extents, or scalars in scalars.
    """
    width = len(unknowns)
    if len(formulas) == width == 1:
        J = jacobian(formulas[0], unknowns[0])
        at, values = entries_of(J)
        width = math.prod(unknowns[0].shape)
        return [values, constant(at)], (len(at), width * width)
    if any(e.shape for e in (*formulas, *unknowns)):
        raise ArgumentError(
            'method="sparse" takes one vector formula in one vector unknown, or scalars in scalars:'
            " stack the unknowns into one vector"
        )
    places, entries = [], []
    for i, f in enumerate(formulas):
        mentioned = set(free_symbols(f))
        found = [(j, x) for j, x in enumerate(unknowns) if x in mentioned]
        for (j, _), e in zip(found, grad(f, [x for _, x in found]), strict=True):
            places.append(i * width + j)
            entries.append(insert_axes(e, (0,)))
    return [concat(entries, 0), constant(np.array(places))], (len(places), width * width)


def diagonal_of(gradient: Sequence[Expr], unknowns: Sequence[Expr]) -> list[Expr] | None:
    """The diagonal of a Hessian, an array per unknown, or None where it has more than a diagonal.

    It is diagonal where the Hessian times a direction v is ``d * v``, entry by entry, with no v in `d`.
    """
    parts: list[Expr] = []
    for i, x in enumerate(unknowns):
        direction = symbol(f"direction of {x.name}", x.shape)
        for j, slope in enumerate(gradient):
            product = jvp(slope, x, direction)
            if i != j:
                if not is_value(product, 0):
                    return None
                continue
            (ratio,) = simplify_all([product / direction])
            if direction in set(free_symbols(ratio)):
                return None
            parts.append(ratio if ratio.shape == x.shape else ratio + zeros(x.shape))
    return parts


def kronecker_of(blocks: Sequence[Expr]) -> KroneckerForm | None:
    """A Hessian by one matrix that is a Kronecker product with the identity, or None."""
    form = form_of(blocks[0]) if len(blocks) == 1 and blocks[0].ndim == 4 else None
    return form if isinstance(form, KroneckerForm) else None
