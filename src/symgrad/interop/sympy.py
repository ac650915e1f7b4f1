"""The bridge to SymPy: expressions convert both ways, and SymPy's simplifier is there on request.

Scalars keep everything: names, assumptions, exact numbers. Formulas with arrays convert entry by
entry where their extents are known ints (`symgrad.interop.sympy_arrays`). Both directions walk the
graph iteratively and share what the graph shares.

Everything here is real: a SymPy symbol is taken for real whether it says so or not, and symbols
made here say so.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any, Final

import numpy as np
import sympy as sp
from sympy.core.function import AppliedUndef
from sympy.matrices.expressions.applyfunc import ElementwiseApplyFunction

from symgrad.calls import checked
from symgrad.errors import ConversionError, SymgradError
from symgrad.expr.dims import show_shape
from symgrad.expr.leaves import SYMBOL, named_number, number, symbol
from symgrad.expr.node import Expr
from symgrad.expr.traverse import toposort
from symgrad.interop.sympy_arrays import (
    ARRAY_RULES,
    as_sympy_array,
    by_record,
    each_entry,
    known_shape,
)
from symgrad.interop.sympy_functions import FUNCTIONS, NO_IMAGE
from symgrad.interop.sympy_indexed import LEAVES, from_indexed
from symgrad.interop.sympy_integrals import from_integral, operands_of
from symgrad.interop.sympy_rewritten import (
    has_imaginary_unit,
    in_other_words,
    without_imaginary_unit,
)
from symgrad.interop.sympy_sums import written_out_sum
from symgrad.ops import shapes, ufuncs
from symgrad.ops.applied import ASSUMPTIONS as FUNCTION_ASSUMPTIONS
from symgrad.ops.applied import function
from symgrad.ops.elementwise import as_expr
from symgrad.recurrence.unrolled import unrolled
from symgrad.rewrite.readable import written_out

_ASSUMPTIONS: Final = ("integer", "negative", "nonnegative", "nonzero", "positive")
_NUMBERS: Final = {"pi": sp.pi, "E": sp.E}


# From symgrad to SymPy


@checked
def to_sympy(e: Any) -> Any:
    """The SymPy image of an expression.

    Parameters
    ----------
    e : Expr
        Of shape (); or of known int extents, converted entry by entry.

    Returns
    -------
    sympy.Expr
        For shape (); ``ImmutableDenseMatrix`` for two axes, else ``ImmutableDenseNDimArray``.
        A scalar symbol becomes ``Symbol(name, real=True)``, with what else is assumed of it; that is
        another symbol to SymPy than ``Symbol(name)``. Entries of a matrix or vector symbol are elements
        of a ``MatrixSymbol``, a vector being a column: ``v[0]`` is ``v[0, 0]``.

    Raises
    ------
    ConversionError
        Naming the operation that has no image, or two different symbols of one name.

    Examples
    --------
    >>> import symgrad as sg
    >>> x = sg.symbol("x", positive=True)
    >>> sg.to_sympy(sg.exp(x) / 2)
    exp(x)/2
    """
    (root,) = unrolled(written_out([as_expr(e)]))
    images: dict[Expr, Any] = {}
    names: dict[str, Expr] = {}
    for node in toposort([root]):
        if node.op is SYMBOL and names.setdefault(node.params.name, node) is not node:
            raise ConversionError(
                f"two different symbols are named {node.params.name!r}, which are one to SymPy; give"
                " one of them another name with substitute"
            )
        images[node] = _image(node, [images[arg] for arg in node.args])
    return as_sympy_array(images[root])


def _image(node: Expr, args: list[Any]) -> Any:
    try:
        rule = ARRAY_RULES.get(node.op.name)
        if node.op is SYMBOL and node.shape == ():
            return _symbol_image(node)
        if node.op.name in _LEAF_IMAGES:
            return _LEAF_IMAGES[node.op.name](node)
        if rule is not None:
            return rule(node, *args)
        if node.op.sympy is not None and node.op.elementwise:
            image = node.op.sympy
            return each_entry(lambda *entries: image(sp, *entries, *node.params), args)
        found = by_record(node, args)
        if found is not None:
            return found
    except RecursionError:
        raise ConversionError(
            f"the formula is nested too deep for SymPy at {node.op.name}; convert its parts"
        ) from None
    raise ConversionError(f"{node.op.name} of shape {show_shape(node.shape)} has no image in SymPy")


def _symbol_image(node: Expr) -> Any:
    name, _, ty, held, _ = node.params
    assumptions = {key: True for key in _ASSUMPTIONS if key in held}
    if ty.dtype.kind in "iu":
        assumptions["integer"] = True
    return sp.Symbol(name, real=True, **assumptions)


def _constant_image(node: Expr) -> Any:
    value, tag, shape, _ = node.params
    if tag == "array":
        return each_entry(lambda v: _number_image(np.asarray(v).item()), [value.array])
    image = _number_image(value)
    return image if shape == () else np.full(known_shape(node), image, dtype=object)


def _number_image(value: Any) -> Any:
    if isinstance(value, bool):
        return sp.true if value else sp.false
    if isinstance(value, float):
        return sp.Float(value) if np.isfinite(value) else sp.sympify(value)
    return sp.Rational(value.numerator, value.denominator)


_LEAF_IMAGES: Final[dict[str, Callable[[Expr], Any]]] = {
    "constant": _constant_image,
    "number": lambda node: _NUMBERS[node.params.name],
    "size": lambda node: sp.Symbol(str(node.params.extent), integer=True, positive=True),
}


# From SymPy to symgrad

_OF_EXTENTS: Final = ("Identity", "ZeroMatrix", "OneMatrix")  # their operands are extents


@checked
def from_sympy(e: Any) -> Expr:
    """The expression that a SymPy object stands for.

    Parameters
    ----------
    e : sympy.Expr, sympy.logic Boolean, Matrix, NDimArray or MatrixSymbol formula
        Symbols become scalar symbols of the same name and assumptions, ``Function("q")(t)`` the applied
        function of that name, and a `Derivative` is taken; a ``MatrixSymbol`` becomes a
        matrix symbol, whose symbolic extents become named ones.

    Returns
    -------
    Expr
        Integers, rationals, pi and E stay exact; a Float becomes a Python float.

    Raises
    ------
    ConversionError
        Naming what has no image: complex numbers, integrals without bounds, functions that are not here.

    Examples
    --------
    >>> import sympy, symgrad as sg
    >>> x = sympy.Symbol("x")
    >>> print(sg.from_sympy(sympy.sin(x) ** 2 / 2))
    sin(x)**2/2
    """
    if isinstance(e, (sp.MatrixBase, sp.NDimArray)) and not isinstance(e, sp.MatrixSymbol):
        entries = [from_sympy(entry) for entry in sp.flatten(e.tolist())]
        return shapes.reshape(shapes.stack(entries), tuple(int(n) for n in e.shape))
    if not isinstance(e, sp.Basic):
        raise ConversionError(f"from_sympy needs a SymPy expression, not {e!r}")
    if isinstance(e, sp.Expr) and has_imaginary_unit(e):
        return _walk(without_imaginary_unit(e), {})
    return _walk(e, {})


def _walk(root: Any, known: dict[Any, Expr]) -> Expr:
    """Images bottom up; `known` fixes some beforehand."""
    stack = [root]
    symbols: dict[Expr, Any] = {}
    while stack:
        node = stack[-1]
        if node in known:
            stack.pop()
            continue
        other = in_other_words(node)
        parts = _parts(node) if other is None else (other,)
        pending = [part for part in parts if part not in known]
        if pending:
            stack.extend(reversed(pending))
            continue
        images = [known[part] for part in parts]
        image = known[node] = _convert(node, images) if other is None else images[0]
        if isinstance(node, sp.Symbol) and symbols.setdefault(image, node) is not node:
            raise ConversionError(
                f"two different SymPy symbols are named {node.name!r}, with assumptions that are the same"
                " here; give one of them another name"
            )
        stack.pop()
    return known[root]


def _parts(node: Any) -> tuple[Any, ...]:
    """The operands of a SymPy node, in the order in which it prints them."""
    kind = type(node).__name__
    if isinstance(node, (sp.Symbol, sp.MatrixSymbol)) or kind in NO_IMAGE or kind in LEAVES:
        return ()
    if isinstance(node, sp.Indexed):
        return tuple(node.indices)
    if isinstance(node, sp.MatrixBase):
        return tuple(node.flat())
    if isinstance(node, sp.Piecewise):
        return tuple(part for pair in node.args for part in pair.args)
    if isinstance(node, sp.Derivative):
        return (node.expr, *[x for x, _ in node.variable_count])
    if isinstance(node, sp.Subs):
        return (node.expr, *node.variables, *node.point)
    if isinstance(node, sp.matrices.expressions.matexpr.MatrixElement):
        return (node.args[0],)
    if isinstance(node, sp.Integral):
        return operands_of(node)
    if isinstance(node, (sp.Sum, sp.Product)):
        return tuple(term for term, _ in written_out_sum(node))
    if isinstance(node, ElementwiseApplyFunction):
        return (node.function.expr, node.function.variables[0], node.expr)
    if isinstance(node, sp.hyper):
        return (*node.ap, *node.bq, node.argument)
    if kind in _OF_EXTENTS:
        return ()
    return tuple(node.args)


def _convert(node: Any, args: list[Expr]) -> Expr:
    leaf = LEAVES.get(type(node).__name__)
    if leaf is not None:
        return leaf(node)
    for kind, image in _ATOMS:
        if isinstance(node, kind):
            return image(node)
    if isinstance(node, sp.MatrixBase):
        return shapes.reshape(shapes.stack(args), tuple(int(n) for n in node.shape))
    own = getattr(type(node), "symgrad_function", None)
    if own is not None:
        return own(*args)  # type: ignore[no-any-return]
    if isinstance(node, AppliedUndef):
        return _applied(node, args)
    if isinstance(node, sp.Indexed):
        return from_indexed(node, *args)
    if isinstance(node, sp.Integral):
        return from_integral(node, *args)
    rule = FUNCTIONS.get(type(node).__name__)
    if rule is None:
        value = _value(node)
        if value is not None:
            return value
        kind_name = type(node).__name__
        advice = NO_IMAGE.get(kind_name, "write it with functions that symgrad has")
        raise ConversionError(f"SymPy's {kind_name} has no image here: {_shown(node)}; {advice}")
    try:
        return rule(node, *args)
    except TypeError as error:
        if isinstance(error, SymgradError):
            raise
        raise ConversionError(
            f"SymPy's {type(node).__name__} of {len(args)} operands has no image here:"
            f" {_shown(node)}"
        ) from None


def _value(node: Any) -> Expr | None:
    """A real number that is written in a way that has no image, such as a root of a polynomial."""
    if not isinstance(node, sp.Expr) or node.free_symbols:
        return None
    found = node.evalf(20)
    return number(float(found)) if isinstance(found, sp.Float) else None


def _applied(node: Any, args: list[Expr]) -> Expr:
    """An undefined function at arguments, such as ``Function("q")(t)`` and `dynamicsymbols`."""
    _check_real(node)
    given = node.func._kwargs if hasattr(node.func, "_kwargs") else {}
    held = {key: True for key, value in given.items() if value and key in FUNCTION_ASSUMPTIONS}
    return function(node.func.__name__, **held)(*args)


def _shown(node: Any) -> str:
    text = str(node)
    return text if len(text) <= 80 else text[:77] + "..."


def _check_real(node: Any) -> None:
    """Raise for what stands for no real number.

    Raises
    ------
    ConversionError
        For factors that do not commute, and numbers that are declared to be complex.
    """
    if node.is_commutative is False:
        raise ConversionError(
            f"{node} is declared with commutative=False: symbols of numbers commute here; use a"
            " MatrixSymbol for a matrix"
        )
    held = getattr(node, "assumptions0", {})
    unreal = False in (held.get("real"), held.get("extended_real"))
    if unreal or (held.get("complex") and not held.get("real")):
        raise ConversionError(
            f"{node} is declared to be complex: symgrad is real-valued; write it as two real symbols,"
            " or declare it with real=True"
        )


def _from_symbol(node: Any) -> Expr:
    _check_real(node)
    held = {key: True for key in _ASSUMPTIONS if getattr(node, f"is_{key}")}
    if held.get("positive") or held.get("negative"):
        held.pop("nonzero", None)
        held.pop("nonnegative", None)
    tag: Any = node.dummy_index if isinstance(node, sp.Dummy) else None
    if isinstance(node, sp.Wild):
        tag = ("wild", str(node.exclude), len(node.properties))
    return symbol(node.name, (), unique=tag, **held)


def _from_matrix_symbol(node: Any) -> Expr:
    extents = [int(d) if d.is_Integer else str(d) for d in node.shape]
    return symbol(node.name, extents)


def _from_float(node: Any) -> Expr:
    return number(float(node))


def _from_constant(node: Any) -> Expr:
    """An irrational number that has no name here, as the nearest float."""
    return number(float(node.evalf(20)))


_ATOMS: Final[tuple[tuple[type[Any], Callable[[Any], Expr]], ...]] = (
    (sp.MatrixSymbol, _from_matrix_symbol),
    (sp.Symbol, _from_symbol),
    (sp.Integer, lambda node: number(int(node))),
    (sp.Rational, lambda node: number(Fraction(int(node.p), int(node.q)))),
    (sp.Float, _from_float),
    (type(sp.pi), lambda node: named_number("pi")),
    (type(sp.E), lambda node: named_number("E")),
    (type(sp.GoldenRatio), lambda node: (1 + ufuncs.sqrt(number(5))) / 2),
    (type(sp.oo), lambda node: number(float("inf"))),
    (type(-sp.oo), lambda node: number(float("-inf"))),
    (type(sp.nan), lambda node: number(float("nan"))),
    (type(sp.true), lambda node: number(True)),
    (type(sp.false), lambda node: number(False)),
    (sp.NumberSymbol, _from_constant),
)


# Simplification


def simplify_with_sympy(e: Expr) -> Expr:
    """`e` as SymPy's `simplify` has it, or `e` itself where that is no scalar formula or has no image.

    The result equals `e` where both are defined.
    """
    (plain,) = written_out([e])
    order = toposort([plain])
    if any(node.shape != () for node in order):
        return e
    leaves = [node for node in order if node.op is SYMBOL]
    stand_ins = {leaf: _stand_in(index, leaf) for index, leaf in enumerate(leaves)}
    try:
        images: dict[Expr, Any] = dict(stand_ins)
        for node in order:
            if node not in images:
                images[node] = _image(node, [images[arg] for arg in node.args])
        back = _walk(sp.simplify(images[plain]), {dummy: leaf for leaf, dummy in stand_ins.items()})
    except (
        SymgradError,
        ArithmeticError,
        ValueError,
        TypeError,
        NotImplementedError,
        RecursionError,
    ):
        return e
    return back if back.ty.dtype == e.ty.dtype else e


def _stand_in(index: int, leaf: Expr) -> Any:
    """A SymPy symbol for a leaf, told apart from all others whatever their names."""
    image = _symbol_image(leaf)
    return sp.Dummy(f"{image.name}_{index}", **image.assumptions0)
