"""Functions that generated code may need: their source goes into it."""

from __future__ import annotations

from typing import Final

from symgrad.emit.special_helpers import SPECIAL_HELPERS

HELPERS: Final = {
    **SPECIAL_HELPERS,
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
    "_embed_sum": '''
def _embed_sum(shape, *parts):
    """Zeros of `shape`; each part is an array, its index, and whether it is subtracted there."""
    out = np.zeros(shape, np.result_type(*[x for x, _, _ in parts]))
    for x, index, negative in parts:
        place = out[*index, ...]
        (np.subtract if negative else np.add)(place, x, out=place)
    return out
''',
    "_scatter_add": '''
def _scatter_add(x, index, shape):
    """Zeros of `shape` with the entries of `x` added at integer arrays `index`."""
    out = np.zeros(shape, np.asarray(x).dtype)
    np.add.at(out, index, x)
    return out
''',
    "_largest": '''
def _largest(x, axis=None):
    """The largest entries, 0 where they are not finite; reduced axes stay."""
    top = np.max(x, axis=axis, keepdims=True, initial=-np.inf)
    return np.where(np.isfinite(top), top, 0.0).astype(top.dtype)
''',
    "_norm": '''
def _norm(total, x, axis, p=2):
    """The root of total = sum(x**p, axis); by scaled entries where that leaves the range of floats."""
    root = np.sqrt(total) if p == 2 else total**(1/p)
    if x.dtype != float or np.all((total > 1e-280) & (total < 1e300)):
        return root
    top = np.max(np.abs(x), axis=axis, keepdims=True, initial=0)
    top = np.where((top > 0) & np.isfinite(top), top, 1.0)
    scaled = np.sum(np.abs(x/top)**p, axis=axis)**(1/p)*np.squeeze(top, axis=axis)
    return np.where((total > 1e-280) & (total < 1e300), root, scaled)[()]
''',
    "_log_total": '''
def _log_total(total):
    """Logarithm of sums, -inf at zero without a warning."""
    with np.errstate(divide="ignore"):
        return np.log(total)
''',
    "_logsumexp": '''
def _logsumexp(x, axis=None):
    """log(sum(exp(x))) by the largest entry, finite where the result is."""
    top = np.max(x, axis=axis, keepdims=True, initial=-np.inf)
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
    "_Factor": '''
try:
    from scipy.linalg import lapack as _lapack
except ImportError:
    _lapack = None


class _Factor:
    """A square matrix, factored once for its determinant, solutions and inverse: P A = L U, or by
    Cholesky for one that is `definite`. Without SciPy, or where that fails, NumPy factors each time.
    """

    def __init__(self, a, definite=False):
        self.a = a = a if a.dtype.kind == "f" else a.astype(float)
        self.definite, self.lu, self.letter = definite, None, {"f": "s", "d": "d"}.get(a.dtype.char)
        if _lapack is None or self.letter is None or not a.size:
            return
        if definite:  # of the lower triangle, as numpy.linalg.cholesky does
            lu, failed = self.call("potrf", a.T, lower=0)
            pivots = None
        else:
            lu, pivots, failed = self.call("getrf", a)
        if not failed:
            self.lu, self.pivots = lu, pivots

    def call(self, name, *args, **options):
        return getattr(_lapack, self.letter + name)(*args, **options)

    def logabsdet(self):
        if self.lu is None and not self.definite:
            return np.linalg.slogdet(self.a)[1]
        factor = np.linalg.cholesky(self.a) if self.lu is None else self.lu
        logs = np.log(np.abs(factor.diagonal())).sum()
        return 2*logs if self.definite else logs

    def signdet(self):
        if self.lu is None:
            return np.linalg.slogdet(self.a)[0]
        turns = np.count_nonzero(self.pivots != np.arange(len(self.a)))
        turns += np.count_nonzero(self.lu.diagonal() < 0)
        return self.a.dtype.type(-1 if turns % 2 else 1)

    def det(self):
        if self.lu is None:
            return np.linalg.det(self.a)
        logs = np.exp(self.logabsdet())
        return logs if self.definite else self.signdet()*logs

    def solve(self, b, turned=False):
        if self.lu is None or b.dtype != self.a.dtype or not b.size:
            return np.linalg.solve(self.a.T if turned else self.a, b)
        if self.definite:
            return self.call("potrs", self.lu, b, lower=0)[0]
        return self.call("getrs", self.lu, self.pivots, b, trans=int(turned))[0]

    def inv(self):
        if self.lu is None:
            return np.linalg.inv(self.a)
        n = len(self.a)
        if not self.definite:
            return self.call("getri", self.lu, self.pivots, lwork=64*n)[0]
        if n < 100:  # LAPACK's inverse by Cholesky starts threads, which here cost more than they do
            return _Factor(self.a).inv()
        upper = self.call("potri", self.lu, lower=0)[0]
        result = upper + upper.T
        result.flat[::n + 1] /= 2
        return result
''',
    "_cofactors": '''
def _cofactors(a, *directions):
    """The cofactors of square matrices, or their derivative along directions, at singular ones too.

    Of up to 3 rows by polynomials, of well-conditioned matrices by the inverse, else by singular values
    (Stewart, On the adjugate matrix, 1998): cof(U S V) = det(U) U cof(S) V det(V), where an entry of
    cof(S) is the product of all singular values but one.
    """
    a, *directions = [x if x.dtype.kind == "f" else x.astype(float) for x in (a, *directions)]
    shape = np.broadcast_shapes(a.shape, *[e.shape for e in directions])
    n, order = shape[-1], len(directions)
    if order >= n:
        return np.zeros(shape, a.dtype)
    if n <= 3:
        operands = (a,)*(n - 1 - order) + tuple(directions)
        return np.broadcast_to(_mixed_cofactors(n, order, *operands), shape).astype(a.dtype)
    finite = np.isfinite(a).all(axis=(-2, -1), keepdims=True)
    a = np.where(finite, a, 0)
    result = None if order else _cofactors_by_inverse(a)
    if result is None:
        result = _cofactors_by_svd(a, directions)
    return result if finite.all() else np.where(finite, result, np.nan)


def _mixed_cofactors(n, order, *operands):
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


def _cofactors_by_inverse(a):
    """``det(a)*inv(a).T``, or None if a matrix is close to a singular one."""
    try:
        inverse = np.linalg.inv(a)
    except np.linalg.LinAlgError:
        return None
    norms = [np.abs(x).sum(axis=-1).max(axis=-1, initial=0) for x in (a, inverse)]
    if not np.all(norms[0]*norms[1] < 1e4):
        return None
    return np.linalg.det(a)[..., None, None]*np.swapaxes(inverse, -1, -2)


def _cofactors_by_svd(a, directions):
    n, order = a.shape[-1], len(directions)
    u, s, v = np.linalg.svd(a)
    turns = np.rint(np.linalg.det(u)*np.linalg.det(v))[..., None, None].astype(a.dtype)
    for k in range(order + 1):  # products of the singular values but those of the indices in front
        s = np.where(np.eye(n, dtype=bool), 1, s[..., None, :])
    products, places = s.prod(axis=-1), np.indices((n,)*(order + 1))
    if not order:
        return turns*((u*products[..., None, :]) @ v)
    for k in range(1, order + 1):
        products = products*np.all(places[:k] != places[k], axis=0)
    turned = [np.swapaxes(u, -1, -2) @ e @ np.swapaxes(v, -1, -2) for e in directions]
    result = 0
    for images in np.ndindex((order + 1,)*(order + 1)):
        if len(set(images)) <= order:  # no permutation
            continue
        inversions = sum(images[i] > images[j] for j in range(order + 1) for i in range(j))
        labels = [x for k, e in enumerate(turned, 1) for x in (e, [..., k, images[k]])]
        out = [..., 0, images[0]] if images[0] else [..., 0]
        term = np.einsum(products, [..., *range(order + 1)], *labels, out)
        term = term if images[0] else term[..., None]*np.eye(n, dtype=a.dtype)
        result = result + (-1)**inversions*term
    return turns*(u @ result @ v)
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
    "_power_along": '''
def _power_along(n, a, *directions):
    """The derivative of the n-th power of `a` along all directions.

    Powers of ``a + s*e + t*f + ...``, of which the term ``s*t*...`` is kept: by repeated squaring, with one
    part for each set of directions.
    """
    every = range(1 << len(directions))
    x = {0: a, **{1 << k: e for k, e in enumerate(directions)}}
    if n < 0:
        inverse = {0: np.linalg.inv(a)}
        for s in every[1:]:
            terms = [e @ inverse[s ^ 1 << k] for k, e in enumerate(directions) if s >> k & 1]
            inverse[s] = -(inverse[0] @ sum(terms[1:], terms[0]))
        x, n = inverse, -n

    def product(x, y):
        terms = {s: [x[r] @ y[s ^ r] for r in x if r & s == r and s ^ r in y] for s in every}
        return {s: sum(found[1:], found[0]) for s, found in terms.items() if found}

    result = None
    while n:
        if n & 1:
            result = x if result is None else product(result, x)
        n >>= 1
        if n:
            x = product(x, x)
    return result[every[-1]]
''',
    "_root": '''
def _root(equation, rounding, x, *params):
    """Roots entry by entry, from `x`; nan where there is none in reach.

    `equation` gives value and slope, `rounding` the running error bound of the value. Newton's steps are
    halved until the value is smaller, and multiplied where a steady rate tells of a multiple root. They
    end where one is short against x and the value falls as at a root, or where the value is rounding;
    else a root is looked for where the value changes its sign.
    """
    x, *params = np.broadcast_arrays(x, *params)
    shape, eps = x.shape, np.finfo(float).eps
    start, every = np.array(x, float).ravel(), [p.ravel() for p in params]
    x, params = start, every
    root, open_, last = np.full(x.size, np.nan), np.arange(x.size), x.copy()
    scale, before, rate = np.abs(x), np.full(x.size, np.nan), np.full(x.size, np.nan)
    with np.errstate(all="ignore"):
        f, slope = equation(x, *params)
        for _ in range(200):
            if not open_.size:
                break
            full = np.where(f == 0, 0, f/slope)
            new = x - full
            g, bend = map(np.array, equation(new, *params))
            now = np.abs(full)/before
            for k in np.flatnonzero((now > 0.3) & (now < 0.99) & (np.abs(now - rate) <= 0.1 - 0.1*now)):
                far = x[k] - full[k]/(1 - now[k])
                h, turn = equation(far, *[p[k] for p in params])
                if np.abs(h) < np.abs(g[k]) and (h == 0 or turn != 0):
                    new[k], g[k], bend[k] = far, h, turn
            falls = (np.abs(g) < np.abs(f)) & np.isfinite(new)
            length = np.abs(new - x)
            end = (np.abs(full) <= 1e-12*np.abs(x)) & (np.abs(g) <= 0.4*np.abs(f))
            # an unknown that tends to 0 is measured by what it was
            end |= (
                (length <= eps*scale) & (np.abs(new) <= 1e-3*length) & (np.abs(g) <= 0.01*np.abs(f))
                & ((g == 0) | (np.abs(g/bend) <= 1e-3*length))
            )
            end &= falls
            up = np.flatnonzero(~falls)
            if up.size:
                there = [p[up] for p in params]
                settled = _settled(equation, rounding, x[up], f[up], slope[up], scale[up], there)
                end[up], new[up] = settled, np.where(settled, x[up], new[up])
                up = up[~settled]
            step = full.copy()
            before, rate = np.where(falls, length, np.nan), now
            for _ in range(60):
                if not up.size:
                    break
                step[up] /= 2
                new[up] = x[up] - step[up]
                g[up], bend[up] = equation(new[up], *[p[up] for p in params])
                up = up[~((np.abs(g[up]) < np.abs(f[up])) & np.isfinite(new[up]))]
            new[up], end[up] = np.nan, True  # no step gets closer
            root[open_[end]], last[open_] = new[end], x
            far = ~end
            open_, x, f, slope, scale, before, rate = (
                v[far] for v in (open_, new, g, bend, np.fmax(scale, np.abs(new)), before, rate)
            )
            params = [p[far] for p in params]
        for around in (last, start):
            lost = np.flatnonzero(np.isnan(root))
            if lost.size:
                root[lost] = _bracketed(equation, rounding, around[lost], *[p[lost] for p in every])
    return root.reshape(shape)[()]


def _settled(equation, rounding, x, f, slope, scale, params):
    """Whether values are rounding, at roots that are located, or isolated by larger values beside them."""
    level = 4*2.0**-53*rounding(x, *params)
    known, least = np.isfinite(level), np.finfo(float).tiny
    level = np.where(known, level, 0)
    scale = np.maximum(scale, np.abs(x))
    root = (np.abs(f) <= level) & np.isfinite(x)
    located = (np.abs(slope)*scale >= least) & (level <= 1e-3*np.abs(slope)*scale) & np.isfinite(slope)
    short = ~known & np.isfinite(slope) & (np.abs(f/slope) <= 1e-12*np.abs(x))
    beside = np.zeros(x.shape, bool)
    away = np.where(scale > 0, scale, 1)
    for reach in (1e-4, 1e-3):
        sides = [np.abs(equation(y, *params)[0]) for y in (x - reach*away, x + reach*away)]
        above = [np.isnan(s) | (s > np.maximum(np.maximum(level, np.abs(f)), least)) for s in sides]
        beside |= above[0] & above[1] & ~(np.isnan(sides[0]) & np.isnan(sides[1]))
    return (root & (located | beside)) | short


def _bracketed(equation, rounding, x, *params):
    """Roots by bisection where the value changes its sign around `x`, in ever wider steps; else nan."""
    value = lambda at: equation(at, *params)[0]
    width, wider = 1e-3*np.where(x == 0, 1, np.abs(x)), 1.25
    low, high = x.copy(), x.copy()
    f_low = f_high = value(x)
    a, b, f_a, f_b = (np.full(x.size, np.nan) for _ in range(4))
    for _ in range(120):
        below, above = low - width, high + width
        f_below, f_above = value(below), value(above)
        for ends in ((high, above, f_high, f_above), (below, low, f_below, f_low)):
            new = np.isnan(a) & (np.sign(ends[2])*np.sign(ends[3]) < 0)
            a, b, f_a, f_b = (np.where(new, end, old) for end, old in zip(ends, (a, b, f_a, f_b)))
        if not np.isnan(a).any():
            break
        low, f_low = (
            np.where(np.isnan(f_below), old, new) for old, new in ((low, below), (f_low, f_below))
        )
        high, f_high = (
            np.where(np.isnan(f_above), old, new) for old, new in ((high, above), (f_high, f_above))
        )
        width = width*wider
    bound = np.fmin(np.abs(f_a), np.abs(f_b))
    size = np.maximum(np.abs(a), np.abs(b))
    for _ in range(1100):
        middle = np.where((np.sign(a) == np.sign(b)), a + (b - a)/2, (a + b)/2)
        if not ((middle != a) & (middle != b)).any():
            break
        f = value(middle)
        same = np.sign(f) == np.sign(f_a)
        a, b = np.where(same, middle, a), np.where(same, b, middle)
    f, slope = equation(middle, *params)
    better = middle - f/slope
    g, bend = equation(better, *params)
    closer = np.abs(g) < np.abs(f)
    middle, f, slope = (np.where(closer, *pair) for pair in ((better, middle), (g, f), (bend, slope)))
    level = 4*2.0**-53*rounding(middle, *params)
    root = _settled(equation, rounding, middle, f, slope, size, params)
    root |= ~np.isfinite(level) & (np.abs(f) <= 1e-8*bound)
    return np.where(root, middle, np.nan)  # else a pole or a jump
''',
    "_root_system": '''
def _root_system(equation, rounding, x, *params):
    """A root of a system, from `x`; nan if there is none in reach.

    `equation` gives values and Jacobian, `rounding` the running error bounds of the values. Newton's steps
    are halved until the step that follows, by the same Jacobian, is shorter (Deuflhard, Newton Methods for
    Nonlinear Problems, 2004, chapter 3). They end where one is in the last bits of every unknown, or the
    values are rounding and the Jacobian is regular.
    """
    x, eps = np.array(x, float), np.finfo(float).eps
    n, unsolved = x.size, np.full(x.shape, np.nan)[()]
    scale = np.abs(x)
    with np.errstate(all="ignore"):
        f, jacobian = equation(x, *params)
        for _ in range(200):
            matrix = np.reshape(jacobian, (n, n))
            try:
                full = np.linalg.solve(matrix, np.ravel(f)).reshape(x.shape)
            except np.linalg.LinAlgError:
                full = unsolved
            level = 4*2.0**-53*np.asarray(rounding(x, *params))
            known = np.isfinite(level).all()
            if not np.all(np.isfinite(full)):  # singular: a root only where it stands out
                away = np.linalg.svd(np.where(np.isfinite(matrix), matrix, 0))[2][-1].reshape(x.shape)
                away = away*max(np.max(scale), np.max(np.abs(x))) if np.any(x) else away
                sides = [equation(x + t*away, *params)[0] for t in (-1e-3, 1e-3)]
                apart = all(np.any(np.abs(s) > np.maximum(level, np.finfo(float).tiny)) for s in sides)
                return x[()] if apart and np.all(np.abs(f) <= level) else unsolved
            if np.all(np.abs(f) <= level):
                shift = np.linalg.solve(matrix, np.ravel(level)).reshape(x.shape)
                return x[()] if np.all(np.abs(shift) <= 1e-3*np.maximum(scale, np.abs(x))) else unsolved
            if np.all(np.abs(full) <= 4*eps*np.abs(x)):
                return (x - full)[()]
            for halving in range(60):
                new = x - full/2**halving
                g, bend = equation(new, *params)
                if np.all(np.isfinite(g)):
                    rest = np.linalg.solve(matrix, np.ravel(g))
                    if np.linalg.norm(rest) < np.linalg.norm(full):
                        break
            else:  # no step gets closer, and the values are more than rounding
                short = np.all(np.abs(full) <= 1e-10*np.abs(x))
                return x[()] if short and not known else unsolved
            x, f, jacobian, scale = new, g, bend, np.maximum(scale, np.abs(new))
    return unsolved
''',
    "_values_of": '''
def _values_of(function, name, *operands):
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
''',
}
