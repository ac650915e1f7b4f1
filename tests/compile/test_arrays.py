"""Arrays of every kind enter: compiled code gives what plain NumPy gives, to rounding."""

import threading

import numpy as np
import pytest

import symgrad as sg

x, y, z = sg.symbols("x y z")
OUTPUTS = [sg.sin(x) * y + x**3 - 2 * x * y + z / (1 + x**2), x * y**2 - x * z + y, x / (2 + z**2)]


def expected(x, y, z):
    value = np.sin(x) * y + x**3 - 2 * x * y + z / (1 + x**2)
    return [value, x * y**2 - x * z + y, x / (2 + z**2)]


@pytest.fixture(scope="module")
def compiled():
    return sg.lambdify([x, y, z], OUTPUTS)


KINDS = {
    "same shape": lambda a, b, c: (a, b, c),
    "numbers beside": lambda a, b, c: (a, 0.5, 2),
    "reversed": lambda a, b, c: (a[::-1], b, c[::-1]),
    "strided": lambda a, b, c: (np.repeat(a, 2)[::2], b, 0.3),
    "float32": lambda a, b, c: tuple(t.astype(np.float32) for t in (a, b, c)),
    "integers": lambda a, b, c: ((5 * a).astype(int), (9 * b * b).astype(np.uint8), c),
    "booleans": lambda a, b, c: (a > 0, b, c),
    "big-endian": lambda a, b, c: (a.astype(">f8"), b, c),
    "broadcast": lambda a, b, c: (a[:300, None], b[None, :200], c[:1]),
    "Fortran": lambda a, b, c: (np.outer(a[:200], b[:250]).T, np.outer(b[:250], a[:200]), 1.5),
    "three axes": lambda a, b, c: (
        a[:20].reshape(-1, 1, 1),
        b[:30].reshape(-1, 1),
        np.multiply.outer(np.outer(a[:20], b[:30]), c[:40]),
    ),
}


@pytest.mark.parametrize("n", [0, 1, 7, 1000, 50_000])
@pytest.mark.parametrize("kind", KINDS)
def test_kinds_of_arrays(compiled, kind, n):
    arguments = KINDS[kind](*np.random.default_rng(n).normal(size=(3, n)))
    before = [np.array(a) for a in arguments]
    results = compiled(*arguments)
    wide = [np.asarray(a, float) for a in arguments]
    narrow = all(np.asarray(a).dtype == np.float32 for a in arguments)
    shape = np.broadcast_shapes(*[np.shape(a) for a in arguments])
    for result, right in zip(results, expected(*wide), strict=True):
        assert result.shape == shape and result.dtype == (np.float32 if narrow else np.float64)
        scale = 1 + np.max(np.abs(right), initial=0)
        limit = (1e-5 if narrow else 1e-13) * scale
        np.testing.assert_allclose(result, np.broadcast_to(right, shape), rtol=0, atol=limit)
    for a, old in zip(arguments, before, strict=True):
        np.testing.assert_array_equal(a, old)


def test_floats_and_arrays_agree_at_the_edges(compiled):
    edges = [np.nan, np.inf, -np.inf, 1e300, -1e300, 5e-324, 0.0, -0.0, 1.5]
    grid = [g.ravel() for g in np.meshgrid(edges, edges, edges)]
    with np.errstate(all="ignore"):
        arrays = np.array(compiled(*grid))
    floats = np.array([compiled(*map(float, point)) for point in zip(*grid, strict=True)]).T
    np.testing.assert_allclose(arrays, floats, rtol=1e-15)


@pytest.mark.parametrize("n", [5, 100_000])
def test_results_may_go_where_arguments_are(compiled, n):
    a, b, c = np.random.default_rng(n).normal(size=(3, n))
    right = expected(a, b, c)
    compiled(a, b, c, out=[a, c, b])
    for result, want in zip((a, c, b), right, strict=True):
        np.testing.assert_allclose(result, want, rtol=1e-12, atol=1e-12)
    line = np.random.default_rng(1).normal(size=n + 1)
    want = line[:-1] * np.sin(line[:-1]) + 1
    sg.lambdify(x, x * sg.sin(x) + 1)(line[:-1], out=line[1:])  # one entry further
    np.testing.assert_allclose(line[1:], want, rtol=1e-12)


def test_a_new_function_called_by_many_threads_at_once():
    f = sg.lambdify([x, y, z], OUTPUTS)
    v = sg.vector("v", 4)
    g = sg.lambdify(v, sg.hessian(sg.sin(v[0] * v[1]) * v[2] ** 2 + sg.exp(v[3]) * v[0], v))
    rng = np.random.default_rng(4)
    data = [rng.normal(size=(3, n)) for n in (3, 50_000, 7)]
    right = [expected(*d) for d in data]
    at = rng.normal(size=4)
    hessian = sg.lambdify(v, g.outputs)(at)
    start, wrong = threading.Barrier(6), []

    def work():
        start.wait()
        for _ in range(5):
            for d, r in zip(data, right, strict=True):
                wrong.extend(not np.allclose(p, q) for p, q in zip(f(*d), r, strict=True))
            wrong.append(not np.allclose(f(0.5, 1.5, 2.0), expected(0.5, 1.5, 2.0)))
            wrong.append(not np.allclose(g(at), hessian))

    threads = [threading.Thread(target=work) for _ in range(6)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert len(wrong) == 6 * 5 * 11 and not any(wrong)
