r"""Calculus of variations: the equations of Euler and Lagrange.

A curve q(t) that makes the integral of ``L(q, dq/dt, t)`` stationary satisfies

    d/dt (dL/d(dq/dt)) - dL/dq = Q,

with the generalised force Q of what L does not hold (Goldstein, Classical Mechanics, 1980, ch. 1, 2). For
L with higher derivatives, or for fields of several variables, each derivative adds a term,
``(-1)**|k| d^k/dt^k (dL/d(d^k q/dt^k))`` (Courant, Hilbert, Methods of Mathematical Physics I, ch. 4).

Where L has first derivatives only, the equations are linear in the accelerations, ``M d^2q/dt^2 = F`` with
the mass matrix ``M = d^2L/d(dq/dt)^2`` and the forcing F.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, Final

from symgrad.autodiff import diff, hessian
from symgrad.calls import checked
from symgrad.compile.function import CompiledFunction
from symgrad.compile.lambdify import lambdify
from symgrad.errors import ArgumentError, ShapeError
from symgrad.expr.dims import show_shape
from symgrad.expr.leaves import SYMBOL, number, value_of, vector
from symgrad.expr.node import Expr
from symgrad.expr.rewriting import replace
from symgrad.expr.traverse import check_symbols, free_symbols, toposort
from symgrad.functions.define import function_of
from symgrad.ops.applied import APPLIED, is_derivative
from symgrad.ops.arithmetic import add_all
from symgrad.ops.elementwise import adopted, as_expr
from symgrad.ops.linalg import solve
from symgrad.ops.reshaping import reshape_to
from symgrad.ops.shapes import concatenate, stack
from symgrad.print.latex import latex
from symgrad.rewrite import simplify
from symgrad.solve.linear import solve_linear

EXPLICIT: Final = 2  # coordinates up to which the accelerations are written out in the code


@checked
def euler_lagrange(L: Any, coordinates: Any, t: Any, *, forces: Any = None) -> EulerLagrange:
    r"""The equations of Euler and Lagrange of a Lagrangian.

    Parameters
    ----------
    L : Expr of shape ()
        In the coordinates, their derivatives, and t.
    coordinates : applied function such as ``q(t)``, or list of them
    t : symbol, or list of symbols
        What they are functions of: the time, or for fields all their variables.
    forces : Expr, list of Expr or dict, optional
        The generalised force for each coordinate, on the right-hand side, such as ``-k*q.diff(t)``; in a
        dict, ``{q: -k*q.diff(t)}``, those that are not zero. A control input is a function of t, ``u``,
        of which ``motion.compile(functions={u: ...})`` says what it is.

    Returns
    -------
    EulerLagrange
        With the equations, and for a Lagrangian of first order in the time the mass matrix, the forcing,
        the accelerations, the energy, and the compiled right-hand side for `scipy.integrate.solve_ivp`.

    Raises
    ------
    ArgumentError
        For a coordinate that is no function of t, or is given twice.
    ShapeError
        If L is no scalar.

    Examples
    --------
    >>> import symgrad as sg
    >>> t, m, g, l = sg.symbols("t m g l", positive=True)
    >>> theta = sg.function("theta")(t)
    >>> L = m * l**2 * theta.diff(t) ** 2 / 2 + m * g * l * sg.cos(theta)
    >>> pendulum = sg.euler_lagrange(L, theta, t)
    >>> print(sg.latex(pendulum.accelerations[0]))
    -\frac{g \sin\left(\theta\right)}{l}
    >>> print(pendulum.parameters)
    (l, m, g)
    >>> pendulum.rhs(0.0, [0.5, 0.0], 2.0, 1.0, 9.81).round(4)
    array([ 0.    , -2.3516])
    """
    listed = [adopted(q) for q in (coordinates if _is_list(coordinates) else [coordinates])]
    given = list(t) if _is_list(t) else [t]
    variables = check_symbols([adopted(x) for x in given], "a variable of euler_lagrange")
    lagrangian = as_expr(L)
    if lagrangian.shape != ():
        raise ShapeError(
            f"a Lagrangian must be a scalar, this one has shape {show_shape(lagrangian.shape)}"
        )
    _check_coordinates(listed, variables)
    return EulerLagrange(lagrangian, listed, variables, _checked_forces(forces, listed))


def _is_list(given: Any) -> bool:
    return isinstance(given, (list, tuple))


def _check_coordinates(coordinates: Sequence[Any], variables: Sequence[Expr]) -> None:
    shown = ", ".join(str(x.name) for x in variables)
    if not coordinates or not variables:
        raise ArgumentError("euler_lagrange needs at least one coordinate and one variable")
    for i, q in enumerate(coordinates):
        plain = isinstance(q, Expr) and q.op is APPLIED and not any(q.params.orders)
        if not plain or not _same(q.args, variables):
            raise ArgumentError(
                f"a coordinate of euler_lagrange must be a function of {shown}, such as"
                f" function('q')({shown}), not {q!r}"
            )
        if any(q is other for other in coordinates[:i]):
            raise ArgumentError(f"the coordinate {q} is given twice")


def _same(a: Sequence[Expr], b: Sequence[Expr]) -> bool:
    return len(a) == len(b) and all(x is y for x, y in zip(a, b, strict=True))


def _checked_forces(forces: Any, coordinates: Sequence[Expr]) -> list[Expr]:
    if forces is None:
        return [number(0)] * len(coordinates)
    if isinstance(forces, Mapping):
        forces = _by_coordinate(forces, coordinates)
    listed = [as_expr(f) for f in (forces if _is_list(forces) else [forces])]
    if len(listed) != len(coordinates):
        raise ArgumentError(
            f"euler_lagrange needs a force for each of {len(coordinates)} coordinates, got {len(listed)}"
        )
    for f, q in zip(listed, coordinates, strict=True):
        if f.shape != ():
            raise ShapeError(
                f"the force for {q} has shape {show_shape(f.shape)}; it must be a scalar"
            )
    return listed


def _by_coordinate(forces: Mapping[Any, Any], coordinates: Sequence[Expr]) -> list[Any]:
    """The force for each coordinate; zero where there is none."""
    given = {adopted(q): f for q, f in forces.items()}
    for q in given:
        if not any(q is other for other in coordinates):
            listed = ", ".join(map(str, coordinates))
            raise ArgumentError(
                f"forces= has one for {q}, which is no coordinate; these are {listed}"
            )
    return [given.get(q, 0) for q in coordinates]


class EulerLagrange:
    """The equations of motion of a Lagrangian; made by `euler_lagrange`.

    Attributes
    ----------
    lagrangian : Expr
    coordinates, forces : tuple of Expr
    variables : tuple of Expr
        The time, or the variables of fields.

    Examples
    --------
    >>> import symgrad as sg
    >>> t, m, k = sg.symbols("t m k")
    >>> q = sg.function("q")(t)
    >>> motion = sg.euler_lagrange(m * q.diff(t) ** 2 / 2 - k * q**2 / 2, q, t)
    >>> print(motion.equations[0], motion.parameters)
    k*q(t) + m*diff(q(t), t, 2) (m, k)
    """

    def __init__(
        self,
        lagrangian: Expr,
        coordinates: Sequence[Expr],
        variables: Sequence[Expr],
        forces: Sequence[Expr],
    ) -> None:
        self.lagrangian = lagrangian
        self.coordinates = tuple(coordinates)
        self.variables = tuple(variables)
        self.forces = tuple(forces)
        self._plain = [
            self._variation(q) - force for q, force in zip(coordinates, forces, strict=True)
        ]

    @cached_property
    def equations(self) -> list[Expr]:
        """One for each coordinate, zero along the motion."""
        if len(self.variables) > 1 or self._higher() is not None:
            return [simplify(e) for e in self._plain]
        accelerations = [diff(v, self.variables[0]) for v in self.velocities]
        return [
            add_all([*[m * a for m, a in zip(row, accelerations, strict=True)], rest])
            for row, rest in zip(self._masses, self._rest, strict=True)
        ]

    def _variation(self, q: Expr) -> Expr:
        """``sum_k (-1)**(|k| + 1) d^k/dx^k (dL/d(d^k q/dx^k))``, minus the variational derivative by q."""
        total = number(0)
        found = [y for y in toposort([self.lagrangian]) if is_derivative(y, q)]
        for node in found:
            orders = node.params.orders
            term = diff(self.lagrangian, node)
            by = [(x, n) for x, n in zip(self.variables, orders, strict=True) if n]
            term = diff(term, *by) if by else term
            total = total + (term if sum(orders) % 2 else -term)
        return total

    # Of first order in the time

    @cached_property
    def velocities(self) -> tuple[Expr, ...]:
        """The derivatives of the coordinates by the time.

        Raises
        ------
        ArgumentError
            For fields, and for a Lagrangian with higher derivatives.
        """
        if len(self.variables) > 1:
            raise ArgumentError(
                f"{', '.join(map(str, self.coordinates))}: fields have no mass matrix and no right-hand"
                " side; take .equations"
            )
        higher = self._higher()
        if higher is not None:
            raise ArgumentError(
                f"the Lagrangian or a force holds {higher}; the mass matrix and the right-hand side are for"
                " those with first derivatives only: take .equations"
            )
        return tuple(diff(q, self.variables[0]) for q in self.coordinates)

    def _higher(self) -> Expr | None:
        """A second or higher derivative of a coordinate in the Lagrangian or the forces."""
        for node in toposort([self.lagrangian, *self.forces]):
            of_coordinate = any(is_derivative(node, q) for q in self.coordinates)
            if of_coordinate and sum(node.params.orders) > 1:
                return node
        return None

    @cached_property
    def _masses(self) -> list[list[Expr]]:
        masses = hessian(self.lagrangian, list(self.velocities))
        return [[simplify(e) for e in row] for row in masses]

    @cached_property
    def _rest(self) -> list[Expr]:
        """The equations without the accelerations."""
        (t,) = self.variables
        known = {diff(q, t, 2): number(0) for q in self.coordinates}
        return [simplify(e) for e in replace(self._plain, known, {})]

    @property
    def mass_matrix(self) -> Expr:
        """``d^2L/d(dq/dt)^2``, of shape (n, n)."""
        return stack([stack(row) for row in self._masses])

    @property
    def forcing(self) -> Expr:
        """What ``mass_matrix @ accelerations`` is, of shape (n,)."""
        self.velocities  # noqa: B018  raises where there is none
        return stack([simplify(-e) for e in self._rest])

    @cached_property
    def accelerations(self) -> list[Expr]:
        """The second derivatives of the coordinates, solved for.

        Raises
        ------
        ArgumentError
            Where the mass matrix is singular, as for a coordinate without a velocity in L.
        """
        self._check_masses()
        (t,) = self.variables
        return solve_linear(self.equations, [diff(q, t, 2) for q in self.coordinates])  # type: ignore[no-any-return]

    def _check_masses(self) -> None:
        for q, row in zip(self.coordinates, self._masses, strict=True):
            if all(value_of(e) == 0 for e in row):
                raise ArgumentError(
                    f"the mass matrix is singular: the velocity of {q} does not occur in the Lagrangian in"
                    " second order, so its acceleration is not determined"
                )

    @cached_property
    def energy(self) -> Expr:
        """``sum dL/d(dq/dt) dq/dt - L``, conserved where L does not mention t itself and no force acts."""
        total = -self.lagrangian
        for v in self.velocities:
            total = total + v * diff(self.lagrangian, v)
        return simplify(total)

    @cached_property
    def parameters(self) -> tuple[Expr, ...]:
        """The symbols beside the time, in the order in which they appear: the last arguments of `rhs`."""
        formulas = [self.lagrangian, *self.forces]
        return tuple(x for x in free_symbols(*formulas) if x not in set(self.variables))

    @cached_property
    def rhs(self) -> CompiledFunction:
        """``rhs(t, y, *parameters)`` for `scipy.integrate.solve_ivp`, where y has the coordinates, then the
        velocities, and the result is dy/dt."""
        return self.compile()

    def compile(self, **options: Any) -> CompiledFunction:
        """The right-hand side, with options of `lambdify`: ``functions={"F": ...}`` says what undefined
        functions in the Lagrangian or the forces are."""
        (t,) = self.variables if len(self.variables) == 1 else (None,)
        n, velocities = len(self.coordinates), self.velocities
        self._check_masses()
        y = vector(_free_name("y", [*self.parameters, *self.variables]), 2 * n)
        state = {node: y[k] for k, node in enumerate([*self.coordinates, *velocities])}
        if n <= EXPLICIT:
            found = stack(replace(self.accelerations, state, {}))
        else:
            mass, forcing = replace([self.mass_matrix, self.forcing], state, {})
            found = reshape_to(solve(mass, reshape_to(forcing, (n, 1))), (n,))
        options.setdefault("name", "rhs")
        self._check_inputs(options.get("functions") or {})
        made: CompiledFunction = lambdify(
            [t, y, *self.parameters], concatenate([y[n:], found]), **options
        )
        return made

    def _check_inputs(self, functions: Mapping[Any, Any]) -> None:
        """Raise for a function, such as a control input, of which nobody says what it is."""
        known = {name for name, _ in map(function_of, functions)}
        for node in toposort([self.lagrangian, *self.forces]):
            inside = node.op is APPLIED and not any(
                is_derivative(node, q) for q in self.coordinates
            )
            name = node.params.function.name if inside else ""
            if inside and name not in known:
                raise ArgumentError(
                    f"{node} is undefined: say what {name} is with"
                    f" motion.compile(functions={{{name!r}: ...}}), a callable, or write a symbol for a"
                    " parameter"
                )

    # Reading

    @checked
    def latex(self) -> str:
        """The equations in an ``aligned`` environment."""
        rows = [f"{latex(e)} &= 0" for e in self.equations]
        return (
            rows[0].replace("&", "", 1)
            if len(rows) == 1
            else "\\begin{aligned}\n" + " \\\\\n".join(rows) + "\n\\end{aligned}"
        )

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle {self.latex()}$"

    def __iter__(self) -> Any:
        return iter(self.equations)

    def __len__(self) -> int:
        return len(self.equations)

    def __getitem__(self, index: Any) -> Any:
        return self.equations[index]

    def __repr__(self) -> str:
        return "\n".join(f"{e} = 0" for e in self.equations)


def _free_name(wish: str, others: Sequence[Expr]) -> str:
    taken = {x.name for x in others if x.op is SYMBOL}
    while wish in taken:
        wish += "_"
    return wish
