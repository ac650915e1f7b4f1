"""Helpers of code for PyTorch: NumPy's functions where PyTorch's take other axes, or tensors alone."""

from __future__ import annotations

from typing import Any

import torch


def _result_type(*xs: Any) -> Any:
    """The type of what is computed from tensors and numbers."""
    tensors = [x.dtype for x in xs if isinstance(x, torch.Tensor)]
    if not tensors:
        whole = all(isinstance(x, int) for x in xs)
        return torch.int64 if whole else torch.get_default_dtype()
    found = tensors[0]
    for dtype in tensors[1:]:
        found = torch.promote_types(found, dtype)
    floats = any(isinstance(x, float) for x in xs)
    return torch.get_default_dtype() if floats and not found.is_floating_point else found


def _asarray(x: Any, dtype: Any = None) -> Any:
    return torch.as_tensor(x) if dtype is None else torch.as_tensor(x).to(dtype)


def _floating(x: Any) -> Any:
    """An argument as a tensor of floats; numbers of Python have the default type."""
    x = torch.as_tensor(x)
    return x if x.is_floating_point() else x.to(torch.get_default_dtype())


def _tensors(*xs: Any) -> Any:
    """Operands as tensors of one type, on one device; numbers of Python have that of the others."""
    dtype = _result_type(*xs)
    device = next((x.device for x in xs if isinstance(x, torch.Tensor)), None)
    return [
        x.to(dtype)
        if isinstance(x, torch.Tensor)
        else torch.as_tensor(x, dtype=dtype, device=device)
        for x in xs
    ]


def _output(x: Any, dtype: Any, shape: Any) -> Any:
    """A result that some arguments do not occur in, or a number, as a tensor of a shape."""
    return torch.broadcast_to(_asarray(x, dtype), shape)


def _float64(x: Any) -> Any:
    return _asarray(x, torch.float64)


def _float32(x: Any) -> Any:
    return _asarray(x, torch.float32)


def _int64(x: Any) -> Any:
    return _asarray(x, torch.int64)


def _int32(x: Any) -> Any:
    return _asarray(x, torch.int32)


def _bool_(x: Any) -> Any:
    return _asarray(x, torch.bool)


def _broadcast_shapes(*shapes: Any) -> Any:
    return torch.broadcast_shapes(*shapes)


# Functions of entries


def _where(condition: Any, chosen: Any, other: Any) -> Any:
    return torch.where(torch.as_tensor(condition), *_tensors(chosen, other))


def _maximum(x: Any, y: Any) -> Any:
    return torch.maximum(*_tensors(x, y))


def _minimum(x: Any, y: Any) -> Any:
    return torch.minimum(*_tensors(x, y))


def _fmax(x: Any, y: Any) -> Any:
    return torch.fmax(*_tensors(x, y))


def _fmin(x: Any, y: Any) -> Any:
    return torch.fmin(*_tensors(x, y))


def _arctan2(x: Any, y: Any) -> Any:
    return torch.arctan2(*_tensors(x, y))


def _hypot(x: Any, y: Any) -> Any:
    return torch.hypot(*_tensors(x, y))


def _copysign(x: Any, y: Any) -> Any:
    return torch.copysign(*_tensors(x, y))


def _nextafter(x: Any, y: Any) -> Any:
    return torch.nextafter(*_tensors(x, y))


def _heaviside(x: Any, y: Any) -> Any:
    return torch.heaviside(*_tensors(x, y))


def _logaddexp(x: Any, y: Any) -> Any:
    return torch.logaddexp(*_tensors(x, y))


def _logaddexp2(x: Any, y: Any) -> Any:
    return torch.logaddexp2(*_tensors(x, y))


def _mod(x: Any, y: Any) -> Any:
    return torch.remainder(*_tensors(x, y))


def _remainder(x: Any, y: Any) -> Any:
    return torch.remainder(*_tensors(x, y))


def _fmod(x: Any, y: Any) -> Any:
    return torch.fmod(*_tensors(x, y))


def _floor_divide(x: Any, y: Any) -> Any:
    return torch.floor_divide(*_tensors(x, y))


def _power(x: Any, y: Any) -> Any:
    return torch.pow(*_tensors(x, y))


def _logical_and(x: Any, y: Any) -> Any:
    return torch.logical_and(*map(torch.as_tensor, (x, y)))


def _logical_or(x: Any, y: Any) -> Any:
    return torch.logical_or(*map(torch.as_tensor, (x, y)))


