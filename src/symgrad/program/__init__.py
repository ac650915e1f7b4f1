"""The typed program: from graphs to instructions, and the passes over them."""
