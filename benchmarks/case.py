"""What a benchmark is: a piece of work, its inputs, and who does it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

import numpy as np

import symgrad as sg

Run = Callable[[], Any]  # does the work once and returns its results
Builder = Callable[..., Run]  # prepares the work on given inputs; what it does is not measured


class Absent(Exception):
    """A participant is not installed, or cannot do this work."""


def library(name: str) -> Any:
    """A module, or `Absent`."""
    try:
        return import_module(name)
    except ImportError as error:
        raise Absent(f"{name} is not installed") from error


@dataclass(frozen=True)
class Task:
    """Derivatives of a formula, in terms that every peer understands.

    `formula` is called as ``formula(xp, *inputs)`` with a namespace `xp` that has NumPy's names, and
    ``logsumexp``. Wanted are any of "value", "gradient", "hessian", by the inputs at positions `wrt`.
    An elementwise formula acts entry by entry; any other has one number as its value.
    """

    formula: Callable[..., Any]
    wrt: tuple[int, ...]
    wanted: tuple[str, ...]
    elementwise: bool = False


@dataclass(frozen=True)
class Case:
    """One row of the table for each of its sizes.

    Attributes
    ----------
    name, title : str
        For the command line; for the reader, with ``{n}`` for the size.
    inputs : callable
        ``inputs(n, rng)``: the arguments of the work at size `n`.
    sizes, quick, tiny : tuple of int, tuple of int, int
        The sizes to measure, those of ``--quick``, and the size at which the tests run all participants.
    participants : mapping of str to callable
        ``build(*inputs)`` gives a function that does the work; "symgrad" is among them.
    task : Task or None
        If given, every peer that can do it takes part.
    reference : str
        The participant whose results are held to be right.
    tolerance : float
        The largest difference from the reference, relative to the largest entry of each result.
    reported : bool
        The participants measure themselves: each returns a pair of its figure and its results.
    unit : str
        The unit of the figures, "s" or "MB".
    """

    name: str
    title: str
    inputs: Callable[[int, np.random.Generator], tuple[Any, ...]]
    sizes: tuple[int, ...]
    participants: Mapping[str, Builder]
    tiny: int
    quick: tuple[int, ...] = ()
    task: Task | None = None
    reference: str = "by hand"
    tolerance: float = 1e-12
    reported: bool = False
    unit: str = "s"
    excluded: frozenset[str] = field(default_factory=frozenset)  # peers that would take forever

    def label(self, n: int) -> str:
        """The title with its size."""
        return self.title.format(n=f"{n:,}" if n < 10_000 else f"{n:.0e}".replace("e+0", "e"))


def calls(make: Callable[..., Any], *options: str, **more: Any) -> Builder:
    """A participant that makes a function once, and calls it on the inputs.

    `make` is called with the named options of `symgrad.lambdify` switched on, and with further ones.
    """

    def build(*inputs: Any) -> Run:
        known = inspect.signature(sg.lambdify).parameters
        if any(option not in known for option in (*options, *more)):
            raise Absent(f"lambdify has no option {', '.join([*options, *more])}")
        if "backend" in more:
            library("llvmlite")
        function = make(**dict.fromkeys(options, True), **more)
        return lambda: function(*inputs)

    return build


def ours(make: Callable[..., Any]) -> dict[str, Builder]:
    """The NumPy code of a function, and its machine code."""
    return {"symgrad": calls(make), "native": calls(make, backend="native")}


def by_hand(function: Callable[..., Any]) -> Builder:
    """A participant that is a function already."""
    return lambda *inputs: lambda: function(*inputs)


def flat(results: Any) -> list[np.ndarray]:
    """The arrays in nested results, one after the other."""
    if hasattr(results, "dense"):  # a structured matrix
        return [np.asarray(results.dense())]
    if isinstance(results, dict):
        results = list(results.values())
    if isinstance(results, (list, tuple)):
        return [a for part in results for a in flat(part)]
    return [np.asarray(results, dtype=float)]
