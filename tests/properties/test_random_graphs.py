"""Random graphs: value, derivatives and products, by every way to compile, against independent values.

Values come from an interpreter of the graph in plain NumPy, derivatives from differences of it; where JAX
is installed its values and derivatives are compared too. 300 graphs in the normal suite, 10,000 with
``-m slow``.
"""

import importlib.util

import numpy as np
import pytest
from tests.conftest import tiny
from tests.properties.graphs import FIXED, LEAVES, NAMED, make_leaves, random_recipe, shrunk
from tests.properties.interpreters import numpy_value

import symgrad as sg

HAS_JAX = importlib.util.find_spec("jax") is not None
STEPS = (2e-3, 4e-4, 8e-5)  # of differences


class Unreliable(Exception):
    """Differences say nothing here."""


def close(got, want, tol, what):
    """None where two results agree, else what differs."""
    got, want = np.asarray(got, dtype=float), np.asarray(want, dtype=float)
    if got.shape != want.shape:
        return f"{what}: shape {got.shape}, not {want.shape}"
    scale = max(1.0, float(np.max(np.abs(want), initial=0)))
    error = np.max(np.abs(got - want), initial=0)
    return None if error <= tol * scale else f"{what}: {got.tolist()}, not {want.tolist()}"


class Case:
    """A graph with its leaves, weights and a direction."""

    def __init__(self, recipe, seed):
        self.recipe = recipe
        self.leaves, self.y = recipe.expressions(LEAVES, FIXED)
        self.at = [recipe.point[leaf.name] for leaf in self.leaves]
        rng = np.random.default_rng(seed + 1)
        self.weights = np.round(rng.uniform(0.5, 1.5, self.y.shape), 2)
        self.f = sg.sum(self.y * self.weights)
        self.direction = [np.round(rng.uniform(-1, 1, np.shape(a)), 2) for a in self.at]

    @property
    def point(self):
        return dict(zip(self.leaves, self.at, strict=True))

    def moved(self, t):
        return {x: a + t * d for x, a, d in zip(self.leaves, self.at, self.direction, strict=True)}

    def along(self, value):
        """The derivative of ``value(leaves)`` along the direction, by differences of order six.

        With the step at which half of it gives the same.

        Raises
        ------
        Unreliable
            Where there is no such step, as near a pole.
        """
        for h in STEPS:
            whole, half = self._difference(value, h), self._difference(value, h / 2)
            scale = max(1.0, float(np.max(np.abs(half), initial=0)))
            if np.max(np.abs(whole - half), initial=0) <= 1e-7 * scale:
                return half
        raise Unreliable

    def _difference(self, value, h):
        at = {k: np.asarray(value(self.moved(k * h))) for k in (-3, -2, -1, 1, 2, 3)}
        first, second, third = [(at[k] - at[-k]) / (2 * h * k) for k in (1, 2, 3)]
        return 1.5 * first - 0.6 * second + 0.1 * third


def value_and_derivatives(case):
    """The plain way: value, gradient and tangent along a direction, at a first and a second call."""
    leaves, y, f = case.leaves, case.y, case.f
    tangents = [sg.constant(d) for d in case.direction]
    compiled = sg.lambdify(leaves, [y, sg.grad(f, leaves), sg.jvp(y, leaves, tangents)])
    value = numpy_value(y, case.point)
    tangent = case.along(lambda at: numpy_value(y, at))
    slope = np.sum(tangent * case.weights)
    for call in ("first call", "second call"):  # the second may run code on floats
        got, slopes, along = compiled(*case.at)
        total = sum(float(np.sum(g * d)) for g, d in zip(slopes, case.direction, strict=True))
        for problem in (
            close(got, value, 1e-9, f"value, {call}"),
            close(total, slope, 1e-6, f"gradient along a direction, {call}"),
            close(along, tangent, 1e-6, f"jvp, {call}"),
        ):
            if problem:
                return problem
    case.expected = got, slopes
    return None


def by_curvature(case):
    """Products with second derivatives against differences of gradients."""
    leaves = case.leaves
    tangents = [sg.constant(d) for d in case.direction]
    gradient = sg.lambdify(leaves, sg.grad(case.f, leaves))
    got = sg.lambdify(leaves, sg.hvp(case.f, leaves, tangents))(*case.at)
    for k, x in enumerate(leaves):
        want = case.along(lambda at, k=k: gradient(*[at[leaf] for leaf in leaves])[k])
        problem = close(got[k], want, 1e-5, f"hvp by {x.name}")
        if problem:
            return problem
    return None


