"""A branch that is not taken contributes nothing, also where its computation would raise."""

import numpy as np
import pytest

import symgrad as sg

la = sg.linalg
X = sg.matrix("X", (2, 2))
S = sg.matrix("S", (2, 2), spd=True)
N = sg.matrix("N", ("n", "n"))
c, e = sg.symbols("c e")
b = sg.vector("b", 2)

ZERO, NAN, NEGATIVE = np.zeros((2, 2)), np.full((2, 2), np.nan), -np.eye(2)
REGULAR = np.array([[2.0, 1.0], [1.0, 3.0]])
B = np.ones(2)

# name: (formula, a matrix at which it raises)
FORMS = {
    "inv": (lambda M: sg.sum(la.inv(M)), ZERO),
    "solve": (lambda M: sg.sum(la.solve(M, b)), ZERO),
    "quadratic form": (lambda M: b @ la.inv(M) @ b, ZERO),
    "inverse of an inverse": (lambda M: sg.sum(la.inv(la.inv(M) + M)), ZERO),
    "negative power": (lambda M: sg.sum(la.matrix_power(M, -2)), ZERO),
    "cholesky": (lambda M: sg.sum(la.cholesky(M)), NEGATIVE),
    "eigvalsh": (lambda M: sg.sum(la.eigvalsh(M) ** 2), NAN),
    "eigh": (lambda M: sg.sum(la.eigh(M)[1] * b), NAN),
    "svdvals": (lambda M: sg.sum(la.svdvals(M)), NAN),
    "svd": (lambda M: sg.sum(la.svd(M)[0]), NAN),
    "pinv": (lambda M: sg.sum(la.pinv(M)), NAN),
    "lstsq": (lambda M: sg.sum(la.lstsq(M, b)[0]), NAN),
}
# name: a choice that takes its operand where c > 0 (and e > 0, which it is here)
CHOICES = {
    "where": lambda v: sg.where(c > 0, v, 0.0),
    "the other branch": lambda v: 2 * sg.where(c <= 0, 1.0, v),
    "nested": lambda v: sg.where(c > 0, sg.where(e > 0, v, 3.0), 0.0),
    "both conditions": lambda v: sg.where(sg.logical_and(c > 0, e > 0), v, 1.0) + e,
    "neither condition": lambda v: sg.where(sg.logical_or(c <= 0, e <= 0), 1.0, v),
    "select": lambda v: sg.select([c < -5, c > 0], [7.0, v], 0.0),
    "piecewise": lambda v: sg.piecewise(c, [c > 0], [v, lambda t: t]),
    "inside functions": lambda v: sg.exp(sg.where(c > 0, sg.sin(v) + v**2, c)),
    "twice": lambda v: sg.where(c > 0, v, 0.0) + sg.where(c > 1, v**2, c),
}


def outputs(y, M):
    direction = sg.constant(REGULAR)
    return [y, *sg.grad(y, [M, c, b]), sg.hvp(y, M, direction), sg.jvp(y, M, direction)]


PAIRS = [
    *[(form, "where") for form in FORMS],
    *[(form, choice) for form in ("solve", "cholesky", "lstsq") for choice in list(CHOICES)[1:]],
]


@pytest.mark.parametrize(("name", "choice"), PAIRS)
def test_value_and_derivatives(name, choice):
    form, bad = FORMS[name]
    M = X if len(name) % 2 else S
    f = sg.lambdify([M, c, e, b], outputs(CHOICES[choice](form(M)), M))
    for part in f(bad, -1.0, 1.0, B):
        assert np.isfinite(part).all()
    for part in f(bad, -1.0, 1.0, B)[1:2]:
        np.testing.assert_array_equal(part, 0)
    live = f(REGULAR, 0.5, 1.0, B)
    plain = sg.evaluate(form(M), {M: REGULAR, b: B})
    expected = sg.evaluate(
        sg.substitute(CHOICES[choice](sg.symbol("v")), {sg.symbol("v"): float(plain)}),
        {c: 0.5, **({e: 1.0} if "e" in str(CHOICES[choice](sg.symbol("v"))) else {})},
    )
    assert live[0] == pytest.approx(float(expected), rel=1e-13)


@pytest.mark.parametrize(("name", "choice"), [p for p in PAIRS if FORMS[p[0]][1] is not NAN])
def test_a_branch_that_is_taken_raises(name, choice):
    form, bad = FORMS[name]
    f = sg.lambdify([X, c, e, b], CHOICES[choice](form(X)), name="f")
    with pytest.raises(np.linalg.LinAlgError):
        f(bad, 2.0, 1.0, B)


