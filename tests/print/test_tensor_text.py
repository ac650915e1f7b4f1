"""The text of a tensor formula is NumPy code with the value of the formula."""

import itertools
import random

import numpy as np
import pytest
import scipy.special

import symgrad as sg

SIZES = {"i": 2, "j": 3, "k": 4}
NAMESPACE = {name: getattr(np, name) for name in np.__all__} | {
    "inv": np.linalg.inv,
    "det": np.linalg.det,
    "solve": np.linalg.solve,
    "logsumexp": scipy.special.logsumexp,
    "softmax": scipy.special.softmax,
    "log_softmax": scipy.special.log_softmax,
    "norm": np.linalg.norm,
    "matrix_power": np.linalg.matrix_power,
    "__builtins__": {},
}


def check(e):
    leaves = sg.free_symbols(e)
    rng = np.random.default_rng(3)
    values = {leaf: rng.uniform(0.5, 1.5, size=leaf.shape) for leaf in leaves}
    named = {leaf.name: value for leaf, value in values.items()}
    shown = eval(str(e), NAMESPACE | named)  # a text made in this test
    expected = sg.evaluate(e, values)
    if np.shape(shown) != np.shape(expected):  # broadcasting does not show
        shown = np.broadcast_to(shown, np.shape(expected))
    np.testing.assert_allclose(shown, expected, rtol=1e-12, err_msg=str(e))


def labels(count):
    """All lists of `count` different labels."""
    return ["".join(p) for p in itertools.permutations(SIZES, count)]


def einsums(operands):
    """Einsums over up to three labels, with every choice of what is kept."""
    inputs = [name for count in (1, 2) for name in labels(count)]
    for chosen in itertools.product(inputs, repeat=operands):
        seen = sorted(set("".join(chosen)))
        for count in range(len(seen) + 1):
            for out in itertools.permutations(seen, count):
                yield f"{','.join(chosen)}->{''.join(out)}"


def build(subscripts):
    inputs = subscripts.partition("->")[0].split(",")
    names = "ABC"
    operands = [
        sg.symbol(names[i], tuple(SIZES[c] for c in labels)) for i, labels in enumerate(inputs)
    ]
    return sg.einsum(subscripts, *operands)


@pytest.mark.parametrize("operands", [1, 2])
def test_every_einsum(operands):
    for subscripts in einsums(operands):
        check(build(subscripts))


def test_einsums_of_three():
    for subscripts in random.Random(5).sample(list(einsums(3)), 600):
        check(build(subscripts))


def test_repeated_labels():
    for subscripts in ["ii->", "ii->i", "iij->j", "ii,i->i", "ij,jj->i"]:
        inputs = subscripts.partition("->")[0].split(",")
        operands = [sg.symbol("AB"[n], (3,) * len(labels)) for n, labels in enumerate(inputs)]
        check(sg.einsum(subscripts, *operands))


v, r = sg.vector("v", 3), sg.vector("r", 2)
A, Q = sg.matrix("A", (2, 3)), sg.matrix("Q", (3, 3))
T = sg.symbol("T", (2, 3, 4))
x = sg.symbol("x")

FORMULAS = [
    A + v,
    A * r[:, None],
    (A + v) @ v,
    2 * A.T @ (A @ v - r),
    (A @ v) * r / (x * (r @ r)),
    x * (A @ v) / 2,
    -(A @ v) * 3,
    v @ Q @ v,
    (v @ Q) @ (Q @ v),
    Q @ sg.broadcast_to(v, (3, 3)),
    Q @ (v / x * sg.ones((3, 3))),
    Q @ sg.broadcast_to(x, (3, 3)),
    sg.sum(A * v, axis=0),
    sg.sum(sg.broadcast_to(v, (2, 3)), axis=1),
    sg.transpose(T, (2, 0, 1)),
    sg.expand_dims(v, 1) - v,
    sg.expand_dims(Q, 2) * v,
    sg.squeeze(sg.expand_dims(v, 0) @ Q),
    sg.mean(A, axis=1),
    sg.var(A, axis=0),
    sg.linalg.solve(Q, v) @ v,
    sg.linalg.inv(Q + Q.T) @ v,
    sg.stack([x, v[0], 1]),
    sg.stack([v, v**2], axis=1),
    sg.concatenate([v, sg.zeros(2), sg.ones(1)]),
    sg.concatenate([A, A**2], axis=1) @ sg.vector("w", 6),
    v[::-1] + v[[2, 0, 1]],
    A[1, 1:],
    sg.diag(v) @ Q,
    sg.outer(A @ v, v),
    sg.trace(Q @ Q @ Q),
    sg.max(A, axis=0),
    sg.where(A > 1, A, v),
    sg.reshape(A, (3, 2)),
    sg.cumsum(A, axis=1),
    sg.eye(3) * x + Q,
    sg.einsum("ki,k,kj->ij", A, r, A),
    sg.einsum("i,ij,j->i", r, A, v),
]


@pytest.mark.parametrize("e", FORMULAS, ids=str)
def test_formulas(e):
    check(e)


@pytest.mark.parametrize(
    "f",
    [
        sg.sum((A @ v - r) ** 2) / 2,
        sg.sum(sg.exp(A @ v)),
        sg.log(sg.sum(v**2)) * (v @ Q @ v),
        sg.sum(sg.linalg.inv(Q) @ v),
        sg.norm(v) * sg.logsumexp(Q @ v),
    ],
    ids=str,
)
def test_derivatives(f):
    check(sg.grad(f, v))
    check(sg.hessian(f, v))
