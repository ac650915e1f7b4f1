"""What the template of an instruction calls: one ufunc, a reduction by one, or something else.

Templates are read through `ast`, once each, so an op says how it is computed in one place only.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np

from symgrad.lower.program import Code

BINARY: Final[dict[type[ast.AST], str]] = {
    ast.Add: "np.add",
    ast.Sub: "np.subtract",
    ast.Mult: "np.multiply",
    ast.Div: "np.divide",
    ast.Pow: "np.power",
    ast.Mod: "np.mod",
    ast.FloorDiv: "np.floor_divide",
    ast.Lt: "np.less",
    ast.LtE: "np.less_equal",
    ast.Gt: "np.greater",
    ast.GtE: "np.greater_equal",
    ast.Eq: "np.equal",
    ast.NotEq: "np.not_equal",
}

# NumPy's functions that reduce by a ufunc
REDUCTIONS: Final = {
    "np.sum": "np.add",
    "np.prod": "np.multiply",
    "np.max": "np.maximum",
    "np.min": "np.minimum",
    "np.any": "np.logical_or",
    "np.all": "np.logical_and",
}

WHERE: Final = "np.where"
ASTYPE: Final = "astype"
DOT: Final = "np.vdot"


@dataclass(frozen=True, slots=True)
class Call:
    """One call that fills an array entry by entry.

    Attributes
    ----------
    name : str
        A ufunc such as ``np.exp``, or ``np.where``, or ``astype``.
    args : tuple
        Operand numbers; literals and calls inside it come as `Literal` and `Call`.
    dtype : str
        What ``astype`` converts to.
    """

    name: str
    args: tuple[Any, ...]
    dtype: str = ""


@dataclass(frozen=True, slots=True)
class Literal:
    """A number in a template."""

    value: Any


@dataclass(frozen=True, slots=True)
class Reduction:
    """A reduction of one operand over `axes`, all of them where None; or the dot of two."""

    name: str
    axes: tuple[int, ...] | None


@lru_cache(maxsize=4096)
def call_of(code: Code) -> Call | None:
    """The tree of ufunc calls that a template is, or None."""
    tree = _parsed(code)
    found = _call(tree) if tree is not None else None
    return found if isinstance(found, Call) else None


@lru_cache(maxsize=4096)
def reduction_of(code: Code) -> Reduction | None:
    """The reduction that a template is, or None."""
    tree = _parsed(code)
    if isinstance(tree, ast.BinOp) and isinstance(tree.op, ast.MatMult):
        return Reduction(DOT, None)
    if not isinstance(tree, ast.Call):
        return None
    name = ast.unparse(tree.func)
    operands = [_operand(arg) for arg in tree.args]
    if name == DOT and operands == [0, 1]:
        return Reduction(DOT, None)
    if name not in REDUCTIONS or operands != [0] or any(k.arg != "axis" for k in tree.keywords):
        return None
    axis = ast.literal_eval(tree.keywords[0].value) if tree.keywords else None
    return Reduction(REDUCTIONS[name], (axis,) if isinstance(axis, int) else axis)


def _parsed(code: Code) -> ast.expr | None:
    names = [f"_operand{i}" for i in range(len(code.needs))]
    try:
        return ast.parse(code.numpy.format(*names), mode="eval").body
    except SyntaxError:
        return None


def _operand(tree: ast.expr) -> int | None:
    if isinstance(tree, ast.Name) and tree.id.startswith("_operand"):
        return int(tree.id.removeprefix("_operand"))
    return None


def _call(tree: ast.expr) -> Any:
    """An operand number, a `Literal` or a `Call`; None for anything else."""
    number = _operand(tree)
    if number is not None:
        return number
    if isinstance(tree, ast.Constant):
        return Literal(tree.value)
    if isinstance(tree, ast.BinOp):
        return _made(BINARY.get(type(tree.op)), [tree.left, tree.right])
    if isinstance(tree, ast.Compare) and len(tree.ops) == 1:
        return _made(BINARY.get(type(tree.ops[0])), [tree.left, *tree.comparators])
    if isinstance(tree, ast.UnaryOp) and isinstance(tree.op, ast.USub):
        inner = _call(tree.operand)
        if isinstance(inner, Literal):
            return Literal(-inner.value)
        return _made("np.negative", [tree.operand])
    return _function(tree)


def _function(tree: ast.expr) -> Any:
    if not isinstance(tree, ast.Call) or tree.keywords:
        return None
    if isinstance(tree.func, ast.Attribute) and tree.func.attr == ASTYPE:
        inner = _call(tree.func.value)
        return None if inner is None else Call(ASTYPE, (inner,), ast.unparse(tree.args[0]))
    name = ast.unparse(tree.func)
    return _made(name if name == WHERE or ufunc_named(name) is not None else None, tree.args)


def _made(name: str | None, args: list[ast.expr]) -> Call | None:
    inner = [_call(arg) for arg in args]
    return None if name is None or any(arg is None for arg in inner) else Call(name, tuple(inner))


# Time that a ufunc takes for an entry in the cache, where one addition takes 1
COSTS: Final = {
    **dict.fromkeys("np.divide np.sqrt np.where np.log2 np.exp2".split(), 2),
    **dict.fromkeys("np.exp np.expm1 np.log np.log1p np.log10 np.tan np.arctan".split(), 4),
    **dict.fromkeys("np.tanh np.sinh np.cosh np.arcsinh np.arccosh np.arctanh".split(), 5),
    **dict.fromkeys("np.arcsin np.arccos np.arctan2 np.power np.cbrt np.mod np.hypot".split(), 8),
    **dict.fromkeys("np.sin np.cos np.logaddexp np.logaddexp2 np.fmod".split(), 20),
}


def cost_of(code: Code) -> int:
    """About how long the entrywise calls of a template, or a reduction, take for an entry."""
    call = call_of(code)
    return 1 if call is None else _cost(call)


def _cost(call: Call) -> int:
    own = 20 if call.name.startswith("scipy.") else COSTS.get(call.name, 1)
    return own + sum(_cost(arg) for arg in call.args if isinstance(arg, Call))


@lru_cache(maxsize=512)
def ufunc_named(name: str) -> np.ufunc | None:
    """The ufunc of one result that a dotted name in generated code stands for, or None."""
    root, *path = name.split(".")
    if root == "np":
        found: Any = np
    elif root == "scipy":
        import scipy.special  # noqa: PLC0415 - only where the code calls it

        found, path = scipy.special, path[1:]
    else:
        return None
    for part in path:
        found = getattr(found, part, None)
    return (
        found if isinstance(found, np.ufunc) and found.nout == 1 and not found.signature else None
    )
