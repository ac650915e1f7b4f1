"""Native functions by themselves: a loop around each, for arrays."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from llvmlite import ir

from symgrad.targets.native.engine import compiled
from symgrad.targets.native.functions.number import DOUBLE, FLOAT, PLAIN, Processor
from symgrad.targets.native.functions.table import FUNCTIONS, function_in

INT = ir.IntType(64)
BYTE = ir.IntType(8)
TYPES = {"float64": DOUBLE, "float32": FLOAT}
Loops = dict[str, Callable[..., Any]]


def loops(
    names: Sequence[str], dtype: str = "float64", fast: bool = False,
    processor: Processor = PLAIN,
    whole: bool = True, level: int = 3,
) -> Loops:  # fmt: skip
    """Functions of arrays of one shape, by name; see `function_in` and `compiled` for the options."""
    module, kind = ir.Module(), TYPES[dtype]
    for name in names:
        function = function_in(module, name, kind, fast, processor, whole)
        result = BYTE if FUNCTIONS[name].truth else kind
        loop_around(module, f"loop.{name}", function, [kind] * FUNCTIONS[name].arity, result)
    library = compiled(module, [f"loop.{name}" for name in names], level=level)
    pointers = {
        name: library.function(
            f"loop.{name}", None, *[ctypes.c_void_p] * (FUNCTIONS[name].arity + 1), ctypes.c_int64
        )
        for name in names
    }
    return {name: _call(pointers[name], dtype, FUNCTIONS[name].truth) for name in names}


def _call(function: Callable[..., Any], dtype: str, truth: bool) -> Callable[..., Any]:
    def call(*arrays: Any, out: Any = None) -> Any:
        given = [np.ascontiguousarray(a, dtype) for a in np.broadcast_arrays(*arrays)]
        result = np.empty(given[0].shape, bool if truth else dtype) if out is None else out
        function(*[a.ctypes.data for a in given], result.ctypes.data, result.size)
        return result

    return call


def loop_around(module: Any, name: str, function: Any, given: Sequence[Any], result: Any) -> None:
    """``for i in range(n): out[i] = function(x[i], ...)``."""
    pointers = [kind.as_pointer() for kind in (*given, result)]
    loop = ir.Function(module, ir.FunctionType(ir.VoidType(), [*pointers, INT]), name)
    for pointer in loop.args[:-1]:
        pointer.add_attribute("noalias")
    *inputs, out, n = loop.args
    test, body, end = [loop.append_basic_block(word) for word in ("test", "body", "end")]
    builder = ir.IRBuilder(test)
    i = builder.phi(INT)
    builder.cbranch(builder.icmp_signed("<", i, n), body, end)
    builder.position_at_end(body)
    value = builder.call(function, [builder.load(builder.gep(x, [i])) for x in inputs])
    value = builder.zext(value, result) if result is BYTE else value
    builder.store(value, builder.gep(out, [i]))
    after = builder.add(i, INT(1))
    builder.branch(test)
    builder.position_at_end(end)
    builder.ret_void()
    i.add_incoming(after, body)
    entry = loop.insert_basic_block(0, "entry")
    ir.IRBuilder(entry).branch(test)
    i.add_incoming(INT(0), entry)
