"""What differs in value or shape differs in print: random formulas over all kinds of ops."""

import random
import re
from collections import defaultdict

import numpy as np
import pytest
import scipy.linalg
import scipy.special

import symgrad as sg
from symgrad.ops.table import ELEMENTWISE

v, u, w = sg.vector("v", 3), sg.vector("u", 3), sg.vector("w", 2)
c, d = sg.symbols("c d")
S, R = sg.matrix("S", (3, 3)), sg.matrix("R", (3, 3))
A, B = sg.matrix("A", (2, 3)), sg.matrix("B", (3, 2))
T = sg.symbol("T", shape=(2, 3, 3))
SYMBOLS = (v, u, w, c, d, S, R, A, B, T)
LEAVES = (*SYMBOLS, sg.ones(3), sg.zeros((2, 3)), sg.eye(3))
linalg = sg.linalg
OF_ONE = [
    lambda x, axis: -x,
    lambda x, axis: 2 * x,
    lambda x, axis: x**2,
    lambda x, axis: 1 / x,
    lambda x, axis: x + 1,
    lambda x, axis: x.T,
    lambda x, axis: sg.sum(x),
    lambda x, axis: sg.sum(x, axis=axis, keepdims=True),
    lambda x, axis: sg.diag(x, k=axis),
    lambda x, axis: sg.tril(x, -axis),
    lambda x, axis: x[0],
    lambda x, axis: x[-1],
    lambda x, axis: x[1:],
    lambda x, axis: x[:-1],
    lambda x, axis: x[::-1],
    lambda x, axis: x[::2],
    lambda x, axis: x[:, 0],
    lambda x, axis: x[np.newaxis],
    lambda x, axis: x[:, np.newaxis],
    lambda x, axis: x.ravel(),
    lambda x, axis: x.reshape((1, -1)),
    lambda x, axis: sg.broadcast_to(x, (3,)),
    lambda x, axis: sg.broadcast_to(x, (3, 3)),
    lambda x, axis: sg.broadcast_to(x, (2, 3)),
    lambda x, axis: sg.broadcast_to(x, (2, 3, 3)),
    lambda x, axis: sg.zeros(x.shape),
    lambda x, axis: sg.ones(x.shape),
    lambda x, axis: sg.zeros(x.shape) + c,
    lambda x, axis: sg.eye(x.shape[0])[axis],
    lambda x, axis: sg.repeat(x, 2, axis=axis),
    lambda x, axis: sg.take(x, [0, 1, 0], axis=axis),
    lambda x, axis: sg.pad(x, 1),
    lambda x, axis: sg.where(x > 1, x, 0),
    lambda x, axis: x > 1,
    lambda x, axis: sg.moveaxis(x, 0, -1),
    lambda x, axis: sg.roll(x, 1, axis=axis),
    lambda x, axis: sg.astype(x, int),
    lambda x, axis: sg.einsum("ii->i", x),
    lambda x, axis: linalg.matrix_power(x, 2),
    *[lambda x, axis, f=f: f(x) for f in (sg.trace, linalg.det, linalg.inv, linalg.expm)],
    *[
        lambda x, axis, f=f: f(x, axis=axis)
        for f in (sg.sum, sg.max, sg.min, sg.prod, sg.mean, sg.var, sg.cumsum, sg.cumprod, sg.any)
    ],
    *[lambda x, axis, f=f, k=k: f(x, axis=axis, ddof=k) for f in (sg.var, sg.std) for k in (1, 2)],
    *[
        lambda x, axis, f=f: f(x, axis=axis)
        for f in (sg.sort, sg.argmax, sg.softmax, sg.logsumexp, sg.flip, linalg.norm)
    ],
]
OF_TWO = [
    lambda x, y: x + y,
    lambda x, y: x - y,
    lambda x, y: x * y,
    lambda x, y: x / y,
    lambda x, y: x**y,
    lambda x, y: x @ y,
    sg.dot,
    sg.outer,
    sg.kron,
    sg.inner,
    linalg.solve,
    lambda x, y: sg.where(x > y, x, y),
    lambda x, y: sg.stack([x, y]),
    lambda x, y: sg.stack([x, y], axis=1),
    lambda x, y: sg.concatenate([x, y]),
    lambda x, y: sg.concatenate([x, y], axis=1),
    *[lambda x, y, n=n: sg.tensordot(x, y, n) for n in (0, 1, 2)],
    *[
        lambda x, y, labels=labels: sg.einsum(labels, x, y)
        for labels in ("ij,kj->ik", "i,ij->ij", "ij,ij->i", "ij,ij->j", "i,j->ji", "ij,j->ij")
    ],
]
ENTRYWISE = [op for op in ELEMENTWISE if op.arity in (1, 2)]


