"""Exponentials that are equal but for powers cancel: the Greeks of Black and Scholes keep their digits."""

import math

import mpmath as mp
import numpy as np
import pytest

import symgrad as sg
from symgrad import special
from symgrad.expr.traverse import free_symbols, toposort
from symgrad.ops import ufuncs as f
from symgrad.ops.shown import computed_forms
from symgrad.rewrite.stability import stabilize

a, x, y = sg.symbols("a x y")
p = sg.symbol("p", positive=True)
NAMES = ("S", "K", "r", "T", "sigma", "q")
GREEKS = {  # the symbols by which the price is differentiated, and the sign
    "delta": ("S", 1), "gamma": ("SS", 1), "vega": ("s", 1), "theta": ("T", -1), "rho": ("r", 1),
    "vanna": ("Ss", 1), "volga": ("ss", 1), "charm": ("ST", -1), "speed": ("SSS", 1),
    "color": ("SST", -1), "zomma": ("SSs", 1), "ultima": ("sss", 1),
}  # fmt: skip
EPS = mp.mpf(2) ** -53


def symbols(positive):
    return [sg.symbol(n, positive=True) if positive else sg.symbol(n) for n in NAMES[:5]] + [
        sg.symbol("q")
    ]


def by_erf(u):
    return (1 + special.erf(u / sg.sqrt(2))) / 2


def by_erfc(u):
    return special.erfc(-u / sg.sqrt(2)) / 2


def plain(normal=special.ndtr, positive=True, name=lambda e, n: e):
    S, K, r, T, s, q = symbols(positive)
    d1 = name((sg.log(S / K) + (r - q + 0.5 * s**2) * T) / (s * sg.sqrt(T)), "d_1")
    d2 = name(d1 - s * sg.sqrt(T), "d_2")
    return [S, K, r, T, s, q], S * sg.exp(-q * T) * normal(d1) - K * sg.exp(-r * T) * normal(d2)


def two_sums():
    S, K, r, T, s, q = symbols(False)
    v = sg.sqrt(s**2 * T)
    d1, d2 = [(sg.log(S / K) + (r - q) * T + k * s**2 * T / 2) / v for k in (1, -1)]
    D = sg.exp(-r * T)
    price = S * sg.exp(-q * T) * special.ndtr(d1) - K * D * special.ndtr(d2)
    return [S, K, r, T, s, q], price


def forward():
    S, K, r, T, s, q = symbols(True)
    v, F = s * sg.sqrt(T), sg.named(S * sg.exp((r - q) * T), "F")
    d1 = sg.named(sg.log(F / K) / v + v / 2, "d_1")
    D = sg.named(sg.exp(-r * T), "D")
    return [S, K, r, T, s, q], D * (F * special.ndtr(d1) - K * special.ndtr(d1 - v))


WRITTEN = {
    "by ndtr": plain,
    "by erf": lambda: plain(by_erf, positive=False),
    "by erfc": lambda: plain(by_erfc),
    "with names": lambda: plain(name=sg.named),
    "in two sums": two_sums,
    "by the forward": forward,
}


def textbook(S, K, r, T, s, q):
    """The Greeks as Haug has them: The Complete Guide to Option Pricing Formulas, 2007, chapter 2."""
    n, root = mp.ncdf, mp.sqrt(T)
    d1 = (mp.log(S / K) + (r - q + s**2 / 2) * T) / (s * root)
    d2 = d1 - s * root
    e, D = mp.exp(-q * T), mp.exp(-r * T)
    phi = e * mp.npdf(d1)
    vega, gamma = S * phi * root, phi / (S * s * root)
    drift = (2 * (r - q) * T - d2 * s * root) / (s * root)
    return {
        "delta": e * n(d1),
        "gamma": gamma,
        "vega": vega,
        "theta": q * S * e * n(d1) - r * K * D * n(d2) - S * phi * s / (2 * root),
        "rho": K * T * D * n(d2),
        "vanna": -phi * d2 / s,
        "volga": vega * d1 * d2 / s,
        "charm": q * e * n(d1) - phi * drift / (2 * T),
        "speed": -gamma / S * (d1 / (s * root) + 1),
        "color": phi / (2 * S * T * s * root) * (2 * q * T + 1 + drift * d1),
        "zomma": gamma * (d1 * d2 - 1) / s,
        "ultima": -vega / s**2 * (d1 * d2 * (1 - d1 * d2) + d1**2 + d2**2),
    }


