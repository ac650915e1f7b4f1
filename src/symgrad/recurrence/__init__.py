"""Recurrences: loops as one node of a formula, with their derivatives."""

from symgrad.recurrence.scan import scan

__all__ = ["scan"]
