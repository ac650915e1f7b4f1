"""Work on large graphs goes without the collector of cycles, which comes back in every case."""

import gc
import threading

import pytest

import symgrad as sg
from symgrad.expr.collector import COLLECTOR_PAUSED


def test_it_is_paused_within_and_comes_back():
    assert gc.isenabled()
    with COLLECTOR_PAUSED:
        assert not gc.isenabled()
        with COLLECTOR_PAUSED:
            assert not gc.isenabled()
        assert not gc.isenabled()
    assert gc.isenabled()
    with pytest.raises(ZeroDivisionError), COLLECTOR_PAUSED:
        _ = 1 / 0
    assert gc.isenabled()


def test_who_has_it_off_keeps_it_off():
    gc.disable()
    try:
        with COLLECTOR_PAUSED:
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_it_comes_back_after_calls_from_several_threads():
    x = sg.symbol("x")

    def work():
        for k in range(20):
            sg.lambdify(x, sg.grad(sg.sin(x * k) ** 2, x))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert gc.isenabled()
