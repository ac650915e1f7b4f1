"""First-order rules: each a formula for one entry, compiled once for parameters of all shapes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, ClassVar, Final

import numpy as np

from symgrad.compile import lambdify
from symgrad.errors import ArgumentError, ShapeError
from symgrad.expr.dims import show_shape
from symgrad.expr.leaves import symbol
from symgrad.expr.node import Expr
from symgrad.expr.pytrees import Nest, flatten, rebuild_nest
from symgrad.ops.ufuncs import sqrt
from symgrad.variable.operators import is_variable

State = dict[str, Any]
Formula = Callable[..., list[Expr]]  # of p, g, the memories and the settings: p and the memories
STEP: Final = "step"


class Optimizer:
    """An update ``p, memories = formula(p, g, memories, settings)`` of each entry.

    Parameters
    ----------
    params : nest of lists, tuples and dicts of Variables, optional
        What `step` changes. Without them, `init` and `update` work on nests of arrays.
    **settings : float
        The numbers of the rule; they may be assigned to between steps, as ``optimizer.lr = 0.01``.

    Raises
    ------
    ArgumentError
        If a parameter is no Variable that was given data.

    Examples
    --------
    >>> import symgrad as sg
    >>> w = sg.variable([3.0, -2.0])
    >>> optimizer = sg.optim.SGD([w], lr=0.5)
    >>> sg.sum(w**2).backward()
    >>> optimizer.step()
    >>> print(w.data)
    [0. 0.]
    """

    memories: ClassVar[tuple[str, ...]] = ()
    settings: ClassVar[tuple[str, ...]] = ()
    formula: ClassVar[Formula]

    def __init__(self, params: Any = None, **settings: float) -> None:
        for name in self.settings:
            setattr(self, name, settings[name])
        self.params = [] if params is None else parameters_of(params, type(self).__name__)
        self.state = self.init([p.data for p in self.params])

    def init(self, params: Any) -> State:
        """The state before the first step, for a nest of arrays."""
        leaves, nest = flatten(params, np.asarray)
        zeros = {
            name: rebuild_nest(nest, [np.zeros(p.shape, p.dtype) for p in leaves])
            for name in self.memories
        }
        return {STEP: 0, **zeros}

    def update(self, params: Any, grads: Any, state: State) -> tuple[Any, State]:
        """The parameters and the state behind a step; nothing is changed in place.

        Parameters
        ----------
        params, grads : nests of arrays of one form
        state : dict
            What `init` or the last `update` gave.

        Raises
        ------
        ArgumentError, ShapeError
            If the gradients have another form or shape than the parameters.
        """
        leaves, nest = flatten(params, lambda leaf: leaf)
        slopes = flatten_like(grads, nest)
        held = [flatten_like(state[name], nest) for name in self.memories]
        numbers = self.numbers(state[STEP] + 1)
        run = compiled(type(self))
        found = [
            _typed(run(p, _checked(p, g), *memory, *numbers), p)
            for p, g, *memory in zip(leaves, slopes, *held, strict=True)
        ]
        columns = list(zip(*found, strict=True)) or [()] * (1 + len(self.memories))
        nests = [rebuild_nest(nest, column) for column in columns]
        memories = dict(zip(self.memories, nests[1:], strict=True))
        return nests[0], {STEP: state[STEP] + 1, **memories}

    def numbers(self, step: int) -> list[float]:
        """The values of the settings at a step, counted from 1."""
        return [float(getattr(self, name)) for name in self.settings]

    def step(self) -> None:
        """Change the data of the parameters by their gradients; one without a gradient stays.

        Raises
        ------
        ArgumentError
            If the optimizer has no parameters.
        """
        if not self.params:
            name = type(self).__name__
            raise ArgumentError(
                f"{name} has no parameters to change: make it with them, {name}([w, b]), or call update"
            )
        grads = [
            p.grad.data if p.grad is not None else np.zeros(p.shape, p.dtype) for p in self.params
        ]
        values, self.state = self.update([p.data for p in self.params], grads, self.state)
        for p, value in zip(self.params, values, strict=True):
            if p.grad is not None:
                p.data = value

    def cleargrads(self) -> None:
        """Forget the gradients of all parameters."""
        for p in self.params:
            p.cleargrad()


def parameters_of(params: Any, who: str) -> list[Any]:
    """The Variables in a nest, or in one alone."""
    leaves = flatten(params, lambda leaf: leaf)[0]
    for leaf in leaves:
        if not is_variable(leaf) or not leaf.is_leaf:
            raise ArgumentError(
                f"a parameter of {who} must be a variable that was given data, not {leaf!r}"
            )
    return leaves


def flatten_like(given: Any, nest: Nest) -> list[Any]:
    """The leaves of what has the form of the parameters."""
    leaves, form = flatten(given, lambda leaf: leaf)
    if form != nest:
        raise ArgumentError("gradients and state must have the form of the parameters")
    return leaves


def _checked(p: Any, g: Any) -> Any:
    if np.shape(p) != np.shape(g):
        raise ShapeError(
            f"a gradient has shape {show_shape(np.shape(g))}, its parameter {show_shape(np.shape(p))}"
        )
    return g


def _typed(values: Sequence[Any], p: Any) -> list[Any]:
    """Results in the element type of the parameter: float32 stays float32."""
    dtype = getattr(p, "dtype", None)
    if dtype is None or dtype.kind != "f":
        return [value if np.ndim(value) else float(value) for value in values]
    return [np.asarray(value, dtype)[()] for value in values]


def compiled(rule: type[Optimizer]) -> Callable[..., list[Any]]:
    """The update of a rule, for parameters of any shape."""
    return _compiled(rule.formula, (*rule.memories, *rule.settings))


@cache
def _compiled(formula: Formula, names: tuple[str, ...]) -> Callable[..., list[Any]]:
    symbols = {name: symbol(name) for name in ("p", "g", *names)}
    return lambdify(list(symbols.values()), formula(**symbols))


class SGD(Optimizer):
    """Gradient descent: ``p - lr*g``.

    Examples
    --------
    >>> import symgrad as sg
    >>> p = sg.variable(3.0)
    >>> step = sg.optim.SGD([p], lr=0.1)
    >>> (p**2).backward()
    >>> step.step()
    >>> print(p.data)
    2.4
    """

    settings = ("lr",)

    def __init__(self, params: Any = None, lr: float = 0.01) -> None:
        super().__init__(params, lr=lr)

    @staticmethod
    def formula(p: Expr, g: Expr, lr: Expr) -> list[Expr]:
        """The update of an entry."""
        return [p - lr * g]


class Momentum(Optimizer):
    """Gradient descent with momentum: ``v = momentum*v - lr*g; p + v``.

    Examples
    --------
    >>> import symgrad as sg
    >>> p = sg.variable(3.0)
    >>> step = sg.optim.Momentum([p], lr=0.1)
    >>> (p**2).backward()
    >>> step.step()
    >>> print(p.data)
    2.4
    """

    memories = ("v",)
    settings = ("lr", "momentum")

    def __init__(self, params: Any = None, lr: float = 0.01, momentum: float = 0.9) -> None:
        super().__init__(params, lr=lr, momentum=momentum)

    @staticmethod
    def formula(p: Expr, g: Expr, v: Expr, lr: Expr, momentum: Expr) -> list[Expr]:
        """The update of an entry."""
        v = momentum * v - lr * g
        return [p + v, v]


class Adam(Optimizer):
    """Adam, algorithm 1 of Kingma and Ba, "Adam: a method for stochastic optimization" (2015).

    Examples
    --------
    >>> import symgrad as sg
    >>> p = sg.variable(3.0)
    >>> step = sg.optim.Adam([p], lr=0.1)
    >>> (p**2).backward()
    >>> step.step()
    >>> print(round(p.data, 6))
    2.9
    """

    memories = ("m", "v")
    settings = ("lr", "beta1", "beta2", "eps", "first", "second")

    def __init__(
        self,
        params: Any = None,
        lr: float = 0.001,
        beta1: float = 0.9,
        beta2: float = 0.999,
        eps: float = 1e-8,
    ) -> None:
        given = {"lr": lr, "beta1": beta1, "beta2": beta2, "eps": eps}
        super().__init__(params, **given, first=1.0, second=1.0)

    def numbers(self, step: int) -> list[float]:
        """The settings, and how much of the sums of weights is there after `step` steps."""
        settings: Mapping[str, float] = vars(self)
        betas = settings["beta1"], settings["beta2"]
        given = [settings[name] for name in ("lr", "beta1", "beta2", "eps")]
        return [*map(float, given), *[1.0 - beta**step for beta in betas]]

    @staticmethod
    def formula(
        p: Expr,
        g: Expr,
        m: Expr,
        v: Expr,
        lr: Expr,
        beta1: Expr,
        beta2: Expr,
        eps: Expr,
        first: Expr,
        second: Expr,
    ) -> list[Expr]:
        """The update of an entry."""
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        return [p - lr * (m / first) / (sqrt(v / second) + eps), m, v]
