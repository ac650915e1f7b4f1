"""The contract of every elementwise op, by its record alone: a new record is found and tested.

Values and derivatives to second order against the op's SymPy image at 30 digits, on arrays and on
Python floats, alone and composed; dtypes against NumPy's and SciPy's own functions; LaTeX read back
by SymPy; SymPy and back; pickling.
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
import sympy
from sympy.parsing.latex import parse_latex
from tests.ops import oracle
from tests.ops.added import ADDED

import symgrad as sg
from symgrad.expr.types import as_ty
from symgrad.ops import special
from symgrad.ops.applied import APPLIED
from symgrad.ops.implicit import ENTRYWISE
from symgrad.ops.shown import SHOWN
from symgrad.ops.stop import STOP_GRADIENT
from symgrad.ops.table import OPS

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
# Operands that are whole numbers, held by floats
WHOLE = dict.fromkeys(("eval_hermite", "eval_hermitenorm", "lpmv"), 0) | {
    "polygamma_of_order": 0,
    "expn_of_order": 0,
}
ORDERS = {"polygamma": (1, 2, 3), "expn": (1, 2, 4)}
PARAMS = {
    "named": [("p",)],
    "astype": [(as_ty("float32"),), (as_ty("int64"),)],
    "polyval": [(0.5, -1.25), (1.0, 0.0, -0.5, 0.125)],
    **{f"{name}_derivative": [(1,), (2,)] for name in ("erfcx", "dawsn", "log_erfc", "log_ndtr")},
    **{f"{name}_derivative": [(0, 1), (2, 2)] for name in ("ive", "kve")},
    "iv_ratio": [(0, 0), (1, 1)],
    "hyp0f1": [(1,), (Fraction(5, 2),)],
    "hyp1f1": [(1, 2), (0.5, Fraction(5, 2))],
    "hyp2f1": [(1, 2, 3), (Fraction(1, 2), Fraction(-1, 2), 1)],
    "power_derivative": [(1, 0), (0, 1), (2, 0), (1, 1), (2, 2)],
}


def params_of(op):
    if op.name in PARAMS:
        return PARAMS[op.name]
    with_order = op in OPS_WITH_ORDER
    return [(n,) for n in ORDERS.get(op.name, (0, 2, Fraction(5, 2)))] if with_order else [()]


OPS_WITH_ORDER = special.ORDERED_OPS
# An equation makes the node of ENTRYWISE: see tests/solve/test_implicit; the derivative of STOP_GRADIENT is
# not that of its value: see tests/autodiff/test_stop_gradient; APPLIED has no value: see tests/functions;
# the operands of SHOWN are two forms of one formula: see tests/rewrite/test_search
RECORDS = {
    op.name: op
    for op in (*OPS.values(), *ADDED)
    if op.elementwise and op not in (APPLIED, ENTRYWISE, SHOWN, STOP_GRADIENT)
}
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

    def draw(place, low, high, kind):
        if kind == "bool":
            return bool(rng.random() < 0.5)
        if WHOLE.get(op.name) == place:
            return float(rng.integers(math.ceil(low), math.floor(high), endpoint=True))
        return int(rng.integers(-3, 4)) if kind == "int64" else float(rng.uniform(low, high))

    return [
        tuple(
            draw(place, low, high, kind)
            for place, ((low, high), kind) in enumerate(
                zip(domains_of(op), kinds_of(op), strict=True)
            )
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
    xs = [sg.symbol(name, dtype=kind) for name, kind in zip("xyzw", kinds_of(op), strict=False)]
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


# Operands by which the derivative is no formula of functions that are here
REFUSED = {
    "gammainc": (0,),
    "gammaincc": (0,),
    "betainc": (0, 1),
    **{f"{name}_of_order": (0,) for name in "jv yv iv kv polygamma expn hyp0f1".split()},
    "hyp1f1_of_order": (0, 1),
    "hyp2f1_of_order": (0, 1, 2),
    "hurwitz_zeta": (0,),
    "riemann_zeta": (0,),
    **dict.fromkeys("eval_chebyt eval_chebyu eval_legendre eval_laguerre".split(), (0,)),
    **dict.fromkeys("eval_hermite eval_hermitenorm".split(), (0,)),
    **dict.fromkeys("eval_gegenbauer eval_genlaguerre lpmv".split(), (0, 1)),
    "eval_jacobi": (0, 1, 2),
    "ellipd": (
        1,
    ),  # its notes say that digits are lost; those by m of F and E are tested to second order
}
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
    fixed = REFUSED.get(op.name, ())
    moving = [i for i, x in enumerate(xs) if x.dtype.kind == "f" and i not in fixed]
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
    if twin(op) and op.name not in WHOLE  # which SciPy has for ints alone
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


# Reading, and SymPy


def unreadable(op, text):
    """Why SymPy's parser does not read this notation back, or None."""
    if r"\operatorname" in text:
        return "it knows no function by name but the elementary ones"
    return {
        "expit": "sigma is a symbol",
        "ndtr": "Phi is a symbol",
        "ndtri": "Phi is a symbol",
        "log_ndtr": "Phi is a symbol",
        "gamma": "Gamma is a symbol",
        "gammaln": "Gamma is a symbol",
        "digamma": "psi is a symbol",
        "polygamma": "psi is a symbol",
        **dict.fromkeys(
            (
                *REFUSED,
                "ellipk",
                "ellipe",
                "ellipkinc",
                "ellipeinc",
                "ellipd",
                "ellippi",
                "ellippiinc",
            ),
            "letters are symbols",
        ),
        "cbrt": "a root is the complex one there",
        "mod": "it knows no bmod",
        "maximum": "it knows no max",
        "minimum": "it knows no min",
        "logical_and": "it takes truth values for numbers",
        "logical_or": "it takes truth values for numbers",
        "logical_not": "it takes truth values for numbers",
        "logical_xor": "it knows no oplus",
        "where": "it knows no cases",
        "named": "the definition stands behind the formula",
        "astype": "the notation does not show it",
        **{op.name: "letters are symbols" for op in OPS_WITH_ORDER},
    }.get(op.name)