def same_as_expected(case, got, tol, what):
    value, slopes = got
    problems = [close(value, case.expected[0], tol, f"value, {what}")]
    problems += [
        close(a, b, tol, f"gradient, {what}") for a, b in zip(slopes, case.expected[1], strict=True)
    ]
    return next((p for p in problems if p), None)


def by_evaluate(case):
    at = dict(zip(case.leaves, case.at, strict=True))
    got = sg.evaluate(case.y, at), [sg.evaluate(g, at) for g in sg.grad(case.f, case.leaves)]
    return same_as_expected(case, got, 1e-9, "evaluate")


def by_saved_source(case):
    f = sg.lambdify(case.leaves, [case.y, sg.grad(case.f, case.leaves)], name="saved")
    space = {}
    exec(compile(f.source, "saved", "exec"), space)
    return same_as_expected(
        case, space["saved"](*[np.asarray(a) for a in case.at]), 1e-9, "saved source"
    )


def by_blocks(case):
    with tiny():
        f = sg.lambdify(case.leaves, [case.y, sg.grad(case.f, case.leaves)])
        return same_as_expected(case, f(*case.at), 1e-9, "tiny blocks")


def by_threads(case):
    with tiny():
        f = sg.lambdify(case.leaves, [case.y, sg.grad(case.f, case.leaves)], threads=2)
        return same_as_expected(case, f(*case.at), 1e-9, "threads")


def by_symbolic_sizes(case):
    try:
        leaves, y = case.recipe.expressions(NAMED, make_leaves(NAMED))
    except (sg.SymgradError, TypeError):
        return None  # a step that needs known extents
    if len(leaves) != len(case.leaves):
        return None
    weights = sg.symbol("weights", y.shape)
    compiled = sg.lambdify([*leaves, weights], [y, sg.grad(sg.sum(y * weights), leaves)])
    return same_as_expected(case, compiled(*case.at, case.weights), 1e-9, "symbolic sizes")


def by_floats32(case):
    leaves = {n: sg.symbol(n, s, dtype="float32") for n, s in LEAVES.items()}
    used, y = case.recipe.expressions(LEAVES, leaves)
    got = sg.lambdify(used, y)(*[np.float32(a) for a in case.at])
    if got.dtype != y.dtype:
        return f"float32: dtype {got.dtype}, not {y.dtype}"
    wide = sg.lambdify(case.leaves, case.y)(*[np.float64(np.float32(a)) for a in case.at])
    return close(got, wide, 3e-2, "float32")


def by_simplify(case):
    y = sg.simplify(case.y)
    gradient = [sg.simplify(g) for g in sg.grad(sg.sum(y * case.weights), case.leaves)]
    return same_as_expected(
        case, sg.lambdify(case.leaves, [y, gradient])(*case.at), 1e-8, "simplify"
    )


def by_exact_simplify(case):
    y = sg.simplify(case.y, guarantee="exact")
    got = sg.lambdify(case.leaves, [y, sg.grad(case.f, case.leaves)])(*case.at)
    return same_as_expected(case, got, 1e-9, "simplify, exact")


def by_hessian(case):
    """Whole second derivatives against products with them."""
    blocks = sg.hessian(case.f, case.leaves)
    tangents = [sg.constant(d) for d in case.direction]
    got, want = sg.lambdify(case.leaves, [blocks, sg.hvp(case.f, case.leaves, tangents)])(*case.at)
    for i, row in enumerate(got):
        total = sum(
            np.tensordot(h, d, np.ndim(d)) for h, d in zip(row, case.direction, strict=True)
        )
        problem = close(total, want[i], 1e-7, f"Hessian by {case.leaves[i].name}")
        if problem:
            return problem
    return None


def by_jacobian(case):
    tangents = [sg.constant(d) for d in case.direction]
    jacobians = [sg.jacobian(case.y, x) for x in case.leaves]
    weights = sg.constant(case.weights) if case.y.ndim else sg.constant(float(case.weights))
    products = [sg.jvp(case.y, case.leaves, tangents), sg.vjp(case.y, case.leaves, weights)]
    got, (tangent, cotangents) = sg.lambdify(case.leaves, [jacobians, products])(*case.at)
    total = sum(np.tensordot(j, d, np.ndim(d)) for j, d in zip(got, case.direction, strict=True))
    problems = [close(total, tangent, 1e-8, "Jacobian times direction")]
    problems += [
        close(a, b, 1e-8, "vjp") for a, b in zip(cotangents, case.expected[1], strict=True)
    ]
    return next((p for p in problems if p), None)


