"""What the page is told of a formula: every part, every kind of error, and its place."""

from __future__ import annotations

import json

import pytest

from symgrad.web.answers import PARTS, answer

ALL = ",".join(PARTS)


def test_every_part_of_a_function_of_one_variable():
    found = answer({"formula": "x**2 - 2", "parts": ALL, "start": "1"})
    assert json.loads(json.dumps(found)) == found
    assert set(found) == set(PARTS)
    assert found["formula"]["latex"] == "x^{2} - 2"
    assert found["gradient"][0]["text"] == "2*x"
    assert found["hessian"][0]["text"] == "2"
    assert found["gradient"][0]["mathml"].startswith("<math")
    assert found["check"]["verdict"] == "agree"
    assert found["newton"]["converged"]
    assert float(found["newton"]["rows"][-1][1]) == pytest.approx(2**0.5, rel=1e-15)
    assert found["graph"]["svg"].startswith("<svg")
    assert "def f(x)" in found["code"]["text"]
    assert 'class="k"' in found["code"]["html"]
    curve = dict(zip(found["plot"]["x"], found["plot"]["curves"][1]["y"], strict=True))
    assert curve[5.0] == pytest.approx(10)


def test_arrays_have_what_makes_sense_for_them():
    asked = {"formula": "x @ A @ x", "declare": "A: (n, n) symmetric, x: n", "parts": ALL}
    found = answer({**asked, "variables": "x"})
    assert [one["text"] for one in found["gradient"]] == ["2*A @ x"]
    assert [one["text"] for one in found["hessian"]] == ["2*A"]
    assert not {"plot", "newton"} & set(found)
    index = answer({**asked, "variables": "x", "notation": "index", "parts": "gradient"})
    assert index["gradient"][0]["latex"] != found["gradient"][0]["latex"]
    jacobian = answer({**asked, "formula": "A @ x", "variables": "x"})
    assert [one["text"] for one in jacobian["gradient"]] == ["A"]
    assert "hessian" not in jacobian


@pytest.mark.parametrize(
    ("asked", "field", "offset"),
    [
        ({"formula": "x + sinn(y)"}, "formula", 4),
        ({"formula": ""}, "formula", 0),
        ({"formula": "x", "declare": "x 3"}, "declare", 0),
        ({"formula": "x", "declare": "x: 3 curved"}, "declare", None),
        ({"formula": "x", "variables": "2"}, "variables", 0),
        ({"formula": "A @ x", "declare": "A: (2, 3), x: 2"}, "formula", 2),
    ],
)
def test_an_error_names_its_field_and_its_place(asked, field, offset):
    error = answer(asked)["error"]
    assert error["field"] == field
    assert error.get("offset") == offset
    assert error["message"]


def test_a_part_that_fails_leaves_the_others():
    found = answer({"formula": "floor(x)", "parts": "formula,plot,newton", "low": "2", "high": "1"})
    assert found["formula"]["text"] == "floor(x)"
    assert "left end" in found["plot"]["note"]
    found = answer({"formula": "x", "parts": "newton,plot", "start": "y", "low": "oops("})
    assert "expected a number" in found["newton"]["note"]
    assert found["plot"]["note"]
    assert answer({"formula": "x", "parts": "soup"})["error"]["message"].startswith("no part")
    many = "+".join(f"x{k}" for k in range(9))
    assert "fewer variables" in answer({"formula": many, "parts": "hessian"})["hessian"]["note"]
    constant = answer({"formula": "2", "parts": ALL})
    assert constant["gradient"] == []
    assert "check" not in constant
