"""The command `symgrad`: derivatives of formulas, Newton's method on them, fits and pictures.

Exit codes: 0 for a result, 1 for an iteration that did not get where it was sent, 2 for bad input,
with one line on stderr that says what is wrong and, for a formula, a caret under the place.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

from symgrad.cli.options import parser, shielded
from symgrad.errors import SymgradError

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line `argv` (that of the process unless given) and return its exit code.

    Raises
    ------
    SystemExit
        With code 2 for wrong options, with code 0 after --help and --version.

    Examples
    --------
    >>> main(["diff", "x**4 - 2*x**2", "x"])
    4*x**3 - 4*x
    0
    """
    try:
        arguments = parser().parse_args(shielded(sys.argv[1:] if argv is None else argv))
        run: Callable[[Any], int] = arguments.run
        code = run(arguments)
        sys.stdout.flush()
        return code
    except (SymgradError, ArithmeticError, ValueError, OSError) as error:
        if isinstance(error, BrokenPipeError):  # the reader has seen enough, as `head` has
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 1
        print(f"symgrad: {error}", file=sys.stderr)
        return 2
