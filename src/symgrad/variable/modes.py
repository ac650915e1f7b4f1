"""Modes: whether a history is kept, and whether a model is tested or trained.

They hold for the thread, or the asynchronous task, that entered them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

_history: Final[ContextVar[bool]] = ContextVar("history", default=True)
_testing: Final[ContextVar[bool]] = ContextVar("testing", default=False)
_step: Final[ContextVar[bool]] = ContextVar("step", default=False)
is_in_step: Final = _step.get
keeps_history: Final = _history.get
is_testing: Final = _testing.get


@contextmanager
def no_grad() -> Iterator[None]:
    """Compute without a history: results inside are leaves, and `backward` stops at them.

    Also as a decorator. Other threads are not affected.

    Examples
    --------
    >>> import symgrad as sg
    >>> x = sg.variable(2.0)
    >>> with sg.no_grad():
    ...     y = x**2
    >>> y.is_leaf, y.data
    (True, 4.0)
    """
    token = _history.set(False)
    try:
        yield
    finally:
        _history.reset(token)


@contextmanager
def in_step() -> Iterator[None]:
    """Call the step of a scan: with a history, and without data to look at."""
    tokens = _history.set(True), _step.set(True)
    try:
        yield
    finally:
        _history.reset(tokens[0])
        _step.reset(tokens[1])


@contextmanager
def test_mode() -> Iterator[None]:
    """Use a model without training it: `dropout` drops nothing.

    Also as a decorator. Other threads are not affected. A history is still kept; see `no_grad`.

    Examples
    --------
    >>> import symgrad as sg
    >>> x = sg.variable([1.0, 2.0])
    >>> with sg.test_mode():
    ...     print(sg.dropout(x, 0.5))
    variable([1. 2.])
    """
    token = _testing.set(True)
    try:
        yield
    finally:
        _testing.reset(token)


test_mode.__test__ = False  # type: ignore[attr-defined]  # it is no test, whatever its name says
