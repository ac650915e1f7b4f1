"""The factory of elementwise ops: one record per function, made from its derivative and its names."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from inspect import Parameter, Signature
from typing import Any, Final, overload

import numpy as np

from symgrad.errors import ArgumentError, DTypeError, ShapeError
from symgrad.expr.dims import Shape, show_shape
from symgrad.expr.interval import Interval
from symgrad.expr.leaves import constant, is_number, number, value_of
from symgrad.expr.node import Expr, make
from symgrad.expr.numbers import as_float, is_exact
from symgrad.expr.op import Op, Params
from symgrad.expr.order import FUNCTION
from symgrad.expr.rewriting import Images, walked
from symgrad.expr.types import BOOL, FLOAT, WEAK_FLOAT, Ty, promote, resolve
from symgrad.ops.arithmetic import MUL, mul
from symgrad.ops.einsum import broadcast, broadcast_all, insert_axes
from symgrad.ops.examples import with_example
from symgrad.ops.layout import concat
from symgrad.ops.lifted import W
from symgrad.ops.reshaping import reshape_to

Derivative = Callable[..., Expr | None]
OPERANDS: Final = ("x", "y", "z")
_AS_NUMPY: Final = "Elementwise ``{}``, as NumPy defines it."


def as_expr(value: Any) -> Expr:
    """An operand as an expression; numbers and arrays become constants.

    Raises
    ------
    DTypeError
        For what is neither an expression nor numeric.
    """
    kind = value.__class__
    if kind is Expr:
        return value  # type: ignore[no-any-return]
    if kind is int or kind is float:
        return number(value)
    if isinstance(value, (list, tuple)) and any(isinstance(v, Expr) for v in value):
        raise DTypeError(
            "a list that holds expressions is no operand; write symgrad.stack([...]) to make a vector"
        )
    if hasattr(kind, "__symgrad_lift__"):
        raise DTypeError(
            f"a {kind.__name__} would lose its gradient here; give its formula, x.expr, or its data"
        )
    if isinstance(value, np.ndarray) and value.dtype == object:
        return _joined(value)
    return constant(adopted(value))


def _joined(array: np.ndarray[Any, Any]) -> Expr:
    """An array of Python objects, expressions and numbers, as one expression; a scalar is its entry.

    Raises
    ------
    ShapeError
        If entries that are arrays themselves have different shapes.
    """
    entries = [as_expr(entry) for entry in array.ravel().tolist()]
    if not entries:
        return number(0.0, array.shape, FLOAT)
    shape = entries[0].shape
    for entry in entries:
        if entry.shape != shape:
            raise ShapeError(
                f"an object array holds expressions of shape {show_shape(shape)} and"
                f" {show_shape(entry.shape)}; entries must have one shape"
            )
    if not array.ndim:
        return entries[0]
    return reshape_to(
        concat([insert_axes(entry, (0,)) for entry in entries], 0), (*array.shape, *shape)
    )


def over_arrays(exprs: Sequence[Expr], known: Mapping[Expr, Expr], shape: Shape) -> list[Expr]:
    """Formulas of scalars entry by entry over arrays, which `known` has for the symbols."""

    def step(node: Expr, image: Images) -> Expr:
        args = tuple(broadcast_all(image.of(node.args)))
        return node.op.build(args, node.params) if args else node

    image = walked(exprs, step, Images(known))
    return [broadcast(image[e], shape) for e in exprs]


def formula_of(value: Any) -> Any:
    """The formula of what wraps one, such as a Variable; everything else as it is."""
    return value.expr if hasattr(value.__class__, "__symgrad_lift__") else value


def adopted(value: Any) -> Any:
    """A SymPy object as an expression; everything else as it is."""
    if not any((t.__module__ or "").startswith("sympy.") for t in value.__class__.__mro__):
        return value
    # the one import of an upper layer: whoever holds a SymPy object has SymPy loaded already
    from symgrad.interop.sympy import from_sympy  # noqa: PLC0415

    return from_sympy(value)


def lift_of(args: Sequence[Any]) -> Callable[..., Any] | None:
    """The hook of the first argument (or list entry) that wants to carry the call out itself.

    A class that wraps expressions, such as `Variable`, defines ``__symgrad_lift__(function, args,
    kwargs)``; every public function asks for it before it converts what is not an expression.
    """
    for arg in args:
        kind = arg.__class__
        if kind is Expr:
            continue
        nested = kind is list or kind is tuple or isinstance(arg, (list, tuple))
        lift = lift_of(arg) if nested else getattr(kind, "__symgrad_lift__", None)
        if lift is not None:
            return lift
    return None


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class Elementwise(Op):
    """An op that acts on each entry alone; calling it builds a node.

    Attributes
    ----------
    arity : int
        Number of operands.
    derivative : tuple of callable
        Per operand ``derivative(g, y, *operands)``: `g` times the partial derivative, built from ops
        of this library; None where the derivative is zero everywhere it exists.
    ufunc : numpy.ufunc or None
        The NumPy function whose type resolution holds; None for floating promotion.
    parity : str or None
        "even" or "odd", for functions of one operand.
    exact : dict or callable
        The arguments at which the value is an exact number, with these values; or a function of exact
        numbers, which gives None where the value is no exact number. A comparison's takes floats too.
    """

    arity: int = 1
    derivative: tuple[Derivative | None, ...] = ()
    ufunc: np.ufunc | None = None
    parity: str | None = None
    exact: dict[Any, Any] | Callable[..., Any] = field(default_factory=dict)
    types: dict[Any, Ty] = field(default_factory=dict)

    @overload
    def __call__(self, x: W, /, *operands: Any) -> W: ...
    @overload
    def __call__(self, x: Any, y: W, /, *operands: Any) -> W: ...
    @overload
    def __call__(self, *operands: Any) -> Expr: ...
    def __call__(self, *args: Any, **unknown: Any) -> Any:
        if unknown:
            raise ArgumentError(
                f"{self.name} has no argument {next(iter(unknown))!r}: it takes its operands alone, by"
                " position, since it makes a formula; the compiled function takes out="
            )
        if len(args) != self.arity:
            raise ArgumentError(
                f"{self.name} takes {self.arity} operand{'s' * (self.arity > 1)}, got {len(args)}"
            )
        for arg in args:
            if arg.__class__ is not Expr:
                lift = lift_of(args)
                if lift is not None:
                    return lift(self, args, {})
                args = tuple([as_expr(a) for a in args])
                break
        if self.arity > 1:
            args = tuple(broadcast_all(args))
        return self.build(args, ())

    def type_of(self, types: tuple[Ty, ...]) -> Ty:
        """The element type of the result, resolved once per combination."""
        ty = self.types.get(types)
        if ty is None:
            ty = self.types[types] = self._resolve(types)
        return ty

    def _resolve(self, types: tuple[Ty, ...]) -> Ty:
        if self.ufunc is not None:
            return resolve(self.ufunc, types)
        return resolve(np.true_divide, (promote(*types), WEAK_FLOAT))


def elementwise(
    name: str,
    *,
    derivative: Derivative | Sequence[Derivative | None] | None,
    numpy: str,
    scalar: str | None = None,
    latex: str | None = None,
    sympy: Callable[..., Any] | None = None,
    domain: Any = ((-3.0, 3.0),),
    special: Sequence[float] = (),
    range: Interval | Callable[..., Interval] | None = None,
    arity: int | None = None,
    ufunc: np.ufunc | None = None,
    parity: str | None = None,
    exact: dict[Any, Any] | Callable[..., Any] | None = None,
    text: str | None = None,
    notes: str = "",
    doc: str = "",
    commutative: bool = False,
    order: str = FUNCTION,
    kind: type[Elementwise] = Elementwise,
    **fields: Any,
) -> Elementwise:
    """Make the record of one elementwise function; see `Op` and `Elementwise` for the fields.

    `fields` are those of `Op` that have a default for functions of entries: `cost`, `singular`, `entries`,
    `unrolled` and others.
    `derivative` is one function, or one per operand; a None entry is a derivative that is zero.
    """
    rules: tuple[Derivative | None, ...]
    if derivative is None:
        rules = (None,) * (arity or 1)
    elif callable(derivative):
        rules = (derivative,)
    else:
        rules = tuple(derivative)
    if domain and not isinstance(domain[0], (tuple, list)):
        domain = (domain,)
    op = kind(
        name=name,
        arity=len(rules),
        derivative=rules,
        build=lambda args, params: _build(op, args),
        infer=lambda args, params: _infer(op, args, params),
        vjp=lambda g, y, needed: _cotangents(op, g, y, needed),
        commutative=commutative,
        order=order,
        elementwise=True,
        numpy=numpy,
        scalar=scalar,
        text=text,
        latex=latex,
        sympy=sympy,
        domain=tuple(tuple(d) for d in domain) * (len(rules) if len(domain) == 1 else 1),
        special=tuple(special),
        range=range,
        ufunc=ufunc,
        parity=parity,
        exact=exact or {},
        notes=notes,
        **fields,
    )
    object.__setattr__(op, "__name__", name)
    signature = _signature(len(rules))
    object.__setattr__(op, "__signature__", signature)
    text = _doc(f"{name}{signature}", doc or _AS_NUMPY.format(name), notes, len(rules))
    object.__setattr__(op, "__doc__", with_example(name, text))
    return op


def _signature(arity: int) -> Signature:
    """The operands of a function, by position only, as NumPy's ufuncs have them."""
    names = OPERANDS[:arity] if arity <= len(OPERANDS) else [f"x{i}" for i in range(1, arity + 1)]
    return Signature([Parameter(name, Parameter.POSITIONAL_ONLY) for name in names])


