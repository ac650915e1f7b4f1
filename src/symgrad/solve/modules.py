"""The runtime as text, for modules that stand alone, and as names, for solvers in this process."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Sequence
from functools import cache
from types import ModuleType
from typing import Any

from symgrad import errors
from symgrad.runtime import threads
from symgrad.solve.runtime import (
    approach,
    arguments,
    beside,
    bracket,
    calls,
    conjugate,
    constrained,
    elimination,
    ending,
    fit,
    fits,
    interior,
    lanczos,
    large,
    minimize,
    minimum,
    minimum_step,
    newton,
    omit,
    region,
    results,
    roots,
    scalar,
    single,
    sparse,
    sparse_fit,
    sparse_minimum,
    spectra,
    trust,
)

# In the order in which they build on each other; what a source calls decides which it needs
ORDER: tuple[ModuleType, ...] = (
    results,
    arguments,
    ending,
    approach,
    threads,
    scalar,
    bracket,
    newton,
    trust,
    elimination,
    roots,
    spectra,
    minimum_step,
    minimum,
    beside,
    single,
    calls,
    minimize,
    omit,
    fit,
    fits,
    region,
    lanczos,
    large,
    conjugate,
    sparse,
    sparse_minimum,
    sparse_fit,
    interior,
    constrained,
)
COMMON = (results, arguments, ending, approach)
MATRICES = (*COMMON, threads, trust, elimination, roots, single, calls)
MINIMA = (trust, spectra, minimum_step, minimum, beside)
LARGE = (*COMMON, *MINIMA, region, lanczos, large)
NEEDED = {
    "solve_equation": (*COMMON, threads, scalar, bracket, newton),
    "solve_large": (*LARGE, conjugate),
    "solve_sparse": (*COMMON, sparse),
    "solve_sparse_fit": (*COMMON, *MINIMA, lanczos, sparse, sparse_fit),
    "solve_sparse_minimum": (*LARGE, sparse, sparse_minimum),
    "solve_constrained": (*MATRICES, spectra, interior, constrained),
    "solve_roots": MATRICES,
    "solve_fit": (*MATRICES, *MINIMA[1:], omit, fit, fits),
    "solve_minimum": (*MATRICES, *MINIMA[1:], minimize),
}
ERRORS = '''\
class ArgumentError(TypeError, ValueError):
    """A wrong, missing or unknown argument."""


class DTypeError(TypeError):
    """A kind of value that a solver cannot take."""


class ShapeError(ValueError):
    """Shapes that do not fit together."""


class ConvergenceError(ArithmeticError):
    """A solver did not converge, and was asked to raise in that case."""

    def __init__(self, message, solution):
        self.solution = solution
        super().__init__(message)

    def __reduce__(self):
        return type(self), (str(self), self.solution)
'''


def namespace() -> dict[str, Any]:
    """The names that generated solvers use."""
    names: dict[str, Any] = {}
    for module in ORDER:
        names |= {k: v for k, v in vars(module).items() if not k.startswith("_")}
    return names | {"errors": errors}


def standalone(generated: str, late: Sequence[str]) -> str:
    """A module with what `generated` calls in front of it: the runtime, and functions made late."""
    called = next(name for name in NEEDED if f"{name}(" in generated)
    imports: dict[str, None] = {}
    bodies = []
    for module in NEEDED[called]:
        lines, body = _parts(module)
        imports |= dict.fromkeys(lines)
        bodies.append(body)
    tails = []
    for source in (*late, generated):
        lines, body = _without_imports(source)
        imports |= dict.fromkeys(lines)
        tails.append(body)
    head = ["from __future__ import annotations", "", *sorted(imports)]
    return "\n".join(head) + "\n\n\n" + "\n\n\n".join([ERRORS.strip(), *bodies, *tails]) + "\n"


@cache
def _parts(module: ModuleType) -> tuple[tuple[str, ...], str]:
    return _without_imports(inspect.getsource(module))


def _without_imports(source: str) -> tuple[tuple[str, ...], str]:
    """The imports at the top of a source, but those of this package, and the rest without its docstring."""
    tree = ast.parse(source)
    lines = source.splitlines()
    imports = []
    for node in tree.body:
        docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if not docstring and not isinstance(node, (ast.Import, ast.ImportFrom)):
            continue
        first, last = node.lineno - 1, node.end_lineno or node.lineno
        text = "\n".join(lines[first:last])
        if not docstring and "symgrad" not in text and "__future__" not in text:
            imports.append(ast.unparse(node))
        lines[first:last] = [""] * (last - first)
    return tuple(imports), "\n".join(lines).strip()
