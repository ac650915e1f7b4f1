"""Thirty-four textbook formulas with their derivatives, as LaTeX and as a page of pictures.

``python examples/gallery.py`` prints them as text. ``python examples/gallery.py --out DIRECTORY`` writes
``gallery.tex`` there, and, where LaTeX (`pdflatex`) and Poppler (`pdftoppm`) are installed, the PDF, a
picture of each formula and ``index.html``, the page that shows them.
"""

import argparse
import html
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import symgrad as sg

Lines = list[tuple[str, object]]  # what stands left of the equals sign, as LaTeX, and the formula
GALLERY: dict[str, Callable[[], Lines]] = {}


def shown(title: str) -> Callable[[Callable[[], Lines]], Callable[[], Lines]]:
    """Hang a function's formulas in the gallery."""

    def hang(lines: Callable[[], Lines]) -> Callable[[], Lines]:
        GALLERY[title] = lines
        return lines

    return hang


def positive(names: str) -> list[sg.Expr]:
    """Symbols that are greater than zero."""
    return [sg.symbol(name, positive=True) for name in names.split()]


def partial(f: str, *by: str) -> str:
    r"""``\frac{\partial^2 f}{\partial x \partial y}``"""
    order = f"^{len(by)}" if len(by) > 1 else ""
    below = (
        rf"\partial {by[0]}^{len(by)}"
        if len(set(by)) < len(by)
        else r"\, ".join(rf"\partial {x}" for x in by)
    )
    return rf"\frac{{\partial{order} {f}}}{{{below}}}"


# Mechanics


@shown("Double pendulum")
def double_pendulum() -> Lines:
    t, g = sg.symbols("t g")
    m1, m2, l1, l2 = positive("m_1 m_2 l_1 l_2")
    theta1, theta2 = sg.function("theta_1")(t), sg.function("theta_2")(t)
    x1, y1 = l1 * sg.sin(theta1), -l1 * sg.cos(theta1)
    x2, y2 = x1 + l2 * sg.sin(theta2), y1 - l2 * sg.cos(theta2)
    kinetic = sum(
        m / 2 * (x.diff(t) ** 2 + y.diff(t) ** 2) for m, x, y in ((m1, x1, y1), (m2, x2, y2))
    )
    motion = sg.euler_lagrange(sg.simplify(kinetic - g * (m1 * y1 + m2 * y2)), [theta1, theta2], t)
    return [
        ("L", sg.simplify(kinetic - g * (m1 * y1 + m2 * y2))),
        ("M", motion.mass_matrix),
        (r"\mathbf{0}", motion.equations),
    ]


@shown("Kepler orbit")
def kepler() -> Lines:
    E, M, e, a, theta = sg.symbols("E M e a theta")
    anomaly = sg.implicit(E - e * sg.sin(E) - M, E, [M, e])
    r = a * (1 - e**2) / (1 + e * sg.cos(theta))
    return [
        ("r", r),
        (r"\frac{dr}{d\theta}", sg.diff(r, theta)),
        (partial("E", "M"), sg.diff(anomaly, M)),
        (partial("E", "e"), sg.diff(anomaly, e)),
    ]


@shown("Lennard-Jones potential")
def lennard_jones() -> Lines:
    epsilon, sigma, r = positive("epsilon sigma r")
    V = 4 * epsilon * ((sigma / r) ** 12 - (sigma / r) ** 6)
    return [("V", V), ("V'", sg.diff(V, r)), ("V''", sg.diff(V, r, 2))]


@shown("Morse potential")
def morse() -> Lines:
    D, a, r, r0 = positive("D a r r_0")
    V = D * (1 - sg.exp(-a * (r - r0))) ** 2
    return [("V", V), ("V'", sg.diff(V, r)), ("V''", sg.diff(V, r, 2))]


@shown("Catenary")
def catenary() -> Lines:
    x, a = sg.symbol("x"), sg.symbol("a", positive=True)
    y = a * sg.cosh(x / a)
    return [
        ("y", y),
        ("y'", sg.diff(y, x)),
        ("y''", sg.diff(y, x, 2)),
        (partial("y", "a"), sg.diff(y, a)),
    ]


