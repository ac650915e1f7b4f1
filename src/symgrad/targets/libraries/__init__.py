"""Other array libraries: the program of a formula printed with their functions."""

from __future__ import annotations

from typing import Final

from symgrad.targets.libraries.jax import JAX
from symgrad.targets.libraries.library import ArrayLibrary
from symgrad.targets.libraries.torch import TORCH

LIBRARIES: Final[dict[str, ArrayLibrary]] = {library.name: library for library in (JAX, TORCH)}
