"""The equations of Euler and Lagrange, against SymPy's, and what their trajectories conserve."""

import numpy as np
import pytest
import sympy as sp
from scipy.integrate import solve_ivp
from sympy.calculus.euler import euler_equations
from sympy.physics.mechanics import LagrangesMethod

import symgrad as sg
from symgrad.interop.sympy import from_sympy, to_sympy

t = sp.Symbol("t")
m, k, g, rod, M = sp.symbols("m k g l M", positive=True)
q, r, phi = (sp.Function(name)(t) for name in ("q", "r", "phi"))
first, second, third = (sp.Function(f"theta_{i}")(t) for i in (1, 2, 3))


def planar(angles):
    """The Lagrangian of a chain of equal masses on equal rods."""
    x = y = kinetic = potential = sp.Integer(0)
    for angle in angles:
        x, y = x + rod * sp.sin(angle), y - rod * sp.cos(angle)
        kinetic += m * (x.diff(t) ** 2 + y.diff(t) ** 2) / 2
        potential += m * g * y
    return kinetic - potential


SYSTEMS = {
    "spring": (m * q.diff(t) ** 2 / 2 - k * q**2 / 2, [q]),
    "pendulum": (planar([first]), [first]),
    "double pendulum": (planar([first, second]), [first, second]),
    "triple pendulum": (planar([first, second, third]), [first, second, third]),
    "kepler": (m * (r.diff(t) ** 2 + r**2 * phi.diff(t) ** 2) / 2 + g * M * m / r, [r, phi]),
    "cart": (
        M * q.diff(t) ** 2 / 2
        + m * ((q + rod * sp.sin(phi)).diff(t) ** 2 + (rod * sp.cos(phi)).diff(t) ** 2) / 2
        + m * g * rod * sp.cos(phi),
        [q, phi],
    ),
    "forced": (m * q.diff(t) ** 2 / 2 + q * sp.sin(t) * k, [q]),
}
VALUES = {"m": 1.3, "k": 2.0, "g": 9.81, "l": 0.8, "M": 3.0}
every_system = pytest.mark.parametrize("name", SYSTEMS)


def numbers(system):
    return [VALUES[p.name] for p in system.parameters]


@every_system
def test_equations_are_those_of_sympy(name):
    lagrangian, coordinates = SYSTEMS[name]
    system = sg.euler_lagrange(lagrangian, coordinates, t)
    expected = euler_equations(lagrangian, coordinates, t)
    point = np.random.default_rng(1).uniform(0.3, 1.2, 3 * len(coordinates) + 1)
    state = [from_sympy(c.diff(t, n)) for n in range(3) for c in coordinates]
    state.append(from_sympy(t))
    arguments = [*state, *system.parameters]
    for ours, theirs in zip(system.equations, expected, strict=True):
        call = sg.lambdify(arguments, [ours, from_sympy(theirs.lhs - theirs.rhs)])
        a, b = call(*point, *numbers(system))
        assert a == pytest.approx(-b, rel=1e-10)


@every_system
def test_right_hand_side_is_that_of_sympy(name):
    lagrangian, coordinates = SYSTEMS[name]
    system = sg.euler_lagrange(lagrangian, coordinates, t)
    n = len(coordinates)
    y = np.random.default_rng(2).uniform(0.3, 1.2, 2 * n)
    method = LagrangesMethod(lagrangian, coordinates)
    method.form_lagranges_equations()
    known = {sp.Symbol(name, positive=True): value for name, value in VALUES.items()}
    known |= dict(zip([c.diff(t) for c in coordinates], y[n:], strict=True))
    plain = dict(zip(coordinates, y[:n], strict=True))
    mass = method.mass_matrix.subs(known).subs(plain).subs(t, 0.7)
    forcing = method.forcing.subs(known).subs(plain).subs(t, 0.7)
    expected = np.array(mass.LUsolve(forcing).evalf().tolist(), float).ravel()
    result = system.rhs(0.7, y, *numbers(system))
    np.testing.assert_allclose(result, [*y[n:], *expected], rtol=1e-10)
    state = [*system.coordinates, *system.velocities, from_sympy(t), *system.parameters]
    mine = sg.lambdify(state, [system.mass_matrix, system.forcing])
    got = mine(*y, 0.7, *numbers(system))
    np.testing.assert_allclose(got[0], np.array(mass.evalf().tolist(), float), rtol=1e-10)
    np.testing.assert_allclose(got[1], np.array(forcing.evalf().tolist(), float).ravel(), rtol=1e-9)


@pytest.mark.parametrize(
    ("name", "start"),
    [
        ("pendulum", [2.0, 0.5]),
        ("double pendulum", [1.0, 2.0, 0.0, 0.0]),
        ("triple pendulum", [0.5, 1.0, -0.3, 0.0, 0.2, 0.0]),
        ("kepler", [1.0, 0.0, 0.3, 5.5]),
        ("cart", [0.0, 1.0, 0.5, 0.0]),
        ("spring", [1.0, 0.0]),
    ],
)
def test_energy_is_conserved(name, start):
    lagrangian, coordinates = SYSTEMS[name]
    system = sg.euler_lagrange(lagrangian, coordinates, t)
    path = solve_ivp(system.rhs, (0, 3), start, args=numbers(system), rtol=1e-11, atol=1e-12)
    state = [*system.coordinates, *system.velocities]
    energy = sg.lambdify([*state, *system.parameters], system.energy)(*path.y, *numbers(system))
    assert np.ptp(energy) < 1e-8 * abs(energy[0])
    if name == "spring":
        frequency = np.sqrt(VALUES["k"] / VALUES["m"])
        np.testing.assert_allclose(path.y[0], np.cos(frequency * path.t), atol=1e-9)
    if name == "kepler":  # the angular momentum
        np.testing.assert_allclose(path.y[0] ** 2 * path.y[3], start[0] ** 2 * start[3], rtol=1e-8)


