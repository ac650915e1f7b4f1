"""Text in place of symbols and formulas, and SymPy's `Tuple`, as SymPy's `lambdify` takes them."""

from __future__ import annotations

import ast
from typing import Any

from symgrad.expr.leaves import symbol
from symgrad.parse import parse


def from_text(args: Any, outputs: Any) -> tuple[Any, Any]:
    """Arguments and outputs with symbols and formulas in place of text, and tuples in place of `Tuple`.

    ``"x, y"`` is a list of two symbols; text is read as `parse` reads it, with ``"x, y"`` as a tuple.
    """
    if isinstance(args, str):
        names = [name for name in args.replace(",", " ").split() if name]
        args = [symbol(name) for name in names] if "," in args or len(names) > 1 else symbol(args)
    elif isinstance(args, (list, tuple)):
        args = type(args)(symbol(a) if isinstance(a, str) else a for a in args)
    return args, _read(outputs)


def _read(outputs: Any) -> Any:
    if isinstance(outputs, str):
        tree = ast.parse(outputs.strip(), mode="eval").body if "," in outputs else None
        if isinstance(tree, (ast.Tuple, ast.List)):
            parts = [parse(ast.unparse(part)) for part in tree.elts]
            return tuple(parts) if isinstance(tree, ast.Tuple) else parts
        return parse(outputs)
    if type(outputs).__name__ == "Tuple" and hasattr(outputs, "atoms"):
        return tuple(_read(part) for part in outputs)
    if outputs.__class__ in (list, tuple):
        return outputs.__class__(_read(part) for part in outputs)
    return outputs
