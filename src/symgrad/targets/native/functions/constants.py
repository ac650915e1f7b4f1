"""Numbers that are not floats, as pairs of floats; and polynomials."""

from __future__ import annotations

from typing import Final

from symgrad.targets.native.functions.coefficients import POLYNOMIALS
from symgrad.targets.native.functions.number import Emitter, Number, horner
from symgrad.targets.native.functions.pairs import Pair

# Each is high + low, but for about 2**-107 of it
LOG_2: Final = (0.6931471805599453, 2.3190468138462996e-17)
PER_LOG_2: Final = (1.4426950408889634, 2.0355273740931033e-17)
LOG10_2: Final = (0.3010299956639812, -2.8037281277851704e-18)
PER_LOG_10: Final = (0.4342944819032518, 1.098319650216765e-17)
THIRD: Final = (0.3333333333333333, 1.850371707708594e-17)
PI: Final = (3.141592653589793, 1.2246467991473532e-16)
HALF_PI: Final = (1.5707963267948966, 6.123233995736766e-17)
QUARTER_PI: Final = (0.7853981633974483, 3.061616997868383e-17)
TWO_PER_ROOT_PI: Final = (1.1283791670955126, 1.533545961316588e-17)
# log(2) in two parts, of which the first has 32 bits, so that its product with an exponent is exact
LOG_2_SHORT: Final = (0.6931471803691238, 1.9082149292705877e-10)
# pi/2 in three floats
HALF_PI_PARTS: Final = (1.5707963267948966, 6.123233995736766e-17, -1.4973849048591698e-33)
# Adding it to a float below 2**51 rounds to an integer, which the last bits then hold
ROUNDER: Final = 6755399441055744.0  # 1.5 * 2**52
INF: Final = float("inf")
NAN: Final = float("nan")


def pair(code: Emitter, parts: tuple[float, float]) -> Pair:
    """A constant as a pair."""
    return Pair(code.number(parts[0]), code.number(parts[1]))


def polynomial(name: str, x: Number) -> Number:
    """A polynomial of the table, in as many terms as the precision asks for."""
    return horner(x, POLYNOMIALS[name][x.code.short])
