"""The example inputs of matrixcalculus.org: values, and no more symbols than that page prints.

The inputs are those listed at www.matrixcalculus.org/documentation. Its answers stand beside ours in the
page's notation. They follow the form of its published outputs (files that carry the header "generated
by www.matrixcalculus.org from input"), such as ``d/dz norm2(V*W*z-v)^2 = 2*W'*V'*(V*W*z-v)``,
``d/dW norm2(V*W*z-v)^2 = 2*V'*(V*W*z-v)*z'`` and ``d/dtheta y'*log(x*theta) = x'*(y./(x*theta))``; they
were not read off the page itself. Where a part is named, as ``t_0`` is, its definition counts too. None:
the page shows no tensor of three axes.

A symbol is a name, a number, an operator or an opening bracket; closing brackets and commas are not
counted; a transpose is one symbol, ``'`` there and ``.T`` here, and so is the identity, ``eye`` there and
``eye(m)`` here.
"""

import re
from typing import Any, NamedTuple

import numpy as np
import pytest
from tests.matrix.leaves import differences

import symgrad as sg
from symgrad import linalg as la

A, B, C = sg.matrix("A", ("m", "n")), sg.matrix("B", ("m", "m")), sg.matrix("C", ("n", "k"))
G, K = sg.matrix("A", ("n", "n"), unique="square"), sg.matrix("A", ("k", "n"), unique="trace")
X, Z = sg.matrix("X", ("m", "n")), sg.matrix("X", ("n", "n"), unique="square")
x, v, y, w = [sg.vector(name, "n") for name in "xvyw"]
u = sg.vector("y", "m", unique="rows")
a, b = sg.symbols("a b")


class Example(NamedTuple):
    """An input of the page; ours; the same in NumPy; what the page prints by each symbol, and twice."""

    formula: Any
    numpy: Any
    gradients: dict
    hessians: dict


LOGISTIC = "where t_0 = exp(-(y.*(X*w)))"
EXAMPLES = {
    "0.5*x'*A*x": Example(
        0.5 * x @ G @ x,
        lambda x, A: 0.5 * x @ A @ x,
        {x: "0.5*A*x+0.5*A'*x", G: "0.5*x*x'"},
        {x: "0.5*A+0.5*A'"},
    ),
    "A*exp(x)": Example(
        A @ sg.exp(x),
        lambda A, x: A @ np.exp(x),
        {x: "A*diag(exp(x))", A: None},
        {},
    ),
    "sin(x)'*y": Example(
        sg.sin(x) @ y,
        lambda x, y: np.sin(x) @ y,
        {x: "y.*cos(x)", y: "sin(x)"},
        {x: "-diag(y.*sin(x))", y: "matrix(0)"},
    ),
    "(y.*v)'*x": Example(
        (y * v) @ x,
        lambda y, v, x: np.sum(y * v * x),
        {y: "v.*x", v: "y.*x", x: "y.*v"},
        {y: "matrix(0)", v: "matrix(0)", x: "matrix(0)"},
    ),
    "a^b": Example(
        a**b,
        lambda a, b: a**b,
        {a: "b*a^(b-1)", b: "a^b*log(a)"},
        {a: "(b-1)*b*a^(b-2)", b: "a^b*log(a)^2"},
    ),
    "norm2(A*x-y)^2": Example(
        sg.norm(A @ x - u) ** 2,
        lambda A, x, y: np.sum((A @ x - y) ** 2),
        {A: "2*(A*x-y)*x'", x: "2*A'*(A*x-y)", u: "-2*(A*x-y)"},
        {x: "2*A'*A", u: "2*eye"},
    ),
    "sum(log(exp(-y.*(X*w)) + vector(1)))": Example(
        sg.sum(sg.log(sg.exp(-u * (X @ w)) + sg.ones("m"))),
        lambda y, X, w: np.sum(np.log(np.exp(-y * (X @ w)) + 1)),
        {
            w: f"-X'*(t_0.*y./(vector(1)+t_0)) {LOGISTIC}",
            X: f"-(t_0.*y./(vector(1)+t_0))*w' {LOGISTIC}",
            u: f"-(t_0.*(X*w)./(vector(1)+t_0)) {LOGISTIC}",
        },
        {
            w: "X'*diag(y.*t_0.*y./(vector(1)+t_0)-t_0.*y.*t_0.*y./((vector(1)+t_0).^2))*X "
            + LOGISTIC,
            u: "diag(t_1.*t_1.*t_0./(vector(1)+t_0)-t_1.*t_0.*t_1.*t_0./((vector(1)+t_0).^2)) "
            + LOGISTIC
            + ", t_1 = X*w",
        },
    ),
    "tr(A*X'*B*X*C)": Example(
        sg.trace(K @ X.T @ B @ X @ C),
        lambda A, X, B, C: np.trace(A @ X.T @ B @ X @ C),
        {K: "C'*X'*B'*X", X: "B'*X*A'*C'+B*X*C*A", B: "X*A'*C'*X'", C: "X'*B'*X*A'"},
        {},
    ),
    "log(det(inv(X)))": Example(
        sg.log(la.det(la.inv(Z))),
        lambda X: np.log(np.linalg.det(np.linalg.inv(X))),
        {Z: "-inv(X')"},
        {},
    ),
}
SIZES = [{"m": 3, "n": 2, "k": 4}, {"m": 2, "n": 5, "k": 3}]
TOKEN = re.compile(r"\.T\b|eye(?:\(\w+\))?|[A-Za-z_]\w*|\d+(?:\.\d+)?|\*\*|\.[*/^]|[-+*/^'@=([]")


