"""Why a function of NumPy's is not defined for expressions."""

from __future__ import annotations

from typing import Final

_COMPLEX: Final = "its results are complex, and expressions are real"
_LENGTH: Final = (
    "the length of its result depends on values, and shapes of formulas do not; take it of numbers"
)
_PLACE: Final = (
    "an expression is not changed in place; build the array with where, stack or concatenate"
)
_BINS: Final = (
    "counts in bins are piecewise constant, without a useful derivative; evaluate first, or add up"
    " where(condition, 1, 0)"
)
_BITS: Final = "it acts on the bits of integers, which have no derivative; take it of numbers"
_TEXT: Final = "it writes or reads numbers as text or bytes; evaluate first, or print the formula"
_MEMORY: Final = "a formula has no memory; evaluate first"
_REASONS: Final[dict[str, str]] = {
    _COMPLEX: "linalg.eig sort_complex",
    f"{_COMPLEX}; linalg.eigvalsh has the eigenvalues of symmetric matrices": "linalg.eigvals",
    f"{_COMPLEX}; all_roots and polynomial_roots have the real ones": "roots",
    _LENGTH: (
        "unique unique_all unique_counts unique_inverse unique_values union1d intersect1d setdiff1d"
        " setxor1d nonzero flatnonzero argwhere trim_zeros"
    ),
    _PLACE: "put place putmask copyto fill_diagonal put_along_axis",
    _BINS: "histogram histogram2d histogramdd histogram_bin_edges bincount",
    _BITS: (
        "packbits unpackbits bitwise_count left_shift right_shift bitwise_left_shift bitwise_right_shift"
        " gcd lcm"
    ),
    _TEXT: (
        "save savez savez_compressed savetxt array_repr array_str array2string fromstring frombuffer"
        " datetime_as_string"
    ),
    _MEMORY: "may_share_memory shares_memory",
    "it computes with places of entries, which have no derivative; take it of numbers": (
        "ix_ ravel_multi_index unravel_index"
    ),
    "the order of contraction is chosen when code is made; explain() of a compiled function tells it": (
        "einsum_path"
    ),
    "expressions are numbers, not dates": "busday_count busday_offset is_busday isnat",
    "of a slice that is all nan there is none, and a formula cannot raise; write argmax or argmin of"
    " where(isnan(x), -inf, x), or inf": "nanargmax nanargmin",
    "order by several keys is not defined; write argsort of one": "lexsort",
    "which entries are in a set is equality of floats; write any(x[:, None] == values, axis=1)": "isin",
    "it checks types; expressions have shape and dtype": (
        "result_type can_cast common_type isdtype min_scalar_type"
    ),
}
REASONS: Final = {name: reason for reason, names in _REASONS.items() for name in names.split()}
