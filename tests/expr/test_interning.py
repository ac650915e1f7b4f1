"""One node per formula: identity, threads, the weak table, immutability, pickling and copies."""

import copy
import gc
import pickle
import signal
import subprocess
import sys
import threading

import numpy as np
import pytest

import symgrad as sg
from symgrad.expr.node import live_nodes
from symgrad.expr.pickling import flatten, restore
from symgrad.ops.table import OPS

x, y = sg.symbols("x y")

SAME = {
    "symbol": lambda: sg.symbol("s", ("m", 3), positive=True),
    "sum": lambda: x + y,
    "product": lambda: x * y,
    "difference": lambda: x - y,
    "function": lambda: sg.sin(x**2) / 3,
    "number": lambda: sg.constant(1.5),
    "array": lambda: sg.constant(np.arange(6.0).reshape(2, 3)),
    "matrix product": lambda: sg.matrix("A", ("m", "n")) @ sg.vector("v", "n"),
    "slice": lambda: sg.vector("v", "n")[1:-1:2],
    "comparison": lambda: sg.where(x > y, x, 0),
}


@pytest.mark.parametrize("name", SAME)
def test_the_same_formula_is_the_same_object(name):
    first = SAME[name]()
    assert SAME[name]() is first
    assert hash(first) == hash(SAME[name]())


def test_operands_of_sums_and_products_match_in_any_order():
    assert x + y is y + x
    assert x * y is y * x
    assert x - y is not y - x
    assert sg.maximum(x, y) is sg.maximum(y, x)
    assert x**y is not y**x


def test_what_differs_is_another_object():
    leaves = [
        sg.symbol("x"),
        sg.symbol("x", (1,)),
        sg.symbol("x", dtype="float32"),
        sg.symbol("x", positive=True),
        sg.symbol("x", unique=1),
        sg.symbol("y"),
    ]
    assert len(set(leaves)) == len(leaves)
    numbers = [sg.constant(v) for v in (1, 1.0, True, np.float64(1), np.float32(1), np.int64(1))]
    assert len(set(numbers)) == len(numbers)
    assert sg.constant(0.0) is not sg.constant(-0.0)
    assert sg.constant(float("nan")) is sg.constant(-float("nan"))


def test_arrays_are_copied_and_compared_by_content():
    a = np.arange(3.0)
    c = sg.constant(a)
    assert sg.constant(a.copy()) is c
    a[0] = 7
    assert sg.constant(a) is not c
    assert sg.evaluate(c).tolist() == [0.0, 1.0, 2.0]
    assert sg.constant(np.arange(3)) is not c


def test_nodes_are_immutable():
    with pytest.raises(AttributeError, match="immutable"):
        x.shape = (3,)
    with pytest.raises(AttributeError, match="immutable"):
        del x.args
    with pytest.raises(AttributeError):
        x.anything = 1


def test_copies_are_the_node_itself():
    e = sg.sin(x) + y
    assert copy.copy(e) is e
    assert copy.deepcopy([e])[0] is e


def test_the_table_holds_nodes_weakly():
    gc.collect()
    before = live_nodes()
    e = sg.symbol("passing")
    for _ in range(1000):
        e = sg.sin(e) + e
    assert live_nodes() >= before + 2000
    del e
    gc.collect()
    assert live_nodes() <= before + 10


def test_nodes_go_without_a_call_of_python_code():
    """What the collector calls swallows a KeyboardInterrupt that comes at that moment."""
    e = sg.symbol("passing")
    for k in range(100):
        e = sg.sin(e) + k
    called = []
    sys.setprofile(lambda frame, event, what: event == "call" and called.append(frame.f_code))
    del e
    sys.setprofile(None)
    assert not called
    assert live_nodes() < 1_000_000  # takes their entries out


def test_an_interrupt_is_never_swallowed():
    """Interrupts that come while nodes are made and dropped are all raised where they come."""
    arrived, raised, lost = [], [], []

    def interrupt(number, frame):
        arrived.append(number)
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt), sys.unraisablehook
    sys.unraisablehook = lambda what: lost.append(what.exc_type)
    try:
        for _ in range(50):
            try:
                signal.setitimer(signal.ITIMER_REAL, 0.002)
                while True:
                    sg.sin(sg.symbol("passing")) + sg.exp(sg.symbol("passing") * 2)
            except KeyboardInterrupt:
                raised.append(1)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before[0])
        sys.unraisablehook = before[1]
    assert len(arrived) == len(raised) == 50 and not lost
    assert sg.sin(x) is sg.sin(x)


def test_identities_of_operands_that_are_gone_mean_nothing():
    """A new node may have the address of an old one, which was the operand of another."""
    for k in range(2000):
        fresh = sg.symbol(f"s{k}")
        assert sg.sin(fresh).args[0] is fresh and fresh in set((fresh + x).args)
        assert (fresh * x * sg.exp(fresh)).op is (x * y).op


def test_threads_that_build_the_same_graphs_get_the_same_nodes():
    count = 8
    results = [None] * count
    barrier = threading.Barrier(count)

    def build(k):
        barrier.wait()
        made = []
        for i in range(300):
            s = sg.symbol(f"t{i % 17}")
            made.append(sg.exp(s * (i % 23) + sg.cos(s)) ** 2 + i % 5)
        results[k] = made

    threads = [threading.Thread(target=build, args=(k,)) for k in range(count)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    for made in results[1:]:
        assert all(a is b for a, b in zip(made, results[0], strict=True))


def deep(levels):
    e = x
    for _ in range(levels):
        e = sg.sin(e) * e + e
    return e


def test_deep_graphs_pickle():
    e = deep(20_000)
    assert pickle.loads(pickle.dumps(e)) is e
    assert copy.deepcopy(e) is e


def test_a_pickle_holds_each_node_once():
    e = deep(40)  # as a tree it has 3**40 leaves
    assert len(pickle.dumps(e)) < 10_000
    rows, (root,) = flatten([e])
    assert root == len(rows) - 1
    assert restore(rows, [root], OPS)[0] is e


def test_pickles_travel_between_processes():
    e = sg.sum(sg.matrix("A", ("m", 3)) @ sg.vector("v", 3, positive=True) ** 2) / 3 + sg.pi
    program = (
        "import pickle, sys; e = pickle.loads(sys.stdin.buffer.read());"
        "sys.stdout.buffer.write(str(e).encode() + b'|' + pickle.dumps(e))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], input=pickle.dumps(e), capture_output=True, check=True
    )
    text, _, back = done.stdout.partition(b"|")
    assert text.decode() == str(e)
    assert pickle.loads(back) is e


def test_an_unknown_op_in_a_pickle_is_named():
    with pytest.raises(sg.GraphError, match="'no_such_op'"):
        restore([("no_such_op", (), ())], [0], OPS)
