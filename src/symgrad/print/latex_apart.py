r"""Names that one formula, or one list, would write alike are told apart: by ``x2``, ``x_2`` is as typed.

The rest of the notation comes first, then what the user chose, names with other letters than ASCII (θ goes
before theta), and the alphabet: the order of the formula does not matter.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Final

from symgrad.expr.leaves import NAMED_NUMBER, SYMBOL
from symgrad.expr.node import Expr
from symgrad.ops.applied import APPLIED
from symgrad.ops.layout import SLICE
from symgrad.print.latex_leaves import LEAVES
from symgrad.print.latex_names import escaped, latex_name
from symgrad.print.printed import MEAN


def told_apart(
    nodes: Collection[Expr], definitions: Iterable[str], chosen: Mapping[str, str]
) -> dict[str, str]:
    """LaTeX for names: what is chosen, and what another name or another notation would be taken for.

    `nodes` are those of one formula, or of all that are printed together.
    """
    names = {str(node.name) for node in nodes if node.op is SYMBOL} | {*definitions}
    functions = [node.params.function for node in nodes if node.op is APPLIED]
    names |= {function.name for function in functions if not function.notation}
    taken = {_plain(text) for node in nodes for text in _notation(node)}
    taken |= {_plain(chosen[name]) for name in names if name in chosen}
    shown = dict(chosen)
    for name in sorted(names - {*chosen}, key=lambda name: (name.isascii(), name)):
        text = latex_name(name)
        if _plain(text) in taken:
            text = _literal(name)
            while _plain(text) in taken:
                text += "'"
            shown[name] = text
        taken.add(_plain(text))
    return shown


def _literal(name: str) -> str:
    return rf"\{'mathrm' if _WORD.fullmatch(name) else 'text'}{{{escaped(name)}}}"


def _notation(node: Expr) -> Iterator[str]:
    """What looks like a name, and is none: constants, entries, means, the heads of calls."""
    if node.op is NAMED_NUMBER:
        yield LEAVES[NAMED_NUMBER](node).text
    elif node.op is SLICE and node.args[0].op is SYMBOL:
        yield f"{latex_name(str(node.args[0].name))}_{{{','.join(map(str, node.params.at))}}}"
    elif node.op is MEAN and node.args[0].op is SYMBOL:
        yield rf"\bar{{{latex_name(str(node.args[0].name))}}}"
    elif isinstance(node.op.latex, str):
        head = _HEAD.match(node.op.latex)
        if head:
            yield head[1]


def _plain(text: str) -> str:
    """LaTeX without what does not show."""
    return re.sub(r"(?<![a-zA-Z])\s+|\s+(?![a-zA-Z])", "", text)


_WORD: Final = re.compile(r"\w+", re.ASCII)
_HEAD: Final = re.compile(r"(\\[a-zA-Z]+)\\left\(")
