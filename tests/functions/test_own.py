"""Functions of one's own, in everything that the library does with its own ones."""

import math
import pickle
import subprocess
import sys

import numpy as np
import pytest
import sympy as sp
from scipy.special import dawsn

import symgrad as sg

x, y = sg.symbols("x y")


def slope(u):
    return sg.cos(u) * 3


def area(u, v):
    return np.sin(u) * v


sine = sg.elementwise_function(
    "sine3", derivative=slope, numpy="3.0*np.sin({0})", latex=r"\mathrm{S}_{3}", range=(-3, 3)
)
two = sg.elementwise_function(
    "two_of",
    derivative=[lambda u, v: sg.cos(u) * v, lambda g, value, u, v: g * value / v],
    numpy=area,
    sympy=lambda a, b: sp.sin(a) * b,
)


def test_values_in_every_way_to_compile():
    points = np.linspace(-2, 2, 30_001)
    formula = sg.exp(sine(2 * x)) + sine(x) * x
    expected = np.exp(3 * np.sin(2 * points)) + 3 * np.sin(points) * points
    call = sg.lambdify(x, formula)
    np.testing.assert_allclose(call(points), expected, rtol=1e-13)
    np.testing.assert_allclose(call(points[:5]), expected[:5], rtol=1e-13)
    assert call(points[1].item()) == pytest.approx(expected[1], rel=1e-14)
    v = sg.vector("v", "n")
    total = sg.lambdify(v, [sg.sum(sine(v) ** 2), sg.grad(sg.sum(sine(v) ** 2), v)])
    np.testing.assert_allclose(total(points)[1], 9 * np.sin(2 * points), rtol=1e-12, atol=1e-12)
    batch = sg.lambdify(sg.vector("x", "b"), sg.vmap(two(x, x), over={x: "b"}))
    np.testing.assert_allclose(batch(points), np.sin(points) * points, rtol=1e-15)
    root = sg.newton_root(sine(x) - y, x, y)(0.1, 1.0)
    assert root.x == pytest.approx(math.asin(1 / 3), rel=1e-14)


def test_derivatives():
    assert sg.diff(sine(x), x) is slope(x)
    assert str(sg.diff(sine(x**2), x)) == "6*x*cos(x**2)"
    assert sg.diff(two(x, y), x) is sg.cos(x) * y
    assert sg.diff(two(x, y), y) is two(x, y) / y
    sg.check_grad(two(x, y) * sine(x), [x, y], at={x: 0.4, y: 1.3})
    hess = sg.hessian(two(x, y), [x, y])
    assert sg.evaluate(hess[0][1], {x: 0.3, y: 2.0}) == pytest.approx(math.cos(0.3), rel=1e-14)


def test_code_is_one_operand_of_what_is_around_it():
    total = sg.elementwise_function("total_", numpy="{0} + {1}")
    minus = sg.elementwise_function("minus_", numpy="-{0}")
    call = sg.lambdify([x, y], [2 * total(x, y) * 3, minus(x + y) ** 2, 1 / total(x, -y)])
    for a, b in [(1.5, 0.25), (np.linspace(1, 2, 30_000), np.linspace(3, 4, 30_000))]:
        for got, wanted in zip(call(a, b), [6 * (a + b), (a + b) ** 2, 1 / (a - b)], strict=True):
            np.testing.assert_allclose(got, wanted, rtol=1e-15)


def test_results_of_other_types():
    sign = sg.elementwise_function("is_positive_", numpy=lambda u: u > 0)
    values = sg.lambdify(x, sign(x))(np.array([1.0, -1.0]))
    assert values.dtype == np.float64
    assert values.tolist() == [1.0, 0.0]
    with pytest.raises(TypeError, match="not real numbers"):
        sg.lambdify(x, sg.elementwise_function("turned_", numpy=lambda u: u * 1j)(x))(1.0)


