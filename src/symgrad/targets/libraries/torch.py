"""PyTorch: its functions take tensors only, and some have other names or no axes; these go by helpers."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from symgrad.expr import kinds as k
from symgrad.program.contraction import is_dot, is_matmul, is_tensordot, subscripts
from symgrad.runtime import libraries
from symgrad.targets.libraries.library import ArrayLibrary

# Functions that are helpers of the same name, for NumPy's meaning of axes, numbers among operands, or both
OWN: Final = """arange arctan2 all any argmax argmin argsort asarray broadcast_to cbrt concatenate
copysign cumprod cumsum diag diff einsum eye floor_divide fmax fmin frexp full heaviside hypot ldexp
logaddexp logaddexp2 logical_and logical_or logical_xor matmul max maximum min minimum mod nextafter
power prod remainder result_type roll searchsorted sort squeeze stack sum tensordot vdot where zeros
float64 float32 int64 int32 bool_ flip broadcast_shapes fmod expand_dims swapaxes moveaxis""".split()
RENAMED: Final = {
    "abs": "torch.abs",
    "absolute": "torch.abs",
    "rint": "torch.round",
    "conjugate": "torch.conj",
    "transpose": "torch.permute",
    "linalg.matrix_power": "torch.linalg.matrix_power",
    "linalg.svd": "_svd",
    "linalg.qr": "_qr",
    "linalg.solve": "_solve",
    "linalg.lstsq": "_lstsq",
    "linalg.pinv": "_pinv",
    "linalg.matrix_rank": "_matrix_rank",
}
SPECIAL: Final = {
    "psi": "torch.special.digamma",
    "gammaln": "torch.special.gammaln",
    "k0": "torch.special.modified_bessel_k0",
    "k1": "torch.special.modified_bessel_k1",
    "k0e": "torch.special.scaled_modified_bessel_k0",
    "k1e": "torch.special.scaled_modified_bessel_k1",
    "xlogy": "_xlogy",
    "xlog1py": "_xlog1py",
}


def _extent(names: Any, kind: Any, operands: list[str]) -> str:
    return f"torch.tensor({names.extent(kind.dim)})"


def _transpose(names: Any, kind: Any, operands: list[str]) -> str:
    return f"torch.permute({operands[0]}, {kind.order})"


def _contract(names: Any, kind: Any, operands: list[str]) -> str | None:
    """Operands of several types are brought to one by helpers."""
    if is_matmul(kind):
        return f"_matmul({', '.join(operands)})"
    if is_dot(kind) or is_tensordot(kind):
        return None
    return f'_einsum("{subscripts(kind.inputs, kind.out)}", {", ".join(operands)})'


def _index(names: Any, kind: Any, operands: list[str]) -> str | None:
    """Steps backwards are turned around by a helper."""
    if not any(isinstance(e, k.Span) and e.step < 0 for e in kind.entries):
        return None
    entries = [
        f"slice({', '.join(['None' if d is None else names.extent(d) for d in e[:2]])}, {e.step})"
        if isinstance(e, k.Span)
        else repr(e)
        for e in kind.entries
    ]
    return f"_turned({operands[0]}, ({', '.join(entries)},))"


TORCH: Final = ArrayLibrary(
    name="torch",
    title="PyTorch",
    alias="torch",
    imports={"torch": "import torch"},
    places={
        "np": "torch",
        "np.linalg": "torch.linalg",
        "np.fft": "torch.fft",
        "scipy.special": "torch.special",
    },
    renamed={
        **{f"np.{name}": f"_{name}" for name in OWN},
        **{f"np.{name}": instead for name, instead in RENAMED.items()},
        **{f"scipy.special.{name}": instead for name, instead in SPECIAL.items()},
    },
    inaccurate=frozenset({"scipy.special.polygamma"}),  # right to 9 digits
    helpers=Path(libraries.__file__).parent / "torch",
    kinds={k.Extent: _extent, k.Transpose: _transpose, k.Contract: _contract, k.Index: _index},
)
