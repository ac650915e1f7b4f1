"""Derivatives of sin by backpropagation, each through the graph of the one before."""

import symgrad as sg


def main() -> None:
    """Print sin and its first four derivatives at 1; the fourth is sin again."""
    x = sg.variable(1.0, name="x")
    y = sg.sin(x)
    print(f"sin(x)      {y.data}")
    y.backward(create_graph=True)
    for order in range(1, 5):
        gx = x.grad
        print(f"order {order}     {gx.data}   {gx.expr}")
        x.cleargrad()
        gx.backward(create_graph=True)


if __name__ == "__main__":
    main()
