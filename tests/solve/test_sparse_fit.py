"""Fits whose residuals mention few unknowns each: bundle adjustment, and a curve beside its dense fit."""

import numpy as np
import pytest
from tests.solve.bundle import problem

import symgrad as sg

scipy_sparse = pytest.importorskip("scipy.sparse")


def test_bundle_adjustment():
    r, unknowns, starts = problem(cameras=6, points=60, seen=300)
    solver = sg.least_squares(r, unknowns)
    assert "sparse normal equations, 7200 of 140400 entries" in solver.explain()
    found = solver(starts)
    assert found.converged
    assert [v.shape for v in found.x] == [(6, 9), (60, 3)]
    # pixels are off by 0.3, less what the unknowns take up; seven are free
    assert found.residual == pytest.approx(0.3 * np.sqrt(600 - 234 + 7), rel=0.1)
    slopes = sg.lambdify(unknowns, sg.grad(sg.sum(r**2) / 2, unknowns))(*found.x)
    norms = [np.abs(g).max() for g in slopes]
    assert max(norms) < 1e-5


def test_a_smoothed_curve_is_that_of_a_dense_fit():
    n = 250
    u, d = sg.vector("u", n), sg.vector("d", n)
    residuals = [u - d, 5 * (u[2:] - 2 * u[1:-1] + u[:-2]), 0.1 * (u**3 - 1)]
    data = np.sin(np.linspace(0, 6, n)) + 0.1 * np.random.default_rng(0).standard_normal(n)
    sparse = sg.least_squares(residuals, u, d)
    dense = sg.least_squares(residuals, u, d, method="dense")
    ours, theirs = sparse(np.zeros(n), data), dense(np.zeros(n), data)
    assert "sparse" in sparse.explain() and "sparse" not in dense.explain()
    assert ours.converged and ours.curvature == "positive definite"
    np.testing.assert_allclose(ours.x, theirs.x, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(ours.stderr, theirs.stderr, rtol=1e-6)
    assert ours.dof == theirs.dof
    seen = []
    sparse(np.zeros(n), data, callback=lambda k, x, size, p: seen.append((k, x.shape, p.shape)))
    assert seen[0] == (0, (n,), (n,)) and len(seen) == ours.iterations
    many = sparse(np.zeros((2, n)), np.stack([data, 2 * data]))
    np.testing.assert_allclose(many.x[0], ours.x)
    assert many.converged.all()


def test_lists_with_arrays_have_sparse_roots():
    v, w = sg.vector("v", 4), sg.vector("w", 3)
    F = [v**3 + 2 * v - 1 - sg.concatenate([w, w[:1]]), w * 3 - sg.exp(-v[:3])]
    found = sg.newton_root(F, [v, w], method="sparse")([np.zeros(4), np.zeros(3)])
    wanted = sg.newton_root(F, [v, w], method="newton")([np.zeros(4), np.zeros(3)])
    for a, b in zip(found.x, wanted.x, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)


def test_what_sparse_fits_do_not_take():
    v = sg.vector("v", 3)
    with pytest.raises(sg.ArgumentError, match="the linear loss only"):
        sg.least_squares(v - 1, v, loss="huber", method="sparse")
    with pytest.raises(sg.ArgumentError, match="the method must be one of auto"):
        sg.least_squares(v - 1, v, method="lm")
    with pytest.raises(sg.ShapeError, match="known extents"):
        sg.least_squares(sg.vector("u", "n") - 1, sg.vector("u", "n"), method="sparse")
