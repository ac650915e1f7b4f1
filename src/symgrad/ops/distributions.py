"""Densities and distribution functions in the names of `scipy.stats`, as formulas.

A distribution is its standard form, in ``z = (x - loc)/scale`` and its shapes; what loc and scale do to it,
and what holds outside of its support, is written once. Where a shape or the scale is not above 0 the result
is nan, as in SciPy; of symbols that are declared to be positive that is known and not asked.

Formulas: Johnson, Kotz and Balakrishnan, Continuous Univariate Distributions, and Johnson, Kemp and Kotz,
Univariate Discrete Distributions, in the parameters of `scipy.stats`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from symgrad.calls import checked
from symgrad.errors import ArgumentError, ShapeError
from symgrad.expr.dims import show_shape
from symgrad.expr.leaves import PI, number, value_of
from symgrad.expr.node import Expr
from symgrad.expr.ranges import range_of
from symgrad.ops import ufuncs as u
from symgrad.ops.elementwise import as_expr
from symgrad.ops.linalg import slogdet, solve
from symgrad.ops.products import dot
from symgrad.ops.select import where
from symgrad.ops.shapes import size

Formula = Callable[..., Any]
INF: Final = float("inf")
NAN: Final = float("nan")


def _logarithm(part: Formula, rest: Formula) -> Formula:
    """The logarithm of a probability near 1 by the rest."""

    def formula(*z: Any) -> Any:
        p = part(*z)
        return where(p < 0.5, u.log(p), u.log1p(-rest(*z)))

    return formula


class _Family:
    """What continuous and discrete distributions share: parameters, support, distribution functions."""

    own: tuple[str, ...] = ()

    def __init__(
        self,
        name: str,
        shapes: str,
        log_density: Formula,
        cdf: Formula,
        sf: Formula,
        *,
        support: tuple[Any, Any] = (-INF, INF),
        logcdf: Formula | None = None,
        logsf: Formula | None = None,
        unit: str = "",
    ) -> None:
        self.name = name
        self.shapes = tuple(shapes.split())
        self._log_density = log_density
        self._cdf = cdf
        self._sf = sf
        self._support = support
        self._logcdf = logcdf or _logarithm(cdf, sf)
        self._logsf = logsf or _logarithm(sf, cdf)
        self._unit = unit.split()  # shapes that are probabilities
        self.__doc__ = type(self).__doc__

    def __repr__(self) -> str:
        return f"<distribution {self.name}({', '.join(self.parameters)})>"

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names of what is given behind x: the shapes, then loc, and for continuous ones scale."""
        return (*self.shapes, *self.own)

    def _read(self, args: Sequence[Any], named: Mapping[str, Any]) -> dict[str, Expr]:
        if len(args) > len(self.parameters):
            raise ArgumentError(
                f"{self.name} takes {', '.join(self.parameters)} behind x; got {len(args)} values"
            )
        given = dict(zip(self.parameters, args, strict=False))
        for key, value in named.items():
            if key not in self.parameters or key in given:
                why = "is given twice" if key in given else "is unknown"
                raise ArgumentError(
                    f"{self.name}: {key!r} {why}; the parameters are {', '.join(self.parameters)}"
                )
            given[key] = value
        missing = [name for name in self.shapes if name not in given]
        if missing:
            raise ArgumentError(f"{self.name} needs {', '.join(missing)}")
        return {"loc": as_expr(0), "scale": as_expr(1)} | {k: as_expr(v) for k, v in given.items()}

    def _of(self, formula: Formula, x: Any, read: Mapping[str, Expr], outside: Any) -> Expr:
        """A formula of the standard form, with what holds below and above the support."""
        z = (as_expr(x) - read["loc"]) / read["scale"]
        shapes = [read[name] for name in self.shapes]
        low, high = [as_expr(end(*shapes) if callable(end) else end) for end in self._support]
        result = formula(z, *shapes)
        if value_of(high) != INF:
            result = where(z > high, outside[1], result)
        if value_of(low) != -INF:
            result = where(z < low, outside[0], result)
        for name in (*self.shapes, "scale"):
            result = self._checked(result, name, read[name])
        return as_expr(result)

    def _checked(self, result: Any, name: str, p: Expr) -> Any:
        """nan where a parameter is not one."""
        if name in self._unit:
            return where(u.logical_and(p >= 0, p <= 1), result, number(NAN))
        known = range_of(p)
        return result if known.positive else where(p > 0, result, number(NAN))

    @checked
    def cdf(self, x: Any, *args: Any, **kwds: Any) -> Expr:
        """The probability of x or less."""
        return self._of(self._cdf, x, self._read(args, kwds), (0, 1))

    @checked
    def sf(self, x: Any, *args: Any, **kwds: Any) -> Expr:
        """The probability of more than x, without the cancellation of ``1 - cdf``."""
        return self._of(self._sf, x, self._read(args, kwds), (1, 0))

    @checked
    def logcdf(self, x: Any, *args: Any, **kwds: Any) -> Expr:
        """The logarithm of `cdf`."""
        return self._of(self._logcdf, x, self._read(args, kwds), (-INF, 0))

    @checked
    def logsf(self, x: Any, *args: Any, **kwds: Any) -> Expr:
        """The logarithm of `sf`."""
        return self._of(self._logsf, x, self._read(args, kwds), (0, -INF))


