"""Formulas as LaTeX: as a textbook sets scalars, matrices without indices."""

import copy
import pickle
from fractions import Fraction

import numpy as np
import pytest

import symgrad as sg
from symgrad.errors import ArgumentError
from symgrad.expr.node import make
from symgrad.expr.op import Op

x, y, z = sg.symbols("x y z")
A = sg.matrix("A", ("m", "n"))
Q, P = sg.matrix("Q", ("n", "n")), sg.matrix("P", ("n", "n"))
u, v = sg.vector("u", "n"), sg.vector("v", "n")
r = sg.vector("r", "m")

SCALARS = {
    r"4 x^{3} - 4 x": 4 * x**3 - 4 * x,
    r"\frac{x}{2}": x / 2,
    r"\frac{2 x}{3}": 2 * x / 3,
    r"-\frac{x y}{2 z}": -x * y / (2 * z),
    r"\frac{1}{2 \sqrt{x}}": 1 / (2 * sg.sqrt(x)),
    r"\frac{x + 1}{2}": (x + 1) / 2,
    r"-\frac{1}{2}": sg.constant(Fraction(-1, 2)),
    r"x^{\frac{3}{2}}": x ** Fraction(3, 2),
    r"x^{x} \left(\log\left(x\right) + 1\right)": x**x * (sg.log(x) + 1),
    r"x \cdot \left(y + 1\right)": x * (y + 1),
    r"2 \left(y + 1\right)": 2 * (y + 1),
    r"3 \cdot 2^{x}": 3 * 2**x,
    r"\left(-2\right)^{x}": (-2) ** x,
    r"x^{y^{z}}": x ** (y**z),
    r"\left(x^{y}\right)^{z}": (x**y) ** z,
    r"\sin^{2}\left(x\right)": sg.sin(x) ** 2,
    r"\log_{2}^{2}\left(x\right)": sg.log2(x) ** 2,
    r"\left|x\right|^{2}": abs(x) ** 2,
    r"1.5 \cdot 10^{-7} x": 1.5e-7 * x,
    r"10^{-7} x": 1e-7 * x,
    r"-10^{-7} x": -1e-7 * x,
    r"x^{2} e^{-x}": x**2 * sg.exp(-x),
    r"e^{-\frac{x^{2}}{2}}": sg.exp(-(x**2) / 2),
    r"\exp\left(x^{4} y^{7} \sin\left(x\right) + x - z - 1\right)": sg.exp(
        x**4 * y**7 * sg.sin(x) + x - z - 1
    ),
    r"\exp\left(e^{x}\right)": sg.exp(sg.exp(x)),
    r"\infty": sg.constant(float("inf")),
    r"\text{nan}": sg.constant(float("nan")),
    r"\pi x^{2} + e": sg.pi * x**2 + sg.E,
    r"\begin{cases} \sqrt{x} & \text{if } x > 0 \\ 0 & \text{otherwise} \end{cases}": sg.where(
        x > 0, sg.sqrt(x), 0
    ),
    r"2 \begin{cases} x & \text{if } x > y \\ y & \text{otherwise} \end{cases}": 2
    * sg.where(x > y, x, y),
    r"\begin{cases} 1 & \text{if } x > 0 \text{ and } y > 0 \\ x & \text{if } x > 0 \\"
    r" 2 & \text{if } y > 1 \\ 0 & \text{otherwise} \end{cases}": sg.where(
        x > 0, sg.where(y > 0, 1, x), sg.where(y > 1, 2, 0)
    ),
    r"x < 1 \wedge y < 2": sg.logical_and(x < 1, y < 2),
}

