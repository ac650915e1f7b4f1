"""Implied volatilities of a million option quotes, with sensitivities; --plot draws the smile."""

import sys

import numpy as np

import symgrad as sg

K, T, P, V = sg.symbols("K T P V")  # strike, years, price, volatility; the stock stands at 1


def call_price() -> sg.Expr:
    """A call without interest, by Black and Scholes."""
    width = V * sg.sqrt(T)
    d1 = -sg.log(K) / width + width / 2
    return sg.special.ndtr(d1) - K * sg.special.ndtr(d1 - width)


def smile(strike: np.ndarray) -> np.ndarray:
    """The volatility that made the quotes."""
    return 0.2 + 0.3 * np.log(strike) ** 2


def main(count: int = 1_000_000, plot: bool = False) -> None:
    """Print how well the volatilities are found, and two sensitivities of one of them."""
    price = call_price()
    inflection = sg.sqrt(2 * sg.abs(sg.log(K)) / T + 1e-4)  # from there Newton's method is monotone
    implied = sg.implicit(price - P, V, [K, T, P], x0=inflection)
    quote = sg.lambdify([K, T, V], price)
    solve = sg.lambdify([K, T, P], implied)

    rng = np.random.default_rng(0)
    strike, years = rng.uniform(0.8, 1.25, count), rng.uniform(0.5, 2.0, count)
    found = solve(strike, years, quote(strike, years, smile(strike)))
    print("largest error   ", np.abs(found - smile(strike)).max())

    at_the_money = quote(1.0, 1.0, 0.2)
    by_price = sg.lambdify([K, T, P], [sg.diff(implied, P), sg.diff(implied, P, 2)])
    first, second = by_price(1.0, 1.0, at_the_money)
    print("dV/dP, d2V/dP2  ", first, second)
    if plot:
        draw(strike, found)


def draw(strike: np.ndarray, volatility: np.ndarray) -> None:
    """Volatility over strike, as a picture."""
    import matplotlib.pyplot as plt  # noqa: PLC0415

    plt.plot(strike[:5000], volatility[:5000], ".", markersize=1)
    plt.xlabel("strike")
    plt.ylabel("implied volatility")
    plt.savefig("implied_volatility.png", dpi=150)


if __name__ == "__main__":
    main(plot="--plot" in sys.argv)
