"""The sets: where each comes from is said at its formulas."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import scipy.optimize

import symgrad as sg
from benchmarks.solve_sets.nonlinear import bundles, library
from benchmarks.solve_sets.task import Found, Task, ours, theirs


def more_garbow_hillstrom() -> Iterator[Task]:
    """Least squares; TOMS 7, 1981."""
    from tests.solve.mgh import PROBLEMS
    from tests.solve.test_mgh import at_known_minimum

    for problem in PROBLEMS:
        x, r = problem.formula()
        p, start = sg.scipy_problem(r, x), np.array(problem.start, float)
        solvers = {"symgrad": partial(ours, sg.least_squares(r, x), start, maxiter=1000)}
        for method in ("lm", "trf", "dogbox"):
            run = partial(
                scipy.optimize.least_squares,
                *(p.fun, start),
                jac=p.jac,
                method=method,
                xtol=1e-12,
                ftol=1e-12,
                gtol=1e-12,
                max_nfev=2000,
            )
            solvers[method] = partial(theirs, run)

        def right(at: Any, p: Any = p, problem: Any = problem) -> bool:
            return at_known_minimum(problem, float(np.sum(p.fun(at) ** 2)))

        yield Task("MGH least squares", problem.name, solvers, right)


def nist() -> Iterator[Task]:
    """Nonlinear regression, NIST StRD."""
    from tests.solve.nist import NAMES, load

    for name in NAMES:
        fit = load(name)
        p = sg.scipy_problem(fit.residuals, fit.parameters)
        solver = sg.least_squares(fit.residuals, fit.parameters)
        for which, start in zip(("far", "near"), fit.starts, strict=True):
            x0 = np.array(start, float)
            solvers = {"symgrad": partial(ours, solver, list(start))}
            for method in ("lm", "trf"):
                run = partial(
                    scipy.optimize.least_squares,
                    *(p.fun, x0),
                    jac=p.jac,
                    method=method,
                    x_scale="jac",
                    xtol=1e-12,
                    ftol=1e-12,
                    gtol=1e-12,
                    max_nfev=2000,
                )
                solvers[method] = partial(theirs, run)

            def right(at: Any, fit: Any = fit) -> bool:
                return bool((np.abs(np.ravel(at) / fit.certified - 1) < 1e-5).all())

            yield Task("NIST regression", f"{name} {which}", solvers, right)


def alefeld_potra_shi() -> Iterator[Task]:
    """One equation between points of opposite signs; TOMS 748, 1995."""
    from tests.solve.aps import PROBLEMS, x

    for formula, case in PROBLEMS:
        f, bracket = sg.lambdify([x], formula), tuple(map(float, case["bracket"]))
        middle = 0.5 * (bracket[0] + bracket[1])
        solvers = {
            "symgrad": partial(ours, sg.newton_root(formula, x, bracket=bracket), middle),
        }
        for method in ("brentq", "toms748"):
            solvers[method] = partial(_bracketed, method, f, bracket)

        def right(at: Any, f: Any = f) -> bool:
            here = abs(float(f(float(at))))
            sides = [float(f(float(at) * (1 + d) + d * 1e-9)) for d in (-1e-7, 1e-7)]
            return here < 1e-9 or np.sign(sides[0]) != np.sign(sides[1])

        yield Task("Alefeld-Potra-Shi", case["ID"], solvers, right)


def _bracketed(method: str, f: Any, bracket: tuple[float, float]) -> Found:
    x, report = getattr(scipy.optimize, method)(f, *bracket, full_output=True)
    return x, bool(report.converged)


def hock_schittkowski() -> Iterator[Task]:
    """Minima under constraints; Hock and Schittkowski, 1981."""
    from tests.solve.hock_schittkowski import PROBLEMS

    for number, problem in PROBLEMS.items():
        start = [float(v) for v in problem.start]
        solvers = {"symgrad": partial(ours, problem.solver(), start)}
        f, constraints = _with_slopes(problem)
        common = {
            "x0": np.array(start),
            "jac": f.jac,
            "constraints": constraints,
            "bounds": problem.bounds if problem.is_bounded else None,
        }
        for method, more in (("SLSQP", {"ftol": 1e-12}), ("trust-constr", {"gtol": 1e-9})):
            options = {"options": {"maxiter": 2000, **more}}
            if method == "trust-constr":
                options["hess"] = f.hess
            solvers[method] = partial(
                theirs, partial(scipy.optimize.minimize, f.fun, method=method, **common, **options)
            )

        def right(at: Any, problem: Any = problem, f: Any = f, known: Any = constraints) -> bool:
            return _is_minimum(at, problem, f, known)

        yield Task("Hock-Schittkowski", f"HS{number}", solvers, right)


def _with_slopes(problem: Any) -> tuple[Any, list[dict[str, Any]]]:
    """The objective and the constraints as SciPy takes them."""
    x = problem.unknowns
    (objective,) = problem.parsed([problem.objective])
    f = _Function(objective, x)
    found = []
    for kind, texts in (("eq", problem.equal), ("ineq", problem.inequal)):
        for e in problem.parsed(texts):
            g = _Function(e, x)
            found.append({"type": kind, "fun": g.fun, "jac": g.jac})
    return f, found


class _Function:
    """A formula of scalars over one vector, with its slopes."""

    def __init__(self, e: Any, x: list[Any]) -> None:
        self.value = sg.lambdify(x, e)
        self.slope = sg.lambdify(x, sg.grad(e, x))
        self.second = sg.lambdify(x, sg.hessian(e, x))

    def fun(self, at: Any) -> float:
        return float(self.value(*at))

    def jac(self, at: Any) -> Any:
        return np.array(self.slope(*at), float)

    def hess(self, at: Any) -> Any:
        return np.array(self.second(*at), float)


def _is_minimum(at: Any, problem: Any, f: Any, constraints: Any) -> bool:
    """Feasible, and no higher than the published value, or a local minimum that is known."""
    from tests.solve.test_constraints import LOCAL

    at = np.asarray(at, float)
    number = next(k for k, p in _problems().items() if p is problem)
    scale = 1e-6 * max(1.0, abs(problem.best))
    for c in constraints:
        value = c["fun"](at)
        if value < -1e-6 or (c["type"] == "eq" and value > 1e-6):
            return False
    value = f.fun(at)
    return value <= problem.best + scale or abs(value - LOCAL.get(number, np.inf)) <= scale


def _problems() -> Any:
    from tests.solve.hock_schittkowski import PROBLEMS

    return PROBLEMS


def chains(sizes: tuple[int, ...] = (12, 1000, 10000)) -> Iterator[Task]:
    """Minima of many unknowns; formulas of CUTEst (Gould, Orban, Toint, 2015), written over slices."""
    for n in sizes:
        x = sg.vector("x", n)
        for name, (f, start, best) in _chains(x, n).items():
            p = sg.scipy_problem(f, x)
            x0 = np.broadcast_to(np.asarray(start, float), (n,)).copy()
            solvers = {"symgrad": partial(ours, sg.newton_minimize(f, x), x0)}
            for method in ("L-BFGS-B", "Newton-CG", "trust-krylov"):
                more = {} if method == "L-BFGS-B" else {"hessp": p.hessp}
                options = {
                    "maxiter": 5000,
                    **({"maxfun": 10**6, "ftol": 1e-15} if not more else {}),
                }
                run = partial(
                    scipy.optimize.minimize,
                    *(p.fun, x0),
                    jac=p.jac,
                    method=method,
                    options=options,
                    **more,
                )
                solvers[method] = partial(theirs, run)

            def right(at: Any, p: Any = p, best: Any = best) -> bool:
                slope = float(np.abs(p.jac(at)).max())
                value = float(p.fun(at))
                if best is None:
                    return slope < 1e-4
                return abs(value - best) <= 1e-6 * max(1.0, abs(best))

            yield Task(f"CUTEst chains, n = {n}", name, solvers, right)


def _chains(x: Any, n: int) -> dict[str, tuple[Any, Any, float | None]]:
    """Formula, start, and the least value where it is known."""
    a, b = x[:-1], x[1:]
    i = np.arange(1.0, n + 1)
    s = sg.sum
    return {
        "ARWHEAD": (s((a**2 + x[n - 1] ** 2) ** 2 - 4 * a + 3), 1.0, 0.0),
        "BDQRTIC": (
            s((3 - 4 * x[:-4]) ** 2)
            + s(
                (
                    x[:-4] ** 2
                    + 2 * x[1:-3] ** 2
                    + 3 * x[2:-2] ** 2
                    + 4 * x[3:-1] ** 2
                    + 5 * x[n - 1] ** 2
                )
                ** 2
            ),
            1.0,
            None,
        ),
        "BRYBND chain": (s((x * (2 + 5 * x**2) + 1) ** 2) + s((a - b) ** 2), -1.0, None),
        "COSINE": (s(sg.cos(a**2 - b / 2)), 1.0, -(n - 1.0)),
        "DIXMAAN chain": (1 + s(x**2) + s((a * b**2) ** 2) / 8, 2.0, 1.0),
        "DQDRTIC": (s(x[:-2] ** 2 + 100 * x[1:-1] ** 2 + 100 * x[2:] ** 2), 3.0, 0.0),
        "EDENSCH": (16 + s((a - 2) ** 4 + (a * b - 2 * b) ** 2 + (b + 1) ** 2), 8.0, None),
        "ENGVAL1": (s((a**2 + b**2) ** 2 - 4 * a + 3), 2.0, None),
        "LIARWHD": (s(4 * (x**2 - x[0]) ** 2 + (x - 1) ** 2), 4.0, 0.0),
        "NONDIA": ((x[0] - 1) ** 2 + s(100 * (x[0] - a**2) ** 2), -1.0, None),
        "QUARTC": (s((x - i) ** 4), 2.0, 0.0),
        "ROSENBR chain": (s(100 * (b - a**2) ** 2 + (1 - a) ** 2), -1.0, None),
        "TRIDIA": ((x[0] - 1) ** 2 + s(i[1:] * (2 * b - a) ** 2), 1.0, 0.0),
        "VARDIM chain": (s((x - 1) ** 2) + s((b - a) ** 4), 1 - i / n, 0.0),
        "WOODS pairs": (s(100 * (x[1::2] - x[::2] ** 2) ** 2 + (1 - x[::2]) ** 2), -1.0, 0.0),
    }


def systems(sizes: tuple[int, ...] = (2, 5, 10, 50)) -> Iterator[Task]:
    """Systems of equations: those of More, Garbow and Hillstrom with as many as unknowns, and chains."""
    for n in sizes:
        x = sg.vector("x", n)
        h = 1.0 / (n + 1)
        t = h * np.arange(1, n + 1)
        padded = sg.concatenate([sg.zeros(1), x, sg.zeros(1)])
        left, right_ = padded[:-2], padded[2:]
        formulas = {
            "discrete boundary value": (
                2 * x - left - right_ + h**2 * (x + t + 1) ** 3 / 2,
                t * (t - 1),
            ),
            "Broyden tridiagonal": ((3 - 2 * x) * x - left - 2 * right_ + 1, -np.ones(n)),
            "Bratu": (left - 2 * x + right_ + h**2 * sg.exp(x), np.zeros(n)),
            "trigonometric": (
                n - sg.sum(sg.cos(x)) + np.arange(1, n + 1) * (1 - sg.cos(x)) - sg.sin(x),
                np.full(n, 1.0 / n),
            ),
        }
        for name, (F, start) in formulas.items():
            f, jac = sg.lambdify([x], F), sg.lambdify([x], sg.jacobian(F, x))
            x0 = np.asarray(start, float)
            solvers = {"symgrad": partial(ours, sg.newton_root(F, x), x0)}
            for method in ("hybr", "lm"):
                run = partial(scipy.optimize.root, f, x0, jac=jac, method=method, tol=1e-12)
                solvers[method] = partial(theirs, run)

            def right(at: Any, f: Any = f) -> bool:
                return float(np.abs(f(np.asarray(at, float))).max()) < 1e-8

            yield Task(f"systems, n = {n}", name, solvers, right)


SETS: dict[str, Callable[[], Iterator[Task]]] = {
    "mgh": more_garbow_hillstrom,
    "nist": nist,
    "aps": alefeld_potra_shi,
    "hs": hock_schittkowski,
    "systems": systems,
    "library": library,
    "bundles": bundles,
    "chains": chains,
}
