"""`CompiledFunction`: generated source, the functions made of it, and how they are called."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from symgrad.calls import checked
from symgrad.compile import blocked
from symgrad.compile.arguments import FLOAT, MISSING, NUMBERS, Parameter, Signature, has_dask
from symgrad.compile.blas import ONE_THREAD, work_function
from symgrad.compile.blocked import LargeArrays
from symgrad.compile.c_code import c_code, save_c
from symgrad.compile.columns import Batches, Columns, on_columns
from symgrad.compile.destination import Destination
from symgrad.compile.documented import Documented
from symgrad.compile.execute import execute
from symgrad.compile.explain import explain
from symgrad.compile.native import (
    MAKING,
    Builtin,
    Native,
    native_function,
    native_of,
    native_of_entries,
)
from symgrad.compile.pipeline import Code, Draft, Options, write
from symgrad.compile.plain_function import Wrapped, plain_function, show_lines
from symgrad.expr.node import Expr
from symgrad.expr.pickling import flatten
from symgrad.expr.pytrees import Nest, rebuild_nest
from symgrad.functions.callables import check_saved
from symgrad.ops.table import unpickle_all
from symgrad.print.coloured import coloured
from symgrad.program.ir import Program
from symgrad.targets.data import standing_alone
from symgrad.targets.native.called_types import ENTRY, called_by_address
from symgrad.targets.native.calls import obstacle
from symgrad.targets.numpy_source import docstring

if TYPE_CHECKING:
    from symgrad.compile.native_batches import OneShape
    from symgrad.targets.native.array_calls import ArrayCall

MAX_SIZED: Final = 16  # orders of magnitude for which a function keeps code of its own


class CompiledFunction:
    """A compiled function of its arguments; made by `lambdify`.

    Called with Python floats, a function of scalars runs code on floats and returns floats, with inf
    and nan where IEEE arithmetic has them. Called with arrays it runs NumPy code; scalar arguments
    broadcast against each other, and every output has the broadcast shape. Large arrays are computed in
    blocks that fit the cache, in place and on several threads. From the second call on, or once
    calls have lost as much as it takes to write it, small arrays of known shapes run code on floats for
    their entries, and batches of small problems code on columns.
    Outputs never share memory with arguments. Calls from several threads at once are safe.

    With ``out=``, an array or a nest of arrays in the form of the outputs, results are written there.

    Attributes
    ----------
    source : str
        The NumPy code, a module with one function.
    scalar_source : str or None
        The code on Python floats, where there is one: for floats, or for small arrays of known shapes.
    args : tuple of Expr
        The symbols, in the order of the arguments.
    outputs : Expr or nest of Expr
        What is computed.

    Examples
    --------
    >>> import symgrad as sg
    >>> x = sg.symbol("x")
    >>> f = sg.lambdify(x, [x**2, sg.diff(x**2, x)])
    >>> print(f(3.0))
    [9.0, 6.0]
    """

    __doc__ = Documented(__doc__, lambda function: function._code.doc)
    __wrapped__ = Wrapped()
    __slots__ = (
        "__call__",
        "__dict__",  # for the signature of each function
        "__name__",
        "__weakref__",
        "_builtin",
        "_calls",
        "_code",
        "_columns",
        "_draft",
        "_in_one_thread",
        "_large",
        "_large_from",
        "_leaves",
        "_native",
        "_nest",
        "_on_floats",
        "_one_shape",
        "_options",
        "_python",
        "_run",
        "_signature",
        "_sized",
        "args",
    )

    def __init__(
        self,
        args: tuple[Expr, ...],
        leaves: tuple[Expr, ...],
        nest: Nest,
        signature: Signature,
        code: Code,
        options: Options,
        draft: Draft | None = None,
    ) -> None:
        self._draft = draft or Draft(args, leaves, options)
        self.args = args
        self._leaves = leaves
        self._nest = nest
        self._signature = signature
        self._code = code
        self._options = options
        self._run: Callable[..., Any] | None = None
        self._calls = 0  # until the code on entries is worth its writing
        self._native: Native | None = None
        self._builtin: Builtin | None = None
        self._python: Callable[..., Any] | None = None
        self._on_floats: Callable[..., Any] | None = None  # once it has been made
        self._large: LargeArrays | None = None
        self._one_shape = self._native_arrays() if options.native and signature.floats else None
        self._large_from = 0  # what `_least` is, once that was asked for
        self._columns = None if signature.batched else Batches(args, self._by_columns)
        self._sized: dict[tuple[int, ...], CompiledFunction] = {}
        names = [p.identifier for p in signature.parameters]
        self._in_one_thread = work_function(names, code.products, options.threads)
        self.__name__ = options.name
        self.__signature__ = _shown(signature)
        self.__call__ = self._first_call if code.has_scalar or options.native else self._call_named

    @property
    def outputs(self) -> Any:
        """What is computed, in the form in which it was given."""
        return rebuild_nest(self._nest, self._leaves)

    @property
    def source(self) -> str:
        """The NumPy code, a module with one function."""
        return standing_alone(self._code.source, self._code.arrays)

    @property
    def scalar_source(self) -> str | None:
        """The code on Python floats, for scalars or the entries of small arrays; None without one."""
        return self._code.scalar

    @property
    def python_function(self) -> Callable[..., Any]:
        """A plain function of Python that computes the same, without checks: for compilers such as Numba's.

        Of scalars it is code on floats with the functions of `math`, which raises where IEEE arithmetic
        has inf or nan; else it is the NumPy code. `inspect.getsource` shows its lines, also those of this
        function.

        Examples
        --------
        >>> import symgrad as sg
        >>> x, y = sg.symbols("x y")
        >>> g = sg.lambdify([x, y], x * sg.sin(y)).python_function
        >>> g(2.0, 0.0)
        0.0
        """
        if self._python is None:
            self._python = plain_function(self._draft, self._code, self._nest)
        show_lines(self._python)
        return self._python

    @property
    def large_source(self) -> str | None:
        """The code that runs for large arrays of one shape, or None where there is none."""
        found = self._larger().whole()
        return None if found is None else found.text()

    @property
    def c_source(self) -> str:
        """The function in C99, which needs C's library only: scalars by value, arrays by pointer.

        A single number is returned; other outputs go to a pointer each, in their order. A function of
        scalars has a twin for arrays of points, whose name ends with ``_many``. Extents that have names
        come first, as numbers; where there are intermediate arrays, their memory comes last, of as many
        doubles as a function tells whose name ends with ``_workspace``.

        Raises
        ------
        ArgumentError
            For functions that C's library lacks, decompositions, and arrays of truth values.
        """
        return c_code(self._draft, self._code.doc).source

    @checked
    def save(self, path: Any) -> None:
        """Write the NumPy code as a module to `path`, which holds one function; or C, by the ending.

        To a path that ends with ``.c`` goes what `c_source` is, with a header beside it.

        The function has the name given to `lambdify`, ``f`` unless one was given, and takes what this one
        takes, but for ``out=``. The module imports NumPy, and SciPy or other modules only where the code
        calls them. A file that is there is written over.

        Parameters
        ----------
        path : str or path
            Such as ``"model.py"``, for ``from model import f``.

        Raises
        ------
        ArgumentError
            If the code calls what cannot be imported, such as a lambda given for a function.
        """
        if Path(path).suffix == ".c":
            save_c(c_code(self._draft, self._code.doc), path)
            return
        check_saved(self.source)
        Path(path).write_text(self._as_module(), encoding="utf-8")

    def _as_module(self) -> str:
        """The code with what it is, and how it was made, in front, and with what it imports alone."""
        called = f"{self.__name__}({', '.join(p.name for p in self._signature.parameters)})"
        needed = "NumPy and SciPy" if "scipy" in self.source else "NumPy"
        made = f"Made by symgrad {version('symgrad')}; it needs {needed}."
        head = docstring(f"The function `{called}`; its docstring has the formulas.\n\n{made}")
        source = self.source
        if not re.search(r"\bnp\.", source):
            source = source.replace("import numpy as np\n", "", 1).lstrip("\n")
        return "\n".join([*head, "", source])

    def parts(self) -> tuple[tuple[Expr, ...], tuple[Expr, ...], Nest]:
        """The symbols, the formulas, and the form of the outputs around these."""
        return self.args, self._leaves, self._nest

    # Calling

    def _first_call(self, /, *args: Any, out: Any = None, **kwargs: Any) -> Any:
        """Calls until the code on floats is needed, which takes them from then on."""
        if kwargs or out is not None:
            return self._call_named(*args, out=out, **kwargs)
        if self._one_shape is not None and (found := self._one_shape.find(args)) is not None:
            return found
        if all(a.__class__ is float for a in args) and self._of_floats():
            return self._compiled_on_floats()(*args)
        small = self._signature.small(args, self._large_from or self._least)
        if small is not None:
            return (self._run or self._plain())(*small)
        floats = self._signature.as_floats(args) if self._of_floats() else None
        if floats is not None:
            return self._compiled_on_floats()(*floats)
        if not (self._floats(args) or self._signature.exact(args)):
            return self._checked(args)
        if not self._of_floats():
            self._calls += 1
            if self._calls < self._code.worth_after:
                return self._checked(args)
        return self._compiled_on_floats()(*args)

    def _compiled_on_floats(self) -> Callable[..., Any]:
        """The function that runs from now on: the code on floats, where it pays, before all other."""
        if self._on_floats is not None:
            return self._on_floats
        native = self._as_native()
        source = None if native.steps is not None else self._code.scalar
        if native.steps is not None:
            with MAKING:  # once: what runs in other threads must not be replaced under them
                if self._builtin is None:
                    made = native_function(native, self._nest, self.__name__, self._call_named)
                    self._builtin = made
                    self.__call__ = made.function
                    setattr(self, ENTRY, made.entry)
                    if self._one_shape is not None and self._one_shape.call is not None:
                        self._arrays_follow(self._one_shape.call)
        elif source is None:
            self.__call__ = self._call_named
        else:
            known = {
                "_general": self._call_named,
                "_missing": MISSING,
                "_double": FLOAT,
                "_numbers": NUMBERS,
            }
            self.__call__ = execute(source, self.__name__, known)
        self._on_floats = self.__call__
        return self.__call__

    def _of_floats(self) -> bool:
        """Whether there is code on floats that gives floats."""
        if self._code.of_floats:
            return True
        return self._signature.floats and self._as_native().steps is not None

    def _gives_floats(self) -> bool:
        """Whether outputs are Python's numbers where arguments are: those of a function of scalars."""
        return self._of_floats() or (
            self._signature.batched
            and all(
                p.dtype.itemsize == 8 or p.dtype.kind == "b" for p in self._signature.parameters
            )
        )

    def _as_native(self) -> Native:
        """The native code, found when it is first asked for."""
        if self._native is None:
            if self._options.native and self._signature.floats:
                self._native = native_of(self._draft.lowered())
            elif self._options.native and not self._signature.batched:
                self._native = native_of_entries(self._draft)
            else:
                self._native = Native(None, "arguments that are not all floats of 64 bits")
        return self._native

    def _native_arrays(self) -> OneShape | None:
        """The native code on arrays of one shape, where all arguments are scalars."""
        if not self._signature.batched:
            return None
        from symgrad.compile.native_batches import OneShape  # noqa: PLC0415 (an extra)

        lowered = self._draft.of_large_arrays
        return OneShape(lowered, self._nest, self._options, self._past_arrays, self._arrays_follow)

    def _arrays_follow(self, call: ArrayCall) -> None:
        """Have calls with arrays run by machine code: behind that for floats, where there is some."""
        with MAKING:
            if self._builtin is not None:
                self._builtin.owned.ask_first(call.entry, call)
            elif self._on_floats is None:
                self.__call__ = call.function
                setattr(self, ENTRY, call.entry)

    def _past_arrays(self, /, *args: Any, **kwargs: Any) -> Any:
        """What the machine code for arrays hands on."""
        if self._on_floats is None:
            return self._first_call(*args, **kwargs)
        return self._call_named(*args, **kwargs)

    @staticmethod
    def _floats(args: Sequence[Any]) -> bool:
        return all(a.__class__ is float or a.__class__ is int for a in args)

    def _call_named(self, /, *args: Any, out: Any = None, **kwargs: Any) -> Any:
        if out is not None and "out" in self._signature.places:  # a symbol of this name
            kwargs["out"], out = out, None
        if not kwargs:
            return self._call(*args, out=out)
        values = self._signature.ordered(args, kwargs)
        return self.__call__(*values) if out is None else self._call(*values, out=out)

    def _call(self, *args: Any, out: Any = None) -> Any:
        """The general path: small arrays at once, everything else with checks."""
        if self._one_shape is not None and out is None:
            found = self._one_shape.find(args)
            if found is not None:
                return found
        small = self._signature.small(args, self._large_from or self._least)
        if small is not None:
            result = (self._run or self._plain())(*small)
            return result if out is None else Destination(self._nest, out).store(result)
        if out is None and self._of_floats():
            floats = self._signature.as_floats(args)
            if floats is not None:
                return self._compiled_on_floats()(*floats)
        return self._checked(args, out)

    def _checked(self, args: Sequence[Any], out: Any = None) -> Any:
        """Check the arguments, then run the plain code, or that for large arrays."""
        if has_dask(args):
            from symgrad.interop.dask import call_on_dask  # noqa: PLC0415 (an extra)

            return call_on_dask(self, args)
        values = self._signature.check(args)
        if self._floats(args):
            with np.errstate(all="ignore"):
                result = self._plain()(*values)
            if out is not None:
                return Destination(self._nest, out).store(result)
            return _as_python(self._nest, result) if self._gives_floats() else result
        columns = self._columns.find(values) if self._columns else None
        if columns is not None:
            results = rebuild_nest(self._nest, columns(values))
            return results if out is None else Destination(self._nest, out).store(results)
        if self._code.ordered:
            return self._of_size(values)._call(*args, out=out)
        if self._in_one_thread is not None and self._in_one_thread(*values):
            with ONE_THREAD:
                return self._computed(values, out)
        return self._computed(values, out)

    def _computed(self, values: Sequence[Any], out: Any) -> Any:
        if any(0 in np.shape(v) for v in values):
            with np.errstate(divide="ignore", invalid="ignore"):  # the mean of no entries is nan
                return self._of_arrays(values, out)
        return self._of_arrays(values, out)

    def _of_arrays(self, values: Sequence[Any], out: Any) -> Any:
        least = self._large_from or self._least
        large = (self._large or self._larger()).find(values, least)
        if out is not None:
            return Destination(self._nest, out).fill(large, self._plain(), values)
        return self._plain()(*values) if large is None else large.run(*values)

    @property
    def _least(self) -> int:
        """The entries from which arrays are large, by what an entry costs."""
        # products take the time, where there are any, and loops little of it
        loops = self._options.native and not self._code.products
        self._large_from = blocked.least_entries(self._code.cost, loops)
        return self._large_from

    def _plain(self) -> Callable[..., Any]:
        if self._run is None:
            self._run = execute(self._code.source, self.__name__, self._code.arrays)
        return self._run

    def _of_size(self, values: Sequence[Any]) -> CompiledFunction:
        """The same function, with contractions in the order for extents of this magnitude."""
        sizes: dict[str, int] = {}
        for p, value in zip(self._signature.parameters, values, strict=True):
            sizes.update(
                (d, n) for d, n in zip(p.shape, value.shape, strict=True) if d.__class__ is str
            )
        key = tuple(n.bit_length() for n in sizes.values())
        made = self._sized.get(key)
        if made is None:
            options = replace(self._options, sizes=tuple(sorted(sizes.items())))
            draft = self._draft.of_options(options)
            whole = self._code
            code = write(draft, draft.lowered(), self._nest, lambda: whole.doc)
            made = self.__class__(
                self.args, self._leaves, self._nest, self._signature, code, options, draft
            )
            for oldest in [*self._sized][: 1 - MAX_SIZED]:
                self._sized.pop(oldest, None)
            self._sized[key] = made
        return made

    def _by_columns(self) -> Columns | None:
        names = [p.identifier for p in self._signature.parameters]
        draft = self._draft.of_large_arrays
        parameters = list(zip(names, self.args, strict=True))
        options = replace(self._options, sizes=())
        return on_columns(parameters, self._leaves, draft, options, self._of_scalars)

    def _of_scalars(self, draft: Draft, program: Program) -> CompiledFunction:
        """A function of scalars, as it was lowered, that returns a list."""
        nest = ("list", (), tuple(range(len(draft.leaves))))
        parameters = [Parameter(n, str(x.name), (), FLOAT) for n, x in program.parameters]
        signature = Signature(tuple(parameters), True, (), True)
        whole = self._code
        code = write(draft, program, nest, lambda: whole.doc)
        args, leaves = tuple(draft.args), tuple(draft.leaves)
        return self.__class__(args, leaves, nest, signature, code, draft.options, draft)

    def _larger(self) -> LargeArrays:
        if self._large is None:
            names = [p.identifier for p in self._signature.parameters]
            draft = self._draft.of_large_arrays
            self._large = LargeArrays(draft, self._nest, names, self._code.entries, self._options)
        return self._large

    # Reading

    @checked
    def explain(self) -> str:
        """What is computed, and what the passes made of it, step by step: text to `print`.

        Each line is a pass, the size of what it left, and what it is for. Then come the forms for large
        arrays, whose code is `large_source`: each loop with its steps, and how many arrays it reads and
        writes. The last line says which forms the calls can take.
        """
        native = self._as_native() if self._options.native else None
        return explain(self._draft, self._nest, repr(self), self._code, native)

    def _repr_html_(self) -> str:
        """The code, for notebooks."""
        return coloured(self.source)

    def __repr__(self) -> str:
        names = ", ".join(p.name for p in self._signature.parameters)
        return f"<CompiledFunction {self.__name__}({names})>"

    def __reduce__(self) -> Any:
        state = (self._nest, self._signature, self._code, self._options)
        return restore, (flatten([*self.args, *self._leaves]), len(self.args), *state)


