"""Libraries in two faces: define-by-run, and functions of functions.

A face has NumPy's names at `xp`, and what differs between libraries as methods.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

import numpy as np

import symgrad as sg
from benchmarks.case import library

Arrays = list[np.ndarray]


class Names:
    """A library with NumPy's names, and the few that networks need where it has them not."""

    def __init__(self, library: Any) -> None:
        self._library = library

    def __getattr__(self, name: str) -> Any:
        return getattr(self._library, name)

    def sigmoid(self, x: Any) -> Any:
        """As half of a tangent, which does not overflow."""
        return (self._library.tanh(x / 2) + 1) / 2

    def relu(self, x: Any) -> Any:
        """The positive part."""
        return self._library.maximum(x, 0.0)

    def cross_entropy(self, z: Any, labels: Any) -> Any:
        """Of logits and integers."""
        xp = self._library
        top = xp.max(z, axis=1, keepdims=True)
        logs = z - top - xp.log(xp.sum(xp.exp(z - top), axis=1, keepdims=True))
        return -xp.mean(logs[np.arange(len(labels)), labels])


# Define-by-run


class Symgrad:
    """`sg.variable`."""

    xp: Any = sg

    def variable(self, a: np.ndarray) -> Any:
        """A leaf."""
        return sg.variable(a)

    def given(self, a: np.ndarray) -> Any:
        """Data of a batch."""
        return a

    def slopes(self, y: Any, by: Sequence[Any]) -> Any:
        """The gradient by leaves, as arrays."""
        for x in by:
            x.cleargrad()
        y.backward()
        return [x.grad.data for x in by]

    def gradients(self, y: Any, by: Sequence[Any]) -> Any:
        """The gradient by leaves or computed values, to be differentiated in turn."""
        return sg.grad(y, list(by))

    def step(self, x: Any, change: Any) -> None:
        """Take a change from the data of a leaf."""
        x.data -= change

    def cut(self, x: Any) -> Any:
        """A value without its history."""
        x.unchain()
        return x

    def array(self, x: Any) -> np.ndarray:
        """The data."""
        return np.asarray(x.data)


class _DezeroNames:
    """DeZero's functions under NumPy's names."""

    def __init__(self) -> None:
        self._functions = import_module("dezero.functions")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._functions, name)

    def mean(self, x: Any) -> Any:
        """DeZero has the sum alone in every version."""
        return self._functions.sum(x) / float(x.size)

    def sqrt(self, x: Any) -> Any:
        """As a power."""
        return x**0.5

    def cross_entropy(self, z: Any, labels: Any) -> Any:
        """Of logits and integers."""
        return self._functions.softmax_cross_entropy(z, labels)


class Dezero(Symgrad):
    """The reference of the define-by-run face."""

    def __init__(self) -> None:
        if not hasattr(np, "int"):
            np.int = int  # type: ignore[attr-defined]  # which its data sets ask for
        self._variable = library("dezero").Variable
        self.xp = _DezeroNames()

    def variable(self, a: np.ndarray) -> Any:
        """A leaf."""
        return self._variable(np.array(a))

    def gradients(self, y: Any, by: Sequence[Any]) -> Any:
        """Computed values are leaves for as long as it takes: otherwise their gradients are not kept."""
        creators = [x.creator for x in by]
        for x in by:
            x.cleargrad()
            x.creator = None
        y.backward(create_graph=True)
        found = [x.grad for x in by]
        for x, creator in zip(by, creators, strict=True):
            x.cleargrad()
            x.creator = creator
        return found


class _TorchNames:
    """torch under NumPy's names."""

    def __init__(self, torch: Any) -> None:
        self._torch = torch
        self.cross_entropy = torch.nn.functional.cross_entropy

    def __getattr__(self, name: str) -> Any:
        return getattr(self._torch, name)


