"""The steady state of a chemical network, and how it moves with the rates.

Substrate and enzyme bind and part, the complex makes product, and product turns back into substrate:

    S + E <-> C -> E + P,    P -> S.
"""

import numpy as np

import symgrad as sg

RATES = {"k1": 10.0, "k2": 1.0, "k3": 2.0, "k4": 0.5}


def main() -> None:
    """Print concentrations, the flux, and its elasticity by each rate; they sum to one."""
    s, c, p = sg.symbols("S C P")
    k1, k2, k3, k4 = rates = sg.symbols(" ".join(RATES))
    total, enzyme = 5.0, 1.0
    balance = [
        k1 * s * (enzyme - c) - (k2 + k3) * c,  # the complex
        k3 * c - k4 * p,  # the product
        s + c + p - total,  # matter
    ]
    s, c, p = sg.implicit(balance, [s, c, p], rates, x0=[1.0, 0.5, 1.0])
    flux = k3 * c
    elasticities = [k * g / flux for k, g in zip(rates, sg.grad(flux, rates), strict=True)]
    values, current, shares = sg.lambdify(rates, [[s, c, p], flux, elasticities])(*RATES.values())
    print("S, C, P      ", *values)
    print("flux         ", current)
    for name, share in zip(RATES, shares, strict=True):
        print(f"by {name:9} ", share)
    print("their sum    ", np.sum(shares))


if __name__ == "__main__":
    main()
