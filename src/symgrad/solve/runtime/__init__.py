"""What solvers run: plain functions over NumPy, whose source goes into saved modules."""
