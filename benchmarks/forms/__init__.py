"""How long derivatives are in print, beside SymPy's: ``python -m benchmarks forms``.

`table` reads the formulas, `measure` differentiates them, counts and prints.
"""
