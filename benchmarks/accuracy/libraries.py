"""The libraries: value and first two derivatives of a formula of the table, at arrays of points.

Each is a function of the entry and its points that gives an array of shape (3, number of points), or raises
`Absent` where it is not installed or lacks a function.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

import numpy as np

import symgrad as sg
from benchmarks.accuracy.table import Entry
from benchmarks.case import Absent, library

Points = Mapping[str, np.ndarray]


class Functions(dict[str, Any]):
    """Functions by name, looked up in modules one after the other."""

    def __init__(self, *modules: Any, **extra: Any) -> None:
        super().__init__(extra)
        self.modules = modules

    def __missing__(self, name: str) -> Any:
        for module in self.modules:
            if hasattr(module, name):
                return getattr(module, name)
        raise Absent(f"no {name}")


def symgrad(entry: Entry, points: Points) -> np.ndarray:
    """Compiled code of symgrad's derivatives."""
    symbols = {name: sg.symbol(name) for name in points}
    x = next(iter(symbols.values()))
    f = entry.value(Functions(sg, sg.special, **symbols))
    wanted = [f, sg.diff(f, x), sg.diff(f, x, 2)]
    return at_points(sg.lambdify(list(symbols.values()), wanted), points)


def as_written(entry: Entry, points: Points) -> np.ndarray:
    """The formula in plain NumPy, without derivatives."""
    special = library("scipy.special")
    value = entry.value(Functions(np, special, **points))
    missing = np.full_like(value, np.nan)
    return np.array([value, missing, missing])


def sympy_lambdify(entry: Entry, points: Points) -> np.ndarray:
    """`sympy.lambdify` of the formula and of what `sympy.diff` makes of it."""
    sympy = library("sympy")
    cfunctions = import_module("sympy.codegen.cfunctions")
    aliases = {f"arc{n}": getattr(sympy, f"a{n}") for n in "sin cos tan sinh cosh tanh".split()}
    names = {
        "arctan2": sympy.atan2,
        "gammaln": sympy.loggamma,
        "hypot": lambda a, b: sympy.sqrt(a**2 + b**2),
        "i0": lambda x: sympy.besseli(0, x),
        "i1": lambda x: sympy.besseli(1, x),
    }
    symbols = {name: sympy.Symbol(name, real=True) for name in points}
    x = next(iter(symbols.values()))
    f = entry.value(Functions(cfunctions, sympy, **aliases, **names, **symbols), sympy.sympify)
    wanted = [f, sympy.diff(f, x), sympy.diff(f, x, 2)]
    compiled = sympy.lambdify(list(symbols.values()), wanted, modules=["scipy", "numpy"])
    return at_points(compiled, points)


def jax(entry: Entry, points: Points) -> np.ndarray:
    """`jax.grad` twice, in double precision, compiled."""
    module = library("jax")
    module.config.update("jax_enable_x64", True)
    names = Functions(import_module("jax.numpy"), import_module("jax.scipy.special"))

    def f(*args: Any) -> Any:
        return entry.value(_with(names, dict(zip(points, args, strict=True))))

    first = module.grad(f)
    second = module.grad(first)
    compiled = module.jit(module.vmap(lambda *a: (f(*a), first(*a), second(*a))))
    return np.array([np.asarray(r) for r in compiled(*points.values())])


def autograd(entry: Entry, points: Points) -> np.ndarray:
    """`autograd.elementwise_grad` twice."""
    module = library("autograd")
    names = Functions(import_module("autograd.numpy"), import_module("autograd.scipy.special"))

    def f(*args: Any) -> Any:
        return entry.value(_with(names, dict(zip(points, args, strict=True))))

    first = module.elementwise_grad(f)
    second = module.elementwise_grad(first)
    return np.array([g(*points.values()) for g in (f, first, second)])


def pytensor(entry: Entry, points: Points) -> np.ndarray:
    """PyTensor's gradients with all its rewrites; run by its interpreter, which computes the same."""
    module = library("pytensor")
    pt = import_module("pytensor.tensor")
    symbols = {name: pt.dscalar(name) for name in points}
    x = next(iter(symbols.values()))
    f = entry.value(_with(Functions(pt, pt.special if hasattr(pt, "special") else pt), symbols))
    first = module.grad(f, x)
    second = module.grad(first, x, disconnected_inputs="ignore")
    mode = module.compile.mode.Mode(linker="py", optimizer="fast_run")
    compiled = module.function(list(symbols.values()), [f, first, second], mode=mode)
    rows = zip(*points.values(), strict=True)
    return np.array([[float(r) for r in compiled(*row)] for row in rows]).T


def _with(names: Functions, variables: Mapping[str, Any]) -> Functions:
    return Functions(*names.modules, **{**names, **variables})


def at_points(function: Callable[..., Any], points: Points) -> np.ndarray:
    """The results of a function of arrays, each as an array of the points' shape."""
    shape = next(iter(points.values())).shape
    return np.array(
        [np.broadcast_to(np.asarray(r, float), shape) for r in function(*points.values())]
    )


LIBRARIES: dict[str, Callable[[Entry, Points], np.ndarray]] = {
    "symgrad": symgrad,
    "sympy.lambdify": sympy_lambdify,
    "JAX": jax,
    "autograd": autograd,
    "PyTensor": pytensor,
}


def computed(name: str, entry: Entry, points: Points) -> np.ndarray:
    """What a library makes of a formula; nan where it fails.

    Raises
    ------
    Absent
        If it is not installed, or has no such function.
    """
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            return LIBRARIES[name](entry, points)
        except (NotImplementedError, AttributeError, NameError, TypeError) as error:
            raise Absent(f"{type(error).__name__}: {error}") from error
