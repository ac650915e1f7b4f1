"""SymPy's functions by class name, and what they are here: ``rule(node, *images of operands)``."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any, Final

from symgrad.autodiff import diff
from symgrad.errors import ConversionError
from symgrad.expr.dims import Dim
from symgrad.expr.leaves import EULER, SYMBOL, eye, ones, value_of, zeros
from symgrad.expr.node import Expr
from symgrad.interop.sympy_special import SPECIAL
from symgrad.interop.sympy_sums import written_out_sum
from symgrad.ops import (
    determinant,
    linalg,
    matrix_powers,
    products,
    select,
    shapes,
    special,
    ufuncs,
)
from symgrad.ops.elementwise import over_arrays
from symgrad.substitute import substitute

Rule = Callable[..., Expr]


def _plain(function: Callable[..., Expr]) -> Rule:
    return lambda node, *args: function(*args)


def _folded(function: Callable[[Expr, Expr], Expr]) -> Rule:
    """A function of two operands for one of many."""
    return lambda node, *args: reduce(function, args)


def _power(node: Any, base: Expr, exponent: Expr) -> Expr:
    if base is EULER:
        return ufuncs.exp(exponent)
    if base.dtype.kind == exponent.dtype.kind == "i" and value_of(exponent) is None:
        return ufuncs.float_power(base, exponent)  # NumPy has no integer to a negative integer
    return ufuncs.power(base, exponent)


def _log(node: Any, x: Expr, base: Expr | None = None) -> Expr:
    return ufuncs.log(x) if base is None else ufuncs.log(x) / ufuncs.log(base)


def _piecewise(node: Any, *parts: Expr) -> Expr:
    """``(value, condition)`` pairs, first that holds; where none does the value is nan."""
    values, conditions = parts[::2], parts[1::2]
    result: Any = values[-1] if value_of(conditions[-1]) is True else None
    pairs = list(zip(values, conditions, strict=True))
    if result is None:
        result = float("nan")
    else:
        pairs.pop()
    for value, condition in reversed(pairs):
        result = select.where(condition, value, result)
    return select.where(True, result, 0) if not isinstance(result, Expr) else result


def _heaviside(node: Any, x: Expr, at_zero: Expr) -> Expr:
    return ufuncs.heaviside(x, at_zero)


def _product(node: Any, *factors: Expr) -> Expr:
    """A product. With a step it is a choice: 0 where the step is 0, whatever the others are there."""
    steps = [x for x in factors if _is_step(x)]
    others = [x for x in factors if not _is_step(x)]
    if not steps or all(value_of(x) is not None for x in others):
        return reduce(ufuncs.multiply, factors)
    step, rest = reduce(ufuncs.multiply, steps), reduce(ufuncs.multiply, others)
    if step.op is not ufuncs.heaviside:
        return select.where(ufuncs.equal(step, 0), 0, step * rest)
    u, at_zero = step.args
    if value_of(at_zero) == 0:
        return select.where(u <= 0, 0, rest)
    return select.where(u < 0, 0, rest if value_of(at_zero) == 1 else step * rest)


def _is_step(x: Expr) -> bool:
    """Whether an expression changes by steps alone: it depends on symbols through heaviside only."""
    seen: set[Expr] = set()
    stack, stepped = [x], False
    while stack:
        node = stack.pop()
        if node in seen:
            continue
        seen.add(node)
        if node.op is ufuncs.heaviside:
            stepped = True
        elif node.op is SYMBOL:
            return False
        else:
            stack.extend(node.args)
    return stepped


def _singularity(node: Any, x: Expr, start: Expr, n: Expr) -> Expr:
    """Macaulay's bracket ``<x - a>**n``: 0 before a, the power behind it."""
    order = value_of(n)
    if order is None or order < 0:
        raise ConversionError(f"SingularityFunction has orders of at least 0 here: {node}")
    return select.where(x < start, 0, (x - start) ** n)


def _lambertw(node: Any, x: Expr, branch: Expr | None = None) -> Expr:
    k = 0 if branch is None else value_of(branch)
    if k not in (0, -1):
        raise ConversionError(f"LambertW has real values on the branches 0 and -1 only: {node}")
    return special.lambertw(x, k)