@shown("Relativistic momentum")
def momentum() -> Lines:
    m, v, c = positive("m v c")
    gamma = sg.named(1 / sg.sqrt(1 - v**2 / c**2), "gamma")
    p = gamma * m * v
    return [("p", p), (r"\frac{dp}{dv}", sg.diff(p, v)), (r"\frac{d^2p}{dv^2}", sg.diff(p, v, 2))]


@shown("Effective potential of Schwarzschild's metric")
def schwarzschild() -> Lines:
    r, rs, L, c = positive("r r_s L c")
    V = (1 - rs / r) * (c**2 + L**2 / r**2)
    return [("V", V), ("V'", sg.diff(V, r)), ("V''", sg.diff(V, r, 2))]


# Waves and light


@shown("Planck's law")
def planck() -> Lines:
    h, nu, c, k, T = positive("h nu c k_B T")
    B = 2 * h * nu**3 / c**2 / (sg.exp(h * nu / (k * T)) - 1)
    return [("B", B), (partial("B", r"\nu"), sg.diff(B, nu)), (partial("B", "T"), sg.diff(B, T))]


@shown("Breit-Wigner resonance")
def breit_wigner() -> Lines:
    E, E0, Gamma = positive("E E_0 Gamma")
    sigma = (Gamma / 2) ** 2 / ((E - E0) ** 2 + (Gamma / 2) ** 2)
    return [
        (r"\sigma", sigma),
        (partial(r"\sigma", "E"), sg.diff(sigma, E)),
        (partial(r"\sigma", r"\Gamma"), sg.diff(sigma, Gamma)),
    ]


@shown("Thin lens")
def thin_lens() -> Lines:
    f, u = positive("f u")
    v = 1 / (1 / f - 1 / u)
    return [
        ("v", sg.simplify(v)),
        (partial("v", "u"), sg.diff(v, u)),
        (partial("v", "f"), sg.diff(v, f)),
        (partial("v", "u", "u"), sg.diff(v, u, 2)),
    ]


@shown("Fresnel's reflection")
def fresnel() -> Lines:
    n, theta = sg.symbol("n", positive=True), sg.symbol("theta")
    s = sg.named(sg.sqrt(n**2 - sg.sin(theta) ** 2), "s")
    r = (sg.cos(theta) - s) / (sg.cos(theta) + s)
    return [
        ("r", r),
        (r"\frac{dr}{d\theta}", sg.diff(r, theta)),
        (partial("r", "n"), sg.diff(r, n)),
    ]


@shown("Impedance of a resonant circuit")
def impedance() -> Lines:
    R, L, C, omega = positive("R L C omega")
    Z = sg.sqrt(R**2 + (omega * L - 1 / (omega * C)) ** 2)
    return [
        ("Z", Z),
        (partial("Z", r"\omega"), sg.diff(Z, omega)),
        (partial("Z", "R"), sg.diff(Z, R)),
    ]


# Heat and matter


@shown("Van der Waals gas")
def van_der_waals() -> Lines:
    R, T, V, a, b = positive("R T V a b")
    p = R * T / (V - b) - a / V**2
    return [
        ("p", p),
        (partial("p", "V"), sg.diff(p, V)),
        (partial("p", "V", "V"), sg.diff(p, V, 2)),
        (partial("p", "T"), sg.diff(p, T)),
    ]


@shown("Maxwell-Boltzmann distribution")
def maxwell_boltzmann() -> Lines:
    m, k, T, v = positive("m k_B T v")
    f = (
        4
        * sg.pi
        * (m / (2 * sg.pi * k * T)) ** sg.constant(1.5)
        * v**2
        * sg.exp(-m * v**2 / (2 * k * T))
    )
    return [("f", f), (r"\frac{df}{dv}", sg.diff(f, v)), (partial("f", "T"), sg.diff(f, T))]


@shown("Fermi-Dirac distribution")
def fermi_dirac() -> Lines:
    E, mu = sg.symbols("E mu")
    k, T = positive("k_B T")
    f = 1 / (sg.exp((E - mu) / (k * T)) + 1)
    return [("f", f), (partial("f", "E"), sg.diff(f, E)), (partial("f", "T"), sg.diff(f, T))]


