"""The value of a graph, node by node: in NumPy, and in many digits over the reals.

Both know nothing of rewriting, lowering or compilation; a node is computed as its name says. They are what
the rules and the compiled forms are measured against.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
from tests.ops.oracle import function_of

from symgrad.expr.leaves import CONST, EYE, NAMED_NUMBER, SIZE, SYMBOL
from symgrad.expr.node import Expr
from symgrad.expr.numbers import as_float
from symgrad.expr.traverse import toposort

DIGITS = 60


# NumPy


def _expit(x: Any) -> Any:
    below = np.exp(np.minimum(x, 0))
    return np.where(x < 0, below / (1 + below), 1 / (1 + np.exp(-np.maximum(x, 0))))


def _logsumexp(x: Any, axes: tuple[int, ...]) -> Any:
    top = np.max(x, axis=axes, keepdims=True)
    return np.log(np.sum(np.exp(x - top), axis=axes)) + np.squeeze(top, axes)


def _einsum(node: Expr, *args: Any) -> Any:
    inputs, out, _ = node.params
    extents: dict[int, int] = dict(zip(out, node.shape, strict=True))
    letters = "abcdefghijklmnopqrstuvwxyz"
    bound = [n for n in out if any(n in labels for labels in inputs)]
    text = ",".join("".join(letters[n] for n in labels) for labels in inputs)
    core = np.einsum(text + "->" + "".join(letters[n] for n in bound), *args)
    index = tuple(slice(None) if n in bound else None for n in out)
    return np.broadcast_to(core[index], tuple(extents[n] for n in out))


def _embed(node: Expr, x: Any) -> Any:
    shape, index = node.params
    result = np.zeros(shape)
    result[_index(index)] = x
    return result


def _index(entries: Any) -> Any:
    keys = []
    for entry in entries:
        if entry.__class__ is int:
            keys.append(entry)
        else:
            start, _, step, length = entry
            stop = start + length * step
            keys.append(slice(start, None if stop < 0 else stop, step) if length else slice(0, 0))
    return tuple(keys)


def _scatter(node: Expr, x: Any, *index: Any) -> Any:
    result = np.zeros(node.shape)
    np.add.at(result, tuple(index), x)
    return result


def _svd(part: int) -> Callable[..., Any]:
    return lambda node, a: np.linalg.svd(a, full_matrices=False)[part]


def _power_along(node: Expr, a: Any, *directions: Any) -> Any:
    """By the corner of the power of ``[[a, e], [0, a]]``, once for each direction."""
    size = a.shape[-1]
    if not directions:
        return np.linalg.matrix_power(a, node.params[0])
    *rest, e = directions
    zeros = np.zeros_like(a)
    grow = lambda x, corner: np.block([[x, corner], [zeros, x]])  # noqa: E731
    wide = [grow(x, zeros) for x in rest]
    return _power_along(node, grow(a, e), *wide)[..., :size, size:]


def _symmetric(a: Any) -> Any:
    return np.tril(a) + np.swapaxes(np.tril(a, -1), -1, -2)


def _product(*factors: Any) -> Any:
    total = factors[0]
    for factor in factors[1:]:
        total = total * factor
    return total


def _sum(*terms: Any) -> Any:
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    return total


BY_NODE: dict[str, Callable[..., Any]] = {
    "einsum": _einsum,
    "reshape": lambda node, x: np.reshape(x, node.shape),
    "concatenate": lambda node, *xs: np.concatenate(xs, axis=node.params[0]),
    "getitem": lambda node, x: x[_index(node.params[0])],
    "embed": _embed,
    "gather": lambda node, x, *index: x[tuple(index)],
    "scatter_add": _scatter,
    "astype": lambda node, x: np.asarray(x).astype(node.dtype),
    "named": lambda node, x: x,
    "max": lambda node, x: np.max(x, axis=node.params[0]),
    "min": lambda node, x: np.min(x, axis=node.params[0]),
    "prod": lambda node, x: np.prod(x, axis=node.params[0]),
    "logsumexp": lambda node, x: _logsumexp(x, node.params[0]),
    "argmax": lambda node, x: np.argmax(x, axis=_one(node.params[0])),
    "argmin": lambda node, x: np.argmin(x, axis=_one(node.params[0])),
    "any": lambda node, x: np.any(x, axis=node.params[0]),
    "all": lambda node, x: np.all(x, axis=node.params[0]),
    "cumsum": lambda node, x: np.cumsum(x, axis=node.params[0]),
    "cumprod": lambda node, x: np.cumprod(x, axis=node.params[0]),
    "matrix_power": lambda node, a: np.linalg.matrix_power(a, node.params[0]),
    "matrix_power_along": _power_along,
    "svd_u": _svd(0),
    "svdvals": _svd(1),
    "svd_vt": _svd(2),
    "eigvalsh": lambda node, a: np.linalg.eigvalsh(_symmetric(a)),
}
BY_VALUE: dict[str, Callable[..., Any]] = {
    "add": _sum,
    "multiply": _product,
    "power": np.power,
    "where": np.where,
    "expit": _expit,
    "softplus": lambda x: np.logaddexp(0.0, x),
    "inv": np.linalg.inv,
    "det": np.linalg.det,
    "solve": np.linalg.solve,
    "logabsdet": lambda a: np.linalg.slogdet(a)[1],
    "spd_logdet": lambda a: np.linalg.slogdet(a)[1],
    "signdet": lambda a: np.linalg.slogdet(a)[0],
    "cholesky": lambda a: np.linalg.cholesky(_symmetric(a)),
}


def _one(axes: Any) -> Any:
    return axes[0] if isinstance(axes, tuple) and len(axes) == 1 else None


def numpy_value(root: Expr, values: Mapping[Expr, Any]) -> Any:
    """The value of a graph in NumPy, for values of its symbols; extents are known numbers."""
    found: dict[Expr, Any] = {}
    with np.errstate(all="ignore"):
        for node in toposort([root]):
            found[node] = _numpy_step(node, [found[arg] for arg in node.args], values)
    return found[root]


def _numpy_step(node: Expr, args: list[Any], values: Mapping[Expr, Any]) -> Any:
    if node.op is SYMBOL:
        return np.asarray(values[node])
    if not node.args:
        return _leaf(node)
    name = node.op.name
    if name in BY_NODE:
        return BY_NODE[name](node, *args)
    function = BY_VALUE.get(name) or getattr(np, name, None)
    return _by_record(node, args) if function is None else function(*args)


def _by_record(node: Expr, args: list[Any]) -> Any:
    """By the code on the op's record, which the contract test measures: NumPy has no such function."""
    code = node.op.numpy
    assert isinstance(code, str), f"no NumPy function for {node.op.name}"
    import scipy.special

    names = [f"a{k}" for k in range(len(args))]
    space = {"np": np, "scipy": scipy, **dict(zip(names, args, strict=True))}
    return eval(code.format(*names), space)


