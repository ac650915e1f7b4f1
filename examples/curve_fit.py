"""A logistic curve through nine points: parameters with standard errors, by Gauss and Newton.

The data are pasture yields over growing time, the set Rat42 of NIST's reference data.
"""

import numpy as np

import symgrad as sg

TIME = np.array([9.0, 14.0, 21.0, 28.0, 42.0, 57.0, 63.0, 70.0, 79.0])
YIELD = np.array([8.93, 10.8, 18.59, 22.33, 39.35, 56.11, 61.73, 64.62, 67.08])


def main() -> None:
    """Print each parameter with its standard error, and the residual standard deviation."""
    b1, b2, b3 = parameters = sg.symbols("b1 b2 b3")
    residuals = b1 / (1 + sg.exp(b2 - b3 * TIME)) - YIELD
    best, jacobian, r = levenberg_marquardt(residuals, parameters, [75.0, 2.5, 0.07])
    deviation = np.sqrt(r @ r / (len(r) - len(best)))
    errors = deviation * np.sqrt(np.diag(np.linalg.inv(jacobian.T @ jacobian)))
    for symbol, value, error in zip(parameters, best, errors, strict=True):
        print(f"{symbol} = {value:.10g} +- {error:.10g}")
    print(f"residual standard deviation {deviation:.10g}")


def levenberg_marquardt(
    residuals: sg.Expr, parameters: list[sg.Expr], start: list[float]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Minimise the sum of squares; the Jacobian is exact, the damping scaled by its columns."""
    problem = sg.scipy_problem(residuals, parameters)
    x, damping = np.array(start), 1e-3
    for _ in range(100):
        r, j = problem.fun(x), problem.jac(x)
        normal, slope = j.T @ j, j.T @ r
        step = np.linalg.solve(normal + damping * np.diag(np.diag(normal)), -slope)
        if np.sum(problem.fun(x + step) ** 2) < r @ r:
            x, damping = x + step, damping / 10
        elif np.abs(step / x).max() < 1e-12:
            break
        else:
            damping *= 10
    return x, problem.jac(x), problem.fun(x)


if __name__ == "__main__":
    main()
