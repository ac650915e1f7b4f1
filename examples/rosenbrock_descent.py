"""Gradient descent in Rosenbrock's valley, from (0, 2) towards the minimum at (1, 1)."""

import symgrad as sg


def main(rate: float = 0.001, steps: int = 10_000) -> None:
    """Print where `steps` steps against the gradient, of size `rate`, lead."""
    x, y = sg.symbols("x y")
    f = 100 * (y - x**2) ** 2 + (x - 1) ** 2
    gradient = sg.lambdify([x, y], sg.grad(f, [x, y]))
    a, b = 0.0, 2.0
    for _ in range(steps):
        da, db = gradient(a, b)
        a, b = a - rate * da, b - rate * db
    print(a, b)


if __name__ == "__main__":
    main()
