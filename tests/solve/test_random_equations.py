"""Equations of ordinary forms in random units: what is converged is a root, by mpmath with 60 digits."""

import mpmath
import numpy as np
import pytest

import symgrad as sg
from symgrad.autodiff.rounding import rounding

x = sg.symbol("x")
p = sg.symbol("x", positive=True)

# w is x in its unit; a is of order 1, d is small
FORMS = {
    "double": lambda m, w, a, d: (w - a) ** 2,
    "nearly double": lambda m, w, a, d: (w - a) ** 2 + d,
    "triple": lambda m, w, a, d: (w - a) ** 3,
    "small": lambda m, w, a, d: w**2 - d,
    "none": lambda m, w, a, d: w**2 + d,
    "inverse": lambda m, w, a, d: 1 / w - d,
    "pole": lambda m, w, a, d: 1 / (w - a),
    "jump": lambda m, w, a, d: m.sign(w - a) + m.tanh(w) / 3,
    "floor": lambda m, w, a, d: m.floor(w) - 0.5,
    "fading": lambda m, w, a, d: m.exp(-w) * (w - a),
    "pair": lambda m, w, a, d: w**-12 - w**-6 - a / 10,
    "kepler": lambda m, w, a, d: w - 0.9 * m.sin(w) - a,
}


def is_root(f, e, symbol, at):
    """A sign change in the last bits, without a jump; or F at its rounding level, there or within them."""
    point = mpmath.mpf(at)
    with np.errstate(all="ignore"):
        level = float(sg.evaluate(rounding(e), {symbol: at})) * 2.0**-50
    values = []
    for bits in (-64, -4, 0, 4, 64):
        try:
            values.append(f(point * (1 + bits * mpmath.eps_of_doubles)))
        except ZeroDivisionError:
            return False
    if any(abs(v) <= level for v in values if np.isfinite(level)) or 0 in values:
        return True
    far, near, here = values[0] * values[4], values[1] * values[3], abs(values[2])
    shrinks = min(abs(values[1]), abs(values[3])) <= 0.5 * max(abs(values[0]), abs(values[4]))
    return bool(far < 0 and shrinks and here <= max(abs(values[0]), abs(values[4]))) or (
        # a double root between numbers: nothing is left but the square of the last bits
        near > 0
        and here <= 16 * 2.0**-104 * max(abs(values[0]), abs(values[4])) / (64 * 2.0**-52) ** 2 / 4
    )


@pytest.mark.parametrize("form", FORMS)
def test_what_is_converged_is_a_root(form, monkeypatch):
    monkeypatch.setattr(mpmath, "eps_of_doubles", mpmath.mpf(2) ** -52, raising=False)
    rng = np.random.default_rng(sum(map(ord, form)))
    for order in (1, 2, 4):
        unit = float(10 ** rng.uniform(-150, 150))
        size, d = float(10 ** rng.uniform(-60, 60)), float(10 ** rng.uniform(-60, -2))
        a, symbol = float(rng.uniform(-3, 3)), p if rng.random() < 0.3 else x

        def f(v, m=mpmath, unit=unit, size=size, d=d, a=a):
            return size * FORMS[form](m, v / unit, a, d)

        e = f(symbol, m=sg)
        starts = unit * rng.uniform(-2, 2, 4) * 10.0 ** rng.integers(-3, 4, 4)
        solver = sg.newton_root(e, symbol, order=order)
        found, one = solver(starts), solver(float(starts[0]))
        with mpmath.workdps(60):
            for at, sound in (*zip(found.x, found.converged, strict=True), (one.x, one.converged)):
                assert not sound or is_root(f, e, symbol, float(at)), (order, unit, size, d, a, at)
                assert not sound or symbol is x or at > 0
