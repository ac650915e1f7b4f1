"""What mypy and pyright know of the library, over a file of right uses and one of wrong ones.

Every line of the first is right to both, with `assert_type` for the types; every statement in a function of
the second is refused by both. The files run in no test but this one: the first is run, too.
"""

import ast
import importlib.util
import inspect
import json
import os
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import symgrad as sg
from symgrad.expr import members, node

ROOT = Path(__file__).parents[1]
RIGHT, WRONG = (ROOT / "tests" / "types" / name for name in ("right.py", "wrong.py"))


def wrong_lines():
    """The lines of the statements that are to be refused."""
    functions = [n for n in ast.parse(WRONG.read_text()).body if isinstance(n, ast.FunctionDef)]
    return {statement.lineno for function in functions for statement in function.body}


def run(*command):
    """What a type checker prints; it finds errors, so that it is no success."""
    environment = os.environ | {"MYPYPATH": str(ROOT / "src")}
    found = subprocess.run(
        [sys.executable, "-m", *command],
        check=False,
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=environment,
    )
    assert found.returncode == 1, found.stdout + found.stderr
    return found.stdout


def compared(errors):
    """Errors are `(file name, line)` and a text."""
    unexpected = [text for (name, _), text in errors if name == RIGHT.name]
    assert not unexpected, "\n".join(unexpected)
    refused = {line for (name, line), _ in errors if name == WRONG.name}
    assert refused == wrong_lines()


@pytest.mark.slow
def test_mypy(tmp_path):
    options = f"--cache-dir={tmp_path}", "--hide-error-context", "--no-error-summary"
    printed = run("mypy", *options, str(RIGHT), str(WRONG))
    found = [re.match(r"(?:.*/)?(\w+\.py):(\d+): error", line) for line in printed.splitlines()]
    compared([((m[1], int(m[2])), m.string) for m in found if m])


@pytest.mark.skipif(
    importlib.util.find_spec("pyright") is None or shutil.which("node") is None,
    reason="pyright, of the extra 'test', is not installed, or node, on which it runs, is not",
)
def test_pyright(tmp_path):
    for path in (RIGHT, WRONG):
        shutil.copy(path, tmp_path)
    settings = {
        "include": [RIGHT.name, WRONG.name],
        "extraPaths": [str(ROOT / "src")],
        "reportUnusedExpression": False,
        "reportMissingModuleSource": False,
    }
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(settings))
    printed = run(
        "pyright", "--outputjson", "-p", str(tmp_path), "--pythonpath", str(sys.executable)
    )
    listed = json.loads(printed)["generalDiagnostics"]
    assert listed
    compared(
        [
            ((Path(d["file"]).name, d["range"]["start"]["line"] + 1), f"{d['range']}{d['message']}")
            for d in listed
            if d["severity"] == "error"
        ]
    )


def test_right_uses_run(capsys):
    runpy.run_path(str(RIGHT))
    assert capsys.readouterr().out


def declared(tree):
    """The members in a class's block for type checkers, by name, with their parameters."""
    (block,) = [
        statement
        for body in ast.walk(tree)
        if isinstance(body, ast.ClassDef)
        for statement in body.body
        if isinstance(statement, ast.If)
    ]
    return {n.name: n for n in ast.walk(block) if isinstance(n, ast.FunctionDef)}


def parameters(function):
    given = function.args
    return [a.arg for a in (*given.args, *given.kwonlyargs)][1:]


def test_members_of_expressions_are_those_declared():
    shared = declared(ast.parse(Path(members.__file__).read_text()))
    (own,) = [
        n
        for n in ast.parse(Path(node.__file__).read_text()).body
        if getattr(n, "name", "") == "Expr"
    ]
    known = shared | declared(own)
    for name, stub in known.items():
        member = getattr(sg.Expr, name)
        if name.startswith("_") or isinstance(member, property):
            continue
        kinds = inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD
        real = [
            p.name for p in inspect.signature(member).parameters.values() if p.kind not in kinds
        ]
        assert parameters(stub) == real[1:], name
    told = {*known, "ndim", "dtype", "name", "op", "args", "params", "shape"}
    assert {n for n in dir(sg.symbol("x")) if not n.startswith("_")} <= told


def test_members_of_variables_are_those_declared():
    for name in declared(ast.parse(Path(members.__file__).read_text())):
        assert hasattr(sg.Variable, name), name


def test_the_package_says_that_it_is_typed():
    assert (ROOT / "src" / "symgrad" / "py.typed").exists()
