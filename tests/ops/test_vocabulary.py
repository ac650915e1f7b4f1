"""The wider vocabulary of NumPy on Variables, in named extents, and what is refused with a reason."""

import numpy as np
import pytest
import scipy.linalg
import scipy.special
import scipy.stats
from tests.ops.case import SIZES, as_list
from tests.ops.vocabulary import VOCABULARY

import symgrad as sg
from symgrad.ops.refused import REASONS
from symgrad.ops.table import FUNCTIONS, UFUNCS

x = sg.vector("x", 4)
A = sg.matrix("A", (3, 3))
EVERY_FOURTH = VOCABULARY[::4]


@pytest.mark.parametrize("case", EVERY_FOURTH, ids=[c.id for c in EVERY_FOURTH])
def test_variables(case):
    """Functions lift their operands: by our names and by NumPy's."""
    arrays = [operand.draw(case.rng, SIZES[0]) for operand in case.operands]
    if any(a.dtype.kind != "f" for a in arrays):
        pytest.skip("a Variable is floating")
    for space in (sg, np)[: 1 if case.reference else 2]:
        got = as_list(case.call(space, *[sg.variable(a) for a in arrays]))
        for value, expected in zip(got, case.oracle(*arrays), strict=True):
            np.testing.assert_allclose(value.data, expected, rtol=1e-12, atol=1e-14)


def test_variables_go_backwards():
    p = sg.variable(np.array([3.0, 1.0, 2.0]))
    (np.median(p) + np.diff(p)[0] * sg.nansum(p**2)).backward()
    expected = [0, 0, 1] + 14 * np.array([-1, 1, 0]) - 2 * 2 * p.data
    np.testing.assert_allclose(p.grad.data, expected)


# Refused, with the reason


def _call(name):
    space = np
    for part in name.split("."):
        space = getattr(space, part)
    return space


# Functions that need other arguments than one array
_ARGUMENTS = {
    "put": (x, [0], 1.0),
    "place": (x, [True, False, True, False], [1.0]),
    "putmask": (x, [True, False, True, False], [1.0]),
    "copyto": (x, 1.0),
    "fill_diagonal": (A, 1.0),
    "put_along_axis": (x, [0], 1.0, 0),
    "histogram2d": (x, x),
    "lexsort": ((x, x),),
    "isin": (x, [1.0]),
    "save": ("f", x),
    "savetxt": ("f", x),
    "savez": ("f", x),
    "savez_compressed": ("f", x),
    "can_cast": (x, float),
    **dict.fromkeys("union1d intersect1d setdiff1d setxor1d may_share_memory".split(), (x, x)),
    "shares_memory": (x, x),
    "linalg.eig": (A,),
    "linalg.eigvals": (A,),
}
_BITWISE = "left_shift right_shift bitwise_left_shift bitwise_right_shift gcd lcm".split()
_UNASKED = {"isdtype", "fromstring", "frombuffer", "datetime_as_string"}  # take no expression
_ARGUMENTS |= {
    "ravel_multi_index": ((x, x), (4, 4)),
    "unravel_index": (x, (4,)),
    "einsum_path": ("i,i", x, x),
    "busday_count": (x, x),
    "busday_offset": (x, x),
}


def test_every_function_of_numpy_is_there_or_refused_with_a_reason():
    """Ufuncs, and functions that ask their operands for what they are; in all rooms."""
    asked, refused = [], []
    for room, space in (("", np), ("linalg.", np.linalg), ("fft.", np.fft)):
        for name in dir(space):
            function = getattr(space, name)
            if isinstance(function, np.ufunc) or hasattr(function, "_implementation"):
                asked.append(room + name)
                if function not in FUNCTIONS and function not in UFUNCS:
                    refused.append(room + name)
    unexplained = [n for n in refused if n not in REASONS and n not in UFUNCS]
    assert not unexplained
    assert len(asked) > 300


@pytest.mark.parametrize("name", sorted(set(REASONS) - _UNASKED))
def test_refused_with_a_reason(name):
    k = sg.vector("k", 2, dtype=int)
    arguments = _ARGUMENTS.get(name, (k, k) if name in _BITWISE else (x,))
    with pytest.raises(sg.ArgumentError) as caught:
        _call(name)(*arguments)
    assert REASONS[name] in str(caught.value)
    assert f"numpy.{name} " in str(caught.value) or name.startswith("bitwise")


@pytest.mark.parametrize(
    "call",
    [
        lambda e: scipy.linalg.block_diag(e, e),
        scipy.linalg.expm,
        scipy.linalg.cholesky,
        lambda e: scipy.linalg.toeplitz(e[0]),
        scipy.special.logsumexp,
        scipy.stats.norm.logpdf,
    ],
)
def test_scipy_does_not_make_object_arrays(call):
    with pytest.raises(sg.ArgumentError, match="symgrad"):
        call(A)


