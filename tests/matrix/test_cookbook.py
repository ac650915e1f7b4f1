"""Identities of the Matrix Cookbook as formula, as LaTeX and as numbers.

Numbers of equations are those of Petersen and Pedersen, The Matrix Cookbook, version of November 15,
2012. A block of ``cookbook.txt`` holds the formula and the symbol, then the derivative as text and as
LaTeX; of a scalar by a vector, where it is not zero, also the second derivative. Where the Cookbook
writes ``B X + B^T X``, the shorter ``(B + B.T) @ X`` is asked for. W, S and F are symmetric.
"""

import re
from pathlib import Path

import numpy as np
import pytest
from tests.matrix.leaves import LEAVES, NAMES, differences, values

import symgrad as sg
from symgrad.expr.traverse import check_graph

TABLE = (Path(__file__).parent / "cookbook.txt").read_text()
# what a printed formula may mention, as NumPy has it
NUMPY = {
    **{
        name: getattr(np.linalg, name)
        for name in ("det", "inv", "matrix_power", "eigvalsh", "norm")
    },
    **{name: getattr(np, name) for name in ("trace", "sum", "prod", "log", "abs", "sqrt", "outer")},
    "broadcast_to": np.broadcast_to,
    "eigenvectors": lambda x: np.linalg.eigh(x)[1],
    "eye": np.eye,
}


def rows():
    found = []
    for block in re.split(r"\n(?=\()", TABLE.strip()):
        head, *lines = [line.strip() for line in block.splitlines()]
        number, formula, leaf = re.fullmatch(r"\((\d+)\) (.*) by (\w)", head).groups()
        name = f"{number} {formula} by {leaf}"
        found.append(pytest.param(formula, LEAVES[leaf], lines, id=name))
    return found


def derivatives(formula, leaf, lines):
    """The derivatives that the lines are of: the first, and the second if there are four lines."""
    f = eval(formula, {}, NAMES)
    ways = [sg.jacobian] if f.ndim else [sg.grad, sg.hessian]
    return [way(f, leaf) for way in ways[: len(lines) // 2]]


def evaluated(text, arrays):
    """The value of a formula in NumPy."""
    n, m = arrays[LEAVES["Y"]].shape
    named = {name: arrays[leaf] for name, leaf in LEAVES.items()}
    return eval(text, {}, {**NUMPY, **named, "n": n, "m": m})


def slopes(text, leaf, arrays):
    """Differences of a formula in NumPy; by a symmetric matrix along symmetric directions."""

    def f(at):
        symmetric = "symmetric" in leaf.params[3]
        return evaluated(text, {**arrays, leaf: (at + at.T) / 2 if symmetric else at})

    return differences(f, arrays[leaf])


def test_more_than_forty_identities():
    assert len({row.id.split()[0] for row in rows()}) >= 60


@pytest.mark.parametrize(("formula", "leaf", "lines"), rows())
def test_formula_and_latex(formula, leaf, lines):
    found = derivatives(formula, leaf, lines)
    assert [text for d in found for text in (str(d), sg.latex(d))] == lines
    for derivative in found:
        check_graph(derivative)
        assert sg.simplify(derivative) is derivative


@pytest.mark.parametrize(("formula", "leaf", "lines"), rows())
def test_numbers(formula, leaf, lines):
    """Compiled code, and the printed text read as NumPy, against differences; at several sizes."""
    compiled = sg.lambdify(list(LEAVES.values()), derivatives(formula, leaf, lines))
    for n, m in ((3, 2), (4, 3), (5, 1)):
        arrays = values(n, m, seed=n)
        texts = [formula, *lines[::2]]
        results = compiled(*arrays.values())
        for of, text, actual in zip(texts, texts[1:], results, strict=False):
            expected = slopes(of, leaf, arrays)
            scale = max(1.0, np.abs(expected).max())
            np.testing.assert_allclose(actual, expected, rtol=1e-6, atol=1e-6 * scale)
            printed = np.broadcast_to(evaluated(text, arrays), actual.shape)
            np.testing.assert_allclose(printed, actual, rtol=1e-9, atol=1e-9 * scale)
