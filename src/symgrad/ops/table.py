"""The one table of all ops, and the tables from NumPy's functions to ours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from symgrad.expr.leaves import ARANGE, CONST, EYE, NAMED_NUMBER, SIZE, SYMBOL
from symgrad.expr.node import Expr
from symgrad.expr.op import Op
from symgrad.expr.pickling import Row, flatten, restore
from symgrad.ops import (
    decompositions,
    determinant,
    implicit,
    layout,
    linalg,
    matrix_functions,
    matrix_products,
    norms,
    products,
    pseudoinverse,
    reduction,
    select,
    shapes,
    special,
    ufuncs,
)
from symgrad.ops.arithmetic import ADD, MUL, POW
from symgrad.ops.cast import CAST
from symgrad.ops.convert import astype
from symgrad.ops.einsum import EINSUM
from symgrad.ops.elementwise import Elementwise
from symgrad.ops.guard import WHERE
from symgrad.ops.named import NAMED
from symgrad.ops.operators import install
from symgrad.ops.power_derivatives import POWER_DERIVATIVE
from symgrad.ops.reshaping import RESHAPE

LEAVES: Final = (SYMBOL, CONST, NAMED_NUMBER, EYE, SIZE, ARANGE)
ARITHMETIC: Final = (ADD, MUL, POW, POWER_DERIVATIVE)
ELEMENTWISE: Final[tuple[Elementwise, ...]] = tuple(
    dict.fromkeys(  # a name imported from one module by the other is the same op
        value
        for module in (ufuncs, special)
        for value in vars(module).values()
        if isinstance(value, Elementwise)
    )
)
TENSOR: Final = (
    EINSUM,
    RESHAPE,
    layout.CONCAT,
    layout.SLICE,
    layout.EMBED,
    layout.GATHER,
    layout.SCATTER,
    *reduction.REDUCTION_OPS,
    *linalg.LINEAR_OPS,
    *determinant.DETERMINANT_OPS,
    *matrix_functions.FUNCTION_OPS,
    *decompositions.DECOMPOSITION_OPS,
    *pseudoinverse.PSEUDOINVERSE_OPS,
    *implicit.IMPLICIT_OPS,
)
OPS: Final[dict[str, Op]] = {
    op.name: op
    for op in (
        *LEAVES,
        *ARITHMETIC,
        *ELEMENTWISE,
        *special.ORDERED_OPS,
        WHERE,
        NAMED,
        CAST,
        *TENSOR,
    )
}

_RENAMED: Final[dict[str, Any]] = {
    "divmod": ufuncs.divmod_,
    "true_divide": ufuncs.divide,
    "remainder": ufuncs.mod,
    "deg2rad": ufuncs.radians,
    "rad2deg": ufuncs.degrees,
    "matmul": products.matmul,
    "vecdot": matrix_products.vecdot,
}
_HELPERS: Final = ("frexp_mantissa", "frexp_exponent")


def _ufunc_table() -> dict[Any, Any]:
    table = {
        getattr(np, name): value
        for name, value in vars(ufuncs).items()
        if isinstance(getattr(np, name, None), np.ufunc) and callable(value)
    }
    table |= {getattr(np, name): value for name, value in _RENAMED.items()}
    return special.UFUNCS_BY_NAME | table


_FUNCTION_NAMES: Final = {
    select: "where select piecewise clip nan_to_num",
    reduction: "sum mean var std prod max min any all argmax argmin cumsum cumprod",
    shapes: (
        "reshape ravel transpose swapaxes moveaxis expand_dims squeeze broadcast_to concatenate stack"
        " hstack vstack split tile repeat flip roll pad tril triu diag diagonal take broadcast_arrays"
    ),
    products: "einsum dot vdot inner outer tensordot trace kron cross",
}


_LINALG_NAMES: Final = {
    linalg: "inv slogdet solve",
    determinant: "det",
    decompositions: "cholesky eigh eigvalsh svd svdvals",
    matrix_functions: "matrix_power",
    matrix_products: "trace diagonal matrix_transpose vecdot multi_dot",
    norms: "norm vector_norm matrix_norm cond",
    products: "matmul outer tensordot cross",
    pseudoinverse: "pinv lstsq matrix_rank",
}


def _function_table() -> dict[Any, Any]:
    table = {
        getattr(space, name): getattr(module, name)
        for space, rows in ((np, _FUNCTION_NAMES), (np.linalg, _LINALG_NAMES))
        for module, names in rows.items()
        for name in names.split()
    }
    return table | {
        np.matrix_transpose: matrix_products.matrix_transpose,
        np.astype: astype,
        np.round: ufuncs.round_,
        np.around: ufuncs.round_,
        np.amax: reduction.max,
        np.amin: reduction.min,
        np.zeros_like: lambda a, *args, **kwargs: a * 0,
        np.ones_like: lambda a, *args, **kwargs: a * 0 + 1,
        np.shape: lambda a: a.shape,
        np.ndim: lambda a: a.ndim,
        np.size: shapes.size,
    }


UFUNCS: Final = _ufunc_table()
FUNCTIONS: Final = _function_table()


def unpickle_all(rows: Sequence[Row], roots: Sequence[int]) -> list[Expr]:
    """The expressions that `flatten` made rows of."""
    return restore(rows, roots, OPS)


def unpickle(rows: Sequence[Row], roots: Sequence[int]) -> Expr:
    """The expression of a pickle."""
    return unpickle_all(rows, roots)[0]


def _reduce(self: Expr) -> Any:
    return unpickle, flatten([self])


def attach() -> None:
    """Give `Expr` its operators, NumPy's protocols and its pickling: once, by the package."""
    install(UFUNCS, FUNCTIONS, {"__reduce__": _reduce})
