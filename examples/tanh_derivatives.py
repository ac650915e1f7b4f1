"""tanh to order 8: its formulas, their size, and pictures of their graphs.

With a directory as argument the graphs are drawn there, as formulas and as backpropagation leaves them.
"""

import sys
from pathlib import Path

import symgrad as sg
from symgrad.expr.traverse import toposort


def main(directory: str | None = None) -> None:
    """Print, for each order, the value at 1, and the nodes of the formula."""
    x = sg.symbol("x")
    v = sg.variable(1.0, name="x")
    y, w = sg.tanh(x), sg.tanh(v)
    w.backward(create_graph=True)
    for order in range(1, 9):
        y, g = sg.diff(y, x), v.grad
        value, size = float(sg.evaluate(y, {x: 1.0})), len(toposort([y]))
        print(f"order {order}: {g.data:.10g} {value:.10g}, {size} nodes")
        if directory is not None:
            sg.draw(y, Path(directory) / f"tanh{order}.svg")
            sg.draw(g, Path(directory) / f"tanh{order}_variables.svg")
        v.cleargrad()
        g.backward(create_graph=True)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else None)
