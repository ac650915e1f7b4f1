"""Names that do not exist say what was probably meant; editors see the public names alone."""

import inspect

import pytest

import symgrad as sg
from symgrad.suggestions import ELSEWHERE


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("gradient", "grad"),
        ("jacobain", "jacobian"),
        ("Lambdify", "lambdify"),
        ("det", "linalg.det"),
        ("erf", "special.erf"),
        ("asinh", "arcsinh"),
        ("value_and_grad", r"lambdify\(x, \[f, grad\(f, x\)\]\)"),
    ],
)
def test_a_name_that_is_close_is_suggested(name, meant):
    with pytest.raises(AttributeError, match=rf"'symgrad' .* {name!r}; did you mean {meant}\?"):
        getattr(sg, name)


@pytest.mark.parametrize("name", ["foo", "__wrapped__", "quaternion"])
def test_other_names_get_no_suggestion(name):
    with pytest.raises(AttributeError, match=rf"has no attribute {name!r}$"):
        getattr(sg, name)


@pytest.mark.parametrize(
    ("owner", "name", "meant"),
    [
        (sg.special, "gama", "gamma"),
        (sg.linalg, "determinant", "det"),
        (sg.fft, "rft", "rfft"),
        (sg.optim, "adam", "Adam"),
    ],
)
def test_rooms_suggest_names_too(owner, name, meant):
    with pytest.raises(AttributeError, match=rf"{name!r}; did you mean {meant}\?"):
        getattr(owner, name)


def test_python_suggests_attributes_of_expressions():
    """In a traceback, from the name and the object on the error: nothing is looked for before."""
    x = sg.symbol("x")
    with pytest.raises(AttributeError) as raised:
        x.shap  # noqa: B018
    assert (raised.value.name, raised.value.obj is x) == ("shap", True)
    assert "shape" in dir(x) and "digest" not in dir(x)


def test_what_is_suggested_exists():
    """And nobody is told to look elsewhere for a name that is here."""
    for name, meant in ELSEWHERE.items():
        assert not hasattr(sg, name) or name in {"compile", "solve"}, name
        if hasattr(sg.linalg, meant):
            continue
        assert meant == "taylor" or hasattr(sg, meant.split("(")[0].split()[0]), meant


def test_the_names_that_editors_see():
    assert set(dir(sg)) == {*sg.__all__, "__version__"}
    assert all(hasattr(sg, name) for name in sg.__all__)
    for room in (sg.special, sg.stats, sg.linalg, sg.fft, sg.optim):
        assert set(dir(room)) == set(room.__all__)


def test_signatures_of_functions_of_entries():
    assert str(inspect.signature(sg.sin)) == "(x, /)"
    assert str(inspect.signature(sg.arctan2)) == "(x, y, /)"
    assert str(inspect.signature(sg.special.betainc)) == "(x, y, z, /)"