def points():
    """At and far from the money, for hours and for years."""
    rng = np.random.default_rng(7)
    for far in (0, 1, 3, 6, -1, -3, -6, 0):
        K, T, s = 100 * math.exp(rng.normal()), 10 ** rng.uniform(-3, 1), 10 ** rng.uniform(-1.3, 0)
        S = K * math.exp((far + rng.uniform(-0.5, 0.5)) * s * math.sqrt(T))
        yield [S, K, rng.uniform(0.001, 0.1), T, s, rng.uniform(0, 0.08)]


def derived(price, by, wrt):
    for name in wrt:
        price = sg.diff(price, by[name])
    return price


@pytest.mark.parametrize("written", WRITTEN)
def test_compiled_greeks_lose_no_more_than_their_arguments_do(written):
    args, price = WRITTEN[written]()
    by = dict(zip("SKrTsq", args, strict=True))
    compiled = sg.lambdify(args, {g: k * derived(price, by, wrt) for g, (wrt, k) in GREEKS.items()})
    for point in points():
        with mp.workdps(40):
            exact = [mp.mpf(float(v)) for v in point]
            truth = textbook(*exact)
            moved = [
                textbook(*[v * (1 + EPS) if i == j else v for i, v in enumerate(exact)])
                for j in range(6)
            ]
        for greek, value in compiled(*point).items():
            condition = sum(abs(m[greek] - truth[greek]) for m in moved)
            allowed = 16 * (condition + EPS * abs(truth[greek]))
            assert abs(float(value) - truth[greek]) <= allowed, (greek, point)


@pytest.mark.parametrize("greek", GREEKS)
def test_a_greek_has_one_density_at_most(greek):
    args, price = plain()
    by = dict(zip("SKrTsq", args, strict=True))
    order = toposort(computed_forms([derived(price, by, GREEKS[greek][0])]))
    assert sum(node.op is f.exp and args[0] in set(free_symbols(node)) for node in order) <= 1


def test_many_prices_at_once():
    _, K, r, T, s, _ = symbols(True)
    S = sg.vector("S", "n")
    d1 = (sg.log(S / K) + (r + s**2 / 2) * T) / (s * sg.sqrt(T))
    value = sg.sum(S * special.ndtr(d1) - K * sg.exp(-r * T) * special.ndtr(d1 - s * sg.sqrt(T)))
    delta = sg.grad(value, S)
    assert str(delta) == "ndtr((T*(sigma**2 + 2*r) + 2*log(S/K))/(2*sigma*sqrt(T)))"
    assert str(sg.grad(value, s)).count("exp") == 2  # exp(-r*T) and the density


FORMS = [
    (x * sg.exp((x + y) ** 2) - x * sg.exp(x**2 + 2 * x * y + y**2), "0"),
    (sg.cosh(x) - sg.sinh(x), "exp(-x)"),
    (a * sg.cosh(2 * x) + a * sg.sinh(2 * x), "a*exp(2*x)"),
    (sg.exp(x) - sg.cosh(x), "sinh(x)"),
    (sg.exp(-x) - 2 * sg.cosh(x), "-exp(x)"),
    (sg.exp(-x) + sg.sinh(x), "cosh(x)"),
    (sg.cosh(x) ** 2 - sg.sinh(x) ** 2, "1"),
    (sg.cosh(x) ** 2 + sg.sinh(x) ** 2, "cosh(2*x)"),
    (sg.cosh(x) * sg.cosh(y) - sg.sinh(x) * sg.sinh(y), "cosh(x - y)"),
    (sg.exp(x) * sg.cosh(x) - sg.exp(2 * x) / 2, "1/2"),
    (1 - 1 / sg.cosh(x), "tanh(x/2)*tanh(x)"),
]


@pytest.mark.parametrize(("formula", "expected"), FORMS, ids=str)
def test_stable_forms(formula, expected):
    assert str(stabilize([sg.constant(0) + formula])[0]) == expected


@pytest.mark.parametrize("at", [0.0, 1e-9, 0.5, 20.0, 300.0, -20.0, -300.0])
@pytest.mark.parametrize("k", range(1, len(FORMS)))
def test_values_of_stable_forms(k, at):
    oracles = [
        lambda t: mp.exp(-t), lambda t: 2 * mp.exp(2 * t), mp.sinh, lambda t: -mp.exp(t), mp.cosh,
        lambda t: mp.mpf(1), lambda t: mp.cosh(2 * t), lambda t: mp.cosh(t / 4),
        lambda t: mp.mpf(1) / 2, lambda t: 1 - 1 / mp.cosh(t),
    ]  # fmt: skip
    compiled = sg.lambdify([x, y, a], FORMS[k][0])
    with mp.workdps(400):
        truth = oracles[k - 1](mp.mpf(at))
    assert abs(compiled(at, at * 0.75, 2.0) - truth) <= 1e-15 * (2 + abs(at)) * abs(truth)
