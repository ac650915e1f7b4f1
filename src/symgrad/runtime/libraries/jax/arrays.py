"""Helpers of code for JAX that act on arrays."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp


def _places(labels: Any, shape: Any) -> Any:
    """Integer arrays that index the entries of `shape` where axes of one label agree."""
    axes, out = labels.split("->")
    return tuple(
        jnp.arange(extent).reshape([-1 if label == other else 1 for other in out])
        for label, extent in zip(axes, shape, strict=True)
    )


def _on_diagonal(x: Any, shape: Any, labels: Any) -> Any:
    """Zeros of `shape` with `x` where axes of one label agree."""
    return jnp.zeros(shape, jnp.result_type(x)).at[_places(labels, shape)].set(x)


def _embed(x: Any, shape: Any, index: Any) -> Any:
    """Zeros of `shape` with `x` at `index`."""
    return jnp.zeros(shape, jnp.result_type(x)).at[index].set(x)


def _embed_sum(shape: Any, *parts: Any) -> Any:
    """Zeros of `shape`; each part is an array, its index, and whether it is subtracted there."""
    out = jnp.zeros(shape, jnp.result_type(*[x for x, _, _ in parts]))
    for x, index, negative in parts:
        out = out.at[index].add(-x if negative else x)
    return out


def _scatter_add(x: Any, index: Any, shape: Any) -> Any:
    """Floating zeros of `shape` with the entries of `x` added at integer arrays `index`."""
    return jnp.zeros(shape, jnp.result_type(x, 0.0)).at[index].add(x)


def _largest(x: Any, axis: Any = None) -> Any:
    """The largest entries, 0 where they are not finite; reduced axes stay."""
    top = jnp.max(x, axis=axis, keepdims=True, initial=-jnp.inf)
    return jnp.where(jnp.isfinite(top), top, 0.0)


def _norm(total: Any, x: Any, axis: Any, p: Any = 2) -> Any:
    """The root of total = sum(x**p, axis); by scaled entries where that leaves the range of floats."""
    root = jnp.sqrt(total) if p == 2 else total ** (1 / p)
    if jnp.result_type(x) != jnp.float64:
        return root
    top = jnp.max(jnp.abs(x), axis=axis, keepdims=True, initial=0)
    top = jnp.where((top > 0) & jnp.isfinite(top), top, 1.0)
    scaled = jnp.sum(jnp.abs(x / top) ** p, axis=axis) ** (1 / p) * jnp.squeeze(top, axis=axis)
    return jnp.where((total > 1e-280) & (total < 1e300), root, scaled)


def _log_total(total: Any) -> Any:
    """Logarithm of sums, -inf at zero."""
    return jnp.log(total)


def _logsumexp(x: Any, axis: Any = None) -> Any:
    """log(sum(exp(x))) by the largest entry, finite where the result is."""
    top = _largest(x, axis)
    return jnp.log(jnp.sum(jnp.exp(x - top), axis=axis)) + jnp.squeeze(top, axis=axis)


def _frexp(x: Any) -> Any:
    """Mantissas and exponents."""
    return jnp.frexp(x)


def _rfft(x: Any) -> Any:
    """The parts of `numpy.fft.rfft`, on an axis of two before the last."""
    f = jnp.fft.rfft(x)
    return jnp.stack([f.real, f.imag], axis=-2)


def _rfft_adjoint(g: Any, n: Any) -> Any:
    """The adjoint of `_rfft`: n times the inverse transform, with what stands for two entries halved."""
    f = g[..., 0, :] + 1j * g[..., 1, :]
    halved = jnp.arange(f.shape[-1])
    halved = (halved >= 1) & (halved < (n + 1) // 2)
    return n * jnp.fft.irfft(jnp.where(halved, f / 2, f), n)


def _spd_logdet(a: Any) -> Any:
    """log(det(a)) of positive definite matrices, by Cholesky."""
    return 2 * jnp.sum(jnp.log(jnp.diagonal(jnp.linalg.cholesky(a), axis1=-2, axis2=-1)), axis=-1)


class _Factor:
    """A square matrix for its determinant, solutions and inverse; compiling shares its factors."""

    def __init__(self, a: Any, definite: Any = False) -> None:
        self.a, self.definite = a, definite

    def logabsdet(self) -> Any:
        return _spd_logdet(self.a) if self.definite else jnp.linalg.slogdet(self.a)[1]

    def signdet(self) -> Any:
        return jnp.linalg.slogdet(self.a)[0]

    def det(self) -> Any:
        return jnp.linalg.det(self.a)

    def solve(self, b: Any, turned: Any = False) -> Any:
        return jnp.linalg.solve(self.a.T if turned else self.a, b)

    def inv(self) -> Any:
        return jnp.linalg.inv(self.a)


def _half_lower(a: Any) -> Any:
    """The lower triangles of matrices, with their diagonals halved."""
    return (jnp.tril(a) + jnp.tril(a, -1)) / 2


def _gaps(w: Any) -> Any:
    """1/(w[j] - w[i]) as a matrix, 0 on the diagonal."""
    gaps = w[..., None, :] - w[..., :, None]
    own = jnp.eye(w.shape[-1], dtype=bool)
    return jnp.where(own, 0.0, 1 / jnp.where(own, 1.0, gaps))


def _floating(x: Any) -> Any:
    """An argument as an array of floats."""
    x = jnp.asarray(x)
    return x if jnp.issubdtype(x.dtype, jnp.floating) else x.astype(float)


def _output(x: Any, dtype: Any, shape: Any) -> Any:
    """A result that some arguments do not occur in, or a number, as an array of a shape."""
    return jnp.broadcast_to(jnp.asarray(x, dtype), shape)
