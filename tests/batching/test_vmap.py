"""`vmap` equals stacking the results of single problems: for every op of the table, and nested."""

import numpy as np
import pytest
from tests.ops.cases import CASES, SIZES, as_list
from tests.ops.test_contract import draw_like, floating, symbols_of
from tests.ops.test_entrywise import CALLS, kinds_of, sample

import symgrad as sg
from symgrad.batching.rules import batch_rule
from symgrad.expr.op import Op
from symgrad.expr.traverse import toposort
from symgrad.ops.implicit import SYSTEM
from symgrad.ops.table import LEAVES, OPS

B = 3


def batch_of(x):
    """The symbol that stands for `x` in a batch."""
    return next(s for s in sg.free_symbols(sg.vmap(x, {x: "b"})) if s.name == x.name)


def subsets(xs):
    """All operands in the batch, and where there are several each one alone."""
    yield list(range(len(xs)))
    if len(xs) > 1:
        yield from ([i] for i in range(len(xs)))


def check(xs, ys, draws, digits=1e-12):
    """vmap over some of `xs` against one call per problem; `draws` has arrays per problem."""
    single = sg.lambdify(xs, ys)
    for chosen in subsets(xs):
        args = [batch_of(x) if i in chosen else x for i, x in enumerate(xs)]
        many = sg.vmap(ys, {xs[i]: "b" for i in chosen})
        sg.check_graph(*many)
        assert [y.shape for y in many] == [("b", *y.shape) for y in ys]
        assert [y.dtype for y in many] == [y.dtype for y in ys]
        mixed = [[d[i] if i in chosen else draws[0][i] for i in range(len(xs))] for d in draws]
        stacked = [
            np.stack([m[i] for m in mixed]) if i in chosen else mixed[0][i] for i in range(len(xs))
        ]
        with np.errstate(all="ignore"):
            expected = [single(*m) for m in mixed]
            actual = sg.lambdify(args, many)(*stacked)
        for k, value in enumerate(actual):
            want = np.stack([e[k] for e in expected])
            assert value.shape == want.shape and value.dtype == want.dtype
            np.testing.assert_allclose(value, want, rtol=digits, atol=digits)


def draws_of(case):
    rng = case.rng
    return [[o.draw(rng, SIZES[0]) for o in case.operands] for _ in range(B)]


@pytest.mark.parametrize("case", CASES, ids=[c.id for c in CASES])
def test_every_function(case):
    xs = symbols_of(case, SIZES[0])
    check(xs, as_list(case.call(sg, *xs)), draws_of(case), 1e-10)


@pytest.mark.parametrize(
    "case", [c for c in CASES if c.smooth][::3], ids=[c.id for c in CASES if c.smooth][::3]
)
def test_derivatives_of_every_function(case):
    """What reverse and forward mode build: the ops that only derivatives reach."""
    xs = symbols_of(case, SIZES[0])
    leaves = floating(case, xs)
    ys = [y for y in as_list(case.call(sg, *xs)) if y.dtype.kind == "f"]
    weights = [draw_like(case, np.empty(y.shape), i) for i, y in enumerate(ys)]
    total = sum(sg.sum(w * y) for w, y in zip(weights, ys, strict=True))
    blocks = [sg.jacobian(y, leaves[0]) for y in ys]
    check(xs, [*sg.grad(total, leaves), *blocks], draws_of(case), 1e-8)


@pytest.mark.parametrize(
    ("op", "params"), CALLS, ids=["-".join([op.name, *map(str, p)]) for op, p in CALLS]
)
def test_every_elementwise_op(op, params):
    kinds = kinds_of(op)
    points = np.array(sample(op)[:B], dtype=object)
    xs = [sg.symbol(f"x{i}", (2,), kind) for i, kind in enumerate(kinds)]
    draws = [
        [np.array([p[i], points[0][i]]).astype(kind) for i, kind in enumerate(kinds)]
        for p in points
    ]
    check(xs, [op.build(tuple(xs), params)], draws)


def test_every_op_has_a_rule():
    without = {op for op in OPS.values() if batch_rule(op) is None} - set(LEAVES)
    without.discard(SYSTEM)  # the solution of a system: refused, as tests/solve/test_implicit holds
    assert not without


def test_scatter_takes_a_batch_of_indices():
    x, i = sg.matrix("x", (3, 2)), sg.symbol("i", (3,), int)
    y = sg.symbol("y", (4, 2))
    f = sg.grad(sg.sum(x * y[i]), y)  # a scatter of x at i
    assert "scatter_add" in {node.op.name for node in toposort([f])}
    rng = np.random.default_rng(1)
    draws = [[rng.normal(size=(3, 2)), rng.integers(0, 4, 3)] for _ in range(B)]
    check([x, i], [f], draws)


