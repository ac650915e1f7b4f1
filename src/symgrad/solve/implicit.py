"""`implicit`: the solution of an equation as an expression, with its derivatives."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from math import nan
from typing import Any, Final

from symgrad.autodiff.derivatives import jacobian
from symgrad.autodiff.rounding import rounding
from symgrad.errors import ArgumentError, DTypeError, ShapeError
from symgrad.expr.dims import add_dims, broadcast_shapes, mul_dims, show_shape
from symgrad.expr.leaves import assumed, symbol
from symgrad.expr.node import Expr
from symgrad.expr.rewriting import replace
from symgrad.expr.traverse import check_symbols, free_symbols, toposort
from symgrad.ops.applied import with_functions
from symgrad.ops.comparison import logical_and
from symgrad.ops.einsum import broadcast
from symgrad.ops.elementwise import adopted, as_expr
from symgrad.ops.implicit import ENTRYWISE, SYSTEM, Equation
from symgrad.ops.layout import concat, part
from symgrad.ops.matrices import as_float
from symgrad.ops.reducing import max as largest
from symgrad.ops.reducing import min as least
from symgrad.ops.reshaping import reshape_to
from symgrad.ops.select import where
from symgrad.ops.ufuncs import equal, greater, greater_equal, less, less_equal
from symgrad.print.latex import latex
from symgrad.program.build import is_batched, lower
from symgrad.program.ir import Program
from symgrad.targets.numpy_source import definitions_of, function_source
from symgrad.targets.passes import NEEDED_PASSES, SINGLE_CALLS, prepared


@with_functions("unknown", "params")
def implicit(F: Any, unknown: Any, params: Any = None, x0: Any = 1.0) -> Any:
    """The solution of ``F(unknown, params) = 0``, as an expression of the parameters.

    Its value is found by Newton's method when a compiled function is called. Its derivatives follow
    the implicit function theorem, ``dx/dp = -(dF/dx)^-1 dF/dp``, to any order, so it can be part of any
    formula. The code needs NumPy only.

    Parameters
    ----------
    F : Expr, or list of Expr
        What is zero, of the shape of the unknown; a list for a list of unknowns.
    unknown : symbol, or list of symbols
    params : symbol or sequence of symbols, optional
        What the solution depends on: all other symbols of `F`, in any order, which is what is taken if
        it is left out.
    x0 : number, array or Expr, or list of them for a list of unknowns
        Where the iteration starts; it broadcasts to the unknown, and may depend on the parameters. It
        decides which of several solutions is found.

    Returns
    -------
    Expr of the shape of `unknown`, or a list of them.
        Its value is nan where no solution was found from `x0`. If F is a formula of scalars, arguments
        may come as arrays, and each entry is an equation of its own.

    Raises
    ------
    ArgumentError
        If an unknown is no symbol or does not occur in `F`, or `params` are not the other symbols.
    ShapeError
        If `F` has not as many entries as the unknown, or `x0` does not fit.

    Examples
    --------
    >>> import symgrad as sg
    >>> x, e, m = sg.symbols("x e m")
    >>> anomaly = sg.implicit(x - e * sg.sin(x) - m, x, [e, m], x0=m)
    >>> print(anomaly)
    x where x = root(x - e*sin(x) - m, x)
    >>> print(f"{sg.evaluate(anomaly, {e: 0.3, m: 1.0}):.12f}")
    1.288091313212
    >>> print(f"{sg.evaluate(sg.diff(anomaly, m), {e: 0.3, m: 1.0}):.12f}")
    1.091329301150
    """
    many = isinstance(unknown, (list, tuple))
    unknowns = check_symbols(
        [adopted(x) for x in (unknown if many else [unknown])], "an unknown of implicit"
    )
    residuals = [as_expr(y) for y in (F if isinstance(F, (list, tuple)) else [F])]
    _check_equations(residuals, unknowns)
    parameters = _parameters(residuals, unknowns, params)
    starts = [_begun(s, x) for s, x in zip(_starts(x0, unknowns, many), unknowns, strict=True)]
    shown = _shown(residuals, unknowns)
    if len(unknowns) == 1 and residuals[0].shape == unknowns[0].shape:
        inside = _inside(unknowns[0])
        root = _node(residuals[0], unknowns[0], parameters, starts[0], shown, inside)
        return [root] if many else root
    return _joint(residuals, unknowns, parameters, starts, shown)


def _check_equations(residuals: Sequence[Expr], unknowns: Sequence[Expr]) -> None:
    if not unknowns:
        raise ArgumentError("implicit needs at least one unknown")
    symbols = set(free_symbols(*residuals))
    for i, x in enumerate(unknowns):
        if x not in symbols:
            raise ArgumentError(f"the equation does not mention the unknown {x.name!r}")
        if any(x is other for other in unknowns[:i]):
            raise ArgumentError(f"the unknown {x.name!r} is given twice")
        if x.dtype.kind != "f":
            raise DTypeError(f"the unknown {x.name!r} has dtype {x.dtype}, needs a floating one")
    wanted, given = [_entries([*group]) for group in (unknowns, residuals)]
    if wanted != given or (len(unknowns) == 1 == len(residuals) and _differ(residuals, unknowns)):
        shapes = [", ".join(show_shape(y.shape) for y in group) for group in (unknowns, residuals)]
        raise ShapeError(
            f"the unknowns have shapes {shapes[0]}, the equations {shapes[1]}: there must be an"
            " equation for each entry"
        )


def _differ(residuals: Sequence[Expr], unknowns: Sequence[Expr]) -> bool:
    return residuals[0].shape != unknowns[0].shape


SIDES: Final = {
    "positive": (greater, 1.0),
    "nonnegative": (greater_equal, 0.0),
    "negative": (less, -1.0),
    "nonpositive": (less_equal, 0.0),
}


def _inside(x: Expr) -> Expr | None:
    """Where an unknown may be by what is assumed of it; one condition for all entries of an array."""
    found = None
    for held, (compare, _) in SIDES.items():
        if assumed(x, held):
            extreme = (
                x if not x.shape else (least if compare in (greater, greater_equal) else largest)(x)
            )
            condition = compare(extreme, 0.0)
            found = condition if found is None else logical_and(found, condition)
    return found


def _begun(start: Expr, x: Expr) -> Expr:
    """A start within what is assumed of the unknown: at the mirror image of one that is not."""
    for held, (compare, instead) in SIDES.items():
        if assumed(x, held):
            start = where(
                compare(start, 0.0), start, where(equal(start, 0.0), instead, -1.0 * start)
            )
    return start


def _guarded(residual: Expr, inside: Expr | None) -> Expr:
    """The equation, nan where no root is allowed, so that steps that lead there are shortened."""
    return residual if inside is None else where(inside, residual, as_expr(nan))


def _entries(group: Sequence[Expr]) -> Any:
    total: Any = 0
    for y in group:
        total = add_dims(total, mul_dims(*y.shape))
    return total


def _parameters(residuals: Sequence[Expr], unknowns: Sequence[Expr], params: Any) -> list[Expr]:
    others = [x for x in free_symbols(*residuals) if x not in set(unknowns)]
    if params is None:
        return others
    given = params if isinstance(params, (list, tuple)) else [params]
    checked = check_symbols([adopted(p) for p in given], "a parameter of implicit")
    for p in checked:
        if p not in set(others):
            raise ArgumentError(f"the equation does not mention the parameter {p.name!r}")
    missing = [str(p.name) for p in others if p not in set(checked)]
    if missing:
        raise ArgumentError(
            f"the equation mentions {', '.join(missing)}, neither unknown nor among the parameters"
        )
    return list(dict.fromkeys(checked))


def _starts(x0: Any, unknowns: Sequence[Expr], many: bool) -> list[Expr]:
    given = list(x0) if many and isinstance(x0, (list, tuple)) else [x0] * len(unknowns)
    if len(given) != len(unknowns):
        raise ArgumentError(f"x0 has {len(given)} values for {len(unknowns)} unknowns")
    starts = []
    for x, value in zip(unknowns, given, strict=True):
        start = as_expr(value)
        if set(free_symbols(start)) & set(unknowns):
            raise ArgumentError(f"the start of {x.name!r} mentions an unknown")
        if not _fits(start, x):
            raise ShapeError(
                f"the start of {x.name} has shape {show_shape(start.shape)}, needs"
                f" {show_shape(x.shape)}"
            )
        starts.append(as_float(broadcast(start, x.shape)))
    return starts


def _fits(start: Expr, x: Expr) -> bool:
    try:
        return broadcast_shapes(start.shape, x.shape) == x.shape
    except ShapeError:
        return False


def _program(arguments: Sequence[Expr], formulas: Sequence[Expr]) -> Program:
    """The program for arrays of what an equation is made of."""
    return SINGLE_CALLS.run(lower(arguments, prepared(formulas, NEEDED_PASSES)))


def _shown(residuals: Sequence[Expr], unknowns: Sequence[Expr]) -> tuple[str, str]:
    """Equations and unknowns as text and LaTeX."""

    def listed(parts: list[str], left: str, right: str) -> str:
        return parts[0] if len(parts) == 1 else f"{left}{', '.join(parts)}{right}"

    groups = (residuals, unknowns)
    text = [listed([str(y) for y in group], "[", "]") for group in groups]
    tex = [listed([latex(y) for y in group], r"\left[", r"\right]") for group in groups]
    return ", ".join(text), ", ".join(tex)


def _node(
    residual: Expr,
    x: Expr,
    parameters: list[Expr],
    start: Expr,
    shown: tuple[str, str],
    inside: Expr | None,
) -> Expr:
    """The node of one equation; `inside` is where the root may be."""
    arguments = [x, *parameters]
    slope, *slopes = jacobian(residual, arguments)
    entrywise = is_batched(arguments, toposort([residual, slope, *slopes]))
    program = _program(arguments, [_guarded(residual, inside), slope])
    nest = ("tuple", (), (0, 1))
    plain = function_source(program, nest, "equation")
    name = f"_equation_{hashlib.sha256(plain.encode()).hexdigest()[:8]}"
    bound = _program(arguments, [as_float(rounding(residual, [x]))])
    equation = Equation(
        residual,
        x,
        tuple(parameters),
        slope,
        tuple(slopes),
        name,
        function_source(program, nest, name),
        function_source(bound, 0, f"{name}_rounding"),
        tuple({**definitions_of(program), **definitions_of(bound)}.items()),
        *shown,
    )
    op = ENTRYWISE if entrywise and start.shape == () else SYSTEM
    return op.build((start, *parameters), (equation,))


def _joint(
    residuals: Sequence[Expr],
    unknowns: Sequence[Expr],
    parameters: list[Expr],
    starts: Sequence[Expr],
    shown: tuple[str, str],
) -> list[Expr]:
    """Several unknowns as parts of one vector."""
    sizes = [mul_dims(*x.shape) for x in unknowns]
    name = "_".join(str(x.name) for x in unknowns)
    while any(p.name == name for p in parameters):
        name += "_"
    z = symbol(name, (_entries(unknowns),))
    entries = dict(zip(unknowns, _parts(z, sizes, unknowns), strict=True))
    flat = [reshape_to(y, (mul_dims(*y.shape),)) for y in replace(residuals, entries, {})]
    start = concat([reshape_to(s, (n,)) for s, n in zip(starts, sizes, strict=True)], 0)
    within = [c for c in map(_inside, unknowns) if c is not None]
    inside = None
    for c in replace(within, entries, {}):
        inside = c if inside is None else logical_and(inside, c)
    root = _node(concat(flat, 0), z, parameters, start, shown, inside)
    return _parts(root, sizes, unknowns)


def _parts(z: Expr, sizes: Sequence[Any], unknowns: Sequence[Expr]) -> list[Expr]:
    found, begin = [], 0
    for size, x in zip(sizes, unknowns, strict=True):
        end: Any = add_dims(begin, size)
        found.append(reshape_to(part(z, 0, begin, end), x.shape) if x.shape else z[begin])
        begin = end
    return found
