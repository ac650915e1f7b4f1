"""Fourier transforms of real arrays, by real and imaginary parts on an axis of two before the last."""

from __future__ import annotations

from typing import Any

import numpy as np


def _rfft(x: Any) -> Any:
    """The parts of `numpy.fft.rfft`."""
    f = np.fft.rfft(x)
    return np.stack([f.real, f.imag], axis=-2)


def _rfft_adjoint(g: Any, n: Any) -> Any:
    """The adjoint of `_rfft`: n times the inverse transform, with what stands for two entries halved."""
    f = g[..., 0, :] + 1j * g[..., 1, :]
    f[..., 1 : (n + 1) // 2] /= 2
    return n * np.fft.irfft(f, n)