def _shown(signature: Signature) -> inspect.Signature:
    """The signature that `inspect` and editors show."""
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    names = signature.shown()
    parameters = [inspect.Parameter(name, kind) for name in names]
    if "out" not in names:
        out = inspect.Parameter("out", inspect.Parameter.KEYWORD_ONLY, default=None)
        parameters.append(out)
    return inspect.Signature(parameters)


def class_of(options: Options) -> type[CompiledFunction]:
    """The class of a function: `CompiledFunction`, or, for native code, a subclass called faster."""
    if not options.native or obstacle():
        return CompiledFunction
    made: type[CompiledFunction] = called_by_address(CompiledFunction)
    return made


def restore(graph: Any, count: int, *state: Any) -> CompiledFunction:
    """The compiled function of a pickle: its source is not generated again."""
    expressions = unpickle_all(*graph)
    options = state[-1]
    return class_of(options)(tuple(expressions[:count]), tuple(expressions[count:]), *state)


def _as_python(nest: Nest, result: Any) -> Any:
    """NumPy scalars in a nested result as Python numbers."""
    if isinstance(nest, int):
        single = isinstance(result, np.generic) or np.ndim(result) == 0
        return np.asarray(result).item() if single else result
    kind, keys, parts = nest
    if kind == "dict":
        return {k: _as_python(part, result[k]) for k, part in zip(keys, parts, strict=True)}
    inner = [_as_python(part, r) for part, r in zip(parts, result, strict=True)]
    return inner if kind == "list" else tuple(inner)
