"""Variables: data, gradients, and the loops that people write with them."""

import copy
import pickle
from fractions import Fraction

import numpy as np
import pytest

import symgrad as sg
from symgrad.errors import ArgumentError, DTypeError, ShapeError


def close(a, b, tolerance=1e-12):
    return np.testing.assert_allclose(a, b, rtol=tolerance, atol=0)


# What a Variable is


def test_prints_its_data():
    assert repr(sg.sin(sg.variable(1.0))) == "variable(0.8414709848078965)"
    assert repr(sg.variable([1, 2, 3])) == "variable([1. 2. 3.])"
    assert repr(sg.variable(2.0, name="x")) == "x(2.0)"


@pytest.mark.parametrize("value", [3, True, Fraction(3, 2), np.int32(4), np.float64(2.5)])
def test_numbers_become_python_floats(value):
    x = sg.variable(value)
    assert x.data.__class__ is float
    assert x.data == float(value)
    assert x.dtype == np.float64


def test_integer_arrays_are_promoted_and_float32_stays():
    assert sg.variable([1, 2]).dtype == np.float64
    assert sg.variable(np.array([True, False])).dtype == np.float64
    x = sg.variable(np.array([1, 2], np.float32))
    y = sg.sum(sg.exp(x) * 2.0 + 1)
    y.backward()
    assert (x.dtype, y.dtype, x.grad.dtype) == (np.float32,) * 3
    assert isinstance(y.data, np.float32)
    assert x.grad.data.dtype == np.float32


def test_the_gradient_of_float32_stays_float32_among_float64():
    x = sg.variable(np.float32(2.0))
    y = x * sg.variable(3.0)
    y.backward()
    assert y.dtype == np.float64
    assert x.grad.dtype == np.float32


@pytest.mark.parametrize("value", [1j, "one", [1.0, "a"], None, np.array([1j])])
def test_other_data_are_refused(value):
    with pytest.raises(DTypeError, match="variable cannot hold"):
        sg.variable(value)


def test_facts():
    x = sg.variable(np.zeros((2, 3)), name="x")
    assert (x.shape, x.ndim, x.size, len(x), x.name) == ((2, 3), 2, 6, 2, "x")
    assert x.is_leaf
    assert not (x + 1).is_leaf
    assert x.expr.name == "x"
    assert x.T.shape == (3, 2)
    assert [row.shape for row in x] == [(3,), (3,)]
    x.name = "w"
    assert x.expr.name == "w"


def test_the_formula_is_over_the_symbols_of_the_leaves():
    x = sg.variable(1.0, name="x")
    y = sg.variable(2.0, name="y")
    z = sg.sin(x) * y + 1
    assert str(z.expr) == "y*sin(x) + 1"
    assert sg.free_symbols(z.expr) == [y.expr, x.expr]


# Data


def test_data_follow_the_leaves_at_the_time_of_computing():
    x = sg.variable(2.0)
    y = x**2
    x.data = 3.0
    z = x**2
    assert (y.data, z.data) == (4.0, 9.0)


def test_old_and_new_values_of_a_leaf_meet_in_one_formula():
    x = sg.variable(2.0)
    y = x**2
    x.data = 5.0
    z = y * x  # 2**2 * 5
    assert z.data == 20.0
    z.backward()
    assert x.grad.data == 2 * 2.0 * 5.0 + 4.0


def test_data_of_an_array_may_be_changed_in_place():
    x = sg.variable([1.0, 2.0])
    y = x * 10
    x.data[0] = 7.0
    z = x * 10
    x.data -= 1
    np.testing.assert_array_equal(y.data, [10, 20])
    np.testing.assert_array_equal(z.data, [70, 20])
    np.testing.assert_array_equal((x * 1.0).data, [6, 1])


def test_an_array_that_somebody_keeps_may_be_changed_at_any_time():
    x = sg.variable([1.0, 2.0])
    kept = x.data
    y = x * 10
    kept[0] = 5.0
    z = x * 10
    view = x.data[1:]
    del kept
    view[0] = -1.0
    w = x * 10
    assert x.data is x.data
    np.testing.assert_array_equal([y.data, z.data, w.data], [[10, 20], [50, 20], [50, -10]])
    x.data *= 2
    np.testing.assert_array_equal((x * 1.0).data, [10, -2])
    np.testing.assert_array_equal(w.data, [50, -10])


