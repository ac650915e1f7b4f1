"""What enters a solver: checked, broadcast over the batch, and flattened to one axis of unknowns."""

from __future__ import annotations

from math import prod
from typing import Any, NamedTuple

import numpy as np

from symgrad.errors import ArgumentError, DTypeError, ShapeError
from symgrad.solve.runtime.ending import ProblemBounds, begun_within
from symgrad.solve.runtime.results import Answer, Status


class ProblemForm(NamedTuple):
    """The unknowns and parameters of a solver, as plain data.

    Attributes
    ----------
    kind : str
        "scalar", "array", "scalars" (a list of them) or "arrays" (a list with an array in it).
    unknowns, params : tuple of (name, shape)
        An extent is an int or a name.
    """

    kind: str
    unknowns: tuple[Any, ...]
    params: tuple[Any, ...]


class Tolerances(NamedTuple):
    """When an iteration may end; see `runtime.ending`.

    Attributes
    ----------
    tol : float
        What `xtol` is where it is None.
    xtol : float or None
        How short the last step is, against each unknown.
    ftol : float or None
        For minima and fits: the relative fall of the objective that ends the iteration, as SciPy's
        ``least_squares`` has it. For roots: the part of ``|F|`` at the start that is small enough.
    gtol : float or None
        For minima and fits: the largest entry of the gradient, projected on the bounds, that is small
        enough, as SciPy's ``minimize`` has it.
    x_scale : number, array or list of them, or None
        Magnitudes of the unknowns, in their form, below which steps are not measured by the unknown.
    """

    tol: float
    xtol: Any = None
    ftol: Any = None
    gtol: Any = None
    x_scale: Any = None

    @property
    def step(self) -> float:
        """How short the last step is, against each unknown."""
        return self.tol if self.xtol is None else self.xtol

    @property
    def has_wishes(self) -> bool:
        """Whether something else than a short step ends an iteration, or measures it."""
        return not (self.ftol is self.gtol is self.x_scale is None)


class SolverCall(NamedTuple):
    """What a solver was called with, and how it was made."""

    form: ProblemForm
    x0: Any
    params: tuple[Any, ...]
    options: dict[str, Any]
    tolerances: Tolerances
    maxiter: int
    raise_on_failure: bool
    callback: Any


class Problems(NamedTuple):
    """Problems to be solved: one axis for the problems, one for the unknowns.

    Attributes
    ----------
    x : array of shape (problems, unknowns)
    params : list of arrays of shape (problems, *shape)
    shapes : list of the shape of each unknown
    batch : tuple, the shape of the batch; () for a single problem
    x_scale : array of shape (unknowns,)
        The scale that was given, or zeros.
    box : ProblemBounds or None
        The bounds of every problem.
    dtype : dtype
        Of the results: what was given in single precision alone is answered in it.
    """

    x: Any
    params: list[Any]
    shapes: list[tuple[int, ...]]
    batch: tuple[int, ...]
    x_scale: Any
    box: Any
    dtype: Any


