"""Formulas of SymPy's own tests: they convert, and agree in value and first derivative with 30 digits.

A formula counts where it and all that it is made of are real numbers at some point of real numbers. What is
no function of numbers, such as `DiracDelta`, does not.
"""

import math
import random
import signal

import pytest
import sympy as sp
from tests.interop import corpus

import symgrad as sg

QUICK = [
    f"sympy.functions.special.tests.test_{name}" for name in ("beta_functions", "spec_polynomials")
]
SECONDS = 20


class _Late(Exception):
    """SymPy took too long."""


def within(seconds, function, *args):
    """The result of a function; None where it takes longer."""

    def late(*_):
        raise _Late

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(seconds)
    try:
        return function(*args)
    except _Late:
        return None
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def sampled(names, count):
    """Formulas with a point each, in an order that is the same every time."""
    found = []
    candidates = sorted({e for name in names for e in corpus.formulas(name)}, key=sp.srepr)
    random.Random(3).shuffle(candidates)
    for e in candidates:
        point = within(SECONDS, corpus.point_of, e)
        if point is not None:
            found.append((e, point))
        if len(found) == count:
            break
    return found


def near(actual, expected):
    return abs(complex(actual) - complex(expected)) <= 1e-9 * max(1e-3, abs(complex(expected)))


def what_is_wrong(e, point):
    """Why the image of a formula is not what it stands for, or None; "refused" where there is none."""
    try:
        image = sg.from_sympy(e)
    except sg.ConversionError as error:
        return f"refused: {error}"
    symbols = sorted(point, key=str)
    args = [sg.from_sympy(s) for s in symbols]
    at = [float(point[s]) for s in symbols]
    exact = {s: sp.Rational(v) for s, v in zip(symbols, at, strict=True)}
    found, wanted = sg.lambdify(args, image)(*at), corpus.value(e, exact)
    if math.isnan(found):
        return "refused: nan, where functions are real here on less than SymPy's domain"
    if not near(found, wanted):
        return f"value {found}, not {wanted}"
    back = sg.to_sympy(image)
    named = {s.name: s for s in back.free_symbols}
    again = corpus.value(back, {named[s.name]: v for s, v in exact.items() if s.name in named})
    if not near(again, wanted):
        return f"round trip {back} is {again}, not {wanted}"
    by = symbols[-1]
    try:
        slope = sg.lambdify(args, sg.diff(image, args[-1]))(*at)
    except sg.DerivativeError:
        return None  # which says that it is not known, such as by the order of a Bessel function
    exact_slope = corpus.value(sp.diff(e, by), exact)
    if not getattr(exact_slope, "is_Float", False):
        return None  # SymPy knows no number
    return None if near(slope, exact_slope) else f"derivative {slope}, not {exact_slope}"


def check(names, count):
    pairs = sampled(names, count)
    assert len(pairs) == count
    results = {e: within(SECONDS, what_is_wrong, e, point) for e, point in pairs}
    refused = {e: why for e, why in results.items() if why and why.startswith("refused")}
    wrong = {e: why for e, why in results.items() if why and e not in refused}
    assert not wrong
    assert len(refused) <= 0.05 * count, refused


def test_a_few_dozen_formulas():
    check(QUICK, 24)


@pytest.mark.slow
def test_six_hundred_formulas():
    check(corpus.FILES, 600)