def test_gradients_may_be_changed_and_do_not_share_memory():
    a, b = sg.variable([1.0, 2.0]), sg.variable([3.0, 4.0])
    s = sg.sum((a + b) ** 2)
    s.backward()
    a.grad.data[0] = 100.0
    np.testing.assert_array_equal(a.grad.data, [100, 12])
    np.testing.assert_array_equal(b.grad.data, [8, 12])
    y = a.grad * 2
    a.grad.data[1] = -1.0
    np.testing.assert_array_equal(y.data, [200, 24])
    np.testing.assert_array_equal((a.grad * 2).data, [200, -2])


def test_data_are_copies():
    given = np.array([1.0, 2.0])
    x = sg.variable(given)
    other = np.array([5.0, 6.0])
    y = x * other
    given[:] = 0
    other[:] = 0
    np.testing.assert_array_equal(y.data, [5, 12])


def test_computed_data_are_read_only_and_not_assignable():
    y = sg.variable([1.0, 2.0]) * 2
    with pytest.raises(ValueError, match="read-only"):
        y.data[0] = 1.0
    with pytest.raises(ArgumentError, match="follow from its leaves"):
        y.data = [1.0, 2.0]


def test_new_data_keep_shape_and_dtype():
    x = sg.variable(np.zeros(3, np.float32))
    x.data = [1, 2, 3]
    assert x.data.dtype == np.float32
    with pytest.raises(ShapeError, match=r"shape \(2,\), the variable has \(3,\)"):
        x.data = [1.0, 2.0]


def test_control_flow_by_data():
    def collatz(x):
        steps = 0
        while x > 1:
            x = x / 2 if float(x) % 2 == 0 else 3 * x + 1
            steps += 1
        return steps, x

    steps, x = collatz(sg.variable(6.0))
    assert steps == 8
    assert float(x) == 1.0
    assert bool(sg.variable(0.0)) is False


def test_comparisons_are_booleans_of_data():
    x = sg.variable([-1.0, 2.0])
    assert (x > 0).tolist() == [False, True]
    assert (x == np.array([-1.0, 0.0])).tolist() == [True, False]
    assert np.greater(x, 0).tolist() == [False, True]
    y = sg.sum(sg.where(x > 0, x**2, 0.0))
    y.backward()
    np.testing.assert_array_equal(x.grad.data, [0, 4])
    assert isinstance(sg.argmax(x), (int, np.integer))


# Operators, protocols, functions


@pytest.mark.parametrize(
    "function",
    [
        lambda x: 1 + x - 2 * x / 3 + x**2 - (-x) + 2**x + x % 0.3 + abs(x),
        lambda x: np.sin(x) + np.exp(x) * np.array([1.0, 2.0, 3.0]),
        lambda x: np.array([1.0, 2.0, 3.0]) * x + [3, 4, 5],
        lambda x: x.sum() + x.mean() * x.max() + np.sum(x, axis=0),
        lambda x: x @ np.arange(9.0).reshape(3, 3) @ x,
        lambda x: np.arange(3.0) @ x,
        lambda x: x[::-1] * x[1] + x[[0, 2, 1]],
        lambda x: np.concatenate([x, x * 2, np.ones(2)]),
        lambda x: np.stack([x, x**2]).reshape(3, 2).T,
        lambda x: np.where(x > 0.5, x, -x),
        lambda x: np.float64(2.5) * x,
    ],
)
def test_a_function_written_for_numpy_works(function):
    data = np.array([0.3, 0.6, 0.9])
    got = function(sg.variable(data))
    want = function(data)
    assert got.shape == np.shape(want)
    close(got.data, want)


def test_functions_that_give_several_results():
    x = sg.variable(np.array([[2.0, 1.0], [1.0, 3.0]]))
    sign, logdet = np.linalg.slogdet(x)
    assert float(sign) == 1.0
    logdet.backward()
    close(x.grad.data, np.linalg.inv(x.data).T)
    parts = sg.split(x, 2)
    assert [p.shape for p in parts] == [(1, 2), (1, 2)]


def test_derivatives_of_variables_are_variables():
    x = sg.variable(2.0)
    assert sg.grad(x**3, x).data == 12.0
    assert [g.data for g in sg.grad(x**3, [x])] == [12.0]


def test_constants_without_symbols_mix_in():
    x = sg.variable([1.0, 2.0])
    close((sg.pi * x).data, np.pi * x.data)
    np.testing.assert_array_equal((x @ sg.eye(2)).data, [1, 2])
    with pytest.raises(ArgumentError, match="'s' does not"):
        x * sg.symbol("s")


def test_what_does_not_know_variables_refuses_them():
    with pytest.raises(DTypeError, match="lose its gradient"):
        sg.constant(1.0) + sg.evaluate(sg.variable(1.0))


