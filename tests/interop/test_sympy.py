"""The bridge to SymPy, in both directions."""

import math
import operator
from fractions import Fraction

import numpy as np
import pytest
import sympy as sp

import symgrad as sg
from symgrad.errors import ConversionError
from symgrad.expr.leaves import value_of
from symgrad.interop.sympy import from_sympy, simplify_with_sympy, to_sympy
from symgrad.interop.sympy_functions import FUNCTIONS
from symgrad.ops import determinant, linalg, shapes, special

x, y = sp.symbols("x y")
p, q = sp.symbols("p q", positive=True)
POINT = {"x": 0.7, "y": -0.4, "p": 1.3, "q": 0.6}
THIRD = sp.Rational(1, 3)

FORMULAS = [
    x**4 - 2 * x**2,
    sp.sin(x) ** 2 / 3 + sp.pi * x - sp.E,
    sp.exp(-x) * sp.log(p) + sp.exp(1),
    sp.sqrt(p) + p ** sp.Rational(2, 3) + p**x + sp.cbrt(p),
    sp.log(p, 3) + sp.log(q),
    sp.Piecewise((x, x > 0), (0, x < -1), (x**2, True)),
    sp.Piecewise((y, sp.And(y > 0, x > 0)), (x, sp.Or(y < -1, x > 0.5)), (x**2, True)),
    sp.Max(x, y, THIRD) + sp.Min(x, y, 2),
    sp.Abs(x) * sp.sign(y),
    sp.floor(3 * x) + sp.ceiling(y) + sp.frac(p),
    sp.Mod(x, THIRD),
    sp.Heaviside(x) + sp.Heaviside(y, 1),
    sp.SingularityFunction(x, y, 2) + sp.SingularityFunction(x, -y, sp.Rational(1, 2)),
    sp.tan(x) + sp.cot(x) + sp.sec(x) + sp.csc(x),
    sp.asin(q) + sp.acos(q) + sp.atan(x) + sp.atan2(y, x),
    sp.acot(x) + sp.asec(p) + sp.acsc(p),
    sp.sinh(x) + sp.cosh(x) + sp.tanh(x) + sp.coth(x) + sp.sech(x) + sp.csch(x),
    sp.asinh(x) + sp.acosh(p) + sp.atanh(q),
    sp.asech(q) + sp.acsch(q) + sp.acoth(p),
    sp.sinc(x) + sp.erf(x) + sp.erfc(y) + sp.erfi(x) + sp.erfinv(q),
    sp.gamma(p) + sp.loggamma(q) + sp.factorial(p) + sp.beta(p, q),
    sp.digamma(p) + sp.polygamma(0, q) + sp.polygamma(2, p),
    sp.besselj(0, p) + sp.besselj(2, p) + sp.bessely(1, p),
    sp.besseli(1, p) + sp.besselk(0, q) + sp.besselj(THIRD, p),
    sp.LambertW(p) + sp.Ei(q) + sp.expint(1, p),
    sp.Float(0.1) * x + sp.GoldenRatio * sp.EulerGamma,
    sp.ITE(x > 0, y > 0, y < 0),
    sp.And(x > 0, y < 1, sp.Ne(x, y)),
    sp.Or(x >= 1, y <= -1, sp.Not(sp.Eq(sp.cos(x), y), evaluate=False)),
    sp.Xor(x > 0, y > 0),
    sp.Equivalent(x > 0, y > 0),
    sp.binomial(p + 4, q)
    + sp.RisingFactorial(p, q)
    + sp.FallingFactorial(p + 3, q)
    + sp.harmonic(p),
    sp.lowergamma(p, q) * sp.uppergamma(q, p) + sp.uppergamma(-2, p) + sp.betainc(p, q, 0, THIRD),
    sp.betainc(p, q, THIRD, sp.Rational(1, 2)) + sp.erf2(x, y),
    sp.expint(3, p) + sp.expint(-2, p) + sp.expint(THIRD, p) + sp.li(p) + sp.Li(p + 1),
    sp.Si(x) + sp.Ci(p) + sp.Shi(y) + sp.Chi(q) + sp.fresnels(x) * sp.fresnelc(y),
    sp.airyai(x) + sp.airybi(y),
    sp.airyaiprime(x) * sp.airybiprime(y),
    sp.elliptic_k(x) + sp.elliptic_e(y) + sp.elliptic_f(x, q) + sp.elliptic_e(x, q),
    sp.jn(2, p) + sp.yn(1, q),
    sp.hyper([], [THIRD], x) + sp.hyper([1], [THIRD], y) + sp.hyper([1, THIRD], [2], y),
    sp.hyper([THIRD], [], y) + sp.hyper([], [], x),
    # orders, degrees and parameters that are symbols
    sp.besselj(x, p) + sp.bessely(p, q) + sp.besseli(x, q) + sp.besselk(y, p),
    sp.chebyshevt(x, y) + sp.chebyshevu(p, y) + sp.legendre(p, y),
    sp.hyper([p], [q], x) + sp.hyper([], [p], y) + sp.hyper([p, x], [q], y) + sp.hyper([x], [], q),
    sp.zeta(p + 1) + sp.zeta(p + 1, q) + sp.harmonic(p, 2) + sp.harmonic(q, p + 1),
    sp.polylog(2, q) + sp.LambertW(-q / 4, -1),
    sp.elliptic_pi(y, q) + sp.elliptic_pi(y, x, q),
]


