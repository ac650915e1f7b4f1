"""`elementwise_function`: functions of one's own, each a record like those of the library."""

from __future__ import annotations

import ast
import builtins
import inspect
import keyword
import re
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, NoReturn
from weakref import WeakValueDictionary

import numpy as np

from symgrad.autodiff import diff
from symgrad.calls import checked
from symgrad.errors import ArgumentError, DerivativeError, SymgradError
from symgrad.expr.interval import Interval
from symgrad.expr.leaves import number, symbol
from symgrad.expr.node import Expr
from symgrad.expr.rewriting import replace
from symgrad.functions.callables import bind, code_of_callable
from symgrad.ops.applied import UndefinedFunction
from symgrad.ops.arithmetic import mul
from symgrad.ops.einsum import broadcast
from symgrad.ops.elementwise import Elementwise, as_expr, elementwise, over_arrays
from symgrad.parse.functions import ARRAY_FUNCTIONS, NUMBERS, SCALAR_FUNCTIONS

# Names that the code of a template may use
_KNOWN: Final = frozenset({"np", "scipy", "abs"})
_PLACE: Final = re.compile(r"\{(\d+)\}")


class OwnFunction(Elementwise):
    """A function made by `elementwise_function`; calling it builds an expression.

    It pickles by what it was made of, so callables among that must be importable.

    Examples
    --------
    >>> import symgrad as sg
    >>> cubed = sg.elementwise_function("cubed_", derivative=lambda x: 3 * x**2, numpy="{0}**3")
    >>> print(cubed.name, cubed.arity, sg.diff(cubed(sg.symbol("x")), sg.symbol("x")))
    cubed_ 1 3*x**2
    """

    def __reduce__(self) -> Any:
        held = getattr(self, "held", None)
        token = None if held is None else held.token
        return _again, (self.definition, token)  # type: ignore[attr-defined]


@dataclass(frozen=True)
class OwnDerivative(UndefinedFunction):
    """The derivatives of a function of one's own of which the rules are not known.

    Where a rule is known for one of the operands, its derivative is taken in place of an unknown one.
    """

    owner: Any = None

    @property
    def notation(self) -> str | None:
        head, place, _ = (self.owner.definition[3] or "").partition("{0}")
        if place and not head.endswith("("):
            head = ""  # the operand stands elsewhere than in brackets after a name
        plain = self.name.replace("_", r"\_")
        return head.removesuffix("(").removesuffix(r"\left") or rf"\operatorname{{{plain}}}"

    def at(self, operands: tuple[Expr, ...], orders: tuple[int, ...]) -> Expr:
        rules = self.owner.definition[1]
        place = next((i for i, n in enumerate(orders) if n and rules[i] is not None), None)
        if place is None:
            return super().at(operands, orders)
        leaves = [symbol(f"operand_{k}", unique=self.owner) for k, _ in enumerate(orders)]
        slope = self.owner.derivative[place](number(1), self.owner(*leaves), *leaves)
        rest = [n - (k == place) for k, n in enumerate(orders)]
        by = [(x, n) for x, n in zip(leaves, rest, strict=True) if n]
        formula = diff(slope, *by) if by else slope
        known = dict(zip(leaves, operands, strict=True))
        if not operands[0].shape:
            return replace([formula], known, {})[0]
        return over_arrays([formula], known, operands[0].shape)[0]

    def sympy(self, sp: Any) -> Any:
        return lambda *images: self.owner.sympy(sp, *images)

    def undefined(self, node: Expr) -> SymgradError:
        count = len(node.args)
        orders = node.params.orders
        key = orders[0] if count == 1 else orders
        return DerivativeError(
            f"{node} is not known: give derivative= to elementwise_function, a function of the"
            f" {'operand' if count == 1 else 'operands for each of them'}, or say what it is with"
            f" functions={{{self.name!r}: {{{key}: ...}}}}, a callable"
        )


_made: WeakValueDictionary[Any, OwnFunction] = WeakValueDictionary()
_lock: Final = threading.Lock()


