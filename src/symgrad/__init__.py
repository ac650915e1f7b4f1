"""symgrad: symbolic graphs, their derivatives as formulas, and both as fast NumPy code."""

from importlib import import_module as _import_module
from typing import TYPE_CHECKING
from typing import Any as _Any

from symgrad import errors, fft, linalg, optim, special, stats
from symgrad.autodiff import hvp, jvp, vjp
from symgrad.autodiff.presented import diff, grad, hessian, jacobian
from symgrad.autodiff.taylor import taylor
from symgrad.batching import vmap
from symgrad.check import check_grad
from symgrad.compile import (
    AssembledFunction,
    CompiledFunction,
    NestedFunction,
    OpenFunction,
    evaluate,
    lambdify,
)
from symgrad.compile.evaluate import evalf as _evalf
from symgrad.errors import (
    ArgumentError,
    ConvergenceError,
    ConversionError,
    DerivativeError,
    DTypeError,
    GradientCheckError,
    GraphError,
    NativeError,
    ParseError,
    ShapeError,
    SymbolicIterationError,
    SymgradError,
    TruthError,
)
from symgrad.expr.leaves import EULER as E
from symgrad.expr.leaves import PI as pi
from symgrad.expr.leaves import (
    arange,
    constant,
    eye,
    matrix,
    ones,
    symbol,
    symbols,
    vector,
    zeros,
)
from symgrad.expr.node import Expr
from symgrad.expr.traverse import check_graph, free_symbols
from symgrad.functions.own import OwnFunction, elementwise_function
from symgrad.ops.applied import UndefinedFunction, function
from symgrad.ops.blocks import block
from symgrad.ops.convert import astype
from symgrad.ops.convolving import convolve, correlate
from symgrad.ops.differences import ediff1d, trapezoid, unwrap
from symgrad.ops.grids import geomspace, linspace, logspace, meshgrid, vander
from symgrad.ops.indexing import compress, extract, take
from symgrad.ops.interpolation import interp
from symgrad.ops.joining import (
    append,
    atleast_1d,
    atleast_2d,
    atleast_3d,
    column_stack,
    delete,
    diagflat,
    dstack,
    insert,
    resize,
)
from symgrad.ops.named import named
from symgrad.ops.nan_functions import (
    nancumprod,
    nancumsum,
    nanmax,
    nanmean,
    nanmin,
    nanprod,
    nanstd,
    nansum,
    nanvar,
)
from symgrad.ops.networks import (
    cross_entropy,
    gelu,
    leaky_relu,
    one_hot,
    relu,
    sum_to,
)
from symgrad.ops.norms import norm
from symgrad.ops.plain import cumulative_prod, cumulative_sum
from symgrad.ops.polynomials import polyval
from symgrad.ops.products import (
    cross,
    dot,
    einsum,
    inner,
    kron,
    matmul,
    outer,
    tensordot,
    trace,
    vdot,
)
from symgrad.ops.quantiles import (
    median,
    nanmedian,
    nanpercentile,
    nanquantile,
    percentile,
    quantile,
)
from symgrad.ops.quotients import sinc
from symgrad.ops.reducing import (
    all,  # noqa: A004
    any,  # noqa: A004
    argmax,
    argmin,
    cumprod,
    cumsum,
    max,  # noqa: A004
    mean,
    min,  # noqa: A004
    prod,
    std,
    sum,  # noqa: A004
    var,
)
from symgrad.ops.select import clip, nan_to_num, piecewise, select, where
from symgrad.ops.shapes import (
    broadcast_arrays,
    broadcast_to,
    concatenate,
    diag,
    diagonal,
    expand_dims,
    flip,
    hstack,
    moveaxis,
    pad,
    ravel,
    repeat,
    reshape,
    roll,
    size,
    split,
    squeeze,
    stack,
    swapaxes,
    tile,
    transpose,
    tril,
    triu,
    vstack,
)
from symgrad.ops.softmax import log_softmax, logsumexp, softmax
from symgrad.ops.solving import matvec, vecmat
from symgrad.ops.sorting import argsort, searchsorted, sort, take_along_axis
from symgrad.ops.splitting import (
    array_split,
    dsplit,
    fliplr,
    flipud,
    hsplit,
    rot90,
    unstack,
    vsplit,
)
from symgrad.ops.statistics import allclose, average, corrcoef, count_nonzero, cov, isclose, ptp
from symgrad.ops.stop import stop_gradient
from symgrad.ops.table import attach as _attach_operators
from symgrad.ops.ufuncs import (
    absolute,
    add,
    arccos,
    arccosh,
    arcsin,
    arcsinh,
    arctan,
    arctan2,
    arctanh,
    cbrt,
    ceil,
    copysign,
    cos,
    cosh,
    degrees,
    divide,
    equal,
    exp,
    exp2,
    expm1,
    fabs,
    float_power,
    floor,
    floor_divide,
    fmax,
    fmin,
    fmod,
    frexp,
    greater,
    greater_equal,
    heaviside,
    hypot,
    isfinite,
    isinf,
    isnan,
    ldexp,
    less,
    less_equal,
    log,
    log1p,
    log2,
    log10,
    logaddexp,
    logaddexp2,
    logical_and,
    logical_not,
    logical_or,
    logical_xor,
    maximum,
    minimum,
    mod,
    modf,
    multiply,
    negative,
    nextafter,
    not_equal,
    positive,
    power,
    radians,
    reciprocal,
    rint,
    sign,
    signbit,
    sin,
    sinh,
    softplus,
    spacing,
    sqrt,
    square,
    subtract,
    tan,
    tanh,
    trunc,
)
from symgrad.ops.ufuncs import absolute as abs  # noqa: A004
from symgrad.ops.ufuncs import degrees as rad2deg
from symgrad.ops.ufuncs import divide as true_divide
from symgrad.ops.ufuncs import divmod_ as divmod  # noqa: A004
from symgrad.ops.ufuncs import expit as sigmoid
from symgrad.ops.ufuncs import mod as remainder
from symgrad.ops.ufuncs import power as pow  # noqa: A004
from symgrad.ops.ufuncs import radians as deg2rad
from symgrad.ops.ufuncs import round_ as round  # noqa: A004
from symgrad.parse import parse
from symgrad.print.dot import to_dot
from symgrad.print.draw import draw
from symgrad.print.install import install as _install_printers
from symgrad.print.latex import latex
from symgrad.print.mermaid import to_mermaid
from symgrad.recurrence import scan
from symgrad.rewrite import explicit, simplify
from symgrad.solve import (
    Constrained,
    Fit,
    Kkt,
    Minimum,
    Path,
    Solution,
    Solver,
    Status,
    kkt,
    lagrangian,
    least_squares,
    newton_minimize,
    newton_root,
)
from symgrad.solve.all_roots import all_roots, polynomial_roots
from symgrad.solve.implicit import implicit
from symgrad.solve.linear import solve_linear
from symgrad.solve.tables import install as _install_tables
from symgrad.structure import (
    Block,
    Diagonal,
    DiagonalPlusLowRank,
    Kronecker,
    LowRank,
    Structured,
    sparsity,
)
from symgrad.substitute import subs as _subs
from symgrad.substitute import substitute
from symgrad.suggestions import no_attribute as _no_attribute
from symgrad.targets.native.object_cache import native_cache
from symgrad.variable import Variable, dropout, no_grad, test_mode
from symgrad.variational import EulerLagrange, euler_lagrange

