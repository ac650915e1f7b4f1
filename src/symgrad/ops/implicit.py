"""A quantity defined by an equation: ``F(x, p) = 0`` solved for `x`, as a node over `p`.

With y the root, ``F(y(p), p) = 0`` for all p, so by the implicit function theorem

    dF/dx . dy/dp + dF/dp = 0,    dy/dp = -(dF/dx)^-1 . dF/dp    at x = y.

The rules write this in ops of the graph, with the node itself for `x`, so derivatives of any order
follow. The derivatives of F come with the equation: this layer does not know how to find them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np

from symgrad.expr.dims import Shape, dim_names, mul_dims
from symgrad.expr.node import Expr, make
from symgrad.expr.op import Op, Params, Rename
from symgrad.expr.rewriting import replace
from symgrad.expr.traverse import toposort
from symgrad.expr.types import WEAK_FLOAT, Ty, promote, resolve
from symgrad.ops.arithmetic import add
from symgrad.ops.einsum import broadcast, einsum_node
from symgrad.ops.elementwise import over_arrays
from symgrad.ops.linalg import solve
from symgrad.ops.matrices import minus, transposed
from symgrad.ops.reshaping import reshape_to


@dataclass(frozen=True, eq=False, repr=False)
class Equation:
    """``residual = 0``, solved for `unknown`; its symbols are bound, as arguments of a function are.

    Attributes
    ----------
    residual, unknown : Expr
        Of one shape.
    parameters : tuple of Expr
        The other symbols; a node has an operand for each.
    slope : Expr
        The derivative of the residual by the unknown.
    slopes : tuple of Expr
        Those by the parameters.
    name, source : str
        The function that computes residual and slope, and its code.
    rounding : str
        The code of the function ``<name>_rounding``: the running error bound of the residual.
    more : tuple of (str, str)
        The functions that this code calls, by name.
    text, latex : str
        The equation and its unknowns, for reading.
    """

    residual: Expr
    unknown: Expr
    parameters: tuple[Expr, ...]
    slope: Expr
    slopes: tuple[Expr, ...]
    name: str
    source: str
    rounding: str
    more: tuple[tuple[str, str], ...]
    text: str
    latex: str

    def _key(self) -> tuple[Any, ...]:
        return (self.residual, self.unknown, *self.parameters)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Equation):
            return NotImplemented
        mine, theirs = self._key(), other._key()
        return len(mine) == len(theirs) and all(a is b for a, b in zip(mine, theirs, strict=True))

    def __hash__(self) -> int:
        return hash(self._key())

    def at(self, exprs: Sequence[Expr], y: Expr) -> list[Expr]:
        """Expressions of the bound symbols, with the root and its operands in their place."""
        known = dict(zip((self.unknown, *self.parameters), (y, *y.args[1:]), strict=True))
        if y.op is ENTRYWISE and y.shape:
            return over_arrays(exprs, known, y.shape)
        return replace(exprs, known, {})

    def renamed(self, rename: Rename) -> Equation:
        """The equation with other extents."""
        before = [self.residual, self.unknown, self.slope, *self.parameters, *self.slopes]
        names = {n for x in before for node in toposort([x]) for n in _names(node.shape)}
        after = replace(before, {}, {name: rename(name) for name in names})
        if all(a is b for a, b in zip(after, before, strict=True)):
            return self
        residual, unknown, slope, *rest = after
        k = len(self.parameters)
        given = (self.name, self.source, self.rounding, self.more, self.text, self.latex)
        return Equation(residual, unknown, tuple(rest[:k]), slope, tuple(rest[k:]), *given)


def _names(shape: Shape) -> set[str]:
    return {name for d in shape for name in dim_names(d)}


def _infer(args: tuple[Expr, ...], params: Params) -> tuple[Shape, Ty]:
    types = [a.ty for a in args]
    return args[0].shape, resolve(np.true_divide, (promote(*types), WEAK_FLOAT))


# Scalars, entry by entry


def _entrywise_cotangents(g: Expr, y: Expr, needed: Sequence[bool]) -> list[Expr | None]:
    equation = y.params.equation
    slope, *slopes = equation.at([equation.slope, *equation.slopes], y)
    scaled = minus(g / slope)
    wanted = zip(slopes, needed[1:], strict=True)
    return [None, *[scaled * s if needs else None for s, needs in wanted]]


# Arrays


def _adjoint(g: Expr, slope: Expr) -> Expr:
    """``(dF/dx)^-T g``, of the shape of F."""
    if g.ndim == 0:
        return g / slope
    n = mul_dims(*g.shape)
    matrix = transposed(reshape_to(slope, (n, n)))
    return reshape_to(solve(matrix, reshape_to(g, (n,))), g.shape)


def _cotangents(g: Expr, y: Expr, needed: Sequence[bool]) -> list[Expr | None]:
    equation = y.params.equation
    slope, *slopes = equation.at([equation.slope, *equation.slopes], y)
    u = _adjoint(g, slope)
    result: list[Expr | None] = [None]
    for s, needs in zip(slopes, needed[1:], strict=True):
        axes = tuple(range(s.ndim))
        own, rest = axes[: y.ndim], axes[y.ndim :]
        result.append(minus(einsum_node([u, s], [own, axes], rest, {})) if needs else None)
    return result


def _tangent(y: Expr, tangents: Sequence[Expr | None]) -> Expr | None:
    """``-(dF/dx)^-1 sum_k dF/dp_k t_k``; further axes of the tangents are directions."""
    equation = y.params.equation
    slope, *slopes = equation.at([equation.slope, *equation.slopes], y)
    total: Expr | None = None
    extra: Shape = ()
    for s, t in zip(slopes, tangents[1:], strict=True):
        if t is None:
            continue
        axes, behind = tuple(range(s.ndim)), s.ndim - y.ndim
        directions = tuple(range(s.ndim, s.ndim + t.ndim - behind))
        extra = t.shape[behind:]
        labels = [axes, (*axes[y.ndim :], *directions)]
        term = einsum_node([s, t], labels, (*axes[: y.ndim], *directions), {})
        total = term if total is None else add(total, term)
    if total is None:
        return None
    if y.ndim == 0:
        return minus(total / broadcast(slope, total.shape))
    n = mul_dims(*y.shape)
    columns = reshape_to(total, (n, mul_dims(*extra)))
    return minus(reshape_to(solve(reshape_to(slope, (n, n)), columns), (*y.shape, *extra)))


# Code and notation


def _definitions(node: Expr) -> dict[str, str]:
    equation = node.params.equation
    own = {equation.name: equation.source, f"{equation.name}_rounding": equation.rounding}
    return {**dict(equation.more), **own}


def _call(function: str) -> Any:
    def template(node: Expr) -> str:
        operands = ", ".join([f"{{{i}}}" for i in range(len(node.args))])
        name = node.params.equation.name
        return f"{function}({name}, {name}_rounding, {operands})"

    return template


def _replaced(node: Expr) -> list[tuple[int, str]]:
    """The operands that are not what the symbols of the equation are or stand for, each with its symbol."""
    pairs = zip(node.args[1:], node.params.equation.parameters, strict=True)
    return [
        (i, str(p.name))
        for i, (arg, p) in enumerate(pairs, 1)
        if arg is not p and arg is not p.params.tag
    ]


def _text(node: Expr) -> str:
    given = "".join([f", {name}={{{i}}}" for i, name in _replaced(node)])
    return f"root({_escaped(node.params.equation.text)}{given})"


def _latex(node: Expr) -> str:
    body = rf"\operatorname{{{{root}}}}\left({_escaped(node.params.equation.latex)}\right)"
    given = ", ".join([rf"{name} = {{{{{{{i}}}}}}}" for i, name in _replaced(node)])
    return rf"\left.{body}\right|_{{{{{given}}}}}" if given else body


def _escaped(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")


def _entrywise(args: tuple[Expr, ...], params: Params) -> Expr:
    return make(ENTRYWISE, args, params, *_infer(args, params))


def _system(args: tuple[Expr, ...], params: Params) -> Expr:
    return make(SYSTEM, args, params, *_infer(args, params))


def _map_dims(params: Params, rename: Rename) -> Params:
    equation = params[0].renamed(rename)
    return params if equation is params[0] else (equation,)


class EquationParams(NamedTuple):
    """The equation that is solved."""

    equation: Equation


_NOTES: Final = (
    "nan where Newton's method, from the first operand, finds no root. The derivative by that start is"
    " zero; where dF/dx is singular there is none."
)
ENTRYWISE: Final = Op(
    name="implicit",
    fields=EquationParams,
    build=_entrywise,
    infer=_infer,
    vjp=_entrywise_cotangents,
    elementwise=True,
    numpy=_call("_root"),
    definitions=_definitions,
    label=lambda node: str(node.params.equation.unknown.name),
    text=_text,
    latex=_latex,
    notes=_NOTES,
)
SYSTEM: Final = Op(
    name="implicit_system",
    fields=EquationParams,
    build=_system,
    infer=_infer,
    vjp=_cotangents,
    jvp=_tangent,
    numpy=_call("_root_system"),
    definitions=_definitions,
    label=lambda node: str(node.params.equation.unknown.name),
    text=_text,
    latex=_latex,
    map_dims=_map_dims,
    notes=_NOTES,
)
IMPLICIT_OPS: Final = (ENTRYWISE, SYSTEM)
