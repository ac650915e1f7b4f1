"""symgrad: symbolic graphs, their derivatives as formulas, and both as fast NumPy code."""

from importlib import import_module as _import_module
from typing import Any as _Any

from symgrad import errors, linalg
from symgrad.autodiff import diff, grad, hessian, hvp, jacobian, jvp, vjp
from symgrad.compile import CompiledFunction, evaluate, lambdify
from symgrad.emit.dot import draw, to_dot
from symgrad.emit.install import install as _install_printers
from symgrad.emit.latex import latex
from symgrad.errors import (
    ArgumentError,
    ConversionError,
    DerivativeError,
    DTypeError,
    GradientCheckError,
    GraphError,
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
from symgrad.ops import special
from symgrad.ops import table as _table  # attaches operators and protocols to Expr
from symgrad.ops.named import named
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
from symgrad.ops.reduction import (
    all,  # noqa: A004
    any,  # noqa: A004
    argmax,
    argmin,
    cumprod,
    cumsum,
    log_softmax,
    logsumexp,
    max,  # noqa: A004
    mean,
    min,  # noqa: A004
    norm,
    prod,
    softmax,
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
    take,
    tile,
    transpose,
    tril,
    triu,
    vstack,
)
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
from symgrad.ops.ufuncs import absolute as fabs
from symgrad.ops.ufuncs import degrees as rad2deg
from symgrad.ops.ufuncs import divide as true_divide
from symgrad.ops.ufuncs import divmod_ as divmod  # noqa: A004
from symgrad.ops.ufuncs import expit as sigmoid
from symgrad.ops.ufuncs import mod as remainder
from symgrad.ops.ufuncs import power as pow  # noqa: A004
from symgrad.ops.ufuncs import radians as deg2rad
from symgrad.ops.ufuncs import rint as round  # noqa: A004
from symgrad.parse import parse
from symgrad.rewrite import simplify
from symgrad.substitute import substitute
from symgrad.variable import Variable, variable

_install_printers()

__version__ = "0.1.0"


def __getattr__(name: str) -> _Any:
    """The bridge to SymPy, which loads SymPy when it is first used."""
    if name in ("from_sympy", "to_sympy"):
        return getattr(_import_module("symgrad.interop.sympy"), name)
    raise AttributeError(f"module 'symgrad' has no attribute {name!r}")
