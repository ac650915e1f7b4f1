"""The README's Python prints what the README says."""

import re
import runpy
from operator import attrgetter
from pathlib import Path

import pytest

import symgrad as sg

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
NAMES = (ROOT / "docs" / "reference" / "names.md").read_text()
PAIR = re.compile(r"```python\n(.*?)```\n\n```text\n(.*?)```", re.DOTALL)


def test_examples_print_what_they_say(capsys):
    pairs = PAIR.findall(README)
    assert len(pairs) == README.count("```python")
    for code, expected in pairs:
        exec(code, {})
        assert capsys.readouterr().out == expected


def test_the_first_screen_has_two_commands():
    commands = re.findall(r"```sh\n(.*)\n```", README)
    assert [c.rpartition(".venv/bin/")[2].split()[0] for c in commands[:2]] == ["symgrad", "pytest"]


def test_pictures_are_there_for_light_and_dark_pages():
    pictures = re.findall(r"docs/images/[a-z]+_(?:light|dark)\.svg", README)
    assert len(pictures) == 4
    for name in pictures:
        assert (ROOT / name).read_text().startswith("<svg")


def test_the_plot_shows_rows_of_the_table_of_measurements():
    pytest.importorskip("matplotlib")
    made = runpy.run_path(str(ROOT / "docs" / "images" / "make.py"))
    rows = made["read"]()
    assert [row["label"] for row in rows] == list(made["SHOWN"])
    assert all(row["ratios"] for row in rows)


def test_every_name_in_the_readme_exists():
    names = set(re.findall(r"\bsg\.([A-Za-z_.]+[A-Za-z_])", README + NAMES))
    assert len(names) >= 30
    for name in names:
        assert attrgetter(name)(sg) is not None
