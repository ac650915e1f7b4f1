"""Compilation: from expressions to callables."""

from symgrad.compile.assembled import AssembledFunction
from symgrad.compile.evaluate import evaluate
from symgrad.compile.function import CompiledFunction
from symgrad.compile.lambdify import lambdify

__all__ = ["AssembledFunction", "CompiledFunction", "evaluate", "lambdify"]
