"""An array library: what it calls NumPy's functions, and how kinds are written with it.

A program is spelled as for NumPy, and the name of each function is looked up: first in the table of the
library, then among its helpers, then, under the same name, in the library itself. What is nowhere is
refused by name.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from symgrad.errors import ArgumentError
from symgrad.expr.kinds import Kind
from symgrad.targets.helpers import modules
from symgrad.targets.spelling import NumpySpelling, Spelling

FUNCTION: Final = re.compile(r"(?<![\w.])((?:np|scipy)(?:\.\w+)+|_\w+(?=\())")

DTYPE: Final = re.compile(r"dtype=np\.(\w+)")


@dataclass(frozen=True)
class ArrayLibrary:
    """An array library.

    Attributes
    ----------
    name : str
        That of `backend=`, and of the extra that installs it.
    title : str
        What it calls itself.
    alias : str
        The name in code of the module that has the functions of arrays.
    imports : dict from str to str
        The import of each name that code may mention.
    places : dict from str to str
        Where the functions of one of NumPy's or SciPy's modules are: ``"np.linalg"`` to ``"jnp.linalg"``.
    renamed : dict from str to str
        Functions by NumPy's names that are called otherwise, some of them helpers.
    helpers : Path
        The folder of the functions that go into code with it.
    inaccurate : set of str
        Functions by NumPy's names that are not taken, for the digits that they lose.
    kinds : dict from class to callable
        Kinds that are written in another way, ``write(names, kind, operands)``.
    """

    name: str
    title: str
    alias: str
    imports: Mapping[str, str]
    places: Mapping[str, str]
    renamed: Mapping[str, str]
    helpers: Path
    inaccurate: frozenset[str]
    kinds: Mapping[type[Kind], Callable[[Any, Any, list[str]], str | None]]

    def check(self) -> None:
        """Raise an error that says what to install where the library is missing."""
        try:
            importlib.import_module(self._module_of(self.alias))
        except ImportError as error:
            raise ArgumentError(
                f'backend="{self.name}" needs {self.title}: pip install "symgrad[{self.name}]"'
            ) from error

    def _module_of(self, alias: str) -> str:
        """The module that a name in code is imported as."""
        return re.split(r"\s+", self.imports[alias])[1]

    def spelled(self, function: str) -> str:
        """What a function of NumPy, of SciPy, or a helper is called.

        Raises
        ------
        ArgumentError
            Where the library has no such function.
        """
        if function in self.renamed:
            return self.renamed[function]
        if function.startswith("_"):
            if function in modules(self.helpers):
                return function
            raise self.lacks(function.lstrip("_"))
        place, _, name = function.rpartition(".")
        found = self.places.get(place)
        if found is None or function in self.inaccurate or not self._has(found, name):
            raise self.lacks(name)
        return f"{found}.{name}"

    def lacks(self, what: str) -> ArgumentError:
        """The error for what the library does not have."""
        return ArgumentError(
            f'{self.title} has no {what}, which this formula needs: leave backend="{self.name}" out, or'
            " write the formula without it"
        )

    def _has(self, place: str, name: str) -> bool:
        alias, *path = place.split(".")
        module = importlib.import_module(self._module_of(alias))
        for part in path:
            module = getattr(module, part)
        return hasattr(module, name)


class LibrarySpelling(NumpySpelling):
    """The spelling of kinds with the functions of a library."""

    def __init__(self, library: ArrayLibrary, dim_names: Mapping[str, str]) -> None:
        super().__init__(dim_names)
        self.library = library

    def __call__(self, kind: Kind, count: int) -> Spelling:
        """How a kind is written over `count` operands."""
        found = super().__call__(kind, count)
        write = self.library.kinds.get(kind.__class__)
        if write is not None:
            own = write(self, kind, [f"{{{i}}}" for i in range(count)])
            if own is not None:
                return Spelling(own, found.strength, (0,) * count)
        return replace(found, template=self.with_names(found.template))

    def with_names(self, template: str) -> str:
        """A template with the names that functions have in the library."""
        typed = DTYPE.sub(rf"dtype={self.library.alias}.\1", template)
        return FUNCTION.sub(lambda match: self.library.spelled(match[0]), typed)