def value(e):
    found = e.subs({s: POINT[s.name] for s in e.free_symbols})
    return bool(found) if found in (sp.true, sp.false) else float(found)


@pytest.mark.parametrize("formula", FORMULAS, ids=str)
def test_round_trip(formula):
    e = from_sympy(formula)
    back = to_sympy(e)
    assert value(back) == pytest.approx(value(formula), rel=1e-12)
    assert {s.name for s in back.free_symbols} == {s.name for s in formula.free_symbols}


@pytest.mark.parametrize("formula", FORMULAS, ids=str)
def test_values_agree_with_numpy_code(formula):
    e = from_sympy(formula)
    values = {s: POINT[s.name] for s in sg.free_symbols(e)}
    assert sg.evaluate(e, values) == pytest.approx(value(formula), rel=1e-12)


def test_every_function_is_tried():
    names = {type(n).__name__ for f in FORMULAS for n in sp.preorder_traversal(f)}
    tensors = {"MatAdd", "MatMul", "MatPow", "HadamardProduct", "MatrixElement", "Identity"}
    tensors |= {"Transpose", "Inverse", "Determinant", "Trace", "ZeroMatrix"}
    tensors |= {"HadamardPower", "ElementwiseApplyFunction", "Adjoint", "OneMatrix"}
    tensors |= {"KroneckerProduct", "DiagMatrix", "DotProduct"}  # see test_sympy_kinds
    elsewhere = {"Derivative", "Subs"}  # see tests/functions/test_sympy_functions
    elsewhere |= set("expm1 log1p exp2 log2 log10 hypot isnan isinf logaddexp logaddexp2".split())
    elsewhere |= set("maximum minimum Sqrt Cbrt fma cosm1 powm1".split())
    elsewhere |= {"Rem", "Sum", "Product", "betainc_regularized", "erfcinv"}  # see test_sympy_kinds
    rewritten = {"Xor", "digamma", "trigamma", "ITE"}  # SymPy rewrites these
    rewritten |= {"Nand", "Nor", "Implies", "UnevaluatedExpr"}
    elsewhere |= set(
        "hermite hermite_prob laguerre assoc_laguerre jacobi assoc_legendre gegenbauer".split()
    )
    assert set(FUNCTIONS) - names - tensors - rewritten - elsewhere == set()


def test_exact_numbers_stay_exact():
    assert from_sympy(sp.Rational(1, 2)) is sg.constant(1) / 2
    assert value_of(from_sympy(sp.Integer(10) ** 30)) == 10**30
    assert from_sympy(sp.pi) is sg.pi
    assert from_sympy(sp.E) is sg.E
    assert to_sympy(sg.constant(1) / 3) == THIRD
    assert to_sympy(sg.pi * 2) == 2 * sp.pi
    assert value_of(from_sympy(sp.Float(0.1))) == 0.1
    assert value_of(from_sympy(sp.oo)) == math.inf
    assert value_of(from_sympy(-sp.oo)) == -math.inf
    assert math.isnan(value_of(from_sympy(sp.nan)))


@pytest.mark.parametrize("held", ["positive", "nonnegative", "negative", "nonzero", "integer"])
def test_assumptions_survive(held):
    symbol = sg.symbol("s", **{held: True})
    image = to_sympy(symbol)
    assert image.is_real
    assert getattr(image, f"is_{held}")
    assert from_sympy(image) is symbol