TENSORS = {
    r"A v": A @ v,
    r"A^{\top} r": A.T @ r,
    r"u^{\top} v": v @ u,
    r"v^{\top} Q u": v @ Q @ u,
    r"Q^{\top} v": v @ Q,
    r"v r^{\top}": sg.outer(v, r),
    r"\operatorname{tr}\left(Q Q\right)": sg.trace(Q @ Q),
    r"A^{\top} \operatorname{diag}\left(r\right) A": sg.einsum("ki,k,kj->ij", A, r, A),
    r"\sum v": sg.sum(v),
    r"A \mathbf{1}": sg.sum(A, axis=1),
    r"A^{\top} \mathbf{1}": sg.sum(A, axis=0),
    r"A + \mathbf{1} v^{\top}": A + v,
    r"A \odot \left(r \mathbf{1}^{\top}\right)": A * r[:, None],
    r"2 u \odot v": 2 * v * u,
    r"\left(Q \oslash P\right) Q": (Q / P) @ Q,
    r"\left(Q Q\right) \oslash P": (Q @ Q) / P,
    r"\left(1 \oslash P\right) Q Q": (1 / P) @ (Q @ Q),
    r"\frac{2}{3} Q \oslash P": 2 * Q / (3 * P),
    r"\frac{A v}{r}": (A @ v) / r,
    r"A \frac{u}{v}": A @ (u / v),
    r"\exp\left(Q\right)": sg.exp(Q),
    r"e^{Q}": sg.linalg.expm(Q),
    r"v^{\odot 2}": v**2,
    r"\sin^{2}\left(v\right)": sg.sin(v) ** 2,
    r"\bar{v}": sg.mean(v),
    r"\frac{1}{2} \left\lVert A v - r \right\rVert^{2}": sg.sum((A @ v - r) ** 2) / 2,
    r"\frac{v}{\left\lVert v \right\rVert}": v / sg.norm(v),
    r"\det\left(Q\right) Q^{-\top}": sg.linalg.det(Q) * sg.linalg.inv(Q).T,
    r"Q^{-1} v": sg.linalg.solve(Q, v),
    r"\mathbf{1}_{n}": sg.ones("n"),
    r"\mathbf{0}_{n}": sg.zeros("n"),
    r"Q + 2 I_{n}": 2 * sg.eye("n") + Q,
    r"\begin{bmatrix} x \\ y \end{bmatrix}": sg.stack([x, y]),
    r"\begin{bmatrix} v & u \end{bmatrix}": sg.stack([v, u], axis=1),
    r"\begin{bmatrix} 1.0 \\ 2.0 \end{bmatrix}": sg.constant(np.array([1.0, 2.0])),
    r"v_{0}": v[0],
    r"v_{[0, 2, 1]}": v[[0, 2, 1]],
    r"\max_{i} {A}_{ij}": sg.max(A, axis=0),
    r"\operatorname{vec}\left(A\right)": sg.ravel(A),
    r"\operatorname{reshape}\left(A, (n, m)\right)": sg.reshape(A, ("n", "m")),
    r"A \otimes Q": sg.kron(A, Q),
    r"Q \otimes \left(Q + I_{n}\right)": sg.kron(Q, Q + sg.eye("n")),
}

NAMES = {
    "x": "x",
    "alpha": r"\alpha",
    "lambda": r"\lambda",
    "Gamma": r"\Gamma",
    "x1": "x_{1}",
    "x12": "x_{12}",
    "beta_1": r"\beta_{1}",
    "beta_i_2": r"\beta_{i,2}",
    "x_alpha": r"x_{\alpha}",
    "theta_hat": r"\hat{\theta}",
    "x_bar_1": r"\bar{x}_{1}",
    "speed": r"\mathit{speed}",
    "speed_max": r"\mathit{speed}_{max}",
    r"\alpha": r"\alpha",
    "{x}": "{x}",
    r"x^{*}": r"x^{*}",
    "α": r"\alpha",
    "β_1": r"\beta_{1}",
    "Δx": r"\Delta x",
    "Α": "A",  # a capital alpha
    "hbar": r"\hbar",
    "ħ": r"\hbar",
    "ell": r"\ell",
    "x^*": "x^{*}",
    "x^*_1": "x_{1}^{*}",
    "theta'_max": r"\theta_{max}'",
    "q^n_i": "q_{i}^{n}",
    "q^2": "q^{2}",
    "x*": "x^{*}",
    "x'": "x'",
    "x_1''": "x_{1}''",
    "x_star": "x^{*}",
    "x_prime": "x'",
    "theta_1_dot": r"\dot{\theta}_{1}",
    "x₁": "x_{1}",
    "σ_x²": r"\sigma_{x}^{2}",
    "x^a+b": r"x^{\text{a+b}}",
    "two words": r"\text{two words}",
    "50%": r"\text{50\%}",
    r"\alpha%": r"\alpha\%",
    "x{": r"\text{x\{}",
    "a~^": r"\text{a\textasciitilde{}\textasciicircum{}}",
}


@pytest.mark.parametrize(("expected", "e"), (SCALARS | TENSORS).items(), ids=[*SCALARS, *TENSORS])
def test_latex(expected, e):
    assert sg.latex(e) == expected


@pytest.mark.parametrize(("name", "expected"), NAMES.items(), ids=NAMES)
def test_names(name, expected):
    assert sg.latex(sg.symbol(name)) == expected


