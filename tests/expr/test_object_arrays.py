"""Object arrays of symbols: NumPy's loops over their entries, and the same arrays as operands of ours."""

import numpy as np
import pytest

import symgrad as sg

x, y, z = sg.symbols("x y z")
v, w = sg.vector("v", 2), sg.vector("w", "n")
A = np.array([x, y])
M = np.array([[x, 2.0], [y, z]])
AT = {x: 0.3, y: 0.7, z: 1.2}
NUMBERS = np.array([0.3, 0.7])
MATRIX = np.array([[0.3, 2.0], [0.7, 1.2]])


def values(objects):
    """The numbers of an object array, or of an expression."""
    if isinstance(objects, sg.Expr):
        return sg.evaluate(objects, AT)
    flat = [sg.evaluate(e, AT) for e in np.ravel(objects)]
    return np.reshape(flat, np.shape(objects))


UNARY = (
    "arccos arcsin arcsinh arctan arctanh cbrt conjugate cos cosh deg2rad degrees exp exp2 expm1 fabs log"
    " log10 log1p log2 rad2deg radians rint sin sinh sqrt tan tanh floor ceil trunc negative positive"
    " square reciprocal absolute"
).split()


@pytest.mark.parametrize("name", UNARY)
def test_functions_of_entries(name):
    result = getattr(np, name)(A)
    assert isinstance(result, np.ndarray)
    assert result.dtype == object
    np.testing.assert_allclose(values(result), getattr(np, name)(NUMBERS), rtol=1e-14)


def test_arccosh_of_entries():
    np.testing.assert_allclose(values(np.arccosh(A + 1)), np.arccosh(NUMBERS + 1))


@pytest.mark.parametrize("name", ["arctan2", "hypot", "fmod", "power", "add", "divide"])
def test_functions_of_two_entries(name):
    f = getattr(np, name)
    np.testing.assert_allclose(values(f(A, A[::-1])), f(NUMBERS, NUMBERS[::-1]))


WITH_NUMPY = {
    "sum": lambda a, m: np.sum(np.exp(a)),
    "prod": lambda a, m: a.prod(),
    "dot": lambda a, m: np.dot(a, a),
    "matmul": lambda a, m: m @ m,
    "matrix times vector": lambda a, m: m @ a,
    "cumsum": lambda a, m: np.cumsum(a),
    "norm": lambda a, m: np.linalg.norm(a),
    "trace": lambda a, m: np.trace(m),
    "outer": lambda a, m: np.outer(a, a),
    "einsum": lambda a, m: np.einsum("ij,j->i", m, a),
    "stack": lambda a, m: np.stack([a, a]),
    "polynomial": lambda a, m: 3 * a**2 - a / 2 + 1,
    "round": lambda a, m: np.round(a, 1),
    "where of a mask": lambda a, m: np.where([True, False], a, 0),
}


@pytest.mark.parametrize("name", WITH_NUMPY)
def test_numpy_loops_over_entries(name):
    f = WITH_NUMPY[name]
    np.testing.assert_allclose(values(f(A, M)), f(NUMBERS, MATRIX))


BESIDE = {
    "array times vector": lambda a, u: a * u,
    "vector times array": lambda a, u: u * a,
    "array minus vector": lambda a, u: a - u,
    "power": lambda a, u: a**u,
    "product": lambda a, u: a @ u,
    "product of matrix": lambda a, u: np.outer(a, u) @ a,
    "comparison": lambda a, u: np.where(a > u, a, u),
    "maximum": np.maximum,
    "scalar": lambda a, u: a * u[0],
}


@pytest.mark.parametrize("name", BESIDE)
def test_beside_expressions(name):
    """One expression comes out: the array counts as the vector of its entries."""
    f = BESIDE[name]
    other = np.array([0.5, 2.0])
    node = f(A, v)
    assert isinstance(node, sg.Expr)
    sg.check_graph(node)
    np.testing.assert_allclose(sg.evaluate(node, AT | {v: other}), f(NUMBERS, other))


