"""The functions of recipes as those of JAX, which is imported where it is used only."""

from types import SimpleNamespace


def names_of_jax():
    import jax
    import jax.numpy as jnp

    special = SimpleNamespace(
        expit=jax.nn.sigmoid, softmax=lambda x, axis=-1: jax.nn.softmax(x, axis=axis)
    )
    linalg = SimpleNamespace(
        det=jnp.linalg.det,
        inv=jnp.linalg.inv,
        solve=jnp.linalg.solve,
        logdet=lambda a: jnp.linalg.slogdet(a)[1],
        cholesky=jnp.linalg.cholesky,
        eigvalsh=jnp.linalg.eigvalsh,
        matrix_power=jnp.linalg.matrix_power,
    )
    return vars(jnp) | {
        "special": special,
        "linalg": linalg,
        "softplus": jax.nn.softplus,
        "sigmoid": jax.nn.sigmoid,
        "logsumexp": jax.scipy.special.logsumexp,
        "norm": jnp.linalg.norm,
        "take": lambda a, indices: jnp.take(a.ravel(), jnp.asarray(indices)),
        "named": lambda x, name: x,
    }


def jax_images():
    """What stands for `sg` in a recipe that JAX runs."""
    return SimpleNamespace(**names_of_jax())
