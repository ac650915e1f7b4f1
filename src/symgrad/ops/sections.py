"""Shapes and errors that functions of a kind have in common, for the docstrings that do not say them."""

from __future__ import annotations

import inspect
import re
from typing import Final, NamedTuple


class FunctionKind(NamedTuple):
    """What is said of the functions named in `names`.

    Attributes
    ----------
    names : str
        Names, separated by spaces.
    returns : str
        The shape of the result.
    raises : tuple of (error, when)
    """

    names: str
    returns: str
    raises: tuple[tuple[str, str], ...]


_NO_NUMBER: Final = ("DTypeError", "For an operand that is neither an expression nor numeric.")
_AXIS: Final = ("ShapeError", "For an axis that is out of range.")
_NOT_SQUARE: Final = ("ShapeError", "If the last two axes are not those of square matrices.")

ENTRYWISE: Final = FunctionKind(
    "add subtract multiply divide true_divide power pow float_power negative positive reciprocal sqrt"
    " square degrees radians deg2rad rad2deg fabs sinc leaky_relu relu exprel log_expit round nan_to_num"
    " clip isclose"
    " divmod modf frexp j0 j1 y0 y1 i0 i0e i1 i1e k0 k0e k1 k1e airy fresnel sici shichi"
    " hyp0f1 hyp1f1 hyp2f1 stop_gradient",
    "Expr of the shape to which the operands broadcast.",
    (_NO_NUMBER,),
)
ORDERED: Final = FunctionKind(
    "jv yv iv kv ive kve",
    "Expr of the shape of the last operand.",
    (
        (
            "ArgumentError",
            "For an order that is neither a number nor, where there is a rule for it, a symbol.",
        ),
        _NO_NUMBER,
    ),
)
REDUCING: Final = FunctionKind(
    "mean var std prod max min any all argmax argmin median ptp count_nonzero nansum nanprod nanmean"
    " nanmedian nanvar nanstd nanmax nanmin logsumexp vector_norm",
    "Expr without the axes that are reduced, which stay with extent 1 under ``keepdims``.",
    (_AXIS, _NO_NUMBER),
)
ALONG: Final = FunctionKind(
    "cumsum cumprod nancumsum nancumprod sort argsort softmax log_softmax flip roll fftshift ifftshift",
    "Expr of the shape of the operand.",
    (_AXIS, _NO_NUMBER),
)
PRODUCTS: Final = FunctionKind(
    "dot inner vdot matvec vecmat cross",
    "Expr of the shape that NumPy's function gives.",
    (("ShapeError", "For extents that do not fit together."), _NO_NUMBER),
)
OUTER: Final = FunctionKind(
    "outer kron",
    "Expr of the shape that NumPy's function gives.",
    (_NO_NUMBER,),
)
SQUARE: Final = FunctionKind(
    "det logdet slogdet eigvalsh expm",
    "Of matrices ``(..., n, n)``: the axes in front are a batch, and stay.",
    (_NOT_SQUARE, _NO_NUMBER),
)
MATRICES: Final = FunctionKind(
    "trace diagonal tril triu matrix_transpose svdvals pinv cond matrix_rank matrix_norm",
    "Of matrices ``(..., m, n)``: the axes in front are a batch, and stay.",
    (("ShapeError", "For an operand of fewer than two axes."), _NO_NUMBER),
)
JOINING: Final = FunctionKind(
    "concatenate append stack hstack vstack dstack",
    "Expr whose axis that is joined is as long as all operands are together.",
    (("ShapeError", "If the other extents differ."), _NO_NUMBER),
)
MOVING: Final = FunctionKind(
    "swapaxes moveaxis expand_dims repeat unstack take_along_axis",
    "Expr with the entries of the operand.",
    (_AXIS, _NO_NUMBER),
)
KINDS: Final = (
    *(ENTRYWISE, ORDERED, REDUCING, ALONG, PRODUCTS, OUTER),
    *(SQUARE, MATRICES, JOINING, MOVING),
)
BY_NAME: Final = {name: kind for kind in KINDS for name in kind.names.split()}


def with_sections(name: str, doc: str | None) -> str:
    """A docstring with the shapes and errors of its kind, where it does not say them."""
    plain = inspect.cleandoc(doc or "")
    kind = BY_NAME.get(name)
    if kind is None:
        return plain
    parts = []
    if not re.search(r"^Returns$", plain, re.MULTILINE):
        parts.append(f"Returns\n-------\n{kind.returns}\n")
    if not re.search(r"^Raises$", plain, re.MULTILINE):
        lines = [line for error, when in kind.raises for line in (error, f"    {when}")]
        parts.append("\n".join(["Raises", "------", *lines, ""]))
    text, mark, examples = plain.partition("Examples\n--------\n")
    return "\n".join([text.rstrip(), "", *parts]) + ("\n" + mark + examples if mark else "")
