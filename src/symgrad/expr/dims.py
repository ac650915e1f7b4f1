"""Extents and shapes.

A dim is an int, a name (``"n"``: the same name is the same extent everywhere) or a `DimExpr`, an
integer polynomial in names such as ``n + 1`` or ``m*n`` that arises from concatenation, slicing and
reshaping. All three are hashable and compare by value; polynomials that reduce to an int or to one
name are returned as that int or name, so ``==`` decides equality of extents.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Any

from symgrad.errors import ShapeError

Dim = Any  # int | str | DimExpr: a recursive alias would help no reader
Shape = tuple[Dim, ...]


@dataclass(frozen=True, slots=True)
class FloorDiv:
    """``num // den`` of a polynomial and a positive int, kept as one opaque factor."""

    num: Dim
    den: int

    def __str__(self) -> str:
        return f"({self.num})//{self.den}"


@dataclass(frozen=True, slots=True)
class Least:
    """``min(a, b)`` of two extents neither of which is known to be smaller, kept as one factor."""

    a: Dim
    b: Dim

    def __str__(self) -> str:
        return f"min({self.a}, {self.b})"


Factor = str | FloorDiv | Least


@dataclass(frozen=True, slots=True)
class DimExpr:
    """Integer polynomial in dim names: a tuple of (factors, coefficient), sorted by factors."""

    terms: tuple[tuple[tuple[Factor, ...], int], ...]

    def __str__(self) -> str:
        text = ""
        ordered = sorted(self.terms, key=lambda t: (-len(t[0]), _factor_key(t[0])))
        for factors, coefficient in ordered:
            names = "*".join(str(f) for f in factors)
            size = abs(coefficient)
            body = names if size == 1 and names else f"{size}*{names}" if names else str(size)
            sign = "-" if coefficient < 0 else "+"
            text += f" {sign} {body}" if text else body if coefficient > 0 else f"-{body}"
        return text

    __repr__ = __str__


def _factor_key(factors: Iterable[Factor]) -> tuple[str, ...]:
    return tuple(str(f) for f in factors)


def _terms(dim: Dim) -> dict[tuple[Any, ...], int]:
    if isinstance(dim, DimExpr):
        return dict(dim.terms)
    if isinstance(dim, int):
        return {(): dim} if dim else {}
    return {(dim,): 1}


def _from_terms(terms: Mapping[tuple[Any, ...], int]) -> Dim:
    kept = {f: c for f, c in terms.items() if c}
    if not kept:
        return 0
    if len(kept) == 1:
        ((factors, coefficient),) = kept.items()
        if not factors:
            return coefficient
        if coefficient == 1 and len(factors) == 1 and isinstance(factors[0], str):
            return factors[0]
    return DimExpr(tuple(sorted(kept.items(), key=lambda t: _factor_key(t[0]))))


def add_dims(*dims: Dim) -> Dim:
    """Sum of extents."""
    if all(isinstance(d, int) for d in dims):
        return sum(dims)
    total: dict[tuple[Any, ...], int] = {}
    for dim in dims:
        for factors, coefficient in _terms(dim).items():
            total[factors] = total.get(factors, 0) + coefficient
    return _from_terms(total)


def mul_dims(*dims: Dim) -> Dim:
    """Product of extents; the product of none is 1."""
    return reduce(_mul_two, dims, 1)


def _mul_two(a: Dim, b: Dim) -> Dim:
    if isinstance(a, int) and isinstance(b, int):
        return a * b
    total: dict[tuple[Any, ...], int] = {}
    for fa, ca in _terms(a).items():
        for fb, cb in _terms(b).items():
            factors = tuple(sorted(fa + fb, key=str))
            total[factors] = total.get(factors, 0) + ca * cb
    return _from_terms(total)


