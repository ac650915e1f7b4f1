"""Cases for the wider vocabulary of NumPy: what is composed of other ops, to be called by NumPy's names."""

from __future__ import annotations

import numpy as np
from tests.ops.case import Operand, case, fixed

S, V, M = Operand(""), Operand("n"), Operand("m n")
P, Q, R = Operand("3"), Operand("2"), Operand("3 4")
T = Operand("2 3 2")
SQUARE = Operand("3 3", regular=True)


def gaps(xp, x):
    """Ascending places with distances of 1.5 and more."""
    return xp.cumsum(x * 0.25 + 2.0)


JOINING = [
    case("atleast_1d", lambda xp, x: xp.atleast_1d(x), S),
    case("atleast_2d", lambda xp, x, y: xp.atleast_2d(x, y), V, M),
    case("atleast_3d", lambda xp, x, y, z: xp.atleast_3d(x, y, z), S, V, M, dtypes="f"),
    case("column_stack", lambda xp, x, y: xp.column_stack([x, y]), V, Operand("n m")),
    case("dstack", lambda xp, x, y: xp.dstack([x, y]), M, M),
    case("dstack-vectors", lambda xp, x, y: xp.dstack((x, y)), V, V, dtypes=""),
    case("append", lambda xp, x, y: xp.append(x, y), M, V),
    case("append-axis", lambda xp, x, y: xp.append(x, y, axis=0), M, M, dtypes=""),
    fixed("delete", lambda xp, x: xp.delete(x, [0, -2], axis=1), R),
    fixed("delete-flat", lambda xp, x: xp.delete(x, slice(1, 9, 3)), R, dtypes=""),
    fixed("insert", lambda xp, x, y: xp.insert(x, 1, y, axis=1), R, P, dtypes="f"),
    fixed("insert-several", lambda xp, x, y: xp.insert(x, [1, 3], y, axis=0), R, Operand("2 4")),
    fixed("insert-one", lambda xp, x, y: xp.insert(x, [-1], y, 1), R, Operand("3 2"), dtypes=""),
    fixed("insert-flat", lambda xp, x: xp.insert(x, slice(0, 2), 7.0), R, dtypes="f"),
    fixed("resize", lambda xp, x: xp.resize(x, (4, 2)), P),
    fixed("resize-tiled", lambda xp, x: xp.resize(x, (2, 3)), P, dtypes=""),
    case("diagflat", lambda xp, x: xp.diagflat(x, 1), V),
]

SPLITTING = [
    fixed("array_split", lambda xp, x: xp.array_split(x, 3, axis=1), R),
    fixed("array_split-places", lambda xp, x: xp.array_split(x, [1, 9]), R, dtypes=""),
    fixed("hsplit", lambda xp, x: xp.hsplit(x, 2), R),
    fixed("hsplit-vector", lambda xp, x: xp.hsplit(x, [1]), P, dtypes=""),
    fixed("vsplit", lambda xp, x: xp.vsplit(x, 3), R, dtypes=""),
    fixed("dsplit", lambda xp, x: xp.dsplit(x, 2), T, dtypes=""),
    fixed("unstack", lambda xp, x: xp.unstack(x, axis=1), R),
    case("fliplr", lambda xp, x: xp.fliplr(x), M),
    case("flipud", lambda xp, x: xp.flipud(x), M),
    *[case(f"rot90-{k}", lambda xp, x, k=k: xp.rot90(x, k), M, dtypes="") for k in (0, 1, 2, -1)],
    fixed("rot90-axes", lambda xp, x: xp.rot90(x, 1, axes=(2, 0)), T, dtypes=""),
    fixed("rollaxis", lambda xp, x: np.rollaxis(x, 2, 1), T, dtypes=""),
    fixed("rollaxis-back", lambda xp, x: np.rollaxis(x, 0, 3), T, dtypes=""),
]

GRIDS = [
    case("linspace", lambda xp, x, y: xp.linspace(x, y, 5), S, V, dtypes="fi"),
    case("linspace-open", lambda xp, x, y: xp.linspace(x, y, 3, endpoint=False, axis=-1), V, V),
    case("linspace-step", lambda xp, x, y: xp.linspace(x, y, 4, retstep=True), S, S, dtypes=""),
    case("linspace-single", lambda xp, x, y: xp.linspace(x, y, 1), S, S, dtypes=""),
    case("linspace-none", lambda xp, x, y: xp.linspace(x, y, 0), S, S, dtypes=""),
    case("logspace", lambda xp, x, y: xp.logspace(x, y, 4, base=2.5), V, S, dtypes="f"),
    case("geomspace", lambda xp, x, y: xp.geomspace(x, y, 4), *[Operand("n", 0.5, 3.0)] * 2),
    case("meshgrid", lambda xp, x, y: xp.meshgrid(x, y), V, Operand("m")),
    case("meshgrid-ij", lambda xp, x, y: xp.meshgrid(x, y, 2.0, indexing="ij"), V, V, dtypes=""),
    case("meshgrid-sparse", lambda xp, x, y: xp.meshgrid(x, y, sparse=True), V, V, dtypes=""),
    case("vander", lambda xp, x: xp.vander(x, 4), V, dtypes="fi"),
    fixed("vander-increasing", lambda xp, x: xp.vander(x, increasing=True), P, dtypes=""),
]

