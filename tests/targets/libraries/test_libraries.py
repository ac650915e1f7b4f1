"""The program of a formula on JAX and PyTorch: values and slopes of all ops are those of NumPy."""

import importlib.util
import warnings

import numpy as np
import pytest
from tests.ops.cases import CASES, SIZES, as_list
from tests.ops.test_contract import draw, symbols_of
from tests.ops.test_entrywise import CALLS, build, sample

import symgrad as sg
from symgrad.expr.traverse import free_symbols

LIBRARIES = ("jax", "torch")
x, y = sg.symbols("x y")
v, A = sg.vector("v", "n"), sg.matrix("A", ("n", "n"))
NOT_UNIQUE = ("svd", "eigh", "qr")  # signs of their vectors


@pytest.fixture(params=LIBRARIES)
def library(request):
    """The name of a library that is installed, in double precision."""
    name = request.param
    if importlib.util.find_spec(name) is None:
        pytest.skip(f"{name} is not installed: the extra {name!r}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the library itself, when it is first imported
        module = importlib.import_module(name)
    if name == "jax":
        before = module.config.jax_enable_x64
        module.config.update("jax_enable_x64", True)
        yield name
        module.config.update("jax_enable_x64", before)
    else:
        before = module.get_default_dtype()
        module.set_default_dtype(module.float64)
        yield name
        module.set_default_dtype(before)


def differs(library, xs, ys, arrays, rtol):
    """What is wrong, in words; None where all is right, and the refusal where it is refused."""
    try:
        f = sg.lambdify(xs, ys, backend=library)
    except sg.ArgumentError as error:
        return None if "which this formula needs" in str(error) else str(error)
    with np.errstate(all="ignore"):
        wanted = sg.lambdify(xs, ys)(*arrays)
    for found, w in zip(f(*arrays), wanted, strict=True):
        got, w = np.asarray(found), np.asarray(w)
        # numbers for all entries have the library's own type, and NumPy's ldexp of an int half precision
        alike = got.dtype == w.dtype or (
            got.dtype == np.float64 and w.dtype in (np.int64, np.float16)
        )
        if got.shape != w.shape or not alike:
            return f"{got.shape} {got.dtype}, not {w.shape} {w.dtype}"
        if not np.allclose(got, w, rtol=rtol, atol=rtol, equal_nan=True):
            return f"{got.ravel()[:3]}, not {w.ravel()[:3]}"
    return None


@pytest.mark.slow
def test_functions_of_arrays(library):
    wrong = []
    for case in CASES:
        if case.id.startswith(NOT_UNIQUE):
            continue
        xs, arrays = symbols_of(case, SIZES[0]), draw(case, SIZES[0])
        ys = as_list(case.call(sg, *xs))
        wrong.append((case.id, differs(library, xs, ys, arrays, 1e-11)))
        floats = [x for x in xs if x.dtype.kind == "f"]
        if case.smooth and floats:
            squares = [sg.sum(y * y) for y in ys if y.dtype.kind == "f"]
            slopes = sg.grad(sum(squares, sg.constant(0.0)), floats)
            wrong.append((f"slope of {case.id}", differs(library, xs, slopes, arrays, 1e-9)))
    assert [pair for pair in wrong if pair[1]] == []


@pytest.mark.slow
def test_functions_of_entries(library):
    wrong = []
    for op, params in CALLS:
        if op.name == "polygamma_of_order":  # an order that is no int is an error of JAX's own
            continue
        xs, y = build(op, params)
        kinds = [x.dtype for x in xs]
        arrays = [np.array(c, k) for c, k in zip(zip(*sample(op), strict=True), kinds, strict=True)]
        wrong.append((op.name, params, differs(library, xs, [y], arrays, 1e-11)))
        floats = [x for x in xs if x.dtype.kind == "f" and x in set(free_symbols(y))]
        if y.dtype.kind != "f":
            continue
        try:
            slopes = [sg.diff(y, x) for x in floats]
        except sg.SymgradError:  # it has none
            continue
        wrong.append((f"slope of {op.name}", params, differs(library, xs, slopes, arrays, 1e-9)))
    assert [row for row in wrong if row[2]] == []


def test_a_formula_of_arrays_and_its_slopes(library):
    f = sg.sum(sg.exp(A @ v)) + sg.linalg.det(A) + sg.max(v) - sg.log(1 + sg.sum(v[1:] ** 2))
    formulas = [f, *sg.grad(f, [A, v]), sg.hessian(f, v)]
    rng = np.random.default_rng(0)
    for n in (2, 4):
        arrays = [rng.normal(size=(n, n)), rng.normal(size=n)]
        assert differs(library, [A, v], formulas, arrays, 1e-10) is None


def test_scalars_broadcast_and_constants_have_the_shape_of_arguments(library):
    formulas = [x * y + 1, sg.constant(3.0), sg.diff(x * y, x), sg.where(x > y, x, 0)]
    arrays = [np.arange(3.0)[:, None], np.arange(2.0)]
    assert differs(library, [x, y], formulas, arrays, 1e-12) is None
    f = sg.lambdify([x, y], {"sum": x + y}, backend=library)
    assert float(f(1.0, y=2.0)["sum"]) == 3.0
    assert f.outputs == {"sum": x + y} or f.outputs["sum"] is x + y
    namespace = {}
    exec(f.source, namespace)  # it stands alone
    assert float(namespace["f"](1.0, 2.0)["sum"]) == 3.0


def test_transformations_see_through_it():
    jax = pytest.importorskip("jax", reason="JAX is not installed: the extra 'jax'")
    f = sg.lambdify(v, sg.sum(sg.sin(v) * v**2), backend="jax")
    given = np.array([0.5, -1.0, 2.0])
    slope = sg.lambdify(v, sg.grad(sg.sum(sg.sin(v) * v**2), v))(given)
    np.testing.assert_allclose(jax.jit(jax.grad(f))(given), slope, rtol=1e-5)
    rows = np.stack([given, 2 * given])
    np.testing.assert_allclose(jax.vmap(f)(rows), [f(row) for row in rows], rtol=1e-5)


def test_gradients_of_torch_go_through_it():
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: the extra 'torch'")
    f = sg.lambdify(v, sg.sum(sg.sin(v) * v**2), backend="torch")
    given = torch.tensor([0.5, -1.0, 2.0], dtype=torch.float64, requires_grad=True)
    f(given).backward()
    slope = sg.lambdify(v, sg.grad(sg.sum(sg.sin(v) * v**2), v))(given.detach().numpy())
    np.testing.assert_allclose(given.grad.numpy(), slope, rtol=1e-12)


def test_what_is_refused(library):
    with pytest.raises(sg.ShapeError, match="argument v"):
        sg.lambdify([A, v], A @ v, backend=library)(np.eye(3), np.ones(2))
    with pytest.raises(sg.ArgumentError, match="missing argument y"):
        sg.lambdify([x, y], x * y, backend=library)(1.0)
    with pytest.raises(sg.ArgumentError, match="takes no structured"):
        sg.lambdify(v, v, backend=library, structured=True)
    with pytest.raises(sg.ArgumentError, match="code for implicit, which this formula needs"):
        sg.lambdify(y, sg.implicit(x**3 - y, x, y), backend=library)
    with pytest.raises(sg.ArgumentError, match=r"has no \w+, which this formula needs"):
        sg.lambdify([x, y], sg.special.kv(2, x) + y, backend=library)


@pytest.mark.parametrize("name", LIBRARIES)
def test_a_library_that_is_missing_is_named(name):
    if importlib.util.find_spec(name) is not None:
        pytest.skip(f"{name} is installed")
    with pytest.raises(sg.ArgumentError, match=rf"pip install .symgrad\[{name}\]"):
        sg.lambdify(x, x, backend=name)
