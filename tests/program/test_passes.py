"""The passes over programs, each by the form that it gives."""

import numpy as np
import pytest

import symgrad as sg
from symgrad.expr.kinds import (
    ADD,
    DIVIDE,
    POWER,
    WHERE,
    Call,
    Formula,
    Literal,
    Name,
    Reduce,
    Tree,
    Ufunc,
    Written,
    contraction,
)
from symgrad.expr.templates import call_kind, entrywise_kind
from symgrad.program.build import lower
from symgrad.program.half_angles import half_angles
from symgrad.program.loops import with_loops
from symgrad.program.reciprocals import share_reciprocals
from symgrad.program.reductions import reduction_of
from symgrad.program.single_calls import expand
from symgrad.program.sizes import entry_spaces, product_spaces
from symgrad.program.slots import in_place
from symgrad.rewrite.open_sums import open_sums
from symgrad.runtime.blocks import cut
from symgrad.targets.numpy_source import largest_code
from symgrad.targets.passes import without_dead_code
from symgrad.targets.spelling import NumpySpelling

x, y, z = sg.symbols("x y z")
v, w, A = sg.vector("v", "n"), sg.vector("w", "n"), sg.matrix("A", ("m", "n"))


def codes(p):
    spell = NumpySpelling(p.dim_names)
    pairs = zip(p.instrs, p.live(), strict=True)
    return [spell(i.kind, len(i.args)).template for i, live in pairs if live and not i.kind.leaf]


@pytest.mark.parametrize(
    ("template", "count", "kind"),
    [
        ("np.exp({0})", 1, Ufunc("exp")),
        ("{0}*{1}", 2, Ufunc("multiply")),
        ("{0} <= {1}", 2, Ufunc("less_equal")),
        ("-{0}", 1, Ufunc("negative")),
        ("{0}**2.5", 1, Formula(Tree(POWER, (0, Literal(2.5))), "")),
        ("np.logaddexp(0.0, {0})", 1, Formula(Tree(Ufunc("logaddexp"), (Literal(0.0), 0)), "")),
        (
            "1.0/(1.0 + {0})",
            1,
            Formula(Tree(DIVIDE, (Literal(1.0), Tree(ADD, (Literal(1.0), 0)))), ""),
        ),
        ("np.where({0}, {1}, -2.0)", 2, Formula(Tree(WHERE, (0, 1, Literal(-2.0))), "")),
        ("scipy.special.erf({0})", 1, Ufunc("special.erf")),
        ("{0}", 1, None),
        ("np.frexp({0})[0]", 1, Written("np.frexp({0})[0]", "")),
        ("np.sinc({0})", 1, Written("np.sinc({0})", "")),
        ("{0}.real", 1, Written("{0}.real", "")),
    ],
)
def test_what_a_template_is(template, count, kind):
    assert entrywise_kind(template, "", count) == kind


def test_what_a_call_is():
    assert call_kind("np.linalg.svd({0}, full_matrices=False)", 1) == Call(
        "np.linalg.svd", (), (("full_matrices", False),)
    )
    assert call_kind("_root(e, {0}, {1})", 2) == Call("_root", (Name("e"),))


def test_numbers_of_different_types_are_different():
    assert len({Literal(1), Literal(1.0), Literal(True)}) == 3
    assert Literal(float("nan")) == Literal(float("nan"))


def test_which_kinds_are_reductions():
    assert reduction_of(Reduce("add", (0, 2))) == ("add", (0, 2))
    assert reduction_of(Reduce("maximum", None)) == ("maximum", None)
    assert reduction_of(contraction(((4,), (4,)), ())) == ("vdot", None)
    assert reduction_of(contraction(((0, 1), (1,)), (0,))) is None
    assert reduction_of(Reduce("logsumexp", (0,))) is None
    assert reduction_of(Reduce("add", (0,), keepdims=True)) is None


