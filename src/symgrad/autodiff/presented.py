"""The public derivatives: those of `symgrad.autodiff.derivatives`, read as a textbook would print them.

A scalar result that is small enough to be read is printed in its shortest form. It is still computed as
it came out of differentiation, in the form that shares most with the function and keeps its digits, so that
compiled code does not depend on what is read. The form of a small result is looked for at once, and the
result is a plain node where it is in that form already; that of a larger one when it is first read
(`symgrad.ops.shown`). Solvers and `variable` ask for no form.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Literal, overload

from symgrad.autodiff import derivatives
from symgrad.expr.formulas import Formulas
from symgrad.expr.leaves import is_number
from symgrad.expr.node import Expr
from symgrad.expr.traverse import free_symbols, toposort
from symgrad.ops.lifted import Array, Leaf, W
from symgrad.ops.public import public_as_typed
from symgrad.ops.shown import shown
from symgrad.rewrite.readable import shown_forms
from symgrad.rewrite.search import BOUNDED, may_be_shortened

MAX_RESULTS: Final = 16  # of one call; more are no formulas to read
SMALL: Final = 10  # nodes of a formula that is searched at once
MIDDLE: Final = (
    14  # nodes of one that is searched later, and left plain where no rule applies to it
)


@overload
def diff(f: W, *variables: Any, n: int | None = None, as_sympy: Literal[False] = False) -> W: ...
@overload
def diff(
    f: Any, *variables: Any, n: int | None = None, as_sympy: Literal[False] = False
) -> Expr: ...
@overload
def diff(f: Any, *variables: Any, n: int | None = None, as_sympy: bool) -> Any: ...
@public_as_typed
def diff(f: Any, *variables: Any, n: int | None = None, as_sympy: bool = False) -> Any:
    """The derivative of `f` by scalars, of the shape of `f`, simplified, as `sympy.diff`.

    Parameters
    ----------
    f : Expr
    *variables : scalar symbols, scalar entries of a symbol such as ``v[0]``, applied functions ``q(t)``
        In this order, each once, or as often as an int behind it says: ``diff(f, x, 2, y)`` and
        ``diff(f, (x, 2), y)`` are the second derivative by x of the derivative by y. Where none is given,
        the only symbol of `f`.
    n : int, optional
        How often, for a single variable.
    as_sympy : bool
        Give the result as SymPy's expression, as `to_sympy` does; of a list a list of these.

    Returns
    -------
    Expr of the shape of `f`.

    Raises
    ------
    ShapeError
        If a variable is no scalar.
    ArgumentError
        If an order is no non-negative int, or so large that the formula cannot be written, or it is not
        clear what to differentiate by. Orders at which the derivative is zero, or repeats, may be as
        large as you like.
    DerivativeError
        If `f` has no derivative by a variable.

    Examples
    --------
    >>> import symgrad as sg
    >>> x, y = sg.symbols("x y")
    >>> sg.diff(sg.sin(x), x, 4) is sg.sin(x)
    True
    >>> print(sg.diff(x**3 * y**2, (x, 2), y))
    12*x*y
    >>> print(sg.diff(x**3, x, 10**9))
    0

    By a function such as ``q(t)``, or a derivative of one, all others are held fixed; by t all follow:

    >>> q = sg.function("q")(x)
    >>> print(sg.diff(x * sg.sin(q), q), "and", sg.diff(sg.sin(q), x))
    x*cos(q(x)) and diff(q(x), x)*cos(q(x))
    """
    return _presented(derivatives.diff(f, *variables, n=n), as_sympy)


@overload
def grad(f: W, wrt: W, *, as_sympy: Literal[False] = False) -> W: ...
@overload
def grad(f: W, wrt: Sequence[W], *, as_sympy: Literal[False] = False) -> list[W]: ...
@overload
def grad(f: Any, wrt: Leaf, *, as_sympy: Literal[False] = False) -> Expr: ...
@overload
def grad(f: Any, wrt: Sequence[Leaf], *, as_sympy: Literal[False] = False) -> Formulas[Expr]: ...
@overload
def grad(f: Any, wrt: Any, *, as_sympy: bool) -> Any: ...
@public_as_typed
def grad(f: Any, wrt: Any, *, as_sympy: bool = False) -> Any:
    """The gradient of a scalar, simplified.

    Parameters
    ----------
    f : Expr of shape ()
    wrt : symbol, entries of a symbol such as ``v[0]`` or ``v[1:3]``, or a list of these
        What else there is in the symbol is held fixed.
    as_sympy : bool
        Give the result as SymPy's expression, as `to_sympy` does; of a list a list of these.

    Returns
    -------
    Expr of the shape of `wrt`, or a list of them.

    Raises
    ------
    ShapeError
        If `f` is no scalar.
    DerivativeError
        If `f` has no derivative by `wrt`.

    Examples
    --------
    >>> import symgrad as sg
    >>> x = sg.symbol("x")
    >>> print(sg.grad(x**4 - 2 * x**2, x))
    4*x**3 - 4*x
    """
    return _presented(derivatives.grad(f, wrt), as_sympy)


@overload
def jacobian(f: W, x: W, *, as_sympy: Literal[False] = False) -> W: ...
@overload
def jacobian(f: W, x: Sequence[W], *, as_sympy: Literal[False] = False) -> list[W]: ...
@overload
def jacobian(f: Leaf | Array, x: Leaf, *, as_sympy: Literal[False] = False) -> Expr: ...
@overload
def jacobian(f: Sequence[Any], x: Leaf, *, as_sympy: Literal[False] = False) -> Formulas[Expr]: ...
@overload
def jacobian(
    f: Leaf | Array, x: Sequence[Leaf], *, as_sympy: Literal[False] = False
) -> Formulas[Expr]: ...
@overload
def jacobian(
    f: Sequence[Any], x: Sequence[Leaf], *, as_sympy: Literal[False] = False
) -> Formulas[Formulas[Expr]]: ...
@overload
def jacobian(f: Any, x: Any, *, as_sympy: bool) -> Any: ...
@public_as_typed
def jacobian(f: Any, x: Any, *, as_sympy: bool = False) -> Any:
    """All first derivatives, of shape ``f.shape + x.shape``, by forward accumulation.

    For a list of functions or of symbols the result is the list, or the list of lists, of blocks.

    Parameters
    ----------
    f : Expr, or list of Expr
    x : symbol, entries of a symbol such as ``v[1:3]``, or a list of these
    as_sympy : bool
        Give the result as SymPy's expression, as `to_sympy` does; of a list a list of these.

    Raises
    ------
    DerivativeError
        If `f` has no derivative by `x`.
    ArgumentError
        If `x` is neither a symbol nor made of entries of symbols.

    Examples
    --------
    >>> import symgrad as sg
    >>> x = sg.vector("x", 3)
    >>> sg.jacobian(sg.exp(x), x).shape
    (3, 3)
    """
    return _presented(derivatives.jacobian(f, x), as_sympy)


@overload
def hessian(f: W, x: W, *, as_sympy: Literal[False] = False) -> W: ...
@overload
def hessian(f: W, x: Sequence[W], *, as_sympy: Literal[False] = False) -> list[list[W]]: ...
@overload
def hessian(f: Any, x: Leaf, *, as_sympy: Literal[False] = False) -> Expr: ...
@overload
def hessian(
    f: Any, x: Sequence[Leaf], *, as_sympy: Literal[False] = False
) -> Formulas[Formulas[Expr]]: ...
@overload
def hessian(f: Any, x: Any, *, as_sympy: bool) -> Any: ...
@public_as_typed
def hessian(f: Any, x: Any, *, as_sympy: bool = False) -> Any:
    """All second derivatives of a scalar, of shape ``x.shape + x.shape``.

    For a list of symbols the result is the block form: a list of lists, block (i, j) of shape
    ``x_i.shape + x_j.shape``. Half of it is differentiated: block (j, i) is block (i, j) transposed, so
    for scalars ``H[i][j] is H[j][i]``.

    Parameters
    ----------
    f : Expr of shape ()
    x : symbol, entries of a symbol such as ``v[1:3]``, or a list of these
    as_sympy : bool
        Give the result as SymPy's expression, as `to_sympy` does; of a list a list of these.

    Raises
    ------
    ShapeError
        If `f` is no scalar.
    DerivativeError
        If `f` has no second derivative by `x`.

    Examples
    --------
    >>> import symgrad as sg
    >>> x, y = sg.symbols("x y")
    >>> print(sg.hessian(x**2 * y, [x, y]))
    [[2*y, 2*x], [2*x, 0]]
    """
    return _presented(derivatives.hessian(f, x), as_sympy)


def _presented(results: Any, as_sympy: bool) -> Any:
    """The results as they are read, or as SymPy's."""
    found = dict.fromkeys(x for x in _flat(results) if x.shape == () and x.args)
    small = 0 < len(found) <= MAX_RESULTS and len(toposort(found)) <= BOUNDED.nodes
    results = _mapped(results, {x: _read(x) for x in found} if small else {})
    return _in_sympy(results) if as_sympy else results


