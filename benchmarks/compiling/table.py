"""The graphs: many scalar operations of few symbols, with much or little that is shared."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from benchmarks.graphs.table import Scalars, chain, random_dag, total


@dataclass(frozen=True)
class Source:
    """A function of scalars.

    Attributes
    ----------
    name : str
    made : callable
        ``made(xp, xs, n)``: the function, of about n operations.
    sizes : tuple of int
    unknowns : int
    """

    name: str
    made: Callable[[Any, Scalars, int], Any]
    sizes: tuple[int, ...]
    unknowns: int = 10


def mixed(xp: Any, xs: Scalars, n: int) -> Any:
    """Formulas as models have them, on operands picked at random: bells, roots, quotients, logarithms."""
    rng = random.Random(5)
    nodes = list(xs)
    steps: list[Callable[[Any, Any], Any]] = [
        lambda a, b: a + b,
        lambda a, b: a * b / 2,
        lambda a, b: xp.sin(a) - b,
        lambda a, b: xp.exp(-a * a) * b,
        lambda a, b: a / (1 + b * b),
        lambda a, b: xp.log(1 + a * a) + b,
        lambda a, b: xp.sqrt(1 + a * a) - b,
        lambda a, b: xp.tanh(a) * xp.cos(b),
        lambda a, b: (a - b) ** 2 / 3,
        lambda a, b: xp.exp(xp.sin(a)) - 1,
    ]
    for _ in range(n):
        near = nodes[max(0, len(nodes) - 1 - int(rng.expovariate(0.02)))]
        nodes.append(rng.choice(steps)(rng.choice(nodes), near))
    return total(nodes[-20:])


def recurrence(xp: Any, xs: Scalars, n: int) -> Any:
    """Each value from the one before and a few symbols: three nodes a step."""
    return chain(xp, xs, 4 * n // 3)


SOURCES = {
    source.name: source
    for source in (
        Source("dag", random_dag, (300, 3_000)),
        Source("mixed", mixed, (300, 3_000)),
        Source("long", random_dag, (180_000,)),
        Source("recurrence", recurrence, (20_000,), 3),
    )
}
