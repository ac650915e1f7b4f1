"""How other libraries do a `Task`: one small adapter each, in their own best form.

An adapter takes the task and its inputs, prepares everything that can be prepared (tracing, compilation,
conversion of the inputs), and returns a function that does the work once and waits for the results. It
raises `Absent` for work that the library cannot do.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Collection, Sequence
from importlib import import_module
from typing import Any

import numpy as np

from benchmarks.case import Absent, Case, Run, Task, library


class Names:
    """The names of a library, with those that it has elsewhere."""

    def __init__(self, library: Any, **extra: Any) -> None:
        self.__dict__.update(extra, library=library)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.library, name)


def single(argnums: tuple[int, ...]) -> Any:
    """One argument as a number, which every library takes."""
    return argnums[0] if len(argnums) == 1 else argnums


# Automatic differentiation of array code


def jax_jit(task: Task, inputs: Sequence[Any]) -> Run:
    """One compiled function, in double precision."""
    jax = library("jax")
    jax.config.update("jax_enable_x64", True)
    names = Names(import_module("jax.numpy"), logsumexp=jax.nn.logsumexp)
    argnums = single(task.wrt)

    def f(*args: Any) -> Any:
        return task.formula(names, *args)

    def elementwise(*args: Any) -> Any:
        value, pull = jax.vjp(f, *args)
        return value, [pull(jax.numpy.ones_like(value))[i] for i in task.wrt]

    def work(*args: Any) -> Any:
        if task.elementwise and np.ndim(inputs[task.wrt[0]]):
            parts = dict(zip(("value", "gradient"), elementwise(*args), strict=True))
            return [parts[what] for what in task.wanted]
        parts = {}
        if {"value", "gradient"} & set(task.wanted):
            parts["value"], parts["gradient"] = jax.value_and_grad(f, argnums)(*args)
        if "hessian" in task.wanted:
            parts["hessian"] = jax.hessian(f, argnums)(*args)
        return [parts[what] for what in task.wanted]

    compiled, arrays = jax.jit(work), [jax.numpy.asarray(a, dtype=float) for a in inputs]
    return lambda: jax.block_until_ready(compiled(*arrays))


def autograd(task: Task, inputs: Sequence[Any]) -> Run:
    """A trace at every call."""
    ag = library("autograd")
    special = import_module("autograd.scipy.special")
    names = Names(import_module("autograd.numpy"), logsumexp=special.logsumexp)
    argnums = single(task.wrt)

    def f(*args: Any) -> Any:
        return task.formula(names, *args)

    if "hessian" in task.wanted and len(task.wrt) > 1:

        def stacked(x: Any) -> Any:
            return f(*[x[i] for i in range(len(inputs))])

        x, hessian = np.array(inputs), ag.hessian(stacked)
        return lambda: [hessian(x)]

    def elementwise() -> Any:
        pull, value = ag.make_vjp(f, task.wrt)(*inputs)
        return [value, pull(np.ones_like(value))]

    def work() -> Any:
        parts = {}
        if "gradient" in task.wanted:
            parts["value"], parts["gradient"] = ag.value_and_grad(f, argnums)(*inputs)
        if "hessian" in task.wanted:
            parts["hessian"] = ag.hessian(f, argnums)(*inputs)
        return [parts[what] for what in task.wanted]

    return elementwise if task.elementwise and np.ndim(inputs[task.wrt[0]]) else work


def torch(task: Task, inputs: Sequence[Any]) -> Run:
    """Eager mode, through `torch.func`."""
    torch = library("torch")
    names = Names(
        torch,
        logsumexp=lambda a, axis: torch.logsumexp(a, dim=axis),
        logaddexp=lambda a, b: torch.logaddexp(*map(torch.as_tensor, (a, b))),
        eye=lambda n: torch.eye(n, dtype=torch.float64),
    )
    arrays = [torch.as_tensor(a, dtype=torch.float64) for a in inputs]
    argnums = single(task.wrt)

    def f(*args: Any) -> Any:
        return task.formula(names, *args)

    def total(*args: Any) -> tuple[Any, Any]:
        value = f(*args)
        return value.sum(), value

    def work() -> Any:
        parts = {}
        if {"value", "gradient"} & set(task.wanted):
            gradient, (_, value) = torch.func.grad_and_value(total, argnums, has_aux=True)(*arrays)
            parts = {"value": value, "gradient": gradient}
        if "hessian" in task.wanted:
            parts["hessian"] = torch.func.hessian(f, argnums)(*arrays)
        return [parts[what] for what in task.wanted]

    return work


def pytensor(task: Task, inputs: Sequence[Any]) -> Run:
    """A compiled function; arguments are not copied."""
    module = library("pytensor")
    pt = import_module("pytensor.tensor")
    arrays = [np.asarray(a, dtype=float) for a in inputs]
    symbols = [
        pt.tensor(f"x{i}", dtype="float64", shape=(None,) * a.ndim) for i, a in enumerate(arrays)
    ]
    value = task.formula(Names(pt), *symbols)
    by = [symbols[i] for i in task.wrt]
    parts = {"value": [value], "gradient": module.grad(value.sum(), by)}
    if "hessian" in task.wanted:
        if any(x.ndim for x in by):
            raise Absent("second derivatives run one row at a time")
        parts["hessian"] = [module.grad(g, x) for g in parts["gradient"] for x in by]
    wanted = [y for what in task.wanted for y in parts[what]]
    compiled = module.function([module.In(x, borrow=True) for x in symbols], wanted)
    return lambda: compiled(*arrays)


# Symbolic formulas of scalars


def derivatives(
    task: Task, f: Any, by: Sequence[Any], diff: Callable[[Any, Any], Any]
) -> list[Any]:
    """What is wanted, as one list of formulas; a symmetric Hessian is differentiated once."""
    gradient = [diff(f, x) for x in by]
    half = {(i, j): diff(g, by[j]) for i, g in enumerate(gradient) for j in range(i + 1)}
    pairs = itertools.product(range(len(by)), repeat=2) if "hessian" in task.wanted else ()
    hessian = [half[max(ij), min(ij)] for ij in pairs]
    parts = {"value": [f], "gradient": gradient, "hessian": hessian}
    return [y for what in task.wanted for y in parts[what]]


def of_scalars(task: Task, inputs: Sequence[Any]) -> bool:
    """Are all inputs numbers, not arrays of points? Other work is no work for scalar formulas."""
    if not task.elementwise:
        raise Absent("not a formula of scalars")
    return all(np.ndim(a) == 0 for a in inputs)


def sympy_formulas(task: Task, inputs: Sequence[Any]) -> tuple[list[Any], list[Any]]:
    """Symbols, and what is wanted in them."""
    sympy = library("sympy")
    symbols = sympy.symbols(f"x:{len(inputs)}", positive=True)
    f = task.formula(sympy, *symbols)
    return symbols, derivatives(task, f, [symbols[i] for i in task.wrt], sympy.diff)


def sympy_lambdify(task: Task, inputs: Sequence[Any], cse: bool = False) -> Run:
    """NumPy code for arrays, `math` code for one point."""
    modules = "math" if of_scalars(task, inputs) else "numpy"
    symbols, wanted = sympy_formulas(task, inputs)
    compiled = library("sympy").lambdify(symbols, wanted, modules=modules, cse=cse)
    return lambda: compiled(*inputs)


def sympy_cse(task: Task, inputs: Sequence[Any]) -> Run:
    """The same, with common subexpressions computed once."""
    return sympy_lambdify(task, inputs, cse=True)


def numexpr(task: Task, inputs: Sequence[Any]) -> Run:
    """One compiled expression for each result."""
    ne = library("numexpr")
    if of_scalars(task, inputs):
        raise Absent("for arrays")
    symbols, wanted = sympy_formulas(task, inputs)
    values = {str(x): a for x, a in zip(symbols, inputs, strict=True)}
    texts = [str(e) for e in wanted]
    return lambda: [ne.evaluate(text, local_dict=values) for text in texts]


def symengine(task: Task, inputs: Sequence[Any]) -> Run:
    """Compiled with LLVM where that is built in; the points of a batch are rows."""
    se = library("symengine")
    scalar = of_scalars(task, inputs)
    symbols = se.symbols(f"x:{len(inputs)}")
    f = task.formula(se, *symbols)
    wanted = derivatives(task, f, [symbols[i] for i in task.wrt], se.diff)
    backend = "llvm" if getattr(se, "have_llvm", False) else "lambda"
    compiled = se.Lambdify(symbols, wanted, cse=True, backend=backend)
    points = np.stack(np.broadcast_arrays(*inputs), axis=-1)
    return (lambda: compiled(points)) if scalar else lambda: np.moveaxis(compiled(points), -1, 0)


def casadi(task: Task, inputs: Sequence[Any]) -> Run:
    """A virtual machine on scalars; the points of a batch are columns, mapped over threads."""
    ca = library("casadi")
    symbols = [ca.SX.sym(f"x{i}") for i in range(len(inputs))]
    scalar = of_scalars(task, inputs)
    f = task.formula(ca, *symbols)
    wanted = derivatives(task, f, [symbols[i] for i in task.wrt], ca.gradient)
    compiled = ca.Function("f", symbols, wanted, {"cse": True})
    if scalar:
        return lambda: compiled(*inputs)
    points = [np.atleast_2d(a) for a in np.broadcast_arrays(*inputs)]
    count = points[0].size
    if count > 1_000_000:
        raise Absent("too large for a map")
    mapped, columns = compiled.map(count, "thread", cores()), [ca.DM(a) for a in points]
    return lambda: [y.full().ravel() for y in mapped(*columns)]


def heyoka(task: Task, inputs: Sequence[Any], fast_math: bool = False) -> Run:
    """Compiled with LLVM, vectorised over the points of a batch, on all threads."""
    hy = library("heyoka")
    symbols = [hy.expression(f"x{i}") for i in range(len(inputs))]
    scalar = of_scalars(task, inputs)
    f = task.formula(hy, *symbols)
    by = [symbols[i] for i in task.wrt]
    order = 2 if "hessian" in task.wanted else 1
    tensors = hy.diff_tensors([f], diff_args=by, diff_order=order)
    parts = {"value": [f], "gradient": list(tensors.gradient)}
    if order == 2:
        parts["hessian"] = list(np.ravel(tensors.hessian(0)))
    wanted = [y for what in task.wanted for y in parts[what]]
    compiled = hy.cfunc(wanted, vars=symbols, fast_math=fast_math)
    if scalar:
        point = np.array(inputs, dtype=float)
        return lambda: compiled(point)
    points = np.ascontiguousarray(np.stack(np.broadcast_arrays(*inputs)))
    return lambda: compiled(points)


def heyoka_fast(task: Task, inputs: Sequence[Any]) -> Run:
    """The same with fast arithmetic."""
    return heyoka(task, inputs, fast_math=True)


def drjit(task: Task, inputs: Sequence[Any]) -> Run:
    """A traced kernel, compiled with LLVM; the points of a batch are its width."""
    dr = library("drjit")
    kind = import_module("drjit.llvm.ad").Float64
    if of_scalars(task, inputs) or "hessian" in task.wanted:
        raise Absent("for first derivatives at many points")
    names = Names(dr)

    def work() -> list[Any]:
        arrays = [kind(a) for a in inputs]
        by = [arrays[i] for i in task.wrt]
        for a in by:
            dr.enable_grad(a)
        value = task.formula(names, *arrays)
        dr.backward(value)
        parts = {"value": [value], "gradient": [dr.grad(a) for a in by]}
        found = [y for what in task.wanted for y in parts[what]]
        dr.eval(*found)
        return [np.array(y) for y in found]

    return work


def cores() -> int:
    """How many cores the process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


PEERS: dict[str, Callable[[Task, Sequence[Any]], Run]] = {
    "sympy.lambdify": sympy_lambdify,
    "sympy cse": sympy_cse,
    "numexpr": numexpr,
    "jax.jit": jax_jit,
    "autograd": autograd,
    "torch": torch,
    "CasADi": casadi,
    "SymEngine": symengine,
    "PyTensor": pytensor,
    "heyoka": heyoka,
    "heyoka fast": heyoka_fast,
    "drjit": drjit,
}


def participants(
    case: Case, inputs: Sequence[Any], only: Collection[str] | None = None
) -> dict[str, Callable[[], Run]]:
    """Everybody who may do the work of a case, or only those named, each to be prepared by a call."""
    found: dict[str, Callable[[], Run]] = {
        name: (lambda build=build: build(*inputs)) for name, build in case.participants.items()
    }
    for name, peer in PEERS.items():
        if case.task is not None and name not in case.excluded and name not in found:
            found[name] = lambda peer=peer: peer(case.task, inputs)
    return {name: build for name, build in found.items() if only is None or name in only}
