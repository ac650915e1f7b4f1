"""LaTeX in index notation: by form, by value through a small reader of it, and for every op."""

import re

import numpy as np
import pytest
from tests.ops.cases import CASES, SIZES, as_list
from tests.ops.test_contract import draw_like, floating, symbols_of

import symgrad as sg

A, x, w = sg.matrix("A", ("n", "n")), sg.vector("x", "n"), sg.vector("w", "n")
X, y = sg.matrix("X", ("m", "n")), sg.vector("y", "m")
T, B = sg.symbol("T", ("n", "m", "p")), sg.symbol("B", ("n", "m", "p"))
U, V = sg.matrix("U", ("m", "k")), sg.matrix("V", ("n", "k"))
loss = sg.sum(sg.log(1 + sg.exp(-y * (X @ w))))
fit = sg.norm(X - U @ V.T) ** 2


def index(e):
    return sg.latex(e, style="index")


def test_products_of_tensors():
    e = sg.einsum("il,ljk->ijk", A, B)
    assert sg.latex(e) == index(e) == r"\sum_{l} A_{il} B_{ljk}"
    assert index(A @ x) == r"\sum_{j} A_{ij} x_{j}"
    assert index(sg.trace(A)) == r"\sum_{i} A_{ii}"
    assert index(sg.outer(x, w)) == "x_{i} w_{j}"
    assert index(sg.sum(x * x)) == r"\sum_{i} x_{i}^{2}"
    other = sg.matrix("A", ("l", "l"))  # no other test adds to it: terms are in order of appearance
    assert index(sg.eye("l") + other) == r"A_{ij} + \delta_{ij}"


def test_axes():
    assert sg.latex(sg.transpose(T, (1, 0, 2))) == "T_{jik}"
    assert sg.latex(sg.sum(T, axis=1)) == r"\sum_{k} T_{ikj}"
    assert index(sg.max(T, axis=(0, 2))) == r"\max_{j, k} T_{jik}"
    assert index(T[1:, ::2, ::-1]) == (
        r"T_{i + 1, 2 j, p - 1 - k} \quad \left(i < n - 1, j < \lfloor (m + 1) / 2 \rfloor, k < p\right)"
    )
    assert index(x[0] * x) == "x_{0} x_{i}"
    assert sg.latex(B[:, None] * T[None]) == sg.latex(B[:, None] * T[None], style="index")


def test_matrix_notation_where_it_says_all():
    assert sg.latex(A @ x) == "A x"
    assert sg.latex(sg.sin(T)) == r"\sin\left(T\right)"
    assert index(sg.sin(T)) == r"\sin\left(T_{ijk}\right)"
    assert sg.latex(A @ x, style="matrix") == "A x"
    with pytest.raises(
        sg.ArgumentError, match="unknown LaTeX style 'plain'; known: 'matrix', 'index'"
    ):
        sg.latex(x, style="plain")


def test_structure_of_order_four():
    assert sg.latex(sg.hessian(fit, U)) == r"\left[I_{m} \otimes 2 V^{\top} V\right]_{(ij)(kl)}"
    ridge = sg.latex(sg.hessian(fit + sg.sum(U**2), U))
    assert ridge == r"\left[I_{m} \otimes \left(2 V^{\top} V + 2 I_{k}\right)\right]_{(ij)(kl)}"
    assert sg.latex(sg.jacobian(A @ V, V)) == r"\left[A \otimes I_{k}\right]_{(ij)(kl)}"
    assert sg.latex(sg.hessian(sg.sum(U**4), U)) == (
        r"\left[\operatorname{diag}\left(\operatorname{vec}\left(12 U^{\odot 2}\right)\right)"
        r"\right]_{(ij)(kl)}"
    )
    assert r"\delta" in index(sg.hessian(fit, U))


def test_ops_without_indices_stand_in_brackets():
    assert index(sg.linalg.inv(A)) == r"\left[A^{-1}\right]_{ij}"
    cumulated = index(sg.cumsum(sg.transpose(T, (1, 0, 2)), axis=0))
    assert cumulated.endswith(r"\quad \text{where } {t_{1}}_{ijk} = T_{jik}")
    named = sg.named(sg.einsum("il,ljk->ijk", A, B), "S")
    assert sg.latex(named) == r"S_{ijk} \quad \text{where } S_{ijk} = \sum_{l} A_{il} B_{ljk}"


def test_indices_avoid_the_names_of_symbols():
    i = sg.vector("i", "n")
    assert index(i @ sg.matrix("j", ("n", "k"))) == r"\sum_{l} i_{l} j_{lk}"
    assert index(sg.outer(i, i)) == "i_{j} i_{k}"


# Values: a reader of products of entries


def read(text, arrays):
    """The array that a sum of products of entries stands for; free indices in alphabetical order."""
    text = re.sub(r"\\left\[A\^\{-1\}\\right\]", "Q", text)
    total = 0.0
    for sign, term in re.findall(
        r"(^|[+-])\s*([^+-]+)", text.replace(" - ", "-").replace(" + ", "+")
    ):
        total = total + (-1 if sign == "-" else 1) * _product(term, arrays)
    return total