def _leaf(node: Expr) -> Any:
    if node.op is EYE:
        return np.eye(node.params[0])
    if node.op is NAMED_NUMBER:
        return np.float64({"pi": math.pi, "E": math.e}[node.params[0]])
    if node.op is SIZE:
        raise AssertionError("extents must be known")
    if node.op is not CONST:
        return np.arange(node.params[0])
    value, tag = node.params[:2]
    if tag == "array":
        return value.array
    exact = isinstance(value, (int, Fraction)) and not isinstance(value, bool)
    number = as_float(value) if exact and node.dtype.kind == "f" else value
    return np.full(node.shape, float(number) if isinstance(number, Fraction) else number)


# Many digits, over the reals: None where a formula is undefined


def _mp_power(x: Any, p: Any) -> Any:
    if p == 0:
        return mpmath.mpf(1)
    if x == 0:
        return mpmath.mpf(0) if p > 0 else None
    if x < 0:
        if p != mpmath.floor(p):
            return None
        size = mpmath.power(-x, p)
        return -size if int(p) % 2 else size
    return mpmath.power(x, p)


def _within(low: float, high: float, function: Callable[..., Any]) -> Callable[..., Any]:
    """A function on the open interval from `low` to `high`."""
    return lambda x: function(x) if low < x < high else None


def _rint(x: Any) -> Any:
    low = mpmath.floor(x)
    rest = x - low
    if rest == 0.5:
        return low + int(low) % 2
    return low + (rest > 0.5)


