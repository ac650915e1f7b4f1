"""Layers, a model, batches and training, which are a few lines of one's own: three arms of a spiral.

With scikit-learn installed, ``python layers_in_a_few_lines.py digits`` learns its handwritten digits.
"""

import sys

import numpy as np

import symgrad as sg


class Dense:
    """A layer: weights, and what is done with them."""

    def __init__(self, rng, inputs, outputs, activation=lambda x: x):
        self.w = sg.variable(rng.normal(size=(inputs, outputs)) / np.sqrt(inputs), name="w")
        self.b = sg.variable(np.zeros(outputs), name="b")
        self.activation = activation

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


def main(what: str = "spiral", epochs: int = 60) -> None:
    """Print the loss and the share of points that are told right."""
    rng = np.random.default_rng(0)
    x, labels = digits() if what == "digits" else spiral(rng)
    classes = int(labels.max()) + 1
    layers = [Dense(rng, x.shape[1], 32, sg.relu), Dense(rng, 32, classes)]
    params = [p for layer in layers for p in (layer.w, layer.b)]
    optimizer = sg.optim.Adam(params, lr=0.03)
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


if __name__ == "__main__":
    main(*sys.argv[1:2])
