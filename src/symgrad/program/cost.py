"""What instructions cost: the time that one takes for an entry, where one addition takes 1."""

from __future__ import annotations

from typing import Any, Final

from symgrad.expr.kinds import Formula, Kind, Tree, Ufunc

# In the cache; functions of SciPy take 20, and what is not listed takes 1
COSTS: Final = {
    **dict.fromkeys("divide sqrt where log2 exp2".split(), 2),
    **dict.fromkeys("exp expm1 log log1p log10 tan arctan".split(), 4),
    **dict.fromkeys("tanh sinh cosh arcsinh arccosh arctanh".split(), 5),
    **dict.fromkeys("arcsin arccos arctan2 power cbrt mod hypot".split(), 8),
    **dict.fromkeys("sin cos logaddexp logaddexp2 fmod".split(), 20),
}


def cost_of(kind: Kind) -> int:
    """About how long a function of entries, or a reduction, takes for an entry; a leaf takes none."""
    if kind.leaf:
        return 0
    if isinstance(kind, Ufunc):
        return _of_function(kind.name)
    return _of_tree(kind.tree) if isinstance(kind, Formula) else 1


def _of_function(name: str) -> int:
    return 20 if name.startswith("special.") else COSTS.get(name, 1)


def _of_tree(tree: Any) -> int:
    if not isinstance(tree, Tree):
        return 0
    return cost_of(tree.kind) + sum(_of_tree(arg) for arg in tree.args)
