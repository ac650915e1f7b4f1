"""Variables: data with gradients, computed define-by-run.

The package is what `symgrad.variable` names, and calling it makes a Variable: so both
``sg.variable(1.0)`` and ``import symgrad.variable`` mean what they say.
"""

import sys
from types import ModuleType
from typing import Any

from symgrad.calls import checked
from symgrad.variable.dropout import dropout
from symgrad.variable.modes import no_grad, test_mode
from symgrad.variable.variable import Variable, variable

__all__ = ["Variable", "dropout", "no_grad", "test_mode", "variable"]


class _Package(ModuleType):
    """A package that can be called."""

    @checked
    def __call__(self, data: Any, name: str | None = None) -> Variable:
        return variable(data, name)


_Package.__call__.__doc__ = variable.__doc__
sys.modules[__name__].__class__ = _Package
