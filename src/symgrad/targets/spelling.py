"""How a kind of instruction is written as Python code: one template for each, with its strength.

The tables here are all that knows NumPy's spelling. Templates of users, which only printing looks at, get
their strengths by `ast`. (A whole program is not built as an `ast`: to make one, write it out and read it
again takes four times as long as to fill in templates.)
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np

from symgrad.expr import kinds as k
from symgrad.expr.dims import Dim, Shape, map_dim
from symgrad.expr.kinds import Kind, Span
from symgrad.program.contraction import is_dot, is_matmul, is_tensordot, subscripts
from symgrad.program.ir import Loop

# Binding strengths of Python's operators; a template's operand is parenthesised below its need
LOOSE, COMPARE, SUM, PRODUCT, UNARY, POWER, ATOM = 0, 4, 9, 10, 11, 12, 13


@dataclass(frozen=True, slots=True)
class Spelling:
    """How a kind is written.

    Attributes
    ----------
    template : str
    strength : int
        Binding strength of the result.
    needs : tuple of int
        The strength that each operand must have to go without parentheses.
    repeats : bool
        Whether an operand occurs more than once, so that it must be a name.
    """

    template: str
    strength: int
    needs: tuple[int, ...]
    repeats: bool = False


def infix(sign: str, strength: int, left: int, right: int) -> Spelling:
    return Spelling(f"{{0}}{sign}{{1}}", strength, (left, right))


INFIX: Final[dict[str, Spelling]] = {
    "add": infix(" + ", SUM, SUM, PRODUCT),
    "subtract": infix(" - ", SUM, SUM, PRODUCT),
    "multiply": infix("*", PRODUCT, PRODUCT, UNARY),
    "divide": infix("/", PRODUCT, PRODUCT, UNARY),
    "power": infix("**", POWER, ATOM, UNARY),
    "negative": Spelling("-{0}", UNARY, (UNARY,)),
    **{
        name: infix(f" {sign} ", COMPARE, SUM, SUM)
        for name, sign in {
            "equal": "==",
            "not_equal": "!=",
            "less": "<",
            "less_equal": "<=",
            "greater": ">",
            "greater_equal": ">=",
        }.items()
    },
}
# NumPy's functions for reductions by a ufunc, and others that reduce
REDUCTIONS: Final = {
    "add": "np.sum",
    "multiply": "np.prod",
    "maximum": "np.max",
    "minimum": "np.min",
    "logical_or": "np.any",
    "logical_and": "np.all",
    "argmax": "np.argmax",
    "argmin": "np.argmin",
    "logsumexp": "_logsumexp",
    "largest": "_largest",
}


def dotted(ufunc: str) -> str:
    """The name of a ufunc in code."""
    return f"scipy.{ufunc}" if ufunc.startswith("special.") else f"np.{ufunc}"


def literal(value: Any) -> str:
    """A number as NumPy code."""
    if isinstance(value, float) and not np.isfinite(value):
        return "np.nan" if value != value else "np.inf" if value > 0 else "-np.inf"
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 2**63:
        return literal(float(value)) if abs(value) < 2**1023 else literal(np.inf)
    return repr(value)


class NumpySpelling:
    """The spelling of kinds in NumPy, with identifiers for the names of extents."""

    def __init__(self, dim_names: Mapping[str, str]) -> None:
        self.dim_names = dim_names

    def __call__(self, kind: Kind, count: int) -> Spelling:
        """How a kind is written over `count` operands."""
        if kind.dims():
            return _Speller(self).spelling(kind, count)
        return _spelled(kind, count)

    def extent(self, d: Dim) -> str:
        """The code of an extent."""
        return str(map_dim(d, self.dim_names.__getitem__))

    def shape(self, shape: Shape) -> str:
        """The code of a shape."""
        return tuple_code([self.extent(d) for d in shape])


@lru_cache(maxsize=4096)
def _spelled(kind: Kind, count: int) -> Spelling:
    return _Speller(NumpySpelling({})).spelling(kind, count)


class _Speller:
    """Writes one kind: `TABLE` has a method for each class."""

    def __init__(self, names: NumpySpelling) -> None:
        self.names = names
        self.operands: list[str] = []

    def spelling(self, kind: Kind, count: int) -> Spelling:
        self.operands = [f"{{{i}}}" for i in range(count)]
        made = TABLE[kind.__class__](self, kind)
        return made if isinstance(made, Spelling) else Spelling(made, ATOM, (LOOSE,) * count)

    def call(self, function: str, *more: str) -> str:
        """A call of the operands and of further arguments."""
        return f"{function}({', '.join([*self.operands, *more])})"

    # Numbers and functions of entries

    def typed(self, kind: k.Typed) -> str:
        text = repr(kind.value)
        return f"np.{kind.dtype}({text if text[-1].isdigit() else repr(text)})"  # 'inf', 'nan'

    def extent(self, kind: k.Extent) -> Spelling:
        text = self.names.extent(kind.dim)
        return Spelling(text, ATOM if text.isalnum() or text.isidentifier() else LOOSE, ())

    def per_extent(self, kind: k.PerExtent) -> Spelling:
        return Spelling("{0}/({1} or np.nan)", PRODUCT, (PRODUCT, LOOSE))

    def ufunc(self, kind: k.Ufunc) -> Spelling | str:
        return INFIX.get(kind.name) or self.call(dotted(kind.name))

    def cast(self, kind: k.Cast) -> str:
        return "np.asarray({0}, dtype)" if kind.dtype is None else self.call(f"np.{kind.dtype}")

    def written(self, kind: k.Written) -> Spelling:
        return spelling_of(kind.code, len(self.operands))

    # Reductions and products

    def reduce(self, kind: k.Reduce) -> str:
        return self.call(REDUCTIONS[kind.function], *axis_code(kind.axes))

    def contract(self, kind: k.Contract) -> Spelling | str:
        if is_matmul(kind):
            return infix(" @ ", PRODUCT, PRODUCT, UNARY)
        if is_dot(kind):
            return self.call("np.vdot")
        if is_tensordot(kind):
            a, b = kind.inputs
            summed = [n for n in a if n in b]
            axes = [a.index(n) for n in summed], [b.index(n) for n in summed]
            return self.call("np.tensordot", f"axes={axes}")
        text = subscripts(kind.inputs, kind.out)
        return f'np.einsum("{text}", {", ".join(self.operands)})'

    # Views

    def diagonal(self, kind: k.TakeDiagonal) -> str:
        if len(kind.labels) == 2:
            return self.call("np.diagonal")
        return f'np.einsum("{subscripts([kind.labels], kind.out)}", {{0}})'

    def transpose(self, kind: k.Transpose) -> Spelling | str:
        if kind.order == tuple(reversed(range(len(kind.order)))):
            return Spelling("{0}.T", ATOM, (ATOM,))
        return self.call("np.transpose", str(kind.order))

    def index(self, kind: k.Index) -> Spelling:
        return Spelling(f"{{0}}[{', '.join(map(self.entry, kind.entries))}]", ATOM, (ATOM,))

    def entry(self, entry: Any) -> str:
        """An entry of an index in brackets."""
        if entry is Ellipsis:
            return "..."
        if not isinstance(entry, Span):
            return str(entry)
        head, tail = ["" if d is None else self.names.extent(d) for d in entry[:2]]
        return f"{head}:{tail}" if entry.step == 1 else f"{head}:{tail}:{entry.step}"

    def squeeze(self, kind: k.Squeeze) -> str:
        return self.call("np.squeeze", *axis_code(kind.axes))

    def reshape(self, kind: k.Reshape) -> str:
        return self.call("np.reshape", self.names.shape(kind.shape))

    def broadcast(self, kind: k.Broadcast) -> str:
        return self.call("np.broadcast_to", self.names.shape(kind.shape))

    # Parts of arrays

    def place(self, kind: k.Place) -> str:
        shape = self.names.shape(kind.shape)
        places = [self.place_code(index) for index in kind.places]
        if len(places) == 1 and not kind.negative[0]:
            return self.call("_embed", shape, places[0])
        parts = [
            f"({x}, {place}, {negative})"
            for x, place, negative in zip(self.operands, places, kind.negative, strict=True)
        ]
        return f"_embed_sum({', '.join([shape, *parts])})"

    def place_code(self, index: Sequence[Any]) -> str:
        """An index as a tuple of ints and slices."""
        return tuple_code([self.slice(entry) for entry in index])

    def slice(self, entry: Any) -> str:
        if not isinstance(entry, Span):
            return str(entry)
        bounds = ["None" if d is None else self.names.extent(d) for d in entry[:2]]
        return f"slice({', '.join(bounds + [str(entry.step)] * (entry.step != 1))})"

    def on_diagonal(self, kind: k.OnDiagonal) -> str:
        labels = f'"{subscripts([kind.labels], kind.out)}"'
        return self.call("_on_diagonal", self.names.shape(kind.shape), labels)

    def concatenate(self, kind: k.Concatenate) -> str:
        axis = f", axis={kind.axis}" if kind.axis else ""
        return f"np.concatenate([{', '.join(self.operands)}]{axis})"

    def gather(self, kind: k.Gather) -> Spelling:
        x, *indices = self.operands
        return Spelling(f"{x}[{', '.join(indices)}]", ATOM, (ATOM, *[LOOSE] * len(indices)))

    def scatter(self, kind: k.Scatter) -> str:
        x, *indices = self.operands
        return f"_scatter_add({x}, {tuple_code(indices)}, {self.names.shape(kind.shape)})"

    # Calls

    def function(self, kind: k.Call) -> str:
        before = [self.value(v) for v in kind.before]
        return (
            f"{kind.function}({', '.join([*before, *self.operands, *self.options(kind.options)])})"
        )

    def method(self, kind: k.MethodCall) -> Spelling:
        x, *others = self.operands
        arguments = ", ".join([*others, *self.options(kind.options)])
        return Spelling(f"{x}.{kind.name}({arguments})", ATOM, (ATOM, *[LOOSE] * len(others)))

    def options(self, options: Sequence[tuple[str, Any]]) -> list[str]:
        return [f"{name}={self.value(value)}" for name, value in options]

    def value(self, value: Any) -> str:
        """An argument of a call."""
        if isinstance(value, k.Name):
            return value.text
        if isinstance(value, k.Extents):
            whole = isinstance(value.dims, tuple)
            return self.names.shape(value.dims) if whole else self.names.extent(value.dims)
        return f'"{value}"' if isinstance(value, str) else repr(value)

    def item(self, kind: k.Item) -> Spelling:
        return Spelling(f"{{0}}[{kind.number}]", ATOM, (ATOM,))

    # Loops and memory

    def loop(self, kind: Loop) -> str:
        extents = [self.names.extent(d) for d in kind.extents]
        operands = self.operands[: len(kind.operands)]
        targets = ["None" if t is None else self.operands[t] for t in kind.targets]
        return f"{kind.name}({', '.join([*extents, *operands, *targets])})"

    def into(self, kind: k.Into) -> str:
        inner, own, out = kind.kind, self.operands[: kind.arity], f"out={self.operands[kind.at]}"
        if isinstance(inner, k.Cast):
            function = "_cast"
        elif isinstance(inner, k.Ufunc):
            function = "_choice" if inner == k.WHERE else dotted(inner.name)
        elif isinstance(inner, k.Contract) and is_matmul(inner):
            function = "np.matmul"
        else:
            code = _Speller(self.names).spelling(inner, kind.arity).template
            return f"{code.removesuffix(')')}, {out})"
        return f"{function}({', '.join([*own, out])})"


TABLE: Final[dict[type[Kind], Callable[[_Speller, Any], Spelling | str]]] = {
    k.Typed: _Speller.typed,
    k.Extent: _Speller.extent,
    k.PerExtent: _Speller.per_extent,
    k.Ufunc: _Speller.ufunc,
    k.Cast: _Speller.cast,
    k.Written: _Speller.written,
    k.Reduce: _Speller.reduce,
    k.Contract: _Speller.contract,
    k.TakeDiagonal: _Speller.diagonal,
    k.Transpose: _Speller.transpose,
    k.Index: _Speller.index,
    k.Squeeze: _Speller.squeeze,
    k.Reshape: _Speller.reshape,
    k.Broadcast: _Speller.broadcast,
    k.Place: _Speller.place,
    k.OnDiagonal: _Speller.on_diagonal,
    k.Concatenate: _Speller.concatenate,
    k.Gather: _Speller.gather,
    k.Scatter: _Speller.scatter,
    k.Call: _Speller.function,
    k.MethodCall: _Speller.method,
    k.Item: _Speller.item,
    Loop: _Speller.loop,
    k.Into: _Speller.into,
}


def tuple_code(parts: Sequence[str]) -> str:
    """A tuple of parts as code."""
    return f"({parts[0]},)" if len(parts) == 1 else f"({', '.join(parts)})"


def axis_code(axes: tuple[int, ...] | None) -> list[str]:
    """The axis argument of a call; none for all axes."""
    return [] if axes is None else [f"axis={axes[0] if len(axes) == 1 else axes}"]


@lru_cache(maxsize=4096)
def spelling_of(template: str, count: int) -> Spelling:
    """The spelling that a template is; its strengths are read off its syntax tree."""
    names = [f"_operand{i}" for i in range(count)]
    tree = ast.parse(template.format(*names), mode="eval").body
    needs = [LOOSE] * count
    seen = [int(name == getattr(tree, "id", "")) for name in names]
    for parent in ast.walk(tree):
        for child in ast.iter_child_nodes(parent):
            index = _operand_index(child)
            if index is not None:
                seen[index] += 1
                needs[index] = max(needs[index], _need(parent, child))
    enclosed = tree.col_offset > 0  # in parentheses, which the tree does not hold
    atoms = (ast.Call, ast.Name, ast.Subscript, ast.Attribute, ast.List)
    atomic = enclosed or isinstance(tree, atoms)
    return Spelling(template, ATOM if atomic else LOOSE, tuple(needs), any(n > 1 for n in seen))


def _operand_index(node: ast.AST) -> int | None:
    match = re.fullmatch(r"_operand(\d+)", node.id) if isinstance(node, ast.Name) else None
    return int(match.group(1)) if match else None


def _need(parent: ast.AST, child: ast.AST) -> int:
    if isinstance(parent, ast.Call):
        return ATOM if parent.func is child else LOOSE
    if isinstance(parent, ast.Subscript):
        return ATOM if parent.value is child else LOOSE
    return LOOSE if isinstance(parent, (ast.List, ast.Tuple, ast.keyword)) else ATOM
