"""The picture of the house in ARCHITECTURE.md holds: imports point one way, and stay light."""

import ast
import subprocess
import sys
import tomllib
from collections import defaultdict
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import symgrad as sg

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src"
FILES = sorted((SOURCE / "symgrad").rglob("*.py"))

BASE = {"errors", "calls", "expr"}
TO_OPS = BASE | {"ops"}
TO_AUTODIFF = TO_OPS | {"rewrite", "autodiff"}
TO_COMPILE = TO_OPS | {"rewrite", "structure", "program", "targets", "runtime", "print", "compile"}
NAMESPACES = {"fft", "linalg", "special", "stats"}
ABOVE = {"batching", "check", "functions", "parse", "solve", "structure", "substitute", "variable"}
ABOVE |= {"optim", "recurrence", "suggestions", "variational"}
ALL = TO_AUTODIFF | TO_COMPILE | NAMESPACES | ABOVE

# What a layer may import, besides itself
LAYERS = {
    "errors": set(),
    "calls": {"errors"},
    "suggestions": set(),
    "expr": {"errors", "calls"},
    "ops": BASE,
    "fft": TO_OPS | {"suggestions"},
    "linalg": TO_OPS | {"suggestions"},
    "special": TO_OPS | {"suggestions"},
    "stats": TO_OPS | {"suggestions"},
    "check": TO_AUTODIFF | TO_COMPILE | {"substitute"},
    "substitute": TO_AUTODIFF | {"functions"},
    "functions": TO_AUTODIFF | {"parse"},
    "parse": TO_AUTODIFF,
    "rewrite": TO_OPS,
    "autodiff": TO_OPS | {"rewrite"},
    "program": TO_OPS,
    "runtime": set(),
    "targets": TO_OPS | {"rewrite", "program", "runtime"},
    "print": TO_OPS | {"rewrite", "structure"},
    "compile": TO_COMPILE | {"functions"},
    "batching": TO_OPS | {"print"},
    "structure": TO_OPS,
    "solve": TO_AUTODIFF | TO_COMPILE | {"batching", "functions"},
    "variational": TO_AUTODIFF | TO_COMPILE | {"solve", "functions"},
    "recurrence": TO_AUTODIFF | TO_COMPILE | {"batching"},
    "variable": TO_AUTODIFF | TO_COMPILE | {"recurrence"},
    "optim": TO_AUTODIFF | TO_COMPILE | {"variable", "suggestions"},
    "interop": TO_AUTODIFF
    | TO_COMPILE
    | {"substitute", "parse"}  # text, as SymPy's lambdify takes it
    | {"recurrence"}  # loops as text and written out
    | {"functions"}  # which integrals are
    | {"solve"},  # on Dask arrays
    "cli": ALL | {"", "web"},
    "web": ALL | {""},
    "__main__": {"cli"},
    "": ALL,
}


def module_name(path):
    parts = path.relative_to(SOURCE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def layer_of(module):
    return (module.split(".") + [""])[1]


def is_type_checking(node):
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


def imports_of(path, *, everywhere):
    """The modules that a file imports: at import time, or in its functions too."""
    stack, found = [ast.parse(path.read_text())], set()
    while stack:
        node = stack.pop()
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import hides its layer"
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                found.add(full if full in MODULES else node.module)
        elif is_type_checking(node):
            continue
        elif everywhere or not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            stack.extend(ast.iter_child_nodes(node))
    return found


MODULES = {module_name(path) for path in FILES}


@pytest.mark.parametrize("path", FILES, ids=module_name)
def test_imports_point_one_way(path):
    layer = layer_of(module_name(path))
    at_import_time = imports_of(path, everywhere=False)
    for module in imports_of(path, everywhere=True):
        if module.split(".")[0] != "symgrad" or layer_of(module) == layer:
            continue
        if layer_of(module) == "interop":
            assert module not in at_import_time, f"{layer} imports {module} at import time"
        else:
            assert layer_of(module) in LAYERS[layer], f"{layer} imports {module}"


def test_no_import_cycles():
    graph = {
        module_name(path): {
            m for m in imports_of(path, everywhere=False) & MODULES if m != module_name(path)
        }
        for path in FILES
    }
    assert len(list(TopologicalSorter(graph).static_order())) == len(MODULES)


def test_importing_symgrad_imports_no_neighbour():
    neighbours = [
        "sympy",
        "scipy",
        "jax",
        "torch",
        "dask",
        "matplotlib",
        "llvmlite",
        "symgrad.cli",
        "symgrad.interop",
    ]
    code = f"import sys, symgrad; print([m for m in {neighbours!r} if m in sys.modules])"
    out = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=SOURCE
    )
    assert out.stdout.strip() == "[]"


def test_every_name_in_all_exists_and_is_documented():
    assert len(set(sg.__all__)) == len(sg.__all__)
    for name in sg.__all__:
        value = getattr(sg, name)
        if callable(value):
            assert value.__doc__, f"{name} has no docstring"


@pytest.mark.parametrize("path", FILES, ids=module_name)
def test_functions_are_short(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef) and path.name != "operators.py":
            first = node.body[1] if ast.get_docstring(node) and len(node.body) > 1 else node
            assert node.end_lineno - first.lineno < 60, f"{node.name} in {path.name} is long"


def test_the_project_file_is_complete():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["name"] == "symgrad"
    assert project["version"] == sg.__version__
    assert project["requires-python"] == ">=3.11"
    assert project["scripts"] == {"symgrad": "symgrad.cli:main"}
    assert set(project["optional-dependencies"]) == {
        "test",
        "bench",
        "cli",
        "web",
        "plot",
        "progress",
        "scipy",
        "jax",
        "torch",
        "dask",
        "docs",
        "blas",
        "native",
    }
    assert (SOURCE / "symgrad" / "py.typed").exists()
    assert "MIT License" in (ROOT / "LICENSE").read_text()


def test_continuous_integration_runs_the_test_command_of_the_readme():
    command = next(
        line for line in (ROOT / "README.md").read_text().splitlines() if "pytest" in line
    )
    assert command in (ROOT / ".ci" / "run").read_text().splitlines()


def test_a_class_has_its_name_alone():
    """A reader who meets the name of a class knows which one is meant."""
    places = defaultdict(list)
    for path in FILES:
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places[node.name].append(str(path.relative_to(SOURCE)))
    assert {name: found for name, found in places.items() if len(found) > 1} == {}
