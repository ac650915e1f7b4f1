"""The loops of solvers as C99: the same Python text that solvers run, statement by statement.

Where Python would raise, at a division by zero, and where a formula is not finite, the function gives up.
"""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from symgrad.targets.c.functions import INDENT, c_function, c_number
from symgrad.targets.c.module import CFile, files, wrapped
from symgrad.targets.c.names import c_names
from symgrad.targets.native.steps import ScalarSteps

SIGNS: Final[Mapping[type[ast.AST], str]] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.And: "&&",
    ast.Or: "||",
}
WORDS: Final[Mapping[str, str]] = {"inf": "INFINITY", "tol": "tol", "maxiter": "maxiter"}
TRUTHS: Final = ("small", "fast")  # the names of the loops that hold truth values
COUNT: Final = "count"


def c_solver(
    text: str, inputs: Sequence[str], unknowns: int, values: int, steps: ScalarSteps, doc: str
) -> CFile:
    """The files of ``int solve(...)``: a loop that gives the number of steps, and -1 where it is not sure.

    Parameters
    ----------
    text : str
        The statements of the loop.
    inputs : sequence of str
        What it starts from: unknowns, then parameters.
    unknowns, values : int
        How many unknowns there are, and whether a value comes behind ``|F|``.
    steps : Steps
        The formulas.
    """
    names = c_names(inputs)
    single = unknowns == 1
    start = ["double x0"] if single else [f"const double x0[{unknowns}]"]
    found = ["double *found"] if single else [f"double found[{unknowns}]"]
    params = [f"double {p}" for p in names[unknowns:]]
    more = ["double *value"] * values
    parts = [*start, *params, "double tol", "int maxiter", *found, "double *residual", *more]
    head = f"int solve({', '.join(parts)})"
    given = ", ".join([*[f"double {p}" for p in c_names(steps.arguments)], "double *values"])
    places = [f"values[{k}]" for k in range(len(steps.outputs))]
    formulas = c_function(
        wrapped(f"static void formulas({given})"), steps, c_names(steps.arguments), places
    )
    body = _Loop(names, inputs, unknowns, values, len(places)).function(
        wrapped(head), ast.parse(text)
    )
    return files("solve", [(doc, head)], f"{formulas}\n{body}")


