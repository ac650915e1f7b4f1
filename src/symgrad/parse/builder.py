"""From Python's tree of a formula to an expression, by a list of what is allowed."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from fractions import Fraction
from functools import reduce
from itertools import pairwise
from math import isinf
from typing import Any, Final

from symgrad.errors import ParseError, SymgradError
from symgrad.expr.leaves import number, symbol, value_of
from symgrad.expr.node import Expr
from symgrad.expr.numbers import is_exact
from symgrad.ops.applied import UndefinedFunction
from symgrad.ops.arithmetic import POW
from symgrad.ops.select import where
from symgrad.ops.ufuncs import logical_and, logical_not, logical_or
from symgrad.parse.functions import (
    ARRAY_ATTRIBUTES,
    ARRAY_FUNCTIONS,
    NUMBERS,
    PRIMED,
    SCALAR_FUNCTIONS,
    SYMBOLS_TOO,
    Function,
    derivative_of,
)

PRIME: Final = "\N{MODIFIER LETTER PRIME}"  # may stand in a name of Python, as ' may not
MAX_BITS: Final = 13_000  # of an exact number; Python prints integers of up to 4,300 digits

BINARY: Final[dict[type[ast.operator], Callable[[Any, Any], Expr]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
    ast.MatMult: operator.matmul,
}
UNARY: Final[dict[type[ast.unaryop], Callable[[Any], Expr]]] = {
    ast.UAdd: operator.pos,
    ast.USub: operator.neg,
    ast.Not: logical_not,
}
COMPARISONS: Final[dict[type[ast.cmpop], Callable[[Any, Any], Any]]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
LOGICAL: Final[dict[type[ast.boolop], Callable[[Any, Any], Expr]]] = {
    ast.And: logical_and,
    ast.Or: logical_or,
}
_GIVE_ARRAYS: Final = "give the arrays of the formula as `symbols`"
_MODULES: Final = {"math", "np", "numpy", "scipy", "sg", "sp", "symgrad", "sympy"}


class Builder:
    """Builds the expression of one text.

    Parameters
    ----------
    text : str
        The text; the columns of the tree are those of its UTF-8 bytes, plus one.
    symbols : dict from str to Expr
        What names stand for; other names become scalar symbols.
    called : dict from str to function
        Functions beside those that every text may call.
    """

    def __init__(self, text: str, symbols: dict[str, Expr], called: dict[str, Any]) -> None:
        self.text = text
        self.bytes = text.encode()
        self.symbols = symbols
        self.arrays = any(s.shape for s in symbols.values())
        self.functions = SCALAR_FUNCTIONS | (ARRAY_FUNCTIONS if self.arrays else {})
        self.functions |= {name: _as_function(f) for name, f in called.items()}
        self.called = called

    def build(self, root: ast.expr) -> Expr:
        """The expression of a tree, operands first, without recursion."""
        values: list[Expr] = []
        stack: list[tuple[ast.expr, int | None]] = [(root, None)]
        while stack:
            node, count = stack.pop()
            if count is None:
                operands = self._operands(node)
                stack.append((node, len(operands)))
                stack.extend([(operand, None) for operand in reversed(operands)])
            else:
                first = len(values) - count
                values[first:] = [self._value(node, values[first:])]
        return values[0]

    # Places

    def _offset(self, column: int) -> int:
        """The index into the text of a column of the tree."""
        return len(self.bytes[: column - 1].decode())

    def _error(self, node: ast.expr, reason: str) -> ParseError:
        column = node.col_offset
        if isinstance(node, ast.BinOp):  # the operator, which is all between its operands but ")"
            between = self.bytes[(node.left.end_col_offset or 1) - 1 :]
            column = (node.left.end_col_offset or 1) + len(between) - len(between.lstrip(b" )"))
        return ParseError(reason, self.text, self._offset(column))

    def _word(self, node: ast.expr) -> str:
        """The text of a node as it was written; Python's tree holds names in normal form."""
        return self.bytes[node.col_offset - 1 : (node.end_col_offset or 1) - 1].decode()

    # What is allowed

    def _operands(self, node: ast.expr) -> Sequence[ast.expr]:
        """The operands of a node, after a check that it is of a kind that a formula may hold."""
        match node:
            case ast.Constant() | ast.Name():
                return ()
            case ast.BinOp(left=left, op=op, right=right) if type(op) in BINARY:
                return left, right
            case ast.UnaryOp(op=op, operand=operand) if type(op) in UNARY:
                return (operand,)
            case ast.Compare(left=left, ops=ops, comparators=rest) if all(
                type(op) in COMPARISONS for op in ops
            ):
                return left, *rest
            case ast.BoolOp(values=values):
                return values
            case ast.IfExp(test=test, body=body, orelse=orelse):
                return test, body, orelse
            case ast.Call(args=args):
                self._check_call(node)
                return args
            case ast.Attribute(value=value):
                self._check_attribute(node)
                return (value,)
            case ast.Subscript(value=value):
                if not self.arrays:
                    raise self._error(node, f"only arrays have entries; {_GIVE_ARRAYS}")
                return (value,)
        raise self._error(node, f"{_kind(node)} has no place in a formula")

    def _value(self, node: ast.expr, operands: list[Expr]) -> Expr:
        """The expression of a node, given those of its operands."""
        try:
            value = self._apply(node, operands)
        except OverflowError:
            raise self._error(node, "a number beyond the range of floats") from None
        except ParseError:
            raise
        except SymgradError as error:
            raise self._error(node, str(error)) from error
        if _is_huge(value):
            raise self._error(node, "an exact number beyond the range of floats")
        return value

    def _apply(self, node: ast.expr, operands: list[Expr]) -> Expr:
        match node:
            case ast.Constant():
                return self._constant(node)
            case ast.Name():
                return self._name(node)
            case ast.BinOp(op=op):
                return BINARY[type(op)](*operands)
            case ast.UnaryOp(op=op):
                return UNARY[type(op)](*operands)
            case ast.Compare(ops=ops):  # a < b < c is (a < b) and (b < c)
                pairs = zip(ops, pairwise(operands), strict=True)
                terms: list[Expr] = [COMPARISONS[type(op)](a, b) for op, (a, b) in pairs]
                return reduce(logical_and, terms)
            case ast.BoolOp(op=op):
                return reduce(LOGICAL[type(op)], operands)
            case ast.IfExp():
                return where(*operands)
            case ast.Call(func=func, keywords=keywords):
                options = {str(k.arg): self._static(k.value) for k in keywords}
                return self._function(func).call(*operands, **options)
            case ast.Attribute(attr=attr):
                return ARRAY_ATTRIBUTES[attr](*operands)
            case ast.Subscript(slice=key):
                entry: Expr = operands[0][self._index(key)]
                return entry
        raise AssertionError(f"no rule for {node}")

    # Leaves

    def _constant(self, node: ast.Constant) -> Expr:
        value = node.value
        if not isinstance(value, (int, float)):
            raise self._error(node, f"{self._word(node)} is no number")
        if isinstance(value, float) and isinf(value):
            raise self._error(node, f"{self._word(node)} is beyond the range of a float; write inf")
        return number(value)

    def _name(self, node: ast.Name) -> Expr:
        name = self._word(node)
        if name in self.symbols:
            return self.symbols[name]
        if name in NUMBERS:
            return NUMBERS[name]
        if name in self.functions and name not in SYMBOLS_TOO:
            raise self._error(node, f"{name} is a function and needs its operands: {name}(...)")
        return symbol(name)

    # Calls

    def _check_call(self, node: ast.Call) -> None:
        """Make sure that a call is one of a known function, with operands and options it takes."""
        func = node.func
        if isinstance(func, ast.Attribute):
            self._check_attribute(func)
        self._check_operands(node, self._word(func), self._function(func))

    def _function(self, func: ast.expr) -> Function:
        """What is called: a name, or the derivative of an undefined function."""
        derivative = self._derivative(func)
        if derivative is not None:
            return derivative
        if not isinstance(func, ast.Name):
            raise self._error(func, "only functions can be called; write * to multiply")
        name = self._word(func)
        if name not in self.functions or name in self.symbols:
            raise self._error(func, self._unknown(name))
        return self.functions[name]

    def _derivative(self, func: ast.expr) -> Function | None:
        """``f''`` and ``f.derivative(1, 0)``, of an undefined function f; ``erfcx''``."""
        match func:
            case ast.Name():
                name = self._word(func).rstrip(PRIME)
                orders = [len(self._word(func)) - len(name)]
            case ast.Call(
                func=ast.Attribute(value=ast.Name() as owner, attr="derivative"), args=args
            ):
                name, orders = self._word(owner), [self._entry(arg) for arg in args]
            case _:
                return None
        f = self.called.get(name)
        if f is None and name in PRIMED - self.symbols.keys() and isinstance(func, ast.Name):
            return derivative_of(name, orders[0]) if orders[0] else None
        if not isinstance(f, UndefinedFunction) or not orders or name in self.symbols:
            return None
        call = f.derivative(*orders) if any(orders) else f
        return Function(call, *((1, None) if call is f else (len(orders), len(orders))))

    def _check_operands(self, node: ast.Call, name: str, function: Function) -> None:
        count, most = len(node.args), function.most
        if count < function.least or (most is not None and count > most):
            reason = f"{name} takes {function.takes()}, got {count}"
            raise self._error(node.args[most] if most and count > most else node, reason)
        for option in node.keywords:
            if option.arg not in function.options or not self.arrays:
                known = ", ".join(function.options) if self.arrays else ""
                note = f"; known: {known}" if known else ""
                reason = f"{name} has no option {option.arg!r}{note}"
                raise ParseError(reason, self.text, self._offset(option.col_offset))

    def _unknown(self, name: str) -> str:
        if name in self.symbols or len(name) == 1:
            return f"{name} is a symbol, no function; write {name}*(...) to multiply"
        if name in ARRAY_FUNCTIONS:
            return f"{name} is a function of arrays; {_GIVE_ARRAYS}"
        close = get_close_matches(name, self.functions, n=3)
        hint = f"did you mean {' or '.join(close)}?" if close else f"write {name}*(...) to multiply"
        return f"unknown function {name!r}; {hint}"

    def _check_attribute(self, node: ast.Attribute) -> None:
        owner = node.value
        if isinstance(owner, ast.Name) and owner.id in _MODULES and owner.id not in self.symbols:
            raise self._error(node, f"write {node.attr} without {owner.id}.")
        if node.attr not in ARRAY_ATTRIBUTES or not self.arrays:
            known = "the only attribute is .T" if self.arrays else "a formula has no attributes"
            raise self._error(node, f".{node.attr} has no place in a formula; {known}")

    # Options and indices: ints, bools, None, Ellipsis, slices and tuples of them

    def _static(self, node: ast.expr) -> Any:
        if isinstance(node, ast.Tuple):
            return tuple([self._entry(item) for item in node.elts])
        return self._entry(node)

    def _entry(self, node: ast.expr) -> Any:
        match node:
            case ast.Constant(value=bool() | int() | None as value):
                return value
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() as value)):
                return -value
        raise self._error(node, "expected an integer here")

    def _index(self, node: ast.expr) -> Any:
        items = node.elts if isinstance(node, ast.Tuple) else [node]
        key = tuple([self._index_entry(item) for item in items])
        return key if isinstance(node, ast.Tuple) else key[0]

    def _index_entry(self, node: ast.expr) -> Any:
        match node:
            case ast.Constant(value=value) if value is Ellipsis:
                return Ellipsis
            case ast.Slice(lower=lower, upper=upper, step=step):
                return slice(*[None if p is None else self._entry(p) for p in (lower, upper, step)])
        return self._entry(node)


def _as_function(f: Any) -> Function:
    return (
        Function(f, 1, None) if isinstance(f, UndefinedFunction) else Function(f, f.arity, f.arity)
    )


def _is_huge(node: Expr) -> bool:
    """Whether a node holds an exact number, or is a power of two, that no float can hold."""
    values = [value_of(part) for part in (node, *node.args[:2])]
    if node.op is POW and is_exact(values[1]) and is_exact(values[2]) and values[1] != 0:
        return _overflows(lambda: abs(float(values[1])) ** float(values[2]))
    return any(is_exact(v) and (_bits(v) > MAX_BITS or _overflows(v.__float__)) for v in values)


def _bits(value: int | Fraction) -> int:
    return max(value.numerator.bit_length(), value.denominator.bit_length())


def _overflows(compute: Callable[[], float]) -> bool:
    try:
        compute()
    except OverflowError:
        return True
    return False


def _kind(node: ast.expr) -> str:
    kinds = {
        ast.Tuple: "a list of formulas",
        ast.Starred: "a starred operand",
        ast.GeneratorExp: "a loop",
        ast.Slice: "a slice",
    }
    return kinds.get(type(node), f"a {type(node).__name__}")
