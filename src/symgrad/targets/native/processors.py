"""What the processor at hand can do, as the code of functions asks for it."""

from __future__ import annotations

from functools import cache
from typing import Final

from symgrad.targets.native import engine
from symgrad.targets.native.functions.number import Processor

SCALING: Final = 22  # the version of LLVM from which products with powers of two are vectorised


@cache
def processor() -> Processor:
    """The processor at hand."""
    host = engine.machine()
    known = host.features.split(",")
    fused = "+fma" in known or host.triple.startswith(("aarch64", "arm64"))
    scales = "+avx512f" in known and engine.binding().llvm_version_info[0] >= SCALING
    return Processor(fused, scales)
