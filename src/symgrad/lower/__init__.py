"""Lowering: from an expression graph to a linear program of NumPy-level instructions."""
