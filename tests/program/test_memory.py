"""Slots for intermediate arrays: by form, and that nothing reads one that was written anew."""

import threading

import numpy as np
import pytest

import symgrad as sg
from symgrad.compile.pipeline import Draft, Options
from symgrad.expr.kinds import Into
from symgrad.program.loops import with_loops
from symgrad.program.slots import with_slots
from symgrad.targets.spelling import NumpySpelling

A, B = sg.matrix("A", ("n", "n")), sg.matrix("B", ("n", "n"))
v, k = sg.vector("v", "n"), sg.vector("k", "n", dtype=int)


def planned(symbols, *outputs):
    """The lines that write into slots, and the slots."""
    program = Draft(symbols, outputs, Options()).of_large_arrays()
    types = [x.dtype for _, x in program.parameters]
    written = with_slots(with_loops(program), types)
    spell = NumpySpelling(written.dim_names)
    into = [instr for instr in written.instrs if isinstance(instr.kind, Into)]
    return [spell(instr.kind, len(instr.args)).template for instr in into], written.slots


def test_a_chain_of_products_takes_turns_in_two_slots():
    f = A
    for _ in range(6):
        f = sg.exp(f @ B)
    writes, slots = planned([A, B], f @ B)
    assert writes == ["np.matmul({0}, {1}, out={2})", "np.exp({0}, out={0})"] * 6
    assert len(slots) == 2


def test_what_ends_is_overwritten_in_place():
    writes, slots = planned([A, B, v], sg.sum((A @ B - v) ** 3, axis=0) @ A)
    assert "np.subtract({0}, {1}, out={0})" in writes
    assert {slot.shape for slot in slots} == {("n", "n"), ("n",)}


def test_a_transposed_view_keeps_its_slot():
    product = A @ B
    writes, _ = planned([A, B], (product + product.T) @ B)
    assert "np.add({0}, {1}, out={0})" not in writes


def test_outputs_have_memory_of_their_own():
    product = A @ B
    writes, slots = planned([A, B], product, product.T, product[0])
    assert writes == [] and slots == []


def test_what_is_no_float64_has_no_slot():
    writes, slots = planned([A, k], sg.sum(A * (k < A), axis=0), sg.sum(k * k + k))
    assert all("greater" not in code for code in writes)
    assert all(slot.shape != ("n",) for slot in slots)


FORMULAS = {
    "network": sg.grad(sg.sum(sg.tanh(sg.tanh(A @ B + v) @ A + v) ** 2), [A, B]),
    "transposes": [(A @ B + (A @ B).T) @ B, (A @ B).T @ (A @ B)],
    "views of products": [(A @ B)[1:] @ B + v, sg.diagonal(A @ B) @ A, sg.reshape(A @ B, -1)],
    "whole and part": [A @ B, (A @ B)[:, 0] + v, sg.exp((A @ B) @ v)],
    "branches": sg.where(A @ B > 0, sg.sqrt(sg.abs(A @ B)), v) @ A,
    "reductions": [sg.max(A @ B, axis=1) + v, sg.sum(A @ B, axis=0) * v, sg.any(A @ B > 1)],
    "softmax": sg.grad(sg.sum(sg.logsumexp(A @ B, axis=1) - sg.sum(B * (A @ B), axis=1)), A),
    "inverses": sg.grad(sg.linalg.logdet(A @ A.T + sg.eye("n")) + v @ sg.linalg.inv(B) @ v, [A, B]),
    "slices": sg.grad(sg.sum(((A @ B)[1:] - (A @ B)[:-1] ** 2) ** 2), A),
    "tensors": sg.einsum("ij,jk,kl,i->jl", A, B, A, v),
    "ints": (A @ B + k) @ (k * v),
}


def matrices(n, seed):
    rng = np.random.default_rng(seed)
    return [rng.normal(size=(n, n)), rng.normal(size=(n, n)), rng.normal(size=n), np.arange(n)]


@pytest.mark.parametrize("name", FORMULAS)
def test_values_are_those_of_the_plain_code(name, tiny_blocks):
    outputs = FORMULAS[name] if isinstance(FORMULAS[name], list) else [FORMULAS[name]]
    f = sg.lambdify([A, B, v, k], outputs)
    arguments = matrices(7, 1)
    expected = f._plain()(*arguments)
    first = f(*arguments)
    f(*matrices(7, 2))  # must not touch what was returned
    for result, wanted in zip(first, expected, strict=True):
        np.testing.assert_allclose(result, wanted, rtol=1e-9, atol=1e-10)
    transposed = [a.T.copy().T for a in arguments]
    for result, wanted in zip(f(*transposed), expected, strict=True):
        np.testing.assert_allclose(result, wanted, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("dtypes", ["fff", "dfd", "lld", "lll"])
def test_other_types_are_computed_in_their_own(dtypes, tiny_blocks):
    f = sg.lambdify([A, B, v], sg.sum((A @ B - v) ** 2, axis=0) @ A)
    shapes = [(4, 4), (4, 4), (4,)]
    arguments = [
        (np.arange(np.prod(s)) % 5).reshape(s).astype(d)
        for s, d in zip(shapes, dtypes, strict=True)
    ]
    result = f(*arguments)
    expected = f._plain()(*f._signature.check(arguments))
    assert result.dtype == expected.dtype
    np.testing.assert_allclose(result, expected, rtol=1e-5)


def test_an_error_leaves_nothing_behind(tiny_blocks):
    f = sg.lambdify([A, B], sg.linalg.inv(A @ B) @ A)
    with pytest.raises(np.linalg.LinAlgError):
        f(np.zeros((3, 3)), np.ones((3, 3)))
    a, b = matrices(3, 5)[:2]
    np.testing.assert_allclose(f(a, b), np.linalg.inv(a @ b) @ a, rtol=1e-9)


def test_threads_have_slots_of_their_own(tiny_blocks):
    f = sg.lambdify([A, B, v], sg.sum(sg.exp(-((A @ B - v) ** 2)) @ A, axis=0))
    cases = [matrices(40, seed)[:3] for seed in range(4)]
    expected = [f._plain()(*case) for case in cases]
    wrong = []

    def work(case, wanted):
        for _ in range(20):
            if not np.allclose(f(*case), wanted, rtol=1e-9):
                wrong.append(case)

    threads = [
        threading.Thread(target=work, args=pair) for pair in zip(cases, expected, strict=True)
    ]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert wrong == []
