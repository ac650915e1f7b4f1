"""The record of a loop says all that there is to know: it is run here by what stands in it alone."""

import numpy as np
import pytest

import symgrad as sg
from symgrad.compile.execute import execute
from symgrad.compile.pipeline import Draft, Options
from symgrad.expr.dims import map_dim
from symgrad.expr.kinds import Span
from symgrad.expr.pytrees import flatten
from symgrad.expr.tuning import tuned
from symgrad.program.ir import item_of
from symgrad.program.loops import with_loops
from symgrad.targets.numpy_source import block_source, numpy_source

X, W, u = sg.matrix("X", ("n", "d")), sg.matrix("W", ("d", "k")), sg.matrix("u", ("n", "m"))
v, w = sg.vector("v", "n"), sg.vector("w", "n")
Z = sg.tanh(X @ W)
ENERGY = sg.sum(sg.cosh(u[1:] - u[:-1])) + sg.sum(sg.cos(u[:, 2:] * u[:, :-2]))

FORMULAS = {
    "entries": [sg.sin(v) * w, sg.exp(v * w) @ sg.cos(w), sg.sum(sg.exp(v) * w), sg.max(v * w + 1)],
    "axes": [sg.sum(sg.exp(u), axis=1), sg.sum(sg.sin(u) * v[:, None], axis=0), sg.min(u * u + 1)],
    "rows": [sg.softmax(Z, axis=1), sg.sum(Z * sg.max(Z, axis=1)[:, None], axis=0), Z.T @ X],
    "shifted parts": [ENERGY, sg.grad(ENERGY, u)],
    "single rows": [sg.grad(sg.sum((u[1:] - u[:-1]) ** 2 * sg.exp(u[:1])), u)],
    "used whole as well": [sg.sum(Z @ sg.tanh(Z.T @ Z), axis=0), (Z * 2) / sg.sum(Z, axis=0)],
}
SYMBOLS = [X, W, u, v, w]


def run_by_record(loop, step, args):
    """The results of a loop, in blocks of `step` rows of the first axis of its space."""
    sizes = dict(zip(loop.extents, args, strict=False))
    operands = args[len(sizes) : len(sizes) + len(loop.operands)]
    calls = {inner.name: runner(inner, step) for inner in loop.body.loops()}
    body = execute(block_source(loop.body, "body"), "body", calls)
    cut = [(x, c) for x, c in zip(operands, loop.operands, strict=True) if 0 in c.axes]
    rows = sizes.get(loop.space[0]) or max([len(x) for x, _ in cut], default=1)
    results = {}
    for first in range(0, rows, step):
        last = min(first + step, rows)
        blocks = [block_of(x, c, first, last) for x, c in zip(operands, loop.operands, strict=True)]
        inside = {**sizes, loop.space[0]: last - first} if not loop.is_entrywise else sizes
        values = body(*inside.values(), *blocks)
        for (out, combine), value in zip(
            zip(loop.body.outputs, loop.results, strict=True), values, strict=True
        ):
            halo = halo_of(loop, out)
            put(results, combine, np.array(value), first, last, halo, sizes, loop.space)
    return [results[k] for k in range(len(loop.targets))]


def block_of(x, cut, first, last):
    if 0 not in cut.axes:
        return x
    assert cut.axes[0] == 0
    return x[max(0, first - cut.halo[0]) : max(0, last - cut.halo[1])]


def halo_of(loop, out):
    """How far before a block the rows of an output begin: those of the operands of its shape."""
    shape = loop.body.instrs[out].shape
    kinds = [i.shape for i in loop.body.instrs[: len(loop.operands)]]
    found = [c.halo[0] for c, s in zip(loop.operands, kinds, strict=True) if s == shape]
    return max(found, default=0)


def put(results, combine, value, first, last, halo, sizes, space):
    """Combine what a block gave with what others gave."""
    if combine.place is not None:
        total = results.setdefault(
            combine.result,
            np.zeros([map_dim(d, sizes.__getitem__) for d in space], value.dtype),
        )
        whole = combine.axes[0] is None
        start = (combine.place[0].start or 0) + (0 if whole else max(0, first - halo))
        index = [entry_of(entry, sizes) for entry in combine.place[1:]]
        for row, part in enumerate(value, start):
            if first <= row < last:
                getattr(np, combine.ufunc)(
                    total[(row, *index)], part, out=total[(row, *index)][...]
                )
    elif combine.result not in results:
        results[combine.result] = value
    elif 0 in combine.axes:
        results[combine.result] = np.concatenate(
            [results[combine.result], value], combine.axes.index(0)
        )
    else:
        ufunc = getattr(np, combine.ufunc)
        results[combine.result] = ufunc(results[combine.result], value)


def entry_of(entry, sizes):
    if not isinstance(entry, Span):
        return entry
    ends = [None if d is None else map_dim(d, sizes.__getitem__) for d in entry[:2]]
    return slice(*ends, entry.step)


def runner(loop, step):
    return lambda *args: run_by_record(loop, step, args)


@pytest.mark.parametrize("step", [1, 3, 100])
@pytest.mark.parametrize("name", FORMULAS)
def test_a_loop_is_what_its_record_says(name, step):
    outputs = FORMULAS[name]
    draft = Draft(SYMBOLS, outputs, Options())
    with tuned(space_cost=1):
        program = with_loops(draft.of_large_arrays())
    assert program.loops()
    _, nest = flatten(outputs, lambda y: y)
    calls = {loop.name: runner(loop, step) for loop in program.loops()}
    run = execute(numpy_source(program, nest), "f", calls)
    rng = np.random.default_rng(3)
    given = [rng.normal(size=shape) for shape in ((7, 4), (4, 3), (7, 5), (7,), (7,))]
    expected = sg.lambdify(SYMBOLS, outputs)(*given)
    for result, wanted in zip(run(*given), expected, strict=True):
        np.testing.assert_allclose(result, wanted, rtol=1e-12, atol=1e-12)


def test_operands_come_first_and_results_are_items():
    for outputs in FORMULAS.values():
        program = with_loops(Draft(SYMBOLS, outputs, Options()).of_large_arrays())
        for loop in program.loops():
            names = [name for name, _ in loop.body.parameters]
            first = [instr.kind.name for instr in loop.body.instrs[: len(names)]]
            assert first == names and len(loop.operands) == len(names)
            assert len(loop.results) == len(loop.body.outputs)
        items = [found for v in range(len(program.instrs)) if (found := item_of(program, v))]
        assert {number for loop, _, number in items if loop is items[0][0]} == set(
            range(len(items[0][0].targets))
        )
