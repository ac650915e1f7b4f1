"""Adding up the contributions to one adjoint without losing what they know."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any

import numpy as np

from symgrad.expr.leaves import constant, is_value, number
from symgrad.expr.node import Expr
from symgrad.ops.arithmetic import add_all
from symgrad.ops.einsum import insert_axes
from symgrad.ops.gathering import scatter
from symgrad.ops.guard import choose, is_guard
from symgrad.ops.layout import EMBED, concat
from symgrad.ops.ufuncs import logical_not, logical_or

# This many single entries of one array are collected into one op instead of added as arrays
MIN_ENTRIES = 3


def accumulate(terms: Sequence[Expr]) -> Expr:
    """The sum of contributions to one adjoint.

    Contributions that are all guards make a guard, so that a dead branch stays dead behind a sum too.
    Single entries of one array are written side by side: n of them cost n, not n arrays.
    """
    if len(terms) == 1:
        return terms[0]
    if all(is_guard(t) for t in terms):
        return _add_guards(terms)
    entries = [t for t in terms if _entry_of(t) is not None]
    if len(entries) >= MIN_ENTRIES:
        others = [t for t in terms if _entry_of(t) is None]
        terms = [_collect_entries(entries), *others]
    return add_all(terms)


def _add_guards(terms: Sequence[Expr]) -> Expr:
    """The sum of guards, guarded by "one of the conditions holds".

    Guards by one condition are added below it: ``where(c, a, 0) + where(c, 0, b) = where(c, a, b)``.
    """
    zero = number(0, terms[0].shape)
    branches: dict[Expr, tuple[list[Expr], list[Expr]]] = {}
    for term in terms:
        condition, a, b = term.args
        taken, other = branches.setdefault(condition, ([], []))
        if is_value(b, 0):
            taken.append(a)
        else:
            other.append(b)
    guards = []
    live: list[Expr] | None = []  # None: everywhere
    for condition, (taken, other) in branches.items():
        parts = [add_all(part) if part else zero for part in (taken, other)]
        guards.append(choose(condition, *parts))
        if taken and other:
            live = None
        elif live is not None:
            live.append(condition if taken else logical_not(condition))
    if live is None or len(guards) == 1:
        return add_all(guards)
    return choose(reduce(logical_or, live), add_all(guards), zero)


def _entry_of(term: Expr) -> int | None:
    """The index along the first axis, where `term` is one entry embedded in zeros."""
    if term.op is not EMBED:
        return None
    shape, index = term.params
    if isinstance(index[0], int) and all(
        e.__class__ is tuple and e == (0, d, 1, d)
        for e, d in zip(index[1:], shape[1:], strict=True)
    ):
        return index[0]
    return None


def _collect_entries(terms: Sequence[Expr]) -> Expr:
    """The sum of embedded entries of one array."""
    parts: dict[int, list[Expr]] = {}
    for term in terms:
        index = _entry_of(term)
        assert index is not None
        parts.setdefault(index, []).append(term.args[0])
    shape: Any = terms[0].shape
    places = sorted(parts, key=lambda i: (i < 0, i))
    rows = concat([insert_axes(add_all(parts[i]), (0,)) for i in places], 0)
    if places == list(range(shape[0])) if isinstance(shape[0], int) else False:
        return rows
    return scatter(rows, [constant(np.array(places))], shape)
