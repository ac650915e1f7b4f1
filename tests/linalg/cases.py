"""Linear algebra for the contract test: NumPy's functions, on operands for which they are smooth."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import scipy.linalg
from tests.ops.case import Case, Operand, case

V, N, M = Operand("n"), Operand("n k"), Operand("m n")


def regular(shape: str) -> Operand:
    return Operand(shape, -0.7, 0.7, regular=True)


SQUARE, BATCH, R = regular("n n"), regular("m n n"), regular("m n")
KINKLESS = Operand("m n", -0.9, -0.3, regular=True)  # entries of both signs, none of them small
KINKLESS_STACK = Operand("k 3 2", -0.9, -0.3, regular=True)
TALL, WIDE, STACK = regular("4 2"), regular("2 4"), regular("k 3 2")


def symmetric(xp: Any, x: Any) -> Any:
    return (x + xp.swapaxes(x, -1, -2)) / 2


def definite(xp: Any, x: Any) -> Any:
    return xp.matmul(x, xp.swapaxes(x, -1, -2))


def on(name: str, prepare: Any = lambda xp, x: x, **options: Any) -> Any:
    """A function of `numpy.linalg` of one prepared operand."""
    return lambda xp, x: getattr(xp.linalg, name)(prepare(xp, x), **options)


def _systems() -> Iterator[Case]:
    yield case("inv", on("inv"), SQUARE)
    yield case("inv-batch", on("inv"), BATCH)
    yield case("det", on("det"), SQUARE)
    yield case("det-batch", on("det"), BATCH)
    yield case("slogdet", lambda xp, a: tuple(xp.linalg.slogdet(a)), SQUARE)
    yield case("slogdet-batch", lambda xp, a: tuple(xp.linalg.slogdet(a)), BATCH)
    yield case("logdet", on("logdet"), SQUARE, reference=lambda a: np.linalg.slogdet(a)[1])
    solve = lambda xp, a, b: xp.linalg.solve(a, b)  # noqa: E731
    yield case("solve", solve, SQUARE, N)
    yield case("solve-vector", solve, SQUARE, V)
    yield case("solve-batch", solve, BATCH, Operand("m n 2"))
    yield case("solve-broadcast", solve, BATCH, N)
    yield case("inv-of-product", lambda xp, a, x: x @ xp.linalg.inv(a) @ x, SQUARE, V)
    for name, operand in (("", R), ("-wide", WIDE), ("-tall", TALL), ("-batch", STACK)):
        yield case("pinv" + name, on("pinv"), operand)
    yield case("pinv-rcond", on("pinv", rcond=1e-9), TALL)
    for right in ("4", "4 3"):
        yield case(
            f"lstsq-{right}",
            lambda xp, a, b: xp.linalg.lstsq(a, b)[:2],
            TALL,
            Operand(right),
        )
    yield case("lstsq-wide", lambda xp, a, b: xp.linalg.lstsq(a, b)[0], WIDE, Operand("2"))
    yield case("matrix_rank", on("matrix_rank"), M, smooth=False)
    yield case("matrix_rank-batch", on("matrix_rank"), STACK, smooth=False)


def _functions() -> Iterator[Case]:
    for n in (3, 0, -2, 1, 5, -5):
        yield case(f"matrix_power-{n}", lambda xp, a, n=n: xp.linalg.matrix_power(a, n), SQUARE)
    for n in (4, -3):
        power = lambda xp, a, n=n: xp.linalg.matrix_power(a, n)  # noqa: E731
        yield case(f"matrix_power-batch-{n}", power, BATCH)
    for name, operand in (("", Operand("n n", -1, 1)), ("-batch", Operand("m n n", -1, 1))):
        yield case("expm" + name, on("expm"), operand, reference=scipy.linalg.expm, dtypes="f")


def _decompositions() -> Iterator[Case]:
    for name, operand in (("", SQUARE), ("-batch", BATCH)):
        yield case("cholesky" + name, on("cholesky", definite), operand)
        yield case("eigvalsh" + name, on("eigvalsh", symmetric), operand)
        yield case("eigh" + name, on("eigh", symmetric), operand)
    yield case("cholesky-upper", on("cholesky", definite, upper=True), SQUARE)
    yield case("eigvalsh-upper", on("eigvalsh", symmetric, UPLO="U"), SQUARE)
    for name, operand in (("", R), ("-wide", WIDE), ("-tall", TALL), ("-batch", STACK)):
        yield case("svd" + name, on("svd", full_matrices=False), operand)
        yield case("svdvals" + name, on("svdvals"), operand)
    yield case("svd-square", on("svd"), SQUARE)
    yield case("svd-values", on("svd", compute_uv=False), R)


def _name(options: dict[str, Any]) -> str:
    return "".join(f"-{key}={value}".replace(" ", "") for key, value in options.items())


def _norms() -> Iterator[Case]:
    for o in ({}, {"axis": 1}, {"axis": (0, 1), "keepdims": True}):
        yield case("norm" + _name(o), on("norm", **o), M)
    for order in ("fro", 1, -1, np.inf, -np.inf):
        yield from _matrix_norms(order)
    for order in (1, 2, 3, 4, np.inf, -np.inf, 0, 0.5, -1):
        o = {"ord": order, "axis": -1}
        yield case("norm" + _name(o), on("norm", **o), KINKLESS, smooth=order != 0)
        yield case(
            f"vector_norm-{order}",
            on("vector_norm", ord=order, axis=0),
            KINKLESS,
            smooth=order != 0,
        )


def _matrix_norms(order: Any) -> Iterator[Case]:
    o = {"ord": order, "axis": (2, 1), "keepdims": True}
    yield case(f"norm-ord={order}", on("norm", ord=order), KINKLESS)
    yield case("norm" + _name(o), on("norm", **o), KINKLESS_STACK)
    yield case(f"matrix_norm-{order}", on("matrix_norm", ord=order), KINKLESS_STACK)


def _spectra() -> Iterator[Case]:
    for order in ("nuc", 2, -2):
        yield from _matrix_norms(order)
    for p in (None, 2, -2, 1, -1, "fro", np.inf, -np.inf):
        yield case(f"cond-{p}", on("cond", p=p), SQUARE)
    yield case("cond-batch", on("cond"), STACK)


def _products() -> Iterator[Case]:
    yield case("linalg-trace", on("trace"), BATCH)
    yield case("linalg-trace-offset", on("trace", offset=1), Operand("m 3 4"))
    yield case("linalg-diagonal", on("diagonal"), BATCH)
    yield case("matrix_transpose", on("matrix_transpose"), STACK)
    vecdot = lambda xp, a, b: xp.linalg.vecdot(a, b)  # noqa: E731
    yield case("vecdot", vecdot, M, V)
    yield case("vecdot-matrices", vecdot, M, M)
    yield case("vecdot-axis", lambda xp, a, b: xp.linalg.vecdot(a, b, axis=0), M, M)
    yield case(
        "multi_dot",
        lambda xp, a, b, c: xp.linalg.multi_dot([a, b, c]),
        Operand("m"),
        M,
        N,
    )


LAPACK = (*_systems(), *_functions(), *_decompositions(), *_spectra(), *_products())

# NumPy has no LAPACK in long double; none of this is for booleans
LINALG = [
    *[replace(c, wide=False, dtypes=c.dtypes.replace("b", "")) for c in LAPACK],
    *[replace(c, dtypes="fi") for c in _norms()],
]
