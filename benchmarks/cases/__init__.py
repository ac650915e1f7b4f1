"""All benchmarks, by family."""

from benchmarks.case import Case
from benchmarks.cases import (
    arm,
    costs,
    hessians,
    learning,
    models,
    physics,
    points,
    solvers,
    variables,
)

CASES: dict[str, Case] = {
    case.name: case
    for family in (points, arm, learning, models, physics, hessians, solvers, costs, variables)
    for case in family.CASES
}
