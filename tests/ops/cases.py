"""Every public function with operands to call it on: the data that the contract test runs over.

A case calls NumPy and symgrad alike, ``call(np, *arrays)`` and ``call(sg, *expressions)``, so what it
says of one it says of both. Extents are names (``"m n"``) wherever the function allows it; each case
runs at several sizes. A function without a NumPy twin has a reference of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from tests.linalg.cases import LINALG
from tests.ops.added import ADDED_CASES
from tests.ops.case import SIZES, Case, Operand, as_list, case, fixed
from tests.ops.vocabulary import VOCABULARY

__all__ = ["CASES", "PROMISED", "SIZES", "as_list"]

S, V, W = Operand(""), Operand("n"), Operand("n")
M, N, K = Operand("m n"), Operand("n k"), Operand("m k")
T = Operand("m n k")
POSITIVE = Operand("m n", 0.3, 2.0)
MASK = Operand("m n", dtype="bool")
FIXED = Operand("3 4")
INDEX = Operand("2 3", 0, 3, dtype="int64")


# Arithmetic and the functions that are composed of other ops; the ops themselves are found by record

_POWERS = [
    case(f"power-{p}", lambda xp, x, p=p: xp.power(x, p), POSITIVE, dtypes=kinds)
    for p, kinds in (
        (2, "fib"),
        (3, "fi"),
        (-2, "f"),
        (0.5, "fi"),
        (-1.5, "f"),
        (1, "fi"),
    )
]

ARITHMETIC = [
    case("add", lambda xp, x, y: xp.add(x, y), M, V),
    case("subtract", lambda xp, x, y: xp.subtract(x, y), M, V, dtypes="fi"),
    case("multiply", lambda xp, x, y: xp.multiply(x, y), M, Operand("m 1")),
    case("divide", lambda xp, x, y: xp.divide(x, y), M, Operand("n", 0.5, 2.0)),
    case("divide-by-integer", lambda xp, x: xp.divide(x, 3), M),
    case("true_divide", lambda xp, x, y: xp.true_divide(x, y), S, POSITIVE),
    case("negative", lambda xp, x: xp.negative(x), M, dtypes="fi"),
    case("positive", lambda xp, x: xp.positive(x), M, dtypes="fi"),
    case("square", lambda xp, x: xp.square(x), M, dtypes="fi"),
    case("sqrt", lambda xp, x: xp.sqrt(x), POSITIVE, dtypes="fi"),
    case("reciprocal", lambda xp, x: xp.reciprocal(x), POSITIVE, dtypes="f"),
    case("power", lambda xp, x, y: xp.power(x, y), POSITIVE, V, dtypes="f"),
    case("power-by-integers", lambda xp, x, y: xp.power(x, y), M, Operand("n", 0, 4, "int64")),
    case("power-of-number", lambda xp, x: xp.power(2.5, x), M),
    case("float_power", lambda xp, x, y: xp.float_power(x, y), POSITIVE, V, dtypes="fi"),
    case("degrees", lambda xp, x: xp.degrees(x), M, dtypes="fi"),
    case("radians", lambda xp, x: xp.radians(x), M, dtypes="fi"),
    case("deg2rad", lambda xp, x: xp.deg2rad(x), M, dtypes="fi"),
    case("rad2deg", lambda xp, x: xp.rad2deg(x), M, dtypes="fi"),
    case("fabs", lambda xp, x: xp.fabs(x), M, dtypes="fi"),
    case("remainder", lambda xp, x, y: xp.remainder(x, y), M, Operand("n", 0.5, 2.0), dtypes="f"),
    case("divmod", lambda xp, x, y: xp.divmod(x, y), M, Operand("n", 0.5, 2.0), dtypes="f"),
    case("modf", lambda xp, x: xp.modf(x), M, dtypes="f"),
    case("frexp", lambda xp, x: xp.frexp(x), POSITIVE, dtypes="f"),
    case("round", lambda xp, x: xp.round(x), M, dtypes="fi"),
    case("round-decimals", lambda xp, x: xp.round(x, 1), M, smooth=False, dtypes="fi"),
    case("round-tens", lambda xp, x: xp.round(10 * x, -1), M, dtypes="fi"),
    case("astype", lambda xp, x: xp.astype(x, np.float64), M),
    case("named-and-weak", lambda xp, x: 2 * x + 1 - x / 4, M),
    *_POWERS,
    case("power-0", lambda xp, x: xp.power(x, 0), POSITIVE, smooth=False, dtypes="fi"),
]

# Choosing

CHOICE = [
    case("where", lambda xp, c, x, y: xp.where(c, x, y), MASK, M, V),
    case("where-scalar", lambda xp, c, x: xp.where(c, x, 0), MASK, M),
    case("where-condition", lambda xp, x, y: xp.where(x > y, x, y), M, M),
    case("select", lambda xp, x, y: xp.select([x > 1, x > 0], [x * y, y], 0.5), M, M, dtypes="f"),
    case(
        "piecewise",
        lambda xp, x: xp.piecewise(x, [x < -0.5, x > 0.5], [lambda u: u * u, lambda u: -u, 2.0]),
        M,
        dtypes="f",
    ),
    case("clip", lambda xp, x: xp.clip(x, -0.5, 1.0), M, dtypes="f"),
    case("clip-arrays", lambda xp, x, a, b: xp.clip(x, a, b), M, V, POSITIVE, dtypes="f"),
    case("clip-below", lambda xp, x: xp.clip(x, 0, None), M, dtypes="fi"),
    case("nan_to_num", lambda xp, x: xp.nan_to_num(x, nan=1.5), M, dtypes="f"),
]

# Reductions and scans


def _name(options: dict[str, Any]) -> str:
    return "".join(f"-{key}={value}".replace(" ", "") for key, value in options.items())


AXES: tuple[dict[str, Any], ...] = (
    {},
    {"axis": 0},
    {"axis": -1, "keepdims": True},
    {"axis": (0, -1)},
    {"axis": (2, 1), "keepdims": True},
)


def _reductions(name: str, operand: Operand, options: Any = AXES, **fields: Any) -> Iterator[Case]:
    for o in options:
        call = lambda xp, x, o=o: getattr(xp, name)(x, **o)  # noqa: E731
        yield case(name + _name(o), call, operand, **fields)


def _softmax(x: Any, axis: Any) -> Any:
    e = np.exp(x - np.max(x, axis=axis, keepdims=True))
    return e / np.sum(e, axis=axis, keepdims=True)


REDUCTIONS = [
    *_reductions("sum", T),
    *_reductions("mean", T, dtypes="fib"),
    *_reductions("var", T, (*AXES, {"axis": 1, "ddof": 1}), dtypes="fi"),
    *_reductions("std", Operand("m n 3"), (*AXES, {"axis": 1, "ddof": 1}), dtypes="fi"),
    *_reductions("prod", T),
    *_reductions("max", T),
    *_reductions("min", T),
    *_reductions("any", T, smooth=False),
    *_reductions("all", T, smooth=False),
    *_reductions("argmax", T, AXES[:3], smooth=False),
    *_reductions("argmin", T, AXES[:3], smooth=False),
    *_reductions("cumsum", T, ({}, {"axis": 0}, {"axis": -1})),
    *_reductions("cumprod", T, ({}, {"axis": 0}, {"axis": -2})),
    case(
        "logsumexp",
        lambda xp, x: xp.logsumexp(x),
        T,
        reference=lambda x: np.log(np.sum(np.exp(x))),
        dtypes="f",
    ),
    case(
        "logsumexp-axis",
        lambda xp, x: xp.logsumexp(x, axis=-1, keepdims=True),
        M,
        reference=lambda x: np.log(np.sum(np.exp(x), axis=-1, keepdims=True)),
        dtypes="f",
    ),
    case(
        "softmax", lambda xp, x: xp.softmax(x), M, reference=lambda x: _softmax(x, None), dtypes="f"
    ),
    case(
        "softmax-axis",
        lambda xp, x: xp.softmax(x, axis=1),
        M,
        reference=lambda x: _softmax(x, 1),
        dtypes="f",
    ),
    case(
        "log_softmax-axis",
        lambda xp, x: xp.log_softmax(x, axis=0),
        M,
        reference=lambda x: np.log(_softmax(x, 0)),
        dtypes="f",
    ),
    case("where-of-sum", lambda xp, x: xp.sum(xp.where(x > 0, x, -x)), M, dtypes="f"),
]

# Shapes

SHAPES = [
    case("reshape", lambda xp, x: xp.reshape(x, (x.shape[1], x.shape[0])), M),
    case("reshape-infer", lambda xp, x: xp.reshape(x, (-1, x.shape[2])), T),
    case("reshape-unit", lambda xp, x: xp.reshape(x, (1, x.shape[0], 1, x.shape[1])), M),
    fixed("reshape-int", lambda xp, x: xp.reshape(x, (2, 6)), FIXED),
    case("ravel", lambda xp, x: xp.ravel(x), M),
    case("transpose", lambda xp, x: xp.transpose(x), T),
    case("transpose-axes", lambda xp, x: xp.transpose(x, (1, -1, 0)), T),
    case("swapaxes", lambda xp, x: xp.swapaxes(x, 0, -1), T),
    case("moveaxis", lambda xp, x: xp.moveaxis(x, 0, -1), T),
    case("moveaxis-pairs", lambda xp, x: xp.moveaxis(x, (0, 1), (-1, 0)), T),
    case("expand_dims", lambda xp, x: xp.expand_dims(x, 1), M),
    case("expand_dims-axes", lambda xp, x: xp.expand_dims(x, (0, -1)), M),
    case("squeeze", lambda xp, x: xp.squeeze(x), Operand("1 n 1")),
    case("squeeze-axis", lambda xp, x: xp.squeeze(x, axis=-1), Operand("1 n 1")),
    case("broadcast_to", lambda xp, x: xp.broadcast_to(x, (2, *x.shape)), M),
    case("broadcast_to-stretch", lambda xp, x, y: xp.broadcast_to(x, y.shape), Operand("m 1"), M),
    case("broadcast_arrays", lambda xp, x, y: xp.broadcast_arrays(x, y), M, V),
    case("concatenate", lambda xp, x, y: xp.concatenate([x, y, x]), M, Operand("k n")),
    case("concatenate-axis", lambda xp, x, y: xp.concatenate([x, y], axis=-1), M, K),
    case("concatenate-flat", lambda xp, x, y: xp.concatenate([x, y], axis=None), M, V),
    case("stack", lambda xp, x, y: xp.stack([x, y]), M, M),
    case("stack-axis", lambda xp, x, y: xp.stack([x, y, x * y], axis=-1), M, M),
    case("stack-scalars", lambda xp, x, y: xp.stack([x, y, x * y]), S, S),
    case("hstack", lambda xp, x, y: xp.hstack([x, y]), M, K),
    case("hstack-vectors", lambda xp, x, y: xp.hstack([x, y]), V, Operand("m")),
    case("block", lambda xp, x, y: xp.block([[x, y], [y * 2, x]]), M, M),
    case("block-vectors", lambda xp, x, y: xp.block([x, y, x]), V, W),
    case("block-deeper", lambda xp, x, y: xp.block([[[x], [y]]]), M, M),
    case("vstack", lambda xp, x, y: xp.vstack([x, y]), M, Operand("k n")),
    case("vstack-vectors", lambda xp, x, y: xp.vstack([x, y]), V, W),
    fixed("split", lambda xp, x: xp.split(x, 2, axis=1), FIXED),
    fixed("split-at", lambda xp, x: xp.split(x, [1, 3], axis=-1), FIXED),
    fixed("split-at-first", lambda xp, x: xp.split(x, [2]), FIXED),
    case("split-named", lambda xp, x: xp.split(x, 2), Operand("4 n")),
    case("tile", lambda xp, x: xp.tile(x, 2), M),
    case("tile-reps", lambda xp, x: xp.tile(x, (2, 1, 3)), M),
    case("repeat", lambda xp, x: xp.repeat(x, 3), M),
    case("repeat-axis", lambda xp, x: xp.repeat(x, 2, axis=0), M),
    fixed("repeat-counts", lambda xp, x: xp.repeat(x, [2, 0, 1], axis=0), FIXED),
    case("flip", lambda xp, x: xp.flip(x), M),
    case("flip-axis", lambda xp, x: xp.flip(x, axis=-1), T),
    case("flip-axes", lambda xp, x: xp.flip(x, axis=(0, 2)), T),
    case("roll", lambda xp, x: xp.roll(x, 1), M),
    case("roll-axis", lambda xp, x: xp.roll(x, -1, axis=1), M),
    fixed("roll-axes", lambda xp, x: xp.roll(x, (1, 5), axis=(0, 1)), FIXED),
    case("pad", lambda xp, x: xp.pad(x, 1), M),
    case("pad-pairs", lambda xp, x: xp.pad(x, ((0, 2), (1, 0))), M),
    case("pad-value", lambda xp, x: xp.pad(x, 1, constant_values=3), M, dtypes="fi"),
    *[
        fixed(f"pad-{mode}", lambda xp, x, mode=mode: xp.pad(x, ((1, 2), (0, 1)), mode=mode), FIXED)
        for mode in ("edge", "reflect", "symmetric", "wrap")
    ],
    case("tril", lambda xp, x: xp.tril(x), M),
    case("tril-k", lambda xp, x: xp.tril(x, -1), T),
    case("triu", lambda xp, x: xp.triu(x), M),
    case("triu-k", lambda xp, x: xp.triu(x, 1), T),
    case("diag", lambda xp, x: xp.diag(x), V),
    case("diag-k", lambda xp, x: xp.diag(x, -2), V),
    case("diag-of-matrix", lambda xp, x: xp.diag(x), Operand("n n")),
    fixed("diag-of-matrix-k", lambda xp, x: xp.diag(x, 1), FIXED),
    case("diagonal", lambda xp, x: xp.diagonal(x), Operand("n n k")),
    case("diagonal-k", lambda xp, x: xp.diagonal(x, 1, 0, 1), Operand("n n")),
    fixed("diagonal-axes", lambda xp, x: xp.diagonal(x, -1, 2, 0), Operand("3 2 4")),
]

# Indexing

INDEXING = [
    case("getitem-row", lambda xp, x: x[1], M),
    case("getitem-last", lambda xp, x: x[..., -1], T),
    case("getitem-newaxis", lambda xp, x: x[:, None, ..., None], M),
    case("getitem-slice", lambda xp, x: x[1:], M),
    case("getitem-slice-end", lambda xp, x: x[:, :-1], M),
    case("getitem-step", lambda xp, x: x[:, ::2], M),
    case("getitem-reversed", lambda xp, x: x[::-1, ::-2], M),
    case("getitem-mixed", lambda xp, x: x[0, None, 1:, ..., -1], T),
    fixed("getitem-beyond", lambda xp, x: x[1:10, -9:2], FIXED),
    fixed("getitem-empty", lambda xp, x: x[2:1], FIXED),
    fixed("getitem-nested", lambda xp, x: x[::-1][1:][:, 3:0:-2][0], FIXED),
    fixed("gather-list", lambda xp, x: x[[2, 0, 0, -1]], FIXED),
    fixed("gather-column", lambda xp, x: x[:, [1, 1, 3]], FIXED),
    fixed("gather-pair", lambda xp, x: x[[0, 1, 1], [3, 3, -4]], FIXED),
    fixed("gather-apart", lambda xp, x: x[[0, 1], :, [1, 2]], Operand("2 3 4")),
    fixed("gather-int-and-array", lambda xp, x: x[:, 1, [0, 3, 3]], Operand("2 3 4")),
    fixed("gather-int-apart", lambda xp, x: x[1, :, [0, 3]], Operand("2 3 4")),
    fixed("gather-with-slice", lambda xp, x: x[1:, [0, 2], None, ::2], Operand("3 3 4")),
    fixed("gather-after-newaxis", lambda xp, x: x[None, [0, 2, 2]], FIXED),
    case("gather-symbol", lambda xp, x, i: x[i], Operand("3 n"), INDEX),
    case("gather-symbol-axis", lambda xp, x, i: x[:, i], Operand("m 3"), INDEX),
    case("take", lambda xp, x, i: xp.take(x, i), Operand("3 n"), INDEX),
    case("take-axis", lambda xp, x, i: xp.take(x, i, axis=-1), Operand("m 3"), INDEX),
    fixed("take-list", lambda xp, x: xp.take(x, [2, -1, 0], axis=0), FIXED),
    fixed("take-int", lambda xp, x: xp.take(x, 1, axis=1), FIXED),
    fixed("take-wrap", lambda xp, x: xp.take(x, [5, -7], axis=1, mode="wrap"), FIXED),
    fixed("take-clip", lambda xp, x: xp.take(x, [5, -7], axis=1, mode="clip"), FIXED),
    fixed("compress", lambda xp, x: xp.compress([True, False, True], x, axis=0), FIXED),
    fixed("extract", lambda xp, x: xp.extract([True, False, True], x), FIXED),
    fixed("mask", lambda xp, x: x[np.array([True, False, True])], FIXED),
    fixed("mask-after-slice", lambda xp, x: x[1:, [True, False, False, True]], FIXED),
]

_KNOTS = np.array([0.5, 0.9, 1.1, 1.7])
SORTING = [
    case("sort", lambda xp, x: xp.sort(x), M),
    case("sort-axis", lambda xp, x: xp.sort(x, axis=1), T),
    case("sort-flat", lambda xp, x: xp.sort(x, axis=None), M),
    case("argsort", lambda xp, x: xp.argsort(x, axis=0, stable=True), M, smooth=False),
    fixed(
        "take_along_axis",
        lambda xp, x, i: xp.take_along_axis(x, i, axis=1),
        Operand("2 4"),
        INDEX,
    ),
    case("searchsorted", lambda xp, x: xp.searchsorted(_KNOTS, x, side="right"), M, smooth=False),
    case(
        "interp",
        lambda xp, x: xp.interp(x, _KNOTS, _KNOTS**2),
        Operand("m n", 1.15, 1.65),
        wide=False,
        dtypes="i",
    ),
    fixed(
        "interp-table",
        lambda xp, x, f: xp.interp(x, _KNOTS, f, left=-2.0, period=None),
        Operand("5", 0.99, 1.01),
        Operand("4"),
        wide=False,
        dtypes="i",
    ),
]

# Products

PRODUCTS = [
    case("matmul", lambda xp, x, y: xp.matmul(x, y), M, N),
    case("matmul-operator", lambda xp, x, y: x.T @ y, M, K),
    case("matmul-vector", lambda xp, x, y: xp.matmul(x, y), M, V),
    case("matmul-vectors", lambda xp, x, y: xp.matmul(x, y), V, W),
    case("matmul-vector-matrix", lambda xp, x, y: xp.matmul(x, y), V, N),
    case("matmul-batch", lambda xp, x, y: xp.matmul(x, y), T, Operand("m k 2")),
    case(
        "matmul-batch-broadcast",
        lambda xp, x, y: xp.matmul(x, y),
        Operand("2 1 m n"),
        Operand("k n 3"),
    ),
    case("matmul-batch-vector", lambda xp, x, y: xp.matmul(x, y), T, Operand("k")),
    case("dot", lambda xp, x, y: xp.dot(x, y), M, N),
    case("dot-vectors", lambda xp, x, y: xp.dot(x, y), V, W),
    case("dot-scalar", lambda xp, x, y: xp.dot(x, y), S, M),
    case("dot-stack", lambda xp, x, y: xp.dot(x, y), M, Operand("2 n k")),
    case("vdot", lambda xp, x, y: xp.vdot(x, y), M, M),
    case("inner", lambda xp, x, y: xp.inner(x, y), M, Operand("k n")),
    case("inner-vectors", lambda xp, x, y: xp.inner(x, y), V, W),
    case("outer", lambda xp, x, y: xp.outer(x, y), V, Operand("m")),
    case("outer-flattens", lambda xp, x, y: xp.outer(x, y), M, V),
    case("tensordot", lambda xp, x, y: xp.tensordot(x, y, 1), M, N),
    case("tensordot-two", lambda xp, x, y: xp.tensordot(x, y), T, Operand("n k 2")),
    case("tensordot-none", lambda xp, x, y: xp.tensordot(x, y, axes=0), V, Operand("m")),
    case("tensordot-pairs", lambda xp, x, y: xp.tensordot(x, y, ([2, 0], [1, 0])), T, K),
    case("trace", lambda xp, x: xp.trace(x), Operand("n n")),
    case("trace-batch", lambda xp, x: xp.trace(x, axis1=1, axis2=2), Operand("k n n")),
    fixed("trace-offset", lambda xp, x: xp.trace(x, offset=1), FIXED),
    case("kron", lambda xp, x, y: xp.kron(x, y), M, Operand("2 k")),
    case("kron-vectors", lambda xp, x, y: xp.kron(x, y), V, Operand("m")),
    case("kron-ranks", lambda xp, x, y: xp.kron(x, y), M, V),
    case("cross", lambda xp, x, y: xp.cross(x, y), Operand("n 3"), Operand("n 3"), dtypes="fi"),
    case(
        "cross-axis",
        lambda xp, x, y: xp.cross(x, y, axis=0),
        Operand("3 n"),
        Operand("3 n"),
        dtypes="fi",
    ),
    case(
        "cross-broadcast",
        lambda xp, x, y: xp.cross(x, y),
        Operand("3"),
        Operand("n 3"),
        dtypes="fi",
    ),
]

_EINSUMS: dict[str, tuple[Operand, ...]] = {
    "ij,jk->ik": (M, N),
    "ij,jk": (M, N),
    "ij->ji": (M,),
    "ij->": (M,),
    "ij->j": (M,),
    "ii->i": (Operand("n n"),),
    "ii": (Operand("n n"),),
    "iij->j": (Operand("n n k"),),
    "iji->ij": (Operand("n m n"),),
    "i,j->ij": (V, Operand("m")),
    "i,i,i->i": (V, W, V),
    "ij,ij->": (M, M),
    "ij,kj,kl->il": (M, Operand("k n"), Operand("k 2")),
    "i,ij,j": (Operand("m"), M, V),
    "ii,ij->j": (Operand("n n"), Operand("n k")),
    "...ij,...jk->...ik": (Operand("2 m n"), Operand("1 n k")),
    "...i->...": (T,),
    "i...->...": (T,),
    "...,...": (M, V),
    "ba": (M,),
    ",ij->ij": (S, M),
}

EINSUMS = [
    case(f"einsum-{text}", lambda xp, *xs, text=text: xp.einsum(text, *xs), *operands)
    for text, operands in _EINSUMS.items()
]

CASES = [
    *ARITHMETIC,
    *CHOICE,
    *REDUCTIONS,
    *SHAPES,
    *INDEXING,
    *SORTING,
    *PRODUCTS,
    *EINSUMS,
    *LINALG,
    *VOCABULARY,
    *ADDED_CASES,
]

# Everything that is promised under NumPy's names, at `sg.` or `sg.linalg.`
PROMISED = (
    "add subtract multiply divide true_divide negative positive power float_power square sqrt"
    " reciprocal exp exp2 expm1 log log2 log10 log1p logaddexp logaddexp2 sin cos tan arcsin arccos"
    " arctan arctan2 sinh cosh tanh arcsinh arccosh arctanh degrees radians deg2rad rad2deg hypot cbrt"
    " sign abs absolute fabs floor ceil trunc rint round mod remainder fmod floor_divide divmod modf"
    " frexp ldexp copysign heaviside nextafter spacing maximum minimum fmax fmin clip less less_equal"
    " greater greater_equal equal not_equal logical_and logical_or logical_xor logical_not isnan isinf"
    " isfinite signbit where select piecewise nan_to_num sum mean var std prod max min any all argmax"
    " argmin sort argsort searchsorted interp compress extract take_along_axis"
    " norm logsumexp cumsum cumprod reshape ravel transpose swapaxes moveaxis expand_dims"
    " squeeze broadcast_to concatenate stack hstack vstack block split tile repeat flip roll pad tril triu"
    " diag diagonal take einsum matmul dot vdot inner outer tensordot trace kron cross"
).split()
