"""The recogniser by form, and every form against the dense tensor."""

import pickle

import numpy as np
import pytest

import symgrad as sg
from symgrad.structure import form_of

T, U, V = sg.matrix("T", ("m", "n")), sg.matrix("U", ("m", "k")), sg.matrix("V", ("n", "k"))
x, w, y = sg.vector("x", "n"), sg.vector("w", 5), sg.vector("y", 3)
A, X = sg.matrix("A", ("n", "n")), sg.matrix("X", (3, 5))
c = sg.symbol("c")
fit = sg.norm(T - U @ V.T) ** 2
loss = sg.sum(sg.log(1 + sg.exp(-y * (X @ w))))

# title: tensor, the type of its form, and the formulas that it holds
TABLE = {
    "sum of functions": (sg.hessian(sg.sum(sg.sin(x)), x), sg.Diagonal, ["-sin(x)"]),
    "matrix of functions": (sg.hessian(sg.sum(U**4), U), sg.Diagonal, ["12*U**2"]),
    "elementwise": (sg.jacobian(x**3, x), sg.Diagonal, ["3*x**2"]),
    "identity": (sg.jacobian(2 * x, x), sg.Diagonal, ["broadcast_to(2, (n,))"]),
    "factorisation by U": (sg.hessian(fit, U), sg.Kronecker, ["2*V.T @ V", "m"]),
    "factorisation by V": (sg.hessian(fit, V), sg.Kronecker, ["2*U.T @ U", "n"]),
    "with a ridge": (
        sg.hessian(fit + c * sg.sum(U**2), U),
        sg.Kronecker,
        ["2*V.T @ V + 2*c*eye(k)", "m"],
    ),
    "linear map": (sg.jacobian(T @ V, T), sg.Kronecker, ["V.T", "m"]),
    "linear map from the left": (sg.jacobian(A @ V, V), sg.Kronecker, ["A", "k"]),
    "square of a sum": (sg.hessian(sg.sum(x) ** 2 * c, x), sg.LowRank, None),
    "outer products": (
        sg.hessian(sg.sum(sg.sin(x)) * sg.sum(sg.cos(x)), x),
        sg.DiagonalPlusLowRank,
        None,
    ),
    "norm": (sg.hessian(sg.norm(x), x), sg.DiagonalPlusLowRank, None),
    "softmax": (sg.jacobian(sg.softmax(x), x), sg.DiagonalPlusLowRank, None),
    "few rows": (sg.hessian(loss, w), sg.LowRank, None),
    "few rows and a ridge": (sg.hessian(loss + c * w @ w, w), sg.DiagonalPlusLowRank, None),
    "inverse": (sg.jacobian(sg.linalg.inv(A), A), None, None),
    "quadratic form": (sg.hessian(x @ A @ x, x), None, None),
    "transposition": (sg.hessian(sg.trace(A @ A), A), None, None),
    "order three": (sg.jacobian(sg.hessian(sg.sum(x**4), x), x), None, None),
}
SIZES = {"m": 4, "n": 3, "k": 2}


def arrays_for(e):
    rng = np.random.default_rng(5)
    symbols = sg.free_symbols(e)
    symbols += [s for s in (x, U, V, T) if s not in set(symbols)]  # extents
    return symbols, [rng.uniform(0.5, 2, [SIZES.get(d, d) for d in s.shape]) for s in symbols]


@pytest.mark.parametrize("title", TABLE)
def test_form_and_value(title):
    e, kind, formulas = TABLE[title]
    form = form_of(e)
    symbols, arrays = arrays_for(e)
    dense = sg.lambdify(symbols, e)(*arrays)
    f = sg.lambdify(symbols, e, structured=True)
    H = f(*arrays)
    if kind is None:
        assert form is None
        np.testing.assert_allclose(H, dense, rtol=1e-13, atol=1e-13)
        return
    assert type(H) is kind
    if formulas:
        assert [str(part) for part in form.parts] == formulas
    check_operator(H, dense)
    assert form.kind in f.explain() and form.kind in sg.lambdify(symbols, e).explain()


