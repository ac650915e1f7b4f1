"""NumPy's Fourier transforms on expressions: parts of complex arrays, against NumPy on numbers."""

import numpy as np
import pytest

import symgrad as sg

A = sg.matrix("A", (3, 4))
DATA = np.random.default_rng(2).normal(size=(3, 4))
NORMS = [None, "ortho", "forward"]


def value(e):
    """The numbers of an expression, or of parts."""
    if isinstance(e, sg.fft.Parts):
        return sg.evaluate(e.real, {A: DATA}) + 1j * sg.evaluate(e.imag, {A: DATA})
    return sg.evaluate(e, {A: DATA})


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize(
    "call",
    [
        lambda a, norm: np.fft.fft(a, 5, 0, norm),
        lambda a, norm: np.fft.rfft(a, norm=norm),
        lambda a, norm: np.fft.ifft(a, norm=norm),
        lambda a, norm: np.fft.irfft(np.fft.rfft(a * 2, norm=norm) * (1 + 2j), 5, norm=norm),
        lambda a, norm: np.fft.ifft(np.fft.fft(a, norm=norm) / (2 - 1j), axis=0, norm=norm),
        lambda a, norm: np.fft.fft2(a, (2, 5), norm=norm),
        lambda a, norm: np.fft.ifft2(a, axes=(1, 0), norm=norm),
        lambda a, norm: np.fft.rfft2(a, norm=norm),
        lambda a, norm: np.fft.irfft2(np.fft.rfft2(a, norm=norm), (3, 4), norm=norm),
        lambda a, norm: np.fft.fftn(a, axes=[0], norm=norm),
        lambda a, norm: np.fft.ifftn(np.fft.fftn(a), norm=norm),
        lambda a, norm: np.fft.irfftn(np.fft.rfftn(a), (3, 4), (0, 1), norm=norm),
        lambda a, norm: np.fft.hfft(np.fft.fft(a), norm=norm),
        lambda a, norm: np.fft.ihfft(a, norm=norm),
    ],
)  # fmt: skip
def test_transforms(call, norm):
    np.testing.assert_allclose(value(call(A, norm)), call(DATA, norm), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize(
    "call",
    [
        lambda z: np.abs(z) ** 2 + np.real(z) * np.imag(z),
        lambda z: np.angle(z) + np.angle(z, deg=True),
        lambda z: z * np.conj(z) - z / (z + 1) + 2 / (3j - z),
        lambda z: np.square(z) - np.negative(z) * np.ones((3, 4)),
        lambda z: np.multiply(z, z + (1 - 2j)) + np.subtract(1, z) + z / 2,
    ],
)  # fmt: skip
def test_parts_are_complex_numbers(call):
    np.testing.assert_allclose(
        value(call(np.fft.fft(A))), call(np.fft.fft(DATA)), rtol=1e-12, atol=1e-13
    )


def test_parts_are_outputs():
    real, imag = sg.lambdify(A, np.fft.rfft(A))(DATA)
    np.testing.assert_allclose(real + 1j * imag, np.fft.rfft(DATA), atol=1e-13)
    listed = []
    listed += np.fft.rfft(A)
    assert len(listed) == 2


def test_power_is_differentiated():
    power = sg.sum(np.abs(np.fft.rfft2(A)) ** 2)
    sg.check_grad(power, A)
    f = sg.lambdify(A, sg.hessian(power, A))
    np.testing.assert_allclose(f(DATA), np.transpose(f(DATA), (2, 3, 0, 1)), atol=1e-10)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: np.fft.fft(A, norm="half"), "norm is 'backward', 'ortho' or 'forward', not 'half'"),
        (lambda: np.fft.fftn(A, (2, 2), (0,)), "along 1 axes got the shape"),
        (lambda: np.exp(np.fft.fft(A)), r"numpy.exp is not defined for the parts .* \.real and \.imag"),
        (lambda: np.sum(np.fft.fft(A)), "sum is not defined for the parts"),
    ],
)  # fmt: skip
def test_what_is_refused(call, message):
    with pytest.raises(sg.ArgumentError, match=message):
        call()
