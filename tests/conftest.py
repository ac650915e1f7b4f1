"""Golden files, and functions that run their code for large arrays at any size.

Options: ``--update-golden`` writes the golden files; ``--tiny-blocks`` runs every test on blocks of three.
"""

from contextlib import nullcontext
from pathlib import Path

import pytest

from symgrad.expr.tuning import tuned

GOLDEN = Path(__file__).parent / "golden"


def pytest_addoption(parser):
    parser.addoption(
        "--update-golden", action="store_true", help="write the golden files instead of comparing"
    )
    parser.addoption(
        "--tiny-blocks", action="store_true", help="arrays of any size are computed in blocks"
    )


def tiny(entries=3):
    """Arrays of any size count as large, are cut into blocks of some entries, and use threads."""
    return tuned(
        large_entries=1,
        block_entries=(entries, entries),
        threaded_work=0,
        space_cost=1,
        rows_bytes=1,
        rows_least=entries,
    )


@pytest.fixture
def tiny_blocks():
    """A test whose arrays are computed in blocks of three entries."""
    with tiny():
        yield


@pytest.fixture(autouse=True)
def _tiny_blocks_everywhere(request):
    with tiny() if request.config.getoption("--tiny-blocks") else nullcontext():
        yield


@pytest.fixture
def golden(request):
    """``golden(name, text)``: `text` is what the file ``golden/<name>`` holds."""

    def compare(name, text):
        path = GOLDEN / name
        if request.config.getoption("--update-golden"):
            path.write_text(text, encoding="utf-8")
        assert path.exists(), f"no golden file {path.name}; write it with pytest --update-golden"
        assert text == path.read_text(encoding="utf-8")

    return compare