def check_operator(H, dense):
    """All that a structured matrix can do, against the dense one."""
    rng = np.random.default_rng(6)
    rows, columns = H.row_shape, H.column_shape
    assert H.shape == dense.shape and H.ndim == dense.ndim and H.dtype == dense.dtype
    np.testing.assert_allclose(H.dense(), dense, rtol=1e-12, atol=1e-12)
    np.testing.assert_array_equal(np.asarray(H), H.dense())
    flat = dense.reshape(int(np.prod(rows)), int(np.prod(columns)))
    for extra in ((), (3,), (2, 2)):
        v = rng.normal(size=(*columns, *extra))
        got = H @ v
        assert got.shape == (*rows, *extra)
        want = flat @ v.reshape(flat.shape[1], -1)
        np.testing.assert_allclose(got.reshape(len(flat), -1), want, rtol=1e-11, atol=1e-11)
    np.testing.assert_allclose(
        H.T.dense().reshape(flat.shape[1], -1), flat.T, rtol=1e-12, atol=1e-12
    )
    again = pickle.loads(pickle.dumps(H))
    np.testing.assert_array_equal(again.dense(), H.dense())
    with pytest.raises(AttributeError, match="immutable"):
        H.shape_of = 1
    with pytest.raises(sg.ShapeError, match="needs"):
        H @ np.ones(flat.shape[1] + 1)
    if flat.shape[0] == flat.shape[1] and np.linalg.cond(flat) < 1e8:
        b = rng.normal(size=(*rows, 2))
        solved = H.solve(b)
        assert solved.shape == (*columns, 2)
        np.testing.assert_allclose(
            flat @ solved.reshape(len(flat), 2), b.reshape(-1, 2), rtol=1e-8, atol=1e-8
        )


# Operators on their own


def random_operators():
    rng = np.random.default_rng(7)
    d, M = rng.uniform(1, 2, 4), rng.normal(size=(3, 3))
    P, Q = rng.normal(size=(4, 2)), rng.normal(size=(4, 2))
    yield sg.Diagonal(d), np.diag(d)
    for axis, flat in ((0, np.kron(np.eye(2), M)), (1, np.kron(M, np.eye(2)))):
        shape = (2, 3, 2, 3) if axis == 0 else (3, 2, 3, 2)
        yield sg.Kronecker(M, 2, axis), flat.reshape(shape)
    wide = rng.normal(size=(3, 2))
    yield sg.Kronecker(wide, 4, 0), np.kron(np.eye(4), wide).reshape(4, 3, 4, 2)
    yield sg.LowRank(P, np.array([1.0, -2.0]), Q), P @ np.diag([1.0, -2.0]) @ Q.T
    for diagonal in (d, d * [1, 0, 1, 1]):
        yield (
            sg.DiagonalPlusLowRank(diagonal, P, np.ones(2), Q),
            np.diag(diagonal) + P @ Q.T,
        )
    low = sg.LowRank(P, np.ones(2), rng.normal(size=(3, 2)))
    mid = rng.normal(size=(4, 3))
    rows = [[sg.Diagonal(d), mid], [mid.T, sg.Diagonal(np.ones(3))]]
    yield sg.Block(rows), np.block([[np.diag(d), mid], [mid.T, np.eye(3)]])
    yield (
        sg.Block([[sg.Diagonal(d), low], [low.T, np.eye(3)]]),
        np.block([[np.diag(d), low.dense()], [low.dense().T, np.eye(3)]]),
    )


OPERATORS = list(random_operators())


@pytest.mark.parametrize("index", range(len(OPERATORS)))
def test_operators(index):
    check_operator(*OPERATORS[index])


def test_singular_matrices_raise():
    with pytest.raises(np.linalg.LinAlgError, match="zero on the diagonal"):
        sg.Diagonal(np.array([1.0, 0.0])).solve(np.ones(2))
    u = np.ones((3, 1))
    with pytest.raises(np.linalg.LinAlgError, match="rank"):
        sg.LowRank(u, np.ones(1), u).solve(np.ones(3))
    with pytest.raises(np.linalg.LinAlgError):
        sg.Kronecker(np.zeros((2, 2)), 3).solve(np.ones((3, 2)))
    with pytest.raises(sg.ShapeError, match="as many rows"):
        sg.Kronecker(np.ones((2, 3)), 3).solve(np.ones((3, 2)))


