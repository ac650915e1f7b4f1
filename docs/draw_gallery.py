"""The gallery as a page with pictures: ``python docs/draw_gallery.py``.

It takes the formulas from what ``examples/gallery.py`` prints, writes ``explanation/gallery.md``, and draws
a picture of each section with Chromium, by way of MathML. A picture has the digest of the text it was
drawn from, so a test can tell that it is none of an older formula.
"""

import hashlib
import html
import io
import re
import runpy
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "explanation" / "gallery.md"
IMAGES = ROOT / "docs" / "images"
SECTIONS = {  # by the title of the first entry
    "Double pendulum": "Mechanics",
    "Planck's law": "Waves and light",
    "Van der Waals gas": "Heat and matter",
    "Black-Scholes and its Greeks": "Finance",
    "Ridge regression": "Statistics",
}
HEAD = """# Gallery

Thirty-four formulas of textbooks with their derivatives, as `sg.latex` writes them, set by a browser. Below
each picture is the same as text, as `print` shows it. The script that makes them is `examples/gallery.py`;
`python docs/draw_gallery.py` draws this page.
"""
STYLE = """<!doctype html><meta charset="utf-8"><style>
body { width: 1000px; margin: 16px; font: 17px serif; color: #111; background: #fff }
h3 { margin: 18px 0 2px; font-size: 17px }
td { padding: 4px 6px; vertical-align: middle }
td:first-child { text-align: right; min-width: 70px }
math { font-family: "STIX Two Math", "Latin Modern Math", "DejaVu Math TeX Gyre", math; font-size: 17px }
</style>
"""
OPERATOR = re.compile(r"\\operatorname\{(\w+(?:\\_\w+)?)\}")
ENTRY = re.compile(
    r"^([^ \\].*)\n((?:  .*\n)+)\\begin\{align\*\}\n((?:.*\n)*?)\\end\{align\*\}$", re.MULTILINE
)


class Entry(NamedTuple):
    """A title, the formulas as text, and as LaTeX: left and right of the equals sign."""

    title: str
    text: list[str]
    latex: list[tuple[str, str]]


def entries(printed: str) -> Iterator[Entry]:
    """What the script of the gallery prints, entry by entry."""
    for found in ENTRY.finditer(printed):
        rows = [row.split("&=", 1) for row in found[3].strip().split(" \\\\\n")]
        yield Entry(found[1], found[2].splitlines(), [(a.strip(), b.strip()) for a, b in rows])


def sections(printed: str) -> dict[str, list[Entry]]:
    """The entries under the headings of the page."""
    found: dict[str, list[Entry]] = {}
    for entry in entries(printed):
        if entry.title in SECTIONS:
            found[SECTIONS[entry.title]] = []
        list(found.values())[-1].append(entry)
    return found


def image_of(heading: str) -> Path:
    """Where the picture of a section is."""
    return IMAGES / f"gallery_{heading.lower().replace(' ', '_')}.png"


def digest(part: list[Entry]) -> str:
    """The digest of the formulas of a section."""
    return hashlib.sha256(repr([entry.latex for entry in part]).encode()).hexdigest()


def page(printed: str) -> str:
    """The page in Markdown."""
    lines = [HEAD]
    for heading, part in sections(printed).items():
        titles = ", ".join(entry.title for entry in part)
        lines += [f"## {heading}", "", f"![{titles}.](../images/{image_of(heading).name})", ""]
        for entry in part:
            lines += [f"### {entry.title}", "", "```text"]
            lines += [line.removeprefix("  ") for line in entry.text]
            lines += ["```", ""]
    return "\n".join(lines)


def markup(part: list[Entry]) -> str:
    """A section as HTML."""
    lines = [STYLE]
    for entry in part:
        lines.append(f"<h3>{html.escape(entry.title)}</h3><table>")
        for left, right in entry.latex:
            lines.append(f"<tr><td>{_mathml(left)}</td><td>{_mathml('= ' + right)}</td></tr>")
        lines.append("</table>")
    return "\n".join(lines)


def _mathml(latex: str) -> str:
    """A formula on a line of its own, at the left."""
    from latex2mathml.converter import convert  # noqa: PLC0415  not needed for the text

    made = convert(OPERATOR.sub(r"\\mathrm{\1}", latex), display="block")
    return made.replace('display="block"', 'display="inline" displaystyle="true"', 1)


def draw(browser: str, part: list[Entry], target: Path) -> None:
    """The picture of a section, without the white around it."""
    from PIL import Image, ImageChops, PngImagePlugin  # noqa: PLC0415  not needed for the text

    with tempfile.TemporaryDirectory() as place:
        source, taken = Path(place, "page.html"), Path(place, "page.png")
        source.write_text(markup(part), encoding="utf-8")
        command = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
        command += ["--window-size=1032,6000", f"--screenshot={taken}", source.as_uri()]
        subprocess.run(command, check=True, capture_output=True, timeout=120)
        picture = Image.open(io.BytesIO(taken.read_bytes())).convert("L")
    right, bottom = ImageChops.invert(picture).getbbox()[2:]
    about = PngImagePlugin.PngInfo()
    about.add_text("source", digest(part))
    small = picture.crop((0, 0, right + 16, bottom + 16)).quantize(16)
    small.save(target, pnginfo=about, optimize=True)


def main() -> None:
    """Write the page and the pictures."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        raise SystemExit("no chromium here to draw the formulas")
    sys.path.insert(0, str(ROOT / "src"))
    printed = runpy.run_path(str(ROOT / "examples" / "gallery.py"))["text"]() + "\n"
    PAGE.write_text(page(printed), encoding="utf-8")
    for heading, part in sections(printed).items():
        draw(browser, part, image_of(heading))


if __name__ == "__main__":
    main()