@checked
def elementwise_function(
    name: str,
    *,
    derivative: Any = None,
    numpy: str | Callable[..., Any] | None = None,
    latex: str | None = None,
    sympy: Callable[..., Any] | None = None,
    range: Interval | Sequence[float] | None = None,
    arity: int | None = None,
    domain: Sequence[float] = (-3.0, 3.0),
) -> OwnFunction:
    r"""A function of your own that acts on each entry alone, known to everything in this library.

    It is differentiated, simplified, printed, batched, pickled, converted to SymPy and compiled like the
    functions of the library.

    Parameters
    ----------
    name : str
        An identifier that no function of the library has.
    derivative : callable or sequence of callables, optional
        For each operand the partial derivative, a function of the operands built from functions of this
        library (or of your own): ``lambda x: sg.cos(x)``, for two operands a pair,
        ``(lambda x, y: y, lambda x, y: x)``; or one of ``(g, y, *operands)``, where `y` is the value, to be
        reused, and the result is the derivative times `g`. One that is left out, or None, is an undefined
        derivative: it prints as g'(x), and what it is can be said when code is made,
        ``functions={"g": {1: numpy.cos}}``, for two operands ``{(1, 0): ..., (0, 1): ...}``.
    numpy : str or callable, optional
        The code: a template over operands such as ``"np.sin({0})/{0}"``, in which ``np`` is NumPy and
        ``scipy.special`` can be used, or a function of arrays. Saved code imports the function; one that
        cannot be imported is an error there. Without it the function cannot be computed.
    latex : str, optional
        A template such as ``r"\Gamma\left({0}\right)"``, or the name alone, ``r"\Gamma"``.
    sympy : callable, optional
        The image in SymPy, a function of the images of the operands such as `sympy.gamma`. Without it,
        a SymPy function of this name, which `from_sympy` turns back into this one.
    range : (low, high), optional
        Where the values lie.
    arity : int, optional
        How many operands it takes, where neither `derivative`, the template nor the signature of the
        function of arrays says so: 1.
    domain : (low, high), optional
        Where it may be sampled, by tests.

    Returns
    -------
    OwnFunction
        The same for the same definition.

    Raises
    ------
    ArgumentError
        For a name that is taken or no identifier, a template that is no expression of its operands or uses
        unknown names, or numbers of operands that differ.

    Examples
    --------
    >>> import symgrad as sg
    >>> x = sg.symbol("x")
    >>> sinc = sg.elementwise_function(
    ...     "sinc_", derivative=lambda x: (sg.cos(x) - sinc(x)) / x, numpy="np.sin({0})/{0}", range=(-1, 1)
    ... )
    >>> print(sg.diff(sinc(2 * x), x))
    (cos(2*x) - sinc_(2*x))/x
    >>> print(sg.evaluate(sinc(x), {x: 1.0}))
    0.8414709848078965
    """
    _check_name(name)
    listed = isinstance(derivative, (list, tuple))
    rules = tuple(derivative) if listed else None if derivative is None else (derivative,)
    count = _arity(name, derivative, numpy, arity)
    if rules is None:
        rules = (None,) * count
    if len(rules) != count:
        operands = ", ".join("xyzuvw"[:count]) if count <= 6 else "*operands"
        each = ", ".join(f"lambda {operands}: ..." for _ in builtins.range(min(count, 2)))
        raise ArgumentError(
            f"{name} takes {count} operand{'s' * (count > 1)}, so derivative= needs a function for each,"
            f" ({each}{', ...' * (count > 2)}), with None for what is not known; got {len(rules)}"
        )
    if isinstance(numpy, str):
        _check_template(name, numpy, count)
    elif numpy is not None and not callable(numpy):
        raise ArgumentError(
            f"numpy= of {name} is a template such as 'np.sin({{0}})', or a function of arrays, not"
            f" {numpy!r}"
        )
    definition = (name, rules, numpy, latex, sympy, _interval(name, range), count, tuple(domain))
    return _again(definition)


def _again(definition: tuple[Any, ...], token: str | None = None) -> OwnFunction:
    """The function of a definition: made once."""
    key: Any = definition
    try:
        hash(definition)
    except TypeError:  # a callable object that compares by value
        key = tuple(id(part) if callable(part) else repr(part) for part in definition)
    with _lock:
        found = _made.get(key)
        if found is None:
            found = _made[key] = _record(*definition, token=token)
            object.__setattr__(found, "definition", definition)
    return found


