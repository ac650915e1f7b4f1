"""What a solver is asked to solve: unknowns, parameters and formulas, checked."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any, NamedTuple

from symgrad.errors import ArgumentError, DTypeError, ShapeError
from symgrad.expr.dims import show_shape
from symgrad.expr.node import Expr
from symgrad.expr.pytrees import flatten
from symgrad.expr.traverse import check_symbols, free_symbols
from symgrad.ops.elementwise import adopted, as_expr
from symgrad.solve.runtime.arguments import ProblemForm


class Problem(NamedTuple):
    """Formulas over unknowns and parameters.

    Attributes
    ----------
    formulas, unknowns, params : tuple of Expr
    form : ProblemForm
        The unknowns and parameters as plain data.
    """

    formulas: tuple[Expr, ...]
    unknowns: tuple[Expr, ...]
    params: tuple[Expr, ...]
    form: ProblemForm

    @property
    def symbols(self) -> list[Expr]:
        """The arguments of the generated functions."""
        return [*self.unknowns, *self.params]


def problem_of(
    who: str, formulas: Any, unknowns: Any, params: Any, beside: Sequence[Expr] = ()
) -> Problem:
    """The problem that a call describes; parameters may occur in what is `beside` the formulas alone.

    Raises
    ------
    ArgumentError
        If there are no unknowns, one of them or a parameter does not occur or is no symbol, or the
        formulas mention a symbol that is neither.
    """
    many = isinstance(unknowns, (list, tuple))
    leaves = _symbols(unknowns, f"an unknown of {who}")
    given = _symbols(params, f"a parameter of {who}")
    if not leaves:
        raise ArgumentError(f"{who} needs an unknown: a symbol or a list of symbols")
    listed, _ = flatten(formulas, as_expr)
    if not listed:
        raise ArgumentError(f"{who} needs a formula")
    for y in listed:
        if y.dtype.kind != "f" and y.dtype.kind not in "iu":
            raise DTypeError(f"{who} needs real formulas, got one of dtype {y.dtype}: {y}")
    _check_occurrence(who, listed, leaves, given, beside)
    kind = _kind(leaves, many)
    form = ProblemForm(kind, declared(leaves), declared(given))
    return Problem(tuple(listed), tuple(leaves), tuple(given), form)


def _symbols(given: Any, what: str) -> list[Expr]:
    listed = given if isinstance(given, (list, tuple)) else [given]
    symbols: list[Expr] = check_symbols([adopted(x) for x in listed], what)
    return symbols


def _kind(unknowns: Sequence[Expr], many: bool) -> str:
    if not many:
        return "array" if unknowns[0].shape else "scalar"
    return "arrays" if any(x.shape for x in unknowns) else "scalars"


def declared(symbols: Sequence[Expr]) -> tuple[Any, ...]:
    """Names and shapes of symbols, as plain data."""
    return tuple(
        (str(x.name), tuple(d if isinstance(d, int) else str(d) for d in x.shape)) for x in symbols
    )


def _check_occurrence(
    who: str,
    formulas: Sequence[Expr],
    unknowns: Sequence[Expr],
    params: Sequence[Expr],
    beside: Sequence[Expr],
) -> None:
    found = set(free_symbols(*formulas))
    aside = set(free_symbols(*beside)) if beside else set()
    seen: set[Expr] = set()
    for x in [*unknowns, *params]:
        role = "unknown" if len(seen) < len(unknowns) else "parameter"
        if x in seen:
            raise ArgumentError(f"{role} {x.name!r} of {who} is given twice")
        seen.add(x)
        if x not in found and not (role == "parameter" and x in aside):
            raise ArgumentError(
                f"{role} {x.name!r} {show_shape(x.shape)} does not occur in the formulas of {who};"
                " leave it out"
            )
        if role == "unknown" and x.dtype.kind != "f":
            raise DTypeError(f"unknown {x.name!r} has dtype {x.dtype}; declare it with dtype=float")
    missing = [str(x.name) for x in free_symbols(*formulas, *beside) if x not in seen]
    if missing:
        raise ArgumentError(
            f"the formulas of {who} mention {', '.join(missing)}: neither an unknown nor among params"
        )


def check_square(formulas: Sequence[Expr], unknowns: Sequence[Expr]) -> None:
    """As many equations as unknowns, as far as the extents are known."""
    m, n = size_of(formulas), size_of(unknowns)
    if m is not None and n is not None and m != n:
        advice = (
            "write least_squares(r, unknowns) for more equations than unknowns"
            if m > n
            else "give more equations, or take some of the unknowns for parameters"
        )
        raise ShapeError(f"{m} equations for {n} unknowns: newton_root needs as many; {advice}")


def size_of(group: Sequence[Expr]) -> int | None:
    """How many entries expressions have together; None where an extent is not known."""
    extents = [[d for d in e.shape if isinstance(d, int)] for e in group]
    if any(len(known) < e.ndim for known, e in zip(extents, group, strict=True)):
        return None
    return sum(prod(known) for known in extents)
