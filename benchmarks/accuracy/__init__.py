"""How many bits formulas lose in double precision: ``python -m benchmarks accuracy``.

`table` reads the formulas and samples their arguments, `oracle` finds the true values of a formula and its
first two derivatives with mpmath, `libraries` lets every library compute them, `measure` counts bits.
"""