def _xor(node: Any, *args: Expr) -> Expr:
    return reduce(ufuncs.logical_xor, args)


def _derivative(node: Any, e: Expr, *variables: Expr) -> Expr:
    """What a `Derivative` stands for: by symbols, undefined functions, or their derivatives."""
    for x, (_, n) in zip(variables, node.variable_count, strict=True):
        if not n.is_Integer:
            raise ConversionError(
                f"a derivative of the symbolic order {n} has no image here: {node}"
            )
        e = diff(e, x, int(n))
    return e


def _subs(node: Any, e: Expr, *parts: Expr) -> Expr:
    """What a `Subs` stands for: an expression at a point."""
    half = len(parts) // 2
    return substitute(e, dict(zip(parts[:half], parts[half:], strict=True)))


def _extent(dim: Any) -> Dim:
    return int(dim) if dim.is_Integer else str(dim)


def _element(node: Any, matrix: Expr) -> Expr:
    i, j = node.args[1:]
    if not (i.is_Integer and j.is_Integer):
        raise ConversionError(f"an element at a symbolic index has no image here: {node}")
    return matrix[int(i), int(j)]


def _sum(node: Any, *terms: Expr) -> Expr:
    signs = [sign for _, sign in written_out_sum(node)]
    return reduce(
        ufuncs.add, [t if s > 0 else -t for t, s in zip(terms, signs, strict=True)], zeros(())
    )


def _product_of_terms(node: Any, *factors: Expr) -> Expr:
    signs = [sign for _, sign in written_out_sum(node)]
    return reduce(
        ufuncs.multiply,
        [f if s > 0 else 1 / f for f, s in zip(factors, signs, strict=True)],
        ones(()),
    )


def _each_entry(node: Any, formula: Expr, variable: Expr, matrix: Expr) -> Expr:
    """`formula` of the symbol `variable`, at each entry of a matrix."""
    return over_arrays([formula], {variable: matrix}, matrix.shape)[0]


def _over(function: Callable[[Any], Expr]) -> Rule:
    """``1/f`` for the reciprocal trigonometric functions."""
    return lambda node, x: 1 / function(x)


def _of_reciprocal(function: Callable[[Any], Expr]) -> Rule:
    return lambda node, x: function(1 / x)


# With the functions of `sympy.codegen`, which have NumPy's names
_SAME_NAME: Final = (
    "sin cos tan sinh cosh tanh exp sign floor"
    " expm1 log1p exp2 log2 log10 hypot isnan isinf logaddexp logaddexp2"
)
_RENAMED: Final[dict[str, Callable[..., Expr]]] = {
    "asin": ufuncs.arcsin,
    "acos": ufuncs.arccos,
    "atan": ufuncs.arctan,
    "atan2": ufuncs.arctan2,
    "asinh": ufuncs.arcsinh,
    "acosh": ufuncs.arccosh,
    "atanh": ufuncs.arctanh,
    "Abs": ufuncs.absolute,
    "ceiling": ufuncs.ceil,
    "Mod": ufuncs.mod,
    "Rem": ufuncs.fmod,
    "frac": lambda x: x - ufuncs.floor(x),
    "StrictLessThan": ufuncs.less,
    "LessThan": ufuncs.less_equal,
    "StrictGreaterThan": ufuncs.greater,
    "GreaterThan": ufuncs.greater_equal,
    "Equality": ufuncs.equal,
    "Unequality": ufuncs.not_equal,
    "Not": ufuncs.logical_not,
    "ITE": select.where,
    "sinc": lambda x: select.where(ufuncs.equal(x, 0), 1, ufuncs.sin(x) / x),
    "erf": special.erf,
    "erfc": special.erfc,
    "erfi": special.erfi,
    "erfinv": special.erfinv,
    "gamma": special.gamma,
    "loggamma": special.gammaln,
    "factorial": lambda x: special.gamma(x + 1),
    "digamma": special.digamma,
    "trigamma": lambda x: special.polygamma(1, x),
    "beta": lambda a, b=None: special.beta(a, a if b is None else b),
    "Ei": special.expi,
    "Transpose": shapes.transpose,
    "Inverse": lambda a, power=None: linalg.inv(a),
    "Determinant": determinant.det,
    "Trace": products.trace,
    "MatPow": lambda a, n: matrix_powers.matrix_power(a, value_of(n)),
}

