"""How the n-th derivative grows: as a formula, and as the history of backpropagation."""