DIFFERENCES = [
    case("diff", lambda xp, x: np.diff(x), M),
    case("diff-twice", lambda xp, x: np.diff(x, 2, axis=0, prepend=0.0, append=x), M, dtypes="f"),
    case("ediff1d", lambda xp, x: xp.ediff1d(x, to_end=x[0], to_begin=[1, 2]), M, dtypes="f"),
    case("trapezoid", lambda xp, x: xp.trapezoid(x, dx=0.5, axis=0), M, dtypes="fi"),
    case("trapezoid-places", lambda xp, y, x: xp.trapezoid(y, x, axis=0), M, Operand("m")),
    case("trapezoid-grid", lambda xp, y, x: xp.trapezoid(y, x), M, M, dtypes=""),
    fixed("gradient", lambda xp, x: np.gradient(x), R, dtypes="f"),
    fixed("gradient-edges", lambda xp, x: np.gradient(x, 0.5, axis=1, edge_order=2), R, dtypes=""),
    fixed(
        "gradient-places",
        lambda xp, y, x: np.gradient(y, gaps(xp, x), axis=0, edge_order=2),
        R,
        P,
        dtypes="",
    ),
    fixed("gradient-two", lambda xp, x, h: np.gradient(x, h), Q, Operand("", 0.5, 1.0), dtypes=""),
    case("unwrap", lambda xp, x: xp.unwrap(x * 4), M, dtypes="f"),
    case(
        "unwrap-period", lambda xp, x: xp.unwrap(x, axis=0, period=1.25, discont=1.0), M, dtypes=""
    ),
]

_Q = Operand("2", 0.05, 0.95)
_METHODS = "linear hazen weibull median_unbiased normal_unbiased interpolated_inverted_cdf".split()
STATISTICS = [
    case("median", lambda xp, x: xp.median(x), M, dtypes="fi"),
    case("median-axis", lambda xp, x: xp.median(x, axis=-1, keepdims=True), M, dtypes=""),
    case("quantile", lambda xp, x, q: xp.quantile(x, q, axis=0), M, _Q, dtypes="f"),
    case("percentile", lambda xp, x: xp.percentile(x, 30, axis=1, keepdims=True), M, dtypes="f"),
    *[
        fixed(
            f"quantile-{m}", lambda xp, x, m=m: xp.quantile(x, [0.02, 0.4], method=m), R, dtypes=""
        )
        for m in [*_METHODS, "lower", "higher", "midpoint", "nearest"]
    ],
    case("average", lambda xp, x: xp.average(x, axis=0), M),
    case(
        "average-weights", lambda xp, x, w: xp.average(x, axis=1, weights=w), M, Operand("n", 0.2)
    ),
    fixed(
        "average-returned",
        lambda xp, x, w: xp.average(x, axis=(2, 0), weights=w, returned=True),
        T,
        Operand("2 2", 0.2),
        dtypes="",
    ),
    case("ptp", lambda xp, x: xp.ptp(x, axis=0), M, dtypes="fi"),
    fixed("cov", lambda xp, x: xp.cov(x), R, dtypes="i"),
    fixed("cov-two", lambda xp, x, y: xp.cov(x, y, ddof=0), P, P, dtypes=""),
    fixed("cov-columns", lambda xp, x: xp.cov(x, rowvar=False, bias=True), R, dtypes=""),
    fixed(
        "cov-weights",
        lambda xp, x, w: xp.cov(x, fweights=[1, 2, 1, 3], aweights=w),
        R,
        Operand("4", 0.2),
        dtypes="",
    ),
    fixed("corrcoef", lambda xp, x: xp.corrcoef(x), R, dtypes=""),
    case("count_nonzero", lambda xp, x: xp.count_nonzero(x, axis=0), M, smooth=False),
    case("isclose", lambda xp, x, y: xp.isclose(x, y, atol=0.5), M, M, smooth=False),
    case("array_equiv", lambda xp, x: np.array_equiv(x, x[:1]), M, smooth=False, dtypes=""),
    fixed(
        "places",
        lambda xp, x: x[np.tril_indices_from(x, -1)] + x[np.triu_indices_from(x, 1)][:3],
        Operand("3 3"),
        dtypes="",
    ),
    fixed("places-diagonal", lambda xp, x: x[np.diag_indices_from(x)], Operand("3 3"), dtypes=""),
    case("allclose", lambda xp, x, y: xp.allclose(x, y, atol=5.0), M, M, smooth=False),
]


