"""Solvers compiled from formulas, and solutions as parts of formulas."""