def test_derivatives_that_are_not_known():
    rules = [lambda u, v: slope(u), None]
    part = sg.elementwise_function("half_known", derivative=rules, numpy="{0} + {1}")
    assert sg.diff(part(x, y), x) is slope(x)
    unknown = sg.diff(part(x, y), y)
    assert str(unknown) == "diff(half_known(x, y), y)"
    assert sg.diff(unknown, x) is sg.diff(slope(x), y)  # by the rule that is known
    with pytest.raises(sg.DerivativeError, match=r"functions=\{'half_known': \{\(0, 1\): ...\}\}"):
        sg.lambdify([x, y], unknown)


plain = sg.elementwise_function("plain_", numpy="np.sin({0})")
framed_name = sg.elementwise_function("framed_name", numpy=np.sin, latex=r"\mathcal{G}")


def test_an_undefined_derivative():
    v = sg.vector("v", 3)
    first = sg.diff(plain(x**2), x)
    assert str(first) == "2*x*plain_'(x**2)"
    assert sg.latex(first) == r"2 x \operatorname{plain\_}'\left(x^{2}\right)"
    assert sg.latex(sg.diff(framed_name(x), x, 2)) == r"\mathcal{G}''\left(x\right)"
    assert str(sg.grad(sg.sum(plain(v) ** 2), v)) == "2*plain_'(v)*plain_(v)"
    assert pickle.loads(pickle.dumps(first)) is first
    assert sg.from_sympy(sg.to_sympy(sg.diff(plain(x), x))) is sg.diff(plain(x), x)
    assert sg.diff(sg.function("plain_")(x), x) is not sg.diff(plain(x), x)
    assert sg.substitute(sg.diff(plain(x), x), {plain: sg.sin}) is sg.cos(x)


@pytest.mark.parametrize(
    "functions", [{plain: {1: np.cos}}, {"plain_": {1: np.cos}}, {plain: np.sin}]
)
def test_a_derivative_that_is_given_where_code_is_made(functions):
    at = np.array([0.0, 0.5, 2.0])
    made = sg.lambdify(x, [plain(x), sg.diff(plain(x), x)], functions=functions)
    np.testing.assert_allclose(made(at), [np.sin(at), np.cos(at)], rtol=1e-15)
    for ask in (
        lambda: sg.lambdify(x, sg.diff(plain(x), x)),
        lambda: sg.newton_root(plain(x), x)(0.3),
    ):
        with pytest.raises(sg.DerivativeError, match=r"plain_.* is not known: give derivative= to"):
            ask()


def test_two_operands():
    product = sg.elementwise_function(
        "product_", derivative=(lambda a, b: b, lambda a, b: a), numpy=lambda a, b: a * b
    )
    assert sg.grad(product(x, y) ** 2, [x, y]) == [2 * y * product(x, y), 2 * x * product(x, y)]
    assert sg.lambdify([x, y], sg.diff(product(x, y), x, y))(2.0, 3.0) == 1.0
    assert sg.elementwise_function("by_signature", numpy=lambda a, b: a - b).arity == 2
    assert sg.elementwise_function("by_ufunc", numpy=np.hypot).arity == 2
    for given, match in (
        (
            {"derivative": lambda a, b: a},
            r"a function for each, \(lambda x, y: ..., lambda x, y: ...\)",
        ),
        (
            {"derivative": (lambda a: a, lambda a: a)},
            r"as in lambda x, y: ....*<lambda>\(a\) takes others",
        ),
    ):
        with pytest.raises(sg.ArgumentError, match=match):
            sg.elementwise_function("wrong_", numpy="{0}*{1}", **given)


def test_notation():
    assert str(sine(x) + 1) == "sine3(x) + 1"
    assert sg.latex(sine(x**2)) == r"\mathrm{S}_{3}\left(x^{2}\right)"
    framed = sg.elementwise_function("framed", numpy="{0}", latex=r"\boxed{{0}}^{2}")
    assert sg.latex(framed(x)) == r"\boxed{x}^{2}"
    assert sg.latex(two(x, y)) == r"\operatorname{two\_of}\left(x, y\right)"
    assert sg.parse("sine3(x) + two_of(x, y)", functions=[sine, two]) is sine(x) + two(x, y)