def _product(term, arrays):
    scale = 1.0
    operands, labels = [], []
    bound = "".join(re.findall(r"\\sum_\{([^}]*)\}", term)).replace(", ", "")
    term = re.sub(r"\\sum_\{[^}]*\}", "", term)
    for name, indices, power, number in re.findall(
        r"(\\?[A-Za-z]+)_\{(\w+)\}(?:\^\{(\d+)\})?|(\d+)", term
    ):
        if number:
            scale *= float(number)
            continue
        for _ in range(int(power or 1)):
            operands.append(arrays[name])
            labels.append(indices)
    free = sorted(set("".join(labels)) - set(bound))
    return scale * np.einsum(f"{','.join(labels)}->{''.join(free)}", *operands)


POLYNOMIAL = {
    "product of forms": (x @ A @ x) * (x @ x),
    "quartic form": (x @ A @ x) ** 2,
    "sum of powers": sg.sum((A @ x) ** 4),
    "log det": sg.linalg.logdet(A),
}


@pytest.mark.parametrize("title", POLYNOMIAL)
def test_third_derivatives_read_back(title):
    """The printed formula, the compiled code and differences of second derivatives agree."""
    f = POLYNOMIAL[title]
    by = A if title == "log det" else x
    second = sg.hessian(f, by)
    third = sg.jacobian(second, by)
    rng = np.random.default_rng(11)
    arrays = {"A": rng.normal(size=(3, 3)) + 4 * np.eye(3), "x": rng.normal(size=3)}
    symbols = sg.free_symbols(f)
    point = [arrays[str(s.name)] for s in symbols]
    value = sg.lambdify(symbols, third)(*point)
    hessian = sg.lambdify(symbols, second)
    at, h = [str(s.name) for s in symbols].index(str(by.name)), 1e-4
    slopes = []
    for k in np.ndindex(point[at].shape):
        moved = [[p.copy() for p in point] for _ in range(2)]
        moved[0][at][k] += h
        moved[1][at][k] -= h
        slopes.append((hessian(*moved[0]) - hessian(*moved[1])) / (2 * h))
    stacked = np.reshape(slopes, (*point[at].shape, *second_shape(second)))
    expected = np.moveaxis(stacked, range(by.ndim), range(-by.ndim, 0))
    np.testing.assert_allclose(value, expected, rtol=1e-5, atol=1e-6)
    text = sg.latex(third)
    assert "einsum" not in text
    if r"\left(" not in text:
        read_back = read(text, {**arrays, "Q": np.linalg.inv(arrays["A"]), r"\delta": np.eye(3)})
        np.testing.assert_allclose(read_back, value, rtol=1e-11, atol=1e-11)
    elif title in ("log det", "sum of powers"):
        pytest.fail(f"not a plain sum of products: {text}")


def second_shape(e):
    return tuple(3 if d == "n" else d for d in e.shape)


# Never a failure to print


@pytest.mark.parametrize("case", CASES, ids=[c.id for c in CASES])
def test_every_function(case):
    xs = symbols_of(case) if case.named else symbols_of(case, SIZES[0])
    for e in as_list(case.call(sg, *xs)):
        check_shown(e)


@pytest.mark.parametrize(
    "case", [c for c in CASES if c.smooth][::4], ids=[c.id for c in CASES if c.smooth][::4]
)
def test_second_derivatives_of_every_function(case):
    xs = symbols_of(case, SIZES[0])
    leaves = floating(case, xs)
    ys = [e for e in as_list(case.call(sg, *xs)) if e.dtype.kind == "f"]
    weights = [draw_like(case, np.empty(e.shape), i) for i, e in enumerate(ys)]
    total = sum(sg.sum(u * e) for u, e in zip(weights, ys, strict=True))
    check_shown(sg.jacobian(sg.grad(total, leaves[0]), leaves[0]))


ZOO = {
    "logistic": (loss, w),
    "factorisation": (sg.sum((X - U @ V.T) ** 3), U),
    "softmax": (sg.logsumexp(x), x),
    "solve": (x @ sg.linalg.solve(A, x), x),
    "inverse": (sg.trace(sg.linalg.inv(A)), A),
    "norm": (sg.norm(x), x),
    "max": (sg.max(A @ x) ** 3, x),
    "cumulative": (sg.sum(sg.cumprod(x)), x),
    "slices": (sg.sum(x[1:] ** 2 * x[:-1]), x),
    "where": (sg.sum(sg.where(x > 0, x**3, x)), x),
    "eigenvalues": (sg.sum(sg.linalg.eigvalsh(A) ** 2), A),
}


@pytest.mark.parametrize("title", ZOO)
def test_third_derivatives_print(title):
    f, by = ZOO[title]
    check_shown(sg.jacobian(sg.hessian(f, by), by))


def check_shown(e):
    for shown in (sg.latex(e), index(e)):
        assert shown and "<op" not in shown and "einsum" not in shown
        assert shown.count("{") == shown.count("}")
        assert shown.count(r"\left") == shown.count(r"\right")


def test_a_deep_graph():
    e = sg.einsum("il,ljk->ijk", A, B)
    for _ in range(5000):
        e = sg.sin(e) + B
    assert "definitions left out" in sg.latex(e, max_length=500, style="index")


def test_text_of_higher_order_is_python():
    e = sg.einsum("il,ljk->ijk", A, B)
    rng = np.random.default_rng(12)
    a, b = rng.normal(size=(3, 3)), rng.normal(size=(3, 2, 4))
    value = eval(str(e), {"einsum": np.einsum, "A": a, "B": b})
    np.testing.assert_allclose(value, sg.lambdify([A, B], e)(a, b))
