"""How long formulas of many nodes take to make, differentiate, compile: ``python -m benchmarks graphs``.

`table` has the graphs, written once for every library, `libraries` how each builds, differentiates and
compiles, `measure` runs each in a process of its own, checks the values and prints times and slopes.

Models of vision and learning at three sizes each, whose calls are measured beside derivatives written by
hand, are cases: ``python -m benchmarks centred mixture hand bundle lstm``.
"""
