"""A hanging chain: the minimum of its energy under gravity, by Newton's method with an exact Hessian.

Forty links are stiff springs. As their stiffness grows the chain becomes a catenary.
"""

from typing import Any

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


def minimise(problem: Any, start: np.ndarray) -> np.ndarray:
    """Newton's method; a shift makes the Hessian positive definite, halving makes the energy fall."""
    z = start
    for _ in range(200):
        slope, matrix = problem.jac(z), problem.hess(z)
        shift = max(0.0, 1e-3 - np.linalg.eigvalsh(matrix)[0])
        step = np.linalg.solve(matrix + shift * np.eye(z.size), -slope)
        if np.abs(step).max() < 1e-13:
            break
        size = 1.0
        while size > 1e-9 and problem.fun(z + size * step) > problem.fun(z):
            size /= 2
        z = z + size * step
    return z


def main() -> None:
    """Print the sag of the chain, that of the catenary of its length, and the largest force left."""
    x, y = sg.vector("x", LINKS - 1), sg.vector("y", LINKS - 1)
    problem = sg.scipy_problem(energy(x, y), [x, y])
    t = np.linspace(0.0, 1.0, LINKS + 1)[1:-1]
    solution = minimise(problem, problem.pack(WIDTH * t, -2 * t * (1 - t)))
    print("sag of the chain  ", -problem.unpack(solution)[1].min())
    a, width, length = sg.symbols("a width length")  # length = 2*a*sinh(width/(2*a))
    parameter = sg.implicit(2 * a * sg.sinh(width / (2 * a)) - length, a, x0=width / 4)
    sag = parameter * (sg.cosh(width / (2 * parameter)) - 1)
    print("sag of a catenary ", sg.evaluate(sag, {width: WIDTH, length: LENGTH}))
    print("largest force left", np.abs(problem.jac(solution)).max())
    print("lowest curvature  ", np.linalg.eigvalsh(problem.hess(solution))[0])


if __name__ == "__main__":
    main()
