"""Ops that exist in print only: softmax, norms, triangles, columns of entries.

They are built as they stand, have no code, and no derivative.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from symgrad.expr.node import Expr, make
from symgrad.expr.op import Op
from symgrad.ops.reduction import AxesParams, axis_text


def printed(name: str, **notation: Any) -> Op:
    """An op that is built as it stands, and has no code."""
    op = Op(
        name=name,
        build=lambda args, params: make(op, args, params, *op.infer(args, params)),
        **notation,
    )
    return op


def _frobenius(node: Expr) -> str:
    """The mark of the norm of a matrix, which a matrix of one column does without."""
    x = node.args[0]
    return "_{{F}}" if x.ndim == 2 and 1 not in x.shape else ""


def _over_axes(name: str) -> Op:
    """A function along axes; params are the axes."""
    shown = name.replace("_", r"\_")
    return printed(
        name,
        fields=AxesParams,
        infer=lambda args, params: (args[0].shape, args[0].ty),
        text=lambda node: f"{name}({{0}}{axis_text(node)})",
        latex=lambda node: rf"\operatorname{{{{{shown}}}}}{_axis_index(node)}\left({{0}}\right)",
    )


def _part_of_matrix(name: str, side: int) -> Op:
    """A triangle; the one param is how many diagonals it is short of."""

    def offset(node: Expr) -> str:
        return str(side * node.params[0]) if node.params[0] else ""

    return printed(
        name,
        infer=lambda args, params: (args[0].shape, args[0].ty),
        text=lambda node: f"{name}({{0}}{', ' * bool(offset(node))}{offset(node)})",
        latex=lambda node: (
            rf"\operatorname{{{{{name}}}}}"
            + (f"_{{{{{offset(node)}}}}}" if offset(node) else "")
            + r"\left({0}\right)"
        ),
    )


def _axis_index(node: Expr) -> str:
    axes = node.params[0]
    if len(axes) == node.args[0].ndim:
        return ""
    return "_{{" + ", ".join("ijklmn"[a] if a < 6 else str(a) for a in axes) + "}}"


SOFTMAX: Final = _over_axes("softmax")
LOG_SOFTMAX: Final = _over_axes("log_softmax")
NORM: Final = printed(
    "norm",
    infer=lambda args, params: ((), args[0].ty),
    text="norm({0})",
    latex=lambda node: rf"\left\lVert {{0}} \right\rVert{_frobenius(node)}",
)
SPECTRAL: Final = printed(
    "spectral_norm",
    infer=lambda args, params: ((), args[0].ty),
    latex=r"\left\lVert {0} \right\rVert_{{2}}",
)


def _moment(name: str, fields: Any) -> Op:
    """A statistic along axes; params are the axes, and what is taken off the count of terms."""

    def less(node: Expr) -> str:
        return f", ddof={node.params[1]}" if len(node.params) > 1 and node.params[1] else ""

    def mark(node: Expr) -> str:
        (x,) = node.args
        if name == "mean" and not node.shape and not x.args:
            return r"\bar{{{0}}}"
        index = _axis_index(node)
        if less(node):
            divisor = f"n - {node.params[1]}"
            index = f"{index[:-2]}; {divisor}}}}}" if index else f"_{{{{{divisor}}}}}"
        return rf"\operatorname{{{{{name}}}}}{index}\left({{0}}\right)"

    return printed(
        name,
        fields=fields,
        infer=lambda args, params: (
            tuple([d for k, d in enumerate(args[0].shape) if k not in params[0]]),
            args[0].ty,
        ),
        text=lambda node: f"{name}({{0}}{axis_text(node)}{less(node)})",
        latex=mark,
    )


class SpreadParams(NamedTuple):
    """Axes, and what is taken off the count of terms."""

    axes: tuple[int, ...]
    ddof: int


MEAN: Final = _moment("mean", AxesParams)
VAR: Final = _moment("var", SpreadParams)
STD: Final = _moment("std", SpreadParams)
TRIL: Final = _part_of_matrix("tril", -1)
TRIU: Final = _part_of_matrix("triu", 1)


def _with_index(node: Expr) -> str:
    """The template of an operand that gets an index: a formula stands in brackets."""
    return r"\left({0}\right)" if node.args[0].args else "{0}"


OTHERS: Final = printed(
    "products_of_others",
    infer=lambda args, params: (args[0].shape, args[0].ty),
    text=lambda node: f"prod(where(eye({node.shape[0]}), 1, {{0}}), axis=1)",
    latex=lambda node: (
        rf"\left(\prod_{{{{j \neq i}}}} {_with_index(node)}_{{{{j}}}}\right)_{{{{i}}}}"
    ),
)
PRODUCT_OF_DIAGONAL: Final = printed(
    "product_of_diagonal",
    infer=lambda args, params: ((), args[0].ty),
    latex=r"\prod_{{i}} {0}_{{ii}}",
)
SUM_FROM: Final = printed(
    "sum_from",
    infer=lambda args, params: (args[0].shape, args[0].ty),
    latex=lambda node: (
        rf"\left(\sum_{{{{j \geq i}}}} {_with_index(node)}_{{{{j}}}}\right)_{{{{i}}}}"
    ),
)
ENTRIES: Final = printed(
    "entries",
    infer=lambda args, params: (params[0], args[0].ty),
    text=lambda node: _listed(node, "[", "]", ", ", ", "),
    latex=lambda node: (
        r"\begin{{bmatrix}} "
        + _listed(node, "", "", " & " if node.ndim == 2 else r" \\ ", r" \\ ")
        + r" \end{{bmatrix}}"
    ),
)


def _listed(node: Expr, opening: str, closing: str, between: str, rows: str) -> str:
    """The template of a column or a matrix of all operands."""
    width = node.shape[-1]
    fields = [f"{{{k}}}" for k in range(len(node.args))]
    lines = [between.join(fields[k : k + width]) for k in range(0, len(fields), width)]
    if node.ndim == 1:
        return f"{opening}{lines[0]}{closing}"
    return f"{opening}{rows.join(f'{opening}{line}{closing}' for line in lines)}{closing}"
