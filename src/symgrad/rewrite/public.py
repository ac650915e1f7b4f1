"""`simplify`: the pass that suits graphs of any size, and the search that suits formulas people read."""

from __future__ import annotations

from typing import Any, Literal, overload

from symgrad.errors import ArgumentError
from symgrad.expr.node import Expr
from symgrad.expr.pytrees import mapped
from symgrad.expr.traverse import toposort
from symgrad.ops.elementwise import as_expr
from symgrad.ops.lifted import Nest, W
from symgrad.ops.public import public_as_typed
from symgrad.rewrite.by_names import shortest_by_names
from symgrad.rewrite.canonical import canonical
from symgrad.rewrite.matrices import determinants_apart
from symgrad.rewrite.names import cut, named_parts, put_back, symbols_for
from symgrad.rewrite.readable import shown_forms
from symgrad.rewrite.rule import Guarantee, as_guarantee
from symgrad.rewrite.search import WITHOUT_BOUND, shorter_of, shortest
from symgrad.rewrite.simplify import simplify_all
from symgrad.rewrite.updates import of_diagonals, of_regular


@overload
def simplify(
    e: Nest,
    level: Literal["basic", "full"] = "basic",
    guarantee: Literal["exact", "rounding", "domain"] = "domain",
) -> Nest: ...
@overload
def simplify(
    e: W,
    level: Literal["basic", "full"] = "basic",
    guarantee: Literal["exact", "rounding", "domain"] = "domain",
) -> W: ...
@overload
def simplify(
    e: Any,
    level: Literal["basic", "full"] = "basic",
    guarantee: Literal["exact", "rounding", "domain"] = "domain",
) -> Expr: ...
@public_as_typed
def simplify(e: Any, level: str = "basic", guarantee: str = "domain") -> Any:
    """`e` with terms and powers collected, elementary identities applied, in its shortest form.

    Parameters
    ----------
    e : Expr, or a nest of lists, tuples and dicts of them, such as ``grad(f, [x, y])``
    level : {"basic", "full"}
        "basic" is one linear pass over a graph of any size. A scalar formula of up to 300 nodes is then
        put over common denominators, factored, written in half and double angles and so on, within
        bounded work; the form that prints shortest is taken. "full" searches without that bound, asks
        SymPy as well, and takes what it finds if that prints shorter; it may take minutes. It also writes
        determinants and inverses of a diagonal matrix plus one of low rank by the small matrix (the
        determinant lemma, Woodbury's formula) where no entry of the diagonal can be 0; that may lose
        digits where the diagonal is small.
    guarantee : {"exact", "rounding", "domain"}
        How much the rules that are used may change. "exact": nothing, to the last bit or better;
        "rounding": floats may be reassociated; "domain": the result may be defined at more points too,
        as 1 for ``x/x``. The search for shorter forms, and "full", need "domain".

    Returns
    -------
    Expr, or the same nest, each formula by itself.

    Raises
    ------
    ArgumentError
        For another level or guarantee.

    Examples
    --------
    >>> import symgrad as sg
    >>> x = sg.symbol("x")
    >>> print(sg.simplify(sg.sin(x)**2 + sg.cos(x)**2 + x - 3*x))
    1 - 2*x
    >>> print(sg.simplify(1 / (1 + sg.tan(x)**2)))
    cos(x)**2
    >>> print(sg.simplify(sg.abs(-x) + x * (1 / x), guarantee="exact"))
    abs(x) + x/x
    """
    if level not in ("basic", "full"):
        raise ArgumentError(f"simplify level must be 'basic' or 'full', not {level!r}")
    allowed = as_guarantee(guarantee)
    if level == "full" and allowed is not Guarantee.DOMAIN:
        raise ArgumentError('simplify level "full" needs the guarantee "domain"')
    return mapped(e, lambda part: _simplified(as_expr(part), level, allowed))


def _simplified(e: Expr, level: str, allowed: Guarantee) -> Expr:
    (given,) = shown_forms([e])
    if allowed is not Guarantee.DOMAIN:
        return simplify_all([given], guarantee=allowed)[0]
    (given,) = of_regular(canonical([given]))
    if level == "full":
        (given,) = of_diagonals([given])
    (tidy,) = simplify_all([given])
    (apart,) = determinants_apart([tidy])
    tidy = tidy if apart is tidy else simplify_all([apart])[0]
    if level == "basic":
        return shortest_by_names([tidy, given])
    from symgrad.interop.sympy import simplify_with_sympy  # noqa: PLC0415 (only when asked)

    best = shortest_by_names([tidy, given], WITHOUT_BOUND)
    symbols = symbols_for(named_parts(toposort([best])))
    (plain,) = cut([best], symbols)
    (theirs,) = put_back([simplify_with_sympy(plain)], symbols)
    return shorter_of(best, shortest([theirs], WITHOUT_BOUND))
