"""Linear algebra in the names of `numpy.linalg`, and of `scipy.linalg` what is not there, and `logdet`."""

from typing import TYPE_CHECKING

from symgrad.ops.decompositions import cholesky, eigh, eigvalsh, svd, svdvals
from symgrad.ops.determinant import det
from symgrad.ops.joining import block_diag
from symgrad.ops.linalg import inv, logdet, slogdet, solve
from symgrad.ops.matrix_functions import expm
from symgrad.ops.matrix_powers import matrix_power
from symgrad.ops.matrix_products import diagonal, matrix_transpose, multi_dot, trace, vecdot
from symgrad.ops.norms import cond, matrix_norm, norm, vector_norm
from symgrad.ops.products import cross, kron, matmul, outer, tensordot
from symgrad.ops.pseudoinverse import lstsq, matrix_rank, pinv
from symgrad.ops.qr import qr
from symgrad.ops.solving import cho_solve, solve_triangular, tensorinv, tensorsolve, toeplitz
from symgrad.suggestions import room as _room

__all__ = [
    "block_diag",
    "cho_solve",
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
    "qr",
    "slogdet",
    "solve",
    "solve_triangular",
    "svd",
    "svdvals",
    "tensordot",
    "tensorinv",
    "tensorsolve",
    "toeplitz",
    "trace",
    "vecdot",
    "vector_norm",
]

if not TYPE_CHECKING:  # to which any name would be right
    __getattr__, __dir__ = _room(__name__, __all__)
