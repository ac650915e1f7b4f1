"""Which root of z**3 = 1 Newton's method reaches, over the plane; --plot draws the picture."""

import sys

import numpy as np

import symgrad as sg

ROOTS = np.exp(2j * np.pi * np.arange(3) / 3)


def newton_step() -> sg.CompiledFunction:
    """One step for the real and imaginary part of z**3 - 1, two equations in two unknowns."""
    x, y = sg.symbols("x y")
    real, imaginary = x**3 - 3 * x * y**2 - 1, 3 * x**2 * y - y**3
    (a, b), (c, d) = sg.jacobian([real, imaginary], [x, y])
    det = a * d - b * c  # Cramer's rule
    return sg.lambdify(
        [x, y], [x - (d * real - b * imaginary) / det, y - (a * imaginary - c * real) / det]
    )


def basins(size: int, steps: int = 40) -> np.ndarray:
    """The index of the root reached from each point of a grid over [-2, 2]**2; -1 where none is."""
    axis = np.linspace(-2.0, 2.0, size)
    x, y = np.meshgrid(axis, axis)
    step = newton_step()
    with np.errstate(all="ignore"):  # at 0 there is no step
        for _ in range(steps):
            x, y = step(x, y)
        distance = np.abs((x + 1j * y)[..., None] - ROOTS)
    return np.where(np.nanmin(distance, axis=-1, initial=9.0) < 1e-8, np.argmin(distance, -1), -1)


def main(size: int = 400, plot: bool = False) -> None:
    """Print the share of the square that goes to each root; those of the conjugates are equal."""
    basin = basins(size)
    for k, root in enumerate(ROOTS):
        print(f"{root.real:+.3f} {root.imag:+.3f}i", np.mean(basin == k))
    print("none", np.mean(basin == -1))
    if plot:
        import matplotlib.pyplot as plt  # noqa: PLC0415

        plt.imsave("newton_fractal.png", basin, cmap="viridis", origin="lower")


if __name__ == "__main__":
    main(plot="--plot" in sys.argv)