def test_a_name_with_a_superscript_takes_no_second_one():
    assert sg.latex(sg.symbol("x^{*}") ** 2) == r"\left(x^{*}\right)^{2}"


@pytest.mark.parametrize("name", ["x^*", "q^2", "x'", "σ²"])
def test_what_stands_above_is_no_power(name):
    shown = sg.latex(sg.symbol(name))
    assert sg.latex(sg.symbol(name) ** 2) == rf"\left({shown}\right)^{{2}}"


OPTIONS = [
    ({"exp": "function"}, sg.exp(-x), r"\exp\left(-x\right)"),
    ({"exp": "power"}, sg.exp(v), "e^{v}"),
    ({"symbol_names": {x: r"\mathbf{x}"}}, x**2 + y, r"\mathbf{x}^{2} + y"),
    ({"symbol_names": {"x": "x^{*}"}}, x**2, r"\left(x^{*}\right)^{2}"),
    ({"mul_symbol": "dot"}, 2 * x * y, r"2 \cdot x \cdot y"),
    ({"mul_symbol": "times"}, x * y / 3, r"\frac{x \times y}{3}"),
    ({"fold_short_frac": True}, x / 2 + 1, "x / 2 + 1"),
    ({"fold_short_frac": True}, (x + 1) / y, r"\left(x + 1\right) / y"),
    ({"fold_frac_powers": True}, x ** Fraction(2, 3), "x^{2/3}"),
    ({"fold_frac": True}, x ** Fraction(2, 3) / 2, "x^{2/3} / 2"),
    ({"mode": "inline"}, x, "$x$"),
    ({"mode": "equation*"}, x, "\\begin{equation*}\nx\n\\end{equation*}"),
]


@pytest.mark.parametrize(("options", "e", "expected"), OPTIONS)
def test_options(options, e, expected):
    assert sg.latex(e, **options) == expected


def test_an_aligned_environment_has_a_line_for_each_definition():
    p = sg.named(x**2 + 1, "p")
    shown = sg.latex(p**3, mode="align")
    assert shown == "\\begin{align}\n&p^{3} \\\\\np &= x^{2} + 1\n\\end{align}"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mode": "display"}, "unknown LaTeX mode 'display'; known: 'plain', 'inline'"),
        ({"exp": "short"}, "exp must be one of 'auto', 'power', 'function', not 'short'"),
        ({"mul_symbol": "*"}, "mul_symbol must be None or one of 'ldot', 'dot', 'times'"),
        ({"symbol_names": {x: 2}}, "symbol_names gives x 2, which is no LaTeX text"),
        ({"symbol_names": {2: "x"}}, "a key of symbol_names must be a symbol or its name, not 2"),
    ],
)
def test_options_that_are_wrong_are_named(options, message):
    with pytest.raises(ArgumentError, match=message):
        sg.latex(x, **options)


def test_an_array_of_expressions_is_a_matrix():
    shown = sg.latex(np.array([[x, y], [z, 1]], dtype=object))
    assert shown == r"\begin{bmatrix} x & y \\ z & 1 \end{bmatrix}"


def test_notebooks_get_the_formula_in_dollars():
    assert (x**2)._repr_latex_() == r"$\displaystyle x^{2}$"


def test_definitions_stand_after_the_formula():
    p = sg.named(x**2 + 1, "p")
    assert sg.latex(p**3) == r"p^{3} \quad \text{where } p = x^{2} + 1"


def test_an_unknown_style_is_an_error_that_lists_the_known_ones():
    with pytest.raises(ArgumentError, match=r"unknown LaTeX style 'pretty'; known: 'matrix'"):
        sg.latex(x, style="pretty")


def test_an_op_without_notation_prints_by_its_name():
    op = Op(name="new_op", build=None, infer=None)
    node = make(op, (x, y + 1), (), (), x.ty)
    assert sg.latex(2 * node) == r"2 \operatorname{new\_op}\left(x, y + 1\right)"
    assert str(2 * node) == "2*new_op(x, y + 1)"


# Lists and dicts


