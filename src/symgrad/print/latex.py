r"""A formula as LaTeX, as a textbook sets it: ``\frac{x}{2}``, ``A^{\top} x``, ``\sqrt{x}``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from symgrad.calls import checked
from symgrad.errors import ArgumentError
from symgrad.expr.node import Expr
from symgrad.expr.traverse import toposort
from symgrad.ops.einsum import insert_axes, is_layout
from symgrad.ops.elementwise import as_expr, formula_of
from symgrad.print.definitions import CARRY_NAMES, WritingPlan, plan_of
from symgrad.print.extents import rank_read
from symgrad.print.indices import IndexWriter, says_all
from symgrad.print.latex_apart import told_apart
from symgrad.print.latex_leaves import matrix, shape_piece
from symgrad.print.latex_names import latex_name
from symgrad.print.latex_options import MODES, LatexOptions, options_of
from symgrad.print.latex_printer import LatexPrinter
from symgrad.print.nested_choices import as_one_choice
from symgrad.print.printer import LINE_LENGTH, MAX_LENGTH, Document
from symgrad.print.reading import shown
from symgrad.rewrite.readable import readable
from symgrad.rewrite.simplify import simplify_all
from symgrad.structure.kronecker import kronecker_sum
from symgrad.structure.recognise import form_of

STYLES: Final = ("matrix", "index")

Names = Mapping[Expr, str]


@checked
def latex(
    e: Any,
    style: str = "matrix",
    max_length: int = MAX_LENGTH,
    *,
    mode: str = "plain",
    exp: str = "auto",
    symbol_names: Mapping[Any, str] | None = None,
    mul_symbol: str | None = None,
    fold_frac: bool = False,
    fold_short_frac: bool = False,
    fold_frac_powers: bool = False,
) -> str:
    r"""`e` as LaTeX, without dollar signs.

    Parameters
    ----------
    e : expression, list of expressions, list of lists of them, or dict of any of these
        Of any shape and dtype; of a Variable its formula. A list, such as `grad` gives for several
        symbols, is a column, a list of lists, such as the block form of `hessian`, a matrix of blocks. A
        dict is a line for each key, a symbol or a name, and its value.
    style : str
        ``"matrix"`` writes tensors as ``A^{\top} x``, without indices, where matrix notation can say it;
        ``"index"`` writes entries, as ``\sum_{j} A_{ij} x_{j}``, whose free indices i, j, k, ... are the
        axes in order. What matrix notation cannot say, such as a product of tensors of order three, is
        written with indices in both styles; a tensor of order four that is diagonal, of low rank, a sum of
        both, or made of Kronecker products, as the matrix of its entries in C order, in brackets with the
        index ``(ij)(kl)``; there ``\operatorname{vec}`` puts the rows of a matrix one after the other.
        Shapes are told where nothing else shows them: ``\mathbf{1}_{n}``, ``\mathbf{0}_{m \times n}``,
        ``(i < 2)`` after a formula with indices.
    max_length : int
        Number of characters after which further definitions are left out, and counted.
    mode : str
        ``"plain"``; or as in SymPy ``"inline"`` (in dollars), ``"equation"``, ``"equation*"``. In
        ``"align"`` or ``"align*"`` the formula and each definition are a line, numbered by LaTeX
        without the star.
    exp : str
        ``"auto"`` writes ``e^{u}`` for short scalar exponents and ``\exp\left(u\right)`` else, ``"power"``
        and ``"function"`` one of them always. A matrix exponential is ``e^{S}``; the exponential of each
        entry of an array is ``\exp\left(S\right)``, unless ``"power"`` is asked for.
    symbol_names : dict
        LaTeX for symbols (or their names), as ``{x: r"\mathbf{x}"}``.
        Of two names that one formula, or a list of them, would write alike, such as ``x2`` and ``x_2``,
        or that look like something else in it, as ``u_1`` beside ``u[1]``, one is written as it is typed.
    mul_symbol : str
        Between factors: None, ``"dot"``, ``"ldot"`` or ``"times"``. None is a space, and a dot where two
        factors would be read as one thing: before a digit, and between a name and brackets.
    fold_short_frac, fold_frac_powers : bool
        Write short fractions as ``x / y``, and fractions in exponents as ``x^{1/3}``; `fold_frac` is both.

    Raises
    ------
    ArgumentError
        For an option that is not among these, or a nest that is neither a list nor a list of equally
        long lists, or a dict of such.

    Examples
    --------
    >>> import symgrad as sg
    >>> x = sg.symbol("x")
    >>> print(latex(x**2 / (2 * sg.sqrt(x))))
    \frac{x^{2}}{2 \sqrt{x}}
    >>> print(latex(sg.hessian(x**2 * sg.symbol("y"), [x, sg.symbol("y")])))
    \begin{bmatrix} 2 y & 2 x \\ 2 x & 0 \end{bmatrix}
    >>> print(latex({"f": x**2, "f'": sg.diff(x**2, x)}, mode="align*"))
    \begin{align*}
    f &= x^{2} \\
    f' &= 2 x
    \end{align*}
    """
    for what, given, known in (("style", style, STYLES), ("mode", mode, MODES)):
        if given not in known:
            listed = ", ".join(map(repr, known))
            raise ArgumentError(f"unknown LaTeX {what} {given!r}; known: {listed}")
    options = options_of(
        exp, symbol_names, fold_frac, fold_short_frac, fold_frac_powers, mul_symbol
    )
    how = _How(style, max_length, _all_apart(e, options))
    if isinstance(e, Mapping):
        return _in_mode(_equations(e, how), mode, before="")
    return _in_mode(_shown(e, how, {})[0], mode)


def _all_apart(e: Any, options: LatexOptions) -> LatexOptions:
    """The options, with LaTeX for the names that formulas printed together would write alike."""
    if not isinstance(e, (Mapping, list, tuple, np.ndarray)):
        return options
    together: list[Any] = [*e, *e.values()] if isinstance(e, Mapping) else list(e)
    found: list[Expr] = []
    while together:
        part = together.pop()
        if isinstance(part, (list, tuple, np.ndarray)):
            together.extend(part)
        elif isinstance(part, Expr):
            found.append(part)
    nodes = toposort(found)
    definitions = [str(node.name) for node in nodes if node.op in CARRY_NAMES]
    return options._replace(symbol_names=told_apart(nodes, definitions, options.symbol_names))


class _How(NamedTuple):
    """What the caller chose."""

    style: str
    max_length: int
    options: LatexOptions


def _in_mode(document: Document, mode: str, before: str = "&") -> str:
    """The formula alone, in dollars, or in an environment.

    `before` aligns it with definitions; equations have their alignment, and need the environment.
    """
    lines = [f"{before}{document.body}"]
    lines += [f"{name} &= {value}" for name, value in document.definitions]
    lines += [rf"&\text{{{document.hidden} more definitions left out}}"] * bool(document.hidden)
    rows = " \\\\\n".join(lines)
    if mode.startswith("align"):
        return _environment(mode, rows)
    shown = _assembled(document) if before else _environment("aligned", rows)
    if mode == "plain":
        return shown
    return f"${shown}$" if mode == "inline" else _environment(mode, shown)


def _environment(name: str, body: str) -> str:
    return f"\\begin{{{name}}}\n{body}\n\\end{{{name}}}"


def _equations(given: Mapping[Any, Any], how: _How) -> Document:
    """A line for each key and its value, and the definitions of all of them."""
    names: dict[Expr, str] = {}
    definitions: dict[str, str] = {}
    hidden = 0
    lines: list[str] = []
    for key, value in given.items():
        if not isinstance(key, (str, Expr)):
            raise ArgumentError(
                f"a key of what LaTeX shows must be a symbol or a name, not {key!r}"
            )
        left = latex_name(key) if isinstance(key, str) else _document(key, how, names)[0].body
        document, found = _shown(value, how, names)
        lines.append(f"{left} &= {document.body}")
        definitions |= dict(document.definitions)
        hidden += document.hidden
        names |= found
    if not lines:
        raise ArgumentError("an empty dict has no LaTeX")
    return Document(" \\\\\n".join(lines), list(definitions.items()), hidden)


def _shown(e: Any, how: _How, known: Names) -> tuple[Document, Names]:
    """An expression or a nest of lists, and the names that it gives to parts."""
    if isinstance(e, (list, tuple, np.ndarray)):
        return _blocks(_rows_of(e), how, known)
    return _document(as_expr(formula_of(e)), how, known)


def _rows_of(e: Any) -> list[list[Expr]]:
    """A list as a column, a list of lists as it is."""
    rows = [list(part) if isinstance(part, (list, tuple, np.ndarray)) else [part] for part in e]
    nested = any(isinstance(x, (list, tuple, dict)) for row in rows for x in row)
    if nested or len({len(row) for row in rows}) != 1 or not rows[0]:
        raise ArgumentError(
            "LaTeX shows an expression, a list of expressions as a column, or a list of equally long"
            f" lists as a matrix of blocks, not {type(e).__name__} of"
            f" {', '.join(sorted({type(part).__name__ for part in e})) or 'nothing'}"
        )
    return [[as_expr(formula_of(x)) for x in row] for row in rows]


def _blocks(
    rows: Sequence[Sequence[Expr]], how: _How, known: Names
) -> tuple[Document, dict[Expr, str]]:
    """A matrix of blocks, and the definitions of all of them."""
    names = dict(known)
    definitions: dict[str, str] = {}
    hidden = 0
    bodies: list[list[str]] = []
    lines = [*rows, *zip(*rows, strict=True)]
    flat = [any(not block.shape for block in line) for line in lines]  # of one row, of one column
    for i, row in enumerate(rows):
        bodies.append([])
        for j, block in enumerate(row):
            if is_layout(block):  # a block below the diagonal is the transpose of one above it
                (block,) = simplify_all([block])
            if block.ndim == 1 and flat[i] and not flat[len(rows) + j]:
                block = _as_row(block)
            document, found = _document(block, how, names)
            bodies[-1].append(document.body)
            definitions |= dict(document.definitions)
            hidden += document.hidden
            names |= found
    return Document(matrix(bodies).text, list(definitions.items()), hidden), names


def _as_row(x: Expr) -> Expr:
    """A vector as the one row of a matrix: a block beside a scalar, as ``2 u^T`` is."""
    return simplify_all([insert_axes(x, (0,))])[0]


def _document(e: Expr, how: _How, known: Names) -> tuple[Document, Names]:
    """One formula, and the names that it gives to parts; `known` are those given before."""
    e = readable(e)
    plan = plan_of(e, known)
    if how.style == "matrix":
        flat = None if says_all(plan) else _flat_plan(e, known)
        whole = flat or plan
        short = plan_of(as_one_choice(shown(whole.root, latex=True)), known)
        if says_all(whole) or says_all(short):
            document = LatexPrinter(short, _apart(how, short)).document(how.max_length)
            return _marked(document, e, short, bool(flat)), short.names

    plan = plan_of(as_one_choice(e), known)
    options = _apart(how, plan)

    def in_matrices(part: Expr) -> str:
        """A formula in matrix notation, whatever it takes."""
        part = shown(part, latex=True)
        return LatexPrinter(plan_of(part), options).render(part)

    writer = IndexWriter(plan, LatexPrinter(plan, options), in_matrices)
    document = writer.document(how.max_length)
    return document, writer.names


def _apart(how: _How, plan: WritingPlan) -> LatexOptions:
    """The options, with LaTeX for the names that would be written alike."""
    return how.options._replace(
        symbol_names=told_apart(plan.views, plan.names.values(), how.options.symbol_names)
    )


def _flat_plan(e: Expr, known: Names) -> WritingPlan | None:
    """A derivative of order four as a matrix, where it has a structure."""
    if e.ndim != 4:
        return None
    form = form_of(e)
    flat = kronecker_sum(e) if form is None else form.flat()
    return None if flat is None else plan_of(flat, known)


def _marked(document: Document, e: Expr, plan: WritingPlan, flat: bool) -> Document:
    """What stands for an array of another shape, with a mark that says so.

    A matrix stands for a tensor of order four: its rows are the pairs of the first two axes, its columns
    those of the last two. A vector stands for the matrix of its one column, and the other way round.
    """
    if flat:
        return document._replace(body=rf"\left[{document.body}\right]_{{(ij)(kl)}}")
    if rank_read(plan) == e.ndim:
        return document
    extents = shape_piece(e.shape).text
    return document._replace(body=rf"{document.body} \quad \left({extents}\right)")


def _assembled(document: Document) -> str:
    """Body and definitions: on one line if they fit, else in an aligned environment."""
    body, definitions, hidden = document
    if not definitions:
        return body
    lines = [f"{name} = {value}" for name, value in definitions]
    if hidden:
        lines.append(rf"\text{{{hidden} more definitions left out}}")
    listed = r",\; ".join(lines)
    line = rf"{body} \quad \text{{where }} {listed}"
    if len(line) <= LINE_LENGTH or len(lines) == 1:
        return line
    rows = " \\\\\n".join(f"&{row}" for row in [rf"{body} \quad \text{{where}}", *lines])
    return f"\\begin{{aligned}}\n{rows}\n\\end{{aligned}}"
