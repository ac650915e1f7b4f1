"""Templates of code, such as ``"np.logaddexp(0.0, {0})"``, read into kinds through `ast`, once each.

This is how who adds an op says what computes it. ``{0}``, ``{1}`` stand for the operands; the rest is
Python code in the names ``np`` and ``scipy.special``.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from functools import lru_cache
from string import Formatter
from typing import Any, Final

import numpy as np

from symgrad.expr.kinds import Call, Formula, Kind, Literal, Name, Tree, Ufunc, Written
from symgrad.expr.numbers import GREATEST_INT, LEAST_INT, as_float

OPERAND: Final = "_operand"  # and a number: the name of an operand in the code that is read

BINARY: Final[dict[type[ast.AST], str]] = {
    ast.Add: "add",
    ast.Sub: "subtract",
    ast.Mult: "multiply",
    ast.Div: "divide",
    ast.Pow: "power",
    ast.Mod: "mod",
    ast.FloorDiv: "floor_divide",
    ast.Lt: "less",
    ast.LtE: "less_equal",
    ast.Gt: "greater",
    ast.GtE: "greater_equal",
    ast.Eq: "equal",
    ast.NotEq: "not_equal",
}


@lru_cache(maxsize=4096)
def entrywise_kind(template: str, scalar: str, count: int) -> Kind | None:
    """The kind that computes a function of entries; None for the template ``"{0}"``, which is none.

    `scalar` is the template for Python floats, empty where there is none; `count` is that of operands.
    """
    found = _read(_tree_of(template, count))
    if found == 0:
        return None
    if not isinstance(found, Tree):
        return Written(template, scalar)
    alone = found.args == tuple(range(count))
    return found.kind if alone else Formula(found, scalar)


@lru_cache(maxsize=512)
def call_kind(template: str, count: int) -> Call:
    """The call that a template is: names, the operands in their order, then literals as options."""
    tree = _tree_of(template, count)
    assert isinstance(tree, ast.Call), template
    first = len(tree.args) - count
    assert [_operand(arg) for arg in tree.args[first:]] == list(range(count)), template
    before = [Name(ast.unparse(arg)) for arg in tree.args[:first]]
    options = [(str(k.arg), ast.literal_eval(k.value)) for k in tree.keywords]
    return Call(ast.unparse(tree.func), tuple(before), tuple(options))


@lru_cache(maxsize=512)
def ufunc_of(name: str) -> np.ufunc | None:
    """The ufunc of one result that a `Ufunc` names, or None."""
    found: Any
    if name.startswith("special."):
        import scipy.special  # noqa: PLC0415 - only where the code calls it

        found = getattr(scipy.special, name.removeprefix("special."), None)
    else:
        found = getattr(np, name, None)
    return (
        found if isinstance(found, np.ufunc) and found.nout == 1 and not found.signature else None
    )


def value_at(kind: Kind, numbers: Sequence[Any]) -> Any:
    """The value of a function of entries at numbers of Python; None where only its code is known.

    It is what NumPy gives for float64, so poles give inf or nan, and never an exception.
    """
    if isinstance(kind, Formula):
        return _tree_at(kind.tree, [as_float(x) for x in numbers])
    whole = [_for_numpy(x) for x in numbers]
    return _tree_at(Tree(kind, tuple(range(len(numbers)))), whole)


def operand_count(template: str) -> int:
    """How many operands a template has."""
    return 1 + max([int(name) for _, name, _, _ in Formatter().parse(template) if name], default=-1)


def _for_numpy(x: Any) -> Any:
    """A number that NumPy takes for one of its own: exact ones that int64 does not hold are floats."""
    small = isinstance(x, int) and LEAST_INT <= x <= GREATEST_INT
    return x if small else as_float(x)


def _tree_at(tree: Tree, numbers: Sequence[Any]) -> Any:
    function: Any = _function_of(tree.kind)
    args = [_operand_at(arg, numbers) for arg in tree.args]
    if function is None or any(x is None for x in args):
        return None
    with np.errstate(all="ignore"):
        return function(*args).item()


def _function_of(kind: Kind) -> Callable[..., Any] | None:
    if not isinstance(kind, Ufunc):
        return None
    return np.where if kind.name == "where" else ufunc_of(kind.name)


def _operand_at(arg: Any, numbers: Sequence[Any]) -> Any:
    if isinstance(arg, Tree):
        return _tree_at(arg, numbers)
    return arg.value if isinstance(arg, Literal) else numbers[arg]


def _tree_of(template: str, count: int) -> ast.expr:
    return ast.parse(template.format(*[f"{OPERAND}{i}" for i in range(count)]), mode="eval").body


def _operand(tree: ast.expr) -> int | None:
    if isinstance(tree, ast.Name) and tree.id.startswith(OPERAND):
        return int(tree.id.removeprefix(OPERAND))
    return None


def _read(tree: ast.expr) -> Any:
    """An operand number, a `Literal` or a `Tree`; None for what is no ufuncs."""
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
        inner = _read(tree.operand)
        if isinstance(inner, Literal):
            return Literal(-inner.value)
        return _made("negative", [tree.operand])
    return _function(tree)


def _function(tree: ast.expr) -> Any:
    if not isinstance(tree, ast.Call) or tree.keywords:
        return None
    root, _, name = ast.unparse(tree.func).partition(".")
    if root == "scipy":
        name = name if name.startswith("special.") else ""
    elif root != "np":
        return None
    known = name == "where" or (name != "" and ufunc_of(name) is not None)
    return _made(name if known else None, tree.args)


def _made(name: str | None, args: list[ast.expr]) -> Tree | None:
    inner = [_read(arg) for arg in args]
    if name is None or any(arg is None for arg in inner):
        return None
    return Tree(Ufunc(name), tuple(inner))
