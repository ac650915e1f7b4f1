"""Formulas from text: what they mean, what is refused, and where the caret points."""

import math
import sys

import numpy as np
import pytest
from tests.ops import test_entrywise

from symgrad.autodiff import diff
from symgrad.compile import evaluate
from symgrad.errors import ArgumentError, ParseError
from symgrad.expr.leaves import EULER, PI, is_value, number, symbol, value_of
from symgrad.expr.traverse import free_symbols
from symgrad.ops import linalg, norms, products, reducing, special, ufuncs
from symgrad.ops.elementwise import Elementwise
from symgrad.ops.matrix_powers import matrix_power
from symgrad.ops.select import where
from symgrad.ops.special import ORDERED_OPS
from symgrad.ops.table import OPS
from symgrad.parse import parse
from symgrad.parse.functions import ARRAY_FUNCTIONS, SCALAR_FUNCTIONS, SYMBOLS_TOO

x, y, z = (symbol(name) for name in "xyz")
A = symbol("A", ("m", "n"))
v = symbol("v", ("n",))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x**4 - 2*x**2", x**4 - 2 * x**2),
        ("-x**2", -(x**2)),
        ("(-x)**2", x**2),
        ("2**-x", 2**-x),
        ("x**y**z", x ** (y**z)),
        ("x - y - z", (x - y) - z),
        ("x/y*z", (x / y) * z),
        ("+x", x),
        ("x//y + x % y", x // y + x % y),
        ("x < y", x < y),
        ("x < y <= z", ufuncs.logical_and(x < y, y <= z)),
        ("x == y or x != z", ufuncs.logical_or(ufuncs.equal(x, y), ufuncs.not_equal(x, z))),
        ("not x > 0 and y > 0", ufuncs.logical_and(ufuncs.logical_not(x > 0), y > 0)),
        ("x if x > 0 else -x", where(x > 0, x, -x)),
        ("where(x > 0, x, -x)", where(x > 0, x, -x)),
        ("pi*x + E", PI * x + EULER),
        ("π*x", PI * x),
        ("sqrt(x)", ufuncs.sqrt(x)),
        ("ln(x) + log(x)", 2 * ufuncs.log(x)),
        ("log(x, 2)", ufuncs.log(x) / ufuncs.log(2)),
        ("atan2(y, x)", ufuncs.arctan2(y, x)),
        ("Abs(x) + abs(x)", 2 * ufuncs.absolute(x)),
        ("Max(x, y, z)", ufuncs.maximum(ufuncs.maximum(x, y), z)),
        ("min(x, y)", ufuncs.minimum(x, y)),
        ("clip(x, 0, 1)", ufuncs.minimum(ufuncs.maximum(x, 0), 1)),
        ("Heaviside(x)", ufuncs.heaviside(x, number(1) / 2)),
        ("sec(x)", 1 / ufuncs.cos(x)),
        (" \t( x +\n y )\r\n", x + y),
        ("gamma*beta", symbol("gamma") * symbol("beta")),
        ("α + Δt_1", symbol("α") + symbol("Δt_1")),
    ],
)
def test_a_text_means_what_python_means(text, expected):
    assert parse(text) is expected


@pytest.mark.parametrize(
    ("short", "full"),
    [
        ("asin", "arcsin"),
        ("acos", "arccos"),
        ("atan", "arctan"),
        ("asinh", "arcsinh"),
        ("acosh", "arccosh"),
        ("atanh", "arctanh"),
    ],
)
def test_names_of_sympy_and_math_are_aliases(short, full):
    assert parse(f"{short}(x)") is parse(f"{full}(x)") is getattr(ufuncs, full)(x)


@pytest.mark.parametrize("name", sorted(SCALAR_FUNCTIONS))
def test_every_function_builds_and_counts_its_operands(name):
    function = SCALAR_FUNCTIONS[name]
    ordered = name in SYMBOLS_TOO and function.least == 2 and name != "beta"
    operands = ["2", "x"] if ordered else ["x", "2", "3", "1"][: function.least]
    if name.startswith("hyp") and name != "hypot":
        operands = [*["2"] * (function.least - 1), "x"]
    assert parse(f"{name}({', '.join(operands)})").shape == ()
    with pytest.raises(ParseError, match=f"{name} takes"):
        parse(f"{name}()")
    if function.most is not None:
        too_many = ", ".join(["x"] * (function.most + 1))
        with pytest.raises(ParseError, match=f"{name} takes .* got {function.most + 1}"):
            parse(f"{name}({too_many})")


