"""Modules of LLVM become functions at addresses, which live as long as who holds them."""

import ctypes
import gc
import subprocess
import sys

import pytest

from symgrad.errors import NativeError
from symgrad.targets.native import engine

TWICE = "define double @f(double %x) {\n  %y = fadd double %x, %x\n  ret double %y\n}\n"
CALLS = """
declare double @other(double)
define double @f(double %x) {
  %y = call double @other(double %x)
  ret double %y
}
"""
D = ctypes.c_double


def test_the_machine_is_known():
    host = engine.machine()
    assert host.triple
    assert host.cpu
    assert host.doubles in (2, 4, 8)


@pytest.mark.parametrize("level", range(4))
def test_a_module_becomes_a_function(level):
    assert engine.compiled(TWICE, ["f"], level=level).function("f", D, D)(1.5) == 3.0


def test_long_modules_are_optimised_lightly():
    assert engine.level_for(10) > engine.level_for(10**5)


def test_functions_are_called_by_address_or_of_the_c_library():
    other = ctypes.CFUNCTYPE(D, D)(lambda x: x + 0.25)
    address = ctypes.cast(other, ctypes.c_void_p).value
    assert engine.compiled(CALLS, ["f"], {"other": address}).function("f", D, D)(1.0) == 1.25
    cosine = engine.math_symbol("cos")
    assert engine.compiled(CALLS, ["f"], {"other": cosine}).function("f", D, D)(0.0) == 1.0
    assert engine.math_symbol("no_such_function") is None
    assert engine.python_symbol("PyFloat_FromDouble")


def test_a_function_keeps_its_library():
    functions = [engine.compiled(TWICE, ["f"]).function("f", D, D) for _ in range(3)]
    gc.collect()
    assert [f(2.0) for f in functions] == [4.0] * 3


def test_what_is_wrong_is_said(capfd):
    with pytest.raises(NativeError, match="not valid"):
        engine.object_code("define nonsense")
    with pytest.raises(NativeError, match="linked"):
        engine.compiled(CALLS, ["f"])
    with pytest.raises(NativeError, match="linked"):
        engine.compiled(TWICE, ["g"])
    assert capfd.readouterr().err == ""


def test_without_llvmlite_the_error_names_the_extra():
    code = (
        "import sys; sys.modules['llvmlite'] = None\n"
        "from symgrad.targets.native import engine\n"
        "try:\n    engine.binding()\nexcept RuntimeError as error:\n    print(error)\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "pip install 'symgrad[native]'" in run.stdout
