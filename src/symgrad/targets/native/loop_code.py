"""Statements of a small part of Python on numbers, the loops of solvers, as LLVM's code.

The same text that a solver in Python runs is compiled here, so that there is one end rule. Numbers are
floats, ints and truth values, by what is first assigned to a name. ``formulas(...)`` runs a kernel. Where
Python would raise, at a division by zero, and where a formula is not finite, the function gives up.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from symgrad.targets.native.kernels import number

FLOAT, INT, TRUTH = "double", "i64", "i1"
SIGNS: Final[Mapping[type[ast.AST], str]] = {
    ast.Add: "add",
    ast.Sub: "sub",
    ast.Mult: "mul",
    ast.Div: "div",
}
# Comparisons of floats and of ints; with nan all but != are false
COMPARED: Final[Mapping[type[ast.AST], tuple[str, str]]] = {
    ast.Lt: ("fcmp olt", "icmp slt"),
    ast.LtE: ("fcmp ole", "icmp sle"),
    ast.Gt: ("fcmp ogt", "icmp sgt"),
    ast.GtE: ("fcmp oge", "icmp sge"),
    ast.Eq: ("fcmp oeq", "icmp eq"),
    ast.NotEq: ("fcmp une", "icmp ne"),
}
GAVE_UP: Final = -1
ASKS: Final = -2  # a function that stops at its formulas wants their values


class Operand(NamedTuple):
    """A value and its type."""

    type: str
    text: str


def loop_function(text: str, inputs: Sequence[str], formulas: int, name: str = "loop") -> str:
    """The text of ``i64 name(ptr in, ptr out, double tol, i64 maxiter)``.

    It gives the number of steps, and floats in `out`, where the statements return, and -1 where they end
    otherwise. What they return is a call, of which floats and an int count.

    Parameters
    ----------
    text : str
        The statements.
    inputs : sequence of str
        The names of what is read from `in`, floats.
    formulas : int
        How many floats ``void kernel(ptr in, ptr out)`` gives.
    """
    return LoopStatements(inputs, formulas).function(ast.parse(text), name)


class LoopStatements:
    """The statements of a loop, written as one function."""

    apart = 1  # how far one argument, or one value, of formulas is from the next

    def __init__(self, inputs: Sequence[str], formulas: int) -> None:
        self.inputs = {name: k for k, name in enumerate(inputs)}
        self.formulas = formulas
        self.variables: dict[str, str] = {}  # with their types
        self.lines: list[str] = []
        self.count = 0
        self.given = 0  # of the most arguments of formulas
        self.after: list[str] = []  # where a break of each loop leads

    def function(self, tree: ast.Module, name: str) -> str:
        self.body(tree.body)
        self.line("br label %gave_up")
        memory = [f"  %{v}.at = alloca {t}" for v, t in self.variables.items()]
        return "\n".join(
            [
                f"define i64 @{name}(ptr %in, ptr %out, double %tol, i64 %maxiter) {{",
                "entry:",
                *memory,
                f"  %arguments = alloca double, i64 {max(self.given, 1)}",
                f"  %values = alloca double, i64 {max(self.formulas, 1)}",
                *self.lines,
                "gave_up:",
                f"  ret i64 {GAVE_UP}",
                "}",
                "",
            ]
        )

    def ask(self) -> None:
        """Have the formulas computed."""
        self.line("call void @kernel(ptr %arguments, ptr %values)")

    def line(self, text: str) -> None:
        self.lines.append(f"  {text}")

    def made(self, text: str) -> str:
        self.count += 1
        self.line(f"%t{self.count} = {text}")
        return f"%t{self.count}"

    def labels(self, *words: str) -> list[str]:
        self.count += 1
        return [f"{word}{self.count}" for word in words]

    def begin(self, label: str) -> None:
        self.lines.append(f"{label}:")

    def unless(self, wrong: str) -> None:
        """Give up if something is so."""
        [further] = self.labels("further")
        self.line(f"br i1 {wrong}, label %gave_up, label %{further}")
        self.begin(further)

    # Statements

    def body(self, statements: Sequence[ast.stmt]) -> None:
        for statement in statements:
            getattr(self, STATEMENTS[statement.__class__])(statement)

    def assign(self, s: ast.Assign) -> None:
        value = s.value
        if isinstance(value, ast.Call) and _name_of(value) == "formulas":
            self.evaluate(s.targets[0], value.args)
            return
        targets = [t.elts if isinstance(t, ast.Tuple) else [t] for t in s.targets]
        parts = value.elts if isinstance(value, ast.Tuple) else [value]
        if isinstance(value, ast.Name) and value.id == "numbers":
            parts = [ast.Name(name) for name in self.inputs]
        found = [self.value(part) for part in parts]
        for group in targets:
            for target, operand in zip(group, found, strict=True):
                self.store(target, operand)

    def augmented(self, s: ast.AugAssign) -> None:
        assert isinstance(s.target, ast.Name)
        self.store(s.target, self.value(ast.BinOp(ast.Name(s.target.id), s.op, s.value)))

    def store(self, target: ast.expr, operand: Operand) -> None:
        assert isinstance(target, ast.Name)
        kind = self.variables.setdefault(target.id, operand.type)
        self.put(target.id, kind, self.as_type(operand, kind))

    def put(self, name: str, kind: str, text: str) -> None:
        """Store the value of a variable."""
        self.line(f"store {kind} {text}, ptr {self.pointer(name)}")

    def get(self, name: str, kind: str) -> str:
        """The value of a variable."""
        return self.made(f"load {kind}, ptr {self.pointer(name)}")

    def pointer(self, name: str) -> str:
        return f"%{name}.at"

    def evaluate(self, target: ast.expr, args: Sequence[ast.expr]) -> None:
        """``f0, f1 = formulas(x, y)``; all must be finite."""
        self.given = max(self.given, len(args))
        for k, arg in enumerate(args):
            place = self.made(f"getelementptr double, ptr %arguments, i64 {k * self.apart}")
            self.line(f"store double {self.float(arg)}, ptr {place}")
        self.ask()
        names = target.elts if isinstance(target, ast.Tuple) else [target]
        finite = "true"
        for k, name in enumerate(names):
            place = self.made(f"getelementptr double, ptr %values, i64 {k * self.apart}")
            value = self.made(f"load double, ptr {place}")
            size = self.made(f"call double @llvm.fabs.f64(double {value})")
            known = self.made(f"fcmp olt double {size}, {number(float('inf'))}")
            finite = self.made(f"and i1 {finite}, {known}")
            self.store(name, Operand(FLOAT, value))
        self.unless(self.made(f"xor i1 {finite}, true"))

    def branch(self, s: ast.If) -> None:
        then, other, end = self.labels("then", "other", "end")
        self.line(f"br i1 {self.truth(s.test)}, label %{then}, label %{other}")
        for label, statements in ((then, s.body), (other, s.orelse)):
            self.begin(label)
            self.body(statements)
            self.line(f"br label %{end}")
        self.begin(end)

    def repeat(self, s: ast.While) -> None:
        again, end = self.labels("again", "end")
        self.line(f"br label %{again}")
        self.begin(again)
        self.after.append(end)
        self.body(s.body)
        self.after.pop()
        self.line(f"br label %{again}")
        self.begin(end)

    def counted(self, s: ast.For) -> None:
        """``for count in range(n)``."""
        assert isinstance(s.target, ast.Name) and isinstance(s.iter, ast.Call)
        name = s.target.id
        self.variables[name] = INT
        again, step, end = self.labels("again", "step", "end")
        self.line(f"store i64 0, ptr %{name}.at")
        self.line(f"br label %{again}")
        self.begin(again)
        # values are read anew: a function that stops at its formulas keeps none across them
        count, limit = self.made(f"load i64, ptr %{name}.at"), self.value(s.iter.args[0]).text
        more = self.made(f"icmp slt i64 {count}, {limit}")
        self.line(f"br i1 {more}, label %{step}, label %{end}")
        self.begin(step)
        self.after.append(end)
        self.body(s.body)
        self.after.pop()
        count = self.made(f"load i64, ptr %{name}.at")
        self.line(f"store i64 {self.made(f'add i64 {count}, 1')}, ptr %{name}.at")
        self.line(f"br label %{again}")
        self.begin(end)

    def leave(self, label: str) -> None:
        """Go somewhere; what follows in the text is never reached."""
        self.line(f"br label %{label}")
        self.begin(*self.labels("unreached"))

    def stop(self, s: ast.Break) -> None:
        self.leave(self.after[-1])

    def result(self, s: ast.Return) -> None:
        assert isinstance(s.value, ast.Call)
        given = [a for a in s.value.args if not (isinstance(a, ast.Constant) and a.value is True)]
        found = [self.value(a) for a in given if _id(a) != "CONVERGED"]
        floats = [operand for operand in found if operand.type == FLOAT]
        [count] = [operand for operand in found if operand.type == INT]
        for k, operand in enumerate(floats):
            place = self.made(f"getelementptr double, ptr %out, i64 {k}")
            self.line(f"store double {operand.text}, ptr {place}")
        self.line(f"ret i64 {count.text}")
        self.begin(*self.labels("unreached"))

    def nothing(self, s: ast.stmt) -> None:
        pass

    # Expressions

    def value(self, e: ast.expr) -> Operand:
        found: Operand = getattr(self, EXPRESSIONS[e.__class__])(e)
        return found

    def float(self, e: ast.expr) -> str:
        return self.as_type(self.value(e), FLOAT)

    def truth(self, e: ast.expr) -> str:
        found = self.value(e)
        assert found.type == TRUTH, ast.unparse(e)
        return found.text

    def as_type(self, operand: Operand, kind: str) -> str:
        if operand.type == kind:
            return operand.text
        how = {
            (INT, FLOAT): "sitofp i64 {} to double",
            (TRUTH, INT): "zext i1 {} to i64",
            (TRUTH, FLOAT): "uitofp i1 {} to double",
        }[operand.type, kind]
        return self.made(how.format(operand.text))

    def name(self, e: ast.Name) -> Operand:
        if e.id in self.variables:
            kind = self.variables[e.id]
            return Operand(kind, self.get(e.id, kind))
        if e.id in self.inputs:
            place = self.made(f"getelementptr double, ptr %in, i64 {self.inputs[e.id]}")
            return Operand(FLOAT, self.made(f"load double, ptr {place}"))
        return {
            "inf": Operand(FLOAT, number(float("inf"))),
            "tol": Operand(FLOAT, "%tol"),
            "maxiter": Operand(INT, "%maxiter"),
        }[e.id]

    def constant(self, e: ast.Constant) -> Operand:
        if isinstance(e.value, bool):
            return Operand(TRUTH, "true" if e.value else "false")
        if isinstance(e.value, int):
            return Operand(INT, str(e.value))
        assert isinstance(e.value, float)
        return Operand(FLOAT, number(e.value))

    def binary(self, e: ast.BinOp) -> Operand:
        a, b, sign = self.value(e.left), self.value(e.right), SIGNS[e.op.__class__]
        if sign != "div" and FLOAT not in (a.type, b.type):
            x, y = self.as_type(a, INT), self.as_type(b, INT)
            return Operand(INT, self.made(f"{sign} i64 {x}, {y}"))
        x, y = self.as_type(a, FLOAT), self.as_type(b, FLOAT)
        if sign == "div":
            self.unless(self.made(f"fcmp oeq double {y}, 0.0"))
        return Operand(FLOAT, self.made(f"f{sign} double {x}, {y}"))

    def unary(self, e: ast.UnaryOp) -> Operand:
        operand = self.value(e.operand)
        if isinstance(e.op, ast.Not):
            return Operand(TRUTH, self.made(f"xor i1 {self.truth(e.operand)}, true"))
        if operand.type == INT:
            return Operand(INT, self.made(f"sub i64 0, {operand.text}"))
        return Operand(FLOAT, self.made(f"fneg double {operand.text}"))

    def junction(self, e: ast.BoolOp) -> Operand:
        """``a and b``, both computed: neither does anything else."""
        word = "and" if isinstance(e.op, ast.And) else "or"
        found, *others = [self.truth(v) for v in e.values]
        for other in others:
            found = self.made(f"{word} i1 {found}, {other}")
        return Operand(TRUTH, found)

    def comparison(self, e: ast.Compare) -> Operand:
        operands = [self.value(x) for x in (e.left, *e.comparators)]
        found = "true"
        for op, a, b in zip(e.ops, operands, operands[1:], strict=False):
            floats = FLOAT in (a.type, b.type)
            kind = FLOAT if floats else INT
            how = COMPARED[op.__class__][not floats]
            one = self.made(f"{how} {kind} {self.as_type(a, kind)}, {self.as_type(b, kind)}")
            found = self.made(f"and i1 {found}, {one}")
        return Operand(TRUTH, found)

    def call(self, e: ast.Call) -> Operand:
        args = [f"double {self.float(a)}" for a in e.args]
        if _name_of(e) == "abs":
            return Operand(FLOAT, self.made(f"call double @llvm.fabs.f64({args[0]})"))
        assert _name_of(e) == "hypot"
        return Operand(FLOAT, self.norm(args))

    def norm(self, args: Sequence[str]) -> str:
        """The root of a sum of squares, by `hypot` where squares may overflow or vanish."""
        values = [arg.removeprefix("double ") for arg in args]
        total, safe = self.squares(values)
        plain, careful, end = self.labels("plain", "careful", "end")
        self.line(f"br i1 {safe}, label %{plain}, label %{careful}")
        self.begin(plain)
        root = self.made(f"call double @llvm.sqrt.f64(double {total})")
        self.line(f"br label %{end}")
        self.begin(careful)
        found = values[0]
        for other in values[1:]:
            found = self.made(f"call double @hypot(double {found}, double {other})")
        self.line(f"br label %{end}")
        self.begin(end)
        return self.made(f"phi double [{root}, %{plain}], [{found}, %{careful}]")

    def squares(self, values: Sequence[str]) -> tuple[str, str]:
        """A sum of squares, and whether it neither overflows nor vanishes."""
        squares = [self.made(f"fmul double {v}, {v}") for v in values]
        total = squares[0]
        for square in squares[1:]:
            total = self.made(f"fadd double {total}, {square}")
        low = self.made(f"fcmp ogt double {total}, {number(1e-200)}")
        high = self.made(f"fcmp olt double {total}, {number(1e200)}")
        return total, self.made(f"and i1 {low}, {high}")


class Resumable(LoopStatements):
    """The same as a function that stops where formulas are to be computed, and goes on there.

    ``i64 step(i1 fresh, in, out, tol, maxiter, lane, arguments, values)`` gives `ASKS` where it has stored
    arguments; called again, not `fresh`, it reads values. Its variables lie in `lane`; these, arguments and
    values are `apart` from each other.
    """

    def __init__(self, inputs: Sequence[str], formulas: int, apart: int) -> None:
        super().__init__(inputs, formulas)
        self.apart = apart

    def put(self, name: str, kind: str, text: str) -> None:
        if kind == TRUTH:  # in memory all variables have eight bytes
            kind, text = INT, self.made(f"zext i1 {text} to i64")
        super().put(name, kind, text)

    def get(self, name: str, kind: str) -> str:
        if kind != TRUTH:
            return super().get(name, kind)
        return self.made(f"trunc i64 {super().get(name, INT)} to i1")

    def ask(self) -> None:
        self.line(f"ret i64 {ASKS}")
        self.begin("resumed")

    def function(self, tree: ast.Module, name: str) -> str:
        self.body(tree.body)
        self.line("br label %gave_up")
        head = "i1 %fresh, ptr noalias %in, ptr noalias %out, double %tol, i64 %maxiter"
        lane = "ptr noalias %lane, ptr noalias %arguments, ptr noalias %values"
        memory = [
            f"  %{v}.at = getelementptr double, ptr %lane, i64 {k * self.apart}"
            for k, v in enumerate(self.variables)
        ]
        return "\n".join(
            [
                f"define internal i64 @{name}({head}, {lane}) {{",
                "entry:",
                *memory,
                "  br i1 %fresh, label %begin, label %resumed",
                "begin:",
                *self.lines,
                "gave_up:",
                f"  ret i64 {GAVE_UP}",
                "}",
                "",
            ]
        )


def _name_of(e: ast.Call) -> str:
    return _id(e.func)


def _id(e: ast.expr) -> str:
    return e.id if isinstance(e, ast.Name) else ""


# The methods that write them
STATEMENTS: Final[Mapping[type[ast.AST], str]] = {
    ast.Assign: "assign",
    ast.AugAssign: "augmented",
    ast.If: "branch",
    ast.While: "repeat",
    ast.For: "counted",
    ast.Break: "stop",
    ast.Return: "result",
    ast.Pass: "nothing",
}
EXPRESSIONS: Final[Mapping[type[ast.AST], str]] = {
    ast.Name: "name",
    ast.Constant: "constant",
    ast.BinOp: "binary",
    ast.UnaryOp: "unary",
    ast.BoolOp: "junction",
    ast.Compare: "comparison",
    ast.Call: "call",
}
