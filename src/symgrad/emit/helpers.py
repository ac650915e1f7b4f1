"""Functions that generated code may need: their source goes into it."""

from __future__ import annotations

from typing import Final

HELPERS: Final = {
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
}
