"""What type checkers are to refuse: every statement is wrong, and nothing of it is run."""

import symgrad as sg

x, y = sg.symbols("x y")
f = sg.lambdify(x, x**2)
root = sg.newton_root(x**2 - 2, x)
fit = sg.least_squares([x - 1, x - 2], x)(1.0)
v = sg.variable(1.0)


def names_and_attributes() -> None:
    sg.gradient
    sg.special.lgama
    sg.linalg.determinant
    sg.fft.rft
    sg.optim.adam
    x.shap
    (x + 1).difff
    sg.sin(x).shap
    sg.grad(x, x).shap
    sg.hessian(x, [x])[0][0].shap
    f.sorce
    root.explian
    root(1.0).convergd
    fit.std_err
    v.dta
    (v * 2).dta
    sg.sum(v).backwards


def keywords() -> None:
    sg.symbol("x", postive=True)
    sg.symbols("x y", postive=True)
    sg.matrix("A", ("n", "n"), symetric=True)
    sg.sum(x, axs=0)
    sg.grad(x, x, as_simpy=True)
    sg.lambdify(x, x, bakend="native")
    sg.newton_root(x, x, metod="newton")
    sg.newton_minimize(x, x, inequals=x)
    sg.least_squares(x, x, los="huber")
    root(1.0, maxitr=3)


def values() -> None:
    sg.grad(x)
    sg.grad(x, "x")
    sg.grad(x, 2.0)
    sg.lambdify(x, x, backend="nativ")
    sg.newton_root(x, x, method="nwton")
    sg.newton_minimize(x, x, method="bfgs")
    sg.simplify(x, level="ful")
    x.name = "y"
