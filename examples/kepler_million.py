"""Kepler's equation E - e*sin(E) = M for a million mean anomalies, and the speed of the planet."""

import numpy as np

import symgrad as sg


def main(count: int = 1_000_000) -> None:
    """Print how well the anomalies are found, and their rate by the implicit function theorem."""
    E, e, M = sg.symbols("E e M")
    equation = E - e * sg.sin(E) - M
    mean = np.linspace(0.0, 2 * np.pi, count)
    solve = sg.newton_root(equation, E, [e, M])
    solution = solve(mean, 0.2056, mean)  # the eccentricity of Mercury
    print("converged  ", np.sum(solution.converged))
    print("residual   ", solution.residual.max())

    anomaly = sg.implicit(equation, E, [e, M], x0=M)
    speed = sg.diff(anomaly, M)
    print("dE/dM is   ", speed)
    near, far = sg.lambdify([e, M], speed)(0.2056, np.array([0.0, np.pi]))
    print("perihelion ", near)
    print("aphelion   ", far)


if __name__ == "__main__":
    main()
