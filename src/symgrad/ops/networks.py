"""Functions that networks are made of, in other ops."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any, Final

import numpy as np

from symgrad.calls import checked
from symgrad.errors import ArgumentError, DTypeError, ShapeError
from symgrad.expr.dims import Shape, as_shape, show_shape
from symgrad.expr.leaves import arange, constant
from symgrad.expr.node import Expr
from symgrad.ops import special
from symgrad.ops.cast import cast
from symgrad.ops.einsum import insert_axes, sum_axes
from symgrad.ops.elementwise import as_expr
from symgrad.ops.lifted import lifting
from symgrad.ops.public import as_int, normalize_axis, public
from symgrad.ops.reducing import mean
from symgrad.ops.reducing import sum as total
from symgrad.ops.select import where
from symgrad.ops.softmax import log_softmax, logsumexp
from symgrad.ops.sorting import take_along_axis
from symgrad.ops.ufuncs import equal, multiply, sqrt, subtract, tanh

GELU_FORMS: Final = ("none", "tanh")


@public
def relu(x: Any) -> Expr:
    """``maximum(x, 0)`` with the derivative 0 at 0, as networks have it; nan stays nan.

    Examples
    --------
    >>> import symgrad as sg
    >>> x = sg.variable([-1.0, 0.0, 2.0])
    >>> y = sg.sum(sg.relu(x))
    >>> y.backward()
    >>> print(x.grad)
    variable([0. 0. 1.])
    """
    return leaky_relu(x, 0)  # type: ignore[no-any-return]


@public
def leaky_relu(x: Any, slope: Any = 0.01) -> Expr:
    """`x` where it is positive, ``slope*x`` elsewhere; the derivative at 0 is `slope`."""
    a = as_expr(x)
    return where(a <= 0, multiply(a, slope), a)


@public
def gelu(x: Any, approximate: str = "none") -> Expr:
    """``x*Phi(x)`` with the distribution function of the standard normal distribution.

    Parameters
    ----------
    x : Expr
    approximate : {"none", "tanh"}
        ``"tanh"`` is the approximation ``x/2*(1 + tanh(sqrt(2/pi)*(x + 0.044715*x**3)))``.
        Source: Hendrycks and Gimpel, "Gaussian Error Linear Units" (2016), equation 1 and section 2.

    Raises
    ------
    ArgumentError
        For another approximation.
    """
    if approximate not in GELU_FORMS:
        raise ArgumentError(
            f"gelu has the approximations {', '.join(map(repr, GELU_FORMS))}, not {approximate!r}"
        )
    a = as_expr(x)
    if approximate == "tanh":
        inner = math.sqrt(2 / math.pi) * (a + 0.044715 * a**3)
        return multiply(a * Fraction(1, 2), 1 + tanh(inner))
    return multiply(a * Fraction(1, 2), special.erfc(-a / sqrt(as_expr(2))))


@public
def one_hot(labels: Any, classes: int) -> Expr:
    """Rows of zeros with a 1 at the place that each label says, of shape ``(*labels.shape, classes)``.

    Parameters
    ----------
    labels : array or Expr of integers
        From 0 to ``classes - 1``; one outside has a row of zeros.
    classes : int

    Raises
    ------
    DTypeError
        If the labels are no integers.

    Examples
    --------
    >>> import numpy as np, symgrad as sg
    >>> sg.evaluate(sg.one_hot([2, 0], 3))
    array([[0., 0., 1.],
           [1., 0., 0.]])
    """
    n = as_int(classes, "the number of classes")
    if not isinstance(labels, Expr):
        given = np.asarray(labels)
        _check_labels(given.dtype, "one_hot")
        return constant((given[..., None] == np.arange(n)).astype(float))
    _check_labels(labels.dtype, "one_hot")
    column = insert_axes(labels, (labels.ndim,))
    return cast(equal(column, arange(n)), as_expr(np.zeros(1)).ty)


def _check_labels(dtype: Any, who: str) -> None:
    if dtype.kind not in "iu":
        raise DTypeError(f"{who} needs integers as labels, not {dtype}")


@lifting
@checked
def cross_entropy(logits: Any, labels: Any, axis: int = -1) -> Expr:
    """The mean of ``-log(softmax(logits))`` at the labels.

    Parameters
    ----------
    logits : Expr
        Scores, not yet normalised: ``log(softmax)`` is computed without overflow.
    labels : array or Expr
        Integers, of the shape of the logits without `axis`; or shares of the classes, of the shape of the
        logits.
    axis : int
        The axis of the classes.

    Raises
    ------
    ShapeError
        If the labels have neither shape, or an integer is no class.

    Examples
    --------
    >>> import numpy as np, symgrad as sg
    >>> z = sg.variable([[1.0, 2.0], [3.0, 0.0]])
    >>> loss = sg.cross_entropy(z, np.array([1, 0]))
    >>> print(f"{loss:.6f}")
    0.180925
    """
    shape = logits.shape if hasattr(logits, "shape") else np.shape(logits)
    known = labels if isinstance(labels, (list, tuple, np.ndarray)) else None
    if known is not None:
        labels = np.asarray(known)
        _check_classes(labels, shape, normalize_axis(axis, len(shape)))
    return mean_cross_entropy(logits, labels, axis)  # type: ignore[no-any-return]


def _check_classes(labels: Any, shape: Shape, k: int) -> None:
    """Check that labels that are known are classes."""
    classes = shape[k]
    if labels.dtype.kind in "iu" and labels.size and labels.ndim < len(shape):
        least, most = labels.min(), labels.max()
        if least < 0 or (isinstance(classes, int) and most >= classes):
            raise ShapeError(
                f"the labels of cross_entropy go from {least} to {most}; axis {k} of logits of shape"
                f" {show_shape(shape)} has the classes 0 to {classes} - 1"
            )


@public
def mean_cross_entropy(logits: Any, labels: Any, axis: int) -> Expr:
    """`cross_entropy` without a look at the labels."""
    z, given = as_expr(logits), as_expr(labels)
    k = normalize_axis(axis, z.ndim)
    rest = (*z.shape[:k], *z.shape[k + 1 :])
    if given.dtype.kind in "iu" and given.shape == rest:
        at = take_along_axis(z, insert_axes(given, (k,)), k)
        return mean(subtract(logsumexp(z, k, keepdims=True), at))
    if given.shape == z.shape:
        return -mean(total(multiply(given, log_softmax(z, k)), axis=k))
    raise ShapeError(
        f"cross_entropy of logits of shape {show_shape(z.shape)} needs integers of shape"
        f" {show_shape(rest)}, or shares of shape {show_shape(z.shape)}; the labels have dtype"
        f" {given.dtype} and shape {show_shape(given.shape)}"
    )


@public
def sum_to(x: Any, shape: Any) -> Expr:
    """The sum over the axes along which an array of `shape` is repeated when it broadcasts to `x`.

    It is the adjoint of `broadcast_to`.

    Raises
    ------
    ShapeError
        If `shape` does not broadcast to that of `x`.

    Examples
    --------
    >>> import symgrad as sg
    >>> print(sg.sum_to(sg.variable([[1.0, 2.0], [3.0, 4.0]]), (1, 2)))
    variable([[4. 6.]])
    """
    a, wanted = as_expr(x), as_shape(shape)
    lead = a.ndim - len(wanted)
    summed = _summed_axes(a.shape, wanted, lead)
    if summed is None:
        raise ShapeError(
            f"sum_to {show_shape(wanted)}: an array of that shape does not broadcast to"
            f" {show_shape(a.shape)}"
        )
    return insert_axes(sum_axes(a, summed), [k - lead for k in summed if k >= lead])


def _summed_axes(shape: Shape, wanted: Shape, lead: int) -> Sequence[int] | None:
    if lead < 0:
        return None
    summed = list(range(lead))
    for k, extent in enumerate(wanted, lead):
        if extent != shape[k]:
            if extent != 1:
                return None
            summed.append(k)
    return summed
