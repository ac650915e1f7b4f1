"""A sum of terms as a function of one quantity: values in long floats, with running bounds of the errors.

The bounds are those of double precision, in units of rounding. Reference: Higham, Accuracy and Stability of
Numerical Algorithms, 2002, section 3.3.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from operator import itemgetter
from typing import Any, Final, cast

from symgrad.expr.leaves import NAMED_NUMBER, value_of
from symgrad.expr.node import Expr
from symgrad.ops import ufuncs as f
from symgrad.ops.arithmetic import ADD, MUL, POW
from symgrad.ops.einsum import is_layout
from symgrad.rewrite.long_floats import FUNCTIONS

CIRCLE: Final = 64  # points on a circle around 0
MAX_POLE: Final = 16  # the highest order of a pole that is looked for
AROUND: Final = (2.0**-30, 2.0**-20, 2.0**-10, 2.0**-4)  # where rounding must explain it
FLOAT_ERROR: Final = 4  # units that a float in a formula may err by: it is a product of floats
LARGEST_ARGUMENT: Final = 4000  # bits before the point, of what functions are applied to
HELD: Final = {f.minimum: min, f.maximum: max}  # by a number, against overflow


def square_of(u: Expr) -> list[Expr]:
    """s of ``u = sqrt(s)``: its powers are powers of u too."""
    return [u.args[0]] if u.op is POW and value_of(u.args[1]) == Fraction(1, 2) else []


class OneVariable:
    """The sum of terms as a function of u, or of 1/u: its value, and a bound of its error in units."""

    def __init__(
        self, mp: Any, terms: Sequence[Expr], u: Expr, order: list[Expr], far: bool = False
    ) -> None:
        self.mp, self.terms, self.u, self.order, self.far = mp, terms, u, order, far
        self.rounded = any(isinstance(value_of(node), float) for node in order)
        self.noise: list[Any] = []

    def underflows(self) -> bool:
        """Whether it divides by a power of u that is 0 in floating point long before u is."""
        least = {self.u: -1, **dict.fromkeys(square_of(self.u), Fraction(-1, 2))}
        powers = [(n.args[0], value_of(n.args[1])) for n in self.order if n.op is POW]
        return any(base in least and n < least[base] for base, n in powers)

    def __call__(self, x: Any) -> tuple[Any, Any]:
        value, error = self.as_written(x)
        return (value - self._noise_at(x) if self.noise else value), error

    def as_written(self, x: Any, of_floats: int = 0) -> tuple[Any, Any]:
        """Value and error with the noise; every float in the formula errs by so many units."""
        known = self.values(x, of_floats)
        return sum_of([known[t] for t in self.terms])

    def take_out_noise(self, scale: Any) -> None:
        """Find the poles at 0 that are there only since the floats in the formula are rounded.

        ``0.3*cos(0.3*x)/x - sin(0.3*x)/x**2`` has none in real numbers; where 0.3 is multiplied by
        itself a pole is left that is smaller by the rounding. Poles are the coefficients of negative
        powers in Laurent's series, Cauchy's integrals around 0; they are noise where the rounding of
        the terms explains them, close to 0 and farther off.
        """
        if not self.rounded:
            return
        mp, radius = self.mp, scale / 16
        turns = [mp.expjpi(mp.mpf(2 * j) / CIRCLE) for j in range(CIRCLE)]
        values = [self.as_written(radius * t)[0] for t in turns]
        poles = [
            mp.re(sum(v * turns[j * k % CIRCLE] for j, v in enumerate(values)) / CIRCLE) * radius**k
            for k in range(1, MAX_POLE + 1)
        ]
        least = max(map(abs, values)) * 2.0**-150  # what the sums above err by
        poles = [c if abs(c) > least * radius**k else mp.mpf(0) for k, c in enumerate(poles, 1)]
        for h in AROUND:
            _, error = self.as_written(h * scale, FLOAT_ERROR)
            size = sum(abs(c) * (h * scale) ** -k for k, c in enumerate(poles, 1))
            if size > error * 2.0**-53:
                return
        self.noise = poles

    def _noise_at(self, x: Any) -> Any:
        return sum(c * x**-k for k, c in enumerate(self.noise, 1))

    def values(self, x: Any, of_floats: int = 0) -> dict[Expr, tuple[Any, Any]]:
        """Value and error of every node."""
        mp = self.mp
        x = mp.convert(1 / x if self.far else x)
        known = {self.u: (x, mp.mpf(0))}
        squares = square_of(self.u)
        known |= {s: (x**2, abs(x) ** 2) for s in squares}
        for node in self.order:
            if node.op is POW and any(node.args[0] is s for s in squares):
                known[node] = self._power(known[self.u], 2 * value_of(node.args[1]))
            elif node.op is ADD:
                known[node] = sum_of([known[a] for a in node.args])
            elif node.op is MUL:
                known[node] = product_of([known[a] for a in node.args])
            elif node.op is POW and node.args[0] in known:
                known[node] = self._of_power(node, known)
            elif node.op in HELD:
                known[node] = HELD[node.op]([known[a] for a in node.args], key=itemgetter(0))
            elif node.op in FUNCTIONS:
                known[node] = self._function(self._known(node), *known[node.args[0]])
            else:
                value = self._number(node)
                rounded = isinstance(value_of(node), float)
                known[node] = (value, abs(value) * of_floats if rounded else mp.mpf(0))
        return known

    def _known(self, node: Expr) -> Callable[[Any], Any]:
        """A function of mpmath's numbers."""
        known = FUNCTIONS[node.op]
        if isinstance(known, str):
            return cast("Callable[[Any], Any]", getattr(self.mp, known))
        return lambda x: known(self.mp, x, *node.params)

    def _number(self, node: Expr) -> Any:
        if is_layout(node):
            node = node.args[0]
        if node.op is NAMED_NUMBER:
            return self.mp.pi + 0 if node.params.name == "pi" else self.mp.e + 0
        value = value_of(node)
        if isinstance(value, Fraction):
            return self.mp.mpf(value.numerator) / value.denominator
        return self.mp.mpf(value)

    def _power(self, base: tuple[Any, Any], n: Any) -> tuple[Any, Any]:
        value, error = base
        exponent = self.mp.mpf(n.numerator) / n.denominator if isinstance(n, Fraction) else n
        result = value**exponent
        relative = error / abs(value) if value else 0
        return result, (abs(exponent) * relative + 1) * abs(result)

    def _of_power(self, node: Expr, known: dict[Expr, tuple[Any, Any]]) -> tuple[Any, Any]:
        """A power with a number as its exponent, or as its base: ``b**w = exp(w*log(b))``."""
        n = value_of(node.args[1])
        if n is not None:
            return self._power(known[node.args[0]], n)
        (b, _), (w, error) = known[node.args[0]], known[node.args[1]]
        scale = self.mp.log(b)
        return self._function(self.mp.exp, scale * w, abs(scale) * error + abs(scale * w))

    def _function(self, function: Callable[[Any], Any], x: Any, error: Any) -> tuple[Any, Any]:
        if self.mp.mag(x) > LARGEST_ARGUMENT:  # sin(exp(1/x)): its digits are as many as 1/x
            raise OverflowError
        result = function(x)
        slope = 0
        if error:
            close = self.mp.mpf(2) ** -(self.mp.prec // 4)
            step = abs(x) * close or close
            slope = abs(function(x + step) - result) / step
        return result, abs(result) + slope * error

    def slope(self) -> Any:
        """The steepest slope at 0 of what functions are applied to; 1 if it is not known."""
        h = self.mp.mpf(2) ** -60
        at, twice = self.values(h), self.values(2 * h)
        slopes = [
            abs(twice[n.args[0]][0] - at[n.args[0]][0]) / h for n in self.order if n.op in FUNCTIONS
        ]
        bounded = [s for s in slopes if 2.0**-900 < s < 2.0**900]
        return max(bounded, default=self.mp.mpf(1))


def sum_of(parts: Sequence[tuple[Any, Any]]) -> tuple[Any, Any]:
    value = sum(v for v, _ in parts)
    if len(parts) == 1:
        return parts[0]
    return value, sum(e for _, e in parts) + abs(value)


def product_of(parts: Sequence[tuple[Any, Any]]) -> tuple[Any, Any]:
    value, relative = 1, 0
    for v, e in parts:
        value = value * v
        relative = relative + 1 + (e / abs(v) if v else 0)
    return value, relative * abs(value)


def is_real(value: Any) -> bool:
    return hasattr(value, "man_exp") and value == value and abs(value) < 2.0**1000
