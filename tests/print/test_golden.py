"""Whole printouts, to be read by a person: see ``tests/golden``."""

import symgrad as sg

x, y = sg.symbols("x y")
X = sg.matrix("X", ("m", "n"))
A = sg.matrix("A", ("n", "n"))
w, t = sg.vector("w", "n"), sg.vector("y", "m")

SCALARS = {
    "polynomial": {"f": x**4 - 2 * x**2, "f'": sg.diff(x**4 - 2 * x**2, x)},
    "power": {"f": x**x, "f'": sg.diff(x**x, x)},
    "hyperbolic": {"f": sg.tanh(x), "f'": sg.diff(sg.tanh(x), x)},
    "logistic": {"f": 1 / (1 + sg.exp(-x))},
    "normal": {"f": sg.exp(-(x**2) / 2) / sg.sqrt(2 * sg.pi)},
    "product": {"f": sg.sin(x) * sg.cos(x) / x},
    "branch": {"f": sg.where(x > 0, sg.sqrt(x), 0)},
    "rosenbrock": {"f": (1 - x) ** 2 + 100 * (y - x**2) ** 2},
    "rational": {"f": (x - y) * (x + 1) ** 2 / (3 * (y - 2) * sg.sqrt(x * y))},
    "tower": {"f": 2 ** (-(x**2)) * (x ** (y + 1)) ** -2},
}

SQUARES = sg.sum((X @ w - t) ** 2) / 2
TENSORS = {
    "least squares": {
        "f": SQUARES,
        "gradient": sg.grad(SQUARES, w),
        "hessian": sg.hessian(SQUARES, w),
    },
    "logistic loss": {"f": sg.mean(sg.log(1 + sg.exp(-t * (X @ w))))},
    "weighted": {"f": sg.einsum("ki,k,kj->ij", X, sg.exp(t), X)},
    "quadratic form": {"f": w @ A @ w - sg.trace(A.T @ A)},
    "softmax": {"f": sg.softmax(X, axis=1)},
    "standardised": {"f": (X - sg.mean(X, axis=0)) / sg.std(X, axis=0)},
    "rows": {"f": X / sg.norm(X, axis=1, keepdims=True)},
    "gaussian": {"f": -(sg.linalg.logdet(A) + w @ sg.linalg.solve(A, w)) / 2},
    "blocks": {"f": sg.stack([sg.sum(w), w[0], 1]), "g": sg.concatenate([w, 2 * w])},
    "picked": {"f": X[1:, 0] - t[:-1], "g": w[::2] ** 2, "h": w[[2, 0]] * x},
}


def listing(rows):
    """Text and LaTeX of formulas under titles."""
    parts = []
    for title, formulas in rows.items():
        parts.append(title)
        for label, e in formulas.items():
            parts += [f"  {label}: {e}", f"  {' ' * len(label)}  {sg.latex(e)}"]
    return "\n".join(parts) + "\n"


def test_scalars(golden):
    golden("scalars.txt", listing(SCALARS))


def test_tensors(golden):
    golden("tensors.txt", listing(TENSORS))


def test_large(golden):
    e = x
    for level in range(8):
        e = sg.sin(e) * y + sg.exp(-e) / (e + level)
    p = sg.named(x**2 + y**2, "p")
    rows = {
        "nested": {"f": e},
        "named": {"f": sg.exp(-p / 2) * sg.named(sg.log(p), "q")},
    }
    golden("large.txt", listing(rows))


def test_graph(golden):
    golden("graph.dot", sg.to_dot(sg.sum((X @ w - t) ** 2) / 2) + "\n")


def test_indices(golden):
    loss = sg.sum(sg.log(1 + sg.exp(-t * (X @ w))))
    U, V = sg.matrix("U", ("m", "k")), sg.matrix("V", ("n", "k"))
    T = sg.symbol("T", ("n", "m", "k"))
    fit = sg.norm(X - U @ V.T) ** 2
    rows = {
        "logistic": {"third": sg.jacobian(sg.hessian(loss, w), w)},
        "log det": {"hessian": sg.hessian(sg.linalg.logdet(A), A)},
        "factorisation": {"hessian": sg.hessian(fit, U), "mixed": sg.jacobian(sg.grad(fit, U), V)},
        "quartic": {"hessian": sg.hessian(sg.sum(U**4), U)},
        "tensor": {"product": sg.einsum("il,ljk->ijk", A, T), "sum": sg.sum(T, axis=1)},
    }
    index = "\n".join(
        sg.latex(e, style="index") for formulas in rows.values() for e in formulas.values()
    )
    golden("indices.txt", f"{listing(rows)}with indices\n{index}\n")