# Compiled functions


def test_blocks_of_several_unknowns():
    u, v = sg.vector("u", "m"), sg.vector("v", "n")
    s = sg.symbol("s")
    f = sg.sum(sg.exp(u)) * s + sg.sum(u) * sg.sum(v**2) + s**3
    unknowns = [u, v, s]
    H = sg.hessian(f, unknowns)
    rng = np.random.default_rng(8)
    point = [rng.normal(size=2), rng.normal(size=3), 1.5]
    got = sg.lambdify(unknowns, H, structured=True)(*point)
    assert isinstance(got, sg.Block)
    assert isinstance(got.blocks[0][0], sg.Diagonal)
    blocks = sg.lambdify(unknowns, H)(*point)
    sizes = (2, 3, 1)
    flat = np.block(
        [
            [np.reshape(b, (h, w)) for b, w in zip(row, sizes, strict=True)]
            for row, h in zip(blocks, sizes, strict=True)
        ]
    )
    check_operator(got, flat)


def test_a_nest_keeps_its_form():
    f = sg.lambdify(x, {"value": sg.sum(x**3), "H": sg.hessian(sg.sum(x**3), x)}, structured=True)
    out = f(np.arange(3.0))
    assert out["value"] == 9.0 and isinstance(out["H"], sg.Diagonal)
    assert f.outputs["value"] is sg.sum(x**3)
    g = pickle.loads(pickle.dumps(f))
    assert g(np.arange(3.0))["H"].d.tolist() == [0.0, 6.0, 12.0]


def test_structured_code_computes_the_small_parts_only():
    f = sg.lambdify([T, U, V], sg.hessian(fit, U), structured=True)
    assert "2*(V.T @ V)" in f.source and "eye" not in f.source.split('"""')[-1]


# The dense form writes what is not zero


DENSE = {
    "Kronecker": sg.hessian(fit, U),
    "Kronecker behind": sg.jacobian(T @ V, T),
    "diagonal": sg.hessian(sg.sum(sg.sin(x)), x),
    "diagonal of a matrix": sg.hessian(c * sg.sum(U**4), U),
    "scaled identity": sg.einsum("i,jk->jk", x, sg.eye("n")) * c,
    "batched": sg.einsum("bi,ij,jk->bijk", T, sg.eye("n"), V),
    "two scalars": 3 * c * sg.sum(x) * sg.jacobian(x**2, x),
    "narrow": sg.jacobian(
        sg.vector("z", "n", dtype="float32") ** 2, sg.vector("z", "n", dtype="float32")
    ),
}


@pytest.mark.parametrize("title", DENSE)
def test_dense_emission(title):
    e = DENSE[title]
    symbols, arrays = arrays_for(e)
    arrays = [a.astype(s.dtype) for a, s in zip(arrays, symbols, strict=True)]
    f = sg.lambdify(symbols, e)
    code = f.source.split('"""')[-1]
    assert "_on_diagonal(" in code or "np.diag(" in code
    assert "np.eye" not in code
    got = f(*arrays)
    assert got.dtype == e.dtype
    np.testing.assert_allclose(got, _by_definition(e, symbols, arrays), rtol=1e-6)


def _by_definition(e, symbols, arrays):
    """The same tensor with the identity as an argument, so that nothing is known of it."""
    identities = {n.params[0]: n for n in sg.expr.traverse.toposort([e]) if n.op.name == "eye"}
    stand_in = {d: sg.symbol(f"I_{d}", (d, d)) for d in identities}
    (plain,) = sg.expr.rewriting.replace([e], {identities[d]: stand_in[d] for d in identities}, {})
    values = [np.eye(SIZES[d]) for d in stand_in]
    return sg.lambdify([*symbols, *stand_in.values()], plain)(*arrays, *values)
