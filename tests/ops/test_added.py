"""What follows from the records of the documentation's new ops, beyond the contracts that they are in."""

import pickle

import numpy as np
import pytest
from tests.ops.added import ADDED, ADDED_CASES, differences, softsign
from tests.ops.cases import CASES
from tests.ops.test_entrywise import RECORDS

import symgrad as sg
from symgrad.expr.kinds import Call, Formula
from symgrad.expr.node import make
from symgrad.expr.op import Op
from symgrad.expr.templates import call_kind, entrywise_kind
from symgrad.expr.traverse import toposort
from symgrad.ops.einsum import times
from symgrad.ops.elementwise import elementwise
from symgrad.program.cost import cost_of
from symgrad.structure.coloring import grouped_values
from symgrad.structure.entries import entries_of

DIFFERENCES = ADDED[1]
x = sg.vector("x", 5)
DIAGONAL = sg.jacobian(x**2 / 2, x)


def test_the_contracts_have_them():
    assert RECORDS["softsign"] is softsign
    assert set(ADDED_CASES) <= set(CASES)


def test_reading():
    assert str(differences(softsign(x))) == "differences(softsign(x))"
    assert sg.latex(differences(x)) == r"\Delta x"
    assert r"\operatorname{softsign}" in sg.latex(softsign(x), style="index")
    assert sg.latex(differences(x) * x[1:], style="index")


def test_known_values_and_range():
    t = sg.symbol("t")
    assert softsign(-t) is -softsign(t)
    assert softsign(0) is sg.constant(0)
    assert sg.simplify(abs(softsign(t) + 2)) is softsign(t) + 2


def test_code_on_floats():
    """A vector of known extent is computed entry by entry, the scalar function by its own template."""
    f = sg.lambdify(x, differences(softsign(x)))
    point = [0.5, -1.0, 2.0, 0.0, 3.0]
    entries = np.array(point) / (1 + np.abs(point))
    np.testing.assert_allclose(f(np.array(point)), np.diff(entries), rtol=1e-15)
    assert "abs(" in f.scalar_source and "np." not in f.scalar_source
    assert "np.diff(" in f.source


def test_costs():
    """Of the function what its code adds up to; of the op on arrays what its record says."""
    kind = entrywise_kind(softsign.numpy, softsign.scalar, 1)
    assert isinstance(kind, Formula)
    assert cost_of(kind) == 2 + 1 + 1
    assert DIFFERENCES.cost == cost_of(call_kind(DIFFERENCES.numpy, 1)) == 2
    assert cost_of(Call("np.something")) == 1


def test_sympy_image():
    image = sg.to_sympy(differences(softsign(x)))
    back = sg.from_sympy(image)
    (X,) = sg.free_symbols(back)
    values = np.array([0.5, -1.0, 2.0, 0.25, 3.0])
    expected = sg.evaluate(differences(softsign(x)), {x: values})
    np.testing.assert_allclose(sg.evaluate(back, {X: values[:, None]}), expected, rtol=1e-14)


@pytest.mark.parametrize(
    "f",
    [
        differences(softsign(x)),
        differences(differences(x**2)),
        differences(x * x[0]),
        softsign(differences(x)) * x[1:],
    ],
    ids=str,
)
def test_sparsity(f):
    """The pattern holds all that is not zero, is exact where nothing cancels, and values fit it."""
    J = sg.jacobian(f, x)
    values = np.array([0.5, -1.0, 2.0, 0.25, 3.0])
    dense = sg.evaluate(J, {x: values})
    pattern = sg.sparsity(J)
    assert np.array_equal(pattern, dense != 0)
    found = entries_of(J)
    np.testing.assert_allclose(sg.evaluate(found.values, {x: values}), dense[pattern], rtol=1e-13)
    csr = sg.lambdify(x, J, sparse="csr")(values)
    np.testing.assert_allclose(csr.toarray(), dense, rtol=1e-13)


