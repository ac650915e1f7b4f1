"""Functions whose results are put together from computed parts: structured or sparse matrices."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any

from symgrad.calls import checked
from symgrad.compile.documented import Documented
from symgrad.compile.function import CompiledFunction
from symgrad.errors import ArgumentError
from symgrad.expr.node import Expr
from symgrad.expr.pytrees import Nest, flatten, is_block_form, rebuild_nest
from symgrad.ops.elementwise import as_expr
from symgrad.print.coloured import coloured
from symgrad.structure.forms import DenseForm, Recipe
from symgrad.structure.operators import Block
from symgrad.structure.recognise import describe, form_of


class AssembledFunction:
    """A compiled function that returns structured or sparse matrices; made by `lambdify`.

    Attributes
    ----------
    parts : CompiledFunction
        Computes what the results are made of, as a flat list.
    outputs : Expr or nest of Expr
        What is computed.

    Examples
    --------
    >>> import numpy as np
    >>> import symgrad as sg
    >>> v = sg.vector("v", 3)
    >>> f = sg.lambdify(v, sg.hessian(sg.sum(v**3), v), structured=True)
    >>> print(f([1.0, 2.0, 3.0]) @ np.ones(3))
    [ 6. 12. 18.]
    """

    __doc__ = Documented(__doc__, lambda function: function.parts.__doc__)

    def __init__(
        self,
        parts: CompiledFunction,
        recipes: Sequence[Recipe],
        leaves: Sequence[Expr],
        nest: Nest,
    ) -> None:
        self.parts = parts
        self._recipes = tuple(recipes)
        self._counts = tuple(len(r.parts) for r in recipes)
        self._leaves = tuple(leaves)
        self._nest = nest
        self.__name__ = parts.__name__
        self.__signature__ = parts.__signature__

    @property
    def args(self) -> tuple[Expr, ...]:
        """The symbols, in the order of the arguments."""
        return self.parts.args

    @property
    def outputs(self) -> Any:
        """What is computed, in the form in which it was given."""
        return rebuild_nest(self._nest, self._leaves)

    @property
    def source(self) -> str:
        """The NumPy code that computes the parts."""
        return self.parts.source

    @checked
    def explain(self) -> str:
        """How each output is put together, and what was done to its parts."""
        lines = [f"output {k}: {describe(recipe)}" for k, recipe in enumerate(self._recipes)]
        return "\n".join([*lines, "", self.parts.explain()])

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        computed = self.parts(*args, **kwargs)
        if self._nest == 0:  # a single output
            return self._recipes[0].assemble(*computed)
        values = iter(computed)
        pairs = zip(self._recipes, self._counts, strict=True)
        made = [recipe.assemble(*islice(values, count)) for recipe, count in pairs]
        return rebuild_nest(self._nest, made)

    def _repr_html_(self) -> str:
        """The code, for notebooks."""
        return coloured(self.source)

    def __repr__(self) -> str:
        names = ", ".join(str(x.name) for x in self.args)
        return f"<AssembledFunction {self.__name__}({names})>"


class _Blocks(AssembledFunction):
    """An assembled function whose outputs are the blocks of one matrix."""

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        return Block(super().__call__(*args, **kwargs))


def assembled(
    compiled: Callable[[list[Expr]], CompiledFunction],
    outputs: Any,
    structured: bool,
    sparse: str | None,
) -> AssembledFunction:
    """The function with structured or sparse results, over a compiler of its parts.

    Raises
    ------
    ArgumentError
        For both at once, an unknown sparse format, or without SciPy.
    """
    if structured and sparse is not None:
        raise ArgumentError("results are structured or sparse, not both: drop one of the options")
    make: Callable[[Expr], Recipe] = _structured
    if sparse is not None:
        from symgrad.interop.scipy_sparse import recipe_of  # noqa: PLC0415 (an extra)

        outputs, make = recipe_of(outputs, sparse)
    leaves, nest = flatten(outputs, as_expr)
    recipes = [make(y) for y in leaves]
    parts = compiled([part for recipe in recipes for part in recipe.parts])
    kind = (
        _Blocks
        if structured and is_block_form(nest, [y.shape for y in leaves])
        else AssembledFunction
    )
    return kind(parts, recipes, leaves, nest)


def _structured(y: Expr) -> Recipe:
    form = form_of(y)
    return DenseForm(y) if form is None else form
