"""Structure in LaTeX: low rank, diagonal plus low rank, Kronecker and blocks, by form and by value."""

import re

import numpy as np
import pytest
from tests.structure.test_forms import TABLE, arrays_for

import symgrad as sg
from symgrad.structure import form_of
from symgrad.structure.kronecker import kronecker_sum

x, y, a, b = (sg.vector(*pair) for pair in ("xn", "ym", "an", "bn"))
A, B = sg.matrix("A", ("n", "n")), sg.matrix("B", ("n", "n"))
T, U, V = sg.matrix("T", ("n", "m")), sg.matrix("U", ("n", "k")), sg.matrix("V", ("m", "k"))
W, z = sg.matrix("W", (10, 3)), sg.vector("z", 10)
p, q = sg.symbols("p q")
fit = sg.norm(T - U @ V.T) ** 2


def vec(name):
    return rf"\operatorname{{vec}}\left({name}\right)"


def by_pairs(flat):
    return rf"\left[{flat}\right]_{{(ij)(kl)}}"


SHOWN = {
    "outer product": (sg.hessian((a @ x) ** 2, x), r"2 a a^{\top}"),
    "two outer products": (sg.hessian((a @ x) * (b @ x), x), r"b a^{\top} + a b^{\top}"),
    "thin factor": (
        sg.hessian(sg.sum((W.T @ z) ** 4), z),
        r"12 W \operatorname{diag}\left(\left(W^{\top} z\right)^{\odot 2}\right) W^{\top}",
    ),
    "diagonal plus outer product": (
        sg.hessian(sg.sum(x**4) + (a @ x) ** 2, x),
        r"2 a a^{\top} + 12 \operatorname{diag}\left(x^{\odot 2}\right)",
    ),
    "identity plus outer product": (
        sg.hessian((x @ x) ** 2, x),
        r"8 x x^{\top} + 4 \left\lVert x \right\rVert^{2} I_{n}",
    ),
    "norm": (
        sg.hessian(sg.norm(x), x),
        r"\frac{I_{n}}{\left\lVert x \right\rVert}"
        r" - \frac{x x^{\top}}{\left\lVert x \right\rVert^{3}}",
    ),
    "order four, low rank": (
        sg.hessian(sg.sum(A) * sg.trace(A), A),
        by_pairs(vec("I_{n}") + r" \mathbf{1}^{\top} + \mathbf{1} " + vec("I_{n}") + r"^{\top}"),
    ),
    "order four, identity plus low rank": (
        sg.hessian(sg.sum(A**2) ** 2, A),
        by_pairs(
            f"8 {vec('A')} {vec('A')}"
            r"^{\top} + 4 \left\lVert A \right\rVert_{F}^{2} I_{n^{2}}"
        ),
    ),
    "order four, diagonal plus low rank": (
        sg.hessian(sg.sum(U**3) + sg.sum(U * sg.matrix("C", ("n", "k"))) ** 2, U),
        by_pairs(
            f"2 {vec('C')} {vec('C')}"
            rf"^{{\top}} + \operatorname{{diag}}\left({vec('6 U')}\right)"
        ),
    ),
    "Kronecker": (sg.hessian(fit, V), by_pairs(r"I_{m} \otimes 2 U^{\top} U")),
    "column of gradients": (
        sg.grad((a @ x) * sg.sum(y), [x, y]),
        r"\begin{bmatrix} \left(\sum y\right) a \\ \left(a^{\top} x\right) \mathbf{1}_{m}"
        r" \end{bmatrix}",
    ),
    "blocks of scalars": (
        sg.hessian(p**2 * q**3, [p, q]),
        r"\begin{bmatrix} 2 q^{3} & 6 p q^{2} \\ 6 p q^{2} & 6 p^{2} q \end{bmatrix}",
    ),
    "blocks of matrices": (
        sg.hessian(sg.sum(x) ** 2 + (x @ x) * (y @ y), [x, y]),
        r"\begin{bmatrix} 2 \left\lVert y \right\rVert^{2} I_{n} + 2 \cdot \mathbf{1} \mathbf{1}^{\top}"
        r" & 4 x y^{\top} \\ 4 y x^{\top} & 2 \left\lVert x \right\rVert^{2} I_{m} \end{bmatrix}",
    ),
    "blocks of order four": (
        sg.hessian(fit, [U, V]),
        r"\begin{bmatrix} " + by_pairs(r"I_{n} \otimes 2 V^{\top} V") + " & "
        r"-2 \left(\left(T_{ik} - \sum_{m} U_{im} V_{km}\right) \delta_{jl} - U_{il} V_{kj}\right)"
        r" \\ "
        r"-2 \left(\left(T_{ki} - \sum_{m} U_{km} V_{im}\right) \delta_{jl} - U_{kj} V_{il}\right)"
        r" & " + by_pairs(r"I_{m} \otimes 2 U^{\top} U") + r" \end{bmatrix}",
    ),
}


@pytest.mark.parametrize("title", SHOWN)
def test_structure_shows(title):
    e, expected = SHOWN[title]
    assert sg.latex(e) == expected


