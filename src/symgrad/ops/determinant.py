"""The determinant and its cofactors: derivatives of every order, at singular matrices too.

The gradient of ``det(A)`` is the matrix of cofactors, which is ``det(A)*inv(A).T`` for a regular A and
a polynomial of the entries everywhere. `COFACTORS` is that matrix, and its derivative along any number
of directions E, ..., F: ``cofactors(A, E, ..., F)``, linear in each of them. The form

    sum(cofactors(A, E, ..., F) * G)

is the derivative of ``det(A)`` along all of E, ..., F, G, so it does not change where two of them change
places. Hence the derivative of ``cofactors(A, E)`` along a change T of A is ``cofactors(A, E, T)``, and a
cotangent G sends ``cofactors(A, E, G)`` to A and ``cofactors(A, G)`` to E.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import permutations
from typing import Any, Final

from symgrad.expr.dims import Shape, broadcast_shapes
from symgrad.expr.kinds import Call
from symgrad.expr.leaves import EYE, assumed, extent, number
from symgrad.expr.node import Expr, make
from symgrad.expr.op import Op, Params
from symgrad.expr.types import Ty, promote
from symgrad.ops import reducing
from symgrad.ops.arithmetic import add_all, mul
from symgrad.ops.batch import before_broadcasting
from symgrad.ops.directions import cotangents, tangent
from symgrad.ops.einsum import broadcast
from symgrad.ops.linalg import INV, scalar_factors, square_op, square_operand
from symgrad.ops.matrices import (
    as_float,
    contract,
    diagonal_of,
    float_of,
    minus,
    over_matrix,
    transposed,
    untransposed,
)
from symgrad.ops.properties import is_diagonal
from symgrad.ops.public import public
from symgrad.ops.ufuncs import divide, multiply, power

# Determinant


def _known_det(x: Expr) -> Expr | None:
    if x.op is EYE:
        return number(1, x.shape[:-2])
    if is_diagonal(x):
        return reducing.prod(diagonal_of(as_float(x)), axis=-1)
    if x.op is INV:  # det(inv(A)) = 1/det(A)
        return divide(1, DET.build(x.args, ()))
    inner = untransposed(x)
    if inner is not None:
        return DET.build((inner,), ())
    scaled = scalar_factors(x)
    if scaled is not None:  # det(c*A) = c**n det(A)
        c, rest = scaled
        return multiply(power(c, extent(x.shape[-1])), DET.build((rest,), ()))
    return None


def _det_cotangent(g: Expr, y: Expr, needed: Sequence[bool]) -> list[Expr | None]:
    (x,) = y.args
    return [mul(over_matrix(g, x), COFACTORS.build((x,), ()))]


def _det_tangent(y: Expr, tangents: Sequence[Expr | None]) -> Expr | None:
    (x,), (t,) = y.args, tangents
    return None if t is None else contract("ij,ij->", y.ndim, COFACTORS.build((x,), ()), t)


DET: Final = square_op(
    "det",
    2,
    _det_cotangent,
    _det_tangent,
    _known_det,
    numpy="np.linalg.det({0})",
    latex=r"\det\left({0}\right)",
    sympy=lambda sp, a: a.det(),
    factored="det",
    notes="The derivative is det(A) * inv(A).T, at singular matrices the matrix of cofactors.",
)


# Cofactors


def _infer(args: tuple[Expr, ...], params: Params) -> tuple[Shape, Ty]:
    return broadcast_shapes(*[x.shape for x in args]), float_of(promote(*[x.ty for x in args]))


def _build(args: tuple[Expr, ...], params: Params) -> Expr:
    if assumed(args[0], "orthogonal"):
        return cofactors_formula(args)
    return make(COFACTORS, args, (), *_infer(args, params))


def cofactors_formula(args: tuple[Expr, ...]) -> Expr:
    """By the inverse B of A: ``det(A)*B.T``, ``det(A)*(tr(B E)*B.T - (B E B).T)``, and so on.

    A sum over the permutations of the directions and of the place of the result, each a product of
    traces over its cycles; the cycle of the result is a matrix.
    """
    (a, *directions), shape = args, _infer(args, ())[0]
    batch = len(shape) - 2
    inverse = broadcast(INV.build((a,), ()), shape)
    steps = [contract("ij,jk->ik", batch, inverse, broadcast(e, shape)) for e in directions]
    terms = []
    for cycles, sign in _cycles_of_permutations(len(args)):
        first, *others = cycles
        term = inverse
        for i in reversed(first[1:]):
            term = contract("ij,jk->ik", batch, steps[i - 1], term)
        term = transposed(term)
        for cycle in others:
            product = steps[cycle[0] - 1]
            for i in cycle[1:]:
                product = contract("ij,jk->ik", batch, product, steps[i - 1])
            term = contract(",ij->ij", batch, contract("ii->", batch, product), term)
        terms.append(minus(term) if sign < 0 else term)
    determinant = broadcast(DET.build((a,), ()), shape[:-2])
    return contract(",ij->ij", batch, determinant, add_all(terms))


def _cycles_of_permutations(n: int) -> Iterator[tuple[list[list[int]], int]]:
    """The cycles of each permutation of n places, that of place 0 first, and its sign."""
    for images in permutations(range(n)):
        cycles: list[list[int]] = []
        for start in range(n):
            if not any(start in cycle for cycle in cycles):
                cycles.append([start])
                while (image := images[cycles[-1][-1]]) != start:
                    cycles[-1].append(image)
        yield cycles, (-1) ** (n - len(cycles))


def _along(operands: Sequence[Expr]) -> Expr:
    return COFACTORS.build(tuple(operands), ())


COFACTORS: Final = Op(
    name="cofactors",
    build=_build,
    infer=_infer,
    vjp=lambda g, y, needed: cotangents(g, y.args, [x.shape for x in y.args], needed, _along),
    jvp=lambda y, tangents: tangent(y, tangents, _along),
    formula=lambda y: cofactors_formula(y.args),
    numpy=Call("_cofactors"),
    batch=before_broadcasting,
    keeps_symmetry=True,
    notes="Directions may have axes in front of those of the matrix, and broadcast.",
)


@public
def det(a: Any) -> Expr:
    """Determinant of square matrices, as `numpy.linalg.det`.

    The gradient, ``det(A)*inv(A).T``, is the matrix of cofactors where A is singular, and all further
    derivatives are those of that polynomial.

    Examples
    --------
    >>> import symgrad as sg
    >>> A = sg.matrix("A", ("n", "n"))
    >>> gradient = sg.grad(sg.linalg.det(A), A)
    >>> print(gradient)
    det(A)*inv(A).T
    >>> sg.evaluate(gradient, {A: [[1.0, 2.0], [2.0, 4.0]]}).tolist()
    [[4.0, -2.0], [-2.0, 1.0]]
    """
    return DET.build((square_operand(a, "det"),), ())


DETERMINANT_OPS: Final = (DET, COFACTORS)
