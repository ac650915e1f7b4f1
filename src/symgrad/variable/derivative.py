"""Derivatives as entries of the history: functions of what their formulas mention."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from operator import is_not
from typing import Any, Final

from symgrad.autodiff import derivatives, presented
from symgrad.errors import ArgumentError
from symgrad.expr.dims import Dim
from symgrad.expr.leaves import SYMBOL
from symgrad.expr.node import Expr, make
from symgrad.expr.rewriting import Images, replace, walked
from symgrad.expr.traverse import bind_dims
from symgrad.variable.form import TapeForm, extents_of, form_of, seed_of
from symgrad.variable.kinds import ArrayType, common_float, kind_of
from symgrad.variable.reading import Reading
from symgrad.variable.record import Record, history, parameter_record, results_of
from symgrad.variable.tape import Tape, history_tape
from symgrad.variable.tokens import LISTS, OPERAND, CallToken

# The derivatives of expressions, those that are shown in their shortest form as they are computed
DERIVATIVES: Final[dict[Any, Callable[..., Any]]] = {
    presented.diff: derivatives.diff,
    presented.grad: derivatives.grad,
    presented.hessian: derivatives.hessian,
    presented.jacobian: derivatives.jacobian,
    derivatives.hvp: derivatives.hvp,
    derivatives.jvp: derivatives.jvp,
    derivatives.vjp: derivatives.vjp,
}
_VARIABLES: Final = ("wrt", "x")  # the keyword for what one differentiates by


class Derivative:
    """Formulas as a function of the symbols that they mention.

    Attributes
    ----------
    token : Token
        As which it stands in the history.
    """

    __slots__ = ("_outputs", "_symbols", "token")

    def __init__(self, symbols: Sequence[Expr], outputs: Sequence[Expr]) -> None:
        self._symbols = tuple(symbols)
        self._outputs = tuple(outputs)
        n = len(self._symbols)
        self.token = CallToken(self, (OPERAND,) * n, (), n)

    def __call__(self, *args: Expr) -> list[Expr]:
        """The formulas on other expressions."""
        image = dict(zip(self._symbols, args, strict=True))
        alike = all(
            b.op is SYMBOL and a.shape == b.shape and a.ty is b.ty for a, b in image.items()
        )
        if alike and len(set(args)) == len(args):
            return _renamed(self._outputs, image)
        dims: dict[str, Dim] = {}
        for symbol, arg in image.items():
            if symbol.shape != arg.shape:
                bind_dims(dims, symbol.shape, arg.shape, "an operand")
        return replace(self._outputs, image, dims)


def _renamed(roots: Sequence[Expr], image: dict[Expr, Expr]) -> list[Expr]:
    """The roots with symbols exchanged one to one for others of the same shape and type.

    Every node stays what it is, so none goes through its constructor again.
    """

    def step(node: Expr, image: Images) -> Expr:
        args = image.of(node.args)
        if any(map(is_not, args, node.args)):
            return make(node.op, args, node.params, node.shape, node.ty)
        return node

    return list(walked(roots, step, Images(image)).of(roots))


def _operands(tape: Tape, parameters: Iterable[Any]) -> list[Record]:
    """Records for the symbols of a form."""
    return [*tape.leaves, *[parameter_record(value) for value in parameters]]


# Gradients in one walk backwards


def gradients(
    tape: Tape,
    y: Record,
    leaves: Sequence[Record],
    between: Sequence[Record],
    seed: Record | None,
) -> list[Record]:
    """The gradients by leaves of a tape and by values on it, as records."""
    form, parameters = form_of(tape)
    at = tape.number(y)
    key = (at, tuple(map(tape.number, leaves)), tuple(map(tape.number, between)), seed is not None)
    derivative = form.derived.get(key)
    if derivative is None:
        symbols = form.symbols if seed is None else (*form.symbols, seed_of(form.expr(at)))
        derivative = form.derived[key] = Derivative(symbols, form.gradient(*key))
    operands = _operands(tape, parameters)
    if seed is not None:
        operands.append(seed)
    kinds = [x.kind for x in (*leaves, *between)]
    return results_of(derivative.token, tuple(operands), (), kinds)


def _gradient_by(y: Record, by: Sequence[Record]) -> list[Record]:
    """The gradient of a scalar by leaves and computed values, each with all that depends on it."""
    computed = [x for x in by if x.call is not None]
    if _independent(computed, by):
        tape = _cut_tape([y], by)
        return gradients(tape, y, by, (), None)
    leaves = [x for x in by if x.call is None]
    tape = history_tape([y], extra=leaves)
    _check_reached(computed, history(y))
    found = gradients(tape, y, leaves, [x for x in computed if x is not y], None)
    images = dict(zip([*leaves, *[x for x in computed if x is not y]], found, strict=True))
    if y in by:
        images[y] = gradients(_cut_tape([y], [y]), y, [y], (), None)[0]
    return [images[x] for x in by]


def _independent(computed: Sequence[Record], by: Sequence[Record]) -> bool:
    """Whether no value that one differentiates by is computed from another."""
    if len(by) == 1:
        return True
    others = set(by)
    return all(others.isdisjoint(history(x)[1:]) for x in computed)


def _cut_tape(roots: Sequence[Record], by: Sequence[Record], more: Sequence[Record] = ()) -> Tape:
    """The history of roots back to what one differentiates by."""
    ends = {x for x in by if x.call is not None}
    if ends:
        reached = {one for call in history_tape(roots, ends).calls for one in call.inputs}
        _check_reached(ends, {*reached, *roots})
    return history_tape(roots, ends, [*by, *more])


def _check_reached(computed: Iterable[Record], reached: Iterable[Record]) -> None:
    """Check that values were used.

    Raises
    ------
    ArgumentError
        If one was not.
    """
    found = set(reached)
    for x in computed:
        if x not in found:
            held = x.holder()
            shown = "a computed variable" if held is None else repr(held)
            raise ArgumentError(
                f"what is differentiated is not computed from {shown}: compute it from that variable,"
                " or differentiate by a leaf"
            )


# All derivatives


class _Arguments:
    """The arguments of a derivative with records in place of Variables."""

    def __init__(self, args: Sequence[Any], kwargs: dict[str, Any]) -> None:
        self.functions: list[Record] = []
        self.by: list[Record] = []
        self.others: list[Record] = []
        every = [(str(i), arg) for i, arg in enumerate(args)] + list(kwargs.items())
        self.parts = [(name, self._read(name, arg)) for name, arg in every]

    def _read(self, name: str, arg: Any) -> Any:
        if name in ("0", "f"):
            return _mapped(arg, self.functions)
        return _mapped(arg, self.by if name in ("1", *_VARIABLES) else self.others)

    def key(self, number: Callable[[Record], int]) -> Any:
        """What tells these arguments from others on tapes of one form."""
        return tuple([(name, _keyed(part, number)) for name, part in self.parts])

    def on(
        self, number: Callable[[Record], int], form: TapeForm
    ) -> tuple[list[Any], dict[str, Any]]:
        """The arguments over the symbols of a form."""
        images = [
            (name, _image(part, lambda record: form.expr(number(record))))
            for name, part in self.parts
        ]
        args = [image for name, image in images if name.isdigit()]
        return args, {name: image for name, image in images if not name.isdigit()}


def _mapped(arg: Any, found: list[Record]) -> Any:
    """An argument with records for Variables and arrays, which are noted in `found`."""
    if arg.__class__ in LISTS:
        return arg.__class__([_mapped(part, found) for part in arg])
    if hasattr(arg.__class__, "__symgrad_lift__"):
        record: Record = arg.record()
    else:
        reading = Reading()
        if reading.operand(arg) is not OPERAND:
            return arg
        record = reading.records[0]
    found.append(record)
    return record


def _image(part: Any, of: Callable[[Record], Any]) -> Any:
    if part.__class__ in LISTS:
        return [_image(entry, of) for entry in part]
    return of(part) if part.__class__ is Record else part


def _keyed(part: Any, number: Callable[[Record], int]) -> Any:
    if part.__class__ in LISTS:
        return tuple([_keyed(entry, number) for entry in part])
    return ("record", number(part)) if part.__class__ is Record else (part.__class__, part)


def derivative_of(function: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    """A derivative of computed values, in the form that the function gives it, of records.

    Raises
    ------
    ArgumentError
        If what one differentiates by is computed, and not on the way to the function.
    """
    if kwargs.get("as_sympy"):
        raise ArgumentError(
            "a variable's derivative holds data; for SymPy's formula write to_sympy of a derivative of"
            " y.expr"
        )
    kwargs = {name: value for name, value in kwargs.items() if name != "as_sympy"}
    plain = DERIVATIVES[function]
    given = _Arguments(args, kwargs)
    if plain is derivatives.diff:
        given.by += given.others
    if plain is derivatives.grad and _is_plain_gradient(given):
        found = _gradient_by(given.functions[0], given.by)
        return found if given.parts[1][1].__class__ in LISTS else found[0]
    tape = _cut_tape(given.functions, given.by, [*given.functions, *given.others])
    form, parameters = form_of(tape)
    key = (plain, given.key(tape.number))
    known = form.derived.get(key)
    if known is None:
        positional, named = given.on(tape.number, form)
        known = form.derived[key] = _derived(form, plain(*positional, **named))
    derivative, nest, outputs = known
    extents = extents_of(form, tape)
    kinds = [_kind_of(e, tape.kinds, extents) for e in outputs]
    records = results_of(derivative.token, tuple(_operands(tape, parameters)), (), kinds)
    return _nested(nest, iter(records))


def _is_plain_gradient(given: _Arguments) -> bool:
    """Whether it is the gradient of one scalar by Variables."""
    wrt = given.parts[1][1] if len(given.parts) == 2 else None
    many = wrt if wrt.__class__ in LISTS else [wrt]
    return (
        given.parts[0][1].__class__ is Record
        and given.functions[0].kind.shape == ()
        and all(x.__class__ is Record for x in many)
    )


def _derived(form: TapeForm, result: Any) -> tuple[Derivative, Any, list[Expr]]:
    outputs: list[Expr] = []
    nest = _flattened(result, outputs)
    return Derivative(form.symbols, outputs), nest, outputs


def _flattened(result: Any, outputs: list[Expr]) -> Any:
    if isinstance(result, (list, tuple)):
        return [_flattened(part, outputs) for part in result]
    outputs.append(result)
    return None


def _nested(nest: Any, records: Any) -> Any:
    return next(records) if nest is None else [_nested(part, records) for part in nest]


def _kind_of(e: Expr, kinds: Sequence[ArrayType], extents: dict[str, int]) -> ArrayType:
    shape = tuple([extents.get(d, d) for d in e.shape])
    return kind_of(shape, common_float(kinds) if e.ty.weak else e.dtype)
