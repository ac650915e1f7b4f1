"""JAX: `jax.numpy` has NumPy's functions under their names, with arrays that never change."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from symgrad.expr import kinds as k
from symgrad.runtime import libraries
from symgrad.targets.libraries.library import ArrayLibrary


def _written(names: Any, kind: k.Written, operands: list[str]) -> str | None:
    """Under SciPy's name JAX has Hurwitz's zeta function of two arguments alone."""
    if kind.code == "scipy.special.zeta({0})":
        raise names.library.lacks("zeta of one argument")
    return None


JAX: Final = ArrayLibrary(
    name="jax",
    title="JAX",
    alias="jnp",
    imports={"jnp": "import jax.numpy as jnp", "jax": "import jax"},
    places={
        "np": "jnp",
        "np.linalg": "jnp.linalg",
        "np.fft": "jnp.fft",
        "scipy.special": "jax.scipy.special",
    },
    renamed={},
    inaccurate=frozenset(),
    helpers=Path(libraries.__file__).parent / "jax",
    kinds={k.Written: _written},
)
