"""Letters and accents that LaTeX has a command for."""

from __future__ import annotations

from typing import Final

LOWER: Final = (
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau"
    " upsilon phi chi psi omega varepsilon vartheta varpi varrho varsigma varphi"
)
UPPER: Final = "Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega"
GREEK: Final = frozenset(f"{LOWER} {UPPER}".split())
LETTERS: Final = GREEK | {"hbar", "ell"}  # what a command of LaTeX writes as one letter
ACCENTS: Final = (
    "hat",
    "bar",
    "tilde",
    "dot",
    "ddot",
    "dddot",
    "ddddot",
    "vec",
    "check",
    "breve",
    "acute",
)
