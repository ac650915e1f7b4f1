"""Rewriting: rules with their guarantees, the simplifier, and stable forms."""

from symgrad.rewrite.public import simplify
from symgrad.rewrite.simplify import simplify_all

__all__ = ["simplify", "simplify_all"]
