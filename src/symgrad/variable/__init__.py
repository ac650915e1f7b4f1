"""Variables: data with gradients, computed define-by-run."""

from symgrad.variable.variable import Variable, variable

__all__ = ["Variable", "variable"]
