"""Arrays without entries: values as NumPy has them, derivatives of the right shape, no warning."""

import numpy as np
import pytest
from scipy import special

import symgrad as sg

SHAPES = [(0,), (0, 3), (3, 0), (2, 0, 3), (0, 0)]


def named(shape):
    return tuple("n" if d == 0 else d for d in shape)


def logsumexp(xp, a, axis):
    with np.errstate(all="ignore"):
        return sg.logsumexp(a, axis=axis) if xp is sg else special.logsumexp(a, axis=axis)


ANY = {
    **{
        f"{name} {axis}": lambda xp, a, name=name, axis=axis: getattr(xp, name)(a, axis=axis)
        for name in ("sum", "prod", "any", "all", "cumsum", "cumprod", "flip", "sort", "argsort")
        for axis in (None, 0, -1)
    },
    **{f"roll {axis}": lambda xp, a, axis=axis: xp.roll(a, 2, axis=axis) for axis in (None, 0, -1)},
    **{
        f"{name} of none": lambda xp, a, name=name: getattr(xp, name)(
            a, axis=0, initial=2.0, where=a > 0
        )
        for name in ("sum", "prod", "max", "min")
    },
    "entrywise": lambda xp, a: xp.exp(a) * 2 + a**2,
    "transpose": lambda xp, a: a.T,
    "squeeze": lambda xp, a: xp.squeeze(a),
    "stack": lambda xp, a: xp.stack([a, a]),
    "concatenate": lambda xp, a: xp.concatenate([a, a, a]),
    "concatenate flat": lambda xp, a: xp.concatenate([a, a], axis=None),
    "repeat": lambda xp, a: xp.repeat(a, 2, axis=0),
    "tile": lambda xp, a: xp.tile(a, 2),
    "pad": lambda xp, a: xp.pad(a, 1),
    "product with itself": lambda xp, a: xp.tensordot(a, a, ([0], [0])),
    "outer": lambda xp, a: xp.outer(a, a),
    "vdot": lambda xp, a: xp.vdot(a, a),
    "kron": lambda xp, a: xp.kron(a, a),
    "einsum": lambda xp, a: xp.einsum("i...,i...->...", a, a),
    "einsum of one": lambda xp, a: xp.einsum("...i->...", a),
    "where": lambda xp, a: xp.where(a > 0, a, xp.sqrt(a + 1)),
    "clip": lambda xp, a: xp.clip(a, 0, 1),
    "reversed": lambda xp, a: a[::-1],
    "newaxis": lambda xp, a: a[None, ..., None],
    "no rows": lambda xp, a: a[[]],
    "interp": lambda xp, a: xp.interp(a, np.arange(3.0), np.arange(3.0) ** 2),
    "nan_to_num": lambda xp, a: xp.nan_to_num(a),
}
CASES = [(name, shape) for name in ANY for shape in SHAPES]


def check(f, reference, shape, x):
    expected = np.asarray(reference)
    e = f(x)
    value = np.asarray(sg.lambdify(x, e)(np.zeros(shape)))
    assert value.shape == expected.shape
    assert value.dtype == expected.dtype
    np.testing.assert_array_equal(value, expected)
    if e.dtype.kind != "f":
        return
    total = sg.sum(e * 1.5)
    compiled = sg.lambdify(x, [sg.grad(total, x), sg.hessian(total, x), sg.jacobian(e, x)])
    gradient, hessian, jacobian = compiled(np.zeros(shape))
    assert gradient.shape == shape
    assert hessian.shape == shape * 2
    assert jacobian.shape == (*expected.shape, *shape)


@pytest.mark.parametrize(("name", "shape"), CASES)
def test_known_extents(name, shape):
    reference = ANY[name](np, np.zeros(shape))
    x = sg.symbol("x", shape)
    check(lambda x: ANY[name](sg, x), reference, shape, x)


@pytest.mark.parametrize(("name", "shape"), [c for c in CASES if c[1] != (0, 0)])
def test_named_extents(name, shape):
    """One function for all extents, called with none."""
    if name == "interp" or (name == "kron" and len(shape) > 1):
        pytest.skip("written out for named extents elsewhere")
    reference = ANY[name](np, np.zeros(shape))
    check(lambda x: ANY[name](sg, x), reference, shape, sg.symbol("x", named(shape)))


MOMENTS = ["mean", "var", "std"]


@pytest.mark.parametrize("name", MOMENTS)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning")
def test_moments_of_known_extents(name, shape):
    """NumPy warns of a mean of nothing, and so may we: the value is nan in both."""
    x = sg.symbol("x", shape)
    e = getattr(sg, name)(x)
    value, gradient, hessian = sg.lambdify(x, [e, sg.grad(e, x), sg.hessian(e, x)])(np.zeros(shape))
    assert np.isnan(value)
    assert gradient.shape == shape
    assert hessian.shape == shape * 2


