"""How each library makes symbols, differentiates a graph and compiles the result."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any, Protocol

import numpy as np

from benchmarks.case import library
from benchmarks.peers import Names

Call = Callable[[Any], Any]


class Library(Protocol):
    """What a graph needs of a library."""

    xp: Any

    def symbols(self, count: int) -> Sequence[Any]:
        """Scalars by names."""

    def derivative(self, wanted: str, outputs: Any, xs: Sequence[Any]) -> Any:
        """The gradient, the Hessian, or the Jacobian of a list."""

    def nodes(self, derivative: Any) -> int | None:
        """How many nodes the derivative has, where the library says so."""

    def compiled(self, xs: Sequence[Any], derivative: Any) -> Call:
        """A function from an array to all entries of the derivative."""


class Symgrad:
    """This library, formulas of scalars."""

    def __init__(self) -> None:
        self.xp = import_module("symgrad")

    def symbols(self, count: int) -> Sequence[Any]:
        return [self.xp.symbol(f"x{i}") for i in range(count)]

    def derivative(self, wanted: str, outputs: Any, xs: Sequence[Any]) -> Any:
        differentiate = {"gradient": "grad", "hessian": "hessian", "jacobian": "jacobian"}[wanted]
        return getattr(self.xp, differentiate)(outputs, list(xs))

    def nodes(self, derivative: Any) -> int | None:
        rows = derivative if isinstance(derivative[0], list) else [derivative]
        traverse = import_module("symgrad.expr.traverse")
        return len(traverse.toposort([e for row in rows for e in row]))

    def compiled(self, xs: Sequence[Any], derivative: Any) -> Call:
        f = self.xp.lambdify(list(xs), derivative)
        return lambda x: f(*x)


class Casadi:
    """C++, expressions of scalars (SX)."""

    def __init__(self) -> None:
        self.xp = library("casadi")

    def symbols(self, count: int) -> Sequence[Any]:
        return [self.xp.SX.sym(f"x{i}") for i in range(count)]

    def derivative(self, wanted: str, outputs: Any, xs: Sequence[Any]) -> Any:
        x = self.xp.vertcat(*xs)
        if wanted == "gradient":
            return self.xp.gradient(outputs, x)
        if wanted == "hessian":
            return self.xp.hessian(outputs, x)[0]
        return self.xp.jacobian(self.xp.vertcat(*outputs), x)

    def nodes(self, derivative: Any) -> int | None:
        return int(self.xp.n_nodes(derivative))

    def compiled(self, xs: Sequence[Any], derivative: Any) -> Call:
        f = self.xp.Function("f", [self.xp.vertcat(*xs)], [derivative])
        return lambda x: np.array(f(x))  # sparse, filled


class SymEngine:
    """C++ behind Python, derivatives of each formula by each symbol."""

    def __init__(self) -> None:
        self.xp = library("symengine")

    def symbols(self, count: int) -> Sequence[Any]:
        return [self.xp.Symbol(f"x{i}") for i in range(count)]

    def derivative(self, wanted: str, outputs: Any, xs: Sequence[Any]) -> Any:
        if wanted == "jacobian":
            return [[y.diff(x) for x in xs] for y in outputs]
        gradient = [outputs.diff(x) for x in xs]
        if wanted == "gradient":
            return gradient
        half = [[g.diff(x) for x in xs[: i + 1]] for i, g in enumerate(gradient)]
        return [[half[max(i, j)][min(i, j)] for j in range(len(xs))] for i in range(len(xs))]

    def nodes(self, derivative: Any) -> int | None:
        return None

    def compiled(self, xs: Sequence[Any], derivative: Any) -> Call:
        flat = [e for row in derivative for e in (row if isinstance(row, list) else [row])]
        f = self.xp.Lambdify(list(xs), flat, cse=True)
        return lambda x: f(np.asarray(x))


class Heyoka:
    """C++ and LLVM: derivatives in reverse, machine code."""

    def __init__(self) -> None:
        self.heyoka = library("heyoka")
        self.xp = Names(self.heyoka)

    def symbols(self, count: int) -> Sequence[Any]:
        return [self.heyoka.expression(f"x{i}") for i in range(count)]

    def derivative(self, wanted: str, outputs: Any, xs: Sequence[Any]) -> Any:
        listed = list(outputs) if wanted == "jacobian" else [outputs]
        order = 2 if wanted == "hessian" else 1
        tensors = self.heyoka.diff_tensors(listed, diff_args=list(xs), diff_order=order)
        if wanted == "gradient":
            return list(tensors.gradient)
        return tensors.hessian(0) if wanted == "hessian" else tensors.jacobian

    def nodes(self, derivative: Any) -> int | None:
        return None

    def compiled(self, xs: Sequence[Any], derivative: Any) -> Call:
        flat = list(np.asarray(derivative, dtype=object).ravel())
        f = self.heyoka.cfunc(flat, vars=list(xs))
        return lambda x: f(np.asarray(x))


LIBRARIES: dict[str, Callable[[], Library]] = {
    "symgrad": Symgrad,
    "casadi": Casadi,
    "symengine": SymEngine,
    "heyoka": Heyoka,
}
