"""Prints the module of coefficients of native functions: ``python -m benchmarks.functions.coefficients``.

Each row is a function of a reduced argument, what its error is weighed by (so that it is relative to the
result), the interval, and the degrees for double and for float32, which is computed in double.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import mpmath as mp

from benchmarks.functions.remez import Function, rounded

mp.mp.dps = 50
WIDER = mp.mpf("1.0005")  # reduced arguments may leave their interval by rounding
HALF_LOG = mp.log(2) / 2 * WIDER
ERFC_CENTRE = 4


class Row(NamedTuple):
    """What is approximated."""

    name: str
    what: str
    f: Function
    weight: Function
    interval: tuple[Any, Any]
    degrees: tuple[int, int]


def of_root(f: Callable[[Any], Any], at_zero: Any) -> Function:
    """A function of ``z = s**2`` from one of s, with its limit at zero."""
    return lambda z: f(mp.sqrt(z)) if z else at_zero


def log_rest(s: Any) -> Any:
    """``(log((1 + s)/(1 - s))/(2*s) - 1)/s**2``."""
    return (mp.log((1 + s) / (1 - s)) / (2 * s) - 1) / s**2


def erfc_scaled(t: Any) -> Any:
    """``(1 + 2*x)*exp(x**2)*erfc(x) - 5/4`` where ``t = (x - 4)/(x + 4)``."""
    x = ERFC_CENTRE * (1 + t) / (1 - t)
    return (1 + 2 * x) * mp.exp(x**2) * mp.erfc(x) - mp.mpf(5) / 4


def erfc_place(x: Any) -> Any:
    return (mp.mpf(x) - ERFC_CENTRE) / (mp.mpf(x) + ERFC_CENTRE)


THIRD = mp.mpf(1) / 3
LOG_END = ((mp.sqrt(2) - 1) / (mp.sqrt(2) + 1)) ** 2 * WIDER
OCTANT = (mp.pi / 4) ** 2 * WIDER
ROWS = [
    Row("EXP", "(exp(r) - 1 - r - r**2/2)/r**3",
        lambda r: (mp.expm1(r) - r - r**2 / 2) / r**3, lambda r: abs(r) ** 3 / mp.exp(r),
        (-HALF_LOG, HALF_LOG * mp.mpf("1.0001")), (8, 4)),
    Row("LOG", "(log((1 + s)/(1 - s))/(2*s) - 1)/s**2 in s**2",
        of_root(log_rest, THIRD), lambda z: z, (0, LOG_END), (6, 2)),
    Row("LOG_REST", "((log((1 + s)/(1 - s))/(2*s) - 1)/s**2 - 1/3)/s**2 in s**2",
        of_root(lambda s: (log_rest(s) - THIRD) / s**2, mp.mpf(1) / 5), lambda z: z * z,
        (0, LOG_END), (6, 2)),
    Row("SIN", "(sin(r)/r - 1)/r**2 in r**2",
        of_root(lambda r: (mp.sin(r) / r - 1) / r**2, -THIRD / 2), lambda z: z,
        (0, OCTANT), (5, 3)),
    Row("COS", "(cos(r) - 1 + r**2/2)/r**4 in r**2",
        of_root(lambda r: (mp.cos(r) - 1 + r**2 / 2) / r**4, mp.mpf(1) / 24), lambda z: z * z,
        (0, OCTANT), (5, 2)),
    Row("ATAN", "(atan(t)/t - 1)/t**2 in t**2",
        of_root(lambda t: (mp.atan(t) / t - 1) / t**2, -THIRD), lambda z: z,
        (0, mp.tan(mp.pi / 8) ** 2 * WIDER), (11, 5)),
    Row("ASIN", "(asin(t)/t - 1)/t**2 in t**2",
        of_root(lambda t: (mp.asin(t) / t - 1) / t**2, THIRD / 2), lambda z: z,
        (0, mp.mpf("0.2501")), (12, 5)),
    Row("SINH", "(sinh(r)/r - 1)/r**2 in r**2",
        of_root(lambda r: (mp.sinh(r) / r - 1) / r**2, THIRD / 2), lambda z: z,
        (0, WIDER), (6, 3)),
    Row("ERF", "(erf(x)/x - 2/sqrt(pi))/x**2 in x**2, on [0, 1]",
        of_root(lambda x: (mp.erf(x) / x - 2 / mp.sqrt(mp.pi)) / x**2, -2 * THIRD / mp.sqrt(mp.pi)),
        lambda z: z, (0, WIDER), (11, 6)),
    Row("ERFC", "(1 + 2*x)*exp(x**2)*erfc(x) - 5/4 in t = (x - 4)/(x + 4), for x in [0.49, 28]",
        erfc_scaled, lambda t: mp.mpf(1), (erfc_place("0.49"), erfc_place(28)), (23, 12)),
]  # fmt: skip


def main() -> None:
    """Print the module."""
    print(
        '"""Coefficients of polynomials, constant first, by name: for double, and for float32 in double.'
    )
    print()
    print(
        "Written by ``python -m benchmarks.functions.coefficients``: each is of least largest error."
    )
    print('"""')
    print()
    print("from typing import Final")
    print()
    print("Coefficients = tuple[float, ...]")
    print()
    print("POLYNOMIALS: Final[dict[str, tuple[Coefficients, Coefficients]]] = {")
    for row in ROWS:
        print(f"    # {row.what}")
        print(f'    "{row.name}": (')
        for degree in row.degrees:
            found, worst = rounded(row.f, row.weight, *row.interval, degree)
            print(f"        (  # to 2**{float(mp.log(worst, 2)):.1f}")
            for c in found:
                print(f"            {c!r},")
            print("        ),")
        print("    ),")
    print("}")


if __name__ == "__main__":
    main()
