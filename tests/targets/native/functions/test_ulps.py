"""Native functions against mpmath, in units in the last place."""

import mpmath as mp
import numpy as np
import pytest
from benchmarks.functions.loops import loops
from benchmarks.functions.samples import SAMPLES, arguments_of, ulps

from symgrad.compile.native_plans import processor
from symgrad.targets.native.functions.number import Processor
from symgrad.targets.native.functions.table import FUNCTIONS

MEASURED = [name for name in SAMPLES if name in FUNCTIONS]
FAST = ["exp", "log", "tanh", "sin", "cos", "tan", "sinh", "cosh"]


def worst(name, function, count, dtype=np.float64):
    arguments = arguments_of(name, count, dtype)
    errors = ulps(name, arguments, function(*arguments))
    assert np.isfinite(errors).sum() > count / 3
    return np.nanmax(errors)


@pytest.fixture(scope="module")
def made():
    return loops(MEASURED, processor=processor())


@pytest.fixture(scope="module")
def single():
    return loops(MEASURED, "float32", level=1)


@pytest.fixture(scope="module")
def unfused():
    return loops(MEASURED, processor=Processor(fused=False), level=1)


@pytest.fixture(scope="module")
def fast():
    return loops(FAST, fast=True)


def test_every_function_that_rounds_is_measured():
    rounds = {name for name, f in FUNCTIONS.items() if f.ulps}
    same = {"radians", "degrees", "float_power"}
    assert rounds - same <= set(MEASURED)


@pytest.mark.parametrize("name", MEASURED)
def test_double(name, made):
    assert worst(name, made[name], 240) <= max(0.5, FUNCTIONS[name].ulps)


@pytest.mark.parametrize("name", MEASURED)
def test_single_is_rounded_once_but_for_ties(name, single):
    assert worst(name, single[name], 80, np.float32) <= 0.51


@pytest.mark.parametrize("name", MEASURED)
def test_without_fused_instructions(name, unfused):
    assert worst(name, unfused[name], 80) <= max(0.5, FUNCTIONS[name].ulps)


@pytest.mark.parametrize("name", FAST)
def test_fast(name, fast):
    assert worst(name, fast[name], 240) <= 2.5


@pytest.mark.slow
@pytest.mark.parametrize("name", MEASURED)
def test_double_densely(name, made):
    assert worst(name, made[name], 20_000) <= max(0.5, FUNCTIONS[name].ulps)


def test_exact_results(made):
    whole = np.arange(1.0, 300.0)
    np.testing.assert_array_equal(made["cbrt"](whole**3), whole)
    np.testing.assert_array_equal(
        made["log2"](2.0 ** np.arange(-1074, 1024)), np.arange(-1074, 1024)
    )
    np.testing.assert_array_equal(made["log10"](10.0 ** np.arange(23)), np.arange(23))
    np.testing.assert_array_equal(
        made["exp2"](np.arange(-1074.0, 1024.0)), 2.0 ** np.arange(-1074, 1024)
    )
    np.testing.assert_array_equal(made["power"](whole, np.full(299, 2.0)), whole**2)


def test_sums_of_exponentials_near_their_zeros(made):
    """There the error is measured by the larger operand."""
    rng = np.random.default_rng(3)
    x = rng.uniform(-3.0, -0.01, 200)
    y = np.log(-np.expm1(x))
    got = made["logaddexp"](x, y)
    with mp.workprec(140):
        want = [mp.log(mp.exp(mp.mpf(a)) + mp.exp(mp.mpf(b))) for a, b in zip(x, y, strict=True)]
        errors = [float(abs(mp.mpf(g) - w)) for g, w in zip(got, want, strict=True)]
    assert np.max(np.array(errors) / np.spacing(np.maximum(abs(x), abs(y)))) < 0.25


# The smallest cosine of any double: Muller, Elementary Functions, 11.3.2
def test_the_hardest_angle(made):
    x = np.array([6381956970095103 * 2.0**797])
    with mp.workprec(1300):
        want = float(mp.cos(mp.mpf(float(x[0]))))
    assert made["cos"](x)[0] == want
    assert abs(want) < 5e-19
