"""Gradient descent in Rosenbrock's valley, from (0, 2) towards the minimum at (1, 1).

With an argument, a picture of the path is drawn to that file, which needs matplotlib.
"""

import sys

import numpy as np

import symgrad as sg


def rosenbrock(x, y):
    """A curved valley."""
    return 100 * (y - x**2) ** 2 + (x - 1) ** 2


def compiled_path(a, b, rate, steps):
    """The points that a compiled gradient leads to."""
    x, y = sg.symbols("x y")
    gradient = sg.lambdify([x, y], sg.grad(rosenbrock(x, y), [x, y]))
    path = [(a, b)]
    for _ in range(steps):
        da, db = gradient(a, b)
        a, b = a - rate * da, b - rate * db
        path.append((a, b))
    return path


def path_of_variables(a, b, rate, steps):
    """The same points define-by-run."""
    x, y = sg.variable(a), sg.variable(b)
    path = [(a, b)]
    for _ in range(steps):
        x.cleargrad()
        y.cleargrad()
        rosenbrock(x, y).backward()
        x.data -= rate * x.grad.data
        y.data -= rate * y.grad.data
        path.append((x.data, y.data))
    return path


def main(rate: float = 0.001, steps: int = 10_000, picture: str | None = None) -> None:
    """Print where `steps` steps against the gradient, of size `rate`, lead."""
    path = compiled_path(0.0, 2.0, rate, steps)
    print(*path[-1])
    gap = np.max(np.abs(np.array(path[:1001]) - path_of_variables(0.0, 2.0, rate, 1000)))
    print(f"both faces agree to {gap:.0e}")
    if picture is not None:
        plot(picture, np.array(path))


def plot(file, path):
    """The path over the contours of the valley."""
    from matplotlib import pyplot  # noqa: PLC0415  where a picture is asked for

    x, y = np.meshgrid(np.linspace(-1.6, 1.6, 200), np.linspace(-0.8, 2.4, 200))
    pyplot.contour(x, y, np.log10(rosenbrock(x, y) + 1e-3), 14, cmap="Greys")
    pyplot.plot(*path.T, ".-", color="darkorange", markersize=3, label="gradient descent")
    pyplot.plot(1, 1, "k*", markersize=12, label="minimum")
    pyplot.xlabel("x")
    pyplot.ylabel("y")
    pyplot.legend(loc="lower right")
    pyplot.savefig(file, bbox_inches="tight")


if __name__ == "__main__":
    main(picture=sys.argv[1] if len(sys.argv) > 1 else None)
