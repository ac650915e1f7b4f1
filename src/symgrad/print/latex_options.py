"""How LaTeX is to look: the options of `latex`, in one record that the printer carries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from symgrad.errors import ArgumentError
from symgrad.expr.node import Expr

MUL_SYMBOLS: Final = {
    None: " ",
    "ldot": r" \,.\, ",
    "dot": r" \cdot ",
    "times": r" \times ",
}
EXP_STYLES: Final = ("auto", "power", "function")
MODES: Final = ("plain", "inline", "equation", "equation*", "align", "align*")


class LatexOptions(NamedTuple):
    """What the caller of `latex` chose; see there."""

    exp: str = "auto"
    symbol_names: Mapping[str, str] = {}  # read only
    fold_short_frac: bool = False
    fold_frac_powers: bool = False
    mul_symbol: str | None = None

    @property
    def between(self) -> str:
        """What stands between two factors."""
        return MUL_SYMBOLS[self.mul_symbol]

    @property
    def dot(self) -> str:
        """What stands between two factors that need a sign between them."""
        return MUL_SYMBOLS[self.mul_symbol or "dot"]


DEFAULT: Final = LatexOptions()


def options_of(
    exp: str,
    symbol_names: Mapping[Any, str] | None,
    fold_frac: bool,
    fold_short_frac: bool,
    fold_frac_powers: bool,
    mul_symbol: str | None,
) -> LatexOptions:
    """The options as a record, checked."""
    if exp not in EXP_STYLES:
        raise ArgumentError(f"exp must be one of {_listed(EXP_STYLES)}, not {exp!r}")
    if mul_symbol not in MUL_SYMBOLS:
        known = _listed([name for name in MUL_SYMBOLS if name])
        raise ArgumentError(f"mul_symbol must be None or one of {known}, not {mul_symbol!r}")
    names = {_name_of(key): value for key, value in (symbol_names or {}).items()}
    for key, value in names.items():
        if not isinstance(value, str):
            raise ArgumentError(f"symbol_names gives {key} {value!r}, which is no LaTeX text")
    return LatexOptions(
        exp,
        names,
        bool(fold_frac or fold_short_frac),
        bool(fold_frac or fold_frac_powers),
        mul_symbol,
    )


def _name_of(key: Any) -> str:
    name = key.name if isinstance(key, Expr) else key
    if not isinstance(name, str):
        raise ArgumentError(f"a key of symbol_names must be a symbol or its name, not {key!r}")
    return name


def _listed(words: Any) -> str:
    return ", ".join(map(repr, words))
