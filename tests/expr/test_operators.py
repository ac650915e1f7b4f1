"""Operators, methods and NumPy's protocols build graph; what has no meaning says what to write."""

import numpy as np
import pytest

import symgrad as sg

x, y = sg.symbols("x y")
v, w = sg.vector("v", "n"), sg.vector("w", "n")
A = sg.matrix("A", ("m", "n"))
T = sg.symbol("T", (2, 3, 4))
n = sg.symbol("n", dtype=int)

SAME = {
    "x + 1": (x + 1, np.add(x, 1)),
    "1 + x": (1 + x, np.add(1, x)),
    "1 - x": (1 - x, np.subtract(1, x)),
    "1 / x": (1 / x, np.divide(1, x)),
    "2 ** x": (2**x, np.power(2, x)),
    "x // 2": (x // 2, np.floor_divide(x, 2)),
    "2 // x": (2 // x, np.floor_divide(2, x)),
    "x % 2": (x % 2, np.remainder(x, 2)),
    "2 % x": (2 % x, np.mod(2, x)),
    "divmod": (divmod(x, 2)[1], np.divmod(x, 2)[1]),
    "-x": (-x, np.negative(x)),
    "+x": (+x, np.positive(x)),
    "abs": (abs(x), np.abs(x)),
    "fabs": (sg.fabs(x), np.fabs(x)),
    "sin": (sg.sin(x), np.sin(x)),
    "x < y": (x < y, np.less(x, y)),
    "0 < x": (x > 0, np.greater(x, 0)),
    "x == y": (x == y, np.equal(x, y)),
    "x != 0": (x != 0, np.not_equal(x, 0)),
    "and": ((x > 0) & (y > 0), np.logical_and(x > 0, y > 0)),
    "or": ((x > 0) | (y > 0), np.bitwise_or(x > 0, y > 0)),
    "xor": ((x > 0) ^ (y > 0), np.logical_xor(x > 0, y > 0)),
    "not": (~(x > 0), np.invert(x > 0)),
    "A @ v": (A @ v, np.matmul(A, v)),
    "A.T": (A.T, np.transpose(A)),
    "A.sum": (A.sum(axis=0), np.sum(A, axis=0)),
    "add.reduce": (sg.sum(A, axis=0), np.add.reduce(A)),
    "add.reduce axis": (sg.sum(A, axis=1, keepdims=True), np.add.reduce(A, axis=1, keepdims=True)),
    "add.reduce all": (sg.sum(A), np.add.reduce(A, axis=None)),
    "multiply.reduce": (sg.prod(A, axis=0), np.multiply.reduce(A)),
    "maximum.reduce": (sg.max(A, axis=0), np.maximum.reduce(A)),
    "add.accumulate": (sg.cumsum(A, axis=0), np.add.accumulate(A)),
    "multiply.outer": (sg.outer(v, w), np.multiply.outer(v, w)),
    "where": (sg.where(x > 0, x, 0), np.where(x > 0, x, 0)),
    "einsum": (sg.einsum("ij,j->i", A, v), np.einsum("ij,j->i", A, v)),
    "inv": (sg.linalg.inv(A.T @ A), np.linalg.inv(A.T @ A)),
    "norm": (sg.linalg.norm(v), np.linalg.norm(v)),
    "stack": (sg.stack([x, y]), np.stack([x, y])),
    "mean": (A.mean(0), np.mean(A, 0)),
    "max": (A.max(axis=1), np.max(A, axis=1)),
    "amax": (A.max(axis=1), np.amax(A, axis=1)),
    "reshape": (T.reshape(6, 4), T.reshape((6, 4))),
    "reshape -1": (T.reshape(-1), np.ravel(T)),
    "transpose": (T.transpose(2, 0, 1), np.transpose(T, (2, 0, 1))),
    "transpose of axes": (T.transpose((2, 0, 1)), np.transpose(T, axes=[2, 0, 1])),
    "T": (T.T, T.transpose()),
    "take": (T.take([0, 1], 1), np.take(T, [0, 1], axis=1)),
    "ravel": (T.flatten(), T.ravel()),
    "clip": (sg.clip(x, 0, 1), np.clip(x, 0, 1)),
    "clip by other names": (v.clip(0, 1), np.clip(v, min=0, max=1)),
    "round": (v.round(2), np.round(v, decimals=2)),
    "astype": (v.astype("float32"), np.astype(v, np.float32)),
    "defaults written out": (sg.sum(v), np.sum(v, axis=None, dtype=None, out=None)),
    "optimize": (A @ v, np.einsum("ij,j->i", A, v, optimize=True)),
    "shape": (sg.constant(len(np.shape(T))), sg.constant(3)),
    "size": (np.size(v), v.size),
}


@pytest.mark.parametrize("name", SAME)
def test_operators_and_numpy_agree(name):
    ours, theirs = SAME[name]
    assert ours is theirs


ARRAY = np.array([1.0, 2.0, 3.0])
u = sg.vector("u", 3)
WITH_ARRAYS = {
    "array + u": (lambda a, b: a + b, ARRAY, u),
    "u + array": (lambda a, b: a + b, u, ARRAY),
    "array * u": (lambda a, b: a * b, ARRAY, u),
    "array / u": (lambda a, b: a / b, ARRAY, u),
    "array - u": (lambda a, b: a - b, ARRAY, u),
    "array ** u": (lambda a, b: a**b, ARRAY, u),
    "array @ u": (lambda a, b: a @ b, ARRAY, u),
    "u @ array": (lambda a, b: a @ b, u, ARRAY),
    "array % u": (lambda a, b: a % b, ARRAY, u),
    "array < u": (lambda a, b: a < b, ARRAY, u),
    "array == u": (lambda a, b: a == b, ARRAY, u),
    "scalar * u": (lambda a, b: a * b, np.float64(2), u),
    "scalar - u": (lambda a, b: a - b, np.float32(2), u),
    "scalar ** u": (lambda a, b: a**b, np.float64(2), u),
    "int // u": (lambda a, b: a // b, np.int64(2), u),
    "u ** scalar": (lambda a, b: a**b, u, np.float64(2)),
    "list * u": (lambda a, b: a * b, [1.0, 2.0, 3.0], u),
    "u - list": (lambda a, b: a - b, u, [1.0, 2.0, 3.0]),
}


@pytest.mark.parametrize("name", WITH_ARRAYS)
def test_arrays_and_numpy_scalars_beside_expressions(name):
    function, a, b = WITH_ARRAYS[name]
    node = function(a, b)
    assert isinstance(node, sg.Expr)
    at = np.array([0.5, 1.5, 2.5])
    plain = [at if operand is u else np.asarray(operand) for operand in (a, b)]
    np.testing.assert_allclose(sg.evaluate(node, {u: at}), function(*plain))


def test_augmented_assignment_makes_a_new_expression():
    e = x
    e += 1
    e *= 2
    assert e is (x + 1) * 2
    a = np.zeros(3)
    with pytest.raises((TypeError, sg.ArgumentError)):
        a += u


REFUSED = [
    (lambda: bool(x > 0), sg.TruthError, "where"),
    (lambda: bool(x == y), sg.TruthError, "is"),
    (lambda: bool(x), sg.TruthError, "where"),
    (lambda: 0 < x < 1, sg.TruthError, "logical_and"),
    (lambda: not x, sg.TruthError, "logical_not"),
    (lambda: max(x, y), sg.TruthError, "where"),
    (lambda: 1.0 in v, sg.TruthError, "any"),
    (lambda: float(x), sg.TruthError, "evaluate"),
    (lambda: int(x), sg.TruthError, "evaluate"),
    (lambda: range(n), sg.TruthError, "evaluate"),
    (lambda: len(x), sg.SymbolicIterationError, "scalar"),
    (lambda: len(v), sg.SymbolicIterationError, "size"),
    (lambda: list(v), sg.SymbolicIterationError, "int"),
    (lambda: list(x), sg.SymbolicIterationError, "scalar"),
    (lambda: A[0, 0, 0], sg.ShapeError, "3 indices"),
    (lambda: T[5], sg.ShapeError, "out of range"),
    (lambda: T[..., ...], sg.ShapeError, "Ellipsis"),
    (lambda: v[v > 0], sg.ArgumentError, "where"),
    (lambda: v[np.array([True])], sg.ArgumentError, "where"),
    (lambda: v[1.5], sg.ShapeError, "must be an int, not 1.5"),
    (lambda: v[x], sg.ShapeError, "integer"),
    (lambda: v[0.5:], sg.ShapeError, "bound of a slice"),
    (lambda: v["a"], sg.ShapeError, "must be an int, not 'a'"),
    (lambda: x & y, sg.DTypeError, "logical_and"),
    (lambda: ~x, sg.DTypeError, "logical_not"),
    (lambda: x > 0 & n, sg.DTypeError, "parentheses"),
    (lambda: n | 1, sg.DTypeError, "logical_or"),
    (lambda: (x > 0) - (y > 0), sg.DTypeError, "logical_xor"),
    (lambda: -(x > 0), sg.DTypeError, "logical_not"),
    (lambda: x + "a", TypeError, "unsupported operand"),
    (lambda: x + None, TypeError, "unsupported operand"),
    (lambda: x * {}, TypeError, "unsupported operand"),
    (lambda: x @ y, sg.ShapeError, "multiply"),
    (lambda: [x, 1] * v, sg.DTypeError, "stack"),
    (lambda: x + 1j, sg.DTypeError, "real"),
    (lambda: sg.where(x > 0), sg.ArgumentError, "where"),
    (lambda: sg.sin(x, y), sg.ArgumentError, "1 operands|1 operand"),
    (lambda: sg.sum(A, axis=2), sg.ShapeError, "axis 2"),
    (lambda: sg.sum(A, axis=(0, 0)), sg.ShapeError, "twice"),
    (lambda: sg.sum(A, axis=1.0), sg.ShapeError, "int"),
    (lambda: sg.max(sg.zeros((0, 3)), axis=0), sg.ShapeError, "empty"),
    (lambda: sg.pad(v, -1), sg.ShapeError, "negative"),
    (lambda: sg.einsum("i->ii", v), sg.ArgumentError, "diag"),
    (lambda: sg.einsum("i->j", v), sg.ArgumentError, "'j'"),
    (lambda: sg.einsum("ij", v), sg.ShapeError, r"\(n,\)"),
    (lambda: sg.einsum("i,i", v), sg.ArgumentError, "2 operands, got 1"),
    (lambda: np.einsum(A, [0, 1], 1), sg.ArgumentError, "labels"),
    (lambda: sg.clip(x, 0, min=1), sg.ArgumentError, "both"),
    (lambda: sg.symbol("x", unique=[1]), sg.ArgumentError, "hashable"),
    (lambda: sg.symbol(""), sg.ArgumentError, "name"),
    (lambda: sg.symbol("x", hermitian=True), sg.ArgumentError, "hermitian"),
    (lambda: sg.matrix("A", ("m", "n"), spd=True), sg.ShapeError, "spd"),
    (lambda: sg.matrix("A", 3), sg.ShapeError, "two extents"),
]


@pytest.mark.parametrize("index", range(len(REFUSED)))
def test_refused(index):
    call, kind, words = REFUSED[index]
    with pytest.raises(kind, match=words):
        call()


OUT = np.zeros(3)
UNKNOWN = [
    lambda: np.sin(u, out=OUT),
    lambda: np.sin(u, where=ARRAY > 1),
    lambda: np.add(ARRAY, u, OUT),
    lambda: np.sum(u, out=OUT),
    lambda: np.concatenate([u, u], dtype=np.float32),
    lambda: np.stack([u, u], out=OUT),
    lambda: np.einsum("i,i->i", u, u, out=OUT),
    lambda: np.clip(u, 0, 1, out=OUT),
    lambda: np.pad(u, 1, mode="linear_ramp"),
    lambda: np.linalg.norm(A, ord="no such order"),
    lambda: np.take(u, [0], mode="nearest"),
    lambda: np.maximum.reduce(u, dtype=np.float32),
    lambda: np.max(u, where=ARRAY > 1),
    lambda: np.less(u, 1, dtype=bool),
    lambda: np.add.reduceat(u, [0, 1]),
    lambda: np.add.at(u, [0], 1.0),
    lambda: np.subtract.reduce(u),
    lambda: np.gcd(n, n),
    lambda: np.fft.fft(u, out=OUT),
    lambda: np.linalg.svd(A),
    lambda: np.frompyfunc(abs, 1, 1)(u),
]


@pytest.mark.parametrize("index", range(len(UNKNOWN)))
def test_what_numpy_has_and_expressions_have_not_raises(index):
    """Never a silent wrong result: an error of ours, or Python's for an unknown keyword."""
    with pytest.raises((sg.SymgradError, TypeError)) as error:
        UNKNOWN[index]()
    assert str(error.value)


def test_iteration_over_known_extents():
    rows = list(sg.matrix("B", (2, "n")))
    assert [r.shape for r in rows] == [("n",), ("n",)]
    _, middle, _ = u
    assert middle is u[1]
    assert len(u) == 3
    assert sum(u) is u[0] + u[1] + u[2]


def test_constants_are_numbers():
    assert float(sg.constant(1.5)) == 1.5
    assert int(sg.constant(3)) == 3
    assert list(range(sg.constant(3))) == [0, 1, 2]
    assert bool(x == x) is True
    assert bool(x != x) is False


def test_a_float_constant_is_no_index():
    with pytest.raises(sg.TruthError, match="integer"):
        range(sg.constant(1.5))


SLICES = [(-3, None), (None, -3), (1, None), (None, 3), (-3, -1), (2, 1), (-1, -3), (0, 0)]


@pytest.mark.parametrize("step", [1, 2, -1, -2])
@pytest.mark.parametrize(("start", "stop"), SLICES)
def test_slices_of_a_named_extent_are_right_or_refused(start, stop, step):
    """Bounds are taken to lie within the array; a call where they do not is an error."""
    key = slice(start, stop, step)
    f = sg.lambdify(v, v[key])
    reach = max(abs(bound or 0) for bound in (start, stop))
    for size in range(7):
        at = np.arange(float(size))
        value = value_or_error(f, at)
        if isinstance(value, sg.ShapeError):
            assert "n = " in str(value)
            assert size <= reach
        else:
            np.testing.assert_array_equal(value, at[key])


def value_or_error(f, at):
    try:
        return f(at)
    except sg.ShapeError as error:
        return error
