"""Layers, a model, batches and training, which are a few lines of one's own: three arms of a spiral.

With scikit-learn installed, ``python layers_in_a_few_lines.py digits`` learns its handwritten digits. A
further argument is a file for a picture of what was learnt, which needs matplotlib.
"""

import sys

import numpy as np

import symgrad as sg


class Dense:
    """A layer: weights (Variables, or symbols for a formula), and what is done with them."""

    def __init__(self, w, b, activation=lambda x: x):
        self.w, self.b, self.activation = w, b, activation

    def __call__(self, x):
        return self.activation(x @ self.w + self.b)


def model(layers, x, rate=0.0):
    """Layers one after the other, with dropout between them."""
    for layer in layers[:-1]:
        x = sg.dropout(layer(x), rate, rng=None) if rate else layer(x)
    return layers[-1](x)


def batches(rng, size, *arrays):
    """Rows in a new order, some at a time."""
    order = rng.permutation(len(arrays[0]))
    for i in range(0, len(order), size):
        yield [a[order[i : i + size]] for a in arrays]


def spiral(rng, n=100):
    """Points on three arms, with the arm as label."""
    radius, arm = np.tile(np.linspace(0.0, 1, n), 3), np.repeat(np.arange(3), n)
    angle = 4 * (radius + arm) + rng.normal(size=3 * n) / 5
    return np.stack([radius * np.sin(angle), radius * np.cos(angle)], 1), arm


def digits():
    """8 x 8 pixels, and the digit that they show."""
    from sklearn.datasets import load_digits  # noqa: PLC0415  where it is asked for

    found = load_digits()
    return found.data / 16, found.target


def network(params):
    """Two layers."""
    w, b, v, c = params
    return [Dense(w, b, sg.relu), Dense(v, c)]


def train(start, x, labels, epochs):
    """Define-by-run: prints the loss and the share of points that are told right."""
    params = [sg.variable(a) for a in start]
    layers, optimizer = network(params), sg.optim.Adam(params, lr=0.03)
    rng = np.random.default_rng(1)
    for epoch in range(epochs):
        for some, known in batches(rng, 64, x, labels):
            loss = sg.cross_entropy(model(layers, some), known)
            optimizer.cleargrads()
            loss.backward()
            optimizer.step()
        if epoch % 20 == 19:
            with sg.no_grad():
                right = np.mean(sg.argmax(model(layers, x), axis=1) == labels)
            print(f"epoch {epoch + 1}: loss {loss:.3f}, right {right:.1%}")
    return [p.data for p in params]


def train_compiled(start, x, labels, epochs):
    """The same steps by a compiled gradient, for any number of rows."""
    params = [sg.symbol(f"p{i}", a.shape) for i, a in enumerate(start)]
    rows, known = sg.matrix("x", ("n", x.shape[1])), sg.symbol("labels", ("n",), dtype=int)
    loss = sg.cross_entropy(model(network(params), rows), known)
    gradient = sg.lambdify([*params, rows, known], sg.grad(loss, params))
    rule, values = sg.optim.Adam(lr=0.03), start
    state = rule.init(values)
    rng = np.random.default_rng(1)
    for _ in range(epochs):
        for batch in batches(rng, 64, x, labels):
            values, state = rule.update(values, gradient(*values, *batch), state)
    return values


def main(what: str = "spiral", picture: str | None = None, epochs: int = 60) -> None:
    """Train by both faces."""
    rng = np.random.default_rng(0)
    x, labels = digits() if what == "digits" else spiral(rng)
    shapes = [(x.shape[1], 32), (32,), (32, int(labels.max()) + 1), (int(labels.max()) + 1,)]
    start = [rng.normal(size=s) / np.sqrt(s[0]) * (len(s) > 1) for s in shapes]
    learnt = train(start, x, labels, epochs)
    pairs = zip(learnt, train_compiled(start, x, labels, epochs), strict=True)
    print(f"both faces agree to {max(np.max(np.abs(a - b)) for a, b in pairs):.0e}")
    if picture is not None:
        (plot_digits if what == "digits" else plot_spiral)(picture, network(learnt), x, labels)


def plot_spiral(path, layers, x, labels):
    """The points, over the arm that each place is taken for."""
    from matplotlib import pyplot  # noqa: PLC0415  where a picture is asked for

    side = np.linspace(-1.1, 1.1, 200)
    grid = np.stack(np.meshgrid(side, side), -1).reshape(-1, 2)
    arms = np.argmax(sg.evaluate(model(layers, sg.constant(grid))), axis=1)
    pyplot.contourf(side, side, arms.reshape(200, 200), levels=[-0.5, 0.5, 1.5, 2.5], alpha=0.3)
    pyplot.scatter(*x.T, c=labels, s=12)
    pyplot.gca().set_aspect("equal")
    pyplot.savefig(path, bbox_inches="tight")


def plot_digits(path, layers, x, labels):
    """Some digits with what they are taken for; mistakes in red."""
    from matplotlib import pyplot  # noqa: PLC0415  where a picture is asked for

    guesses = np.argmax(sg.evaluate(model(layers, sg.constant(x))), axis=1)
    wrong = np.flatnonzero(guesses != labels)[:8]
    _, places = pyplot.subplots(4, 8, figsize=(8, 4.5))
    shown = [*wrong, *range(32 - len(wrong))]
    for place, i in zip(places.flat, shown, strict=True):
        place.imshow(x[i].reshape(8, 8), cmap="Greys")
        place.set_title(str(guesses[i]), color="red" if guesses[i] != labels[i] else "black")
        place.axis("off")
    pyplot.savefig(path, bbox_inches="tight")


if __name__ == "__main__":
    main(*sys.argv[1:3])
