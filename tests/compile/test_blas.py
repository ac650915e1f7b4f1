"""Small products run in one thread of BLAS, where threadpoolctl is there to say so."""

import numpy as np
import pytest

import symgrad as sg
from symgrad.compile import blas


class Library:
    """What threadpoolctl knows of a library."""

    def __init__(self):
        self.count, self.settings = 4, []

    def get_num_threads(self):
        return self.count

    def set_num_threads(self, count):
        self.count = count
        self.settings.append(count)


@pytest.fixture
def library(monkeypatch):
    found = Library()
    monkeypatch.setattr(blas, "libraries", lambda: (found,))
    return found


A, B, v = sg.matrix("A", ("m", "n")), sg.matrix("B", ("n", "k")), sg.vector("v", "n")


@pytest.mark.parametrize(
    ("args", "formula", "shapes", "single"),
    [
        ([A, B], A @ B, [(200, 100), (100, 100)], True),
        ([A, B], A @ B, [(20, 10), (10, 10)], False),  # BLAS uses one thread by itself
        ([A, B], A @ B, [(400, 200), (200, 100)], False),  # threads pay
        ([A, v], A @ v, [(1000, 1000), (1000,)], True),
        ([A, v], sg.tanh(A @ v).sum(), [(500, 1000), (1000,)], True),
        ([A, v], sg.sum(A, axis=0) * v, [(1000, 1000), (1000,)], False),
    ],
)
def test_small_products(library, args, formula, shapes, single):
    f = sg.lambdify(args, formula)
    arrays = [np.random.default_rng(0).normal(size=s) for s in shapes]
    first = f(*arrays)
    assert library.settings == ([1, 4] if single else []) and library.count == 4
    np.testing.assert_array_equal(f(*arrays), first)
    assert library.count == 4


def test_one_thread_is_one_thread(library):
    f = sg.lambdify([A, B], A @ B, threads=1)
    f(np.ones((400, 200)), np.ones((200, 100)))
    assert library.settings == [1, 4]


def test_errors_leave_it_as_it_was(library):
    C = sg.matrix("C", ("n", "m"))
    f = sg.lambdify([A, C], sg.linalg.inv(A @ C))
    with pytest.raises(np.linalg.LinAlgError):
        f(np.zeros((100, 100)), np.zeros((100, 100)))
    assert library.settings == [1, 4]


def test_calls_inside_calls(library):
    with blas.ONE_THREAD, blas.ONE_THREAD:
        assert library.settings == [1]
    assert library.settings == [1, 4]


def test_without_threadpoolctl_nothing_is_asked(monkeypatch):
    monkeypatch.setattr(blas, "libraries", lambda: ())
    f = sg.lambdify([A, B], A @ B)
    assert f._in_one_thread is None
    np.testing.assert_array_equal(
        f(np.ones((200, 100)), np.ones((100, 100))), np.full((200, 100), 100.0)
    )


def test_the_real_libraries():
    pytest.importorskip("threadpoolctl")
    assert all(each.get_num_threads() >= 1 for each in blas.libraries())
