"""C code of arrays whose extents are known when it is called, compiled by the system's compiler."""

import ctypes
import shutil
import subprocess

import numpy as np
import pytest

import symgrad as sg

CC = next((cc for cc in ("cc", "gcc", "clang") if shutil.which(cc)), None)
STRICT = ["-std=c99", "-pedantic", "-Wall", "-Wextra", "-Werror", "-Wno-unused-but-set-variable"]
X, w, y = sg.matrix("X", ("m", "n")), sg.vector("w", "n"), sg.vector("y", "m")
u, s, Q = sg.matrix("u", ("m", "n")), sg.symbol("s"), sg.matrix("Q", ("n", "n"))
LOSS = sg.mean(sg.logaddexp(0, -y * (X @ w)))
SURFACE = sg.sum(sg.sqrt(1 + (u[1:, :-1] - u[:-1, :-1]) ** 2 + (u[:-1, 1:] - u[:-1, :-1]) ** 2))

CASES = {
    "logistic": ([X, w, y], [LOSS, sg.grad(LOSS, w), sg.hessian(LOSS, w)]),
    "number": ([X, w], sg.sum(X @ w) + sg.size(X, 0)),
    "surface": ([u], [SURFACE, sg.grad(SURFACE, u)]),
    "softmax": ([X], [sg.softmax(X, axis=1), sg.max(X, axis=0), sg.logsumexp(X, axis=1)]),
    "statistics": ([X], [sg.var(X, axis=0), sg.mean(X), sg.min(X, axis=1), sg.prod(X, axis=0)]),
    "views": ([X, w], [X.T, X[::-1, 1:], X[:, None, 0], X[-1] + w, w[::2]]),
    "products": ([X, Q, w], [X @ Q @ X.T, sg.trace(Q), s * Q, sg.outer(w, w)]),
    "joined": ([X, w], [sg.concatenate([X, Q]), sg.stack([w, 2 * w])]),
    "chosen": ([X, s], [sg.where(s < X, X, 0.0), sg.sum(sg.where(X > 0, X**2, -X)), s * X]),
    "broadcast": (
        [w, s],
        [sg.broadcast_to(s, ("n", 3)), sg.zeros(("n",)), w, s, sg.ones((2, "n")) * w],
    ),
    "three": ([u, w], [sg.sum(sg.sin(u[:, None, :] - u[None, :, :]) * w, axis=(0, 2))]),
}
CASES["products"][0].append(s)
CASES["joined"][0].append(Q)


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    """All functions, in one library, and their forms with NumPy."""
    if CC is None:
        pytest.skip("there is no C compiler")
    folder = tmp_path_factory.mktemp("arrays")
    made = {name: sg.lambdify(args, out, name=f"f_{name}") for name, (args, out) in CASES.items()}
    source, library = folder / "all.c", folder / "all.so"
    source.write_text("\n".join(f.c_source for f in made.values()))
    run = subprocess.run(
        [CC, *STRICT, "-O1", "-fPIC", "-shared", str(source), "-o", str(library), "-lm"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    return ctypes.CDLL(str(library)), made


def guarded(size):
    """Memory between canaries."""
    memory = np.full(size + 16, -7.25)
    return memory, memory[8 : 8 + size]


def extents_of(args, shape):
    known = {"m": shape[0], "n": shape[1]}
    names = dict.fromkeys(d for x in args for d in x.shape)
    return [known[d] for d in names], known


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("shape", [(4, 3), (3, 5), (2, 2), (300, 2)])
def test_values_are_those_of_the_numpy_code(compiled, name, shape):
    library, made = compiled
    args, f = CASES[name][0], made[name]
    extents, known = extents_of(args, shape)
    rng = np.random.default_rng(sum(shape))
    given = [
        np.ascontiguousarray(rng.normal(size=[known[d] for d in x.shape])) if x.shape else 0.375
        for x in args
    ]
    want = f(*given)
    numbers = [ctypes.c_ssize_t(n) for n in extents]
    values = [
        ctypes.c_double(a) if np.ndim(a) == 0 else ctypes.c_void_p(a.ctypes.data) for a in given
    ]
    call, memories = getattr(library, f"f_{name}"), []
    single = not isinstance(want, list)
    call.restype = ctypes.c_double if single else None
    results = [guarded(np.size(w)) for w in ([] if single else want)]
    memories += [memory for memory, _ in results]
    workspace = []
    if hasattr(library, f"f_{name}_workspace"):
        size = getattr(library, f"f_{name}_workspace")
        size.restype = ctypes.c_ssize_t
        memory, inner = guarded(size(*numbers))
        memories.append(memory)
        workspace = [ctypes.c_void_p(inner.ctypes.data)]
    pointers = [ctypes.c_void_p(inner.ctypes.data) for _, inner in results]
    before = [np.copy(a) for a in given]
    got = call(*numbers, *values, *pointers, *workspace)
    for memory in memories:
        assert (memory[:8] == -7.25).all()
        assert (memory[-8:] == -7.25).all()
    for a, b in zip(given, before, strict=True):
        np.testing.assert_array_equal(a, b)
    if single:
        assert got == pytest.approx(float(want), rel=1e-13)
        return
    for (_, inner), w in zip(results, want, strict=True):
        np.testing.assert_allclose(inner.reshape(np.shape(w)), w, rtol=1e-12, atol=1e-12)


def test_sums_are_as_accurate_as_those_of_numpy(compiled):
    library, _ = compiled
    x = np.full((1, 1_000_000), 0.1)
    call = library.f_statistics
    call.restype = None
    library.f_statistics_workspace.restype = ctypes.c_ssize_t
    extents = [ctypes.c_ssize_t(1), ctypes.c_ssize_t(x.size)]
    work = np.empty(library.f_statistics_workspace(*extents))
    results = [np.empty(x.size), np.empty(1), np.empty(1), np.empty(x.size)]
    pointers = [ctypes.c_void_p(a.ctypes.data) for a in (x, *results, work)]
    call(*extents, *pointers)
    assert results[1][0] == pytest.approx(0.1, rel=2e-14)


def test_an_entry_that_is_nan_is_seen(compiled):
    library, _ = compiled
    x = np.array([[1.0, np.nan, 3.0], [np.nan, 2.0, 5.0]])
    f = sg.lambdify(X, [sg.max(X, axis=0)])
    results = [np.empty((2, 3)), np.empty(3), np.empty(2)]
    work = np.empty(100)
    extents = [ctypes.c_ssize_t(2), ctypes.c_ssize_t(3)]
    call = library.f_softmax
    call.restype = None
    call(*extents, *[ctypes.c_void_p(a.ctypes.data) for a in (x, *results, work)])
    np.testing.assert_array_equal(results[1], f(x)[0])


def test_the_source_tells_of_extents_and_memory():
    source = sg.lambdify([X, w], sg.tanh(X @ w) * 2, name="layer").c_source
    assert (
        "void layer(ptrdiff_t m, ptrdiff_t n_, const double *X, const double *w, double *out0"
        in source
    )
    assert "ptrdiff_t layer_workspace(ptrdiff_t m, ptrdiff_t n_)" in source
    assert "malloc" not in source


def test_what_has_no_code_is_named():
    for formula, word in (
        (sg.linalg.det(Q), "det"),
        (sg.special.lambertw(w), "lambertw"),
        (w > 0, "truth"),
    ):
        with pytest.raises(sg.ArgumentError, match=word):
            _ = sg.lambdify([Q, w], formula).c_source
