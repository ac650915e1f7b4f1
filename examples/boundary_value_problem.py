"""A network that solves u'' + u = x, u(0) = 0, u(pi/2) = pi/2 + 1: its equation is the loss.

The solution is x + sin(x). Derivatives by the input are formulas, and what is minimised is differentiated
by the weights in turn. With an argument, a picture of the solution is drawn to that file, which needs
matplotlib.
"""

import sys

import numpy as np

import symgrad as sg

HIDDEN, POINTS, END = 8, 24, np.pi / 2


def network(w, x):
    """One hidden layer, fitted to the ends: a line between them, plus what is zero there."""
    inner = sg.sum(w[2] * sg.tanh(w[0] * x + w[1]))
    return x / END * (END + 1) + x * (END - x) * inner


def residual_formula():
    """The residual at a point, over symbols."""
    w, x = [sg.vector(name, HIDDEN) for name in ("a", "b", "c")], sg.symbol("x")
    u = network(w, x)
    return w, x, sg.diff(u, x, 2) + u - x


def main(steps: int = 150, picture: str | None = None) -> None:
    """Print the error of the solution, found by both faces."""
    w, x, residual = residual_formula()
    points = np.linspace(0, END, POINTS)
    many = sg.vmap(residual, over={x: sg.constant(points)})
    f = sg.lambdify(w, [sg.mean(many**2), *sg.grad(sg.mean(many**2), w)])
    rng = np.random.default_rng(1)
    start = [rng.normal(size=HIDDEN), rng.normal(size=HIDDEN), np.zeros(HIDDEN)]

    params, optimizer = [a.copy() for a in start], sg.optim.Adam(lr=0.03)
    state = optimizer.init(params)
    for _ in range(5 * steps):
        params, state = optimizer.update(params, f(*params)[1:], state)
    report("compiled, Adam", params)

    variables = [sg.variable(a) for a in start]
    at = points[:, None]

    def loss():
        a, b, c = variables
        t = sg.tanh(a * at + b)  # the residual, with the second derivative of tanh written out
        v, v1, v2 = c * t, c * a * (1 - t**2), -2 * c * a**2 * t * (1 - t**2)
        inner, slope, curve = [sg.sum(part, axis=1) for part in (v, v1, v2)]
        bump, bump1 = points * (END - points), END - 2 * points
        u = points / END * (END + 1) + bump * inner
        u2 = -2 * inner + 2 * bump1 * slope + bump * curve
        return sg.mean((u2 + u - points) ** 2)

    lbfgs = sg.optim.LBFGS(variables, history=20)
    for _ in range(steps):
        lbfgs.step(loss)
    found = [p.data for p in variables]
    report("variables, L-BFGS", found)
    if picture is not None:
        plot(picture, {"compiled, Adam": params, "variables, L-BFGS": found})


GRID = np.linspace(0, END, 101)


def error(params):
    """What the network gives on a grid, less the solution."""
    w = [sg.variable(p) for p in params]
    return np.array([float(network(w, t).data) for t in GRID]) - GRID - np.sin(GRID)


def report(how, params):
    """The largest error between the points."""
    print(f"{how}: largest error {np.max(np.abs(error(params))):.1e}")


def plot(path, found):
    """The solution, and what is missing to it."""
    from matplotlib import pyplot  # noqa: PLC0415  where a picture is asked for

    _, (above, below) = pyplot.subplots(2, sharex=True)
    above.plot(GRID, GRID + np.sin(GRID), "k", linewidth=4, alpha=0.2, label="x + sin(x)")
    for how, params in found.items():
        above.plot(GRID, GRID + np.sin(GRID) + error(params), "--", label=how)
        below.plot(GRID, error(params))
    above.legend()
    above.set_ylabel("u")
    below.set_ylabel("error")
    below.set_xlabel("x")
    pyplot.savefig(path, bbox_inches="tight")


if __name__ == "__main__":
    main(picture=sys.argv[1] if len(sys.argv) > 1 else None)
