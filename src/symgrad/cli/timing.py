"""The command `bench`: how long a formula and its gradient take."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from typing import Any, Final

import numpy as np

import symgrad as sg
from symgrad.cli.reading import assignments, one_formula
from symgrad.cli.terminal import table
from symgrad.errors import ArgumentError
from symgrad.expr.node import Expr

SECONDS: Final = 0.2  # that each measurement takes
SEED: Final = 0
Case = dict[str, Any]


def bench(arguments: argparse.Namespace) -> int:
    """Build, compile and call the formula and its gradient, with floats and with arrays."""
    given, formula = one_formula(arguments)
    known = {str(x.name): x for x in given.mentioned} | given.declared
    params = assignments(arguments.param or [], "--param", known)
    symbols = given.mentioned
    if any(n for s in symbols for n in s.shape) and any(
        s not in params for s in symbols if s.shape
    ):
        raise ArgumentError("bench needs values of the arrays: --param 'v=[1,2,3]'")
    if not symbols:
        raise ArgumentError("bench takes a formula of at least one variable")
    scalars = [s for s in symbols if not s.shape]
    cases = [
        _case("value", lambda: formula, symbols, params, arguments.points),
        _case("gradient", lambda: sg.grad(formula, scalars), symbols, params, arguments.points),
    ]
    if arguments.json:
        print(json.dumps({"command": "bench", "formula": given.texts[0], "cases": cases}, indent=2))
        return 0
    titles = ["what", "build", "compile", "call", f"call, {arguments.points} points"]
    keys = ("build", "compile", "call", "call_points")
    table(titles, [[case["what"], *[_seconds(case[key]) for key in keys]] for case in cases])
    return 0


def _case(
    what: str, build: Callable[[], Any], symbols: list[Expr], params: dict[Expr, Any], points: int
) -> Case:
    """The seconds that it takes to build, to compile, and to call with floats and with arrays."""
    begin = time.perf_counter()
    outputs = build()
    built = time.perf_counter()
    function = sg.lambdify(symbols, outputs)
    rng = np.random.default_rng(SEED)
    floats = [params.get(s, float(rng.uniform(0.5, 1.5))) for s in symbols]
    function(*floats)
    compiled = time.perf_counter()
    arrays = [
        params.get(s, rng.uniform(0.5, 1.5, points)) if not s.shape else params[s] for s in symbols
    ]
    return {
        "what": what,
        "build": built - begin,
        "compile": compiled - built,
        "call": _repeated(lambda: function(*floats)),
        "call_points": _repeated(lambda: function(*arrays)),
    }


def _repeated(call: Callable[[], Any]) -> float:
    """The least seconds of many calls."""
    call()
    least, end = float("inf"), time.perf_counter() + SECONDS
    while time.perf_counter() < end:
        begin = time.perf_counter()
        call()
        least = min(least, time.perf_counter() - begin)
    return least


def _seconds(value: float) -> str:
    for unit, scale in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if value >= scale:
            return f"{value / scale:.3g} {unit}"
    return f"{value / 1e-9:.3g} ns"
