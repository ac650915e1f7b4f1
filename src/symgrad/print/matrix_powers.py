r"""Powers of matrices and their derivatives: ``matrix_power(A.T, 4)``, ``\left(A^{\top}\right)^{4}``."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from symgrad.expr.node import Expr
from symgrad.print.letters import fresh_letter
from symgrad.print.printer import ATOM, LOOSE, MINUS, POWER, PRODUCT, Piece, Printer

Transposed = Callable[[Printer, Piece], Piece]


def power_text(
    node: Expr, parts: Sequence[Piece], printer: Printer, transposed: Transposed
) -> Piece:
    """``matrix_power(A, n)``; its transpose is the power of the transpose."""
    base, n = parts[0], node.params[0]
    turned = transposed(printer, base).text
    return Piece(f"matrix_power({base.text}, {n})", ATOM, turned=f"matrix_power({turned}, {n})")


def power_latex(
    node: Expr, parts: Sequence[Piece], printer: Printer, transposed: Transposed
) -> Piece:
    """``A^{n}``; its transpose is the power of the transpose."""
    n = node.params[0]
    base, turned = parts[0], transposed(printer, parts[0])
    return Piece(
        f"{printer.wrap(base, ATOM)}^{{{n}}}", POWER, turned=f"{printer.wrap(turned, ATOM)}^{{{n}}}"
    )


def derivative_text(node: Expr, parts: Sequence[Piece], printer: Printer) -> Piece:
    """Along one direction the sum that it is; along more of them a call."""
    (a, *directions), n = parts, node.params[0]
    if len(directions) > 1:
        listed = ", ".join(e.text for e in directions)
        return Piece(f"matrix_power_along({a.text}, {n}, {listed})", ATOM)
    e, k = printer.wrap(directions[0], PRODUCT), fresh_letter(node)
    if n > 0:
        term = f"matrix_power({a.text}, {k}) @ {e} @ matrix_power({a.text}, {n - 1} - {k})"
        return Piece(f"sum({term} for {k} in range({n}))", ATOM)
    term = f"matrix_power({a.text}, -{k}) @ {e} @ matrix_power({a.text}, {k} - {1 - n})"
    return Piece(f"-sum({term} for {k} in range(1, {1 - n}))", MINUS)


def derivative_latex(node: Expr, parts: Sequence[Piece], printer: Printer) -> Piece:
    r"""``\sum_{k=0}^{4} A^{k} E A^{4-k}``; along more directions ``D^{2} A^{5} [E, F]``."""
    (a, *directions), n = parts, node.params[0]
    base = printer.wrap(a, ATOM)
    if len(directions) > 1:
        listed = ", ".join(e.text for e in directions)
        order = len(directions)
        return Piece(rf"\mathrm{{D}}^{{{order}}} {base}^{{{n}}} \left[{listed}\right]", LOOSE)
    e, k = printer.wrap(directions[0], PRODUCT), fresh_letter(node)
    if n > 0:
        right = f"{base}^{{{n - 1} - {k}}}"
        return Piece(rf"\sum_{{{k}=0}}^{{{n - 1}}} {base}^{{{k}}} {e} {right}", LOOSE)
    right = f"{base}^{{{k} - {1 - n}}}"
    return Piece(rf"-\sum_{{{k}=1}}^{{{-n}}} {base}^{{-{k}}} {e} {right}", MINUS)
