"""Rows as a table, as JSON, as a plot."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from benchmarks.harness import OURS, Outcome, Row

COLUMNS = (
    "native",
    "fast_math",
    "native fast_math",
    "structured",
    "compiled",
    "by hand",
    "dezero",
    "numba",
    "numba, one thread",
    "heyoka",
    "heyoka fast",
    "drjit",
    "sympy.lambdify",
    "sympy cse",
    "numexpr",
    "jax.jit",
    "jax",
    "autograd",
    "torch",
    "CasADi",
    "SymEngine",
    "PyTensor",
    "SciPy",
)
PACKAGES = """numpy scipy sympy numexpr jax numba autograd dezero torch casadi symengine pytensor heyoka
    drjit llvmlite""".split()


def table(rows: Sequence[Row], *, markdown: bool = False) -> str:
    """One line a row: symgrad's figure, then everybody else's as a multiple of it."""
    present = {name for row in rows for name in row.outcomes if not absent(row, name)}
    columns = [c for c in COLUMNS if c in present]
    lines = [["work", OURS, *columns]]
    lines += [[row.label, own(row), *(cell(row, name) for name in columns)] for row in rows]
    if markdown:
        lines.insert(1, ["---", *["---:"] * (len(columns) + 1)])
        return "\n".join(f"| {' | '.join(line)} |" for line in lines)
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    pads = [str.ljust, *[str.rjust] * (len(widths) - 1)]
    return "\n".join(
        "  ".join(pad(text, width) for pad, text, width in zip(pads, line, widths, strict=True))
        for line in lines
    )


def summary(row: Row) -> str:
    """One row, in one line of its own."""
    others = [f"{name} {cell(row, name)}" for name in COLUMNS if name in row.outcomes]
    return "; ".join([f"{row.label}: {own(row)}", *[o for o in others if not o.endswith(" ")]])


def absent(row: Row, name: str) -> bool:
    """Has a participant nothing to show in a row?"""
    return row.outcomes[name].status == "absent"


def own(row: Row) -> str:
    """Symgrad's own figure."""
    ours = row.outcomes.get(OURS, Outcome("absent"))
    return quantity(ours.figure, row.unit) if ours.status == "measured" else ours.status


def cell(row: Row, name: str) -> str:
    """A ratio, or why there is none."""
    outcome = row.outcomes.get(name, Outcome("absent"))
    if outcome.status == "absent":
        return ""
    if outcome.status != "measured":
        return outcome.status
    if row.unit != "s":
        return quantity(outcome.figure, row.unit)
    return f"{outcome.ratio:.2f}" if outcome.ratio < 10 else f"{outcome.ratio:,.0f}"


def quantity(figure: float, unit: str) -> str:
    """A figure with a fitting unit."""
    if unit != "s":
        return f"{figure:,.0f} {unit}"
    for scale, name in ((1.0, "s"), (1e-3, "ms"), (1e-6, "us")):
        if figure >= scale:
            return f"{figure / scale:.3g} {name}"
    return f"{figure / 1e-9:.3g} ns"


def notes(rows: Sequence[Row]) -> list[str]:
    """What is wrong or failed, in words."""
    return [
        f"{row.label}: {name} {o.status}: {o.note}"
        for row in rows
        for name, o in row.outcomes.items()
        if o.status in ("wrong", "failed")
    ]


def processor() -> tuple[str, int | None]:
    """The processor's name, and the width of its vectors in bits where that is known."""
    name = platform.processor() or platform.machine()
    flags: set[str] = set()
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            key, _, value = line.partition(":")
            if key.strip() == "model name":
                name = value.strip()
            elif key.strip() == "flags":
                flags = set(value.split())
    except OSError:  # a system without that file
        return name, None
    widths = {"avx512f": 512, "avx2": 256, "avx": 256, "sse2": 128}
    return name, next((bits for flag, bits in widths.items() if flag in flags), None)


def heading(threads: int) -> str:
    """The machine in a line, above the table."""
    cpu, bits = processor()
    vectors = f", vectors of {bits} bits" if bits else ""
    return f"{cpu}{vectors}; {threads} threads; Python {platform.python_version()}"


def machine(threads: int) -> dict[str, Any]:
    """Where the figures come from."""
    versions = {}
    for package in PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    cpu, bits = processor()
    return {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "processor": cpu,
        "vector bits": bits,
        "cores": os.cpu_count(),
        "threads": threads,
        "packages": versions,
    }


def write_json(path: str, rows: Sequence[Row], threads: int) -> None:
    """All figures, with the spread of the ratios and the errors."""
    data = {"machine": machine(threads), "rows": [row.as_dict() for row in rows]}
    Path(path).write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")


def write_plot(path: str, rows: Sequence[Row]) -> None:
    """Ratios on a logarithmic axis, a line a row: to the right of 1 symgrad is faster."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    rows = [row for row in rows if row.unit == "s"]
    figure, axes = pyplot.subplots(figsize=(10, 1.5 + 0.35 * len(rows)), layout="constrained")
    markers = "osD^v<>PX*hpd8"
    for i, name in enumerate(COLUMNS):
        found = [(k, row.outcomes.get(name)) for k, row in enumerate(rows)]
        shown = [(k, o) for k, o in found if o is not None and o.status == "measured"]
        if shown:
            at, outcomes = zip(*shown, strict=True)
            middle = [o.ratio for o in outcomes]
            spread = [[o.ratio - o.low for o in outcomes], [o.high - o.ratio for o in outcomes]]
            style = {"fmt": markers[i % len(markers)], "color": f"C{i % 10}", "alpha": 0.8}
            axes.errorbar(middle, at, xerr=spread, label=name, markersize=5, **style)
    axes.axvline(1, color="black", linewidth=1)
    axes.set_xscale("log")
    axes.set_yticks(range(len(rows)), [row.label for row in rows])
    axes.invert_yaxis()
    axes.grid(axis="x", alpha=0.3)
    axes.set_xlabel("time as a multiple of symgrad's")
    axes.legend(loc="upper left", bbox_to_anchor=(1, 1))
    figure.savefig(path, dpi=130)
    pyplot.close(figure)
