"""A gradient inside a formula: z = (dy/dx)**3 + y with y = x**2, differentiated once more."""

import symgrad as sg


def main() -> None:
    """Print dz/dx at 2, which is 24*x**2 + 2*x = 100, as a Variable and as a formula."""
    x = sg.variable(2.0, name="x")
    y = x**2
    y.backward(create_graph=True)
    gx = x.grad
    x.cleargrad()

    z = gx**3 + y
    z.backward()
    print("Variable", x.grad.data)

    x = sg.symbol("x")
    y = x**2
    dz = sg.diff(sg.diff(y, x) ** 3 + y, x)
    print("formula ", sg.evaluate(dz, {x: 2.0}), " ", dz)


if __name__ == "__main__":
    main()
