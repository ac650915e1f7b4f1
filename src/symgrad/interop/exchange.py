"""Formulas as JSON: `save_json` and `load_json`, the form in which to hand formulas to others.

A pickle runs whatever its author put into it; this text holds data alone, so one from a stranger is
safe to load. The text is an object of four entries::

    {"symgrad": 1,                              the version of this form
     "nodes": [["symbol", [], [...]],           op, rows of its operands, parameters; operands first
               ["sin", [0], []]],
     "value": {"node": 1},                      what was saved: a row, or a nest of them
     "digest": "3f..."}                         of nodes and value, so that damage is seen

Parameters that JSON has no notation for are objects of one entry, which names their kind (`_CODECS`).
Shapes and types are not written: they are inferred again, and each node is interned, so that what is
loaded is the node that is alive already, if there is one.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from functools import partial
from hashlib import blake2b
from typing import Any, Final, NamedTuple, NoReturn

import numpy as np

from symgrad.calls import checked
from symgrad.errors import ArgumentError, ConversionError, GraphError, SymgradError
from symgrad.expr.dims import DimExpr, FloorDiv, Least
from symgrad.expr.leaves import ArrayValue, constant, number, symbol
from symgrad.expr.node import Expr, make
from symgrad.expr.op import Op
from symgrad.expr.pickling import flatten
from symgrad.expr.traverse import check_graph
from symgrad.expr.types import Ty, as_ty
from symgrad.interop.exchange_loops import check_operands, loop_from, loop_parts
from symgrad.ops.applied import UndefinedFunction
from symgrad.ops.elementwise import Elementwise
from symgrad.ops.scan import SCAN, ScanLoop
from symgrad.ops.table import OPS

VERSION: Final = 1
_PLAIN: Final = (str, bool, type(None))
_GREATEST: Final = 2**53  # integers beyond are no numbers to most readers of JSON
_ARRAY_KINDS: Final = "biuf"


class _Codec(NamedTuple):
    """How values of one class are written as what JSON has, and made again."""

    cls: type
    encode: Callable[[Any], Any]
    decode: Callable[[Any], Any]


def _encode_array(value: ArrayValue) -> Any:
    data = base64.b64encode(value.array.tobytes()).decode("ascii")
    return [value.array.dtype.str, list(value.array.shape), data]


def _decode_array(parts: tuple[Any, ...]) -> ArrayValue:
    name, shape, data = parts
    dtype = np.dtype(name)
    if dtype.kind not in _ARRAY_KINDS:
        raise ValueError(f"an array of dtype {dtype}")
    entries = np.frombuffer(base64.b64decode(data, validate=True), dtype=dtype)
    return ArrayValue(entries.reshape(shape))


# Kind, as it is written, to the class of such values; a tuple is a list, and so are named parameters
_CODECS: Final[dict[str, _Codec]] = {
    "float": _Codec(float, repr, float),
    "integer": _Codec(int, hex, lambda text: int(text, 16)),
    "fraction": _Codec(
        Fraction,
        lambda value: _encode([value.numerator, value.denominator]),
        lambda parts: Fraction(*parts),
    ),
    "dtype": _Codec(Ty, lambda ty: [ty.dtype.str, ty.weak], lambda parts: as_ty(*parts)),
    "array": _Codec(ArrayValue, _encode_array, _decode_array),
    "extent": _Codec(
        DimExpr,
        lambda dim: _encode([[list(factors), n] for factors, n in dim.terms]),
        lambda terms: DimExpr(_extent_terms(terms)),
    ),
    "quotient": _Codec(
        FloorDiv,
        lambda factor: _encode([factor.num, factor.den]),
        lambda parts: FloorDiv(*parts),
    ),
    "least": _Codec(
        Least, lambda factor: _encode([factor.a, factor.b]), lambda parts: Least(*parts)
    ),
    "function": _Codec(
        UndefinedFunction,
        lambda function: [function.name, list(function.assumptions)],
        lambda parts: UndefinedFunction(*parts),
    ),
}
# Ops that may be written with parameters that do not fit together, and the node that they should give
_LEAVES: Final[dict[str, Callable[[Any], Expr]]] = {
    "constant": lambda p: constant(p[0].array) if p[1] == "array" else number(p[0], p[2], p[3]),
    "symbol": lambda p: symbol(p[0], p[1], p[2].dtype, unique=p[4], **dict.fromkeys(p[3], True)),
}
# What an op's rules raise for parameters that are none
_WRONG: Final = (
    SymgradError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    ArithmeticError,
    RecursionError,
)
_LOOP: Final = "loop"  # the kind of what `scan` carries out
_KINDS: Final = {codec.cls: kind for kind, codec in _CODECS.items()}


def _extent_terms(terms: tuple[Any, ...]) -> Any:
    for factors, coefficient in terms:
        if not isinstance(coefficient, int) or not isinstance(factors, tuple):
            raise ValueError("an extent is a list of factors and a coefficient")
    return terms


def _encode(value: Any) -> Any:
    """A parameter as what JSON has."""
    if value.__class__ in _PLAIN or (value.__class__ is int and abs(value) <= _GREATEST):
        return value
    kind = _KINDS.get(value.__class__)
    if value.__class__ is ScanLoop:
        return {_LOOP: _encode(loop_parts(value))}
    if kind is not None:
        return {kind: _CODECS[kind].encode(value)}
    if isinstance(value, (tuple, list)):
        return [_encode(part) for part in value]
    raise ConversionError(
        f"a {type(value).__name__} ({value!r}) among the parameters of a node has no JSON form"
    )


def _decode(value: Any, ops: Mapping[str, Op]) -> Any:
    """The parameter that `_encode` wrote."""
    if value.__class__ in _PLAIN or value.__class__ is int:
        return value
    if isinstance(value, list):
        return tuple([_decode(part, ops) for part in value])
    if isinstance(value, dict) and len(value) == 1:
        ((kind, inner),) = value.items()
        if kind == _LOOP:
            return loop_from(_decode(inner, ops), partial(_row_of_a_step, ops))
        if kind in _CODECS:
            return _CODECS[kind].decode(_decode(inner, ops))
    raise ValueError(f"{_shown(value)} is not a parameter")


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


@checked
def save_json(value: Any) -> str:
    """A formula as JSON text: data alone, safe to load from a stranger, the same in every process.

    Shared parts are written once, arrays by their bytes, and exact numbers exactly.

    Parameters
    ----------
    value : Expr, or a nest of lists, tuples and dicts (with keys that are text) of them
        What to save. A tuple comes back as a list.

    Returns
    -------
    str
        Text in ASCII, without line breaks.

    Raises
    ------
    ArgumentError
        If a part is no expression or number, or a key of a dict is not text.
    ConversionError
        If a node holds what JSON has no form for, such as a symbol that stands for a SymPy Dummy.

    See Also
    --------
    load_json : the way back.

    Examples
    --------
    >>> import symgrad as sg
    >>> x = sg.symbol("x", positive=True)
    >>> text = sg.save_json(sg.grad(sg.log(x) ** 2 / 3, x))
    >>> sg.load_json(text) is sg.grad(sg.log(x) ** 2 / 3, x)
    True
    """
    roots: list[Expr] = []
    form = _form(value, roots)
    rows, indices = flatten(roots)
    nodes = [[_op_name(op), list(operands), _encode(params)] for op, operands, params in rows]
    value = _placed(form, indices)
    saved = {"symgrad": VERSION, "nodes": nodes, "value": value, "digest": _digest(nodes, value)}
    return _written(saved)


def _written(saved: Any) -> str:
    return json.dumps(saved, separators=(",", ":"))


def _digest(nodes: Any, value: Any) -> str:
    return blake2b(_written([nodes, value]).encode(), digest_size=16).hexdigest()


def _form(value: Any, roots: list[Expr]) -> Any:
    """A nest with the number of each expression in its place; the expressions go to `roots`."""
    if isinstance(value, Expr):
        roots.append(value)
        return {"node": len(roots) - 1}
    if isinstance(value, (list, tuple)):
        return [_form(part, roots) for part in value]
    if isinstance(value, Mapping):
        wrong = next((key for key in value if not isinstance(key, str)), None)
        if wrong is not None:
            raise ArgumentError(f"a key of a dict in JSON is text, not {wrong!r}")
        return {"dict": {key: _form(part, roots) for key, part in value.items()}}
    raise ArgumentError(
        f"save_json takes expressions and nests of them, not a {type(value).__name__}; for a number"
        " write constant(value), and for a Variable its .expr"
    )


def _placed(form: Any, indices: list[int]) -> Any:
    if isinstance(form, list):
        return [_placed(part, indices) for part in form]
    ((kind, inner),) = form.items()
    if kind == "node":
        return {"node": indices[inner]}
    return {"dict": {key: _placed(part, indices) for key, part in inner.items()}}


def _op_name(op: str | Op) -> str:
    return op if isinstance(op, str) else op.name


@checked
def load_json(text: str | bytes, *, functions: Iterable[Elementwise] = ()) -> Any:
    """The formula, or nest of formulas, that `save_json` wrote.

    Nothing in the text is run: ops are looked up by name, and every node is checked as the library
    checks those it makes itself.

    Parameters
    ----------
    text : str or bytes
        What `save_json` gave.
    functions : iterable of OwnFunction
        Functions made by `elementwise_function` that the formula holds; the text has their names.

    Returns
    -------
    Expr, or a nest of lists and dicts of them
        The very nodes that are alive in this process, where they are.

    Raises
    ------
    ArgumentError
        If the text is of another kind than str or bytes.
    GraphError
        If the text is damaged, was not written by `save_json`, or is of a newer version; the message
        names the place.

    Examples
    --------
    >>> import symgrad as sg
    >>> x = sg.symbol("x")
    >>> sg.load_json(sg.save_json({"f": sg.sin(x), "df": sg.diff(sg.sin(x), x)}))["df"]
    cos(x)
    """
    if not isinstance(text, (str, bytes, bytearray)):
        raise ArgumentError(f"load_json takes the text itself, not a {type(text).__name__}")
    saved = _parsed(text)
    ops = dict(OPS) | {function.name: function for function in functions}
    nodes = _nodes(saved["nodes"], ops)
    try:
        check_graph(*nodes)
    except GraphError as error:
        _damaged(str(error))
    return _value(saved["value"], nodes)


def _damaged(what: str) -> NoReturn:
    raise GraphError(f"this is not what save_json wrote: {what}") from None


def _parsed(text: str | bytes | bytearray) -> dict[str, Any]:
    try:
        saved = json.loads(text)
    except (ValueError, RecursionError) as error:
        _damaged(f"it is no JSON ({error})")
    if not isinstance(saved, dict) or "symgrad" not in saved:
        _damaged('it is no object with an entry "symgrad"')
    if saved["symgrad"] != VERSION:
        raise GraphError(
            f"the formula was saved in version {_shown(saved['symgrad'])} of the JSON form; this"
            f" symgrad reads version {VERSION}"
        )
    if not isinstance(saved.get("nodes"), list) or "value" not in saved:
        _damaged('it has no list "nodes" or no "value"')
    if saved.get("digest") != _digest(saved["nodes"], saved["value"]):
        _damaged("its digest is that of another formula, so it was changed after it was saved")
    return saved


def _nodes(rows: list[Any], ops: Mapping[str, Op]) -> list[Expr]:
    """The node of each row, checked."""
    nodes: list[Expr] = []
    for position, row in enumerate(rows):
        match row:
            case [str(name), list(operands), list(params)]:
                nodes.append(_node(position, name, operands, params, nodes, ops))
            case _:
                _damaged(f"row {position} of the nodes is no [op, operands, parameters]")
    return nodes


def _node(
    position: int,
    name: str,
    operands: list[Any],
    params: list[Any],
    nodes: list[Expr],
    ops: Mapping[str, Op],
) -> Expr:
    if name not in ops:
        raise GraphError(
            f"row {position} has the op {name!r}, unknown to this version; give a function of your own"
            " as load_json(text, functions=[...])"
        )
    if not all(i.__class__ is int and 0 <= i < position for i in operands):
        _damaged(f"the operands {_shown(operands)} of row {position} are no earlier rows")
    args = tuple([nodes[i] for i in operands])
    try:
        node = _made(ops[name], args, _decode(params, ops))
    except _WRONG as error:
        _damaged(f"row {position}, {name!r}, does not hold together ({error})")
    return node


def _row_of_a_step(
    ops: Mapping[str, Op], position: int, row: Sequence[Any], nodes: list[Expr]
) -> Expr:
    name, operands, params = row
    if not all(i.__class__ is int and 0 <= i < position for i in operands):
        raise ValueError("the operands of a row of a step are earlier rows")
    return _made(ops[name], tuple([nodes[i] for i in operands]), params)


def _made(op: Op, args: tuple[Expr, ...], params: tuple[Any, ...]) -> Expr:
    """The node of an op, by its own rules for shape and type."""
    if op.fields is not None:
        params = op.fields(*params)
    elif params and op.name not in _LEAVES:
        raise ValueError("it has no parameters")
    node = make(op, args, params, *op.infer(args, params))
    if op is SCAN:
        check_operands(node.params.loop, args)
    if op.name in _LEAVES and _LEAVES[op.name](params) is not node:
        raise ValueError("its parameters contradict each other")
    return node


def _value(form: Any, nodes: list[Expr]) -> Any:
    """The nest of a form, with the nodes in their places."""
    match form:
        case list():
            return [_value(part, nodes) for part in form]
        case {"node": int(i)} if 0 <= i < len(nodes):
            return nodes[i]
        case {"dict": dict(parts)}:
            return {key: _value(part, nodes) for key, part in parts.items()}
    _damaged(f'"value" holds {_shown(form)}')