def test_a_plain_symbol_is_the_symbol_of_that_name():
    assert from_sympy(x) is sg.symbol("x")
    assert from_sympy(sp.Symbol("x", real=True)) is sg.symbol("x")


def test_two_symbols_of_one_name_are_refused():
    a, b = sg.symbol("a"), sg.symbol("a", positive=True)
    with pytest.raises(ConversionError, match="two different symbols are named 'a'"):
        to_sympy(a + b)


@pytest.mark.parametrize(
    ("formula", "message"),
    [
        (sp.I * x, "complex, and symgrad is real-valued"),
        (
            sp.Integral(sp.exp(x**2), x),
            r"Integral has no image here without bounds: Integral\(exp.*doit",
        ),
        (sp.Sum(x**y, (y, 1, p)), "Sum has no image.*doit"),
        (sp.Product(x + y, (y, 1, sp.oo)), "Product has no image.*doit"),
        (sp.Sum(x**y, (y, 1, 10**6)), "Sum of more than .* terms"),
        (sp.hyper([x, 1, 2], [1], y), "hyper of .* parameters"),
        (sp.Derivative(sp.Function("f")(x), (x, sp.Symbol("n"))), "symbolic order n"),
        (sp.mathieus(x, y, p), "mathieus"),
        (sp.zoo, "ComplexInfinity"),
        (sp.LambertW(x, 1), "branches 0 and -1"),
        ("x", "needs a SymPy expression"),
    ],
    ids=str,
)
def test_what_has_no_image_is_named(formula, message):
    with pytest.raises(ConversionError, match=message):
        from_sympy(formula)


# Entering through the public functions


def test_functions_take_sympy_expressions():
    X = sg.symbol("x")
    assert sg.sin(x) is sg.sin(X)
    assert sg.add(x, y**2) is X + sg.symbol("y") ** 2
    assert X * x is X**2
    assert sg.where(x > 0, x, 0) is sg.where(X > 0, X, 0)
    assert sg.sum(sp.Matrix([[x, y]])).shape == ()
    assert sg.simplify(sp.sin(x) ** 2 + sp.cos(x) ** 2) is sg.constant(1)


def test_functions_that_users_define_in_sympy_are_named():
    class Tower(sp.Function):
        pass

    with pytest.raises(ConversionError, match=r"Tower has no image here: Tower\(x\)"):
        sg.sin(Tower(x))


def test_sympy_symbols_are_leaves_everywhere():
    f = x**2 * sp.sin(y)
    X, Y = sg.symbols("x y")
    assert sg.grad(f, x) is sg.grad(X**2 * sg.sin(Y), X)
    assert sg.grad(f, [x, y])[1] is X**2 * sg.cos(Y)
    assert sg.diff(f, x, 2) is 2 * sg.sin(Y)
    assert sg.lambdify([x, y], f)(2.0, 1.0) == pytest.approx(4 * math.sin(1.0), rel=1e-15)
    assert sg.evaluate(f, {x: 2.0, y: 1.0}) == pytest.approx(4 * math.sin(1.0), rel=1e-15)
    assert sg.substitute(f, {y: x}) is X**2 * sg.sin(X)


# Arrays


def test_matrices_of_entries():
    m = sp.Matrix([[x, 1], [y, x * y]])
    e = from_sympy(m)
    assert e.shape == (2, 2)
    assert to_sympy(e).subs({}) == m.applyfunc(lambda t: to_sympy(from_sympy(t)))
    assert from_sympy(sp.Array([x, y, x])).shape == (3,)


def test_matrix_formulas():
    A, B = sp.MatrixSymbol("A", 2, 3), sp.MatrixSymbol("B", 2, 3)
    n = sp.Symbol("n")
    S = sp.MatrixSymbol("S", n, n)
    a, b = sg.matrix("A", (2, 3)), sg.matrix("B", (2, 3))
    assert from_sympy(A + 2 * B) is a + 2 * b
    assert from_sympy(A * B.T) is a @ b.T
    assert from_sympy(A[0, 1] * B[1, 2]) is a[0, 1] * b[1, 2]
    assert from_sympy(sp.HadamardProduct(A, B)) is a * b
    assert from_sympy(S.I + 2 * S**2 + sp.Identity(n)).shape == ("n", "n")
    assert from_sympy(sp.Trace(S) + sp.Determinant(S)).shape == ()


