"""SymPy's kinds of symbols, sums, and functions of matrices: what they are here, or why not."""

import math

import mpmath
import numpy as np
import pytest
import sympy as sp
from sympy.codegen import cfunctions, numpy_nodes, scipy_nodes
from sympy.utilities.lambdify import implemented_function

import symgrad as sg
from symgrad.errors import ConversionError, DerivativeError

x, y = sp.symbols("x y")
X, Q = sg.symbol("x"), sg.symbol("q")


# Symbols


@pytest.mark.parametrize(
    "other",
    [sp.Dummy("x"), sp.Wild("x"), sp.Symbol("x", positive=True), sp.Symbol("x", integer=True)],
    ids=repr,
)
def test_symbols_of_one_name_are_told_apart(other):
    e = sg.from_sympy(x - 3 * other)
    assert len(sg.free_symbols(e)) == 2
    a, b = sg.from_sympy(x), sg.from_sympy(other)
    assert sg.lambdify([a, b], e)(5.0, 1.0) == 2.0
    assert sg.diff((other - x) ** 2 * x, x) is not sg.constant(0)


def test_two_dummies_are_two_symbols():
    a, b = sp.Dummy("d"), sp.Dummy("d")
    assert sg.from_sympy(a) is sg.from_sympy(a)
    assert sg.from_sympy(a - b) is not sg.constant(0)


@pytest.mark.parametrize("held", [{"real": True}, {"finite": True}, {"nonzero": None}], ids=str)
def test_symbols_that_would_be_one_are_refused(held):
    other = sp.Symbol("x", **held)
    if other == x:
        return
    with pytest.raises(ConversionError, match="two different SymPy symbols are named 'x'"):
        sg.from_sympy(x - other)


@pytest.mark.parametrize(
    "held",
    [{"complex": True}, {"real": False}, {"imaginary": True}, {"extended_real": False}],
    ids=str,
)
def test_complex_symbols_are_refused(held):
    with pytest.raises(ConversionError, match="complex: symgrad is real-valued"):
        sg.from_sympy(sp.Symbol("c", **held) ** 2)


@pytest.mark.parametrize("e", ["A*B - B*A", "A**2", "A + x", "sin(A)", "f(x)*A"])
def test_what_does_not_commute_is_refused(e):
    names = dict(zip("AB", sp.symbols("A B", commutative=False), strict=True))
    with pytest.raises(ConversionError, match="commutative=False"):
        sg.from_sympy(sp.sympify(e, names))


# Operators


@pytest.mark.parametrize(
    "operation",
    [
        lambda a, b: a + b,
        lambda a, b: a - b,
        lambda a, b: a * b,
        lambda a, b: a / b,
        lambda a, b: a**b,
        lambda a, b: a % b,
        lambda a, b: a // b,
    ],
)
@pytest.mark.parametrize(
    "given", [x, x + 1, sp.pi, sp.Integer(3), sp.Rational(1, 3), sp.sin(x)], ids=str
)
def test_operators_mix_in_either_order(operation, given):
    image = sg.from_sympy(given)
    assert operation(given, Q) is operation(image, Q)
    assert operation(Q, given) is operation(Q, image)


def test_comparisons_mix_in_either_order():
    assert (x < Q) is (Q > X)
    assert (x > Q) is (Q < X)
    assert (x == Q) is (Q == X)


def test_products_of_matrices_mix_by_the_sign_that_means_one_thing():
    M, A = sp.MatrixSymbol("M", 2, 2), sg.matrix("A", (2, 2))
    image = sg.from_sympy(M)
    assert M @ A is image @ A
    assert A @ M is A @ image
    assert M + A is image + A
    assert M * Q is image * Q
    for product in (lambda: M * A, lambda: A * M, lambda: sp.eye(2) * A, lambda: A * sp.eye(2)):
        with pytest.raises(sg.ArgumentError, match="write A @ B"):
            product()


def test_functions_of_sympy_name_those_of_symgrad():
    with pytest.raises(AttributeError, match=r"symgrad\.sin"):
        sp.sin(Q)


# Sums, products, functions of entries