def _in_sympy(results: Any) -> Any:
    # an upper layer, which loads SymPy's printers: only where this is asked for
    from symgrad.interop.sympy import to_sympy  # noqa: PLC0415

    if isinstance(results, (list, tuple)):
        return [_in_sympy(part) for part in results]
    return to_sympy(results)


def _read(x: Expr) -> Expr:
    """The node for a result."""
    size = len(toposort([x]))
    if size <= MIDDLE and not may_be_shortened(x):
        return x
    result = shown(x)
    return result if size > SMALL else _settled(x, result)


def _settled(computed: Expr, result: Expr) -> Expr:
    """One formula where what is computed and what is read are the same, a number, or of other symbols."""
    (form,) = shown_forms([result])
    if (
        form is computed
        or is_number(form)
        or set(free_symbols(form)) != set(free_symbols(computed))
    ):
        return form
    return result


def _flat(results: Any) -> list[Any]:
    """The expressions in a nest of lists, in order."""
    if isinstance(results, (list, tuple)):
        return [x for part in results for x in _flat(part)]
    return [results]


def _mapped(results: Any, images: dict[Expr, Expr]) -> Any:
    """The results with some of them replaced; lists as lists that notebooks set."""
    if isinstance(results, (list, tuple)):
        return Formulas(_mapped(part, images) for part in results)
    return images.get(results, results)