@pytest.mark.parametrize("name", MOMENTS)
@pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning")
def test_moments_of_named_extents(name):
    x = sg.matrix("x", ("n", 3))
    e = getattr(sg, name)(x, axis=0)
    value, jacobian, gradient = sg.lambdify(
        x, [e, sg.jacobian(e, x), sg.grad(getattr(sg, name)(x), x)]
    )(np.zeros((0, 3)))
    assert np.isnan(value).all()
    assert value.shape == (3,)
    assert jacobian.shape == (3, 0, 3)
    assert gradient.shape == (0, 3)


def test_the_gradient_of_a_mean_is_without_warning():
    w = sg.vector("w", "n")
    assert sg.lambdify(w, sg.grad(sg.mean(w), w))(np.zeros(0)).shape == (0,)
    assert sg.lambdify(w, sg.grad(sg.mean(w**2), w))(np.zeros(0)).shape == (0,)
    np.testing.assert_array_equal(sg.lambdify(w, sg.grad(sg.mean(w), w))(np.ones(4)), [0.25] * 4)


@pytest.mark.parametrize("axis", [None, 0])
@pytest.mark.parametrize("extent", [0, "n"])
def test_logsumexp(extent, axis):
    x = sg.matrix("x", (extent, 3))
    e = sg.logsumexp(x, axis=axis)
    value, gradient = sg.lambdify(x, [e, sg.grad(sg.sum(e), x)])(np.zeros((0, 3)))
    assert (value == -np.inf).all()
    assert np.shape(value) == e.shape
    assert gradient.shape == (0, 3)
    assert sg.lambdify(x, sg.softmax(x, axis))(np.zeros((0, 3))).shape == (0, 3)


LINALG = {
    "inv": (sg.linalg.inv, np.linalg.inv),
    "det": (sg.linalg.det, np.linalg.det),
    "slogdet": (lambda a: sg.linalg.slogdet(a)[1], lambda a: np.linalg.slogdet(a)[1]),
    "solve": (lambda a: sg.linalg.solve(a, a), lambda a: np.linalg.solve(a, a)),
    "eigvalsh": (sg.linalg.eigvalsh, np.linalg.eigvalsh),
    "power": (
        lambda a: sg.linalg.matrix_power(a, 3),
        lambda a: np.linalg.matrix_power(a, 3),
    ),
    "norm": (sg.norm, np.linalg.norm),
    "norm inf": (lambda a: sg.norm(a, np.inf), lambda a: np.linalg.norm(a, np.inf)),
    "norm 1": (lambda a: sg.norm(a, 1), lambda a: np.linalg.norm(a, 1)),
    "trace": (sg.trace, np.trace),
}


@pytest.mark.parametrize("name", LINALG)
def test_linear_algebra_of_no_rows(name):
    ours, theirs = LINALG[name]
    data = np.zeros((0, 0))
    try:
        expected = theirs(data)
    except (ValueError, np.linalg.LinAlgError):
        expected = np.asarray(0.0)
    check(ours, expected, (0, 0), sg.matrix("x", (0, 0)))


@pytest.mark.parametrize("name", ["max", "min", "argmax", "argmin"])
def test_no_largest_entry(name):
    with pytest.raises(sg.ShapeError, match="empty"):
        getattr(sg, name)(sg.vector("x", 0))
    f = sg.lambdify(sg.vector("w", "n"), getattr(sg, name)(sg.vector("w", "n")))
    with pytest.raises(ValueError, match=r"empty|zero-size"):
        f(np.zeros(0))


def test_batches_of_nothing():
    x = sg.vector("x", 3)
    batched = sg.vmap(sg.grad(sg.logsumexp(x) * sg.prod(x), x), over={x: "b"})
    f = sg.lambdify(sg.free_symbols(batched), batched)
    assert f(np.zeros((0, 3))).shape == (0, 3)


def test_numbers_without_entries():
    assert sg.sum(sg.vector("x", 3)[[]]) is not None
    v = sg.vector("v", 6)
    f = sg.prod(sg.take(v, np.array([], dtype=int)))
    value, gradient = sg.lambdify(v, [f, sg.grad(f, v)])(np.ones(6))
    assert value == 1
    np.testing.assert_array_equal(gradient, np.zeros(6))


@pytest.mark.parametrize("name", ["mean", "var", "std"])
@pytest.mark.parametrize("size", ["n", 0])
def test_of_no_entries_the_mean_is_nan_without_a_warning(name, size):
    v = sg.vector("v", size)
    e = getattr(sg, name)(v)
    nothing = np.zeros(0)
    value, slope = sg.lambdify(v, e), sg.lambdify(v, sg.grad(e, v))
    for _ in range(3):  # later calls may run other code
        assert np.isnan(value(nothing))
        assert np.isnan(value(v=nothing))
        assert slope(nothing).shape == (0,)
    assert np.isnan(sg.evaluate(e, {v: nothing}))
    both = sg.lambdify(v, [e, sg.sum(v)])
    assert both(nothing)[1] == 0
    if size == "n":
        at = np.array([2.0, 5.0])
        assert value(at) == pytest.approx(getattr(np, name)(at), rel=1e-15)