n = symbol("n", dtype=int)
AT = {x: 0.7, y: 0.3, z: 1.2, n: 2}
ENTRYWISE = [op for op in OPS.values() if isinstance(op, Elementwise) or op in ORDERED_OPS]


# Functions without a derivative by their first operands, which may have to be whole
HELD = set(test_entrywise.REFUSED) - {"riemann_zeta", "ellipd"}
SHORT = ("frexp_exponent", "riemann_zeta", "ellippiinc")  # without derivatives, or with long ones


def called(op):
    """A call of a function of entries, of some order where it has any."""
    if op in ORDERED_OPS:
        pair = op.name in ("ive_derivative", "kve_derivative", "iv_ratio")
        count = {"hyp1f1": 2, "hyp2f1": 3}.get(op.name, 1)
        return op.build((x,), (0, 1) if pair else (1, 2, 3)[:count])
    if op.name.startswith("logical"):
        return op(*[x > 0, y > 0][: op.arity])
    if op.name in ("gammainc", "gammaincc"):  # not differentiable by their first operand
        return op(y, x)
    if op.name == "betainc":
        return op(z, y, x)
    if op.name in HELD:
        return op(*[n, y, z][: op.arity - 1], x)
    return op(*[x, n if op.name == "ldexp" else y, z][: op.arity])


@pytest.mark.parametrize("op", ENTRYWISE, ids=lambda op: op.name)
def test_what_is_printed_of_a_function_is_read(op):
    """And so are its first two derivatives."""
    e = called(op)
    for _ in range(3):
        read = parse(str(e), [n])
        assert read is e or evaluate(read, AT) == pytest.approx(
            evaluate(e, AT), rel=1e-14, nan_ok=True
        )
        if e.dtype != np.float64 or op.name in SHORT:
            break
        e = diff(e, x)


def test_names_of_bessel_functions_are_symbols_unless_they_are_called():
    assert parse("k1*k0(x) + jv") is symbol("k1") * special.k0(x) + symbol("jv")
    assert parse("jv(x, x)") is special.jv(x, x)
    with pytest.raises(ParseError, match="order of ive must be a number"):
        parse("ive(x, x)")
    with pytest.raises(ParseError, match="no quoted text"):
        parse("sin'(x)")


def test_numbers_are_exact_where_they_can_be():
    half = value_of(parse("1/2"))
    assert (half.numerator, half.denominator) == (1, 2)
    assert type(value_of(parse("3"))) is int
    assert type(value_of(parse("3.0"))) is float
    assert value_of(parse("1_000")) == 1000
    assert value_of(parse("1.5e-3")) == 1.5e-3
    assert value_of(parse(".5 + 1.")) == 1.5
    assert value_of(parse("10**300")) == 10**300
    assert value_of(parse("inf")) == math.inf
    assert math.isnan(value_of(parse("nan")))
    assert value_of(parse("1 < 2")) is True


def test_names_are_scalar_symbols_or_those_given():
    p = symbol("p", positive=True)
    assert parse("p*q", [p]) is p * symbol("q")
    assert parse("p*q", {"p": x, "q": 2}) is x * 2
    assert parse("p*p", p) is p * p
    assert parse("pi*E", {"E": y}) is PI * y
    assert parse("sin + 1", {"sin": y}) is y + 1
    assert parse("ﬁ", {"ﬁ": z}) is z, "a name is looked up as it was written"


def test_arrays_bring_their_functions():
    names = [A, v]
    assert parse("A @ v", names) is A @ v
    assert parse("A.T @ (A @ v)", names) is A.T @ (A @ v)
    assert parse("sum(A, axis=0)", names) is reducing.sum(A, axis=0)
    assert parse("sum(A, axis=(0, -1), keepdims=True)", names) is A.sum(axis=(0, 1), keepdims=True)
    assert parse("max(v)", names) is reducing.max(v)
    assert parse("max(v, 0)", names) is ufuncs.maximum(v, 0)
    assert parse("dot(v, v) + norm(v)", names) is products.dot(v, v) + norms.norm(v)
    assert parse("A[0, 1:-1] - v[None, ..., ::-2][0, 0]", names) is (
        A[0, 1:-1] - v[None, ..., ::-2][0, 0]
    )
    assert parse("logdet(A @ A.T)", names) is linalg.logdet(A @ A.T)
    power = matrix_power(A @ A.T, 3)
    assert parse(str(power), names) is power
    with pytest.raises(ParseError, match=r"int exponent, not 1\.5"):
        parse("matrix_power(A @ A.T, 1.5)", names)


