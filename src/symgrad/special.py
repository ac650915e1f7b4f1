"""Special functions in the names of `scipy.special`, and nothing else."""

from symgrad.ops.special import *  # noqa: F403  the names of its __all__
from symgrad.ops.special import __all__  # noqa: F401  they are the names of this module too
