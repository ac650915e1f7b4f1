"""`Formulas`: a list of formulas, which notebooks show as one picture."""

from __future__ import annotations

from typing import TypeVar

T = TypeVar("T")


class Formulas(list[T]):
    """A list of expressions, such as `grad` gives for several symbols, or of rows of them.

    It is a list in every way. Notebooks set it as a column, and a list of rows as a matrix of blocks:
    its ``_repr_latex_`` is attached by `symgrad.print.install`.
    """

    __slots__ = ()
