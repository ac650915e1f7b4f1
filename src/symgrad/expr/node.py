"""`Expr`: the immutable, interned node that every graph is made of.

Two nodes with the same op, operands and parameters are one object, so ``is`` is structural equality.
The table of live nodes holds them weakly. Operators (``+``, ``@``, ``[]``, comparisons) and the NumPy
protocols are attached by `symgrad.ops.operators`, the layer that knows the ops.
"""

from __future__ import annotations

import threading
import weakref
from collections import deque
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from symgrad.expr.dims import Shape
from symgrad.expr.interval import Interval
from symgrad.expr.members import Members
from symgrad.expr.order import text_of
from symgrad.expr.types import Ty

if TYPE_CHECKING:
    from symgrad.expr.op import Op


LARGE = 1000  # nodes of a tree beyond which they are not counted
# What the library notes on a node: no business of users
_NOTED = frozenset(
    ("digest", "form", "order", "order_text", "range", "size_as_tree", "symmetric", "ty")
)


class _Draft(Members):
    """An `Expr` that can still be written to; `make` turns it into the immutable kind."""

    __slots__ = (
        "__weakref__",
        "args",
        "digest",
        "form",
        "op",
        "order_text",
        "params",
        "range",
        "shape",
        "size_as_tree",
        "symmetric",
        "ty",
    )

    op: Op
    args: tuple[Expr, ...]
    params: Any  # a tuple, of named fields where the op has some
    order_text: str
    digest: bytes
    shape: Shape
    size_as_tree: int
    symmetric: bool | None
    form: Expr
    range: Interval
    ty: Ty


class Expr(_Draft):
    """One node of an expression graph.

    Attributes
    ----------
    op : Op
        What the node does: the record that knows its shape, derivative, code and notation.
    args : tuple of Expr
        The operands.
    params : tuple
        Static parameters, hashable (axes, labels, a leaf's name or value), by name where `Op.fields`
        says so.
    order_text : str
        The text by which it is sorted among the factors of a product, and `digest` that which tells it
        apart from nodes of the same text; both empty until `symgrad.expr.order` is asked for them.
    shape : tuple of int or str or DimExpr
        Extents; a name stands for an extent known at call time.
    size_as_tree : int
        Nodes of the formula written out, up to `LARGE`.
    symmetric : bool or None
        Whether it is known to be a symmetric matrix; None until somebody asks `is_symmetric`.
    form : Expr
        How it is read, where somebody looked for that (see `remembered_form`).
    range : Interval
        Where its values lie, once somebody asked `range_of`.

    Examples
    --------
    >>> import symgrad as sg
    >>> x = sg.symbol("x")
    >>> e = (x + 1) ** 2
    >>> print(e.shape, e.dtype, e.diff(x))
    () float64 2*(x + 1)
    """

    __slots__ = ()

    @property
    def dtype(self) -> np.dtype[Any]:
        """Element type, by NumPy 2 promotion; Python numbers count as int64 and float64."""
        return self.ty.dtype

    @property
    def order(self) -> str:
        """The text by which the node is sorted in products and sums; see `symgrad.expr.order`."""
        return self.order_text or text_of(self)

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def name(self) -> str | Any:
        """The name of a symbol or of a `named` expression, else None."""
        return self.op.label(self) if self.op.label else None

    def __setattr__(self, key: str, value: Any) -> NoReturn:
        raise AttributeError(f"expressions are immutable: cannot set {key!r}")

    def __delattr__(self, key: str) -> NoReturn:
        raise AttributeError(f"expressions are immutable: cannot delete {key!r}")

    __hash__ = object.__hash__

    def __copy__(self) -> Expr:
        return self

    def __deepcopy__(self, memo: Any) -> Expr:
        return self

    def __dir__(self) -> list[str]:
        """The members for users; what the library notes on a node is left out."""
        return [name for name in super().__dir__() if name not in _NOTED]

    if TYPE_CHECKING:
        # attached by symgrad.ops.operators, beside the members that a Variable has too

        @property
        def size(self) -> Any: ...
        def __rdivmod__(self, other: Any) -> tuple[Expr, Expr]: ...
        def __divmod__(self, other: Any) -> tuple[Expr, Expr]: ...
        def __xor__(self, other: Any) -> Expr: ...
        def __rxor__(self, other: Any) -> Expr: ...
        def __lt__(self, other: Any) -> Expr: ...
        def __le__(self, other: Any) -> Expr: ...
        def __gt__(self, other: Any) -> Expr: ...
        def __ge__(self, other: Any) -> Expr: ...
        def __eq__(self, other: object) -> Expr: ...  # type: ignore[override]
        def __ne__(self, other: object) -> Expr: ...  # type: ignore[override]
        def __contains__(self, key: Any) -> bool: ...
        def __complex__(self) -> complex: ...
        def __index__(self) -> int: ...
        def __floor__(self) -> Expr: ...
        def __ceil__(self) -> Expr: ...
        def __trunc__(self) -> Expr: ...
        def _repr_latex_(self) -> str: ...
        def any(
            self, axis: Any = None, out: Any = None, keepdims: bool = False, *, where: Any = None
        ) -> Expr: ...
        def all(
            self, axis: Any = None, out: Any = None, keepdims: bool = False, *, where: Any = None
        ) -> Expr: ...
        def argsort(
            self, axis: Any = -1, kind: Any = None, order: Any = None, *, stable: Any = None
        ) -> Expr: ...
        def sort(
            self, axis: Any = -1, kind: Any = None, order: Any = None, *, stable: Any = None
        ) -> Expr: ...
        def compress(self, condition: Any, axis: int | None = None, out: Any = None) -> Expr: ...
        def diff(self, *variables: Any, n: int | None = None, as_sympy: bool = False) -> Expr: ...
        def subs(self, *given: Any) -> Expr: ...
        def evalf(self, n: int = 15, subs: Any = None) -> Any: ...


