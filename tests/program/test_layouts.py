"""What is computed from transposed arrays stays as they lie in memory: no slot in C order takes it."""

import numpy as np

import symgrad as sg
from symgrad.compile.pipeline import Draft, Options
from symgrad.expr.kinds import Argument, Into, Reduce, Reshape, Transpose, Ufunc
from symgrad.expr.tuning import tuned
from symgrad.program.ir import Program
from symgrad.program.layouts import is_plain, layouts_of
from symgrad.program.slots import with_slots

A, X = sg.symbol("A", (4, 3, 3)), sg.symbol("X", (4, "n", 3))


def program(e, symbols):
    return Draft(symbols, [e], Options()).lowered()


def test_layouts_are_those_that_numpy_makes():
    p = Program([("x", X), ("v", sg.vector("v", 3))], False)
    x, v = (p.emit(Argument(name), (), e.shape) for name, e in p.parameters)
    turned = p.emit(Transpose((1, 0, 2)), (x,), ("n", 4, 3))
    product = p.emit(Ufunc("multiply"), (turned, v), ("n", 4, 3))
    mixed = p.emit(
        Ufunc("add"), (product, p.emit(Reshape(("n", 4, 3)), (x,), ("n", 4, 3))), ("n", 4, 3)
    )
    total = p.emit(Reduce("add", (2,)), (product,), ("n", 4))
    found = layouts_of(p)
    made = np.transpose(np.zeros((4, 70, 3)), (1, 0, 2)) * np.ones(3)
    for value, array in ((product, made), (total, np.sum(made, axis=2))):
        assert found[value] == tuple(np.argsort([-s for s in array.strides], kind="stable"))
    assert is_plain(found[mixed]) and is_plain(found[x])


def test_slots_are_for_what_is_in_c_order():
    y = sg.transpose(A @ sg.transpose(X, (0, 2, 1)), (2, 0, 1))
    out = sg.sum(sg.exp(-sg.sum(sg.sin(y) ** 2, axis=2)), axis=1)
    p = program(out, [A, X])
    with tuned(space_entries=1):
        q = with_slots(p, [np.dtype(float)] * 2)
    layouts = layouts_of(p)
    kinds = [i.kind for i, layout in zip(p.instrs, layouts, strict=True) if not is_plain(layout)]
    assert any(k.entrywise for k in kinds)
    written = [i.kind.kind for i in q.instrs if isinstance(i.kind, Into)]
    plain = [i.kind for i, layout in zip(p.instrs, layouts, strict=True) if is_plain(layout)]
    assert sum(k.entrywise for k in written) <= sum(k.entrywise for k in plain)
    f = sg.lambdify([A, X], out)
    at = (
        np.random.default_rng(0).normal(size=(4, 3, 3)),
        np.random.default_rng(1).normal(size=(4, 9000, 3)),
    )
    inner = np.sin(np.einsum("kde,kne->nkd", *at)) ** 2
    np.testing.assert_allclose(f(*at), np.exp(-inner.sum(axis=2)).sum(axis=1), rtol=1e-12)
