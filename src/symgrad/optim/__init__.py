"""Optimizers: updates of parameters by gradients, as compiled formulas over nests of parameters.

>>> import symgrad as sg
>>> w = sg.variable([3.0, -2.0])
>>> optimizer = sg.optim.Adam([w], lr=0.1)
>>> for _ in range(200):
...     loss = sg.sum(w**2)
...     optimizer.cleargrads()
...     loss.backward()
...     optimizer.step()
>>> print(abs(w.data).max() < 0.01)
True

Without Variables, on arrays, nothing is changed in place:

>>> rule = sg.optim.SGD(lr=0.5)
>>> params, state = rule.update({"w": 1.0}, {"w": 0.5}, rule.init({"w": 1.0}))
>>> print(params)
{'w': 0.75}
"""

from typing import TYPE_CHECKING

from symgrad.optim.lbfgs import LBFGS
from symgrad.optim.rules import SGD, Adam, Momentum, Optimizer
from symgrad.suggestions import room as _room

__all__ = ["LBFGS", "SGD", "Adam", "Momentum", "Optimizer"]

if not TYPE_CHECKING:  # to which any name would be right
    __getattr__, __dir__ = _room(__name__, __all__)
