"""Gradients of three functions on which optimisers are tested, at (1, 1)."""

import symgrad as sg


def sphere(x: sg.Expr, y: sg.Expr) -> sg.Expr:
    """x**2 + y**2."""
    return x**2 + y**2


def matyas(x: sg.Expr, y: sg.Expr) -> sg.Expr:
    """0.26*(x**2 + y**2) - 0.48*x*y."""
    return 0.26 * (x**2 + y**2) - 0.48 * x * y


def goldstein_price(x: sg.Expr, y: sg.Expr) -> sg.Expr:
    """Of degree 8, with its minimum, 3, at (0, -1)."""
    return (1 + (x + y + 1) ** 2 * (19 - 14 * x + 3 * x**2 - 14 * y + 6 * x * y + 3 * y**2)) * (
        30 + (2 * x - 3 * y) ** 2 * (18 - 32 * x + 12 * x**2 + 48 * y - 36 * x * y + 27 * y**2)
    )


def main() -> None:
    """Print each gradient at (1, 1)."""
    x, y = sg.symbols("x y")
    for function in (sphere, matyas, goldstein_price):
        gradient = sg.lambdify([x, y], sg.grad(function(x, y), [x, y]))
        dx, dy = gradient(1.0, 1.0)
        print(f"{function.__name__:16}", dx, dy)


if __name__ == "__main__":
    main()
