"""The operations, by family."""
