"""Every public function answers a call that does not fit with an ArgumentError."""

from __future__ import annotations

import inspect
import pickle
from typing import Any

import pytest

import symgrad as sg
from symgrad.calls import checked
from symgrad.expr.op import Op

x = sg.symbol("x")
v = sg.vector("v", 3)


def _functions() -> dict[str, Any]:
    """The public functions by name, of the package and of its rooms."""
    rooms = {"": sg, "linalg.": sg.linalg, "special.": sg.special}
    return {
        room + name: getattr(module, name)
        for room, module in rooms.items()
        for name in module.__all__
        if inspect.isfunction(getattr(module, name)) or isinstance(getattr(module, name), Op)
    }


FUNCTIONS = _functions()
WITHOUT_PARAMETERS = {"no_grad", "test_mode"}
OF_A_NAME = {"function", "matrix", "symbol", "symbols", "vector"}  # other keywords are assumptions
HANDS_KEYWORDS_ON = {"piecewise"}  # to the functions of its pieces


@pytest.mark.parametrize("name", sorted(FUNCTIONS.keys() - WITHOUT_PARAMETERS - HANDS_KEYWORDS_ON))
def test_an_unknown_keyword_is_named(name: str) -> None:
    with pytest.raises(sg.ArgumentError, match=r"no_such_argument"):
        FUNCTIONS[name]("q" if name in OF_A_NAME else x, no_such_argument=2)


@pytest.mark.parametrize("name", sorted(FUNCTIONS.keys() - WITHOUT_PARAMETERS))
def test_a_call_with_too_many_arguments_is_an_argument_error(name: str) -> None:
    function = FUNCTIONS[name]
    kinds = {p.kind for p in inspect.signature(function).parameters.values()}
    if inspect.Parameter.VAR_POSITIONAL in kinds:
        pytest.skip("it takes any number of operands")
    with pytest.raises(sg.ArgumentError):
        function(*[x] * 40)


def test_the_methods_check_their_arguments_too() -> None:
    f = sg.lambdify([x], x**2)
    solver = sg.newton_root(x**2 - 2, x)
    for call in (
        f.save,
        f.explain,
        solver.path,
        solver.save,
        v.sum,
        v.reshape,
        v.transpose,
        x.evalf,
        x.diff,
        sg.variable(1.0).backward,
        sg.variable,
    ):
        with pytest.raises(sg.ArgumentError, match="no_such_argument"):
            call(no_such_argument=2)


# what users do not call, or only with a node of a graph
OUTSIDE = {
    *("known", "parts", "again", "named_parameters", "shown", "map_dims", "type_of", "pointer"),
    *("applied", "at", "derivative", "sympy", "undefined"),
}
CLASSES = [c for c in map(vars(sg).get, sg.__all__) if inspect.isclass(c) and c is not sg.Variable]


@pytest.mark.parametrize("kind", CLASSES, ids=lambda c: c.__name__)
def test_methods_of_public_classes_name_an_unknown_keyword(kind: type) -> None:
    for name, method in inspect.getmembers(kind, inspect.isfunction):
        if name.startswith("_") or name in OUTSIDE or not method.__module__.startswith("symgrad"):
            continue
        parameters = inspect.signature(method).parameters.values()
        if inspect.getdoc(method) and not any(p.kind is p.VAR_KEYWORD for p in parameters):
            with pytest.raises(sg.ArgumentError, match="no_such_argument"):
                method(object(), no_such_argument=2)


def test_the_message_names_what_was_probably_meant() -> None:
    with pytest.raises(sg.ArgumentError) as caught:
        sg.sum(v, axes=0)
    assert str(caught.value) == (
        "sum has no argument 'axes'; did you mean axis?"
        " sum takes (a, axis, dtype, out, keepdims, initial, where)"
    )


def test_a_missing_and_a_doubled_argument_are_argument_errors() -> None:
    with pytest.raises(sg.ArgumentError, match="wrt"):
        sg.grad(x**2)
    with pytest.raises(sg.ArgumentError, match="multiple values"):
        sg.sum(v, 0, axis=0)
    with pytest.raises(sg.ArgumentError, match="sin takes 1 operand"):
        sg.sin()


def test_an_error_inside_the_function_stays_what_it_is() -> None:
    def outer(a: Any) -> Any:
        return len(a)

    with pytest.raises(TypeError, match="has no len") as caught:
        checked(outer)(3)
    assert not isinstance(caught.value, sg.ArgumentError)


def test_a_checked_function_keeps_its_signature_and_can_be_pickled() -> None:
    assert next(iter(inspect.signature(sg.latex).parameters)) == "e"
    assert pickle.loads(pickle.dumps(sg.parse)) is sg.parse
