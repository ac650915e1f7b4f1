"""The unconstrained test problems of More, Garbow and Hillstrom, ACM TOMS 7, 1981, 17-41.

Each is a vector of residuals over a vector of unknowns; the objective is the sum of their squares.
The numbers are those of the paper, in its order. Where it leaves the dimensions open, they are those
for which it gives a minimum.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from tests.solve.nist import load

import symgrad as sg


@dataclass(frozen=True)
class Problem:
    """One problem.

    Attributes
    ----------
    n, m : int
        Numbers of unknowns and of residuals.
    residuals : callable
        From a symbolic vector of extent n to a symbolic vector of extent m.
    start : sequence of float
    minima : tuple of float
        The sums of squares at its known minimisers.
    minimiser : sequence of float or None
        Where the first of `minima` is attained, where it is known in closed form.
    """

    name: str
    n: int
    m: int
    residuals: Callable
    start: object
    minima: tuple
    minimiser: object = None

    def formula(self):
        """The unknowns, a vector symbol, and the residuals."""
        x = sg.vector("x", self.n)
        return x, self.residuals(x)


def count(m):
    """1, 2, ..., m."""
    return np.arange(1.0, m + 1)


def rosenbrock(x):
    return sg.stack([10 * (x[1] - x[0] ** 2), 1 - x[0]])


def freudenstein_roth(x):
    a, b = x
    return sg.stack([-13 + a + ((5 - b) * b - 2) * b, -29 + a + ((b + 1) * b - 14) * b])


def powell_badly_scaled(x):
    return sg.stack([1e4 * x[0] * x[1] - 1, sg.exp(-x[0]) + sg.exp(-x[1]) - 1.0001])


def brown_badly_scaled(x):
    return sg.stack([x[0] - 1e6, x[1] - 2e-6, x[0] * x[1] - 2])


def beale(x):
    return np.array([1.5, 2.25, 2.625]) - x[0] * (1 - sg.stack([x[1], x[1] ** 2, x[1] ** 3]))


def jennrich_sampson(x):
    i = count(10)
    return 2 + 2 * i - (sg.exp(i * x[0]) + sg.exp(i * x[1]))


def helical_valley(x):
    a, b, c = x
    turns = sg.arctan(b / a) / (2 * np.pi) + sg.where(a > 0, 0, 0.5)
    return sg.stack([10 * (c - 10 * turns), 10 * (sg.sqrt(a**2 + b**2) - 1), c])


BARD = "0.14 0.18 0.22 0.25 0.29 0.32 0.35 0.39 0.37 0.58 0.73 0.96 1.34 2.10 4.39"


def bard(x):
    u = count(15)
    v = 16 - u
    return np.array(BARD.split(), float) - (x[0] + u / (v * x[1] + np.minimum(u, v) * x[2]))


GAUSSIAN = [0.0009, 0.0044, 0.0175, 0.0540, 0.1295, 0.2420, 0.3521]


def gaussian(x):
    t = (8 - count(15)) / 2
    y = np.array([*GAUSSIAN, 0.3989, *GAUSSIAN[::-1]])
    return x[0] * sg.exp(-x[1] * (t - x[2]) ** 2 / 2) - y


MEYER = [34780, 28610, 23650, 19630, 16370, 13720, 11540, 9744, 8261, 7030, 6005, 5147, 4427]


def meyer(x):
    t = 45 + 5 * count(16)
    return x[0] * sg.exp(x[1] / (t + x[2])) - np.array([*MEYER, 3820.0, 3307, 2872])


def gulf(x):
    t = count(99) / 100
    y = 25 + (-50 * np.log(t)) ** (2 / 3)
    return sg.exp(-(sg.abs(y - x[1]) ** x[2]) / x[0]) - t


def box(x):
    t = count(10) / 10
    return sg.exp(-t * x[0]) - sg.exp(-t * x[1]) - x[2] * (np.exp(-t) - np.exp(-10 * t))


def powell_singular(x):
    a, b, c, d = x
    return sg.stack([a + 10 * b, 5**0.5 * (c - d), (b - 2 * c) ** 2, 10**0.5 * (a - d) ** 2])


def wood(x):
    a, b, c, d = x
    return sg.stack(
        [
            10 * (b - a**2),
            1 - a,
            90**0.5 * (d - c**2),
            1 - c,
            10**0.5 * (b + d - 2),
            (b - d) / 10**0.5,
        ]
    )


KOWALIK = "0.1957 0.1947 0.1735 0.1600 0.0844 0.0627 0.0456 0.0342 0.0323 0.0235 0.0246"
KOWALIK_U = "4 2 1 0.5 0.25 0.167 0.125 0.1 0.0833 0.0714 0.0625"


def kowalik_osborne(x):
    u = np.array(KOWALIK_U.split(), float)
    return np.array(KOWALIK.split(), float) - x[0] * (u**2 + u * x[1]) / (u**2 + u * x[2] + x[3])


def brown_dennis(x):
    t = count(20) / 5
    return (x[0] + t * x[1] - np.exp(t)) ** 2 + (x[2] + x[3] * np.sin(t) - np.cos(t)) ** 2


def osborne_1(x):
    """The data are those of the set MGH17 of NIST."""
    fit = load("MGH17")
    values = [x[0], x[1], x[2], x[3], x[4]]
    return sg.substitute(fit.residuals, dict(zip(fit.parameters, values, strict=True)))


def biggs(x):
    t = count(13) / 10
    y = np.exp(-t) - 5 * np.exp(-10 * t) + 3 * np.exp(-4 * t)
    first = x[2] * sg.exp(-t * x[0]) - x[3] * sg.exp(-t * x[1])
    return first + x[5] * sg.exp(-t * x[4]) - y


OSBORNE = """
1.366 1.191 1.112 1.013 0.991 0.885 0.831 0.847 0.786 0.725 0.746 0.679 0.608 0.655 0.616 0.606 0.602
0.626 0.651 0.724 0.649 0.649 0.694 0.644 0.624 0.661 0.612 0.558 0.533 0.495 0.500 0.423 0.395 0.375
0.372 0.391 0.396 0.405 0.428 0.429 0.523 0.562 0.607 0.653 0.672 0.708 0.633 0.668 0.645 0.632 0.591
0.559 0.597 0.625 0.739 0.710 0.729 0.720 0.636 0.581 0.428 0.292 0.162 0.098 0.054
"""


def osborne_2(x):
    t = (count(65) - 1) / 10
    bells = [x[k] * sg.exp(-((t - x[k + 7]) ** 2) * x[k + 4]) for k in (1, 2, 3)]
    return np.array(OSBORNE.split(), float) - (x[0] * sg.exp(-t * x[4]) + sum(bells))


def watson(x):
    n = x.shape[0]
    t = count(29)[:, None] / 29
    j = np.arange(n)
    slope = (j * t ** np.maximum(j - 1, 0)) @ x
    value = t**j @ x
    return sg.concatenate([slope - value**2 - 1, sg.stack([x[0], x[1] - x[0] ** 2 - 1])])


def extended_rosenbrock(x):
    odd, even = x[::2], x[1::2]
    return sg.stack([10 * (even - odd**2), 1 - odd], axis=1).ravel()


def extended_powell(x):
    a, b, c, d = (x[k::4] for k in range(4))
    rows = [a + 10 * b, 5**0.5 * (c - d), (b - 2 * c) ** 2, 10**0.5 * (a - d) ** 2]
    return sg.stack(rows, axis=1).ravel()


def penalty_1(x):
    return sg.concatenate([1e-5**0.5 * (x - 1), sg.stack([sg.sum(x**2) - 0.25])])


def penalty_2(x):
    n = x.shape[0]
    i = count(n)[1:]
    y = np.exp(i / 10) + np.exp((i - 1) / 10)
    first = 1e-5**0.5 * (sg.exp(x[1:] / 10) + sg.exp(x[:-1] / 10) - y)
    second = 1e-5**0.5 * (sg.exp(x[1:] / 10) - np.exp(-0.1))
    last = sg.sum((n - np.arange(n)) * x**2) - 1
    return sg.concatenate([sg.stack([x[0] - 0.2]), first, second, sg.stack([last])])


def variably_dimensioned(x):
    total = sg.sum(count(x.shape[0]) * (x - 1))
    return sg.concatenate([x - 1, sg.stack([total, total**2])])


def trigonometric(x):
    n = x.shape[0]
    return n - sg.sum(sg.cos(x)) + count(n) * (1 - sg.cos(x)) - sg.sin(x)


def brown_almost_linear(x):
    n = x.shape[0]
    return sg.concatenate([x[:-1] + sg.sum(x) - (n + 1), sg.stack([sg.prod(x) - 1])])


def neighbours(x):
    """The entries before and after, 0 beyond the ends."""
    return sg.pad(x[:-1], (1, 0)), sg.pad(x[1:], (0, 1))


def grid(n):
    return count(n) / (n + 1)


def discrete_boundary_value(x):
    n = x.shape[0]
    before, after = neighbours(x)
    return 2 * x - before - after + (x + grid(n) + 1) ** 3 / (2 * (n + 1) ** 2)


def discrete_integral(x):
    n = x.shape[0]
    t = grid(n)
    kernel = np.where(t[:, None] >= t, (1 - t[:, None]) * t, t[:, None] * (1 - t))
    return x + kernel @ (x + t + 1) ** 3 / (2 * (n + 1))


def broyden_tridiagonal(x):
    before, after = neighbours(x)
    return (3 - 2 * x) * x - before - 2 * after + 1


def broyden_banded(x):
    n = x.shape[0]
    i, j = np.indices((n, n))
    band = ((j != i) & (j >= i - 5) & (j <= i + 1)).astype(float)
    return x * (2 + 5 * x**2) + 1 - band @ (x * (1 + x))


def linear_full_rank(x, m=20):
    n = x.shape[0]
    return sg.pad(x, (0, m - n)) - 2 / m * sg.sum(x) - np.ones(m)


def linear_rank_1(x, m=20):
    return count(m) * sg.sum(count(x.shape[0]) * x) - 1


def linear_rank_1_zeros(x, m=20):
    """Linear of rank 1, with zero columns and rows."""
    inner = np.arange(m, dtype=float)
    inner[-1] = 0
    return inner * sg.sum(count(x.shape[0])[1:-1] * x[1:-1]) - 1


def chebyquad(x):
    n = x.shape[0]
    before, t = sg.constant(np.ones(n)), 2 * x - 1
    rows = []
    for i in range(1, n + 1):
        rows.append(sg.sum(t) / n + (1 / (i**2 - 1) if i % 2 == 0 else 0))
        before, t = t, 2 * (2 * x - 1) * t - before
    return sg.stack(rows)


GRID = grid(10)
PROBLEMS = [
    Problem("rosenbrock", 2, 2, rosenbrock, [-1.2, 1], (0.0,), [1, 1]),
    Problem("freudenstein_roth", 2, 2, freudenstein_roth, [0.5, -2], (0.0, 48.9842), [5, 4]),
    Problem("powell_badly_scaled", 2, 2, powell_badly_scaled, [0, 1], (0.0,)),
    Problem("brown_badly_scaled", 2, 3, brown_badly_scaled, [1, 1], (0.0,), [1e6, 2e-6]),
    Problem("beale", 2, 3, beale, [1, 1], (0.0,), [3, 0.5]),
    Problem("jennrich_sampson", 2, 10, jennrich_sampson, [0.3, 0.4], (124.362,)),
    Problem("helical_valley", 3, 3, helical_valley, [-1, 0, 0], (0.0,), [1, 0, 0]),
    Problem("bard", 3, 15, bard, [1, 1, 1], (8.21487e-3, 17.4286)),
    Problem("gaussian", 3, 15, gaussian, [0.4, 1, 0], (1.12793e-8,)),
    Problem("meyer", 3, 16, meyer, [0.02, 4000, 250], (87.9458,)),
    Problem("gulf", 3, 99, gulf, [5, 2.5, 0.15], (0.0,), [50, 25, 1.5]),
    Problem("box", 3, 10, box, [0, 10, 20], (0.0,), [1, 10, 1]),
    Problem("powell_singular", 4, 4, powell_singular, [3, -1, 0, 1], (0.0,), [0, 0, 0, 0]),
    Problem("wood", 4, 6, wood, [-3, -1, -3, -1], (0.0,), [1, 1, 1, 1]),
    Problem(
        "kowalik_osborne",
        4,
        11,
        kowalik_osborne,
        [0.25, 0.39, 0.415, 0.39],
        (3.07505e-4, 1.02734e-3),
    ),
    Problem("brown_dennis", 4, 20, brown_dennis, [25, 5, -5, -1], (85822.2,)),
    Problem("osborne_1", 5, 33, osborne_1, [0.5, 1.5, -1, 0.01, 0.02], (5.46489e-5,)),
    Problem("biggs", 6, 13, biggs, [1, 2, 1, 1, 1, 1], (0.0, 5.65565e-3), [1, 10, 1, 5, 4, 3]),
    Problem(
        "osborne_2",
        11,
        65,
        osborne_2,
        [1.3, 0.65, 0.65, 0.7, 0.6, 3, 5, 7, 2, 4.5, 5.5],
        (4.01377e-2,),
    ),
    Problem("watson", 6, 31, watson, [0] * 6, (2.28767e-3,)),
    Problem("extended_rosenbrock", 10, 10, extended_rosenbrock, [-1.2, 1] * 5, (0.0,), [1] * 10),
    Problem("extended_powell", 12, 12, extended_powell, [3, -1, 0, 1] * 3, (0.0,), [0] * 12),
    Problem("penalty_1", 10, 11, penalty_1, count(10), (7.08765e-5,)),
    Problem("penalty_2", 10, 20, penalty_2, [0.5] * 10, (2.93660e-4,)),
    Problem(
        "variably_dimensioned", 10, 12, variably_dimensioned, 1 - count(10) / 10, (0.0,), [1] * 10
    ),
    Problem("trigonometric", 10, 10, trigonometric, [0.1] * 10, (0.0, 2.79506e-5), [0] * 10),
    Problem("brown_almost_linear", 10, 10, brown_almost_linear, [0.5] * 10, (0.0, 1.0), [1] * 10),
    Problem("discrete_boundary_value", 10, 10, discrete_boundary_value, GRID * (GRID - 1), (0.0,)),
    Problem("discrete_integral", 10, 10, discrete_integral, GRID * (GRID - 1), (0.0,)),
    Problem("broyden_tridiagonal", 10, 10, broyden_tridiagonal, [-1] * 10, (0.0,)),
    Problem("broyden_banded", 10, 10, broyden_banded, [-1] * 10, (0.0,)),
    Problem("linear_full_rank", 10, 20, linear_full_rank, [1] * 10, (10.0,), [-1] * 10),
    Problem("linear_rank_1", 10, 20, linear_rank_1, [1] * 10, (20 * 19 / (2 * 41),)),
    Problem(
        "linear_rank_1_zeros", 10, 20, linear_rank_1_zeros, [1] * 10, ((400 + 60 - 6) / (2 * 37),)
    ),
    Problem("chebyquad", 8, 8, chebyquad, count(8) / 9, (3.51687e-3,)),
]
