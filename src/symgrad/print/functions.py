r"""Undefined functions and their derivatives: ``diff(q(t), t)``, ``f'(x**2)``; ``\dot{q}``, ``f_{xy}``."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final

from symgrad.expr.leaves import SYMBOL
from symgrad.expr.node import Expr
from symgrad.expr.traverse import toposort
from symgrad.ops.applied import APPLIED
from symgrad.print.latex_names import latex_name
from symgrad.print.printer import ATOM, POWER, PRODUCT, Piece

DOTS: Final = ("", "dot", "ddot", "dddot", "ddddot")
MAX_PRIMES: Final = 3
MAX_INDICES: Final = 4


def names_its_arguments(node: Expr) -> bool:
    """Whether a derivative may be written by the arguments themselves, as in ``diff(f(x, y), x)``.

    They must be variables that no other argument depends on.
    """
    _, orders = node.params
    kinds = (SYMBOL, APPLIED) if len(orders) > 1 else (SYMBOL,)
    for i, n in enumerate(orders):
        if n:
            others = [x for k, x in enumerate(node.args) if k != i]
            x = node.args[i]
            if x.shape or x.op not in kinds or x in set(toposort(others)):
                return False
    return True


def function_text(node: Expr, parts: Sequence[Piece]) -> Piece:
    """``q(t)``, ``diff(q(t), t, 2)``; ``f''(x**2)`` and ``f.derivative(1, 0)(x, 2*x)`` at other values."""
    function, orders = node.params
    listed = ", ".join(part.text for part in parts)
    call = f"{function.name}({listed})"
    if not any(orders):
        return Piece(call, ATOM)
    if names_its_arguments(node):
        by = [
            part.text if n == 1 else f"{part.text}, {n}"
            for part, n in zip(parts, orders, strict=True)
            if n
        ]
        return Piece(f"diff({call}, {', '.join(by)})", ATOM)
    if len(orders) == 1 and orders[0] <= MAX_PRIMES and function.name.isidentifier():
        return Piece(f"{function.name}{chr(39) * orders[0]}({listed})", ATOM)
    return Piece(f"{function.name}.derivative({', '.join(map(str, orders))})({listed})", ATOM)


def function_latex(
    node: Expr, parts: Sequence[Piece], reference: Callable[[str], Piece], entries: bool
) -> Piece:
    r"""``\dot{q}`` by a scalar t; primes by another argument; ``f_{xy}\left(x, y\right)`` by several.

    `entries` says that what is written are entries of arrays.
    """
    function, orders = node.params
    name = function.notation or reference(function.name).text
    listed = ", ".join(part.text for part in parts)
    call = rf"\left({listed}\right)"
    if len(orders) == 1:
        if node.args[0].op is SYMBOL and node.args[0].name == "t" and not entries:
            return _dotted(function.name, name, orders[0])
        return _primed(name, orders[0], call)
    if not any(orders):
        return Piece(f"{name}{call}", ATOM)
    if names_its_arguments(node) and all(
        x.op is SYMBOL for x, n in zip(node.args, orders, strict=True) if n
    ):
        return _by_names(name, orders, [part.text for part in parts], call)
    if "^" in name:
        name = rf"\left({name}\right)"
    marks = ",".join(map(str, orders))
    return Piece(rf"{name}^{{\left({marks}\right)}}{call}", POWER)


def _dotted(plain: str, name: str, order: int) -> Piece:
    """A function of time, without its argument."""
    if order >= len(DOTS):
        return _primed(name, order, "")
    if not order:
        return Piece(name, POWER if "^" in name else ATOM, name=True)
    if name == latex_name(plain) and re.fullmatch(r"\w+", plain) and "text" not in name:
        dotted = latex_name(f"{plain}_{DOTS[order]}")
    else:
        dotted = rf"\{DOTS[order]}{{{name}}}"
    return Piece(dotted, POWER if "^" in dotted else ATOM, name=True)


def _primed(name: str, order: int, call: str) -> Piece:
    if not order:
        return Piece(f"{name}{call}", ATOM)
    if "^" in name or "'" in name:
        name = rf"\left({name}\right)"
    if order <= MAX_PRIMES:
        return Piece(f"{name}{chr(39) * order}{call}", ATOM if call else POWER)
    return Piece(rf"{name}^{{\left({order}\right)}}{call}", POWER)


def _by_names(name: str, orders: Sequence[int], args: Sequence[str], call: str) -> Piece:
    """Indices for the first few derivatives of a plain name, else a product of derivations."""
    by = [(x, n) for x, n in zip(args, orders, strict=True) if n]
    if sum(orders) <= MAX_INDICES and not re.search(r"[_^']", name):
        marks = [x for x, n in by for _ in range(n)]
        joined = ("" if all(len(x) == 1 for x in marks) else " ").join(marks)
        return Piece(f"{name}_{{{joined}}}{call}", ATOM)
    signs = [rf"\partial_{{{x}}}" + (f"^{{{n}}}" if n > 1 else "") for x, n in by]
    return Piece(f"{' '.join(signs)} {name}{call}", PRODUCT - 1)
