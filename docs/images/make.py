"""The pictures of the README, for light and dark pages: ``python docs/images/make.py``.

The formula, its gradient and their graph come from the library; matplotlib sets the LaTeX. The ratios are
those of the table in ``docs/explanation/benchmarks.md``, which ``python -m benchmarks`` prints.
"""

import io
import re
from itertools import takewhile
from pathlib import Path

import matplotlib
from matplotlib import pyplot

import symgrad as sg
from symgrad.print.graph import picture_of
from symgrad.print.svg import svg

HERE = Path(__file__).parent
THEMES = {  # text, quiet text and lines
    "light": ("#1f2328", "#656d76", "#d0d7de"),
    "dark": ("#e6edf3", "#8b949e", "#30363d"),
}
PEERS = ("by hand", "numba", "sympy cse", "jax.jit", "autograd", "torch", "CasADi", "SymEngine")
PEERS += ("PyTensor", "SciPy")
SHOWN = (
    "derivative of x**4 - 2*x**2, one number",
    "gradient by 5 variables, one point",
    "formula and 3 derivatives, 1,000 points",
    "formula and 3 derivatives, 1e6 points",
    "softmax cross-entropy gradient, 2,000 x 100, 10 classes",
    "logistic regression value, gradient, Hessian, 1e4 x 100",
    "Lennard-Jones energy and forces, 1,000 particles",
    "Hessian of matrix factorisation, n=100, k=5",
    "Kepler's equation for 1e6 anomalies",
)
NUMBER = re.compile(r"\d+(\.\d+)?")
WIDTH, GAP = 860, 30

matplotlib.use("Agg")
matplotlib.rcParams["svg.hashsalt"] = "symgrad"  # the same text each time
matplotlib.rcParams["mathtext.fontset"] = "cm"


def as_svg(figure):
    """A figure as SVG, without a background."""
    held = io.StringIO()
    figure.savefig(held, format="svg", transparent=True, metadata={"Date": None})
    pyplot.close(figure)
    text = held.getvalue()
    return text[text.index("<svg") :]


def typeset(lines, text, quiet):
    """Formulas below each other, each with a word above it."""
    figure = pyplot.figure(figsize=(5.6, 0.95 * len(lines)))
    for k, (word, formula) in enumerate(lines):
        top = 1 - k / len(lines)
        figure.text(0.0, top - 0.02, word, color=quiet, fontsize=11, va="top")
        figure.text(
            0.03, top - 0.64 / len(lines), f"${formula}$", color=text, fontsize=19, va="center"
        )
    return as_svg(figure)


def part(picture, x, y):
    """A picture within another one, its size, in pixels."""
    width, height = (float(re.search(rf'{n}="([\d.]+)', picture)[1]) for n in ("width", "height"))
    scale = 96 / 72 if "pt" in picture[:300] else 1.0
    placed = picture.replace("<svg", f'<svg x="{x}" y="{y}"', 1)
    return placed, width * scale, height * scale


def formula(theme):
    """A formula, its gradient, and the graph of both."""
    text, quiet, _ = THEMES[theme]
    x, y = sg.symbols("x y")
    f = sg.sqrt(x**2 + y**2) * sg.exp(-x)
    slopes = sg.grad(f, [x, y])
    names = ("a formula", "its derivatives, as formulas", "")
    lefts = ("f", r"\partial f/\partial x", r"\partial f/\partial y")
    lines = [
        (name, f"{left} = {sg.latex(e)}")
        for name, left, e in zip(names, lefts, [f, *slopes], strict=True)
    ]
    graph = svg(picture_of([f, *slopes]))
    if theme == "dark":
        graph = graph.replace("#333", quiet).replace('fill="white"', 'fill="none"')
    graph = graph.replace('<rect x="-100%" y="-100%" width="300%" height="300%" fill="white"/>', "")
    left, _, height = part(typeset(lines, text, quiet), 0, GAP)
    right, width, tall = part(graph, 0, 0)
    scale = min(1.0, (WIDTH - 440) / width)
    moved = f'<g transform="translate(440 {GAP / 2}) scale({scale:.4f})">{right}</g>'
    note = f'<text x="452" y="14" font-family="sans-serif" font-size="14" fill="{quiet}">'
    note += "their graph: what they share is there once</text>"
    high = max(height + GAP, tall * scale + GAP)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
        f' width="{WIDTH}" height="{high:.0f}">{left}{note}{moved}</svg>\n'
    )


def ratios(theme, rows):
    """How many times as long others take, a line for each piece of work."""
    text, _, lines = THEMES[theme]
    figure, axes = pyplot.subplots(
        figsize=(WIDTH / 96, 0.9 + 0.34 * len(rows)), layout="constrained"
    )
    for i, peer in enumerate(PEERS):
        found = [(row["ratios"][peer], k) for k, row in enumerate(rows) if peer in row["ratios"]]
        if found:
            axes.plot(
                *zip(*found, strict=True), "osD^v<>PpX"[i], label=peer, color=f"C{i}", alpha=0.9
            )
    axes.axvline(1, color=text, linewidth=1)
    axes.set_xscale("log")
    axes.set_xlim(min(0.3, *axes.get_xlim()), None)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.set_yticks(range(len(rows)), [row["label"] for row in rows])
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.grid(axis="x", color=lines)
    axes.set_xlabel("time, as a multiple of symgrad's", color=text)
    axes.tick_params(colors=text)
    for spine in axes.spines.values():
        spine.set_color(lines)
    legend = axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False, labelcolor=text)
    legend.set_in_layout(True)
    return as_svg(figure)


def read():
    """The rows of the first table of measurements that the plot shows."""
    lines = (HERE.parent / "explanation" / "benchmarks.md").read_text().splitlines()
    cells = [[c.strip() for c in line.strip("|").split("|")] for line in lines if line[:2] == "| "]
    start = next(k for k, row in enumerate(cells) if row[0] == "work")
    head, found = cells[start], []
    for row in takewhile(lambda row: row[0] != "work", cells[start + 2 :]):
        numbers = {name: c.replace(",", "") for name, c in zip(head, row, strict=False)}
        if row[0] in SHOWN:
            ratios = {p: float(numbers[p]) for p in PEERS if NUMBER.fullmatch(numbers.get(p, ""))}
            found.append({"label": row[0], "ratios": ratios})
    return found


def main():
    """Write all pictures."""
    rows = read()
    for theme in THEMES:
        (HERE / f"formula_{theme}.svg").write_text(formula(theme))
        (HERE / f"ratios_{theme}.svg").write_text(ratios(theme, rows))


if __name__ == "__main__":
    main()
