"""One compiled callable for a number, for a million of them, and for a constant derivative."""

import numpy as np

import symgrad as sg


def main() -> None:
    """Print the first and second derivative of x**3 and x**2 at one point and at many."""
    x = sg.symbol("x")
    slope = sg.lambdify(x, sg.diff(x**3, x))
    print("one number  ", slope(2.0))
    print("an array    ", slope(np.arange(4.0)))

    curvature = sg.lambdify(x, sg.diff(x**2, x, 2))
    print("a constant  ", curvature(np.arange(4.0)))

    grid = np.linspace(-1.0, 1.0, 1_000_001)
    print("a million   ", slope(grid).sum())


if __name__ == "__main__":
    main()