@pytest.mark.parametrize(
    ("inputs", "out", "code"),
    [
        (((0, 1), (1, 2)), (0, 2), "{0} @ {1}"),
        (((1,), (1, 2)), (2,), "{0} @ {1}"),
        (((3,), (3,)), (), "{0} @ {1}"),
        (((5, 0, 1), (5, 1, 2)), (5, 0, 2), "{0} @ {1}"),
        (((0, 1), (0, 1)), (), "np.vdot({0}, {1})"),
        (((0, 1, 2), (2, 3)), (0, 1, 3), "np.tensordot({0}, {1}, axes=([2], [0]))"),
        (((0, 1), (0, 1)), (0,), 'np.einsum("ab,ab->a", {0}, {1})'),
        (((1, 0), (1, 2)), (0, 2), "np.tensordot({0}, {1}, axes=([0], [0]))"),
    ],
)
def test_how_products_are_written(inputs, out, code):
    assert NumpySpelling({})(contraction(inputs, out), 2).template == code


def test_templates_become_single_calls():
    p = expand(lower([x], [sg.special.expit(x)]))
    assert codes(p) == [
        *("np.abs({0})", "{0}*{1}", "np.exp({0})"),
        *("{0} >= {1}", "np.maximum({0}, {1})", "{0} + {1}", "{0}/{1}"),
    ]


def test_three_divisions_share_a_reciprocal():
    three = lower([x, y, z], [x / z, y / z, x * y / z])
    assert codes(share_reciprocals(three)).count("{0}/{1}") == 1
    two = lower([x, y, z], [x / z, y / z])
    assert share_reciprocals(two) is two


def test_sine_and_cosine_share_a_tangent():
    p = half_angles(lower([x], [sg.sin(x), sg.cos(x)]))
    forms = codes(p)
    assert forms.count("np.tan({0})") == 1 and forms.count("{0}/{1}") == 1
    assert not any("sin" in form or "cos" in form for form in forms)


def test_dead_code_goes():
    p = lower([x, y], [sg.sin(x), sg.exp(y)])
    p.outputs = p.outputs[:1]
    assert codes(without_dead_code(p)) == ["np.sin({0})"]
    assert len(without_dead_code(p).parameters) == 2


def regions_of(args, outputs):
    fused = with_loops(expand(lower(args, outputs)))
    return codes(fused), fused.loops()


def test_one_region_for_one_space():
    forms, regions = regions_of([v, w], [sg.sin(v) * w, sg.sum(sg.cos(v) * w), sg.exp(v) @ w])
    assert len(regions) == 1 and regions[0].space == ("n",)
    assert [c.ufunc for c in regions[0].results] == [None, "add", "add"]
    assert forms[0] == "_loop0({0}, {1}, None, None, None)"


def test_what_a_sum_feeds_is_a_second_region():
    _, regions = regions_of([v], [sg.sin(v) * sg.sum(sg.exp(v))])
    assert len(regions) == 2
    assert [len(r.results) for r in regions] == [1, 1]  # sin(v) is not kept between them


def test_products_stay_between_regions():
    forms, regions = regions_of([A, v], [sg.tanh(A @ sg.exp(2 * v))])
    assert [r.space for r in regions] == [("n",), ("m",)]
    assert "{0} @ {1}" in forms


def test_smaller_spaces_are_computed_at_their_shape():
    _, regions = regions_of([A, v], [sg.exp(A) * sg.sin(v)])
    assert [r.space for r in regions] == [("n",), ("m", "n")]


def test_small_known_shapes_are_left_alone():
    u = sg.vector("u", 3)
    assert regions_of([u], [sg.sin(u) * 2])[1] == []


def test_scalars_as_arrays_hoist_what_depends_on_less():
    p = lower([x, y], [sg.sin(x) * sg.exp(y)], [(), ("axis0",)])
    (region,) = with_loops(p).loops()
    assert [i.kind for i in region.body.instrs if not i.kind.leaf] == [
        Ufunc("exp"),
        Ufunc("multiply"),
    ]


def slots_of(e, args):
    (loop,) = with_loops(expand(lower(args, [e]))).loops()
    return in_place(loop.body, [np.dtype(float)] * len(loop.operands), [True]).slots


