"""Sine and cosine of arrays by the tangent of the half angle, where accuracy may be traded for speed.

    t = tan(x/2),  r = 2/(1 + t*t),  sin(x) = t*r,  cos(x) = r - 1

NumPy computes the tangent with vector instructions where it takes sine and cosine entry by entry. The
absolute error is a few units of the last place of 1; the cosine loses relative accuracy at its zeros.
"""

from __future__ import annotations

from symgrad.expr.kinds import ADD, DIVIDE, MULTIPLY, SUBTRACT, Ufunc
from symgrad.program.ir import Program, Value

SIN, COS, TAN = Ufunc("sin"), Ufunc("cos"), Ufunc("tan")


def half_angles(p: Program) -> Program:
    """The program with sines and cosines by the tangent of the half angle."""
    q = p.emptied()
    image: list[Value] = []
    for instr in p.instrs:
        if instr.kind in (SIN, COS):
            image.append(_by_tangent(q, image[instr.args[0]], instr.kind == SIN))
        else:
            image.append(q.copied(instr, image))
    q.outputs = [image[v] for v in p.outputs]
    return q


def _by_tangent(q: Program, x: Value, sine: bool) -> Value:
    shape = q.instrs[x].shape
    half = q.emit(MULTIPLY, (q.literal(0.5), x), shape)
    t = q.emit(TAN, (half,), shape)
    square = q.emit(MULTIPLY, (t, t), shape)
    under = q.emit(ADD, (q.literal(1), square), shape)
    ratio = q.emit(DIVIDE, (q.literal(2), under), shape)
    if sine:
        return q.emit(MULTIPLY, (t, ratio), shape)
    return q.emit(SUBTRACT, (ratio, q.literal(1)), shape)
