"""Helpers of generated code that compute derivatives of special functions without cancellation.

- ``erfcx``: its n-th derivative is ``(-2)**n * n! * exp(x**2) * i^n erfc(x)`` with the repeated integrals
  of erfc (DLMF 7.18.3). Their ratios ``r_n = 2*n * i^n erfc/i^(n-1) erfc`` are continued fractions with
  positive terms, ``r_n = 2*n/(2*x + r_(n+1))`` (7.18.7); below 1.2 the recurrence runs upwards.
- ``log(erfc)``: ``h = -(log erfc)' = 2*x + r_1``, and ``r_k' = r_k*(r_k - r_(k+1))`` differentiates it
  without a difference of near terms; below 1.2 by ``h' = h*(h - 2*x)``.
- Dawson's integral is a Hilbert transform of a Gaussian (7.5.1); on a line at distance 1.5 beside the real
  axis the integrand is smooth, and the trapezoidal rule is right to the last digit (Trefethen and
  Weideman, SIAM Review 56, 2014).
- The scaled Bessel functions are integrals of ``exp(-s**2)`` times a smooth positive function, with
  ``s = sqrt(2*x)*sin(t/2)`` in ``ive`` (10.32.1) and ``sinh`` in ``kve`` (10.32.9); the trapezoidal rule
  again. In between, for integer orders, 10.32.3 is periodic. Near 0 their recurrences do.
- ``iv(v + 1, x)/iv(v, x) = (log ive(v, x))' + 1 - v/x``, near 0 by the series that solves its Riccati
  equation ``r' = 1 - r**2 - (2*v + 1)*r/x``.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import scipy.special


def _far_ive(v: Any, x: Any) -> Any:
    """The scaled Bessel function, also where SciPy's gives up, beyond 1e6."""
    values = scipy.special.ive(v, x)
    if np.any(np.abs(x) > 1e6):
        far = _ive_derivative(v, x, 0).astype(np.asarray(values).dtype)
        values = np.where(np.abs(x) > 1e6, far, values)[()]
    return values


def _far_kve(v: Any, x: Any) -> Any:
    """The scaled Bessel function, also where SciPy's gives up, beyond 1e6."""
    values = scipy.special.kve(v, x)
    if np.any(np.abs(x) > 1e6):
        far = _kve_derivative(v, x, 0).astype(np.asarray(values).dtype)
        values = np.where(np.abs(x) > 1e6, far, values)[()]
    return values


def _erfcx_ratios(x: Any, count: Any) -> Any:
    """2*n*i^n erfc(x)/i^(n-1) erfc(x) for n = 1 ... count, by their continued fraction, x > 1."""
    terms = 150
    ratio, found = 2 * terms / (np.sqrt(x * x + 2 * terms) + x), []
    for n in range(terms, 0, -1):
        ratio = 2 * n / (2 * x + ratio)
        if n <= count:
            found.append(ratio)
    return found[::-1]


def _erfcx_derivative(x: Any, n: Any) -> Any:
    """The n-th derivative of exp(x**2)*erfc(x), n >= 1."""
    x = np.asarray(x, np.float64)
    with np.errstate(all="ignore"):
        low = np.minimum(x, 1.2)
        before = scipy.special.erfcx(low)
        near = 2 * low * before - 2 / np.sqrt(np.pi)
        for k in range(1, n):
            before, near = near, 2 * low * near + 2 * k * before
        far = scipy.special.erfcx(x)
        for ratio in _erfcx_ratios(np.maximum(x, 1.2), n):
            far = -far * ratio
    return np.where(x < 1.2, near, far)[()]


def _hazard(x: Any, n: Any) -> Any:
    """The n-th derivative of h(x) = 2*exp(-x**2)/(sqrt(pi)*erfc(x)), which is -(log erfc)'."""
    x = np.asarray(x, np.float64)
    with np.errstate(all="ignore"):
        if n == 0:
            return (2 / np.sqrt(np.pi) / scipy.special.erfcx(x))[()]
        low = np.minimum(x, 1.2)
        h = [
            2 / np.sqrt(np.pi) / scipy.special.erfcx(low)
        ]  # and its derivatives, by h' = h*(h - 2*x)
        g = [h[0] - 2 * low]
        for k in range(n):
            h.append(sum(math.comb(k, j) * h[j] * g[k - j] for j in range(k + 1)))
            g.append(h[-1] - 2 * (k == 0))
        ratios = _erfcx_ratios(np.maximum(x, 1.2), n + 1)
        terms = {(1, *[0] * n): 1}  # powers of the ratios, and the number before them
        for _ in range(n):
            terms, old = {}, terms
            for powers, c in old.items():
                for i in range(n):
                    for more, sign in ((i, 1), (i + 1, -1)):
                        key = tuple(p + (k == more) for k, p in enumerate(powers))
                        terms[key] = terms.get(key, 0) + sign * powers[i] * c
        far = 2.0 * (n == 1)
        for powers, c in terms.items():
            far = far + c * math.prod(r**p for r, p in zip(ratios, powers, strict=False))
    return np.where(x < 1.2, h[n], far)[()]


