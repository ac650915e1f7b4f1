"""Everything symgrad raises on purpose: one family under `SymgradError`.

Each class also derives from the built-in exception that NumPy or Python would raise in the same
situation, so existing ``except ValueError`` code keeps working.
"""


class SymgradError(Exception):
    """Base of every error that symgrad raises on purpose."""


class ShapeError(SymgradError, ValueError):
    """Shapes, axes or extents that do not fit together."""


class DTypeError(SymgradError, TypeError):
    """A dtype or a kind of value that an operation cannot take."""


class ArgumentError(SymgradError, TypeError, ValueError):
    """A wrong, missing or unknown argument of a symgrad call or of a compiled callable.

    It is a `TypeError`, as Python raises for a call that does not fit, and a `ValueError`, as NumPy raises
    for a value that does not.
    """


class MixedError(ArgumentError):
    """A symbol met a value with data of its own, such as a Variable.

    Attributes
    ----------
    lift : callable
        The hook by which such values carry calls out: see `symgrad.ops.elementwise.lift_of`.
    """

    def __init__(self, message: str, lift: object) -> None:
        super().__init__(message)
        self.lift = lift

    def __reduce__(self) -> tuple[type, tuple[str, None]]:
        return type(self), (str(self), None)  # another process has no data to carry


class TruthError(SymgradError, TypeError):
    """A symbolic expression was used where Python needs to know true or false."""


class SymbolicIterationError(SymgradError, TypeError):
    """Iteration or `len` over an extent that is not known while the graph is built."""


class DerivativeError(SymgradError, TypeError):
    """A derivative that does not exist, or was asked for in a form that has no meaning."""


class GraphError(SymgradError, AssertionError):
    """A graph that breaks an invariant; raised by the checker, never in normal use."""


class GradientCheckError(SymgradError, AssertionError):
    """`check_grad` found a derivative that disagrees with differences of the value."""


class ConvergenceError(SymgradError, ArithmeticError):
    """A solver did not converge, and was asked to raise in that case.

    Attributes
    ----------
    solution : Solution
        Where it stopped, and why.
    """

    def __init__(self, message: str, solution: object) -> None:
        self.solution = solution
        super().__init__(message)

    def __reduce__(self) -> tuple[type, tuple[object, ...]]:
        return type(self), (str(self), self.solution)


class NativeError(SymgradError, RuntimeError):
    """Native code that cannot be made here: llvmlite is not installed, or does not know the machine."""


class ConversionError(SymgradError, TypeError):
    """An expression without an image on the other side of a bridge (SymPy, SciPy)."""


class ParseError(SymgradError, ValueError):
    """A formula text that is not a formula.

    Attributes
    ----------
    text : str
        The text that was parsed.
    offset : int
        Index into `text` of the offending place.
    reason : str
        What is wrong, and what is allowed.
    """

    def __init__(self, reason: str, text: str, offset: int) -> None:
        self.reason = reason
        self.text = text
        self.offset = max(0, min(offset, len(text)))
        super().__init__(f"{reason}\n{self.pointer()}")

    def __reduce__(self) -> tuple[type, tuple[object, ...]]:
        return type(self), (self.reason, self.text, self.offset)

    def pointer(self) -> str:
        """The text with a caret under the offending place, as two lines; a long text is cut."""
        start = max(0, self.offset - 60) if len(self.text) > 120 else 0
        stop = len(self.text) if len(self.text) <= 120 else start + 120
        before = "... " if start else ""
        after = " ..." if stop < len(self.text) else ""
        caret = " " * (len(before) + self.offset - start) + "^"
        return f"{before}{self.text[start:stop]}{after}\n{caret}"
