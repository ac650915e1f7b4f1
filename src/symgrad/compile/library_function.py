"""`LibraryFunction`: a formula as a function of the arrays of another library."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from symgrad.calls import checked
from symgrad.compile.arguments import Signature
from symgrad.compile.documented import Documented
from symgrad.compile.execute import execute
from symgrad.compile.pipeline import Draft
from symgrad.expr.pytrees import Nest, rebuild_nest
from symgrad.targets.libraries import LIBRARIES
from symgrad.targets.libraries.source import library_source
from symgrad.targets.lists import LIBRARY
from symgrad.targets.passes import run_passes


class LibraryFunction:
    """A compiled function of arrays of JAX or PyTorch; made by ``lambdify(..., backend="jax")``.

    It runs the program of the formula with the library's own functions: arrays of the library go in, and
    come out, and its transformations see through it: `jax.jit`, `jax.vmap` and `jax.grad`, or PyTorch's
    autograd and `torch.compile`. Types and devices are those of the library: JAX computes in single
    precision unless ``jax_enable_x64`` is set, and numbers of Python have PyTorch's default type.

    Attributes
    ----------
    source : str
        The code, a module with one function.
    args : tuple of Expr
    outputs : Expr or nest of Expr
    """

    __doc__ = Documented(__doc__, lambda function: function._doc)

    def __init__(
        self, draft: Draft, nest: Nest, signature: Signature, doc: str, library: str
    ) -> None:
        self.args = tuple(draft.args)
        self._leaves, self._nest = tuple(draft.leaves), nest
        self._signature, self._doc, self._library = signature, doc, library
        self.__name__ = draft.options.name
        program = run_passes(draft.lowered(), LIBRARY.passes)
        self.source = library_source(program, nest, self.__name__, doc, LIBRARIES[library])
        self._run = execute(self.source, self.__name__, {})

    def __call__(self, /, *args: Any, **named: Any) -> Any:
        values = self._signature.ordered(args, named) if named else list(args)
        self._signature.check_count(values)
        self._signature.check_shapes(values)
        return self._run(*values)

    @property
    def outputs(self) -> Any:
        """What is computed, in the form in which it was given."""
        return rebuild_nest(self._nest, list(self._leaves))

    @checked
    def save(self, path: Any) -> None:
        """Write the code as a standalone module to `path`."""
        Path(path).write_text(self.source, encoding="utf-8")

    @checked
    def explain(self) -> str:
        """What is computed, and with which library."""
        return f"{self._doc}\n\nwith the functions of {LIBRARIES[self._library].title}"

    def __repr__(self) -> str:
        names = ", ".join([str(x.name) for x in self.args])
        return f"<LibraryFunction {self.__name__}({names}) for {LIBRARIES[self._library].title}>"
