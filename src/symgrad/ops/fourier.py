"""The discrete Fourier transform of real arrays, as real and imaginary parts.

One op and its adjoint hold all of it: with ``X[k] = sum_j x[j]*exp(-2*pi*i*j*k/n)``, the op gives the parts
of X for k up to n/2, on an axis of two before the last one. The adjoint sends ``(g, h)`` to
``sum_k g[k]*cos(2*pi*j*k/n) - h[k]*sin(2*pi*j*k/n)``, which is n times the inverse transform of ``g + i*h``
with all entries halved but those that are their own mirror image.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

import numpy as np

from symgrad.errors import ArgumentError, ShapeError
from symgrad.expr.dims import Shape, show_shape
from symgrad.expr.kinds import Call
from symgrad.expr.node import Expr, make
from symgrad.expr.op import Op, Params
from symgrad.expr.types import WEAK_FLOAT, Ty, promote
from symgrad.ops.batch import on_last_axes
from symgrad.ops.cast import cast
from symgrad.ops.einsum import transpose_axes
from symgrad.ops.elementwise import as_expr
from symgrad.ops.parts import Parts
from symgrad.ops.public import known_int, normalize_axes, normalize_axis, public, public_as_typed
from symgrad.ops.reshaping import linear
from symgrad.ops.shapes import concatenate, flip, moveaxis, pad, roll, stack
from symgrad.ops.ufuncs import add, divide, multiply, negative, square, subtract


class LengthParams(NamedTuple):
    """How many entries the real array has along the axis that is transformed."""

    n: int


def _rfft_infer(args: tuple[Expr, ...], params: Params) -> tuple[Shape, Ty]:
    (x,) = args
    return (*x.shape[:-1], 2, params[0] // 2 + 1), promote(x.ty, WEAK_FLOAT)


def _adjoint_infer(args: tuple[Expr, ...], params: Params) -> tuple[Shape, Ty]:
    (g,) = args
    return (*g.shape[:-2], params[0]), promote(g.ty, WEAK_FLOAT)


def _along(name: str, own: int) -> Callable[[Expr, Expr], Expr]:
    """The tangent: the op on the last `own` axes of its operand, other axes of a tangent being behind."""

    def tangent(y: Expr, t: Expr) -> Expr:
        op, rank = _OPS[name], y.args[0].ndim
        extra = tuple(range(rank, t.ndim))
        moved = op.build((transpose_axes(t, (*extra, *range(rank))),), tuple(y.params))
        count = len(extra)
        return transpose_axes(moved, (*range(count, moved.ndim), *range(count)))

    return tangent


RFFT: Op = Op(
    name="rfft",
    fields=LengthParams,
    build=lambda args, params: make(RFFT, args, params, *_rfft_infer(args, params)),
    infer=_rfft_infer,
    vjp=lambda g, y, needed: [RFFT_ADJOINT.build((g,), tuple(y.params))],
    jvp=linear(_along("rfft", 1)),
    batch=on_last_axes,
    numpy=Call("_rfft"),
    text="rfft({0})",
    latex=r"\operatorname{{rfft}}\left({0}\right)",
    notes="The parts stand on an axis of two before the last one; linear.",
)
RFFT_ADJOINT: Op = Op(
    name="rfft_adjoint",
    fields=LengthParams,
    build=lambda args, params: make(RFFT_ADJOINT, args, params, *_adjoint_infer(args, params)),
    infer=_adjoint_infer,
    vjp=lambda g, y, needed: [RFFT.build((g,), tuple(y.params))],
    jvp=linear(_along("rfft_adjoint", 2)),
    batch=on_last_axes,
    numpy=lambda node: Call("_rfft_adjoint", (), (("n", node.params.n),)),
    text=lambda node: f"rfft_adjoint({{0}}, {node.params.n})",
    latex=r"\operatorname{{rfft}}^{{*}}\left({0}\right)",
    notes="The adjoint of rfft; linear.",
)
FOURIER_OPS: Final = (RFFT, RFFT_ADJOINT)
_OPS: Final = {op.name: op for op in FOURIER_OPS}


# The public functions


def _last(a: Any, axis: int, who: str) -> tuple[Expr, int]:
    """A real array with the axis that is transformed behind the others, and its place."""
    x = as_expr(a)
    if x.ndim == 0:
        raise ShapeError(f"{who} needs one axis or more, got a scalar")
    place = normalize_axis(axis, x.ndim)
    moved = moveaxis(cast(x, promote(x.ty, WEAK_FLOAT)), place, -1)
    if known_int(moved.shape[-1], who, x.shape) == 0:
        raise ShapeError(f"{who} of an empty axis has no value; shape {show_shape(x.shape)}")
    return moved, place


def _of_length(x: Expr, n: Any, who: str) -> Expr:
    """The last axis cut off, or filled up with zeros."""
    length = known_int(x.shape[-1], who, x.shape)
    wanted = length if n is None else n
    if not isinstance(wanted, int) or wanted < 1:
        raise ArgumentError(f"{who} needs a positive number of points, not {n!r}")
    if wanted <= length:
        return x[..., :wanted]
    return pad(x, [(0, 0)] * (x.ndim - 1) + [(0, wanted - length)])


def _pair(given: Any, who: str) -> tuple[Any, Any]:
    if not isinstance(given, (tuple, list)) or len(given) != 2:
        raise ArgumentError(f"{who} takes a pair (real, imag), such as rfft gives")
    return given[0], given[1]


def _half(x: Expr) -> tuple[Expr, Expr]:
    parts = RFFT.build((x,), (x.shape[-1],))
    return parts[..., 0, :], parts[..., 1, :]


@public_as_typed
def rfft(a: Any, n: Any = None, axis: int = -1) -> Parts:
    """The parts of the Fourier transform of a real array, up to half the frequencies, as `numpy.fft.rfft`.

    Parameters
    ----------
    a : expression
        Real, of a known extent along the axis.
    n : int, optional
        The number of points: more are cut off, missing ones are zeros.
    axis : int

    Returns
    -------
    Parts
        ``(real, imag)``, of ``n//2 + 1`` entries along the axis.

    Raises
    ------
    ShapeError
        For a scalar, or an axis that is empty or of unknown extent.
    ArgumentError
        For a number of points that is no positive int.

    Examples
    --------
    >>> import symgrad as sg
    >>> x = sg.vector("x", 4)
    >>> real, imag = sg.fft.rfft(x)
    >>> sg.lambdify(x, [real, imag])([1.0, 2.0, 3.0, 4.0])
    [array([10., -2., -2.]), array([0., 2., 0.])]
    """
    x, place = _last(a, axis, "rfft")
    real, imag = _half(_of_length(x, n, "rfft"))
    return Parts(moveaxis(real, -1, place), moveaxis(imag, -1, place))


@public
def irfft(a: Any, n: Any = None, axis: int = -1) -> Expr:
    """The real array whose `rfft` is a pair of parts, as `numpy.fft.irfft`.

    Parameters
    ----------
    a : pair of expressions
        ``(real, imag)``.
    n : int, optional
        The number of points, twice the number of frequencies less two if not given.
    axis : int

    Raises
    ------
    ArgumentError
        If `a` is no pair, or for a number of points that is no positive int.

    Examples
    --------
    >>> import symgrad as sg
    >>> x = sg.vector("x", 4)
    >>> sg.evaluate(sg.fft.irfft(sg.fft.rfft(x)), {x: [1.0, 2.0, 3.0, 4.0]})
    array([1., 2., 3., 4.])
    """
    given = [_last(part, axis, "irfft") for part in _pair(a, "irfft")]
    place = given[0][1]
    points = (
        2 * (known_int(given[0][0].shape[-1], "irfft", given[0][0].shape) - 1) if n is None else n
    )
    if not isinstance(points, int) or points < 1:
        raise ArgumentError(f"irfft needs a positive number of points, not {points!r}")
    count = points // 2 + 1
    weights = np.full(count, 2.0 / points)
    weights[0] = 1.0 / points
    if points % 2 == 0:
        weights[-1] = 1.0 / points
    parts = [multiply(_of_length(x, count, "irfft"), weights) for x, _ in given]
    return moveaxis(RFFT_ADJOINT.build((stack(parts, -2),), (points,)), -1, place)


def _whole(x: Expr) -> tuple[Expr, Expr]:
    """All frequencies of a real array: the second half mirrors the first."""
    real, imag = _half(x)
    mirrored = slice(1, (x.shape[-1] + 1) // 2)
    behind = [flip(part[..., mirrored], -1) for part in (real, imag)]
    return concatenate([real, behind[0]], -1), concatenate([imag, negative(behind[1])], -1)


@public_as_typed
def fft(a: Any, n: Any = None, axis: int = -1) -> Parts:
    """The parts of the Fourier transform of a real array, or of a pair of parts, as `numpy.fft.fft`.

    Parameters and errors are those of `rfft`.

    Examples
    --------
    >>> import symgrad as sg
    >>> x = sg.vector("x", 4)
    >>> sg.evaluate(sg.fft.fft(x).imag, {x: [1.0, 2.0, 3.0, 4.0]})
    array([ 0.,  2.,  0., -2.])
    """
    if not isinstance(a, (tuple, list)):
        x, place = _last(a, axis, "fft")
        real, imag = _whole(_of_length(x, n, "fft"))
    else:
        given = [_last(part, axis, "fft") for part in _pair(a, "fft")]
        place = given[0][1]
        u, v = [_whole(_of_length(x, n, "fft")) for x, _ in given]
        real, imag = subtract(u[0], v[1]), add(u[1], v[0])
    return Parts(moveaxis(real, -1, place), moveaxis(imag, -1, place))


@public_as_typed
def ifft(a: Any, n: Any = None, axis: int = -1) -> Parts:
    """The parts of the inverse transform of a pair of parts, as `numpy.fft.ifft`.

    It is the conjugate of the transform of the conjugate, over the number of points. Parameters and errors
    are those of `rfft`.

    Examples
    --------
    >>> import symgrad as sg
    >>> x = sg.vector("x", 4)
    >>> sg.evaluate(sg.fft.ifft(sg.fft.fft(x)).real, {x: [1.0, 2.0, 3.0, 4.0]})
    array([1., 2., 3., 4.])
    """
    real, imag = _pair(a, "ifft")
    u, v = fft((real, negative(as_expr(imag))), n, axis)
    points = u.shape[normalize_axis(axis, u.ndim)]
    return Parts(divide(u, points), negative(divide(v, points)))


@public
def power(a: Any, n: Any = None, axis: int = -1) -> Expr:
    """The squared absolute values of `rfft`, the power at each frequency.

    Examples
    --------
    >>> import symgrad as sg
    >>> x = sg.vector("x", 4)
    >>> sg.evaluate(sg.fft.power(x), {x: [1.0, 2.0, 3.0, 4.0]})
    array([100.,   8.,   4.])
    """
    real, imag = rfft(a, n, axis)
    return add(square(real), square(imag))


def _shifted(a: Any, axes: Any, sign: int, who: str) -> Expr:
    x = as_expr(a)
    places = normalize_axes(axes, x.ndim)
    extents = [known_int(x.shape[k], who, x.shape) for k in places]
    return roll(x, tuple(sign * (d // 2) for d in extents), places)


@public
def fftshift(x: Any, axes: Any = None) -> Expr:
    """Frequencies with 0 in the middle, along axes of known extents, as `numpy.fft.fftshift`."""
    return _shifted(x, axes, 1, "fftshift")


@public
def ifftshift(x: Any, axes: Any = None) -> Expr:
    """The inverse of `fftshift`, as `numpy.fft.ifftshift`."""
    return _shifted(x, axes, -1, "ifftshift")
