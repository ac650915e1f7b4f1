"""Kepler's equation E - e*sin(E) = M for a million mean anomalies, and the speed of the planet."""

import numpy as np

import symgrad as sg


def main(count: int = 1_000_000) -> None:
    """Print the largest error of the equation, an anomaly, and its rate by the implicit function."""
    E, e, M = sg.symbols("E e M")
    anomaly = sg.implicit(E - e * sg.sin(E) - M, E, [e, M], x0=M)
    orbit = sg.lambdify([e, M], [anomaly, sg.diff(anomaly, M)])

    mean = np.linspace(0.0, 2 * np.pi, count)
    eccentric, rate = orbit(0.2056, mean)  # the eccentricity of Mercury
    print("dE/dM is   ", sg.diff(anomaly, M))
    print("residual   ", np.abs(eccentric - 0.2056 * np.sin(eccentric) - mean).max())
    print("perihelion ", rate[0])
    print("aphelion   ", rate[count // 2])
    print("mean rate  ", np.diff(eccentric).sum() / (2 * np.pi))


if __name__ == "__main__":
    main()
