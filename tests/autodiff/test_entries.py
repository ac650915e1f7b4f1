"""Derivatives by entries and slices of symbols, against the same entries of derivatives by the whole."""

import numpy as np
import pytest
import sympy as sp

import symgrad as sg

x, y, z = sg.symbols("x y z")
v, w = sg.vector("v", 3), sg.vector("w", "n")
B = sg.symbol("B", (3, 4, 2))
DATA = np.random.default_rng(1).uniform(0.5, 1.5, B.shape)
NUMBERS = np.arange(B.shape[0] * B.shape[1] * B.shape[2]).reshape(B.shape)
WEIGHTS = np.random.default_rng(2).uniform(0, 1, (5, NUMBERS.size))
F = sg.tanh(sg.constant(WEIGHTS) @ sg.ravel(B) ** 2)
f = sg.sum(F**3) * B[0, 0, 0] + sg.prod(B[1])
WHOLE = [f, sg.grad(f, B), sg.hessian(f, B), sg.jacobian(F, B)]

VIEWS = {
    "entry": lambda a, xp: a[1, 2, 1],
    "negative entry": lambda a, xp: a[-1, -2, -1],
    "row": lambda a, xp: a[0],
    "reversed": lambda a, xp: a[:, ::-1],
    "mask": lambda a, xp: a[np.array([True, False, True])],
    "transpose": lambda a, xp: a[..., 0].T,
    "indices": lambda a, xp: a[[2, 0]],
    "newaxis": lambda a, xp: a[:, 1:3, None],
    "strides": lambda a, xp: a[::-2, -1],
    "diagonal": lambda a, xp: xp.diagonal(a[:, :3, 0]),
    "stack": lambda a, xp: xp.stack([a[0, 0, 0], a[1, 1, 1]]),
    "flat": lambda a, xp: xp.ravel(a)[5:9],
    "none": lambda a, xp: a[1:1],
    "concatenation": lambda a, xp: xp.concatenate([a[0], a[2]]),
    "pairs of indices": lambda a, xp: a[:, [0, 2], [1, 0]],
    "reshaped": lambda a, xp: xp.reshape(a[1], (2, 4)),
}


@pytest.fixture(scope="module")
def whole():
    n = NUMBERS.size
    value, gradient, hessian, jacobian = sg.lambdify(B, WHOLE)(DATA)
    return value, gradient.ravel(), hessian.reshape(n, n), jacobian.reshape(5, n)


@pytest.mark.parametrize("name", VIEWS)
def test_entries_of_one_symbol(name, whole):
    view = VIEWS[name](B, sg)
    at = VIEWS[name](NUMBERS, np)
    rows = np.ravel(at)
    _, gradient, hessian, jacobian = whole
    direction = np.linspace(1, 2, rows.size).reshape(np.shape(at))
    d = sg.constant(direction)
    made = [
        sg.grad(f, view),
        sg.hessian(f, view),
        sg.jacobian(F, view),
        sg.jvp(F, view, d),
        sg.vjp(F, view, sg.ones(5)),
        sg.hvp(f, view, d),
    ]
    sg.check_graph(*made)
    got = sg.lambdify(B, made)(DATA)
    square = hessian[np.ix_(rows, rows)]
    expected = [
        gradient[at],
        square.reshape(np.shape(at) * 2),
        jacobian[:, rows].reshape(5, *np.shape(at)),
        jacobian[:, rows] @ direction.ravel(),
        jacobian.sum(0)[at],
        (square @ direction.ravel()).reshape(np.shape(at)),
    ]
    for actual, want in zip(got, expected, strict=True):
        assert np.shape(actual) == np.shape(want)
        np.testing.assert_allclose(actual, want, rtol=1e-9, atol=1e-12)
    if np.ndim(at) == 0:
        second = sg.lambdify(B, [sg.diff(f, view), sg.diff(f, view, 2), sg.diff(F, view)])(DATA)
        np.testing.assert_allclose(second[0], gradient[at])
        np.testing.assert_allclose(second[1], hessian[at, at])
        np.testing.assert_allclose(second[2], jacobian[:, at])