def test_lists_of_derivatives_are_lists_that_notebooks_set():
    a, b = sg.symbols("a b")
    gradient, blocks = sg.grad(a**2 * b, [a, b]), sg.hessian(a**2 * b, [a, b])
    assert isinstance(gradient, list) and isinstance(blocks[0], list)
    assert gradient._repr_latex_() == f"$\\displaystyle {sg.latex(list(gradient))}$"
    assert blocks._repr_latex_().count("&") == 2 and "bmatrix" in blocks[0]._repr_latex_()
    plain = list(gradient)
    assert gradient == plain and repr(gradient) == repr(plain)
    assert gradient + [1] == [*plain, 1] and gradient[::-1] == plain[::-1]
    assert pickle.loads(pickle.dumps(gradient)) == copy.copy(gradient) == plain
    assert sg.lambdify([a, b], blocks)(2.0, 3.0) == [[6.0, 4.0], [4.0, 0.0]]
    assert np.array(gradient).shape == (2,)
    gradient.append("text")
    assert gradient._repr_latex_() is None
    assert sg.solve_linear([a + b - 1, a - b], [a, b])._repr_latex_().count("frac") == 2


def test_names_of_a_list_are_told_apart():
    """``x2`` and ``x_2`` are two symbols, in whatever formulas of a list or a dict they stand."""
    one, other = sg.symbols("x2 x_2")
    for nest in ([one, other], [[one, other]], {"a": one, "b": [other]}, {one: other + 1}):
        text = sg.latex(nest)
        assert text.count("x_{2}") == text.count(r"\mathrm{x\_2}") == 1
    assert sg.latex([other, other**2]) == r"\begin{bmatrix} x_{2} \\ x_{2}^{2} \end{bmatrix}"


def test_a_dict_is_aligned_equations():
    a, b = sg.symbols("a b")
    p = sg.named(a * b, "p")
    given = {"f'": p**2, a: [p, a], r"\nabla f": [[a, b], [b, p]]}
    rows = [
        "f' &= p^{2}",
        r"a &= \begin{bmatrix} p \\ a \end{bmatrix}",
        r"\nabla f &= \begin{bmatrix} a & b \\ b & p \end{bmatrix}",
        "p &= a b",
    ]
    body = " \\\\\n".join(rows)
    assert sg.latex(given) == f"\\begin{{aligned}}\n{body}\n\\end{{aligned}}"
    assert sg.latex(given, mode="align") == f"\\begin{{align}}\n{body}\n\\end{{align}}"
    assert sg.latex(given, mode="inline") == f"${sg.latex(given)}$"
    for wrong in ({}, {1: a}, {"f": [a, [b, a]]}):
        with pytest.raises(ArgumentError):
            sg.latex(wrong)


def test_truth_values_that_are_counted_with():
    a, v, X = sg.symbol("a"), sg.vector("v", "n"), sg.matrix("X", ("n", "k"))
    assert sg.latex(2 * (a > 0)) == r"2 \mathbf{1}\left[a > 0\right]"
    assert sg.latex(a * (a > 0) + 1) == r"a \mathbf{1}\left[a > 0\right] + 1"
    weighted = sg.latex(sg.einsum("ij,i,ik->jk", X, v > 0, X))
    assert r"\operatorname{diag}\left(\mathbf{1}\left[v > 0\right]\right)" in weighted
    assert sg.latex(v > 0) == "v > 0" and "mathbf" not in sg.latex(sg.where(a > 0, a, 1))
    flag = sg.symbol("m", dtype=bool)
    assert sg.latex(2 * flag) == "2 m"


def test_a_sum_of_fractions_stands_behind_its_factor():
    a, b, c = sg.symbols("a b c")
    assert sg.latex(a * (1 / b - 2 / c) / b**2) == (
        r"\frac{a}{b^{2}} \left(\frac{1}{b} - \frac{2}{c}\right)"
    )
    assert sg.latex((1 / b - 1) / c).startswith(r"\frac{\frac{1}{b} - 1}{c}")
    ratio = sg.latex(sg.diff(sg.special.log_ndtr(a), a))
    assert ratio == r"\frac{\varphi\left(a\right)}{\Phi\left(a\right)}"


@pytest.mark.parametrize(
    ("name", "latex"),
    [
        ("a\\b", r"\text{a\textbackslash{}b}"),
        (r"\foo", r"\text{\textbackslash{}foo}"),
        ("a%b", r"\text{a\%b}"),
        (r"\hat{x}_{1}", r"\hat{x}_{1}"),
        (r"\alpha_1_2", r"\text{\textbackslash{}alpha\_1\_2}"),
        ("a  b\n\nc", r"\text{a b c}"),
    ],
)
def test_names_are_latex_or_text(name, latex):
    assert sg.latex(sg.symbol(name)) == latex