# Derivatives, nests, nesting


def test_gradient_and_hessian_of_a_batch():
    X, w, y = sg.matrix("X", ("m", "n")), sg.vector("w", "n"), sg.vector("y", "m")
    loss = sg.sum(sg.log(1 + sg.exp(-y * (X @ w))))
    ys = [loss, sg.grad(loss, w), sg.hessian(loss, w)]
    rng = np.random.default_rng(2)
    draws = [
        [rng.normal(size=(4, 3)), rng.normal(size=3), rng.choice([-1.0, 1.0], 4)] for _ in range(B)
    ]
    check([X, w, y], ys, draws)


def test_the_batch_is_one_label():
    A, x = sg.matrix("A", ("n", "n")), sg.vector("x", "n")
    xs = sg.symbol("x", ("b", "n"))
    assert sg.vmap(A @ x, {x: "b"}) is sg.einsum("ij,bj->bi", A, xs)
    assert sg.vmap(x + 1, {x: xs}) is xs + 1


def test_nested_batches():
    x, y = sg.vector("x", 3), sg.symbol("y")
    f = sg.sum(sg.sin(x) * y) + y
    both = sg.vmap(sg.vmap(f, {x: "a"}), {y: "b"})
    assert both.shape == ("b", "a")
    rng = np.random.default_rng(3)
    xs, ys = rng.normal(size=(4, 3)), rng.normal(size=2)
    values = sg.lambdify([sg.symbol("x", ("a", 3)), sg.symbol("y", ("b",))], both)(xs, ys)
    np.testing.assert_allclose(values, [[np.sum(np.sin(u)) * v + v for u in xs] for v in ys])


def test_outputs_keep_their_form():
    x, a = sg.vector("x", 2), sg.symbol("a")
    out = sg.vmap({"f": (x * a, [a]), "c": 3}, {x: 5})
    assert isinstance(out["f"], tuple) and isinstance(out["f"][1], list)
    assert out["f"][0].shape == (5, 2)
    assert out["f"][1][0].shape == (5,) and out["c"].shape == (5,)
    f = sg.lambdify([sg.symbol("x", (5, 2)), a], out)
    assert f(np.ones((5, 2)), 2.0)["f"][1][0].tolist() == [2.0] * 5


def test_assumptions_and_tags_stay():
    S = sg.matrix("S", (2, 2), spd=True)
    many = sg.vmap(sg.linalg.logdet(S), {S: "b"})
    assert many.args[0] is sg.symbol("S", ("b", 2, 2), spd=True)
    a, b = np.diag([1.0, 2.0]), np.diag([3.0, 5.0])
    values = sg.evaluate(many, {many.args[0]: np.stack([a, b])})
    np.testing.assert_allclose(values, np.log([2.0, 15.0]), rtol=1e-14)


def test_a_deep_graph():
    x = y = sg.symbol("x")
    for _ in range(20_000):
        y = sg.sin(y) + x
    assert sg.vmap(y, {x: "b"}).shape == ("b",)


# Errors


def test_errors_name_the_culprit():
    x, y = sg.vector("x", 3), sg.vector("y", 3)
    with pytest.raises(sg.ArgumentError, match="symbols to batch over"):
        sg.vmap(x, {})
    with pytest.raises(sg.ArgumentError, match="a key of `over` must be a symbol"):
        sg.vmap(x + y, {x + y: "b"})
    with pytest.raises(sg.ShapeError, match="extents in `over` differ: x: b, y: 4"):
        sg.vmap(x + y, {x: "b", y: 4})
    with pytest.raises(sg.ShapeError, match=r"the batch of x has shape \(3, 2\)"):
        sg.vmap(x, {x: sg.matrix("X", (3, 2))})
    with pytest.raises(sg.ShapeError, match="identifier"):
        sg.vmap(x, {x: "not a name"})


def test_an_op_without_a_rule_is_named():
    x = sg.vector("x", 3)
    strange = Op(
        name="strange",
        build=lambda args, params: args[0],
        infer=lambda args, params: (args[0].shape, args[0].ty),
    )
    node = sg.expr.node.make(strange, (x,), (), x.shape, x.ty)
    with pytest.raises(sg.ArgumentError, match="vmap cannot batch strange"):
        sg.vmap(node, {x: "b"})