def _record(
    name: str,
    rules: tuple[Any, ...],
    numpy: str | Callable[..., Any] | None,
    latex: str | None,
    sympy: Callable[..., Any] | None,
    range: Interval | None,
    count: int,
    domain: tuple[float, ...],
    *,
    token: str | None,
) -> OwnFunction:
    op = elementwise(
        name,
        derivative=[_rule(name, i, rule, count) for i, rule in enumerate(rules)],
        numpy=numpy if isinstance(numpy, str) else "",
        latex=_notation(latex, count),
        domain=domain,
        range=range,
        kind=OwnFunction,
    )
    assert isinstance(op, OwnFunction)
    _set(op, sympy=_image(op, sympy, numpy), own=True)
    if numpy is None:
        _set(op, numpy=_no_code)
    elif not isinstance(numpy, str):
        held = bind(numpy, token)
        identifier, statement = code_of_callable(numpy, held, name)
        operands = ", ".join(f"{{{i}}}" for i, _ in enumerate(rules))
        template = f"_values_of({identifier}, {name!r}, {operands})"
        _set(op, numpy=template, definitions=lambda node: {identifier: statement}, held=held)
    return op


def _set(op: OwnFunction, **fields: Any) -> None:
    """Fill in what is made from the record itself."""
    for key, value in fields.items():
        object.__setattr__(op, key, value)


def _no_code(node: Expr) -> NoReturn:
    raise ArgumentError(
        f"{node.op.name} has no code: give numpy= to elementwise_function, a template such as"
        f" 'np.sin({{0}})' or a function of arrays"
    )


# Checks


def _check_name(name: Any) -> None:
    if not isinstance(name, str) or not name.isidentifier() or keyword.iskeyword(name):
        raise ArgumentError(f"the name of a function must be an identifier, not {name!r}")
    if name in SCALAR_FUNCTIONS or name in ARRAY_FUNCTIONS or name in NUMBERS:
        raise ArgumentError(
            f"{name!r} is a name of the library's own; choose another, such as '{name}_'"
        )


def _shown(function: Callable[..., Any]) -> str:
    """A function by its name and what it takes."""
    try:
        return f"{getattr(function, '__name__', function)}{inspect.signature(function)}"
    except (TypeError, ValueError):
        return repr(function)


def _operands_of(function: Any) -> int | None:
    """How many arguments a Python function must have; None where nobody says."""
    if isinstance(function, np.ufunc):
        return function.nin
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return None
    plain = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    needed = [p for p in parameters if p.kind in plain and p.default is inspect.Parameter.empty]
    return len(needed) or None


def _arity(name: str, derivative: Any, numpy: Any, given: int | None) -> int:
    """How many operands a function takes, by what is said of it."""
    if given is not None and (isinstance(given, bool) or not isinstance(given, int) or given < 1):
        raise ArgumentError(f"arity= of {name} must be a positive int, not {given!r}")
    if given is not None:
        return given
    if isinstance(derivative, (list, tuple)):
        return len(derivative)
    if isinstance(numpy, str):
        return 1 + max([int(i) for i in _PLACE.findall(numpy)], default=0)
    return _operands_of(numpy) or 1