def test_a_chain_needs_one_slot():
    e = v
    for _ in range(50):
        e = sg.sin(e) + 1
    assert len(slots_of(e, [v])) == 1


def test_conditions_have_slots_of_their_own_type():
    slots = slots_of(sg.where(v > 0, sg.sin(v), w) * 2, [v, w])
    assert sorted(slot.dtype.char for slot in slots) == ["?", "d", "d"]


def test_entries_of_the_largest_array():
    p = lower([A, v], [sg.exp(A) @ sg.sin(v)])
    count = eval(f"lambda A, v: {largest_code(p, entry_spaces(p))}")
    assert count(np.zeros((3, 4)), np.zeros(4)) == 12
    q = lower([A, v], [A @ v])
    assert largest_code(q, entry_spaces(q)) == "" and product_spaces(q) != []


@pytest.mark.parametrize("entries", [1, 3, 5, 100])
@pytest.mark.parametrize(
    ("shape", "whole"),
    [
        ((1,), 0),
        ((10,), 0),
        ((7, 3), 0),
        ((7, 3), 1),
        ((2, 3, 4), 1),
        ((2, 3, 4), 2),
        ((5, 1, 6), 0),
    ],
)
def test_blocks_cover_a_space_once(shape, entries, whole):
    grid = cut(shape, entries, whole)
    seen = np.zeros(shape, int)
    for k in range(grid.count):
        block = seen[grid.index(k)]
        assert block.size <= grid.largest
        block += 1
    assert np.all(seen == 1)


def test_parts_of_an_array_fill_one_array():
    e = sg.grad(sg.sum((v[1:] - v[:-1]) ** 2 * w[:-1]) + v @ w, v)
    source = sg.lambdify([v, w], e).source
    assert source.count("_embed_sum(") == 2 and "_embed(" not in source
    a, b = np.random.default_rng(2).normal(size=(2, 6))
    slope = 2 * np.diff(a) * b[:-1]
    expected = np.concatenate([[0.0], slope]) - np.concatenate([slope, [0.0]]) + b
    np.testing.assert_allclose(sg.lambdify([v, w], e)(a, b), expected, rtol=1e-14)


def test_single_entries_and_negative_parts_are_added_at_their_place():
    e = sg.grad(v[0] * v[-1] * 3 - sg.sum(v[1:] * w[1:]) - v[2], v)
    f = sg.lambdify([v, w], e)
    a, b = np.random.default_rng(3).normal(size=(2, 5))
    expected = -np.concatenate([[0.0], b[1:]])
    expected[0] += 3 * a[-1]
    expected[-1] += 3 * a[0]
    expected[2] -= 1
    np.testing.assert_allclose(f(a, b), expected, rtol=1e-14)


def test_sums_in_another_order_are_computed_once():
    e = (x + 1 - y) ** 3 * y
    assert sg.lambdify([x, y], [e, sg.grad(e, x)]).source.count("    t0 = x + 1 - y") == 1


def test_long_sums_are_opened_in_linear_time():
    terms = [sg.sin(x * k) for k in range(1, 3001)]
    total = terms[0]
    for t in terms[1:]:
        total = total + t
    (opened,) = open_sums([total * y])
    assert len(opened.args[-1].args) == 3000 or len(opened.args[0].args) == 3000
    assert open_sums([x + y])[0] is x + y


def test_parts_of_a_smaller_array_are_added_at_its_shape():
    """The gradient's parts have no rows of the batch, which the term beside them has."""
    B = sg.matrix("B", ("m", "n"))
    parts = sg.jacobian(sg.grad(sg.sum((v[1:] - v[:-1]) ** 2), v), v)
    e = parts + B[:, None] * sg.eye("n")
    f = sg.lambdify([v, B], e)
    assert "_embed_sum((n, n)" in f.source
    a, b = np.random.default_rng(4).normal(size=(2, 3, 5))
    expected = f(a[0], b[:1]) + (b - b[:1])[:, None] * np.eye(5)
    np.testing.assert_allclose(f(a[0], b), expected, rtol=1e-12)