class _Loop:
    def __init__(
        self, names: Sequence[str], inputs: Sequence[str], unknowns: int, values: int, formulas: int
    ) -> None:
        self.start = {
            name: "x0" if unknowns == 1 else f"x0[{k}]" for k, name in enumerate(inputs[:unknowns])
        }
        self.inputs = dict(zip(inputs[unknowns:], names[unknowns:], strict=True))
        self.unknowns, self.values, self.formulas = unknowns, values, formulas
        self.variables: dict[str, str] = {}  # of the text, with their names in C
        self.lines: list[str] = []
        self.depth = 1
        self.divisors: list[str] = []

    def function(self, head: str, tree: ast.Module) -> str:
        self.body(tree.body)
        floats = [v for v in self.variables.values() if v not in (*TRUTHS, COUNT)]
        truths = [v for v in self.variables.values() if v in TRUTHS]
        declared = [
            INDENT + line
            for kind, names, zero in (("double", floats, "0.0"), ("int", truths, "0"))
            if names
            for line in _listed(kind, [f"{name} = {zero}" for name in names])
        ]
        return "\n".join(
            [
                head,
                "{",
                f"{INDENT}double values[{self.formulas}];",
                f"{INDENT}int count = 0;",
                *declared,
                *self.lines,
                f"{INDENT}return -1;",
                "}",
                "",
            ]
        )

    def line(self, text: str) -> None:
        self.lines.append(INDENT * self.depth + text)

    def block(self, opened: str, statements: Sequence[ast.stmt]) -> None:
        self.line(f"{opened} {{")
        self.depth += 1
        self.body(statements)
        self.depth -= 1
        self.line("}")

    def body(self, statements: Sequence[ast.stmt]) -> None:
        for statement in statements:
            STATEMENTS[statement.__class__](self, statement)

    def checked(self, *expressions: ast.expr) -> list[str]:
        """The code of expressions, after tests that nothing in them is divided by zero."""
        self.divisors = []
        found = [self.code(e) for e in expressions]
        for divisor in self.divisors:
            self.line(f"if ({divisor} == 0.0) return -1;")
        return found

    # Statements

    def assign(self, s: ast.Assign) -> None:
        value = s.value
        if isinstance(value, ast.Call) and _id(value.func) == "formulas":
            self.evaluate(s.targets[0], value)
            return
        targets = [t.elts if isinstance(t, ast.Tuple) else [t] for t in s.targets]
        parts = list(value.elts) if isinstance(value, ast.Tuple) else [value]
        if _id(value) == "numbers":  # parameters have their names already
            targets = [targets[0][: self.unknowns]]
            parts = [ast.Name(name) for name in self.start]
        found = self.checked(*parts)
        group = [[self.target(t) for t in ts] for ts in targets]
        if len(parts) > 1 and self.exchange(group[0], found):
            return
        for names in group:
            for name, code in zip(names, found, strict=True):
                if name != code:
                    self.line(f"{name} = {_bare(code)};")

    def exchange(self, names: Sequence[str], found: Sequence[str]) -> bool:
        """Pairs of values exchanged: ``a, b = b, a``; whether this is one."""
        if sorted(names) != sorted(found):
            return False
        half = len(names) // 2
        for a, b in zip(names[:half], names[half:], strict=True):
            self.line(f"{{ const double kept = {a}; {a} = {b}; {b} = kept; }}")
        return True

    def target(self, e: ast.expr) -> str:
        assert isinstance(e, ast.Name)
        if e.id in self.variables:
            return self.variables[e.id]
        # a name of the loop's own, or an unknown or a parameter that changes
        name = c_names([*self.inputs.values(), e.id])[-1] if e.id not in self.own() else e.id
        self.variables[e.id] = name
        return name

    def own(self) -> tuple[str, ...]:
        return (*TRUTHS, COUNT)

    def evaluate(self, target: ast.expr, call: ast.Call) -> None:
        self.line(f"formulas({', '.join([*self.checked(*call.args), 'values'])});")
        self.block(f"for (int k = 0; k < {self.formulas}; ++k)", [])
        self.lines.insert(
            -1, f"{INDENT * (self.depth + 1)}if (!(fabs(values[k]) < INFINITY)) return -1;"
        )
        names = target.elts if isinstance(target, ast.Tuple) else [target]
        for k, name in enumerate(names):
            self.line(f"{self.target(name)} = values[{k}];")

    def augmented(self, s: ast.AugAssign) -> None:
        [code] = self.checked(s.value)
        self.line(f"{self.target(s.target)} {SIGNS[s.op.__class__]}= {_bare(code)};")

    def branch(self, s: ast.If) -> None:
        [test] = self.checked(s.test)
        self.block(f"if ({_bare(test)})", s.body)
        rest = s.orelse
        while len(rest) == 1 and isinstance(rest[0], ast.If) and not _divides(rest[0].test):
            self.lines.pop()
            self.block(f"}} else if ({_bare(self.code(rest[0].test))})", rest[0].body)
            rest = rest[0].orelse
        if rest:
            self.lines.pop()
            self.block("} else", rest)

    def repeat(self, s: ast.While) -> None:
        self.block("for (;;)", s.body)

    def counted(self, s: ast.For) -> None:
        assert isinstance(s.iter, ast.Call)
        self.variables[COUNT] = COUNT
        limit = _bare(self.code(s.iter.args[0]))
        self.block(f"for (count = 0; count < {limit}; ++count)", s.body)

    def stop(self, s: ast.Break) -> None:
        self.line("break;")

    def result(self, s: ast.Return) -> None:
        assert isinstance(s.value, ast.Call)
        given = [a for a in s.value.args if not (isinstance(a, ast.Constant) and a.value is True)]
        found = self.checked(*[a for a in given if _id(a) != "CONVERGED"])
        n = self.unknowns
        # in this order: unknowns, the number of steps, |F|, and a value
        for k, code in enumerate(found[:n]):
            self.line(f"*found = {code};" if n == 1 else f"found[{k}] = {code};")
        self.line(f"*residual = {found[n + 1]};")
        if self.values:
            self.line(f"*value = {found[n + 2]};")
        self.line(f"return {_bare(found[n])};")

    def nothing(self, s: ast.stmt) -> None:
        pass

    # Expressions

    def code(self, e: ast.expr) -> str:
        return EXPRESSIONS[e.__class__](self, e)

    def name(self, e: ast.Name) -> str:
        if e.id in self.variables:
            return self.variables[e.id]
        return {**WORDS, **self.inputs, **self.start}[e.id]

    def constant(self, e: ast.Constant) -> str:
        assert isinstance(e.value, (float, int))
        return c_number(e.value) if isinstance(e.value, float) else str(int(e.value))

    def binary(self, e: ast.BinOp) -> str:
        left, right = self.code(e.left), self.code(e.right)
        if isinstance(e.op, ast.Div):
            self.divisors.append(right)
        return f"({left} {SIGNS[e.op.__class__]} {right})"

    def unary(self, e: ast.UnaryOp) -> str:
        return f"({'!' if isinstance(e.op, ast.Not) else '-'}{self.code(e.operand)})"

    def junction(self, e: ast.BoolOp) -> str:
        return f"({f' {SIGNS[e.op.__class__]} '.join([self.code(v) for v in e.values])})"

    def comparison(self, e: ast.Compare) -> str:
        operands = [self.code(x) for x in (e.left, *e.comparators)]
        pairs = zip(e.ops, operands, operands[1:], strict=False)
        tests = [f"({a} {SIGNS[op.__class__]} {b})" for op, a, b in pairs]
        return tests[0] if len(tests) == 1 else f"({' && '.join(tests)})"

    def call(self, e: ast.Call) -> str:
        given = [_bare(self.code(a)) for a in e.args]
        if _id(e.func) == "abs":
            return f"fabs({given[0]})"
        assert _id(e.func) == "hypot"
        found = given[0]
        for other in given[1:]:
            found = f"hypot({found}, {other})"
        return found


