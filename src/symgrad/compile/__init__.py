"""Compilation: from expressions to callables."""

from symgrad.compile.evaluate import evaluate
from symgrad.compile.function import CompiledFunction
from symgrad.compile.lambdify import lambdify

__all__ = ["CompiledFunction", "evaluate", "lambdify"]
