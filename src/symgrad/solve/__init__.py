"""Newton solvers, compiled from formulas, and solutions as parts of formulas.

``newton_root``, ``newton_minimize`` and ``least_squares`` (`public`) check what they are asked (`problem`),
differentiate it, and generate code (`code`) that is run by a `Solver`:

- one problem in a scalar unknown, or in two to four, gets a loop on Python floats with its formulas and the
  elimination written in place (`loops`); what that does not solve, and arrays, it hands over;
- batches of equations get kernels, ufuncs that write into buffers, for `runtime.approach`;
- everything else gets functions for residuals and Jacobians, or value, gradient and Hessian, of one problem
  and, by `vmap`, of many; `runtime.calls` packs their blocks into matrices.

The modules of `runtime` are plain functions on arrays with an axis of problems, which finished ones leave.
They know NumPy only, but for the sparse ones. A saved solver is their source, followed by what was
generated (`modules`): the same text runs here and there.

========================  ==========================================================================
`runtime.approach`        full steps of a whole batch
`runtime.scalar`          damped steps, search for a sign change, steps inside it
`runtime.system`          trust region on ``|r + J p|``: roots of systems, least squares
`runtime.minimum`         trust region on a quadratic, by the spectrum of the Hessian
`runtime.elimination`     many small linear systems at once
`runtime.trust`           the subproblem of both, diagonal in singular vectors or eigenvectors
`runtime.large`           minima of many unknowns, whatever gives the steps
`runtime.conjugate`       steps by Hessian-vector products alone, with conjugate gradients
`runtime.sparse`          roots by SciPy's sparse factors, with a line search
`runtime.interior`        minima under equations and bounds, by a primal-dual interior point
`runtime.constrained`     the same to the last digits, with what is active
`runtime.sparse_minimum`  minima by SciPy's sparse factors, in a trust region
`runtime.arguments`       shapes, broadcasting and flattening of what is given
`runtime.results`         `Solution` and `Status`
========================  ==========================================================================

Around a solution: `conditions` are the equations that hold there, with their derivatives by unknowns and
parameters; `sensitivity` solves them for ``dx/dp``, and `path` follows them along a parameter, past folds.
"""

from symgrad.solve.constraints import Kkt, kkt, lagrangian
from symgrad.solve.fitting import least_squares
from symgrad.solve.path import Curve, Path
from symgrad.solve.public import newton_minimize, newton_root
from symgrad.solve.runtime.results import Constrained, Fit, Minimum, Solution, Status
from symgrad.solve.solver import Solver

__all__ = [
    "Constrained",
    "Curve",
    "Fit",
    "Kkt",
    "Minimum",
    "Path",
    "Solution",
    "Solver",
    "Status",
    "kkt",
    "lagrangian",
    "least_squares",
    "newton_minimize",
    "newton_root",
]
