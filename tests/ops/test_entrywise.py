"""The contract of every elementwise op, by its record alone: a new record is found and tested.

Values and derivatives to second order against the op's SymPy image at 30 digits, on arrays and on
Python floats; dtypes against NumPy's and SciPy's own functions; LaTeX read back by SymPy; SymPy and
back; pickling.
"""

import itertools
import math
import pickle
import warnings
import zlib
from fractions import Fraction

import numpy as np
import pytest
import scipy.special

import symgrad as sg
from symgrad.expr.types import as_ty
from symgrad.ops import special
from symgrad.ops.table import OPS
from tests.ops import oracle

POINTS = 3
DOUBLE = np.dtype(float)
EPS = np.finfo(DOUBLE).eps

# Operands that are no floats
KINDS = {
    "where": ("bool", "float64", "float64"),
    "logical_and": ("bool", "bool"),
    "logical_or": ("bool", "bool"),
    "logical_xor": ("bool", "bool"),
    "logical_not": ("bool",),
    "ldexp": ("float64", "int64"),
}
ORDERS = {"polygamma": (1, 2, 3)}
PARAMS = {"named": [("p",)], "astype": [(as_ty("float32"),), (as_ty("int64"),)]}


def params_of(op):
    if op.name in PARAMS:
        return PARAMS[op.name]
    with_order = op in OPS_WITH_ORDER
    return [(n,) for n in ORDERS.get(op.name, (0, 2, Fraction(5, 2)))] if with_order else [()]


OPS_WITH_ORDER = special.ORDERED_OPS
RECORDS = {op.name: op for op in OPS.values() if op.elementwise}
CALLS = [(op, params) for op in RECORDS.values() for params in params_of(op)]
every_call = pytest.mark.parametrize(
    ("op", "params"),
    CALLS,
    ids=["-".join([op.name, *map(str, p)]).replace("/", "over") for op, p in CALLS],
)


def kinds_of(op):
    if op.name in KINDS:
        return KINDS[op.name]
    return ("float64",) * len(domains_of(op))


def domains_of(op):
    return op.domain or ((-3.0, 3.0),) * len(KINDS.get(op.name, (0,)))


def sample(op):
    """Points in the domain, as tuples of Python numbers."""
    rng = np.random.default_rng(zlib.crc32(op.name.encode()))

    def draw(low, high, kind):
        if kind == "bool":
            return bool(rng.random() < 0.5)
        return int(rng.integers(-3, 4)) if kind == "int64" else float(rng.uniform(low, high))

    return [
        tuple(
            draw(low, high, kind)
            for (low, high), kind in zip(domains_of(op), kinds_of(op), strict=True)
        )
        for _ in range(POINTS)
    ]


def edges(op):
    """The record's special arguments: beside ordinary ones, and together."""
    arity = len(domains_of(op))
    if arity == 1:
        return [(s,) for s in op.special]
    rest = sample(op)[0][1:]
    beside = [(s, *rest) for s in op.special]
    return beside + list(itertools.product(op.special, repeat=arity))


def build(op, params):
    xs = [sg.symbol(f"a{i}", dtype=kind) for i, kind in enumerate(kinds_of(op))]
    return xs, op.build(tuple(xs), params)


def close(actual, expected, digits, size=0.0):
    """Within `digits` of the expected number, or of `size` where it is the difference of larger ones."""
    expected = float(expected)
    if math.isnan(expected) or math.isinf(expected):
        return actual == expected or (math.isnan(expected) and math.isnan(actual))
    return abs(float(actual) - expected) <= digits * max(abs(expected), size)


def calls_scipy(op):
    return "scipy" in str(op.numpy) or op in OPS_WITH_ORDER


def precision(op, order, dtype=DOUBLE):
    """How near code must be: NumPy's functions to a few ulp, SciPy's to 1e-13."""
    ulp = np.finfo(dtype).eps if dtype.kind == "f" else EPS
    return (2e-13 if calls_scipy(op) else 8 * ulp) * (1, 20, 100)[order]


@every_call
def test_values(op, params):
    xs, y = build(op, params)
    sg.check_graph(y)
    points = sample(op) + edges(op)
    exact = oracle.function_of(op, params, len(xs))
    f = sg.lambdify(xs, y)
    with np.errstate(all="ignore"):
        arrays = f(*[np.array(column) for column in zip(*points, strict=True)])
    assert arrays.dtype == y.dtype
    for point, entry in zip(points, arrays.tolist(), strict=True):
        expected = oracle.value(exact, point)
        size = 1e-2 if calls_scipy(op) else 0.0
        for actual in (entry, f(*point)):
            assert close(actual, expected, precision(op, 0, y.dtype), size), (
                point,
                actual,
                expected,
            )