@pytest.mark.parametrize("name", sorted(ARRAY_FUNCTIONS))
def test_functions_of_arrays_need_arrays(name):
    with pytest.raises(ParseError, match=r"function of arrays; give the arrays .* as `symbols`"):
        parse(f"{name}(x)")


REFUSED = [
    ("", 0, "empty"),
    ("   ", 0, "empty"),
    ("2x", 1, r"write 2\*x"),
    ("3 + 2 (x)", 6, r"write 2\*\(\.\.\.\)"),
    ("(x + 1)(x - 1)", 7, r"write \(\.\.\.\)\*\(\.\.\.\)"),
    ("x y", 2, r"write x\*y to multiply"),
    ("sin x", 4, r"sin\(x\) to call"),
    ("x(2)", 0, r"x is a symbol, no function; write x\*"),
    ("x^2", 1, r"a power is written \*\*"),
    ("x²", 1, r"write \*\*2"),
    ("2 \u00d7 x", 2, r"write \*"),
    ("a & b", 2, "`and`"),
    ("x = 2", 2, "written =="),
    ("x +", 3, "missing after '\\+'"),
    ("x * * y", 4, "missing after '\\*'"),
    ("* x", 0, "missing before '\\*'"),
    ("(x", 0, "never closed"),
    ("x + y)", 5, "closes nothing"),
    ("sin(x]", 5, "'\\]' where '\\)'"),
    ("x, y", 1, "one formula"),
    ("x if y", 0, "else"),
    ("x if else y", 5, "missing after 'if'"),
    ("1 + sinus(x)", 4, "unknown function 'sinus'; did you mean sin"),
    ("sqr(x)", 0, "did you mean .*sqrt"),
    ("qqq(x)", 0, r"write qqq\*"),
    ("sin + 1", 0, r"sin is a function and needs its operands: sin\(...\)"),
    ("cos(x) + sin(x, y)", 16, "sin takes 1 operand, got 2"),
    ("x + arctan2(x)", 4, "arctan2 takes 2 operands, got 1"),
    ("sin(x, axis=0)", 7, "no option 'axis'"),
    ("np.sin(x)", 0, "write sin without np"),
    ("x.real", 0, "no attributes"),
    ("x.__class__", 0, "no attributes"),
    ("().__class__", 1, "missing after"),
    ("__import__('os')", 11, "no quoted text"),
    ("__import__(os)", 0, "unknown function"),
    ("lambda x: x", 0, "reserved word"),
    ("[i for i in x]", 0, "list"),
    ("sin(i for i in x)", 6, "reserved word"),
    ("x is y", 2, "reserved word"),
    ("x not in y", 2, "`not` stands before"),
    ("x := 2", 2, "':'"),
    ("sin(*x)", 4, "missing after"),
    ("None", 0, "no number"),
    ("...", 0, "no number"),
    ("x[0]", 0, "only arrays have entries"),
    ("x.T", 0, "no attributes"),
    ("x @ y", 2, "matmul takes no scalars"),
    (r"\alpha", 0, "LaTeX"),
    ("{x}", 0, "group with"),
    ("1j*x", 1, "an operator is missing"),
    ("0x10", 1, "an operator is missing"),
    ("007", 0, "write 7"),
    ("1__0", 1, "invalid decimal literal"),
    ("1e999", 0, "beyond the range"),
    ("x + 10**400 * 1.5", 6, "beyond the range of floats"),
    ("10**300*10**300 + x", 7, "beyond the range of floats"),
    ("x + 9**9**9", 5, "beyond the range of floats"),
    ("x**9**9**9", 4, "beyond the range of floats"),
    ("(9**9)**9**9", 6, "beyond the range of floats"),
    ("power(9, 387420489)", 0, "beyond the range of floats"),
    ("β + 2γ", 5, r"write 2\*γ"),
    ("α*(β)*foo_bar(γ)", 6, "unknown function"),
    ("(α) @ β", 4, "matmul takes no scalars"),
    ("(x, y)", 0, "a list of formulas"),
    ("x\0", 1, "unexpected"),
    ("x # y", 2, "comment"),
]