@pytest.mark.parametrize(
    ("e", "at"),
    [
        (sp.Sum(x**y / y, (y, 1, 4)), 0.5),
        (sp.Sum(x * y, (y, 3, 1)), 0.5),
        (sp.Sum(x * y, (y, 3, 2)), 0.5),
        (sp.Product(x + y, (y, 1, 4)), 0.5),
        (sp.Product(x + y, (y, 4, 1)), 0.5),
        (sp.Product(x + y, (y, 2, 1)), 0.5),
        (sp.Sum(sp.cos(x * y), (y, -2, 2)), 0.7),
        (sp.Sum(sp.Product(x + y, (y, 1, sp.Symbol("k"))), (sp.Symbol("k"), 1, 3)), 0.7),
        (sp.Sum(x**y, (y, 1, sp.Symbol("k")), (sp.Symbol("k"), 1, 3)), 0.7),
        (sp.Sum(x**y * x, (y, 0, 2)) ** 2 + sp.Sum(y, (y, 1, 3)), 0.7),
    ],
    ids=str,
)
def test_sums_and_products_are_written_out(e, at):
    image = sg.from_sympy(e)
    f = sg.lambdify(X, [image, sg.diff(image, X)])
    closed = e.doit()
    want = [float(closed.subs(x, at)), float(closed.diff(x).subs(x, at))]
    assert f(at) == pytest.approx(want, rel=1e-12)


def test_what_stands_unevaluated_is_evaluated():
    e = sg.from_sympy(sp.UnevaluatedExpr(x + 1) * y)
    assert sg.lambdify([x, y], e)(2.0, 3.0) == 9.0


# What is said in other words, complex parts, quantities, numbers

n, t, phi = sp.Symbol("n"), sp.Symbol("t", positive=True), sp.Symbol("phi")


@pytest.mark.parametrize(
    ("e", "at"),
    [
        (sp.hermite(n, x) + sp.hermite_prob(n + 1, x), {n: 3, x: 0.7}),
        (
            sp.laguerre(n, x) + sp.assoc_laguerre(n, y, x) + sp.jacobi(n, y, t, x),
            {n: 3, x: 0.7, y: 0.4, t: 2},
        ),
        (
            sp.assoc_legendre(n, 1, x) + sp.gegenbauer(n, t, x) + sp.jn(n, t) + sp.yn(n, t),
            {n: 2, x: 0.7, t: 2},
        ),
        (sp.polygamma(n, t) + sp.expint(n, t), {n: 2, t: 0.7}),
        (sp.bernoulli(n) + sp.fibonacci(n) + sp.lucas(n), {n: 4}),
        (sp.KroneckerDelta(n, 2) + sp.LeviCivita(n, 3, 1), {n: 2}),
        (sp.catalan(t) + sp.riemann_xi(t) + sp.dirichlet_eta(t), {t: 2.5}),
        (sp.Piecewise((x, sp.Contains(x, sp.Interval(0, 1))), (y, True)), {x: 0.5, y: 7}),
        (sp.re(sp.hankel1(2, t)) + sp.im(sp.hankel2(1, t)) + sp.im(sp.hn1(1, t)), {t: 1.3}),
        (sp.re(sp.exp(sp.I * x) / (1 + sp.I * y)), {x: 0.5, y: 0.3}),
        (sp.im(sp.log(x)) + sp.re(sp.sqrt(x)) + sp.arg(x), {x: -0.5}),
        (sp.Abs(x + sp.I * y) * sp.re(x) + sp.conjugate(x), {x: 0.5, y: 0.3}),
        (sp.I * (sp.exp(sp.I * x) - sp.exp(-sp.I * x)), {x: 0.5}),
        (
            sp.Znm(3, -2, x, phi) + sp.Ynm(2, 0, x, phi) + sp.re(sp.Ynm(3, 1, x, phi)),
            {x: 0.5, phi: 2},
        ),
        (
            sp.arg(2 * sp.I * x - 1) + sp.Abs(sp.exp(sp.I * y) + x) * sp.re(sp.sqrt(x)),
            {x: 0.5, y: 1},
        ),
        (sp.real_root(x, 3) + sp.polar_lift(t) * sp.exp_polar(x), {x: -0.5, t: 2}),
        (x * sp.CRootOf(y**5 - y - 1, 0) + sp.stieltjes(1), {x: 2}),
    ],
    ids=str,
)
def test_what_is_said_in_other_words(e, at):
    want = sp.N(e.subs(at).doit(), 20)
    got = sg.lambdify(list(at), e)(*[float(v) for v in at.values()])
    assert got == pytest.approx(complex(want).real, rel=1e-12)
    assert abs(complex(want).imag) < 1e-15


