"""Random graphs as recipes: lines of code that anybody can run, and that can be shortened.

A recipe is a list of steps; each is a line over the results of earlier ones. Values are known while a
recipe grows, so that a step is taken only where it is finite, moderate and away from kinks. What fails is
shrunk to a small recipe that fails as well, and printed as a program.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from tests.properties.interpreters import numpy_value

import symgrad as sg
from symgrad.expr.node import Expr
from symgrad.expr.traverse import toposort

MARGIN = 0.02  # between a value and a kink
LARGEST = 1e4

# Leaves: name, shape; extents are 3 and 2, or the names that stand for them
LEAVES = {
    "x": (),
    "y": (),
    "v": (3,),
    "w": (3,),
    "u": (2,),
    "A": (3, 3),
    "B": (3, 3),
    "C": (3, 2),
    "D": (2, 3),
    "T": (2, 3, 3),
}
NAMES = {2: "m", 3: "n"}


class Step(NamedTuple):
    """A template over earlier results, and which ones."""

    template: str
    args: tuple[int, ...]


class Template(NamedTuple):
    """A step that may be taken: code over operands, and the ranks that they must have."""

    code: str
    ranks: tuple[Any, ...]  # an int, "any", "same" as the first operand, "vec", "square", "mat"


# Steps by the kinds of their operands; those that stand twice are taken twice as often
CODES: dict[tuple[Any, ...], str] = {
    ("any",): """
        sg.sin({0}) sg.cos({0}) sg.tanh({0}) sg.exp({0}) sg.arctan({0}) sg.sinh({0})
        sg.cosh({0}) sg.log({0}) sg.sqrt({0}) 1/{0} {0}**2 {0}**3 {0}**-2 -{0} 2*{0} {0}/3
        sg.abs({0}) sg.sign({0})*{0} sg.special.expit({0}) sg.softplus({0}) sg.log1p({0})
        sg.expm1({0}) sg.cbrt({0}) sg.log(1+sg.exp({0})) 1-{0} {0}+1 {0}**0.5 {0}**1.5
        sg.exp(-{0}) sg.log({0}**2+1) sg.sqrt({0}**2+1) sg.square({0}) sg.exp2({0}) sg.tan({0})
        sg.arcsinh({0}) sg.where({0}>0,{0}**2,sg.exp({0})) sg.maximum({0},0) sg.clip({0},-1,1)
        sg.arctanh({0}/4) sg.abs({0})**1.5 sg.where({0}>0.5,sg.sqrt({0}),0) sg.floor({0})*{0}
        sg.copysign({0},1) sg.named({0},'p')**2 {0}*{0}*{0} sg.sigmoid({0}) 1/(1+sg.exp(-{0}))
    """,
    ("any", "any"): """
        {0}+{1} {0}-{1} {0}*{1} {0}/{1} {0}*{1} {0}+{1} sg.maximum({0},{1}) sg.minimum({0},{1})
        {0}**{1} sg.hypot({0},{1}) sg.arctan2({0},{1}) sg.logaddexp({0},{1})
        sg.where({0}>{1},{0},{1}**2) {0}-2*{1} {0}*{1}**-1 sg.where({0}>0,{1},{0}*{1})
        sg.copysign({0},{1}) {0}%{1} {0}*sg.exp({1}) {0}*{1}*{0} 3*{0}+{1}/2 {0}+{1} {0}-{1}
        {0}*{1} {0}/{1} {0}*{1} {0}+{1} sg.maximum({0},{1}) sg.minimum({0},{1}) {0}**{1}
        sg.hypot({0},{1}) sg.arctan2({0},{1}) sg.logaddexp({0},{1}) sg.where({0}>{1},{0},{1}**2)
        {0}-2*{1} {0}*{1}**-1 sg.where({0}>0,{1},{0}*{1}) sg.copysign({0},{1}) {0}%{1}
        {0}*sg.exp({1}) {0}*{1}*{0} 3*{0}+{1}/2
    """,
    ("mat",): """
        {0}.T sg.sum({0},axis=0) sg.sum({0},axis=1) sg.mean({0}) {0}[0] {0}[:,1] {0}[1:,:2]
        sg.max({0},axis=1) sg.min({0}) sg.prod({0},axis=0) sg.logsumexp({0},axis=1)
        sg.special.softmax({0},axis=1) sg.cumsum({0},axis=0) {0}[::-1] sg.sum({0}**2)
        sg.norm({0}) {0}@{0}.T {0}.T@{0} sg.flip({0},1) sg.var({0},axis=0)
        sg.einsum('ij,ij->j',{0},{0}) sg.sum({0},axis=0,keepdims=True) {0}[:,None,:] {0}[-1]
    """,
    ("square",): """
        sg.trace({0}) sg.diagonal({0}) sg.linalg.det({0}) sg.linalg.inv({0})
        sg.linalg.inv({0}+4*sg.eye(3)) sg.tril({0}) sg.triu({0}) {0}@{0} {0}+{0}.T
        sg.linalg.logdet({0}@{0}.T+sg.eye(3)) sg.linalg.matrix_power({0},3)
        sg.linalg.cholesky({0}@{0}.T+sg.eye(3)) sg.diag(sg.diagonal({0})) sg.einsum('ii->i',{0})
        {0}+sg.eye(3) sg.linalg.eigvalsh({0}+{0}.T) sg.einsum('ij,ji->',{0},{0})
    """,
    ("vec",): """
        sg.sum({0}) sg.sum({0}**2) sg.mean({0}) sg.diag({0}) sg.outer({0},{0}) {0}[0] {0}[1:]
        {0}[::-1] sg.norm({0}) sg.max({0}) sg.prod({0}) sg.cumsum({0}) sg.logsumexp({0})
        sg.special.softmax({0}) {0}@{0} sg.roll({0},1) sg.concatenate([{0},{0}**2])
        sg.stack([{0},sg.exp({0})]) {0}[:,None] {0}[None,:]*{0}[:,None] sg.cumprod({0})
        sg.var({0}) sg.take({0},[0,1,1]) sg.reshape({0},(-1,1)) sg.tile({0},2)
        sg.broadcast_to({0},(3,)+{0}.shape) sg.std({0}) sg.einsum('i,i,j->j',{0},{0},{0})
    """,
    ("same", "same"): """
        sg.sum({0}*{1}) sg.stack([{0},{1}]) sg.concatenate([{0},{1}])
    """,
    ("mat", "mat"): """
        {0}@{1} {0}@{1} {0}.T@{1} {0}@{1}.T sg.kron({0},{1}) sg.einsum('ij,kj->ki',{0},{1})
    """,
    ("mat", "vec"): """
        {0}@{1} {0}@{1} {0}*{1} {1}@{0} {1}[:,None]*{0} {0}+{1} {0}/{1} {0}.T@{1}
        sg.einsum('ij,j->ij',{0},{1})
    """,
    ("square", "vec"): """
        {1}@{0}@{1} sg.linalg.solve({0}+4*sg.eye(3),{1}) sg.linalg.inv({0}+4*sg.eye(3))@{1}
        {0}@sg.diag({1}) sg.diagonal({0})*{1} ({0}+sg.diag({1}))@{1}
        sg.logaddexp({0},sg.diagonal({0})) sg.einsum('ii,j->j',{0},{1}) sg.diagonal({0}/{1})+{0}
        sg.linalg.solve({0}.T@{0}+sg.eye(3),{1})
    """,
    ("square", "square"): """
        sg.trace({0}@{1}) sg.linalg.solve({0}+4*sg.eye(3),{1}) {0}@{1}@{0} sg.sum({0}*{1}.T)
        {0}@{1}-{1}@{0} sg.kron({0},{1})
    """,
    ("vec", "vec"): """
        sg.outer({0},{1}) {0}@{1} sg.outer({0},{1}) sg.inner({0},{1}) {0}[:,None]-{1}[None,:]
    """,
    (3,): """
        sg.sum({0},axis=0) sg.einsum('bij->ji',{0}) {0}[0] sg.sum({0},axis=(1,2)) {0}@{0}
        sg.linalg.inv({0}+4*sg.eye(3)) sg.max({0},axis=2) sg.moveaxis({0},0,2)
        sg.linalg.det({0}) sg.reshape({0},(2,9))
    """,
    (3, "vec"): """
        {0}@{1} {0}*{1} sg.einsum('bij,i,j->b',{0},{1},{1})
    """,
}
TEMPLATES = [Template(code, ranks) for ranks, codes in CODES.items() for code in codes.split()]


def rank_fits(kind: Any, x: Expr, first: Expr) -> bool:
    shape = x.shape
    if kind == "any":
        return True
    if kind == "same":
        return shape == first.shape and len(shape) > 0
    if kind == "square":
        return shape == (3, 3)
    return len(shape) == {"vec": 1, "mat": 2}.get(kind, kind)


@dataclass
class Recipe:
    """A random graph: its steps, and the values of its leaves."""

    steps: list[Step]
    point: dict[str, Any]

    def lines(self) -> list[str]:
        """The steps as code, without the leaves."""
        names = list(LEAVES)
        result = []
        for k, step in enumerate(self.steps):
            operands = [
                f"({e})" if not e.isidentifier() else e
                for e in [_name(i, names) for i in step.args]
            ]
            result.append(f"t{k} = {step.template.format(*operands)}")
        return result

    def expressions(
        self, shapes: dict[str, Any], leaves: dict[str, Expr] | None = None
    ) -> tuple[list[Expr], Expr]:
        """The leaves that are used, and the last result."""
        made = leaves or make_leaves(shapes)
        space: dict[str, Any] = {"sg": sg, **made}
        for line in self.lines():
            name, code = line.split(" = ", 1)
            space[name] = eval(code, space)
        result = space[f"t{len(self.steps) - 1}"]
        used = set(toposort([result]))
        return [leaf for leaf in made.values() if leaf in used], result

    def program(self, what: str) -> str:
        """All of it as a program."""
        leaves = [
            f'{name} = sg.symbol("{name}", {shape})'
            for name, shape in LEAVES.items()
            if self._uses(name)
        ]
        values = [
            f"{name!r}: {np.asarray(v).tolist()}"
            for name, v in self.point.items()
            if self._uses(name)
        ]
        return "\n".join(
            [
                f"# {what}",
                "import numpy as np",
                "import symgrad as sg",
                *leaves,
                *self.lines(),
                f"at = {{{', '.join(values)}}}",
            ]
        )

    def _uses(self, name: str) -> bool:
        index = list(LEAVES).index(name)
        return any(index in step.args for step in self.steps)


def _name(i: int, names: list[str]) -> str:
    return names[i] if i < len(names) else f"t{i - len(names)}"


def make_leaves(shapes: dict[str, Any]) -> dict[str, Expr]:
    return {name: sg.symbol(name, shape) for name, shape in shapes.items()}


FIXED = make_leaves(LEAVES)
NAMED = {name: tuple(NAMES[d] for d in shape) for name, shape in LEAVES.items()}


def random_point(rng: np.random.Generator) -> dict[str, Any]:
    """Values of the leaves, of both signs."""
    return {
        name: np.round(rng.uniform(0.3, 1.7, shape) * rng.choice([-1, 1, 1], shape), 3)
        for name, shape in LEAVES.items()
    }


def random_recipe(seed: int, length: int = 10) -> Recipe:
    """A recipe of up to `length` steps, whose last result mentions a leaf."""
    chance = random.Random(seed)
    point = random_point(np.random.default_rng(seed))
    at = {FIXED[name]: value for name, value in point.items()}
    results: list[Expr] = list(FIXED.values())
    steps: list[Step] = []
    for _ in range(6 * length):
        if len(steps) == length:
            break
        template = chance.choice(TEMPLATES)
        args = _operands(template, results, chance)
        if args is None:
            continue
        try:
            made = eval(
                template.code.format(*[f"a[{i}]" for i in range(len(args))]),
                {"sg": sg, "a": [results[i] for i in args]},
            )
        except sg.SymgradError:
            continue  # shapes that do not fit
        if is_smooth(made, at, results):
            results.append(made)
            steps.append(Step(template.code, args))
    return Recipe(steps, point)


def _operands(
    template: Template, results: list[Expr], chance: random.Random
) -> tuple[int, ...] | None:
    """Operands of the ranks that a template wants, the later results more often."""
    args: list[int] = []
    for kind in template.ranks:
        first = results[args[0]] if args else None
        fitting = [
            i
            for i, x in enumerate(results)
            if rank_fits(kind, x, x if first is None else first)
            or (kind == "same" and first is None and x.ndim)
        ]
        if not fitting:
            return None
        late = fitting[-3:]
        args.append(chance.choice(late if chance.random() < 0.7 else fitting))
    return tuple(args)


KINKED = {"absolute": 0, "sign": 0, "copysign": 1, "heaviside": 0, "cbrt": 0}
JUMPING = ("floor", "ceil", "rint", "trunc")


def is_smooth(e: Expr, at: dict[Expr, Any], known: list[Expr]) -> bool:
    """Whether values are finite and moderate, and conditions clear, on the way to `e`."""
    if e.ndim > 4 or e.dtype.kind != "f" or any(d == 0 for d in e.shape) or _size(e) > 100:
        return False
    for node in toposort([e], skip=known):
        if node.dtype.kind == "b" or not node.args:
            continue
        try:
            value = numpy_value(node, at)
        except np.linalg.LinAlgError:
            return False
        if not np.all(np.isfinite(value)) or np.max(np.abs(value), initial=0) > LARGEST:
            return False
        if not _is_clear(node, at):
            return False
    return True


def _size(e: Expr) -> int:
    return int(np.prod([int(d) for d in e.shape]))


def _is_clear(node: Expr, at: dict[Expr, Any]) -> bool:
    """Whether a node is away from its kinks, jumps, ties and poles."""
    name = node.op.name
    args = [numpy_value(x, at) for x in node.args] if _has_kinks(name) else []
    if name in KINKED:
        return bool(np.min(np.abs(args[KINKED[name]])) > MARGIN)
    if name in JUMPING:
        return bool(np.min(np.abs(args[0] * 2 - np.rint(args[0] * 2))) > MARGIN)
    if name in ("maximum", "minimum"):
        return bool(np.min(np.abs(args[0] - args[1])) > MARGIN)
    if name == "where":
        condition = node.args[0]
        if condition.op.name in ("greater", "less") and condition.args:
            a, b = [numpy_value(x, at) for x in condition.args]
            return bool(np.min(np.abs(a - b)) > MARGIN)
        return True
    if name in ("mod", "floor_divide"):
        ratio = args[0] / args[1]
        return bool(np.min(np.abs(ratio - np.rint(ratio))) > MARGIN)
    if name == "power":
        return bool(np.min(np.abs(args[0])) > MARGIN)
    if name in ("hypot", "arctan2"):
        return bool(np.min(np.hypot(*args)) > MARGIN)
    if name in ("max", "min"):
        return _without_ties(args[0], node.params[0])
    if name in ("inv", "solve", "det", "cholesky", "logabsdet", "spd_logdet", "eigvalsh"):
        a = args[0] + np.swapaxes(args[0], -1, -2) if name == "eigvalsh" else args[0]
        if name == "eigvalsh":
            return bool(np.min(np.diff(np.linalg.eigvalsh(a / 2))) > MARGIN)
        return bool(np.max(np.linalg.cond(a)) < 1e3)
    return True


def _has_kinks(name: str) -> bool:
    plain = ("maximum", "minimum", "mod", "floor_divide", "power", "hypot", "arctan2", "max", "min")
    linear = ("inv", "solve", "det", "cholesky", "logabsdet", "spd_logdet", "eigvalsh")
    return name in KINKED or name in JUMPING or name in plain or name in linear


def _without_ties(x: Any, axes: tuple[int, ...]) -> bool:
    rows = np.moveaxis(x, axes, range(-len(axes), 0)).reshape(
        *[d for i, d in enumerate(x.shape) if i not in axes], -1
    )
    return rows.shape[-1] < 2 or bool(np.min(np.diff(np.sort(rows, axis=-1), axis=-1)) > MARGIN)


def shrunk(recipe: Recipe, fails: Callable[[Recipe], str | None]) -> tuple[Recipe, str]:
    """A recipe as short as can be that fails as well, and how."""
    why = fails(recipe)
    assert why is not None
    improved = True
    while improved:
        improved = False
        for shorter in _shorter(recipe):
            reason = _quietly(fails, shorter)
            if reason is not None:
                recipe, why, improved = shorter, reason, True
                break
    return recipe, why


def _quietly(fails: Callable[[Recipe], str | None], recipe: Recipe) -> str | None:
    try:
        return fails(recipe)
    except Exception:
        return None  # no graph any more


def _shorter(recipe: Recipe) -> list[Recipe]:
    """Recipes with less: the first steps alone, a step left out for one of its operands or a leaf."""
    steps, base = recipe.steps, len(LEAVES)
    found = [Recipe(steps[:k], recipe.point) for k in range(1, len(steps))]
    for k in range(len(steps)):
        for stand_in in dict.fromkeys([*steps[k].args, 0, 2, 5]):
            if stand_in < base + k:
                found.append(Recipe(_without(steps, k, stand_in, base), recipe.point))
    return [r for r in found if r.steps]


def _without(steps: list[Step], k: int, stand_in: int, base: int) -> list[Step]:
    def moved(i: int) -> int:
        return stand_in if i == base + k else i - (i > base + k)

    return [
        Step(s.template, tuple([moved(i) for i in s.args])) for j, s in enumerate(steps) if j != k
    ]
