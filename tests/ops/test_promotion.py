"""What is computed has the dtype that the graph says, and both are NumPy's."""

import numpy as np
import pytest
from tests.ops.cases import CASES, SIZES, as_list
from tests.ops.test_contract import assert_same, cotangent, draw, floating, symbols_of

import symgrad as sg

ARRAYS = {
    "D": np.array([1.0, 3.0, 2.0]),
    "F": np.array([1.0, 3.0, 2.0], np.float32),
    "I": np.array([1, 3, 2]),
    "J": np.array([1, 3, 2], np.int32),
    "B": np.array([True, False, True]),
}

# Formulas that NumPy computes as they stand, `np` being symgrad's or NumPy's functions
FORMULAS = (
    """
(D > 2) * 1.0 | 1.0 * B | I * 1.0 | I + 0.0 | I / 1 | B * 1 | B + B | B * B | B * 2 | B / 2 | 2 ** I
2.0 ** I | I ** 2 | I ** 3 | I ** 0.5 | -I | I // 2 | I % 2 | I - I + I | I * 0.5 + I * 0.5 | J * 2
J * 1.5 | J + I | J * F | I * F | I * D | B * F | F * 1.0 | F / 3 | F * 2 + 1 | F ** 2 | F ** 2.5
F ** 0.5 | F ** -1 | 2 ** F | F * D | F * np.pi | F * f8(1) | F + f8(0) | f8(3) * F
F * f8(3) + 1 | F - f8(2) | np.maximum(F, f8(2)) | F * f4(3) | D * f4(3) | I * f4(1) | I * f4(2)
F * np.ones(3) | np.where(F > 2, 1.0, F) | np.where(B, F, I) | np.where(B, I, 0) | np.where(B, D, 0)
np.maximum(F, 2) | np.maximum(I, 2) | np.minimum(I, 2.5) | np.mean(F) * F | np.sum(F) | np.sum(J)
np.prod(J) | np.sum(B)
np.mean(I) | np.mean(B) | np.var(F) | np.std(I) | np.prod(B) | np.max(J) | np.cumsum(F)
np.cumsum(B) | np.cumprod(I) | np.cumsum(J) | np.mean(J)
np.linalg.norm(F) | np.linalg.norm(I) | np.outer(F, I) | np.dot(F, F)
np.dot(I, F) | np.dot(I, B) | np.eye(3) @ F | np.diag(F) | np.diag(I) | np.diag(B) | np.tril(np.outer(B, B))
np.concatenate([F, I]) | np.concatenate([F, D]) | np.stack([F, F]) | np.pad(F, 1) | np.pad(I, 1)
np.abs(J) | np.sign(J) | np.exp(F) | np.sqrt(I) | np.fabs(I) | np.floor(F) | np.round(I) | np.round(F, 1)
np.hypot(F, I) | np.logaddexp(F, 0) | np.log1p(I) | np.float_power(F, 2) | np.float_power(I, -2)
np.clip(F, 1.5, 2.5) | np.clip(I, 0, 2) | np.nan_to_num(F) | np.heaviside(F, 0.5) | np.arctan2(F, I)
np.tensordot(F, F, 1) | np.kron(I, F) | np.cross(I, F) | np.take(F, [0, 0]) | np.square(J)
np.reciprocal(F)
""".replace("\n", "|")
    .strip("| ")
    .split("|")
)


class Ours:
    """NumPy's module with the functions of symgrad."""

    ones, pi = staticmethod(np.ones), sg.pi
    linalg = sg.linalg

    def __getattr__(self, name):
        return getattr(sg, name)


