"""A loop around a native function runs on vectors: none of its code stops LLVM's vectoriser."""

import pytest
from benchmarks.functions.loops import loop_around
from llvmlite import ir

from symgrad.compile.native_plans import processor
from symgrad.targets.native import engine
from symgrad.targets.native.functions.number import DOUBLE
from symgrad.targets.native.functions.table import FUNCTIONS, function_in


@pytest.mark.parametrize("name", [n for n, f in FUNCTIONS.items() if f.ulps])
def test_vectorised(name):
    llvm = engine.binding()
    module = ir.Module()
    function = function_in(module, name, processor=processor(), whole=False)
    loop_around(module, "loop", function, [DOUBLE] * FUNCTIONS[name].arity, DOUBLE)
    parsed = llvm.parse_assembly(str(module), llvm.create_context())
    target = engine._target_machine(2)
    options = llvm.create_pipeline_tuning_options(speed_level=3)
    options.loop_vectorization = True
    builder = llvm.create_pass_builder(target, options)
    builder.getModulePassManager().run(parsed, builder)
    text = str(parsed)
    assert " x double>" in text
    assert "call double @symgrad" not in text
