"""Solutions of equations as nodes: values against SciPy, derivatives against differences of those."""

import pickle
import subprocess
import sys

import mpmath
import numpy as np
import pytest
import scipy.optimize

import symgrad as sg

x, e, m, p, q = sg.symbols("x e m p q")


def kepler():
    return sg.implicit(x - e * sg.sin(x) - m, x, [e, m], x0=m)


# formula of x, p, q; start; interval of the root for brentq; points (p, q)
SCALARS = {
    "kepler": (x - p * sg.sin(x) - q, q, (-10, 10), [(0.3, 1.0), (0.9, 0.1), (0.0, 2.0)]),
    "cubic": (x**3 + p * x - q, 1.0, (-50, 50), [(1.0, 2.0), (0.5, -3.0), (4.0, 0.0)]),
    "lambert": (x * sg.exp(x) - p * q, 1.0, (0, 10), [(1.0, 1.0), (2.0, 7.0)]),
    "colebrook": (
        1 / sg.sqrt(x) + 2 * sg.log10(p / 3.7 + 2.51 / (q * sg.sqrt(x))),
        0.01,
        (1e-3, 1),
        [(1e-4, 1e5), (1e-2, 4e3)],
    ),
    "logistic": (sg.sigmoid(p * x) + x - q, 0.0, (-50, 50), [(2.0, 1.0), (1.0, -3.0)]),
}
every_scalar = pytest.mark.parametrize("name", SCALARS)


def compiled(name, orders=((0, 0),)):
    formula, start, _, _ = SCALARS[name]
    y = sg.implicit(formula, x, [p, q], x0=start)
    return sg.lambdify([p, q], [sg.diff(sg.diff(y, p, i), q, j) for i, j in orders])


@every_scalar
def test_values_are_those_of_brentq(name):
    formula, _, interval, points = SCALARS[name]
    value = sg.lambdify([x, p, q], formula)
    f = compiled(name)
    for point in points:
        expected = scipy.optimize.brentq(value, *interval, args=point, xtol=1e-300, rtol=1e-15)
        assert f(*point)[0] == pytest.approx(expected, rel=1e-12, abs=1e-14)


ORDERS = [(1, 0), (0, 1), (2, 0), (1, 1), (0, 2), (3, 0), (2, 1), (1, 2), (0, 3)]


def root_by_mpmath(name, start):
    """The root as a function of p and q, to all digits that mpmath works with."""
    formula, _, _, _ = SCALARS[name]
    image = sg.to_sympy(formula)
    names = [sg.to_sympy(s) for s in (x, p, q)]
    f = __import__("sympy").lambdify(names, image, "mpmath")
    return lambda a, b: mpmath.findroot(lambda t: f(t, a, b), start, tol=1e-160)


@every_scalar
def test_first_to_third_derivatives(name):
    derivatives = compiled(name, ORDERS)
    with mpmath.workdps(90):
        for point in SCALARS[name][3]:
            root = root_by_mpmath(name, compiled(name)(*point)[0])
            for order, actual in zip(ORDERS, derivatives(*point), strict=True):
                h = [mpmath.mpf(1e-8) * max(abs(c), 1e-4) for c in point]
                expected = differences(root, point, order, h)
                size = max(abs(expected), 1e-6)
                assert abs(actual - expected) < 1e-8 * size, (order, actual, expected)


def differences(f, point, order, h):
    """A mixed derivative by central differences in both arguments."""
    rules = [[(0, 1)], [(-1, -0.5), (1, 0.5)], [(-1, 1), (0, -2), (1, 1)]]
    rules.append([(-2, -0.5), (-1, 1), (1, -1), (2, 0.5)])
    a, b = (mpmath.mpf(c) for c in point)
    i, j = order
    total = mpmath.fsum(
        u * v * f(a + k * h[0], b + n * h[1]) for k, u in rules[i] for n, v in rules[j]
    )
    return total / (h[0] ** i * h[1] ** j)