def _log_erfc_derivative(x: Any, n: Any) -> Any:
    """The n-th derivative of log(erfc(x)), n >= 1."""
    return -_hazard(x, n - 1)


def _log_ndtr_derivative(x: Any, n: Any) -> Any:
    """The n-th derivative of log(ndtr(x)), n >= 1."""
    return -_hazard(np.asarray(x, np.float64) * -np.sqrt(0.5), n - 1) * (-np.sqrt(0.5)) ** n


def _dawsn_derivative(x: Any, n: Any) -> Any:
    """The n-th derivative of Dawson's integral, n >= 1."""
    x = np.asarray(x, np.float64)
    with np.errstate(all="ignore"):
        low = np.clip(x, -2.0, 2.0)
        before = scipy.special.dawsn(low)
        near = 1 - 2 * low * before
        for k in range(1, n):
            before, near = near, -2 * low * near - 2 * k * before
        high, far, step = np.maximum(np.abs(x), 2.0), 0.0, 0.25
        for s in np.arange(-6.5, 6.75, step) + 1.5j:
            far = far + (np.exp(-s * s) * (high - s) ** (-n - 1)).real
        far = far * (step * (-1) ** n * math.factorial(n) / (2 * np.sqrt(np.pi)))
        far = np.where(x < 0, (-1) ** (n + 1) * far, far)
    return np.where(np.abs(x) < 2, near, far)[()]


def _kve_derivative(v: Any, x: Any, n: Any) -> Any:
    """The n-th derivative of exp(x)*kv(v, x)."""
    x = np.asarray(x, np.float64)
    with np.errstate(all="ignore"):
        low = np.minimum(x, 2.0)
        near = sum(
            (-0.5) ** i * math.comb(n, i) * math.comb(i, j) * scipy.special.kve(v - i + 2 * j, low)
            for i in range(n + 1)
            for j in range(i + 1)
        )
        high, far, step = np.maximum(x, 2.0), 0.0, 0.3
        for s in np.arange(0.0, 6.6, step):
            t = np.arcsinh(s / np.sqrt(2 * high))
            weight = (step if s else step / 2) * np.exp(-s * s)
            far = far + weight * np.cosh(2 * v * t) / np.cosh(t) * (-s * s / high) ** n
        far = far * 2 / np.sqrt(2 * high)
    return np.where(x < 2, near, far)[()]


def _ive_derivative(v: Any, x: Any, n: Any) -> Any:
    """The n-th derivative of exp(-|x|)*iv(v, x)."""
    x = np.asarray(x, np.float64)
    with np.errstate(all="ignore"):
        low = np.clip(x, -25.0, 25.0)
        near = sum(
            math.comb(n, i)
            * math.comb(i, j)
            * 0.5**i
            * (-np.sign(low)) ** (n - i)
            * scipy.special.ive(v - i + 2 * j, low)
            for i in range(n + 1)
            for j in range(i + 1)
        )
        size = np.abs(x)
        parity = np.where(x < 0, (-1.0) ** (v + n) if v == int(v) else np.nan, 1.0)
        if v == int(v):
            count, middle = 64 + 2 * abs(int(v)), 0.0
            low = np.clip(size, 2.0, 25.0)
            for k in range(count):
                fall = -2 * np.sin(np.pi * k / count) ** 2
                turned = np.cos(v * (2 * np.pi * k / count)) * fall**n / count
                middle = middle + turned * np.exp(low * fall)
            near = np.where(size > 2, middle * parity, near)
        high, far, step = np.maximum(size, 25.0), 0.0, 0.4
        for s in np.arange(0.0, 6.6, step):
            t = np.arcsin(s / np.sqrt(2 * high))
            weight = (step if s else step / 2) * np.exp(-s * s)
            far = far + weight * np.cos(2 * v * t) / np.cos(t) * (-s * s / high) ** n
        far = far * 2 / (np.pi * np.sqrt(2 * high))
    return np.where(size < 25, near, far * parity)[()]


