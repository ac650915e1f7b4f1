"""Rewriting: rules with their guarantees, the simplifier, stable forms, and names written out."""

from symgrad.rewrite.explicit import explicit
from symgrad.rewrite.public import simplify
from symgrad.rewrite.simplify import simplify_all

__all__ = ["explicit", "simplify", "simplify_all"]
