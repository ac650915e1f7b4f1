"""C code of functions and solvers, compiled by the system's compiler where there is one."""

import ctypes
import math
import shutil
import subprocess

import numpy as np
import pytest
from tests.ops.test_entrywise import CALLS, calls_scipy, domains_of, kinds_of, sample

import symgrad as sg

CC = next((cc for cc in ("cc", "gcc", "clang") if shutil.which(cc)), None)
needs_compiler = pytest.mark.skipif(CC is None, reason="there is no C compiler")
x, y = sg.symbols("x y")
a, b = sg.symbols("a b")
D, P = ctypes.c_double, ctypes.POINTER(ctypes.c_double)
STRICT = ["-std=c99", "-pedantic", "-Wall", "-Wextra", "-Werror", "-Wno-unused-but-set-variable"]


def library(tmp_path, made, name="f"):
    path = tmp_path / f"{name}.c"
    made.save(path)
    assert path.read_text() == made.c_source
    beside = tmp_path / f"{name}_user.c"
    beside.write_text(f'#include "{name}.h"\n#include "{name}.h"\nint user;\n')
    out = tmp_path / f"{name}.so"
    command = [CC, *STRICT, "-O1", "-ffp-contract=off", "-shared", "-fPIC", str(path), str(beside)]
    run = subprocess.run(
        [*command, "-o", str(out), "-lm"], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr + made.c_source
    return ctypes.CDLL(str(out))


def floats(count):
    return (D * count)()


@needs_compiler
def test_every_op_of_c(tmp_path):
    """All ops that C has, as one function each in one file, against the NumPy code."""
    outputs, formulas = [], []
    xs = sg.symbols("x y z")
    for op, params in CALLS:
        if op.name in ("astype", "ldexp") or calls_scipy(op):
            continue
        kinds = kinds_of(op)
        given = [s > 0 if k == "bool" else s for s, k in zip(xs, kinds, strict=False)]
        formula = op.build(tuple(given), params)
        try:
            _ = sg.lambdify(xs, formula).c_source
        except sg.ArgumentError:
            continue
        outputs.append((op, formula))
        formulas.append(formula)
    assert len(outputs) > 60
    f = sg.lambdify(xs, formulas, name="all_ops")
    call = library(tmp_path, f).all_ops
    call.argtypes, call.restype = [D] * 3 + [P] * len(outputs), None
    points = [
        (0.5, -1.25, 2.0),
        (-0.75, 0.25, -0.5),
        (1.5, 1.5, 0.0),
        (0.0, -0.0, 1.0),
        (math.inf, 1.0, -1.0),
        (math.nan, 0.5, 0.25),
    ]
    with np.errstate(all="ignore"):
        expected = [column.tolist() for column in f(*np.array(points).T)]
    for k, point in enumerate(points):
        results = [D() for _ in outputs]
        call(*point, *[ctypes.byref(r) for r in results])
        for (op, _), result, column in zip(outputs, results, expected, strict=True):
            assert result.value == pytest.approx(float(column[k]), rel=1e-14, abs=0, nan_ok=True), (
                op.name
            )


@needs_compiler
def test_one_number_is_returned_and_many_points_are_taken(tmp_path):
    f = sg.lambdify([x, y], sg.sin(x) * y**3 + sg.where(x > y, x, -0.5), name="model")
    made = library(tmp_path, f)
    made.model.argtypes, made.model.restype = [D, D], D
    assert made.model(0.5, 2.0) == pytest.approx(f(0.5, 2.0), rel=1e-15)
    rng = np.random.default_rng(2)
    xs, ys, out = *rng.uniform(-2, 2, (2, 100)), np.empty(100)
    made.model_many.argtypes = [ctypes.c_size_t, *[ctypes.c_void_p] * 3]
    made.model_many(100, xs.ctypes.data, ys.ctypes.data, out.ctypes.data)
    np.testing.assert_allclose(out, f(xs, ys), rtol=1e-14)


@needs_compiler
def test_arrays_of_known_extents_come_by_pointer(tmp_path):
    A, v = sg.matrix("A", (3, 3)), sg.vector("v", 3)
    f = sg.lambdify(
        [A, v, a], {"form": v @ A @ v * a, "slope": sg.grad(sg.exp(v @ A @ v), v)}, name="quad"
    )
    call = library(tmp_path, f).quad
    call.argtypes, call.restype = [P, P, D, P, P], None
    rng = np.random.default_rng(4)
    m, w = rng.uniform(-1, 1, (3, 3)), rng.uniform(-1, 1, 3)
    value, slope = floats(1), floats(3)
    call((D * 9)(*m.ravel()), (D * 3)(*w), 1.5, value, slope)
    expected = f(m, w, 1.5)
    np.testing.assert_allclose([*value, *slope], [expected["form"], *expected["slope"]], rtol=1e-13)


@needs_compiler
def test_names_of_c_are_left_to_it(tmp_path):
    odd = sg.symbols("double y0 out0 t0 lambda sin x′ NULL_ count θ")
    f = sg.lambdify(odd, sum(k * s for k, s in enumerate(odd)) + sg.sin(odd[0]), name="int")
    made = library(tmp_path, f)
    call = made.int_
    call.argtypes, call.restype = [D] * len(odd), D
    given = [0.5 * k + 1 for k in range(len(odd))]
    assert call(*given) == pytest.approx(f(*given), rel=1e-15)


@needs_compiler
@pytest.mark.parametrize("order", [1, 2])
def test_an_equation(tmp_path, order):
    solver = sg.newton_root(x - b * sg.sin(x) - a, x, (a, b), order=order)
    call = library(tmp_path, solver, "kepler").solve
    call.argtypes, call.restype = [D, D, D, D, ctypes.c_int, P, P], ctypes.c_int
    for mean, far in ((1.0, 0.5), (0.1, 0.2), (3.0, 0.9)):
        found, residual = D(), D()
        steps = call(mean, mean, far, 1e-12, 100, found, residual)
        expected = solver(mean, mean, far)
        assert (steps, residual.value) == (expected.iterations, expected.residual)
        assert found.value == pytest.approx(expected.x, rel=1e-15)
    assert call(1.0, 1.0, math.inf, 1e-12, 100, D(), D()) == -1
    assert call(1.0, 1.0, 0.5, 1e-12, 1, D(), D()) == -1


@needs_compiler
def test_systems_and_minima(tmp_path):
    system = sg.newton_root([x**2 + y**2 - a, x * y - b], [x, y], (a, b))
    call = library(tmp_path, system, "circle").solve
    call.argtypes, call.restype = [P, D, D, D, ctypes.c_int, P, P], ctypes.c_int
    found, residual = floats(2), D()
    steps = call((D * 2)(2.0, 0.5), 4.0, 1.0, 1e-12, 500, found, residual)
    expected = system([2.0, 0.5], 4.0, 1.0)
    assert steps == expected.iterations
    np.testing.assert_allclose(found, expected.x, rtol=1e-14)
    assert (
        call((D * 2)(0.0, 0.0), 4.0, 1.0, 1e-12, 500, found, residual) == -1
    )  # a singular Jacobian
    valley = sg.newton_minimize((1 - x) ** 2 + 100 * (y - x**2) ** 2, [x, y])
    call = library(tmp_path, valley, "valley").solve
    call.argtypes, call.restype = [P, D, ctypes.c_int, P, P, P], ctypes.c_int
    value = D()
    steps = call((D * 2)(-1.2, 1.0), 1e-10, 500, found, residual, value)
    expected = valley([-1.2, 1.0])
    assert (steps, value.value) == (expected.iterations, expected.value)
    np.testing.assert_allclose(found, expected.x, rtol=1e-12)


@pytest.mark.parametrize(
    ("made", "word"),
    [
        (lambda: sg.lambdify(x, sg.special.jv(0, x)), "j0"),
        (lambda: sg.lambdify(sg.matrix("A", ("n", "n")), sg.linalg.inv(sg.matrix("A", ("n", "n")))), "inv"),
        (lambda: sg.newton_root(sg.vector("v", 2) ** 2 - 4, sg.vector("v", 2)), "scalar unknowns"),
        (lambda: sg.newton_root(sg.special.jv(0, x), x), "j0"),
    ],
)  # fmt: skip
def test_what_has_no_c_code_is_refused(tmp_path, made, word):
    with pytest.raises(sg.ArgumentError, match=word):
        _ = made().c_source
    with pytest.raises(sg.ArgumentError, match=word):
        made().save(tmp_path / "f.c")
    assert not list(tmp_path.iterdir())


def test_special_values_and_gamma_by_other_names():
    f = sg.lambdify([x, y], [sg.special.gamma(x), sg.special.gammaln(y), sg.special.erf(x)])
    for name in ("tgamma(x)", "lgamma(y)", "erf(x)"):
        assert name in f.c_source
    assert "-INFINITY" in sg.lambdify(x, sg.where(x > 0, x, -np.inf) + x).c_source


def test_the_text_is_the_same_in_every_order_of_calls():
    f = sg.lambdify([x, y], sg.grad(sg.exp(x * y) + sg.sin(x) ** 2, [x, y]))
    assert (
        f.c_source == sg.lambdify([x, y], sg.grad(sg.exp(x * y) + sg.sin(x) ** 2, [x, y])).c_source
    )
    assert all(sample(op) and domains_of(op) for op, _ in CALLS[:3])