def test_parts_of_what_is_not_known_to_be_real_are_those_of_real_numbers():
    f = sp.Function("f")
    assert sg.from_sympy(sp.re(f(x))) is sg.from_sympy(f(x))
    e = sp.re(sp.UnevaluatedExpr(x + y)) + sp.conjugate(f(x)) - f(x)
    assert sg.lambdify([x, y], sg.from_sympy(e))(2.0, 3.0) == 5.0
    with pytest.raises(ConversionError, match="not known"):
        sg.from_sympy(sp.im(f(x)))


def test_parts_of_hankel_functions_are_known_for_positive_operands_alone():
    f = sg.lambdify(x, sp.re(sp.hankel1(1, x)))
    assert f(1.0) == pytest.approx(0.44005058574493355, rel=1e-12)
    assert math.isnan(f(-1.0))


@pytest.mark.parametrize(
    "e", [sp.I * x, x + sp.I, sp.exp(sp.I * x), sp.re(sp.Function("f")(sp.I * x))]
)
def test_complex_formulas_are_refused(e):
    with pytest.raises(ConversionError, match="real"):
        sg.from_sympy(e)


def test_quantities_are_what_they_measure_in_base_units():
    from sympy.physics import units

    force = x * units.newton / units.speed_of_light + units.gram * units.kilo
    assert sg.lambdify(x, force)(2.0) == pytest.approx(2.0 / 299792458 + 1.0, rel=1e-15)
    assert sg.lambdify([], sp.sin(30 * units.degree))() == pytest.approx(0.5, rel=1e-15)


@pytest.mark.parametrize(
    "e", [sp.DiracDelta(x), sp.mathieus(x, y, n), sp.polylog(3, x), sp.LambertW(x, 1)], ids=str
)
def test_what_has_no_image_is_named(e):
    with pytest.raises(ConversionError, match=type(e).__name__):
        sg.from_sympy(e)


def test_functions_of_matrices():
    rng = np.random.default_rng(3)
    A, B = sp.MatrixSymbol("A", 2, 2), sp.MatrixSymbol("B", 2, 2)
    a, b = sg.from_sympy(A), sg.from_sympy(B)
    p, q = rng.uniform(0.2, 1.0, (2, 2, 2))
    column = sp.MatrixSymbol("c", 2, 1)
    c = sg.from_sympy(column)
    for e, want in [
        (A.applyfunc(sp.sin), np.sin(p)),
        ((A * B).applyfunc(sp.Lambda(x, x**2 + 1)), (p @ q) ** 2 + 1),
        (sp.HadamardProduct(A, B), p * q),
        (sp.HadamardPower(A, 3), p**3),
        (sp.matrices.expressions.Adjoint(A), p.T),
        (A + sp.OneMatrix(2, 2), p + 1),
        (sp.KroneckerProduct(A, B), np.kron(p, q)),
        (sp.DiagMatrix(column), np.diag(p[:, 0])),
        (sp.DotProduct(column, column), p[:, 0] @ p[:, 0]),
    ]:
        f = sg.lambdify([a, b, c], sg.from_sympy(e))
        np.testing.assert_allclose(f(p, q, p[:, :1]), want, rtol=1e-14)


# Special functions: derivatives that are refused, values far out


@pytest.mark.parametrize(
    "f",
    [
        lambda t: sg.special.gammainc(t, 1.5),
        lambda t: sg.special.gammaincc(t, 1.5),
        lambda t: sg.special.betainc(t, 1.0, 0.5),
        lambda t: sg.special.betainc(1.0, t, 0.5),
        lambda t: sg.special.jv(t, 0.5),
        lambda t: sg.special.eval_legendre(t, 0.5),
        sg.special.zeta,
    ],
)
def test_unknown_derivatives_are_refused(f):
    with pytest.raises(DerivativeError, match="cannot be differentiated by its operand"):
        sg.diff(f(X), X)