@shown("Arrhenius' law")
def arrhenius() -> Lines:
    A, E, R, T = positive("A E_a R T")
    k = A * sg.exp(-E / (R * T))
    return [
        ("k", k),
        (r"\frac{dk}{dT}", sg.diff(k, T)),
        (r"\frac{d \ln k}{dT}", sg.simplify(sg.diff(sg.log(k), T))),
    ]


@shown("Debye-Hückel law")
def debye_hueckel() -> Lines:
    A, B, a, z, ionic = positive("A B a z I")
    law = -A * z**2 * sg.sqrt(ionic) / (1 + B * a * sg.sqrt(ionic))
    return [
        (r"\log \gamma", law),
        (partial(r"\log \gamma", "I"), sg.diff(law, ionic)),
        (partial(r"\log \gamma", "a"), sg.diff(law, a)),
    ]


@shown("Michaelis-Menten kinetics")
def michaelis_menten() -> Lines:
    V, K, S = positive("V_max K_m S")
    v = V * S / (K + S)
    return [
        ("v", v),
        (partial("v", "S"), sg.diff(v, S)),
        (partial("v", "K_m"), sg.diff(v, K)),
        (partial("v", "S", "S"), sg.diff(v, S, 2)),
    ]


@shown("Hill equation")
def hill() -> Lines:
    L, K, n = positive("L K n")
    theta = L**n / (K**n + L**n)
    return [
        (r"\theta", theta),
        (partial(r"\theta", "L"), sg.diff(theta, L)),
        (partial(r"\theta", "n"), sg.diff(theta, n)),
    ]


# Finance


@shown("Black-Scholes and its Greeks")
def black_scholes() -> Lines:
    S, K, r, sigma, T = positive("S K r sigma T")
    N = sg.special.ndtr
    d1 = sg.named((sg.log(S / K) + (r + sigma**2 / 2) * T) / (sigma * sg.sqrt(T)), "d_1")
    d2 = sg.named(d1 - sigma * sg.sqrt(T), "d_2")
    C = S * N(d1) - K * sg.exp(-r * T) * N(d2)
    delta, vega = sg.diff(C, S), sg.diff(C, sigma)
    return [
        ("C", C),
        (r"\Delta", delta),
        (r"\Gamma", sg.diff(C, S, 2)),
        (r"\mathcal{V}", vega),
        (r"\Theta", -sg.diff(C, T)),
        (r"\rho", sg.diff(C, r)),
        (r"\text{vanna}", sg.diff(C, S, sigma)),
        (r"\text{volga}", sg.diff(C, sigma, 2)),
        (r"\text{charm}", -sg.diff(C, S, T)),
    ]


# Statistics


def regression() -> tuple[sg.Expr, sg.Expr, sg.Expr]:
    """The matrix of covariates, coefficients, and observations."""
    return sg.matrix("X", ("n", "k")), sg.vector("w", "k"), sg.vector("y", "n")


def loss_lines(loss: sg.Expr, w: sg.Expr) -> Lines:
    """A function, its gradient and its Hessian."""
    return [
        ("f", loss),
        (r"\nabla f", sg.grad(loss, w)),
        (r"\nabla^2 f", sg.hessian(loss, w)),
    ]


@shown("Ridge regression")
def ridge() -> Lines:
    X, w, y = regression()
    return loss_lines(sg.norm(X @ w - y) ** 2 + sg.symbol("lambda") * sg.norm(w) ** 2, w)


@shown("Logistic regression")
def logistic() -> Lines:
    X, w, y = regression()
    p = sg.named(sg.sigmoid(X @ w), "p")
    return loss_lines(-sg.sum(y * sg.log(p) + (1 - y) * sg.log(1 - p)), w)


@shown("Softmax regression")
def softmax() -> Lines:
    X, Y = sg.matrix("X", ("n", "k")), sg.matrix("Y", ("n", "c"))
    W, z = sg.matrix("W", ("k", "c")), sg.vector("z", "c")
    loss = -sg.sum(Y * sg.special.log_softmax(X @ W, axis=1))
    return [
        ("f", loss),
        (r"\nabla_W f", sg.grad(loss, W)),
        (partial(r"\operatorname{softmax}", "z"), sg.jacobian(sg.special.softmax(z), z)),
    ]