def check_entries(e, values):
    """The SymPy image of an array formula has the values of its NumPy code."""
    image = to_sympy(e)
    table = {}
    for leaf, array in values.items():
        rows, columns = array.shape[0], array.shape[1] if array.ndim == 2 else 1
        matrix = sp.MatrixSymbol(leaf.name, rows, columns)
        flat = array.reshape(rows, columns)
        table |= {matrix[i, j]: flat[i, j] for i in range(rows) for j in range(columns)}
    want = sg.evaluate(e, values)
    if e.shape == ():
        got = float(image.xreplace(table))
    else:
        got = np.array(image.tolist(), dtype=object)
        got = np.vectorize(lambda t: float(t.xreplace(table)))(got)
    np.testing.assert_allclose(got, want, rtol=1e-12)


A, V = sg.matrix("A", (3, 3)), sg.vector("v", 3)


@pytest.mark.parametrize(
    "e",
    [
        A @ V,
        V @ A @ V,
        A.T * V + sg.sum(A, axis=1),
        sg.trace(A) * sg.outer(V, V),
        determinant.det(A) + sg.logsumexp(V) + sg.prod(V),
        linalg.inv(A),
        linalg.solve(A, V),
        sg.concatenate([V, V[::-1]])[1:],
        sg.max(A, axis=0) + sg.min(A),
        sg.cumsum(V) + sg.cumprod(V),
        sg.grad(sg.sum(A[0] ** 2), A),
        sg.where(V > 1, V, -V) + sg.eye(3)[0],
        shapes.reshape(A, (9,)) * np.arange(9.0),
        sg.tril(A),
    ],
    ids=lambda e: str(e)[:40],
)
def test_array_formulas_entry_by_entry(e):
    rng = np.random.default_rng(5)
    values = {A: rng.uniform(0.5, 2.0, (3, 3)) + 2 * np.eye(3), V: rng.uniform(0.5, 2.0, 3)}
    check_entries(e, {leaf: values[leaf] for leaf in sg.free_symbols(e)})


def test_symbolic_extents_have_no_image():
    with pytest.raises(ConversionError, match=r"v has the shape \(n,\)"):
        to_sympy(sg.exp(sg.vector("v", "n")))


# Depth and simplification


def test_long_formulas_share_and_do_not_recurse():
    e = sg.symbol("x")
    for _ in range(60):
        e = e * e + 1  # a tree of 2**60 nodes
    assert to_sympy(e.args[0]).is_Pow
    s = x
    for _ in range(3000):
        s = sp.Add(s, sp.Pow(s, 2, evaluate=False), evaluate=False) if s.is_Atom else sp.Mul(2, s)
    assert from_sympy(s).shape == ()


def test_too_deep_for_sympy_is_said():
    e = sg.symbol("x")
    for _ in range(5000):
        e = sg.sin(e) + 1
    with pytest.raises(ConversionError, match="too deep for SymPy"):
        to_sympy(e)


def test_simplification_by_sympy():
    X, Y = sg.symbol("x"), sg.symbol("y")
    e = sg.sin(X) * sg.cos(Y) + sg.cos(X) * sg.sin(Y)
    assert simplify_with_sympy(e) is sg.sin(X + Y)
    assert sg.simplify(e, level="full") is sg.sin(X + Y)
    assert simplify_with_sympy(sg.sin(X)) is sg.sin(X)
    tensor = sg.sum(sg.vector("v", 3))
    assert simplify_with_sympy(tensor) is tensor
    no_image = special.polygamma(1, X) * sg.nextafter(X, 1.0)
    assert simplify_with_sympy(no_image) is no_image


def test_simplification_tells_symbols_of_one_name_apart():
    a, b = sg.symbol("a"), sg.symbol("a", unique=1)
    e = sg.sin(a) * sg.cos(b) + sg.cos(a) * sg.sin(b)
    assert simplify_with_sympy(e) is sg.sin(a + b)


# Products with a step