def test_choices_in_choices_are_one():
    a, b, c = sg.symbols("a b c")
    inner = sg.where(b > 0, 1, 2)
    for e, rows in (
        (sg.where(a > 0, a * inner, c), ("a", "2 a", "c")),
        (
            sg.where(a > 0, c, sg.sin(inner) + a),
            ("c", r"a + \sin\left(1\right)", r"a + \sin\left(2\right)"),
        ),
        (sg.where(sg.where(a > 0, b, c) > 0, a, b), ("a", "b", "a", "b")),
    ):
        shown = sg.latex(e)
        assert shown.count(r"\begin{cases}") == 1
        assert [row.split(" &")[0].strip() for row in shown[13:].split(r" \\")] == [*rows]
    nested = sg.where(a > 0, sg.where((a > 1) | (b > 0), 1, 2), 3)
    assert r"\text{ and } \left(a > 1 \vee b > 0\right)" in sg.latex(nested)
    many = sg.where(a > 0, sum(sg.where(b > k, a, k) for k in range(9)), c)
    assert sg.latex(many).count(r"\begin{cases}") > 1  # more rows than a reader would want


def test_one_sign_between_factors():
    a, b = sg.symbols("a b")
    f = sg.function("f")
    assert sg.latex(a**2 * (b + 1)) == r"a^{2} \cdot \left(b + 1\right)"
    assert sg.latex(2 * (b + 1)) == r"2 \left(b + 1\right)"
    assert sg.latex(f(b + 1)) == r"f\left(b + 1\right)"
    assert sg.latex(sg.symbol("f") * (b + 1)) == r"f \cdot \left(b + 1\right)"
    assert sg.latex(sg.symbol("speed") * (b + 1)) == r"\mathit{speed} \cdot \left(b + 1\right)"
    times = sg.latex(3e-7 * a * (b + 1), mul_symbol="times")
    assert times == r"3 \times 10^{-7} \times a \times \left(b + 1\right)"


def test_each_row_of_a_choice_can_count():
    x, y, a = sg.symbols("x y a")
    product = sg.diff(sg.where(x > 0, x**2, 0) * sg.where(x > 0, x, 1), x)
    assert sg.latex(product) == (
        r"\begin{cases} 3 x^{2} & \text{if } x > 0 \\ 0 & \text{otherwise} \end{cases}"
    )
    both = sg.latex(sg.where((x > 0) & (y < 1) & (a > 2), 1, 0))
    assert r"\text{if } x > 0 \wedge y < 1 \wedge a > 2 \\" in both
    assert sg.latex((x > 0) & ((y > 0) | (a > 1))) == (
        r"x > 0 \wedge \left(y > 0 \vee a > 1\right)"
    )
    assert sg.latex(sg.logical_xor(x > 0, y > 0) & (a > 1)) == (
        r"\left(\left(x > 0\right) \oplus \left(y > 0\right)\right) \wedge a > 1"
    )


def test_a_block_beside_a_scalar_is_a_row():
    x, u = sg.symbol("x"), sg.vector("u", "n")
    assert sg.latex(sg.hessian(x * (u @ u), [x, u])) == (
        r"\begin{bmatrix} 0 & 2 u^{\top} \\ 2 u & 2 x I_{n} \end{bmatrix}"
    )


_x, _y, _z = sg.symbols("x y z")
_u, _v, _w = (sg.vector(name, "n") for name in "uvw")
_S = sg.matrix("S", ("n", "n"))


@pytest.mark.parametrize(
    ("e", "expected"),
    [
        (_u / (_v * (_S @ _u)), r"\frac{u}{v \odot \left(S u\right)}"),
        (_u / (_v * _w), r"\frac{u}{v \odot w}"),
        (1 / (_x * _v * _w), r"\frac{1}{x v \odot w}"),
        (_u / (_v * (_w + 1)), r"\frac{u}{v \odot \left(w + 1\right)}"),
        (2 * sg.mod(_x, _y), r"2 \left(x \bmod y\right)"),
        (-sg.mod(_x, _y), r"-\left(x \bmod y\right)"),
        (sg.mod(_x, _y) + _z, r"z + \left(x \bmod y\right)"),
        (sg.mod(_x, _y) / _z, r"\frac{x \bmod y}{z}"),
        (2 * sg.symbol("50%"), r"2 \cdot \text{50\%}"),
        (5 * sg.symbol("2x"), r"5 \cdot \text{2x}"),
        (sg.symbol("日本"), r"\text{日本}"),
        (sg.linalg.norm(_S, 2), r"\left\lVert S \right\rVert_{2}"),
    ],
    ids=str,
)
def test_nothing_is_read_otherwise(e, expected):
    assert sg.latex(e) == expected