def test_the_inverse_of_exp_is_log():
    """To the fifth order against closed forms; the node within itself is eliminated by nothing."""
    y = sg.implicit(sg.exp(x) - p, x, p)
    f = sg.lambdify(p, [sg.diff(y, p, n) for n in range(6)])
    t = np.array([0.2, 1.0, 2.0, 30.0])
    expected = [np.log(t), 1 / t, -1 / t**2, 2 / t**3, -6 / t**4, 24 / t**5]
    np.testing.assert_allclose(f(t), expected, rtol=1e-12, atol=1e-15)


def test_arrays_of_equations_broadcast():
    f = sg.lambdify([e, m], [kepler(), sg.diff(kepler(), m)])
    es, ms = np.linspace(0.0, 0.99, 7)[:, None], np.linspace(-7.0, 7.0, 50)
    roots, slopes = f(es, ms)
    assert roots.shape == slopes.shape == (7, 50)
    np.testing.assert_allclose(roots - es * np.sin(roots), ms + 0 * es, atol=1e-14)
    np.testing.assert_allclose(slopes * (1 - es * np.cos(roots)), 1.0, rtol=1e-13)
    one = [f(a, b)[0] for a in es.ravel() for b in ms]
    np.testing.assert_allclose(roots.ravel(), one, rtol=1e-14, atol=1e-15)


def test_inside_a_larger_formula():
    """The time derivative of a planet's distance, r = 1 - e*cos(E), twice."""
    r = 1 - e * sg.cos(kepler())
    f = sg.lambdify([e, m], [sg.diff(r, m), sg.diff(r, m, 2), sg.grad(r**2, [e, m])])
    first, second, (by_e, by_m) = f(0.3, 1.0)
    value = sg.lambdify([e, m], r)
    h = 1e-4
    assert first == pytest.approx((value(0.3, 1 + h) - value(0.3, 1 - h)) / (2 * h), rel=1e-7)
    bend = (value(0.3, 1 + h) - 2 * value(0.3, 1.0) + value(0.3, 1 - h)) / h**2
    assert second == pytest.approx(bend, rel=1e-6)
    squares = (value(0.3 + h, 1.0) ** 2 - value(0.3 - h, 1.0) ** 2) / (2 * h)
    assert by_e == pytest.approx(squares, rel=1e-6)
    assert by_m == pytest.approx(2 * value(0.3, 1.0) * first, rel=1e-13)


def test_a_solution_within_an_equation():
    """The inner root is p**2, the outer one its fourth root."""
    inner = sg.implicit(sg.sqrt(x) - p, x, p)
    y = sg.symbol("y")
    outer = sg.implicit(y**4 - inner, y, p)
    f = sg.lambdify(p, [outer, sg.diff(outer, p), sg.diff(outer, p, 2)])
    t = np.array([0.5, 2.0, 9.0])
    np.testing.assert_allclose(f(t), [t**0.5, 0.5 * t**-0.5, -0.25 * t**-1.5], rtol=1e-11)


def test_where_there_is_no_root_the_value_is_nan():
    f = sg.lambdify(p, sg.implicit(x**2 + p, x, p))
    values = f(np.array([-4.0, 1.0, -9.0, 0.5]))
    np.testing.assert_allclose(values, [2.0, np.nan, 3.0, np.nan], rtol=1e-15)
    assert np.isnan(sg.evaluate(sg.implicit(1 / x - p * x**0, x, p), {p: 0.0}))
    assert np.isnan(sg.evaluate(sg.implicit(sg.exp(-x) + p, x, p), {p: 0.0}))


