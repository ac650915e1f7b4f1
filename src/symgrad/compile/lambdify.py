"""`lambdify`: expressions in, a `CompiledFunction` out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Literal, TypedDict, Unpack, overload

import numpy as np

from symgrad.compile.arguments import FLOAT, Parameter, Signature, checked_threads
from symgrad.compile.assembled import AssembledFunction, assembled
from symgrad.compile.function import CompiledFunction, class_of
from symgrad.compile.library_function import LibraryFunction
from symgrad.compile.modules import (
    check_options,
    implementations,
    namespace_of,
    under_namespace,
)
from symgrad.compile.nested import NestedFunction, flat_arguments, is_nested
from symgrad.compile.open_function import OpenFunction, holds_functions
from symgrad.compile.pipeline import Draft, Options, write
from symgrad.errors import ArgumentError
from symgrad.expr.collector import COLLECTOR_PAUSED
from symgrad.expr.dims import Dim, add_dims, mul_dims, show_shape
from symgrad.expr.identifiers import is_name, normal
from symgrad.expr.leaves import SYMBOL
from symgrad.expr.node import Expr
from symgrad.expr.pytrees import flatten, rebuild_nest
from symgrad.expr.traverse import Roots, as_roots, check_symbols, ops_of, toposort
from symgrad.functions.define import defined, is_function
from symgrad.ops.applied import check_defined, is_base, with_functions
from symgrad.ops.elementwise import adopted, as_expr
from symgrad.ops.layout import SLICE
from symgrad.ops.shown import computed_forms
from symgrad.program.ir import Program
from symgrad.rewrite.readable import over_symbols
from symgrad.targets.libraries import LIBRARIES
from symgrad.targets.native import engine


class Given(TypedDict, total=False):
    """The options of `lambdify` that change no type, for type checkers."""

    name: str
    threads: int | None
    fast_math: bool
    sizes: Mapping[str, int] | None
    functions: Mapping[Any, Any] | None
    backend: Literal["numpy", "native"]
    printer: Any
    use_imps: bool
    dummify: bool
    cse: Any
    docstring_limit: int | None


@overload
def lambdify(
    args: Any,
    outputs: Any,
    modules: Any = None,
    *,
    structured: Literal[True],
    **options: Unpack[Given],
) -> AssembledFunction: ...
@overload
def lambdify(
    args: Any,
    outputs: Any,
    modules: Any = None,
    *,
    sparse: Literal["csr"],
    **options: Unpack[Given],
) -> AssembledFunction: ...
@overload
def lambdify(
    args: Expr | Sequence[Expr] | str,
    outputs: Any,
    modules: Any = None,
    *,
    structured: Literal[False] = False,
    sparse: None = None,
    **options: Unpack[Given],
) -> CompiledFunction: ...
@overload
def lambdify(
    args: Sequence[Expr | Sequence[Any]],
    outputs: Any,
    modules: Any = None,
    *,
    structured: Literal[False] = False,
    sparse: None = None,
    **options: Unpack[Given],
) -> NestedFunction: ...
@overload
def lambdify(
    args: Any, outputs: Any, modules: Any = None, **options: Unpack[Given]
) -> CompiledFunction | NestedFunction: ...
@with_functions("args")
def lambdify(
    args: Any,
    outputs: Any,
    modules: Any = None,
    *,
    name: str = "f",
    threads: int | None = None,
    fast_math: bool = False,
    sizes: Mapping[str, int] | None = None,
    structured: bool = False,
    sparse: str | None = None,
    functions: Mapping[Any, Any] | None = None,
    backend: str = "numpy",
    printer: Any = None,
    use_imps: bool = True,
    dummify: bool = False,
    cse: Any = False,
    docstring_limit: int | None = 1000,
) -> Any:
    """Compile expressions to a NumPy function.

    Parameters
    ----------
    args : symbol, or sequence (or object array) of symbols, or of nests of them
        The arguments, in order. They must hold every symbol that the outputs mention. Applied functions
        such as ``q(t)`` and their derivatives count as symbols; text names symbols. An argument that
        is a list or a matrix of symbols is given as a sequence or an array; the result is then a
        `NestedFunction`. For an undefined function itself a callable is given; the result is then an
        `OpenFunction`.
    outputs : Expr, or nest of lists, tuples and dicts of Expr
        What the function returns, in this form. What they share is computed once. Text is read by `parse`.
    modules : str, dict, module, or list of these, optional
        As SymPy's `lambdify` takes them. ``"numpy"``, ``"scipy"`` and ``"math"`` say what holds anyway; a
        dict gives functions by name, which are called in place of functions of these names, and values
        of symbols that are no arguments.
    name : str
        The name of the function in the generated source; it gets an underscore behind it there where
        the code uses that name for something else, as ``np``.
    threads : int, optional
        The most threads that a call on large arrays may use; one for each core if not given. Where
        threadpoolctl is installed (the extra ``blas``), 1 holds for products of matrices too, and small
        ones never wait for threads.
    fast_math : bool
        Trade accuracy for speed: sine and cosine of arrays by the tangent of the half angle, with an
        absolute error of a few 1e-16 where they are otherwise correct to the last place.
    sizes : mapping from dim name to int, optional
        Extents to reckon with when the order of a product of several arrays is chosen, such as
        ``{"n": 1000}``; they need not be exact. Without them the order is chosen when the function is
        called, for each order of magnitude of the extents.
    structured : bool
        Return Jacobians and Hessians unexpanded where they have a structure: as `Diagonal`,
        `Kronecker`, `LowRank`, `DiagonalPlusLowRank`, and a list of lists as `Block`; what has none
        as an array. The result is then an `AssembledFunction`.
    sparse : {None, "csr"}
        Return matrices as `scipy.sparse.csr_array`, by the entries that are not known to be zero (see
        `sparsity`); extents must be ints. The result is an `AssembledFunction`. Needs SciPy.
    functions : mapping, optional
        What undefined functions are: from a function, or its name, to a callable. One that works on
        expressions is differentiated exactly; of one that takes numbers only, derivatives are given as
        a tuple ``(f, f', f'')``, or, for several arguments, a dict ``{(0, 0): f, (1, 0): f_x}``.
    backend : {"numpy", "native", "jax", "torch"}
        "jax" and "torch": the same program with the functions of JAX or PyTorch (the extras ``jax`` and
        ``torch``); the result is a `LibraryFunction` of their arrays, for their compilers, devices and
        transformations. What they have no function for is refused by name.
        ``"native"``: calls run machine code, made when first called, by way of llvmlite (the extra
        ``native``). With numbers it computes what the NumPy code does, with C's functions such as
        ``sin``. Loops over arrays have functions of their own, most of them within one unit in the last
        place, within 2.5 under `fast_math`; sums are pairwise; no warnings are given. Products of
        matrices, and what else has no native code, as `explain` tells, run as ever.

    printer, use_imps, dummify, cse, docstring_limit
        Those of SymPy's `lambdify`. A printer is refused; ``use_imps=False`` leaves functions made by
        SymPy's `implemented_function` undefined; the others change nothing, since what formulas share is
        computed once, and every name gets an identifier.

    Returns
    -------
    CompiledFunction
        If all symbols are scalars and the formulas act entry by entry, arguments may be arrays of any
        shapes that broadcast, and every output has the broadcast shape. Otherwise each argument has
        the shape of its symbol; equal names are equal extents.

    Raises
    ------
    ArgumentError
        If an argument is no symbol or occurs twice, `name` cannot be the name of a function, a symbol of
        the outputs is not an argument, `threads` is no positive int, `sizes` maps no names to ints, an
        option is unknown, or a function is left undefined.
    NativeError
        If native code is asked for where llvmlite is not installed, or does not know the machine.

    Examples
    --------
    >>> import numpy as np, symgrad as sg
    >>> x = sg.symbol("x")
    >>> f = sg.lambdify(x, [x**2, sg.diff(x**2, x, 2)])
    >>> f(3.0)
    [9.0, 2.0]
    >>> f(np.arange(3.0))[1]
    array([2., 2., 2.])

    Functions as arguments, and undefined ones that are given:

    >>> q, h = sg.function("q")(x), sg.function("h")
    >>> print(sg.lambdify([q, q.diff(x)], q * q.diff(x))(2.0, 3.0))
    6.0
    >>> print(sg.lambdify(x, sg.diff(h(x**2), x), functions={h: np.sin})(0.0))
    0.0
    """
    check_options(printer, cse, dummify, docstring_limit)
    if holds_functions(args):
        options: dict[str, Any] = {
            "name": name, "threads": threads, "fast_math": fast_math, "sizes": sizes,
            "structured": structured, "sparse": sparse, "backend": backend, "use_imps": use_imps,
        }  # fmt: skip
        given = dict(functions or {})
        return OpenFunction(
            args,
            lambda others, known: lambdify(
                others, outputs, modules, functions=given | known, **options
            ),
        )
    if _holds_text(args) or _holds_text(outputs):
        from symgrad.interop.sympy_text import from_text  # noqa: PLC0415  an upper layer

        args, outputs = from_text(args, outputs)
    if _holds_base(args):
        from symgrad.interop.sympy_indexed import with_ranks  # noqa: PLC0415  an upper layer

        args = with_ranks(args, outputs)
    space = namespace_of(modules)
    if use_imps:
        space = implementations(outputs) | space
    symbols = _listed(args)
    if space:
        leaves, nest = flatten(outputs, as_expr)
        outputs = rebuild_nest(nest, under_namespace(leaves, symbols, space))
    if functions is not None:
        leaves, nest = flatten(outputs, as_expr)
        outputs = rebuild_nest(nest, defined(leaves, functions))
    made: Any
    if backend in LIBRARIES:
        if structured or sparse is not None or fast_math or threads is not None:
            raise ArgumentError(
                f'backend="{backend}" takes no structured=, sparse=, fast_math= and threads='
            )
        made = _for_library(symbols, name, sizes, str(backend), outputs)
        return NestedFunction(made, args) if is_nested(args) else made
    compiled = partial(_compiled, symbols, name, threads, fast_math, sizes, is_native(backend))
    if structured or sparse is not None:
        made = assembled(compiled, outputs, structured, sparse)
    else:
        made = compiled(outputs)
    return NestedFunction(made, args) if is_nested(args) else made


def _holds_base(args: Any) -> bool:
    """Whether one of the arguments is an `IndexedBase` of SymPy."""
    parts = args if isinstance(args, (list, tuple)) else [args]
    return any(map(is_base, parts))


def _listed(args: Any) -> list[Expr]:
    """The arguments one by one, those in nests too."""
    if is_nested(args):
        args = flat_arguments(args)
    elif isinstance(args, np.ndarray) and args.dtype == object:
        args = args.ravel().tolist()
    given = args if isinstance(args, (list, tuple)) else [args]
    for f in given:
        if is_function(f):
            raise ArgumentError(
                f"{f} is a function, and an argument is a value: give {f}(x), or say what {f} is with"
                f" functions={{{f}: ...}}, a callable; of one that takes numbers only, and whose derivative"
                f" is needed, a tuple ({f}, {f}')"
            )
    return check_symbols([adopted(x) for x in given], "an argument")


def _compiled(
    symbols: list[Expr],
    name: str,
    threads: int | None,
    fast_math: bool,
    sizes: Mapping[str, int] | None,
    native: bool,
    outputs: Any,
) -> CompiledFunction:
    leaves, nest = _flat(symbols, name, outputs)
    options = Options(
        normal(name), checked_threads(threads), bool(fast_math), _checked_sizes(sizes), native
    )
    with COLLECTOR_PAUSED:
        draft = Draft(symbols, leaves, options)
        program = draft.lowered()
        return class_of(options)(
            args=tuple(symbols),
            leaves=tuple(leaves),
            nest=nest,
            signature=_signature(program, leaves),
            code=write(draft, program, nest, partial(describe, program, leaves)),
            options=options,
            draft=draft,
        )


def _flat(symbols: list[Expr], name: Any, outputs: Any) -> tuple[Sequence[Expr], Any]:
    """The outputs one by one, and their nest; both and the name are checked."""
    if not isinstance(name, str) or not is_name(name):
        raise ArgumentError(
            f"the name of a function must be an identifier and no keyword of Python, not {name!r}"
        )
    found, nest = flatten(outputs, as_expr)
    roots = Roots(found)
    check_defined(roots)
    return _of_arguments(symbols, roots), nest


def _for_library(
    symbols: list[Expr], name: str, sizes: Mapping[str, int] | None, library: str, outputs: Any
) -> LibraryFunction:
    """The function of arrays of another library."""
    LIBRARIES[library].check()
    leaves, nest = _flat(symbols, name, outputs)
    with COLLECTOR_PAUSED:
        draft = Draft(symbols, leaves, Options(normal(name), sizes=_checked_sizes(sizes)))
        program = draft.lowered()
        doc = describe(program, leaves)
        return LibraryFunction(draft, nest, _signature(program, leaves), doc, library)


def is_native(backend: Any) -> bool:
    """Whether machine code is asked for; the engine must be there then."""
    if backend not in ("numpy", "native"):
        raise ArgumentError(f"backend= is 'numpy' or 'native' here, not {backend!r}")
    if backend == "native":
        engine.binding()
    return bool(backend == "native")


def _holds_text(given: Any) -> bool:
    """Whether there is text, or SymPy's `Tuple`, at the top of a nest."""
    parts = given if given.__class__ in (list, tuple) else [given]
    return any(isinstance(x, str) or type(x).__name__ == "Tuple" for x in parts)


def _checked_sizes(sizes: Mapping[str, int] | None) -> tuple[tuple[str, int], ...]:
    pairs = dict(sizes or {}).items()
    for name, extent in pairs:
        if not isinstance(name, str) or isinstance(extent, bool) or not isinstance(extent, int):
            raise ArgumentError(
                f"sizes must map names of extents to ints, such as {{'n': 1000}}, not {sizes!r}"
            )
        if extent < 0:
            raise ArgumentError(f"sizes: the extent {name!r} cannot be {extent}")
    return tuple(sorted(pairs))


def _of_arguments(symbols: Sequence[Expr], outputs: Sequence[Expr]) -> Sequence[Expr]:
    """The outputs, which may mention the arguments alone."""
    known: set[Expr] = set()
    for x in symbols:
        if x in known:
            raise ArgumentError(f"argument {x.name!r} is given twice")
        known.add(x)
    outputs = as_roots(over_symbols(outputs, known))
    missing = [x for x in toposort(outputs) if x.op is SYMBOL and x not in known]
    if not missing:
        return outputs
    listing = ", ".join(
        f"{x.name} {show_shape(x.shape)}" if x.shape else str(x.name) for x in missing
    )
    alike = {x.name for x in missing} & {x.name for x in symbols}
    note = (
        f"; another symbol is named {', '.join(sorted(map(str, alike)))}, with a different shape, dtype"
        " or assumption"
        if alike
        else ""
    )
    raise ArgumentError(f"the outputs mention {listing}, not among the arguments{note}")


def _signature(program: Program, outputs: Sequence[Expr]) -> Signature:
    parameters = tuple(
        Parameter(identifier, str(x.name), x.shape, x.dtype) for identifier, x in program.parameters
    )
    floats = program.batched and all(p.dtype is FLOAT for p in parameters)
    return Signature(parameters, program.batched, _bounds(outputs), floats)


def _bounds(outputs: Sequence[Expr]) -> tuple[tuple[Dim, str], ...]:
    """Extents that slices of symbolic axes take to be at least zero."""
    bounds: dict[tuple[Dim, str], None] = {}
    if SLICE not in ops_of(outputs):
        return ()
    for node in toposort(outputs):
        if node.op is not SLICE:
            continue
        for entry, extent in zip(node.params.at, node.args[0].shape, strict=True):
            if isinstance(extent, int):
                continue
            single = isinstance(entry, int)
            what = f"index {entry}" if single else "slice {}:{}:{}".format(*entry[:3])
            bounds.update(((bound, what), None) for bound in _reach(entry, extent))
    return tuple(b for b in bounds if not isinstance(b[0], int))


def _reach(entry: Any, extent: Dim) -> list[Dim]:
    """What must not be negative for an index entry to lie within an axis, as its code takes it to."""
    if isinstance(entry, int):
        return [add_dims(extent, -(entry + 1) if entry >= 0 else entry)]
    start, stop, step, length = entry
    if step > 0:
        return [length, start, stop, add_dims(extent, mul_dims(-1, stop))]
    last = add_dims(extent, -1)
    bounds = [length] if isinstance(stop, int) else [length, stop]  # -1 is before the beginning
    return bounds if start == last else [*bounds, start, add_dims(last, mul_dims(-1, start))]


MAX_DOC = 500  # characters of a formula in a docstring
MAX_DOC_NODES = 1000  # larger graphs are counted, not written out


def describe(program: Program, outputs: Sequence[Expr]) -> str:
    """The docstring of a compiled function: what it computes, and the shapes of arguments and outputs.

    Formulas stand there as they are computed: their short forms take a search, and are not the code's.
    """
    outputs = computed_forms(outputs)
    more = f", ... and {len(outputs) - 8} more" if len(outputs) > 8 else ""
    size = len(toposort(outputs))
    if size > MAX_DOC_NODES:
        lines = [f"{len(outputs)} output{'s' * (len(outputs) > 1)}, {size} distinct nodes"]
    else:
        texts = [_short(str(y)) for y in outputs[:8]]
        apart = any(" where " in t or "\n" in t for t in texts)  # each followed by its definitions
        lines = [("\n" if apart else ", ").join(texts) + more]
    shaped = [(n, x) for n, x in program.parameters if x.shape]
    if shaped:
        shapes = ", ".join(f"{n} {show_shape(x.shape)}" for n, x in shaped)
        results = ", ".join(show_shape(y.shape) for y in outputs[:8])
        lines += ["", f"Arguments: {shapes}. Result: {results}{more}."]
    return "\n".join(lines)


def _short(text: str) -> str:
    return text if len(text) <= MAX_DOC else text[: MAX_DOC - 4] + " ..."
