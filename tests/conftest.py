"""The option ``--update-golden`` and the fixture that compares text with a file in ``golden/``."""

from pathlib import Path

import pytest

GOLDEN = Path(__file__).parent / "golden"


def pytest_addoption(parser):
    parser.addoption(
        "--update-golden", action="store_true", help="write the golden files instead of comparing"
    )


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
