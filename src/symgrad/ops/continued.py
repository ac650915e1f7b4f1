"""The condition of a continued formula: a base is zero, and another spelling is right there.

``where(at_zero(x), x**n/(k**n + x**n), 1/(1 + (k/x)**n))`` is differentiated branch by branch. It is read
as the formula that was written, with `at_zero` false: on paper a formula continues itself.
"""

from __future__ import annotations

import numpy as np

from symgrad.ops.elementwise import elementwise

at_zero = elementwise(
    "at_zero",
    derivative=None,
    numpy="{0} == 0",
    scalar="{0} == 0",
    text="{0} == 0",
    latex="{0} = 0",
    sympy=lambda sp, x: sp.Eq(x, 0),
    ufunc=np.logical_not,
    exact=lambda x: bool(x == 0),
    special=(np.inf, -np.inf, np.nan, 0.0),
)
