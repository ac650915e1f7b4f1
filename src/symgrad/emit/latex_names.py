"""Names in LaTeX: ``alpha`` is a Greek letter, ``x1`` has an index, ``theta_hat`` wears a hat."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

_LOWER: Final = (
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau"
    " upsilon phi chi psi omega varepsilon vartheta varpi varrho varsigma varphi"
)
_UPPER: Final = "Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega"
GREEK: Final = frozenset(f"{_LOWER} {_UPPER}".split())
ACCENTS: Final = ("hat", "bar", "tilde", "dot", "ddot", "vec")

_NAME: Final = re.compile(r"([^\W\d_]+)(\d*)((?:_[^\W_]+)*)")
_SPECIAL: Final = re.compile(r"[&%$#_{}~^\\]")


@lru_cache(maxsize=4096)
def latex_name(name: str) -> str:
    r"""A name as LaTeX; one that is LaTeX already (``\alpha``, ``{x}``) as given.

    >>> print(latex_name("beta_1"), latex_name("x12"), latex_name("theta_hat"))
    \beta_{1} x_{12} \hat{\theta}
    >>> print(latex_name("speed_max"), latex_name(r"\alpha"))
    \mathit{speed}_{max} \alpha
    """
    if "\\" in name or "{" in name:
        return name
    match = _NAME.fullmatch(name)
    if match is None:
        return name if len(name) == 1 else rf"\text{{{escaped(name)}}}"
    head, digits, rest = match.groups()
    base = f"\\{head}" if head in GREEK else head if len(head) == 1 else rf"\mathit{{{head}}}"
    below = [digits] if digits else []
    for part in rest.split("_")[1:]:
        if part in ACCENTS:
            base = rf"\{part}{{{base}}}"
        else:
            below.append(f"\\{part}" if part in GREEK else part)
    return f"{base}_{{{','.join(below)}}}" if below else base


def escaped(text: str) -> str:
    """Plain text with the characters that LaTeX takes for commands escaped."""
    return _SPECIAL.sub(lambda m: r"\textbackslash{}" if m[0] == "\\" else f"\\{m[0]}", text)
