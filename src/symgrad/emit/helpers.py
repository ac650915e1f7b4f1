"""Functions that generated code may need: their source goes into it."""

from __future__ import annotations

from typing import Final

HELPERS: Final = {
    "_on_diagonal": '''
def _on_diagonal(x, shape, labels):
    """Zeros of `shape` with `x` where axes of one label agree, written through a strided view."""
    out = np.zeros(shape, np.asarray(x).dtype)
    np.einsum(labels, out)[...] = x
    return out
''',
    "_embed": '''
def _embed(x, shape, index):
    """Zeros of `shape` with `x` at `index`."""
    out = np.zeros(shape, np.asarray(x).dtype)
    out[index] = x
    return out
''',
    "_scatter_add": '''
def _scatter_add(x, index, shape):
    """Zeros of `shape` with the entries of `x` added at integer arrays `index`."""
    out = np.zeros(shape, np.asarray(x).dtype)
    np.add.at(out, index, x)
    return out
''',
    "_logsumexp": '''
def _logsumexp(x, axis=None):
    """log(sum(exp(x))) by the largest entry, finite where the result is."""
    top = np.max(x, axis=axis, keepdims=True)
    top = np.where(np.isfinite(top), top, 0.0)
    with np.errstate(divide="ignore"):
        return np.log(np.sum(np.exp(x - top), axis=axis)) + np.squeeze(top, axis=axis)
''',
    "_spd_logdet": '''
def _spd_logdet(a):
    """log(det(a)) of positive definite matrices, by Cholesky."""
    factor = np.linalg.cholesky(a)
    return 2*np.sum(np.log(np.diagonal(factor, axis1=-2, axis2=-1)), axis=-1)
''',
    "_half_lower": '''
def _half_lower(a):
    """The lower triangles of matrices, with their diagonals halved."""
    return (np.tril(a) + np.tril(a, -1))/2
''',
    "_gaps": '''
def _gaps(w):
    """1/(w[j] - w[i]) as a matrix, 0 on the diagonal."""
    gaps = w[..., None, :] - w[..., :, None]
    gaps[..., np.arange(w.shape[-1]), np.arange(w.shape[-1])] = np.inf
    with np.errstate(divide="ignore"):
        return 1/gaps
''',
    "_expm": '''
def _expm(a):
    """Exponential of matrices: Pade approximant of degree 13, scaling and squaring (Higham 2005)."""
    a = np.asarray(a)
    a = a if a.dtype.kind == "f" else a.astype(np.float64)
    norm = np.max(np.sum(np.abs(a), axis=-2), axis=-1, initial=0)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        excess = np.log2(norm/5.371920351148152)
        halvings = np.where((excess > 0) & np.isfinite(excess), np.ceil(excess), 0)
        halvings = halvings.astype(int)[..., None, None]
        x = np.ldexp(a, -halvings)
        one = np.eye(a.shape[-1], dtype=a.dtype)
        x2 = x @ x
        x4 = x2 @ x2
        x6 = x2 @ x4
        odd = x6 @ (x6 + 16380*x4 + 40840800*x2) + 33522128640*x6 + 10559470521600*x4
        odd = x @ (odd + 1187353796428800*x2 + 32382376266240000*one)
        even = x6 @ (182*x6 + 960960*x4 + 1323241920*x2) + 670442572800*x6
        even = even + 129060195264000*x4 + 7771770303897600*x2 + 64764752532480000*one
        odd, even = odd/64764752532480000, even/64764752532480000
        result = np.linalg.solve(even - odd, even + odd)
        for k in range(int(np.max(halvings, initial=0))):
            result = np.where(halvings > k, result @ result, result)
        return result
''',
}