def made(pick, chance):
    """One more formula, or None where the parts do not fit."""
    kind = chance.random()
    try:
        if kind < 0.45:
            x = pick()
            return chance.choice(OF_ONE)(x, chance.randrange(max(x.ndim, 1)))
        if kind < 0.85:
            return chance.choice(OF_TWO)(pick(), pick())
        op = chance.choice(ENTRYWISE)
        return op(*[pick() for _ in range(op.arity)])
    except (sg.SymgradError, IndexError, ValueError, ZeroDivisionError):
        return None


def formulas(seed, count):
    """Formulas over the leaves and over each other; the same in every run."""
    chance = random.Random(seed)
    found = {}
    while len(found) < count:
        known = list(found)[-60:]

        def pick(known=known):
            return chance.choice(known if known and chance.random() < 0.45 else LEAVES)

        e = made(pick, chance)
        if e is not None and e.ndim <= 4 and np.prod(e.shape) <= 100 and len(str(e)) <= 120:
            found[e] = None
    return list(found)


def value(e, data):
    """The value, or None where there is none."""
    with np.errstate(all="ignore"):
        try:
            found = np.asarray(sg.evaluate(e, {x: data[x] for x in sg.free_symbols(e)}), float)
        except (np.linalg.LinAlgError, ArithmeticError, TypeError, ValueError):
            return None
    return found if np.isfinite(found).all() else None


def alike(a, b):
    return a.shape == b.shape and np.allclose(a, b, rtol=1e-9, atol=1e-12)


def collisions(found, written):
    """Formulas of different values that are written alike."""
    rng = np.random.default_rng(1)
    data = {x: rng.uniform(0.5, 1.5, x.shape) for x in SYMBOLS}
    groups = defaultdict(list)
    for e in found:
        groups[written(e)].append(e)
    for text, same in groups.items():
        values = [] if len(same) == 1 else [value(e, data) for e in same]
        values = [a for a in values if a is not None]
        if any(not alike(values[0], a) for a in values[1:]):
            yield text, [(str(e), e.shape) for e in same]


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_what_differs_in_value_differs_in_print(seed):
    found = formulas(seed, 250)
    assert list(collisions(found, str)) == []
    assert list(collisions(found, sg.latex)) == []
    assert len(list(collisions([v, S, A], lambda e: "x"))) == 1  # it does complain


NUMPY = {
    **vars(np.linalg),
    **vars(np),
    **{name: getattr(scipy.special, name) for name in ("softmax", "logsumexp", "expit", "erf")},
    "expm": scipy.linalg.expm,
    "logdet": lambda a: np.linalg.slogdet(a)[1],
    "astype": lambda a, ty: np.asarray(a).astype(ty),
    "axis": None,  # words of calls
    "ddof": None,
}


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_text_is_numpy():
    """The text of a formula, evaluated by Python with NumPy's functions, has its value and its shape."""
    rng = np.random.default_rng(1)
    data = {x: rng.uniform(0.5, 1.5, x.shape) for x in SYMBOLS}
    names = NUMPY | {x.name: array for x, array in data.items()}
    checked = 0
    for e in formulas(20, 250):
        wanted, text = value(e, data), str(e)
        if wanted is not None and set(re.findall(r"[A-Za-z_]\w*", text)) <= set(names):
            try:
                got = np.asarray(eval(text, {}, names), float)
            except ZeroDivisionError:  # 1/0 is inf to NumPy, and no number to Python
                continue
            half = (
                np.finfo(np.float16).eps if "> 1" in text else 0
            )  # NumPy's functions of truth values
            assert got.shape == wanted.shape, text
            np.testing.assert_allclose(got, wanted, rtol=1e-9 + 4 * half, atol=1e-12, err_msg=text)
            checked += 1
    assert checked > 120


NAMES = (
    *[
        "x2",
        "x_2",
        "x₂",
        "θ",
        "theta",
        "θ_1",
        "θ₁",
        "theta1",
        "pi",
        "E",
        "u_1",
        "u_bar",
        "v_0",
        "t1",
        "t_1",
    ],
    *[
        "ħ",
        "hbar",
        "ℓ",
        "ell",
        "x_dot",
        r"\dot{x}",
        "x_star",
        "x^*",
        "x'",
        "x_prime",
        "σ²",
        "σ^2",
        "a b",
    ],
)
ALIKE = (
    *[sg.symbol(name) for name in NAMES],
    *[sg.pi, sg.E, u[1], v[0], sg.mean(u), sg.sigmoid(c), sg.special.gamma(c)],
    *[sg.function(name)(c) for name in ("sigma", "Gamma", "pi")],
    sg.named(sg.exp(c), "theta"),
)


def rows(a, b, style):
    """How two formulas are written in one, without spaces."""
    shown = sg.latex(sg.where(c > 0, a, b), style=style).replace(" ", "")
    return re.match(r"\\begin{cases}(.*?)&\\text{if}c>0\\\\(.*?)&\\text{otherwise}", shown).groups()


