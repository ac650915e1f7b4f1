"""Sessions of checks: ``nox`` runs all, ``nox -s tests`` those of one name.

An interpreter that is not installed is skipped, and said to be.
"""

import nox

PYTHONS = ["3.11", "3.12", "3.13", "3.14"]
NUMPYS = ["numpy==2.0.*", "numpy"]
nox.options.default_venv_backend = "venv"
nox.options.error_on_missing_interpreters = False
nox.options.sessions = ["lint", "types", "tests", "without_scipy", "docs"]


@nox.session(python=PYTHONS)
@nox.parametrize("numpy", NUMPYS, ids=["numpy2.0", "newest"])
def tests(session: nox.Session, numpy: str) -> None:
    """The suite, on the oldest NumPy that is supported and on the newest."""
    if numpy != "numpy" and session.python in ("3.13", "3.14"):
        session.skip(f"NumPy 2.0 has no wheel for Python {session.python}")
    session.install("-e", ".[test]", numpy)
    session.run("pytest", "-q", "-n", "auto", *session.posargs)


@nox.session
def without_scipy(session: nox.Session) -> None:
    """What needs NumPy, SymPy and opt_einsum alone: the package imports, and the command answers."""
    session.install(".", "numpy")
    session.run("python", "-c", "import symgrad, sys; assert 'scipy' not in sys.modules")
    session.run("symgrad", "diff", "x**4 - 2*x**2", "x")
    session.run("symgrad", "newton", "x**2 - 2", "x", "--x0", "1")


@nox.session
def lint(session: nox.Session) -> None:
    """Format and lint."""
    session.install("ruff>=0.5")
    session.run("ruff", "format", "--check", ".")
    session.run("ruff", "check", ".")


@nox.session
def types(session: nox.Session) -> None:
    """Types."""
    session.install("-e", ".[test]")
    session.run("mypy")


@nox.session
def docs(session: nox.Session) -> None:
    """The pages, where a warning is an error."""
    session.install("-e", ".[docs]")
    session.run("sphinx-build", "-q", "-W", "--keep-going", "docs", "docs/_build")


@nox.session
def slow(session: nox.Session) -> None:
    """The longer tests: 10,000 random graphs among them."""
    session.install("-e", ".[test]")
    session.run("pytest", "-q", "-n", "auto", "-m", "slow", *session.posargs)


@nox.session
def benchmarks(session: nox.Session) -> None:
    """The short form of the benchmarks, against all peers."""
    session.install("-e", ".[bench,test]")
    session.run("python", "-m", "benchmarks", "--quick", *session.posargs)
