"""`scipy_problem`: a formula as the functions that SciPy's solvers call, over one flat vector.

SciPy itself is not needed here: what it asks for are NumPy functions.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from symgrad.autodiff.derivatives import grad, hessian, hvp, jacobian
from symgrad.compile.lambdify import lambdify
from symgrad.errors import ArgumentError, ShapeError
from symgrad.expr.dims import show_shape
from symgrad.expr.leaves import symbol
from symgrad.expr.masked import refuse_masked
from symgrad.expr.node import Expr
from symgrad.expr.traverse import check_symbols, free_symbols
from symgrad.ops.applied import with_functions
from symgrad.ops.elementwise import adopted, as_expr


class ScipyProblem:
    """A formula as functions of one flat vector; made by `scipy_problem`.

    Attributes
    ----------
    size : int
        The number of entries of all unknowns.
    unknowns, params : tuple of Expr
    """

    def __init__(self, outputs: list[Expr], unknowns: list[Expr], params: list[Expr]) -> None:
        self.unknowns = tuple(unknowns)
        self.params = tuple(params)
        self.scalar = len(outputs) == 1 and outputs[0].shape == ()
        self._shapes: list[tuple[int, ...]] = [_known_shape(x) for x in unknowns]
        self._sizes = [math.prod(shape) for shape in self._shapes]
        self._stops = np.cumsum([0, *self._sizes])
        self.size = int(self._stops[-1])
        self._outputs = outputs
        first = grad(outputs[0], unknowns) if self.scalar else jacobian(outputs, unknowns)
        self._first = lambdify([*unknowns, *params], [outputs, first])
        self._compiled: dict[str, Any] = {}
        self._known: dict[str, tuple[Any, Any]] = {}

    # What SciPy calls

    def fun(self, x: Any, *params: Any) -> Any:
        """The objective, a float; or the residuals, a vector."""
        value = self._cached("first", self._value_and_first, x, params)[0]
        return value if self.scalar else value.copy()

    def jac(self, x: Any, *params: Any) -> Any:
        """The gradient, a vector; or the Jacobian, a matrix with a column per unknown entry."""
        return self._cached("first", self._value_and_first, x, params)[1].copy()

    def hess(self, x: Any, *params: Any) -> Any:
        """The Hessian of an objective, a matrix."""
        self._needs_objective("hess")
        return self._cached("hess", self._hessian, x, params).copy()

    def hessp(self, x: Any, v: Any, *params: Any) -> Any:
        """The Hessian of an objective times a vector, without the matrix."""
        self._needs_objective("hessp")
        if "hessp" not in self._compiled:
            self._compiled["hessp"] = self._product()
        flat, direction = self._flat(x), self._flat(v)
        parts = self._compiled["hessp"](*self.unpack(flat), *self.unpack(direction), *params)
        return np.concatenate([np.ravel(part) for part in parts])

    # Between arrays and the flat vector

    def pack(self, *values: Any) -> Any:
        """The flat vector of values of the unknowns, in their order.

        Raises
        ------
        ShapeError
            Naming the unknown whose value does not have its shape.
        """
        if len(values) != len(self.unknowns):
            raise ArgumentError(
                f"pack takes one value per unknown, {len(self.unknowns)}, not {len(values)}"
            )
        for x, value in zip(self.unknowns, values, strict=True):
            refuse_masked(value, f"the value of {x.name}")
        arrays = [np.asarray(value, np.float64) for value in values]
        for x, shape, array in zip(self.unknowns, self._shapes, arrays, strict=True):
            if array.shape != shape:
                raise ShapeError(
                    f"the value of {x.name} has shape {show_shape(array.shape)}, needs"
                    f" {show_shape(shape)}"
                )
        return np.concatenate([array.ravel() for array in arrays])

    def unpack(self, x: Any) -> list[Any]:
        """The values of the unknowns in a flat vector: floats and arrays of their shapes."""
        flat = self._flat(x)
        return [
            flat[start:stop].reshape(shape) if shape else float(flat[start])
            for start, stop, shape in zip(
                self._stops[:-1], self._stops[1:], self._shapes, strict=True
            )
        ]

    def _flat(self, x: Any) -> Any:
        refuse_masked(x, "the vector of the unknowns")
        flat = np.asarray(x, np.float64)
        if flat.shape != (self.size,):
            names = ", ".join(str(x.name) for x in self.unknowns)
            raise ShapeError(
                f"the vector of {names} has shape {show_shape(flat.shape)}, needs ({self.size},)"
            )
        return flat

    # Evaluation

    def _cached(self, what: str, function: Any, x: Any, params: tuple[Any, ...]) -> Any:
        """``function(x, params)``, computed once as long as the arguments stay the same."""
        flat = self._flat(x)
        refuse_masked(params, "a parameter")
        arrays = [np.asarray(p) for p in params]
        key = (flat.tobytes(), [(a.shape, a.dtype.str, a.tobytes()) for a in arrays])
        known = self._known.get(what)
        if known is None or known[0] != key:
            known = self._known[what] = (key, function(flat, params))
        return known[1]

    def _value_and_first(self, flat: Any, params: tuple[Any, ...]) -> tuple[Any, Any]:
        values, derivatives = self._first(*self.unpack(flat), *params)
        if self.scalar:
            return float(values[0]), np.concatenate([np.ravel(d) for d in derivatives])
        rows = [
            np.concatenate([np.reshape(d, (np.size(value), -1)) for d in row], axis=1)
            for value, row in zip(values, derivatives, strict=True)
        ]
        return np.concatenate([np.ravel(value) for value in values]), np.concatenate(rows)

    def _hessian(self, flat: Any, params: tuple[Any, ...]) -> Any:
        if "hess" not in self._compiled:
            blocks = hessian(self._outputs[0], list(self.unknowns))
            self._compiled["hess"] = lambdify([*self.unknowns, *self.params], blocks)
        blocks = self._compiled["hess"](*self.unpack(flat), *params)
        rows = [
            np.concatenate(
                [np.reshape(b, (n, k)) for b, k in zip(row, self._sizes, strict=True)], 1
            )
            for row, n in zip(blocks, self._sizes, strict=True)
        ]
        return np.concatenate(rows)

    def _product(self) -> Any:
        taken = {x.name for x in (*self.unknowns, *self.params)}
        directions = []
        for x in self.unknowns:
            name = f"d{x.name}"
            while name in taken:
                name += "_"
            taken.add(name)
            directions.append(symbol(name, x.shape, dtype=x.dtype))
        product = hvp(self._outputs[0], list(self.unknowns), directions)
        return lambdify([*self.unknowns, *directions, *self.params], product)

    def _needs_objective(self, what: str) -> None:
        if not self.scalar:
            raise ArgumentError(
                f"{what} belongs to a scalar objective, and this problem has residuals; for least"
                " squares give sum(r**2)/2"
            )


def _known_shape(x: Expr) -> tuple[int, ...]:
    if not all(isinstance(d, int) for d in x.shape):
        raise ShapeError(
            f"unknown {x.name} has shape {show_shape(x.shape)}; the flat vector needs numbers: declare"
            " it with int extents, or substitute a symbol that has them"
        )
    return x.shape


@with_functions("unknowns", "params")
def scipy_problem(f: Any, unknowns: Any, params: Sequence[Any] = ()) -> ScipyProblem:
    """A formula with its derivatives, ready for `scipy.optimize`.

    Parameters
    ----------
    f : Expr, or list of Expr
        A scalar is an objective, for ``minimize(p.fun, x0, jac=p.jac, hess=p.hess)``. An array or a
        list is a vector of residuals, for ``least_squares(p.fun, x0, jac=p.jac)`` and
        ``root(p.fun, x0, jac=p.jac)``; write ``[f]`` for one scalar equation.
    unknowns : symbol, or list of symbols
        Of known extents. They stand one after the other, each in C order, in the flat vector `x`.
    params : sequence of symbols
        What the functions take after `x`: SciPy's ``args``.

    Returns
    -------
    ScipyProblem
        With ``fun``, ``jac``, ``hess``, ``hessp``, each a function of the flat vector; ``pack`` and
        ``unpack`` lead to it and back. Value and first derivative come of one evaluation, kept until
        the argument changes.

    Raises
    ------
    ArgumentError
        If there are no unknowns, one is no symbol, occurs twice or not in `f`.
    ShapeError
        If an extent of an unknown is a name.

    Examples
    --------
    >>> import symgrad as sg
    >>> x, y = sg.symbols("x y")
    >>> problem = sg.scipy_problem((1 - x) ** 2 + 100 * (y - x**2) ** 2, [x, y])
    >>> problem.fun([0.0, 0.0]), problem.jac([0.0, 0.0]).tolist()
    (1.0, [-2.0, 0.0])
    """
    many = isinstance(unknowns, (list, tuple))
    given = [adopted(x) for x in (unknowns if many else [unknowns])]
    leaves = check_symbols(given, "an unknown of scipy_problem")
    if not leaves:
        raise ArgumentError("scipy_problem needs at least one unknown")
    outputs = [as_expr(y) for y in (f if isinstance(f, (list, tuple)) else [f])]
    if isinstance(f, (list, tuple)) and len(outputs) == 1 and outputs[0].shape == ():
        outputs = [outputs[0].reshape((1,))]
    mentioned = set(free_symbols(*outputs))
    for x in leaves:
        if x not in mentioned:
            raise ArgumentError(f"the formula does not mention the unknown {x.name!r}")
    checked = check_symbols([adopted(p) for p in params], "a parameter of scipy_problem")
    return ScipyProblem(outputs, leaves, checked)
