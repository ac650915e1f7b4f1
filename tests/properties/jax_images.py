"""The functions of recipes as those of JAX."""

from types import SimpleNamespace

import jax
import jax.numpy as jnp

SPECIAL = SimpleNamespace(
    expit=jax.nn.sigmoid, softmax=lambda x, axis=-1: jax.nn.softmax(x, axis=axis)
)
LINALG = SimpleNamespace(
    det=jnp.linalg.det,
    inv=jnp.linalg.inv,
    solve=lambda a, b: jnp.linalg.solve(a, b),
    logdet=lambda a: jnp.linalg.slogdet(a)[1],
    cholesky=lambda a: jnp.linalg.cholesky(a),
    eigvalsh=jnp.linalg.eigvalsh,
    matrix_power=jnp.linalg.matrix_power,
)
NAMES = {
    "special": SPECIAL,
    "linalg": LINALG,
    "softplus": jax.nn.softplus,
    "sigmoid": jax.nn.sigmoid,
    "logsumexp": jax.scipy.special.logsumexp,
    "norm": jnp.linalg.norm,
    "named": lambda x, name: x,
    "eye": jnp.eye,
}


class JaxImages:
    """`sg.sin` and all the others, as functions of JAX."""

    def __getattr__(self, name):
        return NAMES.get(name) or getattr(jnp, name)
