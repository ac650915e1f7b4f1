"""Rules that may make a sum, a product or a power shorter: denominators, cancelling, factoring, signs.

A rule here gives a candidate; whether it is shorter, `symgrad.rewrite.search` finds out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fractions import Fraction
from functools import partial
from itertools import combinations
from typing import Final

from symgrad.expr.leaves import number, value_of
from symgrad.expr.node import Expr
from symgrad.expr.numbers import is_exact
from symgrad.expr.op import Op
from symgrad.expr.ranges import is_nonnegative
from symgrad.ops import ufuncs as f
from symgrad.ops.arithmetic import (
    ADD,
    MUL,
    POW,
    add_all,
    mul_all,
    power,
    split_coefficient,
)
from symgrad.rewrite.collect import collect_sum
from symgrad.rewrite.powers import Powers, as_term, raise_power, times
from symgrad.rewrite.ratios import (
    CIRCLES,
    MAX_TERMS,
    Term,
    as_expr,
    cleared,
    has_denominator,
    multiplied,
    of_sum,
    over_common,
    split,
    terms_of,
)
from symgrad.rewrite.rule import Guarantee, Rule, first_of
from symgrad.rewrite.sums import negated

DOMAIN, ROUNDING, EXACT = Guarantee.DOMAIN, Guarantee.ROUNDING, Guarantee.EXACT
ODD: Final = (f.sinh, f.tanh, f.arctan, f.arcsinh, f.arctanh)  # angles stay as they were written
_HALF: Final = Fraction(1, 2)
MAX_PARTS: Final = 5  # terms of a sum whose pairs are looked at


# Sums


def together(x: Expr, squares: int = 0, written_out: bool = True) -> Expr | None:
    """``1/x + 1/y -> (x + y)/(x*y)``: one denominator, the numerator written out, cancelled, factored."""
    return as_expr(of_sum(x, squares=squares, written_out=written_out), x)


def _pair(x: Expr, first: int, second: int) -> Expr | None:
    """Two terms over one denominator, the others as they are."""
    if not max(first, second) < len(x.args) <= MAX_PARTS or len(x.args) == 2:
        return None
    if not _share(x.args[first], x.args[second]):
        return None
    pair = add_all([x.args[first], x.args[second]])
    joined = together(pair) if pair.op is ADD else pair
    rest = [t for i, t in enumerate(x.args) if i not in (first, second)]
    return None if joined is None or joined is pair else add_all([*rest, joined])


def _share(a: Expr, b: Expr) -> bool:
    """Whether two terms have a base or a denominator in common."""
    s, t = split(a), split(b)
    if s is None or t is None:
        return False
    below = [any(n < 0 for n in powers.values()) for _, powers in (s, t)]
    return all(below) or any(base in t[1] for base in s[1])


def _common_factor(x: Expr) -> Expr | None:
    """``1/q + a/q**2 -> (1 + a/q)/q``: what all terms have is written once."""
    terms = [split(arg) for arg in x.args]
    if len(terms) > MAX_TERMS or any(t is None for t in terms):
        return None
    common: Powers = {}
    for base, n in terms[0][1].items():  # type: ignore[index]
        exponents = [t[1].get(base, 0) for t in terms]  # type: ignore[index]
        if all(m * n > 0 for m in exponents):
            common[base] = min(exponents) if n > 0 else max(exponents)
    if not any(n < 0 and b.op is ADD for b, n in common.items()):
        return None
    return _out_of(x, common)


def _common_symbols(x: Expr) -> Expr | None:
    """``m_1*l**2 + m_2*l**2 -> (m_1 + m_2)*l**2``: symbols that all terms have to the same power."""
    terms = [split(arg) for arg in x.args]
    if len(terms) > MAX_TERMS or None in terms:
        return None
    common: Powers = {
        base: n
        for base, n in terms[0][1].items()  # type: ignore[index]
        if all(t[1].get(base) == n for t in terms)  # type: ignore[index]
    }
    return _out_of(x, common) if common else None


def _in_pairs(x: Expr) -> Expr | None:
    """``a*c + a*d + b*c + b*d -> a*(c + d) + b*(c + d)``: four terms in pairs that share most symbols."""
    terms = [split(arg) for arg in x.args]
    if len(terms) != 4 or None in terms:
        return None
    pairings = [((0, k), tuple(i for i in (1, 2, 3) if i != k)) for k in (1, 2, 3)]
    shared = [[_shared(terms[i], terms[j]) for i, j in pairing] for pairing in pairings]  # type: ignore[arg-type]
    counts = [sum(map(len, both)) if all(both) else 0 for both in shared]
    best = max(range(3), key=counts.__getitem__)
    if not counts[best]:
        return None
    sums = [add_all([x.args[i], x.args[j]]) for i, j in pairings[best]]
    if any(y.op is not ADD for y in sums):
        return None
    return add_all([_out_of(y, common) for y, common in zip(sums, shared[best], strict=True)])


def _shared(a: Term, b: Term) -> Powers:
    """The powers of symbols that two terms have."""
    return {
        base: min(n, b[1][base])
        for base, n in a[1].items()
        if base.op.label is not None and min(n, b[1].get(base, 0)) > 0
    }


def _out_of(x: Expr, common: Powers) -> Expr:
    """A sum with a common factor of its terms before it."""
    inverse: Powers = {base: -n for base, n in common.items()}
    rest = [as_expr(multiplied(split(arg), (1, inverse)), x) for arg in x.args]
    return mul_all([as_term(common, x), add_all([t for t in rest if t is not None])])


def _tails(x: Expr) -> Expr | None:
    """The terms with a denominator over one, the others as they are."""
    below = [t for t in x.args if _is_quotient(t)]
    if not 1 < len(below) < len(x.args) <= MAX_TERMS:
        return None
    joined = together(add_all(below))
    return None if joined is None else add_all([*_without(x, below), joined])


def _without(x: Expr, some: Iterable[Expr]) -> list[Expr]:
    """The operands of x but for some."""
    left_out = set(some)
    return [arg for arg in x.args if arg not in left_out]


def _is_quotient(x: Expr) -> bool:
    term = split(x)
    return term is not None and any(n < 0 for n in term[1].values())


def written_out(x: Expr) -> Expr | None:
    """A sum with the products in it written out: ``a*(b + c) + a*d -> a*b + a*c + a*d``."""
    terms = terms_of(x, 0)
    if terms is None or not any(b.op is ADD and n > 0 for _, p in terms for b, n in p.items()):
        return None
    total = over_common(terms, x, whole=True)
    if total is not None and not any(b.op is ADD for b in total[1]):
        return as_expr(total, x)
    return _expanded(total, x)


def _expanded(term: tuple[object, Powers] | None, like: Expr) -> Expr | None:
    """The term with its only numerator multiplied by each of the other factors."""
    if term is None:
        return None
    c, powers = term
    sums = [b for b, n in powers.items() if b.op is ADD and n == 1]
    if len(sums) != 1:
        return None
    rest = {b: n for b, n in powers.items() if b is not sums[0]}
    parts = []
    for arg in sums[0].args:
        part = multiplied((c, rest), split(arg))  # type: ignore[arg-type]
        made = as_expr(part, like)
        if made is None:
            return None
        parts.append(made)
    return add_all(parts)


def _flat(x: Expr) -> Expr | None:
    """``a + (b - 2*a) -> b - a``: a sum in a sum opened, though it is needed elsewhere, too."""
    if not any(arg.op is ADD for arg in x.args):
        return None
    terms = [t for arg in x.args for t in (arg.args if arg.op is ADD else (arg,))]
    return collect_sum([(1, t) for t in terms], x, shortest=False)


# Products and powers


def _collected(x: Expr) -> Expr | None:
    """``u/(v/w) -> u*w/v``, ``(m/x)**(a - 1)/x -> (m/x)**a/m``."""
    return as_expr(split(x), x)


def _cleared(x: Expr, written_out: bool = True) -> Expr | None:
    """``a**2*(x**2/a**2 + 1) -> x**2 + a**2``: denominators inside the sums of a product cleared."""
    term = split(x)
    if term is None or not any(b.op is ADD and has_denominator(b) for b in term[1]):
        return None
    return as_expr(cleared(term, written_out=written_out), x)


def _cancelled(x: Expr) -> Expr | None:
    """``(x**2 - 1)/(x - 1) -> x + 1``: the numerator written out, cancelled and factored."""
    term = split(x)
    if term is None or sum(b.op is ADD for b in term[1]) < 2:
        return None
    made = over_common([cleared(term)], x, whole=True)
    below = any(b.op is ADD and n < 0 for b, n in term[1].items())
    return as_expr(made, x) if below or _is_short(made) else None


def _cancelled_above(x: Expr) -> Expr | None:
    """``x/(x**2 + x) -> 1/(x + 1)``: a denominator written out, what stands above it cancelled."""
    term = split(x)
    if term is None:
        return None
    c, powers = term
    above: Powers = {b: -n for b, n in powers.items() if n > 0 and n.__class__ is int}
    for total, n in powers.items() if above else ():
        if total.op is not ADD or n != -1:
            continue
        made = over_common([cleared((1, {**above, total: 1}))], x, whole=True)
        if made is None or made[0] == 0 or total in made[1]:
            continue
        rest: Powers = {b: m for b, m in powers.items() if b is not total and b not in above}
        inverse: Powers = {b: -m for b, m in made[1].items()}
        return as_expr(multiplied((c, rest), (1 / Fraction(made[0]), inverse)), x)
    return None


def _is_short(term: Term | None) -> bool:
    """Whether no sum in a term has more than two terms."""
    return term is not None and all(b.op is not ADD or len(b.args) <= 2 for b in term[1])


def _cancelled_squares(x: Expr, squares: int) -> Expr | None:
    """``sin(x)**2/(1 - cos(x)) -> 1 + cos(x)``."""
    term = split(x)
    circle = term is not None and any(b.op in CIRCLES and n > 1 for b, n in term[1].items())
    if term is None or not circle or not any(b.op is ADD for b in term[1]):
        return None
    return as_expr(over_common([term], x, squares, whole=True), x)


def _absorbed(x: Expr) -> Expr | None:
    """``sqrt(x)*(sqrt(x) + 1) -> x + sqrt(x)``: a root that a sum has, too, multiplied into the sum."""
    term = split(x)
    if term is None:
        return None
    c, powers = term
    for total, n in powers.items():
        inner = [split(arg) for arg in total.args] if total.op is ADD and abs(n) == 1 else []
        if not inner or None in inner:
            continue
        shared = {
            b: m * n
            for b, m in powers.items()
            if m.__class__ is not int and m * n > 0 and any(b in t[1] for t in inner if t)
        }
        if shared:
            made = [as_expr(multiplied(t, (1, shared)), x) for t in inner]
            rest = {b: m for b, m in powers.items() if b is not total and b not in shared}
            raise_power(rest, add_all([t for t in made if t is not None]), n)
            return as_term(rest, x, c)
    return None


def _into_root(x: Expr) -> Expr | None:
    """``b**2*sqrt(a/b) -> sqrt(a*b**3)``: even powers of what a root has below, taken into it."""
    term = split(x)
    if term is None:
        return None
    c, powers = term
    for base, n in powers.items():
        inner = split(base) if base.op is MUL and abs(n) == _HALF else None
        if inner is None:
            continue
        moved: Powers = {
            b: int(powers[b] / n)
            for b in inner[1]
            if powers.get(b, _HALF) % (1 if is_nonnegative(b) else 2) == 0
        }
        if moved:
            rest: Powers = {b: m for b, m in powers.items() if b is not base and b not in moved}
            root = power(as_term(times(inner[1], moved), x, inner[0]), number(n))
            return mul_all([as_term(rest, x, c), root])
    return None


def _apart(x: Expr) -> Expr | None:
    """``(x + 1)/x -> 1 + 1/x``: the only sum in a numerator multiplied by the rest of the product."""
    term = split(x)
    if term is None or (term[0].denominator == 1 and all(b.op is ADD for b in term[1])):
        return None  # a whole number stays in front of its sum
    return _expanded(term, x)


def _conjugates_multiplied(x: Expr) -> Expr | None:
    """``(sqrt(u) - v)*(sqrt(u) + w)`` written out, where roots cancel."""
    term = split(x)
    sums = [b for b, n in term[1].items() if b.op is ADD and n in (1, -1)] if term else []
    for a, b in combinations(sums, 2):
        if term is None or term[1][a] != term[1][b] or not _roots_in(a) & _roots_in(b):
            continue
        n = term[1][a]
        made = over_common([(1, {a: 1, b: 1})], x, whole=True)
        whole = as_expr(made, x)
        if whole is None or whole.size_as_tree >= a.size_as_tree + b.size_as_tree:
            continue
        rest: Powers = {base: m for base, m in term[1].items() if base is not a and base is not b}
        return mul_all([as_term(rest, x, term[0]), power(whole, number(n, x.shape))])
    return None


def _roots_in(total: Expr) -> set[Expr]:
    """What stands below roots in the terms of a sum."""
    terms = [split(arg) for arg in total.args]
    return {b for t in terms if t is not None for b, n in t[1].items() if n.denominator != 1}


def _symbols_outside(x: Expr) -> Expr | None:
    """``a*(b*y - 3*b*x**2) -> a*b*(y - 3*x**2)``: the powers of symbols that a sum in a product shares."""
    return _with_changed_sum(x, _shared_symbols)


def _shared_symbols(total: Expr, outside: Powers) -> Powers:
    terms = [split(arg) for arg in total.args]
    if len(terms) > MAX_TERMS or None in terms:
        return {}
    return {
        base: -n
        for base, n in terms[0][1].items()  # type: ignore[index]
        if base.op.label is not None and all(t[1].get(base) == n for t in terms)  # type: ignore[index]
    }


def _denominators_inside(x: Expr) -> Expr | None:
    """``(3*a - b)/a*c -> (3 - b/a)*c``: denominators that cancel in a sum."""
    return _with_changed_sum(x, _cancelling)


def _cancelling(total: Expr, outside: Powers) -> Powers:
    inside = {base for arg in total.args for base, n in (split(arg) or (1, {}))[1].items() if n > 0}
    cancel = {base: n for base, n in outside.items() if n < 0 and base in inside}
    raised = {base.args[0] for base in outside if base.op is POW}  # x**a/x is one power
    left = {base: n for base, n in outside.items() if n < 0 and base.op.label is not None}
    return left if cancel and raised.isdisjoint(left) else {}


def _with_changed_sum(x: Expr, factor: Callable[[Expr, Powers], Powers]) -> Expr | None:
    """A product whose only sum above is multiplied by a factor, and the rest divided by it."""
    term = split(x)
    if term is None:
        return None
    c, powers = term
    sums = [b for b, n in powers.items() if b.op is ADD and n == 1]
    if len(sums) != 1:
        return None
    (total,) = sums
    rest: Powers = {b: n for b, n in powers.items() if b is not total}
    moved = factor(total, rest)
    inner = [multiplied(split(arg), (1, moved)) for arg in total.args] if moved else []
    if not inner or None in inner:
        return None
    made = add_all([y for y in (as_expr(t, x) for t in inner) if y is not None])
    return mul_all([as_term(times(rest, {b: -n for b, n in moved.items()}), x, c), made])


def _sign_inside(x: Expr) -> Expr | None:
    """``-(a - b)*c -> (b - a)*c``, ``-tanh(a - b) -> tanh(b - a)``."""
    c, rest = split_coefficient(x)
    term = split(x)
    if term is None or not is_exact(c) or c >= 0 or rest is None:
        return None
    for base, n in term[1].items():
        turned = _turned(base) if n.__class__ is int and n % 2 else None
        if turned is not None:
            powers = dict(term[1])
            del powers[base]
            raise_power(powers, turned, n)
            return as_term(powers, x, -term[0])
    return None


def _turned(x: Expr) -> Expr | None:
    """Minus a difference, or minus an odd function of one, with the difference turned round."""
    if x.op is ADD:
        return negated(x) if _has_minus(x) else None
    if x.op not in ODD:
        return None
    (u,) = x.args
    term = split(u)
    for base, n in term[1].items() if term is not None else ():
        if term is not None and n in (1, -1) and base.op is ADD and _has_minus(base):
            powers = {b: m for b, m in term[1].items() if b is not base}
            return x.op.build((as_term({**powers, negated(base): n}, u, term[0]),), ())
    return None


def _has_minus(x: Expr) -> bool:
    return any(c < 0 for c, _ in map(split_coefficient, x.args) if is_exact(c))


# Roots


def _roots_joined(x: Expr) -> Expr | None:
    """``sqrt(a)*sqrt(b) -> sqrt(a*b)``."""
    term = split(x)
    if term is None:
        return None
    for sign in (_HALF, -_HALF):
        bases = [b for b, n in term[1].items() if n == sign and b.op is not f.exp]
        unknown = [b for b in bases if not is_nonnegative(b)]
        if len(bases) > 1 and len(unknown) <= 1:
            return _under_one_root(term, dict.fromkeys(bases, 1), sign, x)
    return None


def _quotient_under_root(x: Expr) -> Expr | None:
    """``sqrt(2)/sqrt(pi) -> sqrt(2/pi)`` of what is known not to be negative."""
    term = split(x)
    if term is None:
        return None
    inside: Powers = {
        b: int(2 * n)
        for b, n in term[1].items()
        if n in (_HALF, -_HALF) and b.op is not f.exp and is_nonnegative(b)
    }
    return _under_one_root(term, inside, _HALF, x) if len(set(inside.values())) > 1 else None


def _out_of_root(x: Expr) -> Expr | None:
    """``sqrt(c**4*m**2 + c**2*p**2) -> c*sqrt(c**2*m**2 + p**2)`` for c >= 0."""
    total, p = x.args
    n = value_of(p)
    terms = [split(arg) for arg in total.args] if total.op is ADD else []
    if (
        not is_exact(n)
        or n.denominator == 1
        or not terms
        or len(terms) > MAX_TERMS
        or None in terms
    ):
        return None
    common: Powers = {}
    for base in terms[0][1]:  # type: ignore[index]
        exponents = [t[1].get(base, 0) for t in terms]  # type: ignore[index]
        least, most = min(exponents), max(exponents)
        nearest = least if least > 0 else most  # to 0
        whole = n.denominator * int(nearest / n.denominator)
        if whole and is_nonnegative(base) and least * most > 0:
            common[base] = whole
    if not common:
        return None
    inverse: Powers = {base: -m for base, m in common.items()}
    rest = [as_expr(multiplied(t, (1, inverse)), x) for t in terms]
    inside = add_all([t for t in rest if t is not None])
    return mul_all([as_term({b: int(m * n) for b, m in common.items()}, x), power(inside, p)])


def _under_one_root(term: Term, inside: Powers, n: Fraction, like: Expr) -> Expr:
    rest: Powers = {b: m for b, m in term[1].items() if b not in inside}
    return mul_all([as_term(rest, like, term[0]), power(as_term(inside, like), number(n))])


def _rule(name: str, guarantee: Guarantee, op: Op, apply: Callable[[Expr], Expr | None]) -> Rule:
    return Rule(name, guarantee, op, apply)


SUMS: Final = (
    _rule("a/b + c/d = (a*d + b*c)/(b*d)", DOMAIN, ADD, together),
    _rule("a/b + c, the sums in it as they are", DOMAIN, ADD, partial(together, written_out=False)),
    _rule("a/b + c/d, sin**2 = 1 - cos**2", DOMAIN, ADD, partial(together, squares=1)),
    _rule("a/b + c/d, cos**2 = 1 - sin**2", DOMAIN, ADD, partial(together, squares=2)),
    _rule("1/q + a/q**2 = (1 + a/q)/q", DOMAIN, ADD, _common_factor),
    _rule(
        "a*c**n + b*c**n = (a + b)*c**n, or in pairs",
        ROUNDING,
        ADD,
        first_of(_common_symbols, _in_pairs),
    ),
    _rule("the quotients in a sum over one denominator", DOMAIN, ADD, _tails),
    _rule("a*(b + c) + a*d = a*b + a*c + a*d", ROUNDING, ADD, written_out),
    _rule("a + (b + c) = a + b + c", ROUNDING, ADD, _flat),
    *[
        _rule(
            f"terms {i} and {j} of a sum over one denominator",
            DOMAIN,
            ADD,
            partial(_pair, first=i, second=j),
        )
        for i, j in combinations(range(MAX_PARTS), 2)
    ],
)
PRODUCTS: Final = tuple(
    _rule(name, guarantee, op, apply)
    for op in (MUL, POW)
    for name, guarantee, apply in (
        ("u/(v/w) = u*w/v", DOMAIN, _collected),
        ("b*(a/b + c) = a + b*c", DOMAIN, _cleared),
        ("b*(a/b + c), the sums in it as they are", DOMAIN, partial(_cleared, written_out=False)),
        ("sqrt(a)*(sqrt(a) + b) = a + b*sqrt(a)", DOMAIN, _absorbed),
        ("b**2*sqrt(a/b) = sqrt(a*b**3)", DOMAIN, _into_root),
        ("(x**2 - 1)/(x - 1) = x + 1", DOMAIN, _cancelled),
        ("x/(x**2 + x) = 1/(x + 1)", DOMAIN, _cancelled_above),
        ("sin(x)**2/(1 - cos(x)) = 1 + cos(x)", DOMAIN, partial(_cancelled_squares, squares=1)),
        ("cos(x)**2/(1 - sin(x)) = 1 + sin(x)", DOMAIN, partial(_cancelled_squares, squares=2)),
        ("(a + b)*c = a*c + b*c", ROUNDING, _apart),
        ("(a*b + a*c)*d = a*(b + c)*d", ROUNDING, _symbols_outside),
        ("(a + b)/a*c = (1 + b/a)*c", DOMAIN, _denominators_inside),
        ("-(a - b)*c = (b - a)*c", EXACT, _sign_inside),
    )
)
ROOTS: Final = (
    _rule(
        "sqrt(a)*sqrt(b) = sqrt(a*b), conjugates of roots",
        DOMAIN,
        MUL,
        first_of(_conjugates_multiplied, _roots_joined),
    ),
    _rule("sqrt(a)/sqrt(b) = sqrt(a/b), a and b >= 0", ROUNDING, MUL, _quotient_under_root),
    _rule("sqrt(a**2*b + a**2*c) = a*sqrt(b + c), a >= 0", ROUNDING, POW, _out_of_root),
)
RATIO_RULES: Final = (*SUMS, *PRODUCTS, *ROOTS)
