"""Names hold through derivatives and simplification, and change no value."""

import pickle

import numpy as np
import pytest

import symgrad as sg
from symgrad.expr.traverse import toposort
from symgrad.ops.named import NAMED

x, y, z, S, K, T, r, sigma = sg.symbols("x y z S K T r sigma")
X, w, t, v = sg.matrix("X", (5, 3)), sg.vector("w", 3), sg.vector("t", 5), sg.vector("v", 4)
A = sg.matrix("A", (3, 3))


def body(e):
    """What is printed before the definitions."""
    return str(e).split(" where")[0]


def gamma():
    return sg.named(sg.sqrt(1 - x**2), "gamma")


def lorentz():
    return sg.named(1 / sg.sqrt(1 - x**2 / y**2), "g")


def probability():
    return sg.named(sg.sigmoid(X @ w), "p")


@pytest.mark.parametrize(
    ("e", "expected"),
    [
        (gamma() ** 3, "-3*gamma*x"),
        (gamma(), "-x/gamma"),
        (1 / gamma(), "x/gamma**3"),
        (sg.arcsin(x) * gamma(), "1 - x*arcsin(x)/gamma"),
        (sg.named(x**2 + 1, "p") ** 4, "8*p**3*x"),
        (sg.named(x**2, "q") ** 3, "6*q**2*x"),
        (sg.named(sg.exp(-(x**2)), "E") ** 2, "-4*E**2*x"),
        (sg.named(2 * sg.sqrt(1 + x**2), "s"), "4*x/s"),
        (sg.named(6.626e-34, "h") * x**2, "2*h*x"),
        (sg.named(sg.exp(-(x**2) / 2) / sg.sqrt(2 * sg.pi), "phi"), "-phi*x"),
        (sg.named(x * sg.exp(x), "w"), "w + exp(x)"),
        (
            sg.named(sg.constant(2), "two") * sg.sin(sg.named(3, "omega") * x),
            "omega*two*cos(omega*x)",
        ),
        (x ** sg.named(2, "n"), "n*x**(n - 1)"),
    ],
)
def test_derivatives_are_in_terms_of_the_name(e, expected):
    derivative = sg.diff(e, x)
    # the order of factors is no matter of names
    assert sorted(body(derivative).split("*")) == sorted(expected.split("*"))
    check_value(derivative, sg.diff(sg.explicit(e), x), {x: 0.37, y: 1.3})


def check_value(named, plain, values):
    assert not [n for n in toposort([sg.explicit(named)]) if n.op is NAMED]
    got = sg.evaluate(named, values)
    want = sg.evaluate(plain, values)
    np.testing.assert_allclose(got, want, rtol=1e-10, atol=1e-300)


def cases():
    p, g = probability(), gamma()
    d1 = sg.named((sg.log(S / K) + (r + sigma**2 / 2) * T) / (sigma * sg.sqrt(T)), "d_1")
    d2 = sg.named(d1 - sigma * sg.sqrt(T), "d_2")
    call = S * sg.special.ndtr(d1) - K * sg.exp(-r * T) * sg.special.ndtr(d2)
    L = sg.named(A @ A.T + sg.eye(3), "L")
    return {
        "cross-entropy": (-sg.sum(t * sg.log(p) + (1 - t) * sg.log(1 - p)), w),
        "Black-Scholes": (call, S),
        "vega": (call, sigma),
        "gamma": (g**3 + x / g + 1 / (1 - x**2), x),
        "Lorentz": (lorentz() * x, x),
        "nested": (sg.named(sg.sin(g) + g, "a") ** 2 * g, x),
        "logdet": (sg.linalg.logdet(L) + sg.trace(sg.linalg.inv(L)), A),
        "softmax": (sg.sum(sg.named(sg.softmax(v), "q") ** 2), v),
        "norm": (sg.named(sg.norm(v), "R") ** 3, v),
        "constant": (sg.named(np.arange(4.0), "c") @ v**2, v),
        "guard": (sg.where(x == 0, 1, sg.named(sg.sin(x) / x, "s")) * x, x),
        "identity": (sg.named(x, "u") * x, x),
    }


CASES = cases()