def by_entries(case):
    """The code on floats alone, where there is any."""
    f = sg.lambdify(case.leaves, [case.y, sg.grad(case.f, case.leaves)])
    source = f.scalar_source
    for _ in range(3):
        problem = same_as_expected(case, f(*case.at), 1e-9, f"repeated calls {bool(source)}")
        if problem:
            return problem
    return None


def by_jax(case):
    """The same lines of code run by JAX."""
    import jax
    from tests.properties.jax_images import jax_images

    jax.config.update("jax_enable_x64", True)

    def value(*leaves):
        space = {"sg": jax_images(), **case.recipe.point}
        space |= {x.name: a for x, a in zip(case.leaves, leaves, strict=True)}
        for line in case.recipe.lines():
            exec(line, space)
        return space[f"t{len(case.recipe.steps) - 1}"]

    at = [jax.numpy.asarray(a) for a in case.at]
    total = lambda *leaves: jax.numpy.sum(value(*leaves) * case.weights)  # noqa: E731
    gradient = jax.grad(total, argnums=tuple(range(len(at))))
    slopes = gradient(*at)
    if not all(np.isfinite(g).all() for g in slopes):  # JAX's 0*nan, of what does not contribute
        return same_as_expected(case, (value(*at), case.expected[1]), 1e-9, "JAX")
    problem = same_as_expected(case, (value(*at), slopes), 1e-9, "JAX")
    if problem:
        return problem
    directions = tuple(jax.numpy.asarray(d) for d in case.direction)
    _, curved = jax.jvp(gradient, tuple(at), directions)
    tangents = [sg.constant(d) for d in case.direction]
    ours = sg.lambdify(case.leaves, sg.hvp(case.f, case.leaves, tangents))(*case.at)
    problems = [close(a, b, 1e-7, "hvp, JAX") for a, b in zip(ours, curved, strict=True)]
    return next((p for p in problems if p), None)


WAYS = (
    by_evaluate, by_saved_source, by_blocks, by_symbolic_sizes, by_floats32, by_simplify, by_hessian,
    by_curvature, by_jacobian, by_entries, by_exact_simplify, by_threads, *([by_jax] if HAS_JAX else []),
)  # fmt: skip


def problem_of(recipe, seed, ways):
    """What is wrong with a graph, or None."""
    case = Case(recipe, seed)
    if not case.leaves:
        return None
    for way in (value_and_derivatives, *ways):
        problem = way(case)
        if problem:
            return problem
    return None


def checked(seed, ways):
    """Check one graph; whether differences told anything of its derivatives."""
    recipe = random_recipe(seed, 3 + seed % 7)
    if not recipe.steps:
        return True

    def fails(r):
        with np.errstate(all="ignore"):
            return problem_of(r, seed, ways)

    try:
        failed = fails(recipe)
    except Unreliable:
        return False
    except Exception as error:  # any error is a finding
        kind = type(error)

        def raises(r):
            try:
                fails(r)
            except kind as again:
                return f"{kind.__name__}: {again}"
            return None

        small, why = shrunk(recipe, raises)
        pytest.fail(f"seed {seed}: {small.program(why)}")
    if failed:
        small, why = shrunk(recipe, fails)
        pytest.fail(f"seed {seed}: {small.program(why)}")
    return True


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("start", range(0, 300, 25))
def test_random_graphs(start):
    told = [checked(seed, [WAYS[seed % len(WAYS)]]) for seed in range(start, start + 25)]
    assert sum(told) >= 23


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("start", range(1000, 11000, 100))
def test_many_random_graphs(start):
    ways = {s: [WAYS[(s + k) % len(WAYS)] for k in (0, 4, 6)] for s in range(start, start + 100)}
    told = [checked(seed, chosen) for seed, chosen in ways.items()]
    assert sum(told) >= 95


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("seed", [2472, 10366])
def test_graphs_that_once_raised(seed):
    """A variance along the stack of a product, read as a covariance; a root of a doubled product."""
    assert checked(seed, [WAYS[(seed + k) % len(WAYS)] for k in (0, 4, 6)])
