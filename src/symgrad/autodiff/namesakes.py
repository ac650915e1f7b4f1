"""Symbols of one name that are not one symbol: a derivative by the one that a function does not have."""

from __future__ import annotations

from collections.abc import Sequence

from symgrad.errors import ArgumentError
from symgrad.expr.dims import show_shape
from symgrad.expr.leaves import SYMBOL
from symgrad.expr.node import Expr
from symgrad.expr.traverse import free_symbols


def check_namesakes(functions: Sequence[Expr], variables: Sequence[Expr], who: str) -> None:
    """Raise where a variable stands in no function, but another symbol of its name does.

    Symbols are equal if name, shape, dtype and assumptions are: the derivative by the other would be 0,
    which nobody means who writes that name. A symbol with a tag of its own (``unique=``) is told apart
    from others of its name by who made it.

    Raises
    ------
    ArgumentError
    """
    wanted = [x for x in free_symbols(*variables) if x.params.tag is None]
    found = set(free_symbols(*functions)) if wanted else set()
    missing = [x for x in wanted if x not in found]
    if not missing:
        return
    by_name = {y.params.name: y for y in found if y.params.tag is None}
    for x in missing:
        other = by_name.get(x.params.name)
        if other is not None:
            raise ArgumentError(
                f"{who} by the symbol {x.name!r} ({_described(x)}), which the function does not mention;"
                f" it has another symbol {x.name!r} ({_described(other)}). Differentiate by that, the"
                " symbol that the function was made of: symbols are the same if name, shape, dtype and"
                " assumptions are"
            )


def _described(x: Expr) -> str:
    assert x.op is SYMBOL
    held = ", ".join(x.params.held)
    return f"shape {show_shape(x.shape)}, dtype {x.dtype}" + (f", {held}" if held else "")
