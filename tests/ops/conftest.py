"""The ops that the documentation adds are ops of the library here: pickles find them, and so do costs."""

import pytest
from tests.ops.added import ADDED

from symgrad.ops.table import OPS
from symgrad.program.cost import costs


@pytest.fixture(scope="package", autouse=True)
def _with_added_ops():
    with pytest.MonkeyPatch.context() as patch:
        for op in ADDED:
            patch.setitem(OPS, op.name, op)
        costs.cache_clear()
        yield
    costs.cache_clear()
