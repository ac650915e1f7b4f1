"""Every public name has an example that runs; those of functions and classes run with the doctests."""

import doctest
import inspect
import types

import pytest

import symgrad as sg
from symgrad.ops.elementwise import Elementwise
from symgrad.ops.examples import EXAMPLES

SPACES = (sg, sg.linalg, sg.special, sg.fft, sg.optim)
NAMES = {
    f"{space.__name__}.{name}": getattr(space, name)
    for space in SPACES
    for name in dir(space)
    if not name.startswith("_") and callable(getattr(space, name))
}


def is_error(o):
    return isinstance(o, type) and issubclass(o, (BaseException, sg.errors.SymgradError))


def test_every_name_has_an_example():
    without = [
        name
        for name, o in NAMES.items()
        if not isinstance(o, types.ModuleType) and not is_error(o)
        if ">>>" not in (inspect.getdoc(o) or "")
    ]
    assert len(NAMES) > 300 and without == []


OPS = {name: o for name, o in NAMES.items() if isinstance(o, Elementwise)}


@pytest.mark.parametrize("name", OPS)
def test_examples_of_elementwise_functions(name):
    found = doctest.DocTestParser().get_doctest(OPS[name].__doc__, {}, name, None, 0)
    said = []
    results = doctest.DocTestRunner(verbose=False).run(found, out=said.append)
    assert results.attempted > 1 and results.failed == 0, "".join(said)


def test_the_table_has_no_example_of_nothing():
    assert set(EXAMPLES) <= {name.rpartition(".")[2] for name in NAMES}