def test_sympy():
    X, Y = sg.to_sympy(x), sg.to_sympy(y)
    image = sg.to_sympy(sine(x**2))
    assert str(image) == "sine3(x**2)"
    assert sg.from_sympy(image) is sine(x**2)
    assert sp.simplify(image.diff(X) - sg.to_sympy(sg.diff(sine(x**2), x))) == 0
    assert sg.to_sympy(two(x, y)) == sp.sin(X) * Y
    numeric = sg.elementwise_function("numeric_", numpy=math.gamma)
    assert sp.lambdify(X, sg.to_sympy(numeric(x)))(5) == 24


def test_the_same_definition_is_the_same_function():
    again = sg.elementwise_function("two_of_", numpy=area, arity=2)
    assert sg.elementwise_function("two_of_", numpy=area, arity=2) is again
    other = sg.elementwise_function("two_of_", numpy=max, arity=2)
    assert other is not again
    values = sg.lambdify([x, y], [again(x, y), other(x, y)])(1.0, 2.0)
    assert values == [math.sin(1.0) * 2.0, 2.0]


def test_range():
    assert (sine.range.low, sine.range.high) == (-3, 3)
    above = sg.elementwise_function("above_", numpy="np.exp({0})", range=(0.5, math.inf))
    assert sg.simplify(sg.abs(above(x))) is above(x)
    assert sg.simplify(sg.abs(sine(x))) is not sine(x)


def test_pickling():
    dawson = sg.elementwise_function("dawson_", numpy=dawsn, derivative=sg.exp)
    e = dawson(x) * 2
    assert pickle.loads(pickle.dumps(e)) is e
    call = pickle.loads(pickle.dumps(sg.lambdify(x, e)))
    assert call(0.5) == 2 * dawsn(0.5)
    code = f"import pickle; print(pickle.loads({pickle.dumps(e)!r}))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == str(e)


def test_saved_code(tmp_path):
    gamma = sg.elementwise_function("gamma_", numpy=math.gamma)
    sg.lambdify(x, gamma(x) + sine(x)).save(tmp_path / "own.py")
    names = {}
    exec((tmp_path / "own.py").read_text(), names)
    assert names["f"](2.0) == 1.0 + 3 * math.sin(2.0)
    hidden = sg.elementwise_function("hidden_", numpy=lambda u: u * 2)
    call = sg.lambdify(x, hidden(x))
    assert call(3.0) == 6.0
    with pytest.raises(sg.ArgumentError, match="given for hidden_, a callable that cannot be"):
        call.save(tmp_path / "hidden.py")


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("sin", {}, "a name of the library's own"),
        ("asin", {}, "a name of the library's own"),
        ("sum", {}, "a name of the library's own"),
        ("two words", {}, "must be an identifier"),
        ("lambda", {}, "must be an identifier"),
        ("h", {"numpy": "np.sin(x)"}, r"must use \{0\}"),
        ("h", {"numpy": "foo({0})"}, "uses foo"),
        ("h", {"numpy": "np.sinn({0})"}, "which NumPy does not have"),
        ("h", {"numpy": "scipy.optimize.root({0})"}, "scipy.special alone"),
        ("h", {"numpy": "np.sin({0}"}, "no expression"),
        ("h", {"numpy": "{0} > 0"}, "gives truth values"),
        ("h", {"numpy": "max({0}, 1)"}, "uses max"),
        ("h", {"numpy": 3}, "a template such as"),
        ("h", {"derivative": [slope, slope], "arity": 1}, "takes 1 operand, so"),
        ("h", {"derivative": 3}, "must be callable"),
        ("h", {"derivative": lambda a, b: a}, "operand"),
        ("h", {"range": (1, 0)}, "a pair"),
        ("h", {"arity": 0}, "positive int"),
        ("h", {"latex": 3}, "a str"),
        ("h", {"sympy": 3}, "a function of images"),
    ],
)
def test_errors(name, options, message):
    with pytest.raises(sg.ArgumentError, match=message):
        sg.elementwise_function(name, **options)


def test_code_that_is_missing():
    silent = sg.elementwise_function("silent_")
    with pytest.raises(sg.ArgumentError, match="silent_ has no code"):
        sg.lambdify(x, silent(x))