class Continuous(_Family):
    """A distribution with a density, in the parameters of `scipy.stats`: shapes, then loc and scale.

    Methods ``logpdf, pdf, cdf, logcdf, sf, logsf`` take x and the parameters, by place or name, as SciPy's
    do, and give formulas. They raise ArgumentError for parameters that are unknown, missing or given twice.

    Examples
    --------
    >>> import symgrad as sg
    >>> x, mu = sg.symbols("x mu")
    >>> print(sg.diff(sg.stats.norm.logpdf(x, mu), mu))
    x - mu
    """

    own = ("loc", "scale")

    @checked
    def logpdf(self, x: Any, *args: Any, **kwds: Any) -> Expr:
        """The logarithm of the density."""
        read = self._read(args, kwds)
        formula = lambda *z: self._log_density(*z) - u.log(read["scale"])  # noqa: E731
        return self._of(formula, x, read, (-INF, -INF))

    @checked
    def pdf(self, x: Any, *args: Any, **kwds: Any) -> Expr:
        """The density."""
        read = self._read(args, kwds)
        formula = lambda *z: u.exp(self._log_density(*z)) / read["scale"]  # noqa: E731
        return self._of(formula, x, read, (0, 0))


class Discrete(_Family):
    """A distribution of whole numbers, in the parameters of `scipy.stats`: shapes, then loc.

    Methods ``logpmf, pmf, cdf, logcdf, sf, logsf`` take k and the parameters, by place or name, as SciPy's
    do, and give formulas; no probability is at numbers that are not whole.

    Examples
    --------
    >>> import symgrad as sg
    >>> k = sg.symbol("k", dtype=int)
    >>> f = sg.lambdify(k, sg.stats.binom.pmf(k, 4, 0.5))
    >>> print(round(f(2), 12))
    0.375
    """

    own = ("loc",)

    @checked
    def logpmf(self, k: Any, *args: Any, **kwds: Any) -> Expr:
        """The logarithm of the probability of k."""
        read = self._read(args, kwds)
        found = self._of(self._log_density, k, read, (-INF, -INF))
        return self._where_whole(k, read, found, -INF)

    @checked
    def pmf(self, k: Any, *args: Any, **kwds: Any) -> Expr:
        """The probability of k."""
        read = self._read(args, kwds)
        found = self._of(lambda *z: u.exp(self._log_density(*z)), k, read, (0, 0))
        return self._where_whole(k, read, found, 0)

    def _where_whole(self, k: Any, read: Mapping[str, Expr], found: Expr, other: Any) -> Expr:
        z = as_expr(k) - read["loc"]
        if z.dtype.kind in "iu":
            return found
        return where(u.equal(z, u.floor(z)), found, other)


class MultivariateNormal:
    """The normal distribution of vectors, with ``logpdf`` and ``pdf``, as SciPy has it.

    Examples
    --------
    >>> import symgrad as sg
    >>> v, m = sg.vector("v", 2), sg.vector("m", 2)
    >>> print(sg.grad(sg.stats.multivariate_normal.logpdf(v, m), m))
    v - m
    """

    @checked
    def logpdf(self, x: Any, mean: Any = None, cov: Any = 1) -> Expr:
        """The logarithm of the density of a vector: mean zeros, covariance the identity if not given.

        Raises
        ------
        ShapeError
            If `x` is no vector, or shapes do not fit.
        ArgumentError
            If neither a mean nor a covariance matrix is given: SciPy takes `x` for numbers then.
        """
        v = as_expr(x)
        if v.ndim != 1:
            raise ShapeError(f"multivariate_normal is of a vector, got shape {show_shape(v.shape)}")
        r = v if mean is None else v - as_expr(mean)
        c, n = as_expr(cov), size(r)
        if mean is None and c.ndim == 0:
            raise ArgumentError(
                "multivariate_normal needs a mean or a matrix cov=, which say how many axes there are"
            )
        constant = n * u.log(2 * PI)
        if c.ndim == 0:
            return -(dot(r, r) / c + n * u.log(c) + constant) / 2
        spread = dot(r, solve(c, r)) + slogdet(c)[1]
        return -(spread + constant) / 2

    @checked
    def pdf(self, x: Any, mean: Any = None, cov: Any = 1) -> Expr:
        """The density of a vector."""
        return u.exp(self.logpdf(x, mean, cov))
