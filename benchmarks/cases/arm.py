"""A long formula of scalars: how far the tip of an arm is from its goal, and how to turn its joints.

About 1,300 operations once shared parts are computed once. SymPy needs minutes to differentiate it.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

import symgrad as sg
from benchmarks.case import Case, Task, by_hand, ours

JOINTS = 20
GOAL = (1.0, 0.5, 0.25)
AXES = (0, 1, 2)  # about which joints turn, one after the other; links go along the first


def length(k: int) -> float:
    """Of the link behind joint k."""
    return 0.3 + 0.05 * (k % 4)


def turned(axes: list[Any], about: int, c: Any, s: Any) -> list[Any]:
    """Three axes, turned about one of them by an angle of this cosine and sine."""
    j, k = (about + 1) % 3, (about + 2) % 3
    result = list(axes)
    pairs = list(zip(axes[j], axes[k], strict=True))
    result[j] = [c * a + s * b for a, b in pairs]
    result[k] = [c * b - s * a for a, b in pairs]
    return result


def chain(xp: Any, angles: Any) -> tuple[list[Any], list[Any], list[Any]]:
    """The tip, and the origin and the axis of each joint."""
    axes: list[Any] = [[1, 0, 0], [0, 1, 0], [0, 0, 1]]
    tip: list[Any] = [0, 0, 0]
    origins, turning = [], []
    for k, angle in enumerate(angles):
        origins.append(tip)
        turning.append(axes[AXES[k % 3]])
        axes = turned(axes, AXES[k % 3], xp.cos(angle), xp.sin(angle))
        tip = [p + length(k) * a for p, a in zip(tip, axes[0], strict=True)]
    return tip, origins, turning


def distance(xp: Any, *angles: Any) -> Any:
    """The squared distance of the tip from the goal."""
    tip, _, _ = chain(xp, angles)
    return sum((p - g) ** 2 for p, g in zip(tip, GOAL, strict=True))


def geometric(*angles: Any) -> Any:
    """By hand, as in robotics: the tip moves along axis x (tip - origin) when a joint turns."""
    tip, origins, turning = chain(math if isinstance(angles[0], float) else np, angles)
    x, y, z = (p - g for p, g in zip(tip, GOAL, strict=True))
    slopes = []
    for (a, b, c), origin in zip(turning, origins, strict=True):
        u, v, w = (p - o for p, o in zip(tip, origin, strict=True))
        slopes.append(2 * (x * (b * w - c * v) + y * (c * u - a * w) + z * (a * v - b * u)))
    return x * x + y * y + z * z, *slopes


def symgrad_arm(**options: Any) -> Any:
    """Value and gradient."""
    angles = sg.symbols(" ".join(f"q{k}" for k in range(JOINTS)))
    f = distance(sg, *angles)
    return sg.lambdify(angles, [f, *sg.grad(f, list(angles))], **options)


def postures(n: int, rng: np.random.Generator) -> tuple[Any, ...]:
    """The angles of one posture, or of n."""
    angles = rng.uniform(-1, 1, (JOINTS, n))
    return tuple(angles[:, 0].tolist()) if n == 1 else tuple(angles)


ARM = Case(
    name="arm",
    title="gradient of an arm by 20 angles, {n} posture(s)",
    inputs=postures,
    sizes=(1, 1_000, 100_000),
    quick=(1, 1_000),
    tiny=3,
    task=Task(distance, wrt=tuple(range(JOINTS)), wanted=("value", "gradient"), elementwise=True),
    participants={"by hand": by_hand(geometric), **ours(symgrad_arm)},
    tolerance=1e-11,
    excluded=frozenset({"sympy.lambdify", "sympy cse", "numexpr"}),
)

CASES = [ARM]