def symbols(text):
    """The symbols of a formula, in the page's notation or in ours; the page gives zeros no shape."""
    return TOKEN.findall(re.sub(r"zeros\(\(.*?\)\)", "matrix(0)", text.replace("axis=", "")))


def derivative(f, leaf):
    return sg.jacobian(f, leaf) if f.ndim else sg.grad(f, leaf)


def data(leaves, sizes):
    rng = np.random.default_rng(7)
    arrays = {}
    for leaf in leaves:
        arrays[leaf] = rng.uniform(0.5, 1.5, tuple(sizes[dim] for dim in leaf.shape))
        if leaf is Z:
            arrays[leaf] = arrays[leaf] + 3 * np.eye(sizes["n"])
    return arrays


@pytest.mark.parametrize("name", EXAMPLES)
def test_values(name):
    """One compiled callable of all derivatives, at several sizes, against differences of NumPy."""
    example = EXAMPLES[name]
    leaves = sg.free_symbols(example.formula)
    named = {str(leaf.name): leaf for leaf in leaves}
    first = {leaf: derivative(example.formula, leaf) for leaf in example.gradients}
    second = {leaf: sg.hessian(example.formula, leaf) for leaf in example.hessians}
    compiled = sg.lambdify(leaves, [list(first.values()), list(second.values())])
    assert set(example.gradients) == set(leaves)
    for sizes in SIZES:
        arrays = data(leaves, sizes)

        def value(leaf, at, arrays=arrays):
            return example.numpy(**{n: {**arrays, leaf: at}[of] for n, of in named.items()})

        gradients, hessians = compiled(*arrays.values())
        for leaf, actual in zip(first, gradients, strict=True):
            expected = differences(lambda at, leaf=leaf: value(leaf, at), arrays[leaf])
            np.testing.assert_allclose(actual, expected, rtol=1e-7, atol=1e-7)
        for leaf, actual in zip(second, hessians, strict=True):

            def slope(at, leaf=leaf):
                return differences(lambda z: value(leaf, z), at, h=1e-3)

            expected = differences(slope, arrays[leaf], h=1e-3)
            np.testing.assert_allclose(actual, expected, rtol=1e-4, atol=1e-4)


PRINTED = [
    pytest.param(ours, page, id=f"{name} by {leaf.name}{suffix}")
    for name, example in EXAMPLES.items()
    for suffix, way, table in (
        ("", derivative, example.gradients),
        (" twice", sg.hessian, example.hessians),
    )
    for leaf, page in table.items()
    for ours in [way(example.formula, leaf)]
    if page is not None
]


@pytest.mark.parametrize(("ours", "page"), PRINTED)
def test_no_more_symbols_than_the_page(ours, page):
    assert len(symbols(str(ours))) <= len(symbols(page)), (str(ours), page)


def test_every_vector_has_a_hessian():
    for example in EXAMPLES.values():
        vectors = {leaf for leaf in example.gradients if leaf.ndim == 1}
        assert example.formula.ndim or vectors <= set(example.hessians)


def test_symbols():
    assert symbols("0.5*A'*x + inv(X)") == ["0.5", "*", "A", "'", "*", "x", "+", "inv", "(", "X"]
    assert symbols("X.T @ (y/2**t_0)") == ["X", ".T", "@", "(", "y", "/", "2", "**", "t_0"]


LATEX = {
    "0.5*x'*A*x": r"0.5 \left(A + A^{\top}\right) x",
    "A*exp(x)": r"A \operatorname{diag}\left(\exp\left(x\right)\right)",
    "sin(x)'*y": r"y \odot \cos\left(x\right)",
    "(y.*v)'*x": r"v \odot y",
    "norm2(A*x-y)^2": r"2 A^{\top} \left(A x - y\right)",
    "sum(log(exp(-y.*(X*w)) + vector(1)))": r"-X^{\top} "
    r"\left(y \odot \sigma\left(-y \odot \left(X w\right)\right)\right)",
    "tr(A*X'*B*X*C)": r"B X C A + B^{\top} X A^{\top} C^{\top}",
    "log(det(inv(X)))": r"-X^{-\top}",
}


@pytest.mark.parametrize("name", LATEX)
def test_latex(name):
    leaf = next(z for z in EXAMPLES[name].gradients if z in {x, w, X, Z})
    assert sg.latex(derivative(EXAMPLES[name].formula, leaf)) == LATEX[name]