@pytest.mark.parametrize("title", [t for t, (_, kind, _) in TABLE.items() if kind is not None])
def test_the_matrix_of_a_form_has_the_values_of_the_tensor(title):
    e = TABLE[title][0]
    flat = form_of(e).flat()
    symbols, arrays = arrays_for(e)
    dense, matrix = sg.lambdify(symbols, [e, flat])(*arrays)
    np.testing.assert_allclose(matrix, dense.reshape(matrix.shape), rtol=1e-13, atol=1e-13)


def test_blocks_share_their_definitions():
    r = sg.named(p**2 + q, "r")
    shown = sg.latex([[sg.exp(r), r * q], [r * q, r**2]])
    assert shown == (
        r"\begin{bmatrix} e^{r} & q r \\ q r & r^{2} \end{bmatrix}"
        r" \quad \text{where } r = p^{2} + q"
    )


def test_parts_of_different_blocks_have_different_names():
    """Both blocks are long, and name their parts by number."""
    rows = [sum(sg.sin(s * p) ** k * sg.cos(s * p) for k in range(2, 150)) for s in (1, q)]
    shown = sg.latex([rows], max_length=10**6)
    named = re.findall(r"&(t_\{\d+\}) =", shown)
    assert named == ["t_{1}", "t_{2}"]


@pytest.mark.parametrize("e", [[], [[x], [x, y]], [[[x]]], [{"a": x}], [[]]])
def test_what_is_no_matrix_of_blocks_is_an_error(e):
    with pytest.raises(
        sg.ArgumentError, match="a list of expressions as a column, or a list of equ"
    ):
        sg.latex(e)


def test_the_block_form_is_explained():
    assert "structure: block, 2 by 2" in sg.lambdify([p, q], sg.hessian(p * q, [p, q])).explain()
    assert "structure: block" not in sg.lambdify([p, q], sg.grad(p * q, [p, q])).explain()


def test_a_scalar_that_fills_an_array_shows():
    assert sg.latex(sg.grad((a @ x) * sg.sum(x), x)) == (
        r"\left(a^{\top} x\right) \mathbf{1} + \left(\sum x\right) a"
    )
    assert sg.latex(x - sg.mean(x)) == r"x - \bar{x} \mathbf{1}"
    assert sg.latex(x + 1) == "x + 1"
    assert sg.latex(A @ B + 2) == r"A B + 2 \cdot \mathbf{1} \mathbf{1}^{\top}"
    assert sg.latex(A + 2) == r"A + 2"


def test_structure_is_kept_in_index_notation():
    assert sg.latex(sg.hessian(sg.sum(A) * sg.trace(A), A), style="index") == (
        r"\delta_{ij} + \delta_{kl} \quad \left(i, j, k, l < n\right)"
    )


X, M = sg.matrix("X", ("n", "n")), sg.matrix("M", ("n", "n"), symmetric=True)
KRONECKER = {
    "product": (sg.jacobian(A @ X @ B, X), r"A \otimes B^{\top}"),
    "Sylvester": (
        sg.jacobian(A @ X + X @ B, X),
        r"A \otimes I_{n} + I_{n} \otimes B^{\top}",
    ),
    "inverse": (sg.jacobian(sg.linalg.inv(X), X), r"-X^{-1} \otimes X^{-\top}"),
    "log det": (sg.hessian(sg.linalg.logdet(M), M), r"-M^{-1} \otimes M^{-1}"),
    "quadratic form": (
        sg.hessian(sg.trace(X.T @ A @ X @ B), X),
        r"A \otimes B^{\top} + A^{\top} \otimes B",
    ),
    "least squares": (
        sg.hessian(sg.sum((A @ X @ B) ** 2), X),
        r"2 A^{\top} A \otimes B B^{\top}",
    ),
    "transposition": (sg.jacobian(X.T, X), None),
    "general log det": (sg.hessian(sg.linalg.logdet(X), X), None),
    "elementwise inside": (sg.jacobian(sg.diag(a) @ X @ B, X), None),
}


@pytest.mark.parametrize("title", KRONECKER)
def test_kronecker_products(title):
    e, expected = KRONECKER[title]
    matrix = kronecker_sum(e)
    assert (matrix is None) == (expected is None)
    if expected is None:
        assert "otimes" not in sg.latex(e)
        return
    assert sg.latex(e) == by_pairs(expected)
    assert r"\otimes" not in sg.latex(e, style="index")
    symbols = sg.free_symbols(e)
    rng = np.random.default_rng(7)
    arrays = [rng.normal(size=(3, 3)) + 3 * np.eye(3) for _ in symbols]
    arrays = [v + v.T if s is M else v for s, v in zip(symbols, arrays, strict=True)]
    dense, flat = sg.lambdify(symbols, [e, matrix])(*arrays)
    np.testing.assert_allclose(flat, dense.reshape(9, 9), rtol=1e-12, atol=1e-13)


def test_a_kronecker_product_in_index_notation_stands_in_brackets():
    e = sg.kron(A, B)
    assert str(e) == "kron(A, B)"
    assert sg.latex(e, style="index").endswith(r"= A_{ik} B_{jl}")
    assert sg.latex(sg.kron(A, B.T)) == r"A \otimes B^{\top}"
