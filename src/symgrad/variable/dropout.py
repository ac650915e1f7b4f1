"""Dropout: entries set to zero at random while a model is trained."""

from __future__ import annotations

from typing import Any

import numpy as np

from symgrad.calls import checked
from symgrad.errors import ArgumentError
from symgrad.ops.ufuncs import multiply
from symgrad.variable.modes import is_testing
from symgrad.variable.operators import is_variable


@checked
def dropout(x: Any, rate: float = 0.5, rng: Any = None, *, mask: Any = None) -> Any:
    """`x` with a share of its entries, drawn anew at each call, set to zero; within `test_mode` itself.

    The other entries are divided by ``1 - rate``, so that the expectation stays.

    Parameters
    ----------
    x : Variable, or Expr
        An expression needs a `mask`: a formula draws no numbers.
    rate : float
        The share of the entries, from 0 up to but not including 1.
    rng : numpy.random.Generator or int, optional
        Where numbers are drawn from, or a seed.
    mask : array, Variable or Expr, optional
        Of the shape of `x`, 1 for what stays and 0 for what goes, in place of a draw.

    Raises
    ------
    ArgumentError
        If the rate is no such share, or an expression comes without a mask.

    Examples
    --------
    >>> import symgrad as sg
    >>> print(sg.dropout(sg.variable([1.0, 2.0]), 0.5, mask=[1, 0]))
    variable([2. 0.])
    """
    if not 0 <= rate < 1:
        raise ArgumentError(f"the rate of dropout must be at least 0 and less than 1, not {rate!r}")
    if is_testing():
        return x
    if mask is None:
        if not is_variable(x):
            raise ArgumentError(
                "dropout of a formula needs a mask, such as mask=symbol('m', x.shape): a formula draws"
                " no random numbers"
            )
        mask = np.random.default_rng(rng).random(x.shape) >= rate
    if not is_variable(mask) and not hasattr(mask, "op"):
        mask = np.asarray(mask, dtype=x.dtype)
    return multiply(multiply(x, mask), 1 / (1 - rate))
