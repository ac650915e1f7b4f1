"""SymPy's objects that are said in other words before they are converted: by functions that have an image.

Complex ones come in parts: ``re(hankel1(v, x))`` is ``besselj(v, x)`` for x > 0, and ``re(exp(I*x))`` is
``cos(x)``, for symbols that stand for real numbers, as all do here. Quantities of `sympy.physics.units` are
what they measure in SI's base units.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

import sympy as sp

from symgrad.errors import ConversionError

_REWRITTEN: Final[dict[str, Any]] = {
    "catalan": sp.gamma,
    "factorial2": sp.gamma,
    "fibonacci": sp.sqrt,
    "lucas": sp.sqrt,
    "bernoulli": sp.zeta,
    "dirichlet_eta": sp.zeta,
    "riemann_xi": sp.zeta,
    "KroneckerDelta": sp.Piecewise,
}


@lru_cache(maxsize=1024)
def in_other_words(node: Any) -> Any:
    """What stands for `node` in conversion, or None where it is converted as it is."""
    rule = _RULES.get(type(node).__name__)
    found = rule(node) if rule is not None else None
    return None if found is None or found == node else found


# Complex numbers by parts


Parts = tuple[Any, dict[Any, Any]]  # with symbols for real functions, and what these stand for


def _above_zero(x: Any, real: Any, imaginary: Any) -> Parts:
    """``real + I*imaginary``, where that is so for x > 0 alone."""
    a, b = sp.symbols("a b", real=True, cls=sp.Dummy)
    known = [v if x.is_positive else sp.Piecewise((v, x > 0)) for v in (real, imaginary)]
    return a + sp.I * b, {a: known[0], b: known[1]}


def _harmonic_size(n: Any, m: Any, theta: Any) -> Any:
    size = sp.sqrt((2 * n + 1) / (4 * sp.pi) * sp.factorial(n - m) / sp.factorial(n + m))
    return size * sp.assoc_legendre(n, m, sp.cos(theta))


def _harmonic(n: Any, m: Any, theta: Any, phi: Any) -> Parts:
    size = sp.Dummy("size", real=True)
    return size * sp.exp(sp.I * m * phi), {size: _harmonic_size(n, m, theta)}


_BESSEL: Final = sp.functions.special.bessel
_PARTS: Final[dict[Any, Callable[..., Parts]]] = {
    sp.hankel1: lambda v, x: _above_zero(x, sp.besselj(v, x), sp.bessely(v, x)),
    sp.hankel2: lambda v, x: _above_zero(x, sp.besselj(v, x), -sp.bessely(v, x)),
    _BESSEL.hn1: lambda n, x: _above_zero(x, sp.jn(n, x), sp.yn(n, x)),
    _BESSEL.hn2: lambda n, x: _above_zero(x, sp.jn(n, x), -sp.yn(n, x)),
    sp.Ynm: _harmonic,
}
_REAL: Final = (sp.re, sp.im, sp.arg, sp.Abs)  # of complex operands too
_COMPLEX: Final = (sp.I, sp.re, sp.im, sp.arg, sp.conjugate, *_PARTS)


def real_parts(e: Any) -> tuple[Any, Any]:
    """The real and the imaginary part of `e`, whose symbols are real.

    Raises
    ------
    ConversionError
        If SymPy does not find them.
    """
    stand_ins = {s: sp.Dummy(s.name, real=True) for s in e.free_symbols if s.is_real is None}
    back = {dummy: s for s, dummy in stand_ins.items()}
    pairs = {f: sp.Dummy(real=True) for f in e.atoms(*_REAL) if f != e}
    back |= {dummy: f for f, dummy in pairs.items()}
    for f in e.atoms(*_PARTS):
        pairs[f], meanings = _PARTS[type(f)](*f.args)
        back |= meanings
    plain = sp.powsimp(e.xreplace(pairs).xreplace(stand_ins).expand())
    found = plain.expand(complex=True).as_real_imag()
    if any(part.has(*_COMPLEX) for part in found):
        raise ConversionError(
            f"the real and the imaginary part of {e} are not known to SymPy; symgrad is real-valued:"
            " write it by real functions"
        )
    return found[0].xreplace(back), found[1].xreplace(back)


def has_imaginary_unit(e: Any) -> bool:
    """Whether the imaginary unit is in `e`, parts of complex numbers apart, which are real."""
    if not e.has(sp.I):
        return False
    return bool(e.xreplace({f: sp.Dummy(real=True) for f in e.atoms(*_REAL)}).has(sp.I))


def without_imaginary_unit(e: Any) -> Any:
    """An expression with the imaginary unit in it that is real nevertheless, by real functions.

    Raises
    ------
    ConversionError
        If it is not real, or not known to be.
    """
    others, terms = sp.sift(sp.Add.make_args(e), lambda term: term.has(sp.I), binary=True)[::-1]
    real, imaginary = real_parts(sp.Add(*terms))
    if sp.simplify(imaginary) != 0:
        raise ConversionError(
            f"{e} is complex, and symgrad is real-valued; separate real and imaginary parts first,"
            " with re and im"
        )
    return sp.Add(real, *others)


def _real_part(node: Any) -> Any:
    """What has no imaginary unit in it is real where SymPy knows no more: it is computed by reals."""
    (e,) = node.args
    if _is_real(e):
        return e
    try:
        return real_parts(e)[0]
    except ConversionError:
        if e.has(sp.I, *_PARTS):
            raise
        return e


def _imaginary_part(node: Any) -> Any:
    (e,) = node.args
    return sp.S.Zero if _is_real(e) else real_parts(e)[1]


def _angle(node: Any) -> Any:
    real, imaginary = real_parts(node.args[0])
    return sp.atan2(imaginary, real)


def _conjugated(node: Any) -> Any:
    (e,) = node.args
    return None if e.has(sp.I, *_PARTS) else e


def _magnitude(node: Any) -> Any:
    (e,) = node.args
    if not e.has(sp.I, *_PARTS):
        return None
    real, imaginary = real_parts(e)
    return sp.sqrt(real**2 + imaginary**2)


def _is_real(e: Any) -> bool:
    """Whether `e` is real for all real values of its symbols."""
    if not e.has(sp.I, *_PARTS):
        real = e.xreplace({s: sp.Dummy(real=True) for s in e.free_symbols if s.is_real is None})
        return bool(real.is_real)
    return False


def _spherical(node: Any) -> Any:
    """Spherical harmonics that are real: ``Ynm`` of order 0, and ``Znm``."""
    n, m, theta = node.args[:3]
    if type(node).__name__ == "Ynm":
        if m != 0:
            return None
        return _harmonic_size(n, m, theta)
    return without_imaginary_unit(node.expand(func=True))


# Quantities


def _in_base_units(node: Any) -> Any:
    from sympy.physics import units  # noqa: PLC0415  whoever has a quantity has it loaded

    base = [
        getattr(units, name)
        for name in ("meter", "kilogram", "second", "ampere", "kelvin", "mole", "candela")
    ]
    if node in base:
        return sp.S.One
    found = units.convert_to(node, base).subs(dict.fromkeys(base, 1))
    return node.scale_factor if found.has(units.Quantity) else found


def _rewritten(node: Any) -> Any:
    return node.rewrite(_REWRITTEN[type(node).__name__])


_RULES: Final[dict[str, Callable[[Any], Any]]] = {
    **dict.fromkeys(_REWRITTEN, _rewritten),
    "Abs": _magnitude,
    "Contains": lambda node: node.args[1].as_relational(node.args[0]),
    "LeviCivita": lambda node: sp.functions.special.tensor_functions.eval_levicivita(*node.args),
    "PhysicalConstant": _in_base_units,
    "exp_polar": sp.unpolarify,
    "polar_lift": sp.unpolarify,
    "principal_branch": sp.unpolarify,
    "Prefix": lambda node: node.scale_factor,
    "Quantity": _in_base_units,
    "Ynm": _spherical,
    "Znm": _spherical,
    "arg": _angle,
    "conjugate": _conjugated,
    "im": _imaginary_part,
    "re": _real_part,
}