@pytest.mark.parametrize("text", [t.strip() for t in FORMULAS])
def test_formula(text):
    leaves = {name: sg.symbol(name, a.shape, a.dtype) for name, a in ARRAYS.items()}
    scalars = {"f4": np.float32, "f8": np.float64}
    expected = eval(text, {"np": np, **scalars, **ARRAYS})  # the table above
    y = eval(text, {"np": Ours(), **scalars, **leaves})
    sg.check_graph(y)
    symbols = sg.free_symbols(y)
    actual = sg.lambdify(symbols, y)(*[ARRAYS[x.name] for x in symbols])
    assert y.dtype == expected.dtype
    digits = 1e-5 if expected.dtype == np.float32 else 1e-13
    assert_same(actual, expected, digits, digits)


NARROW = [c for c in CASES if c.smooth and "f" in c.dtypes and c.id != "float_power"]


@pytest.mark.parametrize("case", NARROW, ids=[c.id for c in NARROW])
def test_derivatives_of_float32_are_float32(case):
    xs = symbols_of(case, SIZES[0], "float32")
    ys = [y for y in as_list(case.call(sg, *xs)) if y.dtype == np.float32]
    if not ys:
        return
    us = [sg.symbol(f"u{i}", y.shape, np.float32) for i, y in enumerate(ys)]
    leaves = floating(case, xs)
    total = sum(sg.sum(u * y) for u, y in zip(us, ys, strict=True))
    gradients = sg.grad(total, leaves)
    jacobians = [sg.jacobian(ys[0], x) for x in leaves]
    arrays = draw(case, SIZES[0], "float32")
    weights = [np.ones(u.shape, np.float32) for u in us]
    results = sg.lambdify([*xs, *us], [*gradients, *jacobians])(*arrays, *weights)
    for e, value in zip([*gradients, *jacobians], results, strict=True):
        assert e.ty.weak or e.dtype == np.float32
        assert value.dtype == np.float32


def test_numbers_between_arrays_are_narrow_too():
    x = sg.vector("x", 3, dtype="float32")
    f = sg.lambdify(x, sg.where(x > 2, 1.0, 2.0) * x)
    assert f(ARRAYS["F"]).dtype == np.float32


def test_infinite_number_of_a_narrow_type():
    x = sg.vector("x", 3, dtype="float32")
    y = sg.where(x > 2, np.float32("inf"), x)
    assert_same(sg.lambdify(x, y)(ARRAYS["F"]), np.array([1.0, np.inf, 2.0], np.float32))


def test_derivative_through_repeated_indices_is_floating():
    x = sg.vector("x", 3)
    for g in (sg.grad(sg.sum(x[[0, 0, 1]]), x), sg.grad(sg.sum(x[1:]), x)):
        assert sg.lambdify(x, g)(ARRAYS["D"]).dtype == np.float64
        assert sg.lambdify(x, g * 1)(ARRAYS["D"]).dtype == np.float64


def test_cotangent_of_each_output_keeps_its_name():
    assert cotangent(3, sg.symbol("x", (2,))).name == "u3"


def test_the_slope_of_a_mantissa_has_double_precision():
    """Of the int 1, which is what a derivative starts with, NumPy's ldexp makes half precision."""
    x = sg.symbol("x")
    slope = sg.lambdify(x, sg.diff(sg.frexp(x)[0], x))
    given = np.array([1e10, 1e-10, 3.0])
    np.testing.assert_array_equal(slope(given), np.ldexp(1.0, -np.frexp(given)[1]))


def test_logsumexp_of_what_becomes_an_integer():
    v, w = sg.vector("v", "n"), sg.vector("w", 3)
    e = sg.logsumexp(sg.mean(v - sg.mean(v)) * w)  # 0 by the rules of deviations
    assert sg.evaluate(e, {v: np.arange(4.0), w: np.ones(3)}) == pytest.approx(np.log(3), rel=1e-15)
    x = sg.symbol("x", shape=(3,))
    y = sg.substitute(sg.logsumexp(x), {x: sg.constant(np.arange(3))})
    assert sg.evaluate(y, {}) == pytest.approx(np.logaddexp.reduce(np.arange(3.0)), rel=1e-15)
