"""Native functions at zeros, infinities, nan, subnormals and ends: as NumPy's, to the sign of zero."""

import numpy as np
import pytest
import scipy.special
from benchmarks.functions.loops import loops

from symgrad.compile.native_plans import processor
from symgrad.targets.native.functions.table import FUNCTIONS

TINY, MOST = 5e-324, float(np.finfo(float).max)
VALUES = np.array(
    [0.0, 1.0, 0.5, 2.0, 3.0, 4.0, 0.25, 0.3, 0.75, 2.5, 100.0, 710.0, 746.0, np.inf, TINY, 1e-310,
     2.0**-1022, MOST, 1e-20, 1e9, 1e22, 1e300, 1 - 2.0**-53, 1 + 2.0**-52, 2.0**52 + 1, 2.0**53,
     2.0**53 + 2],
)  # fmt: skip
VALUES = np.concatenate([VALUES, -VALUES, [np.nan]])
# NumPy's own errors are larger here
LOOSE = {"special.expit": np.inf}


def reference(name):
    if name.startswith("special."):
        return getattr(scipy.special, name.removeprefix("special."))
    return getattr(np, name)


def agree(name, got, want):
    same = (got == want) & (np.signbit(got) == np.signbit(want)) | (np.isnan(got) & np.isnan(want))
    with np.errstate(all="ignore"):
        near = abs(got - want) <= LOOSE.get(name, 2) * np.spacing(abs(want))
    return same | near & np.isfinite(got) & np.isfinite(want) & (want != 0)


@pytest.fixture(scope="module", params=["float64", "float32"])
def made(request):
    return request.param, loops(list(FUNCTIONS), request.param, processor=processor(), level=1)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_as_numpy(name, made):
    dtype, functions = made
    with np.errstate(all="ignore"):
        grids = np.meshgrid(*[VALUES.astype(dtype)] * FUNCTIONS[name].arity)
        arguments = [x.ravel() for x in grids]
        if name == "special.expit":  # SciPy's own is zero where ours is subnormal
            arguments = [x[~((x < -80) & np.isfinite(x))] for x in arguments]
        if name in {"logaddexp", "logaddexp2"}:  # near their zeros NumPy's are not so good
            x, y = arguments
            arguments = [a[~((np.maximum(x, y) > -3) & (np.minimum(x, y) < 0))] for a in (x, y)]
        want = np.asarray(reference(name)(*arguments))
        want = want if FUNCTIONS[name].truth else want.astype(dtype)
    got = functions[name](*arguments)
    if FUNCTIONS[name].truth:
        np.testing.assert_array_equal(got, want)
    else:
        wrong = ~agree(name, got, want)
        assert not wrong.any(), [(*[x[wrong] for x in arguments], got[wrong], want[wrong])]


def test_angles_of_any_size_are_exact_only_where_asked():
    """A loop that leaves large angles out must be told so: `beyond` is what it asks."""
    (limited,) = loops(["sin"], whole=False, level=1).values()
    x = np.array([1.0, 2.0**30, -12345.678])
    (whole,) = loops(["sin"], level=1).values()
    np.testing.assert_array_equal(limited(x), whole(x))