# Functions of the grid of doubles: differences of them say nothing, their notes do
ON_THE_GRID = ("spacing", "nextafter")
DIFFERENTIABLE = [
    (op, params)
    for op, params in CALLS
    if build(op, params)[1].dtype.kind == "f" and op.name not in ON_THE_GRID
]
every_smooth_call = pytest.mark.parametrize(
    ("op", "params"),
    DIFFERENTIABLE,
    ids=["-".join([op.name, *map(str, p)]).replace("/", "over") for op, p in DIFFERENTIABLE],
)


@every_smooth_call
def test_derivatives(op, params):
    """First and second, all mixed ones, forward and reverse; on arrays and on floats."""
    xs, y = build(op, params)
    moving = [i for i, x in enumerate(xs) if x.dtype.kind == "f"]
    leaves = [xs[i] for i in moving]
    gradient = sg.grad(y, leaves)
    forward = [sg.diff(y, x) for x in leaves]
    hessian = sg.hessian(y, leaves)
    sg.check_graph(*gradient, *forward, *[h for row in hessian for h in row])
    f = sg.lambdify(xs, [gradient, forward, hessian])
    exact = oracle.function_of(op, params, len(xs))
    points = sample(op)
    columns = [np.array(column) for column in zip(*points, strict=True)]
    by_arrays = f(*columns)
    for number, point in enumerate(points):
        by_floats = f(*point)
        size = 1e-3 * abs(float(oracle.value(exact, point)))
        for a, i in enumerate(moving):
            first = oracle.derivative(exact, point, [int(k == i) for k in range(len(xs))])
            for part in (0, 1):
                entry = by_arrays[part][a][number]
                assert close(entry, first, precision(op, 1), size), (point, i, entry, first)
                entry = by_floats[part][a]
                assert close(entry, first, precision(op, 1), size), (point, i, entry, first)
            for b, j in enumerate(moving):
                orders = [int(k == i) + int(k == j) for k in range(len(xs))]
                second = oracle.derivative(exact, point, orders)
                scale = max(size, abs(float(first)))
                for entry in (by_arrays[2][a][b][number], by_floats[2][a][b]):
                    assert close(entry, second, precision(op, 2), scale), (
                        point,
                        i,
                        j,
                        entry,
                        second,
                    )


def twin(op):
    """NumPy's or SciPy's function of this name."""
    for module in (np, scipy.special):
        if isinstance(getattr(module, op.name, None), np.ufunc):
            return getattr(module, op.name)
    return None


TYPED = [
    (op, kind)
    for op in RECORDS.values()
    if twin(op)
    for kind in ("float64", "float32", "int64", "bool")
    if kind != "bool" or not calls_scipy(op)  # SciPy takes booleans for float32 here, float64 there
]


@pytest.mark.parametrize(("op", "kind"), TYPED, ids=[f"{op.name}-{kind}" for op, kind in TYPED])
def test_dtypes(op, kind):
    """The dtype of the node and of what is computed is that of NumPy's function, or both refuse."""
    ufunc = twin(op)
    params = params_of(op)[0]
    arity = ufunc.nin - len(params)
    orders = [float(p) for p in params] if kind.startswith("float") else list(params)
    xs = [sg.symbol(f"a{i}", dtype=kind) for i in range(arity)]
    arrays = [np.ones(2, kind)] * arity
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("error")
            expected = ufunc(*[np.asarray(p, kind) for p in orders], *arrays)
    except TypeError:
        with pytest.raises((sg.DTypeError, TypeError)):
            op.build(tuple(xs), params)
        return
    y = op.build(tuple(xs), params)
    sg.check_graph(y)
    with np.errstate(all="ignore"):
        actual = sg.lambdify(xs, y)(*arrays)
    assert y.dtype == expected.dtype
    assert actual.dtype == expected.dtype
    digits = 1e-5 if expected.dtype == np.float32 else 1e-12
    np.testing.assert_allclose(actual, expected, rtol=digits, atol=digits)


@every_call
def test_pickling(op, params):
    xs, y = build(op, params)
    assert pickle.loads(pickle.dumps(y)) is y
    f = sg.lambdify(xs, y)
    g = pickle.loads(pickle.dumps(f))
    point = sample(op)[0]
    assert f(*point) == g(*point)