@pytest.mark.parametrize(
    ("e", "exact", "at"),
    [
        (sg.diff(sg.special.ellipk(X), X), lambda m: mpmath.diff(mpmath.ellipk, m), 0.0),
        (sg.diff(sg.special.ellipe(X), X), lambda m: mpmath.diff(mpmath.ellipe, m), 1e-9),
        (sg.diff(sg.special.ellipk(X), X, 2), lambda m: mpmath.diff(mpmath.ellipk, m, 2), -5.0),
        (sg.diff(sg.special.ellipk(X), X), lambda m: mpmath.diff(mpmath.ellipk, m), 0.99),
        (sg.diff(sg.special.gammainc(200.0, X), X),
         lambda t: mpmath.exp(199 * mpmath.log(t) - t - mpmath.loggamma(200)), 190.0),
        (sg.diff(sg.special.sici(X)[0], X), mpmath.sinc, 0.0),
        (sg.diff(sg.special.sici(X)[0], X, 2), lambda t: mpmath.diff(mpmath.sinc, t), 1e-5),
        (sg.diff(sg.special.shichi(X)[0], X, 3), lambda t: mpmath.mpf(1) / 3, 0.0),
        (sg.special.fresnel(X)[1], mpmath.fresnelc, 30.0),
        (sg.special.airy(X)[0], mpmath.airyai, 12.0),
        (sg.special.expn(3, X), lambda t: mpmath.expint(3, t), 1e-9),
    ],
)  # fmt: skip
def test_digits_near_singular_points_and_far_out(e, exact, at):
    with mpmath.workdps(40):
        want = float(exact(mpmath.mpf(at)))
    assert sg.lambdify(X, e)(at) == pytest.approx(want, rel=2e-12)


@pytest.mark.parametrize("at", [(1.3, 0.6), (-5.0, -4.0), (5.0, 7.0), (-1.0, 2.0), (0.0, 1e-9)])
def test_differences_of_error_functions(at):
    e = sg.from_sympy(sp.erf2(x, y))
    with mpmath.workdps(40):
        want = float(mpmath.erf(at[1]) - mpmath.erf(at[0]))
    assert sg.lambdify([x, y], e)(*at) == pytest.approx(want, rel=1e-13)


@pytest.mark.parametrize("at", [0.1, 1.0, 1.7])
def test_inverse_of_erfc(at):
    value = sg.lambdify(x, sp.erfcinv(x))(at)
    assert math.erfc(value) == pytest.approx(at, rel=1e-13)


def test_incomplete_beta_between_two_points():
    e = sp.betainc_regularized(2, 3, x, y)
    want = mpmath.betainc(2, 3, 0.2, 0.7, regularized=True)
    assert sg.lambdify([x, y], e)(0.2, 0.7) == pytest.approx(float(want), rel=1e-13)


@pytest.mark.parametrize("order", [-1, 0.5, "1", None])
def test_orders_of_expn(order):
    with pytest.raises(sg.ArgumentError, match="order of expn must be a non-negative int"):
        sg.special.expn(order, X)


def test_parameters_of_hypergeometric_functions():
    assert sg.special.hyp2f1(1, sg.constant(3), 2, X) is sg.special.hyp2f1(1, 3, 2, X)
    with pytest.raises(sg.ArgumentError, match="a pole"):
        sg.special.hyp1f1(1, -2, X)


# Derivatives as SymPy has them


def test_derivatives_in_sympy():
    f = sp.sin(x) * y
    real = {s: sg.to_sympy(sg.from_sympy(s)) for s in (x, y)}
    assert sg.diff(f, x, as_sympy=True) == f.diff(x).xreplace(real)
    assert sg.grad(f, [x, y], as_sympy=True) == [f.diff(s).xreplace(real) for s in (x, y)]
    found = sg.hessian(f, [x, y], as_sympy=True)
    assert sp.Matrix(found) == sp.hessian(f, [x, y]).xreplace(real)
    assert sg.jacobian(sg.vector("v", 2) ** 2, sg.vector("v", 2), as_sympy=True).shape == (2, 2)


# Arguments and modules of lambdify


@pytest.mark.parametrize(
    ("args", "given"),
    [
        ([[x, y], X * 0 + sg.symbol("z")], ([1.0, 2.0], 3.0)),
        (((x, (y,)), "z"), ((1.0, (2.0,)), 3.0)),
        ([sp.Matrix([x, y]), "z"], (np.array([[1.0], [2.0]]), 3.0)),
        ([sp.Matrix([x, y]), "z"], (np.array([1.0, 2.0]), 3.0)),
        ([sp.Matrix([[x, y]]), "z"], (np.array([[1.0, 2.0]]), 3.0)),
    ],
    ids=str,
)
def test_nested_arguments(args, given):
    z = sp.Symbol("z")
    args = [z if a == "z" or a is sg.symbol("z") else a for a in args]
    f = sg.lambdify(args, x + 2 * y + 3 * z)
    assert f(*given) == 14.0
    assert "def f(x, y, z)" in f.source
    with pytest.raises((sg.ShapeError, sg.ArgumentError)):
        f([1.0], 3.0)
    with pytest.raises(sg.ArgumentError, match="got 3 arguments, expected 2"):
        f(*given, 1.0)