start, other = sp.symbols("a b", real=True)
STEPS = [
    sp.Heaviside(x - start) * sp.sqrt(x - start),
    sp.Heaviside(x - start, 1) * sp.log(x - start),
    sp.Heaviside(x - start, 0) * sp.log(x - start),
    -3 * sp.Heaviside(x - start) ** 2 * sp.log(x - start) ** 2 * sp.exp(-x),
    (sp.Heaviside(x - start) - sp.Heaviside(x - other)) * sp.log(x - start),
    (1 - sp.Heaviside(x - start)) * sp.sqrt(start - x),
    sp.Heaviside(x - start) / sp.sqrt(x - start),
    sp.Heaviside(x - start) * sp.Heaviside(x - other) * sp.log(x - other),
    sp.Heaviside(x - start) * (sp.sqrt(x - start) + 1)
    + sp.Heaviside(start - x) * sp.log(start - x),
    sp.exp(sp.Heaviside(x - start) * sp.sqrt(x - start)),
    sp.SingularityFunction(x, start, sp.Rational(5, 2)),
]


def _with_steps_taken(formula, numbers):
    """The formula with each step replaced by its value at a point."""
    written = formula.replace(
        sp.SingularityFunction, lambda u, a, n: sp.Heaviside(u - a) * (u - a) ** n
    )
    return written.replace(sp.Heaviside, lambda u, *_: sp.Integer(bool(u.subs(numbers) > 0)))


@pytest.mark.parametrize("formula", STEPS, ids=str)
def test_products_with_a_step_are_choices(formula):
    """Value and derivatives off the steps, where the step is a number."""
    e = from_sympy(formula)
    leaves = {s.name: s for s in sg.free_symbols(e)}
    outputs = [sg.diff(e, leaves["x"], k) for k in range(4)]
    f = sg.lambdify([leaves[n] for n in sorted(leaves)], outputs)
    for at in (-2.0, 0.3, 2.5):
        values = {"a": 0.2, "b": 1.7, "x": at}
        numbers = {s: values[s.name] for s in formula.free_symbols}
        live = _with_steps_taken(formula, numbers)
        expected = [float(sp.diff(live, x, k).subs(numbers)) for k in range(4)]
        arguments = [values[n] for n in sorted(leaves)]
        np.testing.assert_allclose(f(*arguments), expected, rtol=1e-12)
        arrays = f(*[np.array([v]) for v in arguments])
        np.testing.assert_allclose(np.ravel(arrays), expected, rtol=1e-12)
    again = from_sympy(to_sympy(e))
    values = {s: {"a": 0.2, "b": 1.7, "x": 0.4}[s.name] for s in sg.free_symbols(again)}
    assert sg.evaluate(again, values) == pytest.approx(
        float(formula.subs({x: 0.4, start: 0.2, other: 1.7}).evalf()), rel=1e-12
    )


def test_derivatives_of_steps_have_no_image():
    with pytest.raises(sg.ConversionError, match="DiracDelta"):
        from_sympy(sp.diff(sp.Heaviside(x - start) * sp.sqrt(x - start), x))
    with pytest.raises(sg.ConversionError, match="SingularityFunction"):
        from_sympy(sp.SingularityFunction(x, start, -1))


def test_sympy_on_the_left_leaves_the_work_to_the_expression():
    x, s = sg.symbol("x"), sp.Symbol("s")
    for theirs in (s, sp.sin(s), sp.Integer(2), sp.Rational(1, 3), sp.Float(2.5), sp.pi):
        for op in (operator.add, operator.sub, operator.mul, operator.truediv, operator.pow):
            assert op(theirs, x) is op(from_sympy(theirs), x)
        assert (theirs % x) is sg.mod(from_sympy(theirs), x)
    assert sp.Rational(1, 3) * sg.vector("v", "n") is sg.vector("v", "n") * Fraction(1, 3)


@pytest.mark.parametrize("kind", [sp.Matrix, sp.ImmutableMatrix, sp.SparseMatrix])
def test_products_with_a_matrix_of_sympy_say_which_is_meant(kind):
    theirs, ours = kind([[1, 2], [3, 4]]), sg.matrix("B", (2, 2))
    for act in (lambda: theirs * ours, lambda: ours * theirs):
        with pytest.raises(
            sg.ArgumentError, match=r"write A @ B for the one and symgrad\.multiply"
        ):
            act()
    assert (theirs @ ours) is (from_sympy(theirs) @ ours)
    assert sg.multiply(theirs, ours) is sg.multiply(from_sympy(theirs), ours)
    x = sg.symbol("x")
    assert (theirs * x) is (x * theirs) is (from_sympy(theirs) * x)
