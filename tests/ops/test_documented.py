"""Docstrings say what errors there are, and functions raise them: those of a kind all do."""

import inspect

import pytest

import symgrad as sg
from symgrad.ops import sections
from symgrad.ops.elementwise import Elementwise

x, s, t = sg.symbol("x"), sg.vector("s", 3), sg.vector("t", 4)
A = sg.matrix("A", (2, 3))
ROOMS = (sg, sg.linalg, sg.special, sg.fft)


def function(name):
    """The function of a name, wherever it is."""
    return next(getattr(room, name) for room in ROOMS if name in room.__all__)


MOVED = {
    "swapaxes": (A, 0, 5),
    "moveaxis": (A, 0, 5),
    "expand_dims": (A, 7),
    "repeat": (A, 2, 5),
    "take_along_axis": (A, A, 5),
}


def _needed(f):
    given = inspect.signature(f).parameters.values()
    return sum(p.default is p.empty for p in given)


def _along(f, name):
    return f(s, axes=5) if name.endswith("shift") else f(s, axis=5)


def _apart(name):
    return (A, t) if name in ("matvec", "dot") else (t, A) if name == "vecmat" else (s, t)


def _joined(f, name):
    if name == "append":
        return f(A, sg.matrix("B", (3, 4)), 0)
    return f([A, sg.matrix("B", (5, 7))])


WRONG = [
    (sections.ENTRYWISE, lambda f, n: f(*["text"] * _needed(f)), sg.DTypeError),
    (sections.ORDERED, lambda f, n: f("k", x), sg.ArgumentError),
    (sections.REDUCING, lambda f, n: f(s, axis=5), sg.ShapeError),
    (sections.ALONG, lambda f, n: f(s, 1, axis=5) if n == "roll" else _along(f, n), sg.ShapeError),
    (sections.PRODUCTS, lambda f, n: f(*_apart(n)), sg.ShapeError),
    (sections.OUTER, lambda f, n: f("text", s), sg.DTypeError),
    (sections.SQUARE, lambda f, n: f(A), sg.ShapeError),
    (sections.MATRICES, lambda f, n: f(s), sg.ShapeError),
    (sections.JOINING, _joined, sg.ShapeError),
    (sections.MOVING, lambda f, n: f(*MOVED[n]), sg.ShapeError),
]


@pytest.mark.parametrize(
    ("name", "call", "error"),
    [(n, call, error) for kind, call, error in WRONG for n in kind.names.split() if n != "unstack"],
)
def test_what_is_said_to_raise_raises(name, call, error):
    f = function(name)
    with pytest.raises(error):
        call(f, name)
    assert error.__name__ in f.__doc__


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: room.__name__)
def test_functions_of_entries_tell_shapes_errors_and_an_example(room):
    for name in room.__all__:
        f = getattr(room, name)
        if isinstance(f, Elementwise):
            for part in ("Returns", "Raises", ">>> "):
                assert part in f.__doc__, (name, part)


def test_sections_stand_before_examples_and_are_not_said_twice():
    text = sections.with_sections("mean", "Mean.\n\nExamples\n--------\n>>> 1\n1")
    assert text.index("Returns") < text.index("Raises") < text.index("Examples")
    assert sections.with_sections("mean", text) == text
    assert sections.with_sections("unknown", "Text.") == "Text."