def _doc(call: str, head: str, notes: str, arity: int) -> str:
    shape = "the operand" if arity == 1 else "to which the operands broadcast"
    lines = [call, "", head, "", "Numbers and arrays are taken as constants."]
    if notes:
        lines += ["", notes]
    lines += ["", "Returns", "-------", f"Expr of the shape {'of ' * (arity == 1)}{shape}."]
    lines += ["", "Raises", "------", "DTypeError"]
    lines.append("    For an operand that is neither an expression nor numeric.")
    if arity > 1:
        lines += ["ShapeError", "    For operands whose shapes do not broadcast."]
    lines += ["ArgumentError", "    For another number of operands, or a keyword."]
    return "\n".join(lines)


def _infer(op: Elementwise, args: tuple[Expr, ...], params: Params) -> tuple[Shape, Ty]:
    return args[0].shape, op.type_of(tuple([a.ty for a in args]))


def _build(op: Elementwise, args: tuple[Expr, ...]) -> Expr:
    x = args[0]
    if is_number(x):
        folded = _fold(op, args)
        if folded is not None:
            return folded
    elif op.parity is not None and x.op is MUL:
        c = value_of(x.args[0])
        if c is not None and c < 0:
            return _by_parity(op, x)
    ty = op.types.get((x.ty,)) if len(args) == 1 else None
    if ty is None:
        ty = op.type_of(tuple([a.ty for a in args]))
    return make(op, args, (), x.shape, ty)


