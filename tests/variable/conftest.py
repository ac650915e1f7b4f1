"""What the tests of Variables share."""

import pytest

from symgrad.variable import form, program, tokens


@pytest.fixture
def compilations(monkeypatch):
    """The formulas compiled since the start of the test."""
    for memory in (form, program, tokens):
        memory.forget()
    seen = []
    original = program.compiled

    def counting(symbols, outputs):
        seen.append(outputs)
        return original(symbols, outputs)

    monkeypatch.setattr(program, "compiled", counting)
    return seen
