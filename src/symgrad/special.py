"""Special functions in the names of `scipy.special`, and nothing else."""

from typing import TYPE_CHECKING

from symgrad.ops.special import *  # noqa: F403  the names of its __all__
from symgrad.ops.special import __all__
from symgrad.suggestions import room as _room

if not TYPE_CHECKING:  # to which any name would be right
    __getattr__, __dir__ = _room(__name__, __all__)
