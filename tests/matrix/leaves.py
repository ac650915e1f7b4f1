"""The symbols and functions of the tables of matrix identities, with values for any extents."""

import numpy as np

import symgrad as sg
from symgrad import linalg as la

SQUARE = ("n", "n")
A, B, C, D, X = [sg.matrix(name, SQUARE) for name in "ABCDX"]
W, S = [sg.matrix(name, SQUARE, symmetric=True) for name in "WS"]
Y, E = sg.matrix("Y", ("n", "m")), sg.matrix("E", ("m", "m"))
F = sg.matrix("F", ("m", "m"), symmetric=True)
a, b, c, d, s, x = [sg.vector(name, "n") for name in "abcdsx"]
LEAVES = {str(leaf.name): leaf for leaf in (A, B, C, D, X, W, S, Y, E, F, a, b, c, d, s, x)}
FUNCTIONS = {
    **{name: getattr(la, name) for name in ("det", "inv", "matrix_power", "eigvalsh", "norm")},
    **{name: getattr(sg, name) for name in ("trace", "sum", "prod", "log", "abs")},
}
NAMES = {**LEAVES, **FUNCTIONS}


def values(n, m, seed=0):
    """An array for each symbol: regular square matrices, symmetric ones where that is assumed."""
    rng = np.random.default_rng(seed)
    extents = {"n": n, "m": m}
    arrays = {}
    for leaf in LEAVES.values():
        array = rng.normal(size=tuple(extents[dim] for dim in leaf.shape))
        if leaf.ndim == 2 and leaf.shape[0] == leaf.shape[1]:
            array = array + 3 * np.diag(np.arange(1.0, len(array) + 1))
        if leaf in {W, S, F}:
            array = array + array.T
        arrays[leaf] = array
    return arrays


def differences(f, at, h=1e-5):
    """Central differences of a NumPy function of one array, of shape ``f.shape + at.shape``."""
    columns = []
    for index in np.ndindex(at.shape):
        step = np.zeros_like(at)
        step[index] = h
        columns.append((np.asarray(f(at + step)) - np.asarray(f(at - step))) / (2 * h))
    return np.stack(columns, axis=-1).reshape(columns[0].shape + at.shape)