@shown("Poisson regression")
def poisson() -> Lines:
    X, w, y = regression()
    return loss_lines(sg.sum(sg.exp(X @ w) - y * (X @ w)), w)


@shown("Probit regression")
def probit() -> Lines:
    X, w, y = regression()  # y is 1 or -1
    loss = -sg.sum(sg.special.log_ndtr(y * (X @ w)))
    return loss_lines(loss, w)[:2]


@shown("Huber's loss")
def huber() -> Lines:
    X, w, y = regression()
    delta = sg.symbol("delta", positive=True)
    r = sg.named(X @ w - y, "r")
    loss = sg.sum(sg.where(sg.abs(r) < delta, r**2 / 2, delta * (sg.abs(r) - delta / 2)))
    return loss_lines(loss, w)


@shown("Cox's partial likelihood")
def cox() -> Lines:
    X, beta, d = sg.matrix("X", ("n", "k")), sg.vector("beta", "k"), sg.vector("d", "n")
    R = sg.matrix("R", ("n", "n"))  # R[i, j] is 1 where j is at risk when i fails
    f = d @ (X @ beta - sg.log(R @ sg.exp(X @ beta)))
    return [("f", f), (r"\nabla f", sg.grad(f, beta))]


@shown("Gaussian process")
def gaussian_process() -> Lines:
    K, y = sg.matrix("K", ("n", "n"), spd=True), sg.vector("y", "n")
    f = -(y @ sg.linalg.solve(K, y) + sg.linalg.logdet(K)) / 2
    return [
        (r"\log p", f),
        (partial(r"\log p", "K"), sg.grad(f, K)),
        (partial(r"\log p", "y"), sg.grad(f, y)),
        (partial(r"\log p", "y", "y"), sg.hessian(f, y)),
    ]


@shown("Multivariate normal distribution")
def normal() -> Lines:
    S, x, mu = sg.matrix("Sigma", ("n", "n"), spd=True), sg.vector("x", "n"), sg.vector("mu", "n")
    f = -((x - mu) @ sg.linalg.solve(S, x - mu) + sg.linalg.logdet(S)) / 2
    return [
        ("f", f),
        (r"\nabla_\mu f", sg.grad(f, mu)),
        (r"\nabla_\Sigma f", sg.grad(f, S)),
        (r"\nabla^2_\mu f", sg.hessian(f, mu)),
    ]


@shown("Factor analysis")
def factor_analysis() -> Lines:
    L, psi = sg.matrix("L", ("n", "k")), sg.vector("psi", "n")
    C = sg.matrix("C", ("n", "n"), symmetric=True)
    S = sg.named(L @ L.T + sg.diag(psi), "Sigma")
    f = sg.linalg.logdet(S) + sg.trace(sg.linalg.solve(S, C))
    return [("f", f), (r"\nabla_L f", sg.grad(f, L)), (r"\nabla_\psi f", sg.grad(f, psi))]


@shown("Principal components")
def principal_components() -> Lines:
    S, w = sg.matrix("S", ("n", "n"), symmetric=True), sg.vector("w", "n")
    X, W = sg.matrix("X", ("m", "n")), sg.matrix("W", ("n", "k"))
    quotient = w @ S @ w / (w @ w)
    error = sg.norm(X - X @ W @ W.T) ** 2
    return [
        ("R", quotient),
        (r"\nabla R", sg.grad(quotient, w)),
        ("f", error),
        (r"\nabla f", sg.grad(error, W)),
    ]


@shown("Matrix factorisation")
def matrix_factorisation() -> Lines:
    T, U, V = sg.matrix("T", ("m", "n")), sg.matrix("U", ("m", "k")), sg.matrix("V", ("n", "k"))
    f = sg.norm(T - U @ V.T) ** 2
    return [
        ("f", f),
        (r"\nabla_U f", sg.grad(f, U)),
        (r"\nabla_V f", sg.grad(f, V)),
        (r"\nabla^2_U f", sg.hessian(f, U)),
    ]