@pytest.mark.parametrize("name", CASES)
def test_values_are_those_without_names(name):
    e, leaf = CASES[name]
    plain = sg.explicit(e)
    rng = np.random.default_rng(5)
    values = {s: rng.uniform(0.2, 0.8, s.shape) for s in sg_symbols(e)}
    if K in values:
        values[K] = 0.7
    check_value(sg.grad(e, leaf), sg.grad(plain, leaf), values)
    check_value(sg.jacobian(e, leaf), sg.jacobian(plain, leaf), values)
    check_value(sg.hessian(e, leaf), sg.hessian(plain, leaf), values)
    check_value(sg.simplify(e), plain, values)


def sg_symbols(e):
    return [n for n in toposort([e]) if n.op.name == "symbol"]


@pytest.mark.parametrize(
    ("e", "leaf", "gradient", "hessian"),
    [
        (*CASES["cross-entropy"], "X.T @ (p - t)", "X.T @ diag(p*(1 - p)) @ X"),
        (
            sg.explicit(CASES["cross-entropy"][0]),
            w,
            "X.T @ (expit(X @ w) - t)",
            "X.T @ diag(expit(X @ w)*(1 - expit(X @ w))) @ X",
        ),
    ],
)
def test_cross_entropy(e, leaf, gradient, hessian):
    assert body(sg.grad(e, leaf)) == gradient
    assert body(sg.hessian(e, leaf)) == hessian


def test_black_scholes_keeps_its_names():
    delta = sg.grad(CASES["Black-Scholes"][0], S)
    assert "d_1" in body(delta)
    assert "log" not in body(delta)
    assert str(delta).count("d_1 = ") == 1


def test_a_root_is_found_only_where_it_is_defined():
    inside = sg.diff(gamma() + x * (1 - x**2), x)
    assert sg.evaluate(sg.diff(sg.where(x > 1, x - x**3, gamma()), x), {x: 2.0}) == -11.0
    assert np.isnan(sg.evaluate(sg.diff(gamma(), x), {x: 2.0}))
    assert "gamma**2" not in str(inside)


def test_a_name_is_neither_folded_nor_taken_apart():
    h = sg.named(sg.constant(2), "h")
    assert body(sg.simplify(h * x + 2 * h * x)) == "3*h*x"
    assert "h" in str(h * 2)
    s = sg.named(x + 1, "s")
    assert body(sg.simplify(s - x, level="full")) == "s - x"
    assert body(sg.simplify(sg.sin(s) ** 2 + sg.cos(s) ** 2 + s)) == "s + 1"
    assert sg.latex(sg.named(6.626e-34, "hbar") * x).startswith(r"\hbar x")
    assert sg.simplify(sg.sqrt(h**2)) is h


def test_a_named_constant_is_a_number():
    assert float(sg.named(2.5, "h")) == 2.5
    assert int(sg.named(sg.named(3, "a"), "b")) == 3
    with pytest.raises(sg.errors.TruthError):
        float(gamma())


def test_two_definitions_of_one_name_are_told_apart():
    a, b = sg.named(x + 1, "p"), sg.named(x + 2, "p")
    assert str(sg.diff(a**2 * b, x)).count("p_2 = ") == 1


def test_definitions_are_given_back_as_they_were():
    p = sg.named(sg.sin(x) * 2 + sg.sin(x), "p")
    again = sg.diff(p**2, x)
    assert [n for n in toposort([again]) if n.op is NAMED] == [p]
    assert [n for n in toposort([sg.simplify(p + x - x)]) if n.op is NAMED] == [p]


def test_names_go_through_everything():
    g = gamma()
    derivative = sg.diff(g**3, x)
    assert pickle.loads(pickle.dumps(derivative)) is derivative
    assert body(sg.substitute(derivative, {x: y})) == "-3*gamma*y"
    assert sg.to_sympy(derivative).free_symbols == {sg.to_sympy(x)}
    batch = sg.vmap(derivative, over={x: "b"})
    assert "gamma" in str(batch)
    f = sg.lambdify(x, [g, derivative])
    assert f.source.split('"""')[-1].count("sqrt") == 1
    assert f(0.6) == pytest.approx([0.8, -3 * 0.6 * 0.8])


