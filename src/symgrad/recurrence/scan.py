"""`scan`: a loop over arrays, with a carry, as one node of a formula."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextvars import ContextVar
from typing import Any, Final

from symgrad.calls import checked
from symgrad.errors import ArgumentError, DTypeError, MixedError, ShapeError
from symgrad.expr.dims import Dim, as_dim, show_shape
from symgrad.expr.leaves import symbol
from symgrad.expr.node import Expr
from symgrad.expr.pytrees import Nest, flatten, rebuild_nest
from symgrad.expr.traverse import free_symbols
from symgrad.ops.cast import cast
from symgrad.ops.elementwise import adopted, as_expr, lift_of
from symgrad.ops.matrices import as_float
from symgrad.ops.scan import Rules, ScanLoop, scan_node, sizes_of, unpacked
from symgrad.recurrence import rules
from symgrad.recurrence.source import source

RULES: Final = Rules(rules.adjoint, rules.tangent, rules.batched, source)
_depth: Final[ContextVar[int]] = ContextVar("depth", default=0)  # of steps inside of steps


@checked
def scan(
    step: Callable[[Any, Any], tuple[Any, Any]],
    init: Any,
    xs: Any = None,
    length: Any = None,
    *,
    reverse: bool = False,
) -> tuple[Any, Any]:
    """Carry a state through a loop over arrays: ``carry, y = step(carry, x)`` for each entry x of `xs`.

    The loop is one node of the formula, whatever its length, and is compiled as a loop. Its derivative is a
    loop backwards over stored states; derivatives of any order, products with vectors and batches follow.
    What the step mentions besides its arguments (weights, say) may be any expression or Variable.

    Parameters
    ----------
    step : callable
        ``step(carry, x)`` gives the next carry and an output, ``(carry, y)``; it is called once, on
        symbols. The next carry has the form, shapes and element types of `init`. An output None is none.
    init : Expr, Variable, array or number, or a nest of lists, tuples and dicts of them
        The carry before the first step: floating values; integers become such.
    xs : the like, optional
        Each has the steps along its first axis; a step gets the entries. Without them x is None.
    length : int, optional
        The number of steps, where there are no `xs`.
    reverse : bool
        Begin with the last entries; outputs stand where their entries do.

    Returns
    -------
    carry : in the form of `init`
        Behind the last step.
    ys : in the form of the outputs
        Each with the steps along a new first axis; None where the outputs are.

    Raises
    ------
    ArgumentError
        If the step does not return a pair, or a carry in the form of `init`, or the length is not known.
    ShapeError
        If the next carry has another shape, or `xs` have no axis or axes of different extents.
    DTypeError
        If the next carry has another element type, or the carry or an output holds no floats.

    Examples
    --------
    >>> import numpy as np, symgrad as sg
    >>> rate, rewards = sg.symbol("rate"), sg.vector("r", "n")
    >>> value, _ = sg.scan(lambda v, r: (r + rate * v, None), 0.0, rewards, reverse=True)
    >>> f = sg.lambdify([rate, rewards], [value, sg.diff(value, rate)])
    >>> print(*f(0.5, np.array([1.0, 2.0, 4.0])))
    3.0 6.0
    """
    lift: Any = lift_of([*_leaves(init), *_leaves(xs)])
    if lift is None:
        try:
            return _scan(step, init, xs, length, reverse)
        except MixedError as error:  # the step mentions what carries out calls by itself
            lift = error.lift
    return lift(scan, (step, init, xs), {"length": length, "reverse": reverse})  # type: ignore[no-any-return]


def _leaves(nest: Any) -> list[Any]:
    return [] if nest is None else flatten(nest, lambda leaf: leaf)[0]


def _scan(
    step: Callable[..., Any], init: Any, xs: Any, length: Any, reverse: bool
) -> tuple[Any, Any]:
    inits, carry_nest = flatten(init, _carried)
    arrays, nest = ([], None) if xs is None else flatten(xs, as_expr)
    n = length_of([a.shape for a in arrays], length)
    frame = Frame(inits, arrays)
    token = _depth.set(_depth.get() + 1)
    try:
        carry = rebuild_nest(carry_nest, frame.carries)
        result = step(carry, None if xs is None else rebuild_nest(nest, frame.elements))
    finally:
        _depth.reset(token)
    following, outputs, output_nest = read_step(result, carry_nest, as_expr)
    loop = loop_of(frame, following, outputs, n, reverse)
    results = unpacked(scan_node(loop, inits, arrays, loop.parameters), loop)
    k = len(inits)
    ys = None if output_nest is None else rebuild_nest(output_nest, results[k:])
    return rebuild_nest(carry_nest, results[:k]), ys


def _carried(value: Any) -> Expr:
    """A part of the carry: floating, in an element type of its own."""
    e = as_float(as_expr(adopted(value)))
    return cast(e, symbol("x").ty) if e.ty.weak else e


def length_of(shapes: Sequence[Any], length: Any) -> Dim:
    """The number of steps.

    Raises
    ------
    ArgumentError
        If nothing says it.
    ShapeError
        If the first axes of arrays do not agree.
    """
    for shape in shapes:
        if not shape:
            raise ShapeError(
                "an array that scan runs over has no axis; what is the same in every step is mentioned in"
                " the step itself"
            )
    extents = list(dict.fromkeys(shape[0] for shape in shapes))
    if length is not None:
        extents = list(dict.fromkeys([*extents, as_dim(length)]))
    if not extents:
        raise ArgumentError("scan needs arrays to run over, or length=, the number of steps")
    if len(extents) > 1:
        raise ShapeError(
            f"scan runs over first axes of one extent, not of {', '.join(map(str, extents))}"
        )
    return extents[0]


class Frame:
    """The symbols that a step is called on."""

    def __init__(self, inits: Sequence[Expr], arrays: Sequence[Expr]) -> None:
        self.carries = _bound("c", [(e.shape, e.dtype) for e in inits])
        self.elements = _bound("x", [(e.shape[1:], e.dtype) for e in arrays])

    @classmethod
    def like(cls, carries: Sequence[Expr], elements: Sequence[Expr]) -> Frame:
        """Symbols like those of a step."""
        frame = cls(carries, [])
        frame.elements = _bound("x", [(e.shape, e.dtype) for e in elements])
        return frame


def _bound(name: str, kinds: Sequence[tuple[Any, Any]]) -> list[Expr]:
    depth = _depth.get()
    return [
        symbol(f"{name}{i}" if len(kinds) > 1 else name, shape, dtype, unique=("scan", depth, i))
        for i, (shape, dtype) in enumerate(kinds)
    ]


def read_step(result: Any, carry_nest: Nest, leaf: Any) -> tuple[list[Any], list[Any], Nest | None]:
    """The next carry, the outputs and their form, of what a step gave.

    Raises
    ------
    ArgumentError
        If it is no pair, or the carry has another form than before.
    """
    if not isinstance(result, tuple) or len(result) != 2:
        raise ArgumentError(
            "the step of scan returns the next carry and an output, (carry, y), with None for no output;"
            f" it returned {_described(result)}"
        )
    following, nest = flatten(result[0], leaf)
    if nest != carry_nest:
        raise ArgumentError(
            f"the step of scan returned a carry of the form {_form(nest)}; that of init is"
            f" {_form(carry_nest)}"
        )
    if result[1] is None:
        return following, [], None
    outputs, output_nest = flatten(result[1], leaf)
    return following, outputs, output_nest


def _described(result: Any) -> str:
    """What a step returned, in words."""
    kind = type(result).__name__
    return f"a {kind} of {len(result)}" if isinstance(result, (tuple, list)) else f"one {kind}"


def _form(nest: Nest) -> str:
    """A form as a text: (a, {'h': b})."""
    letters = iter("abcdefghijklmnopqrstuvwxyz" * 100)

    def written(part: Nest) -> str:
        if isinstance(part, int):
            return next(letters)
        kind, keys, parts = part
        inner = [written(p) for p in parts]
        if kind == "dict":
            return "{" + ", ".join(f"{k!r}: {v}" for k, v in zip(keys, inner, strict=True)) + "}"
        return f"[{', '.join(inner)}]" if kind == "list" else f"({', '.join(inner)})"

    return written(nest)


def loop_of(
    frame: Frame,
    following: Sequence[Expr],
    outputs: Sequence[Expr],
    length: Dim,
    reverse: bool,
    parameters: Sequence[Expr] | None = None,
) -> ScanLoop:
    """The loop of a step; its parameters are the other symbols, where none are given.

    Raises
    ------
    ShapeError, DTypeError
        If the next carry differs from the carry, or an output holds no floats.
    """
    after = []
    for i, (c, e) in enumerate(zip(frame.carries, following, strict=True)):
        which = f"part {i} of the carry" if len(frame.carries) > 1 else "the carry"
        if e.shape != c.shape:
            raise ShapeError(
                f"{which} has shape {show_shape(c.shape)} in init and {show_shape(e.shape)} behind a step;"
                " give init the shape that the step makes"
            )
        if e.ty.weak:
            e = cast(e, c.ty)
        if e.dtype != c.dtype:
            raise DTypeError(
                f"{which} has dtype {c.dtype} in init and {e.dtype} behind a step; give init the dtype"
                " that the step makes, or cast in the step with astype"
            )
        after.append(e)
    for e in outputs:
        if e.dtype.kind != "f" and not e.ty.weak:
            raise DTypeError(
                f"an output of the step of scan has dtype {e.dtype}; only floating values are outputs:"
                " write astype(y, float)"
            )
    outputs = [_carried(e) for e in outputs]
    if parameters is None:
        bound = {*frame.carries, *frame.elements}
        parameters = [x for x in free_symbols(*after, *outputs) if x not in bound]
    everything = [*frame.carries, *frame.elements, *parameters, *outputs]
    return ScanLoop(
        tuple(frame.carries),
        tuple(frame.elements),
        tuple(parameters),
        tuple(after),
        tuple(outputs),
        length,
        bool(reverse),
        sizes_of(everything),
        RULES,
    )
