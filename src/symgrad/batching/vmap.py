"""`vmap`: the formula of one problem becomes the formula of a batch of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from symgrad.batching.rules import batched_node
from symgrad.calls import checked
from symgrad.errors import ArgumentError, ShapeError
from symgrad.expr.dims import Dim, as_dim, show_shape
from symgrad.expr.leaves import SYMBOL
from symgrad.expr.node import Expr
from symgrad.expr.pytrees import flatten, rebuild_nest
from symgrad.expr.rewriting import Images, walked
from symgrad.expr.traverse import check_symbols
from symgrad.ops.batch import carrying
from symgrad.ops.elementwise import adopted, as_expr


@checked
def vmap(outputs: Any, over: Mapping[Expr, Any]) -> Any:
    """`outputs` for a batch of problems at once: one more axis in front of chosen symbols.

    The axis goes through the graph as a label of products and a leading axis of everything else, so
    that many small problems are one call of array code. Linear in the size of the graph; can be
    nested, and applied to gradients, Jacobians and Hessians.

    Parameters
    ----------
    outputs : Expr, or nest of lists, tuples and dicts of Expr
    over : mapping from symbol to extent or Expr
        The symbols that differ from problem to problem. With an extent, an int or a name such as
        ``"b"``, a symbol x is replaced by the symbol of the same name and assumptions and of shape
        ``("b", *x.shape)``, which is what ``sg.symbol(x.name, ("b", *x.shape))`` gives. With an
        expression of that shape, by the expression. All have one extent.

    Returns
    -------
    Expr or nest of Expr
        In the form of `outputs`, each with the batch axis first. What does not depend on the batch is
        repeated along it.

    Raises
    ------
    ArgumentError
        If there is nothing to batch over, a key is no symbol, or an op has no batched form: the message
        names it. Ops of this library all have one; ``lstsq`` of a batch of matrices is ``pinv(a) @ b``.
    ShapeError
        If the extents differ, or an expression lacks the batch axis.

    Examples
    --------
    >>> import numpy as np, symgrad as sg
    >>> A, x = sg.matrix("A", (2, 2)), sg.vector("x", 2)
    >>> f = x @ A @ x
    >>> many = sg.vmap([f, sg.grad(f, x)], over={x: "b"})
    >>> [e.shape for e in many]
    [('b',), ('b', 2)]
    >>> values, slopes = sg.lambdify([A, sg.symbol("x", ("b", 2))], many)(np.eye(2), np.ones((3, 2)))
    >>> values.tolist(), slopes.shape
    ([2.0, 2.0, 2.0], (3, 2))
    """
    leaves, nest = flatten(outputs, as_expr)
    known, dim = _replacements(over)
    batched = set(known)

    def step(node: Expr, image: Images) -> Expr:
        carries = [arg in batched for arg in node.args]
        if not any(carries):
            return node
        batched.add(node)
        return batched_node(node, list(image.of(node.args)), carries, dim)

    image = walked(leaves, step, Images(known))
    results = [image[y] if y in batched else carrying(y, dim) for y in leaves]
    return rebuild_nest(nest, results)


def _replacements(over: Mapping[Expr, Any]) -> tuple[dict[Expr, Expr], Dim]:
    """What stands for each symbol, and the extent of the batch."""
    if not isinstance(over, Mapping) or not over:
        raise ArgumentError(
            f"vmap needs the symbols to batch over, such as over={{x: 'b'}}, not {over!r}"
        )
    given = {adopted(x): value for x, value in over.items()}
    check_symbols(given, "a key of `over`")
    known = {x: _replacement(x, value) for x, value in given.items()}
    extents = {y.shape[0]: x for x, y in known.items()}
    if len(extents) > 1:
        listing = ", ".join(f"{x.name}: {dim}" for dim, x in extents.items())
        raise ShapeError(f"vmap has one batch axis, but the extents in `over` differ: {listing}")
    return known, next(iter(extents))


def _replacement(x: Expr, value: Any) -> Expr:
    if not isinstance(value, Expr):
        name, shape, ty, held, tag = x.params
        return SYMBOL.build((), (name, (as_dim(value), *shape), ty, held, tag))
    if value.ndim != x.ndim + 1 or value.shape[1:] != x.shape:
        raise ShapeError(
            f"the batch of {x.name} has shape {show_shape(value.shape)}, needs one axis before"
            f" {show_shape(x.shape)}"
        )
    return value
