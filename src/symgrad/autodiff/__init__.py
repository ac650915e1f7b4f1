"""Symbolic differentiation: reverse and forward accumulation on expression graphs."""

from symgrad.autodiff.derivatives import diff, grad, hessian, hvp, jacobian, jvp, vjp
from symgrad.autodiff.forward import pushforward
from symgrad.autodiff.reverse import pullback

__all__ = ["diff", "grad", "hessian", "hvp", "jacobian", "jvp", "pullback", "pushforward", "vjp"]
