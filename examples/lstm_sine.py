"""An LSTM that goes on with a noisy sine: the loop over time is one node, by `scan`.

With an argument, a picture is drawn to that file, which needs matplotlib.
"""

import sys

import numpy as np

import symgrad as sg

HIDDEN, WINDOW = 12, 60


def cell(w, carry, x):
    """A step of an LSTM: the state and the memory behind it."""
    h, c = carry
    gates = x * w["x"] + h @ w["h"] + w["b"]
    i, f, o = [sg.sigmoid(gates[k * HIDDEN : (k + 1) * HIDDEN]) for k in range(3)]
    c = f * c + i * sg.tanh(gates[3 * HIDDEN :])
    return o * sg.tanh(c), c


def predictions(w, xs):
    """What comes next after each value."""

    def step(carry, x):
        carry = cell(w, carry, x)
        return carry, carry[0] @ w["out"]

    zeros = np.zeros(HIDDEN)
    return sg.scan(step, (zeros, zeros), xs)[1]


def weights(rng):
    """Small random ones."""
    shapes = {"x": (4 * HIDDEN,), "h": (HIDDEN, 4 * HIDDEN), "b": (4 * HIDDEN,), "out": (HIDDEN,)}
    return {name: rng.normal(size=shape) * 0.3 for name, shape in shapes.items()}


def windows(rng, steps):
    """Pieces of a noisy sine, with what comes next."""
    for _ in range(steps):
        wave = (
            np.sin(np.arange(WINDOW + 1) / 5 + rng.uniform(0, 6)) + rng.normal(size=WINDOW + 1) / 20
        )
        yield wave[:-1], wave[1:]


def main(steps: int = 100, picture: str | None = None) -> None:
    """Print the losses of both faces, and the sine continued."""
    rng = np.random.default_rng(0)
    start = weights(rng)

    w = {name: sg.variable(a) for name, a in start.items()}
    optimizer = sg.optim.Adam(w, lr=0.02)
    for xs, ys in windows(np.random.default_rng(1), steps):
        loss = sg.mean((predictions(w, xs) - ys) ** 2)
        optimizer.cleargrads()
        loss.backward()
        optimizer.step()
    print(f"variables: loss {loss:.6f}")

    symbols = {name: sg.symbol(name, a.shape) for name, a in start.items()}
    x, y = sg.vector("xs", WINDOW), sg.vector("ys", WINDOW)
    formula = sg.mean((predictions(symbols, x) - y) ** 2)
    names = list(symbols)
    gradient = sg.grad(formula, list(symbols.values()))
    f = sg.lambdify([*symbols.values(), x, y], [formula, *gradient])
    rule, params = sg.optim.Adam(lr=0.02), start
    state = rule.init(params)
    for xs, ys in windows(np.random.default_rng(1), steps):
        value, *slopes = f(*params.values(), xs, ys)
        params, state = rule.update(params, dict(zip(names, slopes, strict=True)), state)
    print(f"compiled:  loss {value:.6f}")

    with sg.no_grad():
        carry, seen = (np.zeros(HIDDEN),) * 2, np.sin(np.arange(WINDOW) / 5)
        guesses = []
        for t in range(WINDOW + 25):
            carry = cell(w, carry, seen[t] if t < WINDOW else guesses[-1])
            guesses.append(float(carry[0] @ w["out"]))
    print(f"25 steps on: {guesses[-1]:.2f}, the sine {np.sin((WINDOW + 25) / 5):.2f}")
    if picture is not None:
        plot(picture, guesses)


def plot(path, guesses):
    """The sine, and what comes next after each value; behind the line the guesses go on from guesses."""
    from matplotlib import pyplot  # noqa: PLC0415  where a picture is asked for

    at = np.arange(1, len(guesses) + 1)
    pyplot.plot(at, np.sin(at / 5), "k", linewidth=4, alpha=0.2, label="sine")
    pyplot.plot(at, guesses, color="darkorange", label="LSTM")
    pyplot.axvline(WINDOW, color="grey", linestyle=":")
    pyplot.legend()
    pyplot.savefig(path, bbox_inches="tight")


if __name__ == "__main__":
    main(picture=sys.argv[1] if len(sys.argv) > 1 else None)