def test_sparsity_of_functions_of_several_operands():
    """Zero where all operands are, if the function is zero there; full else."""
    D = sg.eye(3) * sg.vector("u", 3)
    E = sg.pad(sg.reshape(sg.vector("w", 2), (2, 1)), ((0, 1), (2, 0)))
    assert sg.sparsity(sg.hypot(D, E)).tolist() == (sg.sparsity(D) | sg.sparsity(E)).tolist()
    assert sg.sparsity(sg.maximum(D, E + 1)).all()
    assert sg.sparsity(sg.cos(D)).all()


# An op that says as little as it can is right everywhere, and at worst slow or refused


def bare(name, **fields):
    """An op of one operand of the same shape and type, that is the square of it."""
    op = Op(
        name=name,
        build=lambda args, params: make(op, args, params, args[0].shape, args[0].ty),
        infer=lambda args, params: (args[0].shape, args[0].ty),
        vjp=lambda g, y, needed: [2 * y.args[0] * g],
        jvp=lambda y, tangents: times(2 * y.args[0], tangents[0]),
        numpy="np.square({0})",
        **fields,
    )
    return op


def test_without_more_an_op_is_dense_and_refused_in_batches():
    op = bare("bare")
    y = op.build((x,), ())
    J = sg.jacobian(y, x)
    values = np.arange(5.0)
    np.testing.assert_allclose(sg.evaluate(J, {x: values}), np.diag(2 * values))
    diagonal = op.build((DIAGONAL,), ())
    assert sg.sparsity(diagonal).all()
    assert grouped_values(diagonal, np.arange(25)) is None
    with pytest.raises(sg.ArgumentError, match="vmap cannot batch bare"):
        sg.vmap(y, over={x: "b"})
    with pytest.raises(sg.ConversionError, match="bare of shape"):
        sg.to_sympy(y)


def test_rules_of_a_record_come_first():
    """`entries` and `columns` of the record are asked, whatever could be derived."""
    from_record = bare(
        "from_record",
        entries=lambda node, parts: parts[0] and (parts[0][0], parts[0][1] ** 2),
        columns=lambda node, axis, seed: (
            [(node.args[0], axis)],
            lambda parts: parts[0],
        ),
    )
    J = from_record.build((DIAGONAL,), ())
    assert np.array_equal(sg.sparsity(J), np.eye(5, dtype=bool))
    values = np.arange(5.0)
    np.testing.assert_allclose(sg.evaluate(entries_of(J).values, {x: values}), values**2)
    grouped = grouped_values(J, np.arange(5) * 6)
    assert grouped.number == 1
    np.testing.assert_allclose(sg.evaluate(grouped.values, {x: values}), values)


def test_fields_of_elementwise():
    """The factory hands on every field of the record."""
    slow = elementwise(
        "slow", derivative=lambda g, y, x: g, numpy="{0}*1.0", cost=7, linear=True, singular=True
    )
    assert (slow.cost, slow.linear, slow.singular) == (7, True, True)
    J = slow(DIAGONAL)
    assert np.array_equal(sg.sparsity(J), np.eye(5, dtype=bool))
    assert grouped_values(J, np.arange(5) * 6).number == 1


def test_parameters_have_names():
    """Every node of an op with named parameters has them, by whatever way it was made."""
    M = sg.matrix("M", (3, 4))
    made = sg.grad(sg.sum(sg.cumsum(sg.max(M[1:], axis=0) * sg.sort(M, axis=1)[0]) ** 2), M)
    seen = set()
    for node in toposort([made, sg.pad(M, 1), sg.vmap(M @ M.T, over={M: "b"})]):
        if node.op.fields is not None:
            assert type(node.params) is node.op.fields
            seen.add(node.op.name)
    assert seen >= {"einsum", "getitem", "embed", "max", "cumsum", "argsort", "scatter_add"}
    E = sg.einsum("ij->ji", M)
    assert E.params == (((0, 1),), (1, 0), ()) and hash(E.params) == hash(tuple(E.params))
    assert pickle.loads(pickle.dumps(E)) is E
    S = sg.matrix("S", (3, 3))
    assert type(make(E.op, (S,), (((0, 0),), (0,), ()), (3,), S.ty).params) is type(E.params)