ERRORS = {
    "delete": (lambda: sg.delete(x, 7), sg.ShapeError, "out of bounds"),
    "delete at": (lambda: sg.delete(x, sg.symbol("k", dtype=int)), sg.ShapeError, "expression"),
    "delete named": (lambda: sg.delete(sg.vector("v", "n"), 0), sg.ShapeError, "known extent"),
    "insert": (lambda: sg.insert(x, 9, 1.0), sg.ShapeError, "out of bounds"),
    "insert values": (lambda: sg.insert(A, [0, 1], x, 0), sg.ShapeError, "broadcast"),
    "linspace": (lambda: sg.linspace(x, 1, -1), sg.ArgumentError, "negative"),
    "linspace num": (lambda: sg.linspace(x, 1, 2.5), sg.ShapeError, "int"),
    "meshgrid": (lambda: sg.meshgrid(x, x, indexing="yx"), sg.ArgumentError, "'ij'"),
    "meshgrid matrix": (lambda: sg.meshgrid(A), sg.ShapeError, "vectors"),
    "vander": (lambda: sg.vander(A), sg.ShapeError, "vector"),
    "diff scalar": (lambda: np.diff(x[0]), sg.ShapeError, "derivative"),
    "diff order": (lambda: np.diff(x, -1), sg.ArgumentError, "negative"),
    "gradient": (lambda: np.gradient(x[:1]), sg.ShapeError, "2 samples"),
    "gradient named": (lambda: np.gradient(sg.vector("v", "n")), sg.ShapeError, "known extent"),
    "gradient steps": (lambda: np.gradient(A, 1.0, 2.0, 3.0), sg.ArgumentError, "3"),
    "gradient places": (lambda: np.gradient(A, x, axis=0), sg.ShapeError, "places"),
    "quantile method": (
        lambda: sg.quantile(x, 0.5, method="inverted_cdf"),
        sg.ArgumentError,
        "hazen",
    ),
    "quantile range": (lambda: sg.quantile(x, 1.5), sg.ArgumentError, "0 to 1"),
    "percentile range": (lambda: sg.percentile(x, -1), sg.ArgumentError, "0 to 100"),
    "quantile weights": (lambda: sg.quantile(x, 0.5, weights=x), sg.ArgumentError, "weights"),
    "median": (lambda: sg.median(sg.zeros((0,))), sg.ShapeError, "empty"),
    "average": (lambda: sg.average(A, weights=x), sg.ShapeError, "weights"),
    "cov": (lambda: sg.cov(A, aweights=x), sg.ShapeError, "observation"),
    "convolve": (lambda: sg.convolve(A, x), sg.ShapeError, "vectors"),
    "convolve mode": (lambda: sg.convolve(x, x, "some"), sg.ArgumentError, "valid"),
    "polyfit": (lambda: np.polyfit(x, x, 1, full=True), sg.ArgumentError, "lstsq"),
    "polyval": (lambda: sg.polyval(A, 1.0), sg.ShapeError, "coefficients"),
    "choose": (lambda: np.choose(x, [x, x]), sg.ShapeError, "integers"),
    "rot90": (lambda: sg.rot90(A, axes=(0, 0)), sg.ArgumentError, "different"),
    "vsplit": (lambda: sg.vsplit(x, 2), sg.ShapeError, "2 axes"),
    "array_split": (lambda: sg.array_split(x, 0), sg.ArgumentError, "one section"),
    "qr": (lambda: sg.linalg.qr(sg.matrix("B", ("m", "n"))), sg.ShapeError, "larger"),
    "qr complete": (lambda: sg.linalg.qr(A[:, :2], "complete"), sg.ArgumentError, "basis"),
    "tensorinv": (lambda: sg.linalg.tensorinv(A, 0), sg.ArgumentError, "positive"),
    "solve_triangular": (
        lambda: sg.linalg.solve_triangular(A, x[:3], 5),
        sg.ArgumentError,
        "trans",
    ),
    "cho_solve": (lambda: sg.linalg.cho_solve(A, x[:3]), sg.ArgumentError, "pair"),
    "toeplitz": (lambda: sg.linalg.toeplitz(A), sg.ShapeError, "vectors"),
    "rfft": (lambda: sg.fft.rfft(x[0]), sg.ShapeError, "one axis"),
    "rfft named": (lambda: sg.fft.rfft(sg.vector("v", "n")), sg.ShapeError, "known extent"),
    "rfft points": (lambda: sg.fft.rfft(x, 0), sg.ArgumentError, "positive"),
    "irfft": (lambda: sg.fft.irfft(x), sg.ArgumentError, "pair"),
    "reshape": (lambda: sg.reshape(A, 9, order="X"), sg.ArgumentError, "orders"),
    "out": (lambda: np.median(x, out=np.zeros(())), sg.ArgumentError, "out="),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors_say_what_is_wrong(name):
    call, kind, text = ERRORS[name]
    with pytest.raises(kind, match=text):
        call()


# Values and dtypes that the contract does not look at


def test_ends_of_a_range_are_exact():
    """The last sample is the end itself, so that what is defined up to there is defined there."""
    a = sg.symbol("a")
    value = 0.7234567
    samples = sg.evaluate(sg.linspace(-a, a, 8), {a: value})
    assert samples[0] == -value and samples[-1] == value
    assert sg.linspace(a, 7, 3, dtype=int).dtype.kind == "i"
    np.testing.assert_array_equal(sg.evaluate(sg.linspace(a, 7, 3, dtype=int), {a: 0.0}), [0, 3, 7])


def test_convolutions_of_all_lengths():
    """Which entries the modes keep depends on both lengths, and on which is the larger."""
    for n, m in ((5, 2), (2, 5), (3, 4), (2, 2), (1, 3)):
        u, v = np.arange(1.0, n + 1), np.arange(2.0, m + 2) ** 2
        for mode in ("full", "same", "valid"):
            for function in (np.convolve, np.correlate):
                got = sg.evaluate(function(sg.constant(u), sg.constant(v), mode), {})
                np.testing.assert_allclose(got, function(u, v, mode), rtol=1e-14)


def test_nan_reaches_medians_and_misses_the_others():
    values = {x: np.array([1.0, np.nan, 3.0, 5.0])}
    assert np.isnan(sg.evaluate(sg.median(x), values))
    assert sg.evaluate(sg.nanmedian(x), values) == 3.0
    none = {x: np.full(4, np.nan)}
    for function in (sg.nanmax, sg.nanmin, sg.nanmedian, sg.nanvar):
        assert np.isnan(sg.evaluate(function(x), none))
    assert sg.evaluate(sg.nansum(x), none) == 0.0


def test_quantiles_of_an_array_of_fractions_are_differentiable_by_them():
    q = sg.vector("q", 2)
    values = {x: np.array([4.0, 1.0, 3.0, 9.0]), q: np.array([0.2, 0.7])}
    J = sg.evaluate(sg.jacobian(sg.quantile(x, q), q), values)
    np.testing.assert_allclose(J, [[6.0, 0.0], [0.0, 15.0]], atol=1e-12)


def test_linear_algebra_in_scipy_names():
    rng = np.random.default_rng(0)
    M, b = rng.normal(size=(3, 3)) + 4 * np.eye(3), rng.normal(size=3)
    v = sg.vector("v", 3)
    at = {A: M, v: b}
    L = sg.linalg
    checks = [
        (L.block_diag(A, v, 2.0), scipy.linalg.block_diag(M, b, 2.0)),
        (L.toeplitz(v), scipy.linalg.toeplitz(b)),
        (L.toeplitz(v, A[0]), scipy.linalg.toeplitz(b, M[0])),
        (L.cho_solve((A, False), v), scipy.linalg.cho_solve((M, False), b)),
        *[
            (
                L.solve_triangular(A, v, trans=t, lower=low, unit_diagonal=unit),
                scipy.linalg.solve_triangular(M, b, trans=t, lower=low, unit_diagonal=unit),
            )
            for t in (0, "T")
            for low in (False, True)
            for unit in (False, True)
        ],
    ]
    for ours, theirs in checks:
        np.testing.assert_allclose(sg.evaluate(ours, at), theirs, rtol=1e-12)
    sg.check_grad(sg.sum(L.solve_triangular(A, v, lower=True) ** 2), A, at={A: M, v: b})


def test_attributes():
    B = sg.symbol("B", (2, 3, 4))
    values = np.arange(24.0).reshape(2, 3, 4)
    for ours, theirs in (
        (B.mT, values.mT),
        (B.reshape(4, 6, order="F"), values.reshape((4, 6), order="F")),
        (B.reshape((-1, 4), order="F"), values.reshape((-1, 4), order="F")),
        (B.ravel(order="F"), values.ravel(order="F")),
        (np.reshape(B, 24, order="F"), values.reshape(24, order="F")),
        (B.imag, values.imag),
        (B.flat, values.ravel()),
    ):
        np.testing.assert_array_equal(sg.evaluate(ours, {B: values}), theirs)
    assert B.copy() is B and B.real is B and np.conj(B) is B
    w = sg.variable(values)
    assert w.real is w and w.mT.shape == (2, 4, 3)
    np.testing.assert_array_equal(
        w.reshape(4, 6, order="F").data, values.reshape((4, 6), order="F")
    )
