"""NumPy's Fourier transforms with their norms, and those along several axes, of expressions and parts."""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt
from typing import Any, Final

import numpy as np

from symgrad.errors import ArgumentError
from symgrad.expr.node import Expr
from symgrad.ops import fourier
from symgrad.ops.elementwise import as_expr
from symgrad.ops.parts import Parts, parts_of
from symgrad.ops.public import known_int, normalize_axis, public, public_as_typed

_FORWARD: Final[dict[Any, Callable[[int], float]]] = {
    None: lambda n: 1.0,
    "backward": lambda n: 1.0,
    "ortho": lambda n: 1 / sqrt(n),
    "forward": lambda n: 1 / n,
}


def _scaled(result: Any, norm: Any, points: int, inverse: bool) -> Any:
    """A transform by the factor of a norm: 1, the root of 1/n, or 1/n forward, and n times as much back."""
    if norm not in _FORWARD:
        raise ArgumentError(f"norm is 'backward', 'ortho' or 'forward', not {norm!r}")
    factor = 1 / _FORWARD[norm](points) if inverse else _FORWARD[norm](points)
    return result if factor == 1 else result * factor


def _extent(a: Any, axis: int) -> int:
    shape = (a[0] if isinstance(a, (tuple, list)) else as_expr(a)).shape
    return known_int(shape[normalize_axis(axis, len(shape))], "a Fourier transform", shape)


def _one_axis(function: Callable[..., Any], inverse: bool) -> Callable[..., Any]:
    """The transform along one axis under NumPy's signature."""

    def transform(a: Any, n: Any = None, axis: int = -1, norm: Any = None, out: Any = None) -> Any:
        if inverse:
            a = _as_parts(a)
        made = function(a, n, axis)
        points = n or _extent(made if function is not fourier.rfft else a, axis)
        return _scaled(made, norm, points, inverse)

    return transform


def _as_parts(a: Any) -> Parts:
    """A pair of parts; of a real array with zeros."""
    return Parts(*a) if isinstance(a, (tuple, list)) else parts_of(as_expr(a))


_rfft = _one_axis(fourier.rfft, False)
_fft = _one_axis(fourier.fft, False)
_irfft = _one_axis(fourier.irfft, True)
_ifft = _one_axis(fourier.ifft, True)


def _places(a: Any, s: Any, axes: Any) -> list[tuple[int, Any]]:
    """The axes, each with its number of points."""
    ndim = len((a[0] if isinstance(a, (tuple, list)) else as_expr(a)).shape)
    if axes is None:
        axes = range(ndim) if s is None else range(ndim - len(s), ndim)
    listed = [normalize_axis(axis, ndim) for axis in axes]
    points = [None] * len(listed) if s is None else list(s)
    if len(points) != len(listed):
        raise ArgumentError(f"a Fourier transform along {len(listed)} axes got the shape {s}")
    return list(zip(listed, points, strict=True))


@public_as_typed
def fftn(a: Any, s: Any = None, axes: Any = None, norm: Any = None, out: Any = None) -> Parts:
    """The Fourier transform along several axes, all if not given, as `numpy.fft.fftn`.

    Parameters
    ----------
    a : expression, or Parts
    s : sequence of int, optional
        The number of points along each axis.
    axes : sequence of int, optional
    norm : {"backward", "ortho", "forward"}, optional

    Raises
    ------
    ArgumentError
        For an unknown norm, or numbers of points that do not fit the axes.

    Examples
    --------
    >>> import symgrad as sg
    >>> x = sg.matrix("x", (2, 2))
    >>> sg.evaluate(sg.fft.fftn(x).real, {x: [[1.0, 2.0], [3.0, 4.0]]})
    array([[10., -2.],
           [-4.,  0.]])
    """
    for axis, n in _places(a, s, axes):
        a = _fft(a, n, axis, norm)
    return a  # type: ignore[no-any-return]


@public_as_typed
def ifftn(a: Any, s: Any = None, axes: Any = None, norm: Any = None, out: Any = None) -> Parts:
    """The inverse transform along several axes, as `numpy.fft.ifftn`; parameters are those of `fftn`.

    Examples
    --------
    >>> import symgrad as sg
    >>> x = sg.matrix("x", (2, 2))
    >>> sg.evaluate(sg.fft.ifftn(sg.fft.fftn(x)).real, {x: [[1.0, 2.0], [3.0, 4.0]]})
    array([[1., 2.],
           [3., 4.]])
    """
    for axis, n in _places(a, s, axes):
        a = _ifft(a, n, axis, norm)
    return a  # type: ignore[no-any-return]


