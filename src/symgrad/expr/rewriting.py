"""The one walk by which graphs are rewritten: operands first, each node once, by tables from ops to steps.

A pass says what becomes of nodes of certain ops; all other nodes are made over the images of their
operands, and stay themselves where those did. A graph that holds none of these ops is not walked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from symgrad.expr.dims import Dim
from symgrad.expr.node import Expr
from symgrad.expr.op import Op
from symgrad.expr.traverse import Roots, as_roots, ops_of, rebuild, toposort, uses_of

Change = Callable[[Expr], Expr]
"""What becomes of a node over the images of its operands."""


class Images(dict[Expr, Expr]):
    """What the nodes of a graph became; those of the operands of a node are there before its own."""

    def over(self, node: Expr) -> Expr:
        """The node over the images of its operands."""
        return rebuild(node, tuple([self[arg] for arg in node.args]))

    def complete(self, roots: Iterable[Expr]) -> None:
        """Add the images of nodes, and of what they need, to those that there are.

        What is new costs time, however many images there are.
        """
        stack = [root for root in roots if root not in self]
        while stack:
            node = stack[-1]
            waiting = [arg for arg in node.args if arg not in self]
            if waiting:
                stack += waiting
            else:
                stack.pop()
                self[node] = self.over(node)

    def of(self, nodes: Iterable[Expr]) -> tuple[Expr, ...]:
        """The images of some nodes."""
        return tuple([self[node] for node in nodes])


class PartImages(Images):
    """Images of a part of a graph: a node that is not in it is its own image."""

    def __missing__(self, node: Expr) -> Expr:
        return node


class CountedImages(Images):
    """Images, and in how many places each is needed, as far as the walk has come."""

    def __init__(self, roots: Sequence[Expr]) -> None:
        super().__init__()
        self._uses = uses_of(roots)
        self._needed: dict[Expr, int] = {}

    def __setitem__(self, node: Expr, image: Expr) -> None:
        super().__setitem__(node, image)
        self._needed[image] = self._needed.get(image, 0) + self._uses[node]

    def alone(self, image: Expr) -> bool:
        """Whether an image is needed in one place."""
        return self._needed.get(image) == 1


Step = Callable[[Expr, Images], Expr | None]
"""The image of a node from those of its operands; None where it is that over them."""

NO_STEPS: Final[Mapping[Op, Step]] = {}
NO_CHANGES: Final[Mapping[Op, Change]] = {}


def rewritten(
    roots: Sequence[Expr],
    changes: Mapping[Op, Change] = NO_CHANGES,
    *,
    steps: Mapping[Op, Step] = NO_STEPS,
    image: Images | None = None,
) -> Sequence[Expr]:
    """The roots after one walk; they themselves where nothing has changed.

    Parameters
    ----------
    roots : sequence of Expr
    changes : mapping from Op to Change
        What becomes of nodes of an op over the images of their operands.
    steps : mapping from Op to Step
        What makes the image of a node of an op as it was, from the images; these come first.
    image : Images, optional
        Where the images are kept, those there are being fixed.
    """
    roots = as_roots(roots)
    ops = ops_of(roots)
    if not image and ops.isdisjoint(changes) and ops.isdisjoint(steps):
        return roots
    image = Images() if image is None else image
    walk(toposort(roots, skip=image), image, changes.get, steps.get)
    return images(roots, image)


def images(roots: Sequence[Expr], image: Mapping[Expr, Expr]) -> Sequence[Expr]:
    """What the roots became; they themselves where none has changed."""
    found = [image[root] for root in roots]
    return roots if all(a is b for a, b in zip(found, roots, strict=True)) else Roots(found)


def transform(
    roots: Iterable[Expr], change: Change, known: Mapping[Expr, Expr] | None = None
) -> Images:
    """The image of every node that the roots need, `change` applied to each that was made.

    `known` fixes images beforehand.
    """
    image = Images(known or {})
    walk(toposort(roots, skip=image), image, lambda op: change)
    return image


def walked(roots: Iterable[Expr], step: Step, image: Images) -> Images:
    """The images, with that of every node that the roots need, each made by `step`."""
    walk(toposort(roots, skip=image), image, step_of=lambda op: step)
    return image


def walk(
    order: Iterable[Expr],
    image: Images,
    change_of: Callable[[Op], Change | None] = NO_CHANGES.get,
    step_of: Callable[[Op], Step | None] = NO_STEPS.get,
) -> None:
    """Add the images of the nodes of a topological order."""
    for node in order:
        step = step_of(node.op)
        made = None if step is None else step(node, image)
        if made is None:
            made = node
            for arg in node.args:
                if image[arg] is not arg:
                    made = image.over(node)
                    break
            change = change_of(made.op)
            if change is not None:
                made = change(made)
        image[node] = made


def replace(
    roots: Iterable[Expr],
    known: Mapping[Expr, Expr],
    dims: Mapping[str, Dim],
    remake: Callable[[Expr, tuple[Expr, ...]], Expr] = rebuild,
) -> list[Expr]:
    """The roots with nodes exchanged for others, and dim names for other extents.

    `remake` makes a node over other operands.
    """
    roots = list(roots)

    def rename(name: str) -> Dim:
        return dims.get(name, name)

    def step(node: Expr, image: Images) -> Expr:
        args = image.of(node.args)
        params = node.op.map_dims(node.params, rename) if dims else node.params
        if params is node.params or params == node.params:
            return remake(node, args)
        return node.op.build(args, params)

    return list(walked(roots, step, Images(known)).of(roots))