def test_a_list_of_entries(whole):
    _, gradient, hessian, _ = whole
    views = [B[0], B[1, 1, 1], B[2, 1:3]]
    rows = [NUMBERS[0].ravel(), NUMBERS[1, 1, 1].ravel(), NUMBERS[2, 1:3].ravel()]
    gradients, blocks = sg.lambdify(B, [sg.grad(f, views), sg.hessian(f, views)])(DATA)
    for i, a in enumerate(rows):
        np.testing.assert_allclose(np.ravel(gradients[i]), gradient[a])
        for j, b in enumerate(rows):
            assert np.shape(blocks[i][j]) == (*views[i].shape, *views[j].shape)
            expected = hessian[np.ix_(a, b)]
            np.testing.assert_allclose(
                np.reshape(blocks[i][j], expected.shape), expected, atol=1e-12
            )
    directions = [np.ones(u.shape) for u in views]
    along = sg.lambdify(B, sg.hvp(f, views, directions))(DATA)
    together = np.concatenate(rows)
    expected = hessian[np.ix_(together, together)].sum(1)
    np.testing.assert_allclose(np.concatenate([np.ravel(a) for a in along]), expected)


def test_entries_beside_symbols():
    g = v[0] ** 2 * v[1] * x + sg.sum(sg.sin(v)) * y
    at = {v: np.array([1.0, 2.0, 3.0]), x: 0.3, y: 0.7}
    blocks = sg.hessian(g, [v[0], x, v[1:]])
    whole = sg.evaluate(sg.hessian(g, v), at)
    np.testing.assert_allclose(sg.evaluate(blocks[0][0], at), whole[0, 0])
    np.testing.assert_allclose(sg.evaluate(blocks[0][2], at), whole[0, 1:])
    np.testing.assert_allclose(sg.evaluate(blocks[0][1], at), 2 * 1.0 * 2.0)
    np.testing.assert_allclose(sg.evaluate(blocks[1][2], at), [1.0, 0.0])
    assert blocks[2][0] is blocks[0][2]


def test_named_extents():
    f = sg.lambdify(
        w, [sg.grad(sg.sum(w**3), w[-1]), sg.grad(sg.sum(w**3), w[1:]), sg.diff(w[0] * w[-1], w[0])]
    )
    last, tail, product = f(np.array([1.0, 2.0, 3.0]))
    assert last == 27
    np.testing.assert_array_equal(tail, [12.0, 27.0])
    assert product == 3
    assert f(np.array([5.0]))[2] == 10  # the first entry is the last


def test_notation():
    assert str(sg.grad(sg.sum(v**3), v[1:])) == "3*v[1:]**2"
    assert str(sg.diff(v[0] ** 2 * v[1], v[1])) == "v[0]**2"
    assert str(sg.grad(x * y**2, np.array([x, y]))) == "stack([y**2, 2*x*y])"
    assert str(sg.diff(v[0] ** 2, v[1])) == "0"


SPELLINGS = [
    ((x,), sp.Symbol("x"), 1),
    (((x, 2),), sp.Symbol("x"), 2),
    ((x, 2), sp.Symbol("x"), 2),
    ((x, np.int64(2)), sp.Symbol("x"), 2),
    ((x, 0), sp.Symbol("x"), 0),
    ((x, x), sp.Symbol("x"), 2),
]


@pytest.mark.parametrize("index", range(len(SPELLINGS)))
def test_spellings_of_one_variable(index):
    variables, symbol, order = SPELLINGS[index]
    e = x**4 * sg.sin(x)
    expected = sp.diff(sp.Symbol("x") ** 4 * sp.sin(sp.Symbol("x")), symbol, order)
    value = sg.evaluate(sg.diff(e, *variables), {x: 0.7})
    assert value == pytest.approx(float(expected.subs(symbol, sp.Float(0.7))))
    assert e.diff(*variables) is sg.diff(e, *variables)


def test_spellings_of_several_variables():
    e = x**4 * y**3 * z
    third = sg.diff(e, x, 2, y)
    at = {x: 0.3, y: 0.7, z: 2.0}
    assert sg.evaluate(third, at) == pytest.approx(36 * 0.3**2 * 0.7**2 * 2)
    assert sg.diff(e, x, 2, y, 1) is third
    assert sg.diff(e, (x, 2), y) is third
    for variables in ((y, (x, 2)), (x, y, x), (y, x, 2)):
        assert sg.evaluate(sg.diff(e, *variables), at) == pytest.approx(sg.evaluate(third, at))
    assert sg.diff(sg.sin(x)) is sg.cos(x)
    assert sg.diff(sg.sin(x), x, n=4) is sg.sin(x)
    assert sg.diff(sp.Symbol("x") ** 2, sp.Symbol("x")) is 2 * x
    assert sg.diff(v * x**2, (x, 2)) is sg.diff(sg.diff(v * x**2, x), x)


