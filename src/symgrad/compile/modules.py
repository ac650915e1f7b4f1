"""The options of SymPy's `lambdify`: ``modules=`` and functions that carry their implementation.

Code is always NumPy's, and SciPy's for special functions; a module by name says nothing more. A dict of
functions takes effect: what it holds is called in place of functions of these names.
"""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Real
from types import ModuleType
from typing import Any, Final

from symgrad.errors import ArgumentError
from symgrad.expr.leaves import NAMED_NUMBER, SYMBOL, number
from symgrad.expr.node import Expr
from symgrad.expr.rewriting import replace, transform
from symgrad.expr.traverse import toposort
from symgrad.functions.define import defined
from symgrad.ops.applied import APPLIED, UndefinedFunction

KNOWN: Final = ("numpy", "scipy", "math")
_MATRICES: Final = (
    "ImmutableDenseMatrix MutableDenseMatrix ImmutableSparseMatrix MutableSparseMatrix ImmutableMatrix"
).split()
_CALLED: Final = {  # what SymPy calls an operation of another name here
    "arcsin": "asin",
    "arccos": "acos",
    "arctan": "atan",
    "arctan2": "atan2",
    "arcsinh": "asinh",
    "arccosh": "acosh",
    "arctanh": "atanh",
    "absolute": "Abs",
    "ceil": "ceiling",
    "gammaln": "loggamma",
    "maximum": "Max",
    "minimum": "Min",
}


def namespace_of(modules: Any) -> dict[str, Any]:
    """The functions and values that ``modules=`` brings, by name; the first that has a name wins.

    Raises
    ------
    ArgumentError
        For a module that code here is not written for, or what is no module.
    """
    if modules is None:
        return {}
    listed = [*modules] if isinstance(modules, (list, tuple)) else [modules]
    found: dict[str, Any] = {}
    for entry in reversed(listed):
        if isinstance(entry, Mapping):
            _refuse_matrices(entry)
            found |= {_name_of(key): value for key, value in entry.items()}
            continue
        name = entry.__name__ if isinstance(entry, ModuleType) else entry
        if not isinstance(name, str):
            raise ArgumentError(
                f"modules= takes 'numpy', 'scipy', 'math', a dict of functions by name, or a list of"
                f" these, not {entry!r}"
            )
        if name.partition(".")[0] not in KNOWN:
            raise ArgumentError(
                f"modules={name!r}: code is written for NumPy and SciPy on floats here; leave modules= out,"
                " or give the functions in a dict"
            )
    return found


def _refuse_matrices(entry: Mapping[Any, Any]) -> None:
    for key in entry:
        if str(key) in _MATRICES:
            raise ArgumentError(
                f"modules= cannot say what a {key} becomes: matrices are NumPy arrays here, and with"
                " lambdify(..., sparse='csr') SciPy's sparse arrays; convert the result"
            )


def _name_of(key: Any) -> str:
    if isinstance(key, str):
        return key
    name = getattr(key, "__name__", None) or getattr(key, "name", None)
    if not isinstance(name, str):
        raise ArgumentError(f"modules= maps names to functions; {key!r} is no name")
    return name


def under_namespace(
    roots: list[Expr], arguments: list[Expr], space: Mapping[str, Any]
) -> list[Expr]:
    """The roots with functions and free symbols of the names in `space` replaced by what it has.

    Raises
    ------
    ArgumentError
        If a name of a function has no callable.
    """
    held = set(arguments)
    values = {
        node: number(float(space[_leaf_name(node)]))
        for node in toposort(roots)
        if (node.op is SYMBOL or node.op is NAMED_NUMBER)
        and node not in held
        and not node.shape
        and isinstance(space.get(_leaf_name(node)), Real)
    }
    roots = replace(roots, values, {}) if values else roots
    used: dict[Any, Any] = {}

    def exchanged(node: Expr) -> Expr:
        if node.op is APPLIED:
            name = node.params.function.name
            if name in space:
                used[node.params.function] = space[name]
            return node
        name = _CALLED.get(node.op.name, node.op.name)
        given = name if name in space else node.op.name
        if given not in space or not node.args or not node.op.elementwise or node.params:
            return node
        function = UndefinedFunction(given)
        used[function] = space[given]
        return function(*node.args)

    found = transform(roots, exchanged).of(roots)
    return defined(found, used) if used else roots


def _leaf_name(node: Expr) -> str:
    return str(node.params.name)


def implementations(outputs: Any) -> dict[str, Any]:
    """The functions of SymPy's `implemented_function` in a nest of SymPy expressions, by name.

    Raises
    ------
    ArgumentError
        If two of them have one name.
    """
    found: dict[str, Any] = {}
    stack = [outputs]
    while stack:
        e = stack.pop()
        if isinstance(e, Mapping):
            stack += e.values()
        elif isinstance(e, (list, tuple, set, frozenset)):
            stack += e
        elif hasattr(e, "atoms") and not isinstance(e, type):
            for applied in e.atoms(*_applied_kinds(e)):
                given = getattr(applied, "_imp_", None)
                if callable(given) and not hasattr(type(applied), "symgrad_function"):
                    name = type(applied).__name__
                    if found.setdefault(name, given) is not given:
                        raise ArgumentError(
                            f"two functions {name} have different implementations; give one of them"
                            " another name"
                        )
    return found


def _applied_kinds(e: Any) -> tuple[Any, ...]:
    # whoever holds a SymPy object has SymPy loaded already
    from sympy.core.function import AppliedUndef  # noqa: PLC0415

    return (AppliedUndef,)


def check_options(printer: Any, cse: Any, dummify: Any, docstring_limit: Any) -> None:
    """Options of SymPy's that change nothing here, and the one that would.

    What formulas share is computed once with or without ``cse=``; names that are no identifiers get one
    with or without ``dummify=``.

    Raises
    ------
    ArgumentError
        For a printer, or values that SymPy refuses.
    """
    if printer is not None:
        raise ArgumentError(
            "printer= of SymPy's lambdify has no place here, where code is not printed from SymPy"
            " expressions; give functions of your own with modules={'name': function}"
        )
    if not (isinstance(cse, bool) or callable(cse)):
        raise ArgumentError(f"cse= is True, False or a function, not {cse!r}")
    if dummify is not None and not isinstance(dummify, bool):
        raise ArgumentError(f"dummify= is True or False, not {dummify!r}")
    if docstring_limit is not None and not isinstance(docstring_limit, int):
        raise ArgumentError(f"docstring_limit= is an int or None, not {docstring_limit!r}")
