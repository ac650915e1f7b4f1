"""Sums of shifted parts in one loop over rows: by form, and with the values of the plain code."""

import numpy as np
import pytest

import symgrad as sg
from symgrad.compile.pipeline import Draft, Options
from symgrad.program.outline import outlined
from symgrad.program.stencils import stencils

u, v = sg.matrix("u", ("n", "m")), sg.vector("v", "n")
V = sg.symbol("V", ("n", "n", "m"))


def energy(x):
    return sg.sum((x[1:] - x[:-1]) ** 2) / 2


FORMULAS = {
    "line": (v, sg.grad(energy(v), v)),
    "membrane": (u, sg.grad(energy(u) + sg.sum((u[:, 1:] - u[:, :-1]) ** 2) / 2, u)),
    "one direction": (u, sg.grad(sg.sum((u[:, 2:] * u[:, :-2]) ** 2), u)),
    "volume": (V, sg.grad(energy(V) + sg.sum(sg.sin(V[:, 1:] - V[:, :-1])), V)),
    "far neighbours": (v, sg.grad(sg.sum(sg.exp(-((v[5:] - v[:-5]) ** 2)) + v[3:-2]), v)),
    "second differences": (v, sg.grad(sg.sum((v[2:] - 2 * v[1:-1] + v[:-2]) ** 4), v)),
    "shared parts": (u, sg.grad(sg.sum(sg.sqrt(1 + (u[1:, 1:] - u[:-1, :-1]) ** 2)), u)),
    "with a local term": (u, sg.grad(energy(u) + sg.sum(u**4), u)),
    "inner rows": (u, sg.grad(sg.sum(u[2:-3] * u[1:-4] * u[5:]), u)),
    "products with a row": (u, sg.grad(sg.sum((u[1:] - u[:-1]) ** 2 * sg.exp(u[:1])), u)),
}


def found(x, y):
    program = Draft([x], [y], Options()).of_large_arrays()
    return outlined(program, stencils(program)).loops()


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", FORMULAS)
def test_form_and_values(name, dtype, tiny_blocks):
    x, y = FORMULAS[name]
    assert len(found(x, y)) == 1
    f = sg.lambdify(x, y)
    assert "_loop0(" in f.large_source and "_embed_sum" not in f.large_source
    rng = np.random.default_rng(6)
    for n in (7, 30, 61):
        a = rng.normal(size={"v": (n,), "u": (n, 9), "V": (n, n, 9)}[x.name]).astype(dtype)
        result, wanted = f(a), f._plain()(a)
        assert result.dtype == wanted.dtype == dtype
        tolerance = 1e-12 if dtype is np.float64 else 1e-4
        np.testing.assert_allclose(result, wanted, rtol=tolerance, atol=tolerance)


def test_what_belongs_together_is_made_once():
    (stencil,) = found(*FORMULAS["membrane"])
    assert len(set(stencil.body.outputs)) == 2 and len(stencil.results) == 4
    assert sorted(c.ufunc for c in stencil.results) == ["add", "add", "subtract", "subtract"]
    assert {cut.halo for cut in stencil.operands} == {(1, 0), (0, 0)}
    x, y = FORMULAS["membrane"]
    assert "4 added at shifted places" in sg.lambdify(x, y).explain()


@pytest.mark.parametrize(
    "y",
    [
        sg.grad(sg.sum((u[:-1:2] - u[1::2]) ** 2), u),  # steps
        sg.grad(sg.sum((u[::-1][1:] - u[1:]) ** 2), u),  # backwards
        sg.grad(sg.sum((u[0] - u[1]) ** 2), u),  # single rows
    ],
)
def test_other_places_are_left_to_the_plain_sum(y, tiny_blocks):
    assert found(u, y) == []
    f = sg.lambdify(u, y)
    a = np.random.default_rng(7).normal(size=(8, 3))
    np.testing.assert_allclose(f(a), f._plain()(a), rtol=1e-13)


def test_what_others_need_too_is_an_input(tiny_blocks):
    down = sg.sin(u[1:] - u[:-1])
    gradient = sg.grad(sg.sum(down**2), u)
    f = sg.lambdify(u, [gradient, 2 * down, down @ u.T])
    a = np.random.default_rng(8).normal(size=(40, 5))
    for result, wanted in zip(f(a), f._plain()(a), strict=True):
        np.testing.assert_allclose(result, wanted, rtol=1e-12, atol=1e-13)


def test_the_result_is_written_where_the_caller_says(tiny_blocks):
    x, y = FORMULAS["membrane"]
    f = sg.lambdify(x, y)
    a, buffer = np.random.default_rng(9).normal(size=(33, 4)), np.full((33, 4), np.nan)
    assert f(a, out=buffer) is buffer
    np.testing.assert_allclose(buffer, f._plain()(a), rtol=1e-13)
    wanted = f._plain()(a)
    assert f(a, out=a) is a  # an argument as its own destination
    np.testing.assert_allclose(a, wanted, rtol=1e-13)


@pytest.mark.parametrize("shape", [(1, 4), (1, 1), (2, 1), (9, 2)])
def test_few_rows(shape, tiny_blocks):
    x, y = FORMULAS["membrane"]
    f = sg.lambdify(x, y)
    a = np.random.default_rng(10).normal(size=shape)
    np.testing.assert_allclose(f(a), f._plain()(a), rtol=1e-13)


def test_fortran_and_strided_arguments(tiny_blocks):
    x, y = FORMULAS["membrane"]
    f = sg.lambdify(x, y)
    a = np.random.default_rng(11).normal(size=(34, 12))
    wanted = f._plain()(a)
    np.testing.assert_allclose(f(np.asfortranarray(a)), wanted, rtol=1e-13)
    wide = np.zeros((68, 24))
    wide[::2, ::2] = a
    np.testing.assert_allclose(f(wide[::2, ::2]), wanted, rtol=1e-13)


def test_threads_do_not_change_results():
    x, y = FORMULAS["membrane"]
    a = np.random.default_rng(12).normal(size=(700, 301))
    first, *others = [sg.lambdify(x, y, threads=count)(a) for count in (1, 2, 5, None)]
    assert all(np.array_equal(first, other) for other in others)