@pytest.mark.parametrize("start", [0.0, 0.8, 1.0, -5.0, 40.0])
def test_starts_from_which_plain_newton_fails(start):
    """A two-cycle, a minimum between start and root, an inflection that sends steps away."""
    cycle = sg.evaluate(sg.implicit(x**3 - 2 * x + p, x, p, x0=start), {p: 2.0})
    assert cycle == pytest.approx(-1.7692923542386314, rel=1e-14)
    flat = sg.evaluate(sg.implicit(sg.arctan(x) - p, x, p, x0=start), {p: 0.25})
    assert flat == pytest.approx(np.tan(0.25), rel=1e-14)


def test_a_change_of_sign_at_a_pole_is_no_root():
    f = sg.lambdify(p, sg.implicit(1 / (x - p) + x * 0, x, p, x0=0.0))
    assert np.isnan(f(np.array([0.7, -3.0, 1e3]))).all()


# Systems


def test_a_system_of_scalars():
    u, v = sg.symbols("u v")
    ru, rv = sg.implicit([u**2 + v**2 - p, u * v - q], [u, v], [p, q], x0=[2.0, 0.3])

    def by_scipy(a, b):
        found = scipy.optimize.root(
            lambda z: [z[0] ** 2 + z[1] ** 2 - a, z[0] * z[1] - b], [2.0, 0.3], tol=1e-14
        )
        return found.x

    f = sg.lambdify([p, q], [ru, rv, sg.grad(ru, [p, q]), sg.hessian(rv, [p, q])])
    us, vs, slope, curvature = f(4.0, 1.0)
    np.testing.assert_allclose([us, vs], by_scipy(4.0, 1.0), rtol=1e-12)
    a, b = mpmath.mpf(4), mpmath.mpf(1)  # closed form: (u + v)**2 = p + 2q, (u - v)**2 = p - 2q

    def root(a, b, sign):
        return (mpmath.sqrt(a + 2 * b) + sign * mpmath.sqrt(a - 2 * b)) / 2

    first = [mpmath.diff(lambda *c: root(*c, 1), (a, b), n) for n in ((1, 0), (0, 1))]
    np.testing.assert_allclose(slope, np.array(first, float), rtol=1e-12)
    orders = [[(2, 0), (1, 1)], [(1, 1), (0, 2)]]
    second = [[mpmath.diff(lambda *c: root(*c, -1), (a, b), n) for n in row] for row in orders]
    np.testing.assert_allclose(curvature, np.array(second, float), rtol=1e-10)


def network():
    """``A @ y + y**3 = b``, one solution for every b where A is positive definite."""
    A, b, y = sg.matrix("A", ("n", "n")), sg.vector("b", "n"), sg.vector("y", "n")
    return sg.implicit(A @ y + y**3 - b, y, [A, b], x0=0.0), A, b


def data(n, seed=0):
    rng = np.random.default_rng(seed)
    a = rng.normal(size=(n, n))
    return a @ a.T + n * np.eye(n), rng.normal(size=n) * 3


@pytest.mark.parametrize("n", [1, 2, 5])
def test_an_equation_of_arrays(n):
    y, A, b = network()
    f = sg.lambdify([A, b], y)
    matrix, right = data(n)
    found = scipy.optimize.root(lambda z: matrix @ z + z**3 - right, np.zeros(n), tol=1e-13)
    np.testing.assert_allclose(f(matrix, right), found.x, rtol=1e-9)


def test_derivatives_of_an_equation_of_arrays():
    y, A, b = network()
    w = sg.vector("w", "n")
    loss = sg.sum(w * sg.sin(y))
    matrix, right = data(3)
    weights = np.array([1.0, -2.0, 0.5])
    args = [A, b, w]
    value = sg.lambdify(args, loss)
    by_a, by_b = sg.lambdify(args, sg.grad(loss, [A, b]))(matrix, right, weights)
    h = 1e-6
    for i in range(3):
        for j in range(3):
            d = np.zeros((3, 3))
            d[i, j] = h
            slope = value(matrix + d, right, weights) - value(matrix - d, right, weights)
            assert by_a[i, j] == pytest.approx(slope / (2 * h), rel=1e-7, abs=1e-8)
        d = np.eye(3)[i] * h
        slope = (value(matrix, right + d, weights) - value(matrix, right - d, weights)) / (2 * h)
        assert by_b[i] == pytest.approx(slope, rel=1e-7, abs=1e-8)