OURS = {
    "exp": (sg.exp, np.exp),
    "sum": (sg.sum, np.sum),
    "mean": (sg.mean, np.mean),
    "var": (sg.var, np.var),
    "max": (sg.max, np.max),
    "norm": (sg.norm, np.linalg.norm),
    "logsumexp": (sg.logsumexp, lambda a: np.log(np.sum(np.exp(a)))),
    "flip": (sg.flip, np.flip),
    "diag": (sg.diag, np.diag),
    "concatenate": (lambda a: sg.concatenate([a, a]), lambda a: np.concatenate([a, a])),
    "stack": (lambda a: sg.stack([a, a]), lambda a: np.stack([a, a])),
    "index": (lambda a: sg.take(a, [1]), lambda a: np.take(a, [1])),
}


@pytest.mark.parametrize("name", OURS)
def test_as_operands_of_ours(name):
    ours, theirs = OURS[name]
    np.testing.assert_allclose(sg.evaluate(ours(A), AT), theirs(NUMBERS))


def test_matrices_of_symbols():
    np.testing.assert_allclose(sg.evaluate(sg.linalg.det(M), AT), np.linalg.det(MATRIX))
    np.testing.assert_allclose(sg.evaluate(sg.linalg.inv(M), AT), np.linalg.inv(MATRIX))
    f = sg.lambdify([x, y, z], sg.linalg.solve(M, A))
    np.testing.assert_allclose(f(0.3, 0.7, 1.2), np.linalg.solve(MATRIX, NUMBERS))


def test_entries_that_are_arrays():
    rows = np.empty(2, dtype=object)
    rows[0], rows[1] = w, 2 * w
    assert sg.sum(rows, axis=1).shape == (2,)
    data = np.array([1.0, 2.0])
    np.testing.assert_array_equal(sg.evaluate(sg.exp(rows), {w: data}), np.exp([data, 2 * data]))
    rows[1] = x
    with pytest.raises(sg.ShapeError, match="one shape"):
        sg.exp(rows)


def test_arrays_of_expressions_and_back():
    """`numpy.asarray` of an expression is the array of its entries, or holds it where they are unknown."""
    entries = np.asarray(v)
    assert entries.dtype == object
    assert entries[1] is v[1]
    assert np.asarray(x)[()] is x
    assert np.asarray(w)[()] is w
    assert sg.exp(np.asarray(x)) is sg.exp(x)
    assert sg.sum(np.zeros(0, dtype=object)) is not None


def test_derivatives():
    f = np.sum(np.exp(A)) * x
    assert sg.diff(f, y) is x * sg.exp(y)
    gradient = sg.grad(f, A)
    assert gradient.shape == (2,)
    np.testing.assert_allclose(
        sg.evaluate(gradient, AT), [np.exp(0.3) * 1.3 + np.exp(0.7), 0.3 * np.exp(0.7)]
    )
    hessian = sg.evaluate(sg.hessian(f, A), AT)
    blocks = sg.hessian(f, [x, y])
    np.testing.assert_allclose(hessian, [[sg.evaluate(e, AT) for e in row] for row in blocks])
    F = np.array([x * y, sg.sin(x), y**2])
    jacobian = sg.jacobian(F, A)
    assert jacobian.shape == (3, 2)
    np.testing.assert_allclose(
        sg.evaluate(jacobian, AT), [[0.7, 0.3], [np.cos(0.3), 0], [0, 1.4]], atol=1e-16
    )
    assert sg.jacobian(F, M[:, :1]).shape == (3, 2, 1)
    np.testing.assert_allclose(sg.evaluate(sg.hvp(f, A, [1.0, 2.0]), AT), hessian @ [1.0, 2.0])


def test_lambdify():
    f = sg.lambdify(A, [A * 2, {"m": np.array([[x], [y]])}])
    doubled, rest = f(1.0, 2.0)
    np.testing.assert_array_equal(doubled, [2.0, 4.0])
    np.testing.assert_array_equal(rest["m"], [[1.0], [2.0]])
    nested = sg.lambdify([A, z], x * z + y)
    assert nested([1.0, 2.0], 3.0) == nested(np.array([1.0, 2.0]), 3.0) == 5.0
    with pytest.raises(sg.ShapeError, match=r"argument 1 has the shape \(\), needs \(2,\)"):
        nested(1.0, 3.0)


def test_what_has_no_meaning_says_so():
    for call in (lambda: np.max(A), lambda: np.sort(A), lambda: A.astype(float), lambda: A > 0):
        with pytest.raises((sg.TruthError, ValueError)):
            call()
    with pytest.raises(AttributeError, match="no attribute 'frobnicate'"):
        x.frobnicate  # noqa: B018
    assert "exp" not in dir(x)
