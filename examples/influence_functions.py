"""What each training point did to the fit: influence functions against fitting again without it.

Leaving out point i changes the loss at a test point by g_test . H^-1 . g_i, with the Hessian of the
training loss (Koh and Liang, 2017). Products with the Hessian suffice. With an argument, a picture is
drawn to that file, which needs matplotlib.
"""

import sys

import numpy as np

import symgrad as sg


def point_loss(w, x, y):
    """Logistic loss of one point; labels are -1 and 1."""
    return sg.softplus(-y * (x @ w)) + 0.005 * w @ w


def main(n: int = 120, features: int = 5, picture: str | None = None) -> None:
    """Print predicted and true changes for the points that count most."""
    rng = np.random.default_rng(2)
    xs = rng.normal(size=(n, features))
    ys = np.where(xs @ rng.normal(size=features) + rng.normal(size=n) > 0, 1.0, -1.0)
    test_x, test_y = rng.normal(size=features), 1.0

    w, v, x, y = (
        sg.vector("w", features),
        sg.vector("v", features),
        sg.vector("x", features),
        sg.symbol("y"),
    )
    X, Y, keep = sg.matrix("X", (n, features)), sg.vector("Y", n), sg.vector("keep", n)
    one = point_loss(w, x, y)
    total = sg.sum(keep * sg.vmap(one, over={x: X, y: Y}))
    fit = sg.newton_minimize(total, w, [X, Y, keep])
    slope = sg.lambdify([w, x, y], sg.grad(one, w))
    product = sg.lambdify([w, v, X, Y, keep], sg.hvp(total, w, v))

    everything = np.ones(n)
    best = fit(np.zeros(features), xs, ys, everything).x
    direction = solve(lambda p: product(best, p, xs, ys, everything), slope(best, test_x, test_y))
    predicted = np.array([direction @ slope(best, a, b) for a, b in zip(xs, ys, strict=True)])
    loss_at = sg.lambdify([w, x, y], one)

    def refitted(i):
        without = fit(best, xs, ys, np.where(np.arange(n) == i, 0.0, 1.0)).x
        return loss_at(without, test_x, test_y) - loss_at(best, test_x, test_y)

    order = np.argsort(-np.abs(predicted))
    for i in order[:5]:
        print(f"point {i:3d}: predicted {predicted[i]:+.5f}, refitted {refitted(i):+.5f}")

    direction_of_variables = influence_of_variables(best, xs, ys, test_x, test_y)
    print(f"both faces agree to {np.max(np.abs(direction_of_variables - direction)):.0e}")
    if picture is not None:
        plot(picture, predicted[order[:40]], [refitted(i) for i in order[:40]])


def influence_of_variables(best, xs, ys, test_x, test_y):
    """The direction H^-1 . g_test define-by-run: products with the Hessian are gradients of gradients."""
    w = sg.variable(best)
    margins = ys * (xs @ w)
    gradient = sg.grad(sg.sum(sg.softplus(-margins)) + 0.005 * len(xs) * w @ w, w)

    def product(v):
        return sg.grad(gradient @ v, w).data

    return solve(product, sg.grad(point_loss(w, test_x, test_y), w).data)


def plot(path, predicted, true):
    """Predicted changes against true ones."""
    from matplotlib import pyplot  # noqa: PLC0415  where a picture is asked for

    ends = [min(true), max(true)]
    pyplot.axline((0, 0), slope=1, color="lightgrey")
    pyplot.plot(true, predicted, "o", color="darkorange")
    pyplot.xlim(1.1 * ends[0], 1.1 * ends[1])
    pyplot.ylim(1.1 * ends[0], 1.1 * ends[1])
    pyplot.xlabel("change of the loss when the point is left out and all is fitted again")
    pyplot.ylabel("change that the influence function predicts")
    pyplot.savefig(path, bbox_inches="tight")


def solve(product, b):
    """Conjugate gradients."""
    x, r = np.zeros_like(b), b.copy()
    p = r.copy()
    for _ in range(len(b)):
        q = product(p)
        a = (r @ r) / (p @ q)
        x, after = x + a * p, r - a * q
        p, r = after + (after @ after) / (r @ r) * p, after
    return x


if __name__ == "__main__":
    main(picture=sys.argv[1] if len(sys.argv) > 1 else None)
