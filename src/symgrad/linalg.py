"""Linear algebra in the names of `numpy.linalg`."""

from symgrad.ops.linalg import det, inv, logdet, matrix_power, slogdet, solve
from symgrad.ops.products import cross, matmul, outer, tensordot, trace
from symgrad.ops.reduction import norm
from symgrad.ops.shapes import diagonal

__all__ = [
    "cross",
    "det",
    "diagonal",
    "inv",
    "logdet",
    "matmul",
    "matrix_power",
    "norm",
    "outer",
    "slogdet",
    "solve",
    "tensordot",
    "trace",
]
