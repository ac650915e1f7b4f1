"""The nonlinear regression sets of NIST StRD, each as a formula of residuals."""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

import symgrad as sg

DATA = Path(__file__).parents[1] / "data" / "nist.json"
NAMES = sorted(json.loads(DATA.read_text())["sets"])


@dataclass(frozen=True)
class Fit:
    """One set.

    Attributes
    ----------
    parameters : list of Expr
        Scalar symbols, b1, b2, ...
    residuals : Expr
        ``response - model``, a vector, one entry per observation.
    starts : tuple of list of float
        The start far from the solution, and the near one.
    certified, deviations : ndarray
        Certified parameters and their standard deviations.
    rss, residual_sd : float
        Certified residual sum of squares and residual standard deviation.
    """

    name: str
    parameters: list
    residuals: sg.Expr
    starts: tuple
    certified: np.ndarray
    deviations: np.ndarray
    rss: float
    residual_sd: float
    dof: int


@cache
def load(name):
    """The set of that name."""
    row = json.loads(DATA.read_text())["sets"][name]
    parameters = [sg.symbol(b) for b in row["params"]]
    arrays = {key: sg.constant(np.array(value)) for key, value in row["x"].items()}
    names = {b.name: b for b in parameters} | arrays | {"y": sg.constant(np.array(row["y"]))}
    residuals = sg.parse(row["response"], names) - sg.parse(row["model"], names)
    return Fit(
        name=name,
        parameters=parameters,
        residuals=residuals,
        starts=(row["start1"], row["start2"]),
        certified=np.array(row["certified"]),
        deviations=np.array(row["certified_sd"]),
        rss=row["certified_rss"],
        residual_sd=row["certified_residual_sd"],
        dof=row["dof"],
    )
