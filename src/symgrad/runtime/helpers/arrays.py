"""Helpers of generated code that act on arrays: zeros with parts in them, norms, sums of exponentials."""

from __future__ import annotations

from typing import Any

import numpy as np


def _on_diagonal(x: Any, shape: Any, labels: Any) -> Any:
    """Zeros of `shape` with `x` where axes of one label agree, written through a strided view."""
    out = np.zeros(shape, np.asarray(x).dtype)
    np.einsum(labels, out)[...] = x
    return out


def _embed(x: Any, shape: Any, index: Any) -> Any:
    """Zeros of `shape` with `x` at `index`."""
    out = np.zeros(shape, np.asarray(x).dtype)
    out[index] = x
    return out


def _embed_sum(shape: Any, *parts: Any) -> Any:
    """Zeros of `shape`; each part is an array, its index, and whether it is subtracted there."""
    out = np.zeros(shape, np.result_type(*[x for x, _, _ in parts]))
    for x, index, negative in parts:
        place = out[*index, ...]
        (np.subtract if negative else np.add)(place, x, out=place)
    return out


def _scatter_add(x: Any, index: Any, shape: Any) -> Any:
    """Floating zeros of `shape` with the entries of `x` added at integer arrays `index`."""
    out = np.zeros(shape, np.result_type(x, 0.0))
    size = np.size(x)
    width = out[(0,) * len(index)].size if out.size else 1
    if size < 500 or len(index) == out.ndim == 1 or size != width * np.broadcast(*index).size:
        np.add.at(out, index, x)
    else:  # one flat index is several times faster
        rows = np.arange(out.size // width).reshape(shape[: len(index)])[index]
        places = rows[..., None] * width + np.arange(width)
        np.add.at(out.reshape(-1), places.reshape(-1), x.reshape(-1))
    return out


def _choice(condition: Any, chosen: Any, other: Any, out: Any) -> Any:
    """`numpy.where`, written into an array, which may be `other`."""
    if out is not other:
        np.copyto(out, other)
    np.copyto(out, chosen, where=condition)
    return out


def _cast(x: Any, out: Any) -> Any:
    """Entries in the type of another array, written there."""
    np.copyto(out, x, casting="unsafe")
    return out


def _largest(x: Any, axis: Any = None) -> Any:
    """The largest entries, 0 where they are not finite; reduced axes stay."""
    top = np.max(x, axis=axis, keepdims=True, initial=-np.inf)
    return np.where(np.isfinite(top), top, 0.0).astype(top.dtype)


def _norm(total: Any, x: Any, axis: Any, p: Any = 2) -> Any:
    """The root of total = sum(x**p, axis); by scaled entries where that leaves the range of floats."""
    root = np.sqrt(total) if p == 2 else total ** (1 / p)
    if x.dtype != float or np.all((total > 1e-280) & (total < 1e300)):
        return root
    top = np.max(np.abs(x), axis=axis, keepdims=True, initial=0)
    top = np.where((top > 0) & np.isfinite(top), top, 1.0)
    scaled = np.sum(np.abs(x / top) ** p, axis=axis) ** (1 / p) * np.squeeze(top, axis=axis)
    return np.where((total > 1e-280) & (total < 1e300), root, scaled)[()]


def _log_total(total: Any) -> Any:
    """Logarithm of sums, -inf at zero without a warning."""
    with np.errstate(divide="ignore"):
        return np.log(total)


def _logsumexp(x: Any, axis: Any = None) -> Any:
    """log(sum(exp(x))) by the largest entry, finite where the result is."""
    top = np.max(x, axis=axis, keepdims=True, initial=-np.inf)
    top = np.where(np.isfinite(top), top, 0.0)
    with np.errstate(divide="ignore"):
        return np.log(np.sum(np.exp(x - top), axis=axis)) + np.squeeze(top, axis=axis)


def _values_of(function: Any, name: Any, *operands: Any) -> Any:
    """The values of a function of arrays, of the shape of its operands."""
    shape = np.broadcast_shapes(*map(np.shape, operands))
    try:
        values = np.asarray(function(*operands))
    except (TypeError, ValueError) as error:
        if not shape:
            raise
        raise TypeError(
            f"what was given for {name} takes no arrays ({error}): write it with NumPy, or give"
            " numpy.vectorize of it"
        ) from error
    if values.shape != shape:
        raise ValueError(f"{name} gave the shape {values.shape} for operands of shape {shape}")
    if values.dtype.kind not in "biuf":
        raise TypeError(f"{name} gave values of dtype {values.dtype}, not real numbers")
    return (values if values.dtype.kind == "f" else values.astype(np.float64))[()]