def test_explicit_takes_nests_and_folds_constants():
    g, h = gamma(), sg.named(2, "h")
    assert sg.explicit({"a": [g, (h * x,)]}) == {"a": [sg.sqrt(1 - x**2), (2 * x,)]}
    assert sg.explicit(x + y) is x + y
    deep = x
    for k in range(3_000):
        deep = sg.named(sg.sin(deep), f"s{k}") if k % 100 == 0 else sg.sin(deep)
    assert not [n for n in toposort([sg.explicit(deep)]) if n.op is NAMED]
    assert sg.lambdify(x, sg.grad(deep, x))(0.5) == pytest.approx(
        sg.lambdify(x, sg.grad(sg.explicit(deep), x))(0.5)
    )


def test_stable_forms_see_through_names():
    m = sg.vector("m", 3)
    z = sg.named(sg.sum(sg.exp(m)), "Z")
    big = {m: np.array([1000.0, 999.0, 0.0])}
    np.testing.assert_allclose(
        sg.evaluate(sg.grad(sg.log(z), m), big),
        [0.731058578630005, 0.268941421369995, 0],
        rtol=1e-12,
    )
    p = sg.named(sg.sigmoid(x), "p")
    assert sg.evaluate(sg.log(1 - p), {x: 800.0}) == -800.0
    assert sg.evaluate(sg.diff(sg.log(1 - p), x), {x: 800.0}) == -1.0


def test_a_name_is_a_variable():
    gamma = sg.named(sg.sqrt(1 - x**2), "gamma")
    assert sg.diff(gamma**3 * x, gamma) is 3 * gamma**2 * x
    assert sg.grad(gamma**3 * x, [gamma, x]) == [
        3 * gamma**2 * x,
        gamma**3,
    ]  # each held for the other
    assert sg.hessian(gamma**2 * y, [gamma, y]) == [[2 * y, 2 * gamma], [2 * gamma, 0]]
    outer = sg.named(gamma**2 * x, "u")
    assert sg.diff(outer * x, gamma) is sg.diff(outer, gamma) * x  # through the name that holds it
    assert sg.diff(outer * x, outer) is x
    assert sg.lambdify([gamma, x], gamma**2 + x)(3.0, 0.5) == 9.5
    assert sg.evaluate(gamma**2 + x, {gamma: 3.0, x: 0.5}) == 9.5
    v = sg.vector("v", 3)
    p = sg.named(sg.sigmoid(v), "p")
    loss = sg.sum(p * sg.log(p))
    assert str(sg.grad(loss, p)) == "log(p) + 1 where p = expit(v)"
    at = np.array([0.1, 0.2, 0.6])
    slopes = sg.lambdify([p], sg.jacobian(p**2, p))(at)
    np.testing.assert_allclose(slopes, np.diag(2 * at), rtol=1e-15)
    with pytest.raises(sg.ArgumentError, match="must be a symbol"):
        sg.diff(gamma**2, 2 * gamma)


def test_products_of_symbols_are_found_by_their_names():
    nu, h, k = sg.symbols("nu h k")
    m, c = sg.symbols("m c", positive=True)
    xi = sg.named(h * nu / (k * T), "xi")
    assert body(sg.diff(nu * xi**2, nu)) == "3*xi**2"
    assert body(sg.diff(sg.named(m * z**2 / 2, "E") * z, z)) == "3*E"
    omega = sg.named(sg.sqrt(c / m), "omega")
    assert str(sg.diff(m * omega**2 * x**2, m)) == "0"
    e = nu**3 / (sg.exp(xi) - 1)
    derivative = sg.diff(e, T)
    assert body(derivative) == "nu**3*xi/(4*T*sinh(xi/2)**2)"
    check_value(derivative, sg.diff(sg.explicit(e), T), {nu: 1.1, h: 0.7, k: 1.3, T: 0.9})


def test_a_name_in_terms_of_another():
    m, c = sg.symbols("m c", positive=True)
    beta = sg.named(z / c, "beta")
    g = sg.named(1 / sg.sqrt(1 - beta**2), "gamma")
    derivative = sg.diff(g * m * z, z)
    assert body(derivative) == "gamma**3*m"
    check_value(derivative, sg.diff(sg.explicit(g * m * z), z), {m: 1.2, c: 2.0, z: 0.7})


def test_deviations_from_a_mean_that_has_a_name():
    mu = sg.named(sg.mean(v), "mu")
    gradient = sg.grad(sg.sum((v - mu) ** 2), v)
    assert body(gradient) == "2*(v - mu)"
    data = np.array([0.3, 1.0, -2.0, 0.7])
    np.testing.assert_allclose(sg.evaluate(gradient, {v: data}), 2 * (data - data.mean()))
