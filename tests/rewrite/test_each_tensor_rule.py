"""Rules on tensors alone: random Einsums with diagonals, stretches, identities and products inside.

The values before and after come from NumPy's einsum, node by node.
"""

import random

import numpy as np
import pytest
from tests.properties.interpreters import numpy_value

import symgrad as sg
from symgrad import linalg as la
from symgrad.expr.leaves import eye, number
from symgrad.expr.traverse import check_graph, free_symbols
from symgrad.ops.arithmetic import ADD, MUL, raw_product, raw_sum
from symgrad.ops.einsum import EINSUM, broadcast, einsum_node
from symgrad.rewrite.rule import rewrite
from symgrad.rewrite.stability import STABILITY, stabilize
from symgrad.rewrite.table import RULES

OF_TENSORS = [rule for rule in RULES if rule.op in (EINSUM, MUL, ADD)]
EXTENTS = (2, 3, 1)
ORTHOGONAL = {n: np.linalg.qr(np.random.default_rng(n).normal(size=(n, n)))[0] for n in EXTENTS}


class Maker:
    """Random tensors of given shapes."""

    def __init__(self, seed):
        self.chance = random.Random(seed)
        self.count = 0

    def leaf(self, shape):
        self.count += self.chance.random() < 0.7
        square = len(shape) == 2 and shape[0] == shape[1]
        if square and self.chance.random() < 0.3:
            return eye(shape[0])
        if square and self.chance.random() < 0.2:
            return sg.symbol(f"q{shape[0]}", shape, orthogonal=True)
        if square and self.chance.random() < 0.2:
            return sg.symbol(f"s{shape[0]}", shape, symmetric=True)
        return sg.symbol(f"a{self.count % 4}_{'_'.join(map(str, shape))}", shape)

    def tensor(self, shape, depth):
        """A tensor of a shape: a leaf, a product, a sum, a number times one, a stretch, an inverse."""
        kinds = ["leaf", "leaf", "multiple"]
        if depth:
            kinds += ["einsum", "einsum", "product", "sum", "function", "stretch", "inverse"]
        kind = self.chance.choice(kinds)
        if kind == "multiple":
            return self.chance.choice([2, -1, 0.5]) * self.leaf(shape)
        if kind == "einsum":
            return self.einsum(shape, depth - 1)
        if kind in ("product", "sum"):
            parts = tuple(
                [self.tensor(shape, depth - 1) for _ in range(self.chance.choice([2, 2, 3]))]
            )
            return raw_product(parts) if kind == "product" else raw_sum(parts)
        if kind == "function":
            return self.chance.choice([sg.exp, sg.tanh, sg.cos])(self.tensor(shape, depth - 1))
        if kind == "stretch":
            small = tuple(1 if self.chance.random() < 0.3 else d for d in shape)[
                self.chance.randrange(len(shape) + 1) :
            ]
            return broadcast(self.tensor(small, depth - 1), shape)
        if kind == "inverse" and len(shape) == 2 and shape[0] == shape[1]:
            return la.inv(self.tensor(shape, depth - 1) + 8 * eye(shape[0]))
        return self.leaf(shape)

    def einsum(self, shape, depth):
        """A random Einsum of a shape: repeated labels, labels of one operand only, stretched labels."""
        extents = dict(enumerate(shape))
        for label in range(len(shape), len(shape) + self.chance.choice([0, 1, 1, 2])):
            extents[label] = self.chance.choice(EXTENTS)
        operands, inputs = [], []
        for _ in range(self.chance.choice([1, 2, 2, 3, 4])):
            rank = self.chance.choice([1, 1, 2, 2, 2, 3] if extents else [0])
            labels = tuple(self.chance.choice(list(extents)) for _ in range(rank))
            if self.chance.random() < 0.7:
                labels = tuple(dict.fromkeys(labels))
            inputs.append(labels)
            operands.append(self.tensor(tuple(extents[n] for n in labels), depth))
        return einsum_node(operands, inputs, tuple(range(len(shape))), extents)

    def shape(self):
        return tuple(
            self.chance.choice(EXTENTS) for _ in range(self.chance.choice([0, 1, 1, 2, 2, 3]))
        )


def values_of(*formulas):
    at = {}
    for leaf in free_symbols(*formulas):
        rng = np.random.default_rng(sum(map(ord, leaf.name)))
        value = rng.uniform(-1, 1, leaf.shape)
        if leaf.name.startswith("q"):
            value = ORTHOGONAL[leaf.shape[0]]
        at[leaf] = value + value.T if leaf.name.startswith("s") else value
    return at