def test_named_extents():
    f = sg.lambdify([N, c], [sg.where(c > 0, sg.sum(la.inv(N)), 0.0)])
    for n in (1, 2, 5):
        assert f(np.zeros((n, n)), -1.0) == [0.0]
        assert f(2 * np.eye(n), 1.0) == [n / 2]


def test_conditions_on_the_matrix_itself():
    guarded = sg.where(la.det(X) != 0, sg.trace(la.inv(X)), 0.0)
    f = sg.lambdify(X, [guarded, sg.grad(guarded, X), sg.hessian(guarded, X)])
    for part in f(ZERO):
        np.testing.assert_array_equal(part, 0)
    assert f(REGULAR)[0] == pytest.approx(1.0)
    finite = sg.where(sg.isnan(sg.sum(X)), 0.0, sg.sum(la.svdvals(X)))
    assert sg.lambdify(X, finite)(NAN) == 0


def test_a_condition_that_needs_what_it_guards():
    total = sg.sum(la.inv(X))
    y = sg.where(c > 0, sg.where(total > 0, total, 1.0), 0.0)
    f = sg.lambdify([X, c], [y, sg.grad(y, X)])
    assert f(ZERO, -1.0)[0] == 0
    assert f(REGULAR, 1.0)[0] == pytest.approx(np.linalg.inv(REGULAR).sum())
    with pytest.raises(np.linalg.LinAlgError):
        f(ZERO, 1.0)


T = sg.symbol("T", ("k", 2, 2))
d = sg.vector("d", "k")
BATCHES = {
    "matrices": lambda: sg.sum(sg.where(d[:, None, None] > 0, la.inv(T), 0.0)),
    "sums": lambda: sg.sum(sg.where(d > 0, sg.sum(la.inv(T), axis=(1, 2)), 0.0)),
    "traces": lambda: sg.sum(sg.where(d > 0, sg.einsum("kii->k", la.inv(T)), 0.0)),
    "largest": lambda: sg.sum(sg.where(d > 0, sg.max(la.inv(T), axis=(1, 2)), 0.0)),
    "entries": lambda: sg.sum(sg.where(d > 0, la.inv(T)[:, 0, 1], 0.0)),
    "cholesky": lambda: sg.sum(sg.where(d > 0, la.cholesky(T)[:, 1, 1], 0.0)),
    "solutions": lambda: sg.sum(
        sg.where(d > 0, sg.sum(la.solve(T, sg.ones((2, 1))), axis=(1, 2)), 0.0)
    ),
}


@pytest.mark.parametrize("name", BATCHES)
def test_batches_matrix_by_matrix(name):
    y = BATCHES[name]()
    f = sg.lambdify([T, d], [y, sg.grad(y, T)])
    members = np.stack([REGULAR, ZERO, REGULAR + 1])
    value, gradient = f(members, np.array([1.0, -1.0, 1.0]))
    kept_value, kept = f(members[[0, 2]], np.ones(2))
    assert value == pytest.approx(float(kept_value), rel=1e-13)
    np.testing.assert_allclose(gradient[[0, 2]], kept, rtol=1e-13)
    np.testing.assert_array_equal(gradient[1], 0)
    with pytest.raises(np.linalg.LinAlgError):
        f(members, np.ones(3))


def test_vmap_over_guarded_matrices():
    mapped = sg.vmap(sg.where(la.det(X) != 0, sg.trace(la.inv(X)), 0.0), over={X: "k"})
    values = sg.lambdify(sg.free_symbols(mapped), mapped)(np.stack([REGULAR, ZERO]))
    np.testing.assert_allclose(values, [1.0, 0.0])


def test_what_a_dead_branch_holds_does_not_reach_other_operands():
    """The cotangent of M in ``where(c, sum(log(v)*(M @ v)), 0)`` is 0, though log(v) is infinite."""
    M, v = sg.matrix("M", (2, 2)), sg.vector("v", 2)
    y = sg.where(c > 0, sg.log(v) @ (M @ v), 0.0)
    f = sg.lambdify([M, v, c], [sg.grad(y, M), sg.grad(y, v)])
    for part in f(REGULAR, np.zeros(2), -1.0):
        np.testing.assert_array_equal(part, 0)


def test_many_nested_choices():
    y = sg.sum(la.inv(X))
    for level in range(300):
        y = sg.where(c > level, y + 1, 0.0)
    f = sg.lambdify([X, c], y)
    assert f(ZERO, 298.5) == 0
    assert f(np.eye(2), 300.0) == 302
    with pytest.raises(np.linalg.LinAlgError):
        f(ZERO, 300.0)
