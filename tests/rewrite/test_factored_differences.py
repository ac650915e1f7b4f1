"""Division by ``u**2 - c``, which is below 0 for small u: roots of its factors stand under roots alone."""

import math

import pytest
import sympy

import symgrad as sg

Z, Y = sg.symbols("z y")
POINTS = (0.3, -1.7)


@pytest.mark.parametrize("n", [1, 2, 3, sg.parse("3/2")], ids=str)
@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("c", [1, 4])
def test_quotients_by_a_factored_difference(c, sign, n):
    base = sign * (Z**2 - c)
    for numerator in (Z, Z**2 * Y, sg.abs(Z)):
        e = numerator / base**n + Y
        f = sg.lambdify([Z, Y], e)
        image = sg.to_sympy(e)
        named = {s.name: s for s in image.free_symbols}
        for z in POINTS:
            at = {named["z"]: sympy.Rational(str(z)), named["y"]: sympy.Integer(2)}
            want = sympy.N(image.xreplace(at), 20)
            if want.is_real:
                assert f(z, 2.0) == pytest.approx(float(want), rel=1e-13)
            else:
                assert math.isnan(f(z, 2.0))
