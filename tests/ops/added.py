"""The ops that the documentation adds as an example: what holds for the library's own holds for them."""

import contextlib
import io
import re
from pathlib import Path

from tests.ops.case import Operand, case

PAGE = Path(__file__).parents[2] / "docs" / "how_to" / "add_an_operation.md"


def example():
    """The names of the documentation's example of new ops."""
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    (code,) = [block for block in blocks if "= Op(" in block]
    names = {}
    with contextlib.redirect_stdout(io.StringIO()):
        exec(code, names)
    return names


NAMES = example()
softsign, differences = NAMES["softsign"], NAMES["differences"]
ADDED = (softsign, NAMES["DIFFERENCES"])
ADDED_CASES = [
    case(
        "differences",
        lambda xp, x: differences(x),
        Operand("m n"),
        reference=lambda x: x[..., 1:] - x[..., :-1],
        dtypes="fi",
    )
]