def _iv_ratio(v: Any, x: Any, n: Any) -> Any:
    """The n-th derivative of iv(v + 1, x)/iv(v, x)."""
    x = np.asarray(x, np.float64)
    with np.errstate(all="ignore"):
        series, near = [0.5 / (v + 1)], 0.0
        for m in range(1, 24):
            total = sum(series[i] * series[m - 1 - i] for i in range(m))
            series.append(-total / (2 * m + 2 + 2 * v))
        size = np.abs(x)
        low = np.minimum(size, 1.0)
        for power in range(47, n - 1, -2):
            near = near * low * low + series[power // 2] * math.perm(power, n)
        near = near if n % 2 else near * low
        high = np.maximum(size, 1.0)
        if n == 0:
            far = scipy.special.ive(v + 1, np.minimum(high, 1e6))
            far = far / scipy.special.ive(v, np.minimum(high, 1e6))
            far = np.where(high < 1e6, far, 1 - (2 * v + 1) / (2 * high))
        else:
            values = [_ive_derivative(v, high, k) for k in range(n + 2)]
            logs: list[Any] = []  # derivatives of log(ive(v, x))
            for k in range(1, n + 2):
                known = [math.comb(k - 1, i) * logs[i] * values[k - 1 - i] for i in range(k - 1)]
                logs.append((values[k] - sum(known)) / values[0])
            far = logs[n] - v * (-1) ** n * math.factorial(n) / high ** (n + 1)
        result = np.where(size < 1, near, far)
    return np.where(x < 0, (-1) ** (n + 1) * result, result)[()]


def _log_iv(v: Any, x: Any) -> Any:
    """log(iv(v, x)), also where it overflows, and near 0 for v = 0."""
    x = np.asarray(x, np.float64)
    with np.errstate(all="ignore"):
        if v in (0, 1):
            scaled = (scipy.special.i1e if v else scipy.special.i0e)(x)
        else:
            scaled = scipy.special.ive(v, np.clip(x, -1e6, 1e6))
            scaled = np.where(np.abs(x) < 1e6, scaled, _ive_derivative(v, x, 0))
        far = np.log(scaled) + np.abs(x)
        if v:
            return far[()]
        quarter, near = np.minimum(x * x / 4, 1.0), 0.0
        for k in range(20, 0, -1):
            near = (near + 1) * quarter / k**2
    return np.where(np.abs(x) < 2, np.log1p(near), far)[()]


def _of_whole_order(function: Any, n: Any, x: Any, below: Any) -> Any:
    """A function that SciPy has for orders of ints alone; `below` for negative ones, else nan."""
    order = np.rint(np.clip(np.nan_to_num(n), -1.0, 1e9))
    values = function(np.maximum(order, 0).astype(np.int64), x)
    values = np.where(order < 0, below, np.where(order == n, values, np.nan))
    kinds = [
        v.dtype for v in (n, x) if not isinstance(v, (int, float)) or isinstance(v, np.generic)
    ]
    return values.astype(np.result_type(np.float32, *kinds) if kinds else np.float64)[()]


def _dilog(x: Any) -> Any:
    """The sum of x**k/k**2, near 0 term by term: 1 - x in SciPy's function drops the digits of x there."""
    near = np.where(np.abs(x) < 0.1, x, 0.0)
    total = np.zeros_like(near)
    for k in range(16, 0, -1):
        total = near * (total + 1 / k**2)
    return np.where(np.abs(x) < 0.1, total, scipy.special.spence(1 - x))[()]


def _lower_lambertw(x: Any) -> Any:
    """The branch -1 of Lambert's W, which is real from -1/e to 0; nan elsewhere."""
    w = scipy.special.lambertw(x, -1)
    return np.where((w.imag == 0) & (np.asarray(x) <= 0), w.real, np.nan)[()]


def _ellipd(phi: Any, m: Any) -> Any:
    """(F(phi, m) - E(phi, m))/m by Carlson's integral, DLMF 19.25.10, which divides by nothing."""
    turns = np.rint(phi / np.pi)
    s, c = np.sin(phi - turns * np.pi), np.cos(phi - turns * np.pi)
    part = s**3 * scipy.special.elliprd(c * c, 1 - m * s * s, 1.0)
    return (part + 2 * turns * scipy.special.elliprd(0.0, 1 - m, 1.0)) / 3


def _ellippi(n: Any, m: Any) -> Any:
    """The complete elliptic integral of the third kind by Carlson's, DLMF 19.25.2."""
    third = n / 3 * scipy.special.elliprj(0.0, 1 - m, 1.0, 1 - n)
    return scipy.special.elliprf(0.0, 1 - m, 1.0) + third


def _ellippiinc(n: Any, phi: Any, m: Any) -> Any:
    """The incomplete elliptic integral of the third kind by Carlson's, DLMF 19.25.14."""
    turns = np.rint(phi / np.pi)
    s, c = np.sin(phi - turns * np.pi), np.cos(phi - turns * np.pi)
    first = s * scipy.special.elliprf(c * c, 1 - m * s * s, 1.0)
    third = n / 3 * s**3 * scipy.special.elliprj(c * c, 1 - m * s * s, 1.0, 1 - n * s * s)
    return first + third + np.where(turns == 0, 0.0, 2 * turns * _ellippi(n, m))[()]
