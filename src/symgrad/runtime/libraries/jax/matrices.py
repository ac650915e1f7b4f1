"""Helpers of code for JAX that act on matrices: cofactors, powers and exponentials."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp


def _cofactors(a: Any, *along: Any) -> Any:
    """The cofactors of square matrices, or their derivative along directions, at singular ones too.

    By singular values (Stewart, On the adjugate matrix, 1998): cof(U S V) = det(U) U cof(S) V det(V), where
    an entry of cof(S) is the product of all singular values but one.
    """
    n, order = a.shape[-1], len(along)
    if order >= n:
        shapes = jnp.broadcast_shapes(a.shape, *[e.shape for e in along])
        return jnp.zeros(shapes, dtype=a.dtype)
    u, s, v = jnp.linalg.svd(a)
    turns = jnp.sign(jnp.linalg.det(u) * jnp.linalg.det(v))[..., None, None]
    for _ in range(order + 1):  # products of the singular values but those of the indices in front
        s = jnp.where(jnp.eye(n, dtype=bool), 1.0, s[..., None, :])
    products = jnp.prod(s, -1)
    if not order:
        return turns * ((u * products[..., None, :]) @ v)
    axes = range(order + 1)
    places = [jnp.arange(n).reshape([-1 if k == j else 1 for j in axes]) for k in axes]
    for k in range(1, order + 1):
        for j in range(k):
            products = products * (places[j] != places[k])
    turned = [jnp.swapaxes(u, -1, -2) @ e @ jnp.swapaxes(v, -1, -2) for e in along]
    result: Any = 0.0
    for images in _tuples(order + 1):
        if len(set(images)) <= order:  # no permutation
            continue
        inversions = sum(images[i] > images[j] for j in range(order + 1) for i in range(j))
        labels: list[Any] = [x for k, e in enumerate(turned, 1) for x in (e, [..., k, images[k]])]
        out: Any = [..., 0, images[0]] if images[0] else [..., 0]
        term = jnp.einsum(products, [..., *range(order + 1)], *labels, out)
        term = term if images[0] else term[..., None] * jnp.eye(n, dtype=a.dtype)
        result = result + (-1) ** inversions * term
    return turns * (u @ result @ v)


def _tuples(n: Any) -> Any:
    """All tuples of so many numbers below `n`."""
    found: list[Any] = [()]
    for _ in range(n):
        found = [(*t, k) for t in found for k in range(n)]
    return found


def _power_along(n: Any, a: Any, *directions: Any) -> Any:
    """The derivative of the n-th power of `a` along all directions.

    Powers of ``a + s*e + t*f + ...``, of which the term ``s*t*...`` is kept: by repeated squaring, with one
    part for each set of directions.
    """
    every = range(1 << len(directions))
    x = {0: a, **{1 << k: e for k, e in enumerate(directions)}}
    if n < 0:
        inverse = {0: jnp.linalg.inv(a)}
        for s in every[1:]:
            terms = [e @ inverse[s ^ 1 << k] for k, e in enumerate(directions) if s >> k & 1]
            inverse[s] = -(inverse[0] @ sum(terms[1:], terms[0]))
        x, n = inverse, -n

    def product(x: Any, y: Any) -> Any:
        terms = {s: [x[r] @ y[s ^ r] for r in x if r & s == r and s ^ r in y] for s in every}
        return {s: sum(found[1:], found[0]) for s, found in terms.items() if found}

    result = None
    while n:
        if n & 1:
            result = x if result is None else product(result, x)
        n >>= 1
        if n:
            x = product(x, x)
    assert result is not None
    return result[every[-1]]


def _expm(a: Any) -> Any:
    """Exponential of matrices."""
    return jax.scipy.linalg.expm(a)
