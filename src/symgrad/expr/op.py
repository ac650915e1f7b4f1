"""`Op`: the frozen record that holds all that is known about one operation.

What can be derived has a default that derives it, so that the record of a new op needs little: see the
page on adding an operation, docs/how_to/add_an_operation.md.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from symgrad.expr.dims import Dim, Shape
from symgrad.expr.interval import Interval
from symgrad.expr.kinds import Kind
from symgrad.expr.order import FUNCTION
from symgrad.expr.types import Ty

if TYPE_CHECKING:
    from symgrad.expr.node import Expr

Params = tuple[Any, ...]
Rename = Callable[[str], Dim]
Batch = Callable[["Expr", "Sequence[Expr]", "Sequence[bool]", Dim], "Expr"]
Part = tuple[Any, "Expr"] | None
Columns = tuple["Sequence[tuple[Expr, int]]", Callable[["list[Expr]"], "Expr"]]


def _keep_params(params: Params, rename: Rename) -> Params:
    return params


@dataclass(frozen=True, eq=False, kw_only=True)
class Op:
    """What every layer knows of an operation.

    Attributes
    ----------
    name : str
        NumPy's or SciPy's name.
    build : callable
        ``build(args, params)``: the node, after the op's O(1) local rewrites.
    infer : callable
        ``infer(args, params)``: shape and element type; operands are already checked.
    vjp : callable or None
        ``vjp(g, y, needed)``: for each operand of the node `y` the cotangent that `g` sends to it, or
        None where there is none (integers, booleans) or `needed` is false. No rule: no derivative.
    jvp : callable or None
        ``jvp(y, tangents)``: the tangent of `y`; a tangent that is None is zero. Tangents may have
        trailing axes beyond those of their operand, the same for all: one direction per entry.
        Elementwise ops need no rule: their tangents follow from `vjp`.
    commutative : bool
        Whether nodes match with operands in any order.
    order : str or callable
        Where a node stands among the factors of a product: one of the places of `symgrad.expr.order`,
        with the op's name and the operands after it; or ``order(args, params, rank)``, the whole text.
    key : callable or None
        ``key(args, params)``: what nodes are matched by, where it is not the operands in their order
        and the parameters, as a pair of the like; equal keys must mean equal values.
    fields : NamedTuple class or None
        What the parameters of a node are, by name; None: a plain tuple.
    elementwise : bool
        Whether operands and result have one shape and entries do not mix.
    matrices : bool
        Whether operands and result have the same leading axes, and the op acts on the matrices behind
        them, one of each operand, as NumPy's linear algebra does.
    moves : bool
        Whether each entry of the result is an entry of an operand, or zero, whatever the values of floats.
    linear : bool or callable
        Whether it is linear in its operands together; or a function of the node.
    singular : bool, callable or None
        Whether the derivative may be infinite or undefined at some argument; or a function of the node.
        None: what may raise is, and an elementwise function that tests may not sample everywhere.
    raises : bool
        Whether code raises `numpy.linalg.LinAlgError` at some values.
    numpy, scalar : str, Kind, callable or None
        What computes it on arrays, as a template over operands, ``"np.sin({0})"``, or as a kind of
        instruction (`symgrad.expr.kinds`); and a template for Python floats. Either may be a function
        of the node.
    part : int or None
        Where the code gives a tuple, as ``np.linalg.eigh({0})`` does: which item the node is. Ops with
        the same code and operands share one call.
    alone : str or None
        Cheaper code for the item, ``np.linalg.eigvalsh({0})``, where no other item of the call is
        needed.
    definitions : callable or None
        ``definitions(node)``: source of functions that the code calls, by name, where they differ from
        node to node.
    cost : int or None
        What an entry of the result takes in code, where one addition takes 1. None: the functions in the
        code added up, where SciPy's take 20 and what says nothing takes 1.
    factored : str or None
        The method of a factored matrix that computes it: how ops share the factors of one matrix.
    batch : callable or None
        ``batch(node, args, carries, dim)``: the node over operands some of which carry one more leading
        axis, of extent `dim`, with that axis in front. None: elementwise ops and functions of matrices
        take it as it is, others are refused. Rules that several ops share are in `symgrad.ops.batch`.
    unrolled : callable or None
        ``unrolled(node, *arrays)``: the entries of the result as a NumPy array, from object arrays of the
        entries of the operands, with arithmetic, indexing and what NumPy does on objects; plain numbers
        may stand among them. It gives the code on floats of small arrays, the SymPy image and the
        sparsity. None: elementwise ops are applied to each entry, others have no such form.
    entries : callable or None
        ``entries(node, parts)``: which entries of the result may differ from zero, as a pair of their
        sorted positions in C order and the vector of their values, or None where all may; a part is the
        like of an operand. Extents are known. None: what `elementwise`, `linear`, `moves` and `unrolled`
        say, and all entries where they say nothing.
    columns : callable or None
        ``columns(node, axis, seed)``: how the node times a matrix, `seed`, along `axis` is made of the
        operands times that matrix: a pair of ``[(operand, axis), ...]`` and a function from the list of
        those to the node; None where it is not. None: linear elementwise ops pass it on to their
        operands; others stop it, and entries of a Jacobian are then not computed by groups of columns.
    keeps_symmetry : bool
        Whether a symmetric operand gives a symmetric result.
    text, latex : str, callable or None
        Notation as a template over operands, or a function ``node -> template``.
    sympy : callable or None
        ``sympy(sp, *images)``: the SymPy image; called with the node's params after the images when
        it has any. Images are scalars of an elementwise op, matrices of one that acts on matrices, and all
        the entries that go into one of a reduction or scan.
    formula : callable or None
        ``formula(node)``: the node in other ops, equal to it where that is defined: how it is printed,
        and what SymPy gets. For derivatives whose formula has holes that its code has not, such as
        ``p*x**(p - 1)`` at x = 0.
    label : callable or None
        ``label(node)``: the name that a node carries.
    map_dims : callable
        ``map_dims(params, rename)``: the parameters with dim names replaced.
    range : Interval, callable or None
        Where the values lie wherever they are numbers, as those of the real function; or a function
        ``range(node, *ranges)`` of the intervals of the operands. None: what the element type says.
    assumptions : callable or None
        ``assumptions(node)``: what is assumed of the values, by the names that `symbol` takes.
    domain : tuple of (float, float)
        Per operand, the interval in which tests may sample.
    special : tuple of float
        Further arguments at which the tests compare values.
    own : bool
        Whether it is no op of the library, so that a pickle holds the op itself.
    notes : str
        Documented choices, such as the derivative at a kink.
    """

    name: str
    build: Callable[[tuple[Expr, ...], Params], Expr]
    infer: Callable[[tuple[Expr, ...], Params], tuple[Shape, Ty]]
    vjp: Callable[[Expr, Expr, Sequence[bool]], Sequence[Expr | None]] | None = None
    jvp: Callable[[Expr, Sequence[Expr | None]], Expr | None] | None = None
    commutative: bool = False
    order: str | Callable[[tuple[Expr, ...], Params, str], str] = FUNCTION
    key: Callable[[tuple[Expr, ...], Params], Any] | None = None
    fields: Callable[..., Params] | None = None
    elementwise: bool = False
    matrices: bool = False
    moves: bool = False
    linear: bool | Callable[[Expr], bool] = False
    singular: bool | Callable[[Expr], bool] | None = None
    raises: bool = False
    numpy: str | Kind | Callable[[Expr], str | Kind] | None = None
    scalar: str | Callable[[Expr], str] | None = None
    part: int | None = None
    alone: str | None = None
    definitions: Callable[[Expr], Mapping[str, str]] | None = None
    cost: int | None = None
    factored: str | None = None
    batch: Batch | None = None
    unrolled: Callable[..., Any] | None = None
    entries: Callable[[Expr, Sequence[Part]], Part] | None = None
    columns: Callable[[Expr, int, Expr], Columns | None] | None = None
    keeps_symmetry: bool = False
    text: str | Callable[[Expr], str] | None = None
    latex: str | Callable[[Expr], str] | None = None
    sympy: Callable[..., Any] | None = None
    formula: Callable[[Expr], Expr] | None = None
    label: Callable[[Expr], str] | None = None
    map_dims: Callable[[Params, Rename], Params] = _keep_params
    range: Interval | Callable[..., Interval] | None = None
    assumptions: Callable[[Expr], tuple[str, ...]] | None = None
    domain: tuple[tuple[float, float], ...] = ()
    special: tuple[float, ...] = ()
    own: bool = False
    notes: str = ""

    def __repr__(self) -> str:
        return f"<op {self.name}>"
