"""Helpers of code for PyTorch."""
