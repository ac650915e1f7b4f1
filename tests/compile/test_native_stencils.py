"""Sums of shifted parts as native code: the values of the NumPy code, to the bit where only added."""

import numpy as np
import pytest

import symgrad as sg
from symgrad.compile.native_stencils import NativeStencil
from symgrad.expr.tuning import tuned

u, w, a = sg.matrix("u", ("m", "n")), sg.vector("w", "n"), sg.symbol("a")
c = sg.symbol("c", shape=("k", "m", "n"))


@pytest.fixture(autouse=True)
def every_loop():
    """Loops for arrays of any size, shared out to threads."""
    with tuned(large_entries=1, heavy_entries=1, native_entries=1, space_entries=1, space_cost=1,
               threaded_work=1, shared_entries=1):  # fmt: skip
        yield


def membrane(x):
    down, right = x[1:, :] - x[:-1, :], x[:, 1:] - x[:, :-1]
    return (sg.sum(down**2) + sg.sum(right**2)) / 2


def surface(x):
    down, right = x[1:, :-1] - x[:-1, :-1], x[:-1, 1:] - x[:-1, :-1]
    return sg.sum(sg.sqrt(1 + down**2 + right**2))


def bending(x):
    return sg.sum((x[2:, :] - 2 * x[1:-1, :] + x[:-2, :]) ** 2) * a


CASES = {
    "membrane": ([u], sg.grad(membrane(u), u)),
    "surface": ([u], sg.grad(surface(u), u)),
    "bending": ([u, a], sg.grad(bending(u), u)),
    "weighted": ([u, w], sg.grad(sg.sum(w[1:] * sg.sin(u[:, 1:] - u[:, :-1])), u)),
    "line": ([w], sg.grad(sg.sum(sg.cosh(w[3:] - w[:-3])), w)),
    "space": ([c], sg.grad(sg.sum((c[1:, 1:] - c[:-1, :-1]) ** 2), c)),
    "energy": ([u], [membrane(u), sg.grad(membrane(u), u), 2 * u]),
}
SHAPES = [(1, 5), (3, 7), (40, 33)]
COMPILED = {}


def compiled(name):
    if name not in COMPILED:
        args, outputs = CASES[name]
        COMPILED[name] = (
            sg.lambdify(args, outputs, backend="native", threads=2),
            sg.lambdify(args, outputs, threads=1),
        )
    return COMPILED[name]


def arguments(rng, args, shape, dtype=np.float64):
    extents = {"m": shape[0], "n": shape[1], "k": 4}
    return [
        (rng.uniform(-2, 2, [extents[d] for d in x.shape])).astype(dtype) if x.shape else 0.75
        for x in args
    ]


def layouts(x):
    yield x
    if len(x) != 3:
        return
    yield np.asfortranarray(x)
    yield np.repeat(x, 2, axis=0)[::2]
    yield x[::-1].copy()[::-1]


def as_list(results):
    return results if isinstance(results, list) else [results]


@pytest.mark.parametrize("name", CASES)
def test_values_are_those_of_the_numpy_code(name):
    f, plain = compiled(name)
    assert "; native" in f.explain()
    rng = np.random.default_rng(len(name))
    for shape in SHAPES:
        given = arguments(rng, CASES[name][0], shape)
        try:
            want = as_list(plain._plain()(*plain._signature.check(given)))
        except sg.SymgradError as error:
            with pytest.raises(type(error)):
                f(*given)
            continue
        for first in layouts(given[0]):
            got = as_list(f(first, *given[1:]))
            for g, p in zip(got, want, strict=True):
                np.testing.assert_allclose(g, p, rtol=1e-13, atol=1e-13)


def test_nothing_but_additions_gives_the_same_bits():
    f, plain = compiled("membrane")
    for shape in SHAPES:
        x = np.random.default_rng(1).normal(size=shape)
        x[0, 0] = -0.0
        got, want = f(x), plain._plain()(x)
        np.testing.assert_array_equal(got, want)
        np.testing.assert_array_equal(np.signbit(got), np.signbit(want))


def test_single_precision_and_integers():
    f, plain = compiled("membrane")
    for dtype in (np.float32, np.int64):
        x = (np.random.default_rng(2).normal(size=(9, 8)) * 8).astype(dtype)
        got, want = f(x), plain(x)
        assert got.dtype == want.dtype
        np.testing.assert_allclose(got, want, rtol=1e-5)


def test_out_may_be_the_argument():
    f, plain = compiled("membrane")
    memory = np.random.default_rng(3).normal(size=(30, 30))
    for source, target in (
        (memory[2:22, 2:22], memory[2:22, 2:22]),
        (memory[2:22, 2:22], memory[3:23, 1:21]),
        (memory[2:22, 2:22], np.zeros((20, 20))),
        (memory[2:22, 2:22], np.zeros((20, 20), np.float64).T),
    ):
        want = plain._plain()(source.copy())
        assert f(source, out=target) is target
        np.testing.assert_array_equal(target, want)


def test_what_is_around_the_result_stays():
    f, plain = compiled("membrane")
    memory = np.full((12, 14), 7.5)
    x = np.random.default_rng(4).normal(size=(10, 12))
    f(x, out=memory[1:-1, 1:-1])
    np.testing.assert_array_equal(memory[1:-1, 1:-1], plain(x))
    memory[1:-1, 1:-1] = 7.5
    assert (memory == 7.5).all()


def test_it_is_one_pass_over_the_inner_box():
    f, _ = compiled("membrane")
    f(np.ones((50, 50)))
    (made,) = [b for b in f._larger()._made.values() if b is not None]
    (stencil,) = made.calls
    assert isinstance(stencil, NativeStencil)
    (boxes,) = [boxes for sizes, boxes in stencil._boxes.items() if sizes[0] == 50]
    assert len(boxes) == 9
    assert max(len(box.active) for box in boxes) == 4
    assert {box.low: box.high for box in boxes}[1, 1] == (49, 49)
