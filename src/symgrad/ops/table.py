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
    blocks,
    continued,
    convolving,
    decompositions,
    determinant,
    differences,
    elliptic,
    fourier,
    free_orders,
    gathering,
    grids,
    implicit,
    indexing,
    interpolation,
    joining,
    layout,
    linalg,
    matrix_functions,
    matrix_powers,
    matrix_products,
    nan_functions,
    norms,
    orthogonal,
    plain,
    polynomials,
    products,
    pseudoinverse,
    qr,
    quantiles,
    quotients,
    reducing,
    reduction,
    scaled,
    select,
    shapes,
    solving,
    sorting,
    special,
    splitting,
    stable,
    statistics,
    transforms,
    ufuncs,
)
from symgrad.ops.applied import APPLIED
from symgrad.ops.arithmetic import ADD, MUL, POW
from symgrad.ops.cast import CAST
from symgrad.ops.convert import astype
from symgrad.ops.einsum import EINSUM
from symgrad.ops.elementwise import Elementwise
from symgrad.ops.guard import WHERE
from symgrad.ops.named import NAMED
from symgrad.ops.operators import install
from symgrad.ops.polynomial import POLYVAL
from symgrad.ops.power_derivatives import POWER_DERIVATIVE
from symgrad.ops.reshaping import RESHAPE
from symgrad.ops.rolling import ROLL
from symgrad.ops.scan import SCAN
from symgrad.ops.shown import SHOWN
from symgrad.ops.stop import STOP_GRADIENT

LEAVES: Final = (SYMBOL, CONST, NAMED_NUMBER, EYE, SIZE, ARANGE)
ARITHMETIC: Final = (ADD, MUL, POW, POWER_DERIVATIVE)
ELEMENTWISE: Final[tuple[Elementwise, ...]] = tuple(
    dict.fromkeys(  # a name imported from one module by the other is the same op
        value
        for module in (
            ufuncs,
            special,
            orthogonal,
            elliptic,
            free_orders,
            stable,
            scaled,
            continued,
        )
        for value in vars(module).values()
        if isinstance(value, Elementwise)
    )
)
TENSOR: Final = (
    EINSUM,
    RESHAPE,
    ROLL,
    layout.CONCAT,
    layout.SLICE,
    layout.EMBED,
    gathering.GATHER,
    gathering.SCATTER,
    *reduction.REDUCTION_OPS,
    *sorting.SORTING_OPS,
    *linalg.LINEAR_OPS,
    *determinant.DETERMINANT_OPS,
    *matrix_functions.FUNCTION_OPS,
    *matrix_powers.POWER_OPS,
    *decompositions.DECOMPOSITION_OPS,
    *qr.QR_OPS,
    *fourier.FOURIER_OPS,
    *pseudoinverse.PSEUDOINVERSE_OPS,
    *implicit.IMPLICIT_OPS,
    SCAN,
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
        STOP_GRADIENT,
        SHOWN,
        APPLIED,
        CAST,
        POLYVAL,
        *TENSOR,
    )
}