def prepare(call: SolverCall, finite: bool = True) -> Problems:
    """The problems that a call describes, with starts within their bounds.

    Raises an error that names what is wrong with the call. With `finite` that is also the case for one
    problem whose start or data are not finite.
    """
    form, x0, params = call[:3]
    _check_options(call)
    if len(params) != len(form.params):
        names = ", ".join(name for name, _ in form.params) or "none"
        raise ArgumentError(f"got {len(params)} parameters, expected {len(form.params)}: {names}")
    starts = _starts(form, x0)
    values = [_array(v, f"parameter {n}") for v, (n, _) in zip(params, form.params, strict=True)]
    declared = [*form.unknowns, *form.params]
    arrays = [*starts, *values]
    extents: dict[str, int] = {}
    shapes = [_shape(a, d, extents) for a, d in zip(arrays, declared, strict=True)]
    leads = [a.shape[: a.ndim - len(s)] for a, s in zip(arrays, shapes, strict=True)]
    try:
        batch = np.broadcast_shapes(*leads)
    except ValueError:
        listing = ", ".join(f"{d[0]} {a.shape}" for a, d in zip(arrays, declared, strict=True))
        raise ShapeError(f"the batch axes of the arguments do not broadcast: {listing}") from None
    if not batch and finite:
        for i, (a, d) in enumerate(zip(arrays, declared, strict=True)):
            if a.dtype.kind == "f" and not np.isfinite(a).all():
                what = "the start of" if i < len(starts) else "parameter"
                first = next(i for i, v in np.ndenumerate(a) if not np.isfinite(v))
                place = f" at {list(first)}" if first else ""
                raise ArgumentError(f"{what} {d[0]} is not finite: {a[first]}{place}")
    count = prod(batch)
    flat = [
        np.broadcast_to(a, batch + s).reshape((count, *s))
        for a, s in zip(arrays, shapes, strict=True)
    ]
    k = len(form.unknowns)
    columns = [
        a.reshape(count, prod(s)).astype(np.float64)
        for a, s in zip(flat[:k], shapes[:k], strict=True)
    ]
    x = columns[0] if k == 1 else np.concatenate(columns, axis=1)
    scale = _scale(form, call.tolerances.x_scale, shapes[:k])
    box = _box(call.options, shapes[:k], flat, bool(batch))
    x = begun_within(box, x, scale)
    return Problems(x, flat[k:], shapes[:k], batch, scale, box, _dtype_of(form, x0, params))


def _dtype_of(form: ProblemForm, x0: Any, params: tuple[Any, ...]) -> Any:
    """The type of results, by what has one; numbers of Python and integers do not count."""
    many = form.kind in ("scalars", "arrays") and isinstance(x0, (list, tuple))
    given = [*(x0 if many else [x0]), *params]
    types = {v.dtype for v in given if isinstance(v, (np.ndarray, np.generic))}
    types = {t for t in types if t.kind == "f"}
    return np.dtype(np.float32 if types == {np.dtype(np.float32)} else np.float64)


def _scale(form: ProblemForm, given: Any, shapes: list[tuple[int, ...]]) -> Any:
    """`x_scale` over the flattened unknowns; zeros where none is given."""
    if given is None:
        return np.zeros(sum(map(prod, shapes)))
    many = form.kind in ("scalars", "arrays")
    parts = (
        given if many and isinstance(given, (list, tuple, np.ndarray)) else [given] * len(shapes)
    )
    if np.ndim(parts) == 0 or len(parts) != len(shapes):
        raise ShapeError(f"x_scale has {np.size(given)} entries, needs one per unknown")
    columns = []
    for part, shape, (name, _) in zip(parts, shapes, form.unknowns, strict=True):
        value = _array(part, f"x_scale of {name}").astype(np.float64)
        if not (np.isfinite(value).all() and (value > 0).all()):
            raise ArgumentError(f"x_scale of {name} must be positive and finite, not {part!r}")
        try:
            columns.append(np.broadcast_to(value, shape).ravel())
        except ValueError:
            raise ShapeError(f"x_scale of {name} has shape {value.shape}, needs {shape}") from None
    return np.concatenate(columns)


def _check_options(call: SolverCall) -> None:
    maxiter, callback = call.maxiter, call.callback
    for name in ("tol", "xtol", "ftol", "gtol"):
        tol = getattr(call.tolerances, name)
        if tol is None and name != "tol":
            continue
        if isinstance(tol, bool) or not isinstance(tol, (int, float, np.number)) or not tol >= 0:
            raise ArgumentError(f"{name} must be a number that is not negative, not {tol!r}")
    if isinstance(maxiter, bool) or not isinstance(maxiter, (int, np.integer)) or maxiter < 0:
        raise ArgumentError(f"maxiter must be an int that is not negative, not {maxiter!r}")
    if callback is not None and not callable(callback):
        raise ArgumentError(f"the callback must be a function or None, not {callback!r}")