@public_as_typed
def rfftn(a: Any, s: Any = None, axes: Any = None, norm: Any = None, out: Any = None) -> Parts:
    """The transform of a real array along several axes, of the last one up to half, as `numpy.fft.rfftn`.

    Parameters are those of `fftn`.

    Examples
    --------
    >>> import symgrad as sg
    >>> x = sg.matrix("x", (2, 2))
    >>> sg.evaluate(sg.fft.rfftn(x).real, {x: [[1.0, 2.0], [3.0, 4.0]]})
    array([[10., -2.],
           [-4.,  0.]])
    """
    *others, (axis, n) = _places(a, s, axes)
    made = _rfft(a, n, axis, norm)
    for place, points in reversed(others):
        made = _fft(made, points, place, norm)
    return made  # type: ignore[no-any-return]


@public
def irfftn(a: Any, s: Any = None, axes: Any = None, norm: Any = None, out: Any = None) -> Expr:
    """The real array whose `rfftn` is a pair of parts, as `numpy.fft.irfftn`.

    Parameters are those of `fftn`.

    Examples
    --------
    >>> import symgrad as sg
    >>> x = sg.matrix("x", (2, 2))
    >>> sg.evaluate(sg.fft.irfftn(sg.fft.rfftn(x)), {x: [[1.0, 2.0], [3.0, 4.0]]})
    array([[1., 2.],
           [3., 4.]])
    """
    *others, (axis, n) = _places(a, s, axes)
    for place, points in others:
        a = _ifft(a, points, place, norm)
    return _irfft(a, n, axis, norm)  # type: ignore[no-any-return]


@public
def hfft(a: Any, n: Any = None, axis: int = -1, norm: Any = None, out: Any = None) -> Expr:
    """The real transform of parts that are their own mirror image, as `numpy.fft.hfft`.

    Examples
    --------
    >>> import symgrad as sg
    >>> x = sg.vector("x", 3)
    >>> sg.evaluate(sg.fft.hfft(x), {x: [1.0, 2.0, 3.0]})
    array([ 8., -2.,  0., -2.])
    """
    z = _as_parts(a)
    points = 2 * (_extent(z, axis) - 1) if n is None else n
    turned = {None: "forward", "backward": "forward", "forward": "backward"}.get(norm, norm)
    return _irfft(z.conj(), points, axis, turned)  # type: ignore[no-any-return]


@public_as_typed
def ihfft(a: Any, n: Any = None, axis: int = -1, norm: Any = None, out: Any = None) -> Parts:
    """The inverse of `hfft`, as `numpy.fft.ihfft`.

    Examples
    --------
    >>> import symgrad as sg
    >>> x = sg.vector("x", 4)
    >>> sg.evaluate(sg.fft.ihfft(x).real, {x: [8.0, -2.0, 0.0, -2.0]})
    array([1., 2., 3.])
    """
    turned = {None: "forward", "backward": "forward", "forward": "backward"}.get(norm, norm)
    return _rfft(a, n, axis, turned).conj()  # type: ignore[no-any-return]


def _plane(function: Callable[..., Any]) -> Callable[..., Any]:
    """A transform along two axes, the last two if not given."""

    def transform(
        a: Any, s: Any = None, axes: Any = (-2, -1), norm: Any = None, out: Any = None
    ) -> Any:
        return function(a, s, axes, norm)

    return transform


OF_NUMPY: Final[dict[Any, Callable[..., Any]]] = {
    np.fft.fft: _fft,
    np.fft.ifft: _ifft,
    np.fft.rfft: _rfft,
    np.fft.irfft: _irfft,
    np.fft.hfft: hfft,
    np.fft.ihfft: ihfft,
    np.fft.fftn: fftn,
    np.fft.ifftn: ifftn,
    np.fft.rfftn: rfftn,
    np.fft.irfftn: irfftn,
    np.fft.fft2: _plane(fftn),
    np.fft.ifft2: _plane(ifftn),
    np.fft.rfft2: _plane(rfftn),
    np.fft.irfft2: _plane(irfftn),
}
