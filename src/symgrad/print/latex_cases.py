r"""A choice as rows of values and conditions, of which the first that holds counts."""

from __future__ import annotations

from symgrad.print.printer import LOOSE, Piece

Row = tuple[str, tuple[str, ...]]


def cases(condition: Piece, a: Piece, b: Piece) -> Piece:
    """Rows of a value and its conditions; a branch that has cases itself gives its own rows."""
    rows: list[Row] = [
        (value, tuple(dict.fromkeys((condition.text, *also))))
        for value, also in a.cases or ((a.text, ()),)
    ]
    rows += b.cases or ((b.text, ()),)
    live = _live(rows)
    listed = [f" {value} & {_when(conditions)} " for value, conditions in live]
    text = rf"\begin{{cases}} {(chr(92) * 2).join(listed).strip()} \end{{cases}}"
    return Piece(text, LOOSE, cases=tuple(live))


def _live(rows: list[Row]) -> list[Row]:
    """Rows without those that never count, as one above them asks for nothing that they do not."""
    return [
        (value, conditions)
        for k, (value, conditions) in enumerate(rows)
        if not any(set(above) <= set(conditions) for _, above in rows[:k])
    ]


def _when(conditions: tuple[str, ...]) -> str:
    if not conditions:
        return r"\text{otherwise}"
    if len(conditions) > 1:
        conditions = tuple([_beside_and(condition) for condition in conditions])
    return r"\text{if } " + r" \text{ and } ".join(conditions)


def _beside_and(condition: str) -> str:
    return rf"\left({condition}\right)" if r" \vee " in condition else condition