def floordiv_dims(num: Dim, den: int) -> Dim:
    """``num // den`` for a positive int `den`."""
    if isinstance(num, int):
        return num // den
    terms = _terms(num)
    if den == 1 or all(c % den == 0 for c in terms.values()):
        return _from_terms({f: c // den for f, c in terms.items()})
    return DimExpr((((FloorDiv(num, den),), 1),))


def min_dims(a: Dim, b: Dim) -> Dim:
    """The smaller of two extents."""
    if a == b:
        return a
    if isinstance(a, int) and isinstance(b, int):
        return min(a, b)
    return DimExpr((((Least(*sorted((a, b), key=str)),), 1),))


def divide_dims(num: Dim, den: Dim) -> Dim | None:
    """The exact quotient of two extents, or None where it is not a polynomial."""
    if num == den:
        return 1
    if isinstance(num, int) and isinstance(den, int):
        return num // den if den and num % den == 0 else None
    divisor = _terms(den)
    if len(divisor) != 1:
        return None
    ((factors, coefficient),) = divisor.items()
    quotient: dict[tuple[Any, ...], int] = {}
    for fn, cn in _terms(num).items():
        rest = list(fn)
        for f in factors:
            if f not in rest:
                return None
            rest.remove(f)
        if cn % coefficient:
            return None
        quotient[tuple(rest)] = cn // coefficient
    return _from_terms(quotient)


def dim_names(dim: Dim) -> tuple[str, ...]:
    """Names that occur in a dim, in order of appearance, without repetition."""
    if isinstance(dim, int):
        return ()
    if isinstance(dim, str):
        return (dim,)
    names: dict[str, None] = {}
    for factors, _ in dim.terms:
        for factor in factors:
            names.update(dict.fromkeys(_factor_names(factor)))
    return tuple(names)


def _factor_names(factor: Factor) -> tuple[str, ...]:
    if isinstance(factor, FloorDiv):
        return dim_names(factor.num)
    if isinstance(factor, Least):
        return (*dim_names(factor.a), *dim_names(factor.b))
    return (factor,)


def map_dim(dim: Dim, rename: Callable[[str], Dim]) -> Dim:
    """`dim` with each name replaced by ``rename(name)``."""
    if isinstance(dim, int):
        return dim
    if isinstance(dim, str):
        return rename(dim)
    total: Dim = 0
    for factors, coefficient in dim.terms:
        product: Dim = coefficient
        for factor in factors:
            product = mul_dims(product, _map_factor(factor, rename))
        total = add_dims(total, product)
    return total


def _map_factor(factor: Factor, rename: Callable[[str], Dim]) -> Dim:
    if isinstance(factor, FloorDiv):
        return floordiv_dims(map_dim(factor.num, rename), factor.den)
    if isinstance(factor, Least):
        return min_dims(map_dim(factor.a, rename), map_dim(factor.b, rename))
    return rename(factor)


def map_shape(shape: Shape, rename: Callable[[str], Dim]) -> Shape:
    """`shape` with each name replaced by ``rename(name)``."""
    return tuple(map_dim(d, rename) for d in shape)


def as_dim(value: Any) -> Dim:
    """Check and normalise one extent.

    Raises
    ------
    ShapeError
        If `value` is not a non-negative int, an identifier-like name or a `DimExpr`.
    """
    if isinstance(value, DimExpr):
        return value
    if isinstance(value, str):
        if not value.isidentifier():
            raise ShapeError(f"a named extent must be an identifier such as 'n', not {value!r}")
        return value
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise ShapeError(f"an extent must be an int or a name such as 'n', not {value!r}")
    extent = int(value.__index__())
    if extent < 0:
        raise ShapeError(f"an extent must not be negative, got {extent}")
    return extent


def as_shape(value: Any) -> Shape:
    """Check and normalise a shape given as one extent or a sequence of extents."""
    if isinstance(value, (list, tuple)):
        return tuple(as_dim(d) for d in value)
    return (as_dim(value),)


def show_shape(shape: Shape) -> str:
    """A shape as a reader writes it: ``(3, n)``, ``(n,)``, ``()``."""
    inner = ", ".join(str(d) for d in shape)
    return f"({inner},)" if len(shape) == 1 else f"({inner})"


def broadcast_shapes(*shapes: Shape) -> Shape:
    """The common shape of `shapes` under NumPy's rules.

    A named extent broadcasts with itself and with 1, nothing else.

    Raises
    ------
    ShapeError
        Naming the shapes and the two extents that clash.
    """
    if shapes and shapes.count(shapes[0]) == len(shapes):
        return shapes[0]
    rank = max(map(len, shapes), default=0)
    result: list[Dim] = []
    for position in range(-rank, 0):
        extent: Dim = 1
        for shape in shapes:
            if len(shape) < -position or shape[position] == 1:
                continue
            if extent != 1 and shape[position] != extent:
                listing = " and ".join(show_shape(s) for s in shapes)
                raise ShapeError(
                    f"shapes {listing} do not broadcast: extent {extent} meets {shape[position]}"
                    f" at axis {position}; use one name for equal extents, or insert an axis"
                    " with expand_dims"
                )
            extent = shape[position]
        result.append(extent)
    return tuple(result)
