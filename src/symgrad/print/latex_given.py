r"""Names that are LaTeX already, ``\alpha``, ``\hat{x}_{1}``, ``{x}``: which are, and which only look so.

A name is taken for LaTeX if every command in it is one that stands for a letter, or changes how its
argument looks, and if it is set without an error: whatever else has a backslash or a brace is text.
"""

from __future__ import annotations

import re
from typing import Final

from symgrad.print.latex_letters import ACCENTS, LETTERS

_SIGNS: Final = LETTERS | frozenset(
    "nabla partial infty ell hbar imath jmath wp Re Im aleph prime dagger ddagger star ast circ bullet"
    " parallel perp pm mp times cdot ldots cdots dots top bot oplus ominus otimes odot to rightarrow"
    " leftarrow leftrightarrow uparrow downarrow langle rangle lVert rVert sim approx neq leq geq in"
    " quad qquad min max sup inf lim log exp sin cos tan emptyset forall exists sum prod int"
    " ln lg det arg deg dim gcd hom ker Pr mod sec csc cot sinh cosh tanh coth arcsin arccos arctan liminf"
    " limsup displaystyle textstyle digamma varkappa complement square triangle"
    " varGamma varDelta varTheta varLambda varXi varPi varSigma varUpsilon varPhi varPsi varOmega".split()
)
_CHANGES: Final = frozenset(ACCENTS) | frozenset(
    "grave mathring widehat widetilde overline underline overrightarrow overleftarrow mathbf mathrm"
    " mathit mathsf mathtt mathcal mathfrak mathbb boldsymbol operatorname sqrt".split()
)
_TEXTS: Final = frozenset(
    "text textbf textit textrm textsf texttt mathrm operatorname mbox".split()
)
_PAIRS: Final = frozenset("frac dfrac tfrac overset underset stackrel binom".split())

SEEN: Final = "\N{WHITE SQUARE}"  # stands for what has been found to be well formed
SCRIPTED: Final = "\N{BLACK SQUARE}"  # the same with scripts, which takes no further ones
_INSIDE: Final = r"[^\\{}_^]*"  # of braces
_ONE: Final = rf"(?:[^\\{{}}_^\s'{SEEN}{SCRIPTED}]|{SEEN}|\{{{_INSIDE}\}})"


def _any_of(words: frozenset[str]) -> str:
    return rf"\\(?:{'|'.join(sorted(words, key=len, reverse=True))})(?![a-zA-Z])\s*"


# Each gives way to a sign for what is well formed, again and again, the innermost first
_STEPS: Final = tuple(
    (re.compile(pattern), sign)
    for pattern, sign in (
        (r"\\[%#&$_{} ,;:!]", "x"),
        (_any_of(_TEXTS) + rf"\{{[^\\{{}}_^%#&$~{SEEN}{SCRIPTED}]*\}}", SEEN),
        (_any_of(_SIGNS), SEEN),
        (_any_of(_CHANGES) + _ONE, SEEN),
        (_any_of(_PAIRS) + _ONE + r"\s*" + _ONE, SEEN),
        (rf"(?:{_ONE})?'*(?:_{_ONE}(?:\^{_ONE}|'+)?|\^{_ONE}(?:_{_ONE})?)(?![_^'])", SCRIPTED),
        (rf"(?<![a-zA-Z_^{SEEN}])\{{{_INSIDE}\}}", SEEN),
    )
)


def is_latex(name: str) -> bool:
    """Whether a name with backslashes or braces is LaTeX that can be set.

    >>> [is_latex(name) for name in (r"\\alpha_{1}", "{x}", r"a\\b", r"\\frac", "x_{1")]
    [True, True, False, False, False]
    """
    rest, before = name, ""
    while rest != before:
        before = rest
        for step, sign in _STEPS:
            rest = step.sub(sign, rest)
    return not re.search(r"[\\{}_^]", rest)
