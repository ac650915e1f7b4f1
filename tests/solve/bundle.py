"""Bundle adjustment: cameras that turn, move and zoom, and the points that they see."""

import numpy as np

import symgrad as sg


def problem(cameras, points, seen, seed=0):
    """Residuals over camera parameters and points, starts near the truth, and the image data.

    A camera has a rotation vector, a translation, a focal length and two coefficients of distortion, as in
    "Bundle Adjustment in the Large" (Agarwal, Snavely, Seitz, Szeliski, ECCV 2010).
    """
    rng = np.random.default_rng(seed)
    which = np.concatenate([np.arange(points) % cameras, rng.integers(0, cameras, seen - points)])
    what = np.concatenate([np.arange(points), rng.integers(0, points, seen - points)])
    C, P = sg.matrix("C", (cameras, 9)), sg.matrix("P", (points, 3))
    c, p = C[which], P[what]
    turn, move = c[:, :3], c[:, 3:6]
    angle = sg.sqrt(sg.sum(turn**2, axis=1))[:, None]
    axis = turn / angle
    turned = (
        p * sg.cos(angle)
        + sg.cross(axis, p) * sg.sin(angle)
        + axis * sg.sum(axis * p, axis=1)[:, None] * (1 - sg.cos(angle))
    )
    at = turned + move
    image = -at[:, :2] / at[:, 2:3]
    radius = sg.sum(image**2, axis=1)[:, None]
    projected = image * c[:, 6:7] * (1 + radius * (c[:, 7:8] + radius * c[:, 8:9]))
    truth_c = np.concatenate(
        [
            *[rng.uniform(-0.3, 0.3, (cameras, 3)), rng.uniform(-0.5, 0.5, (cameras, 3))],
            *[np.full((cameras, 1), 500.0), rng.uniform(-1e-2, 1e-2, (cameras, 2))],
        ],
        axis=1,
    )
    truth_p = rng.uniform(-1, 1, (points, 3)) - [0, 0, 5]
    data = sg.lambdify([C, P], projected)(truth_c, truth_p) + 0.3 * rng.standard_normal((seen, 2))
    starts = [
        truth_c * (1 + 0.01 * rng.standard_normal(truth_c.shape)),
        truth_p + 0.02 * rng.standard_normal(truth_p.shape),
    ]
    return projected - sg.constant(data), [C, P], starts