def _starts(form: ProblemForm, x0: Any) -> list[Any]:
    """The starts of the unknowns, each with its batch axes in front."""
    names = [name for name, _ in form.unknowns]
    if form.kind in ("scalar", "array"):
        return [_array(x0, f"the start of {names[0]}")]
    listing = ", ".join(names)
    if isinstance(x0, (list, tuple)):
        if len(x0) != len(names):
            raise ShapeError(f"x0 has {len(x0)} entries, needs one per unknown: {listing}")
        return [_array(v, f"the start of {name}") for v, name in zip(x0, names, strict=True)]
    if form.kind == "arrays":
        raise ArgumentError(f"x0 must be a list with a start for each of {listing}")
    array = _array(x0, "x0")
    if array.ndim == 0 or array.shape[-1] != len(names):
        raise ShapeError(
            f"x0 has shape {array.shape}, needs {len(names)} on its last axis, for {listing}"
        )
    return [array[..., i] for i in range(len(names))]


def floats_of(x0: Any, count: int, *params: Any) -> list[float] | None:
    """The starts of so many scalar unknowns of one problem, and its parameters, as floats of Python.

    None for a batch, and for what is no number.
    """
    if x0.__class__ is np.ndarray and x0.ndim == 1 and x0.dtype.kind in "iuf":
        x0 = None if x0.dtype == np.float32 else x0.tolist()
    if x0.__class__ not in (list, tuple) or len(x0) != count:
        return None
    values = [*x0, *params]
    for v in values:
        if v.__class__ is not float and not _is_number(v):
            return None
    return [float(v) for v in values]


def floats_of_entries(kind: str, shapes: tuple[Any, ...], x0: Any, *params: Any) -> Any:
    """The entries of starts and parameters of one problem as floats; None for other shapes."""
    starts = x0 if kind == "arrays" else (x0,)
    if starts.__class__ not in (list, tuple) or len(starts) + len(params) != len(shapes):
        return None
    found: list[float] = []
    for v, shape in zip((*starts, *params), shapes, strict=True):
        if not shape:
            if v.__class__ is not float and not _is_number(v):
                return None
            found.append(float(v))
            continue
        if v.__class__ is list:
            v = np.array(v)
        if v.__class__ is not np.ndarray or v.shape != shape or v.dtype.kind not in "iuf":
            return None
        if v.dtype == np.float32:  # and so are the results
            return None
        found += v.astype(np.float64, copy=False).ravel().tolist()
    return found


def _is_number(v: Any) -> bool:
    if v.__class__ is np.ndarray:
        return v.ndim == 0 and v.dtype.kind in "iuf" and v.dtype != np.float32
    if v.__class__ is int:
        return abs(v) < 1e300
    return isinstance(v, (np.floating, np.integer)) and not isinstance(v, np.float32)


def _array(value: Any, what: str) -> Any:
    parts = value if isinstance(value, (list, tuple)) else [value]
    if any(isinstance(part, np.ma.MaskedArray) for part in parts):
        raise ArgumentError(f"{what} is a masked array; give it without mask, as a.filled(value)")
    try:
        array = np.asarray(value)
    except (ValueError, TypeError) as error:
        raise DTypeError(f"{what} is no array of numbers: {error}") from None
    if array.dtype.kind not in "biuf":
        raise DTypeError(f"{what} has dtype {array.dtype}, needs real numbers")
    return array


def _shape(array: Any, declared: Any, extents: dict[str, int]) -> Any:
    """The shape of one problem's argument: the last axes, with names bound."""
    name, shape = declared
    got: Any = array.shape[array.ndim - len(shape) :] if array.ndim >= len(shape) else None
    if got is not None:
        for have, dim in zip(got, shape, strict=True):
            if isinstance(dim, str):
                extents.setdefault(dim, have)
    want = tuple(extents.get(d, d) if isinstance(d, str) else d for d in shape)
    if got != want:
        raise ShapeError(
            f"{name} has shape {array.shape}, needs {want}, after the axes of the batch"
        )
    return got


