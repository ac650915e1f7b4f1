"""Functions that code for other array libraries calls: modules that are read as text, never imported."""