def test_integer_arrays_stay_settings_where_they_are_no_operands():
    x = sg.variable(np.arange(6.0))
    np.testing.assert_array_equal(sg.take(x, np.array([4, 1])).data, [4, 1])
    assert sg.reshape(x, (2, 3)).shape == (2, 3)
    assert sg.sum(x.reshape(2, 3), axis=(0, 1)).shape == ()


# Copies


def test_pickles_and_copies_are_leaves():
    x = sg.variable([1.0, 2.0], name="x")
    y = x**2
    sg.sum(y).backward()
    for again in (pickle.loads(pickle.dumps(x)), copy.deepcopy(x), copy.copy(x)):
        assert again.name == "x"
        np.testing.assert_array_equal(again.data, x.data)
        np.testing.assert_array_equal(again.grad.data, [2, 4])
        assert again.expr is not x.expr
    computed = pickle.loads(pickle.dumps(y))
    assert computed.is_leaf
    np.testing.assert_array_equal(computed.data, [1, 4])


# Names


def test_formats_like_its_data():
    v = sg.variable(3.14159)
    assert f"{v:.3f}" == "3.142"
    assert f"{v}" == "variable(3.14159)"
    assert f"{sg.variable([1.0, 2.5]):.2f}" == "[1.00 2.50]"


def test_methods_of_arrays():
    x = sg.variable([-1.26, 0.5, 3.0])
    y = x.clip(0.0, 2.0)
    sg.sum(y).backward()
    np.testing.assert_array_equal(y.data, [0, 0.5, 2])
    np.testing.assert_array_equal(x.grad.data, [0, 1, 0])
    assert x.astype("float32").dtype == np.float32
    np.testing.assert_array_equal(x.round(1).data, [-1.3, 0.5, 3])
    assert round(sg.variable(1.26), 1).data == 1.3


def test_latex_of_a_variable_is_that_of_its_formula():
    x = sg.variable(2.0, name="x")
    y = x**2 + 1
    assert sg.latex(y) == sg.latex(y.expr) == "x^{2} + 1"
    assert sg.latex([y, x]) == sg.latex([y.expr, x.expr])
    assert y._repr_latex_() == r"$\displaystyle x^{2} + 1$"


def test_an_update_with_the_gradient_itself_says_what_is_meant():
    p = sg.variable([1.0, 2.0])
    sg.sum(p**2).backward()
    with pytest.raises(ArgumentError, match=r"p\.data -= rate \* p\.grad\.data"):
        p.data -= 0.1 * p.grad
    p.data -= 0.1 * p.grad.data
    close(p.data, [0.8, 1.6])


def test_the_package_and_the_function_have_one_name():
    import symgrad.variable as package

    assert package is sg.variable
    assert package.Variable is sg.Variable
    assert sg.variable(1.0, name="x").name == "x"
    assert sg.variable.__doc__


def test_without_history():
    x = sg.variable(3.0)
    with sg.no_grad():
        y = x**2
        z = y * 2
    assert y.is_leaf and z.is_leaf
    assert (y.data, z.data) == (9.0, 18.0)
    total = z * x
    total.backward()
    assert x.grad.data == 18.0
    assert z.grad.data == 3.0
    assert not (x**2).is_leaf
    with pytest.raises(ShapeError), sg.no_grad():
        sg.reshape(x, 2)
    assert not (x**2).is_leaf


def test_modes_hold_for_one_thread():
    import threading

    x, seen = sg.variable(3.0), []
    with sg.no_grad():
        thread = threading.Thread(target=lambda: seen.append((x**2).is_leaf))
        thread.start()
        thread.join()
        assert (x**2).is_leaf
    assert seen == [False]


@pytest.mark.parametrize("uses", [1, 2, 3])  # plain code, compiled code, compiled code again
def test_no_result_is_the_array_of_an_operand(uses):
    from symgrad.variable import form, program, tokens

    for memory in (form, program, tokens):
        memory.forget()
    for _ in range(uses):
        x, w = sg.variable([1.0, 2.0, 3.0]), sg.variable([4.0, 5.0, 6.0])
        kept = np.array([1.5, 2.5, 3.5])
        loss = sg.sum(x * w) + sg.sum(x * kept)
        loss.backward()
        (sg.sum(w * w) / 2).backward()
        moved = sg.reshape(x, (3,)) * 1
        moved.unchain()
        moved.data[1] = 7.0
        for one in (x, w):
            one.grad.data[:] = -1.0
        np.testing.assert_array_equal([x.data, w.data], [[1, 2, 3], [4, 5, 6]])
        np.testing.assert_array_equal((x * w).data, [4, 10, 18])