_RENAMED: Final[dict[str, Any]] = {
    "conjugate": ufuncs.positive,
    "divmod": ufuncs.divmod_,
    "true_divide": ufuncs.divide,
    "remainder": ufuncs.mod,
    "deg2rad": ufuncs.radians,
    "rad2deg": ufuncs.degrees,
    "matmul": products.matmul,
    "vecdot": matrix_products.vecdot,
    "matvec": solving.matvec,
    "vecmat": solving.vecmat,
}
# What NumPy calls on the entries of an object array: ``np.exp(np.array([x, y]))`` is ``[x.exp(), y.exp()]``
_LOOPS: Final = (
    "arccos arccosh arcsin arcsinh arctan arctan2 arctanh cbrt conjugate cos cosh deg2rad degrees exp exp2"
    " expm1 fabs fmod hypot log log10 log1p log2 logical_xor rad2deg radians rint sin sinh sqrt tan tanh"
)


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
    quotients: "sinc",
    reducing: "sum mean var std prod max min any all argmax argmin cumsum cumprod",
    shapes: (
        "reshape ravel transpose swapaxes moveaxis expand_dims squeeze broadcast_to concatenate stack"
        " hstack vstack split tile repeat flip roll pad tril triu diag diagonal take broadcast_arrays"
    ),
    blocks: "block",
    indexing: "compress extract",
    interpolation: "interp",
    sorting: "sort argsort take_along_axis searchsorted",
    joining: (
        "atleast_1d atleast_2d atleast_3d column_stack dstack append delete insert resize diagflat"
    ),
    splitting: "array_split hsplit vsplit dsplit unstack fliplr flipud rot90 rollaxis",
    grids: "linspace logspace geomspace meshgrid vander",
    differences: "diff ediff1d trapezoid gradient unwrap",
    quantiles: "median quantile percentile nanmedian nanquantile nanpercentile",
    nan_functions: "nansum nanprod nanmean nanvar nanstd nanmax nanmin nancumsum nancumprod",
    statistics: ("average ptp cov corrcoef count_nonzero isclose allclose array_equal array_equiv"),
    convolving: "convolve correlate",
    polynomials: "polyval polyadd polysub polymul polydiv polyder polyint poly polyfit",
    plain: (
        "copy real imag angle isreal iscomplex isposinf isneginf full_like choose partition argpartition"
        " digitize cumulative_sum cumulative_prod apply_along_axis apply_over_axes"
    ),
    special: "i0",
    products: "einsum dot vdot inner outer tensordot trace kron cross",
}


_LINALG_NAMES: Final = {
    linalg: "inv slogdet solve",
    determinant: "det",
    decompositions: "cholesky eigh eigvalsh svd svdvals",
    matrix_powers: "matrix_power",
    matrix_products: "trace diagonal matrix_transpose vecdot multi_dot",
    norms: "norm vector_norm matrix_norm cond",
    products: "matmul outer tensordot cross",
    pseudoinverse: "pinv lstsq matrix_rank",
    qr: "qr",
    solving: "tensorinv tensorsolve",
}


def _function_table() -> dict[Any, Any]:
    table = {
        getattr(space, name): getattr(module, name)
        for space, rows in ((np, _FUNCTION_NAMES), (np.linalg, _LINALG_NAMES))
        for module, names in rows.items()
        for name in names.split()
    }
    return table | {
        **transforms.OF_NUMPY,
        np.matrix_transpose: matrix_products.matrix_transpose,
        np.astype: astype,
        np.fft.fftshift: fourier.fftshift,
        np.fft.ifftshift: fourier.ifftshift,
        np.fix: ufuncs.trunc,
        np.diag_indices_from: lambda arr: np.diag_indices(plain.known_extents(arr)[0], arr.ndim),
        np.tril_indices_from: lambda arr, k=0: np.tril_indices(*_rows_columns(arr, k)),
        np.triu_indices_from: lambda arr, k=0: np.triu_indices(*_rows_columns(arr, k)),
        np.iscomplexobj: lambda x: False,
        np.isrealobj: lambda x: True,
        np.real_if_close: lambda a, tol=100: a,
        np.round: ufuncs.round_,
        np.around: ufuncs.round_,
        np.amax: reducing.max,
        np.amin: reducing.min,
        np.empty_like: lambda a, *args, **kwargs: a * 0,
        np.zeros_like: lambda a, *args, **kwargs: a * 0,
        np.ones_like: lambda a, *args, **kwargs: a * 0 + 1,
        np.shape: lambda a: a.shape,
        np.ndim: lambda a: a.ndim,
        np.size: shapes.size,
    }


def _rows_columns(arr: Any, k: int) -> tuple[int, int, int]:
    rows, columns = plain.known_extents(arr)
    return rows, k, columns


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


def op_named(name: str) -> Op:
    """The op of a pickle."""
    return OPS[name]


def _reduce_op(self: Op) -> Any:
    return op_named, (self.name,)


def attach(methods: dict[str, Any]) -> None:
    """Give `Expr` its operators, NumPy's protocols, its pickling and `methods`: once, by the package."""
    setattr(Op, "__reduce__", _reduce_op)  # noqa: B010  the record does not know the table
    loops = {name: UFUNCS[getattr(np, name)] for name in _LOOPS.split()}
    install(UFUNCS, FUNCTIONS, loops, {"__reduce__": _reduce, **methods})