INF = math.inf
REAL: dict[str, Callable[..., Any]] = {
    "add": lambda *xs: mpmath.fsum(xs),
    "multiply": lambda *xs: mpmath.fprod(xs),
    "power": _mp_power,
    "exp": mpmath.exp,
    "exp2": lambda x: mpmath.power(2, x),
    "expm1": lambda x: mpmath.exp(x) - 1,
    "log": _within(0, INF, mpmath.log),
    "log2": _within(0, INF, lambda x: mpmath.log(x, 2)),
    "log10": _within(0, INF, mpmath.log10),
    "log1p": _within(-1, INF, lambda x: mpmath.log(1 + x)),
    "expit": lambda x: 1 / (1 + mpmath.exp(-x)),
    "softplus": lambda x: mpmath.log(1 + mpmath.exp(x)),
    "logaddexp": lambda a, b: mpmath.log(mpmath.exp(a) + mpmath.exp(b)),
    "sin": mpmath.sin,
    "cos": mpmath.cos,
    "tan": lambda x: mpmath.tan(x) if mpmath.cos(x) != 0 else None,
    "sinh": mpmath.sinh,
    "cosh": mpmath.cosh,
    "tanh": mpmath.tanh,
    "arcsin": lambda x: mpmath.asin(x) if abs(x) <= 1 else None,
    "arccos": lambda x: mpmath.acos(x) if abs(x) <= 1 else None,
    "arctan": mpmath.atan,
    "arcsinh": mpmath.asinh,
    "arccosh": lambda x: mpmath.acosh(x) if x >= 1 else None,
    "arctanh": _within(-1, 1, mpmath.atanh),
    "arctan2": lambda a, b: None if a == b == 0 else mpmath.atan2(a, b),
    "hypot": lambda a, b: mpmath.sqrt(a * a + b * b),
    "cbrt": lambda x: mpmath.sign(x) * mpmath.cbrt(abs(x)),
    "absolute": abs,
    "sign": mpmath.sign,
    "copysign": lambda a, b: abs(a) if b >= 0 else -abs(a),
    "maximum": max,
    "minimum": min,
    "fmax": max,
    "fmin": min,
    "floor": mpmath.floor,
    "ceil": mpmath.ceil,
    "trunc": lambda x: mpmath.sign(x) * mpmath.floor(abs(x)),
    "rint": _rint,
    "mod": lambda a, b: a - b * mpmath.floor(a / b) if b != 0 else None,
    "less": lambda a, b: a < b,
    "less_equal": lambda a, b: a <= b,
    "greater": lambda a, b: a > b,
    "greater_equal": lambda a, b: a >= b,
    "equal": lambda a, b: a == b,
    "not_equal": lambda a, b: a != b,
    "logical_and": lambda a, b: bool(a) and bool(b),
    "logical_or": lambda a, b: bool(a) or bool(b),
    "logical_not": lambda a: not a,
    "named": lambda x, *_: x,
}


def real_value(root: Expr, values: Mapping[Expr, float], digits: int = DIGITS) -> Any:
    """The value of a scalar formula as a real function, to `digits` digits; None where it has none."""
    found: dict[Expr, Any] = {}
    with mpmath.workdps(digits):
        for node in toposort([root]):
            args = [found[arg] for arg in node.args]
            if node.op.name == "where":
                found[node] = None if args[0] is None else args[1 if args[0] else 2]
            elif not node.args:
                found[node] = _real_leaf(node, values)
            else:
                found[node] = None if None in args else _real(node, args)
    return found[root]


def _real(node: Expr, args: list[Any]) -> Any:
    """A function of real numbers: by the table, else by its image in SymPy; None where it has no value."""
    function = REAL.get(node.op.name)
    if function is not None:
        return function(*args)
    try:
        value = function_of(node.op, node.params, len(args))(*args)
    except (ZeroDivisionError, ValueError):
        return None
    return None if isinstance(value, mpmath.mpc) or not mpmath.isfinite(value) else value


def _real_leaf(node: Expr, values: Mapping[Expr, float]) -> Any:
    if node.op is SYMBOL:
        return mpmath.mpf(values[node])
    if node.op is NAMED_NUMBER:
        return +{"pi": mpmath.pi, "E": mpmath.e}[node.params[0]]
    value = node.params[0]
    if isinstance(value, bool):
        return value
    if isinstance(value, float) and not math.isfinite(value):
        return None
    exact = Fraction(value)
    return mpmath.mpf(exact.numerator) / exact.denominator