def test_nested_arguments_broadcast():
    f = sg.lambdify([[x, y]], x * y)
    assert np.array_equal(f(np.array([[1.0, 2.0], [3.0, 4.0]])), [3.0, 8.0])


@pytest.mark.parametrize(
    ("e", "modules", "want"),
    [
        (sp.Function("g")(x) + 1, [{"g": lambda v: v**2}, "numpy"], 10.0),
        (sp.Function("g")(x) + 1, {"g": lambda v: v**2}, 10.0),
        (sp.Function("g")(x, 2), {"g": lambda a, b: a**b}, 9.0),
        (sp.sin(x), [{"sin": lambda v: 7 * v}, "numpy"], 21.0),
        (sp.sin(x), ["numpy", {"sin": lambda v: 7 * v}], 21.0),
        (sp.sin(x), [{"sin": lambda v: v}, {"sin": lambda v: 7 * v}], 3.0),
        (sp.acos(x), {"acos": math.cos}, math.cos(3.0)),
        (x * y, {"y": 4}, 12.0),
        (sp.exp(x), "math", math.exp(3.0)),
        (sp.exp(x), np, math.exp(3.0)),
        (sp.exp(x), ["scipy", "numpy"], math.exp(3.0)),
    ],
    ids=lambda value: str(value) if isinstance(value, (sp.Basic, str, float)) else "",
)
def test_modules_take_effect(e, modules, want):
    assert sg.lambdify(x, e, modules)(3.0) == pytest.approx(want, rel=1e-15)
    assert sg.lambdify(x, e, modules=modules)(3.0) == pytest.approx(want, rel=1e-15)


@pytest.mark.parametrize("modules", ["mpmath", "tensorflow", ["numpy", "sympy"], 3, [3]], ids=str)
def test_other_modules_are_refused(modules):
    with pytest.raises(sg.ArgumentError, match="modules="):
        sg.lambdify(x, x, modules)


def test_options_of_sympy():
    assert sg.lambdify(x, x + 1, cse=True, dummify=True, docstring_limit=None)(1.0) == 2.0
    for wrong in ({"printer": object()}, {"cse": 3}, {"dummify": "yes"}, {"docstring_limit": "a"}):
        with pytest.raises(sg.ArgumentError, match=next(iter(wrong))):
            sg.lambdify(x, x, **wrong)


def test_text_names_symbols_and_formulas():
    assert sg.lambdify("x", "x**2 + 1")(3.0) == 10.0
    assert sg.lambdify("x, y", "x - y, y")(3.0, 1.0) == (2.0, 1.0)
    assert sg.lambdify(["x", y], [x - y])(3.0, 1.0) == [2.0]
    assert sg.lambdify([x, y], sp.Tuple(y, x))(3.0, 1.0) == (1.0, 3.0)


@pytest.mark.parametrize(
    ("e", "want"),
    [
        (cfunctions.expm1(x) + cfunctions.log1p(x), math.expm1(0.5) + math.log1p(0.5)),
        (cfunctions.exp2(x), 2**0.5),
        (cfunctions.log2(x) + cfunctions.log10(x), math.log2(0.5) + math.log10(0.5)),
        (cfunctions.hypot(x, 2) + cfunctions.Cbrt(x), math.hypot(0.5, 2) + math.cbrt(0.5)),
        (scipy_nodes.cosm1(x * 1e-9), -1.25e-19),
        (scipy_nodes.powm1(x, 1e-12), math.expm1(1e-12 * math.log(0.5))),
        (numpy_nodes.logaddexp(x, 1), math.log(math.exp(0.5) + math.e)),
        (numpy_nodes.maximum(x, 1) + numpy_nodes.minimum(x, 1), 1.5),
    ],
    ids=str,
)
def test_functions_of_codegen(e, want):
    assert sg.lambdify(x, e)(0.5) == pytest.approx(want, rel=1e-14)


def test_matrices_of_entries_within_formulas():
    A = sp.MatrixSymbol("A", 2, 2)
    e = sp.MatMul(sp.Matrix([[x, 1], [0, y]]), A, evaluate=False)
    f = sg.lambdify([x, y, A], e)
    given = np.array([[1.0, 2.0], [3.0, 4.0]])
    np.testing.assert_allclose(f(5.0, 6.0, given), np.array([[5.0, 1.0], [0.0, 6.0]]) @ given)