def test_forces_and_functions_of_time():
    time = sg.symbol("t")
    position = sg.function("x")(time)
    drive = sg.function("F")(time)
    mass, damping = sg.symbols("m c", positive=True)
    velocity = position.diff(time)
    system = sg.euler_lagrange(
        mass * velocity**2 / 2, position, time, forces=drive - damping * velocity
    )
    assert [p.name for p in system.parameters] == ["m", "c"]
    with pytest.raises(sg.ArgumentError, match=r"F\(t\) is undefined"):
        system.rhs  # noqa: B018
    rhs = system.compile(functions={"F": np.sin})
    np.testing.assert_allclose(rhs(0.5, [1.0, 2.0], 4.0, 3.0), [2.0, (np.sin(0.5) - 6) / 4])
    assert str(system.accelerations[0]) in (
        "(F(t) - c*diff(x(t), t))/m",
        "-(c*diff(x(t), t) - F(t))/m",
    )


def test_other_problems_of_the_calculus_of_variations():
    x, y = sp.symbols("x y")
    curve, field = sp.Function("u")(x), sp.Function("u")(x, y)
    cases = [
        (sp.sqrt(1 + curve.diff(x) ** 2), curve, [x]),
        (curve.diff(x, 2) ** 2 / 2 - curve * sp.sin(x), curve, [x]),
        (field.diff(x) ** 2 / 2 + field.diff(y) ** 2 / 2 + field**4, field, [x, y]),
        (field.diff(x, y) ** 2 * field, field, [x, y]),
    ]
    for lagrangian, u, variables in cases:
        given = variables if len(variables) > 1 else variables[0]
        (ours,) = sg.euler_lagrange(lagrangian, u, given).equations
        (theirs,) = euler_equations(lagrangian, u, variables)
        difference = to_sympy(ours) + to_sympy(from_sympy(theirs.lhs))
        assert sp.simplify(difference) == 0


def test_reading():
    system = sg.euler_lagrange(*SYSTEMS["pendulum"], t)
    assert repr(system).endswith("= 0")
    assert system.latex() == system._repr_latex_()[15:-1]
    assert r"\ddot{\theta}_{1}" in system.latex()
    assert system.latex().endswith("= 0")
    double = sg.euler_lagrange(*SYSTEMS["double pendulum"], t)
    assert double.latex().count(r"&= 0") == 2
    assert sg.latex(double.mass_matrix).count("bmatrix") == 2
    assert len(double) == 2
    assert double[1] is double.equations[1]
    assert next(iter(double)) is double.equations[0]
    shared = "l*(2 - cos(theta_1(t) - theta_2(t))**2))"  # of the denominators, but for a number
    assert all(str(a).endswith(shared) for a in double.accelerations)


T = sg.symbol("t")
Q = sg.function("q")(T)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: sg.euler_lagrange(Q, T, T), sg.ArgumentError, "must be a function of t"),
        (lambda: sg.euler_lagrange(Q, Q.diff(T), T), sg.ArgumentError, "must be a function of t"),
        (lambda: sg.euler_lagrange(Q, [], T), sg.ArgumentError, "at least one coordinate"),
        (lambda: sg.euler_lagrange(Q, [Q, Q], T), sg.ArgumentError, "given twice"),
        (lambda: sg.euler_lagrange(Q, Q, Q), sg.ArgumentError, "must be a symbol"),
        (lambda: sg.euler_lagrange(Q, Q, T, forces=[1, 2]), sg.ArgumentError, "got 2"),
        (lambda: sg.euler_lagrange(Q**2, Q, T, forces={T: 1}), sg.ArgumentError, "no coordinate"),
        (
            lambda: sg.euler_lagrange(Q.diff(T) ** 2, Q, T, forces=[sg.function("u")(T)]).rhs,
            sg.ArgumentError,
            r"u\(t\) is undefined: say what u is with motion.compile\(functions=",
        ),
        (lambda: sg.euler_lagrange(sg.stack([Q, Q]), Q, T), sg.ShapeError, "must be a scalar"),
        (lambda: sg.euler_lagrange(Q**2, Q, T).rhs, sg.ArgumentError, r"velocity of q\(t\)"),
        (lambda: sg.euler_lagrange(Q.diff(T, 2) ** 2, Q, T).rhs, sg.ArgumentError, "first deriv"),
    ],
)
def test_errors(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_forces_and_a_control_input():
    other, u = sg.function("r")(T), sg.function("u")(T)
    mass = sg.symbol("m", positive=True)
    L = mass * (Q.diff(T) ** 2 + other.diff(T) ** 2) / 2 - (Q - other) ** 2
    friction = -3 * other.diff(T)
    listed = sg.euler_lagrange(L, [Q, other], T, forces=[0, friction + u])
    named = sg.euler_lagrange(L, [Q, other], T, forces={other: friction + u})
    assert listed.equations == named.equations
    for key in (u, "u", sg.function("u")):
        rhs = named.compile(functions={key: np.sin})
        got = rhs(0.5, [1.0, 0.25, 0.0, 2.0], 2.0)
        pull = 2 * (1.0 - 0.25)
        np.testing.assert_allclose(got, [0, 2, -pull / 2, (pull - 6 + np.sin(0.5)) / 2], rtol=1e-14)
