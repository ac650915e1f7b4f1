"""Functions of arrays as C99: extents as numbers, arrays by pointer, intermediates in memory of the caller.

Every value of the program that is no number, no view and not used at one place alone is an array in the
workspace, filled by a nest of loops; what is used once, entry by entry, is computed where it is used.
Nothing is allocated.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final, NamedTuple

from symgrad.expr.dims import Dim, Shape
from symgrad.expr.kinds import (
    Argument,
    Concatenate,
    Contract,
    Extent,
    Kind,
    Literal,
    OnDiagonal,
    PerExtent,
    Place,
    Reduce,
    Typed,
    Ufunc,
    Written,
)
from symgrad.program.ir import Program, Value
from symgrad.targets.c.functions import Statements, c_number
from symgrad.targets.c.module import CFile, files, wrapped
from symgrad.targets.c.names import c_name, c_names
from symgrad.targets.c.places import CPlaces, dims_in
from symgrad.targets.native.steps import ScalarSteps, Unsupported, steps_of_region, words_of

INDENT: Final = "    "
BLOCK: Final = 128  # entries that are added up by themselves, so that errors stay small
TRUTHS: Final = frozenset(
    """equal not_equal less less_equal greater greater_equal logical_and logical_or logical_xor logical_not
    isnan isinf isfinite signbit""".split()
)
ONCE: Final = {"_log_total({0})": Ufunc("log")}  # code of NumPy that says what C does anyway


class CReduction(NamedTuple):
    """What a reduction begins with, how an entry goes in, and what becomes of the total."""

    start: str
    step: str
    end: str = "{total}"


# nan where an entry is
LARGER: Final = "if (total == total && !(value <= total)) { total = value; }"
SMALLER: Final = "if (total == total && !(value >= total)) { total = value; }"
REDUCTIONS: Final[Mapping[str, CReduction]] = {
    "add": CReduction("0.0", ""),
    "multiply": CReduction("1.0", "total *= value;"),
    "maximum": CReduction("-INFINITY", LARGER),
    "minimum": CReduction("INFINITY", SMALLER),
    "largest": CReduction("-INFINITY", LARGER, "isfinite(total) ? total : 0.0"),
}


def c_arrays(p: Program, name: str, shapes: Sequence[Shape], doc: str) -> CFile:
    """The files of a function of arrays of float64, whose extents are known when it is called.

    Results have these shapes. The extents come first, then the arguments in their order, a pointer for
    each result, and, where there are intermediate arrays, memory for as many doubles as
    ``name_workspace`` of the extents tells.

    Raises
    ------
    Unsupported
        If an instruction has no C code here, with a word of what.
    """
    for parameter, x in p.parameters:
        if x.dtype.kind != "f" or x.dtype.itemsize != 8:
            raise Unsupported(f"{parameter} is of {x.dtype.name}")
    if p.arrays:
        raise Unsupported("constant arrays")
    return _CArrays(p, c_name(name), shapes).files(doc)


class _CArrays:
    def __init__(self, p: Program, name: str, shapes: Sequence[Shape]) -> None:
        self.p = p
        self.shapes = shapes
        self.name = name
        self.users = p.users()
        self.live = p.live()
        dims = dims_in([x.shape for _, x in p.parameters])
        given = [parameter for parameter, _ in p.parameters]
        names = c_names([*dims, *given, "workspace"])
        self.extents = dict(zip(dims, names, strict=False))
        self.places = CPlaces(self.extents)
        self.arguments = dict(zip(given, names[len(dims) :], strict=False))
        self.workspace = names[-1]
        self.buffers: dict[Value, str] = {}
        self.sizes: list[str] = []  # of the arrays in the workspace
        self.lines: list[str] = []
        self.depth = 1
        self.numbers = 0

    # The file

    def files(self, doc: str) -> CFile:
        p, single = self.p, len(self.shapes) == 1 and not self.shapes[0]
        results = [] if single else [f"double *out{k}" for k in range(len(p.outputs))]
        self._outputs(single)
        extents = [f"ptrdiff_t {self.extents[d]}" for d in self.extents]
        arguments = [
            f"const double *{self.arguments[n]}" if x.shape else f"double {self.arguments[n]}"
            for n, x in p.parameters
        ]
        memory = [f"double *{self.workspace}"] if self.sizes else []
        parameters = ", ".join([*extents, *arguments, *results, *memory]) or "void"
        head = f"{'double' if single else 'void'} {self.name}({parameters})"
        body = [wrapped(head), "{", *[f"{INDENT}(void){self.extents[d]};" for d in self.extents]]
        body += [
            *[f"{INDENT}(void){self.arguments[n]};" for n, _ in p.parameters],
            *self.lines,
            "}",
            "",
        ]
        heads = [(doc, head)]
        if self.sizes:
            more = f"ptrdiff_t {self.name}_workspace({', '.join(extents) or 'void'})"
            heads.append((f"How many doubles the workspace of {self.name} has.", more))
            total = " + ".join(self.sizes)
            unused = [f"{INDENT}(void){self.extents[d]};" for d in self.extents]
            body += [wrapped(more), "{", *unused, f"{INDENT}return {total};", "}", ""]
        return files(self.name, heads, "\n".join(body))

    def _outputs(self, single: bool) -> None:
        p = self.p
        for k, v in enumerate(p.outputs):
            own = self._kind(v)
            whole = p.instrs[v].shape == self.shapes[k] != ()
            if whole and v not in self.buffers and not own.leaf and not own.view:
                self.buffers[v] = f"out{k}"
        for v in range(len(p.instrs)):
            if self.live[v] and not self._inlined(v):
                self._fill(v)
        for k, v in enumerate(p.outputs):
            if single:
                lines, text = self._entry(v, [])
                self._write(*lines, f"return {text};")
            elif self.buffers.get(v) != f"out{k}":
                self._nest(self.shapes[k], partial(self._store, k, v))

    def _store(self, k: int, v: Value, at: list[str]) -> None:
        """An entry of a result, to which a value broadcasts."""
        shape = self.shapes[k]
        lines, text = self._entry(v, self.places.along(self.p.instrs[v].shape, shape, at))
        self._write(*lines, f"out{k}[{self.places.offset(shape, at)}] = {text};")

    # Which values are arrays of their own

    def _kind(self, v: Value) -> Kind:
        kind = self.p.instrs[v].kind
        return ONCE.get(kind.code, kind) if isinstance(kind, Written) else kind

    def _inlined(self, v: Value) -> bool:
        """Whether a value is computed, or looked up, where it is used."""
        kind = self._kind(v)
        if kind.leaf or kind.view or isinstance(kind, (Extent, PerExtent, Typed)):
            return True
        if isinstance(kind, Ufunc) and kind.name in TRUTHS:
            return True
        if not kind.entrywise or v in self.p.outputs or len(self.users[v]) != 1:
            return False
        (user,) = self.users[v]
        used = self._kind(user)
        return isinstance(used, Reduce) or (
            used.entrywise and self.p.instrs[user].shape == self.p.instrs[v].shape
        )

    # Values

    def _entry(self, v: Value, at: Sequence[str]) -> tuple[list[str], str]:
        """The statements and the expression of an entry."""
        region: dict[tuple[Value, tuple[str, ...]], int] = {}
        instrs: list[tuple[Kind, list[int]]] = []
        inputs: list[str] = []

        order: list[tuple[Value, tuple[str, ...], bool]] = [(v, tuple(at), False)]
        while order:
            u, place, ready = order.pop()
            if (u, place) in region:
                continue
            if not self._is_inside(u):
                region[u, place] = len(instrs)
                instrs.append((Argument(str(len(inputs))), []))
                inputs.append(self._looked_up(u, place))
                continue
            instr = self.p.instrs[u]
            operands = [
                (a, tuple(self.places.along(self.p.instrs[a].shape, instr.shape, place)))
                for a in instr.args
            ]
            if not ready:
                order.append((u, place, True))
                order += [(*operand, False) for operand in operands]
                continue
            region[u, place] = len(instrs)
            instrs.append((self._kind(u), [region[operand] for operand in operands]))
        made: ScalarSteps = steps_of_region(instrs, region[v, tuple(at)])
        written = Statements(made, inputs, f"v{self.numbers}_")
        self.numbers += 1
        return written.lines, written.outputs[0]

    def _is_inside(self, v: Value) -> bool:
        """Whether a value is computed at this place, not looked up."""
        kind = self._kind(v)
        if isinstance(kind, (Literal, Typed)):
            return True
        return v not in self.buffers and kind.entrywise

    def _looked_up(self, v: Value, at: Sequence[str]) -> str:
        instr, kind, at = self.p.instrs[v], self._kind(v), list(at)
        while kind.view:
            (v,) = instr.args
            source = self.p.instrs[v].shape
            at = self.places.through(kind, source, instr.shape, at)
            instr, kind = self.p.instrs[v], self._kind(v)
        if isinstance(kind, Extent):
            return f"(double)({self.places.dim(kind.dim)})"
        if isinstance(kind, PerExtent):
            parts = [self._looked_up(a, []) for a in instr.args]
            return f"({parts[0]}/{parts[1]})"
        if isinstance(kind, (Literal, Typed)):
            return f"({c_number(float(kind.value))})"
        name = self.buffers.get(v)
        if isinstance(kind, Argument):
            name = self.arguments[kind.name]
        if name is None:
            raise Unsupported(f"a view of {words_of(kind)}")
        return f"{name}[{self.places.offset(instr.shape, at)}]" if instr.shape else name

    # Loops

    def _write(self, *lines: str) -> None:
        self.lines += [INDENT * self.depth + line for line in lines]

    def _nest(self, shape: Shape, body: Callable[[list[str]], None]) -> None:
        """Loops over a shape; `body` writes what is done at a place."""
        at = []
        for d in shape:
            i = f"i{self.numbers}"
            self.numbers += 1
            at.append(i)
            self._write(f"for (ptrdiff_t {i} = 0; {i} < {self.places.dim(d)}; ++{i}) {{")
            self.depth += 1
        body(at)
        for _ in shape:
            self.depth -= 1
            self._write("}")

    def _buffer(self, v: Value) -> str:
        """The array or number that a value is kept in."""
        shape = self.p.instrs[v].shape
        if v not in self.buffers:
            name = f"a{v}"
            if not shape:
                self._write(f"double {name};")
            else:
                before = " + ".join(self.sizes) or "0"
                self._write(f"double *{name} = {self.workspace} + {before};")
                self.sizes.append(self.places.size(shape))
            self.buffers[v] = name
        return self.buffers[v]

    def _fill(self, v: Value) -> None:
        """The loops that compute a value."""
        kind, shape = self._kind(v), self.p.instrs[v].shape
        made = FILLED.get(type(kind))
        if made is None and not kind.entrywise:
            raise Unsupported(words_of(kind))
        if made is not None:
            getattr(self, made)(v, kind)
            return
        name = self._buffer(v)

        def entry(at: list[str]) -> None:
            lines, text = self._entry(v, at)
            self._write(*lines, f"{self._at(name, shape, at)} = {text};")

        del self.buffers[v]  # its entries are computed now, not looked up
        self._nest(shape, entry)
        self.buffers[v] = name

    def _at(self, name: str, shape: Shape, at: Sequence[str]) -> str:
        return f"{name}[{self.places.offset(shape, at)}]" if shape else name

    def _total(
        self, name: str, target: str, inner: Shape, entry: Callable[[list[str]], str]
    ) -> None:
        """A reduction of the entries over some axes, to a place; sums by blocks."""
        reduction = REDUCTIONS[name]
        self._write("{")
        self.depth += 1
        self._write(f"double total = {reduction.start};")
        if name == "add":
            self._write("double part = 0.0;", "int filled = 0;")

        def body(at: list[str]) -> None:
            self._write(f"const double value = {entry(at)};")
            if name == "add":
                self._write("part += value;")
                self._write(
                    f"if (++filled == {BLOCK}) {{ total += part; part = 0.0; filled = 0; }}"
                )
            else:
                self._write(reduction.step)

        self._nest(inner, body)
        if name == "add":
            self._write("total += part;")
        self._write(f"{target} = {reduction.end.format(total='total')};")
        self.depth -= 1
        self._write("}")

    def _reduce(self, v: Value, kind: Reduce) -> None:
        (a,) = self.p.instrs[v].args
        source = self.p.instrs[a].shape
        if kind.function not in REDUCTIONS:
            raise Unsupported(kind.function)
        rank = len(source)
        axes = range(rank) if kind.axes is None else [axis % rank for axis in kind.axes]
        reduced = set(axes)
        kept = [k for k in range(rank) if k not in reduced]
        name, shape = self._buffer(v), self.p.instrs[v].shape

        def one(outer: list[str]) -> None:
            place = dict(zip(kept, outer, strict=True))
            at = [place.get(k, "0") for k in range(rank)] if kind.keepdims else outer

            def entry(inner: list[str]) -> str:
                everywhere = {**place, **dict(zip(sorted(reduced), inner, strict=True))}
                lines, text = self._entry(a, [everywhere[k] for k in range(rank)])
                self._write(*lines)
                return text

            inner = tuple([source[k] for k in sorted(reduced)])
            self._total(kind.function, self._at(name, shape, at), inner, entry)

        self._nest(tuple([source[k] for k in kept]), one)

    def _contract(self, v: Value, kind: Contract) -> None:
        args = self.p.instrs[v].args
        extent: dict[Any, Dim] = {}
        for a, labels in zip(args, kind.inputs, strict=True):
            for label, d in zip(labels, self.p.instrs[a].shape, strict=True):
                if extent.get(label, 1) == 1:
                    extent[label] = d
        summed = [label for label in extent if label not in kind.out]
        name, shape = self._buffer(v), self.p.instrs[v].shape

        def one(outer: list[str]) -> None:
            place: dict[Any, str] = dict(zip(kind.out, outer, strict=True))

            def entry(inner: list[str]) -> str:
                everywhere = {**place, **dict(zip(summed, inner, strict=True))}
                factors = []
                for a, labels in zip(args, kind.inputs, strict=True):
                    own = self.p.instrs[a].shape
                    at = [
                        "0" if d == 1 and extent[label] != 1 else everywhere[label]
                        for label, d in zip(labels, own, strict=True)
                    ]
                    lines, text = self._entry(a, at)
                    self._write(*lines)
                    factors.append(f"({text})")
                return "*".join(factors)

            inner = tuple([extent[label] for label in summed])
            self._total("add", self._at(name, shape, outer), inner, entry)

        self._nest(tuple([extent[label] for label in kind.out]), one)

    def _zeros(self, v: Value) -> str:
        name, shape = self._buffer(v), self.p.instrs[v].shape
        self._nest(shape, lambda at: self._write(f"{self._at(name, shape, at)} = 0.0;"))
        return name

    def _place(self, v: Value, kind: Place) -> None:
        name, shape = self._zeros(v), self.p.instrs[v].shape
        for a, index, minus in zip(self.p.instrs[v].args, kind.places, kind.negative, strict=True):

            def put(
                at: list[str], a: Value = a, index: Sequence[object] = index, minus: bool = minus
            ) -> None:
                to = self.places.indexed(index, shape, at)
                lines, text = self._entry(a, at)
                sign = "-=" if minus else "+="
                self._write(*lines, f"{self._at(name, shape, to)} {sign} {text};")

            self._nest(self.p.instrs[a].shape, put)

    def _on_diagonal(self, v: Value, kind: OnDiagonal) -> None:
        name, shape = self._zeros(v), self.p.instrs[v].shape
        (a,) = self.p.instrs[v].args

        def put(at: list[str]) -> None:
            place = dict(zip(kind.labels, at, strict=True))
            lines, text = self._entry(a, at)
            to = self._at(name, shape, [place[label] for label in kind.out])
            self._write(*lines, f"{to} = {text};")

        self._nest(self.p.instrs[a].shape, put)

    def _concatenate(self, v: Value, kind: Concatenate) -> None:
        name, shape = self._buffer(v), self.p.instrs[v].shape
        axis, before = kind.axis % len(shape), "0"
        for a in self.p.instrs[v].args:

            def put(at: list[str], a: Value = a, before: str = before) -> None:
                to = [f"{before} + {i}" if k == axis else i for k, i in enumerate(at)]
                lines, text = self._entry(a, at)
                self._write(*lines, f"{self._at(name, shape, to)} = {text};")

            own = self.p.instrs[a].shape
            self._nest(own, put)
            before = f"{before} + {self.places.dim(own[axis])}"


# The methods that fill the array of a value, by its kind
FILLED: Final[Mapping[type[Kind], str]] = {
    Reduce: "_reduce",
    Contract: "_contract",
    Place: "_place",
    OnDiagonal: "_on_diagonal",
    Concatenate: "_concatenate",
}
