"""Linear algebra in the names of `numpy.linalg`, and `logdet` and `expm`."""

from symgrad.ops.decompositions import cholesky, eigh, eigvalsh, svd, svdvals
from symgrad.ops.determinant import det
from symgrad.ops.linalg import inv, logdet, slogdet, solve
from symgrad.ops.matrix_functions import expm
from symgrad.ops.matrix_powers import matrix_power
from symgrad.ops.matrix_products import diagonal, matrix_transpose, multi_dot, trace, vecdot
from symgrad.ops.norms import cond, matrix_norm, norm, vector_norm
from symgrad.ops.products import cross, kron, matmul, outer, tensordot
from symgrad.ops.pseudoinverse import lstsq, matrix_rank, pinv

__all__ = [
    "cholesky",
    "cond",
    "cross",
    "det",
    "diagonal",
    "eigh",
    "eigvalsh",
    "expm",
    "inv",
    "kron",
    "logdet",
    "lstsq",
    "matmul",
    "matrix_norm",
    "matrix_power",
    "matrix_rank",
    "matrix_transpose",
    "multi_dot",
    "norm",
    "outer",
    "pinv",
    "slogdet",
    "solve",
    "svd",
    "svdvals",
    "tensordot",
    "trace",
    "vecdot",
    "vector_norm",
]
