"""Formulas for reading: text, LaTeX, index notation, DOT."""