def report(callback: Any, single: bool, iteration: int, x: Any, residual: Any, step: Any) -> None:
    """Tell of an iterate: of a single problem its row, of a batch the arrays of all that are left."""
    if callback is None or not len(x):
        return
    given = (x, residual, step)
    if single:
        row = [v[0] if np.ndim(v[0]) else float(v[0]) for v in given]
        callback(iteration, *row)
    else:
        callback(iteration, *[np.array(v) for v in given])


def split(x: Any, shapes: list[tuple[int, ...]]) -> list[Any]:
    """The unknowns of flattened `x`, in their shapes."""
    parts, start = [], 0
    for shape in shapes:
        size = prod(shape)
        parts.append(x[..., start : start + size].reshape(x.shape[:-1] + shape))
        start += size
    return parts


def split_columns(x: Any, shapes: list[tuple[int, ...]]) -> list[Any]:
    """The unknowns of points (unknowns, problems), in their shapes after the axis of problems."""
    if not any(shapes):
        return list(x)
    return split(np.ascontiguousarray(x.T), shapes)


def joined(form: ProblemForm, x: Any, problems: Problems) -> Any:
    """Flattened solutions in the form of the unknowns."""
    x = x.reshape(*problems.batch, x.shape[-1]).astype(problems.dtype, copy=False)
    if form.kind == "scalars":
        return x
    parts = split(x, problems.shapes)
    if form.kind == "scalar" and not problems.batch:
        return float(parts[0]) if problems.dtype == np.float64 else parts[0][()]
    return parts if form.kind == "arrays" else parts[0]


def shaped(values: Any, batch: tuple[int, ...]) -> Any:
    """A value per problem: an array in the shape of the batch, or a number of Python."""
    return values.reshape(batch) if batch else values[0].item()


def answer(kind: type[Answer], call: SolverCall, problems: Problems, found: Any) -> Answer:
    """What a solver returns, from arrays with a row per problem: `x`, `size`, `count` and `status`."""
    batch, status = problems.batch, found.status
    return kind(
        joined(call.form, found.x if found.x.ndim > 1 else found.x[:, None], problems),
        shaped(status == Status.CONVERGED, batch),
        shaped(found.count, batch),
        shaped(found.size, batch),
        shaped(status, batch) if batch else Status(int(status[0])),
    )


def _box(options: dict[str, Any], shapes: list[tuple[int, ...]], flat: Any, many: bool) -> Any:
    """The bounds of all problems, by numbers or by the function `limits` of unknowns and parameters.

    Of a batch, a problem whose bounds are nan has nan for its start, so that it is "non finite".
    """
    pairs: Any = options.get("bounds")
    limits: Any = options.get("limits")
    if pairs is None and limits is None:
        return None
    count = len(flat[0])
    if limits is None:
        sides: Any = [
            [free if pair[k] is None else pair[k] for pair in pairs]
            for k, free in ((0, -np.inf), (1, np.inf))
        ]
    else:
        with np.errstate(all="ignore"):
            listed = list(limits(*flat))
        sides = listed[: len(shapes)], listed[len(shapes) :]
    low, high = (
        np.concatenate([_rows(v, count, s) for v, s in zip(side, shapes, strict=True)], axis=1)
        for side in sides
    )
    unknown = np.isnan(low) | np.isnan(high)
    if unknown.any() and not many:
        raise ArgumentError("a bound is nan for these parameters")
    wrong = np.argwhere(low > high)
    if wrong.size:
        k, i = wrong[0]
        which = f" of problem {k}" if many else ""
        raise ArgumentError(
            f"a lower bound is above its upper bound{which}: {low[k, i]:g} and {high[k, i]:g}"
        )
    return ProblemBounds(low, high)


def _rows(value: Any, count: int, shape: tuple[int, ...]) -> Any:
    """A bound of an unknown as rows, one for each problem."""
    value = np.asarray(value, np.float64)
    whole = value if value.ndim > len(shape) else np.broadcast_to(value, shape)[None]
    return np.broadcast_to(whole.reshape(len(whole), prod(shape)), (count, prod(shape)))