def same(before, after, what):
    check_graph(after)
    assert after.shape == before.shape, f"{what}: {before} -> {after}"
    at = values_of(before, after)
    one, other = numpy_value(before, at), numpy_value(after, at)
    scale = 1 + np.max(np.abs(one), initial=0)
    np.testing.assert_allclose(
        other, one, atol=1e-10 * scale, err_msg=f"{what}: {before} -> {after}"
    )


def node_for(rule, maker, depth=2):
    """A random node of the op of a rule."""
    shape = maker.shape()
    if rule.op is EINSUM:
        made = maker.einsum(shape, depth)
        return made if made.op is EINSUM else None
    parts = tuple([maker.tensor(shape, depth) for _ in range(maker.chance.choice([2, 2, 3]))])
    return raw_product(parts) if rule.op is MUL else raw_sum(parts)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("rule", OF_TENSORS, ids=lambda r: f"{r.op.name}: {r.name}")
def test_a_rule_alone_keeps_values(rule):
    for seed in range(30):
        node = node_for(rule, Maker(seed))
        result = None if node is None else rule.apply(node)
        if result is not None and result is not node:
            same(node, result, rule.name)


MADE_FOR = [
    lambda a, b, c, v: la.inv(a @ b) @ a @ v,
    lambda a, b, c, v: b @ la.inv(a @ b) @ c,
    lambda a, b, c, v: a @ la.solve(a, b) @ v,
    lambda a, b, c, v: sg.einsum("ij,ik,jk->", c, a, b),
    lambda a, b, c, v: (sg.diag(v) + 2 * sg.eye(3)) @ a @ v,
    lambda a, b, c, v: sg.diag(v) @ (sg.eye(3) - sg.outer(v, v)),
    lambda a, b, c, v: sg.einsum("ii,jk->ijk", 2 * a, b),
    lambda a, b, c, v: sg.einsum("ii,i->i", a @ b, v)[:, None] * c,
    lambda a, b, c, v: sg.broadcast_to(sg.diagonal(a * b), (2, 3)) * v,
    lambda a, b, c, v: (a @ b).T @ (c * v) + (a @ b).T @ c,
    lambda a, b, c, v: sg.sum(v - sg.mean(v)) * a,
    lambda a, b, c, v: sg.sum(v - 2 * sg.mean(v)) * a + sg.sum(3 * v - sg.sum(v)) * b,
    lambda a, b, c, v: sg.sum(a - sg.mean(a, axis=1, keepdims=True), axis=1) * b,
    lambda a, b, c, v: sg.sum(a - sg.mean(a, axis=0), axis=1) * b,
    lambda a, b, c, v: sg.sum(a * b - sg.mean(a * b, axis=0) + v, axis=0) * b,
    lambda a, b, c, v: sg.sum(2 * a - sg.mean(2 * a), axis=0) * b,
    lambda a, b, c, v: sg.trace(a @ (b + sg.eye(3)) @ c),
]


@pytest.mark.parametrize("make", MADE_FOR)
def test_what_rules_are_made_for(make):
    a, b, c = [sg.symbol(f"a{k}_3_3", (3, 3)) for k in range(3)]
    e = make(a + 4 * sg.eye(3), b, c, sg.symbol("a0_3", (3,)))
    same(e, sg.simplify(e), "simplify")
    same(e, stabilize([e])[0], "stabilize")


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("start", range(0, 100, 25))
def test_whole_passes_keep_values(start):
    for seed in range(start, start + 25):
        maker = Maker(seed)
        e = maker.einsum(maker.shape(), 3)
        same(e, sg.simplify(e), f"simplify, seed {seed}")
        same(e, stabilize([e])[0], f"stabilize, seed {seed}")
        same(e, rewrite(e, STABILITY), f"stability rules, seed {seed}")
        leaves = free_symbols(e)
        if leaves:
            total = sg.sum(e * number(1, e.shape)) if e.ndim else e
            gradients = sg.grad(total, leaves)
            for g, x in zip(gradients, leaves, strict=True):
                assert g.shape == x.shape
                same(g, sg.simplify(g), f"gradient, seed {seed}")


def test_a_scaled_matrix_is_no_product_of_matrices():
    """``B*diagonal(A)`` inside an inverse, a determinant and its logarithm."""
    a, b, c = [sg.symbol(f"a{k}_3_3", (3, 3)) for k in range(3)]
    scaled = b * sg.diagonal(a)
    for e in (
        la.inv(scaled) @ b @ c,
        la.det(scaled),
        la.logdet(scaled),
        la.det(a * sg.diagonal(a)),
    ):
        same(e, sg.simplify(e), "simplify")
    for g in sg.grad(sg.sum(la.inv(scaled) * c), [a, b]):
        same(g, sg.simplify(g), "gradient")