class Torch(Symgrad):
    """torch, eager, in double precision."""

    def __init__(self) -> None:
        self._torch = library("torch")
        self.xp = _TorchNames(self._torch)

    def variable(self, a: np.ndarray) -> Any:
        """A leaf."""
        return self._torch.as_tensor(a).clone().requires_grad_()

    def given(self, a: np.ndarray) -> Any:
        """A tensor of the same type."""
        return self._torch.tensor(a)

    def slopes(self, y: Any, by: Sequence[Any]) -> Any:
        """The gradient as tensors."""
        return self._torch.autograd.grad(y, by)

    def gradients(self, y: Any, by: Sequence[Any]) -> Any:
        """With a graph of their own."""
        return self._torch.autograd.grad(y, by, create_graph=True)

    def step(self, x: Any, change: Any) -> None:
        """Without a history."""
        with self._torch.no_grad():
            x -= change

    def cut(self, x: Any) -> Any:
        """A value without its history."""
        return x.detach()

    def array(self, x: Any) -> np.ndarray:
        """The data."""
        return x.detach().numpy()  # type: ignore[no-any-return]


# Functions of functions

Kernel = Callable[
    ..., tuple[Any, Any]
]  # of parameters, a state and a batch: slopes and a new state


class Compiled:
    """Symbols, and one compiled function."""

    xp: Any = sg

    def grad(self, f: Callable[[Any], Any]) -> Callable[[Any], Any]:
        """The gradient of a function of a list, as a function."""

        def gradient(values: Any) -> Any:
            symbols = [sg.symbol(f"q{i}", e.shape) for i, e in enumerate(values)]
            found = sg.grad(f(symbols), symbols)
            image = dict(zip(symbols, values, strict=True))
            return [sg.substitute(g, image) for g in found]

        return gradient

    def grad_aux(self, f: Callable[[Any], Any]) -> Callable[[Any], Any]:
        """The gradient of the first of two results, and the second."""

        def both(values: Any) -> Any:
            value, state = f(values)
            return sg.grad(value, list(values)), state

        return both

    def ready(self, kernel: Kernel, params: Arrays, state: Arrays, batch: Sequence[Any]) -> Kernel:
        """The kernel, compiled for arguments like these."""
        arrays = [np.asarray(a) for a in (*params, *state, *batch)]
        symbols = [sg.symbol(f"a{i}", a.shape, dtype=a.dtype) for i, a in enumerate(arrays)]
        n, m = len(params), len(params) + len(state)
        slopes, after = kernel(symbols[:n], symbols[n:m], *symbols[m:])
        f = sg.lambdify(symbols, (list(slopes), list(after)))
        return lambda p, s, *b: f(*p, *s, *b)


class Autograd:
    """HIPS autograd: a trace at every call."""

    def __init__(self) -> None:
        self._grad = library("autograd").grad
        self._value = import_module("autograd.tracer").getval
        self.xp = Names(import_module("autograd.numpy"))

    def grad(self, f: Callable[[Any], Any]) -> Callable[[Any], Any]:
        """The gradient of a function of a list, as a function."""
        return self._grad(f)  # type: ignore[no-any-return]

    def grad_aux(self, f: Callable[[Any], Any]) -> Callable[[Any], Any]:
        """The second result leaves the trace as it is met."""

        def both(values: Any) -> Any:
            states: list[Any] = []

            def first(q: Any) -> Any:
                value, state = f(q)
                states[:] = [self._value(s) for s in state]
                return value

            return self._grad(first)(values), states

        return both

    def ready(self, kernel: Kernel, params: Arrays, state: Arrays, batch: Sequence[Any]) -> Kernel:
        """The kernel as it is."""
        return kernel


class Jax:
    """JAX, compiled or operation by operation."""

    def __init__(self, jit: bool) -> None:
        self._jax = library("jax")
        self._jax.config.update("jax_enable_x64", True)
        self._jit = jit
        self.xp = Names(import_module("jax.numpy"))

    def grad(self, f: Callable[[Any], Any]) -> Callable[[Any], Any]:
        """The gradient of a function of a list, as a function."""
        return self._jax.grad(f)  # type: ignore[no-any-return]

    def grad_aux(self, f: Callable[[Any], Any]) -> Callable[[Any], Any]:
        """The gradient of the first of two results, and the second."""
        return self._jax.grad(f, has_aux=True)  # type: ignore[no-any-return]

    def ready(self, kernel: Kernel, params: Arrays, state: Arrays, batch: Sequence[Any]) -> Kernel:
        """The kernel, compiled where that is wanted; what it gives is waited for."""
        return self._jax.jit(kernel) if self._jit else kernel  # type: ignore[no-any-return]
