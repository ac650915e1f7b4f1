"""Compiled functions and solvers on Dask arrays, against the same on arrays of NumPy."""

import os
import signal

import numpy as np
import pytest

import symgrad as sg

dask = pytest.importorskip("dask", reason="Dask is not installed: pip install 'symgrad[dask]'")
da = pytest.importorskip("dask.array", reason="Dask's arrays: pip install 'symgrad[dask]'")

x, y, a, k, e = sg.symbols("x y a k e")
A, w, t = sg.matrix("A", ("n", 3)), sg.vector("w", 3), sg.vector("t", "n")
T, Y = sg.vector("T", "n"), sg.vector("Y", "n")
RNG = np.random.default_rng(8)
ROWS = RNG.standard_normal((1000, 3))
SIGNS = np.sign(RNG.standard_normal(1000) + ROWS[:, 0])
WEIGHTS = np.array([0.1, 0.2, 0.3])
LOSS = sg.sum(sg.softplus(-t * (A @ w)))


@pytest.fixture(autouse=True)
def in_this_thread():
    with dask.config.set(scheduler="synchronous"):
        yield


def chunked(array, rows=130):
    return da.from_array(array, chunks=(rows, *array.shape[1:]))


def test_scalar_formulas_broadcast_chunk_by_chunk():
    f = sg.lambdify([x, y], {"value": sg.sin(x) * y, "slope": sg.diff(sg.sin(x) * y, x)})
    column, row = np.linspace(0, 1, 50)[:, None], np.linspace(1, 2, 40)
    found = f(da.from_array(column, chunks=(20, 1)), da.from_array(row, chunks=13))
    assert found["value"].chunks == ((20, 20, 10), (13, 13, 13, 1))
    wanted = f(column, row)
    for name, value in wanted.items():
        np.testing.assert_array_equal(found[name].compute(), value)
    np.testing.assert_array_equal(f(da.from_array(row, chunks=9), 2.0)["slope"], 2 * np.cos(row))


def test_rows_and_reductions_along_a_long_axis():
    centred = sg.sum((t - sg.mean(t)) ** 2)  # two stages
    outputs = [
        *[LOSS, sg.grad(LOSS, w), sg.hessian(LOSS, w), A @ w, centred],
        *[sg.max(t), sg.logsumexp(A, axis=0), sg.softmax(A, axis=1), A[:, 1] * 2, w**2],
        sg.exp(t) / sg.sum(sg.exp(t)),
    ]
    f = sg.lambdify([A, w, t], outputs)
    found = f(chunked(ROWS), WEIGHTS, chunked(SIGNS, 70))
    wanted = f(ROWS, WEIGHTS, SIGNS)
    assert [v.shape for v in found] == [v.shape for v in wanted]
    assert found[3].chunks == ((70,) * 14 + (20,),) or found[3].numblocks > (1,)
    for ours, theirs in zip(dask.compute(*found), wanted, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-12)


def test_a_batch_of_small_problems():
    M = sg.matrix("M", (2, 2))
    inverse = sg.vmap(sg.linalg.inv(M), over={M: "b"})
    f = sg.lambdify([sg.symbol("M", ("b", 2, 2))], inverse)
    many = RNG.standard_normal((50, 2, 2)) + 3 * np.eye(2)
    np.testing.assert_allclose(f(chunked(many, 12)).compute(), np.linalg.inv(many))


@pytest.mark.parametrize(
    ("outputs", "args", "words"),
    [
        (sg.sort(t), "t", "sort mixes what is far apart along n"),
        (sg.outer(t, t), "t", "long axis n twice"),
        (sg.sum(sg.cumsum(t) ** 2), "t", "cumsum mixes"),
        (sg.sum(w), "w", "axis of fixed extent 3"),
    ],
)
def test_what_does_not_part_into_pieces_is_refused(outputs, args, words):
    symbol, value = (t, SIGNS) if args == "t" else (w, WEIGHTS)
    with pytest.raises(sg.ArgumentError, match=words):
        sg.lambdify([symbol], outputs)(da.from_array(value, chunks=2))


def test_a_chunk_that_raises_names_its_index():
    B = sg.symbol("B", ("b", 2, 2))
    f = sg.lambdify([B], sg.linalg.inv(B))
    many = np.tile(np.eye(2), (10, 1, 1))
    many[7] = 0.0
    with pytest.raises(sg.ArgumentError, match="chunk 2: LinAlgError"):
        f(chunked(many, 3)).compute()