FUNCTIONS: Final[dict[str, Rule]] = {
    **{name: _plain(getattr(ufuncs, name)) for name in _SAME_NAME.split()},
    **{name: _plain(function) for name, function in _RENAMED.items()},
    "Add": _folded(ufuncs.add),
    "Mul": _product,
    "Pow": _power,
    "log": _log,
    "cot": _over(ufuncs.tan),
    "sec": _over(ufuncs.cos),
    "csc": _over(ufuncs.sin),
    "coth": _over(ufuncs.tanh),
    "sech": _over(ufuncs.cosh),
    "csch": _over(ufuncs.sinh),
    "acot": _of_reciprocal(ufuncs.arctan),
    "asec": _of_reciprocal(ufuncs.arccos),
    "acsc": _of_reciprocal(ufuncs.arcsin),
    "acoth": _of_reciprocal(ufuncs.arctanh),
    "asech": _of_reciprocal(ufuncs.arccosh),
    "acsch": _of_reciprocal(ufuncs.arcsinh),
    "Max": _folded(ufuncs.maximum),
    "Min": _folded(ufuncs.minimum),
    "maximum": _folded(ufuncs.maximum),
    "minimum": _folded(ufuncs.minimum),
    "Sqrt": _plain(ufuncs.sqrt),
    "Cbrt": _plain(ufuncs.cbrt),
    "fma": lambda node, a, b, c: a * b + c,
    "cosm1": lambda node, x: -2 * ufuncs.sin(x / 2) ** 2,
    "powm1": lambda node, x, y: ufuncs.expm1(y * ufuncs.log(x)),
    "And": _folded(ufuncs.logical_and),
    "Or": _folded(ufuncs.logical_or),
    "Xor": _xor,
    "Piecewise": _piecewise,
    "Heaviside": _heaviside,
    "SingularityFunction": _singularity,
    "Derivative": _derivative,
    "Subs": _subs,
    "LambertW": _lambertw,
    **SPECIAL,
    "MatAdd": _folded(ufuncs.add),
    "MatMul": _folded(lambda a, b: products.matmul(a, b) if a.ndim and b.ndim else a * b),
    "HadamardProduct": _folded(ufuncs.multiply),
    "HadamardPower": _plain(ufuncs.power),
    "ElementwiseApplyFunction": _each_entry,
    "Adjoint": _plain(shapes.transpose),
    "OneMatrix": lambda node, *args: ones([_extent(d) for d in node.shape]),
    "KroneckerProduct": _folded(products.kron),
    "DiagMatrix": lambda node, a: shapes.diag(shapes.ravel(a)),
    "DotProduct": lambda node, a, b: products.dot(shapes.ravel(a), shapes.ravel(b)),
    "Implies": lambda node, a, b: ufuncs.logical_or(ufuncs.logical_not(a), b),
    "Equivalent": lambda node, *args: reduce(
        ufuncs.logical_and, [ufuncs.logical_not(ufuncs.logical_xor(args[0], b)) for b in args[1:]]
    ),
    "Nand": lambda node, *args: ufuncs.logical_not(reduce(ufuncs.logical_and, args)),
    "Nor": lambda node, *args: ufuncs.logical_not(reduce(ufuncs.logical_or, args)),
    "UnevaluatedExpr": lambda node, x: x,
    "Sum": _sum,
    "Product": _product_of_terms,
    "MatrixElement": _element,
    "Identity": lambda node, *args: eye(_extent(node.shape[0])),
    "ZeroMatrix": lambda node, *args: zeros([_extent(d) for d in node.shape]),
}

_UNEVALUATED: Final = "evaluate it first with .doit()"
_COMPLEX: Final = "symgrad is real-valued; separate real and imaginary parts first"

NO_IMAGE: Final[dict[str, str]] = {
    "Limit": _UNEVALUATED,
    "ImaginaryUnit": _COMPLEX,
    "ComplexInfinity": _COMPLEX,
    "DiracDelta": "it is no function of a number; integrate it first with .doit()",
    "meijerg": "rewrite it first with sympy.hyperexpand",
    "Lambda": "convert its expression",
    "Order": "drop it with .removeO()",
    "Tuple": "convert its entries one by one",
}