def _by_parity(op: Elementwise, x: Expr) -> Expr:
    """``f(-x)``: ``f(x)`` for an even function, ``-f(x)`` for an odd one."""
    positive = op.build((mul(number(-1, x.shape), x),), ())
    return positive if op.parity == "even" else mul(number(-1, x.shape), positive)


def _fold(op: Elementwise, args: tuple[Expr, ...]) -> Expr | None:
    """The value of the function at numbers: of floats computed, of exact numbers only if exact."""
    values = [value_of(a) for a in args]
    if any(v is None for v in values):
        return None
    shape, ty = args[0].shape, op.type_of(tuple([a.ty for a in args]))
    known = _exact_value(op, args, values, ty)
    if known is not None:
        return number(known, shape)
    if ty is not BOOL and not any(isinstance(v, float) for v in values):
        return None
    if op.ufunc is None:
        return None
    with np.errstate(all="ignore"):
        typed = [_as_typed(v, a.ty) for a, v in zip(args, values, strict=True)]
        found = op.ufunc(*typed)
        value = (found[0] if isinstance(found, tuple) else found).item()  # frexp has two results
    if isinstance(value, complex):
        return None
    return number(value, shape, None if ty.weak else ty)


def _exact_value(op: Elementwise, args: tuple[Expr, ...], values: list[Any], ty: Ty) -> Any:
    """The value at exact numbers where it is one; at Python's floats too for a comparison."""
    if not callable(op.exact):
        return op.exact.get(values[0]) if is_exact(values[0]) else None
    exact = all(map(is_exact, values)) or (
        ty is BOOL and not any(v is True or v is False for v in values)
    )
    return op.exact(*values) if exact and all(a.ty.weak for a in args) else None


def _as_typed(value: Any, ty: Ty) -> Any:
    """A number as a NumPy scalar of its type; as a float where the type does not hold it."""
    try:
        return ty.dtype.type(as_float(value) if isinstance(value, Fraction) else value)
    except OverflowError:
        return np.float64(as_float(value))


def _cotangents(op: Elementwise, g: Expr, y: Expr, needed: Sequence[bool]) -> list[Expr | None]:
    return [
        rule(g, y, *y.args) if rule is not None and wanted else None
        for rule, wanted in zip(op.derivative, needed, strict=True)
    ]
