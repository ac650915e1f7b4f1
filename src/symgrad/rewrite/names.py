"""Names that hold: rewriting, and differentiation, in terms of the named parts of a formula.

While a formula is rewritten, each `named` part is one symbol, so that no rule looks into it or takes it
apart; afterwards it is put back as it was. What is differentiated is written by the names before and
after: the value of a named part, which its derivative mentions again, is its name, and so are its powers:
with ``gamma = sqrt(u)``, ``1/sqrt(u)`` is ``1/gamma`` and ``u**(3/2)`` is ``gamma**3``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any, Final, NamedTuple

from symgrad.expr.leaves import SYMBOL, number, value_of
from symgrad.expr.node import Expr, make
from symgrad.expr.numbers import is_exact, power_value
from symgrad.expr.ranges import is_nonnegative, range_of
from symgrad.expr.rewriting import Images, replace, rewritten, transform, walked
from symgrad.ops.arithmetic import (
    MUL,
    POW,
    mul,
    mul_all,
    power,
    split_coefficient,
)
from symgrad.ops.named import NAMED
from symgrad.ops.properties import is_diagonal, is_spd
from symgrad.ops.symmetry import is_symmetric
from symgrad.rewrite.multiples import by_definitions
from symgrad.rewrite.powers import Powers, as_term, powers_of, times

Symbols = Mapping[Expr, Expr]


def named_parts(order: Iterable[Expr]) -> list[Expr]:
    """The `named` nodes of a topological order."""
    return [node for node in order if node.op is NAMED]


def definitions_written_out(roots: Sequence[Expr]) -> Sequence[Expr]:
    """The roots with every name replaced by what it stands for."""
    return rewritten(roots, steps={NAMED: lambda node, image: image[node.args[0]]})


# Names as symbols


def symbols_for(parts: Sequence[Expr]) -> dict[Expr, Expr]:
    """A symbol for each named part, of its type, with what is known of its sign and its symmetry."""
    return {part: _symbol_for(part, k) for k, part in enumerate(parts)}


def _symbol_for(part: Expr, k: int) -> Expr:
    held = tuple(sorted(_facts(part.args[0])))
    params = (f"{part.params.name} {k}", part.shape, part.ty, held, NAMED.name)
    return make(SYMBOL, (), params, part.shape, part.ty)


def _facts(body: Expr) -> list[str]:
    """The assumptions of `symbol` that hold for a definition."""
    while body.op is NAMED:
        body = body.args[0]
    if body.op is SYMBOL:
        return list(body.params.held)
    span = range_of(body)
    signs = {
        "positive": span.positive,
        "negative": span.negative,
        "nonnegative": span.nonnegative and not span.positive,
    }
    square = body.ndim == 2 and body.shape[0] == body.shape[1]
    kinds = {"diagonal": is_diagonal, "spd": is_spd, "symmetric": is_symmetric} if square else {}
    held = [key for key, holds in signs.items() if holds]
    return held + [key for key, holds in kinds.items() if holds(body)]


def cut(roots: Sequence[Expr], symbols: Symbols) -> list[Expr]:
    """The roots over symbols in the place of named parts."""
    return list(transform(roots, lambda node: node, symbols).of(roots))


def put_back(roots: Sequence[Expr], symbols: Symbols) -> list[Expr]:
    """The roots over the named parts again."""
    return replace(roots, {symbol: part for part, symbol in symbols.items()}, {})


# Names found again


class OwnPower(NamedTuple):
    """A definition ``c * base**exponent``, by its name."""

    part: Expr
    scale: Any
    exponent: Fraction


class OwnProduct(NamedTuple):
    """A product of `powers` that is ``scale * part**times``."""

    part: Expr
    scale: Any
    times: int
    powers: Powers


class Recall:
    """What is written by a name: its definition, and powers of what its definition is a power of.

    Parameters
    ----------
    given : sequence of Expr
        The named parts of a formula, as they were given.
    prepared : sequence of Expr
        The same, in the form in which they were differentiated.
    """

    def __init__(self, given: Sequence[Expr] = (), prepared: Sequence[Expr] = ()) -> None:
        self.parts = list(given)
        self.known: dict[Expr, Expr] = {}
        self.powers: dict[Expr, OwnPower] = {}
        self.products: list[OwnProduct] = []
        for part, image in zip(given, prepared, strict=True):
            self.known[image] = part
            for body in (part.args[0], image.args[0]):
                if body.args and body.op is not NAMED:
                    self.known.setdefault(body, part)
                    self._remember_power(body, part)
        for part in given:
            self.known[part] = part

    def _remember_power(self, body: Expr, part: Expr) -> None:
        scale, rest = split_coefficient(body)
        if rest is None or not is_exact(scale) or isinstance(scale, bool):
            return
        factors = powers_of(rest) if rest.op is MUL else {}
        if any((base.args and base.op is not NAMED) or len(factors) > 1 for base in factors):
            self.products.append(OwnProduct(part, _exact_quotient(1, scale), 1, factors))
        base, exponent = _power_parts(rest)
        times = 1 / exponent
        if base.op is MUL and exponent != 1 and times.denominator == 1 and is_nonnegative(base):
            c, product = split_coefficient(base)
            number_of = power_value(scale, -int(times))
            if (
                product is not None
                and is_exact(c)
                and number_of is not None
                and is_exact(number_of)
            ):
                number_of = _exact_quotient(number_of, c)
                self.products.append(OwnProduct(part, number_of, int(times), powers_of(product)))
        if exponent != 1 and base.args and base.op is not NAMED:
            self.powers.setdefault(base, OwnPower(part, scale, exponent))

    def __call__(self, roots: Sequence[Expr]) -> list[Expr]:
        """The roots in terms of the names."""
        if not self.known:
            return list(roots)

        def step(node: Expr, image: Images) -> Expr:
            if node.op is NAMED:
                return node
            built = image.over(node)
            return self._by_products(self._by_powers(self.known.get(built, built)))

        return list(walked(roots, step, Images(self.known)).of(roots))

    def by_definitions(self, roots: Sequence[Expr]) -> Sequence[Expr]:
        """The roots with sums that are multiples of definitions by the names, where that is shorter."""
        return by_definitions(roots, self.parts)

    def _by_powers(self, x: Expr) -> Expr:
        """A power, or a product of powers, of what a name is a power of."""
        if x.op is POW or x in self.powers:
            return self._power(x, False)
        if x.op is not MUL:
            return x
        roots = {self._root_of(factor) for factor in x.args}
        factors = [self._power(f, own) for f in x.args for own in [self._base(f) in roots]]
        return x if all(a is b for a, b in zip(factors, x.args, strict=True)) else mul_all(factors)

    def _by_products(self, x: Expr) -> Expr:
        """A product that holds all factors of a definition, by its name."""
        if x.op is not MUL or not self.products:
            return x
        scale, rest = split_coefficient(x)
        if rest is None or not is_exact(scale):
            return x
        powers = powers_of(rest)
        for part, c, n, own in self.products:
            if all(_includes(powers.get(base, 0), k) for base, k in own.items()):
                powers = times(powers, {base: -k for base, k in own.items()})
                by_name = power(part, number(n, x.shape))
                return mul(as_term(powers, x, _exact_quotient(scale * c, 1)), by_name)
        return x

    def _base(self, factor: Expr) -> Expr:
        return _power_parts(factor)[0]

    def _root_of(self, factor: Expr) -> Expr | None:
        """The base of which a factor is an odd power of a root, so that it must be at least zero."""
        base, n = _power_parts(factor)
        for inner, own in self.powers.items():
            if base is own.part and (n * own.exponent).denominator % 2 == 0:
                return inner
        return None

    def _power(self, x: Expr, as_root: bool) -> Expr:
        """``base**n`` by the name of ``c * base**a``, where that is the same for every value of the base.

        Of a root, an even power such as ``u = sqrt(u)**2`` holds for u >= 0 only: it is taken where u is
        known to be so, or (`as_root`) stands beside an odd power.
        """
        base, n = _power_parts(x)
        own = self.powers.get(base)
        if own is None:
            return x
        times = n / own.exponent
        needs_sign = own.exponent.denominator % 2 == 0 and n.denominator % 2 == 1
        if times.denominator != 1 or (needs_sign and not as_root and not is_nonnegative(base)):
            return x
        scale = power_value(own.scale, int(-times))
        if scale is None or not is_exact(scale):
            return x
        by_name = power(own.part, number(int(times), x.shape))
        return by_name if scale == 1 else mul(number(scale, x.shape), by_name)


def _power_parts(x: Expr) -> tuple[Expr, Fraction]:
    """``(base, exponent)`` of a power, of powers of powers too; the exponent of anything else is 1."""
    exponent = Fraction(1)
    while x.op is POW and is_exact(n := value_of(x.args[1])) and not isinstance(n, bool):
        if exponent.denominator != 1:
            break  # sqrt(u**2) is no power of u
        exponent *= n
        x = x.args[0]
    return x, exponent


def _exact_quotient(a: Any, b: Any) -> Any:
    q = Fraction(a) / b
    return q.numerator if q.denominator == 1 else q


def _includes(whole: Any, part: Any) -> bool:
    """Whether a power is one to the exponent `part` times another of the same sign, or times 1."""
    return bool(whole == part or (whole > part > 0) or (whole < part < 0))


NO_NAMES: Final = Recall()


def with_names(
    roots: Sequence[Expr],
    parts: Sequence[Expr],
    prepare: Callable[[Sequence[Expr]], Sequence[Expr]],
) -> tuple[list[Expr], Recall]:
    """The roots, and the definitions in them, each prepared on its own; and how to find the names again."""
    symbols = symbols_for(parts)
    pieces = prepare(cut([*roots, *[part.args[0] for part in parts]], symbols))
    known: dict[Expr, Expr] = {}
    images: list[Expr] = []
    for part, body in zip(parts, pieces[len(roots) :], strict=True):
        (whole,) = replace([body], known, {})
        images.append(NAMED.build((whole,), part.params))
        known[symbols[part]] = images[-1]
    return replace(pieces[: len(roots)], known, {}), Recall(parts, images)
