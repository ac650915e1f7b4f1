"""A hanging chain: the minimum of its energy under gravity, by Newton's method with an exact Hessian.

Forty links are stiff springs. As their stiffness grows the chain becomes a catenary.
"""

import numpy as np

import symgrad as sg

LINKS, LENGTH, WIDTH, STIFFNESS = 40, 1.5, 1.0, 1e5


def energy(x: sg.Expr, y: sg.Expr) -> sg.Expr:
    """Springs of rest length LENGTH/LINKS, and the weight of the joints between them."""
    xs = sg.concatenate([np.zeros(1), x, np.full(1, WIDTH)])
    ys = sg.concatenate([np.zeros(1), y, np.zeros(1)])
    link = sg.sqrt((xs[1:] - xs[:-1]) ** 2 + (ys[1:] - ys[:-1]) ** 2)
    rest = LENGTH / LINKS
    return STIFFNESS / 2 * sg.sum((link - rest) ** 2) / rest + sg.sum(y) * rest


def main() -> None:
    """Print the sag of the chain, that of the catenary of its length, and the largest force left."""
    x, y = sg.vector("x", LINKS - 1), sg.vector("y", LINKS - 1)
    t = np.linspace(0.0, 1.0, LINKS + 1)[1:-1]
    chain = sg.newton_minimize(energy(x, y), [x, y])([WIDTH * t, -2 * t * (1 - t)], maxiter=200)
    print("sag of the chain  ", -chain.x[1].min())
    a, width, length = sg.symbols("a width length")  # length = 2*a*sinh(width/(2*a))
    parameter = sg.implicit(2 * a * sg.sinh(width / (2 * a)) - length, a, x0=width / 4)
    sag = parameter * (sg.cosh(width / (2 * parameter)) - 1)
    print("sag of a catenary ", sg.evaluate(sag, {width: WIDTH, length: LENGTH}))
    print("largest force left", chain.residual)
    print("curvature         ", chain.curvature)


if __name__ == "__main__":
    main()
