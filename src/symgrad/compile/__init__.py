"""Compilation: from expressions to callables."""

from symgrad.compile.assembled import AssembledFunction
from symgrad.compile.evaluate import evaluate
from symgrad.compile.function import CompiledFunction
from symgrad.compile.lambdify import lambdify
from symgrad.compile.nested import NestedFunction
from symgrad.compile.open_function import OpenFunction

__all__ = [
    "AssembledFunction",
    "CompiledFunction",
    "NestedFunction",
    "OpenFunction",
    "evaluate",
    "lambdify",
]
