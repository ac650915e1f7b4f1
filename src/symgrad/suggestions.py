"""What a name that does not exist may have meant."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, Final

CUTOFF: Final = 0.8  # of `difflib`: names less alike than this are not suggested

# Names in SymPy, JAX, autograd, PyTorch, CasADi and SciPy, and what the same is here
ELSEWHERE: Final[dict[str, str]] = {
    "Abs": "abs",
    "Derivative": "diff",
    "Function": "function",
    "Heaviside": "heaviside",
    "Identity": "eye",
    "ImmutableMatrix": "constant",
    "Matrix": "constant",
    "MatrixSymbol": "matrix",
    "Max": "maximum",
    "Min": "minimum",
    "Piecewise": "select",
    "Rational": "constant(Fraction(p, q))",
    "Sum": "sum",
    "Symbol": "symbol",
    "Vector": "vector",
    "acos": "arccos",
    "acosh": "arccosh",
    "array": "constant",
    "asarray": "constant",
    "asin": "arcsin",
    "asinh": "arcsinh",
    "atan": "arctan",
    "atan2": "arctan2",
    "atanh": "arctanh",
    "autograd": "grad",
    "compile": "lambdify",
    "concat": "concatenate",
    "curve_fit": "least_squares",
    "d": "diff",
    "derivative": "diff",
    "determinant": "det",
    "derive": "diff",
    "detach": "stop_gradient",
    "differentiate": "diff",
    "elementwise_grad": "diff",
    "fsolve": "newton_root",
    "gradient": "grad",
    "gradients": "grad",
    "hess": "hessian",
    "inverse": "inv",
    "identity": "eye",
    "jac": "jacobian",
    "jacfwd": "jacobian",
    "jacrev": "jacobian",
    "jit": "lambdify",
    "ln": "log",
    "minimise": "newton_minimize",
    "minimize": "newton_minimize",
    "nsolve": "newton_root",
    "nlsq": "least_squares",
    "power_series": "taylor",
    "pprint": "latex",
    "print_latex": "latex",
    "root": "newton_root",
    "rootfinder": "newton_root",
    "root_scalar": "newton_root",
    "series": "taylor",
    "solve": "solve_linear or newton_root",
    "subs": "substitute",
    "sympify": "from_sympy or parse",
    "tensor": "variable",
    "value_and_grad": "lambdify(x, [f, grad(f, x)])",
    "xreplace": "substitute",
}


def no_attribute(module: str, name: str, names: Iterable[str], rooms: Mapping[str, object]) -> str:
    """The message for a name that a module does not have, with what was probably meant.

    `names` are those of the module, `rooms` its submodules by name, in which the name is looked for too.
    """
    message = f"module {module!r} has no attribute {name!r}"
    meant = _meant(name, list(names), rooms)
    return f"{message}; did you mean {meant}?" if meant else message


def room(module: str, names: Sequence[str]) -> tuple[Any, Any]:
    """``__getattr__`` and ``__dir__`` of a module whose names are `names` alone."""

    def missing(name: str) -> Any:
        raise AttributeError(no_attribute(module, name, names, {}), name=name)

    def listed() -> list[str]:
        return sorted(names)

    return missing, listed


def _meant(name: str, names: list[str], rooms: Mapping[str, object]) -> str:
    known = ELSEWHERE.get(name)
    if known is not None and known.split("(")[0].split()[0] in names:
        return known
    for room, content in rooms.items():
        if name in getattr(content, "__all__", ()):
            return f"{room}.{name}"
    close = get_close_matches(name, names, n=1, cutoff=CUTOFF)
    lower = [n for n in names if n.lower() == name.lower()]
    return (lower or close or [""])[0]
