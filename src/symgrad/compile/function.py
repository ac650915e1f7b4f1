"""`CompiledFunction`: generated source, the functions made of it, and how they are called."""

from __future__ import annotations

import inspect
import linecache
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from symgrad.compile.arguments import MISSING, Signature
from symgrad.emit.nest import Nest, rebuild_nest
from symgrad.errors import ArgumentError
from symgrad.expr.node import Expr
from symgrad.expr.pickling import flatten
from symgrad.ops.table import unpickle_all

Builder = Callable[[], str]


class CompiledFunction:
    """A compiled function of its arguments; made by `lambdify`.

    Called with Python floats, a function of scalars runs code on floats and returns floats, with inf
    and nan where IEEE arithmetic has them. Called with arrays it runs NumPy code; scalar arguments
    broadcast against each other, and every output has the broadcast shape. Outputs never share memory
    with arguments.

    Attributes
    ----------
    source : str
        The NumPy code, a module with one function.
    scalar_source : str or None
        The code on Python floats, where there is one.
    args : tuple of Expr
        The symbols, in the order of the arguments.
    outputs : Expr or nest of Expr
        What is computed.
    """

    __slots__ = (
        "__call__",
        "__dict__",  # for the docstring of each function
        "__name__",
        "__signature__",
        "__weakref__",
        "_leaves",
        "_nest",
        "_run",
        "_scalar_source",
        "_signature",
        "_source",
        "args",
    )

    def __init__(
        self,
        args: tuple[Expr, ...],
        leaves: tuple[Expr, ...],
        nest: Nest,
        signature: Signature,
        source: str,
        scalar_source: str | Builder | None,
        doc: str,
        name: str = "f",
    ) -> None:
        self.args = args
        self._leaves = leaves
        self._nest = nest
        self._signature = signature
        self._source = source
        self._scalar_source = scalar_source
        self._run: Callable[..., Any] | None = None
        self.__name__ = name
        self.__doc__ = doc
        kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
        self.__signature__ = inspect.Signature(
            [inspect.Parameter(p.identifier, kind) for p in signature.parameters]
        )
        self.__call__ = self._first_call if scalar_source is not None else self._call_named

    @property
    def outputs(self) -> Any:
        """What is computed, in the form in which it was given."""
        return rebuild_nest(self._nest, self._leaves)

    @property
    def source(self) -> str:
        """The NumPy code, a module with one function."""
        return self._source

    @property
    def scalar_source(self) -> str | None:
        """The code that runs for Python floats, or None where there is none."""
        if callable(self._scalar_source):
            self._scalar_source = self._scalar_source()
        return self._scalar_source

    def save(self, path: Any) -> None:
        """Write the NumPy code as a standalone module to `path`."""
        Path(path).write_text(self.source, encoding="utf-8")

    # Calling

    def _first_call(self, *args: Any, **kwargs: Any) -> Any:
        """Compile the code on floats at the first call, and let it take the calls from then on."""
        source = self.scalar_source
        if source is None or not self._floats(args):
            return self._call_named(*args, **kwargs)
        fast = execute(source, self.__name__, {"general": self._call, "missing": MISSING})
        self.__call__ = fast
        return fast(*args, **kwargs)

    @staticmethod
    def _floats(args: tuple[Any, ...]) -> bool:
        return all(isinstance(a, (float, int)) for a in args)

    def _call_named(self, *args: Any, **kwargs: Any) -> Any:
        return self._call(*self._ordered(args, kwargs)) if kwargs else self._call(*args)

    def _ordered(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Any]:
        """Positional arguments, with keyword arguments put where they belong."""
        names = [p.identifier for p in self._signature.parameters]
        values = [*args, *[MISSING] * (len(names) - len(args))]
        for key, value in kwargs.items():
            if key not in names:
                raise ArgumentError(f"unknown argument {key!r}; expected: {', '.join(names)}")
            index = names.index(key)
            if index < len(args):
                raise ArgumentError(f"argument {key!r} is given twice")
            values[index] = value
        return values

    def _call(self, *args: Any) -> Any:
        """The general path: check, convert, run the NumPy code."""
        arrays = self._signature.check(args)
        run = self._run
        if run is None:
            run = self._run = execute(self._source, self.__name__, {})
        if all(a.__class__ in (float, int) for a in args):
            with np.errstate(all="ignore"):
                result = run(*[a[()] for a in arrays])
            return _as_python(self._nest, result) if self._scalar_source is not None else result
        return run(*[a if a.ndim else a[()] for a in arrays])

    # Reading

    def explain(self) -> str:
        """What is computed from what, and how many operations the code has."""
        return explain(self)

    def __repr__(self) -> str:
        names = ", ".join(p.name for p in self._signature.parameters)
        return f"<CompiledFunction {self.__name__}({names})>"

    def __reduce__(self) -> Any:
        state = (
            self._nest,
            self._signature,
            self._source,
            self.scalar_source,
            self.__doc__,
            self.__name__,
        )
        return restore, (flatten([*self.args, *self._leaves]), len(self.args), *state)


def restore(graph: Any, count: int, *state: Any) -> CompiledFunction:
    """The compiled function of a pickle: its source is not generated again."""
    expressions = unpickle_all(*graph)
    return CompiledFunction(tuple(expressions[:count]), tuple(expressions[count:]), *state)


def _as_python(nest: Nest, result: Any) -> Any:
    """NumPy scalars in a nested result as Python numbers."""
    if isinstance(nest, int):
        return result.item() if isinstance(result, np.generic) else result
    kind, keys, parts = nest
    if kind == "dict":
        return {k: _as_python(part, result[k]) for k, part in zip(keys, parts, strict=True)}
    inner = [_as_python(part, r) for part, r in zip(parts, result, strict=True)]
    return inner if kind == "list" else tuple(inner)


def execute(source: str, name: str, namespace: dict[str, Any]) -> Callable[..., Any]:
    """The function `name` of generated source: the one place where code is compiled.

    The source is known to `linecache`, so that tracebacks show its lines.
    """
    filename = f"<symgrad {name} {abs(hash(source)):x}>"
    code = compile(source, filename, "exec")
    lines = source.splitlines(keepends=True)
    if len(lines) < MAX_TRACEBACK_LINES:
        linecache.cache[filename] = (len(source), None, lines, filename)
    exec(code, namespace)
    return namespace[name]  # type: ignore[no-any-return]


MAX_TRACEBACK_LINES = 1000


def explain(f: CompiledFunction) -> str:
    """A few lines on a compiled function."""
    body = [
        line for line in f.source.splitlines() if " = " in line or line.strip().startswith("return")
    ]
    lines = [f"{f!r}", f.__doc__ or "", f"statements: {len(body)}"]
    lines.append("paths: arrays" + (", Python floats" if f.scalar_source is not None else ""))
    return "\n".join(lines)