def test_implemented_functions():
    g = implemented_function("g", lambda v: v + 5)
    assert sg.lambdify(x, 2 * g(x))(1.0) == 12.0
    with pytest.raises(sg.ArgumentError, match="undefined"):
        sg.lambdify(x, g(x), use_imps=False)


# Numbers of other libraries


@pytest.mark.parametrize(
    "number",
    [sp.Rational(1, 2), sp.Float(0.5), np.float64(0.5), np.float32(0.5), np.float16(0.5),
     np.array(0.5), np.array(0.5, np.float32), mpmath.mpf("0.5"), sp.sqrt(2) / sp.sqrt(8)],
    ids=repr,
)  # fmt: skip
def test_numbers_run_on_floats(number):
    f = sg.lambdify([X, Q], sg.cos(X) * Q)
    for _ in range(2):  # before and after the code on floats is made
        got = f(number, 2)
        assert type(got) is float
        assert got == 2 * math.cos(0.5)
    digits = 1e-3 if getattr(number, "itemsize", 8) < 8 else 1e-15  # NumPy promotes with arrays
    np.testing.assert_allclose(f(number, np.ones(2)), math.cos(0.5), rtol=digits)


@pytest.mark.parametrize(
    "number", [np.int64(2), np.uint8(2), 2, True, np.True_, np.array(2), sp.S(2)]
)
def test_whole_numbers_run_on_floats(number):
    f = sg.lambdify(X, X / 2)
    assert [f(number), f(number)] == [float(number) / 2] * 2
    assert type(f(number)) is float


@pytest.mark.parametrize("number", [sp.I, x, mpmath.mpc(1, 1), 1j, "1", None, 10**400], ids=str)
def test_what_is_no_real_number_is_refused(number):
    f = sg.lambdify(X, X / 2)
    for _ in range(2):
        with pytest.raises(sg.DTypeError, match="argument x"):
            f(number)
        f(1.0)


# Arrays of SymPy that are used by their entries, and names that carry a meaning


def test_indexed_bases():
    a, b = sp.IndexedBase("a"), sp.IndexedBase("b", shape=(3, 2))
    i = sp.Idx("i")
    k = sp.Symbol("k", integer=True)
    values = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 7.0]])
    total = sp.Sum(a[k, 0] * a[k, 1], (k, 0, 2))
    assert sg.lambdify(a, total)(values) == 2.0 + 12.0 + 35.0
    assert sg.lambdify([a, i], a[i] ** 2)([1, 2, 3], 2) == 9
    assert sg.lambdify([b, k], b[k, 1] + k)(values, 2.0) == 9.0
    assert sg.from_sympy(b).shape == (3, 2) and sg.from_sympy(a[i]).args[0].shape == ("a_0",)
    with pytest.raises(sg.ConversionError, match="integer=True"):
        sg.from_sympy(a[x])
    with pytest.raises(sg.ConversionError, match="shape="):
        sg.lambdify(a, sp.Integer(1))
    with pytest.raises(sg.ShapeError, match="out of range"):
        sg.from_sympy(b[3, 0])


def test_array_symbols_and_coordinates():
    from sympy.tensor.array.expressions import ArraySymbol
    from sympy.vector import CoordSys3D

    A = ArraySymbol("A", (2, 3))
    values = np.arange(6.0).reshape(2, 3)
    np.testing.assert_array_equal(sg.lambdify(A, A)(values), values)
    X, Y, _ = CoordSys3D("N").base_scalars()
    assert sg.lambdify([X, Y], X - 2 * Y)(5.0, 1.0) == 3.0


def test_constants_of_modules_take_effect_and_matrices_are_refused():
    assert sg.lambdify(x, sp.pi + x, {"pi": 3.5})(1.0) == 4.5
    with pytest.raises(sg.ArgumentError, match="ImmutableDenseMatrix"):
        sg.lambdify(x, sp.Matrix([x]), [{"ImmutableDenseMatrix": np.matrix}, "numpy"])


def test_two_implementations_of_one_name():
    from sympy.utilities.lambdify import implemented_function

    f, g = (implemented_function("f", lambda v, n=n: n * v) for n in (2, 3))
    assert sg.lambdify(x, f(x))(1.0) == 2.0 and sg.lambdify(x, g(x))(1.0) == 3.0
    with pytest.raises(sg.ArgumentError, match="two functions f"):
        sg.lambdify(x, f(g(x)))