@every_call
def test_latex_is_read_back(op, params):
    xs, y = build(op, params)
    text = sg.latex(y)
    assert str(y)
    assert all(word in text for word in "xyzw"[: len(xs)])
    if unreadable(op, text):
        return
    # the parser takes bars, but not bars that grow
    parsed = parse_latex(text.replace(r"\left|", "|").replace(r"\right|", "|"))
    exact = oracle.function_of(op, params, len(xs))
    for point in sample(op):
        at = {sympy.Symbol(n): sympy.S(v) for n, v in zip("xyzw", point, strict=False)}
        at[sympy.Symbol("e")] = sympy.E
        actual = parsed.subs(at)
        expected = oracle.value(exact, point)
        if isinstance(expected, bool):
            assert bool(actual) == expected
        else:
            assert close(actual.evalf(20), expected, 1e-14)


@every_call
def test_sympy_and_back(op, params):
    xs, y = build(op, params)
    if op.sympy is None:
        with pytest.raises(sg.ConversionError, match=op.name):
            sg.to_sympy(y)
        return
    back = sg.from_sympy(sg.to_sympy(y))
    named = {x.name: x for x in sg.free_symbols(back)}
    f = sg.lambdify([named.get(x.name, x) for x in xs], back)
    exact = oracle.function_of(op, params, len(xs))
    for point in sample(op):
        expected = oracle.value(exact, point)
        with np.errstate(all="ignore"):
            assert close(f(*point), expected, 1e-12, 1e-2), point


# Functions of functions: code on floats and on arrays says the same


def fitting(e, kind):
    """An expression of this kind made of any other."""
    if kind == "bool":
        return e if e.dtype == bool else e > 0.3
    if kind == "int64":
        return e if e.dtype.kind == "i" else sg.astype(e, int)
    return sg.where(e, 2.0, 0.5) if e.dtype == bool else e


@every_call
def test_compositions(op, params):
    """The op around others, in every place: no operator takes what is not its own."""
    rng = np.random.default_rng(zlib.crc32(op.name.encode()))
    x, y = sg.symbols("x y")
    kinds = kinds_of(op)
    for k in rng.integers(0, len(CALLS), 6):
        other, inner_params = CALLS[k]
        operands = [
            fitting(e, kind) for e, kind in zip([x, y, x + y, y], kinds_of(other), strict=False)
        ]
        inner = other.build(tuple(operands), inner_params)
        for place, kind in enumerate(kinds):
            outer = [fitting(y - x, kind) for kind in kinds]
            outer[place] = fitting(inner, kind)
            f = sg.lambdify([x, y], op.build(tuple(outer), params))
            for point in ((0.7, 1.3), (1.3, 0.7)):
                with np.errstate(all="ignore"):  # outside of domains both are nan
                    on_floats, on_arrays = f(*point), f(*[np.array([v]) for v in point])[0]
                assert close(on_floats, float(on_arrays), 1e-12, 1e-2), (f.source, f.scalar_source)


AT_NUMBERS = (1, 2, 3, Fraction(1, 3))


@pytest.mark.parametrize("kind", ["float32", "float64"])
@every_call
def test_functions_of_numbers_take_the_type_of_what_they_meet(op, params, kind):
    """A number has no element type of its own; at poles functions of it give inf or nan."""
    kinds = kinds_of(op)
    if "bool" in kinds or "int64" in kinds or op.name in ("astype", *ON_THE_GRID):
        return
    xs = [sg.vector(f"x{i}", 2, dtype=kind) for i in range(len(kinds))]
    at_arrays = sg.lambdify(xs, op.build(tuple(xs), params))
    x = xs[0]
    for c in AT_NUMBERS:
        y = op.build((sg.constant(c),) * len(xs), params)
        with np.errstate(all="ignore"):
            expected = at_arrays(*[np.full(2, float(c), kind)] * len(xs))
            actual = sg.lambdify(x, sg.where(y, x, 0) if y.dtype == bool else x * y)(
                np.ones(2, kind)
            )
        assert actual.dtype == kind
        eps = np.finfo(kind).eps
        np.testing.assert_allclose(actual, expected, rtol=64 * eps, atol=4 * eps)
