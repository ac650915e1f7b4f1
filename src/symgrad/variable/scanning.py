"""`scan` over Variables: the step leaves a history once, which becomes the step of a loop."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import numpy as np

from symgrad.expr.dims import Dim
from symgrad.expr.node import Expr
from symgrad.expr.pytrees import flatten, rebuild_nest
from symgrad.expr.rewriting import replace
from symgrad.expr.traverse import bind_dims
from symgrad.ops.scan import ScanLoop, operands_of, scan_node, unpacked
from symgrad.recurrence.scan import Frame, length_of, loop_of, read_step
from symgrad.variable.data import real_array
from symgrad.variable.form import TapeForm, extents_of, form_of
from symgrad.variable.kinds import FLOAT64, ArrayType, kind_of
from symgrad.variable.modes import in_step
from symgrad.variable.record import Record, parameter_record, results_of, serial
from symgrad.variable.tape import history_tape
from symgrad.variable.tokens import OPERAND, CallToken

STEPS: Final = "steps"  # the name of the number of steps, which is no part of a loop


class ScanCall:
    """A loop as a function of its operands.

    Attributes
    ----------
    token : Token
        As which it stands in the history.
    loop : Loop
    """

    __slots__ = ("loop", "token")

    def __init__(self, loop: ScanLoop) -> None:
        self.loop = loop
        n = len(loop.carries) + len(loop.elements) + len(loop.parameters)
        self.token = CallToken(self, (OPERAND,) * n, (), n)

    def __call__(self, *args: Expr) -> list[Expr]:
        """The results of the loop on expressions."""
        loop = self.loop
        padding = [None] * (1 + len(loop.sizes))
        inits, arrays, parameters = operands_of(loop, [*padding, *args])
        dims: dict[str, Dim] = {}
        pairs = [*zip(loop.carries, inits, strict=True)]
        pairs += zip(loop.parameters, parameters, strict=True)
        for x, e in pairs:
            bind_dims(dims, x.shape, e.shape, "an operand of scan")
        for x, e in zip(loop.elements, arrays, strict=True):
            bind_dims(dims, (loop.length, *x.shape), e.shape, "an array of scan")
        known = loop.renamed(lambda name: dims.get(name, name)) if dims else loop
        return unpacked(scan_node(known, inits, arrays, parameters), known)


class _Before:
    """Records of calls before a moment: what a step mentions, but does not compute."""

    def __init__(self, moment: int) -> None:
        self._moment = moment

    def __contains__(self, record: object) -> bool:
        call = record.call if isinstance(record, Record) else None
        return call is not None and call.serial < self._moment


def scan_records(
    make: Callable[[Record], Any],
    step: Callable[..., Any],
    init: Any,
    xs: Any = None,
    length: Any = None,
    reverse: bool = False,
) -> tuple[Any, Any]:
    """What `scan` gives, of records; `make` gives a Variable for a record.

    Raises
    ------
    ArgumentError, ShapeError, DTypeError
        As `scan` does.
    """
    inits, carry_nest = flatten(init, _carried)
    arrays, nest = ([], None) if xs is None else flatten(xs, _record)
    n = length_of([one.shape for one in arrays], length)
    start = serial()
    carries = [Record(one.kind, name=f"c{i}") for i, one in enumerate(inits)]
    elements = [
        Record(kind_of(one.shape[1:], one.dtype), name=f"x{i}") for i, one in enumerate(arrays)
    ]
    with in_step():
        carry = rebuild_nest(carry_nest, [make(one) for one in carries])
        x = None if xs is None else rebuild_nest(nest, [make(one) for one in elements])
        result = step(carry, x)
    following, outputs, output_nest = read_step(result, carry_nest, _record)
    given, found = [*carries, *elements], [*following, *outputs]
    tape = history_tape(found, _Before(start), [*given, *found])
    form, values = form_of(tape)
    places = tuple([tape.number(one) for one in (*given, *found)])
    key = (
        "scan",
        places,
        len(carries),
        len(following),
        reverse,
        isinstance(n, int) and not arrays and n,
    )
    call = form.derived.get(key)
    if call is None:
        sizes = (len(carries), len(elements), len(following))
        call = form.derived[key] = ScanCall(
            _loop(form, places, sizes, STEPS if arrays else n, reverse)
        )
    rest = [one for one in tape.leaves if one not in set(given)]
    operands = [*inits, *arrays, *rest, *[parameter_record(value) for value in values]]
    kinds = _kinds(call.loop, {**extents_of(form, tape), STEPS: n})
    records = results_of(call.token, tuple(operands), (), kinds)
    k = len(inits)
    ys = None if output_nest is None else rebuild_nest(output_nest, records[k:])
    return rebuild_nest(carry_nest, records[:k]), ys


def _record(value: Any) -> Record:
    """A record for a Variable, an array or a number."""
    if hasattr(value.__class__, "__symgrad_lift__"):
        return value.record()  # type: ignore[no-any-return]
    array = real_array(value)
    return parameter_record(array if array.ndim else array[()])


def _carried(value: Any) -> Record:
    """A record for a part of the carry, which is floating."""
    if hasattr(value.__class__, "__symgrad_lift__"):
        return _record(value)
    array = real_array(value)
    return _record(array if array.dtype.kind == "f" else array.astype(FLOAT64))


def _loop(
    form: TapeForm, places: Sequence[int], sizes: tuple[int, int, int], length: Dim, reverse: bool
) -> ScanLoop:
    """The loop of a form, with symbols of its own for the carry and the elements."""
    bound = [form.expr(place) for place in places[: sizes[0] + sizes[1]]]
    inits, elements = bound[: sizes[0]], bound[sizes[0] :]
    frame = Frame.like(inits, elements)
    image = dict(zip(bound, [*frame.carries, *frame.elements], strict=True))
    found = replace([form.expr(place) for place in places[len(bound) :]], image, {})
    parameters = [x for x in form.symbols if x not in image]
    return loop_of(frame, found[: sizes[2]], found[sizes[2] :], length, reverse, parameters)


def _kinds(loop: ScanLoop, extents: dict[str, Any]) -> Iterable[ArrayType]:
    known = loop.renamed(lambda name: extents.get(name, name))
    return [
        kind_of(shape, np.dtype(ty.dtype))
        for shape, ty in zip(known.shapes, known.types, strict=True)
    ]
