"""The pages of the documentation print what they say, and every public name has its place in them."""

import contextlib
import io
import re
import runpy
from pathlib import Path

import pytest

import symgrad as sg
from symgrad.ops.elementwise import Elementwise

DOCS = Path(__file__).parents[1] / "docs"
PAGES = sorted(p for p in DOCS.rglob("*.md") if "_build" not in p.parts)
BLOCK = re.compile(r"```python\n(.*?)```(?:\n\n```text\n(.*?)```)?", re.DOTALL)
LINK = re.compile(r"\]\(([^)#:]+\.md)[^)]*\)")
ALIASES = (
    "deg2rad rad2deg pow true_divide remainder absolute sigmoid"  # second names of one function
)


def name_of(page):
    return str(page.relative_to(DOCS))


WITH_CODE = [p for p in PAGES if "```python" in p.read_text()]


@pytest.mark.parametrize("page", WITH_CODE, ids=name_of)
def test_pages_print_what_they_say(page, request):
    """The blocks of a page run one after the other, in one namespace."""
    names = {}

    def run(block):
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(block[1], names)
        shown = f"\n\n```text\n{printed.getvalue()}```" if printed.getvalue() else ""
        return f"```python\n{block[1]}```{shown}"

    text = page.read_text()
    made = BLOCK.sub(run, text)
    if request.config.getoption("--update-golden"):
        page.write_text(made)
    assert made == page.read_text()


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page):
    for target in LINK.findall(page.read_text()):
        assert (page.parent / target).exists(), target


def test_every_page_is_in_a_table_of_contents():
    listed = set()
    for page in PAGES:
        for tree in re.findall(r"```{toctree}\n(.*?)```", page.read_text(), re.DOTALL):
            entries = [line for line in tree.split("\n") if line and not line.startswith(":")]
            for entry in entries:
                place = (page.parent / entry).resolve()
                listed.add(next(p for p in map(place.with_suffix, (".md", ".ipynb")) if p.exists()))
    notebooks = {p.resolve() for p in DOCS.rglob("*.ipynb")}
    assert listed == ({p.resolve() for p in PAGES} | notebooks) - {(DOCS / "index.md").resolve()}


def test_every_public_name_is_in_the_reference():
    text = "".join(p.read_text() for p in (DOCS / "reference").glob("*.md"))
    listed = set(re.findall(r"auto(?:function|class|data):: symgrad\.(\w+)", text))
    tabled = {n for n in sg.__all__ if isinstance(getattr(sg, n), Elementwise)}
    constants = {"E", "pi", "errors", "fft", "linalg", "special", "stats", "optim"}
    missing = set(sg.__all__) - listed - tabled - constants - set(ALIASES.split())
    assert not missing, sorted(missing)


def test_the_gallery_is_that_of_today():
    """The page, and the text that each picture was drawn from: else run ``python docs/draw_gallery.py``."""
    gallery = runpy.run_path(str(DOCS / "draw_gallery.py"))
    printed = (DOCS.parent / "tests" / "golden" / "gallery.txt").read_text()
    shown = gallery["sections"](printed)
    assert sum(map(len, shown.values())) >= 34
    assert gallery["page"](printed) == (DOCS / "explanation" / "gallery.md").read_text()
    for heading, part in shown.items():
        assert gallery["digest"](part).encode() in gallery["image_of"](heading).read_bytes()