@shown("Divergence of a variational autoencoder")
def autoencoder() -> Lines:
    mu, s = sg.vector("mu", "n"), sg.vector("s", "n")  # s is the logarithm of the variance
    f = sg.sum(sg.exp(s) + mu**2 - 1 - s) / 2
    return [
        ("D", f),
        (r"\nabla_\mu D", sg.grad(f, mu)),
        (r"\nabla_s D", sg.grad(f, s)),
        (r"\nabla^2 D", sg.hessian(f, [mu, s])),
    ]


@shown("Rosenbrock's function")
def rosenbrock() -> Lines:
    x, y, a, b = sg.symbols("x y a b")
    f = (a - x) ** 2 + b * (y - x**2) ** 2
    return [
        ("f", f),
        (r"\nabla f", sg.grad(f, [x, y])),
        (r"\nabla^2 f", sg.hessian(f, [x, y])),
    ]


# The page


def text() -> str:
    """All formulas as text, and below them as LaTeX, where definitions stand once."""
    return "\n".join(line for title, lines in GALLERY.items() for line in _entry(title, lines()))


def _entry(title: str, lines: Lines) -> Iterator[str]:
    yield title
    for left, e in lines:
        yield f"  {plain(left)} = {e}"
    yield sg.latex(dict(lines), mode="align*")


def plain(left: str) -> str:
    r"""A left-hand side as text: ``\frac{\partial B}{\partial \nu}`` as ``dB/dnu``."""
    left = re.sub(r"\\frac\{(.*)\}\{(.*)\}", r"\1/\2", left)
    left = re.sub(r"\\partial(\^\d)? ?", r"d\1", left)
    left = re.sub(r"\\(text|operatorname|mathbf|mathcal)\{(.*?)\}", r"\2", left)
    return re.sub(r"\\[, ]|\\", "", left)


PREAMBLE = r"""\documentclass[12pt]{article}
\usepackage{amsmath, amssymb}
\hoffset=\dimexpr 8mm - 1in\relax
\voffset=\hoffset
\newbox\entry
\newcommand{\gallerypage}[1]{% a page of the height of what is on it
  \setbox\entry=\hbox{\begin{minipage}{230mm}#1\end{minipage}}%
  \pdfpagewidth=246mm
  \pdfpageheight=\dimexpr\ht\entry + \dp\entry + 16mm\relax
  \shipout\box\entry}
\begin{document}
"""


def document() -> str:
    """The gallery as a LaTeX document, a page for each formula."""
    pages = []
    for title, lines in GALLERY.items():
        rows = sg.latex(dict(lines()), mode="align*")
        pages.append(f"\\gallerypage{{\\textbf{{\\Large {title}}}\n{rows}}}")
    return PREAMBLE + "\n".join(pages) + "\n\\end{document}\n"


def page() -> str:
    """The page that shows the pictures."""
    width = len(str(len(GALLERY)))
    pictures = "\n".join(
        f'<img src="gallery-{number:0{width}}.png" alt="{html.escape(title)}">'
        for number, title in enumerate(GALLERY, start=1)
    )
    return (
        '<!doctype html><meta charset="utf-8"><title>symgrad: gallery</title>\n'
        "<style>img { display: block; width: 100%; border-bottom: 1px solid #ccc }</style>\n"
        f"{pictures}\n"
    )


def write(directory: Path) -> None:
    """The document, and what the installed programs make of it."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "gallery.tex").write_text(document(), encoding="utf-8")
    if shutil.which("pdflatex") is None:
        print(f"wrote {directory / 'gallery.tex'}; no pdflatex here to set it")
        return
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "gallery.tex"]
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stdout[-2000:])
    if shutil.which("pdftoppm") is None:
        print(f"wrote {directory / 'gallery.pdf'}; no pdftoppm here to make pictures of it")
        return
    subprocess.run(
        ["pdftoppm", "-png", "-r", "80", "gallery.pdf", "gallery"], cwd=directory, check=True
    )
    (directory / "index.html").write_text(page(), encoding="utf-8")
    print(f"wrote {directory / 'index.html'}")


def main() -> None:
    """The text, or the pictures in a directory."""
    parser = argparse.ArgumentParser(description="Textbook formulas and their derivatives.")
    parser.add_argument("--out", metavar="DIRECTORY", type=Path, help="write pictures there")
    given = parser.parse_args()
    if given.out is not None:
        write(given.out)
    else:
        print(text())


if __name__ == "__main__":
    main()