S = sg.matrix("S", (3, 3), symmetric=True)
i = sg.vector("i", 3, dtype=int)
REFUSED = [
    (lambda: sg.diff(x**2, x**2), sg.ArgumentError, "substitute"),
    (lambda: sg.grad(sg.sum(v), v + 1), sg.ArgumentError, r"not v \+ 1; write"),
    (lambda: sg.grad(sg.sum(v), 2 * v[0]), sg.ArgumentError, "v\\[0\\]"),
    (lambda: sg.grad(sg.sum(v), sg.sum(v)), sg.ArgumentError, "entries"),
    (lambda: sg.grad(sg.sum(v), sg.constant(3)), sg.ArgumentError, "symbol"),
    (lambda: sg.grad(sg.sum(v), v[[0, 0]]), sg.DerivativeError, "twice"),
    (lambda: sg.grad(sg.sum(v), sg.stack([v[0], v[1], v[0]])), sg.DerivativeError, "twice"),
    (lambda: sg.grad(sg.sum(w), sg.stack([w[0], w[-1]])), sg.DerivativeError, "list"),
    (lambda: sg.grad(sg.sum(v), sg.broadcast_to(v[0], (2,))), sg.ArgumentError, "symbol"),
    (lambda: sg.grad(sg.sum(v), v[i][0]), sg.SymgradError, "."),
    (lambda: sg.grad(sg.sum(S), S[0, 1]), sg.DerivativeError, "tied"),
    (lambda: sg.grad(sg.sum(v), i[0]), sg.DerivativeError, "dtype"),
    (lambda: sg.diff(x * y), sg.ArgumentError, "x, y"),
    (lambda: sg.diff(sg.constant(2)), sg.ArgumentError, "none"),
    (lambda: sg.diff(x, 2), sg.ArgumentError, "without a variable"),
    (lambda: sg.diff(x, x, 1, 2), sg.ArgumentError, "without a variable"),
    (lambda: sg.diff(x, x, 1.5), sg.SymgradError, "non-negative int"),
    (lambda: sg.diff(x, x, -1), sg.SymgradError, "non-negative int"),
    (lambda: sg.diff(x, x, True), sg.SymgradError, "non-negative int"),
    (lambda: sg.diff(x, (x, 1.5)), sg.SymgradError, "how often"),
    (lambda: sg.diff(x * y, [x, y]), sg.ArgumentError, "grad"),
    (lambda: sg.diff(x * y, x, y, n=2), sg.ArgumentError, "single"),
    (lambda: sg.diff(x, x, 2, n=2), sg.ArgumentError, "single"),
    (lambda: sg.diff(v[0], v), sg.ShapeError, "jacobian"),
    (lambda: sg.diff(v[0], v[:2]), sg.ShapeError, "v\\[:2\\] has shape"),
    (lambda: sg.diff(x, "x"), sg.ArgumentError, "'x'"),
    (lambda: sg.hvp(v[0] ** 2, v[:2], [1.0]), sg.ShapeError, "direction"),
    (lambda: sg.lambdify(v[0], v[0]), sg.ArgumentError, "getitem"),
]


@pytest.mark.parametrize("index", range(len(REFUSED)))
def test_refused(index):
    call, kind, words = REFUSED[index]
    with pytest.raises(kind, match=words):
        call()


def test_subs():
    e = x + 2 * y
    assert e.subs(x, 3) is sg.substitute(e, {x: 3})
    assert e.subs({x: y, y: x}) is y + 2 * x
    assert e.subs([(x, y), (y, x)]) is 3 * x
    for wrong in ((x,), (3,), ([x, y],), (x, 1, 2), ()):
        with pytest.raises(sg.ArgumentError, match="subs takes"):
            e.subs(*wrong)
    with pytest.raises(sg.ArgumentError, match="symbol"):
        e.subs(x * y, 1)
