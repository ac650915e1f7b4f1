"""Newton's method for a minimum of x**4 - 2*x**2, with f'' by double backpropagation.

With an argument, a picture of the iterates is drawn to that file, which needs matplotlib.
"""

import sys
from collections.abc import Iterator
from typing import Any

import numpy as np

import symgrad as sg


def f(x: Any) -> Any:
    """The formula to minimise; its minima are at -1 and 1."""
    return x**4 - 2 * x**2


def by_backpropagation(x0: float, steps: int) -> Iterator[float]:
    """The iterates ``x - f'(x)/f''(x)`` define-by-run, the start included."""
    x = sg.variable(x0, name="x")
    for _ in range(steps + 1):
        yield x.data
        y = f(x)
        x.cleargrad()
        y.backward(create_graph=True)
        gx = x.grad
        x.cleargrad()
        gx.backward()
        gx2 = x.grad
        x.data = x.data - gx.data / gx2.data


def by_formula(x0: float, steps: int) -> Iterator[float]:
    """The same iterates by one compiled step."""
    x = sg.symbol("x")
    step = sg.lambdify(x, x - sg.diff(f(x), x) / sg.diff(f(x), x, 2))
    for _ in range(steps + 1):
        yield x0
        x0 = step(x0)


def main(x0: float = 2.0, steps: int = 9, picture: str | None = None) -> None:
    """Print the iterates of both faces."""
    iterates = list(by_backpropagation(x0, steps))
    for step, pair in enumerate(zip(iterates, by_formula(x0, steps), strict=True)):
        print(step, *pair)
    if picture is not None:
        plot(picture, np.array(iterates))


def plot(path: str, iterates: np.ndarray) -> None:
    """The curve with the iterates on it."""
    from matplotlib import pyplot  # noqa: PLC0415  where a picture is asked for

    x = np.linspace(-0.2, 2.1, 200)
    pyplot.plot(x, f(x))
    pyplot.plot(iterates, f(iterates), "o--", color="darkorange")
    for step, at in enumerate(iterates[:3]):
        name = f"step {step}" if step else "start"
        pyplot.annotate(name, (at, f(at)), (-50, 8), textcoords="offset points")
    pyplot.xlabel("x")
    pyplot.ylabel("x**4 - 2*x**2")
    pyplot.savefig(path, bbox_inches="tight")


if __name__ == "__main__":
    main(picture=sys.argv[1] if len(sys.argv) > 1 else None)
