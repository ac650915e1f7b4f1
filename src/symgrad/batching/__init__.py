"""Batching: a formula for one problem as the formula for many, along a new leading axis."""

from symgrad.batching.vmap import vmap

__all__ = ["vmap"]