def _listed(kind: str, parts: Sequence[str]) -> list[str]:
    return textwrap.wrap(f"{kind} {', '.join(parts)};", 90, subsequent_indent=INDENT)


def _divides(e: ast.expr) -> bool:
    return any(isinstance(node, ast.Div) for node in ast.walk(e))


def _bare(code: str) -> str:
    """Code without the parentheses around all of it, where there are some."""
    return code[1:-1] if code.startswith("(") and _whole(code) else code


def _whole(code: str) -> bool:
    depth = 0
    for k, character in enumerate(code):
        depth += (character == "(") - (character == ")")
        if depth == 0:
            return k == len(code) - 1
    return False


def _id(e: ast.expr) -> str:
    return e.id if isinstance(e, ast.Name) else ""


STATEMENTS: Final[Mapping[type[ast.AST], Callable[[_Loop, Any], None]]] = {
    ast.Assign: _Loop.assign,
    ast.AugAssign: _Loop.augmented,
    ast.If: _Loop.branch,
    ast.While: _Loop.repeat,
    ast.For: _Loop.counted,
    ast.Break: _Loop.stop,
    ast.Return: _Loop.result,
    ast.Pass: _Loop.nothing,
}
EXPRESSIONS: Final[Mapping[type[ast.AST], Callable[[_Loop, Any], str]]] = {
    ast.Name: _Loop.name,
    ast.Constant: _Loop.constant,
    ast.BinOp: _Loop.binary,
    ast.UnaryOp: _Loop.unary,
    ast.BoolOp: _Loop.junction,
    ast.Compare: _Loop.comparison,
    ast.Call: _Loop.call,
}