def test_forward_mode_reverse_mode_and_second_order_agree():
    y, A, b = network()
    matrix, right = data(3)
    jac, by_column = sg.lambdify([A, b], [sg.jacobian(y, b), sg.jacobian(y, A)])(matrix, right)
    u = np.array([0.3, -1.0, 2.0])
    us = sg.vector("u", "n")
    pulled = sg.lambdify([A, b, us], sg.vjp(y, [A, b], us))(matrix, right, u)
    np.testing.assert_allclose(pulled[1], u @ jac, rtol=1e-12)
    np.testing.assert_allclose(pulled[0], np.einsum("i,ijk->jk", u, by_column), rtol=1e-12)
    f = sg.sum(y**2)
    hessian = sg.lambdify([A, b], sg.hessian(f, b))(matrix, right)
    slope = sg.lambdify([A, b], sg.grad(f, b))
    h = 1e-6
    columns = [
        (slope(matrix, right + h * d) - slope(matrix, right - h * d)) / (2 * h) for d in np.eye(3)
    ]
    np.testing.assert_allclose(hessian, columns, rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(hessian, hessian.T, rtol=1e-10)


def test_a_scalar_defined_by_sums_over_arrays():
    """The internal rate of return of cash flows."""
    c, t, r = sg.vector("c", "n"), sg.vector("t", "n"), sg.symbol("r")
    rate = sg.implicit(sg.sum(c * sg.exp(-r * t)), r, [c, t], x0=0.1)
    flows, times = np.array([-100.0, 30.0, 40.0, 50.0]), np.arange(4.0)
    f = sg.lambdify([c, t], [rate, sg.grad(rate, c), sg.hessian(rate, c)])
    value, slope, curvature = f(flows, times)

    def by_brentq(cash):
        total = lambda z: np.sum(cash * np.exp(-z * times))  # noqa: E731
        return scipy.optimize.brentq(total, 0.0, 1.0, xtol=1e-300, rtol=1e-15)

    assert value == pytest.approx(by_brentq(flows), rel=1e-12)
    h = 1e-4
    steps = h * np.eye(4)
    first = [(by_brentq(flows + d) - by_brentq(flows - d)) / (2 * h) for d in steps]
    np.testing.assert_allclose(slope, first, rtol=1e-7)
    g = sg.lambdify([c, t], sg.grad(rate, c))
    second = [(g(flows + d, times) - g(flows - d, times)) / (2 * h) for d in steps]
    np.testing.assert_allclose(curvature, second, rtol=1e-6)


def test_a_system_without_a_solution_is_nan():
    u, v = sg.symbols("u v")
    roots = sg.implicit([u**2 + v**2 + p, u - v], [u, v], p, x0=[1.0, 0.5])
    assert np.isnan(sg.lambdify(p, roots)(1.0)).all()
    singular = sg.implicit([u + v - p, u + v - 2], [u, v], p)
    assert np.isnan(sg.lambdify(p, singular)(1.0)).all()


# The node as a node


def test_equal_equations_are_one_node():
    assert kepler() is kepler()
    assert sg.implicit(x**2 - p, x, p, x0=2.0) is not sg.implicit(x**2 - p, x, p, x0=1.0)
    sg.check_graph(kepler(), sg.diff(kepler(), e, 2))


def test_its_symbols_are_bound():
    y = kepler()
    assert {s.name for s in sg.free_symbols(y)} == {"e", "m"}
    assert sg.diff(y, x) is sg.constant(0)
    at_x = sg.substitute(y, {m: x, e: 0.5})  # this x is another than the bound one
    assert sg.evaluate(at_x, {x: 1.0}) == sg.evaluate(y, {e: 0.5, m: 1.0})
    slope = sg.evaluate(sg.diff(at_x, x), {x: 1.0})
    assert slope == pytest.approx(sg.evaluate(sg.diff(y, m), {e: 0.5, m: 1.0}), rel=1e-14)


def test_substitution_of_extents():
    y, A, b = network()
    matrix, right = data(2)
    fixed = sg.substitute(y, {A: matrix, b: sg.vector("b", 2)})
    assert fixed.shape == (2,)
    expected = sg.evaluate(y, {A: matrix, b: right})
    np.testing.assert_allclose(sg.evaluate(fixed, {sg.vector("b", 2): right}), expected)
    assert sg.jacobian(fixed, sg.vector("b", 2)).shape == (2, 2)


def test_text_and_latex():
    y = kepler()
    assert str(y) == "x where x = root(x - e*sin(x) - m, x)"
    root = r"\operatorname{root}\left(x - e \sin\left(x\right) - m, x\right)"
    assert sg.latex(y) == rf"x \quad \text{{where }} x = {root}"
    moved = sg.substitute(y, {m: p**2})
    assert str(moved) == "x where x = root(x - e*sin(x) - m, x, m=p**2)"
    assert sg.latex(moved).endswith(r"\right|_{m = {p^{2}}}")
    assert str(sg.diff(y, m)) == "1/(1 - e*cos(x)) where x = root(x - e*sin(x) - m, x)"
    assert str(y + sg.symbol("x")).startswith("x + x_2 where x_2 = root(")
    u, v = sg.symbols("u v")
    first, _ = sg.implicit([u + v - p, u * v - q], [u, v], x0=[3.0, 1.0])
    assert str(first) == "u_v[0] where u_v = root([u + v - p, u*v - q], [u, v])"


def test_pickling():
    y = kepler()
    assert pickle.loads(pickle.dumps(y)) is y
    deep = sg.diff(network()[0], sg.symbol("z"))
    assert pickle.loads(pickle.dumps(deep)) is deep
    f = sg.lambdify([e, m], y)
    assert pickle.loads(pickle.dumps(f))(0.3, 1.0) == f(0.3, 1.0)
    code = f"import pickle; y = pickle.loads({pickle.dumps(sg.diff(y, m))!r}); print(y)"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == str(sg.diff(y, m))


def test_a_saved_module_needs_numpy_only(tmp_path):
    f = sg.lambdify([e, m], [kepler(), sg.diff(kepler(), m)], name="kepler")
    f.save(tmp_path / "orbit.py")
    code = "import sys, orbit; print(orbit.kepler(0.3, 1.0)[0].item(), 'symgrad' in sys.modules)"
    out = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert out.stdout.split() == [repr(float(f(0.3, 1.0)[0])), "False"]
    assert sg.lambdify([e, m], [kepler(), sg.diff(kepler(), m)], name="kepler").source == f.source


def test_constants_of_equations_do_not_clash():
    y = sg.vector("y", 2)
    first = sg.implicit(y + np.array([1.0, 2.0]) * y**3 - p, y, p)
    second = sg.implicit(y + np.array([5.0, 7.0]) * y**3 - p, y, p)
    both = sg.lambdify(p, [first, second])(3.0)
    for value, c in zip(both, ([1.0, 2.0], [5.0, 7.0]), strict=True):
        np.testing.assert_allclose(value + np.array(c) * value**3, 3.0, rtol=1e-14)


def test_without_parameters():
    assert sg.evaluate(sg.implicit(x**2 - 2, x), {}) == pytest.approx(2**0.5, rel=1e-15)
    assert sg.implicit(x**2 - 2, x, []) is sg.implicit(x**2 - 2, x)


def test_many_at_once_by_vmap():
    f = sg.vmap(sg.diff(kepler(), m), over={m: "k"})
    ms = np.linspace(0.0, 3.0, 5)
    (batched,) = [s for s in sg.free_symbols(f) if s.name == "m"]
    expected = [sg.evaluate(sg.diff(kepler(), m), {e: 0.3, m: t}) for t in ms]
    np.testing.assert_allclose(sg.evaluate(f, {e: 0.3, batched: ms}), expected, rtol=1e-13)


def test_systems_are_refused_by_vmap():
    y, _, b = network()
    with pytest.raises(sg.ArgumentError, match="cannot batch implicit_system"):
        sg.vmap(y, over={b: "k"})


def test_float32_parameters():
    s = sg.symbol("s", dtype="float32")
    value = sg.lambdify(s, sg.implicit(x**2 - s, x, s))(np.float32(2.0))
    assert value == pytest.approx(2**0.5, rel=1e-6)


def test_errors_name_the_problem():
    v = sg.vector("v", 3)
    with pytest.raises(sg.ArgumentError, match="does not mention the unknown 'x'"):
        sg.implicit(p**2 - q, x)
    with pytest.raises(sg.ArgumentError, match="mentions q, neither unknown nor among"):
        sg.implicit(x**2 - p * q, x, p)
    with pytest.raises(sg.ArgumentError, match="does not mention the parameter 'q'"):
        sg.implicit(x**2 - p, x, [p, q])
    with pytest.raises(sg.ArgumentError, match="must be a symbol"):
        sg.implicit(x**2 - p, x**2, p)
    with pytest.raises(sg.ArgumentError, match="at least one unknown"):
        sg.implicit(x**2 - p, [], p)
    with pytest.raises(sg.ArgumentError, match="given twice"):
        sg.implicit([x**2 - p, x], [x, x], p)
    with pytest.raises(sg.ShapeError, match="an equation for each entry"):
        sg.implicit(sg.sum(v) - p, v, p)
    with pytest.raises(sg.ShapeError, match="start of v"):
        sg.implicit(v**2 - p, v, p, x0=np.ones(2))
    with pytest.raises(sg.ArgumentError, match="start of 'x' mentions an unknown"):
        sg.implicit(x**2 - p, x, p, x0=x)
    with pytest.raises(sg.ArgumentError, match="2 values for 1"):
        sg.implicit([x**2 - p], [x], p, x0=[1.0, 2.0])


@pytest.mark.parametrize(
    ("held", "start", "root"),
    [
        ("positive", -1.0, 2.0),
        ("positive", 0.0, 2.0),
        ("nonnegative", -9.0, 2.0),
        ("negative", 1.0, -2.0),
    ],
)
def test_assumptions_on_the_unknown_are_kept(held, start, root):
    u, c = sg.symbol("u", **{held: True}), sg.symbol("c")
    node = sg.implicit(u**2 - c, u, c, x0=start)
    value, slope = sg.lambdify(c, [node, sg.diff(node, c)])(np.array([4.0, 0.25, -1.0]))
    np.testing.assert_allclose(value, [root, root / 4, np.nan], rtol=1e-14)
    np.testing.assert_allclose(slope, [0.5 / root, 2.0 / root, np.nan], rtol=1e-14)
    assert np.isnan(sg.evaluate(sg.implicit(u**3 + (c if root > 0 else -c), u, c), {c: 8.0}))


def test_roots_of_other_magnitudes_than_the_start():
    u, c = sg.symbols("u c")
    given = np.array([1e-200, 1e-300, 4.0, 1e200, 1e300])
    found = sg.lambdify(c, sg.implicit(u**2 - c, u, c))(given)
    np.testing.assert_allclose(found, np.sqrt(given), rtol=1e-14)
    np.testing.assert_allclose(
        sg.lambdify(c, sg.implicit(sg.exp(u) - c, u, c))(np.array([1e300, 1e-300])),
        [300 * np.log(10.0), -300 * np.log(10.0)],
        rtol=1e-13,
    )
