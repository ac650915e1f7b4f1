"""Whole programs: as they are written, and that neither names nor the text of code decide on them."""

import ast

import numpy as np
import pytest
from tests.compile.programs import NAMES, PROGRAMS, arguments

import symgrad as sg
from symgrad.compile.pipeline import Draft, Options
from symgrad.expr.kinds import Formula, Written
from symgrad.program.cost import cost_of
from symgrad.program.sizes import entry_spaces, product_spaces
from symgrad.targets.lists import ARRAYS, LOOPS
from symgrad.targets.passes import SLOTS, run_passes

# Words that generated code uses, in the alphabetical order of what they replace
WORDS = ("np", "shape", "keepdims", "out", "axis", "entries", "slots")
OTHERS = ("sum", "where", "einsum", "t0", "dtype", "_embed", "ndim")


def source_of(f):
    """All that is written of a function."""
    return "\n\n".join(filter(None, [f.source, f.scalar_source, f.large_source]))


@pytest.mark.parametrize("name", PROGRAMS)
def test_golden(name, golden):
    f = sg.lambdify(*PROGRAMS[name](*NAMES), name=name)
    golden(f"programs/{name}.txt", f"{source_of(f)}\n\n{f.explain()}\n")


def normal(source):
    """Code with its own names numbered as they come."""
    tree = ast.parse(source)
    names = {}

    class Numbered(ast.NodeTransformer):
        def visit_arg(self, node):
            node.arg = names.setdefault(node.arg, f"v{len(names)}")
            return node

        def visit_Name(self, node):
            if isinstance(node.ctx, ast.Store):
                names.setdefault(node.id, f"v{len(names)}")
            node.id = names.get(node.id, node.id)
            return node

        def visit_FunctionDef(self, node):
            names.clear()
            self.visit(node.args)
            body = node.body[1:] if ast.get_docstring(node) is not None else node.body
            node.body = [self.visit(line) for line in body]
            return node

        def visit_Assign(self, node):
            node.value = self.visit(node.value)
            node.targets = [self.visit(target) for target in node.targets]
            return node

    return ast.unparse(Numbered().visit(tree))


@pytest.mark.parametrize("words", [WORDS, OTHERS])
@pytest.mark.parametrize("name", PROGRAMS)
def test_plans_do_not_depend_on_names(name, words):
    symbols, outputs = PROGRAMS[name](*NAMES)
    renamed, others = PROGRAMS[name](*words)
    f, g = sg.lambdify(symbols, outputs), sg.lambdify(renamed, others)
    for mine, theirs in [(f.source, g.source), (f.scalar_source, g.scalar_source)]:
        assert (mine is None) == (theirs is None)
        assert mine is None or normal(mine) == normal(theirs)
    counts = [line.split(":")[-1] for line in f.explain().splitlines() if "instructions" in line]
    assert counts == [
        line.split(":")[-1] for line in g.explain().splitlines() if "instructions" in line
    ]
    given = arguments(symbols)
    for a, b in zip(f(*given), g(*given), strict=True):
        np.testing.assert_array_equal(a, b)


class Sealed(str):
    """A text that nobody may look into."""

    __slots__ = ()
    __hash__ = str.__hash__

    def __eq__(self, other):
        return self is other

    def _refuse(self, *args, **kwargs):
        raise AssertionError("the text of code was read")

    __contains__ = __getitem__ = __iter__ = __len__ = __add__ = __format__ = __mod__ = _refuse
    __lt__ = __gt__ = __le__ = __ge__ = _refuse
    startswith = endswith = find = index = count = split = partition = replace = format = _refuse
    removeprefix = removesuffix = strip = lower = upper = isidentifier = encode = _refuse


def sealed(program):
    """The program with code that may be printed and compared, and not read."""
    seals = {}

    def seal(kind):
        if isinstance(kind, Written):
            return seals.setdefault(kind, Written(Sealed(kind.code), Sealed(kind.scalar)))
        if isinstance(kind, Formula):
            return seals.setdefault(kind, Formula(kind.tree, Sealed(kind.scalar)))
        return kind

    program.instrs = [instr._replace(kind=seal(instr.kind)) for instr in program.instrs]
    program.numbering = {(i.kind, i.args): v for v, i in enumerate(program.instrs)}
    return program


@pytest.mark.parametrize("name", PROGRAMS)
def test_no_pass_and_no_cost_reads_code(name):
    symbols, outputs = PROGRAMS[name](*NAMES)
    spans = [("axis0",)] * len(symbols) if all(x.shape == () for x in symbols) else None
    program = sealed(Draft(symbols, outputs, Options()).lowered(spans))
    arrays = run_passes(program, ARRAYS.with_fast_math().passes)
    run_passes(arrays, (*LOOPS, SLOTS))
    assert entry_spaces(arrays) is not None and product_spaces(arrays) is not None
    assert all(cost_of(instr.kind) >= 0 for instr in arrays.instrs)


def test_sealed_text_is_sealed():
    x = sg.symbol("x")
    program = sealed(Draft([x], [sg.special.lambertw(x) + sg.softplus(x)], Options()).lowered())
    texts = [i.kind for i in program.instrs if isinstance(i.kind, (Written, Formula))]
    assert len(texts) == 2
    for read in (lambda t: "np" in t, lambda t: t.startswith("np"), len, list):
        with pytest.raises(AssertionError, match="was read"):
            read(texts[0].scalar)


def test_passes_import_no_printer_and_no_parser():
    import pathlib

    import symgrad.program

    for path in pathlib.Path(symgrad.program.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            modules = []
            if isinstance(node, ast.ImportFrom):
                modules = [str(node.module)]
            elif isinstance(node, ast.Import):
                modules = [alias.name for alias in node.names]
            assert not [m for m in modules if m in ("re", "ast") or ".targets" in m], path.name
