"""The formulas in SymPy's own test files: both sides of what they assert to be equal, as they are run."""

from __future__ import annotations

import ast
import importlib
import inspect
import signal
import warnings
from collections.abc import Callable
from typing import Any

import sympy as sp

# Files of SymPy's tests, by package and name
ELEMENTARY = [f"sympy.functions.elementary.tests.test_{name}" for name in (
    "complexes exponential hyperbolic integers miscellaneous piecewise trigonometric".split()
)]  # fmt: skip
SPECIAL = [f"sympy.functions.special.tests.test_{name}" for name in (
    "bessel beta_functions bsplines delta_functions elliptic_integrals error_functions"
    " gamma_functions hyper singularity_functions spec_polynomials spherical_harmonics"
    " tensor_functions zeta_functions".split()
)]  # fmt: skip
OTHERS = [
    "sympy.functions.combinatorial.tests.test_comb_factorials",
    "sympy.functions.combinatorial.tests.test_comb_numbers",
    *[
        f"sympy.physics.tests.test_{name}"
        for name in "clebsch_gordan hydrogen pring qho_1d sho".split()
    ],
    "sympy.physics.optics.tests.test_gaussopt",
    "sympy.physics.optics.tests.test_utils",
    "sympy.physics.continuum_mechanics.tests.test_beam",
]
FILES = [*ELEMENTARY, *SPECIAL, *OTHERS]
SECONDS = 3  # for one test function


class _Recorded(ast.NodeTransformer):
    """Asserted equations with both sides handed to ``_record`` first."""

    def visit_Assert(self, node: ast.Assert) -> ast.Assert:
        test = node.test
        if isinstance(test, ast.Compare) and all(isinstance(o, ast.Eq) for o in test.ops):
            test.left = _recorded(test.left)
            test.comparators = [_recorded(part) for part in test.comparators]
        return node


def _recorded(node: ast.expr) -> ast.expr:
    return ast.Call(ast.Name("_record", ast.Load()), [node], [])


class _Late(Exception):
    """A test of SymPy's took too long."""


def formulas(name: str) -> list[sp.Expr]:
    """The formulas of one test file, without repetition, in the order in which they come up."""
    found: dict[sp.Expr, None] = {}
    module = importlib.import_module(name)
    tree = _Recorded().visit(ast.parse(inspect.getsource(module)))
    space = dict(vars(module))
    space["_record"] = lambda e: _kept(e, found)
    functions = [
        n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name.startswith("test")
    ]
    for function in functions:
        function.decorator_list = []
        code = compile(ast.fix_missing_locations(ast.Module([function], [])), name, "exec")
        exec(code, space)
        _run(space[function.name])
    return list(found)


def _kept(e: Any, found: dict[sp.Expr, None]) -> Any:
    if isinstance(e, sp.Expr):
        found.setdefault(e)
    return e


def _run(test: Callable[[], Any]) -> None:
    def late(*_: Any) -> None:
        raise _Late

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(SECONDS)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            test()
    except Exception:
        pass
    except BaseException as error:  # pytest's skip
        if type(error).__name__ not in ("Skipped", "XFailed", "Failed"):
            raise
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


BOUND = (sp.Piecewise, sp.Sum, sp.Product, sp.Integral, sp.Derivative, sp.Subs)
WHOLE = set("n m k l j n1 n2 N".split())  # names of symbols that are given whole numbers


def point_of(e: sp.Expr) -> dict[sp.Symbol, Any] | None:
    """A point at which `e` and all that it is made of are real numbers; None where none is found."""
    if not e.free_symbols or not e.is_commutative or e.has(sp.DiracDelta):
        return None
    if any(f.args[2].is_negative for f in e.atoms(sp.SingularityFunction)):  # no functions either
        return None
    if e.has(sp.Dummy, sp.Wild, sp.I, sp.oo, sp.zoo, sp.nan, sp.MatrixSymbol, sp.Order):
        return None
    if not all(type(s) is sp.Symbol for s in e.free_symbols):
        return None
    for attempt in range(3):
        symbols = sorted(e.free_symbols, key=str)
        point = {s: _number(s, attempt, k) for k, s in enumerate(symbols)}
        if None not in point.values() and all(_is_real(value(part, point)) for part in _parts(e)):
            return point
    return None


def _parts(e: sp.Expr) -> list[sp.Expr]:
    """The formula and what it is made of, branches of choices apart."""
    found, waiting = [], [e]
    while waiting:
        part = waiting.pop()
        if isinstance(part, sp.Expr) and part.args:
            found.append(part)
            if not isinstance(
                part, (sp.Piecewise, sp.Sum, sp.Product, sp.Integral, sp.Derivative, sp.Subs)
            ):
                waiting += part.args
    return found


def _number(s: sp.Symbol, attempt: int, k: int) -> Any:
    if s.is_real is False or s.is_imaginary or s.is_complex is False:
        return None
    wanted = sp.Rational(37 + 53 * k + 29 * attempt, 89).limit_denominator(128)
    if s.is_integer or s.name in WHOLE:
        wanted = sp.Integer(1 + (k + attempt) % 4) * (2 if s.is_even else 1)
    return -wanted if s.is_negative or s.is_nonpositive else wanted


def value(e: sp.Expr, point: dict[sp.Symbol, Any]) -> Any:
    """The value to 30 digits, or None."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return sp.N(e.subs(point), 30)
    except Exception:
        return None


def _is_real(v: Any) -> bool:
    return isinstance(v, (sp.Float, sp.Integer, sp.Rational)) and bool(abs(v) < sp.Float("1e100"))
