"""Fourier transforms in the names of `numpy.fft`: complex arrays are pairs of real and imaginary parts."""

from typing import TYPE_CHECKING

from symgrad.ops.fourier import Parts, fft, fftshift, ifft, ifftshift, irfft, power, rfft
from symgrad.suggestions import room as _room

__all__ = ["Parts", "fft", "fftshift", "ifft", "ifftshift", "irfft", "power", "rfft"]

if not TYPE_CHECKING:  # to which any name would be right
    __getattr__, __dir__ = _room(__name__, __all__)
