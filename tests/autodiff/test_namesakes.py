"""A symbol that a function does not have, of the name of one that it has, is no variable of it."""

import pytest

import symgrad as sg

w = sg.vector("w", "n")
p = sg.symbol("p", positive=True)
scalar, plain, other = sg.symbol("w"), sg.symbol("p"), sg.symbol("other")
CALLS = {
    "grad": lambda: sg.grad(w @ w, scalar),
    "grad by a list": lambda: sg.grad(w @ w, [w, plain, scalar]),
    "diff": lambda: sg.diff(sg.log(p), plain),
    "diff by several": lambda: sg.diff(p**2 * other, other, plain),
    "hessian": lambda: sg.hessian(p**2, [plain]),
    "jacobian": lambda: sg.jacobian(p * w, plain),
    "jacobian of several": lambda: sg.jacobian([p, p * w], [plain]),
    "jvp": lambda: sg.jvp(p * w, plain, 1),
    "vjp": lambda: sg.vjp(p * w, plain, w),
    "hvp": lambda: sg.hvp(p**3, plain, 1),
}


@pytest.mark.parametrize("call", CALLS)
def test_another_symbol_of_the_name_is_an_error(call):
    with pytest.raises(
        sg.ArgumentError, match=r"has another symbol '[wp]' .*Differentiate by that"
    ):
        CALLS[call]()


def test_what_differs_is_told():
    with pytest.raises(sg.ArgumentError, match=r"shape \(\), dtype float64\).*float64, positive\)"):
        sg.diff(p**2, plain)
    with pytest.raises(sg.ArgumentError, match=r"shape \(n,\), dtype float64\)"):
        sg.grad(w @ w, scalar)


def test_zero_where_no_symbol_has_the_name():
    assert str(sg.grad(w @ w, other)) == "0"
    assert str(sg.diff(p**2, other)) == "0"


def test_the_right_symbol_beside_its_namesake():
    assert str(sg.diff(p * plain, plain)) == "p"
    assert str(sg.diff(p * sg.symbol("p", unique=1), p)) == "p"


def test_a_tag_of_its_own_tells_symbols_apart():
    assert str(sg.diff(p**2, sg.symbol("p", unique=2))) == "0"
