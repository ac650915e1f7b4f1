"""Graphs for Graphviz."""

import re
import shutil

import pytest

import symgrad as sg
from symgrad.errors import ArgumentError, SymgradError

x, y = sg.symbols("x y")

FAKE_DOT = """#!/bin/sh
[ "$1" = -Tbad ] && echo "Format bad not recognized" >&2 && exit 1
cat > "$3"
"""


@pytest.fixture
def fake_dot(tmp_path, monkeypatch):
    """A `dot` that writes what it reads, and knows no format "bad"."""
    command = tmp_path / "bin" / "dot"
    command.parent.mkdir()
    command.write_text(FAKE_DOT)
    command.chmod(0o755)
    monkeypatch.setattr(shutil, "which", lambda name: str(command))


def test_nodes_carry_labels_and_shapes_and_edges_their_position():
    A, v = sg.matrix("A", ("m", "n")), sg.vector("v", "n")
    lines = sg.to_dot(sg.exp(A @ v) ** 2).splitlines()
    assert lines[0] == "digraph {"
    assert '  n0 [label="A (m, n)", shape=box]' in lines
    assert '  n2 [label="einsum ij,j->i (m,)"]' in lines
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
    assert len(re.findall(r"^  n\d+ \[", shown, re.M)) == 50
    assert '"59951 more nodes left out"' in shown
    assert 'label="add"' in shown.splitlines()[50]


def test_draw_writes_the_graph_itself(tmp_path):
    sg.draw(x + y, tmp_path / "g.dot")
    assert (tmp_path / "g.dot").read_text() == sg.to_dot(x + y) + "\n"


def test_draw_calls_graphviz(tmp_path, fake_dot):
    sg.draw(x + y, tmp_path / "g.svg")
    assert (tmp_path / "g.svg").read_text() == sg.to_dot(x + y)
    with pytest.raises(ArgumentError, match="Format bad not recognized"):
        sg.draw(x, tmp_path / "g.bad")


def test_draw_says_what_is_missing(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(SymgradError, match="install Graphviz"):
        sg.draw(x, tmp_path / "g.svg")
    with pytest.raises(ArgumentError, match="suffix"):
        sg.draw(x, tmp_path / "g")
