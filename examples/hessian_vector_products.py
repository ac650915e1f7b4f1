"""Newton's equation in 10,000 dimensions and the largest curvature, without a Hessian matrix."""

import numpy as np

import symgrad as sg


def loss_of(xp, x):
    """A chain of springs that stiffen: sum of (x[i+1] - x[i])**2/2 + x[i]**4/4, pulled at."""
    return xp.sum((x[1:] - x[:-1]) ** 2) / 2 + xp.sum(x**4) / 4 + xp.sum(x**2) / 20 - xp.sum(x)


def conjugate_gradients(product, b, steps=60):
    """x with ``product(x) = b``, for a positive definite product."""
    x, r = np.zeros_like(b), b.copy()
    p, rr = r.copy(), r @ r
    for _ in range(steps):
        q = product(p)
        a = rr / (p @ q)
        x += a * p
        r -= a * q
        p, rr = r + (r @ r) / rr * p, r @ r
        if rr < 1e-20 * (b @ b):
            break
    return x


def compiled_product(n):
    """The gradient, and the Hessian times a vector, as compiled functions."""
    x, v = sg.vector("x", n), sg.vector("v", n)
    f = loss_of(sg, x)
    return sg.lambdify(x, sg.grad(f, x)), sg.lambdify([x, v], sg.hvp(f, x, v))


def product_by_variables(x, v):
    """The same by double backpropagation: the gradient of gradient times v."""
    x = sg.variable(x)
    loss_of(sg, x).backward(create_graph=True)
    g = x.grad
    x.cleargrad()
    sg.sum(g * v).backward()
    return x.grad.data


def main(n: int = 10_000) -> None:
    """Print Newton's way to the minimum, and the largest eigenvalue there."""
    gradient, product = compiled_product(n)
    x = np.ones(n)
    for step in range(12):
        g = gradient(x)
        print(f"step {step}: |gradient| = {np.linalg.norm(g):.1e}")
        if np.linalg.norm(g) < 1e-10:
            break
        x -= conjugate_gradients(lambda v, x=x: product(x, v), g)
    v = np.random.default_rng(0).normal(size=n)
    for _ in range(200):
        v /= np.linalg.norm(v)
        v = product(x, v)
    print(f"largest eigenvalue {np.linalg.norm(v):.4f}")
    both = product(x, v), product_by_variables(x, v)
    print(f"both faces agree to {np.max(np.abs(both[0] - both[1])) / np.max(np.abs(v)):.0e}")


if __name__ == "__main__":
    main()
