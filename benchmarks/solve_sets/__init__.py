"""Public sets of problems, solved by this library and by SciPy's solvers in one process."""
