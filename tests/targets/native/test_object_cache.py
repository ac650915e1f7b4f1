"""Machine code on disk: found again, made anew where a file is damaged, shared by processes."""

import os
import subprocess
import sys

import pytest

import symgrad as sg
from symgrad.targets.native import engine, object_cache

CODE = """
import sys, symgrad as sg
from symgrad.targets.native import engine
made = []
engine._made = (lambda old: lambda *args: made.append(1) or old(*args))(engine._made)
x = sg.symbol("x")
f = sg.lambdify(x, {"value": x**3 + 1, "slope": 3*x**2}, backend="native")
print(f(2.0), len(made))
"""
TEXT = "define double @f(double %x) {\n  ret double %x\n}\n"


@pytest.fixture
def directory(tmp_path, monkeypatch):
    monkeypatch.setattr(object_cache, "_chosen", [])
    sg.native_cache(tmp_path / "code")
    return tmp_path / "code"


def runs(directory, count=1):
    """What processes print that are started at once."""
    env = {**os.environ, object_cache.VARIABLE: str(directory)}
    started = [
        subprocess.Popen([sys.executable, "-c", CODE], stdout=subprocess.PIPE, text=True, env=env)
        for _ in range(count)
    ]
    return [run.communicate()[0].strip() for run in started]


def test_nothing_is_kept_unless_asked(tmp_path, monkeypatch):
    monkeypatch.setattr(object_cache, "_chosen", [])
    monkeypatch.delenv(object_cache.VARIABLE, raising=False)
    monkeypatch.chdir(tmp_path)
    engine.object_code(TEXT)
    assert not list(tmp_path.iterdir())


def test_code_is_found_again(directory, monkeypatch):
    code = engine.object_code(TEXT)
    monkeypatch.setattr(engine, "_made", lambda *args: pytest.fail("made again"))
    assert engine.object_code(TEXT) == code
    assert [path.suffix for path in directory.iterdir()] == [".symgrad"]


def test_other_texts_levels_and_processors_have_other_files(directory, monkeypatch):
    engine.object_code(TEXT)
    engine.object_code(TEXT, 1)
    engine.object_code(TEXT + "\n")
    other = engine.Machine(engine.machine().triple, engine.machine().cpu, "")
    monkeypatch.setattr(engine, "machine", lambda: other)
    engine.object_code(TEXT)
    assert len(list(directory.iterdir())) == 4


@pytest.mark.parametrize(
    "damage", [lambda b: b[:100], lambda b: b"", lambda b: b[:-1] + b"x", lambda b: b"x" + b[1:]]
)
def test_a_damaged_file_is_made_anew(directory, damage):
    code = engine.object_code(TEXT)
    (path,) = directory.iterdir()
    whole = path.read_bytes()
    path.write_bytes(damage(whole))
    assert engine.object_code(TEXT) == code
    assert path.read_bytes() == whole


def test_a_file_of_another_key_is_not_taken(directory):
    engine.object_code(TEXT)
    (first,) = directory.iterdir()
    whole = first.read_bytes()
    first.unlink()
    code = engine.object_code(TEXT.replace("%x)", "%y)").replace("double %x\n", "double 0.0\n"))
    (second,) = directory.iterdir()
    second.write_bytes(whole)
    again = engine.object_code(TEXT.replace("%x)", "%y)").replace("double %x\n", "double 0.0\n"))
    assert again == code


def test_processes_share_a_directory(directory):
    assert all(text.startswith("{'value': 9.0, 'slope': 12.0}") for text in runs(directory, 3))
    assert runs(directory) == ["{'value': 9.0, 'slope': 12.0} 0"]
    assert len(list(directory.iterdir())) == 1


def test_a_directory_that_cannot_be_written_to_is_no_error_later(directory):
    directory.rmdir()
    directory.write_text("a file")
    assert engine.object_code(TEXT)
    with pytest.raises(sg.ArgumentError, match="is no directory"):
        sg.native_cache(directory)
