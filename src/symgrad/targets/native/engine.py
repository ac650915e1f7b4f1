"""From LLVM's intermediate code to functions at addresses: optimised, compiled, linked, and kept alive.

A module goes through two steps, so that the first can be kept on disk: `object_code` gives bytes of
machine code, `load` puts them into memory. What it gives, a `Library`, owns that memory: whoever calls a
function in it holds the library.
"""

from __future__ import annotations

import ctypes
import ctypes.util
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import count
from threading import RLock
from typing import Any, Final

from symgrad.errors import NativeError
from symgrad.targets.native.object_cache import kept

LONG: Final = (
    400  # instructions from which optimisation is light: the passes behind it take most of the time
)
# LLVM's passes and its memory of targets are for one thread at a time
_LOCK: Final = RLock()
_NUMBERS: Final = count()


@dataclass(frozen=True)
class Machine:
    """The processor that code is made for.

    Attributes
    ----------
    triple : str
        Architecture, vendor and system, as LLVM names them.
    cpu : str
        The processor, as LLVM names it.
    features : str
        Its sets of instructions, such as ``"+avx2,-avx512f"``.
    """

    triple: str
    cpu: str
    features: str

    @cached_property
    def doubles(self) -> int:
        """How many floats of 64 bits a vector register holds."""
        known = self.features.split(",")
        return 8 if "+avx512f" in known else 4 if "+avx" in known else 2


class Library:
    """Functions in memory, for as long as this object lives."""

    __slots__ = ("_tracker",)

    def __init__(self, tracker: Any) -> None:
        self._tracker = tracker

    def address(self, name: str) -> int:
        """Where an exported function is."""
        return int(self._tracker[name])

    def function(self, name: str, result: Any, *arguments: Any) -> Callable[..., Any]:
        """An exported function for ctypes, which releases the lock of the interpreter in calls."""
        made = ctypes.CFUNCTYPE(result, *arguments)(self.address(name))
        made.library = self  # type: ignore[attr-defined]  # what it runs must live
        return made


@cache
def binding() -> Any:
    """llvmlite's binding, ready for this machine.

    Raises
    ------
    NativeError
        If llvmlite is not there, or does not know the machine.
    """
    try:
        import llvmlite.binding as llvm  # noqa: PLC0415 (an extra)
    except ImportError:
        raise NativeError(
            "native code needs llvmlite: install the extra, pip install 'symgrad[native]', or leave out"
            " backend='native'"
        ) from None
    try:
        llvm.initialize_native_target()
        llvm.initialize_native_asmprinter()
        llvm.Target.from_triple(llvm.get_process_triple())
    except RuntimeError as error:
        raise NativeError(
            f"LLVM makes no code for this machine ({error}); leave out backend='native'"
        ) from None
    return llvm


@cache
def machine() -> Machine:
    """The processor at hand."""
    llvm = binding()
    try:
        features = llvm.get_host_cpu_features().flatten()
    except RuntimeError:  # unknown to LLVM on this system; the processor's name tells of most
        features = ""
    return Machine(llvm.get_process_triple(), llvm.get_host_cpu_name(), features)


def level_for(length: int) -> int:
    """The level of optimisation for so many instructions."""
    return 3 if length < LONG else 1


def object_code(module: Any, level: int = 3) -> bytes:
    """Machine code of a module, an `llvmlite.ir.Module` or its text, as an object file.

    It comes from disk where `native_cache` keeps it.

    Parameters
    ----------
    module : llvmlite.ir.Module or str
    level : int
        Of optimisation, from 0 to 3; `level_for` chooses one by length. Loops are vectorised from 2 on.

    Raises
    ------
    NativeError
        If the text is no valid module; a defect of what printed it.
    """
    text, host = str(module), machine()
    versions = (f"llvmlite {_version()}", f"LLVM {binding().llvm_version_info}", f"level {level}")
    key = (host.triple, host.cpu, host.features, *versions, text)
    return kept(key, lambda: _made(text, level))


@cache
def _version() -> str:
    import llvmlite  # noqa: PLC0415 (an extra)

    return str(llvmlite.__version__)


def _made(text: str, level: int) -> bytes:
    llvm = binding()
    with _LOCK:
        target = _target_machine(level)
        context = llvm.create_context()
        try:
            parsed = llvm.parse_assembly(text, context)
            parsed.triple = machine().triple
            parsed.data_layout = str(target.target_data)
            parsed.verify()
        except RuntimeError as error:
            raise NativeError(f"the module is not valid: {error}") from None
        options = llvm.create_pipeline_tuning_options(speed_level=level)
        options.loop_vectorization = options.slp_vectorization = level > 1
        options.loop_unrolling = options.loop_interleaving = level > 1
        builder = llvm.create_pass_builder(target, options)
        builder.getModulePassManager().run(parsed, builder)
        return bytes(target.emit_object(parsed))


@cache
def _target_machine(level: int) -> Any:
    llvm, host = binding(), machine()
    return llvm.Target.from_triple(host.triple).create_target_machine(
        cpu=host.cpu, features=host.features, opt=min(level, 2), reloc="pic", codemodel="jitdefault"
    )


@cache
def _linker() -> Any:
    return binding().create_lljit_compiler(_target_machine(2), suppress_errors=True)


def load(code: bytes, exports: Iterable[str], symbols: Mapping[str, int] | None = None) -> Library:
    """Object code in memory, ready to be called.

    Parameters
    ----------
    code : bytes
        What `object_code` gave.
    exports : iterable of str
        The functions that are asked for by address.
    symbols : mapping, optional
        The addresses of functions that it calls, by name, beside those of the C library.

    Raises
    ------
    NativeError
        If a function that it calls is nowhere.
    """
    with _LOCK:
        linked = binding().JITLibraryBuilder().add_object_img(code).add_current_process()
        for name, address in (symbols or {}).items():
            linked.import_symbol(name, address)
        for name in exports:
            linked.export_symbol(name)
        try:
            return Library(linked.link(_linker(), f"symgrad{next(_NUMBERS)}"))
        except RuntimeError as error:
            raise NativeError(f"machine code could not be linked: {error}") from None


def compiled(
    module: Any,
    exports: Iterable[str],
    symbols: Mapping[str, int] | None = None,
    level: int = 3,
) -> Library:
    """A module as a library in memory: `object_code`, then `load`."""
    return load(object_code(module, level), exports, symbols)


def python_symbol(name: str) -> int:
    """The address of a function of Python's C API."""
    return _address(ctypes.pythonapi, name)


@cache
def _libm() -> Any:
    return ctypes.CDLL(ctypes.util.find_library("m") or ctypes.util.find_library("msvcrt"))


def math_symbol(name: str) -> int | None:
    """The address of a function of the C library for mathematics; None where it is not there."""
    try:
        return _address(_libm(), name)
    except AttributeError:
        return None


def _address(library: Any, name: str) -> int:
    return int(ctypes.cast(getattr(library, name), ctypes.c_void_p).value or 0)
