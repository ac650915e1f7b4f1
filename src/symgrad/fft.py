"""Fourier transforms in the names of `numpy.fft`: complex arrays are pairs of real and imaginary parts."""

from symgrad.ops.fourier import Parts, fft, fftshift, ifft, ifftshift, irfft, power, rfft

__all__ = ["Parts", "fft", "fftshift", "ifft", "ifftshift", "irfft", "power", "rfft"]
