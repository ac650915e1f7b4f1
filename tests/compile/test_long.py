"""Long code costs its length: in the source, in what is compiled, and in what is kept."""

import numpy as np
import pytest

import symgrad as sg


def rosenbrock(n):
    xs = sg.symbols(" ".join(f"x{i}" for i in range(n)))
    f = sum(100 * (xs[i + 1] - xs[i] ** 2) ** 2 + (1 - xs[i]) ** 2 for i in range(n - 1))
    return list(xs), f


@pytest.mark.parametrize("kind", ["source", "scalar_source"])
def test_the_zeros_of_a_sparse_hessian_are_written_in_runs(kind):
    lengths = []
    for n in (40, 80, 160):
        xs, f = rosenbrock(n)
        lengths.append(len(getattr(sg.lambdify(xs, sg.hessian(f, xs)), kind)))
    assert lengths[2] < 2.5 * lengths[1] < 6 * lengths[0]


def test_zeros_in_a_run_are_arrays_of_their_own():
    xs, f = rosenbrock(20)
    h = sg.lambdify(xs, sg.hessian(f, xs))
    at = np.linspace(-1, 1, 20)
    floats, arrays = h(*at.tolist()), h(*[np.array([t, t]) for t in at])
    np.testing.assert_allclose(np.array(arrays)[..., 0], floats, rtol=1e-14)
    zeros = arrays[0][5:]
    zeros[0][:] = 1
    assert all(not np.any(z) for z in zeros[1:]) and type(floats[0][7]) is float


def test_signed_zeros_and_other_constants_in_runs():
    x = sg.symbol("x")
    f = sg.lambdify(x, ([sg.constant(-0.0)] * 9, (sg.constant(0),) * 9, (sg.constant(2.5),) * 9))
    for result in (f(1.0), f(np.ones(3))):
        minus, zero, other = result
        assert isinstance(zero, tuple) and len(minus) == len(zero) == len(other) == 9
        assert np.all(np.signbit(minus)) and not np.any(np.signbit(zero))
        assert np.all(np.array(other) == 2.5)
    assert f(np.ones(3, np.float32))[1][0].dtype == np.float32


def test_code_is_linear_in_the_number_of_steps():
    x, y = sg.symbols("x y")
    lengths = []
    for depth in (500, 1000, 2000):
        e = x
        for k in range(depth):
            e = sg.sin(e) * y + e / (1 + y * y * (k % 7))
        f = sg.lambdify([x, y], e)
        assert f(0.3, 0.4) == pytest.approx(f(np.array([0.3]), 0.4)[0], rel=1e-12)
        lengths.append((len(f.source), len(f.scalar_source)))
    for short, middle, long in zip(*lengths, strict=True):
        assert long - middle < 2.5 * (middle - short)