def _logical_xor(x: Any, y: Any) -> Any:
    return torch.logical_xor(*map(torch.as_tensor, (x, y)))


def _ldexp(x: Any, n: Any) -> Any:
    x, n = torch.as_tensor(x), torch.as_tensor(n)
    half = torch.div(n, 2, rounding_mode="floor")  # in two steps, so that no factor overflows alone
    two = torch.tensor(2.0, dtype=x.dtype)
    return x * torch.pow(two, half) * torch.pow(two, n - half)


def _frexp(x: Any) -> Any:
    return torch.frexp(x)


def _cbrt(x: Any) -> Any:
    """By a power, and a step of Newton's method for the last digits."""
    root = torch.copysign(torch.abs(x) ** (1 / 3), x)
    safe = torch.where((root != 0) & torch.isfinite(root), root, 1.0)
    return torch.where((root != 0) & torch.isfinite(root), safe - (safe - x / safe**2) / 3, root)


def _xlogy(x: Any, y: Any) -> Any:
    return torch.special.xlogy(*_tensors(x, y))


def _xlog1py(x: Any, y: Any) -> Any:
    return torch.special.xlog1py(*_tensors(x, y))


# Reductions and orders along axes


def _axes(x: Any, axis: Any) -> Any:
    """Axes as a tuple of ints that are not negative, the last one first."""
    axes = range(x.ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    return sorted([a % x.ndim for a in axes], reverse=True)


def _along(step: Any, x: Any, axis: Any, keepdims: Any) -> Any:
    """A reduction along one axis after another."""
    for a in _axes(x, axis):
        x = step(x, a, keepdims)
    return x


def _sum(x: Any, axis: Any = None, keepdims: Any = False) -> Any:
    return torch.sum(x, tuple(_axes(x, axis)), keepdims) if x.ndim else x


def _prod(x: Any, axis: Any = None, keepdims: Any = False) -> Any:
    return _along(torch.prod, x, axis, keepdims)


def _max(x: Any, axis: Any = None, keepdims: Any = False, initial: Any = None) -> Any:
    if initial is not None and not x.numel():
        return _full_like_reduced(x, axis, keepdims, initial)
    return _along(torch.amax, x, axis, keepdims)


def _min(x: Any, axis: Any = None, keepdims: Any = False, initial: Any = None) -> Any:
    if initial is not None and not x.numel():
        return _full_like_reduced(x, axis, keepdims, initial)
    return _along(torch.amin, x, axis, keepdims)


def _full_like_reduced(x: Any, axis: Any, keepdims: Any, value: Any) -> Any:
    return torch.full_like(torch.sum(x, tuple(_axes(x, axis)), keepdims), value)


def _any(x: Any, axis: Any = None, keepdims: Any = False) -> Any:
    return _along(torch.any, torch.as_tensor(x), axis, keepdims)


def _all(x: Any, axis: Any = None, keepdims: Any = False) -> Any:
    return _along(torch.all, torch.as_tensor(x), axis, keepdims)


def _argmax(x: Any, axis: Any = None) -> Any:
    return torch.argmax(x, axis)


def _argmin(x: Any, axis: Any = None) -> Any:
    return torch.argmin(x, axis)


def _cumsum(x: Any, axis: Any = None) -> Any:
    return torch.cumsum(x.reshape(-1) if axis is None else x, axis or 0)


def _cumprod(x: Any, axis: Any = None) -> Any:
    return torch.cumprod(x.reshape(-1) if axis is None else x, axis or 0)


def _sort(x: Any, axis: Any = -1, kind: Any = None, stable: Any = None) -> Any:
    return torch.sort(x, dim=axis)[0]


def _argsort(x: Any, axis: Any = -1, kind: Any = None, stable: Any = None) -> Any:
    return torch.argsort(x, dim=axis, stable=True)


def _diff(x: Any, n: Any = 1, axis: Any = -1) -> Any:
    return torch.diff(x, n, axis)


def _searchsorted(knots: Any, x: Any, side: Any = "left") -> Any:
    return torch.searchsorted(knots, x, right=side == "right")


def _largest(x: Any, axis: Any = None) -> Any:
    """The largest entries, 0 where they are not finite; reduced axes stay."""
    top = _max(x, axis, True, -torch.inf)
    return torch.where(torch.isfinite(top), top, 0.0)


def _log_total(total: Any) -> Any:
    """Logarithm of sums, -inf at zero."""
    return torch.log(total)


def _logsumexp(x: Any, axis: Any = None) -> Any:
    """log(sum(exp(x))) by the largest entry, finite where the result is."""
    top = _largest(x, axis)
    return torch.log(_sum(torch.exp(x - top), axis)) + _squeeze(top, axis)


def _norm(total: Any, x: Any, axis: Any, p: Any = 2) -> Any:
    """The root of total = sum(x**p, axis); by scaled entries where that leaves the range of floats."""
    root = torch.sqrt(total) if p == 2 else total ** (1 / p)
    if x.dtype != torch.float64 or not x.numel():
        return root
    top = _max(torch.abs(x), axis, True)
    top = torch.where((top > 0) & torch.isfinite(top), top, 1.0)
    scaled = _sum(torch.abs(x / top) ** p, axis) ** (1 / p) * _squeeze(top, axis)
    return torch.where((total > 1e-280) & (total < 1e300), root, scaled)


# Shapes and parts


def _squeeze(x: Any, axis: Any = None) -> Any:
    return x.reshape(()) if axis is None else torch.squeeze(x, tuple(_axes(x, axis)))


def _expand_dims(x: Any, axis: Any) -> Any:
    return torch.unsqueeze(x, axis)


def _swapaxes(x: Any, first: Any, second: Any) -> Any:
    return torch.swapaxes(x, first, second)


def _moveaxis(x: Any, source: Any, destination: Any) -> Any:
    return torch.moveaxis(x, source, destination)


def _broadcast_to(x: Any, shape: Any) -> Any:
    return torch.broadcast_to(torch.as_tensor(x), shape)


def _concatenate(parts: Any, axis: Any = 0) -> Any:
    return torch.cat(_tensors(*parts), axis)


def _stack(parts: Any, axis: Any = 0) -> Any:
    return torch.stack(torch.broadcast_tensors(*_tensors(*parts)), axis)


def _roll(x: Any, shift: Any, axis: Any = None) -> Any:
    return torch.roll(x, shift, axis)


def _flip(x: Any, axis: Any = None) -> Any:
    return torch.flip(x, _axes(x, axis))


def _diag(x: Any, k: Any = 0) -> Any:
    return torch.diag(x, k)


def _eye(n: Any, m: Any = None, dtype: Any = None) -> Any:
    return torch.eye(int(n), int(n if m is None else m), dtype=dtype)


def _arange(*bounds: Any, dtype: Any = None) -> Any:
    return torch.arange(*map(int, bounds), dtype=dtype)


def _zeros(shape: Any, dtype: Any = None) -> Any:
    return torch.zeros(shape, dtype=dtype)


def _full(shape: Any, value: Any, dtype: Any = None) -> Any:
    return torch.broadcast_to(_asarray(value, dtype), shape)


def _turned(x: Any, index: Any) -> Any:
    """A part of a tensor by an index with steps backwards, which PyTorch does not have."""
    chosen, axis = [], 0
    for entry in index:
        backwards = isinstance(entry, slice) and (entry.step or 1) < 0
        if backwards:
            places = torch.arange(x.shape[axis])
            found = list(range(x.shape[axis]))[entry]
            x = torch.index_select(x, axis, places[found])
            entry = slice(None)
        chosen.append(entry)
        axis += entry is not None
    return x[tuple(chosen)]


def _places(labels: Any, shape: Any) -> Any:
    """Integer tensors that index the entries of `shape` where axes of one label agree."""
    axes, out = labels.split("->")
    return tuple(
        torch.arange(extent).reshape([-1 if label == other else 1 for other in out])
        for label, extent in zip(axes, shape, strict=True)
    )


def _on_diagonal(x: Any, shape: Any, labels: Any) -> Any:
    """Zeros of `shape` with `x` where axes of one label agree."""
    return torch.zeros(shape, dtype=x.dtype).index_put(_places(labels, shape), x)


def _embed(x: Any, shape: Any, index: Any) -> Any:
    """Zeros of `shape` with `x` at `index`."""
    return _embed_sum(shape, (x, index, False))


def _embed_sum(shape: Any, *parts: Any) -> Any:
    """Zeros of `shape`; each part is an array, its index, and whether it is subtracted there."""
    out = torch.zeros(shape, dtype=_result_type(*[x for x, _, _ in parts]))
    numbers = torch.arange(out.numel()).reshape(shape)
    flat = out.reshape(-1)
    for x, index, negative in parts:
        places = _turned(numbers, index if isinstance(index, tuple) else (index,))
        x = torch.broadcast_to(_asarray(x, out.dtype), places.shape).reshape(-1)
        flat = flat.index_put((places.reshape(-1),), -x if negative else x, accumulate=True)
    return flat.reshape(shape)


def _scatter_add(x: Any, index: Any, shape: Any) -> Any:
    """Floating zeros of `shape` with the entries of `x` added at integer tensors `index`."""
    out = torch.zeros(shape, dtype=_result_type(x, 0.0))
    places = tuple(torch.as_tensor(i, dtype=torch.int64) for i in index)
    return out.index_put(places, _asarray(x, out.dtype), accumulate=True)


# Products and linear algebra


def _matmul(x: Any, y: Any) -> Any:
    return torch.matmul(*_tensors(x, y))


def _einsum(labels: Any, *operands: Any) -> Any:
    return torch.einsum(labels, *_tensors(*operands))


def _vdot(x: Any, y: Any) -> Any:
    return torch.sum(x * y)


def _tensordot(x: Any, y: Any, axes: Any) -> Any:
    return torch.tensordot(*_tensors(x, y), dims=axes)


def _solve(a: Any, b: Any) -> Any:
    """Of one right-hand side as a vector, or of several as a matrix, as NumPy has it."""
    a, b = _tensors(a, b)
    return torch.linalg.solve(a, b[..., None])[..., 0] if b.ndim == 1 else torch.linalg.solve(a, b)


def _svd(a: Any, full_matrices: Any = True, compute_uv: Any = True) -> Any:
    return torch.linalg.svd(a, full_matrices) if compute_uv else torch.linalg.svdvals(a)


def _qr(a: Any, mode: Any = "reduced") -> Any:
    return torch.linalg.qr(a, mode)


def _lstsq(a: Any, b: Any, rcond: Any = None) -> Any:
    """By the pseudoinverse, as NumPy's solution is the shortest."""
    eps = torch.finfo(a.dtype).eps * max(a.shape[-2:]) if rcond is None else rcond
    return (torch.linalg.pinv(a, rtol=eps) @ b,)


def _pinv(a: Any, rcond: Any = None, rtol: Any = None) -> Any:
    least = rcond if rtol is None else rtol
    return torch.linalg.pinv(a, rtol=1e-15 if least is None else least)


def _matrix_rank(a: Any, tol: Any = None) -> Any:
    return torch.linalg.matrix_rank(a) if tol is None else torch.linalg.matrix_rank(a, atol=tol)


def _rfft(x: Any) -> Any:
    """The parts of `numpy.fft.rfft`, on an axis of two before the last."""
    f = torch.fft.rfft(x)
    return torch.stack([f.real, f.imag], -2)


def _rfft_adjoint(g: Any, n: Any) -> Any:
    """The adjoint of `_rfft`: n times the inverse transform, with what stands for two entries halved."""
    f = g[..., 0, :] + 1j * g[..., 1, :]
    halved = torch.arange(f.shape[-1])
    halved = (halved >= 1) & (halved < (n + 1) // 2)
    return n * torch.fft.irfft(torch.where(halved, f / 2, f), n)


def _spd_logdet(a: Any) -> Any:
    """log(det(a)) of positive definite matrices, by Cholesky."""
    return 2 * _sum(torch.log(torch.diagonal(torch.linalg.cholesky(a), 0, -2, -1)), -1)


class _Factor:
    """A square matrix for its determinant, solutions and inverse."""

    def __init__(self, a: Any, definite: Any = False) -> None:
        self.a, self.definite = a, definite

    def logabsdet(self) -> Any:
        return _spd_logdet(self.a) if self.definite else torch.linalg.slogdet(self.a)[1]

    def signdet(self) -> Any:
        return torch.linalg.slogdet(self.a)[0]

    def det(self) -> Any:
        return torch.linalg.det(self.a)

    def solve(self, b: Any, turned: Any = False) -> Any:
        return _solve(self.a.mT if turned else self.a, b)

    def inv(self) -> Any:
        return torch.linalg.inv(self.a)


def _half_lower(a: Any) -> Any:
    """The lower triangles of matrices, with their diagonals halved."""
    return (torch.tril(a) + torch.tril(a, -1)) / 2


def _gaps(w: Any) -> Any:
    """1/(w[j] - w[i]) as a matrix, 0 on the diagonal."""
    gaps = w[..., None, :] - w[..., :, None]
    own = torch.eye(w.shape[-1], dtype=torch.bool)
    return torch.where(own, 0.0, 1 / torch.where(own, 1.0, gaps))