class _Entry(weakref.ref[Expr]):
    """A weak reference that knows its key in the table."""

    __slots__ = ("key",)
    key: tuple[Any, ...]


# Keys hold the identities of operands, which a node keeps alive; the table alone keeps none. The entry of a
# node that is gone is noted by a built-in function, and taken out when the next node is made: Python code
# called by the garbage collector would swallow a KeyboardInterrupt that comes at that moment.
_table: dict[tuple[Any, ...], _Entry] = {}
_gone: deque[_Entry] = deque()
_lock = threading.RLock()


def _sweep() -> None:
    """Take the entries of nodes that are gone out of the table."""
    with _lock:
        while _gone:
            entry = _gone[0]
            if _table.get(entry.key) is entry:
                del _table[entry.key]
            _gone.popleft()


def make(op: Op, args: tuple[Expr, ...], params: tuple[Any, ...], shape: Shape, ty: Ty) -> Expr:
    """The one node with this op, these operands and parameters; made if there is none yet.

    Operands of a commutative op are matched in any order; the node keeps the order in which it was first
    made. The constructors of products bring factors into the canonical order before; terms of a sum stay
    as they are, since their order decides what cancels in floats, and the printers sort them.
    """
    key: tuple[Any, ...]
    if not op.commutative:
        operands, rest = (args, params) if op.key is None else op.key(args, params)
        key = (op, tuple([id(arg) for arg in operands]), rest)
    elif len(args) == 2:
        a, b = id(args[0]), id(args[1])
        key = (op, (a, b) if a <= b else (b, a), params)
    else:
        key = (op, tuple(sorted([id(arg) for arg in args])), params)
    entry = _table.get(key)
    if entry is not None:
        found = entry()
        if found is not None:
            return found
    if _gone:
        _sweep()
    if op.fields is not None and params.__class__ is tuple:
        params = op.fields(*params)
    draft = _Draft()
    draft.op = op
    draft.args = args
    draft.params = params
    draft.shape = shape
    draft.ty = ty
    draft.symmetric = None
    draft.order_text = ""
    draft.digest = b""
    size = 1
    for arg in args:
        size += arg.size_as_tree
    draft.size_as_tree = size if size < LARGE else LARGE
    draft.__class__ = Expr
    node: Expr = draft  # type: ignore[assignment]
    entry = _Entry(node, _gone.append)
    entry.key = key
    with _lock:
        rival = _table.get(key)
        if rival is not None:
            found = rival()
            if found is not None:
                return found
        _table[key] = entry
    return node


def remember_symmetry(node: Expr, symmetric: bool) -> None:
    """Keep with a node what is known of it, so that it is found out once."""
    _Draft.symmetric.__set__(node, symmetric)  # type: ignore[misc, union-attr]


def remember_form(node: Expr, form: Expr) -> None:
    """Keep with a node the form in which it is read, so that it is searched once."""
    _Draft.form.__set__(node, form)  # type: ignore[attr-defined, misc]


def remembered_form(node: Expr) -> Expr | None:
    """The form in which a node is read, or None where nobody has looked for it."""
    return getattr(node, "form", None)


def remember_range(node: Expr, interval: Interval) -> None:
    """Keep with a node where its values lie, so that it is found out once."""
    _Draft.range.__set__(node, interval)  # type: ignore[attr-defined, misc]


def remembered_range(node: Expr) -> Interval | None:
    """Where the values of a node lie, or None where nobody has asked for it."""
    return getattr(node, "range", None)


def live_nodes() -> int:
    """How many nodes are alive in this process."""
    _sweep()
    return len(_table)
