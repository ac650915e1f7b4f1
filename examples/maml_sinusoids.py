"""Learning to learn: weights from which a step or two fit any sine, by gradients through gradients.

Tasks are sines of random amplitude and phase (Finn, Abbeel and Levine, 2017). With an argument, a picture
of a new task after 0, 1 and 10 steps is drawn to that file, which needs matplotlib.
"""

import sys

import numpy as np

import symgrad as sg

INNER, OUTER, TASKS, SHOTS, HIDDEN = 0.03, 0.003, 10, 10, 40
SHAPES = [(1, HIDDEN), (HIDDEN,), (HIDDEN, HIDDEN), (HIDDEN,), (HIDDEN, 1), (1,)]


def net(w, x):
    """Two hidden layers."""
    h = sg.tanh(x @ w[0] + w[1])
    return sg.tanh(h @ w[2] + w[3]) @ w[4] + w[5]


def loss(w, x, y):
    """The mean of squares."""
    return sg.mean((net(w, x) - y) ** 2)


def adapted(w, x, y):
    """Weights behind one step; it can be differentiated through. Symbols and Variables alike."""
    return [a - INNER * g for a, g in zip(w, sg.grad(loss(w, x, y), w), strict=True)]


def task(rng):
    """A sine, with points to adapt to and points to be judged by."""
    amplitude, phase = rng.uniform(0.5, 2.0), rng.uniform(0, np.pi)
    x = rng.uniform(-5, 5, (2, SHOTS, 1))
    return (*x, *(amplitude * np.sin(x + phase)))


def meta_gradient():
    """The compiled gradient of the loss behind a step, by the weights before it."""
    w = [sg.symbol(f"w{i}", shape) for i, shape in enumerate(SHAPES)]
    x, x_new, y, y_new = [sg.matrix(name, (SHOTS, 1)) for name in ("x", "x2", "y", "y2")]
    after = loss(adapted(w, x, y), x_new, y_new)
    return sg.lambdify([*w, x, x_new, y, y_new], [after, *sg.grad(after, w)])


def by_variables(weights, data):
    """The same gradient define-by-run."""
    w = [sg.variable(a) for a in weights]
    x, x_new, y, y_new = data
    loss(adapted(w, x, y), x_new, y_new).backward()
    return [a.grad.data for a in w]


def curve(weights, data, steps):
    """Weights of a task after some steps."""
    w = [sg.variable(a) for a in weights]
    for _ in range(steps):
        w = [sg.variable(a.data) for a in adapted(w, data[0], data[2])]
    return w


def main(iterations: int = 120, picture: str | None = None) -> None:
    """Print the loss on new tasks after 0, 1 and 10 steps."""
    rng = np.random.default_rng(0)
    weights = [rng.normal(size=s) / np.sqrt(s[0] if len(s) > 1 else 1e9) for s in SHAPES]
    gradient, optimizer = meta_gradient(), sg.optim.Adam(lr=OUTER)
    state = optimizer.init(weights)
    for _ in range(iterations):
        found = [gradient(*weights, *task(rng)) for _ in range(TASKS)]
        mean = [np.mean(column, axis=0) for column in zip(*found, strict=True)]
        weights, state = optimizer.update(weights, mean[1:], state)
    tests = [task(rng) for _ in range(20)]
    for steps in (0, 1, 10):
        after = [loss(curve(weights, t, steps), t[1], t[3]).data for t in tests]
        print(f"after {steps} steps: {np.mean(after):.3f}")
    one = gradient(*weights, *tests[0])[1:]
    other = by_variables(weights, tests[0])
    gap = max(float(np.max(np.abs(a - b))) for a, b in zip(one, other, strict=True))
    print(f"both faces agree to {gap:.0e}")
    if picture is not None:
        plot(picture, weights, tests[0])


def plot(path, weights, data):
    """The fits of one task."""
    from matplotlib import pyplot  # noqa: PLC0415  where a picture is asked for

    x = np.linspace(-5, 5, 200)[:, None]
    for steps in (0, 1, 10):
        pyplot.plot(x, net(curve(weights, data, steps), x).data, label=f"{steps} steps")
    pyplot.plot(data[0], data[2], "k.", label="points")
    pyplot.legend()
    pyplot.savefig(path, bbox_inches="tight")


if __name__ == "__main__":
    main(picture=sys.argv[1] if len(sys.argv) > 1 else None)
