"""What each training point did to the fit: influence functions against fitting again without it.

Leaving out point i changes the loss at a test point by g_test . H^-1 . g_i, with the Hessian of the
training loss (Koh and Liang, 2017). Products with the Hessian suffice.
"""

import numpy as np

import symgrad as sg


def point_loss(w, x, y):
    """Logistic loss of one point; labels are -1 and 1."""
    return sg.softplus(-y * (x @ w)) + 0.005 * w @ w


def main(n: int = 120, features: int = 5) -> None:
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
    for i in np.argsort(-np.abs(predicted))[:5]:
        without = fit(best, xs, ys, np.where(np.arange(n) == i, 0.0, 1.0)).x
        true = loss_at(without, test_x, test_y) - loss_at(best, test_x, test_y)
        print(f"point {i:3d}: predicted {predicted[i]:+.5f}, refitted {true:+.5f}")

    variable = sg.variable(best)  # define-by-run
    by_variables = sg.grad(point_loss(variable, test_x, test_y), variable).data
    print(f"both faces agree to {np.max(np.abs(by_variables - slope(best, test_x, test_y))):.0e}")


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
    main()
