"""Graphs for Graphviz."""

import re
import shutil
import sys
from xml.etree import ElementTree

import pytest

import symgrad as sg
from symgrad.errors import ArgumentError, SymgradError

x, y = sg.symbols("x y")

FAKE_DOT = """#!/bin/sh
[ "$1" = -Tbad ] && echo "Format bad not recognized" >&2 && exit 1
echo "<?xml?><svg>"
cat
"""


@pytest.fixture
def fake_dot(tmp_path, monkeypatch):
    """A `dot` that writes what it reads behind a prolog and <svg>, and knows no format "bad"."""
    command = tmp_path / "bin" / "dot"
    command.parent.mkdir()
    command.write_text(FAKE_DOT)
    command.chmod(0o755)
    monkeypatch.setattr(shutil, "which", lambda name: str(command))


def test_nodes_carry_labels_and_shapes_and_edges_their_position():
    A, v = sg.matrix("A", ("m", "n")), sg.vector("v", "n")
    lines = sg.to_dot(sg.exp(A @ v) ** 2).splitlines()
    assert lines[0] == "digraph {"
    assert r'  n0 [label="A\n(m, n)", style=filled, color=orange]' in lines
    box = "shape=box, style=filled, color=lightblue"
    assert rf'  n2 [label="einsum ij,j->i\n(m,)", {box}]' in lines
    assert "  n0 -> n2 [label=0]" in lines
    assert lines[-1] == "}"


def test_labels_are_quoted():
    assert r'label="\\alpha \"x\""' in sg.to_dot(sg.symbol('\\alpha "x"'))


def test_a_shared_node_is_one_node():
    assert sg.to_dot(sg.sin(x) * sg.exp(sg.sin(x))).count('label="sin"') == 1


def test_a_huge_graph_is_cut_around_its_result():
    e = x
    for _ in range(20_000):
        e = sg.sin(e) * e + e
    shown = sg.to_dot(e, max_nodes=50)
    assert len(re.findall(r"^  n\d+ \[", shown, re.M)) == 51  # and the note
    assert '"59951 more nodes left out"' in shown
    assert 'label="add"' in shown.splitlines()[50]


def test_draw_writes_the_graph_itself(tmp_path):
    sg.draw(x + y, tmp_path / "g.dot")
    assert (tmp_path / "g.dot").read_text() == sg.to_dot(x + y) + "\n"


def test_named_parts_are_clusters():
    p = sg.named(sg.sin(x) * y, "p")
    text = sg.to_dot(p**2 + sg.exp(p) + x)
    inside = text.split("subgraph cluster_0 {")[1].split("}")[0]
    assert 'label="p"' in inside
    assert 'label="sin"' in inside
    assert 'label="x"' not in inside


def test_variables_are_drawn_as_they_were_computed():
    a, b = sg.variable(2.0, name="a"), sg.variable([1.0, 3.0], name="b")
    c = a * b
    z = sg.sum(c * c) + 1.5 * a
    z.name = "z"
    text = sg.to_dot(z)
    assert text.count('label="multiply"') == 3
    assert r'label="b\n(2,)", style=filled, color=orange' in text
    assert 'label="z", style=filled, color=orange' in text
    assert 'label="1.5", style=filled, color=moccasin' in text
    z.backward()
    text = sg.to_dot(z, values=True)
    assert r'label="a\n2\ngrad 41.5"' in text
    assert r'label="b\n(2,)\n[1. 3.]\ngrad [ 8. 24.]"' in text
    assert r'label="z\n43"' in text


def test_a_long_history_is_cut():
    v = sg.variable(0.5)
    for _ in range(5000):
        v = sg.sin(v)
    text = sg.to_dot(v, max_nodes=21)
    assert text.count('label="sin"') == 10
    assert '"9980 more nodes left out"' in text


def test_mermaid():
    text = sg.to_mermaid(sg.named(x - 2 * y, "p") ** 3)
    assert text.startswith("flowchart TD\n")
    assert '(["x"]):::variable' in text
    assert 'subgraph c0["p"]' in text
    assert "-->|0|" in text
    assert "#91;" in sg.to_mermaid(sg.symbol("a[1]"))


def boxes(text):
    """Centre, half width and half height of each node."""
    found = []
    for m in re.finditer(r'<ellipse cx="(.*?)" cy="(.*?)" rx="(.*?)" ry="(.*?)"', text):
        found.append(tuple(map(float, m.groups())))
    for m in re.finditer(
        r'<rect x="([-.\d]*)" y="([-.\d]*)" width="([.\d]*)" height="([.\d]*)" fill="#', text
    ):
        x0, y0, w, h = map(float, m.groups())
        found.append((x0 + w / 2, y0 + h / 2, w / 2, h / 2))
    return found


def test_svg_is_drawn_without_graphviz(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    e = sg.sin(x) * sg.exp(x + y) / (1 + sg.tanh(x * y) ** 2)
    sg.draw(sg.diff(e, x), tmp_path / "g.svg")
    text = (tmp_path / "g.svg").read_text()
    ElementTree.fromstring(text)  # well formed
    found = boxes(text)
    assert len(found) == sg.to_dot(sg.diff(e, x)).count('label="')
    for k, (x0, y0, w0, h0) in enumerate(found):
        for x1, y1, w1, h1 in found[:k]:
            assert abs(x0 - x1) >= w0 + w1 or abs(y0 - y1) >= h0 + h1  # nothing overlaps
    assert sg.draw(e)._repr_svg_().startswith("<svg")


def test_signs_of_xml_in_names(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert "a&lt;b&amp;" in sg.draw(sg.symbol("a<b&")).svg


@pytest.mark.parametrize("suffix", ["png", "pdf"])
def test_other_formats_by_matplotlib(tmp_path, monkeypatch, suffix):
    pytest.importorskip("matplotlib")
    monkeypatch.setattr(shutil, "which", lambda name: None)
    sg.draw(sg.sin(sg.named(x * y, "p")) + 1, tmp_path / f"g.{suffix}")
    start = (tmp_path / f"g.{suffix}").read_bytes()[:4]
    assert start == {"png": b"\x89PNG", "pdf": b"%PDF"}[suffix]


def test_draw_calls_graphviz(tmp_path, fake_dot):
    sg.draw(x + y, tmp_path / "g.svg")
    assert (tmp_path / "g.svg").read_text() == f"<?xml?><svg>\n{sg.to_dot(x + y)}"
    assert sg.draw(x + y).svg == f"<svg>\n{sg.to_dot(x + y)}"
    with pytest.raises(ArgumentError, match="Format bad not recognized"):
        sg.draw(x, tmp_path / "g.bad")


def test_what_graphviz_would_take_minutes_for_is_placed_here(tmp_path, fake_dot):
    x, y = sg.symbols("x y")
    e = x
    for _ in range(100):
        e = sg.sin(e) * y
    sg.draw(e, tmp_path / "long.svg")
    assert (tmp_path / "long.svg").read_text().count("sin</text>") == 100


def test_draw_says_what_is_missing(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(SymgradError, match=r"symgrad\[plot\]\) or Graphviz"):
        sg.draw(x, tmp_path / "g.png")
    with pytest.raises(ArgumentError, match="svg, png, pdf, dot and mmd, not 'gif'"):
        sg.draw(x, tmp_path / "g.gif")
    with pytest.raises(ArgumentError, match="suffix"):
        sg.draw(x, tmp_path / "g")
