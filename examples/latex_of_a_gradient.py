"""LaTeX of the gradient of a formula of scalars, and of linear least squares by a vector."""

import symgrad as sg


def main() -> None:
    """Print a gradient by scalars, and one by a vector."""
    x, y = sg.symbols("x y")
    f = sg.exp(-(x**2)) * sg.sin(y) / 2
    for symbol, derivative in zip((x, y), sg.grad(f, [x, y]), strict=True):
        print(f"d/d{symbol}", sg.latex(derivative))

    X = sg.matrix("X", ("n", "m"))
    w = sg.vector("w", "m")
    t = sg.vector("t", "n")
    gradient = sg.grad(sg.sum((X @ w - t) ** 2) / 2, w)
    print(gradient)
    print(sg.latex(gradient))


if __name__ == "__main__":
    main()
