"""JAX: `jax.numpy` has NumPy's functions under their names, with arrays that never change."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from symgrad.runtime import libraries
from symgrad.targets.libraries.library import ArrayLibrary

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
    kinds={},
)
