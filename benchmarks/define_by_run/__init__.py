"""Loops that people write define-by-run, in the terms of every library that can run them."""
