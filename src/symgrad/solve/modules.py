"""The runtime as text, for modules that stand alone, and as names, for solvers in this process."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from importlib.metadata import version
from types import ModuleType
from typing import Any

from symgrad import calls as fits_of_calls
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
from symgrad.solve.standalone import library, on_library, standalone

# In the order in which they build on each other; what a source calls decides which it needs
ORDER: tuple[ModuleType, ...] = (
    fits_of_calls,
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
COMMON = (fits_of_calls, results, arguments, ending, approach)
MATRICES = (*COMMON, threads, trust, elimination, roots, single, calls)
MINIMA = (trust, spectra, minimum_step, minimum, beside)
LARGE = (*COMMON, *MINIMA, region, lanczos, large)
NEEDED = {
    "solve_equation": (*COMMON, threads, scalar, bracket, newton),
    "solve_large": (*LARGE, conjugate),
    "solve_sparse": (*MATRICES, sparse),
    "solve_sparse_fit": (*MATRICES, *MINIMA[1:], lanczos, sparse, sparse_fit),
    "solve_sparse_minimum": (*MATRICES, *LARGE[len(COMMON) + 1 :], sparse, sparse_minimum),
    "solve_constrained": (*MATRICES, spectra, interior, constrained),
    "solve_roots": MATRICES,
    "solve_fit": (*MATRICES, *MINIMA[1:], omit, fit, fits),
    "solve_minimum": (*MATRICES, *MINIMA[1:], minimize),
}
FOR_USERS = frozenset(
    {"sensitivity", "summary", "confidence", "residuals", "hessian", "covariance"}
)
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


def module_text(generated: str, late: Sequence[str], lines: Sequence[str]) -> str:
    """A module with what `generated` calls in front of it: the runtime, and functions made late.

    `lines` say what is solved; they are its docstring, with how it was made.
    """
    called = next(name for name in NEEDED if f"{name}(" in generated)
    needed = [inspect.getsource(module) for module in NEEDED[called]]
    return standalone([ERRORS, *needed], [*late, generated], header_of(lines), FOR_USERS)


def runtime_text() -> str:
    """The whole runtime as a module, which saved solvers may share."""
    made = f"Made by symgrad {version('symgrad')}; it needs NumPy, and SciPy for sparse systems."
    words = "What solvers that symgrad saved have in common; they import it."
    return library([ERRORS, *map(inspect.getsource, ORDER)], f"{words}\n\n{made}")


def text_on_runtime(generated: str, late: Sequence[str], lines: Sequence[str], runtime: str) -> str:
    """A module of what is generated alone, which imports the rest from the module `runtime`."""
    sources = [ERRORS, *map(inspect.getsource, ORDER)]
    return on_library(sources, [*late, generated], header_of(lines), runtime)


def header_of(lines: Sequence[str]) -> str:
    """What a saved solver is, how it was made and how it is called."""
    made = f"Made by symgrad {version('symgrad')}; it needs NumPy, and SciPy where it imports it."
    call = "`solve(x0, *parameters)` gives a `Solution`, whose `x` holds the unknowns."
    return "\n".join([f"{lines[0]}.", "", *lines[1:], "", made, call])
