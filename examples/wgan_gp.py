"""A generator of a ring of eight clouds against a critic, whose slope is held near 1 by a penalty.

The penalty (Gulrajani et al., 2017) is a gradient inside the loss, so a step differentiates a gradient.
With an argument, a picture of true and made points is drawn to that file, which needs matplotlib.
"""

import sys
from itertools import pairwise

import numpy as np

import symgrad as sg

NOISE, HIDDEN, ROWS, PENALTY = 2, 24, 64, 0.1


def layers(rng, sizes):
    """Weights of a network."""
    pairs = pairwise(sizes)
    return [a for m, n in pairs for a in (rng.normal(size=(m, n)) / np.sqrt(m), np.zeros(n))]


def network(w, x):
    """Hidden layers of tanh."""
    for k in range(0, len(w) - 2, 2):
        x = sg.tanh(x @ w[k] + w[k + 1])
    return x @ w[-2] + w[-1]


def critic_loss(critic, real, fake, mix):
    """Wasserstein's distance, and how far slopes between the points are from 1."""
    between = mix * real + (1 - mix) * fake
    slope = sg.grad(sg.sum(network(critic, between)), between)
    size = sg.sqrt(sg.sum(slope**2, axis=1) + 1e-12)
    distance = sg.mean(network(critic, fake)) - sg.mean(network(critic, real))
    return distance + PENALTY * sg.mean((size - 1) ** 2)


def clouds(rng, n):
    """Points around eight places on a circle."""
    angle = rng.integers(0, 8, n) * np.pi / 4
    return 2 * np.stack([np.cos(angle), np.sin(angle)], 1) + rng.normal(size=(n, 2)) / 20


def compiled_critic_gradient(critic):
    """The gradient of the critic's loss, with the inner gradient by a symbol."""
    w = [sg.symbol(f"w{i}", a.shape) for i, a in enumerate(critic)]
    real, fake = sg.matrix("real", (ROWS, 2)), sg.matrix("fake", (ROWS, 2))
    mix, x = sg.matrix("mix", (ROWS, 1)), sg.matrix("x", (ROWS, 2))
    slope = sg.substitute(sg.grad(sg.sum(network(w, x)), x), {x: mix * real + (1 - mix) * fake})
    size = sg.sqrt(sg.sum(slope**2, axis=1) + 1e-12)
    distance = sg.mean(network(w, fake)) - sg.mean(network(w, real))
    loss = distance + PENALTY * sg.mean((size - 1) ** 2)
    return sg.lambdify([*w, real, fake, mix], list(sg.grad(loss, w)))


def main(steps: int = 150, picture: str | None = None) -> None:
    """Print how far made points are from the nearest cloud, before and after."""
    rng = np.random.default_rng(0)
    critic = [sg.variable(a) for a in layers(rng, (2, HIDDEN, HIDDEN, 1))]
    generator = [sg.variable(a) for a in layers(rng, (NOISE, HIDDEN, HIDDEN, 2))]
    rules = (
        sg.optim.Adam(critic, lr=0.005, beta1=0.5),
        sg.optim.Adam(generator, lr=0.003, beta1=0.5),
    )
    noise = rng.normal(size=(500, NOISE))
    print(f"before: {spread(network(generator, noise).data):.2f}")
    for _ in range(steps):
        for _ in range(3):
            with sg.no_grad():
                fake = network(generator, rng.normal(size=(ROWS, NOISE)))
            loss = critic_loss(critic, clouds(rng, ROWS), fake, rng.random((ROWS, 1)))
            rules[0].cleargrads()
            loss.backward()
            rules[0].step()
        rules[1].cleargrads()
        (-sg.mean(network(critic, network(generator, rng.normal(size=(ROWS, NOISE)))))).backward()
        rules[1].step()
    made = network(generator, noise).data
    print(f"after: {spread(made):.2f}")
    data = clouds(rng, ROWS), made[:ROWS], rng.random((ROWS, 1))
    rules[0].cleargrads()
    critic_loss(critic, data[0], sg.variable(data[1]), data[2]).backward()
    other = compiled_critic_gradient([p.data for p in critic])(*[p.data for p in critic], *data)
    gap = max(float(np.max(np.abs(p.grad.data - g))) for p, g in zip(critic, other, strict=True))
    print(f"both faces agree to {gap:.0e}")
    if picture is not None:
        plot(picture, clouds(rng, 500), made)


def spread(points):
    """The mean distance from the circle on which the clouds lie."""
    return float(np.mean(np.abs(np.linalg.norm(points, axis=1) - 2)))


def plot(path, real, made):
    """True and made points."""
    from matplotlib import pyplot  # noqa: PLC0415  where a picture is asked for

    pyplot.plot(*real.T, ".", label="true")
    pyplot.plot(*made.T, ".", label="made")
    pyplot.legend()
    pyplot.savefig(path, bbox_inches="tight")


if __name__ == "__main__":
    main(picture=sys.argv[1] if len(sys.argv) > 1 else None)
