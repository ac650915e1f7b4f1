"""What is printed can be read back: text by `parse`, LaTeX by SymPy."""

import itertools

import numpy as np
import pytest
import sympy
from sympy.parsing.latex import parse_latex

import symgrad as sg
from symgrad.ops.table import ELEMENTWISE

NAMES = "xyzw"
x, y, z = symbols = [sg.symbol(name, positive=True) for name in NAMES[:3]]
UNWRITTEN = ("frexp_mantissa", "frexp_exponent")  # the halves of frexp have no name in NumPy
# Ops that print as the formula that they stand for
PRINTED_AS_OTHERS = (
    "at_zero",
    "floor_divide",
    "logical_xor",
    *("log_erf", "log_erfc", "log1mexp", "log_cosh", "log1p_tanh", "benign_square"),
)
POINT = {"x": 0.7, "y": 1.3, "z": 0.4}


def formulas():
    """Sums, products, quotients and powers of small parts, nested twice; the same in every run."""
    atoms = [x, y + 1, -z, 2 * x, x / y, 1 / z, sg.sqrt(y), x**2, sg.sin(x), sg.exp(-z), x - y]
    for a, b in itertools.product(atoms, atoms):
        yield a + b
        yield a - b
        yield a * b
        yield a / b
        yield 2 * a**2 - b / 3
        yield (a + x) ** 2 / (b * y + 1)
        yield -a * (b - 1) * z
        yield sg.log(a**2 + 1) * sg.tanh(b)


FORMULAS = list(dict.fromkeys(formulas()))


def value(e):
    return float(sg.evaluate(e, {s: POINT[s.name] for s in sg.free_symbols(e)}))


def test_there_are_enough_formulas():
    assert len(FORMULAS) > 700


def test_text_reads_back():
    for e in FORMULAS:
        again = sg.parse(str(e), symbols)
        assert value(again) == pytest.approx(value(e), rel=1e-12, abs=1e-12), str(e)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_latex_reads_back():
    names = {sympy.Symbol(name): number for name, number in POINT.items()} | {
        sympy.Symbol("e"): sympy.E
    }
    for e in FORMULAS[::7]:
        image = parse_latex(sg.latex(e)).subs(names).evalf()
        assert float(image) == pytest.approx(value(e), rel=1e-9, abs=1e-9), sg.latex(e)


@pytest.mark.parametrize(
    "text",
    [
        "A @ v",
        "A.T @ r",
        "A.T @ (A @ v - r)",
        "v @ Q @ u",
        "2*A.T @ (A @ v - r) + v",
        "sum(A, axis=0)*v",
        "sum((A @ v - r)**2)/2",
        "outer(v, r)",
        "trace(Q @ Q)",
        "A[1:, 0]",
        "x*v + u",
    ],
)
def test_tensor_text_reads_back(text):
    rng = np.random.default_rng(7)
    leaves = {
        sg.symbol("x"): 0.5,
        sg.matrix("A", (4, 3)): rng.normal(size=(4, 3)),
        sg.matrix("Q", (3, 3)): rng.normal(size=(3, 3)),
        sg.vector("u", 3): rng.normal(size=3),
        sg.vector("v", 3): rng.normal(size=3),
        sg.vector("r", 4): rng.normal(size=4),
    }
    e = sg.parse(text, list(leaves))
    again = sg.parse(str(e), list(leaves))
    np.testing.assert_allclose(sg.evaluate(again, leaves), sg.evaluate(e, leaves), rtol=1e-12)


def types_of(op):
    """Integers where an op takes nothing else."""
    return [int if op.name == "ldexp" and i == 1 else float for i in range(op.arity)]


@pytest.mark.parametrize("op", ELEMENTWISE, ids=lambda op: op.name)
def test_every_elementwise_op_prints_and_reads_back(op):
    operands = [
        sg.symbol(*pair) for pair in zip(NAMES, [()] * op.arity, types_of(op), strict=False)
    ]
    e = op(*operands)
    assert sg.latex(2 * e**2 + 1)
    if op.name in UNWRITTEN:
        assert str(e) == f"{op.name}(x)"
        return
    again = sg.parse(str(e), operands)
    assert again is e or op.name in PRINTED_AS_OTHERS
