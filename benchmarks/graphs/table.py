"""The graphs: functions of many scalars, in arithmetic, sines and exponentials that every library has."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.cases.arm import distance

Scalars = Sequence[Any]


@dataclass(frozen=True)
class Graph:
    """A function of many scalars.

    Attributes
    ----------
    name : str
    sizes : tuple of int
        Three at least, so that they show a slope.
    wanted : str
        "gradient", "hessian" or "jacobian".
    outputs : callable
        ``outputs(xp, xs, n)``: the function, or the list of functions.
    unknowns : callable
        How many scalars there are for a size.
    large : tuple of int
        Further sizes, which take minutes.
    """

    name: str
    sizes: tuple[int, ...]
    wanted: str
    outputs: Callable[[Any, Scalars, int], Any]
    unknowns: Callable[[int], int] = lambda n: n
    large: tuple[int, ...] = ()


def total(terms: Sequence[Any]) -> Any:
    """The sum, in the order of a loop."""
    result = terms[0]
    for term in terms[1:]:
        result = result + term
    return result


def rosenbrock(xp: Any, xs: Scalars, n: int) -> Any:
    """Chained: each variable beside the next."""
    return total([100 * (xs[i + 1] - xs[i] ** 2) ** 2 + (1 - xs[i]) ** 2 for i in range(n - 1)])


def all_pairs(xp: Any, xs: Scalars, n: int) -> Any:
    """A potential between all pairs of points on a line."""
    return total([xp.exp(-((xs[i] - xs[j]) ** 2)) for i in range(n) for j in range(i)])


def chain(xp: Any, xs: Scalars, n: int) -> Any:
    """A recurrence: each value needs the one before."""
    x, a, b = xs
    for _ in range(n // 4):
        x = xp.sin(a * x) + b
    return x


def random_dag(xp: Any, xs: Scalars, n: int) -> Any:
    """Operations on operands picked at random among all before, so that much is shared."""
    rng = random.Random(7)
    nodes = list(xs)
    for _ in range(n):
        a, b = rng.choice(nodes), nodes[max(0, len(nodes) - 1 - int(rng.expovariate(0.02)))]
        kind = rng.randrange(5)
        if kind == 0:
            nodes.append(a + b)
        elif kind == 1:
            nodes.append(a * b / 2)
        elif kind == 2:
            nodes.append(xp.sin(a) - b)
        elif kind == 3:
            nodes.append(xp.cos(a * b))
        else:
            nodes.append(xp.sin(a) * xp.cos(b))
    return total(nodes[-20:])


def arm(xp: Any, xs: Scalars, n: int) -> Any:
    """The squared distance of the tip of a robot's arm from its goal."""
    return distance(xp, *xs)


def kinetics(xp: Any, xs: Scalars, n: int) -> Any:
    """The rates of change of species in ``10*n`` reactions of two with two, by mass action."""
    rng = random.Random(3)
    rates: list[list[Any]] = [[] for _ in xs]
    for _ in range(10 * n):
        a, b, c, d = (rng.randrange(n) for _ in range(4))
        k = rng.randint(1, 9)
        flow = k * xs[a] * xs[b] - xs[c] * xs[d]
        for species, sign in ((a, -1), (b, -1), (c, 1), (d, 1)):
            rates[species].append(sign * flow)
    return [total(terms) if terms else xs[0] - xs[0] for terms in rates]


GRAPHS = {
    graph.name: graph
    for graph in (
        Graph("rosenbrock", (1_000, 10_000, 100_000), "gradient", rosenbrock),
        Graph("pairs", (50, 100, 200), "hessian", all_pairs, large=(400,)),
        Graph("chain", (1_000, 10_000, 100_000), "gradient", chain, lambda n: 3),
        Graph("dag", (3_000, 10_000, 30_000), "gradient", random_dag, lambda n: 10, (1_000_000,)),
        Graph("arm", (10, 20, 40), "hessian", arm),
        Graph("kinetics", (12, 25, 50), "jacobian", kinetics),
    )
}
