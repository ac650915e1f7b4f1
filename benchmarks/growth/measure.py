"""Nodes and memory of the derivatives of tanh, order by order: ``python -m benchmarks growth``.

A formula has shared nodes once and is simplified; the history of define-by-run keeps every step of every
backward pass, and so doubles at each order. Memory is what the derivative adds while it is made and held.
"""

from __future__ import annotations

import argparse
import gc
import tracemalloc
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

import symgrad as sg
from benchmarks.case import Absent
from benchmarks.define_by_run.faces import Dezero
from symgrad.expr.traverse import toposort

AT = 1.0


class Growth(NamedTuple):
    """One derivative: order, value, the nodes that stand for it, bytes allocated since order 0."""

    order: int
    value: float
    nodes: int
    memory: int


def formula(orders: int) -> Iterator[tuple[float, int]]:
    """The formula, over a symbol."""
    x = sg.symbol("x")
    y = sg.tanh(x)
    for _ in range(orders):
        y = sg.diff(y, x)
        yield float(sg.evaluate(y, {x: AT})), len(toposort([y]))


def variables(orders: int) -> Iterator[tuple[float, int]]:
    """`sg.variable`: the history has each derivative as one call, of a formula like that above."""
    x = sg.variable(AT)
    y = sg.tanh(x)
    for _ in range(orders):
        x.cleargrad()
        y.backward(create_graph=True)
        y = x.grad
        yield float(y.data), len(toposort([y.expr]))


def dezero(orders: int) -> Iterator[tuple[float, int]]:
    """DeZero: variables and functions that the derivative was computed by."""
    face = Dezero()
    x = face.variable(np.array(AT))
    y = face.xp.tanh(x)
    for _ in range(orders):
        x.cleargrad()
        y.backward(create_graph=True)
        y = x.grad
        yield float(y.data), _reached(y)


def _reached(y: Any) -> int:
    seen, stack = {id(y)}, [y]
    functions = set()
    while stack:
        creator = stack.pop().creator
        if creator is None or id(creator) in functions:
            continue
        functions.add(id(creator))
        for one in creator.inputs:
            if id(one) not in seen:
                seen.add(id(one))
                stack.append(one)
    return len(seen) + len(functions)


WAYS: dict[str, Callable[[int], Iterator[tuple[float, int]]]] = {
    "formula": formula,
    "sg.variable": variables,
    "DeZero": dezero,
}


def measured(way: Callable[[int], Iterator[tuple[float, int]]], orders: int) -> list[Growth]:
    """The derivatives of one way, which is carried out once before: imports are not counted."""
    for _ in way(1):
        pass
    gc.collect()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        rows = []
        for order, (value, nodes) in enumerate(way(orders), 1):
            rows.append(Growth(order, value, nodes, tracemalloc.get_traced_memory()[0] - before))
        return rows
    finally:
        tracemalloc.stop()


def plot(path: str, found: dict[str, list[Growth]]) -> None:
    """Nodes and memory against the order."""
    from matplotlib import pyplot

    _, places = pyplot.subplots(1, 2, figsize=(10, 4))
    for place, what, unit in zip(places, ("nodes", "memory"), ("nodes", "kB"), strict=True):
        for name, rows in found.items():
            scale = 1 if what == "nodes" else 1000
            heights = [getattr(row, what) / scale for row in rows]
            place.plot([row.order for row in rows], heights, "o-", label=name)
        place.set_yscale("log")
        place.set_xlabel("order of the derivative of tanh")
        place.set_ylabel(unit)
        place.legend()
    pyplot.savefig(path, bbox_inches="tight")


def main(words: list[str]) -> int:
    """Print a line for each order, and draw the plot where one is asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks growth", description=__doc__)
    parser.add_argument("--orders", type=int, default=10)
    parser.add_argument("--plot", metavar="FILE", help="write a plot (needs matplotlib)")
    given = parser.parse_args(words)
    found = {}
    for name, way in WAYS.items():
        try:
            found[name] = measured(way, given.orders)
        except Absent as reason:
            print(reason)
    for order in range(given.orders):
        rows = [(name, rows[order]) for name, rows in found.items()]
        parts = [f"{name} {row.nodes:,} nodes, {row.memory / 1000:,.0f} kB" for name, row in rows]
        print(f"order {order + 1}: {'; '.join(parts)}; value {rows[0][1].value:.10g}")
    if given.plot:
        plot(given.plot, found)
    return 0