if TYPE_CHECKING:
    from symgrad.interop.exchange import load_json, save_json
    from symgrad.interop.scipy import scipy_problem
    from symgrad.interop.sympy import from_sympy, to_sympy
    from symgrad.variable import variable
else:
    from symgrad import variable  # the package, which is called like the function

_attach_operators({"diff": diff, "subs": _subs, "evalf": _evalf})
_install_printers()
_install_tables()

__version__ = "0.1.0"

__all__ = [
    "ArgumentError",
    "AssembledFunction",
    "Block",
    "CompiledFunction",
    "Constrained",
    "ConvergenceError",
    "ConversionError",
    "DTypeError",
    "DerivativeError",
    "Diagonal",
    "DiagonalPlusLowRank",
    "E",
    "EulerLagrange",
    "Expr",
    "Fit",
    "GradientCheckError",
    "GraphError",
    "Kkt",
    "Kronecker",
    "LowRank",
    "Minimum",
    "NativeError",
    "NestedFunction",
    "OpenFunction",
    "OwnFunction",
    "ParseError",
    "Path",
    "ShapeError",
    "Solution",
    "Solver",
    "Status",
    "Structured",
    "SymbolicIterationError",
    "SymgradError",
    "TruthError",
    "UndefinedFunction",
    "Variable",
    "abs",
    "absolute",
    "add",
    "all",
    "all_roots",
    "allclose",
    "any",
    "append",
    "arange",
    "arccos",
    "arccosh",
    "arcsin",
    "arcsinh",
    "arctan",
    "arctan2",
    "arctanh",
    "argmax",
    "argmin",
    "argsort",
    "array_split",
    "astype",
    "atleast_1d",
    "atleast_2d",
    "atleast_3d",
    "average",
    "block",
    "broadcast_arrays",
    "broadcast_to",
    "cbrt",
    "ceil",
    "check_grad",
    "check_graph",
    "clip",
    "column_stack",
    "compress",
    "concatenate",
    "constant",
    "convolve",
    "copysign",
    "corrcoef",
    "correlate",
    "cos",
    "cosh",
    "count_nonzero",
    "cov",
    "cross",
    "cross_entropy",
    "cumprod",
    "cumsum",
    "cumulative_prod",
    "cumulative_sum",
    "deg2rad",
    "degrees",
    "delete",
    "diag",
    "diagflat",
    "diagonal",
    "diff",
    "divide",
    "divmod",
    "dot",
    "draw",
    "dropout",
    "dsplit",
    "dstack",
    "ediff1d",
    "einsum",
    "elementwise_function",
    "equal",
    "errors",
    "euler_lagrange",
    "evaluate",
    "exp",
    "exp2",
    "expand_dims",
    "explicit",
    "expm1",
    "extract",
    "eye",
    "fabs",
    "fft",
    "flip",
    "fliplr",
    "flipud",
    "float_power",
    "floor",
    "floor_divide",
    "fmax",
    "fmin",
    "fmod",
    "free_symbols",
    "frexp",
    "from_sympy",
    "function",
    "gelu",
    "geomspace",
    "grad",
    "greater",
    "greater_equal",
    "heaviside",
    "hessian",
    "hsplit",
    "hstack",
    "hvp",
    "hypot",
    "implicit",
    "inner",
    "insert",
    "interp",
    "isclose",
    "isfinite",
    "isinf",
    "isnan",
    "jacobian",
    "jvp",
    "kkt",
    "kron",
    "lagrangian",
    "lambdify",
    "latex",
    "ldexp",
    "leaky_relu",
    "least_squares",
    "less",
    "less_equal",
    "linalg",
    "linspace",
    "load_json",
    "log",
    "log1p",
    "log2",
    "log10",
    "log_softmax",
    "logaddexp",
    "logaddexp2",
    "logical_and",
    "logical_not",
    "logical_or",
    "logical_xor",
    "logspace",
    "logsumexp",
    "matmul",
    "matrix",
    "matvec",
    "max",
    "maximum",
    "mean",
    "median",
    "meshgrid",
    "min",
    "minimum",
    "mod",
    "modf",
    "moveaxis",
    "multiply",
    "named",
    "nan_to_num",
    "nancumprod",
    "nancumsum",
    "nanmax",
    "nanmean",
    "nanmedian",
    "nanmin",
    "nanpercentile",
    "nanprod",
    "nanquantile",
    "nanstd",
    "nansum",
    "nanvar",
    "native_cache",
    "negative",
    "newton_minimize",
    "newton_root",
    "nextafter",
    "no_grad",
    "norm",
    "not_equal",
    "one_hot",
    "ones",
    "optim",
    "outer",
    "pad",
    "parse",
    "percentile",
    "pi",
    "piecewise",
    "polynomial_roots",
    "polyval",
    "positive",
    "pow",
    "power",
    "prod",
    "ptp",
    "quantile",
    "rad2deg",
    "radians",
    "ravel",
    "reciprocal",
    "relu",
    "remainder",
    "repeat",
    "reshape",
    "resize",
    "rint",
    "roll",
    "rot90",
    "round",
    "save_json",
    "scan",
    "scipy_problem",
    "searchsorted",
    "select",
    "sigmoid",
    "sign",
    "signbit",
    "simplify",
    "sin",
    "sinc",
    "sinh",
    "size",
    "softmax",
    "softplus",
    "solve_linear",
    "sort",
    "spacing",
    "sparsity",
    "special",
    "split",
    "sqrt",
    "square",
    "squeeze",
    "stack",
    "stats",
    "std",
    "stop_gradient",
    "substitute",
    "subtract",
    "sum",
    "sum_to",
    "swapaxes",
    "symbol",
    "symbols",
    "take",
    "take_along_axis",
    "tan",
    "tanh",
    "taylor",
    "tensordot",
    "test_mode",
    "tile",
    "to_dot",
    "to_mermaid",
    "to_sympy",
    "trace",
    "transpose",
    "trapezoid",
    "tril",
    "triu",
    "true_divide",
    "trunc",
    "unstack",
    "unwrap",
    "vander",
    "var",
    "variable",
    "vdot",
    "vecmat",
    "vector",
    "vjp",
    "vmap",
    "vsplit",
    "vstack",
    "where",
    "zeros",
]


_LAZY = {
    "from_sympy": "symgrad.interop.sympy",
    "load_json": "symgrad.interop.exchange",
    "save_json": "symgrad.interop.exchange",
    "scipy_problem": "symgrad.interop.scipy",
    "to_sympy": "symgrad.interop.sympy",
}


def __dir__() -> list[str]:
    """The public names; bridges that have not been loaded are among them."""
    return sorted({*__all__, "__version__"})


if not TYPE_CHECKING:  # to which any name would be right

    def __getattr__(name: str) -> _Any:
        """The bridges to SymPy, SciPy and JSON, each loaded when it is first used."""
        if name in _LAZY:
            return getattr(_import_module(_LAZY[name]), name)
        rooms = {"fft": fft, "linalg": linalg, "special": special, "stats": stats}
        raise AttributeError(_no_attribute(__name__, name, __all__, rooms), name=name)