def test_no_two_names_of_a_formula_are_written_alike():
    for k, a in enumerate(ALIKE):
        for b in ALIKE[:k]:
            for style in ("matrix", "index"):
                first, second = rows(a, b, style)
                assert first != second, (str(a), str(b))
                assert rows(b, a, style) == (second, first)


SIDE_BY_SIDE = re.compile(r"(?:[uv]|\\right\)(?:\^\{[^{}]*\})?) (?:[uv]|\\left\()")


def test_no_two_vectors_of_an_entrywise_formula_stand_side_by_side():
    """Side by side they would be read as a product of matrices."""
    chance = random.Random(3)
    found = [u, v, c, u + 1, v - c]
    for _ in range(300):
        x, y = chance.choice(found[:5]), chance.choice(found[-30:])
        e = chance.choice([x * y, x / y, y / x, x * y / (u * v), y**2, sg.mod(u, v) * y])
        if len(str(e)) < 60:
            found.append(e)
    assert SIDE_BY_SIDE.search(r"\frac{u}{v u}")
    assert SIDE_BY_SIDE.search(r"v \left(u + 1\right)")
    for e in found:
        shown = sg.latex(e)
        assert not SIDE_BY_SIDE.search(shown), shown
        assert shown.count(r"\bmod") == len(re.findall(r"\\left\(u \\bmod v\\right\)", shown)), (
            shown
        )


def test_a_chosen_name_stays():
    a, b = sg.symbols("x2 x_2")
    assert sg.latex(a + b, symbol_names={b: "x_{2}"}) == r"\mathrm{x2} + x_{2}"
    assert (
        sg.latex(a * sg.symbol("x2b"), symbol_names={"x2b": r"\mathrm{x2}"}) == r"x_{2} \mathrm{x2}"
    )


@pytest.mark.parametrize(
    ("e", "text"),
    [
        (sg.symbol("x^*") ** 2, "(x^*)**2"),
        (2 * sg.symbol("a b"), "2*(a b)"),
        (c - sg.symbol("a-b"), "c - (a-b)"),
        (sg.symbol("a b") + 1, "a b + 1"),
        (sg.named(sg.exp(c), "x^*") ** 2, "(x^*)**2 where x^* = exp(c)"),
    ],
)
def test_names_with_signs_stand_in_brackets(e, text):
    assert str(e) == text


def test_the_text_of_a_derivative_of_a_product_is_right_at_zero():
    g = sg.grad(c * sg.prod(v) ** 2 + sg.prod(v), v)
    at = {v: np.array([0.0, 1.5, 2.0]), c: 0.5}
    got = eval(str(g), {}, NUMPY | {"v": at[v], "c": at[c]})
    np.testing.assert_allclose(got, sg.evaluate(g, at), rtol=1e-15)
    assert got.tolist() == [3.0, 0.0, 0.0]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_many_formulas():
    for seed in range(3, 15):
        found = formulas(seed, 1000)
        assert list(collisions(found, str)) == []
        assert list(collisions(found, sg.latex)) == []


@pytest.mark.parametrize(
    ("e", "latex"),
    [
        (sg.kron(S, c), r"S_{ij} c"),
        (sg.kron(S, c)[:-1], r"S_{ij} c \quad \left(i < 2\right)"),
        (sg.zeros((2, 3)), r"\mathbf{0}_{2 \times 3}"),
        (sg.zeros((1, 2, 3)), r"\mathbf{0}_{1 \times 2 \times 3}"),
        (sg.ones(3), r"\mathbf{1}_{3}"),
        (sg.zeros(("n", 3)) + 2, r"2.0 \cdot \mathbf{1}_{n \times 3}"),
        (sg.broadcast_to(v, (2, 3)), r"\mathbf{1}_{2} v^{\top}"),
        (A + sg.broadcast_to(v, (2, 3)), r"A + \mathbf{1} v^{\top}"),
        (v[:, np.newaxis], r"v \quad \left(3 \times 1\right)"),
        (A * w[:, np.newaxis], r"A \odot \left(w \mathbf{1}^{\top}\right)"),
        (S[:, np.newaxis], r"S_{ik} \quad \left(j < 1\right)"),
        (sg.broadcast_to(S, (2, 3, 3)), r"S_{jk} \quad \left(i < 2\right)"),
        (sg.eye(3)[1, :1], r"{I_{3}}_{1, :1}"),
        (sg.eye(3)[::-1, 0], r"{I_{3}}_{::-1, 0}"),
        (sg.einsum("ijk->i", T[:, :-1]), r"\sum_{j < 2, k} T_{ijk}"),
    ],
    ids=str,
)
def test_shapes_are_said_where_nothing_else_tells(e, latex):
    assert sg.latex(e) == latex
