"""`check_grad`: derivatives compared with differences of the value."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from symgrad.autodiff import jacobian, pullback
from symgrad.autodiff.reverse import differentiable
from symgrad.compile import lambdify
from symgrad.errors import ArgumentError, DerivativeError, GradientCheckError
from symgrad.expr.dims import Dim, dim_names, map_shape
from symgrad.expr.leaves import symbol
from symgrad.expr.masked import refuse_masked
from symgrad.expr.node import Expr
from symgrad.expr.traverse import bind_dims, check_symbols, free_symbols
from symgrad.expr.types import FLOAT
from symgrad.ops.applied import with_functions
from symgrad.ops.elementwise import as_expr
from symgrad.substitute import substitute

Array = NDArray[Any]
Point = dict[Expr, Array]

STEP: Final = 2e-3  # relative; balances the error h**4 of the differences with rounding eps/h
EXTENTS: Final = (3, 4, 2, 5)  # of named axes, in order of appearance
RANGES: Final = ((-1.5, 1.5), (0.2, 0.8), (1.2, 2.5))  # tried until the value is finite,
DRAWS: Final = 4  # so often each, then mixed
MAX_SHOWN: Final = 200  # characters of a formula in a message


@with_functions("wrt", "at")
def check_grad(
    e: Any,
    wrt: Any,
    at: Mapping[Expr, Any] | None = None,
    order: int = 1,
    seed: int = 0,
    rtol: float = 1e-6,
    atol: float = 1e-7,
) -> None:
    """Compare derivatives with differences of the value; raise if they disagree.

    The derivative in reverse mode and the one in forward mode are each compared, entry by entry,
    with central differences, extrapolated once (Richardson) and computed in float64.

    Parameters
    ----------
    e : Expr of any shape
    wrt : symbol, or list of symbols
    at : mapping from symbol to number or array, optional
        Values for some symbols. The others are drawn at random, respecting their assumptions; named
        extents that no value fixes are small.
    order : int
        Derivatives up to this order are checked.
    seed : int
        Of the random point.
    rtol, atol : float
        Entries agree if they differ by at most ``atol + rtol * size``.

    Raises
    ------
    GradientCheckError
        Naming the entry that is farthest off, both its values, and the point.
    DerivativeError
        If `e` or a symbol is not floating, or there is no derivative.
    ArgumentError
        If `at` has a symbol that does not occur, or no finite value was found.

    Examples
    --------
    >>> import symgrad as sg
    >>> x = sg.vector("x", "n")
    >>> sg.check_grad(sg.logsumexp(x) * sg.sum(x**2), x, order=2)
    """
    y = as_expr(e)
    leaves = check_symbols(
        wrt if isinstance(wrt, (list, tuple)) else [wrt], "what check_grad checks"
    )
    if isinstance(order, bool) or not isinstance(order, int) or order < 1:
        raise ArgumentError(f"the order of check_grad must be a positive int, not {order!r}")
    _check_floating(y, leaves)
    symbols = list(dict.fromkeys([*free_symbols(y), *leaves]))
    given = _given(at or {}, symbols)
    dims = _dims(symbols, given)
    point = _finite_point(y, symbols, given, dims, np.random.default_rng(seed))
    functions = [y]
    for _ in range(order):
        for f in functions:
            _compare(f, leaves, point, dims, rtol, atol)
        functions = [block for f in functions for block in jacobian(f, leaves)]


def _check_floating(y: Expr, leaves: Sequence[Expr]) -> None:
    if not differentiable(y):
        raise DerivativeError(f"check_grad needs a floating expression, not one of dtype {y.dtype}")
    for x in leaves:
        if not differentiable(x):
            raise DerivativeError(
                f"{x.name!r} has dtype {x.dtype}: only floating symbols can be differentiated by;"
                " declare it with dtype=float"
            )


# The point


def _given(at: Mapping[Expr, Any], symbols: Sequence[Expr]) -> Point:
    check_symbols(at, "a key of at")
    for x in at:
        if not any(x is s for s in symbols):
            names = ", ".join(str(s.name) for s in symbols)
            raise ArgumentError(f"at gives a value for {x.name!r}; the formula has only {names}")
    for x, value in at.items():
        refuse_masked(value, f"the value of {x.name}")
    return {x: np.asarray(value, dtype=_wide(x)) for x, value in at.items()}


def _dims(symbols: Sequence[Expr], given: Point) -> dict[str, Dim]:
    """An extent for each name: as the given values have it, else a small one."""
    dims: dict[str, Dim] = {}
    for x, value in given.items():
        bind_dims(dims, x.shape, value.shape, f"the value of {x.name!r}")
    names = dict.fromkeys(name for x in symbols for d in x.shape for name in dim_names(d))
    for i, name in enumerate(names):
        dims.setdefault(name, EXTENTS[i % len(EXTENTS)])
    return dims


def _finite_point(
    y: Expr,
    symbols: Sequence[Expr],
    given: Point,
    dims: dict[str, Dim],
    rng: np.random.Generator,
) -> Point:
    """The first random point where `y` is finite."""
    f = _compiled(symbols, y)
    alike = [[k] * len(symbols) for k in range(len(RANGES)) for _ in range(DRAWS)]
    mixed = rng.integers(0, len(RANGES), (DRAWS**2, len(symbols)))
    for choice in [*alike, *mixed]:
        point = dict(given)
        for x, k in zip(symbols, choice, strict=True):
            if x not in given:
                point[x] = _sample(x, map_shape(x.shape, dims.__getitem__), RANGES[k], rng)
        if np.isfinite(f(point)).all():
            return {x: point[x] for x in symbols}
    raise ArgumentError(
        "no point was found where the expression is finite; give one with at={symbol: value}"
    )


def _sample(
    x: Expr, shape: tuple[int, ...], span: tuple[float, float], rng: np.random.Generator
) -> Array:
    """A random value of a symbol that meets its assumptions."""
    held = x.params.held
    if x.dtype.kind == "b":
        return rng.integers(0, 2, shape).astype(bool)
    if x.dtype.kind in "iu":
        return np.asarray(rng.integers(1, 4, shape), dtype=_wide(x))
    if "integer" in held:
        value = rng.integers(1, 4, shape).astype(float)
        return -value if "negative" in held else value
    value = rng.uniform(*span, shape)
    if "positive" in held or "nonnegative" in held:
        value = np.abs(value) + 0.1
    elif "negative" in held:
        value = -np.abs(value) - 0.1
    elif "nonzero" in held:
        value = value + np.copysign(0.1, value)
    for assumption, make in _MATRICES.items():
        if assumption in held:
            value = make(value)
    return np.asarray(value)


def _transposed(a: Array) -> Array:
    return np.swapaxes(a, -1, -2)


_MATRICES: Final[dict[str, Callable[[Array], Array]]] = {
    "symmetric": lambda a: (a + _transposed(a)) / 2,
    "diagonal": lambda a: a * np.eye(a.shape[-1]),
    "spd": lambda a: a @ _transposed(a) + np.eye(a.shape[-1]),
    "orthogonal": lambda a: np.linalg.qr(a)[0],
}


# Values in float64


def _wide(x: Expr) -> Any:
    return np.float64 if x.dtype.kind == "f" else x.dtype


def _compiled(symbols: Sequence[Expr], y: Expr) -> Any:
    """`y` as a function of a point, computed in float64 whatever the symbols are."""
    wide = [
        x if x.dtype.kind != "f" or x.ty is FLOAT else symbol(str(x.name), x.shape, unique=x)
        for x in symbols
    ]
    changed = {x: w for x, w in zip(symbols, wide, strict=True) if x is not w}
    f = lambdify(wide, substitute(y, changed) if changed else y)

    def value(point: Point) -> Array:
        with np.errstate(all="ignore"):
            return np.asarray(f(*[point[x] for x in symbols]), dtype=np.float64)

    return value


# The comparison


class CheckedEntry(NamedTuple):
    """One entry of a Jacobian, computed twice."""

    excess: float  # the disagreement as a multiple of what is allowed
    x: Expr
    of: tuple[int, ...]  # index into the function
    by: tuple[int, ...]  # index into the symbol
    mode: str
    symbolic: float
    difference: float


def _compare(
    y: Expr, leaves: Sequence[Expr], point: Point, dims: dict[str, Dim], rtol: float, atol: float
) -> None:
    """Check the first derivatives of one function."""
    shape = map_shape(y.shape, dims.__getitem__)
    symbols = list(point)
    value = _compiled(symbols, y)
    forward = jacobian(y, list(leaves))
    u = symbol("u", y.shape, unique="cotangent")
    backward = pullback([y], [u], leaves)
    worst: CheckedEntry | None = None
    for x, block, cotangent in zip(leaves, forward, backward, strict=True):
        expected = _differences(value, x, point, shape)
        for mode, found in (
            ("forward", _compiled(symbols, block)(point)),
            ("reverse", _rows(_compiled([*symbols, u], cotangent), u, point, shape)),
        ):
            block = _along(x, found.reshape(expected.shape))
            entry = _worst(x, mode, block, expected, rtol, atol)
            if entry is not None and (worst is None or not entry.excess <= worst.excess):
                worst = entry
    if worst is not None and not worst.excess <= 1:
        raise GradientCheckError(_describe(y, worst, point))


def _differences(value: Any, x: Expr, point: Point, shape: tuple[int, ...]) -> Array:
    """The Jacobian by `x`: ``D(h) = (f(x + h) - f(x - h))/2h``, then ``(4*D(h/2) - D(h))/3``."""
    at = point[x]
    result = np.zeros((*shape, *at.shape))
    for by in np.ndindex(at.shape):
        if "diagonal" in x.params.held and by[-1] != by[-2]:
            continue
        step = STEP * max(1.0, abs(float(at[by])))

        def central(h: float, by: tuple[int, ...] = by) -> Array:
            sides = []
            for signed in (h, -h):
                moved = at.copy()
                moved[by] += signed
                if _is_symmetric(x) and by[-1] != by[-2]:
                    moved[(*by[:-2], by[-1], by[-2])] += signed
                sides.append(value({**point, x: moved}))
            return np.asarray((sides[0] - sides[1]) / (2 * h))

        result[(..., *by)] = (4 * central(step / 2) - central(step)) / 3
    return result


def _is_symmetric(x: Expr) -> bool:
    return "symmetric" in x.params.held or "spd" in x.params.held


def _along(x: Expr, block: Array) -> Array:
    """Derivatives by the entries of a symbol, along what it may be.

    In a symmetric matrix two entries change at once; in a diagonal one only the diagonal does.
    """
    if not (_is_symmetric(x) or "diagonal" in x.params.held):
        return block
    diagonal = block * np.eye(block.shape[-1])
    return np.asarray(block + _transposed(block) - diagonal if _is_symmetric(x) else diagonal)


def _rows(pulled: Any, u: Expr, point: Point, shape: tuple[int, ...]) -> Array:
    """The Jacobian from reverse mode, a cotangent with a single 1 at a time."""
    rows = []
    for of in np.ndindex(shape):
        unit = np.zeros(shape)
        unit[of] = 1.0
        rows.append(pulled({**point, u: unit}))
    return np.array(rows)


def _worst(
    x: Expr, mode: str, found: Array, expected: Array, rtol: float, atol: float
) -> CheckedEntry | None:
    """The entry that is farthest off; nan where a number is expected is off by infinity."""
    if not found.size:
        return None
    with np.errstate(invalid="ignore"):
        allowed = atol + rtol * np.maximum(np.abs(found), np.abs(expected))
        excess = np.where(found == expected, 0.0, np.abs(found - expected) / allowed)
    excess = np.where(np.isnan(excess), np.inf, excess)
    place = np.unravel_index(int(excess.argmax()), excess.shape)
    index = tuple(int(i) for i in place)
    rank = found.ndim - x.ndim
    return CheckedEntry(
        float(excess[index]),
        x,
        index[:rank],
        index[rank:],
        mode,
        float(found[index]),
        float(expected[index]),
    )


def _describe(y: Expr, entry: CheckedEntry, point: Point) -> str:
    of = f"entry {list(entry.of)} of " if entry.of else ""
    by = f"{entry.x.name}{list(entry.by) if entry.by else ''}"
    where = ", ".join(f"{x.name} = {np.array2string(a, threshold=20)}" for x, a in point.items())
    text = str(y)
    shown = text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 4] + " ..."
    return (
        f"the derivative of {of}{shown} by {by} is {entry.symbolic!r} in {entry.mode} mode,"
        f" differences of the value give {entry.difference!r}, at {where}"
    )
