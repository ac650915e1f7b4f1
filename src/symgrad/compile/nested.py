"""Functions whose arguments are nests of symbols: of ``[[x, y], z]`` the call is ``f([1, 2], 3)``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from symgrad.calls import checked
from symgrad.compile.arguments import MISSING
from symgrad.compile.documented import Documented
from symgrad.errors import ArgumentError, ShapeError
from symgrad.print.coloured import coloured


def is_nested(args: Any) -> bool:
    """Whether some of the arguments are sequences, matrices or arrays of symbols."""
    return isinstance(args, (list, tuple)) and any(_is_group(a) for a in args)


def _is_group(x: Any) -> bool:
    return isinstance(x, (list, tuple)) or _shape_of(x) is not None


def _shape_of(x: Any) -> tuple[int, ...] | None:
    """The shape of an object array or a SymPy matrix of symbols; None for anything else."""
    if isinstance(x, np.ndarray) and x.dtype == object:
        return tuple(x.shape)
    if hasattr(x, "tolist") and (x.__class__.__module__ or "").startswith("sympy."):
        return tuple(map(int, x.shape))
    return None


def flat_arguments(args: Sequence[Any]) -> list[Any]:
    """The symbols of a nest, in order."""
    return [*_symbols(args)]


def _symbols(given: Any) -> Iterator[Any]:
    shape = _shape_of(given)
    if shape is not None:
        yield from np.array(given.tolist(), dtype=object).ravel().tolist()
    elif isinstance(given, (list, tuple)):
        for part in given:
            yield from _symbols(part)
    else:
        yield given


class NestedFunction:
    """A compiled function whose arguments are nests; made by `lambdify`.

    Attributes
    ----------
    flat : CompiledFunction
        The function of the symbols one by one.
    args : sequence
        The arguments, as they were given.

    Examples
    --------
    >>> import symgrad as sg
    >>> x, y = sg.symbols("x y")
    >>> f = sg.lambdify([x, [y]], x * y)
    >>> print(f(2.0, [3.0]))
    6.0
    """

    __doc__ = Documented(__doc__, lambda function: function.flat.__doc__)

    def __init__(self, flat: Any, args: Sequence[Any]) -> None:
        self.flat = flat
        self.args = args
        self.__name__ = flat.__name__

    @property
    def outputs(self) -> Any:
        """What is computed, in the form in which it was given."""
        return self.flat.outputs

    @property
    def source(self) -> str:
        """The NumPy code, of a function of the symbols one by one."""
        return self.flat.source  # type: ignore[no-any-return]

    @checked
    def save(self, path: Any) -> None:
        """Write the NumPy code as a standalone module to `path`."""
        self.flat.save(path)

    @checked
    def explain(self) -> str:
        """What is computed, and what the passes made of it, step by step."""
        return self.flat.explain()  # type: ignore[no-any-return]

    def __call__(self, /, *args: Any, out: Any = None) -> Any:
        if len(args) != len(self.args):
            raise ArgumentError(f"got {len(args)} arguments, expected {len(self.args)}: {self}")
        values: list[Any] = []
        for k, (group, value) in enumerate(zip(self.args, args, strict=True)):
            _spread(group, value, f"argument {k + 1}", values)
        return self.flat(*values) if out is None else self.flat(*values, out=out)

    def _repr_html_(self) -> str:
        """The code, for notebooks."""
        return coloured(self.source)

    def __repr__(self) -> str:
        shown = ", ".join(_shown(a) for a in self.args)
        return f"<NestedFunction {self.__name__}({shown})>"


def _shown(group: Any) -> str:
    if isinstance(group, (list, tuple)):
        return f"[{', '.join(_shown(part) for part in group)}]"
    return str(group.tolist()) if _shape_of(group) is not None else str(group)


def _spread(group: Any, value: Any, who: str, values: list[Any]) -> None:
    """Append the values of the symbols of a group."""
    shape = _shape_of(group)
    if shape is not None:
        array = np.asarray(value)
        fits = array.shape == shape or (array.ndim == 1 and shape == (array.size, 1))
        if not fits:
            raise ShapeError(f"{who} has the shape {array.shape}, needs {shape}")
        values += array.ravel().tolist()
        return
    if not isinstance(group, (list, tuple)):
        values.append(value)
        return
    if isinstance(value, (str, bytes)) or value is MISSING or not hasattr(value, "__len__"):
        raise ArgumentError(f"{who} must be a sequence of {len(group)} values, not {value!r}")
    if len(value) != len(group):
        raise ShapeError(f"{who} has {len(value)} values, needs {len(group)}: {_shown(group)}")
    for k, (part, one) in enumerate(zip(group, value, strict=True)):
        _spread(part, one, f"{who}[{k}]", values)
