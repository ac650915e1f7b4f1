"""SymPy's unevaluated integrals: values, derivatives and round trips against their closed forms."""

import math
import pickle

import numpy as np
import pytest
import sympy as sp

import symgrad as sg
from symgrad.errors import ConversionError

x, y, t, a = sp.symbols("x y t a")
AT = {x: 0.7, y: 1.3, a: 0.4}


@pytest.mark.parametrize(
    ("e", "closed"),
    [
        (sp.Integral(sp.exp(-t * x), (t, 0, y)), (1 - sp.exp(-x * y)) / x),
        (sp.Integral(x**2 * t, (t, x, 2 * x)), sp.Rational(3, 2) * x**4),
        (a * sp.Integral(1 / (1 + t**2), (t, x * y, y)), a * (sp.atan(y) - sp.atan(x * y))),
        (sp.Integral(x * t * a, (x, 0, a), (t, y, 1)), a**3 * (1 - y**2) / 4),
        (sp.Integral(sp.exp(-x * t**2), (t, -sp.oo, sp.oo)), sp.sqrt(sp.pi / x)),
    ],
)  # fmt: skip
def test_values_and_derivatives(e, closed):
    symbols = sorted(e.free_symbols, key=str)
    at = [AT[s] for s in symbols]
    args = [sg.from_sympy(s) for s in symbols]
    image = sg.from_sympy(e)
    orders = [image, *[sg.diff(image, s) for s in args], sg.diff(image, args[0], 2)]
    wanted = [closed, *[closed.diff(s) for s in symbols], closed.diff(symbols[0], 2)]
    got = sg.lambdify(args, orders)(*at)
    exact = {s: sp.Float(v, 30) for s, v in zip(symbols, at, strict=True)}
    assert got == pytest.approx([float(w.subs(exact)) for w in wanted], rel=1e-9)
    back = sg.to_sympy(image)
    named = {s.name: s for s in back.free_symbols}
    value = sp.N(back.subs({named[s.name]: v for s, v in exact.items()}).doit())
    assert float(value) == pytest.approx(got[0], rel=1e-9)


def test_arrays_and_pickles():
    f = sg.lambdify(t, sp.Integral(sp.cos(x), (x, 0, t)))
    np.testing.assert_allclose(f(np.array([[1.0, 2.0]])), np.sin([[1.0, 2.0]]), rtol=1e-14)
    assert pickle.loads(pickle.dumps(f))(1.0) == f(1.0)
    assert sg.from_sympy(sp.Integral(sp.cos(x), (x, 0, t))) is sg.from_sympy(
        sp.Integral(sp.cos(x), (x, 0, t))
    )


def test_what_does_not_converge_is_nan():
    assert math.isnan(sg.lambdify(t, sp.Integral(1 / x, (x, 0, t)))(1.0))


def test_integrals_without_bounds_are_refused():
    with pytest.raises(ConversionError, match=r"without bounds.*doit"):
        sg.from_sympy(sp.Integral(sp.exp(x**2), x))


def test_saved_code_cannot_hold_one():
    f = sg.lambdify(t, sp.Integral(sp.cos(x), (x, 0, t)))
    with pytest.raises(sg.ArgumentError):
        f.save("unused.py")
