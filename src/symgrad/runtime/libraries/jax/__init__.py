"""Helpers of code for JAX."""