@pytest.mark.parametrize(("text", "offset", "reason"), REFUSED, ids=[r[0] for r in REFUSED])
def test_a_refusal_names_the_place_and_the_remedy(text, offset, reason):
    with pytest.raises(ParseError, match=reason) as caught:
        parse(text)
    assert caught.value.offset == offset
    message = str(caught.value).split("\n")
    assert message[-2:] == [text, " " * offset + "^"]


@pytest.mark.parametrize(
    ("text", "offset", "reason"),
    [
        ("A @ v + B @ v", 10, "matmul takes no scalars"),
        ("v @ A", 2, "inner extents"),
        ("A + v[0:3]", 2, "broadcast"),
        ("sum(A, axis=2)", 0, "out of range"),
        ("sum(A, axis=x)", 12, "expected an integer"),
        ("sum(A, axes=0)", 7, "no option 'axes'; known: axis, keepdims"),
        ("A.H", 0, "the only attribute is .T"),
        ("A[x]", 2, "expected an integer"),
        ("A[0, 0, 0]", 0, "3 indices"),
        ("A[1:", 1, "never closed"),
        ("det(A)", 0, "square"),
    ],
)
def test_errors_of_arrays_point_into_the_text(text, offset, reason):
    with pytest.raises(ParseError, match=reason) as caught:
        parse(text, [A, v])
    assert caught.value.offset == offset


@pytest.mark.parametrize(
    "text",
    [
        "(" * 5000 + "x" + ")" * 5000,
        "sin(" * 5000 + "x" + ")" * 5000,
        "-" * 50_000 + "x",
        "not " * 20_000 + "x",
        "**".join(["2"] * 20_000),
        "+".join(["x"] * 20_000),
        "1 if x else " * 5000 + "2",
        "(" * 100_000,
        "[" * 5000,
        "x" * 100_001,
        "9" * 20_000,
        "x*1" + "0" * 309,
        "9**9**9",
        "*".join(["(10/11)**900"] * 100),
        "*".join(["9**1000"] * 1000),
        "*".join(["x", *["9**1000"] * 1000]),
    ],
    ids=lambda text: text[:12],
)
def test_a_hostile_text_is_refused_at_once(text):
    with pytest.raises(ParseError):
        parse(text)


@pytest.mark.parametrize(
    "text", ["(101/100)**2000", "2**-9**9", "x**9**9", "(1 + 1/12)**360", "0**-1", "2**(1/2)"]
)
def test_powers_that_are_floats_are_fine(text):
    assert not is_value(parse(text), 0)


@pytest.mark.parametrize(
    "text",
    [
        "(" * 90 + "x" + ")" * 90,
        "+".join(["x"] * 2000),
        "-" * 500 + "x",
        "max(" + ", ".join(["x", "y"] * 5000) + ")",
        " and ".join(["x < y"] * 5000),
    ],
    ids=lambda text: text[:12],
)
def test_a_long_text_is_fine(text):
    assert parse(text).shape == ()


@pytest.mark.parametrize("text", [None, 3, b"x", x, ["x"]])
def test_only_text_is_parsed(text):
    with pytest.raises(ArgumentError, match="the text of a formula"):
        parse(text)


@pytest.mark.parametrize("symbols", [["x"], [x + 1], [3]])
def test_symbols_are_symbols(symbols):
    with pytest.raises(ArgumentError, match="expected symbols"):
        parse("x", symbols)


def test_a_long_text_is_shown_around_the_place():
    with pytest.raises(ParseError) as caught:
        parse("x + " * 500 + "2y" + " + x" * 500)
    reason, shown, caret = str(caught.value).split("\n")
    assert reason.endswith("write 2*y")
    assert shown.startswith("... ")
    assert shown.endswith(" ...")
    assert len(shown) < 140
    assert shown[caret.index("^")] == "y"


def test_what_is_too_deep_does_not_depend_on_the_interpreter():
    limit = sys.getrecursionlimit()
    try:
        sys.setrecursionlimit(100_000)
        with pytest.raises(ParseError, match="too deeply nested"):
            parse("1 if x else " * 5000 + "2")
    finally:
        sys.setrecursionlimit(limit)


def test_digits_below_the_line_are_part_of_names():
    e = parse("α*x₁ + β₂*x₁₂**2")
    assert {s.name for s in free_symbols(e)} == {"α", "x₁", "β₂", "x₁₂"}
    assert parse("x₁ + 1", [symbol("x₁")]) is symbol("x₁") + 1
    for text in ("₁", "2*₁x", "x₁ y", "sin₁(x)"):
        with pytest.raises(ParseError):
            parse(text)