def holes(xp, x):
    """`x`, its entries far apart in every row, with nan at some of them."""
    places = np.arange(20).reshape(4, 5)
    return xp.where(places % 7 == 2, np.nan, x / 8 + places * 7 % 20)


_HOLED = Operand("4 5")
NAN_FUNCTIONS = [
    *[
        fixed(
            f"{name}-{axis}",
            lambda xp, x, n=name, a=axis: getattr(xp, n)(holes(xp, x), axis=a),
            _HOLED,
            dtypes="",
        )
        for name in "nansum nanprod nanmean nanvar nanstd nanmax nanmin nanmedian".split()
        for axis in (None, 1)
    ],
    fixed("nanvar-ddof", lambda xp, x: xp.nanvar(holes(xp, x), 1, ddof=1, keepdims=True), _HOLED),
    fixed(
        "nanquantile",
        lambda xp, x: xp.nanquantile(holes(xp, x), [0.2, 0.9], axis=1),
        _HOLED,
        dtypes="",
    ),
    fixed(
        "nanpercentile",
        lambda xp, x: xp.nanpercentile(holes(xp, x), 35.0, axis=1),
        _HOLED,
        dtypes="",
    ),
    fixed("nancumsum", lambda xp, x: xp.nancumsum(holes(xp, x), axis=1), _HOLED, dtypes=""),
    fixed("nancumprod", lambda xp, x: xp.nancumprod(holes(xp, x), axis=0), _HOLED, dtypes=""),
]

POLYNOMIALS = [
    case("convolve", lambda xp, x, y: xp.convolve(x, y), V, Operand("m"), dtypes="fi"),
    *[
        fixed(
            f"{name}-{n}-{m}-{mode}",
            lambda xp, x, y, f=name, o=mode: getattr(xp, f)(x, y, o),
            Operand(n),
            Operand(m),
            dtypes="",
        )
        for name in ("convolve", "correlate")
        for n, m in (("4", "3"),)
        for mode in ("full", "same", "valid")
    ],
    fixed("polyval", lambda xp, p, x: xp.polyval(p, x), P, M, dtypes="f"),
    fixed("polyadd", lambda xp, p, q: np.polyadd(p, q), P, Q, dtypes=""),
    fixed("polysub", lambda xp, p, q: np.polysub(p, q), Q, P, dtypes=""),
    fixed("polymul", lambda xp, p, q: np.polymul(p, q), P, Q, dtypes=""),
    fixed("polydiv", lambda xp, p, q: np.polydiv(p, q), Operand("4"), Operand("2", 0.5), dtypes=""),
    fixed("polyder", lambda xp, p: np.polyder(p, 2), Operand("4"), dtypes=""),
    fixed("polyint", lambda xp, p: np.polyint(p, 2, [3.0, 4.0]), P, dtypes=""),
    fixed("poly", lambda xp, p: np.poly(p), P, dtypes=""),
    fixed(
        "polyfit",
        lambda xp, y: np.polyfit([0.0, 1.0, 2.5, 3.0], y, 2),
        Operand("4"),
        dtypes="",
        wide=False,
    ),
    fixed(
        "polyfit-weights",
        lambda xp, x, y, w: np.polyfit(gaps(xp, x), y, 1, w=w),
        P,
        P,
        Operand("3", 0.5),
        dtypes="",
        wide=False,
    ),
]

PLAIN = [
    case("copy", lambda xp, x: np.copy(x), M),
    case("real", lambda xp, x: np.real(x), M, dtypes=""),
    case("imag", lambda xp, x: np.imag(x), M, smooth=False, dtypes=""),
    case("angle", lambda xp, x: np.angle(x), M, smooth=False, dtypes=""),
    case("isposinf", lambda xp, x: np.isposinf(x * np.inf), M, smooth=False, dtypes=""),
    case("full_like", lambda xp, x, y: np.full_like(x, y), M, V, dtypes=""),
    case(
        "choose",
        lambda xp, k, x, y: np.choose(k, [x, y, 2.0], mode="clip"),
        Operand("n", -2, 5, "int64"),
        V,
        V,
        dtypes="",
    ),
    case("cumulative_sum", lambda xp, x: xp.cumulative_sum(x, axis=1, include_initial=True), M),
    case("cumulative_prod", lambda xp, x: xp.cumulative_prod(x, axis=0), M, dtypes=""),
    fixed(
        "apply_along_axis",
        lambda xp, x: np.apply_along_axis(lambda v: v[:2] * v[-1], 0, x),
        R,
        dtypes="",
    ),
    fixed("apply_over_axes", lambda xp, x: np.apply_over_axes(np.sum, x, [0, -1]), T, dtypes=""),
    case("digitize", lambda xp, x: np.digitize(x, [1.0, 0.0, -1.0]), M, smooth=False, dtypes=""),
    case("i0", lambda xp, x: np.i0(x), M, wide=False, dtypes="f"),
]

