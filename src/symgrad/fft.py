"""Fourier transforms in the names of `numpy.fft`: complex arrays are pairs of real and imaginary parts."""

from typing import TYPE_CHECKING

from symgrad.ops.fourier import fft, fftshift, ifft, ifftshift, irfft, power, rfft
from symgrad.ops.parts import Parts
from symgrad.ops.transforms import fftn, hfft, ifftn, ihfft, irfftn, rfftn
from symgrad.suggestions import room as _room

__all__ = [
    "Parts",
    "fft",
    "fftn",
    "fftshift",
    "hfft",
    "ifft",
    "ifftn",
    "ifftshift",
    "ihfft",
    "irfft",
    "irfftn",
    "power",
    "rfft",
    "rfftn",
]

if not TYPE_CHECKING:  # to which any name would be right
    __getattr__, __dir__ = _room(__name__, __all__)
