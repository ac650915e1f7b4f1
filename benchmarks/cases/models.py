"""Models of vision and learning as people write them, at small sizes and large ones.

The same four as in ADBench (Srajer, Kukelova, Fitzgibbon, "A benchmark of selected algorithmic
differentiation tools", 2018), each with a derivative written by hand as a person would write it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

import symgrad as sg
from benchmarks.case import Case, Run, Task, by_hand, library, ours


def by_jax(work: Callable[..., Any]) -> Callable[..., Run]:
    """A participant: ``work(jax, *inputs)`` compiled, in double precision."""

    def build(*inputs: Any) -> Run:
        jax = library("jax")
        jax.config.update("jax_enable_x64", True)
        arrays = [jax.numpy.asarray(a, dtype=float) for a in inputs]
        compiled = jax.jit(lambda *args: work(jax, *args))
        return lambda: jax.block_until_ready(compiled(*arrays))

    return build


# Gaussian mixture: points less means first, then the triangular factors


def centred_likelihood(xp: Any, alpha: Any, mu: Any, q: Any, L: Any, X: Any) -> Any:
    """Sum over points of log sum_k exp(alpha_k + sum(q_k) - |Q_k (x - mu_k)|**2 / 2) / sum exp(alpha).

    Q_k has exp(q_k) on its diagonal and the strict lower triangle of L_k below it.
    """
    Q = xp.tril(L, -1) + xp.exp(q)[:, :, None] * xp.eye(q.shape[1])
    D = X[:, None, :] - mu[None, :, :]
    Z = xp.einsum("kde,nke->nkd", Q, D)
    inner = alpha + xp.sum(q, axis=1) - xp.sum(Z**2, axis=2) / 2
    return xp.sum(xp.logsumexp(inner, axis=1) - xp.logsumexp(alpha, axis=0))


def points_of_five(n: int, rng: np.random.Generator) -> tuple[Any, ...]:
    """5 Gaussians in 10 dimensions."""
    k, d = 5, 10
    sizes = [(k,), (k, d), (k, d), (k, d, d), (n, d)]
    return tuple(rng.normal(size=s) * c for s, c in zip(sizes, (1, 0.2, 0.1, 0.05, 1), strict=True))


def symgrad_centred(**options: Any) -> Any:
    """The log-likelihood and its gradient by all parameters."""
    alpha, mu, q = sg.vector("alpha", 5), sg.matrix("mu", (5, 10)), sg.matrix("q", (5, 10))
    L, X = sg.symbol("L", (5, 10, 10)), sg.matrix("X", ("n", 10))
    f = centred_likelihood(sg, alpha, mu, q, L, X)
    return sg.lambdify([alpha, mu, q, L, X], [f, sg.grad(f, [alpha, mu, q, L])], **options)


def numpy_centred(alpha: Any, mu: Any, q: Any, L: Any, X: Any) -> Any:
    """With the responsibilities of each Gaussian for each point."""
    n, d = X.shape
    Q = np.tril(L, -1)
    diagonal = np.exp(q)
    Q[:, range(d), range(d)] = diagonal
    D = X - mu[:, None, :]  # k, n, d
    Z = D @ Q.transpose(0, 2, 1)
    inner = (alpha + q.sum(axis=1))[:, None] - np.einsum("knd,knd->kn", Z, Z) / 2
    top = inner.max(axis=0)
    P = np.exp(inner - top)
    total = P.sum(axis=0)
    P /= total
    mass = P.sum(axis=1)
    norm = np.log(np.exp(alpha - alpha.max()).sum()) + alpha.max()
    value = (top + np.log(total)).sum() - n * norm
    Z *= P[:, :, None]
    by_Q = -(Z.transpose(0, 2, 1) @ D)
    by_q = mass[:, None] + by_Q[:, range(d), range(d)] * diagonal
    by_mu = (Z.sum(axis=1)[:, None, :] @ Q)[:, 0]
    return value, mass - n * np.exp(alpha - norm), by_mu, by_q, np.tril(by_Q, -1)


CENTRED = Case(
    name="centred",
    title="Gaussian mixture of x - mu, value and gradient, d=10, K=5, n={n}",
    inputs=points_of_five,
    sizes=(100, 1_000, 10_000),
    tiny=6,
    task=Task(centred_likelihood, wrt=(0, 1, 2, 3), wanted=("value", "gradient")),
    participants={"by hand": by_hand(numpy_centred), **ours(symgrad_centred)},
    excluded=frozenset({"PyTensor"}),
    tolerance=1e-11,
)


# Hand tracking: five chains of three bones

FINGERS, BONES, ANGLES = 5, 3, 26
OFFSETS = np.array(
    [[[0.2 * f - 0.4, 0.9, 0.1], [0, 0.4, 0], [0, 0.3, 0.0]] for f in range(FINGERS)]
)


def about(xp: Any, axis: int, angle: Any) -> Any:
    """The rotation about a coordinate axis."""
    c, s, zero, one = xp.cos(angle), xp.sin(angle), 0 * angle, 0 * angle + 1
    j, k = (axis + 1) % 3, (axis + 2) % 3
    entries: list[list[Any]] = [[zero] * 3 for _ in range(3)]
    entries[axis][axis] = one
    entries[j][j], entries[j][k], entries[k][j], entries[k][k] = c, -s, s, c
    return xp.stack([xp.stack(row) for row in entries])


def hand_errors(xp: Any, theta: Any, rest: Any, weights: Any, targets: Any) -> Any:
    """Of the vertices, from those seen: each is moved by all bones, by weights.

    ``theta`` has three angles and the place of the wrist, then four angles for each finger: its root
    bends and spreads, its other joints bend. ``rest[b]`` has the vertices in the frame of bone b.
    """
    root = about(xp, 0, theta[0]) @ about(xp, 1, theta[1]) @ about(xp, 2, theta[2])
    place = theta[3:6]
    moved = weights[0][:, None] * (rest[0] @ root.T + place)
    for f in range(FINGERS):
        angles = theta[6 + 4 * f : 10 + 4 * f]
        turns = [
            about(xp, 0, angles[0]) @ about(xp, 2, angles[1]),
            about(xp, 0, angles[2]),
            about(xp, 0, angles[3]),
        ]
        frame, at = root, place
        for k, turn in enumerate(turns):
            at = at + frame @ OFFSETS[f, k]
            frame = frame @ turn
            b = 1 + BONES * f + k
            moved = moved + weights[b][:, None] * (rest[b] @ frame.T + at)
    return moved - targets


def seen_hand(n: int, rng: np.random.Generator) -> tuple[Any, ...]:
    """`n` vertices."""
    bones = 1 + FINGERS * BONES
    weights = rng.random((bones, n)) ** 8
    theta = rng.normal(size=ANGLES) / 3
    return (
        theta,
        rng.normal(size=(bones, n, 3)),
        weights / weights.sum(axis=0),
        rng.normal(size=(n, 3)),
    )


def symgrad_hand(**options: Any) -> Any:
    """The errors and their Jacobian."""
    bones = 1 + FINGERS * BONES
    theta, rest = sg.vector("theta", ANGLES), sg.symbol("rest", (bones, "n", 3))
    weights, targets = sg.matrix("weights", (bones, "n")), sg.matrix("targets", ("n", 3))
    errors = hand_errors(sg, theta, rest, weights, targets)
    outputs = [errors, sg.jacobian(errors, theta)]
    return sg.lambdify([theta, rest, weights, targets], outputs, **options)


def turn_of(axis: int, angle: float) -> Any:
    """The rotation about a coordinate axis, as an array."""
    c, s, j, k = np.cos(angle), np.sin(angle), (axis + 1) % 3, (axis + 2) % 3
    matrix = np.zeros((3, 3))
    matrix[axis, axis] = 1
    matrix[j, j], matrix[j, k], matrix[k, j], matrix[k, k] = c, -s, s, c
    return matrix


def numpy_hand(theta: Any, rest: Any, weights: Any, targets: Any) -> Any:
    """As in robotics: a joint turns all that hangs on it about its axis."""
    bones, n = weights.shape
    moved = np.empty((bones, n, 3))  # by weights
    J = np.zeros((n, 3, ANGLES))

    def bend(joint: int, axis: Any, at: Any, hanging: Any, mass: Any) -> None:
        a, b, c = axis
        cross = np.array([[0, -c, b], [c, 0, -a], [-b, a, 0]])
        J[:, :, joint] = hanging @ cross.T - mass[:, None] * (cross @ at)

    axes, frame = [], np.eye(3)
    for k in range(3):
        axes.append(frame[:, k])
        frame = frame @ turn_of(k, theta[k])
    root, place = frame, theta[3:6]
    moved[0] = weights[0][:, None] * (rest[0] @ root.T + place)
    joints = []
    for f in range(FINGERS):
        frame, at = root, place
        first, angles = 1 + BONES * f, theta[6 + 4 * f : 10 + 4 * f]
        for k in range(BONES):
            at = at + frame @ OFFSETS[f, k]
            joint = 6 + 4 * f + (k + 1 if k else 0)
            joints.append((joint, frame[:, 0], at, first + k, first + BONES))
            frame = frame @ turn_of(0, angles[k + 1 if k else 0])
            if k == 0:
                joints.append((joint + 1, frame[:, 2], at, first, first + BONES))
                frame = frame @ turn_of(2, angles[1])
            b = first + k
            moved[b] = weights[b][:, None] * (rest[b] @ frame.T + at)
    total = moved.sum(axis=0)
    for joint, axis, at, low, high in joints:
        bend(joint, axis, at, moved[low:high].sum(axis=0), weights[low:high].sum(axis=0))
    mass = weights.sum(axis=0)
    for k in range(3):
        bend(k, axes[k], place, total, mass)
        J[:, k, 3 + k] = mass
    return total - targets, J


HAND = Case(
    name="hand",
    title="hand tracking, errors and Jacobian by 26 angles, {n} vertices",
    inputs=seen_hand,
    sizes=(30, 500, 10_000),
    tiny=4,
    participants={
        "by hand": by_hand(numpy_hand),
        **ours(symgrad_hand),
        "jax.jit": by_jax(
            lambda jax, theta, *rest: [
                hand_errors(jax.numpy, theta, *rest),
                jax.jacfwd(lambda t: hand_errors(jax.numpy, t, *rest))(theta),
            ]
        ),
    },
)


# Bundle adjustment: one camera sees one point


def reprojection(xp: Any, camera: Any, point: Any, weight: Any, seen: Any) -> Any:
    """How far from where it was seen a point appears, weighted.

    ``camera`` has a rotation vector, the centre, the focal length, the principal point, and two
    coefficients of distortion.
    """
    turn, centre, focal = camera[:3], camera[3:6], camera[6]
    principal, distortion = camera[7:9], camera[9:]
    arm = point - centre
    square = xp.sum(turn**2)
    angle = xp.sqrt(square)
    c, s = xp.cos(angle), xp.sin(angle)
    axis = turn / angle
    turned = arm * c + xp.cross(axis, arm) * s + axis * (xp.sum(axis * arm) * (1 - c))
    image = turned[:2] / turned[2]
    radius = xp.sum(image**2)
    bent = image * (1 + distortion[0] * radius + distortion[1] * radius**2)
    return weight * (bent * focal + principal - seen)


def observations(n: int, rng: np.random.Generator) -> tuple[Any, ...]:
    """`n` of them."""
    scale = [0.3, 0.3, 0.3, 0.5, 0.5, 0.5, 1, 1, 1, 0.1, 0.1]
    cameras = rng.normal(size=(n, 11)) * scale
    cameras[:, 6] += 5
    points = rng.normal(size=(n, 3)) / 3 + [0, 0, 6]
    return cameras, points, rng.random(n), rng.normal(size=(n, 2))


def symgrad_bundle(**options: Any) -> Any:
    """The residual and its Jacobians by camera, point and weight, over all observations."""
    camera, point = sg.vector("camera", 11), sg.vector("point", 3)
    weight, seen = sg.symbol("weight"), sg.vector("seen", 2)
    residual = reprojection(sg, camera, point, weight, seen)
    outputs = [residual, *[sg.jacobian(residual, x) for x in (camera, point, weight)]]
    over = {camera: "n", point: "n", weight: "n", seen: "n"}
    return sg.lambdify(
        [sg.matrix("camera", ("n", 11)), sg.matrix("point", ("n", 3))]
        + [sg.vector("weight", "n"), sg.matrix("seen", ("n", 2))],
        sg.vmap(outputs, over),
        **options,
    )


def jax_bundle(jax: Any, *inputs: Any) -> Any:
    """The same by `vmap`, forward mode."""

    def all_of(*args: Any) -> Any:
        def residual(*x: Any) -> Any:
            return reprojection(jax.numpy, *x)

        return [residual(*args), *jax.jacfwd(residual, argnums=(0, 1, 2))(*args)]

    return jax.vmap(all_of)(*inputs)


def numpy_bundle(cameras: Any, points: Any, weights: Any, seen: Any) -> Any:
    """By the chain rule; of a rotation as Gallego and Yezzi have it (arXiv:1312.0788)."""
    n = len(weights)
    turn, focal, principal = cameras[:, :3], cameras[:, 6:7], cameras[:, 7:9]
    first, second = cameras[:, 9], cameras[:, 10]
    arm = points - cameras[:, 3:6]
    square = (turn * turn).sum(axis=1)
    angle = np.sqrt(square)
    c, s = np.cos(angle), np.sin(angle)

    def cross(v: Any) -> Any:
        result = np.zeros((n, 3, 3))
        result[:, 2, 1], result[:, 0, 2], result[:, 1, 0] = v.T
        return result - result.transpose(0, 2, 1)

    K, eye = cross(turn / angle[:, None]), np.eye(3)
    R = eye + s[:, None, None] * K + (1 - c)[:, None, None] * (K @ K)
    x, y, z = (R @ arm[:, :, None])[:, :, 0].T
    u, v = x / z, y / z
    radius = u * u + v * v
    image = np.stack([u, v], axis=1)
    factor = 1 + first * radius + second * radius**2
    bent = image * factor[:, None]
    inner = (
        factor[:, None, None] * eye[:2, :2]
        + (2 * (first + 2 * second * radius))[:, None, None] * image[:, :, None] * image[:, None]
    )
    project = np.empty((n, 2, 3))
    project[:, :, :2] = inner
    project[:, :, 2:] = -inner @ image[:, :, None]
    project *= (weights * cameras[:, 6] / z)[:, None, None]
    by_point = project @ R
    middle = turn[:, :, None] * turn[:, None] + (R.transpose(0, 2, 1) - eye) @ cross(turn)
    J = np.zeros((n, 2, 11))
    J[:, :, :3] = -(by_point @ cross(arm)) @ middle / square[:, None, None]
    J[:, :, 3:6] = -by_point
    J[:, :, 6] = weights[:, None] * bent
    J[:, 0, 7] = J[:, 1, 8] = weights
    J[:, :, 9] = (weights * radius)[:, None] * focal * image
    J[:, :, 10] = J[:, :, 9] * radius[:, None]
    plain = bent * focal + principal - seen
    return weights[:, None] * plain, J, by_point, plain


BUNDLE = Case(
    name="bundle",
    title="bundle adjustment, residuals and Jacobians by slices of a camera, {n} observations",
    inputs=observations,
    sizes=(30, 1_000, 30_000),
    tiny=4,
    participants={
        "by hand": by_hand(numpy_bundle),
        **ours(symgrad_bundle),
        "jax.jit": by_jax(jax_bundle),
    },
    tolerance=1e-11,
)


# An unrolled LSTM that tells the next of a sequence

FEATURES, UNITS, BATCH = 14, 32, 8


def lstm_loss(xp: Any, W: Any, U: Any, b: Any, V: Any, c: Any, X: Any) -> Any:
    """Half the squared error over all steps; the gates are slices of one product."""
    steps, units = X.shape[0], U.shape[0]
    h = m = xp.zeros((BATCH, units))
    total = 0.0
    for t in range(steps - 1):
        gates = X[t] @ W + h @ U + b
        keep, take, show = (
            1 / (1 + xp.exp(-gates[:, k * units : (k + 1) * units])) for k in range(3)
        )
        m = keep * m + take * xp.tanh(gates[:, 3 * units :])
        h = show * xp.tanh(m)
        total = total + xp.sum((h @ V + c - X[t + 1]) ** 2) / 2
    return total


def sequence(n: int, rng: np.random.Generator) -> tuple[Any, ...]:
    """Weights, and `n` steps after the first."""
    f, u = FEATURES, UNITS
    sizes = [(f, 4 * u), (u, 4 * u), (4 * u,), (u, f), (f,), (n + 1, BATCH, f)]
    return tuple(rng.normal(size=s) / 5 for s in sizes)


def symgrad_lstm(steps: int, **options: Any) -> Any:
    """The loss and its gradient by all weights."""
    f, u = FEATURES, UNITS
    W, U, b = sg.matrix("W", (f, 4 * u)), sg.matrix("U", (u, 4 * u)), sg.vector("b", 4 * u)
    V, c, X = sg.matrix("V", (u, f)), sg.vector("c", f), sg.symbol("X", (steps, BATCH, f))
    loss = lstm_loss(sg, W, U, b, V, c, X)
    return sg.lambdify([W, U, b, V, c, X], [loss, sg.grad(loss, [W, U, b, V, c])], **options)


def of_steps(name: str) -> Callable[..., Run]:
    """A participant whose function is made for so many steps."""
    return lambda *inputs: ours(partial(symgrad_lstm, len(inputs[-1])))[name](*inputs)


def numpy_lstm(W: Any, U: Any, b: Any, V: Any, c: Any, X: Any) -> Any:
    """Backpropagation through time."""
    steps, u = len(X) - 1, len(U)
    h, m = np.zeros((2, BATCH, u))
    before, gates, memories, tops, errors = [], [], [], [], []
    inputs = X[:-1] @ W + b
    value = 0.0
    for t in range(steps):
        g = inputs[t] + h @ U
        g[:, : 3 * u] = 1 / (1 + np.exp(-g[:, : 3 * u]))
        g[:, 3 * u :] = np.tanh(g[:, 3 * u :])
        before.append(h)
        memories.append(m)
        m = g[:, :u] * m + g[:, u : 2 * u] * g[:, 3 * u :]
        top = np.tanh(m)
        h = g[:, 2 * u : 3 * u] * top
        e = h @ V + c - X[t + 1]
        value += (e * e).sum() / 2
        gates.append(g)
        tops.append(top)
        errors.append(e)
    by_gates = np.empty((steps, BATCH, 4 * u))
    at_h = np.zeros((BATCH, u))
    at_m = np.zeros((BATCH, u))
    for t in reversed(range(steps)):
        g, top, d = gates[t], tops[t], by_gates[t]
        keep, take, show, new = (g[:, k * u : (k + 1) * u] for k in range(4))
        at_h = at_h + errors[t] @ V.T
        at_m = at_m + at_h * show * (1 - top * top)
        d[:, :u] = at_m * memories[t] * keep * (1 - keep)
        d[:, u : 2 * u] = at_m * new * take * (1 - take)
        d[:, 2 * u : 3 * u] = at_h * top * show * (1 - show)
        d[:, 3 * u :] = at_m * take * (1 - new * new)
        at_m = at_m * keep
        at_h = d @ U.T
    flat, wrong = by_gates.reshape(-1, 4 * u), np.concatenate(errors)
    states = np.concatenate(before)
    after = np.concatenate([*before[1:], h])
    by_W = X[:-1].reshape(len(flat), -1).T @ flat
    return value, by_W, states.T @ flat, flat.sum(axis=0), after.T @ wrong, wrong.sum(axis=0)


LSTM = Case(
    name="lstm",
    title="unrolled LSTM of 32 units, loss and gradient, {n} steps",
    inputs=sequence,
    sizes=(5, 20, 60),
    tiny=3,
    task=Task(lstm_loss, wrt=(0, 1, 2, 3, 4), wanted=("value", "gradient")),
    participants={
        "by hand": by_hand(numpy_lstm),
        "symgrad": of_steps("symgrad"),
        "native": of_steps("native"),
    },
    excluded=frozenset({"PyTensor", "torch"}),
    tolerance=1e-11,
)

CASES = [CENTRED, HAND, BUNDLE, LSTM]