MATRICES = [
    case("matvec", lambda xp, a, v: xp.matvec(a, v), Operand("k m n"), V, dtypes="fi"),
    case("vecmat", lambda xp, v, a: xp.vecmat(v, a), Operand("k m"), M, dtypes="fi"),
    fixed("qr", lambda xp, a: xp.linalg.qr(a), SQUARE, wide=False, dtypes="f"),
    fixed(
        "qr-tall",
        lambda xp, a: xp.linalg.qr(a),
        Operand("4 2", regular=True),
        wide=False,
        dtypes="",
    ),
    fixed(
        "qr-wide",
        lambda xp, a: xp.linalg.qr(a),
        Operand("2 4", regular=True),
        wide=False,
        dtypes="",
    ),
    fixed(
        "qr-r",
        lambda xp, a: xp.linalg.qr(a, "r"),
        Operand("2 3 3", regular=True),
        wide=False,
        dtypes="",
    ),
    fixed(
        "tensorinv",
        lambda xp, a: xp.linalg.tensorinv(a.reshape(2, 2, 4)),
        Operand("4 4", regular=True),
        wide=False,
        dtypes="",
    ),
    fixed(
        "tensorsolve",
        lambda xp, a, b: xp.linalg.tensorsolve(a.reshape(4, 2, 2), b),
        Operand("4 4", regular=True),
        Operand("4"),
        wide=False,
        dtypes="",
    ),
]


def parts(f):
    """The complex results of NumPy's functions as lists of their parts."""
    return lambda *arrays: [f(*arrays).real, f(*arrays).imag]


FOURIER = [
    *[
        fixed(
            f"rfft-{n}",
            lambda xp, x: xp.fft.rfft(x, axis=0),
            Operand(f"{n} 2"),
            reference=parts(lambda x: np.fft.rfft(x, axis=0)),
            dtypes="f",
        )
        for n in (1, 2, 5, 6)
    ],
    fixed(
        "rfft-points",
        lambda xp, x: [*xp.fft.rfft(x, 3), *xp.fft.rfft(x, 6)],
        Operand("2 4"),
        reference=lambda x: [g for n in (3, 6) for g in parts(np.fft.rfft)(x, n)],
        dtypes="i",
    ),
    *[
        fixed(
            f"irfft-{n}",
            lambda xp, u, v, n=n: xp.fft.irfft((u, v), n),
            Operand("2 4"),
            Operand("2 4"),
            reference=lambda u, v, n=n: np.fft.irfft(u + 1j * v, n),
            dtypes="",
        )
        for n in (None, 7, 5, 10)
    ],
    fixed(
        "fft",
        lambda xp, x: xp.fft.fft(x),
        Operand("2 5"),
        reference=parts(np.fft.fft),
        dtypes="",
    ),
    fixed(
        "fft-ifft",
        lambda xp, u, v: [*xp.fft.fft((u, v), axis=0), *xp.fft.ifft((u, v), axis=0)],
        Operand("4 2"),
        Operand("4 2"),
        reference=lambda u, v: [
            g for f in (np.fft.fft, np.fft.ifft) for g in parts(f)(u + 1j * v, None, 0)
        ],
        dtypes="",
    ),
    fixed(
        "fft-power",
        lambda xp, x: xp.fft.power(x),
        Operand("6"),
        reference=lambda x: abs(np.fft.rfft(x)) ** 2,
        dtypes="",
    ),
    fixed("fftshift", lambda xp, x: xp.fft.fftshift(x), Operand("3 4"), dtypes=""),
    fixed("ifftshift", lambda xp, x: xp.fft.ifftshift(x, axes=0), Operand("3 4"), dtypes=""),
]

VOCABULARY = [
    *FOURIER,
    *JOINING,
    *SPLITTING,
    *GRIDS,
    *DIFFERENCES,
    *STATISTICS,
    *NAN_FUNCTIONS,
    *POLYNOMIALS,
    *PLAIN,
    *MATRICES,
]