def _check_template(name: str, template: str, count: int) -> None:
    """Make sure that a template is an expression of its operands in names that code knows."""
    places = {int(i) for i in _PLACE.findall(template)}
    if places != set(builtins.range(count)):
        wanted = ", ".join(f"{{{i}}}" for i in builtins.range(count))
        raise ArgumentError(f"numpy= of {name} must use {wanted}, and no others: {template!r}")
    try:
        tree = ast.parse(_PLACE.sub(r"_\1", template), mode="eval")
    except SyntaxError as error:
        raise ArgumentError(
            f"numpy= of {name} is no expression, {error.msg}: {template!r}"
        ) from None
    if isinstance(tree.body, (ast.Compare, ast.BoolOp)):
        raise ArgumentError(
            f"numpy= of {name} gives truth values, not numbers; write np.where({template}, 1.0, 0.0)"
        )
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    unknown = sorted(n for n in used - _KNOWN if not re.fullmatch(r"_\d+", n))
    if unknown:
        raise ArgumentError(
            f"numpy= of {name} uses {', '.join(unknown)}, which its code does not know; it may use np and"
            " scipy.special: give a function of arrays in place of the template"
        )
    heads = {ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    for head in heads:
        _check_attribute(name, head)


def _check_attribute(name: str, path: str) -> None:
    """``np.sin`` exists; of SciPy, code imports `scipy.special` alone."""
    if path.startswith("np.") and "." not in path[3:] and not hasattr(np, path[3:]):
        raise ArgumentError(f"numpy= of {name} uses {path}, which NumPy does not have")
    if path.startswith("scipy.") and not path.startswith("scipy.special"):
        raise ArgumentError(
            f"numpy= of {name} uses {path}; of SciPy it may use scipy.special alone"
        )


def _interval(name: str, given: Any) -> Interval | None:
    if given is None or isinstance(given, Interval):
        return given
    try:
        low, high = given
        if low <= high:
            return Interval(low, high)
    except (TypeError, ValueError):
        pass
    raise ArgumentError(f"range= of {name} is a pair (low, high), not {given!r}")


# What a definition becomes


def takes(function: Callable[..., Any], count: int) -> bool:
    """Whether a callable can be called with so many arguments; if nobody knows, it can."""
    try:
        inspect.signature(function).bind(*[None] * count)
    except TypeError:
        return False
    except ValueError:
        return True
    return True


def _rule(name: str, index: int, given: Any, count: int) -> Callable[..., Expr]:
    """A rule of the record, ``(g, y, *operands)``, from what was given for one operand."""
    if given is None:

        def unknown(g: Expr, y: Expr, *operands: Expr) -> Expr:
            orders = tuple([int(k == index) for k in builtins.range(count)])
            return mul(g, OwnDerivative(name, (), y.op).at(operands, orders))

        return unknown
    if not callable(given):
        raise ArgumentError(f"derivative= of {name} must be callable, not {given!r}")
    if takes(given, count):
        return lambda g, y, *operands: mul(g, _shaped(name, given(*operands), y))
    if takes(given, count + 2):
        return lambda g, y, *operands: _shaped(name, given(g, y, *operands), y)
    raise ArgumentError(
        f"derivative= of {name} is called with its {count} operand{'s' * (count > 1)}, as in"
        f" lambda {', '.join('xyzuvw'[:count])}: ..., or with (g, y) before them; {_shown(given)} takes"
        " others"
    )


def _shaped(name: str, given: Any, y: Expr) -> Expr:
    found = as_expr(given)
    if found.ndim > y.ndim:
        raise ArgumentError(
            f"derivative= of {name} gave an array for an entry: it must act on each entry alone"
        )
    return broadcast(found, y.shape)


def _notation(latex: Any, count: int) -> str | None:
    """A template in which braces are LaTeX's own, but for the places of operands."""
    if latex is None:
        return None
    if not isinstance(latex, str):
        raise ArgumentError(f"latex= is a template or a name, a str, not {latex!r}")
    if not any(int(i) < count for i in _PLACE.findall(latex)):
        places = ", ".join(f"{{{i}}}" for i in builtins.range(count))
        latex = rf"{latex}\left({places}\right)"
    pieces = re.split(r"(\{\d+\})", latex)
    return "".join(
        piece
        if _PLACE.fullmatch(piece) and int(piece[1:-1]) < count
        else piece.replace("{", "{{").replace("}", "}}")
        for piece in pieces
    )


def _image(op: OwnFunction, given: Any, numpy: Any) -> Callable[..., Any]:
    """The image in SymPy: by a function of images, or a class of SymPy's that knows this function."""
    if given is not None:
        if not callable(given):
            raise ArgumentError(f"sympy= of {op.name} is a function of images, not {given!r}")
        if isinstance(given, type) or takes(given, op.arity) or not takes(given, op.arity + 1):
            return lambda sp, *images: given(*images)
        return lambda sp, *images: given(sp, *images)  # noqa: PLW0108  typed
    classes: list[Any] = []

    def image(sp: Any, *images: Any) -> Any:
        if not classes:
            classes.append(_sympy_class(sp, op, numpy))
        return classes[0](*images)

    return image


def _sympy_class(sp: Any, op: OwnFunction, numpy: Any) -> Any:
    """A SymPy function that is differentiated by the rules of this one, and converted back to it."""

    def fdiff(self: Any, argindex: int = 1) -> Any:
        from symgrad.interop.sympy import to_sympy  # noqa: PLC0415

        operands = [symbol(f"operand_{k}", unique=op) for k in builtins.range(op.arity)]
        rule = op.derivative[argindex - 1]
        assert rule is not None
        if op.definition[1][argindex - 1] is None:  # type: ignore[attr-defined]
            raise sp.core.function.ArgumentIndexError(self, argindex)
        slope = to_sympy(rule(number(1), op(*operands), *operands))
        return slope.xreplace(dict(zip(map(to_sympy, operands), self.args, strict=True)))

    members = {"symgrad_function": op, "nargs": op.arity, "fdiff": fdiff}
    if callable(numpy):
        members["_imp_"] = staticmethod(numpy)
    return type(op.name, (sp.Function,), members)
