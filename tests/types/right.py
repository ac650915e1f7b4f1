"""What type checkers are to know: every line is right, and every type is the one it has when it runs."""

from typing import assert_type

import numpy as np

import symgrad as sg
from symgrad.expr.formulas import Formulas

x, y = sg.symbols("x y", positive=True)
a = sg.symbols("a")
A, b = sg.matrix("A", ("n", "n"), symmetric=True), sg.vector("b", "n")
assert_type(x, sg.Expr)
assert_type(a, sg.Expr)

# operators and functions, of expressions, numbers and arrays
assert_type(2 * x + y**2 / 3 - -x, sg.Expr)
assert_type(np.ones(3) * x, sg.Expr)
assert_type(b @ A @ b, sg.Expr)
assert_type(A.T[0].sum() + A.trace(), sg.Expr)
assert_type(sg.sin(x), sg.Expr)
assert_type(sg.sum(b**2, axis=0), sg.Expr)
assert_type(sg.where(x > 0, x, 0), sg.Expr)
assert_type(sg.linalg.det(A), sg.Expr)
assert_type(sg.special.jv(1, x), sg.Expr)
assert_type(sg.parse("x**2"), sg.Expr)
assert_type(sg.simplify(x), sg.Expr)
assert_type(sg.substitute([x, y], {x: 1.0}), list[sg.Expr])

# derivatives: an expression gives an expression, a list a list
f = x**2 * y
assert_type(sg.grad(f, x), sg.Expr)
assert_type(sg.grad(f, [x, y]), Formulas[sg.Expr])
assert_type(sg.hessian(f, x), sg.Expr)
assert_type(sg.hessian(f, [x, y])[0][1], sg.Expr)
assert_type(sg.jacobian(b, b), sg.Expr)
assert_type(sg.jacobian([f, x], [x, y])[0][1], sg.Expr)
assert_type(sg.diff(f, x, 2), sg.Expr)
assert_type(sg.diff(f, (x, 2), y), sg.Expr)
assert_type(f.diff(x), sg.Expr)
assert_type(sg.hvp(b @ A @ b, b, b), sg.Expr)
assert_type(sg.taylor(sg.exp(x), x), sg.Expr)
assert_type(sg.latex(f), str)

# compiled functions
compiled = sg.lambdify([x, y], [f, *sg.grad(f, [x, y])], backend="numpy", threads=1)
assert_type(compiled, sg.CompiledFunction)
assert_type(compiled.source, str)
assert_type(sg.lambdify([x, [y, a]], f * a), sg.NestedFunction)
assert_type(sg.lambdify(b, sg.hessian(b @ b, b), structured=True), sg.AssembledFunction)

# solvers, and what they give
root = sg.newton_root(x**2 - a, x, a)
assert_type(root, sg.Solver[sg.Solution])
found = root(1.0, [4.0, 9.0], tol=1e-12, raise_on_failure=True)
assert_type(found, sg.Solution)
print(found.x[0], found.converged.all(), found.iterations, found.residual, found.status)
least = sg.newton_minimize((x - 1) ** 2, x)(2.0)
assert_type(least, sg.Minimum)
print(least.value, least.curvature, least.stderr)
bound = sg.newton_minimize(x**2 + y**2, [x, y], equal=x + y - 2)([1.0, 2.0])
assert_type(bound, sg.Constrained)
print(bound.multipliers.equal, bound.violation)
fit = sg.least_squares([x - 1, x - 2], x)(1.0)
assert_type(fit, sg.Fit)
print(fit.stderr, fit.covariance, fit.dof)
assert_type(root.path(2.0, a, [4.0, 1.0]), sg.Path)

# Variables
v = sg.variable([1.0, 2.0])
assert_type(v, sg.Variable)
loss = sg.sum((2 - v) ** 2) + sg.exp(v).mean()
assert_type(loss, sg.Variable)
loss.backward()
assert_type(sg.grad(loss, v), sg.Variable)
assert_type(sg.grad(loss, [v]), list[sg.Variable])
assert_type(sg.where(True, v, 0), sg.Variable)

# NumPy's functions, object arrays, names, and numbers of one problem
np.sin(x) + np.exp(b)
assert_type(sg.jacobian(np.array([x, y]), [x, y])[0], sg.Expr)
print({x.name: 1.0}["x"], round(root(1.0, 4.0).x, 6), v.grad.data)
assert_type(sg.cross_entropy(v, 0), sg.Variable)
