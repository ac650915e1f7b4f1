"""A double pendulum by Euler and Lagrange: from the Lagrangian to a trajectory that keeps its energy.

Two masses hang on rods, the second from the first; the angles are measured from the vertical. The
equations of motion, the mass matrix and the right-hand side for SciPy follow from the Lagrangian.
"""

import numpy as np
from scipy.integrate import solve_ivp

import symgrad as sg

VALUES = {"m_1": 1.0, "m_2": 1.5, "l_1": 2.0, "l_2": 0.7, "g": 9.81}


def main() -> None:
    """Print the mass matrix, an equation, and how well the energy is kept for ten seconds."""
    t = sg.symbol("t")
    m1, m2, l1, l2, g = sg.symbols(" ".join(VALUES), positive=True)
    alpha, beta = sg.function("alpha")(t), sg.function("beta")(t)
    x1, y1 = l1 * sg.sin(alpha), -l1 * sg.cos(alpha)
    x2, y2 = x1 + l2 * sg.sin(beta), y1 - l2 * sg.cos(beta)
    kinetic = sum(
        m * (x.diff(t) ** 2 + y.diff(t) ** 2) / 2 for m, x, y in [(m1, x1, y1), (m2, x2, y2)]
    )
    potential = g * (m1 * y1 + m2 * y2)
    pendulum = sg.euler_lagrange(kinetic - potential, [alpha, beta], t)
    print("masses  ", sg.latex(pendulum.mass_matrix))
    print("equation", sg.latex(pendulum.equations[1]), "= 0")

    params = [VALUES[str(p.name)] for p in pendulum.parameters]
    start = [1.0, 2.0, 0.0, 0.0]
    path = solve_ivp(pendulum.rhs, (0, 10), start, args=params, rtol=1e-12, atol=1e-12)
    state = [alpha, beta, *pendulum.velocities]
    energy = sg.lambdify([*state, *pendulum.parameters], pendulum.energy)(*path.y, *params)
    print("energy  ", energy[0])
    print("drift   ", np.ptp(energy) / abs(energy[0]))
    print("angles  ", *path.y[:2, -1])


if __name__ == "__main__":
    main()
