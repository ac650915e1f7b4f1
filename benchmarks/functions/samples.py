"""What native functions are measured with: mpmath's functions, samples, and units in the last place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import mpmath as mp
import numpy as np

BITS = 140
OF_LARGE = 1300  # for sines of large numbers
# Multiples of pi/2 that doubles nearly are; the last is the nearest of all (Muller, 11.3)
NEAR_QUARTERS = (1.5707963267948966, 3.141592653589793, 355.0, 6381956970095103 * 2.0**797)

Values = np.ndarray[Any, Any]


class Sampled(NamedTuple):
    """The true function, and what makes so many arguments from a generator."""

    true: Callable[..., Any]
    arguments: Callable[[Any, int], Sequence[Values]]


def both(x: Values) -> Values:
    """Each, and its negative."""
    return np.concatenate([x, -x])


def decades(rng: Any, low: float, high: float, n: int) -> Values:
    """Numbers whose logarithms are spread evenly."""
    return np.asarray(10.0 ** rng.uniform(low, high, n))


def one(low: float, high: float, smallest: float = -300.0, more: Sequence[float] = ()) -> Any:
    """Arguments in an interval, in each decade of it from 10**smallest on, and some by name."""

    def arguments(rng: Any, n: int) -> Sequence[Values]:
        end = np.log10(max(abs(low), abs(high)))
        scattered = both(decades(rng, smallest, end, n // 4))
        kept = scattered[(scattered > low) & (scattered < high)]
        near = rng.uniform(max(low, -3.0), min(high, 3.0), n // 4)
        return [np.concatenate([rng.uniform(low, high, n // 4), near, kept, more])]

    return arguments


def positive(rng: Any, n: int) -> Sequence[Values]:
    """Positive numbers of any size, and such near 1."""
    near = 1 + both(decades(rng, -16, -1, n // 4))
    return [np.concatenate([decades(rng, -323, 308, n // 4), rng.uniform(0.4, 2, n // 4), near])]


def angles(rng: Any, n: int) -> Sequence[Values]:
    """Numbers of any size, and such near multiples of pi/2."""
    quarters = (
        np.pi
        / 2
        * np.concatenate([rng.integers(-1000, 1000, n // 8), rng.integers(-(2**28), 2**28, n // 8)])
    )
    sizes = both(np.concatenate([decades(rng, -300, 9, n // 8), decades(rng, 9, 308.2, n // 8)]))
    return [
        np.concatenate(
            [rng.uniform(-10, 10, n // 4), quarters, sizes, both(np.array(NEAR_QUARTERS))]
        )
    ]


def to_one(rng: Any, n: int) -> Sequence[Values]:
    """Numbers from -1 to 1, dense at the ends and at zero."""
    ends = both(1 - decades(rng, -16, 0, n // 8))
    return [np.concatenate([rng.uniform(-1, 1, n // 2), ends, both(decades(rng, -300, 0, n // 8))])]


def above_one(rng: Any, n: int) -> Sequence[Values]:
    return [np.concatenate([1 + decades(rng, -16, 1, n // 2), decades(rng, 0, 308, n // 2)])]


def plane(low: float, high: float) -> Any:
    """Points near zero, of any size, and of like sizes."""

    def arguments(rng: Any, n: int) -> Sequence[Values]:
        any_size = both(decades(rng, low, high, n // 8)), decades(rng, low, high, 2 * (n // 8))
        like = both(decades(rng, -3, 3, n // 4)), both(decades(rng, -3, 3, n // 4))
        parts = zip(rng.uniform(-3, 3, (2, n // 4)), any_size, like, strict=True)
        return [np.concatenate(part) for part in parts]

    return arguments


def powers(rng: Any, n: int) -> Sequence[Values]:
    """Bases and exponents whose powers are finite."""
    k = n // 4
    bases = [rng.uniform(0, 3, k), decades(rng, -300, 300, k), 1 + both(decades(rng, -12, -1, k // 2)),
             both(rng.uniform(0, 100, k // 2))]  # fmt: skip
    exponents = [rng.uniform(-20, 20, k), rng.uniform(-1, 1, k), rng.uniform(-300, 300, 2 * (k // 2)),
                 rng.integers(-100, 100, 2 * (k // 2))]  # fmt: skip
    return [np.concatenate(bases), np.concatenate(exponents)]


def exponents(rng: Any, n: int) -> Sequence[Values]:
    """Pairs whose exponentials are added, of sums above 1."""
    k = n // 2
    near, far = rng.uniform(0, 3, (2, k)), rng.uniform(0, 700, (2, k))
    return [np.concatenate(pair) for pair in zip(near, far, strict=True)]


def cube_root(x: Any) -> Any:
    return mp.sign(x) * mp.root(abs(x), 3)


SAMPLES: dict[str, Sampled] = {
    "exp": Sampled(mp.exp, one(-745, 709.7, -18)),
    "exp2": Sampled(lambda x: mp.mpf(2) ** x, one(-1074, 1023.9, -18)),
    "expm1": Sampled(mp.expm1, one(-60, 709)),
    "special.expit": Sampled(lambda x: 1 / (1 + mp.exp(-x)), one(-740, 40, -18)),
    "log": Sampled(mp.log, positive),
    "log2": Sampled(lambda x: mp.log(x) / mp.log(2), positive),
    "log10": Sampled(lambda x: mp.log(x) / mp.log(10), positive),
    "log1p": Sampled(mp.log1p, one(-1, 1e300)),
    "sin": Sampled(mp.sin, angles),
    "cos": Sampled(mp.cos, angles),
    "tan": Sampled(mp.tan, angles),
    "arcsin": Sampled(mp.asin, to_one),
    "arccos": Sampled(mp.acos, to_one),
    "arctan": Sampled(mp.atan, one(-1e300, 1e300)),
    "arctan2": Sampled(mp.atan2, plane(-300, 300)),
    "sinh": Sampled(mp.sinh, one(-710, 710)),
    "cosh": Sampled(mp.cosh, one(-710, 710)),
    "tanh": Sampled(mp.tanh, one(-22, 22)),
    "arcsinh": Sampled(mp.asinh, one(-1e300, 1e300)),
    "arccosh": Sampled(mp.acosh, above_one),
    "arctanh": Sampled(mp.atanh, to_one),
    "power": Sampled(mp.power, powers),
    "cbrt": Sampled(cube_root, one(-1e300, 1e300, -323)),
    "hypot": Sampled(lambda x, y: mp.sqrt(x * x + y * y), plane(-310, 307)),
    "logaddexp": Sampled(lambda x, y: mp.log(mp.exp(x) + mp.exp(y)), exponents),
    "logaddexp2": Sampled(lambda x, y: mp.log(mp.mpf(2) ** x + mp.mpf(2) ** y) / mp.log(2), exponents),
    "special.erf": Sampled(mp.erf, one(-6, 6)),
    "special.erfc": Sampled(mp.erfc, one(-6, 27.2)),
    "sqrt": Sampled(mp.sqrt, positive),
    "reciprocal": Sampled(lambda x: 1 / x, positive),
    "deg2rad": Sampled(mp.radians, one(-1e9, 1e9)),
    "rad2deg": Sampled(mp.degrees, one(-1e9, 1e9)),
}  # fmt: skip


def arguments_of(name: str, n: int, dtype: Any = np.float64) -> list[Values]:
    """About n arguments, the same at every time, that a type can hold."""
    rng = np.random.default_rng(sum(name.encode()))
    with np.errstate(over="ignore", under="ignore"):
        rounded = [np.asarray(x).astype(dtype) for x in SAMPLES[name].arguments(rng, n)]
    kept = np.all([np.isfinite(x) for x in rounded], axis=0)
    return [x[kept] for x in rounded]


def ulps(name: str, arguments: Sequence[Values], got: Values) -> Values:
    """Errors in units in the last place of the true value; nan where there is none, or it is not finite."""
    true, dtype = SAMPLES[name].true, got.dtype.type
    errors = np.full(got.shape, np.nan)
    for i, row in enumerate(zip(*arguments, strict=True)):
        with mp.workprec(OF_LARGE if name in {"sin", "cos", "tan"} else BITS):
            try:
                want = true(*[mp.mpf(float(x)) for x in row])
            except ZeroDivisionError:
                continue
            if isinstance(want, mp.mpc) or not mp.isfinite(want):
                continue
            with np.errstate(over="ignore", under="ignore"):
                rounded = dtype(float(want))
            if not np.isfinite(rounded):
                errors[i] = 0.0 if got[i] == rounded else np.inf
                continue
            unit = mp.mpf(float(np.spacing(abs(rounded))))
            errors[i] = float(abs(mp.mpf(float(got[i])) - want) / unit)
    return errors