def test_minima_and_fits_of_data_in_pieces():
    solver = sg.newton_minimize(LOSS, w, [A, t])
    found = solver(np.zeros(3), chunked(ROWS), chunked(SIGNS))
    wanted = solver(np.zeros(3), ROWS, SIGNS)
    assert found.converged and found.curvature == "positive definite"
    np.testing.assert_allclose(found.x, wanted.x, rtol=1e-10)
    assert found.iterations == wanted.iterations
    times = np.linspace(0.0, 3.0, 500)
    data = 2 * np.exp(-0.5 * times) + 0.05 * RNG.standard_normal(500)
    fit = sg.least_squares(a * sg.exp(-k * T) - Y, [a, k], [T, Y])
    found, wanted = fit([1.0, 1.0], chunked(times), chunked(data)), fit([1.0, 1.0], times, data)
    for name in ("x", "covariance", "stderr", "residual_std", "residual"):
        np.testing.assert_allclose(getattr(found, name), getattr(wanted, name), rtol=1e-8)
    assert found.dof == wanted.dof == 498
    robust = sg.least_squares(a * sg.exp(-k * T) - Y, [a, k], [T, Y], loss="huber")
    with pytest.raises(sg.ArgumentError, match="no loss but the linear one"):
        robust([1.0, 1.0], chunked(times), chunked(data))


def test_batches_of_solves():
    kepler = sg.newton_root(x - e * sg.sin(x) - y, x, [e, y])
    anomalies = np.linspace(0.1, 3.0, 1000)
    found = kepler(chunked(anomalies, 300), 0.5, chunked(anomalies, 300))
    wanted = kepler(anomalies, 0.5, anomalies)
    np.testing.assert_allclose(found.x, wanted.x, rtol=1e-14)
    assert found.converged.compute().all() and found.status.dtype == np.int8
    pair = sg.newton_root([x * y - a, x - y - k], [x, y], [a, k])
    values = np.linspace(1.0, 3.0, 40)
    many = pair([2.0, 1.0], chunked(values, 11), 1.0)
    np.testing.assert_allclose(many.x, pair([2.0, 1.0], values, 1.0).x, rtol=1e-14)
    with pytest.raises(sg.ArgumentError, match="Dask data along an axis are for minima"):
        sg.newton_root(sg.sum(t * x) - 1, x, t)(1.0, chunked(SIGNS))


# Real processes


@pytest.fixture
def client(tmp_path):
    distributed = pytest.importorskip("distributed", reason="pip install 'symgrad[dask]'")
    with dask.config.set({"temporary-directory": str(tmp_path), "scheduler": "distributed"}):
        cluster = distributed.LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            processes=True,
            memory_limit="400MB",
            dashboard_address=None,
        )
        with cluster, distributed.Client(cluster) as client:
            yield client


def a_chunk(block_info=None, columns=20, victim=None, flag=None):
    """Rows of data, the last column their sign; the process of the victim dies once."""
    info = block_info[None]
    (start, stop), index = info["array-location"][0], info["chunk-location"][0]
    if index == victim:
        try:
            os.close(os.open(flag, os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            pass
        else:
            os.kill(os.getpid(), signal.SIGKILL)
    rng = np.random.default_rng([2, index])
    rows = rng.standard_normal((stop - start, columns))
    weights = np.linspace(-1, 1, columns)
    signs = np.where(rows @ weights + rng.logistic(size=len(rows)) > 0, 1.0, -1.0)
    return np.concatenate([rows, signs[:, None]], axis=1)


def lazy(rows, step, **options):
    return da.map_blocks(
        a_chunk,
        chunks=((step,) * (rows // step), (21,)),
        dtype=float,
        meta=np.empty((0, 0)),
        **options,
    )


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_data_of_four_times_the_memory_of_a_worker(client):
    D, b = sg.matrix("D", ("n", 21)), sg.vector("b", 20)
    loss = sg.sum(sg.softplus(-D[:, 20] * (D[:, :20] @ b)))
    solver = sg.newton_minimize(loss, b, D)
    rows = 10_000_000  # 1.7 GB
    found = solver(np.zeros(20), lazy(rows, 100_000))
    assert found.converged
    np.testing.assert_allclose(found.x, np.linspace(-1, 1, 20), atol=5e-3)
    part = lazy(200_000, 100_000)
    np.testing.assert_allclose(
        solver(np.zeros(20), part).x, solver(np.zeros(20), part.compute()).x, rtol=1e-9
    )


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_a_worker_that_dies_costs_its_chunks_only(client, tmp_path):
    D, b = sg.matrix("D", ("n", 21)), sg.vector("b", 20)
    solver = sg.newton_minimize(sg.sum(sg.softplus(-D[:, 20] * (D[:, :20] @ b))), b, D)
    flag = str(tmp_path / "killed")
    found = solver(np.zeros(20), lazy(400_000, 50_000, victim=5, flag=flag))
    assert os.path.exists(flag) and found.converged
    whole = solver(np.zeros(20), lazy(400_000, 50_000).compute())
    np.testing.assert_allclose(found.x, whole.x, rtol=1e-9)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_a_million_solves_on_workers(client):
    kepler = sg.newton_root(x - e * sg.sin(x) - y, x, [e, y])
    anomalies = da.linspace(0.0, np.pi, 1_000_000, chunks=100_000)
    found = kepler(anomalies, 0.3, anomalies)
    there, converged = dask.compute(found.x, found.converged)
    here = np.linspace(0.0, np.pi, 1_000_000)
    assert converged.all()
    np.testing.assert_allclose(there, kepler(here, 0.3, here).x, rtol=1e-14)
