"""The usual round of a solver's loop as straight-line code, for many problems at once.

A lane whose round is the usual one, from its formulas to the next question, is done by vectorised code:
tests that lead elsewhere are computed, and tell which lanes are left to the function that can do all.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Final

from symgrad.targets.native.kernels import number
from symgrad.targets.native.loop_code import FLOAT, Operand, Resumable

HEAD: Final = """\
define internal void @usual(i64 %lanes, double %tol, i64 %maxiter, ptr noalias %variables,
                            ptr noalias %asked, ptr noalias %got, ptr noalias %done) {
entry:
  br label %one
one:
  %k = phi i64 [0, %entry], [%after, %one]
  %lane = getelementptr double, ptr %variables, i64 %k
  %arguments = getelementptr double, ptr %asked, i64 %k
  %values = getelementptr double, ptr %got, i64 %k"""
TAIL: Final = """\
  %flag = zext i1 {plain} to i64
  %flag.at = getelementptr i64, ptr %done, i64 %k
  store i64 %flag, ptr %flag.at
  %after = add nuw nsw i64 %k, 1
  %more = icmp ult i64 %after, %lanes
  br i1 %more, label %one, label %end
end:
  ret void
}}
"""


class Straight(Resumable):
    """Writes ``void usual(...)`` by the variables of a `Resumable` that was written before."""

    def __init__(self, whole: Resumable) -> None:
        super().__init__(list(whole.inputs), whole.formulas, whole.apart)
        self.variables = whole.variables
        self.places = {v: k for k, v in enumerate(whole.variables)}
        self.known: dict[str, Operand] = {}  # what variables are by now
        self.before: dict[str, Operand] = {}  # and what they were
        self.plain = "true"

    def function(self, tree: ast.Module, name: str = "usual") -> str:
        [loop] = [s for s in tree.body if isinstance(s, (ast.For, ast.While))]
        question, *rest = loop.body
        assert isinstance(question, ast.Assign) and isinstance(question.value, ast.Call)
        self.answered(question.targets[0])
        self.body(rest)
        if isinstance(loop, ast.For):
            self.count_on(loop)
        self.asked(question.value.args)
        self.keep()
        return "\n".join([HEAD, *self.lines, TAIL.format(plain=self.plain)])

    def answered(self, target: ast.expr) -> None:
        names = target.elts if isinstance(target, ast.Tuple) else [target]
        for k, name in enumerate(names):
            place = self.made(f"getelementptr double, ptr %values, i64 {k * self.apart}")
            value = self.made(f"load double, ptr {place}")
            size = self.made(f"call double @llvm.fabs.f64(double {value})")
            self.demand(self.made(f"fcmp olt double {size}, {number(float('inf'))}"))
            self.store(name, Operand(FLOAT, value))

    def asked(self, args: Sequence[ast.expr]) -> None:
        """The arguments of the next formulas; a parameter is there already."""
        for k, arg in enumerate(args):
            if isinstance(arg, ast.Name) and arg.id not in self.variables:
                continue
            place = self.made(f"getelementptr double, ptr %arguments, i64 {k * self.apart}")
            self.line(f"store double {self.float(arg)}, ptr {place}")

    def count_on(self, loop: ast.For) -> None:
        assert isinstance(loop.target, ast.Name) and isinstance(loop.iter, ast.Call)
        one = ast.BinOp(ast.Name(loop.target.id), ast.Add(), ast.Constant(1))
        self.store(loop.target, self.value(one))
        within = ast.Compare(ast.Name(loop.target.id), [ast.Lt()], [loop.iter.args[0]])
        self.demand(self.truth(within))

    def keep(self) -> None:
        """Store what changed in lanes whose round was the usual one."""
        for name, operand in self.known.items():
            old = self.before.get(name) or self.loaded(name)
            if operand != old:
                kind = self.variables[name]
                chosen = f"{kind} {operand.text}, {kind} {old.text}"
                self.put(name, kind, self.made(f"select i1 {self.plain}, {chosen}"))

    def demand(self, test: str) -> None:
        """The round is the usual one only if a test is true."""
        self.plain = self.made(f"and i1 {self.plain}, {test}")

    def unless(self, wrong: str) -> None:
        self.demand(self.made(f"xor i1 {wrong}, true"))

    # Variables

    def loaded(self, name: str) -> Operand:
        kind = self.variables[name]
        found = self.before[name] = Operand(kind, self.get(name, kind))
        return found

    def store(self, target: ast.expr, operand: Operand) -> None:
        assert isinstance(target, ast.Name)
        kind = self.variables[target.id]
        self.known[target.id] = Operand(kind, self.as_type(operand, kind))

    def name(self, e: ast.Name) -> Operand:
        if e.id in self.variables:
            if e.id not in self.known:
                self.known[e.id] = self.before.get(e.id) or self.loaded(e.id)
            return self.known[e.id]
        return super().name(e)

    def pointer(self, name: str) -> str:
        return self.made(f"getelementptr double, ptr %lane, i64 {self.places[name] * self.apart}")

    # Tests

    def branch(self, s: ast.If) -> None:
        test = self.truth(s.test)
        if _stops(s.body):
            self.unless(test)
            self.body(s.orelse)
        elif s.orelse or _may_stop(s.body):  # the way on is in front
            self.demand(test)
            self.body(s.body)
        else:
            self.chosen(test, s.body)

    def chosen(self, test: str, statements: Sequence[ast.stmt]) -> None:
        """Assignments where a test is true."""
        before = dict(self.known)
        self.body(statements)
        for name, operand in list(self.known.items()):
            old = before.get(name) or self.before.get(name) or self.loaded(name)
            if old != operand:
                choice = f"{operand.type} {operand.text}, {old.type} {old.text}"
                chosen = self.made(f"select i1 {test}, {choice}")
                self.known[name] = Operand(operand.type, chosen)

    def norm(self, args: Sequence[str]) -> str:
        values = [arg.removeprefix("double ") for arg in args]
        total, safe = self.squares(values)
        self.demand(safe)
        return self.made(f"call double @llvm.sqrt.f64(double {total})")


def _stops(statements: Sequence[ast.stmt]) -> bool:
    """Whether statements always leave the loop."""
    last = statements[-1]
    if isinstance(last, ast.If):
        return bool(last.orelse) and _stops(last.body) and _stops(last.orelse)
    return isinstance(last, (ast.Return, ast.Break))


def _may_stop(statements: Sequence[ast.stmt]) -> bool:
    stopping = (ast.Return, ast.Break)
    return any(isinstance(node, stopping) for s in statements for node in ast.walk(s))
