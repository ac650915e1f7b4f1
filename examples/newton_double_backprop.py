"""Newton's method for a minimum of x**4 - 2*x**2, with f'' by double backpropagation."""

import symgrad as sg


def f(x: sg.Variable) -> sg.Variable:
    """The formula to minimise; its minima are at -1 and 1."""
    return x**4 - 2 * x**2


def main(x0: float = 2.0, steps: int = 9) -> None:
    """Print the iterates ``x - f'(x)/f''(x)``, the start included."""
    x = sg.variable(x0, name="x")
    for step in range(steps + 1):
        print(step, x.data)
        y = f(x)
        x.cleargrad()
        y.backward(create_graph=True)
        gx = x.grad
        x.cleargrad()
        gx.backward()
        gx2 = x.grad
        x.data = x.data - gx.data / gx2.data


if __name__ == "__main__":
    main()
