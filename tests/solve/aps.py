"""The 154 problems of Alefeld, Potra and Shi (ACM TOMS 748, 1995) as formulas; SciPy holds the data."""

import numpy as np
from scipy.optimize import _tstutils

import symgrad as sg

x = sg.symbol("x")
K = np.arange(1, 21)


def _steep(n):
    inside = sg.exp(sg.minimum((n + 1) * x / 2 * 1000, 700.0)) - 1.859
    return sg.where(x < 0, -0.859, sg.where(x > 2e-3 / (1 + n), np.e - 1.859, inside))


FORMULAS = {
    1: lambda: sg.sin(x) - x / 2,
    2: lambda: -2 * sg.sum((2 * K - 5) ** 2 / (x - K**2) ** 3),
    3: lambda a, b: a * x * sg.exp(b * x),
    4: lambda n, a: x**n - a,
    5: lambda: sg.sin(x) - 0.5,
    6: lambda n: 2 * x * np.exp(-n) - 2 * sg.exp(-n * x) + 1,
    7: lambda n: (1 + (1 - n) ** 2) * x - (1 - n * x) ** 2,
    8: lambda n: x * x - (1 - x) ** n,
    9: lambda n: (1 + (1 - n) ** 4) * x - (1 - n * x) ** 4,
    10: lambda n: sg.exp(-n * x) * (x - 1) + x**n,
    11: lambda n: (n * x - 1) / ((n - 1) * x),
    12: lambda n: x ** (1.0 / n) - n ** (1.0 / n),
    13: lambda: sg.where(sg.equal(x, 0), 0.0, x * sg.exp(-1 / x**2)),
    14: lambda n: sg.where(x <= 0, -n / 20.0, n / 20.0 * (x / 1.5 + sg.sin(x) - 1)),
    15: _steep,
}
PROBLEMS = [
    (FORMULAS[int(case["ID"].split(".")[1])](*case["args"]), case)
    for case in _tstutils._APS_TESTS_DICTS
]
