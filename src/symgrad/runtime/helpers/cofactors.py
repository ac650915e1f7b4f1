"""Helpers of generated code for cofactors and their derivatives, at singular matrices too."""

from __future__ import annotations

from typing import Any

import numpy as np


def _cofactors(a: Any, *along: Any) -> Any:
    """The cofactors of square matrices, or their derivative along directions, at singular ones too.

    Of up to 3 rows by polynomials, of well-conditioned matrices by the inverse, else by singular values
    (Stewart, On the adjugate matrix, 1998): cof(U S V) = det(U) U cof(S) V det(V), where an entry of
    cof(S) is the product of all singular values but one.
    """
    a, *directions = [x if x.dtype.kind == "f" else x.astype(float) for x in (a, *along)]
    shape = np.broadcast_shapes(a.shape, *[e.shape for e in directions])
    n, order = shape[-1], len(directions)
    if order >= n:
        return np.zeros(shape, a.dtype)
    if n <= 3:
        operands = (a,) * (n - 1 - order) + tuple(directions)
        return np.broadcast_to(_mixed_cofactors(n, order, *operands), shape).astype(a.dtype)
    finite = np.isfinite(a).all(axis=(-2, -1), keepdims=True)
    a = np.where(finite, a, 0)
    result = None if order else _cofactors_by_inverse(a)
    if result is None:
        result = _cofactors_by_svd(a, directions)
    return result if finite.all() else np.where(finite, result, np.nan)


def _mixed_cofactors(n: Any, order: Any, *operands: Any) -> Any:
    """Cofactors of 1 to 3 rows, which are of degree n - 1 in the entries, and their derivatives."""
    if n == 1:
        return 1.0
    if n == 2:
        ((a, b), (c, d)) = np.moveaxis(operands[0], (-2, -1), (0, 1))
        return np.moveaxis(np.array([[d, -c], [-b, a]]), (0, 1), (-2, -1))
    x, y = operands
    turned = [np.cross(x[..., i - 2, :], y[..., i - 1, :]) for i in range(3)]
    if order:
        turned = [t + np.cross(y[..., i - 2, :], x[..., i - 1, :]) for i, t in enumerate(turned)]
    return np.stack(turned, axis=-2)


def _cofactors_by_inverse(a: Any) -> Any:
    """``det(a)*inv(a).T``, or None if a matrix is close to a singular one."""
    try:
        inverse = np.linalg.inv(a)
    except np.linalg.LinAlgError:
        return None
    norms = [np.abs(x).sum(axis=-1).max(axis=-1, initial=0) for x in (a, inverse)]
    if not np.all(norms[0] * norms[1] < 1e4):
        return None
    return np.linalg.det(a)[..., None, None] * np.swapaxes(inverse, -1, -2)


def _cofactors_by_svd(a: Any, directions: Any) -> Any:
    n, order = a.shape[-1], len(directions)
    u, s, v = np.linalg.svd(a)
    turns = np.rint(np.linalg.det(u) * np.linalg.det(v))[..., None, None].astype(a.dtype)
    for _ in range(order + 1):  # products of the singular values but those of the indices in front
        s = np.where(np.eye(n, dtype=bool), 1, s[..., None, :])
    products, places = s.prod(axis=-1), np.indices((n,) * (order + 1))
    if not order:
        return turns * ((u * products[..., None, :]) @ v)
    for k in range(1, order + 1):
        products = products * np.all(places[:k] != places[k], axis=0)
    turned = [np.swapaxes(u, -1, -2) @ e @ np.swapaxes(v, -1, -2) for e in directions]
    result: Any = 0
    for images in np.ndindex((order + 1,) * (order + 1)):
        if len(set(images)) <= order:  # no permutation
            continue
        inversions = sum(images[i] > images[j] for j in range(order + 1) for i in range(j))
        labels: list[Any] = [x for k, e in enumerate(turned, 1) for x in (e, [..., k, images[k]])]
        out: Any = [..., 0, images[0]] if images[0] else [..., 0]
        term = np.einsum(products, [..., *range(order + 1)], *labels, out)
        term = term if images[0] else term[..., None] * np.eye(n, dtype=a.dtype)
        result = result + (-1) ** inversions * term
    return turns * (u @ result @ v)
