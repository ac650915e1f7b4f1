"""Native code of every elementwise op, by its record alone, against the NumPy code of the same formula."""

import itertools
import math

import numpy as np
import pytest
from tests.ops.test_entrywise import CALLS, calls_scipy, domains_of, edges, kinds_of, sample

import symgrad as sg

SPECIAL = (0.0, -0.0, 1.0, -1.0, math.inf, -math.inf, math.nan, 5e-324, -2.5, 1e308)
# SciPy has no function of floats for these that returns its value, or none that is not of other types too;
# and what calls a helper of Python
NONE = """frexp_mantissa frexp_exponent airyai airyaiprime airybi airybiprime coshint cosint fresnelc
    fresnels sinhint sinint lambertw polygamma erfcx_derivative dawsn_derivative log_erfc_derivative
    log_ndtr_derivative ive kve ive_derivative kve_derivative iv_ratio log_iv
    eval_chebyt eval_chebyu eval_gegenbauer eval_genlaguerre eval_hermite eval_hermitenorm eval_jacobi
    eval_laguerre eval_legendre lower_lambertw dilog ellipd ellippi ellippiinc polygamma_of_order
    expn_of_order hurwitz_zeta riemann_zeta""".split()
# NumPy gives either zero, or either of two nans, by the length of the array
CALLED = [(op, params) for op, params in CALLS if op.name not in ("astype", "ldexp")]
EITHER_ZERO = ("maximum", "minimum", "fmax", "fmin")


def formula(op, params):
    """The op of floats: truth values are comparisons of them."""
    xs = [sg.symbol(name) for name in "xyzw"[: len(kinds_of(op))]]
    given = [x > 0 if kind == "bool" else x for x, kind in zip(xs, kinds_of(op), strict=True)]
    return xs, op.build(tuple(given), params)


def points_of(op):
    """Ordinary points, the record's, and floats of all kinds, which stop some of SciPy's series."""
    count = len(domains_of(op))
    ordinary = [tuple(map(float, p)) for p in [*sample(op), *edges(op)]]
    if calls_scipy(op):
        return ordinary
    others = SPECIAL if count < 3 else SPECIAL[:5]
    return ordinary + list(itertools.product(others, repeat=count))


def same(name, actual, expected, calls_scipy):
    if math.isnan(expected) or math.isinf(expected) or calls_scipy:
        return actual == expected or (math.isnan(expected) and math.isnan(actual))
    if expected == 0.0 and name not in EITHER_ZERO:
        return actual == 0.0 and math.copysign(1.0, actual) == math.copysign(1.0, expected)
    return abs(actual - expected) <= 4 * math.ulp(expected)


@pytest.mark.parametrize(
    ("op", "params"),
    CALLED,
    ids=["-".join([op.name, *map(str, p)]).replace("/", "over") for op, p in CALLED],
)
def test_native_code_gives_what_numpy_code_gives(op, params):
    xs, y = formula(op, params)
    f = sg.lambdify(xs, [y], backend="native")
    line = f.explain().splitlines()[-1]
    if "none" in line:
        assert op.name in NONE, line
        return
    points = points_of(op)
    with np.errstate(all="ignore"):
        arrays = [np.array(column) for column in zip(*points, strict=True)]
        expected = sg.lambdify(xs, y)(*arrays).tolist()
    for point, e in zip(points, expected, strict=True):
        [actual] = f(*point)
        assert type(actual) in (float, bool), (point, actual)
        assert same(op.name, actual, e, "SciPy" in line), (point, actual, e)
