"""A logistic curve through nine points: parameters with standard errors, by Levenberg and Marquardt.

The data are pasture yields over growing time, the set Rat42 of NIST's reference data.
"""

import numpy as np

import symgrad as sg

TIME = np.array([9.0, 14.0, 21.0, 28.0, 42.0, 57.0, 63.0, 70.0, 79.0])
YIELD = np.array([8.93, 10.8, 18.59, 22.33, 39.35, 56.11, 61.73, 64.62, 67.08])


def main() -> None:
    """Print each parameter with its standard error, and how well the curve fits."""
    b1, b2, b3 = parameters = sg.symbols("b1 b2 b3")
    residuals = b1 / (1 + sg.exp(b2 - b3 * TIME)) - YIELD
    fit = sg.least_squares(residuals, parameters)([75.0, 2.5, 0.07])
    for symbol, value, error in zip(parameters, fit.x, fit.stderr, strict=True):
        print(f"{symbol} = {value:.10g} +- {error:.10g}")
    print(f"residual standard deviation {fit.residual_std:.10g}")
    print(f"{fit.status} after {fit.iterations} iterations")


if __name__ == "__main__":
    main()
