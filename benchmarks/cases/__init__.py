"""All benchmarks, by family."""

from benchmarks.case import Case
from benchmarks.cases import arm, costs, hessians, learning, physics, points, solvers, variables

CASES: dict[str, Case] = {
    case.name: case
    for family in (points, arm, learning, physics, hessians, solvers, costs, variables)
    for case in family.CASES
}
