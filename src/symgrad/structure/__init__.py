"""Structure of derivatives: what is known to be zero, repeated or of low rank."""

from symgrad.structure.operators import (
    Block,
    Diagonal,
    DiagonalPlusLowRank,
    Kronecker,
    LowRank,
    Structured,
)
from symgrad.structure.recognise import form_of
from symgrad.structure.sparsity import sparsity

__all__ = [
    "Block",
    "Diagonal",
    "DiagonalPlusLowRank",
    "Kronecker",
    "LowRank",
    "Structured",
    "form_of",
    "sparsity",
]
