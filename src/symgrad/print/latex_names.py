r"""Names in LaTeX: ``alpha`` is a Greek letter, ``x1`` has an index, ``theta_hat`` wears a hat."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Final

from symgrad.print.latex_given import is_latex
from symgrad.print.latex_letters import ACCENTS, LETTERS, UPPER

ABOVE: Final = {"star": "*", "prime": r"\prime", "dagger": r"\dagger"}  # as parts after "_"

# Greek letters as they are typed; capitals that look Latin have no command and print as Latin ones
TYPED: Final = {
    **dict(
        zip(
            "αβγδεζηθικλμνξπρστυφχψωϵϑϖϱςϕ",
            "alpha beta gamma delta varepsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma"
            " tau upsilon varphi chi psi omega epsilon vartheta varpi varrho varsigma phi".split(),
            strict=True,
        )
    ),
    **dict(zip("ΓΔΘΛΞΠΣΥΦΨΩ", UPPER.split(), strict=True)),
    "\N{OHM SIGN}": "Omega",
    "\N{MICRO SIGN}": "mu",
    "ℏ": "hbar",
    "ħ": "hbar",
    "ℓ": "ell",
    "∂": "partial",
    "∇": "nabla",
}
LATIN: Final = dict(zip("ΑΒΕΖΗΙΚΜΝΟΡΤΧ", "ABEZHIKMNOPTX", strict=True)) | {"ο": "o"}

_NAME: Final = re.compile(r"(?P<head>[^\W\d_]+)(?P<digits>\d*)(?P<parts>(?:_[^\W_]+)*)")
_MARKS: Final = re.compile(r"(?P<name>.*?)(?P<marks>['′*†]*)(?:\^(?P<above>.+))?")
_MARK: Final = {"'": r"\prime", "′": r"\prime", "*": "*", "†": r"\dagger"}
_INDEX_LAST: Final = re.compile(  # x'_1, x^*_1: the index goes first
    r"(?P<name>[^_^'′*†]+)(?P<above>['′*†]+|\^(?:['′*†]+|[^\W_]+))(?P<below>(?:_[^\W_]+)+)"
)
_SPECIAL: Final = re.compile(r"[&%$#_{}~^\\<>|]|\s+")
_SPELLED: Final = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
}
_BARE: Final = re.compile(r"(?<!\\)[%#&$]")


@lru_cache(maxsize=4096)
def latex_name(name: str) -> str:
    r"""A name as LaTeX; one that is LaTeX already (``\alpha``, ``{x}``) as given.

    Greek letters may be typed or spelled, digits at the end are an index, and so is what follows ``_``
    but for accents (``theta_dot``). A star, a prime or what follows ``^`` stands above.

    >>> print(latex_name("beta_1"), latex_name("x12"), latex_name("theta_hat"), latex_name("σ²"))
    \beta_{1} x_{12} \hat{\theta} \sigma^{2}
    >>> print(latex_name("speed_max"), latex_name(r"\alpha"), latex_name("x^*"), latex_name("ħ"))
    \mathit{speed}_{max} \alpha x^{*} \hbar
    """
    if "\\" in name or "{" in name:
        return _BARE.sub(lambda m: f"\\{m[0]}", name) if is_latex(name) else _as_text(name)
    plain, raised = _without_raised_digits(_INDEX_LAST.sub(r"\g<name>\g<below>\g<above>", name))
    marked = _MARKS.fullmatch(plain)
    match = _NAME.fullmatch(_lowered(marked["name"])) if marked else None
    if marked is None or match is None:
        return name if len(name) == 1 and name.isalnum() else _as_text(name)
    above = [_MARK[mark] for mark in marked["marks"]]
    if marked["above"]:
        above.append(_above(marked["above"]))
    return _assembled(match, above, raised)


def _assembled(match: re.Match[str], above: list[str], raised: str) -> str:
    """Letter, accents, indices and what stands above."""
    base = _word(match["head"])
    below = [match["digits"]] if match["digits"] else []
    for part in match["parts"].split("_")[1:]:
        if part in ACCENTS:
            base = rf"\{part}{{{base}}}"
        elif part in ABOVE:
            above.append(ABOVE[part])
        else:
            below.append(_index(part))
    if raised:
        above.append(raised)
    index = f"_{{{','.join(below)}}}" if below else ""
    primes = "".join(above)
    if primes and primes == r"\prime" * len(above):
        return f"{base}{index}{chr(39) * len(above)}"
    return f"{base}{index}^{{{' '.join(above)}}}" if above else f"{base}{index}"


def _word(head: str) -> str:
    """A letter, or letters that belong together."""
    if head in LETTERS:
        return f"\\{head}"
    if len(head) == 1:
        return _letter(head)
    if all(c in TYPED or c in LATIN for c in head):
        return rf"\mathit{{{' '.join(map(_letter, head))}}}"
    if head[0] in TYPED and head[1:].isascii():  # Δx
        return f"{_letter(head[0])} {head[1:] if len(head) == 2 else _italic(head[1:])}"
    return _italic(head)


def _italic(word: str) -> str:
    return rf"\mathit{{{word}}}" if word.isascii() else _as_text(word)


def _letter(letter: str) -> str:
    if letter in LATIN:
        return LATIN[letter]
    if letter in TYPED:
        return f"\\{TYPED[letter]}"
    return letter if letter.isascii() else _as_text(letter)


def _index(part: str) -> str:
    """What follows an underscore."""
    if part in LETTERS:
        return f"\\{part}"
    spelled = [_letter(c) for c in part]
    return "".join(f"{s} " if s.startswith("\\") else s for s in spelled).strip()


def _above(text: str) -> str:
    """What follows a caret."""
    if text in LETTERS:
        return f"\\{text}"
    if text in _MARK or all(c in _MARK for c in text):
        return " ".join(_MARK[c] for c in text)
    return _index(text) if text.isalnum() else _as_text(text)


def _lowered(name: str) -> str:
    """A name with its subscript digits as an index: ``x₁`` is ``x_1``."""
    plain = re.sub(r"(?<=.)[₀-₉]+", lambda m: f"_{unicodedata.normalize('NFKC', m[0])}", name)
    return plain


def _without_raised_digits(name: str) -> tuple[str, str]:
    """A name without the superscript digits at its end, and those: ``σ²`` is ``σ`` and 2."""
    match = re.fullmatch(r"(.+?)([⁰¹²³⁴-⁹⁺⁻]+)", name)
    if match is None:
        return name, ""
    return match[1], unicodedata.normalize("NFKC", match[2]).replace("\N{MINUS SIGN}", "-")


def _as_text(name: str) -> str:
    return rf"\text{{{escaped(name)}}}"


def escaped(text: str) -> str:
    """Plain text with the characters that LaTeX takes for commands escaped."""
    return _SPECIAL.sub(lambda m: " " if m[0].isspace() else _SPELLED.get(m[0], f"\\{m[0]}"), text)
